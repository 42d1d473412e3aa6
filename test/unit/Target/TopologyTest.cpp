//===- TopologyTest.cpp - What is alive and connected ---------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Defects, faults and routes, against plain breadth-first search.
//
//===----------------------------------------------------------------------===//

#include "TargetText.h"

#include "octo/Program/Philox.h"
#include "octo/Target/Topology.h"

#include "gtest/gtest.h"

#include <queue>

using namespace octo;

namespace {

TargetDesc plain(uint32_t width, uint32_t height) {
  TargetDesc target = *parseTarget(test::targetText, "t.yaml");
  target.defects = {};
  target.faults.clear();
  target.dies = {1, 1};
  target.clustersPerDie = {width, height};
  target.host.at = {0, 0};
  target.hbmPorts = {{{width - 1, 0}, 1 << 20, 64, 10},
                     {{0, height - 1}, 1 << 21, 64, 10}};
  return target;
}

PartRef linkRef(Coord from, Coord to) {
  PartRef part;
  part.kind = PartKind::Link;
  part.cluster = from;
  part.to = to;
  return part;
}

/// Hops from `from` by a search that knows only single links.
std::vector<uint32_t> search(const Topology &topology, uint32_t from) {
  std::vector<uint32_t> hops(topology.numClusters(), Topology::none);
  std::queue<uint32_t> queue;
  hops[from] = 0;
  queue.push(from);
  while (!queue.empty()) {
    uint32_t at = queue.front();
    queue.pop();
    for (uint32_t to = 0; to < topology.numClusters(); ++to) {
      uint32_t link = topology.linkBetween(at, to);
      if (link == Topology::none || !topology.linkLive(link) ||
          hops[to] != Topology::none)
        continue;
      hops[to] = hops[at] + 1;
      queue.push(to);
    }
  }
  return hops;
}

void checkRoutes(const Topology &topology) {
  for (uint32_t a = 0; a < topology.numClusters(); ++a) {
    std::vector<uint32_t> hops = search(topology, a);
    for (uint32_t b = 0; b < topology.numClusters(); ++b) {
      std::vector<uint32_t> links;
      ASSERT_EQ(topology.route(a, b, links), hops[b] != Topology::none);
      if (hops[b] == Topology::none)
        continue;
      ASSERT_EQ(links.size(), topology.distance(a, b));
      EXPECT_GE(links.size(), hops[b]);
      uint32_t at = a;
      for (uint32_t number : links) {
        EXPECT_TRUE(topology.linkLive(number));
        EXPECT_EQ(topology.link(number).from, at);
        at = topology.link(number).to;
      }
      EXPECT_EQ(at, b);
    }
  }
}

TEST(Topology, NumberingAndLinks) {
  Topology topology(plain(4, 3));
  EXPECT_EQ(topology.neighbour(0, Direction::East), 1u);
  EXPECT_EQ(topology.neighbour(0, Direction::West), Topology::none);
  EXPECT_EQ(topology.neighbour(0, Direction::North), Topology::none);
  EXPECT_EQ(topology.neighbour(0, Direction::South), 4u);
  EXPECT_EQ(topology.neighbour(3, Direction::East), Topology::none);
  EXPECT_EQ(topology.neighbour(11, Direction::South), Topology::none);
  EXPECT_EQ(topology.linkBetween(1, 0), 1u * 4 + 1);
  EXPECT_EQ(topology.linkBetween(0, 5), Topology::none);
  EXPECT_EQ(topology.link(5).to, 0u);
  // The end of a row is no neighbour of the start of the next.
  EXPECT_EQ(topology.linkBetween(3, 4), Topology::none);
  EXPECT_EQ(topology.livePeas(), 4u * 3 * 2 * 4);
  EXPECT_EQ(topology.largestTbu(), 4u);
}

TEST(Topology, DimensionOrder) {
  Topology topology(plain(5, 5));
  std::vector<uint32_t> links;
  ASSERT_TRUE(topology.route(0, 12, links));
  std::vector<uint32_t> through;
  for (uint32_t link : links)
    through.push_back(topology.link(link).to);
  EXPECT_EQ(through, (std::vector<uint32_t>{1, 2, 7, 12}));
  checkRoutes(topology);
}

TEST(Topology, HeadLatencyAndDies) {
  // Two dies of 2 x 3 clusters: the links between x = 1 and x = 2 join them.
  TargetDesc target = *parseTarget(test::targetText, "t.yaml");
  target.defects = {};
  Topology topology(target);
  EXPECT_FALSE(topology.linkCrossesDies(topology.linkBetween(0, 1)));
  EXPECT_TRUE(topology.linkCrossesDies(topology.linkBetween(1, 2)));
  EXPECT_TRUE(topology.linkCrossesDies(topology.linkBetween(6, 5)));
  EXPECT_FALSE(topology.linkCrossesDies(topology.linkBetween(1, 5)));
  EXPECT_EQ(topology.linkBytesPerCycle(topology.linkBetween(1, 2)), 8u);
  EXPECT_EQ(topology.linkBytesPerCycle(topology.linkBetween(0, 1)), 16u);
  EXPECT_EQ(topology.headLatency(0, 0), 0u);
  EXPECT_EQ(topology.headLatency(0, 1), 2u + 5 + 5 - 1);
  EXPECT_EQ(topology.headLatency(0, 7), 2u + 5 + 12 + 5 + 5 + 5 - 1);
}

TEST(Topology, Detours) {
  TargetDesc target = plain(6, 5);
  target.defects.parts = {linkRef({1, 0}, {2, 0}), linkRef({2, 1}, {3, 1}),
                          linkRef({2, 2}, {2, 3}), linkRef({4, 4}, {5, 4}),
                          linkRef({5, 3}, {5, 4}), // cuts (5, 4) off
                          linkRef({0, 0}, {0, 1})};
  PartRef dead;
  dead.kind = PartKind::Cluster;
  dead.cluster = {3, 3};
  target.defects.parts.push_back(dead);
  Topology topology(target);
  checkRoutes(topology);
  EXPECT_FALSE(topology.clusterUsable(29));
  EXPECT_FALSE(topology.clusterUsable(3 * 6 + 3));
  EXPECT_FALSE(topology.cbuLive(29));
  EXPECT_EQ(topology.livePeas(), 28u * 8);
  EXPECT_EQ(topology.livePeaMask(29 * 2), 0u);
  EXPECT_TRUE(topology.peaIntact(29 * 8));
  EXPECT_FALSE(topology.peaIntact((3 * 6 + 3) * 8));
  EXPECT_EQ(topology.headLatency(0, 29), Topology::none);
}

TEST(Topology, RandomDefects) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    TargetDesc target = plain(7, 6);
    target.defects.seed = seed;
    target.defects.linkRateQ32 = (uint64_t(1) << 32) / 4;
    checkRoutes(Topology(target));
  }
}

