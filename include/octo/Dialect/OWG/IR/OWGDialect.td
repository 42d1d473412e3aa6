//===- OWGDialect.td - The dialect of orchestrated workflows -*- tablegen -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The owg dialect itself. What is to be done: task blocks, control blocks and
// the flows between them, before anything is said about where and when.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_DIALECT_OWG_IR_OWGDIALECT_TD
#define OCTO_DIALECT_OWG_IR_OWGDIALECT_TD

include "mlir/IR/OpBase.td"

def OWG_Dialect : Dialect {
  let name = "owg";
  let cppNamespace = "::octo::owg";
  let summary = "orchestrated AI workflows: task blocks, control blocks, flows";
  let description = [{
    An *orchestrated workflow graph* is written as an `owg.workflow`. Its body
    holds **task blocks** (`owg.task`: computation) and **control blocks**
    (`owg.branch`, `owg.select`, `owg.loop`, `owg.fanout`: decisions). The flows
    between them are SSA values; control is regions.

    Every block has a *label*, a string that is unique in its workflow, and,
    once `owg-assign-path-ids` has run, a *path*: the labels and regions that
    lead to it from the workflow, joined by `/`, as in
    `"refine/until-stable/after/step"`. Profiles, pins and explanations key on
    the path.

    Blocks take explicit inputs, bound to names as in
    `owg.task "t"(%x = %v : tensor<4xf32>)`. The bodies of tasks see nothing
    else. The regions of control blocks may also use any value that dominates
    the control block, as in `scf`.

    Between the blocks of a workflow only *wiring* may stand: constants,
    `tensor.empty`, `tensor.dim`, `tensor.cast`, and operations of `arith`,
    `index` and `affine` on scalars. Real work belongs in a task.

    A *profiled* block has no code: a task without a body, a branch or select
    without `decide`, a loop without `before`, a fan-out without `count`. Its
    behaviour is drawn from its `#owg.profile`. Profiled blocks carry a write
    effect on a resource of the dialect, so that no pass merges, drops or moves
    them: two samples of one model are two tasks.

    The values `!owg.data` and `!owg.token` stand for results of which only the
    size or the mere existence is known. They make a workflow timing-only.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::tensor::TensorDialect"];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
  let extraClassDeclaration = [{
    void registerAttributesAndTypes();
    void registerOperations();

    /// Attribute that names a parameter or result of a workflow to the outside
    /// (files of inputs and outputs, Python keyword arguments).
    static constexpr ::llvm::StringLiteral getNameAttrName() {
      return ::llvm::StringLiteral("owg.name");
    }
  }];
}

#endif // OCTO_DIALECT_OWG_IR_OWGDIALECT_TD
