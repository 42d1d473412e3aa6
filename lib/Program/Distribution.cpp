//===- Distribution.cpp - Draws without floating point --------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Inverse tables of the parametric forms, and their moments.
//
// Between two knots the density of a table is constant. For a smooth density
// with knots h apart that raises the mean by h^2/12 times the density's total
// fall, and the second moment by about h^2/6: 0.02 standard deviations apart
// keep both within 0.01 %. Tails reach to probability 2^-64.
//
//===----------------------------------------------------------------------===//

#include "octo/Program/Distribution.h"

#include "octo/Program/StrictMath.h"
#include "octo/Program/program_generated.h"

#include <cmath>
#include <limits>

using namespace octo;

static constexpr double twoTo64 = 18446744073709551616.0;
static constexpr uint64_t lastDraw = std::numeric_limits<uint64_t>::max();

/// Probability 2^-64 of a normal variable lies beyond this.
static constexpr double normalReach = 9.2;

static int64_t roundToInteger(double x) { return int64_t(std::floor(x + 0.5)); }

/// A probability in [0, 1] as a number of draws, at most 2^64 - 1.
static uint64_t toDraws(double probability) {
  double scaled = probability * twoTo64;
  return scaled >= twoTo64 ? lastDraw : uint64_t(scaled);
}

/// Builds knots at ascending `points`; survival(k) is P(value >= k).
template <class Survival>
void Distribution::build(Survival &&survival,
                         const std::vector<int64_t> &points) {
  knotsU = {0};
  knotsX = {points.front()};
  auto add = [&](int64_t k) {
    if (k <= knotsX.back())
      return;
    double above = survival(k);
    // 2^64 - above * 2^64; beyond the resolution there is no knot.
    uint64_t u = above >= 1 ? 0 : lastDraw - toDraws(above) + 1;
    if (u <= knotsU.back())
      return;
    knotsU.push_back(u);
    knotsX.push_back(k);
  };
  for (size_t i = 0; i < points.size(); ++i) {
    // The least value has a knot right after it, so that its mass is exact.
    if (i == 1)
      add(points[0] + 1);
    add(points[i]);
  }
  if (knotsU.back() < lastDraw && points.back() > knotsX.back()) {
    knotsU.push_back(lastDraw);
    knotsX.push_back(points.back());
  }
}

/// Integer points from `from` to `to` about `step` apart, appended.
static void addPoints(std::vector<int64_t> &points, double from, double to,
                      double step) {
  step = std::max(step, 1.0);
  int64_t count = int64_t((to - from) / step) + 1;
  for (int64_t i = 0; i <= count; ++i) {
    int64_t point =
        std::max<int64_t>(0, roundToInteger(std::min(to, from + i * step)));
    if (points.empty() || point > points.back())
      points.push_back(point);
  }
}

//===----------------------------------------------------------------------===//
// Forms
//===----------------------------------------------------------------------===//

Distribution Distribution::constant(int64_t x) {
  Distribution result;
  result.knotsU = {0};
  result.knotsX = {x};
  result.isDiscrete = true;
  return result;
}

/// e^(-rate (k + shift)) and its points; shared by the exponential and the
/// geometric form.
static std::vector<int64_t> exponentialPoints(double mean) {
  std::vector<int64_t> points;
  addPoints(points, 0, 8 * mean, 0.02 * mean);
  addPoints(points, 8 * mean, 45 * mean + 1, 0.1 * mean);
  return points;
}

Distribution Distribution::exponential(double mean) {
  if (!(mean > 0))
    return constant(0);
  mean = std::min(mean, maxValue);
  Distribution result;
  result.build(
      [&](int64_t k) { return strict::exp(-(double(k) - 0.5) / mean); },
      exponentialPoints(mean));
  return result;
}

Expected<Distribution> Distribution::uniform(double lower, double upper) {
  double parameters[] = {lower, upper};
  return make(DistributionForm::Uniform, parameters);
}

Expected<Distribution> Distribution::normal(double mean,
                                            double standardDeviation) {
  double parameters[] = {mean, standardDeviation};
  return make(DistributionForm::Normal, parameters);
}

