## Jeder Text des Bots auf Deutsch. Eine Sprache ist eine Datei wie diese; die Tests vergleichen sie alle.

language-name = Deutsch

# Was Telegram in seiner Liste der Befehle zeigt.
command-start = Ein Video machen
command-history = Meine Videos
command-settings = Sprache und Vorgaben
command-cancel = Anhalten, was gerade entsteht
command-help = So geht es
command-privacy = Was aufbewahrt wird und wie man es löscht

## Das Menü

greeting =
    👋 Hallo! Ich mache aus einem Foto ein kurzes Video.

    Schick mir ein Foto, oder tippe auf den ersten Knopf und wähle Länge, Größe und Bewegung.
button-make = 📸 Foto → Video
button-videos = 🎞 Meine Videos
button-settings = ⚙️ Einstellungen
button-help = ❓ Hilfe
button-menu = ☰ Menü
button-back = ◀️ Zurück
help =
    📸 Schick ein Foto, und ich mache ein Video daraus: wie du zuletzt gewählt hast, oder wie üblich.
    🗂 Als Datei geschickt behält es die beste Qualität, denn Telegram verkleinert Fotos. Hochformat bleibt Hochformat.
    🖼 Aus einem Album wird je Foto ein Video.

    /start – Länge, Größe und Bewegung wählen
    /history – deine Videos: noch einmal schicken, löschen
    /settings – Sprache und Vorgaben
    /cancel – anhalten, was gerade entsteht
    /privacy – was aufbewahrt wird und wie man es löscht

    Ein Foto darf bis zu { $megabytes } MB haben.

## Wählen

choose-duration = ⏱ Wie lang soll das Video sein?
choose-resolution = 📐 Welche Größe?
choose-motion = 🎥 Wie soll sich die Kamera bewegen?
choose-higher = ⬆️ Welche Größe?
send-photo =
    ✅ { $choice }

    Schick mir jetzt das Foto. 📎 Als Datei behält es seine volle Qualität.
button-same = ↩️ Wie letztes Mal: { $choice }
button-show-motions = 👀 Zeig es mir
button-take-motion = ✅ Diese nehmen
duration = { $seconds ->
    [one] { $seconds } Sekunde
   *[other] { $seconds } Sekunden
}
motion = { $name ->
    [MICRO] Sanftes Schweben
    [PAN_L] Schwenk nach links
    [PAN_R] Schwenk nach rechts
    [TILT_UP] Neigen nach oben
    [TILT_DOWN] Neigen nach unten
    [DOLLY_IN] Heranfahren
   *[other] { $name }
}
motion-about = { $name ->
    [MICRO] ein langsames, atmendes Schweben, kaum mehr als lebendig; für Porträts und Nahaufnahmen
    [PAN_L] die Kamera dreht sich nach links; für Landschaften
    [PAN_R] die Kamera dreht sich nach rechts; für Landschaften
    [TILT_UP] die Kamera neigt sich nach oben; für Gebäude
    [TILT_DOWN] die Kamera neigt sich nach unten; für Blicke von oben
    [DOLLY_IN] die Kamera fährt heran; um etwas hervorzuheben
   *[other] { $description }
}

## In Arbeit

status-fetching = ⏳ Ich hole dein Foto …
status-waiting = ⏳ Wartet auf einen freien Platz …
status-full-owner = ⏳ Bei dir entstehen gerade so viele Videos, wie auf einmal gehen. Dieses beginnt von selbst, sobald eines fertig ist.
status-full-queue = ⏳ Gerade sind alle Plätze belegt. Deins beginnt von selbst, sobald einer frei ist.
status-away = ⏳ Der Videodienst antwortet gerade nicht. Ich versuche es weiter.
status-queued = ⏳ Platz { $position }
status-queued-eta = ⏳ Platz { $position } · etwa { $eta }
status-running = [{ $bar }] { $percent } %
status-stage = { $stage ->
    [PREPARING] Das Foto wird vorbereitet
    [LOADING_MODEL] Das Modell wird geladen
    [ENCODING_IMAGE] Das Foto wird betrachtet
    [DENOISING] Die Bewegung wird erdacht
    [DECODING] Bilder entstehen
    [INTERPOLATING] Zwischenbilder entstehen
    [RENDERING] Die Kamera bewegt sich
    [ENCODING_VIDEO] Das Video wird geschrieben
   *[other] Das Video entsteht
}
status-stage-eta = { $stage } · noch etwa { $eta }
status-retrying = 🔁 Das hat nicht geklappt. Der { attempt } beginnt in { $eta }.
status-retrying-now = 🔁 Das hat nicht geklappt. Der { attempt } beginnt jetzt.
status-attempt = Das ist der { attempt }.
attempt = { $attempt ->
    [1] erste von { $max } Versuchen
    [2] zweite von { $max } Versuchen
    [3] dritte von { $max } Versuchen
   *[other] { $attempt }. von { $max } Versuchen
}
status-sending = 📤 Ich schicke das Video …
status-cancelling = ✋ Wird angehalten …
status-done = ✅ Fertig. Hier ist dein Video.
status-resent = ✅ Geschickt.
status-cancelled = ✋ Angehalten.
status-gone = 🗑 Dieses Video wurde gelöscht.
status-album = 🖼 { $total ->
    [one] { $total } Foto
   *[other] { $total } Fotos
}: { $done } fertig
eta-seconds = { $seconds } s
eta-minutes = { $minutes } min
line-waiting = wartet
line-queued = Platz { $position }
line-running = { $percent } %
line-retrying = neuer Versuch
line-sending = wird geschickt
line-done = fertig
line-cancelled = angehalten
line-gone = gelöscht
button-cancel = ✋ Abbrechen
button-cancel-all = ✋ Alle abbrechen
button-retry = 🔁 Noch einmal versuchen

