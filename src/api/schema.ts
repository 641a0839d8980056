import 'reflect-metadata';
import { GraphQLInputObjectType, lexicographicSortSchema, printSchema, type GraphQLSchema } from 'graphql';
import { buildSchema, type PubSub } from 'type-graphql';
import { HealthResolver } from './resolvers/health.ts';
import { JobFieldsResolver, JobsResolver } from './resolvers/jobs.ts';
import { OptionsResolver } from './resolvers/options.ts';

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
    resolvers: [JobsResolver, JobFieldsResolver, OptionsResolver, HealthResolver],
    validate: false,
    pubSub: NO_TOPICS,
  });
  // TypeGraphQL has no decorator for it; graphql validates and prints it once it is set.
  const image = schema.getType('ImageInput');
  if (image instanceof GraphQLInputObjectType) image.isOneOf = true;
  return schema;
}

/** What stands in schema.graphql. */
export async function printedSchema(): Promise<string> {
  return `# Printed from src/api by "npm run generate". Do not edit.\n\n${printSchema(lexicographicSortSchema(await createSchema()))}\n`;
}
