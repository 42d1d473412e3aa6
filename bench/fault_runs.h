//===- fault_runs.h - Runs of programs while parts die ----------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What faults-bench and checkpoints-bench share: their flags, and the run
// without faults that others are compared with.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_BENCH_FAULT_RUNS_H
#define OCTO_BENCH_FAULT_RUNS_H

#include "octo/Runtime/Driver.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace octo::bench {

struct FaultFlags {
  unsigned seeds;
  uint64_t requests = 8;
  std::vector<std::string> policies, programs;

  /// False if it is none of these flags.
  bool take(std::string_view text) {
    auto number = [&](std::string_view flag) {
      return std::strtoull(text.data() + flag.size(), nullptr, 10);
    };
    if (text.starts_with("--seeds="))
      seeds = static_cast<unsigned>(number("--seeds="));
    else if (text.starts_with("--requests="))
      requests = number("--requests=");
    else if (text.starts_with("--policy="))
      policies.emplace_back(text.substr(std::string_view("--policy=").size()));
    else if (!text.starts_with("--"))
      programs.emplace_back(text);
    else
      return false;
    return true;
  }
  bool complete() const { return !programs.empty() && seeds && requests; }
};

/// Options of runs with faults, and the run without.
struct FaultRuns {
  SimulationOptions options;
  RunResult without;
};

inline Expected<FaultRuns> prepareFaultRuns(Session &session,
                                            const RunRequest &request) {
  Expected<SimulationOptions> options = session.prepare(request);
  if (!options)
    return Error(options.error());
  Expected<RunResult> without = session.run(*options);
  if (!without)
    return Error(without.error());
  // What never ends is a finding, not a hang.
  options->scenario.stop.maxCycles = 1000 * without->makespanCycles;
  return FaultRuns{std::move(*options), std::move(*without)};
}

inline int fail(const Diagnostic &error) {
  std::fprintf(stderr, "%s\n", error.str().c_str());
  return 1;
}

} // namespace octo::bench

#endif // OCTO_BENCH_FAULT_RUNS_H
