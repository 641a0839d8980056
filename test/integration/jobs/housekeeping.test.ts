import { randomUUID } from 'node:crypto';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/config.ts';
import { openServices, type Services } from '../../../src/infra/services.ts';
import { expireFiles, expireUploads, runHousekeeping } from '../../../src/jobs/housekeeping.ts';
import { removeOrphans } from '../../../src/jobs/orphans.ts';
import { jobFiles, type Job } from '../../../src/jobs/job.ts';
import { uploadFile } from '../../../src/jobs/store.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { newJob, NO_LIMITS } from '../../support/jobs.ts';
import { ownPrefix } from '../../support/redis.ts';

let database: TestDatabase;
let folder: string;
let services: Services;
beforeAll(async () => {
  database = await createTestDatabase();
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'fm-house-'));
  services = await openServices(
    readConfig({ DATABASE_URL: database.url, STORAGE_DIR: folder, QUEUE_PREFIX: ownPrefix() }),
    pino({ level: 'silent' }),
  );
});
afterAll(async () => {
  await services?.close();
  await database?.drop();
  await fs.rm(folder, { recursive: true, force: true });
});
afterEach(async () => {
  await services.db.client.job.deleteMany();
  await services.db.client.upload.deleteMany();
  await fs.rm(folder, { recursive: true, force: true });
});

async function insert(): Promise<Job> {
  const insertion = await services.jobs.insert(newJob(), NO_LIMITS);
  if (insertion.kind !== 'inserted') throw new Error(insertion.kind);
  return insertion.job;
}

const write = (key: string): Promise<void> => services.blobs.write(key, Readable.from([Buffer.from('x')]));
const files = async (): Promise<string[]> => {
  const entries = await fs.readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
    .toSorted();
};
/** Makes everything in storage look unmodified for an hour. */
async function age(): Promise<void> {
  const then = new Date(Date.now() - 3_600_000);
  for (const name of await fs.readdir(folder, { recursive: true })) await fs.utimes(path.join(folder, name), then, then);
}

describe('removal of orphans', () => {
  it('removes photos, output and uploads without a row once they have not been modified for a while', async () => {
    const [kept, gone] = [await insert(), { id: randomUUID(), createdAt: new Date('2026-01-31'), attempt: 1 }];
    const upload = await services.uploads.insert(
      { id: randomUUID(), owner: 'o', sha256: 'a', sizeBytes: 1, width: 4, height: 3, focus: { x: 0.5, y: 0.5 }, format: 'jpeg' },
      3_600_000,
      null,
    );
    const owned = [jobFiles.photo(kept.id), jobFiles.video({ ...kept, attempt: 1 }), uploadFile(upload!.id)];
    for (const key of [...owned, jobFiles.photo(gone.id), jobFiles.video(gone), jobFiles.poster(gone), uploadFile(randomUUID())])
      await write(key);
    const all = await files();
    await removeOrphans(services);
    expect(await files()).toEqual(all);

    await age();
    const young = jobFiles.photo(randomUUID());
    await write(young);
    await removeOrphans(services);
    expect(await files()).toEqual([...owned, young].toSorted());
  });

  it('keeps a folder while a file deep inside it still changes', async () => {
    const job = { id: randomUUID(), createdAt: new Date('2026-01-31'), attempt: 1 };
    await write(jobFiles.video(job));
    await age();
    const now = new Date();
    await fs.utimes(path.join(folder, jobFiles.video(job)), now, now);
    await removeOrphans(services);
    expect(await files()).toEqual([jobFiles.video(job)]);
  });

  it('removes scratch folders of ended attempts and aborted uploads, but not those of running attempts', async () => {
    const [running, over] = [await insert(), await insert()];
    await services.jobs.transition(running.id, { from: ['QUEUED'] }, { status: 'PROCESSING', attempt: 2, attemptToken: randomUUID() });
    for (const name of [`${running.id}-2`, `${running.id}-1`, `${over.id}-1`, `photo-${randomUUID()}`]) {
      await fs.writeFile(path.join(await services.workspace.createScratch(name), 'frame'), 'x');
    }
    await age();
    const young = `photo-${randomUUID()}`;
    await fs.writeFile(path.join(await services.workspace.createScratch(young), 'photo'), 'x');
    await removeOrphans(services);
    expect((await fs.readdir(path.join(folder, '.scratch'))).toSorted()).toEqual([`${running.id}-2`, young].toSorted());
  });

  it('searches for orphans from time to time, not in every pass', async () => {
    const context = { ...services };
    const orphans = [uploadFile(randomUUID()), uploadFile(randomUUID())];
    for (const key of orphans) {
      await write(key);
      await age();
      await runHousekeeping(context);
    }
    expect(await files()).toEqual([orphans[1]]);
  });
});

describe('expiry', () => {
  it('continues with other jobs if more than a batch cannot be deleted', async () => {
    const jobs = await Promise.all(Array.from({ length: 105 }, insert));
    await services.db.client.job.updateMany({
      data: { status: 'COMPLETED', filesKept: true, createdAt: new Date('2001-02-03'), expiresAt: new Date('2001-02-04') },
    });
    const fine = jobs.at(-1)!;
    await services.db.client.job.update({
      where: { id: fine.id },
      data: { createdAt: new Date('2002-02-03'), expiresAt: new Date('2002-02-04') },
    });
    // Where the others' folders would be found, there is a file: no system removes anything below it.
    await fs.mkdir(path.join(folder, 'archive'), { recursive: true });
    await fs.writeFile(path.join(folder, 'archive', '2001'), 'in the way');
    await expireFiles(services);
    expect(await services.jobs.find(fine.id)).toMatchObject({ filesKept: false, photoKept: false });
    expect(await services.jobs.expired(1_000, 0)).toHaveLength(104);
    await fs.rm(path.join(folder, 'archive', '2001'));
    await expireFiles(services);
    expect(await services.jobs.expired(1_000, 0)).toEqual([]);
  });

  it('deletes more than a batch of expired uploads in one pass', async () => {
    for (let n = 0; n < 120; n++)
      await services.uploads.insert(
        { id: randomUUID(), owner: 'o', sha256: 'a', sizeBytes: 1, width: 4, height: 3, focus: { x: 0.5, y: 0.5 }, format: 'jpeg' },
        -1_000,
        null,
      );
    await expireUploads(services);
    expect(await services.uploads.ownedBy('o')).toEqual([]);
  });
});
