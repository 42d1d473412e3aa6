# Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""NumPy reference of examples/workflows/detect.mlir."""

from functools import lru_cache

import numpy as np

from common import conv2d, draw, softmax, top_gap, uniform, weight

THRESHOLD = 0.83


@lru_cache(maxsize=None)
def weights():
    return {
        "templates": weight((8, 8, 1, 4), 201, 0.43),
        "hidden": weight((144, 96), 202, 0.4),
        "classes": weight((96, 5), 203, 0.35),
    }


def scores(scene):
    x = (scene.astype(np.float64) - 0.5)[:, :, None]
    return np.tanh(conv2d(x, weights()["templates"], stride=8).max(axis=2))


def rows_of(scene):
    w = weights()
    rows = []
    for r, c in np.argwhere(scores(scene) > THRESHOLD):
        y, x = np.clip([8 * r - 2, 8 * c - 2], 0, 52)
        patch = scene[y : y + 12, x : x + 12].astype(np.float64) - 0.5
        hidden = np.tanh(patch.reshape(-1) @ w["hidden"].astype(np.float64))
        p = softmax(hidden @ w["classes"].astype(np.float64))
        rows.append(np.concatenate([[r, c], p]))
    return np.array(rows).reshape(-1, 7)


def run(inputs):
    rows = rows_of(inputs["scene"])
    histogram = np.zeros(5, np.int64)
    for row in rows:
        histogram[np.argmax(row[2:])] += 1
    mean = rows[:, 2:].sum(axis=0) / max(len(rows), 1)
    outputs = {
        "objects": rows.astype(np.float32),
        "histogram": histogram,
        "mean": mean.astype(np.float32),
    }
    return outputs, {"objects": len(rows), "histogram": [int(h) for h in histogram]}


def margin(inputs):
    distance = float(np.abs(scores(inputs["scene"]) - THRESHOLD).min())
    return min([distance] + [top_gap(row[2:]) for row in rows_of(inputs["scene"])])


def make_inputs(seed, n):
    return draw(seed, n, lambda g: {"scene": uniform(g, 64, 64)}, margin)
