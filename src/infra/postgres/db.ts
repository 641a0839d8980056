import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from '../generated/prisma/client.ts';

export interface Database {
  readonly client: PrismaClient;
  /** Waits for running queries and closes all connections. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** Most connections held at once. */
  readonly maxConnections?: number;
  /** Told about connections that break while nobody uses them; the next query opens a new one. */
  readonly onConnectionError?: (error: Error) => void;
}

/** Longest wait for a connection or an answer, in milliseconds. Every query here takes a fraction of it on a healthy server. */
const ANSWER_MS = 10_000;

/**
 * The tables behind `url`. Connects with the first query. A query rejects when it has no answer after 10 s, since a connection can
 * freeze without breaking; a transaction may last longer than that, its queries may not.
 */
export function openDatabase(url: string, { maxConnections = 10, onConnectionError = () => {} }: DatabaseOptions = {}): Database {
  const adapter = new PrismaPg(
    { connectionString: url, max: maxConnections, connectionTimeoutMillis: ANSWER_MS, query_timeout: ANSWER_MS, keepAlive: true },
    { onPoolError: onConnectionError, onConnectionError },
  );
  const client = new PrismaClient({ adapter });
  return { client, close: () => client.$disconnect() };
}
