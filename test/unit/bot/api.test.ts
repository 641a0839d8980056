/** What the bot asks and expects, held against the API's published schema. */
import { readFileSync } from 'node:fs';
import {
  buildSchema,
  coerceInputValue,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  parse,
  validate,
  visit,
  visitWithTypeInfo,
  TypeInfo,
  type GraphQLOutputType,
  type SelectionSetNode,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { ANSWERS } from '../../../bot/api/answers.ts';
import { DOCUMENTS, type DocumentName } from '../../../bot/api/documents.ts';
import { newRequest } from '../../../bot/requests/group.ts';
import { inputOf } from '../../../bot/requests/submit.ts';

const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));
const names = Object.keys(DOCUMENTS) as DocumentName[];

describe('the bot and schema.graphql', () => {
  it.each(names)('agree on the document %s', (name) => {
    expect(validate(schema, parse(DOCUMENTS[name]))).toEqual([]);
  });

  it.each(names)('agree on what may answer %s, nulls and every name included', (name) => {
    const answers = answersTo(DOCUMENTS[name]);
    expect(answers.length).toBeGreaterThan(/^(job|createJob|cancelJob|jobProgress)$/.test(name) ? 20 : 0);
    for (const answer of answers) expect(ANSWERS[name].parse(answer)).toEqual(answer);
  });

  it('agree on the input of createJob', () => {
    const request = newRequest({
      key: 'k',
      fromJob: 'j',
      choice: { durationSeconds: 3, resolution: 'P360', motion: 'PAN_L', fit: 'CONTAIN' },
    });
    for (const input of [inputOf(request), inputOf({ ...request, fromJob: undefined, uploadId: 'u', choice: {} })]) {
      expect(() => coerceInputValue(input, schema.getType('CreateJobInput') as Parameters<typeof coerceInputValue>[1])).not.toThrow();
    }
  });

  it('a document that asks for what is not there is found out', () => {
    expect(validate(schema, parse('query { job(id: 1) { colour } }'))).not.toEqual([]);
  });
});

/** Answers in which each nullable field is null once, and each enum has each of its values once. */
function answersTo(document: string): unknown[] {
  let answers: unknown[] = [];
  const info = new TypeInfo(schema);
  visit(
    parse(document),
    visitWithTypeInfo(info, {
      OperationDefinition(operation) {
        answers = objects(info.getType() as GraphQLOutputType, operation.selectionSet);
      },
    }),
  );
  return answers;
}

function objects(type: GraphQLOutputType, selection: SelectionSetNode): Record<string, unknown>[] {
  if (!isObjectType(type)) throw new Error(`${String(type)} is no object`);
  const fields = selection.selections.map((node) => {
    if (node.kind !== 'Field') throw new Error('only fields are used');
    return { name: node.name.value, values: values(type.getFields()[node.name.value]!.type, node.selectionSet) };
  });
  const first = Object.fromEntries(fields.map(({ name, values: [value] }) => [name, value]));
  return [first, ...fields.flatMap(({ name, values: [, ...others] }) => others.map((value) => ({ ...first, [name]: value })))];
}

function values(type: GraphQLOutputType, selection: SelectionSetNode | undefined): unknown[] {
  if (isNonNullType(type)) return values(type.ofType as GraphQLOutputType, selection).filter((value) => value !== null);
  if (isListType(type)) return [[...values(type.ofType as GraphQLOutputType, selection)], null];
  if (isEnumType(type)) return [...type.getValues().map(({ value }) => value as unknown), null];
  if (isObjectType(type)) return [...objects(type, selection!), null];
  return [SCALARS[String(type)], null];
}

const SCALARS: Record<string, unknown> = {
  ID: 'id',
  String: 'https://example.org/x',
  Int: 1,
  Float: 1.5,
  Boolean: true,
  DateTimeISO: '2026-01-31T12:00:00.000Z',
};
