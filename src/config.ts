/**
 * Every environment variable, typed, in one place. Read once at each process's entry and passed on. `.env.example`,
 * docs/configuration.md and README's table are generated from `VARIABLES`.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

export interface Variable {
  /** Parses the text; never sees an empty one. */
  readonly parse: z.ZodType;
  /** As one would type it; empty where there is none. */
  readonly default: string;
  readonly description: string;
  /** Never shown or logged. */
  readonly secret?: true;
}

const number = (min: number, max = Number.MAX_SAFE_INTEGER) =>
  z.coerce.number({ error: 'is not a number' }).min(min, `must not be below ${min}`).max(max, `must not be above ${max}`);
/** Seconds that become a timer. Node's timers overflow after 24.8 days, and then fire at once. */
const seconds = (min: number) => number(min, 2_000_000);
const whole = (min: number, max?: number) => number(min, max).int('must be a whole number');
const oneOf = <const T extends readonly string[]>(values: T) => z.enum(values, { error: `must be one of ${values.join(', ')}` });
const flag = oneOf(['1', '0', 'true', 'false']).transform((text) => text === '1' || text === 'true');
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);
const origin = z
  .url({ protocol: /^https?$/, error: 'is not a web address such as https://example.org' })
  .transform((text) => new URL(text).origin);

export interface ApiKey {
  readonly name: string;
  readonly secret: string;
  /** May name the owner it acts for. */
  readonly actAs: boolean;
}

const apiKeys = list.transform((items, context): ApiKey[] => {
  const keys: ApiKey[] = [];
  for (const item of items) {
    const match = /^(?<name>[\w.-]{1,64}):(?<secret>[^:,\s]{16,})(?<actAs>:act-as)?$/.exec(item);
    if (!match?.groups) {
      context.addIssue({
        code: 'custom',
        message: `entry ${keys.length + 1} is not name:secret or name:secret:act-as (secret: 16 characters or more)`,
      });
      return z.NEVER;
    }
    keys.push({ name: match.groups['name']!, secret: match.groups['secret']!, actAs: match.groups['actAs'] !== undefined });
  }
  if (new Set(keys.map((key) => key.name)).size < keys.length) {
    context.addIssue({ code: 'custom', message: 'two entries have the same name' });
  }
  return keys;
});

/** WIDTHxHEIGHT in pixels. */
const size = z
  .string()
  .regex(/^\d{1,4}x\d{1,4}$/, 'is not WIDTHxHEIGHT')
  .transform((text) => {
    const [width, height] = text.split('x').map(Number) as [number, number];
    return { width, height };
  })
  .refine(({ width, height }) => width > 0 && height > 0 && width % 64 === 0 && height % 64 === 0, 'both sides must be multiples of 64');

const webAddress = z
  .url({ protocol: /^https?$/, error: 'is not a web address such as https://example.org' })
  .transform((text) => text.replace(/\/+$/, ''));
/** Telegram's numbers of people. */
const people = list.pipe(z.array(z.string().regex(/^\d+$/, 'is not the number of a Telegram user').transform(Number)));

const device = z.string().regex(/^(auto|cpu|webgpu|cuda(:\d+)?)$/, 'a device is cpu, webgpu, cuda or cuda:N');

const define = <S extends z.ZodType>(parse: S, standard: string, description: string) => ({ parse, default: standard, description });
const defineSecret = <S extends z.ZodType>(parse: S, description: string) => ({ parse, default: '', description, secret: true as const });

