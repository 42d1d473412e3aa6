//===- YamlWorkflow.h - A workflow as its YAML file says it -----*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The border between the YAML reader, which throws inside and knows no MLIR,
// and the importer, which knows MLIR and does not throw. Names are as written;
// what they refer to is found by the importer. Every value was checked on its
// own: ranges, kinds, sums of probabilities.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_TRANSLATION_YAMLWORKFLOW_H
#define OCTO_LIB_TRANSLATION_YAMLWORKFLOW_H

#include "octo/Support/Diagnostic.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace octo::yamlflow {

/// Line and column, from 1.
struct Place {
  unsigned line = 0;
  unsigned column = 0;
};

/// A name as it stands in the file.
struct Name {
  std::string text;
  Place place;
};

/// A distribution: its name in owg and its parameters (of an empirical one the
/// values, then as many weights).
struct Dist {
  std::string kind;
  std::vector<double> parameters;

  bool isConst() const { return kind == "const"; }
};

/// Sizes of one output in bytes; a token has none.
struct Output {
  std::string name;
  bool isToken = false;
  Dist bytes;
};

/// What `cycles`, `alpha`, ... of a step or of one part of its drift say.
struct Profile {
  std::optional<Dist> cycles, trips, count;
  std::vector<std::pair<std::string, Dist>> work;
  std::optional<double> alpha;
  std::optional<int64_t> maxGang, gang, stateBytes, codeBytes;
  std::vector<double> frequencies;
  /// In a drift: the sizes of all outputs, or empty.
  std::vector<Output> outputs;
};

struct Drift {
  int64_t from = 0;
  Profile profile;
};

struct Pin {
  std::optional<int64_t> cluster, tbu, gang;
};

struct Step;

/// The steps of a workflow, case, member, body of a loop or fan-out.
struct Section {
  Place place;
  /// What messages call it, as in "case `simple` of branch `route`".
  std::string title;
  std::vector<Step> steps;
  /// Without `result` in the file: the steps that no other step needs.
  std::optional<std::vector<Name>> results;
};

enum class StepKind { Task, Branch, Select, Loop, FanOut, Call };

/// The key that makes a step of this kind.
std::string_view getKeyword(StepKind kind);

struct Step {
  StepKind kind = StepKind::Task;
  Name name;
  std::vector<Name> needs;
  Profile profile;
  std::vector<Drift> drift;
  std::unique_ptr<Pin> pin;
  /// Task.
  std::vector<Output> outputs;
  /// Branch: cases, the last is the default. Select: members. Loop, fan-out:
  /// the body.
  std::vector<Section> regions;
  /// Loop: names inside and initial values.
  std::vector<std::pair<Name, Name>> carry;
  std::optional<int64_t> bound;
  /// Select, fan-out: one kind for all results, or one for each; and what the
  /// results start from, if given.
  std::vector<Name> combines;
  std::vector<Name> inits;
  /// Call: the workflow.
  Name callee;
};

struct Input {
  Name name;
  bool isToken = false;
  /// Without: the size is that of the values passed by calls.
  std::optional<int64_t> bytes;
};

struct Workflow {
  Name name;
  std::vector<Input> inputs;
  Section body;
  /// Names to the outside, parallel to the results of the body, where `outputs`
  /// is a map.
  std::vector<Name> outputNames;
};

/// Reads every document of `text`; `file` is the name in messages.
Expected<std::vector<Workflow>> readWorkflows(std::string_view text,
                                              std::string_view file);

/// "; did you mean `x`?" for the name nearest to `found`, or nothing.
std::string suggest(std::string_view found,
                    const std::vector<std::string_view> &names);

} // namespace octo::yamlflow

#endif // OCTO_LIB_TRANSLATION_YAMLWORKFLOW_H
