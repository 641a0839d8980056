/** Rows of jobs for tests of the database. */
import { randomUUID } from 'node:crypto';
import { CENTRE } from '../../src/catalog/crop.ts';
import { checkOptions, resolveOptions } from '../../src/jobs/options.ts';
import type { Limits, NewJob } from '../../src/jobs/store.ts';

export const NO_LIMITS: Limits = { queue: 1_000_000, backlog: 0, owner: null };

/** A job of owner `o` with the PREVIEW engine. */
export const newJob = (change: Partial<NewJob> = {}): NewJob => ({
  id: randomUUID(),
  owner: 'o',
  maxAttempts: 3,
  engine: 'PREVIEW',
  options: resolveOptions(checkOptions({}), 'PREVIEW', { width: 4, height: 3, focus: CENTRE }),
  estimatedSeconds: 5,
  baselineSeconds: null,
  photoSha256: 'a',
  photoWidth: 4,
  photoHeight: 3,
  photoFocus: CENTRE,
  clientRef: null,
  idempotencyKey: null,
  fingerprint: 'f',
  retryOf: null,
  ...change,
});
