//===- Simulator.cpp - Runs a program on its machine ----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "octo/Runtime/Simulator.h"

#include "Engine.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <thread>

using namespace octo;

static Expected<RunResult> simulateTables(const ProgramTables &tables,
                                          const SimulationOptions &options,
                                          KernelExecutor *executor,
                                          TraceSink *trace,
                                          const ProgressCallback &progress) {
  try {
    auto engine =
        std::make_unique<Engine>(tables, options, executor, trace, progress);
    if (auto ready = engine->prepare(); !ready)
      return octo::Error(ready.error());
    return engine->run();
  } catch (const std::bad_alloc &) {
    // Tables of requests are made before the run, so this comes at its start.
    return makeError("there is not enough memory for the run: give it fewer "
                     "requests or fewer in flight, or run fewer replications "
                     "at a time");
  }
}

Expected<RunResult> octo::simulate(const fb::Program &program,
                                   const SimulationOptions &options,
                                   KernelExecutor *executor, TraceSink *trace,
                                   const ProgressCallback &progress) {
  auto tables = buildTables(program);
  if (!tables)
    return octo::Error(tables.error());
  return simulateTables(*tables, options, executor, trace, progress);
}

//===----------------------------------------------------------------------===//
// Replications
//===----------------------------------------------------------------------===//

namespace {

/// Lets several engines call one executor.
class SharedExecutor : public KernelExecutor {
public:
  explicit SharedExecutor(KernelExecutor &executor) : executor(executor) {}

  bool hasKernel(uint32_t kernel) const override {
    std::lock_guard<std::mutex> lock(mutex);
    return executor.hasKernel(kernel);
  }
  Expected<void> call(uint32_t kernel, std::span<const Tensor> inputs,
                      std::span<Tensor> outputs,
                      std::span<int64_t> counters) override {
    std::lock_guard<std::mutex> lock(mutex);
    return executor.call(kernel, inputs, outputs, counters);
  }

private:
  KernelExecutor &executor;
  mutable std::mutex mutex;
};

} // namespace

Expected<std::vector<RunResult>>
octo::simulateReplications(const fb::Program &program,
                           const SimulationOptions &options, unsigned count,
                           unsigned threads, KernelExecutor *executor,
                           const ProgressCallback &progress) {
  if (!options.checkpoint.file.empty() || !options.checkpoint.resume.empty())
    return makeError("checkpoints are of one run: checkpoint the replication "
                     "that you mean by itself, with its own seed");
  auto tables = buildTables(program);
  if (!tables)
    return octo::Error(tables.error());
  std::optional<SharedExecutor> shared;
  if (executor)
    shared.emplace(*executor);

  std::vector<std::optional<Expected<RunResult>>> outcomes(count);
  std::vector<Progress> reports(count);
  std::mutex mutex;
  std::atomic<bool> stopped = false;
  std::atomic<unsigned> next = 0;
  auto work = [&] {
    for (unsigned i; (i = next++) < count && !stopped;) {
      SimulationOptions own = options;
      own.scenario.seed += i;
      ProgressCallback report;
      if (progress)
        report = [&, i](const Progress &mine) {
          std::lock_guard<std::mutex> lock(mutex);
          reports[i] = mine;
          Progress sum;
          for (const Progress &one : reports) {
            sum.cycle = std::max(sum.cycle, one.cycle);
            sum.events += one.events;
            sum.requestsFinished += one.requestsFinished;
          }
          sum.requestsTotal = mine.requestsTotal * count;
          if (!stopped && !progress(sum))
            stopped = true;
          return !stopped;
        };
      outcomes[i] = simulateTables(*tables, own, shared ? &*shared : nullptr,
                                   nullptr, report);
      if (!*outcomes[i])
        stopped = true;
    }
  };
  std::vector<std::jthread> others;
  for (unsigned t = 1; t < std::min(threads, count); ++t)
    others.emplace_back(work);
  work();
  others.clear();

  // Replications that were not begun any more are left out: `progress` stopped
  // the rest, or there is an error to tell.
  std::vector<RunResult> results;
  for (std::optional<Expected<RunResult>> &outcome : outcomes) {
    if (!outcome)
      continue;
    if (!*outcome)
      return octo::Error(outcome->error());
    results.push_back(std::move(**outcome));
  }
  return results;
}
