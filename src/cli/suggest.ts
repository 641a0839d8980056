/**
 * The candidate that `text` is most likely a misspelling of; undefined if none is close. Allows one mistake in four letters and ignores
 * case, `-` and `_`.
 */
export function nearest(text: string, candidates: readonly string[]): string | undefined {
  const plain = (word: string) => word.toLowerCase().replaceAll(/[-_]/g, '');
  const ranked = candidates
    .map((candidate) => ({ candidate, mistakes: distance(plain(text), plain(candidate)) }))
    .filter(({ candidate, mistakes }) => mistakes <= Math.max(1, Math.floor(plain(candidate).length / 4)))
    .toSorted((a, b) => a.mistakes - b.mistakes);
  return ranked[0]?.candidate;
}

/** Number of letters to insert, delete, replace or swap with their neighbour (optimal string alignment distance). */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? rows[i - 2]![j - 2]! + 1 : Infinity;
      row.push(Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1), swapped));
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
