/**
 * Encodes pictures as an H.264 MP4 with ffmpeg as a child process, one picture at a time, so that at most one waits in memory.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../../src/jobs/errors.ts';
import type { Picture } from '../../src/infra/media/picture.ts';

export interface VideoSpec {
  /** Path of ffmpeg. */
  readonly ffmpeg: string;
  /** Pixels; even. */
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  readonly frameCount: number;
  /** Metadata tags of the file by name, such as `title` and `comment`. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface EncodedVideo {
  readonly sizeBytes: number;
  /** Of the finished file, in hexadecimal. */
  readonly sha256: string;
}

/** Chosen by measurement: docs/video.md. */
const X264 = { preset: 'medium', crf: 18 } as const;

/**
 * Writes exactly `frameCount` pictures to `file` as H.264 High, yuv420p, BT.709, constant frame rate, index first (faststart). Each
 * picture is requested once ffmpeg has accepted the previous one. An incomplete `file` is removed.
 * @throws the signal's reason once `signal` is aborted, and errors of `pictures`; ffmpeg is terminated first
 * @throws AppError ENCODER_FAILED if ffmpeg is missing, fails or crashes; the cause holds the last lines of its output
 */
export async function encodeVideo(
  pictures: AsyncIterable<Picture>,
  file: string,
  spec: VideoSpec,
  signal: AbortSignal,
): Promise<EncodedVideo> {
  signal.throwIfAborted();
  const ffmpeg = start(file, spec);
  signal.addEventListener('abort', ffmpeg.kill, { once: true });
  try {
    await feed(ffmpeg, pictures, spec);
    const end = await ffmpeg.end;
    signal.throwIfAborted();
    if (end.failure !== null || end.frames !== spec.frameCount) {
      const what = end.failure ?? `it wrote ${end.frames} frames instead of ${spec.frameCount}`;
      throw new AppError('ENCODER_FAILED', undefined, {}, new Error(`ffmpeg: ${what}\n${end.lastLines}`));
    }
    return { sizeBytes: (await stat(file)).size, sha256: await sha256(file) };
  } catch (error) {
    ffmpeg.kill();
    await ffmpeg.end; // Windows cannot remove a file that is in use
    await rm(file, { force: true });
    throw error;
  } finally {
    signal.removeEventListener('abort', ffmpeg.kill);
  }
}

interface RunningFfmpeg {
  readonly stdin: Writable;
  readonly kill: () => void;
  /** Never rejects. */
  readonly end: Promise<FfmpegEnd>;
}

interface FfmpegEnd {
  /** Null on success. */
  readonly failure: string | null;
  /** Frames in the file. */
  readonly frames: number;
  readonly lastLines: string;
}

function start(file: string, spec: VideoSpec): RunningFfmpeg {
  // In its own process group, because this process handles Ctrl-C. ffmpeg exits when its input ends.
  const detached = process.platform !== 'win32';
  const child = spawn(spec.ffmpeg, ffmpegArguments(file, spec), { stdio: 'pipe', windowsHide: true, detached });
  const progress = tail(child.stdout);
  const messages = tail(child.stderr);
  child.stdin.on('error', () => {}); // a broken pipe; the exit status has the reason
  const end = new Promise<FfmpegEnd>((resolve) => {
    const ended = (failure: string | null) =>
      resolve({ failure, frames: Number(/[^]*frame=\s*(\d+)/.exec(progress())?.[1] ?? 0), lastLines: messages().trim() });
    child.once('error', (error) => ended(error.message));
    child.once('close', (code, signal) => ended(code === 0 ? null : signal ? `killed by ${signal}` : `exit code ${code}`));
  });
  return { stdin: child.stdin, kill: () => void child.kill('SIGKILL'), end };
}

/** Returns the last 4000 characters of the output of `stream` so far. */
function tail(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (more: string) => (text = (text + more).slice(-4000)));
  return () => text;
}

function ffmpegArguments(file: string, { width, height, framesPerSecond, metadata }: VideoSpec): string[] {
  const rate = String(framesPerSecond);
  return [
    ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'warning', '-progress', 'pipe:1', '-y'],
    ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${width}x${height}`, '-r', rate, '-i', 'pipe:0'],
    // The colour tags below do not convert anything, and swscale's default matrix is BT.601 for every size.
    ...['-vf', 'scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_inp,format=yuv420p'],
    ...['-c:v', 'libx264', '-profile:v', 'high', '-preset', X264.preset, '-crf', String(X264.crf), '-r', rate],
    ...['-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709', '-color_range', 'tv'],
    ...Object.entries(metadata).flatMap(([name, text]) => ['-metadata', `${name}=${text}`]),
    ...['-movflags', '+faststart', '-f', 'mp4', file],
  ];
}

async function feed(
  { stdin, end }: RunningFfmpeg,
  pictures: AsyncIterable<Picture>,
  { width, height, frameCount }: VideoSpec,
): Promise<void> {
  let count = 0;
  for await (const picture of pictures) {
    if (picture.width !== width || picture.height !== height) {
      throw new Error(`picture ${count} is ${picture.width}×${picture.height}, not ${width}×${height}`);
    }
    const accepted = await Promise.race([written(stdin, picture.data), end.then(() => false)]);
    if (!accepted) return; // ffmpeg has exited; its status has the reason
    count++;
  }
  if (count !== frameCount) throw new Error(`received ${count} pictures instead of ${frameCount}`);
  stdin.end();
}

/** Resolves to true once all of `data` is accepted, to false if it cannot be. */
const written = (stream: Writable, data: Uint8Array) => new Promise<boolean>((resolve) => stream.write(data, (error) => resolve(!error)));

/** Reads the file again, because faststart rewrites it at the end. */
async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
