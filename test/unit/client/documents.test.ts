/** Documents and generated types, checked against the published schema. */
import { readFileSync } from 'node:fs';
import {
  buildSchema,
  coerceInputValue,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
  Kind,
  parse,
  validate,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type SelectionSetNode,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { newRequest } from '../../../bot/requests/group.ts';
import { inputOf } from '../../../bot/requests/submit.ts';
import { DOCUMENTS, type DocumentName } from '../../../src/client/documents.ts';
import { RESULT_SCHEMAS } from '../../../src/client/generated.ts';

const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));
const names = Object.keys(DOCUMENTS) as DocumentName[];

describe('the client and schema.graphql', () => {
  it.each(names)('agree on the document %s', (name) => {
    expect(validate(schema, parse(DOCUMENTS[name]))).toEqual([]);
  });

  it.each(names)('agree on every possible answer to %s, with each nullable field null and each enum value', (name) => {
    const answers = answersTo(DOCUMENTS[name]);
    expect(answers.length).toBeGreaterThan(/^(job|createJob|cancelJob|jobProgress)$/.test(name) ? 20 : 0);
    for (const answer of answers) expect(RESULT_SCHEMAS[name].parse(answer)).toEqual(answer);
  });

  it("agree on the bot's input of createJob", () => {
    const request = newRequest({
      key: 'k',
      fromJob: 'j',
      choice: { durationSeconds: 3, resolution: 'P360', motion: 'PAN_L', fit: 'CONTAIN' },
    });
    for (const input of [inputOf(request), inputOf({ ...request, fromJob: undefined, uploadId: 'u', choice: {} })]) {
      expect(() => coerceInputValue(input, schema.getType('CreateJobInput') as GraphQLInputType)).not.toThrow();
    }
  });

  it('accept names that only a newer API knows, but no unknown status', () => {
    const [answer] = answersTo(DOCUMENTS.job) as { job: { stage: string; options: object } }[];
    const { job } = answer!;
    const newer = { ...job, stage: 'DREAMING', options: { ...job.options, motion: 'ORBIT', tuning: { __typename: 'OrbitTuning' } } };
    expect(RESULT_SCHEMAS.job.parse({ job: newer })).toEqual({ job: newer });
    expect(RESULT_SCHEMAS.job.safeParse({ job: { ...job, status: 'PAUSED' } }).success).toBe(false);
  });

  it('notice a field that does not exist', () => {
    expect(validate(schema, parse('query { job(id: 1) { colour } }'))).not.toEqual([]);
  });
});

/** Answers in which each nullable field is null once, and each enum field has each of its values once. */
function answersTo(text: string): unknown[] {
  const { definitions } = parse(text);
  const fragments = new Map(
    definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition.selectionSet] as const] : [],
    ),
  );
  const operation = definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION)!;
  return objects(schema.getRootType(operation.operation)!, operation.selectionSet);

  function objects(type: GraphQLObjectType, selection: SelectionSetNode): Record<string, unknown>[] {
    const fields = fieldsOf(type, selection);
    const first = Object.fromEntries(fields.map(({ name, values: [value] }) => [name, value]));
    return [first, ...fields.flatMap(({ name, values: [, ...others] }) => others.map((value) => ({ ...first, [name]: value })))];
  }

  function fieldsOf(type: GraphQLObjectType, { selections }: SelectionSetNode): { name: string; values: unknown[] }[] {
    return selections.flatMap((node) => {
      if (node.kind === Kind.FRAGMENT_SPREAD) return fieldsOf(type, fragments.get(node.name.value)!);
      if (node.kind === Kind.INLINE_FRAGMENT) return node.typeCondition!.name.value === type.name ? fieldsOf(type, node.selectionSet) : [];
      const name = node.name.value;
      return [{ name, values: name === '__typename' ? [type.name] : values(type.getFields()[name]!.type, node.selectionSet) }];
    });
  }

  function values(type: GraphQLOutputType, selection: SelectionSetNode | undefined): unknown[] {
    if (isNonNullType(type)) return values(type.ofType as GraphQLOutputType, selection).filter((value) => value !== null);
    if (isListType(type)) return [[...values(type.ofType as GraphQLOutputType, selection)], null];
    if (isEnumType(type)) return [...type.getValues().map(({ value }) => value as unknown), null];
    if (isObjectType(type)) return [...objects(type, selection!), null];
    if (isUnionType(type)) return [...type.getTypes().flatMap((member) => objects(member, selection!)), null];
    return [SCALARS[String(type)], null];
  }
}

const SCALARS: Record<string, unknown> = {
  ID: 'id',
  String: 'https://example.org/x',
  Int: 1,
  Float: 1.5,
  Boolean: true,
  DateTimeISO: '2026-01-31T12:00:00.000Z',
};
