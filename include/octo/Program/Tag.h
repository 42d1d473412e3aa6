//===- Tag.h - Tags of activation frames ------------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The tag of a frame is a hash of its path from the body down; draws and
// records are keyed by it (docs/semantics.md, section 7).
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_PROGRAM_TAG_H
#define OCTO_PROGRAM_TAG_H

#include <cstdint>

namespace octo {

/// The finaliser of splitmix64 (Steele, Lea and Flood, "Fast splittable
/// pseudorandom number generators", OOPSLA 2014).
constexpr uint64_t splitmix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// The tag of the region instance that a control block (its number within the
/// workflow) opens with this case, member, iteration or copy. The tag of the
/// body is 0.
constexpr uint64_t childTag(uint64_t parent, uint32_t block, uint32_t index) {
  return splitmix64(splitmix64(parent ^ (uint64_t(block) + 1)) ^
                    (uint64_t(index) + 1));
}

} // namespace octo

#endif // OCTO_PROGRAM_TAG_H
