/** GraphQL over WebSocket (graphql-transport-ws) on the same port and path as over HTTP. */
import type { Server } from 'node:http';
import {
  execute,
  GraphQLError,
  subscribe,
  type ExecutionResult,
  type FormattedExecutionResult,
  type GraphQLFormattedError,
  type GraphQLSchema,
} from 'graphql';
import { CloseCode } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import type { ApiKey } from '../../config.ts';
import { AppError } from '../../jobs/errors.ts';
import { authenticateSocket } from '../auth.ts';
import type { ApiContext } from '../context.ts';
import type { RequestContext } from './context.ts';
import { formatError } from './errors.ts';
import { refuseUpgrade, type Guard } from '../http/guard.ts';
import { readOperation } from './operations.ts';

const PATH = '/graphql';
const MAX_MESSAGE_BYTES = 4_000_000;
/** Concurrent operations on one socket, mostly subscriptions. */
const MAX_OPERATIONS = 100;
/** Close code of RFC 6455 for a server that stops. */
const GOING_AWAY = 1001;

export interface SocketOptions {
  readonly server: Server;
  readonly schema: GraphQLSchema;
  readonly api: ApiContext;
  readonly guard: Guard;
  readonly keys: readonly ApiKey[];
  /** Whether callers without a key are the local owner. */
  readonly open: boolean;
  readonly production: boolean;
}

/** Accepts sockets whose Host and Origin are allowed. A socket with an invalid key is closed with code 4401. */
export function serveSockets({ server, schema, api, guard, keys, open, production }: SocketOptions): { close(): Promise<void> } {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });
  const format = (error: GraphQLError | GraphQLFormattedError): GraphQLFormattedError =>
    formatError(error, error instanceof GraphQLError ? error.toJSON() : error, api.log, production);

  const protocol = useServer<Record<string, unknown>>(
    {
      schema,
      execute,
      subscribe,
      onConnect({ connectionParams, extra }) {
        try {
          authenticateSocket(keys, connectionParams, undefined, open);
          return true;
        } catch (error) {
          extra.socket.close(CloseCode.Unauthorized, error instanceof AppError ? error.message.slice(0, 120) : 'Unauthorized');
          return false;
        }
      },
      // An error of an operation fails the operation, not the connection.
      onSubscribe({ connectionParams, subscriptions }, _id, { query, operationName, variables, extensions }) {
        try {
          if (Object.keys(subscriptions).length > MAX_OPERATIONS) {
            throw new AppError('OWNER_LIMIT', `This socket already has ${MAX_OPERATIONS} operations; complete one or open another socket.`);
          }
          const caller = authenticateSocket(keys, connectionParams, extensions, open);
          const contextValue: RequestContext = { api, caller, startedAt: performance.now() };
          const document = readOperation(schema, query);
          return 'kind' in document ? { schema, document, operationName, variableValues: variables, contextValue } : document;
        } catch (error) {
          return [
            error instanceof GraphQLError
              ? error
              : new GraphQLError(error instanceof Error ? error.message : String(error), {
                  originalError: error instanceof Error ? error : undefined,
                }),
          ];
        }
      },
      onError: (_context, _id, _payload, errors) => errors.map(format),
      onNext(_context, _id, _payload, _args, result: ExecutionResult): FormattedExecutionResult {
        return { ...result, errors: result.errors?.map(format) };
      },
    },
    sockets,
  );

  server.on('upgrade', (request, socket, head) => {
    const refusal =
      request.url?.split('?', 1)[0] === PATH
        ? guard.check(request, 'websocket')
        : new AppError('NOT_FOUND', `WebSockets are served at ${PATH}.`);
    if (refusal) {
      refuseUpgrade(socket, refusal);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (accepted) => sockets.emit('connection', accepted, request));
  });
  return {
    async close() {
      for (const socket of sockets.clients) socket.close(GOING_AWAY, 'The server is shutting down; reconnect.');
      const cut = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate();
      }, 500);
      await protocol.dispose();
      clearTimeout(cut);
    },
  };
}
