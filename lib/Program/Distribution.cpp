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
#include <functional>
#include <limits>
#include <map>
#include <mutex>

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

/// A curve with knots at ascending `points`; survival(k) is P(x >= k).
template <class Survival>
static Curve build(Survival &&survival, const std::vector<int64_t> &points) {
  std::vector<uint64_t> u = {0};
  std::vector<int64_t> x = {points.front()};
  auto add = [&](int64_t k) {
    if (k <= x.back())
      return;
    double above = survival(k);
    // 2^64 - above * 2^64; beyond the resolution there is no knot.
    uint64_t draw = above >= 1 ? 0 : lastDraw - toDraws(above) + 1;
    if (draw <= u.back())
      return;
    u.push_back(draw);
    x.push_back(k);
  };
  for (size_t i = 0; i < points.size(); ++i) {
    // The least value has a knot right after it, so that its mass is exact.
    if (i == 1)
      add(points[0] + 1);
    add(points[i]);
  }
  if (u.back() < lastDraw && points.back() > x.back()) {
    u.push_back(lastDraw);
    x.push_back(points.back());
  }
  return Curve(std::move(u), std::move(x), false);
}

/// Integer points from `from` to `to` about `step` apart, appended.
static void addPoints(std::vector<int64_t> &points, double from, double to,
                      double step) {
  step = std::max(step, 1.0);
  int64_t count = int64_t((to - from) / step) + 1;
  for (int64_t i = 0; i <= count; ++i) {
    int64_t point = roundToInteger(std::min(to, from + i * step));
    if (points.empty() || point > points.back())
      points.push_back(point);
  }
}

static Distribution makeOwn(Curve curve) {
  return Distribution(std::make_shared<const Curve>(std::move(curve)));
}

//===----------------------------------------------------------------------===//
// Standard shapes
//===----------------------------------------------------------------------===//

/// The x of standard shapes are in 2^-24.
static constexpr double shapeUnit = 16777216.0;

/// A standard shape times `scale`, plus `shift`. Both are at most maxValue.
static Distribution scaled(std::shared_ptr<const Curve> curve, double scale,
                           double shift) {
  double shiftQ16 = std::floor(shift * 65536 + 0.5);
  return Distribution(std::move(curve), uint64_t(scale * 65536 + 0.5),
                      shiftQ16 >= 0x1p63 ? std::numeric_limits<int64_t>::max()
                                         : int64_t(shiftQ16));
}

/// e^(-rate (k + shift)) and its points; shared by the exponential and the
/// geometric form.
static std::vector<int64_t> exponentialPoints(double mean) {
  std::vector<int64_t> points;
  addPoints(points, 0, 8 * mean, 0.02 * mean);
  addPoints(points, 8 * mean, 45 * mean + 1, 0.1 * mean);
  return points;
}

/// On [0, 1].
static const std::shared_ptr<const Curve> &uniformShape() {
  static const auto curve = std::make_shared<const Curve>(
      std::vector<uint64_t>{0, lastDraw},
      std::vector<int64_t>{0, int64_t(shapeUnit)}, false);
  return curve;
}

/// Of mean 1.
static const std::shared_ptr<const Curve> &exponentialShape() {
  static const auto curve = std::make_shared<const Curve>(
      build([](int64_t k) { return strict::exp(-double(k) / shapeUnit); },
            exponentialPoints(shapeUnit)));
  return curve;
}

/// Integer points over the normal distribution, where `x` gives the point at
/// a number of standard deviations and `coreEnd` is the first beyond which few
/// points will do.
static std::vector<int64_t>
normalPoints(double coreEnd, double step,
             const std::function<double(double)> &x) {
  std::vector<int64_t> points;
  auto part = [&](double from, double to, double by) {
    for (int64_t i = 0; from + double(i) * by < to; ++i) {
      int64_t point = roundToInteger(x(from + double(i) * by));
      if (points.empty() || point > points.back())
        points.push_back(point);
    }
  };
  part(-normalReach, -4, 0.1);
  part(-4, coreEnd, step);
  part(coreEnd, normalReach + 0.05, 0.1);
  return points;
}

/// Of mean 0 and standard deviation 1.
static const std::shared_ptr<const Curve> &normalShape() {
  static const auto curve = std::make_shared<const Curve>(
      build([](int64_t k) { return strict::normalTail(double(k) / shapeUnit); },
            normalPoints(4, 0.02, [](double z) { return z * shapeUnit; })));
  return curve;
}

