# Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""NumPy reference of examples/workflows/triage.mlir."""

from functools import lru_cache

import numpy as np

from common import conv2d, draw, maxpool2, softmax, top_gap, uniform, weight

THRESHOLD = 0.36


@lru_cache(maxsize=None)
def weights():
    return {
        "small_conv": weight((3, 3, 1, 8), 101, 0.7),
        "small_dense": weight((392, 10), 102, 0.6),
        "deep_conv1": weight((3, 3, 1, 16), 111, 0.7),
        "deep_conv2": weight((3, 3, 16, 32), 112, 0.15),
        "deep_dense1": weight((1152, 64), 113, 0.06),
        "deep_dense2": weight((64, 10), 114, 0.6),
    }


def centre(x):
    """Every channel around its mean."""
    return x - x.mean(axis=(0, 1))


def small(image):
    w = weights()
    x = (image.astype(np.float64) - 0.5)[:, :, None]
    features = centre(maxpool2(np.maximum(conv2d(x, w["small_conv"]), 0)))
    return softmax(features.reshape(-1) @ w["small_dense"].astype(np.float64))


def deep(image):
    w = weights()
    x = (image.astype(np.float64) - 0.5)[:, :, None]
    x = np.maximum(conv2d(x, w["deep_conv1"]), 0)
    x = centre(maxpool2(np.maximum(conv2d(x, w["deep_conv2"]), 0))).reshape(-1)
    x = np.maximum(x @ w["deep_dense1"].astype(np.float64), 0)
    return softmax(x @ w["deep_dense2"].astype(np.float64))


def run(inputs):
    p = small(inputs["image"])
    sure = p.max() >= THRESHOLD
    if not sure:
        p = deep(inputs["image"])
    label = int(np.argmax(p))
    outputs = {"label": np.int64(label), "probabilities": p.astype(np.float32)}
    # Case 0 is the short way, case 1 the default.
    return outputs, {"confident": 0 if sure else 1, "label": label}


def margin(inputs):
    p = small(inputs["image"])
    distance = abs(float(p.max()) - THRESHOLD)
    return min(distance, top_gap(p if p.max() >= THRESHOLD else deep(inputs["image"])))


def make_inputs(seed, n):
    return draw(seed, n, lambda g: {"image": uniform(g, 16, 16)}, margin)
