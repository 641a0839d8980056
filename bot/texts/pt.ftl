## Todos os textos do bot em português. Um idioma é um arquivo como este; os testes comparam todos.

language-name = Português

# O que o Telegram mostra em sua lista de comandos.
command-start = Fazer um vídeo
command-history = Meus vídeos
command-settings = Idioma e preferências
command-cancel = Cancelar os vídeos em andamento
command-help = Como funciona
command-privacy = O que é guardado e como apagar

## O menu

greeting =
    👋 Olá! Eu transformo uma foto em um vídeo curto.

    Envie uma foto ou toque no primeiro botão para escolher duração, tamanho e movimento.
button-make = 📸 Foto → vídeo
button-videos = 🎞 Meus vídeos
button-settings = ⚙️ Configurações
button-help = ❓ Ajuda
button-menu = ☰ Menu
button-back = ◀️ Voltar
help =
    📸 Envie uma foto e eu faço um vídeo com ela: com as suas últimas escolhas ou com o padrão.
    🗂 Para a melhor qualidade, envie como arquivo: o Telegram reduz as fotos. O que é vertical continua vertical.
    🖼 Um álbum vira um vídeo para cada foto.

    /start – escolher duração, tamanho e movimento
    /history – seus vídeos: enviar de novo, apagar
    /settings – idioma e preferências
    /cancel – cancelar os vídeos em andamento
    /privacy – o que é guardado e como apagar

    Uma foto pode ter até { $megabytes } MB.

## Escolher

choose-duration = ⏱ Quanto tempo o vídeo deve durar?
choose-resolution = 📐 Qual tamanho?
portrait-sizes = 📱 Uma foto vertical vira um vídeo vertical, por exemplo { $size }.
choose-motion = 🎥 Como a câmera deve se mover?
choose-higher = ⬆️ Qual tamanho?
send-photo =
    ✅ { $choice }

    Agora envie a foto. 📎 Como arquivo, ela mantém toda a qualidade.
same-as-last-time = ↩️ Como da última vez: { $choice }
button-same = ↩️ { $seconds } s · { $choice }
button-show-motions = 👀 Ver exemplos
button-take-motion = ✅ Ficar com este
example-making = ⏳ Um momento, estou preparando o exemplo.
example-failed = 🙏 No momento não consigo mostrar este exemplo. Mesmo assim você pode escolher este movimento ou ver os outros.
duration = { $seconds ->
    [one] { $seconds } segundo
   *[other] { $seconds } segundos
}
motion = { $name ->
    [MICRO] Balanço suave
    [PAN_L] Giro para a esquerda
    [PAN_R] Giro para a direita
    [TILT_UP] Inclinação para cima
    [TILT_DOWN] Inclinação para baixo
    [DOLLY_IN] Aproximação
   *[other] { $name }
}
motion-about = { $name ->
    [MICRO] um balanço lento, como uma respiração; para retratos e closes
    [PAN_L] a câmera gira para a esquerda; para paisagens
    [PAN_R] a câmera gira para a direita; para paisagens
    [TILT_UP] a câmera se inclina para cima; para prédios
    [TILT_DOWN] a câmera se inclina para baixo; para vistas do alto
    [DOLLY_IN] a câmera se aproxima; para destacar algo
   *[other] { $description }
}

## Em andamento

status-fetching = ⏳ Recebendo a sua foto…
status-starting = ⏳ Começando…
status-away = ⏳ O serviço de vídeo não está respondendo. Continuo tentando.
status-telegram-away = ⏳ O Telegram não está me entregando a sua foto agora. Continuo tentando.
status-queued = ⏳ Posição { $position } na fila
status-queued-eta = ⏳ Posição { $position } na fila · cerca de { $eta }
status-running = [{ $bar }] { $percent } %
status-stage = { $stage ->
    [PREPARING] Preparando a foto
    [LOADING_MODEL] Carregando o modelo
    [ENCODING_IMAGE] Analisando a foto
    [DENOISING] Imaginando o movimento
    [DECODING] Criando quadros
    [INTERPOLATING] Acrescentando quadros intermediários
    [RENDERING] Movendo a câmera
    [ENCODING_VIDEO] Gravando o vídeo
   *[other] Criando o vídeo
}
status-stage-eta = { $stage } · faltam cerca de { $eta }
status-retrying = 🔁 Não deu certo. A { attempt } começa em { $eta }.
status-retrying-now = 🔁 Não deu certo. A { attempt } começa agora.
status-attempt = Esta é a { attempt }.
attempt = { $attempt ->
    [1] primeira tentativa de { $max }
    [2] segunda tentativa de { $max }
    [3] terceira tentativa de { $max }
   *[other] tentativa { $attempt } de { $max }
}
status-sending = 📤 Enviando o vídeo…
status-cancelling = ✋ Cancelando…
status-done = ✅ Pronto. Aqui está o seu vídeo.
status-resent = ✅ Enviado.
status-cancelled = ✋ Cancelado.
status-gone = 🗑 Este vídeo foi apagado.
status-album = 🖼 { $total ->
    [one] { $total } foto
   *[other] { $total } fotos
}: { $done ->
    [one] { $done } pronta
   *[other] { $done } prontas
}
eta-seconds = { $seconds } s
eta-minutes = { $minutes } min
line-waiting = esperando
line-running = { $percent } %
line-retrying = nova tentativa
line-sending = sendo enviado
line-done = pronto
line-cancelled = cancelado
line-gone = apagado
button-cancel = ✋ Cancelar
button-cancel-all = ✋ Cancelar tudo
button-retry = 🔁 Tentar de novo

