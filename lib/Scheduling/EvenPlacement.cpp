//===- EvenPlacement.cpp - Equal shares for all ---------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The baseline of Allocator.cpp, and deliberately simple.
//
//===----------------------------------------------------------------------===//

#include "octo/Scheduling/Allocator.h"
#include "octo/Target/Capacity.h"

#include <algorithm>
#include <array>
#include <bit>

namespace octo::sched {

namespace {

/// A PEA of a class, and how many PEAs of the class follow it in its TBU
/// without a break (itself counted).
struct Seat {
  uint32_t tbu;
  uint16_t pea;
  uint16_t run;
};

} // namespace

static bool pinned(const Problem &problem, uint32_t block) {
  return problem.pinCluster[block] != none || problem.pinTbu[block] != none;
}

static bool allowed(const Problem &problem, const TargetDesc &desc,
                    uint32_t block, uint32_t tbu) {
  uint32_t cluster = problem.pinCluster[block], unit = problem.pinTbu[block];
  return (cluster == none || tbu / desc.tbusPerCluster == cluster) &&
         (unit == none || tbu % desc.tbusPerCluster == unit);
}

Checked<Placement> placeEvenly(const Problem &problem, const Topology &topology,
                               uint32_t gangEfficiencyQ16) {
  if (Checked<void> sound = checkProblem(problem); !sound)
    return tl::make_unexpected(sound.error());
  const TargetDesc &desc = topology.desc();
  const Capacity capacity(topology);
  const uint32_t numBlocks = problem.numBlocks();

  std::array<std::vector<Seat>, numPeaClasses> seats;
  std::vector<uint32_t> cbus;
  for (uint32_t tbu : laneTbus(topology, 1)) {
    const uint32_t cluster = tbu / desc.tbusPerCluster;
    if (topology.cbuLive(cluster) && (cbus.empty() || cbus.back() != cluster))
      cbus.push_back(cluster);
    const uint64_t mask = topology.livePeaMask(tbu);
    for (uint32_t p = 0; p < desc.peasPerTbu; ++p) {
      if (!(mask >> p & 1))
        continue;
      uint16_t run = 1;
      while (p + run < desc.peasPerTbu && (mask >> (p + run) & 1) &&
             desc.pea.layout[p + run] == desc.pea.layout[p])
        ++run;
      seats[size_t(desc.pea.layout[p])].push_back({tbu, uint16_t(p), run});
    }
  }
  std::array<uint64_t, numPeaClasses> tasks{}, turn{};
  uint64_t controls = 0, controlTurn = 0;
  for (uint32_t b = 0; b < numBlocks; ++b)
    if (problem.isTask(b))
      ++tasks[size_t(problem.peaClass[problem.kernel[b]])];
    else
      ++controls;

  Placement placement;
  std::vector<uint32_t> usersOf(desc.numPeas(), 0);
  auto peaOf = [&](const Replica &r) {
    return (size_t(r.cluster) * desc.tbusPerCluster + r.tbu) * desc.peasPerTbu +
           r.peaFirst;
  };
  for (uint32_t b = 0; b < numBlocks; ++b) {
    placement.routing.push_back(problem.regionCopied[problem.region[b]]
                                    ? Routing::ByCopy
                                    : Routing::ByRequest);
    if (!problem.isTask(b)) {
      // Part number `controlTurn` of all CBUs, or one of them.
      const uint64_t part = controlTurn++;
      if (problem.pinCluster[b] != none) {
        placement.replicas.push_back({problem.pinCluster[b]});
      } else if (cbus.empty()) {
        return tl::make_unexpected(Violation{
            b,
            {},
            fmt::format("control block '{}' needs a CBU, but no cluster of "
                        "machine '{}' has a live one",
                        problem.path[b], desc.name)});
      } else {
        const uint64_t begin = part * cbus.size() / controls;
        const uint64_t end = (part + 1) * cbus.size() / controls;
        for (uint64_t i = begin; i < std::max(end, begin + 1); ++i)
          placement.replicas.push_back({cbus[i]});
      }
      placement.offsets.push_back(uint32_t(placement.replicas.size()));
      continue;
    }
    const size_t peaClass = size_t(problem.peaClass[problem.kernel[b]]);
    const std::vector<Seat> &all = seats[peaClass];
    const uint64_t part = turn[peaClass]++;
    const uint64_t begin = part * all.size() / tasks[peaClass];
    const uint64_t end = std::min<uint64_t>(
        std::max(begin + 1, (part + 1) * all.size() / tasks[peaClass]),
        all.size());
    // The largest gang that is worth it, fits in its SRAM, and in its part.
    auto longestIn = [&](uint64_t first, uint64_t last) {
      uint64_t longest = 0;
      for (uint64_t i = first; i < last; ++i)
        if (allowed(problem, desc, b, all[i].tbu))
          longest = std::max(longest, std::min<uint64_t>(all[i].run, last - i));
      return longest;
    };
    const uint64_t room =
        pinned(problem, b) ? 1 : std::max<uint64_t>(1, longestIn(begin, end));
    uint32_t gang = 0;
    for (const GangOption &option : problem.gangsOf(b)) {
      if (!capacity.fitsFootprint(option.footprint) ||
          (problem.maxGang[b] && option.gang > problem.maxGang[b]))
        continue;
      const bool efficient =
          uint64_t(option.scaleQ16) * option.gang * (gangEfficiencyQ16 >> 8) <=
          uint64_t(65536) << 8;
      if (!gang || (option.gang <= room && efficient))
        gang = option.gang;
    }
    if (problem.pinGang[b])
      gang = problem.pinGang[b];
    // Its own part first, cut into gangs; where none fits (a pin, a small part
    // and a large footprint, defects), the nearest place after it.
    const size_t before = placement.replicas.size();
    auto take = [&](uint64_t i) {
      const Seat &seat = all[i];
      Replica replica;
      replica.cluster = seat.tbu / desc.tbusPerCluster;
      replica.tbu = uint16_t(seat.tbu % desc.tbusPerCluster);
      replica.peaFirst = seat.pea;
      replica.peaCount = uint16_t(gang);
      replica.maxGang =
          elasticLimit(problem, topology, b, seat.tbu, uint16_t(gang));
      placement.replicas.push_back(replica);
      for (uint32_t p = 0; p < gang; ++p)
        ++usersOf[peaOf(replica) + p];
    };
    for (uint64_t i = begin; gang && !pinned(problem, b) && i + gang <= end;) {
      const bool fits = all[i].run >= gang;
      if (fits)
        take(i);
      i += fits ? gang : 1;
    }
    for (uint64_t i = 0;
         gang && i < all.size() && placement.replicas.size() == before; ++i) {
      const uint64_t at = (begin + i) % all.size();
      if (all[at].run >= gang && allowed(problem, desc, b, all[at].tbu))
        take(at);
    }
    if (placement.replicas.size() == before)
      return tl::make_unexpected(Violation{
          b,
          {},
          fmt::format("task '{}' needs {} live PEA{} of class {} next to each "
                      "other{}, but machine '{}' has none where it may run; "
                      "change the pin or take a smaller gang",
                      problem.path[b], std::max(gang, 1u), gang > 1 ? "s" : "",
                      stringifyPeaClass(PeaClass(peaClass)),
                      gang ? "" : " with more SRAM", desc.name)});
    placement.offsets.push_back(uint32_t(placement.replicas.size()));
  }
  // Equal parts of the time of PEAs that several share.
  for (Replica &replica : placement.replicas) {
    uint32_t most = 1;
    for (uint32_t p = 0; p < replica.peaCount; ++p)
      most = std::max(most, usersOf[peaOf(replica) + p]);
    replica.shareQ16 = replica.peaCount ? 65536 / most : 0;
  }
  return placement;
}

} // namespace octo::sched
