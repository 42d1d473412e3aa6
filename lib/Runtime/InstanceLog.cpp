//===- InstanceLog.cpp - Rows for task instances and for requests ---------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Comma-separated values, RFC 4180; docs/traces.md has the columns.
//
//===----------------------------------------------------------------------===//

#include "TraceFile.h"

#include "octo/Runtime/RunResult.h"

#include <fmt/compile.h>

#include <bit>
#include <unordered_map>

using namespace octo;
using namespace std::string_view_literals;

/// Writes a field; what has a comma, a quote or a line end is quoted. Takes at
/// most twice its size and 2.
static char *writeField(char *to, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos)
    return to + text.copy(to, text.size());
  *to++ = '"';
  for (char c : text) {
    if (c == '"')
      *to++ = '"';
    *to++ = c;
  }
  *to++ = '"';
  return to;
}

namespace {

class InstanceLog final : public TraceWriter {
public:
  InstanceLog(std::unique_ptr<TraceFile> file, const fb::Program &program)
      : file(std::move(file)), names(program),
        tbusPerCluster(program.machine()->tbus()) {
    this->file->write(
        "request,tenant,path,tag,cluster,tbu,gang,gangs,ready,dispatched,"
        "configured,started,finished,cause,completed,fault\n");
  }

  void task(const TaskSpan &span) override {
    if (!span.last) {
      // The row tells of the first start; at most as many wait for their last
      // gang as run at a time.
      auto [place, isNew] = resized.try_emplace(
          span.instance, Start{span.ready, span.dispatched, span.configured,
                               span.started, span.cause, 0});
      ++place->second.gangs;
      return;
    }
    Start start{span.ready,   span.dispatched, span.configured,
                span.started, span.cause,      0};
    if (auto place = resized.find(span.instance); place != resized.end()) {
      start = place->second;
      resized.erase(place);
    }
    std::string_view path = names.path(span.workflow, span.block);
    char *to = file->room(path.size() * 2 + 320);
    to = fmt::format_to(to, FMT_COMPILE("{},{},"), span.request, span.tenant);
    to = writeField(to, path);
    to = fmt::format_to(
        to, FMT_COMPILE(",{:016x},{},{},{},{},{},{},{},{},{},{},{},{}\n"),
        span.tag, span.tbu / tbusPerCluster, span.tbu,
        std::popcount(span.peaMask), start.gangs + 1, start.ready,
        start.dispatched, start.configured, start.started, span.finished,
        stringifyWaitCause(start.cause), int(span.completed),
        span.lost     ? "lost"sv
        : span.remade ? "remade"sv
                      : "none"sv);
    file->written(to);
    ++events;
  }

  Expected<void> finish() override { return file->close(); }

private:
  struct Start {
    uint64_t ready, dispatched, configured, started;
    WaitCause cause;
    uint32_t gangs; ///< that came before the last one
  };
  std::unique_ptr<TraceFile> file;
  BlockNames names;
  uint32_t tbusPerCluster;
  std::unordered_map<uint32_t, Start> resized; ///< by instance
};

class BlameLog final : public TraceWriter {
public:
  BlameLog(std::unique_ptr<TraceFile> file, const fb::Program &program)
      : file(std::move(file)), names(program) {
    std::string header = "request,tenant,arrival,latency";
    for (unsigned c = 0; c < numBlameCauses; ++c)
      header += fmt::format(",{}", stringifyBlameCause(BlameCause(c)));
    this->file->write(header + ",block,block_cycles\n");
  }

  void blame(const BlameSpan &span) override {
    std::string_view path;
    if (span.blockCycles)
      path = names.path(span.workflow, span.block);
    char *to = file->room(path.size() * 2 + 24 * (numBlameCauses + 6));
    to = fmt::format_to(to, FMT_COMPILE("{},{},{},{}"), span.request,
                        span.tenant, span.arrival, span.latency);
    for (uint64_t cycles : span.cycles)
      to = fmt::format_to(to, FMT_COMPILE(",{}"), cycles);
    *to++ = ',';
    to = writeField(to, path);
    to = fmt::format_to(to, FMT_COMPILE(",{}\n"), span.blockCycles);
    file->written(to);
    ++events;
  }

  Expected<void> finish() override { return file->close(); }

private:
  std::unique_ptr<TraceFile> file;
  BlockNames names;
};

} // namespace

Expected<std::unique_ptr<TraceWriter>>
TraceWriter::createBlame(const std::string &path, const fb::Program &program) {
  Expected<std::unique_ptr<TraceFile>> file = TraceFile::open(path);
  if (!file)
    return Error(file.error());
  return std::make_unique<BlameLog>(std::move(*file), program);
}

Expected<std::unique_ptr<TraceWriter>>
TraceWriter::createLog(const std::string &path, const fb::Program &program) {
  Expected<std::unique_ptr<TraceFile>> file = TraceFile::open(path);
  if (!file)
    return Error(file.error());
  return std::make_unique<InstanceLog>(std::move(*file), program);
}
