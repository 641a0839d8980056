import { EXIT } from './failure.ts';

/** Both npm and the terminal tell of one Ctrl-C; what follows later was pressed again. */
const ONE_KEYSTROKE_MS = 400;

export interface Interrupt {
  /** Aborted with `reason` by Ctrl-C and its like. */
  readonly signal: AbortSignal;
  /** As Ctrl-C, for programs that read the keyboard themselves. */
  press(): void;
  /** Leaves Ctrl-C to itself again. */
  forget(): void;
}

/** Turns Ctrl-C, SIGTERM and a closed terminal into an aborted signal; the second Ctrl-C ends the process at once. */
export function onInterrupt(reason: Error): Interrupt {
  const controller = new AbortController();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  let first = 0;
  const press = () => {
    if (!controller.signal.aborted) {
      first = performance.now();
      controller.abort(reason);
    } else if (performance.now() - first > ONE_KEYSTROKE_MS) process.exit(EXIT.interrupted);
  };
  for (const name of signals) process.on(name, press);
  return {
    signal: controller.signal,
    press,
    forget() {
      for (const name of signals) process.removeListener(name, press);
    },
  };
}
