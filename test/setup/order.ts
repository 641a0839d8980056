import path from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The slowest files, slowest first. The order affects only the total time; update it when a file's duration changes a lot. */
const LONGEST = [
  'test/integration/scripts/check-cuda.test.ts',
  'test/integration/jobs/fair-queue.test.ts',
  'test/integration/worker/preview.test.ts',
  'test/e2e/svd.test.ts',
  'test/integration/jobs/trouble.test.ts',
  'test/integration/jobs/life.test.ts',
  'test/e2e/bot/trouble.test.ts',
  'test/e2e/bot/conversation.test.ts',
  'test/e2e/cli/animate.test.ts',
  'test/e2e/catalogue.test.ts',
  'test/e2e/bot/queue.test.ts',
  'test/integration/worker/svd/cuda-graph.test.ts',
  'test/integration/worker/svd/bench.test.ts',
  'test/integration/worker/svd/webgpu.test.ts',
  'test/integration/worker/svd/parity.test.ts',
  'test/e2e/cli/start.test.ts',
  'test/integration/provisioning/embedded-postgres.test.ts',
  'test/integration/worker/auto-pull.test.ts',
  'test/e2e/outage.test.ts',
  'test/e2e/bot/process.test.ts',
  'test/e2e/readme.test.ts',
  'test/e2e/bot/menus.test.ts',
  'test/integration/worker/svd/svd.test.ts',
  'test/e2e/bot/stopping.test.ts',
  'test/integration/api/graphql.test.ts',
];

const TIERS = ['e2e', 'integration', 'unit'];

/** Starts the slowest files first, so that the workers finish at about the same time; then tier by tier, as Vitest would. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification): number => {
      const index = LONGEST.indexOf(path.relative(project.vitest.config.root, moduleId).replaceAll(path.sep, '/'));
      return index >= 0 ? index : LONGEST.length + TIERS.indexOf(project.name);
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}
