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
  /** Called when an idle connection breaks; the next query opens a new one. */
  readonly onConnectionError?: (error: Error) => void;
}

/** Longest wait for a connection or the result of a query, in milliseconds. Queries take a fraction of it on a healthy server. */
const REPLY_TIMEOUT_MS = 10_000;

/**
 * Opens the database at `url`; connects with the first query. A query without a result after 10 s rejects, since a connection can freeze
 * without breaking. A transaction may take longer, each of its queries may not.
 */
export function openDatabase(url: string, { maxConnections = 10, onConnectionError = () => {} }: DatabaseOptions = {}): Database {
  const adapter = new PrismaPg(
    {
      connectionString: url,
      max: maxConnections,
      connectionTimeoutMillis: REPLY_TIMEOUT_MS,
      query_timeout: REPLY_TIMEOUT_MS,
      keepAlive: true,
    },
    { onPoolError: onConnectionError, onConnectionError },
  );
  const client = new PrismaClient({ adapter });
  return { client, close: () => client.$disconnect() };
}
