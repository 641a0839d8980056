/** An engine of one folder, one catalogue entry and one line in each registry works everywhere. */
import { execFile } from 'node:child_process';
import { cp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findFfmpeg } from '../../src/infra/media/ffmpeg.ts';
import { changesIn, compileProgram, copyProgram, insertLine } from '../support/program-copy.ts';
import { Stack } from '../support/stack.ts';
import { decodeFrames, describeStream } from '../support/video.ts';

let program: string;
let stack: Stack;

beforeAll(async () => {
  program = await copyProgram();
  await cp('test/fixtures/caption-engine', program, { recursive: true });
  await insertLine(path.join(program, 'src/catalog/engines.ts'), "import { caption } from './engines/caption.ts';", './engines/preview.ts');
  await insertLine(path.join(program, 'src/catalog/engines.ts'), '  CAPTION: caption,', 'PREVIEW: preview');
  await insertLine(path.join(program, 'worker/engines.ts'), "import { caption } from './caption/caption.ts';", './preview/preview.ts');
  await insertLine(path.join(program, 'worker/engines.ts'), '  caption,', '  preview,');
  await compileProgram(program);
  stack = await Stack.start({ program });
});

afterAll(async () => {
  await stack?.stop();
  await rm(program, { recursive: true, force: true });
});

it('renders with the tuning of a third engine, which selects that engine', async () => {
  const { data, errors } = await stack.graphql<{ createJob: { id: string } }>(
    'mutation ($input: CreateJobInput!) { createJob(input: $input) { id } }',
    {
      input: {
        image: { uploadId: await stack.upload() },
        resolution: 'P360',
        durationSeconds: 3,
        tuning: { caption: { captionText: 'Good cat', fontSize: 40 } },
      },
    },
  );
  expect(errors).toBeUndefined();
  const { id } = data.createJob;
  const { status, result } = await stack.finish(id);
  expect(status).toBe('COMPLETED');

  const options = await stack.graphql<{ job: { options: object } }>(
    'query ($id: ID!) { job(id: $id) { options { engine tuning { __typename ... on CaptionTuning { captionText fontSize } } } } }',
    { id },
  );
  expect(options.data.job.options).toEqual({
    engine: 'CAPTION',
    tuning: { __typename: 'CaptionTuning', captionText: 'Good cat', fontSize: 40 },
  });

  const file = path.join(program, 'video.mp4');
  await writeFile(file, Buffer.from(await (await fetch(result!.video!.url)).arrayBuffer()));
  const { path: ffmpeg } = await findFfmpeg({ FFMPEG_PATH: undefined });
  expect(await describeStream(ffmpeg, file)).toContain('h264');
  const frames = await decodeFrames(ffmpeg, file, 'rgb24', 480 * 360 * 3);
  expect(frames).toHaveLength(36);
  // The bar of the caption is blue at its left end, 80 pixels high.
  for (const [y, isBlue] of [
    [270, false],
    [290, true],
    [355, true],
  ] as const) {
    const [red, , blue] = frames[20]!.subarray((y * 480 + 3) * 3);
    expect(blue! > 200 && red! < 60).toBe(isBlue);
  }
});

it('lists the engine and its tuning in Query.options, with the limits of its schema', async () => {
  const { data } = await stack.graphql<{ options: { engines: { name: string }[] } }>(
    '{ options { engines { name available tuning { name kind min max default defaultText } } } }',
  );
  expect(data.options.engines.find(({ name }) => name === 'CAPTION')).toEqual({
    name: 'CAPTION',
    available: true,
    tuning: [
      { name: 'captionText', kind: 'TEXT', min: 1, max: 40, default: null, defaultText: 'Hello' },
      { name: 'fontSize', kind: 'INTEGER', min: 8, max: 96, default: 24, defaultText: null },
    ],
  });
});

it('refuses tuning outside the limits of the schema', async () => {
  const { errors } = await stack.tryCreate({ tuning: { caption: { fontSize: 97 } } });
  expect(errors?.[0]).toMatchObject({
    message: expect.stringContaining('fontSize is 97; it must be a whole number from 8 to 96') as string,
    extensions: { code: 'BAD_INPUT', field: 'tuning.caption.fontSize' },
  });
});

it('gives the command line a flag for each field', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [path.join(program, 'dist/src/cli/main.js'), 'animate', '--help']);
  expect(stdout).toMatch(/--caption-text TEXT +CAPTION: words below the photo \(1–40, default Hello\)/);
  expect(stdout).toMatch(/--font-size N +CAPTION: height of the letters in pixels \(8–96, default 24\)/);
});

it('needs nothing but its own files and one import and one entry in each registry', async () => {
  const changes = await changesIn(program);
  expect(Object.keys(changes)).toEqual([
    'src/catalog/engines.ts',
    'src/catalog/engines/caption.ts',
    'worker/caption/caption.ts',
    'worker/engines.ts',
  ]);
  expect(changes['src/catalog/engines.ts']).toEqual(["import { caption } from './engines/caption.ts';", '  CAPTION: caption,']);
  expect(changes['worker/engines.ts']).toEqual(["import { caption } from './caption/caption.ts';", '  caption,']);
});
