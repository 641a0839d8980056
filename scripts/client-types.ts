/** Prints src/client/generated.ts: schemas and types of what the client's documents send and receive. */
import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredInputField,
  isUnionType,
  Kind,
  parse,
  typeFromAST,
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLEnumType,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLNamedOutputType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';

/** Enums whose values control what a client does. All others are only displayed, so a client accepts values that it does not know. */
const CLOSED = new Set(['JobStatus', 'ErrorFault', 'ErrorRetry']);

const SCALARS: Readonly<Record<string, readonly [schema: string, type: string]>> = {
  ID: ['z.string()', 'string'],
  String: ['z.string()', 'string'],
  DateTimeISO: ['z.string()', 'string'],
  Int: ['z.number()', 'number'],
  Float: ['z.number()', 'number'],
  Boolean: ['z.boolean()', 'boolean'],
};

/** @param documents valid documents of `schema`, by name */
export function clientTypes(schema: GraphQLSchema, documents: Readonly<Record<string, string>>): string {
  return new Printer(schema).print(documents);
}

class Printer {
  readonly #schema: GraphQLSchema;
  readonly #enums = new Map<string, string>();
  readonly #inputs = new Map<string, string>();
  readonly #fragments = new Map<string, string>();

  constructor(schema: GraphQLSchema) {
    this.#schema = schema;
  }

  print(documents: Readonly<Record<string, string>>): string {
    const results: string[] = [];
    const variables: string[] = [];
    for (const [name, text] of Object.entries(documents)) {
      const document = parse(text);
      for (const definition of document.definitions) if (definition.kind === Kind.FRAGMENT_DEFINITION) this.#fragment(definition);
      const operation = operationOf(document);
      const root = this.#schema.getRootType(operation.operation)!;
      results.push(`  ${name}: ${this.#object(root, operation.selectionSet, '  ')},`);
      variables.push(`  readonly ${name}: ${this.#variables(operation)};`);
    }
    return `/** Printed from schema.graphql and documents.ts by "npm run generate". Do not edit. */
import { z } from 'zod';
import { open, otherThan, type Open } from './open.ts';

${[...this.#enums.values(), ...this.#inputs.values()].join('\n\n')}

${[...this.#fragments.values()].join('\n\n')}

/** Schema of the \`data\` in each document's response. */
export const RESULT_SCHEMAS = {
${results.join('\n')}
} as const;

export type ResultOf<N extends keyof typeof RESULT_SCHEMAS> = z.output<(typeof RESULT_SCHEMAS)[N]>;

/** The variables of each document. */
export interface Variables {
${variables.join('\n')}
}
`;
  }

  #fragment({ name, typeCondition, selectionSet }: FragmentDefinitionNode): void {
    if (this.#fragments.has(name.value)) return;
    const type = this.#schema.getType(typeCondition.name.value) as GraphQLObjectType;
    const schema = `export const ${name.value} = ${this.#object(type, selectionSet, '')};`;
    this.#fragments.set(name.value, `${schema}\n\nexport type ${name.value} = z.infer<typeof ${name.value}>;`);
  }

