//===- OWGCanonicalization.cpp - Canonicalisation of blocks ---------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Simplifications that hold for every request. Profiled blocks are never
// touched: they are their own meaning. Labels and paths of what remains stay.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/OWG/IR/OWG.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace octo::owg;

//===----------------------------------------------------------------------===//
// Rebuilding a block with less
//===----------------------------------------------------------------------===//

/// `profile` with only those of its out_bytes whose result is kept, also in its
/// drift.
static ProfileAttr keepOutBytes(ProfileAttr profile, const BitVector &dead) {
  if (!profile)
    return profile;
  MLIRContext *context = profile.getContext();
  NamedAttrList entries(profile.getEntries());
  if (ArrayAttr bytes = profile.getOutBytes()) {
    SmallVector<Attribute> kept;
    for (auto [index, entry] : llvm::enumerate(bytes))
      if (!dead.test(index))
        kept.push_back(entry);
    if (kept.empty())
      entries.erase("out_bytes");
    else
      entries.set("out_bytes", ArrayAttr::get(context, kept));
  }
  if (ArrayAttr drift = profile.getDrift()) {
    SmallVector<Attribute> parts;
    for (auto part : drift.getAsRange<DriftAttr>())
      parts.push_back(DriftAttr::get(context, part.getFrom(),
                                     keepOutBytes(part.getProfile(), dead)));
    entries.set("drift", ArrayAttr::get(context, parts));
  }
  return ProfileAttr::get(entries.getDictionary(context));
}

/// Replaces `op` by one without the results in `dead` and with `operands`
/// (`segments` for operations that have them); its regions move over. The
/// caller adapts the terminators first.
static Operation *rebuild(PatternRewriter &rewriter, Operation *op,
                          const BitVector &dead, ValueRange operands,
                          ArrayRef<int32_t> segments = {}) {
  NamedAttrList attributes(op->getAttrDictionary());
  if (!segments.empty()) {
    attributes.set("operandSegmentSizes",
                   rewriter.getDenseI32ArrayAttr(segments));
    SmallVector<int32_t> combines;
    for (auto [index, kind] : llvm::enumerate(
             cast<DenseI32ArrayAttr>(attributes.get("combines")).asArrayRef()))
      if (!dead.test(index))
        combines.push_back(kind);
    attributes.set("combines", rewriter.getDenseI32ArrayAttr(combines));
  }
  if (auto profile = dyn_cast_or_null<ProfileAttr>(attributes.get("profile")))
    attributes.set("profile", keepOutBytes(profile, dead));
  OperationState state(op->getLoc(), op->getName());
  state.addOperands(operands);
  state.addAttributes(attributes);
  for (OpResult result : op->getResults())
    if (!dead.test(result.getResultNumber()))
      state.addTypes(result.getType());
  for (unsigned i = 0; i < op->getNumRegions(); ++i)
    state.addRegion();
  Operation *fresh = rewriter.create(state);
  for (auto [from, to] : llvm::zip_equal(op->getRegions(), fresh->getRegions()))
    rewriter.inlineRegionBefore(from, to, to.end());
  SmallVector<Value> results;
  unsigned next = 0;
  for (unsigned i = 0; i < op->getNumResults(); ++i)
    results.push_back(dead.test(i) ? Value() : fresh->getResult(next++));
  rewriter.replaceOp(op, results);
  return fresh;
}

/// The results of `op` that nothing uses.
static BitVector findDeadResults(Operation *op) {
  BitVector dead(op->getNumResults());
  for (OpResult result : op->getResults())
    if (result.use_empty())
      dead.set(result.getResultNumber());
  return dead;
}

/// Removes the operands in `dead` (counted from `first`) from `terminator`.
static void dropOperands(PatternRewriter &rewriter, Operation *terminator,
                         const BitVector &dead, unsigned first = 0) {
  BitVector drop(terminator->getNumOperands());
  for (unsigned i : dead.set_bits())
    drop.set(first + i);
  rewriter.modifyOpInPlace(terminator,
                           [&] { terminator->eraseOperands(drop); });
}

static bool isProfiledBlock(Operation *op) {
  return cast<BlockOpInterface>(op).hasProfiledBehaviour();
}

//===----------------------------------------------------------------------===//
// Unused inputs and results
//===----------------------------------------------------------------------===//

