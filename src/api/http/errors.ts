/** Errors as plain HTTP answers: `{ error: { code, message, hint, retryable, … } }` with the status from the list. */
import { randomUUID } from 'node:crypto';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { AppError, ERRORS, type ErrorCode, type ErrorDetails } from '../../jobs/errors.ts';
import { knownError } from './known-error.ts';

export interface ErrorBody {
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint: string; readonly retryable: boolean } & ErrorDetails;
}

/** The part of a pino logger that is used here. */
export interface ErrorLog {
  error(fields: object, message: string): void;
}

/** What the client reads. An INTERNAL error keeps its message to itself. */
export function errorBody(error: AppError): ErrorBody {
  const message = error.code === 'INTERNAL' ? ERRORS.INTERNAL.message : error.message;
  return { error: { code: error.code, message, hint: error.hint, retryable: error.retryable, ...error.details } };
}

/** The headers that belong to an error. */
export function errorHeaders(error: AppError): Record<string, string> {
  const { retryAfterSeconds } = error.details;
  return {
    'Cache-Control': 'no-store',
    ...(retryAfterSeconds === undefined ? {} : { 'Retry-After': String(Math.ceil(retryAfterSeconds)) }),
    ...(error.code === 'UNAUTHENTICATED' ? { 'WWW-Authenticate': 'Bearer' } : {}),
  };
}

/** Answers with `error`. What is our own fault is logged; an INTERNAL one under a reference that the client gets too. */
export function sendError(response: Response, error: unknown, log: ErrorLog): void {
  const known = withReference(requestError(error));
  if (ERRORS[known.code].status >= 500)
    log.error({ err: known.cause ?? known, code: known.code, reference: known.details.reference }, 'request failed');
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // What was set for the answer that did not come, such as a range or a long life in caches, is not true of this one.
  for (const name of CONTENT_HEADERS) response.removeHeader(name);
  response.status(ERRORS[known.code].status).set(errorHeaders(known)).json(errorBody(known));
}

const CONTENT_HEADERS = [
  'Accept-Ranges',
  'Content-Disposition',
  'Content-Length',
  'Content-Range',
  'Content-Type',
  'ETag',
  'Last-Modified',
];

/** The last error handler of the application. A client that has left is neither answered nor logged. */
export function errorHandler(log: ErrorLog): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    if (hasLeft(error, request)) response.destroy();
    else sendError(response, error, log);
  };
}

/** Answers whatever no route took. */
export const notFound: RequestHandler = (request) => {
  throw new AppError('NOT_FOUND', `There is no ${request.method} ${request.path}.`);
};

function withReference(error: AppError): AppError {
  return error.code === 'INTERNAL' && error.details.reference === undefined
    ? new AppError('INTERNAL', error.message, { ...error.details, reference: randomUUID() }, error.cause ?? error)
    : error;
}

/**
 * Any error as one of the list. Errors of express, its router, body-parser and static files carry a status; those below 500 are the
 * request's fault.
 */
export function requestError(error: unknown): AppError {
  const { status, type } = (error ?? {}) as { status?: unknown; type?: unknown };
  if (error instanceof AppError || typeof status !== 'number' || status < 400 || status >= 500) return knownError(error);
  if (status === 403 || status === 404) return new AppError('NOT_FOUND', 'There is no such file.', {}, error);
  // Only a photo makes a request that long.
  if (status === 413)
    return new AppError('IMAGE_TOO_LARGE', 'The body is too large; send a photo with POST /uploads and name it by uploadId.', {}, error);
  const said =
    REQUEST_FAULTS[String(type)] ??
    (error instanceof URIError ? 'The path is not valid percent-encoding.' : 'The request cannot be understood.');
  return new AppError('BAD_INPUT', said, {}, error);
}

const REQUEST_FAULTS: Record<string, string> = {
  'entity.parse.failed': 'The body is not valid JSON.',
  'encoding.unsupported': 'The Content-Encoding is not supported; send the body as it is, or gzip.',
  'charset.unsupported': 'The charset is not supported; send UTF-8.',
  'request.size.invalid': 'The body is shorter or longer than its Content-Length says.',
};

/** Whether the client that should read this error is gone. */
export function hasLeft(error: unknown, request: Pick<Request, 'socket'>): boolean {
  return isAborted(error) || request.socket.destroyed;
}

function isAborted(error: unknown): boolean {
  const { code, type } = (error ?? {}) as { code?: unknown; type?: unknown };
  return type === 'request.aborted' || code === 'ECONNRESET' || code === 'ECONNABORTED' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}