/// The rule of TargetDesc.h, written a second time.
TEST(Topology, SeededDefectsFollowTheirRule) {
  TargetDesc target = plain(8, 8);
  target.defects.seed = 0x123456789abcdef0;
  target.defects.peaRateQ32 = 429496729;  // 10 %
  target.defects.tbuRateQ32 = 214748364;  // 5 %
  target.defects.linkRateQ32 = 128849018; // 3 %
  Topology topology(target);
  PhiloxKey key = {0x9abcdef0, 0x12345678};
  unsigned peas = 0, links = 0;
  for (uint32_t pea = 0; pea < target.numPeas(); ++pea) {
    bool dead =
        philox4x32({0, 0, pea, 0}, key)[0] < target.defects.peaRateQ32 ||
        philox4x32({1, 0, pea / 4, 0}, key)[0] < target.defects.tbuRateQ32;
    EXPECT_EQ(topology.peaIntact(pea), !dead);
    peas += dead;
  }
  for (uint32_t cluster = 0; cluster < 64; ++cluster)
    for (unsigned alongY = 0; alongY < 2; ++alongY) {
      uint32_t other = topology.neighbour(cluster, alongY ? Direction::South
                                                          : Direction::East);
      if (other == Topology::none)
        continue;
      bool dead = philox4x32({2, 0, cluster * 2 + alongY, 0}, key)[0] <
                  target.defects.linkRateQ32;
      EXPECT_EQ(topology.linkLive(topology.linkBetween(cluster, other)), !dead);
      EXPECT_EQ(topology.linkLive(topology.linkBetween(other, cluster)), !dead);
      links += dead;
    }
  EXPECT_GT(peas, 40u);
  EXPECT_LT(peas, 120u);
  EXPECT_GT(links, 0u);
  // Spelled out they are the same machine.
  Topology expanded(expandDefects(target));
  for (uint32_t pea = 0; pea < target.numPeas(); ++pea)
    EXPECT_EQ(expanded.peaIntact(pea), topology.peaIntact(pea));
  for (uint32_t link = 0; link < topology.numLinks(); ++link)
    EXPECT_EQ(expanded.linkLive(link), topology.linkLive(link));
}

