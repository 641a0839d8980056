/**
 * What the API answers, checked at the door. Names of motions, sizes, stages and errors stay open texts: an API that knows more of them
 * than this bot is no reason to fail. A test parses every answer that schema.graphql allows.
 */
import { z } from 'zod';
import type { DocumentName } from './documents.ts';
import { Fault, Retry } from './error.ts';

const Link = z.object({ url: z.url() }).nullable();

export const JobOptions = z.object({
  engine: z.string(),
  resolution: z.string(),
  orientation: z.string(),
  fit: z.string(),
  motion: z.string(),
  durationSeconds: z.number(),
  seed: z.number(),
});
export type JobOptions = z.infer<typeof JobOptions>;

export const Job = z.object({
  id: z.string(),
  status: z.enum(['QUEUED', 'PROCESSING', 'RETRYING', 'COMPLETED', 'FAILED', 'CANCELLED']),
  stage: z.string().nullable(),
  percent: z.number(),
  step: z.number().nullable(),
  totalSteps: z.number().nullable(),
  queuePosition: z.number().nullable(),
  estimatedSecondsRemaining: z.number().nullable(),
  attempt: z.number(),
  maxAttempts: z.number(),
  nextAttemptAt: z.string().nullable(),
  createdAt: z.string(),
  options: JobOptions,
  error: z.object({ code: z.string(), message: z.string(), hint: z.string(), fault: Fault, retry: Retry }).nullable(),
  result: z
    .object({ video: Link, poster: Link, width: z.number(), height: z.number(), durationSeconds: z.number(), sizeBytes: z.number() })
    .nullable(),
});
export type Job = z.infer<typeof Job>;

const described = { description: z.string(), isDefault: z.boolean() };

export const Options = z.object({
  resolutions: z.array(z.object({ name: z.string(), width: z.number(), height: z.number(), ...described })).nonempty(),
  durations: z.array(z.object({ seconds: z.number(), isDefault: z.boolean() })).nonempty(),
  motions: z.array(z.object({ name: z.string(), bestFor: z.string(), ...described })).nonempty(),
  fits: z.array(z.object({ name: z.string(), ...described })).nonempty(),
  limits: z.object({ filesKeptHours: z.number(), jobsKeptDays: z.number() }),
});
export type Options = z.infer<typeof Options>;

export const JobPage = z.object({
  nodes: z.array(Job),
  pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
});
export type JobPage = z.infer<typeof JobPage>;

/** The `data` that answers each document. */
export const ANSWERS = {
  options: z.object({ options: Options }),
  job: z.object({ job: Job.nullable() }),
  jobs: z.object({ jobs: JobPage }),
  createJob: z.object({ createJob: Job }),
  cancelJob: z.object({ cancelJob: Job }),
  deleteJob: z.object({ deleteJob: z.string() }),
  deleteMyData: z.object({ deleteMyData: z.number() }),
  jobProgress: z.object({ jobProgress: z.object({ job: Job }) }),
} as const satisfies Record<DocumentName, z.ZodType>;

export type Answer<N extends DocumentName> = z.output<(typeof ANSWERS)[N]>;

export const Upload = z.object({ id: z.string() });

export const isOver = ({ status }: Job): boolean => status === 'COMPLETED' || status === 'FAILED' || status === 'CANCELLED';
