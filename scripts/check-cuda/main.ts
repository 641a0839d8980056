/**
 * `npm run check:cuda`: checks without a GPU that onnxruntime's CUDA provider takes every node of every network, and how much device memory
 * renders need. The real provider runs over stub libraries that compute nothing, see stubs.ts.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findProvider } from '../../src/provisioning/cuda/provider.ts';
import { placement, publishedNetworks, publishedRenders, type Result } from './checks.ts';
import { networkTable, operatorTable, renderTable } from './tables.ts';
import { buildStubs, linkProvider } from './stubs.ts';

async function run(): Promise<number> {
  const provider = await findProvider();
  if (provider === null) {
    process.stderr.write(
      "onnxruntime's CUDA provider is missing: run npm run cuda -- install, or set ORT_CUDA_PROVIDER_DIR to the folder that holds it.\n",
    );
    return 2;
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'check-cuda-'));
  try {
    await buildStubs(provider.library, folder);
    await linkProvider(provider.library, folder);
    const networks = await collect(publishedNetworks(folder));
    process.stdout.write(`SVD-XT at 1024×576, 25 frames, fp16:\n\n${networkTable(networks)}\n${operatorTable(networks)}\n`);
    const renders = await collect(publishedRenders(folder));
    process.stdout.write(`${renderTable(renders)}\n`);
    const placed: Result[] = [];
    for (const model of ['published', 'tiny-a', 'tiny-b', 'tiny-c'] as const) placed.push(...(await collect(placement(folder, model))));
    const failures = [...networks, ...renders, ...placed].flatMap(({ name, failures: messages }) =>
      messages.map((message) => `FAILED ${name}: ${message}`),
    );
    process.stdout.write(
      failures.length > 0 ? `${failures.join('\n')}\n` : `All nodes of ${networks.length + placed.length} networks are on CUDA.\n`,
    );
    return failures.length > 0 ? 1 : 0;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function collect(results: AsyncIterable<Result>): Promise<Result[]> {
  const all: Result[] = [];
  for await (const result of results) all.push(result);
  return all;
}

process.exitCode = await run();
