/** PREVIEW in the catalogue. It renders in `worker/preview`. */
import { frameCount, RESOLUTIONS } from '../catalog.ts';
import type { EngineEntry, EngineOptions } from '../engine.ts';

/** Seconds to prepare the photo, and to render and encode a million pixels, on one core of a CPU from 2023. */
export const PREVIEW_COSTS = { prepareSeconds: 0.6, secondsPerMegapixel: 0.06 } as const;

export const preview = {
  description: 'moves a virtual camera over the photo; runs on any machine, takes seconds',
  preference: 1,
  followsMotion: true,
  tuning: null,
  costModel: null,
  baselineSeconds({ resolution, durationSeconds }) {
    const { width, height } = RESOLUTIONS[resolution];
    const megapixels = (width * height * frameCount(durationSeconds)) / 1e6;
    return PREVIEW_COSTS.prepareSeconds + PREVIEW_COSTS.secondsPerMegapixel * megapixels;
  },
  weights: null,
  unavailableOn: (device) => (device === 'cpu' ? null : `PREVIEW runs on the CPU, not on ${device}: add cpu to WORKER_DEVICES.`),
} as const satisfies EngineEntry<null, never>;

export type PreviewOptions = EngineOptions<'PREVIEW', typeof preview>;
