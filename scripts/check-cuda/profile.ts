/** Reads the profile that onnxruntime writes about a session: the nodes that ran, after its own optimizations, and their results. */
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
    args: z.object({ op_name: z.string(), provider: z.string(), output_type_shape: outputs }).partial().optional(),
  }),
);

/** One run of a node. */
export interface NodeRun {
  readonly name: string;
  readonly operator: string;
  /** CUDAExecutionProvider or CPUExecutionProvider. */
  readonly provider: string;
  /** Bytes of its largest output. */
  readonly largestBytes: number;
}

/** The nodes of all runs in the only profile in `folder`, in the order in which they ran. */
export async function readProfile(folder: string): Promise<NodeRun[]> {
  const [file] = await readdir(folder);
  if (file === undefined) throw new Error(`onnxruntime has written no profile to ${folder}`);
  const parsed = events.parse(JSON.parse(await readFile(path.join(folder, file), 'utf8')));
  return parsed.flatMap(({ cat, name, args }): NodeRun[] => {
    if (cat !== 'Node' || !name.endsWith('_kernel_time')) return [];
    return [
      {
        name: name.replace(/_kernel_time$/, ''),
        operator: args?.op_name ?? '',
        provider: args?.provider ?? '',
        largestBytes: Math.max(0, ...(args?.output_type_shape ?? []).flatMap((output) => Object.entries(output).map(bytesOf))),
      },
    ];
  });
}

function bytesOf([type, sides]: [string, number[]]): number {
  return sides.reduce((product, side) => product * side, ELEMENT_BYTES[type] ?? 0);
}
