import { z } from 'zod';

/** One of the known values, or one that only a newer API knows. */
export type Open<T extends string> = T | (string & {});

export const open = <T extends string>() => z.custom<Open<T>>((value) => typeof value === 'string');

/** A member of a union that only a newer API knows. The type's name is a placeholder, as in Relay, that keeps the union discriminated. */
export const otherThan = (...known: readonly string[]) =>
  z.object({ __typename: z.custom<'%other'>((value) => typeof value === 'string' && !known.includes(value)) });
