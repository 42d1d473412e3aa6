//===- AllocatorTest.cpp - Shares, homes, lanes, needs --------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestProblem.h"

#include "octo/Program/Philox.h"
#include <gtest/gtest.h>

#include <chrono>

using namespace octo;
using namespace octo::sched;

static bool contains(const std::string &text, const char *part) {
  return text.find(part) != std::string::npos;
}

TEST(Allocator, SharesFollowExpectedWork) {
  // Work 3 : 1 on 4 PEAs: three PEAs' worth and one.
  TestProblem problem;
  uint32_t k = problem.addKernel("wide");
  problem.addGang(2, 32768);
  problem.addGang(3, 21846);
  uint32_t a = problem.add("a", 3000, k), b = problem.add("b", 1000, k);
  problem.addEdge(a, b, 64);
  problem.dynamicTime[a] = problem.dynamicTime[b] = true;
  Topology topology(plainTarget(1, 1, 1, 4));
  Checked<Allocation> result = allocate(problem, topology);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->gang[a], 3);
  EXPECT_EQ(result->gang[b], 1);
  EXPECT_EQ(result->placement.of(a)[0].peaCount, 3);
  // Both are planned in full, on different PEAs.
  EXPECT_EQ(result->placement.of(a)[0].shareQ16, 65536u);
  EXPECT_EQ(result->placement.of(b)[0].shareQ16, 65536u);
}

TEST(Allocator, LanesFillTheMachine) {
  TestProblem problem;
  for (uint32_t i = 0; i < 4; ++i) {
    problem.add("t" + std::to_string(i), 100);
    if (i)
      problem.addEdge(i - 1, i, 64);
  }
  Topology topology(plainTarget(8, 8, 4, 4));
  Checked<Solved> solved = solve(problem, topology);
  ASSERT_TRUE(solved) << solved.error().message;
  const Placement &placement = solved->allocation.placement;
  EXPECT_EQ(placement.lanes, 256u);
  std::vector<bool> used(topology.desc().numPeas());
  for (const Replica &r : placement.replicas)
    for (uint32_t p = 0; p < r.peaCount; ++p)
      used[(r.cluster * 4 + r.tbu) * 4 + r.peaFirst + p] = true;
  EXPECT_EQ(std::count(used.begin(), used.end(), true), 1024);
  // The blocks of a lane are together.
  for (uint32_t lane = 0; lane < placement.lanes; ++lane)
    for (uint32_t b = 1; b < 4; ++b)
      EXPECT_EQ(placement.of(b)[lane].cluster, placement.of(0)[lane].cluster);
}

/// One PEA in ten TBUs is dead: lanes of two TBUs are made of the others, and
/// fewer, not of one TBU each with half of the machine left over.
TEST(Allocator, DefectsLeaveNoTbuOut) {
  TargetDesc target = plainTarget(8, 8, 4, 4);
  target.configStore.bytes = 3000;
  for (uint32_t i = 0; i < 10; ++i)
    target.defects.parts.push_back(onePea({i % 8, i / 2}, i % 4, 0));
  TestProblem problem;
  for (uint32_t i = 0; i < 4; ++i) {
    problem.add("t" + std::to_string(i), 100,
                problem.addKernel("k" + std::to_string(i), 1000));
    if (i)
      problem.addEdge(i - 1, i, 64);
  }
  Topology topology(target);
  Checked<Solved> solved = solve(problem, topology);
  ASSERT_TRUE(solved) << solved.error().message;
  EXPECT_EQ(solved->allocation.placement.lanes, 123u);
  EXPECT_EQ(solved->allocation.tbusPerLane, 2u);
}

TEST(Allocator, MoreTasksThanPeasAreTimeMultiplexed) {
  TestProblem problem;
  for (uint32_t i = 0; i < 100; ++i)
    problem.add("t" + std::to_string(i), 100 + i % 7);
  Topology topology(plainTarget(1, 1, 2, 4));
  Checked<Solved> solved = solve(problem, topology);
  ASSERT_TRUE(solved) << solved.error().message;
}

