# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Errors carry diagnostics: where, what, and what to do."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Iterator, Optional, Sequence, Tuple

from ._native import native

if TYPE_CHECKING:
    from ._result import Result


@dataclass(frozen=True)
class Diagnostic:
    """One message. Lines and columns count from 1; 0 means not known."""

    severity: str
    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        place = self.file
        if self.line:
            place = "%s:%d" % (place or "<input>", self.line)
            if self.column:
                place += ":%d" % self.column
        text = "%s: %s" % (self.severity, self.message)
        return "%s: %s" % (place, text) if place else text


class OctopusError(Exception):
    """Base of all errors of this package."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics: Tuple[Diagnostic, ...] = tuple(diagnostics)
        super().__init__("\n".join(str(d) for d in self.diagnostics))


class CompileError(OctopusError):
    """The compiler rejected a workflow or a target; see `diagnostics`."""


class ProgramError(OctopusError):
    """A program file, a scenario, inputs or options of a run are bad."""


class SimulationError(OctopusError):
    """A run deadlocked or met a stop rule; `result` has what was measured."""

    def __init__(self, message: str, result: Optional["Result"]) -> None:
        super().__init__([Diagnostic("error", "", 0, 0, message.rstrip())])
        self.result = result


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turns errors of the compiled module into ProgramError."""
    try:
        yield
    except native.NativeError as error:
        file, line, column, message = error.args
        raise ProgramError([Diagnostic("error", file, line, column, message)]) from None
