import { describe, expect, it } from 'vitest';
import { intsOf, readModel } from '../../../../worker/svd/graph/model.ts';
import { DOMAIN, OnnxWriter } from '../../../../worker/svd/graph/onnx.ts';
import type { Graph } from '../../../../worker/svd/graph/ops.ts';
import { ProtoReader, ProtoWriter } from '../../../../worker/svd/graph/protobuf.ts';
import { inferShapes } from '../../../../worker/svd/graph/shapes.ts';
import { traffic } from '../../../../worker/svd/graph/traffic.ts';

describe('the ONNX writer', () => {
  it('withdraws a node whose result nothing uses, and lets another node give that result', () => {
    const writer = new OnnxWriter('test');
    const x = writer.input('x', [2, 4]);
    const sum = writer.op('Add', [x, x]);
    expect(writer.withdraw(sum)).toBe(true);
    const [norm] = writer.ops('SkipLayerNormalization', [x, x, x, x], [writer.name(), '', '', sum], {}, DOMAIN.microsoft);
    expect(writer.withdraw(writer.op('Sqrt', [sum]))).toBe(true);
    writer.output(norm!, [2, 4]);
    writer.output(sum, [2, 4]);
    expect(readModel(writer.finish()).nodes).toMatchObject([{ type: 'SkipLayerNormalization', outputs: [norm, '', '', sum] }]);
  });

  it('keeps a node whose result is used, and inputs and weights', () => {
    const writer = new OnnxWriter('test');
    const x = writer.input('x', [2]);
    const sum = writer.op('Add', [x, x]);
    writer.output(writer.op('Sqrt', [sum]), [2]);
    expect([sum, x, writer.floats([1])].map((value) => writer.withdraw(value))).toEqual([false, false, false]);
    expect(readModel(writer.finish()).nodes.map(({ type }) => type)).toEqual(['Add', 'Sqrt']);
  });

  it('omits named outputs, nodes and constants that nothing uses', () => {
    const writer = new OnnxWriter('test');
    const x = writer.input('x', [1, 1, 1, 2]);
    writer.op('Mul', [writer.op('Add', [x, writer.floats([3])]), x]);
    const [norm] = writer.ops('SkipGroupNorm', [x, x, x, x], [writer.name(), writer.name()], {}, DOMAIN.microsoft);
    writer.output(norm!, [1, 1, 1, 2]);
    const { nodes, initializers } = readModel(writer.finish());
    expect(nodes).toMatchObject([{ type: 'SkipGroupNorm', outputs: [norm] }]);
    expect(initializers).toEqual([]);
  });

  it('declares the internal operator set only if it is used', () => {
    const domains = (domain: string) => {
      const writer = new OnnxWriter('test');
      writer.output(writer.op('Conv', [writer.input('x', [1]), writer.input('w', [1])], {}, domain), [1]);
      return new ProtoReader(writer.finish()).messages(8).map((opset) => opset.text(1));
    };
    expect(domains('')).toEqual(['', 'com.microsoft']);
    expect(domains(DOMAIN.nhwc)).toEqual(['', 'com.microsoft', DOMAIN.nhwc]);
  });
});

describe('the ONNX reader', () => {
  it('reads what the writer wrote', () => {
    const writer = new OnnxWriter('test');
    const x = writer.input('x', [2, 3]);
    const weight = writer.external('fp16', [3, 5], { location: 'file', offset: 2 ** 33 });
    const reshaped = writer.reshape(x, [-1, 3]);
    writer.output(writer.op('Gemm', [reshaped, weight], { transB: 1, alpha: { float: 0.5 }, mode: 'm', pads: [1, 2], axis: -1 }), [2, 5]);
    const { nodes, initializers, inputs, outputs } = readModel(writer.finish());
    expect(nodes[1]!.attributes).toEqual({ transB: 1, alpha: { float: 0.5 }, mode: 'm', pads: [1, 2], axis: -1 });
    expect(nodes[1]!.inputs).toEqual([reshaped, weight]);
    const [external, shape] = initializers;
    expect(external).toMatchObject({ type: 'fp16', shape: [3, 5], external: { location: 'file', offset: String(2 ** 33), length: '30' } });
    expect(intsOf(shape!)).toEqual([-1, 3]);
    expect(inputs).toEqual([{ name: 'x', shape: [2, 3] }]);
    expect(outputs).toEqual([{ name: nodes[1]!.outputs[0], shape: [2, 5] }]);
  });

  it('rejects a truncated message', () => {
    const bytes = new ProtoWriter().text(1, 'text').int(2, 300).finish();
    expect(() => new ProtoReader(bytes.subarray(0, 3))).toThrow(RangeError);
    expect(() => new ProtoReader(bytes.subarray(0, bytes.length - 1))).toThrow(RangeError);
  });
});

describe('the bytes that a graph moves', () => {
  it('count inputs and outputs once, and the extra passes of biases and norms', () => {
    const bytes = (type: string, inputs: readonly (readonly number[])[], outputs = 1) => {
      const writer = new OnnxWriter('test');
      const ids = inputs.map((shape, i) => writer.input(`x${i}`, shape));
      const results = writer.ops(type, ids, outputs, { groups: 1, axis: 1 }, DOMAIN.microsoft);
      for (const result of results) writer.output(result, []);
      const specs = inputs.map((shape, i) => ({ name: `x${i}`, shape }));
      return traffic({ model: writer.finish(), inputs: specs } as unknown as Graph).bytes;
    };
    const [image, row] = [[1, 5, 7, 10], [10]];
    const size = 4 * 350; // of the image
    expect(bytes('Add', [image, row])).toBe(2 * size + 40);
    expect(
      bytes('Gemm', [
        [3, 4],
        [5, 4],
      ]),
    ).toBe(4 * (12 + 20 + 15));
    expect(bytes('Gemm', [[3, 4], [5, 4], [5]])).toBe(4 * (12 + 20 + 5 + 15 + 2 * 15));
    expect(bytes('GroupNorm', [image, row, row])).toBe(3 * size + 80);
    // Reads both, writes the sum, reads it, writes the result, whether the sum is used or not.
    expect(bytes('SkipGroupNorm', [image, row, row, image], 2)).toBe(5 * size + 80);
    expect(bytes('SkipGroupNorm', [image, row, row, image], 1)).toBe(5 * size + 80);
  });

  it('cannot be counted for an unknown operator', () => {
    const writer = new OnnxWriter('test');
    writer.output(writer.op('Unknown', [writer.input('x', [1])]), [1]);
    expect(() => inferShapes(readModel(writer.finish()), [{ name: 'x', shape: [1] }])).toThrow('Unknown');
  });
});
