import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { AppError } from '../../../../src/jobs/errors.ts';
import { openSafetensors, readFloats, writeSafetensors, type TensorSource } from '../../../../worker/svd/checkpoint/safetensors.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'safetensors-fuzz-'));
  file = path.join(folder, 'model.safetensors');
});
afterEach(() => rm(folder, { recursive: true }));

const SAMPLE: readonly TensorSource[] = [
  { name: 'half', dtype: 'F16', shape: [2, 2], chunks: () => [new Uint8Array(8)] },
  { name: 'single', dtype: 'F32', shape: [3], chunks: () => [new Uint8Array(12)] },
  { name: 'brain', dtype: 'BF16', shape: [1, 2], chunks: () => [new Uint8Array(4)] },
  { name: 'whole', dtype: 'I64', shape: [1], chunks: () => [new Uint8Array(8)] },
  { name: 'scalar', dtype: 'F32', shape: [], chunks: () => [new Uint8Array(4)] },
  { name: 'empty', dtype: 'F16', shape: [0, 5], chunks: () => [] },
  { name: 'Größe "τ" \n', dtype: 'U8', shape: [1], chunks: () => [Uint8Array.of(1)] },
];

it('a safetensors file is either read or rejected with MODEL_INVALID, whatever bytes are changed', async () => {
  await writeSafetensors(file, { format: 'pt' }, SAMPLE);
  const sound = await readFile(file);
  const random = generator(20_231_121);
  const outcomes = new Map<unknown, number>();
  for (let round = 0; round < 2_000; round++) {
    await writeFile(file, mutate(sound, random));
    const outcome = await openAndReadAll().then(
      () => 'read',
      (error: AppError) => error.code,
    );
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  expect([...outcomes.keys()].toSorted()).toEqual(['MODEL_INVALID', 'read']);
  expect(Math.min(...outcomes.values())).toBeGreaterThan(50); // both outcomes are common enough to be significant
});

async function openAndReadAll(): Promise<void> {
  const opened = await openSafetensors(file);
  for (const { name, dtype } of opened.tensors.values())
    if (dtype === 'F16' || dtype === 'BF16' || dtype === 'F32') readFloats(opened, name);
}

/** mulberry32: pseudorandom integers in [0, limit), or 0 if limit is 0. */
function generator(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b_79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return Math.floor((((x ^ (x >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

const PIECES = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '0',
  '-1',
  '1e400',
  '9007199254740993',
  'null',
  '"F16"',
  '"__proto__"',
  '"__metadata__"',
  '[0,0]',
  '\u0000',
  'ÿ',
];

/** Flips bits, removes, duplicates or inserts bytes, or inserts pieces of JSON. The header's length is usually kept correct. */
function mutate(sound: Buffer, random: (limit: number) => number): Buffer {
  let header = sound.subarray(8, 8 + Number(sound.readBigUInt64LE()));
  let data = sound.subarray(8 + header.length);
  const change = (bytes: Buffer): Buffer => {
    const at = random(bytes.length);
    const to = at + random(Math.min(bytes.length - at, 40));
    const kinds = [
      () => Buffer.concat([bytes.subarray(0, at), Buffer.of(bytes[at]! ^ (1 << random(8))), bytes.subarray(at + 1)]),
      () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]),
      () => Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]),
      () => Buffer.concat([bytes.subarray(0, at), Buffer.from(PIECES[random(PIECES.length)]!), bytes.subarray(random(2) ? at : to)]),
    ];
    return kinds[random(kinds.length)]!();
  };
  for (let changes = random(3) + 1; changes > 0; changes--) {
    if (random(5) > 0) header = change(header);
    else if (data.length > 0) data = change(data);
  }
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length + (random(10) === 0 ? random(20) : 0)));
  return Buffer.concat([random(20) === 0 ? change(length) : length, header, data]);
}
