/** The tabs that a new user finds: what can be requested, creating a video, following its progress. */
import { DOCUMENTS } from '../../../client/documents.ts';

export interface Tab {
  readonly query: string;
  readonly variables?: string;
}

/** @param examplePhoto a data URL */
export function defaultTabs(uploadsUrl: string, examplePhoto: string): [Tab, Tab, Tab] {
  const input = {
    image: { base64: examplePhoto },
    motion: 'DOLLY_IN',
    resolution: 'P360',
    durationSeconds: 3,
    orientation: 'AUTO',
    fit: 'AUTO',
  };
  return [
    { query: OPTIONS_COMMENT + DOCUMENTS.options },
    { query: createJobComment(uploadsUrl) + DOCUMENTS.createJob, variables: json({ input }) },
    { query: PROGRESS_COMMENT + DOCUMENTS.jobProgress, variables: json({ id: '' }) },
  ];
}

const json = (value: unknown): string => JSON.stringify(value, null, 2);

const OPTIONS_COMMENT = `# FanslyMotion turns a still photo into a short video.
#
# Run this (Ctrl-Enter) to see what can be requested,
# then continue with the next tab. Ctrl-Space completes;
# the book icon on the left explains every field.

`;

const createJobComment = (uploadsUrl: string): string => `# Creates a video from the small photo under Variables,
# which is included as base64. To use a photo of your
# own, upload it first:
#
#   curl -F photo=@photo.jpg \\
#     ${uploadsUrl}
#
# (with API keys, add -H "Authorization: Bearer <key>")
# and put the id from the response under Variables:
#
#   "image": { "uploadId": "…" }
#
# Run this, then continue with the next tab.

`;

const PROGRESS_COMMENT = `# Follows a job to its end; the last event carries the
# link to the video. Put the id of the job under
# Variables, or leave it empty to follow the job that
# you created last.

`;
