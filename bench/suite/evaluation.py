# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""From results to a summary, and from a summary to the page."""

from __future__ import annotations

import math
import random
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

import design

OURS = "octopus"
# What a policy can be that does not adapt to what it sees, or only late.
CONVENTIONAL = ("static-even", "static", "reactive", "elastic", "pool")
SATURATION = ("main", "main-large")

Cell = Dict[str, Any]

# -- statistics ----------------------------------------------------------------

_STUDENT = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179,
    2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
]  # fmt: skip


def student(degrees: int) -> float:
    """The 97.5 % quantile of Student's distribution."""
    if degrees <= len(_STUDENT):
        return _STUDENT[degrees - 1]
    return 1.95996 + 2.37227 / degrees + 2.8225 / degrees**2


def interval(values: List[float]) -> Tuple[float, Optional[float]]:
    """Mean, and half the width of its 95 % interval (None for one value)."""
    mean = sum(values) / len(values)
    if len(values) < 2:
        return mean, None
    spread = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
    return mean, student(len(values) - 1) * spread / math.sqrt(len(values))


def geometric(pairs: Iterable[Tuple[Any, float]]) -> Optional[Dict[str, Any]]:
    """Geometric mean of positive values that come with their seeds.

    What the same seed gave is averaged first: the seeds are what is independent.
    """
    by_seed: Dict[Any, List[float]] = {}
    for seed, value in pairs:
        if value > 0:
            by_seed.setdefault(seed, []).append(math.log(value))
    if not by_seed:
        return None
    means = [sum(logs) / len(logs) for _, logs in sorted(by_seed.items())]
    mean, half = interval(means)
    return {
        "mean": round(math.exp(mean), 4),
        "low": None if half is None else round(math.exp(mean - half), 4),
        "high": None if half is None else round(math.exp(mean + half), 4),
        "seeds": len(means),
        "points": sum(len(logs) for logs in by_seed.values()),
    }


# -- points --------------------------------------------------------------------


class Results:
    """Completed points, found by what they are."""

    def __init__(self, entries: List[Dict[str, Any]]) -> None:
        self.cells: Dict[str, Cell] = {}
        for entry in entries:
            point, seen = entry["point"], entry["seen"]
            if seen["status"] != "completed":
                continue
            cell = self.cells.setdefault(design.cell(point), {"point": point, "seen": {}})
            cell["seen"][point["variant"]] = seen

    def of(self, *experiments: str, **conditions: Any) -> List[Cell]:
        return [
            cell
            for cell in self.cells.values()
            if cell["point"]["experiment"] in experiments
            and all(cell["point"][key] == value for key, value in conditions.items())
        ]


def seed_of(cell: Cell) -> Any:
    """What is independent of other ones; experiments are of different points."""
    return cell["point"]["experiment"], cell["point"]["seed"]


def ratios(
    cells: List[Cell],
    other: Callable[[Dict[str, Any]], Optional[float]],
    ours: str = OURS,
    metric: str = "rate",
) -> List[Tuple[Any, float]]:
    """Our value over the other one, of the cells that have both, by experiment and seed."""
    result = []
    for cell in cells:
        mine = cell["seen"].get(ours, {}).get(metric)
        theirs = other(cell["seen"])
        if mine and theirs:
            result.append((seed_of(cell), mine / theirs))
    return result


def of(variant: str, metric: str = "rate") -> Callable[[Dict[str, Any]], Optional[float]]:
    return lambda seen: seen.get(variant, {}).get(metric)


def best(
    variants: Iterable[str], metric: str = "rate"
) -> Callable[[Dict[str, Any]], Optional[float]]:
    """The largest value of `variants`; None unless all are there."""
    names = list(variants)

    def value(seen: Dict[str, Any]) -> Optional[float]:
        values = [seen.get(name, {}).get(metric) for name in names]
        return None if None in values or not values else max(values)

    return value


def by(cells: List[Cell], *factors: str) -> Dict[Tuple[Any, ...], List[Cell]]:
    groups: Dict[Tuple[Any, ...], List[Cell]] = {}
    for cell in cells:
        groups.setdefault(tuple(cell["point"][f] for f in factors), []).append(cell)
    return dict(sorted(groups.items(), key=lambda item: tuple(map(str, item[0]))))


def mean_of(cells: List[Cell], variant: str, metric: str) -> Optional[float]:
    values = [c["seen"].get(variant, {}).get(metric) for c in cells]
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 5) if known else None


