//===- Describe.cpp - Programs in words -----------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The summary that `octo-run info` prints.
//
//===----------------------------------------------------------------------===//

#include "octo/Program/Columns.h"
#include "octo/Program/MachineTable.h"
#include "octo/Program/Program.h"
#include "octo/Program/program_generated.h"
#include "octo/Target/Capacity.h"

#include <array>
#include <iterator>
#include <set>

using namespace octo;

static std::string count(uint64_t n, std::string_view one,
                         std::string_view many = {}) {
  if (n != 1 && !many.empty())
    return fmt::format("{} {}", n, many);
  return fmt::format("{} {}{}", n, one, n == 1 ? "" : "s");
}

std::string octo::describeProgram(const fb::Program &program) {
  std::string text;
  auto out = std::back_inserter(text);
  auto line = [&](std::string_view key, std::string_view value) {
    fmt::format_to(out, "{:<12} {}\n", key, value);
  };
  auto stringOf = [](const flatbuffers::String *string) {
    return string && string->size() ? string->string_view()
                                    : std::string_view("unknown");
  };

  line("format", fmt::format("{}.{}", program.major(), program.minor()));
  line("producer", stringOf(program.producer()));

  if (Expected<TargetDesc> target = readMachineTable(*program.machine())) {
    Topology topology(*target);
    uint32_t usable = 0;
    for (uint32_t cluster = 0; cluster < target->numClusters(); ++cluster)
      usable += topology.clusterUsable(cluster);
    line("machine",
         fmt::format("{}: {} of {} x {} clusters, {} a cluster, {} a TBU, {} "
                     "MHz",
                     target->name,
                     count(uint64_t(target->dies.x) * target->dies.y, "die"),
                     target->clustersPerDie.x, target->clustersPerDie.y,
                     count(target->tbusPerCluster, "TBU"),
                     count(target->peasPerTbu, "PEA"),
                     double(target->clockHz) / 1e6));
    line("PEAs", fmt::format("{} live of {} ({} of {} clusters reachable, {})",
                             topology.livePeas(), target->numPeas(), usable,
                             target->numClusters(),
                             count(sizeOf(program.machine()->dead_links()) / 2,
                                   "dead link")));
    line("memory",
         fmt::format("{} of SRAM a PEA, {} of scratchpad a cluster, {} of code "
                     "a TBU, {} behind {}",
                     formatBytes(target->pea.sramBytes),
                     formatBytes(target->scratchpad.bytes),
                     formatBytes(target->configStore.bytes),
                     formatBytes(Capacity(topology).hbmBytes()),
                     count(target->hbmPorts.size(), "HBM port")));
  }
  line("target", fmt::format("SHA-256 {}", stringOf(program.target_digest())));

  const fb::KernelTable &kernels = *program.kernels();
  std::array<uint32_t, 3> ofKind{};
  uint64_t code = 0;
  for (uint32_t k = 0; k < sizeOf(kernels.kind()); ++k) {
    ++ofKind[size_t(kernels.kind()->Get(k))];
    code += kernels.code_bytes()->Get(k);
  }
  line("kernels",
       fmt::format(
           "{} with code, {} profiled, {} for joins; {} of configuration",
           ofKind[0], ofKind[1], ofKind[2], formatBytes(code)));
  uint64_t imageBytes = 0;
  for (uint32_t i = 0; i < sizeOf(program.images()); ++i)
    imageBytes += sizeOf(program.images()->Get(i)->object());
  line("images",
       sizeOf(program.images())
           ? fmt::format("{}, {} of code for {}", sizeOf(program.images()),
                         formatBytes(imageBytes), stringOf(program.image_cpu()))
           : "none: the program runs with --timing-only");
  uint64_t weightBytes = 0;
  for (uint32_t w = 0; w < sizeOf(program.weights()->bytes()); ++w)
    weightBytes += program.weights()->bytes()->Get(w);
  line("weights", fmt::format("{}, {}", sizeOf(program.weights()->bytes()),
                              formatBytes(weightBytes)));

  constexpr uint32_t mostWorkflows = 16;
  for (uint32_t i = 0; i < sizeOf(program.workflows()); ++i) {
    if (i == mostWorkflows) {
      line("", fmt::format("and {} more workflows",
                           sizeOf(program.workflows()) - mostWorkflows));
      break;
    }
    const fb::Workflow &workflow = *program.workflows()->Get(i);
    std::array<uint32_t, 5> blocks{};
    for (uint32_t b = 0; b < sizeOf(workflow.blocks()->kind()); ++b)
      ++blocks[size_t(workflow.blocks()->kind()->Get(b))];
    uint32_t arguments = workflow.regions()->num_imports()->Get(0);
    line("workflow",
         fmt::format(
             "{}: {} -> {}; {}, {}, {}, {}, {} in {}",
             workflow.name()->string_view(), count(arguments, "argument"),
             count(sizeOf(workflow.result_types()), "result"),
             count(blocks[0], "task"), count(blocks[1], "switch", "switches"),
             count(blocks[2], "select"), count(blocks[3], "loop"),
             count(blocks[4], "fan-out"),
             count(sizeOf(workflow.regions()->role()), "region")));
    uint64_t active = 0, standby = 0;
    std::set<uint32_t> clusters;
    for (uint32_t r = 0; r < sizeOf(workflow.placement()->replicas()); ++r) {
      const fb::Replica *replica = workflow.placement()->replicas()->Get(r);
      ++(replica->standby() ? standby : active);
      clusters.insert(replica->cluster());
    }
    line("  placement",
         fmt::format("{}, {} standby, on {}", count(active, "active replica"),
                     standby, count(clusters.size(), "cluster")));
    std::string timetable = fmt::format(
        "{} with {}", count(sizeOf(workflow.segments()->region()), "segment"),
        count(sizeOf(workflow.segments()->slots()), "slot"));
    if (const fb::FlowTable *flows = workflow.flows())
      timetable +=
          fmt::format(", {}", count(sizeOf(flows->input()), "streamed flow"));
    line("  timetable", timetable);
    if (const fb::RequestPath *path = workflow.request_path())
      line("  alone",
           fmt::format(
               "a request is predicted to take {} cycles, {:.6g} % at most "
               "{}",
               path->cycles(), path->tail_per_million() / 1e4, path->tail()));
  }
  return text;
}
