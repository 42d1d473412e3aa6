//===- ExactSolver.h - Shortest schedules by branch and bound ---*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For small task graphs, in tests. Some shortest schedule starts every task as
// early as its inputs and its processor allow, given the order of starts; so
// all sites in all orders of rising starts are tried, depth first, without
// states that were seen or that cannot become shorter than what is known.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TEST_UNIT_SCHEDULING_EXACTSOLVER_H
#define OCTO_TEST_UNIT_SCHEDULING_EXACTSOLVER_H

#include "octo/Scheduling/ListScheduler.h"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_set>

namespace octo::sched {

/// Up to 32 tasks, each on one processor. Delays must not depend on which
/// processor of a node it is.
class ExactSolver {
public:
  /// Gives up after `mostStates` states.
  ExactSolver(const TaskGraph &graph, uint64_t known, size_t mostStates)
      : graph(graph), best(known), mostStates(mostStates),
        level(priorities(graph, PriorityRule::Level)),
        in(groupEdges(graph.edges, graph.numTasks(), false)),
        out(groupEdges(graph.edges, graph.numTasks(), true)),
        nodeOfProcessor(graph.numProcessors, 0), end(graph.numTasks(), 0),
        node(graph.numTasks(), 0), freeAt(graph.numProcessors, 0) {
    for (const std::vector<Site> &sites : graph.sites)
      for (const Site &site : sites)
        nodeOfProcessor[site.first] = site.node;
  }

  /// The shortest makespan, if it could be proven; no more than `known`.
  std::optional<uint64_t> solve() {
    search(0, 0, 0, 0);
    if (seen.size() >= mostStates)
      return std::nullopt;
    return best;
  }

private:
  /// No task that is left starts before `last`, nor at it if it has a number
  /// below `least`.
  void search(uint32_t done, uint64_t makespan, uint64_t last, uint32_t least) {
    const uint32_t numTasks = graph.numTasks();
    if (done == (numTasks == 32 ? ~0u : (1u << numTasks) - 1)) {
      best = std::min(best, makespan);
      return;
    }
    if (seen.size() >= mostStates ||
        !seen.insert(key(done, last, least)).second)
      return;
    struct Child {
      uint64_t bound;
      uint64_t start;
      uint32_t task;
      uint32_t processor;
    };
    // What is left, on all processors, ends no sooner than this.
    uint64_t work = 0;
    for (uint32_t p = 0; p < graph.numProcessors; ++p)
      work += std::max(freeAt[p], last);
    for (uint32_t t = 0; t < numTasks; ++t)
      if (!(done >> t & 1))
        work += graph.cycles[t];
    uint64_t bound = std::max(makespan, (work + graph.numProcessors - 1) /
                                            graph.numProcessors);
    // Heads of the tasks that are left: at the best node for the inputs that
    // are there, without delays after the others.
    std::vector<uint64_t> head(numTasks, last);
    for (uint32_t t = 0; t < numTasks; ++t) {
      if (done >> t & 1)
        continue;
      uint64_t soonest = ~uint64_t(0);
      for (uint32_t at = 0; at < graph.numNodes; ++at) {
        uint64_t there = last;
        for (uint32_t e : in.of(t)) {
          const Edge &edge = graph.edges[e];
          there =
              std::max(there, done >> edge.from & 1
                                  ? end[edge.from] +
                                        graph.delay(edge, node[edge.from], at)
                                  : head[edge.from] + graph.cycles[edge.from]);
        }
        soonest = std::min(soonest, there);
      }
      head[t] = soonest;
      bound = std::max(bound, head[t] + level[t]);
    }
    if (bound >= best)
      return;
    std::vector<Child> children;
    for (uint32_t t = 0; t < numTasks; ++t) {
      if (done >> t & 1)
        continue;
      bool ready = true;
      for (uint32_t e : in.of(t))
        ready &= done >> graph.edges[e].from & 1;
      if (!ready)
        continue;
      for (const Site &site : graph.sites[graph.kind[t]]) {
        const uint32_t p = site.first;
        // Processors of a node that are free at the same time are alike.
        bool twin = false;
        for (uint32_t q = 0; q < p; ++q)
          twin |= nodeOfProcessor[q] == site.node &&
                  std::max(freeAt[q], last) == std::max(freeAt[p], last);
        if (twin)
          continue;
        uint64_t start = freeAt[p];
        for (uint32_t e : in.of(t)) {
          const Edge &edge = graph.edges[e];
          start = std::max(start,
                           end[edge.from] +
                               graph.delay(edge, node[edge.from], site.node));
        }
        if (start > last || (start == last && t >= least))
          children.push_back({std::max(bound, start + level[t]), start, t, p});
      }
    }
    std::sort(children.begin(), children.end(),
              [](const Child &a, const Child &b) {
                return std::tie(a.bound, a.start, a.task, a.processor) <
                       std::tie(b.bound, b.start, b.task, b.processor);
              });
    for (const Child &child : children) {
      if (child.bound >= best)
        break;
      const uint64_t old = freeAt[child.processor];
      end[child.task] = freeAt[child.processor] =
          child.start + graph.cycles[child.task];
      node[child.task] = nodeOfProcessor[child.processor];
      search(done | 1u << child.task, std::max(makespan, end[child.task]),
             child.start, child.task);
      freeAt[child.processor] = old;
    }
  }

  /// What the future depends on: tasks done, where and when those ended that
  /// somebody waits for, when processors are free.
  std::string key(uint32_t done, uint64_t last, uint32_t least) const {
    std::vector<uint64_t> parts{done, last, least};
    for (uint32_t t = 0; t < graph.numTasks(); ++t) {
      bool needed = false;
      for (uint32_t e : out.of(t))
        needed |= !(done >> graph.edges[e].to & 1);
      if ((done >> t & 1) && needed)
        parts.push_back(end[t] << 8 | node[t]);
    }
    std::vector<uint64_t> processors;
    for (uint32_t p = 0; p < graph.numProcessors; ++p)
      processors.push_back(uint64_t(nodeOfProcessor[p]) << 48 |
                           std::max(freeAt[p], last));
    std::sort(processors.begin(), processors.end());
    parts.insert(parts.end(), processors.begin(), processors.end());
    return std::string(reinterpret_cast<const char *>(parts.data()),
                       parts.size() * sizeof(uint64_t));
  }

  const TaskGraph &graph;
  uint64_t best;
  const size_t mostStates;
  std::vector<uint64_t> level;
  Adjacency in, out;
  std::vector<uint32_t> nodeOfProcessor;
  std::vector<uint64_t> end;
  std::vector<uint32_t> node;
  std::vector<uint64_t> freeAt;
  std::unordered_set<std::string> seen;
};

} // namespace octo::sched

#endif // OCTO_TEST_UNIT_SCHEDULING_EXACTSOLVER_H
