# Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The models of examples/workflows/models, small, through bench/models.py.

The models of real size take the same way: bench/models.py without --small.
"""

import json
import os
import subprocess
import sys

import conftest


def test_models_agree_with_numpy(tmp_path):
    table = str(tmp_path / "models.json")
    command = [sys.executable, os.path.join(conftest.ROOT, "bench", "models.py")]
    command += ["--small", "--requests", "4", "--kernel-cpu", "generic", "--json", table]
    tools = os.environ.get("OCTO_TOOLS_DIR")
    command += ["--bin", tools] if tools else []
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True
    )
    assert done.returncode == 0, done.stdout
    with open(table) as file:
        rows = json.load(file)["models"]
    assert [row["model"] for row in rows] == ["resnet", "decoder"]
    for row in rows:
        assert row["difference"] < 1e-5
        assert 0 < row["pea_utilization"] < 1
        assert row["ratio_to_lower_bound"] >= 1


def test_sizes_are_those_of_the_papers():
    import models

    resnet, decoder = models.generator("resnet"), models.generator("decoder")
    # Published: 11.69 M and 21.80 M with batch normalisation, whose scales are
    # folded here: 4,800 and 8,512 parameters fewer.
    assert models.count(resnet, resnet.options_of([])) == 11689512 - 4800
    assert models.count(resnet, resnet.options_of(["--depth", "34"])) == 21797672 - 8512
    # 12 d^2 + 13 d a layer, as GPT-2 has, less the two layer norms' 4 d.
    width = 768
    assert models.count(decoder, decoder.options_of([])) == 4 * (12 * width**2 + 9 * width)


def test_bad_options_are_usage_errors():
    for name, given in (("resnet", ["--image", "100"]), ("decoder", ["--heads", "7"])):
        script = os.path.join(conftest.ROOT, "examples", "workflows", "models", name + ".py")
        done = subprocess.run(
            [sys.executable, script, *given],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
        )
        assert done.returncode == 2 and given[0] in done.stderr
