/** Lets through who waits at it while it is open. */
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

  /** Fulfilled at once, or when the gate opens next. */
  passed(): Promise<void> {
    return this.#passed;
  }
}
