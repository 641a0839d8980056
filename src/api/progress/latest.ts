/**
 * A stream that keeps only the latest value, so that a slow reader skips values and uses no more memory. For a single reader.
 */
export class Latest<T> implements AsyncIterableIterator<T, undefined> {
  #pending: { readonly value: T } | null = null;
  #ended = false;
  #failure: { readonly error: unknown } | null = null;
  #reader: ((result: IteratorResult<T, undefined> | Promise<never>) => void) | null = null;
  #cleanup: (() => Promise<void>) | null;

  /** @param cleanup called once: when the reader stops, or by `end` or `fail`. Must not reject. */
  constructor(cleanup: () => Promise<void> = async () => {}) {
    this.#cleanup = cleanup;
  }

  /** Sets the latest value, which replaces one that has not been read. Ignored once the stream has ended. */
  push(value: T): void {
    if (this.#ended) return;
    if (this.#reader) this.#deliver({ value, done: false });
    else this.#pending = { value };
  }

  /** Ends the stream; an unread value is still delivered. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    void this.#clean();
    if (this.#reader) this.#deliver({ value: undefined, done: true });
  }

  /** Ends the stream with `error`, after an unread value. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#failure = { error };
    this.#ended = true;
    void this.#clean();
    if (this.#reader) this.#deliver(this.#takeFailure()!);
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    const pending = this.#pending;
    if (pending) {
      this.#pending = null;
      return { value: pending.value, done: false };
    }
    const failure = this.#takeFailure();
    if (failure) return failure;
    if (this.#ended) return { value: undefined, done: true };
    if (this.#reader) throw new Error('this stream already has a reader');
    return new Promise((resolve) => (this.#reader = resolve));
  }

  /** Called when the reader stops. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.#pending = null;
    this.#failure = null;
    this.#ended = true;
    if (this.#reader) this.#deliver({ value: undefined, done: true });
    await this.#clean();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #deliver(result: IteratorResult<T, undefined> | Promise<never>): void {
    const reader = this.#reader;
    this.#reader = null;
    reader?.(result);
  }

  #takeFailure(): Promise<never> | null {
    const failure = this.#failure;
    this.#failure = null;
    return failure && Promise.reject(failure.error);
  }

  async #clean(): Promise<void> {
    const cleanup = this.#cleanup;
    this.#cleanup = null;
    await cleanup?.();
  }
}
