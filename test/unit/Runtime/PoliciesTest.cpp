//===- PoliciesTest.cpp - What each policy does ---------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaneRouter.h"
#include "TestRun.h"

#include "octo/Runtime/Policy.h"

using namespace octo;
using namespace octo::test;

namespace {

SimulationOptions optionsFor(const std::string &policy, uint64_t requests,
                             uint64_t inFlight) {
  SimulationOptions options;
  options.policy = policy;
  options.timingOnly = true;
  options.scenario.requests = requests;
  options.scenario.seed = 3;
  Tenant tenant;
  tenant.arrivals.inFlight = inFlight;
  options.scenario.tenants.push_back(tenant);
  return options;
}

/// `n` independent tasks of a request, task i on PEA i % peas of the first TBU.
void independent(TestProgram &p, uint32_t n, uint32_t peas,
                 const std::vector<uint32_t> &kernels, int64_t cycles) {
  p.body.addImport(0, p.token);
  for (uint32_t i = 0; i < n; ++i) {
    p.task(p.body, "main/" + std::to_string(i), kernels[i % kernels.size()],
           cycles, {import(0)})
        .replicas = {
        TestProgram::replica(0, 0, static_cast<uint16_t>(i % peas), 1)};
    p.body.yields.push_back(output(i));
  }
}

/// A machine with costs, a fan-out of tasks of three kernels and a loop.
void buildMixed(TestProgram &p) {
  fb::MachineT &m = p.machine();
  m.config_store = 300;
  m.config_bytes_per_cycle = 1;
  m.local_dispatch_cycles = 4;
  m.central_dispatch_cycles = 10;
  m.command_cycles = 2;
  m.token_hop_cycles = 1;
  m.hop_cycles = 2;
  m.link_bytes_per_cycle = 8;
  m.scratchpad_bytes_per_cycle = 32;
  m.resize_fixed_cycles = 5;
  m.cb_decision_cycles = 2;
  std::vector<uint32_t> kernels;
  for (int i = 0; i < 3; ++i)
    kernels.push_back(
        p.profiledKernel(100, {{1, 65536}, {2, 36000}, {4, 20000}}));
  Val in = p.body.addImport(0, p.data, 64);
  p.task(p.body, "main/first", kernels[0], 400, {in}, 64);
  BlockSpec &fan = p.body.add(fb::BlockKind::Fanout, "main/f");
  fan.inputs = {output(0), output(0)};
  fan.outputs = {p.data};
  fan.outputBytes = {64};
  fan.joinKernel = p.joinKernel(fb::Combine::Add, 100, 100, 3);
  fan.profile = p.constantProfile(5);
  RegionSpec &each = fan.region(fb::RegionRole::Each);
  each.addImport(1, p.data, 64);
  p.task(each, "main/f/a", kernels[1], 900, {import(0)}, 64).profile =
      p.profile(*Distribution::logNormal(900, 0.5));
  each.blocks.back().byCopy = true;
  p.task(each, "main/f/b", kernels[2], 700, {output(0)}, 64);
  each.yields = {output(1)};
  p.body.yields = {output(1)};
  for (RegionSpec *region : {&p.body, &each})
    for (BlockSpec &block : region->blocks)
      for (uint32_t cluster = 0; cluster < 4; ++cluster)
        block.replicas.push_back(TestProgram::replica(
            cluster, static_cast<uint16_t>(block.kernel % 2), 0, 2, 4));
}

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

TEST(PolicyOptions, AreChecked) {
  auto messageOf = [](std::string_view policy, std::string setting) {
    auto made = createPolicy(policy, {}, {std::move(setting)});
    return made ? std::string("no error") : made.error().message;
  };
  EXPECT_EQ(messageOf("pool", "gang=2"), "no error");
  EXPECT_EQ(messageOf("pool", "gang"),
            "policy options are given as name=value, not 'gang'");
  EXPECT_EQ(messageOf("pool", "age=2"),
            "policy 'pool' has no option 'age'; it has gang");
  EXPECT_EQ(messageOf("octopus", "age=2"),
            "policy 'octopus' has no option 'age'; it has none");
  for (const char *bad : {"gang=0", "gang=65", "gang=-1", "gang=two", "gang="})
    EXPECT_NE(messageOf("pool", bad).find("takes a whole number from 1 to 64"),
              std::string::npos)
        << bad;
}

TEST(PolicyOptions, CapGangs) {
  for (const char *policy : {"static-even", "pool", "pool-affinity"}) {
    TestProgram p(1, 1, 1, 4);
    independent(p, 1, 1,
                {p.profiledKernel(0, {{1, 65536}, {2, 32768}, {4, 16384}})},
                400);
    const fb::Program &program = p.build();
    SimulationOptions options = optionsFor(policy, 1, 1);
    EXPECT_EQ(run(program, options).makespanCycles, 100u) << policy;
    options.policyOptions = {"gang=2"};
    RunResult r = run(program, options);
    EXPECT_EQ(r.makespanCycles, 200u) << policy;
    EXPECT_EQ(r.policyOptions, std::vector<std::string>{"gang=2"});
  }
}

//===----------------------------------------------------------------------===//
// Shares
//===----------------------------------------------------------------------===//

/// Two tasks on four PEAs: two PEAs each, whatever they cost; requests take
/// turns.
TEST(StaticEven, SharesAreEqual) {
  TestProgram p(1, 1, 1, 4);
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  p.task(p.body, "main/long", kernel, 1000, {import(0)});
  p.task(p.body, "main/short", kernel, 10, {import(0)});
  p.body.yields = {output(0), output(1)};
  // Four requests: two rounds of the long task on its two PEAs.
  RunResult r = run(p.build(), optionsFor("static-even", 4, 4));
  EXPECT_EQ(r.makespanCycles, 2000u);
}

/// Frequencies far from even: elastic gives the long task more PEAs, at first
/// by the compiler's numbers.
TEST(Elastic, SharesFollowTheLoad) {
  TestProgram p(1, 1, 1, 4);
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  p.task(p.body, "main/long", kernel, 1000, {import(0)});
  p.task(p.body, "main/short", kernel, 10, {import(0)});
  p.body.yields = {output(0), output(1)};
  RunResult r = run(p.build(), optionsFor("elastic", 6, 6));
  EXPECT_EQ(r.makespanCycles, 2000u);
}

/// Everything is mapped to one TBU; with reactive the other one gets tasks.
TEST(Reactive, MovesTasksOffABusyTbu) {
  TestProgram p(1, 1, 2, 2);
  p.epochCycles = 500;
  uint32_t kernel = p.profiledKernel();
  independent(p, 4, 2, {kernel}, 100);
  const fb::Program &program = p.build();
  RunResult fixed = run(program, optionsFor("static", 200, 8));
  SimulationOptions options = optionsFor("reactive", 200, 8);
  options.policyOptions = {"window=8"};
  RunResult r = run(program, options);
  EXPECT_GT(r.counters.migrations, 0u);
  EXPECT_LT(r.makespanCycles * 10, fixed.makespanCycles * 7);
}

/// One task on one PEA: nowhere is there less for it to do, so it gets copies.
TEST(Reactive, CopiesATaskThatIsTooLargeForItsSeat) {
  TestProgram p(1, 1, 2, 2);
  p.epochCycles = 500;
  independent(p, 1, 1, {p.profiledKernel()}, 100);
  const fb::Program &program = p.build();
  RunResult fixed = run(program, optionsFor("static", 400, 8));
  SimulationOptions options = optionsFor("reactive", 400, 8);
  options.policyOptions = {"window=8"};
  RunResult r = run(program, options);
  EXPECT_GE(fixed.makespanCycles, 40000u);
  // Four PEAs instead of one, once they have been found.
  EXPECT_LT(r.makespanCycles * 2, fixed.makespanCycles);
  // Nobody is below the lower threshold.
  options.policyOptions = {"window=8", "low=0"};
  EXPECT_GE(run(program, options).makespanCycles, 40000u);
}

//===----------------------------------------------------------------------===//
// Lists
//===----------------------------------------------------------------------===//

TEST(Heft, WantsGraphs) {
  TestProgram p(2, 2, 2, 4);
  buildMixed(p);
  Expected<RunResult> r = simulate(p.build(), optionsFor("heft", 1, 1));
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().message.find("use 'mct'"), std::string::npos);
}

