//===- MappedGraph.h - What is mapped onto a mesh ---------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The graph of mapToMesh at one level of joining.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_SCHEDULING_MAPPEDGRAPH_H
#define OCTO_LIB_SCHEDULING_MAPPEDGRAPH_H

#include "octo/Scheduling/Problem.h"

#include <optional>

namespace octo::sched::mapping {

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

/// Joins nodes in pairs: those that exchange most for their work, then those
/// that have a partner in common, then those without any. None gets more than
/// `mostWork`. Nothing where few can be joined.
std::optional<Graph> coarsen(Graph &graph, uint64_t mostWork,
                             uint32_t seed = 0);

} // namespace octo::sched::mapping

#endif // OCTO_LIB_SCHEDULING_MAPPEDGRAPH_H
