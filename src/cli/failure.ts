/** How a command fails: what happened, what to do about it, and the exit code. */
import { ApiError } from '../client/error.ts';
import { ConfigError } from '../config.ts';
import { StartupError } from '../process/startup-error.ts';
import { adviceFor, AppError, isErrorCode, type ErrorAdvice, type ErrorCode } from '../jobs/errors.ts';
import { COMMAND_HINTS } from './hints.ts';

/** Exit codes of every command. */
export const EXIT = { done: 0, failed: 1, badArguments: 2, interrupted: 130 } as const;

/** Errors of the commands themselves, which the API does not have. */
const COMMAND_ERRORS = {
  BAD_ARGUMENTS: { fault: 'CLIENT', retry: 'NEVER', hint: 'fanslymotion animate --help lists all options.' },
  BAD_CONFIGURATION: { fault: 'OPERATOR', retry: 'NEVER', hint: 'Correct .env or the environment; fanslymotion doctor checks both.' },
  CANNOT_START: { fault: 'OPERATOR', retry: 'LATER', hint: 'fanslymotion doctor checks everything that is required.' },
  UNREACHABLE: { fault: 'OPERATOR', retry: 'LATER', hint: 'Check that the API is running and that the address is right.' },
  CANNOT_SAVE: { fault: 'CLIENT', retry: 'NEVER', hint: 'Choose another file with --out, or free space there.' },
  DAMAGED_DOWNLOAD: { fault: 'SERVER', retry: 'SAME_REQUEST', hint: 'Try again.' },
  PHOTO_DIFFERS: { fault: 'CLIENT', retry: 'NEVER', hint: 'Use the exact photo file the video was made from, unedited.' },
  CANCELLED: { fault: 'CLIENT', retry: 'SAME_REQUEST', hint: 'Run the command again if that was not intended.' },
  INTERRUPTED: { fault: 'CLIENT', retry: 'SAME_REQUEST', hint: 'Run the command again at any time; nothing was kept.' },
} as const satisfies Record<string, ErrorAdvice>;

export type FailureCode = keyof typeof COMMAND_ERRORS | ErrorCode;

/** What `--json` prints of a failure. */
export interface FailureBody extends ErrorAdvice {
  readonly code: FailureCode;
  readonly message: string;
}

export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: FailureCode;
  readonly advice: ErrorAdvice;

  /** @param details differences from the advice of `code`, and the cause */
  constructor(code: FailureCode, message: string, { cause, ...advice }: Partial<ErrorAdvice> & { readonly cause?: unknown } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    const { hint, fault, retry } = { ...adviceOf(code), ...advice };
    this.advice = { hint, fault, retry };
  }

  get hint(): string {
    return this.advice.hint;
  }

  get exitCode(): number {
    return this.code === 'BAD_ARGUMENTS' ? EXIT.badArguments : this.code === 'INTERRUPTED' ? EXIT.interrupted : EXIT.failed;
  }

  get body(): FailureBody {
    return { code: this.code, message: this.message, ...this.advice };
  }

  /** Whether the log of the services can explain more. */
  get isLogged(): boolean {
    return this.advice.fault !== 'CLIENT';
  }

  /** The same failure with another sentence added to its hint. */
  withHint(hint: string): Failure {
    return new Failure(this.code, this.message, { ...this.advice, hint: `${this.hint} ${hint}`, cause: this });
  }
}

/** @param hint `fanslymotion animate --help` unless given */
export function badArguments(message: string, hint: string = COMMAND_ERRORS.BAD_ARGUMENTS.hint): Failure {
  return new Failure('BAD_ARGUMENTS', message, { hint });
}

function adviceOf(code: FailureCode): ErrorAdvice {
  if (!isErrorCode(code)) return COMMAND_ERRORS[code];
  const advice = adviceFor(code);
  return { ...advice, hint: COMMAND_HINTS[code].local ?? advice.hint };
}

/**
 * A failure that the API reports, of a request or of a job. A code that only a newer API knows becomes INTERNAL.
 * @param isRemote whether the API may run on another machine, so that hints name no command to run there
 */
export function reportedFailure(
  { code, message, hint, fault, retry }: ErrorAdvice & { readonly code: string; readonly message: string },
  isRemote: boolean,
  cause?: unknown,
): Failure {
  const advice = { fault, retry, cause };
  if (isErrorCode(code)) return new Failure(code, message, { ...advice, hint: COMMAND_HINTS[code][isRemote ? 'remote' : 'local'] ?? hint });
  return new Failure(code === 'UNREACHABLE' ? code : 'INTERNAL', message, { ...advice, hint });
}

/** Any thrown value as a Failure. @param isRemote as for `reportedFailure` */
export function toFailure(error: unknown, isRemote = false): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof ApiError) return reportedFailure(error, isRemote, error);
  if (error instanceof AppError) return new Failure(error.code, error.message, { cause: error });
  if (error instanceof ConfigError) {
    return new Failure(
      'BAD_CONFIGURATION',
      `The configuration is invalid: ${error.problems.map(({ name, problem }) => `${name}: ${problem}`).join('; ')}`,
      { cause: error },
    );
  }
  if (error instanceof StartupError)
    return new Failure('CANNOT_START', error.message.slice(0, -error.hint.length - 1), { hint: error.hint, cause: error });
  return new Failure('INTERNAL', error instanceof Error ? error.message : String(error), { cause: error });
}
