//===- FaultsTest.cpp - Parts that die during a run -----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a run does does not depend on faults; whether it ends is what an
// independent oracle says; the numbers of a death, to the cycle.
//
//===----------------------------------------------------------------------===//

#include "FaultOracle.h"
#include "TestRun.h"

#include "octo/Runtime/Policy.h"

#include <random>

using namespace octo;
using namespace octo::test;

namespace {

FaultRule at(uint64_t cycle, PartRef part) {
  FaultRule rule;
  rule.cycle = cycle;
  rule.part = part;
  return rule;
}
PartRef pea(Coord cluster, uint32_t tbu, uint32_t number) {
  return {PartKind::Pea, cluster, tbu, number, {}};
}
PartRef cluster(Coord at) { return {PartKind::Cluster, at, 0, 0, {}}; }

/// Costs of all kinds.
void setCosts(fb::MachineT &m) {
  m.hop_cycles = 5;
  m.interface_cycles = 2;
  m.link_bytes_per_cycle = m.die_link_bytes_per_cycle = 16;
  m.die_hop_cycles = 5;
  m.link_buffer = 256;
  m.scratchpad_bytes_per_cycle = 32;
  m.config_bytes_per_cycle = 8;
  m.config_switch_cycles = 4;
  m.config_store = 1 << 16;
  m.cb_decision_cycles = 20;
  m.token_hop_cycles = 3;
  m.command_cycles = 6;
  m.local_dispatch_cycles = 10;
  m.central_dispatch_cycles = 12;
  m.resize_fixed_cycles = 30;
  m.host_in_bytes_per_cycle = m.host_out_bytes_per_cycle = 8;
  m.host_latency = 50;
}

/// Every kind of control block, weights, and values that move between clusters,
/// on 3 x 3 clusters of 2 TBUs with 4 PEAs; two memory ports.
void makeMixed(TestProgram &p, uint64_t scratchpad) {
  fb::MachineT &m = p.machine();
  setCosts(m);
  m.scratchpad = scratchpad;
  m.hbm = {fb::HbmPort(2, 16, 40, 0, 1 << 20),
           fb::HbmPort(6, 16, 40, 0, 1 << 20)};
  p.epochCycles = 500;
  uint32_t kernel = p.profiledKernel(400, {{1, 65536}, {2, 36000}, {4, 20000}},
                                     /*footprint=*/64);
  uint32_t other = p.profiledKernel(800, {{1, 65536}, {2, 40000}});
  uint32_t weightType = p.type(fb::ElementKind::F32, {100});
  uint32_t w = p.seededWeight(weightType, 400, 1);
  uint32_t concat = p.joinKernel(fb::Combine::Concat, 0, 655);
  auto on = [](BlockSpec &block, uint32_t a, uint32_t b) {
    block.replicas = {TestProgram::replica(a, a & 1, 0, 2),
                      TestProgram::replica(b, b & 1, 1, 3)};
  };
  p.body.addImport(0, p.data, 600);
  on(p.task(p.body, "main/a", kernel, 900, {import(0)}, 500), 1, 7);
  BlockSpec &b =
      p.task(p.body, "main/b", other, 700, {output(0), weight(w)}, 800);
  on(b, 4, 8);

  BlockSpec &s = p.body.add(fb::BlockKind::Switch, "main/s");
  s.inputs = {output(0), output(1)};
  s.decideInputs = 1;
  s.profile = p.frequencies({uint64_t(1) << 31, uint64_t(1) << 31});
  s.outputs = {p.data};
  s.outputBytes = {300};
  on(s, 5, 3);
  for (int c = 0; c < 2; ++c) {
    RegionSpec &region = s.region(fb::RegionRole::Case);
    region.addImport(1, p.data, 800);
    on(p.task(region, "main/s/t" + std::to_string(c), kernel, 400 + 500 * c,
              {import(0)}, 300),
       3, 5);
    region.yields = {output(0)};
  }

  BlockSpec &loop = p.body.add(fb::BlockKind::Loop, "main/l");
  loop.inputs = {output(2)};
  loop.profile = p.profile(*Distribution::uniform(0, 4));
  loop.outputs = {p.data};
  loop.outputBytes = {300};
  on(loop, 4, 1);
  RegionSpec &after = loop.region(fb::RegionRole::After);
  after.addImport(0, p.data, 300);
  on(p.task(after, "main/l/t", other, 350, {import(0)}, 300), 6, 2);
  after.yields = {output(0)};

  BlockSpec &f = p.body.add(fb::BlockKind::Fanout, "main/f");
  f.inputs = {output(3)};
  f.profile = p.profile(*Distribution::uniform(0, 6));
  f.outputs = {p.data};
  f.outputBytes = {300};
  f.joinKernel = concat;
  on(f, 7, 0);
  RegionSpec &each = f.region(fb::RegionRole::Each);
  each.addImport(0, p.data, 300);
  on(p.task(each, "main/f/t", kernel, 600, {import(0)}, 200), 8, 4);
  each.yields = {output(0)};

  BlockSpec &select = p.body.add(fb::BlockKind::Select, "main/m");
  select.inputs = {output(4)};
  select.profile =
      p.frequencies({uint64_t(3) << 30, uint64_t(1) << 30, uint64_t(1) << 31});
  select.outputs = {p.data};
  select.outputBytes = {300};
  select.joinKernel = concat;
  on(select, 2, 6);
  for (int c = 0; c < 3; ++c) {
    RegionSpec &region = select.region(fb::RegionRole::Member);
    region.addImport(0, p.data, 300);
    on(p.task(region, "main/m/t" + std::to_string(c), other, 300 + 90 * c,
              {import(0)}, 100),
       1, 7);
    region.yields = {output(0)};
  }
  on(p.task(p.body, "main/z", other, 500, {output(5), output(1), output(0)},
            256),
     0, 4);
  p.body.yields = {output(6)};
}

/// Whatever is the same for all runs of a program.
void expectSameWork(const RunResult &r, const RunResult &without) {
  EXPECT_EQ(r.requestsCompleted, without.requestsCompleted);
  EXPECT_EQ(r.realisedWorkCycles, without.realisedWorkCycles);
  ASSERT_EQ(r.blocks.size(), without.blocks.size());
  for (size_t b = 0; b < r.blocks.size(); ++b) {
    EXPECT_EQ(r.blocks[b].instances, without.blocks[b].instances) << b;
    EXPECT_EQ(r.blocks[b].workCycles, without.blocks[b].workCycles) << b;
    EXPECT_TRUE(std::ranges::equal(r.outcomesOf(r.blocks[b]),
                                   without.outcomesOf(without.blocks[b])))
        << b;
  }
}

SimulationOptions mixedOptions(const std::string &policy) {
  SimulationOptions options;
  options.policy = policy;
  options.timingOnly = true;
  options.scenario.requests = 6;
  options.scenario.seed = 5;
  options.scenario.stop.maxCycles = 100'000'000;
  Tenant tenant;
  tenant.arrivals.inFlight = 3;
  options.scenario.tenants.push_back(tenant);
  return options;
}

/// Random parts at random cycles, a few of one kind or some of all.
TEST(Faults, WorkIsTheSameAndTheOracleSaysWhetherItEnds) {
  const uint64_t scratchpads[] = {uint64_t(1) << 40, 6000};
  std::mt19937_64 random(11);
  uint64_t completed = 0, lost = 0, remade = 0, joins = 0, back = 0,
           decisions = 0;
  for (const char *policy : generalPolicies)
    for (uint64_t scratchpad : scratchpads) {
      TestProgram p(3, 3, 2, 4);
      makeMixed(p, scratchpad);
      const fb::Program &program = p.build();
      SimulationOptions options = mixedOptions(policy);
      RunResult without = run(program, options);
      ASSERT_EQ(without.status, RunStatus::Completed) << policy;
      for (unsigned seed = 0; seed < 60; ++seed) {
        static constexpr NetworkModel models[] = {
            NetworkModel::Message, NetworkModel::Link, NetworkModel::Flit};
        options.network = models[seed % 10 == 9 ? 2 : seed % 2];
        options.scenario.faults.clear();
        unsigned kind = seed % 8;
        unsigned count = kind == 0 ? 1 + seed / 2 : 1 + seed / 12;
        for (unsigned i = 0; i < count; ++i) {
          auto below = [&](uint32_t n) { return uint32_t(random() % n); };
          PartRef part;
          part.kind = PartKind(kind < 6 ? kind : below(6));
          part.cluster = {below(3), below(3)};
          part.unit = below(2);
          part.pea = below(4);
          if (part.kind == PartKind::Link) {
            part.cluster = {below(2), below(3)};
            part.to = {part.cluster.x + 1, part.cluster.y};
            if (below(2))
              part.cluster = {part.cluster.y, part.cluster.x},
              part.to = {part.to.y, part.to.x};
          }
          options.scenario.faults.push_back(
              at(random() % without.makespanCycles, part));
        }
        SCOPED_TRACE(
            fmt::format("{} seed {} scratchpad {}", policy, seed, scratchpad));
        RunResult r = run(program, options);
        FaultOracle oracle(program);
        for (const FaultRule &rule : options.scenario.faults)
          if (rule.cycle <= r.makespanCycles)
            oracle.kill(rule.part);
        std::string missing = oracle.missing();
        if (missing.empty()) {
          ASSERT_EQ(r.status, RunStatus::Completed);
          expectSameWork(r, without);
          ++completed;
        } else {
          ASSERT_EQ(r.status, RunStatus::MachineLost) << missing;
          EXPECT_FALSE(r.faults.lacking.empty());
          ++lost;
        }
        remade += r.faults.tasksReexecuted;
        joins += r.faults.joinsReexecuted;
        back += r.faults.instancesSetBack;
        decisions += r.faults.decisionsRepeated;
        if (seed % 16 == 3) {
          RunResult again = run(program, options);
          EXPECT_EQ(again.makespanCycles, r.makespanCycles);
          EXPECT_EQ(again.events, r.events);
          EXPECT_EQ(again.peaCycles, r.peaCycles);
        }
        if (testing::Test::HasFailure())
          return;
      }
    }
  EXPECT_GT(completed, 10 * lost);
  EXPECT_GT(lost, 5u);
  // All the ways of recovery were gone.
  EXPECT_GT(remade, 100u);
  EXPECT_GT(joins, 5u);
  EXPECT_GT(back, 100u);
  EXPECT_GT(decisions, 3u);
}

/// A run that has faults, but none before its end, is the run without.
TEST(Faults, NothingDiesNothingChanges) {
  for (const char *policy : generalPolicies) {
    TestProgram p(3, 3, 2, 4);
    makeMixed(p, 6000);
    const fb::Program &program = p.build();
    SimulationOptions options = mixedOptions(policy);
    RunResult without = run(program, options);
    options.scenario.faults = {at(without.makespanCycles + 1, cluster({1, 1}))};
    RunResult with = run(program, options);
    EXPECT_EQ(with.makespanCycles, without.makespanCycles) << policy;
    EXPECT_EQ(with.events, without.events) << policy;
    EXPECT_EQ(with.peaCycles, without.peaCycles) << policy;
    EXPECT_EQ(with.counters.spills, without.counters.spills) << policy;
    EXPECT_TRUE(with.faults.parts.empty());
  }
}

/// One task of 1000 cycles on a TBU of two PEAs. Its PEA dies at 400: the work
/// so far is lost, and the other PEA takes it when the death is known.
TEST(Faults, LostWorkToTheCycle) {
  TestProgram p(1, 1, 1, 2);
  p.machine().local_dispatch_cycles = 10;
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  p.task(p.body, "main/t", kernel, 1000, {import(0)}).replicas = {
      TestProgram::replica(0, 0, 0, 2, 1)};
  p.body.yields = {output(0)};
  SimulationOptions options;
  options.policy = "octopus";
  options.timingOnly = true;
  options.scenario.faultDetectionCycles = 50;
  options.scenario.faults = {at(400, pea({0, 0}, 0, 0))};
  RunResult r = run(p.build(), options);
  EXPECT_EQ(r.status, RunStatus::Completed);
  EXPECT_EQ(r.makespanCycles, 400u + 50 + 10 + 1000);
  EXPECT_EQ(r.faults.lostPeaCycles, 400u);
  EXPECT_EQ(r.faults.recoveryCycles, 60u);
  EXPECT_EQ(r.faults.instancesSetBack, 1u);
  EXPECT_EQ(r.peaCycles[unsigned(PeaState::Faulty)], r.makespanCycles - 400);
  EXPECT_EQ(r.peaCycles[unsigned(PeaState::Computing)], 390u + 1000);
  EXPECT_EQ(r.livePeas, 1u);
  ASSERT_EQ(r.faults.blocks.size(), 1u);
  EXPECT_EQ(r.faults.blocks[0].setBack, 1u);
}

/// a runs in the middle cluster, then b at the right end. The middle one dies
/// while its value is on its way: a is run again, and before it the argument
/// comes from the host again.
TEST(Faults, LineageGoesBackToTheArguments) {
  TestProgram p(3, 2, 1, 1);
  p.machine().hop_cycles = 5;
  p.machine().interface_cycles = 2;
  p.machine().link_bytes_per_cycle = 1;
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.data, 100);
  p.task(p.body, "main/a", kernel, 1000, {import(0)}, 600).replicas = {
      TestProgram::replica(1, 0, 0, 1)};
  p.task(p.body, "main/b", kernel, 1000, {output(0)}).replicas = {
      TestProgram::replica(2, 0, 0, 1)};
  p.body.yields = {output(1)};
  SimulationOptions options;
  options.policy = "static";
  options.timingOnly = true;
  const fb::Program &program = p.build();
  // From the host; 2 routers, interface, 100 flits; a.
  uint64_t sent = 1 + 111 + 1000;
  RunResult without = run(program, options);
  EXPECT_EQ(without.makespanCycles, sent + 611 + 1000);
  options.scenario.faults = {at(sent + 100, cluster({1, 0}))};
  RunResult r = run(program, options);
  EXPECT_EQ(r.status, RunStatus::Completed);
  EXPECT_EQ(r.faults.valuesLost, 1u);
  EXPECT_EQ(r.faults.tasksReexecuted, 1u);
  EXPECT_EQ(r.faults.argumentsFetched, 1u);
  EXPECT_EQ(r.faults.requestsRestarted, 1u);
  EXPECT_EQ(r.faults.messagesRepeated, 1u);
  EXPECT_EQ(r.faults.replicasMoved, 1u);
  // a moves to cluster 0, where the argument comes in: known after 256 cycles,
  // fetched and read in one cycle each, run, sent around the dead cluster (5
  // routers).
  EXPECT_EQ(r.makespanCycles,
            sent + 100 + 256 + 2 + 1000 + (5 * 5 + 2 + 599) + 1000);
}

