# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The package: compile, run, compare, results, errors."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest

import conftest
import reference

octopus = pytest.importorskip("octopus")

POLICIES = ("static", "pool", "octopus")


@pytest.fixture(scope="module")
def mini():
    return octopus.compile(conftest.workflow("mini"), target="edge")


@pytest.fixture(scope="module")
def profiled():
    return octopus.compile(conftest.workflow("profiled"), target="edge")


def outcomes(result):
    """Decisions by request and path."""
    table = {}
    columns = result.outcomes()
    blocks = result.data["blocks"]
    for request, block, value in zip(columns["request"], columns["block"], columns["value"]):
        if blocks[block]["kind"] != "task":
            table.setdefault(int(request), {})[blocks[block]["path"]] = int(value)
    return table


@pytest.mark.parametrize("seed", range(5))
def test_values_and_decisions_against_numpy(mini, seed):
    inputs = reference.mini_inputs(seed, 6)
    digests = set()
    for policy in POLICIES:
        result = mini.run(inputs, policy=policy, record_outcomes=True)
        assert result.requests_completed == 6
        decided = outcomes(result)
        outputs = result.outputs()
        for r in range(6):
            expected, decisions = reference.mini(inputs["x"][r], inputs["n"][r])
            assert decided[r] == decisions
            np.testing.assert_array_equal(outputs["y"][r], expected["y"])
            np.testing.assert_array_equal(outputs["chosen"][r], expected["chosen"])
            rows = outputs["rows"][r] if "rows" in outputs else outputs["rows.%d" % r]
            np.testing.assert_array_equal(rows, expected["rows"])
        digests.add(result.outputs_sha256)
    assert len(digests) == 1


def test_work_and_cycles_differ_between_requests(mini):
    inputs = {"x": np.array([[0.2, 1, 1, 1], [30, -1, -1, -1]], np.float32), "n": np.array([0, 6])}
    result = mini.run(inputs, in_flight=1)
    latency = result.to_frame()["latency"]
    assert latency[0] != latency[1]


def test_realised_work_is_the_same_under_every_policy(profiled):
    works = set()
    for policy in POLICIES:
        result = profiled.run(requests=40, seed=3, policy=policy)
        works.add(result.data["realised_work_cycles"])
        assert result.timing_only
        assert result.makespan_cycles >= result.lower_bound_cycles > 0
    assert len(works) == 1


def test_equal_runs_give_equal_documents(profiled):
    def document(seed):
        data = dict(profiled.run(requests=30, seed=seed).data)
        del data["host"]
        return data

    assert document(1) == document(1)
    assert document(1) != document(2)


def test_accounting_is_exact(profiled):
    result = profiled.run(requests=20)
    machine = result.data["machine"]
    assert sum(result.pea_cycles.values()) == machine["peas"] * result.makespan_cycles
    idle = result.idle
    parts = ("transient", "structural", "contagious")
    assert sum(idle[p + "_pea_cycles"] for p in parts) == result.pea_cycles["idle"]


def test_comparison(mini):
    comparison = mini.compare(POLICIES, reference.mini_inputs(1, 4))
    assert len(comparison) == 3
    assert comparison["pool"].policy == "pool"
    assert comparison.best.makespan_cycles == min(r.makespan_cycles for r in comparison)
    text = str(comparison)
    assert "lower bound" in text and "the same under every policy" in text
    with pytest.raises(KeyError):
        comparison["none"]


def test_result_shows_itself(mini, tmp_path):
    result = mini.run(reference.mini_inputs(1, 3))
    assert "makespan" in str(result)
    assert "<pre>" in result._repr_html_()
    page = result.report(tmp_path / "r.html")
    assert (tmp_path / "r.html").read_text() == page
    assert page.startswith("<!DOCTYPE html>") and "mini/shift" in page
    with pytest.raises(octopus.ProgramError, match="record_outcomes=True"):
        result.save_profile(tmp_path / "p.json")
    assert not (tmp_path / "p.json").exists()
    assert dataclasses.is_dataclass(result)
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.seed = 1


