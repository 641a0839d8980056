/**
 * Cancels jobs of killed `animate` processes. Such a process could not cancel its job itself, and the next one would have to wait for a
 * video that nobody wants any more.
 */
import { hostname } from 'node:os';
import type { ApiClient } from '../../client/client.ts';

/** How long a request may take here, in milliseconds. */
const REQUEST_MS = 3_000;

/** The clientRef of this process's job. */
export const ownReference = (): string => `animate:${hostname().slice(0, 100)}:${process.pid}`;

/** Cancels the unfinished jobs of animate processes of this machine that no longer exist. Best effort: never fails. */
export async function cancelAbandoned(api: ApiClient): Promise<void> {
  const unfinished = api.jobs({ first: 100, filter: { statuses: ['QUEUED', 'PROCESSING', 'RETRYING'] } }, { timeoutMs: REQUEST_MS });
  const jobs = await unfinished.then(
    ({ nodes }) => nodes,
    () => [],
  );
  const abandoned = jobs.filter(({ clientRef }) => clientRef !== null && isOfDeadProcess(clientRef));
  await Promise.allSettled(abandoned.map(({ id }) => api.cancelJob(id, { timeoutMs: REQUEST_MS })));
}

function isOfDeadProcess(clientRef: string): boolean {
  const prefix = `animate:${hostname().slice(0, 100)}:`;
  const pid = clientRef.startsWith(prefix) ? Number(clientRef.slice(prefix.length)) : 0;
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
