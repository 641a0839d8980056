import { Arg, Ctx, FieldResolver, Float, ID, Int, Mutation, Query, Resolver, Root, Subscription } from 'type-graphql';
import type { Stage } from '../../../catalog/catalog.ts';
import type { RenderOptions } from '../../../catalog/engines.ts';
import { createJob, jobPhoto, retryJob, uploadedPhoto } from '../../../jobs/create.ts';
import { cancelJob } from '../../../jobs/cancel.ts';
import { deleteJob, deleteOwner } from '../../../jobs/delete.ts';
import { AppError } from '../../../jobs/errors.ts';
import { outlook, type Outlook } from '../../../jobs/estimates.ts';
import type { Job } from '../../../jobs/job.ts';
import type { QueueView } from '../../../jobs/queue-lines.ts';
import { isUuid } from '../../../jobs/store.ts';
import type { FollowedJob } from '../../progress/watch.ts';
import { holdPhoto, type HeldPhoto } from '../../http/uploads.ts';
import { findOwnJob, ownJob, type RequestContext } from '../context.ts';
import { StageEnum } from '../types/enums.ts';
import { BASE64_MAX_BYTES, CreateJobInput, JobFilterInput, type ImageInput } from '../types/inputs.ts';
import { JobConnection, JobErrorType, JobOptionsType, JobPhotoType, JobProgressType, JobResultType, JobType } from '../types/job.ts';
import { toTuningType, TuningUnion } from '../types/tuning.ts';
import { checkFilter, fromCursor, previewUrl, toCursor, toError, toResult } from '../view.ts';

const PAGE_MAX = 100;

@Resolver()
export class JobsResolver {
  @Query(() => JobType, { nullable: true, description: 'One of your jobs; null if it does not exist.' })
  async job(@Arg('id', () => ID, { description: "The job's id." }) id: string, @Ctx() context: RequestContext): Promise<Job | null> {
    return await findOwnJob(context, id);
  }

  @Query(() => JobConnection, { description: 'Your jobs, newest first.' })
  async jobs(
    @Arg('first', () => Int, { defaultValue: 20, description: 'Size of the page, 1–100.' }) first: number,
    @Arg('after', () => String, { nullable: true, description: 'The endCursor of the previous page.' })
    after: string | null,
    @Arg('filter', () => JobFilterInput, { nullable: true, description: 'Restricts the list.' }) filter: JobFilterInput | null,
    @Ctx() { api, caller }: RequestContext,
  ): Promise<JobConnection> {
    if (first < 1 || first > PAGE_MAX)
      throw new AppError('BAD_INPUT', `first is ${first}; it must lie between 1 and ${PAGE_MAX}.`, { field: 'first' });
    const rows = await api.jobs.page(caller.owner, first + 1, after == null ? null : fromCursor(after), checkFilter(filter ?? {}));
    const edges = rows.slice(0, first).map((row) => ({ cursor: toCursor(row), node: row }));
    return {
      edges,
      nodes: edges.map(({ node }) => node),
      pageInfo: { hasNextPage: rows.length > first, endCursor: edges.at(-1)?.cursor ?? null },
    };
  }

  @Mutation(() => JobType, { description: 'Creates a render job from a photo. Follow it with the subscription jobProgress.' })
  async createJob(
    @Arg('input', () => CreateJobInput, { description: 'The photo and the options of the video.' }) input: CreateJobInput,
    @Ctx() context: RequestContext,
  ): Promise<Job> {
    const { api, caller } = context;
    const { photo, release } = await photoOf(context, input.image);
    try {
      return await createJob(api, caller, input, photo);
    } finally {
      await release();
    }
  }

  @Mutation(() => JobType, {
    description: 'Cancels a waiting or running job. It is CANCELLED at once; the renderer stops at its next frame or step.',
  })
  async cancelJob(@Arg('id', () => ID, { description: "The job's id." }) id: string, @Ctx() context: RequestContext): Promise<Job> {
    return await cancelJob(context.api, await ownJob(context, id));
  }

  @Mutation(() => JobType, {
    description:
      'Retries a failed or cancelled job: creates a new job with the same photo, options and seed, whose retryOf is the old job.',
  })
  async retryJob(
    @Arg('id', () => ID, { description: 'The failed or cancelled job.' }) id: string,
    @Ctx() context: RequestContext,
  ): Promise<Job> {
    return await retryJob(context.api, context.caller, await ownJob(context, id));
  }

  @Mutation(() => ID, {
    description: 'Deletes a job with its photo and video, and cancels it first if it is unfinished. Returns its id.',
  })
  async deleteJob(@Arg('id', () => ID, { description: "The job's id." }) id: string, @Ctx() context: RequestContext): Promise<string> {
    await deleteJob(context.api, await ownJob(context, id));
    return id;
  }

  @Mutation(() => Int, { description: 'Deletes all your jobs, uploads and files. Returns the number of jobs.' })
  async deleteMyData(@Ctx() { api, caller }: RequestContext): Promise<number> {
    return await deleteOwner(api, caller.owner);
  }

