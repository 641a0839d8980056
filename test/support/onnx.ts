/** Parses the parts of an ONNX model that tests check. Field numbers: onnx/onnx, onnx/onnx.proto. */

export interface OnnxModel {
  readonly nodes: readonly {
    readonly name: string;
    readonly type: string;
    readonly inputs: readonly string[];
    readonly outputs: readonly string[];
  }[];
  readonly initializers: readonly OnnxInitializer[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export interface OnnxInitializer {
  readonly name: string;
  readonly shape: readonly number[];
  /** TensorProto.DataType */
  readonly type: number;
  /** Bytes in the model; 0 for external data. */
  readonly bytes: number;
  /** location, offset and length of external data. */
  readonly external: Readonly<Record<string, string>>;
}

export function readModel(model: Uint8Array): OnnxModel {
  const graph = new Message(new Message(model).bytes(7)[0]!);
  return {
    nodes: graph.messages(1).map((node) => ({ name: node.text(3), type: node.text(4), inputs: node.texts(1), outputs: node.texts(2) })),
    initializers: graph.messages(5).map((tensor) => ({
      name: tensor.text(8),
      shape: tensor.numbers(1),
      type: tensor.numbers(2)[0]!,
      bytes: tensor.bytes(9)[0]?.length ?? 0,
      external: Object.fromEntries(tensor.messages(13).map((entry) => [entry.text(1), entry.text(2)])),
    })),
    inputs: graph.messages(11).map((input) => input.text(1)),
    outputs: graph.messages(12).map((output) => output.text(1)),
  };
}

/** A protocol buffer message: field numbers and values in file order. */
class Message {
  readonly #fields: [field: number, value: number | Uint8Array][] = [];

  constructor(bytes: Uint8Array) {
    let at = 0;
    const varint = (): number => {
      let value = 0;
      for (let weight = 1; ; weight *= 128) {
        const byte = bytes[at++]!;
        value += (byte & 0x7f) * weight;
        if (byte < 0x80) return value;
      }
    };
    while (at < bytes.length) {
      const tag = varint();
      const [field, kind] = [tag >> 3, tag & 7];
      if (kind === 0) this.#fields.push([field, varint()]);
      else {
        const length = kind === 2 ? varint() : kind === 5 ? 4 : 8;
        this.#fields.push([field, bytes.subarray(at, at + length)]);
        at += length;
      }
    }
  }

  bytes(field: number): Uint8Array[] {
    return this.#values(field).filter((value) => typeof value !== 'number');
  }

  numbers(field: number): number[] {
    return this.#values(field).filter((value) => typeof value === 'number');
  }

  messages(field: number): Message[] {
    return this.bytes(field).map((bytes) => new Message(bytes));
  }

  texts(field: number): string[] {
    return this.bytes(field).map((bytes) => Buffer.from(bytes).toString());
  }

  text(field: number): string {
    return this.texts(field)[0] ?? '';
  }

  #values(field: number): (number | Uint8Array)[] {
    return this.#fields.filter(([number]) => number === field).map(([, value]) => value);
  }
}
