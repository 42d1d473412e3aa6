//===- Divisor.h - Division by what stays the same --------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_DIVISOR_H
#define OCTO_LIB_RUNTIME_DIVISOR_H

#include <concepts>
#include <cstdint>

namespace octo {

/// Divides by a number below 2^31 that is known when a run begins, by a
/// multiplication. Exact: the inverse is too large by less than 1 / 2^32 of a
/// step (D. Lemire, O. Kaser, N. Kurz, "Faster remainder by direct
/// computation", 2019, theorem 1).
class Divisor {
public:
  /// 0 may be held, but not be divided by.
  Divisor(uint32_t value = 1)
      : value(value),
        inverse(value ? ((uint64_t(1) << 63) + value - 1) / value : 0) {}

  operator uint32_t() const { return value; }
  template <std::unsigned_integral T>
  friend T operator/(T n, const Divisor &d) {
    if constexpr (sizeof(T) > sizeof(uint32_t))
      if (n >> 32) [[unlikely]]
        return n / d.value;
    return T(static_cast<unsigned __int128>(n) * d.inverse >> 63);
  }
  template <std::unsigned_integral T>
  friend T operator%(T n, const Divisor &d) {
    return T(n - n / d * d.value);
  }

private:
  uint32_t value;
  uint64_t inverse;
};

} // namespace octo

#endif // OCTO_LIB_RUNTIME_DIVISOR_H
