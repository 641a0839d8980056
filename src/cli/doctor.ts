/** `doctor`: checks everything that a video needs and prints a hint for what is missing. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs, parseEnv } from 'node:util';
import type { Environment } from '../config.ts';
import { ROOT, VERSION } from '../process/version.ts';
import { checkDatabase, checkPort, checkRedis } from './doctor/connections.ts';
import { fail, formatFindings, ok, type Finding } from './doctor/finding.ts';
import { checkFfmpeg, checkGpu, checkNode, checkStorage, checkWeights } from './doctor/machine.ts';
import { checkTelegram } from './doctor/telegram.ts';
import { checkVariables } from './doctor/variables.ts';
import { EXIT } from './failure.ts';
import { DeadlineError, withDeadline } from '../process/deadline.ts';

const USAGE = `Usage: fanslymotion doctor [--json]

Checks this machine and its configuration. Exits 1 if no video can be rendered.
`;

/** Longest time for one check, in milliseconds; they run in parallel. Drivers and libraries of GPUs are large and may be read from a disk. */
const CHECK_MS = { GPU: 45_000, others: 15_000 };

export async function doctor(args: string[]): Promise<void> {
  let json = false;
  try {
    const { values } = parseArgs({ args, options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } });
    if (values.help) {
      process.stdout.write(USAGE);
      return;
    }
    json = values.json ?? false;
  } catch (error) {
    process.stderr.write(`${(error as Error).message.split('. ', 1)[0]}.\n${USAGE}`);
    process.exitCode = EXIT.badArguments;
    return;
  }
  const findings = await examine(ROOT, process.env);
  const healthy = findings.every(({ level }) => level !== 'FAIL');
  const text = json ? `${JSON.stringify({ ok: healthy, version: VERSION, checks: findings })}\n` : report(findings);
  // A check that hangs, for example on an unresponsive disk, must not keep the process alive.
  process.stdout.write(text, () => process.exit(healthy ? EXIT.done : EXIT.failed));
}

/** Runs all checks. @param folder the folder of .env */
export async function examine(folder: string, environment: Environment): Promise<Finding[]> {
  const file = path.join(folder, '.env');
  let unreadable: Finding[] = [];
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') unreadable = [fail('variables', `${file} cannot be read: ${error.message}`, 'Correct its permissions.')];
    return '';
  });
  const { findings, config } = checkVariables(environment, parseEnv(text) as Environment);
  const results = await Promise.all([
    bounded('Node', () => checkNode()),
    bounded('PostgreSQL', () => checkDatabase(config)),
    bounded('Redis', async () => (await checkRedis(config)) ?? ok('Redis', 'not used; PostgreSQL serves queue and progress')),
    bounded('ffmpeg', () => checkFfmpeg(config)),
    bounded('storage', () => checkStorage(config)),
    bounded('GPU', () => checkGpu(config), CHECK_MS.GPU),
    bounded('weights', () => checkWeights(config)),
    bounded('port', () => checkPort(config)),
    bounded('Telegram', () => checkTelegram(config)),
  ]);
  return [...results.flat(), ...unreadable, ...findings];
}

async function bounded(check: string, work: () => Promise<Finding | Finding[]>, limitMs = CHECK_MS.others): Promise<Finding | Finding[]> {
  try {
    return await withDeadline(work(), limitMs, 'no result');
  } catch (error) {
    const hint =
      error instanceof DeadlineError
        ? 'Run doctor again; if it happens again, check the service or disk that this check uses.'
        : 'Run doctor again; if it happens again, report this line.';
    return fail(check, error instanceof Error ? error.message : String(error), hint);
  }
}

function report(findings: readonly Finding[]): string {
  const failed = findings.filter(({ level }) => level === 'FAIL').length;
  const verdict =
    failed === 0
      ? 'Videos can be rendered here: npm run animate -- photo.jpg'
      : `No video can be rendered until ${failed === 1 ? 'this is' : `these ${failed} are`} fixed.`;
  return `${formatFindings(findings)}\n\n${verdict}\n`;
}
