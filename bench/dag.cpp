//===- dag.cpp - A large task graph on the simulator ----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Speed and memory on a layered random graph, timing only:
//
//   dag-bench [--target T.yaml] [--network M] [--policy P] [--runs N] [--json
//   F]
//   dag-bench --write F.octo [--target T.yaml] [--tasks N] [--side S] [--seed
//   K]
//   dag-bench --read F.octo [--network M] [--policy P] [--runs N]
//   dag-bench --trace [--tasks N] [--side S] [--network M] [--runs N]
//
// Layers of 1,024 tasks. A task takes two results of the layer before, each
// sent to it alone: one transfer of 64 to 4,160 bytes an edge. Every task has a
// PEA drawn evenly from all, and takes 1,000 to 10,000 cycles, drawn evenly
// when it runs. The machine is that of the target file with S x S clusters.
//
// The mesh is simulated message by message, as octo-run does by default, and
// link by link; `--network` takes one of the two. The policy is `static` unless
// given, since the placement is. The table has 100,000 and 1,000,000 tasks on 8
// x 8 clusters and 100,000 on 32 x 32; with 16 PEAs a cluster that is 1,024 and
// 16,384 PEAs. Each run is a process of its own that loads the program file, so
// that its peak memory is that of one run. Rates are of processor time from the
// loaded program to the result, tables and set-up included; the best of the
// runs. `--trace` runs one program with and without a timeline (Perfetto) in
// turn and shows what that costs by the clock (a thread writes it) and of the
// processors; 1,000,000 tasks have 10 million events.
//
//===----------------------------------------------------------------------===//

#include "octo/Program/Distribution.h"
#include "octo/Program/MachineTable.h"
#include "octo/Program/Philox.h"
#include "octo/Program/Program.h"
#include "octo/Program/program_generated.h"
#include "octo/Runtime/Simulator.h"
#include "octo/Runtime/TraceWriter.h"
#include "octo/Support/OutputFile.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace octo;

static constexpr uint32_t none = 0xffffffffu;
static constexpr uint32_t layer = 1024;