TEST(Allocator, DeadPeasAreAvoided) {
  TargetDesc target = plainTarget(2, 2, 2, 4);
  target.defects.parts = {onePea({0, 0}, 0, 1), onePea({0, 0}, 0, 2)};
  TestProblem problem;
  uint32_t k = problem.addKernel("wide");
  problem.addGang(2, 33000);
  problem.addGang(4, 17000);
  for (uint32_t i = 0; i < 20; ++i) {
    problem.add("t" + std::to_string(i), 1000, k);
    problem.dynamicTime[i] = i % 2;
  }
  Topology topology(target);
  Checked<Solved> solved = solve(problem, topology);
  ASSERT_TRUE(solved) << solved.error().message;
}

/// A home in reserve may be in a TBU with fewer live PEAs than the active one
/// has; its gangs cannot grow beyond them.
TEST(Allocator, HomesInReserveGrowToTheirOwnPeas) {
  TargetDesc target = plainTarget(1, 1, 2, 4);
  target.defects.parts = {onePea({0, 0}, 1, 2), onePea({0, 0}, 1, 3)};
  TestProblem problem;
  uint32_t k = problem.addKernel("wide");
  problem.addGang(2, 60000);
  problem.addGang(4, 55000);
  problem.addControl("switch", 32768, false);
  problem.add("a", 1000, k, 1);
  problem.dynamicFrequency[1] = true;
  Topology topology(target);
  AllocateOptions options;
  options.replicasPerPea = 0;
  Checked<Solved> solved = solve(problem, topology, options);
  ASSERT_TRUE(solved) << solved.error().message;
  std::span<const Replica> homes = solved->allocation.placement.of(1);
  ASSERT_EQ(homes.size(), 2u);
  for (const Replica &home : homes)
    EXPECT_EQ(home.maxGang, home.tbu ? 2 : 4);
  EXPECT_TRUE(homes[1].standby);
}

TEST(Allocator, PinsAreHonoured) {
  TestProblem problem;
  uint32_t k = problem.addKernel("wide");
  problem.addGang(2, 33000);
  uint32_t a = problem.add("a", 100, k), b = problem.add("b", 100, k);
  problem.addEdge(a, b, 1 << 12);
  problem.pinCluster[b] = 3;
  problem.pinTbu[b] = 1;
  problem.pinGang[b] = 2;
  Topology topology(plainTarget(2, 2, 2, 4));
  Checked<Solved> solved = solve(problem, topology);
  ASSERT_TRUE(solved) << solved.error().message;
  const Replica &home = solved->allocation.placement.of(b)[0];
  EXPECT_EQ(home.cluster, 3u);
  EXPECT_EQ(home.tbu, 1);
  EXPECT_EQ(home.peaCount, 2);
  // The producer, with a large flow, moves beside it.
  EXPECT_EQ(solved->allocation.placement.of(a)[0].cluster, 3u);
}

