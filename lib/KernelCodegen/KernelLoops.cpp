//===- KernelLoops.cpp - Kernels on buffers -------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What happens to a kernel between bufferization and control flow: results that
// are kept apart, copies as loops, loops ordered for unit stride, and checks of
// divisions and allocations.
//
//===----------------------------------------------------------------------===//

#include "KernelPasses.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/Index/IR/IndexOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;

namespace octo {
namespace {

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

/// Deallocation makes the caller the owner of what a function returns, but
/// does not see two results that are one buffer.
struct KernelResultsPass
    : PassWrapper<KernelResultsPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(KernelResultsPass)

  StringRef getArgument() const final { return "octo-kernel-results"; }
  StringRef getDescription() const final {
    return "Give every result of a kernel a buffer of its own";
  }
  void getDependentDialects(DialectRegistry &registry) const final {
    registry.insert<bufferization::BufferizationDialect>();
  }

  /// True if nothing else can be the buffer of `value`.
  static bool isFresh(Value value) {
    while (auto cast = value.getDefiningOp<memref::CastOp>())
      value = cast.getSource();
    return value.getDefiningOp<memref::AllocOp>() ||
           value.getDefiningOp<bufferization::CloneOp>();
  }

  static Value root(Value value) {
    while (auto view = value.getDefiningOp<ViewLikeOpInterface>())
      value = view.getViewSource();
    return value;
  }

  void runOnOperation() final {
    getOperation().walk([](func::ReturnOp op) {
      unsigned numBuffers = llvm::count_if(op.getOperands(), [](Value value) {
        return isa<BaseMemRefType>(value.getType());
      });
      llvm::SmallPtrSet<Value, 4> seen;
      OpBuilder builder(op);
      for (OpOperand &operand : op->getOpOperands()) {
        Value value = operand.get();
        if (!isa<BaseMemRefType>(value.getType()))
          continue;
        bool first = seen.insert(root(value)).second;
        if (first && (numBuffers == 1 || isFresh(value)))
          continue;
        operand.set(
            bufferization::CloneOp::create(builder, op.getLoc(), value));
      }
    });
  }
};

//===----------------------------------------------------------------------===//
// Copies and the order of loops
//===----------------------------------------------------------------------===//

struct KernelLoopOrderPass
    : PassWrapper<KernelLoopOrderPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(KernelLoopOrderPass)

  StringRef getArgument() const final { return "octo-kernel-loop-order"; }
  StringRef getDescription() const final {
    return "Order the loops of kernels for unit stride, and lower what the "
           "stock lowering leaves";
  }
  void getDependentDialects(DialectRegistry &registry) const final {
    registry.insert<arith::ArithDialect, linalg::LinalgDialect,
                    memref::MemRefDialect>();
  }

  void runOnOperation() final {
    IRRewriter rewriter(&getContext());
    SmallVector<memref::CopyOp> copies;
    SmallVector<linalg::LinalgOp> ops;
    SmallVector<memref::ReshapeOp> reshapes;
    getOperation().walk([&](Operation *op) {
      if (auto copy = dyn_cast<memref::CopyOp>(op))
        copies.push_back(copy);
      else if (auto reshape = dyn_cast<memref::ReshapeOp>(op))
        reshapes.push_back(reshape);
      else if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
        ops.push_back(linalgOp);
    });
    // Copies between dense buffers become memcpy; others would call a library
    // that images do not have.
    for (memref::CopyOp copy : copies) {
      auto isDense = [](Value value) {
        auto type = cast<MemRefType>(value.getType());
        return type.getLayout().isIdentity();
      };
      if (isDense(copy.getSource()) && isDense(copy.getTarget()))
        continue;
      rewriter.setInsertionPoint(copy);
      linalg::makeMemRefCopyOp(rewriter, copy.getLoc(), copy.getSource(),
                               copy.getTarget());
      rewriter.eraseOp(copy);
    }
    for (memref::ReshapeOp reshape : reshapes)
      lowerReshape(rewriter, reshape);
    for (linalg::LinalgOp op : ops)
      if (failed(reorder(rewriter, op)))
        return signalPassFailure();
  }

private:
  /// The stock lowering to LLVM leaves casts behind when the shape is an input.
  static void lowerReshape(IRRewriter &rewriter, memref::ReshapeOp op) {
    auto type = dyn_cast<MemRefType>(op.getType());
    SmallVector<int64_t> strides;
    int64_t offset = 0;
    if (!type || failed(type.getStridesAndOffset(strides, offset)))
      return;
    Location loc = op.getLoc();
    rewriter.setInsertionPoint(op);
    int64_t rank = type.getRank();
    SmallVector<OpFoldResult> sizes(rank), steps(rank);
    Value stride = arith::ConstantIndexOp::create(rewriter, loc, 1);
    for (int64_t i = rank; i-- > 0;) {
      Value size;
      if (type.isDynamicDim(i)) {
        Value position = arith::ConstantIndexOp::create(rewriter, loc, i);
        size = memref::LoadOp::create(rewriter, loc, op.getShape(), position);
        if (!size.getType().isIndex())
          size = arith::IndexCastOp::create(rewriter, loc,
                                            rewriter.getIndexType(), size);
        sizes[i] = size;
      } else {
        size =
            arith::ConstantIndexOp::create(rewriter, loc, type.getDimSize(i));
        sizes[i] = rewriter.getIndexAttr(type.getDimSize(i));
      }
      steps[i] = ShapedType::isDynamic(strides[i])
                     ? OpFoldResult(stride)
                     : OpFoldResult(rewriter.getIndexAttr(strides[i]));
      stride = arith::MulIOp::create(rewriter, loc, stride, size);
    }
    rewriter.replaceOpWithNewOp<memref::ReinterpretCastOp>(
        op, type, op.getSource(), rewriter.getIndexAttr(0), sizes, steps);
  }

