//===- AccountingTest.cpp - States of PEAs, determinism, the watchdog  ===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BusyProgram.h"

#include <cstring>

using namespace octo;
using namespace octo::test;

namespace {

TEST(Accounting, EveryPolicySumsUp) {
  uint64_t work = 0;
  for (const char *policy : generalPolicies) {
    TestProgram p(2, 2, 2, 4);
    buildBusy(p);
    RunResult r = run(p.build(), busyOptions(policy));
    EXPECT_EQ(r.requestsCompleted, 200u) << policy;
    EXPECT_EQ(r.totalPeas, 32u);
    EXPECT_EQ(r.livePeas, 30u);
    EXPECT_EQ(r.peaCycles[unsigned(PeaState::Faulty)], 2 * r.makespanCycles);
    EXPECT_GT(r.peaCycles[unsigned(PeaState::Configuring)], 0u);
    EXPECT_GT(r.energyJoules, 0.0);
    if (!work)
      work = r.realisedWorkCycles;
    EXPECT_EQ(r.realisedWorkCycles, work) << policy;
    EXPECT_EQ(r.counters.taskInstances, r.counters.dispatches);
  }
}

TEST(Accounting, EachMechanismCanBeOff) {
  for (int mask = 0; mask < 8; ++mask) {
    TestProgram p(2, 2, 2, 4);
    buildBusy(p);
    SimulationOptions options = busyOptions("octopus");
    if (mask & 1)
      options.disable.push_back("ddsm");
    if (mask & 2)
      options.disable.push_back("atss");
    if (mask & 4)
      options.disable.push_back("pcss");
    RunResult r = run(p.build(), options);
    EXPECT_EQ(r.requestsCompleted, 200u);
    if (mask & 2) {
      EXPECT_EQ(r.counters.resizes, 0u);
      EXPECT_EQ(r.counters.prefetches, 0u);
    } else {
      EXPECT_GT(r.counters.resizes, 0u);
      EXPECT_GT(r.counters.prefetches, 0u);
    }
  }
}

/// Each event is paid for by the cluster that is told for it.
TEST(Accounting, EnergyByCluster) {
  for (bool fault : {false, true}) {
    TestProgram p(3, 2, 1, 1);
    // Of a unit each a prime number of picojoules.
    auto pj = [](uint64_t cost) { return cost << 16; };
    *p.machine().energy =
        fb::EnergyCosts(pj(2), pj(3), pj(5), pj(7), pj(11), pj(13), pj(17),
                        pj(19), pj(23), pj(29), pj(31), pj(37), pj(41), pj(43));
    p.machine().hbm.emplace_back(1, 32, 70, 0, uint64_t(1) << 30);
    uint32_t kernel = p.profiledKernel(/*codeBytes=*/800);
    uint32_t w = p.seededWeight(p.type(fb::ElementKind::F32, {100}), 400, 3);
    p.body.addImport(0, p.data, 100);
    p.task(p.body, "main/a", kernel, 1000, {import(0), weight(w)}, 64)
        .replicas = {TestProgram::replica(0, 0, 0, 1)};
    p.task(p.body, "main/b", kernel, 2000, {output(0)}, 32).replicas = {
        TestProgram::replica(2, 0, 0, 1)};
    p.body.yields = {output(1)};
    SimulationOptions options;
    options.policy = "static";
    options.timingOnly = true;
    constexpr uint64_t death = 900;
    if (fault) {
      // When the weight has come; what passes later makes a detour.
      FaultRule rule;
      rule.part = {PartKind::Cluster, {1, 0}, 0, 0, {}};
      rule.cycle = death;
      options.scenario.faults.push_back(rule);
    }
    RunResult r = run(p.build(), options);
    ASSERT_EQ(r.requestsCompleted, 1u);
    uint64_t end = r.makespanCycles;
    const std::vector<EnergyBreakdown> &c = r.clusterEnergy;
    ASSERT_EQ(c.size(), 6u);
    auto is = [](double joules, uint64_t picojoules) {
      EXPECT_DOUBLE_EQ(joules, double(picojoules) * 1e-12);
    };
    uint64_t hops = fault ? 4 : 2;
    // Requests come in and go out here, the output goes to (2, 0).
    is(c[0].host, (100 + 32) * 31);
    is(c[0].configuration, 800 * 19);
    is(c[0].network, 64 * hops * 13);
    is(c[0].hbm, 0);
    // The weight leaves the port, one hop away.
    is(c[1].hbm, 400 * 17);
    is(c[1].network, 400 * 13);
    is(c[1].configuration, 0);
    is(c[1].leakage, (fault ? death : end) * (29 + 43));
    is(c[2].host, 0);
    is(c[2].configuration, 800 * 19);
    is(c[2].network, 32 * hops * 13);
    is(c[2].leakage, end * (29 + 43));
    is(c[4].leakage, end * (29 + 43));
    EXPECT_EQ(c[4].total(), c[4].leakage);
  }
}

/// Two runs give the same numbers; so does one that is traced.
TEST(Accounting, Deterministic) {
  struct Sink : TraceSink {
    uint64_t tasks = 0, decisions = 0, transfers = 0, requests = 0;
    void task(const TaskSpan &span) override {
      tasks += span.last && span.completed;
      EXPECT_LE(span.dispatched, span.started);
      EXPECT_LE(span.started, span.finished);
      EXPECT_NE(span.peaMask, 0u);
    }
    void decision(const DecisionSpan &) override { ++decisions; }
    void transfer(const TransferSpan &span) override {
      ++transfers;
      EXPECT_LE(span.start, span.finish);
    }
    void request(const RequestSpan &) override { ++requests; }
  };
  for (const char *policy : generalPolicies) {
    TestProgram p(2, 2, 2, 4);
    buildBusy(p);
    const fb::Program &program = p.build();
    RunResult a = run(program, busyOptions(policy));
    Sink sink;
    auto traced = simulate(program, busyOptions(policy), nullptr, &sink);
    ASSERT_TRUE(traced);
    EXPECT_EQ(a.makespanCycles, traced->makespanCycles);
    EXPECT_EQ(a.events, traced->events);
    EXPECT_EQ(a.peaCycles, traced->peaCycles);
    EXPECT_EQ(a.latency.mean, traced->latency.mean);
    EXPECT_EQ(a.energyJoules, traced->energyJoules);
    EXPECT_EQ(std::memcmp(&a.counters, &traced->counters, sizeof(Counters)), 0);
    EXPECT_EQ(sink.tasks, a.counters.taskInstances);
    EXPECT_EQ(sink.decisions, a.counters.controlDecisions);
    EXPECT_EQ(sink.requests, 200u);
    SimulationOptions other = busyOptions(policy);
    other.scenario.seed = 6;
    EXPECT_NE(run(program, other).makespanCycles, a.makespanCycles);
  }
}

TEST(Accounting, StopRules) {
  TestProgram p(2, 2, 2, 4);
  buildBusy(p);
  const fb::Program &program = p.build();
  SimulationOptions options = busyOptions("octopus");
  options.scenario.stop.maxCycles = 20000;
  RunResult r = run(program, options);
  EXPECT_EQ(r.status, RunStatus::CycleLimit);
  EXPECT_EQ(r.makespanCycles, 20000u);
  EXPECT_LT(r.requestsCompleted, 200u);
  EXPECT_FALSE(r.blocked.empty());
  options.scenario.stop = {};
  options.scenario.stop.maxEvents = 3000;
  r = run(program, options);
  EXPECT_EQ(r.status, RunStatus::EventLimit);
  EXPECT_EQ(r.events, 3000u);
}

/// A task that waits for its own consumer: the validator would not let it pass,
/// so it stands for any program that cannot go on.
TEST(Watchdog, ReportsWhoWaitsOnWhom) {
  TestProgram p;
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  p.task(p.body, "main/first", kernel, 10, {import(0), output(1)}).line = 7;
  p.task(p.body, "main/second", kernel, 10, {output(0)}).line = 8;
  p.body.yields = {output(1)};
  for (const char *policy : {"static", "octopus"}) {
    SimulationOptions options;
    options.policy = policy;
    options.timingOnly = true;
    static const fb::Program &program = p.build();
    auto r = simulate(program, options);
    ASSERT_TRUE(r);
    EXPECT_EQ(r->status, RunStatus::Deadlock);
    ASSERT_EQ(r->blocked.size(), 1u);
    EXPECT_EQ(r->blocked[0].path, "main/first");
    EXPECT_EQ(r->blocked[0].line, 7u);
    EXPECT_EQ(r->blocked[0].waitsFor,
              "input 1 from 'main/second' (test.mlir:8)");
    EXPECT_NE(r->blocked[0].heldBy.find("not fired"), std::string::npos);
  }
}

/// Idle intervals by length and by what the producer did.
/// A loop that never ends goes on until a stop rule; the report names it.
TEST(Watchdog, AStopRuleEndsALoopWithoutEnd) {
  TestProgram p;
  p.machine().cb_decision_cycles = 1;
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.data, 8);
  BlockSpec &loop = p.body.add(fb::BlockKind::Loop, "main/l");
  loop.inputs = {import(0)};
  loop.outputs = {p.data};
  loop.outputBytes = {8};
  loop.line = 9;
  loop.profile = p.constantProfile(int64_t(1) << 40);
  RegionSpec &after = loop.region(fb::RegionRole::After);
  after.addImport(0, p.data, 8);
  p.task(after, "main/l/t", kernel, 0, {import(0)}, 8);
  after.yields = {output(0)};
  p.body.yields = {output(0)};
  const fb::Program &program = p.build();
  for (const char *policy : generalPolicies)
    for (bool events : {true, false}) {
      SimulationOptions options;
      options.policy = policy;
      options.timingOnly = true;
      options.scenario.requests = 1;
      if (events)
        options.scenario.stop.maxEvents = 5000;
      else
        options.scenario.stop.maxCycles = 3000;
      RunResult r = run(program, options);
      EXPECT_EQ(r.status,
                events ? RunStatus::EventLimit : RunStatus::CycleLimit);
      if (events) {
        EXPECT_LE(r.events, 5000u);
      }
      EXPECT_EQ(r.requestsCompleted, 0u);
      bool named = false;
      for (const BlockedInstance &blocked : r.blocked)
        named |= blocked.path == "main/l" && blocked.line == 9 &&
                 !blocked.waitsFor.empty() && !blocked.heldBy.empty();
      EXPECT_TRUE(named) << policy;
    }
}

