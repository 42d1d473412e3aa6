//===- Elastic.cpp - Shares that follow the load --------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every task owns parts of the machine: gangs of a fixed size. Whenever
// `window` instances a task have come the parts are dealt out anew, in
// proportion to the work that came for each task (a moving average), at least
// one each; a bounded number of them changes hands. What waits for a part that
// is given away moves to another one of its task.
//
//===----------------------------------------------------------------------===//

#include "Seats.h"

#include <algorithm>
#include <bit>

using namespace octo;

namespace {

class ElasticPolicy : public ChangingSeatPolicy {
public:
  ElasticPolicy(uint32_t gang, uint64_t step, uint64_t window)
      : gang(gang), step(step), window(window) {}

  Expected<void> begin(Scheduler &s) override;
  Place choosePlace(Scheduler &s, InstanceId id, uint32_t first) override;
  void epoch(Scheduler &s) override;
  void save(std::vector<uint64_t> &words) const override;
  bool load(std::span<const uint64_t> words) override;

private:
  void dealOut(Scheduler &s, uint64_t percent, bool moveWaiting);
  void give(Scheduler &s, uint32_t from, uint32_t to, bool moveWaiting);
  const Seat &seatFor(Scheduler &s, uint32_t block);

  uint32_t gang;
  uint64_t step;
  uint64_t window;
  uint64_t instances = 0; ///< since shares were dealt out
  struct Task {
    uint32_t workflow, block, at; ///< at: into seats
    uint32_t peaClass;
    uint64_t arrived = 0; ///< work since the last epoch
    uint64_t load = 0;    ///< moving average, work an epoch
    uint64_t wanted = 0;
  };
  std::vector<Task> tasks;
  std::vector<uint32_t> taskOf; ///< by block
  std::vector<uint32_t> turns;  ///< by block
};

} // namespace

Expected<void> ElasticPolicy::begin(Scheduler &s) {
  layOut(s);
  shareEvenly(s, gang);
  taskOf.assign(seats.size(), noIndex);
  turns.assign(seats.size(), 0);
  for (uint32_t w = 0; w < s.numWorkflows(); ++w)
    for (uint32_t b = 0; b < s.numBlocks(w); ++b)
      if (s.isTask(w, b)) {
        BlockOutlook outlook = s.outlook(w, b);
        Task task = {w, b, blockBegin[w] + b, s.peaClass(outlook.kernel)};
        taskOf[task.at] = static_cast<uint32_t>(tasks.size());
        // Until something is measured the compiler's numbers count.
        task.load = (outlook.countQ16 * outlook.cycles) >> 16;
        tasks.push_back(task);
      }
  // Shares start where the compiler's frequencies put them.
  dealOut(s, 100, /*moveWaiting=*/false);
  return {};
}

/// Of a few parts in turn the one with the shortest queue.
const Seat &ElasticPolicy::seatFor(Scheduler &s, uint32_t block) {
  std::vector<Seat> &own = seats[block];
  uint32_t &turn = turns[block];
  const Seat *best = nullptr;
  uint32_t least = noIndex;
  for (size_t i = 0; i < std::min<size_t>(own.size(), 4); ++i) {
    const Seat &seat = own[turn++ % own.size()];
    uint32_t queued = s.queueSize(s.firstLane(seat.tbu) + seat.first) * 2 +
                      ((s.freePeas(seat.tbu) & seat.mask()) != seat.mask());
    if (queued < least) {
      least = queued;
      best = &seat;
    }
  }
  return *best;
}

Place ElasticPolicy::choosePlace(Scheduler &s, InstanceId id, uint32_t) {
  InstanceInfo info = s.info(id);
  uint32_t block = blockBegin[info.workflow] + info.block;
  ++instances;
  tasks[taskOf[block]].arrived += info.expectedCycles;
  if (seats[block].empty())
    return {s.replicaTbu(info.workflow, info.block, s.routedReplica(id)), 0, 0};
  return placeOf(seatFor(s, block));
}

