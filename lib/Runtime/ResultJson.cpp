//===- ResultJson.cpp - Results for programs ------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/result.schema.json describes the documents.
//
//===----------------------------------------------------------------------===//

#include "LatencyPrediction.h"
#include "ReplicationStatistics.h"
#include "ReportWords.h"
#include "octo/Runtime/Report.h"

#include "octo/Program/Program.h"
#include "octo/Program/program_generated.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>

using namespace octo;
using namespace octo::report;
using Json = nlohmann::ordered_json;

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

static Json predictedLatencyJson(const fb::RequestPath *path) {
  if (!path)
    return nullptr;
  return {{"mean", path->cycles()},
          {"standard_deviation", path->deviation()},
          {"tail", path->tail()},
          {"tail_percent", tailPercent(*path)},
          {"samples", path->samples()}};
}

static Json tenantsJson(const RunResult &result, const fb::Program &program) {
  Json tenants = Json::array();
  for (const TenantStatistics &tenant : result.tenants) {
    std::optional<double> slowdown = slowdownOf(tenant, program);
    tenants.push_back(
        {{"name", tenant.name},
         {"workflow", program.workflows()->Get(tenant.workflow)->name()->str()},
         {"requests_completed", tenant.completed},
         {"requests_failed", tenant.failed},
         {"latency_cycles", summaryJson(tenant.latency)},
         {"predicted_latency_cycles",
          predictedLatencyJson(predictionOf(tenant, program))},
         {"alone_latency_cycles", summaryJson(tenant.aloneLatency)},
         {"first_latency_cycles",
          tenant.firstLatency ? Json(tenant.firstLatency) : Json(nullptr)},
         {"slowdown", slowdown ? Json(*slowdown) : Json(nullptr)}});
  }
  return tenants;
}

/// Latency over what is predicted of requests alone, by cause.
static Json slowdownJson(const RunResult &result, const fb::Program &program) {
  std::optional<Slowdown> slowdown = slowdownOf(result, program);
  if (!slowdown)
    return nullptr;
  Json causes;
  for (unsigned c = 0; c < numBlameCauses; ++c)
    causes[std::string(stringifyBlameCause(BlameCause(c)))] =
        slowdown->causes[c];
  return {{"predicted_cycles", slowdown->predicted},
          {"factor", slowdown->factor},
          {"waits", slowdown->waits},
          {"causes", std::move(causes)}};
}

/// A block, and beside it the slot of the timetable if it has one.
static Json blockJson(const RunResult &result, const BlockStatistics &block,
                      const SlotStatistics *slot, const fb::Program &program) {
  const fb::Workflow &workflow = *program.workflows()->Get(block.workflow);
  const fb::BlockTable &table = *workflow.blocks();
  Json entry;
  entry["path"] = pathOf(program, block.workflow, block.block);
  entry["kind"] = kindName(workflow, block.block);
  if (table.source_file() && block.block < table.source_file()->size()) {
    std::string file(stringAt(program, table.source_file()->Get(block.block)));
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
      static_cast<double>(result.predictedInstancesQ16(block)) / 65536;
  entry["predicted_cycles"] = block.predictedCycles;
  auto mean = [](auto sum, uint64_t count) {
    return count ? static_cast<double>(sum) / static_cast<double>(count) : 0;
  };
  entry["mean_cycles"] = mean(block.busyCycles, block.instances);
  if (slot && slot->instances)
    entry["slot"] = {{"instances", slot->instances},
                     {"predicted_start", slot->predictedStart},
                     {"mean_start", mean(slot->startCycles, slot->instances)},
                     {"predicted_end", slot->predictedEnd},
                     {"mean_end", mean(slot->endCycles, slot->instances)}};
  if (std::span<const uint64_t> counts = result.outcomesOf(block);
      !counts.empty())
    entry["outcomes"] = counts;
  return entry;
}

static Json blocksJson(const RunResult &result, const fb::Program &program) {
  std::map<std::pair<uint32_t, uint32_t>, const SlotStatistics *> slots;
  for (const SlotStatistics &slot : result.slots)
    slots[{slot.workflow, slot.block}] = &slot;
  Json blocks = Json::array();
  for (const BlockStatistics &block : result.blocks) {
    auto slot = slots.find({block.workflow, block.block});
    blocks.push_back(blockJson(
        result, block, slot == slots.end() ? nullptr : slot->second, program));
  }
  return blocks;
}

static Json kernelsJson(const RunResult &result, const fb::Program &program) {
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
  return kernels;
}

/// What failed, and why the run could not go on if it could not.
static void addUnfinished(Json &json, const RunResult &result) {
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
}

static Json clustersJson(const RunResult &result) {
  Json energy = Json::object();
  for (auto [name, part] : energyParts) {
    Json list = Json::array();
    for (const EnergyBreakdown &cluster : result.clusterEnergy)
      list.push_back(cluster.*part);
    energy[name] = std::move(list);
  }
  return {{"computing_pea_cycles", result.clusterComputingPeaCycles},
          {"idle_pea_cycles", result.clusterIdlePeaCycles},
          {"energy", std::move(energy)}};
}

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
  json["slowdown"] = slowdownJson(result, program);
  json["tenants"] = tenantsJson(result, program);

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
                         {"hbm", result.lowerBound.hbm},
                         {"way_in", result.lowerBound.wayIn},
                         {"way_out", result.lowerBound.wayOut},
                         {"in_flight", result.lowerBound.inFlight}};
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

  json["blocks"] = blocksJson(result, program);
  json["kernels"] = kernelsJson(result, program);
  addUnfinished(json, result);
  json["clusters"] = clustersJson(result);

  json["host"] = {
      {"wall_seconds", result.host.wallSeconds},
      {"events_per_second", result.host.eventsPerSecond},
      {"task_instances_per_second", result.host.taskInstancesPerSecond},
      {"peak_memory_bytes", result.host.peakMemoryBytes}};
  return json;
}

/// Paths of files need not be UTF-8; what is not is replaced.
static std::string dump(const Json &json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
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

/// Mean, interval and range of each headline number.
static Json replicationSummary(std::span<const RunResult> results) {
  Json summary = Json::object();
  for (const Headline &headline : headlines()) {
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

std::string octo::formatCompareReplicationsJson(
    std::span<const std::vector<RunResult>> runs, const fb::Program &program,
    unsigned threads, double wallSeconds) {
  Json json;
  json["schema_version"] = resultSchemaVersion;
  Json policies = Json::array(), comparison = Json::array();
  size_t count = 0;
  const std::vector<std::span<const RunResult>> views(runs.begin(), runs.end());
  const std::vector<RunResult> *best =
      runs.empty() ? nullptr : &runs[bestOf(views)];
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