namespace {
/// Removes inputs whose block argument is not used, and merges inputs that are
/// the same value. The argument of input i is number i + `skip` of `region`.
/// Profiled blocks wait for all their inputs, and outlined tasks must pass all.
template <typename Op>
struct RemoveUnusedInputs : public OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    constexpr unsigned skip = std::is_same_v<Op, FanoutOp> ? 1 : 0;
    Region &region = getRegion(op);
    if (isProfiledBlock(op) || region.empty())
      return failure();
    BitVector drop(region.getNumArguments());
    SmallVector<Value> kept;
    llvm::SmallDenseMap<Value, BlockArgument> seen;
    for (auto [index, input] : llvm::enumerate(op.getInputs())) {
      BlockArgument argument = region.getArgument(index + skip);
      auto [it, first] = seen.try_emplace(input, argument);
      if (!first)
        rewriter.replaceAllUsesWith(argument, it->second);
      if (first && argument.use_empty())
        seen.erase(it);
      if (argument.use_empty())
        drop.set(index + skip);
    }
    if (drop.none())
      return failure();
    for (auto [index, input] : llvm::enumerate(op.getInputs()))
      if (!drop.test(index + skip))
        kept.push_back(input);
    rewriter.modifyOpInPlace(op, [&] {
      op.getInputsMutable().assign(kept);
      region.front().eraseArguments(drop);
    });
    return success();
  }

private:
  static Region &getRegion(TaskOp op) { return op.getBody(); }
  static Region &getRegion(BranchOp op) { return op.getDecideRegion(); }
  static Region &getRegion(SelectOp op) { return op.getDecideRegion(); }
  static Region &getRegion(FanoutOp op) { return op.getEachRegion(); }
};

/// Removes unused results of inline tasks, branches, selects and fan-outs, and
/// what is yielded for them.
template <typename Op>
struct RemoveDeadResults : public OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    if (isProfiledBlock(op))
      return failure();
    if constexpr (std::is_same_v<Op, TaskOp>)
      if (!op.isInline())
        return failure();
    BitVector dead = findDeadResults(op);
    if (dead.none())
      return failure();
    for (Region &region : op->getRegions())
      if (!region.empty())
        if (auto yield = dyn_cast<YieldOp>(region.front().getTerminator()))
          dropOperands(rewriter, yield, dead);
    if constexpr (std::is_same_v<Op, SelectOp> ||
                  std::is_same_v<Op, FanoutOp>) {
      SmallVector<Value> operands(
          op->getOperands().drop_back(op.getInits().size()));
      int32_t left = 0;
      for (auto [index, init] : llvm::enumerate(op.getInits()))
        if (!dead.test(index)) {
          operands.push_back(init);
          ++left;
        }
      SmallVector<int32_t> segments = {
          static_cast<int32_t>(op.getInputs().size())};
      if constexpr (std::is_same_v<Op, FanoutOp>)
        segments.push_back(1);
      segments.push_back(left);
      rebuild(rewriter, op, dead, operands, segments);
    } else {
      rebuild(rewriter, op, dead, op->getOperands());
    }
    return success();
  }
};

/// Results of a task that are an input or a constant need no task.
struct ForwardFromTask : public OpRewritePattern<TaskOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TaskOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.isInline())
      return failure();
    bool changed = false;
    Operation *yield = op.getBodyBlock()->getTerminator();
    for (auto [result, value] :
         llvm::zip_equal(op.getResults(), yield->getOperands())) {
      if (result.use_empty())
        continue;
      if (auto argument = dyn_cast<BlockArgument>(value)) {
        if (argument.getOwner() != op.getBodyBlock())
          continue;
        rewriter.replaceAllUsesWith(result,
                                    op.getInputs()[argument.getArgNumber()]);
      } else if (Operation *constant = value.getDefiningOp();
                 constant->hasTrait<OpTrait::ConstantLike>()) {
        Operation *copy = rewriter.clone(*constant);
        rewriter.replaceAllUsesWith(
            result, copy->getResult(cast<OpResult>(value).getResultNumber()));
      } else {
        continue;
      }
      changed = true;
    }
    return success(changed);
  }
};

//===----------------------------------------------------------------------===//
// Branch
//===----------------------------------------------------------------------===//

/// The case of a constant decision takes the place of the branch.
struct FoldConstantBranch : public OpRewritePattern<BranchOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BranchOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasDecide())
      return failure();
    auto decide = cast<DecideOp>(op.getDecideRegion().front().getTerminator());
    APInt decision;
    if (!matchPattern(decide.getDecision(), m_ConstantInt(&decision)))
      return failure();
    Block *taken = &op.getRegionFor(decision).front();
    Operation *yield = taken->getTerminator();
    rewriter.inlineBlockBefore(taken, op);
    rewriter.replaceOp(op, yield->getOperands());
    rewriter.eraseOp(yield);
    return success();
  }
};

