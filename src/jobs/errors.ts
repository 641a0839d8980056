/**
 * Every way a request or a job can fail: one closed list. GraphQL errors, HTTP bodies, job rows, CLI messages and docs/errors.md all
 * come from it. HTTP statuses, shell commands and chat texts belong to the adapters that show them.
 */

/** Whose action resolves an error. */
export const FAULTS = {
  CLIENT: 'The caller: correct the request, or wait until its own limit or the queue has room.',
  OPERATOR: 'The operator of the installation: start, configure, repair or enlarge a part of it.',
  SERVER: 'The software: the request was valid, and processing it failed.',
} as const;

export type Fault = keyof typeof FAULTS;

/** Whether the same request, or a new job with the same photo and options, can succeed. */
export const RETRIES = {
  SAME_REQUEST: 'The same request can succeed at once.',
  LATER: 'The same request can succeed once a temporary condition has passed; wait for retryAfterSeconds if it is given.',
  NEVER: 'The same request fails again; change it.',
} as const;

export type Retry = keyof typeof RETRIES;

export interface ErrorEntry {
  /** What happened. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
  readonly fault: Fault;
  /** For the caller. */
  readonly retry: Retry;
  /**
   * For the worker: whether another attempt of the same job, about a minute later, can succeed. Differs from `retry` where a condition
   * outlasts a job's attempts.
   */
  readonly anotherAttempt: boolean;
}

const caller = (retry: Retry, message: string, hint: string): ErrorEntry => ({
  message,
  hint,
  fault: 'CLIENT',
  retry,
  anotherAttempt: false,
});

