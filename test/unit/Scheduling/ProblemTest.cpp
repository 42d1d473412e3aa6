//===- ProblemTest.cpp - What no problem may look like --------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestProblem.h"

#include <gtest/gtest.h>

#include <functional>

using namespace octo;
using namespace octo::sched;

namespace {

/// a -> b, and a loop with a task in its region.
TestProblem goodProblem() {
  TestProblem p;
  p.add("a", 100);
  p.add("b", 100);
  p.addControl("loop", 65536, true);
  p.add("loop/t", 100, 0, 1);
  p.addEdge(0, 1, 64);
  return p;
}

TEST(Problem, AGoodOneIsAccepted) { EXPECT_TRUE(checkProblem(goodProblem())); }

TEST(Problem, EachViolationIsNamed) {
  const std::pair<const char *, std::function<void(TestProblem &)>> cases[] = {
      {"4 blocks, but a column of 3 entries",
       [](TestProblem &p) { p.cycles.pop_back(); }},
      {"2 regions, but a column of 1 entries",
       [](TestProblem &p) { p.regionSerial.pop_back(); }},
      {"the columns of the kernels differ in length",
       [](TestProblem &p) { p.kernelName.pop_back(); }},
      {"region 0 must be the body",
       [](TestProblem &p) { p.regionOwner[0] = 0; }},
      {"kernel 'k' has no variant for one PEA",
       [](TestProblem &p) { p.gangs[0].gang = 2; }},
      {"the variants of kernel 'k' are not in ascending order",
       [](TestProblem &p) { p.addGang(1, 65536); }},
      {"region 1 needs a control block of an earlier region",
       [](TestProblem &p) { p.regionOwner[1] = 0; }},
      {"blocks must be listed by ascending region",
       [](TestProblem &p) { p.region[0] = 1; }},
      {"kernel 7 of 1", [](TestProblem &p) { p.kernel[1] = 7; }},
      {"the list of weights is out of range",
       [](TestProblem &p) { p.weightOffsets[1] = 9; }},
      {"weight 3 of 0",
       [](TestProblem &p) {
         p.weights = {3};
         p.weightOffsets = {0, 1, 1, 1, 1};
       }},
      {"an edge leaves the blocks",
       [](TestProblem &p) { p.edges.push_back({0, 9, 0}); }},
      {"an edge of precedence joins blocks of two regions",
       [](TestProblem &p) { p.edges.push_back({0, 3, 0}); }},
      {"the blocks are not in a topological order",
       [](TestProblem &p) { p.edges.push_back({1, 0, 0}); }},
      {"a flow leaves the blocks",
       [](TestProblem &p) { p.flows.push_back({9, 0, 0}); }},
  };
  for (const auto &[message, damage] : cases) {
    TestProblem p = goodProblem();
    damage(p);
    Checked<void> checked = checkProblem(p);
    ASSERT_FALSE(checked) << message;
    EXPECT_NE(checked.error().message.find(message), std::string::npos)
        << checked.error().message;
  }
}

} // namespace