def test_frames(mini):
    pandas = pytest.importorskip("pandas")
    result = mini.run(reference.mini_inputs(1, 3))
    frame = result.to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == [
        "arrival", "admitted", "finished", "work", "work_so_far", "tenant", "failed",
        "latency"]
    # No schedule takes less than the work of all requests on all PEAs.
    assert 0 < frame["work"].sum() <= result.makespan_cycles * result.data["machine"]["peas"]
    # When the last one finishes all tasks have ended.
    assert frame["work_so_far"].max() == frame["work"].sum()
    assert frame["latency"].max() == result.latency_cycles.max
    blocks = result.blocks_frame()
    assert blocks.loc["mini/shift", "instances"] == 3
    assert list(mini.compare(("static",), requests=1).to_frame().index) == ["static"]


def test_timing_only_executes_nothing(mini):
    # Its control blocks have no profile: a run without code cannot decide.
    with pytest.raises(octopus.ProgramError, match="mini/"):
        mini.run(requests=2, timing_only=True)


def test_save_and_load(mini, tmp_path):
    path = tmp_path / "m.octo"
    mini.save(path)
    loaded = octopus.load(path)
    assert loaded.to_bytes() == mini.to_bytes()
    assert loaded.workflows == mini.workflows
    inputs = reference.mini_inputs(1, 2)
    assert loaded.run(inputs).outputs_sha256 == mini.run(inputs).outputs_sha256


def test_two_compilations_give_equal_bytes(mini):
    again = octopus.compile(conftest.workflow("mini"), target="edge")
    assert again.to_bytes() == mini.to_bytes()


def test_description(mini):
    (workflow,) = mini.workflows
    assert workflow.name == "mini"
    assert [a.name for a in workflow.arguments] == ["x", "n"]
    assert workflow.arguments[0].type == "tensor<4xf32>"
    assert workflow.results[1].shape == (-1, 4)
    assert mini.executable
    assert "mini" in str(mini) and repr(mini) == "<octopus.Program mini>"
    assert set(POLICIES) <= set(octopus.policies())
    assert {"edge", "die", "wafer"} <= set(octopus.targets())


def test_inputs(mini):
    one = mini.run([[0.5, 1, 1, 1], 2])
    assert one.requests_completed == 1
    with pytest.raises(octopus.ProgramError, match="argument `x` is tensor<4xf32>.*f64"):
        mini.run({"x": np.zeros(4), "n": 1})
    with pytest.raises(octopus.ProgramError, match="no argument `z`"):
        mini.run({"z": np.zeros(4, np.float32)})
    with pytest.raises(octopus.ProgramError, match="argument `n` .* is not given"):
        mini.run({"x": np.zeros(4, np.float32)})
    with pytest.raises(octopus.ProgramError, match="takes 2 arguments, 1 arrays"):
        mini.run([np.zeros(4, np.float32)])
    with pytest.raises(TypeError, match="complex64"):
        mini.run({"x": np.zeros(4, np.complex64), "n": 1})


def test_options_of_wrong_types_and_sizes(profiled):
    for name in ("requests", "seed", "in_flight"):
        for value in (-1, 2**64):
            with pytest.raises(octopus.ProgramError, match="%r is a whole number from 0" % name):
                profiled.run(**{name: value})
        for value in (2.5, "2", []):
            with pytest.raises(TypeError, match="%r is a whole number, not" % name):
                profiled.run(**{name: value})
    assert profiled.run(requests=np.int64(2), seed=2**64 - 1).seed == 2**64 - 1
    for name in ("disable", "policy_options"):
        with pytest.raises(octopus.ProgramError, match="%r has one text" % name):
            profiled.run(**{name: "ddsm"})
        with pytest.raises(TypeError, match="%r lists names, not 3" % name):
            profiled.run(**{name: [3]})
    with pytest.raises(octopus.ProgramError, match="'policies' has one text"):
        profiled.compare("static")
    with pytest.raises(TypeError, match="inputs are named by texts, not by 3"):
        profiled.run({3: 1})


