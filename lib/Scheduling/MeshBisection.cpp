//===- MeshBisection.cpp - Nodes and clusters cut together ----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Dual recursive bisection; see MeshMapping.cpp.
//
//===----------------------------------------------------------------------===//

#include "Bisector.h"
#include "MeshMapper.h"

#include <algorithm>
#include <metis.h>

namespace octo::sched::mapping {

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

} // namespace octo::sched::mapping
