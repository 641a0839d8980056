import { once } from 'node:events';

/** Somebody's wish to have an order stopped; taken back where stopping does not work and the order goes on. */
export class Stop {
  #controller = new AbortController();

  get isWanted(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Aborted by the present wish, or the next one. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  want(): void {
    this.#controller.abort();
  }

  takeBack(): void {
    if (this.isWanted) this.#controller = new AbortController();
  }

  /** Resolves with the wish; rejects with `signal`. */
  async wanted(signal: AbortSignal): Promise<void> {
    if (!this.isWanted) await once(this.signal, 'abort', { signal });
  }
}
