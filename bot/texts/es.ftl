## Todos los textos del bot en español. Un idioma es un archivo como este; las pruebas los comparan todos.

language-name = Español

# Lo que Telegram muestra en su lista de comandos.
command-start = Hacer un vídeo
command-history = Mis vídeos
command-settings = Idioma y preferencias
command-cancel = Cancelar los vídeos en curso
command-help = Cómo funciona
command-privacy = Qué se guarda y cómo borrarlo

## El menú

greeting =
    👋 ¡Hola! Convierto una foto en un vídeo corto.

    Envíame una foto o toca el primer botón para elegir duración, tamaño y movimiento.
button-make = 📸 Foto → vídeo
button-videos = 🎞 Mis vídeos
button-settings = ⚙️ Ajustes
button-help = ❓ Ayuda
button-menu = ☰ Menú
button-back = ◀️ Atrás
help =
    📸 Envíame una foto y haré un vídeo con ella, con lo último que elegiste o con lo predeterminado.
    🗂 Para la mejor calidad, envíala como archivo: Telegram reduce las fotos. Lo vertical sigue siendo vertical.
    🖼 De un álbum sale un vídeo por cada foto.

    /start – elegir duración, tamaño y movimiento
    /history – tus vídeos: volver a enviar, borrar
    /settings – idioma y preferencias
    /cancel – cancelar los vídeos en curso
    /privacy – qué se guarda y cómo borrarlo

    Una foto puede pesar hasta { $megabytes } MB.

## Elegir

choose-duration = ⏱ ¿Cuánto debe durar el vídeo?
choose-resolution = 📐 ¿De qué tamaño?
portrait-sizes = 📱 Una foto vertical da un vídeo vertical, por ejemplo { $size }.
choose-motion = 🎥 ¿Cómo debe moverse la cámara?
choose-higher = ⬆️ ¿De qué tamaño?
send-photo =
    ✅ { $choice }

    Ahora envíame la foto. 📎 Como archivo conserva toda su calidad.
same-as-last-time = ↩️ Como la última vez: { $choice }
button-same = ↩️ { $seconds } s · { $choice }
button-show-motions = 👀 Ver ejemplos
button-take-motion = ✅ Elegir este
example-making = ⏳ Un momento, estoy preparando el ejemplo.
example-failed = 🙏 Ahora mismo no puedo mostrar este ejemplo. Aun así puedes elegir este movimiento o ver los demás.
duration = { $seconds ->
    [one] { $seconds } segundo
   *[other] { $seconds } segundos
}
motion = { $name ->
    [MICRO] Balanceo suave
    [PAN_L] Giro a la izquierda
    [PAN_R] Giro a la derecha
    [TILT_UP] Inclinación hacia arriba
    [TILT_DOWN] Inclinación hacia abajo
    [DOLLY_IN] Acercamiento
   *[other] { $name }
}
motion-about = { $name ->
    [MICRO] un balanceo lento, como una respiración; para retratos y primeros planos
    [PAN_L] la cámara gira a la izquierda; para paisajes
    [PAN_R] la cámara gira a la derecha; para paisajes
    [TILT_UP] la cámara se inclina hacia arriba; para edificios
    [TILT_DOWN] la cámara se inclina hacia abajo; para vistas desde lo alto
    [DOLLY_IN] la cámara se acerca; para destacar algo
   *[other] { $description }
}

## En marcha

status-fetching = ⏳ Recibiendo tu foto…
status-starting = ⏳ Empezando…
status-away = ⏳ El servicio de vídeo no responde ahora mismo. Sigo intentándolo.
status-telegram-away = ⏳ Telegram no me entrega tu foto ahora mismo. Lo sigo intentando.
status-queued = ⏳ Puesto { $position } en la cola
status-queued-eta = ⏳ Puesto { $position } en la cola · aprox. { $eta }
status-running = [{ $bar }] { $percent } %
status-stage = { $stage ->
    [PREPARING] Preparando la foto
    [LOADING_MODEL] Cargando el modelo
    [ENCODING_IMAGE] Analizando la foto
    [DENOISING] Imaginando el movimiento
    [DECODING] Creando fotogramas
    [INTERPOLATING] Añadiendo fotogramas intermedios
    [RENDERING] Moviendo la cámara
    [ENCODING_VIDEO] Guardando el vídeo
   *[other] Creando el vídeo
}
status-stage-eta = { $stage } · aprox. { $eta }
status-retrying = 🔁 No ha funcionado. El { attempt } empieza dentro de { $eta }.
status-retrying-now = 🔁 No ha funcionado. El { attempt } empieza ahora.
status-attempt = Este es el { attempt }.
attempt = { $attempt ->
    [1] primer intento de { $max }
    [2] segundo intento de { $max }
    [3] tercer intento de { $max }
   *[other] intento { $attempt } de { $max }
}
status-sending = 📤 Enviando el vídeo…
status-cancelling = ✋ Cancelando…
status-done = ✅ Listo. Aquí tienes tu vídeo.
status-resent = ✅ Enviado.
status-cancelled = ✋ Cancelado.
status-gone = 🗑 Este vídeo se ha borrado.
status-album = 🖼 { $total ->
    [one] { $total } foto
   *[other] { $total } fotos
}: { $done ->
    [one] { $done } lista
   *[other] { $done } listas
}
eta-seconds = { $seconds } s
eta-minutes = { $minutes } min
line-waiting = en espera
line-running = { $percent } %
line-retrying = otro intento
line-sending = enviándose
line-done = listo
line-cancelled = cancelado
line-gone = borrado
button-cancel = ✋ Cancelar
button-cancel-all = ✋ Cancelar todo
button-retry = 🔁 Volver a intentarlo