export const VARIABLES = {
  NODE_ENV: define(oneOf(['development', 'production', 'test']), 'development', 'production hides stack traces and GraphiQL'),
  HOST: define(z.string(), '127.0.0.1', 'address to listen on; beyond loopback only with API_KEYS or ALLOW_ANONYMOUS=1'),
  PORT: define(whole(0, 65_535), '4000', 'port for HTTP and WebSocket; 0 takes a free one'),
  PUBLIC_URL: define(webAddress.optional(), '', 'address under which clients reach the API; used in links. Default: where it listens'),
  API_KEYS: {
    ...defineSecret(apiKeys, 'who may use the API: name:secret[:act-as],… (secrets of 16 characters or more); none: one local owner'),
  },
  ALLOW_ANONYMOUS: define(
    flag,
    '0',
    '1 allows listening beyond loopback without API_KEYS: everybody who reaches the port is the local owner',
  ),
  CORS_ORIGINS: define(list.pipe(z.array(origin)), '', 'web origins that may call the API from a browser, comma-separated'),
  TRUST_PROXY: define(whole(0, 10), '0', 'how many reverse proxies stand before the API'),
  GRAPHIQL: define(flag.optional(), '', '1 or 0 switches the playground at /graphql; default: on unless NODE_ENV=production'),
  SIGNING_SECRET: defineSecret(z.string().min(16).optional(), 'key that signs links to files; default: made once and kept in the database'),
  DATABASE_URL: defineSecret(
    z.url({ protocol: /^postgres(ql)?$/ }).optional(),
    'PostgreSQL 13 or newer; default: an embedded one in STORAGE_DIR, started by npm start and animate',
  ),
  REDIS_URL: defineSecret(
    z.url({ protocol: /^rediss?$/ }).optional(),
    'Redis 6.2 or newer for queue and progress; default: PostgreSQL carries both',
  ),
  QUEUE_PREFIX: define(
    z.string().regex(/^[a-z][a-z0-9_]{0,30}$/),
    'fanslymotion',
    'keeps several installations on one Redis or PostgreSQL apart',
  ),
  STORAGE_DIR: define(z.string(), 'storage', 'folder for photos, videos and the embedded database; the same mount for all processes'),
  UPLOAD_MAX_MB: define(number(0.01, 1000), '20', 'largest photo file, in megabytes'),
  PHOTO_MAX_MEGAPIXELS: define(number(0.01, 500), '50', 'largest photo, in megapixels'),
  PHOTO_MIN_SIDE: define(whole(1, 10_000), '64', 'shortest side of a photo, in pixels'),
  QUEUE_LIMIT: define(whole(1), '10', 'jobs of one engine handed to its queue at once, waiting or running'),
  BACKLOG_LIMIT: define(whole(0), '1000', 'jobs waiting beyond QUEUE_LIMIT, all owners together; owners take turns'),
  OWNER_LIMIT: define(whole(1), '20', 'unfinished jobs of one owner at once; the local owner has no limit of its own'),
  MAX_ATTEMPTS: define(whole(1, 100), '3', 'attempts at one job'),
  RETRY_DELAY_SECONDS: define(seconds(0), '40', 'wait between attempts'),
  STEP_TIMEOUT_SECONDS: define(
    seconds(0.1),
    '60',
    "longest wait for the next finished frame or step (or three of the engine's longest steps, if that is more)",
  ),
  JOB_TIMEOUT_SECONDS: define(seconds(0.1), '300', 'longest attempt (or three times its estimate, if that is more)'),
  CANCEL_GRACE_SECONDS: define(seconds(0), '5', 'how long a renderer may take to stop before it is killed'),
  SHUTDOWN_GRACE_SECONDS: define(seconds(0), '3', 'how long a worker that is told to leave may go on with its job before it hands it back'),
  FILES_KEPT_HOURS: define(number(0, 1_000_000), '24', 'how long videos, posters and photos are kept after the end of a job'),
  JOBS_KEPT_DAYS: define(number(0, 40_000), '30', 'how long job rows are kept after their end'),
  UPLOADS_KEPT_HOURS: define(number(0, 1_000_000), '1', 'how long uploaded photos are kept'),
  UPLOADS_PER_OWNER: define(whole(1), '20', 'uploaded photos kept at once for one owner; the local owner has no limit of its own'),
  HOUSEKEEPING_SECONDS: define(seconds(0.1), '15', 'how often lost jobs are looked for and expired files deleted'),
  STALLED_SECONDS: define(seconds(1), '15', "after this time without a sign of life a worker's job is given to another"),
  HEARTBEAT_SECONDS: define(seconds(0.1), '3', 'how often a worker shows that it is alive; it counts as gone after four times that'),
  ENGINE_GRACE_SECONDS: define(
    seconds(0),
    '20',
    'how long an engine whose last worker has left still takes jobs, so that restarts go unnoticed',
  ),
  WORKER_DEVICES: define(
    list.pipe(z.array(device).min(1)),
    'auto',
    'devices to render on: auto, or a list such as cuda:0,cuda:1 or webgpu or cpu',
  ),
  SVD_MODEL: define(
    z.string(),
    'svd-xt',
    'model that SVD_XT renders with: a name that npm run models -- list knows, or the path of a folder in diffusers layout',
  ),
  MODELS_DIR: define(z.string(), 'models', 'folder of model weights; a manifest.json in it adds models'),
  SVD_AUTO_PULL: define(
    flag,
    '0',
    "1 lets a worker fetch the model of SVD_MODEL at its start where it is missing; setting it says that you accept that model's licence",
  ),
  HF_TOKEN: defineSecret(
    z
      .string()
      .regex(/^[\x21-\x7e]+$/, 'is not a token')
      .optional(),
    'token of a Hugging Face account, for models that ask for one; sent to HF_ENDPOINT only',
  ),
  HF_ENDPOINT: define(
    webAddress,
    'https://huggingface.co',
    'where models are fetched: the Hugging Face hub, or a mirror with the same paths',
  ),
  SVD_PRECISION: define(
    oneOf(['auto', 'fp32', 'fp16']),
    'auto',
    'arithmetic of SVD_XT: fp32, fp16, or auto, which is fp16 on a graphics card that can and fp32 elsewhere',
  ),
  SVD_MEMORY: define(
    oneOf(['keep', 'swap']),
    'keep',
    'keep holds all networks of SVD_XT in memory between jobs; swap only the one at work, at the price of loading each time',
  ),
  SVD_DECODE_CHUNK_SIZE: define(
    whole(1, 25).optional(),
    '',
    'frames that SVD_XT decodes at once: more take more memory and flicker less at the seams; default: 4 on a CPU, 2 on a graphics card',
  ),
  SVD_RENDER_SIZE: define(
    size.optional(),
    '',
    'landscape size at which SVD_XT renders, WIDTHxHEIGHT in multiples of 64; default: by resolution. Small ones are for trials: the model was trained on 1024x576',
  ),
  FFMPEG_PATH: define(z.string().optional(), '', "ffmpeg to use; default: the system's, else npm's"),
  LOG_LEVEL: define(
    oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    'info',
    'least weight of what is logged: trace, debug, info, warn, error, fatal or silent',
  ),
  BOT_TOKEN: defineSecret(
    z
      .string()
      .regex(/^\d+:[\w-]{20,}$/, 'is not a token such as @BotFather gives')
      .optional(),
    'Telegram bot token from @BotFather; npm start runs the bot where it is set',
  ),
  BOT_API_URL: define(webAddress.optional(), '', 'API that the bot asks; default: the one that npm start runs, else http://HOST:PORT'),
  BOT_API_KEY: defineSecret(
    z.string().min(16, 'must have 16 characters or more').optional(),
    'key with which the bot asks the API, valid beside API_KEYS; npm start makes one for each run',
  ),
  BOT_API_ROOT: define(webAddress, 'https://api.telegram.org', "Bot API server: Telegram's, or one of your own"),
  BOT_PORT: define(whole(0, 65_535), '4001', "port for the bot's health, metrics and webhook; 0 takes a free one"),
  BOT_WEBHOOK_URL: define(
    webAddress.optional(),
    '',
    'address at which Telegram reaches BOT_PORT; default: the bot asks Telegram for news itself',
  ),
  BOT_WEBHOOK_SECRET: defineSecret(
    z
      .string()
      .regex(/^[\w-]{16,256}$/, 'must have 16 to 256 letters, digits, _ or -')
      .optional(),
    'what Telegram shows with every call of the webhook; needed where BOT_WEBHOOK_URL is set',
  ),
  BOT_STATE_DIR: define(z.string().optional(), '', 'folder of what the bot must not forget; default: bot in STORAGE_DIR'),
  BOT_ALLOWED_USERS: define(people, '', 'numbers of the only Telegram users that may use the bot, comma-separated; default: everybody'),
  BOT_DENIED_USERS: define(people, '', 'numbers of Telegram users that may not use the bot, comma-separated'),
  BOT_PHOTO_MAX_MB: define(
    number(0.01, 2000),
    '20',
    "largest photo the bot takes, in megabytes; Telegram's own server gives no more than 20",
  ),
  BOT_VIDEO_MAX_MB: define(
    number(0.01, 2000),
    '50',
    "largest video the bot sends, in megabytes, and a link beyond; Telegram's own server takes no more than 50",
  ),
  BOT_PHOTOS_AT_ONCE: define(
    whole(1, 100),
    '10',
    'photos of one chat that the bot takes before the first of them is done; an album has up to 10',
  ),
  BOT_ALBUM_SECONDS: define(seconds(0), '1', 'how long the bot waits for the rest of an album'),
  BOT_EDIT_SECONDS: define(seconds(0), '3', 'shortest time between two changes of progress messages in one chat'),
  BOT_RETRY_SECONDS: define(
    seconds(0.05),
    '5',
    'how long the bot waits before it asks again for a free place, or an API that does not answer',
  ),
  BOT_PATIENCE_SECONDS: define(seconds(0), '600', 'how long the bot keeps asking an API that does not answer or has no worker'),
} as const satisfies Record<string, Variable>;

