import { z } from 'zod';

/** Whose action resolves an error. */
export const Fault = z.enum(['CLIENT', 'OPERATOR', 'SERVER']);
export type Fault = z.infer<typeof Fault>;

/** Whether the same request can succeed. */
export const Retry = z.enum(['SAME_REQUEST', 'LATER', 'NEVER']);
export type Retry = z.infer<typeof Retry>;

const Details = z.object({ code: z.string(), hint: z.string(), fault: Fault, retry: Retry, retryAfterSeconds: z.number().optional() });
const GraphQLErrors = z.object({ errors: z.array(z.object({ message: z.string(), extensions: Details })).nonempty() });
const HttpError = z.object({ error: Details.extend({ message: z.string() }) });

export interface ApiErrorDetails {
  readonly hint?: string;
  readonly fault?: Fault;
  readonly retry?: Retry;
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/**
 * The API refused a request, or did not respond. `code` is one of the API's codes, or one of two of the bot's own: UNREACHABLE if no
 * response came from the API, UPLOAD_LIMIT if it keeps as many photos of this owner as it allows.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  readonly hint: string | undefined;
  readonly fault: Fault;
  readonly retry: Retry;
  readonly retryAfterSeconds: number | undefined;

  /** @param details CLIENT and NEVER unless given */
  constructor(code: string, message: string, details: ApiErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.fault = details.fault ?? 'CLIENT';
    this.retry = details.retry ?? 'NEVER';
    this.retryAfterSeconds = details.retryAfterSeconds;
  }

  /** @param body JSON of a response: GraphQL errors or an HTTP error; anything else did not come from the API */
  static from(body: unknown, status: number): ApiError {
    const [graphql] = GraphQLErrors.safeParse(body).data?.errors ?? [];
    const error = graphql ? { message: graphql.message, ...graphql.extensions } : HttpError.safeParse(body).data?.error;
    return error === undefined
      ? new ApiError('UNREACHABLE', `The response with status ${status} does not come from the API.`, { fault: 'OPERATOR', retry: 'LATER' })
      : new ApiError(error.code, error.message, error);
  }

  static unreachable(cause: unknown): ApiError {
    return new ApiError('UNREACHABLE', 'The API does not respond.', { fault: 'OPERATOR', retry: 'LATER', cause });
  }

  /** 0 if the API gives none. */
  get retryAfterMs(): number {
    return (this.retryAfterSeconds ?? 0) * 1000;
  }

  /** A limit of the caller or of the queue is reached: the request succeeds once there is room. */
  get isFull(): boolean {
    return this.fault === 'CLIENT' && this.retry === 'LATER';
  }

  /** A part of the installation is not running: the request succeeds once the operator has restored it. */
  get isAway(): boolean {
    return this.fault === 'OPERATOR' && this.retry === 'LATER';
  }

  /** Processing failed, and may succeed when repeated. */
  get isTransient(): boolean {
    return this.fault !== 'CLIENT' && this.retry === 'SAME_REQUEST';
  }

  /** The request may have been carried out all the same: the API did not refuse it. */
  get isInDoubt(): boolean {
    return this.fault !== 'CLIENT' && this.retryAfterSeconds === undefined;
  }
}

export const hasCode = (error: unknown, ...codes: string[]): boolean => error instanceof ApiError && codes.includes(error.code);
