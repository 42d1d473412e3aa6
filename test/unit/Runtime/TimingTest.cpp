//===- TimingTest.cpp - Cycles against closed forms  ===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestRun.h"

using namespace octo;
using namespace octo::test;

namespace {

TEST(Timing, ChainOfConstantTasks) {
  TestProgram p;
  uint32_t kernel = p.profiledKernel();
  Val value = p.body.addImport(0, p.token);
  int64_t sum = 0;
  for (int i = 0; i < 10; ++i) {
    int64_t cycles = 100 + 7 * i;
    sum += cycles;
    p.task(p.body, "main/t" + std::to_string(i), kernel, cycles, {value});
    value = output(i);
  }
  p.body.yields = {value};
  RunResult r = run(p);
  EXPECT_EQ(r.makespanCycles, uint64_t(sum));
  EXPECT_EQ(r.lowerBound.path, uint64_t(sum));
  EXPECT_EQ(r.lowerBound.capacity, uint64_t(sum));
  EXPECT_EQ(r.ratioToLowerBound, 1.0);
  EXPECT_EQ(r.counters.taskInstances, 10u);
}

/// The same chain with every cost that it meets, each with another number.
TEST(Timing, ChainWithAllCosts) {
  TestProgram p(3, 1, 1, 1);
  fb::MachineT &m = p.machine();
  m.hop_cycles = 3;
  m.link_bytes_per_cycle = 16;
  m.die_link_bytes_per_cycle = 16;
  m.interface_cycles = 2;
  m.local_dispatch_cycles = 5;
  m.config_bytes_per_cycle = 8;
  m.config_switch_cycles = 11;
  m.host_latency = 40;
  m.host_in_bytes_per_cycle = 4;
  m.host_out_bytes_per_cycle = 4;
  m.hbm.emplace_back(1, 32, 70, 0, uint64_t(1) << 30);
  uint32_t kernel = p.profiledKernel(/*codeBytes=*/800);
  p.body.addImport(0, p.data, 100);
  p.task(p.body, "main/a", kernel, 1000, {import(0)}, 64).replicas = {
      TestProgram::replica(0, 0, 0, 1)};
  p.task(p.body, "main/b", kernel, 2000, {output(0)}, 32).replicas = {
      TestProgram::replica(2, 0, 0, 1)};
  p.body.yields = {output(1)};
  RunResult r = run(p);
  uint64_t in = 100 / 4 + 40;
  // The argument is in the scratchpad of the host's cluster, made by no TBU: it
  // passes the port of the TBU that reads it, at full width in one cycle.
  uint64_t port = 1;
  uint64_t load = 70 + 1 * 3 + 800 / 8 + 11;
  // Three routers, the other flits, the interface.
  uint64_t flow = 3 * 3 + (64 / 16 - 1) + 2;
  uint64_t back = 3 * 3 + (32 / 16 - 1) + 2;
  uint64_t out = 32 / 4 + 40;
  EXPECT_EQ(r.makespanCycles,
            in + port + 5 + load + 1000 + flow + 5 + load + 2000 + back + out);
  EXPECT_EQ(r.counters.configLoads, 2u);
  EXPECT_EQ(r.counters.byteHops, 2 * 64u + 2 * 32u);
  EXPECT_EQ(r.peaCycles[unsigned(PeaState::Computing)], 3000u);
  EXPECT_EQ(r.peaCycles[unsigned(PeaState::Configuring)], 2 * load);
  EXPECT_EQ(r.peaCycles[unsigned(PeaState::Waiting)], 2 * 5u);
}

/// The coarse scheduler's period is far below the task; its turns with nothing
/// to see cost no event each.
TEST(Timing, LongQuietTimeIsPassedInOneStep) {
  TestProgram p;
  uint32_t kernel = p.profiledKernel();
  constexpr int64_t cycles = int64_t(1) << 46;
  p.task(p.body, "main/long", kernel, cycles, {p.body.addImport(0, p.token)});
  p.body.yields = {output(0)};
  RunResult r = run(p, "octopus");
  EXPECT_EQ(r.makespanCycles, uint64_t(cycles));
  EXPECT_LT(r.events, 100u);
}

TEST(Timing, ResidentCodeIsNotLoadedAgain) {
  TestProgram p;
  p.machine().config_bytes_per_cycle = 1;
  p.machine().config_switch_cycles = 3;
  uint32_t a = p.profiledKernel(100), b = p.profiledKernel(200);
  p.body.addImport(0, p.token);
  p.task(p.body, "main/0", a, 10, {import(0)});
  p.task(p.body, "main/1", a, 10, {output(0)});
  p.task(p.body, "main/2", b, 10, {output(1)});
  p.task(p.body, "main/3", a, 10, {output(2)});
  p.body.yields = {output(3)};
  // a is loaded once, b once; every change of kernel costs a switch.
  RunResult r = run(p);
  EXPECT_EQ(r.makespanCycles, 40u + 100 + 200 + 3 * 3);
  EXPECT_EQ(r.counters.configLoads, 2u);

  // A store for one kernel only: the third change loads again.
  TestProgram q;
  q.machine().config_bytes_per_cycle = 1;
  q.machine().config_store = 250;
  a = q.profiledKernel(100);
  b = q.profiledKernel(200);
  q.body.addImport(0, q.token);
  q.task(q.body, "main/0", a, 10, {import(0)});
  q.task(q.body, "main/1", b, 10, {output(0)});
  q.task(q.body, "main/2", a, 10, {output(1)});
  q.body.yields = {output(2)};
  RunResult s = run(q);
  EXPECT_EQ(s.makespanCycles, 30u + 100 + 200 + 100);
  EXPECT_EQ(s.counters.configLoads, 3u);
}

/// One source, n branches on n PEAs of one TBU, one sink.
TEST(Timing, ForkJoin) {
  TestProgram p(1, 1, 1, 4);
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  p.task(p.body, "main/source", kernel, 50, {import(0)});
  std::vector<Val> ends;
  for (int i = 0; i < 4; ++i) {
    p.task(p.body, "main/b" + std::to_string(i), kernel, 100 * (i + 1),
           {output(0)})
        .replicas = {TestProgram::replica(0, 0, uint16_t(i), 1)};
    ends.push_back(output(i + 1));
  }
  p.task(p.body, "main/sink", kernel, 30, ends);
  p.body.yields = {output(5)};
  RunResult r = run(p);
  EXPECT_EQ(r.makespanCycles, 50u + 400 + 30);
  EXPECT_EQ(r.lowerBound.path, 480u);
  EXPECT_EQ(r.realisedWorkCycles, 50u + 1000 + 30);
}

/// More tasks than PEAs: time-multiplexed in order of priority.
TEST(Timing, OnePeaServesAll) {
  TestProgram p;
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  std::vector<Val> ends;
  for (int i = 0; i < 6; ++i) {
    p.task(p.body, "main/b" + std::to_string(i), kernel, 100, {import(0)})
        .priority = uint64_t(i);
    ends.push_back(output(i));
  }
  p.body.yields = ends;
  RunResult r = run(p);
  EXPECT_EQ(r.makespanCycles, 600u);
  EXPECT_EQ(r.lowerBound.capacity, 600u);
  // The highest priority goes first.
  EXPECT_EQ(r.blocks[5].waitCycles, 0u);
  EXPECT_EQ(r.blocks[0].waitCycles, 500u);
}

TEST(Timing, GangOfTheShare) {
  TestProgram p(1, 1, 1, 4);
  uint32_t kernel = p.profiledKernel(0, {{1, 65536}, {2, 36000}, {4, 20000}});
  p.body.addImport(0, p.token);
  p.task(p.body, "main/a", kernel, 1000, {import(0)}).replicas = {
      TestProgram::replica(0, 0, 0, 3)};
  p.body.yields = {output(0)};
  // Three PEAs: the variant for two.
  EXPECT_EQ(run(p).makespanCycles, (1000u * 36000 + 65535) / 65536);
}

/// Two messages over one link: the second waits until the first has passed.
TEST(Timing, LinkContention) {
  TestProgram p(2, 1, 2, 1);
  fb::MachineT &m = p.machine();
  m.hop_cycles = 4;
  m.link_bytes_per_cycle = 1;
  m.die_link_bytes_per_cycle = 1;
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  for (int i = 0; i < 2; ++i)
    p.task(p.body, "main/p" + std::to_string(i), kernel, 100, {import(0)}, 200)
        .replicas = {TestProgram::replica(0, uint16_t(i), 0, 1)};
  for (int i = 0; i < 2; ++i)
    p.task(p.body, "main/c" + std::to_string(i), kernel, 10, {output(i)})
        .replicas = {TestProgram::replica(1, uint16_t(i), 0, 1)};
  p.body.yields = {output(2), output(3)};
  EXPECT_EQ(run(p).makespanCycles, 100u + 200 + 199 + 2 * 4 + 10);
}

/// Around a dead link the way is longer by two hops.
TEST(Timing, DetourAroundDeadLink) {
  for (bool dead : {false, true}) {
    TestProgram p(3, 2, 1, 1);
    fb::MachineT &m = p.machine();
    m.hop_cycles = 7;
    if (dead)
      m.dead_links = {fb::LinkId(0, 1), fb::LinkId(1, 0)};
    uint32_t kernel = p.profiledKernel();
    p.body.addImport(0, p.token);
    p.task(p.body, "main/a", kernel, 10, {import(0)}, 1).replicas = {
        TestProgram::replica(0, 0, 0, 1)};
    p.task(p.body, "main/b", kernel, 10, {output(0)}).replicas = {
        TestProgram::replica(2, 0, 0, 1)};
    p.body.yields = {output(1)};
    EXPECT_EQ(run(p).makespanCycles, 20u + 7 * (dead ? 5 : 3));
  }
}

TEST(Timing, WeightsComeOnceFromMemory) {
  TestProgram p(2, 1, 1, 1);
  fb::MachineT &m = p.machine();
  m.hop_cycles = 2;
  m.link_bytes_per_cycle = m.die_link_bytes_per_cycle = 8;
  m.hbm.emplace_back(1, 4, 30, 0, uint64_t(1) << 30);
  uint32_t type = p.type(fb::ElementKind::F32, {16});
  uint32_t w = p.seededWeight(type, 64, 1);
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  p.task(p.body, "main/a", kernel, 100, {import(0), weight(w)});
  p.task(p.body, "main/b", kernel, 100, {output(0), weight(w)});
  p.body.yields = {output(1)};
  RunResult r = run(p);
  EXPECT_EQ(r.makespanCycles, 30u + 64 / 4 + 2 * 2 + (64 / 8 - 1) + 200);
  EXPECT_EQ(r.counters.weightLoads, 1u);
  EXPECT_EQ(r.peaCycles[unsigned(PeaState::MovingData)], 30u + 16 + 4 + 7);
}

/// Values that do not fit are spilled to memory and come back.
TEST(Timing, FullScratchpadSpills) {
  TestProgram p(2, 1, 1, 1);
  fb::MachineT &m = p.machine();
  m.scratchpad = 3000;
  m.hbm.emplace_back(1, 16, 10, 0, uint64_t(1) << 30);
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  std::vector<Val> ends;
  for (int i = 0; i < 5; ++i) {
    p.task(p.body, "main/p" + std::to_string(i), kernel, 100, {import(0)}, 1000)
        .priority = uint64_t(10 - i);
    ends.push_back(output(i));
  }
  // Wants all of them, far away, after a token of the last.
  p.task(p.body, "main/late", kernel, 100, {output(4)});
  ends.push_back(output(5));
  p.task(p.body, "main/sink", kernel, 10, ends);
  p.body.yields = {output(6)};
  RunResult r = run(p);
  EXPECT_EQ(r.requestsCompleted, 1u);
  EXPECT_GT(r.counters.spills, 0u);
  EXPECT_GT(r.counters.hbmBytes, r.counters.spillBytes);
  EXPECT_GT(r.makespanCycles, 610u);
}

/// A scratchpad has no room for `a`, `b` and `c` together. `c` takes `b`, and
/// then `a` too if it is `used`. `b` is wanted once more, `a` twice, by tasks
/// that wait for others meanwhile.
static RunResult runFullScratchpad(bool used) {
  TestProgram p(2, 1, 1, 1);
  fb::MachineT &m = p.machine();
  m.scratchpad = 3000;
  m.hbm.emplace_back(1, 16, 10, 0, uint64_t(1) << 30);
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  p.task(p.body, "main/a", kernel, 100, {import(0)}, 1000);
  p.task(p.body, "main/b", kernel, 100, {output(0)}, 900);
  std::vector<Val> ofC = {output(1)};
  if (used)
    ofC.push_back(output(0));
  p.task(p.body, "main/c", kernel, 100, ofC, 1000);
  p.task(p.body, "main/d", kernel, 100, {output(2)}, 100);
  p.task(p.body, "main/first", kernel, 100, {output(1), output(3)});
  p.task(p.body, "main/second", kernel, 100, {output(0), output(4)});
  p.task(p.body, "main/third", kernel, 100, {output(0), output(5)});
  p.body.yields = {output(6)};
  return run(p);
}

/// What was used least recently is spilled, also where an instance that waits
/// for other inputs has it already. It is written once and, for two who want it
/// one after the other, read once.
TEST(Timing, SpillsWhatWasUsedLeastRecently) {
  for (bool used : {false, true}) {
    RunResult r = runFullScratchpad(used);
    uint64_t bytes = used ? 900 : 1000;
    EXPECT_EQ(r.requestsCompleted, 1u);
    EXPECT_EQ(r.counters.spills, 1u);
    EXPECT_EQ(r.counters.spillBytes, bytes);
    EXPECT_EQ(r.counters.hbmBytes, 2 * bytes);
    EXPECT_LE(r.counters.peakScratchpadBytes, 3000u);
  }
}

TEST(Timing, EveryPolicyRunsTheChain) {
  for (const char *policy : generalPolicies) {
    TestProgram p(2, 2, 2, 4);
    uint32_t kernel = p.profiledKernel(0, {{1, 65536}});
    Val value = p.body.addImport(0, p.token);
    for (int i = 0; i < 20; ++i) {
      p.task(p.body, "main/t" + std::to_string(i), kernel, 100, {value});
      value = output(i);
    }
    p.body.yields = {value};
    EXPECT_EQ(run(p, policy).makespanCycles, 2000u) << policy;
  }
}

/// The pool's dispatcher decides one at a time.
TEST(Timing, CentralDispatcherIsSerial) {
  TestProgram p(1, 1, 1, 8);
  p.machine().central_dispatch_cycles = 50;
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  for (int i = 0; i < 8; ++i) {
    p.task(p.body, "main/t" + std::to_string(i), kernel, 100, {import(0)});
    p.body.yields.push_back(output(i));
  }
  EXPECT_EQ(run(p, "pool").makespanCycles, 8 * 50u + 100);
}

/// A task of 1,000 cycles, 550 on two PEAs, 306 on four, and four requests in
/// flight on eight PEAs: each has two. Alone, work would take 125 cycles a
/// request and the chain 76.5; at the price of a quarter of a PEA a task costs
/// 1,100 + 137 on two, the least, of which there are 8 + 4 / 4 a cycle.
TEST(Timing, FewRequestsNeedGangs) {
  for (uint64_t inFlight : {4, 64}) {
    TestProgram p(1, 1, 1, 8);
    uint32_t kernel = p.profiledKernel(0, {{1, 65536}, {2, 36000}, {4, 20000}});
    p.body.addImport(0, p.token);
    p.task(p.body, "main/t", kernel, 1000, {import(0)}).replicas = {
        TestProgram::replica(0, 0, 0, 8, 4)};
    p.body.yields = {output(0)};
    const fb::Program &program = p.build();
    for (const char *policy : generalPolicies) {
      RunResult r = run(program, closedLoop(policy, 128, inFlight));
      EXPECT_EQ(r.lowerBound.capacity, 16000u);
      if (inFlight == 4)
        EXPECT_NEAR(double(r.lowerBound.inFlight), 128 * 1237 / 9.0, 20.0);
      else
        EXPECT_LE(r.lowerBound.inFlight, 16000u);
    }
  }
}

} // namespace

