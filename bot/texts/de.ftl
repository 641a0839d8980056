## Jeder Text des Bots auf Deutsch. Eine Sprache ist eine Datei wie diese; die Tests vergleichen sie alle.

language-name = Deutsch

# Was Telegram in seiner Liste der Befehle zeigt.
command-start = Ein Video machen
command-history = Meine Videos
command-settings = Sprache und Voreinstellungen
command-cancel = Laufende Videos abbrechen
command-help = So geht’s
command-privacy = Was gespeichert wird und wie du es löschst

## Das Menü

greeting =
    👋 Hallo! Ich mache aus einem Foto ein kurzes Video.

    Schick mir ein Foto, oder tippe auf den ersten Button und wähle Länge, Größe und Bewegung.
button-make = 📸 Foto → Video
button-videos = 🎞 Meine Videos
button-settings = ⚙️ Einstellungen
button-help = ❓ Hilfe
button-menu = ☰ Menü
button-back = ◀️ Zurück
help =
    📸 Schick mir ein Foto, und ich mache ein Video daraus: mit deiner letzten Auswahl oder den Voreinstellungen.
    🗂 Die beste Qualität gibt es, wenn du es als Datei schickst: Telegram verkleinert Fotos. Hochformat bleibt Hochformat.
    🖼 Aus einem Album wird je Foto ein Video.

    /start – Länge, Größe und Bewegung wählen
    /history – deine Videos: erneut schicken, löschen
    /settings – Sprache und Voreinstellungen
    /cancel – laufende Videos abbrechen
    /privacy – was gespeichert wird und wie du es löschst

    Ein Foto darf bis zu { $megabytes } MB groß sein.

## Wählen

choose-duration = ⏱ Wie lang soll das Video sein?
choose-resolution = 📐 Welche Größe?
portrait-sizes = 📱 Ein Foto im Hochformat wird ein Video im Hochformat, etwa { $size }.
choose-motion = 🎥 Wie soll sich die Kamera bewegen?
choose-higher = ⬆️ Welche Größe?
send-photo =
    ✅ { $choice }

    Schick mir jetzt das Foto. 📎 Als Datei behält es die volle Qualität.
same-as-last-time = ↩️ Wie beim letzten Mal: { $choice }
button-same = ↩️ { $seconds } s · { $choice }
button-show-motions = 👀 Beispiele ansehen
button-take-motion = ✅ Diese nehmen
example-making = ⏳ Einen Moment, ich mache das Beispiel.
example-failed = 🙏 Dieses Beispiel kann ich gerade nicht zeigen. Du kannst die Bewegung trotzdem nehmen oder dir die anderen ansehen.
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
    [MICRO] ein langsames Schweben wie ein Atmen; für Porträts und Nahaufnahmen
    [PAN_L] die Kamera dreht sich nach links; für Landschaften
    [PAN_R] die Kamera dreht sich nach rechts; für Landschaften
    [TILT_UP] die Kamera neigt sich nach oben; für Gebäude
    [TILT_DOWN] die Kamera neigt sich nach unten; für Blicke von oben
    [DOLLY_IN] die Kamera fährt heran; um etwas hervorzuheben
   *[other] { $description }
}

## In Arbeit

