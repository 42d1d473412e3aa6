# Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Recorded profiles: the examples without their code, from requests that were seen.

The same requests again cost the same, to the cycle. Requests drawn alike cost the
same up to what differs between two draws: the bounds below are for the mean of
several sets, since the tail of one set decides when its run ends.
"""

import importlib
import json
import os
import re

import numpy as np
import pytest

import conftest

EXAMPLES = ("triage", "refine", "detect", "moe")
REQUESTS = 64
# Two sets of 256 requests of `triage` or `moe` differ by up to a fifth when both are
# executed: a rare hard request, or an expert that is asked for a little more often,
# decides, and where weights are cold. Sets of these sizes differ little enough.
ALIKE = {"triage": 1024, "refine": 512, "detect": 1024, "moe": 2048}
SETS = (1, 2)
WITHIN = 0.05


def tool(*arguments):
    done = conftest.run_tool(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Profiled:
    """An example compiled with the profile of one set of requests."""

    def __init__(self, name, folder, requests):
        self.folder, self.requests = folder, requests
        self.reference = importlib.import_module(name)
        source = os.path.join(conftest.ROOT, "examples", "workflows", name + ".mlir")
        target = os.path.join(conftest.ROOT, "examples", "targets", "die.yaml")
        first, self.profile = str(folder / (name + ".octo")), str(folder / "profile.json")
        tool("octo-compile", source, "--target", target, "-o", first)
        tool("octo-run", "run", first, "--requests", requests, "--inputs", self.inputs(0),
             "--record-profile", self.profile, "--quiet")
        compile_with = ["octo-compile", source, "--target", target, "--profile", self.profile, "-o"]
        self.functional, self.timing = str(folder / "functional.octo"), str(folder / "timing.octo")
        tool(*compile_with, self.functional)
        tool(*compile_with, self.timing, "--no-kernels")

    def inputs(self, seed):
        path = str(self.folder / ("inputs%d.npz" % seed))
        if not os.path.exists(path):
            np.savez(path, **self.reference.make_inputs(1000 + seed, self.requests))
        return path

    def run(self, program, policy, *options):
        result = str(self.folder / "result.json")
        tool("octo-run", "run", program, "--requests", self.requests, "--policy", policy,
             "--json", result, "--quiet", *options)
        with open(result) as file:
            return json.load(file)


@pytest.fixture(scope="module")
def profiled(tmp_path_factory):
    cache = {}

    def get(name, requests=REQUESTS):
        if (name, requests) not in cache:
            cache[name, requests] = Profiled(name, tmp_path_factory.mktemp(name), requests)
        return cache[name, requests]

    return get


@pytest.mark.parametrize("policy", ("static", "pool", "octopus"))
@pytest.mark.parametrize("name", EXAMPLES)
def test_recorded_requests_again_cost_the_same(profiled, name, policy):
    example = profiled(name)
    functional = example.run(example.functional, policy, "--inputs", example.inputs(0))
    timing = example.run(example.timing, policy, "--timing-only", "--records-in-order")
    for key in ("host", "outputs_sha256", "timing_only"):
        functional.pop(key, None), timing.pop(key, None)
    assert timing == functional


@pytest.mark.parametrize("policy", ("static", "pool"))
@pytest.mark.parametrize("name", EXAMPLES)
def test_requests_drawn_alike_cost_alike(profiled, name, policy):
    example = profiled(name, ALIKE[name])
    ratios = []
    for seed in SETS:
        functional = example.run(example.functional, policy, "--inputs", example.inputs(seed))
        timing = example.run(example.timing, policy, "--timing-only", "--seed", seed)
        ratios.append([
            timing["throughput_requests_per_megacycle"] / functional["throughput_requests_per_megacycle"],
            timing["latency_cycles"]["mean"] / functional["latency_cycles"]["mean"],
        ])
    throughput, latency = np.exp(np.log(ratios).mean(axis=0))
    assert abs(throughput - 1) < WITHIN, ratios
    assert abs(latency - 1) < WITHIN, ratios


def test_records_are_drawn_whole_and_once_a_round(profiled):
    """The multiset of outcomes of a round is the recorded one; the seed orders it."""
    example = profiled("moe")

    def masks(path):
        with open(path) as file:
            profile = json.load(file)
        (block,) = [i for i, b in enumerate(profile["blocks"]) if b["kind"] == "select"]
        return [r[3] for r in profile["records"] if r[1] == block]

    recorded, orders = masks(example.profile), []
    for seed in (1, 2):
        again = str(example.folder / "again.json")
        example.run(example.timing, "pool", "--timing-only", "--seed", seed, "--record-profile", again)
        orders.append(masks(again))
        assert sorted(orders[-1]) == sorted(recorded)
    assert orders[0] != orders[1] and orders[0] != recorded


def test_records_in_order_need_records_and_no_code(profiled, tmp_path):
    example = profiled("moe")
    for program, options, words in (
        (example.functional, [], "add --timing-only"),
        (str(example.folder / "moe.octo"), ["--timing-only"], "keeps no recorded requests"),
    ):
        done = conftest.run_tool("octo-run", "run", program, "--records-in-order", *options)
        assert done.returncode == 1 and words in done.stderr, done.stderr


@pytest.mark.parametrize("policy", ("static", "octopus"))
def test_sizes_that_vary_are_recorded(tmp_path, policy):
    """Outputs of run-time size, counters and dims: the second task's work is the first's doing."""
    source = tmp_path / "sizes.mlir"
    source.write_text("""
