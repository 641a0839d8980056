/** Opens a session on CUDA, without fallback to the CPU, whose result has `bytes` bytes; runs it and sends what went wrong, or null. */
import { OnnxWriter } from '../../worker/svd/graph/onnx.ts';

process.env['ORT_DISABLE_TELEMETRY'] = '1';
const { InferenceSession, Tensor } = await import('onnxruntime-node');
const { bytes } = JSON.parse(process.argv[2]!) as { bytes: number };
const writer = new OnnxWriter('square');
const size = bytes / 4;
const input = writer.input('x', [1]);
const wide = writer.op('Expand', [input, writer.ints([size])]);
const sum = writer.op('ReduceSum', [writer.op('Mul', [wide, wide]), writer.ints([0])], { keepdims: 1 });
writer.output(sum, [1]);
try {
  const session = await InferenceSession.create(writer.finish(), {
    executionProviders: ['cuda'],
    logSeverityLevel: 4,
    enableMemPattern: false,
    extra: { session: { disable_cpu_ep_fallback: '1' } },
  });
  await session.run({ x: new Tensor('float32', new Float32Array(1), [1]) });
  process.send!({ error: null });
} catch (error) {
  process.send!({ error: (error as Error).message });
}
