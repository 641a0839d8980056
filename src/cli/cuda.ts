/** `cuda`: reports what CUDA lacks on this machine, and installs onnxruntime's CUDA provider. */
import { parseArgs } from 'node:util';
import { examineCuda } from '../../worker/devices.ts';
import { CudaInstallError, installProvider } from '../provisioning/cuda/install.ts';
import { onnxruntimeVersion } from '../provisioning/cuda/provider.ts';
import { missingLibraries } from '../provisioning/cuda/report.ts';
import { waysToGet } from '../provisioning/cuda/requirements.ts';
import { cudaFindings } from './doctor/cuda.ts';
import { formatFindings } from './doctor/finding.ts';
import { badArguments, EXIT, toFailure } from './failure.ts';

const USAGE = `Usage: npm run cuda -- <command>        (or: npx fanslymotion cuda <command>)

  check                       report what SVD_XT lacks to render with CUDA, and how to get it
  install                     download onnxruntime's CUDA provider with onnxruntime-node's own installer
  install --from FILE         install it from a package that you downloaded (.nupkg, .zip or .tgz)
  install --from FOLDER       install it from a folder that holds its libraries

The provider must have exactly the version of onnxruntime-node; npm ci removes it. CUDA and cuDNN are never downloaded. More: docs/cuda.md
`;
const HELP = 'npm run cuda -- --help lists the commands.';

/** Sets the exit code: 0 if CUDA works, or the provider was installed; 1 if not; 2 for wrong arguments. */
export async function cuda(args: string[]): Promise<void> {
  try {
    const { command, from } = read(args);
    if (command === 'help') process.stdout.write(USAGE);
    else if (command === 'check') await check();
    else await install(from);
  } catch (error) {
    const { message, hint, exitCode } =
      error instanceof CudaInstallError ? { message: error.message, hint: error.hint, exitCode: EXIT.failed } : toFailure(error);
    process.exitCode = exitCode;
    process.stderr.write(`${message}\n${hint}\n`);
  }
}

function read(args: string[]): { readonly command: 'help' | 'check' | 'install'; readonly from: string | null } {
  const parse = () =>
    parseArgs({ args, allowPositionals: true, options: { from: { type: 'string' }, help: { type: 'boolean', short: 'h' } } });
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse();
  } catch (error) {
    throw badArguments(`${(error as Error).message.split('. ', 1)[0]}.`, HELP);
  }
  const [command = 'help', ...surplus] = parsed.positionals;
  const { from, help } = parsed.values;
  if (help || command === 'help') return { command: 'help', from: null };
  if (command !== 'check' && command !== 'install') throw badArguments(`There is no command cuda ${JSON.stringify(command)}.`, HELP);
  if (surplus.length > 0) throw badArguments(`cuda ${command} does not accept ${JSON.stringify(surplus[0])}.`, HELP);
  if (from !== undefined && command !== 'install') throw badArguments('Only cuda install accepts --from.', HELP);
  return { command, from: from ?? null };
}

/** Prints what doctor prints about each card, as if WORKER_DEVICES named it. */
async function check(): Promise<void> {
  const first = await examineCuda(0);
  const others = await Promise.all(first.cards.slice(1).map((_, i) => examineCuda(i + 1)));
  const findings = [first, ...others].flatMap((report) => cudaFindings(report, true));
  const works = findings.every(({ level }) => level === 'ok');
  const missing = missingLibraries(first);
  const ways = waysToGet(missing).map((way, i) => `  ${i + 1}. ${way}`);
  const sections = [
    formatFindings(findings),
    ...(missing.length > 0 ? [['To get the libraries of CUDA and cuDNN, one of:', ...ways].join('\n')] : []),
    works ? 'SVD_XT can render with CUDA: WORKER_DEVICES=cuda npm start' : 'CUDA cannot be used until this is fixed: docs/cuda.md',
  ];
  process.stdout.write(`${sections.join('\n\n')}\n`);
  process.exitCode = works ? EXIT.done : EXIT.failed;
}

async function install(from: string | null): Promise<void> {
  const { folder } = await installProvider(from);
  process.stdout.write(`The CUDA provider of onnxruntime ${await onnxruntimeVersion()} is installed in ${folder}.\n`);
  await check();
  process.exitCode = EXIT.done;
}
