# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The experiment of bench/suite: design, variations, statistics, the page, a smoke run."""

import json
import math
import os
import subprocess
import sys

import pytest

import conftest

octopus = pytest.importorskip("octopus")
yaml = pytest.importorskip("yaml")

SUITE = os.path.join(conftest.ROOT, "bench", "suite")
sys.path.insert(0, SUITE)

import design  # noqa: E402
import evaluation  # noqa: E402
import page  # noqa: E402
import variants  # noqa: E402


def bench(*arguments):
    return subprocess.run(
        [sys.executable, SUITE, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
    )


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """Results and summary of the smoke version."""
    folder = tmp_path_factory.mktemp("suite")
    grid = os.path.join(SUITE, "smoke.yaml")
    results, summary = folder / "r.jsonl", folder / "s.json"
    done = bench("run", "--grid", grid, "--results", results, "--processes", 2)
    assert done.returncode == 0, done.stdout
    assert " 0 not completed, 0 left" in done.stdout
    done = bench("summarise", "--grid", grid, "--results", results, "--json", summary)
    assert done.returncode == 0, done.stdout
    return grid, results, summary


def test_smoke_runs_and_is_written_up(smoke, tmp_path):
    grid, results, summary = smoke
    document = json.loads(summary.read_text())
    planned = design.points(design.load(grid))
    assert document["run"] == document["planned"] == len(planned)
    assert document["not_completed"] == []
    for policy in ("static", "pool", "octopus"):
        seen = document["overview"][policy]["of_bound_64"]
        assert 0.1 < seen["mean"] < 1.3 and seen["low"] < seen["mean"] < seen["high"]
    # What is chosen in hindsight is told, and is the same for all seeds.
    parts = document["tuned"]
    assert list(parts) == ["pool"] and sum(parts["pool"].values()) == pytest.approx(1, abs=1e-3)
    chosen = {}
    for entry in map(json.loads, results.read_text().splitlines()[1:]):
        point, options = entry["point"], entry["seen"].get("tuned", {})
        if point["variant"] != "pool":
            assert not options
            continue
        key = tuple(point[k] for k in ("workload", "peas", "movement", "machine"))
        assert chosen.setdefault(key, options) == options in ({}, {"gang": 1})
    page = tmp_path / "e.md"
    assert bench("document", "--json", summary, "-o", page).returncode == 0
    text = page.read_text()
    for part in (
        "## Goals",
        "## What is not gained",
        "## Ablation",
        "## After a jump",
        "## The way in",
        "## Scaling",
    ):
        assert part in text


def test_a_finished_point_is_not_run_again(smoke, tmp_path):
    grid, results, _ = smoke
    lines = results.read_text().splitlines(keepends=True)
    again = tmp_path / "again.jsonl"
    # Two points are missing, and a third was being written.
    again.write_text("".join(lines[:-3]) + lines[-3][:20])
    done = bench("run", "--grid", grid, "--results", again, "--processes", 1)
    assert done.returncode == 0, done.stdout
    assert "3 points in" in done.stdout and "%d were there" % (len(lines) - 4) in done.stdout

    def stable(path):
        entries = [json.loads(line) for line in path.read_text().splitlines()[1:]]
        for entry in entries:
            entry["seen"].pop("host_seconds")
        return sorted(map(json.dumps, entries))

    assert stable(again) == stable(results), "numbers depend on more than the point"
    # Results of one grid are not mixed with those of another.
    other = tmp_path / "other.yaml"
    with open(grid) as file:
        other.write_text(file.read().replace("seeds: [1, 2]", "seeds: [1, 3]"))
    done = bench("run", "--grid", other, "--results", again)
    assert done.returncode == 1 and "another grid" in done.stdout


def test_page_says_whom_the_way_in_holds_up():
    parts = {"static": {"mean": 0.5}, "octopus": {"mean": 0.9}}
    summary = {"way_in": {"main-large": parts, "wide-large": parts}}
    assert "does not know" in "\n".join(page.way_in(summary))
    summary["held_up"] = {}
    assert "sets it nowhere" in "\n".join(page.way_in(summary))
    summary["held_up"] = {"lu": {"mean": 0.897}}
    assert "0.90 of it with `lu`" in "\n".join(page.way_in(summary))


def test_grid_is_balanced():
    grid = design.load(os.path.join(SUITE, "grid.yaml"))
    planned = design.points(grid)
    assert len({design.key(p) for p in planned}) == len(planned)
    main = [p for p in planned if p["experiment"] == "main"]
    moving = [p for p in main if p["drift"] != "none"]
    assert len(moving) * 2 == len(main)
    assert len({p["seed"] for p in main}) == 10
    # No factor stands for another one: all pairs of levels are about as frequent.
    for a, b in (("peas", "drift"), ("peas", "movement"), ("drift", "movement")):
        counts = {}
        for point in main:
            pair = (point[a], point[b])
            counts[pair] = counts.get(pair, 0) + 1
        pairs = len({p[a] for p in main}) * len({p[b] for p in main})
        assert len(counts) == pairs and max(counts.values()) < 1.3 * min(counts.values()), counts
    # In every cell there are all policies.
    cells = {}
    for point in main:
        cells.setdefault(design.cell(point), set()).add(point["variant"])
    assert len(set(map(frozenset, cells.values()))) == 1
    # Evaluation seeds are no training seeds; regimes have seeds of their own.
    seeds = {e: {p["seed"] for p in planned if p["experiment"] == e} for e in grid["experiments"]}
    assert min(min(s) for s in seeds.values()) > 99
    others = set().union(*(s for e, s in seeds.items() if not e.startswith("regime-")))
    for experiment, mine in seeds.items():
        if experiment.startswith("regime-"):
            assert not mine & others and len(mine) == 10


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda g: g.pop("machines"), "has no key 'machines'"),
        (lambda g: g.update(extra=1), "has a key 'extra'"),
        (lambda g: g["experiments"]["main"].pop("seeds"), "needs seeds"),
        (lambda g: g["experiments"]["main"].update(peas=7), "no size of 7 PEAs"),
        (lambda g: g["experiments"]["main"].update(workload="x"), "no workload 'x'"),
        (lambda g: g["experiments"]["main"].update(rotate=["x"]), "cannot rotate 'x'"),
        (lambda g: g["variants"]["pool"].update(tune=[]), "variants.pool.tune: must be a list"),
        (lambda g: g["variants"]["pool"].update(policy="magic"), "there is no policy 'magic'"),
    ],
)
def test_bad_grids_are_named(change, message, tmp_path):
    with open(os.path.join(SUITE, "smoke.yaml")) as file:
        grid = yaml.safe_load(file)
    change(grid)
    path = tmp_path / "g.yaml"
    path.write_text(yaml.safe_dump(grid))
    done = bench("run", "--grid", path, "--results", tmp_path / "r.jsonl")
    assert done.returncode == 1 and message in done.stdout, done.stdout


