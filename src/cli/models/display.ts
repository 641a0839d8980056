import { describeBytes, describeTransfer, type TransferMeter, type TransferProgress } from '../../provisioning/weights/meter.ts';

export interface TransferDisplay {
  /** Prints a line that stays. */
  readonly note: (text: string) => void;
  /** Shows the final state of the transfer. */
  readonly end: () => void;
}

const BAR_WIDTH = 24;
const REDRAW_MS = 250;
const LINE_MS = 5_000;

/** Shows a transfer in progress: a live bar on a terminal, a line every few seconds elsewhere. */
export function showTransfer(stream: NodeJS.WriteStream, name: string, meter: TransferMeter): TransferDisplay {
  const live = stream.isTTY && process.env['TERM'] !== 'dumb';
  let shown = '';
  const draw = () => {
    const progress = meter.progress();
    if (progress.totalBytes === 0) return; // not started
    const text = live ? bar(name, progress) : `${name}: ${describeTransfer(progress)}${speed(progress)}`;
    if (!live && text === shown) return;
    shown = text;
    // Leaves the last column free: some terminals would begin a new line.
    stream.write(live ? `\r${text.slice(0, Math.max(10, (stream.columns || 80) - 1))}\x1b[K` : `${text}\n`);
  };
  const timer = setInterval(draw, live ? REDRAW_MS : LINE_MS).unref();
  return {
    note(text) {
      stream.write(live ? `\r\x1b[K${text}\n` : `${text}\n`);
      if (live) draw();
    },
    end() {
      clearInterval(timer);
      draw();
      if (live && shown !== '') stream.write('\n');
    },
  };
}

/** `svd-xt ██████░░░░ 43 % of 4.5 GB, about 6 min left, 92 MB/s` */
function bar(name: string, progress: TransferProgress): string {
  const done = Math.round((BAR_WIDTH * progress.percent) / 100);
  return `${name} ${'█'.repeat(done)}${'░'.repeat(BAR_WIDTH - done)} ${describeTransfer(progress)}${speed(progress)}`;
}

function speed({ bytesPerSecond }: TransferProgress): string {
  return bytesPerSecond > 0 ? `, ${describeBytes(Math.round(bytesPerSecond))}/s` : '';
}
