/**
 * The renderer: a child process that holds engines in memory, renders one request at a time and reports. It is its own process because
 * inference blocks its event loop, and because a native crash or a kill must not take the worker along.
 */
import path from 'node:path';
import type { EngineName } from '../../src/catalog/engines.ts';
import { FRAMES_PER_SECOND, frameCount, frameSize } from '../../src/catalog/catalog.ts';
import { loadDotEnv, readConfig, secretsOf } from '../../src/config.ts';
import { findFfmpeg } from '../../src/infra/media/ffmpeg.ts';
import { createLog } from '../../src/process/log.ts';
import { decodePhoto, photoLimits } from '../../src/infra/media/photo.ts';
import { ROOT, VERSION } from '../../src/process/version.ts';
import { videoTags } from '../../src/infra/media/video-metadata.ts';
import { toAppError } from '../../src/jobs/errors.ts';
import { ENGINE_MODULES } from '../engines.ts';
import type { Capability, Engine, EngineModule, Picture, PlannedStage, Report } from '../engine.ts';
import { ProgressMeter, type Standing } from './progress.ts';
import { OUTPUT, type EngineCapability, type FromRenderer, type RenderRequest, type ToRenderer } from '../protocol.ts';
import { encodeVideo } from '../video/encode.ts';
import { writeJpeg } from '../video/poster.ts';

const device = process.argv[2] ?? 'cpu';
loadDotEnv(ROOT);
const config = readConfig();
const log = createLog('renderer', config.LOG_LEVEL, undefined, secretsOf(config));
const engines = new Map<EngineName, Engine>();

/** What follows the last frame, in seconds: the encoder drains and the index moves to the front. */
const FINISHING: PlannedStage = { stage: 'ENCODING_VIDEO', totalSteps: 1, secondsPerStep: 0.4 };

/** A worker that is gone hears nothing; `disconnect` ends this process then. */
const say = (message: FromRenderer) => process.send?.(message, undefined, undefined, () => {});

function moduleOf(name: EngineName): EngineModule {
  const module = ENGINE_MODULES.find((candidate) => candidate.name === name);
  if (!module) throw new Error(`there is no engine ${name}`);
  return module;
}

/** Engines are made when they are first needed and kept. */
function engineFor(name: EngineName): Engine {
  const engine = engines.get(name) ?? moduleOf(name).create(device, config);
  engines.set(name, engine);
  return engine;
}

async function render(request: RenderRequest, signal: AbortSignal): Promise<FromRenderer> {
  const { jobId, attempt, options, estimatedSeconds, photoPath, photoSha256, folder } = request;
  const engine = engineFor(options.engine);
  const meter = new ProgressMeter([...(await engine.plan(options)), FINISHING], performance.now(), estimatedSeconds);
  say({ type: 'planned', expectedSeconds: meter.expectedSeconds, longestStepSeconds: meter.longestStepSeconds });
  const tell = (standing: Standing, preview: string | null = null) => say({ type: 'progress', progress: { ...standing, preview } });
  tell(meter.standing());
  const previews = new PreviewWriter(jobId, folder, (preview) => tell(meter.standing(), preview));
  const report: Report = {
    progress: (stage, step) => tell(meter.advance(stage, step, performance.now())),
    preview: (picture) => previews.offer(picture),
  };
  try {
    await engine.load(options, report, signal);
    const began = performance.now();
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
    const renderSeconds = Math.round(performance.now() - began) / 1000;
    log.info({ jobId, attempt, renderSeconds, ffmpeg: ffmpeg.version }, 'rendered');
    return { type: 'done', ...video, renderSeconds };
  } finally {
    // What it still says belongs to this render, not to the next.
    await previews.settled();
  }
}

/** Hands pictures on; the first one is also written as the poster. Calls `last` after the last one. */
async function* withPoster(pictures: AsyncIterable<Picture>, file: string, last: () => void): AsyncGenerator<Picture, void, undefined> {
  let first = true;
  for await (const picture of pictures) {
    if (first) await writeJpeg(picture, file);
    first = false;
    yield picture;
  }
  last();
}

/** Writes preview pictures beside the render, one at a time; while one is being written, others are passed over. */
class PreviewWriter {
  readonly #jobId: string;
  readonly #folder: string;
  readonly #written: (file: string) => void;
  #count = 0;
  #writing: Promise<void> | null = null;

  constructor(jobId: string, folder: string, written: (file: string) => void) {
    this.#jobId = jobId;
    this.#folder = folder;
    this.#written = written;
  }

  offer(picture: Picture): void {
    if (this.#writing) return;
    // The engine may reuse the bytes once the next picture is asked for.
    const copy = { ...picture, data: picture.data.slice() };
    // A name of its own each time: the worker takes the file away when it has been told of it.
    const file = path.join(this.#folder, `preview-${this.#count++}.jpg`);
    this.#writing = writeJpeg(copy, file)
      .then(
        () => this.#written(file),
        (error: unknown) => log.warn({ jobId: this.#jobId, err: error }, 'preview not written'),
      )
      .finally(() => (this.#writing = null));
  }

  async settled(): Promise<void> {
    await this.#writing;
  }
}

async function sendCapabilities(): Promise<void> {
  const capabilities = await Promise.all(
    ENGINE_MODULES.map(async (module): Promise<EngineCapability> => {
      // A fault in one engine must not disable the others.
      const capability = await module.capability(device, config).catch((error: Error): Capability => {
        log.error({ engine: module.name, err: error }, 'cannot determine the capability of this engine');
        return { unavailable: error.message, byDefault: false, costModel: null };
      });
      return { engine: module.name, ...capability };
    }),
  );
  say({ type: 'ready', capabilities });
}

let current: AbortController | null = null;

async function serve(request: RenderRequest): Promise<void> {
  const controller = new AbortController();
  current = controller;
  try {
    say(await render(request, controller.signal));
  } catch (error) {
    if (controller.signal.aborted) say({ type: 'stopped' });
    else {
      const known = toAppError(error);
      log.error({ jobId: request.jobId, attempt: request.attempt, code: known.code, err: known.cause ?? known }, 'render failed');
      // First, so that no further job is taken for an invalid model.
      if (known.code === 'MODEL_INVALID') await sendCapabilities();
      // After an error nobody foresaw, such as a graphics driver that was reset, a new process is the safe one.
      process.send?.({ type: 'failed', code: known.code, message: known.message } satisfies FromRenderer, undefined, undefined, () => {
        if (known.code === 'INTERNAL') process.exit(1);
      });
    }
  } finally {
    if (current === controller) current = null;
  }
}

process.on('message', (message: ToRenderer) => {
  switch (message.type) {
    case 'render':
      void serve(message.request);
      break;
    case 'stop':
      current?.abort(new Error('stopped'));
      break;
    case 'probe':
      void sendCapabilities();
      break;
  }
});
// Without its worker a renderer is of no use to anybody; ffmpeg ends with it, since its input does.
process.on('disconnect', () => process.exit(0));
// Ctrl-C, a closed terminal and systemd reach all processes at once; the worker decides what becomes of its renderers.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

await sendCapabilities();
