/** Fields of the API that are derived from rows. */
import { frameCount, FRAMES_PER_SECOND, frameSize } from '../../catalog/catalog.ts';
import { adviceFor, AppError, ERRORS } from '../../jobs/errors.ts';
import type { Job } from '../../jobs/job.ts';
import { checkText, CLIENT_REF_MAX } from '../../jobs/options.ts';
import { isUuid, type Cursor, type JobFilter } from '../../jobs/store.ts';
import type { LinkSigner } from '../http/links.ts';
import type { JobErrorType, JobResultType } from './types/job.ts';

/** Lifetime of a link to a preview, in milliseconds; every event brings a new link. */
const PREVIEW_LINK_MS = 3_600_000;

/** Why a job failed, or why its last attempt did; null in every other status. */
export function toError({ status, errorCode, errorMessage }: Job): JobErrorType | null {
  if (!errorCode || (status !== 'FAILED' && status !== 'RETRYING')) return null;
  return { code: errorCode, message: errorMessage ?? ERRORS[errorCode].message, ...adviceFor(errorCode) };
}

/** The finished video; null unless the job is COMPLETED. */
export function toResult(row: Job, links: LinkSigner): JobResultType | null {
  if (row.status !== 'COMPLETED' || row.sizeBytes === null || row.sha256 === null || row.renderSeconds === null) return null;
  const { durationSeconds } = row.options;
  const link = (kind: 'videos' | 'posters') =>
    row.filesKept && row.expiresAt ? { url: links.url(kind, row.id, row.expiresAt), urlExpiresAt: row.expiresAt } : null;
  return {
    video: link('videos'),
    poster: link('posters'),
    ...frameSize(row.options),
    frameCount: frameCount(durationSeconds),
    framesPerSecond: FRAMES_PER_SECOND,
    durationSeconds,
    sizeBytes: row.sizeBytes,
    sha256: row.sha256,
    renderSeconds: row.renderSeconds,
  };
}

export function previewUrl(row: Job, links: LinkSigner): string | null {
  if (row.status !== 'PROCESSING' || !row.previewAt) return null;
  return links.url('previews', row.id, new Date(row.previewAt.getTime() + PREVIEW_LINK_MS), String(row.previewAt.getTime()));
}

/** The position of a job in a list, opaque to clients. */
export function toCursor({ createdAt, id }: Cursor): string {
  return Buffer.from(`${createdAt.toISOString()} ${id}`).toString('base64url');
}

/** Whether PostgreSQL can store a time. In these years its calendar agrees with JavaScript's. */
const isStorable = (time: Date): boolean => time.getTime() >= 0 && time.getUTCFullYear() < 10_000;

/**
 * Checks that the database can apply a filter.
 * @throws AppError BAD_INPUT
 */
export function checkFilter(filter: JobFilter): JobFilter {
  checkText('filter.clientRef', filter.clientRef, CLIENT_REF_MAX);
  if (filter.createdAfter && !isStorable(filter.createdAfter)) {
    throw new AppError('BAD_INPUT', 'filter.createdAfter must lie in the years 1970 to 9999.', { field: 'filter.createdAfter' });
  }
  return filter;
}

/** @throws AppError BAD_INPUT */
export function fromCursor(text: string): Cursor {
  const [time = '', id = ''] = Buffer.from(text, 'base64url').toString().split(' ');
  const createdAt = new Date(time);
  if (!isStorable(createdAt) || !isUuid(id)) {
    throw new AppError('BAD_INPUT', 'after is not a cursor; use the value of pageInfo.endCursor.', { field: 'after' });
  }
  return { createdAt, id };
}
