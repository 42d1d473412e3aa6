# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a run measured."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from ._errors import Diagnostic, ProgramError
from ._native import native

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

PathLike = Union[str, "os.PathLike[str]"]


def _pandas() -> Any:
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            "tables need pandas (Debian: python3-pandas, PyPI: pandas); Result.data "
            "has the same numbers without it"
        ) from error
    return pandas


@dataclass(frozen=True)
class Sample:
    """A sample of cycles; None where there are no values."""

    count: int
    mean: Optional[float]
    ci95_half_width: Optional[float]
    min: Optional[int]
    p50: Optional[int]
    p95: Optional[int]
    p99: Optional[int]
    max: Optional[int]


@dataclass(frozen=True)
class PredictedLatency:
    """What the compiler predicts of a request alone on the machine, in cycles.

    `tail_percent` of 100 requests do not exceed `tail`; `samples` requests were
    drawn, one where all are alike.
    """

    mean: int
    standard_deviation: int
    tail: int
    tail_percent: float
    samples: int


@dataclass(frozen=True)
class Slowdown:
    """Mean latency over what is predicted of the same requests alone.

    `causes` are parts of `factor`, which they add up to; `waits` is the sum of
    those that are waits (docs/semantics.md, section 12).
    """

    predicted_cycles: float
    factor: float
    waits: float
    causes: Mapping[str, float]


@dataclass(frozen=True)
class Failure:
    """Why a request failed."""

    request: int
    path: str
    source: str
    cycle: int
    reason: str


@dataclass(frozen=True, eq=False)
class Result:
    """The numbers of one run. Fields are named as the JSON keys of `octo-run`.

    `data` is the whole JSON document (docs/result.schema.json).
    """

    policy: str
    disabled: Tuple[str, ...]
    seed: int
    timing_only: bool
    status: str
    makespan_cycles: int
    requests_completed: int
    requests_failed: int
    throughput_requests_per_megacycle: float
    latency_cycles: Sample
    task_wait_cycles: Sample
    pea_utilization: float
    pea_cycles: Mapping[str, int]
    idle: Mapping[str, Any]
    lower_bound_cycles: int
    ratio_to_lower_bound: Optional[float]
    energy_joules: float
    events: int
    migrations: int
    outputs_sha256: Optional[str]
    failures: Tuple[Failure, ...]
    data: Mapping[str, Any] = field(repr=False)
    _run: Any = field(repr=False)

    @classmethod
    def _of(cls, run: Any) -> "Result":
        data = json.loads(run.json())
        return cls(
            policy=data["policy"],
            disabled=tuple(data["disabled"]),
            seed=data["seed"],
            timing_only=data["timing_only"],
            status=data["status"],
            makespan_cycles=data["makespan_cycles"],
            requests_completed=data["requests_completed"],
            requests_failed=data["requests_failed"],
            throughput_requests_per_megacycle=data["throughput_requests_per_megacycle"],
            latency_cycles=Sample(**data["latency_cycles"]),
            task_wait_cycles=Sample(**data["task_wait_cycles"]),
            pea_utilization=data["pea_utilization"],
            pea_cycles=data["pea_cycles"],
            idle=data["idle"],
            lower_bound_cycles=data["lower_bound_cycles"],
            ratio_to_lower_bound=data["ratio_to_lower_bound"],
            energy_joules=data["energy_joules"],
            events=data["events"],
            migrations=data["migrations"],
            outputs_sha256=data["outputs_sha256"],
            failures=tuple(Failure(**failure) for failure in data["failures"]),
            data=data,
            _run=run,
        )

    @property
    def completed(self) -> bool:
        """True if every request completed or failed by itself."""
        return self.status == "completed"

    @property
    def slowdown(self) -> Optional[Slowdown]:
        """How many times longer requests took than predicted of them alone; None
        where the program has no prediction or no request counts."""
        found = self.data["slowdown"]
        return None if found is None else Slowdown(**found)

    def predicted_latency(self, tenant: int = 0) -> Optional[PredictedLatency]:
        """The prediction for the workflow of a tenant; None if there is none."""
        found = self.data["tenants"][tenant]["predicted_latency_cycles"]
        return None if found is None else PredictedLatency(**found)

    def alone_latency(self, tenant: int = 0) -> Sample:
        """The latencies of a tenant's requests that no other was beside."""
        return Sample(**self.data["tenants"][tenant]["alone_latency_cycles"])

    def outputs(self) -> "Dict[str, np.ndarray[Any, Any]]":
        """The results of the workflow by name, completed requests along the first axis.

        `_requests` has their numbers. Where shapes differ between requests there
        is an entry `name.request` for each. bfloat16 comes as raw pairs of bytes
        (dtype V2). Empty if no code ran or outputs were not kept.
        """
        arrays: Dict[str, Any] = self._run.outputs()
        return arrays

    def outcomes(self) -> "Dict[str, np.ndarray[Any, Any]]":
        """Every realised outcome, if the run recorded them (`record_outcomes=True`).

        Columns request, workflow, block, tag, value: cycles on one PEA of tasks,
        cases of switches, masks of the first 64 members of selects, trips of
        loops, copies of fan-outs. `data["blocks"]` names the blocks.
        """
        columns: Dict[str, Any] = self._run.outcomes()
        return columns

    def requests(self) -> "Dict[str, np.ndarray[Any, Any]]":
        """Arrays with one entry a request: arrival, admitted, finished (-1: open),
        work, work_so_far, tenant, failed.

        `work` are the PEA-cycles that its tasks take at least, whatever the policy;
        `work_so_far` those of all tasks of all requests that had ended when it
        finished.
        """
        columns: Dict[str, Any] = self._run.requests()
        return columns

    def to_frame(self) -> "pd.DataFrame":
        """`requests` with the latency, one row a request."""
        frame = _pandas().DataFrame(self.requests())
        frame.index.name = "request"
        # Failed and open requests have no latency.
        done = ~frame["failed"] & (frame["finished"] >= 0)
        latency = frame["finished"] - frame["arrival"].astype("int64")
        frame["latency"] = latency.where(done)
        return frame

    def blocks_frame(self) -> "pd.DataFrame":
        """One row a block: instances, cycles, waits, loads."""
        return _pandas().DataFrame(self.data["blocks"]).set_index("path")

    def to_json(self) -> str:
        """The document that `octo-run run --json` writes."""
        text: str = self._run.json()
        return text

    def report(self, path: Optional[PathLike] = None) -> str:
        """One self-contained HTML page; also written to `path`, if given (raises
        OSError)."""
        page: str = self._run.html()
        if path is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(page)
        return page

    def save_profile(self, path: PathLike) -> None:
        """Writes what `octo-run run --record-profile` writes, of a run with
        `record_outcomes=True`. Raises ProgramError for another run, and OSError."""
        if not self._run.recorded:
            message = "the run kept no outcomes: run it with record_outcomes=True"
            raise ProgramError([Diagnostic("error", "", 0, 0, message)])
        with open(path, "w", encoding="utf-8") as file:
            file.write(self._run.profile())

    def __str__(self) -> str:
        text: str = self._run.summary()
        return text.rstrip("\n")

    def _repr_html_(self) -> str:
        import html

        return "<pre>%s</pre>" % html.escape(str(self))


