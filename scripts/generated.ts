/** Files generated from the code: `npm run generate` writes them, and a test fails if they are out of date. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buildSchema } from 'graphql';
import { printedSchema } from '../src/api/graphql/schema.ts';
import { names } from '../src/catalog/catalog.ts';
import { engineEntry, ENGINES, tuningKey, type EngineName } from '../src/catalog/engines.ts';
import { tuningFields } from '../src/catalog/tuning.ts';
import { DOCUMENTS } from '../src/client/documents.ts';
import { VARIABLES, type Variable, type VariableName } from '../src/config.ts';
import { HTTP_STATUS } from '../src/api/http/status.ts';
import { ERRORS, FAULTS, RETRIES } from '../src/jobs/errors.ts';
import { ROOT } from '../src/process/version.ts';
import { clientTypes } from './client-types.ts';

const variables = Object.entries(VARIABLES) as [VariableName, Variable][];

/** Path relative to the repository's root → expected content. */
export async function generatedFiles(): Promise<ReadonlyMap<string, string>> {
  const schema = await printedSchema();
  return new Map([
    ['schema.graphql', schema],
    ['src/client/generated.ts', clientTypes(buildSchema(schema), DOCUMENTS)],
    ['docs/errors.md', errorsPage()],
    ['docs/engines.md', enginesPage()],
    ['.env.example', envExample()],
    ['docs/configuration.md', configurationPage()],
    ['README.md', between(await readFile(path.join(ROOT, 'README.md'), 'utf8'), 'configuration', configurationTable(COMMON))],
  ]);
}

export async function writeGenerated(): Promise<void> {
  for (const [file, text] of await generatedFiles()) await writeFile(path.join(ROOT, file), text);
}

function errorsPage(): string {
  const rows = names(ERRORS).map((code) => {
    const { message, hint, fault, retry, anotherAttempt } = ERRORS[code];
    return `| \`${code}\` | ${message} | ${hint} | ${fault} | ${retry} | ${anotherAttempt ? 'yes' : ''} | ${HTTP_STATUS[code]} |`;
  });
  return `# Errors

Every way a request or a job can fail. GraphQL errors carry \`code\`, \`hint\`, \`fault\` and \`retry\` in \`extensions\`; plain HTTP
responses carry \`{ "error": { code, message, hint, fault, retry } }\`; a failed job carries the same fields as \`error\`. Three more are
optional: \`field\` names the input at fault, \`retryAfterSeconds\` says when the request can succeed, and \`reference\` identifies the log
line of an INTERNAL error.

| fault | whose action resolves the error |
|---|---|
${names(FAULTS)
  .map((fault) => `| \`${fault}\` | ${FAULTS[fault]} |`)
  .join('\n')}

| retry | can the same request, or a new job with the same photo and options, succeed? |
|---|---|
${names(RETRIES)
  .map((retry) => `| \`${retry}\` | ${RETRIES[retry]} |`)
  .join('\n')}

A worker starts another attempt of the same job only after an error marked in the column "another attempt".

| code | what happened | what to do | fault | retry | another attempt | HTTP |
|---|---|---|---|---|---|---|
${rows.join('\n')}
`;
}

function enginesPage(): string {
  return `# Engines

The common options apply to every engine. The options of a single engine, its tuning, are listed here. In GraphQL they are fields of
\`tuning.<engine>\` in createJob; in \`animate\` they are flags, such as \`--num-inference-steps\` for \`numInferenceSteps\`. Every field is
optional. A job and its MP4 report the resolved values.

${names(ENGINES).map(engineSection).join('\n\n')}
`;
}

function engineSection(engine: EngineName): string {
  const { description, tuning, weights } = engineEntry(engine);
  const model = weights && `Weights: \`${weights.model}\`, unless \`${weights.variable}\` names others ([models](models.md)).`;
  const rows = tuningFields(tuning).map(({ name, kind, min, max, default: standard, description: meaning }) => {
    const cells = [
      `\`${name}\``,
      kind,
      `${min}–${max}${kind === 'text' ? ' characters' : ''}`,
      standard === null ? '' : `\`${standard}\``,
      meaning,
    ];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  const table =
    rows.length > 0
      ? `Tuning, \`tuning.${tuningKey(engine)}\`:\n\n| field | type | range | default | meaning |\n|---|---|---|---|---|\n${rows.join('\n')}`
      : 'No tuning.';
  return [`## ${engine}`, `${description[0]!.toUpperCase()}${description.slice(1)}.`, model, table].filter(Boolean).join('\n\n');
}

function envExample(): string {
  const entries = variables.map(
    ([name, { description, default: standard }]) => `# ${description[0]!.toUpperCase()}${description.slice(1)}.\n#${name}=${standard}\n`,
  );
  return `# Copy to .env and uncomment what should differ from its default.\n\n${entries.join('\n')}`;
}

/** Variables listed in README. */
const COMMON: readonly VariableName[] = [
  'HOST',
  'PORT',
  'PUBLIC_URL',
  'API_KEYS',
  'DATABASE_URL',
  'REDIS_URL',
  'STORAGE_DIR',
  'QUEUE_LIMIT',
  'WORKER_DEVICES',
  'BOT_TOKEN',
];

function configurationPage(): string {
  return `# Configuration

Every environment variable. They are read from the environment, or from a \`.env\` file in the working directory
([.env.example](../.env.example)); the environment wins. An empty variable counts as unset.

${configurationTable(names(VARIABLES))}
`;
}

function configurationTable(shown: readonly VariableName[]): string {
  const rows = shown.map((name) => {
    const { description, default: standard }: Variable = VARIABLES[name];
    return `| \`${name}\` | ${standard ? `\`${standard}\`` : ''} | ${description.replaceAll('|', '\\|')} |`;
  });
  return `| variable | default | meaning |\n|---|---|---|\n${rows.join('\n')}`;
}

function between(text: string, mark: string, content: string): string {
  const [begin, end] = [`<!-- ${mark} -->`, `<!-- /${mark} -->`];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from) throw new Error(`README.md lacks ${begin} … ${end}`);
  return `${text.slice(0, from + begin.length)}\n${content}\n${text.slice(to)}`;
}
