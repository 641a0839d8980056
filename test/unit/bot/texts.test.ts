/** The bot's texts: complete, used, translated, and with the plurals of every language. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { FluentBundle, FluentResource } from '@fluent/bundle';
import { buildSchema, type GraphQLEnumType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { Texts } from '../../../bot/texts/texts.ts';

const FOLDER = 'bot/texts';
const texts = Texts.load(FOLDER);
const read = (language: string) => new FluentResource(readFileSync(path.join(FOLDER, `${language}.ftl`), 'utf8'));
const english = read('en').body;
const keys = english.map(({ id }) => id);
const others = texts.languages.filter((language) => language !== 'en');
const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));
const valuesOf = (type: string) => (schema.getType(type) as GraphQLEnumType).getValues().map(({ name }) => name);

/** A value for every variable of a text. */
const ARGUMENTS = {
  attempt: 2,
  bar: '█',
  choice: 'x',
  count: 2,
  code: 'TIMEOUT',
  days: 2,
  description: 'x',
  done: 1,
  eta: 'x',
  fit: 'x',
  hours: 2,
  language: 'x',
  max: 3,
  megabytes: 20,
  minutes: 2,
  name: 'x',
  percent: 3,
  position: 1,
  seconds: 2,
  seed: '1',
  size: 'x',
  stage: 'x',
  state: 'x',
  status: 'x',
  total: 2,
  user: '1',
  username: 'x',
  when: 'x',
};

/** Parts that are the same in English and in another language. */
const SAME = new Set<string>(['button-menu: ☰ Menu']);

/** All parts of a message that contain a word, including those of its variants. */
function words(value: unknown): string[] {
  if (typeof value === 'string') return /\p{L}{4,}/u.test(value) ? [value] : [];
  if (Array.isArray(value)) return value.flatMap(words);
  const { type, variants } = (value ?? {}) as { type?: string; variants?: { value: unknown }[] };
  return type === 'select' ? variants!.flatMap((variant) => words(variant.value)) : [];
}

interface Select {
  readonly type: string;
  readonly variants: readonly { readonly key: { readonly value: unknown }; readonly value: unknown }[];
}

/** Every selector of a message. */
function selects(value: unknown): Select[] {
  if (Array.isArray(value)) return value.flatMap(selects);
  if (typeof value !== 'object' || value === null) return [];
  const found = (value as { type?: unknown }).type === 'select' ? [value as Select] : [];
  return [...found, ...Object.values(value).flatMap(selects)];
}

/** Names of the variables of a message, in all its variants, and of the messages it refers to. */
function variables(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(variables);
  if (typeof value !== 'object' || value === null) return [];
  const { type, name } = value as { type?: string; name?: string };
  return [...(type === 'var' || type === 'mesg' ? [name!] : []), ...Object.values(value).flatMap(variables)];
}

