import { createHash } from 'node:crypto';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodePhoto } from '../../../../src/infra/media/photo.ts';
import type { Picture } from '../../../../worker/engine.ts';
import { clipResize, lanczosResize } from '../../../../worker/svd/resize.ts';
import { openSafetensors, readFloats } from '../../../../worker/svd/checkpoint/safetensors.ts';
import golden from '../../../fixtures/svd/resize.json' with { type: 'json' };

const SIZE = 224;
const fixtures = path.join(import.meta.dirname, '../../../fixtures/svd');

function paint(width: number, height: number, color: (x: number, y: number) => [number, number, number]): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set(color(x, y), (y * width + x) * 3);
  return { width, height, data };
}

/** Gradients, curves and hard edges: the picture that `resize.json` was computed from. */
const pattern = (width: number, height: number) =>
  paint(width, height, (x, y) => [(3 * x + 5 * y) % 256, (Math.floor((x * x) / 7) + y) % 256, (((x >> 4) + (y >> 4)) % 2) * 255]);

describe('the resize for the image encoder', () => {
  const resized = clipResize(pattern(1024, 576), SIZE);
  const plane = (channel: number) => resized.subarray(channel * SIZE * SIZE, (channel + 1) * SIZE * SIZE);

  it.each(Object.entries(golden.points))('gives the official values at %s', (place, values) => {
    const [y, x] = place.split(',').map(Number) as [number, number];
    for (const [channel, value] of values.entries()) expect(plane(channel)[y * SIZE + x]).toBeCloseTo(value, 4);
  });

  it('gives the official mean and standard deviation', () => {
    for (const channel of [0, 1, 2]) {
      const values = plane(channel);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      expect(mean).toBeCloseTo(golden.mean[channel]!, 5);
      expect(Math.sqrt(variance)).toBeCloseTo(golden.std[channel]!, 4);
    }
  });

  it.each(['tiny-a', 'tiny-b'])('gives the official result for the photo of %s', async (name) => {
    const official = readFloats(await openSafetensors(path.join(fixtures, name, 'golden.safetensors')), 'clip.resized'); // every seventh row and column
    const ours = clipResize(await decodePhoto(path.join(fixtures, name, 'photo.png'), { maxPixels: 1e6 }), SIZE);
    const side = SIZE / 7;
    const apart = official.map((value, i) => {
      const [channel, y, x] = [Math.floor(i / side ** 2), Math.floor(i / side) % side, i % side];
      return Math.abs(value - ours[(channel * SIZE + y * 7) * SIZE + x * 7]!);
    });
    expect(official).toHaveLength(3 * side * side);
    expect(Math.max(...apart)).toBeLessThan(1e-4);
  });

  it('does not clamp the overshoot of bicubic interpolation', () => {
    expect(Math.max(...plane(2))).toBeGreaterThan(1.02);
    expect(Math.min(...plane(2))).toBeLessThan(-1.02);
  });

  it.each([
    [1, 1],
    [1, 900],
    [2, 3],
    [3, 2000],
    [100, 50],
    [224, 224],
    [5000, 2],
  ])('keeps a uniform color unchanged at %i×%i pixels', (width, height) => {
    const flat = clipResize(
      paint(width, height, () => [0, 102, 255]),
      SIZE,
    );
    for (const [channel, value] of [-1, -0.2, 1].entries()) {
      expect(
        Math.max(...flat.subarray(channel * SIZE * SIZE, (channel + 1) * SIZE * SIZE).map((seen) => Math.abs(seen - value))),
      ).toBeLessThan(1e-6);
    }
  });
});

describe('the resize for the VAE', () => {
  /** First digits of the SHA-256 of Pillow 13.0.0's result for `pattern`. */
  it.each([
    ['smaller', [451, 300], [128, 64], '2bdeb915e8e4bf16'],
    ['to a third', [333, 222], [111, 74], '88b37ed4a6c1b922'],
    ['to the size the model was trained on', [1600, 900], [1024, 576], '5cb2d4aeb96c1f60'],
    ['larger', [128, 72], [200, 113], '40c300d7837af339'],
    ['by one pixel', [640, 480], [641, 479], 'd77f7af097ca96cb'],
    ['in one dimension only', [97, 31], [50, 31], '3e3aa2496299638d'],
    ['much shorter, slightly narrower', [300, 420], [128, 64], '650302f4534c4b23'],
    ['shorter and wider', [5, 300], [64, 64], '05bb742c405956ed'],
    ['from one pixel', [1, 1], [3, 2], '60daa3a5f7dbfa20'],
  ] as const)('gives exactly the bytes of Pillow: %s', (_, [width, height], [newWidth, newHeight], digest) => {
    const resized = lanczosResize(pattern(width, height), newWidth, newHeight);
    expect([resized.width, resized.height]).toEqual([newWidth, newHeight]);
    expect(createHash('sha256').update(resized.data).digest('hex').slice(0, 16)).toBe(digest);
  });

  it('leaves a photo of the requested size unchanged', () => {
    const photo = pattern(90, 70);
    expect(Buffer.compare(lanczosResize(photo, 90, 70).data, photo.data)).toBe(0);
  });
});
