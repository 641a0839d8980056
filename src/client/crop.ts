import type { Job } from './client.ts';

type Measured = { readonly options: Pick<Job['options'], 'crop'> } & Pick<Job, 'photo'>;

/** Losing less than this share of a photo is rounding, or an aspect ratio that differs too little to see. */
const VISIBLE_LOSS = 0.01;

/** Share of the photo that the crop removed, 0–1; 0 for CONTAIN, and for jobs that do not report their crop. */
export function croppedShare({ options: { crop }, photo }: Measured): number {
  return crop === null ? 0 : 1 - (crop.width * crop.height) / (photo.width * photo.height);
}

/** Whether the crop removed a visible part of the photo. */
export const isCropped = (job: Measured): boolean => croppedShare(job) >= VISIBLE_LOSS;