TEST(Allocator, ErrorsStateNeedAndBudget) {
  Topology topology(plainTarget(2, 1, 1, 2));
  {
    TestProblem problem;
    problem.gangs[0].footprint = 1 << 20;
    problem.add("big", 10);
    Checked<Allocation> result = allocate(problem, topology);
    ASSERT_FALSE(result);
    EXPECT_TRUE(contains(result.error().message, "'big'"));
    EXPECT_TRUE(contains(result.error().message, "1.0 MiB"))
        << result.error().message;
    EXPECT_TRUE(contains(result.error().message, "64.0 KiB"));
  }
  {
    TestProblem problem;
    problem.codeBytes[0] = 2 << 20;
    problem.add("fat", 10);
    Checked<Allocation> result = allocate(problem, topology);
    ASSERT_FALSE(result);
    EXPECT_TRUE(contains(result.error().message, "'fat'"));
    EXPECT_TRUE(contains(result.error().message, "2.0 MiB"));
  }
  {
    TestProblem problem;
    problem.weightBytes = {4 << 20};
    problem.weights = {0};
    problem.add("heavy", 10);
    Checked<Allocation> result = allocate(problem, topology);
    ASSERT_FALSE(result);
    EXPECT_TRUE(contains(result.error().message, "weight"))
        << result.error().message;
  }
  {
    TestProblem problem;
    problem.add("m", 10, problem.addKernel("mm", 64, PeaClass::Matrix));
    Checked<Allocation> result = allocate(problem, topology);
    ASSERT_FALSE(result);
    EXPECT_TRUE(contains(result.error().message, "class matrix"));
  }
  {
    TestProblem problem;
    problem.add("p", 10);
    problem.pinCluster[0] = 9;
    Checked<Allocation> result = allocate(problem, topology);
    ASSERT_FALSE(result);
    EXPECT_TRUE(contains(result.error().message, "cluster 9"));
    problem.pinCluster[0] = 1;
    problem.pinGang[0] = 3;
    result = allocate(problem, topology);
    ASSERT_FALSE(result);
    EXPECT_TRUE(contains(result.error().message, "3 PEAs"));
  }
  {
    TestProblem problem;
    uint32_t a = problem.add("a", 10), b = problem.add("b", 10);
    problem.addEdge(b, a);
    Checked<Allocation> result = allocate(problem, topology);
    ASSERT_FALSE(result);
    EXPECT_TRUE(contains(result.error().message, "topological"));
  }
}

TEST(Allocator, DecisionsSayWhy) {
  TestProblem problem;
  uint32_t a = problem.add("a", 100);
  uint32_t b = problem.add("b", 100);
  problem.addEdge(a, b, 4096);
  Topology topology(plainTarget(2, 2, 2, 2));
  AllocateOptions options;
  options.lanes = 1;
  Checked<Allocation> result = allocate(problem, topology, options);
  ASSERT_TRUE(result);
  unsigned homes = 0;
  for (const Decision &d : result->decisions) {
    EXPECT_EQ(std::count_if(d.candidates.begin(), d.candidates.end(),
                            [](const Candidate &c) {
                              return c.outcome == Outcome::Chosen;
                            }),
              1);
    homes += d.kind == DecisionKind::Home && d.candidates.size() > 1;
  }
  EXPECT_EQ(homes, 2u);
}

/// A layered random graph; every draw is a function of its position.
static TestProblem layered(uint32_t tasks, uint32_t width) {
  TestProblem problem;
  for (uint32_t i = 0; i < tasks; ++i) {
    auto r = philox4x32({i, 0, 0, 0}, {7, 0});
    problem.add("t", 1000 + r[0] % 9000);
    if (i >= width)
      for (uint32_t j = 0; j < 3; ++j)
        problem.addEdge(i - width + (r[1 + j] % width) - (i % width), i,
                        1024 + r[0] % 4096);
  }
  return problem;
}

TEST(Allocator, HundredThousandTasksInLinearTime) {
  Topology topology(plainTarget(25, 25, 4, 4));
  auto timed = [&](uint32_t tasks) {
    TestProblem problem = layered(tasks, 500);
    AllocateOptions options;
    options.recordDecisions = false;
    options.mapByData = false;
    auto begin = std::chrono::steady_clock::now();
    Checked<Solved> solved = solve(problem, topology, options);
    std::chrono::duration<double> took =
        std::chrono::steady_clock::now() - begin;
    EXPECT_TRUE(solved) << solved.error().message;
    printf("%u tasks: %.2f s\n", tasks, took.count());
    return took.count();
  };
  double small = timed(10000), large = timed(100000);
  // Generous: the machine that runs this may be busy.
  EXPECT_LT(large, 30 * std::max(small, 0.02));
}