Expected<Distribution> Distribution::logNormal(double mean,
                                               double coefficientOfVariation) {
  double parameters[] = {mean, coefficientOfVariation};
  return make(DistributionForm::LogNormal, parameters);
}

Expected<Distribution> Distribution::geometric(double p) {
  return make(DistributionForm::Geometric, {&p, 1});
}

Expected<Distribution> Distribution::bernoulli(double p) {
  return make(DistributionForm::Bernoulli, {&p, 1});
}

Expected<Distribution>
Distribution::empirical(std::span<const double> values,
                        std::span<const double> weights) {
  std::vector<double> parameters(values.begin(), values.end());
  if (weights.empty())
    parameters.resize(2 * values.size(), 1.0);
  else
    parameters.insert(parameters.end(), weights.begin(), weights.end());
  return make(DistributionForm::Empirical, parameters);
}

Expected<Distribution> Distribution::make(DistributionForm form,
                                          std::span<const double> p) {
  struct FormInfo {
    const char *name;
    size_t parameters;
  };
  constexpr FormInfo infos[] = {{"a constant", 1},     {"a uniform", 2},
                                {"an exponential", 1}, {"a normal", 2},
                                {"a lognormal", 2},    {"a geometric", 1},
                                {"a bernoulli", 1},    {"an empirical", 0}};
  if (size_t(form) >= std::size(infos))
    return makeError("there is no distribution form {}", int(form));
  const FormInfo &info = infos[size_t(form)];
  if (info.parameters && p.size() != info.parameters)
    return makeError("{} distribution takes {} parameter{}, not {}", info.name,
                     info.parameters, info.parameters == 1 ? "" : "s",
                     p.size());
  for (double value : p)
    if (!std::isfinite(value) || value < 0)
      return makeError("{} distribution needs finite parameters that are not "
                       "negative, found {}",
                       info.name, value);
  auto tooLarge = [&](double value) {
    return makeError("{} distribution takes values up to {}, found {}",
                     info.name, maxValue, value);
  };

  Distribution result;
  switch (form) {
  case DistributionForm::Constant:
    if (p[0] > maxValue)
      return tooLarge(p[0]);
    return constant(roundToInteger(p[0]));

  case DistributionForm::Uniform: {
    double lower = p[0], upper = p[1];
    if (lower > upper)
      return makeError("a uniform distribution needs a lower end that is not "
                       "above the upper one, found {} and {}",
                       lower, upper);
    if (upper > maxValue)
      return tooLarge(upper);
    int64_t low = roundToInteger(lower), high = roundToInteger(upper);
    if (low == high)
      return constant(low);
    // Exact: the distribution function is linear but for its ends, which are
    // half as likely as the integers between them.
    std::vector<int64_t> points = {low, high};
    if (high - low > 1)
      points = {low, low + 1, high};
    result.build(
        [&](int64_t k) {
          return std::clamp((upper - (double(k) - 0.5)) / (upper - lower), 0.0,
                            1.0);
        },
        points);
    return result;
  }

  case DistributionForm::Exponential:
    if (p[0] > maxValue)
      return tooLarge(p[0]);
    return exponential(p[0]);

  case DistributionForm::Normal: {
    double mean = p[0], deviation = p[1];
    if (mean > maxValue || deviation > maxValue)
      return tooLarge(std::max(mean, deviation));
    if (deviation == 0)
      return constant(roundToInteger(mean));
    std::vector<int64_t> points;
    auto part = [&](double from, double to, double step) {
      double low = std::max(0.0, mean + from * deviation);
      double high = mean + to * deviation;
      if (high > low)
        addPoints(points, low, high, step * deviation);
    };
    part(-normalReach, -4, 0.1);
    part(-4, 4, 0.02);
    part(4, normalReach, 0.1);
    points.push_back(points.back() + 1);
    result.build(
        [&](int64_t k) {
          return strict::normalTail((double(k) - 0.5 - mean) / deviation);
        },
        points);
    return result;
  }

  case DistributionForm::LogNormal: {
    double mean = p[0], variation = p[1];
    if (mean == 0)
      return makeError("a lognormal distribution needs a mean above 0");
    if (mean > maxValue)
      return tooLarge(mean);
    if (variation > 20)
      return makeError("a lognormal distribution takes a coefficient of "
                       "variation up to 20, found {}",
                       variation);
    if (variation < 1e-9)
      return constant(roundToInteger(mean));
    double sigmaSquare = strict::log1p(variation * variation);
    double sigma = std::sqrt(sigmaSquare);
    double mu = strict::log(mean) - 0.5 * sigmaSquare;
    // The second moment weighs draws around z = 2 sigma most.
    double coreEnd = std::min(normalReach, 2 * sigma + 4);
    double step = std::min(0.02, 0.012 / sigma);
    std::vector<int64_t> points;
    auto part = [&](double from, double to, double by) {
      for (double z = from; z < to; z += by) {
        double x = strict::exp(mu + sigma * z);
        if (x > 4e18)
          return false;
        int64_t point = roundToInteger(x);
        if (points.empty() || point > points.back())
          points.push_back(point);
      }
      return true;
    };
    if (!part(-normalReach, -4, 0.1) || !part(-4, coreEnd, step) ||
        !part(coreEnd, normalReach + 0.05, 0.1))
      return makeError("a lognormal distribution with mean {} and coefficient "
                       "of variation {} has values beyond 4e18; lower one of "
                       "them",
                       mean, variation);
    points.push_back(points.back() + 1);
    result.build(
        [&](int64_t k) {
          double x = double(k) - 0.5;
          return x <= 0 ? 1.0
                        : strict::normalTail((strict::log(x) - mu) / sigma);
        },
        points);
    return result;
  }

  case DistributionForm::Geometric: {
    if (!(p[0] > 0 && p[0] <= 1))
      return makeError("a geometric distribution needs a probability above 0 "
                       "and up to 1, found {}",
                       p[0]);
    if (p[0] == 1)
      return constant(0);
    double mean = (1 - p[0]) / p[0];
    if (mean > maxValue)
      return makeError("a geometric distribution needs a probability of at "
                       "least {}, found {}",
                       1 / maxValue, p[0]);
    double logQ = strict::log1p(-p[0]);
    result.build([&](int64_t k) { return strict::exp(double(k) * logQ); },
                 exponentialPoints(-1 / logQ));
    return result;
  }

  case DistributionForm::Bernoulli: {
    if (p[0] > 1)
      return makeError("a bernoulli distribution needs a probability from 0 to "
                       "1, found {}",
                       p[0]);
    if (p[0] == 0 || p[0] == 1)
      return constant(p[0] == 1);
    uint64_t ones = toDraws(p[0]);
    if (!ones)
      return constant(0);
    result.knotsU = {0, lastDraw - ones + 1};
    result.knotsX = {0, 1};
    result.isDiscrete = true;
    return result;
  }

  case DistributionForm::Empirical: {
    if (p.empty() || p.size() % 2)
      return makeError("an empirical distribution needs at least one value and "
                       "as many weights as values, found {} numbers",
                       p.size());
    size_t count = p.size() / 2;
    std::vector<std::pair<int64_t, double>> items;
    double total = 0;
    for (size_t i = 0; i < count; ++i) {
      if (p[i] > maxValue)
        return tooLarge(p[i]);
      if (p[count + i] > 0)
        items.emplace_back(roundToInteger(p[i]), p[count + i]);
    }
    std::sort(items.begin(), items.end());
    for (const auto &item : items)
      total += item.second;
    if (!(total > 0) || !std::isfinite(total))
      return makeError("the weights of an empirical distribution need a finite "
                       "sum above 0");
    result.isDiscrete = true;
    double before = 0;
    for (const auto &[value, weight] : items) {
      uint64_t u = toDraws(before / total);
      before += weight;
      if (!result.knotsX.empty() && result.knotsX.back() == value)
        continue;
      if (!result.knotsU.empty() && u <= result.knotsU.back())
        // The item before is less likely than a draw.
        result.knotsX.back() = value;
      else
        result.knotsU.push_back(u), result.knotsX.push_back(value);
    }
    return result;
  }
  }
  return makeError("there is no distribution form {}", int(form));
}