/// A fork of unequal tasks on two PEAs: rank first, then earliest finish.
TEST(Heft, PlansByRank) {
  for (const char *policy : {"heft", "mct"}) {
    TestProgram p(1, 1, 1, 2);
    p.machine().central_dispatch_cycles = 7;
    uint32_t kernel = p.profiledKernel();
    p.body.addImport(0, p.token);
    for (int i = 0; i < 3; ++i) {
      p.task(p.body, "main/" + std::to_string(i), kernel, i ? 100 : 200,
             {import(0)})
          .priority = i ? 100 : 200;
      p.body.yields.push_back(output(i));
    }
    RunResult r = run(p.build(), optionsFor(policy, 1, 1));
    // Each mapping takes the dispatcher 7 cycles; the third task is mapped
    // last, and waits for the second.
    EXPECT_GE(r.makespanCycles, 207u) << policy;
    EXPECT_LE(r.makespanCycles, 221u) << policy;
  }
}

//===----------------------------------------------------------------------===//
// Clusters
//===----------------------------------------------------------------------===//

/// Code of the next task is loaded while the first one computes.
TEST(Staging, LoadsWhileOthersCompute) {
  for (bool staged : {true, false}) {
    TestProgram p(1, 1, 1, 1);
    p.machine().config_bytes_per_cycle = 1;
    uint32_t a = p.profiledKernel(100), b = p.profiledKernel(100);
    independent(p, 2, 1, {a, b}, 1000);
    SimulationOptions options = optionsFor("octopus", 1, 1);
    if (!staged)
      options.disable = {"atss"};
    RunResult r = run(p.build(), options);
    EXPECT_EQ(r.makespanCycles, staged ? 2100u : 2200u);
    EXPECT_EQ(r.counters.configLoads, 2u);
    EXPECT_EQ(r.counters.prefetches, staged ? 1u : 0u);
  }
}

