## Todos os textos do bot em português. Um idioma é um arquivo como este; os testes comparam todos.

language-name = Português

# O que o Telegram mostra em sua lista de comandos.
command-start = Fazer um vídeo
command-history = Meus vídeos
command-settings = Idioma e preferências
command-cancel = Parar o que está em andamento
command-help = Como funciona
command-privacy = O que é guardado e como apagar

## O menu

greeting =
    👋 Olá! Eu transformo uma foto em um vídeo curto.

    Envie-me uma foto, ou toque no primeiro botão para escolher duração, tamanho e movimento.
button-make = 📸 Foto → vídeo
button-videos = 🎞 Meus vídeos
button-settings = ⚙️ Configurações
button-help = ❓ Ajuda
button-menu = ☰ Menu
button-back = ◀️ Voltar
help =
    📸 Envie uma foto e eu faço um vídeo dela: com as suas últimas escolhas, ou com as habituais.
    🗂 Envie como arquivo para ter a melhor qualidade: o Telegram reduz as fotos. O que é vertical continua vertical.
    🖼 Um álbum vira um vídeo para cada foto.

    /start – escolher duração, tamanho e movimento
    /history – seus vídeos: enviar de novo, apagar
    /settings – idioma e preferências
    /cancel – parar o que está em andamento
    /privacy – o que é guardado e como apagar

    Uma foto pode ter até { $megabytes } MB.

## Escolher

choose-duration = ⏱ Quanto deve durar o vídeo?
choose-resolution = 📐 Qual tamanho?
choose-motion = 🎥 Como a câmera deve se mover?
choose-higher = ⬆️ Qual tamanho?
send-photo =
    ✅ { $choice }

    Agora envie-me a foto. 📎 Como arquivo ela mantém toda a qualidade.
