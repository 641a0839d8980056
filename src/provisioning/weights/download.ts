/** Fetches one file of a model: goes on where an earlier try ended, tries again after cuts, and verifies what arrived. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ModelError } from './error.ts';
import { GrowingFile } from './growing-file.ts';
import { Interruption, requestFile, type Answer, type Hub } from './hub.ts';
import type { KnownModel, ModelFile } from './manifest.ts';
import { describeBytes, type TransferMeter } from './meter.ts';
import type { PullRecord } from './record.ts';

export interface Patience {
  /** A connection that brings nothing for this long is given up. */
  readonly stallMs: number;
  /** First wait before another try; doubled each time. */
  readonly backoffMs: number;
  /** Tries in a row that bring nothing new. */
  readonly tries: number;
}

/** Six tries within half a minute, more where the server asks for patience. */
export const PATIENCE: Patience = { stallMs: 30_000, backoffMs: 1_000, tries: 6 };

/** A server that asks for more patience than this is not waited for. */
const LONGEST_WAIT_MS = 10 * 60_000;

export interface Transport {
  readonly hub: Hub;
  readonly model: KnownModel;
  readonly patience: Patience;
  readonly meter: TransferMeter;
  readonly record: PullRecord;
  /** A line that a person should see. */
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Fetches `file` into `folder` and records it as verified. What an earlier run left there is gone on with if the server's file is still
 * the same. A file whose hash is wrong is fetched anew once.
 * @throws ModelError, the signal's reason once that is aborted, an error with a code where the disk fails
 */
export async function downloadFile(file: ModelFile, folder: string, transport: Transport): Promise<void> {
  const { record, note, model } = transport;
  const target = path.join(folder, file.path);
  await mkdir(path.dirname(target), { recursive: true });
  const growing = await GrowingFile.open(target);
  try {
    const download = new Download(file, growing, transport);
    await download.takeUp();
    for (let tries = 1; ; tries++) {
      await download.fetchRest();
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
      note(`${file.path} is damaged (${damage}) and is fetched again.`);
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

class Download {
  readonly #file: ModelFile;
  readonly #growing: GrowingFile;
  readonly #transport: Transport;

  constructor(file: ModelFile, growing: GrowingFile, transport: Transport) {
    this.#file = file;
    this.#growing = growing;
    this.#transport = transport;
  }

  /** Keeps what an earlier run left, if it can be told whether it belongs to the file that is there now. */
  async takeUp(): Promise<void> {
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

  /** Until the last byte is here. */
  async fetchRest(): Promise<void> {
    const { patience, note, signal, model } = this.#transport;
    let fruitless = 0;
    let farthest = this.#growing.sizeBytes;
    for (;;) {
      if (this.#growing.sizeBytes === this.#file.sizeBytes) return;
      try {
        return await this.#fetchOn();
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof Interruption)) throw error;
        fruitless = this.#growing.sizeBytes > farthest ? 1 : fruitless + 1;
        farthest = Math.max(farthest, this.#growing.sizeBytes);
        const waitMs = Math.max(error.retryAfterMs ?? 0, patience.backoffMs * 2 ** (fruitless - 1));
        if (fruitless >= patience.tries || waitMs > LONGEST_WAIT_MS) throw givenUp(error, this.#file, model, fruitless);
        note(`${this.#file.path}: ${error.message}; trying again in ${Math.ceil(waitMs / 1000)} s.`);
        await sleep(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
      }
    }
  }

  /** One request, to its end. Returns if the file is whole as far as the server says. */
  async #fetchOn(): Promise<void> {
    const { hub, model, meter, patience, signal, record } = this.#transport;
    const offset = this.#growing.sizeBytes;
    const file = { ...model, path: this.#file.path };
    const request = new AbortController();
    const end = () => request.abort();
    let stalled = false;
    const timer = setTimeout(() => {
      stalled = true;
      end();
    }, patience.stallMs);
    signal.addEventListener('abort', end);
    try {
      signal.throwIfAborted();
      const answer = await requestFile(hub, file, offset, record.get(file.path)?.etag ?? null, request.signal);
      await this.#agree(answer, offset);
      if (answer.status === 416) return;
      for await (const chunk of answer.body) {
        timer.refresh();
        await this.#growing.append(chunk);
        meter.add(chunk.length);
        if (this.#growing.sizeBytes > (this.#file.sizeBytes ?? Infinity)) throw this.#differs('it is larger');
      }
      if (answer.totalBytes !== null && this.#growing.sizeBytes < answer.totalBytes)
        throw new Interruption(`the connection was cut after ${describeBytes(this.#growing.sizeBytes)}`);
    } catch (error) {
      signal.throwIfAborted();
      throw stalled ? new Interruption(`nothing arrived for ${patience.stallMs / 1000} s`) : error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      end();
    }
  }

  /**
   * Makes sure that what `answer` brings belongs behind what is here: `offset` bytes, or nothing any more after this.
   * @throws ModelError if the server has another file than the one that is known; Interruption if it is to be asked again, from the first byte
   */
  async #agree({ status, totalBytes, published, etag }: Answer, offset: number): Promise<void> {
    const { record, note } = this.#transport;
    const { path: name, sizeBytes, sha256 } = this.#file;
    if (sizeBytes !== null && totalBytes !== null && totalBytes !== sizeBytes)
      throw this.#differs(`${totalBytes} bytes instead of ${sizeBytes}`);
    if (sha256 !== null && published !== null && published !== sha256) throw this.#differs(`SHA-256 ${published} instead of ${sha256}`);
    const before = record.get(name) ?? { etag: null, published: null };
    const changed = offset > 0 && published !== null && before.published !== null && published !== before.published;
    const unfit = changed || (status === 416 && totalBytes !== offset);
    // Emptied before the new names are recorded: a kill in between must not leave old bytes under them.
    if (unfit || (status === 200 && offset > 0)) await this.restart();
    if (unfit) {
      await record.set(name, { etag: null, published, sha256: null });
      throw new Interruption(changed ? 'it has changed at the server' : 'what is here does not fit the file at the server');
    }
    if (status === 416) return;
    if (status === 200 && offset > 0) note(`${name}: the server begins from the first byte again.`);
    const now = { etag, published: published ?? (status === 206 ? before.published : null), sha256: null };
    if (now.etag !== before.etag || now.published !== before.published) await record.set(name, now);
  }

  #differs(how: string): ModelError {
    const { hub, model } = this.#transport;
    return new ModelError(
      `${new URL(hub.endpoint).host} has another ${this.#file.path} than ${model.name} is known to have: ${how}.`,
      'Leave HF_ENDPOINT out or name another mirror.',
    );
  }
}

function givenUp(error: Interruption, { path: name }: ModelFile, { name: model }: KnownModel, tries: number): ModelError {
  const wait =
    error.retryAfterMs !== null && error.retryAfterMs > LONGEST_WAIT_MS ? ` for ${Math.ceil(error.retryAfterMs / 60_000)} min` : '';
  return new ModelError(
    `${name} of ${model} could not be fetched: ${error.message}${wait}, ${tries === 1 ? 'at the first try' : `${tries} times in a row`}.`,
    'Check the network (a mirror can be named with HF_ENDPOINT), then run the same command again: it goes on where this one stopped.',
    error,
  );
}
