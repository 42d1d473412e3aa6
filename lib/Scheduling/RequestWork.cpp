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

uint64_t workTail(const WorkMoments &work, double runs, double percent) {
  const double above = 1 - percent / 100;
  runs = std::min(runs, 1.0);
  if (work.mean <= 0 || runs <= above)
    return 0;
  // With E[X | X > 0] = E[X] / runs, and the second moment alike.
  const double mean = work.mean / runs;
  const double variation =
      std::max(0.0, runs * (1 + work.variance / (work.mean * work.mean)) - 1);
  double root = 1; // cube root of the tail over the mean
  // What is left of rounding to 1/65536 is no spread.
  if (variation > 1.0 / 32768)
    root += strict::normalQuantile(above / runs) * std::sqrt(variation / 9) -
            variation / 9;
  root = std::max(root, 0.0);
  return uint64_t(std::min(mean * root * root * root + 0.5, 0x1p62));
}

} // namespace octo::sched
