import { pino, type DestinationStream, type Logger } from 'pino';
import pretty from 'pino-pretty';

export type { Logger };

const CENSOR = '[secret]';

/** Paths in logged objects that may hold a secret. */
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

/** Properties of an error, at any depth, that may hold a secret: ioredis includes the arguments of a failed command, even of AUTH. */
const SECRET_PROPERTIES = new Set(['args', 'input', 'connectionString', 'password', 'secret', 'authorization', 'cookie']);

function withoutSecrets(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null || depth > 5) return value;
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      SECRET_PROPERTIES.has(key.toLowerCase()) ? CENSOR : withoutSecrets(inner, depth + 1),
    ]),
  );
}

const serializers = {
  err: (error: unknown) => (error instanceof Error ? withoutSecrets(pino.stdSerializers.err(error)) : withoutSecrets(error)),
};

const SHORTEST_SECRET = 8;

/** Every form in which a secret may occur in a line of JSON, longest first, so that replacing a short one cannot break up a longer one. */
function formsOf(secrets: readonly string[]): string[] {
  const forms = secrets
    .filter(({ length }) => length >= SHORTEST_SECRET)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]);
  return [...new Set(forms)].toSorted((a, b) => b.length - a.length);
}

/**
 * The log of one process: readable on a terminal, JSON lines otherwise. Lines about a job carry `jobId`.
 * @param part the part of the system that logs, such as `api` or `worker`
 * @param destination receives the lines instead of standard output
 * @param secrets texts that are removed from every line wherever they occur, for example a bot's token inside a URL. Texts of fewer
 * than 8 characters are kept, because ordinary words would be removed with them
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
