//===- Report.h - Results for people and programs ---------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A run as JSON (docs/result.schema.json), as a readable summary, as a page.
// The text depends on nothing but the result, so equal runs give equal text;
// only what stands under `host` differs.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_RUNTIME_REPORT_H
#define OCTO_RUNTIME_REPORT_H

#include "octo/Runtime/RunResult.h"
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

/// Version of the JSON documents; grows when a key changes its meaning or goes.
inline constexpr unsigned resultSchemaVersion = 1;

/// The JSON document of one run, indented by two, with a newline at the end.
std::string formatResultJson(const RunResult &result,
                             const fb::Program &program);

/// The JSON document of several policies on one scenario.
std::string formatCompareJson(std::span<const RunResult> results,
                              const fb::Program &program);

/// The summary that `octo-run run` prints.
std::string formatSummary(const RunResult &result, const fb::Program &program);

/// The table that `octo-run compare` prints.
std::string formatComparison(std::span<const RunResult> results,
                             const fb::Program &program);

/// Replications of one scenario (simulateReplications): every run, and over
/// them the mean of each headline number with its 95 % confidence interval
/// (Student). `wallSeconds` are those of all together on `threads` threads.
std::string formatReplicationsJson(std::span<const RunResult> results,
                                   const fb::Program &program, unsigned threads,
                                   double wallSeconds);
/// The same as a table.
std::string formatReplications(std::span<const RunResult> results,
                               const fb::Program &program);

/// Replications of one scenario under several policies: `runs` has those of
/// each policy, seed by seed. Ratios of throughput are paired by seed.
std::string
formatCompareReplicationsJson(std::span<const std::vector<RunResult>> runs,
                              const fb::Program &program, unsigned threads,
                              double wallSeconds);
/// The same as a table.
std::string
formatCompareReplications(std::span<const std::vector<RunResult>> runs,
                          const fb::Program &program);

/// One self-contained HTML page about a run.
std::string formatHtml(const RunResult &result, const fb::Program &program);

/// Why a run did not finish: who waits for what. Empty when it finished.
std::string formatUnfinished(const RunResult &result);

/// The profile that a run recorded (SimulationOptions::recordOutcomes): whole
/// requests, so that correlations survive. docs/scenarios.md has the format.
std::string formatProfileJson(const RunResult &result,
                              const fb::Program &program);

/// The number with its digits in groups of three: 1,234,567.
std::string groupDigits(uint64_t value);

} // namespace octo

#endif // OCTO_RUNTIME_REPORT_H
