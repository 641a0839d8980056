import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';

/** An HTTP server on a free port of this machine; it takes no WebSockets. A request that goes wrong, as when its client leaves, ends unanswered. */
export abstract class LocalServer {
  readonly #server = createServer((request, response) => void this.serve(request, response).catch(() => response.destroy())).on(
    'upgrade',
    (_request, socket) => socket.destroy(),
  );

  protected abstract serve(request: IncomingMessage, response: ServerResponse): Promise<void>;

  async listen(): Promise<this> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How many connections are open, as far as this side has noticed. */
  async connections(): Promise<number> {
    return await promisify(this.#server.getConnections.bind(this.#server))();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
