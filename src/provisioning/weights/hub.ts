/**
 * Requests a file, or the rest of one, from the Hugging Face hub or a mirror with the same paths. Not with @huggingface/hub, whose
 * downloads neither resume after a lost connection nor verify anything; nor with `fetch`, because Node 20 cancels the body of a response
 * that has been garbage-collected.
 */
import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { VERSION } from '../../process/version.ts';
import { ModelError } from './error.ts';
import type { KnownModel } from './manifest.ts';

export interface Hub {
  /** URL without a trailing slash. */
  readonly endpoint: string;
  readonly token?: string;
}

/** One file of a repository. */
export interface RemoteFile extends Pick<KnownModel, 'repository' | 'revision' | 'gated'> {
  readonly path: string;
}

export interface FileResponse {
  /** 200: the whole file. 206: the file from the requested offset on. 416: the file ends at or before that offset. */
  readonly status: 200 | 206 | 416;
  /** Strong ETag of the server that sends the bytes. */
  readonly etag: string | null;
  /** SHA-256 of the whole file, where the hub publishes it. */
  readonly published: string | null;
  /** Size of the whole file, if the server reports it. */
  readonly totalBytes: number | null;
  /** Throws TransientError if the connection is lost. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** A request failed, but a retry may succeed. */
export class TransientError extends Error {
  override readonly name = 'TransientError';
  /** Wait that the server asks for, in milliseconds. */
  readonly retryAfterMs: number | null;

  constructor(message: string, retryAfterMs: number | null = null, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.retryAfterMs = retryAfterMs;
  }
}

const OTHER_ENDPOINT = 'Unset HF_ENDPOINT, or set it to another mirror.';
const MAX_REDIRECTS = 8;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const TRANSIENT = new Set([408, 425, 429]);

function fileUrl({ endpoint }: Hub, { repository, revision, path }: RemoteFile): string {
  return `${endpoint}/${repository}/resolve/${encodeURIComponent(revision)}/${path}`;
}

/**
 * Requests `file` from `offset` on. Redirects are followed here: the hub's own response has the headers with the file's hash and size, and
 * the token is sent only to the endpoint's origin, never to the content delivery network that it redirects to.
 * @param ifRange ETag of the partial file, used with an offset; the server responds with 200 if its file has changed since
 * @param signal aborts the request, or later the body
 * @throws TransientError if a retry may succeed
 * @throws ModelError if not
 */
export async function requestFile(
  hub: Hub,
  file: RemoteFile,
  offset: number,
  ifRange: string | null,
  signal: AbortSignal,
): Promise<FileResponse> {
  let url = new URL(fileUrl(hub, file));
  const { origin } = url;
  let linkedEtag: string | null = null;
  let linkedSize: number | null = null;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const atEndpoint = url.origin === origin;
    const response = await send(
      url,
      {
        'User-Agent': `FanslyMotion/${VERSION}`,
        // Ranges and sizes would refer to the compressed bytes.
        'Accept-Encoding': 'identity',
        ...(hub.token && atEndpoint && { Authorization: `Bearer ${hub.token}` }),
        ...(offset > 0 && { Range: `bytes=${offset}-` }),
        ...(offset > 0 && ifRange && { 'If-Range': ifRange }),
      },
      signal,
    );
    const { statusCode: status = 0, headers } = response;
    if (atEndpoint) {
      linkedEtag ??= text(headers['x-linked-etag']);
      linkedSize ??= wholeNumber(text(headers['x-linked-size']));
    }
    if (status === 200 || status === 206 || status === 416) {
      const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers['content-range'] ?? '');
      if (status === 206 && Number(range?.[1]) !== offset) throw new TransientError(`${url.host} sends a different range than requested`);
      if (!['identity', undefined].includes(headers['content-encoding']))
        throw new ModelError(`${url.host} compresses ${file.path} despite Accept-Encoding: identity.`, OTHER_ENDPOINT);
      const etag = headers.etag ?? null;
      return {
        status,
        etag: etag?.startsWith('"') ? etag : null,
        published: sha256Of(linkedEtag) ?? (atEndpoint ? sha256Of(etag) : null),
        totalBytes: wholeNumber(status === 200 ? headers['content-length'] : range?.[2]) ?? linkedSize,
        body: bodyOf(response, url.host),
      };
    }
    response.destroy();
    if (!REDIRECTS.has(status) || !headers.location) throw refusal(hub, file, status, headers, url, atEndpoint);
    const next = new URL(headers.location, url);
    if (next.protocol !== 'https:' && next.protocol !== url.protocol)
      throw new ModelError(`${url.host} redirects to ${next.protocol}//${next.host}, which is not safe.`, OTHER_ENDPOINT);
    url = next;
  }
  throw new ModelError(`${new URL(origin).host} redirects more than ${MAX_REDIRECTS} times.`, OTHER_ENDPOINT);
}

