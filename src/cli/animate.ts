/** `animate PHOTO`: turns a photo into an MP4. */
import { readArguments, usage, type AnimateArguments } from './animate/arguments.ts';
import { createDisplay } from './animate/display.ts';
import { makeVideo } from './animate/make.ts';
import { jsonSummary, summary } from './animate/report.ts';
import { Failure, toFailure } from './failure.ts';
import { onInterrupt } from './interrupt.ts';

/** Sets the exit code: 0 done, 1 failed, 2 wrong arguments, 130 interrupted. */
export async function animate(args: string[]): Promise<void> {
  let request: AnimateArguments | 'help';
  try {
    request = readArguments(args);
  } catch (error) {
    report(toFailure(error), args.includes('--json'));
    return;
  }
  if (request === 'help') {
    process.stdout.write(usage());
    return;
  }
  const display = createDisplay(process.stderr, request.quiet);
  const interrupt = onInterrupt(new Failure('INTERRUPTED', 'Interrupted.'), () => display.end());
  interrupt.signal.addEventListener('abort', () => display.phase('Interrupted: cancelling and stopping'));
  try {
    const saved = await makeVideo(request, display, interrupt.signal);
    display.end();
    if (request.json) process.stdout.write(`${JSON.stringify(jsonSummary(saved))}\n`);
    else if (!request.quiet) process.stdout.write(summary(saved));
  } catch (error) {
    display.end();
    report(toFailure(error), request.json);
  } finally {
    interrupt.dispose();
  }
}

/** Prints the failure and its hint on standard error, with --json also as an object on standard output. */
function report(failure: Failure, json: boolean): void {
  process.exitCode = failure.exitCode;
  process.stderr.write(failure.code === 'INTERRUPTED' ? `${failure.message}\n` : `${failure.message}\n${failure.hint}\n`);
  if (json) process.stdout.write(`${JSON.stringify({ error: failure.body })}\n`);
}
