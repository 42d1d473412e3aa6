//===- BlameTest.cpp - What requests waited for, when a run settles -------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BusyProgram.h"

#include "Blame.h"
#include "SteadySeries.h"

#include "octo/Program/Philox.h"

#include <algorithm>
#include <map>

using namespace octo;
using namespace octo::test;

namespace {

uint64_t of(const BlameResult &blame, BlameCause cause) {
  return blame.cycles[unsigned(cause)];
}

struct Spans : TraceSink {
  std::map<uint64_t, std::vector<uint64_t>> cycles; ///< by request
  std::map<uint64_t, uint64_t> latency;
  void blame(const BlameSpan &span) override {
    cycles[span.request].assign(span.cycles.begin(), span.cycles.end());
    latency[span.request] = span.latency;
    EXPECT_LE(span.blockCycles, span.latency);
  }
};

/// Blocks that have their low bits in common, and come again.
TEST(Blame, PartsAreAddedUpByBlockAndCause) {
  Blame blame;
  uint32_t step = noIndex;
  uint64_t end = 0;
  std::map<std::pair<uint32_t, unsigned>, uint64_t> expected;
  for (uint32_t i = 0; i < 3000; ++i) {
    uint32_t block = i * 64 % 1088 + i % 3;
    BlamePart parts[] = {{BlameCause(i % numBlameCauses), i % 5},
                         {BlameCause(i * 7 % numBlameCauses), i}};
    for (const BlamePart &part : parts) {
      end += part.cycles;
      if (part.cycles)
        expected[{block, unsigned(part.cause)}] += part.cycles;
    }
    uint32_t next = blame.add(step, block, end, parts);
    blame.release(step);
    step = next;
  }
  expected[{noIndex, unsigned(BlameCause::Token)}] = 9;
  BlameOfRequest request;
  request.latency = end + 9;
  BlamePart tail[] = {{BlameCause::Token, 9}, {BlameCause::HostPort, 0}};
  EXPECT_TRUE(blame.account(request, step, tail));
  std::map<std::pair<uint32_t, unsigned>, uint64_t> seen;
  auto key = [](const auto &e) {
    return std::pair(e.block, unsigned(e.cause));
  };
  for (const BlameOfRequest::Entry &entry : request.entries)
    seen[key(entry)] += entry.cycles;
  EXPECT_EQ(seen, expected);
  EXPECT_EQ(request.entries.size(), expected.size());
  EXPECT_TRUE(std::ranges::is_sorted(request.entries, {}, key));
  blame.release(step);
  EXPECT_EQ(blame.numLive(), 0u);
}

/// Parts of more than 32 bits, from the first on or later.
TEST(Blame, PartsMayBeLong) {
  constexpr uint64_t big = uint64_t(5) << 32;
  Blame blame;
  BlamePart parts[] = {{BlameCause::Queue, 3}, {BlameCause::Compute, 0}};
  uint32_t a = blame.add(noIndex, 1, 3, parts);
  blame.addCycles(blame[a], 1, 7);
  uint32_t b = blame.copy(a);
  blame.addCycles(blame[a], 1, big);
  uint32_t c = blame.copy(a);
  blame.addCycles(blame[a], 0, 1);
  EXPECT_EQ(blame.cyclesOf(blame[a], 0), 4u);
  EXPECT_EQ(blame.cyclesOf(blame[a], 1), big + 7);
  EXPECT_EQ(blame.cyclesOf(blame[b], 1), 7u);
  EXPECT_EQ(blame.cyclesOf(blame[c], 0), 3u);
  EXPECT_EQ(blame.cyclesOf(blame[c], 1), big + 7);
  blame.setCycles(blame[c], 1, 2);
  EXPECT_EQ(blame.cyclesOf(blame[c], 1), 2u);
  BlamePart late[] = {{BlameCause::Join, big}, {BlameCause::Token, 1}};
  uint32_t d = blame.add(a, 2, 0, late);
  BlameOfRequest request;
  request.latency = 2 * big + 4 + 7 + 1;
  EXPECT_TRUE(blame.account(request, d, {}));
  EXPECT_EQ(request.cycles[unsigned(BlameCause::Join)], big);
  EXPECT_EQ(request.cycles[unsigned(BlameCause::Compute)], big + 7);
  for (uint32_t step : {a, b, c, d})
    blame.release(step);
  EXPECT_EQ(blame.numLive(), 0u);
}

/// One PEA, three requests at once: each waits for those before it.
TEST(Blame, AQueueIsBlamed) {
  TestProgram p(1, 1, 1, 1);
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  p.task(p.body, "main/a", kernel, 100, {import(0)});
  p.body.yields = {output(0)};
  SimulationOptions options;
  options.policy = "static";
  options.timingOnly = true;
  options.scenario.requests = 3;
  Tenant tenant;
  tenant.arrivals.inFlight = 3;
  options.scenario.tenants.push_back(tenant);
  Spans spans;
  auto r = simulate(p.build(), options, nullptr, &spans);
  ASSERT_TRUE(r);
  checkRun(*r);
  EXPECT_EQ(of(r->blame, BlameCause::Compute), 300u);
  EXPECT_EQ(of(r->blame, BlameCause::Queue), 0u + 100 + 200);
  EXPECT_EQ(r->blame.requests, 3u);
  ASSERT_EQ(r->blame.blocks.size(), 1u);
  EXPECT_EQ(r->blame.blocks[0].total(), 600u);
  // The first one of three has others beside it.
  EXPECT_EQ(r->tenants[0].firstLatency, 100u);
  EXPECT_EQ(r->tenants[0].aloneLatency.count, 0u);
  // The slowest one of three is the last.
  EXPECT_EQ(r->blame.slowestRequests, 1u);
  EXPECT_EQ(r->blame.slowestCycles[unsigned(BlameCause::Queue)], 200u);
  EXPECT_EQ(spans.cycles[1][unsigned(BlameCause::Queue)], 100u);
}

/// Requests at 0, 500, 550 and 1,000: the first and the last are alone. With
/// two of warm-up only the last one counts.
TEST(Blame, RequestsThatAreAlone) {
  TestProgram p(1, 1, 1, 1);
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  p.task(p.body, "main/a", kernel, 100, {import(0)});
  p.body.yields = {output(0)};
  const fb::Program &program = p.build();
  SimulationOptions options;
  options.policy = "static";
  options.timingOnly = true;
  Tenant tenant;
  tenant.arrivals.kind = Arrivals::Kind::Trace;
  tenant.arrivals.trace = {0, 500, 550, 1000};
  tenant.requests = 4;
  options.scenario.tenants.push_back(tenant);
  options.scenario.requests = 4;
  auto r = simulate(program, options);
  ASSERT_TRUE(r) << r.error().str();
  EXPECT_EQ(r->tenants[0].firstLatency, 100u);
  EXPECT_EQ(r->tenants[0].aloneLatency.count, 2u);
  EXPECT_EQ(r->tenants[0].aloneLatency.mean, 100.0);
  EXPECT_EQ(r->tenants[0].aloneLatency.max, 100u);
  options.scenario.warmUpRequests = 2;
  r = simulate(program, options);
  ASSERT_TRUE(r) << r.error().str();
  EXPECT_EQ(r->tenants[0].firstLatency, 100u);
  EXPECT_EQ(r->tenants[0].aloneLatency.count, 1u);

  // One after the other, all are.
  options.scenario.warmUpRequests = 0;
  options.scenario.tenants[0].arrivals = Arrivals();
  r = simulate(program, options);
  ASSERT_TRUE(r) << r.error().str();
  EXPECT_EQ(r->tenants[0].aloneLatency.count, 4u);

  // Another tenant's request is beside the second and the third.
  options.scenario.tenants[0].arrivals = tenant.arrivals;
  options.scenario.tenants.push_back(tenant);
  options.scenario.tenants[1].arrivals.trace = {560};
  options.scenario.tenants[1].requests = 1;
  options.scenario.requests = 5;
  r = simulate(program, options);
  ASSERT_TRUE(r) << r.error().str();
  EXPECT_EQ(r->tenants[0].aloneLatency.count, 2u);
  EXPECT_EQ(r->tenants[1].aloneLatency.count, 0u);
  EXPECT_GT(r->tenants[1].firstLatency, 200u);
}

/// Of two branches the longer one is blamed, however short its own message.
TEST(Blame, TheLastInputIsBlamed) {
  TestProgram p(2, 1, 1, 2);
  p.machine().hop_cycles = 5;
  p.machine().link_bytes_per_cycle = 8;
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  p.task(p.body, "main/short", kernel, 100, {import(0)}, 800).replicas = {
      TestProgram::replica(1, 0, 0, 1)};
  p.task(p.body, "main/long", kernel, 400, {import(0)}, 80).replicas = {
      TestProgram::replica(0, 0, 1, 1)};
  p.task(p.body, "main/both", kernel, 50, {output(0), output(1)}).replicas = {
      TestProgram::replica(0, 0, 0, 1)};
  p.body.yields = {output(2)};
  RunResult r = run(p);
  EXPECT_EQ(of(r.blame, BlameCause::Compute), 450u);
  std::set<uint32_t> blocks;
  for (const BlameOfBlock &block : r.blame.blocks)
    if (block.cycles[unsigned(BlameCause::Compute)])
      blocks.insert(block.block);
  EXPECT_EQ(blocks, (std::set<uint32_t>{1, 2}));
}

/// A loop that may have one iteration at a time: its decisions are on the way.
TEST(Blame, DecisionsAreBlamed) {
  TestProgram p;
  p.machine().cb_decision_cycles = 7;
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.data, 8);
  BlockSpec &loop = p.body.add(fb::BlockKind::Loop, "main/l");
  loop.inputs = {import(0)};
  loop.outputs = {p.data};
  loop.outputBytes = {8};
  loop.profile = p.profile(Distribution::constant(4));
  loop.replicas = {TestProgram::replica(0, 0, 0, 0)};
  RegionSpec &after = loop.region(fb::RegionRole::After);
  after.addImport(0, p.data, 8);
  p.task(after, "main/l/step", kernel, 100, {import(0)}, 8);
  after.yields = {output(0)};
  p.body.yields = {output(0)};
  RunResult r = run(p);
  EXPECT_EQ(of(r.blame, BlameCause::Compute), 400u);
  // Five decisions; those that say to go on may be made before the value comes.
  EXPECT_GE(of(r.blame, BlameCause::Decision), 7u);
  EXPECT_LE(of(r.blame, BlameCause::Decision), 35u);
}

