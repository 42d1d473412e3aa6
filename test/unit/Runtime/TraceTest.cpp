//===- TraceTest.cpp - What a run tells is what it counts -----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BusyProgram.h"

#include <bit>
#include <set>

using namespace octo;
using namespace octo::test;

namespace {

/// Adds up what spans tell, and checks that no PEA is in two at a time.
struct Ledger : TraceSink {
  std::array<uint64_t, numPeaStates> cycles{};
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> busyUntil; ///< by PEA
  std::multiset<uint64_t> flowsIn, flowsOut;
  uint64_t completed = 0, parts = 0, requests = 0, open = 0;
  uint64_t lastSample = 0, samples = 0;

  void occupy(uint32_t tbu, uint64_t mask, uint64_t from, uint64_t to) {
    EXPECT_NE(mask, 0u);
    EXPECT_LE(from, to);
    for (; mask; mask &= mask - 1) {
      uint64_t &until = busyUntil[{tbu, uint32_t(std::countr_zero(mask))}];
      EXPECT_LE(until, from);
      until = to;
    }
  }
  void add(PeaState state, uint64_t mask, uint64_t from, uint64_t to) {
    ASSERT_LE(from, to);
    cycles[unsigned(state)] += uint64_t(std::popcount(mask)) * (to - from);
  }
  void task(const TaskSpan &s) override {
    occupy(s.tbu, s.peaMask, s.dispatched, s.finished);
    add(PeaState::Waiting, s.peaMask, s.dispatched, s.configBegin);
    add(PeaState::Configuring, s.peaMask, s.configBegin, s.configured);
    add(PeaState::MovingData, s.peaMask, s.configured, s.started);
    add(PeaState::Computing, s.peaMask, s.started, s.finished);
    if (s.first)
      EXPECT_LE(s.ready, s.dispatched);
    completed += s.last && s.completed;
    ++parts;
    flowsIn.insert(s.flowsIn.begin(), s.flowsIn.end());
    flowsOut.insert(s.flowsOut.begin(), s.flowsOut.end());
  }
  void hold(const HoldSpan &s) override {
    occupy(s.tbu, s.peaMask, s.start, s.finish);
    add(s.kind == HoldSpan::Kept ? PeaState::Waiting : PeaState::MovingData,
        s.peaMask, s.start, s.finish);
  }
  void transfer(const TransferSpan &s) override {
    EXPECT_LE(s.start, s.finish);
    EXPECT_NE(s.fromCluster, s.toCluster);
  }
  void handOver(const HandOver &event) override { flowsOut.insert(event.flow); }
  void request(const RequestSpan &s) override {
    EXPECT_LE(s.arrival, s.admitted);
    EXPECT_LE(s.admitted, s.finish);
    ++requests;
    open += s.open;
  }
  void sample(const MachineSample &s) override {
    EXPECT_TRUE(!samples || s.cycle > lastSample);
    EXPECT_LE(s.computingPeas, s.heldPeas);
    lastSample = s.cycle;
    ++samples;
  }
};

/// The states that spans cover have the cycles that the accounts have.
void expectLedger(const Ledger &ledger, const RunResult &r) {
  for (PeaState state : {PeaState::Computing, PeaState::Configuring,
                         PeaState::MovingData, PeaState::Waiting})
    EXPECT_EQ(ledger.cycles[unsigned(state)], r.peaCycles[unsigned(state)])
        << stringifyPeaState(state);
  EXPECT_EQ(ledger.completed, r.counters.taskInstances);
  EXPECT_EQ(ledger.requests, r.requestsArrived);
}

TEST(Trace, SpansAreTheAccounts) {
  for (const char *policy : {"static", "pool", "octopus"}) {
    SCOPED_TRACE(policy);
    TestProgram p(2, 2, 2, 4);
    buildBusy(p);
    Ledger ledger;
    auto r = simulate(p.build(), busyOptions(policy), nullptr, &ledger);
    ASSERT_TRUE(r);
    expectLedger(ledger, *r);
    EXPECT_EQ(ledger.open, 0u);
    EXPECT_EQ(ledger.parts, r->counters.taskInstances + r->counters.resizes);
    EXPECT_GT(ledger.samples, 2u);
    EXPECT_EQ(ledger.lastSample, r->makespanCycles);
    // Every arrow that ends began, once, and the other way round.
    EXPECT_FALSE(ledger.flowsIn.empty());
    EXPECT_EQ(ledger.flowsIn, ledger.flowsOut);
    for (auto it = ledger.flowsIn.begin(); it != ledger.flowsIn.end(); ++it)
      EXPECT_EQ(ledger.flowsIn.count(*it), 1u);
  }
}

TEST(Trace, ARunThatIsStoppedIsCutAtItsEnd) {
  for (const char *policy : {"static", "pool", "octopus"})
    for (uint64_t cycles : {700u, 5000u, 20000u, 20001u}) {
      SCOPED_TRACE(testing::Message() << policy << " " << cycles);
      TestProgram p(2, 2, 2, 4);
      buildBusy(p);
      SimulationOptions options = busyOptions(policy);
      options.scenario.stop.maxCycles = cycles;
      Ledger ledger;
      auto r = simulate(p.build(), options, nullptr, &ledger);
      ASSERT_TRUE(r);
      EXPECT_EQ(r->status, RunStatus::CycleLimit);
      checkRun(*r);
      expectLedger(ledger, *r);
      EXPECT_GT(ledger.open, 0u);
      for (const auto &[pea, until] : ledger.busyUntil)
        EXPECT_LE(until, cycles);
    }
}

TEST(Trace, ACancelledRunAddsUp) {
  TestProgram p(2, 2, 2, 4);
  buildBusy(p);
  SimulationOptions options = busyOptions("octopus");
  options.scenario.requests = 20000;
  Ledger ledger;
  uint64_t calls = 0;
  auto r = simulate(p.build(), options, nullptr, &ledger,
                    [&](const Progress &) { return ++calls < 2; });
  ASSERT_TRUE(r);
  EXPECT_EQ(r->status, RunStatus::Cancelled);
  checkRun(*r);
  expectLedger(ledger, *r);
}

} // namespace
