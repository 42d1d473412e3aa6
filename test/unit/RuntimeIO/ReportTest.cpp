//===- ReportTest.cpp - Tests of results as JSON, text, page, timeline ----===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The numbers of a made-up result must turn up where scripts and people look.
//
//===----------------------------------------------------------------------===//

#include "octo/Runtime/Report.h"
#include "octo/Runtime/TraceWriter.h"

#include "EmptyProgram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include <fstream>
#include <iterator>
#include <numeric>

using namespace octo;
using nlohmann::json;

namespace {

/// A machine of four PEAs and a workflow with a task and a switch.
class ReportTest : public testing::Test {
protected:
  ReportTest() {
    fb::ProgramT program = emptyProgram(2);
    program.strings = {"w/<t>", "w/choose", "w.mlir"};
    program.machine->clock_hz = 1000000000;
    program.machine->clusters_x = 2;
    fb::WorkflowT &workflow = *program.workflows[0];
    workflow.blocks->kind = {fb::BlockKind::Task, fb::BlockKind::Switch};
    workflow.blocks->path = {0, 1};
    workflow.blocks->source_file = {2, 0xffffffff};
    workflow.blocks->source_line = {12, 0};
    workflow.request_path = std::make_unique<fb::RequestPathT>();
    workflow.request_path->cycles = 10;
    workflow.request_path->deviation = 2;
    workflow.request_path->tail = 16;
    workflow.request_path->tail_per_million = 990000;
    workflow.request_path->samples = 4096;
    builder.Finish(fb::Program::Pack(builder, &program));

    result.policy = "static";
    result.seed = 7;
    result.makespanCycles = 1000;
    result.requestsArrived = 50;
    result.requestsCompleted = 49;
    result.requestsFailed = 1;
    result.throughputRequestsPerMegacycle = 49000;
    result.latency = {49, 20.5, 1.25, 10, 20, 30, 40, 50};
    TenantStatistics tenant;
    tenant.name = "main";
    tenant.completed = 49;
    tenant.failed = 1;
    tenant.latency = result.latency;
    tenant.aloneLatency = {2, 12, 0, 11, 11, 13, 13, 13};
    tenant.firstLatency = 14;
    result.tenants = {tenant};
    // 49 latencies of 20.5 cycles.
    result.blame.requests = 49;
    result.blame.cycles[unsigned(BlameCause::Compute)] = 490;
    result.blame.cycles[unsigned(BlameCause::Queue)] = 490;
    result.blame.cycles[unsigned(BlameCause::Transfer)] = 24;
    result.peaUtilization = 0.25;
    result.peaCycles = {1000, 100, 200, 300, 2000, 0, 400};
    result.totalPeas = result.livePeas = 4;
    result.idleTransientPeaCycles = 500;
    result.idleStructuralPeaCycles = 1500;
    result.lowerBound.capacity = 800;
    result.lowerBound.path = 100;
    result.ratioToLowerBound = 1.25;
    result.energyJoules = 0.1;
    result.energy.compute = 0.1;
    result.clusterEnergy.resize(2);
    result.clusterEnergy[0].compute = 0.025;
    result.clusterEnergy[1].compute = 0.075;
    result.events = 12345;
    result.counters.migrations = 3;
    BlockStatistics task;
    task.instances = 49;
    task.computePeaCycles = 1000;
    task.predictedCycles = 20;
    BlockStatistics choice;
    choice.block = 1;
    choice.numOutcomes = 2;
    result.outcomeCounts = {40, 9};
    result.blocks = {task, choice};
    result.failures = {{5, 0, 0, 77, "w/<t>", "w.mlir", 12, "division by 0"}};
    result.outputsSha256 = std::string(64, 'a');
    result.timingOnly = false;
    result.requests.resize(50);
    for (size_t i = 0; i < 50; ++i)
      result.requests[i] = {i, i, i + 10 + i % 7, 0, i == 5};
    result.outcomes = {{0, 1, 0, 0, 55}, {0, 1, 0, 1, 1}};
  }

  const fb::Program &program() {
    return *flatbuffers::GetRoot<fb::Program>(builder.GetBufferPointer());
  }

