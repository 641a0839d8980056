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

export type Attributes = Readonly<Record<string, Attribute>>;

/** Domains of operators other than the standard ones, which have none. */
export const DOMAIN = {
  /** onnxruntime's contributed operators: docs/ContribOperators.md in its repository. */
  microsoft: 'com.microsoft',
  /** Standard operators on channels-last data, which onnxruntime's layout transformation uses internally. */
  nhwc: 'com.ms.internal.nhwc',
} as const;

const IR_VERSION = 10;
const OPSET = 21;
/** Versions of the operator sets. That of `nhwc` is declared only by models that use it, because only some providers know it. */
const OPSETS: readonly [domain: string, version: number][] = [
  ['', OPSET],
  [DOMAIN.microsoft, 1],
];
const NHWC_OPSET: readonly [domain: string, version: number] = [DOMAIN.nhwc, OPSET];

/** AttributeProto.AttributeType */
export const ATTRIBUTE = { float: 1, int: 2, string: 3, ints: 7 } as const;

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

interface Node {
  readonly type: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
  /** Whether outputs that nothing uses may be omitted. */
  readonly omitsOutputs: boolean;
}

interface WriterOptions {
  /** Start of all names in the graph. Default: none. */
  readonly prefix?: string;
  /**
   * Whether onnxruntime knows all shapes when it loads the model. If so, it plans which results share a buffer: only those of equal shape do,
   * and a buffer is then held from the first to the last of them. Without the first dimension of the inputs it cannot plan, and frees each
   * result after its last use. Default: true.
   */
  readonly staticShapes?: boolean;
}

export class OnnxWriter {
  readonly #graph: string;
  readonly #prefix: string;
  readonly #staticShapes: boolean;
  readonly #nodes = new Set<Node>();
  /** Nodes that depend on weights and constants only; see `finish`. */
  readonly #preparations = new Set<Node>();
  /** The node that computes a value. */
  readonly #sources = new Map<string, Node>();
  /** How many nodes and outputs use a value. */
  readonly #uses = new Map<string, number>();
  /** Weights, constants, and outputs of preparations. */
  readonly #fixed = new Set<string>();
  readonly #initializers = new Map<string, ProtoWriter>();
  readonly #inputs: ProtoWriter[] = [];
  readonly #outputs: ProtoWriter[] = [];
  readonly #constants = new Map<string, string>();
  #names = 0;

  /** @param graph name of the graph, for tools that display it */
  constructor(graph: string, { prefix = '', staticShapes = true }: WriterOptions = {}) {
    this.#graph = graph;
    this.#prefix = prefix;
    this.#staticShapes = staticShapes;
  }

  /** Number of nodes written so far. */
  get nodes(): number {
    return this.#nodes.size + this.#preparations.size;
  }

  /** Declares a float32 input. */
  input(name: string, shape: readonly number[]): string {
    this.#inputs.push(valueInfo(name, this.#staticShapes ? shape : [null, ...shape.slice(1)]));
    return name;
  }

  /** Makes the float32 tensor `value` an output. */
  output(value: string, shape: readonly number[]): void {
    this.#outputs.push(valueInfo(value, shape));
    this.#use(value, 1);
  }

  /** Adds a node and returns its first output. */
  op(type: string, inputs: readonly string[], attributes: Attributes = {}, domain = ''): string {
    return this.ops(type, inputs, 1, attributes, domain)[0]!;
  }

