import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { ApolloServer } from '@apollo/server';
import { expressMiddleware } from '@as-integrations/express5';
import express from 'express';
import { buildSchema, parse, validate, type GraphQLSchema } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { authenticate, authenticateSocket } from '../../src/api/auth.ts';
import { securityHeaders } from '../../src/api/http/guard.ts';
import { errorHandler } from '../../src/api/http/errors.ts';
import { graphiqlEnabled, graphiqlRouter } from '../../src/api/graphiql/route.ts';
import { bundle } from '../../src/api/graphiql/bundle.mjs';
import { defaultTabs } from '../../src/api/graphiql/client/tabs.ts';
import { printedSchema } from '../../src/api/graphql/schema.ts';
import { CHROMIUM, launchChromium } from '../support/chromium.ts';
import { CLIENT_JOB } from '../support/client-job.ts';

const KEYS = [
  { name: 'tester', secret: 'a-secret-of-the-tester', actAs: false },
  { name: 'guest', secret: 'a-secret-of-the-guest', actAs: false },
];

let folder: string;
let schema: GraphQLSchema;

beforeAll(async () => {
  folder = path.join(await mkdtemp(path.join(os.tmpdir(), 'graphiql-')), 'graphiql');
  await bundle(folder);
  schema = buildSchema(await printedSchema());
});

afterAll(async () => {
  await rm(path.dirname(folder), { recursive: true, force: true });
});

/** The true schema over answers that are always the same, on one port, as one key. */
const ANSWERS = {
  options: () => ({
    motions: [{ name: 'PAN_L', description: 'the camera turns left', bestFor: 'landscapes', isDefault: true }],
    resolutions: [],
    durations: [],
    engines: [],
    estimates: [],
    fits: [],
    limits: { photoMaxBytes: 1, photoFormats: [], queueLimit: 1, filesKeptHours: 24, jobsKeptDays: 30 },
  }),
  createJob: ({ input }: { input: { image: { base64: string } } }) => ({
    ...CLIENT_JOB,
    id: `job-of-${input.image.base64.length}-letters`,
    status: 'QUEUED',
  }),
  async *jobProgress({ id }: { id: string }) {
    for (const [revision, status] of ['QUEUED', 'PROCESSING', 'COMPLETED'].entries()) {
      yield {
        jobProgress: {
          revision,
          previewUrl: null,
          job: { ...CLIENT_JOB, id, status },
        },
      };
    }
  },
};

async function serve(): Promise<{ url: string; owners: string[]; close: () => Promise<void> }> {
  const owners: string[] = [];
  const app = express();
  const server: Server = createServer(app);
  const sockets = new WebSocketServer({ server, path: '/graphql' });
  const graphqlSockets = useServer(
    {
      schema,
      roots: { subscription: ANSWERS },
      onConnect: ({ connectionParams }) => {
        authenticateSocket(KEYS, connectionParams);
      },
      onSubscribe: ({ connectionParams }, _id, { extensions }) => {
        owners.push(`ws ${authenticateSocket(KEYS, connectionParams, extensions).owner}`);
      },
    },
    sockets,
  );
  const apollo = new ApolloServer({ schema, rootValue: ANSWERS });
  await apollo.start();
  app.disable('x-powered-by').use(securityHeaders(), graphiqlRouter(folder));
  app.use(
    '/graphql',
    express.json(),
    expressMiddleware(apollo, {
      context: async ({ req }) => {
        owners.push(`http ${authenticate(KEYS, req.get('authorization'), req.get('x-act-as')).owner}`);
        return {};
      },
    }),
  );
  app.use(errorHandler({ error: () => {} }));
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    owners,
    close: async () => {
      await graphqlSockets.dispose();
      await apollo.stop();
      server.closeAllConnections();
      await new Promise((closed) => {
        server.close(closed);
      });
    },
  };
}