namespace {
/// Numbers of the log-normal form.
struct LogNormalShape {
  double sigma, mu; ///< of the logarithm; mean 1
  double coreEnd, step;

  explicit LogNormalShape(double variation) {
    double sigmaSquare = strict::log1p(variation * variation);
    sigma = std::sqrt(sigmaSquare);
    mu = -0.5 * sigmaSquare;
    // The second moment weighs draws around z = 2 sigma most.
    coreEnd = std::min(normalReach, 2 * sigma + 4);
    step = std::min(0.02, 0.012 / sigma);
  }
  /// The largest value, for mean 1.
  double reach() const {
    return strict::exp(mu + sigma * (normalReach + 0.05));
  }
};
} // namespace

/// Of mean 0, in units of min(1, variation) means: so x are of the same size
/// whatever the coefficient of variation.
static std::shared_ptr<const Curve> logNormalShape(double variation) {
  // Shapes are kept by their users; each is built once while any uses it.
  static std::mutex mutex;
  static std::map<double, std::weak_ptr<const Curve>> shapes;
  static size_t sweepAt = 64;
  std::lock_guard<std::mutex> lock(mutex);
  if (shapes.size() >= sweepAt) {
    std::erase_if(shapes,
                  [](const auto &item) { return item.second.expired(); });
    sweepAt = std::max<size_t>(64, 2 * shapes.size());
  }
  std::weak_ptr<const Curve> &known = shapes[variation];
  if (std::shared_ptr<const Curve> curve = known.lock())
    return curve;
  LogNormalShape form(variation);
  double unit = std::min(1.0, variation);
  auto curve = std::make_shared<const Curve>(build(
      [&](int64_t k) {
        double x = double(k) / shapeUnit * unit;
        return x <= -1 ? 1.0
                       : strict::normalTail((strict::log1p(x) - form.mu) /
                                            form.sigma);
      },
      normalPoints(form.coreEnd, form.step, [&](double z) {
        return (strict::exp(form.mu + form.sigma * z) - 1) / unit * shapeUnit;
      })));
  known = curve;
  return curve;
}

//===----------------------------------------------------------------------===//
// Forms
//===----------------------------------------------------------------------===//

Distribution Distribution::constant(int64_t x) {
  return makeOwn(Curve({0}, {x}, true));
}

Distribution Distribution::exponential(double mean) {
  if (!(mean > 0))
    return constant(0);
  mean = std::min(mean, maxValue);
  if (mean >= minScaled)
    return scaled(exponentialShape(), mean, 0);
  return makeOwn(
      build([&](int64_t k) { return strict::exp(-(double(k) - 0.5) / mean); },
            exponentialPoints(mean)));
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
    if (upper - lower >= minScaled)
      return scaled(uniformShape(), upper - lower, lower);
    int64_t low = roundToInteger(lower), high = roundToInteger(upper);
    if (low == high)
      return constant(low);
    // Exact: the distribution function is linear but for its ends, which are
    // half as likely as the integers between them.
    std::vector<int64_t> points = {low, high};
    if (high - low > 1)
      points = {low, low + 1, high};
    return makeOwn(build(
        [&](int64_t k) {
          return std::clamp((upper - (double(k) - 0.5)) / (upper - lower), 0.0,
                            1.0);
        },
        points));
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
    if (deviation >= minScaled)
      return scaled(normalShape(), deviation, mean);
    std::vector<int64_t> points = normalPoints(
        4, 0.02, [&](double z) { return std::max(0.0, mean + z * deviation); });
    points.push_back(points.back() + 1);
    return makeOwn(build(
        [&](int64_t k) {
          return strict::normalTail((double(k) - 0.5 - mean) / deviation);
        },
        points));
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
    LogNormalShape shape(variation);
    if (mean * shape.reach() > 4e18)
      return makeError("a lognormal distribution with mean {} and coefficient "
                       "of variation {} has values beyond 4e18; lower one of "
                       "them",
                       mean, variation);
    if (double unit = std::min(1.0, variation); mean * unit >= minScaled)
      return scaled(logNormalShape(variation), mean * unit, mean);
    double mu = strict::log(mean) + shape.mu;
    std::vector<int64_t> points =
        normalPoints(shape.coreEnd, shape.step, [&](double z) {
          return strict::exp(mu + shape.sigma * z);
        });
    points.push_back(points.back() + 1);
    return makeOwn(build(
        [&](int64_t k) {
          double x = double(k) - 0.5;
          return x <= 0
                     ? 1.0
                     : strict::normalTail((strict::log(x) - mu) / shape.sigma);
        },
        points));
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
    return makeOwn(
        build([&](int64_t k) { return strict::exp(double(k) * logQ); },
              exponentialPoints(-1 / logQ)));
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
    return makeOwn(Curve({0, lastDraw - ones + 1}, {0, 1}, true));
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
    std::vector<uint64_t> us;
    std::vector<int64_t> xs;
    double before = 0;
    for (const auto &[value, weight] : items) {
      uint64_t u = toDraws(before / total);
      before += weight;
      if (!xs.empty() && xs.back() == value)
        continue;
      if (!us.empty() && u <= us.back())
        // The item before is less likely than a draw.
        xs.back() = value;
      else
        us.push_back(u), xs.push_back(value);
    }
    return makeOwn(Curve(std::move(us), std::move(xs), true));
  }
  }
  return makeError("there is no distribution form {}", int(form));
}

