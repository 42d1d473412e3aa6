//===- MeshRefinement.cpp - Nodes move while that saves hops --------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Balance, greedy moves and swaps, pairs of clusters, annealing.
//
//===----------------------------------------------------------------------===//

#include "Bisector.h"
#include "MeshMapper.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <tuple>

namespace octo::sched::mapping {

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

} // namespace octo::sched::mapping
