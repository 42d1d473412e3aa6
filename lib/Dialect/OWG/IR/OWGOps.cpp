//===- OWGOps.cpp - Builders and small methods of the owg operations ------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Builders, calls, and the values that regions capture.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/OWG/IR/OWG.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace octo::owg;

#include "octo/Dialect/OWG/IR/OWGInterfaces.cpp.inc"

#define GET_OP_CLASSES
#include "octo/Dialect/OWG/IR/OWGOps.cpp.inc"

void OWGDialect::registerOperations() {
  addOperations<
#define GET_OP_LIST
#include "octo/Dialect/OWG/IR/OWGOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Captures
//===----------------------------------------------------------------------===//

/// Adds to `captures` the operands of operations in `region` that are defined
/// outside of `root`.
static void collectCaptures(Operation *root, Region &region,
                            SetVector<Value> &captures) {
  region.walk<WalkOrder::PreOrder>([&](Operation *op) {
    for (Value operand : op->getOperands())
      if (!root->isAncestor(operand.getParentBlock()->getParentOp()))
        captures.insert(operand);
    return op->hasTrait<OpTrait::IsIsolatedFromAbove>() ? WalkResult::skip()
                                                        : WalkResult::advance();
  });
}

SmallVector<Value> octo::owg::getImplicitCaptures(Region &region) {
  SetVector<Value> captures;
  if (!region.getParentOp()->hasTrait<OpTrait::IsIsolatedFromAbove>())
    collectCaptures(region.getParentOp(), region, captures);
  return captures.takeVector();
}

SmallVector<Value> octo::owg::getImplicitCaptures(Operation *op) {
  SetVector<Value> captures;
  if (!op->hasTrait<OpTrait::IsIsolatedFromAbove>())
    for (Region &region : op->getRegions())
      collectCaptures(op, region, captures);
  for (Value operand : op->getOperands())
    captures.remove(operand);
  return captures.takeVector();
}

//===----------------------------------------------------------------------===//
// Builders
//===----------------------------------------------------------------------===//

static Block *addBlock(OpBuilder &builder, Region *region, TypeRange types,
                       Location loc) {
  Block &block = region->emplaceBlock();
  for (Type type : types)
    block.addArgument(type, loc);
  return &block;
}

void WorkflowOp::build(OpBuilder &builder, OperationState &state,
                       StringRef name, FunctionType type) {
  buildWithEntryBlock(builder, state, name, type, {}, type.getInputs());
}

void CallOp::build(OpBuilder &builder, OperationState &state, StringRef label,
                   WorkflowOp callee, ValueRange inputs) {
  build(builder, state, callee.getResultTypes(), label, /*path=*/StringAttr(),
        callee.getSymName(), inputs, /*arg_attrs=*/ArrayAttr(),
        /*res_attrs=*/ArrayAttr());
}

static void startTask(OpBuilder &builder, OperationState &state,
                      StringRef label, TypeRange outputs, ValueRange inputs) {
  state.getOrAddProperties<TaskOp::Properties>().label =
      builder.getStringAttr(label);
  state.addOperands(inputs);
  state.addTypes(outputs);
}

void TaskOp::build(
    OpBuilder &builder, OperationState &state, StringRef label,
    TypeRange outputs, ValueRange inputs,
    function_ref<void(OpBuilder &, Location, ValueRange)> buildBody) {
  startTask(builder, state, label, outputs, inputs);
  Block *body =
      addBlock(builder, state.addRegion(), inputs.getTypes(), state.location);
  if (!buildBody)
    return;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(body);
  buildBody(builder, state.location, body->getArguments());
}

void TaskOp::build(OpBuilder &builder, OperationState &state, StringRef label,
                   TypeRange outputs, ValueRange inputs,
                   FlatSymbolRefAttr callee) {
  startTask(builder, state, label, outputs, inputs);
  state.getOrAddProperties<Properties>().callee = callee;
  state.addRegion();
}

void TaskOp::build(OpBuilder &builder, OperationState &state, StringRef label,
                   TypeRange outputs, ValueRange inputs, ProfileAttr profile) {
  startTask(builder, state, label, outputs, inputs);
  state.getOrAddProperties<Properties>().profile = profile;
  state.addRegion();
}

void BranchOp::build(OpBuilder &builder, OperationState &state, StringRef label,
                     TypeRange outputs, ValueRange inputs, unsigned numCases,
                     bool profiled) {
  state.getOrAddProperties<Properties>().label = builder.getStringAttr(label);
  state.addOperands(inputs);
  state.addTypes(outputs);
  Region *decide = state.addRegion();
  if (!profiled)
    addBlock(builder, decide, inputs.getTypes(), state.location);
  for (unsigned i = 0; i <= numCases; ++i)
    addBlock(builder, state.addRegion(), {}, state.location);
}

static DenseI32ArrayAttr makeCombines(OpBuilder &builder,
                                      ArrayRef<CombineKind> combines) {
  return builder.getDenseI32ArrayAttr(llvm::map_to_vector(
      combines, [](CombineKind kind) { return static_cast<int32_t>(kind); }));
}

void SelectOp::build(OpBuilder &builder, OperationState &state, StringRef label,
                     TypeRange outputs, ValueRange inputs, ValueRange inits,
                     ArrayRef<CombineKind> combines, unsigned numMembers,
                     bool profiled) {
  auto &properties = state.getOrAddProperties<Properties>();
  properties.label = builder.getStringAttr(label);
  properties.combines = makeCombines(builder, combines);
  properties.operandSegmentSizes = {static_cast<int32_t>(inputs.size()),
                                    static_cast<int32_t>(inits.size())};
  state.addOperands(inputs);
  state.addOperands(inits);
  state.addTypes(outputs);
  Region *decide = state.addRegion();
  if (!profiled)
    addBlock(builder, decide, inputs.getTypes(), state.location);
  for (unsigned i = 0; i < numMembers; ++i)
    addBlock(builder, state.addRegion(), {}, state.location);
}

void LoopOp::build(OpBuilder &builder, OperationState &state, StringRef label,
                   TypeRange outputs, ValueRange inputs, bool profiled) {
  state.getOrAddProperties<Properties>().label = builder.getStringAttr(label);
  state.addOperands(inputs);
  state.addTypes(outputs);
  Region *before = state.addRegion();
  if (!profiled)
    addBlock(builder, before, inputs.getTypes(), state.location);
  addBlock(builder, state.addRegion(), outputs, state.location);
}

void FanoutOp::build(OpBuilder &builder, OperationState &state, StringRef label,
                     TypeRange outputs, ValueRange inputs, Value count,
                     ValueRange inits, ArrayRef<CombineKind> combines) {
  auto &properties = state.getOrAddProperties<Properties>();
  properties.label = builder.getStringAttr(label);
  properties.combines = makeCombines(builder, combines);
  properties.operandSegmentSizes = {static_cast<int32_t>(inputs.size()),
                                    count ? 1 : 0,
                                    static_cast<int32_t>(inits.size())};
  state.addOperands(inputs);
  if (count)
    state.addOperands(count);
  state.addOperands(inits);
  state.addTypes(outputs);
  SmallVector<Type> types = {builder.getIndexType()};
  llvm::append_range(types, inputs.getTypes());
  addBlock(builder, state.addRegion(), types, state.location);
}

void WeightOp::build(OpBuilder &builder, OperationState &state, StringRef name,
                     RankedTensorType type, int64_t seed, double scale) {
  auto &properties = state.getOrAddProperties<Properties>();
  properties.sym_name = builder.getStringAttr(name);
  properties.type = TypeAttr::get(type);
  properties.seed = builder.getI64IntegerAttr(seed);
  properties.scale = builder.getF64FloatAttr(scale);
}

void WeightOp::build(OpBuilder &builder, OperationState &state, StringRef name,
                     ElementsAttr value) {
  auto &properties = state.getOrAddProperties<Properties>();
  properties.sym_name = builder.getStringAttr(name);
  properties.type = TypeAttr::get(value.getType());
  properties.value = value;
}

//===----------------------------------------------------------------------===//
// Call
//===----------------------------------------------------------------------===//

CallInterfaceCallable CallOp::getCallableForCallee() {
  return (*this)->getAttrOfType<SymbolRefAttr>("callee");
}

void CallOp::setCalleeFromCallable(CallInterfaceCallable callee) {
  (*this)->setAttr("callee", cast<SymbolRefAttr>(callee));
}

Operation::operand_range CallOp::getArgOperands() { return getInputs(); }

MutableOperandRange CallOp::getArgOperandsMutable() {
  return getInputsMutable();
}
