"""Writes operators.json: inputs and outputs of the operators that CUDA's graphs use and that other backends lack or treat differently.

Each is computed in float64 straight from its definition in onnxruntime's docs/ContribOperators.md, one output value at a time. All
dimensions differ, so that a wrong order of axes cannot go unnoticed.

    python test/reference/operators.py > test/fixtures/svd/operators.json
"""

import json
import math
from itertools import product

import numpy as np

random = np.random.default_rng(11)


def values(*shape):
    return random.standard_normal(shape).astype(np.float32).astype(np.float64)


def conv(x, weight, bias, pads, strides):
    """x [n, h, w, in], weight [out, in, kh, kw], pads [top, left, bottom, right]"""
    n, h, w, channels = x.shape
    out, _, kh, kw = weight.shape
    top, left, bottom, right = pads
    rows, columns = (h + top + bottom - kh) // strides[0] + 1, (w + left + right - kw) // strides[1] + 1
    y = np.zeros((n, rows, columns, out))
    for i, row, column, o in np.ndindex(y.shape):
        total = bias[o]
        for c, dy, dx in product(range(channels), range(kh), range(kw)):
            r, s = row * strides[0] + dy - top, column * strides[1] + dx - left
            if 0 <= r < h and 0 <= s < w:
                total += x[i, r, s, c] * weight[o, c, dy, dx]
        y[i, row, column, o] = total
    return y


def group_norm(x, gamma, beta, groups, epsilon, silu):
    """x [n, h, w, c]"""
    n, h, w, channels = x.shape
    size = channels // groups
    y = np.zeros_like(x)
    for i, r, s, c in np.ndindex(x.shape):
        group = c // size
        members = [x[i, a, b, d] for a in range(h) for b in range(w) for d in range(group * size, (group + 1) * size)]
        mean = sum(members) / len(members)
        variance = sum((member - mean) ** 2 for member in members) / len(members)
        value = (x[i, r, s, c] - mean) / math.sqrt(variance + epsilon) * gamma[c] + beta[c]
        y[i, r, s, c] = value / (1 + math.exp(-value)) if silu else value
    return y


def layer_norm(x, gamma, beta, epsilon):
    y = np.zeros_like(x)
    for index in np.ndindex(x.shape[:-1]):
        row = list(x[index])
        mean = sum(row) / len(row)
        variance = sum((value - mean) ** 2 for value in row) / len(row)
        for c, value in enumerate(row):
            y[index][c] = (value - mean) / math.sqrt(variance + epsilon) * gamma[c] + beta[c]
    return y


def attention(q, k, v, heads):
    """[n, length, heads * size] each"""
    n, length, channels = q.shape
    size = channels // heads
    y = np.zeros((n, length, channels))
    for i, t, c in np.ndindex(y.shape):
        first = c // size * size
        scores = [sum(q[i, t, d] * k[i, u, d] for d in range(first, first + size)) / math.sqrt(size) for u in range(length)]
        weights = [math.exp(score - max(scores)) for score in scores]
        y[i, t, c] = sum(weight * v[i, u, c] for u, weight in enumerate(weights)) / sum(weights)
    return y


def bias_split_gelu(x, bias):
    half = x.shape[-1] // 2
    y = np.zeros((*x.shape[:-1], half))
    for index in np.ndindex(y.shape):
        *at, c = index
        gate = x[(*at, c + half)] + bias[c + half]
        y[index] = (x[(*at, c)] + bias[c]) * gate * (1 + math.erf(gate / math.sqrt(2))) / 2
    return y


def floating(value):
    return {"float": value}


def case(name, domain, operator, inputs, outputs, **attributes):
    """`inputs` None: omitted."""
    tensor = lambda x: None if x is None else {"shape": list(x.shape), "values": [float(f"{value:.7g}") for value in x.flat]}
    return dict(name=name, domain=domain, operator=operator, attributes=attributes,
                inputs=[tensor(x) for x in inputs], outputs=[tensor(y) for y in outputs])


