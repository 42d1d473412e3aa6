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

TURNS = ("turn", "back", "sharp", "turned")
DRIFTS = ("none", "gradual", "jump", *TURNS)


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


def _sharpen(step: Dict[str, Any]) -> Dict[str, Any]:
    """Makes a step more decided about what it does: squares the probabilities of a
    branch or select, and the weights of how often a loop or fan-out goes. Returns the
    opposite: the same turned round (and 1 - p of a geometric count)."""
    far: Dict[str, Any] = {}
    regions = step.get("cases") or step.get("members")
    if regions:
        near = [value * value for value in _present(step, "probabilities")]
        if "branch" in step:
            near = _exact([value / sum(near) for value in near])
        for region, value in zip(regions, near):
            region["probability"] = value
        far["probabilities"] = near[::-1]
    for key in ("trips", "count"):
        draw = step.get(key)
        if not isinstance(draw, dict):
            continue
        # A copy: what is written once in a file may belong to several steps.
        draw = step[key] = copy.deepcopy(draw)
        if "geometric" in draw:
            far[key] = {"geometric": round(1 - draw["geometric"], 9)}
        elif "weights" in (draw.get("empirical") or {}):
            squares = [weight * weight for weight in draw["empirical"]["weights"]]
            weights = _exact([value / sum(squares) for value in squares])
            draw["empirical"]["weights"] = weights
            far[key] = copy.deepcopy(draw)
            far[key]["empirical"]["weights"] = weights[::-1]
    return far


def _swap(step: Dict[str, Any], far: Dict[str, Any]) -> Dict[str, Any]:
    """Gives a step what is in `far`, and returns what it had."""
    near = {}
    for key, value in far.items():
        near[key] = _present(step, key)
        if key == "probabilities":
            for region, part in zip(step.get("cases") or step["members"], value):
                region["probability"] = part
        else:
            step[key] = value
    return near


def turn(step: Dict[str, Any], kind: str, start: int) -> None:
    """What a step does if frequencies are turned round at request `start`."""
    step.pop("drift", None)
    far = _sharpen(step)
    if kind in ("back", "turned"):
        far = _swap(step, far)
    if far and kind in ("turn", "back"):
        step["drift"] = [dict({"from": max(start, 1)}, **far)]


def set_drift(workflow: Dict[str, Any], kind: str, requests: int) -> None:
    """Replaces the far points by what happens during a run of `requests`.

    none: nothing. jump: everything changes at a third of the requests, at once.
    gradual: from near to far and back, in 16 steps. turn: at a third of the requests
    frequencies are turned round, far points do not count: what a branch or select
    mostly did it then does least, loops and fan-outs that were mostly short are then
    mostly long. back: the other way round. sharp and turned: as before a turn, and as
    after it, all the time.
    """
    for step in blocks(workflow["steps"]):
        if kind in TURNS:
            turn(step, kind, requests // 3)
            continue
        drift = step.pop("drift", None)
        if drift is None or kind == "none":
            continue
        far = next(part for part in drift if part["from"] == FAR)
        if kind == "jump":
            parts = [(requests // 3, 1.0)]
        elif kind == "gradual":
            parts = [(requests * k // 16, 1 - abs(8 - k) / 8) for k in range(1, 16)]
        else:
            raise ValueError("there is no drift %r; there are %s" % (kind, ", ".join(DRIFTS)))
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