/// A machine with one PEA of class `matrix` and some of class `general`. Each
/// request has a task for each class, side by side.
static RunResult runTwoClasses(const char *policy, uint32_t general,
                               int64_t matrixCycles, int64_t generalCycles,
                               std::vector<uint64_t> arrivals) {
  TestProgram p(1, 1, 1, 1 + general);
  p.machine().pea_class[0] = 0;
  p.machine().rates[0] = p.machine().rates[2];
  const uint32_t kernels[] = {p.profiledKernel(), p.profiledKernel()};
  p.program.kernels->pea_class[kernels[0]] = 0;
  p.body.addImport(0, p.token);
  p.task(p.body, "main/matrix", kernels[0], matrixCycles, {import(0)})
      .replicas = {TestProgram::replica(0, 0, 0, 1)};
  BlockSpec &task =
      p.task(p.body, "main/general", kernels[1], generalCycles, {import(0)});
  for (uint32_t i = 0; i < general; ++i)
    task.replicas.push_back(TestProgram::replica(0, 0, 1 + i, 1));
  p.body.yields = {output(0), output(1)};
  SimulationOptions options;
  options.policy = policy;
  options.timingOnly = true;
  options.scenario.requests = arrivals.size();
  Tenant tenant;
  tenant.arrivals.kind = Arrivals::Kind::Trace;
  tenant.arrivals.trace = std::move(arrivals);
  options.scenario.tenants.push_back(tenant);
  return run(p.build(), options);
}

