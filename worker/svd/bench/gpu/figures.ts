/** What bench:gpu measures, as its JSON file stores it. */
import type { Size } from '../../../../src/catalog/catalog.ts';
import type { Precision } from '../../graph/onnx.ts';
import type { Row } from '../../parity/rows.ts';
import type { ClipFigures } from '../clips.ts';
import type { NetworkFigures } from '../network.ts';
import type { OfficialFigures } from '../processes.ts';
import type { Outcome } from './schedule.ts';

/** Memory of the whole card, other processes included. Null where nvidia-smi does not answer. */
export interface CardMemory {
  /** Before the step. */
  readonly beforeBytes: number;
  /** Most at any time during it. */
  readonly peakBytes: number;
}

/** Parts of a clip that are measured alone: networks, by batch or frames per call. */
export const PARTS = [
  'image encoder',
  'VAE encoder',
  'UNet',
  'UNet, batch 2',
  'VAE decoder, 1 frame',
  'VAE decoder, 3 frames',
  'VAE decoder, 5 frames',
  'VAE decoder, 8 frames',
] as const;

export type Part = (typeof PARTS)[number];

export type Figures =
  | { readonly kind: 'weights'; readonly folder: string; readonly isSeeded: boolean }
  | {
      readonly kind: 'parity';
      readonly device: string;
      readonly model: string;
      readonly precision: Precision;
      readonly rows: number;
      readonly passed: number;
      /** The row that has nothing to compare, or that comes closest to its limit or exceeds it most. */
      readonly worst: Row;
    }
  | {
      readonly kind: 'network';
      readonly device: string;
      readonly precision: Precision;
      readonly part: Part;
      readonly figures: NetworkFigures;
      readonly card: CardMemory | null;
    }
  | {
      readonly kind: 'clip';
      readonly device: string;
      readonly memory: string;
      readonly figures: ClipFigures;
      readonly card: CardMemory | null;
    }
  | {
      readonly kind: 'official';
      readonly device: string;
      readonly compiled: boolean;
      readonly parts: Partial<Record<Part, OfficialFigures>>;
    };

export interface Report {
  readonly date: string;
  readonly version: string;
  readonly onnxruntime: string;
  readonly machine: string;
  /** What the probe found, by device. */
  readonly devices: Readonly<Record<string, string>>;
  readonly model: string;
  readonly size: Size;
  readonly numFrames: number;
  readonly steps: number;
  readonly seconds: number;
  readonly outcomes: readonly Outcome<Figures>[];
}
