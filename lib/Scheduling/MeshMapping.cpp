//===- MeshMapping.cpp - Graphs onto the clusters of a mesh ---------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Nodes that exchange much are joined until a few are left for each cluster
// (Walshaw, Cross, Future Generation Comput. Syst. 17(5), 2001). Recursive
// bisection of that graph is matched to that of the mesh (Ercal, Ramanujam,
// Sadayappan, J. Parallel Distrib. Comput. 10(1), 1990; Pellegrini, SHPCC
// 1994). Then, while the joined come apart again, greedy refinement on
// hop-bytes (Bhatele, Kale, "Heuristic-based techniques for mapping irregular
// communication graphs to mesh topologies", HPCC 2011), after a short annealing
// (Kirkpatrick, Gelatt, Vecchi, Science 220, 1983) that begins as cool as what
// the cuts have found out allows. Small graphs are mapped several times.
//
//===----------------------------------------------------------------------===//

#include "MeshMapper.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace octo::sched::mapping {

/// METIS counts in 32 bits: weights are scaled so that their sums fit.
static uint64_t scaleFor(unsigned __int128 sum) {
  return uint64_t(sum / (uint64_t(1) << 27)) + 1;
}

void Mapper::build(std::span<const uint64_t> work,
                   std::span<const Edge> edges) {
  const uint32_t numNodes = uint32_t(work.size());
  unsigned __int128 allBytes = 0, allWork = 0;
  auto counts = [&](const Edge &e) {
    return e.from != none && e.to != none && e.from != e.to;
  };
  for (const Edge &e : edges)
    if (counts(e))
      allBytes += e.bytes + 1;
  for (uint64_t w : work)
    allWork += w;
  // An edge without bytes still is a message.
  const uint64_t byteScale = scaleFor(2 * allBytes + numNodes);
  workScale = scaleFor(allWork + numNodes);
  graph.work.assign(work.begin(), work.end());
  graph.phase.assign(options.phase.begin(), options.phase.end());
  graph.fixed.assign(options.fixed.begin(), options.fixed.end());
  std::vector<uint32_t> &offsets = graph.offsets;
  offsets.assign(numNodes + 1, 0);
  for (const Edge &e : edges)
    if (counts(e))
      ++offsets[e.from + 1], ++offsets[e.to + 1];
  for (uint32_t v = 0; v < numNodes; ++v)
    offsets[v + 1] += offsets[v];
  std::vector<std::pair<uint32_t, uint32_t>> half(offsets[numNodes]);
  std::vector<uint32_t> next(offsets.begin(), offsets.end() - 1);
  for (const Edge &e : edges)
    if (counts(e)) {
      uint32_t w = uint32_t((e.bytes + 1) / byteScale) + 1;
      half[next[e.from]++] = {e.to, w};
      half[next[e.to]++] = {e.from, w};
    }
  uint32_t kept = 0;
  for (uint32_t v = 0; v < numNodes; ++v) {
    auto first = half.begin() + offsets[v],
         last = half.begin() + offsets[v + 1];
    std::sort(first, last);
    offsets[v] = kept;
    for (auto at = first; at != last; ++at)
      if (kept > offsets[v] && graph.other[kept - 1] == at->first) {
        graph.weight[kept - 1] += at->second;
      } else {
        graph.other.push_back(at->first);
        graph.weight.push_back(at->second);
        ++kept;
      }
  }
  offsets[numNodes] = kept;
}

void Mapper::measureDistances() {
  const size_t clusters = desc.numClusters();
  if (clusters > 4096)
    return;
  table.resize(clusters * clusters);
  for (uint32_t a = 0; a < clusters; ++a)
    for (uint32_t b = 0; b < clusters; ++b)
      table[a * clusters + b] =
          uint16_t(std::min(topology.distance(a, b), 0xffffu));
}

