//===- EventWheel.h - The order of events -----------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Pending events in the order (time, class, entity, sequence) of
// docs/semantics.md, section 8. Events of the next 16,384 cycles lie in one
// list a cycle, later ones in a heap. Insertion order is the sequence: a list
// keeps it, the heap numbers its entries, and entries leave the heap before any
// event of their cycle can be added to the wheel directly.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_EVENTWHEEL_H
#define OCTO_LIB_RUNTIME_EVENTWHEEL_H

#include "Heap.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <iterator>
#include <vector>

namespace octo {

/// Classes in the order in which they are served within a cycle.
enum class EventClass : uint8_t {
  Fault,
  Completion,
  Transfer,
  Token,
  Arrival,
  Scheduler,
  Epoch,
  Statistics
};

/// The first 8 bytes begin with what orders the events of a cycle.
struct Event {
  uint32_t entity;
  EventClass eventClass;
  uint8_t type;
  uint16_t aux;
  uint32_t payload;
  uint32_t version;

  uint64_t key() const {
    static_assert(std::endian::native == std::endian::little);
    return std::bit_cast<std::array<uint64_t, 2>>(*this)[0] &
           ((uint64_t(1) << 40) - 1);
  }
};
static_assert(sizeof(Event) == 16);

class EventWheel {
public:
  static constexpr uint64_t numSlots = 16384;
  static constexpr uint64_t never = ~uint64_t(0);

  EventWheel() : heads(numSlots, none) {}

  uint64_t now() const { return time; }
  bool empty() const {
    return position == end && late.empty() && !inWheel && overflow.empty();
  }

  /// Number of pending events.
  uint64_t size() const {
    return end - position + late.size() + inWheel + overflow.size();
  }

  /// Adds an event; `at` must not be earlier than now().
  void push(uint64_t at, const Event &event) {
    if (at == time && started) {
      pushHeap(late, {event.key(), lateSequence++, event}, LateOrder());
    } else if (at - time < numSlots) {
      append(at, event);
    } else {
      pushHeap(overflow, {at, overflowSequence++, event}, OverflowOrder());
    }
  }

  /// Takes the next event and moves now() to its time. False when there is
  /// none.
  bool pop(Event &event) {
    for (;;) {
      bool haveSorted = position != end;
      if (!late.empty() &&
          (!haveSorted || late.front().key < current[position].key())) {
        event = late.front().event;
        std::pop_heap(late.begin(), late.end(), LateOrder());
        late.pop_back();
        return true;
      }
      if (haveSorted) {
        event = current[position++];
        // Walk down the list of the next cycle meanwhile: its chunks are far
        // apart in memory, and each tells where the next one is.
        if (ahead != noChunk)
          ahead = chunks[ahead].next;
        return true;
      }
      if (!advance())
        return false;
    }
  }

  /// Time of the next event; never if empty().
  uint64_t nextTime() const {
    return position != end || !late.empty() ? time : nextCycle();
  }

  /// An event that is served soon, so that what it needs can be fetched; null
  /// when none is at hand.
  const Event *soon() const {
    if (position != end)
      return &current[position];
    if (firstInWheel == never)
      return nullptr;
    return &chunks[heads[firstInWheel & slotMask] >> 2].events[0];
  }

  /// Moves now() on to `at` when nothing is pending up to and including it;
  /// false, and nothing done, when something is.
  bool skipTo(uint64_t at) {
    if (nextTime() <= at)
      return false;
    position = end = 0;
    time = at;
    started = true;
    takeOverflow();
    return true;
  }

  template <class A>
  void state(A &a) {
    a.all(*this, time, started, current, position, end, late, lateSequence,
          a.fixed(unsorted), a.fixed(order), chunks, freeChunks, ahead,
          a.sized(heads), words, summary, inWheel, firstInWheel, overflow,
          overflowSequence);
    if (A::reading && (position > end || end > current.size()))
      a.fail();
  }

private:
  /// A slot: chunk * 4 + events in it.
  static constexpr uint32_t none = 0xffffffffu;
  static constexpr uint32_t noChunk = none >> 2;
  static constexpr uint64_t slotMask = numSlots - 1;
  static constexpr size_t smallSort = 16;
  static constexpr unsigned positionBits = 29;
  static constexpr uint64_t positionMask = (uint64_t(1) << positionBits) - 1;