/// Kernels take turns on one PEA whose store holds one of them: those that have
/// theirs resident overtake, but not for ever.
TEST(Affinity, SavesLoads) {
  uint64_t loads[2];
  for (int off = 0; off < 2; ++off) {
    TestProgram p(1, 1, 1, 1);
    p.machine().config_store = 100;
    p.machine().config_bytes_per_cycle = 1;
    uint32_t a = p.profiledKernel(100), b = p.profiledKernel(100);
    independent(p, 2, 1, {a, b}, 10);
    SimulationOptions options = optionsFor("octopus", 40, 8);
    options.disable = {"atss"};
    if (off)
      options.disable.push_back("ddsm");
    RunResult r = run(p.build(), options);
    EXPECT_EQ(r.requestsCompleted, 40u);
    loads[off] = r.counters.configLoads;
  }
  EXPECT_LT(loads[0] * 2, loads[1]);
}

/// A load takes ten tasks. With room for all code every TBU has it soon, and
/// then keeps it; without, what is there stays.
TEST(Affinity, DearCodeIsBoughtOnceOrStays) {
  for (bool room : {true, false}) {
    TestProgram p(1, 1, 4, 1);
    p.machine().config_store = room ? 2000 : 1000;
    p.machine().config_bytes_per_cycle = 1;
    uint32_t a = p.profiledKernel(1000), b = p.profiledKernel(1000);
    independent(p, 4, 1, {a, a, a, b}, 100);
    RunResult r = run(p.build(), optionsFor("octopus", 800, 16));
    EXPECT_EQ(r.requestsCompleted, 800u);
    EXPECT_LE(r.counters.configLoads, room ? 8u : 160u);
    // Four PEAs have 80,000 cycles to compute.
    EXPECT_LT(r.makespanCycles, room ? 84000u : 95000u);
  }
}

