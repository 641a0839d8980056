/** `pulled.json` in a model's folder: what is known about each file during and after its download. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { KnownModel } from './manifest.ts';

const RECORD_FILE = 'pulled.json';

const entrySchema = z.object({
  /** ETag of the server that sent the bytes, so that a partial file is not resumed after the file has changed there. */
  etag: z.string().nullable().default(null),
  /** SHA-256 that the hub publishes, in hexadecimal. */
  published: z.string().nullable().default(null),
  /** SHA-256 of the whole file, in hexadecimal; null until it is complete and verified. */
  sha256: z.string().nullable().default(null),
});
const recordSchema = z.object({ repository: z.string(), revision: z.string(), files: z.record(z.string(), entrySchema) });

export type FileRecord = z.infer<typeof entrySchema>;

/** The record of one model's folder. Written atomically, so that it can be read at any moment. */
export class PullRecord {
  readonly #file: string;
  readonly #model: Pick<KnownModel, 'repository' | 'revision'>;
  readonly #files: Record<string, FileRecord>;
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: string, model: Pick<KnownModel, 'repository' | 'revision'>, files: Record<string, FileRecord>) {
    this.#file = file;
    this.#model = model;
    this.#files = files;
  }

  /** Reads the record in `folder`; it is empty if the file is missing or belongs to another repository or revision. */
  static async open(folder: string, { repository, revision }: KnownModel): Promise<PullRecord> {
    const file = path.join(folder, RECORD_FILE);
    const found = recordSchema.safeParse(
      await readFile(file, 'utf8')
        .then(JSON.parse)
        .catch(() => null),
    ).data;
    const same = found?.repository === repository && found.revision === revision;
    return new PullRecord(file, { repository, revision }, same ? found.files : {});
  }

  get(filePath: string): FileRecord | null {
    return this.#files[filePath] ?? null;
  }

  async set(filePath: string, entry: FileRecord): Promise<void> {
    this.#files[filePath] = entry;
    const written = this.#writing.then(() => this.#write());
    this.#writing = written.catch(() => {});
    await written;
  }

  async #write(): Promise<void> {
    const draft = `${this.#file}.new`;
    await writeFile(draft, `${JSON.stringify({ ...this.#model, files: this.#files }, null, 2)}\n`, { flush: true });
    await rename(draft, this.#file);
  }
}