//===----------------------------------------------------------------------===//
// Moments
//===----------------------------------------------------------------------===//

/// Calls `visit(draws, first, count)` for every run of `draws` draws, at most
/// 2^64, that are spread evenly over `count` integers from `first`.
template <class Visit>
static void forEachRun(const Curve &curve, Visit &&visit) {
  for (size_t i = 0; i < curve.u.size(); ++i) {
    bool last = i + 1 == curve.u.size();
    unsigned __int128 draws =
        last ? ((unsigned __int128)(1) << 64) - curve.u[i]
             : (unsigned __int128)(curve.u[i + 1] - curve.u[i]);
    uint64_t count = curve.discrete || last
                         ? 1
                         : std::max<uint64_t>(1, uint64_t(curve.x[i + 1]) -
                                                     uint64_t(curve.x[i]));
    visit(draws, curve.x[i], count);
  }
}

/// Those of a distribution, in x of its curve, without the draws whose value is
/// cut to 0.
template <class Visit>
static void forEachRun(const Distribution &distribution, Visit &&visit) {
  const __int128 scale = __int128(distribution.scale());
  const __int128 shift = __int128(distribution.shift()) * (1 << 24);
  forEachRun(*distribution.curve(), [&](unsigned __int128 draws, int64_t first,
                                        uint64_t count) {
    if (first * scale + shift >= 0)
      return visit(draws, first, count);
    __int128 last = __int128(first) + (count - 1);
    if (last * scale + shift <= 0)
      return;
    // The first x whose value is not negative; the scale is not 0 here.
    __int128 cut = shift > 0 ? -(shift / scale) : (-shift + scale - 1) / scale;
    uint64_t left = uint64_t(last - cut) + 1;
    visit(draws * left / count, int64_t(cut), left);
  });
}

/// a * draws / 2^64, rounded down, for |a| < 2^120 and draws up to 2^64.
static __int128 partOf(__int128 a, unsigned __int128 draws) {
  if (draws >> 64)
    return a;
  return (a >> 64) * __int128(draws) +
         __int128((unsigned __int128)(uint64_t(a)) * draws >> 64);
}

Curve::Curve(std::vector<uint64_t> knotsU, std::vector<int64_t> knotsX,
             bool isDiscrete)
    : u(std::move(knotsU)), x(std::move(knotsX)), discrete(isDiscrete),
      twiceMean(0), variance(0) {
  forEachRun(
      *this, [&](unsigned __int128 draws, int64_t first, uint64_t count) {
        twiceMean += partOf(
            (__int128(first) * 2 + (count - 1)) * (__int128(1) << 32), draws);
      });
  const double mean = double(twiceMean) / 0x1p33;
  forEachRun(*this, [&](unsigned __int128 draws, int64_t first,
                        uint64_t count) {
    const double n = double(count), off = double(first) + 0.5 * (n - 1) - mean;
    variance += double(draws) / twoTo64 * (off * off + (n * n - 1) / 12);
  });
}

