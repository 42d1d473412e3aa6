//===- OWGToSCF.cpp - convert-owg-to-scf ----------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Workflows as plain functions with structured control flow: what a workflow
// computes, in a form that stock tools run.
//
//===----------------------------------------------------------------------===//

#include "Weights.h"
#include "octo/Conversion/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

namespace octo {
#define GEN_PASS_DEF_CONVERTOWGTOSCF
#include "octo/Conversion/Passes.h.inc"
} // namespace octo

using namespace mlir;
using namespace octo;
using namespace octo::owg;

//===----------------------------------------------------------------------===//
// Combining results
//===----------------------------------------------------------------------===//

static Value constantIndex(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

static Value castTo(OpBuilder &b, Location loc, Value value, Type type) {
  return value.getType() == type
             ? value
             : tensor::CastOp::create(b, loc, type, value).getResult();
}

/// Fails the request where dimensions from `first` on that are not known to be
/// equal differ.
static void checkSizes(OpBuilder &b, Location loc, Value accumulator,
                       Value value, int64_t first) {
  auto a = dyn_cast<RankedTensorType>(accumulator.getType());
  auto v = dyn_cast<RankedTensorType>(value.getType());
  if (!a || !v)
    return;
  for (int64_t dim = first; dim < a.getRank(); ++dim) {
    if (!a.isDynamicDim(dim) && !v.isDynamicDim(dim))
      continue;
    Value equal =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                              tensor::DimOp::create(b, loc, accumulator, dim),
                              tensor::DimOp::create(b, loc, value, dim));
    cf::AssertOp::create(b, loc, equal,
                         "combined values differ in dimension " +
                             std::to_string(dim));
  }
}

/// Writes `value` into `whole` from row `row` on.
static Value insertRows(OpBuilder &b, Location loc, Value value, Value whole,
                        OpFoldResult row) {
  int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
  SmallVector<OpFoldResult> offsets(rank, b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(rank, b.getIndexAttr(1));
  offsets[0] = row;
  return tensor::InsertSliceOp::create(b, loc, value, whole, offsets,
                                       tensor::getMixedSizes(b, loc, value),
                                       strides);
}

/// An uninitialised tensor of type `type` with `rows` rows and the other sizes
/// of `like`.
static Value emptyRows(OpBuilder &b, Location loc, RankedTensorType type,
                       Value rows, Value like) {
  SmallVector<Value> sizes = {rows};
  for (int64_t dim = 1; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      sizes.push_back(tensor::DimOp::create(b, loc, like, dim));
  return tensor::EmptyOp::create(b, loc, type, sizes);
}

/// `accumulator` and `value` as one, by `kind`; both concatenation operands may
/// have any number of rows.
static Value combine(OpBuilder &b, Location loc, CombineKind kind,
                     Value accumulator, Value value) {
  if (kind == CombineKind::Concat) {
    checkSizes(b, loc, accumulator, value, 1);
    auto type = cast<RankedTensorType>(accumulator.getType());
    Value start = tensor::DimOp::create(b, loc, accumulator, 0);
    Value rows = tensor::DimOp::create(b, loc, value, 0);
    Value total = arith::AddIOp::create(b, loc, start, rows);
    Value whole = emptyRows(b, loc, type, total, accumulator);
    whole = insertRows(b, loc, accumulator, whole, b.getIndexAttr(0));
    return insertRows(b, loc, value, whole, start);
  }
  checkSizes(b, loc, accumulator, value, 0);
  bool isFloat = isa<FloatType>(getElementTypeOrSelf(accumulator.getType()));
  switch (kind) {
  case CombineKind::Add:
    if (isFloat)
      return arith::AddFOp::create(b, loc, accumulator, value);
    return arith::AddIOp::create(b, loc, accumulator, value);
  case CombineKind::Max:
    if (isFloat)
      return arith::MaximumFOp::create(b, loc, accumulator, value);
    return arith::MaxSIOp::create(b, loc, accumulator, value);
  case CombineKind::Min:
    if (isFloat)
      return arith::MinimumFOp::create(b, loc, accumulator, value);
    return arith::MinSIOp::create(b, loc, accumulator, value);
  case CombineKind::Concat:
    break;
  }
  llvm_unreachable("concatenation was handled");
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

/// Moves the block of `region` in front of `op`, with `arguments` for its block
/// arguments, removes its terminator and returns the operands of that.
static SmallVector<Value> inlineBefore(ConversionPatternRewriter &rewriter,
                                       Operation *op, Region &region,
                                       ValueRange arguments) {
  Block *block = &region.front();
  Operation *terminator = block->getTerminator();
  rewriter.inlineBlockBefore(block, op, arguments);
  SmallVector<Value> values(terminator->getOperands());
  rewriter.eraseOp(terminator);
  return values;
}

/// The same into `dest`, at its end.
static SmallVector<Value> inlineAtEnd(ConversionPatternRewriter &rewriter,
                                      Block *dest, Region &region,
                                      ValueRange arguments) {
  Block *block = &region.front();
  Operation *terminator = block->getTerminator();
  rewriter.inlineBlockBefore(block, dest, dest->end(), arguments);
  SmallVector<Value> values(terminator->getOperands());
  rewriter.eraseOp(terminator);
  rewriter.setInsertionPointToEnd(dest);
  return values;
}

namespace {
struct ConvertWorkflow : public OpConversionPattern<WorkflowOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(WorkflowOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto function = func::FuncOp::create(rewriter, op.getLoc(), op.getSymName(),
                                         op.getFunctionType());
    function.setVisibility(op.getVisibility());
    rewriter.inlineRegionBefore(op.getBody(), function.getBody(),
                                function.end());
    rewriter.eraseOp(op);
    return success();
  }
};

struct ConvertReturn : public OpConversionPattern<ReturnOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ReturnOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<func::ReturnOp>(op, adaptor.getOperands());
    return success();
  }
};

struct ConvertCall : public OpConversionPattern<CallOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(CallOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<func::CallOp>(
        op, op.getCallee(), op.getResultTypes(), adaptor.getInputs());
    return success();
  }
};