/// The bound knows that a class has only its own PEAs, also for what arrives
/// late; no policy is faster, and here the bound is what the best one reaches.
TEST(Timing, ClassesBoundOpenArrivals) {
  for (const char *policy : generalPolicies) {
    // One early request, then five at once: the only PEA for matrices has
    // 5 * 400 cycles from cycle 5,000 on. All work over all PEAs would be done
    // by 5,000 + 5 * 500 / 4.
    RunResult r =
        runTwoClasses(policy, 3, 400, 100, {0, 5000, 5000, 5000, 5000, 5000});
    EXPECT_EQ(r.lowerBound.arrivals, 7000u) << policy;
    EXPECT_EQ(r.lowerBound.capacity, 2400u) << policy;
    EXPECT_GE(r.makespanCycles, 7000u) << policy;
    if (std::string(policy) == "static")
      EXPECT_EQ(r.makespanCycles, 7000u);
  }
}

/// Independent tasks, all there from the start: the optimum is known, and the
/// bound is what the linear program over the classes gives, without the
/// rounding up to whole tasks.
TEST(Timing, CapacityIsTheOptimumOfSmallCases) {
  for (uint32_t general = 1; general <= 3; ++general)
    for (uint32_t requests = 1; requests <= 6; ++requests)
      for (int64_t matrix : {50, 100, 300}) {
        RunResult r = runTwoClasses("static", general, matrix, 100,
                                    std::vector<uint64_t>(requests, 0));
        // Equal tasks on equal PEAs: each takes the next one.
        const uint64_t optimum = std::max<uint64_t>(
            requests * matrix, (requests + general - 1) / general * 100);
        EXPECT_EQ(r.makespanCycles, optimum);
        EXPECT_LE(r.lowerBound.cycles(), optimum);
        const uint64_t relaxed = std::max<uint64_t>(
            requests * matrix, (requests * 100 + general - 1) / general);
        EXPECT_EQ(r.lowerBound.capacity, relaxed);
        if (requests % general == 0)
          EXPECT_EQ(r.lowerBound.cycles(), optimum);
      }
}
