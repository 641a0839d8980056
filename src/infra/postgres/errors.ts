/** Error codes of Node, Prisma and PostgreSQL for a server that is unreachable, does not answer, or is shutting down. */
const AWAY_CODES =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN|P1001|P1002|P1008|P1017|P2024|08\w{3}|57P0[1-3])$/;
/** Error kinds of Prisma's driver adapters with the same meaning. */
const AWAY_KINDS = /^(ConnectionClosed|DatabaseNotReachable|SocketTimeout|TooManyConnections)$/;
/** Messages of pg and pg-pool that come without a code. */
const AWAY_WORDS =
  /(^|\n)(Connection terminated|Transaction API error: Unable to start a transaction|Query read timeout|timeout exceeded when trying to connect|Client has encountered a connection error)/;

/** Whether a query failed because the database is unreachable, not because the query is wrong. */
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