  /// Makes a parallel loop that walks the results (and whatever else it
  /// touches) with unit stride the innermost one, so that it can be vectorised
  /// without changing the order of any sum.
  static LogicalResult reorder(IRRewriter &rewriter, linalg::LinalgOp op) {
    unsigned numLoops = op.getNumLoops();
    if (numLoops < 2 || op.getNumReductionLoops() == 0)
      return success();
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
    AffineMap resultMap = maps.back();
    if (resultMap.getNumResults() == 0)
      return success();
    auto last = dyn_cast<AffineDimExpr>(
        resultMap.getResult(resultMap.getNumResults() - 1));
    if (!last)
      return success();
    unsigned dim = last.getPosition();
    if (dim + 1 == numLoops || iterators[dim] != utils::IteratorType::parallel)
      return success();
    for (AffineMap map : maps) {
      unsigned rank = map.getNumResults();
      for (unsigned i = 0; i < rank; ++i) {
        if (!map.getResult(i).isFunctionOfDim(dim))
          continue;
        if (i + 1 != rank || !hasUnitStride(map.getResult(i), dim))
          return success();
      }
    }
    SmallVector<unsigned> order;
    for (unsigned i = 0; i < numLoops; ++i)
      if (i != dim)
        order.push_back(i);
    order.push_back(dim);

    rewriter.setInsertionPoint(op);
    auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
    if (!generic) {
      FailureOr<linalg::GenericOp> made =
          linalg::generalizeNamedOp(rewriter, op);
      if (failed(made))
        return success();
      generic = *made;
    }
    rewriter.setInsertionPoint(generic);
    return linalg::interchangeGenericOp(rewriter, generic, order);
  }

  /// d, or d + (something without d).
  static bool hasUnitStride(AffineExpr expr, unsigned dim) {
    if (isa<AffineDimExpr>(expr))
      return true;
    auto sum = dyn_cast<AffineBinaryOpExpr>(expr);
    if (!sum || sum.getKind() != AffineExprKind::Add)
      return false;
    bool left = sum.getLHS().isFunctionOfDim(dim);
    bool right = sum.getRHS().isFunctionOfDim(dim);
    return left != right &&
           hasUnitStride(left ? sum.getLHS() : sum.getRHS(), dim);
  }
};

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

/// More elements than any machine that is described here can hold; below it no
/// product of sizes overflows.
constexpr int64_t maxElements = int64_t(1) << 40;

struct KernelChecksPass
    : PassWrapper<KernelChecksPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(KernelChecksPass)

  StringRef getArgument() const final { return "octo-kernel-checks"; }
  StringRef getDescription() const final {
    return "Check divisions, powers and sizes of allocations in kernels";
  }
  void getDependentDialects(DialectRegistry &registry) const final {
    registry.insert<arith::ArithDialect, cf::ControlFlowDialect>();
  }

  void runOnOperation() final {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp,
              arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp,
              index::DivSOp, index::DivUOp, index::RemSOp, index::RemUOp,
              index::CeilDivSOp, index::CeilDivUOp, index::FloorDivSOp,
              math::IPowIOp, memref::AllocOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      if (isa<memref::AllocOp>(op))
        checkAllocation(cast<memref::AllocOp>(op));
      else if (failed(checkDivision(op)))
        return signalPassFailure();
    }
  }

