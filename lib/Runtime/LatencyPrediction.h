//===- LatencyPrediction.h - Latencies beside what was predicted -*- C++
//-*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the compiler says of a request that is alone on the machine, beside what
// requests took, and which part of the difference is waiting (semantics,
// section 12).
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_LATENCYPREDICTION_H
#define OCTO_LIB_RUNTIME_LATENCYPREDICTION_H

#include "octo/Runtime/RunResult.h"

#include <optional>

namespace octo {

namespace fb {
struct Program;
struct RequestPath;
} // namespace fb

namespace report {

/// The prediction for the tenant's workflow; null: the program has none.
const fb::RequestPath *predictionOf(const TenantStatistics &tenant,
                                    const fb::Program &program);

/// Of 100 requests, so many do not exceed the tail.
double tailPercent(const fb::RequestPath &path);

/// The mean latency over the predicted one; nothing if one of them is not known
/// or 0.
std::optional<double> slowdownOf(const TenantStatistics &tenant,
                                 const fb::Program &program);

/// True for waiting: for PEAs, admission or control that others have, loads of
/// code and weights, changes of gangs, work that was lost.
bool isWait(BlameCause cause);

/// Of all requests together that count.
struct Slowdown {
  double predicted = 0; ///< mean of the predictions, in cycles
  double factor = 0;    ///< mean latency over it
  double waits = 0;     ///< part of `factor` that requests waited
  /// Parts of `factor` by cause; they add up to it.
  std::array<double, numBlameCauses> causes{};
};

/// Nothing if no request counts or one of them has no prediction.
std::optional<Slowdown> slowdownOf(const RunResult &result,
                                   const fb::Program &program);

/// "predicted 1,200 cycles, 99 % within 1,500; the first request took 1,300, 20
/// without others beside them 1,190": what is known of it.
std::string describeAlone(const TenantStatistics &tenant,
                          const fb::Program &program);

/// "1.80 times what is predicted of a request alone, 0.75 of it waits".
std::string describe(const Slowdown &slowdown);

} // namespace report
} // namespace octo

#endif // OCTO_LIB_RUNTIME_LATENCYPREDICTION_H
