//===- EstimateCost.cpp - How much each body has to do --------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs the work model on every body once and writes what it says.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/OWG/Transforms/Passes.h"
#include "octo/Dialect/OWG/Transforms/WorkModel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace octo::owg {
#define GEN_PASS_DEF_OWGESTIMATECOST
#include "octo/Dialect/OWG/Transforms/Passes.h.inc"
} // namespace octo::owg

using namespace mlir;
using namespace octo::owg;

namespace {

class EstimateCost : public octo::owg::impl::OWGEstimateCostBase<EstimateCost> {
public:
  using OWGEstimateCostBase::OWGEstimateCostBase;

  void runOnOperation() override {
    WorkModelOptions model;
    model.expectedTrips = defaultTrips;
    model.expectedDim = defaultDim;
    SymbolTableCollection symbols;
    SymbolTable &table = symbols.getSymbolTable(getOperation());
    llvm::DenseSet<Operation *> done;
    bool bad = false;

    auto estimate = [&](Region &body, Operation *on, StringRef name) {
      FailureOr<WorkEstimate> result = estimateWork(body, symbols, model);
      if (failed(result)) {
        bad = true;
        return;
      }
      on->setAttr(name, result->cost);
    };
    // The region that decides: `before` of a loop only where it holds no
    // blocks of its own; otherwise the conversion outlines the decision.
    auto decideOf = [](Operation *op) -> Region * {
      if (auto branch = dyn_cast<BranchOp>(op))
        return branch.hasDecide() ? &branch.getDecideRegion() : nullptr;
      if (auto select = dyn_cast<SelectOp>(op))
        return select.hasDecide() ? &select.getDecideRegion() : nullptr;
      if (auto loop = dyn_cast<LoopOp>(op))
        if (loop.hasBefore() &&
            llvm::none_of(loop.getBeforeRegion().front(), [](Operation &inner) {
              return isa<BlockOpInterface>(inner);
            }))
          return &loop.getBeforeRegion();
      return nullptr;
    };

    for (WorkflowOp workflow : getOperation().getOps<WorkflowOp>())
      workflow.walk<WalkOrder::PreOrder>([&](Operation *op) {
        if (auto task = dyn_cast<TaskOp>(op)) {
          if (task.isInline()) {
            estimate(task.getBody(), task, CostAttr::attrName());
          } else if (task.isOutlined()) {
            auto callee = dyn_cast_or_null<func::FuncOp>(
                table.lookup(task.getCalleeAttr().getValue()));
            // The verifier of the task has checked that it exists.
            if (callee && done.insert(callee).second)
              estimate(callee.getBody(), callee, CostAttr::attrName());
          }
          return WalkResult::skip();
        }
        if (Region *decide = decideOf(op))
          estimate(*decide, op, CostAttr::decideAttrName());
        return WalkResult::advance();
      });
    if (bad)
      signalPassFailure();
  }
};

} // namespace
