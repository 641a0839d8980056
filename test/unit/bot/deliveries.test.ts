import { describe, expect, it } from 'vitest';
import { Deliveries } from '../../../bot/requests/deliveries.ts';

const { signal } = new AbortController();

/** Deliveries that last until `end` is called. */
function waitingDeliveries(deliveries: Deliveries) {
  const begun: { chatId: number; end: () => void }[] = [];
  const send = (chatId: number, until = signal) =>
    deliveries.run(chatId, () => new Promise<void>((end) => begun.push({ chatId, end })), until);
  return { begun, send };
}

/** Resolves once pending promise callbacks have run. */
const flush = () => new Promise((resolve) => setImmediate(resolve));

describe('deliveries', () => {
  it('to one chat run two at a time and do not delay other chats', async () => {
    const { begun, send } = waitingDeliveries(new Deliveries());
    const all = [1, 1, 1, 2].map((chatId) => send(chatId));
    await flush();
    expect(begun.map(({ chatId }) => chatId)).toEqual([1, 1, 2]);
    begun[0]!.end();
    await flush();
    expect(begun.map(({ chatId }) => chatId)).toEqual([1, 1, 2, 1]);
    for (const { end } of begun) end();
    await Promise.all(all);
  });

  it('to all chats run eight at a time', async () => {
    const { begun, send } = waitingDeliveries(new Deliveries());
    const all = Array.from({ length: 12 }, (_, chatId) => send(chatId));
    await flush();
    expect(begun).toHaveLength(8);
    for (let end = 0; end < 12; end++) {
      begun[end]!.end();
      await flush();
    }
    await Promise.all(all);
    expect(begun).toHaveLength(12);
  });

  it('that fail free their slot and reject', async () => {
    const deliveries = new Deliveries();
    const fail = () => deliveries.run(1, () => Promise.reject(new Error('no')), signal);
    for (let time = 0; time < 3; time++) await expect(fail()).rejects.toThrow('no');
  });

  it('do not start after close, which waits for the running ones', async () => {
    const deliveries = new Deliveries();
    const { begun, send } = waitingDeliveries(deliveries);
    const leaving = new AbortController();
    const underWay = send(1);
    let isClosed = false;
    const closed = deliveries.close().then(() => (isClosed = true));
    const late = send(2, leaving.signal);
    await flush();
    expect([begun.length, isClosed]).toEqual([1, false]);
    begun[0]!.end();
    await Promise.all([underWay, closed]);
    leaving.abort(new Error('leaving'));
    await expect(late).rejects.toThrow('aborted');
    expect(begun).toHaveLength(1);
  });
});
