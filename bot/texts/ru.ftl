## Все тексты бота по-русски. Язык – это такой файл; тесты сравнивают их все.

language-name = Русский

# Что Telegram показывает в своём списке команд.
command-start = Сделать видео
command-history = Мои видео
command-settings = Язык и выбор по умолчанию
command-cancel = Отменить видео в работе
command-help = Как это работает
command-privacy = Что хранится и как это удалить

## Меню

greeting =
    👋 Привет! Я превращаю фото в короткое видео.

    Пришли мне фото или нажми первую кнопку, чтобы выбрать длительность, размер и движение.
button-make = 📸 Фото → видео
button-videos = 🎞 Мои видео
button-settings = ⚙️ Настройки
button-help = ❓ Помощь
button-menu = ☰ Меню
button-back = ◀️ Назад
help =
    📸 Пришли фото, и я сделаю из него видео – с теми настройками, что были в прошлый раз, или с обычными.
    🗂 Для лучшего качества пришли его файлом: фотографии Telegram сжимает. Вертикальное фото останется вертикальным.
    🖼 Из альбома получится по видео на каждое фото.

    /start – выбрать длительность, размер и движение
    /history – твои видео: прислать ещё раз, удалить
    /settings – язык и выбор по умолчанию
    /cancel – отменить видео в работе
    /privacy – что хранится и как это удалить

    Фото может весить до { $megabytes } МБ.

## Выбор

choose-duration = ⏱ Сколько будет длиться видео?
choose-resolution = 📐 Какой размер?
portrait-sizes = 📱 Из вертикального фото получится вертикальное видео, например { $size }.
choose-motion = 🎥 Как будет двигаться камера?
choose-higher = ⬆️ Какой размер?
send-photo =
    ✅ { $choice }

    Теперь пришли фото. 📎 Если прислать файлом, качество не пострадает.
same-as-last-time = ↩️ Как в прошлый раз: { $choice }
button-same = ↩️ { $seconds } с · { $choice }
button-show-motions = 👀 Посмотреть примеры
button-take-motion = ✅ Выбрать это
example-making = ⏳ Секунду, готовлю пример.
example-failed = 🙏 Сейчас этот пример показать не получается. Движение всё равно можно выбрать – или посмотри другие.
duration = { $seconds ->
    [one] { $seconds } секунда
    [few] { $seconds } секунды
    [many] { $seconds } секунд
   *[other] { $seconds } секунды
}
motion = { $name ->
    [MICRO] Лёгкое покачивание
    [PAN_L] Поворот влево
    [PAN_R] Поворот вправо
    [TILT_UP] Наклон вверх
    [TILT_DOWN] Наклон вниз
    [DOLLY_IN] Приближение
   *[other] { $name }
}
motion-about = { $name ->
    [MICRO] медленное, как дыхание, покачивание; для портретов и крупных планов
    [PAN_L] камера поворачивается влево; для пейзажей
    [PAN_R] камера поворачивается вправо; для пейзажей
    [TILT_UP] камера наклоняется вверх; для зданий
    [TILT_DOWN] камера наклоняется вниз; для видов сверху
    [DOLLY_IN] камера приближается; чтобы выделить главное
   *[other] { $description }
}

## В работе

status-fetching = ⏳ Получаю твоё фото…
status-starting = ⏳ Начинаю…
status-away = ⏳ Видеосервис сейчас не отвечает. Продолжаю пробовать.
status-telegram-away = ⏳ Telegram сейчас не отдаёт мне твоё фото. Пробую дальше.
status-queued = ⏳ Место в очереди: { $position }
status-queued-eta = ⏳ Место в очереди: { $position } · примерно { $eta }
status-running = [{ $bar }] { $percent } %
status-stage = { $stage ->
    [PREPARING] Готовлю фото
    [LOADING_MODEL] Загружаю модель
    [ENCODING_IMAGE] Изучаю фото
    [DENOISING] Придумываю движение
    [DECODING] Создаю кадры
    [INTERPOLATING] Добавляю промежуточные кадры
    [RENDERING] Двигаю камеру
    [ENCODING_VIDEO] Записываю видео
   *[other] Делаю видео
}
status-stage-eta = { $stage } · осталось примерно { $eta }
status-retrying = 🔁 Не получилось. { attempt } начнётся через { $eta }.
status-retrying-now = 🔁 Не получилось. { attempt } начинается сейчас.
status-attempt = { attempt }.
attempt = { $attempt ->
    [1] Первая попытка из { $max }
    [2] Вторая попытка из { $max }
    [3] Третья попытка из { $max }
   *[other] Попытка { $attempt } из { $max }
}
status-sending = 📤 Отправляю видео…
status-cancelling = ✋ Отменяю…
status-done = ✅ Готово. Вот твоё видео.
status-resent = ✅ Отправлено.
status-cancelled = ✋ Отменено.
status-gone = 🗑 Это видео удалено.
status-album = 🖼 { $total ->
    [one] { $total } фотография
    [few] { $total } фотографии
    [many] { $total } фотографий
   *[other] { $total } фотографии
}, готово: { $done }
eta-seconds = { $seconds } с
eta-minutes = { $minutes } мин
line-waiting = ждёт
line-running = { $percent } %
line-retrying = новая попытка
line-sending = отправляется
line-done = готово
line-cancelled = отменено
line-gone = удалено
button-cancel = ✋ Отменить
button-cancel-all = ✋ Отменить все
button-retry = 🔁 Попробовать ещё раз

