//===- Columns.h - Vectors of a program file --------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A vector that has no entries may be absent from a program file.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_PROGRAM_COLUMNS_H
#define OCTO_PROGRAM_COLUMNS_H

#include <flatbuffers/vector.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

namespace octo {

/// Number of entries; 0 if the vector is absent.
template <class T>
uint32_t sizeOf(const flatbuffers::Vector<T> *vector) {
  return vector ? vector->size() : 0;
}

/// Number of items that a vector of n + 1 offsets bounds; 0 if it is absent.
inline uint32_t itemsOf(const flatbuffers::Vector<uint32_t> *offsets) {
  return sizeOf(offsets) ? sizeOf(offsets) - 1 : 0;
}

/// Entry `i`, or `missing` if the vector is absent or short.
template <class T, class Value = std::decay_t<
                       decltype(std::declval<flatbuffers::Vector<T>>().Get(0))>>
Value entryOf(const flatbuffers::Vector<T> *vector, size_t i,
              Value missing = Value()) {
  return vector && i < vector->size()
             ? static_cast<Value>(
                   vector->Get(static_cast<flatbuffers::uoffset_t>(i)))
             : missing;
}

/// The entries where they lie: little-endian, as this machine is, and aligned,
/// since the validator has looked. Empty if the vector is absent.
template <class T>
std::span<const T> spanOf(const flatbuffers::Vector<T> *vector) {
  static_assert(std::endian::native == std::endian::little);
  if (!vector)
    return {};
  return {reinterpret_cast<const T *>(vector->Data()), vector->size()};
}

} // namespace octo

#endif // OCTO_PROGRAM_COLUMNS_H
