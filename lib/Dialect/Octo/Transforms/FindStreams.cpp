//===- FindStreams.cpp - What bodies can do chunk by chunk ----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A body can run row by row, the rows being the indices of the outermost
// dimension of its results, if every operation in it can: then the rows of an
// input are needed in order, and those of the results are made in order. One
// walk from the results backwards tells of each value whether it is needed row
// by row or as a whole.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/Octo/IR/Octo.h"
#include "octo/Dialect/Octo/Transforms/Passes.h"
#include "octo/Dialect/Octo/Transforms/Streams.h"
#include "octo/Support/CompileReport.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"

namespace octo::spatial {
#define GEN_PASS_DEF_OCTOFINDSTREAMS
#include "octo/Dialect/Octo/Transforms/Passes.h.inc"
} // namespace octo::spatial

using namespace mlir;
using namespace octo::spatial;

namespace {

/// How a value is needed.
enum Need : uint8_t { Not = 0, Rows = 1, Whole = 2 };

class BodyRows {
public:
  explicit BodyRows(func::FuncOp body) : body(body) {}

  /// What can be streamed; nothing if there are no common rows.
  RowsAttrs find() {
    RowsAttrs result;
    if (!body.getBody().hasOneBlock())
      return result.because("its body has several blocks");
    Block &block = body.getBody().front();
    Operation *end = block.getTerminator();
    int64_t rows = 0;
    for (Value value : end->getOperands()) {
      auto type = dyn_cast<RankedTensorType>(value.getType());
      if (!type || type.getRank() == 0)
        return result.because("it has a result without dimensions");
      int64_t own = type.getDimSize(0);
      if (ShapedType::isDynamic(own))
        return result.because("the rows of its results are known only at run "
                              "time");
      if (rows && own != rows)
        return result.because("its results have different numbers of rows");
      rows = own;
      need(value, Rows);
    }
    if (rows < 2)
      return result.because("its results have one row");
    for (Operation &op : llvm::reverse(block.without_terminator()))
      visit(op);
    result.rows = uint32_t(std::min<int64_t>(rows, UINT32_MAX));
    for (BlockArgument argument : block.getArguments()) {
      auto type = dyn_cast<RankedTensorType>(argument.getType());
      if (type && needs.lookup(argument) == Rows && type.getDimSize(0) == rows)
        result.inputs.push_back(argument.getArgNumber());
    }
    if (!prologue)
      for (unsigned o = 0; o < end->getNumOperands(); ++o)
        result.outputs.push_back(o);
    else
      result.why = "it computes '" + prologue->getName().getStringRef().str() +
                   "' as a whole";
    return result;
  }

private:
  void need(Value value, uint8_t how) {
    if (isa<RankedTensorType>(value.getType()))
      needs[value] |= how;
  }