export const ERRORS = {
  BAD_INPUT: caller(
    'NEVER',
    'A value in the request is not allowed.',
    'Correct the value that the message names; Query.options lists the allowed values.',
  ),
  IMAGE_UNREADABLE: caller('NEVER', 'The photo cannot be decoded.', 'Send the original file, or save it again as JPEG or PNG.'),
  IMAGE_TOO_LARGE: caller('NEVER', 'The photo is too large.', 'Send a smaller photo; Query.options lists the limits.'),
  IMAGE_TOO_SMALL: caller('NEVER', 'The photo is too small.', 'Send a photo with more pixels; Query.options lists the limits.'),
  UNSUPPORTED_FORMAT: caller('NEVER', 'The file is not a photo in a supported format.', 'Send a JPEG, PNG, WebP, AVIF, TIFF or HEIC file.'),
  UPLOAD_NOT_FOUND: caller('NEVER', 'The upload does not exist or has expired.', 'Upload the photo again and use the new id.'),
  ENGINE_UNAVAILABLE: {
    message: 'No running worker can render with this engine.',
    hint: 'Start a worker, choose another engine, or try again later.',
    fault: 'OPERATOR',
    retry: 'LATER',
    anotherAttempt: true,
  },
  QUEUE_FULL: caller('LATER', 'The queue is full.', 'Try again after retryAfterSeconds.'),
  OWNER_LIMIT: caller(
    'LATER',
    'You have reached the limit of simultaneous jobs, uploads or open operations.',
    'Wait until one finishes or expires, or cancel one.',
  ),
  UNAUTHENTICATED: caller(
    'NEVER',
    'A valid API key is required.',
    'Send "Authorization: Bearer <secret>" (WebSocket: in the payload of connection_init).',
  ),
  FORBIDDEN: caller(
    'NEVER',
    'This API key, host or origin is not allowed to do this.',
    'Use a key with the required permission, or an allowed host and origin.',
  ),
  NOT_FOUND: caller('NEVER', 'Not found, or not yours.', 'Check the id or the address.'),
  CONFLICT: caller(
    'NEVER',
    'This idempotency key was already used for a different request.',
    'Use a new idempotency key for each new request.',
  ),
  NOT_CANCELLABLE: caller('NEVER', 'The job has already finished.', 'Use deleteJob to remove it.'),
  NOT_RETRYABLE: caller('NEVER', 'Only a failed or cancelled job can be retried.', 'Create a new job instead.'),
  EXPIRED: caller('NEVER', 'The file has expired and was deleted.', 'Create the video again from the photo.'),
  TIMEOUT: {
    message: 'Rendering exceeded its time limit and was stopped.',
    hint: 'Choose a lower resolution or a shorter video, or try again.',
    fault: 'SERVER',
    retry: 'SAME_REQUEST',
    anotherAttempt: true,
  },
  WORKER_LOST: {
    message: 'The worker that rendered this job stopped unexpectedly.',
    hint: 'Try again; if it happens again, check the worker log.',
    fault: 'SERVER',
    retry: 'SAME_REQUEST',
    anotherAttempt: true,
  },
  OUT_OF_MEMORY: {
    message: 'The machine ran out of memory while rendering.',
    hint: 'Choose a lower resolution, or give the worker more memory.',
    fault: 'OPERATOR',
    retry: 'SAME_REQUEST',
    anotherAttempt: true,
  },
  OUT_OF_SPACE: {
    message: 'The storage folder has no space left.',
    hint: 'Free disk space for the storage folder, then try again.',
    fault: 'OPERATOR',
    retry: 'LATER',
    anotherAttempt: true,
  },
  ENCODER_FAILED: {
    message: 'ffmpeg could not write the video.',
    hint: "Check the last lines of ffmpeg's output in the worker log.",
    fault: 'SERVER',
    retry: 'SAME_REQUEST',
    anotherAttempt: true,
  },
  NON_FINITE_OUTPUT: {
    message: 'The model produced invalid values (NaN or infinity).',
    hint: 'Use another seed or less extreme tuning.',
    fault: 'SERVER',
    retry: 'NEVER',
    anotherAttempt: false,
  },
  MODEL_INVALID: {
    message: "The model's files are missing, damaged or not supported.",
    hint: "Verify the model's files and download damaged ones again.",
    fault: 'OPERATOR',
    retry: 'LATER',
    anotherAttempt: false,
  },
  UNAVAILABLE: {
    message: 'A part of the installation, such as its database, does not respond.',
    hint: 'Try again later; if the problem persists, the operator should check the installation.',
    fault: 'OPERATOR',
    retry: 'LATER',
    anotherAttempt: true,
  },
  INTERNAL: {
    message: 'An internal error occurred.',
    hint: 'Try again; if it happens again, report the reference.',
    fault: 'SERVER',
    retry: 'SAME_REQUEST',
    anotherAttempt: true,
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorDetails {
  /** The input field at fault, as a path such as `tuning.svdXt.numInferenceSteps`. */
  field?: string;
  /** When the same request can succeed, in seconds from now. Given only where nothing was changed by the refused request. */
  retryAfterSeconds?: number;
  /** Identifies the log line of an INTERNAL error. */
  reference?: string;
}

/** What a code means to a caller, apart from its message. */
export interface ErrorAdvice {
  readonly hint: string;
  readonly fault: Fault;
  readonly retry: Retry;
}

export function adviceFor(code: ErrorCode): ErrorAdvice {
  const { hint, fault, retry } = ERRORS[code];
  return { hint, fault, retry };
}

/** An error from the closed list. `message` may be more exact than the list's, never vaguer. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message?: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message ?? ERRORS[code].message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }

  get advice(): ErrorAdvice {
    return adviceFor(this.code);
  }

  /** Whether another attempt of the same job can succeed. */
  get anotherAttemptHelps(): boolean {
    return ERRORS[this.code].anotherAttempt;
  }
}

/** True for a code of the list; for text from a database or another process. */
export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(ERRORS, text);
}

/** `error` as an AppError. A full disk becomes OUT_OF_SPACE, any other foreign error INTERNAL, with `error` as its cause. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new AppError('OUT_OF_SPACE', undefined, {}, error);
  return new AppError('INTERNAL', undefined, {}, error);
}
