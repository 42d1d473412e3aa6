//===- ReplicationStatistics.h - Means over several runs --------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_REPLICATIONSTATISTICS_H
#define OCTO_LIB_RUNTIME_REPLICATIONSTATISTICS_H

#include "octo/Runtime/RunResult.h"

#include <span>
#include <string_view>
#include <vector>

namespace octo::report {

/// A number of every replication: its mean, half the width of the mean's 95 %
/// confidence interval (Student; 0 of one run), and its range.
struct Spread {
  double mean = 0, halfWidth = 0, least = 0, most = 0;
};

/// What is averaged over replications: the key of the run's own document, with
/// a dot before an inner key.
struct Headline {
  std::string_view key;
  double (*of)(const RunResult &);
};

/// All of them, in the order of the reports.
std::span<const Headline> headlines();

/// Mean, interval and range of at least one value.
Spread meanOf(std::span<const double> values);

Spread spreadOf(std::span<const RunResult> results, const Headline &headline);

/// The geometric mean of the throughput of `numerator` over that of
/// `denominator`, run by run; `least` and `most` are the ends of its 95 %
/// confidence interval. Pairs where either is 0 are left out.
Spread pairedRatio(std::span<const RunResult> numerator,
                   std::span<const RunResult> denominator);

/// The number of the policy with the largest mean throughput; `runs` must not
/// be empty.
size_t bestOf(std::span<const std::span<const RunResult>> runs);

} // namespace octo::report

#endif // OCTO_LIB_RUNTIME_REPLICATIONSTATISTICS_H