struct ConvertTask : public OpConversionPattern<TaskOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(TaskOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (op.isOutlined())
      rewriter.replaceOpWithNewOp<func::CallOp>(
          op, *op.getCallee(), op.getResultTypes(), adaptor.getInputs());
    else if (op.isInline())
      rewriter.replaceOp(
          op, inlineBefore(rewriter, op, op.getBody(), adaptor.getInputs()));
    else
      return rewriter.notifyMatchFailure(op, "profiled");
    return success();
  }
};

struct ConvertBranch : public OpConversionPattern<BranchOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(BranchOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!op.hasDecide())
      return rewriter.notifyMatchFailure(op, "profiled");
    Location loc = op.getLoc();
    Value decision =
        inlineBefore(rewriter, op, op.getDecideRegion(), adaptor.getInputs())
            .front();
    // true is case 0; any other number than that of a case is the default.
    if (!decision.getType().isIndex())
      decision = arith::SelectOp::create(rewriter, loc, decision,
                                         constantIndex(rewriter, loc, 0),
                                         constantIndex(rewriter, loc, 1));
    SmallVector<int64_t> cases =
        llvm::to_vector(llvm::seq<int64_t>(0, op.getNumCases()));
    auto result = scf::IndexSwitchOp::create(rewriter, loc, op.getResultTypes(),
                                             decision, cases, cases.size());
    for (unsigned i = 0; i <= op.getNumCases(); ++i) {
      Region &dest = i < op.getNumCases() ? result.getCaseRegions()[i]
                                          : result.getDefaultRegion();
      Region &source = op.getAlternative(i);
      Operation *yield = source.front().getTerminator();
      rewriter.inlineRegionBefore(source, dest, dest.end());
      rewriter.setInsertionPoint(yield);
      rewriter.replaceOpWithNewOp<scf::YieldOp>(yield, yield->getOperands());
    }
    rewriter.replaceOp(op, result.getResults());
    return success();
  }
};

