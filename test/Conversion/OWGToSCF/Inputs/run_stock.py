# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a workflow by stock tools only, once it is plain func/scf.

usage: run_stock.py CONVERTED.mlir DRIVER.mlir

CONVERTED is what convert-owg-to-scf gave; DRIVER is text that is put into the
same module and has a function @main without arguments and results. mlir-opt
lowers both to the llvm dialect, mlir-runner runs @main.
"""

import os
import shutil
import subprocess
import sys

PIPELINE = """builtin.module(
canonicalize, cse, convert-elementwise-to-linalg, eliminate-empty-tensors, empty-tensor-to-alloc-tensor,
one-shot-bufferize{bufferize-function-boundaries=1 function-boundary-type-conversion=identity-layout-map
allow-return-allocs-from-loops=1},
canonicalize, cse, buffer-deallocation-pipeline, func.func(convert-linalg-to-loops),
convert-bufferization-to-memref, convert-scf-to-cf, expand-strided-metadata, lower-affine,
convert-math-to-llvm, convert-to-llvm, reconcile-unrealized-casts, canonicalize, cse)"""


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        module = f.read().rstrip()
    with open(sys.argv[2], encoding="utf-8") as f:
        driver = f.read()
    end = module.rindex("}")
    tools = os.path.dirname(os.path.realpath(shutil.which("mlir-runner")))
    libraries = [
        os.path.join(os.path.dirname(tools), "lib", name)
        for name in ("libmlir_runner_utils.so", "libmlir_c_runner_utils.so")
    ]
    libraries = [name if os.path.exists(name) else name + ".22.1" for name in libraries]
    lowered = subprocess.run(
        ["mlir-opt", "--pass-pipeline=" + PIPELINE.replace("\n", " ")],
        input=module[:end] + driver + module[end:],
        capture_output=True,
        text=True,
    )
    if lowered.returncode != 0:
        sys.exit(lowered.stderr)
    # Line buffering, so that what was printed before a failed assertion is seen.
    run = subprocess.run(
        ["stdbuf", "-oL", "mlir-runner", "-e", "main", "--entry-point-result=void", "--shared-libs=" + ",".join(libraries)],
        input=lowered.stdout,
        text=True,
    )
    sys.exit(1 if run.returncode != 0 else 0)


if __name__ == "__main__":
    main()
