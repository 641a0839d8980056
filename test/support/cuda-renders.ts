/** Renders with SVD_XT on cuda:0 from memory profile `high` on, as often as `times` says, and sends what each render fails with, or null. */
import { readConfig } from '../../src/config.ts';
import type { SvdXtOptions } from '../../src/catalog/engines/svd-xt.ts';
import { svd } from '../../worker/svd/svd.ts';

const { model, times, size } = JSON.parse(process.argv[2]!) as { model: string; times: number; size: string };
const engine = svd.create('cuda:0', readConfig({ SVD_MODEL: model, SVD_RENDER_SIZE: size, SVD_MEMORY: 'high', WORKER_DEVICES: 'cuda:0' }));
const options: SvdXtOptions = {
  engine: 'SVD_XT',
  resolution: 'P360',
  orientation: 'LANDSCAPE',
  fit: 'COVER',
  crop: null,
  motion: 'MICRO',
  durationSeconds: 3,
  seed: 1,
  tuning: { numInferenceSteps: 4, minGuidanceScale: 1, maxGuidanceScale: 1, noiseAugStrength: 0, motionBucketId: 50 },
};
const photo = { width: 480, height: 360, data: Buffer.alloc(480 * 360 * 3, 128) };
const report = { progress: () => {}, preview: () => {} };
const { signal } = new AbortController();
for (let count = 0; count < times; count++) {
  try {
    await engine.load(options, report, signal);
    for await (const picture of engine.render(photo, options, report, signal)) void picture;
    process.send!({ failure: null });
  } catch (error) {
    const { name, message, code } = error as Error & { code?: string };
    process.send!({ failure: { name, message, code } });
  }
}
process.disconnect();
