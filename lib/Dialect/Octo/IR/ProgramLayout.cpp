//===- ProgramLayout.cpp - Regions and blocks of a program ----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Orders the scopes and blocks of a program as its file does.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/Octo/IR/ProgramLayout.h"

#include <functional>
#include <queue>

using namespace mlir;
using namespace octo::spatial;

Value octo::spatial::skipFlows(Value value) {
  while (auto flow = value.getDefiningOp<FlowOp>())
    value = flow.getSource();
  return value;
}

FlowOp octo::spatial::getStream(Value value) {
  while (auto flow = value.getDefiningOp<FlowOp>()) {
    if (flow.getChunks())
      return flow;
    value = flow.getSource();
  }
  return {};
}

Operation *octo::spatial::getProducer(Value value) {
  Operation *op = skipFlows(value).getDefiningOp();
  if (isa_and_nonnull<TbOp>(op))
    return op;
  if (isa_and_nonnull<MergeOp, JoinOp, DecideOp>(op))
    return op->getOperand(0).getDefiningOp();
  return nullptr;
}

std::string octo::spatial::describeScope(Value act) {
  Operation *op = act.getDefiningOp();
  auto control = dyn_cast_or_null<ControlOpInterface>(op);
  if (!control)
    return "the body";
  unsigned at = 1, scope = 0;
  unsigned number = cast<OpResult>(act).getResultNumber();
  for (int32_t size : control.getImportSizes()) {
    if (at >= number)
      break;
    at += 1 + std::max(size, 0);
    ++scope;
  }
  std::string role = stringifyScopeRole(control.getScopeRole(scope)).str();
  if (control.getScopeRole(scope) == ScopeRole::Case ||
      control.getScopeRole(scope) == ScopeRole::Member)
    role += " " + std::to_string(scope);
  return role + " of '" + control.getPathAttr().getValue().str() + "'";
}

namespace {
/// Puts the blocks of one scope in a topological order.
class ScopeSorter {
public:
  explicit ScopeSorter(std::vector<BlockOpInterface> &blocks,
                       const llvm::DenseMap<Operation *, uint32_t> &ordinals)
      : blocks(blocks), ordinals(ordinals) {}

  /// Sorts `members`, ordinals of the blocks of one scope, ascending.
  LogicalResult sort(std::vector<uint32_t> &members) {
    bool sorted = llvm::all_of(members, [&](uint32_t block) {
      return llvm::all_of(producersOf(block),
                          [&](uint32_t producer) { return producer < block; });
    });
    if (sorted)
      return success();

    // Positions stand for blocks, so that arrays do.
    llvm::DenseMap<uint32_t, uint32_t> positions;
    for (auto [position, block] : llvm::enumerate(members))
      positions[block] = position;
    std::vector<uint32_t> missing(members.size());
    std::vector<SmallVector<uint32_t, 2>> consumers(members.size());
    for (auto [position, block] : llvm::enumerate(members))
      for (uint32_t producer : producersOf(block)) {
        auto found = positions.find(producer);
        if (found == positions.end())
          continue;
        ++missing[position];
        consumers[found->second].push_back(position);
      }
    std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<>> ready;
    for (uint32_t i = 0; i < members.size(); ++i)
      if (!missing[i])
        ready.push(i);
    std::vector<uint32_t> order;
    order.reserve(members.size());
    while (!ready.empty()) {
      uint32_t position = ready.top();
      ready.pop();
      order.push_back(members[position]);
      for (uint32_t consumer : consumers[position])
        if (--missing[consumer] == 0)
          ready.push(consumer);
    }
    if (order.size() != members.size())
      return reportCircle(members, missing);
    members = std::move(order);
    return success();
  }

private:
  SmallVector<uint32_t, 8> producersOf(uint32_t block) {
    SmallVector<uint32_t, 8> producers;
    for (Value input : blocks[block].getBlockInputs())
      if (Operation *producer = getProducer(input))
        producers.push_back(ordinals.lookup(producer));
    return producers;
  }