cancel-nothing = Gerade ist nichts in Arbeit.
cancel-done = ✋ { $count ->
    [one] { $count } Video wird angehalten.
   *[other] { $count } Videos werden angehalten.
}

## Das Video

caption =
    🎬 { $choice }
    🎲 Startzahl { $seed }
button-again = 🔁 Noch einmal
button-motion = 🎥 Andere Bewegung
button-higher = ⬆️ Höhere Auflösung
button-download = 📥 Herunterladen
highest-already = Es hat schon die höchste Auflösung.
too-large-link = 🎬 Dein Video ist fertig. Mit { $megabytes } MB ist es zu groß, um es hier zu schicken; der Knopf lädt es herunter.
too-large = 🎬 Dein Video ist fertig, aber mit { $megabytes } MB zu groß, um es hier zu schicken. Wähle eine kleinere Auflösung oder eine kürzere Dauer.

## Wenn etwas nicht stimmt

failure = ❌ { $code ->
    [IMAGE_UNREADABLE] Das Foto lässt sich nicht lesen: Die Datei ist beschädigt oder unvollständig.
    [IMAGE_TOO_LARGE] Das Foto ist zu groß.
    [IMAGE_TOO_SMALL] Das Foto ist zu klein.
    [UNSUPPORTED_FORMAT] Das ist kein Foto in einem Format, das ich kenne.
    [EXPIRED] Das Foto oder das Video wird nicht mehr aufbewahrt.
    [NOT_FOUND] Dieses Video gibt es nicht mehr.
    [TIMEOUT] Es hat zu lange gedauert und wurde angehalten.
    [OUT_OF_MEMORY] Der Maschine ging der Speicher aus.
    [NON_FINITE_OUTPUT] Das Modell konnte nichts damit anfangen.
    [UNREACHABLE] Der Videodienst antwortet nicht.
    [UNAVAILABLE] Der Videodienst antwortet nicht.
    [ENGINE_UNAVAILABLE] Gerade ist nichts da, was Videos machen könnte.
    [QUEUE_FULL] Alle Plätze sind belegt.
    [OWNER_LIMIT] Bei dir entstehen so viele Videos, wie auf einmal gehen.
    [PHOTO_GONE] Telegram gibt mir dieses Foto nicht mehr.
   *[other] Bei uns ist etwas schiefgegangen.
}
cure = { $code ->
    [IMAGE_UNREADABLE] Schick die Originaldatei, oder speichere sie neu als JPEG oder PNG.
    [IMAGE_TOO_LARGE] Schick ein kleineres.
    [IMAGE_TOO_SMALL] Schick eins mit mehr Bildpunkten.
    [UNSUPPORTED_FORMAT] Schick JPEG, PNG, WebP, AVIF, TIFF oder HEIC.
    [EXPIRED] Schick das Foto noch einmal.
    [NOT_FOUND] Schick das Foto noch einmal.
    [PHOTO_GONE] Schick das Foto noch einmal.
    [TIMEOUT] Versuche es noch einmal, oder wähle eine kleinere Größe oder eine kürzere Dauer.
    [OUT_OF_MEMORY] Versuche es noch einmal, oder wähle eine kleinere Größe.
   *[other] Versuche es bitte etwas später noch einmal.
}
failure-uncounted = Nichts davon wird dir angerechnet.
too-many = { $count ->
    [one] Ich habe { $count } Foto von dir in Arbeit
   *[other] Ich habe { $count } Fotos von dir in Arbeit
} und nehme keins mehr an, bis eines fertig ist. Schick die anderen bitte dann noch einmal.
photo-too-large = 🙏 Dieses Foto hat mehr als { $megabytes } MB, und solche Dateien gibt Telegram mir nicht. Schick ein kleineres, oder schick es als Foto und nicht als Datei.
not-an-image = 🙏 Diese Datei ist kein Foto. Ich nehme JPEG, PNG, WebP, AVIF, TIFF und HEIC.
got-sticker = 😊 Schöner Sticker! Ich mache Videos aus Fotos: Schick mir eins.
got-video = 🎞 Das bewegt sich schon. Schick mir ein Foto, und ich bringe es in Bewegung.
got-audio = 🎧 Ich kann nicht hören, nur sehen: Schick mir ein Foto.
got-text = 🙂 Schick mir ein Foto und ich mache ein Video daraus, oder tippe auf einen Knopf.
got-other = 🙂 Damit kann ich nichts anfangen. Schick mir ein Foto.
group = 👋 Ich arbeite nur in privaten Chats. Schreib mir: @{ $username }
not-allowed = 🔒 Dieser Bot ist privat. Deine Nummer ist { $user }; wer den Bot betreibt, kann dich zulassen.
trouble = 😕 Bei uns ist etwas schiefgegangen. Bitte versuche es noch einmal.
old-button = Dieser Knopf geht nicht mehr. Bitte fang mit /start neu an.

