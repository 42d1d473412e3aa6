//===- TraceSink.h - Who watches a run --------------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A receiver of what happens in a run. Watching adds no event and changes no
// number. Spans are reported when they end, so their starts do not ascend; what
// holds when the run is stopped is cut at its last cycle.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_RUNTIME_TRACESINK_H
#define OCTO_RUNTIME_TRACESINK_H

#include "octo/Target/TargetDesc.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace octo {

/// Why an instance that was ready did not compute yet: the longest of the
/// steps before it did (docs/traces.md).
enum class WaitCause : uint8_t {
  None,
  Queue,
  Decision,
  Configuration,
  Operands,
  Weights
};
/// "none", "queue", "decision", "configuration", "operands", "weights".
std::string_view stringifyWaitCause(WaitCause cause);

/// A task instance on one gang, from when it claims its PEAs to when it gives
/// them back or changes the gang. Phases follow one another: held from
/// `dispatched`, loading code from `configBegin` to `configured`, waiting for
/// operands and weights (or re-forming) up to `started`, computing up to
/// `finished`.
struct TaskSpan {
  uint64_t request = 0; ///< number over all tenants
  uint64_t tag = 0;
  uint32_t workflow = 0;
  uint32_t block = 0;    ///< number within the workflow
  uint32_t instance = 0; ///< no two at a time have the same
  uint32_t tenant = 0;
  uint32_t tbu = 0;     ///< global number
  uint64_t peaMask = 0; ///< PEAs of the TBU
  uint64_t ready = 0;
  uint64_t dispatched = 0;
  uint64_t configBegin = 0;
  uint64_t configured = 0;
  uint64_t started = 0;
  uint64_t finished = 0;
  WaitCause cause = WaitCause::None;
  bool first = true;     ///< its first gang
  bool last = true;      ///< false: another gang follows
  bool completed = true; ///< false: cancelled, discarded, or cut by the end
  bool lost = false;     ///< given up because a part died; it begins again
  bool remade = false;   ///< run once more, for values that were lost
  /// Arrows: see flowOf.
  std::span<const uint64_t> flowsIn, flowsOut;
};

/// PEAs that are held and run nothing.
struct HoldSpan {
  enum Kind : uint8_t {
    Joining, ///< for a gang that takes them at its next tile boundary
    Kept,    ///< for a slot of a timetable
    Broken   ///< left over of a gang that lost a member, until that is known
  };
  Kind kind = Joining;
  uint32_t workflow = 0; ///< not of Broken
  uint32_t block = 0;
  uint32_t tbu = 0;
  uint64_t peaMask = 0;
  uint64_t start = 0;
  uint64_t finish = 0;
};

/// One decision of a control block at a CBU.
struct DecisionSpan {
  uint64_t request = 0;
  uint64_t tag = 0;
  uint32_t workflow = 0;
  uint32_t block = 0;
  uint32_t cluster = 0;
  uint64_t start = 0;
  uint64_t finish = 0;
  uint64_t outcome = 0;
};

/// One join of a select or fan-out, on the engine of a cluster.
struct JoinSpan {
  uint64_t request = 0;
  uint32_t workflow = 0;
  uint32_t block = 0;
  uint32_t cluster = 0;
  uint64_t start = 0;
  uint64_t finish = 0;
};

/// One message on the mesh.
struct TransferSpan {
  enum Kind : uint8_t {
    Operand,
    Decide,
    Join,
    Result,
    Weight,
    Spill,
    Chunk,
    Arguments
  };
  Kind kind = Operand;
  uint64_t request = 0; ///< ~0: of none
  uint32_t fromCluster = 0;
  uint32_t toCluster = 0;
  uint64_t bytes = 0;
  uint64_t start = 0;
  uint64_t finish = 0;
  uint64_t flow = 0; ///< 0: none
};
/// "operand", "decide", "join", "result", "weight", "spill", "chunk".
std::string_view stringifyTransferKind(TransferSpan::Kind kind);

/// A value that comes to a task from elsewhere than a task of the same region
/// instance: an argument, or what a control block hands on.
struct HandOver {
  uint64_t request = 0;
  uint64_t at = 0;
  uint32_t cluster = 0; ///< of the CBU
  bool host = false;    ///< an argument, from the host port
  uint64_t flow = 0;
};

/// One request, from arrival to the end.
struct RequestSpan {
  uint64_t request = 0;
  uint32_t tenant = 0;
  uint64_t arrival = 0;
  uint64_t admitted = 0;
  uint64_t finish = 0;
  bool failed = false;
  bool open = false; ///< cut by the end of the run
};

/// PEAs that can be used no more: dead, or cut off from the host.
struct DeadPeas {
  uint32_t tbu = 0;
  uint64_t peaMask = 0;
  uint64_t at = 0;
};

/// The death of a part and what came of it; told when the run ends.
struct FaultSpan {
  PartRef part;
  uint64_t start = 0;
  uint64_t finish = 0; ///< all that it set back goes on again
  uint64_t instancesSetBack = 0;
  uint64_t valuesLost = 0;
  uint64_t lostPeaCycles = 0;
};

/// Of a request that completed after the warm-up: what its latency was spent on
/// (docs/semantics.md, section 12), and the block with the largest part.
struct BlameSpan {
  uint64_t request = 0;
  uint32_t tenant = 0;
  uint64_t arrival = 0;
  uint64_t latency = 0;
  std::span<const uint64_t> cycles; ///< by BlameCause
  uint32_t workflow = 0;
  uint32_t block = 0;
  uint64_t blockCycles = 0; ///< 0: no block has a part
};

/// The state of the machine at one cycle.
struct MachineSample {
  uint64_t cycle = 0;
  uint64_t ready = 0;         ///< instances that wait for PEAs
  uint64_t computingPeas = 0; ///< PEAs whose instance computes
  uint64_t heldPeas = 0;      ///< PEAs of any instance
  uint64_t openRequests = 0;
  /// Cycles since the sample before, and how many of them the links were
  /// taken, over all of them.
  uint64_t elapsed = 0;
  uint64_t linkBusy = 0, links = 0;
  std::span<const uint64_t> scratchpad; ///< bytes in use, by cluster
};

class TraceSink {
public:
  virtual ~TraceSink();
  virtual void task(const TaskSpan &) {}
  virtual void hold(const HoldSpan &) {}
  virtual void decision(const DecisionSpan &) {}
  virtual void join(const JoinSpan &) {}
  virtual void transfer(const TransferSpan &) {}
  virtual void handOver(const HandOver &) {}
  virtual void request(const RequestSpan &) {}
  virtual void blame(const BlameSpan &) {}
  virtual void dead(const DeadPeas &) {}
  virtual void fault(const FaultSpan &) {}
  virtual void sample(const MachineSample &) {}
};

} // namespace octo

#endif // OCTO_RUNTIME_TRACESINK_H