/// A load takes ten tasks, and no cluster has room for all kernels: neighbours
/// share them out, and work goes where its code is.
TEST(Affinity, DearCodeIsPinnedAmongClusters) {
  uint64_t loads[2], makespan[2];
  for (int off = 0; off < 2; ++off) {
    TestProgram p(2, 1, 1, 2);
    p.machine().config_store = 2000;
    p.machine().config_bytes_per_cycle = 1;
    std::vector<uint32_t> kernels;
    for (int i = 0; i < 4; ++i)
      kernels.push_back(p.profiledKernel(1000));
    independent(p, 4, 1, kernels, 100);
    SimulationOptions options = optionsFor("octopus", 400, 16);
    if (off)
      options.disable = {"ddsm"};
    RunResult r = run(p.build(), options);
    EXPECT_EQ(r.requestsCompleted, 400u);
    loads[off] = r.counters.configLoads;
    makespan[off] = r.makespanCycles;
  }
  EXPECT_LE(loads[0], 10u);
  EXPECT_GT(loads[1], 10 * loads[0]);
  // Four PEAs have 40,000 cycles to compute.
  EXPECT_LT(makespan[0], 45000u);
  EXPECT_GT(makespan[1], 2 * makespan[0]);
}

/// Requests go to and fro between two kernels, and a cluster has room for one
/// of them: tasks leave their data for the cluster where the compiler put their
/// code, and stay there though others may wait less.
TEST(Affinity, DearCodeStaysWhereItWasPut) {
  uint64_t loads[2];
  for (int off = 0; off < 2; ++off) {
    TestProgram p(2, 1, 1, 1);
    p.machine().config_store = 1500;
    p.machine().config_bytes_per_cycle = 1;
    uint32_t kernels[] = {p.profiledKernel(1000), p.profiledKernel(1000)};
    Val data = p.body.addImport(0, p.data, 64);
    for (uint32_t i = 0; i < 6; ++i) {
      p.task(p.body, "main/" + std::to_string(i), kernels[i % 2], 100, {data},
             64)
          .replicas = {TestProgram::replica(i % 2, 0, 0, 1)};
      data = output(i);
    }
    p.body.yields.push_back(data);
    SimulationOptions options = optionsFor("octopus", 200, 8);
    if (off)
      options.disable = {"ddsm"};
    RunResult r = run(p.build(), options);
    EXPECT_EQ(r.requestsCompleted, 200u);
    loads[off] = r.counters.configLoads;
  }
  EXPECT_EQ(loads[0], 2u);
  EXPECT_GT(loads[1], 20u);
}

/// Everything on PEA 0; what loads would cost when the last kernel is seen.
class Prices : public Policy {
public:
  static inline uint32_t kernels[3];
  static inline uint64_t delay[3], loss[3];
  static inline bool room[3], scarce;
  PolicyTraits traits() const override {
    PolicyTraits traits;
    traits.reach = Reach::Clusters;
    return traits;
  }
  void dispatch(Scheduler &s, uint32_t tbu, Trigger) override {
    for (uint32_t lane = s.firstLane(tbu); lane < s.firstLane(tbu + 1); ++lane)
      if (s.queueSize(lane))
        consider(s, tbu, s.queue(lane).front());
  }

private:
  void consider(Scheduler &s, uint32_t tbu, InstanceId id) {
    if (s.kernelOf(id) == kernels[2]) {
      scarce = s.codeIsScarce();
      for (uint32_t i = 0; i < 3; ++i) {
        delay[i] = s.codeDelay(tbu, kernels[i]);
        loss[i] = s.codeLoss(tbu, kernels[i]);
        room[i] = s.codeHasRoom(tbu, kernels[i]);
      }
    }
    s.start(id, tbu, 1);
  }
};

