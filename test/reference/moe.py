# Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""NumPy reference of examples/workflows/moe.mlir."""

import math
from functools import lru_cache

import numpy as np

from common import draw, softmax, uniform, weight

THRESHOLD = 0.55
EXPERTS = 8


@lru_cache(maxsize=None)
def weights():
    w = {name: weight((64, 64), 301 + i, 0.2) for i, name in enumerate(["q", "k", "v", "o"])}
    w["router"] = weight((64, EXPERTS), 305, 0.3)
    for e in range(EXPERTS):
        w["up%d" % e] = weight((64, 256), 310 + e, 0.2)
        w["down%d" % e] = weight((256, 64), 330 + e, 0.1)
    return {name: array.astype(np.float64) for name, array in w.items()}


def norm(x):
    c = x - x.mean()
    return c / np.sqrt((c * c).mean() + 1e-5)


def route(inputs):
    """The token after attention, its norm, and the gates."""
    w = weights()
    x = inputs["token"].astype(np.float64)
    n = norm(x)
    keys = np.vstack([inputs["keys"].astype(np.float64), n @ w["k"]]).reshape(32, 4, 16)
    values = np.vstack([inputs["values"].astype(np.float64), n @ w["v"]]).reshape(32, 4, 16)
    query = (n @ w["q"]).reshape(4, 16)
    p = softmax(np.einsum("hd,thd->ht", query, keys) * 0.25)
    heads = np.einsum("ht,thd->hd", p, values).reshape(64)
    middle = x + heads @ w["o"]
    normal = norm(middle)
    return middle, normal, 1.0 / (1.0 + np.exp(-(normal @ w["router"])))


def run(inputs):
    w = weights()
    middle, normal, gates = route(inputs)
    active = [e for e in range(EXPERTS) if gates[e] > THRESHOLD]
    hidden = middle
    for e in active:
        h = normal @ w["up%d" % e]
        gelu = 0.5 * h * (1.0 + np.vectorize(math.erf)(h / math.sqrt(2.0)))
        hidden = hidden + gates[e] * (gelu @ w["down%d" % e])
    outputs = {"hidden": hidden.astype(np.float32), "gates": gates.astype(np.float32)}
    return outputs, {"experts": sum(1 << e for e in active)}


def margin(inputs):
    return float(np.abs(route(inputs)[2] - THRESHOLD).min())


def make_inputs(seed, n):
    def one(g):
        return {
            "token": uniform(g, 64),
            "keys": uniform(g, 31, 64),
            "values": uniform(g, 31, 64),
        }

    return draw(seed, n, one, margin)