//===----------------------------------------------------------------------===//
// Moments
//===----------------------------------------------------------------------===//

/// Calls `visit(draws, first, count)` for every run of `draws` draws that are
/// spread evenly over `count` integers from `first`. `draws` of 0 is 2^64.
template <class Visit>
static void forEachRun(const std::vector<uint64_t> &u,
                       const std::vector<int64_t> &x, bool discrete,
                       Visit &&visit) {
  for (size_t i = 0; i < u.size(); ++i) {
    bool last = i + 1 == u.size();
    uint64_t draws = (last ? 0 : u[i + 1]) - u[i];
    uint64_t count =
        discrete || last ? 1 : std::max<int64_t>(1, x[i + 1] - x[i]);
    visit(draws, x[i], count);
  }
}

double Distribution::mean() const {
  double sum = 0;
  forEachRun(knotsU, knotsX, isDiscrete,
             [&](uint64_t draws, int64_t first, uint64_t count) {
               double weight = draws ? double(draws) / twoTo64 : 1;
               sum += weight * (double(first) + 0.5 * double(count - 1));
             });
  return sum;
}

double Distribution::secondMoment() const {
  double sum = 0;
  forEachRun(knotsU, knotsX, isDiscrete,
             [&](uint64_t draws, int64_t first, uint64_t count) {
               double weight = draws ? double(draws) / twoTo64 : 1;
               double a = double(first), n = double(count);
               sum +=
                   weight * (a * a + a * (n - 1) + (n - 1) * (2 * n - 1) / 6);
             });
  return sum;
}

