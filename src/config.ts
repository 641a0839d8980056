/**
 * The configuration: every environment variable, typed. Each process reads it once, at its entry, and passes it on. `.env.example`,
 * docs/configuration.md and README's table are generated from `VARIABLES`.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { z } from 'zod';
import { API_VARIABLES } from './config/api.ts';
import { BOT_VARIABLES } from './config/bot.ts';
import { JOB_VARIABLES } from './config/jobs.ts';
import { RENDERING_VARIABLES } from './config/rendering.ts';
import type { ApiKey, Variable } from './config/values.ts';

export type { ApiKey, Variable };

export const VARIABLES = {
  ...API_VARIABLES,
  ...JOB_VARIABLES,
  ...RENDERING_VARIABLES,
  ...BOT_VARIABLES,
} as const satisfies Record<string, Variable>;

export type VariableName = keyof typeof VARIABLES;

export type Config = { readonly [K in VariableName]: z.output<(typeof VARIABLES)[K]['parse']> };

export type Environment = Readonly<Record<string, string | undefined>>;

/** Why the value of a variable is invalid. */
export interface ConfigProblem {
  readonly name: VariableName;
  readonly problem: string;
}

/** At least one variable has an invalid value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(
      `The configuration is invalid:\n${problems.map(({ name, problem }) => `  ${name}: ${problem}`).join('\n')}\nCorrect it in .env or the environment; .env.example explains every variable.`,
    );
    this.problems = problems;
  }
}

const LISTS = new Set<VariableName>(['API_KEYS', 'CORS_ORIGINS', 'BOT_ALLOWED_USERS', 'BOT_DENIED_USERS']);

/**
 * The configuration that `environment` describes. An empty variable counts as unset.
 * @throws ConfigError that names every invalid variable; it does not repeat values of secrets
 */
export function readConfig(environment: Environment = process.env): Config {
  const config: Record<string, unknown> = {};
  const problems: ConfigProblem[] = [];
  for (const [key, variable] of Object.entries(VARIABLES)) {
    const name = key as VariableName;
    const text = environment[name]?.trim() || variable.default || (LISTS.has(name) ? '' : undefined);
    const result = (variable.parse as z.ZodType).safeParse(text);
    if (result.success) config[name] = result.data;
    else {
      const reason = result.error.issues.map((issue) => issue.message).join('; ');
      problems.push({ name, problem: 'secret' in variable ? reason : `${JSON.stringify(text)}: ${reason}` });
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return config as Config;
}

/** Texts in `config` that must never be shown. */
export function secretsOf(config: Config): string[] {
  const values = Object.entries(VARIABLES)
    .filter(([, variable]) => 'secret' in variable)
    .map(([name]) => config[name as VariableName]);
  return values.flatMap((value) =>
    typeof value === 'string' ? [value] : Array.isArray(value) ? value.map((item) => (item as ApiKey).secret) : [],
  );
}

/** Loads `.env` of `folder` into process.env, if the file exists; variables that are already set keep their values. */
export function loadDotEnv(folder = process.cwd()): void {
  const file = path.join(folder, '.env');
  if (existsSync(file)) process.loadEnvFile(file);
}
