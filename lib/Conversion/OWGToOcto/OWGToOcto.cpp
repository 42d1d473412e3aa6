//===- OWGToOcto.cpp - Workflows as programs of a machine -----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The pass convert-owg-to-octo. Every workflow is walked once, region by region
// and parents first, which is the order of the program file; each region
// becomes a scope. Values that a region takes from outside become imports,
// constants and weights are the same everywhere, and the wiring between blocks
// becomes tasks.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "Profiles.h"

#include "octo/Conversion/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

#include <deque>

namespace octo {
#define GEN_PASS_DEF_CONVERTOWGTOOCTO
#include "octo/Conversion/Passes.h.inc"
} // namespace octo

using namespace mlir;
using namespace octo;

namespace {
/// Elements that a dimension is expected to have where nothing tells; as
/// owg-estimate-cost assumes.
constexpr uint64_t expectedDim = 64;

/// Ops whose results are no work: they are repeated where they are needed.
bool isConstant(Operation *op) {
  if (isa<owg::NothingOp>(op))
    return true;
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return empty.getDynamicSizes().empty();
  return op->hasTrait<OpTrait::ConstantLike>();
}

/// Constants, and changes of the static type alone.
bool isRepeated(Operation *op) {
  return isConstant(op) || isa<tensor::CastOp, owg::GetWeightOp>(op);
}

/// The value that `value` is, whatever its static type.
Value stripCasts(Value value) {
  while (auto cast = value.getDefiningOp<tensor::CastOp>())
    value = cast.getSource();
  return value;
}

/// True for values that are the same in every scope.
bool isGlobal(Value value) {
  Operation *op = value.getDefiningOp();
  return op && (isConstant(op) || isa<owg::GetWeightOp>(op));
}

/// True for ops between blocks that are work: they become tasks.
bool isWiring(Operation *op) {
  return !isRepeated(op) && !op->hasTrait<OpTrait::IsTerminator>() &&
         !isa<owg::LabelledOpInterface>(op);
}

/// A scope that still has to be filled, and the region that fills it.
struct PendingScope {
  Value act;
  Region *region = nullptr;
  /// Path of the blocks in it.
  std::string path;
  /// What values from outside and block arguments are here.
  llvm::DenseMap<Value, Value> values;
  /// Called with the scope once it is filled.
  std::function<LogicalResult(PendingScope &)> finish;
};

class WorkflowConverter {
public:
  WorkflowConverter(owg::WorkflowOp workflow, KernelTable &kernels,
                    ProfileTable &profiles, FlatSymbolRefAttr machine)
      : workflow(workflow), kernels(kernels), profiles(profiles),
        machine(machine), builder(workflow.getContext()),
        actType(spatial::ActType::get(workflow.getContext())),
        tokenType(spatial::BlockType::get(workflow.getContext())) {}

  LogicalResult run();

private:
  //===--------------------------------------------------------------------===//
  // Values
  //===--------------------------------------------------------------------===//

  /// Expected bytes of a value, and their distribution if a profile has one.
  struct Size {
    uint64_t bytes = 0;
    spatial::DistributionAttr distribution = {};
    bool failed = false;
  };
  Size sizeOf(Value value);
  Size computeSize(Value value);
  FailureOr<spatial::FlowType> flowType(Operation *user, Value value);
  FailureOr<SmallVector<Type>> flowTypes(Operation *user, ValueRange values);
  /// The op that closes a select or fan-out; its operands come later.
  FailureOr<spatial::JoinOp> createJoin(Operation *block, OperandRange inits,
                                        spatial::Combine combine, Value token,
                                        Location loc);

  /// What an owg value is in a scope.
  FailureOr<Value> resolve(Operation *user, Value value, PendingScope &scope);
  LogicalResult resolveAll(Operation *user, ValueRange values,
                           PendingScope &scope, SmallVectorImpl<Value> &into);
  FailureOr<Value> resolveGlobal(Operation *user, Value value);

  //===--------------------------------------------------------------------===//
  // Blocks
  //===--------------------------------------------------------------------===//

  LogicalResult convertScope(PendingScope &scope);
  LogicalResult convertTask(owg::TaskOp task, PendingScope &scope);
  LogicalResult convertBranch(owg::BranchOp branch, PendingScope &scope);
  LogicalResult convertSelect(owg::SelectOp select, PendingScope &scope);
  LogicalResult convertLoop(owg::LoopOp loop, PendingScope &scope);
  LogicalResult convertFanout(owg::FanoutOp fanout, PendingScope &scope);
  LogicalResult convertWiring(ArrayRef<Operation *> run,
                              const llvm::SmallPtrSetImpl<Operation *> &live,
                              PendingScope &scope);

  /// Moves `ops` (and what they repeat) into a function of the values that they
  /// take from outside, which are appended to `inputs`. `leading` are its first
  /// arguments, bound to what `bound` says.
  func::FuncOp
  outline(Location loc, StringRef name, ArrayRef<Operation *> ops,
          ValueRange results, ValueRange bound, SmallVectorImpl<Value> &inputs,
          function_ref<SmallVector<Value>(OpBuilder &, ValueRange)> finish =
              nullptr);

  /// The kernel of the code of a decide region, null where there is none;
  /// `inputs` are the block's, to which what the code needs is added. `finish`
  /// is that of outline().
  FailureOr<FlatSymbolRefAttr> decisionKernel(
      Operation *block, Region &region, SmallVectorImpl<Value> &inputs,
      function_ref<SmallVector<Value>(OpBuilder &, ValueRange)> finish =
          nullptr);

  /// The wiring of `block` that a live op needs; the decision of a loop does
  /// not count.
  llvm::SmallPtrSet<Operation *, 16> findLive(Block &block);

  /// What a control block takes in.
  struct Captures {
    /// Number of each value among the inputs.
    llvm::DenseMap<Value, int32_t> numbers;
    SmallVector<Value> values;
    SmallVector<int32_t> imports;
    SmallVector<int32_t> sizes;
    /// For each scope, the owg value of each import.
    SmallVector<SmallVector<Value>> importValues;
    /// The result of the opener that is the activation of each scope, as far as
    /// scopes were opened.
    SmallVector<unsigned> actResults{1};
  };
  /// Number of an input, added to the captures if it is none yet.
  int32_t captureNumber(Captures &captures, Value value, unsigned numInputs);
  /// Adds a scope with these imports, then all that `region` captures.
  void addScope(Captures &captures, Region &region, unsigned numInputs,
                ArrayRef<std::pair<Value, int32_t>> first);

  /// Result types of an op that opens scopes.
  FailureOr<SmallVector<Type>>
  scopeTypes(Operation *user, const Captures &captures, PendingScope &scope);

