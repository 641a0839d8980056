/**
 * Bytes that a model's kernels read and write in device memory per run, computed from shapes. The model of a kernel: it reads each input
 * once and writes each output once, and makes the extra passes that onnxruntime's CUDA kernels make. Caches are not modeled, and attention
 * counts as reading keys and values once.
 */
import { readModel, type ModelNode } from './model.ts';
import { ELEMENT_BYTES } from './onnx.ts';
import type { Graph } from './ops.ts';
import { inferShapes, type TensorType } from './shapes.ts';

export interface Traffic {
  readonly bytes: number;
  /** Bytes by operator, largest first. */
  readonly byOperator: ReadonlyMap<string, number>;
}

export function traffic({ model, inputs }: Graph): Traffic {
  const read = readModel(model);
  const types = inferShapes(read, inputs);
  const fixed = new Set(read.initializers.map(({ name }) => name));
  const byOperator = new Map<string, number>();
  for (const node of read.nodes) {
    // Computed once, while the model is loaded.
    if (node.inputs.every((input) => fixed.has(input))) for (const output of node.outputs) fixed.add(output);
    else byOperator.set(node.type, (byOperator.get(node.type) ?? 0) + nodeBytes(node, types));
  }
  const sorted = [...byOperator].filter(([, bytes]) => bytes > 0).toSorted(([, a], [, b]) => b - a);
  return { bytes: sorted.reduce((sum, [, bytes]) => sum + bytes, 0), byOperator: new Map(sorted) };
}

function nodeBytes({ type, inputs, outputs }: ModelNode, types: ReadonlyMap<string, TensorType>): number {
  const bytesOf = (value: string | undefined): number => {
    const tensor = value ? types.get(value)! : undefined;
    return tensor ? tensor.shape.reduce((product, side) => product * side, ELEMENT_BYTES[tensor.type]) : 0;
  };
  const all = [...inputs, ...outputs].reduce((sum, value) => sum + bytesOf(value), 0);
  const output = bytesOf(outputs[0]);
  switch (type) {
    case 'Reshape':
      return 0; // shares its input's memory
    case 'Conv':
    case 'Gemm':
      return inputs.length > 2 ? all + 2 * output : all; // the bias is added in a pass of its own
    case 'GroupNorm':
      return all + output; // statistics first
    case 'SkipGroupNorm':
      return all - bytesOf(outputs[1]) + 2 * output; // statistics first, which also stores the sum
    default:
      return all;
  }
}
