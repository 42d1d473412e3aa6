# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Errors carry diagnostics: where, what, and what to do."""

from __future__ import annotations

import contextlib
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Iterable, Iterator, List, Optional, Sequence, Tuple

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


def names_of(option: str, value: Iterable[str]) -> List[str]:
    """The names that an option lists. A text alone would be a list of its letters."""
    if isinstance(value, (str, bytes)):
        message = "option %r has one text where a list of values is needed" % option
        raise ProgramError([Diagnostic("error", "", 0, 0, message)])
    names = list(value)
    for name in names:
        if not isinstance(name, str):
            raise TypeError("option %r lists names, not %r" % (option, name))
    return names


def count_of(option: str, value: Any) -> Optional[int]:
    """The whole number of an option, within 64 bits; None if it is not given."""
    if value is None:
        return None
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError("option %r is a whole number, not %r" % (option, value)) from None
    if not 0 <= number < 2**64:
        message = "option %r is a whole number from 0 to 2^64 - 1, not %d" % (option, number)
        raise ProgramError([Diagnostic("error", "", 0, 0, message)])
    return number


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turns errors of the compiled module into ProgramError."""
    try:
        yield
    except native.NativeError as error:
        file, line, column, message = error.args
        raise ProgramError([Diagnostic("error", file, line, column, message)]) from None
