//===- Passes.td - Passes on the owg dialect ---------------*- tablegen -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Passes that stay inside the owg dialect.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_DIALECT_OWG_TRANSFORMS_PASSES_TD
#define OCTO_DIALECT_OWG_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def OWGAssignPathIds : Pass<"owg-assign-path-ids", "::mlir::ModuleOp"> {
  let summary = "give every block its path id";
  let description = [{
    Writes the `path` of every block and call: the name of the workflow, then
    the labels of the control blocks around it, each followed by the name of the
    region (`case0`, `default`, `member0`, `before`, `after`, `each`), then its
    own label, joined by `/`. Paths that are there already stay, so that the
    names under which profiles were recorded survive later passes; run it before
    the first pass that changes the workflow, and before the inliner: calls that
    would expand to more than 4,194,304 blocks, or lie more than 1,000 deep in
    one another, are an error here.
  }];
}

def OWGOutlineTasks : Pass<"owg-outline-tasks", "::mlir::ModuleOp"> {
  let summary = "move the bodies of tasks into functions";
  let description = [{
    Turns every inline task into an outlined one: its body becomes a function of
    the module, and the task `calls` it. Tasks with equal bodies (up to
    locations) share one function, so that a body is compiled once. Functions
    are named after the first task that has the body. Bodies of tasks, unlike
    regions of control blocks, can then be processed in parallel by passes on
    `func.func`.

    Functions that tasks call are made public: passes such as
    `remove-dead-values` take a private function for one that only calls refer
    to, and change its type with them.
  }];
  let options = [
    Option<"share", "share", "bool", /*default=*/"true",
           "let tasks with equal bodies share one function">
  ];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

def OWGEstimateCost : Pass<"owg-estimate-cost", "::mlir::ModuleOp"> {
  let summary = "how much each body has to do";
  let description = [{
    Writes `owg.cost` (see `#owg.cost`) on every function that a task calls and
    on every task with an inline body, and `owg.decide_cost` on every control
    block with a decision: multiply-accumulates, vector, special and scalar
    operations and bytes, as polynomials in the run-time dimensions of the
    inputs and in counters of data-dependent loops. A profile of the block that
    says `cycles` or `work` takes precedence later on; it does not change the
    attribute. See docs/timing-model.md for what counts as what.
  }];
  let options = [
    Option<"defaultTrips", "default-trips", "unsigned", /*default=*/"8",
           "iterations that a data-dependent loop is expected to take">,
    Option<"defaultDim", "default-dim", "unsigned", /*default=*/"64",
           "size that a dimension is expected to have where neither type nor "
           "code tells">
  ];
}

def OWGClassify : Pass<"owg-classify", "::mlir::ModuleOp"> {
  let summary = "static or dynamic, in time and in frequency";
  let description = [{
    Writes `owg.class` (see `#owg.class`) on every block, with the reason. A
    task is static in time if its work is the same for all inputs, or if its
    profile spreads by no more than the tolerance and does not drift. It is
    static in frequency if no control block around it decides how often it runs.
  }];
  let options = [
    Option<"tolerance", "tolerance", "double", /*default=*/"0.05",
           "coefficient of variation up to which a time or count is static">
  ];
}

#endif // OCTO_DIALECT_OWG_TRANSFORMS_PASSES_TD