/// The code of the tasks writes into inputs that are theirs alone; outputs are
/// the same when they are run again.
TEST(Faults, OutputsAreTheSame) {
  for (const char *policy : generalPolicies) {
    TestProgram p(2, 2, 1, 2);
    setCosts(p.machine());
    uint32_t type = p.type(fb::ElementKind::F32, {64});
    uint32_t kernel = p.imageKernel(1, 1, 500);
    p.program.kernels->donated[kernel] = 1;
    p.body.addImport(0, type, 256);
    for (uint32_t k = 0; k < 6; ++k) {
      BlockSpec &t =
          p.body.add(fb::BlockKind::Task, "main/" + std::to_string(k));
      t.kernel = kernel;
      t.inputs = {k ? output(k - 1) : import(0)};
      t.outputs = {type};
      t.outputBytes = {256};
      t.replicas = {TestProgram::replica(k * 3 % 4, 0, 0, 2, 1)};
    }
    p.body.yields = {output(5)};
    FunctionExecutor executor;
    executor.functions[kernel] = [](std::span<const Tensor> in,
                                    std::span<Tensor> out,
                                    std::span<int64_t>) -> Expected<void> {
      Tensor result = Tensor::allocate(ElementKind::F32, {64});
      for (int i = 0; i < 64; ++i)
        result.as<float>()[i] = 1.5f * in[0].as<float>()[i] + float(i);
      out[0] = result;
      return {};
    };
    SimulationOptions options;
    options.policy = policy;
    options.scenario.requests = 4;
    options.scenario.tenants.emplace_back();
    const fb::Program &program = p.build();
    RunResult without = run(program, options, &executor);
    ASSERT_EQ(without.status, RunStatus::Completed);
    std::mt19937 random(3);
    for (unsigned seed = 0; seed < 20; ++seed) {
      options.scenario.faults.clear();
      for (Coord c : {Coord{1, 0}, Coord{0, 1}, Coord{1, 1}})
        if (random() % 2)
          options.scenario.faults.push_back(
              at(random() % without.makespanCycles, cluster(c)));
      options.scenario.faults.push_back(
          at(random() % without.makespanCycles, pea({0, 0}, 0, seed % 2)));
      RunResult r = run(program, options, &executor);
      EXPECT_EQ(r.status, RunStatus::Completed) << policy << " " << seed;
      EXPECT_EQ(r.outputsSha256, without.outputsSha256) << policy;
    }
  }
}

