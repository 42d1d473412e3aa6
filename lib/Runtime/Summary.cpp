//===- Summary.cpp - One run, for a terminal ------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LatencyPrediction.h"
#include "ReportWords.h"
#include "octo/Runtime/Report.h"
#include "octo/Runtime/Scenario.h"

#include "octo/Program/program_generated.h"

#include <algorithm>

using namespace octo;
using namespace octo::report;

/// How the run ended and when.
static std::string explainEnd(const RunResult &result) {
  auto open = [&] {
    return fmt::format("{} of {} requests are open",
                       result.requestsArrived - result.requestsCompleted -
                           result.requestsFailed,
                       result.requestsArrived);
  };
  std::string at = groupDigits(result.makespanCycles);
  switch (result.status) {
  case RunStatus::Completed:
    return {};
  case RunStatus::Deadlock:
    return fmt::format("deadlock at cycle {}: nothing can happen any more, and "
                       "{}",
                       at, open());
  case RunStatus::CycleLimit:
    return fmt::format("stopped at cycle {}: the scenario's `max_cycles`; "
                       "raise it to go on",
                       at);
  case RunStatus::EventLimit:
    return fmt::format("stopped after {} events: the scenario's "
                       "`max_events`{}; raise it to go on",
                       groupDigits(result.events),
                       result.events >= StopRules::defaultMaxEvents
                           ? " or the default, in case it would never end"
                           : "");
  case RunStatus::MachineLost: {
    std::string text =
        fmt::format("at cycle {} the machine that is left cannot run the "
                    "program: {}; {}",
                    at, result.faults.lacking, open());
    for (const FaultStatistics::Part &part : result.faults.parts)
      text += fmt::format("\n  {} died at cycle {}", describe(part.part),
                          groupDigits(part.cycle));
    return text;
  }
  case RunStatus::Cancelled:
    return fmt::format("interrupted at cycle {}", at);
  }
  return {};
}

std::string octo::formatUnfinished(const RunResult &result) {
  if (result.status == RunStatus::Completed)
    return {};
  std::string text = explainEnd(result) + '\n';
  auto named = [](const auto &block) {
    return block.path + inBrackets(placeOf(block.file, block.line));
  };
  for (const BlockedInstance &instance : result.blocked)
    text += fmt::format(
        "  request {} waits at {} since cycle {} for {}{}\n", instance.request,
        named(instance), groupDigits(instance.sinceCycle), instance.waitsFor,
        instance.heldBy.empty() ? "" : ", held by " + instance.heldBy);
  for (size_t i = 0; i < result.waitChain.size(); ++i) {
    const WaitStep &step = result.waitChain[i];
    text += fmt::format("  {}{} of request {} waits for {}\n",
                        i ? "-> " : "who waits on whom: ", named(step),
                        step.request, step.waitsFor);
  }
  if (result.waitCycle < result.waitChain.size())
    text += fmt::format("  -> {} again: they wait for each other\n",
                        named(result.waitChain[result.waitCycle]));
  for (const OpenLoop &loop : result.openLoops)
    text += fmt::format(
        "  loop {} of request {} has begun {} iterations{}\n", named(loop),
        loop.request, groupDigits(loop.iterations),
        loop.bound ? fmt::format(" of at most {}", groupDigits(loop.bound))
                   : ", without a bound");
  return text;
}

/// The largest parts of the latency.
static std::string
blameLine(const std::array<uint64_t, numBlameCauses> &cycles) {
  double total = 0;
  std::vector<unsigned> order;
  for (unsigned c = 0; c < numBlameCauses; ++c) {
    total += double(cycles[c]);
    if (cycles[c])
      order.push_back(c);
  }
  std::ranges::sort(order, [&](unsigned a, unsigned b) {
    return std::pair(cycles[b], a) < std::pair(cycles[a], b);
  });
  std::string text;
  constexpr size_t shown = 5;
  for (size_t i = 0; i < order.size() && i < shown; ++i) {
    std::string name(stringifyBlameCause(BlameCause(order[i])));
    std::ranges::replace(name, '_', ' ');
    text += fmt::format("{}{} {:.1f} %", i ? ", " : "", name,
                        percent(double(cycles[order[i]]), total));
  }
  return text.empty() ? "nothing" : text;
}

