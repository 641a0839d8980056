/**
 * Runs networks on CUDA in a process of its own, over stub libraries that must be chosen when it starts. Started with a DeviceRequest as
 * JSON; sends a DeviceAnswer.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openCheckpoint, type Checkpoint } from '../../worker/svd/checkpoint/checkpoint.ts';
import type { CudaLayout } from '../../worker/svd/graph/cuda.ts';
import { readModel } from '../../worker/svd/graph/model.ts';
import type { Precision } from '../../worker/svd/graph/onnx.ts';
import type { Graph } from '../../worker/svd/graph/ops.ts';
import { traffic } from '../../worker/svd/graph/traffic.ts';
import { BACKENDS, type Backend } from '../../worker/svd/runtime/backends.ts';
import type { MemoryProfile, ProfileName } from '../../worker/svd/runtime/memory.ts';
import { Networks, type Network } from '../../worker/svd/runtime/networks.ts';
import { readProfile } from '../../worker/svd/runtime/profile.ts';
import type { Runtime, Tensors } from '../../worker/svd/runtime/session.ts';
import type { Size } from '../../src/catalog/catalog.ts';
import { readAccount } from './stubs.ts';

/** One network in one form. */
export interface NetworkRun {
  readonly network: Network;
  readonly precision: Precision;
  readonly layout: CudaLayout;
}

export interface DeviceRequest {
  /** Folder of a checkpoint; its weights may be hollow. */
  readonly checkpoint: string;
  readonly memory: ProfileName;
  /** File of the stub device's account. */
  readonly account: string;
  /** What to run: networks one after the other, or all that a render of this size calls, in its order and with its residency. */
  readonly run: readonly NetworkRun[] | { readonly render: Size };
}

/** What running a network showed. */
export interface NetworkAnswer {
  /** Nodes run, by operator. */
  readonly operators: Readonly<Record<string, number>>;
  /** Names of nodes that did not run on CUDA. */
  readonly strays: readonly string[];
  /** Bytes of the graph's weights in their file. */
  readonly weightsBytes: number;
  /** Bytes of the largest result of a node. */
  readonly largestBytes: number;
  /** Bytes that a call reads and writes in device memory. */
  readonly movedBytes: number;
}

export interface DeviceAnswer {
  /** In the order of the request; none for a render. */
  readonly networks: readonly NetworkAnswer[];
  /** Most device memory that the process has asked for, without the workspaces that the real cuDNN and cuBLAS ask for. */
  readonly peakBytes: number;
}

async function answer({ checkpoint: folder, memory, account, run }: DeviceRequest): Promise<DeviceAnswer> {
  const checkpoint = await openCheckpoint(folder);
  const profile = BACKENDS.cuda.memory[memory];
  const networks: NetworkAnswer[] = [];
  if ('render' in run) await render(new Networks(checkpoint, { backend: BACKENDS.cuda, precision: 'fp16' }, profile), run.render);
  else
    for (const { network, ...settings } of run)
      networks.push(await runNetwork(checkpoint, network, { backend: BACKENDS.cuda, ...settings }, profile));
  return { networks, peakBytes: (await readAccount(account)).peak };
}

/** Runs a network as the engine does; if nodes are not on CUDA, in a session that may fall back to the CPU, which shows them. */
async function runNetwork(checkpoint: Checkpoint, network: Network, runtime: Runtime, memory: MemoryProfile): Promise<NetworkAnswer> {
  const attempt = (backend: Backend) => runOnce(network, (profile) => new Networks(checkpoint, { ...runtime, backend, profile }, memory));
  try {
    return await attempt(runtime.backend);
  } catch (error) {
    if (!/fallback to CPU EP/.test(messageOf(error))) throw error;
    const { disable_cpu_ep_fallback: _, ...sessionConfig } = { disable_cpu_ep_fallback: '', ...runtime.backend.sessionConfig };
    return await attempt({ ...runtime.backend, sessionConfig });
  }
}

/** Loads a network, runs it once, and reads its profile. */
async function runOnce(network: Network, networksWith: (profile: string) => Networks): Promise<NetworkAnswer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'check-cuda-profile-'));
  try {
    const networks = networksWith(path.join(folder, 'profile'));
    const session = await networks.open(network);
    await session.run(zeros(session.graph));
    await networks.dispose(); // writes the profile
    const nodes = await readProfile(folder);
    return {
      operators: countBy(nodes.map(({ operator }) => operator)),
      strays: nodes.filter(({ provider }) => provider !== 'CUDAExecutionProvider').map(({ name }) => name),
      weightsBytes: weightsBytes(session.graph),
      largestBytes: Math.max(...nodes.map(({ largestBytes }) => largestBytes)),
      movedBytes: traffic(session.graph).bytes,
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Calls all networks as a render with guidance does, with one step. */
async function render(networks: Networks, size: Size): Promise<void> {
  const { checkpoint, memory } = networks;
  const frames = checkpoint.unet.config.numFrames;
  const { imageSize } = checkpoint.imageEncoder.config;
  const latent = (size.width / networks.scale) * (size.height / networks.scale);
  await networks.embed(new Float32Array(3 * imageSize ** 2));
  await networks.encode(new Float32Array(3 * size.width * size.height), size);
  const { times, contexts, positions } = await networks.condition({
    timesteps: [1],
    ids: [6, 127, 0.02],
    context: new Float32Array(2 * checkpoint.unet.config.crossAttentionDim),
    frames,
  });
  const batch = memory.guidanceBatch;
  const sample = new Float32Array(batch * frames * checkpoint.unet.config.inChannels * latent);
  const context = new Float32Array(batch * contexts[0]!.length);
  await networks.velocity({ sample, time: times[0]!, context, positions }, frames, size, batch);
  for (let first = 0; first < frames; first += memory.decodeChunkSize) {
    const count = Math.min(memory.decodeChunkSize, frames - first);
    await networks.decode(new Float32Array(count * checkpoint.vae.config.latentChannels * latent), count, size);
  }
}

function zeros({ inputs }: Graph): Tensors {
  return Object.fromEntries(inputs.map(({ name, shape }) => [name, new Float32Array(shape.reduce((product, side) => product * side, 1))]));
}

/** Ranges of the file that several weights share count once. */
function weightsBytes({ model }: Graph): number {
  const lengths = new Map(readModel(model).initializers.map(({ external }) => [external['offset'], Number(external['length'] ?? 0)]));
  return [...lengths.values()].reduce((sum, length) => sum + length, 0);
}

function countBy(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

/** The library's own message, if it is the cause. */
function messageOf(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error ? cause.message : message;
}

const [request] = process.argv.slice(2);
if (process.send && request !== undefined) {
  const message = await answer(JSON.parse(request) as DeviceRequest).catch((error: unknown) => ({ error: messageOf(error) }));
  // Skips the libraries' own cleanup, which the stubs do not support.
  process.send(message, () => process.kill(process.pid, 'SIGKILL'));
}
