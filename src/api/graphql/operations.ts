/** Limits on the size of a GraphQL operation, over HTTP and WebSocket, so that a small request cannot cause a lot of work. */
import {
  GraphQLError,
  parse,
  specifiedRules,
  validate,
  type ASTVisitor,
  type DocumentNode,
  type GraphQLSchema,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql';

/** Tokens in one document; the introspection query of GraphiQL has about 500. */
export const MAX_TOKENS = 2_000;
const MAX_ROOT_FIELDS = 20;

/** Validation rule: limits the number of root fields, since one field can be requested many times under different aliases. */
export function limitRootFields(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition(operation) {
      const count = countFields(operation.selectionSet, context, new Set());
      if (count > MAX_ROOT_FIELDS) {
        context.reportError(
          new GraphQLError(`The operation has ${count} root fields; at most ${MAX_ROOT_FIELDS} are allowed.`, { nodes: operation }),
        );
      }
    },
  };
}

/** Counts fields as graphql collects them: a fragment counts once, however often it is spread. */
function countFields({ selections }: SelectionSetNode, context: ValidationContext, seen: Set<string>): number {
  let count = 0;
  for (const selection of selections) {
    if (selection.kind === 'Field') count += 1;
    else if (selection.kind === 'InlineFragment') count += countFields(selection.selectionSet, context, seen);
    else if (!seen.has(selection.name.value)) {
      seen.add(selection.name.value);
      const fragment = context.getFragment(selection.name.value);
      if (fragment) count += countFields(fragment.selectionSet, context, seen);
    }
  }
  return count;
}

/**
 * Parses and validates an operation.
 * @throws GraphQLError if the text is not GraphQL or too long
 * @returns the document, or the errors of validation
 */
export function readOperation(schema: GraphQLSchema, text: string): DocumentNode | readonly GraphQLError[] {
  const document = parse(text, { maxTokens: MAX_TOKENS });
  const errors = validate(schema, document, [...specifiedRules, limitRootFields]);
  return errors.length > 0 ? errors : document;
}
