/**
 * Reads and writes the safetensors format: eight bytes of header length, a JSON header of names, types, shapes and byte ranges, then the
 * tensor data without gaps. Headers are not trusted: every range is validated against the file before it is used.
 * Format: https://github.com/huggingface/safetensors
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { open, realpath, rename, rm, type FileHandle } from 'node:fs/promises';
import { AppError } from '../../../src/jobs/errors.ts';
import { toFloat32 } from './float16.ts';

/** Bytes of one element. */
const SIZES = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
} as const;

type Dtype = keyof typeof SIZES;

export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Position of the first byte in the file. */
  readonly offset: number;
  readonly sizeBytes: number;
}

export interface Safetensors {
  /** Absolute path, symbolic links resolved. */
  readonly file: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A tensor to write. A chunk's buffer may be reused once the next chunk is requested. */
export interface TensorSource {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Little-endian, row-major; the total length must match type and shape. */
  chunks(): Iterable<Uint8Array>;
}

const LENGTH_BYTES = 8;
const MAX_HEADER_BYTES = 100_000_000;
const MAX_READ_BYTES = 2 ** 30;

/**
 * Reads and validates the header of `file`. Tensor data stays on disk.
 * @throws AppError MODEL_INVALID, naming the file and what is wrong with it
 */
export async function openSafetensors(file: string): Promise<Safetensors> {
  const reject = (reason: string, cause?: unknown) => new AppError('MODEL_INVALID', `${file} ${reason}.`, {}, cause);
  let handle: FileHandle | undefined;
  try {
    const resolved = await realpath(file);
    handle = await open(resolved);
    const stats = await handle.stat();
    if (!stats.isFile()) throw reject('is not a file');
    const header = await readHeader(handle, stats.size);
    return { file: resolved, ...parseHeader(header, stats.size - LENGTH_BYTES - header.length) };
  } catch (error) {
    if (error instanceof FormatError) throw reject(error.message, error.cause);
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw reject('is missing, or is a link to a missing file', error);
    if (error instanceof AppError) throw error;
    throw reject(`cannot be read: ${(error as Error).message}`, error);
  } finally {
    await handle?.close();
  }
}

/**
 * Reads tensor `name` as float32, row-major. Synchronous: meant for tensors of a few megabytes, during loading.
 * @throws AppError MODEL_INVALID if the tensor is missing, is not F16, BF16 or F32, or the file has changed since it was opened
 */
export function readFloats(source: Safetensors, name: string): Float32Array {
  const reject = (reason: string, cause?: unknown) => new AppError('MODEL_INVALID', `${source.file}: tensor ${name} ${reason}.`, {}, cause);
  const tensor = source.tensors.get(name);
  if (!tensor) throw reject('is missing');
  const { dtype } = tensor;
  if (dtype !== 'F16' && dtype !== 'BF16' && dtype !== 'F32') throw reject(`is ${dtype}; expected F16, BF16 or F32`);
  let bytes: ArrayBuffer;
  try {
    bytes = readRange(source.file, tensor);
  } catch (error) {
    throw reject(`cannot be read: ${(error as Error).message}`, error);
  }
  if (dtype === 'F32') return new Float32Array(bytes);
  return dtype === 'F16' ? toFloat32(new Uint16Array(bytes)) : fromBrainFloat(new Uint16Array(bytes));
}

/**
 * Writes a safetensors file chunk by chunk, tensors in the given order. The file appears under its final name only once it is complete;
 * an error leaves nothing behind.
 */
export async function writeSafetensors(
  file: string,
  metadata: Readonly<Record<string, string>>,
  tensors: Iterable<TensorSource>,
): Promise<void> {
  const sources = [...tensors];
  const partial = `${file}.${process.pid}.partial`;
  try {
    const handle = await open(partial, 'w');
    try {
      await handle.writeFile(formatHeader(metadata, sources));
      for (const source of sources) {
        let written = 0;
        for (const chunk of source.chunks()) {
          await handle.writeFile(chunk); // appends
          written += chunk.byteLength;
        }
        if (written !== sizeOf(source)) throw new Error(`${source.name} has ${written} bytes instead of ${sizeOf(source)}`);
      }
    } finally {
      await handle.close();
    }
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** A format violation. The message completes a sentence that starts with the file's name. */
class FormatError extends Error {}

async function readHeader(handle: FileHandle, fileBytes: number): Promise<Buffer> {
  if (fileBytes < LENGTH_BYTES) throw new FormatError(`is truncated: it has ${fileBytes} bytes`);
  const length = (await readFully(handle, Buffer.alloc(LENGTH_BYTES), 0)).readBigUInt64LE();
  if (length > MAX_HEADER_BYTES) throw new FormatError(`is not a safetensors file: its header would have ${length} bytes`);
  if (Number(length) > fileBytes - LENGTH_BYTES) {
    throw new FormatError(`is truncated: its ${fileBytes} bytes cannot hold a header of ${length} bytes`);
  }
  return readFully(handle, Buffer.alloc(Number(length)), LENGTH_BYTES);
}

async function readFully(handle: FileHandle, target: Buffer, position: number): Promise<Buffer> {
  for (let done = 0; done < target.length;) {
    const { bytesRead } = await handle.read(target, done, target.length - done, position + done);
    if (bytesRead === 0) throw new FormatError('was truncated while it was being read');
    done += bytesRead;
  }
  return target;
}

/** @param dataBytes size of the tensor data after the header */
function parseHeader(header: Buffer, dataBytes: number): Pick<Safetensors, 'tensors' | 'metadata'> {
  const fields = parseJson(header);
  const { __metadata__: metadata = {}, ...entries } = fields;
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw new FormatError('has a header whose __metadata__ is not a map of strings');
  }
  const start = LENGTH_BYTES + header.length;
  const tensors = Object.entries(entries).map(([name, entry]) => parseEntry(name, entry, start));
  checkRanges(tensors, start, dataBytes);
  return { tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])), metadata: metadata as Record<string, string> };
}