/// Chains side by side with some threads between them, numbered so that
/// neighbours in number are strangers.
static TestProblem wovenChains(uint32_t chains, uint32_t length,
                               uint64_t seed) {
  TestProblem problem;
  auto draw = [&, at = uint64_t(0)](uint64_t n) mutable {
    return philox64(0x3e5, seed, at++) % n;
  };
  for (uint32_t step = 0; step < length; ++step)
    for (uint32_t i = 0; i < chains; ++i) {
      const uint32_t b = problem.add("t" + std::to_string(problem.numBlocks()),
                                     500 + draw(1000));
      problem.dynamicTime[b] = true;
      if (!step)
        continue;
      problem.addEdge(b - chains, b, 4096);
      const uint32_t other = uint32_t((i * 7 + 3) % chains);
      if (draw(4) == 0 && other != i)
        problem.addEdge((step - 1) * chains + other, b, 512);
    }
  for (uint32_t i = 0; i < chains; ++i)
    problem.flows.push_back({none, i, 1024});
  return problem;
}

TEST(Allocator, HomesFollowDataWhereThatCostsNoTime) {
  uint32_t byData = 0;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    const TestProblem problem = wovenChains(24, 12, seed);
    TargetDesc target = plainTarget(4, 4, 2, 2);
    for (uint32_t cluster : {5u, 14u}) {
      PartRef part;
      part.kind = PartKind::Cluster;
      part.cluster = {cluster % 4, cluster / 4};
      target.defects.parts.push_back(part);
    }
    Topology topology(target);
    AllocateOptions options;
    options.lanes = 1;
    Checked<Solved> solved = solve(problem, topology, options);
    ASSERT_TRUE(solved) << solved.error().message;
    const Allocation &found = solved->allocation;
    ASSERT_TRUE(found.mapped);
    const auto &[time, data] = found.homingPlans;
    options.mapByData = false;
    Checked<Allocation> plain = allocate(problem, topology, options);
    ASSERT_TRUE(plain);
    EXPECT_FALSE(plain->mapped);
    EXPECT_EQ(plain->homing, Homing::Time);
    EXPECT_EQ(plain->homingPlans[0].hopBytes, time.hopBytes);
    // The figures are those of the places.
    std::vector<uint32_t> clusters;
    for (const Replica &r : plain->placement.replicas)
      clusters.push_back(r.cluster);
    EXPECT_EQ(expectedHopBytes(topology,
                               expectedTraffic(problem, plain->countQ16),
                               plain->placement.offsets, clusters),
              time.hopBytes);
    if (found.homing == Homing::Time) {
      EXPECT_EQ(found.placement.replicas, plain->placement.replicas);
      continue;
    }
    ++byData;
    EXPECT_LT(data.hopBytes, time.hopBytes);
    EXPECT_LE(data.length * 65536, time.length * (65536 + 655));
    EXPECT_LE(data.busiestQ16 / 65536 * 65536,
              time.busiestQ16 / 65536 * (65536 + 655));
    options.mapByData = true;
    EXPECT_EQ(allocate(problem, topology, options)->placement.replicas,
              found.placement.replicas);
  }
  EXPECT_GE(byData, 6u);
}

TEST(Allocator, ALaneWithinAClusterIsNotMapped) {
  const TestProblem problem = wovenChains(4, 4, 1);
  Topology topology(plainTarget(2, 2, 4, 4));
  Checked<Allocation> found = allocate(problem, topology);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_GE(found->placement.lanes, 4u);
  EXPECT_FALSE(found->mapped);
}

TEST(Allocator, TrafficCountsTheDeeperEnd) {
  // A loop of five trips whose body takes from outside and gives to it.
  TestProblem problem;
  const uint32_t a = problem.add("a", 10);
  const uint32_t loop = problem.addControl("loop", 5 * 65536, true);
  const uint32_t after = problem.add("after", 10);
  const uint32_t body = problem.add("body", 10, 0, 1);
  problem.flows = {{a, body, 100}, {body, loop, 7},   {loop, after, 3},
                   {none, a, 11},  {after, none, 13}, {none, body, 1},
                   {a, after, 0}};
  const std::vector<Edge> traffic =
      expectedTraffic(problem, expectedCounts(problem));
  const std::vector<uint64_t> bytes{500, 35, 3, 11, 13, 5, 0};
  for (size_t i = 0; i < bytes.size(); ++i)
    EXPECT_EQ(traffic[i].bytes, bytes[i]) << i;
}
