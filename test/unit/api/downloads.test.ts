import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { downloadsRouter, type StoredFile } from '../../../src/api/http/downloads.ts';
import { errorHandler, notFound } from '../../../src/api/http/errors.ts';
import { LinkSigner } from '../../../src/api/http/links.ts';
import { openStorage, type Storage } from '../../../src/infra/storage/open-storage.ts';

const SIZE = 300_000;
const bytes = randomBytes(SIZE);
const sha256 = createHash('sha256').update(bytes).digest('hex');
const ETAG = `"${sha256}"`;
const MODIFIED = new Date('2026-01-31T12:00:00Z');
const VIDEO = randomUUID();
const BIG = randomUUID();
const EMPTY = randomUUID();
const LOST = randomUUID();
const VANISHING = randomUUID();
const IN_AN_HOUR = new Date(Date.now() + 3_600_000);

let folder: string;
let storage: Storage;
let server: Server;
let signer: LinkSigner;
const logged: object[] = [];

const files: Record<string, Partial<StoredFile>> = {
  [`videos/${VIDEO}`]: { key: 'archive/video.mp4', contentType: 'video/mp4', fileName: 'katze “Mia” – PAN_L.mp4' },
  [`posters/${VIDEO}`]: { key: 'archive/poster.jpg', contentType: 'image/jpeg', fileName: 'poster.jpg' },
  [`previews/${VIDEO}`]: { key: 'hot/preview.jpg', contentType: 'image/jpeg', fileName: 'preview.jpg' },
  [`videos/${BIG}`]: { key: 'archive/big.mp4', contentType: 'video/mp4', fileName: 'big.mp4' },
  [`videos/${EMPTY}`]: { key: 'archive/empty.mp4', contentType: 'video/mp4', fileName: 'empty.mp4' },
  [`videos/${LOST}`]: { key: 'archive/lost.mp4', contentType: 'video/mp4', fileName: 'lost.mp4' },
  [`videos/${VANISHING}`]: { key: 'archive/vanishing.mp4', contentType: 'video/mp4', fileName: 'vanishing.mp4' },
};

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'downloads-'));
  storage = openStorage(folder);
  for (const key of ['archive/video.mp4', 'archive/poster.jpg', 'hot/preview.jpg']) await storage.blobs.write(key, Readable.from([bytes]));
  await storage.blobs.write('archive/big.mp4', Readable.from(Array.from({ length: 60 }, () => Buffer.alloc(1_000_000))));
  await storage.blobs.write('archive/empty.mp4', Readable.from([]));
  let url = '';
  signer = new LinkSigner('a-secret-for-links', () => url);
  const find = async (kind: string, id: string) => {
    const found = files[`${kind}/${id}`];
    return found ? ({ etag: sha256, lastModified: MODIFIED, ...found } as StoredFile) : null;
  };
  /** As if it were deleted just after somebody looked. */
  const stat = async (key: string) =>
    key === 'archive/vanishing.mp4' ? { sizeBytes: 5, modifiedAt: MODIFIED } : await storage.blobs.stat(key);
  const app = express()
    .disable('x-powered-by')
    .use(
      downloadsRouter({ signer, find, blobs: { stat, read: (key, range) => storage.blobs.read(key, range) } }),
      notFound,
      errorHandler({ error: (fields) => logged.push(fields) }),
    );
  server = createServer(app);
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((closed) => {
    server.close(closed);
  });
  await rm(folder, { recursive: true, force: true });
});

const video = () => signer.url('videos', VIDEO, IN_AN_HOUR);
const get = async (url: string, headers: Record<string, string> = {}, method = 'GET') => {
  const response = await fetch(url, { method, headers });
  return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) };
};
const code = (body: Buffer): string => JSON.parse(body.toString()).error.code;

