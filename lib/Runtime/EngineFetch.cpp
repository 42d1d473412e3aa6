//===- EngineFetch.cpp - What events will need ----------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Large programs lie in memory, and what the end of a task needs lies all over
// them. While events are served, what the next ones need is brought into the
// cache: in steps, as each of them looks at what the one before has fetched.
// Nothing is decided by it, and a wrong guess costs a line of cache.
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include <algorithm>

using namespace octo;

/// So many inputs, and outputs, of a task are fetched.
static constexpr uint32_t most = 4;
/// Steps for the end of a task; one that becomes ready needs the first two.
static constexpr unsigned steps = 5;

/// Called once an event.
void Engine::fetchAhead() {
  constexpr uint32_t mask = std::tuple_size_v<decltype(upcoming)> - 1;
  while (upcomingBegin != upcomingEnd &&
         upcoming[upcomingBegin & mask].at <= now())
    ++upcomingBegin;
  for (uint32_t i = upcomingBegin; i != upcomingEnd; ++i) {
    Upcoming &one = upcoming[i & mask];
    if (one.step == (one.event.type == CompletionEvent ? steps : 2))
      continue;
    fetch(one);
    ++one.step;
  }
  if (upcomingEnd - upcomingBegin > mask / 2)
    return;
  uint64_t at;
  for (const Event &event : wheel.preview(at))
    if (event.type == CompletionEvent || event.type == ReadyEvent) {
      Upcoming &one = upcoming[upcomingEnd++ & mask];
      one = {at, event, 0};
      fetch(one);
      ++one.step;
    }
}

/// The block that takes a value first; null when none does.
const BlockInfo *Engine::firstTaker(uint32_t output) const {
  uint32_t first = t.values[output].consumerBegin;
  if (first == t.values[output + 1].consumerBegin ||
      t.consumers[first].block == noIndex)
    return nullptr;
  return &t.blocks[t.consumers[first].block];
}

void Engine::fetch(const Upcoming &upcoming) {
  const Event &event = upcoming.event;
  const Instance &instance = instances[event.payload];
  if (!upcoming.step) {
    fetchLines(instance);
    // Blocks of the first workflow are those that the entity numbers.
    fetchLines(t.blocks[event.entity]);
    return;
  }
  if (!instances.current(event.payload, event.version))
    return;
  const BlockInfo &block = t.blocks[instance.block];
  const ReadyQueue *queue =
      instance.lane < lanes.size() ? &lanes[instance.lane] : nullptr;
  uint32_t outputs = std::min(block.numOutputs, most);
  switch (upcoming.step) {
  case 1:
    __builtin_prefetch(&t.values[block.outputBegin]);
    if (queue)
      fetchLines(*queue);
    if (event.type == ReadyEvent)
      return;
    fetchLines(totals[instance.block]);
    __builtin_prefetch(&learnedQ16[instance.block]);
    blame.fetch(instance.cause);
    __builtin_prefetch(taskWords(instance));
    return;
  case 2: {
    __builtin_prefetch(&t.consumers[t.values[block.outputBegin].consumerBegin]);
    const uint32_t *words = taskWords(instance);
    for (uint32_t i = 0; i < std::min(block.numInputs, most); ++i)
      if (words[i])
        __builtin_prefetch(&values[(words[i] & ~pinMark) - 1]);
    if (queue)
      __builtin_prefetch(queue->window().data());
    return;
  }
  case 3:
    for (uint32_t o = 0; o < outputs; ++o)
      if (const BlockInfo *taker = firstTaker(block.outputBegin + o))
        fetchLines(*taker);
    // Who gets the PEAs.
    if (queue && !queue->empty())
      fetchLines(instances[queue->window().front()]);
    return;
  default: {
    const Frame &frame = frames[instance.frame];
    if (instance.replay)
      return;
    for (uint32_t o = 0; o < outputs; ++o)
      if (const BlockInfo *taker = firstTaker(block.outputBegin + o)) {
        size_t number = static_cast<size_t>(taker - t.blocks.data());
        __builtin_prefetch(&t.replicas[taker->replicaBegin]);
        __builtin_prefetch(inputWords(frame, *taker));
        __builtin_prefetch(
            &frame.words[number - t.regions[frame.region].blockBegin]);
      }
    return;
  }
  }
}
