/** `models list`: which weights there are. This version's engine has no use for any. */
import { modelFiles } from './doctor/machine.ts';
import { EXIT } from './failure.ts';

const USAGE = `Usage: fanslymotion models [list]

Shows which engines need weights and what lies in models/.
`;

export async function models(args: string[]): Promise<void> {
  const [command = 'list', ...rest] = args;
  if (command === '--help' || command === '-h') {
    process.stdout.write(USAGE);
    return;
  }
  if (command !== 'list' || rest.length > 0) {
    process.stderr.write(`${command === 'list' ? `models list takes no ${JSON.stringify(rest[0])}` : `There is no models ${JSON.stringify(command)}`}.\n${USAGE}`);
    process.exitCode = EXIT.badArguments;
    return;
  }
  const files = await modelFiles();
  process.stdout.write([
    'PREVIEW   needs no weights',
    'SVD_XT    is not part of this version',
    '',
    files.length === 0 ? 'models/ is empty.' : `models/ holds, and nothing uses: ${files.join(', ')}`,
    '',
  ].join('\n'));
}
