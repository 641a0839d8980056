/** Reads the ONNX models that onnx.ts writes. Field numbers: onnx/onnx, onnx/onnx.proto. */
import { ATTRIBUTE, TYPE, type Attribute, type Attributes, type ElementType } from './onnx.ts';
import { ProtoReader } from './protobuf.ts';

export interface ModelNode {
  readonly name: string;
  readonly type: string;
  /** '' for standard operators. */
  readonly domain: string;
  /** '' stands for an omitted input or output. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
  /** Serialized NodeProto. */
  readonly bytes: Uint8Array;
}

export interface ModelInitializer {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: ElementType;
  /** Values in the model, little-endian; empty for external data. */
  readonly data: Uint8Array;
  /** location, offset and length of external data. */
  readonly external: Readonly<Record<string, string>>;
  /** Serialized TensorProto. */
  readonly bytes: Uint8Array;
}

interface ModelTensor {
  readonly name: string;
  /** null: a dimension that is unknown until the model runs. */
  readonly shape: readonly (number | null)[];
}

export interface Model {
  readonly nodes: readonly ModelNode[];
  readonly initializers: readonly ModelInitializer[];
  /** float32 tensors. */
  readonly inputs: readonly ModelTensor[];
  readonly outputs: readonly ModelTensor[];
}

export function readModel(model: Uint8Array): Model {
  const graph = new ProtoReader(new ProtoReader(model).bytes(7)[0]!);
  return {
    nodes: graph.bytes(1).map(readNode),
    initializers: graph.bytes(5).map(readInitializer),
    inputs: graph.messages(11).map(readTensor),
    outputs: graph.messages(12).map(readTensor),
  };
}

/** The values of an int64 vector, such as a shape. */
export function intsOf({ data }: ModelInitializer): number[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Array.from({ length: data.byteLength / 8 }, (_, i) => Number(view.getBigInt64(8 * i, true)));
}

/** The values of a float32 vector in the model. */
export function floatsOf({ data }: ModelInitializer): number[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Array.from({ length: data.byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

function readNode(bytes: Uint8Array): ModelNode {
  const node = new ProtoReader(bytes);
  const attributes = Object.fromEntries(node.messages(5).map((attribute) => [attribute.text(1), readAttribute(attribute)]));
  return { name: node.text(3), type: node.text(4), domain: node.text(7), inputs: node.texts(1), outputs: node.texts(2), attributes, bytes };
}

function readAttribute(attribute: ProtoReader): Attribute {
  switch (attribute.ints(20)[0]) {
    case ATTRIBUTE.float:
      return { float: attribute.float(2) };
    case ATTRIBUTE.int:
      return attribute.ints(3)[0]!;
    case ATTRIBUTE.string:
      return attribute.text(4);
    default:
      return attribute.ints(8);
  }
}

function readInitializer(bytes: Uint8Array): ModelInitializer {
  const tensor = new ProtoReader(bytes);
  const [number] = tensor.ints(2);
  const type = (Object.keys(TYPE) as ElementType[]).find((name) => TYPE[name] === number)!;
  const external = Object.fromEntries(tensor.messages(13).map((entry) => [entry.text(1), entry.text(2)]));
  return { name: tensor.text(8), shape: tensor.ints(1), type, data: tensor.bytes(9)[0] ?? new Uint8Array(), external, bytes };
}

function readTensor(spec: ProtoReader): ModelTensor {
  const [type] = spec.messages(2);
  const [tensor] = type!.messages(1);
  const [shape] = tensor!.messages(2);
  return { name: spec.text(1), shape: shape!.messages(1).map((side) => side.ints(1)[0] ?? null) };
}
