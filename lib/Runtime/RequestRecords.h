//===- RequestRecords.h - Whole requests in timing-only runs ----*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Gives each request of a timing-only run one of the records that the program
// keeps (RecordTable in program.fbs), and looks entries up in it.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_REQUESTRECORDS_H
#define OCTO_LIB_RUNTIME_REQUESTRECORDS_H

#include "octo/Program/Philox.h"

#include <bit>
#include <cstdint>
#include <span>

namespace octo {

/// The records of one workflow of a validated program: its RecordTable.
struct RequestRecords {
  static constexpr uint32_t noRecord = 0xffffffffu;

  std::span<const uint32_t> recordOffsets; ///< empty: no records
  std::span<const uint32_t> block;
  std::span<const uint64_t> tag;
  std::span<const uint32_t> valueOffsets;
  std::span<const uint64_t> values;

  uint32_t size() const {
    return recordOffsets.empty()
               ? 0
               : static_cast<uint32_t>(recordOffsets.size() - 1);
  }

  /// The record of request `index`: in `inOrder`, number index mod size; else
  /// each record once in `size` requests, in an order that the seed gives.
  uint32_t pick(uint64_t seed, uint32_t tenant, uint64_t index,
                bool inOrder) const {
    uint32_t n = size();
    if (!n)
      return noRecord;
    uint64_t round = index / n;
    uint32_t at = static_cast<uint32_t>(index % n);
    if (inOrder)
      return at;
    // A permutation of [0, 2^k) by a Feistel network of four rounds; what falls
    // outside is sent round again (cycle walking), so [0, n) is permuted.
    unsigned half = (std::bit_width(n - 1) + 1) / 2;
    if (!half)
      return 0;
    uint32_t mask = (uint32_t(1) << half) - 1;
    do {
      uint32_t left = at >> half, right = at & mask;
      for (uint64_t step = 0; step < 4; ++step) {
        uint64_t draw =
            philox64(seed, recordStream | static_cast<uint32_t>(round),
                     uint64_t(tenant) << 34 | step << 32 | right);
        uint32_t mixed = left ^ (static_cast<uint32_t>(draw) & mask);
        left = right;
        right = mixed;
      }
      at = left << half | right;
    } while (at >= n);
    return at;
  }

  /// What the record says of a block (its number within the workflow, ~0 for
  /// the arguments) in the frame with this tag; empty: nothing.
  std::span<const uint64_t> find(uint32_t record, uint32_t wanted,
                                 uint64_t wantedTag) const {
    if (record == noRecord)
      return {};
    uint32_t low = recordOffsets[record], end = recordOffsets[record + 1];
    uint32_t high = end;
    while (low < high) {
      uint32_t middle = low + (high - low) / 2;
      if (block[middle] < wanted ||
          (block[middle] == wanted && tag[middle] < wantedTag))
        low = middle + 1;
      else
        high = middle;
    }
    if (low == end || block[low] != wanted || tag[low] != wantedTag)
      return {};
    return values.subspan(valueOffsets[low],
                          valueOffsets[low + 1] - valueOffsets[low]);
  }

private:
  /// The block of these draws (docs/timing-model.md, "Draws").
  static constexpr uint64_t recordStream = uint64_t(0xfffffffd) << 32;
};

} // namespace octo

#endif // OCTO_LIB_RUNTIME_REQUESTRECORDS_H
