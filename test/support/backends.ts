import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { createTestDatabase } from './database.ts';
import { ownPrefix, redisUrl } from './redis.ts';
import { openWire, type Wire } from './wire.ts';

export interface BackendSettings {
  readonly redisUrl: string | undefined;
  readonly databaseUrl: string;
  readonly prefix: string;
}

export interface Backend {
  readonly name: 'PostgreSQL' | 'Redis';
  /** Settings of an installation of its own, new for every test. */
  settings(): BackendSettings;
  /** The same installation over a wire that can be cut. */
  wired(): Promise<{ readonly wire: Wire; readonly settings: BackendSettings }>;
  /** The address of what carries queue and bus: Redis or the database. */
  readonly url: string;
}

/** Runs one suite over PostgreSQL and over Redis; where there is no redis-server, the second shows as skipped. */
export function describeBackends(what: string, suite: (backend: Backend) => void): void {
  for (const name of ['PostgreSQL', 'Redis'] as const) {
    const redis = name === 'Redis' ? redisUrl() : undefined;
    describe.skipIf(name === 'Redis' && !redis)(`${what} on ${name}`, () => {
      let database: Awaited<ReturnType<typeof createTestDatabase>>;
      let prefix = '';
      const wires: Wire[] = [];

      beforeAll(async () => {
        database = await createTestDatabase();
      });
      afterEach(async () => {
        prefix = '';
        await Promise.all(wires.splice(0).map((wire) => wire.close()));
      });
      afterAll(() => database.drop());

      const settings = (): BackendSettings => {
        prefix ||= ownPrefix();
        return { redisUrl: redis, databaseUrl: database.url, prefix };
      };
      suite({
        name,
        settings,
        async wired() {
          const wire = await openWire(redis ?? database.url);
          wires.push(wire);
          return { wire, settings: { ...settings(), redisUrl: redis && wire.url, databaseUrl: redis ? database.url : wire.url } };
        },
        get url() {
          return redis ?? database.url;
        },
      });
    });
  }
}

/** Connections and servers that this process holds open. */
export function openSockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => /^(TCP|TLS)/.test(kind)).length;
}
