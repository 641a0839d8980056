/** `npm run dev`: builds when a source changes and restarts all processes. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, watch } from 'node:fs';
import path from 'node:path';
import { build } from './build.mjs';

const root = path.resolve(import.meta.dirname, '..');
const WATCHED = ['src', 'worker', 'bot', 'scripts', 'prisma', '.env', 'package.json'];
/** Output of the build, and temporary files of editors. */
const IGNORED = /(^|[\\/])generated([\\/]|$)|~$|\.sw[px]$|(^|[\\/])\.#|^4913$/;
/** Time to wait for further changes: an editor writes in several steps, a branch switch in many. */
const DEBOUNCE_MS = 200;
const STOP_MS = 8_000;

const say = (line) => process.stderr.write(`[dev] ${line}\n`);

let child = null;
const state = { changed: false, busy: false, leaving: false };

function start() {
  child = fork(path.join(root, 'src/cli/fanslymotion.mjs'), ['start'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const started = child;
  started.once('exit', (code) => {
    if (child === started) child = null;
    if (!state.leaving && !state.busy && code !== 0) say('exited; the next change restarts it');
  });
}

async function stop() {
  if (!child) return;
  const exited = once(child, 'exit');
  // Works on every system: when the IPC channel to its parent closes, the process shuts down with its children.
  if (child.connected) child.disconnect();
  const last = child;
  const timer = setTimeout(() => last.kill('SIGKILL'), STOP_MS);
  await exited;
  clearTimeout(timer);
}

/** Changes during a build trigger another one. After a failed build the processes keep running. */
async function update() {
  if (state.busy) return;
  state.busy = true;
  while (state.changed && !state.leaving) {
    state.changed = false;
    try {
      const steps = await build();
      if (state.leaving) break;
      say(steps.length > 0 ? `built ${steps.join(', ')}; restarting` : 'starting');
      await stop();
      if (!state.leaving) start();
    } catch (error) {
      say(error.message);
    }
  }
  state.busy = false;
}

let timer;
function onChange(_event, name) {
  if (name && IGNORED.test(String(name))) return;
  clearTimeout(timer);
  timer = setTimeout(() => {
    state.changed = true;
    void update();
  }, DEBOUNCE_MS);
}

async function leave() {
  if (state.leaving) return;
  state.leaving = true;
  for (const watcher of watchers) watcher.close();
  clearTimeout(timer);
  await stop();
  process.exit(0);
}

const watchers = WATCHED.map((name) => path.join(root, name))
  .filter(existsSync)
  .map((file) => watch(file, { recursive: true }, onChange));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void leave());
state.changed = true;
await update();
