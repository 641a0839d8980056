/** Memory profiles: how a device with little memory renders the same video more slowly. */

/** From the least memory to the most. */
export const PROFILE_NAMES = ['low', 'medium', 'high'] as const;

export type ProfileName = (typeof PROFILE_NAMES)[number];

export interface MemoryProfile {
  readonly name: ProfileName;
  /**
   * Which networks stay in memory besides the one in use: all (`keep`), the UNet, which takes longest to load (`unet`), or none (`swap`). Others
   * are loaded for every job.
   */
  readonly residency: 'keep' | 'unet' | 'swap';
  /** Halves of classifier-free guidance per call of the UNet: one after the other, or both at once. */
  readonly guidanceBatch: 1 | 2;
  /** Feed-forward layers work on slices of the tokens, so that their widest tensor stays below this size. */
  readonly sliceBytes: number;
  /** Frames that the VAE decodes at once. */
  readonly decodeChunkSize: number;
}

/** A backend's profiles by name. */
export type MemoryProfiles = Readonly<Record<ProfileName, MemoryProfile>>;

/** Gives profiles their names. */
export function memoryProfiles(profiles: Readonly<Record<ProfileName, Omit<MemoryProfile, 'name'>>>): MemoryProfiles {
  const [low, medium, high] = PROFILE_NAMES.map((name) => ({ name, ...profiles[name] })) as [MemoryProfile, MemoryProfile, MemoryProfile];
  return { low, medium, high };
}

/** The profile that is `steps` below `name`, or the lowest. */
export function lowerProfile(name: ProfileName, steps = 1): ProfileName {
  return PROFILE_NAMES[Math.max(0, PROFILE_NAMES.indexOf(name) - steps)]!;
}
