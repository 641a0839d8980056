/** Reads the profile that onnxruntime writes about a session, see Runtime: the nodes that ran, after its own optimizations. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

const ELEMENT_BYTES: Readonly<Record<string, number>> = { float: 4, float16: 2, int64: 8, int32: 4, bool: 1 };

/** One entry per output: its element type and sides. */
const outputs = z.array(z.record(z.string(), z.array(z.int())));

const events = z.array(
  z.object({
    cat: z.string(),
    name: z.string(),
    /** Microseconds. */
    dur: z.number(),
    args: z
      .object({ op_name: z.string(), provider: z.string(), output_type_shape: outputs, mem_in_use_peak: z.coerce.number() })
      .partial()
      .optional(),
  }),
);

/** One run of a node. */
export interface NodeRun {
  readonly name: string;
  readonly operator: string;
  /** CUDAExecutionProvider or CPUExecutionProvider. */
  readonly provider: string;
  /** Type and shape of its first output, such as float16[25,72,128,320]. */
  readonly result: string;
  /** Bytes of its largest output. */
  readonly largestBytes: number;
  /** Seconds until the provider returned from it, which on a GPU may be before its kernels have run. */
  readonly seconds: number;
  /** Most memory in use so far in the provider's arena, weights included; 0 if the provider has none. */
  readonly arenaBytes: number;
}

/** The nodes of all runs in the only profile in `folder`, in the order in which they ran. */
export async function readProfile(folder: string): Promise<NodeRun[]> {
  const [file] = await readdir(folder);
  if (file === undefined) throw new Error(`onnxruntime has written no profile to ${folder}`);
  return parseProfile(JSON.parse(await readFile(path.join(folder, file), 'utf8')));
}

/** @param json the content of a profile */
export function parseProfile(json: unknown): NodeRun[] {
  return events.parse(json).flatMap(({ cat, name, dur, args }): NodeRun[] => {
    if (cat !== 'Node' || !name.endsWith('_kernel_time')) return [];
    return [
      {
        name: name.replace(/_kernel_time$/, ''),
        operator: args?.op_name ?? '',
        provider: args?.provider ?? '',
        result: Object.entries(args?.output_type_shape?.[0] ?? {})
          .map(([type, sides]) => `${type}[${sides}]`)
          .join(),
        seconds: dur / 1e6,
        arenaBytes: args?.mem_in_use_peak ?? 0,
        largestBytes: Math.max(0, ...(args?.output_type_shape ?? []).flatMap((output) => Object.entries(output).map(bytesOf))),
      },
    ];
  });
}

function bytesOf([type, sides]: [string, number[]]): number {
  return sides.reduce((product, side) => product * side, ELEMENT_BYTES[type] ?? 0);
}