  /// Queues the scopes of `control`.
  void openScope(spatial::ControlOpInterface control, unsigned number,
                 Captures &captures, Region &region, StringRef path,
                 std::function<LogicalResult(PendingScope &)> finish);

  StringAttr pathOf(owg::LabelledOpInterface op, PendingScope &scope);
  Location locationOf(owg::BlockOpInterface op);
  spatial::PinAttr pinOf(owg::BlockOpInterface op);
  void copyAttributes(Operation *from, Operation *to);
  LogicalResult bindResults(Operation *op, ResultRange results,
                            PendingScope &scope);

  owg::WorkflowOp workflow;
  KernelTable &kernels;
  ProfileTable &profiles;
  FlatSymbolRefAttr machine;
  OpBuilder builder;
  Type actType, tokenType;
  spatial::ProgramOp program;
  std::deque<PendingScope> queue;
  llvm::DenseMap<Value, Size> sizes;
  llvm::DenseMap<Operation *, Value> weightUses;
  /// The entry, or the last use of a weight after it.
  Operation *lastPreamble = nullptr;
  unsigned nextGlue = 0;
};
} // namespace

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

WorkflowConverter::Size WorkflowConverter::sizeOf(Value value) {
  value = stripCasts(value);
  auto found = sizes.find(value);
  if (found != sizes.end())
    return found->second;
  // A value that depends on itself (through a loop) starts as nothing.
  sizes[value] = Size();
  Size size = computeSize(value);
  sizes[value] = size;
  return size;
}

WorkflowConverter::Size WorkflowConverter::computeSize(Value value) {
  Type type = value.getType();
  if (isa<owg::TokenType>(type))
    return {};
  if (auto data = dyn_cast<owg::DataType>(type)) {
    if (!data.isDynamic())
      return {static_cast<uint64_t>(data.getBytes()), {}};
  } else if (auto tensor = dyn_cast<RankedTensorType>(type)) {
    uint64_t bytes = spatial::FlowType::staticBytes(tensor.getElementType());
    for (int64_t dim : tensor.getShape())
      bytes *= ShapedType::isDynamic(dim) ? expectedDim : dim;
    return {bytes, {}};
  } else {
    return {spatial::FlowType::staticBytes(type), {}};
  }

  // Data of unknown size: what the profile says, else what it is made of.
  if (auto result = dyn_cast<OpResult>(value)) {
    unsigned number = result.getResultNumber();
    Operation *op = result.getOwner();
    if (auto block = dyn_cast<owg::BlockOpInterface>(op))
      if (owg::ProfileAttr profile = block.getOpProfile())
        if (ArrayAttr bytes = profile.getOutBytes())
          if (number < bytes.size()) {
            auto distribution = cast<owg::DistributionAttr>(bytes[number]);
            Size size;
            size.bytes = static_cast<uint64_t>(
                std::max(0.0, distribution.getMean() + 0.5));
            // What fails here has failed with a message; flowType sees it.
            FailureOr<spatial::DistributionAttr> table =
                profiles.convert(op, distribution);
            size.failed = failed(table);
            if (succeeded(table) && !(*table).isConstant())
              size.distribution = *table;
            return size;
          }
    auto yielded = [&](Region &region) {
      return sizeOf(region.front().getTerminator()->getOperand(number)).bytes;
    };
    auto frequency = [&](unsigned i) {
      owg::ProfileAttr profile = cast<owg::BlockOpInterface>(op).getOpProfile();
      ArrayRef<double> all =
          profile ? profile.getFrequencies() : ArrayRef<double>();
      return i < all.size() ? all[i] : 0.5;
    };
    if (auto branch = dyn_cast<owg::BranchOp>(op)) {
      double bytes = 0;
      for (unsigned i = 0; i <= branch.getNumCases(); ++i)
        bytes += frequency(i) * yielded(branch.getAlternative(i));
      return {static_cast<uint64_t>(bytes + 0.5), {}};
    }
    if (auto select = dyn_cast<owg::SelectOp>(op)) {
      double bytes = sizeOf(select.getInits()[number]).bytes;
      for (auto [i, member] : llvm::enumerate(select.getMemberRegions())) {
        double part = yielded(member);
        if (select.getCombine(number) == owg::CombineKind::Concat)
          bytes += frequency(i) * part;
        else
          bytes = std::max(bytes, part);
      }
      return {static_cast<uint64_t>(bytes + 0.5), {}};
    }
    if (auto fanout = dyn_cast<owg::FanoutOp>(op)) {
      double bytes = sizeOf(fanout.getInits()[number]).bytes;
      double part = yielded(fanout.getEachRegion());
      owg::ProfileAttr profile = fanout.getProfileAttr();
      owg::DistributionAttr count =
          profile ? profile.getCount() : owg::DistributionAttr();
      if (fanout.getCombine(number) == owg::CombineKind::Concat)
        bytes += (count ? count.getMean() : expectedDim) * part;
      else
        bytes = std::max(bytes, part);
      return {static_cast<uint64_t>(bytes + 0.5), {}};
    }
    if (auto loop = dyn_cast<owg::LoopOp>(op)) {
      if (!loop.hasBefore())
        return {sizeOf(loop.getInputs()[number]).bytes, {}};
      auto decide =
          cast<owg::DecideOp>(loop.getBeforeRegion().front().getTerminator());
      return {sizeOf(decide.getForwarded()[number]).bytes, {}};
    }
    return {};
  }

  auto argument = cast<BlockArgument>(value);
  unsigned number = argument.getArgNumber();
  Operation *parent = argument.getOwner()->getParentOp();
  if (auto loop = dyn_cast<owg::LoopOp>(parent)) {
    if (argument.getOwner()->getParent() == &loop.getBeforeRegion() ||
        !loop.hasBefore())
      return {sizeOf(loop.getInputs()[number]).bytes, {}};
    auto decide =
        cast<owg::DecideOp>(loop.getBeforeRegion().front().getTerminator());
    return {sizeOf(decide.getForwarded()[number]).bytes, {}};
  }
  if (auto fanout = dyn_cast<owg::FanoutOp>(parent))
    if (number > 0)
      return sizeOf(fanout.getInputs()[number - 1]);
  return {};
}

