//===- Comparison.cpp - Several runs, for a terminal ----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReplicationStatistics.h"
#include "ReportWords.h"
#include "octo/Runtime/Report.h"

#include "octo/Program/program_generated.h"

#include <algorithm>

using namespace octo;
using namespace octo::report;

std::string octo::formatReplications(std::span<const RunResult> results,
                                     const fb::Program &program) {
  if (results.empty())
    return {};
  std::string text = machineLine(results.front(), program);
  text += fmt::format("  {} replications under {}, seeds {} to {}\n",
                      results.size(), results.front().policy,
                      results.front().seed, results.back().seed);
  text += fmt::format("  {:<36}{:>14}  {:>12}  {:>14}  {:>14}\n", "", "mean",
                      "+- (95 %)", "least", "most");
  for (const Headline &headline : headlines()) {
    Spread spread = spreadOf(results, headline);
    text += fmt::format(
        "  {:<36}{:>14.6g}  {:>12}  {:>14.6g}  {:>14.6g}\n", headline.key,
        spread.mean,
        results.size() > 1 ? fmt::format("{:.4g}", spread.halfWidth) : "-",
        spread.least, spread.most);
  }
  return text;
}

using Rows = std::vector<std::vector<std::string>>;

/// Rows under the head, the first column to the left, the others to the right.
static std::string alignColumns(const Rows &rows) {
  std::vector<size_t> width(rows[0].size());
  for (const auto &row : rows)
    for (size_t i = 0; i < row.size(); ++i)
      width[i] = std::max(width[i], row[i].size());
  std::string text;
  for (const auto &row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i)
      line += i == 0 ? fmt::format("  {:<{}}", row[i], width[i])
                     : fmt::format("  {:>{}}", row[i], width[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

/// A line that explains each column to a newcomer.
static std::string
legend(std::initializer_list<std::pair<const char *, const char *>> columns) {
  std::string text;
  for (const auto &[name, meaning] : columns)
    text += fmt::format("    {:<13} {}\n", name, meaning);
  return text;
}

/// "octopus", or "octopus without ddsm, atss".
static std::string policyLabel(const RunResult &result) {
  return result.disabled.empty()
             ? result.policy
             : fmt::format("{} without {}", result.policy,
                           fmt::join(result.disabled, ", "));
}

static std::string explainSlo(const RunResult &result) {
  return result.sloCycles
             ? fmt::format("requests that took at most {} cycles",
                           groupDigits(result.sloCycles))
             : "requests that took at most five times their own longest chain "
               "of tasks; --slo sets a limit";
}

/// Policies that others are measured by, if they are there.
static constexpr const char *baselineNames[] = {"static-even", "static"};

/// What the compiler expected of the tasks that took most, beside what was seen
/// under the compiled placement, or else under the first policy.
static std::string predictedBlocks(std::span<const RunResult> results,
                                   const fb::Program &program) {
  const RunResult *seen = &results.front();
  for (const RunResult &result : results)
    if (result.policy == "static")
      seen = &result;
  std::vector<const BlockStatistics *> tasks;
  for (const BlockStatistics &block : seen->blocks)
    if (block.instances && block.computePeaCycles && block.predictedCycles)
      tasks.push_back(&block);
  if (tasks.empty())
    return {};
  std::ranges::sort(tasks, {}, [](const BlockStatistics *block) {
    return std::tuple(~block->computePeaCycles, block->workflow, block->block);
  });
  constexpr size_t shown = 8;
  tasks.resize(std::min(tasks.size(), shown));
  Rows rows = {{"task", "times", "predicted", "cycles", "predicted"}};
  for (const BlockStatistics *block : tasks)
    rows.push_back(
        {pathOf(program, block->workflow, block->block),
         groupDigits(block->instances),
         groupDigits(block->predictedInstancesQ16 >> 16),
         cycles(double(block->busyCycles) / double(block->instances)),
         groupDigits(block->predictedCycles)});
  return fmt::format("\n  the tasks that took most under {}, and what the "
                     "compiler predicted\n",
                     policyLabel(*seen)) +
         alignColumns(rows);
}

/// Throughput, beside that of others and the tightest bound of all runs.
static Rows speedTable(std::span<const RunResult> results,
                       const LowerBound &binding) {
  double most = 0;
  for (const RunResult &result : results)
    most = std::max(most, result.throughputRequestsPerMegacycle);
  Rows rows = {{"policy", "makespan", "req/Mcycle", "of best", "of bound"}};
  std::vector<const RunResult *> baselines;
  for (const char *name : baselineNames)
    for (const RunResult &result : results)
      if (result.policy == name) {
        baselines.push_back(&result);
        rows[0].push_back(fmt::format("/ {}", name));
      }
  rows[0].push_back("/ best other");
  for (const RunResult &result : results) {
    double throughput = result.throughputRequestsPerMegacycle;
    std::string ofBound = "-";
    if (result.status != RunStatus::Completed)
      ofBound = stringifyRunStatus(result.status);
    else if (result.lowerBound.cycles())
      ofBound = fmt::format("{:.1f} %", 100.0 / result.ratioToLowerBound);
    rows.push_back(
        {policyLabel(result), groupDigits(result.makespanCycles),
         fmt::format("{:.4g}", throughput),
         most > 0 ? fmt::format("{:.1f} %", percent(throughput, most)) : "-",
         ofBound});
    auto over = [&](double other) {
      rows.back().push_back(
          other > 0 ? fmt::format("{:.2f}", throughput / other) : "-");
    };
    for (const RunResult *baseline : baselines)
      over(baseline->throughputRequestsPerMegacycle);
    double other = 0;
    for (const RunResult &rival : results)
      if (rival.policy != result.policy)
        other = std::max(other, rival.throughputRequestsPerMegacycle);
    over(other);
  }
  uint64_t bound = binding.cycles();
  rows.push_back(
      {"lower bound", groupDigits(bound), "", "", bound ? "100.0 %" : "-"});
  rows.back().resize(rows[0].size());
  return rows;
}

/// How long requests took.
static Rows latencyTable(std::span<const RunResult> results) {
  Rows rows = {
      {"policy", "mean", "p50", "p99", "in time", "goodput", "failed"}};
  for (const RunResult &result : results) {
    const SampleSummary &latency = result.latency;
    auto known = [&](std::string text) {
      return latency.count ? text : std::string("-");
    };
    rows.push_back(
        {policyLabel(result), known(cycles(latency.mean)),
         known(groupDigits(latency.p50)), known(groupDigits(latency.p99)),
         known(fmt::format("{:.1f} %", percent(double(result.requestsInTime),
                                               double(latency.count)))),
         fmt::format("{:.4g}", result.goodputRequestsPerMegacycle),
         groupDigits(result.requestsFailed)});
  }
  return rows;
}

/// Where the cycles of the PEAs went.
static Rows peaTimeTable(std::span<const RunResult> results) {
  Rows rows = {{"policy", "computing", "transient", "structural", "contagious",
                "depth", "other"}};
  for (const RunResult &result : results) {
    double total = 0;
    for (uint64_t state : result.peaCycles)
      total += double(state);
    auto part = [&](uint64_t peaCycles) {
      return fmt::format("{:.1f} %", percent(double(peaCycles), total));
    };
    uint64_t computing = result.peaCycles[unsigned(PeaState::Computing)];
    uint64_t idle = result.peaCycles[unsigned(PeaState::Idle)];
    rows.push_back(
        {policyLabel(result), part(computing),
         part(result.idleTransientPeaCycles),
         part(result.idleStructuralPeaCycles),
         part(result.idleContagiousPeaCycles),
         result.idleDepth.intervals
             ? fmt::format("{:.1f}", double(result.idleDepth.sum) /
                                         double(result.idleDepth.intervals))
             : "-",
         part(uint64_t(total) - computing - idle)});
  }
  return rows;
}

/// What was moved, and the energy of it all.
static Rows movementTable(std::span<const RunResult> results) {
  Rows rows = {{"policy", "mesh", "links", "busiest", "code", "weights",
                "migrations", "energy"}};
  for (const RunResult &result : results) {
    const NetworkUse &use = result.network;
    const double span = double(result.makespanCycles);
    uint64_t busiest = 0;
    for (uint64_t busy : use.linkBusyCycles)
      busiest = std::max(busiest, busy);
    rows.push_back(
        {policyLabel(result),
         withPrefix(double(result.counters.transferBytes), "B"),
         fmt::format("{:.2g} %", percent(double(use.busyCycles),
                                         double(use.liveLinks) * span)),
         fmt::format("{:.2g} %", percent(double(busiest), span)),
         withPrefix(double(result.counters.configBytes), "B"),
         withPrefix(double(result.counters.weightBytes), "B"),
         groupDigits(result.counters.migrations),
         withPrefix(result.energyJoules, "J")});
  }
  return rows;
}

static std::string comparisonLegend(const RunResult &first) {
  std::string slo = explainSlo(first);
  return legend(
      {{"makespan", "cycles from the first arrival to the last result"},
       {"req/Mcycle", "throughput: requests completed in a million cycles"},
       {"of best", "this throughput over the best one of this table"},
       {"of bound", "lower bound over makespan; no scheduler can pass 100 %"},
       {"/ static ...", "this throughput over that policy's; best other: over "
                        "the best of the other policies"},
       {"mean", "cycles from the arrival of a request to its result"},
       {"p50, p99", "50 or 99 of 100 requests took no longer than so many "
                    "cycles"},
       {"in time", slo.c_str()},
       {"goodput", "requests in time that completed in a million cycles"},
       {"failed", "requests that ended with an error of their own"},
       {"computing", "part of all PEA-cycles in which PEAs computed"},
       {"transient", "idle for less than loading a kernel takes"},
       {"structural", "idle for longer: nothing was on its way to the PEA"},
       {"contagious", "idle for longer: what it waited for had to wait too"},
       {"depth", "how many tasks in a row passed idleness on, in the mean"},
       {"other", "loading code, moving data, waiting, faulty or unused"},
       {"mesh", "bytes of data that crossed the mesh between clusters"},
       {"links", "part of their time in which links of the mesh were taken"},
       {"busiest", "the same of the link that was taken longest"},
       {"code", "bytes of kernel code loaded into configuration stores"},
       {"weights", "bytes of weights loaded from memory ports"},
       {"migrations", "tasks that ran elsewhere than they were first sent"},
       {"energy", "all events and leakage, by the target file's figures"}});
}

static std::string compareOutputs(std::span<const RunResult> results) {
  const std::string &outputs = results.front().outputsSha256;
  if (outputs.empty())
    return {};
  bool same = std::ranges::all_of(results, [&](const RunResult &result) {
    return result.outputsSha256 == outputs;
  });
  return same ? fmt::format("  outputs: the same under every policy (sha256 "
                            "{})\n",
                            outputs)
              : std::string("  outputs: NOT the same under every policy\n");
}

std::string octo::formatComparison(std::span<const RunResult> results,
                                   const fb::Program &program) {
  if (results.empty())
    return {};
  const LowerBound &binding =
      std::ranges::max_element(results, {}, [](const RunResult &result) {
        return result.lowerBound.cycles();
      })->lowerBound;
  std::string text = machineLine(results.front(), program);
  text += alignColumns(speedTable(results, binding));
  if (binding.cycles())
    text +=
        fmt::format("  the bound is set by: {} ({})\n", bindingBound(binding),
                    explainBound(bindingBound(binding)));
  text += "\n  how long requests took\n";
  text += alignColumns(latencyTable(results));
  text += "\n  where the cycles of the PEAs went\n";
  text += alignColumns(peaTimeTable(results));
  text += "\n  what was moved, and the energy of it all\n";
  text += alignColumns(movementTable(results));
  text += predictedBlocks(results, program);
  text += "\n";
  text += comparisonLegend(results.front());
  text += compareOutputs(results);
  return text;
}

std::string
octo::formatCompareReplications(std::span<const std::vector<RunResult>> runs,
                                const fb::Program &program) {
  if (runs.empty() || runs.front().empty())
    return {};
  const std::vector<RunResult> &best = bestOf(runs);
  Rows rows = {
      {"policy", "req/Mcycle", "of best", "95 % interval", "of bound"}};
  std::vector<const std::vector<RunResult> *> baselines;
  for (const char *name : baselineNames)
    for (const std::vector<RunResult> &results : runs)
      if (!results.empty() && results.front().policy == name) {
        baselines.push_back(&results);
        rows[0].push_back(fmt::format("/ {}", name));
      }
  for (const char *column :
       {"mean latency", "p99 latency", "in time", "goodput", "computing"})
    rows[0].push_back(column);
  auto withHalf = [](const Spread &spread, bool known) {
    return known
               ? fmt::format("{:.4g} +- {:.2g}", spread.mean, spread.halfWidth)
               : fmt::format("{:.4g}", spread.mean);
  };
  for (const std::vector<RunResult> &results : runs) {
    if (results.empty())
      continue;
    bool known = results.size() > 1;
    auto of = [&](std::string_view key) {
      return spreadOf(results, headline(key));
    };
    Spread ratio = pairedRatio(results, best);
    double ofBound = 0;
    for (const RunResult &result : results)
      if (result.lowerBound.cycles())
        ofBound += 100.0 / result.ratioToLowerBound / double(results.size());
    rows.push_back({policyLabel(results.front()),
                    withHalf(of("throughput_requests_per_megacycle"), known),
                    fmt::format("{:.1f} %", 100 * ratio.mean),
                    known ? fmt::format("{:.1f} to {:.1f} %", 100 * ratio.least,
                                        100 * ratio.most)
                          : "-",
                    fmt::format("{:.1f} %", ofBound)});
    for (const std::vector<RunResult> *baseline : baselines) {
      Spread over = pairedRatio(results, *baseline);
      rows.back().push_back(known
                                ? fmt::format("{:.2f} ({:.2f} to {:.2f})",
                                              over.mean, over.least, over.most)
                                : fmt::format("{:.2f}", over.mean));
    }
    double inTime = 0, counted = 0, goodput = 0;
    for (const RunResult &result : results) {
      inTime += double(result.requestsInTime);
      counted += double(result.latency.count);
      goodput += result.goodputRequestsPerMegacycle / double(results.size());
    }
    for (std::string text :
         {cycles(of("latency_cycles.mean").mean),
          cycles(of("latency_cycles.p99").mean),
          fmt::format("{:.1f} %", percent(inTime, counted)),
          fmt::format("{:.4g}", goodput),
          fmt::format("{:.1f} %", 100 * of("pea_utilization").mean)})
      rows.back().push_back(std::move(text));
  }
  std::string slo = explainSlo(runs.front().front());
  std::string text = machineLine(runs.front().front(), program);
  text += fmt::format("  means of {} replications, seeds {} to {}\n",
                      runs.front().size(), runs.front().front().seed,
                      runs.front().back().seed);
  text += alignColumns(rows) + "\n";
  text += legend(
      {{"req/Mcycle", "throughput: requests completed in a million cycles"},
       {"of best", "throughput over the best policy's, seed by seed: the "
                   "geometric mean"},
       {"95 % interval", "of that mean (Student, over the seeds)"},
       {"of bound", "lower bound over makespan; no scheduler can pass 100 %"},
       {"/ static ...", "throughput over that policy's, in the same way"},
       {"p99 latency", "99 of 100 requests took no longer than so many cycles"},
       {"in time", slo.c_str()},
       {"goodput", "requests in time that completed in a million cycles"},
       {"computing", "part of the live PEAs' cycles in which they computed"}});
  return text;
}
