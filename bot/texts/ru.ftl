## Все тексты бота по-русски. Язык – это такой файл; тесты сравнивают их все.

language-name = Русский

# Что Telegram показывает в своём списке команд.
command-start = Сделать видео
command-history = Мои видео
command-settings = Язык и настройки по умолчанию
command-cancel = Остановить то, что делается
command-help = Как это работает
command-privacy = Что хранится и как это удалить

## Меню

greeting =
    👋 Привет! Я превращаю фото в короткое видео.

    Пришлите мне фото или нажмите первую кнопку, чтобы выбрать длину, размер и движение.
button-make = 📸 Фото → видео
button-videos = 🎞 Мои видео
button-settings = ⚙️ Настройки
button-help = ❓ Помощь
button-menu = ☰ Меню
button-back = ◀️ Назад
help =
    📸 Пришлите фото, и я сделаю из него видео: так, как вы выбрали в прошлый раз, или как обычно.
    🗂 Пришлите его файлом, чтобы сохранить качество: фотографии Telegram уменьшает. Вертикальное остаётся вертикальным.
    🖼 Из альбома получится по видео на каждое фото.

    /start – выбрать длину, размер и движение
    /history – ваши видео: прислать ещё раз, удалить
    /settings – язык и настройки по умолчанию
    /cancel – остановить то, что делается
    /privacy – что хранится и как это удалить

    Фото может занимать до { $megabytes } МБ.

## Выбор

choose-duration = ⏱ Какой длины сделать видео?
choose-resolution = 📐 Какого размера?
choose-motion = 🎥 Как двигаться камере?
choose-higher = ⬆️ Какого размера?
send-photo =
    ✅ { $choice }

    Теперь пришлите фото. 📎 Файлом оно сохранит всё качество.
button-same = ↩️ Как в прошлый раз: { $choice }
button-show-motions = 👀 Показать
button-take-motion = ✅ Взять это
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
    [DOLLY_IN] Наезд
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