FailureOr<spatial::FlowType> WorkflowConverter::flowType(Operation *user,
                                                         Value value) {
  Type payload = getPayload(value.getType());
  if (!payload)
    return user->emitError()
           << "a flow between blocks cannot carry " << value.getType()
           << "; it carries ranked tensors and scalars of i1, i8, i16, i32, "
              "i64, index, f16, bf16, f32 or f64, !owg.data or !owg.token";
  uint64_t bytes = spatial::FlowType::staticBytes(payload);
  if (bytes)
    return spatial::FlowType::get(payload.getContext(), payload, bytes,
                                  spatial::DistributionAttr());
  Size size = sizeOf(value);
  if (size.failed)
    return failure();
  return spatial::FlowType::get(payload.getContext(), payload, size.bytes,
                                size.distribution);
}

FailureOr<SmallVector<Type>> WorkflowConverter::flowTypes(Operation *user,
                                                          ValueRange values) {
  SmallVector<Type> types;
  for (Value value : values) {
    FailureOr<spatial::FlowType> type = flowType(user, value);
    if (failed(type))
      return failure();
    types.push_back(*type);
  }
  return types;
}

FailureOr<spatial::JoinOp>
WorkflowConverter::createJoin(Operation *block, OperandRange inits,
                              spatial::Combine combine, Value token,
                              Location loc) {
  FailureOr<SmallVector<Type>> outputs = flowTypes(block, block->getResults());
  if (failed(outputs))
    return failure();
  FlatSymbolRefAttr kernel;
  if (!outputs->empty())
    kernel = kernels.getJoinKernel(FunctionType::get(block->getContext(),
                                                     inits.getTypes(),
                                                     block->getResultTypes()),
                                   combine);
  return spatial::JoinOp::create(builder, loc, *outputs, token, kernel,
                                 ValueRange());
}

FailureOr<Value> WorkflowConverter::resolveGlobal(Operation *user,
                                                  Value value) {
  Operation *op = value.getDefiningOp();
  if (failed(flowType(user, value)))
    return failure();
  Type payload = getPayload(value.getType());
  spatial::WeightOp weight;
  if (auto get = dyn_cast<owg::GetWeightOp>(op)) {
    weight = kernels.getWeight(op, get.getWeightAttr());
  } else {
    // Data without content, tensors without elements that anybody reads, and
    // true constants.
    ElementsAttr elements;
    Attribute constant;
    MLIRContext *context = op->getContext();
    if (isa<owg::NothingOp>(op)) {
      elements = DenseElementsAttr::get(
          RankedTensorType::get({0}, IntegerType::get(context, 8)),
          ArrayRef<Attribute>());
    } else if (isa<tensor::EmptyOp>(op)) {
      auto type = cast<RankedTensorType>(payload);
      elements = cast<ElementsAttr>(cast<Attribute>(DenseElementsAttr::get(
          type, Builder(context).getZeroAttr(type.getElementType()))));
    } else if (matchPattern(op, m_Constant(&constant))) {
      elements = dyn_cast<ElementsAttr>(constant);
      if (!elements)
        elements = DenseElementsAttr::get(RankedTensorType::get({}, payload),
                                          ArrayRef<Attribute>(constant));
    } else {
      return op->emitError() << "is a constant that cannot be evaluated";
    }
    weight = kernels.getConstant(payload, elements);
  }
  if (!weight)
    return failure();
  Value &use = weightUses[weight];
  if (!use) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointAfter(lastPreamble);
    auto useOp = spatial::UseWeightOp::create(
        builder, op->getLoc(), spatial::FlowType::get(payload),
        FlatSymbolRefAttr::get(weight.getSymNameAttr()));
    lastPreamble = useOp;
    use = useOp.getValue();
  }
  return use;
}

FailureOr<Value> WorkflowConverter::resolve(Operation *user, Value value,
                                            PendingScope &scope) {
  value = stripCasts(value);
  auto found = scope.values.find(value);
  if (found != scope.values.end())
    return found->second;
  if (isGlobal(value))
    return resolveGlobal(user, value);
  return user->emitError() << "uses a value that its region does not have; "
                              "this is a fault of convert-owg-to-octo";
}