/// With everything on, and whatever the policy, the parts add up; checkRun has
/// compared the sums.
TEST(Blame, AddsUpForEveryRequest) {
  for (const char *policy : {"static", "pool", "octopus"}) {
    TestProgram p(2, 2, 2, 4);
    buildBusy(p);
    SimulationOptions options = busyOptions(policy);
    options.scenario.warmUpRequests = 20;
    Spans spans;
    auto r = simulate(p.build(), options, nullptr, &spans);
    ASSERT_TRUE(r);
    checkRun(*r);
    EXPECT_EQ(r->blame.requests, 180u);
    ASSERT_EQ(spans.latency.size(), 180u);
    for (const auto &[request, cycles] : spans.cycles)
      EXPECT_EQ(std::accumulate(cycles.begin(), cycles.end(), uint64_t(0)),
                spans.latency[request]);
    EXPECT_EQ(r->blame.slowestRequests, 2u);
    for (BlameCause cause : {BlameCause::Compute, BlameCause::Decision,
                             BlameCause::HostPort, BlameCause::Join})
      EXPECT_GT(of(r->blame, cause), 0u) << stringifyBlameCause(cause);
  }
}

/// A chain over PEAs of their own: the third one is idle because the second one
/// was, the fourth because of both.
TEST(IdleDepth, FollowsProducers) {
  TestProgram p(1, 1, 1, 4);
  p.machine().config_bytes_per_cycle = 1;
  uint32_t kernel = p.profiledKernel(50);
  p.body.addImport(0, p.token);
  for (uint16_t i = 0; i < 4; ++i)
    p.task(p.body, "main/" + std::to_string(i), kernel, 1000,
           {i ? output(i - 1) : import(0)})
        .replicas = {TestProgram::replica(0, 0, i, 1)};
  p.body.yields = {output(3)};
  RunResult r = run(p);
  EXPECT_EQ(r.idleDepth.intervals, 2u);
  EXPECT_EQ(r.idleDepth.sum, 3u);
  EXPECT_EQ(r.idleDepth.max, 2u);
  EXPECT_EQ(r.idleDepth.histogram[0], 1u);
  EXPECT_EQ(r.idleDepth.histogram[1], 1u);
}

