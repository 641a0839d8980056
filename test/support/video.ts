/** Inspects videos with ffmpeg alone, because ffprobe may be missing. */
import { execFile, spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Picture } from '../../worker/engine.ts';

const run = promisify(execFile);

/** Decodes all frames of `file` to `pixelFormat`, each as one flat array. */
export async function decodeFrames(
  ffmpeg: string,
  file: string,
  pixelFormat: 'gray' | 'rgb24' | 'yuv420p',
  frameBytes: number,
): Promise<Uint8Array[]> {
  const child = spawn(ffmpeg, ['-v', 'error', '-i', file, '-f', 'rawvideo', '-pix_fmt', pixelFormat, '-vsync', 'passthrough', 'pipe:1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
  const all = Buffer.concat(chunks);
  if (all.length % frameBytes !== 0) throw new Error(`${all.length} bytes are not a whole number of frames of ${frameBytes}`);
  return Array.from({ length: all.length / frameBytes }, (_, index) => all.subarray(index * frameBytes, (index + 1) * frameBytes));
}

/** ffmpeg's description of the video stream: codec, profile, pixel format, colours, size, frame rate. */
export async function describeStream(ffmpeg: string, file: string): Promise<string> {
  const { stderr } = await run(ffmpeg, ['-hide_banner', '-i', file, '-f', 'null', '-t', '0', '-']);
  return /Stream #0:0.*Video: .*/.exec(stderr)?.[0] ?? stderr;
}

/** Time of each frame, in units of 1 / `rate` seconds, and its hash; optionally of key frames only. */
export async function frameTable(
  ffmpeg: string,
  file: string,
  rate: number,
  which: 'all' | 'key' = 'all',
): Promise<{ time: number; hash: string }[]> {
  const skip = which === 'key' ? ['-skip_frame', 'nokey'] : [];
  const { stdout } = await run(ffmpeg, ['-v', 'error', ...skip, '-i', file, '-vsync', 'passthrough', '-f', 'framemd5', '-']);
  const [, numerator, denominator] = /^#tb 0: (\d+)\/(\d+)/m.exec(stdout)!;
  const unit = (rate * Number(numerator)) / Number(denominator);
  return stdout
    .split('\n')
    .filter((line) => /^0,/.test(line))
    .map((line) => {
      const cells = line.split(',').map((cell) => cell.trim());
      return { time: Number(cells[2]) * unit, hash: cells[5]! };
    });
}

/** Types and sizes of the outermost boxes of an MP4, in order. */
export async function boxes(file: string): Promise<string[]> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const types: string[] = [];
    for (let at = 0; at < size;) {
      const { buffer } = await handle.read(Buffer.alloc(8), 0, 8, at);
      types.push(buffer.toString('latin1', 4));
      at += buffer.readUInt32BE(0) || size;
    }
    return types;
  } finally {
    await handle.close();
  }
}

/** A moving test card: a gradient with a bar that advances with `index`. */
export function card(width: number, height: number, index: number): Picture {
  const data = Buffer.alloc(width * height * 3);
  const row = Buffer.alloc(width * 3);
  for (let x = 0; x < width; x++) {
    const bar = x >> 3 === index % (width >> 3);
    row.set([bar ? 255 : (x * 255) / width, 90, bar ? 0 : 200], x * 3);
  }
  for (let y = 0; y < height; y++) row.copy(data, y * width * 3);
  return { width, height, data };
}

/** Motion of the picture between two frames. */
export interface Motion {
  /** Pixels to the right and down, at the centre of the frame. */
  readonly dx: number;
  readonly dy: number;
  /** Scale around the centre: 1.01 is one per cent larger. */
  readonly growth: number;
}