TEST(Affinity, LoadsArePriced) {
  PolicyInfo info;
  info.name = "prices";
  info.summary = "asks what loads cost";
  info.make = [](const PolicyOptions &) -> std::unique_ptr<Policy> {
    return std::make_unique<Prices>();
  };
  ASSERT_TRUE(registerPolicy(info));
  for (uint64_t store : {0u, 1200u, 1150u}) {
    TestProgram p(1, 1, 1, 1);
    p.machine().config_store = store;
    p.machine().config_bytes_per_cycle = 1;
    const uint32_t bytes[] = {1000, 100, 100};
    for (uint32_t i = 0; i < 3; ++i)
      Prices::kernels[i] = p.profiledKernel(bytes[i]);
    // Kernel 0 is loaded until 1000 and used again at 1010; 1 until 1120.
    const uint32_t order[] = {0, 0, 1, 2};
    p.body.addImport(0, p.token);
    for (uint32_t i = 0; i < 4; ++i)
      p.task(p.body, "main/" + std::to_string(i), Prices::kernels[order[i]], 10,
             {i ? output(i - 1) : import(0)});
    p.body.yields.push_back(output(3));
    run(p.build(), optionsFor("prices", 1, 1));
    EXPECT_EQ(Prices::delay[0], 0u);
    EXPECT_EQ(Prices::delay[2], 100u);
    EXPECT_EQ(Prices::loss[1], 0u);
    EXPECT_TRUE(Prices::room[0]);
    EXPECT_EQ(Prices::scarce, store == 1150) << store;
    EXPECT_EQ(Prices::room[2], store != 1150) << store;
    // At 1130 kernel 0 goes, if something has to: it was used 120 cycles ago.
    EXPECT_EQ(Prices::loss[2], store == 1150 ? 880u : 0u) << store;
  }
}

/// All requests begin in one cluster; the others are idle. Handing over costs
/// bytes on the mesh.
TEST(Clusters, WorkSpreadsToIdleNeighbours) {
  for (const char *policy : {"octopus", "pool-affinity"}) {
    TestProgram p(2, 2, 1, 2);
    p.machine().link_bytes_per_cycle = 8;
    uint32_t kernel = p.profiledKernel();
    Val in = p.body.addImport(0, p.data, 64);
    p.task(p.body, "main/first", kernel, 10, {in}, 64);
    for (uint32_t i = 0; i < 8; ++i) {
      p.task(p.body, "main/" + std::to_string(i), kernel, 1000, {output(0)});
      p.body.yields.push_back(output(1 + i));
    }
    RunResult r = run(p.build(), optionsFor(policy, 1, 1));
    // Eight on one cluster of two PEAs would take 4,000.
    EXPECT_LT(r.makespanCycles, 3100u) << policy;
    EXPECT_GT(r.counters.byteHops, 0u) << policy;
  }
}

/// Lanes of one PEA on 4 clusters of 16; filling one takes 1,000 cycles, a
/// request 1,600 on one PEA, so 100 in a cluster that it has for itself.
TEST(Lanes, OpenWhenWaitingCostsMoreThanFilling) {
  LaneRouter router(64, 1000, 1600, 64, 16);
  uint32_t first = router.enter();
  // Two lanes would fill at the same ports: 2,000 cycles, against 100 each.
  for (int i = 1; i <= 20; ++i)
    EXPECT_EQ(router.enter(), first) << i;
  uint32_t second = router.enter();
  EXPECT_NE(second, first);
  // The new lane has less before it.
  EXPECT_EQ(router.enter(), second);
  // The first one is filled when a request has left it.
  router.leave(first);
  router.leave(first);
  EXPECT_EQ(router.enter(), second);
}

