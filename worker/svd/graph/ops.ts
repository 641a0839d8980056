/**
 * The operations that networks are built from. unet.ts, vae.ts, clip.ts and conditioning.ts use only these; a dialect, one per compute
 * backend, turns them into ONNX nodes. Shapes are logical: a dialect may keep the data in another layout.
 */
import type { TensorSpec } from './onnx.ts';
import type { Weights } from './weights.ts';

/** Images or feature maps: [images, channels, height, width]. A clip's frames are consecutive images: image = item × frames + frame. */
export interface Frames {
  readonly id: string;
  readonly images: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** The same data viewed along time: [batch, channels, frames, height, width]. */
export interface Clip {
  readonly id: string;
  readonly batch: number;
  readonly channels: number;
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

/** Sequences of tokens: [sequences, length, channels]. */
export interface Tokens {
  readonly id: string;
  readonly sequences: number;
  readonly length: number;
  readonly channels: number;
}

/** Rows with one value per channel: [rows, channels]. */
export interface Vectors {
  readonly id: string;
  readonly rows: number;
  readonly channels: number;
}

export interface ConvOptions {
  /** Default 1. */
  readonly stride?: number;
  /** Zero padding: [top, left, bottom, right]. Default: half the kernel, which keeps the size at stride 1. */
  readonly pads?: readonly [number, number, number, number];
  /** Added to every position: [1, out channels]. */
  readonly plus?: Vectors;
}

export interface TemporalConvOptions {
  readonly plus?: Vectors;
  /** Factor applied to the result. Default 1. */
  readonly scale?: number;
}

export interface VectorInput {
  readonly rows: number;
  readonly widths: readonly number[];
}

export interface Ops {
  /** Declares an input [images, channels, height, width]. */
  inputFrames(name: string, images: number, channels: number, height: number, width: number): Frames;
  /** Declares an input [rows, sum of widths] and splits it into one piece per width. */
  inputVectors(name: string, input: VectorInput): Vectors[];
  /** Declares an input [length, channels]: one sequence. */
  inputTokens(name: string, length: number, channels: number): Tokens;
  /** Makes a value an output. Several tokens are concatenated along their channels. */
  output(name: string, value: Frames | readonly Tokens[]): void;

  /** 2-D convolution with weight [out, in, kernel, kernel] and optional bias [out]. */
  conv(x: Frames, weights: Weights, options?: ConvOptions): Frames;
  /** Group norm over 32 groups with statistics per image, weight and bias [channels]; then SiLU if `silu`. */
  groupNorm(x: Frames, weights: Weights, epsilon: number, silu: boolean): Frames;
  /** Doubles height and width, nearest neighbor. */
  upsample(x: Frames): Frames;
  /** Concatenates along the channels. */
  concat(x: Frames, y: Frames): Frames;
  add(x: Frames, y: Frames): Frames;

  /** Views [batch × frames, …] along time. */
  toClip(x: Frames, batch: number): Clip;
  toFrames(x: Clip): Frames;
  /** Group norm over 32 groups with statistics over all frames of an item together, then SiLU. */
  temporalNorm(x: Clip, weights: Weights, epsilon: number): Clip;
  /** Convolution over three frames with weight [out, in, 3, 1, 1]; zeros before the first and after the last frame. */
  temporalConv(x: Clip, weights: Weights, options?: TemporalConvOptions): Clip;

  /** One token per square of kernel × kernel pixels; weight [out, in, kernel, kernel]. */
  patches(x: Frames, weights: Weights): Tokens;
  /** One token per position, through a linear layer: [images, height × width, out]. */
  toTokens(x: Frames, weights: Weights): Tokens;
  /** The inverse, through a linear layer: [images, out, height, width]. */
  fromTokens(x: Tokens, weights: Weights, height: number, width: number): Frames;
  /** Linear layer with weight [out, in] and optional bias [out]. */
  linear(x: Tokens, weights: Weights): Tokens;
  layerNorm(x: Tokens, weights: Weights, epsilon: number): Tokens;
  /** Softmax attention within each sequence, scaled by 1/√(channels ÷ heads). */
  attention(query: Tokens, key: Tokens, value: Tokens, heads: number): Tokens;
  /** Gated feed-forward (GEGLU): linear net.0.proj gives [a | gate]; the result is linear net.2 of a × GELU(gate). */
  feedForward(x: Tokens, weights: Weights): Tokens;
  /** GELU with the exact error function. */
  gelu(x: Tokens): Tokens;
  silu(x: Tokens): Tokens;
  sum(x: Tokens, y: Tokens): Tokens;
  /** Adds row i to all tokens of item i; a single row is added to all tokens. */
  addPerItem(x: Tokens, rows: Vectors): Tokens;
  /** Adds row i to token i of every sequence. */
  addPerToken(x: Tokens, rows: Vectors): Tokens;
  /** weight × x + (1 − weight) × y */
  mix(weight: number, x: Tokens, y: Tokens): Tokens;
  /**
   * Turns sequences over one frame's positions into sequences over one position's frames, or back: [batch × a, b, channels] to
   * [batch × b, a, channels].
   */
  swapSpaceAndTime(x: Tokens, batch: number): Tokens;
  /** Inserts a weight [channels] before the first token of a single sequence. */
  prepend(x: Tokens, weights: Weights, name: string): Tokens;
  /** A weight [length, channels] as rows. */
  rows(weights: Weights, name: string): Vectors;
  /** The first token of a single sequence. */
  first(x: Tokens): Tokens;
}

/** A complete model for onnxruntime. All inputs and outputs are float32. */
export interface Graph {
  readonly name: string;
  /** Serialized ModelProto. */
  readonly model: Uint8Array;
  /** Folder of the file that holds the weights. */
  readonly folder: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly (TensorSpec & { /** Name in the model. */ readonly id: string })[];
  /** Floating-point operations per run: two per multiply-add of convolutions, linear layers and attention. */
  readonly flops: number;
  readonly nodes: number;
}

/** Ops that write a graph for one compute backend. */
export interface Dialect extends Ops {
  finish(): Graph;
}

/** Starts a graph that uses the weights in one file. */
export type DialectFactory = (name: string, weights: Weights) => Dialect;
