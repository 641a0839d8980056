/** Makes a video from a photo through the API and saves it as an MP4. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { RenderOptions } from '../../catalog/engines.ts';
import { toRequestedTuning } from '../../catalog/options.ts';
import type { CreateJobInput, Job } from '../../client/client.ts';
import { hasCode } from '../../client/error.ts';
import { readVideoMetadata, type VideoMetadata } from '../../infra/media/video-metadata.ts';
import { Failure, reportedFailure, toFailure } from '../failure.ts';
import { ownReference } from './abandoned.ts';
import type { AnimateArguments, RequestedVideo } from './arguments.ts';
import type { Display } from './display.ts';
import { saveVideo } from './download.ts';
import type { SavedVideo } from './report.ts';
import { RETRY_MS, whileUnreachable } from './retry.ts';
import { openServices, type Services } from './services.ts';
import { assertReadable, chooseTarget } from './target.ts';

/** How long createJob may still take to respond after an interrupt, in milliseconds. */
const RESPONSE_MS = 2_000;
/** How long cancelling may delay the exit, in milliseconds. */
const CANCEL_MS = 3_000;

/**
 * Makes the video and saves it. In every case, services started here are stopped, an unfinished job is cancelled, and no partial file
 * remains.
 * @throws Failure; the reason of `signal` once that is aborted
 */
export async function makeVideo(request: AnimateArguments, display: Display, signal: AbortSignal): Promise<SavedVideo> {
  const began = performance.now();
  await assertReadable('The photo', request.photo);
  if (request.fromVideo !== undefined) await assertReadable('The video', request.fromVideo);
  const target = await chooseTarget(request.photo, request.out);
  const original = request.fromVideo === undefined ? null : await readOriginal(request.photo, request.fromVideo);
  const services = await openServices(request, display, signal);
  try {
    const video = original ? requestOf(original.options) : request.video;
    const job = await render(services, request.photo, video, display, AbortSignal.any([signal, services.broken]));
    const { result } = job;
    if (!result) throw new Failure('INTERNAL', 'The API reports the job as completed but gives no result.');
    display.phase('Saving');
    await saveVideo(services.api, result, target, signal, async (file) => {
      if (original) await warnIfFramesMayDiffer(original, file, display);
    });
    await stop(false);
    return { path: target, job, result, isCopy: original !== null, totalSeconds: (performance.now() - began) / 1000 };
  } catch (error) {
    const failure = reasonOf(error, [signal, services.broken], services.isRemote);
    const log = await stop(failure.isLogged);
    throw log ? failure.withHint(`The log is ${log}`) : failure;
  }

  async function stop(keepLog: boolean): Promise<string | null> {
    if (services.isOwn) display.phase('Stopping the services started for this video');
    await services.api.close();
    return await services.close(keepLog);
  }
}

/** Reads from `video` how it was made, and checks that it was made from `photo`. @throws Failure BAD_INPUT, PHOTO_DIFFERS */
async function readOriginal(photo: string, video: string): Promise<VideoMetadata> {
  const original = await readVideoMetadata(video).catch((error: Error) => {
    throw new Failure('BAD_INPUT', error.message, { hint: 'Pass a video file exactly as animate saved it.', cause: error });
  });
  const hash = createHash('sha256');
  await pipeline(createReadStream(photo), hash);
  if (hash.digest('hex') !== original.photoSha256) {
    throw new Failure('PHOTO_DIFFERS', `${JSON.stringify(video)} was made from a different photo, not from ${JSON.stringify(photo)}.`);
  }
  return original;
}

function requestOf({ crop: _crop, tuning, ...common }: RenderOptions): RequestedVideo {
  return { ...common, tuning: toRequestedTuning({ engine: common.engine, tuning }) };
}

/** Uploads the photo, creates the job and follows it; resolves with the completed job. */
async function render(
  { api, isOwn, isRemote }: Services,
  photo: string,
  video: RequestedVideo,
  display: Display,
  signal: AbortSignal,
): Promise<Job> {
  display.phase('Uploading the photo');
  const { size: sizeBytes } = await stat(photo);
  const upload = await api.upload(() => createReadStream(photo), { sizeBytes, signal, retry: whileUnreachable });
  const input: CreateJobInput = {
    ...video,
    // An object with one engine's key, as the API's @oneOf input requires; the catalogue's type also allows none.
    tuning: video.tuning as CreateJobInput['tuning'],
    image: { uploadId: upload.id },
    clientRef: ownReference(),
    idempotencyKey: randomUUID(),
  };
  // If Ctrl-C arrives during this request, a job may already exist, and only the response says which one to cancel.
  let job = await api.createJob(input, { signal: delayed(signal, RESPONSE_MS), retry: whileUnreachable });
  try {
    for await (const state of api.follow(job.id, { signal, retry: whileUnreachable, pollMs: RETRY_MS })) {
      if (state === null) continue; // the client reports that the API is unreachable
      job = state;
      display.job(job);
    }
  } catch (error) {
    const failure = reasonOf(error, [signal], isRemote);
    const isUncancelled = await api.cancelJob(job.id, { timeoutMs: CANCEL_MS }).then(
      () => false,
      (refusal: unknown) => !isOwn && hasCode(refusal, 'UNREACHABLE'),
    );
    throw isUncancelled ? failure.withHint(`Job ${job.id} could not be cancelled and may still be rendered.`) : failure;
  }
  if (job.status === 'COMPLETED') return job;
  if (job.status === 'CANCELLED' || !job.error) throw new Failure('CANCELLED', 'The job was cancelled by another client.');
  const { message } = job.error;
  throw reportedFailure({ ...job.error, message: `${message}${job.attempt > 1 ? ` This was attempt ${job.attempt}.` : ''}` }, isRemote);
}

/** The reason of an aborted signal, rather than the error that the abort caused. */
function reasonOf(error: unknown, signals: readonly AbortSignal[], isRemote: boolean): Failure {
  const aborted = signals.find((signal) => signal.aborted);
  const failure = toFailure(aborted?.reason ?? error, isRemote);
  return error instanceof Failure && error.code === failure.code ? error : failure;
}

/** A signal that is aborted `ms` milliseconds after `signal`. */
function delayed(signal: AbortSignal, ms: number): AbortSignal {
  signal.throwIfAborted();
  const controller = new AbortController();
  signal.addEventListener('abort', () => setTimeout(() => controller.abort(signal.reason), ms).unref());
  return controller.signal;
}

/** Warns if the frames may differ: the same options give the same frames only in the same version of the engine. */
async function warnIfFramesMayDiffer(original: VideoMetadata, file: string, display: Display): Promise<void> {
  const copy = await readVideoMetadata(file);
  const { engine } = original.options;
  if (copy.engineVersion !== original.engineVersion) {
    display.note(
      `Warning: the original was rendered by ${engine} version ${original.engineVersion}, this video by version ${copy.engineVersion}: frames may differ.`,
    );
  } else if (copy.software !== original.software) {
    display.note(`Warning: the original was rendered by ${original.software}, this video by ${copy.software}: frames may differ slightly.`);
  }
}
