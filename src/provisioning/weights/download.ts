/** Downloads one file of a model: resumes a partial download, retries after lost connections, and verifies the result. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ModelError } from './error.ts';
import { GrowingFile } from './growing-file.ts';
import { requestFile, TransientError, type FileResponse, type Hub } from './hub.ts';
import type { KnownModel, ModelFile } from './manifest.ts';
import { describeBytes, type TransferMeter } from './meter.ts';
import type { PullRecord } from './record.ts';

export interface RetryPolicy {
  /** A connection on which no data arrives for this long is closed. */
  readonly stallMs: number;
  /** Wait before the first retry; doubled for each further one. */
  readonly backoffMs: number;
  /** Maximum number of consecutive tries without any new data. */
  readonly tries: number;
}

/** Six tries within half a minute, or longer if the server asks for a longer wait. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = { stallMs: 30_000, backoffMs: 1_000, tries: 6 };

/** The download fails if the server asks for a longer wait than this. */
const LONGEST_WAIT_MS = 10 * 60_000;

export interface Transport {
  readonly hub: Hub;
  readonly model: KnownModel;
  readonly retryPolicy: RetryPolicy;
  readonly meter: TransferMeter;
  readonly record: PullRecord;
  /** Shows the user one line. */
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Downloads `file` into `folder` and records it as verified. Resumes a partial file of an earlier run if the server's file has not changed
 * since. A file with a wrong hash is downloaded once more.
 * @throws ModelError
 * @throws the signal's reason once `signal` is aborted
 * @throws an error with a `code`, such as ENOSPC, if the file cannot be written
 */
export async function downloadFile(file: ModelFile, folder: string, transport: Transport): Promise<void> {
  const { record, note, model } = transport;
  const target = path.join(folder, file.path);
  await mkdir(path.dirname(target), { recursive: true });
  const growing = await GrowingFile.open(target);
  try {
    const download = new FileDownload(file, growing, transport);
    await download.resume();
    for (let tries = 1; ; tries++) {
      await download.downloadRest();
      const sha256 = await growing.finish();
      const { etag = null, published = null } = record.get(file.path) ?? {};
      const damage = damageOf(file, growing.sizeBytes, sha256, published);
      if (damage === null) return await record.set(file.path, { etag, published, sha256 });
      await download.restart();
      if (tries === 2)
        throw new ModelError(
          `${file.path} of ${model.name} arrived damaged twice: ${damage}.`,
          'Try again later, from another network, or with another HF_ENDPOINT.',
        );
      note(`${file.path} arrived damaged (${damage}); downloading it again.`);
    }
  } finally {
    await growing.close();
  }
}

function damageOf(file: ModelFile, sizeBytes: number, sha256: string, published: string | null): string | null {
  if (file.sizeBytes !== null && file.sizeBytes !== sizeBytes) return `${sizeBytes} bytes instead of ${file.sizeBytes}`;
  const expected = file.sha256 ?? published ?? sha256;
  return sha256 === expected ? null : `SHA-256 ${sha256} instead of ${expected}`;
}

class FileDownload {
  readonly #file: ModelFile;
  readonly #growing: GrowingFile;
  readonly #transport: Transport;

  constructor(file: ModelFile, growing: GrowingFile, transport: Transport) {
    this.#file = file;
    this.#growing = growing;
    this.#transport = transport;
  }

