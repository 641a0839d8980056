import { once } from 'node:events';

/** The user's wish to cancel a request. It is withdrawn if cancelling failed and the request continues. */
export class Cancellation {
  #controller = new AbortController();

  get isRequested(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Aborted by the current cancellation, or else by the next one. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  request(): void {
    this.#controller.abort();
  }

  withdraw(): void {
    if (this.isRequested) this.#controller = new AbortController();
  }

  /** Resolves once cancellation is requested. @throws AbortError when `signal` is aborted first */
  async requested(signal: AbortSignal): Promise<void> {
    if (!this.isRequested) await once(this.signal, 'abort', { signal });
  }
}
