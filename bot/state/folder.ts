import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { ZodError, type z } from 'zod';

const EXTENSION = '.json';

/**
 * A folder of small JSON files, one for each id. A write is atomic even if the process is killed: it goes to a temporary file, which is
 * synced and renamed. Operations on one id run in the order of the calls.
 */
export class JsonFolder<T> {
  readonly #folder: string;
  readonly #schema: z.ZodType<T>;
  readonly #onUnreadable: (id: string) => void;
  readonly #last = new Map<string, Promise<unknown>>();
  #writes = 0;

  private constructor(folder: string, schema: z.ZodType<T>, onUnreadable: (id: string) => void) {
    this.#folder = folder;
    this.#schema = schema;
    this.#onUnreadable = onUnreadable;
  }

  /**
   * Creates the folder if it is missing, and deletes the temporary files of a killed process.
   * @param onUnreadable called with the id of a file that does not match the schema; the file is left in place
   */
  static async open<T>(folder: string, schema: z.ZodType<T>, onUnreadable: (id: string) => void = () => {}): Promise<JsonFolder<T>> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(folder)) if (!name.endsWith(EXTENSION)) await rm(path.join(folder, name), { force: true });
    return new JsonFolder(folder, schema, onUnreadable);
  }

  async ids(): Promise<string[]> {
    return (await readdir(this.#folder)).filter((name) => name.endsWith(EXTENSION)).map((name) => name.slice(0, -EXTENSION.length));
  }

  /** Null if there is none, or if it does not match the schema. */
  async read(id: string): Promise<T | null> {
    try {
      return this.#schema.parse(JSON.parse(await this.#next(id, () => readFile(this.#file(id), 'utf8'))));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      if (!(error instanceof SyntaxError || error instanceof ZodError)) throw error;
      this.#onUnreadable(id);
      return null;
    }
  }

  /** Stores `value` as of the call. */
  async write(id: string, value: T): Promise<void> {
    const text = JSON.stringify(value);
    await this.#next(id, async () => {
      const temporary = `${this.#file(id)}.${this.#writes++}`;
      const handle = await open(temporary, 'w', 0o600);
      try {
        await handle
          .writeFile(text)
          .then(() => handle.sync())
          .finally(() => handle.close());
        await rename(temporary, this.#file(id));
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => {}); // the next start deletes it
        throw error;
      }
    });
  }

  /** Succeeds if there is none. */
  async remove(id: string): Promise<void> {
    await this.#next(id, () => rm(this.#file(id), { force: true }));
  }

  async #next<R>(id: string, work: () => Promise<R>): Promise<R> {
    const before = this.#last.get(id) ?? Promise.resolve();
    const done = before.catch(() => {}).then(work);
    this.#last.set(id, done);
    try {
      return await done;
    } finally {
      if (this.#last.get(id) === done) this.#last.delete(id);
    }
  }

  #file(id: string): string {
    if (!/^[\w-]+$/.test(id)) throw new Error(`${JSON.stringify(id)} is not an id`);
    return path.join(this.#folder, id + EXTENSION);
  }
}
