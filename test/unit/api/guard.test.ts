import { createServer, request as httpRequest, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { assertListenAllowed, corsFor, createGuard, refuseUpgrade, securityHeaders } from '../../../src/api/http/guard.ts';
import { errorHandler, notFound } from '../../../src/api/http/errors.ts';
import { AppError } from '../../../src/jobs/errors.ts';
import { readConfig, type Config } from '../../../src/config.ts';

const config = (environment: Record<string, string> = {}): Config => readConfig(environment);
const KEYS = { API_KEYS: 'web:secret-of-the-web-client' };

type Headers = { host?: string; origin?: string };
const allows = (environment: Record<string, string>, headers: Headers, kind: 'http' | 'websocket' = 'http') =>
  createGuard(config(environment)).check({ headers }, kind) === null;

describe('a server without API keys', () => {
  it.each(['localhost', 'localhost:4000', 'LOCALHOST:4000', '127.0.0.1:4000', '127.8.9.1', '[::1]:4000'])('accepts the host %s', (host) => {
    expect(allows({}, { host })).toBe(true);
  });

  it.each([
    'evil.example',
    'evil.example:4000',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.evil.example',
    'localhost@evil.example',
    'evil.example/localhost',
    'evil.example#localhost',
    '192.168.1.5:4000',
    '0.0.0.0:4000',
    '[fe80::1]',
    '',
    undefined,
  ])('refuses the host %j, which may have been rebound to this machine', (host) => {
    expect(allows({}, { host })).toBe(false);
  });

  it.each(['http://localhost:3000', 'https://localhost', 'http://127.0.0.1:4000', 'http://[::1]:5173'])(
    'accepts pages from %s',
    (origin) => {
      expect(allows({}, { host: 'localhost:4000', origin })).toBe(true);
      expect(allows({}, { host: 'localhost:4000', origin }, 'websocket')).toBe(true);
    },
  );

  it.each([
    'https://evil.example',
    'null',
    '',
    'http://localhost.evil.example',
    'http://localhost:4000/',
    'file://',
    'chrome-extension://abc',
    'http://192.168.1.5',
  ])('refuses pages from %j', (origin) => {
    expect(allows({}, { host: 'localhost:4000', origin })).toBe(false);
    expect(allows({}, { host: 'localhost:4000', origin }, 'websocket')).toBe(false);
  });

  it('accepts the hosts and pages of PUBLIC_URL and CORS_ORIGINS', () => {
    const named = { PUBLIC_URL: 'https://video.example/api', CORS_ORIGINS: 'https://shop.example:8443' };
    expect(allows(named, { host: 'video.example' })).toBe(true);
    expect(allows(named, { host: 'video.example:443', origin: 'https://video.example' })).toBe(true);
    expect(allows(named, { host: 'localhost:4000', origin: 'https://shop.example:8443' })).toBe(true);
    expect(allows(named, { host: 'localhost:4000', origin: 'https://shop.example' })).toBe(false);
    expect(allows(named, { host: 'localhost:4000', origin: 'http://video.example' })).toBe(false);
    expect(allows(named, { host: 'other.example' })).toBe(false);
  });

  it('accepts addresses with ALLOW_ANONYMOUS, since they cannot be rebound, but no unknown names', () => {
    const anonymous = { ALLOW_ANONYMOUS: '1' };
    expect(allows(anonymous, { host: '192.168.1.5:4000' })).toBe(true);
    expect(allows(anonymous, { host: '[fd00::5]:4000' })).toBe(true);
    expect(allows(anonymous, { host: '192.168.1.5:4000', origin: 'http://192.168.1.5:4000' })).toBe(true);
    expect(allows(anonymous, { host: '192.168.1.5', origin: 'http://192.168.1.5' })).toBe(true);
    expect(allows(anonymous, { host: '192.168.1.5:4000', origin: 'http://192.168.1.6:4000' })).toBe(false);
    expect(allows(anonymous, { host: '192.168.1.5:4000', origin: 'http://192.168.1.5:80' })).toBe(false);
    expect(allows(anonymous, { host: '192.168.1.5:4000', origin: 'https://evil.example' })).toBe(false);
    expect(allows(anonymous, { host: 'evil.example:4000' })).toBe(false);
    expect(allows(anonymous, { host: 'evil.example:4000', origin: 'http://evil.example:4000' })).toBe(false);
  });

  it('says how to allow a host or an origin', () => {
    const guard = createGuard(config());
    expect(guard.check({ headers: { host: 'video.example' } }, 'http')?.message).toMatch(/"video\.example".*PUBLIC_URL/);
    expect(guard.check({ headers: { host: 'localhost', origin: 'https://shop.example' } }, 'http')?.message).toMatch(
      /"https:\/\/shop\.example".*CORS_ORIGINS/,
    );
  });
});

describe('a server with API keys', () => {
  it('accepts any host, since requests need a key', () => {
    expect(allows(KEYS, { host: 'anything.example', origin: 'https://evil.example' })).toBe(true);
  });

  it('opens sockets only for its own pages, pages on loopback and allowed origins', () => {
    const named = { ...KEYS, CORS_ORIGINS: 'https://shop.example' };
    const host = 'video.example';
    expect(allows(named, { host }, 'websocket')).toBe(true);
    expect(allows(named, { host, origin: 'https://video.example' }, 'websocket')).toBe(true);
    expect(allows(named, { host, origin: 'https://shop.example' }, 'websocket')).toBe(true);
    expect(allows(named, { host, origin: 'http://localhost:3000' }, 'websocket')).toBe(true);
    expect(allows(named, { host, origin: 'https://evil.example' }, 'websocket')).toBe(false);
    expect(allows(named, { host, origin: 'null' }, 'websocket')).toBe(false);
  });
});

describe('an API that listens', () => {
  it.each(['127.0.0.1', 'localhost', '::1'])('on %s needs no API keys', (HOST) => {
    expect(() => assertListenAllowed(config({ HOST }))).not.toThrow();
  });

  it.each(['0.0.0.0', '::', '192.168.1.5', 'video.example'])('on %s needs API keys or ALLOW_ANONYMOUS, and its error says so', (HOST) => {
    expect(() => assertListenAllowed(config({ HOST }))).toThrow(/API_KEYS.*ALLOW_ANONYMOUS=1/);
    expect(() => assertListenAllowed(config({ HOST, ALLOW_ANONYMOUS: '1' }))).not.toThrow();
    expect(() => assertListenAllowed(config({ HOST, ...KEYS }))).not.toThrow();
  });
});

describe('a response', () => {
  let server: Server;
  let port: number;
  const logged: object[] = [];

  beforeAll(async () => {
    const settings = config({ CORS_ORIGINS: 'https://shop.example,https://other.example' });
    const guard = createGuard(settings);
    const app = express().disable('x-powered-by');
    app.use(securityHeaders(), guard.middleware, corsFor(settings), express.json({ limit: 100 }));
    app.post('/echo', (request, response) => {
      response.json(request.body);
    });
    app.get('/busy', () => {
      throw new AppError('QUEUE_FULL', 'The backlog is full.', { retryAfterSeconds: 2.4 });
    });
    app.get('/locked', () => {
      throw new AppError('UNAUTHENTICATED');
    });
    app.get('/broken', async () => {
      throw new Error('password of the database');
    });
    app.get('/things/:id', (request, response) => {
      response.json(request.params);
    });
    app.use(notFound, errorHandler({ error: (fields) => logged.push(fields) }));
    server = createServer(app);
    const sockets = new WebSocketServer({ noServer: true });
    server.on('upgrade', (request, socket, head) => {
      const refused = guard.check(request, 'websocket');
      if (refused) refuseUpgrade(socket, refused);
      else sockets.handleUpgrade(request, socket, head, (opened) => opened.close(1000));
    });
    await new Promise<void>((listening) => {
      server.listen(0, '127.0.0.1', listening);
    });
    port = (server.address() as AddressInfo).port;
  });

  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((closed) => {
      server.close(closed);
    });
  });

  /** Unlike fetch, it sends the Host it is told. */
  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET', body = '') =>
    new Promise<{ status: number | undefined; headers: IncomingHttpHeaders; text: string }>((resolve, reject) => {
      const sent = httpRequest({ port, host: '127.0.0.1', path, method, headers, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() }),
        );
      });
      sent.on('error', reject).end(body);
    });

  it('is 403 with a hint for a rebound name', async () => {
    const { status, text } = await ask('/things/1', { host: 'evil.example' });
    expect(status).toBe(403);
    expect(JSON.parse(text)).toEqual({
      error: {
        code: 'FORBIDDEN',
        message: expect.stringContaining('PUBLIC_URL'),
        hint: expect.any(String),
        fault: 'CLIENT',
        retry: 'NEVER',
      },
    });
  });

  it('is 403 with a body for a socket from another site, while one from here is opened', async () => {
    const open = (origin: string) =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, { origin });
        socket.on('close', (code) => resolve(`closed ${code}`));
        socket.on('unexpected-response', (_request, response) => {
          response.setEncoding('utf8').on('data', (text: string) => resolve(`${response.statusCode} ${JSON.parse(text).error.code}`));
        });
      });
    expect(await open('https://evil.example')).toBe('403 FORBIDDEN');
    expect(await open('null')).toBe('403 FORBIDDEN');
    expect(await open(`http://localhost:${port}`)).toBe('closed 1000');
    expect(await open('https://shop.example')).toBe('closed 1000');
  });

  it('has CORS headers for allowed origins only', async () => {
    const preflight = await ask(
      '/echo',
      {
        origin: 'https://shop.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,x-act-as',
      },
      'OPTIONS',
    );
    expect(preflight.status).toBe(204);
    expect(preflight.headers['access-control-allow-origin']).toBe('https://shop.example');
    expect(preflight.headers['access-control-allow-headers']).toMatch(/Authorization,Content-Type,X-Act-As,Apollo-Require-Preflight/);
    expect(preflight.headers['vary']).toMatch(/Origin/);
    expect((await ask('/things/1')).headers['access-control-allow-origin']).toBeUndefined();
    expect((await ask('/things/1', { origin: 'http://localhost:3000' })).headers['access-control-allow-origin']).toBeUndefined();
  });

  it('has security headers and does not name the framework', async () => {
    const { headers } = await ask('/things/1');
    expect(headers['content-security-policy']).toMatch(/default-src 'none';script-src 'self';/);
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(headers['strict-transport-security']).toBeUndefined();
    expect(headers['x-powered-by']).toBeUndefined();
  });

  it('has Retry-After when the backlog is full', async () => {
    const { status, headers, text } = await ask('/busy');
    expect([status, headers['retry-after'], headers['cache-control']]).toEqual([429, '3', 'no-store']);
    expect(JSON.parse(text).error).toMatchObject({ code: 'QUEUE_FULL', fault: 'CLIENT', retry: 'LATER', retryAfterSeconds: 2.4 });
  });

  it('has WWW-Authenticate when the key is missing', async () => {
    const { status, headers } = await ask('/locked');
    expect([status, headers['www-authenticate']]).toEqual([401, 'Bearer']);
  });

  it('hides the message of an internal error and has a reference that is also logged', async () => {
    const { status, text } = await ask('/broken');
    const { error } = JSON.parse(text);
    expect(status).toBe(500);
    expect(error).toMatchObject({ code: 'INTERNAL', message: 'An internal error occurred.', fault: 'SERVER', retry: 'SAME_REQUEST' });
    expect(text).not.toContain('password');
    expect(logged).toContainEqual(
      expect.objectContaining({ reference: error.reference, err: expect.objectContaining({ message: 'password of the database' }) }),
    );
  });

  it.each([
    ['/echo', 'POST', '{"a":', 400, 'BAD_INPUT', 'not valid JSON'],
    ['/echo', 'POST', JSON.stringify('x'.repeat(200)), 413, 'IMAGE_TOO_LARGE', 'POST /uploads'],
    ['/things/%E0%A4%A', 'GET', '', 400, 'BAD_INPUT', 'percent-encoding'],
    ['/nowhere', 'GET', '', 404, 'NOT_FOUND', '/nowhere'],
  ])('is an error of the client for %s %s %s', async (path, method, body, status, code, said) => {
    const before = logged.length;
    const answer = await ask(path, { 'content-type': 'application/json' }, method, body);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text).error).toMatchObject({ code, message: expect.stringContaining(said) });
    expect(logged.length).toBe(before);
  });
});