cancel-nothing = Não há nenhum vídeo em andamento.
cancel-over = Este vídeo não está mais em andamento.
cancel-already = ✋ Já estou cancelando.
cancel-done = ✋ { $count ->
    [one] Cancelando { $count } vídeo.
   *[other] Cancelando { $count } vídeos.
}

## O vídeo

caption =
    🎬 { $choice }
    🎲 Semente { $seed }
caption-cropped = ✂️ Cortada para preencher o quadro
button-again = 🎲 Nova variação
button-motion = 🎥 Outro movimento
button-whole = 🖼 Foto inteira
button-higher = ⬆️ Maior resolução
button-download = 📥 Baixar
highest-already = O vídeo já está na maior resolução.
too-large-link = 🎬 O seu vídeo está pronto. Com { $megabytes } MB, ele é grande demais para enviar aqui; baixe pelo botão.
too-large = 🎬 O seu vídeo está pronto, mas com { $megabytes } MB é grande demais para enviar aqui. Escolha uma resolução ou uma duração menor.

## Quando algo dá errado

failure = ❌ { $code ->
    [IMAGE_UNREADABLE] Não consigo ler a foto: o arquivo está danificado ou incompleto.
    [IMAGE_TOO_LARGE] A foto é grande demais.
    [IMAGE_TOO_SMALL] A foto é pequena demais.
    [UNSUPPORTED_FORMAT] Isso não é uma foto em um formato que eu conheça.
    [EXPIRED] A foto ou o vídeo não está mais guardado.
    [NOT_FOUND] Este vídeo não existe mais.
    [TIMEOUT] Demorou demais e foi interrompido.
    [OUT_OF_MEMORY] A máquina ficou sem memória.
    [NON_FINITE_OUTPUT] O modelo não conseguiu fazer um vídeo desta foto.
    [UNREACHABLE] O serviço de vídeo não está respondendo.
    [TELEGRAM_AWAY] O Telegram não está me respondendo agora.
    [UNAVAILABLE] O serviço de vídeo não está respondendo.
    [ENGINE_UNAVAILABLE] No momento, nenhum renderizador está em execução.
    [QUEUE_FULL] Todas as vagas estão ocupadas.
    [OWNER_LIMIT] Não cabem mais vídeos seus ao mesmo tempo.
    [PHOTO_GONE] O Telegram não me entrega mais esta foto.
    [BAD_INPUT] O que foi escolhido não está mais disponível.
   *[other] Algo deu errado do nosso lado.
}
hint = { $code ->
    [IMAGE_UNREADABLE] Envie o arquivo original ou salve-o de novo como JPEG ou PNG.
    [IMAGE_TOO_LARGE] Envie uma menor.
    [IMAGE_TOO_SMALL] Envie uma com mais pixels.
    [UNSUPPORTED_FORMAT] Envie JPEG, PNG, WebP, AVIF, TIFF ou HEIC.
    [EXPIRED] Envie a foto de novo.
    [NOT_FOUND] Envie a foto de novo.
    [NON_FINITE_OUTPUT] Envie a foto de novo.
    [PHOTO_GONE] Envie a foto de novo.
    [BAD_INPUT] Escolha de novo a duração, o tamanho e o movimento com /start.
    [TIMEOUT] Tente de novo ou escolha um tamanho ou uma duração menor.
    [OUT_OF_MEMORY] Tente de novo ou escolha um tamanho menor.
   *[other] Tente de novo um pouco mais tarde, por favor.
}
failure-uncounted = Isso não conta para o seu limite.
too-many = Já estou trabalhando em { $count } das suas fotos. Envie mais quando uma ficar pronta, por favor.
flood = 🙏 Foi muita coisa de uma vez, e deixei uma parte de fora. Envie o resto de novo daqui a pouco, por favor.
photo-too-large = 🙏 Esta foto tem mais de { $megabytes } MB, e o Telegram não me entrega arquivos tão grandes. Envie uma menor, ou envie como foto e não como arquivo.
not-an-image = 🙏 Este arquivo não é uma foto. Aceito JPEG, PNG, WebP, AVIF, TIFF e HEIC.
got-sticker = 😊 Bela figurinha! Eu faço vídeos a partir de fotos: envie uma.
got-video = 🎞 Isso já se mexe. Envie uma foto e eu dou movimento a ela.
got-audio = 🎧 Não consigo ouvir, só ver: envie uma foto.
got-text = 🙂 Envie uma foto e eu faço um vídeo com ela, ou toque em um botão.
got-other = 🙂 Com isso não sei o que fazer, mas com fotos sim: envie uma e eu faço um vídeo com ela.
group = 👋 Só trabalho em conversas privadas. Fale comigo: @{ $username }
not-allowed = 🔒 Este bot é privado. O seu ID do Telegram é { $user }; quem administra o bot pode liberar o acesso.
trouble = 😕 Algo deu errado do nosso lado. Tente de novo, por favor.
old-button = Este botão não funciona mais. Comece de novo com /start, por favor.

