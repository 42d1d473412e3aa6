//===- Bisector.cpp - Graphs cut in two -----------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Joined, cut by growing one half, refined while they come apart again.
//
//===----------------------------------------------------------------------===//

#include "Bisector.h"

#include <algorithm>

namespace octo::sched::mapping {

Bisector::Score Bisector::score(const Graph &graph,
                                const std::vector<int64_t> &pull) const {
  std::array<uint64_t, 2> load{0, 0};
  int64_t cost = 0;
  for (uint32_t v = 0; v < graph.size(); ++v) {
    load[half[v]] += graph.work[v];
    cost += half[v] ? pull[v] : 0;
    for (uint32_t i = graph.offsets[v]; i < graph.offsets[v + 1]; ++i)
      if (graph.other[i] > v && half[graph.other[i]] != half[v])
        cost += int64_t(graph.weight[i]) * length;
  }
  return {over(load), cost};
}

/// The first half grows from one node by the best next one.
void Bisector::grow(const Graph &graph, const std::vector<int64_t> &pull,
                    uint32_t seed) {
  half.assign(graph.size(), 1);
  uint64_t all = 0, load = 0;
  for (uint64_t w : graph.work)
    all += w;
  const uint64_t wanted = uint64_t(double(all) * part);
  std::vector<Entry> &heap = heaps[0];
  heap.clear();
  gains.resize(graph.size());
  for (uint32_t v = 0; v < graph.size(); ++v)
    gains[v] = gainOf(graph, pull, v);
  uint32_t next = seed, scan = 0;
  while (load < wanted) {
    if (next == none) {
      while (!heap.empty() && next == none) {
        std::pop_heap(heap.begin(), heap.end());
        const Entry top = heap.back();
        heap.pop_back();
        if (half[top.node] && gains[top.node] == top.gain)
          next = top.node;
      }
      while (next == none && scan < graph.size())
        if (half[scan])
          next = scan;
        else
          ++scan;
      if (next == none)
        break;
    }
    const uint32_t v = next;
    next = none;
    if (load + graph.work[v] / 2 > wanted && load)
      break;
    half[v] = 0;
    load += graph.work[v];
    for (uint32_t i = graph.offsets[v]; i < graph.offsets[v + 1]; ++i) {
      const uint32_t u = graph.other[i];
      if (!half[u])
        continue;
      gains[u] += 2 * int64_t(graph.weight[i]) * length;
      heap.push_back({gains[u], u});
      std::push_heap(heap.begin(), heap.end());
    }
  }
}

void Bisector::refine(const Graph &graph, const std::vector<int64_t> &pull) {
  constexpr uint32_t mostPasses = 6;
  const uint32_t n = graph.size();
  const uint32_t patience = std::clamp<uint32_t>(n / 20, 50, 400);
  std::array<uint64_t, 2> load{0, 0};
  for (uint32_t v = 0; v < n; ++v)
    load[half[v]] += graph.work[v];
  gains.resize(n);
  for (uint32_t pass = 0; pass < mostPasses; ++pass) {
    state.assign(n, 0);
    moved.clear();
    for (std::vector<Entry> &heap : heaps)
      heap.clear();
    const bool spread = over(load) > 0;
    for (uint32_t v = 0; v < n; ++v) {
      bool edge =
          pull[v] != 0 || spread || graph.offsets[v] == graph.offsets[v + 1];
      int64_t gain = half[v] ? pull[v] : -pull[v];
      for (uint32_t i = graph.offsets[v]; i < graph.offsets[v + 1]; ++i) {
        const int64_t w = int64_t(graph.weight[i]) * length;
        if (half[graph.other[i]] == half[v])
          gain -= w;
        else
          gain += w, edge = true;
      }
      gains[v] = gain;
      if (edge) {
        state[v] = 1;
        heaps[half[v]].push_back({gain, v});
      }
    }
    for (std::vector<Entry> &heap : heaps)
      std::make_heap(heap.begin(), heap.end());
    Score now{over(load), 0}, best = now;
    size_t kept = 0;
    while (moved.size() < kept + patience) {
      // The best of each half that may go.
      for (int h = 0; h < 2; ++h) {
        std::vector<Entry> &heap = heaps[h];
        while (!heap.empty()) {
          const Entry top = heap.front();
          const bool stale = state[top.node] == 2 ||
                             gains[top.node] != top.gain || half[top.node] != h;
          const bool full =
              load[!h] + graph.work[top.node] > most[!h] && load[h] <= most[h];
          if (!stale && !full)
            break;
          std::pop_heap(heap.begin(), heap.end());
          heap.pop_back();
          if (!stale)
            state[top.node] = 0;
        }
      }
      int from;
      if (load[0] > most[0] && !heaps[0].empty())
        from = 0;
      else if (load[1] > most[1] && !heaps[1].empty())
        from = 1;
      else if (heaps[0].empty() && heaps[1].empty())
        break;
      else if (heaps[0].empty() || heaps[1].empty())
        from = heaps[0].empty();
      else
        from = heaps[0].front().gain < heaps[1].front().gain;
      std::vector<Entry> &heap = heaps[from];
      std::pop_heap(heap.begin(), heap.end());
      const uint32_t v = heap.back().node;
      heap.pop_back();
      now.cost -= gains[v];
      load[from] -= graph.work[v];
      load[!from] += graph.work[v];
      now.over = over(load);
      half[v] = uint8_t(!from);
      state[v] = 2;
      moved.push_back(v);
      for (uint32_t i = graph.offsets[v]; i < graph.offsets[v + 1]; ++i) {
        const uint32_t u = graph.other[i];
        if (state[u] == 2)
          continue;
        const int64_t w = 2 * int64_t(graph.weight[i]) * length;
        gains[u] += half[u] == from ? w : -w;
        state[u] = 1;
        std::vector<Entry> &its = heaps[half[u]];
        its.push_back({gains[u], u});
        std::push_heap(its.begin(), its.end());
      }
      if (now < best) {
        best = now;
        kept = moved.size();
      }
    }
    while (moved.size() > kept) {
      const uint32_t v = moved.back();
      moved.pop_back();
      load[half[v]] -= graph.work[v];
      half[v] ^= 1;
      load[half[v]] += graph.work[v];
    }
    if (kept == 0)
      break;
  }
}

std::vector<uint8_t> Bisector::run(uint32_t attempts, uint32_t first,
                                   std::vector<uint8_t> before) {
  Score best;
  std::vector<uint8_t> found;
  if (!before.empty()) {
    found = improve(std::move(before));
    half = found;
    best = score(levels[0], pulls[0]);
  }
  for (uint32_t i = 0; i < attempts; ++i) {
    attempt(first + i);
    const Score score = this->score(levels[0], pulls[0]);
    if (score < best) {
      best = score;
      found = half;
    }
  }
  return found;
}

void Bisector::attempt(uint32_t variant) {
  constexpr uint32_t fewest = 100, tries = 8;
  levels.resize(1);
  pulls.resize(1);
  uint64_t all = 0;
  for (uint64_t w : levels[0].work)
    all += w;
  const uint64_t mostWork = all / (fewest / 3);
  while (levels.back().size() > fewest) {
    std::optional<Graph> next = coarsen(levels.back(), mostWork, variant);
    if (!next)
      break;
    const Graph &before = levels.back();
    std::vector<int64_t> sums(next->size(), 0);
    for (uint32_t v = 0; v < before.size(); ++v)
      sums[before.joined[v]] += pulls.back()[v];
    pulls.push_back(std::move(sums));
    levels.push_back(std::move(*next));
  }
  // Where nodes are coarse, halves may be over by two of them.
  const std::array<uint64_t, 2> exact = most;
  auto setMost = [&](const Graph &graph) {
    const uint64_t slack =
        graph.size() < levels[0].size() ? 2 * all / graph.size() : 0;
    most = {exact[0] + slack, exact[1] + slack};
  };
  const Graph &coarsest = levels.back();
  setMost(coarsest);
  Score best;
  std::vector<uint8_t> found;
  const uint32_t n = coarsest.size();
  uint32_t seed =
      uint32_t(std::max_element(pulls.back().begin(), pulls.back().end()) -
               pulls.back().begin());
  for (uint32_t t = 0; t < tries; ++t) {
    grow(coarsest, pulls.back(), seed);
    refine(coarsest, pulls.back());
    const Score score = this->score(coarsest, pulls.back());
    if (score < best) {
      best = score;
      found = half;
    }
    seed = uint32_t(
        (uint64_t(variant * tries + t + 1) * 0x9e3779b97f4a7c15u >> 33) % n);
  }
  half = std::move(found);
  for (size_t level = levels.size() - 1; level-- > 0;) {
    const Graph &graph = levels[level];
    std::vector<uint8_t> apart(graph.size());
    for (uint32_t v = 0; v < graph.size(); ++v)
      apart[v] = half[graph.joined[v]];
    half = std::move(apart);
    setMost(graph);
    refine(graph, pulls[level]);
  }
  most = exact;
}

} // namespace octo::sched::mapping
