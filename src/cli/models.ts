export async function models(args: string[]): Promise<void> { throw new Error(`not there yet: ${args.length}`); }
