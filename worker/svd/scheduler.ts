/**
 * How noise becomes a picture: the noise levels of a schedule and the step from one to the next, as Karras et al. ("Elucidating the
 * design space of diffusion-based generative models", 2022) set them and Stable Video Diffusion was trained with. σ is the standard
 * deviation of the noise in the latents. Latents are float32 on our side; each step is computed in float64.
 *
 * Functions that write into `out` may be given one of their inputs for it.
 */

/** Bends the schedule: most steps are spent where there is little noise. */
const RHO = 7;

/** The noise levels of `steps` steps, from `sigmaMax` down to `sigmaMin`, and the 0 that the last step leads to: [steps + 1]. */
export function karrasSigmas({ sigmaMin, sigmaMax }: { sigmaMin: number; sigmaMax: number }, steps: number): Float64Array {
  const [from, to] = [sigmaMax ** (1 / RHO), sigmaMin ** (1 / RHO)];
  const sigmas = new Float64Array(steps + 1);
  for (let i = 0; i < steps; i++) sigmas[i] = (from + (i / Math.max(1, steps - 1)) * (to - from)) ** RHO;
  return sigmas;
}

/** What the UNet is told of the noise level: ¼ ln σ. */
export function timestepOf(sigma: number): number {
  return 0.25 * Math.log(sigma);
}

/** Standard normal noise times this is what the first step starts from. */
export function initNoiseSigma(sigmas: Float64Array): number {
  return Math.hypot(sigmas[0]!, 1);
}

/** Latents times this are what the UNet gets to see, of about unit variance at every σ. */
export function inputScale(sigma: number): number {
  return 1 / Math.hypot(sigma, 1);
}

/**
 * What the UNet takes for the picture without noise: x / (σ² + 1) − σ / √(σ² + 1) · v.
 *
 * @param latents any shape, noisy to `sigma`
 * @param velocity same shape, the UNet's answer (v-prediction), guided
 */
export function denoised(
  latents: Float32Array,
  velocity: Float32Array,
  sigma: number,
  out = new Float32Array(latents.length),
): Float32Array {
  const scale = inputScale(sigma);
  for (let i = 0; i < out.length; i++) out[i] = scale * (scale * latents[i]! - sigma * velocity[i]!);
  return out;
}

/**
 * Euler's step along the way from `latents` at `sigma` to `clean`, as far as `sigmaNext`: x + (x − x̂₀) / σ · (σ' − σ). At
 * `sigmaNext` = 0 it arrives at `clean`.
 *
 * @param clean same shape as `latents`, from `denoised`
 */
export function eulerStep(
  latents: Float32Array,
  clean: Float32Array,
  sigma: number,
  sigmaNext: number,
  out = new Float32Array(latents.length),
): Float32Array {
  const left = sigmaNext / sigma;
  for (let i = 0; i < out.length; i++) out[i] = clean[i]! + left * (latents[i]! - clean[i]!);
  return out;
}

/** Guidance for each frame, from `min` at the first, which is the photo itself, evenly to `max` at the last: [frames]. */
export function guidanceRamp(min: number, max: number, frames: number): Float64Array {
  return Float64Array.from({ length: frames }, (_, frame) => min + (max - min) * (frame / Math.max(1, frames - 1)));
}

/**
 * Classifier-free guidance, frame by frame: u + w · (c − u).
 *
 * @param unconditional the UNet's answer without the photo, [frames, …]
 * @param conditional its answer with the photo, same shape
 * @param ramp [frames]
 */
export function applyGuidance(
  unconditional: Float32Array,
  conditional: Float32Array,
  ramp: Float64Array,
  out = new Float32Array(conditional.length),
): Float32Array {
  const frameLength = out.length / ramp.length;
  for (let frame = 0, i = 0; frame < ramp.length; frame++) {
    const weight = ramp[frame]!;
    for (const end = i + frameLength; i < end; i++) out[i] = unconditional[i]! + weight * (conditional[i]! - unconditional[i]!);
  }
  return out;
}