/// What each cluster may have of the work of the level at hand. Joined nodes
/// are coarse: unless it is to be exact, what is over by one of them comes
/// right later.
void Mapper::setLimits(bool exact) {
  unsigned __int128 room = 0;
  for (uint64_t c : capacity)
    room += c;
  std::vector<unsigned __int128> total(numPhases, 0);
  std::vector<uint64_t> heaviest(numPhases, 0);
  for (uint32_t v = 0; v < graph.size(); ++v) {
    const uint32_t p = graph.phaseOf(v);
    total[p] += graph.work[v];
    heaviest[p] = std::max(heaviest[p], graph.work[v]);
  }
  for (uint32_t c = 0; c < desc.numClusters(); ++c)
    for (uint32_t p = 0; p < numPhases && capacity[c]; ++p) {
      const uint64_t part = uint64_t(
          total[p] * capacity[c] / room * (65536 + options.imbalanceQ16) >> 16);
      limitOf[size_t(c) * numPhases + p] =
          std::max(part + (exact ? 0 : std::min(part / 16, heaviest[p] / 2)),
                   heaviest[p]);
    }
}

Checked<std::vector<uint32_t>> Mapper::run(std::span<const uint64_t> work,
                                           std::span<const Edge> edges) {
  std::vector<uint32_t> clusters;
  for (uint32_t c = 0; c < desc.numClusters(); ++c)
    if (capacity[c])
      clusters.push_back(c);
  if (clusters.empty())
    return tl::make_unexpected(Violation{
        none,
        {},
        fmt::format("machine '{}' has no cluster to place on", desc.name)});
  build(work, edges);
  measureDistances();
  // So many nodes a cluster still can be spread evenly. Those of several phases
  // are cut as they are.
  constexpr uint32_t joinedPerCluster = 24, piecesPerCluster = 18;
  const uint64_t allWork =
      std::accumulate(graph.work.begin(), graph.work.end(), uint64_t(0));
  workPerCapacity =
      double(allWork) /
      double(std::accumulate(capacity.begin(), capacity.end(), uint64_t(0)));
  const uint64_t mostWork = allWork / (clusters.size() * piecesPerCluster);
  const uint64_t mostDegree = std::max<uint64_t>(
      12, graph.other.size() * 3 / (2 * std::max<uint64_t>(1, graph.size())));
  while (numPhases == 1 && graph.size() > clusters.size() * joinedPerCluster) {
    std::optional<Graph> next = coarsen(graph, mostWork, trial);
    if (!next)
      break;
    // What has no parts that belong together gets dense: one cut of it is as
    // good as any other, and takes long.
    if (next->other.size() > mostDegree * next->size()) {
      effort = finer.empty() ? 1 : 2;
      break;
    }
    finer.push_back(std::move(graph));
    graph = std::move(*next);
  }

  const Coord all = {desc.meshWidth(), desc.meshHeight()};
  clusterOf.assign(graph.size(), none);
  localOf.assign(graph.size(), none);
  centre.assign(graph.size(), all);
  std::vector<uint32_t> nodes;
  for (uint32_t v = 0; v < graph.size(); ++v)
    if (graph.isFixed(v)) {
      // What is fixed lies outside of every part that is cut.
      clusterOf[v] = graph.fixed[v];
      const Coord at = desc.coordOf(clusterOf[v]);
      centre[v] = {2 * at.x, 2 * at.y};
    } else {
      nodes.push_back(v);
    }
  // Cut again and again, each time with all others where they were before
  // (placement feedback: Kahng, Reda, DAC 2004).
  const uint32_t mostRounds = numPhases > 1 || effort == 1 ? 1
                              : effort == mostEffort       ? 6
                                                           : 3;
  std::vector<uint32_t> best;
  int64_t least = 0;
  for (uint32_t round = 0; round < mostRounds; ++round) {
    again = round > 0;
    if (!bisect(nodes, clusters))
      return tl::make_unexpected(Violation{
          none,
          {},
          fmt::format("METIS could not split {} nodes", work.size())});
    int64_t sum = 0;
    for (uint32_t v = 0; v < graph.size(); ++v)
      sum += cost(v, clusterOf[v]);
    const bool enough = !best.empty() && sum > least - least / 64;
    if (best.empty() || sum < least) {
      best = clusterOf;
      least = sum;
    }
    if (enough)
      break;
  }
  clusterOf = std::move(best);
  for (;;) {
    setLimits(finer.empty());
    fillClusters();
    balance();
    refine();
    if (numPhases == 1) {
      refinePairs();
      setLimits(/*exact=*/true);
      if (anneal()) {
        refine();
        refinePairs();
      }
      refine();
    }
    if (finer.empty())
      break;
    graph = std::move(finer.back());
    finer.pop_back();
    std::vector<uint32_t> apart(graph.size());
    for (uint32_t v = 0; v < graph.size(); ++v)
      apart[v] = clusterOf[graph.joined[v]];
    clusterOf = std::move(apart);
  }
  return std::move(clusterOf);
}

} // namespace octo::sched::mapping

