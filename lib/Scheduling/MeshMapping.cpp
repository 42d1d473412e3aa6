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

#include "octo/Scheduling/MeshMapping.h"

#include <algorithm>
#include <array>
#include <limits>
#include <metis.h>
#include <numeric>
#include <optional>
#include <tuple>

namespace octo::sched {

namespace {

/// What is mapped, at one level of joining.
struct Graph {
  std::vector<uint64_t> work;
  std::vector<uint8_t> phase;  // empty: all in the first one
  std::vector<uint32_t> fixed; // empty: none is
  // Both directions of each edge, parallel ones as one.
  std::vector<uint32_t> offsets, other;
  std::vector<uint32_t> weight;
  std::vector<uint32_t> joined; // the node of the next level

  uint32_t size() const { return uint32_t(work.size()); }
  uint32_t phaseOf(uint32_t node) const {
    return phase.empty() ? 0 : phase[node];
  }
  bool isFixed(uint32_t node) const {
    return !fixed.empty() && fixed[node] != none;
  }
};

/// Numbers that depend on the seed alone (Knuth's linear congruential MMIX).
class Numbers {
public:
  explicit Numbers(uint64_t seed) : state(seed) {}
  uint32_t next() {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return uint32_t(state >> 33);
  }
  uint32_t below(uint32_t limit) {
    return uint32_t((uint64_t(next()) * limit) >> 31);
  }

private:
  uint64_t state;
};

static void shuffle(std::vector<uint32_t> &nodes, uint64_t seed) {
  Numbers numbers(seed);
  for (size_t i = nodes.size(); i > 1; --i)
    std::swap(nodes[i - 1], nodes[numbers.next() % i]);
}

/// Joins nodes in pairs: those that exchange most for their work, then those
/// that have a partner in common, then those without any. None gets more than
/// `mostWork`. Nothing where few can be joined.
static std::optional<Graph> coarsen(Graph &graph, uint64_t mostWork,
                                    uint32_t seed = 0) {
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

/// Splits a graph in two. What counts is the weight of edges that are cut,
/// `length` each, and what nodes are pulled to the half that they are not in.
/// Multilevel (Hendrickson, Leland, SC 1995), each level refined as Fiduccia
/// and Mattheyses do (DAC 1982).
class Bisector {
public:
  /// `pull` is to the first half. `most` is what each half may have of the
  /// work.
  Bisector(Graph whole, std::vector<int64_t> pull, int64_t length,
           std::array<uint64_t, 2> most, double part)
      : length(length), most(most), part(part) {
    levels.push_back(std::move(whole));
    pulls.push_back(std::move(pull));
  }

  /// The half of each node; the best of `before`, if there is any, and of
  /// attempts, of which each has a number of its own from `first` on.
  std::vector<uint8_t> run(uint32_t attempts, uint32_t first,
                           std::vector<uint8_t> before);
  /// Halves that are there made better.
  std::vector<uint8_t> improve(std::vector<uint8_t> before) {
    half = std::move(before);
    refine(levels[0], pulls[0]);
    return std::move(half);
  }

private:
  void attempt(uint32_t variant);
  struct Score {
    uint64_t over = std::numeric_limits<uint64_t>::max();
    int64_t cost = std::numeric_limits<int64_t>::max();
    auto operator<=>(const Score &) const = default;
  };
  struct Entry {
    int64_t gain;
    uint32_t node;
    bool operator<(const Entry &o) const {
      return std::tie(gain, o.node) < std::tie(o.gain, node);
    }
  };

  int64_t gainOf(const Graph &graph, const std::vector<int64_t> &pull,
                 uint32_t v) const {
    int64_t gain = half[v] ? pull[v] : -pull[v];
    for (uint32_t i = graph.offsets[v]; i < graph.offsets[v + 1]; ++i)
      gain += half[graph.other[i]] == half[v]
                  ? -int64_t(graph.weight[i]) * length
                  : int64_t(graph.weight[i]) * length;
    return gain;
  }
  Score score(const Graph &graph, const std::vector<int64_t> &pull) const;
  uint64_t over(const std::array<uint64_t, 2> &load) const {
    uint64_t sum = 0;
    for (int h = 0; h < 2; ++h)
      sum += load[h] > most[h] ? load[h] - most[h] : 0;
    return sum;
  }
  void grow(const Graph &graph, const std::vector<int64_t> &pull,
            uint32_t seed);
  void refine(const Graph &graph, const std::vector<int64_t> &pull);

  const int64_t length;
  std::array<uint64_t, 2> most; // at the level at hand
  const double part;            // of the work, that the first half should have
  std::vector<Graph> levels;
  std::vector<std::vector<int64_t>> pulls;
  std::vector<uint8_t> half;
  // Scratch.
  std::vector<Entry> heaps[2];
  std::vector<int64_t> gains;
  std::vector<uint8_t> state; // none, in a heap, moved
  std::vector<uint32_t> moved;
};

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

class Mapper {
public:
  /// Other trials give other mappings.
  Mapper(const Topology &topology, std::span<const uint64_t> capacity,
         const MappingOptions &options, uint32_t trial)
      : topology(topology), desc(topology.desc()), capacity(capacity),
        options(options), trial(trial), numPhases(options.numPhases),
        loadOf(size_t(desc.numClusters()) * numPhases, 0),
        limitOf(loadOf.size(), 0) {}

  Checked<std::vector<uint32_t>> run(std::span<const uint64_t> work,
                                     std::span<const Edge> edges);

private:
  void build(std::span<const uint64_t> work, std::span<const Edge> edges);
  void measureDistances();
  bool bisect(std::vector<uint32_t> nodes, std::vector<uint32_t> clusters);
  /// Of loadOf and limitOf.
  size_t at(uint32_t cluster, uint32_t node) const {
    return size_t(cluster) * numPhases + graph.phaseOf(node);
  }
  bool hasRoom(uint32_t cluster, uint32_t node, uint64_t leaving = 0) const {
    return loadOf[at(cluster, node)] + graph.work[node] - leaving <=
           limitOf[at(cluster, node)];
  }
  void setLimits(bool exact);
  void fillClusters();
  void place(uint32_t node, uint32_t to);
  void balance();
  void refine();
  uint64_t refinePair(uint32_t a, uint32_t b);
  void refinePairs();
  bool anneal();
  uint32_t distance(uint32_t a, uint32_t b) const {
    if (!table.empty())
      return table[size_t(a) * desc.numClusters() + b];
    return topology.distance(a, b);
  }
  int64_t cost(uint32_t node, uint32_t cluster) const {
    int64_t sum = 0;
    for (uint32_t i = graph.offsets[node]; i < graph.offsets[node + 1]; ++i)
      sum += int64_t(graph.weight[i]) *
             distance(clusterOf[graph.other[i]], cluster);
    return sum;
  }

  const Topology &topology;
  const TargetDesc &desc;
  std::span<const uint64_t> capacity;
  const MappingOptions &options;
  const uint32_t trial;
  Graph graph;              // the level at hand
  std::vector<Graph> finer; // those before it
  uint64_t workScale = 1;   // for METIS
  double workPerCapacity = 0;
  static constexpr uint32_t mostEffort = 4, mostAttempts = 2 * mostEffort;
  uint32_t effort = mostEffort; // attempts at each of the first cuts
  bool again = false;           // centre has the places of a mapping before
  std::vector<uint16_t> table;  // distances, where they fit
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

/// Splits clusters along the longer side of their bounding box and nodes in
/// proportion, until one cluster is left. False if METIS failed.
bool Mapper::bisect(std::vector<uint32_t> nodes,
                    std::vector<uint32_t> clusters) {
  if (nodes.empty())
    return true;
  if (clusters.size() == 1) {
    const Coord at = desc.coordOf(clusters[0]);
    for (uint32_t v : nodes) {
      clusterOf[v] = clusters[0];
      centre[v] = {2 * at.x, 2 * at.y};
    }
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
  const std::pair<Coord, Coord> boxes[2] = {box(firstHalf), box(secondHalf)};

  const uint32_t size = uint32_t(nodes.size());
  // An edge that is cut is that much longer, in the units of pull.
  const int64_t length = std::max<int64_t>(1, apart(middles[0], middles[1]));
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
    for (uint32_t k = graph.offsets[v]; k < graph.offsets[v + 1]; ++k) {
      if (uint32_t local = localOf[graph.other[k]]; local != none) {
        to.push_back(idx_t(local));
        bytes.push_back(idx_t(graph.weight[k]));
      } else {
        const Coord there = centre[graph.other[k]];
        pull[i] += int64_t(graph.weight[k]) *
                   (apart(there, middles[1]) - apart(there, middles[0]));
      }
    }
    begin.push_back(idx_t(to.size()));
    for (uint32_t p = 0; p < numPhases; ++p)
      weights.push_back(
          p == graph.phaseOf(v) ? idx_t(graph.work[v] / workScale + 1) : 0);
  }
  for (uint32_t v : nodes)
    localOf[v] = none;
  const bool anchored =
      size > 2 && std::any_of(pull.begin(), pull.end(), [&](int64_t p) {
        return std::abs(p) * 2 >= length;
      });
  if (size > 2 && numPhases == 1) {
    Graph whole;
    whole.offsets.assign(begin.begin(), begin.end());
    whole.other.assign(to.begin(), to.end());
    whole.weight.assign(bytes.begin(), bytes.end());
    uint64_t work = 0, heaviest = 0;
    for (uint32_t v : nodes) {
      whole.work.push_back(graph.work[v]);
      work += graph.work[v];
      heaviest = std::max(heaviest, graph.work[v]);
    }
    // What may be over is shared out among the cuts to come.
    uint32_t depth = 1;
    while ((size_t(1) << depth) < clusters.size())
      ++depth;
    const double spare =
        (workPerCapacity * (1 + options.imbalanceQ16 / 65536.0) *
         (left + right)) /
            double(work) -
        1;
    const double over = std::max(spare / depth, 0.001);
    std::array<uint64_t, 2> most;
    for (int h = 0; h < 2; ++h)
      most[h] = uint64_t(double(work) * (h ? right : left) / (left + right) *
                         (1 + over)) +
                heaviest / 4;
    std::vector<uint8_t> before;
    if (again)
      for (uint32_t v : nodes)
        before.push_back(wide ? centre[v].x > boxes[0].second.x * 2
                              : centre[v].y > boxes[0].second.y * 2);
    // The first cuts decide over the longest ways.
    const uint32_t attempts = again || clusters.size() < 32 ? 1
                              : effort == mostEffort && clusters.size() >= 256
                                  ? mostAttempts
                                  : effort;
    const std::vector<uint8_t> found =
        Bisector(std::move(whole), pull, length, most, left / (left + right))
            .run(attempts, trial * mostAttempts, std::move(before));
    std::copy(found.begin(), found.end(), part.begin());
  } else if (size > 2) {
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
    Coord &at = centre[nodes[i]];
    if (again) {
      // Where it was before, or as near to that as its half allows.
      at.x = std::clamp(at.x, 2 * boxes[h].first.x, 2 * boxes[h].second.x);
      at.y = std::clamp(at.y, 2 * boxes[h].first.y, 2 * boxes[h].second.y);
    } else {
      at = middles[h];
    }
    nodesOf[h].push_back(nodes[i]);
  }
  nodes = {};
  return bisect(std::move(nodesOf[0]), std::move(firstHalf)) &&
         bisect(std::move(nodesOf[1]), std::move(secondHalf));
}

void Mapper::fillClusters() {
  nodesIn.assign(desc.numClusters(), {});
  indexIn.resize(graph.size());
  std::fill(loadOf.begin(), loadOf.end(), 0);
  for (uint32_t v = 0; v < graph.size(); ++v) {
    loadOf[at(clusterOf[v], v)] += graph.work[v];
    indexIn[v] = uint32_t(nodesIn[clusterOf[v]].size());
    nodesIn[clusterOf[v]].push_back(v);
  }
}

void Mapper::place(uint32_t v, uint32_t to) {
  std::vector<uint32_t> &old = nodesIn[clusterOf[v]];
  indexIn[old.back()] = indexIn[v];
  old[indexIn[v]] = old.back();
  old.pop_back();
  loadOf[at(clusterOf[v], v)] -= graph.work[v];
  clusterOf[v] = to;
  indexIn[v] = uint32_t(nodesIn[to].size());
  nodesIn[to].push_back(v);
  loadOf[at(to, v)] += graph.work[v];
}

/// Clusters that got too much hand nodes to those around them: to one that has
/// room where that costs least, else on to one that has less.
void Mapper::balance() {
  constexpr uint32_t mostSweeps = 128;
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
            if (c == here || !capacity[c] || graph.work[v] == 0 ||
                graph.isFixed(v) || graph.phaseOf(v) != phase)
              continue;
            const bool room = hasRoom(c, v);
            if ((!room && fits) ||
                loadOf[at(c, v)] + graph.work[v] >= loadOf[i])
              continue;
            // Without room, downhill counts; with it, the way of the data.
            const int64_t loss =
                room ? cost(v, c) - cost(v, here)
                     : int64_t(loadOf[at(c, v)] + graph.work[v]);
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
/// one there, if both together gain. Who stayed is asked again when something
/// around it has moved.
void Mapper::refine() {
  constexpr uint32_t mostTried = 12, mostCrowded = 3, mostPartners = 8,
                     mostDegree = 64;
  const uint32_t numNodes = graph.size();
  std::vector<uint8_t> awake(numNodes, 1);
  struct Way {
    int64_t gain;
    uint32_t to;
  };
  std::vector<Way> crowded;
  std::vector<uint32_t> tried;
  std::vector<std::pair<uint32_t, uint32_t>> ends; // cluster, weight
  auto moved = [&](uint32_t v) {
    awake[v] = 1;
    for (uint32_t i = graph.offsets[v]; i < graph.offsets[v + 1]; ++i)
      awake[graph.other[i]] = 1;
  };
  for (uint32_t round = 0; round < options.rounds; ++round) {
    uint64_t moves = 0;
    for (uint32_t v = 0; v < numNodes; ++v) {
      if (!awake[v])
        continue;
      awake[v] = 0;
      if (graph.isFixed(v))
        continue;
      const uint32_t here = clusterOf[v];
      ends.clear();
      int64_t now = 0;
      for (uint32_t i = graph.offsets[v]; i < graph.offsets[v + 1]; ++i) {
        const uint32_t c = clusterOf[graph.other[i]];
        ends.emplace_back(c, graph.weight[i]);
        now += int64_t(graph.weight[i]) * distance(c, here);
      }
      if (now == 0)
        continue;
      // Towards partners, and one step in each direction.
      tried.clear();
      auto consider = [&](uint32_t c) {
        if (c != here && c != Topology::none && capacity[c] &&
            std::find(tried.begin(), tried.end(), c) == tried.end())
          tried.push_back(c);
      };
      for (Direction d : {Direction::East, Direction::West, Direction::North,
                          Direction::South})
        consider(topology.neighbour(here, d));
      for (size_t i = 0; i < ends.size() && tried.size() < mostTried; ++i)
        consider(ends[i].first);
      uint32_t best = none, partner = none;
      int64_t bestGain = 0;
      crowded.clear();
      for (uint32_t c : tried) {
        int64_t gain = now;
        for (auto [end, w] : ends)
          gain -= int64_t(w) * distance(end, c);
        if (gain <= bestGain)
          continue;
        if (hasRoom(c, v))
          best = c, bestGain = gain;
        else
          crowded.push_back({gain, c});
      }
      // No room: is there one that loses less by coming here?
      std::sort(crowded.begin(), crowded.end(), [](const Way &a, const Way &b) {
        return std::tie(b.gain, a.to) < std::tie(a.gain, b.to);
      });
      for (size_t n = 0; n < std::min<size_t>(crowded.size(), mostCrowded);
           ++n) {
        const auto [gain, c] = crowded[n];
        if (gain <= bestGain)
          break;
        const std::vector<uint32_t> &there = nodesIn[c];
        const size_t most = std::min<size_t>(there.size(), mostPartners);
        for (size_t k = 0; k < most; ++k) {
          const uint32_t u = there[(round + v + k) % there.size()];
          const bool together = graph.phaseOf(u) == graph.phaseOf(v);
          if (graph.isFixed(u) ||
              graph.offsets[u + 1] - graph.offsets[u] > mostDegree ||
              !hasRoom(c, v, together ? graph.work[u] : 0) ||
              !hasRoom(here, u, together ? graph.work[v] : 0))
            continue;
          int64_t both = gain;
          for (uint32_t i = graph.offsets[u]; i < graph.offsets[u + 1]; ++i) {
            const uint32_t end = clusterOf[graph.other[i]];
            both += int64_t(graph.weight[i]) *
                    (int64_t(distance(end, c)) - distance(end, here));
            // An edge between the two is counted as vanishing twice.
            if (graph.other[i] == v)
              both -= 2 * int64_t(graph.weight[i]) * distance(here, c);
          }
          if (both > bestGain)
            best = c, partner = u, bestGain = both;
        }
      }
      if (best == none) {
        // Others are asked to change places in the next round.
        awake[v] = !crowded.empty();
        continue;
      }
      place(v, best);
      moved(v);
      if (partner != none) {
        place(partner, here);
        moved(partner);
      }
      ++moves;
    }
    if (moves * 200 < numNodes)
      break;
  }
}

/// Moves nodes between two clusters side by side, all others where they are.
/// How many have moved.
uint64_t Mapper::refinePair(uint32_t a, uint32_t b) {
  std::vector<uint32_t> nodes;
  std::vector<uint8_t> before;
  for (uint32_t c : {a, b})
    for (uint32_t v : nodesIn[c])
      if (!graph.isFixed(v)) {
        localOf[v] = uint32_t(nodes.size());
        nodes.push_back(v);
        before.push_back(c == b);
      }
  const int64_t length = distance(a, b);
  Graph both;
  std::vector<int64_t> pull(nodes.size(), 0);
  both.offsets.push_back(0);
  bool touch = false;
  std::array<uint64_t, 2> most{limitOf[a], limitOf[b]}, load{0, 0};
  for (uint32_t i = 0; i < nodes.size(); ++i) {
    const uint32_t v = nodes[i];
    both.work.push_back(graph.work[v]);
    load[before[i]] += graph.work[v];
    for (uint32_t k = graph.offsets[v]; k < graph.offsets[v + 1]; ++k) {
      const uint32_t u = graph.other[k];
      if (localOf[u] != none) {
        both.other.push_back(localOf[u]);
        both.weight.push_back(graph.weight[k]);
        touch |= before[localOf[u]] != before[i];
      } else {
        pull[i] +=
            int64_t(graph.weight[k]) *
            (int64_t(distance(clusterOf[u], b)) - distance(clusterOf[u], a));
      }
    }
    both.offsets.push_back(uint32_t(both.other.size()));
    touch |= before[i] ? pull[i] > 0 : pull[i] < 0;
  }
  for (uint32_t v : nodes)
    localOf[v] = none;
  if (!touch)
    return 0;
  // What is fixed has its share.
  for (int h = 0; h < 2; ++h)
    most[h] -= std::min(most[h], loadOf[h ? b : a] - load[h]);
  const std::vector<uint8_t> after =
      Bisector(std::move(both), std::move(pull), length, most, 0.5)
          .improve(before);
  uint64_t moves = 0;
  for (uint32_t i = 0; i < nodes.size(); ++i)
    if (after[i] != before[i]) {
      place(nodes[i], after[i] ? b : a);
      ++moves;
    }
  return moves;
}

void Mapper::refinePairs() {
  localOf.assign(graph.size(), none);
  std::vector<uint8_t> awake(desc.numClusters(), 1);
  for (uint32_t sweep = 0; sweep < 3; ++sweep) {
    std::vector<uint8_t> moved(desc.numClusters(), 0);
    for (Direction d : {Direction::East, Direction::North})
      for (uint32_t a = 0; a < desc.numClusters(); ++a) {
        const uint32_t b = topology.neighbour(a, d);
        if (b == Topology::none || !capacity[a] || !capacity[b] ||
            !(awake[a] || awake[b]))
          continue;
        if (refinePair(a, b))
          moved[a] = moved[b] = 1;
      }
    awake = std::move(moved);
  }
}

/// Moves and swaps at random, some of them uphill and fewer and fewer: out of
/// the local optima that the greedy refinement ends in. False if the graph is
/// too large for that.
bool Mapper::anneal() {
  constexpr uint64_t mostProposals = uint64_t(1) << 21;
  // Many for each node of a small graph; a few do nothing for a large one.
  constexpr uint32_t proposalsPerNode = 1000, fewestPerNode = 64;
  // At the start so much of the edges of a node, in the mean, may become longer
  // by a hop. More would undo what the cuts know about the whole.
  constexpr double uphill = 0.75;
  const uint32_t numNodes = graph.size();
  if (graph.other.empty() || uint64_t(numNodes) * fewestPerNode > mostProposals)
    return false;
  const uint64_t proposals =
      std::min(uint64_t(numNodes) * proposalsPerNode, mostProposals);
  const double steepest =
      uphill *
      double(std::accumulate(graph.weight.begin(), graph.weight.end(),
                             uint64_t(0))) /
      numNodes;
  constexpr Direction directions[] = {Direction::East, Direction::West,
                                      Direction::North, Direction::South};
  Numbers numbers(trial);
  const std::vector<uint32_t> before = clusterOf;
  int64_t change = 0;
  for (uint64_t i = 0; i < proposals; ++i) {
    const uint32_t v = numbers.below(numNodes);
    const uint32_t degree = graph.offsets[v + 1] - graph.offsets[v];
    if (!degree || graph.isFixed(v))
      continue;
    // To where a partner is, or one step aside.
    const uint32_t here = clusterOf[v];
    uint32_t to =
        clusterOf[graph.other[graph.offsets[v] + numbers.below(degree)]];
    if (to == here || numbers.below(4) == 0)
      to = topology.neighbour(here, directions[numbers.below(4)]);
    if (to == Topology::none || to == here || !capacity[to])
      continue;
    int64_t more = cost(v, to) - cost(v, here);
    uint32_t partner = none;
    if (!hasRoom(to, v)) {
      if (nodesIn[to].empty())
        continue;
      const uint32_t u =
          nodesIn[to][numbers.below(uint32_t(nodesIn[to].size()))];
      if (graph.isFixed(u) || !hasRoom(to, v, graph.work[u]) ||
          !hasRoom(here, u, graph.work[v]))
        continue;
      more += cost(u, here) - cost(u, to);
      // An edge between the two is counted as vanishing twice.
      for (uint32_t k = graph.offsets[u]; k < graph.offsets[u + 1]; ++k)
        if (graph.other[k] == v)
          more += 2 * int64_t(graph.weight[k]) * distance(here, to);
      partner = u;
    }
    const double left = 1 - double(i) / double(proposals);
    if (more > 0 && double(more) > steepest * left * left *
                                       double(numbers.below(1u << 16)) /
                                       (1u << 16))
      continue;
    place(v, to);
    if (partner != none)
      place(partner, here);
    change += more;
  }
  if (change > 0) {
    clusterOf = before;
    fillClusters();
  }
  return true;
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
        Mapper(topology, capacity, options, trial).run(work, edges);
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
