/** PREVIEW: a virtual camera moves over the still photo. Any machine, seconds. */
import { setImmediate as turn } from 'node:timers/promises';
import { ENGINES, FRAMES_PER_SECOND, frameCount, frameSize, type RenderOptions } from '../../src/catalog/catalog.ts';
import type { Engine, EngineModule, Picture, PlannedStage, Report } from '../engine.ts';
import { cameraPath } from '../video/camera.ts';
import { prepareScene, shoot } from './scene.ts';

class Preview implements Engine {
  readonly name = 'PREVIEW';
  readonly version = '1';

  async plan(options: RenderOptions): Promise<PlannedStage[]> {
    const { width, height } = frameSize(options);
    const frames = frameCount(options.durationSeconds);
    const guess = (megapixels: number) => ENGINES.PREVIEW.guessSeconds({ megapixels, steps: options.steps });
    const prepareSeconds = guess(0);
    return [
      { stage: 'PREPARING', totalSteps: 1, secondsPerStep: prepareSeconds },
      { stage: 'RENDERING', totalSteps: frames, secondsPerStep: (guess((frames * width * height) / 1e6) - prepareSeconds) / frames },
    ];
  }

  /** There is nothing to load. */
  async load(): Promise<void> {}

  async *render(photo: Picture, options: RenderOptions, report: Report, signal: AbortSignal): AsyncGenerator<Picture, void, undefined> {
    signal.throwIfAborted();
    const path = cameraPath(options.motion, frameCount(options.durationSeconds));
    const scene = await prepareScene(photo, frameSize(options), options.fit, path);
    report.progress('PREPARING', 1);
    for (const [index, camera] of path.entries()) {
      await turn(); // lets messages in, such as the one that cancels
      signal.throwIfAborted();
      const picture = shoot(scene, camera);
      if (index % FRAMES_PER_SECOND === 0) report.preview(picture);
      yield picture;
      report.progress('RENDERING', index + 1);
    }
  }

  async dispose(): Promise<void> {}
}

export const preview: EngineModule = {
  name: 'PREVIEW',
  async offer(device) {
    return {
      unavailable: device === 'cpu' ? null : `PREVIEW works on the CPU, not on ${device}: add cpu to WORKER_DEVICES.`,
      byDefault: true,
      paces: null,
    };
  },
  create: () => new Preview(),
};