def test_scenarios_take_numbers_of_numpy_and_paths(mini, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros(4, np.float32))
    np.save(tmp_path / "n.npy", np.int64(1))
    inputs = {name: {"file": tmp_path / (name + ".npy")} for name in ("x", "n")}
    scenario = {"requests": np.int64(3), "inputs": inputs}
    assert mini.run(scenario=scenario).requests_completed == 3
    with pytest.raises(TypeError, match="a scenario has numbers"):
        mini.run(scenario={"requests": object()})


def test_files_are_only_written_for_a_run_that_can_be(profiled, tmp_path):
    log = tmp_path / "run.csv"
    log.write_text("of the run before")
    for wrong in ({"policy": "none"}, {"requests": 0}, {"policy_options": ["gang=1"]}):
        with pytest.raises(octopus.ProgramError):
            profiled.run(log=log, **wrong)
        with pytest.raises(octopus.ProgramError):
            profiled.run(trace=log, **wrong)
    with pytest.raises(octopus.ProgramError, match="two outputs cannot be one file"):
        profiled.run(log=log, trace=log)
    assert log.read_text() == "of the run before"
    with pytest.raises(octopus.ProgramError, match="one file for option 'log'"):
        profiled.sweep({"seed": [1, 2]}, log=log)
    assert len(profiled.sweep({"seed": [1]}, log=log)) == 1
    assert log.read_text().startswith("request,tenant,path")


def test_text_source():
    with open(conftest.workflow("profiled")) as file:
        program = octopus.compile(file.read(), target="edge", kernels=False)
    assert program.run(requests=3).requests_completed == 3
    assert not program.executable


def test_failed_requests_are_isolated():
    program = octopus.compile(conftest.workflow("divide"), target="edge")
    a = np.array([[6, 8, 9]] * 4, np.int32)
    b = np.array([[1, 2, 3], [1, 0, 1], [3, 2, 1], [-1, -2, -3]], np.int32)
    result = program.run({"a": a, "b": b})
    assert result.completed
    assert (result.requests_completed, result.requests_failed) == (3, 1)
    (failure,) = result.failures
    assert failure.request == 1
    assert failure.path == "divide/quotient"
    assert "divide.mlir" in failure.source
    assert "division by zero" in failure.reason
    outputs = result.outputs()
    np.testing.assert_array_equal(outputs["_requests"], [0, 2, 3])
    np.testing.assert_array_equal(outputs["quotient"], [[6, 4, 3], [2, 4, 9], [-6, -4, -3]])


def test_scenarios(profiled, tmp_path):
    result = profiled.run(
        scenario={"requests": 50, "seed": 5, "arrivals": {"poisson": {"mean_gap_cycles": 10000}}}
    )
    assert result.seed == 5 and result.requests_completed == 50
    path = tmp_path / "s.yaml"
    path.write_text("requests: 5\nsede: 3\n")
    with pytest.raises(octopus.ProgramError) as caught:
        profiled.run(scenario=path)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.file, diagnostic.line, diagnostic.column) == (str(path), 2, 1)
    assert "did you mean `seed`?" in diagnostic.message


def test_there_is_something_to_run(profiled):
    for nothing in ({"requests": 0}, {"requests": 3, "in_flight": 0}):
        with pytest.raises(octopus.ProgramError, match="at least one request"):
            profiled.run(**nothing)


def test_a_recorded_profile_compiles(tmp_path):
    source = conftest.workflow("mini")
    program = octopus.compile(source, target="edge")
    inputs = reference.mini_inputs(2, 32)
    recorded = program.run(inputs, record_outcomes=True)
    path = tmp_path / "profile.json"
    recorded.save_profile(path)
    # With it, the workflow runs without executing code, and does about as much.
    timed = octopus.compile(source, target="edge", profile=path, kernels=False)
    result = timed.run(requests=2000, seed=9, timing_only=True)
    assert result.requests_completed == 2000

    def mean(run, requests, path, key):
        (block,) = [b for b in run.data["blocks"] if b["path"] == path]
        value = block[key] if isinstance(block[key], int) else sum(block[key])
        return value / requests

    trips = mean(recorded, 32, "mini/halve", "outcomes")
    assert mean(result, 2000, "mini/halve", "outcomes") == pytest.approx(trips, rel=0.2)
    rows = mean(recorded, 32, "mini/rows/each/row", "instances")
    assert mean(result, 2000, "mini/rows/each/row", "instances") == pytest.approx(rows, rel=0.2)