/// The blocks that latency was spent on most.
static std::string blamedBlocks(const BlameResult &blame,
                                const fb::Program &program) {
  double total = 0;
  for (uint64_t cycles : blame.cycles)
    total += double(cycles);
  std::string text;
  constexpr size_t shown = 3;
  for (size_t i = 0; i < blame.blocks.size() && i < shown; ++i) {
    const BlameOfBlock &block = blame.blocks[i];
    text += fmt::format("{}{} {:.1f} %", i ? ", " : "",
                        pathOf(program, block.workflow, block.block),
                        percent(double(block.total()), total));
  }
  return text;
}

namespace {

/// The lines of a summary, each with a word on its left.
class SummaryText {
public:
  SummaryText(const RunResult &result, const fb::Program &program)
      : result(result), program(program) {}

  std::string format();

private:
  void line(std::string_view label, std::string_view value) {
    text += fmt::format("  {:<13}{}\n", label, value);
  }
  void whatWasDone();
  void latencies();
  void peaTime();
  void idleTime();
  void costs();
  void faults();
  void outputsAndHost();
  void failures();

  const RunResult &result;
  const fb::Program &program;
  std::string text;
};

} // namespace

void SummaryText::whatWasDone() {
  std::string policy = result.policy;
  for (size_t i = 0; i < result.disabled.size(); ++i)
    policy += (i ? ", " : " without ") + result.disabled[i];
  line("policy", policy);
  line("requests",
       fmt::format("{} completed, {} failed{}",
                   groupDigits(result.requestsCompleted),
                   groupDigits(result.requestsFailed),
                   result.status == RunStatus::Completed
                       ? std::string()
                       : fmt::format(" of {} ({})", result.requestsArrived,
                                     stringifyRunStatus(result.status))));
  uint64_t hz = program.machine()->clock_hz();
  double seconds = hz ? double(result.makespanCycles) / double(hz) : 0;
  line("makespan",
       fmt::format("{} cycles ({})", groupDigits(result.makespanCycles),
                   withPrefix(seconds, "s")));
}

void SummaryText::latencies() {
  const SampleSummary &latency = result.latency;
  if (latency.count)
    line("latency",
         fmt::format("mean {}{}  p50 {}  p95 {}  p99 {}  max {} cycles",
                     cycles(latency.mean),
                     latency.count < 40
                         ? std::string()
                         : fmt::format(" +- {}", cycles(latency.ciHalfWidth)),
                     groupDigits(latency.p50), groupDigits(latency.p95),
                     groupDigits(latency.p99), groupDigits(latency.max)));
  if (result.tenants.size() > 1)
    for (const TenantStatistics &tenant : result.tenants)
      line("", fmt::format("{}: {} completed, mean {}  p99 {}", tenant.name,
                           groupDigits(tenant.completed),
                           cycles(tenant.latency.mean),
                           groupDigits(tenant.latency.p99)));
  for (size_t i = 0; i < result.tenants.size(); ++i) {
    const TenantStatistics &tenant = result.tenants[i];
    if (std::string alone = describeAlone(tenant, program); !alone.empty())
      line(i ? "" : "alone",
           result.tenants.size() > 1 ? tenant.name + ": " + alone : alone);
  }
  if (std::optional<Slowdown> slowdown = slowdownOf(result, program))
    line("slowdown", describe(*slowdown));
  line("late because", blameLine(result.blame.cycles));
  if (result.blame.slowestRequests > 1)
    line("", fmt::format("slowest {}: {}",
                         groupDigits(result.blame.slowestRequests),
                         blameLine(result.blame.slowestCycles)));
  if (!result.blame.blocks.empty())
    line("", "most at " + blamedBlocks(result.blame, program));
  line("throughput", fmt::format("{:.4g} requests per million cycles",
                                 result.throughputRequestsPerMegacycle));
  if (const SteadyState &steady = result.steady; steady.reached)
    line("settled",
         fmt::format("after {} requests: latency {} +- {} cycles, throughput "
                     "{:.4g} +- {:.2g}",
                     groupDigits(steady.truncatedRequests),
                     cycles(steady.latencyMean),
                     cycles(steady.latencyHalfWidth), steady.throughput,
                     steady.throughputHalfWidth));
}

void SummaryText::peaTime() {
  double total = 0;
  for (uint64_t state : result.peaCycles)
    total += double(state);
  line("utilisation", fmt::format("{:.1f} % of live PEAs compute",
                                  100.0 * result.peaUtilization));
  std::string states;
  for (unsigned state = 0; state < numPeaStates; ++state) {
    if (result.peaCycles[state] == 0)
      continue;
    std::string name(stringifyPeaState(static_cast<PeaState>(state)));
    std::replace(name.begin(), name.end(), '_', ' ');
    states += fmt::format("{}{} {:.1f} %", states.empty() ? "" : ", ", name,
                          percent(double(result.peaCycles[state]), total));
  }
  line("PEA time", states.empty() ? std::string("none") : states);
}

