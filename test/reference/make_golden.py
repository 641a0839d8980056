"""Computes golden numbers with the official diffusers and transformers, in float32; see README.md.

    python make_golden.py CASE --photo PHOTO --out FOLDER [--weights] [--cases FILE]
"""
import argparse
import hashlib
import json
import os

import numpy as np
import torch
from diffusers import AutoencoderKLTemporalDecoder, EulerDiscreteScheduler, StableVideoDiffusionPipeline, UNetSpatioTemporalConditionModel
from diffusers.pipelines.stable_video_diffusion.pipeline_stable_video_diffusion import _resize_with_antialiasing
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection

import seeded
from cases import CASES

torch.set_num_threads(2)  # results depend on how sums are split over threads

CLIP_SIDE = 224
CHUNK = 3  # frames decoded at once, in addition to all of them at once
PIPELINE_SEED = 77  # of the noise on the photo


def pipeline_of(case):
    """The pipeline with seeded weights."""
    levels = len(case["block"])
    unet = UNetSpatioTemporalConditionModel(
        sample_size=16, block_out_channels=tuple(case["block"]), num_attention_heads=tuple(case["heads"]), layers_per_block=case["layers"],
        down_block_types=("CrossAttnDownBlockSpatioTemporal",) * (levels - 1) + ("DownBlockSpatioTemporal",),
        up_block_types=("UpBlockSpatioTemporal",) + ("CrossAttnUpBlockSpatioTemporal",) * (levels - 1),
        cross_attention_dim=case["ctx"], addition_time_embed_dim=case["add_dim"], projection_class_embeddings_input_dim=3 * case["add_dim"],
        num_frames=case["frames"])
    vae = AutoencoderKLTemporalDecoder(
        block_out_channels=case["vae_block"], layers_per_block=case["vae_layers"], latent_channels=4, sample_size=64,
        down_block_types=("DownEncoderBlock2D",) * len(case["vae_block"]))
    clip = CLIPVisionModelWithProjection(CLIPVisionConfig(
        image_size=CLIP_SIDE, projection_dim=case["ctx"], hidden_act="gelu", layer_norm_eps=1e-5, **case["clip"]))
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000, prediction_type="v_prediction",
        interpolation_type="linear", sigma_min=0.002, sigma_max=700.0, steps_offset=1, timestep_spacing="leading",
        timestep_type="continuous", use_karras_sigmas=True)
    processor = CLIPImageProcessor(
        crop_size={"height": CLIP_SIDE, "width": CLIP_SIDE}, size={"shortest_edge": CLIP_SIDE},
        image_mean=[0.48145466, 0.4578275, 0.40821073], image_std=[0.26862954, 0.26130258, 0.27577711])
    for component, module in (("unet", unet), ("vae", vae), ("image_encoder", clip)):
        seed_weights(module, component, case["seed"])
    pipe = StableVideoDiffusionPipeline(vae=vae, image_encoder=clip, unet=unet, scheduler=scheduler, feature_extractor=processor)
    pipe.set_progress_bar_config(disable=True)
    return pipe


@torch.no_grad()
def seed_weights(module, component, seed):
    for name, parameter in module.named_parameters():
        parameter.copy_(torch.from_numpy(seeded.tensor(seed, component, name, tuple(parameter.shape))))
    module.eval()


def store(pipe, folder, weights):
    """Writes the configuration and optionally the float16 weights. Returns the SHA-256 of each component's float16 bytes in name order."""
    pipe.save_pretrained(folder, safe_serialization=True)
    digests = {}
    for component, stem in (("unet", "diffusion_pytorch_model"), ("vae", "diffusion_pytorch_model"), ("image_encoder", "model")):
        os.remove(f"{folder}/{component}/{stem}.safetensors")
        tensors = {name: value.half().contiguous() for name, value in getattr(pipe, component).state_dict().items()}
        digests[component] = hashlib.sha256(b"".join(tensors[name].numpy().tobytes() for name in sorted(tensors))).hexdigest()
        if weights:
            save_file(tensors, f"{folder}/{component}/{stem}.fp16.safetensors", metadata={"format": "pt"})
    return digests


