import { createServer, connect, type Socket } from 'node:net';
import { once } from 'node:events';

/** A connection between a program and a server that a test can cut. */
export interface Wire {
  /** URL of the server through this connection. */
  readonly url: string;
  /** Closes all connections and refuses new ones. */
  cut(): void;
  /** Keeps connections open and accepts new ones, but passes no data. */
  freeze(): void;
  /** Restores it. Data held back by `freeze` is lost with its connection. */
  mend(): void;
  close(): Promise<void>;
}

/** Opens a connection to the server of `target`, such as postgresql://user:password@127.0.0.1:5432/test. */
export async function openWire(target: string): Promise<Wire> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let state: 'whole' | 'cut' | 'frozen' = 'whole';
  const drop = (): void => sockets.forEach((socket) => socket.destroy());
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  };

  const server = createServer((near) => {
    keep(near);
    if (state === 'cut') return near.destroy();
    if (state === 'frozen') return;
    const far = connect(Number(port), hostname);
    keep(far);
    const forward = (from: Socket, to: Socket): void => {
      from.on('data', (bytes) => {
        if (state === 'whole') to.write(bytes);
      });
      from.on('close', () => {
        if (state === 'whole') to.destroy();
      });
    };
    forward(near, far);
    forward(far, near);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not a TCP server');
  const url = new URL(target);
  url.host = `127.0.0.1:${address.port}`;

  return {
    url: url.href,
    cut() {
      state = 'cut';
      drop();
    },
    freeze() {
      state = 'frozen';
    },
    mend() {
      if (state === 'frozen') drop();
      state = 'whole';
    },
    async close() {
      drop();
      server.close();
      await once(server, 'close');
    },
  };
}