## Meine Videos

history-empty = 🎞 Du hast noch keine Videos. Schick mir ein Foto!
history = 🎞 Deine Videos, das neueste zuerst. Tippe auf eine Nummer, um eins zu sehen.
button-newer = ◀️ Neuere
button-older = Ältere ▶️
button-send = ▶️ Noch einmal schicken
button-delete = 🗑 Löschen
deleted = 🗑 Gelöscht.
state = { $status ->
    [QUEUED] ⏳ wartet
    [PROCESSING] ⏳ in Arbeit
    [RETRYING] 🔁 neuer Versuch
    [COMPLETED] ✅ fertig
    [FAILED] ❌ gescheitert
    [CANCELLED] ✋ angehalten
   *[other] { $status }
}
state-expired = 🗂 nicht mehr aufbewahrt
card =
    🎬 { $choice }
    🎲 Startzahl { $seed }
    🕑 { $when }
    { $state }

## Einstellungen

settings =
    ⚙️ Einstellungen

    🌍 Sprache: { $language }
    🎬 Aus einem Foto ohne weitere Worte wird: { $choice }
    🖼 { $fit }
fit = { $name ->
    [COVER] Das Foto füllt das Bild; was übersteht, wird abgeschnitten
    [CONTAIN] Das ganze Foto ist zu sehen, vor einem unscharfen Rand
   *[other] { $description }
}
button-language = 🌍 Sprache
button-defaults = 🎬 Länge, Größe, Bewegung
button-fit = 🖼 { $name ->
    [COVER] Das Bild füllen
    [CONTAIN] Das ganze Foto zeigen
   *[other] { $name }
}
button-reset = ↩️ Wieder wie üblich
choose-language = 🌍 Welche Sprache?

## Datenschutz

privacy =
    🔐 Was aufbewahrt wird

    Deine Fotos und Videos: { $hours ->
        [one] { $hours } Stunde
       *[other] { $hours } Stunden
    } nachdem das Video fertig ist, dann werden sie gelöscht.
    Eine Notiz zu jedem Video (Zeiten und Auswahl, kein Bild): { $days ->
        [one] { $days } Tag
       *[other] { $days } Tage
    }.
    Im Bot: deine Sprache, deine letzte Auswahl und was gerade entsteht.
    Was in diesem Chat steht, bewahrt Telegram auf, bis du es dort löschst.
button-delete-all = 🗑 Alles von mir löschen
delete-all-question = 🗑 Alle deine Videos, Fotos und Einstellungen löschen? Das lässt sich nicht rückgängig machen. Was gerade entsteht, wird angehalten.
button-delete-all-yes = Ja, alles löschen
button-delete-all-no = Nein, behalten
delete-all-done = 🗑 Alles von dir ist gelöscht: { $count ->
    [one] { $count } Video
   *[other] { $count } Videos
}, Fotos und Einstellungen.
