/** GraphQL errors as clients receive them: `extensions` carry code, hint, fault and retry. */
import { randomUUID } from 'node:crypto';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import type { Log } from '../../jobs/ports/log.ts';
import { AppError, ERRORS, isErrorCode } from '../../jobs/errors.ts';
import { knownError } from '../http/errors.ts';

/** Codes of graphql and Apollo for a malformed request, which is refused before any resolver runs. */
const REFUSED = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'BAD_REQUEST',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
]);

/** The error inside graphql's wrappers. */
function causeOf(error: unknown): unknown {
  return error instanceof GraphQLError && error.originalError ? causeOf(error.originalError) : error;
}

function classify(error: unknown, formatted: GraphQLFormattedError): AppError {
  const cause = causeOf(error);
  if (cause instanceof AppError) return cause;
  const code = formatted.extensions?.['code'];
  if (isErrorCode(code)) return new AppError(code, formatted.message);
  const refused = typeof code === 'string' && REFUSED.has(code);
  // A GraphQLError without a cause comes from graphql itself, for example for an invalid variable.
  if (refused || cause instanceof GraphQLError) return new AppError('BAD_INPUT', formatted.message);
  return knownError(cause);
}

/**
 * @param error what was thrown
 * @param formatted the error as formatted by graphql, with path and locations
 * @param production hides stack traces
 */
export function formatError(error: unknown, formatted: GraphQLFormattedError, log: Log, production: boolean): GraphQLFormattedError {
  const known = classify(error, formatted);
  const reference = known.code === 'INTERNAL' ? (known.details.reference ?? randomUUID()) : undefined;
  if (reference) log.error({ err: known.cause ?? known, reference, path: formatted.path }, 'request failed');
  else if (known.code === 'UNAVAILABLE' && !(causeOf(error) instanceof AppError))
    log.warn({ err: known.cause, path: formatted.path }, 'the database does not respond');
  // Expected errors need no stack.
  const stack = production || !reference ? undefined : (causeOf(error) as Error | undefined)?.stack;
  const { message, advice, details } = known;
  const { locations, path } = formatted;
  return {
    message: reference ? `${ERRORS.INTERNAL.message} Reference: ${reference}` : message,
    ...(locations && { locations }),
    ...(path && { path }),
    extensions: {
      code: known.code,
      ...advice,
      ...details,
      ...(reference && { reference }),
      ...(stack && { stacktrace: stack.split('\n') }),
    },
  };
}