TEST(Accounting, CausesOfIdleness) {
  // One PEA of two is idle for 1000 cycles while nothing is on its way to it.
  TestProgram p(1, 1, 1, 2);
  p.machine().config_bytes_per_cycle = 1;
  uint32_t kernel = p.profiledKernel(50);
  p.body.addImport(0, p.token);
  p.task(p.body, "main/a", kernel, 1000, {import(0)}).replicas = {
      TestProgram::replica(0, 0, 0, 1)};
  p.task(p.body, "main/b", kernel, 1000, {output(0)}).replicas = {
      TestProgram::replica(0, 0, 1, 1)};
  p.task(p.body, "main/c", kernel, 1000, {output(1)}).replicas = {
      TestProgram::replica(0, 0, 0, 1)};
  p.body.yields = {output(2)};
  RunResult r = run(p);
  EXPECT_EQ(r.breakEvenCycles, 50u);
  // b's PEA was idle for 1050 cycles until a gave it something; a itself had
  // not been waited for: structural. c's PEA was idle while b ran, and b had
  // been started on a PEA that was idle before, at no overlap: structural too.
  // The end of b's PEA is structural.
  EXPECT_EQ(r.peaCycles[unsigned(PeaState::Idle)], 1050u + 1000 + 1000);
  EXPECT_EQ(r.idleStructuralPeaCycles, r.peaCycles[unsigned(PeaState::Idle)]);

  // Now c waits for b on a third PEA from the start: its idle interval overlaps
  // with that of b's PEA, which ended when b began: contagious.
  TestProgram q(1, 1, 1, 3);
  q.machine().config_bytes_per_cycle = 1;
  kernel = q.profiledKernel(50);
  q.body.addImport(0, q.token);
  for (uint16_t i = 0; i < 3; ++i)
    q.task(q.body, "main/" + std::to_string(i), kernel, 1000,
           {i ? output(i - 1) : import(0)})
        .replicas = {TestProgram::replica(0, 0, i, 1)};
  q.body.yields = {output(2)};
  RunResult s = run(q);
  EXPECT_EQ(s.idleContagiousPeaCycles, 2050u);
}

