/** Variables of the API and of what all processes share: database, Redis, storage. */
import { z } from 'zod';
import { apiKeys, define, defineSecret, flag, list, number, oneOf, origin, url, whole } from './values.ts';

export const API_VARIABLES = {
  NODE_ENV: define(oneOf(['development', 'production', 'test']), 'development', 'production hides stack traces and GraphiQL'),
  HOST: define(z.string(), '127.0.0.1', 'address to listen on; any other than loopback requires API_KEYS or ALLOW_ANONYMOUS=1'),
  PORT: define(whole(0, 65_535), '4000', 'port for HTTP and WebSocket; 0 takes a free one'),
  PUBLIC_URL: define(url.optional(), '', 'URL at which clients reach the API, used in links; default: the address it listens on'),
  API_KEYS: defineSecret(
    apiKeys,
    'keys that may use the API, as name:secret[:act-as],… (secrets of 16 characters or more); without any, every request is the local owner',
  ),
  ALLOW_ANONYMOUS: define(
    flag,
    '0',
    '1 allows listening beyond loopback without API_KEYS: everyone who can reach the port is the local owner',
  ),
  CORS_ORIGINS: define(list.pipe(z.array(origin)), '', 'web origins that may call the API from a browser, comma-separated'),
  TRUST_PROXY: define(whole(0, 10), '0', 'number of reverse proxies in front of the API'),
  GRAPHIQL: define(flag.optional(), '', '1 or 0 turns the playground at /graphql on or off; default: on unless NODE_ENV=production'),
  SIGNING_SECRET: defineSecret(
    z.string().min(16, 'must have 16 characters or more').optional(),
    'key that signs links to files; default: generated once and stored in the database',
  ),
  DATABASE_URL: defineSecret(
    z.url({ protocol: /^postgres(ql)?$/, error: 'is not a URL such as postgresql://user:password@host:5432/database' }).optional(),
    'PostgreSQL 13 or newer; default: an embedded server with its data in STORAGE_DIR, started by npm start and animate',
  ),
  REDIS_URL: defineSecret(
    z.url({ protocol: /^rediss?$/, error: 'is not a URL such as redis://host:6379' }).optional(),
    'Redis 6.2 or newer for the queue and progress events; default: PostgreSQL serves both',
  ),
  QUEUE_PREFIX: define(
    z.string().regex(/^[a-z][a-z0-9_]{0,30}$/, 'must be 1 to 31 lowercase letters, digits or _, beginning with a letter'),
    'fanslymotion',
    'prefix that separates several installations on one Redis or PostgreSQL',
  ),
  STORAGE_DIR: define(z.string(), 'storage', 'folder for photos, videos and the embedded database; all processes need the same one'),
  UPLOAD_MAX_MB: define(number(0.01, 1000), '20', 'largest photo file, in megabytes'),
  PHOTO_MAX_MEGAPIXELS: define(number(0.01, 500), '50', 'largest photo, in megapixels'),
  PHOTO_MIN_SIDE: define(whole(1, 10_000), '64', 'shortest side of a photo, in pixels'),
} as const;
