//===- OWGControlFlow.cpp - Control flow, effects and shapes of blocks ----===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How control moves through the regions of control blocks, what blocks write,
// whether they may be speculated, and the shapes of their results.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/OWG/IR/OWG.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;
using namespace octo::owg;

/// The end of the operands: nothing is forwarded.
static OperandRange noOperands(Operation *op) {
  return OperandRange(op->operand_end(), op->operand_end());
}

static MutableOperandRange noMutableOperands(Operation *op) {
  return MutableOperandRange(op, 0, 0);
}

/// A successor that leaves `op` with results that are not simply forwarded
/// (they are combined), so that no analysis takes them for an operand.
static RegionSuccessor leaveCombined(Operation *op) {
  return RegionSuccessor(op, op->getResults().take_front(0));
}

/// The region that holds the terminator `point`.
static Region *regionOf(RegionBranchPoint point) {
  return point.getTerminatorPredecessorOrNull()->getParentRegion();
}

//===----------------------------------------------------------------------===//
// Names of regions in path ids
//===----------------------------------------------------------------------===//

std::string TaskOp::getPathRegionName(unsigned) { return "body"; }
std::string CallOp::getPathRegionName(unsigned) { return "body"; }
std::string BranchOp::getPathRegionName(unsigned region) {
  if (region == 0)
    return "decide";
  return region == 1 ? "default" : "case" + std::to_string(region - 2);
}
std::string SelectOp::getPathRegionName(unsigned region) {
  return region == 0 ? "decide" : "member" + std::to_string(region - 1);
}
std::string LoopOp::getPathRegionName(unsigned region) {
  return region == 0 ? "before" : "after";
}
std::string FanoutOp::getPathRegionName(unsigned) { return "each"; }

//===----------------------------------------------------------------------===//
// Profiled behaviour, effects, speculation
//===----------------------------------------------------------------------===//

bool TaskOp::hasProfiledBehaviour() { return isProfiled(); }
bool BranchOp::hasProfiledBehaviour() { return !hasDecide(); }
bool SelectOp::hasProfiledBehaviour() { return !hasDecide(); }
bool LoopOp::hasProfiledBehaviour() { return !hasBefore(); }
bool FanoutOp::hasProfiledBehaviour() { return !getCount(); }

using Effects =
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>;

static void getBlockEffects(BlockOpInterface block, Effects &effects) {
  if (block.hasProfiledBehaviour())
    effects.emplace_back(MemoryEffects::Write::get(),
                         ProfiledWorkResource::get());
}

void TaskOp::getEffects(Effects &effects) { getBlockEffects(*this, effects); }
void BranchOp::getEffects(Effects &effects) { getBlockEffects(*this, effects); }
void SelectOp::getEffects(Effects &effects) { getBlockEffects(*this, effects); }
void FanoutOp::getEffects(Effects &effects) { getBlockEffects(*this, effects); }
void LoopOp::getEffects(Effects &effects) {
  getBlockEffects(*this, effects);
  // Reaching the bound fails the request: the loop must stay.
  if (getBound())
    effects.emplace_back(MemoryEffects::Write::get(), RequestResource::get());
}

Speculation::Speculatability TaskOp::getSpeculatability() {
  return isInline() ? Speculation::RecursivelySpeculatable
                    : Speculation::NotSpeculatable;
}
Speculation::Speculatability BranchOp::getSpeculatability() {
  return hasDecide() ? Speculation::RecursivelySpeculatable
                     : Speculation::NotSpeculatable;
}
Speculation::Speculatability SelectOp::getSpeculatability() {
  return hasDecide() ? Speculation::RecursivelySpeculatable
                     : Speculation::NotSpeculatable;
}
Speculation::Speculatability FanoutOp::getSpeculatability() {
  return getCount() ? Speculation::RecursivelySpeculatable
                    : Speculation::NotSpeculatable;
}
// A loop may run forever.
Speculation::Speculatability LoopOp::getSpeculatability() {
  return Speculation::NotSpeculatable;
}

//===----------------------------------------------------------------------===//
// Branch
//===----------------------------------------------------------------------===//

Region &BranchOp::getRegionFor(const APInt &value) {
  // i1: true takes the case. index: the number of the case.
  bool isBit = value.getBitWidth() == 1;
  uint64_t index = isBit ? (value.isOne() ? 0 : getNumCases())
                         : value.getLimitedValue(getNumCases());
  return getAlternative(index);
}

void BranchOp::getSuccessorRegions(RegionBranchPoint point,
                                   SmallVectorImpl<RegionSuccessor> &regions) {
  if (point.isParent() && hasDecide()) {
    regions.emplace_back(&getDecideRegion(), getDecideRegion().getArguments());
    return;
  }
  if (point.isParent() || regionOf(point) == &getDecideRegion()) {
    for (Region &region : getCaseRegions())
      regions.emplace_back(&region);
    regions.emplace_back(&getDefaultRegion());
    return;
  }
  regions.emplace_back(getOperation(), getResults());
}

