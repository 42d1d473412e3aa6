//===- Explain.cpp - Why a block is where it is ---------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads what the passes recorded; decides nothing.
//
//===----------------------------------------------------------------------===//

#include "Explain.h"

#include "octo/Dialect/Octo/IR/Octo.h"
#include "octo/Dialect/Octo/Transforms/Homes.h"
#include "octo/Dialect/Octo/Transforms/Streams.h"
#include "octo/Scheduling/Replicas.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace octo;
using namespace octo::spatial;

static const char *sayOutcome(Outcome outcome) {
  switch (outcome) {
  case Outcome::Chosen:
    return "chosen";
  case Outcome::Worse:
    return "worse";
  case Outcome::NoCapacity:
    return "no room, or its fair share is used up";
  case Outcome::Defect:
    return "dead or cut off";
  case Outcome::Pinned:
    return "against the pin";
  case Outcome::NoRoute:
    return "no route";
  }
  return "";
}

static double part(uint64_t q16) { return double(q16) / 65536.0; }

static uint32_t activeReplicas(PlaceAttr place) {
  return place ? uint32_t(llvm::count_if(
                     place.getReplicas(),
                     [](const Replica &r) { return !r.standby; }))
               : 0;
}

/// What a block asks for as the sharing of replicas sees it.
static sched::ReplicaDemand demandOf(BlockOpInterface block,
                                     PolicyAttr policy) {
  return {uint64_t(part(policy.getExpectedCountQ16()) *
                   double(policy.getExpectedCycles())),
          policy.getVariationQ16(), 1};
}

/// The work of a request with its tail, and what one more replica would be
/// worth beside those of other blocks.
static void explainLoad(BlockOpInterface block, PolicyAttr policy,
                        std::string &text) {
  if (!block.isTask())
    return;
  const sched::ReplicaDemand demand = demandOf(block, policy);
  auto request = block->getParentOp()->getAttrOfType<RequestWorkAttr>(
      RequestWorkAttr::attrName());
  auto explainWork = [&](uint64_t mean, uint64_t deviation, uint64_t tail) {
    text += fmt::format("{} cycles, standard deviation {}", mean, deviation);
    if (request)
      text += fmt::format(", {:.6g} % within {}",
                          request.getPercent().getValueAsDouble(), tail);
  };
  text += "  work of a request: ";
  explainWork(
      demand.busy,
      uint64_t(double(demand.busy) * std::sqrt(part(policy.getVariationQ16()))),
      policy.getTail());
  double sum = 0;
  // The block that would get the next replica.
  double most = 0;
  StringRef next;
  for (Operation &op : *block->getBlock()) {
    auto other = dyn_cast<BlockOpInterface>(op);
    if (!other || !other.isTask() || !other.getPolicyAttr())
      continue;
    const sched::ReplicaDemand theirs = demandOf(other, other.getPolicyAttr());
    sum += double(theirs.busy);
    const uint32_t replicas = activeReplicas(other.getPlaceAttr());
    if (!replicas)
      continue;
    const double benefit = sched::marginalBenefit(theirs, replicas);
    if (benefit > most)
      most = benefit, next = other.getPathAttr().getValue();
  }
  text += fmt::format(" ({:.1f} % of all)\n",
                      sum > 0 ? 100 * double(demand.busy) / sum : 0.0);
  if (request) {
    text += "    of all tasks: ";
    explainWork(request.getCycles(), request.getDeviation(), request.getTail());
    text += "\n";
  }
  if (auto path = block->getParentOp()->getAttrOfType<RequestPathAttr>(
          RequestPathAttr::attrName()))
    text += fmt::format(
        "  a request alone on the machine: {} cycles, standard deviation {}, "
        "{:.6g} % within {} ({} drawn)\n",
        path.getCycles(), path.getDeviation(),
        path.getPercent().getValueAsDouble(), path.getTail(),
        path.getSamples());
  const uint32_t replicas = activeReplicas(block.getPlaceAttr());
  if (!replicas || most <= 0)
    return;
  const double benefit = sched::marginalBenefit(demand, replicas);
  text += fmt::format("  one more replica: worth {:.3g} of what it would be "
                      "worth to '{}', the largest (work squared with its "
                      "tail, over {} x {})\n",
                      benefit / most, next.str(), replicas, replicas + 1);
}

