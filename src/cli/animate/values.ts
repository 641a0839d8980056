/** A flag that takes a value, for `--help`. */
export interface Flag {
  /** Placeholder of the value. */
  readonly value: string;
  readonly about: string;
}

/** A value as an error message quotes it, shortened to 100 characters. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}

/** A decimal number; NaN for anything else, such as `0x10` or an empty text. */
export function toNumber(text: string): number {
  return /^-?(\d+\.?\d*|\.\d+)$/.test(text.trim()) ? Number(text) : Number.NaN;
}
