/** The command line's commands. Each is loaded only when it is asked for. */
const COMMANDS: Readonly<Record<string, { readonly about: string; readonly run: (args: string[]) => Promise<void> }>> = {
  animate: { about: 'turn a photo into an MP4', run: async (args) => (await import('./animate.ts')).animate(args) },
  start: { about: 'run everything: database, API, worker, bot', run: async () => (await import('./start.ts')).start() },
  'start:api': { about: 'run the API alone', run: async () => void (await import('../main.ts')) },
  'start:worker': { about: 'run a worker alone', run: async () => void (await import('../../worker/main.ts')) },
  doctor: { about: 'check this machine and its configuration', run: async (args) => (await import('./doctor.ts')).doctor(args) },
  models: { about: 'what is known about model weights', run: async (args) => (await import('./models.ts')).models(args) },
};

const USAGE = `Usage: fanslymotion <command>\n\n${Object.entries(COMMANDS).map(([name, { about }]) => `  ${name.padEnd(14)}${about}`).join('\n')}\n\nfanslymotion animate --help tells more about photos and motions.\n`;

const [name = '', ...args] = process.argv.slice(2);
const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
if (command) await command.run(args);
else if (name === '--help' || name === '-h' || name === 'help') process.stdout.write(USAGE);
else {
  process.stderr.write(`${name ? `There is no command ${JSON.stringify(name)}.\n\n` : ''}${USAGE}`);
  process.exitCode = 2;
}
