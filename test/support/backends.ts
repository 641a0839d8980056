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
  /** Settings of a separate installation, new for every test. */
  settings(): BackendSettings;
  /** The same installation through a connection that can be cut. */
  wired(): Promise<{ readonly wire: Wire; readonly settings: BackendSettings }>;
  /** Address of the server of queue and bus: Redis or the database. */
  readonly url: string;
}

/** Runs a suite on PostgreSQL and on Redis; without redis-server the second is reported as skipped. */
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

/** Connections and servers that this process has open. */
export function openSockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => /^(TCP|TLS)/.test(kind)).length;
}
