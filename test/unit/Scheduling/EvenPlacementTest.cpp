//===- EvenPlacementTest.cpp - Equal shares for all -----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestProblem.h"

#include <gtest/gtest.h>

using namespace octo;
using namespace octo::sched;

static uint32_t peasOf(const Placement &placement, uint32_t block) {
  uint32_t sum = 0;
  for (const Replica &r : placement.of(block))
    sum += r.peaCount;
  return sum;
}

TEST(EvenPlacement, SharesAreEqualWhateverTheWork) {
  TestProblem problem;
  uint32_t k = problem.addKernel("wide");
  problem.addGang(2, 33000);
  for (uint64_t cycles : {10, 1000, 100000, 1}) {
    problem.add("t" + std::to_string(cycles), cycles, k);
    problem.dynamicFrequency.back() = true;
  }
  Topology topology(plainTarget(4, 2, 2, 4)); // 64 PEAs
  Checked<Placement> placement = placeEvenly(problem, topology);
  ASSERT_TRUE(placement) << placement.error().message;
  for (const Violation &v : verifyPlacement(problem, topology, *placement))
    ADD_FAILURE() << v.message;
  std::vector<uint32_t> users(64, 0);
  for (uint32_t b = 0; b < 4; ++b) {
    EXPECT_EQ(peasOf(*placement, b), 16u);
    for (const Replica &r : placement->of(b)) {
      EXPECT_EQ(r.peaCount, 2); // 99 % efficient
      EXPECT_EQ(r.shareQ16, 65536u);
      for (uint32_t p = 0; p < r.peaCount; ++p)
        ++users[(r.cluster * 2 + r.tbu) * 4 + r.peaFirst + p];
    }
  }
  EXPECT_EQ(users, std::vector<uint32_t>(64, 1));
}

TEST(EvenPlacement, MoreTasksThanPeasShareTheTimeEvenly) {
  TestProblem problem;
  for (uint32_t i = 0; i < 12; ++i)
    problem.add("t" + std::to_string(i), 100 * i + 1);
  Topology topology(plainTarget(1, 1, 1, 4));
  Checked<Placement> placement = placeEvenly(problem, topology);
  ASSERT_TRUE(placement) << placement.error().message;
  for (const Violation &v : verifyPlacement(problem, topology, *placement))
    ADD_FAILURE() << v.message;
  for (const Replica &r : placement->replicas)
    EXPECT_EQ(r.shareQ16, 65536u / 3);
}

TEST(EvenPlacement, PinsAndDefectsAndControlBlocks) {
  TargetDesc target = plainTarget(2, 2, 1, 4);
  target.defects.parts.push_back(onePea({0, 0}, 0, 1));
  TestProblem problem;
  uint32_t k = problem.addKernel("wide");
  problem.addGang(2, 33000);
  problem.addGang(4, 17000);
  uint32_t a = problem.add("a", 10, k), b = problem.add("b", 10, k);
  uint32_t loop = problem.addControl("loop", 5 * 65536, true);
  uint32_t c = problem.add("loop/c", 10, k, 1);
  problem.pinCluster[b] = 3;
  problem.pinGang[b] = 4;
  Topology topology(target);
  Checked<Placement> placement = placeEvenly(problem, topology);
  ASSERT_TRUE(placement) << placement.error().message;
  for (const Violation &v : verifyPlacement(problem, topology, *placement))
    ADD_FAILURE() << v.message;
  EXPECT_EQ(placement->of(b).size(), 1u);
  EXPECT_EQ(placement->of(b)[0].cluster, 3u);
  EXPECT_EQ(placement->of(b)[0].peaCount, 4);
  EXPECT_EQ(placement->of(loop).size(), 4u); // all CBUs
  EXPECT_GE(placement->of(a).size(), 1u);
  EXPECT_GE(placement->of(c).size(), 1u);
}

TEST(EvenPlacement, WhatDoesNotFitIsNamed) {
  Topology topology(plainTarget(1, 1, 1, 2));
  TestProblem problem;
  problem.add("m", 10, problem.addKernel("mm", 64, PeaClass::Matrix));
  Checked<Placement> placement = placeEvenly(problem, topology);
  ASSERT_FALSE(placement);
  EXPECT_NE(placement.error().message.find("task 'm' needs 1 live PEA of class "
                                           "matrix"),
            std::string::npos)
      << placement.error().message;
}