# -- the summary ---------------------------------------------------------------


def goal(
    text: str, wanted: str, least: float, seen: Optional[Dict[str, Any]], **more: Any
) -> Dict[str, Any]:
    met = None if seen is None else seen["mean"] >= least
    return dict({"against": text, "goal": wanted, "least": least, "seen": seen, "met": met}, **more)


def whole_seeds(
    planned: List[Dict[str, Any]], entries: List[Dict[str, Any]]
) -> List[Dict[str, Any]]:
    """The entries of seeds that were run to their end, for each experiment: half a seed
    has other points than a whole one. Where no seed is whole, what there is."""

    def count(points: Iterable[Dict[str, Any]]) -> Dict[Tuple[str, int], int]:
        counts: Dict[Tuple[str, int], int] = {}
        for point in points:
            group = point["experiment"], point["seed"]
            counts[group] = counts.get(group, 0) + 1
        return counts

    there, wanted = count(e["point"] for e in entries), count(planned)
    whole = {group for group, number in there.items() if number == wanted.get(group)}
    some = {experiment for experiment, _ in whole}
    return [
        e
        for e in entries
        if (e["point"]["experiment"], e["point"]["seed"]) in whole
        or e["point"]["experiment"] not in some
    ]


def summarise(
    grid: Dict[str, Any], planned: List[Dict[str, Any]], entries: List[Dict[str, Any]]
) -> Dict[str, Any]:
    head, entries = entries[0], whole_seeds(planned, entries[1:])
    results = Results(entries)
    variants = list(grid["variants"])
    main = results.of(*SATURATION)
    policies = [v for v in variants if any(v in c["seen"] for c in main)]
    baselines = [v for v in policies if v != OURS]
    summary: Dict[str, Any] = {
        "grid": head["grid"],
        "revision": head["revision"],
        "planned": len(planned),
        "run": len(entries),
        "host_seconds": round(sum(e["seen"].get("host_seconds", 0) for e in entries)),
        "not_completed": [
            {"point": e["point"], "why": e["seen"].get("error", e["seen"]["status"])}
            for e in entries
            if e["seen"]["status"] != "completed"
        ],
        "experiments": {
            name: {
                "about": experiment.get("about", ""),
                "planned": sum(p["experiment"] == name for p in planned),
                "run": sum(e["point"]["experiment"] == name for e in entries),
                "seeds": len(
                    {e["point"]["seed"] for e in entries if e["point"]["experiment"] == name}
                ),
                "of_seeds": len(experiment["seeds"]),
            }
            for name, experiment in grid["experiments"].items()
        },
        "policies": policies,
        "workloads": sorted({c["point"]["workload"] for c in main}),
    }
    summary["goals"] = goals(results, main, baselines)
    summary["tuned"] = tuned(grid, entries)
    summary["overview"] = {v: overview(results, main, v) for v in policies}
    summary["by_workload"] = {
        workload[0]: {v: geometric(ratios(cells, lambda s: 1.0, v, "of_bound")) for v in policies}
        for workload, cells in by(main, "workload").items()
    }
    summary["ours_by_workload"] = {
        workload[0]: {v: geometric(ratios(cells, of(v))) for v in baselines}
        for workload, cells in by(main, "workload").items()
    }
    summary["movement"] = {
        str(level[0]): {
            "policies": {
                v: geometric(ratios(cells, lambda s: 1.0, v, "of_bound")) for v in policies
            },
            "ours_to_best": geometric(ratios(cells, best(baselines))),
            "by_workload": {
                w[0]: geometric(ratios(some, best(baselines)))
                for w, some in by(cells, "workload").items()
            },
        }
        for level, cells in by(results.of("movement"), "movement").items()
    }
    summary["ablation"] = ablation(results, grid)
    summary["regimes"] = {
        name: regime(results.of(name), name[len("regime-") :])
        for name in grid["experiments"]
        if name.startswith("regime-")
    }
    summary["recovery"] = recovery(results)
    summary["latency"] = latency(results)
    summary["scaling"] = scaling(results)
    summary["goals"] += recovery_goals(results) + later_goals(summary)
    # What the width of links costs on large machines.
    summary["way_in"] = {
        name: {
            v: geometric(ratios(cells, lambda s: 1.0, v, "of_bound"))
            for v in policies
            if any(v in c["seen"] for c in cells)
        }
        for name in ("main-large", "wide-large")
        if (cells := results.of(name))
    }
    # Whom it holds up, whatever the policy, and what we reach of it.
    summary["held_up"] = {
        workload[0]: geometric(ratios(cells, lambda s: 1.0, OURS, "of_bound"))
        for workload, cells in by(
            [
                c
                for c in results.of("main-large")
                if c["seen"].get(OURS, {}).get("bound_by") in ("way_in", "way_out")
            ],
            "workload",
        ).items()
    }
    summary["sensitivity"] = {
        machine[0]: {
            v: geometric(ratios(cells, of(v)))
            for v in baselines
            if any(v in c["seen"] for c in cells)
        }
        | {"of_bound": geometric(ratios(cells, lambda s: 1.0, OURS, "of_bound"))}
        for machine, cells in by(results.of("sensitivity"), "machine").items()
    }
    return summary


