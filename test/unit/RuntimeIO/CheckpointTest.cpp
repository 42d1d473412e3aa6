//===- CheckpointTest.cpp - Runs that are interrupted and resumed ---------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A run that is resumed must end as if it had never been interrupted, in all
// numbers and in what it tells from there on. Files that are not checkpoints of
// the run at hand must be refused.
//
//===----------------------------------------------------------------------===//

#include "../Runtime/RunRecorder.h"
#include "../Runtime/TestRun.h"

#include "octo/Program/Philox.h"
#include "octo/Runtime/Policy.h"
#include "octo/Runtime/Report.h"

#include "Checkpoint.h"
#include "State.h"

#include <filesystem>
#include <fstream>
#include <iterator>

using namespace octo;
using namespace octo::test;

namespace {

/// A loop over a fan-out and a select, a switch, weights, large values and
/// small memories on two dies of two clusters each: everything that can be on
/// its way.
void buildBusyProgram(TestProgram &p) {
  fb::MachineT &m = p.machine();
  m.dies_x = 2;
  m.clusters_x = 2;
  m.hop_cycles = 6;
  m.interface_cycles = 2;
  m.link_bytes_per_cycle = 32;
  m.die_link_bytes_per_cycle = 8;
  m.die_hop_cycles = 20;
  m.scratchpad = 24 << 10;
  m.scratchpad_bytes_per_cycle = 64;
  m.config_store = 40 << 10;
  m.config_bytes_per_cycle = 32;
  m.config_switch_cycles = 16;
  m.cb_decision_cycles = 20;
  m.token_hop_cycles = 2;
  m.command_cycles = 4;
  m.local_dispatch_cycles = 8;
  m.central_dispatch_cycles = 8;
  m.host_in_bytes_per_cycle = m.host_out_bytes_per_cycle = 64;
  m.host_latency = 500;
  m.resize_fixed_cycles = 100;
  m.hbm.emplace_back(0, 64, 100, 0, uint64_t(1) << 34);
  m.hbm.emplace_back(3, 64, 100, 0, uint64_t(1) << 34);
  p.epochCycles = 5000;
  auto kernel = [&] {
    return p.profiledKernel(16384, {{1, 65536}, {2, 35000}, {4, 18900}}, 4096);
  };
  uint32_t f32 = p.type(fb::ElementKind::F32, {1024});
  uint32_t weights = p.seededWeight(f32, 4096, 1);
  auto everywhere = [&](BlockSpec &block, uint16_t tbu) {
    for (uint32_t c = 0; c < 4; ++c)
      block.replicas.push_back(
          TestProgram::replica((c + tbu) % 4, tbu % 2, 0, 4));
  };
  p.body.addImport(0, p.data, 2048);
  BlockSpec &head =
      p.task(p.body, "head", kernel(), 900, {import(0), weight(weights)}, 3000);
  head.profile = p.profile(Distribution::exponential(900));
  everywhere(head, 0);

  BlockSpec &loop = p.body.add(fb::BlockKind::Loop, "l");
  loop.inputs = {output(0)};
  loop.outputs = {p.data};
  loop.outputBytes = {2000};
  loop.profile = p.profile(*Distribution::geometric(0.3));
  RegionSpec &after = loop.region(fb::RegionRole::After);
  after.addImport(0, p.data, 2000);
  BlockSpec &f = after.add(fb::BlockKind::Fanout, "l/f");
  f.inputs = {import(0), import(0)};
  f.outputs = {p.data};
  f.outputBytes = {2000};
  f.joinKernel = p.joinKernel(fb::Combine::Add, 65536, 6553);
  f.profile = p.profile(*Distribution::uniform(0, 24));
  RegionSpec &each = f.region(fb::RegionRole::Each);
  each.addImport(1, p.data, 2000);
  BlockSpec &part =
      p.task(each, "l/f/t", kernel(), 1500, {import(0), weight(weights)}, 1500);
  part.profile = p.profile(Distribution::exponential(1500));
  part.byCopy = true;
  everywhere(part, 1);
  each.yields = {output(0)};
  BlockSpec &select = after.add(fb::BlockKind::Select, "l/s");
  select.inputs = {output(0), output(0), output(0)};
  select.decideInputs = 1;
  select.outputs = {p.data};
  select.outputBytes = {1000};
  select.joinKernel = p.joinKernel(fb::Combine::Max, 65536);
  select.profile = p.frequencies({uint64_t(1) << 31, uint64_t(3) << 30});
  for (uint16_t i = 0; i < 2; ++i) {
    RegionSpec &member = select.region(fb::RegionRole::Member);
    member.addImport(2, p.data, 2000);
    BlockSpec &t = p.task(member, "l/s/" + std::to_string(i), kernel(), 700,
                          {import(0)}, 1000);
    t.profile = p.profile(*Distribution::uniform(100, 1300));
    everywhere(t, i);
    member.yields = {output(0)};
  }
  after.yields = {output(1)};

  BlockSpec &choice = p.body.add(fb::BlockKind::Switch, "c");
  choice.inputs = {output(1), output(1)};
  choice.decideInputs = 1;
  choice.outputs = {p.data};
  choice.outputBytes = {500};
  choice.profile = p.frequencies({uint64_t(1) << 30, uint64_t(3) << 30});
  for (uint16_t i = 0; i < 2; ++i) {
    RegionSpec &region = choice.region(fb::RegionRole::Case);
    region.addImport(1, p.data, 2000);
    BlockSpec &t = p.task(region, "c/" + std::to_string(i), kernel(), 400,
                          {import(0)}, 500);
    everywhere(t, i);
    region.yields = {output(0)};
  }
  // A segment of two tasks, one of which streams to the other.
  SegmentSpec segment;
  segment.lanes = 4;
  for (uint32_t i = 0; i < 2; ++i) {
    BlockSpec &t = p.task(p.body, "stage" + std::to_string(i), kernel(), 2400,
                          {output(2 + i)}, 4000);
    everywhere(t, uint16_t(i));
    segment.slots.emplace_back(3 + i, 0, 20000 + i * 300, 2400);
  }
  p.segments.push_back(segment);
  p.streams = {{4, 0, 8, 1}};
  p.body.yields = {output(4)};
}

class Checkpoints : public testing::Test {
protected:
  Checkpoints() : program(4, 1, 2, 4) {
    folder = std::filesystem::path(testing::TempDir()) /
             ("octo-checkpoint-" + std::to_string(::getpid()) +
              testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder);
    buildBusyProgram(program);
    root = &program.build();
  }
  ~Checkpoints() override { std::filesystem::remove_all(folder); }