OperandRange BranchOp::getEntrySuccessorOperands(RegionSuccessor successor) {
  return hasDecide() ? OperandRange(getInputs()) : noOperands(*this);
}

void BranchOp::getRegionInvocationBounds(
    ArrayRef<Attribute>, SmallVectorImpl<InvocationBounds> &bounds) {
  bounds.emplace_back(hasDecide(), hasDecide());
  bounds.append(getNumRegions() - 1, InvocationBounds(0, 1));
}

//===----------------------------------------------------------------------===//
// Select
//===----------------------------------------------------------------------===//

void SelectOp::getSuccessorRegions(RegionBranchPoint point,
                                   SmallVectorImpl<RegionSuccessor> &regions) {
  if (point.isParent() && hasDecide()) {
    regions.emplace_back(&getDecideRegion(), getDecideRegion().getArguments());
    return;
  }
  // Any member may be next, in order; what they yield is combined.
  unsigned first = 0;
  if (!point.isParent() && regionOf(point) != &getDecideRegion())
    first = regionOf(point)->getRegionNumber();
  for (Region &region : getMemberRegions().drop_front(first))
    regions.emplace_back(&region);
  regions.push_back(leaveCombined(*this));
}

OperandRange SelectOp::getEntrySuccessorOperands(RegionSuccessor successor) {
  return hasDecide() ? OperandRange(getInputs()) : noOperands(*this);
}

void SelectOp::getRegionInvocationBounds(
    ArrayRef<Attribute>, SmallVectorImpl<InvocationBounds> &bounds) {
  bounds.emplace_back(hasDecide(), hasDecide());
  bounds.append(getNumRegions() - 1, InvocationBounds(0, 1));
}

//===----------------------------------------------------------------------===//
// Loop
//===----------------------------------------------------------------------===//

void LoopOp::getSuccessorRegions(RegionBranchPoint point,
                                 SmallVectorImpl<RegionSuccessor> &regions) {
  RegionSuccessor after(&getAfterRegion(), getAfterRegion().getArguments());
  RegionSuccessor leave(getOperation(), getResults());
  if (!hasBefore()) {
    regions.append({after, leave});
    return;
  }
  if (point.isParent() || regionOf(point) == &getAfterRegion()) {
    regions.emplace_back(&getBeforeRegion(), getBeforeRegion().getArguments());
    return;
  }
  regions.append({after, leave});
}

OperandRange LoopOp::getEntrySuccessorOperands(RegionSuccessor successor) {
  return getInputs();
}

void LoopOp::getRegionInvocationBounds(
    ArrayRef<Attribute>, SmallVectorImpl<InvocationBounds> &bounds) {
  if (hasBefore())
    bounds.emplace_back(1, std::nullopt);
  else
    bounds.emplace_back(0, 0);
  bounds.push_back(InvocationBounds::getUnknown());
}

//===----------------------------------------------------------------------===//
// Fanout
//===----------------------------------------------------------------------===//

void FanoutOp::getSuccessorRegions(RegionBranchPoint point,
                                   SmallVectorImpl<RegionSuccessor> &regions) {
  // Every copy starts from the index and the inputs again, so nothing is
  // forwarded along the edge from copy to copy; results are combined.
  regions.emplace_back(&getEachRegion());
  regions.push_back(leaveCombined(*this));
}

OperandRange FanoutOp::getEntrySuccessorOperands(RegionSuccessor successor) {
  return noOperands(*this);
}

void FanoutOp::getRegionInvocationBounds(
    ArrayRef<Attribute> operands, SmallVectorImpl<InvocationBounds> &bounds) {
  bounds.push_back(InvocationBounds::getUnknown());
}

//===----------------------------------------------------------------------===//
// Terminators
//===----------------------------------------------------------------------===//

MutableOperandRange
YieldOp::getMutableSuccessorOperands(RegionSuccessor successor) {
  if (isa<SelectOp, FanoutOp>((*this)->getParentOp()))
    return noMutableOperands(*this);
  return getOperandsMutable();
}

MutableOperandRange
DecideOp::getMutableSuccessorOperands(RegionSuccessor successor) {
  if (isa<LoopOp>((*this)->getParentOp()))
    return getForwardedMutable();
  return noMutableOperands(*this);
}