function sourceKeys(): string[] {
  const files = readdirSync('bot', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  return files.flatMap((name) =>
    [...readFileSync(path.join('bot', name), 'utf8').matchAll(/\bsay\((?:[^()']*\? )?'([\w-]+)'(?:\)? : '([\w-]+)')?/g)].flatMap(
      ([, a, b]) => [a!, ...(b ? [b] : [])],
    ),
  );
}

describe('the texts', () => {
  it('exist for every key in the code', () => {
    expect(sourceKeys().length).toBeGreaterThan(60);
    expect([...new Set(sourceKeys())].filter((key) => !keys.includes(key))).toEqual([]);
  });

  it('are all used', () => {
    const sources = readdirSync('bot', { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|ftl)$/.test(name))
      .map((name) => readFileSync(path.join('bot', name), 'utf8'))
      .join('\n');
    const composed = /^(status|command)-/;
    expect(keys.filter((key) => !composed.test(key) && !sources.includes(`'${key}'`) && !sources.includes(`{ ${key} }`))).toEqual([]);
  });

  it.each(texts.languages)('have the same keys in %s as in English', (language) => {
    expect(read(language).body.map(({ id }) => id)).toEqual(keys);
  });

  it.each(texts.languages)('can all be formatted in %s', (language) => {
    const bundle = new FluentBundle(language, { useIsolating: false });
    bundle.addResource(read(language));
    for (const key of keys) {
      const errors: Error[] = [];
      const said = bundle.formatPattern(bundle.getMessage(key)!.value!, ARGUMENTS, errors);
      expect({ key, errors, isEmpty: said.trim() === '' }).toEqual({ key, errors: [], isEmpty: false });
    }
  });

  it.each(others)('use the same variables in %s as in English', (language) => {
    const variablesOf = (from: typeof english) =>
      Object.fromEntries(from.map(({ id, value }) => [id, [...new Set(variables(value))].toSorted()]));
    expect(variablesOf(read(language).body)).toEqual(variablesOf(english));
  });

  it.each(others)('are translated to %s in every variant', (language) => {
    const translated = new Map(read(language).body.map(({ id, value }) => [id, words(value)]));
    const same = english.flatMap(({ id, value }) =>
      words(value)
        .filter((text) => translated.get(id)?.includes(text))
        .map((text) => `${id}: ${text}`),
    );
    expect(same.filter((entry) => !SAME.has(entry))).toEqual([]);
  });

  it.each(texts.languages)('name every motion, state, stage and error of the API in %s', (language) => {
    const say = texts.in(language);
    for (const name of valuesOf('Motion')) expect(say('motion', { name })).not.toBe(name);
    for (const name of valuesOf('Fit')) expect(say('fit', { name, description: '?' })).not.toBe('?');
    for (const status of valuesOf('JobStatus')) expect(say('state', { status })).not.toBe(status);
    for (const stage of valuesOf('Stage')) expect(say('status-stage', { stage })).not.toBe(say('status-stage', { stage: '?' }));
    for (const code of valuesOf('ErrorCode')) expect(`${say('failure', { code })} ${say('hint', { code })}`).not.toContain(code);
  });

  it('use the plurals of the language', () => {
    const count = (language: string) => [1, 2, 5, 21].map((seconds) => texts.in(language)('duration', { seconds }));
    const expected: Record<string, string[]> = {
      en: ['1 second', '2 seconds', '5 seconds', '21 seconds'],
      ru: ['1 секунда', '2 секунды', '5 секунд', '21 секунда'],
      es: ['1 segundo', '2 segundos', '5 segundos', '21 segundos'],
      de: ['1 Sekunde', '2 Sekunden', '5 Sekunden', '21 Sekunden'],
      pt: ['1 segundo', '2 segundos', '5 segundos', '21 segundos'],
    };
    for (const language of texts.languages) expect(count(language)).toEqual(expected[language]);
  });

  it.each(texts.languages)('have every plural form of %s', (language) => {
    const rules = new Intl.PluralRules(language);
    const needed = new Set([1, 2, 5, 21].map((number) => rules.select(number)));
    const plurals = read(language).body.flatMap(({ id, value }) =>
      selects(value)
        .filter(({ variants }) => variants.some(({ key }) => key.value === 'one'))
        .map(({ variants }) => ({ id, variants })),
    );
    expect(plurals.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['duration', 'status-album', 'cancel-done', 'privacy', 'delete-all-done']),
    );
    const lacking = plurals.filter(({ variants }) => {
      // A word with one form needs only one variant.
      const forms = new Set(variants.map(({ value }) => JSON.stringify(value)));
      return forms.size > 1 && [...needed].some((form) => !variants.some(({ key }) => key.value === form));
    });
    expect(lacking.map(({ id }) => id)).toEqual([]);
    const say = texts.in(language);
    for (const number of [1, 2, 5, 21]) {
      const said = [
        say('duration', { seconds: number }),
        say('status-album', { total: number, done: 0 }),
        say('cancel-done', { count: number }),
        say('privacy', { hours: number, days: number }),
        say('delete-all-done', { count: number }),
      ];
      for (const text of said) expect(text).toMatch(new RegExp(`(?<!\\d)${number} \\p{L}`, 'u'));
    }
  });

  it('are selected by the language code of Telegram', () => {
    expect(['en', 'pt-BR', 'de-AT', 'xx', undefined].map((code) => texts.nearest(code))).toEqual(['en', 'pt', 'de', 'en', 'en']);
  });
});
