import { describe, expect, it } from 'vitest';
import { Deliveries } from '../../../bot/requests/deliveries.ts';

const { signal } = new AbortController();

/** Deliveries that last until they are let go, by chat. */
function waitingDeliveries(deliveries: Deliveries) {
  const begun: { chatId: number; end: () => void }[] = [];
  const send = (chatId: number, until = signal) =>
    deliveries.run(chatId, () => new Promise<void>((end) => begun.push({ chatId, end })), until);
  return { begun, send };
}

/** Until everything that can go on has. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('deliveries', () => {
  it('of one chat are two at a time, and keep no other chat waiting', async () => {
    const { begun, send } = waitingDeliveries(new Deliveries());
    const all = [1, 1, 1, 2].map((chatId) => send(chatId));
    await settle();
    expect(begun.map(({ chatId }) => chatId)).toEqual([1, 1, 2]);
    begun[0]!.end();
    await settle();
    expect(begun.map(({ chatId }) => chatId)).toEqual([1, 1, 2, 1]);
    for (const { end } of begun) end();
    await Promise.all(all);
  });

  it('of all chats are eight at a time', async () => {
    const { begun, send } = waitingDeliveries(new Deliveries());
    const all = Array.from({ length: 12 }, (_, chatId) => send(chatId));
    await settle();
    expect(begun).toHaveLength(8);
    for (let end = 0; end < 12; end++) {
      begun[end]!.end();
      await settle();
    }
    await Promise.all(all);
    expect(begun).toHaveLength(12);
  });

  it('that fail make room, and say so to whoever asked', async () => {
    const deliveries = new Deliveries();
    const fail = () => deliveries.run(1, () => Promise.reject(new Error('no')), signal);
    for (let time = 0; time < 3; time++) await expect(fail()).rejects.toThrow('no');
  });

  it('begin no more once they are closed, which waits for those under way', async () => {
    const deliveries = new Deliveries();
    const { begun, send } = waitingDeliveries(deliveries);
    const leaving = new AbortController();
    const underWay = send(1);
    let isClosed = false;
    const closed = deliveries.close().then(() => (isClosed = true));
    const late = send(2, leaving.signal);
    await settle();
    expect([begun.length, isClosed]).toEqual([1, false]);
    begun[0]!.end();
    await Promise.all([underWay, closed]);
    leaving.abort(new Error('leaving'));
    await expect(late).rejects.toThrow('aborted');
    expect(begun).toHaveLength(1);
  });
});
