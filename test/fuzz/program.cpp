//===- program.cpp - Any bytes as a program file --------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// A program that the loader takes must be one that can be shown and run: the
// runtime checks nothing twice.

#include "octo/Program/Program.h"
#include "octo/Runtime/ScenarioReader.h"
#include "octo/Runtime/Simulator.h"

#include <cstddef>
#include <cstdint>

using namespace octo;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Expected<Program> program = parseProgram({data, size}, "fuzz");
  if (!program)
    return 0;
  (void)programToJson(**program);
  (void)describeProgram(**program);
  (void)signaturesOf(**program);
  for (const char *policy : {"static", "octopus"}) {
    SimulationOptions options;
    options.policy = policy;
    options.timingOnly = true;
    options.scenario.requests = 2;
    options.scenario.stop.maxEvents = 2000;
    options.scenario.tenants.emplace_back();
    (void)simulate(**program, options);
  }
  return 0;
}