  std::string path(const char *name = "c") { return (folder / name).string(); }

  SimulationOptions options(const std::string &policy, uint64_t seed) {
    SimulationOptions o;
    o.policy = policy;
    o.timingOnly = true;
    o.recordOutcomes = true;
    o.scenario.requests = 14;
    o.scenario.seed = seed;
    o.scenario.warmUpRequests = 2;
    Tenant loop;
    loop.arrivals.inFlight = 5;
    o.scenario.tenants.push_back(loop);
    Tenant poisson;
    poisson.arrivals.kind = Arrivals::Kind::Poisson;
    poisson.arrivals.meanGapCycles = 3000;
    o.scenario.tenants.push_back(poisson);
    return o;
  }

  std::string json(const RunResult &result) {
    return simulatedJson(result, *root) + formatProfileJson(result, *root);
  }

  RunResult simulateGood(const SimulationOptions &o, TraceSink *sink = nullptr,
                         const ProgressCallback &progress = {}) {
    Expected<RunResult> result = simulate(*root, o, nullptr, sink, progress);
    EXPECT_TRUE(result) << result.error().str();
    return result ? std::move(*result) : RunResult();
  }

  static std::string firstDifference(const std::string &a,
                                     const std::string &b) {
    size_t at =
        std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
    size_t from = at < 60 ? 0 : at - 60;
    return a == b ? ""
                  : "'" + a.substr(from, 120) + "' against '" +
                        b.substr(from, 120) + "'";
  }

