/** `npm run bench:gpu`: checks and measures SVD_XT on this machine's GPU and writes a report. */
import { writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Size } from '../../../../src/catalog/catalog.ts';
import { AppError } from '../../../../src/jobs/errors.ts';
import { VERSION } from '../../../../src/process/version.ts';
import { nvidiaDriver, visibleCards } from '../../../../src/provisioning/cuda/cards.ts';
import { onnxruntimeVersion } from '../../../../src/provisioning/cuda/provider.ts';
import { openCheckpoint } from '../../checkpoint/checkpoint.ts';
import { BACKENDS, findBackend } from '../../runtime/backends.ts';
import { Networks } from '../../runtime/networks.ts';
import { configFolder, withWeights } from '../models.ts';
import { listFiles } from './carry.ts';
import type { Figures, Report } from './figures.ts';
import { markdown } from './report.ts';
import { Schedule, type Outcome } from './schedule.ts';
import { stepsOn, type Bench, type Device } from './steps.ts';

const USAGE = `Usage: npm run bench:gpu [-- options]

Checks and measures SVD_XT: parity with the official numbers, every network alone, whole clips in each memory profile, and where the UNet's
and the decoder's time goes. Downloads nothing. Writes OUT.md and OUT.json.

  --out OUT          where to write the report (bench-gpu)
  --device DEVICE    measure only this device, such as cuda:1 or cpu; default: cuda:0, then webgpu
  --config NAME|FOLDER  full-size (default), tiny-a, tiny-b, mid-size, or a checkpoint's folder; missing weights are computed from a seed
  --size WxH         size at which the model renders (1024x576; 128x64 for the tiny models)
  --steps N          denoising steps of a clip, at least 4 (24)
  --python PYTHON    also measure the official packages, with a Python that has test/reference/requirements.txt installed
  --only TEXT        run only steps whose title contains TEXT; may be given several times
  --budget SECONDS   total time; steps that do not fit are skipped (530)
  --list             only print the files that this command needs, to carry them to another machine

Exits with 1 if a step failed or results differ from the official ones, and with 2 if nothing could be measured.
`;

/** Devices that are measured if none is named. */
const DEVICES = ['cuda:0', 'webgpu'] as const;
/** Estimate for writing weights, from their size. */
const WRITTEN_BYTES_PER_SECOND = 150e6;

/** Bad arguments; the message says what is wrong. */
class Unusable extends Error {}

async function run(): Promise<number> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: 'bench-gpu' },
      device: { type: 'string' },
      config: { type: 'string', default: 'full-size' },
      size: { type: 'string' },
      steps: { type: 'string', default: '24' },
      python: { type: 'string' },
      only: { type: 'string', multiple: true },
      budget: { type: 'string', default: '530' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) process.stdout.write(USAGE);
  else if (values.list) process.stdout.write(`${(await listFiles()).join('\n')}\n`);
  else return await measureAll(values);
  return 0;
}

interface Arguments {
  readonly out: string;
  readonly device?: string;
  readonly config: string;
  readonly size?: string;
  readonly steps: string;
  readonly python?: string;
  readonly only?: readonly string[];
  readonly budget: string;
}

