//===- Queueing.h - M/M/c on the simulator ----------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One profiled task on a pool of c PEAs without any cost but its own, Poisson
// arrivals: an M/M/c queue, whose mean waiting time is that of Erlang C.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TEST_UNIT_RUNTIME_QUEUEING_H
#define OCTO_TEST_UNIT_RUNTIME_QUEUEING_H

#include "TestProgram.h"

#include "octo/Runtime/Simulator.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace octo::test {

/// Mean waiting time of M/M/c (Erlang C) at `load` per server.
inline double erlangWait(unsigned servers, double load, double service) {
  double offered = load * servers, term = 1, sum = 1;
  for (unsigned k = 1; k < servers; ++k) {
    term *= offered / k;
    sum += term;
  }
  double last = term * offered / servers / (1 - load);
  double waits = last / (sum + last);
  return waits * service / (servers * (1 - load));
}

/// Mean waiting time of the tasks in one run.
inline double simulateQueue(unsigned servers, double load, uint64_t service,
                            uint64_t requests, uint64_t warmUp, uint64_t seed) {
  TestProgram p(1, 1, 1, servers);
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  BlockSpec &task = p.task(p.body, "main/t", kernel,
                           static_cast<int64_t>(service), {import(0)});
  task.profile =
      p.profile(Distribution::exponential(static_cast<double>(service)));
  p.body.yields = {output(0)};
  SimulationOptions options;
  options.policy = "pool";
  options.timingOnly = true;
  options.keepRequests = false;
  options.scenario.requests = requests;
  options.scenario.warmUpRequests = warmUp;
  options.scenario.seed = seed;
  Tenant tenant;
  tenant.arrivals.kind = Arrivals::Kind::Poisson;
  tenant.arrivals.meanGapCycles =
      static_cast<uint64_t>(std::llround(double(service) / (load * servers)));
  options.scenario.tenants.push_back(tenant);
  auto result = simulate(p.build(), options);
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().str().c_str());
    std::abort();
  }
  return result->taskWait.mean;
}

} // namespace octo::test

#endif // OCTO_TEST_UNIT_RUNTIME_QUEUEING_H