/// A request that fails while values are being made again for it.
TEST(Faults, FailedRequests) {
  TestProgram p(3, 3, 2, 4);
  makeMixed(p, 6000);
  p.body.blocks[3].bound = 1; // the loop: most requests go past it
  const fb::Program &program = p.build();
  for (const char *policy : generalPolicies) {
    SimulationOptions options = mixedOptions(policy);
    options.scenario.requests = 12;
    RunResult without = run(program, options);
    ASSERT_GT(without.requestsFailed, 0u);
    ASSERT_GT(without.requestsCompleted, 0u);
    std::mt19937 random(7);
    for (unsigned seed = 0; seed < 30; ++seed) {
      options.scenario.faults = {
          at(random() % without.makespanCycles,
             cluster({1 + seed % 2, seed / 2 % 3})),
          at(random() % without.makespanCycles, cluster({0, 1 + seed % 2}))};
      RunResult r = run(program, options);
      EXPECT_EQ(r.status, RunStatus::Completed) << policy << " " << seed;
      EXPECT_EQ(r.requestsFailed, without.requestsFailed);
    }
  }
}

/// Faults of the target and of the scenario; parts that are dead already.
TEST(Faults, FromTheTarget) {
  TestProgram p(2, 1, 1, 2);
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  p.task(p.body, "main/t", kernel, 1000, {import(0)}).replicas = {
      TestProgram::replica(1, 0, 0, 1)};
  p.body.yields = {output(0)};
  p.machine().faults = {fb::FaultEvent(100, 2, 0, fb::FaultKind::Pea),
                        fb::FaultEvent(300, 1, 0, fb::FaultKind::Tbu)};
  SimulationOptions options;
  options.policy = "static";
  options.timingOnly = true;
  options.scenario.faultDetectionCycles = 50;
  options.scenario.faults = {at(200, pea({1, 0}, 0, 0))};
  RunResult r = run(p.build(), options);
  EXPECT_EQ(r.status, RunStatus::Completed);
  ASSERT_EQ(r.faults.parts.size(), 3u);
  EXPECT_EQ(r.faults.parts[0].instancesSetBack, 1u);
  EXPECT_TRUE(r.faults.parts[1].already);
  EXPECT_EQ(describe(r.faults.parts[2].part), "TBU 0 of cluster (1, 0)");
  EXPECT_EQ(r.faults.parts[2].instancesSetBack, 1u);
}

