//===- EntryTest.cpp - Where requests come in -----------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Arguments and the space that clusters have for them (semantics, section 3).
//
//===----------------------------------------------------------------------===//

#include "TestRun.h"

using namespace octo;
using namespace octo::test;

namespace {

/// A task of 10,000 cycles with an argument of 600 bytes, a lane in each of
/// three clusters in a row; scratchpads of 1,000 bytes, memory at the far end.
/// The host port is at cluster 0.
void build(TestProgram &p, bool memory = true) {
  fb::MachineT &m = p.machine();
  m.scratchpad = 1000;
  m.link_bytes_per_cycle = 8;
  m.hop_cycles = 1;
  m.token_hop_cycles = 7;
  if (memory)
    m.hbm = {fb::HbmPort(2, 16, 40, 0, 1 << 20)};
  p.body.addImport(0, p.data, 600);
  BlockSpec &task =
      p.task(p.body, "main/t", p.profiledKernel(), 10000, {import(0)});
  for (uint32_t cluster = 0; cluster < 3; ++cluster)
    task.replicas.push_back(TestProgram::replica(cluster, 0, 0, 1));
  p.body.yields = {output(0)};
}

/// What the host port's cluster has no space for enters elsewhere, at the
/// clusters of the requests' lanes: 600 bytes over one hop and over two.
TEST(Entry, OtherClustersHelpOut) {
  TestProgram p(3, 1, 1, 1);
  build(p);
  RunResult r = run(p, "static", 3, 3);
  EXPECT_EQ(r.admissionWait.max, 0u);
  EXPECT_EQ(r.counters.byteHops, 600u + 1200u);
  EXPECT_EQ(r.counters.spills, 0u);
  // 75 cycles of one link for each.
  EXPECT_GE(r.makespanCycles, 10150u);
  EXPECT_LE(r.makespanCycles, 10200u);
}

/// There is no space for a fourth request until a task has used its argument,
/// which a token tells the host port, as another tells it of the result.
TEST(Entry, SpaceComesBack) {
  TestProgram p(3, 1, 1, 1);
  build(p);
  // No lane at the host port's cluster, which is free for arguments though.
  p.machine().scratchpad = 1400;
  std::vector<fb::Replica> &lanes = p.body.blocks[0].replicas;
  lanes.erase(lanes.begin());
  RunResult r = run(p, "octopus", 4, 4);
  ASSERT_EQ(r.requests.size(), 4u);
  EXPECT_EQ(r.requests[2].admitted, 0u);
  EXPECT_GT(r.requests[3].admitted, 10000u);
  uint64_t first = ~uint64_t(0);
  for (const RequestRecord &request : r.requests)
    first = std::min(first, request.finished);
  EXPECT_EQ(r.requests[3].admitted, first);
}

/// A machine without memory keeps requests at the host.
TEST(Entry, WithoutMemoryRequestsWait) {
  TestProgram p(3, 1, 1, 1);
  build(p, /*memory=*/false);
  RunResult r = run(p, "static", 3, 3);
  EXPECT_GE(r.admissionWait.max, 75u);
}

/// `octopus` sends arguments to the lane at once: the host port's cluster stays
/// free. Every policy completes, however small scratchpads are.
TEST(Entry, LanesAreEntered) {
  TestProgram p(3, 1, 1, 1);
  build(p);
  p.machine().scratchpad = 4096;
  RunResult r = run(p, "octopus", 3, 3);
  EXPECT_EQ(r.admissionWait.max, 0u);
  EXPECT_EQ(r.counters.transfers, 2u);
  EXPECT_EQ(r.counters.byteHops, 600u + 1200u);
  for (const char *policy : generalPolicies) {
    TestProgram tight(3, 1, 1, 1);
    build(tight);
    tight.machine().scratchpad = 500;
    EXPECT_EQ(run(tight, policy, 20, 20).requestsCompleted, 20u) << policy;
  }
}

/// So do requests without bytes: a token goes there, 7 cycles a hop.
TEST(Entry, TokensEnterAtLanes) {
  TestProgram p(3, 1, 1, 1);
  p.machine().token_hop_cycles = 7;
  p.body.addImport(0, p.token);
  BlockSpec &task =
      p.task(p.body, "main/t", p.profiledKernel(), 10000, {import(0)});
  for (uint32_t cluster = 0; cluster < 3; ++cluster)
    task.replicas.push_back(TestProgram::replica(cluster, 0, 0, 1));
  p.body.yields = {output(0)};
  RunResult r = run(p, "octopus", 3, 3);
  EXPECT_EQ(r.counters.migrations, 0u);
  EXPECT_EQ(r.makespanCycles, 10000u + 2 * 2 * 7);
}

/// Requests of three tasks whose values are half of a scratchpad each: the more
/// are open, the more they wait for memory, and PEAs with them. The host port
/// lets fewer in, though there is space for arguments.
TEST(Entry, ThrashingClustersGetFewerRequests) {
  for (uint64_t scratchpad : {uint64_t(1) << 20, uint64_t(1) << 30}) {
    TestProgram p(2, 1, 1, 4);
    fb::MachineT &m = p.machine();
    m.scratchpad = scratchpad;
    m.hop_cycles = 1;
    m.link_bytes_per_cycle = 64;
    m.hbm = {fb::HbmPort(0, 64, 40, 0, uint64_t(1) << 30)};
    p.epochCycles = 5000;
    uint32_t kernel = p.profiledKernel();
    p.body.addImport(0, p.data, 8);
    p.task(p.body, "main/a", kernel, 1000, {import(0)}, 1 << 19);
    p.task(p.body, "main/b", kernel, 1000, {output(0)}, 1 << 19);
    p.task(p.body, "main/c", kernel, 1000, {output(0), output(1)});
    p.body.yields = {output(2)};
    for (BlockSpec &block : p.body.blocks)
      for (uint32_t cluster = 0; cluster < 2; ++cluster)
        block.replicas.push_back(TestProgram::replica(cluster, 0, 0, 4));
    RunResult r = run(p, "octopus", 200, 40);
    EXPECT_EQ(r.counters.spills > 0, scratchpad == 1 << 20);
    EXPECT_EQ(r.admissionWait.max > 0, scratchpad == 1 << 20);
  }
}

/// Sixteen requests, each with a value that is spilled while they wait for a
/// decision. Then each has a task that wants it, on all PEAs, so one runs after
/// the other. In the queue of a full cluster values are fetched as tasks are
/// staged or start, three at a time; in the queue of a TBU all at once.
TEST(Entry, WhatWaitsStaysInMemory) {
  auto peak = [](const char *policy) {
    TestProgram p(1, 1, 1, 16);
    fb::MachineT &m = p.machine();
    m.scratchpad = 4096;
    m.hbm = {fb::HbmPort(0, 64, 40, 0, uint64_t(1) << 30)};
    p.body.addImport(0, p.token);
    p.task(p.body, "main/value", p.profiledKernel(), 100, {import(0)}, 1000);
    p.task(p.body, "main/long", p.profiledKernel(), 5000, {import(0)});
    BlockSpec &s = p.body.add(fb::BlockKind::Switch, "main/s");
    s.inputs = {output(1), output(0)};
    s.decideInputs = 1;
    s.outputs = {p.token};
    s.profile = p.frequencies({uint64_t(1) << 32});
    RegionSpec &region = s.region(fb::RegionRole::Case);
    region.addImport(1, p.data, 1000);
    p.task(region, "main/s/wide", p.profiledKernel(0, {{16, 65536}}), 1000,
           {import(0)});
    region.yields = {output(0)};
    p.body.yields = {output(2)};
    RunResult r = run(p, policy, 16, 16);
    EXPECT_EQ(r.requestsCompleted, 16u) << policy;
    EXPECT_GE(r.counters.spills, 12u) << policy;
    return r.counters.peakScratchpadBytes;
  };
  EXPECT_GE(peak("static"), 16000u);
  EXPECT_LE(peak("octopus"), 4096u + 16 * 64);
}

/// A cluster dies while arguments are on the way to it: the host sends them to
/// whoever takes over.
TEST(Entry, SurvivesTheDeathOfACluster) {
  for (uint64_t cycle : {1u, 40u, 80u, 200u}) {
    TestProgram p(3, 1, 1, 1);
    build(p);
    SimulationOptions options;
    options.policy = "octopus";
    options.timingOnly = true;
    options.scenario.requests = 3;
    Tenant tenant;
    tenant.arrivals.inFlight = 3;
    options.scenario.tenants.push_back(tenant);
    p.machine().hbm = {fb::HbmPort(0, 16, 40, 0, 1 << 20)};
    // With it the last one is cut off.
    FaultRule rule;
    rule.cycle = cycle;
    rule.part = {PartKind::Cluster, {1, 0}, 0, 0, {}};
    options.scenario.faults = {rule};
    RunResult r = run(p.build(), options);
    EXPECT_EQ(r.requestsCompleted, 3u) << cycle;
    EXPECT_EQ(r.faults.argumentsFetched, 2u) << cycle;
    EXPECT_GE(r.makespanCycles, 30000u) << cycle;
  }
}

} // namespace
