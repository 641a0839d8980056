import { readdirSync } from 'node:fs';
import { mkdtemp, readdir, readFile, realpath, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../../../src/jobs/errors.ts';
import { openSafetensors, readFloats, writeSafetensors, type TensorSource } from '../../../../worker/svd/checkpoint/safetensors.ts';
import { svdFixture } from '../../../support/svd.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(path.join(tmpdir(), 'safetensors-')));
  file = path.join(folder, 'model.safetensors');
});
afterEach(() => rm(folder, { recursive: true }));

const tensor = (name: string, dtype: TensorSource['dtype'], shape: number[], ...chunks: ArrayBufferView[]): TensorSource => ({
  name,
  dtype,
  shape,
  chunks: () => chunks.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength)),
});

const SAMPLE = [
  tensor('half', 'F16', [2, 2], Uint16Array.of(0x3c00, 0xc000), Uint16Array.of(0x3800, 0x7c00)),
  tensor('single', 'F32', [3], Float32Array.of(1.5, -0.1, 3e38)),
  tensor('brain', 'BF16', [1, 2], Uint16Array.of(0x3fc0, 0xc2f7)),
  tensor('whole', 'I64', [1], BigInt64Array.of(7n)),
  tensor('scalar', 'F32', [], Float32Array.of(42)),
  tensor('empty', 'F16', [0, 5]),
  tensor('Größe "τ" \n', 'U8', [1], Uint8Array.of(1)),
];

/** Writes a file with this header and `dataBytes` zero bytes after it. */
async function store(header: object | string | Buffer, dataBytes: number): Promise<void> {
  const json = Buffer.isBuffer(header) ? header : Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  await writeFile(file, Buffer.concat([length, json, Buffer.alloc(dataBytes)]));
}

const rejection = async (): Promise<AppError> =>
  openSafetensors(file).then(
    () => {
      throw new Error('the file was accepted');
    },
    (error: AppError) => error,
  );

describe('a safetensors file', () => {
  it('reads back what was written', async () => {
    await writeSafetensors(file, { format: 'pt', note: 'ä' }, SAMPLE);
    const opened = await openSafetensors(file);
    expect(opened.metadata).toEqual({ format: 'pt', note: 'ä' });
    expect([...opened.tensors.values()].map(({ name, dtype, shape }) => ({ name, dtype, shape }))).toEqual(
      SAMPLE.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    );
    expect(readFloats(opened, 'half')).toEqual(Float32Array.of(1, -2, 0.5, Infinity));
    expect(readFloats(opened, 'single')).toEqual(Float32Array.of(1.5, -0.1, 3e38));
    expect(readFloats(opened, 'brain')).toEqual(Float32Array.of(1.5, -123.5));
    expect(readFloats(opened, 'scalar')).toEqual(Float32Array.of(42));
    expect(readFloats(opened, 'empty')).toEqual(new Float32Array());
  });

  it('starts with the header, and its data is aligned to eight bytes', async () => {
    await writeSafetensors(file, {}, SAMPLE);
    const bytes = await readFile(file);
    const header = Number(bytes.readBigUInt64LE());
    expect(header % 8).toBe(0);
    expect(JSON.parse(bytes.toString('utf8', 8, 8 + header))).toMatchObject({
      half: { dtype: 'F16', shape: [2, 2], data_offsets: [0, 8] },
    });
    expect((await openSafetensors(file)).tensors.get('half')).toMatchObject({ offset: 8 + header, sizeBytes: 8 });
  });

  it('written by the official library can be read', async () => {
    const golden = await openSafetensors(svdFixture('tiny-a', 'golden.safetensors'));
    expect(golden.tensors.get('pipeline.frames.chunk5')).toMatchObject({ dtype: 'U8', shape: [5, 64, 128, 3] });
    expect(readFloats(golden, 'unet.timestep.0')).toEqual(Float32Array.of(1.6377));
    expect(JSON.parse(golden.metadata['case']!)).toMatchObject({ seed: 1 });
  });

  it.skipIf(process.platform === 'win32')('opened through a symbolic link reports the path of the file itself', async () => {
    await writeSafetensors(path.join(folder, 'blob'), {}, SAMPLE);
    await symlink('blob', file);
    expect((await openSafetensors(file)).file).toBe(path.join(folder, 'blob'));
    await rm(path.join(folder, 'blob'));
    expect((await rejection()).message).toContain('a link to a missing file');
  });
});