static fb::ProgramT makeDag(const TargetDesc &target, uint32_t tasks,
                            uint64_t seed) {
  fb::ProgramT program;
  program.producer = "dag-bench";
  program.target_digest = digest(target);
  program.machine = makeMachineTable(target);
  auto string = [&](std::string text) {
    program.strings.push_back(std::move(text));
    return static_cast<uint32_t>(program.strings.size()) - 1;
  };

  makeRequiredTables(program);
  program.types->element = {fb::ElementKind::Data};
  program.types->scalar = {true};
  program.types->dim_offsets = {0, 0};

  fb::KernelTableT &k = *program.kernels;
  k.name = {string("task")};
  k.kind = {fb::KernelKind::Profiled};
  k.pea_class = {2};
  k.code_bytes = {4096};
  k.num_inputs = k.num_outputs = k.num_counters = {0};
  k.signature_offsets = {0, 0};
  k.donated = {0};
  k.image = {none};
  k.combine = {fb::Combine::None};
  k.variant_offsets = {0, 1};
  k.variants = {fb::Variant(0, 0, 0, 0, 0, 0, 65536, 0, 1, 0, 0)};
  k.work = std::make_unique<fb::WorkTableT>();
  k.work->term_offsets = {0, 0};
  k.work->symbol_offsets = {0};

  program.distributions->knot_offsets = {0};

  auto wf = std::make_unique<fb::WorkflowT>();
  wf->name = "dag";
  makeRequiredTables(*wf);
  wf->segments->slot_offsets = {0};
  wf->profiles->epoch_offsets = {0, 1};
  wf->profiles->first_request = {0};
  wf->profiles->distribution = {addDistribution(
      *program.distributions, *Distribution::uniform(1000, 10000))};
  wf->profiles->frequency_offsets = {0, 0};

  // Who takes a result of a task: two draws a task of the layer before.
  auto producer = [&](uint32_t task, uint32_t input) {
    uint32_t begin = task / layer * layer - layer;
    return begin +
           static_cast<uint32_t>(philox64(seed, task, 1 + input) % layer);
  };
  std::vector<uint32_t> firstOutput(tasks + 1, 0);
  for (uint32_t i = layer; i < tasks; ++i)
    for (uint32_t input : {0u, 1u})
      ++firstOutput[producer(i, input) + 1];
  for (uint32_t i = 0; i < tasks; ++i)
    firstOutput[i + 1] += firstOutput[i];
  uint32_t numValues = firstOutput[tasks];

  fb::ValueTableT &v = *wf->values;
  v.type.assign(numValues, 0);
  v.bytes.resize(numValues);
  for (uint32_t i = 0; i < numValues; ++i)
    v.bytes[i] = 64 + philox64(seed, i, 3) % 4097;

  fb::RegionTableT &r = *wf->regions;
  r.role = {fb::RegionRole::Body};
  r.owner = {none};
  r.block_begin = {0, tasks};
  r.value_begin = {0, numValues};
  r.num_imports = {0};
  r.import_offsets = r.yield_offsets = {0, 0};

  uint32_t peas = target.numPeas();
  std::vector<uint32_t> peaOf(tasks), onPea(peas, 0);
  for (uint32_t i = 0; i < tasks; ++i) {
    peaOf[i] = static_cast<uint32_t>(philox64(seed, i, 0) % peas);
    ++onPea[peaOf[i]];
  }

  fb::BlockTableT &b = *wf->blocks;
  fb::PlacementTableT &p = *wf->placement;
  fb::PolicyTableT &policy = *wf->policy;
  b.input_offsets = {0};
  p.replica_offsets = {0};
  std::vector<uint32_t> next = firstOutput;
  uint32_t layers = (tasks + layer - 1) / layer;
  for (uint32_t i = 0; i < tasks; ++i) {
    b.path.push_back(string("t" + std::to_string(i)));
    if (i >= layer)
      for (uint32_t input : {0u, 1u})
        b.inputs.push_back(next[producer(i, input)]++);
    b.input_offsets.push_back(static_cast<uint32_t>(b.inputs.size()));
    uint32_t pea = peaOf[i], tbu = pea / target.peasPerTbu;
    p.replicas.emplace_back(tbu / target.tbusPerCluster,
                            static_cast<uint16_t>(tbu % target.tbusPerCluster),
                            static_cast<uint16_t>(pea % target.peasPerTbu),
                            uint16_t(1), uint16_t(1), 65536 / onPea[pea],
                            false);
    p.replica_offsets.push_back(i + 1);
    policy.priority.push_back(uint64_t(layers - i / layer) * 5500);
  }
  b.kind.assign(tasks, fb::BlockKind::Task);
  b.region.assign(tasks, 0);
  b.output_begin = std::move(firstOutput);
  b.kernel.assign(tasks, 0);
  b.decide_inputs.assign(tasks, 0);
  b.join_kernel.assign(tasks, none);
  b.region_begin.assign(tasks + 1, 1);
  b.profile.assign(tasks, 0);
  b.bound.assign(tasks, 0);
  b.source_file.assign(tasks, none);
  b.source_line.assign(tasks, 0);
  b.source_column.assign(tasks, 0);
  p.routing.assign(tasks, fb::Routing::ByRequest);
  policy.version = 1;
  policy.dynamic_time.assign(tasks, true);
  policy.dynamic_frequency.assign(tasks, false);
  policy.reason.assign(tasks, none);
  policy.expected_cycles.assign(tasks, 5500);
  policy.expected_cycles_p95.assign(tasks, 9550);
  policy.expected_count_q16.assign(tasks, 65536);
  policy.successors_hint_offsets.assign(tasks + 1, 0);
  policy.epoch_cycles = 100000;
  program.workflows.push_back(std::move(wf));
  return program;
}

