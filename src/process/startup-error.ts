/** A process cannot start as things are. Its message ends with what to do about it. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
  readonly cure: string;

  constructor(problem: string, cure: string, cause?: unknown) {
    super(`${problem}\n${cure}`, cause === undefined ? undefined : { cause });
    this.cure = cure;
  }
}

export const USE_OTHER_DATABASE = 'Or set DATABASE_URL to a PostgreSQL server of your own (13 or newer).';
