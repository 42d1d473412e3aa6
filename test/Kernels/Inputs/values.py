# Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""values.py NAME PROGRAM FOLDER: runs a program of this folder and compares its
results with NumPy's."""

import os
import subprocess
import sys

import numpy as np


def donations(rng):
    x = rng.random((6, 64), dtype=np.float32)
    n = np.arange(1, 7, dtype=np.int64) * 9
    results = []
    for row, count in zip(x, n):
        a = row.copy()
        a[count] = 1
        a[1 : count + 1] = 2
        mixed, added = a.copy(), row + row
        mixed[0] = added[0] = 1
        # The results of the branch depend on weights only in the first case.
        results.append((mixed[0] > a[0], mixed, added, a[0]))
    return {"x": x, "n": n}, results


def check_donations(results, out):
    for i, (first, mixed, added, s) in enumerate(results):
        if not first:
            mixed[2] = 1
            np.testing.assert_array_equal(out["o"][i], mixed)
        else:
            assert out["o"][i][0] == 1 and out["o"][i][1] == 1
        np.testing.assert_array_equal(out["z"][i], added)
        assert out["s"][i] == s


def tosa(rng):
    x = rng.random((4, 5, 8), dtype=np.float32) - np.float32(0.5)
    w = rng.random((4, 8, 3), dtype=np.float32) - np.float32(0.5)
    return {"x": x, "w": w}, [(a.astype(float), b.astype(float)) for a, b in zip(x, w)]


def check_tosa(results, out):
    for i, (x, w) in enumerate(results):
        y = np.tanh(np.maximum(x @ w, 0))
        np.testing.assert_allclose(out["y"][i], y, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(out["s"][i], y.sum(axis=0, keepdims=True), rtol=1e-5, atol=1e-5)


def main(name, program, folder):
    os.makedirs(folder, exist_ok=True)
    inputs, results = globals()[name](np.random.default_rng(1))
    np.savez(os.path.join(folder, "in.npz"), **inputs)
    count = len(results)
    subprocess.run(
        ["octo-run", "run", program, "--requests", str(count), "--quiet"]
        + ["--inputs", os.path.join(folder, "in.npz"), "--outputs", os.path.join(folder, "out.npz")]
        + ["--report", os.path.join(folder, "report.html")],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    out = np.load(os.path.join(folder, "out.npz"))
    globals()["check_" + name](results, out)
    print(f"{count} requests match")


if __name__ == "__main__":
    main(*sys.argv[1:])
