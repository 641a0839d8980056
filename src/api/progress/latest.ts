/**
 * A stream of states for a reader of any speed: only the newest value waits, so a reader that never reads costs one value. Meant for
 * one reader.
 */
export class Latest<T> implements AsyncIterableIterator<T, undefined> {
  #pending: { readonly value: T } | null = null;
  #ended = false;
  #failure: { readonly error: unknown } | null = null;
  #reader: ((result: IteratorResult<T, undefined> | Promise<never>) => void) | null = null;
  #cleanup: (() => Promise<void>) | null;

  /** @param cleanup is called once: when the reader leaves, or at `end` or `fail`. Must not reject. */
  constructor(cleanup: () => Promise<void> = async () => {}) {
    this.#cleanup = cleanup;
  }

  /** Offers a value; it replaces one that has not been read. Ignored after the end. */
  push(value: T): void {
    if (this.#ended) return;
    if (this.#reader) this.#answer({ value, done: false });
    else this.#pending = { value };
  }

  /** No more values will come; one that waits is still read. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    void this.#clean();
    if (this.#reader) this.#answer({ value: undefined, done: true });
  }

  /** As `end`, but then the reader gets `error`, once. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#failure = { error };
    this.#ended = true;
    void this.#clean();
    if (this.#reader) this.#answer(this.#takeFailure()!);
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
    if (this.#reader) throw new Error('this stream has a reader already');
    return new Promise((resolve) => (this.#reader = resolve));
  }

  /** The reader leaves. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.#pending = null;
    this.#failure = null;
    this.#ended = true;
    if (this.#reader) this.#answer({ value: undefined, done: true });
    await this.#clean();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #answer(result: IteratorResult<T, undefined> | Promise<never>): void {
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
