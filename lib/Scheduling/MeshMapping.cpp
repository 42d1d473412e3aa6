//===- MeshMapping.cpp - Graphs onto the clusters of a mesh ---------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Recursive bisection of the graph matched to that of the mesh (Ercal,
// Ramanujam, Sadayappan, J. Parallel Distrib. Comput. 10(1), 1990; Pellegrini,
// SHPCC 1994), then greedy refinement on hop-bytes (Bhatele, Kale,
// "Heuristic-based techniques for mapping irregular communication graphs to
// mesh topologies", HPCC 2011).
//
//===----------------------------------------------------------------------===//

#include "octo/Scheduling/MeshMapping.h"

#include <algorithm>
#include <limits>
#include <metis.h>
#include <numeric>
#include <tuple>

namespace octo::sched {

namespace {

class Mapper {
public:
  Mapper(std::span<const uint64_t> work, const Topology &topology,
         std::span<const uint64_t> capacity, const MappingOptions &options)
      : work(work), topology(topology), desc(topology.desc()),
        capacity(capacity), options(options), clusterOf(work.size(), none),
        centre(work.size()), numPhases(options.numPhases),
        loadOf(size_t(desc.numClusters()) * numPhases, 0),
        limitOf(loadOf.size(), 0) {}

  Checked<std::vector<uint32_t>> run(std::span<const Edge> edges);

private:
  void build(std::span<const Edge> edges);
  void measureDistances();
  bool bisect(std::vector<uint32_t> nodes, std::vector<uint32_t> clusters);
  uint32_t phaseOf(uint32_t node) const {
    return options.phase.empty() ? 0 : options.phase[node];
  }
  /// Of loadOf and limitOf.
  size_t at(uint32_t cluster, uint32_t node) const {
    return size_t(cluster) * numPhases + phaseOf(node);
  }
  bool hasRoom(uint32_t cluster, uint32_t node, uint64_t leaving = 0) const {
    return loadOf[at(cluster, node)] + work[node] - leaving <=
           limitOf[at(cluster, node)];
  }
  bool isFixed(uint32_t node) const {
    return !options.fixed.empty() && options.fixed[node] != none;
  }
  void fillClusters();
  void place(uint32_t node, uint32_t to);
  void balance();
  void refine();
  uint32_t distance(uint32_t a, uint32_t b) const {
    if (!table.empty())
      return table[size_t(a) * desc.numClusters() + b];
    return topology.distance(a, b);
  }
  int64_t cost(uint32_t node, uint32_t cluster) const {
    int64_t sum = 0;
    for (uint32_t i = offsets[node]; i < offsets[node + 1]; ++i)
      sum += int64_t(weight[i]) * distance(clusterOf[other[i]], cluster);
    return sum;
  }

