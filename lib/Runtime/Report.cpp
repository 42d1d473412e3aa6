//===- Report.cpp - Results for people and programs -----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// JSON and text for a terminal; HtmlReport.cpp makes the page.
//
//===----------------------------------------------------------------------===//

#include "octo/Runtime/Report.h"
#include "octo/Runtime/Scenario.h"

#include "octo/Program/Program.h"
#include "octo/Program/program_generated.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>

using namespace octo;
using Json = nlohmann::ordered_json;

//===----------------------------------------------------------------------===//
// Helpers
//===----------------------------------------------------------------------===//

static std::string stringAt(const fb::Program &program, uint32_t index) {
  const auto *strings = program.strings();
  return strings && index < strings->size() ? strings->Get(index)->str()
                                            : std::string();
}

static const char *kindName(const fb::Workflow &workflow, uint32_t block) {
  static constexpr const char *names[] = {"task", "switch", "select", "loop",
                                          "fanout"};
  auto kind = static_cast<unsigned>(workflow.blocks()->kind()->Get(block));
  return kind < std::size(names) ? names[kind] : "unknown";
}

static std::string pathOf(const fb::Program &program, uint32_t workflow,
                          uint32_t block) {
  return stringAt(
      program,
      program.workflows()->Get(workflow)->blocks()->path()->Get(block));
}

static std::string placeOf(const std::string &file, uint32_t line) {
  if (file.empty())
    return {};
  return line ? fmt::format("{}:{}", file, line) : file;
}

std::string octo::groupDigits(uint64_t value) {
  std::string digits = std::to_string(value);
  for (size_t i = digits.size(); i > 3; i -= 3)
    digits.insert(i - 3, 1, ',');
  return digits;
}

/// A rounded number of cycles.
static std::string cycles(double value) {
  return groupDigits(uint64_t(std::llround(std::max(value, 0.0))));
}

/// A number with a prefix: 1.23 m, 4.56 k; the unit follows.
static std::string withPrefix(double value, const char *unit) {
  if (value == 0)
    return fmt::format("0 {}", unit);
  static constexpr struct {
    double factor;
    const char *prefix;
  } prefixes[] = {{1e9, "G"},  {1e6, "M"},  {1e3, "k"},  {1, ""},
                  {1e-3, "m"}, {1e-6, "u"}, {1e-9, "n"}, {1e-12, "p"}};
  for (const auto &[factor, prefix] : prefixes)
    if (std::abs(value) >= factor)
      return fmt::format("{:.3g} {}{}", value / factor, prefix, unit);
  return fmt::format("{:.3g} {}", value, unit);
}

static double percent(double part, double whole) {
  return whole > 0 ? 100.0 * part / whole : 0.0;
}

/// Which part of the bound is the largest.
static const char *bindingBound(const LowerBound &bound) {
  uint64_t most = bound.cycles();
  if (most == 0)
    return "none";
  if (most == bound.capacity)
    return "capacity";
  if (most == bound.path)
    return "path";
  if (most == bound.arrivals)
    return "arrivals";
  if (most == bound.hbm)
    return "hbm";
  return "host";
}

