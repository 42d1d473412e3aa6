//===- KernelPrepare.cpp - Kernels on tensors, before bufferization -------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Hands the call (octo-c/Kernel.h) to every function of a kernel, counts the
// loops that are marked for it, adds the shape checks that
// generate-runtime-verification leaves out, and decomposes operations that
// bufferization does not know.
//
//===----------------------------------------------------------------------===//

#include "KernelPasses.h"

#include "octo/KernelCodegen/KernelCodegen.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace octo {
namespace {

bool isKernelElement(Type type) {
  if (type.isIndex() || type.isF16() || type.isBF16() || type.isF32() ||
      type.isF64())
    return true;
  auto integer = dyn_cast<IntegerType>(type);
  return integer && integer.isSignless() &&
         llvm::is_contained({1u, 8u, 16u, 32u, 64u}, integer.getWidth());
}

LogicalResult checkType(Operation *op, Type type, const char *what,
                        unsigned number) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    if (!tensor.getEncoding() && isKernelElement(tensor.getElementType()))
      return success();
  if (isKernelElement(type))
    return success();
  return op->emitOpError()
         << what << " " << number << " has type " << type
         << ", which a kernel cannot take or return; allowed are scalars and "
            "tensors of static rank of i1, i8, i16, i32, i64, index, f16, "
            "bf16, f32, f64";
}

struct KernelPreparePass
    : PassWrapper<KernelPreparePass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(KernelPreparePass)

  StringRef getArgument() const final { return "octo-kernel-prepare"; }
  StringRef getDescription() const final {
    return "Count loops, check shapes and pass the call in kernels on tensors";
  }
  void getDependentDialects(DialectRegistry &registry) const final {
    registry
        .insert<arith::ArithDialect, bufferization::BufferizationDialect,
                cf::ControlFlowDialect, func::FuncDialect, LLVM::LLVMDialect,
                memref::MemRefDialect, linalg::LinalgDialect, scf::SCFDialect,
                tensor::TensorDialect>();
  }

  void runOnOperation() final {
    ModuleOp module = getOperation();
    func::FuncOp kernel = findKernel<func::FuncOp>(module);
    if (!kernel) {
      module.emitError("a kernel module needs exactly one public function "
                       "with a body");
      return signalPassFailure();
    }
    for (auto [i, type] : llvm::enumerate(kernel.getArgumentTypes()))
      if (failed(checkType(kernel, type, "argument", i)))
        return signalPassFailure();
    for (auto [i, type] : llvm::enumerate(kernel.getResultTypes()))
      if (failed(checkType(kernel, type, "result", i)))
        return signalPassFailure();
    module->setAttr(kernelTypeAttrName,
                    TypeAttr::get(kernel.getFunctionType()));

    // The caller of a kernel keeps its inputs, but for those that it donates.
    SmallVector<int64_t> donated;
    for (unsigned i = 0, e = kernel.getNumArguments(); i != e; ++i) {
      if (kernel.removeArgAttr(i, donatedAttrName))
        donated.push_back(i);
      else if (isa<TensorType>(kernel.getArgument(i).getType()))
        kernel.setArgAttr(
            i, bufferization::BufferizationDialect::kWritableAttrName,
            BoolAttr::get(&getContext(), false));
    }

    if (!donated.empty())
      module->setAttr(kernelDonatedAttrName,
                      Builder(&getContext()).getDenseI64ArrayAttr(donated));

    if (failed(passCall(module)))
      return signalPassFailure();
    if (failed(countLoops(module)))
      return signalPassFailure();
    if (failed(checkForSteps(module)) || failed(decompose(module)))
      return signalPassFailure();
    module.walk([&](Operation *op) { checkShapes(op); });
  }

