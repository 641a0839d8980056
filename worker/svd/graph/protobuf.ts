/** The subset of the protocol buffers wire format that ONNX needs: varints, float32 and length-delimited fields. */

export class ProtoWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  /** Field of type int32, int64, uint64 or enum. Negative numbers take ten bytes, as the format requires. */
  int(field: number, value: number | bigint): this {
    return this.#varint(field << 3).#varint(value);
  }

  float(field: number, value: number): this {
    this.#varint((field << 3) | 5);
    const at = this.#reserve(4);
    new DataView(this.#bytes.buffer).setFloat32(at, value, true);
    return this;
  }

  /** Field of type string. */
  text(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value, 'utf8'));
  }

  /** Field of type bytes. */
  bytes(field: number, value: Uint8Array): this {
    this.#varint((field << 3) | 2).#varint(value.length);
    const at = this.#reserve(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  message(field: number, value: ProtoWriter): this {
    return this.bytes(field, value.finish());
  }

  /** The bytes written so far. Not a copy. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #varint(value: number | bigint): this {
    if (typeof value === 'number' && value >= 0 && value <= 0x7fff_ffff) {
      let rest = value;
      for (; rest > 0x7f; rest >>>= 7) this.#byte((rest & 0x7f) | 0x80);
      this.#byte(rest);
      return this;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 0x7fn; rest >>= 7n) this.#byte(Number(rest & 0x7fn) | 0x80);
    this.#byte(Number(rest));
    return this;
  }

  #byte(value: number): void {
    const at = this.#reserve(1);
    this.#bytes[at] = value;
  }

  /** Reserves `count` bytes and returns their position. */
  #reserve(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    return at;
  }
}

/** A parsed message: its fields' numbers and values in file order. */
export class ProtoReader {
  readonly #fields: [field: number, value: number | Uint8Array][] = [];

  /** @throws RangeError if `bytes` end within a field */
  constructor(bytes: Uint8Array) {
    let at = 0;
    const varint = (): number => {
      let value = 0n;
      for (let shift = 0n; ; shift += 7n) {
        if (at >= bytes.length) throw new RangeError('a protocol buffer message ends within a field');
        const byte = bytes[at++]!;
        value |= BigInt(byte & 0x7f) << shift;
        if (byte < 0x80) return Number(BigInt.asIntN(64, value));
      }
    };
    while (at < bytes.length) {
      const tag = varint();
      const [field, kind] = [tag >> 3, tag & 7];
      if (kind === 0) this.#fields.push([field, varint()]);
      else {
        const length = kind === 2 ? varint() : kind === 5 ? 4 : 8;
        if (at + length > bytes.length) throw new RangeError('a protocol buffer message ends within a field');
        this.#fields.push([field, bytes.subarray(at, at + length)]);
        at += length;
      }
    }
  }

  /** Values of a field of type int32, int64 or enum. */
  ints(field: number): number[] {
    return this.#values(field).filter((value) => typeof value === 'number');
  }

  /** Values of a field of type bytes, string, float or message, as stored. */
  bytes(field: number): Uint8Array[] {
    return this.#values(field).filter((value) => typeof value !== 'number');
  }

  texts(field: number): string[] {
    return this.bytes(field).map((bytes) => Buffer.from(bytes).toString());
  }

  messages(field: number): ProtoReader[] {
    return this.bytes(field).map((bytes) => new ProtoReader(bytes));
  }

  /** The value of a string field; '' if it is absent. */
  text(field: number): string {
    return this.texts(field)[0] ?? '';
  }

  /** The value of a float field; 0 if it is absent. */
  float(field: number): number {
    const [bytes] = this.bytes(field);
    return bytes ? new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true) : 0;
  }

  #values(field: number): (number | Uint8Array)[] {
    return this.#fields.filter(([number]) => number === field).map(([, value]) => value);
  }
}
