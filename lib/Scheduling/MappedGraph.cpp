//===- MappedGraph.cpp - Nodes that exchange much are joined --------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Heavy-edge matching, for nodes of unequal work.
//
//===----------------------------------------------------------------------===//

#include "MappedGraph.h"

#include <algorithm>
#include <numeric>

namespace octo::sched::mapping {

static void shuffle(std::vector<uint32_t> &nodes, uint64_t seed) {
  Numbers numbers(seed);
  for (size_t i = nodes.size(); i > 1; --i)
    std::swap(nodes[i - 1], nodes[numbers.next() % i]);
}

std::optional<Graph> coarsen(Graph &graph, uint64_t mostWork, uint32_t seed) {
  const uint32_t numNodes = graph.size();
  std::vector<uint32_t> mate(numNodes, none);
  auto mayJoin = [&](uint32_t a, uint32_t b) {
    return mate[b] == none && a != b && !graph.isFixed(b) &&
           graph.work[a] + graph.work[b] <= mostWork;
  };
  // Those with few partners first: they have the least choice.
  uint32_t mostDegree = 0;
  for (uint32_t v = 0; v < numNodes; ++v)
    mostDegree = std::max(mostDegree, graph.offsets[v + 1] - graph.offsets[v]);
  std::vector<uint32_t> order(numNodes), start(size_t(mostDegree) + 2, 0);
  for (uint32_t v = 0; v < numNodes; ++v)
    ++start[graph.offsets[v + 1] - graph.offsets[v] + 1];
  for (uint32_t d = 0; d <= mostDegree; ++d)
    start[d + 1] += start[d];
  std::vector<uint32_t> visit(numNodes);
  std::iota(visit.begin(), visit.end(), 0u);
  if (seed)
    shuffle(visit, seed);
  for (uint32_t v : visit)
    order[start[graph.offsets[v + 1] - graph.offsets[v]]++] = v;
  uint32_t pairs = 0;
  for (uint32_t v : order) {
    if (mate[v] != none || graph.isFixed(v))
      continue;
    uint32_t best = none, heaviest = 0;
    double most = 0;
    for (uint32_t i = graph.offsets[v]; i < graph.offsets[v + 1]; ++i)
      heaviest = std::max(heaviest, graph.weight[i]);
    for (uint32_t i = graph.offsets[v]; i < graph.offsets[v + 1]; ++i) {
      const uint32_t u = graph.other[i];
      // Who cannot get to what it belongs to shall not go elsewhere.
      if (graph.weight[i] < heaviest / 4 || !mayJoin(v, u))
        continue;
      const double rating = double(graph.weight[i]) * graph.weight[i] /
                            (double(graph.work[u]) + 1);
      if (rating > most)
        best = u, most = rating;
    }
    if (best != none)
      mate[v] = best, mate[best] = v, ++pairs;
  }
  // By what they lean on most.
  std::vector<uint32_t> waiting(numNodes, none);
  uint32_t alone = none;
  for (uint32_t v : order) {
    if (mate[v] != none || graph.isFixed(v))
      continue;
    uint32_t on = none, heaviest = 0;
    for (uint32_t i = graph.offsets[v]; i < graph.offsets[v + 1]; ++i)
      if (graph.weight[i] > heaviest)
        on = graph.other[i], heaviest = graph.weight[i];
    uint32_t &first = on == none ? alone : waiting[on];
    if (first != none && mayJoin(v, first)) {
      mate[v] = first, mate[first] = v, ++pairs;
      first = none;
    } else {
      first = v;
    }
  }
  if (uint64_t(pairs) * 20 < numNodes)
    return std::nullopt;

  Graph next;
  graph.joined.assign(numNodes, none);
  std::vector<uint32_t> members;
  for (uint32_t v = 0; v < numNodes; ++v)
    if (mate[v] == none || v < mate[v]) {
      graph.joined[v] = uint32_t(members.size());
      if (mate[v] != none)
        graph.joined[mate[v]] = graph.joined[v];
      members.push_back(v);
    }
  std::vector<uint32_t> seenAt(members.size(), none);
  next.offsets.push_back(0);
  next.other.reserve(graph.other.size());
  next.weight.reserve(graph.weight.size());
  for (uint32_t first : members) {
    const uint32_t self = graph.joined[first];
    const uint32_t begin = next.offsets.back();
    uint64_t work = 0;
    for (uint32_t v : {first, mate[first]}) {
      if (v == none)
        continue;
      work += graph.work[v];
      for (uint32_t i = graph.offsets[v]; i < graph.offsets[v + 1]; ++i) {
        const uint32_t u = graph.joined[graph.other[i]];
        if (u == self)
          continue;
        uint32_t &at = seenAt[u];
        if (at != none && at >= begin) {
          next.weight[at] += graph.weight[i];
        } else {
          at = uint32_t(next.other.size());
          next.other.push_back(u);
          next.weight.push_back(graph.weight[i]);
        }
      }
    }
    next.offsets.push_back(uint32_t(next.other.size()));
    next.work.push_back(work);
    if (!graph.fixed.empty())
      next.fixed.push_back(graph.fixed[first]);
  }
  return next;
}

} // namespace octo::sched::mapping
