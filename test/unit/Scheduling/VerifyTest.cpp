//===- VerifyTest.cpp - Each broken rule is found -------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestProblem.h"

#include <gtest/gtest.h>

using namespace octo;
using namespace octo::sched;

namespace {

class VerifyTest : public testing::Test {
protected:
  void SetUp() override {
    a = problem.add("a", 100);
    b = problem.add("b", 100);
    problem.addEdge(a, b, 64);
    AllocateOptions options;
    options.lanes = 1;
    auto result = solve(problem, topology, options);
    ASSERT_TRUE(result) << result.error().message;
    solved = *result;
  }
  Placement &placement() { return solved.allocation.placement; }
  Replica &home(uint32_t block) {
    return placement().replicas[placement().offsets[block]];
  }
  Slot &slot(uint32_t block) {
    for (Slot &s : solved.schedule.slots)
      if (s.block == block)
        return s;
    ADD_FAILURE();
    return solved.schedule.slots[0];
  }
  void expectPlacement(const char *part) {
    for (const Violation &v : verifyPlacement(problem, topology, placement()))
      if (v.message.find(part) != std::string::npos)
        return;
    FAIL() << "no violation says '" << part << "'";
  }
  void expectSchedule(const char *part) {
    for (const Violation &v :
         verifySchedule(problem, topology, placement(), solved.schedule))
      if (v.message.find(part) != std::string::npos)
        return;
    FAIL() << "no violation says '" << part << "'";
  }

  TestProblem problem;
  Topology topology{plainTarget(2, 2, 2, 4)};
  Solved solved;
  uint32_t a = 0, b = 0;
};

TEST_F(VerifyTest, GoodIsGood) {
  EXPECT_TRUE(verifyPlacement(problem, topology, placement()).empty());
  EXPECT_TRUE(
      verifySchedule(problem, topology, placement(), solved.schedule).empty());
}
TEST_F(VerifyTest, ClusterOffTheMachine) {
  home(a).cluster = 4;
  expectPlacement("the machine has 4");
}
TEST_F(VerifyTest, PeasOffTheTbu) {
  home(a).peaFirst = 4;
  expectPlacement("2 TBUs of 4 PEAs");
}
TEST_F(VerifyTest, DeadPea) {
  PartRef part;
  part.kind = PartKind::Tbu;
  part.cluster = topology.desc().coordOf(home(a).cluster);
  part.unit = home(a).tbu;
  topology.kill(part);
  expectPlacement("dead or cut off");
}
TEST_F(VerifyTest, OverSubscribedPea) {
  home(b) = home(a);
  home(a).shareQ16 = home(b).shareQ16 = 40000;
  expectPlacement("share");
}
TEST_F(VerifyTest, NoActiveReplica) {
  home(a).standby = true;
  expectPlacement("no active replica");
}
TEST_F(VerifyTest, BrokenPin) {
  problem.pinCluster[a] = home(a).cluster ^ 1;
  expectPlacement("is pinned to cluster");
}
TEST_F(VerifyTest, FootprintOverSram) {
  problem.gangs[0].footprint = 1 << 20;
  expectPlacement("1.0 MiB");
}
TEST_F(VerifyTest, WrongClass) {
  problem.peaClass[0] = PeaClass::Vector;
  expectPlacement("needs PEAs of class vector");
}
TEST_F(VerifyTest, GangOverTheTbu) {
  home(a).maxGang = 5;
  expectPlacement("may grow to 5");
}
TEST_F(VerifyTest, NoRoute) {
  home(a).cluster = 0;
  home(b).cluster = 3;
  for (auto [x, y] : {std::pair{1u, 0u}, {0u, 1u}}) {
    PartRef part;
    part.kind = PartKind::Link;
    part.cluster = {x, y};
    part.to = {1, 1};
    topology.kill(part);
  }
  expectPlacement("dead");
}
TEST_F(VerifyTest, SlotBeforeItsInput) {
  slot(b).start = slot(a).start + 50;
  expectSchedule("is there at cycle");
}
TEST_F(VerifyTest, OverlappingSlots) {
  home(b) = home(a);
  problem.edges.clear();
  slot(b).start = slot(a).start + 50;
  expectSchedule("holds until cycle");
}
TEST_F(VerifyTest, ShortSlot) {
  slot(a).cycles = 99;
  expectSchedule("needs 100 cycles");
}
TEST_F(VerifyTest, ShortInterval) {
  solved.schedule.interval[0] = 10;
  expectSchedule("raise the interval");
}
TEST_F(VerifyTest, DynamicTaskInATimetable) {
  problem.dynamicTime[a] = true;
  expectSchedule("is dynamic in time");
}
TEST_F(VerifyTest, TooManyLanes) {
  solved.schedule.lanes[0] = 2;
  expectSchedule("1 active replicas");
}
TEST_F(VerifyTest, SlotOfAnotherRegion) {
  solved.schedule.region[0] = 1;
  expectSchedule("belongs to region 0");
}

TEST(VerifySchedule, SegmentThatWaitsForItself) {
  // a -> d -> b with a and b in one segment.
  TestProblem problem;
  uint32_t a = problem.add("a", 10), d = problem.add("d", 10),
           b = problem.add("b", 10);
  problem.dynamicTime[d] = true;
  problem.addEdge(a, d);
  problem.addEdge(d, b);
  Topology topology(plainTarget(1, 1, 1, 4));
  AllocateOptions options;
  options.lanes = 1;
  auto allocation = allocate(problem, topology, options);
  ASSERT_TRUE(allocation);
  Schedule schedule;
  schedule.region = {0};
  schedule.slots = {{a, 0, 0, 10}, {b, 0, 100, 10}};
  schedule.offsets = {0, 2};
  schedule.interval = {100};
  schedule.lanes = {1};
  auto found =
      verifySchedule(problem, topology, allocation->placement, schedule);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NE(found[0].message.find("can never be admitted"), std::string::npos);
}

} // namespace
