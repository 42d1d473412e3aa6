//===- StreamNet.cpp - Buffers of streams that meet again -----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Groups of connected streams; in each the search for a negative cycle of the
// condition's weights (Bellman and Ford, with a queue).
//
//===----------------------------------------------------------------------===//

#include "octo/Target/StreamNet.h"

#include <algorithm>
#include <deque>
#include <numeric>

using namespace octo;

namespace {
/// All numbers of chunks divide it.
constexpr int64_t whole = 720720;

struct Arc {
  uint32_t from, to;
  uint32_t stream;
  int64_t weight;
};
} // namespace

/// The cycle of non-positive weight among the tasks of one group.
static std::optional<StreamDeadlock>
searchGroup(std::span<const StreamEdge> streams,
            std::span<const uint32_t> group) {
  std::vector<uint32_t> tasks;
  int64_t common = 1;
  for (uint32_t s : group) {
    tasks.push_back(streams[s].from);
    tasks.push_back(streams[s].to);
    common = std::lcm(common, int64_t(streams[s].chunks));
  }
  std::sort(tasks.begin(), tasks.end());
  tasks.erase(std::unique(tasks.begin(), tasks.end()), tasks.end());
  auto numberOf = [&](uint32_t task) {
    return uint32_t(std::lower_bound(tasks.begin(), tasks.end(), task) -
                    tasks.begin());
  };
  const uint32_t numTasks = uint32_t(tasks.size());
  if (numTasks > maxMixedStreamTasks)
    return StreamDeadlock{{group.begin(), group.end()}, noStream, 0};
  const int64_t step = whole / common;
  // Scaled, so that a cycle of weight 0 becomes a negative one.
  auto scaled = [&](int64_t weight) { return weight * numTasks - 1; };
  std::vector<Arc> arcs;
  for (uint32_t s : group) {
    const StreamEdge &e = streams[s];
    uint32_t from = numberOf(e.from), to = numberOf(e.to);
    int64_t chunk = whole / e.chunks;
    if (e.buffer + 1 < e.chunks)
      arcs.push_back({from, to, s, scaled(e.buffer * chunk + step)});
    arcs.push_back({to, from, s, scaled(step - chunk)});
  }
  std::sort(arcs.begin(), arcs.end(), [](const Arc &a, const Arc &b) {
    return a.from != b.from ? a.from < b.from : a.stream < b.stream;
  });
  std::vector<uint32_t> begin(numTasks + 1, 0);
  for (const Arc &arc : arcs)
    ++begin[arc.from + 1];
  std::partial_sum(begin.begin(), begin.end(), begin.begin());

  std::vector<int64_t> distance(numTasks, 0);
  std::vector<uint32_t> by(numTasks, ~0u), length(numTasks, 0);
  std::vector<uint8_t> queued(numTasks, 1);
  std::deque<uint32_t> queue(numTasks);
  std::iota(queue.begin(), queue.end(), 0u);
  while (!queue.empty()) {
    uint32_t at = queue.front();
    queue.pop_front();
    queued[at] = 0;
    for (uint32_t a = begin[at]; a < begin[at + 1]; ++a) {
      const Arc &arc = arcs[a];
      if (distance[at] + arc.weight >= distance[arc.to])
        continue;
      distance[arc.to] = distance[at] + arc.weight;
      by[arc.to] = a;
      length[arc.to] = length[at] + 1;
      // So long a way may go round: step back into the cycle, then along it.
      uint32_t task = arc.to, steps = 0;
      if (length[arc.to] >= numTasks)
        while (steps < numTasks && by[task] != ~0u) {
          task = arcs[by[task]].from;
          ++steps;
        }
      if (steps == numTasks) {
        StreamDeadlock found;
        int64_t sum = 0;
        bool any = false;
        uint32_t stop = task;
        do {
          const Arc &back = arcs[by[task]];
          const StreamEdge &e = streams[back.stream];
          found.streams.push_back(back.stream);
          bool along = numberOf(e.to) == task;
          sum += along ? e.buffer * (whole / e.chunks) + step
                       : step - whole / e.chunks;
          if (along && !any) {
            any = true;
            found.widen = back.stream;
          }
          task = back.from;
        } while (task != stop);
        std::reverse(found.streams.begin(), found.streams.end());
        const StreamEdge &e = streams[found.widen];
        found.buffer = std::min<uint32_t>(
            e.chunks - 1, e.buffer + uint32_t(-sum / (whole / e.chunks)) + 1);
        return found;
      }
      length[arc.to] = steps ? steps : length[arc.to];
      if (!queued[arc.to]) {
        queued[arc.to] = 1;
        queue.push_back(arc.to);
      }
    }
  }
  return std::nullopt;
}

std::optional<StreamDeadlock>
octo::findStreamDeadlock(std::span<const StreamEdge> streams) {
  // Groups by union-find over the tasks.
  uint32_t numTasks = 0;
  for (const StreamEdge &e : streams)
    numTasks = std::max({numTasks, e.from + 1, e.to + 1});
  std::vector<uint32_t> parent(numTasks);
  std::iota(parent.begin(), parent.end(), 0u);
  auto find = [&](uint32_t task) {
    while (parent[task] != task)
      task = parent[task] = parent[parent[task]];
    return task;
  };
  // By group: do its streams meet again, and differ in chunks?
  std::vector<uint8_t> meets(numTasks, 0), differs(numTasks, 0);
  std::vector<uint32_t> chunks(numTasks, 0);
  for (const StreamEdge &e : streams) {
    uint32_t a = find(e.from), b = find(e.to);
    for (uint32_t root : {a, b}) {
      differs[root] |= chunks[root] && chunks[root] != e.chunks;
      chunks[root] = e.chunks;
    }
    if (a == b) {
      meets[a] = 1;
      continue;
    }
    parent[b] = a;
    meets[a] |= meets[b];
    differs[a] |= differs[b];
  }
  std::vector<uint32_t> order;
  for (uint32_t s = 0; s < streams.size(); ++s) {
    uint32_t root = find(streams[s].from);
    if (meets[root] && differs[root])
      order.push_back(s);
  }
  std::sort(order.begin(), order.end(), [&](uint32_t x, uint32_t y) {
    uint32_t a = find(streams[x].from), b = find(streams[y].from);
    return a != b ? a < b : x < y;
  });
  for (size_t i = 0, end; i < order.size(); i = end) {
    uint32_t root = find(streams[order[i]].from);
    for (end = i + 1;
         end < order.size() && find(streams[order[end]].from) == root; ++end) {
    }
    if (auto found = searchGroup(streams, std::span(order).subspan(i, end - i)))
      return found;
  }
  return std::nullopt;
}
