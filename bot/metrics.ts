import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';

export interface Metrics {
  readonly registry: Registry;
  readonly updates: Counter<'kind'>;
  readonly orders: Counter<'end'>;
  readonly videos: Counter;
  readonly edits: Counter<'outcome'>;
  /** How the number of orders under way is found out. */
  observeOpenOrders(count: () => number): void;
}

/** Metrics of one bot process. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  let open = () => 0;
  registry.registerMetric(
    new Gauge({
      name: 'fanslymotion_bot_orders_open',
      help: 'Videos that people wait for',
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
    orders: new Counter({ name: 'fanslymotion_bot_orders_total', help: 'Orders by how they ended', labelNames: ['end'], registers }),
    videos: new Counter({ name: 'fanslymotion_bot_videos_sent_total', help: 'Videos handed over', registers }),
    edits: new Counter({
      name: 'fanslymotion_bot_edits_total',
      help: 'Changes of progress messages: edited, limited by Telegram, or failed',
      labelNames: ['outcome'],
      registers,
    }),
    observeOpenOrders: (count) => (open = count),
  };
}
