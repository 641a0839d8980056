import { AppError } from '../../../src/jobs/errors.ts';
import { readFloats, type Safetensors } from '../checkpoint/safetensors.ts';
import type { Weights, WeightTensor } from '../graph/weights.ts';

/** A graph's weights, read from a safetensors file. */
export class SafetensorsWeights implements Weights {
  readonly #source: Safetensors;
  readonly #path: string;

  constructor(source: Safetensors, path = '') {
    this.#source = source;
    this.#path = path;
  }

  get file(): string {
    return this.#source.file;
  }

  at(name: string): Weights {
    return new SafetensorsWeights(this.#source, this.#fullName(name));
  }

  has(name: string): boolean {
    return this.#source.tensors.has(this.#fullName(name));
  }

  tensor(name: string): WeightTensor {
    const fullName = this.#fullName(name);
    const info = this.#source.tensors.get(fullName);
    if (!info) throw new AppError('MODEL_INVALID', `${this.file} has no tensor ${fullName}.`);
    const { dtype, shape, offset, sizeBytes } = info;
    if (dtype !== 'F16' && dtype !== 'F32')
      throw new AppError('MODEL_INVALID', `${this.file}: tensor ${fullName} is ${dtype}, not F16 or F32.`);
    return { name: fullName, type: dtype === 'F16' ? 'fp16' : 'fp32', shape, offset, sizeBytes };
  }

  scalar(name: string): number {
    return readFloats(this.#source, this.#fullName(name))[0]!;
  }

  #fullName(name: string): string {
    return this.#path ? `${this.#path}.${name}` : name;
  }
}
