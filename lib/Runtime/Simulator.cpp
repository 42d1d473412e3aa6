//===- Simulator.cpp - Runs a program on its machine ----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "octo/Runtime/Simulator.h"

#include "Engine.h"

#include <memory>

using namespace octo;

Expected<RunResult> octo::simulate(const fb::Program &program,
                                   const SimulationOptions &options,
                                   KernelExecutor *executor, TraceSink *trace,
                                   const ProgressCallback &progress) {
  auto tables = buildTables(program);
  if (!tables)
    return octo::Error(tables.error());
  auto engine =
      std::make_unique<Engine>(*tables, options, executor, trace, progress);
  if (auto ready = engine->prepare(); !ready)
    return octo::Error(ready.error());
  return engine->run();
}