@dataclass(frozen=True, eq=False)
class Comparison(Sequence[Result]):
    """Several policies on one scenario."""

    results: Tuple[Result, ...]

    def __len__(self) -> int:
        return len(self.results)

    def __getitem__(self, key: Any) -> Any:
        """A result by position or by policy."""
        if isinstance(key, str):
            for result in self.results:
                if result.policy == key:
                    return result
            raise KeyError(key)
        return self.results[key]

    @property
    def lower_bound_cycles(self) -> int:
        """The bound of the scenario; the same realised work under every policy."""
        return max((r.lower_bound_cycles for r in self.results), default=0)

    @property
    def best(self) -> Result:
        """The completed run with the least makespan."""
        completed = [r for r in self.results if r.completed]
        if not completed:
            raise ValueError("no policy completed")
        return min(completed, key=lambda r: r.makespan_cycles)

    def to_frame(self) -> "pd.DataFrame":
        """One row a policy."""
        rows: List[Dict[str, Any]] = []
        for r in self.results:
            rows.append(
                {
                    "policy": r.policy,
                    "makespan_cycles": r.makespan_cycles,
                    "ratio_to_lower_bound": r.ratio_to_lower_bound,
                    "throughput_requests_per_megacycle": r.throughput_requests_per_megacycle,
                    "latency_mean": r.latency_cycles.mean,
                    "latency_p50": r.latency_cycles.p50,
                    "latency_p99": r.latency_cycles.p99,
                    "slowdown": r.slowdown.factor if r.slowdown else None,
                    "waits": r.slowdown.waits if r.slowdown else None,
                    "pea_utilization": r.pea_utilization,
                    "energy_joules": r.energy_joules,
                    "requests_completed": r.requests_completed,
                    "requests_failed": r.requests_failed,
                }
            )
        return _pandas().DataFrame(rows).set_index("policy")

    def __str__(self) -> str:
        text: str = native.comparison_text([r._run for r in self.results])
        return text.rstrip("\n")

    def _repr_html_(self) -> str:
        import html

        return "<pre>%s</pre>" % html.escape(str(self))
