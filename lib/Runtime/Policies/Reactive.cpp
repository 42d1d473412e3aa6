//===- Reactive.cpp - Static, with migration by thresholds ----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Places and gangs of the compiler. Once in a while (at the end of the epoch in
// which `window` instances a TBU have come since the last time) PEAs that were
// asked for more than `high` percent of their time, and for whom something
// waits, give work away: the replica with the largest load that fits moves to
// PEAs that were asked for less than `low`, or, where it is too large for any,
// gets a copy there and shares its instances with it. What waits follows, the
// code is loaded, later instances go there. What PEAs are asked for decides,
// not the lengths of queues: where producers wait for consumers these mislead.
//
//===----------------------------------------------------------------------===//

#include "Seats.h"

#include <algorithm>
#include <bit>

using namespace octo;

namespace {

class ReactivePolicy : public ChangingSeatPolicy {
public:
  ReactivePolicy(uint32_t maxGang, uint64_t high, uint64_t low, uint64_t window)
      : maxGang(maxGang), high(high), low(low), window(window) {}

  Expected<void> begin(Scheduler &s) override;
  Place choosePlace(Scheduler &s, InstanceId id, uint32_t first) override;
  void epoch(Scheduler &s) override;
  void save(std::vector<uint64_t> &words) const override;
  bool load(std::span<const uint64_t> words) override;

private:
  /// A replica of a task: one seat, or several that take turns.
  struct Replica {
    uint32_t workflow, block, kernel;
    std::vector<Seat> seats;
    uint32_t turn = 0;
    uint64_t arrived = 0; ///< cycles of the instances since the last look
    uint64_t load = 0;    ///< a look, moving average

    uint64_t loadOfSeat() const { return load / seats.size(); }
  };
  struct Target {
    Seat seat;
    uint64_t after = 0; ///< what the PEAs there would be asked for
  };

  uint64_t &demandOf(uint32_t tbu, uint32_t pea) {
    return demand[size_t(tbu) * 64 + pea];
  }
  uint64_t most(const Seat &seat);
  void book(const Seat &seat, uint64_t cycles, bool back);
  bool find(Scheduler &s, const Replica &replica, uint64_t cycles,
            uint64_t below, Target &best);
  bool relieve(Scheduler &s, uint32_t tbu, uint32_t pea, uint64_t limit);
  void follow(Scheduler &s, uint32_t replica, const Seat &from);
  void gather(Scheduler &s, uint32_t replica, uint64_t limit);

  uint32_t maxGang;
  uint64_t high, low, window;
  uint64_t lastLook = 0;
  uint64_t span = 0;      ///< cycles of a look, moving average
  uint64_t instances = 0; ///< since the last look
  std::vector<Replica> replicas;
  std::vector<uint32_t> firstReplica; ///< by block of all workflows
  std::vector<uint64_t> demand;       ///< by PEA, 64 a TBU
  std::vector<uint32_t> quiet;        ///< TBUs with PEAs below `low`
  std::vector<std::pair<uint64_t, uint64_t>> busy;
  std::vector<InstanceId> waiting;
};

} // namespace

Expected<void> ReactivePolicy::begin(Scheduler &s) {
  layOut(s);
  for (uint32_t w = 0; w < s.numWorkflows(); ++w)
    for (uint32_t b = 0; b < s.numBlocks(w); ++b) {
      firstReplica.push_back(static_cast<uint32_t>(replicas.size()));
      for (uint32_t r = 0; s.isTask(w, b) && r < s.numReplicas(w, b); ++r) {
        PeaMask peas = s.replicaPeas(w, b, r);
        if (s.replicaStandby(w, b, r) || !peas)
          break;
        uint32_t first = std::countr_zero(peas), end = std::bit_width(peas);
        uint32_t count = std::min(end - first, maxGang);
        replicas.push_back({w, b, s.outlook(w, b).kernel, {}});
        // Smaller gangs than the share take turns on it.
        for (; first + count <= end; first += count)
          replicas.back().seats.push_back(
              {s.replicaTbu(w, b, r), first, count});
      }
    }
  firstReplica.push_back(static_cast<uint32_t>(replicas.size()));
  demand.assign(size_t(s.numTbus()) * 64, 0);
  return {};
}

