/** Flags for the tuning of engines, generated from their schemas: `numInferenceSteps` is --num-inference-steps. */
import { engineEntry, enginesWithTuning, tuningKey, type EngineName, type RequestedTuning } from '../../catalog/engines.ts';
import { allowedValues, checkTuning, tuningFields, type TuningField } from '../../catalog/tuning.ts';
import { badArguments } from '../failure.ts';
import { quote, toNumber, type Flag } from './values.ts';

const VALUE = { integer: 'N', number: 'X', text: 'TEXT' } as const satisfies Record<TuningField['kind'], string>;

const flagOf = ({ name }: Pick<TuningField, 'name'>): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Every tuning flag. A flag that several engines have belongs to the one that --engine names. */
export function tuningFlags(): Record<string, Flag> {
  const flags = enginesWithTuning().flatMap(({ engine, tuning }) =>
    tuningFields(tuning).map((field): [string, Flag] => {
      const standard = field.default === null ? '' : `, default ${field.default}`;
      return [
        flagOf(field),
        { value: VALUE[field.kind], about: `${engine}: ${inFlags(field.description, engine)} (${field.min}–${field.max}${standard})` },
      ];
    }),
  );
  return Object.fromEntries(flags);
}

/**
 * Reads the tuning flags; undefined if there are none. They select their engine if `engine` is undefined.
 * @throws Failure BAD_ARGUMENTS that names the flag and what it allows
 */
export function readTuning(values: Readonly<Record<string, unknown>>, engine: EngineName | undefined): RequestedTuning | undefined {
  const given = Object.keys(tuningFlags()).filter((flag) => values[flag] !== undefined);
  if (given.length === 0) return undefined;
  const has = (candidate: EngineName, flag: string) => fieldsOf(candidate).some((field) => flagOf(field) === flag);
  const candidates = enginesWithTuning().map((each) => each.engine);
  const chosen = engine ?? candidates.find((candidate) => given.every((flag) => has(candidate, flag))) ?? candidates[0]!;
  const foreign = given.find((flag) => !has(chosen, flag));
  if (foreign) throw badArguments(`--${foreign} is not an option of the engine ${chosen}.`);
  const fields = fieldsOf(chosen).filter((field) => given.includes(flagOf(field)));
  const requested = Object.fromEntries(fields.map((field) => [field.name, read(field, String(values[flagOf(field)]))]));
  const checked = checkTuning(engineEntry(chosen).tuning!, requested);
  if ('problem' in checked) throw badArguments(inFlags(checked.problem.message, chosen));
  return { [tuningKey(chosen)]: requested };
}

const fieldsOf = (engine: EngineName) => tuningFields(engineEntry(engine).tuning);

/** @throws Failure BAD_ARGUMENTS */
function read(field: TuningField, text: string): number | string {
  const value = field.kind === 'text' ? text : toNumber(text);
  const size = typeof value === 'string' ? value.length : value;
  if (!(size >= field.min && size <= field.max) || (field.kind === 'integer' && !Number.isInteger(value))) {
    throw badArguments(`--${flagOf(field)} ${quote(text)} is not ${allowedValues(field)}.`);
  }
  return value;
}

/** `message` with the names of fields replaced by their flags. */
function inFlags(message: string, engine: EngineName): string {
  return fieldsOf(engine).reduce((text, field) => text.replaceAll(field.name, `--${flagOf(field)}`), message);
}
