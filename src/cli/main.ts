import { VERSION } from '../process/version.ts';
import { EXIT } from './failure.ts';
import { nearest } from './suggest.ts';

interface Command {
  readonly about: string;
  /** Commands without it take no arguments. */
  readonly takesArguments?: true;
  readonly run: (args: string[]) => Promise<void>;
}

/** The commands. Each is loaded only when it is run. */
const COMMANDS: Readonly<Record<string, Command>> = {
  animate: { about: 'turn a photo into an MP4', takesArguments: true, run: async (args) => (await import('./animate.ts')).animate(args) },
  start: { about: 'run everything: database, API, worker, bot', run: async () => (await import('./start.ts')).start() },
  'start:api': { about: 'run the API alone', run: async () => void (await import('../main.ts')) },
  'start:worker': { about: 'run a worker alone', run: async () => void (await import('../../worker/main.ts')) },
  'start:bot': { about: 'run the Telegram bot alone', run: async () => void (await import('../../bot/main.ts')) },
  doctor: {
    about: 'check this machine and its configuration',
    takesArguments: true,
    run: async (args) => (await import('./doctor.ts')).doctor(args),
  },
  models: {
    about: 'download, list, verify and remove model weights',
    takesArguments: true,
    run: async (args) => (await import('./models.ts')).models(args),
  },
  cuda: {
    about: 'check what CUDA needs, and install its provider',
    takesArguments: true,
    run: async (args) => (await import('./cuda.ts')).cuda(args),
  },
};

const USAGE = `Usage: fanslymotion <command>\n\n${Object.entries(COMMANDS)
  .map(([name, { about }]) => `  ${name.padEnd(14)}${about}`)
  .join('\n')}\n\nfanslymotion animate --help explains photos and motions.\n`;

const [name = '', ...args] = process.argv.slice(2);
const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
const asksHelp = (word: string | undefined) => word === '--help' || word === '-h';

if (asksHelp(name) || name === 'help') process.stdout.write(USAGE);
else if (name === '--version') process.stdout.write(`${VERSION}\n`);
else if (!command) refuse(name ? `There is no command ${JSON.stringify(name)}${suggestion()}` : null);
else if (command.takesArguments || args.length === 0) await command.run(args);
else if (asksHelp(args[0]))
  process.stdout.write(`fanslymotion ${name}: ${command.about}. Settings come from the environment and .env; see .env.example.\n`);
else refuse(`${name} takes no arguments; settings come from the environment and .env.`);

function suggestion(): string {
  const near = nearest(name, Object.keys(COMMANDS));
  return near ? `; did you mean ${near}?` : '.';
}

function refuse(problem: string | null): void {
  process.stderr.write(problem === null ? USAGE : `${problem}\n\n${USAGE}`);
  process.exitCode = EXIT.badArguments;
}
