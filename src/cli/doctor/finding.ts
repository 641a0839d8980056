/** `ok`: as it should be. `warn`: worth knowing, videos can be made. `FAIL`: no video can be made until it is cured. */
export type Level = 'ok' | 'warn' | 'FAIL';

/** What a check found out. */
export interface Finding {
  readonly check: string;
  readonly level: Level;
  readonly message: string;
  /** What to do; absent where nothing has to be done. */
  readonly hint?: string;
}

export const ok = (check: string, message: string): Finding => ({ check, level: 'ok', message });
export const warn = (check: string, message: string, hint: string): Finding => ({ check, level: 'warn', message, hint });
export const fail = (check: string, message: string, hint: string): Finding => ({ check, level: 'FAIL', message, hint });
