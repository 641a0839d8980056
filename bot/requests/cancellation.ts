import { once } from 'node:events';

/** Whether the user has asked to cancel a request. Withdrawn if cancelling fails, in which case the request continues. */
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
