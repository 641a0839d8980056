/** Photos must be uploaded first. Repeats use the photo of an earlier job, so they do not wait behind uploads. */
export type Line = 'photos' | 'repeats';

export interface Turn {
  /** Resolves when all earlier turns of the line have ended. */
  readonly turn: Promise<void>;
  endTurn(): void;
}

/** The order in which the requests of one chat create their jobs: first come, first served in each line. */
export class Turns {
  readonly #last: Record<Line, Promise<void>> = { photos: Promise.resolve(), repeats: Promise.resolve() };

  take(line: Line): Turn {
    const turn = this.#last[line];
    let endTurn = () => {};
    const ended = new Promise<void>((resolve) => (endTurn = resolve));
    this.#last[line] = turn.then(() => ended);
    return { turn, endTurn };
  }
}
