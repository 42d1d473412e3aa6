//===- StaticScheduleTest.cpp - Segments and closed forms -----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestProblem.h"

#include <gtest/gtest.h>

using namespace octo;
using namespace octo::sched;

TEST(StaticSchedule, ChainIsTheSumOfItsTasks) {
  TestProblem problem;
  uint64_t sum = 0;
  for (uint32_t i = 0; i < 10; ++i) {
    uint32_t t = problem.add("t" + std::to_string(i), 100 + i);
    sum += 100 + i;
    if (i)
      problem.addEdge(t - 1, t);
  }
  Topology topology(plainTarget(1, 1, 1, 4));
  Checked<Solved> solved = solve(problem, topology);
  ASSERT_TRUE(solved) << solved.error().message;
  EXPECT_EQ(solved->schedule.numSegments(), 1u);
  EXPECT_EQ(solved->makespan, sum);
}

TEST(StaticSchedule, ChainOverClustersPaysItsTransfers) {
  TestProblem problem;
  uint32_t a = problem.add("a", 100), b = problem.add("b", 100);
  problem.addEdge(a, b, 160);
  problem.pinCluster = {0, 3};
  Topology topology(plainTarget(4, 1, 1, 1));
  Checked<Solved> solved = solve(problem, topology);
  ASSERT_TRUE(solved) << solved.error().message;
  // The head of the message over three hops, 160 bytes at 16 a cycle.
  EXPECT_EQ(solved->makespan, 100u + topology.headLatency(0, 3) + 10 + 100);
}

TEST(StaticSchedule, ForkJoinFillsThePeas) {
  // One task, then 8 of 100 on 4 PEAs, then one: 50 + 2 * 100 + 50.
  TestProblem problem;
  uint32_t fork = problem.add("fork", 50);
  for (uint32_t i = 0; i < 8; ++i)
    problem.addEdge(fork, problem.add("w" + std::to_string(i), 100));
  uint32_t join = problem.add("join", 50);
  for (uint32_t i = 1; i <= 8; ++i)
    problem.addEdge(i, join);
  Topology topology(plainTarget(1, 1, 1, 4));
  Checked<Solved> solved = solve(problem, topology);
  ASSERT_TRUE(solved) << solved.error().message;
  EXPECT_EQ(solved->makespan, 300u);
  // 900 cycles of work on 4 PEAs: the busiest has at least 225.
  EXPECT_GE(solved->schedule.interval[0], 225u);
  EXPECT_LE(solved->schedule.interval[0], 300u);
}

TEST(StaticSchedule, DispatchAndSwitchingAreKeptFree) {
  TestProblem problem;
  uint32_t a = problem.add("a", 100), b = problem.add("b", 100);
  problem.addEdge(a, b);
  TargetDesc target = plainTarget(1, 1, 1, 1);
  target.controlPlane.localDispatchCycles = 3;
  target.configStore.switchCycles = 4;
  Topology topology(target);
  Checked<Solved> solved = solve(problem, topology);
  ASSERT_TRUE(solved) << solved.error().message;
  EXPECT_EQ(solved->makespan, 7u + 100 + 7 + 100);
  EXPECT_EQ(solved->schedule.interval[0], 214u);
}

TEST(StaticSchedule, DynamicTasksCutSegments) {
  // s0 -> d -> s1, and s0 -> s2: s1 waits for the dynamic d, s2 does not.
  TestProblem problem;
  uint32_t s0 = problem.add("s0", 10);
  uint32_t d = problem.add("d", 10);
  problem.dynamicTime[d] = true;
  uint32_t s1 = problem.add("s1", 10), s2 = problem.add("s2", 10);
  problem.addEdge(s0, d);
  problem.addEdge(d, s1);
  problem.addEdge(s0, s2);
  std::vector<uint32_t> segment = findSegments(problem);
  EXPECT_EQ(segment[s0], segment[s2]);
  EXPECT_EQ(segment[d], none);
  EXPECT_NE(segment[s1], segment[s0]);
  EXPECT_NE(segment[s1], none);
}

TEST(StaticSchedule, AJoinOfStaticAndDynamicStartsASegment) {
  // a -> b, and c(dynamic) -> b: with a in b's segment, a would wait for c.
  TestProblem problem;
  uint32_t a = problem.add("a", 10);
  uint32_t c = problem.add("c", 10);
  problem.dynamicTime[c] = true;
  uint32_t b = problem.add("b", 10);
  problem.addEdge(a, b);
  problem.addEdge(c, b);
  std::vector<uint32_t> segment = findSegments(problem);
  EXPECT_NE(segment[a], segment[b]);
}

