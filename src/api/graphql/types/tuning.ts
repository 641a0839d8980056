/** GraphQL types of tuning: an input and an output type per engine, generated from its schema. */
import { createUnionType, Field, Float, InputType, Int, ObjectType, type ClassType } from 'type-graphql';
import { enginesWithTuning, type EngineName, type RenderOptions } from '../../../catalog/engines.ts';
import { allowedValues, tuningFields, type Tuning, type TuningField } from '../../../catalog/tuning.ts';
import { sentence, TuningKindEnum } from './enums.ts';

const TYPES = { integer: Int, number: Float, text: String } as const satisfies Record<TuningField['kind'], unknown>;

const describe = ({ description, ...field }: TuningField) => sentence(`${description} (${allowedValues(field)})`);

/** `SvdXt` for the key `svdXt`. */
const typeName = (key: string) => `${key[0]!.toUpperCase()}${key.slice(1)}Tuning`;

/** A class without members, to which decorators add fields. Its name appears in errors of TypeGraphQL. */
function classNamed(name: string): ClassType<object> {
  return { [name]: class extends Object {} }[name]!;
}

function inputType(key: string, engine: EngineName, tuning: Tuning): ClassType<object> {
  const type = classNamed(`${typeName(key)}Input`);
  for (const field of tuningFields(tuning)) {
    const standard = field.default === null ? { nullable: true } : { defaultValue: field.default };
    Field(() => TYPES[field.kind], { ...standard, description: describe(field) })(type.prototype as object, field.name);
  }
  InputType(type.name, { description: `Tuning of the engine ${engine}. Omitted fields get their defaults.` })(type);
  return type;
}

function outputType(key: string, engine: EngineName, tuning: Tuning): ClassType<object> {
  const type = classNamed(typeName(key));
  for (const field of tuningFields(tuning)) {
    Field(() => TYPES[field.kind], { description: sentence(field.description) })(type.prototype as object, field.name);
  }
  ObjectType(type.name, { description: `Resolved tuning of the engine ${engine}.` })(type);
  return type;
}

const tunable = enginesWithTuning().map(({ engine, key, tuning }) => ({
  engine,
  key,
  input: inputType(key, engine, tuning),
  output: outputType(key, engine, tuning),
}));

/** Tuning in createJob. `createSchema` makes it @oneOf. */
export const TuningInput = classNamed('TuningInput');
for (const { key, engine, input } of tunable) {
  Field(() => input, { nullable: true, description: `Tuning of ${engine}; selects that engine if \`engine\` is omitted.` })(
    TuningInput.prototype as object,
    key,
  );
}
InputType('TuningInput', { description: 'Options of one engine: exactly one of these.' })(TuningInput);

/** Resolved tuning of a job. */
export const TuningUnion = createUnionType({
  name: 'Tuning',
  description: "Resolved values of an engine's own options.",
  types: () => tunable.map(({ output }) => output),
});

/** Resolved tuning as an instance of its GraphQL type, by which the union resolves its type. */
export function toTuningType({ engine, tuning }: RenderOptions): object | null {
  const type = tunable.find((candidate) => candidate.engine === engine)?.output;
  return type && tuning ? Object.assign(new type(), tuning) : null;
}

@ObjectType('TuningOption', { description: 'A field of the tuning of an engine.' })
export class TuningOption {
  @Field(() => String, { description: 'Name of the field in the tuning of its engine.' })
  name!: string;

  @Field(() => TuningKindEnum, { description: 'Kind of its value.' })
  kind!: keyof typeof TuningKindEnum;

  @Field(() => Float, { description: 'Smallest value allowed; for text, the minimum length in characters.' })
  min!: number;

  @Field(() => Float, { description: 'Largest value allowed; for text, the maximum length in characters.' })
  max!: number;

  @Field(() => Float, { nullable: true, description: 'Value if omitted; null for text, or if it depends on other options.' })
  default!: number | null;

  @Field(() => String, { nullable: true, description: 'Text if omitted; null for a number, or if it depends on other options.' })
  defaultText!: string | null;

  @Field(() => String, { description: 'What it does.' })
  description!: string;
}

const KINDS = { integer: 'INTEGER', number: 'NUMBER', text: 'TEXT' } as const satisfies Record<
  TuningField['kind'],
  keyof typeof TuningKindEnum
>;

export function toTuningOption(field: TuningField): TuningOption {
  const { default: standard } = field;
  return {
    ...field,
    kind: KINDS[field.kind],
    default: typeof standard === 'number' ? standard : null,
    defaultText: typeof standard === 'string' ? standard : null,
    description: sentence(field.description),
  };
}
