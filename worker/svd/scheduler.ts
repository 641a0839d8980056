/**
 * The scheduler: Euler steps over Karras sigmas with v-prediction, as in diffusers' EulerDiscreteScheduler. Source: Karras et al.,
 * "Elucidating the design space of diffusion-based generative models", 2022. Sigma is the standard deviation of the noise in the latents.
 * Latents are float32; each step is computed in float64.
 *
 * A function with an `out` parameter may write to one of its inputs.
 */
import type { SchedulerConfig } from './model-config.ts';

/** Exponent of the schedule: most steps are spent at low noise. */
const RHO = 7;

/** Sigmas of all steps, from `sigmaMax` down to `sigmaMin`, followed by the final 0: [numInferenceSteps + 1]. */
export function karrasSigmas({ sigmaMin, sigmaMax }: SchedulerConfig, numInferenceSteps: number): Float64Array {
  const [from, to] = [sigmaMax ** (1 / RHO), sigmaMin ** (1 / RHO)];
  const sigmas = new Float64Array(numInferenceSteps + 1);
  for (let i = 0; i < numInferenceSteps; i++) sigmas[i] = (from + (i / Math.max(1, numInferenceSteps - 1)) * (to - from)) ** RHO;
  return sigmas;
}

/** The continuous timestep that the UNet is conditioned on: ¼ ln σ. */
export function timestepOf(sigma: number): number {
  return 0.25 * Math.log(sigma);
}

/** Factor that turns standard normal noise into the initial latents. */
export function initNoiseSigma(sigmas: Float64Array): number {
  return Math.hypot(sigmas[0]!, 1);
}

/** Factor that scales the latents to about unit variance for the UNet, at any sigma. */
export function modelInputScale(sigma: number): number {
  return 1 / Math.hypot(sigma, 1);
}

/**
 * The UNet's prediction of the noise-free latents: x / (σ² + 1) − σ / √(σ² + 1) · v.
 *
 * @param latents any shape, with noise of `sigma`
 * @param velocity the UNet's output (v-prediction) after guidance, same shape
 */
export function predictOriginalSample(
  latents: Float32Array,
  velocity: Float32Array,
  sigma: number,
  out = new Float32Array(latents.length),
): Float32Array {
  const scale = modelInputScale(sigma);
  for (let i = 0; i < out.length; i++) out[i] = scale * (scale * latents[i]! - sigma * velocity[i]!);
  return out;
}

/**
 * One Euler step from `sigma` to `sigmaNext`: x + (x − x̂₀) / σ · (σ' − σ). At `sigmaNext` = 0 the result is `predOriginalSample`.
 *
 * @param predOriginalSample from predictOriginalSample, same shape as `latents`
 */
export function eulerStep(
  latents: Float32Array,
  predOriginalSample: Float32Array,
  sigma: number,
  sigmaNext: number,
  out = new Float32Array(latents.length),
): Float32Array {
  const ratio = sigmaNext / sigma;
  for (let i = 0; i < out.length; i++) out[i] = predOriginalSample[i]! + ratio * (latents[i]! - predOriginalSample[i]!);
  return out;
}

/** Guidance scale of each frame, rising linearly from `min` at the first frame to `max` at the last: [numFrames]. */
export function guidanceScales(min: number, max: number, numFrames: number): Float64Array {
  return Float64Array.from({ length: numFrames }, (_, frame) => min + (max - min) * (frame / Math.max(1, numFrames - 1)));
}

/**
 * Classifier-free guidance with one scale per frame: u + w · (c − u).
 *
 * @param unconditional the UNet's output without the photo, [frames, …]
 * @param conditional its output with the photo, same shape
 * @param scales [frames]
 */
export function applyGuidance(
  unconditional: Float32Array,
  conditional: Float32Array,
  scales: Float64Array,
  out = new Float32Array(conditional.length),
): Float32Array {
  const frameLength = out.length / scales.length;
  for (let frame = 0, i = 0; frame < scales.length; frame++) {
    const weight = scales[frame]!;
    for (const end = i + frameLength; i < end; i++) out[i] = unconditional[i]! + weight * (conditional[i]! - unconditional[i]!);
  }
  return out;
}