button-same = ↩️ Como da última vez: { $choice }
button-show-motions = 👀 Mostre-me
button-take-motion = ✅ Ficar com este
duration = { $seconds ->
    [one] { $seconds } segundo
   *[other] { $seconds } segundos
}
motion = { $name ->
    [MICRO] Deriva suave
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
status-waiting = ⏳ Esperando um lugar livre…
status-full-owner = ⏳ Você tem tantos vídeos em andamento quantos cabem de uma vez. Este começa sozinho quando um deles terminar.
status-full-queue = ⏳ Agora todos os lugares estão ocupados. O seu começa sozinho assim que houver um livre.
status-away = ⏳ O serviço de vídeo não responde agora. Continuo tentando.
status-queued = ⏳ Posição { $position }
status-queued-eta = ⏳ Posição { $position } · cerca de { $eta }
status-running = [{ $bar }] { $percent } %
status-stage = { $stage ->
    [PREPARING] Preparando a foto
    [LOADING_MODEL] Carregando o modelo
    [ENCODING_IMAGE] Olhando a foto
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
status-cancelling = ✋ Parando…
status-done = ✅ Pronto. Aqui está o seu vídeo.
status-resent = ✅ Enviado.
status-cancelled = ✋ Parado.
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
line-waiting = espera
line-queued = posição { $position }
line-running = { $percent } %
line-retrying = nova tentativa
line-sending = sendo enviado
line-done = pronto
line-cancelled = parado
line-gone = apagado
button-cancel = ✋ Cancelar
button-cancel-all = ✋ Cancelar tudo
button-retry = 🔁 Tentar de novo

cancel-nothing = Não há nada em andamento.
cancel-done = ✋ { $count ->
    [one] Parando { $count } vídeo.
   *[other] Parando { $count } vídeos.
}

## O vídeo

caption =
    🎬 { $choice }
    🎲 Semente { $seed }
button-again = 🔁 Outra vez
button-motion = 🎥 Outro movimento
button-higher = ⬆️ Maior resolução
button-download = 📥 Baixar
highest-already = Ele já tem a maior resolução.
too-large-link = 🎬 O seu vídeo está pronto. Com { $megabytes } MB ele é grande demais para ser enviado aqui; o botão baixa o arquivo.
too-large = 🎬 O seu vídeo está pronto, mas com { $megabytes } MB é grande demais para ser enviado aqui. Escolha uma resolução ou uma duração menor.

## Quando algo dá errado

failure = ❌ { $code ->
    [IMAGE_UNREADABLE] Não consigo ler a foto: o arquivo está danificado ou incompleto.
    [IMAGE_TOO_LARGE] A foto é grande demais.
    [IMAGE_TOO_SMALL] A foto é pequena demais.
    [UNSUPPORTED_FORMAT] Isto não é uma foto em um formato que eu conheça.
    [EXPIRED] A foto ou o vídeo já não é guardado.
    [NOT_FOUND] Este vídeo já não existe.
    [TIMEOUT] Demorou demais e foi interrompido.
    [OUT_OF_MEMORY] A máquina ficou sem memória.
    [NON_FINITE_OUTPUT] O modelo não conseguiu fazer nada com ela.
    [UNREACHABLE] O serviço de vídeo não responde.
    [UNAVAILABLE] O serviço de vídeo não responde.
    [ENGINE_UNAVAILABLE] Agora não há nada que possa criar vídeos.
    [QUEUE_FULL] Todos os lugares estão ocupados.
    [OWNER_LIMIT] Você tem tantos vídeos em andamento quantos cabem de uma vez.
    [PHOTO_GONE] O Telegram já não me dá esta foto.
   *[other] Algo deu errado do nosso lado.
}
cure = { $code ->
    [IMAGE_UNREADABLE] Envie o arquivo original, ou salve-o de novo como JPEG ou PNG.
    [IMAGE_TOO_LARGE] Envie uma menor.
    [IMAGE_TOO_SMALL] Envie uma com mais pixels.
    [UNSUPPORTED_FORMAT] Envie JPEG, PNG, WebP, AVIF, TIFF ou HEIC.
    [EXPIRED] Envie a foto de novo.
    [NOT_FOUND] Envie a foto de novo.
    [PHOTO_GONE] Envie a foto de novo.
    [TIMEOUT] Tente de novo, ou escolha um tamanho ou uma duração menor.
    [OUT_OF_MEMORY] Tente de novo, ou escolha um tamanho menor.
   *[other] Tente de novo um pouco mais tarde, por favor.
}
failure-uncounted = Nada disso conta contra você.
too-many = { $count ->
    [one] Tenho { $count } foto sua em mãos
   *[other] Tenho { $count } fotos suas em mãos
} e não aceito mais até que uma fique pronta. Envie as outras de novo depois, por favor.
photo-too-large = 🙏 Esta foto tem mais de { $megabytes } MB, e o Telegram não me dá arquivos assim. Envie uma menor, ou envie como foto e não como arquivo.
not-an-image = 🙏 Este arquivo não é uma foto. Aceito JPEG, PNG, WebP, AVIF, TIFF e HEIC.
got-sticker = 😊 Bela figurinha! Eu faço vídeos de fotos: envie-me uma.
got-video = 🎞 Isto já se move. Envie-me uma foto e eu a faço se mover.
got-audio = 🎧 Não consigo ouvir, só olhar: envie-me uma foto.
got-text = 🙂 Envie-me uma foto e eu faço um vídeo dela, ou toque em um botão.
got-other = 🙂 Com isto não posso fazer nada. Envie-me uma foto.
group = 👋 Só trabalho em conversas privadas. Escreva para mim: @{ $username }
not-allowed = 🔒 Este bot é privado. O seu número é { $user }; quem cuida do bot pode liberar você.
trouble = 😕 Algo deu errado do nosso lado. Tente de novo, por favor.
old-button = Este botão já não funciona. Comece de novo com /start, por favor.

## Meus vídeos

history-empty = 🎞 Você ainda não tem vídeos. Envie-me uma foto!
history = 🎞 Seus vídeos, do mais recente ao mais antigo. Toque em um número para ver um.
button-newer = ◀️ Mais recentes
button-older = Mais antigos ▶️
button-send = ▶️ Enviar de novo
button-delete = 🗑 Apagar
deleted = 🗑 Apagado.
state = { $status ->
    [QUEUED] ⏳ na fila
    [PROCESSING] ⏳ em andamento
    [RETRYING] 🔁 nova tentativa
    [COMPLETED] ✅ pronto
    [FAILED] ❌ falhou
    [CANCELLED] ✋ parado
   *[other] { $status }
}
state-expired = 🗂 já não é guardado
card =
    🎬 { $choice }
    🎲 Semente { $seed }
    🕑 { $when }
    { $state }

## Configurações

settings =
    ⚙️ Configurações

    🌍 Idioma: { $language }
    🎬 Uma foto sem mais palavras vira: { $choice }
    🖼 { $fit }
fit = { $name ->
    [COVER] A foto preenche o quadro; o que sobra é cortado
    [CONTAIN] A foto aparece inteira, sobre um fundo desfocado
   *[other] { $description }
}
button-language = 🌍 Idioma
button-defaults = 🎬 Duração, tamanho, movimento
button-fit = 🖼 { $name ->
    [COVER] Preencher o quadro
    [CONTAIN] Mostrar a foto inteira
   *[other] { $name }
}
button-reset = ↩️ Voltar ao habitual
choose-language = 🌍 Qual idioma?

## Privacidade

privacy =
    🔐 O que é guardado

    Suas fotos e seus vídeos: { $hours ->
        [one] { $hours } hora
       *[other] { $hours } horas
    } depois que o vídeo fica pronto; então são apagados.
    Um registro de cada vídeo (tempos e escolhas, sem imagem): { $days ->
        [one] { $days } dia
       *[other] { $days } dias
    }.
    No bot: o seu idioma, as suas últimas escolhas e o que está em andamento.
    O que está nesta conversa é guardado pelo Telegram, até que você o apague lá.
button-delete-all = 🗑 Apagar tudo o que é meu
delete-all-question = 🗑 Apagar todos os seus vídeos, fotos e configurações? Não dá para desfazer. O que está em andamento é interrompido.
button-delete-all-yes = Sim, apagar tudo
button-delete-all-no = Não, manter
delete-all-done = 🗑 Tudo o que é seu foi apagado: { $count ->
    [one] { $count } vídeo
   *[other] { $count } vídeos
}, fotos e configurações.
