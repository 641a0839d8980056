import path from 'node:path';
import express, { Router } from 'express';
import type { Config } from '../../config.ts';

/** Whether the playground is on: as configured by GRAPHIQL, by default except in production. */
export function graphiqlEnabled({ GRAPHIQL, NODE_ENV }: Pick<Config, 'GRAPHIQL' | 'NODE_ENV'>): boolean {
  return GRAPHIQL ?? NODE_ENV !== 'production';
}

/**
 * The playground: its page at GET /graphql for clients that prefer HTML to JSON, its assets below /graphql/assets. All other requests,
 * GraphQL itself included, pass to the routes that follow.
 * @param folder the folder written by bundle.mjs
 */
export function graphiqlRouter(folder: string): Router {
  // Strict, because the page's relative links would not work below /graphql/.
  const router = Router({ strict: true });
  router.get('/graphql', (request, response, next) => {
    response.vary('Accept');
    if (request.accepts(['json', 'html']) !== 'html') next();
    else response.sendFile('index.html', { root: folder, cacheControl: false, headers: { 'Cache-Control': 'no-cache' } });
  });
  // Named by a hash of their content, so they never change.
  router.use(
    '/graphql/assets',
    express.static(path.join(folder, 'assets'), { immutable: true, maxAge: '365d', index: false, redirect: false, fallthrough: false }),
  );
  return router;
}
