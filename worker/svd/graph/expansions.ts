/**
 * Operators that only onnxruntime's CUDA provider has, written with standard operators. The CUDA dialect uses them where the provider's
 * kernel does not take a size; with them, `expand` (expand.ts) makes CUDA's models run on the CPU.
 *
 * | operator | expansion | documented in onnxruntime |
 * |---|---|---|
 * | com.ms.internal.nhwc Conv | Conv between two Transposes | core/graph/contrib_ops/nhwc_schema_defs: ONNX Conv with channels-last data; the weight stays [out, in, h, w] |
 * | com.microsoft GroupNorm | mean and variance over [height, width, channels of a group] in float32; SiLU | docs/ContribOperators.md |
 * | com.microsoft SkipGroupNorm | Add, then GroupNorm; the second output is the sum | docs/ContribOperators.md |
 * | com.microsoft BiasAdd | two Adds | docs/ContribOperators.md |
 * | com.microsoft BiasSplitGelu | Add, Split, Gelu of the second half, Mul | docs/ContribOperators.md |
 */
import { DOMAIN, type Attribute, type Attributes, type OnnxWriter, type Precision } from './onnx.ts';

/** An input of an operator. */
export interface Value {
  readonly id: string;
  readonly type: Precision;
  readonly shape: readonly number[];
}

/** Writes an operator's nodes and returns its outputs. Omitted optional inputs are undefined. */
export type Expansion = (writer: OnnxWriter, inputs: readonly (Value | undefined)[], attributes: Attributes) => string[];

/** By domain and operator. */
export const EXPANSIONS: Readonly<Record<string, Expansion>> = {
  [`${DOMAIN.nhwc} Conv`]: (writer, [x, weight, bias], attributes) => [
    convolution(writer, x!.id, weight!.id, bias && [bias.id], attributes),
  ],
  [`${DOMAIN.microsoft} GroupNorm`]: (writer, [x, gamma, beta], attributes) => [groupNorm(writer, x!, gamma!, beta!, norm(attributes))],
  [`${DOMAIN.microsoft} SkipGroupNorm`]: (writer, [x, gamma, beta, skip, bias], attributes) => {
    const images = x!.shape[0]!;
    const perImage = skip!.shape.length === 2 ? writer.reshape(skip!.id, [images, 1, 1, x!.shape[3]!]) : skip!.id;
    const added = bias ? writer.op('Add', [x!.id, bias.id]) : x!.id;
    const sum = writer.op('Add', [added, perImage]);
    return [groupNorm(writer, { ...x!, id: sum }, gamma!, beta!, norm(attributes)), sum];
  },
  [`${DOMAIN.microsoft} BiasAdd`]: (writer, [x, bias, skip]) => [writer.op('Add', [writer.op('Add', [x!.id, bias!.id]), skip!.id])],
  [`${DOMAIN.microsoft} BiasSplitGelu`]: (writer, [x, bias]) => {
    const half = x!.shape[2]! / 2;
    const [a, gate] = writer.ops('Split', [writer.op('Add', [x!.id, bias!.id]), writer.ints([half, half])], 2, { axis: 2 });
    return [writer.op('Mul', [a!, writer.op('Gelu', [gate!])])];
  },
};

/** 2-D convolution of channels-last data by an operator with channels first. */
export function convolution(writer: OnnxWriter, x: string, weight: string, bias: readonly string[] = [], attributes: Attributes): string {
  const result = writer.op('Conv', [writer.transpose(x, [0, 3, 1, 2]), weight, ...bias], attributes);
  return writer.transpose(result, [0, 2, 3, 1]);
}

export interface GroupNormOptions {
  readonly groups: number;
  readonly epsilon: number;
  readonly silu: boolean;
}

/** Group norm of [images, height, width, channels] with gamma and beta in float32, then SiLU if `silu`. */
export function groupNorm(
  writer: OnnxWriter,
  x: Value,
  gamma: Pick<Value, 'id'>,
  beta: Pick<Value, 'id'>,
  options: GroupNormOptions,
): string {
  const { groups, epsilon, silu } = options;
  const [images, height, width, channels] = x.shape as [number, number, number, number];
  const perGroup = [1, 1, groups, channels / groups];
  const axes = writer.ints([1, 3]);
  const mean = (id: string) => writer.op('ReduceMean', [id, axes], { keepdims: 1 }); // [images, 1, groups, 1]
  const values = writer.reshape(writer.cast(x.id, x.type, 'fp32'), [images, height * width, groups, channels / groups]);
  const centered = writer.op('Sub', [values, mean(values)]);
  const variance = mean(writer.op('Mul', [centered, centered]));
  const deviation = writer.op('Sqrt', [writer.op('Add', [variance, writer.floats([epsilon])])]);
  const scaled = writer.op('Mul', [writer.op('Div', [centered, deviation]), writer.reshape(gamma.id, perGroup)]);
  const shifted = writer.op('Add', [scaled, writer.reshape(beta.id, perGroup)]);
  const activated = silu ? writer.op('Mul', [shifted, writer.op('Sigmoid', [shifted])]) : shifted;
  return writer.cast(writer.reshape(activated, x.shape), 'fp32', x.type);
}

function norm(attributes: Attributes): GroupNormOptions {
  return {
    groups: attributes['groups'] as number,
    epsilon: (attributes['epsilon'] as Extract<Attribute, { float: number }>).float,
    silu: attributes['activation'] === 1,
  };
}