TEST(Faults, Rejected) {
  TestProgram p(2, 2, 1, 2);
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  p.task(p.body, "main/t", kernel, 10, {import(0)});
  p.body.yields = {output(0)};
  const fb::Program &program = p.build();
  auto message = [&](FaultRule rule) {
    rule.file = "s.yaml";
    rule.line = 3;
    rule.column = 5;
    SimulationOptions options;
    options.timingOnly = true;
    options.scenario.faults = {rule};
    Expected<RunResult> r = simulate(program, options);
    return r ? std::string("accepted") : r.error().str();
  };
  EXPECT_EQ(message(at(1, cluster({2, 0}))),
            "s.yaml:3:5: error: there is no cluster (2, 0): the mesh has 2 x 2 "
            "clusters");
  EXPECT_EQ(message(at(1, pea({0, 0}, 1, 0))),
            "s.yaml:3:5: error: there is no PEA 0 of TBU 1 of cluster (0, 0): "
            "a cluster has 1 TBUs");
  EXPECT_EQ(message(at(1, pea({0, 0}, 0, 2))),
            "s.yaml:3:5: error: there is no PEA 2 of TBU 0 of cluster (0, 0): "
            "a TBU has 2 PEAs");
  EXPECT_EQ(message(at(1, {PartKind::Hbm, {}, 0, 0, {}})),
            "s.yaml:3:5: error: there is no HBM port 0: the machine has 0");
  EXPECT_EQ(message(at(1, {PartKind::Link, {0, 0}, 0, 0, {1, 1}})),
            "s.yaml:3:5: error: the link between cluster (0, 0) and "
            "cluster (1, 1) does not exist: links join neighbours");
  FaultRule drawn;
  drawn.drawn = true;
  drawn.part.kind = PartKind::Cluster;
  drawn.count = 5;
  EXPECT_EQ(message(drawn), "s.yaml:3:5: error: asks for 5 dead parts of kind "
                            "`cluster`, but 4 are alive");
}