interface Grey {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/**
 * Measures translation and scale between two grey frames by registering them (Gauss–Newton on the brightness difference, coarse to fine).
 * On photos it is accurate to a tenth of a pixel.
 */
export function motionBetween(before: Uint8Array, after: Uint8Array, width: number, height: number): Motion {
  const levels: [Grey, Grey][] = [[grey(before, width, height), grey(after, width, height)]];
  while (levels[0]![0].width > 100) levels.unshift([halve(levels[0]![0]), halve(levels[0]![1])]);
  let motion: Motion = { dx: 0, dy: 0, growth: 1 };
  // The full size adds little to the accuracy and most of the time.
  for (const [a, b] of levels.slice(0, -1)) {
    const factor = a.width / width;
    let local = { ...motion, dx: motion.dx * factor, dy: motion.dy * factor };
    for (let round = 0, change = 1; round < 6 && change > 0.002; round++) {
      const better = refine(a, b, local);
      change = Math.hypot(better.dx - local.dx, better.dy - local.dy, (better.growth - local.growth) * a.width);
      local = better;
    }
    motion = { ...local, dx: local.dx / factor, dy: local.dy / factor };
  }
  return motion;
}

function grey(frame: Uint8Array, width: number, height: number): Grey {
  return { width, height, data: Float32Array.from(frame) };
}

function halve({ width, height, data }: Grey): Grey {
  const half = { width: width >> 1, height: height >> 1, data: new Float32Array((width >> 1) * (height >> 1)) };
  for (let y = 0; y < half.height; y++) {
    for (let x = 0; x < half.width; x++) {
      const i = 2 * y * width + 2 * x;
      half.data[y * half.width + x] = (data[i]! + data[i + 1]! + data[i + width]! + data[i + width + 1]!) / 4;
    }
  }
  return half;
}

/** One Gauss–Newton step: finds how much `motion` must change so that `after`, moved back, looks like `before`. */
function refine(before: Grey, after: Grey, motion: Motion): Motion {
  const { width, height } = before;
  const [cx, cy] = [width / 2, height / 2];
  const margin = Math.ceil(4 + Math.abs(motion.growth - 1) * cx + Math.max(Math.abs(motion.dx), Math.abs(motion.dy)));
  const normal = new Float64Array(9);
  const right = new Float64Array(3);
  const at = (x: number, y: number) => {
    const [ix, iy] = [Math.floor(x), Math.floor(y)];
    const [fx, fy] = [x - ix, y - iy];
    const i = iy * width + ix;
    const { data } = after;
    return (1 - fy) * ((1 - fx) * data[i]! + fx * data[i + 1]!) + fy * ((1 - fx) * data[i + width]! + fx * data[i + width + 1]!);
  };
  for (let y = margin; y < height - margin; y++) {
    for (let x = margin; x < width - margin; x++) {
      const sx = cx + (x + 0.5 - cx) * motion.growth + motion.dx - 0.5;
      const sy = cy + (y + 0.5 - cy) * motion.growth + motion.dy - 0.5;
      const gx = (at(sx + 1, sy) - at(sx - 1, sy)) / 2;
      const gy = (at(sx, sy + 1) - at(sx, sy - 1)) / 2;
      const gradient = [gx, gy, gx * (x + 0.5 - cx) + gy * (y + 0.5 - cy)];
      const error = before.data[y * width + x]! - at(sx, sy);
      for (let r = 0; r < 3; r++) {
        right[r]! += gradient[r]! * error;
        for (let c = 0; c < 3; c++) normal[r * 3 + c]! += gradient[r]! * gradient[c]!;
      }
    }
  }
  const [dx, dy, growth] = solve(normal, right);
  return { dx: motion.dx + dx, dy: motion.dy + dy, growth: motion.growth + growth };
}

/** Solves a symmetric 3×3 system by Cramer's rule. */
function solve(m: Float64Array, v: Float64Array): [number, number, number] {
  const determinant = (a: ArrayLike<number>) =>
    a[0]! * (a[4]! * a[8]! - a[5]! * a[7]!) - a[1]! * (a[3]! * a[8]! - a[5]! * a[6]!) + a[2]! * (a[3]! * a[7]! - a[4]! * a[6]!);
  const whole = determinant(m);
  const part = (column: number) => determinant(m.map((value, i) => (i % 3 === column ? v[(i - column) / 3]! : value))) / whole;
  return [part(0), part(1), part(2)];
}
