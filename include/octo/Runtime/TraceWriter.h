//===- TraceWriter.h - Timelines for trace viewers --------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes what happens in a run, while it happens, in the JSON trace event
// format that chrome://tracing and ui.perfetto.dev read. A time unit of the
// file is a cycle. A process is a cluster, a thread is a PEA (a gang is drawn
// on its first PEA) or the CBU; requests and messages are asynchronous tracks.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_RUNTIME_TRACEWRITER_H
#define OCTO_RUNTIME_TRACEWRITER_H

#include "octo/Runtime/TraceSink.h"
#include "octo/Support/Diagnostic.h"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace octo {

namespace fb {
struct Program;
} // namespace fb

class TraceWriter final : public TraceSink {
public:
  /// Opens `path` and writes the names of clusters and PEAs.
  static Expected<std::unique_ptr<TraceWriter>>
  create(const std::string &path, const fb::Program &program);
  ~TraceWriter() override;

  void task(const TaskSpan &span) override;
  void decision(const DecisionSpan &span) override;
  void transfer(const TransferSpan &span) override;
  void request(const RequestSpan &span) override;

  /// Ends the document. An error if anything could not be written.
  Expected<void> finish();

private:
  TraceWriter(const std::string &path, std::FILE *file, uint32_t tbus,
              uint32_t peas);
  void write(std::string_view text);
  void begin();
  void nameProcess(uint32_t cluster);
  void nameThread(uint32_t cluster, uint32_t thread);
  void complete(std::string_view name, uint32_t cluster, uint32_t thread,
                uint64_t start, uint64_t finish, std::string_view args);

  std::string path;
  std::FILE *file;
  uint32_t tbus, peas;
  uint64_t messages = 0;
  bool first = true;
  bool failed = false;
  int error = 0;
  std::vector<bool> namedProcesses, namedThreads;
};

} // namespace octo

#endif // OCTO_RUNTIME_TRACEWRITER_H
