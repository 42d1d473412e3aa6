//===- RequestPathTest.cpp - Critical paths of requests -------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Against closed forms. python/tests/test_request_work.py compares with
// simulated requests.
//
//===----------------------------------------------------------------------===//

#include "octo/Scheduling/RequestPath.h"

#include "TestProblem.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace octo;
using namespace octo::sched;

namespace {

constexpr uint64_t one = 65536;

/// A workflow with all of its blocks on PEAs of their own, or with as many
/// replicas, on a machine without overhead.
struct Workflow : TestProblem {
  RequestModel model;
  /// First PEA and PEAs of each block; empty: each replica has its own.
  std::vector<std::pair<uint16_t, uint16_t>> peas;

  void draws(uint32_t block, Distribution distribution) {
    model.ofBlock.resize(numBlocks(), none);
    model.ofBlock[block] = uint32_t(model.distributions.size());
    model.distributions.push_back(std::move(distribution));
  }
  uint32_t region(uint64_t rateQ16, bool exclusive = false) {
    regionOwner.push_back(regionOwner.back());
    regionRateQ16.push_back(rateQ16);
    regionVariationQ16.push_back(0);
    regionSerial.push_back(bool(regionSerial.back()));
    regionCopied.push_back(bool(regionCopied.back()));
    regionExclusive.push_back(exclusive);
    regionExclusive[regionExclusive.size() - 2] = exclusive;
    return numRegions() - 1;
  }
  /// What the owner of the block's region, or the host port, waits for.
  void yields(uint32_t block) {
    flows.push_back({block, regionOwner[TestProblem::region[block]], 0});
  }
  std::optional<RequestPath> path(const PathOptions &options = {},
                                  uint32_t replicas = 1) {
    model.ofBlock.resize(numBlocks(), none);
    EXPECT_TRUE(checkProblem(*this));
    const Topology topology(plainTarget(1, 1, 1, 1));
    Placement placement;
    for (uint32_t b = 0; b < numBlocks(); ++b) {
      const bool task = isTask(b);
      for (uint32_t i = 0; i < (task ? replicas : 1); ++i)
        placement.replicas.push_back(
            {0, 0,
             peas.empty() ? uint16_t(placement.replicas.size()) : peas[b].first,
             peas.empty() ? uint16_t(task) : peas[b].second, task, one / 64});
      placement.offsets.push_back(uint32_t(placement.replicas.size()));
      placement.routing.push_back(Routing::ByCopy);
    }
    return requestPath(*this, model, topology, placement, options);
  }
};

TEST(RequestPath, WhatDoesNotVaryIsExact) {
  // 100, then 30 beside 50, then 7; what nobody waits for does not count.
  Workflow w;
  const uint32_t first = w.add("first", 100), shorter = w.add("shorter", 30),
                 longer = w.add("longer", 50), last = w.add("last", 7);
  w.add("aside", 100000);
  for (uint32_t middle : {shorter, longer}) {
    w.addEdge(first, middle);
    w.addEdge(middle, last);
  }
  w.yields(last);
  const std::optional<RequestPath> found = w.path();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->samples, 1u);
  EXPECT_EQ(found->cycles.mean, 157);
  EXPECT_EQ(found->cycles.variance, 0);
  EXPECT_EQ(found->tail, 157u);
}

TEST(RequestPath, AStreamOverlaps) {
  Workflow w;
  const uint32_t from = w.add("from", 100), to = w.add("to", 60);
  w.addEdge(from, to);
  w.edges.back().chunks = 4;
  w.yields(to);
  // The last chunk, at 100, is for the last quarter of 60.
  EXPECT_EQ(w.path()->cycles.mean, 115);
}

TEST(RequestPath, TheLongerOfTwo) {
  // Of two exponential times of mean m: 1.5 m, variance 1.25 m^2, and 99 %
  // within -ln(1 - sqrt(0.99)) m.
  Workflow w;
  const uint32_t join = 2;
  for (uint32_t b : {w.add("a", 1000), w.add("b", 1000)})
    w.draws(b, Distribution::exponential(1000));
  w.add("join", 1);
  w.addEdge(0, join);
  w.addEdge(1, join);
  w.yields(join);
  const std::optional<RequestPath> found = w.path({.mostSamples = 1u << 17});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->samples, 1u << 17);
  EXPECT_NEAR(found->cycles.mean, 1501, 15);
  EXPECT_NEAR(found->cycles.variance, 1.25e6, 5e4);
  EXPECT_NEAR(double(found->tail), -1000 * std::log(1 - std::sqrt(0.99)), 150);
}

TEST(RequestPath, ACaseOrItsSibling) {
  Workflow w;
  const uint32_t control = w.addControl("choice", one / 4, false);
  const uint32_t other = w.region(3 * one / 4, true);
  w.yields(w.add("rare", 1000, 0, 1));
  w.yields(w.add("usual", 200, 0, other));
  w.yields(control);
  const std::optional<RequestPath> found = w.path();
  ASSERT_TRUE(found);
  // The decision takes 10.
  EXPECT_NEAR(found->cycles.mean, 410, 25);
  EXPECT_NEAR(std::sqrt(found->cycles.variance), 800 * std::sqrt(3.0 / 16), 12);
  EXPECT_EQ(found->tail, 1010u);
}

TEST(RequestPath, TheLongestOfTheMembersThatRun) {
  Workflow w;
  const uint32_t control = w.addControl("ask", one / 2, false);
  const uint32_t other = w.region(one / 2);
  w.yields(w.add("long", 1000, 0, 1));
  w.yields(w.add("short", 200, 0, other));
  w.yields(control);
  // 10, and 1000 in half of the requests, 200 in a quarter.
  EXPECT_NEAR(w.path()->cycles.mean, 560, 30);
}

