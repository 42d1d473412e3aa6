//===- queueing.cpp - The machine against queueing theory, the long form --===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// M/M/c, M/D/1, a closed network and lines with blocking (Queueing.h):
//
//   queueing-bench [seeds] [size]            default 30 seeds x 1,000,000
//
// The size is that of queues; lines and closed networks, whose cycles vary
// less, are run for a tenth of it.
// Prints, pooled over the seeds, how far the mean is from the theory (bias) and
// half the width of its 99 % confidence interval. Fails when one of them is
// over 1 %.
//
//===----------------------------------------------------------------------===//

#include "Queueing.h"

#include <chrono>
#include <vector>

using namespace octo::test;

int main(int argc, char **argv) {
  unsigned seeds = argc > 1 ? unsigned(std::max(std::atoi(argv[1]), 2)) : 30;
  uint64_t size =
      argc > 2 ? uint64_t(std::max(std::atoll(argv[2]), 1000ll)) : 1000000;
  std::printf("%-26s %-26s %8s %12s %12s %8s %9s %8s\n", "queue", "theory",
              "size", "expected", "simulated", "bias %", "99 % +- %",
              "seconds");
  bool good = true;
  for (const QueueOracle &oracle : queueOracles()) {
    auto begin = std::chrono::steady_clock::now();
    std::vector<double> means;
    for (unsigned seed = 1; seed <= seeds; ++seed)
      means.push_back(oracle.measure(size / oracle.fewer, seed));
    Pooled pooled = pool(means);
    double bias = 100 * (pooled.mean - oracle.expected) / oracle.expected;
    double width = 100 * pooled.halfWidth / oracle.expected;
    std::printf(
        "%-26s %-26s %8llu %12.2f %12.2f %8.3f %9.3f %8.1f\n",
        oracle.name.c_str(), oracle.theory.c_str(),
        static_cast<unsigned long long>(size / oracle.fewer), oracle.expected,
        pooled.mean, bias, width,
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
            .count());
    std::fflush(stdout);
    good &= std::fabs(bias) <= 1.0 && width <= 1.0;
  }
  std::printf("bias and half-width are %s 1 %%\n",
              good ? "all within" : "NOT all within");
  return good ? 0 : 1;
}
