//===- AllocateLanes.cpp - Lanes, gangs and copies ------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How much of the machine a copy of the workflow gets, how many PEAs a task,
// and how many replicas; and the lanes after the first one.
//
//===----------------------------------------------------------------------===//

#include "AllocatorImpl.h"

#include "octo/Scheduling/Replicas.h"

#include <algorithm>
#include <numeric>

namespace octo::sched::allocation {

/// How many copies of the workflow the machine holds. A lane is as small as
/// lets the code and weights of the workflow stay resident, one request use
/// its parallelism, and the classes of PEAs occur; but so large that no block
/// needs more than a TBU of its lane.
void Allocator::chooseLanes() {
  const uint32_t tbus = uint32_t(usableTbus.size());
  uint64_t code = 0, weights = 0, work = 0; // work in cycles
  std::vector<bool> seen(problem.codeBytes.size(), false);
  bool pinned = false;
  for (uint32_t b = 0; b < numBlocks; ++b) {
    pinned |= isPinned(b);
    if (!problem.isTask(b))
      continue;
    work = addSat(work, load[b] >> 16);
    if (!seen[problem.kernel[b]]) {
      seen[problem.kernel[b]] = true;
      code += problem.codeBytes[problem.kernel[b]];
    }
  }
  for (uint64_t bytes : problem.weightBytes)
    weights += bytes;

  uint64_t critical = 1;
  for (uint32_t b = 0; b < numBlocks; ++b)
    critical = std::max(critical, result.rank[b]);
  auto over = [](uint64_t a, uint64_t b) {
    return (a + b - 1) / std::max<uint64_t>(b, 1);
  };
  uint64_t perTbu = desc.peasPerTbu;
  uint64_t need = 1;
  need = std::max(need, over(code, desc.configStore.bytes));
  need = std::max(need, over(weights, desc.scratchpad.bytes) *
                            (weights ? desc.tbusPerCluster : 1));
  need = std::max(need, over(over(work, critical), perTbu));
  // Replicas cost memory and look-ups at run time: a budget.
  uint64_t budget = std::max<uint64_t>(
      uint64_t(options.replicasPerPea) * desc.numPeas(), numBlocks);
  need = std::max(need, over(tbus * std::max<uint64_t>(numBlocks, 1), budget));
  if (need < desc.tbusPerCluster)
    need = std::min<uint64_t>(std::bit_ceil(need), desc.tbusPerCluster);
  else
    need = over(need, desc.tbusPerCluster) * desc.tbusPerCluster;
  auto lanesOf = [&](uint32_t size) {
    return uint32_t(
        std::max<uint64_t>(1, size / std::min<uint64_t>(need, size)));
  };
  lanes = lanesOf(tbus);
  // Without the TBUs that have defects there are fewer lanes, not smaller ones.
  uint32_t whole = 0;
  for (uint32_t tbu : usableTbus)
    whole += topology.livePeas(tbu) == desc.peasPerTbu;
  if (whole && laneTbus(topology, lanesOf(whole)).size() == whole)
    lanes = lanesOf(whole);
  if (options.lanes)
    lanes = std::min(options.lanes, tbus);
  // A pinned block has one home; more lanes would only crowd it.
  if (pinned)
    lanes = 1;
  tbuOrder = laneTbus(topology, lanes);
  tbusPerLane = uint32_t(tbuOrder.size() / lanes);
}

/// The gang of each task under static policies: no more PEAs than its part of
/// the work is worth.
void Allocator::chooseGangs() {
  const uint64_t total =
      std::max<uint64_t>(1, uint64_t(std::accumulate(load.begin(), load.end(),
                                                     (unsigned __int128)(0)) >>
                                     16));
  const uint64_t peas = live[0] + live[1] + live[2];
  result.gang.assign(numBlocks, 0);
  for (uint32_t b = 0; b < numBlocks; ++b) {
    if (!problem.isTask(b))
      continue;
    // Fair share in PEAs of one lane, in 1/16.
    unsigned __int128 product = (unsigned __int128)(load[b] >> 16) * peas * 16;
    uint64_t fair16 = uint64_t(product / total / lanes);
    uint32_t peaClass = classOf(b);
    uint16_t chosen = 0;
    Decision decision{b, DecisionKind::Share, {}};
    const uint64_t alone = problem.cyclesOn(b, 1);
    for (const GangOption &option : problem.gangsOf(b)) {
      uint64_t cost = option.gang * problem.cyclesOn(b, option.gang);
      Outcome outcome = Outcome::Worse;
      if (option.gang > longest[peaClass] ||
          !capacity.fitsFootprint(option.footprint))
        outcome = Outcome::NoCapacity;
      else if ((problem.pinGang[b] && option.gang != problem.pinGang[b]) ||
               (problem.maxGang[b] && option.gang > problem.maxGang[b]))
        outcome = Outcome::Pinned;
      else if (!chosen ||
               (uint64_t(option.gang) * 16 <= fair16 + 8 &&
                (unsigned __int128)alone * 65536 >=
                    (unsigned __int128)cost * options.gangEfficiencyQ16))
        chosen = option.gang;
      if (options.recordDecisions)
        decision.candidates.push_back(
            {0, 0, option.gang, int64_t(std::min(cost, forever)), outcome});
    }
    // A pinned gang without a variant of its own runs as the next smaller one.
    if (problem.pinGang[b])
      chosen = problem.pinGang[b];
    result.gang[b] = std::max<uint16_t>(chosen, 1);
    for (Candidate &candidate : decision.candidates)
      if (candidate.gang == result.gang[b])
        candidate.outcome = Outcome::Chosen;
    if (options.recordDecisions)
      result.decisions.push_back(std::move(decision));
  }
}

/// How many replicas a lane has of each task: by marginal benefit, as long as
/// pieces of work are too large to be spread evenly over the PEAs of the lane.
void Allocator::chooseCopies() {
  busy.assign(numBlocks, 0);
  unsigned __int128 work = 0;
  uint64_t tasks = 0;
  for (uint32_t b = 0; b < numBlocks; ++b)
    if (problem.isTask(b)) {
      busy[b] = workOf(result.countQ16[b], problem.cyclesOn(b, result.gang[b]));
      work += (unsigned __int128)(busy[b]) * result.gang[b];
      ++tasks;
    }
  std::array<uint64_t, numPeaClasses> lanePeas{};
  for (uint32_t i = 0; i < tbusPerLane; ++i)
    for (uint32_t c = 0; c < numPeaClasses; ++c)
      for (const Run &run : runsOf(tbuOrder[i], c))
        lanePeas[c] += run.count;
  const uint64_t peas =
      std::max<uint64_t>(1, lanePeas[0] + lanePeas[1] + lanePeas[2]);
  const uint64_t piece = std::max<uint64_t>(
      1, uint64_t(work / peas) / std::max(1u, options.piecesPerPea));

  std::vector<ReplicaDemand> demands(numBlocks);
  for (uint32_t b = 0; b < numBlocks; ++b) {
    // Tasks of a timetable have one replica in a lane: lane l of a segment uses
    // replica l of each of its tasks.
    if (!problem.isTask(b) ||
        (!problem.dynamicTime[b] && !problem.dynamicFrequency[b]) ||
        isPinned(b))
      continue;
    const uint64_t gangs = lanePeas[classOf(b)] / result.gang[b];
    demands[b].busy = busy[b];
    demands[b].variationQ16 = demand.workVariationQ16[b];
    demands[b].most = uint32_t(
        std::clamp<uint64_t>(std::min(gangs, busy[b] / piece + 1), 1, 4096));
  }
  const uint64_t budget = uint64_t(options.replicasPerPea) * peas;
  copies = shareReplicas(demands, budget > tasks ? budget - tasks : 0);
}

/// A place for a block in the TBU nearest (in snake order) to a position of
/// `usableTbus` that has PEAs for it.
Checked<Replica> Allocator::placeNear(uint32_t block, uint32_t position) {
  const uint32_t peaClass = classOf(block), gang = result.gang[block];
  const uint32_t size = uint32_t(usableTbus.size());
  for (uint32_t d = 0; d < size; ++d)
    for (uint32_t at : {position + d, position - d}) {
      if (at >= size)
        continue;
      const uint32_t tbu = usableTbus[at];
      for (const Run &run : runsOf(tbu, peaClass))
        if (run.count >= gang)
          return Replica{tbu / desc.tbusPerCluster,
                         uint16_t(tbu % desc.tbusPerCluster),
                         run.first,
                         uint16_t(gang),
                         mostPeas(block, tbu),
                         0,
                         false};
    }
  return violation(
      block,
      fmt::format("{} needs {} live PEA{} of class {} next to each other "
                  "in a TBU, but no TBU of machine '{}' has them; take a "
                  "smaller gang",
                  name(block), gang, gang == 1 ? "" : "s",
                  stringifyPeaClass(PeaClass(peaClass)), desc.name));
}

/// Puts the blocks of another lane at the same positions as in the first, so
/// that blocks share a PEA in one lane exactly if they do in all, and one
/// timetable fits all lanes. Where defects forbid it, beside.
Checked<void> Allocator::copyLane(uint32_t lane) {
  for (uint32_t b = 0; b < numBlocks; ++b)
    for (uint32_t copy = 0; copy < copies[b]; ++copy) {
      const Replica &model = placed[(size_t(base[b]) + copy) * lanes];
      Replica &replica = placed[(size_t(base[b]) + copy) * lanes + lane];
      const uint32_t position = positionOf[base[b] + copy];
      const uint32_t at =
          lane * tbusPerLane + (position == none ? 0 : position);
      const uint32_t tbu = tbuOrder[at];
      replica = model;
      replica.cluster = tbu / desc.tbusPerCluster;
      if (!problem.isTask(b)) {
        // Dead CBUs: the next live one along the lane, then anywhere.
        for (uint32_t i = 0;
             !topology.cbuLive(replica.cluster) && i < tbuOrder.size(); ++i)
          replica.cluster =
              tbuOrder[(at + i) % tbuOrder.size()] / desc.tbusPerCluster;
        if (!topology.cbuLive(replica.cluster))
          replica.cluster = model.cluster;
        continue;
      }
      replica.tbu = uint16_t(tbu % desc.tbusPerCluster);
      bool fits = position != none;
      if (fits) {
        fits = false;
        for (const Run &run : runsOf(tbu, classOf(b)))
          fits |= run.first <= model.peaFirst &&
                  model.peaFirst + model.peaCount <= run.first + run.count;
      }
      if (fits) {
        replica.maxGang = mostPeas(b, tbu);
        continue;
      }
      Checked<Replica> found = placeNear(b, usablePosition[tbu]);
      if (!found)
        return tl::make_unexpected(found.error());
      replica = *found;
    }
  return {};
}

} // namespace octo::sched::allocation