  static constexpr uint32_t chunkSize = 3;
  /// Events of one cycle in order of insertion; a cache line. `next` is the
  /// chunk before it, which is full, or the next free one.
  struct alignas(64) Chunk {
    Event events[chunkSize];
    uint32_t next;
  };
  struct Late {
    uint64_t key;
    uint64_t sequence;
    Event event;
  };
  struct LateOrder {
    bool operator()(const Late &a, const Late &b) const {
      return a.key != b.key ? a.key > b.key : a.sequence > b.sequence;
    }
  };
  struct Overflow {
    uint64_t time;
    uint64_t sequence;
    Event event;
  };
  struct OverflowOrder {
    bool operator()(const Overflow &a, const Overflow &b) const {
      return a.time != b.time ? a.time > b.time : a.sequence > b.sequence;
    }
  };

  /// Time of the next event after those of the present cycle.
  uint64_t nextCycle() const {
    return inWheel || overflow.empty() ? firstInWheel : overflow.front().time;
  }

  void append(uint64_t at, const Event &event) {
    ++inWheel;
    firstInWheel = std::min(firstInWheel, at);
    uint64_t slot = at & slotMask;
    uint32_t &head = heads[slot];
    uint32_t count = head & 3;
    if (count < chunkSize) {
      chunks[head >> 2].events[count] = event;
      ++head;
      return;
    }
    if (head == none) {
      words[slot >> 6] |= uint64_t(1) << (slot & 63);
      summary[slot >> 12] |= uint64_t(1) << (slot >> 6 & 63);
    }
    uint32_t fresh = freeChunks;
    if (fresh != noChunk) {
      freeChunks = chunks[fresh].next;
    } else {
      fresh = static_cast<uint32_t>(chunks.size());
      chunks.emplace_back();
    }
    chunks[fresh].events[0] = event;
    chunks[fresh].next = head == none ? noChunk : head >> 2;
    head = fresh << 2 | 1;
  }

  /// First time after now() with an event in the wheel; there must be one.
  uint64_t findNext() const {
    uint64_t from = time + 1;
    uint64_t slot = from & slotMask;
    uint64_t bits = words[slot >> 6] >> (slot & 63);
    if (bits)
      return from + std::countr_zero(bits);
    // Whole words, once around; the summary skips 4,096 slots at a time.
    uint64_t word = (slot >> 6) + 1;
    for (uint64_t step = 0; step <= 256;) {
      uint64_t w = word & 255;
      uint64_t group = summary[w >> 6] >> (w & 63);
      if (!group) {
        uint64_t skip = 64 - (w & 63);
        word += skip;
        step += skip;
        continue;
      }
      uint64_t skip = std::countr_zero(group);
      word += skip;
      uint64_t found = (word & 255) * 64 + std::countr_zero(words[word & 255]);
      return from + ((found - slot) & slotMask);
    }
    return never;
  }

  void takeOverflow() {
    while (!overflow.empty() && overflow.front().time - time < numSlots) {
      append(overflow.front().time, overflow.front().event);
      std::pop_heap(overflow.begin(), overflow.end(), OverflowOrder());
      overflow.pop_back();
    }
  }

  bool advance() {
    position = end = 0;
    if (nextCycle() == never)
      return false;
    time = nextCycle();
    started = true;
    takeOverflow();
    // The latest chunk is first; the events are taken the latest first.
    uint64_t slot = time & slotMask;
    uint32_t count = heads[slot] & 3;
    for (uint32_t id = heads[slot] >> 2; id != noChunk; count = chunkSize) {
      Chunk &chunk = chunks[id];
      if (current.size() < end + chunkSize)
        current.resize(2 * end + 64);
      while (count)
        current[end++] = chunk.events[--count];
      uint32_t next = chunk.next;
      chunk.next = freeChunks;
      freeChunks = id;
      id = next;
    }
    inWheel -= end;
    heads[slot] = none;
    uint32_t following = heads[(slot + 1) & slotMask];
    ahead = following == none ? noChunk : following >> 2;
    words[slot >> 6] &= ~(uint64_t(1) << (slot & 63));
    if (!words[slot >> 6])
      summary[slot >> 12] &= ~(uint64_t(1) << (slot >> 6 & 63));
    firstInWheel = inWheel ? findNext() : never;
    sortCurrent();
    return true;
  }