async function measureAll({ out, device, config, size: given, steps: text, python, only, budget }: Arguments): Promise<number> {
  const began = performance.now();
  const size = parseSize(given ?? (config.startsWith('tiny-') ? '128x64' : '1024x576'));
  const [steps, seconds] = [Number(text), Number(budget)];
  if (!Number.isInteger(steps) || steps < 4 || !(seconds > 0)) throw new Unusable(`--steps or --budget is invalid.\n\n${USAGE}`);
  const schedule = new Schedule<Figures>(seconds, (outcome) => process.stdout.write(`${line(outcome)}\n`));
  const found: Record<string, string> = {};
  const devices: Device[] = [];
  for (const name of device === undefined ? DEVICES : [device]) {
    const examined = await examine(name);
    found[name] = examined.probe.reason;
    const skipped = examined.probe.available ? (device === undefined ? softwareOnly(examined) : null) : examined.probe.reason;
    if (skipped === null) devices.push(examined);
    else schedule.skip(name, skipped);
  }
  const folder = configFolder(config);
  const weights = devices.length === 0 ? null : await schedule.run(writeWeights(folder));
  let numFrames = 0;
  if (weights?.kind === 'weights') {
    const checkpoint = await openCheckpoint(weights.folder);
    ({ numFrames } = checkpoint.unet.config);
    for (const each of devices) {
      const { backend, precision, probe, memory } = each;
      const networks = new Networks(checkpoint, { backend, precision, layout: probe.layout }, backend.memory[memory]);
      await measureOn(each, { config, networks, size, steps, python, only }, schedule);
    }
  }
  const { outcomes } = schedule;
  const report: Report = {
    date: new Date().toISOString(),
    version: VERSION,
    onnxruntime: await onnxruntimeVersion(),
    machine: `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB`,
    devices: found,
    model: config,
    size,
    numFrames,
    steps,
    seconds: (performance.now() - began) / 1000,
    outcomes,
  };
  const base = path.resolve(out);
  await writeFile(`${base}.json`, `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(`${base}.md`, markdown(report));
  process.stdout.write(`${base}.md and ${base}.json written after ${Math.round(report.seconds)} s\n`);
  if (schedule.results.every(({ kind }) => kind === 'weights')) return 2;
  const differs = schedule.results.some((result) => result.kind === 'parity' && result.passed < result.rows);
  return differs || outcomes.some(({ state }) => state === 'failed') ? 1 : 0;
}

async function examine(name: string): Promise<Device> {
  const known = findBackend(name);
  if (!known) throw new Unusable(`--device ${JSON.stringify(name)} is not one of ${Object.keys(BACKENDS).join(', ')}.`);
  const { backend, index } = known;
  const probe = await backend.probe(index);
  const driver = backend === BACKENDS.cuda ? await nvidiaDriver() : null;
  const cards = driver === null || driver instanceof Error ? [] : visibleCards(driver.cards, process.env['CUDA_VISIBLE_DEVICES']);
  const memory = probe.available ? await backend.chooseMemory(index) : 'low';
  return { name, backend, probe, precision: backend.precision('auto', probe), memory, card: cards[index]?.uuid || null };
}

/** Why not to measure a device that was not named. */
function softwareOnly({ probe: { hardware, reason } }: Device): string | null {
  return hardware ? null : reason;
}

async function measureOn(device: Device, bench: Bench, schedule: Schedule<Figures>): Promise<void> {
  for (const step of await stepsOn(device, bench)) {
    if (bench.only?.some((text) => step.title.includes(text)) === false) schedule.skip(step.title, 'not chosen by --only');
    else await schedule.run(step);
  }
}

function writeWeights(folder: string) {
  return {
    title: 'weights',
    estimate: () => (folder === configFolder('full-size') ? 4.5e9 / WRITTEN_BYTES_PER_SECOND : 0),
    run: async (): Promise<Figures> => {
      const complete = await withWeights(folder);
      return { kind: 'weights', folder: complete, isSeeded: complete !== folder };
    },
  };
}

function parseSize(text: string): Size {
  const [width, height, ...rest] = text.split('x').map(Number);
  if (!Number.isInteger(width) || !Number.isInteger(height) || rest.length > 0)
    throw new Unusable(`--size must be WIDTHxHEIGHT.\n\n${USAGE}`);
  return { width: width!, height: height! };
}

function line(outcome: Outcome<Figures>): string {
  if (outcome.state === 'skipped') return `skipped  ${outcome.title}: ${outcome.reason}`;
  const end = outcome.state === 'failed' ? `: ${outcome.reason}` : '';
  return `${outcome.state.padEnd(8)} ${outcome.title}, ${outcome.seconds.toFixed(1)} s${end}`;
}

try {
  process.exitCode = await run();
} catch (error) {
  const isUsage = error instanceof Unusable || error instanceof AppError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  if (!isUsage) throw error;
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 2;
}
