import type { GraphiQLProps } from 'graphiql';
import { getOperationAST, parse, type OperationDefinitionNode } from 'graphql';
import { createClient } from 'graphql-ws';

type Fetcher = GraphiQLProps['fetcher'];
type Operation = Parameters<Fetcher>[0];

/** Connects GraphiQL to the API that served the page, with one API key: over HTTP, and over a WebSocket for subscriptions. */
export interface Connection {
  readonly fetcher: Fetcher;
  close(): void;
}

/** @param apiKey empty where the server has none */
export function connect(apiKey: string): Connection {
  const authorization: Record<string, string> = apiKey === '' ? {} : { Authorization: `Bearer ${apiKey}` };
  const url = new URL(location.pathname, location.href);
  const socketUrl = new URL(url);
  socketUrl.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = createClient({ url: socketUrl.href, connectionParams: authorization, retryAttempts: 3 });
  let newestJobId: string | undefined;

  async function request(operation: Operation, headers: Record<string, string>): Promise<{ data?: { createJob?: { id?: string } } }> {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/graphql-response+json, application/json',
        ...authorization,
        ...headers,
      },
      body: JSON.stringify(operation),
    });
    const result = await response.json();
    newestJobId = result.data?.createJob?.id ?? newestJobId;
    return result;
  }

  async function* follow(operation: Operation, headers: Record<string, string>) {
    const variables = operation.variables?.id === '' ? { ...operation.variables, id: newestJobId ?? '' } : operation.variables;
    const actAs = Object.entries(headers).find(([name]) => name.toLowerCase() === 'x-act-as')?.[1];
    try {
      yield* socket.iterate({ ...operation, variables, extensions: actAs === undefined ? undefined : { actAs } });
    } catch (error) {
      throw error instanceof CloseEvent ? new Error(`The server closed the WebSocket: ${error.code} ${error.reason}`) : error;
    }
  }

  const fetcher = (sent: Operation, options?: Parameters<Fetcher>[1]) => {
    const chosen = operationOf(sent);
    const operation = { ...sent, operationName: chosen?.name?.value ?? sent.operationName };
    return (chosen?.operation === 'subscription' ? follow : request)(operation, options?.headers ?? {});
  };
  return { fetcher: fetcher as Fetcher, close: () => void socket.dispose() };
}

/** The operation to run. GraphiQL may still pass the operation name of the previous tab. */
function operationOf({ query, operationName }: Operation): OperationDefinitionNode | null | undefined {
  try {
    const document = parse(query);
    return getOperationAST(document, operationName) ?? getOperationAST(document);
  } catch {
    return null; // the server reports the syntax error
  }
}
