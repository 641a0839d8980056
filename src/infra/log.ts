import { pino, type Logger } from 'pino';
import pretty from 'pino-pretty';

export type { Logger };

/** Paths at which a secret could stand in something that is logged. */
const SECRETS = ['authorization', 'cookie', 'headers.authorization', 'headers.cookie', 'req.headers.authorization', 'req.headers.cookie', '*.secret', '*.password', 'connectionString', '*.connectionString'];

/**
 * The log of one process: readable on a terminal, JSON lines otherwise. What belongs to a job carries `jobId`.
 * @param part which part of the system speaks, such as `api` or `worker`
 */
export function createLog(part: string, level: string): Logger {
  const options = { level, base: { part }, redact: { paths: SECRETS, censor: '[secret]' }, timestamp: pino.stdTimeFunctions.isoTime };
  return process.stdout.isTTY
    ? pino(options, pretty({ sync: true, singleLine: true, ignore: 'part', messageFormat: `[${part}] {msg}`, translateTime: 'SYS:HH:MM:ss.l' }))
    : pino(options);
}
