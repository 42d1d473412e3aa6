//===- Problem.cpp - Checks, counts, ranks --------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What all algorithms need to know about a problem.
//
//===----------------------------------------------------------------------===//

#include "octo/Scheduling/Problem.h"

#include "Saturating.h"

#include <algorithm>

namespace octo::sched {

uint64_t Problem::cyclesOn(uint32_t block, uint32_t gang) const {
  std::span<const GangOption> options = gangsOf(block);
  uint32_t scaleQ16 = 65536;
  for (const GangOption &option : options) {
    if (option.gang > gang)
      break;
    scaleQ16 = option.scaleQ16;
  }
  unsigned __int128 product = (unsigned __int128)(cycles[block]) * scaleQ16;
  uint64_t result = uint64_t((product + 65535) >> 16);
  return std::clamp<uint64_t>(result, 1, forever);
}

Checked<void> checkProblem(const Problem &problem) {
  auto fail = [](uint32_t block, std::string message) {
    return tl::make_unexpected(Violation{block, {}, std::move(message)});
  };
  const uint32_t numBlocks = problem.numBlocks();
  const uint32_t numRegions = problem.numRegions();
  const size_t numKernels = problem.codeBytes.size();
  for (size_t size :
       {problem.path.size(), problem.kernel.size(), problem.cycles.size(),
        problem.cyclesP95.size(), problem.cyclesVariationQ16.size(),
        problem.dynamicTime.size(), problem.dynamicFrequency.size(),
        problem.pinCluster.size(), problem.pinTbu.size(),
        problem.pinGang.size(), problem.maxGang.size(),
        problem.weightOffsets.size() - 1})
    if (size != numBlocks)
      return fail(none, fmt::format("{} blocks, but a column of {} entries",
                                    numBlocks, size));
  for (size_t size :
       {problem.regionRateQ16.size(), problem.regionVariationQ16.size(),
        problem.regionSerial.size(), problem.regionCopied.size(),
        problem.regionExclusive.size()})
    if (size != numRegions)
      return fail(none, fmt::format("{} regions, but a column of {} entries",
                                    numRegions, size));
  if (problem.peaClass.size() != numKernels ||
      problem.kernelName.size() != numKernels ||
      problem.gangOffsets.size() != numKernels + 1)
    return fail(none, "the columns of the kernels differ in length");
  if (numRegions == 0 || problem.regionOwner[0] != none)
    return fail(none, "region 0 must be the body, which no block owns");

  for (size_t k = 0; k < numKernels; ++k) {
    uint32_t begin = problem.gangOffsets[k], end = problem.gangOffsets[k + 1];
    if (begin >= end || end > problem.gangs.size() ||
        problem.gangs[begin].gang != 1)
      return fail(none, fmt::format("kernel '{}' has no variant for one PEA",
                                    problem.kernelName[k]));
    for (uint32_t i = begin + 1; i < end; ++i)
      if (problem.gangs[i].gang <= problem.gangs[i - 1].gang)
        return fail(none, fmt::format("the variants of kernel '{}' are not in "
                                      "ascending order of their gangs",
                                      problem.kernelName[k]));
  }
  for (uint32_t r = 1; r < numRegions; ++r) {
    uint32_t owner = problem.regionOwner[r];
    if (owner >= numBlocks || problem.isTask(owner) ||
        problem.region[owner] >= r)
      return fail(owner < numBlocks ? owner : none,
                  fmt::format("region {} needs a control block of an earlier "
                              "region as its owner",
                              r));
  }
  for (uint32_t b = 0; b < numBlocks; ++b) {
    if (problem.region[b] >= numRegions ||
        (b && problem.region[b] < problem.region[b - 1]))
      return fail(b, "blocks must be listed by ascending region");
    if (problem.kernel[b] != none && problem.kernel[b] >= numKernels)
      return fail(
          b, fmt::format("kernel {} of {}", problem.kernel[b], numKernels));
    if (problem.weightOffsets[b] > problem.weightOffsets[b + 1] ||
        problem.weightOffsets[b + 1] > problem.weights.size())
      return fail(b, "the list of weights is out of range");
    for (uint32_t w : problem.weightsOf(b))
      if (w >= problem.weightBytes.size())
        return fail(
            b, fmt::format("weight {} of {}", w, problem.weightBytes.size()));
  }
  for (const Edge &edge : problem.edges) {
    if (edge.from >= numBlocks || edge.to >= numBlocks)
      return fail(none, "an edge leaves the blocks");
    if (problem.region[edge.from] != problem.region[edge.to])
      return tl::make_unexpected(
          Violation{edge.to,
                    {edge.from},
                    "an edge of precedence joins blocks of two regions"});
    if (edge.from >= edge.to)
      return tl::make_unexpected(Violation{
          edge.to, {edge.from}, "the blocks are not in a topological order"});
  }
  for (const Edge &flow : problem.flows)
    if ((flow.from != none && flow.from >= numBlocks) ||
        (flow.to != none && flow.to >= numBlocks))
      return fail(none, "a flow leaves the blocks");
  return {};
}

Adjacency groupEdges(std::span<const Edge> edges, uint32_t numBlocks,
                     bool outgoing) {
  Adjacency result;
  result.offsets.assign(numBlocks + 1, 0);
  auto key = [&](const Edge &edge) { return outgoing ? edge.from : edge.to; };
  for (const Edge &edge : edges)
    if (edge.from != none && edge.to != none)
      ++result.offsets[key(edge) + 1];
  for (uint32_t b = 0; b < numBlocks; ++b)
    result.offsets[b + 1] += result.offsets[b];
  result.edges.resize(result.offsets[numBlocks]);
  std::vector<uint32_t> next(result.offsets.begin(), result.offsets.end() - 1);
  for (uint32_t e = 0; e < edges.size(); ++e)
    if (edges[e].from != none && edges[e].to != none)
      result.edges[next[key(edges[e])]++] = e;
  return result;
}

std::vector<uint64_t> expectedCounts(const Problem &problem) {
  std::vector<uint64_t> ofRegion(problem.numRegions(), 65536);
  std::vector<uint64_t> ofBlock(problem.numBlocks());
  // Regions come after their owner's region, and blocks by ascending region, so
  // an owner's count is known before it is asked for.
  uint32_t block = 0;
  for (uint32_t r = 0; r < problem.numRegions(); ++r) {
    if (problem.regionOwner[r] != none)
      ofRegion[r] = std::min<uint64_t>(
          scale(ofBlock[problem.regionOwner[r]], problem.regionRateQ16[r]),
          uint64_t(1) << 48);
    for (; block < problem.numBlocks() && problem.region[block] == r; ++block)
      ofBlock[block] = ofRegion[r];
  }
  return ofBlock;
}

Demand expectedDemand(const Problem &problem) {
  constexpr uint64_t most = uint64_t(1) << 40;
  // v / n, both in 1/65536; what never runs does not vary.
  auto spread = [](uint64_t variation, uint64_t countQ16) {
    if (!countQ16)
      return uint64_t(0);
    return uint64_t(std::min<unsigned __int128>(
        ((unsigned __int128)(variation) << 16) / countQ16, most));
  };
  Demand result;
  result.countQ16 = expectedCounts(problem);
  result.countVariationQ16.resize(problem.numBlocks());
  result.workVariationQ16.resize(problem.numBlocks());
  std::vector<uint64_t> ofRegion(problem.numRegions(), 0);
  uint32_t block = 0;
  for (uint32_t r = 0; r < problem.numRegions(); ++r) {
    if (uint32_t owner = problem.regionOwner[r]; owner != none)
      ofRegion[r] = std::min(most, result.countVariationQ16[owner] +
                                       spread(problem.regionVariationQ16[r],
                                              result.countQ16[owner]));
    for (; block < problem.numBlocks() && problem.region[block] == r; ++block) {
      result.countVariationQ16[block] = ofRegion[r];
      result.workVariationQ16[block] =
          std::min(most, ofRegion[r] + spread(problem.cyclesVariationQ16[block],
                                              result.countQ16[block]));
    }
  }
  return result;
}

std::vector<Edge> expectedTraffic(const Problem &problem,
                                  std::span<const uint64_t> countQ16) {
  std::vector<Edge> traffic = problem.flows;
  for (Edge &flow : traffic) {
    uint64_t times = 65536;
    // Regions come after those around them.
    if (flow.from != none && flow.to != none)
      times = countQ16[problem.region[flow.from] > problem.region[flow.to]
                           ? flow.from
                           : flow.to];
    else if (flow.from != none || flow.to != none)
      times = countQ16[flow.from != none ? flow.from : flow.to];
    if (flow.bytes && times)
      flow.bytes = std::max<uint64_t>(1, scale(flow.bytes, times));
    else
      flow.bytes = 0;
  }
  return traffic;
}

Way wayBetween(const Topology &topology, uint32_t from, uint32_t to) {
  const TargetDesc &desc = topology.desc();
  if (from == to)
    return {0, uint32_t(desc.scratchpad.bytesPerCycle)};
  Way way{topology.headLatency(from, to),
          uint32_t(desc.dataPlane.linkBytesPerCycle)};
  Coord a = desc.coordOf(from), b = desc.coordOf(to);
  if (a.x / desc.clustersPerDie.x != b.x / desc.clustersPerDie.x ||
      a.y / desc.clustersPerDie.y != b.y / desc.clustersPerDie.y)
    way.bytesPerCycle =
        std::min<uint32_t>(way.bytesPerCycle, desc.dieLink.bytesPerCycle);
  return way;
}

uint64_t transferCycles(const Topology &topology, uint32_t from, uint32_t to,
                        uint64_t bytes) {
  if (bytes == 0 && from == to)
    return 0;
  Way way = wayBetween(topology, from, to);
  if (way.latency == Topology::none)
    return forever;
  return way.latency + (bytes + way.bytesPerCycle - 1) / way.bytesPerCycle;
}

uint64_t tokenCycles(const Topology &topology, uint32_t from, uint32_t to) {
  const uint32_t hops = topology.distance(from, to);
  return hops == Topology::none
             ? 0
             : uint64_t(hops) * topology.desc().controlPlane.tokenHopCycles;
}

std::vector<uint64_t> upwardRanks(const Problem &problem,
                                  const Topology &topology,
                                  std::span<const uint16_t> gang) {
  const uint32_t numBlocks = problem.numBlocks();
  const DataPlaneDesc &plane = topology.desc().dataPlane;
  auto transfer = [&](uint64_t bytes) {
    return bytes == 0 ? 0
                      : uint64_t(plane.hopCycles) + plane.interfaceCycles +
                            bytes / plane.linkBytesPerCycle;
  };
  Adjacency out = groupEdges(problem.edges, numBlocks, /*outgoing=*/true);

  // Upwards: the rank of each block to the end of its own region, and the
  // length of each region. A control block is as long as its slowest region
  // that stands beside others, and the sum of those that follow each other.
  std::vector<uint64_t> rank(numBlocks), after(numBlocks);
  std::vector<uint64_t> length(problem.numRegions(), 0);
  std::vector<uint64_t> serial(numBlocks, 0), beside(numBlocks, 0);
  uint32_t block = numBlocks;
  for (uint32_t r = problem.numRegions(); r-- > 0;) {
    while (block > 0 && problem.region[block - 1] == r) {
      --block;
      uint64_t tail = 0;
      for (uint32_t e : out.of(block)) {
        const Edge &edge = problem.edges[e];
        tail = std::max(tail, addSat(transfer(edge.bytes), rank[edge.to]));
      }
      after[block] = tail;
      uint64_t own = problem.isTask(block)
                         ? problem.cyclesOn(block, gang[block])
                         : addSat(problem.cycles[block],
                                  addSat(serial[block], beside[block]));
      rank[block] = addSat(own, tail);
      length[r] = std::max(length[r], rank[block]);
    }
    uint32_t owner = problem.regionOwner[r];
    if (owner == none)
      continue;
    if (problem.regionSerial[r])
      serial[owner] =
          addSat(serial[owner], scale(length[r], problem.regionRateQ16[r]));
    else
      beside[owner] = std::max(beside[owner], length[r]);
  }

  // Downwards: what follows the region of a block.
  std::vector<uint64_t> offset(problem.numRegions(), 0);
  block = 0;
  for (uint32_t r = 0; r < problem.numRegions(); ++r) {
    if (uint32_t owner = problem.regionOwner[r]; owner != none) {
      offset[r] = after[owner]; // already whole: its region came before
      if (problem.regionSerial[r] && problem.regionRateQ16[r] > 65536)
        offset[r] = addSat(offset[r],
                           scale(length[r], problem.regionRateQ16[r] - 65536));
    }
    for (; block < numBlocks && problem.region[block] == r; ++block) {
      rank[block] = addSat(rank[block], offset[r]);
      after[block] = addSat(after[block], offset[r]);
    }
  }
  return rank;
}

} // namespace octo::sched
