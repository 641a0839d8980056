/** The report in Markdown. */
import { PARTS, type Figures, type Part, type Report } from './figures.ts';

/** Groups of nodes in the table of a profile. */
const TOP = 15;

type OfKind<Kind extends Figures['kind']> = Extract<Figures, { kind: Kind }>;

export function markdown(report: Report): string {
  const { date, version, onnxruntime, machine, devices, model, size, numFrames, steps, seconds, outcomes } = report;
  const figures = outcomes.flatMap((outcome) => (outcome.state === 'done' ? [outcome.result] : []));
  const of = <Kind extends Figures['kind']>(kind: Kind) => figures.filter((result): result is OfKind<Kind> => result.kind === kind);
  const timed = of('network').filter(({ figures: { profile } }) => !profile);
  const sections = [
    `# SVD_XT measured on ${date.slice(0, 10)}`,
    `Version ${version}, onnxruntime ${onnxruntime}; ${machine}; ${Math.round(seconds)} s. Model ${model}, ${size.width}×${size.height}, ${numFrames} frames.`,
    table(['device', 'found'], Object.entries(devices)),
    section('Parity', parityTable(of('parity'))),
    section('Networks', networkTable(timed, of('official'))),
    section(`Clips of ${steps} steps with guidance`, clipTable(of('clip'))),
    ...of('network').flatMap((result) => (result.figures.profile ? [profileSection(result)] : [])),
    section('Not measured', notMeasured(report)),
  ];
  return `${sections.filter(Boolean).join('\n\n')}\n`;
}

function parityTable(results: readonly OfKind<'parity'>[]): string {
  return table(
    ['device', 'precision', 'model', 'rows that pass', 'worst row', 'error', 'limit'],
    results.map(({ device, precision, model, rows, passed, worst }) => [
      device,
      precision,
      model,
      `${passed} of ${rows}`,
      worst.name,
      worst.problem ?? worst.error.toExponential(1),
      worst.limit.toExponential(0),
    ]),
  );
}

function networkTable(results: readonly OfKind<'network'>[], officials: readonly OfKind<'official'>[]): string {
  const seconds = (device: string, part: Part, compiled: boolean) =>
    officials.find((official) => official.device === device && official.compiled === compiled)?.parts[part]?.seconds;
  const versus = (ours: number, theirs: number | undefined) =>
    theirs === undefined ? '–' : `${duration(theirs)} (${(theirs / ours).toFixed(2)}×)`;
  return table(
    [
      'device',
      'network',
      'precision',
      'start',
      'load',
      'first call',
      'call',
      'TFLOP',
      'TFLOP/s',
      'memory, MB',
      'diffusers',
      'torch.compile',
    ],
    results
      .toSorted((a, b) => PARTS.indexOf(a.part) - PARTS.indexOf(b.part))
      .map(({ device, part, precision, figures, card }) => [
        device,
        part,
        precision,
        duration(figures.start),
        duration(figures.load),
        duration(figures.first),
        duration(figures.seconds),
        (figures.flops / 1e12).toPrecision(3),
        (figures.flops / figures.seconds / 1e12).toPrecision(3),
        card ? `card ${megabytes(card.peakBytes - card.beforeBytes)}` : `process ${megabytes(figures.peakBytes)}`,
        versus(figures.seconds, seconds(device, part, false)),
        versus(figures.seconds, seconds(device, part, true)),
      ]),
  );
}

function clipTable(results: readonly OfKind<'clip'>[]): string {
  const stages = ['LOADING_MODEL', 'ENCODING_IMAGE', 'DENOISING', 'DECODING', 'INTERPOLATING'] as const;
  return table(
    ['device', 'memory profile', ...stages, 'total', 'memory, MB'],
    results.map(({ device, memory, figures, card }) => [
      device,
      memory,
      ...stages.map((stage) => (figures.stages[stage] === undefined ? '–' : duration(figures.stages[stage]))),
      duration(figures.seconds),
      card ? `card ${megabytes(card.peakBytes - card.beforeBytes)}` : `process ${megabytes(figures.residentBytes)}`,
    ]),
  );
}

function profileSection({ device, part, figures: { profile } }: OfKind<'network'>): string {
  const { groups, providers, arenaBytes } = profile!;
  const total = groups.reduce((sum, { seconds }) => sum + seconds, 0);
  const where = Object.entries(providers).map(([provider, nodes]) => `${Math.round(nodes)} nodes on ${provider}`);
  const arena = arenaBytes === null ? '' : ` At most ${megabytes(arenaBytes)} MB of the arena are in use.`;
  const rows = groups
    .slice(0, TOP)
    .map(({ operator, result, nodes, seconds }) => [
      operator,
      result,
      String(Math.round(nodes)),
      duration(seconds),
      `${((100 * seconds) / total).toFixed(1)} %`,
    ]);
  return `## Where the time goes: ${part} on ${device}\n\n${where.join(', ')}; ${duration(total)} in all, each kernel waited for.${arena}\n\n${table(['operator', 'result', 'nodes', 'time', 'share'], rows)}`;
}

function notMeasured({ outcomes }: Report): string {
  return table(
    ['step', '', 'reason'],
    outcomes.flatMap((outcome) => (outcome.state === 'done' ? [] : [[outcome.title, outcome.state, outcome.reason]])),
  );
}

const section = (title: string, content: string): string => (content ? `## ${title}\n\n${content}` : '');

/** Empty without rows. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');
}

const megabytes = (bytes: number): string => Math.round(bytes / 1e6).toString();
const duration = (seconds: number): string => (seconds < 1 ? `${(seconds * 1000).toPrecision(3)} ms` : `${seconds.toFixed(2)} s`);
