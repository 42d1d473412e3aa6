//===- Heap.h - Binary heaps whose entries are written once -----*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As std::push_heap, which reads the last entry back from where it was put a
// moment before: processors wait when words are read that were written in
// parts.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_HEAP_H
#define OCTO_LIB_RUNTIME_HEAP_H

#include <functional>
#include <vector>

namespace octo {

/// Adds an entry to a heap as the functions of <algorithm> know it; the same
/// one comes about.
template <class T, class Less = std::less<>>
inline void pushHeap(std::vector<T> &heap, const T entry, Less less = {}) {
  size_t hole = heap.size();
  heap.push_back(entry);
  while (hole) {
    size_t parent = (hole - 1) / 2;
    if (!less(heap[parent], entry))
      return;
    heap[hole] = heap[parent];
    heap[parent] = entry;
    hole = parent;
  }
}

} // namespace octo

#endif // OCTO_LIB_RUNTIME_HEAP_H
