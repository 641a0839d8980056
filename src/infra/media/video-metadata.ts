/**
 * Metadata of a video, sufficient to render the same frames again from the same photo. Written as MP4 tags, which ffprobe shows;
 * `comment` is JSON.
 */
import { parseFile } from 'music-metadata';
import { z } from 'zod';
import type { RenderOptions } from '../../catalog/engines.ts';
import { renderOptionsSchema } from '../../catalog/options.ts';
import { AppError } from '../../jobs/errors.ts';

export interface VideoMetadata {
  /** SHA-256 of the photo file as uploaded, in hexadecimal. */
  readonly photoSha256: string;
  readonly options: RenderOptions;
  readonly engineVersion: string;
  /** Name and version of the program that rendered the video, such as `FanslyMotion 0.1.0`. */
  readonly software: string;
}

const Comment = z.object({
  photoSha256: z.string().regex(/^[0-9a-f]{64}$/),
  options: renderOptionsSchema,
  engineVersion: z.string().min(1).max(100),
  software: z.string().min(1).max(100),
}) satisfies z.ZodType<VideoMetadata>;

/** The tags to write into an MP4. */
export function videoTags(metadata: VideoMetadata): { title: string; comment: string } {
  const { motion, durationSeconds, engine } = metadata.options;
  return { title: `${motion}, ${durationSeconds} s, ${engine}`, comment: JSON.stringify(Comment.parse(metadata)) };
}

/**
 * Reads the tags that `videoTags` wrote, from the file's index alone.
 * @throws AppError BAD_INPUT if `file` has no such tags
 */
export async function readVideoMetadata(file: string): Promise<VideoMetadata> {
  const tags = await parseFile(file, { skipCovers: true }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? error : noMetadata(file, error);
  });
  for (const comment of tags.common.comment ?? []) {
    const read = Comment.safeParse(parseJson(comment.text));
    if (read.success) return read.data;
  }
  throw noMetadata(file);
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

const noMetadata = (file: string, cause?: unknown) =>
  new AppError(
    'BAD_INPUT',
    `${file} has no record of how it was made: it was not made by this program, or was converted afterwards.`,
    {},
    cause,
  );
