/** How a command fails: what happened, what to do about it, and the exit code. */
import { ConfigError } from '../config.ts';
import { StartupError } from '../process/startup-error.ts';
import { AppError, ERRORS, isErrorCode, type ErrorCode } from '../jobs/errors.ts';

/** Exit codes of every command. */
export const EXIT = { done: 0, failed: 1, badArguments: 2, interrupted: 130 } as const;

interface Kind {
  readonly hint: string;
  readonly retryable: boolean;
  readonly exitCode: number;
}

/** What can only go wrong on this side of the API; everything else has a code of the API's list. */
const KINDS = {
  BAD_ARGUMENTS: {
    exitCode: EXIT.badArguments,
    retryable: false,
    hint: 'fanslymotion animate --help lists everything that can be asked for.',
  },
  BAD_CONFIGURATION: { exitCode: EXIT.failed, retryable: false, hint: 'Correct .env or the environment; fanslymotion doctor checks both.' },
  CANNOT_START: { exitCode: EXIT.failed, retryable: true, hint: 'fanslymotion doctor checks what is needed.' },
  UNREACHABLE: { exitCode: EXIT.failed, retryable: true, hint: 'Check that the API runs there and that the address is right.' },
  CANNOT_SAVE: { exitCode: EXIT.failed, retryable: false, hint: 'Choose another place with --out, or make room there.' },
  DAMAGED_DOWNLOAD: { exitCode: EXIT.failed, retryable: true, hint: 'Try again.' },
  PHOTO_DIFFERS: { exitCode: EXIT.failed, retryable: false, hint: 'Give the very photo file the video was made from, unedited.' },
  CANCELLED: { exitCode: EXIT.failed, retryable: true, hint: 'Start it again if that was not meant.' },
  INTERRUPTED: { exitCode: EXIT.interrupted, retryable: true, hint: 'Start it again when you like; nothing was kept.' },
} as const satisfies Record<string, Kind>;

export type FailureCode = keyof typeof KINDS | ErrorCode;

const LOGGED: ReadonlySet<FailureCode> = new Set([
  'CANNOT_START',
  'UNREACHABLE',
  'DAMAGED_DOWNLOAD',
  'TIMEOUT',
  'WORKER_LOST',
  'OUT_OF_MEMORY',
  'OUT_OF_SPACE',
  'ENCODER_FAILED',
  'NON_FINITE_OUTPUT',
  'MODEL_INVALID',
  'INTERNAL',
]);

/** What `--json` prints of a failure. */
export interface FailureBody {
  readonly code: FailureCode;
  readonly message: string;
  readonly hint: string;
  readonly retryable: boolean;
}

export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: FailureCode;
  readonly hint: string;
  readonly retryable: boolean;
  readonly exitCode: number;

  constructor(
    code: FailureCode,
    message: string,
    details: { readonly hint?: string; readonly retryable?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    const kind: Kind = isErrorCode(code) ? { ...ERRORS[code], exitCode: EXIT.failed } : KINDS[code];
    this.code = code;
    this.hint = details.hint ?? kind.hint;
    this.retryable = details.retryable ?? kind.retryable;
    this.exitCode = kind.exitCode;
  }

  get body(): FailureBody {
    return { code: this.code, message: this.message, hint: this.hint, retryable: this.retryable };
  }

  /** Whether the log of what failed can say more. */
  get isLogged(): boolean {
    return LOGGED.has(this.code);
  }

  /** The same failure with one more thing to do about it. */
  withHint(hint: string): Failure {
    return new Failure(this.code, this.message, { hint: `${this.hint} ${hint}`, retryable: this.retryable, cause: this });
  }
}

export function badArguments(message: string, hint?: string): Failure {
  return new Failure('BAD_ARGUMENTS', message, { hint });
}

/** Anything thrown, as a Failure. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof AppError) return new Failure(error.code, error.message, { cause: error });
  if (error instanceof ConfigError) {
    return new Failure(
      'BAD_CONFIGURATION',
      `The configuration is not usable: ${error.problems.map(({ name, problem }) => `${name}: ${problem}`).join('; ')}`,
      { cause: error },
    );
  }
  if (error instanceof StartupError)
    return new Failure('CANNOT_START', error.message.slice(0, -error.hint.length - 1), { hint: error.hint, cause: error });
  return new Failure('INTERNAL', error instanceof Error ? error.message : String(error), { cause: error });
}
