import { pino, type DestinationStream, type Logger } from 'pino';
import pretty from 'pino-pretty';

export type { Logger };

const CENSOR = '[secret]';

/** Paths at which a secret could stand in something that is logged. */
const SECRETS = [
  'authorization',
  'cookie',
  'headers.authorization',
  'headers.cookie',
  'req.headers.authorization',
  'req.headers.cookie',
  '*.secret',
  '*.password',
  'connectionString',
  '*.connectionString',
];

/** Members of an error, at any depth, that can hold a secret: ioredis names the command that failed with its arguments, AUTH's too. */
const TELLTALE = new Set(['args', 'input', 'connectionString', 'password', 'secret', 'authorization', 'cookie']);

function withoutSecrets(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null || depth > 5) return value;
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, TELLTALE.has(key.toLowerCase()) ? CENSOR : withoutSecrets(inner, depth + 1)]),
  );
}

const serializers = {
  err: (error: unknown) => (error instanceof Error ? withoutSecrets(pino.stdSerializers.err(error)) : withoutSecrets(error)),
};

const SHORTEST_SECRET = 8;

/** Every way in which secrets may stand in a line of JSON; longest first, lest a part of one leaves the rest of it. */
function formsOf(secrets: readonly string[]): string[] {
  const forms = secrets
    .filter(({ length }) => length >= SHORTEST_SECRET)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]);
  return [...new Set(forms)].toSorted((a, b) => b.length - a.length);
}

/**
 * The log of one process: readable on a terminal, JSON lines otherwise. What belongs to a job carries `jobId`.
 * @param part which part of the system speaks, such as `api` or `worker`
 * @param destination where lines go instead of standard output
 * @param secrets texts that are taken out of every line, wherever in it they stand: addresses hold a bot's token, say. Those of fewer
 * than 8 characters are left in, as ordinary words would go with them
 */
export function createLog(part: string, level: string, destination?: DestinationStream, secrets: readonly string[] = []): Logger {
  const forms = formsOf(secrets);
  const streamWrite = (line: string) => forms.reduce((text, form) => text.replaceAll(form, CENSOR), line);
  const options = {
    hooks: { streamWrite },
    level,
    base: { part },
    serializers,
    redact: { paths: SECRETS, censor: CENSOR },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  if (destination) return pino(options, destination);
  return process.stdout.isTTY
    ? pino(
        options,
        pretty({ sync: true, singleLine: true, ignore: 'part', messageFormat: `[${part}] {msg}`, translateTime: 'SYS:HH:MM:ss.l' }),
      )
    : pino(options);
}
