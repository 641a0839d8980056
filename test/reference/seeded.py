"""Weights computed from a seed: the same in any language, exact in float16, no file to ship. Same as worker/svd/checkpoint/seeded.ts.

    h = fnv1a32(utf8(f"{seed}/{component}/{name}"))                  component: unet | vae | image_encoder
    x = fmix32((h + i * 0x9E3779B1) mod 2^32)                        i: row-major index; fmix32: MurmurHash3's finalizer
    k = (x >> 21) - 1024                                             an integer in [-1024, 1023]

    name ends in mix_factor               k / 512                    in [-2, 2)
    class or position embedding           k / 2048                   in [-0.5, 0.5)
    two or more dimensions                k / 1024 / 2^n             n: largest integer >= 0 with 3 * 4^n <= 2 * fan_in (0 if none);
                                                                     variance about 1 / fan_in, the product of all but the first
    one dimension, name ends in weight    1 + floor(k / 4) / 1024    in [0.75, 1.25)
    any other                             k / 8192                   in [-0.125, 0.125)
"""
import math

import numpy as np


def tensor(seed, component, name, shape):
    """float32 array of that shape."""
    index = np.arange(math.prod(shape), dtype=np.uint64)
    x = ((fnv1a32(f"{seed}/{component}/{name}") + index * 0x9E3779B1) & 0xFFFFFFFF).astype(np.uint32)
    k = (fmix32(x) >> 21).astype(np.int32) - 1024
    return values(k, name, shape).astype(np.float32).reshape(shape)


def values(k, name, shape):
    if name.endswith("mix_factor"):
        return k / 512
    if name.endswith(("class_embedding", "position_embedding.weight")):
        return k / 2048
    if len(shape) >= 2:
        fan_in = math.prod(shape[1:])
        n = 0
        while 3 * 4 ** (n + 1) <= 2 * fan_in:
            n += 1
        return k / 1024 / 2**n
    if name.endswith("weight"):
        return 1 + (k >> 2) / 1024
    return k / 8192


def fnv1a32(text):
    h = 0x811C9DC5
    for byte in text.encode():
        h = (h ^ byte) * 0x01000193 & 0xFFFFFFFF
    return h


def fmix32(x):
    x ^= x >> 16
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> 13
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> 16
    return x