namespace octo::sched {

Checked<std::vector<uint32_t>> mapToMesh(std::span<const uint64_t> work,
                                         std::span<const Edge> edges,
                                         const Topology &topology,
                                         std::span<const uint64_t> capacity,
                                         const MappingOptions &options) {
  if (capacity.size() != topology.numClusters())
    return tl::make_unexpected(
        Violation{none,
                  {},
                  fmt::format("{} clusters, but capacities of {}",
                              topology.numClusters(), capacity.size())});
  for (const Edge &e : edges)
    if ((e.from != none && e.from >= work.size()) ||
        (e.to != none && e.to >= work.size()))
      return tl::make_unexpected(
          Violation{none, {}, "an edge leaves the nodes"});
  if (!options.fixed.empty() && options.fixed.size() != work.size())
    return tl::make_unexpected(
        Violation{none,
                  {},
                  fmt::format("{} nodes, but {} fixed places", work.size(),
                              options.fixed.size())});
  if (!options.phase.empty() && options.phase.size() != work.size())
    return tl::make_unexpected(
        Violation{none,
                  {},
                  fmt::format("{} nodes, but {} phases", work.size(),
                              options.phase.size())});
  for (uint32_t phase : options.phase)
    if (phase >= options.numPhases)
      return tl::make_unexpected(Violation{
          none, {}, fmt::format("phase {} of {}", phase, options.numPhases)});
  for (uint32_t cluster : options.fixed)
    if (cluster != none && cluster >= topology.numClusters())
      return tl::make_unexpected(
          Violation{none,
                    {},
                    fmt::format("a node is fixed to cluster {} of {}", cluster,
                                topology.numClusters())});
  // Where the cuts begin decides much on a small graph, and costs little.
  constexpr size_t mostTrials = 12, trialSize = 120000;
  const size_t trials =
      options.trials ? options.trials
      : options.numPhases > 1
          ? 1
          : std::clamp<size_t>(trialSize / (work.size() + edges.size() + 1), 1,
                               mostTrials);
  std::vector<uint32_t> best;
  uint64_t least = 0;
  for (uint32_t trial = 0; trial < trials; ++trial) {
    Checked<std::vector<uint32_t>> found =
        mapping::Mapper(topology, capacity, options, trial).run(work, edges);
    if (!found)
      return found;
    const uint64_t cost = hopBytes(edges, topology, *found);
    if (trial == 0 || cost < least) {
      best = std::move(*found);
      least = cost;
    }
  }
  return best;
}

uint64_t hopBytes(std::span<const Edge> edges, const Topology &topology,
                  std::span<const uint32_t> clusterOf) {
  uint64_t sum = 0;
  for (const Edge &e : edges)
    if (e.from != none && e.to != none)
      sum += e.bytes *
             uint64_t(topology.distance(clusterOf[e.from], clusterOf[e.to]));
  return sum;
}

} // namespace octo::sched
