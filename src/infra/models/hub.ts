/**
 * Asks a Hugging Face hub, or a mirror with the same addresses, for a file or the rest of one. @huggingface/hub was weighed: its
 * downloads do not go on after a cut, verify nothing and name no host that may have the token, so that plain `fetch` is nearer.
 */
import type { KnownModel } from './manifest.ts';
import { ModelError } from './error.ts';

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

const MAX_REDIRECTS = 8;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const TRANSIENT = new Set([408, 425, 429]);

export function fileUrl({ endpoint }: Hub, { repository, revision, path }: RemoteFile): string {
  return `${endpoint}/${repository}/resolve/${encodeURIComponent(revision)}/${path}`;
}

/**
 * Asks for `file` from `offset` on. Redirects are followed by hand: the hub's own answer carries what it publishes about the file, and
 * the token goes to the endpoint's origin only, never to the network of caches it redirects to.
 * @param ifRange with an offset: the ETag of what is here already; the server answers 200 if its file is another one by now
 * @throws Interruption if another try may succeed, ModelError if not, the signal's reason once that is aborted
 */
export async function requestFile(hub: Hub, file: RemoteFile, offset: number, ifRange: string | null, signal: AbortSignal): Promise<Answer> {
  let url = new URL(fileUrl(hub, file));
  const home = url.origin;
  let linkedEtag: string | null = null;
  let linkedSize: number | null = null;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const atHome = url.origin === home;
    const response = await send(url, {
      // Compressed, bytes could not be counted.
      'Accept-Encoding': 'identity',
      ...(hub.token && atHome && { Authorization: `Bearer ${hub.token}` }),
      ...(offset > 0 && { Range: `bytes=${offset}-` }),
      ...(offset > 0 && ifRange && { 'If-Range': ifRange }),
    }, signal);
    const { status, headers, body } = response;
    if (atHome) {
      linkedEtag ??= headers.get('x-linked-etag');
      linkedSize ??= wholeNumber(headers.get('x-linked-size'));
    }
    if (status === 200 || status === 206 || status === 416) {
      const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
      if (status === 206 && Number(range?.[1]) !== offset) {
        await discard(response);
        throw new Interruption(`${url.host} sends another part than asked for`);
      }
      const sent = status === 200 ? (headers.has('content-encoding') ? null : wholeNumber(headers.get('content-length'))) : wholeNumber(range?.[2]);
      const etag = headers.get('etag');
      return { status, etag: etag?.startsWith('"') ? etag : null, published: sha256Of(linkedEtag) ?? (atHome ? sha256Of(etag) : null), totalBytes: sent ?? linkedSize, body: body ?? empty() };
    }
    await discard(response);
    const location = headers.get('location');
    if (!REDIRECTS.has(status) || !location) throw refusal(hub, file, status, headers, url, atHome);
    const next = new URL(location, url);
    if (next.protocol !== 'https:' && next.protocol !== url.protocol) throw new ModelError(`${url.host} redirects to ${next.protocol}//${next.host}, which is not safe.`, 'Check HF_ENDPOINT.');
    url = next;
  }
  throw new ModelError(`${new URL(home).host} redirects for ever.`, 'Check HF_ENDPOINT.');
}

async function send(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, { headers, redirect: 'manual', signal });
  } catch (error) {
    signal.throwIfAborted();
    throw interruptionOf(error, url.host);
  }
}

/** What broke a connection, in words. */
export function interruptionOf(error: unknown, host: string): Interruption | ModelError {
  const cause = (error as { cause?: { code?: string; message?: string } } | null)?.cause;
  const code = cause?.code ?? (error as { code?: string } | null)?.code ?? '';
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)) {
    return new ModelError(`The certificate of ${host} is not trusted (${code}).`, 'Behind a proxy that inspects traffic, set NODE_EXTRA_CA_CERTS to its certificate.', error);
  }
  const words: Readonly<Record<string, string>> = {
    ENOTFOUND: `the name ${host} cannot be resolved`, EAI_AGAIN: `the name ${host} cannot be resolved at present`,
    ECONNREFUSED: `${host} refuses connections`, ECONNRESET: `the connection to ${host} was cut`, UND_ERR_SOCKET: `the connection to ${host} was cut`,
    ENETUNREACH: 'there is no network', EHOSTUNREACH: `there is no way to ${host}`, ETIMEDOUT: `${host} does not answer`, UND_ERR_CONNECT_TIMEOUT: `${host} does not answer`,
  };
  return new Interruption(words[code] ?? `the connection to ${host} failed (${code || (cause?.message ?? (error as Error).message)})`, null, error);
}

function refusal(hub: Hub, file: RemoteFile, status: number, headers: Headers, url: URL, atHome: boolean): Interruption | ModelError {
  const { repository, revision, path } = file;
  const { host } = url;
  const retryAfterMs = retryAfter(headers.get('retry-after'));
  if (status === 429) return new Interruption(`${host} asks to slow down (HTTP 429)`, retryAfterMs);
  if (TRANSIENT.has(status) || status >= 500) return new Interruption(`${host} answers HTTP ${status}`, retryAfterMs);
  if (status === 401 || status === 403) {
    // A signed link that has expired meanwhile; the next try gets a new one.
    if (!atHome) return new Interruption(`${host} answers HTTP ${status}`);
    const page = `${hub.endpoint}/${repository}`;
    return hub.token
      ? new ModelError(`${host} does not give ${repository} to the account of HF_TOKEN (HTTP ${status}).`, `Accept the licence at ${page} with that account, and see that the token may read gated repositories.`)
      : new ModelError(`${host} gives ${repository} only to accounts that have accepted its licence (HTTP ${status}).`, `Accept it at ${page}, make a token that may read at ${hub.endpoint}/settings/tokens, and set HF_TOKEN to it in .env or the environment.`);
  }
  if (status === 404 || status === 410) return new ModelError(`${host} has no ${path} of ${repository} at ${revision} (HTTP ${status}).`, 'If HF_ENDPOINT names a mirror, leave it out or name another one.');
  return new ModelError(`${host} answers HTTP ${status} to the request for ${path}.`, 'Check HF_ENDPOINT.');
}

/** `Retry-After` in milliseconds: seconds or a date. */
function retryAfter(text: string | null): number | null {
  if (text === null) return null;
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}

/** The SHA-256 that an ETag of the hub is, for files in Git LFS; other ETags mean something else. */
function sha256Of(etag: string | null): string | null {
  return /^"?([\da-f]{64})"?$/.exec(etag ?? '')?.[1] ?? null;
}

function wholeNumber(text: string | null | undefined): number | null {
  return text && /^\d+$/.test(text) ? Number(text) : null;
}

async function discard({ body }: Response): Promise<void> {
  await body?.cancel().catch(() => {});
}

async function* empty(): AsyncGenerator<Uint8Array, void, undefined> {}
