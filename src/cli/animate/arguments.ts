/** The command line of `animate`, checked before anything is started. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import {
  DEFAULTS,
  DURATIONS,
  FITS,
  MOTIONS,
  names,
  ORIENTATIONS,
  RESOLUTIONS,
  SEED,
  type Fit,
  type Motion,
  type Orientation,
  type Resolution,
} from '../../catalog/catalog.ts';
import { ENGINES, type EngineName, type RequestedTuning } from '../../catalog/engines.ts';
import { badArguments } from '../failure.ts';
import { nearest } from '../suggest.ts';
import { readTuning, tuningFlags } from './tuning.ts';
import { quote, toNumber, type Flag } from './values.ts';

/** The options of createJob; the API fills in what is left out. */
export interface RequestedVideo {
  readonly durationSeconds?: number;
  readonly resolution?: Resolution;
  readonly motion?: Motion;
  readonly orientation?: Orientation;
  readonly fit?: Fit;
  readonly engine?: EngineName;
  readonly seed?: number;
  readonly tuning?: RequestedTuning;
}

export interface AnimateArguments {
  readonly photo: string;
  readonly video: RequestedVideo;
  /** File or folder; undefined: the working directory. */
  readonly out: string | undefined;
  /** A video whose options are used again. */
  readonly fromVideo: string | undefined;
  /** Without a trailing slash; undefined: services on this machine. */
  readonly apiUrl: string | undefined;
  readonly apiKey: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Flags of the options that every engine understands. */
const COMMON_FLAGS = {
  motion: { value: 'MOTION', about: `${names(MOTIONS).join(', ')} (default ${DEFAULTS.motion})` },
  duration: { value: 'SECONDS', about: `${DURATIONS.join(', ')} (default ${DEFAULTS.durationSeconds})` },
  resolution: { value: 'SIZE', about: `${names(RESOLUTIONS).join(', ')} (default ${DEFAULTS.resolution})` },
  orientation: { value: 'ORIENTATION', about: `${names(ORIENTATIONS).join(', ')} (default ${DEFAULTS.orientation}: as the photo)` },
  fit: { value: 'FIT', about: `${names(FITS).join(', ')} (default ${DEFAULTS.fit})` },
  seed: { value: 'N', about: `${SEED.min}–${SEED.max}; the same seed gives the same video (default: random)` },
  engine: { value: 'ENGINE', about: `${names(ENGINES).join(', ')} (default: the best one that is available)` },
} as const satisfies Record<string, Flag>;

/** Flags of video options, which --from-video takes from the video instead. */
const VIDEO_FLAGS: Readonly<Record<string, Flag>> = { ...COMMON_FLAGS, ...tuningFlags() };

const OUTPUT_AND_API_FLAGS = {
  out: { value: 'FILE|FOLDER', about: 'where to save the video (default: <photo name>.mp4 in the working directory)' },
  'from-video': { value: 'FILE', about: 'render with the options of a video made by this program' },
  'api-url': {
    value: 'URL',
    about: 'API to use (default: the one that npm start runs in this folder, otherwise one started for this video)',
  },
  'api-key': { value: 'SECRET', about: 'key for the API, if it requires one' },
} as const satisfies Record<string, Flag>;

const SWITCHES = {
  json: 'print one JSON object and nothing else on standard output',
  quiet: 'print nothing but errors',
  help: 'print this help',
} as const;

/** For `--help`. */
export function usage(): string {
  const line = (flag: string, about: string) => `  ${flag.padEnd(28)}${about}`;
  const flags = (table: Record<string, Flag>) => Object.entries(table).map(([name, { value, about }]) => line(`--${name} ${value}`, about));
  return [
    'Usage: fanslymotion animate PHOTO [options]',
    '',
    'Turns a still photo (JPEG, PNG, WebP, AVIF, TIFF, HEIC) into a short MP4 video.',
    '',
    'Motions:',
    ...names(MOTIONS).map((name) => line(name, `${MOTIONS[name].description}; for ${MOTIONS[name].bestFor}`)),
    '',
    'Fits, for a photo whose aspect ratio differs from the video:',
    ...names(FITS).map((name) => line(name, FITS[name].description)),
    '',
    'Video (names in upper or lower case: pan_l or PAN-L, 720p or P720):',
    ...flags(VIDEO_FLAGS),
    '',
    'Output and API:',
    ...flags(OUTPUT_AND_API_FLAGS),
    '',
    ...Object.entries(SWITCHES).map(([name, about]) => line(`--${name}`, about)),
    '',
    'Exit codes: 0 done, 1 failed, 2 wrong arguments, 130 interrupted (the job is cancelled).',
    '',
  ].join('\n');
}

type Values = Readonly<
  Record<keyof typeof COMMON_FLAGS | keyof typeof OUTPUT_AND_API_FLAGS, string | undefined> &
    Record<keyof typeof SWITCHES, boolean | undefined>
>;

/**
 * Reads the arguments; returns 'help' for --help.
 * @throws Failure BAD_ARGUMENTS that names the flag and what is allowed
 */
export function readArguments(args: readonly string[]): AnimateArguments | 'help' {
  const { values, positionals } = split(args);
  if (values.help) return 'help';
  const [photo, ...others] = positionals;
  if (photo === undefined) throw badArguments('A photo is required: fanslymotion animate PHOTO [options]');
  if (others.length > 0) throw badArguments(`Only one photo is allowed; remove ${quote(others[0]!)}.`);
  if (photo === '') throw badArguments('The path of the photo is empty.');
  const fromVideo = values['from-video'];
  const texts: Readonly<Record<string, unknown>> = values;
  const clash = fromVideo === undefined ? undefined : Object.keys(VIDEO_FLAGS).find((name) => texts[name] !== undefined);
  if (clash) throw badArguments(`--${clash} cannot be combined with --from-video, which takes all options from the video.`);
  for (const name of ['out', 'from-video', 'api-key'] as const) if (values[name] === '') throw badArguments(`--${name} is empty.`);
  return {
    photo,
    video: readVideo(values),
    out: values.out,
    fromVideo,
    apiUrl: values['api-url'] === undefined ? undefined : readUrl(values['api-url']),
    apiKey: values['api-key'],
    json: values.json ?? false,
    quiet: values.quiet ?? false,
  };
}

function split(args: readonly string[]): { values: Values; positionals: string[] } {
  const valued = [...Object.keys(VIDEO_FLAGS), ...names(OUTPUT_AND_API_FLAGS)];
  const options: ParseArgsConfig['options'] = {
    ...Object.fromEntries(valued.map((name) => [name, { type: 'string' }])),
    json: { type: 'boolean' },
    quiet: { type: 'boolean', short: 'q' },
    help: { type: 'boolean', short: 'h' },
  };
  try {
    const { values, positionals } = parseArgs({ args: joinNegatives(args), options, allowPositionals: true, strict: true });
    return { values: values as Values, positionals };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
      const unknown = /'(-[^']*)'/.exec(message)?.[1] ?? message;
      const near = nearest(unknown, [...valued, ...names(SWITCHES)]);
      throw badArguments(`There is no option ${unknown}${near ? `; did you mean --${near}?` : '.'}`);
    }
    if (code?.startsWith('ERR_PARSE_ARGS')) throw badArguments(`${message.split('\n', 1)[0]!.replace(/\.?$/, '.')}`);
    throw error;
  }
}

