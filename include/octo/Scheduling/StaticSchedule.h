//===- StaticSchedule.h - Segments and their timetables ---------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Static tasks of a region that nothing dynamic separates form a segment, which
// is admitted as a whole and runs by a timetable relative to its activation.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_SCHEDULING_STATICSCHEDULE_H
#define OCTO_SCHEDULING_STATICSCHEDULE_H

#include "octo/Scheduling/Allocator.h"

namespace octo::sched {

struct Slot {
  uint32_t block = 0;
  uint32_t replica = 0;
  uint64_t start = 0; // cycles after the activation of the segment
  uint64_t cycles = 0;
};

struct Schedule {
  /// Of segment s: slots[offsets[s] .. offsets[s + 1]), by ascending start.
  std::vector<uint32_t> region;
  std::vector<uint32_t> offsets{0};
  std::vector<Slot> slots;
  /// Least distance of two activations: the busiest PEA's cycles.
  std::vector<uint64_t> interval;
  std::vector<uint32_t> lanes;

  uint32_t numSegments() const { return uint32_t(region.size()); }
  std::span<const Slot> of(uint32_t segment) const {
    return std::span(slots).subspan(offsets[segment],
                                    offsets[segment + 1] - offsets[segment]);
  }
};

struct ScheduleOptions {
  /// How many gaps of a PEA's timetable are tried for insertion.
  uint32_t insertionDepth = 32;
};

/// The segment of each block, or `none`: static tasks of one region that are
/// joined by edges and not separated by anything dynamic. A path between two
/// tasks of a segment never leaves it. Segments are numbered by their first
/// block. Cost: near-linear.
std::vector<uint32_t> findSegments(const Problem &problem);

/// Times all segments: list scheduling by falling rank with insertion, the
/// places being given. One timetable holds for all lanes: a slot begins when
/// its inputs are there and its PEAs are free in every lane. Dispatching and
/// switching configurations is kept free between two slots of a PEA.
Checked<Schedule> scheduleStatic(const Problem &problem,
                                 const Topology &topology,
                                 const Placement &placement,
                                 std::span<const uint64_t> rank,
                                 const ScheduleOptions &options = {});

} // namespace octo::sched

#endif // OCTO_SCHEDULING_STATICSCHEDULE_H
