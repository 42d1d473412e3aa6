//===- PlacementVerifier.cpp - Decisions against the machine --------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Checks the places and slots of a program: what they say must be on the
// machine, alive, large enough and not promised twice. Near-linear; the full
// check of a schedule, with transfers and all lanes, is octo-verify-schedule.
//
//===----------------------------------------------------------------------===//

#include "PlacementVerifier.h"

#include "octo/Target/Capacity.h"

using namespace mlir;
using namespace octo;
using namespace octo::spatial;

namespace {
constexpr unsigned mostNotes = 8;

std::string nameOf(BlockOpInterface block) {
  return (block.isTask() ? "task '" : "control block '") +
         block.getPathAttr().getValue().str() + "'";
}

class PlacementVerifier {
public:
  PlacementVerifier(ProgramOp program, const Topology &topology,
                    function_ref<KernelOp(FlatSymbolRefAttr)> lookup)
      : program(program), topology(topology), capacity(topology),
        target(topology.desc()), lookup(lookup), shares(target.numPeas(), 0) {}

  LogicalResult verify() {
    for (Operation &op : program.getBlock())
      if (auto block = dyn_cast<BlockOpInterface>(op))
        if (PlaceAttr place = block.getPlaceAttr())
          if (failed(verifyPlace(block, place)))
            return failure();
    return verifySlots();
  }

private:
  LogicalResult check(BlockOpInterface block, const Expected<void> &answer) {
    if (answer)
      return success();
    return block->emitOpError() << answer.error().message;
  }

  LogicalResult verifyPlace(BlockOpInterface block, PlaceAttr place) {
    for (const spatial::Replica &replica : place.getReplicas()) {
      if (replica.cluster >= target.numClusters())
        return block->emitOpError()
               << nameOf(block) << " has a replica on cluster "
               << replica.cluster << ", but '" << target.name << "' has "
               << target.numClusters() << " clusters, numbered from 0";
      if (!topology.clusterUsable(replica.cluster))
        return block->emitOpError()
               << nameOf(block) << " has a replica on cluster "
               << replica.cluster
               << ", to which no route is alive; move it to a cluster that the "
                  "host port can reach";
      // A CBU is dead from the start only with its cluster.
      if (!block.isTask())
        continue;
      if (replica.tbu >= target.tbusPerCluster)
        return block->emitOpError()
               << nameOf(block) << " has a replica on TBU " << replica.tbu
               << " of a cluster, but '" << target.name << "' has "
               << target.tbusPerCluster << " TBUs a cluster, numbered from 0";
      uint32_t tbu = replica.cluster * target.tbusPerCluster + replica.tbu;
      if (failed(check(block, capacity.checkShare(
                                  nameOf(block),
                                  {tbu, replica.peaFirst, replica.peaCount},
                                  replica.maxGang))))
        return failure();
      if (!replica.standby && replica.shareQ16)
        for (uint32_t i = 0; i < replica.peaCount; ++i) {
          uint32_t pea = tbu * target.peasPerTbu + replica.peaFirst + i;
          if (!topology.peaLive(pea))
            continue;
          shares[pea] += replica.shareQ16;
          if (shares[pea] > Capacity::fullShareQ16)
            return oversubscribed(pea);
        }
    }
    if (!block.isTask())
      return success();
    KernelOp kernel = lookup(block.getKernelAttr());
    std::string name = ("kernel @" + kernel.getSymName()).str();
    if (!checkedKernels.insert(kernel).second)
      return success();
    if (failed(check(block, capacity.checkCode(name, kernel.getCodeBytes()))))
      return failure();
    ArrayAttr variants = kernel.getVariantsAttr();
    if (!variants)
      return success();
    VariantAttr last;
    for (auto variant : variants.getAsRange<VariantAttr>()) {
      if (capacity.fitsFootprint(variant.getFootprint()))
        return success();
      last = variant;
    }
    return check(block, capacity.checkFootprint(name, last.getFootprint(),
                                                last.getGang()));
  }

  LogicalResult oversubscribed(uint32_t pea) {
    // Everybody on this PEA, now that it matters.
    uint64_t total = 0;
    SmallVector<std::pair<BlockOpInterface, uint32_t>> users;
    for (Operation &op : program.getBlock()) {
      auto block = dyn_cast<BlockOpInterface>(op);
      if (!block || !block.isTask() || !block.getPlaceAttr())
        continue;
      for (const spatial::Replica &r : block.getPlaceAttr().getReplicas()) {
        if (r.standby || r.cluster >= target.numClusters() ||
            r.tbu >= target.tbusPerCluster)
          continue;
        uint32_t first =
            (r.cluster * target.tbusPerCluster + r.tbu) * target.peasPerTbu +
            r.peaFirst;
        if (pea < first || pea >= first + r.peaCount || !r.shareQ16)
          continue;
        total += r.shareQ16;
        users.push_back({block, r.shareQ16});
      }
    }
    Expected<void> answer = capacity.checkPeaTime(pea, total);
    InFlightDiagnostic diagnostic = users.back().first->emitOpError()
                                    << answer.error().message;
    for (auto [i, user] : llvm::enumerate(users)) {
      if (i == mostNotes) {
        diagnostic.attachNote(user.first->getLoc())
            << "and " << users.size() - i << " more";
        break;
      }
      diagnostic.attachNote(user.first->getLoc())
          << nameOf(user.first) << " has a share of " << user.second
          << " / 65536";
    }
    return diagnostic;
  }

