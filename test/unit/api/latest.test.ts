import { describe, expect, it } from 'vitest';
import { Latest } from '../../../src/api/progress/latest.ts';

const done = { value: undefined, done: true };

describe('a stream of the latest value', () => {
  it('delivers a value to a waiting reader', async () => {
    const latest = new Latest<number>();
    const reading = latest.next();
    latest.push(1);
    expect(await reading).toEqual({ value: 1, done: false });
  });

  it('keeps only the latest value for a later reader', async () => {
    const latest = new Latest<number>();
    for (let n = 0; n < 1000; n++) latest.push(n);
    expect(await latest.next()).toEqual({ value: 999, done: false });
    latest.push(1000);
    expect(await latest.next()).toEqual({ value: 1000, done: false });
  });

  it('delivers an unread value before it ends', async () => {
    const latest = new Latest<string>();
    latest.push('first');
    latest.push('last');
    latest.end();
    latest.push('too late');
    const values: string[] = [];
    for await (const value of latest) values.push(value);
    expect(values).toEqual(['last']);
    expect(await latest.next()).toEqual(done);
  });

  it('ends for a waiting reader', async () => {
    const latest = new Latest<number>();
    const reading = latest.next();
    latest.end();
    expect(await reading).toEqual(done);
  });

  it.each(['before the reader starts', 'while the reader waits'])('fails once, %s, and has ended afterwards', async (when) => {
    const latest = new Latest<number>();
    const early = when.startsWith('before') ? null : latest.next();
    latest.fail(new Error('no more'));
    await expect(early ?? latest.next()).rejects.toThrow('no more');
    expect(await latest.next()).toEqual(done);
  });

  it('cleans up once, however it ends', async () => {
    for (const end of [
      (latest: Latest<number>) => latest.end(),
      (latest: Latest<number>) => latest.fail(new Error('x')),
      (latest: Latest<number>) => latest.return(),
    ]) {
      let cleanups = 0;
      const latest = new Latest<number>(async () => void cleanups++);
      await end(latest);
      latest.end();
      await latest.return();
      expect(cleanups).toBe(1);
    }
  });

  it('cleans up when the reader stops', async () => {
    let cleaned = false;
    const latest = new Latest<number>(async () => void (cleaned = true));
    latest.push(1);
    for await (const value of latest) {
      expect(value).toBe(1);
      break;
    }
    expect(cleaned).toBe(true);
    latest.push(2);
    expect(await latest.next()).toEqual(done);
  });

  it('resolves a pending read when the reader stops', async () => {
    const latest = new Latest<number>();
    const reading = latest.next();
    await latest.return();
    expect(await reading).toEqual(done);
  });
});
