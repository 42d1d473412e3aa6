//===- Passes.td - Passes between dialects -----------------*- tablegen -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Conversions into, out of and between the dialects of Octopus.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_CONVERSION_PASSES_TD
#define OCTO_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertOWGToSCF : Pass<"convert-owg-to-scf", "::mlir::ModuleOp"> {
  let summary = "workflows as plain functions: the reference semantics";
  let description = [{
    Every workflow becomes a `func.func` of the same name, every outlined or
    inline task a call of a function, every control block structured control
    flow, every weight a constant or a loop that generates it. The result is
    runnable by stock tools and defines what a workflow computes:

    | block | becomes |
    |---|---|
    | `owg.task` | `func.call` of its function |
    | `owg.call` | `func.call` |
    | `owg.branch` | the decision, then `scf.index_switch` |
    | `owg.select` | the mask, then one `scf.if` per member, in order |
    | `owg.loop` | `scf.while`; a bound becomes a counter and a `cf.assert` |
    | `owg.fanout` | `scf.for` by increasing index |
    | `owg.weight` | a constant, or a function that runs Philox4x32-10 |

    Profiled blocks and the types `!owg.data` and `!owg.token` have no values
    and are rejected by name.
  }];
  let options = [
    Option<"weightsDir", "weights-dir", "std::string", /*default=*/"\"\"",
           "folder in which the files of weights are looked for (default: the "
           "current one)">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
    "::mlir::func::FuncDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

def ConvertOWGToOcto : Pass<"convert-owg-to-octo", "::mlir::ModuleOp"> {
  let summary = "workflows as flat programs of a spatial machine";
  let description = [{
    Every public workflow becomes an `octo.program` of the same name, flat, one
    op per block; workflows and `owg.weight`s go away, the functions of tasks
    stay.

    | owg | octo |
    |---|---|
    | task | `octo.tb`; its function becomes the body of a kernel, which all tasks that call the function share. Tasks without code share a kernel by `alpha`, `max_gang`, `code_bytes` and `state_bytes` |
    | branch | `octo.switch` … `octo.merge`; cases in order, the default last |
    | select | `octo.select` … `octo.join` |
    | loop | `octo.loop` … `octo.decide` |
    | fan-out | `octo.fork` … `octo.join` |
    | decide region | a kernel, inputs explicit |
    | values that a region uses from outside | imports, through every region in between |
    | weight, constant | `octo.weight`, the same value in every scope |
    | wiring that computes (`arith`, `tensor.dim`, …) | tasks `glue.0`, `glue.1`, …, one for ops that feed one another |
    | profile | integer inverse distribution functions |

    Needs outlined tasks (`owg-outline-tasks`), estimated costs
    (`owg-estimate-cost`) and no calls (`--inline`). If the module has an
    `octo.machine`, the programs are for it; profiles that state `work` need one,
    to become cycles.
  }];
  let dependentDialects = [
    "::octo::spatial::OctoDialect", "::mlir::arith::ArithDialect",
    "::mlir::func::FuncDialect"
  ];
}

#endif // OCTO_CONVERSION_PASSES_TD
