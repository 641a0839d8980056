"""The configurations that golden numbers are computed for. golden.safetensors stores the case in its metadata, as JSON under "case".

    seed                      of the weights
    block, heads, layers      UNet: channels and heads of each level, ResNets per level (one number, or one for each)
    ctx, add_dim              UNet: width of the context token, and of the sinusoids of each id
    vae_block, vae_layers     VAE: channels of each level, ResNets per level
    clip                      image encoder, named as in transformers
    size                      height and width in pixels
    frames, steps
    guidance                  of the first and of the last frame
    fps, bucket, aug          frames per second, motion bucket, noise augmentation
    ids                       optional: one row for each of the two items in a UNet call; default: fps - 1, bucket, aug
"""

CASES = {
    # Heads of 32, an odd number of frames, landscape.
    "tiny-a": dict(
        seed=1, block=(32, 32, 64, 64), heads=(1, 1, 2, 2), layers=2, ctx=24, add_dim=16, frames=5,
        vae_block=(32, 32, 64, 64), vae_layers=2,
        clip=dict(hidden_size=64, num_hidden_layers=3, num_attention_heads=2, intermediate_size=160, patch_size=32),
        size=(64, 128), steps=6, guidance=(1.0, 3.0), fps=7, bucket=127, aug=0.02),
    # Heads of 64 and several channels per group, as in the real model; portrait, patches of 14, guidance that starts above 1.
    "tiny-b": dict(
        seed=2, block=(64, 64, 64, 64), heads=(1, 1, 1, 1), layers=1, ctx=40, add_dim=32, frames=8,
        vae_block=(64, 64, 64, 64), vae_layers=2,
        clip=dict(hidden_size=80, num_hidden_layers=2, num_attention_heads=1, intermediate_size=200, patch_size=14),
        size=(128, 64), steps=10, guidance=(1.5, 2.5), fps=13, bucket=50, aug=0.1),
    # Properties that no published model has: three levels with different heads and layers, a decoder whose attention never runs, no noise
    # on a photo that is smaller than the input of CLIP, and different ids for each item.
    "tiny-c": dict(
        seed=3000000000, block=(64, 96, 32), heads=(4, 1, 2), layers=(1, 2, 1), ctx=17, add_dim=6, frames=4,
        vae_block=(32, 64, 32, 32), vae_layers=1,
        clip=dict(hidden_size=48, num_hidden_layers=1, num_attention_heads=6, intermediate_size=77, patch_size=28),
        size=(64, 32), steps=3, guidance=(1.2, 2.4), fps=30, bucket=255, aug=0.0, ids=((29.0, 255.0, 0.0), (4.0, 1.0, 0.5))),
    # SVD-XT at full width and depth, with a picture small enough for a machine with 24 GB of memory.
    "full-size": dict(
        seed=7, block=(320, 640, 1280, 1280), heads=(5, 10, 20, 20), layers=2, ctx=1024, add_dim=256, frames=3,
        vae_block=(128, 256, 512, 512), vae_layers=2,
        clip=dict(hidden_size=1280, num_hidden_layers=32, num_attention_heads=16, intermediate_size=5120, patch_size=14),
        size=(64, 128), steps=2, guidance=(1.0, 3.0), fps=7, bucket=127, aug=0.02),
}
