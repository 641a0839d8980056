import { jobFiles } from '../../jobs/job.ts';
import type { JobStore } from '../../jobs/store.ts';
import type { StoredFile } from './downloads.ts';
import type { FileKind } from './links.ts';

/** The file behind a link, according to the row of its job; null if the job has no such file. */
export async function findFile(jobs: Pick<JobStore, 'find'>, kind: FileKind, id: string): Promise<StoredFile | null> {
  const job = await jobs.find(id);
  if (!job) return null;
  if (kind === 'previews') {
    if (!job.previewAt || job.status !== 'PROCESSING') return null;
    return {
      key: jobFiles.preview(id),
      etag: String(job.previewAt.getTime()),
      contentType: 'image/jpeg',
      fileName: `fanslymotion-${id.slice(0, 8)}-preview.jpg`,
      lastModified: job.previewAt,
    };
  }
  if (job.status !== 'COMPLETED' || !job.filesKept || !job.sha256) return null;
  const { motion, resolution } = job.options;
  const name = `fanslymotion-${motion.toLowerCase()}-${resolution.toLowerCase()}-${id.slice(0, 8)}`;
  const lastModified = job.finishedAt ?? job.createdAt;
  return kind === 'videos'
    ? { key: jobFiles.video(job), etag: job.sha256, contentType: 'video/mp4', fileName: `${name}.mp4`, lastModified }
    : { key: jobFiles.poster(job), etag: `${job.sha256}-poster`, contentType: 'image/jpeg', fileName: `${name}.jpg`, lastModified };
}
