# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Parts that die while the examples run on `die`: outputs are the same."""

import json
import os

import pytest
import schema
from conftest import ROOT, run_tool

EXAMPLES = ("triage", "refine", "detect", "moe")
KINDS = {
    "1 % of PEAs": "{draw: pea, rate: 0.01, ",
    "30 % of PEAs": "{draw: pea, rate: 0.3, ",
    "clusters": "{draw: cluster, count: 3, ",
    "links": "{draw: link, count: 3, ",
    "memory port": "{draw: hbm, count: 1, ",
    "CBUs": "{draw: cbu, count: 8, ",
}


def run(tmp_path, program, *arguments):
    path = tmp_path / "run.json"
    path.unlink(missing_ok=True)
    done = run_tool("octo-run", "run", program, "--requests", 6, "--json", path, "--quiet", *arguments)
    document = json.loads(path.read_text()) if path.exists() else None
    if document:
        root = schema.load()
        assert schema.errors(document, root, root) == []
    return done, document


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    octopus = pytest.importorskip("octopus")
    folder = tmp_path_factory.mktemp("faults")
    paths = {}
    for name in EXAMPLES:
        paths[name] = str(folder / (name + ".octo"))
        source = os.path.join(ROOT, "examples", "workflows", name + ".mlir")
        octopus.compile(source, target="die").save(paths[name])
    return paths


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("policy", ("static", "pool", "octopus"))
def test_outputs_are_the_same(tmp_path, compiled, example, policy):
    done, without = run(tmp_path, compiled[example], "--policy", policy)
    assert done.returncode == 0, done.stderr
    assert "faults" not in without
    last = without["makespan_cycles"]
    host_died = 0
    for kind, (name, rule) in enumerate(KINDS.items()):
        scenario = tmp_path / "faults.yaml"
        scenario.write_text(f"faults:\n  - {rule}between: [0, {last}], seed: {kind + 1}}}\n")
        done, document = run(tmp_path, compiled[example], "--policy", policy, "--scenario", scenario)
        if done.returncode == 3:
            assert document["status"] == "machine-lost", name
            assert "host port" in document["faults"]["lacking"]
            assert "died at cycle" in done.stderr
            host_died += 1
            continue
        assert done.returncode == 0, (name, done.stderr)
        assert document["outputs_sha256"] == without["outputs_sha256"], name
        assert document["faults"]["parts"], name
    assert host_died <= 1


def test_messages(tmp_path, compiled):
    scenario = tmp_path / "s.yaml"

    def bad(text, message):
        scenario.write_text(text)
        done = run_tool("octo-run", "run", compiled["refine"], "--scenario", scenario, "--quiet")
        assert done.returncode == 1, done.stderr
        assert message in done.stderr

    bad("faults:\n  - {cycle: 5, cluster: [8, 0]}\n", "s.yaml:2:5: error: there is no cluster (8, 0): the mesh has 8 x 8 clusters")
    bad("faults:\n  - {cycle: -5, cluster: [1, 0]}\n", "s.yaml:2:13: error: `faults[0].cycle`: expected an integer from 0")
    bad("faults:\n  - {cycle: 5, clutser: [1, 0]}\n", "s.yaml:2:16: error: `faults[0]`: unknown key `clutser`; did you mean `cluster`?")
    bad("faults:\n  - {cluster: [1, 0]}\n", "`cycle` is missing")
    bad("faults:\n  - {cycle: 5, hbm: 99}\n", "there is no HBM port 99")
    bad("faults:\n  - {cycle: 5, hbm: 0, pea: [0, 0, 0, 0]}\n", "names both")
    bad("faults:\n  - {draw: peas, count: 1, between: [0, 1]}\n", "did you mean `pea`?")
    bad("faults:\n  - {draw: pea, between: [0, 1]}\n", "expected either `rate`")
    bad("faults:\n  - {draw: pea, count: 1, between: [5, 1]}\n", "the earlier cycle comes first")
    bad("faults:\n  - {cycle: 3, hbm: 0, seed: 1}\n", "belongs to parts that are drawn")
    bad("faults:\n  - {draw: hbm, count: 99, between: [0, 1]}\n", "s.yaml:2:5: error: asks for 99 dead parts of kind `hbm`")


def test_report(tmp_path, compiled):
    scenario = tmp_path / "s.yaml"
    scenario.write_text("faults:\n  - {cycle: 100, cluster: [1, 1]}\n  - {cycle: 300, pea: [1, 1, 0, 0]}\n")
    done = run_tool("octo-run", "run", compiled["moe"], "--scenario", scenario, "--requests", 4)
    assert done.returncode == 0, done.stderr
    assert "2 parts died" in done.stdout
    assert "cycle 100: cluster (1, 1) died" in done.stdout
    assert "cycle 300: PEA 0 of TBU 0 of cluster (1, 1) died, which was dead already" in done.stdout