/** Joins a flag and a negative number, so that `--seed -3` is reported as a number out of range and not as an unknown flag `-3`. */
function joinNegatives(args: readonly string[]): string[] {
  const isFlag = (arg: string | undefined) => arg !== undefined && /^--\w[^=]*$/.test(arg);
  const isNegative = (arg: string | undefined) => arg !== undefined && /^-[\d.]/.test(arg);
  return args.flatMap((arg, i) => {
    if (isNegative(arg) && isFlag(args[i - 1])) return [];
    return isFlag(arg) && isNegative(args[i + 1]) ? [`${arg}=${args[i + 1]}`] : [arg];
  });
}

function readVideo(values: Values): RequestedVideo {
  const engine = choice('engine', values.engine, names(ENGINES));
  return {
    motion: choice('motion', values.motion, names(MOTIONS)),
    durationSeconds: duration(values.duration),
    resolution: choice('resolution', values.resolution?.replace(/^(\d+)p?$/i, 'P$1'), names(RESOLUTIONS)),
    orientation: choice('orientation', values.orientation, names(ORIENTATIONS)),
    fit: choice('fit', values.fit, names(FITS)),
    seed: seed(values.seed),
    engine,
    tuning: readTuning(values, engine),
  };
}

function seed(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = toNumber(text);
  if (!(Number.isInteger(value) && value >= SEED.min && value <= SEED.max)) {
    throw badArguments(`--seed ${quote(text)} is not a whole number from ${SEED.min} to ${SEED.max}.`);
  }
  return value;
}

function choice<T extends string>(flag: string, text: string | undefined, allowed: readonly T[]): T | undefined {
  if (text === undefined) return undefined;
  const wanted = text.trim().toUpperCase().replaceAll('-', '_');
  const found = allowed.find((value) => value === wanted);
  if (found === undefined) throw badArguments(`--${flag} ${quote(text)} is not one of ${allowed.join(', ')}.`);
  return found;
}

function duration(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const found = DURATIONS.find((seconds) => String(seconds) === text.trim());
  if (found === undefined) throw badArguments(`--duration ${quote(text)} is not one of ${DURATIONS.join(', ')}.`);
  return found;
}

/** The base URL of the API; a path of /graphql at its end is removed. */
function readUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw badArguments(`--api-url ${quote(text)} is not a URL such as http://127.0.0.1:4000.`);
  }
  const { origin, pathname } = new URL(text);
  return `${origin}${pathname.replace(/(\/graphql)?\/*$/, '')}`;
}