  /** Keeps the partial file of an earlier run if a hash or ETag can show later that it belongs to the server's current file. */
  async resume(): Promise<void> {
    const { sizeBytes } = this.#growing;
    if (sizeBytes === 0) return;
    const { etag, published } = this.#transport.record.get(this.#file.path) ?? {};
    const known = this.#file.sha256 ?? published ?? etag ?? null;
    if (known === null || sizeBytes > (this.#file.sizeBytes ?? Infinity)) await this.restart();
    else await this.#growing.readBack(this.#transport.signal);
  }

  async restart(): Promise<void> {
    this.#transport.meter.drop(Math.min(this.#growing.sizeBytes, this.#file.sizeBytes ?? Infinity));
    await this.#growing.restart();
  }

  /** Downloads the rest of the file, with retries. */
  async downloadRest(): Promise<void> {
    const { retryPolicy, note, signal, model } = this.#transport;
    let failures = 0; // in a row, without any new data
    let farthest = this.#growing.sizeBytes;
    for (;;) {
      if (this.#growing.sizeBytes === this.#file.sizeBytes) return;
      try {
        return await this.#requestRest();
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof TransientError)) throw error;
        failures = this.#growing.sizeBytes > farthest ? 1 : failures + 1;
        farthest = Math.max(farthest, this.#growing.sizeBytes);
        const waitMs = Math.max(error.retryAfterMs ?? 0, retryPolicy.backoffMs * 2 ** (failures - 1));
        if (failures >= retryPolicy.tries || waitMs > LONGEST_WAIT_MS) throw finalError(error, this.#file, model, failures);
        note(`${this.#file.path}: ${error.message}; retrying in ${Math.ceil(waitMs / 1000)} s.`);
        await sleep(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
      }
    }
  }

  /**
   * Requests everything from the current size on. Returns once the file is complete according to the server.
   * @throws TransientError if a retry may succeed
   */
  async #requestRest(): Promise<void> {
    const { hub, model, meter, retryPolicy, signal, record } = this.#transport;
    const offset = this.#growing.sizeBytes;
    const file = { ...model, path: this.#file.path };
    const request = new AbortController();
    const end = () => request.abort();
    let stalled = false;
    const timer = setTimeout(() => {
      stalled = true;
      end();
    }, retryPolicy.stallMs);
    signal.addEventListener('abort', end);
    try {
      signal.throwIfAborted();
      const response = await requestFile(hub, file, offset, record.get(file.path)?.etag ?? null, request.signal);
      await this.#checkResponse(response, offset);
      if (response.status === 416) return;
      for await (const chunk of response.body) {
        timer.refresh();
        await this.#growing.append(chunk);
        meter.add(chunk.length);
        if (this.#growing.sizeBytes > (this.#file.sizeBytes ?? Infinity)) throw this.#differs('it is larger');
      }
      if (response.totalBytes !== null && this.#growing.sizeBytes < response.totalBytes)
        throw new TransientError(`the connection was lost after ${describeBytes(this.#growing.sizeBytes)}`);
    } catch (error) {
      signal.throwIfAborted();
      throw stalled ? new TransientError(`no data arrived for ${retryPolicy.stallMs / 1000} s`) : error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      end();
    }
  }

  /**
   * Ensures that the body of the response continues the partial file, which is emptied if the body starts at the first byte.
   * @param offset size of the partial file
   * @throws ModelError if the server's file is not the one in the manifest
   * @throws TransientError if the file must be requested again from the first byte
   */
  async #checkResponse({ status, totalBytes, published, etag }: FileResponse, offset: number): Promise<void> {
    const { record, note } = this.#transport;
    const { path: name, sizeBytes, sha256 } = this.#file;
    if (sizeBytes !== null && totalBytes !== null && totalBytes !== sizeBytes)
      throw this.#differs(`${totalBytes} bytes instead of ${sizeBytes}`);
    if (sha256 !== null && published !== null && published !== sha256) throw this.#differs(`SHA-256 ${published} instead of ${sha256}`);
    const before = record.get(name) ?? { etag: null, published: null };
    const changed = offset > 0 && published !== null && before.published !== null && published !== before.published;
    const mismatched = changed || (status === 416 && totalBytes !== offset);
    // Emptied before the new ETag and hash are recorded: a kill in between must not leave old bytes recorded under them.
    if (mismatched || (status === 200 && offset > 0)) await this.restart();
    if (mismatched) {
      await record.set(name, { etag: null, published, sha256: null });
      throw new TransientError(changed ? 'it has changed on the server' : 'the partial file does not match the file on the server');
    }
    if (status === 416) return;
    if (status === 200 && offset > 0) note(`${name}: the server ignores the requested range and sends the file from the first byte.`);
    const now = { etag, published: published ?? (status === 206 ? before.published : null), sha256: null };
    if (now.etag !== before.etag || now.published !== before.published) await record.set(name, now);
  }

  #differs(difference: string): ModelError {
    const { hub, model } = this.#transport;
    return new ModelError(
      `${new URL(hub.endpoint).host} has a different ${this.#file.path} from the one that the manifest lists for ${model.name}: ${difference}.`,
      'Unset HF_ENDPOINT, or set it to another mirror.',
    );
  }
}

function finalError(error: TransientError, { path: name }: ModelFile, { name: model }: KnownModel, tries: number): ModelError {
  const wait =
    error.retryAfterMs !== null && error.retryAfterMs > LONGEST_WAIT_MS ? ` for ${Math.ceil(error.retryAfterMs / 60_000)} min` : '';
  return new ModelError(
    `${name} of ${model} could not be downloaded: ${error.message}${wait}, ${tries === 1 ? 'on the first try' : `${tries} times in a row`}.`,
    'Check the network, or set HF_ENDPOINT to a mirror, and try again; the download resumes where it stopped.',
    error,
  );
}
