import { ENGINES, frameCount, RESOLUTIONS, type EngineName, type RenderOptions, type Resolution } from '../catalog/catalog.ts';
import type { Job } from './job.ts';
import type { QueueView } from './queue-lines.ts';
import type { JobStore, RenderSample } from './store.ts';

export type Work = Pick<RenderOptions, 'resolution' | 'durationSeconds' | 'steps' | 'maxGuidanceScale'>;

/** What a render of one resolution costs on one device, as its engine reckons before any was measured. All in seconds. */
export interface Pace {
  /** Whatever the options. */
  readonly fixed: number;
  /** For each call of the denoising network: one a step, two with guidance. */
  readonly perCall: number;
  /** For each frame of the video. */
  readonly perFrame: number;
}

export type Paces = Readonly<Partial<Record<Resolution, Pace>>>;

/** Where a job will be rendered. */
export interface Place {
  readonly device: string;
  /** By engine, for those that know. */
  readonly paces: Readonly<Partial<Record<EngineName, Paces>>>;
}

/** Calls of the denoising network: guidance, which is on above 1, needs a second one a step. */
export function networkCalls({ steps, maxGuidanceScale }: Pick<Work, 'steps' | 'maxGuidanceScale'>): number {
  return maxGuidanceScale > 1 ? 2 * steps : steps;
}

/** Finished renders looked at; the newest ones, so that a faster card or a newer version is learnt within a day's work. */
const SAMPLES = 100;

/** Render time in seconds before anything was measured: the engine's own reckoning for that place, else the catalogue's. */
export function guessSeconds(engine: EngineName, work: Work, place?: Place): number {
  const { resolution, durationSeconds, steps } = work;
  const frames = frameCount(durationSeconds);
  const pace = place?.paces[engine]?.[resolution];
  if (pace) return pace.fixed + networkCalls(work) * pace.perCall + frames * pace.perFrame;
  const { width, height } = RESOLUTIONS[resolution];
  return ENGINES[engine].guessSeconds({ megapixels: (width * height * frames) / 1e6, steps });
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** Expected render times of one engine, learnt from its finished jobs. */
export class Estimator {
  readonly #engine: EngineName;
  readonly #samples: readonly RenderSample[];

  constructor(engine: EngineName, samples: readonly RenderSample[]) {
    this.#engine = engine;
    this.#samples = samples;
  }

  /**
   * Seconds: the median of finished jobs of the same resolution and duration, corrected for steps; else the guess times the median of
   * measured over guessed of all others; else the guess. Where the place's device has samples, only those count; where its engine
   * reckons for itself, those of other devices say nothing.
   */
  seconds(work: Work, place?: Place): number {
    const here = this.#samples.filter((sample) => sample.device === place?.device);
    const known = here.length > 0 || place?.paces[this.#engine] ? here : this.#samples;
    const same = known.filter(({ options }) => options.resolution === work.resolution && options.durationSeconds === work.durationSeconds);
    const taken = same.length > 0 ? same : known;
    const guess = guessSeconds(this.#engine, work, place);
    if (taken.length === 0) return guess;
    // Compared with what was reckoned for them then: a smaller model has taught nothing false about a larger one.
    return (
      guess *
      median(taken.map((sample) => sample.renderSeconds / (sample.guessSeconds ?? guessSeconds(this.#engine, sample.options, place))))
    );
  }

  /** Seconds on the quickest of `places`; where there is none yet, on any. */
  quickest(work: Work, places: readonly Place[]): number {
    return places.length === 0 ? this.seconds(work) : Math.min(...places.map((place) => this.seconds(work, place)));
  }
}

export async function estimatorFor(jobs: Pick<JobStore, 'samples'>, engine: EngineName): Promise<Estimator> {
  return new Estimator(engine, await jobs.samples(engine, SAMPLES));
}

/** Place in the queue and time to the end, as of now. */
export interface Outlook {
  /** 1 is next; null unless QUEUED. */
  readonly queuePosition: number | null;
  /** Null after the end. */
  readonly secondsRemaining: number | null;
}

/**
 * What a job can expect.
 * @param view its engine's line; needed for QUEUED only
 * @param now the database's clock
 */
export function outlook(job: Job, view: QueueView | null, now: Date): Outlook {
  switch (job.status) {
    case 'QUEUED': {
      const place = view?.places.get(job.id);
      // It may have left the line since the row was read.
      if (!view || !place) return { queuePosition: null, secondsRemaining: job.estimatedSeconds };
      return {
        queuePosition: place.jobsAhead + 1,
        secondsRemaining: (place.secondsAhead + view.runningSeconds) / Math.max(1, view.devices) + job.estimatedSeconds,
      };
    }
    case 'PROCESSING': {
      const since = job.progressAt ? (now.getTime() - job.progressAt.getTime()) / 1000 : 0;
      return { queuePosition: null, secondsRemaining: Math.max(0, (job.etaSeconds ?? job.estimatedSeconds) - Math.max(0, since)) };
    }
    case 'RETRYING': {
      const wait = job.nextAttemptAt ? (job.nextAttemptAt.getTime() - now.getTime()) / 1000 : 0;
      return { queuePosition: null, secondsRemaining: Math.max(0, wait) + job.estimatedSeconds };
    }
    default:
      return { queuePosition: null, secondsRemaining: null };
  }
}
