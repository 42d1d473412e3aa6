//===- Driver.h - From files and options to a run ---------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What `octo-run` and the Python package share: load a program, put a scenario
// together, get the code loader when code is to run, simulate.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_RUNTIME_DRIVER_H
#define OCTO_RUNTIME_DRIVER_H

#include "octo/Runtime/ScenarioReader.h"
#include "octo/Runtime/Simulator.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace octo {

class Program;

/// How a run is asked for. What is not given comes from the scenario, and what
/// the scenario does not give has the defaults of docs/scenarios.md.
struct RunRequest {
  /// A scenario file; empty: none.
  std::string scenario;
  /// The text of a scenario instead of a file; its paths are relative to the
  /// current folder.
  std::string scenarioText;
  std::optional<uint64_t> requests;
  std::optional<uint64_t> seed;
  /// Requests open at a time, in a closed loop.
  std::optional<uint64_t> inFlight;
  /// Instead of the scenario's, in cycles.
  std::optional<uint64_t> slo;
  std::string policy = "octopus";
  std::vector<std::string> disable;
  /// Parameters of the policy, "name=value".
  std::vector<std::string> policyOptions;
  /// .npz or .npy files for the arguments.
  std::vector<std::string> inputFiles;
  /// Arrays for the arguments, instead of files.
  std::vector<NamedTensor> inputArrays;
  bool timingOnly = false;
  NetworkModel network = NetworkModel::Message;
  /// See SimulationOptions; only with a program that has records, timing only.
  bool recordsInOrder = false;
  bool recordOutcomes = false;
  bool keepOutputs = false;
  /// Its `program` is filled in.
  CheckpointOptions checkpoint;
};

/// A program that has been loaded and validated, ready to run any number of
/// times.
class Session {
public:
  static Expected<std::unique_ptr<Session>> open(const std::string &path);
  /// A program in memory; `name` stands for the file in messages.
  static Expected<std::unique_ptr<Session>>
  fromBytes(std::span<const uint8_t> bytes, std::string_view name);
  ~Session();

  const fb::Program &program() const;
  const std::vector<WorkflowSignature> &signatures() const { return workflows; }
  /// The bytes of the program file.
  std::span<const uint8_t> bytes() const;
  /// Path of the file, or the name it was given.
  const std::string &name() const;

  /// True if the program has kernels with bodies; then a functional run
  /// executes code.
  bool hasKernelBodies() const;
  /// True if a run that is not timing-only has values: by code, or because all
  /// that is left of a workflow passes on its arguments and constants.
  bool hasValues() const;
  /// True if all of these have images.
  bool hasImages() const;
  /// True if the program keeps recorded requests for timing-only runs.
  bool hasRecords() const;

  /// The options of a run, every part checked against the program.
  Expected<SimulationOptions> prepare(const RunRequest &request) const;

  /// Runs once. The library that executes images is loaded on first need.
  Expected<RunResult> run(const SimulationOptions &options,
                          TraceSink *trace = nullptr,
                          const ProgressCallback &progress = {});

  /// Runs `count` replications, see simulateReplications.
  Expected<std::vector<RunResult>>
  runReplications(const SimulationOptions &options, unsigned count,
                  unsigned threads, const ProgressCallback &progress = {});

  /// An error if the host has no memory for `measureAlone` of so many: what is
  /// run before it need not be begun.
  Expected<void> checkAlone(uint64_t count) const;
  /// Runs the first `count` requests of each tenant one at a time, without
  /// faults, after one that loads code and weights. Their latencies become the
  /// `aloneLatency` of the tenants of `result`, a run with the same options.
  Expected<void> measureAlone(const SimulationOptions &options, uint64_t count,
                              RunResult &result,
                              const ProgressCallback &progress = {});

private:
  Session();
  static Expected<std::unique_ptr<Session>> make(Expected<Program> program);
  Expected<KernelExecutor *> executor();
  /// The executor that a run with these options needs; null when it is timed.
  Expected<KernelExecutor *> executorFor(const SimulationOptions &options);

  struct Impl;
  std::unique_ptr<Impl> impl;
  std::vector<WorkflowSignature> workflows;
};

/// The outputs of a run (options.keepOutputs and keepRequests) as arrays: for
/// each result of a workflow, one array with the completed requests along a new
/// first dimension if all have one shape, else an array "<result>.<request>"
/// for each. An array "_requests" (i64) has the numbers of the completed
/// requests. When tenants run several workflows, names begin with
/// "<workflow>.".
std::vector<NamedTensor> collectOutputs(const RunResult &result,
                                        const SimulationOptions &options,
                                        const Session &session);

} // namespace octo

#endif // OCTO_RUNTIME_DRIVER_H