def test_the_page_is_what_the_generator_writes():
    summary = os.path.join(SUITE, "results", "summary.json")
    page = os.path.join(conftest.ROOT, "docs", "evaluation.md")
    if not os.path.exists(summary):
        pytest.skip("the experiment was not run yet")
    with open(summary) as file, open(page) as written:
        assert written.read() == evaluation.document(json.load(file))


# -- parts ---------------------------------------------------------------------


def test_means_and_intervals():
    mean, half = evaluation.interval([1.0, 2.0, 3.0, 4.0])
    # s = 1.29099, Student 3.182 with 3 degrees of freedom.
    assert mean == 2.5 and half == pytest.approx(3.182 * 1.2909944 / 2)
    assert evaluation.interval([3.0]) == (3.0, None)
    # Seeds count, not points: two points of one seed are one value.
    seen = evaluation.geometric([(1, 2.0), (1, 8.0), (2, 4.0)])
    assert seen == {"mean": 4.0, "low": 4.0, "high": 4.0, "seeds": 2, "points": 3}
    seen = evaluation.geometric([(1, 1.0), (2, 4.0)])
    assert seen["mean"] == 2.0
    assert math.log(seen["high"] / 2) == pytest.approx(12.706 * math.log(2), rel=1e-3)
    assert evaluation.geometric([]) is None


