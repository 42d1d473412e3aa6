//===- MeshRoutes.h - Routes without deadlock -------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which way a message takes over a mesh, whole or with dead links, such that
// messages which wait for each other's buffers can never wait in a circle.
//
// A whole mesh is routed in dimension order, x then y. A mesh with dead links
// is routed up*/down* (Schroeder et al., "Autonet", IEEE JSAC 9(8), 1991):
// every live link has an upper end, the one that is nearer to the root of its
// component (hops, then number), and a route goes up any number of links, then
// down any number of links. Going up strictly ascends an order of the clusters
// and going down descends it, so the dependencies between links have no cycle;
// and every pair of a component is connected, over the root at worst. The root
// is the cluster of least x + y, so that a mesh with few defects is routed as
// by the negative-first turn model (Glass and Ni, JACM 41(5), 1994), on
// shortest ways. Among legal ways a shortest one is taken, always the same.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TARGET_MESHROUTES_H
#define OCTO_TARGET_MESHROUTES_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace octo {

/// Directions of the links of a router. y grows to the south. The opposite
/// direction differs in the lowest bit.
enum class Direction : uint8_t { East, West, South, North };

class MeshRoutes {
public:
  static constexpr uint32_t none = 0xffffffff;
  static constexpr uint8_t arrived = 4;
  static constexpr uint8_t noWay = 7;

  MeshRoutes() = default;
  /// `dead` says of link cluster * 4 + direction whether it is dead; both
  /// directions of a link are dead or none is. Links that leave the mesh may be
  /// marked or not.
  MeshRoutes(uint32_t width, uint32_t height, std::vector<bool> dead);
  /// Tables are made again where they are asked for.
  MeshRoutes(const MeshRoutes &other) { *this = other; }
  MeshRoutes &operator=(const MeshRoutes &other);
  MeshRoutes(MeshRoutes &&) = default;
  MeshRoutes &operator=(MeshRoutes &&) = default;

  uint32_t numClusters() const { return width * height; }
  /// No link is dead: routes are in dimension order.
  bool whole() const { return isWhole; }

  uint32_t neighbour(uint32_t cluster, uint32_t direction) const {
    switch (direction) {
    case 0:
      return cluster + 1;
    case 1:
      return cluster - 1;
    case 2:
      return cluster + width;
    default:
      return cluster - width;
    }
  }

  /// Direction of the next link at `at` towards `to`: 0..3, `arrived`, or
  /// `noWay`. `descending` says whether the message has gone down a link.
  uint8_t next(uint32_t at, uint32_t to, bool descending) {
    if (at == to)
      return arrived;
    if (isWhole) {
      uint32_t x = columns[at], tx = columns[to];
      if (x != tx)
        return x < tx ? 0 : 1;
      return at < to ? 2 : 3;
    }
    uint8_t turn = turnsTo(to)[at];
    return descending ? turn >> 4 : turn & 15;
  }
  /// A message that takes this link goes down; never on a whole mesh.
  bool descends(uint32_t cluster, uint32_t direction) const {
    return !isWhole && down[size_t(cluster) * 4 + direction];
  }

  bool reachable(uint32_t from, uint32_t to) const {
    return isWhole || component[from] == component[to];
  }
  /// Calls `visit(cluster, direction)` for each link of the route, which must
  /// exist.
  template <class Visit>
  void walk(uint32_t from, uint32_t to, Visit visit) {
    bool descending = false;
    while (from != to) {
      uint32_t direction = next(from, to, descending);
      descending |= descends(from, direction);
      visit(from, direction);
      from = neighbour(from, direction);
    }
  }
  /// Links of the route, 0 to itself, `none` if there is no way.
  uint32_t hops(uint32_t from, uint32_t to);

private:
  const uint8_t *turnsTo(uint32_t to) {
    if (!turns[to])
      makeTurns(to);
    return turns[to].get();
  }
  void orient();
  void makeTurns(uint32_t to);
  bool onMesh(uint32_t cluster, uint32_t direction) const;

  uint32_t width = 0, height = 0;
  bool isWhole = true;
  std::vector<uint32_t> columns;   ///< by cluster: its x
  std::vector<bool> dead, down;    ///< by link
  std::vector<uint32_t> component; ///< by cluster
  /// By destination and cluster: direction while a message may still go up, and
  /// (shifted by 4) once it has gone down. Made on first use; when they exceed
  /// their share of memory the oldest go.
  std::vector<std::unique_ptr<uint8_t[]>> turns;
  std::vector<uint32_t> made; ///< destinations in the order of their tables
  size_t oldest = 0;
};

} // namespace octo

#endif // OCTO_TARGET_MESHROUTES_H
