/** A server like the Hugging Face hub: it redirects weights to another server with signed links, and fails in the ways a test asks for. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Hub } from '../../src/provisioning/weights/hub.ts';
import type { KnownModel } from '../../src/provisioning/weights/manifest.ts';

export const REPOSITORY = 'somebody/tiny';
const REVISION = 'abc123';

const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

/** A fault of the next request for a file. */
export type Fault =
  /** Sends this many bytes and, once they are `received`, breaks the connection; a client may drop bytes that it has not read by then. */
  | { readonly cutAfter: number; readonly received: () => Promise<unknown> }
  /** Sends this many bytes and then nothing until `release`. */
  | { readonly holdAfter: number }
  /** Changes this byte of the file. */
  | { readonly flip: number }
  /** Sends the whole file and ignores the requested range. */
  | { readonly ignoreRange: true }
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly at?: 'hub' | 'cdn' };

export interface Seen {
  readonly server: 'hub' | 'cdn';
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

export class TestHub {
  readonly files: Record<string, Buffer>;
  readonly seen: Seen[] = [];
  /** Bytes of response bodies sent, by file. */
  readonly sentBytes: Record<string, number> = {};
  /** If set, requests without it are rejected. */
  token: string | null = null;
  readonly #faults = new Map<string, Fault[]>();
  readonly #lasting = new Map<string, Fault>();
  readonly #held: (() => void)[] = [];
  readonly #hub: Server;
  readonly #cdn: Server;

  private constructor(files: Record<string, Buffer>) {
    this.files = files;
    this.#hub = createServer((request, response) => this.#answerHub(request, response));
    this.#cdn = createServer((request, response) => this.#answerCdn(request, response));
  }