  std::span<const uint64_t> work;
  const Topology &topology;
  const TargetDesc &desc;
  std::span<const uint64_t> capacity;
  const MappingOptions &options;
  // Both directions of each edge, parallel ones as one.
  std::vector<uint32_t> offsets, other;
  std::vector<uint32_t> weight;
  std::vector<uint32_t> workWeight; // scaled for METIS
  std::vector<uint16_t> table;      // distances, where they fit
  std::vector<uint32_t> clusterOf;
  std::vector<Coord> centre;     // of the part of the mesh that a node is in
  std::vector<uint32_t> localOf; // scratch: number of a node in a part
  const uint32_t numPhases;
  std::vector<uint64_t> loadOf, limitOf;      // by cluster and phase
  std::vector<std::vector<uint32_t>> nodesIn; // by cluster
  std::vector<uint32_t> indexIn;              // of a node in that
};

/// METIS counts in 32 bits: weights are scaled so that their sums fit.
uint64_t scaleFor(unsigned __int128 sum) {
  return uint64_t(sum / (uint64_t(1) << 27)) + 1;
}

void Mapper::build(std::span<const Edge> edges) {
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
  const uint64_t workScale = scaleFor(allWork + numNodes);
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
      if (kept > offsets[v] && other[kept - 1] == at->first) {
        weight[kept - 1] += at->second;
      } else {
        other.push_back(at->first);
        weight.push_back(at->second);
        ++kept;
      }
  }
  offsets[numNodes] = kept;
  for (uint64_t w : work)
    workWeight.push_back(uint32_t(w / workScale) + 1);
  localOf.assign(numNodes, none);
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

/// Splits clusters along the longer side of their bounding box and nodes in
/// proportion, until one cluster is left. False if METIS failed.
bool Mapper::bisect(std::vector<uint32_t> nodes,
                    std::vector<uint32_t> clusters) {
  if (nodes.empty())
    return true;
  if (clusters.size() == 1) {
    for (uint32_t v : nodes)
      clusterOf[v] = clusters[0];
    return true;
  }
  auto box = [&](std::span<const uint32_t> of) {
    Coord low = desc.coordOf(of[0]), high = low;
    for (uint32_t c : of) {
      Coord at = desc.coordOf(c);
      low.x = std::min(low.x, at.x), low.y = std::min(low.y, at.y);
      high.x = std::max(high.x, at.x), high.y = std::max(high.y, at.y);
    }
    return std::pair(low, high);
  };
  auto [low, high] = box(clusters);
  const bool wide = high.x - low.x >= high.y - low.y;
  std::sort(clusters.begin(), clusters.end(), [&](uint32_t a, uint32_t b) {
    Coord p = desc.coordOf(a), q = desc.coordOf(b);
    return wide ? std::tie(p.x, p.y) < std::tie(q.x, q.y)
                : std::tie(p.y, p.x) < std::tie(q.y, q.x);
  });
  // Whole columns (or rows) on each side, as near to a half as that gives.
  auto line = [&](size_t i) {
    Coord at = desc.coordOf(clusters[i]);
    return wide ? at.x : at.y;
  };
  size_t cut = clusters.size() / 2;
  for (size_t d = 0; d < clusters.size() / 2; ++d) {
    if (line(cut - d) != line(cut - d - 1)) {
      cut -= d;
      break;
    }
    if (cut + d + 1 < clusters.size() && line(cut + d + 1) != line(cut + d)) {
      cut += d + 1;
      break;
    }
  }
  std::vector<uint32_t> firstHalf(clusters.begin(), clusters.begin() + cut);
  std::vector<uint32_t> secondHalf(clusters.begin() + cut, clusters.end());
  auto sum = [&](std::span<const uint32_t> of) {
    double total = 0;
    for (uint32_t c : of)
      total += double(capacity[c]);
    return total;
  };
  const double left = sum(firstHalf), right = sum(secondHalf);

  // Doubled middles of both halves of the mesh.
  auto middle = [&](std::span<const uint32_t> of) {
    auto [a, b] = box(of);
    return Coord{a.x + b.x, a.y + b.y};
  };
  auto apart = [](Coord a, Coord b) {
    return int64_t(std::max(a.x, b.x) - std::min(a.x, b.x)) +
           int64_t(std::max(a.y, b.y) - std::min(a.y, b.y));
  };
  const Coord middles[2] = {middle(firstHalf), middle(secondHalf)};

  const uint32_t size = uint32_t(nodes.size());
  std::vector<idx_t> part(size + 2, 0);
  if (size == 2)
    part[1] = 1;
  // What nodes outside, in the middle of their parts, pull to the first half.
  std::vector<int64_t> pull(size, 0);
  for (uint32_t i = 0; i < size; ++i)
    localOf[nodes[i]] = i;
  std::vector<idx_t> begin{0}, to, bytes, weights;
  for (uint32_t i = 0; i < size; ++i) {
    const uint32_t v = nodes[i];
    for (uint32_t k = offsets[v]; k < offsets[v + 1]; ++k) {
      if (uint32_t local = localOf[other[k]]; local != none) {
        to.push_back(idx_t(local));
        bytes.push_back(idx_t(weight[k]));
      } else {
        const Coord there = centre[other[k]];
        pull[i] += int64_t(weight[k]) *
                   (apart(there, middles[1]) - apart(there, middles[0]));
      }
    }
    begin.push_back(idx_t(to.size()));
    for (uint32_t p = 0; p < numPhases; ++p)
      weights.push_back(p == phaseOf(v) ? idx_t(workWeight[v]) : 0);
  }
  for (uint32_t v : nodes)
    localOf[v] = none;
  // An edge that is cut is that much longer, in the units of pull.
  const int64_t length = std::max<int64_t>(1, apart(middles[0], middles[1]));
  const bool anchored =
      size > 2 && std::any_of(pull.begin(), pull.end(), [&](int64_t p) {
        return std::abs(p) * 2 >= length;
      });
  if (size > 2) {
    // What lies outside takes part as two nodes without work, one in each half
    // (a second weight that only they have keeps them apart).
    if (anchored) {
      std::vector<idx_t> joined{0}, ends, weightOf;
      std::vector<std::pair<idx_t, idx_t>> held[2];
      for (uint32_t i = 0; i < size; ++i) {
        ends.insert(ends.end(), to.begin() + begin[i],
                    to.begin() + begin[i + 1]);
        weightOf.insert(weightOf.end(), bytes.begin() + begin[i],
                        bytes.begin() + begin[i + 1]);
        if (const int64_t w = (std::abs(pull[i]) + length / 2) / length) {
          const int half = pull[i] < 0;
          const idx_t weight = idx_t(std::min<int64_t>(w, 1 << 27));
          ends.push_back(idx_t(size) + half);
          weightOf.push_back(weight);
          held[half].emplace_back(idx_t(i), weight);
        }
        joined.push_back(idx_t(ends.size()));
      }
      for (const auto &list : held) {
        for (auto [i, weight] : list) {
          ends.push_back(i);
          weightOf.push_back(weight);
        }
        joined.push_back(idx_t(ends.size()));
      }
      begin = std::move(joined), to = std::move(ends);
      bytes = std::move(weightOf);
      std::vector<idx_t> both;
      for (uint32_t i = 0; i < size; ++i) {
        both.insert(both.end(), weights.begin() + size_t(i) * numPhases,
                    weights.begin() + size_t(i + 1) * numPhases);
        both.push_back(0);
      }
      for (int half = 0; half < 2; ++half) {
        both.insert(both.end(), numPhases, 0);
        both.push_back(1);
      }
      weights = std::move(both);
    }
    idx_t count = idx_t(size) + (anchored ? 2 : 0);
    idx_t constraints = idx_t(numPhases) + (anchored ? 1 : 0), parts = 2,
          cutWeight = 0;
    const real_t first = real_t(left / (left + right));
    std::vector<real_t> targets;
    for (real_t part : {first, 1 - first}) {
      targets.insert(targets.end(), numPhases, part);
      if (anchored)
        targets.push_back(real_t(0.5));
    }
    idx_t settings[METIS_NOPTIONS];
    METIS_SetDefaultOptions(settings);
    // The first cuts decide over the longest ways: the best of several.
    settings[METIS_OPTION_NCUTS] =
        clusters.size() * 64 >= desc.numClusters() ? 3 : 1;
    // In thousandths; errors of the levels add up, so each gets a little.
    settings[METIS_OPTION_UFACTOR] = std::max<idx_t>(
        1, idx_t(uint64_t(options.imbalanceQ16) * 1000 / (65536 * 8)));
    // Halves of unequal size cannot change places: then another seed, until
    // the first node outside is in the first half.
    for (idx_t seed = 1; seed <= (anchored && left != right ? 4 : 1); ++seed) {
      settings[METIS_OPTION_SEED] = seed;
      if (METIS_PartGraphRecursive(
              &count, &constraints, begin.data(), to.data(), weights.data(),
              nullptr, bytes.data(), &parts, targets.data(), nullptr, settings,
              &cutWeight, part.data()) != METIS_OK)
        return false;
      if (part[size] == 0)
        break;
    }
  }
  // Which half of the nodes is pulled to which half of the mesh?
  int64_t straight = 0;
  for (uint32_t i = 0; i < size; ++i)
    straight += part[i] ? -pull[i] : pull[i];
  const bool swap = left == right && straight < 0;
  std::vector<uint32_t> nodesOf[2];
  for (uint32_t i = 0; i < size; ++i) {
    const int h = int(part[i]) ^ int(swap);
    centre[nodes[i]] = middles[h];
    nodesOf[h].push_back(nodes[i]);
  }
  nodes = {};
  return bisect(std::move(nodesOf[0]), std::move(firstHalf)) &&
         bisect(std::move(nodesOf[1]), std::move(secondHalf));
}

void Mapper::fillClusters() {
  nodesIn.resize(desc.numClusters());
  indexIn.resize(work.size());
  for (uint32_t v = 0; v < work.size(); ++v) {
    loadOf[at(clusterOf[v], v)] += work[v];
    indexIn[v] = uint32_t(nodesIn[clusterOf[v]].size());
    nodesIn[clusterOf[v]].push_back(v);
  }
}

void Mapper::place(uint32_t v, uint32_t to) {
  std::vector<uint32_t> &old = nodesIn[clusterOf[v]];
  indexIn[old.back()] = indexIn[v];
  old[indexIn[v]] = old.back();
  old.pop_back();
  loadOf[at(clusterOf[v], v)] -= work[v];
  clusterOf[v] = to;
  indexIn[v] = uint32_t(nodesIn[to].size());
  nodesIn[to].push_back(v);
  loadOf[at(to, v)] += work[v];
}

/// Clusters that got too much hand nodes to those around them: to one that has
/// room where that costs least, else on to one that has less.
void Mapper::balance() {
  constexpr uint32_t mostSweeps = 32;
  constexpr uint32_t mostNear = 24;
  std::vector<uint32_t> near;
  std::vector<uint32_t> seen(desc.numClusters(), none);
  uint32_t visit = 0;
  for (uint32_t sweep = 0; sweep < mostSweeps; ++sweep) {
    bool over = false;
    for (size_t i = 0; i < loadOf.size(); ++i) {
      const uint32_t here = uint32_t(i / numPhases);
      const uint32_t phase = uint32_t(i % numPhases);
      while (loadOf[i] > limitOf[i]) {
        over = true;
        // The next clusters around, in rings.
        near.assign(1, here);
        seen[here] = ++visit;
        for (size_t k = 0; k < near.size() && near.size() < mostNear; ++k)
          for (Direction d : {Direction::East, Direction::West,
                              Direction::North, Direction::South})
            if (uint32_t c = topology.neighbour(near[k], d);
                c != Topology::none && seen[c] != visit) {
              seen[c] = visit;
              near.push_back(c);
            }
        uint32_t node = none, to = none;
        bool fits = false;
        int64_t least = 0;
        for (uint32_t v : nodesIn[here])
          for (uint32_t c : near) {
            if (c == here || !capacity[c] || work[v] == 0 || isFixed(v) ||
                phaseOf(v) != phase)
              continue;
            const bool room = hasRoom(c, v);
            if ((!room && fits) || loadOf[at(c, v)] + work[v] >= loadOf[i])
              continue;
            // Without room, downhill counts; with it, the way of the data.
            const int64_t loss = room ? cost(v, c) - cost(v, here)
                                      : int64_t(loadOf[at(c, v)] + work[v]);
            if (node == none || room > fits || loss < least)
              node = v, to = c, fits = room, least = loss;
          }
        if (node == none)
          break;
        place(node, to);
      }
    }
    if (!over)
      break;
  }
}

/// Each node in turn goes where its edges are shortest, or changes places with
/// one there, if both together gain.
void Mapper::refine() {
  const uint32_t numNodes = uint32_t(work.size());
  std::vector<uint32_t> tried;
  for (uint32_t round = 0; round < options.rounds; ++round) {
    uint64_t moves = 0;
    for (uint32_t v = 0; v < numNodes; ++v) {
      if (offsets[v] == offsets[v + 1] || isFixed(v))
        continue;
      const uint32_t here = clusterOf[v];
      const int64_t now = cost(v, here);
      // Towards the heaviest partners, and one step in each direction.
      tried.clear();
      auto consider = [&](uint32_t c) {
        if (c != here && c != Topology::none && capacity[c] &&
            std::find(tried.begin(), tried.end(), c) == tried.end())
          tried.push_back(c);
      };
      for (Direction d : {Direction::East, Direction::West, Direction::North,
                          Direction::South})
        consider(topology.neighbour(here, d));
      for (uint32_t i = offsets[v]; i < offsets[v + 1] && tried.size() < 12;
           ++i)
        consider(clusterOf[other[i]]);
      uint32_t best = none, partner = none;
      int64_t bestGain = 0;
      for (uint32_t c : tried) {
        const int64_t gain = now - cost(v, c);
        if (gain <= bestGain)
          continue;
        if (hasRoom(c, v)) {
          best = c, partner = none, bestGain = gain;
          continue;
        }
        // No room: is there one that loses less by coming here?
        const std::vector<uint32_t> &there = nodesIn[c];
        const size_t most = std::min<size_t>(there.size(), 8);
        for (size_t k = 0; k < most; ++k) {
          const uint32_t u = there[(round + v + k) % there.size()];
          const bool together = phaseOf(u) == phaseOf(v);
          if (isFixed(u) || !hasRoom(c, v, together ? work[u] : 0) ||
              !hasRoom(here, u, together ? work[v] : 0))
            continue;
          int64_t both = gain + cost(u, c) - cost(u, here);
          // An edge between the two is counted as vanishing twice.
          for (uint32_t i = offsets[v]; i < offsets[v + 1]; ++i)
            if (other[i] == u)
              both -= 2 * int64_t(weight[i]) * distance(here, c);
          if (both > bestGain)
            best = c, partner = u, bestGain = both;
        }
      }
      if (best == none)
        continue;
      place(v, best);
      if (partner != none)
        place(partner, here);
      ++moves;
    }
    if (moves * 200 < numNodes)
      break;
  }
}

Checked<std::vector<uint32_t>> Mapper::run(std::span<const Edge> edges) {
  std::vector<uint32_t> nodes(work.size()), clusters;
  std::iota(nodes.begin(), nodes.end(), 0u);
  unsigned __int128 room = 0;
  for (uint32_t c = 0; c < desc.numClusters(); ++c)
    if (capacity[c]) {
      clusters.push_back(c);
      room += capacity[c];
    }
  if (clusters.empty())
    return tl::make_unexpected(Violation{
        none,
        {},
        fmt::format("machine '{}' has no cluster to place on", desc.name)});
  std::vector<unsigned __int128> total(numPhases, 0);
  std::vector<uint64_t> heaviest(numPhases, 0);
  for (uint32_t v = 0; v < work.size(); ++v) {
    total[phaseOf(v)] += work[v];
    heaviest[phaseOf(v)] = std::max(heaviest[phaseOf(v)], work[v]);
  }
  for (uint32_t c : clusters)
    for (uint32_t p = 0; p < numPhases; ++p)
      limitOf[size_t(c) * numPhases + p] =
          std::max(uint64_t(total[p] * capacity[c] / room *
                                (65536 + options.imbalanceQ16) >>
                            16),
                   heaviest[p]);
  build(edges);
  measureDistances();
  const Coord all = {desc.meshWidth(), desc.meshHeight()};
  std::fill(centre.begin(), centre.end(), all);
  // What is fixed lies outside of every part that is cut.
  for (uint32_t v = 0; v < work.size(); ++v)
    if (isFixed(v)) {
      clusterOf[v] = options.fixed[v];
      const Coord at = desc.coordOf(clusterOf[v]);
      centre[v] = {2 * at.x, 2 * at.y};
    }
  std::erase_if(nodes, [&](uint32_t v) { return isFixed(v); });
  if (!bisect(std::move(nodes), clusters))
    return tl::make_unexpected(Violation{
        none, {}, fmt::format("METIS could not split {} nodes", work.size())});
  fillClusters();
  balance();
  refine();
  return std::move(clusterOf);
}

} // namespace

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
  return Mapper(work, topology, capacity, options).run(edges);
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
