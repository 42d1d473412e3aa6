# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs of real programs that are interrupted, by a signal or at an event, and go on."""

import json
import os
import random
import signal
import subprocess
import time

import pytest

import conftest

octopus = pytest.importorskip("octopus")

EXAMPLES = ("triage", "refine", "detect", "moe")
KINDS = ("pea", "tbu", "cbu", "link", "cluster", "hbm")


def octo_run(*arguments):
    return conftest.run_tool("octo-run", "run", *arguments)


def compile_to(path, source, *arguments):
    target = os.path.join(conftest.ROOT, "examples", "targets", "die.yaml")
    done = conftest.run_tool("octo-compile", source, "--target", target, "-o", path, *arguments)
    assert done.returncode == 0, done.stderr


def result_of(path):
    data = json.loads(path.read_text())
    data.pop("host")
    return data


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_go_on(name, tmp_path):
    """With recorded requests, so that work and sizes vary; each policy, each mesh."""
    source = os.path.join(conftest.ROOT, "examples", "workflows", name + ".mlir")
    first, program, profile = tmp_path / "a.octo", tmp_path / "b.octo", tmp_path / "p.json"
    compile_to(first, source, "--kernel-opt", 0)
    done = octo_run(first, "--requests", 8, "--record-profile", profile, "--quiet")
    assert done.returncode == 0, done.stderr
    compile_to(program, source, "--profile", profile, "--no-kernels")
    rng = random.Random(name)
    for policy in ("static", "pool", "octopus"):
        for network in ("message", "flit", "link"):
            run = [program, "--timing-only", "--policy", policy, "--network", network,
                   "--requests", 12, "--seed", rng.randrange(1000), "--quiet"]
            length = check_run(run, rng, tmp_path)["makespan_cycles"]
            # And while parts of the machine die.
            scenario = tmp_path / "faults.yaml"
            kind = rng.choice(KINDS)
            scenario.write_text(f"faults: [{{draw: {kind}, count: 2, between: [0, {length}]}}]\n")
            assert check_run([*run, "--scenario", scenario], rng, tmp_path)["faults"]["parts"]


def check_run(run, rng, folder):
    """Interrupts a run at a random event and lets it go on; returns what it reports."""
    whole, rest, checkpoint = folder / "w.json", folder / "r.json", folder / "c"
    code = octo_run(*run, "--json", whole).returncode
    expected = result_of(whole)
    assert code == 0 or expected["status"] == "machine-lost"
    at = rng.randrange(1, expected["events"] - 1)
    interrupted = octo_run(*run, "--checkpoint", checkpoint, "--checkpoint-at", at, "--json", rest)
    assert interrupted.returncode == code, interrupted.stderr
    assert result_of(rest) == expected
    resumed = octo_run(*run, "--resume", checkpoint, "--json", rest)
    assert resumed.returncode == code, resumed.stderr
    assert result_of(rest) == expected, (run, at)
    return expected


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_lose_nothing(programs, tmp_path, number):
    whole, part, rest = tmp_path / "w.json", tmp_path / "p.json", tmp_path / "r.json"
    checkpoint = tmp_path / "c"
    run = [programs["profiled"], "--timing-only", "--requests", 150000, "--seed", 5, "--quiet"]
    assert octo_run(*run, "--json", whole).returncode == 0
    tools = os.environ.get("OCTO_TOOLS_DIR")
    command = [os.path.join(tools, "octo-run") if tools else "octo-run", "run"]
    command += [str(a) for a in run]
    command += ["--checkpoint", str(checkpoint), "--checkpoint-every", "20000", "--json", str(part)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, universal_newlines=True)
    while not checkpoint.exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 3, errors
    assert "interrupted at cycle" in errors
    stopped = result_of(part)
    expected = result_of(whole)
    assert stopped["status"] == "cancelled"
    assert 0 < stopped["requests_completed"] < expected["requests_completed"]
    assert stopped["events"] < expected["events"]
    done = octo_run(*run, "--resume", checkpoint, "--json", rest)
    assert done.returncode == 0, done.stderr
    assert result_of(rest) == expected


def test_runs_with_code_have_none(programs, tmp_path):
    done = octo_run(programs["mini"], "--requests", 2, "--checkpoint", tmp_path / "c")
    assert done.returncode == 1
    assert "add --timing-only, or drop --checkpoint and --resume" in done.stderr


def test_stop_rules_tell_what_is_open(programs, tmp_path):
    scenario, out = tmp_path / "s.yaml", tmp_path / "r.json"
    scenario.write_text("requests: 1000\nstop: {max_events: 3000}\n")
    done = octo_run(programs["profiled"], "--timing-only", "--scenario", scenario, "--json", out)
    assert done.returncode == 3
    assert "who waits on whom: " in done.stderr
    data = json.loads(out.read_text())
    assert data["status"] == "event-limit" and data["wait_chain"]
    assert data["wait_cycle"] is None
