//===- Checkpoint.h - Files of the state of a run ---------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A checkpoint is a header, a text that says what the run was asked for, and the
// state as State.h writes it. The header has a digest over everything, so that
// a file that was cut off or changed is never taken for a state. Files are read
// by the build that wrote them, or one with the same records: `layout` tells.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_CHECKPOINT_H
#define OCTO_LIB_RUNTIME_CHECKPOINT_H

#include "octo/Support/Diagnostic.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace octo {

struct SimulationOptions;

/// What a checkpoint holds, and where in the run it was taken.
struct Checkpoint {
  /// Digest of the program; empty: its maker was not told.
  std::string program;
  /// Of the records of the build.
  uint64_t layout = 0;
  /// What the run was asked for, one "key: value" a line.
  std::string options;
  uint64_t events = 0;
  uint64_t cycle = 0;
  std::string state;
};

/// What decides the course of a run, as text; stop rules do not.
std::string describeRun(const SimulationOptions &options);

/// The bytes of a file.
std::string sealCheckpoint(const Checkpoint &checkpoint);

/// Takes the bytes of a file apart, after checking that they are whole. Errors
/// do not name the file.
Expected<Checkpoint> openCheckpoint(std::string_view bytes);

/// Checks that a checkpoint is one of this build, program and run.
Expected<void> matchCheckpoint(const Checkpoint &checkpoint,
                               const Checkpoint &run);

/// Writes a file as a whole: what has been there is replaced at the end.
Expected<void> writeCheckpoint(const std::string &path,
                               const Checkpoint &checkpoint);
Expected<Checkpoint> readCheckpoint(const std::string &path);

} // namespace octo

#endif // OCTO_LIB_RUNTIME_CHECKPOINT_H
