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
// A curve has knots (u, x), u strictly ascending from 0, x not descending. A
// draw u, uniform in [0, 2^64), takes the last knot at or below it; a discrete
// curve gives its x, another one interpolates linearly to the next knot and
// rounds down; at the last knot its x. A distribution is a curve, a scale and a
// shift, so that the many tasks of a workflow share the few shapes there are.
//
// Where values are many integers wide, a form has one curve of standard shape
// (x in 2^-24), and its parameters are the scale and the shift; values are
// rounded to the nearest integer. Smaller ones have a curve of their own whose
// x are the values, at the identity scale: u = F(x - 1/2), so that rounding
// down there is rounding the form's value to the nearest integer.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_PROGRAM_DISTRIBUTION_H
#define OCTO_PROGRAM_DISTRIBUTION_H

#include "octo/Support/Diagnostic.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace octo {

namespace fb {
struct DistributionTable;
struct DistributionTableT;
} // namespace fb

/// The x at draw `u` of a curve with the given knots; there is at least one.
inline int64_t sampleKnots(std::span<const uint64_t> u,
                           std::span<const int64_t> x, bool discrete,
                           uint64_t draw) {
  size_t next = size_t(std::upper_bound(u.begin(), u.end(), draw) - u.begin());
  size_t knot = next - 1;
  if (discrete || next == u.size())
    return x[knot];
  uint64_t rise = uint64_t(x[next]) - uint64_t(x[knot]);
  uint64_t part = uint64_t((unsigned __int128)(rise) * (draw - u[knot]) /
                           (u[next] - u[knot]));
  return int64_t(uint64_t(x[knot]) + part);
}

/// With a shift of 0, the scale at which x are the values.
inline constexpr uint64_t identityScale = uint64_t(1) << 40;
/// Up to here no product leaves 128 bits.
inline constexpr uint64_t maxScale = uint64_t(1) << 63;

/// x of a curve as a value in 2^-40, neither rounded nor cut at 0. `shift` is
/// in 2^-16.
inline __int128 scaleKnot(int64_t x, uint64_t scale, int64_t shift) {
  return __int128(x) * __int128(scale) + __int128(shift) * (1 << 24);
}

/// x of a curve as a value. It is below 2^63 for the x of a valid distribution.
inline int64_t scaleDraw(int64_t x, uint64_t scale, int64_t shift) {
  __int128 value = (scaleKnot(x, scale, shift) + (__int128(1) << 39)) >> 40;
  return value < 0 ? 0 : int64_t(value);
}

/// Whether the value of the largest x of a curve is below 2^63.
inline bool scaledFits(int64_t largest, uint64_t scale, int64_t shift) {
  return (scaleKnot(largest, scale, shift) + (__int128(1) << 39)) >> 40 <=
         __int128(INT64_MAX);
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

/// The knots of a shape; there is at least one.
struct Curve {
  Curve(std::vector<uint64_t> u, std::vector<int64_t> x, bool discrete);

  std::vector<uint64_t> u;
  std::vector<int64_t> x;
  bool discrete;
  /// Twice the mean of x, in 2^-32: equal curves have equal means.
  __int128 twiceMean;
  /// Of x.
  double variance;

  int64_t sample(uint64_t draw) const {
    return sampleKnots(u, x, discrete, draw);
  }
  bool operator==(const Curve &) const = default;
};

class Distribution {
public:
  /// Largest mean, and largest value of a form that is bounded.
  static constexpr double maxValue = 140737488355328.0; // 2^47

  /// From here on values are wide enough for a scaled standard curve: mean of
  /// an exponential, standard deviation of a normal, width of a uniform form;
  /// mean of a log-normal times its coefficient of variation (at most 1). A
  /// curve's knots are 0.02 of that apart: below 50 every integer has its own.
  static constexpr double minScaled = 64;

  /// The distribution of a form. Parameters are finite and not negative,
  /// probabilities in (0, 1] (Bernoulli: [0, 1]), the mean of a log-normal is
  /// above 0 and its coefficient of variation at most 20, values and means at
  /// most maxValue; else the error says which is not and what it may be. Values
  /// are rounded to the nearest integer.
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

  /// A shape with its scale (at most maxScale) and shift; the largest value is
  /// below 2^63, and at the identity scale without a shift no x is negative.
  explicit Distribution(std::shared_ptr<const Curve> curve,
                        uint64_t scale = identityScale, int64_t shift = 0)
      : shape(std::move(curve)), factor(scale), offset(shift) {}

  int64_t sample(uint64_t draw) const {
    int64_t x = shape->sample(draw);
    return isIdentity() ? x : scaleDraw(x, factor, offset);
  }

  /// Never null. Equal shapes of one form are one object while any is alive.
  const std::shared_ptr<const Curve> &curve() const { return shape; }
  uint64_t scale() const { return factor; }
  /// In 2^-16.
  int64_t shift() const { return offset; }
  bool isIdentity() const { return factor == identityScale && !offset; }
  bool isConstant() const { return sample(0) == sample(UINT64_MAX); }

  /// Moments of the table (of what `sample` gives, not of the form). Those of a
  /// scaled curve are of the value before it is rounded to an integer.
  double mean() const;
  double secondMoment() const;
  double variance() const;
  /// The mean in 1/65536, from integers alone.
  uint64_t meanQ16() const;
  /// The least x with P(value <= x) >= fraction, in [0, 1].
  int64_t quantile(double fraction) const;

  bool operator==(const Distribution &other) const {
    return factor == other.factor && offset == other.offset &&
           (shape == other.shape || *shape == *other.shape);
  }

private:
  std::shared_ptr<const Curve> shape;
  uint64_t factor;
  int64_t offset;
};

/// Appends a distribution to a table of a program under construction and
/// returns its index. An equal curve is shared if the table has one, which a
/// walk over its curves finds; equal distributions are the caller's to share.
uint32_t addDistribution(fb::DistributionTableT &table,
                         const Distribution &distribution);

} // namespace octo

#endif // OCTO_PROGRAM_DISTRIBUTION_H