def tuned(grid: Dict[str, Any], entries: List[Dict[str, Any]]) -> Dict[str, Dict[str, float]]:
    """For each policy that may be tuned, how often which options were chosen, as parts
    of its points."""
    table: Dict[str, Dict[str, float]] = {}
    for variant, entry in grid["variants"].items():
        mine = [e["seen"] for e in entries if e["point"]["variant"] == variant]
        if len(entry.get("tune", [])) < 2 or not mine:
            continue
        counts = {name_of(choice): 0 for choice in entry["tune"]}
        for seen in mine:
            counts[name_of(seen.get("tuned", {}))] += 1
        table[variant] = {name: round(n / len(mine), 4) for name, n in counts.items()}
    return table


def name_of(options: Dict[str, Any]) -> str:
    return ", ".join("%s=%s" % item for item in sorted(options.items())) or "default"


def goals(results: Results, main: List[Cell], baselines: List[str]) -> List[Dict[str, Any]]:
    still = [c for c in main if c["point"]["drift"] == "none"]
    moving = [c for c in main if c["point"]["drift"] != "none"]
    large = [c for c in main if c["point"]["peas"] >= 256]
    rows = []
    even = geometric(ratios(main, of("static-even")))
    rows.append(
        goal(
            "`static-even`", "2.3", 2.3, even, ceiling=ceiling(main, of("static-even", "of_bound"))
        )
    )
    workloads = {
        w[0]: geometric(ratios(cells, of("static-even")))
        for w, cells in by(main, "workload").items()
    }
    known = {w: r for w, r in workloads.items() if r}
    if known:
        top = max(known, key=lambda w: known[w]["mean"])
        rows.append(goal("`static-even`, best workload (%s)" % top, "3.4", 3.4, known[top]))
    for name, cells, least in (("stationary", still, 1.3), ("drifting", moving, 1.5)):
        rows.append(
            goal(
                "`static`, " + name,
                str(least),
                least,
                geometric(ratios(cells, of("static"))),
                ceiling=ceiling(cells, of("static", "of_bound")),
            )
        )
    conventional = [v for v in CONVENTIONAL if v in baselines]
    rows.append(
        goal(
            "best of %s, 256 PEAs and more" % ", ".join("`%s`" % v for v in conventional),
            "1.35",
            1.35,
            geometric(ratios(large, best(conventional))),
            ceiling=ceiling(large, best(conventional, "of_bound")),
        )
    )
    affinity = geometric(ratios(main, of("pool-affinity")))
    points = {
        group: geometric(ratios(cells, of("pool-affinity")))
        for group, cells in by(main, "workload", "peas").items()
    }
    there = {g: r for g, r in points.items() if r}
    row = goal(
        "`pool-affinity`",
        "1.02, interval above 1, no point under 0.97",
        1.02,
        affinity,
        ceiling=ceiling(main, of("pool-affinity", "of_bound")),
    )
    if there and affinity:
        worst = min(there, key=lambda g: there[g]["mean"])
        row["worst"] = {"point": "%s on %s PEAs" % worst, "mean": there[worst]["mean"]}
        row["met"] = bool(
            row["met"] and (affinity["low"] or 0) > 1 and there[worst]["mean"] >= 0.97
        )
    rows.append(row)
    for peas, least in ((64, 0.97), (256, 0.92), (1024, 0.85)):
        cells = [c for c in main if c["point"]["peas"] == peas]
        rows.append(
            goal(
                "the lower bound, %s PEAs" % format(peas, ","),
                str(least),
                least,
                geometric(ratios(cells, lambda s: 1.0, OURS, "of_bound")),
            )
        )
    for drift, name, least in (("none", "stationary", 1.1), ("gradual", "drifting", 2.5)):
        cells = results.of("latency", drift=drift)
        pairs = [
            (s, 1 / r) for s, r in ratios(cells, of("static", "latency_p99"), OURS, "latency_p99")
        ]
        rows.append(
            goal(
                "p99 latency of `static` at 0.8 of its saturation, " + name,
                str(least),
                least,
                geometric(pairs),
            )
        )
    cells = [c for c in main if c["point"]["peas"] == 1024]
    pairs = [(s, 1 / r) for s, r in ratios(cells, of("pool", "byte_hops"), OURS, "byte_hops")]
    rows.append(
        goal("link load of `pool` at 1,024 PEAs, for the same requests", "3", 3.0, geometric(pairs))
    )
    cells = results.of("movement", movement=10)
    row = goal(
        "best baseline at a movement cost of 10 mean blocks",
        "0.97 on every workload",
        0.97,
        geometric(ratios(cells, best(baselines))),
    )
    there = {
        group[0]: seen
        for group, some in by(cells, "workload").items()
        if (seen := geometric(ratios(some, best(baselines))))
    }
    if there:
        name = min(there, key=lambda w: there[w]["mean"])
        row["worst"] = {"point": name, "mean": there[name]["mean"]}
        row["met"] = bool(row["met"] and there[name]["mean"] >= 0.97)
    rows.append(row)
    return rows


