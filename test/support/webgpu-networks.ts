/** Runs networks on WebGPU and sends the relative error of each compared with the official numbers in `golden`. */
import { openCheckpoint } from '../../worker/svd/checkpoint/checkpoint.ts';
import { BACKENDS } from '../../worker/svd/runtime/backends.ts';
import { Networks } from '../../worker/svd/runtime/networks.ts';
import { openGolden } from '../../worker/svd/parity/golden.ts';
import { relativeError } from '../../worker/svd/parity/rows.ts';
import { embedPhoto } from '../../worker/svd/pipeline.ts';

const { golden: folder, checkpoint } = JSON.parse(process.argv[2]!) as { golden: string; checkpoint: string };
const {
  case: {
    size: [height, width],
    frames,
  },
  numbers,
  photo,
} = await openGolden(folder);
const networks = new Networks(await openCheckpoint(checkpoint), { backend: BACKENDS.webgpu, precision: 'fp32' });
const size = { height, width };
const report = (network: string, actual: Float32Array, expected: Float32Array) =>
  process.send!({ network, error: relativeError(actual, expected) });

report('image encoder', await embedPhoto(networks, photo), numbers.floats('clip.image_embeds'));

const [chunk] = numbers.numbered('vae.decoded.chunk') as [number]; // the last chunk is shorter
const [latents, decoded] = ['vae.z', `vae.decoded.chunk${chunk}`].map((name) => {
  const all = numbers.floats(name);
  return all.subarray((all.length / frames) * (frames - (frames % chunk)));
});
report('decoder', await networks.decode(latents!, frames % chunk, size), decoded!);

const second = (name: string) => {
  const both = numbers.floats(name);
  return both.subarray(both.length / 2);
};
const timestep = numbers.floats('unet.timestep.0')[0]!;
const { times, contexts, positions } = await networks.condition({
  timesteps: [timestep],
  ids: [...second('unet.ids')],
  context: numbers.floats('unet.context'),
  frames,
});
const velocity = await networks.velocity(
  { sample: second('unet.sample'), time: times[0]!, context: contexts[1]!, positions },
  frames,
  size,
);
report('unet', velocity, second('unet.out.0'));
