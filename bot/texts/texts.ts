import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { FluentBundle, FluentResource, type FluentVariable } from '@fluent/bundle';

export type TextArguments = Readonly<Record<string, FluentVariable>>;

/** Formats a message of one language. */
export interface Say {
  (key: string, args?: TextArguments): string;
  /** Language code, such as `en`. */
  readonly language: string;
}

const FALLBACK = 'en';

/** The bot's texts in every language that has a Fluent file. */
export class Texts {
  readonly #says: ReadonlyMap<string, Say>;

  private constructor(says: ReadonlyMap<string, Say>) {
    this.#says = says;
  }

  /** @param folder contains a file such as en.ftl per language; @throws Error if a file has a syntax error */
  static load(folder: string): Texts {
    const bundles = new Map(
      readdirSync(folder)
        .filter((name) => name.endsWith('.ftl'))
        .toSorted()
        .map((name) => {
          const language = path.basename(name, '.ftl');
          return [language, openBundle(language, readFileSync(path.join(folder, name), 'utf8'))] as const;
        }),
    );
    const fallback = bundles.get(FALLBACK);
    if (!fallback) throw new Error(`${folder} has no ${FALLBACK}.ftl`);
    return new Texts(new Map([...bundles].map(([language, bundle]) => [language, formatter(language, [bundle, fallback])])));
  }

  /** Codes of all languages, in alphabetical order. */
  get languages(): string[] {
    return [...this.#says.keys()];
  }

  /** The supported language closest to the code that Telegram reports for a user, such as `pt-br`. */
  nearest(code: string | undefined): string {
    const [base = ''] = (code ?? '').toLowerCase().split('-');
    return this.#says.has(base) ? base : FALLBACK;
  }

  in(language: string): Say {
    return this.#says.get(language) ?? this.#says.get(FALLBACK)!;
  }
}

function openBundle(language: string, text: string): FluentBundle {
  // Bidirectional isolation marks show as boxes in some clients, and all languages here run left to right.
  const bundle = new FluentBundle(language, { useIsolating: false });
  const errors = bundle.addResource(new FluentResource(text));
  if (errors.length > 0) throw new Error(`${language}.ftl: ${errors.map(({ message }) => message).join('; ')}`);
  return bundle;
}

/** Falls back to English for a message that the language lacks. */
function formatter(language: string, bundles: readonly FluentBundle[]): Say {
  const say = (key: string, args: TextArguments = {}) => {
    for (const bundle of bundles) {
      const pattern = bundle.getMessage(key)?.value;
      if (pattern != null) return bundle.formatPattern(pattern, args, []);
    }
    throw new Error(`There is no text ${JSON.stringify(key)}`);
  };
  return Object.assign(say, { language });
}