//===----------------------------------------------------------------------===//
// Warm-up
//===----------------------------------------------------------------------===//

/// Uniform in [0, 1), the same on every machine.
double noise(uint64_t seed, uint64_t i) {
  return double(philox64(seed, i, 0) >> 11) * 0x1p-53;
}

TEST(SteadySeries, CutsTheRampOff) {
  // Latencies climb over the first 1,000 requests, then stay at 1,000 +- 50.
  SteadySeries series;
  for (uint64_t i = 0; i < 10000; ++i)
    series.add(
        uint64_t(double(std::min<uint64_t>(i, 1000)) + 100 * noise(1, i)),
        (i + 1) * 50);
  SteadyState s = series.summary();
  EXPECT_TRUE(s.reached);
  EXPECT_GE(s.truncatedRequests, 900u);
  EXPECT_LE(s.truncatedRequests, 1200u);
  EXPECT_EQ(s.truncatedRequests + s.requests, 10000u);
  EXPECT_EQ(s.fromCycle, s.truncatedRequests * 50);
  EXPECT_NEAR(s.latencyMean, 1049.5, 3 * s.latencyHalfWidth + 0.5);
  EXPECT_NEAR(s.throughput, 20000, 1e-6);
  EXPECT_NEAR(s.throughputHalfWidth, 0, 1e-6);
}

