# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The workload suite: every workflow runs under every policy, and its work is its own."""

import glob
import os

import pytest

import conftest

octopus = pytest.importorskip("octopus")

SUITE = os.path.join(conftest.ROOT, "examples", "workflows", "suite")
WORKLOADS = sorted(
    os.path.splitext(os.path.basename(path))[0] for path in glob.glob(os.path.join(SUITE, "*.yaml"))
)
REQUESTS = 24


def test_suite_is_there():
    assert len(WORKLOADS) >= 6


@pytest.mark.parametrize("workload", WORKLOADS)
def test_every_policy_completes_the_same_work(workload):
    program = octopus.compile(os.path.join(SUITE, workload + ".yaml"), target="die")
    expected = None
    for policy in ("static", "pool", "octopus"):
        result = program.run(requests=REQUESTS, policy=policy, seed=3, timing_only=True, record_outcomes=True)
        data = result.data
        assert data["requests_completed"] == REQUESTS
        assert data["makespan_cycles"] >= data["lower_bound_cycles"] > 0
        tasks = sum(1 for block in data["blocks"] if block["kind"] == "task")
        assert 10 <= tasks <= 25, "a workload has 10 to 25 task blocks"
        outcomes = result.outcomes()
        # What was drawn: cycles of every task instance, cases, trips, copies.
        drawn = sorted(zip(*(map(int, outcomes[c]) for c in ("request", "block", "tag", "value"))))
        assert drawn
        expected = expected or drawn
        assert drawn == expected, f"{policy} realised other work"


def test_behaviour_differs_between_requests():
    program = octopus.compile(os.path.join(SUITE, "dsmoe.yaml"), target="die")
    result = program.run(requests=REQUESTS, policy="pool", timing_only=True, record_outcomes=True)
    columns = result.outcomes()
    blocks = result.data["blocks"]
    values = {}
    for block, value in zip(columns["block"], columns["value"]):
        if blocks[block]["kind"] in ("select", "loop"):
            values.setdefault(blocks[block]["path"], set()).add(int(value))
    assert any(len(seen) > 8 for path, seen in values.items() if path.endswith("experts"))
    assert any(len(seen) > 1 for path, seen in values.items() if path.endswith("decode"))
