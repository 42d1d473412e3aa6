# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Workloads and machines, varied as the design says."""

from __future__ import annotations

import copy
import re
from typing import Any, Callable, Dict, Iterator, List, Optional

import yaml

# `from` of the part of a drift that is the far point: how a block behaves after
# the change. Requests of the files as they are never get there.
FAR = 1_000_000

UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def byte_count(value: Any) -> int:
    """Bytes of a workflow or target file: 40960 or 40KiB."""
    if isinstance(value, int):
        return value
    match = re.fullmatch(r"(\d+)(KiB|MiB|GiB)", str(value))
    if not match:
        raise ValueError("%r is no number of bytes" % (value,))
    return int(match.group(1)) * UNITS[match.group(2)]


def blocks(steps: List[Dict[str, Any]]) -> Iterator[Dict[str, Any]]:
    """All steps of a workflow, inner ones too."""
    for step in steps:
        yield step
        yield from blocks(step.get("steps", []))
        for region in step.get("cases", []) + step.get("members", []):
            yield from blocks(region.get("steps", []))


def label(step: Dict[str, Any]) -> str:
    for kind in ("task", "branch", "select", "loop", "fan_out", "call"):
        if kind in step:
            return str(step[kind])
    raise ValueError("a step without a kind: %s" % sorted(step))


# -- drift ---------------------------------------------------------------------

_DRAWS = ("cycles", "trips", "count")


def _present(step: Dict[str, Any], key: str) -> Any:
    """What `key` of a part of a drift changes, as it is before."""
    if key != "probabilities":
        return step[key]
    regions = step.get("cases") or step["members"]
    values = [region.get("probability") for region in regions]
    if None in values:
        rest = 1 - sum(value for value in values if value is not None)
        values = [rest if value is None else value for value in values]
    return values


def _mix(near: Any, far: Any, part: float) -> Any:
    """`near` moved by `part` of the way to `far`; both are of one shape."""
    if isinstance(near, dict):
        if not isinstance(far, dict) or sorted(near) != sorted(far):
            raise ValueError("%s and %s differ in shape" % (near, far))
        return {key: _mix(near[key], far[key], part) for key in near}
    if isinstance(near, list):
        if not isinstance(far, list) or len(near) != len(far):
            raise ValueError("%s and %s differ in length" % (near, far))
        return [_mix(a, b, part) for a, b in zip(near, far)]
    if near == far:
        return near
    if isinstance(near, int) and isinstance(far, int):
        return round(near + (far - near) * part)
    return round(near + (far - near) * part, 9)


def _exact(values: List[float]) -> List[float]:
    """Probabilities of a branch add up to 1 after rounding too."""
    head = [round(value, 6) for value in values[:-1]]
    return head + [round(1 - sum(head), 6)]


def _sharpen(step: Dict[str, Any]) -> List[float]:
    """Squares the probabilities of a step: those of a branch add up to 1 again."""
    near = [value * value for value in _present(step, "probabilities")]
    if "branch" in step:
        near = _exact([value / sum(near) for value in near])
    for region, value in zip(step.get("cases") or step["members"], near):
        region["probability"] = value
    return near


def set_drift(workflow: Dict[str, Any], kind: str, requests: int) -> None:
    """Replaces the far points by what happens during a run of `requests`.

    none: nothing. jump: everything changes at a third of the requests, at once.
    turn: so it does, but what a branch or select mostly did it then does least: its
    probabilities are squared, so that they differ, and turned round at the jump.
    gradual: from near to far and back, in 16 steps.
    """
    for step in blocks(workflow["steps"]):
        drift = step.pop("drift", None)
        if drift is None or kind == "none":
            continue
        far = next(part for part in drift if part["from"] == FAR)
        if kind == "turn" and "probabilities" in far:
            far = {"from": FAR, "probabilities": _sharpen(step)[::-1]}
        if kind in ("jump", "turn"):
            parts = [(requests // 3, 1.0)]
        elif kind == "gradual":
            parts = [(requests * k // 16, 1 - abs(8 - k) / 8) for k in range(1, 16)]
        else:
            raise ValueError("there is no drift %r; there are none, gradual, jump, turn" % kind)
        step["drift"] = []
        for start, part in parts:
            entry: Dict[str, Any] = {"from": max(start, 1)}
            for key, value in far.items():
                if key == "from":
                    continue
                mixed = _mix(_present(step, key), value, part)
                if key == "probabilities" and "branch" in step:
                    mixed = _exact(mixed)
                entry[key] = mixed
            step["drift"].append(entry)


# -- movement ------------------------------------------------------------------


def scale_code(workflow: Dict[str, Any], factor: float) -> None:
    for step in blocks(workflow["steps"]):
        if "code_bytes" in step:
            step["code_bytes"] = max(1, round(byte_count(step["code_bytes"]) * factor))


def median_code(workflow: Dict[str, Any]) -> int:
    sizes = sorted(
        byte_count(step["code_bytes"]) for step in blocks(workflow["steps"]) if "code_bytes" in step
    )
    return sizes[len(sizes) // 2]


def set_keys(workflow: Dict[str, Any], changes: Dict[str, Any]) -> None:
    """Changes like {"layers.trips": 8}: block, then key."""
    for name, value in changes.items():
        block, key = name.rsplit(".", 1)
        found = [s for s in blocks(workflow["steps"]) if label(s) == block and key in s]
        if not found:
            raise ValueError("workflow %s has no %s to set" % (workflow["workflow"], name))
        for step in found:
            step[key] = copy.deepcopy(value)


# -- machines ------------------------------------------------------------------


def machine(
    base: Dict[str, Any], x: int, y: int, code_factor: float, changes: Dict[str, Any]
) -> Dict[str, Any]:
    """`base` with x by y clusters; code stores and memories hold as many kernels as
    before when code is `code_factor` times as large."""
    target = copy.deepcopy(base)
    old = target["mesh"]["clusters_per_die"]
    target["mesh"]["clusters_per_die"] = {"x": x, "y": y}
    target["name"] = "%s-%dx%d" % (base["name"], x, y)
    # Memory ports stay at the edges, at the same height; one on a small side.
    ports: Dict[Any, Dict[str, Any]] = {}
    for port in target["hbm"]:
        at = port["at"]
        place = (at[0] * x // old["x"] if at[0] < old["x"] - 1 else x - 1, at[1] * y // old["y"])
        ports.setdefault(place, dict(port, at=list(place)))
    target["hbm"] = list(ports.values())
    # The host port in the middle of the western edge: three links lead away from it.
    target["host"]["at"] = [0, y // 2]
    for part, key in (("config_store", "bytes"), ("pea", "sram")):
        target[part][key] = round(byte_count(target[part][key]) * max(code_factor, 1.0))
    if code_factor < 1:
        target["config_store"]["bytes"] = round(
            byte_count(base["config_store"]["bytes"]) * code_factor
        )
    for name, value in changes.items():
        place, keys = target, name.split(".")
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = copy.deepcopy(value)
    return target


def dump(document: Any) -> str:
    return yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=120)