status-fetching = ⏳ Принимаю ваше фото…
status-waiting = ⏳ Ждёт свободного места…
status-full-owner = ⏳ У вас делается столько видео, сколько можно за раз. Это начнётся само, когда одно из них будет готово.
status-full-queue = ⏳ Сейчас все места заняты. Ваше видео начнётся само, как только освободится место.
status-away = ⏳ Видеосервис сейчас не отвечает. Продолжаю пробовать.
status-queued = ⏳ Место в очереди: { $position }
status-queued-eta = ⏳ Место в очереди: { $position } · примерно { $eta }
status-running = [{ $bar }] { $percent } %
status-stage = { $stage ->
    [PREPARING] Готовлю фото
    [LOADING_MODEL] Загружаю модель
    [ENCODING_IMAGE] Рассматриваю фото
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
status-cancelling = ✋ Останавливаю…
status-done = ✅ Готово. Вот ваше видео.
status-resent = ✅ Отправлено.
status-cancelled = ✋ Остановлено.
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
line-queued = место в очереди: { $position }
line-running = { $percent } %
line-retrying = новая попытка
line-sending = отправляется
line-done = готово
line-cancelled = остановлено
line-gone = удалено
button-cancel = ✋ Отменить
button-cancel-all = ✋ Отменить всё
button-retry = 🔁 Попробовать ещё раз

cancel-nothing = Сейчас ничего не делается.
cancel-done = ✋ { $count ->
    [one] Останавливаю { $count } видео.
   *[other] Останавливаю { $count } видео.
}

## Видео

caption =
    🎬 { $choice }
    🎲 Зерно { $seed }
button-again = 🔁 Ещё раз
button-motion = 🎥 Другое движение
button-higher = ⬆️ Выше разрешение
button-download = 📥 Скачать
highest-already = Разрешение уже самое высокое.
too-large-link = 🎬 Видео готово. Оно занимает { $megabytes } МБ и слишком велико, чтобы прислать его сюда; кнопка скачает его.
too-large = 🎬 Видео готово, но занимает { $megabytes } МБ и слишком велико, чтобы прислать его сюда. Выберите меньшее разрешение или меньшую длину.

## Когда что-то не так

failure = ❌ { $code ->
    [IMAGE_UNREADABLE] Фото не читается: файл повреждён или неполон.
    [IMAGE_TOO_LARGE] Фото слишком большое.
    [IMAGE_TOO_SMALL] Фото слишком маленькое.
    [UNSUPPORTED_FORMAT] Это не фото в известном мне формате.
    [EXPIRED] Фото или видео больше не хранится.
    [NOT_FOUND] Этого видео больше нет.
    [TIMEOUT] Это длилось слишком долго и было остановлено.
    [OUT_OF_MEMORY] Машине не хватило памяти.
    [NON_FINITE_OUTPUT] У модели ничего не вышло.
    [UNREACHABLE] Видеосервис не отвечает.
    [UNAVAILABLE] Видеосервис не отвечает.
    [ENGINE_UNAVAILABLE] Сейчас нет ничего, что могло бы сделать видео.
    [QUEUE_FULL] Все места заняты.
    [OWNER_LIMIT] У вас делается столько видео, сколько можно за раз.
    [PHOTO_GONE] Telegram больше не отдаёт мне это фото.
   *[other] Что-то пошло не так на нашей стороне.
}
cure = { $code ->
    [IMAGE_UNREADABLE] Пришлите исходный файл или сохраните его заново как JPEG или PNG.
    [IMAGE_TOO_LARGE] Пришлите фото поменьше.
    [IMAGE_TOO_SMALL] Пришлите фото, в котором больше пикселей.
    [UNSUPPORTED_FORMAT] Пришлите JPEG, PNG, WebP, AVIF, TIFF или HEIC.
    [EXPIRED] Пришлите фото ещё раз.
    [NOT_FOUND] Пришлите фото ещё раз.
    [PHOTO_GONE] Пришлите фото ещё раз.
    [TIMEOUT] Попробуйте ещё раз или выберите меньший размер или меньшую длину.
    [OUT_OF_MEMORY] Попробуйте ещё раз или выберите меньший размер.
   *[other] Попробуйте, пожалуйста, немного позже.
}
failure-uncounted = Ваших лимитов это не касается.
too-many = { $count ->
    [one] У меня в работе { $count } ваша фотография
    [few] У меня в работе { $count } ваши фотографии
    [many] У меня в работе { $count } ваших фотографий
   *[other] У меня в работе { $count } ваши фотографии
}, и новых я не беру, пока одна не будет готова. Пришлите остальные, пожалуйста, тогда ещё раз.
photo-too-large = 🙏 Это фото больше { $megabytes } МБ, а таких файлов Telegram мне не отдаёт. Пришлите фото поменьше или пришлите его как фото, а не файлом.
not-an-image = 🙏 Этот файл – не фото. Я беру JPEG, PNG, WebP, AVIF, TIFF и HEIC.
got-sticker = 😊 Отличный стикер! Но я делаю видео из фотографий: пришлите мне фото.
got-video = 🎞 Это уже движется. Пришлите мне фото, и я приведу его в движение.
got-audio = 🎧 Слышать я не умею, только смотреть: пришлите мне фото.
got-text = 🙂 Пришлите мне фото, и я сделаю из него видео, или нажмите кнопку.
got-other = 🙂 С этим я ничего не могу сделать. Пришлите мне фото.
group = 👋 Я работаю только в личных чатах. Напишите мне: @{ $username }
not-allowed = 🔒 Это закрытый бот. Ваш номер { $user }; открыть вам доступ может тот, кто ведёт бота.
trouble = 😕 Что-то пошло не так на нашей стороне. Попробуйте, пожалуйста, ещё раз.
old-button = Эта кнопка больше не работает. Начните, пожалуйста, заново: /start.

## Мои видео

history-empty = 🎞 У вас ещё нет видео. Пришлите мне фото!
history = 🎞 Ваши видео, сначала новые. Нажмите номер, чтобы посмотреть подробнее.
button-newer = ◀️ Новее
button-older = Старше ▶️
button-send = ▶️ Прислать ещё раз
button-delete = 🗑 Удалить
deleted = 🗑 Удалено.
state = { $status ->
    [QUEUED] ⏳ ждёт
    [PROCESSING] ⏳ делается
    [RETRYING] 🔁 новая попытка
    [COMPLETED] ✅ готово
    [FAILED] ❌ не получилось
    [CANCELLED] ✋ остановлено
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
    🎬 Фото без других указаний превратится в: { $choice }
    🖼 { $fit }
fit = { $name ->
    [COVER] Фото заполняет кадр; лишнее обрезается
    [CONTAIN] Фото видно целиком, на размытом фоне
   *[other] { $description }
}
button-language = 🌍 Язык
button-defaults = 🎬 Длина, размер, движение
button-fit = 🖼 { $name ->
    [COVER] Заполнять кадр
    [CONTAIN] Показывать фото целиком
   *[other] { $name }
}
button-reset = ↩️ Вернуть как обычно
choose-language = 🌍 Какой язык?

## Приватность

privacy =
    🔐 Что хранится

    Ваши фото и видео: { $hours ->
        [one] { $hours } час
        [few] { $hours } часа
        [many] { $hours } часов
       *[other] { $hours } часа
    } после того, как видео готово; потом они удаляются.
    Запись о каждом видео (время и выбор, без картинки): { $days ->
        [one] { $days } день
        [few] { $days } дня
        [many] { $days } дней
       *[other] { $days } дня
    }.
    В самом боте: ваш язык, последний выбор и то, что сейчас делается.
    То, что стоит в этом чате, хранит Telegram, пока вы не удалите это там.
button-delete-all = 🗑 Удалить всё моё
delete-all-question = 🗑 Удалить все ваши видео, фото и настройки? Отменить это нельзя. То, что сейчас делается, будет остановлено.
button-delete-all-yes = Да, удалить всё
button-delete-all-no = Нет, оставить
delete-all-done = 🗑 Всё ваше удалено: { $count ->
    [one] { $count } видео
   *[other] { $count } видео
}, фото и настройки.
