//===- Decoder.cpp - From an order of tasks to a schedule -----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Called many thousand times by a search, so it divides and allocates nothing
// in its loops.
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

#include <algorithm>
#include <queue>
#include <tuple>

namespace octo::sched {

Decoder::Decoder(const TaskGraph &graph)
    : graph(graph), busy(graph.numProcessors), freeAt(graph.numProcessors),
      loadOf(graph.numProcessors), ready(graph.numNodes),
      lastOn(graph.numProcessors) {
  const uint32_t numTasks = graph.numTasks();
  auto links = [&](bool outgoing, std::vector<uint32_t> &offsets,
                   std::vector<Link> &list) {
    Adjacency grouped = groupEdges(graph.edges, numTasks, outgoing);
    offsets = std::move(grouped.offsets);
    for (uint32_t e : grouped.edges)
      list.push_back({outgoing ? graph.edges[e].to : graph.edges[e].from, e});
  };
  links(false, inOffsets, ins);
  links(true, outOffsets, outs);

  std::vector<uint32_t> widths;
  for (uint32_t width : graph.bytesPerCycle) {
    auto at = std::find(widths.begin(), widths.end(), width);
    widthOf.push_back(uint16_t(at - widths.begin()));
    if (at == widths.end())
      widths.push_back(width);
  }
  numWidths = widths.size();
  moving.reserve(graph.edges.size() * numWidths);
  for (const Edge &edge : graph.edges)
    for (uint32_t width : widths)
      moving.push_back((edge.bytes + width - 1) / width);
}

uint64_t Decoder::firstGap(const Site &site, uint64_t start,
                           uint64_t cycles) const {
  for (bool moved = true; moved;) {
    moved = false;
    for (uint32_t p = site.first; p < site.first + site.count; ++p) {
      const std::vector<Interval> &list = busy[p];
      auto at = std::upper_bound(
          list.begin(), list.end(), start,
          [](uint64_t t, const Interval &i) { return t < i.end; });
      while (at != list.end() && at->begin < start + cycles) {
        start = at->end;
        moved = true;
        ++at;
      }
    }
    // With one processor nothing can have moved the start past another's gap.
    if (site.count == 1)
      break;
  }
  return start;
}

TaskSchedule Decoder::list(std::span<const uint64_t> priority,
                           Direction direction, std::span<const uint8_t> open) {
  const bool forward = direction == Direction::Forward;
  const uint32_t numTasks = graph.numTasks();
  TaskSchedule result;
  result.site.assign(numTasks, 0);
  result.start.assign(numTasks, 0);
  for (std::vector<Interval> &list : busy)
    list.clear();
  std::fill(loadOf.begin(), loadOf.end(), 0);
  waiting.resize(numTasks);
  auto less = [&](uint32_t a, uint32_t b) {
    return priority[a] != priority[b] ? priority[a] < priority[b] : a > b;
  };
  std::priority_queue<uint32_t, std::vector<uint32_t>, decltype(less)> queue(
      less);
  for (uint32_t t = 0; t < numTasks; ++t)
    if ((waiting[t] = uint32_t((forward ? before(t) : after(t)).size())) == 0)
      queue.push(t);

  while (!queue.empty()) {
    const uint32_t t = queue.top();
    queue.pop();
    const std::vector<Site> &sites = graph.sites[graph.kind[t]];
    steps += sites.size();
    std::fill(ready.begin(), ready.end(), 0);
    for (const Link &link : forward ? before(t) : after(t)) {
      const uint32_t from = siteOf(link.other, result.site[link.other]).node;
      const uint64_t end = result.start[link.other] + graph.cycles[link.other];
      for (uint32_t node = 0; node < graph.numNodes; ++node)
        ready[node] = std::max(ready[node],
                               end + (forward ? delay(link.edge, from, node)
                                              : delay(link.edge, node, from)));
    }
    // Fits before ends first before waits least.
    std::tuple<uint64_t, uint64_t, uint64_t> best{~0ull, ~0ull, ~0ull};
    uint32_t chosen = 0;
    for (uint32_t s = 0; s < sites.size(); ++s) {
      const Site &site = sites[s];
      if (!open.empty() && !open[site.node])
        continue;
      uint64_t over = 0;
      if (!graph.load.empty())
        for (uint32_t p = site.first; p < site.first + site.count; ++p)
          if (uint64_t load = loadOf[p] + graph.load[t]; load > graph.room[p])
            over = std::max(over, load - graph.room[p]);
      if (over > std::get<0>(best))
        continue;
      uint64_t start = firstGap(site, ready[site.node], graph.cycles[t]);
      uint64_t last = 0;
      for (uint32_t p = site.first; p < site.first + site.count; ++p)
        if (!busy[p].empty())
          last = std::max(last, busy[p].back().end);
      std::tuple<uint64_t, uint64_t, uint64_t> score{
          over, start, start > last ? start - last : 0};
      if (score < best) {
        best = score;
        chosen = s;
      }
    }
    const uint64_t start = std::get<1>(best), end = start + graph.cycles[t];
    const Site &site = sites[chosen];
    for (uint32_t p = site.first; p < site.first + site.count; ++p) {
      std::vector<Interval> &list = busy[p];
      auto at = list.end();
      // Tasks of no length stand before the one that starts with them.
      while (at != list.begin() && (at - 1)->begin >= start &&
             (at - 1)->end > start)
        --at;
      list.insert(at, {start, end});
      if (!graph.load.empty())
        loadOf[p] += graph.load[t];
    }
    result.site[t] = chosen;
    result.start[t] = start;
    result.makespan = std::max(result.makespan, end);
    for (const Link &link : forward ? after(t) : before(t))
      if (--waiting[link.other] == 0)
        queue.push(link.other);
  }
  return result;
}

uint64_t Decoder::append(std::span<const uint32_t> order,
                         std::span<const uint32_t> site,
                         std::vector<uint64_t> &start,
                         std::vector<uint32_t> &binding) {
  std::fill(freeAt.begin(), freeAt.end(), 0);
  std::fill(lastOn.begin(), lastOn.end(), none);
  uint64_t makespan = 0;
  for (uint32_t t : order) {
    const Site &at = siteOf(t, site[t]);
    uint64_t begin = 0;
    uint32_t bound = none;
    for (const Link &link : before(t)) {
      const uint32_t from = siteOf(link.other, site[link.other]).node;
      uint64_t there = start[link.other] + graph.cycles[link.other] +
                       delay(link.edge, from, at.node);
      if (there > begin)
        begin = there, bound = link.other;
    }
    for (uint32_t p = at.first; p < at.first + at.count; ++p)
      if (freeAt[p] > begin)
        begin = freeAt[p], bound = lastOn[p];
    const uint64_t end = begin + graph.cycles[t];
    for (uint32_t p = at.first; p < at.first + at.count; ++p)
      freeAt[p] = end, lastOn[p] = t;
    start[t] = begin;
    binding[t] = bound;
    makespan = std::max(makespan, end);
  }
  steps += order.size();
  return makespan;
}

} // namespace octo::sched
