//===- ReadyQueue.h - Instances in order of priority ------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A priority queue whose best few entries are kept sorted, so that a policy can
// look at them; the rest is a heap. Entries that were taken out by another way
// stay in the heap until they come up and are dropped then.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_READYQUEUE_H
#define OCTO_LIB_RUNTIME_READYQUEUE_H

#include "Heap.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace octo {

class ReadyQueue {
public:
  static constexpr size_t windowSize = 32;

  /// The order: smaller first, `first` before `second` before `third`.
  struct Key {
    uint64_t first;
    uint64_t second;
    uint64_t third;
    bool operator<(const Key &other) const {
      if (first != other.first)
        return first < other.first;
      return second != other.second ? second < other.second
                                    : third < other.third;
    }
  };

  void insert(Key key, uint32_t item, uint32_t ticket) {
    ++count;
    Entry entry = {key, item, ticket};
    if (items.size() < windowSize && heap.empty()) {
      insertWindow(entry);
    } else if (items.size() == windowSize && key < keys.back().key) {
      push(keys.back());
      keys.pop_back();
      items.pop_back();
      insertWindow(entry);
    } else {
      push(entry);
    }
  }

  /// Best first.
  std::span<const uint32_t> window() const { return items; }
  uint32_t size() const { return count; }
  bool empty() const { return !count; }

  /// Takes an item out. `stale(item, ticket)` tells of entries of the heap
  /// whether they have been taken out before; the caller must make it true for
  /// this one.
  template <class Stale>
  void remove(uint32_t item, Stale &&stale) {
    --count;
    auto found = std::find(items.begin(), items.end(), item);
    if (found == items.end())
      return;
    keys.erase(keys.begin() + (found - items.begin()));
    items.erase(found);
    while (items.size() < windowSize && !heap.empty()) {
      Entry entry = heap.front();
      std::pop_heap(heap.begin(), heap.end(), Later());
      heap.pop_back();
      if (stale(entry.item, entry.ticket))
        continue;
      keys.push_back(entry);
      items.push_back(entry.item);
    }
  }

  template <class A>
  void state(A &a) {
    a.all(*this, keys, items, heap, count);
  }

private:
  struct Entry {
    Key key;
    uint32_t item;
    uint32_t ticket;
  };
  struct Later {
    bool operator()(const Entry &a, const Entry &b) const {
      return b.key < a.key;
    }
  };

  void insertWindow(const Entry &entry) {
    size_t i = keys.size();
    while (i && entry.key < keys[i - 1].key)
      --i;
    keys.insert(keys.begin() + i, entry);
    items.insert(items.begin() + i, entry.item);
  }
  void push(const Entry &entry) { pushHeap(heap, entry, Later()); }

  // What is looked at most comes first.
  std::vector<uint32_t> items;
  uint32_t count = 0;
  std::vector<Entry> keys;
  std::vector<Entry> heap;
};

} // namespace octo

#endif // OCTO_LIB_RUNTIME_READYQUEUE_H
