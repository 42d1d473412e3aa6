//===- Allocator.cpp - Lanes, homes and shares ----------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is asked for is checked, the phases follow in their order, and their
// result becomes a placement.
//
//===----------------------------------------------------------------------===//

#include "AllocatorImpl.h"

#include <algorithm>
#include <numeric>

namespace octo::sched::allocation {

Checked<void> Allocator::checkPins() {
  for (uint32_t b = 0; b < numBlocks; ++b) {
    uint32_t cluster = problem.pinCluster[b], tbu = problem.pinTbu[b];
    uint32_t gang = problem.pinGang[b];
    if (cluster == none && tbu == none && gang == 0)
      continue;
    std::string what = (problem.isTask(b) ? "task '" : "control block '") +
                       problem.path[b] + "'";
    if (cluster != none && cluster >= desc.numClusters())
      return violation(
          b, fmt::format("{} is pinned to cluster {}, but machine '{}' has {} "
                         "(0 to {}); change the pin",
                         what, cluster, desc.name, desc.numClusters(),
                         desc.numClusters() - 1));
    if (tbu != none && tbu >= desc.tbusPerCluster)
      return violation(
          b, fmt::format("{} is pinned to TBU {}, but a cluster of machine "
                         "'{}' has {} (0 to {}); change the pin",
                         what, tbu, desc.name, desc.tbusPerCluster,
                         desc.tbusPerCluster - 1));
    if (!problem.isTask(b)) {
      if (cluster != none && !topology.cbuLive(cluster))
        return violation(b, fmt::format("{} is pinned to cluster {}, whose CBU "
                                        "is dead or cut off; change the pin",
                                        what, cluster));
      continue;
    }
    uint32_t need = std::max(gang, 1u);
    uint32_t peaClass = classOf(b), most = 0;
    uint32_t begin = 0, end = desc.numClusters();
    if (cluster != none)
      begin = cluster, end = cluster + 1;
    for (uint32_t c = begin; c < end && most < need; ++c)
      for (uint32_t t = 0; t < desc.tbusPerCluster; ++t)
        if (tbu == none || t == tbu)
          most =
              std::max(most, longestRun(c * desc.tbusPerCluster + t, peaClass));
    if (most < need) {
      std::string place =
          cluster == none ? "any cluster" : fmt::format("cluster {}", cluster);
      if (tbu != none)
        place += fmt::format(", TBU {}", tbu);
      return violation(
          b,
          fmt::format("{} is pinned to {} PEA{} of class {} in {}, which has "
                      "{} live next to each other; change the pin or take "
                      "a smaller gang",
                      what, need, need == 1 ? "" : "s",
                      stringifyPeaClass(PeaClass(peaClass)), place, most));
    }
  }
  return {};
}

Checked<void> Allocator::checkNeeds() {
  runs.resize(size_t(desc.numTbus()) * numPeaClasses);
  for (uint32_t tbu = 0; tbu < desc.numTbus(); ++tbu) {
    uint64_t mask = topology.livePeaMask(tbu);
    for (uint32_t p = 0; p < desc.peasPerTbu; ++p) {
      if (!(mask >> p & 1))
        continue;
      uint32_t peaClass = uint32_t(desc.pea.layout[p]);
      std::vector<Run> &list = runs[size_t(tbu) * numPeaClasses + peaClass];
      if (!list.empty() && list.back().first + list.back().count == p)
        ++list.back().count;
      else
        list.push_back({uint16_t(p), 1});
      ++live[peaClass];
    }
    for (uint32_t c = 0; c < numPeaClasses; ++c)
      longest[c] = std::max(longest[c], longestRun(tbu, c));
  }

  std::vector<bool> seen(problem.codeBytes.size(), false);
  for (uint32_t b = 0; b < numBlocks; ++b) {
    if (!problem.isTask(b))
      continue;
    uint32_t kernel = problem.kernel[b], peaClass = classOf(b);
    for (uint32_t w : problem.weightsOf(b))
      if (!capacity.fitsWeight(problem.weightBytes[w]))
        return violation(b, capacity
                                .checkWeight("a weight of " + name(b),
                                             problem.weightBytes[w])
                                .error()
                                .message);
    if (seen[kernel])
      continue;
    seen[kernel] = true;
    if (live[peaClass] == 0)
      return violation(
          b, fmt::format("{} needs PEAs of class {}, but machine '{}' has no "
                         "live one; add PEAs of this class to the layout",
                         name(b), stringifyPeaClass(PeaClass(peaClass)),
                         desc.name));
    if (!capacity.fitsCode(problem.codeBytes[kernel]))
      return violation(
          b, capacity
                 .checkCode("the code of " + name(b), problem.codeBytes[kernel])
                 .error()
                 .message);
    // Some gang that the machine can form must fit the SRAM of its PEAs.
    const GangOption *least = nullptr;
    for (const GangOption &option : problem.gangsOf(b))
      if (option.gang <= longest[peaClass] &&
          (!least || option.footprint < least->footprint))
        least = &option;
    if (!capacity.fitsFootprint(least->footprint))
      return violation(
          b, capacity.checkFootprint(name(b), least->footprint, least->gang)
                 .error()
                 .message);
  }
  uint64_t total = std::accumulate(problem.weightBytes.begin(),
                                   problem.weightBytes.end(), uint64_t(0));
  if (Expected<void> fits = capacity.checkWeights(total, total); !fits)
    return violation(none, fits.error().message);

  bool needsCbu = problem.numRegions() > 1, hasCbu = false;
  for (uint32_t c = 0; c < desc.numClusters() && !hasCbu; ++c)
    hasCbu = topology.cbuLive(c);
  if (needsCbu && !hasCbu)
    return violation(none,
                     fmt::format("the workflow has control blocks, but no "
                                 "cluster of machine '{}' has a live CBU",
                                 desc.name));
  return checkPins();
}

Placement Allocator::collect() {
  Placement placement;
  placement.lanes = lanes;
  placement.offsets.reserve(numBlocks + 1);
  placement.routing.reserve(numBlocks);
  for (uint32_t b = 0; b < numBlocks; ++b) {
    placement.replicas.insert(
        placement.replicas.end(), placed.begin() + size_t(base[b]) * lanes,
        placed.begin() + (size_t(base[b]) + copies[b]) * lanes);
    placement.replicas.insert(placement.replicas.end(), standbyOf[b].begin(),
                              standbyOf[b].end());
    placement.offsets.push_back(uint32_t(placement.replicas.size()));
    placement.routing.push_back(problem.regionCopied[problem.region[b]]
                                    ? Routing::ByCopy
                                    : Routing::ByRequest);
  }
  return placement;
}

Checked<Allocation> Allocator::run() {
  if (Checked<void> needs = checkNeeds(); !needs)
    return tl::make_unexpected(needs.error());
  usableTbus = laneTbus(topology, 1);
  usablePosition.assign(desc.numTbus(), none);
  for (uint32_t i = 0; i < usableTbus.size(); ++i)
    usablePosition[usableTbus[i]] = i;
  if (usableTbus.empty())
    return violation(none,
                     fmt::format("machine '{}' has no live PEA", desc.name));

  demand = expectedDemand(problem);
  result.countQ16 = demand.countQ16;
  load.assign(numBlocks, 0);
  for (uint32_t b = 0; b < numBlocks; ++b)
    if (problem.isTask(b))
      load[b] = workOf(result.countQ16[b], problem.cyclesOn(b, 1));
  std::vector<uint16_t> single(numBlocks, 1);
  result.rank = upwardRanks(problem, topology, single);
  chooseLanes();
  chooseGangs();
  chooseCopies();
  result.rank = upwardRanks(problem, topology, result.gang);
  result.tbusPerLane = tbusPerLane;

  base.resize(numBlocks);
  uint32_t slots = 0;
  for (uint32_t b = 0; b < numBlocks; ++b) {
    base[b] = slots;
    slots += copies[b];
  }
  placed.resize(size_t(slots) * lanes);
  positionOf.assign(slots, none);
  standbyOf.resize(numBlocks);
  order.resize(numBlocks);
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return result.rank[a] != result.rank[b] ? result.rank[a] > result.rank[b]
                                            : a < b;
  });
  flowsIn = groupEdges(problem.flows, numBlocks, /*outgoing=*/false);
  flowsOut = groupEdges(problem.flows, numBlocks, /*outgoing=*/true);
  hostBytes.assign(numBlocks, 0);
  for (const Edge &flow : problem.flows) {
    if (flow.from == none && flow.to != none)
      hostBytes[flow.to] += flow.bytes;
    if (flow.to == none && flow.from != none)
      hostBytes[flow.from] += flow.bytes;
  }

  traffic = expectedTraffic(problem, result.countQ16);
  if (Checked<void> done = placeByBest(); !done)
    return tl::make_unexpected(done.error());
  for (uint32_t lane = 1; lane < lanes; ++lane)
    if (Checked<void> done = copyLane(lane); !done)
      return tl::make_unexpected(done.error());
  placeStandby();
  result.placement = collect();
  std::vector<uint64_t> peaLoad =
      plannedLoads(problem, topology, result.placement, result.countQ16);
  result.bottleneckQ16 = *std::max_element(peaLoad.begin(), peaLoad.end());
  planShares(problem, topology, result.countQ16, result.placement);
  if (options.recordDecisions) {
    result.decisions.insert(result.decisions.end(),
                            std::make_move_iterator(homes.begin()),
                            std::make_move_iterator(homes.end()));
    std::sort(result.decisions.begin(), result.decisions.end(),
              [](const Decision &a, const Decision &b) {
                return std::tie(a.block, a.kind) < std::tie(b.block, b.kind);
              });
  }
  return std::move(result);
}

} // namespace octo::sched::allocation

namespace octo::sched {

Checked<Allocation> allocate(const Problem &problem, const Topology &topology,
                             const AllocateOptions &options) {
  if (Checked<void> sound = checkProblem(problem); !sound)
    return tl::make_unexpected(sound.error());
  return allocation::Allocator(problem, topology, options).run();
}

} // namespace octo::sched