struct ConvertSelect : public OpConversionPattern<SelectOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(SelectOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!op.hasDecide())
      return rewriter.notifyMatchFailure(op, "profiled");
    Location loc = op.getLoc();
    Value mask =
        inlineBefore(rewriter, op, op.getDecideRegion(), adaptor.getInputs())
            .front();
    SmallVector<Value> state;
    for (auto [init, type] :
         llvm::zip_equal(adaptor.getInits(), op.getResultTypes()))
      state.push_back(castTo(rewriter, loc, init, type));
    for (auto [index, member] : llvm::enumerate(op.getMemberRegions())) {
      rewriter.setInsertionPoint(op);
      Value taken = tensor::ExtractOp::create(
          rewriter, loc, mask, ValueRange(constantIndex(rewriter, loc, index)));
      auto ifOp = scf::IfOp::create(rewriter, loc, op.getResultTypes(), taken,
                                    /*addThenBlock=*/true,
                                    /*addElseBlock=*/true);
      SmallVector<Value> values =
          inlineAtEnd(rewriter, ifOp.thenBlock(), member, {});
      for (unsigned i = 0; i < values.size(); ++i)
        values[i] =
            combine(rewriter, loc, op.getCombine(i), state[i], values[i]);
      scf::YieldOp::create(rewriter, loc, values);
      rewriter.setInsertionPointToEnd(ifOp.elseBlock());
      scf::YieldOp::create(rewriter, loc, state);
      state.assign(ifOp.result_begin(), ifOp.result_end());
    }
    rewriter.replaceOp(op, state);
    return success();
  }
};

struct ConvertLoop : public OpConversionPattern<LoopOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(LoopOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!op.hasBefore())
      return rewriter.notifyMatchFailure(op, "profiled");
    Location loc = op.getLoc();
    bool bounded = op.getBound().has_value();
    SmallVector<Value> inputs(adaptor.getInputs());
    SmallVector<Type> types(op.getResultTypes());
    auto wide = [&](int64_t value) -> Value {
      return arith::ConstantOp::create(rewriter, loc,
                                       rewriter.getI64IntegerAttr(value));
    };
    // A bounded loop carries the number of iterations begun.
    if (bounded) {
      inputs.push_back(wide(0));
      types.push_back(rewriter.getI64Type());
    }
    auto loop = scf::WhileOp::create(rewriter, loc, types, inputs);
    auto locs = SmallVector<Location>(inputs.size(), loc);
    Block *before = rewriter.createBlock(&loop.getBefore(), {},
                                         ValueRange(inputs).getTypes(), locs);
    locs.assign(types.size(), loc);
    Block *after = rewriter.createBlock(&loop.getAfter(), {}, types, locs);

    SmallVector<Value> values =
        inlineAtEnd(rewriter, before, op.getBeforeRegion(),
                    before->getArguments().drop_back(bounded));
    Value decision = values.front();
    values.erase(values.begin());
    if (bounded) {
      Value begun = before->getArguments().back();
      Value left =
          arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::slt, begun,
                                wide(*op.getBound()));
      Value done = arith::XOrIOp::create(
          rewriter, loc, decision,
          arith::ConstantOp::create(rewriter, loc, rewriter.getBoolAttr(true)));
      cf::AssertOp::create(
          rewriter, loc, arith::OrIOp::create(rewriter, loc, left, done),
          ("loop '" + op.getLabel() + "' exceeds its bound of " +
           Twine(*op.getBound()) + " iterations")
              .str());
      values.push_back(begun);
    }
    scf::ConditionOp::create(rewriter, loc, decision, values);

    values = inlineAtEnd(rewriter, after, op.getAfterRegion(),
                         after->getArguments().drop_back(bounded));
    if (bounded)
      values.push_back(arith::AddIOp::create(
          rewriter, loc, after->getArguments().back(), wide(1)));
    scf::YieldOp::create(rewriter, loc, values);
    rewriter.replaceOp(op, loop.getResults().drop_back(bounded));
    return success();
  }
};

struct ConvertFanout : public OpConversionPattern<FanoutOp> {
  using OpConversionPattern::OpConversionPattern;

  /// Rows that every copy adds to result `index`, where that is static.
  static std::optional<int64_t> getRows(FanoutOp op, unsigned index) {
    Operation *yield = op.getEachRegion().front().getTerminator();
    auto type = cast<RankedTensorType>(yield->getOperand(index).getType());
    if (type.isDynamicDim(0))
      return std::nullopt;
    return type.getDimSize(0);
  }

  LogicalResult
  matchAndRewrite(FanoutOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!op.getCount())
      return rewriter.notifyMatchFailure(op, "profiled");
    bool fixedRows = true;
    for (unsigned i = 0; i < op.getNumResults(); ++i)
      fixedRows &=
          op.getCombine(i) != CombineKind::Concat || getRows(op, i).has_value();
    Location loc = op.getLoc();
    Value zero = constantIndex(rewriter, loc, 0);
    Value count =
        arith::MaxSIOp::create(rewriter, loc, adaptor.getCount(), zero);
    rewriter.replaceOp(op, fixedRows
                               ? convertFixed(op, adaptor, count, rewriter)
                               : convertGrowing(op, adaptor, count, rewriter));
    return success();
  }

