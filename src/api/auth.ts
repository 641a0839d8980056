/**
 * Who asks. With API keys, a request carries one and everything it sees belongs to the key's owner; without keys there is one local
 * owner.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { ApiKey } from '../config.ts';
import { AppError } from '../jobs/errors.ts';

export interface Caller {
  /** `key:<name>`, an owner that a key acts for, or `local`. */
  readonly owner: string;
  /** Null for the local owner. */
  readonly keyName: string | null;
  /** The one owner of a server without keys; has no limit of its own. */
  readonly local: boolean;
}

/** HTTP header that names the owner a key acts for. */
export const ACT_AS_HEADER = 'X-Act-As';

const LOCAL: Caller = { owner: 'local', keyName: null, local: true };
const OWNER = /^[\w.:@-]{1,128}$/;

/**
 * The caller behind an `Authorization: Bearer <secret>`, acting for `actAs` if that is given.
 * @param open whether a request without a valid key is the local owner's: so where no key is configured by the operator
 * @throws AppError UNAUTHENTICATED; FORBIDDEN if this caller may not act for `actAs`
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
      'No key may act for this owner: 1 to 128 letters, digits or . : @ _ -, neither "local" nor beginning with "key:".',
    );
  return { owner: actAs, keyName: key.name, local: false };
}

/**
 * The caller of a WebSocket operation: the key from connection_init's payload, the owner from the operation's `extensions`.
 * At connection_init itself there are no extensions yet.
 * @param connectionParams `{ Authorization: 'Bearer …' }`; lower case will do
 * @param extensions `{ actAs: 'telegram:123' }`
 * @throws as `authenticate`
 */
export function authenticateSocket(keys: readonly ApiKey[], connectionParams: unknown, extensions?: unknown, open?: boolean): Caller {
  const authorization = member(connectionParams, 'Authorization') ?? member(connectionParams, 'authorization');
  const actAs = member(extensions, 'actAs') ?? undefined;
  if (actAs !== undefined && typeof actAs !== 'string') throw new AppError('FORBIDDEN', 'extensions.actAs must be text.');
  return authenticate(keys, typeof authorization === 'string' ? authorization : undefined, actAs, open);
}

/** Compares with every key, so that the time taken says nothing about which of them comes close. */
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

/** No key reaches what belongs to another key itself. */
function isForeignOwner(text: string): boolean {
  return OWNER.test(text) && !text.startsWith('key:') && text !== LOCAL.owner;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
