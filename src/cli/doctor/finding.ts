/** `ok`: nothing to do. `warn`: videos can be rendered, but something needs attention. `FAIL`: no video can be rendered until it is fixed. */
export type Level = 'ok' | 'warn' | 'FAIL';

/** The result of a check. */
export interface Finding {
  readonly check: string;
  readonly level: Level;
  readonly message: string;
  /** What to do; absent if nothing has to be done. */
  readonly hint?: string;
}

export const ok = (check: string, message: string): Finding => ({ check, level: 'ok', message });
export const warn = (check: string, message: string, hint: string): Finding => ({ check, level: 'warn', message, hint });
export const fail = (check: string, message: string, hint: string): Finding => ({ check, level: 'FAIL', message, hint });
