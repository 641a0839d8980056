/** Uploads that fail: nothing stays open. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ApiClient } from '../../../src/client/client.ts';
import { until } from '../../support/waiting.ts';

let server: Server | null = null;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = null;
});

async function serve(handle: RequestListener): Promise<ApiClient> {
  server = createServer(handle);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return client((server.address() as AddressInfo).port);
}

const client = (port: number) => ApiClient.create({ url: `http://127.0.0.1:${port}` });

/** A photo without end that knows whether it is open. */
function endlessPhoto() {
  const state = { opened: 0, closed: 0 };
  const open = async () => {
    state.opened += 1;
    return (async function* chunks() {
      try {
        for (;;) yield new Uint8Array(65_536);
      } finally {
        state.closed += 1;
      }
    })();
  };
  return { state, open };
}

describe('a photo', () => {
  it('is not opened while the API is unreachable', async () => {
    const { state, open } = endlessPhoto();
    await expect(client(1).upload(open)).rejects.toMatchObject({ code: 'UNREACHABLE' });
    expect(state.opened).toBe(0);
  });

  it('is closed when the API refuses it before reading it', async () => {
    const api = await serve((_request, response) => response.writeHead(401).end('{"error":{"code":"UNAUTHENTICATED","message":"no"}}'));
    const { state, open } = endlessPhoto();
    await expect(api.upload(open)).rejects.toMatchObject({ name: 'ApiError' });
    await until(async () => state.closed === state.opened);
  });

  it('is closed when the connection breaks, and when the upload is aborted', async () => {
    let requests = 0;
    const api = await serve((request) => void request.once('data', () => ++requests === 1 && request.destroy()));
    const broken = endlessPhoto();
    await expect(api.upload(broken.open)).rejects.toMatchObject({ code: 'UNREACHABLE' });
    await until(async () => broken.state.closed === 1);
    const quit = new AbortController();
    const unwanted = endlessPhoto();
    const upload = api.upload(unwanted.open, { signal: quit.signal });
    await Promise.all([
      expect(upload).rejects.toThrow('not wanted'),
      until(async () => requests === 2).then(() => quit.abort(new Error('not wanted'))),
    ]);
    await until(async () => unwanted.state.closed === 1);
  });
});
