//===- TraceQueue.h - A thread that writes timelines ------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Stands before a writer: the simulator copies what it tells into chunks, of
// which a ring goes to a thread that tells it to the writer, in the same order.
// The file is the same as without. The simulator waits when all chunks are
// full. What fits into one chunk takes no thread.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_TRACEQUEUE_H
#define OCTO_LIB_RUNTIME_TRACEQUEUE_H

#include "octo/Runtime/TraceWriter.h"

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace octo {

class TraceQueue final : public TraceWriter {
public:
  explicit TraceQueue(std::unique_ptr<TraceWriter> writer);
  /// Whatever was told reaches the writer, as if there were no queue.
  ~TraceQueue() override;

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

  Expected<void> finish() override;
  uint64_t numEvents() override;

private:
  /// Words of records: how one is told, the event, the lists it refers to.
  struct Chunk {
    std::vector<uint64_t> words;
    size_t used = 0;
  };
  /// Tells the event of a record; returns where the record ends.
  using Teller = const uint64_t *(*)(const uint64_t *event, TraceSink &sink);

  template <auto teller, auto... lists, class Event>
  void put(const Event &event);
  void makeRoom(size_t words);
  void passOn();
  void tell(const Chunk &chunk);
  void drain();
  void work();

  std::unique_ptr<TraceWriter> writer;
  std::array<Chunk, 4> ring;
  // The chunk that the simulator fills, and the rest of it.
  Chunk *filling = nullptr;
  uint64_t *to = nullptr, *end = nullptr;

  std::thread thread; ///< none before a chunk is full
  std::mutex mutex;   ///< of what follows
  std::condition_variable moreFilled, moreTold;
  uint64_t filled = 0, told = 0; ///< chunks so far
  bool ended = false;
  std::exception_ptr failure; ///< of the writer, in the thread
};

} // namespace octo

#endif // OCTO_LIB_RUNTIME_TRACEQUEUE_H