/// A result for which every case gives the same value from outside is that
/// value.
struct ForwardFromBranch : public OpRewritePattern<BranchOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BranchOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasDecide())
      return failure();
    bool changed = false;
    for (OpResult result : op->getResults()) {
      unsigned index = result.getResultNumber();
      Value value =
          op.getDefaultRegion().front().getTerminator()->getOperand(index);
      if (result.use_empty() ||
          op->isProperAncestor(value.getParentBlock()->getParentOp()) ||
          value.getParentBlock()->getParentOp() == op)
        continue;
      if (!llvm::all_of(op.getCaseRegions(), [&](Region &region) {
            return region.front().getTerminator()->getOperand(index) == value;
          }))
        continue;
      rewriter.replaceAllUsesWith(result, value);
      changed = true;
    }
    return success(changed);
  }
};

//===----------------------------------------------------------------------===//
// Select
//===----------------------------------------------------------------------===//

/// Whether `init` can stand for a result of type `type` when nothing is
/// combined with it: it has that type, or tensor.cast gives it.
static bool canStandFor(Value init, Type type) {
  return init.getType() == type ||
         (isa<RankedTensorType>(type) &&
          tensor::CastOp::areCastCompatible(init.getType(), type));
}

static Value castTo(PatternRewriter &rewriter, Location loc, Value value,
                    Type type) {
  if (value.getType() == type)
    return value;
  return tensor::CastOp::create(rewriter, loc, type, value);
}

/// `profile` with the frequencies of the members that are kept.
static ProfileAttr keepFrequencies(ProfileAttr profile, const BitVector &kept) {
  MLIRContext *context = profile.getContext();
  NamedAttrList entries(profile.getEntries());
  if (ArrayRef<double> all = profile.getFrequencies(); !all.empty()) {
    SmallVector<double> some;
    for (unsigned i : kept.set_bits())
      some.push_back(all[i]);
    entries.set("frequencies", DenseF64ArrayAttr::get(context, some));
  }
  if (ArrayAttr drift = profile.getDrift()) {
    SmallVector<Attribute> parts;
    for (auto part : drift.getAsRange<DriftAttr>())
      parts.push_back(DriftAttr::get(context, part.getFrom(),
                                     keepFrequencies(part.getProfile(), kept)));
    entries.set("drift", ArrayAttr::get(context, parts));
  }
  return ProfileAttr::get(entries.getDictionary(context));
}

/// With a constant mask, members that never run go; if none runs, the results
/// are the inits.
struct FoldConstantSelect : public OpRewritePattern<SelectOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SelectOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasDecide())
      return failure();
    auto decide = cast<DecideOp>(op.getDecideRegion().front().getTerminator());
    DenseElementsAttr mask;
    if (!matchPattern(decide.getDecision(), m_Constant(&mask)))
      return failure();
    BitVector taken(op.getNumMembers());
    for (auto [index, bit] : llvm::enumerate(mask.getValues<bool>()))
      if (bit)
        taken.set(index);
    if (taken.all())
      return failure();
    if (taken.none()) {
      SmallVector<Value> results;
      for (auto [init, type] :
           llvm::zip_equal(op.getInits(), op.getResultTypes()))
        if (!canStandFor(init, type))
          return failure();
      for (auto [init, type] :
           llvm::zip_equal(op.getInits(), op.getResultTypes()))
        results.push_back(castTo(rewriter, op.getLoc(), init, type));
      rewriter.replaceOp(op, results);
      return success();
    }
    SmallVector<CombineKind> combines;
    for (unsigned i = 0; i < op.getNumResults(); ++i)
      combines.push_back(op.getCombine(i));
    auto fresh = SelectOp::create(rewriter, op.getLoc(), op.getLabel(),
                                  op.getResultTypes(), ValueRange(),
                                  op.getInits(), combines, taken.count());
    fresh.setPathAttr(op.getPathAttr());
    fresh.setPinAttr(op.getPinAttr());
    fresh.setSourceAttr(op.getSourceAttr());
    fresh->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    if (ProfileAttr profile = op.getProfileAttr())
      fresh.setProfileAttr(keepFrequencies(profile, taken));
    {
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToEnd(&fresh.getDecideRegion().front());
      auto type = RankedTensorType::get({static_cast<int64_t>(taken.count())},
                                        rewriter.getI1Type());
      Value all = arith::ConstantOp::create(rewriter, op.getLoc(),
                                            DenseElementsAttr::get(type, true));
      DecideOp::create(rewriter, op.getLoc(), all, ValueRange());
    }
    for (auto [index, member] : llvm::enumerate(taken.set_bits())) {
      Region &dest = fresh.getMemberRegions()[index];
      rewriter.eraseBlock(&dest.front());
      rewriter.inlineRegionBefore(op.getMemberRegions()[member], dest,
                                  dest.end());
    }
    rewriter.replaceOp(op, fresh);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Loop
//===----------------------------------------------------------------------===//

