/** Parsers of the values of environment variables. */
import { z } from 'zod';

/** One environment variable. */
export interface Variable {
  /** Parses the text. Never called with an empty one, except for lists. */
  readonly parse: z.ZodType;
  /** As a user would type it; empty if there is none. */
  readonly default: string;
  readonly description: string;
  /** Never shown or logged. */
  readonly secret?: true;
}

export const define = <S extends z.ZodType>(parse: S, standard: string, description: string) => ({
  parse,
  default: standard,
  description,
});

export const defineSecret = <S extends z.ZodType>(parse: S, description: string) => ({
  parse,
  default: '',
  description,
  secret: true as const,
});

export const number = (min: number, max = Number.MAX_SAFE_INTEGER) =>
  z.coerce.number({ error: 'is not a number' }).min(min, `must be at least ${min}`).max(max, `must be at most ${max}`);

/** Seconds for a timer. Node's timers overflow after 24.8 days and then fire immediately. */
export const seconds = (min: number) => number(min, 2_000_000);

export const whole = (min: number, max?: number) => number(min, max).int('must be a whole number');

export const oneOf = <const T extends readonly string[]>(values: T) => z.enum(values, { error: `must be one of ${values.join(', ')}` });

export const flag = oneOf(['1', '0', 'true', 'false']).transform((text) => text === '1' || text === 'true');

/** Texts separated by commas. */
export const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);

const webUrl = z.url({ protocol: /^https?$/, error: 'is not a URL such as https://example.org' });

/** A URL without a slash at its end. */
export const url = webUrl.transform((text) => text.replace(/\/+$/, ''));

/** Scheme, host and port of a URL. */
export const origin = webUrl.transform((text) => new URL(text).origin);

/** Width and height in pixels as WIDTHxHEIGHT, multiples of 64. */
export const size = z
  .string()
  .regex(/^\d{1,4}x\d{1,4}$/, 'is not WIDTHxHEIGHT')
  .transform((text) => {
    const [width, height] = text.split('x').map(Number) as [number, number];
    return { width, height };
  })
  .refine(({ width, height }) => width > 0 && height > 0 && width % 64 === 0 && height % 64 === 0, 'both sides must be multiples of 64');

/** A key of the API. */
export interface ApiKey {
  readonly name: string;
  readonly secret: string;
  /** Whether it may name the owner on whose behalf it acts. */
  readonly actAs: boolean;
}

/** `name:secret` or `name:secret:act-as`, separated by commas. */
export const apiKeys = list.transform((items, context): ApiKey[] => {
  const keys: ApiKey[] = [];
  for (const item of items) {
    const match = /^(?<name>[\w.-]{1,64}):(?<secret>[^:,\s]{16,})(?<actAs>:act-as)?$/.exec(item);
    if (!match?.groups) {
      context.addIssue({
        code: 'custom',
        message: `entry ${keys.length + 1} is not name:secret or name:secret:act-as (secret: 16 characters or more)`,
      });
      return z.NEVER;
    }
    keys.push({ name: match.groups['name']!, secret: match.groups['secret']!, actAs: match.groups['actAs'] !== undefined });
  }
  if (new Set(keys.map((key) => key.name)).size < keys.length) {
    context.addIssue({ code: 'custom', message: 'two entries have the same name' });
  }
  return keys;
});