function parseJson(header: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    if (header[0] !== 0x7b) throw new SyntaxError('it does not start with {');
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header));
  } catch (error) {
    throw new FormatError(`is not a safetensors file: its header is not a JSON object (${(error as Error).message})`, { cause: error });
  }
  if (!isRecord(value)) throw new FormatError('is not a safetensors file: its header is not a JSON object');
  const keys = Object.values(value).reduce<number>(
    (sum, entry) => sum + (isRecord(entry) ? Object.keys(entry).length : 0),
    Object.keys(value).length,
  );
  if (countColons(header) > keys) throw new FormatError('has a header with a duplicate key');
  return value;
}

/** Counts colons outside strings: one per key, duplicate keys included, of which JSON.parse keeps only the last. */
function countColons(json: Buffer): number {
  let colons = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i]!;
    if (byte === 0x22) inString = !inString;
    else if (inString) i += byte === 0x5c ? 1 : 0;
    else if (byte === 0x3a) colons++;
  }
  return colons;
}

function parseEntry(name: string, entry: unknown, start: number): TensorInfo {
  const reject = (reason: string) => new FormatError(`has a header in which tensor ${shorten(name)} ${reason}`);
  if (!isRecord(entry)) throw reject('is not an object');
  const { dtype, shape, data_offsets: range } = entry;
  if (typeof dtype !== 'string' || !isDtype(dtype)) throw reject(`has unknown type ${shorten(dtype)}`);
  if (!isSizes(shape)) throw reject(`has invalid shape ${shorten(shape)}`);
  if (!isSizes(range) || range.length !== 2 || range[0]! > range[1]!) throw reject(`has invalid byte range ${shorten(range)}`);
  const [from, to] = range as [number, number];
  const sizeBytes = sizeOf({ dtype, shape });
  if (!Number.isSafeInteger(sizeBytes)) throw reject(`has invalid shape ${shorten(shape)}`);
  if (to - from !== sizeBytes) throw reject(`has ${to - from} bytes, but its type and shape imply ${sizeBytes}`);
  return { name, dtype, shape, offset: start + from, sizeBytes };
}

/** The format allows neither overlaps nor gaps: in sorted order, each range must start where the previous one ends. */
function checkRanges(tensors: readonly TensorInfo[], start: number, dataBytes: number): void {
  const sorted = tensors.toSorted((a, b) => a.offset - b.offset || a.sizeBytes - b.sizeBytes);
  let end = start;
  for (const { name, offset, sizeBytes } of sorted) {
    if (offset < end) throw new FormatError(`has a header in which tensor ${shorten(name)} overlaps another`);
    if (offset > end) throw new FormatError(`has a header with a gap of ${offset - end} bytes before tensor ${shorten(name)}`);
    end += sizeBytes;
  }
  const missing = end - start - dataBytes;
  if (missing > 0) throw new FormatError(`is truncated: its last ${missing} bytes are missing`);
  if (missing < 0) throw new FormatError(`has ${-missing} bytes after its last tensor`);
}

function formatHeader(metadata: Readonly<Record<string, string>>, tensors: readonly TensorSource[]): Buffer {
  const fields: Record<string, object> = {};
  if (Object.keys(metadata).length > 0) fields['__metadata__'] = metadata;
  let end = 0;
  for (const tensor of tensors) {
    fields[tensor.name] = { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [end, (end += sizeOf(tensor))] };
  }
  const json = Buffer.from(JSON.stringify(fields));
  const length = Math.ceil(json.length / LENGTH_BYTES) * LENGTH_BYTES; // aligns the tensor data
  const header = Buffer.alloc(LENGTH_BYTES + length, ' ');
  header.writeBigUInt64LE(BigInt(length));
  json.copy(header, LENGTH_BYTES);
  return header;
}

function readRange(file: string, { offset, sizeBytes }: TensorInfo): ArrayBuffer {
  const bytes = new Uint8Array(sizeBytes);
  const descriptor = openSync(file, 'r');
  try {
    for (let done = 0; done < sizeBytes;) {
      const read = readSync(descriptor, bytes, done, Math.min(sizeBytes - done, MAX_READ_BYTES), offset + done);
      if (read === 0) throw new Error('the file ends before the tensor does');
      done += read;
    }
  } finally {
    closeSync(descriptor);
  }
  return bytes.buffer;
}

/** A bfloat16 is the upper half of a float32. */
function fromBrainFloat(values: Uint16Array): Float32Array {
  const bits = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) bits[i] = values[i]! << 16;
  return new Float32Array(bits.buffer);
}

const sizeOf = ({ dtype, shape }: Pick<TensorInfo, 'dtype' | 'shape'>): number =>
  shape.reduce((product, size) => product * size, SIZES[dtype]);
const isDtype = (text: string): text is Dtype => Object.hasOwn(SIZES, text);
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
