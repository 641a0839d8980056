export function build(options?: { force?: boolean }): Promise<string[]>;
export function ensureBuilt(): Promise<void>;
