//===- Replicas.cpp - How many replicas each block gets -------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "octo/Scheduling/Replicas.h"

#include <queue>

namespace octo::sched {

double marginalBenefit(const ReplicaDemand &demand, uint32_t replicas) {
  const double busy = double(demand.busy);
  return busy * busy * (1 + double(demand.variationQ16) / 65536.0) /
         (double(replicas) * (double(replicas) + 1));
}

std::vector<uint32_t> shareReplicas(std::span<const ReplicaDemand> demands,
                                    uint64_t extra) {
  std::vector<uint32_t> replicas(demands.size(), 1);
  struct Next {
    double benefit;
    uint32_t block;
    bool operator<(const Next &other) const {
      return benefit != other.benefit ? benefit < other.benefit
                                      : block > other.block;
    }
  };
  std::priority_queue<Next> queue;
  auto offer = [&](uint32_t block) {
    if (replicas[block] < demands[block].most && demands[block].busy)
      queue.push({marginalBenefit(demands[block], replicas[block]), block});
  };
  for (uint32_t b = 0; b < demands.size(); ++b)
    offer(b);
  for (; extra && !queue.empty(); --extra) {
    const uint32_t block = queue.top().block;
    queue.pop();
    ++replicas[block];
    offer(block);
  }
  return replicas;
}

} // namespace octo::sched
