/** What bench:gpu measures: the steps on one device, in order of importance. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { RESOLUTIONS, type Size } from '../../../../src/catalog/catalog.ts';
import type { Precision } from '../../graph/onnx.ts';
import { openGolden } from '../../parity/golden.ts';
import type { Row } from '../../parity/rows.ts';
import type { Backend } from '../../runtime/backends.ts';
import { PROFILE_NAMES, type ProfileName } from '../../runtime/memory.ts';
import type { Network, Networks } from '../../runtime/networks.ts';
import type { DeviceProbe } from '../../runtime/probe.ts';
import type { ClipFigures, ClipsRequest } from '../clips.ts';
import { fixtureFolder, SEED } from '../models.ts';
import type { NetworkFigures, NetworkRequest } from '../network.ts';
import { measure, measureOfficial, MeasurementFailed, type OfficialFigures } from '../processes.ts';
import { watchCard } from './card-memory.ts';
import { PARTS, type Figures, type Part } from './figures.ts';
import type { Step } from './schedule.ts';

/** Calls of a network after the first, unless they take longer than SECONDS in total. */
const RUNS = 5;
const SECONDS = 8;
/** Calls in a profile; the first is not counted. */
const PROFILED = 2;
/** Steps of the clip that is rendered before the measured one, so that everything is loaded and chosen: the engine's minimum. */
const WARM_UP_STEPS = 4;
/** Estimates: starting a process and its libraries, PyTorch's start, and loading weights. */
const START_SECONDS = { ours: 5, official: 30, compiler: 90 } as const;
const BYTES_PER_SECOND = 1e9;
/** Part of the rate in plain convolutions that networks are assumed to reach until one has been measured. */
const EFFICIENCY = 0.4;
/** Estimates by size of the model. */
const PARITY_SECONDS = { tiny: 10, full: 60 } as const;
/** Seconds that interpolating and scaling one clip takes. */
const INTERPOLATION_SECONDS = 15;

export interface Bench {
  /** Value of --config. */
  readonly config: string;
  readonly networks: Networks;
  readonly size: Size;
  readonly steps: number;
  readonly python?: string;
  /** Texts, one of which a step's title must contain. */
  readonly only?: readonly string[];
}

export interface Device {
  /** Such as cuda:0. */
  readonly name: string;
  readonly backend: Backend;
  readonly probe: DeviceProbe;
  readonly precision: Precision;
  readonly memory: ProfileName;
  /** UUID of an NVIDIA card. */
  readonly card: string | null;
}

/** Floating-point operations per second: the best of all networks measured so far. */
class Rate {
  #perSecond: number;
  #isMeasured = false;

  constructor({ gflops }: DeviceProbe) {
    this.#perSecond = gflops === undefined ? Infinity : gflops * 1e9 * EFFICIENCY;
  }

  seconds(flops: number): number {
    return flops / this.#perSecond;
  }

  measured({ flops, seconds }: NetworkFigures): void {
    const measured = flops / seconds;
    this.#perSecond = this.#isMeasured ? Math.max(this.#perSecond, measured) : measured;
    this.#isMeasured = true;
  }
}

function network(part: Part, { size, networks }: Bench): Network {
  const frames = networks.checkpoint.unet.config.numFrames;
  switch (part) {
    case 'image encoder':
      return { name: 'image encoder' };
    case 'VAE encoder':
      return { name: 'encoder', size };
    case 'UNet':
      return { name: 'unet', size, frames, batch: 1 };
    case 'UNet, batch 2':
      return { name: 'unet', size, frames, batch: 2 };
    case 'VAE decoder, 1 frame':
      return { name: 'decoder', size, frames: 1 };
    case 'VAE decoder, 3 frames':
      return { name: 'decoder', size, frames: 3 };
    case 'VAE decoder, 5 frames':
      return { name: 'decoder', size, frames: 5 };
    case 'VAE decoder, 8 frames':
      return { name: 'decoder', size, frames: 8 };
  }
}

/** Parity with the golden numbers of `model`, a name of fixtureFolder. */
async function parity(model: string, device: Device, precision: Precision, { networks }: Bench): Promise<Step<Figures>> {
  const [folder, script] = [fixtureFolder(model)!, fileURLToPath(new URL('../../parity/main.js', import.meta.url))];
  const isSame = (await openGolden(folder)).case.seed === SEED;
  const weights = isSame ? ['--checkpoint', networks.checkpoint.folder] : [];
  const args = [script, folder, '--device', device.name, '--dtype', precision, ...weights, '--json'];
  return {
    title: `${device.name}: parity of ${model}, ${precision}`,
    estimate: () => START_SECONDS.ours + PARITY_SECONDS[isSame ? 'full' : 'tiny'],
    async run(limitSeconds) {
      const options = { maxBuffer: 1e7, timeout: limitSeconds * 1000, killSignal: 'SIGKILL' } as const;
      // Exits with 1 if a row fails.
      const { stdout, stderr } = await promisify(execFile)(process.execPath, args, options).catch(
        (error: { stdout: string; stderr: string }) => error,
      );
      if (!stdout) throw new MeasurementFailed(stderr.trim() || `stopped after ${Math.round(limitSeconds)} s`);
      const { rows } = JSON.parse(stdout) as { rows: Row[] };
      // Weights must be equal, so that their limit is 0.
      const nearness = ({ error, limit, problem }: Row) => (problem === undefined ? error / limit || 0 : Infinity);
      const [worst] = rows.toSorted((a, b) => nearness(b) - nearness(a));
      const passed = rows.filter((row) => row.passed).length;
      return { kind: 'parity', device: device.name, model, precision, rows: rows.length, passed, worst: worst! };
    },
  };
}

