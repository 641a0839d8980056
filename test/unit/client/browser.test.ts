import { build } from 'esbuild';
import { expect, it } from 'vitest';

it('bundles for browsers without Node.js built-ins and with few dependencies', async () => {
  const { errors, metafile } = await build({
    entryPoints: ['src/client/client.ts'],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'browser',
    format: 'esm',
    logLevel: 'silent',
  });
  expect(errors).toEqual([]);
  const inputs = Object.keys(metafile.inputs);
  const packages = new Set(inputs.flatMap((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []));
  expect([...packages].toSorted()).toEqual(['graphql', 'graphql-ws', 'zod']);
  const own = inputs.filter((file) => !file.includes('node_modules'));
  expect(own.filter((file) => !/^src\/(client|catalog)\//.test(file))).toEqual([]);
});
