/** From photo to saved MP4, through the API. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, rmSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RenderOptions } from '../../catalog/engines.ts';
import { toRequestedTuning } from '../../catalog/options.ts';
import { croppedShare, isCropped } from '../../client/crop.ts';
import { readVideoMetadata, type VideoMetadata } from '../../infra/media/video-metadata.ts';
import { Failure, toFailure } from '../failure.ts';
import { ownReference } from './abandoned.ts';
import type { JobView } from './answers.ts';
import type { ApiClient } from './api.ts';
import type { AnimateArguments, RequestedVideo } from './arguments.ts';
import type { Display } from './display.ts';
import { openServices, type Services } from './services.ts';
import { assertReadable, chooseTarget } from './target.ts';

/** How long an interrupted request may take to answer. */
const ANSWER_MS = 2_000;
const DOWNLOAD_TRIES = 3;

/** What was made. */
export interface Made {
  /** Absolute. */
  readonly path: string;
  readonly jobId: string;
  readonly photo: JobView['photo'];
  readonly options: RenderOptions;
  readonly result: NonNullable<JobView['result']>;
  /** From the command to the saved file. */
  readonly totalSeconds: number;
}

/**
 * Makes the video and saves it. Whatever happens, services started here are stopped, an unfinished job is cancelled, and no part of a
 * file stays.
 * @throws Failure; the reason of `signal` once that is aborted
 */
export async function makeVideo(request: AnimateArguments, display: Display, signal: AbortSignal): Promise<Made> {
  const began = performance.now();
  await assertReadable('The photo', request.photo);
  if (request.fromVideo !== undefined) await assertReadable('The video', request.fromVideo);
  const target = await chooseTarget(request.photo, request.out);
  const model = request.fromVideo === undefined ? null : await readModel(request.photo, request.fromVideo);
  const services = await openServices(request, display, signal);
  try {
    const job = await render(
      services,
      request.photo,
      model ? requestOf(model.options) : request.video,
      display,
      AbortSignal.any([signal, services.broken]),
    );
    if (!job.result) throw new Failure('INTERNAL', 'The API calls the job finished but gives no result.');
    display.phase('Saving');
    await save(services.api, job.result, target, signal, (file) => (model ? compare(model, file, display) : undefined));
    await stop(false);
    const { id: jobId, photo, options, result } = job;
    return { path: target, jobId, photo, options, result, totalSeconds: (performance.now() - began) / 1000 };
  } catch (error) {
    const failure = reasonOf(error, [signal, services.broken]);
    const log = await stop(failure.isLogged);
    throw log ? failure.withHint(`What happened is in ${log}`) : failure;
  }

  async function stop(keepLog: boolean): Promise<string | null> {
    if (services.own) display.phase('Stopping what was started');
    return await services.close(keepLog);
  }
}

/** What `video` says about itself, if it was made from `photo`. */
async function readModel(photo: string, video: string): Promise<VideoMetadata> {
  const model = await readVideoMetadata(video).catch((error: Error) => {
    throw new Failure('BAD_INPUT', error.message, { hint: 'Give a video as animate saved it.', cause: error });
  });
  const hash = createHash('sha256');
  await pipeline(createReadStream(photo), hash);
  if (hash.digest('hex') !== model.photoSha256) {
    throw new Failure('PHOTO_DIFFERS', `${JSON.stringify(video)} was made from another photo than ${JSON.stringify(photo)}.`);
  }
  return model;
}

function requestOf({ crop: _crop, tuning, ...common }: RenderOptions): RequestedVideo {
  return { ...common, tuning: toRequestedTuning({ engine: common.engine, tuning }) };
}

/** Uploads, creates and follows; resolves with the completed job. */
async function render(
  { api, own }: Services,
  photo: string,
  video: RequestedVideo,
  display: Display,
  signal: AbortSignal,
): Promise<JobView> {
  display.phase('Sending the photo');
  const upload = await api.upload(photo, signal);
  // A request that is under way when Ctrl-C comes may have made a job; only its answer says which one to cancel.
  const input = { ...video, image: { uploadId: upload.id }, clientRef: ownReference(), idempotencyKey: randomUUID() };
  let job = await api.createJob(input, delayed(signal, ANSWER_MS));
  try {
    for await (const state of api.follow(job.id, signal)) {
      job = state;
      display.job(job);
    }
  } catch (error) {
    const failure = reasonOf(error, [signal]);
    const uncancelled = await api.cancelJob(job.id).then(
      () => false,
      (refusal: unknown) => !own && toFailure(refusal).code === 'UNREACHABLE',
    );
    throw uncancelled ? failure.withHint(`Job ${job.id} could not be cancelled and may go on there.`) : failure;
  }
  if (job.status === 'COMPLETED') return job;
  if (job.status === 'CANCELLED' || !job.error) throw new Failure('CANCELLED', 'The job was cancelled by somebody else.');
  throw failureOf(job, job.error);
}

