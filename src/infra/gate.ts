/** Lets callers through while it is open and holds them back while it is shut. */
export class Gate {
  #isOpen = true;
  #passed: Promise<void> = Promise.resolve();
  #release = (): void => {};

  get isOpen(): boolean {
    return this.#isOpen;
  }

  open(): void {
    this.#isOpen = true;
    this.#release();
  }

  shut(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#passed = new Promise((release) => (this.#release = release));
  }

  /** Resolves at once if the gate is open, otherwise when it next opens. */
  passed(): Promise<void> {
    return this.#passed;
  }
}
