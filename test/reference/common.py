# Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the NumPy references of the example workflows share.

Each module of this folder describes one workflow of examples/workflows:

  run(inputs) -> (outputs, decisions)   one request: name -> array, both ways;
                                        decisions are integers and compare exactly
  margin(inputs) -> float               how far the request is from any other decision
  make_inputs(seed, n) -> inputs        n requests stacked along a new first dimension,
                                        drawn from [0, 1), with a margin above MARGIN

The references compute in double precision from the same single-precision inputs
and weights, and share no code with the compiler.
"""

import numpy as np

MARGIN = 1e-3


def philox4x32(counter, key):
    """Philox4x32-10 (Salmon et al., SC 2011). counter: four uint32 arrays."""
    mask = np.uint64(0xFFFFFFFF)
    c = [np.asarray(w, dtype=np.uint64) for w in counter]
    k = [np.uint64(w) for w in key]
    for r in range(10):
        if r:
            k = [(k[0] + np.uint64(0x9E3779B9)) & mask, (k[1] + np.uint64(0xBB67AE85)) & mask]
        p0 = np.uint64(0xD2511F53) * c[0]
        p1 = np.uint64(0xCD9E8D57) * c[2]
        c = [
            (p1 >> np.uint64(32)) ^ c[1] ^ k[0],
            p1 & mask,
            (p0 >> np.uint64(32)) ^ c[3] ^ k[1],
            p0 & mask,
        ]
    return c


def weight(shape, seed, scale):
    """The elements of an `owg.weight ... seed SEED scale SCALE` of f32."""
    count = int(np.prod(shape))
    blocks = np.arange((count + 3) // 4, dtype=np.uint64)
    zero = np.zeros_like(blocks)
    words = philox4x32(
        [blocks & np.uint64(0xFFFFFFFF), blocks >> np.uint64(32), zero, zero],
        [seed & 0xFFFFFFFF, seed >> 32],
    )
    u = np.stack(words, axis=1).reshape(-1)[:count]
    unit = (u >> np.uint64(8)).astype(np.float64) * 2.0**-23 - 1.0
    return (unit.astype(np.float32) * np.float32(scale)).reshape(shape)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def conv2d(x, w, stride=1):
    """Valid convolution without batch: x is h w c, w is kh kw c f."""
    kh, kw, _, f = w.shape
    oh = (x.shape[0] - kh) // stride + 1
    ow = (x.shape[1] - kw) // stride + 1
    out = np.zeros((oh, ow, f))
    for i in range(kh):
        for j in range(kw):
            part = x[i : i + stride * (oh - 1) + 1 : stride, j : j + stride * (ow - 1) + 1 : stride]
            out += part @ w[i, j].astype(np.float64)
    return out


def maxpool2(x):
    h, w, c = x.shape
    return x.reshape(h // 2, 2, w // 2, 2, c).max(axis=(1, 3))


def top_gap(p):
    """Distance of the largest entry from the next one."""
    a = np.sort(p)
    return float(a[-1] - a[-2])


def item(inputs, i):
    """Request i of stacked inputs."""
    return {name: array[i] for name, array in inputs.items()}


def draw(seed, n, draw_one, margin):
    """n requests of draw_one(generator) whose margin is above MARGIN, stacked."""
    generator = np.random.Generator(np.random.Philox(key=seed))
    kept = []
    for _ in range(100 * n + 100):
        if len(kept) == n:
            break
        one = draw_one(generator)
        if margin(one) > MARGIN:
            kept.append(one)
    if len(kept) < n:
        raise RuntimeError("too few requests have a decision margin above %g" % MARGIN)
    return {name: np.stack([one[name] for one in kept]) for name in kept[0]}


def uniform(generator, *shape):
    return np.float32(generator.random(shape, dtype=np.float32))