  /// Checkpoints a run after this part of its events and resumes it. What the
  /// run reports goes into `full`, the cycle of the checkpoint into `at`.
  void check(SimulationOptions o, double part, RunResult &full, uint64_t &at) {
    RunRecorder whole;
    full = simulateGood(o, &whole);
    std::string expected = json(full);
    if (o.scenario.faults.empty())
      ASSERT_EQ(full.status, RunStatus::Completed);
    else
      ASSERT_TRUE(full.status == RunStatus::Completed ||
                  full.status == RunStatus::MachineLost);
    seen.spills += full.counters.spills;
    seen.weightEvictions += full.counters.weightEvictions;
    seen.resizes += full.counters.resizes;
    seen.migrations += full.counters.migrations;
    seen.creditWaits += full.counters.creditWaits;
    seen.prefetches += full.counters.prefetches;
    seen.joins += full.counters.joins;
    seen.streams += full.counters.streams;
    seen.streamStalls += full.counters.streamStalls;
    again.tasksReexecuted += full.faults.tasksReexecuted;
    again.joinsReexecuted += full.faults.joinsReexecuted;
    again.instancesSetBack += full.faults.instancesSetBack;
    again.argumentsFetched += full.faults.argumentsFetched;
    again.messagesRepeated += full.faults.messagesRepeated;
    again.controlsMoved += full.faults.controlsMoved;
    again.replicasMoved += full.faults.replicasMoved;
    // What writes a checkpoint is not changed by it.
    std::filesystem::remove(path());
    o.checkpoint.file = path();
    o.checkpoint.atEvent = 1 + uint64_t(part * double(full.events - 2));
    RunRecorder observed(path());
    RunResult writer = simulateGood(o, &observed);
    ASSERT_EQ(writer.host.checkpoints, 1u);
    ASSERT_GE(writer.host.checkpointEvents, o.checkpoint.atEvent);
    at = writer.host.checkpointCycle;
    EXPECT_EQ(firstDifference(json(writer), expected), "");
    EXPECT_TRUE(observed.lines == whole.lines);
    // What goes on from it ends in the same way.
    o.checkpoint = {};
    o.checkpoint.resume = path();
    RunRecorder rest;
    EXPECT_EQ(firstDifference(json(simulateGood(o, &rest)), expected), "");
    rest.lines.insert(rest.lines.begin(), whole.lines.begin(),
                      whole.lines.begin() + ptrdiff_t(observed.before));
    EXPECT_TRUE(rest.lines == whole.lines);
    EXPECT_EQ(firstDifference(json(simulateGood(o)), expected), "");
  }
  void check(const SimulationOptions &o, double part) {
    RunResult full;
    uint64_t at;
    check(o, part, full, at);
  }

  std::string errorOf(const SimulationOptions &o) {
    Expected<RunResult> result = simulate(*root, o);
    return result ? "" : result.error().str();
  }

  Counters seen;         ///< sums over the runs of check()
  FaultStatistics again; ///< the same
  std::filesystem::path folder;
  TestProgram program;
  const fb::Program *root;
};

TEST_F(Checkpoints, GoOnAsIfNothingHadBeen) {
  const NetworkModel networks[] = {NetworkModel::Message, NetworkModel::Flit,
                                   NetworkModel::Link};
  const char *policies[] = {"static", "pool", "octopus"};
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimulationOptions o = options(policies[seed % 3], seed);
    o.network = networks[seed / 3 % 3];
    SCOPED_TRACE(fmt::format("seed {}", seed));
    check(o, double(philox64(99, seed, 0) >> 11) * 0x1p-53);
    if (HasFatalFailure())
      return;
  }
  // The runs had everything in them that the machine can do.
  EXPECT_GT(seen.spills, 0u);
  EXPECT_GT(seen.weightEvictions, 0u);
  EXPECT_GT(seen.resizes, 0u);
  EXPECT_GT(seen.migrations, 0u);
  EXPECT_GT(seen.creditWaits, 0u);
  EXPECT_GT(seen.prefetches, 0u);
  EXPECT_GT(seen.joins, 0u);
  EXPECT_GT(seen.streams, 0u);
  EXPECT_GT(seen.streamStalls, 0u);
}

