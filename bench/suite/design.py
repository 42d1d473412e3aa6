# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The design: from a grid file to the points that are run."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any, Dict, List

import yaml

# What a point may say, with what it is where an experiment does not.
FACTORS: Dict[str, Any] = {
    "workload": None,
    "peas": 256,
    "movement": 0.15,
    "drift": "none",
    "load": "closed",
    "machine": "as is",
    "variant": None,
}
# What an experiment may set for all of its points: requests in flight, how many times
# as many make a run, and how many do at least.
SETTINGS = ("in_flight_per_pea", "rounds", "least_requests")
# Requests in flight where it does not.
IN_FLIGHT_PER_PEA = 4
LOADS = ("closed", "poisson", "alone")
# Kinds of drift where everything changes at once.
JUMPS = ("jump", "turn", "back")
# What they turn to, for good.
SETTLED = {"turn": "turned", "back": "sharp"}


class GridError(Exception):
    """The grid file is wrong; the text says where and what."""


def load(path: str) -> Dict[str, Any]:
    with open(path, encoding="utf-8") as file:
        grid = yaml.safe_load(file)
    check(grid, path)
    return grid


def _need(condition: bool, path: str, message: str) -> None:
    if not condition:
        raise GridError("%s: %s" % (path, message))


def check(grid: Any, path: str) -> None:
    _need(isinstance(grid, dict), path, "is not a map")
    keys = {"machines", "workloads", "variants", "experiments", "description"}
    for key in sorted(keys - {"description"}):
        _need(key in grid, path, "has no key %r" % key)
    for key in grid:
        _need(key in keys, path, "has a key %r; there are %s" % (key, ", ".join(sorted(keys))))
    for name, variant in grid["variants"].items():
        choices = variant.get("tune", [{}])
        _need(
            isinstance(choices, list) and choices and all(isinstance(c, dict) for c in choices),
            "%s: variants.%s.tune" % (path, name),
            "must be a list of maps from options to values, like [{}, {gang: 1}]",
        )
    for name, experiment in grid["experiments"].items():
        where = "%s: experiments.%s" % (path, name)
        for key in experiment:
            known = set(FACTORS) | set(SETTINGS) | {"seeds", "rotate", "about"}
            _need(
                key in known, where, "has a key %r; there are %s" % (key, ", ".join(sorted(known)))
            )
        _need(bool(experiment.get("seeds")), where, "needs seeds")
        for factor in ("workload", "variant"):
            _need(bool(experiment.get(factor)), where, "needs %s" % factor)
        for workload in levels(experiment, "workload"):
            _need(workload in grid["workloads"], where, "no workload %r is declared" % workload)
        for variant in levels(experiment, "variant"):
            _need(variant in grid["variants"], where, "no variant %r is declared" % variant)
        for machine in levels(experiment, "machine"):
            _need(
                machine == "as is" or machine in grid["machines"].get("changes", {}),
                where,
                "no machine %r is declared" % machine,
            )
        for peas in levels(experiment, "peas"):
            _need(peas in grid["machines"]["sizes"], where, "no size of %s PEAs is declared" % peas)
        for load_kind in levels(experiment, "load"):
            _need(load_kind in LOADS, where, "no load %r; there are %s" % (load_kind, LOADS))
        for factor in experiment.get("rotate", []):
            _need(factor in FACTORS, where, "cannot rotate %r" % factor)


def check_policies(grid: Dict[str, Any], path: str, registered: List[str]) -> None:
    for name, variant in grid["variants"].items():
        _need(
            variant["policy"] in registered,
            "%s: variants.%s" % (path, name),
            "there is no policy %r; there are %s" % (variant["policy"], ", ".join(registered)),
        )


def levels(experiment: Dict[str, Any], factor: str) -> List[Any]:
    value = experiment.get(factor, FACTORS[factor])
    return value if isinstance(value, list) else [value]


def points(grid: Dict[str, Any]) -> List[Dict[str, Any]]:
    """All points, those of the first seed first: what is done when the time is over
    is a smaller design, not a part of one.

    Factors are crossed, but for those in `rotate`: of these each combination of the
    others has one level a seed, which goes round. Policies (`variant`) are always
    crossed, so comparisons are paired.
    """
    result: List[Dict[str, Any]] = []
    rounds = max(len(e["seeds"]) for e in grid["experiments"].values())
    for turn in range(rounds):
        for name, experiment in grid["experiments"].items():
            if turn >= len(experiment["seeds"]):
                continue
            rotated = experiment.get("rotate", [])
            crossed = [f for f in FACTORS if f not in rotated and f != "variant"]
            ranges = [range(len(levels(experiment, f))) for f in crossed]
            for where in itertools.product(*ranges):
                cell = {f: levels(experiment, f)[i] for f, i in zip(crossed, where)}
                for position, factor in enumerate(rotated):
                    choices = levels(experiment, factor)
                    # Factors whose numbers of levels have a common divisor would go
                    # round together: the later one takes a step a round of the other.
                    slow = 1
                    for other in rotated[:position]:
                        if math.gcd(len(levels(experiment, other)), len(choices)) > 1:
                            slow *= len(levels(experiment, other))
                    cell[factor] = choices[(turn + sum(where)) // slow % len(choices)]
                for variant in levels(experiment, "variant"):
                    point = dict(cell, experiment=name, variant=variant)
                    point["seed"] = experiment["seeds"][turn]
                    for setting in SETTINGS:
                        if setting in experiment:
                            point[setting] = experiment[setting]
                    result.append(point)
    return result


def key(point: Dict[str, Any]) -> str:
    """One line that says which point it is."""
    return json.dumps(point, sort_keys=True, separators=(",", ":"))


def cell(point: Dict[str, Any], *without: str) -> str:
    """What points have in common that are compared with each other."""
    drop = {"variant", *without}
    return key({k: v for k, v in point.items() if k not in drop})