TEST(RequestPath, TripsFollowOneAnother) {
  // Decisions of 10 around and after trips of 90, 9 in the mean.
  Workflow w;
  const uint32_t loop = w.addControl("loop", 9 * one, true);
  w.yields(w.add("body", 90, 0, 1));
  w.draws(loop, *Distribution::geometric(0.1));
  w.yields(loop);
  const std::optional<RequestPath> found = w.path();
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->cycles.mean, 910, 45);
  EXPECT_NEAR(std::sqrt(found->cycles.variance), 100 * std::sqrt(90.0), 60);
  // 43 trips are passed by 0.9^44 = 0.0097.
  EXPECT_NEAR(double(found->tail), 4310, 600);
}

TEST(RequestPath, BothHalvesOfALoop) {
  Workflow w;
  const uint32_t loop = w.addControl("loop", 4 * one, true);
  const uint32_t after = w.region(3 * one);
  w.yields(w.add("before", 100, 0, 1));
  w.yields(w.add("after", 7, 0, after));
  w.draws(loop, Distribution::constant(3));
  w.yields(loop);
  EXPECT_EQ(w.path()->cycles.mean, 4 * 110 + 3 * 7);
}

TEST(RequestPath, CopiesTakeTurns) {
  // Seven copies of 100 on one replica, and on three.
  Workflow w;
  const uint32_t control = w.addControl("copies", 7 * one, false);
  w.regionCopied[1] = true;
  w.yields(w.add("copy", 100, 0, 1));
  w.draws(control, Distribution::constant(7));
  w.yields(control);
  EXPECT_EQ(w.path({}, 1)->cycles.mean, 710);
  EXPECT_EQ(w.path({}, 3)->cycles.mean, 310);
  EXPECT_EQ(w.path({}, 7)->cycles.mean, 110);
}

TEST(RequestPath, BlocksWaitForPeasOfOneAnother) {
  // The first and the second share PEA 1, the second and the third PEA 2.
  Workflow w;
  w.peas = {{0, 2}, {1, 2}, {2, 1}, {0, 1}};
  for (uint64_t time : {100, 50, 90, 20})
    w.yields(w.add("t", time));
  // 100, then 50; the third fits before it, and the fourth waits for the first.
  EXPECT_EQ(w.path()->cycles.mean, 150);
  // Now it does not fit, and comes after.
  w.cycles[2] = 101;
  EXPECT_EQ(w.path()->cycles.mean, 251);
  w.peas[2] = {3, 1};
  EXPECT_EQ(w.path()->cycles.mean, 150);
}

TEST(RequestPath, ATimetableGivesTheOrder) {
  // One PEA: by number the first one would come first and delay what follows
  // the second.
  Workflow w;
  const uint32_t first = w.add("first", 100), second = w.add("second", 10),
                 last = w.add("last", 200);
  w.peas = {{0, 1}, {0, 1}, {1, 1}};
  w.addEdge(second, last);
  w.yields(first);
  w.yields(last);
  EXPECT_EQ(w.path()->cycles.mean, 310);
  w.model.slotStart = {10, 0, 10};
  EXPECT_EQ(w.path()->cycles.mean, 210);
  // Copies with slots take turns at one replica.
  Workflow copied;
  const uint32_t control = copied.addControl("copies", 7 * one, false);
  copied.regionCopied[1] = true;
  copied.yields(copied.add("copy", 100, 0, 1));
  copied.draws(control, Distribution::constant(7));
  copied.yields(control);
  copied.model.slotStart = {RequestModel::noSlot, 0};
  EXPECT_EQ(copied.path({}, 3)->cycles.mean, 710);
}

TEST(RequestPath, SameSeedSameRequests) {
  Workflow w;
  const uint32_t task = w.add("task", 1000);
  w.draws(task, Distribution::exponential(1000));
  w.yields(task);
  const RequestPath first = *w.path(), again = *w.path();
  EXPECT_EQ(first.cycles.mean, again.cycles.mean);
  EXPECT_EQ(first.tail, again.tail);
  EXPECT_NE(first.cycles.mean, w.path({.seed = 2})->cycles.mean);
}

TEST(RequestPath, NothingOfRequestsThatAreTooLarge) {
  Workflow w;
  const uint32_t loop = w.addControl("loop", uint64_t(1) << 40, true);
  w.yields(w.add("body", 90, 0, 1));
  w.draws(loop, Distribution::exponential(1u << 24));
  w.yields(loop);
  EXPECT_FALSE(w.path());
  // Nor of those that turn out to be: a rare case of very many trips.
  w.regionRateQ16[1] = one;
  EXPECT_FALSE(w.path());
}

TEST(RequestPath, TailsBeyondWhatWasDrawn) {
  // Of an exponential distribution, drawn at the middles of equal parts.
  for (uint32_t n : {16u, 64u, 1024u, 4096u}) {
    std::vector<uint64_t> drawn;
    for (uint32_t i = 0; i < n; ++i)
      drawn.push_back(uint64_t(-1e6 * std::log((i + 0.5) / n))); // falling
    for (double percent : {50.0, 90.0, 99.0, 99.9, 99.9999})
      EXPECT_NEAR(double(sampleTail(drawn, percent)),
                  -1e6 * std::log(1 - percent / 100), n == 16 ? 4e5 : 2e5)
          << n << " " << percent;
  }
  EXPECT_EQ(sampleTail({5}, 99), 5u);
  EXPECT_EQ(sampleTail({5, 5, 5}, 99.9), 5u);
}

} // namespace
