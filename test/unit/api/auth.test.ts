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
  it('every caller is the local owner, whatever key it sends', () => {
    const local = { owner: 'local', keyName: null, local: true };
    expect(authenticate([], undefined)).toEqual(local);
    expect(authenticate([], 'Bearer whatever')).toEqual(local);
  });

  it('no caller may act for another owner', () => {
    expect(() => authenticate([], undefined, 'telegram:1')).toThrow(refusal('FORBIDDEN'));
  });

  it('a key generated for this run is accepted besides the local owner', () => {
    const own = [KEYS[1]!];
    expect(authenticate(own, BOT, 'telegram:1', true).owner).toBe('telegram:1');
    expect(authenticate(own, undefined, undefined, true).owner).toBe('local');
    expect(() => authenticate(own, undefined, 'telegram:1', true)).toThrow(refusal('FORBIDDEN'));
  });
});

describe('with API keys', () => {
  it('each key is a separate owner', () => {
    expect(authenticate(KEYS, WEB)).toEqual({ owner: 'key:web', keyName: 'web', local: false });
    expect(authenticate(KEYS, BOT)).toEqual({ owner: 'key:bot', keyName: 'bot', local: false });
  });

  it('the scheme is case-insensitive', () => {
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
  ])('%j is not a valid key', (header) => {
    expect(() => authenticate(KEYS, header)).toThrow(refusal('UNAUTHENTICATED'));
  });

  it('the error does not repeat the key that was sent', () => {
    expect(() => authenticate(KEYS, 'Bearer almost-a-secret')).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('almost') }),
    );
  });

  it('a key with act-as may act for another owner', () => {
    expect(authenticate(KEYS, BOT, 'telegram:123')).toEqual({ owner: 'telegram:123', keyName: 'bot', local: false });
  });

  it('a key without act-as may not act for another owner', () => {
    expect(() => authenticate(KEYS, WEB, 'telegram:123')).toThrow(refusal('FORBIDDEN'));
  });

  it.each(['key:web', 'key:bot', 'local', '', 'a b', 'x'.repeat(129), 'grüße', 'a\n'])('no key may act for the owner %j', (owner) => {
    expect(() => authenticate(KEYS, BOT, owner)).toThrow(refusal('FORBIDDEN'));
  });

  it('act-as without a valid key is UNAUTHENTICATED', () => {
    expect(() => authenticate(KEYS, undefined, 'telegram:123')).toThrow(refusal('UNAUTHENTICATED'));
  });
});

describe('over a WebSocket', () => {
  it('the key is sent in connection_init, under a capitalised or lower-case name', () => {
    expect(authenticateSocket(KEYS, { Authorization: WEB }).owner).toBe('key:web');
    expect(authenticateSocket(KEYS, { authorization: WEB }).owner).toBe('key:web');
  });

  it('each operation may act for another owner', () => {
    expect(authenticateSocket(KEYS, { authorization: BOT }, { actAs: 'telegram:1' }).owner).toBe('telegram:1');
    expect(authenticateSocket(KEYS, { authorization: BOT }, null).owner).toBe('key:bot');
    expect(() => authenticateSocket(KEYS, { authorization: WEB }, { actAs: 'telegram:1' })).toThrow(refusal('FORBIDDEN'));
    expect(() => authenticateSocket(KEYS, { authorization: BOT }, { actAs: 7 })).toThrow(refusal('FORBIDDEN'));
  });

  it.each([undefined, null, 'Bearer', {}, { authorization: 7 }, { authorization: ['Bearer'] }])(
    'connection parameters %j contain no key',
    (params) => {
      expect(() => authenticateSocket(KEYS, params)).toThrow(refusal('UNAUTHENTICATED'));
    },
  );
});
