import { readdir } from 'node:fs/promises';
import { names } from '../../catalog/catalog.ts';
import { engineEntry, ENGINES, enginesWithWeights } from '../../catalog/engines.ts';
import type { Config } from '../../config.ts';
import { knownModels, modelBytes, modelsFolder } from '../../provisioning/weights/manifest.ts';
import { describeBytes } from '../../provisioning/weights/meter.ts';
import { configuredModel, knownModelState, modelState } from '../../provisioning/weights/state.ts';

const STATES = { present: 'yes', partial: 'partly', missing: 'no' } as const;

/** Prints the known models and the other folders in MODELS_DIR. */
export async function list(config: Config, json: boolean): Promise<void> {
  const folder = modelsFolder(config);
  const known = [...knownModels(config).values()];
  const used = new Set(enginesWithWeights().map(({ weights }) => configuredModel(config, weights)));
  const models = await Promise.all(
    known.map(async ({ name, about, repository, revision, licence, gated, files }) => {
      const { kind, message } = await knownModelState(folder, { name, about, repository, revision, licence, gated, files });
      return {
        name,
        about,
        repository,
        revision,
        licence,
        gated,
        sizeBytes: modelBytes({ files }),
        state: kind,
        detail: message,
        inUse: used.has(name),
      };
    }),
  );
  const others = await otherFolders(folder, new Set(models.map(({ name }) => name)));
  const current = await Promise.all(
    enginesWithWeights().map(async ({ engine, weights }) => ({
      engine,
      variable: weights.variable,
      ...(await modelState(config, weights)),
    })),
  );
  const withoutWeights = names(ENGINES).filter((engine) => engineEntry(engine).weights === null);
  if (json) {
    process.stdout.write(`${JSON.stringify({ folder, models, others, current })}\n`);
    return;
  }
  const rows = models.map(({ name, about, licence, gated, sizeBytes, state, inUse }) => [
    `${inUse ? '*' : ' '} ${name}`,
    describeBytes(sizeBytes),
    STATES[state],
    `${about}. Licence: ${licence.name}${gated ? ', which must first be accepted with an account' : ''}`,
  ]);
  process.stdout.write(
    [
      ...table([['  model', 'size', 'downloaded', 'description'], ...rows]),
      '',
      `In ${folder}${others.length > 0 ? `, which also holds: ${others.join(', ')}` : ''}`,
      ...models.filter(({ state }) => state === 'partial').map(({ detail }) => `${detail}.`),
      ...current.map(
        ({ engine, variable, message, hint }) => `* ${engine} renders with this model (${variable}): ${message}.${hint ? ` ${hint}` : ''}`,
      ),
      ...withoutWeights.map((engine) => `${engine} needs no weights.`),
      '',
    ].join('\n'),
  );
}

async function otherFolders(folder: string, known: ReadonlySet<string>): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isFile() && !entry.name.startsWith('.') && !known.has(entry.name))
    .map(({ name }) => name)
    .toSorted();
}

function table(rows: readonly string[][]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}
