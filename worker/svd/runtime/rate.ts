/** Measures a device's rate with a few small convolutions, for estimates before anything has been rendered. */
import { OnnxWriter, TYPE, type Precision } from '../graph/onnx.ts';
import type { Graph } from '../graph/ops.ts';
import { Session, type Runtime } from './session.ts';

const CHANNELS = 128;
const SIDE = 16;
const LAYERS = 2;
/** Largest batch: its feature maps still fit WebGPU's smallest buffer limit, 128 MiB. */
const MAX_BATCH = 1024;
/** Measuring stops once the timed runs have taken this long in total. */
const BUDGET_MS = 60;

/**
 * Best rate that `runtime` reaches in 3×3 convolutions, in floating-point operations per second, over increasing batch sizes. Takes about
 * 100 ms, longer on a device that compiles shaders or is very slow, and blocks the process like every run.
 * @throws AppError as Session does
 */
export async function measureRate(runtime: Runtime): Promise<number> {
  let best = 0;
  let spentMs = 0;
  for (let batch = 1; batch <= MAX_BATCH && spentMs < BUDGET_MS; batch *= 4) {
    const graph = convolutions(batch, runtime.precision);
    const ms = await measure(graph, runtime);
    best = Math.max(best, (graph.flops * 1000) / ms);
    spentMs += ms;
  }
  return best;
}

/** Milliseconds of the second run; the first one includes compilation. */
async function measure(graph: Graph, runtime: Runtime): Promise<number> {
  const session = await Session.open(graph, runtime);
  try {
    const inputs = { seed: new Float32Array(CHANNELS).fill(1) };
    await session.run(inputs);
    const start = performance.now();
    await session.run(inputs);
    return performance.now() - start;
  } finally {
    await session.release();
  }
}

/**
 * Expands `seed` [1, channels, 1, 1] to a batch, convolves it and returns one row as `row`, so that almost no data is copied to or from the
 * device.
 */
function convolutions(batch: number, precision: Precision): Graph {
  const writer = new OnnxWriter('rate');
  const seed = [1, CHANNELS, 1, 1];
  const row = [1, 1, 1, SIDE];
  const taps = CHANNELS * 9;
  const cast = (id: string) => (precision === 'fp32' ? id : writer.op('Cast', [id], { to: TYPE[precision] }));
  const weight = cast(writer.floats(Array<number>(CHANNELS * taps).fill(1 / taps), [CHANNELS, CHANNELS, 3, 3]));
  let x = writer.op('Expand', [cast(writer.input('seed', seed)), writer.ints([batch, CHANNELS, SIDE, SIDE])]);
  for (let i = 0; i < LAYERS; i++) x = writer.op('Conv', [x, weight], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
  const first = writer.op('Slice', [x, writer.ints([0, 0, 0, 0]), writer.ints(row)]);
  const id = precision === 'fp32' ? first : writer.op('Cast', [first], { to: TYPE.fp32 });
  writer.output(id, row);
  return {
    name: 'rate',
    model: writer.finish(),
    folder: import.meta.dirname,
    inputs: [{ name: 'seed', shape: seed }],
    outputs: [{ name: 'row', id, shape: row }],
    flops: 2 * LAYERS * batch * SIDE ** 2 * CHANNELS * taps,
    nodes: writer.nodes,
  };
}
