/**
 * Authentication. With API keys, a request carries one and sees only what belongs to the key's owner; without keys there is a single
 * local owner.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { ApiKey } from '../config.ts';
import { AppError } from '../jobs/errors.ts';

export interface Caller {
  /** `key:<name>`, an owner that a key acts for, or `local`. */
  readonly owner: string;
  /** Null for the local owner. */
  readonly keyName: string | null;
  /** True for the single owner of a server without keys, who has no per-owner limit. */
  readonly local: boolean;
}

/** HTTP header that names the owner a key acts for. */
export const ACT_AS_HEADER = 'X-Act-As';

const LOCAL: Caller = { owner: 'local', keyName: null, local: true };
const OWNER = /^[\w.:@-]{1,128}$/;

/**
 * Identifies the caller from `Authorization: Bearer <secret>`, acting for `actAs` if given.
 * @param open whether a request without a valid key belongs to the local owner, which is the case when the operator configured no key
 * @throws AppError UNAUTHENTICATED; FORBIDDEN if the caller may not act for `actAs`
 */
export function authenticate(keys: readonly ApiKey[], authorization: string | undefined, actAs?: string, open = keys.length === 0): Caller {
  const key = findKey(keys, authorization);
  if (!key && !open) throw new AppError('UNAUTHENTICATED', authorization === undefined ? undefined : 'The API key is not valid.');
  if (actAs === undefined) return key ? { owner: `key:${key.name}`, keyName: key.name, local: false } : LOCAL;
  if (!key?.actAs)
    throw new AppError('FORBIDDEN', key ? `Key ${key.name} may not act for others.` : 'Acting for others needs an API key with act-as.');
  if (!isForeignOwner(actAs))
    throw new AppError(
      'FORBIDDEN',
      'The owner to act for must have 1 to 128 letters, digits or . : @ _ -, and must not be "local" or begin with "key:".',
    );
  return { owner: actAs, keyName: key.name, local: false };
}

/**
 * Identifies the caller of a WebSocket operation: the key comes from the payload of connection_init, the owner from the operation's
 * `extensions`. connection_init itself carries no extensions.
 * @param connectionParams `{ Authorization: 'Bearer …' }`; a lower-case name is accepted
 * @param extensions `{ actAs: 'telegram:123' }`
 * @throws as `authenticate`
 */
export function authenticateSocket(keys: readonly ApiKey[], connectionParams: unknown, extensions?: unknown, open?: boolean): Caller {
  const authorization = member(connectionParams, 'Authorization') ?? member(connectionParams, 'authorization');
  const actAs = member(extensions, 'actAs') ?? undefined;
  if (actAs !== undefined && typeof actAs !== 'string') throw new AppError('FORBIDDEN', 'extensions.actAs must be text.');
  return authenticate(keys, typeof authorization === 'string' ? authorization : undefined, actAs, open);
}

/** Compares with every key in constant time, so that timing does not reveal how close a guess is. */
function findKey(keys: readonly ApiKey[], authorization: string | undefined): ApiKey | undefined {
  const secret = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
  if (secret === undefined) return undefined;
  const given = digest(secret);
  let found: ApiKey | undefined;
  for (const key of keys) {
    if (timingSafeEqual(digest(key.secret), given)) found = key;
  }
  return found;
}

/** A key with act-as can never act for the owner of another key. */
function isForeignOwner(text: string): boolean {
  return OWNER.test(text) && !text.startsWith('key:') && text !== LOCAL.owner;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
