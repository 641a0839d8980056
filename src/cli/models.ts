/** `models`: lists, downloads, verifies and removes model weights. */
import { enginesWithWeights } from '../catalog/engines.ts';
import { parseArgs } from 'node:util';
import { loadDotEnv, readConfig, type Config } from '../config.ts';
import { ModelError } from '../provisioning/weights/error.ts';
import { knownModels, type KnownModel } from '../provisioning/weights/manifest.ts';
import { configuredModel, modelFolder, modelState } from '../provisioning/weights/state.ts';
import { ROOT } from '../process/version.ts';
import { badArguments, EXIT, toFailure } from './failure.ts';
import { list } from './models/list.ts';
import { pull } from './models/pull.ts';
import { remove } from './models/remove.ts';
import { verify } from './models/verify.ts';
import { nearest } from './suggest.ts';

/** Names the model of the first engine that needs one. */
const MODEL_VARIABLE = enginesWithWeights()[0]!.weights.variable;

const USAGE = `Usage: npm run models -- <command>        (or: npx fanslymotion models <command>)

  list [--json]                   list known models, their state and licence
  pull NAME [--accept-licence]    download a model, or continue an interrupted download
  verify [NAME]                   hash its files again and compare
  path [NAME]                     print its folder, whether it exists or not
  remove NAME [--yes]             delete it, complete or not

NAME defaults to ${MODEL_VARIABLE} where it is optional. A download can be interrupted with Ctrl-C at any time; the same command continues it.
MODELS_DIR is the folder of models, HF_ENDPOINT a mirror, HF_TOKEN a token for models that require an account. More: docs/models.md
`;
const HELP = 'npm run models -- --help lists the commands.';

interface Command {
  readonly name: 'required' | 'optional' | 'none';
  readonly flag?: 'json' | 'accept-licence' | 'yes';
  readonly run: (config: Config, name: string, flag: boolean) => Promise<void>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  list: { name: 'none', flag: 'json', run: (config, _name, json) => list(config, json) },
  pull: { name: 'required', flag: 'accept-licence', run: (config, name, accepted) => pull(config, knownModel(config, name), accepted) },
  verify: { name: 'optional', run: (config, name) => verify(config, knownModel(config, name)) },
  path: { name: 'optional', run: printPath },
  remove: { name: 'required', flag: 'yes', run: (config, name, sure) => remove(config, knownModel(config, name), sure) },
};

/** Sets the exit code: 0 done, 1 failed or not verified, 2 wrong arguments, 130 interrupted. */
export async function models(args: string[]): Promise<void> {
  if (['--help', '-h', 'help'].includes(args[0] ?? '')) {
    process.stdout.write(USAGE);
    return;
  }
  try {
    const [word = 'list', ...rest] = args;
    const command = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined;
    if (!command) throw badArguments(`There is no command models ${JSON.stringify(word)}${suggestion(word, Object.keys(COMMANDS))}`, HELP);
    const { name, flag } = read(word, command, rest);
    loadDotEnv(ROOT);
    const config = readConfig();
    await command.run(config, name ?? defaultModel(config), flag);
  } catch (error) {
    const { message, hint, exitCode } =
      error instanceof ModelError ? { message: error.message, hint: error.hint, exitCode: EXIT.failed } : toFailure(error);
    process.exitCode = exitCode;
    process.stderr.write(exitCode === EXIT.interrupted ? `${message}\n` : `${message}\n${hint}\n`);
  }
}

function read(word: string, { name: naming, flag }: Command, args: string[]): { name: string | undefined; flag: boolean } {
  let positionals: string[];
  let values: Record<string, unknown>;
  try {
    ({ positionals, values } = parseArgs({ args, allowPositionals: true, options: flag ? { [flag]: { type: 'boolean' } } : {} }));
  } catch (error) {
    throw badArguments(`${(error as Error).message.split('. ', 1)[0]}.`, HELP);
  }
  const [name, ...more] = positionals;
  if (name === undefined && naming === 'required')
    throw badArguments(`models ${word} requires the name of a model.`, 'npm run models -- list prints the names.');
  const surplus = naming === 'none' ? name : more[0];
  if (surplus !== undefined) throw badArguments(`models ${word} does not accept ${JSON.stringify(surplus)}.`, HELP);
  return { name, flag: flag !== undefined && values[flag] === true };
}

function knownModel(config: Config, name: string): KnownModel {
  const all = knownModels(config);
  const model = all.get(name);
  if (model) return model;
  throw badArguments(
    `${JSON.stringify(name)} is not a known model${suggestion(name, [...all.keys()])}`,
    'npm run models -- list prints the names.',
  );
}

function suggestion(word: string, candidates: readonly string[]): string {
  const near = nearest(word, candidates);
  return near ? `; did you mean ${near}?` : '.';
}

/** The configured model of the first engine that needs one. */
function defaultModel(config: Config): string {
  return configuredModel(config, enginesWithWeights()[0]!.weights);
}

/** The engine that is configured to use the model, if any. */
function engineOf(config: Config, name: string) {
  return enginesWithWeights().find(({ weights }) => configuredModel(config, weights) === name);
}

async function printPath(config: Config, name: string): Promise<void> {
  process.stdout.write(`${modelFolder(config, name)}\n`);
  const [first] = enginesWithWeights();
  const { message, hint } = await modelState(config, (engineOf(config, name) ?? first!).weights, name);
  if (hint) process.stderr.write(`${message}. ${hint}\n`);
}