private:
  /// Every copy adds the same number of rows: the whole result is allocated
  /// first, and each copy writes its place.
  SmallVector<Value> convertFixed(FanoutOp op, OpAdaptor adaptor, Value count,
                                  ConversionPatternRewriter &rewriter) const {
    Location loc = op.getLoc();
    SmallVector<Value> state, starts(op.getNumResults());
    SmallVector<int64_t> rows(op.getNumResults());
    for (auto [i, init] : llvm::enumerate(adaptor.getInits())) {
      if (op.getCombine(i) != CombineKind::Concat) {
        state.push_back(init);
        continue;
      }
      rows[i] = *getRows(op, i);
      auto type = cast<RankedTensorType>(op.getResult(i).getType());
      starts[i] = tensor::DimOp::create(rewriter, loc, init, 0);
      Value added = arith::MulIOp::create(
          rewriter, loc, count, constantIndex(rewriter, loc, rows[i]));
      Value total = arith::AddIOp::create(rewriter, loc, starts[i], added);
      Value whole = emptyRows(rewriter, loc, type, total, init);
      state.push_back(
          insertRows(rewriter, loc, init, whole, rewriter.getIndexAttr(0)));
    }
    auto loop =
        scf::ForOp::create(rewriter, loc, constantIndex(rewriter, loc, 0),
                           count, constantIndex(rewriter, loc, 1), state);
    // The builder makes the terminator where nothing is carried.
    if (state.empty())
      rewriter.eraseOp(loop.getBody()->getTerminator());
    SmallVector<Value> arguments = {loop.getInductionVar()};
    llvm::append_range(arguments, adaptor.getInputs());
    SmallVector<Value> values =
        inlineAtEnd(rewriter, loop.getBody(), op.getEachRegion(), arguments);
    for (unsigned i = 0; i < values.size(); ++i) {
      Value carried = loop.getRegionIterArg(i);
      if (op.getCombine(i) != CombineKind::Concat) {
        values[i] =
            combine(rewriter, loc, op.getCombine(i), carried, values[i]);
        continue;
      }
      checkSizes(rewriter, loc, carried, values[i], 1);
      Value row = arith::MulIOp::create(rewriter, loc, loop.getInductionVar(),
                                        constantIndex(rewriter, loc, rows[i]));
      row = arith::AddIOp::create(rewriter, loc, starts[i], row);
      values[i] = insertRows(rewriter, loc, values[i], carried, row);
    }
    scf::YieldOp::create(rewriter, loc, values);
    return llvm::to_vector_of<Value>(loop.getResults());
  }

  /// Copies add numbers of rows that only they know. An scf.while and not an
  /// scf.for, whose canonicalisation in MLIR 22 takes the size of the first
  /// value of a growing tensor for that of all.
  SmallVector<Value> convertGrowing(FanoutOp op, OpAdaptor adaptor, Value count,
                                    ConversionPatternRewriter &rewriter) const {
    Location loc = op.getLoc();
    SmallVector<Value> state = {constantIndex(rewriter, loc, 0)};
    SmallVector<Type> types = {rewriter.getIndexType()};
    for (auto [init, type] :
         llvm::zip_equal(adaptor.getInits(), op.getResultTypes())) {
      state.push_back(castTo(rewriter, loc, init, type));
      types.push_back(type);
    }
    auto loop = scf::WhileOp::create(rewriter, loc, types, state);
    SmallVector<Location> locs(types.size(), loc);
    Block *before = rewriter.createBlock(&loop.getBefore(), {}, types, locs);
    Value more = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::slt,
                                       before->getArgument(0), count);
    scf::ConditionOp::create(rewriter, loc, more, before->getArguments());
    Block *after = rewriter.createBlock(&loop.getAfter(), {}, types, locs);
    SmallVector<Value> arguments = {after->getArgument(0)};
    llvm::append_range(arguments, adaptor.getInputs());
    SmallVector<Value> values =
        inlineAtEnd(rewriter, after, op.getEachRegion(), arguments);
    for (unsigned i = 0; i < values.size(); ++i)
      values[i] = combine(rewriter, loc, op.getCombine(i),
                          after->getArgument(i + 1), values[i]);
    values.insert(values.begin(),
                  arith::AddIOp::create(rewriter, loc, after->getArgument(0),
                                        constantIndex(rewriter, loc, 1)));
    scf::YieldOp::create(rewriter, loc, values);
    return llvm::to_vector_of<Value>(loop.getResults().drop_front());
  }
};

