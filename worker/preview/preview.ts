/** PREVIEW: a virtual camera moves over the still photo. It runs on any machine and takes seconds. */
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { FRAMES_PER_SECOND, frameCount, frameSize } from '../../src/catalog/catalog.ts';
import { preview as entry, PREVIEW_COSTS, type PreviewOptions } from '../../src/catalog/engines/preview.ts';
import type { Engine, EngineModule, Picture, PlannedStage, Report } from '../engine.ts';
import { cameraPath } from '../video/camera.ts';
import { cropPhoto } from '../video/fit.ts';
import { prepareScene, shoot } from './scene.ts';
import { variationOf } from './variation.ts';

class Preview implements Engine<PreviewOptions> {
  readonly name = 'PREVIEW';
  readonly version = '2';

  async plan(options: PreviewOptions): Promise<PlannedStage[]> {
    const frames = frameCount(options.durationSeconds);
    const { prepareSeconds } = PREVIEW_COSTS;
    return [
      { stage: 'PREPARING', totalSteps: 1, secondsPerStep: prepareSeconds },
      { stage: 'RENDERING', totalSteps: frames, secondsPerStep: (entry.baselineSeconds(options) - prepareSeconds) / frames },
    ];
  }

  /** PREVIEW has no model to load. */
  async load(): Promise<void> {}

  async *render(photo: Picture, options: PreviewOptions, report: Report, signal: AbortSignal): AsyncGenerator<Picture, void, undefined> {
    signal.throwIfAborted();
    const path = cameraPath(options.motion, frameCount(options.durationSeconds), variationOf(options.seed));
    const frame = frameSize(options);
    const shown = options.fit === 'COVER' ? await cropPhoto(photo, frame, options.crop) : photo;
    const scene = await prepareScene(shown, frame, options.fit, path);
    report.progress('PREPARING', 1);
    for (const [index, camera] of path.entries()) {
      await yieldToEventLoop(); // so that messages such as a cancellation are handled
      signal.throwIfAborted();
      const picture = shoot(scene, camera);
      if (index % FRAMES_PER_SECOND === 0) report.preview(picture);
      yield picture;
      report.progress('RENDERING', index + 1);
    }
  }

  async dispose(): Promise<void> {}
}

export const preview: EngineModule<PreviewOptions> = {
  name: 'PREVIEW',
  async capability(device) {
    return { unavailable: entry.unavailableOn(device), byDefault: true, costModel: null };
  },
  create: () => new Preview(),
};
