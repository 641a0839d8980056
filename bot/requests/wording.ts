/** Choices as text. */
import type { JobOptions, Options } from '../../src/client/client.ts';
import type { Choice } from '../api.ts';
import type { Say } from '../texts/texts.ts';

/** A resolution as text, such as `720p`. One that the API no longer has is shown by its name. */
export const resolutionText = (options: Options, name: string): string => {
  const found = options.resolutions.find((resolution) => resolution.name === name);
  return found ? `${found.height}p` : name;
};

/** Such as `720p · 720×1280` for portrait photos. */
export function sizeText(options: Options, name: string, orientation: string): string {
  const found = options.resolutions.find((resolution) => resolution.name === name);
  if (!found) return name;
  const { width, height } = found;
  return `${resolutionText(options, name)} · ${orientation === 'PORTRAIT' ? `${height}×${width}` : `${width}×${height}`}`;
}

/** The choice, with the API's defaults for what it leaves out or what is no longer available. */
export function resolveChoice(options: Options, choice: Choice): Required<Choice> {
  const pick = <T extends { readonly isDefault: boolean }, K extends keyof T>(
    entries: readonly T[],
    key: K,
    wanted: T[K] | undefined,
  ): T[K] => (entries.find((entry) => entry[key] === wanted) ?? entries.find(({ isDefault }) => isDefault) ?? entries[0]!)[key];
  return {
    durationSeconds: pick(options.durations, 'seconds', choice.durationSeconds),
    resolution: pick(options.resolutions, 'name', choice.resolution),
    motion: pick(options.motions, 'name', choice.motion),
    fit: pick(options.fits, 'name', choice.fit),
  };
}

/** Duration, resolution and motion in one line. */
export function choiceText(
  say: Say,
  options: Options,
  { durationSeconds, resolution, motion }: Pick<JobOptions, 'durationSeconds' | 'resolution' | 'motion'>,
): string {
  return [say('duration', { seconds: durationSeconds }), resolutionText(options, resolution), say('motion', { name: motion })].join(' · ');
}
