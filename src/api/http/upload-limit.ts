import type { Config } from '../../config.ts';
import { AppError } from '../../jobs/errors.ts';
import type { Upload, UploadStore } from '../../jobs/store.ts';
import type { Caller } from '../auth.ts';

/** Keeps one owner from filling the disk: UPLOADS_PER_OWNER uploads at once, each for UPLOADS_KEPT_HOURS. The local owner is free. */
export class UploadLimit {
  readonly #uploads: UploadStore;
  readonly #limit: number;
  readonly #keptSeconds: number;

  constructor(uploads: UploadStore, config: Pick<Config, 'UPLOADS_PER_OWNER' | 'UPLOADS_KEPT_HOURS'>) {
    this.#uploads = uploads;
    this.#limit = config.UPLOADS_PER_OWNER;
    this.#keptSeconds = config.UPLOADS_KEPT_HOURS * 3_600;
  }

  /** Resolves if there is room for one more. @throws AppError OWNER_LIMIT */
  async admit({ owner, local }: Caller): Promise<void> {
    if (local) return;
    const { count, nextSeconds } = await this.#uploads.kept(owner);
    if (count >= this.#limit) throw full(count, nextSeconds);
  }

  /** Writes the row of an upload. @throws AppError OWNER_LIMIT if others were quicker */
  async save(upload: Omit<Upload, 'createdAt' | 'expiresAt'>, { local }: Caller): Promise<Upload> {
    const saved = await this.#uploads.insert(upload, this.#keptSeconds, local ? null : this.#limit);
    if (saved) return saved;
    const { count, nextSeconds } = await this.#uploads.kept(upload.owner);
    throw full(count, nextSeconds);
  }
}

function full(count: number, nextSeconds: number): AppError {
  return new AppError(
    'OWNER_LIMIT',
    `You have ${count} uploads, which is as many as are kept at once; the next one expires by itself, deleteMyData removes all.`,
    {
      retryAfterSeconds: Math.max(1, Math.ceil(nextSeconds)),
    },
  );
}
