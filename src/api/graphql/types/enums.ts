import { registerEnumType } from 'type-graphql';
import { FITS, MOTIONS, names, ORIENTATIONS, RESOLUTIONS, STAGES } from '../../../catalog/catalog.ts';
import { ENGINES } from '../../../catalog/engines.ts';
import { ERRORS, FAULTS, RETRIES } from '../../../jobs/errors.ts';
import { JOB_STATUSES } from '../../../jobs/job.ts';
import { WORKER_STATES } from '../../../jobs/store.ts';

/** Makes a GraphQL enum of a table's keys, each value described. */
function enumOf<K extends string>(
  name: string,
  description: string,
  table: Record<K, unknown>,
  describe: (key: K) => string,
): { readonly [V in K]: V } {
  const keys = names(table);
  const values = Object.fromEntries(keys.map((key) => [key, key])) as { readonly [V in K]: V };
  const valuesConfig = Object.fromEntries(keys.map((key) => [key, { description: sentence(describe(key)) }])) as Record<
    K,
    { description: string }
  >;
  registerEnumType(values, { name, description, valuesConfig });
  return values;
}

/** A text with an initial capital letter and a full stop. */
export const sentence = (text: string) => `${text[0]!.toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;

export const ResolutionEnum = enumOf(
  'Resolution',
  'Size of the video, named by its height in landscape.',
  RESOLUTIONS,
  (key) => RESOLUTIONS[key].description,
);
export const MotionEnum = enumOf(
  'Motion',
  'How the camera moves.',
  MOTIONS,
  (key) => `${MOTIONS[key].description}; good for ${MOTIONS[key].bestFor}`,
);
export const OrientationEnum = enumOf('Orientation', 'Orientation of the frame.', ORIENTATIONS, (key) => ORIENTATIONS[key].description);
export const FitEnum = enumOf('Fit', 'How a photo of another aspect ratio fills the frame.', FITS, (key) => FITS[key].description);
export const EngineEnum = enumOf('Engine', 'What renders a video.', ENGINES, (key) => ENGINES[key].description);
const TUNING_KINDS = { INTEGER: 'a whole number', NUMBER: 'a number', TEXT: 'text' } as const;
export const TuningKindEnum = enumOf('TuningKind', 'Kind of value that a tuning field takes.', TUNING_KINDS, (key) => TUNING_KINDS[key]);
export const StageEnum = enumOf(
  'Stage',
  'Stages of a render, in order. Each engine has those that apply to it.',
  STAGES,
  (key) => STAGES[key],
);
export const JobStatusEnum = enumOf(
  'JobStatus',
  'Status of a job. COMPLETED, FAILED and CANCELLED are final.',
  JOB_STATUSES,
  (key) => JOB_STATUSES[key],
);
export const WorkerStateEnum = enumOf('WorkerState', 'State of a device of a worker.', WORKER_STATES, (key) => WORKER_STATES[key]);
export const ErrorCodeEnum = enumOf(
  'ErrorCode',
  'Every way in which a request or a job can fail. Errors of requests carry it as extensions.code.',
  ERRORS,
  (key) => `${ERRORS[key].message} ${ERRORS[key].hint}`,
);
export const FaultEnum = enumOf('ErrorFault', 'Whose action resolves an error.', FAULTS, (key) => FAULTS[key]);
export const RetryEnum = enumOf(
  'ErrorRetry',
  'Whether the same request, or a new job with the same photo and options, can succeed.',
  RETRIES,
  (key) => RETRIES[key],
);
