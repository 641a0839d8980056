/** From the backlog to the queue: which jobs get a queue entry, and when followers of waiting jobs look again. */
import { ENGINES, type EngineName } from '../catalog/engines.ts';
import { names } from '../catalog/catalog.ts';
import type { JobContext } from './context.ts';
import { QUEUE_TOPIC } from './ports/bus.ts';
import type { Admitted } from './store.ts';

type AdmissionContext = Pick<JobContext, 'config' | 'jobs' | 'queue' | 'bus' | 'log'>;

/** Adds queue entries for jobs that have been admitted, in order. An entry that cannot be added now is added by housekeeping. */
export async function enqueueAdmitted(
  { queue, log }: Pick<AdmissionContext, 'queue' | 'log'>,
  admitted: readonly Admitted[],
): Promise<void> {
  for (const { id, engine } of admitted) {
    await queue.enqueue(engine, id).catch((error: unknown) => {
      log.warn({ jobId: id, err: error }, 'job not queued yet; housekeeping will queue it');
    });
  }
}

/**
 * Call after a job has left the queue: admits the next jobs of the backlog. Never rejects, since what made room must not fail because of
 * it; housekeeping repeats it.
 */
export async function admitFromBacklog(context: AdmissionContext, engine: EngineName): Promise<void> {
  try {
    await enqueueAdmitted(context, await context.jobs.admit(engine, context.config.QUEUE_LIMIT));
  } catch (error) {
    context.log.warn({ engine, err: error }, 'backlog not admitted to the queue; housekeeping will do it');
  }
}

/** Admits the backlogs of all engines. */
export async function admitAll(context: AdmissionContext): Promise<void> {
  for (const engine of names(ENGINES)) await admitFromBacklog(context, engine);
}

/** Wakes those who follow waiting jobs of an engine: their positions may have changed. A lost message delays them by one poll. */
export async function publishQueueChange({ bus, log }: Pick<AdmissionContext, 'bus' | 'log'>, engine: EngineName): Promise<void> {
  await bus.publish(QUEUE_TOPIC, { engine }).catch((error: unknown) => log.warn({ engine, err: error }, 'queue change not published'));
}