/// Before a part dies and after it, while what it took is made again; on some
/// seeds several die, one after the other.
TEST_F(Checkpoints, GoOnWhereThePartsDie) {
  const NetworkModel networks[] = {NetworkModel::Message, NetworkModel::Link,
                                   NetworkModel::Flit};
  const PartKind kinds[] = {PartKind::Pea,  PartKind::Tbu,     PartKind::Cbu,
                            PartKind::Link, PartKind::Cluster, PartKind::Hbm};
  unsigned before = 0, after = 0, lost = 0;
  for (uint64_t seed = 0; seed < 56; ++seed) {
    SimulationOptions o = options(generalPolicies[seed % 8], seed);
    o.network = networks[seed / 8 % 3];
    o.scenario.stop.maxEvents = 3'000'000; // none goes on for ever
    uint64_t length = simulateGood(o).makespanCycles;
    for (uint64_t k = 0; k < 1 + seed % 2; ++k) {
      FaultRule rule;
      rule.part.kind = kinds[(seed + seed / 8 + 3 * k) % 6];
      rule.drawn = true;
      rule.count = rule.part.kind == PartKind::Pea ? 4 : 1;
      rule.to = length;
      o.scenario.faults.push_back(rule);
    }
    SCOPED_TRACE(fmt::format("seed {}", seed));
    RunResult full;
    uint64_t at = 0;
    check(o, double(philox64(98, seed, 0) >> 11) * 0x1p-53, full, at);
    if (HasFatalFailure())
      return;
    EXPECT_NE(full.status, RunStatus::EventLimit);
    for (const FaultStatistics::Part &part : full.faults.parts)
      ++(part.cycle < at ? after : before);
    lost += full.status == RunStatus::MachineLost;
  }
  EXPECT_GT(before, 20u);
  EXPECT_GT(after, 20u);
  EXPECT_GT(lost, 0u);
  EXPECT_GT(again.tasksReexecuted, 0u);
  EXPECT_GT(again.joinsReexecuted, 0u);
  EXPECT_GT(again.instancesSetBack, 0u);
  EXPECT_GT(again.argumentsFetched, 0u);
  EXPECT_GT(again.messagesRepeated, 0u);
  EXPECT_GT(again.controlsMoved, 0u);
  EXPECT_GT(again.replicasMoved, 0u);
}

TEST_F(Checkpoints, AreTakenAtTheirPlaces) {
  SimulationOptions o = options("octopus", 3);
  RunResult full = simulateGood(o);
  o.checkpoint.file = path();
  o.checkpoint.everyEvents = 500;
  RunResult r = simulateGood(o);
  EXPECT_NEAR(double(r.host.checkpoints), double(full.events / 500), 1.0);
  EXPECT_GE(r.host.checkpointEvents + 510, full.events);
  o.checkpoint.everyEvents = 0;
  o.checkpoint.atCycle = full.makespanCycles / 2;
  r = simulateGood(o);
  EXPECT_EQ(r.host.checkpoints, 1u);
  EXPECT_GE(r.host.checkpointCycle, full.makespanCycles / 2);
  EXPECT_LT(r.host.checkpointCycle, full.makespanCycles);
  // Resumed twice in a row.
  o.checkpoint.resume = path();
  o.checkpoint.atCycle = full.makespanCycles / 4 * 3;
  r = simulateGood(o);
  EXPECT_EQ(r.host.checkpoints, 1u);
  EXPECT_EQ(firstDifference(json(r), json(full)), "");
  o.checkpoint.file.clear();
  EXPECT_EQ(firstDifference(json(simulateGood(o)), json(full)), "");
  EXPECT_FALSE(std::filesystem::exists(path("c.partial")));
}

/// Nothing that was computed is lost when a run is stopped.
TEST_F(Checkpoints, AreLeftByRunsThatAreStopped) {
  SimulationOptions o = options("pool", 4);
  o.scenario.requests = 2000;
  std::string expected = json(simulateGood(o));
  o.checkpoint.file = path();
  unsigned calls = 0;
  RunResult r =
      simulateGood(o, nullptr, [&](const Progress &) { return ++calls < 2; });
  ASSERT_EQ(r.status, RunStatus::Cancelled);
  EXPECT_GT(r.requestsCompleted, 0u);
  EXPECT_EQ(r.host.checkpoints, 1u);
  o.checkpoint.resume = path();
  // On from there up to a stop rule, and on without it.
  o.scenario.stop.maxCycles = r.makespanCycles + 10000;
  r = simulateGood(o);
  ASSERT_EQ(r.status, RunStatus::CycleLimit);
  o.scenario.stop = {};
  EXPECT_EQ(firstDifference(json(simulateGood(o)), expected), "");
}

