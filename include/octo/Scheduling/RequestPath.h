//===- RequestPath.h - How long one request takes ---------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Mean, variance and tail of the critical path of a request that is alone on
// the machine. Floating point only sums up what integers found, for reports:
// nothing is decided by it.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_SCHEDULING_REQUESTPATH_H
#define OCTO_SCHEDULING_REQUESTPATH_H

#include "octo/Program/Distribution.h"
#include "octo/Scheduling/Allocator.h"
#include "octo/Scheduling/RequestWork.h"

#include <optional>

namespace octo::sched {

/// What a request brings and what differs from one to the next, beside the
/// frequencies of cases and members, which the regions of the problem have.
struct RequestModel {
  std::vector<Distribution> distributions;
  /// By block, one of them or `none`: the cycles of a task on one PEA (`none`:
  /// always those of the problem), the trips of a loop, the copies of a
  /// fan-out. A control block without one is a branch or a select.
  std::vector<uint32_t> ofBlock;
  /// By block, the start of its slot in the timetable of its region, or
  /// `noSlot`. Empty: no block has one.
  std::vector<uint64_t> slotStart;
  static constexpr uint64_t noSlot = ~uint64_t(0);
  /// Through the host port.
  uint64_t argumentBytes = 0;
  uint64_t resultBytes = 0;
};

struct PathOptions {
  /// Requests whose paths do not exceed the tail, in percent.
  double percent = 99;
  /// Requests that are drawn, at most.
  uint32_t mostSamples = 4096;
  /// Blocks that are executed for all of them together, about; a program of
  /// many blocks may take some for each.
  uint64_t mostSteps = uint64_t(1) << 21;
  uint64_t seed = 1;
};

struct RequestPath {
  WorkMoments cycles;
  uint64_t tail = 0;
  uint32_t samples = 0;
};

/// Draws requests (Philox) and executes the regions of each: a block begins
/// when the last of its inputs is there and its PEAs are free, on the gang and
/// at the place of its first replica (the copies of a fan-out take turns at all
/// of them, but not where there is a timetable); a control block takes what its
/// outcome opens; the iterations of a loop follow one another. PEAs are taken
/// in the order of the region's timetable, or else of the blocks, in the first
/// gap. The way from and to the host port, ways of data over an empty mesh,
/// tokens and dispatch count, what else could be waited for does not: links,
/// memory, code. Durations, decisions, trips and counts are independent.
///
/// The tail is the quantile of what was drawn where at least ten requests are
/// beyond it. Else what exceeds a high threshold is taken as exponential
/// (Pickands, Annals of Statistics 3(1), 1975). Cost: blocks and edges times
/// requests drawn, one where nothing varies. Nothing for requests of so many
/// instances that not even 16 are affordable.
std::optional<RequestPath> requestPath(const Problem &problem,
                                       const RequestModel &model,
                                       const Topology &topology,
                                       const Placement &placement,
                                       const PathOptions &options = {});

/// See requestPath; `drawn` in any order, not empty.
uint64_t sampleTail(std::vector<uint64_t> drawn, double percent);

} // namespace octo::sched

#endif // OCTO_SCHEDULING_REQUESTPATH_H
