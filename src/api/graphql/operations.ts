/** What one GraphQL operation may ask for, over HTTP and WebSocket alike: an operation is small text, and it must be small work too. */
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

/** Words and signs in one document; GraphiQL's own questions about the schema have some 500. */
export const MAX_TOKENS = 2_000;
const MAX_ROOT_FIELDS = 20;

/** Validation rule: an operation does not ask for the same thing a thousand times under a thousand names. */
export function limitRootFields(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition(operation) {
      const count = countFields(operation.selectionSet, context, new Set());
      if (count > MAX_ROOT_FIELDS) {
        context.reportError(
          new GraphQLError(`The operation has ${count} fields at its top; at most ${MAX_ROOT_FIELDS} are allowed.`, { nodes: operation }),
        );
      }
    },
  };
}

/** As graphql collects them: a fragment counts once, however often it is spread. */
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
 * An operation's text as a document that may be executed.
 * @throws GraphQLError if it is no GraphQL or too long
 * @returns the document, or everything that the schema or the limits have against it
 */
export function readOperation(schema: GraphQLSchema, text: string): DocumentNode | readonly GraphQLError[] {
  const document = parse(text, { maxTokens: MAX_TOKENS });
  const errors = validate(schema, document, [...specifiedRules, limitRootFields]);
  return errors.length > 0 ? errors : document;
}
