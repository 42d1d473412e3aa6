//===- ScenarioReader.h - Scenario files and inputs -------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads scenario files (YAML; docs/scenarios.md is their manual) and arrays
// into the plain data of Scenario.h, checked against the arguments of the
// workflows.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_RUNTIME_SCENARIOREADER_H
#define OCTO_RUNTIME_SCENARIOREADER_H

#include "octo/Runtime/Npy.h"
#include "octo/Runtime/Scenario.h"
#include "octo/Support/Diagnostic.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace octo {

namespace fb {
struct Program;
} // namespace fb

/// An argument or a result of a workflow.
struct ValueSignature {
  std::string name;
  ElementKind kind = ElementKind::F32;
  /// An element type, not a tensor of rank 0.
  bool scalar = false;
  /// -1: known only at run time.
  std::vector<int64_t> dims;

  /// As MLIR writes the type: "tensor<1x?xf32>", "i64".
  std::string typeText() const;
};

struct WorkflowSignature {
  std::string name;
  std::vector<ValueSignature> arguments;
  std::vector<ValueSignature> results;
};

/// The signatures of the workflows of a validated program, in its order.
std::vector<WorkflowSignature> signaturesOf(const fb::Program &program);

/// The items that `array` is for an argument: one, when it has the shape of the
/// argument, or one for each index of an extra leading dimension. `place` names
/// the array in messages.
Expected<std::vector<Tensor>> splitItems(const Tensor &array,
                                         const ValueSignature &argument,
                                         std::string_view place);

/// Inputs for all arguments of `workflow` from files: one .npz whose entries
/// have the names of the arguments, or .npy files in the order of the arguments
/// or as "argument=file.npy". Every argument must be given.
Expected<std::vector<ArgumentInput>>
readInputs(std::span<const std::string> files,
           const WorkflowSignature &workflow);

/// Inputs for all arguments of `workflow` from arrays in memory.
Expected<std::vector<ArgumentInput>>
bindInputs(std::span<const NamedTensor> arrays,
           const WorkflowSignature &workflow, std::string_view place);

/// Parses a scenario. Paths in it are relative to `folder`; `name` stands for
/// the file in messages. A tenant whose arrivals are not given has a closed loop
/// with inFlight 0: who runs it puts a number there.
Expected<Scenario> parseScenario(std::string_view text, std::string_view name,
                                 const std::string &folder,
                                 std::span<const WorkflowSignature> workflows);

/// Reads a scenario file; its paths are relative to its folder.
Expected<Scenario> readScenario(const std::string &path,
                                std::span<const WorkflowSignature> workflows);

} // namespace octo

#endif // OCTO_RUNTIME_SCENARIOREADER_H
