/** `start`, and `animate` as a client of it. */
import { once } from 'node:events';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readVideoMetadata } from '../../../src/infra/media/video-metadata.ts';
import { LARGE, photo, Place, SMALL, type Run } from '../../support/cli.ts';
import { until } from '../../support/waiting.ts';
import { openWire, type Wire } from '../../support/wire.ts';

const SECRET = 'a-secret-of-the-tests';
/** A short video that takes a second or more to render. */
const SLOW = ['--resolution', '1080p', '--duration', '3'] as const;
/** While stopping, the worker may continue its attempt for longer than any other part may take to stop. */
const place = new Place({ API_KEYS: `tests:${SECRET}`, SHUTDOWN_GRACE_SECONDS: '5' });
/** A client of the same API on another machine, without its storage and configuration. */
const elsewhere = new Place();
let services: Run;
let url: string;

async function startServices(): Promise<void> {
  services = place.start('start');
  await services.says(/"msg":"ready /);
  url = (JSON.parse(await readFile(path.join(place.storage, 'running.json'), 'utf8')) as { url: string }).url;
}

beforeAll(startServices);
afterAll(async () => {
  await Promise.all([place.remove(), elsewhere.remove()]);
});

async function newestJob(): Promise<{ status: string; clientRef: string }> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${SECRET}` },
    body: JSON.stringify({ query: '{ jobs(first: 1) { nodes { status clientRef } } }' }),
  });
  return ((await response.json()) as { data: { jobs: { nodes: { status: string; clientRef: string }[] } } }).data.jobs.nodes[0]!;
}

describe('animate while npm start runs', () => {
  it('uses the services of its folder with the first of their keys', async () => {
    const { stderr } = await place.succeeds('animate', photo('cat.jpg'), ...SMALL);
    expect(stderr).not.toContain('Starting database');
    expect(await place.files()).toEqual(['cat.mp4']);
    expect(await newestJob()).toMatchObject({ status: 'COMPLETED' });
  });

  it('warns if another version of the engine rendered the original video', async () => {
    const video = await readFile(path.join(place.work, 'cat.mp4'));
    const { engineVersion } = await readVideoMetadata(path.join(place.work, 'cat.mp4'));
    const other = video
      .toString('latin1')
      .replace(`"engineVersion":"${engineVersion}"`, `"engineVersion":"${'9'.repeat(engineVersion.length)}"`);
    await writeFile(path.join(elsewhere.work, 'other.mp4'), other, 'latin1');
    const { stderr } = await place.succeeds('animate', photo('cat.jpg'), '--from-video', path.join(elsewhere.work, 'other.mp4'));
    expect(stderr).toContain(`version ${'9'.repeat(engineVersion.length)}`);
    expect(stderr).toContain('frames may differ');
  });

  it('uses the API of --api-url', async () => {
    const { stdout } = await elsewhere.succeeds('animate', photo('cat.jpg'), ...SMALL, '--api-url', url, '--api-key', SECRET, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ path: path.join(elsewhere.work, 'cat.mp4'), frameCount: 36 });
  });

  it('exits 1 without a valid key', async () => {
    const runs = [[], ['--api-key', 'some-other-secret-word']].map((key) =>
      elsewhere.run('animate', photo('cat.jpg'), '--api-url', url, '--json', ...key),
    );
    for (const { code, stdout } of await Promise.all(runs)) {
      expect(code).toBe(1);
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'UNAUTHENTICATED', hint: expect.stringContaining('--api-key') } });
    }
  });

  it('exits 1 if no server, or another one than the API, responds', async () => {
    const other = createServer((_request, response) => response.end('hello'));
    await once(other.listen(0, '127.0.0.1'), 'listening');
    const strange = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const runs = await Promise.all(
      ['http://127.0.0.1:65530', strange].map((api) => elsewhere.run('animate', photo('cat.jpg'), '--api-url', api, '--json')),
    );
    other.close();
    for (const { code, stdout } of runs) {
      expect(code).toBe(1);
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'UNREACHABLE' } });
    }
  });

  it.concurrent.each([
    ['truncated', async () => (await readFile(photo('cat.jpg'))).subarray(0, 4_000), 'IMAGE_UNREADABLE'],
    ['not a photo', async () => 'a letter', 'UNSUPPORTED_FORMAT'],
    ['too large', async () => Buffer.alloc(21_000_000, 'x'), 'IMAGE_TOO_LARGE'],
  ])('exits 1 for a file that is %s, with a hint', async (name, bytes, code) => {
    const file = path.join(elsewhere.work, `${name}.jpg`);
    await writeFile(file, await bytes());
    const run = await place.run('animate', file, '--json');
    expect(run.code).toBe(1);
    expect(JSON.parse(run.stdout)).toMatchObject({ error: { code, fault: 'CLIENT', retry: 'NEVER', hint: expect.any(String) } });
    expect(run.stderr).toContain((JSON.parse(run.stdout) as { error: { hint: string } }).error.hint);
  });

  it('exits 1 for an engine that no worker provides, and tells only users of their own API to start a worker', async () => {
    const args = ['animate', photo('cat.jpg'), '--engine', 'svd-xt', '--json'];
    const [local, remote] = await Promise.all([place.run(...args), elsewhere.run(...args, '--api-url', url, '--api-key', SECRET)]);
    for (const { code, stdout } of [local, remote]) {
      expect(code).toBe(1);
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'ENGINE_UNAVAILABLE', fault: 'OPERATOR', retry: 'LATER' } });
    }
    expect(local.stdout).toContain('npm run start:worker');
    const { hint } = (JSON.parse(remote.stdout) as { error: { hint: string } }).error;
    expect(hint).toBe('Choose another --engine, or run the command again later.');
  });

  it('cancels its job when it is interrupted, and keeps the services running', async () => {
    const run = place.start('animate', photo('coffee.jpg'), ...LARGE);
    await run.says(/Rendering frames/);
    run.pressCtrlC();
    expect(await run.code).toBe(130);
    expect(await newestJob()).toMatchObject({ status: 'CANCELLED' });
    expect(await place.files()).toEqual(['cat.mp4']);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  it('shows that the API is unreachable and continues once it responds again', async () => {
    const wire: Wire = await openWire(url);
    try {
      const run = elsewhere.start('animate', photo('rocket.jpg'), ...SLOW, '--api-url', wire.url, '--api-key', SECRET);
      await run.says(/Rendering frames/);
      wire.cut();
      await run.says(/cannot be reached: .* Retrying/);
      wire.mend();
      expect(await run.code).toBe(0);
    } finally {
      await wire.close();
    }
  });

  it('follows its job over HTTP if WebSockets are blocked, and downloads the video although the first requests fail', async () => {
    const proxy = await httpOnlyProxy(url);
    try {
      const { port } = proxy.server.address() as AddressInfo;
      await elsewhere.succeeds(
        'animate',
        photo('galaxies.jpg'),
        ...SMALL,
        '--api-url',
        `http://127.0.0.1:${port}/graphql`,
        '--api-key',
        SECRET,
      );
      expect(await elsewhere.files()).toContain('galaxies.mp4');
      expect(proxy.dropped).toBe(2);
    } finally {
      proxy.server.closeAllConnections();
      proxy.server.close();
    }
  });
});