def later_goals(summary: Dict[str, Any]) -> List[Dict[str, Any]]:
    """Those about tables that have no interval of their own."""
    rows: List[Dict[str, Any]] = []
    slowest = None
    for row in summary["scaling"].values():
        for peas, value in row.items():
            if value and int(peas) > 16 and (slowest is None or value["mean"] < slowest["mean"]):
                slowest = value
    rows.append(
        goal(
            "one cluster: throughput a PEA on up to 256 clusters, the least", "0.85", 0.85, slowest
        )
    )
    return rows


def ceiling(
    cells: List[Cell], other: Callable[[Dict[str, Any]], Optional[float]]
) -> Optional[float]:
    """What a policy at the bound would have: the geometric mean of 1 over the
    baseline's part of the bound."""
    values = [
        (seed_of(cell), 1 / value)
        for cell in cells
        for value in [other(cell["seen"])]
        if value
    ]
    seen = geometric(values)
    return seen["mean"] if seen else None


def overview(results: Results, main: List[Cell], variant: str) -> Dict[str, Any]:
    row: Dict[str, Any] = {}
    for peas, cells in by(main, "peas").items():
        row["of_bound_%s" % peas[0]] = geometric(ratios(cells, lambda s: 1.0, variant, "of_bound"))
    if variant != OURS:
        row["ours"] = geometric(ratios(main, of(variant)))
    for metric in (
        "utilization", "idle_transient", "idle_structural", "idle_contagious", "propagation_depth",
        "link_load",
    ):  # fmt: skip
        row[metric] = mean_of(main, variant, metric)
    # What was moved for the same requests, against `static`.
    for metric in ("byte_hops", "code_bytes", "energy_per_request"):
        row[metric] = geometric(ratios(main, of("static", metric), variant, metric))
    return row


def ablation(results: Results, grid: Dict[str, Any]) -> Dict[str, Any]:
    rows = {}
    cells = results.of("ablation")
    for variant, entry in grid["variants"].items():
        if not any(variant in c["seen"] for c in cells):
            continue
        rows[variant] = {
            "off": entry.get("disable", []),
            "all": geometric(ratios(cells, of(OURS), variant)),
        }
        for drift, group in by(cells, "drift").items():
            rows[variant][drift[0]] = geometric(ratios(group, of(OURS), variant))
        for metric in (
            "idle_transient", "idle_structural", "idle_contagious", "propagation_depth",
            "migrations",
            "migrated_bytes",
            "byte_hops",
        ):  # fmt: skip
            rows[variant][metric] = mean_of(cells, variant, metric)
    return rows


def regime(cells: List[Cell], mechanism: str) -> Dict[str, Any]:
    without = "without-" + mechanism
    row: Dict[str, Any] = {
        "mechanism": mechanism,
        "without": geometric(ratios(cells, of(OURS), without)),
    }
    for metric in (
        "idle_transient", "idle_structural", "idle_contagious", "propagation_depth",
        "migrations",
            "migrated_bytes",
            "byte_hops",
    ):  # fmt: skip
        row[metric] = [mean_of(cells, OURS, metric), mean_of(cells, without, metric)]
    return row


