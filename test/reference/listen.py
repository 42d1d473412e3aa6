# Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""NumPy reference of examples/workflows/listen.mlir."""

from functools import lru_cache

import numpy as np

from common import draw, softmax, uniform, weight


@lru_cache(maxsize=None)
def weights():
    shapes = [((80, 256), 11, 0.2), ((256, 256), 12, 0.1), ((256, 256), 13, 0.1), ((256, 32), 14, 0.2)]
    return [weight(*which).astype(np.float64) for which in shapes]


def run(inputs):
    front, first, second, out = weights()
    x = inputs["frames"].astype(np.float64)
    x = x - x.mean(axis=1, keepdims=True)
    for layer in (front, first, second):
        x = np.maximum(x @ layer, 0.0)
    letters = softmax(x @ out)
    outputs = {
        "letters": letters.astype(np.float32),
        "usage": letters.mean(axis=0).astype(np.float32),
    }
    return outputs, {}


def make_inputs(seed, n):
    return draw(seed, n, lambda g: {"frames": uniform(g, 256, 80)}, lambda inputs: 1.0)
