//===- Pool.h - Recycled records --------------------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Records in chunks that never move, addressed by dense numbers. A record that
// is freed gets another generation, so that events which still name it can
// tell.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_POOL_H
#define OCTO_LIB_RUNTIME_POOL_H

#include <cstdint>
#include <memory>
#include <vector>

namespace octo {

/// T has a member `uint32_t generation`, which is odd while the record lives.
template <class T>
class Pool {
public:
  T &operator[](uint32_t index) {
    return chunks[index >> chunkBits][index & chunkMask];
  }
  const T &operator[](uint32_t index) const {
    return chunks[index >> chunkBits][index & chunkMask];
  }

  uint32_t allocate() {
    ++live;
    if (!free.empty()) {
      uint32_t index = free.back();
      free.pop_back();
      ++(*this)[index].generation;
      return index;
    }
    if ((count & chunkMask) == 0)
      chunks.emplace_back(std::make_unique<T[]>(size_t(1) << chunkBits));
    uint32_t index = count++;
    (*this)[index].generation = 1;
    return index;
  }

  void release(uint32_t index) {
    --live;
    ++(*this)[index].generation;
    free.push_back(index);
  }

  /// True if the record named by an event is still the one that was meant.
  bool current(uint32_t index, uint32_t generation) const {
    return (*this)[index].generation == generation;
  }

  /// The records as they are, dead ones too: numbers must stay (State.h).
  template <class A>
  void state(A &a) {
    a.all(*this, a.fixed(chunks), free, count, live);
    if constexpr (A::reading) {
      if (!a.fits(count) || live > count || free.size() != count - live)
        a.fail();
      for (uint32_t index : free)
        if (index >= count)
          a.fail();
      chunks.clear();
      for (uint64_t i = 0; a.ok() && i < count; i += chunkMask + 1)
        chunks.emplace_back(std::make_unique<T[]>(size_t(1) << chunkBits));
    }
    if constexpr (A::typesOnly)
      a.template element<T>();
    else
      for (uint32_t i = 0; a.ok() && i < count; ++i)
        a.value((*this)[i]);
  }

  uint32_t size() const { return count; }
  uint32_t numLive() const { return live; }

private:
  static constexpr uint32_t chunkBits = 10;
  static constexpr uint32_t chunkMask = (1u << chunkBits) - 1;
  std::vector<std::unique_ptr<T[]>> chunks;
  std::vector<uint32_t> free;
  uint32_t count = 0;
  uint32_t live = 0;
};

} // namespace octo

#endif // OCTO_LIB_RUNTIME_POOL_H
