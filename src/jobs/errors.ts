/**
 * Every way a request or a job can fail: one closed list. Each entry says what happened, what to do about it, and whether the same
 * thing may work when tried again. GraphQL's `extensions.code`, HTTP bodies, job rows, CLI messages and docs/errors.md all come from it.
 */
export interface ErrorEntry {
  readonly message: string;
  readonly hint: string;
  /** A retry of the very same request or attempt can succeed. */
  readonly retryable: boolean;
  /** HTTP status where the error answers a plain HTTP request. */
  readonly status: number;
}

const entry = (status: number, retryable: boolean, message: string, hint: string): ErrorEntry => ({ status, retryable, message, hint });

export const ERRORS = {
  BAD_INPUT: entry(
    400,
    false,
    'A value in the request is not allowed.',
    'Correct what the message names; Query.options lists what is allowed.',
  ),
  IMAGE_UNREADABLE: entry(400, false, 'The photo cannot be decoded.', 'Send the original file, or save it again as JPEG or PNG.'),
  IMAGE_TOO_LARGE: entry(413, false, 'The photo is too large.', 'Send a smaller photo; Query.options gives the limits.'),
  IMAGE_TOO_SMALL: entry(400, false, 'The photo is too small.', 'Send a photo of more pixels; Query.options gives the limits.'),
  UNSUPPORTED_FORMAT: entry(415, false, 'The file is not a photo in a supported format.', 'Send JPEG, PNG, WebP, AVIF, TIFF or HEIC.'),
  UPLOAD_NOT_FOUND: entry(404, false, 'There is no such upload, or it has expired.', 'Upload the photo again and use the new id.'),
  ENGINE_UNAVAILABLE: entry(
    503,
    true,
    'No running worker offers this engine.',
    'Start a worker, choose another engine, or try again shortly.',
  ),
  QUEUE_FULL: entry(429, true, 'All places in the queue are taken.', 'Try again after retryAfterSeconds.'),
  OWNER_LIMIT: entry(
    429,
    true,
    'You have as many jobs, uploads or open operations as you may have at once.',
    'Wait for one to finish or to expire, or end one.',
  ),
  UNAUTHENTICATED: entry(
    401,
    false,
    'A valid API key is needed.',
    'Send "Authorization: Bearer <secret>" (WebSocket: in connection_init).',
  ),
  FORBIDDEN: entry(
    403,
    false,
    'This is not allowed for this key or from this place.',
    'Use a key that has the right, or an allowed host and origin.',
  ),
  NOT_FOUND: entry(404, false, 'There is no such thing, or it is not yours.', 'Check the id or the address.'),
  CONFLICT: entry(409, false, 'This idempotency key was used for another request.', 'Use a new key for a new request.'),
  NOT_CANCELLABLE: entry(409, false, 'The job has already ended.', 'Nothing is left to cancel; deleteJob removes it.'),
  NOT_RETRYABLE: entry(409, false, 'Only a failed or cancelled job can be tried again.', 'Create a new job instead.'),
  EXPIRED: entry(410, false, 'The file is no longer kept.', 'Create the video again from the photo.'),
  TIMEOUT: entry(504, true, 'The render took too long and was stopped.', 'Choose a lower resolution or a shorter video, or try again.'),
  WORKER_LOST: entry(503, true, 'The worker that rendered this job died.', 'Try again; if it happens again, look at the worker log.'),
  OUT_OF_MEMORY: entry(
    507,
    true,
    'The machine ran out of memory while rendering.',
    'Choose a lower resolution, or give the worker more memory.',
  ),
  OUT_OF_SPACE: entry(507, true, 'There is no room left to store files.', 'Free space in the storage folder, then try again.'),
  ENCODER_FAILED: entry(
    500,
    true,
    'ffmpeg could not write the video.',
    "Look at ffmpeg's last lines in the worker log; the doctor command checks it.",
  ),
  NON_FINITE_OUTPUT: entry(500, false, 'The model produced numbers that are no picture.', 'Try another seed or fewer extremes in tuning.'),
  MODEL_INVALID: entry(
    503,
    false,
    "The model's files are missing, damaged or of a kind that is not supported.",
    'Check them with `npm run models -- verify`; `npm run models -- pull` fetches them again.',
  ),
  UNAVAILABLE: entry(
    503,
    true,
    'A part of the installation does not answer.',
    'Try again shortly; if it stays so, run the doctor command.',
  ),
  INTERNAL: entry(500, true, 'Something went wrong on our side.', 'Try again; if it happens again, report the reference.'),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorDetails {
  /** The input field at fault, as a path such as `tuning.steps`. */
  field?: string;
  /** When a retry makes sense. */
  retryAfterSeconds?: number;
  /** Finds the log line of an INTERNAL error. */
  reference?: string;
}

/** An error from the closed list. `message` may be more exact than the list's, never less. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message?: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message ?? ERRORS[code].message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  get hint(): string {
    return ERRORS[this.code].hint;
  }
}

/** True for a code of the list; for text that comes from a database or another process. */
export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(ERRORS, text);
}

/** `error` as an AppError; what is not one yet becomes INTERNAL with `error` as its cause. Running out of disk is recognised. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new AppError('OUT_OF_SPACE', undefined, {}, error);
  return new AppError('INTERNAL', undefined, {}, error);
}
