//===- OWGDialect.cpp - The owg dialect -----------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Registration, inlining, and where folded constants go.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/OWG/IR/OWG.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FoldInterfaces.h"
#include "mlir/Transforms/InliningUtils.h"

using namespace mlir;
using namespace octo::owg;

#include "octo/Dialect/OWG/IR/OWGDialect.cpp.inc"

/// Puts `prefix` before what follows the first part of `path` (the name of the
/// called workflow): "callee/loop/after/t" becomes "prefix/loop/after/t".
static std::string joinPath(StringRef prefix, StringRef path) {
  return (prefix + "/" + path.split('/').second).str();
}

namespace {
struct OWGInlinerInterface : public DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;

  bool isLegalToInline(Operation *call, Operation *callable,
                       bool wouldBeCloned) const final {
    return isa<CallOp>(call) && isa<WorkflowOp>(callable);
  }

  /// Workflows go between blocks, functions go into code.
  bool isLegalToInline(Region *dest, Region *src, bool wouldBeCloned,
                       IRMapping &) const final {
    bool fromWorkflow = isa<WorkflowOp>(src->getParentOp());
    bool intoTask = isa<TaskOp>(dest->getParentOp());
    return fromWorkflow ? !intoTask : src->hasOneBlock();
  }

  bool isLegalToInline(Operation *op, Region *dest, bool wouldBeCloned,
                       IRMapping &) const final {
    return true;
  }

  /// The body of a task moves as a whole.
  bool shouldAnalyzeRecursively(Operation *op) const final {
    return !isa<TaskOp>(op);
  }

  void handleTerminator(Operation *op, ValueRange toReplace) const final {
    for (auto [old, value] : llvm::zip_equal(toReplace, op->getOperands()))
      old.replaceAllUsesWith(value);
  }

  /// Keeps labels unique and paths what they would have been at the call.
  void processInlinedCallBlocks(
      Operation *call,
      iterator_range<Region::iterator> inlinedBlocks) const final {
    auto callOp = dyn_cast<CallOp>(call);
    if (!callOp)
      return;
    MLIRContext *context = call->getContext();
    for (Block &block : inlinedBlocks)
      block.walk<WalkOrder::PreOrder>([&](Operation *op) {
        auto labelled = dyn_cast<LabelledOpInterface>(op);
        if (!labelled)
          return WalkResult::advance();
        labelled.setOpLabel(
            StringAttr::get(context, callOp.getLabel() + "/" +
                                         labelled.getOpLabel().getValue()));
        if (labelled.getOpPath() && callOp.getPathAttr())
          labelled.setOpPath(StringAttr::get(
              context,
              joinPath(*callOp.getPath(), labelled.getOpPath().getValue())));
        return isa<TaskOp>(op) ? WalkResult::skip() : WalkResult::advance();
      });
  }
};

/// Constants stay in the region that uses them, so that folding never makes a
/// decision or a case depend on a value from outside.
struct OWGFoldInterface : public DialectFoldInterface {
  using DialectFoldInterface::DialectFoldInterface;
  bool shouldMaterializeInto(Region *region) const final { return true; }
};
} // namespace

void OWGDialect::initialize() {
  registerAttributesAndTypes();
  registerOperations();
  addInterfaces<OWGInlinerInterface, OWGFoldInterface>();
}

Operation *OWGDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                           Type type, Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

static LogicalResult verifyName(Operation *op, NamedAttribute attribute) {
  if (attribute.getName() != OWGDialect::getNameAttrName())
    return op->emitOpError()
           << "does not know attribute '" << attribute.getName().strref()
           << "' on arguments and results; there is owg.name";
  auto name = dyn_cast<StringAttr>(attribute.getValue());
  if (!name || name.empty())
    return op->emitOpError() << "attribute 'owg.name' must be a string that is "
                                "not empty";
  return success();
}

LogicalResult OWGDialect::verifyRegionArgAttribute(Operation *op, unsigned,
                                                   unsigned,
                                                   NamedAttribute attribute) {
  return verifyName(op, attribute);
}

LogicalResult
OWGDialect::verifyRegionResultAttribute(Operation *op, unsigned, unsigned,
                                        NamedAttribute attribute) {
  return verifyName(op, attribute);
}
