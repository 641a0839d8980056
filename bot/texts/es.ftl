## Todos los textos del bot en español. Un idioma es un archivo como este; las pruebas los comparan todos.

language-name = Español

# Lo que Telegram muestra en su lista de comandos.
command-start = Hacer un vídeo
command-history = Mis vídeos
command-settings = Idioma y preferencias
command-cancel = Detener lo que está en marcha
command-help = Cómo funciona
command-privacy = Qué se guarda y cómo borrarlo

## El menú

greeting =
    👋 ¡Hola! Convierto una foto en un vídeo corto.

    Envíame una foto, o toca el primer botón para elegir duración, tamaño y movimiento.
button-make = 📸 Foto → vídeo
button-videos = 🎞 Mis vídeos
button-settings = ⚙️ Ajustes
button-help = ❓ Ayuda
button-menu = ☰ Menú
button-back = ◀️ Atrás
help =
    📸 Envía una foto y hago un vídeo con ella: con lo último que elegiste, o con lo habitual.
    🗂 Envíala como archivo para la mejor calidad: Telegram reduce las fotos. Lo vertical sigue vertical.
    🖼 Un álbum se convierte en un vídeo por cada foto.

    /start – elegir duración, tamaño y movimiento
    /history – tus vídeos: enviar de nuevo, borrar
    /settings – idioma y preferencias
    /cancel – detener lo que está en marcha
    /privacy – qué se guarda y cómo borrarlo

    Una foto puede tener hasta { $megabytes } MB.

## Elegir

choose-duration = ⏱ ¿Cuánto debe durar el vídeo?
choose-resolution = 📐 ¿Qué tamaño?
choose-motion = 🎥 ¿Cómo debe moverse la cámara?
choose-higher = ⬆️ ¿Qué tamaño?
send-photo =
    ✅ { $choice }

    Ahora envíame la foto. 📎 Como archivo conserva toda su calidad.
