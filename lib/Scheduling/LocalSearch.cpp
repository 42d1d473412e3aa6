//===- LocalSearch.cpp - Short schedules within a budget ------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// List schedules are good where tasks wait for processors, moves of critical
// tasks where they wait for messages; the search alternates between both.
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

#include <algorithm>
#include <numeric>

namespace octo::sched {

namespace {

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}
  uint64_t next() {
    uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  /// Below `n`, which is not 0.
  uint32_t below(uint32_t n) {
    return uint32_t((unsigned __int128)(next()) * n >> 64);
  }

private:
  uint64_t state;
};

class Search {
public:
  Search(const TaskGraph &graph, const SearchOptions &options)
      : graph(graph), options(options), decoder(graph), random(options.seed),
        numTasks(graph.numTasks()), bound(makespanBound(graph)) {
    best.makespan = ~uint64_t(0);
  }

  TaskSchedule run(const TaskSchedule *start);

private:
  bool done() const {
    return best.makespan <= bound || decoder.steps >= options.steps;
  }
  bool fits(const TaskSchedule &schedule) const;
  /// Keeps a schedule that is shorter; a backward one is turned round.
  bool keep(TaskSchedule schedule, Direction direction);
  void justify(std::vector<uint64_t> priority, unsigned rounds,
               std::span<const uint8_t> open = {});
  void gather();
  void perturb(uint64_t until);
  void lateAcceptance(const TaskSchedule &from, uint64_t until);
  TaskSchedule scatter();
  bool move();
  void undo();

  const TaskGraph &graph;
  const SearchOptions &options;
  Decoder decoder;
  Random random;
  const uint32_t numTasks;
  const uint64_t bound;
  TaskSchedule best;

  // The present solution of the late-acceptance search.
  std::vector<uint32_t> order, site, binding;
  std::vector<uint64_t> start, load;
  std::vector<uint32_t> place; // of a task in `order`
  std::vector<uint32_t> chain; // critical tasks
  // What the last move changed.
  uint32_t movedFrom = 0, movedTo = 0;
  std::vector<std::pair<uint32_t, uint32_t>> oldSites;

