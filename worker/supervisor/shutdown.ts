/** How a worker shuts down: the request comes first; the deadline follows, at the latest when the grace period has passed. */
export class Shutdown {
  readonly #requested = new AbortController();
  readonly #deadline = new AbortController();

  /**
   * Aborted once the worker has been asked to stop. It takes no more jobs, and a renderer that dies from now on is assumed to have been
   * stopped along with it: service managers signal all processes of a unit at once.
   */
  get requested(): AbortSignal {
    return this.#requested.signal;
  }

  /** Aborted once an unfinished attempt must be released. */
  get deadline(): AbortSignal {
    return this.#deadline.signal;
  }

  request(): void {
    this.#requested.abort();
  }

  expire(): void {
    this.#deadline.abort();
  }
}
