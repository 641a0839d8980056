import type { NewUpload, Upload, UploadStore } from '../../jobs/store.ts';
import type { PrismaClient } from '../generated/prisma/client.ts';

/** Uploads in PostgreSQL. They expire by its clock. */
export class PostgresUploadStore implements UploadStore {
  readonly #db: PrismaClient;

  constructor(db: PrismaClient) {
    this.#db = db;
  }

  /** Inserts of one owner are serialized, so that the limit cannot be exceeded between counting and inserting. */
  async insert(upload: NewUpload, keptMs: number, limit: number | null): Promise<Upload | null> {
    const [, rows] = await this.#db.$transaction([
      this.#db.$executeRaw`SELECT pg_advisory_xact_lock(hashtext(${`fanslymotion.upload.${upload.owner}`}))`,
      this.#db.$queryRaw<Upload[]>`
        INSERT INTO upload (id, owner, sha256, "sizeBytes", width, height, focus, format, "createdAt", "expiresAt")
        SELECT ${upload.id}::uuid, ${upload.owner}, ${upload.sha256}, ${upload.sizeBytes}::int, ${upload.width}::int, ${upload.height}::int,
               ${JSON.stringify(upload.focus)}::jsonb, ${upload.format},
               now(), now() + make_interval(secs => ${keptMs / 1000}::float8)
        WHERE ${limit}::int IS NULL OR (SELECT count(*) FROM upload WHERE owner = ${upload.owner} AND "expiresAt" > now()) < ${limit}::int
        RETURNING *`,
    ]);
    return rows[0] ?? null;
  }

  async usage(owner: string): Promise<{ count: number; nextSeconds: number }> {
    const [row] = await this.#db.$queryRaw<[{ count: number; nextSeconds: number }]>`
      SELECT count(*)::int AS count, coalesce(extract(epoch FROM min("expiresAt") - now()), 0)::float8 AS "nextSeconds"
      FROM upload WHERE owner = ${owner} AND "expiresAt" > now()`;
    return row;
  }

  async find(owner: string, id: string): Promise<Upload | null> {
    const [row] = await this.#db.$queryRaw<
      Upload[]
    >`SELECT * FROM upload WHERE id = ${id}::uuid AND owner = ${owner} AND "expiresAt" > now()`;
    return row ?? null;
  }

  async ownedBy(owner: string): Promise<Upload[]> {
    return await this.#db.$queryRaw<Upload[]>`SELECT * FROM upload WHERE owner = ${owner}`;
  }

  async expired(limit: number, skip: number): Promise<Upload[]> {
    return await this.#db.$queryRaw<
      Upload[]
    >`SELECT * FROM upload WHERE "expiresAt" <= now() ORDER BY "expiresAt", id LIMIT ${limit} OFFSET ${skip}`;
  }

  async existing(ids: readonly string[]): Promise<Set<string>> {
    const rows = await this.#db.$queryRaw<{ id: string }[]>`SELECT id FROM upload WHERE id = ANY(${[...ids]}::uuid[])`;
    return new Set(rows.map(({ id }) => id));
  }

  async delete(id: string): Promise<void> {
    await this.#db.upload.deleteMany({ where: { id } });
  }
}
