/**
 * Every GraphQL operation of the project's clients: the bot, the command line, GraphiQL's tabs and the tests. `npm run generate` prints
 * the types of their variables and results to generated.ts.
 */
import { enginesWithTuning } from '../catalog/engines.ts';
import { tuningFields } from '../catalog/tuning.ts';

/** The tuning of every engine. */
const TUNING_FIELDS = enginesWithTuning()
  .map(({ key, tuning }) => {
    const fields = tuningFields(tuning).map(({ name }) => name);
    return `... on ${key[0]!.toUpperCase()}${key.slice(1)}Tuning { ${fields.join(' ')} }`;
  })
  .join('\n      ');

const JOB_FIELDS = `fragment JobFields on Job {
  id
  status
  stage
  percent
  step
  totalSteps
  queuePosition
  estimatedSecondsRemaining
  attempt
  maxAttempts
  nextAttemptAt
  clientRef
  retryOf
  photo { width height }
  createdAt
  startedAt
  finishedAt
  expiresAt
  options {
    engine
    resolution
    orientation
    fit
    crop { x y width height }
    motion
    durationSeconds
    seed
    tuning {
      __typename
      ${TUNING_FIELDS}
    }
  }
  error { code message hint fault retry }
  result {
    video { url urlExpiresAt }
    poster { url }
    width
    height
    frameCount
    framesPerSecond
    durationSeconds
    sizeBytes
    sha256
    renderSeconds
  }
}
`;

export const DOCUMENTS = {
  options: `query Options {
  options {
    motions { name description bestFor isDefault }
    resolutions { name width height description isDefault }
    durations { seconds frameCount isDefault }
    fits { name description isDefault }
    engines { name description available followsMotion }
    limits { photoMaxBytes photoFormats queueLimit filesKeptHours jobsKeptDays }
    estimates { engine resolution durationSeconds seconds }
  }
}
`,
  job: `query Job($id: ID!) {
  job(id: $id) { ...JobFields }
}

${JOB_FIELDS}`,
  jobs: `query Jobs($first: Int!, $after: String, $filter: JobFilter) {
  jobs(first: $first, after: $after, filter: $filter) {
    nodes { ...JobFields }
    pageInfo { hasNextPage endCursor }
  }
}

${JOB_FIELDS}`,
  createJob: `mutation CreateJob($input: CreateJobInput!) {
  createJob(input: $input) { ...JobFields }
}

${JOB_FIELDS}`,
  cancelJob: `mutation CancelJob($id: ID!) {
  cancelJob(id: $id) { ...JobFields }
}

${JOB_FIELDS}`,
  deleteJob: `mutation DeleteJob($id: ID!) {
  deleteJob(id: $id)
}
`,
  deleteMyData: `mutation DeleteMyData {
  deleteMyData
}
`,
  jobProgress: `subscription JobProgress($id: ID!) {
  jobProgress(id: $id) {
    revision
    previewUrl
    job { ...JobFields }
  }
}

${JOB_FIELDS}`,
} as const;

export type DocumentName = keyof typeof DOCUMENTS;