/// The same in words.
static const char *explainBound(std::string_view part) {
  if (part == "capacity")
    return "all work, evenly over the PEAs that can do it";
  if (part == "path")
    return "tasks that must follow each other, over the requests in flight";
  if (part == "arrivals")
    return "the work of the requests that came last";
  if (part == "hbm")
    return "weights, over the memory ports";
  if (part == "host")
    return "arguments and results, over the host port";
  return "nothing was done";
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

static Json summaryJson(const SampleSummary &sample) {
  Json json;
  json["count"] = sample.count;
  if (sample.count == 0) {
    for (const char *key :
         {"mean", "ci95_half_width", "min", "p50", "p95", "p99", "max"})
      json[key] = nullptr;
    return json;
  }
  json["mean"] = sample.mean;
  // Null: too few values for a confidence interval.
  json["ci95_half_width"] =
      sample.count < 40 ? Json(nullptr) : Json(sample.ciHalfWidth);
  json["min"] = sample.min;
  json["p50"] = sample.p50;
  json["p95"] = sample.p95;
  json["p99"] = sample.p99;
  json["max"] = sample.max;
  return json;
}

static Json countersJson(const Counters &c) {
  return Json{{"task_instances", c.taskInstances},
              {"control_decisions", c.controlDecisions},
              {"joins", c.joins},
              {"frames", c.frames},
              {"peak_frames", c.peakFrames},
              {"peak_scratchpad_bytes", c.peakScratchpadBytes},
              {"transfers", c.transfers},
              {"transfer_bytes", c.transferBytes},
              {"byte_hops", c.byteHops},
              {"die_link_byte_hops", c.dieLinkByteHops},
              {"local_bytes", c.localBytes},
              {"hbm_bytes", c.hbmBytes},
              {"host_in_bytes", c.hostInBytes},
              {"host_out_bytes", c.hostOutBytes},
              {"config_loads", c.configLoads},
              {"config_bytes", c.configBytes},
              {"config_switches", c.configSwitches},
              {"prefetches", c.prefetches},
              {"weight_loads", c.weightLoads},
              {"weight_bytes", c.weightBytes},
              {"weight_evictions", c.weightEvictions},
              {"spills", c.spills},
              {"spill_bytes", c.spillBytes},
              {"resizes", c.resizes},
              {"migrations", c.migrations},
              {"migrated_bytes", c.migratedBytes},
              {"tokens", c.tokens},
              {"token_hops", c.tokenHops},
              {"dispatches", c.dispatches},
              {"credit_waits", c.creditWaits},
              {"streams", c.streams},
              {"stream_chunks", c.streamChunks},
              {"stream_stalls", c.streamStalls}};
}

/// Causes that have cycles, by name.
static Json causesJson(const std::array<uint64_t, numBlameCauses> &cycles,
                       bool zeroes) {
  Json json = Json::object();
  for (unsigned c = 0; c < numBlameCauses; ++c)
    if (cycles[c] || zeroes)
      json[std::string(stringifyBlameCause(BlameCause(c)))] = cycles[c];
  return json;
}

/// More blocks are not listed.
static constexpr size_t maxBlamedBlocks = 64;

static Json blameJson(const BlameResult &blame, const fb::Program &program) {
  Json blocks = Json::array();
  for (size_t i = 0; i < std::min(blame.blocks.size(), maxBlamedBlocks); ++i) {
    const BlameOfBlock &block = blame.blocks[i];
    blocks.push_back(
        {{"path", pathOf(program, block.workflow, block.block)},
         {"cycles", causesJson(block.cycles, false)},
         {"slowest_cycles", causesJson(block.slowestCycles, false)}});
  }
  return {{"requests", blame.requests},
          {"cycles", causesJson(blame.cycles, true)},
          {"slowest",
           {{"requests", blame.slowestRequests},
            {"cycles", causesJson(blame.slowestCycles, true)}}},
          {"blocks", std::move(blocks)}};
}

static Json depthJson(const IdleDepth &depth) {
  Json histogram = Json::array();
  for (unsigned d = 0; d < IdleDepth::bins; ++d)
    if (depth.histogram[d])
      histogram.push_back({{"depth", d + 1},
                           {"intervals", depth.histogram[d]},
                           {"pea_cycles", depth.peaCycles[d]}});
  return {{"intervals", depth.intervals},
          {"mean", depth.intervals
                       ? Json(double(depth.sum) / double(depth.intervals))
                       : Json(nullptr)},
          {"max", depth.max},
          {"histogram", std::move(histogram)}};
}

static Json steadyJson(const SteadyState &steady) {
  auto interval = [&](double mean, double halfWidth) {
    return steady.reached ? Json{{"mean", mean}, {"ci95_half_width", halfWidth}}
                          : Json(nullptr);
  };
  return {
      {"method", "MSER-5"},
      {"reached", steady.reached},
      {"truncated_requests", steady.truncatedRequests},
      {"requests", steady.requests},
      {"from_cycle", steady.fromCycle},
      {"latency_cycles", interval(steady.latencyMean, steady.latencyHalfWidth)},
      {"throughput_requests_per_megacycle",
       interval(steady.throughput, steady.throughputHalfWidth)}};
}

static Json faultsJson(const FaultStatistics &f, const fb::Program &program) {
  Json parts = Json::array();
  for (const FaultStatistics::Part &part : f.parts)
    parts.push_back({{"cycle", part.cycle},
                     {"part", describe(part.part)},
                     {"dead_already", part.already},
                     {"lost_pea_cycles", part.lostPeaCycles},
                     {"recovery_cycles", part.recoveryCycles},
                     {"instances_set_back", part.instancesSetBack},
                     {"values_lost", part.valuesLost},
                     {"decisions_repeated", part.decisionsRepeated},
                     {"messages_repeated", part.messagesRepeated}});
  Json blocks = Json::array();
  for (const FaultStatistics::Block &block : f.blocks)
    blocks.push_back({{"path", pathOf(program, block.workflow, block.block)},
                      {"set_back", block.setBack},
                      {"reexecuted", block.reexecuted}});
  return {{"detection_cycles", f.detectionCycles},
          {"lost_pea_cycles", f.lostPeaCycles},
          {"recovery_cycles", f.recoveryCycles},
          {"instances_set_back", f.instancesSetBack},
          {"tasks_reexecuted", f.tasksReexecuted},
          {"reexecuted_pea_cycles", f.reexecutedPeaCycles},
          {"joins_reexecuted", f.joinsReexecuted},
          {"values_lost", f.valuesLost},
          {"values_remade", f.valuesRemade},
          {"arguments_fetched", f.argumentsFetched},
          {"requests_restarted", f.requestsRestarted},
          {"messages_repeated", f.messagesRepeated},
          {"bytes_repeated", f.bytesRepeated},
          {"duplicates_dropped", f.duplicatesDropped},
          {"decisions_repeated", f.decisionsRepeated},
          {"controls_moved", f.controlsMoved},
          {"replicas_moved", f.replicasMoved},
          {"lacking", f.lacking},
          {"parts", std::move(parts)},
          {"blocks", std::move(blocks)}};
}

static constexpr std::pair<const char *, double EnergyBreakdown::*>
    energyParts[] = {{"compute", &EnergyBreakdown::compute},
                     {"scratchpad", &EnergyBreakdown::scratchpad},
                     {"network", &EnergyBreakdown::network},
                     {"hbm", &EnergyBreakdown::hbm},
                     {"host", &EnergyBreakdown::host},
                     {"configuration", &EnergyBreakdown::configuration},
                     {"control", &EnergyBreakdown::control},
                     {"leakage", &EnergyBreakdown::leakage}};

static Json resultJson(const RunResult &result, const fb::Program &program) {
  Json json;
  json["schema_version"] = resultSchemaVersion;
  json["policy"] = result.policy;
  json["disabled"] = result.disabled;
  json["policy_options"] = result.policyOptions;
  json["seed"] = result.seed;
  json["timing_only"] = result.timingOnly;
  json["status"] = stringifyRunStatus(result.status);
  json["machine"] = {{"name", program.machine()->name()->str()},
                     {"clock_hz", program.machine()->clock_hz()},
                     {"peas", result.totalPeas},
                     {"live_peas", result.livePeas}};
  Json workflows = Json::array();
  for (const fb::Workflow *workflow : *program.workflows())
    workflows.push_back(workflow->name()->str());
  json["workflows"] = std::move(workflows);

  json["makespan_cycles"] = result.makespanCycles;
  json["requests_arrived"] = result.requestsArrived;
  json["requests_completed"] = result.requestsCompleted;
  json["requests_failed"] = result.requestsFailed;
  json["throughput_requests_per_megacycle"] =
      result.throughputRequestsPerMegacycle;
  json["slo"] = {
      {"limit_cycles",
       result.sloCycles ? Json(result.sloCycles) : Json(nullptr)},
      {"requests_in_time", result.requestsInTime},
      {"goodput_requests_per_megacycle", result.goodputRequestsPerMegacycle}};
  json["latency_cycles"] = summaryJson(result.latency);
  json["admission_wait_cycles"] = summaryJson(result.admissionWait);
  json["task_wait_cycles"] = summaryJson(result.taskWait);
  json["steady_state"] = steadyJson(result.steady);
  json["blame"] = blameJson(result.blame, program);
  Json tenants = Json::array();
  for (const TenantStatistics &tenant : result.tenants)
    tenants.push_back(
        {{"name", tenant.name},
         {"workflow", program.workflows()->Get(tenant.workflow)->name()->str()},
         {"requests_completed", tenant.completed},
         {"requests_failed", tenant.failed},
         {"latency_cycles", summaryJson(tenant.latency)}});
  json["tenants"] = std::move(tenants);

  json["pea_utilization"] = result.peaUtilization;
  Json peaCycles;
  for (unsigned state = 0; state < numPeaStates; ++state)
    peaCycles[std::string(stringifyPeaState(static_cast<PeaState>(state)))] =
        result.peaCycles[state];
  json["pea_cycles"] = std::move(peaCycles);
  json["idle"] = {{"transient_pea_cycles", result.idleTransientPeaCycles},
                  {"structural_pea_cycles", result.idleStructuralPeaCycles},
                  {"contagious_pea_cycles", result.idleContagiousPeaCycles},
                  {"break_even_cycles", result.breakEvenCycles},
                  {"propagation_depth", depthJson(result.idleDepth)}};

  json["lower_bound_cycles"] = result.lowerBound.cycles();
  json["lower_bound"] = {{"path", result.lowerBound.path},
                         {"capacity", result.lowerBound.capacity},
                         {"arrivals", result.lowerBound.arrivals},
                         {"host", result.lowerBound.host},
                         {"hbm", result.lowerBound.hbm}};
  // A bound of 0 has no ratio.
  json["ratio_to_lower_bound"] = result.lowerBound.cycles() == 0
                                     ? Json(nullptr)
                                     : Json(result.ratioToLowerBound);
  json["realised_work_cycles"] = result.realisedWorkCycles;
  json["energy_joules"] = result.energyJoules;
  json["energy"] = Json::object();
  for (auto [name, part] : energyParts)
    json["energy"][name] = result.energy.*part;
  json["energy_detail"] = {
      {"network_between_dies", result.energy.networkBetweenDies},
      {"decisions", result.energy.decisions},
      {"cluster_leakage", result.energy.clusterLeakage}};
  json["network"] = {{"model", stringifyNetworkModel(result.network.model)},
                     {"live_links", result.network.liveLinks},
                     {"busy_cycles", result.network.busyCycles},
                     {"waited_cycles", result.network.waitedCycles},
                     {"link_busy_cycles", result.network.linkBusyCycles}};
  json["events"] = result.events;
  json["migrations"] = result.counters.migrations;
  json["counters"] = countersJson(result.counters);
  if (result.faults.enabled)
    json["faults"] = faultsJson(result.faults, program);
  // Null: no code ran, so there are no outputs.
  json["outputs_sha256"] =
      result.outputsSha256.empty() ? Json(nullptr) : Json(result.outputsSha256);

  std::map<std::pair<uint32_t, uint32_t>, const SlotStatistics *> slots;
  for (const SlotStatistics &slot : result.slots)
    slots[{slot.workflow, slot.block}] = &slot;
  Json blocks = Json::array();
  for (const BlockStatistics &block : result.blocks) {
    const fb::Workflow &workflow = *program.workflows()->Get(block.workflow);
    const fb::BlockTable &table = *workflow.blocks();
    Json entry;
    entry["path"] = pathOf(program, block.workflow, block.block);
    entry["kind"] = kindName(workflow, block.block);
    if (table.source_file() && block.block < table.source_file()->size()) {
      std::string file =
          stringAt(program, table.source_file()->Get(block.block));
      if (!file.empty())
        entry["source"] = placeOf(
            file,
            table.source_line() ? table.source_line()->Get(block.block) : 0);
    }
    entry["instances"] = block.instances;
    entry["busy_cycles"] = block.busyCycles;
    entry["compute_pea_cycles"] = block.computePeaCycles;
    entry["wait_cycles"] = block.waitCycles;
    entry["max_wait_cycles"] = block.maxWaitCycles;
    entry["config_loads"] = block.configLoads;
    entry["resizes"] = block.resizes;
    entry["work_cycles"] = block.workCycles;
    entry["predicted_instances"] =
        static_cast<double>(block.predictedInstancesQ16) / 65536;
    entry["predicted_cycles"] = block.predictedCycles;
    auto mean = [](auto sum, uint64_t count) {
      return count ? static_cast<double>(sum) / static_cast<double>(count) : 0;
    };
    entry["mean_cycles"] = mean(block.busyCycles, block.instances);
    if (auto found = slots.find({block.workflow, block.block});
        found != slots.end() && found->second->instances) {
      const SlotStatistics &slot = *found->second;
      entry["slot"] = {{"instances", slot.instances},
                       {"predicted_start", slot.predictedStart},
                       {"mean_start", mean(slot.startCycles, slot.instances)},
                       {"predicted_end", slot.predictedEnd},
                       {"mean_end", mean(slot.endCycles, slot.instances)}};
    }
    if (!block.outcomes.empty())
      entry["outcomes"] = block.outcomes;
    blocks.push_back(std::move(entry));
  }
  json["blocks"] = std::move(blocks);

  Json kernels = Json::array();
  for (uint32_t k = 0; k < result.kernels.size(); ++k) {
    const KernelStatistics &kernel = result.kernels[k];
    if (!kernel.instances)
      continue;
    kernels.push_back(
        {{"name", stringAt(program, program.kernels()->name()->Get(k))},
         {"instances", kernel.instances},
         {"drawn_instances", kernel.drawnInstances},
         {"work",
          {{"mac", kernel.work[0]},
           {"vector", kernel.work[1]},
           {"special", kernel.work[2]},
           {"scalar", kernel.work[3]},
           {"bytes", kernel.work[4]}}}});
  }
  json["kernels"] = std::move(kernels);

  Json failures = Json::array();
  for (const RequestFailure &failure : result.failures)
    failures.push_back({{"request", failure.request},
                        {"path", failure.path},
                        {"source", placeOf(failure.file, failure.line)},
                        {"cycle", failure.cycle},
                        {"reason", failure.reason}});
  json["failures"] = std::move(failures);
  Json blocked = Json::array();
  for (const BlockedInstance &instance : result.blocked)
    blocked.push_back({{"request", instance.request},
                       {"path", instance.path},
                       {"source", placeOf(instance.file, instance.line)},
                       {"since_cycle", instance.sinceCycle},
                       {"waits_for", instance.waitsFor},
                       {"held_by", instance.heldBy}});
  json["blocked"] = std::move(blocked);
  Json chain = Json::array();
  for (const WaitStep &step : result.waitChain)
    chain.push_back({{"request", step.request},
                     {"path", step.path},
                     {"source", placeOf(step.file, step.line)},
                     {"waits_for", step.waitsFor}});
  json["wait_chain"] = std::move(chain);
  json["wait_cycle"] = result.waitCycle < result.waitChain.size()
                           ? Json(result.waitCycle)
                           : Json(nullptr);
  Json loops = Json::array();
  for (const OpenLoop &loop : result.openLoops)
    loops.push_back({{"request", loop.request},
                     {"path", loop.path},
                     {"source", placeOf(loop.file, loop.line)},
                     {"iterations", loop.iterations},
                     {"bound", loop.bound ? Json(loop.bound) : Json(nullptr)}});
  json["open_loops"] = std::move(loops);
  Json energy = Json::object();
  for (auto [name, part] : energyParts) {
    Json list = Json::array();
    for (const EnergyBreakdown &cluster : result.clusterEnergy)
      list.push_back(cluster.*part);
    energy[name] = std::move(list);
  }
  json["clusters"] = {
      {"computing_pea_cycles", result.clusterComputingPeaCycles},
      {"idle_pea_cycles", result.clusterIdlePeaCycles},
      {"energy", std::move(energy)}};

  json["host"] = {
      {"wall_seconds", result.host.wallSeconds},
      {"events_per_second", result.host.eventsPerSecond},
      {"task_instances_per_second", result.host.taskInstancesPerSecond},
      {"peak_memory_bytes", result.host.peakMemoryBytes}};
  return json;
}

/// Paths of files need not be UTF-8; what is not is replaced.
static std::string dump(const Json &json, int indent = 2) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string octo::formatResultJson(const RunResult &result,
                                   const fb::Program &program) {
  return dump(resultJson(result, program));
}

std::string octo::formatCompareJson(std::span<const RunResult> results,
                                    const fb::Program &program) {
  Json json;
  json["schema_version"] = resultSchemaVersion;
  Json policies = Json::array();
  uint64_t bound = 0;
  bool sameOutputs = true;
  const RunResult *best = nullptr;
  for (const RunResult &result : results) {
    policies.push_back(result.policy);
    bound = std::max(bound, result.lowerBound.cycles());
    sameOutputs &= result.outputsSha256 == results.front().outputsSha256;
    if (result.status == RunStatus::Completed &&
        (!best || result.makespanCycles < best->makespanCycles))
      best = &result;
  }
  json["policies"] = std::move(policies);
  json["lower_bound_cycles"] = bound;
  json["best_policy"] = best ? Json(best->policy) : Json(nullptr);
  json["outputs_agree"] =
      results.empty() || results.front().outputsSha256.empty()
          ? Json(nullptr)
          : Json(sameOutputs);
  Json runs = Json::array();
  for (const RunResult &result : results)
    runs.push_back(resultJson(result, program));
  json["results"] = std::move(runs);
  return dump(json);
}

//===----------------------------------------------------------------------===//
// Replications
//===----------------------------------------------------------------------===//

namespace {

/// A number of every replication.
struct Spread {
  double mean = 0, halfWidth = 0, least = 0, most = 0;
};

/// What is averaged over replications: the key of the run's own document, with
/// a dot before an inner key.
struct Headline {
  const char *key;
  double (*of)(const RunResult &);
};

} // namespace

static constexpr Headline headlines[] = {
    {"makespan_cycles",
     [](const RunResult &r) { return double(r.makespanCycles); }},
    {"throughput_requests_per_megacycle",
     [](const RunResult &r) { return r.throughputRequestsPerMegacycle; }},
    {"latency_cycles.mean", [](const RunResult &r) { return r.latency.mean; }},
    {"latency_cycles.p50",
     [](const RunResult &r) { return double(r.latency.p50); }},
    {"latency_cycles.p95",
     [](const RunResult &r) { return double(r.latency.p95); }},
    {"latency_cycles.p99",
     [](const RunResult &r) { return double(r.latency.p99); }},
    {"pea_utilization", [](const RunResult &r) { return r.peaUtilization; }},
    {"ratio_to_lower_bound",
     [](const RunResult &r) { return r.ratioToLowerBound; }},
    {"energy_joules", [](const RunResult &r) { return r.energyJoules; }},
};

/// The 97.5 % quantile of Student's distribution.
static double studentQuantile(size_t degrees) {
  static constexpr double table[] = {
      12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
      2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086};
  // Beyond the table the first terms of its expansion, right to 0.001.
  double n = double(degrees);
  return degrees <= std::size(table) ? table[degrees - 1]
                                     : 1.95996 + 2.37227 / n + 2.8225 / (n * n);
}

static Spread spreadOf(std::span<const RunResult> results,
                       const Headline &headline) {
  Spread spread;
  double n = double(results.size()), squares = 0;
  for (const RunResult &result : results) {
    double value = headline.of(result);
    bool first = &result == results.data();
    spread.mean += value / n;
    spread.least = first ? value : std::min(spread.least, value);
    spread.most = first ? value : std::max(spread.most, value);
  }
  for (const RunResult &result : results) {
    double off = headline.of(result) - spread.mean;
    squares += off * off;
  }
  if (results.size() > 1)
    spread.halfWidth =
        studentQuantile(results.size() - 1) * std::sqrt(squares / (n - 1) / n);
  return spread;
}

/// Mean, interval and range of each headline number.
static Json replicationSummary(std::span<const RunResult> results) {
  Json summary = Json::object();
  for (const Headline &headline : headlines) {
    Spread spread = spreadOf(results, headline);
    summary[headline.key] = {{"mean", spread.mean},
                             // Null: one run has no interval.
                             {"ci95_half_width", results.size() > 1
                                                     ? Json(spread.halfWidth)
                                                     : Json(nullptr)},
                             {"min", spread.least},
                             {"max", spread.most}};
  }
  return summary;
}

std::string octo::formatReplicationsJson(std::span<const RunResult> results,
                                         const fb::Program &program,
                                         unsigned threads, double wallSeconds) {
  Json json;
  json["schema_version"] = resultSchemaVersion;
  json["replications"] = results.size();
  Json summary = Json::object();
  Json runs = Json::array();
  if (!results.empty()) {
    json["policy"] = results.front().policy;
    json["seed"] = results.front().seed;
    summary = replicationSummary(results);
  }
  for (const RunResult &result : results)
    runs.push_back(resultJson(result, program));
  json["summary"] = std::move(summary);
  json["results"] = std::move(runs);
  json["host"] = {{"threads", threads}, {"wall_seconds", wallSeconds}};
  return dump(json);
}

std::string octo::formatProfileJson(const RunResult &result,
                                    const fb::Program &program) {
  Json json;
  json["schema_version"] = resultSchemaVersion;
  json["kind"] = "octopus-profile";
  json["seed"] = result.seed;
  json["requests"] = result.requestsArrived;
  json["machine"] = program.machine()->name()->str();
  // Records name blocks by their position in this list.
  Json blocks = Json::array();
  for (const BlockStatistics &block : result.blocks) {
    const fb::Workflow &workflow = *program.workflows()->Get(block.workflow);
    Json entry = {{"workflow", workflow.name()->str()},
                  {"path", pathOf(program, block.workflow, block.block)},
                  {"kind", kindName(workflow, block.block)}};
    // What the work of the kernel depends on: the order of the last list of a
    // record.
    if (const auto *kernels = workflow.blocks()->kernel();
        kernels &&
        workflow.blocks()->kind()->Get(block.block) == fb::BlockKind::Task) {
      std::vector<uint32_t> symbols =
          workSymbols(*program.kernels(), kernels->Get(block.block));
      if (!symbols.empty()) {
        Json &names = entry["symbols"] = Json::array();
        for (uint32_t symbol : symbols)
          names.push_back(symbol >> 31
                              ? fmt::format("counter {}", symbol & 0x7fffffff)
                              : fmt::format("dim {} of input {}", symbol & 255,
                                            symbol >> 8));
      }
    }
    blocks.push_back(std::move(entry));
  }
  json["blocks"] = std::move(blocks);
  constexpr uint32_t noBlock = 0xffffffffu;
  auto completed = [&](uint64_t request) {
    if (request >= result.requests.size())
      return true;
    const RequestRecord &record = result.requests[request];
    return !record.failed && record.finished != ~uint64_t(0);
  };
  auto isTask = [&](uint32_t workflow, uint32_t block) {
    return program.workflows()->Get(workflow)->blocks()->kind()->Get(block) ==
           fb::BlockKind::Task;
  };
  // The blocks of workflow w begin at offsets[w].
  std::vector<uint32_t> offsets;
  uint32_t offset = 0;
  for (const fb::Workflow *workflow : *program.workflows()) {
    offsets.push_back(offset);
    offset += workflow->blocks()->kind()->size();
  }
  std::string text = dump(json, 1);
  // One record a line; the block is that of the list, or -1 - w for the
  // arguments of workflow w. `sizes` are bytes of outputs of varying size,
  // `symbols` is absent where the value was not worked out from them.
  text.resize(text.size() - 3);
  text += ",\n \"record_fields\": [\"request\", \"block\", \"tag\", \"value\", "
          "\"sizes\", \"symbols\"],\n \"records\": [";
  bool first = true;
  auto list = [&](uint64_t begin, uint64_t end) {
    return fmt::format("[{}]",
                       fmt::join(result.outcomeDetails.begin() + begin,
                                 result.outcomeDetails.begin() + end, ","));
  };
  for (const OutcomeRecord &record : result.outcomes) {
    // What a request that failed or is open did says nothing of a whole one.
    if (!completed(record.request))
      continue;
    int64_t block = record.block == noBlock
                        ? -1 - int64_t(record.workflow)
                        : int64_t(offsets[record.workflow] + record.block);
    text += fmt::format("{}\n  [{},{},\"{:016x}\",{}", first ? "" : ",",
                        record.request, block, record.tag, record.value);
    bool worked = record.block != noBlock && !record.drawn &&
                  isTask(record.workflow, record.block);
    if (worked || record.symbols != record.sizes)
      text += "," + list(record.sizes, record.symbols);
    if (worked)
      text += "," + list(record.symbols, record.detailEnd);
    text += "]";
    first = false;
  }
  return text + "\n ]\n}\n";
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

static std::string machineLine(const RunResult &result,
                               const fb::Program &program) {
  const fb::Machine &machine = *program.machine();
  std::string names;
  for (const fb::Workflow *workflow : *program.workflows())
    names += (names.empty() ? "" : ", ") + workflow->name()->str();
  std::string text =
      fmt::format("{} on {} ({} PEAs", names, machine.name()->string_view(),
                  groupDigits(result.totalPeas));
  if (result.livePeas != result.totalPeas)
    text += fmt::format(", {} alive", groupDigits(result.livePeas));
  return text + fmt::format(", {}), seed {}{}\n",
                            withPrefix(double(machine.clock_hz()), "Hz"),
                            result.seed,
                            result.timingOnly ? ", timing only" : "");
}

static double seconds(uint64_t cycles, const fb::Program &program) {
  uint64_t hz = program.machine()->clock_hz();
  return hz ? double(cycles) / double(hz) : 0;
}

std::string octo::formatUnfinished(const RunResult &result) {
  std::string text;
  switch (result.status) {
  case RunStatus::Completed:
    return text;
  case RunStatus::Deadlock:
    text = fmt::format("deadlock at cycle {}: nothing can happen any more, and "
                       "{} of {} requests are open",
                       groupDigits(result.makespanCycles),
                       result.requestsArrived - result.requestsCompleted -
                           result.requestsFailed,
                       result.requestsArrived);
    break;
  case RunStatus::CycleLimit:
    text =
        fmt::format("stopped at cycle {}: the scenario's `max_cycles`; raise "
                    "it to go on",
                    groupDigits(result.makespanCycles));
    break;
  case RunStatus::EventLimit:
    text =
        fmt::format("stopped after {} events: the scenario's `max_events`{}; "
                    "raise it to go on",
                    groupDigits(result.events),
                    result.events >= StopRules::defaultMaxEvents
                        ? " or the default, in case it would never end"
                        : "");
    break;
  case RunStatus::MachineLost:
    text =
        fmt::format("at cycle {} the machine that is left cannot run the "
                    "program: {}; {} of {} requests are open",
                    groupDigits(result.makespanCycles), result.faults.lacking,
                    result.requestsArrived - result.requestsCompleted -
                        result.requestsFailed,
                    result.requestsArrived);
    for (const FaultStatistics::Part &part : result.faults.parts)
      text += fmt::format("\n  {} died at cycle {}", describe(part.part),
                          groupDigits(part.cycle));
    break;
  case RunStatus::Cancelled:
    text = fmt::format("interrupted at cycle {}",
                       groupDigits(result.makespanCycles));
    break;
  }
  text += '\n';
  for (const BlockedInstance &instance : result.blocked) {
    std::string place = placeOf(instance.file, instance.line);
    text += fmt::format(
        "  request {} waits at {}{} since cycle {} for {}{}\n",
        instance.request, instance.path,
        place.empty() ? "" : " (" + place + ")",
        groupDigits(instance.sinceCycle), instance.waitsFor,
        instance.heldBy.empty() ? "" : ", held by " + instance.heldBy);
  }
  auto named = [](const auto &block) {
    std::string place = placeOf(block.file, block.line);
    return block.path + (place.empty() ? "" : " (" + place + ")");
  };
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

std::string octo::formatSummary(const RunResult &result,
                                const fb::Program &program) {
  std::string text = machineLine(result, program);
  auto line = [&](std::string_view label, std::string_view value) {
    text += fmt::format("  {:<13}{}\n", label, value);
  };
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
  line("makespan",
       fmt::format("{} cycles ({})", groupDigits(result.makespanCycles),
                   withPrefix(seconds(result.makespanCycles, program), "s")));
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
  if (const FaultStatistics &f = result.faults; !f.parts.empty()) {
    line("faults",
         fmt::format("{} parts died: {} PEA-cycles of work lost, {} cycles of "
                     "recovery",
                     groupDigits(f.parts.size()), groupDigits(f.lostPeaCycles),
                     groupDigits(f.recoveryCycles)));
    line("", fmt::format(
                 "{} instances set back, {} tasks and {} joins executed "
                 "again, {} values lost, {} messages repeated, {} requests "
                 "back to their arguments",
                 groupDigits(f.instancesSetBack),
                 groupDigits(f.tasksReexecuted), groupDigits(f.joinsReexecuted),
                 groupDigits(f.valuesLost), groupDigits(f.messagesRepeated),
                 groupDigits(f.requestsRestarted)));
    constexpr size_t shown = 5;
    for (size_t i = 0; i < f.parts.size() && i < shown; ++i)
      line("",
           fmt::format("cycle {}: {} died{}", groupDigits(f.parts[i].cycle),
                       describe(f.parts[i].part),
                       f.parts[i].already ? ", which was dead already" : ""));
    if (f.parts.size() > shown)
      line("", fmt::format("and {} more", f.parts.size() - shown));
  }
  if (!result.outputsSha256.empty())
    line("outputs", "sha256 " + result.outputsSha256);
  line("simulated",
       fmt::format("{} events in {} ({}, {})", groupDigits(result.events),
                   withPrefix(result.host.wallSeconds, "s"),
                   withPrefix(result.host.eventsPerSecond, "events/s"),
                   withPrefix(double(result.host.peakMemoryBytes), "B")));
  constexpr size_t shownFailures = 5;
  for (size_t i = 0; i < result.failures.size() && i < shownFailures; ++i) {
    const RequestFailure &failure = result.failures[i];
    std::string place = placeOf(failure.file, failure.line);
    text += fmt::format("  request {} failed at {}{}: {}\n", failure.request,
                        failure.path, place.empty() ? "" : " (" + place + ")",
                        failure.reason);
  }
  if (result.requestsFailed > shownFailures)
    text +=
        fmt::format("  ... and {} more failed requests; --json lists them\n",
                    result.requestsFailed - shownFailures);
  return text;
}

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
  for (const Headline &headline : headlines) {
    Spread spread = spreadOf(results, headline);
    text += fmt::format(
        "  {:<36}{:>14.6g}  {:>12}  {:>14.6g}  {:>14.6g}\n", headline.key,
        spread.mean,
        results.size() > 1 ? fmt::format("{:.4g}", spread.halfWidth) : "-",
        spread.least, spread.most);
  }
  return text;
}

//===----------------------------------------------------------------------===//
// Comparisons
//===----------------------------------------------------------------------===//

/// Rows under the head, the first column to the left, the others to the right.
static std::string
alignColumns(const std::vector<std::vector<std::string>> &rows) {
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
  std::ranges::stable_sort(tasks, std::greater<>(),
                           &BlockStatistics::computePeaCycles);
  constexpr size_t shown = 8;
  tasks.resize(std::min(tasks.size(), shown));
  std::vector<std::vector<std::string>> rows = {
      {"task", "times", "predicted", "cycles", "predicted"}};
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

std::string octo::formatComparison(std::span<const RunResult> results,
                                   const fb::Program &program) {
  if (results.empty())
    return {};
  double most = 0;
  const RunResult *binding = &results.front();
  for (const RunResult &result : results) {
    most = std::max(most, result.throughputRequestsPerMegacycle);
    if (result.lowerBound.cycles() > binding->lowerBound.cycles())
      binding = &result;
  }
  uint64_t bound = binding->lowerBound.cycles();

  std::vector<std::vector<std::string>> speed = {
      {"policy", "makespan", "req/Mcycle", "of best", "of bound"}};
  std::vector<std::vector<std::string>> late = {
      {"policy", "mean", "p50", "p99", "in time", "goodput", "failed"}};
  std::vector<const RunResult *> baselines;
  for (const char *name : baselineNames)
    for (const RunResult &result : results)
      if (result.policy == name) {
        baselines.push_back(&result);
        speed[0].push_back(fmt::format("/ {}", name));
      }
  speed[0].push_back("/ best other");
  std::vector<std::vector<std::string>> time = {
      {"policy", "computing", "transient", "structural", "contagious", "depth",
       "other"}};
  std::vector<std::vector<std::string>> moved = {{"policy", "mesh", "links",
                                                  "busiest", "code", "weights",
                                                  "migrations", "energy"}};
  for (const RunResult &result : results) {
    bool finished = result.status == RunStatus::Completed;
    double throughput = result.throughputRequestsPerMegacycle;
    std::string ofBound = "-";
    if (!finished)
      ofBound = stringifyRunStatus(result.status);
    else if (result.lowerBound.cycles())
      ofBound = fmt::format("{:.1f} %", 100.0 / result.ratioToLowerBound);
    speed.push_back(
        {policyLabel(result), groupDigits(result.makespanCycles),
         fmt::format("{:.4g}", throughput),
         most > 0 ? fmt::format("{:.1f} %", percent(throughput, most)) : "-",
         ofBound});
    auto over = [&](double other) {
      speed.back().push_back(
          other > 0 ? fmt::format("{:.2f}", throughput / other) : "-");
    };
    for (const RunResult *baseline : baselines)
      over(baseline->throughputRequestsPerMegacycle);
    double other = 0;
    for (const RunResult &rival : results)
      if (rival.policy != result.policy)
        other = std::max(other, rival.throughputRequestsPerMegacycle);
    over(other);
    const SampleSummary &latency = result.latency;
    auto known = [&](std::string text) {
      return latency.count ? text : std::string("-");
    };
    late.push_back(
        {policyLabel(result), known(cycles(latency.mean)),
         known(groupDigits(latency.p50)), known(groupDigits(latency.p99)),
         known(fmt::format("{:.1f} %", percent(double(result.requestsInTime),
                                               double(latency.count)))),
         fmt::format("{:.4g}", result.goodputRequestsPerMegacycle),
         groupDigits(result.requestsFailed)});

    double total = 0;
    for (uint64_t state : result.peaCycles)
      total += double(state);
    auto part = [&](uint64_t peaCycles) {
      return fmt::format("{:.1f} %", percent(double(peaCycles), total));
    };
    uint64_t computing = result.peaCycles[unsigned(PeaState::Computing)];
    uint64_t idle = result.peaCycles[unsigned(PeaState::Idle)];
    const NetworkUse &use = result.network;
    time.push_back(
        {policyLabel(result), part(computing),
         part(result.idleTransientPeaCycles),
         part(result.idleStructuralPeaCycles),
         part(result.idleContagiousPeaCycles),
         result.idleDepth.intervals
             ? fmt::format("{:.1f}", double(result.idleDepth.sum) /
                                         double(result.idleDepth.intervals))
             : "-",
         part(uint64_t(total) - computing - idle)});
    const double span = double(result.makespanCycles);
    uint64_t busiest = 0;
    for (uint64_t busy : use.linkBusyCycles)
      busiest = std::max(busiest, busy);
    moved.push_back(
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
  speed.push_back(
      {"lower bound", groupDigits(bound), "", "", bound ? "100.0 %" : "-"});
  speed.back().resize(speed[0].size());

  std::string slo = explainSlo(results.front());
  std::string text = machineLine(results.front(), program);
  text += alignColumns(speed);
  if (bound)
    text += fmt::format("  the bound is set by: {} ({})\n",
                        bindingBound(binding->lowerBound),
                        explainBound(bindingBound(binding->lowerBound)));
  text += "\n  how long requests took\n";
  text += alignColumns(late);
  text += "\n  where the cycles of the PEAs went\n";
  text += alignColumns(time);
  text += "\n  what was moved, and the energy of it all\n";
  text += alignColumns(moved);
  text += predictedBlocks(results, program);
  text += "\n";
  text += legend(
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
  bool haveOutputs = !results.front().outputsSha256.empty();
  if (haveOutputs) {
    bool same = std::all_of(
        results.begin(), results.end(), [&](const RunResult &result) {
          return result.outputsSha256 == results.front().outputsSha256;
        });
    text += same ? fmt::format("  outputs: the same under every policy (sha256 "
                               "{})\n",
                               results.front().outputsSha256)
                 : std::string("  outputs: NOT the same under every policy\n");
  }
  return text;
}

/// The mean of the logarithms of `numerator` over `denominator`, run by run,
/// and half the width of its interval, as factors.
static Spread pairedRatio(std::span<const RunResult> numerator,
                          std::span<const RunResult> denominator) {
  size_t count = std::min(numerator.size(), denominator.size());
  std::vector<double> logs;
  for (size_t i = 0; i < count; ++i) {
    double above = numerator[i].throughputRequestsPerMegacycle;
    double below = denominator[i].throughputRequestsPerMegacycle;
    if (above > 0 && below > 0)
      logs.push_back(std::log(above / below));
  }
  Spread spread;
  if (logs.empty())
    return spread;
  double mean = 0, squares = 0, n = double(logs.size());
  for (double value : logs)
    mean += value / n;
  for (double value : logs)
    squares += (value - mean) * (value - mean);
  double half = logs.size() > 1 ? studentQuantile(logs.size() - 1) *
                                      std::sqrt(squares / (n - 1) / n)
                                : 0;
  spread.mean = std::exp(mean);
  spread.least = std::exp(mean - half);
  spread.most = std::exp(mean + half);
  return spread;
}

/// The policy with the largest mean throughput.
static const std::vector<RunResult> &
bestOf(std::span<const std::vector<RunResult>> runs) {
  auto mean = [](const std::vector<RunResult> &results) {
    double sum = 0;
    for (const RunResult &result : results)
      sum += result.throughputRequestsPerMegacycle;
    return results.empty() ? 0 : sum / double(results.size());
  };
  return *std::max_element(
      runs.begin(), runs.end(),
      [&](const auto &a, const auto &b) { return mean(a) < mean(b); });
}

std::string
octo::formatCompareReplications(std::span<const std::vector<RunResult>> runs,
                                const fb::Program &program) {
  if (runs.empty() || runs.front().empty())
    return {};
  const std::vector<RunResult> &best = bestOf(runs);
  std::vector<std::vector<std::string>> rows = {
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
  auto headline = [](std::string_view key) -> const Headline & {
    return *std::find_if(std::begin(headlines), std::end(headlines),
                         [&](const Headline &h) { return h.key == key; });
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

std::string octo::formatCompareReplicationsJson(
    std::span<const std::vector<RunResult>> runs, const fb::Program &program,
    unsigned threads, double wallSeconds) {
  Json json;
  json["schema_version"] = resultSchemaVersion;
  Json policies = Json::array(), comparison = Json::array();
  size_t count = 0;
  const std::vector<RunResult> *best = runs.empty() ? nullptr : &bestOf(runs);
  for (const std::vector<RunResult> &results : runs) {
    if (results.empty())
      continue;
    count = std::max(count, results.size());
    policies.push_back(results.front().policy);
    Spread ratio = pairedRatio(results, *best);
    bool known = results.size() > 1;
    Json entry;
    entry["policy"] = results.front().policy;
    entry["throughput_ratio_to_best"] = {
        {"geometric_mean", ratio.mean},
        {"ci95_low", known ? Json(ratio.least) : Json(nullptr)},
        {"ci95_high", known ? Json(ratio.most) : Json(nullptr)}};
    entry["summary"] = replicationSummary(results);
    entry["results"] = Json::array();
    for (const RunResult &result : results)
      entry["results"].push_back(resultJson(result, program));
    comparison.push_back(std::move(entry));
  }
  json["replications"] = count;
  json["policies"] = std::move(policies);
  json["best_policy"] =
      best && !best->empty() ? Json(best->front().policy) : Json(nullptr);
  json["comparison"] = std::move(comparison);
  json["host"] = {{"threads", threads}, {"wall_seconds", wallSeconds}};
  return dump(json);
}