TEST(Clusters, DecisionsAreCharged) {
  for (uint32_t dispatch : {0u, 50u}) {
    TestProgram p(1, 1, 1, 1);
    p.machine().local_dispatch_cycles = dispatch;
    p.machine().command_cycles = 3;
    independent(p, 1, 1, {p.profiledKernel()}, 100);
    RunResult r = run(p.build(), optionsFor("octopus", 1, 1));
    EXPECT_EQ(r.makespanCycles, 103u + dispatch);
  }
}

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

/// Goes over to a fresh policy with the state of the old one every so often.
class Resumed : public Policy {
public:
  static inline std::string name;
  static inline std::vector<std::string> settings;
  static inline uint64_t swaps;

  Resumed() : inner(make()) {}
  static std::unique_ptr<Policy> make() {
    return std::move(*createPolicy(name, {}, settings));
  }
  PolicyTraits traits() const override { return inner->traits(); }
  Expected<void> begin(Scheduler &s) override { return inner->begin(s); }
  uint32_t chooseReplica(Scheduler &s, InstanceId id) override {
    return inner->chooseReplica(s, id);
  }
  Place choosePlace(Scheduler &s, InstanceId id, uint32_t first) override {
    return inner->choosePlace(s, id, first);
  }
  void dispatch(Scheduler &s, uint32_t tbu, Trigger trigger) override {
    if (++calls % 100 == 0) {
      std::optional<std::string> state = inner->saveState();
      ASSERT_TRUE(state) << name;
      std::unique_ptr<Policy> fresh = make();
      ASSERT_TRUE(fresh->begin(s));
      ASSERT_TRUE(fresh->restoreState(*state)) << name;
      EXPECT_EQ(fresh->saveState(), state) << name;
      EXPECT_FALSE(fresh->restoreState(*state + "x")) << name;
      ASSERT_TRUE(fresh->restoreState(*state)) << name;
      inner = std::move(fresh);
      ++swaps;
    }
    inner->dispatch(s, tbu, trigger);
  }
  void epoch(Scheduler &s) override { inner->epoch(s); }

private:
  std::unique_ptr<Policy> inner;
  uint64_t calls = 0;
};

TEST(PolicyState, SavedAndLoadedGoesOnAsBefore) {
  PolicyInfo info;
  info.name = "resumed";
  info.make = [](const PolicyOptions &) -> std::unique_ptr<Policy> {
    return std::make_unique<Resumed>();
  };
  ASSERT_TRUE(registerPolicy(info));
  auto compare = [](TestProgram &p, const std::string &policy,
                    std::vector<std::string> settings) {
    const fb::Program &program = p.build();
    SimulationOptions options = optionsFor(policy, 120, 20);
    options.policyOptions = settings;
    RunResult plain = run(program, options);
    Resumed::name = policy;
    Resumed::settings = settings;
    Resumed::swaps = 0;
    RunResult resumed = run(program, optionsFor("resumed", 120, 20));
    EXPECT_GT(Resumed::swaps, 0u) << policy;
    EXPECT_EQ(plain.makespanCycles, resumed.makespanCycles) << policy;
    EXPECT_EQ(plain.events, resumed.events) << policy;
    EXPECT_EQ(plain.peaCycles, resumed.peaCycles) << policy;
  };
  for (const char *policy : generalPolicies) {
    TestProgram p(2, 2, 2, 4);
    p.epochCycles = 2000;
    buildMixed(p);
    std::vector<std::string> settings;
    if (std::string(policy) == "elastic" || std::string(policy) == "reactive")
      settings = {"window=4"};
    compare(p, policy, settings);
  }
  TestProgram p(1, 1, 2, 2);
  independent(p, 6, 2, {p.profiledKernel()}, 100);
  compare(p, "heft", {});
}

} // namespace
