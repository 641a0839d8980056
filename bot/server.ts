/** The bot's HTTP server: health, metrics, and the webhook if there is one. */
import { timingSafeEqual, createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import express, { type RequestHandler } from 'express';
import type { Update } from 'grammy/types';
import { localHost } from '../src/process/address.ts';
import type { Logger } from '../src/process/log.ts';
import { StartupError } from '../src/process/startup-error.ts';
import { VERSION } from '../src/process/version.ts';
import type { Metrics } from './metrics.ts';
import { AnyUpdate } from './telegram/update.ts';

export const WEBHOOK_PATH = '/telegram';
const SECRET_HEADER = 'X-Telegram-Bot-Api-Secret-Token';
const BODY_LIMIT = '1mb';

export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** The reason of each failure by the name of the part that fails; empty if the bot is ready. */
  readonly probe: () => Promise<Record<string, string>>;
  /** Null for polling. */
  readonly webhook: { readonly secret: string; take(update: Update): Promise<void> } | null;
}

export interface BotServer {
  readonly url: string;
  close(): Promise<void>;
}

/** @throws StartupError if the port is taken */
export async function startServer({ host, port, metrics, log, probe, webhook }: ServerOptions): Promise<BotServer> {
  const app = express().disable('x-powered-by');
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'alive', version: VERSION });
  });
  app.get('/readyz', async (_request, response) => {
    const failures = await probe();
    const ready = Object.keys(failures).length === 0;
    response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not ready', ...(ready ? {} : { failures }) });
  });
  app.get('/metrics', async (_request, response) => {
    response.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
  if (webhook) app.post(WEBHOOK_PATH, checkSecret(webhook.secret), express.json({ limit: BODY_LIMIT }), takeUpdate(webhook.take));
  app.use((_request, response) => void response.status(404).json({ error: 'Not found.' }));
  const failed: express.ErrorRequestHandler = (error: { status?: number }, _request, response, _next) => {
    const status = error.status !== undefined && error.status < 500 ? error.status : 500;
    // Telegram delivers an update again unless the status means success.
    if (status === 500) log.error({ err: error }, 'a request failed');
    response.status(status).json({ error: 'The request failed.' });
  };
  app.use(failed);

  const server = app.listen(port, host);
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve);
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new StartupError(`Port ${port} on ${host} is in use.`, 'Set BOT_PORT to a free one, or stop the process that uses it.', error)
          : error,
      );
    });
  });
  return {
    url: `http://${localHost(host)}:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      server.closeIdleConnections();
      const cut = setTimeout(() => server.closeAllConnections(), 1_000);
      await closed;
      clearTimeout(cut);
    },
  };
}

function checkSecret(secret: string): RequestHandler {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return (request, response, next) => {
    if (timingSafeEqual(digest(request.get(SECRET_HEADER) ?? ''), digest(secret))) next();
    else response.status(401).json({ error: 'The secret is wrong.' });
  };
}

function takeUpdate(take: (update: Update) => Promise<void>): RequestHandler {
  return async (request, response) => {
    const update = AnyUpdate.safeParse(request.body).data;
    if (!update) {
      response.status(400).json({ error: 'The body is not an update.' });
      return;
    }
    // Responds only once the update is handled or stored: otherwise Telegram must deliver it again.
    await take(update);
    response.json({});
  };
}
