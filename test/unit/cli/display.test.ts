import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Job } from '../../../src/client/client.ts';
import { createDisplay, duration } from '../../../src/cli/animate/display.ts';
import { CLIENT_JOB } from '../../support/client-job.ts';

const job = CLIENT_JOB;
const retrying = (): Job => ({
  ...job,
  status: 'RETRYING',
  stage: null,
  attempt: 2,
  nextAttemptAt: new Date(Date.now() + 9_500).toISOString(),
  error: { code: 'ENCODER_FAILED', message: 'ffmpeg crashed.', hint: 'Run it again.', fault: 'SERVER', retry: 'SAME_REQUEST' },
});

/** Clears the rest of a line. */
const CLEAR = '\x1b[K';

function show(terminal: { columns: number } | null, draw: (display: ReturnType<typeof createDisplay>) => void, quiet = false): string {
  const stream = Object.assign(
    new PassThrough(),
    terminal === null ? { isTTY: false } : { isTTY: true, ...terminal },
  ) as unknown as NodeJS.WriteStream;
  const display = createDisplay(stream, quiet);
  draw(display);
  const text = String((stream as unknown as PassThrough).read() ?? '');
  display.end();
  return text;
}

describe('the progress display', () => {
  it('prints one line per stage without a terminal', () => {
    const text = show(null, (display) => {
      display.phase('Starting');
      for (const percent of [1, 2, 3]) display.job({ ...job, percent });
      display.job({ ...job, stage: 'ENCODING_VIDEO' });
    });
    expect(text).toBe('Starting\nRendering frames\nEncoding the video\n');
  });

  it('shows stage, bar, percent and time left in one live line on a terminal', () => {
    const text = show({ columns: 100 }, (display) => display.job(job));
    expect(text.replaceAll(CLEAR, '|')).toMatch(/^\rRendering frames +█{12}░{12} +50 % {2}12 s left\|$/);
  });

  it('fits its line into a narrow terminal', () => {
    const text = show({ columns: 30 }, (display) => display.job(job));
    expect(text.replaceAll(CLEAR, '').trim().length).toBeLessThan(30);
  });

  it('shows the queue position, the attempt, and stages of newer APIs by name', () => {
    expect(show(null, (display) => display.job({ ...job, status: 'QUEUED', stage: null, queuePosition: 3 }))).toContain('position 3');
    expect(show(null, (display) => display.job({ ...job, stage: 'UPSCALING' }))).toContain('UPSCALING');
    expect(show(null, (display) => display.job({ ...job, attempt: 2 }))).toContain('attempt 2 of 3');
  });

  it('reports why an attempt failed and when the next one starts', () => {
    const text = show({ columns: 120 }, (display) => display.job(retrying()));
    expect(text).toContain('Attempt 2 of 3 failed: ffmpeg crashed. Run it again.\n');
    expect(text).toMatch(/Waiting for attempt 3 of 3 … {2}in (10|9) s/);
    expect(show(null, (display) => display.job(retrying()))).toContain('Attempt 2 of 3 failed: ffmpeg crashed.');
  });

  it('shows that the API is unreachable until it responds again', () => {
    const text = show({ columns: 100 }, (display) => {
      display.job(job);
      display.trouble('The API cannot be reached.');
      display.job({ ...job, percent: 60 });
      display.trouble(null);
    });
    expect(
      text
        .split('\r')
        .slice(2)
        .map((line) => line.slice(0, 7)),
    ).toEqual(['The API', 'The API', 'Renderi']);
  });

  it('prints nothing with --quiet', () => {
    expect(
      show(
        { columns: 100 },
        (display) => {
          display.phase('Starting');
          display.job(job);
          display.note('x');
        },
        true,
      ),
    ).toBe('');
  });

  it('prints durations in minutes and seconds', () => {
    expect([0, 0.2, 59.4, 80].map(duration)).toEqual(['0 s', '1 s', '1 min 0 s', '1 min 20 s']);
  });
});
