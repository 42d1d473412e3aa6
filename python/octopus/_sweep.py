# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Many runs of one program: every combination of some options."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ._errors import Diagnostic, ProgramError
from ._result import _pandas

if TYPE_CHECKING:
    import pandas as pd

    from ._program import Program


@dataclass(frozen=True)
class SweepPoint:
    """One run: the options that were varied, and the JSON document of its result."""

    options: Mapping[str, Any]
    data: Mapping[str, Any] = field(repr=False)


# Headline numbers of a run: the column of the table and where it is in the document.
_COLUMNS: Tuple[Tuple[str, Tuple[str, ...]], ...] = (
    ("makespan_cycles", ("makespan_cycles",)),
    ("throughput_requests_per_megacycle", ("throughput_requests_per_megacycle",)),
    ("ratio_to_lower_bound", ("ratio_to_lower_bound",)),
    ("latency_mean", ("latency_cycles", "mean")),
    ("latency_p99", ("latency_cycles", "p99")),
    ("pea_utilization", ("pea_utilization",)),
    ("energy_joules", ("energy_joules",)),
    ("requests_completed", ("requests_completed",)),
    ("requests_failed", ("requests_failed",)),
    ("status", ("status",)),
)


class Sweep(Sequence[SweepPoint]):
    """The points of a sweep, the last option of the space varying fastest."""

    def __init__(self, points: Sequence[SweepPoint]) -> None:
        self.points: Tuple[SweepPoint, ...] = tuple(points)

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, index: Any) -> Any:
        return self.points[index]

    def to_frame(self) -> "pd.DataFrame":
        """One row a point: its options, then the headline numbers."""
        rows: List[Dict[str, Any]] = []
        for point in self.points:
            row = dict(point.options)
            for column, keys in _COLUMNS:
                value: Any = point.data
                for key in keys:
                    value = value[key]
                row[column] = value
            rows.append(row)
        return _pandas().DataFrame(rows)


# The program that this process ran last, by the digest of its file.
_last: Dict[str, "Program"] = {}


def _run(content: bytes, name: str, digest: str, options: Mapping[str, Any]) -> Dict[str, Any]:
    """Runs one point, in this process or in another one or on another machine."""
    from ._program import Program

    if digest not in _last:
        _last.clear()
        _last[digest] = Program._from_bytes(content, name)
    return dict(_last[digest].run(check=False, **options).data)


def sweep(
    program: "Program",
    space: Mapping[str, Sequence[Any]],
    executor: Optional[Any],
    options: Mapping[str, Any],
) -> Sweep:
    """What `Program.sweep` does; one point for each combination, the last option
    of `space` changing quickest. Raises ProgramError."""
    for name in space:
        if name in options:
            message = "option %r is varied and given as well; leave one of them out" % name
            raise ProgramError([Diagnostic("error", "", 0, 0, message)])
        if isinstance(space[name], (str, bytes)):
            message = "option %r has one text where a list of values is needed" % name
            raise ProgramError([Diagnostic("error", "", 0, 0, message)])
    combinations = [dict(zip(space, values)) for values in itertools.product(*space.values())]
    for name in ("trace", "log"):
        if options.get(name) and len(combinations) > 1:
            message = "all runs of the sweep would write one file for option %r; use run" % name
            raise ProgramError([Diagnostic("error", "", 0, 0, message)])
    content, name = program.to_bytes(), program._session.name()
    digest = hashlib.sha256(content).hexdigest()
    runs: List[Any]
    if executor is None:
        runs = [_run(content, name, digest, {**options, **point}) for point in combinations]
    else:
        futures = [
            executor.submit(_run, content, name, digest, {**options, **point})
            for point in combinations
        ]
        runs = [future.result() for future in futures]
    return Sweep([SweepPoint(point, data) for point, data in zip(combinations, runs)])