describe('a signed link', () => {
  it('serves the whole file with the headers that players and caches need', async () => {
    const { status, headers, body } = await get(video());
    expect(status).toBe(200);
    expect(body.equals(bytes)).toBe(true);
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'video/mp4',
      'content-length': String(SIZE),
      'accept-ranges': 'bytes',
      etag: ETAG,
      'last-modified': MODIFIED.toUTCString(),
      'cache-control': expect.stringMatching(/^private, max-age=3[56]\d\d, immutable$/),
      'cross-origin-resource-policy': 'cross-origin',
    });
  });

  it('is shown by default, saved with ?download=1, and has a file name in any script', async () => {
    const shown = (await get(video(), {}, 'HEAD')).headers.get('content-disposition');
    expect(shown).toBe(
      `inline; filename="katze ?Mia? ? PAN_L.mp4"; filename*=UTF-8''katze%20%E2%80%9CMia%E2%80%9D%20%E2%80%93%20PAN_L.mp4`,
    );
    expect((await get(`${video()}&download=1`, {}, 'HEAD')).headers.get('content-disposition')).toMatch(/^attachment; filename=/);
  });

  it('responds to HEAD with the headers of GET and no body', async () => {
    const head = await get(video(), { range: 'bytes=0-9' }, 'HEAD');
    expect([head.status, head.body.length, head.headers.get('content-length'), head.headers.get('etag')]).toEqual([
      200,
      0,
      String(SIZE),
      ETAG,
    ]);
  });

  it('serves posters and previews as JPEG, and previews are revalidated each time', async () => {
    const poster = await get(signer.url('posters', VIDEO, IN_AN_HOUR));
    expect([poster.status, poster.headers.get('content-type'), poster.body.length]).toEqual([200, 'image/jpeg', SIZE]);
    const preview = await get(signer.url('previews', VIDEO, IN_AN_HOUR, 17));
    expect([preview.status, preview.headers.get('cache-control'), preview.body.length]).toEqual([200, 'private, no-cache', SIZE]);
    expect(preview.headers.get('accept-ranges')).toBeNull();
  });

  it('serves an empty file', async () => {
    const url = signer.url('videos', EMPTY, IN_AN_HOUR);
    expect(await get(url)).toMatchObject({ status: 200, body: Buffer.alloc(0) });
    expect((await get(url, { range: 'bytes=0-' })).status).toBe(416);
  });
});

describe('an invalid link', () => {
  it.each([
    ['signature', 'AAAA'],
    ['signature', ''],
    ['expires', String(Math.floor(IN_AN_HOUR.getTime() / 1000) + 1)],
    ['expires', ''],
  ])('is FORBIDDEN when %s is changed to %j', async (name, value) => {
    const url = new URL(video());
    url.searchParams.set(name, value);
    const { status, body } = await get(url.href);
    expect([status, code(body)]).toEqual([403, 'FORBIDDEN']);
    url.searchParams.delete(name);
    expect((await get(url.href)).status).toBe(403);
  });

  it('is FORBIDDEN for another file, another kind or another secret', async () => {
    expect((await get(video().replace(VIDEO, BIG))).status).toBe(403);
    expect((await get(video().replace('/videos/', '/posters/').replace('.mp4', '.jpg'))).status).toBe(403);
    const stranger = new LinkSigner('another-secret-for-links', () => new URL(video()).origin);
    expect((await get(stranger.url('videos', VIDEO, IN_AN_HOUR))).status).toBe(403);
    expect((await get(`${video()}&signature=AAAA`)).status).toBe(403);
  });

  it('is EXPIRED after its time, also with a range', async () => {
    const { status, body } = await get(signer.url('videos', VIDEO, new Date(Date.now() - 1000)), { range: 'bytes=0-9' });
    expect([status, code(body)]).toEqual([410, 'EXPIRED']);
  });

  it('is EXPIRED when the file is deleted from the database or from storage', async () => {
    const missing = await get(signer.url('videos', randomUUID(), IN_AN_HOUR));
    expect([missing.status, code(missing.body)]).toEqual([410, 'EXPIRED']);
    const lost = await get(signer.url('videos', LOST, IN_AN_HOUR));
    expect([lost.status, code(lost.body)]).toEqual([410, 'EXPIRED']);
  });

  it('is EXPIRED, without headers of the file, when the file is deleted between stat and read', async () => {
    const { status, headers, body } = await get(signer.url('videos', VANISHING, IN_AN_HOUR), { range: 'bytes=0-1' });
    expect([status, code(body), headers.get('content-type'), headers.get('cache-control')]).toEqual([
      410,
      'EXPIRED',
      'application/json; charset=utf-8',
      'no-store',
    ]);
    expect([headers.get('content-range'), headers.get('content-disposition')]).toEqual([null, null]);
    expect(headers.get('etag')).not.toBe(ETAG);
  });

  it('is NOT_FOUND for a malformed id', async () => {
    const base = new URL(video()).origin;
    for (const name of ['1', '..%2f..%2fvideo', `${VIDEO}.mp4`, `${VIDEO}%00`]) {
      expect((await get(`${base}/videos/${name}.mp4`)).status).toBe(404);
    }
    expect((await get(`${base}/videos/${VIDEO}.jpg`)).status).toBe(404);
  });

  it('is FORBIDDEN when the id is written in capitals', async () => {
    const url = new URL(video());
    url.pathname = url.pathname.replace(VIDEO, VIDEO.toUpperCase());
    expect((await get(url.href)).status).toBe(403);
  });
});