  LogicalResult verifySlots() {
    SmallVector<SegmentOp> segments(program.getBlock().getOps<SegmentOp>());
    if (segments.empty())
      return success();
    struct Busy {
      uint32_t segment;
      uint32_t pea;
      uint64_t start;
      uint64_t end;
      TbOp tb;
    };
    std::vector<Busy> busy;
    for (TbOp tb : program.getBlock().getOps<TbOp>()) {
      SlotAttr slot = tb.getSlotAttr();
      if (!slot)
        continue;
      SegmentOp segment = segments[slot.getSegment()];
      if (segment.getAct() != tb.getAct()) {
        InFlightDiagnostic diagnostic = tb.emitOpError()
                                        << "'" << tb.getPath() << "' is in "
                                        << describeScope(tb.getAct())
                                        << " but has a slot in a segment of "
                                        << describeScope(segment.getAct())
                                        << "; a segment has tasks of one scope";
        diagnostic.attachNote(segment.getLoc()) << "the segment is here";
        return diagnostic;
      }
      PlaceAttr place = tb.getPlaceAttr();
      uint64_t lanes = segment.getLanes();
      if (slot.getReplica() + lanes > place.getReplicas().size())
        return tb.emitOpError()
               << "'" << tb.getPath() << "' has " << place.getReplicas().size()
               << " replicas, but the segment is laid out for " << lanes
               << " lanes from replica " << slot.getReplica()
               << "; add replicas, or take lanes off the segment";
      if (slot.getCycles() > ~uint64_t(0) - slot.getStart())
        return tb.emitOpError() << "'" << tb.getPath()
                                << "' has a slot that ends beyond 2^64 cycles";
      uint64_t end = slot.getStart() + slot.getCycles();
      for (Value input : tb.getInputs()) {
        auto producer = dyn_cast_or_null<TbOp>(getProducer(input));
        SlotAttr before = producer ? producer.getSlotAttr() : SlotAttr();
        if (!before || before.getSegment() != slot.getSegment())
          continue;
        uint64_t made = before.getStart() + before.getCycles();
        uint64_t ready = made;
        FlowOp stream = getStream(input);
        if (stream)
          ready = before.getStart() + before.getCycles() / *stream.getChunks();
        bool early = slot.getStart() < ready;
        if (!early && (!stream || end >= made))
          continue;
        InFlightDiagnostic diagnostic = tb.emitOpError();
        if (early)
          diagnostic << "'" << tb.getPath() << "' starts at cycle "
                     << slot.getStart() << " of its segment, before "
                     << (stream ? "the first chunk of " : "")
                     << "its input from '" << producer.getPath()
                     << "' is there at cycle " << ready << "; start it later";
        else
          diagnostic << "'" << tb.getPath() << "' ends at cycle " << end
                     << " of its segment, before the last chunk of its input "
                        "from '"
                     << producer.getPath() << "' is made at cycle " << made
                     << "; end it later";
        diagnostic.attachNote(producer.getLoc())
            << "the input is made here, from cycle " << before.getStart()
            << " for " << before.getCycles() << " cycles";
        return diagnostic;
      }
      const spatial::Replica &replica = place.getReplicas()[slot.getReplica()];
      uint32_t first = (replica.cluster * target.tbusPerCluster + replica.tbu) *
                           target.peasPerTbu +
                       replica.peaFirst;
      for (uint32_t i = 0; i < replica.peaCount && slot.getCycles(); ++i)
        busy.push_back(
            {slot.getSegment(), first + i, slot.getStart(), end, tb});
    }
    llvm::sort(busy, [](const Busy &a, const Busy &b) {
      return std::tuple(a.segment, a.pea, a.start, a.end) <
             std::tuple(b.segment, b.pea, b.start, b.end);
    });
    for (size_t i = 1; i < busy.size(); ++i) {
      Busy &a = busy[i - 1], &b = busy[i];
      if (a.segment != b.segment || a.pea != b.pea || b.start >= a.end)
        continue;
      InFlightDiagnostic diagnostic =
          b.tb.emitOpError()
          << "'" << b.tb.getPath() << "' is on PEA "
          << b.pea % target.peasPerTbu << " of "
          << capacity.describeTbu(b.pea / target.peasPerTbu) << " from cycle "
          << b.start << ", when '" << a.tb.getPath() << "' has it until cycle "
          << a.end << "; start it later, or place it elsewhere";
      diagnostic.attachNote(a.tb.getLoc()) << "the other slot is here";
      return diagnostic;
    }
    return success();
  }

  ProgramOp program;
  const Topology &topology;
  Capacity capacity;
  const TargetDesc &target;
  function_ref<KernelOp(FlatSymbolRefAttr)> lookup;
  std::vector<uint64_t> shares;
  llvm::DenseSet<Operation *> checkedKernels;
};
} // namespace

LogicalResult octo::spatial::verifyPlacement(
    ProgramOp program, MachineOp machine,
    function_ref<KernelOp(FlatSymbolRefAttr)> lookup) {
  bool placed = llvm::any_of(program.getBlock(), [](Operation &op) {
    auto block = dyn_cast<BlockOpInterface>(op);
    return block && block.getPlaceAttr();
  });
  if (!placed)
    return success();
  // The machine has been verified; if it is wrong it has said so.
  Expected<TargetDesc> target = machine.getTargetDesc();
  if (!target)
    return failure();
  Topology topology(*target);
  return PlacementVerifier(program, topology, lookup).verify();
}
