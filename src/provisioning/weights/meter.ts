/** How far a transfer is, how fast it goes and how long it will take. */

/** The speed is that of the last seconds. */
const WINDOW_MS = 10_000;
const SAMPLE_MS = 250;

export interface TransferStanding {
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Whole, 0–100; 100 only when all is done. */
  readonly percent: number;
  readonly bytesPerSecond: number;
  /** Null while nothing moves. */
  readonly secondsLeft: number | null;
}

export class TransferMeter {
  #totalBytes = 0;
  #doneBytes = 0;
  /** Bytes moved ever, which unlike those done never falls; and when. */
  #moved = 0;
  #samples: { atMs: number; moved: number }[] = [];

  /** @param hereBytes what need not be moved */
  begin(totalBytes: number, hereBytes: number): void {
    this.#totalBytes = totalBytes;
    this.#doneBytes = hereBytes;
    this.#moved = 0;
    this.#samples = [{ atMs: performance.now(), moved: 0 }];
  }

  add(bytes: number): void {
    this.#doneBytes += bytes;
    this.#moved += bytes;
    const now = performance.now();
    if (now - (this.#samples.at(-1)?.atMs ?? -Infinity) < SAMPLE_MS) return;
    this.#samples.push({ atMs: now, moved: this.#moved });
    while (this.#samples.length > 2 && now - this.#samples[1]!.atMs > WINDOW_MS) this.#samples.shift();
  }

  /** Takes back what has to be moved again. */
  drop(bytes: number): void {
    this.#doneBytes -= bytes;
  }

  standing(): TransferStanding {
    const totalBytes = Math.max(this.#totalBytes, this.#doneBytes);
    const now = performance.now();
    const from = this.#samples.find(({ atMs }) => now - atMs <= WINDOW_MS) ?? this.#samples.at(-1);
    const bytesPerSecond = from && now > from.atMs ? (1000 * (this.#moved - from.moved)) / (now - from.atMs) : 0;
    const leftBytes = totalBytes - this.#doneBytes;
    return {
      doneBytes: this.#doneBytes,
      totalBytes,
      percent: totalBytes === 0 ? 100 : Math.floor((100 * this.#doneBytes) / totalBytes),
      bytesPerSecond,
      secondsLeft: bytesPerSecond > 0 ? leftBytes / bytesPerSecond : null,
    };
  }
}

/** `43 % of 4.5 GB, about 6 min left` */
export function describeTransfer({ percent, totalBytes, secondsLeft }: TransferStanding): string {
  return `${percent} % of ${describeBytes(totalBytes)}${secondsLeft === null || percent === 100 ? '' : `, about ${roughly(secondsLeft)} left`}`;
}

/** `512 bytes`, `3 kB`, `196 MB`, `4.5 GB` */
export function describeBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

function roughly(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5_400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
