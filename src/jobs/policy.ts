/** Limits and durations that the operator sets. */
export interface JobPolicy {
  /** Jobs of one engine that its queue holds at once, waiting or running. */
  readonly queueLimit: number;
  /** Jobs that wait beyond that, over all engines and owners. */
  readonly backlogLimit: number;
  /** Unfinished jobs of one owner; the local owner has no limit. */
  readonly ownerLimit: number;
  /** Attempts at a job before it fails; attempts that a stopping worker or a failed device releases are not counted. */
  readonly maxAttempts: number;
  /** Wait between a failed attempt and the next one. */
  readonly retryDelayMs: number;
  /** How long photo and video are kept after the end of a job. */
  readonly filesKeptMs: number;
  /** How long the row is kept after the end of a job. */
  readonly jobsKeptMs: number;
  /** Uploads of one owner at once; the local owner has no limit. */
  readonly uploadsPerOwner: number;
  readonly uploadsKeptMs: number;
  /** A worker without a heartbeat for this long counts as dead. */
  readonly workerTimeoutMs: number;
  /** How long an engine stays available after its last worker was seen, so that a restart does not refuse requests. */
  readonly engineGraceMs: number;
}