  @Subscription(() => JobProgressType, {
    description:
      'Delivers the current state of a job at once, then its changes, and completes when the job has finished. A client that reconnects gets the latest state.',
    subscribe: async ({ context, args }: { context: RequestContext; args: { id: string } }) => {
      const { id } = await ownJob(context, args.id);
      return context.api.watcher.follow(id);
    },
  })
  jobProgress(
    @Root() { job, view }: FollowedJob,
    @Arg('id', () => ID, { description: "The job's id." }) _id: string,
    @Ctx() { api }: RequestContext,
  ): JobProgressType {
    return { revision: job.revision, job: withView(job, view), previewUrl: previewUrl(job, api.links) };
  }
}

@Resolver(() => JobOptionsType)
export class JobOptionsResolver {
  @FieldResolver(() => TuningUnion, { nullable: true, description: 'Options of the engine; null if it has none.' })
  tuning(@Root() options: RenderOptions): object | null {
    return toTuningType(options);
  }
}

@Resolver(() => JobType)
export class JobFieldsResolver {
  /** Position and remaining time of a job come from one query, even if both are requested. */
  readonly #outlooks = new WeakMap<Job, Promise<Outlook>>();

  @FieldResolver(() => JobPhotoType, { description: 'The photo that the video is made from.' })
  photo(@Root() { photoWidth, photoHeight }: Job): JobPhotoType {
    return { width: photoWidth, height: photoHeight };
  }

  @FieldResolver(() => StageEnum, { nullable: true, description: 'What the render is doing; null unless PROCESSING.' })
  stage(@Root() { status, stage }: Job): Stage | null {
    return status === 'PROCESSING' ? stage : null;
  }

  @FieldResolver(() => JobErrorType, {
    nullable: true,
    description: 'Why the job failed, or why its last attempt did while it is RETRYING.',
  })
  error(@Root() job: Job): JobErrorType | null {
    return toError(job);
  }

  @FieldResolver(() => Int, {
    nullable: true,
    description: 'Position among all jobs that wait for the same engine; 1 is next. Null unless QUEUED.',
  })
  async queuePosition(@Root() job: Job, @Ctx() context: RequestContext): Promise<number | null> {
    return (await this.#outlook(job, context)).queuePosition;
  }

  @FieldResolver(() => Float, {
    nullable: true,
    description: 'Estimated seconds until the video is ready, including the wait; null once the job has finished.',
  })
  async estimatedSecondsRemaining(@Root() job: Job, @Ctx() context: RequestContext): Promise<number | null> {
    const { secondsRemaining } = await this.#outlook(job, context);
    return secondsRemaining === null ? null : Math.round(secondsRemaining * 10) / 10;
  }

  @FieldResolver(() => JobResultType, { nullable: true, description: 'The finished video; null unless COMPLETED.' })
  result(@Root() job: Job, @Ctx() { api }: RequestContext): JobResultType | null {
    return toResult(job, api.links);
  }

  #outlook(job: Job, context: RequestContext): Promise<Outlook> {
    const known = this.#outlooks.get(job) ?? readOutlook(job, context);
    this.#outlooks.set(job, known);
    return known;
  }
}

/** Lines that were read together with a job, for the fields that need them. */
const views = new WeakMap<Job, QueueView>();

/** A copy of `job` whose queue fields are resolved from `view`. */
function withView(job: Job, view: QueueView | null): Job {
  const copy = { ...job };
  if (view) views.set(copy, view);
  return copy;
}

async function readOutlook(job: Job, { api, startedAt }: RequestContext): Promise<Outlook> {
  switch (job.status) {
    case 'QUEUED': {
      const view = views.get(job);
      if (view) return outlook(job, view, job.createdAt);
      const line = await api.lines.read(job.engine, startedAt);
      // A job that this operation created may be younger than the shared line.
      return outlook(job, line.positions.has(job.id) ? line : await api.lines.read(job.engine, performance.now()), job.createdAt);
    }
    case 'PROCESSING':
    case 'RETRYING':
      return outlook(job, null, await api.jobs.now());
    default:
      return outlook(job, null, job.createdAt);
  }
}

/** The photo of a request; the caller releases it once the job has its own copy. */
async function photoOf(context: RequestContext, image: ImageInput): Promise<HeldPhoto> {
  const { api, caller } = context;
  const keep = async () => {};
  if (image.uploadId != null) {
    if (!isUuid(image.uploadId)) throw new AppError('UPLOAD_NOT_FOUND', undefined, { field: 'image.uploadId' });
    return { photo: await uploadedPhoto(api, caller.owner, image.uploadId), release: keep };
  }
  if (image.jobId != null) {
    const earlier = await findOwnJob(context, image.jobId);
    if (!earlier) throw new AppError('NOT_FOUND', 'The job does not exist, or it has another owner.', { field: 'image.jobId' });
    return { photo: jobPhoto(earlier), release: keep };
  }
  return await holdPhoto(decodeBase64(image.base64 ?? ''), api.intake);
}

function decodeBase64(text: string): Buffer {
  const field = { field: 'image.base64' };
  const body = text.replace(/^data:[^,]{0,100};base64,/, '').replaceAll(/\s/g, '');
  if (!/^[\w+/-]+={0,2}$/.test(body)) throw new AppError('BAD_INPUT', 'image.base64 is not base64.', field);
  const bytes = Buffer.from(body, 'base64');
  if (bytes.length > BASE64_MAX_BYTES) {
    throw new AppError(
      'IMAGE_TOO_LARGE',
      `The photo has ${bytes.length} bytes; at most ${BASE64_MAX_BYTES} are accepted inside a request. Send it to POST /uploads and use the uploadId.`,
      field,
    );
  }
  return bytes;
}
