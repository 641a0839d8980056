import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { expressMiddleware } from '@as-integrations/express5';
import express, { type RequestHandler } from 'express';
import { GraphQLError } from 'graphql';
import type { Config } from '../config.ts';
import { StartupError } from '../process/startup-error.ts';
import { ROOT } from '../process/version.ts';
import { AppError } from '../jobs/errors.ts';
import { checkUploadLimit, deleteUpload, saveUpload } from '../jobs/uploads.ts';
import type { Log } from '../jobs/ports/log.ts';
import { localHost } from '../process/address.ts';
import { ACT_AS_HEADER, authenticate, type Caller } from './auth.ts';
import type { ApiContext } from './context.ts';
import type { RequestContext } from './graphql/context.ts';
import { downloadsRouter } from './http/downloads.ts';
import { findFile } from './http/files.ts';
import { graphiqlEnabled, graphiqlRouter } from './graphiql/route.ts';
import { formatError } from './graphql/errors.ts';
import { assertListenAllowed, corsFor, createGuard, securityHeaders } from './http/guard.ts';
import { errorHandler, errorHeaders, isDisconnected, notFound, requestError } from './http/errors.ts';
import { createMetrics } from './http/metrics.ts';
import { limitRootFields, MAX_TOKENS } from './graphql/operations.ts';
import { probeAll } from './http/probes.ts';
import { HTTP_STATUS } from './http/status.ts';
import { createSchema } from './graphql/schema.ts';
import { serveSockets } from './graphql/sockets.ts';
import { uploadsRouter } from './http/uploads.ts';

/** Enough for a photo of BASE64_MAX_BYTES as base64 and the rest of a request. */
const BODY_LIMIT = '4mb';

export interface RunningServer {
  /** URL for clients on this machine. */
  readonly url: string;
  close(): Promise<void>;
}

/** All valid keys: those of the operator and the bot's. */
function allKeys({ API_KEYS, BOT_API_KEY }: Config): Config['API_KEYS'] {
  return BOT_API_KEY ? [...API_KEYS, { name: 'bot', secret: BOT_API_KEY, actAs: true }] : API_KEYS;
}

/**
 * The API on one port: GraphQL over HTTP and WebSocket, uploads, signed downloads, playground, health and metrics.
 * @throws AppError FORBIDDEN if other machines could use it without an API key
 */
export async function startServer(api: ApiContext): Promise<RunningServer> {
  const { config, log } = api;
  assertListenAllowed(config);
  const keys = allKeys(config);
  const open = config.API_KEYS.length === 0;
  const guard = createGuard(config);
  const schema = await createSchema();
  const production = config.NODE_ENV === 'production';
  const apollo = new ApolloServer<RequestContext>({
    schema,
    introspection: true,
    csrfPrevention: true,
    stopOnTerminationSignals: false,
    includeStacktraceInErrorResponses: false,
    parseOptions: { maxTokens: MAX_TOKENS },
    validationRules: [limitRootFields],
    plugins: [ApolloServerPluginLandingPageDisabled(), refuseSubscriptions],
    formatError: (formatted, error) => formatError(error, formatted, log, production),
    logger: { debug() {}, info() {}, warn: (message) => log.warn(message), error: (message) => log.error(message) },
  });
  await apollo.start();

  const callers = new WeakMap<object, Caller>();
  const identify: RequestHandler = (request, _response, next) => {
    callers.set(request, authenticate(keys, request.get('Authorization'), request.get(ACT_AS_HEADER), open));
    next();
  };
  const callerOf = (request: object): Caller => {
    const caller = callers.get(request);
    if (!caller) throw new AppError('UNAUTHENTICATED');
    return caller;
  };

  const app = express().disable('x-powered-by').set('trust proxy', config.TRUST_PROXY);
  app.use(securityHeaders(), guard.middleware, corsFor(config));
  app.get('/', (_request, response) => {
    response.json({
      name: 'FanslyMotion',
      version: api.version,
      links: { graphql: '/graphql', uploads: '/uploads', health: '/healthz', ready: '/readyz', metrics: '/metrics' },
    });
  });
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'alive', version: api.version, instance: api.instance });
  });
  app.get('/readyz', async (_request, response) => {
    const failures = await probeAll(api, log);
    const ready = Object.keys(failures).length === 0;
    response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not ready', ...(ready ? {} : { failures }) });
  });
  app.use(downloadsRouter({ signer: api.links, find: (kind, id) => findFile(api.jobs, kind, id), blobs: api.blobs }));
  if (graphiqlEnabled(config)) app.use(graphiqlRouter(path.join(ROOT, 'dist', 'graphiql')));
  app.get('/metrics', identify, metricsRoute(api));
  app.use('/uploads', identify);
  app.use(
    uploadsRouter({
      ...api.intake,
      blobs: api.blobs,
      caller: callerOf,
      admit: (caller) => checkUploadLimit(api, caller),
      save: (upload, caller) => saveUpload(api, caller, upload),
    }),
  );
  app.delete('/uploads/:id', async (request, response) => {
    await deleteUpload(api, callerOf(request).owner, request.params.id);
    response.status(204).end();
  });
  app.use(
    '/graphql',
    identify,
    express.json({ limit: BODY_LIMIT }),
    expressMiddleware(apollo, {
      context: async ({ req }) => ({ api, caller: callerOf(req), startedAt: performance.now() }),
    }),
    graphqlRefusal(log, production),
  );
  app.use(notFound, errorHandler(log));

  const server = createServer(app);
  const sockets = serveSockets({ server, schema, api, guard, keys, open, production });
  await listen(server, config);
  const { address, port } = server.address() as AddressInfo;
  return {
    url: `http://${localHost(address)}:${port}`,
    async close() {
      api.watcher.close();
      await sockets.close();
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeIdleConnections();
      const cut = setTimeout(() => server.closeAllConnections(), 1_500);
      await closed;
      clearTimeout(cut);
      await apollo.stop();
    },
  };
}

function metricsRoute(api: ApiContext): RequestHandler {
  const metrics = createMetrics(api, api.watcher);
  return async (_request, response) => {
    response.type(metrics.contentType).send(await metrics.render());
  };
}

/** HTTP carries a single response; subscriptions need a WebSocket. */
const refuseSubscriptions: ApolloServerPlugin<RequestContext> = {
  async requestDidStart() {
    return {
      async didResolveOperation({ operation }) {
        if (operation?.operation !== 'subscription') return;
        throw new GraphQLError(
          'Subscriptions are served over WebSocket (graphql-transport-ws), at the same URL with ws: instead of http:.',
          {
            extensions: { code: 'BAD_INPUT', http: { status: HTTP_STATUS.BAD_INPUT } },
          },
        );
      },
    };
  },
};

/** Responds in GraphQL's format to requests that are refused before GraphQL handles them, since GraphQL clients read `errors`. */
function graphqlRefusal(log: Log, production: boolean): express.ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (isDisconnected(error, request) || response.headersSent) {
      next(error);
      return;
    }
    const known = requestError(error);
    response
      .status(HTTP_STATUS[known.code])
      .set(errorHeaders(known))
      .json({
        errors: [formatError(known, { message: known.message }, log, production)],
      });
  };
}

async function listen(server: Server, { HOST, PORT }: Config): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new StartupError(`Port ${PORT} on ${HOST} is in use.`, 'Set PORT to a free port, or stop the process that uses it.', error)
          : error,
      );
    });
    server.listen(PORT, HOST, resolve);
  });
}
