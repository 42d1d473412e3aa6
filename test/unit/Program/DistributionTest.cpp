//===- DistributionTest.cpp - Draws without floating point ----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Moments and distribution functions of the tables against the analytic ones,
// which the C library's functions give here.
//
//===----------------------------------------------------------------------===//

#include "octo/Program/Distribution.h"

#include "octo/Program/Philox.h"
#include "octo/Program/program_generated.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>
#include <numeric>

using namespace octo;

namespace {

constexpr uint64_t lastDraw = std::numeric_limits<uint64_t>::max();

/// P(value < x) of a table, by bisection on the draw: independent of how the
/// knots are laid out.
double below(const Distribution &table, int64_t x) {
  if (table.sample(0) >= x)
    return 0;
  if (table.sample(lastDraw) < x)
    return 1;
  uint64_t low = 0, high = lastDraw;
  while (high - low > 1) {
    uint64_t middle = low + (high - low) / 2;
    (table.sample(middle) < x ? low : high) = middle;
  }
  return std::ldexp(double(high), -64);
}

void checkShape(const Distribution &table) {
  const Curve &curve = *table.curve();
  ASSERT_FALSE(curve.u.empty());
  ASSERT_EQ(curve.u.size(), curve.x.size());
  EXPECT_EQ(curve.u[0], 0u);
  EXPECT_LE(curve.u.size(), 4096u);
  for (size_t i = 1; i < curve.u.size(); ++i) {
    ASSERT_LT(curve.u[i - 1], curve.u[i]);
    ASSERT_LE(curve.x[i - 1], curve.x[i]);
  }
  if (table.isIdentity())
    EXPECT_GE(curve.x[0], 0);
  EXPECT_LE(table.scale(), maxScale);
  EXPECT_TRUE(scaledFits(curve.x.back(), table.scale(), table.shift()));
}

void checkMoments(const Distribution &table, double mean, double second,
                  double tolerance = 5e-4) {
  checkShape(table);
  EXPECT_NEAR(table.mean(), mean, tolerance * mean);
  EXPECT_NEAR(table.secondMoment(), second, tolerance * second);
  EXPECT_NEAR(table.variance(),
              table.secondMoment() - table.mean() * table.mean(),
              1e-9 * table.secondMoment());
  EXPECT_NEAR(double(table.meanQ16()) / 65536, table.mean(),
              1e-9 * table.mean() + 0.51 / 65536);
}

double normalBelow(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

TEST(Distribution, Constant) {
  for (int64_t x : {int64_t(0), int64_t(1), int64_t(123456789)}) {
    Distribution table = Distribution::constant(x);
    checkMoments(table, double(x), double(x) * double(x));
    EXPECT_TRUE(table.isConstant());
    EXPECT_EQ(table.sample(0), x);
    EXPECT_EQ(table.sample(lastDraw), x);
  }
  double half = 2.5;
  EXPECT_EQ(
      Distribution::make(DistributionForm::Constant, {&half, 1})->sample(7), 3);
}

TEST(Distribution, ExponentialMoments) {
  for (double mean : {50.0, 333.3, 1000.0, 10000.0, 123456.0, 1e9, 1e14})
    checkMoments(Distribution::exponential(mean), mean, 2 * mean * mean);
}

TEST(Distribution, ExponentialOfSmallMeanIsRoundedExactly) {
  for (double mean : {0.05, 0.3, 1.0, 2.5, 7.0, 20.0, 45.0}) {
    Distribution table = Distribution::exponential(mean);
    checkShape(table);
    for (int64_t k = 1; k < 8 * mean; ++k)
      EXPECT_NEAR(below(table, k), 1 - std::exp(-(k - 0.5) / mean), 1e-12)
          << mean << " " << k;
    // The mean of the rounded variable.
    double rounded = std::exp(-0.5 / mean) / (1 - std::exp(-1 / mean));
    EXPECT_NEAR(table.mean(), rounded, 2e-4 * rounded + 1e-12) << mean;
  }
}

TEST(Distribution, ExponentialTailIsRefined) {
  double mean = 10000;
  Distribution table = Distribution::exponential(mean);
  // The tail at many means: within 0.4 % of itself down to 1e-17.
  for (double t : {0.5, 1.0, 3.0, 8.0, 12.0, 20.0, 30.0, 39.0}) {
    double above = 1 - below(table, int64_t(t * mean));
    double wanted = std::exp(-(t * mean - 0.5) / mean);
    if (wanted > 1e-13)
      EXPECT_NEAR(above, wanted, 4e-3 * wanted) << t;
  }
  EXPECT_GT(table.sample(lastDraw), 43 * mean);
  // P(X > 40 means) = 4.2e-18 is 78 draws of 2^64.
  EXPECT_NEAR(double(table.sample(lastDraw - 78)), 40 * mean, 0.05 * mean);
  EXPECT_EQ(table.sample(0), 0);
}

TEST(Distribution, ExponentialMeanOutOfRange) {
  EXPECT_EQ(Distribution::exponential(-3), Distribution::constant(0));
  EXPECT_EQ(Distribution::exponential(std::nan("")), Distribution::constant(0));
  EXPECT_EQ(Distribution::exponential(1e300),
            Distribution::exponential(Distribution::maxValue));
}

// An M/M/1 queue by Lindley's recursion with both draws from tables. The mean
// wait at load 0.8 is 4 service times; 3 million requests give a standard error
// of about 0.5 %, so this fails for a service that is biased by 0.4 %.
TEST(Distribution, QueueOfExponentials) {
  double service = 10000, load = 0.8;
  Distribution arrivals = Distribution::exponential(service / load);
  Distribution services = Distribution::exponential(service);
  int64_t wait = 0;
  double sum = 0;
  constexpr int requests = 3000000;
  for (int i = 0; i < requests; ++i) {
    PhiloxBlock block = philox4x32({uint32_t(i), 0, 0, 0}, {42, 0});
    uint64_t a = uint64_t(block[0]) | uint64_t(block[1]) << 32;
    uint64_t b = uint64_t(block[2]) | uint64_t(block[3]) << 32;
    sum += double(wait);
    wait = std::max<int64_t>(0, wait + services.sample(b) - arrivals.sample(a));
  }
  EXPECT_NEAR(sum / requests / service, 4.0, 0.06);
}

TEST(Distribution, Uniform) {
  checkMoments(*Distribution::uniform(100, 900), 500,
               (900.0 * 900 * 900 - 100.0 * 100 * 100) / 3 / 800);
  checkMoments(*Distribution::uniform(0, 1e12), 5e11, 1e24 / 3);
  EXPECT_EQ(*Distribution::uniform(7, 7), Distribution::constant(7));

  // Rounded to the nearest integer the ends are half as likely.
  Distribution table = *Distribution::uniform(2, 5);
  checkShape(table);
  EXPECT_NEAR(below(table, 3), 0.5 / 3, 1e-12);
  EXPECT_NEAR(below(table, 4), 1.5 / 3, 1e-12);
  EXPECT_NEAR(below(table, 5), 2.5 / 3, 1e-12);
  EXPECT_EQ(table.sample(0), 2);
  EXPECT_EQ(table.sample(lastDraw), 5);
  EXPECT_NEAR(below(*Distribution::uniform(2, 3), 3), 0.5, 1e-12);
  EXPECT_NEAR(below(*Distribution::uniform(0.2, 1.7), 1), 0.3 / 1.5, 1e-12);
  EXPECT_NEAR(below(*Distribution::uniform(0.2, 1.7), 2), 1.3 / 1.5, 1e-12);
}

TEST(Distribution, Normal) {
  for (auto [mean, deviation] :
       {std::pair(10000.0, 500.0), std::pair(1e9, 1e8), std::pair(400.0, 40.0)})
    checkMoments(*Distribution::normal(mean, deviation), mean,
                 mean * mean + deviation * deviation);
  Distribution table = *Distribution::normal(10000, 500);
  for (double z : {-6.0, -3.0, -1.0, 0.0, 0.5, 2.0, 4.0}) {
    double wanted = normalBelow(z - 0.5 / 500);
    EXPECT_NEAR(below(table, int64_t(10000 + z * 500)), wanted,
                2e-3 * std::min(wanted, 1 - wanted) + 1e-15)
        << z;
  }
  EXPECT_EQ(*Distribution::normal(12, 0), Distribution::constant(12));
}

TEST(Distribution, NormalIsCutAtZero) {
  double mean = 1000, deviation = 1000;
  Distribution table = *Distribution::normal(mean, deviation);
  checkShape(table);
  EXPECT_NEAR(below(table, 1), normalBelow((0.5 - mean) / deviation), 2e-5);
  // Of few integers each has its knot.
  EXPECT_NEAR(below(*Distribution::normal(40, 40), 1), normalBelow(-39.5 / 40),
              1e-12);
  // max(0, X) has mean m Phi(m/s) + s phi(m/s), second moment
  // (m^2 + s^2) Phi + m s phi.
  double phi = std::exp(-0.5) / std::sqrt(2 * M_PI), above = normalBelow(1);
  EXPECT_NEAR(table.mean(), mean * above + deviation * phi, 0.5);
  EXPECT_NEAR(table.secondMoment(), 2e6 * above + 1e6 * phi, 1000);
  checkShape(*Distribution::normal(0, 100));
  EXPECT_NEAR(Distribution::normal(0, 1e6)->mean(), 1e6 / std::sqrt(2 * M_PI),
              300);
}

TEST(Distribution, LogNormal) {
  for (double mean : {1000.0, 50000.0, 1e9})
    for (double variation : {0.05, 0.4, 1.0, 2.0, 5.0}) {
      SCOPED_TRACE(fmt::format("mean {} variation {}", mean, variation));
      checkMoments(*Distribution::logNormal(mean, variation), mean,
                   mean * mean * (1 + variation * variation));
    }
  Distribution table = *Distribution::logNormal(50000, 1);
  double sigma = std::sqrt(std::log(2.0)),
         mu = std::log(50000) - sigma * sigma / 2;
  for (int64_t x : {5000, 20000, 50000, 200000, 1000000})
    EXPECT_NEAR(below(table, x), normalBelow((std::log(x - 0.5) - mu) / sigma),
                1e-4);
}

TEST(Distribution, Geometric) {
  for (double p : {0.9, 0.5, 0.1, 0.02}) {
    Distribution table = *Distribution::geometric(p);
    checkShape(table);
    for (int64_t k = 1; k < 5 / p; ++k)
      EXPECT_NEAR(below(table, k), 1 - std::pow(1 - p, double(k)), 1e-12) << p;
    double mean = (1 - p) / p;
    EXPECT_NEAR(table.mean(), mean, 5e-4 * mean);
  }
  for (double p : {1e-3, 1e-5}) {
    double mean = (1 - p) / p;
    checkMoments(*Distribution::geometric(p), mean,
                 (1 - p) / (p * p) + mean * mean);
  }
  EXPECT_EQ(*Distribution::geometric(1), Distribution::constant(0));
}

TEST(Distribution, Bernoulli) {
  for (double p : {0.5, 0.25, 0.9, 1e-6}) {
    Distribution table = *Distribution::bernoulli(p);
    checkMoments(table, p, p, 1e-12);
    EXPECT_EQ(table.sample(0), 0);
    EXPECT_EQ(table.sample(lastDraw), 1);
  }
  EXPECT_EQ(*Distribution::bernoulli(0), Distribution::constant(0));
  EXPECT_EQ(*Distribution::bernoulli(1), Distribution::constant(1));
}

TEST(Distribution, Empirical) {
  double values[] = {900, 100, 100, 5000}, weights[] = {1, 2, 4, 0};
  Distribution table = *Distribution::empirical(values, weights);
  checkShape(table);
  EXPECT_EQ(table.curve()->x, (std::vector<int64_t>{100, 900}));
  EXPECT_NEAR(below(table, 101), 6.0 / 7, 1e-15);
  EXPECT_NEAR(table.mean(), (600.0 + 900) / 7, 1e-9);
  double one[] = {42};
  EXPECT_EQ(*Distribution::empirical(one, {}), Distribution::constant(42));
  // A weight below the resolution of a draw.
  double tiny[] = {1e-30, 1, 1e-30};
  double three[] = {1, 2, 3};
  checkShape(*Distribution::empirical(three, tiny));
}

TEST(Distribution, Quantile) {
  Distribution table = Distribution::exponential(10000);
  EXPECT_EQ(table.quantile(0), 0);
  EXPECT_NEAR(double(table.quantile(0.5)), 10000 * std::log(2), 5);
  EXPECT_NEAR(double(table.quantile(0.95)), 10000 * std::log(20), 50);
}

/// The knots of a form's values, x an integer each: what a form would have
/// without a standard shape. `below(x)` is P(value <= x) of the form.
template <class Below>
Distribution direct(Below &&below, double from, double to, double step) {
  std::vector<uint64_t> u = {0};
  std::vector<int64_t> x = {int64_t(from) - 1};
  for (double at = from; at <= to; at += step) {
    int64_t k = int64_t(at);
    double part = below(double(k) - 0.5);
    if (k <= x.back() || part >= 1)
      continue;
    uint64_t draw = uint64_t(std::ldexp(part, 64));
    if (draw <= u.back())
      continue;
    u.push_back(draw);
    x.push_back(k);
  }
  return Distribution(std::make_shared<const Curve>(u, x, false));
}

void checkAgree(const Distribution &scaled, const Distribution &table) {
  EXPECT_FALSE(scaled.isIdentity());
  EXPECT_TRUE(table.isIdentity());
  EXPECT_NEAR(scaled.mean(), table.mean(), 1e-4 * table.mean());
  EXPECT_NEAR(scaled.secondMoment(), table.secondMoment(),
              1e-4 * table.secondMoment());
  for (double fraction : {0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.9999})
    EXPECT_NEAR(
        double(scaled.quantile(fraction)), double(table.quantile(fraction)),
        1e-4 * std::max(double(table.quantile(fraction)), table.mean()) + 1)
        << fraction;
}

// The scaled standard shapes against fine tables of integers.
TEST(Distribution, ScaledFormsAgreeWithTables) {
  for (double mean : {64.0, 12345.6, 5e6}) {
    SCOPED_TRACE(fmt::format("exponential {}", mean));
    checkAgree(Distribution::exponential(mean),
               direct([&](double x) { return -std::expm1(-x / mean); }, 1,
                      36 * mean, 0.004 * mean));
  }
  for (auto [mean, deviation] :
       {std::pair(20000.0, 64.0), std::pair(1500.0, 2000.0),
        std::pair(0.0, 1e6), std::pair(1e9, 1e8)}) {
    SCOPED_TRACE(fmt::format("normal {} {}", mean, deviation));
    checkAgree(
        *Distribution::normal(mean, deviation),
        direct([&](double x) { return normalBelow((x - mean) / deviation); },
               std::max(1.0, mean - 8 * deviation), mean + 8 * deviation,
               0.004 * deviation));
  }
  for (double mean : {40000.0, 3e8})
    for (double variation : {0.03, 0.4, 1.0, 3.0}) {
      SCOPED_TRACE(fmt::format("lognormal {} {}", mean, variation));
      double sigma = std::sqrt(std::log1p(variation * variation));
      double mu = std::log(mean) - sigma * sigma / 2;
      std::vector<uint64_t> u = {0};
      std::vector<int64_t> x = {0};
      for (double z = -8; z < 8; z += 0.004) {
        int64_t k = int64_t(std::exp(mu + sigma * z));
        // (Below 1 there is no logarithm.)
        if (k <= x.back())
          continue;
        double above =
            1 - normalBelow((std::log(double(k) - 0.5) - mu) / sigma);
        if (above >= 1 || above <= 1e-15)
          continue;
        uint64_t draw = lastDraw - uint64_t(std::ldexp(above, 64)) + 1;
        if (draw > u.back()) {
          u.push_back(draw);
          x.push_back(k);
        }
      }
      checkAgree(*Distribution::logNormal(mean, variation),
                 Distribution(std::make_shared<const Curve>(u, x, false)));
    }
  checkAgree(
      *Distribution::uniform(100.25, 5000.5),
      direct([&](double x) { return (x - 100.25) / 4900.25; }, 101, 5001, 1));
}

TEST(Distribution, ScalesAreExactWhereTheyShouldBe) {
  // Against 128-bit arithmetic by hand: 3.5 * x - 10, x in 2^-24.
  auto curve = std::make_shared<const Curve>(
      std::vector<uint64_t>{0, uint64_t(1) << 62, uint64_t(3) << 62},
      std::vector<int64_t>{-(1 << 24), 4 << 24, 100 << 24}, true);
  Distribution d(curve, uint64_t(3.5 * 65536), -10 * 65536);
  EXPECT_EQ(d.sample(0), 0); // -13.5
  EXPECT_EQ(d.sample(uint64_t(1) << 62), 4);
  EXPECT_EQ(d.sample(lastDraw), 340);
  EXPECT_EQ(d.meanQ16(), (4u * 2 + 340) * 65536 / 4);
  EXPECT_DOUBLE_EQ(d.mean(), 87);
  EXPECT_DOUBLE_EQ(d.secondMoment(), (16.0 * 2 + 340 * 340) / 4);
  // Halves are rounded up.
  EXPECT_EQ(Distribution(curve, 65536 / 8, 0).sample(uint64_t(1) << 62), 1);
  EXPECT_EQ(Distribution(curve, 65536 / 8 - 1, 0).sample(uint64_t(1) << 62), 0);
  // The ends of the range.
  EXPECT_TRUE(scaledFits(INT64_MAX, identityScale, 0));
  EXPECT_FALSE(scaledFits(INT64_MAX, identityScale, 65536));
  EXPECT_FALSE(scaledFits(INT64_MAX, maxScale, INT64_MAX));
  EXPECT_EQ(scaleDraw(INT64_MIN, maxScale, INT64_MIN), 0);
  EXPECT_EQ(scaleDraw(INT64_MAX, identityScale, 0), INT64_MAX);
}

TEST(Distribution, NormalShapeCutAtZero) {
  // Between two knots that lie on both sides of 0: half of the draws give 0.
  auto curve = std::make_shared<const Curve>(
      std::vector<uint64_t>{0, lastDraw},
      std::vector<int64_t>{-(int64_t(1) << 40), int64_t(1) << 40}, false);
  Distribution d(curve, identityScale, 65536 / 2);
  double top = std::ldexp(1, 40);
  EXPECT_NEAR(d.mean(), top / 4, top * 1e-11);
  EXPECT_NEAR(d.secondMoment(), top * top / 6, top * top * 1e-11);
  EXPECT_NEAR(double(d.meanQ16()) / 65536, top / 4, 2);
  EXPECT_EQ(d.sample(lastDraw / 3), 0);
}

TEST(Distribution, EqualShapesShareACurve) {
  EXPECT_EQ(Distribution::exponential(2000).curve(),
            Distribution::exponential(1e9).curve());
  EXPECT_EQ(Distribution::normal(9000, 2000)->curve(),
            Distribution::normal(0, 1e9)->curve());
  EXPECT_EQ(Distribution::uniform(0, 2000)->curve(),
            Distribution::uniform(77, 1e9)->curve());
  Distribution one = *Distribution::logNormal(12000, 0.4);
  EXPECT_EQ(one.curve(), Distribution::logNormal(99999, 0.4)->curve());
  EXPECT_NE(one.curve(), Distribution::logNormal(12000, 0.5)->curve());
  // A shape that nobody holds is built again, alike.
  Curve kept = *Distribution::logNormal(12000, 0.7)->curve();
  for (int i = 0; i < 200; ++i)
    ASSERT_TRUE(Distribution::logNormal(12000, 0.8 + 0.001 * i));
  EXPECT_EQ(kept, *Distribution::logNormal(12000, 0.7)->curve());

  fb::DistributionTableT table;
  for (double mean : {5000.0, 6000.0, 7000.0}) {
    addDistribution(table, *Distribution::logNormal(mean, 0.4));
    addDistribution(table, Distribution::exponential(mean));
    addDistribution(table, Distribution::constant(3));
  }
  EXPECT_EQ(table.curve, (std::vector<uint32_t>{0, 1, 2, 0, 1, 2, 0, 1, 2}));
  EXPECT_EQ(table.discrete.size(), 3u);
  EXPECT_EQ(table.scale[2], identityScale);
  EXPECT_EQ(table.scale[4], 6000u * 65536);
  EXPECT_EQ(table.shift[4], 0);
  EXPECT_EQ(table.shift[6], 7000 * 65536);
}

TEST(Distribution, TablesArePinned) {
  // The bytes of compiled programs rest on these.
  auto hash = [](const Distribution &table) {
    uint64_t result = 0xcbf29ce484222325;
    auto add = [&](uint64_t word) { result = (result ^ word) * 0x100000001b3; };
    for (size_t i = 0; i < table.curve()->u.size(); ++i) {
      add(table.curve()->u[i]);
      add(uint64_t(table.curve()->x[i]));
    }
    add(table.scale());
    add(uint64_t(table.shift()));
    return result;
  };
  EXPECT_EQ(hash(Distribution::exponential(10000)), 17777024296870905421u);
  EXPECT_EQ(hash(Distribution::exponential(50)), 7257726044065869031u);
  EXPECT_EQ(hash(*Distribution::normal(50000, 7000)), 5452471700862701182u);
  EXPECT_EQ(hash(*Distribution::normal(500, 50)), 9459051748471362667u);
  EXPECT_EQ(hash(*Distribution::logNormal(12000, 0.4)), 15192859208589054149u);
  EXPECT_EQ(hash(*Distribution::logNormal(100, 0.4)), 3957733892613490574u);
  EXPECT_EQ(hash(*Distribution::geometric(0.01)), 7452363627030203985u);
}

TEST(Distribution, TableRoundTrip) {
  fb::DistributionTableT table;
  EXPECT_EQ(addDistribution(table, Distribution::exponential(1000)), 0u);
  EXPECT_EQ(addDistribution(table, Distribution::constant(5)), 1u);
  Distribution scaled = *Distribution::normal(3000, 2000);
  EXPECT_EQ(addDistribution(table, scaled), 2u);
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(fb::DistributionTable::Pack(builder, &table));
  const auto *packed =
      flatbuffers::GetRoot<fb::DistributionTable>(builder.GetBufferPointer());
  EXPECT_EQ(Distribution::fromTable(*packed, 0),
            Distribution::exponential(1000));
  EXPECT_EQ(Distribution::fromTable(*packed, 1), Distribution::constant(5));
  EXPECT_EQ(Distribution::fromTable(*packed, 2), scaled);
  EXPECT_EQ(packed->mean_q16()->Get(1), 5u * 65536);
}

TEST(Distribution, BadParameters) {
  auto message = [](DistributionForm form, std::vector<double> parameters) {
    Expected<Distribution> result = Distribution::make(form, parameters);
    return result ? std::string("no error") : result.error().message;
  };
  using Form = DistributionForm;
  EXPECT_EQ(message(Form::Uniform, {1}),
            "a uniform distribution takes 2 parameters, not 1");
  EXPECT_EQ(message(Form::Exponential, {1, 2}),
            "an exponential distribution takes 1 parameter, not 2");
  EXPECT_EQ(message(Form::Constant, {-1}),
            "a constant distribution needs finite parameters that are not "
            "negative, found -1");
  EXPECT_EQ(message(Form::Normal, {std::nan(""), 1}),
            "a normal distribution needs finite parameters that are not "
            "negative, found nan");
  EXPECT_EQ(message(Form::Constant, {1e20}),
            "a constant distribution takes values up to 140737488355328, found "
            "1e+20");
  EXPECT_EQ(message(Form::Exponential, {1e20}),
            "an exponential distribution takes values up to 140737488355328, "
            "found 1e+20");
  EXPECT_EQ(message(Form::Normal, {1, 1e20}),
            "a normal distribution takes values up to 140737488355328, found "
            "1e+20");
  EXPECT_EQ(message(Form::Uniform, {3, 2}),
            "a uniform distribution needs a lower end that is not above the "
            "upper one, found 3 and 2");
  EXPECT_EQ(message(Form::Uniform, {3, 2e20}),
            "a uniform distribution takes values up to 140737488355328, found "
            "2e+20");
  EXPECT_EQ(message(Form::LogNormal, {0, 1}),
            "a lognormal distribution needs a mean above 0");
  EXPECT_EQ(message(Form::LogNormal, {5, 21}),
            "a lognormal distribution takes a coefficient of variation up to "
            "20, found 21");
  EXPECT_EQ(
      message(Form::LogNormal, {1e14, 19}),
      "a lognormal distribution with mean 100000000000000 and coefficient "
      "of variation 19 has values beyond 4e18; lower one of them");
  EXPECT_EQ(message(Form::Geometric, {0}),
            "a geometric distribution needs a probability above 0 and up to 1, "
            "found 0");
  EXPECT_EQ(message(Form::Geometric, {1e-20}),
            "a geometric distribution needs a probability of at least "
            "7.105427357601002e-15, found 1e-20");
  EXPECT_EQ(message(Form::Bernoulli, {1.5}),
            "a bernoulli distribution needs a probability from 0 to 1, found "
            "1.5");
  EXPECT_EQ(message(Form::Empirical, {}),
            "an empirical distribution needs at least one value and as many "
            "weights as values, found 0 numbers");
  EXPECT_EQ(message(Form::Empirical, {1, 2, 3}),
            "an empirical distribution needs at least one value and as many "
            "weights as values, found 3 numbers");
  EXPECT_EQ(message(Form::Empirical, {1, 0}),
            "the weights of an empirical distribution need a finite sum above "
            "0");
  EXPECT_EQ(
      message(Form::Empirical, {1e20, 1}),
      "an empirical distribution takes values up to 140737488355328, found "
      "1e+20");
  EXPECT_EQ(message(Form(77), {1}), "there is no distribution form 77");
}

} // namespace
