/**
 * Writes ONNX models: nodes, small constants, and weights as ranges of bytes in existing files ("external data"). Knows ONNX, but not the
 * networks written with it.
 *
 * Source of the field numbers: onnx/onnx, onnx/onnx.proto (IR version 10).
 */
import { ProtoWriter } from './protobuf.ts';

/** TensorProto.DataType */
export const TYPE = { fp32: 1, int64: 7, fp16: 10 } as const;

export type ElementType = keyof typeof TYPE;

/** Floating-point types that weights are stored in and networks compute in. */
export type Precision = 'fp32' | 'fp16';

/** Bytes of one element. */
export const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = { fp32: 4, int64: 8, fp16: 2 };

/** An attribute of a node. Floats are marked, because JavaScript does not distinguish them from integers. */
export type Attribute = number | string | readonly number[] | { readonly float: number };

const IR_VERSION = 10;
const OPSET = 21;
const DOMAINS: readonly [domain: string, version: number][] = [
  ['', OPSET],
  ['com.microsoft', 1],
];

/** AttributeProto.AttributeType */
const ATTRIBUTE = { float: 1, int: 2, string: 3, ints: 7 } as const;

/** Location of a weight's bytes. */
interface ExternalData {
  /** File name without folder. */
  readonly location: string;
  /** Position of the first byte in the file. */
  readonly offset: number;
}

/** An input or output of a model. */
export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
}

export class OnnxWriter {
  readonly #graph: string;
  readonly #nodes: ProtoWriter[] = [];
  /** Nodes that depend on weights and constants only; see `finish`. */
  readonly #preparations: ProtoWriter[] = [];
  /** Weights, constants, and outputs of preparations. */
  readonly #fixed = new Set<string>();
  readonly #initializers: ProtoWriter[] = [];
  readonly #inputs: ProtoWriter[] = [];
  readonly #outputs: ProtoWriter[] = [];
  readonly #constants = new Map<string, string>();
  #names = 0;

  /** @param graph name of the graph, for tools that display it */
  constructor(graph: string) {
    this.#graph = graph;
  }

  /** Number of nodes written so far. */
  get nodes(): number {
    return this.#nodes.length + this.#preparations.length;
  }

  /** Declares a float32 input. */
  input(name: string, shape: readonly number[]): string {
    this.#inputs.push(valueInfo(name, shape));
    return name;
  }

  /** Makes the float32 tensor `value` an output. */
  output(value: string, shape: readonly number[]): void {
    this.#outputs.push(valueInfo(value, shape));
  }

