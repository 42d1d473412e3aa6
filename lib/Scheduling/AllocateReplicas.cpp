//===- AllocateReplicas.cpp - Replicas beside the homes -------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each to the PEAs that are loaded least with it, then from the busiest ones to
// others; and homes in reserve.
//
//===----------------------------------------------------------------------===//

#include "AllocatorImpl.h"

#include <algorithm>
#include <numeric>
#include <queue>
#include <tuple>

namespace octo::sched::allocation {

void Allocator::addLoad(uint32_t local, uint32_t first, uint32_t gang,
                        int64_t change) {
  const uint32_t peas = desc.peasPerTbu;
  for (uint32_t p = first; p < first + gang; ++p)
    loadOf[size_t(local) * peas + p] += uint64_t(change);
  for (uint32_t c = 0; c < numPeaClasses; ++c) {
    uint64_t least = forever;
    for (const Run &run : runsOf(tbuOrder[local], c))
      for (uint32_t p = run.first; p < uint32_t(run.first) + run.count; ++p)
        least = std::min(least, loadOf[size_t(local) * peas + p]);
    leastLoad[c].set(local, least);
  }
}

/// Where one more replica of a task is loaded least, its own part included:
/// the TBU, `none` if there is no place. What it costs to load its code there
/// again and again, where the store is full, counts as load.
uint32_t Allocator::pieceSite(uint32_t block, uint32_t copy, uint32_t &first,
                              uint64_t &score) {
  constexpr uint32_t mostTbus = 64;
  const uint32_t gang = result.gang[block], kernel = problem.kernel[block];
  const uint64_t part = partOf(block);
  const uint64_t code = problem.codeBytes[kernel];
  const uint32_t home = homeTbu[block];
  uint32_t best = none, bestWay = 0;
  auto consider = [&](uint32_t local) {
    const std::vector<uint32_t> &resident = kernelsOf[local];
    uint64_t reload = 0;
    if (codeOf[local] + code > desc.configStore.bytes &&
        std::find(resident.begin(), resident.end(), kernel) == resident.end())
      reload = workOf(result.countQ16[block] / copies[block],
                      code / desc.configStore.bytesPerCycle);
    const uint32_t way =
        home == none ? 0
                     : topology.distance(tbuOrder[home] / desc.tbusPerCluster,
                                         tbuOrder[local] / desc.tbusPerCluster);
    for (const Run &run : runsOf(tbuOrder[local], classOf(block)))
      for (uint32_t p = run.first; p + gang <= uint32_t(run.first) + run.count;
           ++p) {
        uint64_t peak = 0;
        for (uint32_t q = p; q < p + gang; ++q)
          peak = std::max(peak, loadOf[size_t(local) * desc.peasPerTbu + q]);
        peak = addSat(peak, addSat(part, reload));
        if (best == none || std::tie(peak, way) < std::tie(score, bestWay))
          best = local, first = p, score = peak, bestWay = way;
      }
  };
  if (tbusPerLane <= mostTbus) {
    for (uint32_t local = 0; local < tbusPerLane; ++local)
      consider(local);
  } else {
    if (uint32_t least = leastLoad[classOf(block)].argMin(); least != none)
      consider(least);
    for (uint32_t step = 0; home != none && step < 8; ++step)
      consider((home + copy + step) % tbusPerLane);
  }
  return best;
}

void Allocator::put(uint32_t block, uint32_t copy, uint32_t local,
                    uint32_t first) {
  const uint32_t gang = result.gang[block], kernel = problem.kernel[block];
  const uint32_t tbu = tbuOrder[local];
  addLoad(local, first, gang, int64_t(partOf(block)));
  std::vector<uint32_t> &resident = kernelsOf[local];
  if (std::find(resident.begin(), resident.end(), kernel) == resident.end()) {
    resident.push_back(kernel);
    codeOf[local] += problem.codeBytes[kernel];
  }
  placed[(size_t(base[block]) + copy) * lanes] =
      Replica{tbu / desc.tbusPerCluster,
              uint16_t(tbu % desc.tbusPerCluster),
              uint16_t(first),
              uint16_t(gang),
              mostPeas(block, tbu),
              0,
              false};
  positionOf[base[block] + copy] = local;
}

/// Places all replicas of the first lane but the first ones, large parts of the
/// load first.
void Allocator::spreadCopies() {
  std::vector<std::pair<uint32_t, uint32_t>> pieces; // block, copy
  for (uint32_t b = 0; b < numBlocks; ++b)
    for (uint32_t copy = 1; copy < copies[b]; ++copy)
      pieces.emplace_back(b, copy);
  std::sort(pieces.begin(), pieces.end(), [&](const auto &x, const auto &y) {
    return std::make_tuple(~partOf(x.first), x) <
           std::make_tuple(~partOf(y.first), y);
  });
  for (auto [b, copy] : pieces) {
    uint32_t first = 0;
    uint64_t score = 0;
    uint32_t local = pieceSite(b, copy, first, score);
    if (local == none) {
      // The lane lacks the class or the run: beside the first replica.
      placed[(size_t(base[b]) + copy) * lanes] =
          placed[size_t(base[b]) * lanes];
      continue;
    }
    put(b, copy, local, first);
  }
}

/// Takes parts of the load from the busiest PEAs, as long as that makes the
/// busiest one less busy. Tasks that a timetable holds, and pinned ones, stay.
void Allocator::evenOut() {
  const uint32_t peas = desc.peasPerTbu;
  struct Piece {
    uint32_t block, copy;
  };
  std::vector<std::vector<Piece>> piecesOn(size_t(tbusPerLane) * peas);
  size_t movable = 0;
  for (uint32_t b = 0; b < numBlocks; ++b) {
    if (!problem.isTask(b) ||
        (!problem.dynamicTime[b] && !problem.dynamicFrequency[b]) ||
        isPinned(b))
      continue;
    for (uint32_t copy = 0; copy < copies[b]; ++copy) {
      const uint32_t local = positionOf[base[b] + copy];
      if (local == none)
        continue;
      const Replica &r = placed[(size_t(base[b]) + copy) * lanes];
      for (uint32_t p = 0; p < r.peaCount; ++p)
        piecesOn[size_t(local) * peas + r.peaFirst + p].push_back({b, copy});
      ++movable;
    }
  }
  // The busiest PEAs first; one from which nothing can go is done.
  std::priority_queue<std::pair<uint64_t, uint32_t>> busiest;
  for (uint32_t pea = 0; pea < loadOf.size(); ++pea)
    if (!piecesOn[pea].empty())
      busiest.push({loadOf[pea], pea});
  for (size_t round = 0; round < 4 * movable && !busiest.empty(); ++round) {
    auto [most, pea] = busiest.top();
    busiest.pop();
    if (most != loadOf[pea]) { // has changed since
      busiest.push({loadOf[pea], pea});
      continue;
    }
    std::vector<Piece> pieces = piecesOn[pea];
    std::sort(pieces.begin(), pieces.end(),
              [&](const Piece &x, const Piece &y) {
                return std::make_tuple(~partOf(x.block), x.block, x.copy) <
                       std::make_tuple(~partOf(y.block), y.block, y.copy);
              });
    for (const Piece &piece : pieces) {
      const uint32_t b = piece.block;
      const uint64_t part = partOf(b);
      const uint32_t from = positionOf[base[b] + piece.copy];
      const Replica old = placed[(size_t(base[b]) + piece.copy) * lanes];
      addLoad(from, old.peaFirst, old.peaCount, -int64_t(part));
      uint32_t first = 0;
      uint64_t score = 0;
      const uint32_t to = pieceSite(b, piece.copy, first, score);
      if (part == 0 || to == none || score >= most) {
        addLoad(from, old.peaFirst, old.peaCount, int64_t(part));
        continue;
      }
      for (uint32_t p = 0; p < old.peaCount; ++p)
        std::erase_if(piecesOn[size_t(from) * peas + old.peaFirst + p],
                      [&](const Piece &other) {
                        return other.block == b && other.copy == piece.copy;
                      });
      put(b, piece.copy, to, first);
      for (uint32_t p = 0; p < old.peaCount; ++p) {
        piecesOn[size_t(to) * peas + first + p].push_back(piece);
        busiest.push({loadOf[size_t(to) * peas + first + p],
                      uint32_t(size_t(to) * peas + first + p)});
      }
      if (!piecesOn[pea].empty())
        busiest.push({loadOf[pea], pea});
      break;
    }
  }
}

/// Several replicas in one place are a larger part of the requests for it. What
/// all places of a block have in common is taken out.
void Allocator::foldCopies() {
  for (uint32_t b = 0; b < numBlocks; ++b) {
    if (copies[b] == 1)
      continue;
    std::vector<std::tuple<uint32_t, uint16_t, uint32_t>> sites;
    for (uint32_t copy = 0; copy < copies[b]; ++copy)
      sites.emplace_back(positionOf[base[b] + copy],
                         placed[(size_t(base[b]) + copy) * lanes].peaFirst,
                         copy);
    std::sort(sites.begin(), sites.end());
    auto samePlace = [&](size_t i, size_t j) {
      return std::get<0>(sites[i]) == std::get<0>(sites[j]) &&
             std::get<1>(sites[i]) == std::get<1>(sites[j]);
    };
    uint32_t common = 0;
    for (size_t i = 0, j = 0; i < sites.size(); i = j) {
      while (j < sites.size() && samePlace(i, j))
        ++j;
      common = std::gcd(common, uint32_t(j - i));
    }
    if (common == 1)
      continue;
    std::vector<uint32_t> kept;
    for (size_t i = 0, run = 0; i < sites.size(); ++i) {
      run = i && samePlace(i - 1, i) ? run + 1 : 0;
      if (run % common == 0)
        kept.push_back(std::get<2>(sites[i]));
    }
    std::sort(kept.begin(), kept.end());
    for (uint32_t i = 0; i < kept.size(); ++i) {
      placed[(size_t(base[b]) + i) * lanes] =
          placed[(size_t(base[b]) + kept[i]) * lanes];
      positionOf[base[b] + i] = positionOf[base[b] + kept[i]];
    }
    copies[b] = uint32_t(kept.size());
  }
}

/// A home in reserve, in the TBU after the active one, for tasks whose
/// frequency may rise and that have places in one TBU only.
void Allocator::placeStandby() {
  if (!options.standby || lanes > 1 || usableTbus.size() < 2)
    return;
  for (uint32_t b = 0; b < numBlocks; ++b) {
    bool elsewhere = false;
    for (uint32_t copy = 1; copy < copies[b]; ++copy)
      elsewhere |= positionOf[base[b] + copy] != positionOf[base[b]];
    if (!problem.isTask(b) || !problem.dynamicFrequency[b] || elsewhere ||
        isPinned(b))
      continue;
    const Replica &home = placed[base[b]];
    uint32_t at = usablePosition[home.cluster * desc.tbusPerCluster + home.tbu];
    uint32_t made = 0;
    for (uint32_t step = 1; step < std::min<size_t>(usableTbus.size(), 17) &&
                            made < options.standby;
         ++step) {
      uint32_t tbu = usableTbus[(at + step) % usableTbus.size()];
      for (const Run &run : runsOf(tbu, classOf(b)))
        if (run.count >= home.peaCount) {
          Replica replica = home;
          replica.cluster = tbu / desc.tbusPerCluster;
          replica.tbu = uint16_t(tbu % desc.tbusPerCluster);
          replica.peaFirst = run.first;
          replica.maxGang = mostPeas(b, tbu);
          replica.shareQ16 = 0;
          replica.standby = true;
          standbyOf[b].push_back(replica);
          ++made;
          break;
        }
    }
  }
}

} // namespace octo::sched::allocation
