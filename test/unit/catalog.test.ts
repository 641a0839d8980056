import { describe, expect, it } from 'vitest';
import { frameSize, names, renderSize, RESOLUTIONS } from '../../src/catalog/catalog.ts';

const TRAINED_PIXELS = 1024 * 576;

describe.each(names(RESOLUTIONS))('%s', (resolution) => {
  const { width, height, render } = RESOLUTIONS[resolution];

  it('can be encoded as yuv420p', () => {
    expect([width % 2, height % 2]).toEqual([0, 0]);
  });

  it('is rendered at multiples of 64 and exactly its own aspect', () => {
    expect([render.width % 64, render.height % 64]).toEqual([0, 0]);
    expect(render.width * height).toBe(render.height * width);
  });

  it('is never rendered larger than the model was trained for, nor so small that it shows', () => {
    expect(render.width * render.height).toBeLessThanOrEqual(TRAINED_PIXELS);
    expect(render.width).toBeGreaterThanOrEqual(Math.min(width, 1024));
  });

  it('swaps width and height in portrait, of video and render alike', () => {
    expect(frameSize({ resolution, orientation: 'LANDSCAPE' })).toEqual({ width, height });
    expect(frameSize({ resolution, orientation: 'PORTRAIT' })).toEqual({ width: height, height: width });
    expect(renderSize({ resolution, orientation: 'LANDSCAPE' })).toEqual(render);
    expect(renderSize({ resolution, orientation: 'PORTRAIT' })).toEqual({ width: render.height, height: render.width });
  });
});
