/** Progress, speed and remaining time of a transfer. */

/** Time over which the speed is averaged. */
const WINDOW_MS = 10_000;
const SAMPLE_MS = 250;

export interface TransferProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** Whole number, 0–100; 100 only once everything is done. */
  readonly percent: number;
  readonly bytesPerSecond: number;
  /** Null while no data is transferred. */
  readonly secondsLeft: number | null;
}

export class TransferMeter {
  #totalBytes = 0;
  #doneBytes = 0;
  /** Bytes transferred since `begin`; unlike #doneBytes, never decreases. */
  #moved = 0;
  #samples: { readonly atMs: number; readonly moved: number }[] = [];

  /** @param doneBytes bytes that need not be transferred any more */
  begin(totalBytes: number, doneBytes: number): void {
    this.#totalBytes = totalBytes;
    this.#doneBytes = doneBytes;
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

  /** Subtracts bytes that must be transferred again. */
  drop(bytes: number): void {
    this.#doneBytes -= bytes;
  }

  progress(): TransferProgress {
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
export function describeTransfer({ percent, totalBytes, secondsLeft }: TransferProgress): string {
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