/// The part of task `from` with the shortest queue goes to task `to`.
void ElasticPolicy::give(Scheduler &s, uint32_t from, uint32_t to,
                         bool moveWaiting) {
  std::vector<Seat> &own = seats[from];
  size_t best = 0;
  uint32_t least = noIndex;
  for (size_t i = 0; i < own.size(); ++i) {
    uint32_t queued = s.queueSize(s.firstLane(own[i].tbu) + own[i].first);
    if (queued < least) {
      least = queued;
      best = i;
    }
  }
  Seat seat = own[best];
  own.erase(own.begin() + static_cast<ptrdiff_t>(best));
  seats[to].push_back(seat);
  uint32_t lane = s.firstLane(seat.tbu) + seat.first;
  while (moveWaiting && s.queueSize(lane)) {
    std::span<const InstanceId> queue = s.queue(lane);
    std::vector<InstanceId> list(queue.begin(), queue.end());
    bool moved = false;
    for (InstanceId id : list) {
      InstanceInfo info = s.info(id);
      uint32_t block = blockBegin[info.workflow] + info.block;
      if (block == from)
        moved |= s.moveTo(id, placeOf(seatFor(s, block)));
    }
    if (!moved)
      break;
  }
}

void ElasticPolicy::epoch(Scheduler &s) {
  if (instances < uint64_t(window) * tasks.size())
    return;
  instances = 0;
  for (Task &task : tasks) {
    task.load = (task.load * 3 + task.arrived) / 4;
    task.arrived = 0;
  }
  dealOut(s, step, /*moveWaiting=*/true);
}

/// At most so many percent of the parts change hands.
void ElasticPolicy::dealOut(Scheduler &s, uint64_t percent, bool moveWaiting) {
  std::vector<uint32_t> group;
  for (uint32_t peaClass = 0; peaClass < 3; ++peaClass) {
    group.clear();
    uint64_t parts = 0, load = 0;
    for (uint32_t i = 0; i < tasks.size(); ++i)
      if (tasks[i].peaClass == peaClass && !seats[tasks[i].at].empty()) {
        group.push_back(i);
        parts += seats[tasks[i].at].size();
        load += tasks[i].load;
      }
    // Parts of several tasks are not dealt out.
    uint64_t all = 0;
    for (uint32_t tbu = 0; tbu < s.numTbus() && !group.empty(); ++tbu)
      all += std::popcount(s.eligiblePeas(
          tbu,
          s.outlook(tasks[group[0]].workflow, tasks[group[0]].block).kernel));
    if (!load || parts <= group.size() || parts > all)
      continue;
    // One each, the rest by largest remainders.
    uint64_t rest = parts - group.size(), dealt = 0;
    std::vector<std::pair<uint64_t, uint32_t>> remainders;
    for (uint32_t i : group) {
      auto product = static_cast<unsigned __int128>(rest) * tasks[i].load;
      tasks[i].wanted = 1 + static_cast<uint64_t>(product / load);
      dealt += tasks[i].wanted - 1;
      remainders.emplace_back(static_cast<uint64_t>(product % load), i);
    }
    std::sort(
        remainders.begin(), remainders.end(), [](const auto &a, const auto &b) {
          return a.first != b.first ? a.first > b.first : a.second < b.second;
        });
    for (size_t i = 0; dealt < rest; ++i, ++dealt)
      ++tasks[remainders[i % remainders.size()].second].wanted;
    uint64_t budget = std::max<uint64_t>(parts * percent / 100, 1);
    auto has = [&](uint32_t i) { return seats[tasks[i].at].size(); };
    size_t giver = 0, taker = 0;
    while (budget) {
      while (giver < group.size() &&
             has(group[giver]) <= tasks[group[giver]].wanted)
        ++giver;
      while (taker < group.size() &&
             has(group[taker]) >= tasks[group[taker]].wanted)
        ++taker;
      if (giver == group.size() || taker == group.size())
        break;
      give(s, tasks[group[giver]].at, tasks[group[taker]].at, moveWaiting);
      --budget;
    }
  }
}

void ElasticPolicy::save(std::vector<uint64_t> &words) const {
  words = {instances};
  for (const Task &task : tasks) {
    words.insert(words.end(), {task.arrived, task.load, turns[task.at]});
    saveSeats(seats[task.at], words);
  }
}

bool ElasticPolicy::load(std::span<const uint64_t> words) {
  if (words.empty())
    return false;
  instances = words[0];
  size_t at = 1;
  for (Task &task : tasks) {
    if (words.size() - at < 3)
      return false;
    task.arrived = words[at];
    task.load = words[at + 1];
    turns[task.at] = static_cast<uint32_t>(words[at + 2]);
    at += 3;
    if (!loadSeats(words, at, seats[task.at]))
      return false;
  }
  return at == words.size();
}

std::unique_ptr<Policy> octo::makeElasticPolicy(const PolicyOptions &options) {
  return std::make_unique<ElasticPolicy>(
      static_cast<uint32_t>(options.values[0]), options.values[1],
      options.values[2]);
}
