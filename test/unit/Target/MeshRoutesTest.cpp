//===- MeshRoutesTest.cpp - Routes without deadlock -----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "octo/Target/MeshRoutes.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <random>
#include <vector>

using namespace octo;

namespace {

struct Mesh {
  uint32_t width, height;
  std::vector<bool> dead;

  Mesh(uint32_t width, uint32_t height)
      : width(width), height(height), dead(size_t(width) * height * 4) {}
  bool onMesh(uint32_t at, uint32_t d) const {
    uint32_t x = at % width, y = at / width;
    return d == 0   ? x + 1 < width
           : d == 1 ? x > 0
           : d == 2 ? y + 1 < height
                    : y > 0;
  }
  uint32_t to(uint32_t at, uint32_t d) const {
    return d == 0 ? at + 1 : d == 1 ? at - 1 : d == 2 ? at + width : at - width;
  }
  void kill(uint32_t at, uint32_t d) {
    if (!onMesh(at, d))
      return;
    dead[at * 4 + d] = true;
    dead[to(at, d) * 4 + (d ^ 1)] = true;
  }
  /// Hops of a search over live links; ~0 where there is no way.
  std::vector<uint32_t> search(uint32_t from) const {
    std::vector<uint32_t> hops(size_t(width) * height, ~0u), queue = { from };
    hops[from] = 0;
    for (size_t i = 0; i < queue.size(); ++i)
      for (uint32_t d = 0; d < 4; ++d)
        if (onMesh(queue[i], d) && !dead[queue[i] * 4 + d] &&
            hops[to(queue[i], d)] == ~0u) {
          hops[to(queue[i], d)] = hops[queue[i]] + 1;
          queue.push_back(to(queue[i], d));
        }
    return hops;
  }
};

struct Routed {
  uint64_t pairs = 0, links = 0, shortest = 0;
};

/// Follows every route. Every pair that a search connects has one, over live
/// links; and the channel dependency graph of all of them (link to next link)
/// has no cycle, which is enough against deadlock (Dally and Seitz, "Deadlock-
/// free message routing in multiprocessor interconnection networks", IEEE ToC
/// 36(5), 1987).
Routed check(const Mesh &mesh) {
  MeshRoutes routes(mesh.width, mesh.height, mesh.dead);
  uint32_t clusters = mesh.width * mesh.height;
  std::vector<std::vector<uint32_t>> after(size_t(clusters) * 4);
  Routed routed;
  for (uint32_t from = 0; from < clusters; ++from) {
    std::vector<uint32_t> hops = mesh.search(from);
    for (uint32_t to = 0; to < clusters; ++to) {
      EXPECT_EQ(routes.reachable(from, to), hops[to] != ~0u);
      if (hops[to] == ~0u) {
        EXPECT_EQ(routes.hops(from, to), MeshRoutes::none);
        continue;
      }
      uint32_t at = from, before = ~0u, count = 0;
      bool descending = false;
      while (at != to) {
        uint8_t d = routes.next(at, to, descending);
        if (d >= 4 || !mesh.onMesh(at, d) || mesh.dead[at * 4 + d] ||
            count > 4 * clusters) {
          ADD_FAILURE() << from << " to " << to << " at " << at;
          break;
        }
        uint32_t link = at * 4 + d;
        if (before != ~0u &&
            std::find(after[before].begin(), after[before].end(), link) ==
                after[before].end())
          after[before].push_back(link);
        before = link;
        descending |= routes.descends(at, d);
        at = mesh.to(at, d);
        ++count;
      }
      EXPECT_EQ(routes.next(to, to, descending), MeshRoutes::arrived);
      EXPECT_EQ(routes.hops(from, to), count);
      EXPECT_GE(count, hops[to]);
      ++routed.pairs;
      routed.links += count;
      routed.shortest += hops[to];
    }
  }
  // Take away links without predecessors until none is left.
  std::vector<uint32_t> before(after.size()), ready;
  for (const auto &next : after)
    for (uint32_t link : next)
      ++before[link];
  for (uint32_t link = 0; link < after.size(); ++link)
    if (!before[link])
      ready.push_back(link);
  for (size_t i = 0; i < ready.size(); ++i)
    for (uint32_t link : after[ready[i]])
      if (!--before[link])
        ready.push_back(link);
  EXPECT_EQ(ready.size(), after.size()) << "dependencies with a cycle";
  return routed;
}

TEST(MeshRoutes, WholeMeshIsDimensionOrder) {
  for (auto [w, h] : {std::pair(1u, 1u), {1u, 7u}, {6u, 1u}, {7u, 5u}}) {
    Routed routed = check(Mesh(w, h));
    EXPECT_EQ(routed.links, routed.shortest);
  }
  MeshRoutes routes(5, 5, std::vector<bool>(100));
  EXPECT_TRUE(routes.whole());
  EXPECT_EQ(routes.next(0, 24, false), uint8_t(Direction::East));
  EXPECT_EQ(routes.next(4, 24, false), uint8_t(Direction::South));
  EXPECT_EQ(routes.next(24, 0, false), uint8_t(Direction::West));
  EXPECT_EQ(routes.next(20, 0, false), uint8_t(Direction::North));
}

TEST(MeshRoutes, RandomDefectsHaveNoCycle) {
  std::mt19937_64 random(3);
  for (unsigned pattern = 0; pattern < 200; ++pattern) {
    Mesh mesh(2 + random() % 7, 1 + random() % 8);
    uint32_t clusters = mesh.width * mesh.height;
    // From one dead link to about half of all; every third time a cluster too.
    uint64_t kills = 1 + random() % clusters;
    for (uint64_t i = 0; i < kills; ++i)
      mesh.kill(uint32_t(random() % clusters), uint32_t(random() % 4));
    if (pattern % 3 == 0) {
      uint32_t cluster = uint32_t(random() % clusters);
      for (uint32_t d = 0; d < 4; ++d)
        mesh.kill(cluster, d);
    }
    check(mesh);
    if (testing::Test::HasFailure()) {
      ADD_FAILURE() << "pattern " << pattern;
      return;
    }
  }
}

/// Few defects make few detours: routes stay close to shortest.
TEST(MeshRoutes, FewDefectsCostLittle) {
  std::mt19937_64 random(5);
  Mesh mesh(12, 12);
  for (unsigned i = 0; i < 5; ++i)
    mesh.kill(uint32_t(random() % 144), uint32_t(random() % 4));
  Routed routed = check(mesh);
  EXPECT_LT(double(routed.links), 1.05 * double(routed.shortest));
}

/// The far side of what is cut off routes on its own.
TEST(MeshRoutes, PartsThatAreCutOff) {
  Mesh mesh(4, 4);
  for (uint32_t y = 0; y < 4; ++y)
    mesh.kill(y * 4 + 1, 0);
  MeshRoutes routes(4, 4, mesh.dead);
  EXPECT_FALSE(routes.whole());
  EXPECT_FALSE(routes.reachable(0, 3));
  EXPECT_EQ(routes.next(0, 3, false), MeshRoutes::noWay);
  EXPECT_TRUE(routes.reachable(2, 15));
  check(mesh);
}

/// A wafer's routes are made destination by destination; a copy makes its own.
TEST(MeshRoutes, LargeMeshIsLazy) {
  Mesh mesh(300, 300);
  mesh.kill(150 * 300 + 150, 0);
  MeshRoutes routes(300, 300, mesh.dead);
  uint64_t sum = 0;
  for (uint32_t i = 0; i < 20; ++i)
    sum += routes.hops(i * 4001, 89999 - i * 4001);
  MeshRoutes copy = routes;
  uint64_t again = 0;
  for (uint32_t i = 0; i < 20; ++i)
    again += copy.hops(i * 4001, 89999 - i * 4001);
  EXPECT_EQ(sum, again);
  EXPECT_GT(sum, 20u * 100);
}

} // namespace
