import type { ErrorCode } from '../jobs/errors.ts';

/** What to do at the command line about an error; null if the API's own hint is sufficient. */
interface CommandHint {
  /** For an API on this machine, which the user operates. */
  readonly local: string | null;
  /** For the API of --api-url, whose operator may be another person: names no command that must run on the server. */
  readonly remote: string | null;
}

const anywhere = (hint: string | null): CommandHint => ({ local: hint, remote: hint });

const AGAIN_OR_REPORT = 'Run the command again; if it fails again, report it to the operator of the API.';

export const COMMAND_HINTS = {
  BAD_INPUT: anywhere('fanslymotion animate --help lists all options.'),
  IMAGE_UNREADABLE: anywhere(null),
  IMAGE_TOO_LARGE: anywhere('Use a smaller photo.'),
  IMAGE_TOO_SMALL: anywhere('Use a photo with more pixels.'),
  UNSUPPORTED_FORMAT: anywhere('Use a JPEG, PNG, WebP, AVIF, TIFF or HEIC file.'),
  UPLOAD_NOT_FOUND: anywhere('Run the command again.'),
  ENGINE_UNAVAILABLE: {
    local: 'Choose another --engine, or start a worker with npm run start:worker; npm run doctor reports what an engine lacks.',
    remote: 'Choose another --engine, or run the command again later.',
  },
  QUEUE_FULL: anywhere('Run the command again later.'),
  OWNER_LIMIT: anywhere(null),
  UNAUTHENTICATED: anywhere('Pass a valid API key with --api-key.'),
  FORBIDDEN: anywhere('Pass an API key with the required permission with --api-key.'),
  NOT_FOUND: anywhere('Run the command again if the job was deleted by mistake.'),
  CONFLICT: anywhere('Run the command again.'),
  NOT_CANCELLABLE: anywhere(null),
  NOT_RETRYABLE: anywhere(null),
  EXPIRED: anywhere('Run the command again to create the video anew.'),
  TIMEOUT: anywhere('Choose a lower --resolution or a shorter --duration, or run the command again.'),
  WORKER_LOST: { local: null, remote: AGAIN_OR_REPORT },
  OUT_OF_MEMORY: {
    local: 'Choose a lower --resolution, or give the worker more memory.',
    remote: 'Choose a lower --resolution.',
  },
  OUT_OF_SPACE: { local: null, remote: 'Run the command again later; the operator of the API must free disk space.' },
  ENCODER_FAILED: {
    local: "Check the last lines of ffmpeg's output in the worker log; npm run doctor checks ffmpeg.",
    remote: AGAIN_OR_REPORT,
  },
  NON_FINITE_OUTPUT: anywhere('Choose another --seed or less extreme tuning.'),
  MODEL_INVALID: {
    local: 'Verify the files with npm run models -- verify; npm run models -- pull downloads them again.',
    remote: 'Choose another --engine; the operator of the API must repair the files of the model.',
  },
  UNAVAILABLE: {
    local: 'Run the command again later; if the problem persists, npm run doctor checks the installation.',
    remote: 'Run the command again later.',
  },
  INTERNAL: anywhere(null),
} as const satisfies Record<ErrorCode, CommandHint>;
