//===- ReplicationsTest.cpp - Runs that differ in their seed --------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestRun.h"

#include <atomic>

using namespace octo;
using namespace octo::test;

namespace {

/// Three tasks in a row with drawn times, two places each.
void buildChain(TestProgram &p) {
  uint32_t kernel = p.profiledKernel(64);
  uint32_t profile = p.profile(Distribution::exponential(500));
  Val value = p.body.addImport(0, p.data, 64);
  for (uint16_t i = 0; i < 3; ++i) {
    BlockSpec &task =
        p.task(p.body, "t" + std::to_string(i), kernel, 500, {value}, 64);
    task.profile = profile;
    task.replicas = {TestProgram::replica(i % 2, 0, 0, 2),
                     TestProgram::replica(1 - i % 2, 0, 0, 2)};
    value = output(i);
  }
  p.body.yields = {value};
}

SimulationOptions chainOptions(const std::string &policy) {
  SimulationOptions options;
  options.policy = policy;
  options.timingOnly = true;
  options.scenario.requests = 60;
  options.scenario.seed = 11;
  return options;
}

TEST(Replications, AreSingleRunsWhateverTheThreads) {
  TestProgram p(2, 1, 1, 2);
  buildChain(p);
  const fb::Program &program = p.build();
  for (const char *policy : generalPolicies) {
    SimulationOptions options = chainOptions(policy);
    for (unsigned threads : {1u, 2u, 9u}) {
      Expected<std::vector<RunResult>> runs =
          simulateReplications(program, options, 8, threads);
      ASSERT_TRUE(runs) << runs.error().message;
      ASSERT_EQ(runs->size(), 8u);
      for (unsigned i = 0; i < 8; ++i) {
        SimulationOptions one = options;
        one.scenario.seed += i;
        RunResult single = run(program, one);
        const RunResult &r = (*runs)[i];
        checkRun(r);
        EXPECT_EQ(r.seed, 11u + i);
        EXPECT_EQ(r.makespanCycles, single.makespanCycles);
        EXPECT_EQ(r.events, single.events);
        EXPECT_EQ(r.peaCycles, single.peaCycles);
        EXPECT_EQ(r.latency.mean, single.latency.mean);
        EXPECT_EQ(r.latency.max, single.latency.max);
        EXPECT_EQ(r.energyJoules, single.energyJoules);
      }
      EXPECT_NE((*runs)[0].makespanCycles, (*runs)[1].makespanCycles);
    }
  }
}

TEST(Replications, HaveNoCheckpoints) {
  TestProgram p(2, 1, 1, 2);
  buildChain(p);
  SimulationOptions options = chainOptions("static");
  options.checkpoint.file = "nowhere";
  auto runs = simulateReplications(p.build(), options, 8, 2);
  ASSERT_FALSE(runs);
  EXPECT_NE(runs.error().message.find("checkpoints are of one run"),
            std::string::npos);
}

TEST(Replications, KernelsAreCalledOneAtATime) {
  TestProgram p;
  uint32_t f32 = p.type(fb::ElementKind::F32, {4});
  uint32_t kernel = p.imageKernel(1, 1, 100);
  Val value = p.body.addImport(0, f32, 16);
  BlockSpec &task = p.body.add(fb::BlockKind::Task, "t");
  task.kernel = kernel;
  task.inputs = {value};
  task.outputs = {f32};
  task.outputBytes = {16};
  p.body.yields = {output(0)};
  FunctionExecutor executor;
  std::atomic<int> inside = 0, calls = 0;
  std::atomic<bool> together = false;
  executor.functions[kernel] = [&](auto inputs, auto outputs,
                                   auto) -> Expected<void> {
    if (inside++)
      together = true;
    outputs[0] = inputs[0];
    ++calls;
    --inside;
    return {};
  };
  SimulationOptions options;
  options.policy = "static";
  options.scenario.requests = 200;
  Expected<std::vector<RunResult>> runs =
      simulateReplications(p.build(), options, 4, 4, &executor);
  ASSERT_TRUE(runs) << runs.error().message;
  EXPECT_EQ(calls, 800);
  EXPECT_FALSE(together);
  // Other seeds, other inputs.
  EXPECT_NE((*runs)[0].outputsSha256, (*runs)[1].outputsSha256);
}

TEST(Replications, ErrorsAndStopsAreTold) {
  TestProgram p(2, 1, 1, 2);
  buildChain(p);
  const fb::Program &program = p.build();
  SimulationOptions options = chainOptions("best");
  Expected<std::vector<RunResult>> runs =
      simulateReplications(program, options, 3, 2);
  ASSERT_FALSE(runs);
  EXPECT_NE(runs.error().message.find("there is no policy 'best'"),
            std::string::npos);

  // 65,536 events take more requests than that.
  options = chainOptions("static");
  options.scenario.requests = 20000;
  runs = simulateReplications(program, options, 3, 1, nullptr,
                              [](const Progress &progress) {
                                EXPECT_EQ(progress.requestsTotal, 60000u);
                                return false;
                              });
  ASSERT_TRUE(runs) << runs.error().message;
  ASSERT_EQ(runs->size(), 1u);
  EXPECT_EQ(runs->front().status, RunStatus::Cancelled);
}

} // namespace
