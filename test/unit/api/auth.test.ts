import { describe, expect, it } from 'vitest';
import { authenticate, authenticateSocket } from '../../../src/api/auth.ts';
import type { ErrorCode } from '../../../src/jobs/errors.ts';

const KEYS = [
  { name: 'web', secret: 'secret-of-the-web-client', actAs: false },
  { name: 'bot', secret: 'secret-of-the-bot-client', actAs: true },
];
const WEB = 'Bearer secret-of-the-web-client';
const BOT = 'Bearer secret-of-the-bot-client';

const refusal = (code: ErrorCode) => expect.objectContaining({ name: 'AppError', code });

describe('without API keys', () => {
  it('everybody is the local owner, whatever key they send', () => {
    const local = { owner: 'local', keyName: null, local: true };
    expect(authenticate([], undefined)).toEqual(local);
    expect(authenticate([], 'Bearer whatever')).toEqual(local);
  });

  it('nobody may act for others', () => {
    expect(() => authenticate([], undefined, 'telegram:1')).toThrow(refusal('FORBIDDEN'));
  });

  it('a key made for this run is still known, beside the local owner', () => {
    const own = [KEYS[1]!];
    expect(authenticate(own, BOT, 'telegram:1', true).owner).toBe('telegram:1');
    expect(authenticate(own, undefined, undefined, true).owner).toBe('local');
    expect(() => authenticate(own, undefined, 'telegram:1', true)).toThrow(refusal('FORBIDDEN'));
  });
});

describe('with API keys', () => {
  it('each key is an owner of its own', () => {
    expect(authenticate(KEYS, WEB)).toEqual({ owner: 'key:web', keyName: 'web', local: false });
    expect(authenticate(KEYS, BOT)).toEqual({ owner: 'key:bot', keyName: 'bot', local: false });
  });

  it('the scheme may be written in any case', () => {
    expect(authenticate(KEYS, 'bearer  secret-of-the-web-client').owner).toBe('key:web');
  });

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'secret-of-the-web-client',
    'Basic secret-of-the-web-client',
    `${WEB}x`,
    WEB.slice(0, -1),
    'Bearer web:secret-of-the-web-client',
  ])('%j is no key', (header) => {
    expect(() => authenticate(KEYS, header)).toThrow(refusal('UNAUTHENTICATED'));
  });

  it('the error does not repeat what was sent', () => {
    expect(() => authenticate(KEYS, 'Bearer almost-a-secret')).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('almost') }),
    );
  });

  it('a key with act-as may name the owner it acts for', () => {
    expect(authenticate(KEYS, BOT, 'telegram:123')).toEqual({ owner: 'telegram:123', keyName: 'bot', local: false });
  });

  it('a key without act-as may not', () => {
    expect(() => authenticate(KEYS, WEB, 'telegram:123')).toThrow(refusal('FORBIDDEN'));
  });

  it.each(['key:web', 'key:bot', 'local', '', 'a b', 'x'.repeat(129), 'grüße', 'a\n'])('no key may act for %j', (owner) => {
    expect(() => authenticate(KEYS, BOT, owner)).toThrow(refusal('FORBIDDEN'));
  });

  it('without a valid key, act-as does not matter: the key is asked for', () => {
    expect(() => authenticate(KEYS, undefined, 'telegram:123')).toThrow(refusal('UNAUTHENTICATED'));
  });
});

describe('over a WebSocket', () => {
  it('the key comes in connection_init, in either case of the name', () => {
    expect(authenticateSocket(KEYS, { Authorization: WEB }).owner).toBe('key:web');
    expect(authenticateSocket(KEYS, { authorization: WEB }).owner).toBe('key:web');
  });

  it('each operation may act for another owner', () => {
    expect(authenticateSocket(KEYS, { authorization: BOT }, { actAs: 'telegram:1' }).owner).toBe('telegram:1');
    expect(authenticateSocket(KEYS, { authorization: BOT }, null).owner).toBe('key:bot');
    expect(() => authenticateSocket(KEYS, { authorization: WEB }, { actAs: 'telegram:1' })).toThrow(refusal('FORBIDDEN'));
    expect(() => authenticateSocket(KEYS, { authorization: BOT }, { actAs: 7 })).toThrow(refusal('FORBIDDEN'));
  });

  it.each([undefined, null, 'Bearer', {}, { authorization: 7 }, { authorization: ['Bearer'] }])('%j has no key', (params) => {
    expect(() => authenticateSocket(KEYS, params)).toThrow(refusal('UNAUTHENTICATED'));
  });
});