/// In a column of clusters, too, a dead link cuts off what is behind it.
TEST(Faults, LinkOfAColumn) {
  for (bool defect : {false, true}) {
    TestProgram p(1, 3, 1, 1);
    uint32_t kernel = p.profiledKernel();
    p.body.addImport(0, p.token);
    p.task(p.body, "main/t", kernel, 100, {import(0)}).replicas = {
        TestProgram::replica(1, 0, 0, 1)};
    p.body.yields = {output(0)};
    SimulationOptions options;
    options.timingOnly = true;
    if (defect)
      p.machine().dead_links = {fb::LinkId(0, 1), fb::LinkId(1, 0)};
    else
      options.scenario.faults = {
          at(50, {PartKind::Link, {0, 0}, 0, 0, {0, 1}})};
    const fb::Program &program = p.build();
    Expected<RunResult> r = simulate(program, options);
    if (defect) {
      ASSERT_FALSE(r);
      EXPECT_NE(r.error().message.find("which dead links cut off"),
                std::string::npos);
      continue;
    }
    ASSERT_TRUE(r) << r.error().str();
    ASSERT_EQ(r->faults.parts.size(), 1u);
    EXPECT_FALSE(r->faults.parts[0].already);
    EXPECT_EQ(r->faults.replicasMoved, 1u);
    EXPECT_EQ(r->faults.instancesSetBack, 1u);
  }
}