void DecideOp::getSuccessorRegions(ArrayRef<Attribute> operands,
                                   SmallVectorImpl<RegionSuccessor> &regions) {
  FoldAdaptor adaptor(operands, *this);
  auto constant = dyn_cast_or_null<IntegerAttr>(adaptor.getDecision());
  Operation *parent = (*this)->getParentOp();
  if (auto loop = dyn_cast<LoopOp>(parent); loop && constant) {
    if (constant.getValue().isZero())
      regions.emplace_back(parent, parent->getResults());
    else
      regions.emplace_back(&loop.getAfterRegion(),
                           loop.getAfterRegion().getArguments());
    return;
  }
  if (auto branch = dyn_cast<BranchOp>(parent); branch && constant) {
    regions.emplace_back(&branch.getRegionFor(constant.getValue()));
    return;
  }
  cast<RegionBranchOpInterface>(parent).getSuccessorRegions(
      RegionBranchPoint(
          cast<RegionBranchTerminatorOpInterface>(getOperation())),
      regions);
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

/// The size of dimension `dim` of `value`, a tensor in the body of `task`, in
/// terms of the inputs of the task; null where it is not known. Follows
/// destinations, casts and tensor.empty up to a block argument.
static OpFoldResult traceDim(OpBuilder &builder, TaskOp task, Value value,
                             int64_t dim) {
  Location loc = task.getLoc();
  while (true) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type)
      return {};
    if (!type.isDynamicDim(dim))
      return builder.getIndexAttr(type.getDimSize(dim));
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      if (argument.getOwner() != task.getBodyBlock())
        return {};
      return tensor::getMixedSize(
          builder, loc, task.getInputs()[argument.getArgNumber()], dim);
    }
    Operation *op = value.getDefiningOp();
    if (auto destination = dyn_cast<DestinationStyleOpInterface>(op)) {
      value = destination.getTiedOpOperand(cast<OpResult>(value))->get();
    } else if (auto cast = dyn_cast<tensor::CastOp>(op)) {
      value = cast.getSource();
    } else if (auto empty = dyn_cast<tensor::EmptyOp>(op)) {
      Value size = empty.getDynamicSize(dim);
      if (auto argument = dyn_cast<BlockArgument>(size)) {
        if (argument.getOwner() != task.getBodyBlock())
          return {};
        return OpFoldResult(task.getInputs()[argument.getArgNumber()]);
      }
      auto dimOp = size.getDefiningOp<tensor::DimOp>();
      std::optional<int64_t> index =
          dimOp ? dimOp.getConstantIndex() : std::nullopt;
      if (!index)
        return {};
      value = dimOp.getSource();
      dim = *index;
    } else if (isa_and_nonnull<arith::ArithDialect>(op->getDialect()) &&
               op->hasTrait<OpTrait::Elementwise>()) {
      auto operand = llvm::find_if(op->getOperands(), [](Value v) {
        return isa<RankedTensorType>(v.getType());
      });
      if (operand == op->operand_end())
        return {};
      value = *operand;
    } else {
      return {};
    }
  }
}

/// The shapes of all results of `op`, dimension by dimension; unknown sizes and
/// results that are no tensors are left empty.
template <typename Op>
static LogicalResult reifyAll(OpBuilder &builder, Op op,
                              ReifiedRankedShapedTypeDims &reified) {
  for (OpResult result : op->getResults()) {
    SmallVector<OpFoldResult> &sizes = reified.emplace_back();
    auto type = dyn_cast<RankedTensorType>(result.getType());
    for (int64_t dim = 0; type && dim < type.getRank(); ++dim) {
      FailureOr<OpFoldResult> size =
          op.reifyDimOfResult(builder, result.getResultNumber(), dim);
      sizes.push_back(succeeded(size) ? *size : OpFoldResult());
    }
  }
  return success();
}

/// Results of a fold have the sizes of the init, except for dimension 0 of a
/// concatenation. Creates nothing where the size is not known, as rewriters
/// that ask again and again need it.
template <typename Op>
static FailureOr<OpFoldResult> reifyCombined(OpBuilder &builder, Op op,
                                             int result, int dim) {
  auto type = dyn_cast<RankedTensorType>(op->getResult(result).getType());
  if (!type)
    return failure();
  if (!type.isDynamicDim(dim))
    return OpFoldResult(builder.getIndexAttr(type.getDimSize(dim)));
  if (op.getCombine(result) == CombineKind::Concat && dim == 0)
    return failure();
  return tensor::getMixedSize(builder, op.getLoc(), op.getInits()[result], dim);
}

FailureOr<OpFoldResult> TaskOp::reifyDimOfResult(OpBuilder &builder, int result,
                                                 int dim) {
  if (!isInline())
    return failure();
  OpFoldResult size = traceDim(
      builder, *this, getBodyBlock()->getTerminator()->getOperand(result), dim);
  if (!size)
    return failure();
  return size;
}

FailureOr<OpFoldResult> SelectOp::reifyDimOfResult(OpBuilder &builder,
                                                   int result, int dim) {
  return reifyCombined(builder, *this, result, dim);
}

FailureOr<OpFoldResult> FanoutOp::reifyDimOfResult(OpBuilder &builder,
                                                   int result, int dim) {
  return reifyCombined(builder, *this, result, dim);
}

LogicalResult TaskOp::reifyResultShapes(OpBuilder &builder,
                                        ReifiedRankedShapedTypeDims &reified) {
  return reifyAll(builder, *this, reified);
}

LogicalResult
SelectOp::reifyResultShapes(OpBuilder &builder,
                            ReifiedRankedShapedTypeDims &reified) {
  return reifyAll(builder, *this, reified);
}

LogicalResult
FanoutOp::reifyResultShapes(OpBuilder &builder,
                            ReifiedRankedShapedTypeDims &reified) {
  return reifyAll(builder, *this, reified);
}