def cases():
    microsoft = "com.microsoft"

    x, weight, bias = values(2, 4, 5, 3), values(6, 3, 3, 2), values(6)
    pads, strides = [1, 0, 2, 1], [2, 1]
    yield case("convolution of channels-last data", "com.ms.internal.nhwc", "Conv", [x, weight, bias], [conv(x, weight, bias, pads, strides)],
               kernel_shape=[3, 2], pads=pads, strides=strides)
    x, weight = values(1, 5, 4, 2), values(3, 2, 3, 1)
    yield case("convolution along the first axis without bias", "com.ms.internal.nhwc", "Conv", [x, weight],
               [conv(x, weight, np.zeros(3), [1, 0, 1, 0], [1, 1])], kernel_shape=[3, 1], pads=[1, 0, 1, 0], strides=[1, 1])

    x, gamma, beta = 3 + values(2, 3, 4, 10), values(10), values(10)
    norm = dict(groups=5, epsilon=floating(0.1), channels_last=1)
    for silu in (0, 1):
        yield case(f"group norm, activation {silu}", microsoft, "GroupNorm", [x, gamma, beta],
                   [group_norm(x, gamma, beta, 5, 0.1, silu)], activation=silu, **norm)
    skip, bias = values(*x.shape), values(10)
    total = x + skip + bias
    yield case("group norm of a sum with bias", microsoft, "SkipGroupNorm", [x, gamma, beta, skip, bias],
               [group_norm(total, gamma, beta, 5, 0.1, 1), total], activation=1, **norm)
    row = values(2, 10)
    total = x + row[:, None, None, :]
    yield case("group norm of a sum with a vector per image", microsoft, "SkipGroupNorm", [x, gamma, beta, row],
               [group_norm(total, gamma, beta, 5, 0.1, 0), total], activation=0, **norm)

    x, bias, skip = values(2, 3, 5), values(5), values(2, 3, 5)
    yield case("bias and residual", microsoft, "BiasAdd", [x, bias, skip], [x + bias + skip])
    x, bias = values(2, 3, 8), values(8)
    yield case("gated GELU", microsoft, "BiasSplitGelu", [x, bias], [bias_split_gelu(x, bias)])

    gamma, beta, bias, norm = values(6), values(6), values(6), dict(epsilon=floating(0.1))
    x, skip = values(4, 6), values(4, 6)
    total = x + skip + bias
    yield case("layer norm of a sum with bias", microsoft, "SkipLayerNormalization", [x, skip, gamma, beta, bias],
               [layer_norm(total, gamma, beta, 0.1), None, None, total], **norm)
    x, row = values(4, 1, 6), values(1, 6)
    yield case("layer norm of a sum with a vector", microsoft, "SkipLayerNormalization", [x, row, gamma, beta],
               [layer_norm(x + row, gamma, beta, 0.1), None, None, x + row], **norm)
    x, rows = values(4, 3, 6), values(3, 6)
    yield case("layer norm of a sum with a row per token", microsoft, "SkipLayerNormalization", [x, rows, gamma, beta],
               [layer_norm(x + rows, gamma, beta, 0.1), None, None, x + rows], **norm)

    q, k, v = values(2, 5, 6), values(2, 5, 6), values(2, 5, 6)
    yield case("attention", microsoft, "MultiHeadAttention", [q, k, v], [attention(q, k, v, 2)], num_heads=2)
    x, weight, bias = values(3, 4), values(5, 4), values(5)
    yield case("scaled product with bias", "", "Gemm", [x, weight, bias], [0.3 * x @ weight.T + bias], transB=1, alpha=floating(0.3))
    x = values(2, 7)
    yield case("SiLU", microsoft, "QuickGelu", [x], [x / (1 + np.exp(-x))], alpha=floating(1.0))


print("[\n" + ",\n".join(json.dumps(entry) for entry in cases()) + "\n]")
