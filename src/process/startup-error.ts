/** A process cannot start until a condition changes. The message ends with the hint. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
  readonly hint: string;

  constructor(problem: string, hint: string, cause?: unknown) {
    super(`${problem}\n${hint}`, cause === undefined ? undefined : { cause });
    this.hint = hint;
  }
}

export const USE_OTHER_DATABASE = 'Or set DATABASE_URL to a PostgreSQL server of your own (13 or newer).';
