/** Checks the environment and .env: reports every invalid and every unknown variable. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { ConfigError, readConfig, VARIABLES, type Config, type ConfigProblem, type Environment } from '../../config.ts';
import { names } from '../../catalog/catalog.ts';
import { nearest } from '../suggest.ts';
import { fail, ok, warn, type Finding } from './finding.ts';

const NAMES = names(VARIABLES);
/** Names shorter than this are not suggested: they resemble variables of other programs too closely. */
const MIN_SUGGESTED_LENGTH = 6;

/**
 * @param environment the process's own variables
 * @param dotEnv those of .env; the process's own take precedence
 * @returns the findings, and the configuration without the invalid variables
 */
export function checkVariables(environment: Environment, dotEnv: Environment): { findings: Finding[]; config: Config } {
  const effective = { ...dotEnv, ...withoutUnset(environment) };
  const problems = problemsOf(effective);
  const malformed = new Set<string>(problems.map(({ name }) => name));
  const config = readConfig(Object.fromEntries(Object.entries(effective).filter(([name]) => !malformed.has(name))));
  const findings = [
    ...problems.map(({ name, problem }) =>
      fail(
        'variables',
        `${name}: ${problem}`,
        `Correct it in ${name in environment ? 'the environment' : '.env'}: ${VARIABLES[name].description}.`,
      ),
    ),
    ...Object.keys(dotEnv)
      .filter((name) => !Object.hasOwn(VARIABLES, name))
      .map((name) => unknown(name, '.env', nearest(name, NAMES))),
    ...Object.keys(environment).flatMap((name) => misspelt(name)),
  ];
  const set = NAMES.filter((name) => effective[name]?.trim());
  if (findings.length > 0) return { findings, config };
  return {
    findings: [ok('variables', set.length === 0 ? 'none is set, all have their default values' : `set: ${set.join(', ')}`)],
    config,
  };
}

/** Unknown names, which have no effect, in `.env` of `folder` and in the environment: a misspelt API_KEYS must not go unnoticed. */
export function unknownVariables(folder: string): Finding[] {
  const file = path.join(folder, '.env');
  const dotEnv = existsSync(file) ? (parseEnv(readFileSync(file, 'utf8')) as Environment) : {};
  const others = Object.entries(process.env).filter(([name]) => !Object.hasOwn(dotEnv, name));
  const { findings } = checkVariables(Object.fromEntries(others), dotEnv);
  return findings.filter(({ level }) => level === 'warn');
}

function problemsOf(environment: Environment): readonly ConfigProblem[] {
  try {
    readConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

/** The environment is full of other programs' names; only one that nearly equals one of ours is reported. */
function misspelt(name: string): Finding[] {
  if (Object.hasOwn(VARIABLES, name)) return [];
  const near = nearest(
    name,
    NAMES.filter((known) => known.length >= MIN_SUGGESTED_LENGTH),
  );
  return near ? [unknown(name, 'the environment', near)] : [];
}

function unknown(name: string, place: string, near: string | undefined): Finding {
  const hint = near ? `Did you mean ${near}?` : 'Remove it; .env.example lists all variables.';
  return warn('variables', `${name} in ${place} is not a variable of this program and has no effect`, hint);
}

function withoutUnset(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined));
}
