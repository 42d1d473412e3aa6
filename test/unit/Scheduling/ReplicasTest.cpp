//===- ReplicasTest.cpp - Marginal benefit against brute force ------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "octo/Scheduling/Replicas.h"

#include <gtest/gtest.h>
#include <numeric>
#include <random>

using namespace octo::sched;

namespace {

double objective(const std::vector<ReplicaDemand> &demands,
                 const std::vector<uint32_t> &replicas) {
  double sum = 0;
  for (size_t b = 0; b < demands.size(); ++b)
    sum += double(demands[b].busy) * double(demands[b].busy) *
           (1 + double(demands[b].variationQ16) / 65536) / replicas[b];
  return sum;
}

/// The least objective over all ways to hand out `extra` replicas.
double leastObjective(const std::vector<ReplicaDemand> &demands,
                      std::vector<uint32_t> &replicas, size_t from,
                      uint64_t extra) {
  if (from == demands.size())
    return objective(demands, replicas);
  double least = std::numeric_limits<double>::max();
  for (uint32_t k = 1; k <= demands[from].most && k - 1 <= extra; ++k) {
    replicas[from] = k;
    least = std::min(
        least, leastObjective(demands, replicas, from + 1, extra - (k - 1)));
  }
  replicas[from] = 1;
  return least;
}

TEST(ReplicasTest, GreedyIsOptimal) {
  std::mt19937 random(5);
  for (int i = 0; i < 200; ++i) {
    std::vector<ReplicaDemand> demands(2 + random() % 4);
    for (ReplicaDemand &d : demands)
      d = {random() % 1000, random() % 4 ? random() % 300'000 : 0,
           1 + uint32_t(random() % 6)};
    const uint64_t extra = random() % 10;
    std::vector<uint32_t> found = shareReplicas(demands, extra);
    uint64_t used = 0;
    for (size_t b = 0; b < demands.size(); ++b) {
      ASSERT_GE(found[b], 1u);
      ASSERT_LE(found[b], demands[b].most);
      used += found[b] - 1;
    }
    ASSERT_LE(used, extra);
    std::vector<uint32_t> all(demands.size(), 1);
    const double best = leastObjective(demands, all, 0, extra);
    EXPECT_NEAR(objective(demands, found), best, best * 1e-12) << i;
  }
}

TEST(ReplicasTest, TheTailCounts) {
  // The same mean, but one varies: it gets more.
  std::vector<uint32_t> replicas = shareReplicas(
      std::vector<ReplicaDemand>{{100, 0, 9}, {100, 196608, 9}}, 4);
  EXPECT_EQ(replicas, (std::vector<uint32_t>{2, 4}));
  // Nobody gets more than it may, nor what it has no use for.
  replicas = shareReplicas(
      std::vector<ReplicaDemand>{{100, 0, 2}, {0, 0, 9}, {1, 0, 3}}, 100);
  EXPECT_EQ(replicas, (std::vector<uint32_t>{2, 1, 3}));
}

} // namespace