describe('a range', () => {
  it.each([
    ['bytes=0-99', 0, 99],
    ['bytes=100-100', 100, 100],
    [`bytes=${SIZE - 1}-`, SIZE - 1, SIZE - 1],
    ['bytes=299000-', 299_000, SIZE - 1],
    ['bytes=0-999999999', 0, SIZE - 1],
    ['bytes=-500', SIZE - 500, SIZE - 1],
    ['bytes=-999999999', 0, SIZE - 1],
  ])('%s returns bytes %i to %i', async (range, start, end) => {
    const { status, headers, body } = await get(video(), { range });
    expect([status, headers.get('content-range'), headers.get('content-length')]).toEqual([
      206,
      `bytes ${start}-${end}/${SIZE}`,
      String(end - start + 1),
    ]);
    expect(body.equals(bytes.subarray(start, end + 1))).toBe(true);
  });

  it.each([`bytes=${SIZE}-`, 'bytes=999999999-', 'bytes=-0', 'bytes=99999999999999999999999-'])(
    '%s is unsatisfiable, and the response has the size of the file',
    async (range) => {
      const { status, headers, body } = await get(video(), { range });
      expect([status, headers.get('content-range'), headers.get('cache-control'), body.length]).toEqual([
        416,
        `bytes */${SIZE}`,
        'no-store',
        0,
      ]);
    },
  );

  it.each(['bytes=0-9,20-29', 'bytes=9-0', 'bytes=-', 'bytes=a-b', 'items=0-9', 'bytes', 'bytes=1.5-3'])(
    '%s is not a single range, so the whole file is returned',
    async (range) => {
      const { status, body } = await get(video(), { range });
      expect([status, body.length]).toEqual([200, SIZE]);
    },
  );

  it.each([
    [ETAG, 206],
    [MODIFIED.toUTCString(), 206],
    ['"another"', 200],
    [`W/${ETAG}`, 200],
    [new Date(MODIFIED.getTime() + 1000).toUTCString(), 200],
    ['yesterday', 200],
  ])('with If-Range %s returns %i', async (ifRange, status) => {
    expect((await get(video(), { range: 'bytes=0-9', 'if-range': ifRange })).status).toBe(status);
  });
});

describe('a conditional request', () => {
  it.each<[Record<string, string>, number]>([
    [{ 'if-none-match': ETAG }, 304],
    [{ 'if-none-match': `"other", W/${ETAG}` }, 304],
    [{ 'if-none-match': '*' }, 304],
    [{ 'if-none-match': '"other"' }, 200],
    [{ 'if-modified-since': MODIFIED.toUTCString() }, 304],
    [{ 'if-modified-since': new Date(MODIFIED.getTime() - 1000).toUTCString() }, 200],
    [{ 'if-none-match': '"other"', 'if-modified-since': MODIFIED.toUTCString() }, 200],
    [{ 'if-none-match': ETAG, range: 'bytes=0-9' }, 304],
  ])('with %j returns %i', async (headers, status) => {
    // undici would add Cache-Control: no-cache beside a condition, which asks for a fresh answer.
    const answer = await plain(video(), headers);
    expect(answer.status).toBe(status);
    expect(answer.headers.etag).toBe(ETAG);
    expect(answer.length).toBe(status === 304 ? 0 : SIZE);
  });
});

const plain = (url: string, headers: Record<string, string>) =>
  new Promise<{ status?: number; headers: Record<string, unknown>; length: number }>((resolve, reject) => {
    const request = httpRequest(url, { headers, agent: false }, (response) => {
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
      });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, length }));
    });
    request.on('error', reject).end();
  });

describe.skipIf(!existsSync('/proc/self/fd'))('a client that disconnects', () => {
  const openFiles = async () => {
    const links = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
    return links.filter((link) => link.startsWith(folder)).length;
  };

  it('leaves no file open', async () => {
    const url = signer.url('videos', BIG, IN_AN_HOUR);
    const clients = Array.from({ length: 8 }, () =>
      httpRequest(url, { agent: false }, (response) => response.once('data', () => response.pause()))
        .on('error', () => {})
        .end(),
    );
    await expect.poll(openFiles).toBe(8);
    for (const client of clients) client.destroy();
    await expect.poll(openFiles).toBe(0);
    expect((await get(video())).status).toBe(200);
  });
});

it('nothing of this is logged', () => {
  expect(logged).toEqual([]);
});
