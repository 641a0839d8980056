import { z } from 'zod';
import { ErrorFault, ErrorRetry, type ErrorCode } from './generated.ts';
import type { Open } from './open.ts';

const Details = z.object({
  code: z.string(),
  hint: z.string(),
  fault: ErrorFault,
  retry: ErrorRetry,
  retryAfterSeconds: z.number().optional(),
});
const GraphQLErrors = z.object({ errors: z.array(z.object({ message: z.string(), extensions: Details })).nonempty() });
const HttpError = z.object({ error: Details.extend({ message: z.string() }) });

export interface ApiErrorDetails {
  readonly hint?: string;
  readonly fault?: ErrorFault;
  readonly retry?: ErrorRetry;
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

const UNREACHABLE = {
  hint: 'Check that the API is running and that the address is right.',
  fault: 'OPERATOR',
  retry: 'LATER',
} as const satisfies ApiErrorDetails;

/** The API refused a request or failed to process it; or, with the code UNREACHABLE, the API did not respond. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: Open<ErrorCode | 'UNREACHABLE'>;
  readonly hint: string;
  /** Whose action resolves it. */
  readonly fault: ErrorFault;
  /** Whether the same request can succeed. */
  readonly retry: ErrorRetry;
  /** When the same request can succeed, in seconds from the response. */
  readonly retryAfterSeconds: number | undefined;

  /** @param details an error of the caller that no retry resolves, unless they say otherwise */
  constructor(code: Open<ErrorCode | 'UNREACHABLE'>, message: string, details: ApiErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint ?? '';
    this.fault = details.fault ?? 'CLIENT';
    this.retry = details.retry ?? 'NEVER';
    this.retryAfterSeconds = details.retryAfterSeconds;
  }

  /**
   * The error in a response.
   * @param body its JSON: GraphQL errors, or the body of an HTTP error; anything else was not sent by the API
   * @param url address of the API
   */
  static from(body: unknown, status: number, url: string): ApiError {
    const [graphql] = GraphQLErrors.safeParse(body).data?.errors ?? [];
    const error = graphql ? { message: graphql.message, ...graphql.extensions } : HttpError.safeParse(body).data?.error;
    return error === undefined
      ? new ApiError('UNREACHABLE', `${url} responds with status ${status}, but not as the API does.`, UNREACHABLE)
      : new ApiError(error.code, error.message, error);
  }

  /** @param cause why the request to `url` failed */
  static unreachable(url: string, cause: unknown): ApiError {
    return new ApiError('UNREACHABLE', `The API at ${url} cannot be reached: ${reason(cause)}.`, { ...UNREACHABLE, cause });
  }

  /** The API, or a part of the installation, is down: the request succeeds once the operator has restored it. */
  get isOutage(): boolean {
    return this.fault === 'OPERATOR' && this.retry === 'LATER';
  }

  /** Processing failed, and may succeed when repeated. */
  get isTransient(): boolean {
    return this.fault !== 'CLIENT' && this.retry === 'SAME_REQUEST';
  }

  /** The API did not refuse the request, so it may have taken effect. */
  get mayHaveSucceeded(): boolean {
    return this.fault !== 'CLIENT' && this.retryAfterSeconds === undefined;
  }
}

export const hasCode = (error: unknown, ...codes: (ErrorCode | 'UNREACHABLE')[]): boolean =>
  error instanceof ApiError && (codes as string[]).includes(error.code);

/** The reason why fetch failed, which it hides in a cause or in several. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return 'the connection was closed';
  const { cause, message, name } = error;
  if (name === 'TimeoutError') return 'no response in time';
  if (cause instanceof AggregateError) return reason(cause.errors[0]);
  if (cause instanceof Error) return String((cause as { code?: unknown }).code ?? cause.message);
  return String((error as { code?: unknown }).code ?? message);
}
