#!/usr/bin/env python3
# Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models of real size, run whole and checked.

Writes a ResNet-18 classifier (224x224 images, 11.7 M parameters) and a decoder of
four GPT-2-sized layers (width 768, 28.3 M parameters, 16 prompt states, then up to
8 decoded ones), compiles them for examples/workflows/models/machine.yaml, runs 8
requests of each with their code, and compares every output with NumPy in double
precision. An output differs by its largest error over the largest value expected;
past 1e-4 the exit code is 1.

The table gives parameters; seconds of the compiler; seconds of octo-run and the
peak of its memory (weights are made once and shared); the largest difference; and
of the simulated machine: cycles a request, utilisation, the ratio to the lower bound.
--small runs tiny models of the same kinds.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(ROOT, "test", "reference"))

import models  # noqa: E402

TOLERANCE = 1e-4
SMALL = {
    "resnet": ["--image", "64", "--width", "8", "--classes", "10"],
    "decoder": ["--layers", "2", "--width", "96", "--heads", "4", "--ffn", "256"],
}


def make_inputs(name, options, requests, prompt, steps):
    random = np.random.Generator(np.random.Philox(key=17))
    if name == "resnet":
        shape = (requests, options.image, options.image, 3)
        return {"image": random.random(shape, dtype=np.float32)}
    shape = (requests, prompt, options.width)
    return {
        "prompt": random.standard_normal(shape).astype(np.float32),
        "steps": random.integers(1, steps + 1, requests),
    }


def expected(name, weights, options, inputs, request):
    if name == "resnet":
        image = inputs["image"][request].astype(np.float64)
        return {"scores": models.resnet(weights, image)}
    hidden, keys = models.decoder(
        weights, inputs["prompt"][request], int(inputs["steps"][request]), options.heads
    )
    return {"hidden": hidden, "keys": keys}


def difference(name, options, generator, inputs, outputs):
    weights = models.weights(generator, options)
    worst = 0.0
    for r in range(len(next(iter(inputs.values())))):
        for key, value in expected(name, weights, options, inputs, r).items():
            ours = outputs[key][r] if key in outputs else outputs["%s.%d" % (key, r)]
            if ours.shape != value.shape:
                sys.exit("%s: %s has shape %s, NumPy %s" % (name, key, ours.shape, value.shape))
            worst = max(worst, float(np.abs(ours - value).max() / np.abs(value).max()))
    return worst


def timed(command):
    begin = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit("%s\nfailed with exit code %d:\n%s" % (" ".join(command), done.returncode, done.stdout))
    return time.perf_counter() - begin


def measure(name, arguments, folder):
    generator = models.generator(name)
    given = SMALL[name] if arguments.small else []
    options = generator.options_of(given)
    source = os.path.join(folder, name + ".mlir")
    with open(source, "w", encoding="utf-8") as file:
        script = os.path.join(models.FOLDER, name + ".py")
        subprocess.run([sys.executable, script, *given], stdout=file, check=True)
    program = os.path.join(folder, name + ".octo")
    machine = os.path.join(models.FOLDER, "machine.yaml")
    compiler = [arguments.tool("octo-compile"), source, "--target", machine, "-o", program]
    row = {"model": name, "parameters": models.count(generator, options), "requests": arguments.requests}
    row["compile_seconds"] = timed(compiler + ["--kernel-cpu", arguments.kernel_cpu])

    inputs = make_inputs(name, options, arguments.requests, 8 if arguments.small else 16, 8)
    npz, out, result = (os.path.join(folder, name + end) for end in (".in.npz", ".npz", ".json"))
    np.savez(npz, **inputs)
    row["run_seconds"] = timed([
        arguments.tool("octo-run"), "run", program, "--requests", str(arguments.requests),
        "--policy", arguments.policy, "--inputs", npz, "--outputs", out, "--json", result, "--quiet",
    ])
    with open(result, encoding="utf-8") as file:
        data = json.load(file)
    row["peak_memory_bytes"] = data["host"]["peak_memory_bytes"]
    row["difference"] = difference(name, options, generator, inputs, np.load(out))
    row["requests_completed"] = data["requests_completed"]
    row["cycles_per_request"] = data["makespan_cycles"] / arguments.requests
    row["pea_utilization"] = data["pea_utilization"]
    row["ratio_to_lower_bound"] = data["ratio_to_lower_bound"]
    return row


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "bin"), help="folder of the tools")
    parser.add_argument("--models", default="resnet,decoder", help="which of them, by comma")
    parser.add_argument("--requests", type=int, default=8)
    parser.add_argument("--policy", default="octopus")
    parser.add_argument("--kernel-cpu", default="host", help="as for octo-compile")
    parser.add_argument("--small", action="store_true", help="tiny models of the same kinds")
    parser.add_argument("--json", metavar="F", help="write the table there, too")
    arguments = parser.parse_args()
    names = arguments.models.split(",")
    if not set(names) <= set(SMALL) or arguments.requests < 1:
        parser.error("--models takes %s; --requests is from 1" % ", ".join(sorted(SMALL)))

    def tool(name):
        path = os.path.join(arguments.bin, name)
        found = path if os.path.exists(path) else shutil.which(name)
        if not found:
            parser.error("%s is neither in %s nor on PATH; give --bin" % (name, arguments.bin))
        return found

    arguments.tool = tool
    print("model    parameters  compile s  run s  memory MB  difference  cycles/request  utilisation  to bound")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            row = measure(name, arguments, folder)
            rows.append(row)
            print("%-8s %10d %10.1f %6.1f %10.0f %11.1e %15.0f %11.1f%% %9.2f" % (
                name, row["parameters"], row["compile_seconds"], row["run_seconds"],
                row["peak_memory_bytes"] / 1e6, row["difference"], row["cycles_per_request"],
                100 * row["pea_utilization"], row["ratio_to_lower_bound"]), flush=True)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"models": rows}, file, indent=1)
            file.write("\n")
    bad = [r["model"] for r in rows if r["difference"] > TOLERANCE or r["requests_completed"] != r["requests"]]
    if bad:
        sys.exit("wrong or missing outputs: " + ", ".join(bad))


if __name__ == "__main__":
    main()
