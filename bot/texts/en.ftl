## All texts of the bot in English. Each language has a file like this one; tests compare them.

language-name = English

# Shown in Telegram's list of commands.
command-start = Make a video
command-history = My videos
command-settings = Language and defaults
command-cancel = Cancel videos in progress
command-help = How it works
command-privacy = What is kept, and how to delete it

## The menu

greeting =
    👋 Hello! I turn a photo into a short video.

    Send me a photo, or tap the first button to choose length, size and motion.
button-make = 📸 Photo → video
button-videos = 🎞 My videos
button-settings = ⚙️ Settings
button-help = ❓ Help
button-menu = ☰ Menu
button-back = ◀️ Back
help =
    📸 Send a photo and I'll turn it into a video, with your last choices or the defaults.
    🗂 Send it as a file for the best quality: Telegram compresses photos. Portrait photos give portrait videos.
    🖼 An album becomes one video for each photo.

    /start – choose length, size and motion
    /history – your videos: send again, delete
    /settings – language and defaults
    /cancel – cancel videos in progress
    /privacy – what is kept, and how to delete it

    A photo may be up to { $megabytes } MB.

## Choosing

choose-duration = ⏱ How long should the video be?
choose-resolution = 📐 Which size?
portrait-sizes = 📱 A portrait photo gives a portrait video, such as { $size }.
choose-motion = 🎥 How should the camera move?
choose-higher = ⬆️ Which size?
send-photo =
    ✅ { $choice }

    Now send me the photo. 📎 Send it as a file to keep its full quality.
same-as-last-time = ↩️ Same as last time: { $choice }
button-same = ↩️ { $seconds } s · { $choice }
button-show-motions = 👀 Show me
button-take-motion = ✅ Take this one
example-making = ⏳ One moment, I'm making the example.
example-failed = 🙏 I can't show this example right now. You can still choose this motion or look at the others.
duration = { $seconds ->
    [one] { $seconds } second
   *[other] { $seconds } seconds
}
motion = { $name ->
    [MICRO] Gentle drift
    [PAN_L] Pan left
    [PAN_R] Pan right
    [TILT_UP] Tilt up
    [TILT_DOWN] Tilt down
    [DOLLY_IN] Move in
   *[other] { $name }
}
motion-about = { $name ->
    [MICRO] a slow drift, as gentle as breathing; for portraits and close-ups
    [PAN_L] the camera turns left; for landscapes
    [PAN_R] the camera turns right; for landscapes
    [TILT_UP] the camera tilts up; for buildings
    [TILT_DOWN] the camera tilts down; for views from above
    [DOLLY_IN] the camera moves in; for emphasis
   *[other] { $description }
}

## Progress

status-fetching = ⏳ Receiving your photo…
status-starting = ⏳ Starting…
status-away = ⏳ The video service is not responding right now. I'll keep trying.
status-telegram-away = ⏳ I can't get your photo from Telegram right now. I'll keep trying.
status-queued = ⏳ Position { $position }
status-queued-eta = ⏳ Position { $position } · about { $eta }
status-running = [{ $bar }] { $percent } %
status-stage = { $stage ->
    [PREPARING] Preparing the photo
    [LOADING_MODEL] Loading the model
    [ENCODING_IMAGE] Analysing the photo
    [DENOISING] Imagining the motion
    [DECODING] Decoding frames
    [INTERPOLATING] Adding in-between frames
    [RENDERING] Moving the camera
    [ENCODING_VIDEO] Encoding the video
   *[other] Rendering
}
status-stage-eta = { $stage } · about { $eta } left
status-retrying = 🔁 That attempt failed. The { attempt } starts in { $eta }.
status-retrying-now = 🔁 That attempt failed. The { attempt } starts now.
status-attempt = This is the { attempt }.
attempt = { $attempt ->
    [1] first attempt of { $max }
    [2] second attempt of { $max }
    [3] third attempt of { $max }
   *[other] attempt { $attempt } of { $max }
}
status-sending = 📤 Sending the video…
status-cancelling = ✋ Stopping…
status-done = ✅ Done. Here is your video.
status-resent = ✅ Sent.
status-cancelled = ✋ Stopped.
status-gone = 🗑 This video was deleted.
status-album = 🖼 { $total ->
    [one] { $total } photo
   *[other] { $total } photos
}: { $done } done
eta-seconds = { $seconds } s
eta-minutes = { $minutes } min
line-waiting = waiting
line-running = { $percent } %
line-retrying = trying again
line-sending = sending
line-done = done
line-cancelled = stopped
line-gone = deleted
button-cancel = ✋ Cancel
button-cancel-all = ✋ Cancel all
button-retry = 🔁 Try again

cancel-nothing = No videos are in progress right now.
cancel-over = This one has already ended.
cancel-already = ✋ Already stopping.
cancel-done = ✋ { $count ->
    [one] Stopping { $count } video.
   *[other] Stopping { $count } videos.
}

## The video

caption =
    🎬 { $choice }
    🎲 Seed { $seed }
caption-cropped = ✂️ Cropped to fill the frame
button-again = 🎲 New variation
button-motion = 🎥 Another motion
button-whole = 🖼 Whole photo
button-higher = ⬆️ Higher resolution
button-download = 📥 Download
highest-already = This video already has the highest resolution.
too-large-link = 🎬 Your video is ready. At { $megabytes } MB it is too large to send here; use the button to download it.
too-large = 🎬 Your video is ready. At { $megabytes } MB it is too large to send here. Choose a lower resolution or a shorter length.

## When something is wrong

