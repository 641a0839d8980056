/** Writes the playground's index.html and assets/ to `folder`, dist/graphiql by default; it appears whole or not at all. */
export function bundle(folder?: string): Promise<void>;