  void shift(uint32_t from, uint32_t to);
  void setSite(uint32_t task, uint32_t to);
};

bool Search::fits(const TaskSchedule &schedule) const {
  if (graph.load.empty())
    return true;
  std::vector<uint64_t> sum(graph.numProcessors, 0);
  for (uint32_t t = 0; t < numTasks; ++t) {
    const Site &at = decoder.siteOf(t, schedule.site[t]);
    for (uint32_t p = at.first; p < at.first + at.count; ++p)
      if ((sum[p] += graph.load[t]) > graph.room[p])
        return false;
  }
  return true;
}

bool Search::keep(TaskSchedule schedule, Direction direction) {
  if (schedule.makespan >= best.makespan || !fits(schedule))
    return false;
  if (direction == Direction::Backward)
    for (uint32_t t = 0; t < numTasks; ++t)
      schedule.start[t] =
          schedule.makespan - schedule.start[t] - graph.cycles[t];
  best = std::move(schedule);
  return true;
}

/// List schedules forwards and backwards in turn, each in the order in which
/// the tasks of the one before ended.
void Search::justify(std::vector<uint64_t> priority, unsigned rounds,
                     std::span<const uint8_t> open) {
  uint64_t shortest = ~uint64_t(0);
  Direction direction = Direction::Forward;
  for (unsigned round = 0, idle = 0; round < rounds && idle < 2 && !done();
       ++round) {
    TaskSchedule schedule = decoder.list(priority, direction, open);
    for (uint32_t t = 0; t < numTasks; ++t)
      priority[t] = schedule.start[t] + graph.cycles[t];
    idle = schedule.makespan < shortest ? 0 : idle + 1;
    shortest = std::min(shortest, schedule.makespan);
    keep(std::move(schedule), direction);
    direction = direction == Direction::Forward ? Direction::Backward
                                                : Direction::Forward;
  }
}

/// List schedules on 1, 2, 4, ... neighbouring nodes: where messages are dear,
/// a task that ends first far away is where nobody wants it.
void Search::gather() {
  // Around the node that has most of the work.
  std::vector<uint64_t> work(graph.numNodes, 0);
  for (uint32_t t = 0; t < numTasks; ++t)
    work[decoder.siteOf(t, best.site[t]).node] += graph.cycles[t];
  const uint32_t middle =
      uint32_t(std::max_element(work.begin(), work.end()) - work.begin());
  std::vector<uint32_t> near(graph.numNodes);
  std::iota(near.begin(), near.end(), 0u);
  auto latency = [&](uint32_t node) {
    return node == middle
               ? 0
               : 1 + graph.latency[size_t(middle) * graph.numNodes + node];
  };
  std::sort(near.begin(), near.end(), [&](uint32_t a, uint32_t b) {
    return latency(a) != latency(b) ? latency(a) < latency(b) : a < b;
  });
  std::vector<uint8_t> open(graph.numNodes);
  for (uint32_t size = 1; size < graph.numNodes && !done(); size *= 2) {
    std::fill(open.begin(), open.end(), 0);
    for (uint32_t i = 0; i < size; ++i)
      open[near[i]] = 1;
    // A kind that has no site there opens the first that it has.
    for (const std::vector<Site> &sites : graph.sites)
      if (!sites.empty() &&
          std::none_of(sites.begin(), sites.end(),
                       [&](const Site &site) { return open[site.node]; }))
        open[sites.front().node] = 1;
    justify(priorities(graph, PriorityRule::UpwardRank), 4, open);
    justify(priorities(graph, PriorityRule::WorkLevel), 4, open);
  }
}

/// New list schedules in orders near the best one.
void Search::perturb(uint64_t until) {
  std::vector<uint64_t> priority(numTasks);
  while (!done() && decoder.steps < until) {
    // Starts are shaken by up to a quarter of the schedule, mostly by less.
    const uint64_t reach = (best.makespan >> (2 + random.below(4))) + 1;
    for (uint32_t t = 0; t < numTasks; ++t)
      priority[t] = 2 * best.makespan - best.start[t] + random.next() % reach;
    justify(priority, 4);
  }
}

void Search::shift(uint32_t from, uint32_t to) {
  const uint32_t task = order[from];
  for (; from < to; ++from)
    place[order[from] = order[from + 1]] = from;
  for (; from > to; --from)
    place[order[from] = order[from - 1]] = from;
  place[order[to] = task] = to;
}

void Search::setSite(uint32_t task, uint32_t to) {
  oldSites.push_back({task, site[task]});
  if (!graph.load.empty()) {
    const Site &from = decoder.siteOf(task, site[task]);
    for (uint32_t p = from.first; p < from.first + from.count; ++p)
      load[p] -= graph.load[task];
    const Site &into = decoder.siteOf(task, to);
    for (uint32_t p = into.first; p < into.first + into.count; ++p)
      load[p] += graph.load[task];
  }
  site[task] = to;
}

void Search::undo() {
  shift(movedTo, movedFrom);
  while (!oldSites.empty()) {
    auto [task, old] = oldSites.back();
    setSite(task, old);
    oldSites.resize(oldSites.size() - 2);
  }
}

/// Changes order and sites a little; false if what came out has no room.
bool Search::move() {
  oldSites.clear();
  const uint32_t t = !chain.empty() && random.below(4)
                         ? chain[random.below(uint32_t(chain.size()))]
                         : random.below(numTasks);
  // Where in the order it may stand.
  uint32_t low = 0, high = numTasks - 1;
  for (const Decoder::Link &link : decoder.before(t))
    low = std::max(low, place[link.other] + 1);
  for (const Decoder::Link &link : decoder.after(t))
    high = std::min(high, place[link.other] - 1);
  movedFrom = movedTo = place[t];
  const uint32_t kind = random.below(8);
  const uint32_t numSites = uint32_t(graph.sites[graph.kind[t]].size());
  if (kind < 3 || numSites == 1) {
    // Earlier, before the task that it waited for where that is on its
    // processor; else anywhere.
    if (uint32_t other = binding[t];
        other != none && place[other] >= low && random.below(2))
      movedTo = place[other];
    else
      movedTo = low + random.below(high - low + 1);
  } else if (kind < 6) {
    // To another site, mostly one of a task that it exchanges data with.
    uint32_t to = random.below(numSites);
    auto in = decoder.before(t), out = decoder.after(t);
    if (uint32_t partners = uint32_t(in.size() + out.size());
        partners && random.below(2)) {
      uint32_t i = random.below(partners);
      uint32_t other = i < in.size() ? in[i].other : out[i - in.size()].other;
      if (graph.kind[other] == graph.kind[t])
        to = site[other];
    }
    setSite(t, to);
    // Now and then a partner comes along.
    if (uint32_t partners = uint32_t(in.size() + out.size());
        partners && random.below(3) == 0) {
      uint32_t i = random.below(partners);
      uint32_t other = i < in.size() ? in[i].other : out[i - in.size()].other;
      if (graph.kind[other] == graph.kind[t] && site[other] != to)
        setSite(other, to);
    }
    movedTo = random.below(2) ? movedFrom : low + random.below(high - low + 1);
  } else {
    // Change places with another.
    uint32_t other = random.below(numTasks);
    if (graph.kind[other] != graph.kind[t] || site[other] == site[t])
      return false;
    uint32_t mine = site[t];
    setSite(t, site[other]);
    setSite(other, mine);
  }
  shift(movedFrom, movedTo);
  if (!graph.load.empty())
    for (auto [task, old] : oldSites) {
      const Site &at = decoder.siteOf(task, site[task]);
      for (uint32_t p = at.first; p < at.first + at.count; ++p)
        if (load[p] > graph.room[p])
          return false;
    }
  return movedFrom != movedTo || !oldSites.empty();
}

/// A list schedule in an order and on nodes that chance picks, to start from
/// somewhere else.
TaskSchedule Search::scatter() {
  std::vector<uint64_t> priority(numTasks);
  for (uint64_t &p : priority)
    p = random.next() >> 1;
  std::vector<uint8_t> open(graph.numNodes);
  for (uint8_t &o : open)
    o = random.below(2);
  for (const std::vector<Site> &sites : graph.sites)
    if (!sites.empty() &&
        std::none_of(sites.begin(), sites.end(),
                     [&](const Site &site) { return open[site.node]; }))
      open[sites[random.below(uint32_t(sites.size()))].node] = 1;
  return decoder.list(priority, Direction::Forward, open);
}

void Search::lateAcceptance(const TaskSchedule &from, uint64_t until) {
  // The schedule as an order: by starts; producers have lower numbers.
  order.resize(numTasks);
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return from.start[a] != from.start[b] ? from.start[a] < from.start[b]
                                          : a < b;
  });
  site = from.site;
  place.resize(numTasks);
  for (uint32_t i = 0; i < numTasks; ++i)
    place[order[i]] = i;
  start.assign(numTasks, 0);
  binding.assign(numTasks, none);
  load.assign(graph.numProcessors, 0);
  if (!graph.load.empty())
    for (uint32_t t = 0; t < numTasks; ++t) {
      const Site &at = decoder.siteOf(t, site[t]);
      for (uint32_t p = at.first; p < at.first + at.count; ++p)
        load[p] += graph.load[t];
    }
  uint64_t present = decoder.append(order, site, start, binding);
  auto findChain = [&] {
    chain.clear();
    uint32_t last = 0;
    for (uint32_t t = 1; t < numTasks; ++t)
      if (start[t] + graph.cycles[t] > start[last] + graph.cycles[last])
        last = t;
    for (uint32_t t = last; t != none; t = binding[t])
      chain.push_back(t);
  };
  findChain();
  std::vector<uint64_t> newStart(numTasks);
  std::vector<uint32_t> newBinding(numTasks);
  constexpr uint32_t history = 256;
  std::vector<uint64_t> late(history, present);
  for (uint64_t step = 0; !done() && decoder.steps < until; ++step) {
    if (!move()) {
      undo();
      ++decoder.steps; // a look, too
      continue;
    }
    uint64_t makespan = decoder.append(order, site, newStart, newBinding);
    uint64_t &memory = late[step % history];
    if (makespan > present && makespan > memory) {
      undo();
    } else {
      present = makespan;
      start.swap(newStart);
      binding.swap(newBinding);
      findChain();
      if (present < best.makespan)
        keep({site, start, present}, Direction::Forward);
    }
    memory = std::min(memory, present);
  }
}

TaskSchedule Search::run(const TaskSchedule *given) {
  if (given)
    best = *given;
  if (numTasks == 0)
    return {};
  for (unsigned rule = 0; rule < numPriorityRules && !done(); ++rule)
    justify(priorities(graph, PriorityRule(rule)), 8);
  if (!done() && graph.numNodes > 1)
    gather();
  // A third each: from the best on, new lists near it, from somewhere else on.
  const uint64_t turn = std::max<uint64_t>(options.steps / 16, 1);
  while (!done()) {
    const TaskSchedule from = best;
    lateAcceptance(from, decoder.steps + turn);
    perturb(decoder.steps + turn);
    if (!done())
      lateAcceptance(scatter(), decoder.steps + turn);
  }
  return std::move(best);
}

} // namespace

TaskSchedule searchSchedule(const TaskGraph &graph,
                            const SearchOptions &options,
                            const TaskSchedule *start) {
  return Search(graph, options).run(start);
}

} // namespace octo::sched
