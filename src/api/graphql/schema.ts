import 'reflect-metadata';
import { GraphQLInputObjectType, lexicographicSortSchema, printSchema, type GraphQLSchema } from 'graphql';
import { buildSchema, type PubSub } from 'type-graphql';
import { HealthResolver } from './resolvers/health.ts';
import { JobFieldsResolver, JobOptionsResolver, JobsResolver } from './resolvers/jobs.ts';
import { OptionsResolver } from './resolvers/options.ts';

// TypeGraphQL reads types from decorated classes that nothing constructs, so each field of such a class carries a definite-assignment
// assertion (`!`) instead of a default value.

/** TypeGraphQL asks for one wherever there is a subscription; ours brings its own stream of events (JobWatcher). */
const NO_TOPICS: PubSub = {
  publish() {},
  subscribe() {
    throw new Error('subscriptions have streams of their own');
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

/** What TypeGraphQL has no place for, or a library says badly. */
function describe(schema: GraphQLSchema): void {
  const descriptions = {
    Query: 'What there is: jobs, what can be asked for, and how the installation is.',
    Mutation: 'What can be done: have a video made of a photo, cancel it, try it again, delete it.',
    Subscription: 'What happens: a job from now to its end.',
    DateTimeISO: 'A time in ISO 8601, in UTC, such as 2026-01-31T12:00:00.000Z.',
  };
  for (const [name, description] of Object.entries(descriptions)) schema.getType(name)!.description = description;
}

/** What stands in schema.graphql. */
export async function printedSchema(): Promise<string> {
  return `# Printed from src/api by "npm run generate". Do not edit.\n\n${printSchema(lexicographicSortSchema(await createSchema()))}\n`;
}