  /** @param files by their path in the repository; `*.safetensors` are redirected to the other server, the rest is sent at once */
  static async start(files: Record<string, Buffer>): Promise<TestHub> {
    const hub = new TestHub(files);
    for (const server of [hub.#hub, hub.#cdn]) await once(server.listen(0, '127.0.0.1'), 'listening');
    return hub;
  }

  get endpoint(): string {
    return address(this.#hub);
  }

  get hub(): Hub {
    return { endpoint: this.endpoint };
  }

  /** The model that these files are; what the manifest leaves out of them is named. */
  model(name = 'tiny', without: { readonly sha256?: readonly string[]; readonly bytes?: readonly string[] } = {}): KnownModel {
    return {
      name,
      repository: REPOSITORY,
      revision: REVISION,
      about: 'a tiny model',
      licence: { name: 'Tiny Licence', url: 'https://example.org/tiny' },
      gated: false,
      files: Object.entries(this.files).map(([path, data]) => ({
        path,
        sizeBytes: without.bytes?.includes(path) ? null : data.length,
        sha256: path.endsWith('.json') || without.sha256?.includes(path) ? null : sha256(data),
      })),
    };
  }

  /** A manifest.json that holds `model`. */
  static manifest({ name, files, ...model }: KnownModel): string {
    const entries = files.map(({ path, sizeBytes, sha256: hash }) => [path, { bytes: sizeBytes ?? undefined, sha256: hash ?? undefined }]);
    return JSON.stringify({ models: { [name]: { ...model, files: Object.fromEntries(entries) } } });
  }

  /** Faults of the next requests for `path`, one each. */
  fault(path: string, ...faults: Fault[]): void {
    this.#faults.set(path, [...(this.#faults.get(path) ?? []), ...faults]);
  }

  /** A fault of every request for `path` from now on. */
  alwaysFault(path: string, fault: Fault): void {
    this.#lasting.set(path, fault);
  }

  /** Lets held answers go on. */
  release(): void {
    for (const go of this.#held.splice(0)) go();
  }

  /** Ranges that were asked of the server that sends `path`. */
  ranges(path: string): (string | undefined)[] {
    const server = path.endsWith('.safetensors') ? 'cdn' : 'hub';
    return this.seen.filter((request) => request.server === server && request.path === path).map(({ range }) => range);
  }

  async stop(): Promise<void> {
    await Promise.all(
      [this.#hub, this.#cdn].map(async (server) => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }),
    );
  }

  #answerHub(request: IncomingMessage, response: ServerResponse): void {
    const [, repository, revision, path = ''] = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(request.url ?? '') ?? [];
    this.#note('hub', path, request);
    const data = repository === REPOSITORY && revision === REVISION ? this.files[path] : undefined;
    if (this.token !== null && request.headers.authorization !== `Bearer ${this.token}`)
      return refuse(response, request.headers.authorization ? 403 : 401, { 'X-Error-Code': 'GatedRepo' });
    if (!data) return refuse(response, 404, { 'X-Error-Code': 'EntryNotFound' });
    const fault = this.#next(path, 'hub');
    if (fault && 'status' in fault) return refuse(response, fault.status, fault.headers);
    if (!path.endsWith('.safetensors'))
      return this.#send(path, data, `"${createHash('sha1').update(data).digest('hex')}"`, fault, request, response);
    refuse(response, 302, {
      Location: `${address(this.#cdn)}/${path}?signature=1`,
      'X-Linked-Etag': `"${sha256(data)}"`,
      'X-Linked-Size': String(data.length),
    });
  }

  #answerCdn(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '').slice(1).split('?')[0]!;
    this.#note('cdn', path, request);
    const fault = this.#next(path, 'cdn');
    if (fault && 'status' in fault) return refuse(response, fault.status, fault.headers);
    const data = this.files[path]!;
    this.#send(path, data, `"cdn-${sha256(data).slice(0, 8)}"`, fault, request, response);
  }

  #send(path: string, data: Buffer, etag: string, fault: Fault | undefined, request: IncomingMessage, response: ServerResponse): void {
    const { range, 'if-range': ifRange } = request.headers;
    const wanted =
      fault && 'ignoreRange' in fault
        ? 0
        : ifRange !== undefined && ifRange !== etag
          ? 0
          : Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    if (wanted > 0 && wanted >= data.length) return refuse(response, 416, { 'Content-Range': `bytes */${data.length}` });
    const body = Buffer.from(data.subarray(wanted));
    if (fault && 'flip' in fault && fault.flip >= wanted) body[fault.flip - wanted]! ^= 1;
    response.writeHead(wanted > 0 ? 206 : 200, {
      'Content-Length': body.length,
      ETag: etag,
      ...(wanted > 0 && { 'Content-Range': `bytes ${wanted}-${data.length - 1}/${data.length}` }),
    });
    const sent =
      fault && 'cutAfter' in fault
        ? body.subarray(0, fault.cutAfter)
        : fault && 'holdAfter' in fault
          ? body.subarray(0, fault.holdAfter)
          : body;
    this.sentBytes[path] = (this.sentBytes[path] ?? 0) + sent.length;
    if (sent === body) return void response.end(body);
    response.write(sent, () => {
      if (fault && 'cutAfter' in fault) void fault.received().finally(() => response.destroy());
      else
        this.#held.push(() => {
          this.sentBytes[path] = this.sentBytes[path]! + body.length - sent.length;
          response.end(body.subarray(sent.length));
        });
    });
  }

  /** A fault for `path` that happens at `server`: a status where it says so, all else where the bytes are sent. */
  #next(path: string, server: 'hub' | 'cdn'): Fault | undefined {
    const [first] = this.#faults.get(path) ?? [];
    const fault = first ?? this.#lasting.get(path);
    if (!fault) return undefined;
    const place = 'status' in fault ? (fault.at ?? 'hub') : path.endsWith('.safetensors') ? 'cdn' : 'hub';
    if (place !== server) return undefined;
    if (first) this.#faults.get(path)!.shift();
    return fault;
  }

  #note(server: Seen['server'], path: string, { headers }: IncomingMessage): void {
    this.seen.push({ server, path, authorization: headers.authorization, range: headers.range });
  }
}

function refuse(response: ServerResponse, status: number, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, headers).end();
}

function address(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
