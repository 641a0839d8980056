/** What the API answers, checked at the door. */
import { z } from 'zod';
import { names, STAGES } from '../../catalog/catalog.ts';
import { renderOptionsSchema } from '../../catalog/options.ts';
import { enginesWithTuning } from '../../catalog/engines.ts';
import { tuningFields } from '../../catalog/tuning.ts';
import { ERRORS, FAULTS, RETRIES } from '../../jobs/errors.ts';
import { JOB_STATUSES } from '../../jobs/job.ts';

/** Selection of the tuning of every engine. */
const TUNING_FIELDS = `tuning { ${enginesWithTuning()
  .map(
    ({ key, tuning }) =>
      `... on ${key[0]!.toUpperCase()}${key.slice(1)}Tuning { ${tuningFields(tuning)
        .map(({ name }) => name)
        .join(' ')} }`,
  )
  .join(' ')} }`;

/** The selection that `JobView` describes. */
export const JOB_FIELDS = `
  id status stage percent queuePosition estimatedSecondsRemaining attempt maxAttempts nextAttemptAt clientRef
  photo { width height }
  options { engine resolution orientation fit crop { x y width height } motion durationSeconds seed ${TUNING_FIELDS} }
  error { code message hint fault retry }
  result { video { url } width height frameCount framesPerSecond durationSeconds sizeBytes sha256 renderSeconds }`;

const Advice = z.object({ hint: z.string(), fault: z.enum(names(FAULTS)), retry: z.enum(names(RETRIES)) });

export const JobView = z.object({
  id: z.string(),
  status: z.enum(names(JOB_STATUSES)),
  stage: z.enum(names(STAGES)).nullable(),
  percent: z.number(),
  queuePosition: z.number().nullable(),
  estimatedSecondsRemaining: z.number().nullable(),
  attempt: z.number(),
  maxAttempts: z.number(),
  nextAttemptAt: z.iso.datetime().nullable(),
  clientRef: z.string().nullable(),
  photo: z.object({ width: z.number(), height: z.number() }),
  options: renderOptionsSchema,
  error: Advice.extend({ code: z.enum(names(ERRORS)), message: z.string() }).nullable(),
  result: z
    .object({
      video: z.object({ url: z.url() }).nullable(),
      width: z.number(),
      height: z.number(),
      frameCount: z.number(),
      framesPerSecond: z.number(),
      durationSeconds: z.number(),
      sizeBytes: z.number(),
      sha256: z.string(),
      renderSeconds: z.number(),
    })
    .nullable(),
});

export type JobView = z.infer<typeof JobView>;

export const Progress = z.object({ jobProgress: z.object({ job: JobView }) });
export const Upload = z.object({ id: z.string(), sha256: z.string() });
const RemoteError = z.object({
  message: z.string(),
  extensions: Advice.extend({ code: z.string() }).partial(),
});
/** GraphQL's way to say no. */
export const GraphQLErrors = z.object({ errors: z.array(RemoteError).nonempty() });
/** Everybody else's. */
export const HttpError = z.object({ error: Advice.extend({ code: z.string(), message: z.string() }) });
export const Answer = z.object({ data: z.record(z.string(), z.unknown()).nullish(), errors: z.array(RemoteError).nonempty().optional() });

/** JSON as a value; null for what is none. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Whether an answer comes from our API and not from something before it. */
export function isOurs(text: string): boolean {
  const body = parse(text);
  return HttpError.safeParse(body).success || GraphQLErrors.safeParse(body).success;
}