static void explain(BlockOpInterface block, std::string &text) {
  Operation *op = block;
  text += fmt::format("{} '{}'", block.isTask() ? "task" : "control block",
                      block.getPathAttr().getValue().str());
  if (FlatSymbolRefAttr kernel = block.getKernelAttr())
    text += fmt::format(" (kernel @{})", kernel.getValue().str());
  text += "\n";

  if (PolicyAttr policy = block.getPolicyAttr()) {
    text += fmt::format("  class: {} in time, {} in frequency: {}\n",
                        policy.getDynamicTime() ? "dynamic" : "static",
                        policy.getDynamicFrequency() ? "dynamic" : "static",
                        policy.getReason().getValue().str());
    text +=
        fmt::format("  expected: {} cycles on one PEA (95 %: {}), {:.4g} "
                    "times a request\n",
                    policy.getExpectedCycles(), policy.getExpectedCyclesP95(),
                    part(policy.getExpectedCountQ16()));
    explainLoad(block, policy, text);
    text += fmt::format("  priority: {} cycles from its start to the end of "
                        "the request (upward rank)\n",
                        policy.getPriority());
  }
  if (PinAttr pin = block.getPinAttr()) {
    text += "  pinned:";
    if (pin.getCluster())
      text += fmt::format(" cluster {}", *pin.getCluster());
    if (pin.getTbu())
      text += fmt::format(" TBU {}", *pin.getTbu());
    if (pin.getGang())
      text += fmt::format(" gang {}", *pin.getGang());
    if (pin.getMaxGang())
      text += fmt::format(" at most {} PEAs", *pin.getMaxGang());
    text += "\n";
  }
  if (PlaceAttr place = block.getPlaceAttr()) {
    ArrayRef<Replica> replicas = place.getReplicas();
    text += fmt::format(
        "  place: {} replica{}, by {}\n", replicas.size(),
        replicas.size() == 1 ? "" : "s",
        place.getRouting() == Routing::ByCopy ? "request and copy" : "request");
    constexpr size_t most = 8;
    for (const Replica &r : replicas.take_front(most)) {
      if (r.peaCount == 0) {
        text += fmt::format("    CBU of cluster {}\n", r.cluster);
        continue;
      }
      text += fmt::format(
          "    cluster {}, TBU {}, PEAs {} to {}, {:.1f} % of "
          "their time, may grow to {}{}\n",
          r.cluster, r.tbu, r.peaFirst, int(r.peaFirst) + r.peaCount - 1,
          100 * part(r.shareQ16), r.maxGang, r.standby ? ", standby" : "");
    }
    if (replicas.size() > most)
      text += fmt::format("    and {} more\n", replicas.size() - most);
    if (auto note = op->getParentOp()->getAttrOfType<StringAttr>(homesNoteName))
      text += fmt::format("  homes of all blocks: {}\n", note.getValue().str());
  } else {
    text += "  place: none yet (octo-allocate-peas has not run)\n";
  }
  if (auto tb = dyn_cast<TbOp>(op))
    if (SlotAttr slot = tb.getSlotAttr())
      text += fmt::format("  slot: cycles {} to {} of segment {}\n",
                          slot.getStart(), slot.getStart() + slot.getCycles(),
                          slot.getSegment());

  if (auto notes = op->getAttrOfType<ArrayAttr>(flowNotesName))
    for (auto line : notes.getAsRange<StringAttr>())
      text += fmt::format("  {}\n", line.getValue().str());

  ArrayAttr decisions = block.getDecisionsAttr();
  if (!decisions)
    return;
  for (auto decision : decisions.getAsRange<DecisionAttr>()) {
    bool share = decision.getKind() == DecisionKind::Share;
    bool moved = decision.getKind() == DecisionKind::Slot;
    text += share ? "  candidates for the gang (score: PEA-cycles of one "
                    "instance)\n"
            : moved
                ? "  moved for a shorter timetable (score: cycles of the "
                  "segment's timetable)\n"
                : "  candidates for the home, first lane (score: cycle of the "
                  "first completion plus transfers to come; where the fair "
                  "share is used up, the load of a PEA in cycles)\n";
    std::vector<Candidate> sorted(decision.getCandidates().begin(),
                                  decision.getCandidates().end());
    auto chosen = llvm::find_if(sorted, [](const Candidate &c) {
      return c.outcome == Outcome::Chosen;
    });
    if (chosen != sorted.end())
      std::rotate(sorted.begin(), chosen, chosen + 1);
    for (const Candidate &c : sorted) {
      std::string place = share ? fmt::format("gang of {}", c.gang)
                          : block.isTask()
                              ? fmt::format("cluster {}, TBU {}, gang of {}",
                                            c.cluster, c.tbu, c.gang)
                              : fmt::format("CBU of cluster {}", c.cluster);
      bool scored = c.outcome == Outcome::Chosen ||
                    c.outcome == Outcome::Worse || c.outcome == Outcome::Pinned;
      text += scored ? fmt::format("    {:<32} score {:>12}  {}\n", place,
                                   c.score, sayOutcome(c.outcome))
                     : fmt::format("    {:<32} {:>18}  {}\n", place, "",
                                   sayOutcome(c.outcome));
    }
  }
}

Expected<std::string> octo::explainBlock(ModuleOp module, StringRef name) {
  std::string text;
  std::vector<std::string> paths;
  bool hasProgram = false;
  for (ProgramOp program : module.getOps<ProgramOp>()) {
    hasProgram = true;
    for (Operation &op : program.getBlock()) {
      auto block = dyn_cast<BlockOpInterface>(op);
      if (!block)
        continue;
      StringRef path = block.getPathAttr().getValue();
      if (path == name ||
          (path.ends_with(name) && path.drop_back(name.size()).ends_with("/")))
        explain(block, text);
      else
        paths.push_back(path.str());
    }
  }
  if (!text.empty())
    return text;
  if (!hasProgram)
    return makeError("--explain needs a program; it is made by "
                     "convert-owg-to-octo, so --until must be that or later");
  // The nearest names.
  std::vector<std::pair<unsigned, std::string>> near;
  for (const std::string &path : paths) {
    StringRef last = StringRef(path).rsplit('/').second;
    unsigned distance =
        std::min(StringRef(path).edit_distance(name, true, 16),
                 last.empty() ? 99u : last.edit_distance(name, true, 16));
    near.emplace_back(distance, path);
  }
  std::sort(near.begin(), near.end());
  std::string similar;
  for (size_t i = 0; i < near.size() && i < 5; ++i)
    similar += (i ? ", '" : "'") + near[i].second + "'";
  return makeError("no block has the path or label '{}'; {} {}", name.str(),
                   near.empty() ? "the program has" : "similar ones are",
                   near.empty() ? "none" : similar);
}
