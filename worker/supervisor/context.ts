import type { Config } from '../../src/config.ts';
import type { JobContext } from '../../src/jobs/context.ts';

/** Everything that the supervisor depends on. */
export interface WorkerContext extends JobContext {
  readonly config: Config;
}