# -- after a jump ----------------------------------------------------------------

# What counts as recovered.
RECOVERED = 0.9
# Resamples of the seeds for intervals of what is no mean, always the same ones.
RESAMPLES = 400
TIME_TO_OWN = "time of `reactive` to 90 % of its own steady throughput after a jump"
TIME_TO_BEST = "time of `reactive` to 90 % of the best policy's steady throughput after a jump"


def time_to(before: List[float], curve: List[float], level: float, width: int) -> Tuple[int, bool]:
    """Parts of time after a jump until a curve stays above `level`, averaged over
    `width` parts around each; False with all of them if it does not."""
    values, last = before + curve, -1
    total = sum(values[:width])
    for end in range(width, len(values) + 1):
        # The middle of the average, from the jump on.
        if total < level * width:
            last = end - 1 - width // 2 - len(before)
        if end < len(values):
            total += values[end] - values[end - width]
    if last < 0:
        return 0, True
    if last >= len(curve) - 1 - width // 2:
        return len(curve), False
    return last + 1, True


class Jump:
    """What a policy did around a jump, averaged over runs: one is too noisy to see a
    tenth."""

    def __init__(self, runs: List[Dict[str, Any]]) -> None:
        def mean(key: str, length: int, end: bool) -> List[float]:
            cut = [run[key][-length:] if end else run[key][:length] for run in runs]
            return [sum(values) / len(cut) for values in zip(*cut)]

        self.turn = runs[0]["parts_a_turn"]
        # What all have.
        self.before = mean("before", min(len(run["before"]) for run in runs), True)
        self.curve = mean("curve", min(len(run["curve"]) for run in runs), False)
        tail = self.curve[-len(self.curve) // 3 :]
        self.level = sum(tail) / len(tail)

    def turns_to(self, level: float) -> Tuple[float, bool]:
        parts, seen = time_to(self.before, self.curve, RECOVERED * level, self.turn)
        return parts / self.turn, seen


def jumps(results: Results) -> Dict[str, Dict[Any, Dict[str, Dict[str, Any]]]]:
    """By workload, seed and policy, where all policies of a cell have been run."""
    runs: Dict[str, Dict[Any, Dict[str, Dict[str, Any]]]] = {}
    cells = results.of("recovery")
    wanted = {v for c in cells for v in c["seen"]}
    for cell in cells:
        seen = {v: s.get("recovery", {}) for v, s in cell["seen"].items()}
        if set(seen) == wanted and all(len(run.get("curve", [])) >= 3 for run in seen.values()):
            runs.setdefault(cell["point"]["workload"], {})[cell["point"]["seed"]] = seen
    return dict(sorted(runs.items()))


def averaged(runs: Iterable[Dict[str, Dict[str, Any]]]) -> Dict[str, Jump]:
    runs = list(runs)
    return {v: Jump([run[v] for run in runs]) for v in sorted(runs[0])}


def sooner(policies: Dict[str, Jump], to_best: bool) -> Tuple[float, bool]:
    """Time of `reactive` over ours until each has recovered, to its own level or to
    that of the best: times a turn apart cannot be told apart. True if it is at least
    so much, since `reactive` did not get there."""
    best = max(jump.level for jump in policies.values())

    def time(variant: str) -> Tuple[float, bool]:
        jump = policies[variant]
        return jump.turns_to(best if to_best else jump.level)

    (ours, _), (theirs, seen) = time(OURS), time("reactive")
    return (theirs + 1) / (ours + 1), not seen


def recovery(results: Results) -> Dict[str, Any]:
    table: Dict[str, Any] = {}
    for workload, runs in jumps(results).items():
        policies = averaged(runs.values())
        best = max(jump.level for jump in policies.values())
        for variant, jump in policies.items():
            own, own_seen = jump.turns_to(jump.level)
            to_best, best_seen = jump.turns_to(best)
            turn = jump.turn
            table.setdefault(workload, {})[variant] = {
                "seeds": len(runs),
                "before": round(sum(jump.before) / max(len(jump.before), 1), 4),
                "level": round(jump.level, 4),
                "turns": round(own, 3),
                "settled": own_seen,
                "turns_to_best": round(to_best, 3),
                "reached_best": best_seen,
                "turn_cycles": round(
                    sum(run[variant]["part_cycles"] for run in runs.values()) / len(runs) * turn
                ),
                "curve": [
                    round(sum(jump.curve[i : i + turn]) / turn, 4)
                    for i in range(0, len(jump.curve) - turn + 1, turn)
                ],
            }
    return table


def recovery_goals(results: Results) -> List[Dict[str, Any]]:
    """How much sooner than `reactive`, geometric means over the workloads; intervals by
    resampling the seeds."""
    runs = {
        workload: by_seed
        for workload, by_seed in jumps(results).items()
        if all({OURS, "reactive"} <= set(run) for run in by_seed.values())
    }
    seeds = sorted({seed for by_seed in runs.values() for seed in by_seed})
    rows = []
    for to_best, text in ((False, TIME_TO_OWN), (True, TIME_TO_BEST)):

        def seen(drawn: List[Any]) -> Tuple[Optional[float], bool]:
            logs, least = [], False
            for by_seed in runs.values():
                mine = [by_seed[seed] for seed in drawn if seed in by_seed]
                if mine:
                    value, at_least = sooner(averaged(mine), to_best)
                    logs.append(math.log(value))
                    least |= at_least
            return (math.exp(sum(logs) / len(logs)) if logs else None), least

        value, least = seen(seeds)
        row = None
        if value is not None:
            row = {"mean": round(value, 4), "low": None, "high": None, "seeds": len(seeds)}
            row["points"] = sum(len(by_seed) for by_seed in runs.values())
            if len(seeds) > 1:
                draw = random.Random(1)
                others = sorted(
                    other
                    for _ in range(RESAMPLES)
                    for other in [seen(draw.choices(seeds, k=len(seeds)))[0]]
                    if other is not None
                )
                cut = len(others) // 40
                row["low"], row["high"] = round(others[cut], 4), round(others[-1 - cut], 4)
        rows.append(goal(text + (" (at least)" if least else ""), "3", 3.0, row))
    return rows


def latency(results: Results) -> Dict[str, Any]:
    table: Dict[str, Any] = {}
    for (workload, drift), cells in by(results.of("latency"), "workload", "drift").items():
        rows: Dict[str, Any] = {}
        for variant in sorted({v for c in cells for v in c["seen"]}):
            mine = [c["seen"][variant] for c in cells if variant in c["seen"]]
            pairs = ratios(cells, of(variant, "latency_p99"), "static", "latency_p99")
            rows[variant] = {
                "p99": round(
                    math.exp(sum(math.log(max(m["latency_p99"], 1)) for m in mine) / len(mine))
                ),
                "better_than_static": geometric(pairs),
                "slo_part": round(sum(m["slo_part"] for m in mine) / len(mine), 4),
                "slo_goodput": round(1e6 * sum(m["slo_goodput"] for m in mine) / len(mine), 4),
                "requests": sum(m["counted"] for m in mine),
            }
        table["%s, %s" % (workload, "stationary" if drift == "none" else "drifting")] = rows
    return table


def scaling(results: Results) -> Dict[str, Any]:
    table: Dict[str, Any] = {}
    for workload, cells in by(results.of("scaling"), "workload").items():
        # One cluster, by seed.
        base = {
            c["point"]["seed"]: c["seen"][OURS]["rate"] / c["point"]["peas"]
            for c in cells
            if c["point"]["peas"] == 16 and OURS in c["seen"]
        }
        rows: Dict[str, Any] = {}
        for peas, group in by(cells, "peas").items():
            pairs = [
                (
                    c["point"]["seed"],
                    c["seen"][OURS]["rate"] / c["point"]["peas"] / base[c["point"]["seed"]],
                )
                for c in group
                if OURS in c["seen"] and c["point"]["seed"] in base
            ]
            rows[str(peas[0])] = geometric(pairs)
        table[workload[0]] = rows
    return table


# -- the page ------------------------------------------------------------------


def number(value: Optional[float], digits: int = 2) -> str:
    return "-" if value is None else "%.*f" % (digits, value)


def ratio(seen: Optional[Dict[str, Any]], digits: int = 2) -> str:
    if not seen:
        return "-"
    text = number(seen["mean"], digits)
    if seen["low"] is not None:
        text += " (%s to %s)" % (number(seen["low"], digits), number(seen["high"], digits))
    return text


def table(head: List[str], rows: List[List[str]]) -> List[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows] + [""]


def document(summary: Dict[str, Any]) -> str:
    import page

    return page.write(summary)
