export async function doctor(args: string[]): Promise<void> { throw new Error(`not there yet: ${args.length}`); }
