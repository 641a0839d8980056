/**
 * What the networks are made of, independent of how a device wants it written: unet.ts, vae.ts and clip.ts speak only this language, and
 * a dialect turns it into ONNX nodes. Shapes below are logical; a dialect may keep the data in any layout.
 */
import type { TensorSpec } from './onnx.ts';
import type { Weights } from './weights.ts';

/** Pictures or feature maps: [images, channels, height, width]. The images of a clip are in a row: image = item × frames + frame. */
export interface Frames {
  readonly id: string;
  readonly images: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** The same seen along time: [batch, channels, frames, height, width]. */
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

/** Rows of one value a channel: [rows, channels]. */
export interface Vectors {
  readonly id: string;
  readonly rows: number;
  readonly channels: number;
}

export interface ConvOptions {
  /** Default 1. */
  readonly stride?: number;
  /** Zeros around the picture: [top, left, bottom, right]. Default: half the kernel, so that the size stays. */
  readonly pads?: readonly [number, number, number, number];
  /** Added to every position: [1, out channels]. */
  readonly plus?: Vectors;
}

export interface ClipConvOptions {
  readonly plus?: Vectors;
  /** The result is multiplied by this. Default 1. */
  readonly scale?: number;
}

export interface VectorInput {
  readonly rows: number;
  readonly widths: readonly number[];
}

export interface Ops {
  /** An input [images, channels, height, width]. */
  frames(name: string, images: number, channels: number, height: number, width: number): Frames;
  /** An input [rows, sum of widths], cut into one piece a width. */
  vectors(name: string, input: VectorInput): Vectors[];
  /** An input [length, channels]: one sequence. */
  sequence(name: string, length: number, channels: number): Tokens;
  /** Makes a value an output. Vectors and tokens are put side by side along their channels. */
  output(name: string, value: Frames | readonly Tokens[]): void;

  /** 2-D convolution; `weights` holds weight [out, in, kernel, kernel] and, mostly, bias [out]. */
  conv(x: Frames, weights: Weights, options?: ConvOptions): Frames;
  /** Group norm over 32 groups, statistics over each image, weight and bias [channels]; then SiLU if asked for. */
  groupNorm(x: Frames, weights: Weights, epsilon: number, silu: boolean): Frames;
  /** Nearest neighbour, twice the height and width. */
  upsample(x: Frames): Frames;
  /** Along the channels. */
  concat(x: Frames, y: Frames): Frames;
  add(x: Frames, y: Frames): Frames;

  /** [batch × frames, …] seen along time. */
  clip(x: Frames, batch: number): Clip;
  unclip(x: Clip): Frames;
  /** Group norm over 32 groups, statistics over all frames of an item together, then SiLU. */
  clipNorm(x: Clip, weights: Weights, epsilon: number): Clip;
  /** Convolution of three frames: weight [out, in, 3, 1, 1], zeros before the first and after the last frame. */
  clipConv(x: Clip, weights: Weights, options?: ClipConvOptions): Clip;

  /** Every square of kernel × kernel pixels a token: weight [out, in, kernel, kernel]. */
  patches(x: Frames, weights: Weights): Tokens;
  /** Every position a token, through a linear layer: [images, height × width, out]. */
  tokens(x: Frames, weights: Weights): Tokens;
  /** Back again, through a linear layer: [images, out, height, width]. */
  untokens(x: Tokens, weights: Weights, height: number, width: number): Frames;
  /** Weight [out, in] and, mostly, bias [out]. */
  linear(x: Tokens, weights: Weights): Tokens;
  layerNorm(x: Tokens, weights: Weights, epsilon: number): Tokens;
  /** Softmax attention of each sequence to itself, scaled by 1/√(channels ÷ heads). */
  attention(query: Tokens, key: Tokens, value: Tokens, heads: number): Tokens;
  /** The gated feed-forward: linear net.0.proj gives [a | gate], then linear net.2 of a × GELU(gate). */
  feedForward(x: Tokens, weights: Weights): Tokens;
  /** GELU by the exact error function. */
  gelu(x: Tokens): Tokens;
  silu(x: Tokens): Tokens;
  sum(x: Tokens, y: Tokens): Tokens;
  /** Adds row i to the tokens of item i; a single row to all. */
  addPerItem(x: Tokens, rows: Vectors): Tokens;
  /** Adds row i to token i of every sequence. */
  addPerToken(x: Tokens, rows: Vectors): Tokens;
  /** weight × x + (1 − weight) × y */
  mix(weight: number, x: Tokens, y: Tokens): Tokens;
  /** Sequences of one frame's places become sequences of one place's frames, or back: [batch × a, b, channels] to [batch × b, a, channels]. */
  exchange(x: Tokens, batch: number): Tokens;
  /** A weight [channels] before the first token of each sequence. */
  prepend(x: Tokens, weights: Weights, name: string): Tokens;
  /** A weight [length, channels] as rows. */
  rows(weights: Weights, name: string): Vectors;
  /** The first token of each sequence. */
  first(x: Tokens): Tokens;
}

/** A model ready for onnxruntime. All inputs and outputs are float32. */
export interface Graph {
  readonly name: string;
  /** Serialised ModelProto. */
  readonly model: Uint8Array;
  /** Folder of the weights' file. */
  readonly folder: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly (TensorSpec & { /** As onnxruntime knows it. */ readonly id: string })[];
  /** Floating-point operations of one run: 2 a multiply-add of convolutions, linear layers and attention. */
  readonly flops: number;
  readonly nodes: number;
}

/** Ops that write a graph. */
export interface Dialect extends Ops {
  finish(): Graph;
}

/** Starts a graph over the tensors of one file. */
export type DialectFactory = (name: string, weights: Weights) => Dialect;
