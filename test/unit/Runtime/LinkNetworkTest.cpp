//===- LinkNetworkTest.cpp - The mesh link by link ------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LinkNetwork.h"

#include "octo/Program/Philox.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <vector>

using namespace octo;

namespace {

NetworkShape makeShape(uint32_t width, uint32_t height) {
  NetworkShape shape;
  shape.width = shape.dieWidth = width;
  shape.height = shape.dieHeight = height;
  shape.flitBytes = shape.dieLinkBytes = 32;
  return shape;
}

/// Arrivals by message.
std::map<uint32_t, uint64_t> runAll(LinkNetwork &network) {
  std::map<uint32_t, uint64_t> arrivals;
  std::vector<NetworkDelivery> delivered;
  uint64_t last = 0;
  while (network.nextTime() != LinkNetwork::never) {
    EXPECT_GE(network.nextTime(), last);
    last = network.nextTime();
    delivered.clear();
    network.run(last, delivered);
    for (const NetworkDelivery &one : delivered) {
      EXPECT_EQ(one.arrived, last);
      EXPECT_TRUE(arrivals.emplace(one.message, one.arrived).second);
    }
  }
  return arrivals;
}

TEST(LinkNetwork, AloneAMessageTakesItsRoutersAndItsLength) {
  NetworkShape shape = makeShape(6, 5);
  shape.dieWidth = 3;
  shape.dieHopCycles = 20;
  shape.dieLinkBytes = 8;
  MeshRoutes routes(6, 5, std::vector<bool>(6 * 5 * 4, false));
  for (uint32_t from = 0; from < 30; ++from)
    for (uint32_t to = 0; to < 30; ++to)
      for (uint64_t bytes : {1u, 32u, 33u, 4096u}) {
        if (from == to)
          continue;
        LinkNetwork network(shape, routes);
        network.inject(7, from, to, bytes, 1000);
        bool dies = from % 6 / 3 != to % 6 / 3;
        uint64_t hops = std::abs(int(from % 6) - int(to % 6)) +
                        std::abs(int(from / 6) - int(to / 6));
        uint64_t length = dies ? (bytes + 7) / 8 : (bytes + 31) / 32;
        // A die link of 20 cycles stands for one of 5.
        uint64_t expected =
            1000 + 2 + 5 * (hops + 1) + (dies ? 15 : 0) + length - 1;
        EXPECT_EQ(runAll(network).at(7), expected) << from << " " << to;
      }
}

TEST(LinkNetwork, ALinkServesHeadsInOrderOfArrival) {
  NetworkShape shape = makeShape(3, 3);
  MeshRoutes routes(3, 3, std::vector<bool>(36, false));
  LinkNetwork network(shape, routes);
  // Both take the link from 4 to 5; the one from 3 has a hop more before it.
  network.inject(1, 3, 5, 32 * 100, 0);
  network.inject(2, 4, 5, 32 * 10, 0);
  std::map<uint32_t, uint64_t> arrivals = runAll(network);
  // Message 2: alone. Message 1: its head is at router 4 at 7, the link is free
  // from 2 + 10 on.
  EXPECT_EQ(arrivals[2], 2u + 10 + 9);
  EXPECT_EQ(arrivals[1], 12u + 10 + 99);
  EXPECT_EQ(network.waitedCycles()[4 * 5 + 0], 5u);
  EXPECT_EQ(network.busyCycles()[4 * 5 + 0], 110u);
}

TEST(LinkNetwork, OneSourceSendsOneMessageAfterTheOther) {
  NetworkShape shape = makeShape(3, 1);
  MeshRoutes routes(3, 1, std::vector<bool>(12, false));
  LinkNetwork network(shape, routes);
  network.inject(1, 1, 0, 32 * 8, 0);
  network.inject(2, 1, 2, 32 * 8, 0);
  std::map<uint32_t, uint64_t> arrivals = runAll(network);
  EXPECT_EQ(arrivals[1], 2u + 10 + 7);
  EXPECT_EQ(arrivals[2], 8u + 2 + 10 + 7);
}

/// Random traffic, also far ahead of the wheel and around dead links: each
/// message arrives once, not before it would alone, and links are taken for
/// exactly what passed them.
TEST(LinkNetwork, NothingIsLostOrQuickerThanAlone) {
  for (bool defects : {false, true}) {
    NetworkShape shape = makeShape(7, 6);
    std::vector<bool> dead(7 * 6 * 4, false);
    if (defects)
      for (uint32_t cluster : {8u, 17u, 30u})
        dead[cluster * 4] = dead[(cluster + 1) * 4 + 1] = true;
    MeshRoutes routes(7, 6, dead);
    LinkNetwork network(shape, routes);
    std::vector<uint64_t> least;
    uint64_t busy = 0;
    for (uint32_t i = 0; i < 4000; ++i) {
      uint32_t from = philox64(1, i, 0) % 42, to = philox64(1, i, 1) % 42;
      uint64_t bytes = 1 + philox64(1, i, 2) % 5000;
      uint64_t at =
          i % 10 == 0 ? philox64(1, i, 3) % 200000 : philox64(1, i, 3) % 20000;
      uint64_t length = (bytes + 31) / 32, hops = routes.hops(from, to);
      network.inject(i, from, to, bytes, at);
      least.push_back(at + 2 + 5 * (hops + 1) + length - 1);
      busy += length * (hops + 1);
    }
    std::map<uint32_t, uint64_t> arrivals = runAll(network);
    ASSERT_EQ(arrivals.size(), 4000u);
    for (uint32_t i = 0; i < 4000; ++i)
      EXPECT_GE(arrivals[i], least[i]);
    const std::vector<uint64_t> &cycles = network.busyCycles();
    EXPECT_EQ(std::accumulate(cycles.begin(), cycles.end(), uint64_t(0)), busy);
  }
}

} // namespace
