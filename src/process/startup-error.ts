/** A process cannot start as things are. Its message ends with what to do about it. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
  readonly hint: string;

  constructor(problem: string, hint: string, cause?: unknown) {
    super(`${problem}\n${hint}`, cause === undefined ? undefined : { cause });
    this.hint = hint;
  }
}

export const USE_OTHER_DATABASE = 'Or set DATABASE_URL to a PostgreSQL server of your own (13 or newer).';
