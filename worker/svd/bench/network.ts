/**
 * Measures one network in its own process, so that peak memory is that network's alone. Started as `network.js REQUEST`; sends a
 * NetworkFigures or `{ error }`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openCheckpoint } from '../checkpoint/checkpoint.ts';
import type { CudaLayout } from '../graph/cuda.ts';
import type { Precision } from '../graph/onnx.ts';
import { findBackend } from '../runtime/backends.ts';
import type { ProfileName } from '../runtime/memory.ts';
import { Networks, type Network } from '../runtime/networks.ts';
import { readProfile } from '../runtime/profile.ts';
import { measureRate } from '../runtime/rate.ts';
import { Session, type Runtime, type Tensors } from '../runtime/session.ts';
import { answer } from './processes.ts';
import { summarize, type Profile } from './profile.ts';

export interface NetworkRequest {
  /** Folder of a checkpoint with weights. */
  readonly folder: string;
  readonly network: Network;
  /** Such as `cpu` or `cuda:0`. */
  readonly device: string;
  readonly precision: Precision;
  readonly layout?: CudaLayout;
  readonly memory: ProfileName;
  /** CPU threads. Default: all cores. */
  readonly threads?: number;
  /** Calls after the first; at least one, and no further one once they have taken `seconds`. */
  readonly runs: number;
  /** Default: no limit. */
  readonly seconds?: number;
  /** Whether to record how long each node takes, which slows all of them down. */
  readonly profile?: boolean;
}

export interface NetworkFigures {
  /** Seconds until a GPU has run a small graph; 0 on a CPU. */
  readonly start: number;
  /** Seconds for writing the graph and opening the session. */
  readonly load: number;
  /** Seconds for the first call, which reads the weights or chooses kernels. */
  readonly first: number;
  /** Median seconds of the further calls. */
  readonly seconds: number;
  readonly flops: number;
  /** Peak memory of the process, including mapped weights. */
  readonly peakBytes: number;
  readonly profile?: Profile;
}

async function measure(request: NetworkRequest): Promise<NetworkFigures> {
  if (!request.profile) return await timed(request);
  // Kernels would otherwise run after the node that started them has been timed. CUDA reads this when it starts.
  process.env['CUDA_LAUNCH_BLOCKING'] = '1';
  const folder = await mkdtemp(path.join(tmpdir(), 'bench-profile-'));
  try {
    const figures = await timed(request, path.join(folder, 'profile'));
    return { ...figures, profile: summarize(await readProfile(folder)) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** @param profile see Runtime */
async function timed(request: NetworkRequest, profile?: string): Promise<NetworkFigures> {
  const { folder, network, device, precision, layout, memory, threads, runs, seconds: limit = Infinity } = request;
  const { backend, index } = findBackend(device)!;
  const runtime: Runtime = { backend, deviceIndex: index, precision, layout, threads };
  const networks = new Networks(await openCheckpoint(folder), { ...runtime, profile }, backend.memory[memory]);
  const began = performance.now();
  if (backend.isGpu) await measureRate(runtime);
  const started = performance.now();
  const session = await networks.open(network);
  const load = secondsSince(started);
  const inputs = anyInputs(session);
  const first = await secondsOf(() => session.run(inputs));
  const times: number[] = [];
  do times.push(await secondsOf(() => session.run(inputs)));
  while (times.length < runs && times.reduce((sum, time) => sum + time) < limit);
  await networks.dispose(); // writes the profile
  return {
    start: backend.isGpu ? (started - began) / 1000 : 0,
    load,
    first,
    seconds: times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!,
    flops: session.graph.flops,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}

/** Arbitrary numbers in −1…1 for every input; the time does not depend on them. */
function anyInputs({ graph }: Session): Tensors {
  return Object.fromEntries(
    graph.inputs.map(({ name, shape }) => {
      const values = new Float32Array(shape.reduce((product, side) => product * side, 1));
      for (let i = 0; i < values.length; i++) values[i] = ((i * 7919) % 2001) / 1000 - 1;
      return [name, values];
    }),
  );
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return secondsSince(began);
}

const secondsSince = (began: number) => (performance.now() - began) / 1000;

await answer((request) => measure(request as NetworkRequest));
