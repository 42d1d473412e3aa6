# Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""NumPy reference of examples/workflows/refine.mlir."""

import numpy as np

from common import draw, uniform

TOLERANCE = 1e-3
BOUND = 500


def iterate(inputs):
    """The solution, and the largest change of every sweep."""
    image = inputs["image"].astype(np.float64)
    # In the precision of the workflow: it decides how often the loop runs.
    strength = np.float64((np.float32(1) - inputs["noise"]) * np.float32(2) + np.float32(0.25))
    x = image * 0.5
    changes = []
    while not changes or changes[-1] > TOLERANCE:
        if len(changes) == BOUND:
            raise RuntimeError("no convergence")
        p = np.pad(x, 1)
        around = p[:-2, 1:-1] + p[2:, 1:-1] + p[1:-1, :-2] + p[1:-1, 2:]
        y = (strength * image + around) / (strength + 4.0)
        changes.append(float(np.abs(y - x).max()))
        x = y
    return x, changes


def run(inputs):
    x, changes = iterate(inputs)
    d = x[:, 1:] - x[:, :-1]
    outputs = {
        "denoised": x.astype(np.float32),
        "sweeps": np.int64(len(changes)),
        "roughness": np.float32(np.sqrt(np.mean(d * d))),
    }
    return outputs, {"converge": len(changes)}


def margin(inputs):
    """Relative to the tolerance, which is small itself."""
    return min(abs(c / TOLERANCE - 1.0) for c in iterate(inputs)[1])


def make_inputs(seed, n):
    return draw(
        seed, n, lambda g: {"image": uniform(g, 48, 48), "noise": uniform(g)[()]}, margin
    )