failure = ❌ { $code ->
    [IMAGE_UNREADABLE] The photo cannot be read: the file is damaged or incomplete.
    [IMAGE_TOO_LARGE] The photo is too large.
    [IMAGE_TOO_SMALL] The photo is too small.
    [UNSUPPORTED_FORMAT] This file is not a photo in a supported format.
    [EXPIRED] The photo or the video has been deleted.
    [NOT_FOUND] This video no longer exists.
    [TIMEOUT] The video took too long and was stopped.
    [OUT_OF_MEMORY] The machine ran out of memory.
    [NON_FINITE_OUTPUT] The model could not make a video from this photo.
    [UNREACHABLE] The video service is not responding.
    [TELEGRAM_AWAY] Telegram is not responding right now.
    [UNAVAILABLE] The video service is not responding.
    [ENGINE_UNAVAILABLE] No renderer is running right now.
    [QUEUE_FULL] Too many videos are waiting.
    [OWNER_LIMIT] You have too many videos in progress.
    [PHOTO_GONE] Telegram no longer has this photo.
    [BAD_INPUT] These choices are no longer available.
   *[other] Something went wrong on our side.
}
hint = { $code ->
    [IMAGE_UNREADABLE] Send the original file, or save it again as JPEG or PNG.
    [IMAGE_TOO_LARGE] Send a smaller one.
    [IMAGE_TOO_SMALL] Send one with more pixels.
    [UNSUPPORTED_FORMAT] Send JPEG, PNG, WebP, AVIF, TIFF or HEIC.
    [EXPIRED] Send the photo again.
    [NOT_FOUND] Send the photo again.
    [NON_FINITE_OUTPUT] Send the photo again.
    [PHOTO_GONE] Send the photo again.
    [BAD_INPUT] Choose length, size and motion again with /start.
    [TIMEOUT] Try again, or choose a smaller size or a shorter length.
    [OUT_OF_MEMORY] Try again, or choose a smaller size.
   *[other] Please try again later.
}
failure-uncounted = This does not count against your limit.
too-many = I am already working on { $count } of your photos. Please send more when one is done.
flood = 🙏 That was too much at once, so I skipped some of it. Please send the rest again in a moment.
photo-too-large = 🙏 This photo is larger than { $megabytes } MB, and Telegram doesn't let me download files that large. Send a smaller one, or send it as a photo instead of a file.
not-an-image = 🙏 This file is not a photo. I accept JPEG, PNG, WebP, AVIF, TIFF and HEIC.
got-sticker = 😊 Nice sticker! I make videos from photos: send me one.
got-video = 🎞 This already moves. Send me a photo and I'll make it move.
got-audio = 🎧 I can't listen, only look. Send me a photo.
got-text = 🙂 Send me a photo and I'll turn it into a video, or tap a button.
got-other = 🙂 I can't do anything with that. Send me a photo and I'll turn it into a video.
group = 👋 I only work in private chats. Write to me: @{ $username }
not-allowed = 🔒 This bot is private. Your Telegram ID is { $user }; the bot's operator can give you access.
trouble = 😕 Something went wrong on our side. Please try again.
old-button = This button no longer works. Please start again with /start.

## My videos

history-empty = 🎞 You have no videos yet. Send me a photo!
history = 🎞 Your videos, newest first. Tap a number to see one.
button-newer = ◀️ Newer
button-older = Older ▶️
button-send = ▶️ Send again
button-delete = 🗑 Delete
delete-question = 🗑 Delete this video?
button-delete-yes = Yes, delete it
button-delete-no = No, keep it
deleted = 🗑 Deleted.
state = { $status ->
    [QUEUED] ⏳ waiting
    [PROCESSING] ⏳ in progress
    [RETRYING] 🔁 trying again
    [COMPLETED] ✅ ready
    [FAILED] ❌ failed
    [CANCELLED] ✋ stopped
   *[other] { $status }
}
state-expired = 🗂 video deleted
card =
    🎬 { $choice }
    🎲 Seed { $seed }
    🕑 { $when }
    { $state }

## Settings

settings =
    ⚙️ Settings

    🌍 Language: { $language }
    🎬 Default for a photo: { $choice }
    🖼 { $fit }
fit = { $name ->
    [AUTO] The photo fills the frame if little of it is cropped; otherwise all of it is shown
    [COVER] The photo fills the frame; the overflow is cropped
    [CONTAIN] The whole photo is shown on a blurred background
   *[other] { $description }
}
button-language = 🌍 Language
button-defaults = 🎬 Length, size, motion
button-fit = 🔀 { $name ->
    [AUTO] Fill the frame if little is cropped
    [COVER] Fill the frame instead
    [CONTAIN] Show the whole photo instead
   *[other] { $name }
}
button-reset = ↩️ Reset to defaults
choose-language = 🌍 Which language?

## Privacy

privacy =
    🔐 What is kept

    Your photos and videos: { $hours ->
        [one] { $hours } hour
       *[other] { $hours } hours
    } after the video is done, then they are deleted.
    A record of each video (times and choices, no images): { $days ->
        [one] { $days } day
       *[other] { $days } days
    }.
    The bot keeps your language, your last choices, videos in progress and, for a day, failed ones.
    Telegram keeps this chat until you delete it there.
button-delete-all = 🗑 Delete all my data
delete-all-question = 🗑 Delete all your videos, photos and settings? This cannot be undone. Videos in progress are cancelled.
button-delete-all-yes = Yes, delete everything
button-delete-all-no = No, keep it
delete-all-done = 🗑 All your data is deleted: { $count ->
    [one] { $count } video
   *[other] { $count } videos
}, photos and settings.
