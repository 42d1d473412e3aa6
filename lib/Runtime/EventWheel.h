//===- EventWheel.h - The order of events -----------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Pending events in the order (time, class, entity, sequence) of
// docs/semantics.md, section 8. Events of the next 16,384 cycles hang in one
// list a cycle, later ones in a heap. Insertion order is the sequence: a list
// keeps it, the heap numbers its entries, and entries leave the heap before any
// event of their cycle can be added to the wheel directly.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_EVENTWHEEL_H
#define OCTO_LIB_RUNTIME_EVENTWHEEL_H

#include <algorithm>
#include <bit>
#include <cstdint>
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

struct Event {
  uint32_t entity;
  uint32_t payload;
  uint32_t version;
  uint16_t aux;
  uint8_t type;
  EventClass eventClass;

  uint64_t key() const {
    return static_cast<uint64_t>(eventClass) << 32 | entity;
  }
};
static_assert(sizeof(Event) == 16);

class EventWheel {
public:
  static constexpr uint64_t numSlots = 16384;

  EventWheel() : heads(numSlots, none), tails(numSlots, none) {}

  uint64_t now() const { return time; }
  bool empty() const {
    return position == current.size() && late.empty() && !inWheel &&
           overflow.empty();
  }

  /// Number of pending events.
  uint64_t size() const {
    return current.size() - position + late.size() + inWheel + overflow.size();
  }

  /// Adds an event; `at` must not be earlier than now().
  void push(uint64_t at, const Event &event) {
    if (at == time && started) {
      late.push_back({event.key(), lateSequence++, event});
      std::push_heap(late.begin(), late.end(), LateOrder());
    } else if (at - time < numSlots) {
      append(at, event);
    } else {
      overflow.push_back({at, overflowSequence++, event});
      std::push_heap(overflow.begin(), overflow.end(), OverflowOrder());
    }
  }

  /// Takes the next event and moves now() to its time. False when there is
  /// none.
  bool pop(Event &event) {
    for (;;) {
      bool haveSorted = position != current.size();
      if (!late.empty() &&
          (!haveSorted || late.front().key < current[position].key())) {
        event = late.front().event;
        std::pop_heap(late.begin(), late.end(), LateOrder());
        late.pop_back();
        return true;
      }
      if (haveSorted) {
        event = current[position++];
        return true;
      }
      if (!advance())
        return false;
    }
  }

  /// Time of the next event; only valid if !empty().
  uint64_t nextTime() const {
    if (position != current.size() || !late.empty())
      return time;
    return inWheel ? findNext() : overflow.front().time;
  }

private:
  static constexpr uint32_t none = 0xffffffffu;
  static constexpr uint64_t slotMask = numSlots - 1;

  struct Node {
    Event event;
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

  void append(uint64_t at, const Event &event) {
    uint32_t node;
    if (freeNodes != none) {
      node = freeNodes;
      freeNodes = nodes[node].next;
      nodes[node] = {event, none};
    } else {
      node = static_cast<uint32_t>(nodes.size());
      nodes.push_back({event, none});
    }
    uint64_t slot = at & slotMask;
    if (heads[slot] == none) {
      heads[slot] = node;
      words[slot >> 6] |= uint64_t(1) << (slot & 63);
      summary[slot >> 12] |= uint64_t(1) << (slot >> 6 & 63);
    } else {
      nodes[tails[slot]].next = node;
    }
    tails[slot] = node;
    ++inWheel;
  }

  /// First time after now() (or at now(), before the first pop) with an event
  /// in the wheel; there must be one.
  uint64_t findNext() const {
    uint64_t from = started ? time + 1 : time;
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
    return ~uint64_t(0);
  }

  bool advance() {
    current.clear();
    position = 0;
    if (inWheel)
      time = findNext();
    else if (!overflow.empty())
      time = overflow.front().time;
    else
      return false;
    started = true;
    while (!overflow.empty() && overflow.front().time - time < numSlots) {
      append(overflow.front().time, overflow.front().event);
      std::pop_heap(overflow.begin(), overflow.end(), OverflowOrder());
      overflow.pop_back();
    }
    uint64_t slot = time & slotMask;
    for (uint32_t node = heads[slot]; node != none;) {
      current.push_back(nodes[node].event);
      uint32_t next = nodes[node].next;
      nodes[node].next = freeNodes;
      freeNodes = node;
      node = next;
      --inWheel;
    }
    heads[slot] = none;
    words[slot >> 6] &= ~(uint64_t(1) << (slot & 63));
    if (!words[slot >> 6])
      summary[slot >> 12] &= ~(uint64_t(1) << (slot >> 6 & 63));
    sortCurrent();
    return true;
  }

  void sortCurrent() {
    size_t count = current.size();
    if (count <= 24) {
      for (size_t i = 1; i < count; ++i) {
        Event event = current[i];
        uint64_t key = event.key();
        size_t j = i;
        for (; j && current[j - 1].key() > key; --j)
          current[j] = current[j - 1];
        current[j] = event;
      }
      return;
    }
    scratch.clear();
    for (size_t i = 0; i < count; ++i)
      scratch.push_back({current[i].key(), i, current[i]});
    std::sort(scratch.begin(), scratch.end(), [](const Late &a, const Late &b) {
      return a.key != b.key ? a.key < b.key : a.sequence < b.sequence;
    });
    for (size_t i = 0; i < count; ++i)
      current[i] = scratch[i].event;
  }

  uint64_t time = 0;
  bool started = false;
  /// Events of cycle `time`, sorted, and those added while it is served.
  std::vector<Event> current;
  size_t position = 0;
  std::vector<Late> late;
  std::vector<Late> scratch;
  uint64_t lateSequence = 0;

  std::vector<Node> nodes;
  uint32_t freeNodes = none;
  std::vector<uint32_t> heads, tails;
  uint64_t words[numSlots / 64] = {};
  uint64_t summary[numSlots / 4096] = {};
  uint64_t inWheel = 0;

  std::vector<Overflow> overflow;
  uint64_t overflowSequence = 0;
};

} // namespace octo

#endif // OCTO_LIB_RUNTIME_EVENTWHEEL_H