/** Times a part alone. @param profile whether to record how long each node takes instead */
function timing(part: Part, bench: Bench, device: Device, rate: Rate, profile = false): Step<Figures> {
  const { backend, name, precision, memory, probe, card } = device;
  const { flops } = bench.networks.graph(network(part, bench));
  const weights = bench.networks.weightBytes(network(part, bench));
  const request: NetworkRequest = {
    folder: bench.networks.checkpoint.folder,
    network: network(part, bench),
    device: name,
    precision,
    layout: probe.layout,
    memory,
    ...(profile ? { runs: PROFILED, profile } : { runs: RUNS, seconds: SECONDS }),
  };
  return {
    title: `${name}: ${profile ? `profile of ${part}` : part}, ${precision}`,
    estimate: () => {
      const call = rate.seconds(flops);
      return (backend.isGpu ? START_SECONDS.ours + weights / BYTES_PER_SECOND : 0) + 2 * call + Math.min(SECONDS, (RUNS - 1) * call);
    },
    async run(limitSeconds) {
      const [figures, used] = await watchCard(card, () => measure<NetworkFigures>('network', request, limitSeconds));
      if (!profile) rate.measured(figures);
      return { kind: 'network', device: name, precision, part, figures, card: used };
    },
  };
}

/** Times a whole clip in a memory profile, after a short one. */
function clip(memory: ProfileName, bench: Bench, device: Device, rate: Rate): Step<Figures> {
  const { networks, size, steps } = bench;
  const { decodeChunkSize } = device.backend.memory[memory];
  const frames = networks.checkpoint.unet.config.numFrames;
  const flopsOf = (part: Network) => networks.graph(part).flops;
  const call = flopsOf(network('UNet', bench));
  const chunk = Math.min(frames, decodeChunkSize);
  const rest = flopsOf(network('VAE encoder', bench)) + Math.ceil(frames / chunk) * flopsOf({ name: 'decoder', size, frames: chunk });
  const request: ClipsRequest = {
    folder: networks.checkpoint.folder,
    device: device.name,
    size,
    resolution: size.width > RESOLUTIONS.P360.width ? 'P720' : 'P360',
    memory,
    steps: [WARM_UP_STEPS, steps],
  };
  return {
    title: `${device.name}: clip of ${steps} steps, memory profile ${memory}`,
    estimate: () => START_SECONDS.ours + INTERPOLATION_SECONDS + rate.seconds(2 * (steps + WARM_UP_STEPS) * call + 2 * rest),
    async run(limitSeconds) {
      const [{ clips }, card] = await watchCard(device.card, () => measure<{ clips: ClipFigures[] }>('clips', request, limitSeconds));
      return { kind: 'clip', device: device.name, memory, figures: clips.at(-1)!, card };
    },
  };
}

/** Times the official packages on the same checkpoint and sizes. */
function official(compiled: boolean, bench: Bench, device: Device, rate: Rate): Step<Figures> {
  const { networks, size, python } = bench;
  const flops = PARTS.reduce((sum, part) => sum + networks.graph(network(part, bench)).flops, 0);
  const args = [
    networks.checkpoint.folder,
    ...['--size', `${size.width}x${size.height}`, '--num-frames', String(networks.checkpoint.unet.config.numFrames)],
    ...['--device', device.backend.name, '--batch', '1,2', '--decode-chunk-size', '1,3,5,8', '--runs', '3'],
    // What a clip needs, so that compilation takes less time.
    ...(compiled ? ['--compile', '--only', 'unet', '--batch', '2'] : []),
  ];
  return {
    title: `${device.name}: diffusers${compiled ? ' with torch.compile' : ''}`,
    estimate: () => START_SECONDS.official + (compiled ? START_SECONDS.compiler : 0) + rate.seconds((compiled ? 2 : 4) * flops),
    ...(python === undefined ? { missing: '--python was not given' } : {}),
    async run(limitSeconds) {
      const measured = await measureOfficial(python!, args, limitSeconds);
      const parts = Object.fromEntries(measured.map((figures) => [partOf(figures), figures]));
      return { kind: 'official', device: device.name, compiled, parts };
    },
  };
}

/** @param network its name in bench_torch.py */
function partOf({ network: name, batch, decodeChunkSize }: OfficialFigures): Part {
  if (name === 'clip') return 'image encoder';
  if (name === 'encode') return 'VAE encoder';
  if (name === 'unet') return batch === 1 ? 'UNet' : 'UNet, batch 2';
  return PARTS.find((part) => part.startsWith(`VAE decoder, ${decodeChunkSize} `))!;
}

/** All steps on `device`. */
export async function stepsOn(device: Device, bench: Bench): Promise<Step<Figures>[]> {
  const rate = new Rate(device.probe);
  const precisions: readonly Precision[] = device.backend.isGpu ? ['fp16', 'fp32'] : ['fp32'];
  const parities = (model: string) => Promise.all(precisions.map((precision) => parity(model, device, precision, bench)));
  const isWebgpu = device.backend.name === 'webgpu';
  return [
    ...(await parities(bench.config === 'tiny-a' ? 'tiny-a' : 'tiny-b')),
    ...PARTS.map((part) => timing(part, bench, device, rate)),
    ...PROFILE_NAMES.toReversed().map((memory) => clip(memory, bench, device, rate)),
    // On WebGPU the nodes' times do not include the GPU's work.
    ...(isWebgpu ? [] : (['UNet', 'VAE decoder, 3 frames'] as const).map((part) => timing(part, bench, device, rate, true))),
    // PyTorch has no WebGPU.
    ...(isWebgpu ? [] : [official(false, bench, device, rate)]),
    ...(bench.config === 'full-size' ? await parities('full-size') : []),
    ...(device.backend.name === 'cuda' ? [official(true, bench, device, rate)] : []),
  ];
}