cancel-nothing = Сейчас ничего не делается.
cancel-over = Это видео уже не в работе.
cancel-already = ✋ Уже отменяю.
cancel-done = ✋ { $count ->
    [one] Отменяю { $count } видео.
   *[other] Отменяю { $count } видео.
}

## Видео

caption =
    🎬 { $choice }
    🎲 Зерно { $seed }
caption-cropped = ✂️ Обрезано, чтобы заполнить кадр
button-again = 🎲 Новый вариант
button-motion = 🎥 Другое движение
button-whole = 🖼 Фото целиком
button-higher = ⬆️ Выше разрешение
button-download = 📥 Скачать
highest-already = Разрешение уже самое высокое.
too-large-link = 🎬 Твоё видео готово. Оно весит { $megabytes } МБ – слишком много, чтобы прислать его сюда; скачай его по кнопке.
too-large = 🎬 Твоё видео готово, но весит { $megabytes } МБ – слишком много, чтобы прислать его сюда. Выбери разрешение пониже или видео покороче.

## Когда что-то не так

failure = ❌ { $code ->
    [IMAGE_UNREADABLE] Не получается прочитать фото: файл повреждён или неполный.
    [IMAGE_TOO_LARGE] Фото слишком большое.
    [IMAGE_TOO_SMALL] Фото слишком маленькое.
    [UNSUPPORTED_FORMAT] Это не фото в известном мне формате.
    [EXPIRED] Фото или видео больше не хранится.
    [NOT_FOUND] Этого видео больше нет.
    [TIMEOUT] Это заняло слишком много времени и было остановлено.
    [OUT_OF_MEMORY] Машине не хватило памяти.
    [NON_FINITE_OUTPUT] Модель не смогла сделать видео из этого фото.
    [UNREACHABLE] Видеосервис не отвечает.
    [TELEGRAM_AWAY] Telegram мне сейчас не отвечает.
    [UNAVAILABLE] Видеосервис не отвечает.
    [ENGINE_UNAVAILABLE] Сейчас не запущен ни один рендерер.
    [QUEUE_FULL] Все места заняты.
    [OWNER_LIMIT] Больше твоих видео одновременно делать нельзя.
    [PHOTO_GONE] Telegram больше не отдаёт мне это фото.
    [BAD_INPUT] То, что было выбрано, больше недоступно.
   *[other] Что-то пошло не так на нашей стороне.
}
hint = { $code ->
    [IMAGE_UNREADABLE] Пришли исходный файл или сохрани его заново как JPEG или PNG.
    [IMAGE_TOO_LARGE] Пришли фото поменьше.
    [IMAGE_TOO_SMALL] Пришли фото, в котором больше пикселей.
    [UNSUPPORTED_FORMAT] Пришли JPEG, PNG, WebP, AVIF, TIFF или HEIC.
    [EXPIRED] Пришли фото ещё раз.
    [NOT_FOUND] Пришли фото ещё раз.
    [NON_FINITE_OUTPUT] Пришли фото ещё раз.
    [PHOTO_GONE] Пришли фото ещё раз.
    [BAD_INPUT] Выбери длительность, размер и движение заново: /start.
    [TIMEOUT] Попробуй ещё раз или выбери размер поменьше или видео покороче.
    [OUT_OF_MEMORY] Попробуй ещё раз или выбери размер поменьше.
   *[other] Попробуй, пожалуйста, немного позже.
}
failure-uncounted = На твой лимит это не влияет.
too-many = У меня уже в работе { $count ->
    [one] { $count } твоя фотография
    [few] { $count } твои фотографии
    [many] { $count } твоих фотографий
   *[other] { $count } твоей фотографии
}. Пришли, пожалуйста, ещё, когда одна будет готова.
flood = 🙏 Слишком много сразу: часть я пропустил. Пришли остальное чуть позже ещё раз, пожалуйста.
photo-too-large = 🙏 Это фото больше { $megabytes } МБ, а такие большие файлы Telegram мне не отдаёт. Пришли фото поменьше или отправь его как фото, а не файлом.
not-an-image = 🙏 Этот файл – не фото. Подойдут JPEG, PNG, WebP, AVIF, TIFF и HEIC.
got-sticker = 😊 Отличный стикер! А я делаю видео из фотографий: пришли мне фото.
got-video = 🎞 Это уже движется. Пришли мне фото, и я его оживлю.
got-audio = 🎧 Слушать я не умею, только смотреть: пришли мне фото.
got-text = 🙂 Пришли мне фото, и я сделаю из него видео, или нажми кнопку.
got-other = 🙂 С этим я пока не справлюсь, зато фото – это моё: пришли одно, и я сделаю из него видео.
group = 👋 Я работаю только в личных чатах. Напиши мне: @{ $username }
not-allowed = 🔒 Это закрытый бот. Твой Telegram ID – { $user }; открыть тебе доступ может владелец бота.
trouble = 😕 Что-то пошло не так на нашей стороне. Попробуй, пожалуйста, ещё раз.
old-button = Эта кнопка больше не работает. Начни, пожалуйста, заново: /start.