  /// Reports one circle among the blocks that never become ready.
  LogicalResult reportCircle(const std::vector<uint32_t> &members,
                             const std::vector<uint32_t> &missing) {
    llvm::DenseMap<uint32_t, uint32_t> stuck;
    for (auto [position, block] : llvm::enumerate(members))
      if (missing[position])
        stuck[block] = ~0u;
    // Every stuck block has a stuck producer: walking back must meet itself.
    uint32_t block = ~0u;
    for (uint32_t member : members)
      if (stuck.count(member)) {
        block = member;
        break;
      }
    SmallVector<uint32_t> walk;
    while (stuck[block] == ~0u) {
      stuck[block] = walk.size();
      walk.push_back(block);
      for (uint32_t producer : producersOf(block))
        if (stuck.count(producer)) {
          block = producer;
          break;
        }
    }
    InFlightDiagnostic diagnostic =
        blocks[block]->emitOpError()
        << "'" << blocks[block].getPathAttr().getValue()
        << "' waits for its own output; only 'next' of octo.loop may close a "
           "circle";
    for (uint32_t i = walk.size(); i-- > stuck[block] + 1;)
      diagnostic.attachNote(blocks[walk[i]]->getLoc())
          << "through '" << blocks[walk[i]].getPathAttr().getValue() << "'";
    return diagnostic;
  }

  std::vector<BlockOpInterface> &blocks;
  const llvm::DenseMap<Operation *, uint32_t> &ordinals;
};
} // namespace

FailureOr<ProgramLayout> octo::spatial::computeLayout(ProgramOp program) {
  ProgramLayout layout;
  std::vector<BlockOpInterface> blocks;
  llvm::DenseMap<Operation *, uint32_t> ordinals;
  // Blocks by scope, where scopes are numbered as they are met.
  llvm::DenseMap<Value, uint32_t> scopeIds;
  std::vector<std::vector<uint32_t>> members;
  for (Operation &op : program.getBlock()) {
    if (auto segment = dyn_cast<SegmentOp>(op))
      layout.segments.push_back(segment);
    auto block = dyn_cast<BlockOpInterface>(op);
    if (!block)
      continue;
    auto [found, isNew] =
        scopeIds.try_emplace(block.getActivation(), members.size());
    if (isNew)
      members.emplace_back();
    members[found->second].push_back(blocks.size());
    ordinals[&op] = blocks.size();
    blocks.push_back(block);
  }

  EntryOp entry = program.getEntry();
  if (!entry)
    return program.emitOpError() << "has no octo.entry";
  layout.scopes.push_back({entry.getAct(), ScopeRole::Body});
  layout.blocks.reserve(blocks.size());
  layout.byOrdinal.resize(blocks.size(), ProgramLayout::none);
  ScopeSorter sorter(blocks, ordinals);
  for (uint32_t scope = 0; scope < layout.scopes.size(); ++scope) {
    layout.scopeOfAct[layout.scopes[scope].act] = scope;
    layout.scopes[scope].blockBegin = layout.blocks.size();
    auto found = scopeIds.find(layout.scopes[scope].act);
    if (found != scopeIds.end()) {
      std::vector<uint32_t> &order = members[found->second];
      if (failed(sorter.sort(order)))
        return failure();
      for (uint32_t ordinal : order) {
        auto number = static_cast<uint32_t>(layout.blocks.size());
        ProgramLayout::Block block;
        block.op = blocks[ordinal];
        block.scope = scope;
        block.ordinal = ordinal;
        block.scopeBegin = layout.scopes.size();
        layout.byOrdinal[ordinal] = number;
        layout.blockOf[block.op] = number;
        if (auto control = dyn_cast<ControlOpInterface>(*block.op)) {
          block.numScopes = control.getNumScopes();
          unsigned at = 1;
          for (auto [i, size] : llvm::enumerate(control.getImportSizes())) {
            layout.scopes.push_back({control->getResult(at),
                                     control.getScopeRole(i), number,
                                     static_cast<unsigned>(i)});
            at += 1 + size;
          }
        }
        layout.blocks.push_back(block);
      }
    }
    layout.scopes[scope].blockEnd = layout.blocks.size();
  }
  return layout;
}
