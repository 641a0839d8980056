/**
 * Measures one network in its own process, so that peak memory is that network's alone. Started as `network.js NAME REQUEST`; sends the
 * result as an IPC message.
 */
import { openCheckpoint } from '../checkpoint/checkpoint.ts';
import { BACKENDS } from '../runtime/backends.ts';
import { Networks, type Network } from '../runtime/networks.ts';
import { Session, type Tensors } from '../runtime/session.ts';

export const NAMES = ['clip', 'encode', 'unet', 'decode'] as const;

export type NetworkName = (typeof NAMES)[number];

export interface Request {
  /** Folder of a checkpoint with weights. */
  readonly folder: string;
  readonly width: number;
  readonly height: number;
  /** Frames of the UNet. */
  readonly numFrames: number;
  /** Frames decoded at once. */
  readonly decodeChunkSize: number;
  readonly threads: number;
  readonly runs: number;
}

export interface Timing {
  /** Seconds for writing the graph and opening the session. */
  readonly load: number;
  /** Seconds for the first call, which reads the weights. */
  readonly first: number;
  /** Median seconds of the further calls. */
  readonly seconds: number;
  readonly flops: number;
  /** Peak memory of the process, including mapped weights. */
  readonly peakBytes: number;
}

async function measure(name: NetworkName, { folder, width, height, numFrames, decodeChunkSize, threads, runs }: Request): Promise<Timing> {
  const size = { width, height };
  const networks = new Networks(await openCheckpoint(folder), { backend: BACKENDS.cpu, precision: 'fp32', threads });
  const network: Record<NetworkName, Network> = {
    clip: { name: 'image encoder' },
    encode: { name: 'encoder', size },
    unet: { name: 'unet', size, frames: numFrames, batch: 1 },
    decode: { name: 'decoder', size, frames: decodeChunkSize },
  };
  const started = performance.now();
  const session = await networks.open(network[name]);
  const loaded = performance.now();
  const inputs = anyInputs(session);
  const times: number[] = [];
  for (let run = 0; run <= runs; run++) {
    const began = performance.now();
    await session.run(inputs);
    times.push(secondsSince(began));
  }
  await networks.dispose();
  const [first, ...rest] = times;
  return {
    load: (loaded - started) / 1000,
    first: first!,
    seconds: rest.toSorted((a, b) => a - b)[Math.floor(rest.length / 2)]!,
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

const secondsSince = (began: number) => (performance.now() - began) / 1000;

const [name, request] = process.argv.slice(2);
if (process.send && NAMES.includes(name as NetworkName)) process.send(await measure(name as NetworkName, JSON.parse(request!) as Request));
