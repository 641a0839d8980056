/** Variables of the life of jobs: limits, attempts, deadlines, how long files are kept. */
import { define, number, seconds, whole } from './values.ts';

export const JOB_VARIABLES = {
  QUEUE_LIMIT: define(whole(1), '10', 'jobs of one engine handed to its queue at once, waiting or running'),
  BACKLOG_LIMIT: define(whole(0), '1000', 'jobs waiting beyond QUEUE_LIMIT, all owners together; owners take turns'),
  OWNER_LIMIT: define(whole(1), '20', 'unfinished jobs of one owner at once; does not apply to the local owner'),
  MAX_ATTEMPTS: define(whole(1, 100), '3', 'attempts per job'),
  RETRY_DELAY_SECONDS: define(seconds(0), '40', 'delay between attempts'),
  STEP_TIMEOUT_SECONDS: define(
    seconds(0.1),
    '60',
    "longest wait for the next finished frame or step (or three of the engine's longest steps, if that is more)",
  ),
  JOB_TIMEOUT_SECONDS: define(seconds(0.1), '300', 'longest attempt (or three times its estimate, if that is more)'),
  CANCEL_GRACE_SECONDS: define(seconds(0), '5', 'how long a renderer may take to stop before it is killed'),
  SHUTDOWN_GRACE_SECONDS: define(seconds(0), '3', 'how long a worker that is shutting down may continue its attempt before it releases it'),
  FILES_KEPT_HOURS: define(number(0, 1_000_000), '24', 'how long videos, posters and photos are kept after the end of a job'),
  JOBS_KEPT_DAYS: define(number(0, 40_000), '30', 'how long finished jobs are kept in the database'),
  UPLOADS_KEPT_HOURS: define(number(0, 1_000_000), '1', 'how long uploaded photos are kept'),
  UPLOADS_PER_OWNER: define(whole(1), '20', 'uploaded photos of one owner kept at once; does not apply to the local owner'),
  HOUSEKEEPING_SECONDS: define(seconds(0.1), '15', 'interval of the search for lost jobs and expired files'),
  STALLED_SECONDS: define(seconds(1), '15', 'a job whose worker shows no activity for this long is given to another worker'),
  HEARTBEAT_SECONDS: define(seconds(0.1), '3', 'interval of worker heartbeats; a worker without one for four times as long counts as gone'),
  ENGINE_GRACE_SECONDS: define(
    seconds(0),
    '20',
    'how long jobs are still accepted for an engine after its last worker has left, so that a restart causes no errors',
  ),
} as const;
