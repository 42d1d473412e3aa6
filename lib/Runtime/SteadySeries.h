//===- SteadySeries.h - When a run has settled ------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where to cut off the beginning of a run, by MSER-5: of the means of batches
// of five, leave out as many at the front as makes the standard error of the
// rest least (White, "An effective truncation heuristic for bias reduction in
// simulation output", Simulation 69(6), 1997; White, Cobb and Spratt, "A
// comparison of five steady-state truncation heuristics for simulation", WSC
// 2000). Longer runs have longer batches, so that there are at most 4,096.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_STEADYSERIES_H
#define OCTO_LIB_RUNTIME_STEADYSERIES_H

#include "octo/Runtime/RunResult.h"

#include <cstdint>
#include <vector>

namespace octo {

class SteadySeries {
public:
  /// A request that does not count ends: time begins after it.
  void skip(uint64_t finish) {
    if (batches.empty())
      origin = finish;
  }
  void add(uint64_t latency, uint64_t finish);
  SteadyState summary() const;

  /// See State.h.
  template <class Archive>
  void state(Archive &a) {
    a.all(*this, batches, batchSize, origin);
  }

private:
  struct Batch {
    unsigned __int128 sum = 0;
    uint64_t count = 0;
    uint64_t last = 0; ///< end of its last request
  };
  static constexpr size_t maxBatches = 4096;
  std::vector<Batch> batches;
  uint64_t batchSize = 5;
  uint64_t origin = 0;
};

} // namespace octo

#endif // OCTO_LIB_RUNTIME_STEADYSERIES_H
