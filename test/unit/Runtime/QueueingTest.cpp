//===- QueueingTest.cpp - Runs against queueing theory --------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Queueing.h"
#include "TestRun.h"

using namespace octo;
using namespace octo::test;

namespace {

class Queueing : public testing::TestWithParam<QueueOracle> {};

/// The short form of bench/queueing: the mean lies within its own 99 % interval
/// (over independent seeds) around the theory plus 1 %, for the tables that
/// times are drawn from. A fixed set of seeds: it does so always or never.
TEST_P(Queueing, IsAsTheorySays) {
  const QueueOracle &oracle = GetParam();
  std::vector<double> means;
  for (uint64_t seed = 1; seed <= 10; ++seed)
    means.push_back(oracle.measure(20000, seed));
  Pooled pooled = pool(means);
  EXPECT_NEAR(pooled.mean, oracle.expected,
              pooled.halfWidth + 0.01 * oracle.expected);
  // The interval itself must be narrow enough to say something.
  EXPECT_LT(pooled.halfWidth, 0.15 * oracle.expected);
}

INSTANTIATE_TEST_SUITE_P(All, Queueing, testing::ValuesIn(queueOracles()),
                         [](const testing::TestParamInfo<QueueOracle> &info) {
                           std::string name;
                           for (char c : info.param.name)
                             name += std::isalnum(c) ? c : '_';
                           return name;
                         });

/// The oracles themselves, where the answer is known otherwise.
TEST(QueueOracles, AgreeWithClosedForms) {
  // M/G/1 with exponential times is M/M/1.
  EXPECT_NEAR(pollaczekWait(0.8, 100, 1), erlangWait(1, 0.8, 100), 1e-9);
  // Two equal stations and N customers pass one a service / (N / (N + 1)).
  EXPECT_NEAR(meanValueCycle({{100}, {100}}, 3), 100 * 4.0 / 3, 1e-9);
  // A line of two stations is M/M/1/N, which is that closed network.
  EXPECT_NEAR(blockedLineCycle({100, 100}, 3), 100 * 4.0 / 3, 1e-6);
  double r = 0.6, full = r * r * (1 - r) / (1 - r * r * r);
  EXPECT_NEAR(blockedLineCycle({100, 60}, 2), 100 / (1 - full), 1e-6);
  // Three stations with one room for all are one with as many customers.
  EXPECT_NEAR(blockedLineCycle({100, 70, 120}, 5),
              meanValueCycle({{100}, {70}, {120}}, 5), 1e-6);
}

} // namespace
