//===- Reactive.cpp - Static, with migration by thresholds ----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Places and gangs of the compiler. Once in a while (at the end of the epoch in
// which `window` instances a TBU have come since the last time) a TBU that was
// busier than `high` and has work waiting gives the replica with most of it to
// the nearest TBU that was less busy than `low`: instances that wait there
// move, its code is loaded, and later instances go there. Utilisation decides,
// not the lengths of queues: where producers wait for consumers these mislead.
//
//===----------------------------------------------------------------------===//

#include "Seats.h"

#include <algorithm>
#include <bit>

using namespace octo;

namespace {

class ReactivePolicy : public SeatPolicy {
public:
  ReactivePolicy(uint32_t maxGang, uint64_t high, uint64_t low, uint64_t window)
      : maxGang(maxGang), high(high), low(low), window(window) {}

  PolicyTraits traits() const override {
    PolicyTraits traits = SeatPolicy::traits();
    traits.epochs = true;
    return traits;
  }
  Expected<void> begin(Scheduler &s) override;
  Place choosePlace(Scheduler &s, InstanceId id, uint32_t first) override;
  void epoch(Scheduler &s) override;
  void save(std::vector<uint64_t> &words) const override;
  bool load(std::span<const uint64_t> words) override;

private:
  uint64_t demandOf(const Seat &seat) const;
  void book(const Seat &seat, uint64_t load, bool back);
  bool migrate(Scheduler &s, uint32_t from, uint32_t to);

  uint32_t maxGang;
  uint64_t high, low, window;
  std::vector<uint64_t> computed; ///< by TBU, at the last epoch
  uint64_t lastEpoch = 0;
  uint64_t instances = 0; ///< since then
  /// Work that came for each replica since the last epoch, and an epoch (moving
  /// average); what each PEA is asked for, 64 a TBU.
  std::vector<std::vector<uint64_t>> arrived, loads;
  std::vector<uint64_t> demand;
  std::vector<uint64_t> moves; ///< replicas that have moved, for `save`
};

} // namespace

Expected<void> ReactivePolicy::begin(Scheduler &s) {
  layOut(s);
  for (uint32_t w = 0; w < s.numWorkflows(); ++w)
    for (uint32_t b = 0; b < s.numBlocks(w); ++b)
      for (uint32_t r = 0; s.isTask(w, b) && r < s.numReplicas(w, b); ++r) {
        PeaMask peas = s.replicaPeas(w, b, r);
        if (s.replicaStandby(w, b, r) || !peas)
          break;
        uint32_t first = std::countr_zero(peas);
        uint32_t count = std::bit_width(peas) - first;
        seatsOf(w, b).push_back(
            {s.replicaTbu(w, b, r), first, std::min(count, maxGang)});
      }
  computed.assign(s.numTbus(), 0);
  for (const std::vector<Seat> &own : seats) {
    arrived.emplace_back(own.size(), 0);
    loads.emplace_back(own.size(), 0);
  }
  return {};
}

Place ReactivePolicy::choosePlace(Scheduler &s, InstanceId id, uint32_t) {
  InstanceInfo info = s.info(id);
  const std::vector<Seat> &own = seatsOf(info.workflow, info.block);
  uint32_t replica = s.routedReplica(id);
  if (replica >= own.size())
    return {s.replicaTbu(info.workflow, info.block, replica), 0, 0};
  ++instances;
  arrived[blockBegin[info.workflow] + info.block][replica] +=
      info.expectedCycles;
  return placeOf(own[replica]);
}

/// The most that one of the PEAs of a seat is asked for.
uint64_t ReactivePolicy::demandOf(const Seat &seat) const {
  uint64_t most = 0;
  for (uint32_t p = seat.first; p < seat.first + seat.count; ++p)
    most = std::max(most, demand[size_t(seat.tbu) * 64 + p]);
  return most;
}

/// Books the load of a replica at the PEAs of a seat, or takes it back.
void ReactivePolicy::book(const Seat &seat, uint64_t load, bool back) {
  for (uint32_t p = seat.first; p < seat.first + seat.count; ++p) {
    uint64_t &each = demand[size_t(seat.tbu) * 64 + p];
    each = back ? each - load / seat.count : each + load / seat.count;
  }
}