  static void insertionSort(Event *begin, Event *last) {
    for (Event *i = begin + 1; i < last; ++i) {
      uint64_t key = i->key();
      if (i[-1].key() <= key)
        continue;
      Event event = *i;
      Event *j = i;
      do {
        *j = j[-1];
        --j;
      } while (j != begin && j[-1].key() > key);
      *j = event;
    }
  }

  /// From the latest first to the order of keys, equal keys as they came: by
  /// the highest bits that keys of this cycle can differ in, then within these
  /// buckets.
  void sortCurrent() {
    if (end <= smallSort) {
      std::reverse(current.begin(), current.begin() + ptrdiff_t(end));
      insertionSort(current.data(), current.data() + end);
      return;
    }
    uint32_t entities = 0;
    for (size_t i = 0; i < end; ++i)
      entities |= current[i].entity;
    // 3 bits of class before 4 of the entity.
    unsigned entityBits = std::bit_width(entities);
    unsigned shift = entityBits > 4 ? entityBits - 4 : 0;
    auto bucketOf = [&](const Event &event) {
      return static_cast<unsigned>(event.eventClass) << (entityBits - shift) |
             event.entity >> shift;
    };
    uint32_t ends[128] = {};
    for (size_t i = 0; i < end; ++i)
      ++ends[bucketOf(current[i])];
    uint32_t sum = 0, largest = 0;
    for (uint32_t &bucket : ends) {
      largest = std::max(largest, bucket);
      bucket = sum += bucket;
    }
    unsorted.swap(current);
    if (current.size() < end)
      current.resize(unsorted.size());
    for (size_t i = 0; i < end; ++i)
      current[--ends[bucketOf(unsorted[i])]] = unsorted[i];
    if (largest > smallSort) {
      // `ends` has the beginnings by now.
      for (size_t b = 0; b < std::size(ends); ++b) {
        uint32_t last =
            b + 1 < std::size(ends) ? ends[b + 1] : static_cast<uint32_t>(end);
        if (last - ends[b] > smallSort)
          sortRange(ends[b], last);
      }
    }
    insertionSort(current.data(), current.data() + end);
  }

  /// Key and position in one word: 3 bits of class, 32 of entity.
  void sortRange(uint32_t begin, uint32_t last) {
    order.resize(last - begin);
    for (uint32_t i = begin; i < last; ++i)
      order[i - begin] = current[i].key() << positionBits | i;
    std::sort(order.begin(), order.end());
    std::copy(current.begin() + begin, current.begin() + last,
              unsorted.begin());
    for (uint32_t i = begin; i < last; ++i)
      current[i] = unsorted[(order[i - begin] & positionMask) - begin];
  }

  uint64_t time = 0;
  bool started = false;
  /// Events of cycle `time`, sorted, and those added while it is served.
  std::vector<Event> current;
  size_t position = 0, end = 0;
  std::vector<Late> late;
  uint64_t lateSequence = 0;
  std::vector<Event> unsorted;
  std::vector<uint64_t> order;

  std::vector<Chunk> chunks;
  uint32_t freeChunks = noChunk;
  uint32_t ahead = noChunk; ///< a chunk of the next cycle
  std::vector<uint32_t> heads;
  uint64_t words[numSlots / 64] = {};
  uint64_t summary[numSlots / 4096] = {};
  uint64_t inWheel = 0;
  uint64_t firstInWheel = never; ///< time of the first event there

  std::vector<Overflow> overflow;
  uint64_t overflowSequence = 0;
};

} // namespace octo

#endif // OCTO_LIB_RUNTIME_EVENTWHEEL_H