owg.workflow @w(%n: i64 {owg.name = "n"}) -> (f32 {owg.name = "s"}) {
  %v = owg.task "make"(%k = %n : i64) -> tensor<?xf32> {
    %c = arith.index_cast %k : i64 to index
    %one = arith.constant 1.0 : f32
    %e = tensor.empty(%c) : tensor<?xf32>
    %f = linalg.fill ins(%one : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
    owg.yield %f : tensor<?xf32>
  }
  %s = owg.task "sum"(%x = %v : tensor<?xf32>) -> f32 {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<f32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<f32>) -> tensor<f32>
    %r = linalg.reduce { arith.addf } ins(%x : tensor<?xf32>) outs(%f : tensor<f32>) dimensions = [0]
    %y = tensor.extract %r[] : tensor<f32>
    owg.yield %y : f32
  }
  owg.return %s : f32
}
""")
    target = os.path.join(conftest.ROOT, "examples", "targets", "edge.yaml")
    inputs, profile, result = (str(tmp_path / f) for f in ("in.npz", "p.json", "r.json"))
    np.savez(inputs, n=np.array([1, 50000, 300, 9000, 20, 70000], np.int64))
    program, timing = str(tmp_path / "w.octo"), str(tmp_path / "t.octo")
    tool("octo-compile", str(source), "--target", target, "-o", program)
    common = ["--requests", 6, "--policy", policy, "--json", result, "--quiet"]
    tool("octo-run", "run", program, "--inputs", inputs, "--record-profile", profile, *common)
    tool("octo-compile", str(source), "--target", target, "--profile", profile, "-o", program)
    tool("octo-compile", str(source), "--target", target, "--profile", profile, "--no-kernels", "-o", timing)
    tool("octo-run", "run", program, "--inputs", inputs, *common)
    with open(result) as file:
        functional = json.load(file)
    tool("octo-run", "run", timing, "--timing-only", "--records-in-order", *common)
    with open(result) as file:
        replayed = json.load(file)
    for key in ("makespan_cycles", "latency_cycles", "energy_joules", "kernels", "counters", "blocks"):
        assert replayed[key] == functional[key], key


NESTED = """
owg.workflow @w(%%n: i64 {owg.name = "n"}) -> (i64 {owg.name = "s"}) {
%s
  %%zero = owg.task "begin"(%%a = %%n : i64) -> i64 {
    %%z = arith.subi %%a, %%a : i64
    owg.yield %%z : i64
  }
  %%c, %%s = owg.loop "count"(%%cc = %%n : i64, %%sc = %%zero : i64) -> (i64, i64) bound 100
  before {
    %%none = arith.constant 0 : i64
    %%more = arith.cmpi sgt, %%cc, %%none : i64
    owg.decide %%more : i1 forward(%%cc, %%sc : i64, i64)
  } after (%%d: i64, %%t: i64) {
    %%u = owg.branch "parity"() -> i64 decide {
      %%one = arith.constant 1 : i64
      %%bit = arith.andi %%d, %%one : i64
      %%odd = arith.trunci %%bit : i64 to i1
      owg.decide %%odd : i1
    } case {
      %%v = owg.task "odd"(%%a = %%t : i64, %%b = %%d : i64) -> i64 {
        %%x = arith.addi %%a, %%b : i64
        owg.yield %%x : i64
      }
      owg.yield %%v : i64
    } default {
      owg.yield %%t : i64
    }
    %%e = owg.task "less"(%%a = %%d : i64) -> i64 {
      %%one = arith.constant 1 : i64
      %%x = arith.subi %%a, %%one : i64
      owg.yield %%x : i64
    }
    owg.yield %%e, %%u : i64, i64
  }
  owg.return %%s : i64
}
"""
EXTRA = """
  owg.task "extra"(%n : i64) -> !owg.token profile #owg.profile<cycles = const<10>>"""