describe('start', () => {
  it('refuses to start twice in one folder and prints the address of the running API', async () => {
    const { code, stdout } = await place.run('start');
    expect(code).toBe(1);
    expect(stdout).toContain(url);
  });

  it('is found by doctor', async () => {
    expect((await place.succeeds('doctor')).stdout).toContain(url);
  });

  it('exits 1 for an invalid configuration', async () => {
    const { code, stderr } = await place.runWith({ PORT: 'many' }, 'start');
    expect(code).toBe(1);
    expect(stderr).toContain('PORT: "many"');
  });

  it('starts again after kill -9', async () => {
    await services.kill();
    const goneAt = url;
    await until(() =>
      fetch(`${goneAt}/healthz`).then(
        () => false,
        () => true,
      ),
    );
    await startServices();
    expect(await place.succeeds('animate', photo('portrait.jpg'), ...SMALL, '--quiet')).toEqual({ stdout: '', stderr: '' });
  });

  it('stops all its children at Ctrl-C and loses no job', async () => {
    const run = place.start('animate', photo('coffee.jpg'), ...LARGE);
    await run.says(/Rendering frames/);
    await run.kill();
    services.pressCtrlC();
    expect(await services.code).toBe(0);
    expect(await place.leftovers()).toEqual([]);
    expect(services.stdout).not.toContain('not stopped in time');
    const [job] = await place.query<{ status: string }>('SELECT status FROM job ORDER BY "createdAt" DESC LIMIT 1');
    expect(job!.status).toMatch(/QUEUED|COMPLETED/);
  });
});

/** Forwards plain requests; drops those for a WebSocket and the first two for a video. */
async function httpOnlyProxy(target: string): Promise<{ readonly server: Server; dropped: number }> {
  const server = createServer((incoming, outgoing) => {
    const { method, headers, url: wanted } = incoming;
    if (wanted!.startsWith('/videos/') && proxy.dropped < 2) {
      proxy.dropped++;
      incoming.destroy();
      return;
    }
    const passed = httpRequest(`${target}${wanted}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(passed);
  });
  const proxy = { server, dropped: 0 };
  server.on('upgrade', (_request, socket) => socket.destroy());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return proxy;
}
