/** The tabs a newcomer finds: what there is, make a video, watch it being made. */
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
    { query: OPTIONS },
    { query: createJob(uploadsUrl), variables: json({ input }) },
    { query: PROGRESS, variables: json({ id: '' }) },
  ];
}

const json = (value: unknown): string => JSON.stringify(value, null, 2);

const OPTIONS = `# FanslyMotion turns a still photo into a short video.
#
# Run this (Ctrl-Enter) to see what you can ask for,
# then go on to the next tab. Ctrl-Space completes;
# the book on the left explains every field.

query Options {
  options {
    motions { name description bestFor isDefault }
    resolutions { name width height description }
    durations { seconds frameCount isDefault }
    engines { name description available }
    limits { photoMaxBytes photoFormats queueLimit }
    estimates {
      engine resolution durationSeconds seconds
    }
  }
}
`;

const createJob = (uploadsUrl: string): string => `# Makes a video of the small photo that lies in the
# Variables below as base64. For a photo of your own,
# upload it first:
#
#   curl -F photo=@photo.jpg \\
#     ${uploadsUrl}
#
# (with API keys add -H "Authorization: Bearer <key>")
# and name what it answers under Variables:
#
#   "image": { "uploadId": "…" }
#
# Run it, then go on to the next tab and watch.

mutation CreateJob($input: CreateJobInput!) {
  createJob(input: $input) {
    id
    status
    queuePosition
    estimatedSecondsRemaining
    options { engine motion seed }
  }
}
`;

const PROGRESS = `# Follows a job to its end; the last piece of news
# carries the link to the video. Put the job's id under
# Variables, or leave it empty to follow the job that
# you created last.

subscription JobProgress($id: ID!) {
  jobProgress(id: $id) {
    revision
    previewUrl
    job {
      id
      status
      stage
      percent
      queuePosition
      estimatedSecondsRemaining
      error { code message hint }
      result { renderSeconds video { url } poster { url } }
    }
  }
}
`;
