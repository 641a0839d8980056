/** A killed `animate` cannot cancel its job. Nobody waits for its video, but the next one would wait behind it. */
import { hostname } from 'node:os';
import type { ApiClient } from './api.ts';

/** The clientRef of this process's job. */
export const ownReference = (): string => `animate:${hostname().slice(0, 100)}:${process.pid}`;

/** Cancels jobs of animate processes of this machine that are gone. Never fails: it is only good manners. */
export async function cancelAbandoned(api: ApiClient): Promise<void> {
  const jobs = await api.activeJobs().catch(() => []);
  const abandoned = jobs.filter(({ clientRef }) => clientRef !== null && isGone(clientRef));
  await Promise.allSettled(abandoned.map(({ id }) => api.cancelJob(id)));
}

function isGone(clientRef: string): boolean {
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
