//===- Seats.cpp - Tasks that own PEAs, and static-even -------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Seats.h"

#include <algorithm>
#include <bit>
#include <map>

using namespace octo;

void SeatPolicy::layOut(Scheduler &s) {
  uint32_t blocks = 0;
  for (uint32_t w = 0; w < s.numWorkflows(); ++w) {
    blockBegin.push_back(blocks);
    blocks += s.numBlocks(w);
  }
  seats.assign(blocks, {});
}

void SeatPolicy::shareEvenly(Scheduler &s, uint32_t maxGang) {
  // Which PEAs can run a kernel depends on its class alone: kernels with the
  // same PEAs share them.
  struct Group {
    std::vector<Seat> peas; ///< count: how many follow without a break
    std::vector<std::pair<uint32_t, uint32_t>> tasks;
  };
  std::map<uint32_t, Group> groups;
  for (uint32_t w = 0; w < s.numWorkflows(); ++w)
    for (uint32_t b = 0; b < s.numBlocks(w); ++b)
      if (s.isTask(w, b))
        groups[s.peaClass(s.outlook(w, b).kernel)].tasks.emplace_back(w, b);
  for (auto &[peaClass, group] : groups) {
    auto [w, b] = group.tasks.front();
    uint32_t kernel = s.outlook(w, b).kernel;
    for (uint32_t tbu = 0; tbu < s.numTbus(); ++tbu) {
      PeaMask peas = s.eligiblePeas(tbu, kernel);
      for (PeaMask rest = peas; rest; rest &= rest - 1) {
        uint32_t first = std::countr_zero(rest);
        group.peas.push_back(
            {tbu, first, uint32_t(std::countr_one(peas >> first))});
      }
    }
  }
  for (auto &[peaClass, group] : groups) {
    const std::vector<Seat> &all = group.peas;
    size_t tasks = group.tasks.size();
    for (size_t i = 0; i < tasks && !all.empty(); ++i) {
      auto [w, b] = group.tasks[i];
      size_t begin = i * all.size() / tasks;
      size_t end = std::min(std::max(begin + 1, (i + 1) * all.size() / tasks),
                            all.size());
      uint32_t longest = 1;
      for (size_t k = begin; k < end; ++k)
        longest = std::max<uint32_t>(longest,
                                     std::min<size_t>(all[k].count, end - k));
      uint32_t kernel = s.outlook(w, b).kernel;
      uint64_t one = s.expectedCycles(w, b, 1);
      uint32_t gang = s.variantGang(kernel, std::min(longest, maxGang));
      while (gang > 1 && 10 * one < 7 * gang * s.expectedCycles(w, b, gang)) {
        uint32_t less = s.variantGang(kernel, gang - 1);
        if (!less)
          break;
        gang = less;
      }
      if (!gang) // No variant is as small as its part.
        gang = s.smallestGang(kernel);
      std::vector<Seat> &own = seatsOf(w, b);
      for (size_t k = begin; k + gang <= end;) {
        bool fits = all[k].count >= gang;
        if (fits)
          own.push_back({all[k].tbu, all[k].first, gang});
        k += fits ? gang : 1;
      }
      for (size_t k = 0; k < all.size() && own.empty(); ++k) {
        const Seat &at = all[(begin + k) % all.size()];
        if (at.count >= gang)
          own.push_back({at.tbu, at.first, gang});
      }
    }
  }
}

Place SeatPolicy::choosePlace(Scheduler &s, InstanceId id, uint32_t) {
  InstanceInfo info = s.info(id);
  const std::vector<Seat> &own = seatsOf(info.workflow, info.block);
  // Without a seat (no PEAs next to each other) where the program has it.
  if (own.empty())
    return {s.replicaTbu(info.workflow, info.block, s.routedReplica(id)), 0, 0};
  return placeOf(own[s.turn(id) % own.size()]);
}

/// Heads of all queues, best first. A head that does not fit keeps what it
/// needs from those behind it, so that large gangs get their turn.
void SeatPolicy::dispatch(Scheduler &s, uint32_t tbu, Trigger) {
  while (true) {
    heads.clear();
    for (uint32_t lane = s.firstLane(tbu); lane < s.firstLane(tbu + 1); ++lane)
      if (s.queueSize(lane))
        heads.push_back(s.queue(lane).front());
    if (heads.size() > 1)
      std::sort(heads.begin(), heads.end(),
                [&](InstanceId a, InstanceId b) { return s.precedes(a, b); });
    PeaMask taken = 0;
    bool started = false;
    for (InstanceId head : heads) {
      InstanceInfo info = s.info(head);
      PeaMask eligible = s.eligiblePeas(tbu, info.kernel);
      Seat seat = {tbu, s.laneOf(head), info.note};
      PeaMask share = info.note ? seat.mask() & eligible : eligible;
      uint32_t gang = s.variantGang(info.kernel, std::popcount(share));
      if (!gang && share != eligible) {
        // Too much of the seat has died.
        share = eligible;
        gang = s.smallestGang(info.kernel);
      }
      PeaMask free = s.freePeas(tbu) & share & ~taken;
      if (gang && uint32_t(std::popcount(free)) >= gang &&
          s.start(head, tbu, lowestPeas(free, gang))) {
        started = true;
        break;
      }
      taken |= share;
    }
    if (!started)
      return;
  }
}

//===----------------------------------------------------------------------===//
// static-even
//===----------------------------------------------------------------------===//

namespace {

/// What a compiler does that does not know how often a task runs and how long
/// it takes.
class StaticEvenPolicy : public SeatPolicy {
public:
  explicit StaticEvenPolicy(uint32_t maxGang) : maxGang(maxGang) {}

  Expected<void> begin(Scheduler &s) override {
    layOut(s);
    shareEvenly(s, maxGang);
    return {};
  }

private:
  uint32_t maxGang;
};

} // namespace

std::unique_ptr<Policy>
octo::makeStaticEvenPolicy(const PolicyOptions &options) {
  return std::make_unique<StaticEvenPolicy>(
      static_cast<uint32_t>(options.values[0]));
}

void ChangingSeatPolicy::saveSeats(const std::vector<Seat> &list,
                                   std::vector<uint64_t> &words) {
  words.push_back(list.size());
  for (const Seat &seat : list)
    words.push_back(uint64_t(seat.tbu) << 32 | uint64_t(seat.first) << 16 |
                    seat.count);
}

bool ChangingSeatPolicy::loadSeats(std::span<const uint64_t> words, size_t &at,
                                   std::vector<Seat> &list) {
  if (at >= words.size() || words.size() - at - 1 < words[at])
    return false;
  list.clear();
  for (uint64_t word : words.subspan(at + 1, words[at]))
    list.push_back({uint32_t(word >> 32), uint32_t(word >> 16 & 0xffff),
                    uint32_t(word & 0xffff)});
  at += 1 + list.size();
  return true;
}
