//===- Lanes.cpp - What a placement means ---------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The order of TBUs in lanes, shares, loads and hop-bytes of a placement.
//
//===----------------------------------------------------------------------===//

#include "octo/Scheduling/Allocator.h"

#include "Saturating.h"

#include <algorithm>

namespace octo::sched {

/// Clusters column by column within bands of a quarter of the mesh's height, at
/// most four rows, up and down in turn.
std::vector<uint32_t> laneTbus(const Topology &topology, uint32_t lanes) {
  const TargetDesc &desc = topology.desc();
  const uint32_t width = desc.meshWidth(), height = desc.meshHeight();
  const uint32_t band = std::clamp(height / 4, 1u, 4u);
  std::vector<uint32_t> usable, whole;
  for (uint32_t top = 0; top < height; top += band) {
    uint32_t rows = std::min(band, height - top);
    bool leftwards = (top / band) % 2;
    for (uint32_t i = 0; i < width; ++i) {
      uint32_t x = leftwards ? width - 1 - i : i;
      bool upwards = i % 2;
      for (uint32_t j = 0; j < rows; ++j) {
        uint32_t y = top + (upwards ? rows - 1 - j : j);
        uint32_t cluster = desc.clusterAt({x, y});
        for (uint32_t t = 0; t < desc.tbusPerCluster; ++t) {
          uint32_t tbu = cluster * desc.tbusPerCluster + t;
          uint32_t live = topology.livePeas(tbu);
          if (live)
            usable.push_back(tbu);
          if (live == desc.peasPerTbu)
            whole.push_back(tbu);
        }
      }
    }
  }
  bool avoidDefects =
      lanes > 1 && whole.size() / lanes * lanes * 4 >= usable.size() * 3;
  return avoidDefects ? whole : usable;
}

uint16_t elasticLimit(const Problem &problem, const Topology &topology,
                      uint32_t block, uint32_t tbu, uint16_t gang) {
  if (problem.pinGang[block])
    return gang;
  const PeaClass wanted = problem.peaClass[problem.kernel[block]];
  const std::vector<PeaClass> &layout = topology.desc().pea.layout;
  uint32_t sameClass = 0;
  for (uint64_t mask = topology.livePeaMask(tbu); mask; mask &= mask - 1)
    sameClass += layout[std::countr_zero(mask)] == wanted;
  uint32_t most = problem.gangsOf(block).back().gang;
  if (problem.maxGang[block])
    most = std::min<uint32_t>(most, problem.maxGang[block]);
  return uint16_t(std::max<uint32_t>(gang, std::min(most, sameClass)));
}

/// Calls `visit` with each active replica of a task and what it keeps each of
/// its PEAs busy for a request, in 1/65536 cycles.
template <class Visit>
static void forEachUse(const Problem &problem, const Placement &placement,
                       std::span<const uint64_t> countQ16, Visit visit) {
  for (uint32_t b = 0; b < problem.numBlocks(); ++b) {
    if (!problem.isTask(b))
      continue;
    std::span<const Replica> replicas = placement.of(b);
    const uint64_t active =
        std::count_if(replicas.begin(), replicas.end(),
                      [](const Replica &r) { return !r.standby; });
    for (uint32_t i = 0; i < replicas.size(); ++i) {
      if (replicas[i].standby)
        continue;
      visit(placement.offsets[b] + i,
            std::max<uint64_t>(
                1,
                workOf(countQ16[b], problem.cyclesOn(b, replicas[i].peaCount)) /
                    active));
    }
  }
}

static size_t firstPea(const TargetDesc &desc, const Replica &r) {
  return (size_t(r.cluster) * desc.tbusPerCluster + r.tbu) * desc.peasPerTbu +
         r.peaFirst;
}

std::vector<uint64_t> plannedLoads(const Problem &problem,
                                   const Topology &topology,
                                   const Placement &placement,
                                   std::span<const uint64_t> countQ16) {
  std::vector<uint64_t> loads(topology.desc().numPeas(), 0);
  forEachUse(problem, placement, countQ16, [&](uint32_t i, uint64_t busy) {
    const Replica &r = placement.replicas[i];
    for (uint32_t p = 0; p < r.peaCount; ++p)
      loads[firstPea(topology.desc(), r) + p] =
          addSat(loads[firstPea(topology.desc(), r) + p], busy);
  });
  return loads;
}

uint64_t expectedHopBytes(const Topology &topology,
                          std::span<const Edge> traffic,
                          std::span<const uint32_t> offsets,
                          std::span<const uint32_t> clusters) {
  constexpr uint32_t mostTurns = 64;
  const uint32_t host = topology.hostCluster();
  auto numOf = [&](uint32_t block) {
    return block == none ? 1 : offsets[block + 1] - offsets[block];
  };
  auto clusterOf = [&](uint32_t block, uint32_t turn) {
    return block == none ? host
                         : clusters[offsets[block] + turn % numOf(block)];
  };
  unsigned __int128 sum = 0;
  for (const Edge &flow : traffic) {
    const uint32_t turns =
        std::min(mostTurns, std::max(numOf(flow.from), numOf(flow.to)));
    uint64_t hops = 0;
    for (uint32_t turn = 0; turn < turns; ++turn)
      hops += topology.distance(clusterOf(flow.from, turn),
                                clusterOf(flow.to, turn));
    if (turns)
      sum += (unsigned __int128)(flow.bytes) * hops / turns;
  }
  return uint64_t(std::min<unsigned __int128>(sum, forever));
}

void planShares(const Problem &problem, const Topology &topology,
                std::span<const uint64_t> countQ16, Placement &placement) {
  std::vector<uint64_t> loads =
      plannedLoads(problem, topology, placement, countQ16);
  forEachUse(problem, placement, countQ16, [&](uint32_t i, uint64_t busy) {
    Replica &r = placement.replicas[i];
    uint64_t most = 1;
    for (uint32_t p = 0; p < r.peaCount; ++p)
      most = std::max(most, loads[firstPea(topology.desc(), r) + p]);
    // Rounded down, so that they add up to no more than 1.
    r.shareQ16 = uint32_t((unsigned __int128)(busy) * 65536 / most);
  });
}

} // namespace octo::sched