  /** Adds a node and returns its first output. */
  op(type: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}, domain = ''): string {
    return this.ops(type, inputs, 1, attributes, domain)[0]!;
  }

  /** Adds a node and returns its `count` outputs. An input '' is an omitted optional input. */
  ops(type: string, inputs: readonly string[], count: number, attributes: Readonly<Record<string, Attribute>> = {}, domain = ''): string[] {
    const outputs = Array.from({ length: count }, () => `v${this.#names++}`);
    const node = new ProtoWriter();
    for (const input of inputs) node.text(1, input);
    for (const output of outputs) node.text(2, output);
    node.text(3, `${type}_${this.nodes}`).text(4, type);
    for (const [name, value] of Object.entries(attributes)) node.message(5, attribute(name, value));
    if (domain) node.text(7, domain);
    const isPreparation = inputs.every((input) => this.#fixed.has(input));
    if (isPreparation) for (const output of outputs) this.#fixed.add(output);
    (isPreparation ? this.#preparations : this.#nodes).push(node);
    return outputs;
  }

  /** Adds a node with an operator of onnxruntime's com.microsoft domain. */
  contrib(type: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    return this.op(type, inputs, attributes, 'com.microsoft');
  }

  reshape(value: string, shape: readonly number[]): string {
    return this.op('Reshape', [value, this.ints(shape)]);
  }

  transpose(value: string, perm: readonly number[]): string {
    return this.op('Transpose', [value], { perm });
  }

  cast(value: string, from: ElementType, to: ElementType): string {
    return from === to ? value : this.op('Cast', [value], { to: TYPE[to] });
  }

  concat(values: readonly string[], axis: number): string {
    return values.length === 1 ? values[0]! : this.op('Concat', values, { axis });
  }

  /** Declares a weight in a file. `shape` may differ from the shape in the file as long as the bytes are the same. */
  external(type: ElementType, shape: readonly number[], { location, offset }: ExternalData): string {
    const length = shape.reduce((product, side) => product * side, ELEMENT_BYTES[type]);
    const name = `w${this.#names++}`;
    const tensor = tensorOf(name, type, shape);
    for (const [key, value] of [
      ['location', location],
      ['offset', offset],
      ['length', length],
    ]) {
      tensor.message(13, new ProtoWriter().text(1, String(key)).text(2, String(value)));
    }
    this.#initializers.push(tensor.int(14, 1));
    this.#fixed.add(name);
    return name;
  }

  /** Adds a small constant to the model. Equal constants are written once. */
  constant(type: ElementType, shape: readonly number[], bytes: Uint8Array): string {
    const key = `${type} ${shape.join()} ${Buffer.from(bytes).toString('base64')}`;
    const known = this.#constants.get(key);
    if (known) return known;
    const name = `c${this.#names++}`;
    this.#initializers.push(tensorOf(name, type, shape).bytes(9, bytes));
    this.#constants.set(key, name);
    this.#fixed.add(name);
    return name;
  }

  /** An int64 vector, such as a shape. */
  ints(values: readonly number[]): string {
    return this.constant('int64', [values.length], new Uint8Array(BigInt64Array.from(values, BigInt).buffer));
  }

  /** A float32 constant; a vector unless `shape` is given. */
  floats(values: readonly number[], shape: readonly number[] = [values.length]): string {
    return this.constant('fp32', shape, new Uint8Array(Float32Array.from(values).buffer));
  }

  /**
   * The serialized ModelProto. The same calls give the same bytes.
   *
   * Preparations of weights, such as casts, are written first. onnxruntime schedules nodes backwards from the outputs and follows a node's
   * most recently written input first, so each weight is prepared right before its use instead of all of them before the first use.
   */
  finish(): Uint8Array {
    const graph = new ProtoWriter();
    for (const node of [...this.#preparations, ...this.#nodes]) graph.message(1, node);
    graph.text(2, this.#graph);
    for (const initializer of this.#initializers) graph.message(5, initializer);
    for (const input of this.#inputs) graph.message(11, input);
    for (const output of this.#outputs) graph.message(12, output);
    const model = new ProtoWriter().int(1, IR_VERSION).text(2, 'FanslyMotion').message(7, graph);
    for (const [domain, version] of DOMAINS) model.message(8, new ProtoWriter().text(1, domain).int(2, version));
    return model.finish();
  }
}

function tensorOf(name: string, type: ElementType, shape: readonly number[]): ProtoWriter {
  const tensor = new ProtoWriter();
  for (const side of shape) tensor.int(1, side);
  return tensor.int(2, TYPE[type]).text(8, name);
}

function valueInfo(name: string, shape: readonly number[]): ProtoWriter {
  const sides = new ProtoWriter();
  for (const side of shape) sides.message(1, new ProtoWriter().int(1, side));
  const tensor = new ProtoWriter().int(1, TYPE.fp32).message(2, sides);
  return new ProtoWriter().text(1, name).message(2, new ProtoWriter().message(1, tensor));
}

function attribute(name: string, value: Attribute): ProtoWriter {
  const proto = new ProtoWriter().text(1, name);
  if (typeof value === 'number') return proto.int(3, value).int(20, ATTRIBUTE.int);
  if (typeof value === 'string') return proto.text(4, value).int(20, ATTRIBUTE.string);
  if ('float' in value) return proto.float(2, value.float).int(20, ATTRIBUTE.float);
  for (const item of value) proto.int(8, item);
  return proto.int(20, ATTRIBUTE.ints);
}
