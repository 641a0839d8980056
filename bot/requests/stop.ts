import { once } from 'node:events';

/** A cancellation of a request; cleared if cancelling failed and the request continues. */
export class Stop {
  #controller = new AbortController();

  get isWanted(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Aborted by the current cancellation, or by the next one. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  want(): void {
    this.#controller.abort();
  }

  takeBack(): void {
    if (this.isWanted) this.#controller = new AbortController();
  }

  /** Resolves once cancellation is requested; rejects with `signal`. */
  async wanted(signal: AbortSignal): Promise<void> {
    if (!this.isWanted) await once(this.signal, 'abort', { signal });
  }
}