  /// All operands, and what regions take from outside.
  void needWhole(Operation &op) {
    op.walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        need(operand, Whole);
    });
  }

  void visit(Operation &op) {
    uint8_t how = Not;
    for (Value result : op.getResults())
      how |= needs.lookup(result);
    if (how == Rows && visitRows(op))
      return;
    needWhole(op);
    // A value that costs nothing to make may be there before the first row.
    bool tensors =
        llvm::any_of(op.getOperandTypes(), llvm::IsaPred<RankedTensorType>) ||
        op.getNumRegions();
    if (!isa<tensor::DimOp, tensor::EmptyOp, tensor::CastOp,
             tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op) &&
        tensors && !isFill(op))
      prologue = &op;
  }

  /// Constants in the form of an operation on an empty tensor.
  static bool isFill(Operation &op) {
    auto fill = dyn_cast<linalg::FillOp>(op);
    return fill && fill.getOutputs().front().getDefiningOp<tensor::EmptyOp>();
  }

  /// An operation whose results are made row by row. False if it cannot.
  bool visitRows(Operation &op) {
    if (matchPattern(&op, m_Constant()) ||
        isa<tensor::EmptyOp, tensor::SplatOp>(op))
      return true;
    if (auto linalg = dyn_cast<linalg::LinalgOp>(op))
      return visitLinalg(linalg);
    if (auto softmax = dyn_cast<linalg::SoftmaxOp>(op)) {
      if (softmax.getDimension() == 0)
        return false;
      need(softmax.getInput(), Rows);
      need(softmax.getOutput(), Rows);
      return true;
    }
    if (op.getNumRegions() == 0 && OpTrait::hasElementwiseMappableTraits(&op)) {
      for (Value operand : op.getOperands())
        need(operand, Rows);
      return true;
    }
    if (auto cast = dyn_cast<tensor::CastOp>(op)) {
      need(cast.getSource(), Rows);
      return true;
    }
    auto keepsRows = [](ArrayRef<ReassociationIndices> groups) {
      return !groups.empty() && groups.front().size() == 1;
    };
    if (auto reshape = dyn_cast<tensor::CollapseShapeOp>(op)) {
      if (!keepsRows(reshape.getReassociationIndices()))
        return false;
      need(reshape.getSrc(), Rows);
      return true;
    }
    if (auto reshape = dyn_cast<tensor::ExpandShapeOp>(op)) {
      if (!keepsRows(reshape.getReassociationIndices()))
        return false;
      need(reshape.getSrc(), Rows);
      return true;
    }
    auto allRows = [](OffsetSizeAndStrideOpInterface slice,
                      RankedTensorType of) {
      return of.getRank() && !slice.isDynamicOffset(0) &&
             !slice.isDynamicSize(0) && !slice.isDynamicStride(0) &&
             slice.getStaticOffset(0) == 0 && slice.getStaticStride(0) == 1 &&
             slice.getStaticSize(0) == of.getDimSize(0);
    };
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
      if (!allRows(slice, slice.getSourceType()) ||
          slice.getDroppedDims().test(0))
        return false;
      need(slice.getSource(), Rows);
      return true;
    }
    if (auto slice = dyn_cast<tensor::InsertSliceOp>(op)) {
      if (!allRows(slice, slice.getDestType()) ||
          slice.getDroppedDims().test(0))
        return false;
      need(slice.getSource(), Rows);
      need(slice.getDest(), Rows);
      return true;
    }
    if (auto concat = dyn_cast<tensor::ConcatOp>(op)) {
      if (concat.getDim() == 0)
        return false;
      for (Value part : concat.getInputs())
        need(part, Rows);
      return true;
    }
    return false;
  }

  /// The loop over the rows of the results must be parallel. Operands that it
  /// indexes in their outermost dimension, and nowhere else, go row by row.
  bool visitLinalg(linalg::LinalgOp op) {
    std::optional<unsigned> loop;
    for (OpOperand &init : op.getDpsInitsMutable()) {
      AffineMap map = op.getMatchingIndexingMap(&init);
      AffineDimExpr row(nullptr);
      if (map.getNumResults())
        row = dyn_cast<AffineDimExpr>(map.getResult(0));
      if (!row || (loop && *loop != row.getPosition()))
        return false;
      loop = row.getPosition();
    }
    if (!loop ||
        op.getIteratorTypesArray()[*loop] != utils::IteratorType::parallel)
      return false;
    for (OpOperand &operand : op->getOpOperands()) {
      if (!isa<RankedTensorType>(operand.get().getType()))
        continue;
      AffineMap map = op.getMatchingIndexingMap(&operand);
      bool inOrder =
          map.getNumResults() &&
          map.getResult(0) == getAffineDimExpr(*loop, op->getContext());
      for (unsigned r = 1; r < map.getNumResults(); ++r)
        inOrder &= !map.getResult(r).isFunctionOfDim(*loop);
      need(operand.get(), inOrder ? Rows : Whole);
    }
    // Elements that the region picks by itself.
    for (Region &region : op->getRegions())
      region.walk([&](Operation *inner) {
        for (Value value : inner->getOperands())
          need(value, Whole);
      });
    return true;
  }

  func::FuncOp body;
  llvm::DenseMap<Value, uint8_t> needs;
  /// Something that has to be done before the first row.
  Operation *prologue = nullptr;
};

class FindStreams
    : public octo::spatial::impl::OctoFindStreamsBase<FindStreams> {
public:
  using OctoFindStreamsBase::OctoFindStreamsBase;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (KernelOp kernel : getOperation().getOps<KernelOp>()) {
      if (!kernel.getBodyAttr())
        continue;
      auto body = symbols.lookup<func::FuncOp>(kernel.getBodyAttr().getAttr());
      if (!body || body.isExternal() ||
          body.getNumArguments() != kernel.getFunctionType().getNumInputs())
        continue;
      RowsAttrs rows = BodyRows(body).find();
      kernel->setAttr(RowsAttrs::name, rows.toAttr(&getContext()));
      bool found = !rows.inputs.empty() || !rows.outputs.empty();
      octo::CompileReport::add("octo-find-streams", "kernels", 1);
      octo::CompileReport::add("octo-find-streams", "kernels_by_rows", found);
    }
  }
};

} // namespace
