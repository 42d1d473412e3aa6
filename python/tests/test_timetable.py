# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One request of a static workload alone on the machine keeps to its timetable."""

import json
import os
import random

import pytest

import conftest


def run(*command):
    done = conftest.run_tool(*command)
    assert done.returncode == 0, done.stderr


def write_graph(path, seed, tasks):
    """A Standard Task Graph of random times and precedences, in one piece: one segment."""
    draw = random.Random(seed)
    lines = [str(tasks)]
    for task in range(1, tasks + 1):
        before = sorted({draw.randrange(1, task) for _ in range(draw.randrange(1, 4))}) if task > 1 else []
        lines.append(" ".join(map(str, [task, draw.randrange(1, 11), len(before), *before])))
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("target", ["edge", "die"])
@pytest.mark.parametrize("seed", range(3))
def test_simulated_timeline_is_the_planned_one(tmp_path, target, seed):
    write_graph(tmp_path / "graph.stg", seed, 20 + 20 * seed)
    mlir, program, result = (str(tmp_path / name) for name in ("g.mlir", "g.octo", "g.json"))
    run("octo-translate", "--import-stg", "--stg-cycles=10000", str(tmp_path / "graph.stg"), "-o", mlir)
    machine = os.path.join(conftest.ROOT, "examples", "targets", target + ".yaml")
    run("octo-compile", mlir, "--target", machine, "-o", program, "--no-kernels")
    run(
        *["octo-run", "run", program, "--policy", "static", "--timing-only", "-q", "--requests", "1"],
        *["--json", result],
    )
    with open(result, encoding="utf-8") as file:
        data = json.load(file)
    tasks = [block for block in data["blocks"] if block["kind"] == "task"]
    assert len(tasks) == 20 + 20 * seed
    for task in tasks:
        assert task["instances"] == task["predicted_instances"] == 1
        assert task["mean_cycles"] == task["predicted_cycles"]
    planned = max(task["slot"]["predicted_end"] for task in tasks)
    simulated = max(task["slot"]["mean_end"] for task in tasks)
    assert simulated == pytest.approx(planned, rel=0.01)
    assert data["lower_bound_cycles"] <= data["makespan_cycles"]
