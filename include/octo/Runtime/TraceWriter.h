//===- TraceWriter.h - Timelines for trace viewers --------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Files that are written while a run goes on, in memory that does not grow with
// it: timelines for ui.perfetto.dev (docs/traces.md), and tables of task
// instances and of what requests waited for. A time unit of a timeline is a
// cycle; viewers call it nanosecond.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_RUNTIME_TRACEWRITER_H
#define OCTO_RUNTIME_TRACEWRITER_H

#include "octo/Runtime/TraceSink.h"
#include "octo/Support/Diagnostic.h"

#include <memory>
#include <string>
#include <vector>

namespace octo {

namespace fb {
struct Program;
} // namespace fb

enum class TraceFormat : uint8_t {
  ByName,   ///< Chrome for a path that ends in .json, else Perfetto
  Perfetto, ///< native protobuf
  Chrome    ///< JSON trace events; for small runs
};

/// A sink that writes a file.
class TraceWriter : public TraceSink {
public:
  /// Opens `path` for a timeline of a run of `program`.
  static Expected<std::unique_ptr<TraceWriter>>
  create(const std::string &path, const fb::Program &program,
         TraceFormat format = TraceFormat::ByName);

  /// Opens `path` for a row of comma-separated values an instance of a task.
  static Expected<std::unique_ptr<TraceWriter>>
  createLog(const std::string &path, const fb::Program &program);

  /// Opens `path` for a row of comma-separated values a completed request: what
  /// its latency was spent on.
  static Expected<std::unique_ptr<TraceWriter>>
  createBlame(const std::string &path, const fb::Program &program);

  /// Ends the file. An error if anything could not be written.
  virtual Expected<void> finish() = 0;

  /// Events that went into the file so far: beginnings and ends of slices,
  /// instants, values of counters; rows of a log.
  virtual uint64_t numEvents() { return events; }

protected:
  uint64_t events = 0;
};

/// Passes everything on to several sinks, in their order.
class TraceFan final : public TraceSink {
public:
  void add(TraceSink &sink) { sinks.push_back(&sink); }
  /// The one sink, this, or null without sinks.
  TraceSink *get();

  void task(const TaskSpan &span) override;
  void hold(const HoldSpan &span) override;
  void decision(const DecisionSpan &span) override;
  void join(const JoinSpan &span) override;
  void transfer(const TransferSpan &span) override;
  void handOver(const HandOver &event) override;
  void request(const RequestSpan &span) override;
  void blame(const BlameSpan &span) override;
  void dead(const DeadPeas &event) override;
  void fault(const FaultSpan &span) override;
  void sample(const MachineSample &sample) override;

private:
  std::vector<TraceSink *> sinks;
};

} // namespace octo

#endif // OCTO_RUNTIME_TRACEWRITER_H
