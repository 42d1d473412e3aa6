//===- ListScheduler.cpp - Problem, checks and list schedules -------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The checks are written straight from the rules and share nothing with the
// algorithms.
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace octo::sched {

Checked<void> checkTaskGraph(const TaskGraph &graph) {
  auto fail = [](uint32_t task, std::string message) {
    return tl::make_unexpected(Violation{task, {}, std::move(message)});
  };
  const uint32_t numTasks = graph.numTasks();
  const size_t pairs = size_t(graph.numNodes) * graph.numNodes;
  if (graph.kind.size() != numTasks ||
      (!graph.load.empty() && graph.load.size() != numTasks) ||
      graph.load.empty() != graph.room.empty() ||
      (!graph.room.empty() && graph.room.size() != graph.numProcessors))
    return fail(none, "the columns of the task graph differ in length");
  if (graph.latency.size() != pairs || graph.bytesPerCycle.size() != pairs)
    return fail(none, fmt::format("{} nodes need {} delays, not {}",
                                  graph.numNodes, pairs, graph.latency.size()));
  if (std::count(graph.bytesPerCycle.begin(), graph.bytesPerCycle.end(), 0u))
    return fail(none, "a way between two nodes moves no bytes");
  for (const std::vector<Site> &sites : graph.sites)
    for (const Site &site : sites)
      if (site.count == 0 || site.first >= graph.numProcessors ||
          site.count > graph.numProcessors - site.first ||
          site.node >= graph.numNodes)
        return fail(
            none, fmt::format("a site of processors {} to {} in node "
                              "{}, but there are {} and {}",
                              site.first, int64_t(site.first) + site.count - 1,
                              site.node, graph.numProcessors, graph.numNodes));
  for (uint32_t t = 0; t < numTasks; ++t)
    if (graph.kind[t] >= graph.sites.size() ||
        graph.sites[graph.kind[t]].empty())
      return fail(t, fmt::format("task {} has no site", t));
  for (const Edge &edge : graph.edges)
    if (edge.from >= edge.to || edge.to >= numTasks)
      return fail(edge.to < numTasks ? edge.to : none,
                  fmt::format("an edge from task {} to {}: the tasks are not "
                              "in a topological order",
                              edge.from, edge.to));
  return {};
}

std::vector<Violation> verifyTaskSchedule(const TaskGraph &graph,
                                          const TaskSchedule &schedule,
                                          size_t limit) {
  std::vector<Violation> found;
  auto report = [&](uint32_t task, std::string message,
                    std::vector<uint32_t> others = {}) {
    if (found.size() < limit)
      found.push_back({task, std::move(others), std::move(message)});
  };
  const uint32_t numTasks = graph.numTasks();
  if (schedule.site.size() != numTasks || schedule.start.size() != numTasks) {
    report(none, fmt::format("{} tasks, but {} starts", numTasks,
                             schedule.start.size()));
    return found;
  }
  struct Use {
    uint32_t processor;
    uint64_t start;
    uint64_t end;
    uint32_t task;
  };
  std::vector<Use> uses;
  std::vector<uint64_t> load(graph.numProcessors, 0);
  uint64_t makespan = 0;
  for (uint32_t t = 0; t < numTasks; ++t) {
    const std::vector<Site> &sites = graph.sites[graph.kind[t]];
    if (schedule.site[t] >= sites.size()) {
      report(t, fmt::format("task {} has site {} of {}", t, schedule.site[t],
                            sites.size()));
      return found;
    }
    const Site &site = sites[schedule.site[t]];
    const uint64_t end = schedule.start[t] + graph.cycles[t];
    makespan = std::max(makespan, end);
    for (uint32_t p = site.first; p < site.first + site.count; ++p) {
      uses.push_back({p, schedule.start[t], end, t});
      if (!graph.load.empty())
        load[p] += graph.load[t];
    }
  }
  for (const Edge &edge : graph.edges) {
    const Site &from =
        graph.sites[graph.kind[edge.from]][schedule.site[edge.from]];
    const Site &to = graph.sites[graph.kind[edge.to]][schedule.site[edge.to]];
    uint64_t there = schedule.start[edge.from] + graph.cycles[edge.from] +
                     graph.delay(edge, from.node, to.node);
    if (schedule.start[edge.to] < there)
      report(edge.to,
             fmt::format("task {} starts at {}, but its input of task {} is "
                         "there at {}",
                         edge.to, schedule.start[edge.to], edge.from, there),
             {edge.from});
  }
  std::sort(uses.begin(), uses.end(), [](const Use &a, const Use &b) {
    return std::tie(a.processor, a.start, a.end, a.task) <
           std::tie(b.processor, b.start, b.end, b.task);
  });
  for (size_t i = 1; i < uses.size(); ++i)
    if (uses[i].processor == uses[i - 1].processor &&
        uses[i].start < uses[i - 1].end)
      report(uses[i].task,
             fmt::format("task {} starts at {} on processor {}, which task {} "
                         "has until {}",
                         uses[i].task, uses[i].start, uses[i].processor,
                         uses[i - 1].task, uses[i - 1].end),
             {uses[i - 1].task});
  for (uint32_t p = 0; p < graph.room.size(); ++p)
    if (load[p] > graph.room[p])
      report(none, fmt::format("processor {} is loaded with {} of {}", p,
                               load[p], graph.room[p]));
  if (makespan != schedule.makespan)
    report(none, fmt::format("the last task ends at {}, not {}", makespan,
                             schedule.makespan));
  return found;
}

/// Kinds that share processors, directly or through others, form a pool.
namespace {
struct Pools {
  std::vector<uint32_t> ofKind;
  std::vector<uint64_t> processors; // by pool
  /// Processors of a task at least; sites of a kind may differ.
  std::vector<uint64_t> width; // by kind

  explicit Pools(const TaskGraph &graph)
      : ofKind(graph.sites.size()), processors(graph.sites.size(), 0),
        width(graph.sites.size(), none) {
    std::vector<uint32_t> user(graph.numProcessors, none);
    std::iota(ofKind.begin(), ofKind.end(), 0u);
    auto find = [&](uint32_t k) {
      while (ofKind[k] != k)
        k = ofKind[k] = ofKind[ofKind[k]];
      return k;
    };
    for (uint32_t k = 0; k < graph.sites.size(); ++k)
      for (const Site &site : graph.sites[k]) {
        width[k] = std::min<uint64_t>(width[k], site.count);
        for (uint32_t p = site.first; p < site.first + site.count; ++p) {
          if (user[p] == none)
            user[p] = k;
          ofKind[find(k)] = find(user[p]);
        }
      }
    for (uint32_t k = 0; k < ofKind.size(); ++k)
      ofKind[k] = find(k);
    for (uint32_t k : user)
      if (k != none)
        ++processors[ofKind[k]];
  }
  uint32_t of(const TaskGraph &graph, uint32_t task) const {
    return ofKind[graph.kind[task]];
  }
  uint64_t work(const TaskGraph &graph, uint32_t task) const {
    return graph.cycles[task] * width[graph.kind[task]];
  }
};
} // namespace

/// See PriorityRule::WorkLevel; the cycles of the task itself count.
static std::vector<uint64_t> workLevels(const TaskGraph &graph,
                                        const Pools &pools) {
  const uint32_t numTasks = graph.numTasks();
  const size_t words = (numTasks + 63) / 64;
  Adjacency out = groupEdges(graph.edges, numTasks, /*outgoing=*/true);
  std::vector<uint64_t> below(words * numTasks, 0); // descendants, as bits
  std::vector<uint64_t> tail(numTasks, 0), work(pools.processors.size());
  // All tasks by falling tail: those above `t` are settled.
  std::vector<uint32_t> settled;
  for (uint32_t t = numTasks; t-- > 0;) {
    uint64_t *mine = &below[words * t];
    for (uint32_t e : out.of(t)) {
      const uint32_t to = graph.edges[e].to;
      const uint64_t *theirs = &below[words * to];
      for (size_t w = 0; w < words; ++w)
        mine[w] |= theirs[w];
      mine[to / 64] |= uint64_t(1) << (to % 64);
      tail[t] = std::max(tail[t], graph.cycles[to] + tail[to]);
    }
    std::fill(work.begin(), work.end(), 0);
    for (uint32_t d : settled) {
      if (!(mine[d / 64] >> (d % 64) & 1))
        continue;
      const uint32_t pool = pools.of(graph, d);
      work[pool] += pools.work(graph, d);
      const uint64_t m = pools.processors[pool];
      tail[t] = std::max(tail[t], (work[pool] + m - 1) / m + tail[d]);
    }
    settled.insert(std::upper_bound(settled.begin(), settled.end(), t,
                                    [&](uint32_t a, uint32_t b) {
                                      return tail[a] > tail[b];
                                    }),
                   t);
  }
  for (uint32_t t = 0; t < numTasks; ++t)
    tail[t] += graph.cycles[t];
  return tail;
}

static constexpr uint32_t mostForWorkLevels = 2000;

uint64_t makespanBound(const TaskGraph &graph) {
  const uint32_t numTasks = graph.numTasks();
  const Pools pools(graph);
  // The head of each task: its chain of producers.
  std::vector<uint64_t> head(numTasks, 0);
  std::vector<uint64_t> work(pools.processors.size(), 0);
  Adjacency in = groupEdges(graph.edges, numTasks, /*outgoing=*/false);
  const bool small = numTasks <= mostForWorkLevels;
  std::vector<uint64_t> level = small ? workLevels(graph, pools) : graph.cycles;
  uint64_t bound = 0;
  for (uint32_t t = 0; t < numTasks; ++t) {
    for (uint32_t e : in.of(t)) {
      const uint32_t from = graph.edges[e].from;
      head[t] = std::max(head[t], head[from] + graph.cycles[from]);
    }
    bound = std::max(bound, head[t] + level[t]);
    work[pools.of(graph, t)] += pools.work(graph, t);
  }
  for (size_t k = 0; k < work.size(); ++k)
    if (const uint64_t m = pools.processors[k])
      bound = std::max(bound, (work[k] + m - 1) / m);
  return bound;
}

std::vector<uint64_t> priorities(const TaskGraph &graph, PriorityRule rule) {
  const uint32_t numTasks = graph.numTasks();
  if (rule == PriorityRule::WorkLevel && numTasks <= mostForWorkLevels)
    return workLevels(graph, Pools(graph));
  Adjacency out = groupEdges(graph.edges, numTasks, /*outgoing=*/true);
  Adjacency in = groupEdges(graph.edges, numTasks, /*outgoing=*/false);
  // The way to a neighbour stands for all ways: the shortest between two nodes,
  // or that within the only one.
  size_t way = 0;
  for (uint32_t a = 0; a < graph.numNodes; ++a)
    for (uint32_t b = 0; b < graph.numNodes; ++b)
      if (size_t at = size_t(a) * graph.numNodes + b;
          a != b && (way == 0 || graph.latency[at] < graph.latency[way]))
        way = at;
  const bool delays =
      rule == PriorityRule::UpwardRank || rule == PriorityRule::CriticalPath;
  auto delay = [&](const Edge &edge) {
    return delays ? graph.delay(edge, uint32_t(way / graph.numNodes),
                                uint32_t(way % graph.numNodes))
                  : 0;
  };
  std::vector<uint64_t> up(numTasks), down(numTasks, 0);
  for (uint32_t t = numTasks; t-- > 0;) {
    uint64_t tail = 0;
    for (uint32_t e : out.of(t)) {
      const Edge &edge = graph.edges[e];
      if (rule == PriorityRule::DependentWork)
        tail += up[edge.to] / in.of(edge.to).size();
      else
        tail = std::max(tail, up[edge.to] + delay(edge));
    }
    up[t] = graph.cycles[t] + tail;
  }
  if (rule == PriorityRule::CriticalPath) {
    for (uint32_t t = 0; t < numTasks; ++t)
      for (uint32_t e : in.of(t)) {
        const Edge &edge = graph.edges[e];
        down[t] = std::max(down[t], down[edge.from] + graph.cycles[edge.from] +
                                        delay(edge));
      }
    for (uint32_t t = 0; t < numTasks; ++t)
      up[t] += down[t];
  } else if (rule == PriorityRule::LevelThenSuccessors) {
    constexpr uint64_t most = 1023;
    for (uint32_t t = 0; t < numTasks; ++t)
      up[t] = std::min(up[t], ~uint64_t(0) / (most + 1) - 1) * (most + 1) +
              std::min<uint64_t>(out.of(t).size(), most);
  }
  return up;
}

TaskSchedule listSchedule(const TaskGraph &graph,
                          std::span<const uint64_t> priority) {
  Decoder decoder(graph);
  return decoder.list(priority, Direction::Forward);
}

TaskSchedule timeInOrder(const TaskGraph &graph,
                         std::span<const uint32_t> order,
                         std::span<const uint32_t> site) {
  TaskSchedule result;
  result.site.assign(site.begin(), site.end());
  result.start.resize(graph.numTasks());
  std::vector<uint32_t> binding(graph.numTasks());
  result.makespan = Decoder(graph).append(order, site, result.start, binding);
  return result;
}

} // namespace octo::sched
