/** The registry of engines that workers can run. A new engine is a folder and one line here, and one in `src/catalog/engines.ts`. */
import type { EngineModule } from './engine.ts';
import { preview } from './preview/preview.ts';
import { svd } from './svd/svd.ts';

/** One engine a line. */
// prettier-ignore
export const ENGINE_MODULES: readonly EngineModule[] = [
  preview,
  svd,
];
