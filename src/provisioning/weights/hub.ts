/**
 * Asks a Hugging Face hub, or a mirror with the same addresses, for a file or the rest of one. @huggingface/hub was weighed: its downloads
 * do not go on after a cut and verify nothing. Nor does `fetch` do: in Node 20 the body of a response that nobody refers to is cancelled.
 */
import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { VERSION } from '../../process/version.ts';
import { ModelError } from './error.ts';
import type { KnownModel } from './manifest.ts';

export interface Hub {
  /** Address without a slash at its end. */
  readonly endpoint: string;
  readonly token?: string;
}

/** One file of a repository. */
export interface RemoteFile extends Pick<KnownModel, 'repository' | 'revision' | 'gated'> {
  readonly path: string;
}

export interface Answer {
  /** 200: from the first byte. 206: from the offset asked for. 416: there is nothing from there on. */
  readonly status: 200 | 206 | 416;
  /** Strong ETag of the server that sends the bytes. */
  readonly etag: string | null;
  /** SHA-256 of the whole file, where the hub publishes it. */
  readonly published: string | null;
  /** Size of the whole file, where the server says. */
  readonly totalBytes: number | null;
  /** Throws Interruption when the connection breaks. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** A try that failed in a way that another try may not. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
  /** Asked for by the server, in milliseconds. */
  readonly retryAfterMs: number | null;

  constructor(message: string, retryAfterMs: number | null = null, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.retryAfterMs = retryAfterMs;
  }
}

const OTHER_ENDPOINT = 'Leave HF_ENDPOINT out, or name another mirror.';
const MAX_REDIRECTS = 8;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const TRANSIENT = new Set([408, 425, 429]);

function fileUrl({ endpoint }: Hub, { repository, revision, path }: RemoteFile): string {
  return `${endpoint}/${repository}/resolve/${encodeURIComponent(revision)}/${path}`;
}

/**
 * Asks for `file` from `offset` on. Redirects are followed by hand: the hub's own answer carries what it publishes about the file, and
 * the token goes to the endpoint's origin only, never to the network of caches it redirects to.
 * @param ifRange with an offset: the ETag of what is here already; the server answers 200 if its file is another one by now
 * @param signal ends the request, at any time until the body is read
 * @throws Interruption if another try may succeed, ModelError if not
 */
export async function requestFile(
  hub: Hub,
  file: RemoteFile,
  offset: number,
  ifRange: string | null,
  signal: AbortSignal,
): Promise<Answer> {
  let url = new URL(fileUrl(hub, file));
  const home = url.origin;
  let linkedEtag: string | null = null;
  let linkedSize: number | null = null;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const atHome = url.origin === home;
    const response = await send(
      url,
      {
        'User-Agent': `FanslyMotion/${VERSION}`,
        // Compressed, bytes could not be counted.
        'Accept-Encoding': 'identity',
        ...(hub.token && atHome && { Authorization: `Bearer ${hub.token}` }),
        ...(offset > 0 && { Range: `bytes=${offset}-` }),
        ...(offset > 0 && ifRange && { 'If-Range': ifRange }),
      },
      signal,
    );
    const { statusCode: status = 0, headers } = response;
    if (atHome) {
      linkedEtag ??= text(headers['x-linked-etag']);
      linkedSize ??= wholeNumber(text(headers['x-linked-size']));
    }
    if (status === 200 || status === 206 || status === 416) {
      const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers['content-range'] ?? '');
      if (status === 206 && Number(range?.[1]) !== offset) throw new Interruption(`${url.host} sends another part than asked for`);
      if (!['identity', undefined].includes(headers['content-encoding']))
        throw new ModelError(`${url.host} compresses ${file.path} although it was asked not to.`, OTHER_ENDPOINT);
      const etag = headers.etag ?? null;
      return {
        status,
        etag: etag?.startsWith('"') ? etag : null,
        published: sha256Of(linkedEtag) ?? (atHome ? sha256Of(etag) : null),
        totalBytes: wholeNumber(status === 200 ? headers['content-length'] : range?.[2]) ?? linkedSize,
        body: bodyOf(response, url.host),
      };
    }
    response.destroy();
    if (!REDIRECTS.has(status) || !headers.location) throw refusal(hub, file, status, headers, url, atHome);
    const next = new URL(headers.location, url);
    if (next.protocol !== 'https:' && next.protocol !== url.protocol)
      throw new ModelError(`${url.host} redirects to ${next.protocol}//${next.host}, which is not safe.`, OTHER_ENDPOINT);
    url = next;
  }
  throw new ModelError(`${new URL(home).host} redirects for ever.`, OTHER_ENDPOINT);
}

