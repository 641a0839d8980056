/** `npm run dev`: builds when a source changes and starts everything anew with what was built. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, watch } from 'node:fs';
import path from 'node:path';
import { build } from './build.mjs';

const root = path.resolve(import.meta.dirname, '..');
const WATCHED = ['src', 'worker', 'bot', 'scripts', 'prisma', '.env', 'package.json'];
/** The build's own output, and what editors leave beside a file. */
const IGNORED = /(^|[\\/])generated([\\/]|$)|~$|\.sw[px]$|(^|[\\/])\.#|^4913$/;
/** An editor writes in several steps, a branch switch in many. */
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
    if (!state.leaving && !state.busy && code !== 0) say('ended by itself; the next change starts it again');
  });
}

async function stop() {
  if (!child) return;
  const gone = once(child, 'exit');
  // The same everywhere: without its parent it leaves in good order, with all its children.
  if (child.connected) child.disconnect();
  const last = child;
  const timer = setTimeout(() => last.kill('SIGKILL'), STOP_MS);
  await gone;
  clearTimeout(timer);
}

/** What changes meanwhile is built in the next round. A build that fails leaves running what runs. */
async function update() {
  if (state.busy) return;
  state.busy = true;
  while (state.changed && !state.leaving) {
    state.changed = false;
    try {
      const steps = await build();
      if (state.leaving) break;
      say(steps.length > 0 ? `built ${steps.join(', ')}; starting again` : 'starting');
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
