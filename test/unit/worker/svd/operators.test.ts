import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { EXPANSIONS } from '../../../../worker/svd/graph/expansions.ts';
import { OnnxWriter, type Precision } from '../../../../worker/svd/graph/onnx.ts';
import { relativeError } from '../../../../worker/svd/parity/rows.ts';
import { BACKENDS } from '../../../../worker/svd/runtime/backends.ts';
import { Session } from '../../../../worker/svd/runtime/session.ts';
import { expand } from '../../../support/expand.ts';

const tensor = z.object({ shape: z.array(z.int()), values: z.array(z.number()) });
const attribute = z.union([z.number(), z.array(z.int()), z.object({ float: z.number() })]);
const CASES = z
  .array(
    z.object({
      name: z.string(),
      domain: z.string(),
      operator: z.string(),
      attributes: z.record(z.string(), attribute),
      inputs: z.array(tensor),
      outputs: z.array(tensor.nullable()),
    }),
  )
  .parse(JSON.parse(await readFile(path.resolve('test/fixtures/svd/operators.json'), 'utf8')));

/** Inputs that the operators take in float32 even in a float16 graph: gamma and beta of a group norm. */
const ALWAYS_FP32 = /GroupNorm 1|GroupNorm 2/;

describe.each(['fp32', 'fp16'] as const)("CUDA's operators on the CPU provider in %s", (precision) => {
  it.each(CASES)('give the numbers of the reference: $name', async (reference) => {
    const errors = (await run(reference, precision)).map((actual, i) => {
      const expected = reference.outputs.filter((output) => output !== null)[i]!;
      return relativeError(actual, Float32Array.from(expected.values));
    });
    expect(errors.length).toBeGreaterThan(0);
    for (const error of errors) expect(error).toBeLessThan(precision === 'fp32' ? 1e-6 : 2e-3);
  });
});

it('has reference numbers for every expansion', () => {
  const tested = new Set(CASES.map(({ domain, operator }) => `${domain} ${operator}`));
  expect(Object.keys(EXPANSIONS).filter((key) => !tested.has(key))).toEqual([]);
});

/** The operator's outputs, from a graph with this one operator. */
async function run({ domain, operator, attributes, inputs, outputs }: (typeof CASES)[number], precision: Precision) {
  const writer = new OnnxWriter('operator');
  const tensors = inputs.map(({ shape, values }, i) => ({ name: `input${i}`, shape, values: Float32Array.from(values) }));
  const ids = tensors.map(({ name, shape }, i) => {
    const type = ALWAYS_FP32.test(`${operator} ${i}`) ? 'fp32' : precision;
    return writer.cast(writer.input(name, shape), 'fp32', type);
  });
  const names = outputs.map((output) => (output ? writer.name() : ''));
  writer.ops(operator, ids, names, attributes, domain);
  const results = outputs.flatMap((output, i) => {
    if (!output) return [];
    const id = writer.cast(names[i]!, precision, 'fp32');
    writer.output(id, output.shape);
    return [{ name: id, id, shape: output.shape }];
  });
  const graph = expand({ name: 'operator', model: writer.finish(), folder: '.', inputs: tensors, outputs: results, flops: 0, nodes: 1 });
  const session = await Session.open(graph, { backend: BACKENDS.cpu, precision, threads: 1 });
  try {
    return Object.values(await session.run(Object.fromEntries(tensors.map(({ name, values }) => [name, values]))));
  } finally {
    await session.release();
  }
}
