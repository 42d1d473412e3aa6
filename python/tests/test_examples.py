# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The example workflows: NumPy, stock mlir-runner and octo-run agree.

For each example, every policy and five seeds: decisions are equal first, then the
outputs, to 1e-5 of their scale; the digest of the outputs is the same under every
policy. The references are in test/reference.
"""

import importlib
import os

import numpy as np
import pytest

import conftest
import stock
from common import item as item_of

octopus = pytest.importorskip("octopus")

EXAMPLES = ("triage", "refine", "detect", "moe")
FIXED = ("listen",)  # no decisions
REQUESTS = 4
SEEDS = range(5)


def path_of(name):
    return os.path.join(conftest.ROOT, "examples", "workflows", name + ".mlir")


@pytest.fixture(scope="module")
def compiled():
    cache = {}

    def get(name):
        if name not in cache:
            cache[name] = octopus.compile(path_of(name), target="die")
        return cache[name]

    return get


def assert_close(actual, expected, what):
    """Equal to 1e-5 of the scale of what is expected."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, what
    if expected.dtype.kind in "biu":
        np.testing.assert_array_equal(actual, expected, err_msg=what)
        return
    scale = max(float(np.abs(expected).max(initial=0)), 1e-30)
    assert float(np.abs(actual - expected).max(initial=0)) <= 1e-5 * scale, what


def decisions_of(result, requests):
    """Per request: the outcomes of its control blocks, as label -> list."""
    blocks = result.data["blocks"]
    table = [{} for _ in range(requests)]
    columns = result.outcomes()
    for request, block, value in zip(columns["request"], columns["block"], columns["value"]):
        if blocks[block]["kind"] != "task":
            label = blocks[block]["path"].split("/")[-1]
            table[request].setdefault(label, []).append(int(value))
    return table


def item(outputs, name, request):
    return outputs[name][request] if name in outputs else outputs["%s.%d" % (name, request)]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", EXAMPLES + FIXED)
def test_outputs_and_decisions(compiled, name, seed):
    reference = importlib.import_module(name)
    program = compiled(name)
    (workflow,) = program.workflows
    inputs = reference.make_inputs(seed, REQUESTS)
    expected = [reference.run(item_of(inputs, r)) for r in range(REQUESTS)]
    stock_outputs = stock.run(
        path_of(name),
        workflow,
        [[inputs[a.name][r] for a in workflow.arguments] for r in range(REQUESTS)],
    )
    digests = set()
    # (heft plans whole requests: it takes no control flow.)
    for policy in sorted(octopus.policies().keys() - {"heft"}):
        result = program.run(inputs, policy=policy, record_outcomes=True)
        assert result.requests_completed == REQUESTS
        decided = decisions_of(result, REQUESTS)
        outputs = result.outputs()
        for r, (values, decisions) in enumerate(expected):
            what = "%s, seed %d, %s, request %d" % (name, seed, policy, r)
            # What a reference decides is a control block's doing or a result.
            for key, expected_decision in decisions.items():
                ours = decided[r].get(key)
                if ours is None:
                    ours = np.asarray(item(outputs, key, r)).tolist()
                else:
                    (ours,) = ours
                assert ours == expected_decision, "%s, %s" % (what, key)
            assert set(decided[r]) <= set(decisions), what
            for k, value in enumerate(workflow.results):
                ours = item(outputs, value.name, r)
                assert_close(ours, values[value.name], what + ", NumPy")
                assert_close(ours, stock_outputs[r][k], what + ", mlir-runner")
        digests.add(result.outputs_sha256)
    assert len(digests) == 1


@pytest.mark.parametrize("name", EXAMPLES)
def test_requests_differ_in_decisions_and_cycles(compiled, name):
    reference = importlib.import_module(name)
    inputs = reference.make_inputs(0, 16)
    result = compiled(name).run(inputs, in_flight=1, record_outcomes=True)
    decisions = decisions_of(result, 16)
    assert any(d != decisions[0] for d in decisions)
    frame = result._run.requests()
    assert len(set(frame["finished"] - frame["arrival"].astype(np.int64))) > 1


def test_streams_pay(compiled):
    """A task that starts on the first frames is done sooner, with the same values."""
    inputs = importlib.import_module("listen").make_inputs(0, 3)
    streamed = compiled("listen")
    whole = octopus.compile(path_of("listen"), target="die", streams=False)
    least = {"static": 1.6, "octopus": 1.4}
    digests = set()
    for policy in sorted(octopus.policies()):
        one, other = (p.run(inputs, policy=policy, in_flight=1) for p in (streamed, whole))
        digests |= {one.outputs_sha256, other.outputs_sha256}
        assert other.data["counters"]["streams"] == 0
        if policy in least:
            assert one.data["counters"]["streams"] == 3 * one.requests_completed
            gain = other.latency_cycles.mean / one.latency_cycles.mean
            assert gain > least[policy], (policy, gain)
    assert len(digests) == 1