TEST(SteadySeries, IntervalsCoverTheMean) {
  // 95 % intervals of independent values: of 200 about 10 miss.
  unsigned missed = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SteadySeries series;
    uint64_t at = 0;
    for (uint64_t i = 0; i < 2000; ++i) {
      at += uint64_t(100 * noise(seed, 2 * i)) + 1;
      series.add(uint64_t(1000 * noise(seed, 2 * i + 1)), at);
    }
    SteadyState s = series.summary();
    missed += std::abs(s.latencyMean - 499.5) > s.latencyHalfWidth;
  }
  EXPECT_LE(missed, 24u);
}

TEST(SteadySeries, ShortOrUnsettledRunsSaySo) {
  SteadySeries few;
  for (uint64_t i = 0; i < 199; ++i)
    few.add(100, i);
  EXPECT_FALSE(few.summary().reached);
  EXPECT_EQ(few.summary().requests, 199u);
  // A queue that grows for ever does not settle.
  SteadySeries growing;
  for (uint64_t i = 0; i < 5000; ++i)
    growing.add(i, i);
  EXPECT_FALSE(growing.summary().reached);
  // Longer ones have longer batches.
  SteadySeries many;
  for (uint64_t i = 0; i < 100000; ++i)
    many.add(100 + i % 2, i);
  SteadyState s = many.summary();
  EXPECT_TRUE(s.reached);
  EXPECT_EQ(s.truncatedRequests, 0u);
  EXPECT_NEAR(s.latencyMean, 100.5, 1e-9);
}

} // namespace