cancel-nothing = No hay ningún vídeo en curso.
cancel-over = Este vídeo ya no está en curso.
cancel-already = ✋ Ya lo estoy cancelando.
cancel-done = ✋ { $count ->
    [one] Cancelando { $count } vídeo.
   *[other] Cancelando { $count } vídeos.
}

## El vídeo

caption =
    🎬 { $choice }
    🎲 Semilla { $seed }
caption-cropped = ✂️ Recortada para llenar el encuadre
button-again = 🎲 Otra variante
button-motion = 🎥 Otro movimiento
button-whole = 🖼 Foto entera
button-higher = ⬆️ Mayor resolución
button-download = 📥 Descargar
highest-already = Ya tiene la resolución más alta.
too-large-link = 🎬 Tu vídeo está listo. Pesa { $megabytes } MB, demasiado para enviarlo aquí; descárgalo con el botón.
too-large = 🎬 Tu vídeo está listo, pero pesa { $megabytes } MB, demasiado para enviarlo aquí. Elige una resolución más baja o una duración más corta.

## Cuando algo va mal

failure = ❌ { $code ->
    [IMAGE_UNREADABLE] La foto no se puede leer: el archivo está dañado o incompleto.
    [IMAGE_TOO_LARGE] La foto es demasiado grande.
    [IMAGE_TOO_SMALL] La foto es demasiado pequeña.
    [UNSUPPORTED_FORMAT] Esto no es una foto en un formato que conozca.
    [EXPIRED] La foto o el vídeo ya no está guardado.
    [NOT_FOUND] Este vídeo ya no existe.
    [TIMEOUT] Ha tardado demasiado y se ha interrumpido.
    [OUT_OF_MEMORY] La máquina se ha quedado sin memoria.
    [NON_FINITE_OUTPUT] El modelo no ha podido hacer un vídeo con esta foto.
    [UNREACHABLE] El servicio de vídeo no responde.
    [TELEGRAM_AWAY] Telegram no me responde ahora mismo.
    [UNAVAILABLE] El servicio de vídeo no responde.
    [ENGINE_UNAVAILABLE] Ahora mismo no hay ningún renderizador en marcha.
    [QUEUE_FULL] Todas las plazas están ocupadas.
    [OWNER_LIMIT] No caben más vídeos tuyos a la vez.
    [PHOTO_GONE] Telegram ya no me da esta foto.
    [BAD_INPUT] Lo que se eligió ya no está disponible.
   *[other] Algo ha fallado por nuestra parte.
}
hint = { $code ->
    [IMAGE_UNREADABLE] Envía el archivo original o guárdalo de nuevo como JPEG o PNG.
    [IMAGE_TOO_LARGE] Envía una más pequeña.
    [IMAGE_TOO_SMALL] Envía una con más píxeles.
    [UNSUPPORTED_FORMAT] Envía JPEG, PNG, WebP, AVIF, TIFF o HEIC.
    [EXPIRED] Vuelve a enviar la foto.
    [NOT_FOUND] Vuelve a enviar la foto.
    [NON_FINITE_OUTPUT] Vuelve a enviar la foto.
    [PHOTO_GONE] Vuelve a enviar la foto.
    [BAD_INPUT] Vuelve a elegir duración, tamaño y movimiento con /start.
    [TIMEOUT] Inténtalo de nuevo o elige un tamaño menor o una duración más corta.
    [OUT_OF_MEMORY] Inténtalo de nuevo o elige un tamaño menor.
   *[other] Inténtalo de nuevo un poco más tarde, por favor.
}
failure-uncounted = Esto no cuenta para tu límite.
too-many = Ya estoy trabajando en { $count } de tus fotos. Envía más cuando termine una, por favor.
flood = 🙏 Ha sido demasiado de una vez y he dejado fuera una parte. Envía el resto de nuevo en un momento, por favor.
photo-too-large = 🙏 Esta foto pesa más de { $megabytes } MB, y Telegram no me da archivos tan grandes. Envía una más pequeña, o envíala como foto y no como archivo.
not-an-image = 🙏 Este archivo no es una foto. Acepto JPEG, PNG, WebP, AVIF, TIFF y HEIC.
got-sticker = 😊 ¡Bonito sticker! Yo hago vídeos a partir de fotos: envíame una.
got-video = 🎞 Esto ya se mueve. Envíame una foto y le daré movimiento.
got-audio = 🎧 No puedo oír, solo ver: envíame una foto.
got-text = 🙂 Envíame una foto y haré un vídeo con ella, o toca un botón.
got-other = 🙂 Con esto no sé qué hacer, pero con las fotos sí: envíame una y haré un vídeo con ella.
group = 👋 Solo trabajo en chats privados. Escríbeme: @{ $username }
not-allowed = 🔒 Este bot es privado. Tu ID de Telegram es { $user }; quien administra el bot puede darte acceso.
trouble = 😕 Algo ha fallado por nuestra parte. Inténtalo de nuevo, por favor.
old-button = Este botón ya no funciona. Empieza de nuevo con /start, por favor.

