import { createInterface } from 'node:readline';

interface Terminal {
  readonly isTTY?: boolean;
}

/** Whether the user can be asked. */
export function canAsk(input: Terminal, output: Terminal): boolean {
  return input.isTTY === true && output.isTTY === true;
}

/**
 * Asks a question; true only for y or yes.
 * @param interrupt `press` is called for Ctrl-C, which the terminal passes to the reader while a line is being read
 * @throws the signal's reason once that is aborted
 */
export async function ask(
  question: string,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
  interrupt: { readonly signal: AbortSignal; press(): void },
): Promise<boolean> {
  const reader = createInterface({ input, output });
  const end = () => reader.close();
  interrupt.signal.addEventListener('abort', end);
  reader.on('SIGINT', () => interrupt.press());
  try {
    const answer = await new Promise<string>((resolve) => {
      reader.once('close', () => resolve(''));
      reader.question(`${question} [y/N] `, resolve);
    });
    if (interrupt.signal.aborted) output.write('\n');
    interrupt.signal.throwIfAborted();
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    interrupt.signal.removeEventListener('abort', end);
    reader.close();
  }
}
