/** Errors as plain HTTP responses: `{ error: { code, message, hint, fault, retry, … } }`. */
import { randomUUID } from 'node:crypto';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { isUnreachable } from '../../infra/postgres/errors.ts';
import { AppError, ERRORS, toAppError, type ErrorAdvice, type ErrorCode, type ErrorDetails } from '../../jobs/errors.ts';
import type { Log } from '../../jobs/ports/log.ts';
import { HTTP_STATUS } from './status.ts';

export interface ErrorBody {
  readonly error: { readonly code: ErrorCode; readonly message: string } & ErrorAdvice & ErrorDetails;
}

/** The body that the client receives. The message of an INTERNAL error is not disclosed. */
export function errorBody(error: AppError): ErrorBody {
  const message = error.code === 'INTERNAL' ? ERRORS.INTERNAL.message : error.message;
  return { error: { code: error.code, message, ...error.advice, ...error.details } };
}

/** The headers of an error response. */
export function errorHeaders(error: AppError): Record<string, string> {
  const { retryAfterSeconds } = error.details;
  return {
    'Cache-Control': 'no-store',
    ...(retryAfterSeconds === undefined ? {} : { 'Retry-After': String(Math.ceil(retryAfterSeconds)) }),
    ...(error.code === 'UNAUTHENTICATED' ? { 'WWW-Authenticate': 'Bearer' } : {}),
  };
}

/** Responds with `error`. Statuses from 500 are logged; an INTERNAL error under a reference that the client receives too. */
function sendError(response: Response, error: unknown, log: Pick<Log, 'error'>): void {
  const known = withReference(requestError(error));
  if (HTTP_STATUS[known.code] >= 500)
    log.error({ err: known.cause ?? known, code: known.code, reference: known.details.reference }, 'request failed');
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // Headers set for the intended response, such as a range or a long cache lifetime, do not apply to the error.
  for (const name of CONTENT_HEADERS) response.removeHeader(name);
  response.status(HTTP_STATUS[known.code]).set(errorHeaders(known)).json(errorBody(known));
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

/** The last error handler of the application. Errors of a disconnected client are neither answered nor logged. */
export function errorHandler(log: Pick<Log, 'error'>): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    if (isDisconnected(error, request)) response.destroy();
    else sendError(response, error, log);
  };
}

/** Responds to requests that match no route. */
export const notFound: RequestHandler = (request) => {
  throw new AppError('NOT_FOUND', `${request.method} ${request.path} does not exist.`);
};

function withReference(error: AppError): AppError {
  return error.code === 'INTERNAL' && error.details.reference === undefined
    ? new AppError('INTERNAL', error.message, { ...error.details, reference: randomUUID() }, error.cause ?? error)
    : error;
}

/** Any error as an AppError; an unreachable database becomes UNAVAILABLE. */
export function knownError(error: unknown): AppError {
  return isUnreachable(error) ? new AppError('UNAVAILABLE', undefined, {}, error) : toAppError(error);
}

/**
 * Any error of an HTTP request as an AppError. Errors of express, its router, body-parser and static files carry a status; below 500
 * the request is at fault.
 */
export function requestError(error: unknown): AppError {
  const { status, type } = (error ?? {}) as { status?: unknown; type?: unknown };
  if (error instanceof AppError || typeof status !== 'number' || status < 400 || status >= 500) return knownError(error);
  if (status === 403 || status === 404) return new AppError('NOT_FOUND', 'The file does not exist.', {}, error);
  // Only a body with a photo in it is that long.
  if (status === 413)
    return new AppError(
      'IMAGE_TOO_LARGE',
      'The request body is too large; send the photo with POST /uploads and refer to it by uploadId.',
      {},
      error,
    );
  const message =
    BODY_PROBLEMS[String(type)] ?? (error instanceof URIError ? 'The path is not valid percent-encoding.' : 'The request is malformed.');
  return new AppError('BAD_INPUT', message, {}, error);
}

const BODY_PROBLEMS: Record<string, string> = {
  'entity.parse.failed': 'The body is not valid JSON.',
  'encoding.unsupported': 'The Content-Encoding is not supported; send the body uncompressed or with gzip.',
  'charset.unsupported': 'The charset is not supported; send UTF-8.',
  'request.size.invalid': 'The length of the body does not match its Content-Length.',
};

/** Whether the client has disconnected, so that no response can reach it. */
export function isDisconnected(error: unknown, request: Pick<Request, 'socket'>): boolean {
  return isAborted(error) || request.socket.destroyed;
}

function isAborted(error: unknown): boolean {
  const { code, type } = (error ?? {}) as { code?: unknown; type?: unknown };
  return type === 'request.aborted' || code === 'ECONNRESET' || code === 'ECONNABORTED' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}
