//===- SteadySeries.cpp - When a run has settled --------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SteadySeries.h"

#include <cmath>

using namespace octo;

void SteadySeries::add(uint64_t latency, uint64_t finish) {
  if (batches.empty() || batches.back().count == batchSize) {
    if (batches.size() == maxBatches) {
      for (size_t i = 0; i < maxBatches / 2; ++i) {
        const Batch &a = batches[2 * i], &b = batches[2 * i + 1];
        batches[i] = {a.sum + b.sum, a.count + b.count, b.last};
      }
      batches.resize(maxBatches / 2);
      batchSize *= 2;
    }
    batches.emplace_back();
  }
  Batch &batch = batches.back();
  batch.sum += latency;
  ++batch.count;
  batch.last = finish;
}

/// The rest is divided into so many groups for the intervals.
static constexpr size_t groups = 20;
/// Student's 97.5 % quantile for 19 degrees of freedom.
static constexpr double quantile = 2.093;
/// With fewer batches there is nothing to tell.
static constexpr size_t leastBatches = 2 * groups;

namespace {
/// Mean of `groups` values and half the width of its 95 % interval.
struct Interval {
  double sum = 0, squares = 0;
  void add(double value) {
    sum += value;
    squares += value * value;
  }
  double mean() const { return sum / groups; }
  double halfWidth() const {
    double n = groups, variance = (squares - sum * sum / n) / (n - 1);
    return variance > 0 ? quantile * std::sqrt(variance / n) : 0;
  }
};
} // namespace

SteadyState SteadySeries::summary() const {
  SteadyState state;
  for (const Batch &batch : batches)
    state.requests += batch.count;
  size_t full = batches.size();
  if (full && batches.back().count < batchSize)
    --full;
  if (full < leastBatches)
    return state;
  auto meanOf = [&](size_t i) {
    return static_cast<double>(batches[i].sum) /
           static_cast<double>(batches[i].count);
  };
  // From the back: sums over all batches from i on. Values are taken relative
  // to the overall mean, so that squares do not cancel.
  double centre = 0;
  for (size_t i = 0; i < full; ++i)
    centre += meanOf(i) / static_cast<double>(full);
  size_t cut = 0;
  double sum = 0, squares = 0, least = 0;
  for (size_t i = full; i-- > 0;) {
    double value = meanOf(i) - centre;
    sum += value;
    squares += value * value;
    double n = static_cast<double>(full - i);
    double error = (squares - sum * sum / n) / (n * n);
    // At most half is cut off; the earlier of two equal places.
    if (i <= full / 2 && (i == full / 2 || error <= least)) {
      least = error;
      cut = i;
    }
  }
  state.reached = cut < full / 2;
  state.truncatedRequests = cut * batchSize;
  state.requests -= state.truncatedRequests;
  state.fromCycle = cut ? batches[cut - 1].last : origin;

  // Groups of as many batches each; what does not fit goes off the front.
  size_t each = (full - cut) / groups, at = full - each * groups;
  uint64_t before = at ? batches[at - 1].last : origin;
  Interval latency, gap;
  for (size_t g = 0; g < groups; ++g) {
    double total = 0;
    for (size_t i = 0; i < each; ++i)
      total += meanOf(at++);
    uint64_t end = batches[at - 1].last;
    latency.add(total / static_cast<double>(each));
    gap.add(static_cast<double>(end - before) /
            static_cast<double>(each * batchSize));
    before = end;
  }
  state.latencyMean = latency.mean();
  state.latencyHalfWidth = latency.halfWidth();
  if (double mean = gap.mean(); mean > 0) {
    state.throughput = 1e6 / mean;
    state.throughputHalfWidth = 1e6 * gap.halfWidth() / (mean * mean);
  }
  return state;
}