TEST(Topology, KillDuringARun) {
  Topology topology(plain(3, 3));
  Topology before = topology;
  PartRef part;
  part.cluster = {1, 1};
  part.unit = 1;
  part.pea = 2;
  topology.kill(part);
  EXPECT_EQ(topology.livePeaMask(4 * 2 + 1), 0b1011u);
  EXPECT_EQ(topology.livePeas(4 * 2 + 1), 3u);
  EXPECT_EQ(topology.livePeas(4 * 2 + 1, 1, 2), 1u);
  EXPECT_EQ(topology.livePeas(4 * 2 + 1, 2, 1), 0u);
  EXPECT_FALSE(topology.peaLive((4 * 2 + 1) * 4 + 2));
  part.kind = PartKind::Tbu;
  topology.kill(part);
  EXPECT_EQ(topology.livePeas(4 * 2 + 1), 0u);
  part.kind = PartKind::Cbu;
  topology.kill(part);
  EXPECT_FALSE(topology.cbuLive(4));
  EXPECT_TRUE(topology.clusterUsable(4));
  EXPECT_EQ(topology.distance(3, 5), 2u);
  part.kind = PartKind::Cluster;
  topology.kill(part);
  EXPECT_FALSE(topology.clusterUsable(4));
  EXPECT_EQ(topology.distance(3, 5), 4u);
  EXPECT_EQ(topology.nearestHbm(8), 0u);
  part.kind = PartKind::Hbm;
  part.unit = 0;
  topology.kill(part);
  EXPECT_FALSE(topology.hbmLive(0));
  EXPECT_EQ(topology.nearestHbm(8), 1u);
  checkRoutes(topology);
  // The copy did not notice.
  EXPECT_EQ(before.livePeas(), 72u);
  EXPECT_EQ(before.distance(3, 5), 2u);
}

TEST(Topology, NearestHbm) {
  Topology topology(plain(5, 5));
  for (uint32_t cluster = 0; cluster < 25; ++cluster) {
    uint32_t first = topology.distance(4, cluster);
    uint32_t second = topology.distance(20, cluster);
    EXPECT_EQ(topology.nearestHbm(cluster), first <= second ? 0u : 1u);
  }
  TargetDesc without = plain(2, 2);
  without.hbmPorts.clear();
  EXPECT_EQ(Topology(without).nearestHbm(0), Topology::none);
}

TEST(Topology, LargestTbusHaveAllTheirBits) {
  TargetDesc target = plain(2, 2);
  target.peasPerTbu = 64;
  target.pea.layout.assign(64, PeaClass::General);
  Topology topology(target);
  EXPECT_EQ(topology.livePeaMask(0), ~uint64_t(0));
  EXPECT_EQ(topology.livePeas(0, 0, 64), 64u);
  EXPECT_EQ(topology.livePeas(0, 63, 1), 1u);
  EXPECT_EQ(topology.livePeas(0, 64, 1), 0u);
}

} // namespace
