/** A proxy that makes requests of a client fail. It does not pass WebSockets. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LocalServer } from './local-server.ts';

/** What happens to a request: the server's answer, a given answer, the server's answer lost on its way back, or no answer. */
export type Fate = 'pass' | 'lose answer' | 'drop' | { readonly answer: object };

export class FlakyProxy extends LocalServer {
  readonly #target: string;
  /** Decides what happens to each request, by its body and path; the request waits for it. */
  fate: (body: string, path: string) => Fate | Promise<Fate> = () => 'pass';

  private constructor(target: string) {
    super();
    this.#target = target;
  }

  static async start(target: string): Promise<FlakyProxy> {
    return await new FlakyProxy(target).listen();
  }

  protected override async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat((await request.toArray()) as Buffer[]);
    const fate = await this.fate(body.toString('latin1'), request.url!);
    if (fate === 'drop') {
      request.socket.destroy();
      return;
    }
    if (typeof fate === 'object') {
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(fate.answer));
      return;
    }
    const { host: _host, connection: _connection, 'transfer-encoding': _encoding, ...headers } = request.headers;
    const answer = await fetch(this.#target + request.url, {
      method: request.method,
      headers: headers as Record<string, string>,
      ...(body.length > 0 && { body }),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (fate === 'lose answer') request.socket.destroy();
    else response.writeHead(answer.status, { 'Content-Type': answer.headers.get('content-type') ?? 'application/octet-stream' }).end(bytes);
  }
}
