import path from 'node:path';
import { FRAMES_PER_SECOND, frameCount, frameSize } from '../../src/catalog/catalog.ts';
import type { Config } from '../../src/config.ts';
import { findFfmpeg } from '../../src/infra/media/ffmpeg.ts';
import { decodePhoto, photoLimits } from '../../src/infra/media/photo.ts';
import { videoTags } from '../../src/infra/media/video-metadata.ts';
import type { RenderFigures } from '../../src/jobs/attempt.ts';
import type { Log } from '../../src/jobs/ports/log.ts';
import type { RenderProgress } from '../../src/jobs/store.ts';
import { VERSION } from '../../src/process/version.ts';
import type { Engine, Picture, PlannedStage, Report } from '../engine.ts';
import { OUTPUT, type FromRenderer, type RenderRequest } from '../protocol.ts';
import { encodeVideo } from '../video/encode.ts';
import { writeJpeg } from '../video/pixels.ts';
import { PreviewWriter } from './preview-writer.ts';
import { ProgressMeter } from './progress.ts';

/** The time after the last frame: the encoder finishes and moves the file's index to the front. */
const FINISHING: PlannedStage = { stage: 'ENCODING_VIDEO', totalSteps: 1, secondsPerStep: 0.4 };

export interface RenderContext {
  readonly config: Config;
  readonly log: Log;
  readonly send: (message: FromRenderer) => void;
}

/**
 * Renders one request: video and poster into its folder, progress to the worker.
 * @throws the signal's reason once `signal` is aborted
 * @throws AppError any that the engine, the photo decoder or the encoder throws
 */
export async function render(
  { config, log, send }: RenderContext,
  engine: Engine,
  request: RenderRequest,
  signal: AbortSignal,
): Promise<RenderFigures> {
  const { jobId, attempt, options, estimatedSeconds, photoPath, photoSha256, folder } = request;
  const meter = new ProgressMeter([...(await engine.plan(options)), FINISHING], performance.now(), estimatedSeconds);
  send({ type: 'planned', expectedSeconds: meter.expectedSeconds, longestStepSeconds: meter.longestStepSeconds });
  const sendProgress = (progress: RenderProgress, previewPath: string | null = null) => send({ type: 'progress', progress, previewPath });
  sendProgress(meter.current());
  const previews = new PreviewWriter({ folder, jobId, log, onWritten: (file) => sendProgress(meter.current(), file) });
  const report: Report = {
    progress: (stage, step) => sendProgress(meter.advance(stage, step, performance.now())),
    preview: (picture) => previews.write(picture),
  };
  try {
    await engine.load(options, report, signal);
    const startedAt = performance.now();
    const photo = await decodePhoto(photoPath, photoLimits(config));
    const ffmpeg = await findFfmpeg(config);
    const pictures = withPoster(engine.render(photo, options, report, signal), path.join(folder, OUTPUT.poster), () =>
      report.progress('ENCODING_VIDEO', 0),
    );
    const video = await encodeVideo(
      pictures,
      path.join(folder, OUTPUT.video),
      {
        ffmpeg: ffmpeg.path,
        ...frameSize(options),
        framesPerSecond: FRAMES_PER_SECOND,
        frameCount: frameCount(options.durationSeconds),
        metadata: videoTags({ photoSha256, options, engineVersion: engine.version, software: `FanslyMotion ${VERSION}` }),
      },
      signal,
    );
    const renderSeconds = Math.round(performance.now() - startedAt) / 1000;
    log.info({ jobId, attempt, renderSeconds, ffmpeg: ffmpeg.version }, 'rendered');
    return { ...video, renderSeconds };
  } finally {
    // The message about the last preview must precede the outcome of this render.
    await previews.flush();
  }
}

/** Passes pictures on and writes the first one as the poster. Calls `onLast` after the last one. */
async function* withPoster(pictures: AsyncIterable<Picture>, file: string, onLast: () => void): AsyncGenerator<Picture, void, undefined> {
  let first = true;
  for await (const picture of pictures) {
    if (first) await writeJpeg(picture, file);
    first = false;
    yield picture;
  }
  onLast();
}