  flatbuffers::FlatBufferBuilder builder;
  RunResult result;
};

TEST_F(ReportTest, JsonHasTheStableKeys) {
  json document = json::parse(formatResultJson(result, program()));
  EXPECT_EQ(document["schema_version"], 1);
  EXPECT_EQ(document["policy"], "static");
  EXPECT_EQ(document["seed"], 7);
  EXPECT_EQ(document["makespan_cycles"], 1000);
  EXPECT_EQ(document["requests_completed"], 49);
  EXPECT_EQ(document["throughput_requests_per_megacycle"], 49000.0);
  EXPECT_EQ(document["latency_cycles"]["mean"], 20.5);
  EXPECT_EQ(document["latency_cycles"]["p99"], 40);
  EXPECT_EQ(document["pea_utilization"], 0.25);
  EXPECT_EQ(document["lower_bound_cycles"], 800);
  EXPECT_EQ(document["ratio_to_lower_bound"], 1.25);
  EXPECT_EQ(document["energy_joules"], 0.1);
  EXPECT_EQ(document["clusters"]["energy"]["compute"], json({0.025, 0.075}));
  EXPECT_EQ(document["clusters"]["energy"]["leakage"], json({0.0, 0.0}));
  EXPECT_EQ(document["events"], 12345);
  EXPECT_EQ(document["outputs_sha256"], std::string(64, 'a'));
  EXPECT_EQ(document["pea_cycles"]["moving_data"], 200);
  EXPECT_EQ(document["idle"]["structural_pea_cycles"], 1500);
  EXPECT_EQ(document["migrations"], 3);
  EXPECT_TRUE(document["host"].contains("wall_seconds"));
  EXPECT_TRUE(document["host"].contains("events_per_second"));
  EXPECT_TRUE(document["host"].contains("peak_memory_bytes"));
  EXPECT_EQ(document["blocks"][0]["path"], "w/<t>");
  EXPECT_EQ(document["blocks"][0]["source"], "w.mlir:12");
  EXPECT_EQ(document["blocks"][1]["kind"], "switch");
  EXPECT_EQ(document["blocks"][1]["outcomes"], (std::vector{40, 9}));
  EXPECT_FALSE(document["blocks"][1].contains("source"));
  EXPECT_EQ(document["failures"][0]["reason"], "division by 0");
}

TEST_F(ReportTest, WhatIsNotKnownIsNull) {
  result.latency = {};
  result.lowerBound = {};
  result.outputsSha256.clear();
  json document = json::parse(formatResultJson(result, program()));
  EXPECT_TRUE(document["latency_cycles"]["mean"].is_null());
  EXPECT_TRUE(document["ratio_to_lower_bound"].is_null());
  EXPECT_TRUE(document["outputs_sha256"].is_null());
}

TEST_F(ReportTest, LatencyStandsBesideThePrediction) {
  json document = json::parse(formatResultJson(result, program()));
  const json &tenant = document["tenants"][0];
  EXPECT_EQ(tenant["predicted_latency_cycles"],
            json::parse(R"({"mean": 10, "standard_deviation": 2, "tail": 16,
                            "tail_percent": 99.0, "samples": 4096})"));
  EXPECT_EQ(tenant["alone_latency_cycles"]["mean"], 12.0);
  EXPECT_EQ(tenant["first_latency_cycles"], 14);
  EXPECT_NEAR(tenant["slowdown"], 2.05, 1e-12);
  const json &slowdown = document["slowdown"];
  EXPECT_EQ(slowdown["predicted_cycles"], 10.0);
  EXPECT_NEAR(slowdown["factor"], 2.05, 1e-12);
  EXPECT_NEAR(slowdown["waits"], 1.0, 1e-12);
  EXPECT_NEAR(slowdown["causes"]["queue"], 1.0, 1e-12);
  EXPECT_EQ(slowdown["causes"]["admission"], 0.0);
  const std::string alone =
      "predicted 10 (99 % within 16); the first request 14; the 2 that were "
      "alone 12 cycles";
  const std::string factor =
      "2.05 times what is predicted of a request alone; 1.00 of it are waits";
  for (const std::string &text :
       {formatSummary(result, program()), formatHtml(result, program())}) {
    EXPECT_NE(text.find(alone), std::string::npos) << text;
    EXPECT_NE(text.find(factor), std::string::npos) << text;
  }
  std::string table = formatComparison(std::vector{result}, program());
  for (const char *part :
       {"slowdown", "mostly", "queue 49 %", "alone", "predicted alone"})
    EXPECT_NE(table.find(part), std::string::npos) << part << table;

  // An older program says nothing, and neither does anything else.
  flatbuffers::FlatBufferBuilder other;
  std::unique_ptr<fb::ProgramT> older(program().UnPack());
  older->workflows[0]->request_path.reset();
  other.Finish(fb::Program::Pack(other, older.get()));
  const fb::Program &silent =
      *flatbuffers::GetRoot<fb::Program>(other.GetBufferPointer());
  document = json::parse(formatResultJson(result, silent));
  EXPECT_TRUE(document["tenants"][0]["predicted_latency_cycles"].is_null());
  EXPECT_TRUE(document["tenants"][0]["slowdown"].is_null());
  EXPECT_TRUE(document["slowdown"].is_null());
  EXPECT_EQ(formatSummary(result, silent).find("predicted"), std::string::npos);
  EXPECT_EQ(
      formatComparison(std::vector{result}, silent).find("predicted alone"),
      std::string::npos);
}

TEST_F(ReportTest, CompareFindsBestAndDifferences) {
  RunResult other = result;
  other.policy = "pool";
  other.makespanCycles = 900;
  std::vector<RunResult> results = {result, other};
  json document = json::parse(formatCompareJson(results, program()));
  EXPECT_EQ(document["best_policy"], "pool");
  EXPECT_EQ(document["outputs_agree"], true);
  EXPECT_EQ(document["results"].size(), 2u);
  std::string table = formatComparison(results, program());
  EXPECT_NE(table.find("the same under every policy"), std::string::npos);
  EXPECT_NE(table.find("lower bound"), std::string::npos);
  // 800 of 1,000 cycles; the columns are explained.
  EXPECT_NE(table.find("80.0 %"), std::string::npos) << table;
  for (const char *column :
       {"of best", "of bound", "best other", "p50", "in time", "goodput",
        "transient", "structural", "contagious", "mesh", "energy", "depth",
        "busiest", "weights", "predicted"})
    EXPECT_NE(table.find(column), std::string::npos) << column;
  EXPECT_NE(table.find("no scheduler can pass 100 %"), std::string::npos);

  results[1].outputsSha256 = std::string(64, 'b');
  document = json::parse(formatCompareJson(results, program()));
  EXPECT_EQ(document["outputs_agree"], false);
  EXPECT_NE(formatComparison(results, program()).find("NOT the same"),
            std::string::npos);
}

TEST_F(ReportTest, ReplicationsAreComparedSeedBySeed) {
  // Ratios of 2 and 8 to the best: their geometric mean is 1/4.
  auto with = [&](const char *policy, double throughput) {
    RunResult made = result;
    made.policy = policy;
    made.throughputRequestsPerMegacycle = throughput;
    return made;
  };
  std::vector<std::vector<RunResult>> runs = {
      {with("static", 10), with("static", 20)},
      {with("pool", 20), with("pool", 160)}};
  json document =
      json::parse(formatCompareReplicationsJson(runs, program(), 1, 0.5));
  EXPECT_EQ(document["replications"], 2);
  EXPECT_EQ(document["best_policy"], "pool");
  const json &ratio = document["comparison"][0]["throughput_ratio_to_best"];
  EXPECT_NEAR(ratio["geometric_mean"], 0.25, 1e-12);
  // Half the difference of the logarithms, times Student's 12.706.
  EXPECT_NEAR(ratio["ci95_low"], 0.25 * std::exp(-12.706 * std::log(2.0)),
              1e-7);
  EXPECT_EQ(
      document["comparison"][1]["throughput_ratio_to_best"]["geometric_mean"],
      1.0);
  EXPECT_EQ(document["comparison"][0]["summary"]
                    ["throughput_requests_per_megacycle"]["mean"],
            15.0);
  std::string table = formatCompareReplications(runs, program());
  EXPECT_NE(table.find("25.0 %"), std::string::npos) << table;
  EXPECT_NE(table.find("seed by seed"), std::string::npos);

  for (std::vector<RunResult> &run : runs)
    run.resize(1);
  document =
      json::parse(formatCompareReplicationsJson(runs, program(), 1, 0.5));
  EXPECT_TRUE(document["comparison"][0]["throughput_ratio_to_best"]["ci95_low"]
                  .is_null());
  EXPECT_EQ(formatCompareReplications({}, program()), "");
}

TEST_F(ReportTest, Summary) {
  std::string text = formatSummary(result, program());
  for (const char *part :
       {"w on tiny (4 PEAs, 1 GHz), seed 7", "49 completed, 1 failed",
        "1,000 cycles (1 us)", "mean 21 +- 1  p50 20  p95 30  p99 40  max 50",
        "transient 25.0 %, structural 75.0 %, contagious 0.0 %",
        "800 cycles (capacity); the run took 1.250 times as long",
        "request 5 failed at w/<t> (w.mlir:12): division by 0"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  EXPECT_EQ(formatUnfinished(result), "");
}

TEST_F(ReportTest, UnfinishedNamesWhoWaits) {
  result.status = RunStatus::Deadlock;
  result.blocked = {{9, "w/<t>", "w.mlir", 12, "input 0", "w/choose", 44}};
  result.waitChain = {{9, "w/<t>", "w.mlir", 12, "input 0"},
                      {9, "w/choose", "", 0, "input 1"}};
  result.waitCycle = 0;
  result.openLoops = {{9, "w/l", "w.mlir", 20, 12345, 0}};
  EXPECT_EQ(formatUnfinished(result),
            "deadlock at cycle 1,000: nothing can happen any more, and 0 of 50 "
            "requests are open\n  request 9 waits at w/<t> (w.mlir:12) since "
            "cycle 44 for input 0, held by w/choose\n"
            "  who waits on whom: w/<t> (w.mlir:12) of request 9 waits for "
            "input 0\n"
            "  -> w/choose of request 9 waits for input 1\n"
            "  -> w/<t> (w.mlir:12) again: they wait for each other\n"
            "  loop w/l (w.mlir:20) of request 9 has begun 12,345 iterations, "
            "without a bound\n");
  json document = json::parse(formatResultJson(result, program()));
  EXPECT_EQ(document["status"], "deadlock");
  EXPECT_EQ(document["blocked"][0]["held_by"], "w/choose");
  EXPECT_EQ(document["wait_chain"][1]["waits_for"], "input 1");
  EXPECT_EQ(document["wait_cycle"], 0);
  EXPECT_EQ(document["open_loops"][0]["iterations"], 12345);
  EXPECT_TRUE(document["open_loops"][0]["bound"].is_null());
}

TEST_F(ReportTest, PageIsSelfContainedAndEscaped) {
  std::string page = formatHtml(result, program());
  EXPECT_NE(page.find("w/&lt;t&gt;"), std::string::npos);
  EXPECT_EQ(page.find("w/<t>"), std::string::npos);
  for (const char *external : {"http:", "https:", "src=", "@import", "<script"})
    EXPECT_EQ(page.find(external), std::string::npos) << external;
  EXPECT_NE(page.find("</html>"), std::string::npos);
  EXPECT_NE(page.find("cluster 1: 0.075 J (compute 0.075,"), std::string::npos);
}

TEST_F(ReportTest, ProfileKeepsRecords) {
  json document = json::parse(formatProfileJson(result, program()));
  EXPECT_EQ(document["kind"], "octopus-profile");
  EXPECT_EQ(document["requests"], 50);
  EXPECT_EQ(document["blocks"][1]["path"], "w/choose");
  ASSERT_EQ(document["records"].size(), 2u);
  EXPECT_EQ(document["records"][1],
            json::parse(R"([0, 1, "0000000000000001", 1])"));
}

TEST_F(ReportTest, TimelineIsJson) {
  std::string path = testing::TempDir() + "octo_trace.json";
  Expected<std::unique_ptr<TraceWriter>> writer =
      TraceWriter::create(path, program());
  ASSERT_TRUE(writer) << writer.error().str();
  TaskSpan task;
  task.tbu = 1;
  task.peaMask = 2;
  task.ready = 1;
  task.dispatched = task.configBegin = 2;
  task.configured = 4;
  task.started = 7;
  task.finished = 20;
  (*writer)->task(task);
  (*writer)->decision({0, 1, 0, 1, /*cluster=*/0, 20, 22, 1});
  (*writer)->transfer({TransferSpan::Operand, 0, 0, 1, 64, 3, 9, 0});
  (*writer)->request({0, 0, 0, 0, 30, false, false});
  ASSERT_TRUE((*writer)->finish());
  std::ifstream stream(path);
  json document = json::parse(stream);
  unsigned spans = 0, begins = 0, ends = 0;
  for (const json &event : document["traceEvents"]) {
    begins += event["ph"] == "b";
    ends += event["ph"] == "e";
    if (event["ph"] != "X")
      continue;
    ++spans;
    if (event["name"] == "w/<t>") {
      EXPECT_EQ(event["pid"], 2);
      EXPECT_EQ(event["tid"], 3);
      EXPECT_EQ(event["ts"], 2);
      EXPECT_EQ(event["dur"], 18);
    }
  }
  // The task with configuration, data and computing in it; the decision.
  EXPECT_EQ(spans, 5u);
  EXPECT_EQ(begins, 2u);
  EXPECT_EQ(ends, 2u);
  EXPECT_FALSE(TraceWriter::create("/nonexistent/t.json", program()));
}

TEST(Report, Digits) {
  EXPECT_EQ(groupDigits(0), "0");
  EXPECT_EQ(groupDigits(999), "999");
  EXPECT_EQ(groupDigits(1000), "1,000");
  EXPECT_EQ(groupDigits(12345678), "12,345,678");
}

} // namespace
