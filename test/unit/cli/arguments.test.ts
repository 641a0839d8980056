import { describe, expect, it } from 'vitest';
import { FITS, MOTIONS, names, RESOLUTIONS } from '../../../src/catalog/catalog.ts';
import { readArguments, usage, type AnimateArguments } from '../../../src/cli/animate/arguments.ts';
import { Failure } from '../../../src/cli/failure.ts';

const read = (...args: string[]): AnimateArguments => readArguments(['photo.jpg', ...args]) as AnimateArguments;

function refusal(...args: string[]): string {
  try {
    readArguments(args);
  } catch (error) {
    if (error instanceof Failure && error.exitCode === 2) return error.message;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('arguments of animate', () => {
  it('include every option', () => {
    const { photo, video, out, apiUrl, apiKey, json, quiet } = read(
      '--motion',
      'pan_l',
      '--duration',
      '6',
      '--resolution',
      '720p',
      '--orientation',
      'auto',
      '--fit',
      'cover',
      '--engine',
      'svd-xt',
      '--num-inference-steps',
      '4',
      '--min-guidance-scale',
      '1.5',
      '--max-guidance-scale',
      '10',
      '--noise-aug-strength',
      '0',
      '--motion-bucket-id',
      '255',
      '--seed',
      '2147483647',
      '--out',
      'x',
      '--api-url',
      'https://example.org/motion/graphql/',
      '--api-key',
      'k',
      '--json',
      '--quiet',
    );
    expect({ photo, out, apiUrl, apiKey, json, quiet }).toEqual({
      photo: 'photo.jpg',
      out: 'x',
      apiUrl: 'https://example.org/motion',
      apiKey: 'k',
      json: true,
      quiet: true,
    });
    expect(video).toEqual({
      motion: 'PAN_L',
      durationSeconds: 6,
      resolution: 'P720',
      orientation: 'AUTO',
      fit: 'COVER',
      engine: 'SVD_XT',
      seed: 2_147_483_647,
      tuning: {
        svdXt: { numInferenceSteps: 4, minGuidanceScale: 1.5, maxGuidanceScale: 10, noiseAugStrength: 0, motionBucketId: 255 },
      },
    });
  });

  it.each([['PAN_L'], ['pan_l'], ['Pan-L']])('accept the motion %s', (text) => {
    expect(read('--motion', text).video.motion).toBe('PAN_L');
  });

  it.each([['P1080'], ['p1080'], ['1080p'], ['1080P'], ['1080']])('accept the resolution %s', (text) => {
    expect(read('--resolution', text).video.resolution).toBe('P1080');
  });

  it('leave out options that are not given', () => {
    expect(Object.values(read().video).every((value) => value === undefined)).toBe(true);
  });

  it.each([
    [
      ['p.jpg', '--motion', 'spin'],
      ['--motion', '"spin"', 'MICRO', 'DOLLY_IN'],
    ],
    [
      ['p.jpg', '--resolution', '4k'],
      ['--resolution', '"4k"', 'P360', 'P1080'],
    ],
    [
      ['p.jpg', '--duration', '7'],
      ['--duration', '"7"', '3, 6, 8, 10, 12'],
    ],
    [['p.jpg', '--duration', '6.0'], ['--duration']],
    [
      ['p.jpg', '--num-inference-steps', '3'],
      ['--num-inference-steps', '4 to 50'],
    ],
    [
      ['p.jpg', '--num-inference-steps', '-5'],
      ['--num-inference-steps', '"-5"', '4 to 50'],
    ],
    [
      ['p.jpg', '--num-inference-steps', '4.5'],
      ['--num-inference-steps', 'whole'],
    ],
    [
      ['p.jpg', '--max-guidance-scale', '10.1'],
      ['--max-guidance-scale', '1 to 10'],
    ],
    [
      ['p.jpg', '--min-guidance-scale', '4'],
      ['--min-guidance-scale (4)', '--max-guidance-scale (3)'],
    ],
    [
      ['p.jpg', '--noise-aug-strength', 'NaN'],
      ['--noise-aug-strength', '0 to 1'],
    ],
    [
      ['p.jpg', '--motion-bucket-id', '0'],
      ['--motion-bucket-id', '1 to 255'],
    ],
    [
      ['p.jpg', '--engine', 'preview', '--num-inference-steps', '9'],
      ['--num-inference-steps', 'PREVIEW'],
    ],
    [
      ['p.jpg', '--seed', '2147483648'],
      ['--seed', '0 to 2147483647'],
    ],
    [['p.jpg', '--seed', '1e3'], ['--seed']],
    [['p.jpg', '--seed', ''], ['--seed']],
    [
      ['p.jpg', '--motoin', 'MICRO'],
      ['--motoin', 'did you mean --motion?'],
    ],
    [['p.jpg', '--frobnicate'], ['--frobnicate']],
    [['p.jpg', '--motion'], ['--motion']],
    [['p.jpg', '--json=yes'], ['--json']],
    [['p.jpg', 'q.jpg'], ['"q.jpg"']],
    [[], ['A photo is required']],
    [[''], ['empty']],
    [['p.jpg', '--out', ''], ['--out']],
    [
      ['p.jpg', '--api-url', 'localhost:4000'],
      ['--api-url', 'http://'],
    ],
    [['p.jpg', '--api-url', 'ftp://x'], ['--api-url']],
    [
      ['p.jpg', '--from-video', 'v.mp4', '--seed', '1'],
      ['--seed', '--from-video'],
    ],
  ])('%j are refused in one line', (args, words) => {
    const message = refusal(...args);
    expect(message).not.toContain('\n');
    for (const word of words) expect(message).toContain(word);
  });

  it('request help with --help and -h, whatever else they contain', () => {
    expect([readArguments(['--help']), readArguments(['x', '-h'])]).toEqual(['help', 'help']);
    for (const word of [...names(MOTIONS), ...names(RESOLUTIONS), '--from-video', '--api-key', '130']) expect(usage()).toContain(word);
  });

  it('are explained by the help in the words of the catalogue, with flags for names of fields', () => {
    for (const { description } of [...Object.values(MOTIONS), ...Object.values(FITS)]) expect(usage()).toContain(description);
    expect(usage()).toContain('at most --max-guidance-scale');
    expect(usage()).not.toContain('maxGuidanceScale');
  });

  it('accept a photo whose name begins with a dash after --', () => {
    expect((readArguments(['--seed', '1', '--', '-5.jpg']) as AnimateArguments).photo).toBe('-5.jpg');
  });
});
