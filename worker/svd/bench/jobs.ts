/** Renders whole clips, one after another in one process. Memory should not grow after the first. */
import { readConfig } from '../../../src/config.ts';
import type { SvdXtOptions } from '../../../src/catalog/engines/svd-xt.ts';
import type { Picture, Report } from '../../engine.ts';
import { svd } from '../svd.ts';
import type { Request } from './network.ts';

const OPTIONS: SvdXtOptions = {
  engine: 'SVD_XT',
  resolution: 'P360',
  orientation: 'LANDSCAPE',
  fit: 'COVER',
  crop: null,
  motion: 'MICRO',
  durationSeconds: 3,
  tuning: { numInferenceSteps: 4, minGuidanceScale: 1, maxGuidanceScale: 3, noiseAugStrength: 0.1, motionBucketId: 50 },
  seed: 1,
};

/** Renders `count` clips and yields the process's resident memory after each, in megabytes. */
export async function* renderJobs(
  { folder, width, height, decodeChunkSize }: Request,
  count: number,
): AsyncGenerator<number, void, undefined> {
  const config = readConfig({
    SVD_MODEL: folder,
    SVD_RENDER_SIZE: `${width}x${height}`,
    SVD_DECODE_CHUNK_SIZE: String(decodeChunkSize),
    WORKER_DEVICES: 'cpu',
  });
  const engine = svd.create('cpu', config);
  const silent: Report = { progress: () => {}, preview: () => {} };
  const { signal } = new AbortController();
  for (let job = 0; job < count; job++) {
    const options = { ...OPTIONS, seed: job };
    await engine.load(options, silent, signal);
    for await (const picture of engine.render(photo(), options, silent, signal)) void picture;
    yield Math.round(process.memoryUsage.rss() / 1e6);
  }
  await engine.dispose();
}

/** A test photo: a gradient. */
function photo(): Picture {
  const [width, height] = [640, 480];
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i / 3 / width + ((i / 3) % width)) % 256) };
}
