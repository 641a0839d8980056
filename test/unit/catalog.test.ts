import { describe, expect, it } from 'vitest';
import { frameSize, names, RESOLUTIONS } from '../../src/catalog/catalog.ts';
import { engineEntry, ENGINES, enginesWithTuning, enginesWithWeights } from '../../src/catalog/engines.ts';
import { RENDER_SIZES, renderSize } from '../../src/catalog/engines/svd-xt.ts';
import { tuningFields } from '../../src/catalog/tuning.ts';
import { readConfig, VARIABLES } from '../../src/config.ts';
import { defaultOptions } from '../../src/jobs/options.ts';
import { allowsAutoPull, configuredModel } from '../../src/provisioning/weights/state.ts';
import { knownModels } from '../../src/provisioning/weights/manifest.ts';
import { ENGINE_MODULES } from '../../worker/engines.ts';

const TRAINED_PIXELS = 1024 * 576;

describe.each(names(RESOLUTIONS))('%s', (resolution) => {
  const { width, height } = RESOLUTIONS[resolution];
  const render = RENDER_SIZES[resolution];

  it('can be encoded as yuv420p', () => {
    expect([width % 2, height % 2]).toEqual([0, 0]);
  });

  it('is rendered by SVD_XT at multiples of 64 and exactly its own aspect ratio', () => {
    expect([render.width % 64, render.height % 64]).toEqual([0, 0]);
    expect(render.width * height).toBe(render.height * width);
  });

  it('is rendered neither larger than the model was trained for nor visibly too small', () => {
    expect(render.width * render.height).toBeLessThanOrEqual(TRAINED_PIXELS);
    expect(render.width).toBeGreaterThanOrEqual(Math.min(width, 1024));
  });

  it('swaps width and height in portrait, for both the video and the render', () => {
    expect(frameSize({ resolution, orientation: 'LANDSCAPE' })).toEqual({ width, height });
    expect(frameSize({ resolution, orientation: 'PORTRAIT' })).toEqual({ width: height, height: width });
    expect(renderSize({ resolution, orientation: 'LANDSCAPE' })).toEqual(render);
    expect(renderSize({ resolution, orientation: 'PORTRAIT' })).toEqual({ width: render.height, height: render.width });
  });
});

describe('engines', () => {
  it('each have an entry in the catalogue and a module in the worker', () => {
    expect(ENGINE_MODULES.map(({ name }) => name).toSorted()).toEqual(names(ENGINES).toSorted());
  });

  it.each(names(ENGINES))('%s expects a longer render for more frames and more pixels', (engine) => {
    const seconds = (resolution: keyof typeof RESOLUTIONS, durationSeconds: number) =>
      engineEntry(engine).baselineSeconds(defaultOptions(engine, { resolution, durationSeconds }), null);
    expect(seconds('P360', 3)).toBeGreaterThan(0);
    expect(seconds('P360', 6)).toBeGreaterThan(seconds('P360', 3));
    expect(seconds('P720', 3)).toBeGreaterThan(seconds('P360', 3));
  });

  it('have different preferences, so that the default engine is never arbitrary', () => {
    const preferences = names(ENGINES).map((engine) => engineEntry(engine).preference);
    expect(new Set(preferences).size).toBe(preferences.length);
  });

  it.each(enginesWithWeights())('$engine needs a model that the manifest knows, through variables that exist', ({ weights }) => {
    const config = readConfig({});
    expect([...knownModels(config).keys()]).toContain(weights.model);
    expect(configuredModel(config, weights)).toBe(weights.model);
    expect(names(VARIABLES)).toContain(weights.autoPullVariable);
    expect(allowsAutoPull(config, weights)).toBe(false);
  });

  it.each(enginesWithTuning())('$engine describes every field of its tuning, with a default inside its range', ({ tuning }) => {
    for (const { min, max, default: standard, description } of tuningFields(tuning)) {
      expect(min).toBeLessThan(max);
      expect(description).not.toBe('');
      if (typeof standard !== 'number') continue;
      expect(standard).toBeGreaterThanOrEqual(min);
      expect(standard).toBeLessThanOrEqual(max);
    }
  });
});