## Мои видео

history-empty = 🎞 У тебя ещё нет видео. Пришли мне фото!
history = 🎞 Твои видео, сначала новые. Нажми номер, чтобы посмотреть подробнее.
button-newer = ◀️ Новее
button-older = Старше ▶️
button-send = ▶️ Прислать ещё раз
button-delete = 🗑 Удалить
delete-question = 🗑 Удалить это видео?
button-delete-yes = Да, удалить
button-delete-no = Нет, оставить
deleted = 🗑 Удалено.
state = { $status ->
    [QUEUED] ⏳ в очереди
    [PROCESSING] ⏳ в работе
    [RETRYING] 🔁 новая попытка
    [COMPLETED] ✅ готово
    [FAILED] ❌ не получилось
    [CANCELLED] ✋ отменено
   *[other] { $status }
}
state-expired = 🗂 больше не хранится
card =
    🎬 { $choice }
    🎲 Зерно { $seed }
    🕑 { $when }
    { $state }

## Настройки

settings =
    ⚙️ Настройки

    🌍 Язык: { $language }
    🎬 Для фото по умолчанию: { $choice }
    🖼 { $fit }
fit = { $name ->
    [AUTO] Фото заполняет кадр, если обрезается немного, иначе видно целиком
    [COVER] Фото заполняет кадр; лишнее обрезается
    [CONTAIN] Фото видно целиком, на размытом фоне
   *[other] { $description }
}
button-language = 🌍 Язык
button-defaults = 🎬 Длительность, размер, движение
button-fit = 🔀 { $name ->
    [AUTO] Переключить: заполнять, если обрезается немного
    [COVER] Переключить: заполнять кадр
    [CONTAIN] Переключить: фото целиком
   *[other] { $name }
}
button-reset = ↩️ Сбросить настройки
choose-language = 🌍 Какой язык?

## Приватность

privacy =
    🔐 Что хранится

    Твои фото и видео: { $hours ->
        [one] { $hours } час
        [few] { $hours } часа
        [many] { $hours } часов
       *[other] { $hours } часа
    } после того, как видео готово; потом они удаляются.
    Запись о каждом видео (время и настройки, без картинки): { $days ->
        [one] { $days } день
        [few] { $days } дня
        [many] { $days } дней
       *[other] { $days } дня
    }.
    В самом боте: твой язык, последний выбор, видео в работе и, в течение суток, то, что не получилось.
    То, что есть в этом чате, хранит Telegram, пока ты не удалишь это там.
button-delete-all = 🗑 Удалить все мои данные
delete-all-question = 🗑 Удалить все твои видео, фото и настройки? Вернуть их будет нельзя. Видео в работе будут отменены.
button-delete-all-yes = Да, удалить всё
button-delete-all-no = Нет, оставить
delete-all-done = 🗑 Все твои данные удалены: { $count ->
    [one] { $count } видео
   *[other] { $count } видео
}, фото и настройки.
