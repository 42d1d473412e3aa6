//===- Replicas.h - How many replicas each block gets -----------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Replicas by marginal benefit. Of a block that a request keeps busy for W
// cycles, with k replicas that take turns, requests wait for each other at each
// replica as in an M/G/1 queue (Pollaczek, Khinchine). Requests arrive at a
// rate r in all, r / k at each, so what they wait there together is, in each
// cycle,
//
//     r^2 E[W^2] / (2 k (1 - u)),   E[W^2] = E[W]^2 (1 + v)
//
// where u, the utilisation of a PEA, is the same everywhere when places are
// balanced, which is the allocator's business. So replicas are to be handed out
// such that the sum of E[W]^2 (1 + v) / k is least: mean and tail count. Each
// term is convex in k, so the greedy rule is optimal: one more replica goes
// where it takes most off the sum, E[W]^2 (1 + v) / (k (k + 1)) (Fox,
// "Discrete optimization via marginal analysis", Management Science 13(3),
// 1966; for v = 0 it is the method of equal proportions).
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_SCHEDULING_REPLICAS_H
#define OCTO_SCHEDULING_REPLICAS_H

#include <cstdint>
#include <span>
#include <vector>

namespace octo::sched {

struct ReplicaDemand {
  /// What one request keeps a gang of the block busy, in any unit.
  uint64_t busy = 0;
  /// Variance of that over the square of its mean, in 1/65536.
  uint64_t variationQ16 = 0;
  /// Replicas at most, at least 1.
  uint32_t most = 1;
};

/// What the next replica takes off the sum when there are `replicas`.
double marginalBenefit(const ReplicaDemand &demand, uint32_t replicas);

/// Replicas of each block, at least one each and, beyond that, `extra` in all;
/// fewer if all have the most that they may. The sum of busy^2 (1 + v) / k is
/// least. Among equal benefits the block that comes first. Cost:
/// (blocks + extra) x log(blocks).
std::vector<uint32_t> shareReplicas(std::span<const ReplicaDemand> demands,
                                    uint64_t extra);

} // namespace octo::sched

#endif // OCTO_SCHEDULING_REPLICAS_H
