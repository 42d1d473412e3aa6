# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""NumPy reference of tests/workflows/mini.mlir, in the precision of the workflow."""

import numpy as np

from common import weight


def mini_inputs(seed, count):
    """Inputs of mini.mlir that stay away from where decisions turn."""
    random = np.random.default_rng(seed)
    shift = weight((4,), 7, 0.5)[0]
    xs, ns = [], []
    while len(xs) < count:
        x = random.uniform(-6, 6, 4).astype(np.float32)
        first = x[0] + shift
        start = 2 * first if first > 0 else first * first
        margin = min(abs(first), np.abs(x).min())
        size = abs(start)
        # Distance of the first element from 1 along the halvings.
        while size > 0.5:
            margin = min(margin, abs(size - 1))
            size /= 2
        if margin > 1e-3:
            xs.append(x)
            ns.append(int(random.integers(0, 5)))
    return {"x": np.stack(xs), "n": np.array(ns, np.int64)}


def mini(x, n):
    """One request of mini.mlir: outputs, decisions."""
    y = (x + weight((4,), 7, 0.5)).astype(np.float32)
    positive = bool(y[0] > 0)
    y = y + y if positive else y * y
    trips = 0
    while abs(y[0]) > 1:
        y = y * np.float32(0.5)
        trips += 1
    mask = x > 0
    chosen = np.zeros(4, np.float32)
    for k, add in enumerate((1, 2, 3, 0)):
        if mask[k]:
            chosen = chosen + (y + np.float32(add))
    rows = np.stack([y + np.float32(i) for i in range(n)]) if n else np.zeros((0, 4), np.float32)
    decisions = {
        "mini/sign": 0 if positive else 1,
        "mini/halve": trips,
        "mini/experts": int(sum(1 << k for k in range(4) if mask[k])),
        "mini/rows": int(n),
    }
    return {"y": y, "rows": rows, "chosen": chosen}, decisions
