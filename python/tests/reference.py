# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""NumPy references of the workflows in tests/workflows, and the seeded weights."""

import numpy as np


def philox4x32(counter, key):
    """Philox4x32-10 on arrays: counter of shape (n, 4), key of two numbers."""
    c = [counter[:, i].astype(np.uint64) for i in range(4)]
    k = [int(key[0]), int(key[1])]
    low = np.uint64(0xFFFFFFFF)
    for round_ in range(10):
        if round_:
            k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
        p0 = np.uint64(0xD2511F53) * c[0]
        p1 = np.uint64(0xCD9E8D57) * c[2]
        shift = np.uint64(32)
        c = [
            (p1 >> shift) ^ c[1] ^ np.uint64(k[0]),
            p1 & low,
            (p0 >> shift) ^ c[3] ^ np.uint64(k[1]),
            p0 & low,
        ]
    return np.stack(c, axis=1)


def seeded_weight(shape, seed, scale):
    """The elements of `owg.weight ... seed S scale A` of type f32."""
    count = int(np.prod(shape, dtype=np.int64))
    blocks = np.arange((count + 3) // 4, dtype=np.uint64)
    counter = np.zeros((len(blocks), 4), np.uint64)
    counter[:, 0] = blocks & np.uint64(0xFFFFFFFF)
    counter[:, 1] = blocks >> np.uint64(32)
    seed &= (1 << 64) - 1
    words = philox4x32(counter, (seed & 0xFFFFFFFF, seed >> 32)).reshape(-1)[:count]
    unit = (words >> np.uint64(8)).astype(np.float64) * 2.0**-23 - 1
    return (unit.astype(np.float32) * np.float32(scale)).reshape(shape)


def mini_inputs(seed, count):
    """Inputs of mini.mlir that stay away from where decisions turn."""
    random = np.random.default_rng(seed)
    shift = seeded_weight((4,), 7, 0.5)[0]
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
    y = (x + seeded_weight((4,), 7, 0.5)).astype(np.float32)
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
