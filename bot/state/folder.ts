import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { ZodError, type z } from 'zod';

const EXTENSION = '.json';

/**
 * A folder of small JSON files, one for each id. A write replaces a file whole or not at all, whatever is killed meanwhile: it is
 * written beside, synced and renamed. What is done to one id happens in the order in which it was asked for.
 */
export class JsonFolder<T> {
  readonly #folder: string;
  readonly #schema: z.ZodType<T>;
  readonly #onUnreadable: (id: string) => void;
  readonly #last = new Map<string, Promise<unknown>>();
  #drafts = 0;

  private constructor(folder: string, schema: z.ZodType<T>, onUnreadable: (id: string) => void) {
    this.#folder = folder;
    this.#schema = schema;
    this.#onUnreadable = onUnreadable;
  }

  /**
   * Makes the folder if it is missing, and clears away what a killed process was writing.
   * @param onUnreadable told of a file that holds what is none of ours; it is left where it is
   */
  static async open<T>(folder: string, schema: z.ZodType<T>, onUnreadable: (id: string) => void = () => {}): Promise<JsonFolder<T>> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(folder)) if (!name.endsWith(EXTENSION)) await rm(path.join(folder, name), { force: true });
    return new JsonFolder(folder, schema, onUnreadable);
  }

  async ids(): Promise<string[]> {
    return (await readdir(this.#folder)).filter((name) => name.endsWith(EXTENSION)).map((name) => name.slice(0, -EXTENSION.length));
  }

  /** Null if there is none, or if it holds what is none of ours. */
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

  /** Keeps `value` as it is now. */
  async write(id: string, value: T): Promise<void> {
    const text = JSON.stringify(value);
    await this.#next(id, async () => {
      const draft = `${this.#file(id)}.${this.#drafts++}`;
      const handle = await open(draft, 'w', 0o600);
      try {
        await handle
          .writeFile(text)
          .then(() => handle.sync())
          .finally(() => handle.close());
        await rename(draft, this.#file(id));
      } catch (error) {
        await rm(draft, { force: true }).catch(() => {}); // the next start clears it away
        throw error;
      }
    });
  }

  /** Fine if there is none. */
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
    if (!/^[\w-]+$/.test(id)) throw new Error(`${JSON.stringify(id)} is no id`);
    return path.join(this.#folder, id + EXTENSION);
  }
}
