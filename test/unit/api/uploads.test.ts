import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, request as httpRequest, type ClientRequest, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authenticate } from '../../../src/api/auth.ts';
import { errorHandler } from '../../../src/api/http/errors.ts';
import { receivePhoto, uploadsRouter } from '../../../src/api/http/uploads.ts';
import { inspectPhoto } from '../../../src/infra/media/photo.ts';
import { openStorage, type Storage } from '../../../src/infra/storage/open-storage.ts';
import type { Upload } from '../../../src/jobs/store.ts';

const KEYS = [{ name: 'web', secret: 'secret-of-the-web-client', actAs: false }];
const LIMITS = { maxBytes: 1_000_000, maxPixels: 1_000_000, minSide: 64 };

let folder: string;
let storage: Storage;
let server: Server;
let url: string;
/** Where whoever falls silent is told so after 0.4 s. */
let hasty: string;
let cat: Buffer;
const rows: Upload[] = [];
const logged: object[] = [];
let breakDatabase = false;

beforeAll(async () => {
  cat = await readFile('test/fixtures/photos/cat.jpg');
  folder = await mkdtemp(path.join(os.tmpdir(), 'uploads-'));
  storage = openStorage(folder);
  const save = async (upload: Omit<Upload, 'createdAt' | 'expiresAt'>) => {
    if (breakDatabase) throw new Error('the database is down');
    const row = { ...upload, createdAt: new Date(), expiresAt: new Date(Date.now() + 3_600_000) };
    rows.push(row);
    return row;
  };
  const router = (idleMs?: number) =>
    uploadsRouter({
      ...storage,
      limits: LIMITS,
      inspect: inspectPhoto,
      caller: (request) => authenticate(KEYS, request.get('authorization')),
      admit: async () => {},
      save,
      idleMs,
    });
  server = createServer(
    express()
      .use('/hasty', router(400))
      .use(router(), errorHandler({ error: (fields) => logged.push(fields) })),
  );
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening);
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  [url, hasty] = [`${origin}/uploads`, `${origin}/hasty/uploads`];
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((closed) => {
    server.close(closed);
  });
  await rm(folder, { recursive: true, force: true });
});

const AUTHORIZATION = { authorization: `Bearer ${KEYS[0]!.secret}` };
const send = async (body: RequestInit['body'], headers: Record<string, string> = {}) => {
  const response = await fetch(url, { method: 'POST', body, headers: { ...AUTHORIZATION, ...headers }, duplex: 'half' } as RequestInit);
  return {
    status: response.status,
    answer: (await response.json()) as { error: { code: string; message: string } } & Record<string, unknown>,
  };
};
const form = (...photos: Blob[]): FormData => {
  const data = new FormData();
  data.append('note', 'a text field may come along');
  for (const [index, photo] of photos.entries()) data.append(`photo${index}`, photo, `katze${index}.jpg`);
  return data;
};
const jpeg = { 'content-type': 'image/jpeg' };

describe('an upload', () => {
  it('as a form returns the properties of the photo and stores it unchanged for the owner of the key', async () => {
    const { status, answer } = await send(form(new Blob([cat], { type: 'image/jpeg' })));
    expect(status).toBe(201);
    const sha256 = createHash('sha256').update(cat).digest('hex');
    expect(answer).toEqual({
      id: expect.any(String),
      width: 451,
      height: 300,
      format: 'jpeg',
      sizeBytes: cat.length,
      sha256,
      expiresAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(rows.at(-1)).toMatchObject({ id: answer['id'], owner: 'key:web', sha256 });
    expect((await readFile(await storage.workspace.localPath(`uploads/${String(answer['id'])}`, folder))).equals(cat)).toBe(true);
  });

  it.each(['image/jpeg', 'image/heic', 'application/octet-stream'])('as a body of %s is recognised by its content', async (type) => {
    expect(await send(cat, { 'content-type': type })).toMatchObject({ status: 201, answer: { width: 451, height: 300, format: 'jpeg' } });
  });

  it('may be sent in chunks of unknown total length', async () => {
    const pieces = Array.from({ length: Math.ceil(cat.length / 1000) }, (_, index) => cat.subarray(index * 1000, index * 1000 + 1000));
    expect(await send(Readable.toWeb(Readable.from(pieces)) as ReadableStream, jpeg)).toMatchObject({
      status: 201,
      answer: { sizeBytes: cat.length },
    });
  });

  it('succeeds twenty times concurrently', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, (_, index) => (index % 2 ? send(cat, jpeg) : send(form(new Blob([cat]))))));
    expect(all.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 201));
    expect(new Set(all.map(({ answer }) => answer['id'])).size).toBe(20);
  });

  it('requires a key', async () => {
    expect(await send(cat, { ...jpeg, authorization: 'Bearer wrong' })).toMatchObject({
      status: 401,
      answer: { error: { code: 'UNAUTHENTICATED' } },
    });
  });
});

