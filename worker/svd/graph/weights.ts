import { AppError } from '../../../src/jobs/errors.ts';
import { readFloats, type Safetensors, type TensorInfo } from '../checkpoint/safetensors.ts';

/** A component's tensors, seen from one of its modules: `weights.at('mid_block').at('resnets.0').tensor('norm1.weight')`. */
export class Weights {
  readonly source: Safetensors;
  readonly #path: string;

  constructor(source: Safetensors, path = '') {
    this.source = source;
    this.#path = path;
  }

  /** The module `name` inside this one. */
  at(name: string): Weights {
    return new Weights(this.source, this.#full(name));
  }

  has(name: string): boolean {
    return this.source.tensors.has(this.#full(name));
  }

  /** @throws AppError MODEL_INVALID if there is no such tensor */
  tensor(name: string): TensorInfo {
    const info = this.source.tensors.get(this.#full(name));
    if (!info) throw new AppError('MODEL_INVALID', `${this.source.file} has no tensor ${this.#full(name)}.`);
    return info;
  }

  /** The value of a tensor of one element. */
  scalar(name: string): number {
    this.tensor(name);
    return readFloats(this.source, this.#full(name))[0]!;
  }

  #full(name: string): string {
    return this.#path ? `${this.#path}.${name}` : name;
  }
}
