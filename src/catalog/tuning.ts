/**
 * Tuning: the options of one engine. An engine declares them once, as a zod object; everything that shows or checks them (GraphQL
 * types, CLI flags, Query.options, validation, MP4 metadata, docs) is derived from that schema by the functions here.
 */
import { z } from 'zod';
import type { Motion } from './catalog.ts';

type Value = z.ZodNumber | z.ZodString;

/**
 * Shape of a tuning schema. A field is a number (an integer if `z.int()`) or a string, with both limits and a description. It has a
 * default, or is optional if its default depends on other options.
 */
export type TuningShape = Readonly<Record<string, z.ZodDefault<Value> | z.ZodOptional<Value>>>;

/** Resolved values of an engine's tuning. */
export type TuningValues = Readonly<Record<string, number | string>>;

type ValuesOf<S extends TuningShape> = { readonly [F in keyof S]: NonNullable<z.output<S[F]>> };
type RequestedValuesOf<S extends TuningShape> = { readonly [F in keyof S]?: z.input<S[F]> | null };

/** The tuning of an engine. */
export interface Tuning<Values extends TuningValues = TuningValues, Requested extends object = object> {
  /** Validates the requested values; every field may be left out. */
  readonly schema: z.ZodObject<TuningShape>;
  /** Adds the defaults that depend on the motion to values that `schema` has checked. */
  resolve(checked: Requested, motion: Motion): Values;
}

/**
 * @param schema a strict object of the fields, refined where fields depend on each other
 * @param motionDefaults defaults of the fields that have none in the schema
 */
export function defineTuning<S extends TuningShape>(
  schema: z.ZodObject<S, z.core.$strict>,
  motionDefaults: (motion: Motion) => Partial<ValuesOf<S>>,
): Tuning<ValuesOf<S>, RequestedValuesOf<S>> {
  return {
    schema: schema as unknown as z.ZodObject<TuningShape>,
    // The schema has filled in the fields that have a default; the others depend on the motion.
    resolve: (checked, motion) => ({ ...motionDefaults(motion), ...checked }) as ValuesOf<S>,
  };
}

/** One field of a tuning schema, for menus, flags and tables. */
export interface TuningField {
  readonly name: string;
  readonly kind: 'integer' | 'number' | 'text';
  /** Smallest and largest value; for text, length in characters. */
  readonly min: number;
  readonly max: number;
  /** Null where it depends on other options. */
  readonly default: number | string | null;
  readonly description: string;
}

/**
 * The fields of a tuning schema in the order of their declaration; none for an engine without tuning.
 * @throws RangeError if a field has no limits or no description
 */
export function tuningFields(tuning: Tuning | null): TuningField[] {
  return Object.entries(tuning?.schema.shape ?? {}).map(([name, field]) => {
    const value = field.unwrap();
    const [min, max] = value instanceof z.ZodNumber ? [value.minValue, value.maxValue] : [value.minLength, value.maxLength];
    const description = field.description ?? value.description;
    if (min === null || max === null || description === undefined)
      throw new RangeError(`tuning field ${name} lacks limits or a description`);
    const kind = value instanceof z.ZodString ? 'text' : value.isInt ? 'integer' : 'number';
    const standard = field instanceof z.ZodDefault ? field.def.defaultValue : null;
    return { name, kind, min, max, default: standard ?? null, description };
  });
}

/** What a field accepts, such as "a whole number from 4 to 50". */
export function allowedValues({ kind, min, max }: Pick<TuningField, 'kind' | 'min' | 'max'>): string {
  switch (kind) {
    case 'integer':
      return `a whole number from ${min} to ${max}`;
    case 'number':
      return `a number from ${min} to ${max}`;
    case 'text':
      return `text of ${min} to ${max} characters`;
  }
}

/** The schema of resolved values: every field of `tuning` is required. Null for an engine without tuning. */
export function tuningValues(tuning: Tuning | null): z.ZodType<TuningValues | null> {
  if (!tuning) return z.null();
  return z.strictObject(Object.fromEntries(Object.entries(tuning.schema.shape).map(([name, field]) => [name, field.unwrap()])));
}

/** An invalid tuning. */
export interface TuningProblem {
  /** Name of the field; null if the problem does not concern a single field. */
  readonly field: string | null;
  /** What is wrong, for the user. */
  readonly message: string;
}

/** Checks requested values (null counts as left out) and fills in the schema's defaults. */
export function checkTuning(tuning: Tuning, requested: object): { readonly values: object } | { readonly problem: TuningProblem } {
  const given = Object.fromEntries(Object.entries(requested).filter(([, value]) => value !== null && value !== undefined));
  const { success, data, error } = tuning.schema.safeParse(given);
  if (success) return { values: data };
  const [issue] = error.issues;
  const name = issue?.path[0];
  const field = tuningFields(tuning).find((candidate) => candidate.name === name);
  if (!issue || !field) return { problem: { field: null, message: issue?.message ?? error.message } };
  if (issue.code === 'custom') return { problem: { field: field.name, message: `${issue.message}.` } };
  return { problem: { field: field.name, message: `${field.name} is ${String(given[field.name])}; it must be ${allowedValues(field)}.` } };
}