namespace {
struct Options {
  std::string target = OCTO_SOURCE_DIR "/examples/targets/die.yaml";
  std::string write, read, json;
  std::string policy = "static";
  std::optional<NetworkModel> network;
  uint32_t tasks = 100000, side = 8, runs = 5;
  bool trace = false;
  uint64_t seed = 1;
};

struct Case {
  uint32_t tasks, side;
};

/// What one run measured, as it comes through a pipe.
struct Measure {
  double cpuSeconds = 0, kernelSeconds = 0, wallSeconds = 0;
  uint64_t peakBytes = 0, events = 0, makespan = 0, instances = 0;
  uint64_t traceEvents = 0;
};
} // namespace

[[noreturn]] static void fail(const std::string &message) {
  std::fprintf(stderr, "dag-bench: %s\n", message.c_str());
  std::exit(1);
}

static double kernelNow() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return double(usage.ru_stime.tv_sec) + 1e-6 * double(usage.ru_stime.tv_usec);
}

static double cpuNow() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

static void write(const Options &options, Case one, const std::string &path) {
  Expected<TargetDesc> target = readTarget(options.target);
  if (!target)
    fail(target.error().str());
  target->clustersPerDie = {one.side, one.side};
  target->dies = {1, 1};
  // Ports of the file that lie off a smaller mesh go to its corner.
  for (HbmPortDesc &port : target->hbmPorts)
    port.at = {std::min(port.at.x, one.side - 1),
               std::min(port.at.y, one.side - 1)};
  fb::ProgramT program = makeDag(*target, one.tasks, options.seed);
  Expected<std::vector<uint8_t>> bytes = writeProgram(program);
  if (!bytes)
    fail(bytes.error().str());
  if (Expected<void> saved = writeWholeFile(path, *bytes); !saved)
    fail(saved.error().str());
}

/// `timeline`: file for one; empty: none.
static Measure run(const std::string &path, const Options &given,
                   NetworkModel network, const std::string &timeline = "") {
  Expected<Program> program = loadProgram(path);
  if (!program)
    fail(program.error().str());
  SimulationOptions options;
  options.policy = given.policy;
  options.timingOnly = true;
  options.network = network;
  options.scenario.requests = 1;
  std::unique_ptr<TraceWriter> writer;
  if (!timeline.empty()) {
    auto made = TraceWriter::create(timeline, **program, TraceFormat::Perfetto);
    if (!made)
      fail(made.error().str());
    writer = std::move(*made);
  }
  double cpu = cpuNow(), kernel = kernelNow();
  auto wall = std::chrono::steady_clock::now();
  Expected<RunResult> result =
      simulate(**program, options, nullptr, writer.get());
  Measure m;
  if (writer) {
    if (Expected<void> done = writer->finish(); !done)
      fail(done.error().str());
    m.traceEvents = writer->numEvents();
  }
  m.cpuSeconds = cpuNow() - cpu;
  m.kernelSeconds = kernelNow() - kernel;
  m.wallSeconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - wall)
          .count();
  if (!result)
    fail(result.error().str());
  if (result->status != RunStatus::Completed)
    fail("the run did not complete");
  m.events = result->events;
  m.makespan = result->makespanCycles;
  m.instances = result->counters.taskInstances;
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  m.peakBytes = uint64_t(usage.ru_maxrss) * 1024;
  return m;
}

/// Does `work` in a child process and gives what it returns.
template <class Work>
static Measure inChild(Work &&work) {
  int ends[2];
  if (pipe(ends))
    fail("cannot make a pipe");
  std::fflush(nullptr);
  pid_t child = fork();
  if (child < 0)
    fail("cannot fork");
  if (!child) {
    Measure m = work();
    bool good = ::write(ends[1], &m, sizeof m) == ssize_t(sizeof m);
    _exit(good ? 0 : 1);
  }
  close(ends[1]);
  Measure m;
  bool good = read(ends[0], &m, sizeof m) == ssize_t(sizeof m);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!good || status)
    fail("a run failed");
  return m;
}

