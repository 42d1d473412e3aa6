# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The workload suite: every workflow runs under every policy, and its work is its own."""

import csv
import glob
import os
import re

import pytest

import conftest

octopus = pytest.importorskip("octopus")
yaml = pytest.importorskip("yaml")

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


def dense(kernels, tiles):
    """The tasks of a tiled factorisation as (kernel, tasks it needs), by the rules of
    Buttari et al.: `kernels` is potrf or lu."""
    tasks, last = [], {}

    def add(kernel, tile, *reads):
        needs = {last[t] for t in (tile, *reads) if t in last}
        tasks.append((kernel, frozenset(needs)))
        last[tile] = len(tasks) - 1

    for k in range(tiles):
        later = range(k + 1, tiles)
        add(kernels, (k, k))
        if kernels == "lu":
            for j in later:
                add("fwd", (k, j), (k, k))
            for i in later:
                add("bdiv", (i, k), (k, k))
            for i in later:
                for j in later:
                    add("bmod", (i, j), (i, k), (k, j))
        else:
            for i in later:
                add("trsm", (i, k), (k, k))
            for i in later:
                add("syrk", (i, i), (i, k))
                for j in range(k + 1, i):
                    add("gemm", (i, j), (i, k), (j, k))
    return tasks


def shape(tasks):
    """A graph up to the order of its tasks: each by kernel and what is before it."""
    names = []
    for kernel, needs in tasks:
        names.append((kernel, tuple(sorted(names[n] for n in needs))))
    return sorted(map(repr, names))


@pytest.mark.parametrize("name, kernels, tiles", [("cholesky", "potrf", 4), ("lu", "lu", 3)])
def test_dense_graphs_follow_the_rule(name, kernels, tiles):
    with open(os.path.join(SUITE, name + ".yaml")) as file:
        steps = yaml.safe_load(file)["steps"]
    number, tasks = {}, []
    for step in steps[1:-1]:
        needs = frozenset(number[n] for n in step["needs"] if not n.startswith("distribute"))
        number[step["task"]] = len(tasks)
        tasks.append((step["task"].rstrip("0123456789"), needs))
    assert shape(tasks) == shape(dense(kernels, tiles))


@pytest.mark.parametrize("file, kernels", [("cholesky_4.txt", "potrf"), ("denselu_4.txt", "lu")])
def test_the_rule_gives_published_graphs(file, kernels):
    path = os.path.join(os.environ.get("OCTO_DATA_DIR", ""), "dense_la_dags", file)
    if not os.path.exists(path):
        pytest.skip("the published graphs are not here")
    with open(path) as published:
        text = published.read()
    kernel = dict(re.findall(r"^\s*(\d+)\s+\[kernel=(\w+)\]", text, re.M))
    needs = {task: set() for task in kernel}
    for before, after in re.findall(r"(\d+) -> (\d+)", text):
        needs[after].add(before)
    number, tasks = {}, []
    while len(tasks) < len(kernel):
        for task in kernel:
            if task not in number and all(n in number for n in needs[task]):
                number[task] = len(tasks)
                tasks.append((kernel[task], frozenset(number[n] for n in needs[task])))
    # Kernel by kernel, with how many tasks each needs: files draw some edges twice removed.
    ours = dense(kernels, 4)
    assert sorted(k for k, _ in tasks) == sorted(k for k, _ in ours)
    assert shape(tasks) == shape(ours)


def test_token_counts_are_those_of_the_trace():
    path = os.path.join(os.environ.get("OCTO_DATA_DIR", ""), "azure_llm")
    path = os.path.join(path, "AzureLLMInferenceTrace_code.csv")
    if not os.path.exists(path):
        pytest.skip("the trace is not here")
    with open(path) as file:
        rows = list(csv.DictReader(file))
    with open(os.path.join(SUITE, "rag_agent.yaml")) as file:
        steps = {s.get("task", s.get("loop")): s for s in yaml.safe_load(file)["steps"]}

    def quantiles(column):
        values = sorted(int(row[column]) for row in rows)
        return [values[int((i + 0.5) / 20 * len(values))] for i in range(20)]

    assert steps["prefill"]["cycles"]["empirical"] == [1500 * t for t in quantiles("ContextTokens")]
    assert steps["decode"]["trips"]["empirical"] == [
        -(-t // 4) for t in quantiles("GeneratedTokens")
    ]


@pytest.mark.parametrize("workload", WORKLOADS)
def test_scenarios_of_the_suite(workload):
    folder = os.path.join(conftest.ROOT, "examples", "scenarios", "suite")
    program = octopus.compile(os.path.join(SUITE, workload + ".yaml"), target="edge")
    steady = program.run(scenario=os.path.join(folder, "steady.yaml"), requests=12)
    assert steady.requests_completed == 12
    # Past the jump requests behave otherwise: they cost other work.
    before = program.run(scenario=os.path.join(folder, "jump.yaml"), requests=60, policy="pool")
    work = before.requests()["work"]
    same = program.run(scenario=os.path.join(folder, "steady.yaml"), requests=60, policy="pool",
                       seed=before.seed, in_flight=8)
    assert (same.requests()["work"][:32] == work[:32]).all()
    assert (same.requests()["work"][32:] != work[32:]).any()


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


POLICIES = ("static-even", "static", "reactive", "elastic", "pool", "pool-affinity", "mct", "octopus")


@pytest.mark.parametrize("workload", WORKLOADS)
def test_compare_shows_every_policy(workload):
    program = octopus.compile(os.path.join(SUITE, workload + ".yaml"), target="die")
    compared = program.compare(
        policies=POLICIES, requests=8, in_flight=8, seed=5, timing_only=True, policy_options=()
    )
    results = {result.policy: result for result in compared}
    assert set(results) == set(POLICIES)
    for result in results.values():
        assert result.makespan_cycles >= result.data["lower_bound_cycles"]
    assert len({result.data["realised_work_cycles"] for result in results.values()}) == 1
    # All that is measured is in the text, in words.
    text = str(compared)
    for part in (
        "how to read", "/ static-even", "/ static", "/ best other", "of bound", "lower bound",
        "slowdown", "mostly", "predicted alone", "in time", "goodput",
        "contagious", "depth", "mesh", "links", "busiest", "migrations",
    ):
        assert part in text, part


def test_heft_says_what_it_needs():
    program = octopus.compile(os.path.join(SUITE, "flow.yaml"), target="die")
    with pytest.raises(octopus.ProgramError, match="use 'mct'"):
        program.run(requests=1, policy="heft", timing_only=True)
    graph = octopus.compile(os.path.join(SUITE, "cholesky.yaml"), target="die")
    assert graph.run(requests=8, policy="heft", timing_only=True).requests_completed == 8
