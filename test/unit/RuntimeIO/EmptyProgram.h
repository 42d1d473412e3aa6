//===- EmptyProgram.h - A program with its tables and nothing in them -----===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TEST_UNIT_RUNTIMEIO_EMPTYPROGRAM_H
#define OCTO_TEST_UNIT_RUNTIMEIO_EMPTYPROGRAM_H

#include "octo/Program/Program.h"
#include "octo/Program/program_generated.h"

#include <memory>

namespace octo {

/// One workflow `w` without blocks, and a machine of one die of one cluster of
/// one TBU of `peas` PEAs. Tests that write about a run fill in what they name.
inline fb::ProgramT emptyProgram(uint32_t peas) {
  fb::ProgramT program;
  program.machine = std::make_unique<fb::MachineT>();
  program.machine->name = "tiny";
  program.machine->dies_x = program.machine->dies_y = 1;
  program.machine->clusters_x = program.machine->clusters_y = 1;
  program.machine->tbus = 1;
  program.machine->peas = peas;
  makeRequiredTables(program);
  auto workflow = std::make_unique<fb::WorkflowT>();
  workflow->name = "w";
  makeRequiredTables(*workflow);
  program.workflows.push_back(std::move(workflow));
  return program;
}

} // namespace octo

#endif // OCTO_TEST_UNIT_RUNTIMEIO_EMPTYPROGRAM_H
