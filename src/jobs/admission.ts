/** Admission of jobs from the backlog to the queue, and notifications about changed queue positions. */
import { names } from '../catalog/catalog.ts';
import { ENGINES, type EngineName } from '../catalog/engines.ts';
import type { JobContext } from './context.ts';
import { QUEUE_TOPIC } from './ports/bus.ts';
import type { Admitted } from './store.ts';

type AdmissionContext = Pick<JobContext, 'policy' | 'jobs' | 'queue' | 'bus' | 'log'>;

/** Adds queue entries for admitted jobs, in order. Housekeeping adds the entries that cannot be added now. */
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
 * Admits the next jobs of the backlog. Call after a job has left the queue. Never rejects, so that the operation that freed the slot does
 * not fail; housekeeping repeats the admission.
 */
export async function admitFromBacklog(context: AdmissionContext, engine: EngineName): Promise<void> {
  try {
    await enqueueAdmitted(context, await context.jobs.admit(engine, context.policy.queueLimit));
  } catch (error) {
    context.log.warn({ engine, err: error }, 'backlog not admitted to the queue; housekeeping will retry');
  }
}

/** Admits the backlogs of all engines. */
export async function admitAll(context: AdmissionContext): Promise<void> {
  for (const engine of names(ENGINES)) await admitFromBacklog(context, engine);
}

/** Notifies the subscribers of an engine's waiting jobs that their positions may have changed. If the message is lost, their next poll notices. */
export async function publishQueueChange({ bus, log }: Pick<AdmissionContext, 'bus' | 'log'>, engine: EngineName): Promise<void> {
  await bus.publish(QUEUE_TOPIC, { engine }).catch((error: unknown) => log.warn({ engine, err: error }, 'queue change not published'));
}