## Meus vídeos

history-empty = 🎞 Você ainda não tem vídeos. Envie uma foto!
history = 🎞 Seus vídeos, do mais recente ao mais antigo. Toque em um número para ver os detalhes.
button-newer = ◀️ Mais recentes
button-older = Mais antigos ▶️
button-send = ▶️ Enviar de novo
button-delete = 🗑 Apagar
delete-question = 🗑 Apagar este vídeo?
button-delete-yes = Sim, apagar
button-delete-no = Não, manter
deleted = 🗑 Apagado.
state = { $status ->
    [QUEUED] ⏳ na fila
    [PROCESSING] ⏳ em andamento
    [RETRYING] 🔁 nova tentativa
    [COMPLETED] ✅ pronto
    [FAILED] ❌ falhou
    [CANCELLED] ✋ cancelado
   *[other] { $status }
}
state-expired = 🗂 não está mais guardado
card =
    🎬 { $choice }
    🎲 Semente { $seed }
    🕑 { $when }
    { $state }

## Configurações

settings =
    ⚙️ Configurações

    🌍 Idioma: { $language }
    🎬 Padrão para uma foto: { $choice }
    🖼 { $fit }
fit = { $name ->
    [AUTO] A foto preenche o quadro se pouco for cortado; senão, aparece inteira
    [COVER] A foto preenche o quadro; o que sobra é cortado
    [CONTAIN] A foto aparece inteira, sobre um fundo desfocado
   *[other] { $description }
}
button-language = 🌍 Idioma
button-defaults = 🎬 Duração, tamanho, movimento
button-fit = 🔀 { $name ->
    [AUTO] Mudar para: preencher só se pouco for cortado
    [COVER] Mudar para: preencher o quadro
    [CONTAIN] Mudar para: mostrar a foto inteira
   *[other] { $name }
}
button-reset = ↩️ Restaurar o padrão
choose-language = 🌍 Qual idioma?

## Privacidade

privacy =
    🔐 O que é guardado

    Suas fotos e seus vídeos: { $hours ->
        [one] { $hours } hora
       *[other] { $hours } horas
    } depois que o vídeo fica pronto; em seguida são apagados.
    Um registro de cada vídeo (datas e escolhas, sem imagens): { $days ->
        [one] { $days } dia
       *[other] { $days } dias
    }.
    No bot: o seu idioma, as suas últimas escolhas, os vídeos em andamento e, por um dia, os que falharam.
    O que está nesta conversa é guardado pelo Telegram até você apagar lá.
button-delete-all = 🗑 Apagar todos os meus dados
delete-all-question = 🗑 Apagar todos os seus vídeos, fotos e configurações? Não dá para desfazer. Os vídeos em andamento são cancelados.
button-delete-all-yes = Sim, apagar tudo
button-delete-all-no = Não, manter
delete-all-done = 🗑 Todos os seus dados foram apagados: { $count ->
    [one] { $count } vídeo
   *[other] { $count } vídeos
}, fotos e configurações.