describe('an upload that is not a photo', () => {
  it.each<[string, () => RequestInit['body'], Record<string, string>, number, string, RegExp]>([
    ['an empty body', () => '', jpeg, 400, 'BAD_INPUT', /empty/],
    ['a form without a file', () => form(), {}, 400, 'BAD_INPUT', /no file/],
    ['a form with an empty file', () => form(new Blob([])), {}, 400, 'BAD_INPUT', /empty/],
    ['a form with two files', () => form(new Blob([cat]), new Blob([cat])), {}, 400, 'BAD_INPUT', /more than one file/],
    [
      'a truncated form',
      () => '--x\r\ncontent-disposition: form-data; name="a"; filename="a.jpg"\r\n\r\nabc',
      { 'content-type': 'multipart/form-data; boundary=x' },
      400,
      'BAD_INPUT',
      /incomplete/,
    ],
    ['a form without a boundary', () => 'abc', { 'content-type': 'multipart/form-data' }, 400, 'BAD_INPUT', /[Bb]oundary/],
    ['JSON', () => '{}', { 'content-type': 'application/json' }, 400, 'BAD_INPUT', /Content-Type/],
    ['text with the type of a picture', () => 'hello, world', jpeg, 415, 'UNSUPPORTED_FORMAT', /./],
    ['half a photo', () => cat.subarray(0, cat.length / 2), jpeg, 400, 'IMAGE_UNREADABLE', /./],
  ])('is refused with a specific message: %s', async (_name, body, headers, status, code, said) => {
    expect(await send(body(), headers)).toMatchObject({ status, answer: { error: { code, message: expect.stringMatching(said) } } });
  });

  it('is refused without a body', async () => {
    expect(await send(undefined)).toMatchObject({
      status: 400,
      answer: { error: { code: 'BAD_INPUT', message: expect.stringMatching(/no body|Content-Type/) } },
    });
  });
});

describe('a photo that is too large', () => {
  const tooMuch = randomBytes(LIMITS.maxBytes + 1);
  const refused = { status: 413, answer: { error: { code: 'IMAGE_TOO_LARGE', message: 'The photo is larger than 1 MB.' } } };

  it('is refused as a body and as a form', async () => {
    expect(await send(tooMuch, jpeg)).toMatchObject(refused);
    expect(await send(form(new Blob([tooMuch])))).toMatchObject(refused);
  });

  it('is refused while its length is unknown, and the client receives the response although it is still sending', async () => {
    const endless = Readable.from(
      (function* pieces() {
        for (let sent = 0; sent < 40; sent++) yield randomBytes(1_000_000);
      })(),
    );
    expect(await send(Readable.toWeb(endless) as ReadableStream, jpeg)).toMatchObject(refused);
  });

  it('leaves the connection usable for the next request', async () => {
    for (let time = 0; time < 3; time++) expect(await send(tooMuch, jpeg)).toMatchObject(refused);
    expect((await send(cat, jpeg)).status).toBe(201);
  });
});

describe('a failing client', () => {
  const open = (headers: Record<string, string>, where = url): ClientRequest =>
    httpRequest(where, { method: 'POST', agent: false, headers: { ...AUTHORIZATION, ...headers } }).on('error', () => {});
  const scratch = () => readdir(path.join(folder, '.scratch')).catch(() => []);
  const multipart = { 'content-type': 'multipart/form-data; boundary=x' };
  const head = '--x\r\ncontent-disposition: form-data; name="a"; filename="a.jpg"\r\n\r\n';

  it.each<[string, Record<string, string>, string]>([
    ['a body', jpeg, ''],
    ['a form', multipart, head],
  ])('that disconnects in the middle of %s leaves nothing behind', async (_name, headers, before) => {
    const request = open({ ...headers, 'content-length': '500000' });
    request.write(before);
    request.write(cat.subarray(0, 1000));
    await expect.poll(scratch).toHaveLength(1);
    request.destroy();
    await expect.poll(scratch).toEqual([]);
  });

  it.each<[string, Record<string, string>, string]>([
    ['a body', jpeg, ''],
    ['a form', multipart, head],
  ])('that stops sending in the middle of %s gets an error', async (_name, headers, before) => {
    const request = open(headers, hasty);
    request.write(before);
    request.write(cat.subarray(0, 1000));
    const [response] = await once(request, 'response');
    expect(response.statusCode).toBe(400);
    expect(JSON.parse(Buffer.concat(await response.toArray()).toString())).toMatchObject({
      error: { code: 'BAD_INPUT', message: 'The upload stopped: nothing arrived for 0.4 seconds.' },
    });
    request.destroy();
  });

  it('that sends the header of a form without its body does not crash the server', async () => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write(
      `POST /uploads HTTP/1.1\r\nhost: x\r\nauthorization: ${AUTHORIZATION.authorization}\r\ncontent-type: ${multipart['content-type']}\r\ncontent-length: 100\r\n\r\n`,
    );
    await once(socket, 'connect');
    socket.destroy();
    expect((await send(cat, jpeg)).status).toBe(201);
  });
});

describe('a failure of the database', () => {
  it('removes the stored file when the row cannot be inserted', async () => {
    breakDatabase = true;
    try {
      expect(await send(cat, jpeg)).toMatchObject({ status: 500, answer: { error: { code: 'INTERNAL', reference: expect.any(String) } } });
      expect(logged).toHaveLength(1);
    } finally {
      breakDatabase = false;
    }
  });
});

describe('a photo inside a request', () => {
  it('is received like an upload', async () => {
    const photo = await receivePhoto(Readable.from([cat]), { ...storage, limits: LIMITS, inspect: inspectPhoto });
    expect(photo).toMatchObject({ key: `uploads/${photo.id}`, sizeBytes: cat.length, width: 451, height: 300, format: 'jpeg' });
    expect((await storage.blobs.stat(photo.key)).sizeBytes).toBe(cat.length);
    await storage.blobs.remove(photo.key);
  });
});

it('after all tests, storage contains only photos that have a row', async () => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  expect(
    entries
      .filter((entry) => entry.isFile())
      .map(({ name }) => name)
      .toSorted(),
  ).toEqual(rows.map(({ id }) => id).toSorted());
  expect(await readdir(path.join(folder, '.scratch'))).toEqual([]);
});
