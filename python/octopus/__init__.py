# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Octopus compiles AI workflows for spatial machines and simulates them.

    import octopus
    program = octopus.compile("workflow.mlir", target="die")
    result = program.run(requests=64)
    print(result)
"""

from ._errors import CompileError, Diagnostic, OctopusError, ProgramError, SimulationError
from ._native import __version__, mlir_version
from ._program import Program, Value, Workflow, compile, load, policies, targets
from ._result import Comparison, Failure, PredictedLatency, Result, Sample, Slowdown
from ._sweep import Sweep, SweepPoint

__all__ = [
    "CompileError",
    "Comparison",
    "Diagnostic",
    "Failure",
    "OctopusError",
    "PredictedLatency",
    "Program",
    "ProgramError",
    "Result",
    "Sample",
    "SimulationError",
    "Slowdown",
    "Sweep",
    "SweepPoint",
    "Value",
    "Workflow",
    "__version__",
    "compile",
    "load",
    "mlir_version",
    "policies",
    "targets",
]