export type VariableName = keyof typeof VARIABLES;

export type Config = { readonly [K in VariableName]: z.output<(typeof VARIABLES)[K]['parse']> };

export type Environment = Readonly<Record<string, string | undefined>>;

/** What is wrong with one variable. */
export interface ConfigProblem {
  readonly name: VariableName;
  readonly problem: string;
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(
      `The configuration is not usable:\n${problems.map(({ name, problem }) => `  ${name}: ${problem}`).join('\n')}\nCorrect it in .env or the environment; .env.example explains every variable.`,
    );
    this.problems = problems;
  }
}

const EMPTY_IS_LIST = new Set<VariableName>(['API_KEYS', 'CORS_ORIGINS', 'BOT_ALLOWED_USERS', 'BOT_DENIED_USERS']);

/**
 * The configuration that `environment` describes. An empty variable counts as unset.
 * @throws ConfigError naming every malformed variable; values of secrets are not repeated
 */
export function readConfig(environment: Environment = process.env): Config {
  const config: Record<string, unknown> = {};
  const problems: ConfigProblem[] = [];
  for (const [key, variable] of Object.entries(VARIABLES)) {
    const name = key as VariableName;
    const text = environment[name]?.trim() || variable.default || (EMPTY_IS_LIST.has(name) ? '' : undefined);
    const result = (variable.parse as z.ZodType).safeParse(text);
    if (result.success) config[name] = result.data;
    else {
      const reason = result.error.issues.map((issue) => issue.message).join('; ');
      problems.push({ name, problem: 'secret' in variable ? reason : `${JSON.stringify(text)}: ${reason}` });
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return config as Config;
}

/** Texts in `config` that must never be shown. */
export function secretsOf(config: Config): string[] {
  const values = Object.entries(VARIABLES)
    .filter(([, variable]) => 'secret' in variable)
    .map(([name]) => config[name as VariableName]);
  return values.flatMap((value) =>
    typeof value === 'string' ? [value] : Array.isArray(value) ? value.map((item) => (item as ApiKey).secret) : [],
  );
}

/** Loads `.env` of `folder` into process.env, if there is one; what is already set wins. */
export function loadDotEnv(folder = process.cwd()): void {
  const file = path.join(folder, '.env');
  if (existsSync(file)) process.loadEnvFile(file);
}
