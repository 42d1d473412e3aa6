//===- ChromeTraceWriter.cpp - Timelines as JSON --------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The JSON trace event format that chrome://tracing and ui.perfetto.dev read. A
// process is a cluster, a thread is a PEA (a gang is drawn on its first PEA),
// the CBU or the joins; requests and messages are asynchronous tracks.
//
//===----------------------------------------------------------------------===//

#include "TraceFile.h"

#include <nlohmann/json.hpp>

#include <bit>

using namespace octo;

namespace {

/// `text` between quotes, as JSON has it; what is not UTF-8 is replaced.
std::string quoted(std::string_view text) {
  using nlohmann::json;
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

class ChromeWriter final : public TraceWriter {
public:
  ChromeWriter(std::unique_ptr<TraceFile> file, const fb::Program &program)
      : file(std::move(file)), names(program), tbus(program.machine()->tbus()),
        peas(program.machine()->peas()) {
    this->file->write("{\"displayTimeUnit\":\"ns\",\"otherData\":{\"time_unit\""
                      ":\"cycle\",\"machine\":" +
                      quoted(program.machine()->name()->string_view()) +
                      "},\n\"traceEvents\":[");
  }

  void task(const TaskSpan &span) override {
    uint32_t cluster = span.tbu / tbus, thread = peaThread(span);
    std::string args = fmt::format(
        "\"request\":{},\"tag\":\"{:016x}\",\"peas\":{},\"ready\":{}",
        span.request, span.tag, std::popcount(span.peaMask), span.ready);
    if (span.lost)
      args += ",\"lost\":true";
    if (span.remade)
      args += ",\"remade\":true";
    complete(names.path(span.workflow, span.block), cluster, thread,
             span.dispatched, span.finished, args);
    auto phase = [&](std::string_view name, uint64_t from, uint64_t to) {
      if (to > from)
        complete(name, cluster, thread, from, to, "");
    };
    phase("held", span.dispatched, span.configBegin);
    phase("configuring", span.configBegin, span.configured);
    phase("moving data", span.configured, span.started);
    phase("computing", span.started, span.finished);
  }

  void hold(const HoldSpan &span) override {
    bool broken = span.kind == HoldSpan::Broken;
    complete(broken                           ? "broken gang"
             : span.kind == HoldSpan::Joining ? "joining"
                                              : "kept",
             span.tbu / tbus, peaThread(span), span.start, span.finish,
             broken ? std::string()
                    : "\"block\":" +
                          quoted(names.path(span.workflow, span.block)));
  }

  void decision(const DecisionSpan &span) override {
    complete(names.path(span.workflow, span.block), span.cluster, 0, span.start,
             span.finish,
             fmt::format("\"request\":{},\"tag\":\"{:016x}\",\"outcome\":{}",
                         span.request, span.tag, span.outcome));
  }

  void join(const JoinSpan &span) override {
    complete(names.path(span.workflow, span.block), span.cluster, 1, span.start,
             span.finish, fmt::format("\"request\":{}", span.request));
  }

  void transfer(const TransferSpan &span) override {
    std::string args =
        fmt::format("\"from\":{},\"to\":{},\"bytes\":{}", span.fromCluster,
                    span.toCluster, span.bytes);
    if (span.request != ~uint64_t(0))
      args += fmt::format(",\"request\":{}", span.request);
    async("message", messages++, stringifyTransferKind(span.kind), span.start,
          span.finish, args);
  }

  void request(const RequestSpan &span) override {
    async("request", span.request, fmt::format("request {}", span.request),
          span.arrival, span.finish,
          fmt::format("\"tenant\":{},\"admitted\":{},\"failed\":{}",
                      span.tenant, span.admitted, span.failed));
  }

  void dead(const DeadPeas &event) override {
    DeadPeas one = event;
    for (uint64_t rest = event.peaMask; rest; rest &= rest - 1) {
      one.peaMask = rest & -rest;
      uint32_t cluster = event.tbu / tbus, thread = peaThread(one);
      nameThread(cluster, thread);
      begin();
      ++events;
      file->write(fmt::format("{{\"ph\":\"i\",\"s\":\"t\",\"name\":\"dead\","
                              "\"pid\":{},\"tid\":{},\"ts\":{}}}",
                              cluster + 1, thread, event.at));
    }
  }

  void fault(const FaultSpan &span) override {
    async("fault", faults++, octo::describe(span.part) + " dies", span.start,
          span.finish,
          fmt::format("\"set_back\":{},\"values_lost\":{},"
                      "\"lost_pea_cycles\":{}",
                      span.instancesSetBack, span.valuesLost,
                      span.lostPeaCycles));
  }

  void sample(const MachineSample &sample) override {
    counter("ready instances", sample.cycle, sample.ready);
    counter("computing PEAs", sample.cycle, sample.computingPeas);
    counter("open requests", sample.cycle, sample.openRequests);
  }

  Expected<void> finish() override {
    file->write("\n]}\n");
    return file->close();
  }

private:
  // Process 0 is for requests and messages, cluster c is process c + 1. Thread
  // 0 of a cluster is its CBU, 1 its joins, PEA p of TBU t is thread
  // 2 + t * peas + p.
  template <class Span>
  uint32_t peaThread(const Span &span) const {
    uint32_t pea = span.peaMask ? uint32_t(std::countr_zero(span.peaMask)) : 0;
    return 2 + span.tbu % tbus * peas + pea;
  }

  void begin() {
    file->write(first ? "\n" : ",\n");
    first = false;
  }

  void nameThread(uint32_t cluster, uint32_t thread) {
    size_t threads = size_t(tbus) * peas + 2;
    size_t index = cluster * (threads + 1) + thread;
    if (index + threads >= named.size())
      named.resize(index + threads + 1);
    if (size_t process = cluster * (threads + 1) + threads; !named[process]) {
      named[process] = true;
      begin();
      file->write(
          fmt::format("{{\"ph\":\"M\",\"name\":\"process_name\","
                      "\"pid\":{},\"args\":{{\"name\":\"cluster {}\"}}}}",
                      cluster + 1, cluster));
    }
    if (named[index])
      return;
    named[index] = true;
    std::string name = thread == 0 ? std::string("CBU")
                       : thread == 1
                           ? std::string("joins")
                           : fmt::format("TBU {} PEA {}", (thread - 2) / peas,
                                         (thread - 2) % peas);
    begin();
    file->write(fmt::format("{{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":{}"
                            ",\"tid\":{},\"args\":{{\"name\":\"{}\"}}}}",
                            cluster + 1, thread, name));
  }

  void complete(std::string_view name, uint32_t cluster, uint32_t thread,
                uint64_t start, uint64_t finish, std::string_view args) {
    nameThread(cluster, thread);
    begin();
    ++events;
    file->write(fmt::format(
        "{{\"ph\":\"X\",\"name\":{},\"pid\":{},\"tid\":{},\"ts\":{},"
        "\"dur\":{},\"args\":{{{}}}}}",
        quoted(name), cluster + 1, thread, start, finish - start, args));
  }

  void async(std::string_view category, uint64_t id, std::string_view name,
             uint64_t start, uint64_t finish, std::string_view args) {
    std::string common = fmt::format(
        "\"cat\":\"{}\",\"id\":{},\"pid\":0,\"tid\":0,\"name\":\"{}\"",
        category, id, name);
    begin();
    events += 2;
    file->write(fmt::format("{{\"ph\":\"b\",{},\"ts\":{},\"args\":{{{}}}}},\n",
                            common, start, args));
    file->write(fmt::format("{{\"ph\":\"e\",{},\"ts\":{}}}", common, finish));
  }

  void counter(std::string_view name, uint64_t at, uint64_t value) {
    begin();
    ++events;
    file->write(fmt::format("{{\"ph\":\"C\",\"name\":\"{}\",\"pid\":0,\"ts\":{}"
                            ",\"args\":{{\"value\":{}}}}}",
                            name, at, value));
  }

  std::unique_ptr<TraceFile> file;
  BlockNames names;
  uint32_t tbus, peas; ///< per cluster, per TBU
  bool first = true;
  uint64_t messages = 0, faults = 0;
  std::vector<bool> named; ///< threads, then the process, by cluster
};

} // namespace

Expected<std::unique_ptr<TraceWriter>>
octo::createChromeWriter(const std::string &path, const fb::Program &program) {
  Expected<std::unique_ptr<TraceFile>> file = TraceFile::open(path);
  if (!file)
    return Error(file.error());
  return std::make_unique<ChromeWriter>(std::move(*file), program);
}
