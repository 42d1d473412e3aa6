# Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""NumPy references of examples/workflows/models, in double precision.

They take names, shapes and seeds of the weights from the generators; the networks
are written once more.
"""

import importlib.util
import os

import numpy as np

from common import softmax, weight

FOLDER = os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
    "examples",
    "workflows",
    "models",
)


def generator(name):
    """The module that writes model `name`."""
    spec = importlib.util.spec_from_file_location(
        "model_" + name, os.path.join(FOLDER, name + ".py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def weights(module, options):
    return {
        name: weight(shape, seed, scale).astype(np.float64)
        for name, shape, seed, scale in module.parameters(options)
    }


def count(module, options):
    return sum(int(np.prod(shape)) for _, shape, _, _ in module.parameters(options))


def windows(x, k, stride, low, out):
    """(out, out, k, k, c) windows of x with `low` zeros before each side."""
    h, w, c = x.shape
    side = (out - 1) * stride + k
    padded = np.zeros((max(side, low + h), max(side, low + w), c))
    padded[low : low + h, low : low + w] = x
    view = np.lib.stride_tricks.sliding_window_view(padded, (k, k), axis=(0, 1))
    return view[::stride, ::stride][:out, :out].transpose(0, 1, 3, 4, 2)


def conv(x, w, b, stride=1):
    k, out = w.shape[0], -(-x.shape[0] // stride)
    return np.tensordot(windows(x, k, stride, (k - 1) // 2, out), w, 3) + b


def resnet(w, image):
    """The scores of one image."""
    x = np.maximum(conv(image, w["stem_w"], w["stem_b"], 2), 0)
    x = windows(x, 3, 2, 1, -(-x.shape[0] // 2)).max(axis=(2, 3))
    stage = 1
    while "s%db1_1_w" % stage in w:
        block = 1
        while "s%db%d_1_w" % (stage, block) in w:
            name = "s%db%d_" % (stage, block)
            stride = 2 if stage > 1 and block == 1 else 1
            h = np.maximum(conv(x, w[name + "1_w"], w[name + "1_b"], stride), 0)
            h = conv(h, w[name + "2_w"], w[name + "2_b"])
            if name + "p_w" in w:
                x = conv(x, w[name + "p_w"], w[name + "p_b"], stride)
            x = np.maximum(h + x, 0)
            block += 1
        stage += 1
    return x.mean(axis=(0, 1)) @ w["head_w"] + w["head_b"]


def layer_norm(x):
    c = x - x.mean(axis=-1, keepdims=True)
    return c / np.sqrt((c * c).mean(axis=-1, keepdims=True) + 1e-5)


def gelu(h):
    return h / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (h + 0.044715 * h**3)))


def decoder(w, prompt, steps, heads):
    """The state after `steps` steps, and the keys of the last layer."""
    width = prompt.shape[1]
    layers = sum(name.endswith("qkv_w") for name in w)
    keys = [np.zeros((0, heads, width // heads)) for _ in range(layers)]
    values = list(keys)

    def run(x):
        for i in range(layers):
            p = "l%d_" % i
            qkv = layer_norm(x) @ w[p + "qkv_w"] + w[p + "qkv_b"]
            q, k, v = (a.reshape(len(x), heads, -1) for a in np.split(qkv, 3, axis=1))
            old = len(keys[i])
            keys[i] = np.concatenate([keys[i], k])
            values[i] = np.concatenate([values[i], v])
            s = np.einsum("ihd,thd->hit", q, keys[i]) / np.sqrt(width // heads)
            future = np.arange(len(keys[i]))[None, :] > np.arange(len(x))[:, None] + old
            mixed = np.einsum("hit,thd->ihd", softmax(np.where(future, -np.inf, s)), values[i])
            x = x + mixed.reshape(len(x), width) @ w[p + "out_w"] + w[p + "out_b"]
            h = layer_norm(x) @ w[p + "up_w"] + w[p + "up_b"]
            x = x + gelu(h) @ w[p + "down_w"] + w[p + "down_b"]
        return layer_norm(x)

    x = run(prompt.astype(np.float64))[-1:]
    for _ in range(steps):
        x = run(x)
    return x, keys[-1]
