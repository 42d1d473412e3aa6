//===- TestRun.h - Runs of hand-built programs ------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the tests of the simulator share: runs that must succeed, and checks
// that hold for every run.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TEST_UNIT_RUNTIME_TESTRUN_H
#define OCTO_TEST_UNIT_RUNTIME_TESTRUN_H

#include "TestProgram.h"

#include "octo/Runtime/Simulator.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <numeric>

namespace octo::test {

/// The policies of the library that take every program.
inline constexpr const char *generalPolicies[] = {
    "static", "static-even", "reactive", "elastic",
    "pool",   "pool-affinity", "mct",    "octopus"};

/// An executor made of functions.
class FunctionExecutor : public KernelExecutor {
public:
  using Function = std::function<Expected<void>(
      std::span<const Tensor>, std::span<Tensor>, std::span<int64_t>)>;
  std::map<uint32_t, Function> functions;

  bool hasKernel(uint32_t kernel) const override {
    return functions.count(kernel);
  }
  Expected<void> call(uint32_t kernel, std::span<const Tensor> inputs,
                      std::span<Tensor> outputs,
                      std::span<int64_t> counters) override {
    return functions.at(kernel)(inputs, outputs, counters);
  }
};

/// What holds for every run, and for every one that completed.
inline void checkRun(const RunResult &r) {
  uint64_t sum =
      std::accumulate(r.peaCycles.begin(), r.peaCycles.end(), uint64_t(0));
  EXPECT_EQ(sum, r.totalPeas * r.makespanCycles);
  EXPECT_EQ(r.idleTransientPeaCycles + r.idleStructuralPeaCycles +
                r.idleContagiousPeaCycles,
            r.peaCycles[unsigned(PeaState::Idle)]);
  EXPECT_EQ(std::accumulate(r.idleDepth.peaCycles.begin(),
                            r.idleDepth.peaCycles.end(), uint64_t(0)),
            r.idleContagiousPeaCycles);
  // The energy of clusters adds up to that of the machine.
  for (double EnergyBreakdown::*part :
       {&EnergyBreakdown::compute, &EnergyBreakdown::scratchpad,
        &EnergyBreakdown::network, &EnergyBreakdown::hbm,
        &EnergyBreakdown::host, &EnergyBreakdown::configuration,
        &EnergyBreakdown::control, &EnergyBreakdown::leakage}) {
    double clusters = 0;
    for (const EnergyBreakdown &cluster : r.clusterEnergy)
      clusters += cluster.*part;
    EXPECT_NEAR(clusters, r.energy.*part, 1e-12 * r.energy.*part);
  }
  // What requests waited for adds up to their latencies.
  uint64_t blamed = std::accumulate(r.blame.cycles.begin(),
                                    r.blame.cycles.end(), uint64_t(0));
  EXPECT_EQ(r.blame.requests, r.latency.count);
  EXPECT_NEAR(double(blamed), r.latency.mean * double(r.latency.count),
              1e-9 * double(blamed) + 1e-6);
  if (r.status == RunStatus::Completed) {
    EXPECT_LE(r.lowerBound.cycles(), r.makespanCycles);
    EXPECT_EQ(r.requestsCompleted + r.requestsFailed, r.requestsArrived);
  }
}

inline RunResult run(const fb::Program &program,
                     const SimulationOptions &options,
                     KernelExecutor *executor = nullptr) {
  Expected<RunResult> result = simulate(program, options, executor);
  EXPECT_TRUE(result) << (result ? "" : result.error().message);
  if (!result)
    return {};
  checkRun(*result);
  return std::move(*result);
}

/// A closed loop, without code.
inline SimulationOptions closedLoop(const std::string &policy,
                                    uint64_t requests, uint64_t inFlight,
                                    uint64_t seed = 0) {
  SimulationOptions options;
  options.policy = policy;
  options.timingOnly = true;
  options.scenario.requests = requests;
  options.scenario.seed = seed;
  Tenant tenant;
  tenant.arrivals.inFlight = inFlight;
  options.scenario.tenants.push_back(tenant);
  return options;
}

inline RunResult run(TestProgram &program, const std::string &policy = "static",
                     uint64_t requests = 1, uint64_t inFlight = 1,
                     uint64_t seed = 0) {
  return run(program.build(), closedLoop(policy, requests, inFlight, seed));
}

} // namespace octo::test

#endif // OCTO_TEST_UNIT_RUNTIME_TESTRUN_H
