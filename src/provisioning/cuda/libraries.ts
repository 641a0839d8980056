import { constants } from 'node:os';
import { CUDA_LIBRARIES } from './requirements.ts';

/**
 * Libraries that do not load, by name, with the dynamic linker's message. Loads each one into this process, so it belongs in a child
 * process: constructors of a broken driver may crash it.
 */
export function brokenLibraries(): Record<string, string> {
  const broken: Record<string, string> = {};
  for (const { name } of CUDA_LIBRARIES) {
    const message = tryToLoad(name);
    if (message !== null) broken[name] = message;
  }
  return broken;
}

/** Null if the dynamic linker finds and loads `library`. */
function tryToLoad(library: string): string | null {
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_LAZY);
    return null;
  } catch (error) {
    const { message } = error as Error;
    // It loads; it is just not a Node.js addon.
    return message.includes('did not self-register') ? null : message;
  }
}
