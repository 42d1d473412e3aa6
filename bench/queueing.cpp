//===- queueing.cpp - M/M/c against Erlang C, the long form ---------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Mean waiting times of M/M/1 and M/M/4 at loads 0.5 and 0.8:
//
//   queueing-bench [seeds] [requests]        default 30 seeds x 1,000,000
//
// Fails when a mean is off by more than 1 %.
//
//===----------------------------------------------------------------------===//

#include "Queueing.h"

#include <chrono>
#include <vector>

using namespace octo::test;

int main(int argc, char **argv) {
  unsigned seeds = argc > 1 ? unsigned(std::max(std::atoi(argv[1]), 2)) : 30;
  uint64_t requests =
      argc > 2 ? uint64_t(std::max(std::atoll(argv[2]), 1000ll)) : 1000000;
  const uint64_t service = 10000;
  std::printf("%-6s %5s %12s %12s %9s %12s %9s\n", "queue", "load", "Erlang C",
              "simulated", "error %", "std. error", "seconds");
  bool good = true;
  for (unsigned servers : {1u, 4u})
    for (double load : {0.5, 0.8}) {
      auto begin = std::chrono::steady_clock::now();
      std::vector<double> means;
      for (unsigned seed = 1; seed <= seeds; ++seed) {
        means.push_back(simulateQueue(servers, load, service, requests,
                                      requests / 20, seed));
      }
      double mean = 0, squares = 0;
      for (double value : means)
        mean += value / double(means.size());
      for (double value : means)
        squares += (value - mean) * (value - mean);
      double standard =
          std::sqrt(squares / double(means.size() - 1) / double(means.size()));
      double expected = erlangWait(servers, load, double(service));
      double error = 100 * (mean - expected) / expected;
      std::printf("M/M/%-2u %5.2f %12.2f %12.2f %9.3f %12.2f %9.1f\n", servers,
                  load, expected, mean, error, standard,
                  std::chrono::duration<double>(
                      std::chrono::steady_clock::now() - begin)
                      .count());
      std::fflush(stdout);
      good &= std::fabs(error) <= 1.0;
    }
  return good ? 0 : 1;
}
