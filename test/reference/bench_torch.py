"""Measures the official diffusers and transformers on a checkpoint folder. `npm run bench:svd -- --against PYTHON` runs it for comparison.

    python -m venv reference && reference/bin/pip install -r test/reference/requirements.txt
    reference/bin/python test/reference/bench_torch.py FOLDER --size 448x256 --num-frames 8 --threads 2

Prints one line of JSON: load time, seconds of the first call and median seconds of --runs further calls per network, and peak memory in
bytes. Runs on the CPU in float32 with batch 1, calling the modules as StableVideoDiffusionPipeline does.
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


def calls(args):
    """Functions by network name. Each loads its network and returns a function that calls it once."""
    width, height = map(int, args.size.split("x"))
    h, w = height // 8, width // 8

    def load(network):
        kind, folder = NETWORKS[network]
        return kind.from_pretrained(args.folder, subfolder=folder, variant="fp16", torch_dtype=torch.float32).eval()

    def clip():
        encoder = load("clip")
        pixels = torch.randn(1, 3, 224, 224)
        return lambda: encoder(pixels).image_embeds

    def encode():
        vae, image = load("vae"), torch.randn(1, 3, height, width).clamp(-1, 1)
        return lambda: vae.encode(image).latent_dist.mode()

    def decode():
        vae, latents = load("vae"), torch.randn(args.decode_chunk_size, 4, h, w)
        return lambda: vae.decode(latents, num_frames=args.decode_chunk_size).sample

    def unet():
        model = load("unet")
        sample, context = torch.randn(1, args.num_frames, 8, h, w), torch.randn(1, 1, model.config.cross_attention_dim)
        ids = torch.tensor([[6.0, 127.0, 0.02]])
        return lambda: model(sample, torch.tensor(0.5), encoder_hidden_states=context, added_time_ids=ids, return_dict=False)[0]

    return {"clip": clip, "encode": encode, "unet": unet, "decode": decode}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--size", default="448x256", help="width x height in pixels")
    parser.add_argument("--num-frames", type=int, default=8)
    parser.add_argument("--decode-chunk-size", type=int, default=4, help="frames that the VAE decodes at once")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--only", help="clip, encode, unet or decode; default: all in turn, each released before the next")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)

    results = {}
    for name, prepare in calls(args).items():
        if args.only in (None, name):
            started = time.perf_counter()
            call = prepare()
            loaded = time.perf_counter()
            with torch.inference_mode():
                call()
                first = time.perf_counter()
                times = []
                for _ in range(args.runs):
                    start = time.perf_counter()
                    call()
                    times.append(time.perf_counter() - start)
            results[name] = {"load": loaded - started, "first": first - loaded, "seconds": statistics.median(times)}
            del call
    # Kilobytes on Linux, bytes on macOS.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    cpu = time.process_time()
    print(json.dumps({"runtime": f"PyTorch {torch.__version__}", "networks": results, "peakBytes": peak, "cpuSeconds": cpu}))


if __name__ == "__main__":
    main()