double Distribution::mean() const {
  double sum = 0, scale = double(factor) / 0x1p40,
         shift = double(offset) / 65536;
  forEachRun(
      *this, [&](unsigned __int128 draws, int64_t first, uint64_t count) {
        sum += double(draws) / twoTo64 *
               (scale * (double(first) + 0.5 * double(count - 1)) + shift);
      });
  return sum;
}

double Distribution::secondMoment() const {
  double sum = 0, scale = double(factor) / 0x1p40,
         shift = double(offset) / 65536;
  forEachRun(*this,
             [&](unsigned __int128 draws, int64_t first, uint64_t count) {
               double a = scale * double(first) + shift, n = double(count);
               sum += double(draws) / twoTo64 *
                      (a * a + a * scale * (n - 1) +
                       scale * scale * (n - 1) * (2 * n - 1) / 6);
             });
  return sum;
}

double Distribution::variance() const {
  if (scaleKnot(shape->x.front(), factor, offset) >= 0) {
    // Nothing is cut.
    const double scale = double(factor) / 0x1p40;
    return scale * scale * shape->variance;
  }
  const double mean = this->mean();
  return secondMoment() - mean * mean;
}

uint64_t Distribution::meanQ16() const {
  // In 2^-41; no value is 2^63 or more.
  __int128 twice = 0;
  if (scaleKnot(shape->x.front(), factor, offset) >= 0)
    // Nothing is cut: the mean is that of the curve, scaled.
    twice = (shape->twiceMean >> 32) * __int128(factor) +
            (__int128(uint32_t(shape->twiceMean)) * __int128(factor) >> 32) +
            __int128(offset) * (1 << 25);
  else
    forEachRun(*this,
               [&](unsigned __int128 draws, int64_t first, uint64_t count) {
                 int64_t last = int64_t(uint64_t(first) + (count - 1));
                 twice += partOf(scaleKnot(first, factor, offset) +
                                     scaleKnot(last, factor, offset),
                                 draws);
               });
  __int128 result = (twice + (1 << 24)) >> 25;
  return result > __int128(lastDraw) ? lastDraw : uint64_t(result);
}

int64_t Distribution::quantile(double fraction) const {
  if (!(fraction > 0))
    return sample(0);
  return sample(fraction >= 1 ? lastDraw : toDraws(fraction));
}

//===----------------------------------------------------------------------===//
// Program tables
//===----------------------------------------------------------------------===//

Distribution Distribution::fromTable(const fb::DistributionTable &table,
                                     uint32_t index) {
  uint32_t number = table.curve()->Get(index);
  uint32_t begin = table.knot_offsets()->Get(number);
  uint32_t end = table.knot_offsets()->Get(number + 1);
  std::vector<uint64_t> u;
  std::vector<int64_t> x;
  for (uint32_t i = begin; i < end; ++i) {
    u.push_back(table.u()->Get(i));
    x.push_back(table.x()->Get(i));
  }
  return Distribution(
      std::make_shared<const Curve>(std::move(u), std::move(x),
                                    table.discrete()->Get(number) != 0),
      table.scale()->Get(index), table.shift()->Get(index));
}

uint32_t octo::addDistribution(fb::DistributionTableT &table,
                               const Distribution &distribution) {
  const Curve &curve = *distribution.curve();
  if (table.knot_offsets.empty())
    table.knot_offsets.push_back(0);
  auto isKnown = [&](uint32_t number) {
    uint32_t begin = table.knot_offsets[number];
    return table.knot_offsets[number + 1] - begin == curve.u.size() &&
           bool(table.discrete[number]) == curve.discrete &&
           std::equal(curve.x.begin(), curve.x.end(),
                      table.x.begin() + begin) &&
           std::equal(curve.u.begin(), curve.u.end(), table.u.begin() + begin);
  };
  uint32_t number = 0;
  while (number < table.discrete.size() && !isKnown(number))
    ++number;
  if (number == table.discrete.size()) {
    table.u.insert(table.u.end(), curve.u.begin(), curve.u.end());
    table.x.insert(table.x.end(), curve.x.begin(), curve.x.end());
    table.knot_offsets.push_back(uint32_t(table.u.size()));
    table.discrete.push_back(curve.discrete);
  }
  table.curve.push_back(number);
  table.shift.push_back(distribution.shift());
  table.scale.push_back(distribution.scale());
  table.mean_q16.push_back(distribution.meanQ16());
  return uint32_t(table.mean_q16.size() - 1);
}