void SummaryText::idleTime() {
  double idle = double(result.idleTransientPeaCycles) +
                double(result.idleStructuralPeaCycles) +
                double(result.idleContagiousPeaCycles);
  line("idle because",
       fmt::format(
           "transient {:.1f} %, structural {:.1f} %, contagious {:.1f} %",
           percent(double(result.idleTransientPeaCycles), idle),
           percent(double(result.idleStructuralPeaCycles), idle),
           percent(double(result.idleContagiousPeaCycles), idle)));
  if (result.idleDepth.intervals)
    line("",
         fmt::format("contagion went over {:.1f} producers on average, at most "
                     "{}",
                     double(result.idleDepth.sum) /
                         double(result.idleDepth.intervals),
                     groupDigits(result.idleDepth.max)));
}

void SummaryText::costs() {
  if (uint64_t bound = result.lowerBound.cycles())
    line("lower bound",
         fmt::format("{} cycles ({}); the run took {:.3f} times as long",
                     groupDigits(bound), bindingBound(result.lowerBound),
                     result.ratioToLowerBound));
  line("energy",
       fmt::format(
           "{}{}", withPrefix(result.energyJoules, "J"),
           result.requestsCompleted
               ? fmt::format(", {} a request",
                             withPrefix(result.energyJoules /
                                            double(result.requestsCompleted),
                                        "J"))
               : std::string()));
  const Counters &c = result.counters;
  line("moved",
       fmt::format("{} over the mesh, {} from or to HBM; {} configuration "
                   "loads, {} weight loads, {} spills, {} migrations",
                   withPrefix(double(c.transferBytes), "B"),
                   withPrefix(double(c.hbmBytes), "B"),
                   groupDigits(c.configLoads), groupDigits(c.weightLoads),
                   groupDigits(c.spills), groupDigits(c.migrations)));
}

void SummaryText::faults() {
  const FaultStatistics &f = result.faults;
  if (f.parts.empty())
    return;
  line("faults",
       fmt::format("{} parts died: {} PEA-cycles of work lost, {} cycles of "
                   "recovery",
                   groupDigits(f.parts.size()), groupDigits(f.lostPeaCycles),
                   groupDigits(f.recoveryCycles)));
  line("",
       fmt::format(
           "{} instances set back, {} tasks and {} joins executed "
           "again, {} values lost, {} messages repeated, {} requests "
           "back to their arguments",
           groupDigits(f.instancesSetBack), groupDigits(f.tasksReexecuted),
           groupDigits(f.joinsReexecuted), groupDigits(f.valuesLost),
           groupDigits(f.messagesRepeated), groupDigits(f.requestsRestarted)));
  constexpr size_t shown = 5;
  for (size_t i = 0; i < f.parts.size() && i < shown; ++i)
    line("", fmt::format("cycle {}: {} died{}", groupDigits(f.parts[i].cycle),
                         describe(f.parts[i].part),
                         f.parts[i].already ? ", which was dead already" : ""));
  if (f.parts.size() > shown)
    line("", fmt::format("and {} more", f.parts.size() - shown));
}

void SummaryText::outputsAndHost() {
  if (!result.outputsSha256.empty())
    line("outputs", "sha256 " + result.outputsSha256);
  line("simulated",
       fmt::format("{} events in {} ({}, {})", groupDigits(result.events),
                   withPrefix(result.host.wallSeconds, "s"),
                   withPrefix(result.host.eventsPerSecond, "events/s"),
                   withPrefix(double(result.host.peakMemoryBytes), "B")));
}

void SummaryText::failures() {
  constexpr size_t shownFailures = 5;
  for (size_t i = 0; i < result.failures.size() && i < shownFailures; ++i) {
    const RequestFailure &failure = result.failures[i];
    text += fmt::format(
        "  request {} failed at {}{}: {}\n", failure.request, failure.path,
        inBrackets(placeOf(failure.file, failure.line)), failure.reason);
  }
  if (result.requestsFailed > shownFailures)
    text +=
        fmt::format("  ... and {} more failed requests; --json lists them\n",
                    result.requestsFailed - shownFailures);
}

std::string SummaryText::format() {
  text = machineLine(result, program);
  whatWasDone();
  latencies();
  peaTime();
  idleTime();
  costs();
  faults();
  outputsAndHost();
  failures();
  return std::move(text);
}

std::string octo::formatSummary(const RunResult &result,
                                const fb::Program &program) {
  return SummaryText(result, program).format();
}
