//===- TraceQueue.cpp - Timelines written by a thread of their own --------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TraceQueue.h"

#include <algorithm>
#include <cstring>
#include <system_error>
#include <type_traits>
#include <utility>

using namespace octo;

/// 256 KiB: a switch of threads pays from there on, and a ring of them stays in
/// the cache beside what the simulator works on.
static constexpr size_t chunkWords = size_t(1) << 15;

/// Words of an event in a record.
template <class Event>
static constexpr size_t wordsOf = (sizeof(Event) + 7) / 8;

/// A Teller.
template <class Event, auto teller, auto... lists>
static const uint64_t *tellOne(const uint64_t *from, TraceSink &sink) {
  Event event;
  std::memcpy(&event, from, sizeof event);
  from += wordsOf<Event>;
  ((event.*lists = {from, (event.*lists).size()},
    from += (event.*lists).size()),
   ...);
  (sink.*teller)(event);
  return from;
}

TraceQueue::TraceQueue(std::unique_ptr<TraceWriter> behind)
    : writer(std::move(behind)) {}

TraceQueue::~TraceQueue() {
  try {
    drain();
  } catch (...) {
    // The writer can do no more; so the run ended.
  }
  if (!thread.joinable())
    return;
  {
    std::lock_guard<std::mutex> lock(mutex);
    ended = true;
  }
  moreFilled.notify_one();
  thread.join();
}

//===----------------------------------------------------------------------===//
// The simulator's side
//===----------------------------------------------------------------------===//

template <auto teller, auto... lists, class Event>
void TraceQueue::put(const Event &event) {
  static_assert(std::is_trivially_copyable_v<Event>);
  size_t words = 1 + wordsOf<Event> + ((event.*lists).size() + ... + 0);
  if (static_cast<size_t>(end - to) < words) [[unlikely]]
    makeRoom(words);
  Teller tell = tellOne<Event, teller, lists...>;
  static_assert(sizeof tell <= sizeof *to);
  std::memcpy(to++, &tell, sizeof tell);
  std::memcpy(to, &event, sizeof event);
  to += wordsOf<Event>;
  ((to = std::ranges::copy(event.*lists, to).out), ...);
}

/// Goes on in another chunk.
void TraceQueue::makeRoom(size_t words) {
  if (filling)
    passOn();
  Chunk &next = ring[filled % ring.size()];
  if (next.words.size() < std::max(words, chunkWords))
    next.words.resize(std::max(words, chunkWords));
  filling = &next;
  to = next.words.data();
  end = to + next.words.size();
}

/// Gives the chunk to the thread and waits until there is another one.
void TraceQueue::passOn() {
  if (!thread.joinable()) {
    try {
      thread = std::thread([this] { work(); });
    } catch (const std::system_error &) {
      // No thread is to be had.
      drain();
      return;
    }
  }
  std::unique_lock<std::mutex> lock(mutex);
  filling->used = static_cast<size_t>(to - filling->words.data());
  filling = nullptr;
  to = end = nullptr;
  ++filled;
  moreFilled.notify_one();
  moreTold.wait(lock, [&] { return filled - told < ring.size(); });
  if (failure)
    std::rethrow_exception(failure);
}

/// When it returns, the writer knows all.
void TraceQueue::drain() {
  {
    std::unique_lock<std::mutex> lock(mutex);
    moreTold.wait(lock, [&] { return filled == told; });
    if (failure)
      std::rethrow_exception(failure);
  }
  if (!filling)
    return;
  filling->used = static_cast<size_t>(to - filling->words.data());
  to = filling->words.data();
  tell(*filling);
}

void TraceQueue::task(const TaskSpan &span) {
  put<&TraceSink::task, &TaskSpan::flowsIn, &TaskSpan::flowsOut>(span);
}
void TraceQueue::hold(const HoldSpan &span) { put<&TraceSink::hold>(span); }
void TraceQueue::decision(const DecisionSpan &span) {
  put<&TraceSink::decision>(span);
}
void TraceQueue::join(const JoinSpan &span) { put<&TraceSink::join>(span); }
void TraceQueue::transfer(const TransferSpan &span) {
  put<&TraceSink::transfer>(span);
}
void TraceQueue::handOver(const HandOver &event) {
  put<&TraceSink::handOver>(event);
}
void TraceQueue::request(const RequestSpan &span) {
  put<&TraceSink::request>(span);
}
void TraceQueue::blame(const BlameSpan &span) {
  put<&TraceSink::blame, &BlameSpan::cycles>(span);
}
void TraceQueue::dead(const DeadPeas &event) { put<&TraceSink::dead>(event); }
void TraceQueue::fault(const FaultSpan &span) { put<&TraceSink::fault>(span); }
void TraceQueue::sample(const MachineSample &sample) {
  put<&TraceSink::sample, &MachineSample::scratchpad>(sample);
}

Expected<void> TraceQueue::finish() {
  drain();
  return writer->finish();
}

uint64_t TraceQueue::numEvents() {
  drain();
  return writer->numEvents();
}

//===----------------------------------------------------------------------===//
// The thread's side
//===----------------------------------------------------------------------===//

void TraceQueue::tell(const Chunk &chunk) {
  const uint64_t *from = chunk.words.data(), *end = from + chunk.used;
  while (from != end) {
    Teller one;
    std::memcpy(&one, from, sizeof one);
    from = one(from + 1, *writer);
  }
}

void TraceQueue::work() {
  std::unique_lock<std::mutex> lock(mutex);
  while (true) {
    moreFilled.wait(lock, [&] { return filled != told || ended; });
    if (filled == told)
      return;
    if (!failure) {
      lock.unlock();
      std::exception_ptr thrown;
      try {
        tell(ring[told % ring.size()]);
      } catch (...) {
        thrown = std::current_exception();
      }
      lock.lock();
      failure = thrown;
    }
    ++told;
    moreTold.notify_one();
  }
}