describe('the playground', () => {
  it('is on unless in production, and as GRAPHIQL says', () => {
    expect(graphiqlEnabled({ GRAPHIQL: undefined, NODE_ENV: 'development' })).toBe(true);
    expect(graphiqlEnabled({ GRAPHIQL: undefined, NODE_ENV: 'production' })).toBe(false);
    expect(graphiqlEnabled({ GRAPHIQL: true, NODE_ENV: 'production' })).toBe(true);
    expect(graphiqlEnabled({ GRAPHIQL: false, NODE_ENV: 'development' })).toBe(false);
  });

  it('begins with tabs that the schema allows', () => {
    for (const { query, variables } of defaultTabs('http://localhost:4000/uploads', 'data:image/jpeg;base64,AA==')) {
      expect(validate(schema, parse(query))).toEqual([]);
      expect(() => JSON.parse(variables ?? '{}')).not.toThrow();
    }
  });

  it('gives the page to browsers and leaves other clients to GraphQL', async () => {
    const server = await serve();
    try {
      const page = await fetch(`${server.url}/graphql`, { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } });
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(page.headers.get('cache-control')).toBe('no-cache');
      expect(page.headers.get('x-powered-by')).toBeNull();
      expect(page.headers.get('content-security-policy')).toContain("script-src 'self';");

      const query = await fetch(`${server.url}/graphql?query={__typename}`, {
        headers: { authorization: `Bearer ${KEYS[0]!.secret}`, accept: '*/*', 'apollo-require-preflight': '1' },
      });
      expect(await query.json()).toEqual({ data: { __typename: 'Query' } });
    } finally {
      await server.close();
    }
  });

  it('lets its assets be cached for good, and has no others', async () => {
    const server = await serve();
    try {
      const files = await readdir(path.join(folder, 'assets'));
      expect(files.every((file) => /-[A-Z\d]{8}\.(js|css)(\.LEGAL\.txt)?$/.test(file))).toBe(true);
      const asset = await fetch(`${server.url}/graphql/assets/${files[0]}`);
      expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
      await asset.body?.cancel();
      for (const name of ['nothing.js', '..%2findex.html', '']) {
        const missing = await fetch(`${server.url}/graphql/assets/${name}`);
        expect([missing.status, await missing.json()]).toMatchObject([404, { error: { code: 'NOT_FOUND' } }]);
      }
    } finally {
      await server.close();
    }
  });
});

describe.skipIf(!CHROMIUM)('the playground in Chromium', () => {
  let browser: Browser;
  let server: Awaited<ReturnType<typeof serve>>;
  let page: Page;
  const requested: string[] = [];
  const complaints: string[] = [];
  const workers: string[] = [];

  beforeAll(async () => {
    server = await serve();
    browser = await launchChromium();
    page = await browser.newPage({ viewport: { width: 1400, height: 850 } });
    page.on('request', (request) => requested.push(request.url()));
    page.on('worker', (worker) => workers.push(worker.url()));
    page.on('websocket', (socket) => requested.push(socket.url()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (/content security policy|refused|worker/i.test(message.text())) complaints.push(message.text());
    });
    await page.goto(`${server.url}/graphql`);
  });

  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  const response = () =>
    page
      .locator('.graphiql-response .view-lines')
      .innerText()
      .then((text) => text.replaceAll('\u00a0', ' '));
  const openTab = (name: string) => page.locator('.graphiql-tab-button', { hasText: name }).click();
  const enterKey = async (secret: string) => {
    await page.getByLabel('API key').fill(secret);
    await page.getByLabel('API key').press('Enter');
  };
  const run = () => page.getByLabel('Execute query').click();

  it('shows itself under its name, with three tabs to begin with', async () => {
    expect(await page.title()).toBe('FanslyMotion');
    await page.locator('.graphiql-tab-button').first().waitFor();
    expect(await page.locator('.graphiql-tab-button').allInnerTexts()).toEqual(['Options', 'CreateJob', 'JobProgress']);
  });

  it('takes an API key, keeps it for the session, and answers with it', async () => {
    await enterKey(KEYS[0]!.secret);
    await expect.poll(() => server.owners).toContain('http key:tester');
    await run();
    await expect.poll(response).toContain('"PAN_L"');
    expect(await page.evaluate('[sessionStorage.length, JSON.stringify(localStorage)]')).toEqual([
      1,
      expect.not.stringContaining(KEYS[0]!.secret),
    ]);
  });

  it('creates a job from the example and follows it over the WebSocket with the same key', async () => {
    await openTab('CreateJob');
    await run();
    await expect.poll(response).toMatch(/"id": "job-of-\d+-letters"/);
    await openTab('JobProgress');
    await run();
    await expect.poll(response).toMatch(/"id": "job-of-\d+-letters",\s+"status": "COMPLETED"/);
    expect(server.owners).toContain('ws key:tester');
  });

  it('opens a new socket when the key changes', async () => {
    await enterKey(KEYS[1]!.secret);
    await expect.poll(() => server.owners).toContain('http key:guest');
    await run();
    await expect.poll(() => server.owners.at(-1)).toBe('ws key:guest');
  });

  it('says what the server says when the key is wrong', async () => {
    await enterKey('not-a-key-at-all');
    await openTab('Options');
    await run();
    await expect.poll(response).toMatch(/The API key is not\s+valid/);
  });

  it('edits with the schema at hand, in workers of its own', async () => {
    const names = () => workers.map((url) => /(\w+)-[A-Z\d]{8}\.js$/.exec(url)?.[1]);
    await expect.poll(names).toEqual(expect.arrayContaining(['graphql', 'json']));
    expect(workers.filter((url) => !url.startsWith(`${server.url}/graphql/assets/`))).toEqual([]);
  });

  it('asks nobody else for anything and breaks no rule of its content policy', () => {
    const { host } = new URL(server.url);
    expect(requested.filter((url) => !url.startsWith('data:') && !url.startsWith('blob:') && new URL(url).host !== host)).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
