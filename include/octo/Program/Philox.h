//===- Philox.h - Counter-based random numbers ------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
// easy as 1, 2, 3" (SC 2011). A draw is a pure function of a key and a counter,
// so what happens in a run does not depend on the order in which it is asked.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_PROGRAM_PHILOX_H
#define OCTO_PROGRAM_PHILOX_H

#include <array>
#include <cstdint>

namespace octo {

/// Four 32-bit words; also the type of a counter.
using PhiloxBlock = std::array<uint32_t, 4>;
using PhiloxKey = std::array<uint32_t, 2>;

/// The generator itself: ten rounds over `counter` with `key`.
constexpr PhiloxBlock philox4x32(PhiloxBlock counter, PhiloxKey key) {
  for (int round = 0; round < 10; ++round) {
    if (round) {
      key[0] += 0x9E3779B9u;
      key[1] += 0xBB67AE85u;
    }
    uint64_t product0 = uint64_t(0xD2511F53u) * counter[0];
    uint64_t product1 = uint64_t(0xCD9E8D57u) * counter[2];
    counter = {
        uint32_t(product1 >> 32) ^ counter[1] ^ key[0], uint32_t(product1),
        uint32_t(product0 >> 32) ^ counter[3] ^ key[1], uint32_t(product0)};
  }
  return counter;
}

/// The key made of a 64-bit seed: low word first.
constexpr PhiloxKey philoxKey(uint64_t seed) {
  return {uint32_t(seed), uint32_t(seed >> 32)};
}

/// The counter made of two 64-bit numbers: low words first.
constexpr PhiloxBlock philoxCounter(uint64_t low, uint64_t high) {
  return {uint32_t(low), uint32_t(low >> 32), uint32_t(high),
          uint32_t(high >> 32)};
}

/// 64 random bits for (seed, low, high): words 0 (low half) and 1 of the block.
constexpr uint64_t philox64(uint64_t seed, uint64_t low, uint64_t high) {
  PhiloxBlock block = philox4x32(philoxCounter(low, high), philoxKey(seed));
  return uint64_t(block[0]) | uint64_t(block[1]) << 32;
}

} // namespace octo

#endif // OCTO_PROGRAM_PHILOX_H