TEST(Accounting, SegmentSlotsKeepTheirOrder) {
  // A slot planned at 100 on the PEA keeps a dynamic task of 500 cycles away,
  // which a priority alone would not.
  TestProgram p(1, 1, 2, 1);
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  p.task(p.body, "main/first", kernel, 100, {import(0)}).replicas = {
      TestProgram::replica(0, 1, 0, 1)};
  p.task(p.body, "main/planned", kernel, 50, {output(0)}).replicas = {
      TestProgram::replica(0, 0, 0, 1)};
  p.task(p.body, "main/filler", kernel, 500, {import(0)});
  p.body.blocks[2].replicas = {TestProgram::replica(0, 0, 0, 1)};
  p.body.yields = {output(1), output(2)};
  SegmentSpec segment;
  segment.slots = {fb::Slot(0, 0, 0, 100), fb::Slot(1, 0, 100, 50)};
  p.segments.push_back(segment);
  RunResult r = run(p);
  EXPECT_EQ(r.blocks[1].waitCycles, 0u);
  EXPECT_EQ(r.makespanCycles, 150u + 500);
  // While the filler is kept away the PEA is idle; nothing was planned yet.
  EXPECT_EQ(r.blocks[2].waitCycles, 150u);
}

/// Requests of a lane whose slots lie on one PEA of four.
RunResult runLane(const char *policy) {
  TestProgram p(1, 1, 1, 4);
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  p.task(p.body, "main/a", kernel, 1000, {import(0)}).replicas = {
      TestProgram::replica(0, 0, 0, 1)};
  p.task(p.body, "main/b", kernel, 1000, {output(0)}).replicas = {
      TestProgram::replica(0, 0, 0, 1)};
  p.body.yields = {output(1)};
  SegmentSpec segment;
  segment.initiationInterval = 2000;
  segment.slots = {fb::Slot(0, 0, 0, 1000), fb::Slot(1, 0, 1000, 1000)};
  p.segments.push_back(segment);
  SimulationOptions options;
  options.policy = policy;
  options.timingOnly = true;
  options.scenario.requests = 4;
  Tenant tenant;
  tenant.arrivals.inFlight = 4;
  options.scenario.tenants.push_back(tenant);
  return run(p.build(), options);
}

TEST(Accounting, QueuesOfClustersShareTheInitiationInterval) {
  // On its own PEA the k-th request is admitted 2,000 k cycles late, and starts
  // then. Four PEAs serve one every 500: all start at once, so before their
  // admission, by 500 k at most.
  RunResult alone = runLane("static"), shared = runLane("octopus");
  EXPECT_EQ(alone.slots[0].instances, 4u);
  EXPECT_EQ(alone.slots[0].startCycles, 0);
  EXPECT_GE(alone.makespanCycles, 8000u);
  EXPECT_EQ(shared.slots[0].instances, 4u);
  EXPECT_LT(shared.slots[0].startCycles, 0);
  EXPECT_GT(shared.slots[0].startCycles, -500 * (1 + 2 + 3) - 1);
  EXPECT_LT(shared.makespanCycles, 4000u);
}

} // namespace
