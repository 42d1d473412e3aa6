//===- ControlTest.cpp - Switches, selects, loops, fan-outs  ===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestRun.h"

using namespace octo;
using namespace octo::test;

namespace {

constexpr uint64_t one32 = uint64_t(1) << 32;

/// One request of a chain of 300 cycles, one that waits for it: within a limit
/// of 599 cycles the first is in time, within five times their chains both are.
TEST(Control, RequestsAreInTime) {
  for (uint64_t slo : {0, 299, 300, 599, 600}) {
    TestProgram p(1, 1, 1, 1);
    uint32_t kernel = p.profiledKernel();
    p.body.addImport(0, p.token);
    p.task(p.body, "main/a", kernel, 100, {import(0)});
    p.task(p.body, "main/b", kernel, 200, {output(0)});
    p.body.yields = {output(1)};
    SimulationOptions options = closedLoop("static", 2, 2);
    options.scenario.sloCycles = slo;
    RunResult r = run(p.build(), options);
    ASSERT_EQ(r.latency.max, 600u);
    EXPECT_EQ(r.requestsInTime, slo == 0 || slo == 600 ? 2u : slo >= 300);
    EXPECT_DOUBLE_EQ(r.goodputRequestsPerMegacycle,
                     double(r.requestsInTime) * 1e6 / 600);
  }
}

TEST(Control, SwitchTakesOneCase) {
  for (uint64_t first : {uint64_t(0), one32}) {
    TestProgram p;
    p.machine().cb_decision_cycles = 9;
    uint32_t kernel = p.profiledKernel();
    p.body.addImport(0, p.token);
    BlockSpec &s = p.body.add(fb::BlockKind::Switch, "main/s");
    s.inputs = {import(0), import(0)};
    s.decideInputs = 1;
    s.outputs = {p.token};
    s.profile = p.frequencies({first, one32 - first});
    for (int c = 0; c < 2; ++c) {
      RegionSpec &region = s.region(fb::RegionRole::Case);
      region.addImport(1, p.token);
      p.task(region, "main/s/" + std::to_string(c), kernel, c ? 500 : 100,
             {import(0)});
      region.yields = {output(0)};
    }
    p.task(p.body, "main/end", kernel, 10, {output(0)});
    p.body.yields = {output(1)};
    RunResult r = run(p);
    EXPECT_EQ(r.makespanCycles, 9u + (first ? 100 : 500) + 10);
    EXPECT_EQ(r.lowerBound.path, r.makespanCycles);
    EXPECT_EQ(r.outcomesOf(r.blocks[0])[0], first ? 1u : 0u);
    EXPECT_EQ(r.outcomesOf(r.blocks[0])[1], first ? 0u : 1u);
  }
}

/// A slow capture does not hold up the parts of the case that do not need it.
TEST(Control, CapturesDoNotDelayTheDecision) {
  TestProgram p(1, 1, 2, 1);
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  p.task(p.body, "main/slow", kernel, 1000, {import(0)}).replicas = {
      TestProgram::replica(0, 1, 0, 1)};
  BlockSpec &s = p.body.add(fb::BlockKind::Switch, "main/s");
  s.inputs = {import(0), output(0), import(0)};
  s.decideInputs = 1;
  s.outputs = {p.token, p.token};
  s.profile = p.frequencies({one32});
  RegionSpec &region = s.region(fb::RegionRole::Case);
  region.addImport(1, p.token);
  region.addImport(2, p.token);
  p.task(region, "main/s/fast", kernel, 300, {import(1)});
  p.task(region, "main/s/late", kernel, 10, {output(0), import(0)});
  region.yields = {output(0), output(1)};
  // Takes the fast output alone.
  p.task(p.body, "main/after", kernel, 100, {output(1, 0)});
  p.body.yields = {output(1, 1), output(2)};
  RunResult r = run(p);
  EXPECT_EQ(r.makespanCycles, 1010u);
  EXPECT_EQ(r.blocks[3].waitCycles, 0u);
}

TEST(Control, SelectJoinsTakenMembers) {
  for (int mask = 0; mask < 4; ++mask) {
    TestProgram p(1, 1, 1, 2);
    p.machine().cb_decision_cycles = 5;
    uint32_t kernel = p.profiledKernel();
    p.body.addImport(0, p.data, 16);
    BlockSpec &s = p.body.add(fb::BlockKind::Select, "main/s");
    s.inputs = {import(0), import(0), import(0)};
    s.decideInputs = 1;
    s.outputs = {p.data};
    s.outputBytes = {16};
    s.joinKernel = p.joinKernel(fb::Combine::Add, 0, 0, /*fixed=*/21);
    s.profile = p.frequencies({mask & 1 ? one32 : 0, mask & 2 ? one32 : 0});
    for (int k = 0; k < 2; ++k) {
      RegionSpec &region = s.region(fb::RegionRole::Member);
      region.addImport(2, p.data, 16);
      p.task(region, "main/s/" + std::to_string(k), kernel, 100 + 200 * k,
             {import(0)}, 16)
          .replicas = {TestProgram::replica(0, 0, uint16_t(k), 1)};
      region.yields = {output(0)};
    }
    p.body.yields = {output(0)};
    RunResult r = run(p);
    // In and out of the host 1 cycle each; decision and join read over the
    // scratchpad port, 1 cycle each; a task of the host's cluster reads its
    // argument likewise.
    uint64_t longest = mask & 2 ? 300 : mask & 1 ? 100 : 0;
    uint64_t expected = 1 + 1 + 5;
    if (mask)
      expected += 1 + longest + 1 + 21;
    expected += 1 + 1;
    if (mask == 3)
      expected += 0; // the ports of the two reads are served one by one
    EXPECT_GE(r.makespanCycles, expected) << mask;
    EXPECT_LE(r.makespanCycles, expected + 1) << mask;
    EXPECT_EQ(r.counters.taskInstances, uint64_t(__builtin_popcount(mask)));
  }
}

/// before: nothing; after: one task a trip.
static void buildLoop(TestProgram &p, int64_t trips, uint64_t bound,
                      bool withBefore) {
  p.machine().cb_decision_cycles = 7;
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  BlockSpec &loop = p.body.add(fb::BlockKind::Loop, "main/l");
  loop.inputs = {import(0)};
  loop.outputs = {p.token};
  loop.profile = p.constantProfile(trips);
  loop.bound = bound;
  loop.line = 12;
  if (withBefore) {
    RegionSpec &before = loop.region(fb::RegionRole::Before);
    before.addImport(0, p.token);
    p.task(before, "main/l/check", kernel, 13, {import(0)});
    before.yields = {output(0)};
  }
  RegionSpec &after = loop.region(fb::RegionRole::After);
  after.addImport(withBefore ? 0x80000000u : 0, p.token);
  p.task(after, "main/l/step", kernel, 100, {import(0)});
  after.yields = {output(0)};
  p.task(p.body, "main/end", kernel, 1, {output(0)});
  p.body.yields = {output(1)};
}

TEST(Control, LoopWithoutBefore) {
  for (int64_t trips : {0, 1, 5, 40}) {
    TestProgram p;
    buildLoop(p, trips, 0, false);
    RunResult r = run(p);
    // Decision and step alternate; the last decision ends the loop.
    EXPECT_EQ(r.makespanCycles, uint64_t(trips) * (7 + 100) + 7 + 1);
    // A value that is passed on does not remember the decision that let it by.
    EXPECT_EQ(r.lowerBound.path, uint64_t(trips) * (7 + 100) + 1);
    EXPECT_EQ(r.outcomesOf(r.blocks[0])[0], uint64_t(trips));
  }
}

TEST(Control, LoopWithBefore) {
  for (int64_t trips : {0, 1, 6}) {
    TestProgram p;
    buildLoop(p, trips, 0, true);
    // The decision waits for nothing, so it runs beside the check; each trip
    // takes check and step on the one PEA.
    RunResult r = run(p);
    EXPECT_EQ(r.makespanCycles, uint64_t(trips) * 113 + 13 + 1);
  }
}

/// A task that no later iteration waits for may outlast many of them: what is
/// active are two iterations any number apart. With `late` the result of the
/// loop is its last value, and those before reach iterations that are over.
TEST(Control, IterationsMayOvertakeOthers) {
  for (bool late : {false, true})
    for (const char *policy : {"static", "pool", "octopus"})
      for (uint64_t seed = 0; seed < 8; ++seed) {
        TestProgram p(1, 1, 1, 4);
        uint32_t kernel = p.profiledKernel();
        p.body.addImport(0, p.token);
        BlockSpec &loop = p.body.add(fb::BlockKind::Loop, "main/l");
        loop.inputs.assign(late ? 2 : 1, import(0));
        loop.outputs.assign(late ? 2 : 1, p.token);
        loop.profile = p.constantProfile(40);
        RegionSpec &after = loop.region(fb::RegionRole::After);
        after.addImport(0, p.token);
        p.task(after, "main/l/step", kernel, 10, {import(0)});
        p.task(after, "main/l/aside", kernel, 10, {import(0)}).profile =
            p.profile(*Distribution::empirical(std::vector{10.0, 3000.0},
                                               std::vector{3.0, 1.0}));
        after.yields = {output(0)};
        if (late)
          after.yields.push_back(output(1));
        p.body.yields = {output(0, late)};
        SimulationOptions options = closedLoop(policy, 3, 2);
        options.scenario.seed = seed;
        RunResult r = run(p.build(), options);
        EXPECT_EQ(r.status, RunStatus::Completed) << policy << seed << late;
        EXPECT_EQ(r.counters.taskInstances, 3 * 2 * 40u);
        EXPECT_EQ(r.outcomesOf(r.blocks[0])[0], 3 * 40u);
      }
}

TEST(Control, LoopPastItsBoundFailsTheRequestOnly) {
  TestProgram p;
  buildLoop(p, 5, 4, false);
  RunResult r = run(p, "static", 3);
  EXPECT_EQ(r.requestsFailed, 3u);
  ASSERT_EQ(r.failures.size(), 3u);
  EXPECT_EQ(r.failures[1].request, 1u);
  EXPECT_EQ(r.failures[0].path, "main/l");
  EXPECT_EQ(r.failures[0].file, "test.mlir");
  EXPECT_EQ(r.failures[0].line, 12u);
  EXPECT_NE(r.failures[0].reason.find("bound of 4"), std::string::npos);

  TestProgram q;
  buildLoop(q, 4, 4, false);
  EXPECT_EQ(run(q).requestsFailed, 0u);
}

TEST(Control, FanoutRunsCopies) {
  for (int64_t count : {0, 1, 4, 9}) {
    TestProgram p(1, 1, 1, 4);
    uint32_t kernel = p.profiledKernel();
    p.body.addImport(0, p.token);
    BlockSpec &f = p.body.add(fb::BlockKind::Fanout, "main/f");
    f.inputs = {import(0), import(0)};
    f.outputs = {p.token};
    f.joinKernel = p.joinKernel(fb::Combine::Concat, 0, 0, 17);
    f.profile = p.constantProfile(count);
    RegionSpec &each = f.region(fb::RegionRole::Each);
    each.addImport(0x40000000u, p.token);
    each.addImport(1, p.token);
    p.task(each, "main/f/t", kernel, 100, {import(1)});
    each.yields = {output(0)};
    p.body.yields = {output(0)};
    RunResult r = run(p);
    uint64_t rounds = (uint64_t(count) + 3) / 4;
    EXPECT_EQ(r.makespanCycles, rounds * 100 + (count ? 17 : 0)) << count;
    EXPECT_EQ(r.counters.taskInstances, uint64_t(count));
    // Four copies at a time.
    EXPECT_LE(r.counters.peakFrames, 5u);
  }
}

/// Chains of control blocks without any task, deep and long.
TEST(Control, LongLoopOfNothing) {
  TestProgram p;
  p.body.addImport(0, p.token);
  BlockSpec &loop = p.body.add(fb::BlockKind::Loop, "main/l");
  loop.inputs = {import(0)};
  loop.outputs = {p.token};
  loop.profile = p.constantProfile(100000);
  RegionSpec &after = loop.region(fb::RegionRole::After);
  after.addImport(0, p.token);
  after.yields = {import(0)};
  uint32_t kernel = p.profiledKernel();
  p.task(p.body, "main/end", kernel, 1, {output(0)});
  p.body.yields = {output(1)};
  RunResult r = run(p);
  EXPECT_EQ(r.outcomesOf(r.blocks[0])[0], 100000u);
}

TEST(Control, WideFanoutOfNothing) {
  TestProgram p;
  p.body.addImport(0, p.token);
  BlockSpec &f = p.body.add(fb::BlockKind::Fanout, "main/f");
  f.profile = p.constantProfile(100000);
  f.region(fb::RegionRole::Each);
  uint32_t kernel = p.profiledKernel();
  p.task(p.body, "main/end", kernel, 1, {import(0)});
  p.body.yields = {output(1)};
  RunResult r = run(p);
  EXPECT_EQ(r.outcomesOf(r.blocks[0])[0], 100000u);
}

/// Nested loops, draws by tag: the realised work does not depend on the policy.
TEST(Control, RealisedWorkIsThatOfTheRequest) {
  std::vector<uint64_t> works;
  std::vector<std::vector<OutcomeRecord>> outcomes;
  for (const char *policy : generalPolicies) {
    TestProgram p(2, 2, 2, 2);
    p.machine().hop_cycles = 3;
    p.machine().local_dispatch_cycles = 2;
    uint32_t kernel = p.profiledKernel(0, {{1, 65536}, {2, 40000}});
    p.body.addImport(0, p.data, 64);
    BlockSpec &loop = p.body.add(fb::BlockKind::Loop, "main/l");
    loop.inputs = {import(0)};
    loop.outputs = {p.data};
    loop.outputBytes = {64};
    loop.profile = p.profile(*Distribution::geometric(0.3));
    RegionSpec &after = loop.region(fb::RegionRole::After);
    after.addImport(0, p.data, 64);
    BlockSpec &f = after.add(fb::BlockKind::Fanout, "main/l/f");
    f.inputs = {import(0), import(0)};
    f.outputs = {p.data};
    f.outputBytes = {64};
    f.joinKernel = p.joinKernel(fb::Combine::Add);
    f.profile = p.profile(*Distribution::uniform(0, 6));
    RegionSpec &each = f.region(fb::RegionRole::Each);
    each.addImport(1, p.data, 64);
    BlockSpec &t = p.task(each, "main/l/f/t", kernel, 500, {import(0)}, 64);
    t.profile = p.profile(Distribution::exponential(500));
    t.byCopy = true;
    for (uint32_t c = 0; c < 4; ++c)
      t.replicas.push_back(TestProgram::replica(c, c % 2, 0, 2));
    each.yields = {output(0)};
    after.yields = {output(0)};
    p.body.yields = {output(0)};
    SimulationOptions options;
    options.policy = policy;
    options.timingOnly = true;
    options.recordOutcomes = true;
    options.scenario.requests = 50;
    options.scenario.seed = 77;
    Tenant tenant;
    tenant.arrivals.inFlight = 4;
    options.scenario.tenants.push_back(tenant);
    RunResult r = run(p.build(), options);
    works.push_back(r.realisedWorkCycles);
    outcomes.push_back(r.outcomes);
    EXPECT_EQ(r.requestsCompleted, 50u);
  }
  EXPECT_GT(works[0], 10000u);
  for (size_t i = 1; i < works.size(); ++i) {
    EXPECT_EQ(works[i], works[0]);
    ASSERT_EQ(outcomes[i].size(), outcomes[0].size());
    for (size_t k = 0; k < outcomes[0].size(); ++k) {
      EXPECT_EQ(outcomes[i][k].tag, outcomes[0][k].tag);
      EXPECT_EQ(outcomes[i][k].value, outcomes[0][k].value);
    }
  }
}

TEST(Control, NothingDecides) {
  TestProgram p;
  p.body.addImport(0, p.token);
  BlockSpec &s = p.body.add(fb::BlockKind::Switch, "main/s");
  s.inputs = {import(0)};
  s.decideInputs = 1;
  s.outputs = {p.token};
  s.line = 3;
  RegionSpec &region = s.region(fb::RegionRole::Case);
  region.addImport(0, p.token);
  region.yields = {import(0)};
  p.body.yields = {output(0)};
  SimulationOptions options;
  options.policy = "static";
  options.timingOnly = true;
  auto r = simulate(p.build(), options);
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().message.find("'main/s' (test.mlir:3)"),
            std::string::npos);
  EXPECT_NE(r.error().message.find("frequencies"), std::string::npos);
}

} // namespace