async function send(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<IncomingMessage> {
  try {
    return await new Promise<IncomingMessage>((resolve, reject) => {
      (url.protocol === 'https:' ? https : http).get(url, { headers, signal }, resolve).on('error', reject);
    });
  } catch (error) {
    throw broken(error as NodeJS.ErrnoException, url.host);
  }
}

async function* bodyOf(response: IncomingMessage, host: string): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* response;
  } catch (error) {
    throw broken(error as NodeJS.ErrnoException, host);
  }
}

/** What broke a connection, in words. */
function broken(error: NodeJS.ErrnoException, host: string): Interruption | ModelError {
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
    EAI_AGAIN: `the name ${host} cannot be resolved at present`,
    ECONNREFUSED: `${host} refuses connections`,
    ECONNRESET: `the connection to ${host} was cut`,
    EPIPE: `the connection to ${host} was cut`,
    ENETUNREACH: 'there is no network',
    EHOSTUNREACH: `there is no way to ${host}`,
    ETIMEDOUT: `${host} does not answer`,
  };
  return new Interruption(words[code] ?? `the connection to ${host} failed (${code || message})`, null, error);
}

function refusal(
  hub: Hub,
  file: RemoteFile,
  status: number,
  headers: IncomingHttpHeaders,
  url: URL,
  atHome: boolean,
): Interruption | ModelError {
  const { repository, revision, path } = file;
  const { host } = url;
  const retryAfterMs = retryAfter(headers['retry-after'] ?? null);
  if (status === 429) return new Interruption(`${host} asks to slow down (HTTP 429)`, retryAfterMs);
  if (TRANSIENT.has(status) || status >= 500) return new Interruption(`${host} answers HTTP ${status}`, retryAfterMs);
  if (status === 401 || status === 403) {
    // A signed link that has expired meanwhile; the next try gets a new one.
    if (!atHome) return new Interruption(`${host} answers HTTP ${status}`);
    // Without the name and password that a mirror may want.
    const site = hub.endpoint.replace(/\/\/[^/@]*@/, '//');
    const page = `${site}/${repository}`;
    return hub.token
      ? new ModelError(
          `${host} does not give ${repository} to the account of HF_TOKEN (HTTP ${status}).`,
          `Accept the licence at ${page} with that account, and see that the token may read gated repositories.`,
        )
      : new ModelError(
          `${host} gives ${repository} only to accounts that have accepted its licence (HTTP ${status}).`,
          `Accept it at ${page}, make a token that may read at ${site}/settings/tokens, and set HF_TOKEN to it in .env or the environment.`,
        );
  }
  if (status === 404 || status === 410)
    return new ModelError(`${host} has no ${path} of ${repository} at ${revision} (HTTP ${status}).`, OTHER_ENDPOINT);
  return new ModelError(`${host} answers HTTP ${status} to the request for ${path}.`, OTHER_ENDPOINT);
}

/** `Retry-After` in milliseconds: seconds or a date. */
function retryAfter(header: string | null): number | null {
  if (header === null) return null;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}

/** The SHA-256 that an ETag of the hub is, for files in Git LFS; other ETags mean something else. */
function sha256Of(etag: string | null): string | null {
  return /^"?([\da-f]{64})"?$/.exec(etag ?? '')?.[1] ?? null;
}

function wholeNumber(digits: string | null | undefined): number | null {
  return digits && /^\d+$/.test(digits) ? Number(digits) : null;
}

/** Headers that node does not know may come as lists. */
function text(header: string | string[] | undefined): string | null {
  return (Array.isArray(header) ? header[0] : header) ?? null;
}