TEST(StaticSchedule, BranchesThatShareNothingAreSegmentsOfTheirOwn) {
  TestProblem problem;
  problem.add("a", 10);
  problem.add("b", 10);
  std::vector<uint32_t> segment = findSegments(problem);
  EXPECT_NE(segment[0], segment[1]);
}

/// Start and end of a block's slot; all blocks of these tests have one.
static std::pair<uint64_t, uint64_t> slotOf(const Schedule &schedule,
                                            uint32_t block) {
  for (const Slot &slot : schedule.slots)
    if (slot.block == block)
      return {slot.start, slot.start + slot.cycles};
  return {none, none};
}

TEST(StaticSchedule, SegmentsOfARegionGoByOneClock) {
  // s0 -> d (dynamic, expected 40) -> s1 on one PEA, and `other`, which nothing
  // joins to them: it fills the gap that d leaves on the second PEA.
  TestProblem problem;
  const uint32_t s0 = problem.add("s0", 10), d = problem.add("d", 40);
  const uint32_t s1 = problem.add("s1", 20), other = problem.add("other", 30);
  problem.dynamicTime[d] = true;
  problem.addEdge(s0, d);
  problem.addEdge(d, s1);
  Topology topology(plainTarget(1, 1, 1, 1));
  Checked<Solved> solved = solve(problem, topology);
  ASSERT_TRUE(solved) << solved.error().message;
  const Schedule &schedule = solved->schedule;
  EXPECT_EQ(schedule.numSegments(), 3u);
  EXPECT_EQ(slotOf(schedule, s0), std::pair(uint64_t(0), uint64_t(10)));
  // On the only PEA d and `other` follow, in either order.
  const auto [start, end] = slotOf(schedule, s1);
  EXPECT_TRUE(start == 50 || start == 80) << start;
  EXPECT_EQ(end, start + 20);
  EXPECT_EQ(solved->makespan, 100u);
  EXPECT_EQ(schedule.expectedEnd[d], start == 50 ? 50u : 80u);
  // Each activation needs the PEA for the slots of all three.
  for (uint64_t interval : schedule.interval)
    EXPECT_EQ(interval, 60u);
  EXPECT_EQ(slotOf(schedule, other).second - slotOf(schedule, other).first,
            30u);
}

TEST(StaticSchedule, WhatFollowsALoopWaitsForItsTrips) {
  // a, then 5 trips of b -> c, then d: 10 + (6 decisions) + 5 * (20 + 30) + 40.
  TestProblem problem;
  const uint32_t a = problem.add("a", 10);
  const uint32_t loop = problem.addControl("loop", 5 * 65536, true);
  const uint32_t d = problem.add("d", 40);
  const uint32_t b = problem.add("b", 20, 0, 1), c = problem.add("c", 30, 0, 1);
  problem.addEdge(a, loop);
  problem.addEdge(b, c);
  problem.addEdge(loop, d);
  problem.flows = {{a, b, 0}, {b, c, 0}, {c, loop, 0}, {loop, d, 0}};
  Topology topology(plainTarget(1, 1, 1, 2));
  Checked<Solved> solved = solve(problem, topology);
  ASSERT_TRUE(solved) << solved.error().message;
  const Schedule &schedule = solved->schedule;
  EXPECT_EQ(schedule.numSegments(), 3u);
  EXPECT_EQ(slotOf(schedule, b), std::pair(uint64_t(0), uint64_t(20)));
  EXPECT_EQ(slotOf(schedule, c), std::pair(uint64_t(20), uint64_t(50)));
  // A decision takes 10 cycles, one for each trip here (there is no `before`).
  EXPECT_EQ(schedule.expectedEnd[loop], 10u + 5 * 10 + 5 * 50);
  EXPECT_EQ(slotOf(schedule, d), std::pair(uint64_t(310), uint64_t(350)));
}

TEST(StaticSchedule, RegionsWaitForWhatComesLate) {
  // The block decides on `quick` and passes `slow` on to its region.
  TestProblem problem;
  const uint32_t quick = problem.add("quick", 10);
  const uint32_t slow = problem.add("slow", 500);
  const uint32_t choice = problem.addControl("choice", 65536, false);
  const uint32_t after = problem.add("after", 10);
  const uint32_t first = problem.add("first", 20, 0, 1);
  const uint32_t second = problem.add("second", 30, 0, 1);
  problem.addEdge(quick, choice);
  problem.addEdge(slow, choice);
  problem.edges.back().late = true;
  problem.addEdge(first, second);
  problem.addEdge(choice, after);
  problem.flows = {{quick, choice, 0},
                   {slow, second, 0},
                   {first, second, 0},
                   {second, choice, 0},
                   {choice, after, 0}};
  Topology topology(plainTarget(1, 1, 1, 4));
  Checked<Solved> solved = solve(problem, topology);
  ASSERT_TRUE(solved) << solved.error().message;
  const Schedule &schedule = solved->schedule;
  // Decided at 20; `slow` is there 480 cycles later.
  EXPECT_EQ(slotOf(schedule, first), std::pair(uint64_t(0), uint64_t(20)));
  EXPECT_EQ(slotOf(schedule, second), std::pair(uint64_t(480), uint64_t(510)));
  EXPECT_EQ(schedule.expectedEnd[choice], 530u);
  EXPECT_EQ(slotOf(schedule, after), std::pair(uint64_t(530), uint64_t(540)));
}

