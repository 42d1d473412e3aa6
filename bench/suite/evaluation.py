# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""From results to a summary, and from a summary to the page."""

from __future__ import annotations

import math
import random
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

import numpy as np

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
    summary["in_flight"] = in_flight(grid, results.of("main"), policies)
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


def in_flight(grid: Dict[str, Any], cells: List[Cell], policies: List[str]) -> Dict[str, Any]:
    """For each workload what part of the requests in flight that an experiment asks for
    it has, and what a request spills."""
    return {
        workload: {
            "part": grid["workloads"][workload].get("in_flight_part", 1),
            "spill_bytes": {
                v: round(value)
                for v in policies
                for value in [mean_of(some, v, "spill_bytes")]
                if value is not None
            },
        }
        for (workload,), some in by(cells, "workload").items()
        if mean_of(some, OURS, "spill_bytes") is not None
    }


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
# The experiments, and those that say what is steady.
RECOVERY = ("recovery", "recovery-full", "recovery-large", "recovery-dear")
SETTLED = ("settled", "settled-full", "settled-large", "settled-dear")
# What jumps have in common whose runs are averaged: factors of points, the jump last.
GROUP = ("workload", "peas", "in_flight_per_pea", "movement", "drift")
Group = Tuple[Any, ...]


def group_of(point: Dict[str, Any], jump: str) -> Group:
    point = dict(point, drift=jump)
    point.setdefault("in_flight_per_pea", design.IN_FLIGHT_PER_PEA)
    return tuple(point[factor] for factor in GROUP)