LogicalResult WorkflowConverter::resolveAll(Operation *user, ValueRange values,
                                            PendingScope &scope,
                                            SmallVectorImpl<Value> &into) {
  for (Value value : values) {
    FailureOr<Value> resolved = resolve(user, value, scope);
    if (failed(resolved))
      return failure();
    into.push_back(*resolved);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

StringAttr WorkflowConverter::pathOf(owg::LabelledOpInterface op,
                                     PendingScope &scope) {
  if (StringAttr path = op.getOpPath())
    return path;
  return builder.getStringAttr(scope.path + "/" + op.getOpLabel().getValue());
}

Location WorkflowConverter::locationOf(owg::BlockOpInterface op) {
  if (owg::SourceAttr source = op.getOpSource())
    if (!source.getFile().empty())
      return FileLineColLoc::get(op->getContext(), source.getFile(),
                                 source.getLine(), source.getColumn());
  return op->getLoc();
}

spatial::PinAttr WorkflowConverter::pinOf(owg::BlockOpInterface op) {
  std::optional<uint32_t> cluster, tbu, gang, maxGang;
  auto take = [](std::optional<uint32_t> &to, std::optional<int64_t> from) {
    if (from)
      to = static_cast<uint32_t>(*from);
  };
  if (owg::ProfileAttr profile = op.getOpProfile()) {
    take(gang, profile.getGang());
    take(maxGang, profile.getMaxGang());
  }
  if (owg::PinAttr pin = op.getOpPin()) {
    take(cluster, pin.getCluster());
    take(tbu, pin.getTbu());
    take(gang, pin.getGang());
  }
  if (!cluster && !tbu && !gang && !maxGang)
    return {};
  return spatial::PinAttr::get(op->getContext(), cluster, tbu, gang, maxGang);
}

void WorkflowConverter::copyAttributes(Operation *from, Operation *to) {
  // The kernel of the decision has its own cost, of what has become of it.
  for (NamedAttribute attribute : from->getDiscardableAttrs())
    if (attribute.getName() != owg::CostAttr::decideAttrName())
      to->setDiscardableAttr(attribute.getName(), attribute.getValue());
}

LogicalResult WorkflowConverter::bindResults(Operation *op, ResultRange results,
                                             PendingScope &scope) {
  for (auto [from, to] : llvm::zip_equal(op->getResults(), results))
    scope.values[from] = to;
  return success();
}

//===----------------------------------------------------------------------===//
// Outlining
//===----------------------------------------------------------------------===//

func::FuncOp WorkflowConverter::outline(
    Location loc, StringRef name, ArrayRef<Operation *> ops, ValueRange results,
    ValueRange bound, SmallVectorImpl<Value> &inputs,
    function_ref<SmallVector<Value>(OpBuilder &, ValueRange)> finish) {
  auto function = func::FuncOp::create(
      loc, name, FunctionType::get(loc.getContext(), {}, {}));
  Block *body = function.addEntryBlock();
  OpBuilder inside = OpBuilder::atBlockEnd(body);
  IRMapping mapping;
  for (Value value : bound)
    mapping.map(value, body->addArgument(value.getType(), loc));
  llvm::SmallPtrSet<Operation *, 16> own(ops.begin(), ops.end());

  std::function<void(Value)> provide = [&](Value value) {
    if (mapping.contains(value))
      return;
    Operation *op = value.getDefiningOp();
    if (op && own.contains(op))
      return;
    if (op && (isConstant(op) || isa<tensor::CastOp>(op))) {
      for (Value operand : op->getOperands())
        provide(operand);
      inside.clone(*op, mapping);
      return;
    }
    mapping.map(value, body->addArgument(value.getType(), loc));
    inputs.push_back(value);
  };
  for (Operation *op : ops) {
    for (Value operand : op->getOperands())
      provide(operand);
    llvm::SetVector<Value> captured;
    getUsedValuesDefinedAbove(op->getRegions(), captured);
    for (Value value : captured)
      provide(value);
    inside.clone(*op, mapping);
  }
  SmallVector<Value> returned;
  for (Value result : results) {
    provide(result);
    returned.push_back(mapping.lookup(result));
  }
  if (finish)
    returned = finish(inside, returned);
  func::ReturnOp::create(inside, loc, returned);
  function.setFunctionType(FunctionType::get(loc.getContext(),
                                             body->getArgumentTypes(),
                                             ValueRange(returned).getTypes()));
  return function;
}

llvm::SmallPtrSet<Operation *, 16> WorkflowConverter::findLive(Block &block) {
  llvm::SmallPtrSet<Operation *, 16> live;
  Operation *decision = nullptr;
  if (auto decide = dyn_cast<owg::DecideOp>(block.getTerminator()))
    decision = decide;
  for (Operation &op : llvm::reverse(block)) {
    bool isLive = !isWiring(&op) && !isRepeated(&op);
    if (!isLive)
      for (OpOperand &use : op.getUses()) {
        if (use.getOwner() == decision && use.getOperandNumber() == 0)
          continue;
        if (live.contains(block.findAncestorOpInBlock(*use.getOwner()))) {
          isLive = true;
          break;
        }
      }
    if (isLive)
      live.insert(&op);
  }
  return live;
}

LogicalResult
WorkflowConverter::convertWiring(ArrayRef<Operation *> run,
                                 const llvm::SmallPtrSetImpl<Operation *> &live,
                                 PendingScope &scope) {
  // Ops that feed one another make one task; others must not wait for them.
  llvm::DenseMap<Operation *, unsigned> numbers;
  SmallVector<unsigned> leader;
  SmallVector<Operation *> ops;
  for (Operation *op : run)
    if (live.contains(op)) {
      numbers[op] = ops.size();
      leader.push_back(ops.size());
      ops.push_back(op);
    }
  auto find = [&](unsigned i) {
    while (leader[i] != i)
      i = leader[i] = leader[leader[i]];
    return i;
  };
  for (auto [i, op] : llvm::enumerate(ops)) {
    auto join = [&](Value value) {
      Operation *producer = stripCasts(value).getDefiningOp();
      auto found = producer ? numbers.find(producer) : numbers.end();
      if (found == numbers.end())
        return;
      unsigned a = find(i), b = find(found->second);
      // The first op leads.
      leader[std::max(a, b)] = std::min(a, b);
    };
    for (Value operand : op->getOperands())
      join(operand);
    llvm::SetVector<Value> captured;
    getUsedValuesDefinedAbove(op->getRegions(), captured);
    llvm::for_each(captured, join);
  }
  llvm::MapVector<unsigned, SmallVector<Operation *>> groups;
  for (auto [i, op] : llvm::enumerate(ops))
    groups[find(i)].push_back(op);

  for (auto &[first, group] : groups) {
    llvm::SmallPtrSet<Operation *, 16> own(group.begin(), group.end());
    // Casts inside belong to their sources.
    std::function<bool(Value)> usedOutside = [&](Value value) {
      for (OpOperand &use : value.getUses()) {
        Operation *user = use.getOwner();
        if (isa<tensor::CastOp>(user)) {
          if (usedOutside(user->getResult(0)))
            return true;
          continue;
        }
        Block *block = group.front()->getBlock();
        Operation *ancestor = block->findAncestorOpInBlock(*user);
        if (!own.contains(ancestor) && live.contains(ancestor))
          return true;
        // A dead op matters only as part of the decision, which repeats it.
      }
      return false;
    };
    SmallVector<Value> results, inputs;
    for (Operation *op : group)
      for (Value result : op->getResults())
        if (usedOutside(result))
          results.push_back(result);
    Location loc = group.front()->getLoc();
    std::string label = "glue." + std::to_string(nextGlue++);
    func::FuncOp function =
        outline(loc, (workflow.getSymName() + "." + label).str(), group,
                results, {}, inputs);
    FlatSymbolRefAttr kernel = kernels.getOutlinedKernel(function);
    if (!kernel)
      return failure();
    SmallVector<Value> operands;
    SmallVector<Type> types;
    if (failed(resolveAll(group.front(), inputs, scope, operands)))
      return failure();
    for (Value result : results) {
      FailureOr<spatial::FlowType> type = flowType(group.front(), result);
      if (failed(type))
        return failure();
      types.push_back(*type);
    }
    auto tb = spatial::TbOp::create(
        builder, loc, types, scope.act,
        builder.getStringAttr(scope.path + "/" + label), kernel, operands,
        spatial::SlotAttr(), spatial::ProfileAttr(), spatial::PinAttr(),
        spatial::PlaceAttr(), spatial::PolicyAttr(), ArrayAttr());
    for (auto [from, to] : llvm::zip_equal(results, tb.getOutputs()))
      scope.values[from] = to;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Captures
//===----------------------------------------------------------------------===//

int32_t WorkflowConverter::captureNumber(Captures &captures, Value value,
                                         unsigned numInputs) {
  auto [found, isNew] = captures.numbers.try_emplace(
      value, static_cast<int32_t>(numInputs + captures.values.size()));
  if (isNew)
    captures.values.push_back(value);
  return found->second;
}

void WorkflowConverter::addScope(Captures &captures, Region &region,
                                 unsigned numInputs,
                                 ArrayRef<std::pair<Value, int32_t>> first) {
  SmallVector<Value> &values = captures.importValues.emplace_back();
  for (auto [value, from] : first) {
    captures.imports.push_back(from);
    values.push_back(value);
  }
  llvm::SmallDenseSet<Value> seen;
  for (Value value : owg::getImplicitCaptures(region)) {
    value = stripCasts(value);
    if (isGlobal(value) || !seen.insert(value).second)
      continue;
    // A cast outside may strip to a value of the region itself.
    if (region.isAncestor(value.getParentRegion()))
      continue;
    captures.imports.push_back(captureNumber(captures, value, numInputs));
    values.push_back(value);
  }
  captures.sizes.push_back(values.size());
}

FailureOr<SmallVector<Type>>
WorkflowConverter::scopeTypes(Operation *user, const Captures &captures,
                              PendingScope &scope) {
  SmallVector<Type> types;
  for (const SmallVector<Value> &imports : captures.importValues) {
    types.push_back(actType);
    for (Value value : imports) {
      // Imports are the values themselves; block arguments have sizes of their
      // own.
      auto found = scope.values.find(value);
      if (found != scope.values.end()) {
        types.push_back(found->second.getType());
        continue;
      }
      FailureOr<spatial::FlowType> type = flowType(user, value);
      if (failed(type))
        return failure();
      types.push_back(*type);
    }
  }
  return types;
}

void WorkflowConverter::openScope(
    spatial::ControlOpInterface control, unsigned number, Captures &captures,
    Region &region, StringRef path,
    std::function<LogicalResult(PendingScope &)> finish) {
  PendingScope &scope = queue.emplace_back();
  // Kept from scope to scope, since there may be thousands.
  SmallVector<unsigned> &acts = captures.actResults;
  while (acts.size() <= number)
    acts.push_back(acts.back() + 1 + captures.sizes[acts.size() - 1]);
  scope.act = control->getResult(acts[number]);
  scope.region = &region;
  scope.path = path.str();
  scope.finish = std::move(finish);
  ResultRange imports =
      control->getResults().slice(acts[number] + 1, captures.sizes[number]);
  for (auto [value, import] :
       llvm::zip_equal(captures.importValues[number], imports))
    scope.values[value] = import;
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

LogicalResult WorkflowConverter::convertTask(owg::TaskOp task,
                                             PendingScope &scope) {
  auto block = cast<owg::BlockOpInterface>(task.getOperation());
  if (task.isInline())
    return task.emitOpError() << "has its body inline; run owg-outline-tasks "
                                 "first";
  SmallVector<Value> inputs;
  if (failed(resolveAll(task, task.getInputs(), scope, inputs)))
    return failure();
  FailureOr<SmallVector<Type>> types = flowTypes(task, task.getOutputs());
  if (failed(types))
    return failure();
  FailureOr<spatial::ProfileAttr> profile = profiles.convert(block);
  if (failed(profile))
    return failure();

  owg::ProfileAttr source = task.getProfileAttr();
  std::optional<uint64_t> codeBytes;
  if (source && source.getCodeBytes())
    codeBytes = static_cast<uint64_t>(*source.getCodeBytes());
  FlatSymbolRefAttr kernel;
  if (task.isOutlined()) {
    kernel = kernels.getTaskKernel(task, task.getCalleeAttr(), codeBytes);
  } else {
    KernelProfile traits;
    traits.codeBytes = codeBytes.value_or(0);
    traits.alphaPermille = static_cast<uint32_t>(
        1000 * source.getAlpha().value_or(source.getWork() ? 1.0 : 0.0) + 0.5);
    traits.maxGang = static_cast<uint32_t>(
        source.getGang().value_or(source.getMaxGang().value_or(0)));
    traits.stateBytes =
        static_cast<uint64_t>(source.getStateBytes().value_or(0));
    if (DictionaryAttr work = source.getWork()) {
      FailureOr<ProfileTable::TaskWork> cycles =
          profiles.convertWork(task, work);
      if (failed(cycles))
        return failure();
      traits.peaClass = cycles->peaClass;
    }
    kernel = kernels.getProfiledKernel(traits);
  }
  if (!kernel)
    return failure();
  auto tb = spatial::TbOp::create(
      builder, locationOf(block), *types, scope.act, pathOf(block, scope),
      kernel, inputs, spatial::SlotAttr(), *profile, pinOf(block),
      spatial::PlaceAttr(), spatial::PolicyAttr(), ArrayAttr());
  copyAttributes(task, tb);
  return bindResults(task, tb->getResults(), scope);
}

FailureOr<FlatSymbolRefAttr> WorkflowConverter::decisionKernel(
    Operation *block, Region &region, SmallVectorImpl<Value> &inputs,
    function_ref<SmallVector<Value>(OpBuilder &, ValueRange)> finish) {
  if (region.empty())
    return FlatSymbolRefAttr();
  Block &body = region.front();
  SmallVector<Operation *> ops;
  for (Operation &op : body.without_terminator())
    ops.push_back(&op);
  Value decision = cast<owg::DecideOp>(body.getTerminator()).getDecision();
  FlatSymbolRefAttr kernel = kernels.getOutlinedKernel(
      outline(block->getLoc(), (workflow.getSymName() + ".decide").str(), ops,
              decision, body.getArguments(), inputs, finish));
  if (!kernel)
    return failure();
  return kernel;
}

LogicalResult WorkflowConverter::convertBranch(owg::BranchOp branch,
                                               PendingScope &scope) {
  auto block = cast<owg::BlockOpInterface>(branch.getOperation());
  StringAttr path = pathOf(block, scope);
  SmallVector<Value> decideValues(branch.getInputs());
  FailureOr<FlatSymbolRefAttr> kernel = decisionKernel(
      branch, branch.getDecideRegion(), decideValues,
      [&](OpBuilder &inside, ValueRange results) -> SmallVector<Value> {
        if (!results[0].getType().isInteger(1))
          return {results[0]};
        // True takes the only case, false the default after it.
        Location loc = branch.getLoc();
        Value zero = arith::ConstantIndexOp::create(inside, loc, 0);
        Value one = arith::ConstantIndexOp::create(inside, loc, 1);
        return {arith::SelectOp::create(inside, loc, results[0], zero, one)};
      });
  if (failed(kernel))
    return failure();

  Captures captures;
  for (auto [i, value] : llvm::enumerate(decideValues))
    captures.numbers.try_emplace(stripCasts(value), static_cast<int32_t>(i));
  for (unsigned i = 0; i <= branch.getNumCases(); ++i)
    addScope(captures, branch.getAlternative(i), decideValues.size(), {});

  SmallVector<Value> decideInputs, captured;
  FailureOr<SmallVector<Type>> types = scopeTypes(branch, captures, scope);
  FailureOr<spatial::ProfileAttr> profile = profiles.convert(block);
  if (failed(types) || failed(profile) ||
      failed(resolveAll(branch, decideValues, scope, decideInputs)) ||
      failed(resolveAll(branch, captures.values, scope, captured)))
    return failure();
  Location loc = locationOf(block);
  auto opener = spatial::SwitchOp::create(
      builder, loc, tokenType, *types, scope.act, path, *kernel, decideInputs,
      captured, builder.getDenseI32ArrayAttr(captures.imports),
      builder.getDenseI32ArrayAttr(captures.sizes), *profile, pinOf(block),
      spatial::PlaceAttr(), spatial::PolicyAttr(), ArrayAttr());
  copyAttributes(branch, opener);

  FailureOr<SmallVector<Type>> outputs = flowTypes(branch, branch.getOutputs());
  if (failed(outputs))
    return failure();
  auto merge = spatial::MergeOp::create(builder, loc, *outputs,
                                        opener.getToken(), ValueRange());
  auto control = cast<spatial::ControlOpInterface>(opener.getOperation());
  for (unsigned i = 0; i <= branch.getNumCases(); ++i) {
    Region &region = branch.getAlternative(i);
    std::string name =
        i < branch.getNumCases() ? "case" + std::to_string(i) : "default";
    openScope(control, i, captures, region, path.getValue().str() + "/" + name,
              [this, merge, &region](PendingScope &inner) {
                Operation *end = region.front().getTerminator();
                SmallVector<Value> yields;
                if (failed(resolveAll(end, end->getOperands(), inner, yields)))
                  return failure();
                merge->insertOperands(merge->getNumOperands(), yields);
                return success();
              });
  }
  return bindResults(branch, merge->getResults(), scope);
}

/// The one way in which the results of a block are combined.
static FailureOr<spatial::Combine> combineOf(Operation *op,
                                             ArrayRef<int32_t> combines) {
  if (combines.empty())
    return spatial::Combine::None;
  for (int32_t combine : combines)
    if (combine != combines.front())
      return op->emitOpError()
             << "combines results in different ways ("
             << owg::stringifyCombineKind(
                    static_cast<owg::CombineKind>(combines.front()))
             << ", "
             << owg::stringifyCombineKind(
                    static_cast<owg::CombineKind>(combine))
             << "); a program joins all results of a block in one way: use a "
                "block for each";
  switch (static_cast<owg::CombineKind>(combines.front())) {
  case owg::CombineKind::Add:
    return spatial::Combine::Add;
  case owg::CombineKind::Concat:
    return spatial::Combine::Concat;
  case owg::CombineKind::Max:
    return spatial::Combine::Max;
  case owg::CombineKind::Min:
    return spatial::Combine::Min;
  }
  return spatial::Combine::None;
}

LogicalResult WorkflowConverter::convertSelect(owg::SelectOp select,
                                               PendingScope &scope) {
  auto block = cast<owg::BlockOpInterface>(select.getOperation());
  StringAttr path = pathOf(block, scope);
  FailureOr<spatial::Combine> combine = combineOf(select, select.getCombines());
  if (failed(combine))
    return failure();
  SmallVector<Value> decideValues(select.getInputs());
  FailureOr<FlatSymbolRefAttr> kernel =
      decisionKernel(select, select.getDecideRegion(), decideValues);
  if (failed(kernel))
    return failure();

  Captures captures;
  unsigned numInputs = decideValues.size() + select.getInits().size();
  for (auto [i, value] : llvm::enumerate(decideValues))
    captures.numbers.try_emplace(stripCasts(value), static_cast<int32_t>(i));
  for (auto [i, value] : llvm::enumerate(select.getInits()))
    captures.numbers.try_emplace(stripCasts(value),
                                 static_cast<int32_t>(decideValues.size() + i));
  for (Region &region : select.getMemberRegions())
    addScope(captures, region, numInputs, {});

  SmallVector<Value> decideInputs, inits, captured;
  FailureOr<SmallVector<Type>> types = scopeTypes(select, captures, scope);
  FailureOr<spatial::ProfileAttr> profile = profiles.convert(block);
  if (failed(types) || failed(profile) ||
      failed(resolveAll(select, decideValues, scope, decideInputs)) ||
      failed(resolveAll(select, select.getInits(), scope, inits)) ||
      failed(resolveAll(select, captures.values, scope, captured)))
    return failure();
  Location loc = locationOf(block);
  auto opener = spatial::SelectOp::create(
      builder, loc, tokenType, *types, scope.act, path, *kernel, decideInputs,
      inits, captured, builder.getDenseI32ArrayAttr(captures.imports),
      builder.getDenseI32ArrayAttr(captures.sizes), *profile, pinOf(block),
      spatial::PlaceAttr(), spatial::PolicyAttr(), ArrayAttr());
  copyAttributes(select, opener);

  FailureOr<spatial::JoinOp> join =
      createJoin(select, select.getInits(), *combine, opener.getToken(), loc);
  if (failed(join))
    return failure();
  auto control = cast<spatial::ControlOpInterface>(opener.getOperation());
  for (auto [i, member] : llvm::enumerate(select.getMemberRegions())) {
    Region *region = &member;
    openScope(control, i, captures, *region,
              path.getValue().str() + "/member" + std::to_string(i),
              [this, join, region](PendingScope &inner) {
                Operation *end = region->front().getTerminator();
                SmallVector<Value> yields;
                if (failed(resolveAll(end, end->getOperands(), inner, yields)))
                  return failure();
                (*join)->insertOperands((*join)->getNumOperands(), yields);
                return success();
              });
  }
  return bindResults(select, (*join)->getResults(), scope);
}

LogicalResult WorkflowConverter::convertFanout(owg::FanoutOp fanout,
                                               PendingScope &scope) {
  auto block = cast<owg::BlockOpInterface>(fanout.getOperation());
  StringAttr path = pathOf(block, scope);
  FailureOr<spatial::Combine> combine = combineOf(fanout, fanout.getCombines());
  if (failed(combine))
    return failure();
  unsigned hasCount = fanout.getCount() ? 1 : 0;
  unsigned numInputs = hasCount + fanout.getInits().size();

  Captures captures;
  Region &region = fanout.getEachRegion();
  SmallVector<std::pair<Value, int32_t>> first;
  SmallVector<std::pair<Value, Value>> globals;
  first.push_back(
      {fanout.getIndexArgument(), spatial::ControlOpInterface::copyIndex});
  for (auto [argument, input] : llvm::zip_equal(
           region.getArguments().drop_front(), fanout.getInputs())) {
    Value value = stripCasts(input);
    if (isGlobal(value))
      globals.push_back({argument, value});
    else
      first.push_back({argument, captureNumber(captures, value, numInputs)});
  }
  addScope(captures, region, numInputs, first);

  SmallVector<Value> inits, captured;
  Value count;
  if (hasCount) {
    FailureOr<Value> resolved = resolve(fanout, fanout.getCount(), scope);
    if (failed(resolved))
      return failure();
    count = *resolved;
  }
  FailureOr<SmallVector<Type>> types = scopeTypes(fanout, captures, scope);
  FailureOr<spatial::ProfileAttr> profile = profiles.convert(block);
  if (failed(types) || failed(profile) ||
      failed(resolveAll(fanout, fanout.getInits(), scope, inits)) ||
      failed(resolveAll(fanout, captures.values, scope, captured)))
    return failure();
  Location loc = locationOf(block);
  auto opener = spatial::ForkOp::create(
      builder, loc, tokenType, *types, scope.act, path, count, inits, captured,
      builder.getDenseI32ArrayAttr(captures.imports),
      builder.getDenseI32ArrayAttr(captures.sizes), *profile, pinOf(block),
      spatial::PlaceAttr(), spatial::PolicyAttr(), ArrayAttr());
  copyAttributes(fanout, opener);

  FailureOr<spatial::JoinOp> join =
      createJoin(fanout, fanout.getInits(), *combine, opener.getToken(), loc);
  if (failed(join))
    return failure();
  openScope(cast<spatial::ControlOpInterface>(opener.getOperation()), 0,
            captures, region, path.getValue().str() + "/each",
            [this, join, &region](PendingScope &inner) {
              Operation *end = region.front().getTerminator();
              SmallVector<Value> yields;
              if (failed(resolveAll(end, end->getOperands(), inner, yields)))
                return failure();
              (*join)->insertOperands((*join)->getNumOperands(), yields);
              return success();
            });
  for (auto [argument, value] : globals) {
    FailureOr<Value> resolved = resolveGlobal(fanout, value);
    if (failed(resolved))
      return failure();
    queue.back().values[argument] = *resolved;
  }
  return bindResults(fanout, (*join)->getResults(), scope);
}

LogicalResult WorkflowConverter::convertLoop(owg::LoopOp loop,
                                             PendingScope &scope) {
  auto block = cast<owg::BlockOpInterface>(loop.getOperation());
  StringAttr path = pathOf(block, scope);
  unsigned numCarried = loop.getInputs().size();

  // A profiled loop has no before: its carried values pass through one.
  Captures captures;
  Region &after = loop.getAfterRegion();
  SmallVector<std::pair<Value, int32_t>> carried, forwarded;
  if (loop.hasBefore()) {
    for (auto [i, argument] :
         llvm::enumerate(loop.getBeforeRegion().getArguments()))
      carried.push_back({argument, static_cast<int32_t>(i)});
    addScope(captures, loop.getBeforeRegion(), numCarried, carried);
  } else {
    SmallVector<Value> &values = captures.importValues.emplace_back();
    for (auto [i, argument] : llvm::enumerate(after.getArguments())) {
      captures.imports.push_back(static_cast<int32_t>(i));
      values.push_back(argument);
    }
    captures.sizes.push_back(values.size());
  }
  for (auto [i, argument] : llvm::enumerate(after.getArguments()))
    forwarded.push_back(
        {argument,
         static_cast<int32_t>(spatial::ControlOpInterface::forwarded | i)});
  addScope(captures, after, numCarried, forwarded);

  SmallVector<Value> inits, captured;
  FailureOr<SmallVector<Type>> types = scopeTypes(loop, captures, scope);
  FailureOr<spatial::ProfileAttr> profile = profiles.convert(block);
  if (failed(types) || failed(profile) ||
      failed(resolveAll(loop, loop.getInputs(), scope, inits)) ||
      failed(resolveAll(loop, captures.values, scope, captured)))
    return failure();
  Location loc = locationOf(block);
  auto opener = spatial::LoopOp::create(
      builder, loc, tokenType, *types, scope.act, path, FlatSymbolRefAttr(),
      inits, captured, ValueRange(),
      builder.getI64IntegerAttr(loop.getBound().value_or(0)),
      builder.getDenseI32ArrayAttr(captures.imports),
      builder.getDenseI32ArrayAttr(captures.sizes), *profile, pinOf(block),
      spatial::PlaceAttr(), spatial::PolicyAttr(), ArrayAttr());
  copyAttributes(loop, opener);

  FailureOr<SmallVector<Type>> outputs = flowTypes(loop, loop.getOutputs());
  if (failed(outputs))
    return failure();
  auto decide = spatial::DecideOp::create(
      builder, loc, *outputs, opener.getToken(), ValueRange(), ValueRange());
  auto control = cast<spatial::ControlOpInterface>(opener.getOperation());
  if (loop.hasBefore()) {
    Region &before = loop.getBeforeRegion();
    openScope(
        control, 0, captures, before, path.getValue().str() + "/before",
        [this, opener, decide, &before](PendingScope &inner) mutable {
          auto end = cast<owg::DecideOp>(before.front().getTerminator());
          // The decision is the wiring that leads to it, done on a CBU.
          llvm::SetVector<Operation *> slice;
          std::function<void(Value)> collect = [&](Value value) {
            Operation *op = value.getDefiningOp();
            if (!op || op->getBlock() != end->getBlock() || !isWiring(op) ||
                slice.contains(op))
              return;
            for (Value operand : op->getOperands())
              collect(stripCasts(operand));
            llvm::SetVector<Value> nested;
            getUsedValuesDefinedAbove(op->getRegions(), nested);
            for (Value operand : nested)
              collect(stripCasts(operand));
            slice.insert(op);
          };
          collect(stripCasts(end.getDecision()));
          SmallVector<Value> sliceInputs, decideInputs, forwards;
          FlatSymbolRefAttr kernel = kernels.getOutlinedKernel(
              outline(end.getLoc(), (workflow.getSymName() + ".decide").str(),
                      slice.getArrayRef(), end.getDecision(), {}, sliceInputs));
          if (!kernel ||
              failed(resolveAll(end, sliceInputs, inner, decideInputs)) ||
              failed(resolveAll(end, end.getForwarded(), inner, forwards)))
            return failure();
          opener.setKernelAttr(kernel);
          decide.getDecideInputsMutable().assign(decideInputs);
          decide.getForwardsMutable().assign(forwards);
          return success();
        });
  } else {
    decide.getForwardsMutable().assign(control.getScopeImports(0));
  }
  openScope(control, 1, captures, after, path.getValue().str() + "/after",
            [this, opener, &after](PendingScope &inner) mutable {
              Operation *end = after.front().getTerminator();
              SmallVector<Value> next;
              if (failed(resolveAll(end, end->getOperands(), inner, next)))
                return failure();
              opener.getNextMutable().assign(next);
              return success();
            });
  return bindResults(loop, decide->getResults(), scope);
}

LogicalResult WorkflowConverter::convertScope(PendingScope &scope) {
  Block &body = scope.region->front();
  llvm::SmallPtrSet<Operation *, 16> live;
  bool haveLive = false;
  SmallVector<Operation *> run;
  auto flush = [&]() -> LogicalResult {
    if (run.empty())
      return success();
    if (!haveLive) {
      live = findLive(body);
      haveLive = true;
    }
    LogicalResult converted = convertWiring(run, live, scope);
    run.clear();
    return converted;
  };
  for (Operation &op : body) {
    if (isWiring(&op)) {
      run.push_back(&op);
      continue;
    }
    if (isRepeated(&op))
      continue;
    if (failed(flush()))
      return failure();
    LogicalResult converted = success();
    if (auto task = dyn_cast<owg::TaskOp>(op))
      converted = convertTask(task, scope);
    else if (auto branch = dyn_cast<owg::BranchOp>(op))
      converted = convertBranch(branch, scope);
    else if (auto select = dyn_cast<owg::SelectOp>(op))
      converted = convertSelect(select, scope);
    else if (auto loop = dyn_cast<owg::LoopOp>(op))
      converted = convertLoop(loop, scope);
    else if (auto fanout = dyn_cast<owg::FanoutOp>(op))
      converted = convertFanout(fanout, scope);
    else if (auto call = dyn_cast<owg::CallOp>(op))
      return op.emitOpError()
             << "of " << call.getCalleeAttr()
             << " is still there; run the inliner (--inline) first";
    if (failed(converted))
      return failure();
  }
  if (failed(flush()))
    return failure();
  return scope.finish(scope);
}

LogicalResult WorkflowConverter::run() {
  OpBuilder outer(workflow);
  program = spatial::ProgramOp::create(outer, workflow.getLoc(),
                                       workflow.getSymName());
  kernels.insertBefore(program);
  if (machine)
    program.setMachineAttr(machine);
  auto names = [&](unsigned count, auto attribute) {
    SmallVector<Attribute> all;
    bool any = false;
    for (unsigned i = 0; i < count; ++i) {
      auto name = dyn_cast_or_null<StringAttr>(attribute(i));
      any |= static_cast<bool>(name);
      all.push_back(name ? name : builder.getStringAttr(""));
    }
    return any ? builder.getArrayAttr(all) : ArrayAttr();
  };
  constexpr StringLiteral nameAttr = owg::OWGDialect::getNameAttrName();
  if (ArrayAttr all = names(workflow.getNumArguments(), [&](unsigned i) {
        return workflow.getArgAttr(i, nameAttr);
      }))
    program.setArgNamesAttr(all);
  if (ArrayAttr all = names(workflow.getNumResults(), [&](unsigned i) {
        return workflow.getResultAttr(i, nameAttr);
      }))
    program.setResultNamesAttr(all);

  builder.setInsertionPointToStart(&program.getBlock());
  SmallVector<Type> types;
  for (BlockArgument argument : workflow.getBody().getArguments()) {
    if (auto data = dyn_cast<owg::DataType>(argument.getType()))
      if (data.isDynamic())
        return workflow.emitOpError()
               << "takes argument " << argument.getArgNumber()
               << " of type !owg.data<?>, whose size nothing tells; give its "
                  "bytes, as in !owg.data<4096>";
    FailureOr<spatial::FlowType> type = flowType(workflow, argument);
    if (failed(type))
      return failure();
    types.push_back(*type);
  }
  auto entry =
      spatial::EntryOp::create(builder, workflow.getLoc(), actType, types);
  lastPreamble = entry;

  PendingScope &body = queue.emplace_back();
  body.act = entry.getAct();
  body.region = &workflow.getBody();
  body.path = workflow.getSymName().str();
  for (auto [from, to] :
       llvm::zip_equal(workflow.getBody().getArguments(), entry.getArgs()))
    body.values[from] = to;
  SmallVector<Value> results;
  body.finish = [&](PendingScope &scope) {
    Operation *end = workflow.getBody().front().getTerminator();
    return resolveAll(end, end->getOperands(), scope, results);
  };
  while (!queue.empty()) {
    PendingScope scope = std::move(queue.front());
    queue.pop_front();
    if (failed(convertScope(scope)))
      return failure();
  }
  spatial::ExitOp::create(builder,
                          workflow.getBody().front().getTerminator()->getLoc(),
                          TypeRange(), entry.getAct(), results);
  return success();
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {
struct ConvertOWGToOcto
    : public octo::impl::ConvertOWGToOctoBase<ConvertOWGToOcto> {
  using ConvertOWGToOctoBase::ConvertOWGToOctoBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<owg::WorkflowOp> workflows, roots;
    SmallVector<Operation *> obsolete;
    spatial::MachineOp machine;
    for (Operation &op : *module.getBody()) {
      if (auto workflow = dyn_cast<owg::WorkflowOp>(op)) {
        obsolete.push_back(&op);
        workflows.push_back(workflow);
        // A private workflow is there to be called.
        if (workflow.getSymVisibility().value_or("public") != "private")
          roots.push_back(workflow);
      } else if (isa<owg::WeightOp>(op)) {
        obsolete.push_back(&op);
      } else if (auto found = dyn_cast<spatial::MachineOp>(op)) {
        if (machine) {
          InFlightDiagnostic diagnostic =
              found.emitOpError() << "is the second of the module; a module is "
                                     "compiled for one machine";
          diagnostic.attachNote(machine.getLoc()) << "the first is here";
          return signalPassFailure();
        }
        machine = found;
      }
    }
    if (workflows.empty())
      return;
    if (roots.empty()) {
      workflows.front().emitOpError()
          << "is private, and so is every workflow of the module; there is no "
             "program to make: drop 'private' from one";
      return signalPassFailure();
    }

    TargetDesc target;
    FlatSymbolRefAttr machineName;
    if (machine) {
      Expected<TargetDesc> read = machine.getTargetDesc();
      if (!read) {
        machine.emitOpError() << read.error().message;
        return signalPassFailure();
      }
      target = *read;
      machineName = FlatSymbolRefAttr::get(machine.getSymNameAttr());
    }
    ProfileTable profiles(machine ? &target : nullptr);
    KernelTable kernels(module);
    for (owg::WorkflowOp workflow : roots)
      if (failed(WorkflowConverter(workflow, kernels, profiles, machineName)
                     .run()))
        return signalPassFailure();
    for (Operation *op : obsolete)
      op->erase();
  }
};
} // namespace
