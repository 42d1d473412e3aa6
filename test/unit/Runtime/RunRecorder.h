//===- RunRecorder.h - All that a run tells ---------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// To compare runs by: all that they tell to who watches them, in order, and all
// that they report but for what depends on the host.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TEST_UNIT_RUNTIME_RUNRECORDER_H
#define OCTO_TEST_UNIT_RUNTIME_RUNRECORDER_H

#include "octo/Runtime/Report.h"
#include "octo/Runtime/TraceSink.h"

#include <filesystem>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace octo::test {

class RunRecorder : public TraceSink {
public:
  /// `file`: one that comes to be during the run; empty: none does.
  explicit RunRecorder(std::string file = "") : file(std::move(file)) {}

  std::vector<std::string> lines;
  /// How many of them there were before the file was.
  size_t before = 0;

  void task(const TaskSpan &s) override {
    add(fmt::format(
        "task {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} "
        "{} {} {} {}",
        s.request, s.tag, s.workflow, s.block, s.instance, s.tenant, s.tbu,
        s.peaMask, s.ready, s.dispatched, s.configBegin, s.configured,
        s.started, s.finished, unsigned(s.cause), fmt::join(s.flowsIn, ","),
        fmt::join(s.flowsOut, ","), s.first, s.last, s.completed, s.lost,
        s.remade));
  }
  void hold(const HoldSpan &s) override {
    add(fmt::format("hold {} {} {} {} {} {} {}", unsigned(s.kind), s.workflow,
                    s.block, s.tbu, s.peaMask, s.start, s.finish));
  }
  void decision(const DecisionSpan &s) override {
    add(fmt::format("decision {} {} {} {} {} {} {}", s.request, s.tag, s.block,
                    s.cluster, s.start, s.finish, s.outcome));
  }
  void join(const JoinSpan &s) override {
    add(fmt::format("join {} {} {} {} {}", s.request, s.block, s.cluster,
                    s.start, s.finish));
  }
  void transfer(const TransferSpan &s) override {
    add(fmt::format("transfer {} {} {} {} {} {} {} {}", unsigned(s.kind),
                    s.request, s.fromCluster, s.toCluster, s.bytes, s.start,
                    s.finish, s.flow));
  }
  void handOver(const HandOver &s) override {
    add(fmt::format("hand-over {} {} {} {} {}", s.request, s.at, s.cluster,
                    s.host, s.flow));
  }
  void request(const RequestSpan &s) override {
    add(fmt::format("request {} {} {} {} {} {} {}", s.request, s.tenant,
                    s.arrival, s.admitted, s.finish, s.failed, s.open));
  }
  void blame(const BlameSpan &s) override {
    add(fmt::format("blame {} {} {} {} {} {} {} {}", s.request, s.tenant,
                    s.arrival, s.latency, fmt::join(s.cycles, ","), s.workflow,
                    s.block, s.blockCycles));
  }
  void dead(const DeadPeas &s) override {
    add(fmt::format("dead {} {} {}", s.tbu, s.peaMask, s.at));
  }
  void fault(const FaultSpan &s) override {
    add(fmt::format("fault {} {} {} {} {} {}", describe(s.part), s.start,
                    s.finish, s.instancesSetBack, s.valuesLost,
                    s.lostPeaCycles));
  }
  void sample(const MachineSample &s) override {
    add(fmt::format("sample {} {} {} {} {} {} {} {} {}", s.cycle, s.elapsed,
                    s.openRequests, s.ready, s.heldPeas, s.computingPeas,
                    s.linkBusy, s.links, fmt::join(s.scratchpad, ",")));
  }

private:
  void add(std::string line) {
    if (before == lines.size() && !file.empty() &&
        !std::filesystem::exists(file))
      ++before;
    lines.push_back(std::move(line));
  }

  std::string file;
};

inline std::string simulatedJson(const RunResult &result,
                                 const fb::Program &program) {
  auto all = nlohmann::json::parse(formatResultJson(result, program));
  all.erase("host");
  return all.dump(1);
}

} // namespace octo::test

#endif // OCTO_TEST_UNIT_RUNTIME_RUNRECORDER_H