@torch.no_grad()
def golden_numbers(pipe, case, photo):
    """All inputs and outputs, by name."""
    generator = torch.Generator().manual_seed(1000 + case["seed"])
    random = lambda *shape: torch.randn(*shape, generator=generator)
    height, width = case["size"]
    rows, columns = height // pipe.vae_scale_factor, width // pipe.vae_scale_factor
    frames = case["frames"]
    t = {}

    # The photo at its own size becomes an antialiased square in -1...1, of which every 7th row and column is kept, and an embedding.
    pixels = torch.from_numpy(np.array(photo)).permute(2, 0, 1)[None].float() / 255
    t["clip.resized"] = _resize_with_antialiasing(pixels * 2 - 1, (CLIP_SIDE, CLIP_SIDE))[:, :, ::7, ::7]
    t["clip.image_embeds"] = pipe._encode_image(photo, torch.device("cpu"), 1, False)[:, 0]

    # Latents are unscaled on both sides.
    t["vae.image"] = random(1, 3, height, width).clamp(-1, 1)
    t["vae.mode"] = pipe.vae.encode(t["vae.image"]).latent_dist.mode()
    t["vae.z"] = random(frames, 4, rows, columns)
    for chunk in (CHUNK, frames):
        t[f"vae.decoded.chunk{chunk}"] = torch.cat([pipe.vae.decode(z, num_frames=len(z)).sample for z in t["vae.z"].split(chunk)])

    # Two items, the first without context; then the second alone.
    t["unet.sample"] = random(2, frames, 8, rows, columns)
    t["unet.context"] = torch.cat([torch.zeros(1, 1, case["ctx"]), random(1, 1, case["ctx"])])
    t["unet.ids"] = torch.tensor(case.get("ids") or [[float(case["fps"] - 1), float(case["bucket"]), case["aug"]]] * 2)
    for i, timestep in enumerate((1.6377, 0.5, -1.5536)):
        t[f"unet.timestep.{i}"] = torch.tensor([timestep])
        t[f"unet.out.{i}"] = pipe.unet(t["unet.sample"], torch.tensor(timestep), t["unet.context"], t["unet.ids"]).sample
    t["unet.out.batch1"] = pipe.unet(t["unet.sample"][1:], torch.tensor(0.5), t["unet.context"][1:], t["unet.ids"][1:]).sample

    # From photo to frames, both noises given, latents kept after every step.
    t["pipeline.aug_noise"] = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(PIPELINE_SEED))
    t["pipeline.latent_noise"] = random(1, frames, 4, rows, columns)  # standard normal, before it is scaled
    run = lambda steps, guidance, chunk, output: denoise(pipe, case, photo, t["pipeline.latent_noise"], steps, guidance, chunk, output)
    for chunk in (frames, CHUNK):
        video, latents = run(case["steps"], case["guidance"], chunk, "pt")
        t[f"pipeline.frames.chunk{chunk}"] = torch.from_numpy((video.permute(0, 2, 3, 1).numpy() * 255).round().astype(np.uint8))
    t["pipeline.latents"] = latents
    _, t["pipeline.noguidance.latents"] = run(4, (1.0, 1.0), frames, "latent")
    for name, value in t.items():
        assert value.dtype == torch.uint8 or torch.isfinite(value).all(), name
    return {name: value.contiguous() for name, value in t.items()}


def denoise(pipe, case, photo, noise, steps, guidance, chunk, output):
    """The pipeline's output for the photo, and the latents after each step: [steps, frames, 4, h, w]."""
    trace = []
    video = pipe(
        photo, height=case["size"][0], width=case["size"][1], num_frames=case["frames"], num_inference_steps=steps,
        min_guidance_scale=guidance[0], max_guidance_scale=guidance[1], fps=case["fps"], motion_bucket_id=case["bucket"],
        noise_aug_strength=case["aug"], decode_chunk_size=chunk, generator=torch.Generator().manual_seed(PIPELINE_SEED),
        latents=noise.clone(), output_type=output,
        callback_on_step_end=lambda pipe, step, timestep, values: trace.append(values["latents"].clone()) or {}).frames[0]
    return video, torch.stack(trace)[:, 0]


def main():
    parser = argparse.ArgumentParser(description="Computes golden numbers with the official packages.")
    parser.add_argument("case", help=f"{', '.join(CASES)}, or a case in the --cases file")
    parser.add_argument("--photo", required=True)
    parser.add_argument("--out", required=True, help="folder for checkpoint/, photo.png and golden.safetensors")
    parser.add_argument("--weights", action="store_true", help="write the weights too")
    parser.add_argument("--cases", help="JSON file with further cases, by name")
    arguments = parser.parse_args()
    cases = CASES
    if arguments.cases:
        with open(arguments.cases) as file:
            cases = {**CASES, **json.load(file)}
    case, out = cases[arguments.case], arguments.out

    photo = Image.open(arguments.photo).convert("RGB")
    pipe = pipeline_of(case)
    digests = store(pipe, f"{out}/checkpoint", arguments.weights)
    if os.path.abspath(arguments.photo) != os.path.abspath(f"{out}/photo.png"):
        photo.save(f"{out}/photo.png")
    numbers = golden_numbers(pipe, case, photo)
    save_file(numbers, f"{out}/golden.safetensors", metadata={"case": json.dumps(case), "weights": json.dumps(digests)})
    for name, value in numbers.items():
        print(f"{name:32} {str(list(value.shape)):24} std {float(value.float().std(correction=0)):.4f}")


if __name__ == "__main__":
    main()
