//===- TraceWriter.cpp - What the writers of traces share -----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "octo/Runtime/TraceWriter.h"

#include "TraceFile.h"
#include "TraceQueue.h"

#include <algorithm>
#include <cerrno>

using namespace octo;

Expected<std::unique_ptr<TraceWriter>>
TraceWriter::create(const std::string &path, const fb::Program &program,
                    TraceFormat format) {
  bool chrome = format == TraceFormat::Chrome ||
                (format == TraceFormat::ByName && path.ends_with(".json"));
  Expected<std::unique_ptr<TraceWriter>> writer =
      chrome ? createChromeWriter(path, program)
             : createPerfettoWriter(path, program);
  if (!writer)
    return writer;
  return std::make_unique<TraceQueue>(std::move(*writer));
}

//===----------------------------------------------------------------------===//
// Several sinks
//===----------------------------------------------------------------------===//

TraceSink *TraceFan::get() {
  if (sinks.empty())
    return nullptr;
  return sinks.size() == 1 ? sinks.front() : this;
}

void TraceFan::task(const TaskSpan &span) {
  for (TraceSink *sink : sinks)
    sink->task(span);
}
void TraceFan::hold(const HoldSpan &span) {
  for (TraceSink *sink : sinks)
    sink->hold(span);
}
void TraceFan::decision(const DecisionSpan &span) {
  for (TraceSink *sink : sinks)
    sink->decision(span);
}
void TraceFan::join(const JoinSpan &span) {
  for (TraceSink *sink : sinks)
    sink->join(span);
}
void TraceFan::transfer(const TransferSpan &span) {
  for (TraceSink *sink : sinks)
    sink->transfer(span);
}
void TraceFan::handOver(const HandOver &event) {
  for (TraceSink *sink : sinks)
    sink->handOver(event);
}
void TraceFan::request(const RequestSpan &span) {
  for (TraceSink *sink : sinks)
    sink->request(span);
}
void TraceFan::blame(const BlameSpan &span) {
  for (TraceSink *sink : sinks)
    sink->blame(span);
}
void TraceFan::dead(const DeadPeas &event) {
  for (TraceSink *sink : sinks)
    sink->dead(event);
}
void TraceFan::fault(const FaultSpan &span) {
  for (TraceSink *sink : sinks)
    sink->fault(span);
}
void TraceFan::sample(const MachineSample &sample) {
  for (TraceSink *sink : sinks)
    sink->sample(sample);
}

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

/// Small enough to stay in the cache beside what the simulator works on.
static constexpr size_t bufferBytes = size_t(1) << 17;

Expected<std::unique_ptr<TraceFile>> TraceFile::open(const std::string &path) {
  std::FILE *file = std::fopen(path.c_str(), "wb");
  if (!file)
    return makeFileError(path, "cannot be written: {}", std::strerror(errno));
  return std::unique_ptr<TraceFile>(new TraceFile(path, file));
}

TraceFile::TraceFile(const std::string &path, std::FILE *file)
    : path(path), file(file), buffer(bufferBytes) {
  // The buffer is ours.
  std::setvbuf(file, nullptr, _IONBF, 0);
}

TraceFile::~TraceFile() {
  if (file)
    std::fclose(file);
}

void TraceFile::flush() {
  if (!error && std::fwrite(buffer.data(), 1, used, file) != used)
    error = errno ? errno : EIO;
  used = 0;
}

void TraceFile::makeRoom(size_t bytes) {
  flush();
  if (bytes > buffer.size())
    buffer.resize(bytes);
}

Expected<void> TraceFile::close() {
  flush();
  std::FILE *closing = file;
  file = nullptr;
  if (std::fclose(closing) != 0 && !error)
    error = errno ? errno : EIO;
  if (error)
    return makeFileError(path, "cannot be written: {}", std::strerror(error));
  return {};
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

BlockNames::BlockNames(const fb::Program &program)
    : strings(program.strings()) {
  uint32_t offset = 0;
  for (const fb::Workflow *workflow : *program.workflows()) {
    paths.push_back(workflow->blocks()->path());
    offsets.push_back(offset);
    if (const auto *kinds = workflow->blocks()->kind())
      offset += kinds->size();
  }
  offsets.push_back(offset);
}
