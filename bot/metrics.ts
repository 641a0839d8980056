import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';

export interface Metrics {
  readonly registry: Registry;
  readonly updates: Counter<'kind'>;
  readonly requests: Counter<'end'>;
  readonly videos: Counter;
  readonly edits: Counter<'outcome'>;
  /** Sets the source of the number of open requests. */
  observeOpenRequests(count: () => number): void;
}

/** Metrics of one bot process. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  let open = () => 0;
  registry.registerMetric(
    new Gauge({
      name: 'fanslymotion_bot_requests_open',
      help: 'Unfinished video requests',
      registers: [],
      collect() {
        this.set(open());
      },
    }),
  );
  return {
    registry,
    updates: new Counter({
      name: 'fanslymotion_bot_updates_total',
      help: 'Updates by kind: handled, repeated, refused or failed',
      labelNames: ['kind'],
      registers,
    }),
    requests: new Counter({ name: 'fanslymotion_bot_requests_total', help: 'Requests by outcome', labelNames: ['end'], registers }),
    videos: new Counter({ name: 'fanslymotion_bot_videos_sent_total', help: 'Videos sent', registers }),
    edits: new Counter({
      name: 'fanslymotion_bot_edits_total',
      help: 'Edits of status messages: edited, limited by Telegram, or failed',
      labelNames: ['outcome'],
      registers,
    }),
    observeOpenRequests: (count) => (open = count),
  };
}