def test_records_follow_blocks_that_are_numbered_anew(tmp_path):
    """Another block in front changes numbers and tags; outcomes stay with their paths."""
    target = os.path.join(conftest.ROOT, "examples", "targets", "edge.yaml")
    inputs, profile, again = (str(tmp_path / f) for f in ("in.npz", "p.json", "again.json"))
    np.savez(inputs, n=np.array([3, 0, 7, 4], np.int64))
    plain, more, program = (str(tmp_path / f) for f in ("plain.mlir", "more.mlir", "w.octo"))
    for path, extra in ((plain, ""), (more, EXTRA)):
        with open(path, "w") as file:
            file.write(NESTED % extra)
    tool("octo-compile", plain, "--target", target, "-o", program)
    tool("octo-run", "run", program, "--requests", 4, "--inputs", inputs, "--record-profile", profile, "--quiet")
    tool("octo-compile", more, "--target", target, "--profile", profile, "--no-kernels", "-o", program)
    tool("octo-run", "run", program, "--requests", 4, "--timing-only", "--records-in-order",
         "--record-profile", again, "--quiet")

    def outcomes(path):
        with open(path) as file:
            data = json.load(file)
        paths = [b["path"] for b in data["blocks"]]
        assert "w/count" in paths
        return sorted((r[0], paths[r[1]], r[3]) for r in data["records"] if paths[r[1]] != "w/extra"), paths

    (first, old), (second, new) = outcomes(profile), outcomes(again)
    assert old.index("w/count") != new.index("w/count")
    assert first == second
    assert sum(path.endswith("/odd") for _, path, _ in first) == 2 + 0 + 4 + 2


def wide_select(members):
    """Takes member i where gate i is above 0.9, and adds up gates times i + 1."""
    gates = f"tensor<{members}xf32>"
    tasks = " ".join(f"""member {{
    %y{i} = owg.task "expert-{i}"(%x = %gates : {gates}) -> {gates} {{
      %c = arith.constant dense<{i + 1}.0> : {gates}
      %r = arith.mulf %x, %c : {gates}
      owg.yield %r : {gates}
    }}
    owg.yield %y{i} : {gates}
  }}""" for i in range(members))
    return f"""
owg.workflow @w(%gates : {gates} {{owg.name = "gates"}}) -> ({gates} {{owg.name = "sum"}}) {{
  %zero = arith.constant dense<0.0> : {gates}
  %sum = owg.select "experts"(%g = %gates : {gates}) init(add %zero : {gates}) -> {gates}
  decide {{
    %high = arith.constant dense<0.9> : {gates}
    %mask = arith.cmpf ogt, %g, %high : {gates}
    owg.decide %mask : tensor<{members}xi1>
  }} {tasks}
  owg.return %sum : {gates}
}}
"""


@pytest.mark.parametrize("members", (64, 130))
def test_members_of_wide_selects_are_recorded(tmp_path, members):
    """All members of a select come back from a profile, also those past a word of its mask."""
    target = os.path.join(conftest.ROOT, "examples", "targets", "die.yaml")
    names = ("w.mlir", "in.npz", "out.npz", "p.json", "w.octo", "run.json")
    source, inputs, outputs, profile, program, result = (str(tmp_path / name) for name in names)
    with open(source, "w") as file:
        file.write(wide_select(members))
    gates = np.random.default_rng(1).random((16, members), dtype=np.float32)
    taken = gates > 0.9
    np.savez(inputs, gates=gates)

    def outcomes(*options):
        tool("octo-run", "run", program, "--requests", 16, "--json", result, "--quiet", *options)
        with open(result) as file:
            return next(b["outcomes"] for b in json.load(file)["blocks"] if b["path"] == "w/experts")

    tool("octo-compile", source, "--target", target, "-o", program)
    assert outcomes("--inputs", inputs, "--outputs", outputs, "--record-profile", profile) == taken.sum(0).tolist()
    with np.load(outputs) as arrays:
        factors = (taken * np.arange(1, members + 1)).sum(1, dtype=np.float32)
        np.testing.assert_allclose(arrays["sum"], factors[:, None] * gates, rtol=1e-4)
    tool("octo-compile", source, "--target", target, "--profile", profile, "--no-kernels", "-o", program)
    assert outcomes("--timing-only") == taken.sum(0).tolist()
    tool("octo-compile", source, "--target", target, "--profile", profile, "--until", "owg-classify", "-o", program)
    with open(program) as file:
        listed = re.search(r'owg.select "experts".*?frequencies = \[(.*?)\]', file.read(), re.S).group(1)
    assert [float(f) for f in listed.split(",")] == pytest.approx(taken.mean(0))