class Jump:
    """What a policy did from a jump on, by seed: averages over a turn around each part of
    time."""

    def __init__(self, runs: Dict[Any, Dict[str, Any]]) -> None:
        self.seeds = sorted(runs)
        first = runs[self.seeds[0]]
        self.turn = first["parts_a_turn"]
        self.turn_cycles = self.turn * sum(r["part_cycles"] for r in runs.values()) / len(runs)
        # What all have.
        early = min(len(run["before"]) for run in runs.values())
        late = min(len(run["curve"]) for run in runs.values())
        curves = np.array(
            [
                runs[seed]["before"][len(runs[seed]["before"]) - early :] + runs[seed]["curve"][:late]
                for seed in self.seeds
            ]
        )
        sums = np.cumsum(np.pad(curves, ((0, 0), (1, 0))), axis=1)
        windows = (sums[:, self.turn :] - sums[:, : -self.turn]) / self.turn
        # Those whose middle is not before the jump.
        self.after = windows[:, max(early - self.turn // 2, 0) :]

    def turns_to(self, level: float, drawn: Optional[List[Any]] = None) -> Tuple[float, bool]:
        """Turns after the jump until throughput stays above 90 % of `level`: until it is
        last below by more than chance, that is with all of its 95 % interval over the seeds.
        False, with as many turns as were looked at, if it is so to the end."""
        seen = self.after
        if drawn is not None:
            seen = seen[[self.seeds.index(seed) for seed in drawn if seed in self.seeds]]
        most = seen.mean(axis=0)
        if len(seen) > 1:
            most = most + student(len(seen) - 1) * seen.std(axis=0, ddof=1) / math.sqrt(len(seen))
        below = np.flatnonzero(most < RECOVERED * level)
        if not len(below):
            return 0.0, True
        last = int(below[-1]) + 1
        return last / self.turn, last < len(most)

    def lowest(self) -> float:
        return float(self.after.mean(axis=0).min())


def jumps(results: Results) -> Dict[Group, Tuple[Dict[str, Jump], Dict[str, float]]]:
    """By group what each policy did, where all have been run, and what is steady: the part
    of the bound that it has where nothing jumps, the workload being from the beginning
    what it is after the jump, and compiled for that."""
    runs: Dict[Group, Dict[str, Dict[Any, Dict[str, Any]]]] = {}
    for cell in results.of(*RECOVERY):
        for variant, seen in cell["seen"].items():
            run = seen.get("recovery")
            # A turn at least, to be averaged over.
            if run and len(run["curve"]) > run["parts_a_turn"]:
                group = runs.setdefault(group_of(cell["point"], cell["point"]["drift"]), {})
                group.setdefault(variant, {})[cell["point"]["seed"]] = run
    levels: Dict[Group, Dict[str, List[float]]] = {}
    leads = {after: jump for jump, after in design.SETTLED.items()}
    for cell in results.of(*SETTLED):
        group = levels.setdefault(group_of(cell["point"], leads[cell["point"]["drift"]]), {})
        for variant, seen in cell["seen"].items():
            group.setdefault(variant, []).append(seen["of_bound"])
    policies = {v for group in runs.values() for v in group}
    found = {}
    for group in sorted(runs, key=lambda g: (*g[:-1], list(design.SETTLED).index(g[-1]))):
        # Seeds that all policies have.
        seeds = set.intersection(*(set(runs[group].get(v, {})) for v in policies))
        if not seeds or policies - set(levels.get(group, {})):
            continue
        found[group] = (
            {v: Jump({seed: r[seed] for seed in seeds}) for v, r in runs[group].items()},
            {v: sum(values) / len(values) for v, values in levels[group].items()},
        )
    return found


def recovery(results: Results) -> List[Dict[str, Any]]:
    rows = []
    for group, (policies, levels) in jumps(results).items():
        best = max(levels[v] for v in policies)
        row: Dict[str, Any] = dict(zip(GROUP, group), policies={})
        for variant, jump in policies.items():
            own, own_seen = jump.turns_to(levels[variant])
            to_best, best_seen = jump.turns_to(best)
            row["policies"][variant] = {
                "settled": round(levels[variant], 4),
                "lowest": round(jump.lowest() / levels[variant], 4),
                "turns": round(own, 3),
                "recovered": own_seen,
                "turns_to_best": round(to_best, 3),
                "reached_best": best_seen,
            }
            row["seeds"] = len(jump.seeds)
            row["turn_cycles"] = round(jump.turn_cycles)
        rows.append(row)
    return rows


# How times are compared: over which groups, and to whose level.
RECOVERY_GOALS = {
    "falls": "time of `reactive` to 90 % of its own steady throughput after a jump, where it falls below",
    "all": "the same, over all jumps",
    "best": "time of `reactive` to 90 % of the best policy's steady throughput after a jump",
}


def recovery_goals(results: Results) -> List[Dict[str, Any]]:
    """How much sooner than `reactive`, geometric means over the groups; intervals by
    resampling the seeds. Times a turn apart cannot be told apart: each has one more."""
    groups = [
        (policies, levels)
        for policies, levels in jumps(results).values()
        if {OURS, "reactive"} <= set(policies)
    ]
    seeds = sorted({seed for policies, _ in groups for seed in policies[OURS].seeds})

    def sooner(kind: str, drawn: List[Any]) -> Tuple[Optional[float], bool]:
        logs, least = [], False
        for policies, levels in groups:
            ours, theirs = policies[OURS], policies["reactive"]
            # What falls is decided once, by all seeds.
            if kind == "falls" and not theirs.turns_to(levels["reactive"])[0]:
                continue
            if not set(drawn) & set(ours.seeds):
                continue
            best = max(levels[v] for v in policies)
            to_ours, to_theirs = (
                (best, best) if kind == "best" else (levels[OURS], levels["reactive"])
            )
            time, seen = theirs.turns_to(to_theirs, drawn)
            logs.append(math.log((time + 1) / (ours.turns_to(to_ours, drawn)[0] + 1)))
            least |= not seen
        return (math.exp(sum(logs) / len(logs)) if logs else None), least

    rows = []
    for kind, text in RECOVERY_GOALS.items():
        value, least = sooner(kind, seeds)
        row = None
        if value is not None:
            row = {"mean": round(value, 4), "low": None, "high": None, "seeds": len(seeds)}
            row["points"] = len(groups)
            if len(seeds) > 1:
                draw = random.Random(1)
                others = sorted(
                    other
                    for _ in range(RESAMPLES)
                    for other in [sooner(kind, draw.choices(seeds, k=len(seeds)))[0]]
                    if other is not None
                )
                cut = len(others) // 40
                row["low"], row["high"] = round(others[cut], 4), round(others[-1 - cut], 4)
        rows.append(goal(text + (" (at least)" if least else ""), "3", 3.0, row, kind=kind))
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
