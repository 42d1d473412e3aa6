//===- Comparison.cpp - Several runs, for a terminal ----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LatencyPrediction.h"
#include "ReplicationStatistics.h"
#include "ReportWords.h"
#include "octo/Runtime/Report.h"

#include "octo/Program/program_generated.h"

#include <algorithm>
#include <functional>

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

namespace {

/// The replications of a policy, one or more; a row of each table.
using Replications = std::span<const RunResult>;
using Runs = std::span<const Replications>;

/// A number of a run, and how it is written.
struct Column {
  const char *name;
  std::function<std::optional<double>(const RunResult &)> of;
  std::string (*print)(double);
  const char *unit = "";
  /// Half the width of its 95 % interval in one run, if that is known.
  std::function<std::optional<double>(const RunResult &)> halfWidth = {};
};

} // namespace

static std::string printTenth(double value) {
  return fmt::format("{:.1f}", value);
}
static std::string printHundredth(double value) {
  return fmt::format("{:.2f}", value);
}
static std::string printTwoDigits(double value) {
  return fmt::format("{:.2g}", value);
}
static std::string printFourDigits(double value) {
  return fmt::format("{:.4g}", value);
}
static std::string printBytes(double value) { return withPrefix(value, "B"); }
static std::string printJoules(double value) { return withPrefix(value, "J"); }

/// "12.3 %", or with the 95 % interval "12.3 +- 0.4 %".
static std::string cellOf(Replications results, const Column &column) {
  std::vector<double> values;
  for (const RunResult &result : results)
    if (std::optional<double> value = column.of(result))
      values.push_back(*value);
  if (values.empty())
    return "-";
  const Spread spread = meanOf(values);
  std::optional<double> halfWidth;
  if (values.size() > 1)
    halfWidth = spread.halfWidth;
  else if (column.halfWidth && results.size() == 1)
    halfWidth = column.halfWidth(results.front());
  std::string text = column.print(spread.mean);
  if (halfWidth.value_or(0) > 0)
    text +=
        " +- " + (column.print == printFourDigits ? printTwoDigits(*halfWidth)
                                                  : column.print(*halfWidth));
  return text + column.unit;
}

static Rows tableOf(Runs runs, std::span<const Column> columns) {
  Rows rows(1, {"policy"});
  for (const Column &column : columns)
    rows[0].push_back(column.name);
  for (Replications results : runs) {
    rows.push_back({policyLabel(results.front())});
    for (const Column &column : columns)
      rows.back().push_back(cellOf(results, column));
  }
  return rows;
}

/// What the compiler expected of the tasks that took most, beside what was seen
/// under the compiled placement, or else under the first policy.
static std::string predictedBlocks(Runs runs, const fb::Program &program) {
  const RunResult *seen = &runs.front().front();
  for (Replications results : runs)
    if (results.front().policy == "static")
      seen = &results.front();
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
         groupDigits(seen->predictedInstancesQ16(*block) >> 16),
         cycles(double(block->busyCycles) / double(block->instances)),
         groupDigits(block->predictedCycles)});
  return fmt::format("\n  the tasks that took most under {}, and what the "
                     "compiler predicted\n",
                     policyLabel(*seen)) +
         alignColumns(rows);
}

/// The tightest bound of all runs.
static const LowerBound &tightestBound(Runs runs) {
  const LowerBound *tightest = &runs.front().front().lowerBound;
  for (Replications results : runs)
    for (const RunResult &result : results)
      if (result.lowerBound.cycles() > tightest->cycles())
        tightest = &result.lowerBound;
  return *tightest;
}

/// The tightest bound of each seed, in the mean.
static double meanBound(Runs runs) {
  std::vector<uint64_t> bounds;
  for (Replications results : runs) {
    bounds.resize(std::max(bounds.size(), results.size()));
    for (size_t i = 0; i < results.size(); ++i)
      bounds[i] = std::max(bounds[i], results[i].lowerBound.cycles());
  }
  double sum = 0;
  for (uint64_t bound : bounds)
    sum += double(bound);
  return sum / double(bounds.size());
}