def cell(seed, **rates):
    point = {"seed": seed, "workload": "w", "peas": 64, "drift": "none", "experiment": "main"}
    return {"point": point, "seen": {v: {"rate": r, "of_bound": r / 10} for v, r in rates.items()}}


def test_ratios_are_paired():
    cells = [
        cell(1, octopus=4.0, static=2.0),
        cell(2, octopus=9.0, static=3.0),
        cell(3, static=1.0),
    ]
    assert evaluation.ratios(cells, evaluation.of("static")) == [
        (("main", 1), 2.0),
        (("main", 2), 3.0),
    ]
    # The best of several, and only where all of them are there.
    cells = [cell(1, octopus=4.0, static=2.0, pool=8.0), cell(2, octopus=4.0, static=2.0)]
    assert evaluation.ratios(cells, evaluation.best(["static", "pool"])) == [(("main", 1), 0.5)]
    assert evaluation.ratios(cells, evaluation.best([])) == []
    # At the bound there would be 10 / 2.
    assert evaluation.ceiling(cells, evaluation.of("static", "of_bound")) == 5.0


def test_seeds_that_were_ended_do_not_count():
    points = [{"experiment": "a", "seed": s, "workload": w} for s in (1, 2) for w in "xyz"]
    points.append({"experiment": "b", "seed": 1, "workload": "x"})
    points.append({"experiment": "b", "seed": 1, "workload": "y"})
    run = [{"point": p} for p in points if p != points[4] and p != points[7]]
    left = [e["point"] for e in evaluation.whole_seeds(points, run)]
    # Of a the first seed; of b, where none is whole, what there is.
    assert left == points[:3] + [points[6]]


def around(before, *curves):
    return evaluation.Jump(
        {
            seed: {"parts_a_turn": 8, "part_cycles": 10, "before": before, "curve": curve}
            for seed, curve in enumerate(curves)
        }
    )


def test_time_to_recover():
    flat, dip = [1.0] * 32, [0.5] * 16 + [1.0] * 32
    assert around([1.0] * 8, flat).turns_to(1.0) == (0, True)
    # An average over 8 parts is above 0.9 once one of them is low at most.
    jump = around([1.0] * 8, dip)
    assert jump.turns_to(1.0) == ((16 + 3) / 8, True) and jump.lowest() == 0.5
    assert jump.turns_to(0.5) == (0, True) and jump.turn_cycles == 80
    # It comes back too late to be called that, or never.
    for curve in ([1.0] * 20 + [0.5] * 20, [0.5] * 24):
        turns, recovered = around(flat, curve).turns_to(1.0)
        assert not recovered and turns * 8 == len(curve) - 3
    # What happened before does not count.
    assert around([0.5] * 8 + [1.0] * 8, flat).turns_to(1.0) == (0, True)
    assert around([], dip).turns_to(1.0) == ((16 - 1) / 8, True)
    # Nor what may be chance: two seeds of three had no dip.
    assert around([1.0] * 8, flat, flat, dip).turns_to(1.0) == (0, True)
    assert around([1.0] * 8, dip, dip, dip).turns_to(1.0) == ((16 + 3) / 8, True)
    # Those that are drawn.
    jump = around([1.0] * 8, dip, flat)
    assert jump.turns_to(1.0, [1, 1, 7])[0] == 0 and jump.turns_to(1.0, [0])[0] > 2


def point(experiment, drift, seed, policy, **seen):
    return {
        "point": {
            "experiment": experiment,
            "workload": "w",
            "peas": 64,
            "movement": 0.15,
            "drift": drift,
            "seed": seed,
            "variant": policy,
        },
        "seen": dict(seen, status="completed"),
    }


