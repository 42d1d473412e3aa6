//===- simulator.cpp - Speed of the simulator -----------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Events and task instances a second on programs made in memory:
//
//   simulator-bench [tasks] [json-file]
//
// wafer    one request of a layered random graph of `tasks` profiled tasks on a
//          mesh of 28 x 28 clusters (12,544 PEAs) with every cost on
// stream   a chain of eight tasks for tasks / 8 requests on one cluster
// loop     a loop whose body is one task, for tasks / 16 requests
//
//===----------------------------------------------------------------------===//

#include "TestProgram.h"

#include "octo/Program/Philox.h"
#include "octo/Runtime/Simulator.h"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

using namespace octo;
using namespace octo::test;

static void addCosts(fb::MachineT &m) {
  m.hop_cycles = 6;
  m.interface_cycles = 2;
  m.link_bytes_per_cycle = 32;
  m.die_link_bytes_per_cycle = 16;
  m.die_hop_cycles = 20;
  m.scratchpad = 8 << 20;
  m.scratchpad_bytes_per_cycle = 128;
  m.config_store = 256 << 10;
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
}

static const uint32_t gangs = 4;

static uint32_t addKernel(TestProgram &p) {
  return p.profiledKernel(16384, {{1, 65536}, {2, 35000}, {4, 18900}}, 4096);
}

/// Layers of 1,000 tasks; each takes two outputs of the layer before.
static void buildWafer(TestProgram &p, uint32_t tasks) {
  addCosts(p.machine());
  for (uint32_t c : {0u, 27u, 28u * 14, 28u * 28 - 1})
    p.machine().hbm.emplace_back(c, 64, 100, 0, uint64_t(1) << 34);
  uint32_t kernels[4];
  for (uint32_t &kernel : kernels)
    kernel = addKernel(p);
  p.body.addImport(0, p.data, 1024);
  const uint32_t layer = 1000, clusters = 28 * 28;
  uint32_t profile = p.profile(Distribution::exponential(5000));
  for (uint32_t i = 0; i < tasks; ++i) {
    std::vector<Val> inputs;
    uint32_t row = i / layer, column = i % layer;
    if (!row)
      inputs = {import(0)};
    else
      for (uint32_t k = 0; k < 2; ++k)
        inputs.push_back(
            output((row - 1) * layer +
                   (column + philox64(1, i, k) % 9 + layer - 4) % layer));
    BlockSpec &t = p.body.add(fb::BlockKind::Task, "t" + std::to_string(i));
    t.kernel = kernels[philox64(2, i, 0) % 4];
    t.inputs = inputs;
    t.outputs = {p.data};
    t.outputBytes = {512};
    t.profile = profile;
    t.expected = 5000;
    t.priority = tasks - i;
    uint32_t cluster = column * clusters / layer;
    t.replicas = {TestProgram::replica(cluster, uint16_t(philox64(3, i, 0) % 4),
                                       0, gangs)};
  }
  for (uint32_t i = (tasks - 1) / layer * layer; i < tasks; ++i)
    p.body.yields.push_back(output(i));
}

static void buildStream(TestProgram &p) {
  addCosts(p.machine());
  uint32_t kernel = addKernel(p);
  Val value = p.body.addImport(0, p.data, 256);
  uint32_t profile = p.profile(Distribution::exponential(2000));
  for (uint32_t i = 0; i < 8; ++i) {
    BlockSpec &t =
        p.task(p.body, "t" + std::to_string(i), kernel, 2000, {value}, 256);
    t.profile = profile;
    t.replicas = {TestProgram::replica(0, uint16_t(i % 4), 0, gangs)};
    value = output(i);
  }
  p.body.yields = {value};
}

static void buildLoop(TestProgram &p) {
  addCosts(p.machine());
  uint32_t kernel = addKernel(p);
  p.body.addImport(0, p.data, 256);
  BlockSpec &loop = p.body.add(fb::BlockKind::Loop, "l");
  loop.inputs = {import(0)};
  loop.outputs = {p.data};
  loop.outputBytes = {256};
  loop.profile = p.constantProfile(16);
  RegionSpec &after = loop.region(fb::RegionRole::After);
  after.addImport(0, p.data, 256);
  BlockSpec &t = p.task(after, "l/t", kernel, 2000, {import(0)}, 256);
  for (uint16_t i = 0; i < 4; ++i)
    t.replicas.push_back(TestProgram::replica(0, i, 0, gangs));
  after.yields = {output(0)};
  p.body.yields = {output(0)};
}

static std::string json;

static void measure(const char *name, const fb::Program &program,
                    uint64_t requests, uint64_t inFlight) {
  for (const char *policy : {"static", "pool", "octopus"}) {
    SimulationOptions options;
    options.policy = policy;
    options.timingOnly = true;
    options.scenario.requests = requests;
    Tenant tenant;
    tenant.arrivals.inFlight = inFlight;
    options.scenario.tenants.push_back(tenant);
    std::clock_t begin = std::clock();
    auto r = simulate(program, options);
    double cpu = double(std::clock() - begin) / CLOCKS_PER_SEC;
    if (!r) {
      std::fprintf(stderr, "%s\n", r.error().str().c_str());
      std::exit(1);
    }
    std::printf("%-8s %-8s %12llu %10llu %8.3f %14.0f %14.0f %8.3f %8.3f\n",
                name, policy, (unsigned long long)r->makespanCycles,
                (unsigned long long)r->events, r->host.wallSeconds,
                r->host.eventsPerSecond, r->host.taskInstancesPerSecond, cpu,
                r->ratioToLowerBound);
    json +=
        fmt::format("{}{{\"program\": \"{}\", \"policy\": \"{}\", "
                    "\"makespan_cycles\": {}, \"events\": {}, "
                    "\"wall_seconds\": {}, \"events_per_second\": {}, "
                    "\"task_instances_per_second\": {}}}",
                    json.empty() ? "" : ",\n", name, policy, r->makespanCycles,
                    r->events, r->host.wallSeconds, r->host.eventsPerSecond,
                    r->host.taskInstancesPerSecond);
  }
}

int main(int argc, char **argv) {
  uint32_t tasks = argc > 1 ? std::max(std::atoi(argv[1]), 1000) : 100000;
  std::printf("%-8s %-8s %12s %10s %8s %14s %14s %8s %8s\n", "program",
              "policy", "cycles", "events", "seconds", "events/s",
              "instances/s", "cpu s", "/bound");
  {
    TestProgram p(28, 28, 4, 4);
    p.machine().clusters_x = p.machine().clusters_y = 14;
    p.machine().dies_x = p.machine().dies_y = 2;
    buildWafer(p, tasks);
    measure("wafer", p.build(), 1, 1);
  }
  {
    TestProgram p(1, 1, 4, 4);
    buildStream(p);
    measure("stream", p.build(), tasks / 8, 16);
  }
  {
    TestProgram p(1, 1, 4, 4);
    buildLoop(p);
    measure("loop", p.build(), tasks / 16, 16);
  }
  if (argc > 2) {
    if (FILE *file = std::fopen(argv[2], "w")) {
      std::fprintf(file, "[%s]\n", json.c_str());
      std::fclose(file);
    } else {
      std::fprintf(stderr, "cannot write %s\n", argv[2]);
      return 1;
    }
  }
  return 0;
}
