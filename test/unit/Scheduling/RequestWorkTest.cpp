//===- RequestWorkTest.cpp - Moments and tails of a request's work --------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Moments against the weighted list of all outcomes, tails against known
// quantiles of the gamma distribution.
//
//===----------------------------------------------------------------------===//

#include "TestProblem.h"

#include "octo/Scheduling/RequestWork.h"

#include <gtest/gtest.h>

#include <utility>

using namespace octo::sched;

namespace {

constexpr uint64_t one = 65536;

/// Values with their probabilities.
using Outcomes = std::vector<std::pair<double, double>>;

Outcomes sumOf(const Outcomes &a, const Outcomes &b) {
  Outcomes sum;
  for (auto [x, p] : a)
    for (auto [y, q] : b)
      sum.emplace_back(x + y, p * q);
  return sum;
}

Outcomes mixOf(const std::vector<std::pair<double, Outcomes>> &parts) {
  Outcomes mix;
  for (const auto &[p, part] : parts)
    for (auto [x, q] : part)
      mix.emplace_back(x, p * q);
  return mix;
}

/// `tolerance`, of the second moment, is for thirds in 1/65536.
void expectMoments(const WorkMoments &found, const Outcomes &outcomes,
                   double tolerance = 1e-12) {
  double all = 0, mean = 0, square = 0;
  for (auto [x, p] : outcomes)
    all += p, mean += p * x, square += p * x * x;
  EXPECT_NEAR(all, 1, 1e-12);
  EXPECT_NEAR(found.mean, mean, mean * 1e-12);
  EXPECT_NEAR(found.variance, square - mean * mean, square * tolerance);
}

/// A task that takes 50 or 150 cycles, evenly.
const Outcomes coin = {{50, 0.5}, {150, 0.5}};
void addCoin(TestProblem &p, uint32_t region) {
  p.cyclesVariationQ16[p.add("coin", 100, 0, region)] = one / 4;
}

/// One more region of the control block that was added last.
void addRegion(TestProblem &p, uint64_t rateQ16, bool exclusive) {
  p.regionOwner.push_back(p.regionOwner.back());
  p.regionRateQ16.push_back(rateQ16);
  p.regionVariationQ16.push_back(0);
  p.regionSerial.push_back(bool(p.regionSerial.back()));
  p.regionCopied.push_back(false);
  p.regionExclusive.push_back(exclusive);
}

/// Two regions that run with probability 1/4 and 3/4: the coin twice, and a
/// constant of 400.
TestProblem choice(bool exclusive) {
  TestProblem p;
  addCoin(p, 0);
  p.addControl("choice", one / 4, false);
  p.regionExclusive.back() = exclusive;
  addRegion(p, 3 * one / 4, exclusive);
  p.regionVariationQ16[1] = 3 * one;
  p.regionVariationQ16[2] = one / 3;
  addCoin(p, 1);
  addCoin(p, 1);
  p.add("constant", 400, 0, 2);
  EXPECT_TRUE(checkProblem(p));
  return p;
}

TEST(RequestWork, OfTwoCasesOneRuns) {
  expectMoments(
      requestWork(choice(true)),
      sumOf(coin, mixOf({{0.25, sumOf(coin, coin)}, {0.75, {{400, 1}}}})));
}

TEST(RequestWork, MembersRunIndependently) {
  const Outcomes none = {{0, 1}};
  expectMoments(
      requestWork(choice(false)),
      sumOf(coin, sumOf(mixOf({{0.25, sumOf(coin, coin)}, {0.75, none}}),
                        mixOf({{0.75, {{400, 1}}}, {0.25, none}}))),
      1e-5);
}

TEST(RequestWork, HalvesOfALoopShareItsTrips) {
  // 1 or 3 trips, evenly: mean 2, variance 1. `before` runs once more.
  TestProblem p;
  p.addControl("loop", 3 * one, true);
  addRegion(p, 2 * one, false);
  p.regionVariationQ16[1] = one / 9;
  p.regionVariationQ16[2] = one / 4;
  addCoin(p, 1);
  p.add("after", 90, 0, 2);
  ASSERT_TRUE(checkProblem(p));
  const Outcomes trip = sumOf(coin, {{90, 1}});
  expectMoments(
      requestWork(p),
      sumOf(coin, mixOf({{0.5, trip}, {0.5, sumOf(trip, sumOf(trip, trip))}})),
      1e-5);
}

TEST(RequestWork, CopiesOfAFanOutInALoop) {
  // Nested random sums: 1 or 3 trips of 1 or 3 copies of the coin.
  TestProblem p;
  p.addControl("loop", 2 * one, true);
  p.regionVariationQ16[1] = one / 4;
  p.addControl("fan-out", 2 * one, false, 1);
  p.regionVariationQ16[2] = one / 4;
  addCoin(p, 2);
  ASSERT_TRUE(checkProblem(p));
  const Outcomes copies =
      mixOf({{0.5, coin}, {0.5, sumOf(coin, sumOf(coin, coin))}});
  expectMoments(
      requestWork(p),
      mixOf({{0.5, copies}, {0.5, sumOf(copies, sumOf(copies, copies))}}));
}

TEST(RequestWork, TailsAreThoseOfGamma) {
  // Quantiles of the gamma distribution of mean 1, by variance.
  const double exact[][3] = {
      {0.1, 95, 1.571}, {0.1, 99, 1.878},   {1, 90, 2.303}, {1, 99, 4.605},
      {2, 95, 3.841},   {2, 99, 6.635},     {4, 99, 9.736}, {4, 50, 0.175},
      {20, 99, 21.753}, {10, 99.9, 33.637},
  };
  for (auto [variance, percent, wanted] : exact)
    EXPECT_NEAR(double(workTail({1e6, variance * 1e12}, 1, percent)),
                wanted * 1e6, variance < 1 ? 2000 : 600)
        << variance << " " << percent;
  // The exponential distribution in closed form: ln(10^6).
  EXPECT_NEAR(double(workTail({1e9, 1e18}, 1, 99.9999)), 13.815510558e9, 1e5);
  EXPECT_EQ(workTail({1000, 0}, 1, 99), 1000u);
  EXPECT_EQ(workTail({0, 0}, 0, 99), 0u);
}

TEST(RequestWork, ManyTailsAreThoseOfEach) {
  WorkTails tailOf(95);
  for (int round = 0; round < 2; ++round)
    for (double variance : {0.0, 0.2, 1.0, 3.0})
      for (double runs : {0.02, 0.5, 1.0, 7.0}) {
        const WorkMoments work = {1e6, variance * 1e12};
        EXPECT_EQ(tailOf(work, runs), workTail(work, runs, 95))
            << variance << " " << runs;
      }
}

TEST(RequestWork, WhatRarelyRuns) {
  // 1000 cycles in one of ten requests: nothing in 89 %, then 1000.
  const WorkMoments rare = {100, 0.1 * 0.9 * 1000 * 1000};
  EXPECT_EQ(workTail(rare, 0.1, 89), 0u);
  EXPECT_EQ(workTail(rare, 0.1, 95), 1000u);
  EXPECT_EQ(workTail(rare, 0.1, 99), 1000u);
  // Exponential in one of ten: 99 % of all is 90 % of those.
  EXPECT_NEAR(double(workTail({100, 0.1 * 2e6 - 1e4}, 0.1, 99)), 2303, 25);
}

TEST(RequestWork, TailsGrow) {
  uint64_t last = 0;
  for (double percent : {50.0, 75.0, 90.0, 99.0, 99.9, 99.9999}) {
    const uint64_t tail = workTail({1e6, 1e12}, 1, percent);
    EXPECT_GT(tail, last);
    last = tail;
  }
}

} // namespace