Place ReactivePolicy::choosePlace(Scheduler &s, InstanceId id, uint32_t) {
  InstanceInfo info = s.info(id);
  uint32_t block = blockBegin[info.workflow] + info.block;
  uint32_t routed = s.routedReplica(id);
  if (routed >= firstReplica[block + 1] - firstReplica[block])
    return {s.replicaTbu(info.workflow, info.block, routed), 0, 0};
  Replica &replica = replicas[firstReplica[block] + routed];
  // Of a few seats in turn the one with the shortest queue.
  const Seat *seat = nullptr;
  uint32_t least = noIndex;
  for (size_t i = 0; i < std::min<size_t>(replica.seats.size(), 4); ++i) {
    const Seat &next = replica.seats[replica.turn++ % replica.seats.size()];
    uint32_t queued = s.queueSize(s.firstLane(next.tbu) + next.first) * 2 +
                      ((s.freePeas(next.tbu) & next.mask()) != next.mask());
    if (queued < least) {
      least = queued;
      seat = &next;
    }
  }
  ++instances;
  replica.arrived += s.expectedCycles(
      info.workflow, info.block,
      std::max(s.variantGang(replica.kernel, seat->count), 1u));
  return placeOf(*seat);
}

/// The most that one of the PEAs of a seat is asked for.
uint64_t ReactivePolicy::most(const Seat &seat) {
  uint64_t result = 0;
  for (uint32_t p = seat.first; p < seat.first + seat.count; ++p)
    result = std::max(result, demandOf(seat.tbu, p));
  return result;
}

/// Books work at the PEAs of a seat, or takes it back.
void ReactivePolicy::book(const Seat &seat, uint64_t cycles, bool back) {
  for (uint32_t p = seat.first; p < seat.first + seat.count; ++p) {
    uint64_t &each = demandOf(seat.tbu, p);
    each = back ? each - cycles : each + cycles;
  }
}

/// The PEAs of a quiet TBU that would be asked for least, `below` something,
/// with `cycles` more. Where the code would take the place of other code
/// nothing is gained: it is only a question of time until that is wanted again.
bool ReactivePolicy::find(Scheduler &s, const Replica &replica, uint64_t cycles,
                          uint64_t below, Target &best) {
  bool found = false;
  const Seat &like = replica.seats.front();
  // Looks are bounded: they begin at the TBU of the replica.
  size_t begin = static_cast<size_t>(
      std::lower_bound(quiet.begin(), quiet.end(), like.tbu) - quiet.begin());
  for (size_t i = 0; i < std::min<size_t>(quiet.size(), 64); ++i) {
    uint32_t tbu = quiet[(begin + i) % quiet.size()];
    PeaMask eligible = s.eligiblePeas(tbu, replica.kernel);
    if (!s.codeHasRoom(tbu, replica.kernel))
      continue;
    for (PeaMask rest = eligible; rest; rest &= rest - 1) {
      uint32_t first = std::countr_zero(rest);
      if (uint32_t(std::countr_one(eligible >> first)) < like.count)
        continue;
      Target target = {{tbu, first, like.count}, 0};
      bool taken = std::any_of(
          replica.seats.begin(), replica.seats.end(), [&](const Seat &seat) {
            return seat.tbu == tbu && (seat.mask() & target.seat.mask());
          });
      target.after = most(target.seat) + cycles;
      if (taken || target.after >= below)
        continue;
      if (!found || target.after < best.after) {
        best = target;
        found = true;
      }
    }
  }
  return found;
}

/// What waits at a seat for a replica goes where it would go now.
void ReactivePolicy::follow(Scheduler &s, uint32_t index, const Seat &from) {
  Replica &replica = replicas[index];
  std::span<const InstanceId> queue =
      s.queue(s.firstLane(from.tbu) + from.first);
  waiting.clear();
  for (InstanceId id : queue) {
    InstanceInfo info = s.info(id);
    if (info.workflow == replica.workflow && info.block == replica.block)
      waiting.push_back(id);
  }
  for (InstanceId id : waiting) {
    const Seat &seat = replica.seats[replica.turn++ % replica.seats.size()];
    if (seat.tbu != from.tbu || seat.first != from.first)
      s.moveTo(id, placeOf(seat));
  }
}

