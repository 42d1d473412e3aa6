//===- ReplicationStatistics.cpp - Means over several runs ----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReplicationStatistics.h"

#include <algorithm>
#include <cmath>

using namespace octo;
using namespace octo::report;

static constexpr Headline headlineTable[] = {
    {"makespan_cycles",
     [](const RunResult &r) { return double(r.makespanCycles); }},
    {"throughput_requests_per_megacycle",
     [](const RunResult &r) { return r.throughputRequestsPerMegacycle; }},
    {"latency_cycles.mean", [](const RunResult &r) { return r.latency.mean; }},
    {"latency_cycles.p50",
     [](const RunResult &r) { return double(r.latency.p50); }},
    {"latency_cycles.p95",
     [](const RunResult &r) { return double(r.latency.p95); }},
    {"latency_cycles.p99",
     [](const RunResult &r) { return double(r.latency.p99); }},
    {"pea_utilization", [](const RunResult &r) { return r.peaUtilization; }},
    {"ratio_to_lower_bound",
     [](const RunResult &r) { return r.ratioToLowerBound; }},
    {"energy_joules", [](const RunResult &r) { return r.energyJoules; }},
};

std::span<const Headline> report::headlines() { return headlineTable; }

/// The 97.5 % quantile of Student's distribution.
static double studentQuantile(size_t degrees) {
  static constexpr double table[] = {
      12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
      2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086};
  // Beyond the table the first terms of its expansion, right to 0.001.
  double n = double(degrees);
  return degrees <= std::size(table) ? table[degrees - 1]
                                     : 1.95996 + 2.37227 / n + 2.8225 / (n * n);
}

Spread report::meanOf(std::span<const double> values) {
  Spread spread;
  double squares = 0, n = double(values.size());
  for (double value : values)
    spread.mean += value / n;
  for (double value : values)
    squares += (value - spread.mean) * (value - spread.mean);
  if (values.size() > 1)
    spread.halfWidth =
        studentQuantile(values.size() - 1) * std::sqrt(squares / (n - 1) / n);
  auto [least, most] = std::ranges::minmax(values);
  spread.least = least;
  spread.most = most;
  return spread;
}

Spread report::spreadOf(std::span<const RunResult> results,
                        const Headline &headline) {
  std::vector<double> values;
  for (const RunResult &result : results)
    values.push_back(headline.of(result));
  return values.empty() ? Spread() : meanOf(values);
}

Spread report::pairedRatio(std::span<const RunResult> numerator,
                           std::span<const RunResult> denominator) {
  std::vector<double> logs;
  for (size_t i = 0; i < std::min(numerator.size(), denominator.size()); ++i) {
    double above = numerator[i].throughputRequestsPerMegacycle;
    double below = denominator[i].throughputRequestsPerMegacycle;
    if (above > 0 && below > 0)
      logs.push_back(std::log(above / below));
  }
  if (logs.empty())
    return {};
  const Spread log = meanOf(logs);
  return {std::exp(log.mean), 0, std::exp(log.mean - log.halfWidth),
          std::exp(log.mean + log.halfWidth)};
}

size_t report::bestOf(std::span<const std::span<const RunResult>> runs) {
  auto mean = [](std::span<const RunResult> results) {
    double sum = 0;
    for (const RunResult &result : results)
      sum += result.throughputRequestsPerMegacycle;
    return results.empty() ? 0 : sum / double(results.size());
  };
  return size_t(std::ranges::max_element(runs, {}, mean) - runs.begin());
}
