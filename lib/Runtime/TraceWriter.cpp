//===- TraceWriter.cpp - Timelines for trace viewers ----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The document is written as a stream: nothing of a run is kept.
//
//===----------------------------------------------------------------------===//

#include "octo/Runtime/TraceWriter.h"

#include "octo/Program/program_generated.h"

#include <bit>
#include <cerrno>
#include <cstring>
#include <iterator>

using namespace octo;

/// `text` between quotes, as JSON has it.
static std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      out += '\\', out += c;
    else if (static_cast<unsigned char>(c) < 0x20)
      out += fmt::format("\\u{:04x}", unsigned(static_cast<unsigned char>(c)));
    else
      out += c;
  }
  return out + '"';
}

Expected<std::unique_ptr<TraceWriter>>
TraceWriter::create(const std::string &path, const fb::Program &program) {
  std::FILE *file = std::fopen(path.c_str(), "wb");
  if (!file)
    return makeFileError(path, "cannot be written: {}", std::strerror(errno));
  const fb::Machine &machine = *program.machine();
  std::unique_ptr<TraceWriter> writer(
      new TraceWriter(path, file, machine.tbus(), machine.peas()));
  writer->write("{\"displayTimeUnit\":\"ns\",\"otherData\":{\"time_unit\":"
                "\"cycle\",\"machine\":" +
                quoted(machine.name()->string_view()) +
                "},\n\"traceEvents\":[");
  return writer;
}

TraceWriter::TraceWriter(const std::string &path, std::FILE *file,
                         uint32_t tbus, uint32_t peas)
    : path(path), file(file), tbus(tbus), peas(peas) {}

TraceWriter::~TraceWriter() {
  if (file)
    std::fclose(file);
}

void TraceWriter::write(std::string_view text) {
  if (!failed &&
      std::fwrite(text.data(), 1, text.size(), file) != text.size()) {
    failed = true;
    error = errno;
  }
}

void TraceWriter::begin() {
  write(first ? "\n" : ",\n");
  first = false;
}

// Process 0 is for requests and messages, cluster c is process c + 1. Thread 0
// of a cluster is its CBU, PEA p of TBU t is thread 1 + t * peas + p.

void TraceWriter::nameProcess(uint32_t cluster) {
  if (cluster >= namedProcesses.size())
    namedProcesses.resize(cluster + 1);
  if (namedProcesses[cluster])
    return;
  namedProcesses[cluster] = true;
  begin();
  write(fmt::format("{{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":{},"
                    "\"args\":{{\"name\":\"cluster {}\"}}}}",
                    cluster + 1, cluster));
}

void TraceWriter::nameThread(uint32_t cluster, uint32_t thread) {
  nameProcess(cluster);
  size_t index = size_t(cluster) * (size_t(tbus) * peas + 1) + thread;
  if (index >= namedThreads.size())
    namedThreads.resize(index + 1);
  if (namedThreads[index])
    return;
  namedThreads[index] = true;
  begin();
  std::string name = thread == 0
                         ? std::string("CBU")
                         : fmt::format("TBU {} PEA {}", (thread - 1) / peas,
                                       (thread - 1) % peas);
  write(fmt::format("{{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":{},"
                    "\"tid\":{},\"args\":{{\"name\":\"{}\"}}}}",
                    cluster + 1, thread, name));
}

void TraceWriter::complete(std::string_view name, uint32_t cluster,
                           uint32_t thread, uint64_t start, uint64_t finish,
                           std::string_view args) {
  nameThread(cluster, thread);
  begin();
  write(fmt::format(
      "{{\"ph\":\"X\",\"name\":{},\"pid\":{},\"tid\":{},\"ts\":{},"
      "\"dur\":{},\"args\":{{{}}}}}",
      quoted(name), cluster + 1, thread, start, finish - start, args));
}

void TraceWriter::task(const TaskSpan &span) {
  uint32_t cluster = span.tbu / tbus;
  uint32_t pea = span.peaMask ? uint32_t(std::countr_zero(span.peaMask)) : 0;
  uint32_t thread = 1 + span.tbu % tbus * peas + pea;
  std::string args = fmt::format(
      "\"request\":{},\"tag\":\"{:016x}\",\"peas\":{},\"ready\":{}",
      span.request, span.tag, std::popcount(span.peaMask), span.ready);
  if (span.configured > span.dispatched)
    complete("configure", cluster, thread, span.dispatched, span.configured,
             args);
  if (span.started > span.configured)
    complete("operands", cluster, thread, span.configured, span.started, args);
  complete(span.path, cluster, thread, span.started, span.finished, args);
}

void TraceWriter::decision(const DecisionSpan &span) {
  complete(span.path, span.cluster, 0, span.start, span.finish,
           fmt::format("\"request\":{},\"tag\":\"{:016x}\",\"outcome\":{}",
                       span.request, span.tag, span.outcome));
}

void TraceWriter::transfer(const TransferSpan &span) {
  uint64_t id = messages++;
  std::string common = fmt::format("\"cat\":\"message\",\"id\":{},\"pid\":0,"
                                   "\"tid\":0,\"name\":\"{} to {}\"",
                                   id, span.fromCluster, span.toCluster);
  begin();
  write(fmt::format("{{\"ph\":\"b\",{},\"ts\":{},\"args\":{{\"request\":{},"
                    "\"bytes\":{}}}}},\n",
                    common, span.start, span.request, span.bytes));
  write(fmt::format("{{\"ph\":\"e\",{},\"ts\":{}}}", common, span.finish));
}

void TraceWriter::request(const RequestSpan &span) {
  std::string common =
      fmt::format("\"cat\":\"request\",\"id\":{0},\"pid\":0,\"tid\":0,\"name\":"
                  "\"request {0}\"",
                  span.request);
  begin();
  write(fmt::format("{{\"ph\":\"b\",{},\"ts\":{},\"args\":{{\"tenant\":{},"
                    "\"failed\":{}}}}},\n",
                    common, span.arrival, span.tenant, span.failed));
  write(fmt::format("{{\"ph\":\"e\",{},\"ts\":{}}}", common, span.finish));
}

Expected<void> TraceWriter::finish() {
  write("\n]}\n");
  std::FILE *closing = file;
  file = nullptr;
  if (std::fclose(closing) != 0 && !failed) {
    failed = true;
    error = errno;
  }
  if (failed)
    return makeFileError(path, "cannot be written: {}", std::strerror(error));
  return {};
}