/// An empty file in /tmp.
static std::string temporaryFile() {
  char name[] = "/tmp/dag-bench-XXXXXX";
  int file = mkstemp(name);
  if (file < 0)
    fail("cannot make a file in /tmp");
  close(file);
  return name;
}

static int traceCost(const Options &options) {
  std::string program = temporaryFile(), timeline = temporaryFile();
  inChild([&] {
    write(options, {options.tasks, options.side}, program);
    return Measure();
  });
  NetworkModel network = options.network.value_or(NetworkModel::Message);
  Measure best[2];
  for (uint32_t round = 0; round < options.runs; ++round)
    for (bool traced : {false, true}) {
      // Some file systems wait for the disk when a file is written over.
      if (traced)
        unlink(timeline.c_str());
      Measure m = inChild([&] {
        return run(program, options, network, traced ? timeline : "");
      });
      if (!round || m.wallSeconds < best[traced].wallSeconds)
        best[traced] = m;
    }
  uintmax_t bytes = std::filesystem::file_size(timeline);
  unlink(program.c_str());
  unlink(timeline.c_str());
  if (best[0].makespan != best[1].makespan || best[0].events != best[1].events)
    fail("the timeline changes the result");
  std::printf("%u tasks, %llu events of a timeline, %.1f bytes each\n",
              options.tasks, (unsigned long long)best[1].traceEvents,
              double(bytes) / double(best[1].traceEvents));
  auto cost = [&](double Measure::*seconds) {
    return 100 * (best[1].*seconds / (best[0].*seconds) - 1);
  };
  std::printf(
      "without %.3f s, with %.3f s: %+.1f %%; memory %+.1f MiB\n",
      best[0].wallSeconds, best[1].wallSeconds, cost(&Measure::wallSeconds),
      (double(best[1].peakBytes) - double(best[0].peakBytes)) / (1 << 20));
  std::printf("processor time of all threads: without %.3f s (%.3f of them in "
              "the kernel), with %.3f s (%.3f): %+.1f %%\n",
              best[0].cpuSeconds, best[0].kernelSeconds, best[1].cpuSeconds,
              best[1].kernelSeconds, cost(&Measure::cpuSeconds));
  return 0;
}

