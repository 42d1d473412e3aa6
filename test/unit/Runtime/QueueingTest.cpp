//===- QueueingTest.cpp - Waiting times against queueing theory  ===//
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

/// The short form of bench/queueing: the mean waiting time of M/M/c lies within
/// its own 99.9 % interval (3.5 standard errors over independent seeds) around
/// Erlang C plus 1 % for the tables.
static void check(unsigned servers, double load) {
  const uint64_t service = 10000;
  std::vector<double> means;
  for (uint64_t seed = 1; seed <= 10; ++seed)
    means.push_back(simulateQueue(servers, load, service, 20000, 2000, seed));
  double mean = 0, squares = 0;
  for (double value : means)
    mean += value / double(means.size());
  for (double value : means)
    squares += (value - mean) * (value - mean);
  double error =
      std::sqrt(squares / double(means.size() - 1) / double(means.size()));
  double expected = erlangWait(servers, load, double(service));
  EXPECT_NEAR(mean, expected, 3.5 * error + 0.01 * expected);
  // The interval itself must be narrow enough to say something.
  EXPECT_LT(error, 0.06 * expected);
}

TEST(Queueing, MM1HalfLoad) { check(1, 0.5); }
TEST(Queueing, MM1HighLoad) { check(1, 0.8); }
TEST(Queueing, MM4HalfLoad) { check(4, 0.5); }
TEST(Queueing, MM4HighLoad) { check(4, 0.8); }

} // namespace
