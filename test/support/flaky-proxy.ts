/** Stands between a client and a server, and spoils what passes through; WebSockets never do. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LocalServer } from './local-server.ts';

/** What happens to a request: an answer of the server's or of our own, the server's answer lost on its way back, or nothing at all. */
export type Fate = 'pass' | 'lose answer' | 'drop' | { readonly answer: object };

export class FlakyProxy extends LocalServer {
  readonly #target: string;
  /** Decides over each request, by its body and path; until then it waits. */
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