/// How a run that did not complete ended.
static std::optional<RunStatus> otherEnd(Replications results) {
  for (const RunResult &result : results)
    if (result.status != RunStatus::Completed)
      return result.status;
  return std::nullopt;
}

/// Throughput, beside that of others, seed by seed, and the bound.
static Rows speedTable(Runs runs) {
  const Column columns[] = {
      {"makespan", [](const RunResult &r) { return double(r.makespanCycles); },
       cycles},
      {"req/Mcycle",
       [](const RunResult &r) { return r.throughputRequestsPerMegacycle; },
       printFourDigits},
      {"of bound",
       [](const RunResult &r) {
         return r.lowerBound.cycles() ? std::optional(100 / r.ratioToLowerBound)
                                      : std::nullopt;
       },
       printTenth, " %"}};
  Rows rows = tableOf(runs, columns);
  for (size_t i = 0; i < runs.size(); ++i)
    if (std::optional<RunStatus> end = otherEnd(runs[i]))
      rows[i + 1].back() = stringifyRunStatus(*end);
  // The throughput of one over that of another, and the interval.
  auto over = [](Replications one, Replications other, double factor,
                 auto print, const char *unit) -> std::string {
    const Spread ratio = pairedRatio(one, other);
    if (ratio.mean <= 0)
      return "-";
    if (std::min(one.size(), other.size()) < 2 || one.data() == other.data())
      return print(factor * ratio.mean) + unit;
    return fmt::format("{}{} ({} to {})", print(factor * ratio.mean), unit,
                       print(factor * ratio.least), print(factor * ratio.most));
  };
  const Replications best = runs[bestOf(runs)];
  rows[0].push_back("of best");
  for (size_t i = 0; i < runs.size(); ++i)
    rows[i + 1].push_back(over(runs[i], best, 100, printTenth, " %"));
  for (const char *name : baselineNames) {
    // Not one of its ablations.
    auto baseline = std::ranges::find_if(runs, [&](Replications results) {
      return results.front().policy == name && results.front().disabled.empty();
    });
    if (baseline == runs.end())
      continue;
    rows[0].push_back(fmt::format("/ {}", name));
    for (size_t i = 0; i < runs.size(); ++i)
      rows[i + 1].push_back(over(runs[i], *baseline, 1, printHundredth, ""));
  }
  rows[0].push_back("/ best other");
  for (size_t i = 0; i < runs.size(); ++i) {
    std::vector<Replications> others;
    for (Replications results : runs)
      if (results.front().policy != runs[i].front().policy)
        others.push_back(results);
    rows[i + 1].push_back(others.empty() ? "-"
                                         : over(runs[i], others[bestOf(others)],
                                                1, printHundredth, ""));
  }
  const double bound = meanBound(runs);
  rows.push_back(
      {"lower bound", cycles(bound), "", bound > 0 ? "100.0 %" : "-"});
  rows.back().resize(rows[0].size());
  return rows;
}

/// The mean latency of requests that were alone; nothing if there were none.
static std::optional<double> meanAlone(const RunResult &result) {
  double sum = 0, count = 0;
  for (const TenantStatistics &tenant : result.tenants) {
    sum += double(tenant.aloneLatency.count) * tenant.aloneLatency.mean;
    count += double(tenant.aloneLatency.count);
  }
  return count > 0 ? std::optional(sum / count) : std::nullopt;
}

/// What most of the latency was spent on: "queue 54 %".
static std::string largestCause(Replications results) {
  std::array<double, numBlameCauses> cycles{};
  double total = 0;
  for (const RunResult &result : results)
    for (unsigned c = 0; c < numBlameCauses; ++c) {
      cycles[c] += double(result.blame.cycles[c]);
      total += double(result.blame.cycles[c]);
    }
  if (total <= 0)
    return "-";
  const auto most = std::ranges::max_element(cycles);
  std::string name(
      stringifyBlameCause(BlameCause(unsigned(most - cycles.begin()))));
  std::ranges::replace(name, '_', ' ');
  return fmt::format("{} {:.0f} %", name, percent(*most, total));
}

