"""Measures the official diffusers and transformers on a checkpoint folder. `npm run bench:svd` and `npm run bench:gpu` run it with --python.

    python -m venv reference && reference/bin/pip install -r test/reference/requirements.txt
    reference/bin/python test/reference/bench_torch.py FOLDER --size 448x256 --num-frames 8 --threads 2

Prints one line of JSON for each network, as soon as it is measured: seconds for loading it, for the first call and the median of --runs
further calls, and peak memory in bytes (of the process, or on a GPU what PyTorch has reserved). Calls the modules as
StableVideoDiffusionPipeline does, with PyTorch's scaled dot product attention, which is the default of diffusers.

By default on the CPU in float32. With --device cuda: in float16, but the VAE's encoder in float32, as the pipeline runs it; weights of 2-D
convolutions channels last.
"""
import argparse
import json
import resource
import statistics
import sys
import time

import torch
from diffusers import AutoencoderKLTemporalDecoder, UNetSpatioTemporalConditionModel
from transformers import CLIPVisionModelWithProjection

NETWORKS = {
    "unet": (UNetSpatioTemporalConditionModel, "unet"),
    "vae": (AutoencoderKLTemporalDecoder, "vae"),
    "clip": (CLIPVisionModelWithProjection, "image_encoder"),
}


def measurements(args):
    """Yields (name, batch, chunk, prepare) for everything to measure. prepare loads the network and returns a function that calls it once."""
    width, height = map(int, args.size.split("x"))
    h, w = height // 8, width // 8
    half = torch.float16 if args.device == "cuda" else torch.float32

    def load(network, dtype=half):
        kind, folder = NETWORKS[network]
        model = kind.from_pretrained(args.folder, subfolder=folder, variant="fp16", torch_dtype=dtype).eval().to(args.device)
        if args.device == "cuda":
            for weight in model.parameters():
                if weight.dim() == 4:  # Module.to(memory_format=...) fails at the weights of 3-D convolutions
                    weight.data = weight.data.contiguous(memory_format=torch.channels_last)
        return model

    def compiled(function):
        return torch.compile(function) if args.compile else function

    def random(*shape, dtype=half):
        return torch.randn(*shape, device=args.device, dtype=dtype)

    def clip():
        encoder, pixels = compiled(load("clip")), random(1, 3, 224, 224)
        return lambda: encoder(pixels).image_embeds

    def encode():
        vae, image = load("vae", torch.float32), random(1, 3, height, width, dtype=torch.float32).clamp(-1, 1)
        run = compiled(vae.encode)
        return lambda: run(image).latent_dist.mode()

    def decode(chunk):
        vae, latents = load("vae"), random(chunk, 4, h, w)
        run = compiled(vae.decode)
        return lambda: run(latents, num_frames=chunk).sample

    def unet(batch):
        model = load("unet")
        sample, context = random(batch, args.num_frames, 8, h, w), random(batch, 1, model.config.cross_attention_dim)
        ids = torch.tensor([[6.0, 127.0, 0.02]] * batch, device=args.device, dtype=half)
        run = compiled(model)
        time = torch.tensor(0.5, device=args.device)
        return lambda: run(sample, time, encoder_hidden_states=context, added_time_ids=ids, return_dict=False)[0]

    def numbers(text):
        return [int(number) for number in text.split(",")]

    yield "clip", 1, 1, clip
    yield "encode", 1, 1, encode
    for batch in numbers(args.batch):
        yield "unet", batch, 1, lambda: unet(batch)
    for chunk in numbers(args.decode_chunk_size):
        yield "decode", 1, chunk, lambda: decode(chunk)


def synchronize(device):
    if device == "cuda":
        torch.cuda.synchronize()


def peak_bytes(device):
    if device == "cuda":
        return torch.cuda.max_memory_reserved()
    # Kilobytes on Linux, bytes on macOS.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--compile", action="store_true", help="with torch.compile; the first call then includes compilation")
    parser.add_argument("--size", default="448x256", help="width x height in pixels")
    parser.add_argument("--num-frames", type=int, default=8)
    parser.add_argument("--batch", default="1", help="items in a call of the UNet; several, such as 1,2, are measured in turn")
    parser.add_argument("--decode-chunk-size", default="4", help="frames that the VAE decodes at once; likewise")
    parser.add_argument("--threads", type=int, help="of the CPU; default: PyTorch's own choice")
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--only", help="names separated by commas: clip, encode, unet, decode; default: all, each released before the next")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    chosen = args.only.split(",") if args.only else None

    for name, batch, chunk, prepare in measurements(args):
        if chosen and name not in chosen:
            continue
        if args.device == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        with torch.inference_mode():
            started = time.perf_counter()
            call = prepare()
            synchronize(args.device)
            loaded = time.perf_counter()
            times = []
            for _ in range(args.runs + 1):
                start = time.perf_counter()
                call()
                synchronize(args.device)
                times.append(time.perf_counter() - start)
        del call, prepare
        figures = {
            "network": name,
            "batch": batch,
            "decodeChunkSize": chunk,
            "runtime": f"PyTorch {torch.__version__}",
            "load": loaded - started,
            "first": times[0],
            "seconds": statistics.median(times[1:]),
            "peakBytes": peak_bytes(args.device),
        }
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