TEST_F(Checkpoints, OfOtherRunsAreRefused) {
  SimulationOptions o = options("pool", 5);
  o.checkpoint.file = path();
  o.checkpoint.atEvent = 1000;
  o.checkpoint.program = "abc";
  simulateGood(o);
  o.checkpoint.file.clear();
  o.checkpoint.resume = path();
  EXPECT_EQ(errorOf(o), "");
  auto refused = [&](const char *what, auto &&change) {
    SimulationOptions other = o;
    change(other);
    EXPECT_NE(errorOf(other).find(what), std::string::npos) << errorOf(other);
  };
  refused("'seed: 5', this one has 'seed: 6'",
          [](SimulationOptions &x) { x.scenario.seed = 6; });
  refused("'policy: pool', this one has 'policy: static'",
          [](SimulationOptions &x) { x.policy = "static"; });
  refused("'network: message', this one has 'network: link'",
          [](SimulationOptions &x) { x.network = NetworkModel::Link; });
  refused("5 in flight', this one has", [](SimulationOptions &x) {
    x.scenario.tenants[0].arrivals.inFlight = 6;
  });
  refused("of another program (SHA-256 abc, this one has abd)",
          [](SimulationOptions &x) { x.checkpoint.program = "abd"; });
  refused("this one has 'fault 0: the CBU of cluster (1, 0) at cycle 7'",
          [](SimulationOptions &x) {
            FaultRule rule;
            rule.part = {PartKind::Cbu, {1, 0}, 0, 0, {}};
            rule.cycle = 7;
            x.scenario.faults.push_back(rule);
          });
  refused("cannot read the checkpoint", [](SimulationOptions &x) {
    x.checkpoint.resume = "/there/is/nothing";
  });
  refused("cannot read the checkpoint",
          [&](SimulationOptions &x) { x.checkpoint.resume = folder.string(); });
  refused("cannot be written", [](SimulationOptions &x) {
    x.checkpoint.file = "/there/is/nothing";
    x.checkpoint.atEvent = 2000;
  });
}

/// Damaged files, each by one byte or cut off, give an error and nothing else.
TEST_F(Checkpoints, ThatAreDamagedAreRefused) {
  SimulationOptions o = options("octopus", 6);
  o.scenario.requests = 3;
  o.checkpoint.file = path();
  o.checkpoint.atEvent = 100;
  simulateGood(o);
  std::ifstream in(path(), std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(in), {});
  ASSERT_GT(bytes.size(), 1000u);
  Expected<Checkpoint> good = openCheckpoint(bytes);
  ASSERT_TRUE(good);
  EXPECT_EQ(sealCheckpoint(*good), bytes);
  for (uint64_t i = 0; i < 300; ++i) {
    std::string changed = bytes;
    size_t at = i < 100 ? i : philox64(1, i, 0) % bytes.size();
    changed[at] = char(changed[at] ^ (1 + philox64(1, i, 1) % 255));
    EXPECT_FALSE(openCheckpoint(changed)) << at;
    EXPECT_FALSE(openCheckpoint(
        std::string_view(bytes).substr(0, philox64(1, i, 2) % bytes.size())));
  }
  EXPECT_FALSE(openCheckpoint(bytes + "x"));
  EXPECT_FALSE(openCheckpoint(""));
  // With a digest that fits, but a state that does not: sizes that are not
  // there, numbers of records that do not exist.
  o.checkpoint = {};
  o.checkpoint.resume = path();
  for (size_t size :
       {size_t(0), size_t(1), good->state.size() / 2, good->state.size() - 1}) {
    Checkpoint cut = *good;
    cut.state.resize(size);
    ASSERT_TRUE(writeCheckpoint(path(), cut));
    EXPECT_NE(errorOf(o).find("does not fit this run"), std::string::npos);
  }
  Checkpoint other = *good;
  ++other.layout;
  ASSERT_TRUE(writeCheckpoint(path(), other));
  EXPECT_NE(errorOf(o).find("another build"), std::string::npos);
}

