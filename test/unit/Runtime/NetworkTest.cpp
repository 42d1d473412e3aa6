//===- NetworkTest.cpp - The mesh, message by message and flit by flit ----===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MeshDrain.h"

#include "gtest/gtest.h"

#include <fstream>
#include <map>
#include <sstream>
#include <string>

using namespace octo;
using namespace octo::test;

namespace {

NetworkShape square(uint32_t side) {
  NetworkShape shape;
  shape.width = shape.dieWidth = shape.height = shape.dieHeight = side;
  return shape;
}

/// One message alone: when it arrives.
uint64_t alone(const NetworkShape &shape, bool flitLevel, uint32_t from,
               uint32_t to, uint32_t flits) {
  MeshRoutes routes(shape.width, shape.height,
                    std::vector<bool>(shape.clusters() * 4));
  std::vector<NetworkDelivery> delivered;
  if (flitLevel) {
    FlitNetwork network(shape, routes);
    network.inject(7, from, to, flits);
    while (!network.idle())
      network.step(delivered);
  } else {
    Network network(shape, routes);
    network.inject(7, from, to, uint64_t(flits) * shape.flitBytes, 0);
    while (network.nextTime() != Network::never)
      network.run(network.nextTime(), delivered);
  }
  EXPECT_EQ(delivered.size(), 1u);
  return delivered.empty() ? 0 : delivered[0].arrived;
}

/// Without contention: 5 cycles a router, 2 for the interface, one for each
/// flit after the first. Both models, short messages and such as lie across
/// many routers.
TEST(Network, ZeroLoadLatency) {
  NetworkShape shape = square(8);
  for (bool flitLevel : {false, true})
    for (uint32_t to : {0u, 1u, 7u, 36u, 63u})
      for (uint32_t flits : {1u, 2u, 8u, 9u, 40u, 500u})
        EXPECT_EQ(alone(shape, flitLevel, 0, to, flits),
                  5 * (to % 8 + to / 8 + 1) + 2 + flits - 1)
            << flitLevel << " " << to << " " << flits;
}

/// Other hops, an interface of no cycles, long links between dies. Links that
/// are narrower between dies set the pace.
TEST(Network, ZeroLoadOfOtherMachines) {
  for (uint32_t hop : {1u, 2u, 3u, 4u, 7u, 20u})
    for (uint32_t interface : {0u, 1u, 6u})
      for (bool flitLevel : {false, true}) {
        NetworkShape shape = square(4);
        shape.hopCycles = shape.dieHopCycles = hop;
        shape.interfaceCycles = interface;
        EXPECT_EQ(alone(shape, flitLevel, 0, 15, 30), 7 * hop + interface + 29);
      }
  for (bool flitLevel : {false, true}) {
    NetworkShape shape = square(4);
    shape.dieWidth = 2;
    shape.flitBytes = 16;
    shape.dieLinkBytes = 16;
    shape.dieHopCycles = 30;
    EXPECT_EQ(alone(shape, flitLevel, 0, 3, 100), 3 * 5 + 30 + 2 + 99);
  }
  NetworkShape narrow = square(4);
  narrow.dieWidth = 2;
  narrow.flitBytes = 16;
  narrow.dieLinkBytes = 4;
  // Behind the narrow link the last flit is not held up by routing and
  // allocation, as the head is: 3 cycles a router instead of 5.
  EXPECT_EQ(alone(narrow, false, 0, 3, 100), 2 * 5 + 2 * 3 + 1 + 2 + 398);
}

/// Everything that is sent arrives, once, over a mesh with dead links, with
/// small buffers, whatever the lengths. Nothing waits for ever.
TEST(Network, EverythingArrivesUnderLoad) {
  std::mt19937_64 random(11);
  for (unsigned round = 0; round < 24; ++round) {
    NetworkShape shape;
    shape.width = 2 + random() % 5;
    shape.height = 1 + random() % 6;
    shape.dieWidth = 1 + random() % shape.width;
    shape.dieHeight = 1 + random() % shape.height;
    shape.dieHopCycles = 5 + random() % 20;
    shape.flitBytes = 8;
    shape.dieLinkBytes = round % 3 ? 8 : 3;
    shape.setBuffer(uint32_t(8 * (1 + random() % 40)));
    uint32_t clusters = shape.clusters();
    std::vector<bool> dead(clusters * 4);
    for (unsigned i = 0; i < round % 5; ++i) {
      uint32_t at = uint32_t(random() % clusters);
      if (at % shape.width + 1 < shape.width)
        dead[at * 4] = dead[(at + 1) * 4 + 1] = true;
    }
    for (bool flitLevel : {false, true}) {
      MeshRoutes routes(shape.width, shape.height, dead);
      Network network(shape, routes);
      FlitNetwork flits(shape, routes);
      std::map<uint32_t, unsigned> open;
      std::vector<NetworkDelivery> delivered;
      uint64_t time = 0;
      std::mt19937_64 messages(round);
      for (uint32_t id = 0; id < 600; ++id) {
        uint32_t from = uint32_t(messages() % clusters);
        uint32_t to = uint32_t(messages() % clusters);
        uint64_t bytes = 1 + messages() % (id % 7 ? 60 : 1500);
        if (!routes.reachable(from, to))
          continue;
        ++open[id];
        if (flitLevel)
          flits.inject(id, from, to, shape.flitsOf(bytes));
        else
          network.inject(id, from, to, bytes, time);
        for (unsigned step = 0; step < 3; ++step)
          if (flitLevel) {
            flits.step(delivered);
          } else if (network.nextTime() != Network::never) {
            time = network.nextTime();
            network.run(time, delivered);
          }
      }
      for (uint64_t steps = 0; steps < 2000000; ++steps)
        if (flitLevel && !flits.idle())
          flits.step(delivered);
        else if (!flitLevel && network.nextTime() != Network::never)
          network.run(network.nextTime(), delivered);
        else
          break;
      for (const NetworkDelivery &d : delivered)
        EXPECT_EQ(open.erase(d.message), 1u);
      EXPECT_TRUE(open.empty()) << (flitLevel ? "flits, " : "messages, ")
                                << open.size() << " left in round " << round;
    }
  }
}

/// So do messages of up to 1,500 flits that all go to one place, over meshes of
/// many sizes with and without dead links, in not too many steps.
TEST(Network, LongMessagesToOnePlaceArrive) {
  std::mt19937_64 random(6);
  for (unsigned round = 0; round < 16; ++round) {
    NetworkShape shape;
    shape.width = shape.dieWidth = 2 + random() % 7;
    shape.height = shape.dieHeight = 2 + random() % 7;
    shape.flitBytes = 64;
    shape.setBuffer(2048);
    uint32_t clusters = shape.clusters();
    std::vector<bool> dead(clusters * 4);
    for (unsigned i = 0; i < round % 4; ++i) {
      uint32_t at = uint32_t(random() % clusters);
      if (at % shape.width + 1 < shape.width)
        dead[at * 4] = dead[(at + 1) * 4 + 1] = true;
    }
    MeshRoutes routes(shape.width, shape.height, dead);
    Network network(shape, routes);
    std::vector<NetworkDelivery> delivered;
    unsigned sent = 0;
    uint64_t time = 0;
    for (uint32_t id = 0; id < 800; ++id) {
      uint32_t from = uint32_t(random() % clusters);
      random(); // as where it was seen that they did not
      uint32_t to = clusters / 2;
      uint64_t flits = id % 3 ? 1 + random() % 1500 : 1 + random() % 40;
      if (from == to || !routes.reachable(from, to))
        continue;
      ++sent;
      network.inject(id, from, to, flits * shape.flitBytes, time);
      for (unsigned step = 0; step < 3; ++step)
        if (network.nextTime() != Network::never) {
          time = network.nextTime();
          network.run(time, delivered);
        }
    }
    for (unsigned steps = 0; steps < 100000; ++steps)
      if (network.nextTime() != Network::never)
        network.run(network.nextTime(), delivered);
    EXPECT_EQ(delivered.size(), sent) << "round " << round;
  }
}

/// Meshes of many kinds that are offered more than they carry run empty, and
/// are then as they were (noc-bench --drain has more of them).
TEST(Network, FloodedMeshesRunEmpty) {
  for (bool flitLevel : {false, true})
    for (uint64_t seed = 1; seed <= 12; ++seed) {
      DrainRun run = randomDrain(seed, 4, 7, 8000);
      run.flitLevel = flitLevel;
      EXPECT_EQ(drain(run).wrong, "") << "seed " << seed << ", " << run.text();
    }
}

/// A message that is blocked blocks what is behind it in its channel, and what
/// is longer than the buffers holds up the routers behind (back-pressure).
TEST(Network, BlockedMessagesHoldWhatIsBehind) {
  NetworkShape shape = square(4);
  shape.channels = 1;
  MeshRoutes routes(4, 4, std::vector<bool>(64));
  Network network(shape, routes);
  // 4 and 0 send to 2 (over 6 and over 1); the long one first. Then 0 sends to
  // 1, which is behind its own message to 2.
  network.inject(0, 3, 2, 400, 0);
  network.inject(1, 1, 2, 40, 1);
  network.inject(2, 0, 2, 40, 20);
  network.inject(3, 0, 1, 1, 21);
  std::vector<NetworkDelivery> delivered;
  while (network.nextTime() != Network::never)
    network.run(network.nextTime(), delivered);
  ASSERT_EQ(delivered.size(), 4u);
  std::map<uint32_t, uint64_t> at;
  for (const NetworkDelivery &d : delivered)
    at[d.message] = d.arrived;
  EXPECT_GT(at[1], 400u);
  EXPECT_GT(at[2], at[1]);
  // Alone it would have taken 12 cycles.
  EXPECT_GT(at[3], 400u);
}

/// The same calls give the same answers.
TEST(Network, IsDeterministic) {
  TrafficRun run;
  run.width = run.height = 4;
  run.load = 0.4;
  run.flits = 12;
  run.warmup = 500;
  run.cycles = 2000;
  for (bool flitLevel : {false, true}) {
    run.flitLevel = flitLevel;
    std::optional<TrafficResult> a = simulateTraffic(run);
    std::optional<TrafficResult> b = simulateTraffic(run);
    EXPECT_EQ(a->networkLatency, b->networkLatency);
    EXPECT_EQ(a->packets, b->packets);
  }
}

/// Points of latency against load, measured with BookSim 2 (mesh, dimension
/// order, 4 virtual channels of 8 flits, iSLIP; one seed). Flit by flit within
/// 5 %, message by message within 10 %.
TEST(Network, LatencyUnderLoadIsThatOfBookSim) {
  struct Point {
    uint32_t side;
    const char *pattern;
    uint32_t flits;
    double load, latency;
  };
  static const Point points[] = {
      {4, "uniform", 1, 0.3, 20.3747},   {4, "uniform", 1, 0.5, 22.0093},
      {4, "uniform", 8, 0.3, 31.7153},   {4, "uniform", 8, 0.45, 37.4592},
      {4, "transpose", 1, 0.2, 20.2856}, {4, "transpose", 8, 0.2, 29.9411},
      {4, "neighbor", 8, 0.5, 29.0668},  {8, "uniform", 1, 0.2, 35.0748},
      {8, "uniform", 1, 0.25, 36.2135},  {8, "uniform", 8, 0.2, 47.346},
      {8, "uniform", 8, 0.25, 51.5745},  {8, "neighbor", 1, 0.5, 24.9036},
  };
  for (const Point &point : points)
    for (bool flitLevel : {false, true}) {
      TrafficRun run;
      run.width = run.height = point.side;
      run.pattern = point.pattern;
      run.flits = point.flits;
      run.load = point.load;
      run.flitLevel = flitLevel;
      run.cycles = point.side == 4 ? 5000 : 2000;
      std::optional<TrafficResult> result = simulateTraffic(run);
      ASSERT_TRUE(result && result->stable);
      EXPECT_NEAR(result->networkLatency, point.latency,
                  point.latency * (flitLevel ? 0.05 : 0.10))
          << point.side << " " << point.pattern << " " << point.flits << " "
          << point.load << (flitLevel ? " flit" : " message");
    }
}

/// All of the reference up to 70 % of the load at which its latency is three
/// times that without contention, where the table is at hand.
TEST(Network, LatencyIsThatOfTheReferenceTable) {
  std::string folder = OCTO_SHARED_DATA_DIR;
  std::ifstream file(folder + "/booksim2/mesh_latency.csv");
  std::string line;
  if (folder.empty() || !std::getline(file, line))
    GTEST_SKIP() << "no reference data";
  struct Row {
    TrafficRun run;
    double packet, network, routers;
  };
  std::map<std::string, std::vector<Row>> curves;
  while (std::getline(file, line)) {
    std::stringstream cells(line);
    std::vector<std::string> cell;
    for (std::string text; std::getline(cells, text, ',');)
      cell.push_back(text);
    ASSERT_GE(cell.size(), 7u) << line;
    Row row;
    row.run.width = row.run.height = uint32_t(std::stoul(cell[0]));
    for (std::string_view pattern : meshPatterns)
      if (pattern == cell[1])
        row.run.pattern = pattern;
    ASSERT_EQ(row.run.pattern, cell[1]);
    row.run.flits = uint32_t(std::stoul(cell[2]));
    row.run.load = std::stod(cell[3]);
    row.packet = std::stod(cell[4]);
    row.network = std::stod(cell[5]);
    row.routers = cell[6].empty() ? 0 : std::stod(cell[6]);
    row.run.cycles = row.run.width == 4 ? 4000 : 1500;
    row.run.warmup = 1000;
    curves[cell[0] + cell[1] + " " + cell[2]].push_back(row);
  }
  ASSERT_FALSE(curves.empty());
  for (auto &[name, rows] : curves) {
    double saturation = 1;
    for (const Row &row : rows)
      if (!row.routers ||
          row.packet > 3 * zeroLoadLatency(row.routers, row.run.flits)) {
        saturation = row.run.load;
        break;
      }
    // The highest loads, and one in the middle.
    std::vector<const Row *> below;
    for (const Row &row : rows)
      if (row.run.load <= 0.7 * saturation)
        below.push_back(&row);
    ASSERT_FALSE(below.empty()) << name;
    for (size_t i : {below.size() / 2, below.size() - 1})
      for (bool flitLevel : {false, true}) {
        TrafficRun run = below[i]->run;
        run.flitLevel = flitLevel;
        std::optional<TrafficResult> result = simulateTraffic(run);
        ASSERT_TRUE(result && result->stable) << name;
        EXPECT_NEAR(result->networkLatency / below[i]->network, 1,
                    flitLevel ? 0.05 : 0.10)
            << name << " at " << run.load << (flitLevel ? " flit" : " message");
      }
  }
}

/// Other patterns and lengths, message by message against flit by flit, at 65 %
/// of the load at which the latter saturates.
TEST(Network, MessagesAreAsLateAsTheirFlits) {
  struct Curve {
    const char *pattern;
    /// Saturation of 4 x 4 with packets of 1, 8 and 24 flits, by noc-bench
    /// --compare.
    double load[3];
  };
  static const Curve curves[] = {{"uniform", {0.74, 0.69, 0.49}},
                                 {"transpose", {0.34, 0.33, 0.31}},
                                 {"bit-complement", {0.44, 0.43, 0.39}},
                                 {"bit-reverse", {0.34, 0.33, 0.31}},
                                 {"shuffle", {0.50, 0.48, 0.46}},
                                 {"tornado", {0.99, 0.93, 0.88}},
                                 {"hotspot", {0.36, 0.39, 0.36}},
                                 {"asymmetric", {0.77, 0.71, 0.56}}};
  for (const Curve &curve : curves)
    for (unsigned i = 0; i < 3; ++i) {
      double latency[2];
      for (bool flitLevel : {false, true}) {
        TrafficRun run;
        run.width = run.height = 4;
        run.pattern = curve.pattern;
        run.flits = i == 0 ? 1 : i == 1 ? 8 : 24;
        run.load = 0.65 * curve.load[i];
        run.flitLevel = flitLevel;
        run.warmup = 1000;
        run.cycles = 6000;
        std::optional<TrafficResult> result = simulateTraffic(run);
        ASSERT_TRUE(result && result->stable) << curve.pattern;
        latency[flitLevel] = result->networkLatency;
      }
      EXPECT_NEAR(latency[0] / latency[1], 1, 0.06)
          << curve.pattern << " " << i;
    }
}

/// Traffic that no reference has: rectangles, permutations, few receivers and
/// mixed lengths. Saturation by flits is found here; noc-bench --compare has
/// all patterns and lengths.
TEST(Network, OtherTrafficIsAsLateAsItsFlits) {
  struct Case {
    uint32_t width, height;
    const char *pattern;
    std::vector<std::pair<uint32_t, uint32_t>> mix;
    double part; ///< of saturation: up to there, within 10 %
  };
  for (const Case &c : {Case{8, 4, "shuffle", {{8, 8}}, 0.7},
                        Case{4, 4, "randperm", {{16, 16}}, 0.7},
                        Case{4, 4, "hotspots", {{4, 4}}, 0.7},
                        Case{5, 3, "uniform", {{2, 2}}, 0.7},
                        Case{4, 4, "diagonal", {{1, 65}}, 0.7},
                        // Beyond that see docs/timing-model.md.
                        Case{4, 4, "uniform", {{1, 1}, {32, 32}}, 0.3}}) {
    TrafficRun run;
    run.width = c.width;
    run.height = c.height;
    run.pattern = c.pattern;
    run.mix = c.mix;
    run.warmup = 1000;
    run.cycles = 5000;
    run.patience = 3000;
    run.flitLevel = true;
    double saturation = saturationLoad(run, 0, 1.0 / 32);
    for (double part : {0.2, c.part}) {
      run.load = part * saturation;
      double latency[2];
      for (bool flitLevel : {false, true}) {
        run.flitLevel = flitLevel;
        std::optional<TrafficResult> result = simulateTraffic(run);
        ASSERT_TRUE(result && result->stable) << c.pattern;
        latency[flitLevel] = result->networkLatency;
      }
      EXPECT_NEAR(latency[0] / latency[1], 1, 0.10)
          << c.width << "x" << c.height << " " << c.pattern << " at " << part;
    }
    if (c.part < 0.7)
      continue;
    run.flitLevel = false;
    run.load = 0.88 * saturation;
    EXPECT_FALSE(isSaturated(run)) << c.pattern;
    run.load = std::min(1.12 * saturation, 1.0);
    EXPECT_TRUE(isSaturated(run)) << c.pattern;
  }
}

/// Packets that lie across several routers saturate 8 x 8 where flits do, by
/// noc-bench --compare, within 10 %.
TEST(Network, LongMessagesSaturateWhereTheirFlitsDo) {
  struct Case {
    const char *pattern;
    uint32_t flits;
    double saturation;
  };
  for (const Case &c :
       {Case{"uniform", 16, 0.352}, Case{"uniform", 24, 0.324},
        Case{"tornado", 16, 0.250}, Case{"tornado", 24, 0.243},
        Case{"tornado", 32, 0.235}, Case{"bit-complement", 24, 0.201},
        Case{"transpose", 24, 0.143}})
    for (double part : {0.9, 1.1}) {
      TrafficRun run;
      run.pattern = c.pattern;
      run.flits = c.flits;
      run.load = part * c.saturation;
      run.warmup = 2000;
      run.cycles = 3000;
      run.patience = 3000;
      EXPECT_EQ(isSaturated(run), part > 1) << c.pattern << " " << c.flits;
    }
}

/// Where BookSim saturates: packets of 8 flits, 8 x 8 uniform between 0.35 and
/// 0.40, 4 x 4 transpose between 0.30 and 0.35.
TEST(Network, SaturationIsThatOfBookSim) {
  struct Case {
    uint32_t side;
    const char *pattern;
    uint32_t flits;
    double low, high;
  };
  for (const Case &c :
       {Case{8, "uniform", 1, 0.40, 0.45}, Case{8, "uniform", 8, 0.35, 0.40},
        Case{4, "transpose", 8, 0.30, 0.35}}) {
    TrafficRun run;
    run.width = run.height = c.side;
    run.pattern = c.pattern;
    run.flits = c.flits;
    run.warmup = 1000;
    run.cycles = 1500;
    run.patience = 700;
    double load = saturationLoad(run);
    EXPECT_GT(load, 0.9 * c.low) << c.side << c.pattern << c.flits;
    EXPECT_LT(load, 1.1 * c.high) << c.side << c.pattern << c.flits;
  }
}

} // namespace