/// Moves a replica from `from` to `to`: of those with work waiting the one with
/// the largest load that leaves the PEAs there with less to do than those here
/// had; false if there is none.
bool ReactivePolicy::migrate(Scheduler &s, uint32_t from, uint32_t to) {
  std::vector<std::pair<uint32_t, uint32_t>> waiting; // block, lane
  for (uint32_t lane = s.firstLane(from); lane < s.firstLane(from + 1); ++lane)
    for (InstanceId id : s.queue(lane)) {
      InstanceInfo info = s.info(id);
      std::pair<uint32_t, uint32_t> key = {
          blockBegin[info.workflow] + info.block, lane};
      if (std::find(waiting.begin(), waiting.end(), key) == waiting.end())
        waiting.push_back(key);
    }
  struct {
    uint32_t block = noIndex, replica, lane, kernel;
    uint64_t load = 0;
    Seat there;
  } most;
  for (auto [block, lane] : waiting) {
    uint32_t workflow = static_cast<uint32_t>(
        std::upper_bound(blockBegin.begin(), blockBegin.end(), block) -
        blockBegin.begin() - 1);
    uint32_t kernel = s.outlook(workflow, block - blockBegin[workflow]).kernel;
    PeaMask eligible = s.eligiblePeas(to, kernel);
    for (uint32_t r = 0; r < seats[block].size(); ++r) {
      const Seat &seat = seats[block][r];
      uint64_t load = loads[block][r];
      if (seat.tbu != from || seat.first != lane - s.firstLane(from) ||
          load <= most.load)
        continue;
      // The PEAs there that have least to do.
      uint64_t least = demandOf(seat);
      for (PeaMask rest = eligible; rest; rest &= rest - 1) {
        uint32_t first = std::countr_zero(rest);
        if (uint32_t(std::countr_one(eligible >> first)) < seat.count)
          continue;
        Seat there = {to, first, seat.count};
        uint64_t after = demandOf(there) + load / seat.count;
        if (after < least) {
          least = after;
          most = {block, r, lane, kernel, load, there};
        }
      }
    }
  }
  if (most.block == noIndex)
    return false;
  Seat &seat = seats[most.block][most.replica];
  book(seat, most.load, true);
  book(most.there, most.load, false);
  seat = most.there;
  moves.insert(moves.end(),
               {most.block, most.replica,
                uint64_t(to) << 32 | uint64_t(seat.first) << 16 | seat.count});
  s.prefetchCode(to, most.kernel);
  std::span<const InstanceId> queue = s.queue(most.lane);
  std::vector<InstanceId> list(queue.begin(), queue.end());
  for (InstanceId id : list) {
    InstanceInfo info = s.info(id);
    if (blockBegin[info.workflow] + info.block == most.block)
      s.moveTo(id, placeOf(seat));
  }
  return true;
}

void ReactivePolicy::epoch(Scheduler &s) {
  if (instances < uint64_t(window) * s.numTbus())
    return;
  instances = 0;
  uint64_t span = s.now() - lastEpoch;
  lastEpoch = s.now();
  demand.assign(size_t(s.numTbus()) * 64, 0);
  for (size_t block = 0; block < seats.size(); ++block)
    for (size_t r = 0; r < seats[block].size(); ++r) {
      uint64_t &load = loads[block][r];
      load = (load * 3 + arrived[block][r]) / 4;
      arrived[block][r] = 0;
      book(seats[block][r], load, false);
    }
  std::vector<std::pair<uint64_t, uint32_t>> busy;
  std::vector<uint32_t> idle;
  for (uint32_t tbu = 0; tbu < s.numTbus(); ++tbu) {
    uint64_t before = computed[tbu];
    computed[tbu] = s.computedOfTbu(tbu);
    uint64_t peas = std::popcount(s.livePeas(tbu));
    if (!peas || !span)
      continue;
    uint64_t percent = (computed[tbu] - before) * 100 / (span * peas);
    if (percent > high) {
      uint64_t queued = 0;
      for (uint32_t l = s.firstLane(tbu); l < s.firstLane(tbu + 1); ++l)
        queued += s.queueSize(l);
      if (queued)
        busy.emplace_back(queued, tbu);
    } else if (percent < low) {
      idle.push_back(tbu);
    }
  }
  // The longest queues first, each to the nearest idle TBU; looks are bounded.
  std::sort(busy.begin(), busy.end(), [](const auto &a, const auto &b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  uint32_t per = s.tbusPerCluster();
  for (auto [queued, tbu] : busy) {
    if (idle.empty())
      return;
    size_t best = 0, looked = std::min<size_t>(idle.size(), 64);
    for (size_t i = 1; i < looked; ++i)
      if (s.distance(idle[i] / per, tbu / per) <
          s.distance(idle[best] / per, tbu / per))
        best = i;
    if (migrate(s, tbu, idle[best]))
      idle.erase(idle.begin() + static_cast<ptrdiff_t>(best));
  }
}

void ReactivePolicy::save(std::vector<uint64_t> &words) const {
  words = computed;
  words.insert(words.end(), {lastEpoch, instances});
  for (size_t block = 0; block < seats.size(); ++block)
    for (size_t r = 0; r < seats[block].size(); ++r)
      words.insert(words.end(), {arrived[block][r], loads[block][r]});
  words.insert(words.end(), moves.begin(), moves.end());
}

bool ReactivePolicy::load(std::span<const uint64_t> words) {
  size_t fixed = computed.size() + 2;
  for (const std::vector<Seat> &own : seats)
    fixed += 2 * own.size();
  if (words.size() < fixed || (words.size() - fixed) % 3)
    return false;
  std::copy_n(words.begin(), computed.size(), computed.begin());
  size_t at = computed.size();
  lastEpoch = words[at++];
  instances = words[at++];
  for (size_t block = 0; block < seats.size(); ++block)
    for (size_t r = 0; r < seats[block].size(); ++r) {
      arrived[block][r] = words[at++];
      loads[block][r] = words[at++];
    }
  moves.assign(words.begin() + static_cast<ptrdiff_t>(fixed), words.end());
  for (size_t i = 0; i < moves.size(); i += 3) {
    if (moves[i] >= seats.size() || moves[i + 1] >= seats[moves[i]].size())
      return false;
    seats[moves[i]][moves[i + 1]] = {uint32_t(moves[i + 2] >> 32),
                                     uint32_t(moves[i + 2] >> 16 & 0xffff),
                                     uint32_t(moves[i + 2] & 0xffff)};
  }
  return true;
}

std::unique_ptr<Policy> octo::makeReactivePolicy(const PolicyOptions &options) {
  return std::make_unique<ReactivePolicy>(
      static_cast<uint32_t>(options.values[0]), options.values[1],
      options.values[2], options.values[3]);
}