## Mis vídeos

history-empty = 🎞 Todavía no tienes vídeos. ¡Envíame una foto!
history = 🎞 Tus vídeos, del más reciente al más antiguo. Toca un número para ver los detalles.
button-newer = ◀️ Más recientes
button-older = Más antiguos ▶️
button-send = ▶️ Volver a enviar
button-delete = 🗑 Borrar
delete-question = 🗑 ¿Borrar este vídeo?
button-delete-yes = Sí, borrarlo
button-delete-no = No, conservarlo
deleted = 🗑 Borrado.
state = { $status ->
    [QUEUED] ⏳ en espera
    [PROCESSING] ⏳ en curso
    [RETRYING] 🔁 nuevo intento
    [COMPLETED] ✅ listo
    [FAILED] ❌ fallido
    [CANCELLED] ✋ cancelado
   *[other] { $status }
}
state-expired = 🗂 ya no está guardado
card =
    🎬 { $choice }
    🎲 Semilla { $seed }
    🕑 { $when }
    { $state }

## Ajustes

settings =
    ⚙️ Ajustes

    🌍 Idioma: { $language }
    🎬 Por defecto para una foto: { $choice }
    🖼 { $fit }
fit = { $name ->
    [AUTO] La foto ocupa todo el encuadre si se recorta poco; si no, se ve entera
    [COVER] La foto ocupa todo el encuadre; lo que sobra se recorta
    [CONTAIN] Se ve la foto entera, sobre un fondo desenfocado
   *[other] { $description }
}
button-language = 🌍 Idioma
button-defaults = 🎬 Duración, tamaño, movimiento
button-fit = 🔀 { $name ->
    [AUTO] Cambiar a: llenar solo si se recorta poco
    [COVER] Cambiar a: ocupar todo el encuadre
    [CONTAIN] Cambiar a: mostrar la foto entera
   *[other] { $name }
}
button-reset = ↩️ Restablecer valores predeterminados
choose-language = 🌍 ¿Qué idioma?

## Privacidad

privacy =
    🔐 Qué se guarda

    Tus fotos y vídeos: { $hours ->
        [one] { $hours } hora
       *[other] { $hours } horas
    } desde que el vídeo está listo; después se borran.
    Un registro de cada vídeo (fechas y opciones, sin imágenes): { $days ->
        [one] { $days } día
       *[other] { $days } días
    }.
    En el bot: tu idioma, lo último que elegiste, los vídeos en curso y, durante un día, los que fallaron.
    Lo que hay en este chat lo guarda Telegram hasta que lo borres allí.
button-delete-all = 🗑 Borrar todos mis datos
delete-all-question = 🗑 ¿Borrar todos tus vídeos, fotos y ajustes? No se puede deshacer. Los vídeos en curso se cancelan.
button-delete-all-yes = Sí, borrar todo
button-delete-all-no = No, conservarlos
delete-all-done = 🗑 Todos tus datos están borrados: { $count ->
    [one] { $count } vídeo
   *[other] { $count } vídeos
}, fotos y ajustes.