/// How long requests took, beside what the compiler predicts of one alone.
static Rows latencyTable(Runs runs, const fb::Program &program) {
  // Of requests that completed.
  auto known = [](double (*of)(const RunResult &)) {
    return [of](const RunResult &r) {
      return r.latency.count ? std::optional(of(r)) : std::nullopt;
    };
  };
  auto slowdown = [&program](const RunResult &r) {
    const std::optional<Slowdown> found = slowdownOf(r, program);
    return found ? std::optional(found->factor) : std::nullopt;
  };
  std::vector<Column> columns = {
      {"mean", known([](const RunResult &r) { return r.latency.mean; }), cycles,
       "",
       [](const RunResult &r) {
         return r.latency.count < 40 ? std::nullopt
                                     : std::optional(r.latency.ciHalfWidth);
       }},
      {"p50", known([](const RunResult &r) { return double(r.latency.p50); }),
       cycles},
      {"p99", known([](const RunResult &r) { return double(r.latency.p99); }),
       cycles},
      {"slowdown", slowdown, printHundredth},
      {"in time", known([](const RunResult &r) {
         return percent(double(r.requestsInTime), double(r.latency.count));
       }),
       printTenth, " %"},
      {"goodput",
       [](const RunResult &r) { return r.goodputRequestsPerMegacycle; },
       printFourDigits},
      {"failed", [](const RunResult &r) { return double(r.requestsFailed); },
       cycles}};
  if (std::ranges::any_of(runs, [](Replications results) {
        return meanAlone(results.front()).has_value();
      }))
    columns.insert(columns.begin() + 4, {"alone", meanAlone, cycles});
  Rows rows = tableOf(runs, columns);
  // Beside the slowdown, which is the fifth column with the policy.
  for (size_t i = 0; i < rows.size(); ++i)
    rows[i].insert(rows[i].begin() + 5,
                   i ? largestCause(runs[i - 1]) : std::string("mostly"));
  const RunResult &first = runs.front().front();
  if (const std::optional<Slowdown> found = slowdownOf(first, program)) {
    rows.push_back({"predicted alone", cycles(found->predicted), ""});
    const fb::RequestPath *path = predictionOf(first.tenants.front(), program);
    if (first.tenants.size() == 1 && path && tailPercent(*path) == 99)
      rows.back().push_back(groupDigits(path->tail()));
    rows.back().resize(rows[0].size());
  }
  return rows;
}

/// Where the cycles of the PEAs went.
static Rows peaTimeTable(Runs runs) {
  static constexpr auto part = [](const RunResult &r, uint64_t peaCycles) {
    return percent(double(peaCycles),
                   double(r.totalPeas) * double(r.makespanCycles));
  };
  const Column columns[] = {
      {"computing",
       [](const RunResult &r) {
         return part(r, r.peaCycles[unsigned(PeaState::Computing)]);
       },
       printTenth, " %"},
      {"transient",
       [](const RunResult &r) { return part(r, r.idleTransientPeaCycles); },
       printTenth, " %"},
      {"structural",
       [](const RunResult &r) { return part(r, r.idleStructuralPeaCycles); },
       printTenth, " %"},
      {"contagious",
       [](const RunResult &r) { return part(r, r.idleContagiousPeaCycles); },
       printTenth, " %"},
      {"depth",
       [](const RunResult &r) {
         return r.idleDepth.intervals
                    ? std::optional(double(r.idleDepth.sum) /
                                    double(r.idleDepth.intervals))
                    : std::nullopt;
       },
       printTenth},
      {"other",
       [](const RunResult &r) {
         return part(r, r.totalPeas * r.makespanCycles -
                            r.peaCycles[unsigned(PeaState::Computing)] -
                            r.peaCycles[unsigned(PeaState::Idle)]);
       },
       printTenth, " %"}};
  return tableOf(runs, columns);
}

