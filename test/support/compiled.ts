import { randomUUID } from 'node:crypto';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { buildSync } from 'esbuild';

/** A TypeScript file that runs as a separate Node process. */
export interface CompiledProcess {
  readonly process: ChildProcess;
  /** The first message that `accept` accepts, including earlier ones. Rejects if the process exits before. */
  message(accept: (message: unknown) => boolean): Promise<unknown>;
  /** Kills it with SIGKILL, as a power failure would. Does nothing if it has exited. */
  kill(): Promise<void>;
}

/** Starts `file` (path from the repository's top) with `argument` as its JSON argument and `variables` added to the environment. */
export async function startCompiled(file: string, argument: object, variables: Record<string, string> = {}): Promise<CompiledProcess> {
  // Inside the repository, so that the packages are found.
  const outfile = path.resolve('node_modules/.cache/test', `${path.basename(file, '.ts')}-${randomUUID()}.mjs`);
  // The asynchronous build would leave a process behind.
  buildSync({ entryPoints: [file], outfile, bundle: true, platform: 'node', format: 'esm', packages: 'external', logLevel: 'error' });
  const child = fork(outfile, [JSON.stringify(argument)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ...variables },
  });
  const ended = once(child, 'exit').then(() => rm(outfile, { force: true }));
  const messages: unknown[] = [];
  child.on('message', (message) => messages.push(message));
  return {
    process: child,
    async message(accept) {
      for (let seen = 0; ; seen++) {
        while (seen >= messages.length) {
          const news = await Promise.race([once(child, 'message').then(() => true), ended.then(() => false)]);
          if (!news) throw new Error(`${file} exited without the message`);
        }
        if (accept(messages[seen])) return messages[seen];
      }
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
