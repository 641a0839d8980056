/** Something about models on disk, or fetching them, that a person has to cure. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
  readonly cure: string;

  constructor(problem: string, cure: string, cause?: unknown) {
    super(problem, cause === undefined ? undefined : { cause });
    this.cure = cure;
  }
}

/** Another process is fetching the same model. */
export class ModelBusy extends ModelError {
  constructor(name: string, holder: string) {
    super(`${name} is being fetched by ${holder}.`, 'Wait until that is done, or stop it.');
  }
}
