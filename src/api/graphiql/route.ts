import path from 'node:path';
import express, { Router } from 'express';
import type { Config } from '../../config.ts';

/** Whether there is a playground: as GRAPHIQL says, else everywhere but in production. */
export function graphiqlEnabled({ GRAPHIQL, NODE_ENV }: Pick<Config, 'GRAPHIQL' | 'NODE_ENV'>): boolean {
  return GRAPHIQL ?? NODE_ENV !== 'production';
}

/**
 * The playground: its page at GET /graphql for whoever prefers HTML to JSON, its assets below /graphql/assets. Everything else is
 * left to the routes that follow, GraphQL itself among them.
 * @param folder what bundle.mjs wrote
 */
export function graphiqlRouter(folder: string): Router {
  // Strict: below /graphql/ the page's relative links would not work.
  const router = Router({ strict: true });
  router.get('/graphql', (request, response, next) => {
    response.vary('Accept');
    if (request.accepts(['json', 'html']) !== 'html') next();
    else response.sendFile('index.html', { root: folder, cacheControl: false, headers: { 'Cache-Control': 'no-cache' } });
  });
  // Named by their content, so they never change.
  router.use(
    '/graphql/assets',
    express.static(path.join(folder, 'assets'), { immutable: true, maxAge: '365d', index: false, redirect: false, fallthrough: false }),
  );
  return router;
}