private:
  static LogicalResult checkDivision(Operation *op) {
    Type type = op->getResult(0).getType();
    if (isa<ShapedType>(type))
      return op->emitOpError("of a vector may divide by zero and cannot be "
                             "checked in a kernel; write it on scalars or "
                             "tensors");
    bool isSigned = isa<arith::DivSIOp, arith::RemSIOp, arith::CeilDivSIOp,
                        arith::FloorDivSIOp, index::DivSOp, index::RemSOp,
                        index::CeilDivSOp, index::FloorDivSOp>(op);
    OpBuilder builder(op);
    Location loc = op->getLoc();
    unsigned width = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
    Value left = op->getOperand(0), right = op->getOperand(1);
    auto constant = [&](const APInt &value) -> Value {
      return arith::ConstantOp::create(builder, loc,
                                       builder.getIntegerAttr(type, value));
    };
    auto compare = [&](arith::CmpIPredicate predicate, Value a,
                       Value b) -> Value {
      return arith::CmpIOp::create(builder, loc, predicate, a, b);
    };
    Value zero = constant(APInt::getZero(width));

    if (isa<math::IPowIOp>(op)) {
      // 0 to a negative power.
      Value base = compare(arith::CmpIPredicate::ne, left, zero);
      Value power = compare(arith::CmpIPredicate::sge, right, zero);
      Value good = arith::OrIOp::create(builder, loc, base, power);
      cf::AssertOp::create(builder, loc, good, "zero to a negative power");
      return success();
    }

    APInt divisor;
    bool known = matchPattern(right, m_ConstantInt(&divisor));
    if (!known || divisor.isZero()) {
      Value good = compare(arith::CmpIPredicate::ne, right, zero);
      cf::AssertOp::create(builder, loc, good, "integer division by zero");
    }
    if (isSigned && width > 1 && (!known || divisor.isAllOnes())) {
      Value minimum = constant(APInt::getSignedMinValue(width));
      Value minusOne = constant(APInt::getAllOnes(width));
      Value a = compare(arith::CmpIPredicate::ne, left, minimum);
      Value b = compare(arith::CmpIPredicate::ne, right, minusOne);
      Value good = arith::OrIOp::create(builder, loc, a, b);
      cf::AssertOp::create(builder, loc, good, "integer division overflows");
    }
    return success();
  }

  static void checkAllocation(memref::AllocOp op) {
    // What `allocate` returns is aligned well enough for everything.
    op.removeAlignmentAttr();
    if (op.getDynamicSizes().empty())
      return;
    OpBuilder builder(op);
    Location loc = op.getLoc();
    int64_t fixed = 1;
    for (int64_t size : op.getType().getShape())
      if (!ShapedType::isDynamic(size))
        fixed *= std::max<int64_t>(size, 1);
    fixed = std::min(fixed, maxElements);
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    Value limit =
        arith::ConstantIndexOp::create(builder, loc, maxElements / fixed);
    Value one = arith::ConstantIndexOp::create(builder, loc, 1);
    for (auto [i, size] : llvm::enumerate(op.getDynamicSizes())) {
      Value low = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge,
                                        size, zero);
      Value high = arith::CmpIOp::create(
          builder, loc, arith::CmpIPredicate::sle, size, limit);
      Value good = arith::AndIOp::create(builder, loc, low, high);
      cf::AssertOp::create(builder, loc, good,
                           "the size of a tensor is negative or too large");
      if (i + 1 == op.getDynamicSizes().size())
        break;
      Value factor = arith::MaxSIOp::create(builder, loc, size, one);
      limit = arith::DivUIOp::create(builder, loc, limit, factor);
    }
  }
};

} // namespace

std::unique_ptr<Pass> createKernelResultsPass() {
  return std::make_unique<KernelResultsPass>();
}
std::unique_ptr<Pass> createKernelLoopOrderPass() {
  return std::make_unique<KernelLoopOrderPass>();
}
std::unique_ptr<Pass> createKernelChecksPass() {
  return std::make_unique<KernelChecksPass>();
}

} // namespace octo
