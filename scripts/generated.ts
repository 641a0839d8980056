/** Files that are printed from the code: `npm run generate` writes them, a test fails when they drift. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { printedSchema } from '../src/api/graphql/schema.ts';
import { names } from '../src/catalog/catalog.ts';
import { VARIABLES, type Variable, type VariableName } from '../src/config.ts';
import { ROOT } from '../src/process/version.ts';
import { ERRORS } from '../src/jobs/errors.ts';

const variables = Object.entries(VARIABLES) as [VariableName, Variable][];

/** Path below the checkout's root → what it should hold. */
export async function generatedFiles(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['schema.graphql', await printedSchema()],
    ['docs/errors.md', errorsPage()],
    ['.env.example', envExample()],
    ['README.md', between(await readFile(path.join(ROOT, 'README.md'), 'utf8'), 'configuration', configurationTable())],
  ]);
}

export async function writeGenerated(): Promise<void> {
  for (const [file, text] of await generatedFiles()) await writeFile(path.join(ROOT, file), text);
}

function errorsPage(): string {
  const rows = names(ERRORS).map((code) => {
    const { message, hint, retryable, status } = ERRORS[code];
    return `| \`${code}\` | ${message} | ${hint} | ${retryable ? 'yes' : 'no'} | ${status} |`;
  });
  return `# Errors

Every way a request or a job can fail. GraphQL errors carry the code as \`extensions.code\`, with \`extensions.hint\` and
\`extensions.retryable\`; plain HTTP answers carry \`{ "error": { code, message, hint, retryable } }\`; a failed job carries it as \`error\`.
\`extensions.field\` names the input at fault, \`extensions.retryAfterSeconds\` when to come back, \`extensions.reference\` finds the log
line of an INTERNAL error. A worker tries a job again by itself only where a retry can help.

| code | what happened | what to do | does a retry help? | HTTP |
|---|---|---|---|---|
${rows.join('\n')}
`;
}

function envExample(): string {
  const entries = variables.map(
    ([name, { description, default: standard }]) => `# ${description[0]!.toUpperCase()}${description.slice(1)}.\n#${name}=${standard}\n`,
  );
  return `# Copy to .env and uncomment what should differ from its default.\n\n${entries.join('\n')}`;
}

function configurationTable(): string {
  const rows = variables.map(
    ([name, { description, default: standard }]) =>
      `| \`${name}\` | ${standard ? `\`${standard}\`` : ''} | ${description.replaceAll('|', '\\|')} |`,
  );
  return `| variable | default | meaning |\n|---|---|---|\n${rows.join('\n')}`;
}

function between(text: string, mark: string, content: string): string {
  const [begin, end] = [`<!-- ${mark} -->`, `<!-- /${mark} -->`];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from) throw new Error(`README.md lacks ${begin} … ${end}`);
  return `${text.slice(0, from + begin.length)}\n${content}\n${text.slice(to)}`;
}
