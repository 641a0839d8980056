/**
 * Operations on images and clips with channels first, as onnxruntime's CPU and WebGPU providers expect them: Frames are
 * [images, channels, height, width], Clips [batch, channels, frames, height × width]. Uses standard operators only.
 */
import type { Clip, TemporalConvOptions, ConvOptions, Dialect, Frames, Tokens } from './ops.ts';
import { TokenOps } from './token-ops.ts';
import type { Weights } from './weights.ts';

export abstract class ChannelsFirstOps extends TokenOps implements Dialect {
  /** Frames by id → their channels-last form, so that queries, keys and values share one transpose. */
  readonly #channelsLastForms = new Map<string, string>();

  inputFrames(name: string, images: number, channels: number, height: number, width: number): Frames {
    return { id: this.input(name, [images, channels, height, width]), images, channels, height, width };
  }

  output(name: string, value: Frames | readonly Tokens[]): void {
    if ('id' in value) this.declareOutput(name, value.id, [value.images, value.channels, value.height, value.width]);
    else this.outputTokens(name, value);
  }

  conv(x: Frames, weights: Weights, options: ConvOptions = {}): Frames {
    const { kernel, stride, pads, channels, height, width } = this.convolution(x, weights, options);
    const id = this.product('Conv', [x.id, this.parameter(weights, 'weight'), ...this.bias(weights, options.plus)], {
      kernel_shape: [kernel, kernel],
      pads,
      strides: [stride, stride],
    });
    return { id, images: x.images, channels, height, width };
  }

  groupNorm(x: Frames, weights: Weights, epsilon: number, silu: boolean): Frames {
    return { ...x, id: this.normalize(x.id, [x.images, x.channels, x.height, x.width], weights, epsilon, silu) };
  }

  upsample(x: Frames): Frames {
    const id = this.writer.op('Resize', [x.id, '', this.writer.floats([1, 1, 2, 2])], {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    });
    return { ...x, id, height: 2 * x.height, width: 2 * x.width };
  }

  concat(x: Frames, y: Frames): Frames {
    return { ...x, id: this.writer.op('Concat', [x.id, y.id], { axis: 1 }), channels: x.channels + y.channels };
  }

  add(x: Frames, y: Frames): Frames {
    return { ...x, id: this.writer.op('Add', [x.id, y.id]) };
  }

  toClip(x: Frames, batch: number): Clip {
    const { channels, height, width } = x;
    const frames = x.images / batch;
    const id = this.writer.transpose(this.writer.reshape(x.id, [batch, frames, channels, height * width]), [0, 2, 1, 3]);
    return { id, batch, channels, frames, height, width };
  }

  toFrames(x: Clip): Frames {
    const { batch, channels, frames, height, width } = x;
    const images = batch * frames;
    return {
      id: this.writer.reshape(this.writer.transpose(x.id, [0, 2, 1, 3]), [images, channels, height, width]),
      images,
      channels,
      height,
      width,
    };
  }

  temporalNorm(x: Clip, weights: Weights, epsilon: number): Clip {
    return { ...x, id: this.normalize(x.id, [x.batch, x.channels, x.frames, x.height * x.width], weights, epsilon, true) };
  }

  temporalConv(x: Clip, weights: Weights, { plus, scale = 1 }: TemporalConvOptions = {}): Clip {
    const [channels, into] = weights.tensor('weight').shape as [number, number];
    // Scaled in a shape with long rows and reshaped afterwards: where the last dimension is 1, onnxruntime multiplies element by element.
    const inputs = [this.parameter(weights, 'weight', [channels, into * 3]), ...this.bias(weights, plus)];
    const [weight, ...bias] = inputs.map((input) => this.times(input, scale));
    const id = this.product('Conv', [x.id, this.writer.reshape(weight!, [channels, into, 3, 1]), ...bias], {
      kernel_shape: [3, 1],
      pads: [1, 0, 1, 0],
      strides: [1, 1],
    });
    this.countMultiplyAdds(x.batch * x.frames * x.height * x.width * channels * into * 3);
    return { ...x, id, channels };
  }

  patches(x: Frames, weights: Weights): Tokens {
    const kernel = weights.tensor('weight').shape[2]!;
    return this.#channelsLast(this.conv(x, weights, { stride: kernel, pads: [0, 0, 0, 0] }));
  }

  toTokens(x: Frames, weights: Weights): Tokens {
    return this.linear(this.#channelsLast(x), weights);
  }

  fromTokens(x: Tokens, weights: Weights, height: number, width: number): Frames {
    const { id, sequences: images, length, channels } = this.linear(x, weights);
    const planes = this.writer.transpose(this.writer.reshape(id, [images, length, channels]), [0, 2, 1]);
    return { id: this.writer.reshape(planes, [images, channels, height, width]), images, channels, height, width };
  }

  /** Group norm of [images or items, channels, …, …], statistics in float32, then SiLU if `silu`. */
  protected abstract normalize(
    id: string,
    shape: readonly [number, number, number, number],
    weights: Weights,
    epsilon: number,
    silu: boolean,
  ): string;

  #channelsLast({ id, images, channels, height, width }: Frames): Tokens {
    const length = height * width;
    const form =
      this.#channelsLastForms.get(id) ??
      this.writer.reshape(this.writer.transpose(this.writer.reshape(id, [images, channels, length]), [0, 2, 1]), [
        images * length,
        channels,
      ]);
    this.#channelsLastForms.set(id, form);
    return { id: form, sequences: images, length, channels };
  }
}