struct ConvertGetWeight : public OpConversionPattern<GetWeightOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(GetWeightOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<func::CallOp>(op, op.getWeight(), op.getType(),
                                              ValueRange());
    return success();
  }
};

struct ConvertWeight : public OpConversionPattern<WeightOp> {
  ConvertWeight(MLIRContext *context,
                const DenseMap<Operation *, ElementsAttr> &elements,
                func::FuncOp philox)
      : OpConversionPattern(context), elements(elements), philox(philox) {}

  LogicalResult
  matchAndRewrite(WeightOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto function = func::FuncOp::create(
        rewriter, loc, op.getSymName(),
        rewriter.getFunctionType({}, {op.getTensorType()}));
    function.setPrivate();
    rewriter.createBlock(&function.getBody());
    ElementsAttr value = elements.lookup(op);
    Value result =
        value ? arith::ConstantOp::create(rewriter, loc, value).getResult()
              : buildSeededWeight(rewriter, op, philox);
    func::ReturnOp::create(rewriter, loc, result);
    rewriter.eraseOp(op);
    return success();
  }

private:
  const DenseMap<Operation *, ElementsAttr> &elements;
  func::FuncOp philox;
};

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

struct ConvertOWGToSCF
    : public octo::impl::ConvertOWGToSCFBase<ConvertOWGToSCF> {
  using ConvertOWGToSCFBase::ConvertOWGToSCFBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    DenseMap<Operation *, ElementsAttr> elements;
    if (failed(rejectTimingOnly(module)) ||
        failed(readWeights(module, elements)))
      return signalPassFailure();

    func::FuncOp philox;
    if (llvm::any_of(module.getOps<WeightOp>(), [](WeightOp weight) {
          return weight.getSeed().has_value();
        })) {
      OpBuilder builder(module.getBodyRegion());
      philox = buildPhilox(builder, module.getLoc());
      SymbolTable(module).insert(philox);
    }

    ConversionTarget target(getContext());
    target.addIllegalDialect<OWGDialect>();
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    RewritePatternSet patterns(&getContext());
    patterns.add<ConvertBranch, ConvertCall, ConvertFanout, ConvertGetWeight,
                 ConvertLoop, ConvertReturn, ConvertSelect, ConvertTask,
                 ConvertWorkflow>(&getContext());
    patterns.add<ConvertWeight>(&getContext(), elements, philox);
    if (failed(applyPartialConversion(module, target, std::move(patterns))))
      signalPassFailure();
  }

private:
  /// Names the first thing in `module` that has no values.
  LogicalResult rejectTimingOnly(ModuleOp module) {
    WalkResult result =
        module.walk<WalkOrder::PreOrder>([&](Operation *op) -> WalkResult {
          if (auto workflow = dyn_cast<WorkflowOp>(op)) {
            for (Type type : llvm::concat<const Type>(
                     workflow.getArgumentTypes(), workflow.getResultTypes()))
              if (isTimingOnlyType(type))
                return op->emitOpError()
                       << "takes or gives " << type
                       << ", which has no value; only workflows with values "
                          "can become functions";
            return WalkResult::advance();
          }
          if (auto block = dyn_cast<BlockOpInterface>(op);
              block && block.hasProfiledBehaviour())
            return op->emitOpError()
                   << "'" << block.getOpLabel().getValue()
                   << "' is profiled: it has timing but no code, so it has no "
                      "value; give it code, or simulate the workflow with "
                      "timing only";
          for (Type type : op->getResultTypes())
            if (isTimingOnlyType(type))
              return op->emitOpError()
                     << "gives " << type
                     << ", which has no value; only workflows with values can "
                        "become functions";
          return isa<TaskOp>(op) ? WalkResult::skip() : WalkResult::advance();
        });
    return failure(result.wasInterrupted());
  }

  LogicalResult readWeights(ModuleOp module,
                            DenseMap<Operation *, ElementsAttr> &elements) {
    for (WeightOp weight : module.getOps<WeightOp>()) {
      if (weight.getSeed())
        continue;
      FailureOr<ElementsAttr> value = readWeight(weight, weightsDir);
      if (failed(value))
        return failure();
      elements[weight] = *value;
    }
    return success();
  }
};
} // namespace