int main(int argc, char **argv) {
  Options options;
  CLI::App app("Speed and memory of the simulator on a layered random graph.");
  app.add_option("--target", options.target, "Target file")
      ->capture_default_str();
  app.add_option("--write", options.write, "Write the program and end");
  app.add_option("--tasks", options.tasks,
                 "Tasks of the written or traced program")
      ->check(CLI::Range(layer, 10000000u))
      ->capture_default_str();
  app.add_option("--side", options.side, "Clusters in a row and in a column")
      ->check(CLI::Range(1u, 256u))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "Of everything that is drawn")
      ->capture_default_str();
  app.add_option("--runs", options.runs, "Runs of each case")
      ->check(CLI::Range(1u, 100u))
      ->capture_default_str();
  app.add_option("--read", options.read, "Measure this program alone");
  app.add_option("--policy", options.policy, "Scheduling policy")
      ->capture_default_str();
  app.add_option("--network", options.network,
                 "Model of the mesh (both; with --read message)")
      ->transform(CLI::CheckedTransformer(std::map<std::string, NetworkModel>{
          {"link", NetworkModel::Link}, {"message", NetworkModel::Message}}));
  app.add_flag("--trace", options.trace, "Measure what a timeline costs");
  app.add_option("--json", options.json, "Write the numbers");
  CLI11_PARSE(app, argc, argv);
  if (!options.write.empty()) {
    write(options, {options.tasks, options.side}, options.write);
    return 0;
  }

  if (options.trace)
    return traceCost(options);
  if (!options.read.empty()) {
    Measure best;
    for (uint32_t round = 0; round < options.runs; ++round) {
      Measure m = run(options.read, options,
                      options.network.value_or(NetworkModel::Message));
      if (!round || m.cpuSeconds < best.cpuSeconds)
        best = m;
    }
    std::printf("%llu cycles, %llu events, %.3f s, %.0f tasks/s\n",
                (unsigned long long)best.makespan,
                (unsigned long long)best.events, best.cpuSeconds,
                double(best.instances) / best.cpuSeconds);
    return 0;
  }

  const Case cases[] = {{100000, 8}, {1000000, 8}, {100000, 32}};
  constexpr size_t numCases = std::size(cases);
  std::vector<std::pair<NetworkModel, const char *>> models = {
      {NetworkModel::Message, "message"}, {NetworkModel::Link, "link"}};
  if (options.network)
    std::erase_if(models,
                  [&](auto model) { return model.first != *options.network; });
  std::vector<std::string> files;
  for (const Case &one : cases) {
    files.push_back(temporaryFile());
    inChild([&] {
      write(options, one, files.back());
      return Measure();
    });
  }
  // Rounds over all cases, so that a slow moment of the host hits them alike.
  std::vector<std::array<Measure, numCases>> best(models.size());
  for (uint32_t round = 0; round < options.runs; ++round)
    for (size_t k = 0; k < models.size(); ++k)
      for (size_t i = 0; i < numCases; ++i) {
        Measure m =
            inChild([&] { return run(files[i], options, models[k].first); });
        if (!round || m.cpuSeconds < best[k][i].cpuSeconds)
          best[k][i] = m;
      }
  for (const std::string &file : files)
    unlink(file.c_str());

  std::string json;
  std::printf("%-8s %9s %7s %12s %11s %9s %12s %12s %10s\n", "mesh", "tasks",
              "PEAs", "cycles", "events", "cpu s", "tasks/s", "events/s",
              "peak MiB");
  for (size_t k = 0; k < models.size(); ++k) {
    for (size_t i = 0; i < numCases; ++i) {
      const Measure &m = best[k][i];
      uint32_t peas = cases[i].side * cases[i].side * 16;
      std::printf("%-8s %9u %7u %12llu %11llu %9.3f %12.0f %12.0f %10.1f\n",
                  models[k].second, cases[i].tasks, peas,
                  (unsigned long long)m.makespan, (unsigned long long)m.events,
                  m.cpuSeconds, double(m.instances) / m.cpuSeconds,
                  double(m.events) / m.cpuSeconds,
                  double(m.peakBytes) / (1 << 20));
      json += fmt::format(
          "{}{{\"network\": \"{}\", \"tasks\": {}, \"peas\": {}, "
          "\"makespan_cycles\": {}, \"events\": {}, \"cpu_seconds\": {}, "
          "\"wall_seconds\": {}, \"peak_memory_bytes\": {}}}",
          json.empty() ? "" : ",\n", models[k].second, cases[i].tasks, peas,
          m.makespan, m.events, m.cpuSeconds, m.wallSeconds, m.peakBytes);
    }
    auto rate = [&](size_t i) {
      return cases[i].tasks / best[k][i].cpuSeconds;
    };
    std::printf("bytes a task %.0f; rate of 1,000,000 against 100,000 %.2f; "
                "time a task on 32 x 32 against 8 x 8 %.2f\n",
                (double(best[k][1].peakBytes) - double(best[k][0].peakBytes)) /
                    (cases[1].tasks - cases[0].tasks),
                rate(1) / rate(0), rate(0) / rate(2));
  }
  if (!options.json.empty()) {
    FILE *file = std::fopen(options.json.c_str(), "w");
    if (!file)
      fail("cannot write " + options.json);
    std::fprintf(file, "[%s]\n", json.c_str());
    std::fclose(file);
  }
  return 0;
}
