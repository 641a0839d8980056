/** A problem with a model on disk or its download that the operator must solve; `hint` says how. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
  readonly hint: string;

  constructor(problem: string, hint: string, cause?: unknown) {
    super(problem, cause === undefined ? undefined : { cause });
    this.hint = hint;
  }
}

/** Another process is downloading the same model. */
export class ModelBusy extends ModelError {
  constructor(name: string, holder: string) {
    super(`${name} is being downloaded by ${holder}.`, 'Wait until it is done, or stop that process.');
  }
}
