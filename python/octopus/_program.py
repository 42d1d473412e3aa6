# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiling, loading and running programs."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from ._errors import (
    CompileError,
    Diagnostic,
    ProgramError,
    SimulationError,
    count_of,
    names_of,
    translated,
)
from ._native import native
from ._result import Comparison, PathLike, Result
from ._sweep import Sweep
from ._sweep import sweep as _sweep

_TARGETS = os.path.join(os.path.dirname(__file__), "targets")


@dataclass(frozen=True)
class Value:
    """An argument or a result of a workflow. A size of -1 is known at run time only."""

    name: str
    type: str
    dtype: str
    shape: Tuple[int, ...]
    scalar: bool


@dataclass(frozen=True)
class Workflow:
    """What a workflow takes and gives."""

    name: str
    arguments: Tuple[Value, ...]
    results: Tuple[Value, ...]


def targets() -> Dict[str, str]:
    """The machines that come with the package, by name: the paths of their files."""
    if not os.path.isdir(_TARGETS):
        return {}
    return {
        os.path.splitext(name)[0]: os.path.join(_TARGETS, name)
        for name in sorted(os.listdir(_TARGETS))
        if name.endswith(".yaml")
    }


def policies() -> Dict[str, str]:
    """The scheduling policies by name, each with one line about it."""
    return {name: summary for name, summary, _ in native.policies()}


def _target_path(target: PathLike) -> str:
    path = os.fspath(target)
    known = targets()
    if path in known:
        return known[path]
    if os.path.exists(path):
        return path
    message = "target %r is neither a file nor one of %s" % (path, ", ".join(known) or "none")
    raise CompileError([Diagnostic("error", "", 0, 0, message)])


def compile(
    source: PathLike,
    target: PathLike = "die",
    *,
    profile: Optional[PathLike] = None,
    kernels: bool = True,
    kernel_cpu: str = "",
    streams: bool = True,
    tail_percent: float = 99,
) -> "Program":
    """Compiles workflows for a machine.

    `source` is the path of an .mlir, .mlirbc or .yaml file, or MLIR text if it
    has a line break. `target` is a name of `targets()` or the path of a target file.
    `profile` is the path of what `Result.save_profile` wrote: measured times and
    decisions in place of estimates. Without `kernels` the program can be timed and
    not executed; `kernel_cpu` is the CPU that they are compiled for ("portable" if
    empty, "host", "generic" or a name of LLVM's). Without `streams` all flows
    between tasks are whole. `tail_percent` (50 to 99.9999) of the requests stay
    within the tails that `compile_report` tells.

    Raises CompileError, whose diagnostics have file, line and column.
    """
    text = os.fspath(source)
    is_path = "\n" not in text
    if is_path and not os.path.exists(text):
        message = (
            "there is no such file; a workflow can also be given as text, which is "
            "recognised by its line breaks"
        )
        raise CompileError([Diagnostic("error", text, 0, 0, message)])
    program, report, messages = native.compile(
        source=text,
        is_path=is_path,
        target=_target_path(target),
        profile="" if profile is None else os.fspath(profile),
        kernel_cpu=kernel_cpu,
        kernels=kernels,
        streams=streams,
        tail_percent=tail_percent,
    )
    diagnostics = tuple(Diagnostic(*message) for message in messages)
    if program is None:
        raise CompileError(diagnostics)
    made = Program._from_bytes(program, text if is_path else "<text>")
    made.compile_report = json.loads(report) if report else {}
    made.diagnostics = diagnostics
    return made