class Counting : public Policy {
public:
  PolicyTraits traits() const override { return inner->traits(); }
  void dispatch(Scheduler &s, uint32_t tbu, Trigger trigger) override {
    ++calls;
    inner->dispatch(s, tbu, trigger);
  }
  std::optional<std::string> saveState() const override {
    if (mute)
      return std::nullopt;
    return std::to_string(calls);
  }
  bool restoreState(std::string_view state) override {
    calls = std::stoull(std::string(state));
    restored = calls;
    return calls > 0;
  }
  std::unique_ptr<Policy> inner = std::move(*createPolicy("pool", {}));
  uint64_t calls = 0;
  bool mute = false;
  static inline uint64_t restored = 0;
};
class Mute : public Counting {
public:
  Mute() { mute = true; }
};

TEST_F(Checkpoints, NeedAPolicyThatSaysWhatItRemembers) {
  ASSERT_TRUE(
      registerPolicy({"counting",
                      "counts",
                      [](const PolicyOptions &) -> std::unique_ptr<Policy> {
                        return std::make_unique<Counting>();
                      },
                      {},
                      {}}));
  ASSERT_TRUE(
      registerPolicy({"mute",
                      "says nothing",
                      [](const PolicyOptions &) -> std::unique_ptr<Policy> {
                        return std::make_unique<Mute>();
                      },
                      {},
                      {}}));
  check(options("counting", 7), 0.5);
  EXPECT_GT(Counting::restored, 10u);
  SimulationOptions o = options("mute", 7);
  o.checkpoint.file = path();
  EXPECT_NE(errorOf(o).find("does not say what it remembers"),
            std::string::npos);
}

//===----------------------------------------------------------------------===//
// The parts
//===----------------------------------------------------------------------===//

struct Inner {
  std::vector<uint16_t> list;
  bool flag;
};
struct Outer {
  Inner inner;
  std::vector<Inner> inners;
  std::set<std::pair<uint64_t, uint32_t>> set;
  std::deque<std::string> names;
  std::vector<bool> bits;
  std::array<uint64_t, 3> numbers;
  std::vector<std::vector<uint32_t>> nested;
  unsigned __int128 wide;
};

TEST(State, IsAllFields) {
  static_assert(detail::numFields<Inner>() == 2);
  static_assert(detail::numFields<Outer>() == 8);
  Outer a = {{{1, 2, 3}, true}, {{{}, false}, {{9}, true}},   {{5, 6}, {7, 8}},
             {"x", "", "yz"},   {true, false, true},          {4, 5, 6},
             {{1}, {}, {2, 3}}, (unsigned __int128)(1) << 100};
  StateWriter writer;
  writer.value(a);
  Outer b = {};
  StateReader reader(writer.bytes);
  reader.value(b);
  EXPECT_TRUE(reader.finished());
  EXPECT_EQ(b.inner.list, a.inner.list);
  EXPECT_TRUE(b.inner.flag);
  ASSERT_EQ(b.inners.size(), 2u);
  EXPECT_EQ(b.inners[1].list, a.inners[1].list);
  EXPECT_EQ(b.set, a.set);
  EXPECT_EQ(b.names, a.names);
  EXPECT_EQ(b.bits, a.bits);
  EXPECT_EQ(b.numbers, a.numbers);
  EXPECT_EQ(b.nested, a.nested);
  EXPECT_TRUE(b.wide == a.wide);
  // Every prefix is refused, and sizes that are not there take no memory.
  for (size_t i = 0; i < writer.bytes.size(); ++i) {
    StateReader cut(std::string_view(writer.bytes).substr(0, i));
    Outer c = {};
    cut.value(c);
    EXPECT_FALSE(cut.finished()) << i;
  }
  std::string huge(8, '\x7f');
  StateReader many(huge);
  std::vector<uint64_t> list;
  many.value(list);
  EXPECT_FALSE(many.ok());
  EXPECT_TRUE(list.empty());
}

} // namespace
