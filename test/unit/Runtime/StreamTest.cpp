//===- StreamTest.cpp - Flows that go in chunks ---------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestRun.h"

#include "octo/Runtime/Policy.h"
#include "octo/Target/StreamNet.h"

using namespace octo;
using namespace octo::test;

namespace {

/// A task on the first PEA of a cluster, in the only segment.
struct Stage {
  uint32_t cluster;
  int64_t cycles;
  uint64_t bytes = 0;
  uint16_t tbu = 0;
};

class Pipeline : public TestProgram {
public:
  Pipeline(uint32_t clusters, uint32_t tbus = 1, uint32_t peas = 1)
      : TestProgram(clusters, 1, tbus, peas) {
    kernelId = profiledKernel();
    body.addImport(0, token);
    segments.emplace_back();
  }
  /// Block number of the new task. No input: the argument.
  uint32_t add(const Stage &stage, std::vector<Val> inputs = {}) {
    uint32_t b = static_cast<uint32_t>(body.blocks.size());
    if (inputs.empty())
      inputs = {import(0)};
    task(body, "main/t" + std::to_string(b), kernelId, stage.cycles,
         std::move(inputs), stage.bytes)
        .replicas = {TestProgram::replica(stage.cluster, stage.tbu, 0, 1)};
    // Late: no PEA is kept for a slot before it is taken.
    segments[0].slots.emplace_back(b, 0, uint64_t(b) << 20,
                                   uint64_t(stage.cycles));
    return b;
  }
  uint32_t kernelId;
};

uint64_t waiting(const RunResult &r) {
  return r.peaCycles[unsigned(PeaState::Waiting)];
}
uint64_t moving(const RunResult &r) {
  return r.peaCycles[unsigned(PeaState::MovingData)];
}
uint64_t computing(const RunResult &r) {
  return r.peaCycles[unsigned(PeaState::Computing)];
}

/// Producer and consumer in one TBU: chunks do not move.
TEST(Stream, EqualRates) {
  for (uint16_t n : {2, 4, 16}) {
    Pipeline p(1, 1, 2);
    p.add({0, 1600, 64});
    p.add({0, 1600}, {output(0)});
    p.body.blocks[1].replicas = {TestProgram::replica(0, 0, 1, 1)};
    p.body.yields = {output(1)};
    p.streams = {{1, 0, n, 1}};
    RunResult r = run(p);
    EXPECT_EQ(r.makespanCycles, 1600u + 1600 / n);
    EXPECT_EQ(r.lowerBound.path, 1600u + 1600 / n);
    EXPECT_EQ(computing(r), 3200u);
    EXPECT_EQ(r.counters.streams, 1u);
    EXPECT_EQ(r.counters.streamChunks, n);
    EXPECT_EQ(r.counters.localBytes, 0u);
    EXPECT_EQ(r.counters.transfers, 0u);
  }
}

/// A slow producer: its consumer waits for each chunk.
TEST(Stream, SlowProducer) {
  Pipeline p(1, 1, 2);
  p.add({0, 4000, 64});
  p.add({0, 800}, {output(0)});
  p.body.blocks[1].replicas = {TestProgram::replica(0, 0, 1, 1)};
  p.body.yields = {output(1)};
  p.streams = {{1, 0, 4, 4}};
  RunResult r = run(p);
  EXPECT_EQ(r.makespanCycles, 4000u + 200);
  EXPECT_EQ(r.lowerBound.path, 4200u);
  // The consumer holds its PEA from the first chunk on.
  EXPECT_EQ(waiting(r), 3u * (1000 - 200));
  EXPECT_EQ(computing(r), 4800u);
  EXPECT_EQ(r.counters.streamStalls, 3u);
  EXPECT_EQ(r.blocks[1].waitCycles, 0u);
  EXPECT_EQ(r.blocks[1].busyCycles, 800u);
}

/// A slow consumer: the producer is ahead by what the buffer takes and one
/// chunk more, then it waits for space.
TEST(Stream, SlowConsumerHoldsTheProducerUp) {
  for (uint16_t buffer : {1, 2, 3, 4}) {
    Pipeline p(1, 1, 2);
    p.add({0, 400, 64});
    p.add({0, 4000}, {output(0)});
    p.body.blocks[1].replicas = {TestProgram::replica(0, 0, 1, 1)};
    p.body.yields = {output(1)};
    p.streams = {{1, 0, 4, buffer}};
    RunResult r = run(p);
    EXPECT_EQ(r.makespanCycles, 100u + 4000);
    EXPECT_EQ(computing(r), 4400u);
    // Buffer 1: chunk 1 is made at 200 and goes at 1100, then chunk 2 is made
    // at 1200 and goes at 2100; chunk 3 is made at 2200, the task is over.
    // Buffer 2: chunk 2 is made at 300 and goes at 1100.
    uint64_t stalls = buffer == 1 ? 2 * 900u : buffer == 2 ? 800u : 0u;
    EXPECT_EQ(waiting(r), stalls);
    EXPECT_EQ(r.counters.streamStalls, buffer == 1 ? 2u : buffer == 2 ? 1u : 0);
  }
}

/// Three hops, chunks of 16 bytes over links of 4: each chunk takes
/// 4 routers * 3 + 3 other flits. Space is told back by tokens of 2 cycles a
/// hop.
TEST(Stream, OverTheMesh) {
  constexpr uint64_t way = 4 * 3 + 3, back = 3 * 2;
  struct Case {
    int64_t from, to;
    uint16_t buffer;
    uint64_t expected;
  };
  for (auto [from, to, buffer, expected] : {
           // Equal rates, buffer enough: the first chunk and its way.
           Case{4000, 4000, 4, 1000 + way + 4000},
           // One chunk at a time: each part waits for the space to be told and
           // for the next chunk to come.
           Case{4000, 4000, 1, 1000 + way + 4000 + 3 * (back + way)},
           // Slow producer.
           Case{8000, 4000, 2, 8000 + way + 1000},
           // Slow consumer; two chunks hide the way.
           Case{400, 4000, 2, 100 + way + 4000},
           Case{400, 4000, 1, 100 + way + 4000 + 3 * (back + way)},
       }) {
    Pipeline p(4);
    fb::MachineT &m = p.machine();
    m.hop_cycles = 3;
    m.link_bytes_per_cycle = m.die_link_bytes_per_cycle = 4;
    m.token_hop_cycles = 2;
    p.add({0, from, 64});
    p.add({3, to}, {output(0)});
    p.streams = {{1, 0, 4, buffer}};
    // The result returns as a token of 6 cycles.
    p.body.yields = {output(1)};
    RunResult r = run(p);
    EXPECT_EQ(r.makespanCycles, expected + 6) << from << " " << to;
    EXPECT_EQ(r.counters.transfers, 4u);
    EXPECT_EQ(r.counters.transferBytes, 64u);
    EXPECT_EQ(r.counters.byteHops, 3 * 64u);
    EXPECT_EQ(computing(r), uint64_t(from + to));
    if (buffer == 4) {
      EXPECT_EQ(waiting(r) + moving(r), 0u);
    }
  }
}

/// A consumer that waits: until its chunk is sent it is waiting, then the chunk
/// is on its way.
TEST(Stream, StallsAreWaitingThenMovingData) {
  Pipeline p(2);
  p.machine().hop_cycles = 50;
  p.add({0, 4000, 64});
  p.add({1, 400}, {output(0)});
  p.body.yields = {output(1)};
  p.streams = {{1, 0, 4, 4}};
  RunResult r = run(p);
  EXPECT_EQ(r.makespanCycles, 4000u + 100 + 100);
  EXPECT_EQ(moving(r), 3 * 100u);
  EXPECT_EQ(waiting(r), 3 * 800u);
}

/// Another TBU of the cluster: chunks pass its scratchpad port.
TEST(Stream, ThroughTheScratchpadPort) {
  Pipeline p(1, 2);
  p.machine().scratchpad_bytes_per_cycle = 2;
  p.add({0, 1000, 400});
  p.add({0, 1000, 0, 1}, {output(0)});
  p.body.yields = {output(1)};
  p.streams = {{1, 0, 4, 4}};
  RunResult r = run(p);
  EXPECT_EQ(r.makespanCycles, 250u + 50 + 1000);
  EXPECT_EQ(r.counters.localBytes, 400u);
}

TEST(Stream, ThreeStages) {
  Pipeline p(3);
  p.machine().hop_cycles = 5;
  p.add({0, 1600, 64});
  p.add({1, 1600, 64}, {output(0)});
  p.add({2, 1600}, {output(1)});
  p.body.yields = {output(2)};
  p.streams = {{1, 0, 8, 2}, {2, 0, 8, 2}};
  RunResult r = run(p);
  EXPECT_EQ(r.makespanCycles, 2 * (200u + 10) + 1600);
  EXPECT_EQ(r.lowerBound.path, 2 * 200u + 1600);

  // Different numbers of chunks: the second half of the work needs the second
  // chunk of four, but is made of the first two of eight.
  p.body.blocks.clear();
  Pipeline q(1, 3);
  q.add({0, 1600, 64});
  q.add({0, 1600, 64, 1}, {output(0)});
  q.add({0, 1600, 0, 2}, {output(1)});
  q.body.yields = {output(2)};
  q.streams = {{1, 0, 8, 8}, {2, 0, 4, 4}};
  EXPECT_EQ(run(q).makespanCycles, 200u + 400 + 1600 + 1 + 1);
}

/// One value in chunks to two branches, which stream to one sink.
TEST(Stream, ForkJoin) {
  Pipeline p(1, 4);
  p.machine().scratchpad_bytes_per_cycle = 1 << 20;
  p.add({0, 1600, 64});
  p.add({0, 1600, 64, 1}, {output(0)});
  p.add({0, 800, 64, 2}, {output(0)});
  p.add({0, 1600, 0, 3}, {output(1), output(2)});
  p.body.yields = {output(3)};
  p.streams = {{1, 0, 8, 2}, {2, 0, 8, 2}, {3, 0, 8, 2}, {3, 1, 8, 2}};
  RunResult r = run(p);
  // A cycle of the scratchpad port each.
  EXPECT_EQ(r.makespanCycles, 200u + 1 + 200 + 1 + 1600);
  EXPECT_EQ(r.counters.streams, 4u);
  EXPECT_EQ(r.lowerBound.path, 200u + 200 + 1600);
}

/// Who takes the value whole gets it at the commit.
TEST(Stream, WholeAndStreamedConsumers) {
  Pipeline p(1, 3);
  p.add({0, 1000, 64});
  p.add({0, 1000, 0, 1}, {output(0)});
  p.add({0, 100, 0, 2}, {output(0)});
  p.body.yields = {output(1), output(2)};
  p.streams = {{1, 0, 10, 10}};
  RunResult r = run(p);
  EXPECT_EQ(r.makespanCycles, 100u + 1 + 1000);
  EXPECT_EQ(r.blocks[2].maxWaitCycles, 0u);
  EXPECT_EQ(r.counters.localBytes, 128u);
}

/// A consumer without PEAs holds nobody up: chunks stay where they were made.
TEST(Stream, ConsumerOnTheProducersPea) {
  Pipeline p(1);
  p.add({0, 1000, 64});
  p.add({0, 500}, {output(0)});
  p.body.yields = {output(1)};
  p.streams = {{1, 0, 4, 1}};
  RunResult r = run(p);
  EXPECT_EQ(r.makespanCycles, 1500u);
  EXPECT_EQ(waiting(r), 0u);
}

/// The buffer and chunks that wait for it are in scratchpads, and leave them.
TEST(Stream, BuffersTakeSpace) {
  auto spills = [](uint64_t scratchpad, uint16_t buffer) {
    Pipeline p(2, 2);
    fb::MachineT &m = p.machine();
    m.scratchpad = scratchpad;
    m.hbm.emplace_back(0, 16, 10, 0, uint64_t(1) << 30);
    // A value that lies in the consumer's cluster while the stream is open.
    p.add({1, 100, 1000, 1});
    p.add({0, 1600, 1600}, {});
    p.add({1, 1600}, {output(1)});
    p.add({1, 100, 0, 1}, {output(0), output(2)});
    p.body.yields = {output(3)};
    p.streams = {{2, 0, 16, buffer}};
    return run(p).counters.spills;
  };
  // 1,000 bytes, 64 an input that waits, 100 a chunk of the buffer.
  EXPECT_EQ(spills(1000 + 3 * 64 + 1600, 16), 0u);
  EXPECT_GT(spills(1000 + 3 * 64 + 1599, 16), 0u);
  EXPECT_EQ(spills(1000 + 3 * 64 + 200, 2), 0u);
}

/// Values that do not move in chunks under a policy without segments.
TEST(Stream, PoolTakesThemWhole) {
  Pipeline p(1, 1, 2);
  p.add({0, 1600, 64});
  p.add({0, 1600}, {output(0)});
  p.body.yields = {output(1)};
  p.streams = {{1, 0, 4, 1}};
  RunResult r = run(p, "pool");
  EXPECT_EQ(r.makespanCycles, 3200u);
  EXPECT_EQ(r.counters.streams, 0u);
  // The bound is that of any policy.
  EXPECT_EQ(r.lowerBound.path, 2000u);
}

/// Starts everything on its replica's PEAs and gives running gangs what is
/// free.
class GrowingPolicy : public Policy {
public:
  PolicyTraits traits() const override {
    PolicyTraits traits;
    traits.segments = true;
    traits.reach = Reach::Machine;
    return traits;
  }
  void dispatch(Scheduler &s, uint32_t tbu, Trigger) override {
    for (uint32_t lane = s.firstLane(tbu); lane < s.firstLane(tbu + 1); ++lane)
      while (s.queueSize(lane)) {
        InstanceInfo info = s.info(s.queue(lane).front());
        if (!s.start(s.queue(lane).front(), tbu,
                     s.replicaPeas(info.workflow, info.block, info.replica)))
          break;
      }
    for (InstanceId id : s.running(tbu))
      s.resize(id, s.gangOf(id) | s.freePeas(tbu));
  }
};

/// Gangs that grow in the middle of a chunk, of a part, and of a stall.
TEST(Stream, ResizeDuringAStream) {
  ASSERT_TRUE(
      registerPolicy({"grow",
                      "grows gangs",
                      [](const PolicyOptions &) -> std::unique_ptr<Policy> {
                        return std::make_unique<GrowingPolicy>();
                      },
                      {},
                      {}},
                     policyInterfaceVersion));
  // The other task has a TBU of its own; this one shares with a task that ends
  // at `until`, and then gets its PEA.
  auto once = [](bool consumer, int64_t from, int64_t to, int64_t until,
                 uint32_t resizeCycles) {
    TestProgram p(1, 1, 2, 2);
    p.machine().resize_fixed_cycles = resizeCycles;
    uint32_t kernel = p.profiledKernel(0, {{1, 65536}});
    uint32_t wide = p.profiledKernel(0, {{1, 65536}, {2, 32768}});
    p.body.addImport(0, p.token);
    p.task(p.body, "main/producer", consumer ? kernel : wide, from, {import(0)},
           64)
        .replicas = {TestProgram::replica(0, consumer ? 1 : 0, 0, 1)};
    p.task(p.body, "main/consumer", consumer ? wide : kernel, to, {output(0)})
        .replicas = {TestProgram::replica(0, consumer ? 0 : 1, 0, 1)};
    p.task(p.body, "main/other", kernel, until, {import(0)}).replicas = {
        TestProgram::replica(0, 0, 1, 1)};
    p.body.yields = {output(1), output(2)};
    p.segments.emplace_back();
    p.segments[0].slots = {fb::Slot(0, 0, 0, uint64_t(from)),
                           fb::Slot(2, 0, 0, uint64_t(until)),
                           fb::Slot(1, 0, 1 << 20, uint64_t(to))};
    p.streams = {{1, 0, 4, 4}};
    RunResult r = run(p, "grow");
    EXPECT_EQ(r.counters.streams, 1u);
    EXPECT_EQ(r.counters.resizes, 1u);
    EXPECT_EQ(r.blocks[consumer].computePeaCycles,
              uint64_t(consumer ? to : from));
    return r;
  };
  // The producer, asked at 4,500, grows at 5,000, the end of a tile, in its
  // second chunk: 11,000 cycles are left for one PEA, so 5,500 after 10.
  RunResult r = once(false, 16000, 160, 4500, 10);
  EXPECT_EQ(r.makespanCycles, 5010u + 5500 + 1 + 40);
  EXPECT_EQ(r.blocks[1].busyCycles, 160u);

  // The consumer starts at 4,001 and grows at 5,501, in its first part, which
  // ends at 6,261. The other parts take 1,500.
  r = once(true, 16000, 12000, 5500, 10);
  EXPECT_EQ(r.makespanCycles, 16001u + 1500);
  EXPECT_EQ(r.blocks[1].busyCycles, 1500u + 5250);
  // 10 for the resize, and the cycles of the port for three chunks, both on two
  // PEAs, and the new PEA from when it was asked.
  EXPECT_EQ(moving(r), 2 * 10u + 2 * 3 + 1);
  EXPECT_EQ(waiting(r), 2u * (8000 - 6261 + 2 * (12000 - 9501)));

  // It stalls at 7,001, where it grows; the second chunk is there at 8,001, but
  // the gang only at 9,001.
  r = once(true, 16000, 12000, 6900, 2000);
  EXPECT_EQ(r.makespanCycles, 16001u + 1500);
  EXPECT_EQ(r.blocks[1].busyCycles, 3000u + 4500);
  EXPECT_EQ(moving(r), 101u + 2 * (1 + 1000) + 2 * 2);
  EXPECT_EQ(waiting(r), 2u * (8000 - 7001 + (12000 - 10501) + (16000 - 13501)));
}

/// Numbers below a bound, the same in every run.
struct Numbers {
  uint64_t state;
  uint32_t operator()(uint32_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>((state >> 33) % below);
  }
};

/// When a stream of two tasks ends, by the rules, chunk for chunk: `made`,
/// `made` by a producer that goes on when what it made has been sent or its
/// consumer does not run; sent when there is space; used in order.
uint64_t expectedEnd(uint64_t from, uint64_t to, unsigned n, unsigned buffer,
                     uint64_t way, uint64_t back) {
  std::vector<uint64_t> made(n), sent(n), used(n);
  auto share = [n](uint64_t total, unsigned k) {
    return total * (k + 1) / n - total * k / n;
  };
  uint64_t goesOn = 0, start = 0;
  for (unsigned k = 0; k < n; ++k) {
    made[k] = goesOn + share(from, k);
    sent[k] = made[k];
    if (k >= buffer)
      sent[k] = std::max(made[k], used[k - buffer] + back);
    if (k == 0)
      start = sent[0] + way;
    uint64_t arrived = sent[k] + way;
    used[k] = std::max(k ? used[k - 1] : arrived, arrived) + share(to, k);
    goesOn = made[k] >= start ? std::max(made[k], sent[k]) : made[k];
  }
  return used[n - 1];
}

TEST(Stream, TwoTasksByTheRules) {
  Numbers next{7};
  for (int round = 0; round < 300; ++round) {
    unsigned n = 2 + next(15);
    uint32_t hops = next(4), hop = 1 + next(40), token = next(10);
    uint64_t from = uint64_t(n) * (1 + next(200));
    uint64_t to = uint64_t(n) * (1 + next(200));
    Pipeline p(hops + 1, 2);
    p.machine().hop_cycles = hop;
    p.machine().token_hop_cycles = token;
    p.add({0, int64_t(from), 4096});
    p.add({hops, int64_t(to), 0, 1}, {output(0)});
    p.body.yields = {output(1)};
    uint16_t buffer = static_cast<uint16_t>(1 + next(n));
    p.streams = {{1, 0, static_cast<uint16_t>(n), buffer}};
    // Within the cluster through the port, in one cycle.
    uint64_t way = hops ? (hops + 1) * hop : 1;
    SimulationOptions options;
    options.timingOnly = true;
    // Chunks that leave in a row do not wait for each other's buffers there.
    options.network = NetworkModel::Link;
    options.scenario.requests = 1;
    RunResult r = run(p.build(), options);
    EXPECT_EQ(r.makespanCycles,
              expectedEnd(from, to, n, buffer, way, uint64_t(hops) * token) +
                  uint64_t(hops) * token)
        << n << " chunks, buffer " << buffer << ", " << from << " -> " << to
        << ", " << hops << " hops of " << hop;
  }
}

/// Random tasks on random PEAs with random flows.
class Net : public TestProgram {
public:
  explicit Net(Numbers &next) : TestProgram(2, 2, 2, 2) {
    fb::MachineT &m = machine();
    m.hop_cycles = next(20);
    m.link_bytes_per_cycle = m.die_link_bytes_per_cycle = 1 + next(64);
    m.scratchpad_bytes_per_cycle = 1 + next(64);
    m.token_hop_cycles = next(5);
    m.local_dispatch_cycles = next(5);
    m.resize_fixed_cycles = next(20);
    uint32_t kernel =
        profiledKernel(next(2) * 64, {{1, 65536}, {2, 32768 + next(20000)}});
    body.addImport(0, token);
    segments.emplace_back();
    uint32_t tasks = 3 + next(10);
    for (uint32_t to = 0; to < tasks; ++to) {
      std::vector<Val> inputs;
      uint32_t count = to ? 1 + next(3) : 0;
      for (uint32_t k = 0; k < count; ++k) {
        inputs.push_back(output(next(to)));
        if (next(4)) {
          uint32_t n = 2 + next(15);
          edges.push_back({inputs.back().index, to, n, 1 + next(n)});
          streams.push_back({to, k, static_cast<uint16_t>(n), 0});
        }
      }
      if (inputs.empty())
        inputs = {import(0)};
      int64_t cycles = next(5) ? 10 + next(4000) : next(3);
      uint32_t peas = 1 + next(2);
      task(body, "main/t" + std::to_string(to), kernel, cycles, inputs,
           1 + next(5000))
          .replicas = {replica(next(4), uint16_t(next(2)),
                               peas == 2 ? 0 : uint16_t(next(2)),
                               uint16_t(peas))};
      segments[0].slots.emplace_back(to, 0, uint64_t(to) * 100,
                                     uint64_t(cycles));
    }
    body.yields = {output(tasks - 1)};
  }
  void setBuffers() {
    for (size_t i = 0; i < streams.size(); ++i)
      streams[i].buffer = static_cast<uint16_t>(edges[i].buffer);
  }
  std::vector<StreamEdge> edges;
};

/// What the condition accepts never blocks; of what it refuses some does, and
/// is reported.
TEST(Stream, RandomNetsNeverBlock) {
  Numbers next{11};
  unsigned refused = 0, blocked = 0, stalls = 0;
  for (int round = 0; round < 2000; ++round) {
    Numbers before = next;
    for (bool widened : {false, true}) {
      next = before;
      Net net(next);
      auto found = findStreamDeadlock(net.edges);
      if (!found && widened)
        continue;
      while (widened && found) {
        net.edges[found->widen].buffer = found->buffer;
        found = findStreamDeadlock(net.edges);
      }
      net.setBuffers();
      SimulationOptions options;
      options.policy = round % 2 ? "octopus" : "static";
      options.timingOnly = true;
      options.scenario.requests = 3;
      options.scenario.tenants.emplace_back();
      options.scenario.tenants[0].arrivals.inFlight = 1 + round % 3;
      Expected<RunResult> r = simulate(net.build(), options, nullptr);
      ASSERT_TRUE(r) << r.error().message;
      checkRun(*r);
      stalls += r->counters.streamStalls > 0;
      if (!found) {
        ASSERT_EQ(r->status, RunStatus::Completed) << round;
        continue;
      }
      ++refused;
      if (r->status == RunStatus::Completed)
        continue;
      ++blocked;
      ASSERT_EQ(r->status, RunStatus::Deadlock);
      ASSERT_FALSE(r->blocked.empty());
    }
  }
  EXPECT_GT(stalls, 1000u);
  EXPECT_GT(refused, 100u);
  EXPECT_GT(blocked, 3u);
}

/// The last task is half done when it needs the second half of what comes round
/// in two chunks; for this the first one has to end, and may not be held up.
TEST(Stream, ABlockedNetIsReported) {
  for (uint16_t buffer : {1, 6, 7, 14}) {
    Pipeline p(1, 3);
    p.add({0, 16000, 64});
    p.add({0, 20, 64, 1}, {output(0)});
    p.add({0, 160, 0, 2}, {output(1), output(0)});
    p.body.yields = {output(2)};
    p.streams = {{1, 0, 2, 2}, {2, 0, 2, 2}, {2, 1, 16, buffer}};
    SimulationOptions options;
    options.timingOnly = true;
    options.scenario.requests = 1;
    Expected<RunResult> r = simulate(p.build(), options, nullptr);
    ASSERT_TRUE(r);
    checkRun(*r);
    if (buffer >= 7) {
      EXPECT_EQ(r->status, RunStatus::Completed);
      continue;
    }
    ASSERT_EQ(r->status, RunStatus::Deadlock) << buffer;
    ASSERT_EQ(r->blocked.size(), 3u);
    for (const BlockedInstance &b : r->blocked) {
      if (b.path == "main/t0") {
        EXPECT_EQ(b.waitsFor, "space in its stream to 'main/t2'");
        EXPECT_EQ(b.heldBy, "chunks that are not used yet");
      } else if (b.path == "main/t1") {
        EXPECT_EQ(b.waitsFor, "chunk 1 of 2 of input 0 from 'main/t0'");
        EXPECT_EQ(b.heldBy, "it waits itself");
      } else {
        EXPECT_EQ(b.waitsFor, "chunk 1 of 2 of input 0 from 'main/t1'");
        EXPECT_EQ(b.heldBy, "it waits itself");
      }
    }
  }
}

/// Values are those of whole flows, also where the consumer may overwrite its
/// input; a trap in either task fails the request, and the next one runs.
TEST(Stream, ValuesAndTraps) {
  auto once = [](const char *policy, bool streamed, bool whole) {
    TestProgram p(2, 1, 2, 2);
    p.machine().hop_cycles = 7;
    uint32_t type = p.type(fb::ElementKind::F32, {8});
    uint32_t producer = p.imageKernel(1, 1, 800);
    uint32_t consumer = p.imageKernel(1, 1, 400);
    p.program.kernels->donated[consumer] = 1;
    p.body.addImport(0, type, 32);
    for (int i = 0; i < 3; ++i) {
      BlockSpec &t =
          p.body.add(fb::BlockKind::Task, "main/t" + std::to_string(i));
      t.kernel = i == 0 ? producer : consumer;
      t.inputs = {i ? output(uint32_t(i) - 1) : import(0)};
      t.outputs = {type};
      t.outputBytes = {32};
      t.expected = 100;
      t.replicas = {TestProgram::replica(uint32_t(i) % 2, 0, 0, 1)};
    }
    p.body.yields = {output(2)};
    if (whole)
      p.body.yields.push_back(output(0));
    p.segments.emplace_back();
    p.segments[0].slots = {fb::Slot(0, 0, 0, 100), fb::Slot(1, 0, 100, 100),
                           fb::Slot(2, 0, 200, 100)};
    if (streamed)
      p.streams = {{1, 0, 8, 1}, {2, 0, 4, 2}};
    FunctionExecutor executor;
    executor.functions[producer] = [](auto in, auto out,
                                      auto) -> Expected<void> {
      out[0] = Tensor::allocate(ElementKind::F32, {8});
      for (int i = 0; i < 8; ++i)
        out[0].template as<float>()[i] = in[0].template as<float>()[i] + 1;
      if (in[0].template as<float>()[0] < 0.2f)
        return makeError("producer");
      return {};
    };
    executor.functions[consumer] = [](auto in, auto out,
                                      auto) -> Expected<void> {
      // In place where nobody else sees it.
      out[0] = in[0];
      if (!in[0].isUnique()) {
        out[0] = Tensor::allocate(ElementKind::F32, {8});
        std::copy_n(in[0].template as<float>(), 8, out[0].template as<float>());
      }
      for (int i = 0; i < 8; ++i)
        out[0].template as<float>()[i] *= 3;
      if (in[0].template as<float>()[1] > 1.8f &&
          in[0].template as<float>()[1] < 2.0f)
        return makeError("consumer");
      return {};
    };
    SimulationOptions options;
    options.policy = policy;
    options.scenario.requests = 40;
    options.scenario.tenants.emplace_back();
    options.scenario.tenants[0].arrivals.inFlight = 5;
    return run(p.build(), options, &executor);
  };
  for (bool whole : {false, true}) {
    RunResult expected = once("static", false, whole);
    EXPECT_GT(expected.requestsFailed, 5u);
    EXPECT_GT(expected.requestsCompleted, 20u);
    for (const char *policy : {"static", "pool", "octopus"}) {
      RunResult r = once(policy, true, whole);
      EXPECT_EQ(r.outputsSha256, expected.outputsSha256) << policy;
      EXPECT_EQ(r.requestsFailed, expected.requestsFailed);
      EXPECT_EQ(r.counters.streams > 0, std::string_view(policy) != "pool");
      EXPECT_EQ(r.failures.size(), expected.failures.size());
    }
  }
}

} // namespace