status-fetching = ⏳ Dein Foto kommt an …
status-starting = ⏳ Es geht los …
status-away = ⏳ Der Videodienst antwortet gerade nicht. Ich versuche es weiter.
status-telegram-away = ⏳ Telegram gibt mir dein Foto gerade nicht. Ich versuche es weiter.
status-queued = ⏳ Platz { $position } in der Warteschlange
status-queued-eta = ⏳ Platz { $position } in der Warteschlange · etwa { $eta }
status-running = [{ $bar }] { $percent } %
status-stage = { $stage ->
    [PREPARING] Das Foto wird vorbereitet
    [LOADING_MODEL] Das Modell wird geladen
    [ENCODING_IMAGE] Das Foto wird analysiert
    [DENOISING] Die Bewegung entsteht
    [DECODING] Einzelbilder entstehen
    [INTERPOLATING] Zwischenbilder entstehen
    [RENDERING] Die Kamera bewegt sich
    [ENCODING_VIDEO] Das Video wird fertiggestellt
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
status-cancelling = ✋ Wird abgebrochen …
status-done = ✅ Fertig. Hier ist dein Video.
status-resent = ✅ Gesendet.
status-cancelled = ✋ Abgebrochen.
status-gone = 🗑 Dieses Video wurde gelöscht.
status-album = 🖼 { $total ->
    [one] { $total } Foto
   *[other] { $total } Fotos
}: { $done } fertig
eta-seconds = { $seconds } s
eta-minutes = { $minutes } min
line-waiting = wartet
line-running = { $percent } %
line-retrying = neuer Versuch
line-sending = wird gesendet
line-done = fertig
line-cancelled = abgebrochen
line-gone = gelöscht
button-cancel = ✋ Abbrechen
button-cancel-all = ✋ Alle abbrechen
button-retry = 🔁 Erneut versuchen

cancel-nothing = Gerade ist nichts in Arbeit.
cancel-over = Dieses Video ist nicht mehr in Arbeit.
cancel-already = ✋ Wird schon abgebrochen.
cancel-done = ✋ { $count ->
    [one] { $count } Video wird abgebrochen.
   *[other] { $count } Videos werden abgebrochen.
}

## Das Video

caption =
    🎬 { $choice }
    🎲 Startwert { $seed }
caption-cropped = ✂️ Zugeschnitten, damit das Bild gefüllt ist
button-again = 🎲 Neue Variante
button-motion = 🎥 Andere Bewegung
button-whole = 🖼 Ganzes Foto
button-higher = ⬆️ Höhere Auflösung
button-download = 📥 Herunterladen
highest-already = Das Video hat schon die höchste Auflösung.
too-large-link = 🎬 Dein Video ist fertig. Mit { $megabytes } MB ist es zu groß für diesen Chat; lade es über den Button herunter.
too-large = 🎬 Dein Video ist fertig, mit { $megabytes } MB aber zu groß für diesen Chat. Wähle eine kleinere Auflösung oder eine kürzere Länge.

## Wenn etwas nicht stimmt

failure = ❌ { $code ->
    [IMAGE_UNREADABLE] Das Foto lässt sich nicht lesen: Die Datei ist beschädigt oder unvollständig.
    [IMAGE_TOO_LARGE] Das Foto ist zu groß.
    [IMAGE_TOO_SMALL] Das Foto ist zu klein.
    [UNSUPPORTED_FORMAT] Das ist kein Foto in einem Format, das ich kenne.
    [EXPIRED] Das Foto oder Video ist nicht mehr gespeichert.
    [NOT_FOUND] Dieses Video gibt es nicht mehr.
    [TIMEOUT] Es hat zu lange gedauert und wurde abgebrochen.
    [OUT_OF_MEMORY] Der Arbeitsspeicher hat nicht gereicht.
    [NON_FINITE_OUTPUT] Das Modell konnte aus diesem Foto kein Video machen.
    [UNREACHABLE] Der Videodienst antwortet nicht.
    [TELEGRAM_AWAY] Telegram antwortet mir gerade nicht.
    [UNAVAILABLE] Der Videodienst antwortet nicht.
    [ENGINE_UNAVAILABLE] Gerade läuft kein Renderer.
    [QUEUE_FULL] Alle Plätze sind belegt.
    [OWNER_LIMIT] Mehr Videos von dir gehen gerade nicht gleichzeitig.
    [PHOTO_GONE] Telegram gibt mir dieses Foto nicht mehr.
    [BAD_INPUT] Was gewählt war, gibt es nicht mehr.
   *[other] Bei uns ist etwas schiefgegangen.
}
hint = { $code ->
    [IMAGE_UNREADABLE] Schick die Originaldatei, oder speichere das Foto neu als JPEG oder PNG.
    [IMAGE_TOO_LARGE] Schick ein kleineres.
    [IMAGE_TOO_SMALL] Schick eins mit mehr Pixeln.
    [UNSUPPORTED_FORMAT] Schick es als JPEG, PNG, WebP, AVIF, TIFF oder HEIC.
    [EXPIRED] Schick das Foto noch einmal.
    [NOT_FOUND] Schick das Foto noch einmal.
    [NON_FINITE_OUTPUT] Schick das Foto noch einmal.
    [PHOTO_GONE] Schick das Foto noch einmal.
    [BAD_INPUT] Wähle Länge, Größe und Bewegung mit /start neu.
    [TIMEOUT] Versuch es noch einmal, oder wähle eine kleinere Größe oder eine kürzere Länge.
    [OUT_OF_MEMORY] Versuch es noch einmal, oder wähle eine kleinere Größe.
   *[other] Versuch es bitte etwas später noch einmal.
}
failure-uncounted = Das zählt nicht gegen dein Limit.
too-many = Ich arbeite schon an { $count } deiner Fotos. Schick bitte weitere, sobald eins fertig ist.
flood = 🙏 Das war zu viel auf einmal, einen Teil habe ich ausgelassen. Schick den Rest bitte gleich noch einmal.
photo-too-large = 🙏 Dieses Foto ist größer als { $megabytes } MB, und so große Dateien gibt Telegram mir nicht. Schick ein kleineres, oder schick es als Foto statt als Datei.
not-an-image = 🙏 Diese Datei ist kein Foto. Ich nehme JPEG, PNG, WebP, AVIF, TIFF und HEIC.
got-sticker = 😊 Schöner Sticker! Ich mache Videos aus Fotos: Schick mir eins.
got-video = 🎞 Das bewegt sich schon. Schick mir ein Foto, und ich bringe es in Bewegung.
got-audio = 🎧 Ich kann nicht hören, nur sehen: Schick mir ein Foto.
got-text = 🙂 Schick mir ein Foto, und ich mache ein Video daraus, oder tippe auf einen Button.
got-other = 🙂 Damit kenne ich mich nicht aus, mit Fotos aber schon: Schick mir eins, und ich mache ein Video daraus.
group = 👋 Ich arbeite nur in privaten Chats. Schreib mir dort: @{ $username }
not-allowed = 🔒 Dieser Bot ist privat. Deine Telegram-ID ist { $user }; wer den Bot betreibt, kann dich freischalten.
trouble = 😕 Bei uns ist etwas schiefgegangen. Versuch es bitte noch einmal.
old-button = Dieser Button geht nicht mehr. Fang bitte mit /start neu an.

## Meine Videos

history-empty = 🎞 Du hast noch keine Videos. Schick mir ein Foto!
history = 🎞 Deine Videos, das neueste zuerst. Tippe auf eine Nummer, um mehr zu sehen.
button-newer = ◀️ Neuere
button-older = Ältere ▶️
button-send = ▶️ Erneut schicken
button-delete = 🗑 Löschen
delete-question = 🗑 Dieses Video löschen?
button-delete-yes = Ja, löschen
button-delete-no = Nein, behalten
deleted = 🗑 Gelöscht.
state = { $status ->
    [QUEUED] ⏳ in der Warteschlange
    [PROCESSING] ⏳ in Arbeit
    [RETRYING] 🔁 neuer Versuch
    [COMPLETED] ✅ fertig
    [FAILED] ❌ fehlgeschlagen
    [CANCELLED] ✋ abgebrochen
   *[other] { $status }
}
state-expired = 🗂 nicht mehr gespeichert
card =
    🎬 { $choice }
    🎲 Startwert { $seed }
    🕑 { $when }
    { $state }

## Einstellungen

settings =
    ⚙️ Einstellungen

    🌍 Sprache: { $language }
    🎬 Standard für ein Foto: { $choice }
    🖼 { $fit }
fit = { $name ->
    [AUTO] Das Foto füllt das Bild, wenn dabei wenig abgeschnitten wird, sonst ist es ganz zu sehen
    [COVER] Das Foto füllt das Bild; was übersteht, wird abgeschnitten
    [CONTAIN] Das ganze Foto ist zu sehen, vor einem unscharfen Rand
   *[other] { $description }
}
button-language = 🌍 Sprache
button-defaults = 🎬 Länge, Größe, Bewegung
button-fit = 🔀 { $name ->
    [AUTO] Nur füllen, wenn wenig abgeschnitten wird
    [COVER] Stattdessen das Bild füllen
    [CONTAIN] Stattdessen das ganze Foto zeigen
   *[other] { $name }
}
button-reset = ↩️ Auf Standard zurücksetzen
choose-language = 🌍 Welche Sprache?

## Datenschutz

privacy =
    🔐 Was gespeichert wird

    Deine Fotos und Videos: { $hours ->
        [one] { $hours } Stunde
       *[other] { $hours } Stunden
    } nach der Fertigstellung des Videos, dann werden sie gelöscht.
    Angaben zu jedem Video (Zeiten und Auswahl, kein Bild): { $days ->
        [one] { $days } Tag
       *[other] { $days } Tage
    }.
    Im Bot: deine Sprache, deine letzte Auswahl, was gerade in Arbeit ist und einen Tag lang, was nicht gelungen ist.
    Was in diesem Chat steht, speichert Telegram, bis du es dort löschst.
button-delete-all = 🗑 Alle meine Daten löschen
delete-all-question = 🗑 Alle deine Videos, Fotos und Einstellungen löschen? Das lässt sich nicht rückgängig machen. Laufende Videos werden abgebrochen.
button-delete-all-yes = Ja, alles löschen
button-delete-all-no = Nein, behalten
delete-all-done = 🗑 Alle deine Daten sind gelöscht: { $count ->
    [one] { $count } Video
   *[other] { $count } Videos
}, Fotos und Einstellungen.