/// Moves or copies a replica that has a seat on an overloaded PEA; false if
/// nothing is gained.
bool ReactivePolicy::relieve(Scheduler &s, uint32_t tbu, uint32_t pea,
                             uint64_t limit) {
  uint64_t here = demandOf(tbu, pea);
  struct {
    uint32_t replica = noIndex, seat = 0;
    uint64_t cycles = 0;
    bool copy = false;
    Target to;
  } best;
  for (uint32_t r = 0; r < replicas.size(); ++r) {
    const Replica &replica = replicas[r];
    for (uint32_t i = 0; i < replica.seats.size(); ++i) {
      const Seat &seat = replica.seats[i];
      uint64_t cycles = replica.loadOfSeat();
      if (seat.tbu != tbu || !(seat.mask() >> pea & 1) || cycles <= best.cycles)
        continue;
      Target to;
      uint64_t shared = replica.load / (replica.seats.size() + 1);
      if (find(s, replica, cycles, std::min(here, limit), to))
        best = {r, i, cycles, false, to};
      else if (find(s, replica, shared, std::min(here, limit), to))
        best = {r, i, cycles, true, to};
    }
  }
  if (best.replica == noIndex)
    return false;
  Replica &replica = replicas[best.replica];
  Seat from = replica.seats[best.seat];
  for (const Seat &seat : replica.seats)
    book(seat, replica.loadOfSeat(), /*back=*/true);
  if (best.copy)
    replica.seats.push_back(best.to.seat);
  else
    replica.seats[best.seat] = best.to.seat;
  for (const Seat &seat : replica.seats)
    book(seat, replica.loadOfSeat(), /*back=*/false);
  s.prefetchCode(best.to.seat.tbu, replica.kernel);
  follow(s, best.replica, from);
  return true;
}

/// Gives up a copy whose share others take without being asked for more than
/// `limit`.
void ReactivePolicy::gather(Scheduler &s, uint32_t index, uint64_t limit) {
  Replica &replica = replicas[index];
  if (replica.seats.size() < 2)
    return;
  uint64_t share = replica.loadOfSeat();
  uint64_t more = share / (replica.seats.size() - 1);
  for (size_t i = 0; i + 1 < replica.seats.size(); ++i)
    if (most(replica.seats[i]) + more >= limit)
      return;
  Seat last = replica.seats.back();
  book(last, share, /*back=*/true);
  replica.seats.pop_back();
  for (const Seat &seat : replica.seats)
    book(seat, more, /*back=*/false);
  follow(s, index, last);
}

void ReactivePolicy::epoch(Scheduler &s) {
  if (instances < uint64_t(window) * s.numTbus())
    return;
  instances = 0;
  // The first look has nothing to average with.
  uint64_t past = span ? 3 : 0;
  span = (span * past + s.now() - lastLook) / (past + 1);
  lastLook = s.now();
  std::fill(demand.begin(), demand.end(), 0);
  for (Replica &replica : replicas) {
    replica.load = (replica.load * past + replica.arrived) / (past + 1);
    replica.arrived = 0;
    for (const Seat &seat : replica.seats)
      book(seat, replica.loadOfSeat(), /*back=*/false);
  }
  if (!span)
    return;
  uint64_t above = span * high / 100, below = span * low / 100;
  for (uint32_t r = 0; r < replicas.size(); ++r)
    gather(s, r, below / 2);
  busy.clear();
  quiet.clear();
  for (uint32_t tbu = 0; tbu < s.numTbus(); ++tbu) {
    bool isQuiet = false;
    for (PeaMask rest = s.livePeas(tbu); rest; rest &= rest - 1) {
      uint32_t pea = std::countr_zero(rest);
      uint64_t asked = demandOf(tbu, pea);
      isQuiet |= asked < below;
      if (asked > above && s.queueSize(s.firstLane(tbu) + pea))
        busy.emplace_back(asked, size_t(tbu) * 64 + pea);
    }
    if (isQuiet)
      quiet.push_back(tbu);
  }
  // Those that are asked for most first.
  std::sort(busy.begin(), busy.end(), [](const auto &a, const auto &b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  for (auto [asked, at] : busy)
    if (demand[at] > above && !quiet.empty())
      relieve(s, static_cast<uint32_t>(at / 64), at % 64, above);
}

void ReactivePolicy::save(std::vector<uint64_t> &words) const {
  words = {lastLook, span, instances};
  for (const Replica &replica : replicas) {
    words.insert(words.end(), {replica.turn, replica.arrived, replica.load});
    saveSeats(replica.seats, words);
  }
}

bool ReactivePolicy::load(std::span<const uint64_t> words) {
  if (words.size() < 3)
    return false;
  lastLook = words[0];
  span = words[1];
  instances = words[2];
  size_t at = 3;
  for (Replica &replica : replicas) {
    if (words.size() - at < 3)
      return false;
    replica.turn = static_cast<uint32_t>(words[at]);
    replica.arrived = words[at + 1];
    replica.load = words[at + 2];
    at += 3;
    if (!loadSeats(words, at, replica.seats) || replica.seats.empty())
      return false;
  }
  return at == words.size();
}

std::unique_ptr<Policy> octo::makeReactivePolicy(const PolicyOptions &options) {
  return std::make_unique<ReactivePolicy>(
      static_cast<uint32_t>(options.values[0]), options.values[1],
      options.values[2], options.values[3]);
}
