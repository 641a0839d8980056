/**
 * What a video says about itself: enough to render the same frames again from the same photo. Written as MP4 tags that ffprobe shows
 * too; `comment` is JSON.
 */
import { parseFile } from 'music-metadata';
import { z } from 'zod';
import {
  DURATIONS,
  ENGINES,
  FITS,
  MOTION_BUCKET,
  MOTIONS,
  names,
  RESOLUTIONS,
  SEED_MAX,
  TUNING,
  type Range,
  type RenderOptions,
} from '../../catalog/catalog.ts';
import { AppError } from '../../jobs/errors.ts';

export interface VideoMetadata {
  /** Hex, of the photo file as it was sent. */
  readonly photoSha256: string;
  readonly options: RenderOptions;
  readonly engineVersion: string;
  /** Name and version of what made the video, such as `FanslyMotion 0.1.0`. */
  readonly software: string;
}

const within = ({ min, max }: Pick<Range, 'min' | 'max'>) => z.number().min(min).max(max);

const Options = z.strictObject({
  engine: z.enum(names(ENGINES)),
  resolution: z.enum(names(RESOLUTIONS)),
  orientation: z.enum(['LANDSCAPE', 'PORTRAIT']),
  fit: z.enum(names(FITS)),
  motion: z.enum(names(MOTIONS)),
  durationSeconds: z.literal(DURATIONS),
  steps: within(TUNING.steps).int(),
  minGuidanceScale: within(TUNING.minGuidanceScale),
  maxGuidanceScale: within(TUNING.maxGuidanceScale),
  noiseAugStrength: within(TUNING.noiseAugStrength),
  motionBucketId: within(MOTION_BUCKET).int(),
  seed: within({ min: 0, max: SEED_MAX }).int(),
}) satisfies z.ZodType<RenderOptions>;

const Comment = z.object({
  photoSha256: z.string().regex(/^[0-9a-f]{64}$/),
  options: Options,
  engineVersion: z.string().min(1).max(100),
  software: z.string().min(1).max(100),
}) satisfies z.ZodType<VideoMetadata>;

/** The tags to write into an MP4. */
export function videoTags(metadata: VideoMetadata): { title: string; comment: string } {
  const { motion, durationSeconds, engine } = metadata.options;
  return { title: `${motion}, ${durationSeconds} s, ${engine}`, comment: JSON.stringify(Comment.parse(metadata)) };
}

/**
 * Reads the tags of a video that `videoTags` described. Reads the file's index only.
 * @throws AppError BAD_INPUT if `file` is no such video
 */
export async function readVideoMetadata(file: string): Promise<VideoMetadata> {
  const tags = await parseFile(file, { skipCovers: true }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? error : foreign(file, error);
  });
  for (const comment of tags.common.comment ?? []) {
    const read = Comment.safeParse(parseJson(comment.text));
    if (read.success) return read.data;
  }
  throw foreign(file);
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

const foreign = (file: string, cause?: unknown) =>
  new AppError('BAD_INPUT', `${file} does not say how it was made: it is no video of this program, or was converted since.`, {}, cause);
