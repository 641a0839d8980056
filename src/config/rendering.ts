/** Variables of workers: devices, model weights, ffmpeg, and those of single engines. */
import { z } from 'zod';
import { ENGINES, type EngineName } from '../catalog/engines.ts';
import { define, defineSecret, flag, list, oneOf, size, url, whole } from './values.ts';

const device = z.string().regex(/^(auto|cpu|webgpu|cuda(:\d+)?)$/, 'a device is cpu, webgpu, cuda or cuda:N');

const SVD = 'SVD_XT' satisfies EngineName;
const { model, variable } = ENGINES[SVD].weights;

export const RENDERING_VARIABLES = {
  WORKER_DEVICES: define(
    list.pipe(z.array(device).min(1)),
    'auto',
    'devices to render on: auto, or a list such as cuda:0,cuda:1 or webgpu or cpu',
  ),
  SVD_MODEL: define(
    z.string(),
    model,
    `model that ${SVD} renders with: a name listed by npm run models -- list, or the path of a folder in diffusers layout`,
  ),
  MODELS_DIR: define(z.string(), 'models', 'folder of model weights; a manifest.json in it adds models'),
  SVD_AUTO_PULL: define(
    flag,
    '0',
    `1 lets a worker download the model of ${variable} when it starts, if missing; by setting it you accept that model's licence`,
  ),
  HF_TOKEN: defineSecret(
    z
      .string()
      .regex(/^[\x21-\x7e]+$/, 'is not a token')
      .optional(),
    'token of a Hugging Face account, for models that require one; sent to HF_ENDPOINT only',
  ),
  HF_ENDPOINT: define(
    url,
    'https://huggingface.co',
    'server that models are downloaded from: the Hugging Face hub, or a mirror with the same paths',
  ),
  SVD_PRECISION: define(
    oneOf(['auto', 'fp32', 'fp16']),
    'auto',
    `arithmetic of ${SVD}: fp32, fp16, or auto: fp16 on GPUs that support it, fp32 elsewhere`,
  ),
  SVD_CUDA_LAYOUT: define(
    oneOf(['auto', 'nhwc', 'plain']),
    'auto',
    `how ${SVD} writes convolutions for CUDA: nhwc is fast and uses an operator internal to onnxruntime, plain uses public operators; auto: nhwc if it works`,
  ),
  SVD_MEMORY: define(
    oneOf(['auto', 'low', 'medium', 'high']),
    'auto',
    `memory that ${SVD} uses on its device: low holds only the network in use and loads each of them for every job, high holds all, and so does medium except on CUDA, where it holds the UNet and the network in use; auto: by the free memory of a CUDA GPU, medium elsewhere`,
  ),
  SVD_DECODE_CHUNK_SIZE: define(
    whole(1, 25).optional(),
    '',
    `frames that ${SVD} decodes at once: more take more memory and flicker less where chunks meet; default: by SVD_MEMORY`,
  ),
  SVD_RENDER_SIZE: define(
    size.optional(),
    '',
    `landscape size at which ${SVD} renders, WIDTHxHEIGHT in multiples of 64; default: depends on the resolution. Small sizes are for trials: the model was trained at 1024x576`,
  ),
  FFMPEG_PATH: define(z.string().optional(), '', 'ffmpeg to use; default: the one on the PATH, otherwise the one installed by npm'),
  LOG_LEVEL: define(
    oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    'info',
    'log level: trace, debug, info, warn, error, fatal or silent',
  ),
} as const;
