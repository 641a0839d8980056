/** Everything the bot asks the API. A test holds each document against schema.graphql. */

/** The selection that `Job` (answers.ts) describes. */
const JOB = `
  id status stage percent step totalSteps queuePosition estimatedSecondsRemaining attempt maxAttempts nextAttemptAt createdAt
  options { engine resolution orientation fit motion durationSeconds seed }
  error { code message hint fault retry }
  result { video { url } poster { url } width height durationSeconds sizeBytes }`;

export const DOCUMENTS = {
  options: `query {
    options {
      resolutions { name width height description isDefault }
      durations { seconds isDefault }
      motions { name description bestFor isDefault }
      fits { name description isDefault }
      limits { filesKeptHours jobsKeptDays }
    }
  }`,
  job: `query ($id: ID!) { job(id: $id) { ${JOB} } }`,
  jobs: `query ($first: Int!, $after: String) {
    jobs(first: $first, after: $after) { nodes { ${JOB} } pageInfo { hasNextPage endCursor } }
  }`,
  createJob: `mutation ($input: CreateJobInput!) { createJob(input: $input) { ${JOB} } }`,
  cancelJob: `mutation ($id: ID!) { cancelJob(id: $id) { ${JOB} } }`,
  deleteJob: 'mutation ($id: ID!) { deleteJob(id: $id) }',
  deleteMyData: 'mutation { deleteMyData }',
  jobProgress: `subscription ($id: ID!) { jobProgress(id: $id) { job { ${JOB} } } }`,
} as const;

export type DocumentName = keyof typeof DOCUMENTS;
