import type { EngineName } from '../catalog/engines.ts';
import { baselineSeconds, costModelOn, type RenderDevice, type Work } from './costs.ts';
import type { Job } from './job.ts';
import type { QueueView } from './queue-lines.ts';
import type { JobStore, RenderSample } from './store.ts';

/** Number of finished renders that an estimate uses: the newest, so that a faster device or a newer version counts soon. */
const SAMPLES = 100;

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** Expected render times of one engine, corrected by its finished jobs. */
export class Estimator {
  readonly #engine: EngineName;
  readonly #samples: readonly RenderSample[];

  constructor(engine: EngineName, samples: readonly RenderSample[]) {
    this.#engine = engine;
    this.#samples = samples;
  }

  /**
   * Seconds: the baseline times the median ratio of measured to baseline time. The ratio is taken over finished jobs of the same
   * resolution and duration, else over all of them, else it is 1. If the device has finished jobs, only those count. If it has none
   * but its engine has a cost model there, jobs of other devices do not count.
   */
  seconds(work: Work, device?: RenderDevice): number {
    const onDevice = this.#samples.filter((sample) => sample.device === device?.device);
    const relevant = onDevice.length > 0 || costModelOn(device, this.#engine) !== null ? onDevice : this.#samples;
    const sameSize = relevant.filter(
      ({ options }) => options.resolution === work.resolution && options.durationSeconds === work.durationSeconds,
    );
    const used = sameSize.length > 0 ? sameSize : relevant;
    const baseline = baselineSeconds(work, device);
    if (used.length === 0) return baseline;
    // Each job is compared with its baseline at creation, because the model may have been replaced by a larger one since then.
    return (
      baseline * median(used.map((sample) => sample.renderSeconds / (sample.baselineSeconds ?? baselineSeconds(sample.options, device))))
    );
  }

  /** Seconds on the fastest of `devices`; without any, on any device. */
  fastest(work: Work, devices: readonly RenderDevice[]): number {
    return devices.length === 0 ? this.seconds(work) : Math.min(...devices.map((device) => this.seconds(work, device)));
  }
}

export async function estimatorFor(jobs: Pick<JobStore, 'samples'>, engine: EngineName): Promise<Estimator> {
  return new Estimator(engine, await jobs.samples(engine, SAMPLES));
}

/** Queue position and remaining time of a job, as of now. */
export interface Outlook {
  /** 1 is next; null unless QUEUED. */
  readonly queuePosition: number | null;
  /** Waiting included; null for a finished job. */
  readonly secondsRemaining: number | null;
}

/**
 * The outlook of a job.
 * @param view the line of its engine; required for QUEUED only
 * @param now the database's clock
 */
export function outlook(job: Job, view: QueueView | null, now: Date): Outlook {
  switch (job.status) {
    case 'QUEUED': {
      const position = view?.positions.get(job.id);
      // The job may have left the line since its row was read.
      if (!view || !position) return { queuePosition: null, secondsRemaining: job.estimatedSeconds };
      return {
        queuePosition: position.jobsAhead + 1,
        secondsRemaining: (position.secondsAhead + view.runningSeconds) / Math.max(1, view.devices) + job.estimatedSeconds,
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
