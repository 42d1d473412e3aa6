//===- RequestWork.h - What one request asks for ----------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Mean, variance and tail of the cycles (on one PEA) that the tasks of one
// request ask for. Floating point, for reports: nothing is decided by it.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_SCHEDULING_REQUESTWORK_H
#define OCTO_SCHEDULING_REQUESTWORK_H

#include "octo/Scheduling/Problem.h"

#include <map>
#include <utility>

namespace octo::sched {

struct WorkMoments {
  double mean = 0;
  double variance = 0;
};

/// All tasks of a request together. Variances of blocks do not just add up: the
/// tasks of a loop share its trips, and of two cases one runs. So regions are
/// summed up from the innermost; with m and s2 the mean and variance of one
/// activation of a region:
///
///   a sequence             sum of m, sum of s2
///   N activations          E[N] m, E[N] s2 + Var[N] m^2
///   the halves of a loop   share N:  sum of E[N] s2 + (sum of sd[N] m)^2
///   cases of probability p sum of p m, sum of p (s2 + m^2) - (sum of p m)^2
///
/// (random sums: Blackwell and Girshick 1947; cases: law of total variance).
/// Durations, decisions, trips and counts are taken as independent. Cost:
/// linear in blocks and regions.
WorkMoments requestWork(const Problem &problem);

/// The work that `percent` (50 to 99.9999) of the requests do not
/// exceed, as of a gamma distribution with the moments given: the usual
/// two-moment fit of random sums (Seal, ASTIN Bulletin 9, 1977). Its quantile
/// is exact where the variance is at least the mean squared; below that it is
/// that of Wilson and Hilferty (PNAS 17, 1931), within 1 % at 99 %. `runs` is
/// the probability that there is any work, or a bound above it: the fit is of
/// the requests that have some.
uint64_t workTail(const WorkMoments &work, double runs, double percent);

/// The same for many at one percentage. Quantiles are searched for by bisection
/// and depend on how often there is work and how much it varies: both are the
/// same for many blocks, so they are kept.
class WorkTails {
public:
  explicit WorkTails(double percent) : above(1 - percent / 100) {}

  uint64_t operator()(const WorkMoments &work, double runs);

private:
  const double above;
  /// By shape of the gamma distribution, 0 for the normal one, and probability.
  std::map<std::pair<double, double>, double> quantiles;
};

} // namespace octo::sched

#endif // OCTO_SCHEDULING_REQUESTWORK_H