button-same = ↩️ Como la última vez: { $choice }
button-show-motions = 👀 Enséñamelo
button-take-motion = ✅ Elegir este
duration = { $seconds ->
    [one] { $seconds } segundo
   *[other] { $seconds } segundos
}
motion = { $name ->
    [MICRO] Deriva suave
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
status-waiting = ⏳ Espera un lugar libre…
status-full-owner = ⏳ Tienes en marcha tantos vídeos como caben a la vez. Este empieza solo cuando termine uno de ellos.
status-full-queue = ⏳ Ahora mismo todos los lugares están ocupados. El tuyo empieza solo en cuanto haya uno libre.
status-away = ⏳ El servicio de vídeo no responde ahora mismo. Sigo intentándolo.
status-queued = ⏳ Posición { $position }
status-queued-eta = ⏳ Posición { $position } · unos { $eta }
status-running = [{ $bar }] { $percent } %
status-stage = { $stage ->
    [PREPARING] Preparando la foto
    [LOADING_MODEL] Cargando el modelo
    [ENCODING_IMAGE] Mirando la foto
    [DENOISING] Imaginando el movimiento
    [DECODING] Creando fotogramas
    [INTERPOLATING] Añadiendo fotogramas intermedios
    [RENDERING] Moviendo la cámara
    [ENCODING_VIDEO] Escribiendo el vídeo
   *[other] Creando el vídeo
}
status-stage-eta = { $stage } · quedan unos { $eta }
status-retrying = 🔁 No ha salido bien. El { attempt } empieza en { $eta }.
status-retrying-now = 🔁 No ha salido bien. El { attempt } empieza ahora.
status-attempt = Este es el { attempt }.
attempt = { $attempt ->
    [1] primer intento de { $max }
    [2] segundo intento de { $max }
    [3] tercer intento de { $max }
   *[other] intento { $attempt } de { $max }
}
status-sending = 📤 Enviando el vídeo…
status-cancelling = ✋ Deteniendo…
status-done = ✅ Listo. Aquí tienes tu vídeo.
status-resent = ✅ Enviado.
status-cancelled = ✋ Detenido.
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
line-waiting = espera
line-queued = posición { $position }
line-running = { $percent } %
line-retrying = otro intento
line-sending = enviándose
line-done = listo
line-cancelled = detenido
line-gone = borrado
button-cancel = ✋ Cancelar
button-cancel-all = ✋ Cancelar todo
button-retry = 🔁 Intentar de nuevo

cancel-nothing = No hay nada en marcha.
cancel-done = ✋ { $count ->
    [one] Deteniendo { $count } vídeo.
   *[other] Deteniendo { $count } vídeos.
}

## El vídeo

caption =
    🎬 { $choice }
    🎲 Semilla { $seed }
button-again = 🔁 Otra vez
button-motion = 🎥 Otro movimiento
button-higher = ⬆️ Más resolución
button-download = 📥 Descargar
highest-already = Ya tiene la resolución más alta.
too-large-link = 🎬 Tu vídeo está listo. Con { $megabytes } MB es demasiado grande para enviarlo aquí; el botón lo descarga.
too-large = 🎬 Tu vídeo está listo, pero con { $megabytes } MB es demasiado grande para enviarlo aquí. Elige menos resolución o menos duración.

## Cuando algo va mal

failure = ❌ { $code ->
    [IMAGE_UNREADABLE] La foto no se puede leer: el archivo está dañado o incompleto.
    [IMAGE_TOO_LARGE] La foto es demasiado grande.
    [IMAGE_TOO_SMALL] La foto es demasiado pequeña.
    [UNSUPPORTED_FORMAT] Esto no es una foto en un formato que conozca.
    [EXPIRED] La foto o el vídeo ya no se guarda.
    [NOT_FOUND] Este vídeo ya no existe.
    [TIMEOUT] Ha tardado demasiado y se ha detenido.
    [OUT_OF_MEMORY] La máquina se ha quedado sin memoria.
    [NON_FINITE_OUTPUT] El modelo no ha podido sacar nada de ella.
    [UNREACHABLE] El servicio de vídeo no responde.
    [UNAVAILABLE] El servicio de vídeo no responde.
    [ENGINE_UNAVAILABLE] Ahora mismo no hay nada que pueda crear vídeos.
    [QUEUE_FULL] Todos los lugares están ocupados.
    [OWNER_LIMIT] Tienes en marcha tantos vídeos como caben a la vez.
    [PHOTO_GONE] Telegram ya no me da esta foto.
   *[other] Algo ha ido mal por nuestra parte.
}
cure = { $code ->
    [IMAGE_UNREADABLE] Envía el archivo original, o guárdalo de nuevo como JPEG o PNG.
    [IMAGE_TOO_LARGE] Envía una más pequeña.
    [IMAGE_TOO_SMALL] Envía una con más píxeles.
    [UNSUPPORTED_FORMAT] Envía JPEG, PNG, WebP, AVIF, TIFF o HEIC.
    [EXPIRED] Envía la foto de nuevo.
    [NOT_FOUND] Envía la foto de nuevo.
    [PHOTO_GONE] Envía la foto de nuevo.
    [TIMEOUT] Inténtalo de nuevo, o elige un tamaño menor o menos duración.
    [OUT_OF_MEMORY] Inténtalo de nuevo, o elige un tamaño menor.
   *[other] Inténtalo de nuevo un poco más tarde.
}
failure-uncounted = Nada de esto se te cuenta.
too-many = { $count ->
    [one] Tengo { $count } foto tuya entre manos
   *[other] Tengo { $count } fotos tuyas entre manos
} y no acepto más hasta que termine una. Envía entonces las demás de nuevo, por favor.
photo-too-large = 🙏 Esta foto tiene más de { $megabytes } MB, y Telegram no me da archivos así. Envía una más pequeña, o envíala como foto y no como archivo.
not-an-image = 🙏 Este archivo no es una foto. Acepto JPEG, PNG, WebP, AVIF, TIFF y HEIC.
got-sticker = 😊 ¡Bonito sticker! Yo hago vídeos de fotos: envíame una.
got-video = 🎞 Esto ya se mueve. Envíame una foto y haré que se mueva.
got-audio = 🎧 No puedo oír, solo mirar: envíame una foto.
got-text = 🙂 Envíame una foto y hago un vídeo con ella, o toca un botón.
got-other = 🙂 Con esto no puedo hacer nada. Envíame una foto.
group = 👋 Solo trabajo en chats privados. Escríbeme: @{ $username }
not-allowed = 🔒 Este bot es privado. Tu número es { $user }; quien lleva el bot puede darte acceso.
trouble = 😕 Algo ha ido mal por nuestra parte. Inténtalo de nuevo, por favor.
old-button = Este botón ya no funciona. Empieza de nuevo con /start, por favor.

## Mis vídeos

history-empty = 🎞 Todavía no tienes vídeos. ¡Envíame una foto!
history = 🎞 Tus vídeos, primero el más reciente. Toca un número para ver uno.
button-newer = ◀️ Más recientes
button-older = Más antiguos ▶️
button-send = ▶️ Enviar de nuevo
button-delete = 🗑 Borrar
deleted = 🗑 Borrado.
state = { $status ->
    [QUEUED] ⏳ en espera
    [PROCESSING] ⏳ en marcha
    [RETRYING] 🔁 otro intento
    [COMPLETED] ✅ listo
    [FAILED] ❌ fallido
    [CANCELLED] ✋ detenido
   *[other] { $status }
}
state-expired = 🗂 ya no se guarda
card =
    🎬 { $choice }
    🎲 Semilla { $seed }
    🕑 { $when }
    { $state }

## Ajustes

settings =
    ⚙️ Ajustes

    🌍 Idioma: { $language }
    🎬 Una foto sin más palabras se convierte en: { $choice }
    🖼 { $fit }
fit = { $name ->
    [COVER] La foto llena el cuadro; lo que sobra se recorta
    [CONTAIN] Se ve la foto entera, sobre un fondo desenfocado
   *[other] { $description }
}
button-language = 🌍 Idioma
button-defaults = 🎬 Duración, tamaño, movimiento
button-fit = 🖼 { $name ->
    [COVER] Llenar el cuadro
    [CONTAIN] Mostrar la foto entera
   *[other] { $name }
}
button-reset = ↩️ Volver a lo habitual
choose-language = 🌍 ¿Qué idioma?

## Privacidad

privacy =
    🔐 Qué se guarda

    Tus fotos y vídeos: { $hours ->
        [one] { $hours } hora
       *[other] { $hours } horas
    } después de terminar el vídeo; luego se borran.
    Una nota de cada vídeo (tiempos y elecciones, sin imagen): { $days ->
        [one] { $days } día
       *[other] { $days } días
    }.
    En el bot: tu idioma, lo último que elegiste y lo que está en marcha.
    Lo que hay en este chat lo guarda Telegram, hasta que lo borres allí.
button-delete-all = 🗑 Borrar todo lo mío
delete-all-question = 🗑 ¿Borrar todos tus vídeos, fotos y ajustes? No se puede deshacer. Lo que está en marcha se detiene.
button-delete-all-yes = Sí, borrar todo
button-delete-all-no = No, conservarlo
delete-all-done = 🗑 Todo lo tuyo está borrado: { $count ->
    [one] { $count } vídeo
   *[other] { $count } vídeos
}, fotos y ajustes.
