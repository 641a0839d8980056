import { inject } from 'vitest';

/** URL of the run's Redis; undefined without redis-server on this machine. */
export const redisUrl = (): string | undefined => inject('redisUrl');

let prefixes = 0;

/** A QUEUE_PREFIX that no other suite uses. */
export const ownPrefix = (): string => `test_${process.pid}_${++prefixes}`;
