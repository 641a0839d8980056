import { inject } from 'vitest';

/** The run's Redis; undefined where the machine has no redis-server. */
export const redisUrl = (): string | undefined => inject('redisUrl');

let prefixes = 0;

/** A QUEUE_PREFIX that no other suite uses. */
export const ownPrefix = (): string => `test_${process.pid}_${++prefixes}`;
