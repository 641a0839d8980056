import { z } from 'zod';

const Details = z.object({ code: z.string(), hint: z.string(), retryAfterSeconds: z.number() }).partial();
const GraphQLErrors = z.object({ errors: z.array(z.object({ message: z.string(), extensions: Details.optional() })).nonempty() });
const HttpError = z.object({ error: Details.extend({ message: z.string() }) });

/**
 * The API said no, or nothing. `code` is one of the API's own codes, or one of two of ours: UNREACHABLE where nothing like our API
 * answers, UPLOAD_LIMIT where the API keeps as many photos of the person as it may. The same request may work later then.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  readonly hint: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: string, message: string, details: { hint?: string; retryAfterSeconds?: number; cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }

  /** @param body an answer's JSON: GraphQL's errors or those of plain HTTP; anything else does not come from our API */
  static from(body: unknown, status: number): ApiError {
    const [graphql] = GraphQLErrors.safeParse(body).data?.errors ?? [];
    const said = graphql ? { message: graphql.message, ...graphql.extensions } : HttpError.safeParse(body).data?.error;
    return said?.code === undefined
      ? new ApiError('UNREACHABLE', `The API answers ${status} and not as ours does.`)
      : new ApiError(said.code, said.message, said);
  }

  static unreachable(cause: unknown): ApiError {
    return new ApiError('UNREACHABLE', 'The API does not answer.', { cause });
  }

  /** 0 where the API does not say. */
  get retryAfterMs(): number {
    return (this.retryAfterSeconds ?? 0) * 1000;
  }

  /** All places are taken, of this person or of everybody: it works once one is free. */
  get isFull(): boolean {
    return ['OWNER_LIMIT', 'QUEUE_FULL', 'UPLOAD_LIMIT'].includes(this.code);
  }

  /** The API or its workers are away; that passes, or it does not. */
  get isAway(): boolean {
    return ['UNREACHABLE', 'UNAVAILABLE', 'ENGINE_UNAVAILABLE'].includes(this.code);
  }
}

export const hasCode = (error: unknown, ...codes: string[]): boolean => error instanceof ApiError && codes.includes(error.code);