/// What was moved, and the energy of it all.
static Rows movementTable(Runs runs) {
  const Column columns[] = {
      {"mesh",
       [](const RunResult &r) { return double(r.counters.transferBytes); },
       printBytes},
      {"links",
       [](const RunResult &r) {
         return percent(double(r.network.busyCycles),
                        double(r.network.liveLinks) * double(r.makespanCycles));
       },
       printTwoDigits, " %"},
      {"busiest",
       [](const RunResult &r) {
         uint64_t busiest = 0;
         for (uint64_t busy : r.network.linkBusyCycles)
           busiest = std::max(busiest, busy);
         return percent(double(busiest), double(r.makespanCycles));
       },
       printTwoDigits, " %"},
      {"code",
       [](const RunResult &r) { return double(r.counters.configBytes); },
       printBytes},
      {"weights",
       [](const RunResult &r) { return double(r.counters.weightBytes); },
       printBytes},
      {"migrations",
       [](const RunResult &r) { return double(r.counters.migrations); },
       cycles},
      {"energy", [](const RunResult &r) { return r.energyJoules; },
       printJoules}};
  return tableOf(runs, columns);
}

static std::string comparisonLegend(const RunResult &first) {
  std::string slo = explainSlo(first);
  return legend(
      {{"makespan", "cycles from the first arrival to the last result"},
       {"req/Mcycle", "throughput: requests completed in a million cycles"},
       {"of bound", "lower bound over makespan; no scheduler can pass 100 %"},
       {"of best", "this throughput over the best one of this table"},
       {"/ static ...", "this throughput over that policy's; best other: over "
                        "the best of the other policies"},
       {"mean", "cycles from the arrival of a request to its result"},
       {"p50, p99", "50 or 99 of 100 requests took no longer than so many "
                    "cycles"},
       {"slowdown", "mean over what is predicted of a request alone"},
       {"mostly", "what most of the latency was spent on (octo-run run: 'late "
                  "because')"},
       {"alone", "mean of requests that were run one at a time"},
       {"predicted ...", "mean and p99 of a request alone on the machine, as "
                         "the compiler expects where it planned it"},
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

static std::string compareOutputs(Runs runs) {
  if (runs.front().front().outputsSha256.empty())
    return {};
  const bool same = std::ranges::all_of(runs, [&](Replications results) {
    for (size_t i = 0; i < std::min(results.size(), runs.front().size()); ++i)
      if (results[i].outputsSha256 != runs.front()[i].outputsSha256)
        return false;
    return true;
  });
  if (!same)
    return "  outputs: NOT the same under every policy\n";
  return runs.front().size() > 1
             ? std::string("  outputs: the same under every policy\n")
             : fmt::format("  outputs: the same under every policy (sha256 "
                           "{})\n",
                           runs.front().front().outputsSha256);
}

/// All tables. `runs` has a run of each policy at least.
static std::string formatTables(Runs runs, const fb::Program &program) {
  const Replications first = runs.front();
  std::string text = machineLine(first.front(), program);
  if (first.size() > 1)
    text += fmt::format("  means of {} replications, seeds {} to {}; +- and "
                        "brackets are 95 % intervals, ratios go seed by seed\n",
                        first.size(), first.front().seed, first.back().seed);
  text += "  how to read: at 100 % of bound nobody could be faster; above 1.00 "
          "it beats the policy after the /; 'mostly' is what to look into\n";
  text += alignColumns(speedTable(runs));
  if (const LowerBound &binding = tightestBound(runs); binding.cycles())
    text +=
        fmt::format("  the bound is set by: {} ({})\n", bindingBound(binding),
                    explainBound(bindingBound(binding)));
  text += "\n  how long requests took\n";
  text += alignColumns(latencyTable(runs, program));
  text += "\n  where the cycles of the PEAs went\n";
  text += alignColumns(peaTimeTable(runs));
  text += "\n  what was moved, and the energy of it all\n";
  text += alignColumns(movementTable(runs));
  text += predictedBlocks(runs, program);
  text += "\n";
  text += comparisonLegend(first.front());
  text += compareOutputs(runs);
  return text;
}

std::string octo::formatComparison(std::span<const RunResult> results,
                                   const fb::Program &program) {
  std::vector<Replications> runs;
  for (const RunResult &result : results)
    runs.emplace_back(&result, 1);
  return runs.empty() ? std::string() : formatTables(runs, program);
}

std::string
octo::formatCompareReplications(std::span<const std::vector<RunResult>> all,
                                const fb::Program &program) {
  std::vector<Replications> runs;
  for (const std::vector<RunResult> &results : all)
    if (!results.empty())
      runs.emplace_back(results);
  return runs.empty() ? std::string() : formatTables(runs, program);
}
