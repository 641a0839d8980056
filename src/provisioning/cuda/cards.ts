/** NVIDIA's driver and the cards that it reports. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

export interface Card {
  readonly name: string;
  /** Null without nvidia-smi. */
  readonly memoryBytes: number | null;
  /** Memory that no process uses now. Null without nvidia-smi. */
  readonly freeBytes: number | null;
  readonly uuid: string;
}

/** NVIDIA's driver and all its cards, ordered by PCI bus. */
export interface Driver {
  /** Such as 580.65.06; null if it cannot be determined. */
  readonly version: string | null;
  readonly cards: readonly Card[];
}

const PROC = '/proc/driver/nvidia';

/** The driver as nvidia-smi describes it, or as the kernel does where nvidia-smi is missing. Null without a driver; an error if it fails. */
export async function nvidiaDriver(): Promise<Driver | null | Error> {
  const query = 'driver_version,name,memory.total,memory.free,uuid';
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', [`--query-gpu=${query}`, '--format=csv,noheader,nounits'], {
      timeout: 8_000,
      windowsHide: true,
    });
    return parseNvidiaSmi(stdout);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return error as Error;
    return await kernelDriver();
  }
}

/** @param text output of nvidia-smi: driver version, name, MiB of memory in all and free, and UUID, one card a line */
export function parseNvidiaSmi(text: string): Driver {
  const rows = text
    .trim()
    .split('\n')
    .map((line) => line.split(', '))
    .filter((row) => row.length === 5);
  return {
    version: rows[0]?.[0] ?? null,
    cards: rows.map(([, name, memory, free, uuid]) => ({
      name: name!,
      memoryBytes: mebibytes(memory!),
      freeBytes: mebibytes(free!),
      uuid: uuid!,
    })),
  };
}

/** Null for text such as [N/A], which nvidia-smi prints for devices that share the computer's memory. */
function mebibytes(text: string): number | null {
  return /^\d+$/.test(text) ? Number(text) * 2 ** 20 : null;
}

async function kernelDriver(): Promise<Driver | null> {
  const text = await readFile(path.join(PROC, 'version'), 'utf8').catch(() => null);
  if (text === null) return null;
  const buses = await readdir(path.join(PROC, 'gpus')).catch(() => []);
  const cards = await Promise.all(
    buses.toSorted().map(async (bus): Promise<Card> => {
      const card = await readFile(path.join(PROC, 'gpus', bus, 'information'), 'utf8').catch(() => '');
      const field = (name: string) => new RegExp(`^${name}:\\s*(.+)$`, 'm').exec(card)?.[1]?.trim();
      return { name: field('Model') ?? 'NVIDIA GPU', memoryBytes: null, freeBytes: null, uuid: field('GPU UUID') ?? '' };
    }),
  );
  return { version: kernelVersion(text), cards };
}

/** Version of the driver. @param text content of /proc/driver/nvidia/version */
export function kernelVersion(text: string): string | null {
  return /^NVRM version:.*?\s(\d+\.\d+(?:\.\d+)?)\s/m.exec(text)?.[1] ?? null;
}

/**
 * The cards that CUDA numbers from 0 if it orders them by PCI bus. CUDA_VISIBLE_DEVICES selects them by index or by the beginning of a UUID;
 * the first entry that matches no card ends the list.
 */
export function visibleCards(cards: readonly Card[], selection: string | undefined): Card[] {
  if (selection === undefined) return [...cards];
  const selected = selection.split(',').map((entry) => {
    const text = entry.trim();
    return /^\d+$/.test(text) ? cards[Number(text)] : text ? cards.find(({ uuid }) => uuid.startsWith(text)) : undefined;
  });
  const end = selected.findIndex((card) => card === undefined);
  return (end < 0 ? selected : selected.slice(0, end)) as Card[];
}