/** What an aborted signal was aborted for, rather than what that led to. */
function reasonOf(error: unknown, signals: readonly AbortSignal[]): Failure {
  const aborted = signals.find((signal) => signal.aborted);
  const failure = toFailure(aborted?.reason ?? error);
  return error instanceof Failure && error.code === failure.code ? error : failure;
}

function delayed(signal: AbortSignal, ms: number): AbortSignal {
  signal.throwIfAborted();
  const controller = new AbortController();
  signal.addEventListener('abort', () => setTimeout(() => controller.abort(signal.reason), ms).unref());
  return controller.signal;
}

function failureOf({ attempt }: JobView, error: NonNullable<JobView['error']>): Failure {
  const { message, fault, retry } = error;
  return new Failure(error.code, `${message}${attempt > 1 ? ` That was attempt ${attempt}.` : ''}`, { fault, retry });
}

/** Saves the video under `target`, whole or not at all, after `check` has had a look at it. */
async function save(
  api: ApiClient,
  result: NonNullable<JobView['result']>,
  target: string,
  signal: AbortSignal,
  check: (file: string) => Promise<void> | undefined,
): Promise<void> {
  if (!result.video) throw new Failure('EXPIRED', 'The video is no longer kept.');
  const part = `${target}.${process.pid}.part`;
  // A second Ctrl-C leaves at once; nothing is to lie around even then.
  const sweep = () => rmSync(part, { force: true });
  process.once('exit', sweep);
  try {
    for (let tries = 1; ; tries++) {
      const problem = await download(api, result.video.url, part, result, signal);
      if (problem === null) break;
      if (tries === DOWNLOAD_TRIES || signal.aborted) throw problem;
    }
    await check(part);
    await rename(part, target);
  } catch (error) {
    await rm(part, { force: true });
    const { code, message } = error as NodeJS.ErrnoException;
    if (error instanceof Failure || code === undefined) throw error;
    throw new Failure('CANNOT_SAVE', `${JSON.stringify(target)} cannot be written: ${message}`, { cause: error });
  } finally {
    process.removeListener('exit', sweep);
  }
}

/** @returns what is wrong with what arrived; null if nothing is */
async function download(
  api: ApiClient,
  link: string,
  part: string,
  { sha256, sizeBytes }: { sha256: string; sizeBytes: number },
  signal: AbortSignal,
): Promise<Failure | null> {
  const hash = createHash('sha256');
  let received = 0;
  const source = Readable.fromWeb(await api.download(link, signal));
  let broken: Error | null = null;
  source.once('error', (error) => (broken ??= error));
  try {
    await pipeline(
      source,
      async function* measure(chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          received += chunk.length;
          yield chunk;
        }
      },
      createWriteStream(part),
      { signal },
    );
  } catch (error) {
    signal.throwIfAborted();
    if (error !== broken) throw error;
  }
  if (broken === null && received === sizeBytes && hash.digest('hex') === sha256) return null;
  return new Failure('DAMAGED_DOWNLOAD', broken ? 'The connection broke while the video was fetched.' : 'The video arrived damaged.', {
    cause: broken,
  });
}

/** The same options give the same frames from the same engine; from another version of it perhaps not. */
async function compare(model: VideoMetadata, file: string, display: Display): Promise<void> {
  const made = await readVideoMetadata(file);
  const { engine } = model.options;
  if (made.engineVersion !== model.engineVersion) {
    display.note(
      `Warning: the video was made by ${engine} version ${model.engineVersion}, this one by version ${made.engineVersion}: frames may differ.`,
    );
  } else if (made.software !== model.software) {
    display.note(`Warning: the video was made by ${model.software}, this one by ${made.software}: frames may differ a little.`);
  }
}

/** The facts of a made video, for people. */
export function summary({ path: file, photo, options, result, totalSeconds }: Made): string {
  const { width, height, frameCount, framesPerSecond, durationSeconds, sizeBytes, renderSeconds } = result;
  const shown = path.relative('', file);
  return [
    shown.startsWith('..') ? file : shown,
    `  size     ${width}×${height}, ${(sizeBytes / 1e6).toFixed(sizeBytes < 1e6 ? 2 : 1)} MB`,
    ...(isCropped({ photo, options })
      ? [`  cropped  ${percent(croppedShare({ photo, options }))} of the photo is outside the frame; --fit CONTAIN shows all of it`]
      : []),
    `  frames   ${frameCount}, ${durationSeconds} s at ${framesPerSecond} a second`,
    `  engine   ${options.engine}, ${options.motion}`,
    `  seed     ${options.seed}`,
    `  seconds  ${totalSeconds.toFixed(1)}, rendering took ${renderSeconds.toFixed(1)}`,
    '',
  ].join('\n');
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** The facts of a made video, for programs. */
export function facts({ path: file, jobId, options, result, totalSeconds }: Made) {
  const { video: _link, renderSeconds, ...measures } = result;
  return {
    path: file,
    jobId,
    ...measures,
    engine: options.engine,
    seed: options.seed,
    renderSeconds,
    totalSeconds: Number(totalSeconds.toFixed(3)),
    options,
  };
}
