//===- AssignPathIds.cpp - owg-assign-path-ids ----------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Fixes the names by which profiles, pins and explanations know each block.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/OWG/Transforms/Passes.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseMap.h"

namespace octo::owg {
#define GEN_PASS_DEF_OWGASSIGNPATHIDS
#include "octo/Dialect/OWG/Transforms/Passes.h.inc"
} // namespace octo::owg

using namespace mlir;
using namespace octo::owg;

namespace {
struct AssignPathIds
    : public octo::owg::impl::OWGAssignPathIdsBase<AssignPathIds> {
  void runOnOperation() override {
    for (WorkflowOp workflow : getOperation().getOps<WorkflowOp>())
      if (failed(assign(workflow.getBody(), workflow.getSymName())))
        return signalPassFailure();
  }

  /// Assigns the paths of the blocks in `region`, which has the path `prefix`.
  LogicalResult assign(Region &region, const Twine &prefix) {
    std::string start = (prefix + "/").str();
    for (auto op : region.getOps<LabelledOpInterface>()) {
      if (!op.getOpPath())
        op.setOpPath(
            StringAttr::get(&getContext(), start + op.getOpLabel().getValue()));
      StringAttr path = op.getOpPath();
      auto [it, inserted] = known.try_emplace(path, op);
      if (!inserted) {
        InFlightDiagnostic diag = op->emitOpError()
                                  << "path '" << path.getValue()
                                  << "' is the path of two blocks; change one "
                                     "of the labels";
        diag.attachNote(it->second->getLoc()) << "used here first";
        return diag;
      }
      if (isa<TaskOp>(op.getOperation()))
        continue;
      for (Region &inner : op->getRegions())
        if (failed(assign(inner,
                          path.getValue() + "/" +
                              op.getPathRegionName(inner.getRegionNumber()))))
          return failure();
    }
    return success();
  }

  DenseMap<StringAttr, Operation *> known;
};
} // namespace
