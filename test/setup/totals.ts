import type { Reporter, TestModule, TestRunEndReason, SerializedError } from 'vitest/node';
import { missingTools } from '../support/tools.ts';

/** Failures found after the last test. Setup files and reporters are loaded separately and share only the process. */
const afterwards: string[] = ((globalThis as { [key: symbol]: unknown })[Symbol.for('fanslymotion.teardownFailures')] ??= []) as string[];

/** Makes the run fail and prints `problem` at its end. */
export function countTeardownFailure(problem: string): void {
  afterwards.push(problem);
  process.exitCode = 1;
}

/**
 * Prints what could not be tested on this machine and, as the very last line, `N passed, N failed, N skipped`. Counts tests; each failure
 * outside of a test (a hook, a file that does not load, a leftover process or file) counts as one failed.
 */
export default class Totals implements Reporter {
  #passed = 0;
  #failed = 0;
  #skipped = 0;

  onInit(): void {
    process.once('exit', () => this.#print()); // after the teardown, which may fail too
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[], reason: TestRunEndReason): void {
    this.#passed = this.#skipped = 0;
    this.#failed = unhandled.length;
    for (const module of modules) {
      this.#failed += module.errors().length;
      for (const suite of module.children.allSuites()) this.#failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') this.#passed++;
        else if (state === 'skipped') this.#skipped++;
        else this.#failed++; // failed, or was never run
      }
    }
    if (reason === 'interrupted' && this.#failed === 0) this.#failed = 1;
  }

  #print(): void {
    for (const [tool, use] of missingTools()) console.log(`Not tested here, since ${tool} is not installed: ${use}.`);
    for (const problem of afterwards) console.error(problem);
    console.log(`${this.#passed} passed, ${this.#failed + afterwards.length} failed, ${this.#skipped} skipped`);
  }
}
