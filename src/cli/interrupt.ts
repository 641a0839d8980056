import { EXIT } from './failure.ts';

/** npm and the terminal both forward one Ctrl-C. A signal that arrives later than this, in milliseconds, is a second keystroke. */
const ONE_KEYSTROKE_MS = 400;

export interface Interrupt {
  /** Aborted with `reason` on Ctrl-C, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal;
  /** Has the effect of Ctrl-C, for programs that read the keyboard themselves. */
  press(): void;
  /** Restores the default effect of the signals. */
  dispose(): void;
}

/**
 * Turns Ctrl-C, SIGTERM and the closing of the terminal into an aborted signal; a second Ctrl-C ends the process at once.
 * @param beforeEffect called before the abort and before the end of the process
 */
export function onInterrupt(reason: Error, beforeEffect: () => void = () => {}): Interrupt {
  const controller = new AbortController();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  let first = 0;
  const press = () => {
    if (!controller.signal.aborted) {
      first = performance.now();
      beforeEffect();
      controller.abort(reason);
    } else if (performance.now() - first > ONE_KEYSTROKE_MS) {
      beforeEffect();
      process.exit(EXIT.interrupted);
    }
  };
  for (const name of signals) process.on(name, press);
  return {
    signal: controller.signal,
    press,
    dispose() {
      for (const name of signals) process.removeListener(name, press);
    },
  };
}
