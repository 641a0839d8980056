/** Every engine there is. A new one is one folder and one line here. */
import type { EngineModule } from './engine.ts';
import { preview } from './preview/preview.ts';
import { svd } from './svd/svd.ts';

export const ENGINE_MODULES: readonly EngineModule[] = [preview, svd];
