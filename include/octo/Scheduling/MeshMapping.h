//===- MeshMapping.h - Graphs onto the clusters of a mesh -------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Gives each node of a large graph a cluster, so that no cluster has much more
// work than its part and data travels few hops: the sum of bytes times hops
// over all edges is small. Time is not looked at; the allocator does that.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_SCHEDULING_MESHMAPPING_H
#define OCTO_SCHEDULING_MESHMAPPING_H

#include "octo/Scheduling/Problem.h"

namespace octo::sched {

struct MappingOptions {
  /// Work of a cluster over its part that is accepted, in 1/65536. A single
  /// node may be heavier than that.
  uint32_t imbalanceQ16 = 3277; // 5 %
  /// Rounds of moves, at most.
  uint32_t rounds = 12;
  /// How often the graph is mapped, from other beginnings, the best being kept.
  /// 0: as its size allows, up to 12 times (once from 60,000 nodes and edges
  /// on, or with phases).
  uint32_t trials = 0;
  /// By node: the cluster that it stays in, or `none` where it is free. Empty:
  /// all are free. What is fixed pulls its partners; where it is, nobody asks
  /// for capacity.
  std::span<const uint32_t> fixed = {};
  /// By node: when it runs, as a number under `numPhases`. No cluster has much
  /// more than its part of the work of any phase. Empty: all run at any time.
  std::span<const uint8_t> phase = {};
  uint32_t numPhases = 1;
};

/// The cluster of each node. `work` is by node; `capacity` by cluster, what it
/// can do relative to others, 0 where nothing may be placed. Ends of edges that
/// are `none` are ignored. Joins nodes that exchange much, bisects what comes
/// out of that and the mesh together, each half of the nodes to the half of the
/// mesh that is nearer to what it exchanges data with, then moves and swaps
/// nodes while that saves hops, and where there are up to 32,768 of them also
/// at random, uphill less and less. METIS bisects where there are phases
/// (Karypis, Kumar, SIAM J. Sci. Comput. 20(1), 1998). Near-linear. The result
/// depends on nothing but the arguments. An error names what is missing.
Checked<std::vector<uint32_t>> mapToMesh(std::span<const uint64_t> work,
                                         std::span<const Edge> edges,
                                         const Topology &topology,
                                         std::span<const uint64_t> capacity,
                                         const MappingOptions &options = {});

/// Sum of bytes times hops over the edges between nodes.
uint64_t hopBytes(std::span<const Edge> edges, const Topology &topology,
                  std::span<const uint32_t> clusterOf);

} // namespace octo::sched

#endif // OCTO_SCHEDULING_MESHMAPPING_H
