/** Summarizes a profile: where nodes ran, for how long, and with how much memory. */
import type { NodeRun } from '../runtime/profile.ts';

/** Nodes of one operator whose results have the same shape. */
export interface KernelGroup {
  /** Such as Conv. */
  readonly operator: string;
  /** Type and shape of the result, such as float16[25,72,128,320]. */
  readonly result: string;
  /** Nodes per call. */
  readonly nodes: number;
  /** Seconds per call, of all of them. */
  readonly seconds: number;
}

/** A profile of one or more calls, per call and without the first. */
export interface Profile {
  /** By time, longest first. */
  readonly groups: readonly KernelGroup[];
  /** Nodes per call, by execution provider. */
  readonly providers: Readonly<Record<string, number>>;
  /** Most memory in use at once in the provider's arena, weights included; null if the provider does not count it. */
  readonly arenaBytes: number | null;
}

/** @param runs the nodes of two or more calls */
export function summarize(runs: readonly NodeRun[]): Profile {
  const calls = runs.filter(({ name }) => name === runs[0]?.name).length;
  const share = 1 / (calls - 1);
  const groups = new Map<string, KernelGroup>();
  const providers: Record<string, number> = {};
  for (const { operator, result, provider, seconds } of runs.slice(runs.length / calls)) {
    const known = groups.get(`${operator} ${result}`) ?? { operator, result, nodes: 0, seconds: 0 };
    groups.set(`${operator} ${result}`, { ...known, nodes: known.nodes + share, seconds: known.seconds + share * seconds });
    providers[provider] = (providers[provider] ?? 0) + share;
  }
  const peak = Math.max(0, ...runs.map(({ arenaBytes }) => arenaBytes));
  return { groups: [...groups.values()].toSorted((a, b) => b.seconds - a.seconds), providers, arenaBytes: peak || null };
}
