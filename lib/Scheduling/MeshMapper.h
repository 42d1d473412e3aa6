//===- MeshMapper.h - One mapping onto a mesh -------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The state of mapToMesh: cuts are made in MeshBisection.cpp, refined in
// MeshRefinement.cpp, and MeshMapping.cpp says in what order.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_SCHEDULING_MESHMAPPER_H
#define OCTO_LIB_SCHEDULING_MESHMAPPER_H

#include "MappedGraph.h"

#include "octo/Scheduling/MeshMapping.h"

namespace octo::sched::mapping {

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

} // namespace octo::sched::mapping

#endif // OCTO_LIB_SCHEDULING_MESHMAPPER_H
