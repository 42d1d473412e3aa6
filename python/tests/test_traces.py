# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Timelines and logs of octo-run, read by others than us.

Timelines are decoded with the classes of the public Perfetto schema, which come
with the package `perfetto`; where PyPI cannot be reached those tests are
skipped (test/unit/RuntimeIO decodes too). Logs are read with pandas.
"""

import json
import os
import subprocess

import pandas as pd
import pytest

import conftest

READER = os.path.join(conftest.HERE, "trace_reader.py")


@pytest.fixture(scope="module")
def perfetto_python(tmp_path_factory):
    """A Python that has the public schema."""
    return conftest.python_with(str(tmp_path_factory.mktemp("perfetto")), "perfetto==0.59.1", "protobuf<8")


def watched(program, folder, policy):
    """A run without and one with timeline and log; the results must agree."""
    documents = []
    for extra in ([], ["--trace", folder / "t.pftrace", "--log", folder / "l.csv"]):
        done = conftest.run_tool(
            "octo-run", "run", program, "--requests", 150, "--in-flight", 12, "--policy", policy,
            "--timing-only", "--json", "-", *extra
        )
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        document.pop("host")
        documents.append(document)
    assert documents[0] == documents[1]
    return documents[0]


@pytest.mark.parametrize("policy", ["static", "pool", "octopus"])
def test_timeline_has_every_cycle_and_arrow(programs, perfetto_python, tmp_path, policy):
    run = watched(programs["profiled"], tmp_path, policy)
    done = subprocess.run(
        [perfetto_python, READER, str(tmp_path / "t.pftrace")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    phases, states = seen["phases"], run["pea_cycles"]
    assert phases["computing"] == states["computing"]
    assert phases.get("configuring", 0) == states["configuring"]
    assert phases.get("held", 0) + phases.get("kept", 0) == states["waiting"]
    moving = phases.get("moving data", 0) + phases.get("re-forming", 0) + phases.get("joining", 0)
    assert moving == states["moving_data"]
    done = sum(seen["tasks"].values())
    assert done == run["counters"]["task_instances"] + run["counters"]["resizes"]
    for block in run["blocks"]:
        if block["kind"] == "task" and not block["resizes"]:
            assert seen["tasks"].get(block["path"], 0) == block["instances"]
    assert seen["flows"] > 0 and seen["flows_agree"]
    assert seen["events"]["TYPE_SLICE_BEGIN"] == seen["events"]["TYPE_SLICE_END"]
    assert {"requests", "host port", "die", "cluster", "TBU", "PEA", "CBU"} <= set(seen["tracks"])


def test_timeline_of_a_stopped_run(programs, perfetto_python, tmp_path):
    scenario = tmp_path / "stop.yaml"
    run = json.loads(
        conftest.run_tool(
            "octo-run", "run", programs["profiled"], "--requests", 50, "--json", "-", "-q"
        ).stdout
    )
    scenario.write_text("requests: 50\nstop: {max_cycles: %d}\n" % (run["makespan_cycles"] // 2))
    path = tmp_path / "t.pftrace"
    done = conftest.run_tool(
        "octo-run", "run", programs["profiled"], "--scenario", scenario, "--trace", path, "--json",
        "-", "-q"
    )
    assert done.returncode == 3
    stopped = json.loads(done.stdout)
    done = subprocess.run([perfetto_python, READER, str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["phases"]["computing"] == stopped["pea_cycles"]["computing"]


@pytest.mark.parametrize("policy", ["static", "pool", "octopus"])
def test_timeline_of_a_run_with_faults(programs, perfetto_python, tmp_path, policy):
    """All cycles are there, deaths have marks, and what they broke off is blamed on them."""
    program = programs["profiled"]

    def run(*extra):
        done = conftest.run_tool(
            "octo-run", "run", program, "--requests", 60, "--in-flight", 12, "--policy", policy,
            "--timing-only", "--json", "-", *extra
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    last = run()["makespan_cycles"]
    scenario = tmp_path / "faults.yaml"
    scenario.write_text(
        f"faults:\n  - {{draw: pea, rate: 0.3, between: [0, {last}], seed: 3}}\n"
    )
    files = ["--trace", tmp_path / "t.pftrace", "--log", tmp_path / "l.csv", "--blame", tmp_path / "b.csv"]
    plain, seen = run("--scenario", scenario), run("--scenario", scenario, *files)
    plain.pop("host"), seen.pop("host")
    assert plain == seen
    faults, states = seen["faults"], seen["pea_cycles"]
    assert faults["instances_set_back"] > 0

    done = subprocess.run(
        [perfetto_python, READER, str(tmp_path / "t.pftrace")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    trace = json.loads(done.stdout)
    phases = trace["phases"]
    assert phases["computing"] == states["computing"]
    waiting = [phases.get(name, 0) for name in ("held", "kept", "broken gang")]
    assert sum(waiting) == states["waiting"]
    deaths = [part for part in faults["parts"] if not part["dead_already"]]
    assert trace["deaths"] == len(deaths)
    assert trace["dead"] == len(deaths)

    log = pd.read_csv(tmp_path / "l.csv", dtype={"tag": str}, keep_default_na=False)
    assert (log.fault == "lost").sum() == faults["instances_set_back"]
    assert not log[log.fault == "lost"].completed.any()
    blame = pd.read_csv(tmp_path / "b.csv")
    causes = list(seen["blame"]["cycles"])
    assert (blame[causes].sum(axis=1) == blame.latency).all()
    assert blame.lost.sum() == seen["blame"]["cycles"]["lost"] > 0


def test_log_is_a_table(programs, tmp_path):
    for policy in ("static", "octopus"):
        run = watched(programs["profiled"], tmp_path, policy)
        log = pd.read_csv(tmp_path / "l.csv", dtype={"tag": str})
        assert len(log) == run["counters"]["task_instances"]
        assert log.completed.all()
        assert (log.ready <= log.dispatched).all()
        assert (log.dispatched <= log.configured).all()
        assert (log.configured <= log.started).all()
        assert (log.started <= log.finished).all()
        assert set(log.cause) <= {
            "none", "queue", "decision", "configuration", "operands", "weights"
        }
        waits = log.assign(wait=log.started - log.ready).groupby("path").wait
        for block in run["blocks"]:
            if block["kind"] != "task" or not block["instances"]:
                continue
            assert waits.count()[block["path"]] == block["instances"]
            assert waits.sum()[block["path"]] == block["wait_cycles"]
            assert waits.max()[block["path"]] == block["max_wait_cycles"]
        # One instance an activation.
        assert not log.duplicated(["request", "path", "tag"]).any()


def test_blame_adds_up(programs, tmp_path):
    for policy in ("static", "octopus"):
        path = tmp_path / "b.csv"
        done = conftest.run_tool(
            "octo-run", "run", programs["profiled"], "--requests", 400, "--in-flight", 12, "--policy",
            policy, "--blame", path, "--json", "-"
        )
        assert done.returncode == 0, done.stderr
        run = json.loads(done.stdout)
        rows = pd.read_csv(path)
        causes = list(run["blame"]["cycles"])
        assert len(rows) == run["blame"]["requests"] == run["latency_cycles"]["count"] == 400
        assert (rows[causes].sum(axis=1) == rows.latency).all()
        assert rows[causes].sum().to_dict() == run["blame"]["cycles"]
        late = rows.nlargest(4, "latency")
        assert run["blame"]["slowest"]["requests"] == 4
        assert sum(run["blame"]["slowest"]["cycles"].values()) == late.latency.sum()
        assert rows.latency.mean() == pytest.approx(run["latency_cycles"]["mean"])
        # Blocks are those of the program, and no more than all.
        assert set(rows.block.dropna()) <= {block["path"] for block in run["blocks"]}
        parts = sum(sum(block["cycles"].values()) for block in run["blame"]["blocks"])
        assert 0 < parts <= rows.latency.sum()


def test_formats(programs, tmp_path):
    def first(name, *options):
        path = tmp_path / name
        done = conftest.run_tool(
            "octo-run", "run", programs["profiled"], "--trace", path, "-q", *options
        )
        assert done.returncode == 0, done.stderr
        return path.read_bytes()[:1]

    assert first("a.json") == b"{"
    assert first("a.pftrace") == b"\n"
    assert first("a.json", "--trace-format", "perfetto") == b"\n"
    assert first("a.pftrace", "--trace-format", "chrome") == b"{"
