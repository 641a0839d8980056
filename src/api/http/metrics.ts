import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { JobContext } from '../../jobs/context.ts';
import { liveWorkers } from '../../jobs/engines.ts';
import type { Job } from '../../jobs/job.ts';
import { queueLoads } from './probes.ts';
import type { JobWatcher } from '../progress/watch.ts';

const SECONDS = [0.5, 1, 2, 5, 10, 20, 40, 60, 120, 300, 600, 1800];

export interface Metrics {
  readonly contentType: string;
  /** Prometheus text format. */
  render(): Promise<string>;
}

/** Metrics of one API process. Jobs, queues, workers and durations are read from the database, so every process reports the same. */
export function createMetrics(context: JobContext, watcher: JobWatcher): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const jobs = new Gauge({ name: 'fanslymotion_jobs', help: 'Jobs by state and engine', labelNames: ['status', 'engine'], registers });
  const depth = new Gauge({
    name: 'fanslymotion_queue_depth',
    help: 'Queue entries by engine and state',
    labelNames: ['engine', 'state'],
    registers,
  });
  const workers = new Gauge({ name: 'fanslymotion_workers', help: 'Live worker devices by state', labelNames: ['state'], registers });
  const wait = new Histogram({
    name: 'fanslymotion_job_wait_seconds',
    help: 'From creation to the first attempt, of jobs finished since this process started',
    labelNames: ['engine'],
    buckets: SECONDS,
    registers,
  });
  const render = new Histogram({
    name: 'fanslymotion_job_render_seconds',
    help: 'Successful attempts, of jobs finished since this process started',
    labelNames: ['engine'],
    buckets: SECONDS,
    registers,
  });
  const subscribers = new Gauge({ name: 'fanslymotion_subscribers', help: 'Subscriptions to jobs in this process', registers });
  const events = new Counter({
    name: 'fanslymotion_progress_events_total',
    help: 'Job states sent to subscribers by this process',
    registers,
  });

  // Every job that finished since the start of this process is observed once, whichever process finished it.
  let observedUntil: Date | null = null;
  const observe = (job: Job) => {
    observedUntil = job.finishedAt ?? observedUntil;
    if (job.startedAt) wait.observe({ engine: job.engine }, (job.startedAt.getTime() - job.createdAt.getTime()) / 1000);
    if (job.renderSeconds !== null) render.observe({ engine: job.engine }, job.renderSeconds);
  };
  const scrape = async (): Promise<string> => {
    const [counts, loads, live] = await Promise.all([context.jobs.countByStatus(), queueLoads(context), liveWorkers(context)]);
    for (const metric of [jobs, depth, workers]) metric.reset();
    for (const { status, engine, count } of counts) jobs.set({ status, engine }, count);
    for (const { engine, ...states } of loads) for (const [state, count] of Object.entries(states)) depth.set({ engine, state }, count);
    for (const { state } of live) workers.inc({ state });
    subscribers.set(watcher.followers);
    events.reset();
    events.inc(watcher.delivered);
    // On the database's clock, which sets finishedAt.
    observedUntil ??= new Date((await context.jobs.now()).getTime() - process.uptime() * 1000);
    for (const job of await context.jobs.finishedSince(observedUntil)) observe(job);
    return await registry.metrics();
  };
  let scraping: Promise<string> | null = null;
  return {
    contentType: registry.contentType,
    // Concurrent scrapes share one, so that no job is observed twice.
    render: () => (scraping ??= scrape().finally(() => (scraping = null))),
  };
}
