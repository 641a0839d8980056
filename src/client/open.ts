import { z } from 'zod';

/** One of the known values, or one that only a newer API knows. */
export type Open<T extends string> = T | (string & {});

export const open = <T extends string>() => z.custom<Open<T>>((value) => typeof value === 'string');