private:
  /// Every function with a body gets the call as its first argument.
  LogicalResult passCall(ModuleOp module) {
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    for (auto function : module.getOps<func::FuncOp>()) {
      if (function.isExternal())
        return function.emitOpError(
            "has no body; a kernel can only call functions of its module that "
            "have one");
      if (failed(function.insertArgument(0, pointer, {}, function.getLoc())))
        return failure();
      Value call = function.getArgument(0);
      function.walk([&](func::CallOp op) {
        op.getOperandsMutable().append(call);
        // `append` put it last.
        SmallVector<Value> operands(op.getOperands());
        std::rotate(operands.begin(), operands.end() - 1, operands.end());
        op->setOperands(operands);
      });
    }
    return success();
  }

  /// Loops marked with a counter add to it. All scf.while loops burn fuel: a
  /// loop that never ends is an error of the request, not of the simulator.
  LogicalResult countLoops(ModuleOp module) {
    OpBuilder builder(&getContext());
    SmallVector<std::pair<Operation *, int64_t>> loops;
    int64_t numCounters = 0;
    WalkResult walk = module.walk<WalkOrder::PreOrder>([&](Operation *op) {
      auto counter = op->getAttrOfType<IntegerAttr>(counterAttrName);
      if (counter) {
        if (!isa<scf::WhileOp, scf::ForOp>(op) || counter.getInt() < 0) {
          op->emitOpError("has a counter, which only scf.while and scf.for can "
                          "have");
          return WalkResult::interrupt();
        }
        op->removeAttr(counterAttrName);
        numCounters = std::max(numCounters, counter.getInt() + 1);
      }
      if (counter || isa<scf::WhileOp>(op))
        loops.emplace_back(op, counter ? counter.getInt() : -1);
      return WalkResult::advance();
    });
    if (walk.wasInterrupted())
      return failure();
    module->setAttr(kernelCountersAttrName,
                    builder.getI64IntegerAttr(numCounters));
    if (loops.empty())
      return success();

    builder.setInsertionPointToEnd(module.getBody());
    Type i64 = builder.getI64Type();
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    auto declare = [&](StringRef name, TypeRange inputs) {
      auto function =
          func::FuncOp::create(builder, module.getLoc(), name,
                               builder.getFunctionType(inputs, TypeRange()));
      function.setPrivate();
      return function;
    };
    func::FuncOp count = declare(countFunctionName, {pointer, i64, i64});
    func::FuncOp burn = declare(burnFunctionName, {pointer, i64});

    for (auto [op, number] : loops) {
      Location loc = op->getLoc();
      auto function = op->getParentOfType<func::FuncOp>();
      Value call = function.getArgument(0);
      auto constant = [&](int64_t value) -> Value {
        return arith::ConstantIntOp::create(builder, loc, i64, value);
      };
      auto loop = dyn_cast<scf::WhileOp>(op);
      if (!loop) {
        builder.setInsertionPoint(op);
        Value trips = tripCount(builder, cast<scf::ForOp>(op));
        func::CallOp::create(builder, loc, count,
                             ValueRange{call, constant(number), trips});
        func::CallOp::create(builder, loc, burn, ValueRange{call, trips});
        continue;
      }
      builder.setInsertionPointToStart(loop.getAfterBody());
      func::CallOp::create(builder, loc, burn, ValueRange{call, constant(1)});
      if (number < 0)
        continue;
      // Counted in a variable of the function, which becomes a register.
      builder.setInsertionPointToStart(&function.getBody().front());
      Value variable =
          memref::AllocaOp::create(builder, loc, MemRefType::get({1}, i64));
      Value place = arith::ConstantIndexOp::create(builder, loc, 0);
      auto load = [&]() -> Value {
        return memref::LoadOp::create(builder, loc, variable, place);
      };
      auto store = [&](Value value) {
        memref::StoreOp::create(builder, loc, value, variable, place);
      };
      builder.setInsertionPoint(loop);
      store(constant(0));
      builder.setInsertionPointToStart(loop.getAfterBody());
      store(arith::AddIOp::create(builder, loc, load(), constant(1)));
      builder.setInsertionPointAfter(loop);
      func::CallOp::create(builder, loc, count,
                           ValueRange{call, constant(number), load()});
    }
    return success();
  }

  /// max(0, ceil((upper - lower) / step)) as i64, before the loop.
  static Value tripCount(OpBuilder &builder, scf::ForOp loop) {
    Location loc = loop.getLoc();
    auto toI64 = [&](Value value) -> Value {
      Type i64 = builder.getI64Type();
      if (value.getType() == i64)
        return value;
      if (value.getType().isIndex())
        return arith::IndexCastOp::create(builder, loc, i64, value);
      return arith::ExtSIOp::create(builder, loc, i64, value);
    };
    Value lower = toI64(loop.getLowerBound());
    Value upper = toI64(loop.getUpperBound());
    Value step = toI64(loop.getStep());
    Value zero =
        arith::ConstantIntOp::create(builder, loc, builder.getI64Type(), 0);
    // A step that is not positive is caught by its own check.
    Value one =
        arith::ConstantIntOp::create(builder, loc, builder.getI64Type(), 1);
    step = arith::MaxSIOp::create(builder, loc, step, one);
    Value distance = arith::SubIOp::create(builder, loc, upper, lower);
    distance = arith::MaxSIOp::create(builder, loc, distance, zero);
    return arith::CeilDivSIOp::create(builder, loc, distance, step);
  }

  /// A loop with a step of 0 would never end.
  static LogicalResult checkForSteps(ModuleOp module) {
    module.walk([&](scf::ForOp loop) {
      IntegerAttr constant;
      if (matchPattern(loop.getStep(), m_Constant(&constant)) &&
          constant.getValue().isStrictlyPositive())
        return;
      OpBuilder builder(loop);
      Location loc = loop.getLoc();
      Value zero = arith::ConstantOp::create(
          builder, loc, builder.getIntegerAttr(loop.getStep().getType(), 0));
      Value positive = arith::CmpIOp::create(
          builder, loc, arith::CmpIPredicate::sgt, loop.getStep(), zero);
      cf::AssertOp::create(builder, loc, positive,
                           "the step of a loop is not positive");
    });
    return success();
  }

  LogicalResult decompose(ModuleOp module) {
    SmallVector<linalg::AggregatedOpInterface> aggregated;
    module.walk(
        [&](linalg::AggregatedOpInterface op) { aggregated.push_back(op); });
    for (linalg::AggregatedOpInterface op : aggregated) {
      IRRewriter rewriter(op);
      FailureOr<SmallVector<Value>> results = op.decomposeOperation(rewriter);
      if (failed(results))
        return op->emitOpError("cannot be decomposed into simpler operations");
      rewriter.replaceOp(op, *results);
    }
    RewritePatternSet patterns(&getContext());
    tensor::populateDecomposeTensorConcatPatterns(patterns);
    return applyPatternsGreedily(module, std::move(patterns),
                                 GreedyRewriteConfig().enableFolding(false));
  }

  static Value dimOf(OpBuilder &builder, Location loc, Value tensor,
                     int64_t dim) {
    auto type = cast<RankedTensorType>(tensor.getType());
    if (!type.isDynamicDim(dim))
      return arith::ConstantIndexOp::create(builder, loc, type.getDimSize(dim));
    return tensor::DimOp::create(builder, loc, tensor, dim);
  }

  static void assertEqual(OpBuilder &builder, Location loc, Value a, Value b,
                          const char *message) {
    Value equal =
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, a, b);
    cf::AssertOp::create(builder, loc, equal, message);
  }

  static void assertNotNegative(OpBuilder &builder, Location loc, Value value,
                                const char *message) {
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    Value good = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge,
                                       value, zero);
    cf::AssertOp::create(builder, loc, good, message);
  }

  /// Checks that upstream's runtime verification does not make.
  static void checkShapes(Operation *op) {
    OpBuilder builder(op);
    Location loc = op->getLoc();
    if (auto insert = dyn_cast<tensor::InsertSliceOp>(op)) {
      if (insert.getSourceType().hasStaticShape() &&
          !llvm::is_contained(insert.getStaticSizes(), ShapedType::kDynamic))
        return;
      llvm::SmallBitVector dropped = insert.getDroppedDims();
      unsigned sourceDim = 0;
      for (auto [i, size] : llvm::enumerate(insert.getMixedSizes())) {
        if (dropped.test(i))
          continue;
        Value have = dimOf(builder, loc, insert.getSource(), sourceDim++);
        Value want =
            isa<Value>(size)
                ? cast<Value>(size)
                : Value(arith::ConstantIndexOp::create(
                      builder, loc,
                      cast<IntegerAttr>(cast<Attribute>(size)).getInt()));
        assertEqual(builder, loc, have, want,
                    "the source of insert_slice has another size than the "
                    "slice");
      }
      return;
    }
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
      for (Value size : slice.getSizes())
        assertNotNegative(builder, loc, size,
                          "the size of extract_slice is negative");
      return;
    }
    if (auto pad = dyn_cast<tensor::PadOp>(op)) {
      for (Value amount : llvm::concat<Value>(pad.getLow(), pad.getHigh()))
        assertNotNegative(builder, loc, amount,
                          "the padding of a tensor is negative");
      return;
    }
    if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
      if (expand.getSrcType().hasStaticShape() &&
          expand.getResultType().hasStaticShape())
        return;
      SmallVector<OpFoldResult> shape = expand.getMixedOutputShape();
      for (Value size : expand.getOutputShape())
        assertNotNegative(builder, loc, size,
                          "a size of expand_shape is negative");
      for (auto [i, group] :
           llvm::enumerate(expand.getReassociationIndices())) {
        Value product = arith::ConstantIndexOp::create(builder, loc, 1);
        for (int64_t dim : group) {
          Value size = isa<Value>(shape[dim])
                           ? cast<Value>(shape[dim])
                           : Value(arith::ConstantIndexOp::create(
                                 builder, loc,
                                 cast<IntegerAttr>(cast<Attribute>(shape[dim]))
                                     .getInt()));
          product = arith::MulIOp::create(builder, loc, product, size);
        }
        assertEqual(builder, loc, product,
                    dimOf(builder, loc, expand.getSrc(), i),
                    "expand_shape changes the number of elements");
      }
      return;
    }
    if (auto reshape = dyn_cast<tensor::ReshapeOp>(op)) {
      auto source = dyn_cast<RankedTensorType>(reshape.getSource().getType());
      auto shapeType = dyn_cast<RankedTensorType>(reshape.getShape().getType());
      if (!source || !shapeType || !shapeType.hasStaticShape())
        return;
      Value have = arith::ConstantIndexOp::create(builder, loc, 1);
      for (int64_t i = 0; i < source.getRank(); ++i)
        have = arith::MulIOp::create(
            builder, loc, have, dimOf(builder, loc, reshape.getSource(), i));
      Value want = arith::ConstantIndexOp::create(builder, loc, 1);
      for (int64_t i = 0; i < shapeType.getDimSize(0); ++i) {
        Value index = arith::ConstantIndexOp::create(builder, loc, i);
        Value size =
            tensor::ExtractOp::create(builder, loc, reshape.getShape(), index);
        if (!size.getType().isIndex())
          size = arith::IndexCastOp::create(builder, loc,
                                            builder.getIndexType(), size);
        assertNotNegative(builder, loc, size, "a size of reshape is negative");
        want = arith::MulIOp::create(builder, loc, want, size);
      }
      assertEqual(builder, loc, have, want,
                  "reshape changes the number of elements");
    }
  }
};

} // namespace

std::unique_ptr<Pass> createKernelPreparePass() {
  return std::make_unique<KernelPreparePass>();
}

} // namespace octo
