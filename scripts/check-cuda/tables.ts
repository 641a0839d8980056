/** Tables in Markdown. */
import type { Result } from './checks.ts';

/** One line for each network. */
export function networkTable(results: readonly Result[]): string {
  return table(
    ['network', 'nodes', 'Transpose', 'Cast', 'weights, MB', 'largest tensor, MB', 'device memory, MB', 'moved per call, GB'],
    results.map(({ name, network, peakBytes }) => {
      const { operators, weightsBytes, largestBytes, movedBytes } = network!;
      return [
        name,
        Object.values(operators).reduce((sum, count) => sum + count, 0),
        operators['Transpose'] ?? 0,
        operators['Cast'] ?? 0,
        megabytes(weightsBytes),
        megabytes(largestBytes),
        megabytes(peakBytes),
        (movedBytes / 1e9).toFixed(1),
      ];
    }),
  );
}

/** How many nodes of each operator the networks have. */
export function operatorTable(results: readonly Result[]): string {
  const operators = [...new Set(results.flatMap(({ network }) => Object.keys(network!.operators)))].toSorted();
  return table(
    ['operator', ...results.map(({ name }) => name)],
    operators.map((operator) => [operator, ...results.map(({ network }) => network!.operators[operator] ?? 0)]),
  );
}

/** Memory of whole renders. */
export function renderTable(results: readonly Result[]): string {
  return table(
    ['profile', 'device memory, MB'],
    results.map(({ name, peakBytes }) => [name, megabytes(peakBytes)]),
  );
}

const megabytes = (bytes: number): number => Math.round(bytes / 1e6);

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}
