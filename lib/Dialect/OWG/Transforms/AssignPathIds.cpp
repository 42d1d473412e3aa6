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
#include "llvm/ADT/StringMap.h"

namespace octo::owg {
#define GEN_PASS_DEF_OWGASSIGNPATHIDS
#include "octo/Dialect/OWG/Transforms/Passes.h.inc"
} // namespace octo::owg

using namespace mlir;
using namespace octo::owg;

namespace {
/// What the inliner will make of calls. Workflows that call others several
/// times each can grow past all memory in a few lines.
class Expansion {
public:
  LogicalResult check(ModuleOp module) {
    for (WorkflowOp workflow : module.getOps<WorkflowOp>())
      workflows[workflow.getSymName()] = workflow;
    for (WorkflowOp workflow : module.getOps<WorkflowOp>())
      if (failed(expand(workflow, 1)))
        return failure();
    return success();
  }

private:
  static constexpr unsigned mostNested = 1000;
  static constexpr uint64_t mostBlocks = 4'194'304;

  struct Size {
    uint64_t blocks = 0;
    unsigned nested = 1;
  };

  /// The size of a workflow, which `level` workflows lead to, itself included.
  FailureOr<Size> expand(WorkflowOp workflow, unsigned level) {
    if (auto found = sizes.find(workflow); found != sizes.end())
      return found->second;
    Size size;
    CallOp last;
    WalkResult walked = workflow.walk([&](LabelledOpInterface op) {
      auto call = dyn_cast<CallOp>(op.getOperation());
      WorkflowOp callee = call ? workflows.lookup(call.getCallee()) : nullptr;
      if (!callee) {
        ++size.blocks;
        return WalkResult::advance();
      }
      last = call;
      FailureOr<Size> inner =
          level < mostNested ? expand(callee, level + 1) : Size{0, mostNested};
      if (failed(inner))
        return WalkResult::interrupt();
      size.nested = std::max(size.nested, inner->nested + 1);
      size.blocks += inner->blocks;
      return WalkResult(checkSize(call, size));
    });
    if (walked.wasInterrupted())
      return failure();
    all += size.blocks;
    if (last && failed(checkSize(last, {all, size.nested})))
      return failure();
    sizes[workflow] = size;
    return size;
  }

  LogicalResult checkSize(CallOp call, Size size) {
    if (size.nested > mostNested)
      return call.emitOpError()
             << "is the first of more than " << mostNested
             << " calls within one another; let workflows call fewer levels of "
                "others";
    if (size.blocks > mostBlocks)
      return call.emitOpError()
             << "leads to " << size.blocks
             << " blocks with all calls expanded; there is room for "
             << mostBlocks
             << ": use owg.loop or owg.fanout for what repeats, or call less";
    return success();
  }

  llvm::StringMap<WorkflowOp> workflows;
  DenseMap<Operation *, Size> sizes;
  uint64_t all = 0;
};

struct AssignPathIds
    : public octo::owg::impl::OWGAssignPathIdsBase<AssignPathIds> {
  void runOnOperation() override {
    if (failed(Expansion().check(getOperation())))
      return signalPassFailure();
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
