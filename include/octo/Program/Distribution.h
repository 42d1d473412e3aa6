//===- Distribution.h - Draws without floating point ------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Distributions of non-negative whole numbers as inverse tables: the entries of
// DistributionTable in program.fbs. They are built from parametric forms when a
// program is compiled (with StrictMath, so equal everywhere) and sampled with
// integers alone.
//
// A table has knots (u, x), u strictly ascending from 0, x not descending. A
// draw u, uniform in [0, 2^64), takes the last knot at or below it; a discrete
// table gives its x, another one interpolates linearly to the next knot and
// rounds down; at the last knot its x. The tables of continuous forms have u =
// F(x - 1/2), so that rounding down here is rounding the form's value to the
// nearest integer.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_PROGRAM_DISTRIBUTION_H
#define OCTO_PROGRAM_DISTRIBUTION_H

#include "octo/Support/Diagnostic.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace octo {

namespace fb {
struct DistributionTable;
struct DistributionTableT;
} // namespace fb

/// The value at draw `u` of a table with the given knots; there is at least
/// one.
inline int64_t sampleKnots(std::span<const uint64_t> u,
                           std::span<const int64_t> x, bool discrete,
                           uint64_t draw) {
  size_t next = size_t(std::upper_bound(u.begin(), u.end(), draw) - u.begin());
  size_t knot = next - 1;
  if (discrete || next == u.size())
    return x[knot];
  uint64_t rise = uint64_t(x[next]) - uint64_t(x[knot]);
  return x[knot] + int64_t((unsigned __int128)(rise) * (draw - u[knot]) /
                           (u[next] - u[knot]));
}

/// The parametric forms, numbered as those of the `owg` dialect.
enum class DistributionForm : uint8_t {
  Constant,    ///< (x)
  Uniform,     ///< (lower, upper)
  Exponential, ///< (mean)
  Normal,      ///< (mean, standard deviation), cut at 0: below it counts as 0
  LogNormal,   ///< (mean, coefficient of variation)
  Geometric,   ///< (p): failures before the first success
  Bernoulli,   ///< (p): 1 with probability p, else 0
  Empirical    ///< (values..., as many weights...)
};

class Distribution {
public:
  /// Largest mean, and largest value of a form that is bounded.
  static constexpr double maxValue = 140737488355328.0; // 2^47

  /// The table of a form. Parameters are finite and not negative, probabilities
  /// in (0, 1] (Bernoulli: [0, 1]), the mean of a log-normal is above 0 and its
  /// coefficient of variation at most 20, values and means at most maxValue;
  /// else the error says which is not and what it may be. Values are rounded to
  /// the nearest integer.
  static Expected<Distribution> make(DistributionForm form,
                                     std::span<const double> parameters);

  /// Always x, which is not negative.
  static Distribution constant(int64_t x);
  /// The exponential distribution; a mean outside [0, maxValue] is taken as the
  /// nearest end.
  static Distribution exponential(double mean);
  /// The others, with the checks of `make`.
  static Expected<Distribution> uniform(double lower, double upper);
  static Expected<Distribution> normal(double mean, double standardDeviation);
  static Expected<Distribution> logNormal(double mean,
                                          double coefficientOfVariation);
  static Expected<Distribution> geometric(double p);
  static Expected<Distribution> bernoulli(double p);
  static Expected<Distribution> empirical(std::span<const double> values,
                                          std::span<const double> weights);
  /// A copy of entry `index` of a valid program's table.
  static Distribution fromTable(const fb::DistributionTable &table,
                                uint32_t index);

  int64_t sample(uint64_t draw) const {
    return sampleKnots(knotsU, knotsX, isDiscrete, draw);
  }

  const std::vector<uint64_t> &u() const { return knotsU; }
  const std::vector<int64_t> &x() const { return knotsX; }
  bool discrete() const { return isDiscrete; }
  bool isConstant() const { return knotsX.front() == knotsX.back(); }

  /// Moments of the table (of what `sample` gives, not of the form).
  double mean() const;
  double secondMoment() const;
  /// The mean in 1/65536, from integers alone.
  uint64_t meanQ16() const;
  /// The least x with P(value <= x) >= fraction, in [0, 1].
  int64_t quantile(double fraction) const;

  bool operator==(const Distribution &) const = default;

private:
  template <class Survival>
  void build(Survival &&survival, const std::vector<int64_t> &points);

  std::vector<uint64_t> knotsU;
  std::vector<int64_t> knotsX;
  bool isDiscrete = false;
};

/// Appends a distribution to a table of a program under construction and
/// returns its index. Equal distributions are the caller's to share.
uint32_t addDistribution(fb::DistributionTableT &table,
                         const Distribution &distribution);

} // namespace octo

#endif // OCTO_PROGRAM_DISTRIBUTION_H
