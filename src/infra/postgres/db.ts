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

/** Codes of Node, Prisma and PostgreSQL for a server that cannot be reached, does not answer, or is going down. */
const AWAY_CODES =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN|P1001|P1002|P1008|P1017|P2024|08\w{3}|57P0[1-3])$/;
/** Kinds of errors of Prisma's driver adapters that mean the same. */
const AWAY_KINDS = /^(ConnectionClosed|DatabaseNotReachable|SocketTimeout|TooManyConnections)$/;
/** What pg and pg-pool say without a code. */
const AWAY_WORDS =
  /(^|\n)(Connection terminated|Transaction API error: Unable to start a transaction|Query read timeout|timeout exceeded when trying to connect|Client has encountered a connection error)/;

/** Whether an error of a query means that the database is out of reach, and not that something is wrong with the query. */
export function isOutOfReach(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, meta } = error as {
    code?: unknown;
    meta?: { driverAdapterError?: { cause?: { kind?: unknown; originalCode?: unknown } } };
  };
  const { kind, originalCode } = meta?.driverAdapterError?.cause ?? {};
  return (
    AWAY_CODES.test(String(code)) ||
    AWAY_CODES.test(String(originalCode)) ||
    AWAY_KINDS.test(String(kind)) ||
    AWAY_WORDS.test(error.message)
  );
}