/// Of a stream the consumer starts on the first chunk, and ends with the part
/// for the last one.
TEST(StaticSchedule, StreamsOverlap) {
  for (uint64_t consumer : {200, 400, 800}) {
    TestProblem problem;
    uint32_t a = problem.add("a", 400), b = problem.add("b", consumer);
    problem.addEdge(a, b, 640);
    problem.edges[0].chunks = problem.edges[0].buffer = 4;
    problem.pinCluster = {0, 1};
    Topology topology(plainTarget(2, 1, 1, 1));
    Checked<Allocation> allocation = allocate(problem, topology);
    ASSERT_TRUE(allocation);
    Checked<Schedule> schedule = scheduleStatic(
        problem, topology, allocation->placement, allocation->rank);
    ASSERT_TRUE(schedule);
    EXPECT_TRUE(
        verifySchedule(problem, topology, allocation->placement, *schedule)
            .empty());
    // 160 bytes at 16 a cycle.
    uint64_t way = topology.headLatency(0, 1) + 10;
    const Slot &slot = schedule->of(0)[1];
    EXPECT_EQ(slot.start, 100 + way);
    EXPECT_EQ(slot.start + slot.cycles,
              std::max(100 + way + consumer, 400 + way + consumer / 4));
  }
}

/// Random nets of tasks and streams have timetables that keep the rules.
TEST(StaticSchedule, RandomStreamsKeepTheRules) {
  uint32_t state = 99;
  auto next = [&](uint32_t below) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
  };
  unsigned shorter = 0;
  for (int round = 0; round < 300; ++round) {
    TestProblem problem;
    uint32_t tasks = 4 + next(20);
    for (uint32_t t = 0; t < tasks; ++t) {
      problem.add("t" + std::to_string(t), 100 + next(2000));
      for (uint32_t k = 0; t && k < 1 + next(2); ++k)
        problem.addEdge(next(t), t, 64 * next(20));
    }
    TargetDesc target = plainTarget(2, 2, 2, 2);
    target.controlPlane.localDispatchCycles = next(5);
    Topology topology(target);
    AllocateOptions one;
    one.lanes = 1;
    Checked<Allocation> allocation = allocate(problem, topology, one);
    ASSERT_TRUE(allocation) << allocation.error().message;
    auto timed = [&] {
      Checked<Schedule> schedule = scheduleStatic(
          problem, topology, allocation->placement, allocation->rank);
      EXPECT_TRUE(schedule);
      std::vector<Violation> broken =
          verifySchedule(problem, topology, allocation->placement, *schedule);
      EXPECT_TRUE(broken.empty()) << broken[0].message;
      uint64_t end = 0;
      for (const Slot &slot : schedule->slots)
        end = std::max(end, slot.start + slot.cycles);
      return end;
    };
    uint64_t whole = timed();
    for (Edge &edge : problem.edges)
      if (next(2))
        edge.chunks = edge.buffer = 8;
    shorter += timed() < whole;
  }
  EXPECT_GT(shorter, 50u);
}

TEST(Ranks, CountLoopsAndBranches) {
  // a -> loop of 5 iterations of b -> c
  TestProblem problem;
  uint32_t a = problem.add("a", 100);
  uint32_t loop = problem.addControl("l", 5 * 65536, /*serial=*/true);
  uint32_t c = problem.add("c", 7);
  uint32_t b = problem.add("b", 20, 0, 1);
  problem.addEdge(a, loop);
  problem.addEdge(loop, c);
  Topology topology(plainTarget(1, 1, 1, 4));
  std::vector<uint16_t> gang(problem.numBlocks(), 1);
  std::vector<uint64_t> rank = upwardRanks(problem, topology, gang);
  EXPECT_EQ(rank[c], 7u);
  EXPECT_EQ(rank[loop], 10u + 100 + 7); // decision, iterations, the rest
  EXPECT_EQ(rank[a], 217u);
  EXPECT_EQ(rank[b], 20u + 80 + 7); // as in the first iteration
  std::vector<uint64_t> count = expectedCounts(problem);
  EXPECT_EQ(count[a], 65536u);
  EXPECT_EQ(count[b], 5u * 65536);
}
