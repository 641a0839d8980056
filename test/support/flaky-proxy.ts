/** Stands between a client and a server, and spoils what passes through; WebSockets never do. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to a request: an answer of the server's or of our own, the server's answer lost on its way back, or nothing at all. */
export type Fate = 'pass' | 'lose answer' | 'drop' | { readonly answer: object };

export class FlakyProxy {
  readonly #server: Server;
  readonly #target: string;
  /** Decides over each request, by its body; until then it waits. */
  fate: (body: string) => Fate | Promise<Fate> = () => 'pass';

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on('upgrade', (_request, socket) => socket.destroy());
  }

  static async start(target: string): Promise<FlakyProxy> {
    const proxy = new FlakyProxy(target);
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await request.toArray() as Buffer[]);
    const fate = await this.fate(body.toString('latin1'));
    if (fate === 'drop') {
      request.socket.destroy();
      return;
    }
    if (typeof fate === 'object') {
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(fate.answer));
      return;
    }
    const { host: _host, connection: _connection, 'transfer-encoding': _encoding, ...headers } = request.headers;
    const answer = await fetch(this.#target + request.url, { method: request.method, headers: headers as Record<string, string>, ...(body.length > 0 && { body }) });
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (fate === 'lose answer') request.socket.destroy();
    else response.writeHead(answer.status, { 'Content-Type': answer.headers.get('content-type') ?? 'application/octet-stream' }).end(bytes);
  }
}