def jumping(drift, seed, **curves):
    return [
        point(
            "recovery",
            drift,
            seed,
            policy,
            recovery={"part_cycles": 10, "parts_a_turn": 8, "before": [1.0] * 16, "curve": curve},
        )
        for policy, curve in curves.items()
    ]


def test_recovery_is_told_against_reactive():
    entries = []
    for seed in (1, 2, 3):
        # Two turns and a half, to a level that is lower than ours; and not at all.
        slow = [0.3] * (17 + seed) + [0.6] * 70
        entries += jumping("turn", seed, octopus=[1.0] * 80, reactive=slow)
        entries += jumping("back", seed, octopus=[1.0] * 80, reactive=[0.6] * 80)
    assert evaluation.recovery(evaluation.Results(entries)) == []  # no level is known
    for drift in ("turned", "sharp"):
        entries.append(point("settled", drift, 4, "octopus", of_bound=1.0))
        entries.append(point("settled", drift, 4, "reactive", of_bound=0.62))
    results = evaluation.Results(entries)
    turn, back = evaluation.recovery(results)
    assert (turn["drift"], back["drift"], turn["seeds"]) == ("turn", "back", 3)
    assert turn["in_flight_per_pea"] == 4 and turn["turn_cycles"] == 80
    assert turn["policies"]["octopus"]["turns"] == turn["policies"]["octopus"]["turns_to_best"] == 0
    slow = turn["policies"]["reactive"]
    assert slow["settled"] == 0.62 and slow["recovered"] and 2 <= slow["turns"] <= 3.5
    assert slow["lowest"] == pytest.approx(0.3 / 0.62, abs=1e-3) and not slow["reached_best"]
    assert back["policies"]["reactive"]["turns"] == 0
    falls, every, best = evaluation.recovery_goals(results)
    # What does not fall does not count, or as 1.
    assert falls["seen"]["mean"] == pytest.approx(slow["turns"] + 1, abs=1e-3)
    assert every["seen"]["mean"] == pytest.approx((slow["turns"] + 1) ** 0.5, abs=1e-3)
    assert falls["seen"]["low"] <= falls["seen"]["mean"] <= falls["seen"]["high"]
    assert best["against"].endswith("(at least)") and best["seen"]["mean"] > 10
    text = "\n".join(page.recovery({"recovery": [turn, back]}))
    assert "Of 2 jumps policies fall: `reactive` at 1 and `octopus` at 0." in text
    # A seed that lacks a policy does not count.
    more = evaluation.Results(entries + jumping("turn", 5, octopus=[1.0] * 80))
    assert evaluation.recovery(more) == [turn, back]
    # Nor do jumps that only some policies went through.
    some = [e for e in entries if e["point"]["seed"] != 4 or e["point"]["drift"] == "turned"]
    some = [e for e in some if (e["point"]["drift"], e["point"]["variant"]) != ("back", "reactive")]
    assert evaluation.recovery(evaluation.Results(some)) == [turn]


def test_drift_is_mixed_and_reaches_the_far_point():
    workflow = yaml.safe_load("""
        workflow: w
        steps:
          - branch: b
            drift: [{from: 1000000, probabilities: [0.2, 0.8]}]
            cases:
              - {name: x, probability: 0.6, steps: [{task: t, cycles: 5}]}
              - {name: y, steps: [{task: u, cycles: {exp: 100}, drift: [{from: 1000000, cycles: {exp: 300}}]}]}
        """)
    branch = workflow["steps"][0]
    task = branch["cases"][1]["steps"][0]
    variants.set_drift(workflow, "gradual", 160)
    assert [p["from"] for p in branch["drift"]] == list(range(10, 160, 10))
    assert branch["drift"][7]["probabilities"] == [0.2, 0.8]
    assert branch["drift"][3]["probabilities"] == [0.4, 0.6]
    assert task["drift"][7]["cycles"] == {"exp": 300}
    assert task["drift"][0]["cycles"] == {"exp": 125}
    for part in branch["drift"]:
        assert sum(part["probabilities"]) == 1


