//===- Simulator.h - Runs a program on its machine --------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The entry to the runtime: program + scenario + policy -> cycles and outputs.
// docs/semantics.md says what happens, docs/timing-model.md what it costs.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_RUNTIME_SIMULATOR_H
#define OCTO_RUNTIME_SIMULATOR_H

#include "octo/Runtime/KernelExecutor.h"
#include "octo/Runtime/RunResult.h"
#include "octo/Runtime/Scenario.h"
#include "octo/Runtime/TraceSink.h"
#include "octo/Support/Diagnostic.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace octo {

namespace fb {
struct Program;
} // namespace fb

/// How far a run is.
struct Progress {
  uint64_t cycle = 0;
  uint64_t events = 0;
  uint64_t requestsFinished = 0;
  uint64_t requestsTotal = 0;
};

/// Called about every 65,536 events, and every quarter of a second; false ends
/// the run as Cancelled.
using ProgressCallback = std::function<bool(const Progress &)>;

/// Files of the state of a run between two events, in which it can be resumed
/// as if it had never been interrupted. Of runs without code.
struct CheckpointOptions {
  /// Where they are written, the latest one over those before; empty: nowhere.
  /// A run that is cancelled, or ended by a stop rule, leaves one in any case.
  std::string file;
  /// After so many events (the first boundary from there on), from that cycle
  /// on, and again after each so many events; 0: not for this reason.
  uint64_t atEvent = 0;
  uint64_t atCycle = 0;
  uint64_t everyEvents = 0;
  /// The checkpoint to begin from; empty: the start.
  std::string resume;
  /// What tells the program from others: the SHA-256 of its file.
  std::string program;
};

struct SimulationOptions {
  /// Name of a registered policy (Policy.h).
  std::string policy = "octopus";
  /// Mechanisms of the policy to switch off: "ddsm", "atss", "pcss".
  std::vector<std::string> disable;
  /// Parameters of the policy, "name=value".
  std::vector<std::string> policyOptions;
  Scenario scenario;
  /// Flit by flit is for validation, on meshes of at most 1,024 clusters; link by
  /// link is quickest.
  NetworkModel network = NetworkModel::Message;
  /// No kernel runs: sizes, counts and decisions come from the records of the
  /// program, else from types and profiles.
  bool timingOnly = false;
  /// Request i takes record i (modulo their number) instead of one that the
  /// seed chooses: the requests that were recorded, once more.
  bool recordsInOrder = false;
  CheckpointOptions checkpoint;
  /// Folder that the paths of file weights are relative to.
  std::string weightsFolder;

  bool keepRequests = true;
  bool keepOutputs = true;
  bool recordOutcomes = false;
  unsigned maxFailureReports = 64;
  unsigned maxBlockedReports = 16;
};

/// Runs `program`, which must have passed the loader's validator. Functional
/// runs (options.timingOnly false) need an executor that has every kernel of
/// kind Image that the scenario's workflows use; weights are made on first use.
///
/// Errors name what is wrong with options, scenario or program: an unknown
/// policy (with the ones there are), a block that neither code nor profile
/// decides, inputs that do not match the arguments. A run that does not finish
/// is no error: see RunResult::status.
Expected<RunResult> simulate(const fb::Program &program,
                             const SimulationOptions &options,
                             KernelExecutor *executor = nullptr,
                             TraceSink *trace = nullptr,
                             const ProgressCallback &progress = {});

/// Runs `count` replications: number i is simulate() with the seed
/// options.scenario.seed + i. Up to `threads` run at a time and share the
/// tables of the program; the results, in order of the seeds, are the same for
/// every number of threads, `host` apart. Kernels are called one at a time.
/// `progress` gets the sums over all replications (and the latest cycle), one
/// call at a time. They have no checkpoints.
Expected<std::vector<RunResult>>
simulateReplications(const fb::Program &program,
                     const SimulationOptions &options, unsigned count,
                     unsigned threads, KernelExecutor *executor = nullptr,
                     const ProgressCallback &progress = {});

/// Weight `weight` of the program as a tensor, as functional runs use it:
/// inline data, a file (its digest is checked), or the seeded generator.
Expected<Tensor> loadWeight(const fb::Program &program, uint32_t weight,
                            const std::string &weightsFolder);

} // namespace octo

#endif // OCTO_RUNTIME_SIMULATOR_H