uint64_t Distribution::meanQ16() const {
  // Sums draws * 2 * mean in 2^-49 units after dropping low bits run by run:
  // the error is below (runs * 2^-15) of a unit of the result.
  unsigned __int128 sum = 0;
  forEachRun(knotsU, knotsX, isDiscrete,
             [&](uint64_t draws, int64_t first, uint64_t count) {
               unsigned __int128 twice =
                   (unsigned __int128)(uint64_t(first)) * 2 + (count - 1);
               unsigned __int128 weight = draws ? (unsigned __int128)(draws)
                                                : (unsigned __int128)(1) << 64;
               // twice < 2^64 and weight <= 2^64 unless the table is constant,
               // where twice < 2^49.
               sum += twice * weight >> 16;
             });
  // sum is mean * 2 * 2^48.
  unsigned __int128 result = (sum + (uint64_t(1) << 32)) >> 33;
  return result > lastDraw ? lastDraw : uint64_t(result);
}

int64_t Distribution::quantile(double fraction) const {
  if (!(fraction > 0))
    return knotsX.front();
  return sample(fraction >= 1 ? lastDraw : toDraws(fraction));
}

//===----------------------------------------------------------------------===//
// Program tables
//===----------------------------------------------------------------------===//

Distribution Distribution::fromTable(const fb::DistributionTable &table,
                                     uint32_t index) {
  Distribution result;
  uint32_t begin = table.knot_offsets()->Get(index);
  uint32_t end = table.knot_offsets()->Get(index + 1);
  for (uint32_t i = begin; i < end; ++i) {
    result.knotsU.push_back(table.u()->Get(i));
    result.knotsX.push_back(table.x()->Get(i));
  }
  result.isDiscrete = table.discrete()->Get(index);
  return result;
}

uint32_t octo::addDistribution(fb::DistributionTableT &table,
                               const Distribution &distribution) {
  if (table.knot_offsets.empty())
    table.knot_offsets.push_back(0);
  table.u.insert(table.u.end(), distribution.u().begin(),
                 distribution.u().end());
  table.x.insert(table.x.end(), distribution.x().begin(),
                 distribution.x().end());
  table.knot_offsets.push_back(uint32_t(table.u.size()));
  table.mean_q16.push_back(distribution.meanQ16());
  table.discrete.push_back(distribution.discrete());
  return uint32_t(table.mean_q16.size() - 1);
}