def _plain(value: Any) -> Any:
    """What JSON has in place of a path, or of a number or array of NumPy."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError("a scenario has numbers, texts, lists and dicts, not %r" % (value,))


def load(path: PathLike) -> "Program":
    """Loads a program file (.octo). Raises ProgramError."""
    with translated():
        return Program(native.Session.open(os.fspath(path)), {}, ())


class Program:
    """A compiled program: made by `compile` or `load`."""

    def __init__(
        self,
        session: Any,
        report: Mapping[str, Any],
        diagnostics: Tuple[Diagnostic, ...],
    ) -> None:
        self._session = session
        #: What the compiler counted and decided; empty for loaded programs.
        self.compile_report: Mapping[str, Any] = report
        #: Warnings and remarks of the compiler.
        self.diagnostics: Tuple[Diagnostic, ...] = diagnostics

    @classmethod
    def _from_bytes(cls, content: bytes, name: str) -> "Program":
        """The program of a file's content; `name` is its path in messages."""
        with translated():
            return cls(native.Session.from_bytes(content, name), {}, ())

    @property
    def workflows(self) -> Tuple[Workflow, ...]:
        """What can be run."""

        def value(entry: Mapping[str, Any]) -> Value:
            return Value(
                entry["name"],
                entry["type"],
                entry["dtype"],
                tuple(entry["shape"]),
                entry["scalar"],
            )

        return tuple(
            Workflow(name, tuple(map(value, arguments)), tuple(map(value, results)))
            for name, arguments, results in self._session.workflows()
        )

    @property
    def executable(self) -> bool:
        """True if runs have outputs, unless they are timing-only."""
        return bool(self._session.has_values and self._session.has_images)

    def to_bytes(self) -> bytes:
        """The program file."""
        data: bytes = self._session.to_bytes()
        return data

    def save(self, path: PathLike) -> None:
        """Writes the program file."""
        with open(path, "wb") as file:
            file.write(self.to_bytes())

    def to_json(self) -> str:
        """The program as JSON, as `octo-translate --octo-to-json` gives it."""
        text: str = self._session.json()
        return text

    def run(
        self,
        inputs: Union[None, Mapping[str, Any], Sequence[Any]] = None,
        *,
        requests: Optional[int] = None,
        policy: str = "octopus",
        disable: Sequence[str] = (),
        policy_options: Sequence[str] = (),
        seed: Optional[int] = None,
        in_flight: Optional[int] = None,
        scenario: Union[None, PathLike, Mapping[str, Any]] = None,
        timing_only: bool = False,
        records_in_order: bool = False,
        record_outcomes: bool = False,
        keep_outputs: bool = True,
        trace: Optional[PathLike] = None,
        log: Optional[PathLike] = None,
        check: bool = True,
    ) -> Result:
        """Simulates requests and returns what was measured.

        `inputs` are arrays by argument name, or in the order of the arguments: of
        the argument's shape, or with one more leading dimension, of which request
        i takes item i mod n; without `requests`, there are as many requests as
        items. Without inputs they are drawn from the seed. `scenario` is the path
        of a scenario file or its content as a dict (docs/scenarios.md); `requests`,
        `seed` and `in_flight` (requests that are open at a time, in a closed loop)
        take precedence over it. `policy` is one of `policies()`, `disable` names
        mechanisms of it to switch off, `policy_options` are parameters of it, as
        "gang=2". With `timing_only` no code is executed, and a program that was
        compiled with a recorded profile draws whole recorded requests;
        `records_in_order` takes them as they were. `trace` and `log` name files to
        write while the run goes on: a timeline, and a CSV row for each task instance
        (docs/traces.md).

        `record_outcomes` keeps what `Result.outcomes` and `save_profile` give; without
        `keep_outputs` only their digest is kept. Times are cycles of the machine's
        clock, sizes bytes.

        Raises ProgramError for bad inputs and options (TypeError where they are
        of another type of Python or NumPy), and SimulationError, unless `check` is
        false, when the run deadlocks or meets a stop rule.
        """
        arrays = self._arrays(inputs)
        if requests is None and scenario is None and arrays:
            requests = self._items(arrays)
        path, text = "", ""
        if isinstance(scenario, Mapping):
            text = json.dumps(scenario, default=_plain)
        elif scenario is not None:
            path = os.fspath(scenario)
        with translated():
            run = self._session.run(
                policy=policy,
                disable=names_of("disable", disable),
                policy_options=names_of("policy_options", policy_options),
                requests=count_of("requests", requests),
                seed=count_of("seed", seed),
                in_flight=count_of("in_flight", in_flight),
                scenario=path,
                scenario_text=text,
                inputs=arrays,
                timing_only=timing_only,
                records_in_order=records_in_order,
                record_outcomes=record_outcomes,
                keep_outputs=keep_outputs,
                trace="" if trace is None else os.fspath(trace),
                log="" if log is None else os.fspath(log),
            )
        result = Result._of(run)
        if check and not result.completed:
            raise SimulationError(run.unfinished(), result)
        return result

    def compare(
        self,
        policies: Sequence[str] = ("static", "pool", "octopus"),
        inputs: Union[None, Mapping[str, Any], Sequence[Any]] = None,
        **options: Any,
    ) -> Comparison:
        """Runs the same scenario under several policies.

        `policies` are names of `policies()`, `inputs` and `options` as for `run`.
        Raises what `run` raises, at the first policy that it does not work for.
        """
        names = names_of("policies", policies)
        return Comparison(tuple(self.run(inputs, policy=policy, **options) for policy in names))

    def sweep(
        self,
        space: Mapping[str, Sequence[Any]],
        *,
        executor: Optional[Any] = None,
        **options: Any,
    ) -> Sweep:
        """Runs every combination of some options of `run`.

        `space` maps options to the values that they take, for example
        `{"policy": ("static", "octopus"), "seed": range(10)}`; `options` are those
        that stay. `executor` has a method `submit` as those of concurrent.futures
        have, and as a client of Dask's distributed scheduler has; without it the
        runs are made here, one after the other. Results do not depend on it.

        A run that deadlocks or meets a stop rule is a point like others: its data
        have the status. Raises ProgramError for bad options, as `run` does.
        """
        return _sweep(self, space, executor, options)

    def _arrays(self, inputs: Union[None, Mapping[str, Any], Sequence[Any]]) -> Dict[str, Any]:
        if inputs is None:
            return {}
        import numpy as np

        workflow = self.workflows[0]
        arguments = {value.name: value for value in workflow.arguments}
        if isinstance(inputs, Mapping):
            given = dict(inputs)
        else:
            values: List[Any] = list(inputs)
            if len(values) != len(arguments):
                message = "workflow `%s` takes %d arguments, %d arrays are given" % (
                    workflow.name,
                    len(arguments),
                    len(values),
                )
                raise ProgramError([Diagnostic("error", "", 0, 0, message)])
            given = dict(zip(arguments, values))
        for name in given:
            if not isinstance(name, str):
                raise TypeError("inputs are named by texts, not by %r" % (name,))
        # Lists and numbers become what the argument wants; arrays are not converted.
        return {
            name: value
            if isinstance(value, np.ndarray) or name not in arguments
            else np.asarray(value, dtype=arguments[name].dtype or None)
            for name, value in given.items()
        }

    def _items(self, arrays: Mapping[str, Any]) -> Optional[int]:
        """How many requests the arrays are for; None for one."""
        import numpy as np

        counts = [
            np.shape(arrays[value.name])[0]
            for value in self.workflows[0].arguments
            if value.name in arrays
            and np.ndim(arrays[value.name]) == len(value.shape) + 1
        ]
        return max(counts, default=None)

    def __str__(self) -> str:
        text: str = self._session.describe()
        return text.rstrip("\n")

    def __repr__(self) -> str:
        return "<octopus.Program %s>" % ", ".join(w.name for w in self.workflows)
