/** `animate PHOTO`: a photo in, an MP4 out. */
import { readArguments, usage, type AnimateArguments } from './animate/arguments.ts';
import { createDisplay } from './animate/display.ts';
import { facts, makeVideo, summary } from './animate/make.ts';
import { EXIT, Failure, toFailure } from './failure.ts';

/** Both npm and the terminal tell of one Ctrl-C; what follows later was pressed again. */
const ONE_KEYSTROKE_MS = 400;

/** Sets the exit code: 0 done, 1 failed, 2 wrong arguments, 130 interrupted. */
export async function animate(args: string[]): Promise<void> {
  let request: AnimateArguments | 'help';
  try {
    request = readArguments(args);
  } catch (error) {
    fail(toFailure(error), args.includes('--json'));
    return;
  }
  if (request === 'help') {
    process.stdout.write(usage());
    return;
  }
  const display = createDisplay(process.stderr, request.quiet);
  const { signal, forget } = onInterrupt((again) => {
    display.end();
    if (again) process.exit(EXIT.interrupted);
    display.phase('Interrupted: cancelling and stopping');
  });
  try {
    const made = await makeVideo(request, display, signal);
    display.end();
    if (request.json) process.stdout.write(`${JSON.stringify(facts(made))}\n`);
    else if (!request.quiet) process.stdout.write(summary(made));
  } catch (error) {
    display.end();
    fail(toFailure(error), request.json);
  } finally {
    forget();
  }
}

/** Tells what went wrong and what to do: people on standard error, programs on standard output. */
function fail(failure: Failure, json: boolean): void {
  process.exitCode = failure.exitCode;
  process.stderr.write(failure.code === 'INTERRUPTED' ? `${failure.message}\n` : `${failure.message}\n${failure.hint}\n`);
  if (json) process.stdout.write(`${JSON.stringify({ error: failure.body })}\n`);
}

/** A signal aborted by Ctrl-C and its like; `tell` hears whether it is the second one. */
function onInterrupt(tell: (again: boolean) => void): { signal: AbortSignal; forget(): void } {
  const controller = new AbortController();
  let first = 0;
  const interrupt = () => {
    if (!controller.signal.aborted) {
      first = performance.now();
      tell(false);
      controller.abort(new Failure('INTERRUPTED', 'Interrupted.'));
    } else if (performance.now() - first > ONE_KEYSTROKE_MS) tell(true);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.on(name, interrupt);
  return {
    signal: controller.signal,
    forget() {
      for (const name of signals) process.removeListener(name, interrupt);
    },
  };
}
