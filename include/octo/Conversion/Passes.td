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

#endif // OCTO_CONVERSION_PASSES_TD
