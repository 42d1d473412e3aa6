//===- BusyProgram.h - A workload with everything in it ---------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TEST_UNIT_RUNTIME_BUSYPROGRAM_H
#define OCTO_TEST_UNIT_RUNTIME_BUSYPROGRAM_H

#include "TestRun.h"

#include <string>
#include <vector>

namespace octo::test {

/// A workload with everything in it on a small mesh with all costs and some
/// dead parts.
inline void buildBusy(TestProgram &p) {
  fb::MachineT &m = p.machine();
  m.hop_cycles = 3;
  m.link_bytes_per_cycle = m.die_link_bytes_per_cycle = 16;
  m.interface_cycles = 2;
  m.scratchpad_bytes_per_cycle = 32;
  m.local_dispatch_cycles = 4;
  m.central_dispatch_cycles = 6;
  m.command_cycles = 3;
  m.token_hop_cycles = 2;
  m.cb_decision_cycles = 5;
  m.config_store = 900;
  m.config_bytes_per_cycle = 4;
  m.config_switch_cycles = 7;
  m.resize_fixed_cycles = 20;
  m.host_latency = 30;
  m.host_in_bytes_per_cycle = m.host_out_bytes_per_cycle = 8;
  m.hbm.emplace_back(0, 16, 40, 0, uint64_t(1) << 30);
  m.dead_peas = {3, 9};
  m.dead_links = {fb::LinkId(0, 1), fb::LinkId(1, 0)};
  *m.energy = fb::EnergyCosts(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
  std::vector<uint32_t> kernels;
  for (int k = 0; k < 4; ++k)
    kernels.push_back(p.profiledKernel(
        300, {{1, 65536}, {2, 36000}, {4, 20000}}, /*footprint=*/256));
  uint32_t type = p.type(fb::ElementKind::F32, {100});
  uint32_t w = p.seededWeight(type, 400, 3);
  p.body.addImport(0, p.data, 500);
  auto spread = [](BlockSpec &b, uint32_t seed) {
    for (uint32_t i = 0; i < 2; ++i)
      b.replicas.push_back(TestProgram::replica((seed + 2 * i) % 4,
                                                uint16_t(seed % 2), 0, 2, 4));
  };
  BlockSpec &a =
      p.task(p.body, "main/a", kernels[0], 400, {import(0), weight(w)}, 300);
  a.profile = p.profile(Distribution::exponential(400));
  spread(a, 0);
  BlockSpec &s = p.body.add(fb::BlockKind::Select, "main/s");
  s.inputs = {output(0), output(0), output(0)};
  s.decideInputs = 1;
  s.outputs = {p.data};
  s.outputBytes = {200};
  s.joinKernel = p.joinKernel(fb::Combine::Add, 100, 100, 3);
  s.profile = p.frequencies({1u << 31, 3u << 30, 1u << 30});
  s.replicas = {TestProgram::replica(1, 0, 0, 0)};
  for (uint32_t k = 0; k < 3; ++k) {
    RegionSpec &region = s.region(fb::RegionRole::Member);
    region.addImport(2, p.data, 300);
    BlockSpec &t = p.task(region, "main/s/" + std::to_string(k), kernels[k + 1],
                          600, {import(0)}, 200);
    t.profile = p.profile(*Distribution::logNormal(600, 0.8));
    spread(t, k + 1);
    region.yields = {output(0)};
  }
  BlockSpec &loop = p.body.add(fb::BlockKind::Loop, "main/l");
  loop.inputs = {output(1)};
  loop.outputs = {p.data};
  loop.outputBytes = {200};
  loop.profile = p.profile(*Distribution::geometric(0.4));
  loop.replicas = {TestProgram::replica(3, 0, 0, 0)};
  RegionSpec &after = loop.region(fb::RegionRole::After);
  after.addImport(0, p.data, 200);
  BlockSpec &step =
      p.task(after, "main/l/step", kernels[0], 300, {import(0)}, 200);
  step.profile = p.profile(Distribution::exponential(300));
  spread(step, 3);
  after.yields = {output(0)};
  p.body.yields = {output(2)};
}

inline SimulationOptions busyOptions(const char *policy) {
  SimulationOptions options;
  options.policy = policy;
  options.timingOnly = true;
  options.scenario.requests = 200;
  options.scenario.seed = 5;
  Tenant tenant;
  tenant.arrivals.inFlight = 6;
  options.scenario.tenants.push_back(tenant);
  return options;
}

} // namespace octo::test

#endif // OCTO_TEST_UNIT_RUNTIME_BUSYPROGRAM_H
