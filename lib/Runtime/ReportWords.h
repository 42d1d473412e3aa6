//===- ReportWords.h - Names and figures in results -------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the reports of a run (JSON, text, the page) say in the same words.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_REPORTWORDS_H
#define OCTO_LIB_RUNTIME_REPORTWORDS_H

#include "octo/Runtime/RunResult.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace octo {

namespace fb {
struct Program;
struct Workflow;
} // namespace fb

namespace report {

/// The kind of a block as the documents spell it: "task", "switch", ...
std::string_view kindName(const fb::Workflow &workflow, uint32_t block);

/// Where a block stands in its workflow.
std::string pathOf(const fb::Program &program, uint32_t workflow,
                   uint32_t block);

/// A place in a source, "file:line". Line 0 is unknown, no file no place.
std::string placeOf(const std::string &file, uint32_t line);

/// " (place)", or nothing where no place is known.
std::string inBrackets(const std::string &place);

/// A number of cycles, rounded, its digits in groups.
std::string cycles(double value);

/// Three digits, a prefix and the unit: "1.23 mJ", "4.56 kB".
std::string withPrefix(double value, std::string_view unit);

/// 0 of nothing.
inline double percent(double part, double whole) {
  return whole > 0 ? 100.0 * part / whole : 0.0;
}

/// Which part of the bound is the largest, by its key in the documents, or
/// "none".
std::string_view bindingBound(const LowerBound &bound);

/// The same in words.
std::string_view explainBound(std::string_view part);

/// What ran on which machine, the first line of every text.
std::string machineLine(const RunResult &result, const fb::Program &program);

} // namespace report
} // namespace octo

#endif // OCTO_LIB_RUNTIME_REPORTWORDS_H
