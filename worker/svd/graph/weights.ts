import type { Precision } from './onnx.ts';

/** One tensor of a network's weights, as stored in its file. */
export interface WeightTensor {
  /** Full name, unique in the file. */
  readonly name: string;
  readonly type: Precision;
  readonly shape: readonly number[];
  /** Position of the first byte in the file. */
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Weights of a network, seen from one of its modules: `weights.at('mid_block').at('resnets.0').tensor('norm1.weight')`. */
export interface Weights {
  /** Absolute path of the file that holds all tensors. */
  readonly file: string;
  /** The weights of submodule `name`. */
  at(name: string): Weights;
  has(name: string): boolean;
  /** @throws AppError MODEL_INVALID if there is no such tensor */
  tensor(name: string): WeightTensor;
  /** The value of a one-element tensor. @throws AppError MODEL_INVALID if there is no such tensor */
  scalar(name: string): number;
}