/// A loop whose decision is always false runs `before` once.
struct FoldFalseLoop : public OpRewritePattern<LoopOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LoopOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasBefore())
      return failure();
    Block *before = &op.getBeforeRegion().front();
    auto decide = cast<DecideOp>(before->getTerminator());
    if (!matchPattern(decide.getDecision(), m_Zero()))
      return failure();
    // Code (not blocks and wiring) has no place outside of `before`.
    for (Operation &inner : before->without_terminator())
      if (!isa_and_nonnull<OWGDialect>(inner.getDialect()) && !isWiring(&inner))
        return failure();
    rewriter.inlineBlockBefore(before, op, op.getInputs());
    rewriter.replaceOp(op, decide.getForwarded());
    rewriter.eraseOp(decide);
    return success();
  }
};

/// Removes results that neither the outside nor `after` uses, and inputs that
/// `before` does not use.
struct RemoveDeadLoopValues : public OpRewritePattern<LoopOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LoopOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasBefore())
      return failure();
    Block &before = op.getBeforeRegion().front();
    Block &after = op.getAfterRegion().front();
    BitVector deadResults = findDeadResults(op);
    for (BlockArgument argument : after.getArguments())
      if (!argument.use_empty())
        deadResults.reset(argument.getArgNumber());
    BitVector deadInputs(before.getNumArguments());
    for (BlockArgument argument : before.getArguments())
      if (argument.use_empty())
        deadInputs.set(argument.getArgNumber());
    if (deadResults.none() && deadInputs.none())
      return failure();
    dropOperands(rewriter, before.getTerminator(), deadResults, /*first=*/1);
    dropOperands(rewriter, after.getTerminator(), deadInputs);
    SmallVector<Value> inputs;
    for (auto [index, input] : llvm::enumerate(op.getInputs()))
      if (!deadInputs.test(index))
        inputs.push_back(input);
    rewriter.modifyOpInPlace(op, [&] {
      before.eraseArguments(deadInputs);
      after.eraseArguments(deadResults);
    });
    rebuild(rewriter, op, deadResults, inputs);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Fanout
//===----------------------------------------------------------------------===//

/// A fan-out of no copies gives its inits; one of a single copy runs in place
/// where the results need no combination: concatenations to an init without
/// rows.
struct FoldSmallFanout : public OpRewritePattern<FanoutOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(FanoutOp op,
                                PatternRewriter &rewriter) const override {
    APInt count;
    if (!op.getCount() || !matchPattern(op.getCount(), m_ConstantInt(&count)) ||
        count.sgt(1))
      return failure();
    Location loc = op.getLoc();
    SmallVector<Value> results;
    if (count.sle(0)) {
      for (auto [init, type] :
           llvm::zip_equal(op.getInits(), op.getResultTypes()))
        if (!canStandFor(init, type))
          return failure();
      for (auto [init, type] :
           llvm::zip_equal(op.getInits(), op.getResultTypes()))
        results.push_back(castTo(rewriter, loc, init, type));
      rewriter.replaceOp(op, results);
      return success();
    }
    Block *each = &op.getEachRegion().front();
    Operation *yield = each->getTerminator();
    for (unsigned i = 0; i < op.getNumResults(); ++i) {
      auto init = dyn_cast<RankedTensorType>(op.getInits()[i].getType());
      if (op.getCombine(i) != CombineKind::Concat || !init ||
          init.getDimSize(0) != 0 ||
          !canStandFor(yield->getOperand(i), op.getResult(i).getType()))
        return failure();
    }
    SmallVector<Value> arguments = {
        arith::ConstantIndexOp::create(rewriter, loc, 0)};
    llvm::append_range(arguments, op.getInputs());
    rewriter.inlineBlockBefore(each, op, arguments);
    for (auto [value, type] :
         llvm::zip_equal(yield->getOperands(), op.getResultTypes()))
      results.push_back(castTo(rewriter, loc, value, type));
    rewriter.replaceOp(op, results);
    rewriter.eraseOp(yield);
    return success();
  }
};
} // namespace

void TaskOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *context) {
  patterns.add<ForwardFromTask, RemoveDeadResults<TaskOp>,
               RemoveUnusedInputs<TaskOp>>(context);
}

void BranchOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                           MLIRContext *context) {
  patterns.add<FoldConstantBranch, ForwardFromBranch,
               RemoveDeadResults<BranchOp>, RemoveUnusedInputs<BranchOp>>(
      context);
}

void SelectOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                           MLIRContext *context) {
  patterns.add<FoldConstantSelect, RemoveDeadResults<SelectOp>,
               RemoveUnusedInputs<SelectOp>>(context);
}

void LoopOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *context) {
  patterns.add<FoldFalseLoop, RemoveDeadLoopValues>(context);
}

void FanoutOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                           MLIRContext *context) {
  patterns.add<FoldSmallFanout, RemoveDeadResults<FanoutOp>,
               RemoveUnusedInputs<FanoutOp>>(context);
}