describe('an invalid safetensors file', () => {
  const F32 = (from: number, to: number, shape: unknown = [(to - from) / 4]) => ({ dtype: 'F32', shape, data_offsets: [from, to] });

  it.each<[what: string, header: object | string | Buffer, dataBytes: number, reason: string]>([
    ['not JSON', '{"a"', 0, 'not a JSON object'],
    ['an array', '[]', 0, 'not a JSON object'],
    ['JSON in Latin-1', Buffer.from('{"Größe":1}', 'latin1'), 0, 'not a JSON object'],
    ['a space before the header', ' {}', 0, 'not a JSON object'],
    ['a tensor that is not an object', { a: 1 }, 0, 'tensor "a" is not an object'],
    ['an unknown type', { a: { ...F32(0, 4), dtype: 'F31' } }, 4, 'unknown type "F31"'],
    ['a type that is a property of every object', { a: { ...F32(0, 4), dtype: 'toString' } }, 4, 'unknown type "toString"'],
    ['no shape', { a: { dtype: 'F32', data_offsets: [0, 4] } }, 4, 'shape nothing'],
    ['a negative size', { a: F32(0, 4, [-1, -1]) }, 4, 'shape [-1,-1]'],
    ['a fractional size', { a: F32(0, 4, [0.5, 2]) }, 4, 'shape [0.5,2]'],
    ['sizes whose product exceeds safe integers', { a: F32(0, 4, [2 ** 52, 2 ** 52]) }, 4, 'invalid shape'],
    ['a reversed range', { a: { dtype: 'F32', shape: [0], data_offsets: [4, 0] } }, 4, 'byte range [4,0]'],
    ['a range of three numbers', { a: { dtype: 'F32', shape: [1], data_offsets: [0, 4, 8] } }, 4, 'byte range [0,4,8]'],
    ['a range that does not fit the shape', { a: F32(0, 8, [1]) }, 8, '8 bytes, but its type and shape imply 4'],
    ['an overlap', { a: F32(0, 8), b: F32(4, 12) }, 12, 'tensor "b" overlaps another'],
    ['the same range twice', { a: F32(0, 4), b: F32(0, 4) }, 4, 'overlaps another'],
    ['a gap', { a: F32(0, 4), b: F32(8, 12) }, 12, 'gap of 4 bytes before tensor "b"'],
    ['bytes after the last tensor', { a: F32(0, 4) }, 5, '1 bytes after its last tensor'],
    ['too few bytes', { a: F32(0, 400) }, 390, 'is truncated: its last 10 bytes are missing'],
    [
      'a duplicate name',
      '{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}',
      0,
      'duplicate key',
    ],
    ['a duplicate field', '{"a:\\"":{"dtype":"F32","dtype":"F32","shape":[0],"data_offsets":[0,0]}}', 0, 'duplicate key'],
    ['metadata that are not strings', { __metadata__: { a: 1 } }, 0, '__metadata__'],
    ['metadata that are an array', { __metadata__: ['a'] }, 0, '__metadata__'],
  ])('is rejected: %s', async (_, header, dataBytes, reason) => {
    await store(header, dataBytes);
    const error = await rejection();
    expect(error).toMatchObject({ code: 'MODEL_INVALID', anotherAttemptHelps: false });
    expect(error.message).toContain(file);
    expect(error.message).toContain(reason);
  });

  it('is rejected if its header is longer than the file or than the limit', async () => {
    await writeFile(file, Buffer.from('ffffff0000000000', 'hex'));
    expect((await rejection()).message).toContain('is truncated: its 8 bytes cannot hold a header of 16777215 bytes');
    await writeFile(file, Buffer.from('ffffffffffffffff', 'hex'));
    expect((await rejection()).message).toContain('not a safetensors file');
    await writeFile(file, '');
    expect((await rejection()).message).toContain('is truncated: it has 0 bytes');
  });

  it('is rejected if it is missing or a folder', async () => {
    expect((await rejection()).message).toContain(`${file} is missing`);
    file = folder;
    expect(await rejection()).toMatchObject({ code: 'MODEL_INVALID' });
  });
});

describe('reading a tensor', () => {
  it('fails if there is no such tensor or its type is unsupported', async () => {
    await writeSafetensors(file, {}, SAMPLE);
    const opened = await openSafetensors(file);
    expect(() => readFloats(opened, 'other')).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: `${opened.file}: tensor other is missing.` }),
    );
    expect(() => readFloats(opened, 'whole')).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringContaining('is I64') }),
    );
  });

  it('fails if the file has been truncated or removed since it was opened', async () => {
    await writeSafetensors(file, {}, SAMPLE);
    const opened = await openSafetensors(file);
    await truncate(file, opened.tensors.get('single')!.offset + 5);
    expect(() => readFloats(opened, 'single')).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringContaining('the file ends before the tensor does') }),
    );
    await rm(file);
    expect(() => readFloats(opened, 'half')).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }));
  });
});

describe('writing a file', () => {
  it('shows it under its name only when it is complete', async () => {
    const seen: string[] = [];
    const watching: TensorSource = {
      ...SAMPLE[0]!,
      name: 'watching',
      chunks: () => (seen.push(...readdirSync(folder)), SAMPLE[0]!.chunks()),
    };
    await writeSafetensors(file, {}, [...SAMPLE, watching]);
    expect(seen).toEqual([expect.stringMatching(/^model\.safetensors\..*partial$/)]);
    expect(await readdir(folder)).toEqual(['model.safetensors']);
  });

  it('leaves nothing behind when it fails', async () => {
    const failing: TensorSource = {
      ...SAMPLE[0]!,
      name: 'failing',
      chunks: () => {
        throw new Error('no more');
      },
    };
    await expect(writeSafetensors(file, {}, [...SAMPLE, failing])).rejects.toThrow('no more');
    expect(await readdir(folder)).toEqual([]);
  });

  it('fails if a tensor yields more or fewer bytes than its shape implies', async () => {
    await expect(writeSafetensors(file, {}, [tensor('short', 'F32', [2], Float32Array.of(1))])).rejects.toThrow(
      'short has 4 bytes instead of 8',
    );
    expect(await readdir(folder)).toEqual([]);
  });
});
