//===- RequestWork.cpp - Moments and tails --------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "octo/Scheduling/RequestWork.h"

#include "octo/Program/StrictMath.h"

#include <algorithm>
#include <cmath>

namespace octo::sched {

namespace {
/// Of one instance of a control block, from those regions of it that were seen.
struct OwnerSums {
  double mean = 0;
  double variance = 0;
  /// Of regions that share their number of activations: deviations add up.
  double sharedDeviation = 0;
  /// Of cases: second and first moment of which one it is.
  double caseSquares = 0;
  double caseMean = 0;

  WorkMoments total() const {
    return {mean, variance + sharedDeviation * sharedDeviation +
                      std::max(0.0, caseSquares - caseMean * caseMean)};
  }
};
} // namespace

WorkMoments requestWork(const Problem &problem) {
  std::vector<OwnerSums> ofOwner(problem.numBlocks());
  uint32_t block = problem.numBlocks();
  // A region comes after its owner's region: the inner ones are seen first.
  for (uint32_t r = problem.numRegions(); r-- > 0;) {
    WorkMoments region;
    for (; block > 0 && problem.region[block - 1] == r; --block) {
      const uint32_t b = block - 1;
      WorkMoments inner = ofOwner[b].total();
      if (problem.isTask(b)) {
        inner.mean = double(problem.cycles[b]);
        inner.variance = inner.mean * inner.mean *
                         (double(problem.cyclesVariationQ16[b]) / 65536);
      }
      region.mean += inner.mean;
      region.variance += inner.variance;
    }
    const uint32_t owner = problem.regionOwner[r];
    if (owner == none)
      return region;
    OwnerSums &sums = ofOwner[owner];
    const double rate = double(problem.regionRateQ16[r]) / 65536;
    const double mean = rate * region.mean;
    const double deviation =
        mean * std::sqrt(double(problem.regionVariationQ16[r]) / 65536);
    sums.mean += mean;
    sums.variance += rate * region.variance;
    if (problem.regionExclusive[r]) {
      sums.caseSquares += mean * region.mean;
      sums.caseMean += mean;
    } else if (problem.regionSerial[r]) {
      sums.sharedDeviation += deviation;
    } else {
      sums.variance += deviation * deviation;
    }
  }
  return {};
}

/// The y that a gamma variable of this shape, in (0, 1], and scale 1 exceeds
/// with probability `above`.
static double gammaQuantile(double shape, double above) {
  // Gamma(1 + shape) by Stirling's series, Abramowitz and Stegun 6.1.41, where
  // that is good to 1e-11.
  double x = 1 + shape, product = 1;
  for (; x < 16; ++x)
    product *= x;
  constexpr double halfLog2Pi = 0.9189385332046727;
  const double gamma =
      strict::exp((x - 0.5) * strict::log(x) - x + halfLog2Pi + 1 / (12 * x) -
                  1 / (360 * x * x * x) + 1 / (1260 * x * x * x * x * x)) /
      product;
  double low = -690, high = 4; // of log y
  while (high - low > 1e-10) {
    const double logY = (low + high) / 2, y = strict::exp(logY);
    // The incomplete gamma function, 6.5.29.
    double term = 1, sum = 1;
    for (int n = 1; term > sum * 1e-16; ++n) {
      term *= y / (shape + n);
      sum += term;
    }
    const double below = strict::exp(shape * logY - y) * sum / gamma;
    (below < 1 - above ? low : high) = logY;
  }
  return strict::exp((low + high) / 2);
}

uint64_t WorkTails::operator()(const WorkMoments &work, double runs) {
  runs = std::min(runs, 1.0);
  if (work.mean <= 0 || runs <= above)
    return 0;
  // With E[X | X > 0] = E[X] / runs, and the second moment alike.
  const double mean = work.mean / runs;
  const double variation =
      std::max(0.0, runs * (1 + work.variance / (work.mean * work.mean)) - 1);
  auto quantile = [&](double shape) {
    auto [known, isNew] = quantiles.try_emplace({shape, above / runs});
    if (isNew)
      known->second = shape ? gammaQuantile(shape, above / runs)
                            : strict::normalQuantile(above / runs);
    return known->second;
  };
  double overMean = 1;
  if (variation >= 1) {
    overMean = variation * quantile(1 / variation);
  } else if (variation > 1.0 / 32768) { // what is left of rounding is no spread
    const double root = std::max(
        0.0, 1 - variation / 9 + quantile(0) * std::sqrt(variation / 9));
    overMean = root * root * root;
  }
  return uint64_t(std::min(mean * overMean + 0.5, 0x1p62));
}

uint64_t workTail(const WorkMoments &work, double runs, double percent) {
  return WorkTails(percent)(work, runs);
}

} // namespace octo::sched
