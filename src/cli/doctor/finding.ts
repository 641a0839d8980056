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

/** Findings for a terminal: one line each, and one for the hint. */
export function formatFindings(findings: readonly Finding[]): string {
  const indent = ' '.repeat(18);
  const lines = findings.flatMap(({ check, level, message, hint }) => [
    `${level.padEnd(5)} ${check.padEnd(11)} ${message.replaceAll('\n', `\n${indent}`)}`,
    ...(hint ? [`${indent}→ ${hint}`] : []),
  ]);
  return lines.join('\n');
}
