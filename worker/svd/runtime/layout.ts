/** Whether onnxruntime's CUDA provider takes convolutions of channels-last data, whose operator is internal to onnxruntime. */
import { AppError } from '../../../src/jobs/errors.ts';
import type { CudaLayout } from '../graph/cuda.ts';
import { DOMAIN, OnnxWriter, TYPE } from '../graph/onnx.ts';
import type { Graph } from '../graph/ops.ts';
import { Session, type Runtime } from './session.ts';

const CHANNELS = 64;
const SIDE = 8;

/** The layout to write graphs in: `nhwc`, or `plain` if the provider refuses the operator. @throws AppError and DeviceFailure as Session does */
export async function supportedLayout(runtime: Runtime): Promise<CudaLayout> {
  let session: Session;
  const graph = convolution();
  try {
    session = await Session.open(graph, runtime);
  } catch (error) {
    if (error instanceof AppError && error.code === 'INTERNAL') return 'plain';
    throw error;
  }
  try {
    await session.run({ x: new Float32Array(SIDE * SIDE * CHANNELS) });
    return 'nhwc';
  } finally {
    await session.release();
  }
}

/** A 3×3 convolution in float16: x [1, side, side, channels] → y of the same shape. */
function convolution(): Graph {
  const writer = new OnnxWriter('layout');
  const shape = [1, SIDE, SIDE, CHANNELS];
  const taps = CHANNELS * 9;
  const fp16 = (id: string) => writer.op('Cast', [id], { to: TYPE.fp16 });
  const weight = fp16(writer.floats(Array<number>(CHANNELS * taps).fill(1 / taps), [CHANNELS, CHANNELS, 3, 3]));
  const y = writer.op('Conv', [fp16(writer.input('x', shape)), weight], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }, DOMAIN.nhwc);
  const id = writer.op('Cast', [y], { to: TYPE.fp32 });
  writer.output(id, shape);
  return {
    name: 'layout',
    model: writer.finish(),
    folder: import.meta.dirname,
    inputs: [{ name: 'x', shape }],
    outputs: [{ name: 'y', id, shape }],
    flops: 2 * SIDE ** 2 * CHANNELS * taps,
    nodes: writer.nodes,
  };
}
