//===- Bisector.h - Graphs cut in two ---------------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The cuts of mapToMesh where nodes have no phases.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_SCHEDULING_BISECTOR_H
#define OCTO_LIB_SCHEDULING_BISECTOR_H

#include "MappedGraph.h"

#include <array>
#include <limits>
#include <tuple>

namespace octo::sched::mapping {

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

} // namespace octo::sched::mapping

#endif // OCTO_LIB_SCHEDULING_BISECTOR_H
