import 'reflect-metadata';
import { GraphQLInputObjectType, lexicographicSortSchema, printSchema, type GraphQLSchema } from 'graphql';
import { buildSchema, type PubSub } from 'type-graphql';
import { HealthResolver } from './resolvers/health.ts';
import { JobFieldsResolver, JobOptionsResolver, JobsResolver } from './resolvers/jobs.ts';
import { OptionsResolver } from './resolvers/options.ts';

// TypeGraphQL reads types from decorated classes that nothing constructs, so each field of such a class carries a definite-assignment
// assertion (`!`) instead of a default value.

/** TypeGraphQL requires a PubSub for subscriptions, although ours has its own stream of events (JobWatcher). */
const NO_TOPICS: PubSub = {
  publish() {},
  subscribe() {
    throw new Error('subscriptions use JobWatcher');
  },
};

/** The executable schema. */
export async function createSchema(): Promise<GraphQLSchema> {
  const schema = await buildSchema({
    resolvers: [JobsResolver, JobFieldsResolver, JobOptionsResolver, OptionsResolver, HealthResolver],
    validate: false,
    pubSub: NO_TOPICS,
  });
  // TypeGraphQL has no decorator for @oneOf; graphql validates and prints it once it is set.
  for (const name of ['ImageInput', 'TuningInput']) {
    const type = schema.getType(name);
    if (type instanceof GraphQLInputObjectType) type.isOneOf = true;
  }
  describe(schema);
  return schema;
}

/** Describes types that cannot be described with TypeGraphQL, or that a library describes poorly. */
function describe(schema: GraphQLSchema): void {
  const descriptions = {
    Query: 'Reads jobs, available options and the state of the installation.',
    Mutation: 'Creates, cancels, retries and deletes jobs.',
    Subscription: 'Follows jobs.',
    DateTimeISO: 'A time in ISO 8601, in UTC, such as 2026-01-31T12:00:00.000Z.',
  };
  for (const [name, description] of Object.entries(descriptions)) schema.getType(name)!.description = description;
}

/** The content of schema.graphql. */
export async function printedSchema(): Promise<string> {
  return `# Printed from src/api by "npm run generate". Do not edit.\n\n${printSchema(lexicographicSortSchema(await createSchema()))}\n`;
}
