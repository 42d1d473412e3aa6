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
#include <cstdint>
#include <span>

namespace octo {

/// Number of entries; 0 if the vector is absent.
template <class T>
uint32_t sizeOf(const flatbuffers::Vector<T> *vector) {
  return vector ? vector->size() : 0;
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