  #object(type: GraphQLObjectType, { selections }: SelectionSetNode, indent: string): string {
    const fields: string[] = [];
    const spreads: string[] = [];
    for (const selection of selections) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) spreads.push(selection.name.value);
      else if (selection.kind === Kind.FIELD) {
        const name = selection.name.value;
        const schema =
          name === '__typename'
            ? `z.literal('${type.name}')`
            : this.#output(type.getFields()[name]!.type, selection.selectionSet, `${indent}  `);
        fields.push(`${indent}  ${selection.alias?.value ?? name}: ${schema},`);
      } else throw new Error(`inline fragments are only supported in unions, not in ${type.name}`);
    }
    const own = `{\n${fields.join('\n')}\n${indent}}`;
    const [fragment, second] = spreads;
    if (second !== undefined) throw new Error(`only one fragment is supported in a selection of ${type.name}`);
    if (fragment === undefined) return `z.object(${own})`;
    return fields.length === 0 ? fragment : `${fragment}.extend(${own})`;
  }

  /** One object per selected member; a client accepts members that it does not know. */
  #union(selectionSet: SelectionSetNode, indent: string): string {
    const known: string[] = [];
    const members = selectionSet.selections.flatMap((selection) => {
      if (selection.kind !== Kind.INLINE_FRAGMENT) return [];
      const name = selection.typeCondition!.name.value;
      known.push(`'${name}'`);
      const object = this.#object(this.#schema.getType(name) as GraphQLObjectType, selection.selectionSet, `${indent}  `);
      return [`${indent}  ${object.replace('z.object({', `z.object({\n${indent}    __typename: z.literal('${name}'),`)},`];
    });
    return `z.union([\n${members.join('\n')}\n${indent}  otherThan(${known.join(', ')}),\n${indent}])`;
  }

  #output(type: GraphQLOutputType, selectionSet: SelectionSetNode | undefined, indent: string): string {
    if (isNonNullType(type)) return this.#present(type.ofType as GraphQLOutputType, selectionSet, indent);
    return `${this.#present(type, selectionSet, indent)}.nullable()`;
  }

  #present(type: GraphQLOutputType, selectionSet: SelectionSetNode | undefined, indent: string): string {
    if (isListType(type)) return `z.array(${this.#output(type.ofType as GraphQLOutputType, selectionSet, indent)})`;
    const named = getNamedType(type) as GraphQLNamedOutputType;
    if (isObjectType(named)) return this.#object(named, selectionSet!, indent);
    if (isUnionType(named)) return this.#union(selectionSet!, indent);
    if (!isEnumType(named)) return scalar(named.name)[0];
    this.#enum(named);
    return CLOSED.has(named.name) ? named.name : `open<${named.name}>()`;
  }

  #enum(type: GraphQLEnumType): void {
    const values = type.getValues().map(({ name }) => `'${name}'`);
    this.#enums.set(
      type.name,
      CLOSED.has(type.name)
        ? `export const ${type.name} = z.enum([${values.join(', ')}]);\n\nexport type ${type.name} = z.infer<typeof ${type.name}>;`
        : `export type ${type.name} = ${values.join(' | ')};`,
    );
  }

  #variables({ variableDefinitions = [] }: OperationDefinitionNode): string {
    if (variableDefinitions.length === 0) return 'Record<string, never>';
    const fields = variableDefinitions.map(({ variable, type, defaultValue }) => {
      const input = typeFromAST(this.#schema, type as never) as unknown as GraphQLInputType;
      return `readonly ${variable.name.value}${isNonNullType(input) && !defaultValue ? '' : '?'}: ${this.#input(input)}`;
    });
    return `{ ${fields.join('; ')} }`;
  }

  #input(type: GraphQLInputType): string {
    if (!isNonNullType(type)) return `${this.#presentInput(type)} | null`;
    return this.#presentInput(type.ofType as GraphQLInputType);
  }

  #presentInput(type: GraphQLInputType): string {
    if (isListType(type)) return `readonly (${this.#input(type.ofType as GraphQLInputType)})[]`;
    if (isInputObjectType(type)) {
      this.#inputObject(type);
      return type.name;
    }
    const name = getNamedType(type).name;
    if (!isEnumType(type)) return scalar(name)[1];
    this.#enum(type);
    return CLOSED.has(name) ? name : `Open<${name}>`;
  }

  #inputObject(type: GraphQLInputObjectType): void {
    if (this.#inputs.has(type.name)) return;
    this.#inputs.set(type.name, '');
    const fields = Object.values(type.getFields());
    const text = type.isOneOf
      ? `export type ${type.name} =\n${fields
          .map(({ name, type: field }) => `  | { readonly ${name}: ${this.#presentInput(field)} }`)
          .join('\n')};`
      : `export interface ${type.name} {\n${fields
          .map((field) => `  readonly ${field.name}${isRequiredInputField(field) ? '' : '?'}: ${this.#input(field.type)};`)
          .join('\n')}\n}`;
    this.#inputs.set(type.name, text);
  }
}

function scalar(name: string): readonly [schema: string, type: string] {
  const found = SCALARS[name];
  if (!found) throw new Error(`the scalar ${name} has no TypeScript type`);
  return found;
}

function operationOf({ definitions }: DocumentNode): OperationDefinitionNode {
  const operations = definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  if (operations.length !== 1) throw new Error('a document must contain exactly one operation');
  return operations[0]!;
}
