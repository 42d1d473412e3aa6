//===- OutlineTasks.cpp - owg-outline-tasks -------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Moves the bodies of inline tasks into functions that equal bodies share.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/OWG/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OperationSupport.h"
#include "llvm/ADT/Hashing.h"

#include <unordered_map>

namespace octo::owg {
#define GEN_PASS_DEF_OWGOUTLINETASKS
#include "octo/Dialect/OWG/Transforms/Passes.h.inc"
} // namespace octo::owg

using namespace mlir;
using namespace octo::owg;

/// A hash of what isEquivalent compares: operations, attributes, types, but
/// neither locations nor which values are used.
static size_t hashBody(Region &body) {
  llvm::hash_code hash(0);
  for (Type type : body.getArgumentTypes())
    hash = llvm::hash_combine(hash, type);
  body.walk<WalkOrder::PreOrder>([&](Operation *op) {
    hash =
        llvm::hash_combine(hash, OperationEquivalence::computeHash(
                                     op, OperationEquivalence::ignoreHashValue,
                                     OperationEquivalence::ignoreHashValue,
                                     OperationEquivalence::IgnoreLocations));
  });
  return hash;
}

namespace {
struct OutlineTasks
    : public octo::owg::impl::OWGOutlineTasksBase<OutlineTasks> {
  using OWGOutlineTasksBase::OWGOutlineTasksBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    SmallVector<TaskOp> tasks;
    for (WorkflowOp workflow : module.getOps<WorkflowOp>())
      workflow.walk<WalkOrder::PreOrder>([&](TaskOp task) {
        if (task.isInline())
          tasks.push_back(task);
        else if (auto callee = task.getCallee())
          publish(symbols.lookup<func::FuncOp>(*callee));
        return WalkResult::skip();
      });

    // Bodies are compared as long as all of them are still in their tasks.
    std::unordered_map<size_t, SmallVector<unsigned, 1>> buckets;
    SmallVector<TaskOp> leaders;
    SmallVector<unsigned> leaderOf;
    for (TaskOp task : tasks) {
      SmallVector<unsigned, 1> *bucket =
          share ? &buckets[hashBody(task.getBody())] : nullptr;
      const unsigned *same = nullptr;
      if (bucket) {
        const unsigned *it = llvm::find_if(*bucket, [&](unsigned leader) {
          return OperationEquivalence::isRegionEquivalentTo(
              &leaders[leader].getBody(), &task.getBody(),
              OperationEquivalence::IgnoreLocations);
        });
        same = it == bucket->end() ? nullptr : it;
      }
      leaderOf.push_back(same ? *same : leaders.size());
      if (same)
        continue;
      if (bucket)
        bucket->push_back(leaders.size());
      leaders.push_back(task);
    }

    SmallVector<FlatSymbolRefAttr> names;
    for (auto [task, leader] : llvm::zip_equal(tasks, leaderOf)) {
      if (leader == names.size()) {
        names.push_back(outline(task, symbols));
      } else {
        task.getBody().dropAllReferences();
        task.getBody().getBlocks().clear();
      }
      task.setCalleeAttr(names[leader]);
    }
  }

  /// A private function is one that nothing but calls refers to: passes that
  /// know all of its calls change its type. A task is no call.
  static void publish(func::FuncOp function) {
    if (function && !function.isExternal())
      function.setPublic();
  }

  /// Moves the body of `task` into a new function in front of its workflow.
  FlatSymbolRefAttr outline(TaskOp task, SymbolTable &symbols) {
    auto workflow = task->getParentOfType<WorkflowOp>();
    std::string name = (workflow.getSymName() + "." + task.getLabel()).str();
    OpBuilder builder(workflow);
    auto type =
        builder.getFunctionType(task.getOperandTypes(), task.getResultTypes());
    auto function = func::FuncOp::create(task.getLoc(), name, type);
    symbols.insert(function, workflow->getIterator());
    function.getBody().takeBody(task.getBody());
    Operation *yield = function.getBody().front().getTerminator();
    builder.setInsertionPoint(yield);
    func::ReturnOp::create(builder, yield->getLoc(), yield->getOperands());
    yield->erase();
    return FlatSymbolRefAttr::get(function);
  }
};
} // namespace