/// Drawn parts: so many, within their time, others for another seed.
TEST(Faults, Drawn) {
  TestProgram p(4, 4, 2, 4);
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  p.task(p.body, "main/t", kernel, 5000, {import(0)});
  p.body.yields = {output(0)};
  const fb::Program &program = p.build();
  auto parts = [&](uint64_t seed) {
    SimulationOptions options;
    options.timingOnly = true;
    FaultRule rule;
    rule.drawn = rule.byRate = rule.ownSeed = true;
    rule.rateQ32 = (uint64_t(1) << 32) / 4;
    rule.seed = seed;
    rule.from = 1000;
    rule.to = 2000;
    options.scenario.faults = {rule};
    return run(program, options).faults.parts;
  };
  std::vector<FaultStatistics::Part> one = parts(1), two = parts(2);
  ASSERT_EQ(one.size(), 32u);
  ASSERT_EQ(two.size(), 32u);
  bool differ = false;
  for (size_t i = 0; i < one.size(); ++i) {
    EXPECT_GE(one[i].cycle, 1000u);
    EXPECT_LE(one[i].cycle, 2000u);
    EXPECT_FALSE(one[i].already);
    differ |= !(one[i].part == two[i].part);
  }
  EXPECT_TRUE(differ);
}

} // namespace
