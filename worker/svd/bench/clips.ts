/**
 * Renders whole clips with the engine, one after another in one process. Memory should not grow after the first. Started as
 * `clips.js REQUEST`, sends `{ clips: ClipFigures[] }` or `{ error }`.
 */
import { readConfig } from '../../../src/config.ts';
import type { Resolution, Size, Stage } from '../../../src/catalog/catalog.ts';
import type { SvdXtOptions } from '../../../src/catalog/engines/svd-xt.ts';
import type { Picture, Report } from '../../engine.ts';
import type { ProfileName } from '../runtime/memory.ts';
import { svd } from '../svd.ts';
import { answer } from './processes.ts';

export interface ClipsRequest {
  /** Folder of a checkpoint with weights. */
  readonly folder: string;
  readonly device: string;
  /** Size at which the model renders. */
  readonly size: Size;
  /** Of the video. */
  readonly resolution: Resolution;
  readonly memory: ProfileName;
  /** Default: by the memory profile. */
  readonly decodeChunkSize?: number;
  /** Denoising steps of each clip to render. */
  readonly steps: readonly number[];
}

export interface ClipFigures {
  readonly steps: number;
  readonly seconds: number;
  /** Seconds by stage. In LOADING_MODEL the engine also measures the device, once. */
  readonly stages: Partial<Record<Stage, number>>;
  /** Resident memory of the process afterwards. */
  readonly residentBytes: number;
}

const OPTIONS: Omit<SvdXtOptions, 'tuning' | 'resolution'> = {
  engine: 'SVD_XT',
  orientation: 'LANDSCAPE',
  fit: 'COVER',
  crop: null,
  motion: 'MICRO',
  durationSeconds: 3,
  seed: 1,
};
const TUNING = { minGuidanceScale: 1, maxGuidanceScale: 3, noiseAugStrength: 0.1, motionBucketId: 50 };

/** Renders the clips of `request` and yields the figures of each. */
export async function* renderClips(request: ClipsRequest): AsyncGenerator<ClipFigures, void, undefined> {
  const { folder, device, size, resolution, memory, decodeChunkSize, steps } = request;
  const config = readConfig({
    SVD_MODEL: folder,
    SVD_RENDER_SIZE: `${size.width}x${size.height}`,
    SVD_MEMORY: memory,
    ...(decodeChunkSize === undefined ? {} : { SVD_DECODE_CHUNK_SIZE: String(decodeChunkSize) }),
    WORKER_DEVICES: device,
  });
  const engine = svd.create(device, config);
  const { signal } = new AbortController();
  for (const [seed, numInferenceSteps] of steps.entries()) {
    const options: SvdXtOptions = { ...OPTIONS, resolution, seed, tuning: { ...TUNING, numInferenceSteps } };
    const began = performance.now();
    const stages: Partial<Record<Stage, number>> = {};
    let last = began;
    const report: Report = {
      progress: (stage) => {
        const now = performance.now();
        stages[stage] = (stages[stage] ?? 0) + (now - last) / 1000;
        last = now;
      },
      preview: () => {},
    };
    await engine.load(options, report, signal);
    for await (const picture of engine.render(photo(), options, report, signal)) void picture;
    const residentBytes = process.memoryUsage.rss();
    yield { steps: numInferenceSteps, seconds: (performance.now() - began) / 1000, stages, residentBytes };
  }
  await engine.dispose();
}

/** A test photo: a gradient. */
function photo(): Picture {
  const [width, height] = [640, 480];
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i / 3 / width + ((i / 3) % width)) % 256) };
}

await answer(async (request) => {
  const clips: ClipFigures[] = [];
  for await (const clip of renderClips(request as ClipsRequest)) clips.push(clip);
  return { clips };
});
