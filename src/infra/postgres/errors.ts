/** Error codes of Node, Prisma and PostgreSQL for a server that is unreachable, does not answer, or is shutting down. */
const UNREACHABLE_CODES =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN|P1001|P1002|P1008|P1017|P2024|08\w{3}|57P0[1-3])$/;
/** Error kinds of Prisma's driver adapters with the same meaning. */
const UNREACHABLE_KINDS = /^(ConnectionClosed|DatabaseNotReachable|SocketTimeout|TooManyConnections)$/;
/** Messages of pg and pg-pool that come without a code. */
const UNREACHABLE_MESSAGES =
  /(^|\n)(Connection terminated|Transaction API error: Unable to start a transaction|Query read timeout|timeout exceeded when trying to connect|Client has encountered a connection error)/;

/** Whether a query failed because the database is unreachable, not because the query is wrong. */
export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, meta } = error as {
    code?: unknown;
    meta?: { driverAdapterError?: { cause?: { kind?: unknown; originalCode?: unknown } } };
  };
  const { kind, originalCode } = meta?.driverAdapterError?.cause ?? {};
  return (
    UNREACHABLE_CODES.test(String(code)) ||
    UNREACHABLE_CODES.test(String(originalCode)) ||
    UNREACHABLE_KINDS.test(String(kind)) ||
    UNREACHABLE_MESSAGES.test(error.message)
  );
}