  /**
   * Adds a node and returns its outputs. An input '' is an omitted optional input.
   * @param outputs their number, or their names: from `name`, or of withdrawn values, or '' if omitted. Named outputs other than the first
   * are optional: those that nothing uses in the end are omitted.
   */
  ops(type: string, inputs: readonly string[], outputs: number | readonly string[], attributes: Attributes = {}, domain = ''): string[] {
    const names = typeof outputs === 'number' ? Array.from({ length: outputs }, () => this.name()) : [...outputs];
    const node: Node = { type, domain, inputs, outputs: names, attributes, omitsOutputs: typeof outputs !== 'number' };
    const isPreparation = inputs.every((input) => this.#fixed.has(input));
    (isPreparation ? this.#preparations : this.#nodes).add(node);
    for (const output of names) {
      this.#sources.set(output, node);
      if (isPreparation) this.#fixed.add(output);
    }
    for (const input of inputs) this.#use(input, 1);
    return names;
  }

  /** A new name for a value. */
  name(): string {
    return `${this.#prefix}v${this.#names++}`;
  }

  /**
   * Takes back the node that computes `value`, so that another node can compute the same and more. `finish` removes nodes that were written
   * only for it.
   * @returns false, without an effect, if the result of the node is used already, or if `value` is an input, a weight or a constant
   */
  withdraw(value: string): boolean {
    const node = this.#sources.get(value);
    if (!node || node.outputs.some((output) => this.#uses.get(output))) return false;
    this.#nodes.delete(node);
    this.#preparations.delete(node);
    for (const output of node.outputs) {
      this.#sources.delete(output);
      this.#fixed.delete(output);
    }
    for (const input of node.inputs) this.#use(input, -1);
    return true;
  }

  /** Adds a node with an operator of onnxruntime's com.microsoft domain. */
  contrib(type: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.op(type, inputs, attributes, DOMAIN.microsoft);
  }

  reshape(value: string, shape: readonly number[]): string {
    // −1 stands for what the other dimensions leave.
    const keepsShape = this.#staticShapes || this.#fixed.has(value) || shape.includes(-1);
    return this.op('Reshape', [value, this.ints(keepsShape ? shape : [-1, ...shape.slice(1)])]);
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
    const name = `${this.#prefix}w${this.#names++}`;
    const tensor = tensorOf(name, type, shape);
    for (const [key, value] of [
      ['location', location],
      ['offset', offset],
      ['length', length],
    ]) {
      tensor.message(13, new ProtoWriter().text(1, String(key)).text(2, String(value)));
    }
    this.#initializers.set(name, tensor.int(14, 1));
    this.#fixed.add(name);
    return name;
  }

  /** Adds a small constant to the model. Equal constants are written once. */
  constant(type: ElementType, shape: readonly number[], bytes: Uint8Array): string {
    const key = `${type} ${shape.join()} ${Buffer.from(bytes).toString('base64')}`;
    const known = this.#constants.get(key);
    if (known) return known;
    const name = `${this.#prefix}c${this.#names++}`;
    this.#initializers.set(name, tensorOf(name, type, shape).bytes(9, bytes));
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
    this.#removeUnusedNodes();
    const graph = new ProtoWriter();
    const nodes = [...this.#preparations, ...this.#nodes].map((node) => this.#withoutUnusedOutputs(node));
    nodes.forEach((node, i) => graph.message(1, nodeProto(node, `${this.#prefix}${node.type}_${i}`)));
    graph.text(2, this.#graph);
    for (const [name, initializer] of this.#initializers) if (this.#uses.get(name)) graph.message(5, initializer);
    for (const input of this.#inputs) graph.message(11, input);
    for (const output of this.#outputs) graph.message(12, output);
    const model = new ProtoWriter().int(1, IR_VERSION).text(2, 'FanslyMotion').message(7, graph);
    const opsets = nodes.some(({ domain }) => domain === DOMAIN.nhwc) ? [...OPSETS, NHWC_OPSET] : OPSETS;
    for (const [domain, version] of opsets) model.message(8, new ProtoWriter().text(1, domain).int(2, version));
    return model.finish();
  }

  #removeUnusedNodes(): void {
    for (const nodes of [this.#nodes, this.#preparations]) {
      for (const node of [...nodes].toReversed()) {
        if (node.outputs.some((output) => this.#uses.get(output))) continue;
        nodes.delete(node);
        for (const input of node.inputs) this.#use(input, -1);
      }
    }
  }

  #use(value: string, times: 1 | -1): void {
    this.#uses.set(value, (this.#uses.get(value) ?? 0) + times);
  }

  #withoutUnusedOutputs(node: Node): Node {
    if (!node.omitsOutputs) return node;
    const outputs = node.outputs.map((output, i) => (i === 0 || this.#uses.get(output) ? output : ''));
    while (outputs.at(-1) === '') outputs.pop();
    return { ...node, outputs };
  }
}

function nodeProto({ type, domain, inputs, outputs, attributes }: Node, name: string): ProtoWriter {
  const node = new ProtoWriter();
  for (const input of inputs) node.text(1, input);
  for (const output of outputs) node.text(2, output);
  node.text(3, name).text(4, type);
  for (const [key, value] of Object.entries(attributes)) node.message(5, attribute(key, value));
  if (domain) node.text(7, domain);
  return node;
}

function tensorOf(name: string, type: ElementType, shape: readonly number[]): ProtoWriter {
  const tensor = new ProtoWriter();
  for (const side of shape) tensor.int(1, side);
  return tensor.int(2, TYPE[type]).text(8, name);
}

/** @param shape null: a dimension that is unknown until the model runs */
function valueInfo(name: string, shape: readonly (number | null)[]): ProtoWriter {
  const sides = new ProtoWriter();
  for (const side of shape) sides.message(1, side === null ? new ProtoWriter() : new ProtoWriter().int(1, side));
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
