//===- Saturating.h - Sums that do not overflow -----------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Cycles that stop at a value of which four can still be added.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_SCHEDULING_SATURATING_H
#define OCTO_LIB_SCHEDULING_SATURATING_H

#include <algorithm>
#include <cstdint>
#include <limits>

namespace octo::sched {

inline constexpr uint64_t forever = std::numeric_limits<uint64_t>::max() / 4;

inline uint64_t addSat(uint64_t a, uint64_t b) {
  return std::min(forever, a + b);
}

/// count * cycles.
inline uint64_t workOf(uint64_t countQ16, uint64_t cycles) {
  return uint64_t(std::min<unsigned __int128>(
      (unsigned __int128)(countQ16)*cycles, forever));
}

/// a * b / 65536.
inline uint64_t scale(uint64_t a, uint64_t bQ16) {
  return uint64_t(
      std::min<unsigned __int128>((unsigned __int128)(a)*bQ16 >> 16, forever));
}

} // namespace octo::sched

#endif // OCTO_LIB_SCHEDULING_SATURATING_H
