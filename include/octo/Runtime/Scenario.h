//===- Scenario.h - What a run is given -------------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tenants and their arrivals, inputs, seed, stop rules: everything about a run
// that is neither the program nor the policy. Plain data; the reader of
// scenario files is ScenarioReader.h.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_RUNTIME_SCENARIO_H
#define OCTO_RUNTIME_SCENARIO_H

#include "octo/Runtime/Tensor.h"
#include "octo/Target/TargetDesc.h"

#include <cstdint>
#include <string>
#include <vector>

namespace octo {

/// When the requests of a tenant come.
struct Arrivals {
  enum class Kind : uint8_t {
    /// A new request as soon as fewer than `inFlight` are open.
    ClosedLoop,
    /// Independent exponential gaps with mean `meanGapCycles`.
    Poisson,
    /// At the cycles of `trace`, ascending.
    Trace
  };
  Kind kind = Kind::ClosedLoop;
  uint64_t inFlight = 1;
  uint64_t meanGapCycles = 0;
  std::vector<uint64_t> trace;
};

/// One argument of a workflow, for all requests of a tenant. Request i of the
/// tenant takes item (i mod items.size()). Without items the argument is drawn:
/// floats uniform in [low, high), integers uniform in [low, high] (both rounded
/// towards zero), with the dimensions of the type, where `dynamicDims` gives
/// the sizes of dynamic dimensions in order. Element e of argument a of request
/// i is made of philox64(seed, e, i << 16 | a): its upper 53 bits as a fraction
/// f give low + f * (high - low).
struct ArgumentInput {
  /// Items, one for each request or fewer; already read from .npy or .npz.
  std::vector<Tensor> items;
  double low = 0.0;
  double high = 1.0;
  std::vector<int64_t> dynamicDims;
};

/// One stream of requests to one workflow of the program.
struct Tenant {
  std::string name;
  /// Index of the workflow in the program.
  uint32_t workflow = 0;
  Arrivals arrivals;
  /// Requests of this tenant; 0: as the scenario says, shared by weight.
  uint64_t requests = 0;
  /// Part of the scenario's requests that this tenant makes.
  uint64_t weight = 1;
  /// One per argument of the workflow; empty: all drawn in [0, 1).
  std::vector<ArgumentInput> inputs;
};

/// When a run ends before its requests do; 0: never.
struct StopRules {
  /// What octo-run and the Python package take where a scenario has no rule:
  /// some hours of simulation, after which a run that never ends is told from
  /// one that is long.
  static constexpr uint64_t defaultMaxEvents = 20'000'000'000;

  uint64_t maxCycles = 0;
  uint64_t maxEvents = 0;
};

/// A part that dies during a run, or some of a kind that are drawn. Drawn parts
/// are those of the live ones with the least draws philox64(seed, unit, kind |
/// rule << 8), where unit is their number (of a link as for defects, Target.h)
/// and rule the position of this rule; each dies at a cycle between `from` and
/// `to`, both included, by the draw of kind | rule << 8 | 1 << 40.
struct FaultRule {
  PartRef part; ///< its kind only, when drawn
  uint64_t cycle = 0;
  bool drawn = false;
  bool byRate = false;
  uint64_t count = 0;
  uint64_t rateQ32 = 0; ///< of the live ones, in 2^-32
  uint64_t from = 0, to = 0;
  uint64_t seed = 0;
  bool ownSeed = false; ///< else the scenario's
  /// Where it stands, for messages.
  std::string file;
  unsigned line = 0, column = 0;
};

struct Scenario {
  std::string name;
  /// Empty: one tenant in a closed loop for workflow 0.
  std::vector<Tenant> tenants;
  /// Requests of the whole run, when tenants do not say themselves.
  uint64_t requests = 1;
  uint64_t seed = 0;
  /// The first requests (in order of arrival) that do not count in latency and
  /// waiting statistics.
  uint64_t warmUpRequests = 0;
  /// Cycles in which a request should be served; 0: five times its own longest
  /// chain of tasks (assumed).
  uint64_t sloCycles = 0;
  /// Added to the request number wherever a profile's epochs are looked up:
  /// starts the run in the middle of a drift.
  uint64_t driftOffset = 0;
  StopRules stop;
  /// Parts that die during the run, beside those of the target.
  std::vector<FaultRule> faults;
  /// From the death of a part until its neighbours know of it.
  uint64_t faultDetectionCycles = 256;
};

} // namespace octo

#endif // OCTO_RUNTIME_SCENARIO_H
