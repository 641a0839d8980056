/** Makes a model for onnxruntime's CUDA provider run on its CPU provider, without changing what it computes. */
import { EXPANSIONS, type Expansion, type Value } from '../../worker/svd/graph/expansions.ts';
import { readModel } from '../../worker/svd/graph/model.ts';
import { DOMAIN, OnnxWriter, type Precision } from '../../worker/svd/graph/onnx.ts';
import type { Graph } from '../../worker/svd/graph/ops.ts';
import { ProtoReader, ProtoWriter } from '../../worker/svd/graph/protobuf.ts';
import { inferShapes } from '../../worker/svd/graph/shapes.ts';

/** Replaces operators that only CUDA has by their expansions. All other nodes, and all weights, inputs and outputs, are copied byte by byte. */
export function expand(graph: Graph): Graph {
  const { model } = graph;
  const { nodes, initializers } = readModel(model);
  const types = inferShapes(readModel(model), graph.inputs);
  const constants: Uint8Array[] = [];
  const expanded = nodes.flatMap(({ name, type, domain, inputs, outputs, attributes, bytes }) => {
    const values = inputs.map((id): Value | undefined =>
      id ? { id, ...(types.get(id) as { type: Precision; shape: number[] }) } : undefined,
    );
    const expansion = EXPANSIONS[`${domain} ${type}`] ?? (type === 'Gemm' && values[0]!.type === 'fp16' ? widenedGemm : null);
    if (!expansion) return [bytes];
    const writer = new OnnxWriter(name, { prefix: `${name}.` });
    const results = expansion(writer, values, attributes);
    outputs.forEach((output, i) => {
      if (output) writer.ops('Identity', [results[i]!], [output]);
    });
    outputs.forEach((output) => output && writer.output(output, []));
    const part = new ProtoReader(new ProtoReader(writer.finish()).bytes(7)[0]!);
    constants.push(...part.bytes(5));
    return part.bytes(1);
  });
  const original = new ProtoReader(model);
  const source = new ProtoReader(original.bytes(7)[0]!);
  const rewritten = new ProtoWriter();
  for (const node of expanded) rewritten.bytes(1, node);
  for (const name of source.bytes(2)) rewritten.bytes(2, name);
  for (const bytes of [...initializers.map((initializer) => initializer.bytes), ...constants]) rewritten.bytes(5, bytes);
  for (const input of source.bytes(11)) rewritten.bytes(11, input);
  for (const output of source.bytes(12)) rewritten.bytes(12, output);
  const result = new ProtoWriter().int(1, original.ints(1)[0]!).message(7, rewritten);
  for (const opset of original.bytes(8)) if (new ProtoReader(opset).text(1) !== DOMAIN.nhwc) result.bytes(8, opset);
  return { ...graph, model: result.finish() };
}

/** Sums in float32, as on CUDA. The CPU provider sums in float16, and takes several hundred times as long. */
const widenedGemm: Expansion = (writer, inputs, attributes) => {
  const widened = inputs.map((value) => writer.cast(value!.id, 'fp16', 'fp32'));
  return [writer.cast(writer.op('Gemm', widened, attributes), 'fp32', 'fp16')];
};