TURNING = """
workflow: w
steps:
  - branch: b
    drift: [{from: 1000000, probabilities: [0.5, 0.5]}]
    cases:
      - {name: x, probability: 0.75, steps: [{task: t, cycles: 5}]}
      - {name: y, steps: [{task: u, cycles: {exp: 100}, drift: [{from: 1000000, cycles: {exp: 300}}]}]}
  - loop: l
    trips: {empirical: {values: [1, 5], weights: [0.75, 0.25]}}
    steps: [{fan_out: f, count: {geometric: 0.6}, steps: [{loop: m, trips: 3, steps: [{task: v, cycles: 1}]}]}]
"""


def turned(kind):
    """Probabilities, trips and counts of the workflow, and how they drift."""
    workflow = yaml.safe_load(TURNING)
    variants.set_drift(workflow, kind, 90)
    branch, loop = workflow["steps"]
    fan_out = loop["steps"][0]
    assert "drift" not in branch["cases"][1]["steps"][0]  # frequencies only
    assert "drift" not in fan_out["steps"][0]  # nothing to turn round
    now = [case["probability"] for case in branch["cases"]], loop["trips"], fan_out["count"]
    return now, [step.get("drift") for step in (branch, loop, fan_out)]


def test_a_turn_reverses_frequencies():
    (chances, trips, count), drifts = turned("turn")
    assert chances == [0.9, pytest.approx(0.1)]
    assert trips == {"empirical": {"values": [1, 5], "weights": [0.9, pytest.approx(0.1)]}}
    assert count == {"geometric": 0.6}
    assert drifts == [
        [{"from": 30, "probabilities": [pytest.approx(0.1), 0.9]}],
        [{"from": 30, "trips": {"empirical": {"values": [1, 5], "weights": [pytest.approx(0.1), 0.9]}}}],
        [{"from": 30, "count": {"geometric": 0.4}}],
    ]
    # Back is the same the other way round, and each leads to what is there all the time.
    now, later = turned("back")
    assert turned("sharp") == ((chances, trips, count), [None] * 3)
    assert turned("turned") == (now, [None] * 3)
    assert now[0] == drifts[0][0]["probabilities"] and now[1] == drifts[1][0]["trips"]
    assert later[0] == [{"from": 30, "probabilities": chances}]
    assert later[1] == [{"from": 30, "trips": trips}]
    assert later[2] == [{"from": 30, "count": count}]


def test_code_and_store_grow_together():
    with open(os.path.join(conftest.ROOT, "examples", "targets", "die.yaml")) as file:
        die = yaml.safe_load(file)
    machine = variants.machine(die, 2, 4, 3.0, {"control_plane.token_hop_cycles": 9})
    assert machine["config_store"]["bytes"] == 3 * 128 * 1024
    assert machine["pea"]["sram"] == 3 * 256 * 1024
    assert machine["control_plane"]["token_hop_cycles"] == 9
    assert machine["host"]["at"] == [0, 2]
    assert sorted(port["at"] for port in machine["hbm"]) == [[0, 1], [0, 2], [1, 1], [1, 2]]
    assert variants.byte_count("3KiB") == 3072
    with pytest.raises(ValueError):
        variants.byte_count("3 apples")


def test_vary_writes_a_workflow_that_compiles(tmp_path):
    source = os.path.join(conftest.ROOT, "examples", "workflows", "suite", "flow.yaml")
    done = bench("vary", source, "--drift", "jump", "--requests", 30)
    assert done.returncode == 0
    path = tmp_path / "flow.yaml"
    path.write_text(done.stdout)
    result = octopus.compile(str(path), target="edge", kernels=False).run(requests=30, in_flight=4)
    assert result.requests_completed == 30