def test_unfinished_runs_are_errors(profiled):
    stop = {"requests": 5, "stop": {"max_cycles": 100}}
    with pytest.raises(octopus.SimulationError, match="max_cycles") as caught:
        profiled.run(scenario=stop)
    assert caught.value.result.status == "cycle-limit"
    assert not profiled.run(scenario=stop, check=False).completed


def test_bad_programs(tmp_path):
    with pytest.raises(octopus.ProgramError, match="No such file"):
        octopus.load(tmp_path / "none.octo")
    (tmp_path / "empty.octo").write_bytes(b"")
    with pytest.raises(octopus.ProgramError, match="empty.octo"):
        octopus.load(tmp_path / "empty.octo")


def test_compile_errors_carry_diagnostics(tmp_path):
    path = tmp_path / "bad.mlir"
    path.write_text(
        'owg.workflow @w(%x: f32) -> f32 {\n'
        '  %0 = owg.task "t"(%a = %x : f64) -> f32 {\n'
        "    owg.yield %a : f64\n  }\n  owg.return %0 : f32\n}\n"
    )
    with pytest.raises(octopus.CompileError) as caught:
        octopus.compile(path, target="edge")
    diagnostic = caught.value.diagnostics[0]
    assert diagnostic.severity == "error"
    assert diagnostic.file.endswith("bad.mlir")
    assert diagnostic.line == 2 and diagnostic.column > 0
    with pytest.raises(octopus.CompileError, match="no such file"):
        octopus.compile("nowhere.mlir")
    with pytest.raises(octopus.CompileError, match="target 'moon' is neither"):
        octopus.compile(conftest.workflow("mini"), target="moon")
    target = tmp_path / "t.yaml"
    target.write_text("name: x\nclok: 3\n")
    with pytest.raises(octopus.CompileError, match="t.yaml:2:1") as caught:
        octopus.compile(conftest.workflow("mini"), target=target)


def test_unknown_policy(profiled):
    with pytest.raises(octopus.ProgramError, match="static.*pool.*octopus"):
        profiled.run(policy="magic")


def test_import_is_quick():
    script = (
        "import time; t = time.perf_counter(); import octopus; "
        "print(time.perf_counter() - t)"
    )
    times = [
        float(subprocess.check_output([sys.executable, "-c", script], env=os.environ))
        for _ in range(5)
    ]
    assert min(times) < 0.5


def test_sweep_is_the_same_everywhere(mini):
    import concurrent.futures

    space = {"policy": ("static", "octopus"), "seed": range(3)}
    here = mini.sweep(space, requests=4)
    assert [tuple(p.options.values()) for p in here] == [
        (policy, seed) for policy in ("static", "octopus") for seed in range(3)
    ]
    assert here[4].data["seed"] == 1 and here[4].data["policy"] == "octopus"
    with concurrent.futures.ProcessPoolExecutor(2) as executor:
        there = mini.sweep(space, executor=executor, requests=4)

    def stable(sweep):
        return [{k: v for k, v in point.data.items() if k != "host"} for point in sweep]

    assert stable(here) == stable(there)
    frame = here.to_frame()
    assert list(frame["seed"]) == [0, 1, 2, 0, 1, 2] and frame["makespan_cycles"].min() > 0
    with pytest.raises(octopus.ProgramError, match="varied and given"):
        mini.sweep({"seed": [1]}, seed=2)
    with pytest.raises(octopus.ProgramError, match="list of values"):
        mini.sweep({"policy": "static"})