async function send(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<IncomingMessage> {
  try {
    return await new Promise<IncomingMessage>((resolve, reject) => {
      (url.protocol === 'https:' ? https : http).get(url, { headers, signal }, resolve).on('error', reject);
    });
  } catch (error) {
    throw connectionError(error as NodeJS.ErrnoException, url.host);
  }
}

async function* bodyOf(response: IncomingMessage, host: string): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* response;
  } catch (error) {
    throw connectionError(error as NodeJS.ErrnoException, host);
  }
}

/** The error to throw for a failed connection. */
function connectionError(error: NodeJS.ErrnoException, host: string): TransientError | ModelError {
  const { code = '', message } = error;
  if (/CERT|UNABLE_TO_VERIFY/.test(code)) {
    return new ModelError(
      `The certificate of ${host} is not trusted (${code}).`,
      'Behind a proxy that inspects traffic, set NODE_EXTRA_CA_CERTS to its certificate.',
      error,
    );
  }
  const words: Readonly<Record<string, string>> = {
    ENOTFOUND: `the name ${host} cannot be resolved`,
    EAI_AGAIN: `the name ${host} cannot be resolved at the moment`,
    ECONNREFUSED: `${host} refuses connections`,
    ECONNRESET: `the connection to ${host} was reset`,
    EPIPE: `the connection to ${host} was closed`,
    ENETUNREACH: 'the network is unreachable',
    EHOSTUNREACH: `${host} is unreachable`,
    ETIMEDOUT: `${host} does not respond`,
  };
  return new TransientError(words[code] ?? `the connection to ${host} failed (${code || message})`, null, error);
}

/** The error to throw for a response that has no file. */
function refusal(
  hub: Hub,
  file: RemoteFile,
  status: number,
  headers: IncomingHttpHeaders,
  url: URL,
  atEndpoint: boolean,
): TransientError | ModelError {
  const { repository, revision, path } = file;
  const { host } = url;
  const retryAfterMs = retryAfter(headers['retry-after'] ?? null);
  if (status === 429) return new TransientError(`${host} limits the rate of requests (HTTP 429)`, retryAfterMs);
  if (TRANSIENT.has(status) || status >= 500) return new TransientError(`${host} responds with HTTP ${status}`, retryAfterMs);
  if (status === 401 || status === 403) {
    // A signed link has expired; a retry gets a new one.
    if (!atEndpoint) return new TransientError(`${host} responds with HTTP ${status}`);
    // Without the user name and password that a mirror's URL may contain.
    const site = hub.endpoint.replace(/\/\/[^/@]*@/, '//');
    const page = `${site}/${repository}`;
    return hub.token
      ? new ModelError(
          `${host} denies access to ${repository} for the account of HF_TOKEN (HTTP ${status}).`,
          `Accept the licence at ${page} with that account, and check that the token may read gated repositories.`,
        )
      : new ModelError(
          `${host} grants access to ${repository} only to accounts that have accepted its licence (HTTP ${status}).`,
          `Accept it at ${page}, create a token with read access at ${site}/settings/tokens, and set HF_TOKEN to it in .env or the environment.`,
        );
  }
  if (status === 404 || status === 410)
    return new ModelError(`${host} has no ${path} of ${repository} at ${revision} (HTTP ${status}).`, OTHER_ENDPOINT);
  return new ModelError(`${host} responds with HTTP ${status} to the request for ${path}.`, OTHER_ENDPOINT);
}

/** `Retry-After` in milliseconds: seconds or a date. */
function retryAfter(header: string | null): number | null {
  if (header === null) return null;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}

/** For files in Git LFS the hub's ETag is the SHA-256; null for any other ETag. */
function sha256Of(etag: string | null): string | null {
  return /^"?([\da-f]{64})"?$/.exec(etag ?? '')?.[1] ?? null;
}

function wholeNumber(digits: string | null | undefined): number | null {
  return digits && /^\d+$/.test(digits) ? Number(digits) : null;
}

/** The value of a header that Node may return as a list. */
function text(header: string | string[] | undefined): string | null {
  return (Array.isArray(header) ? header[0] : header) ?? null;
}
