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
  uint64_t start = 0; // cycles after the activation of the region
  uint64_t cycles = 0;
};

struct Schedule {
  /// Of segment s: slots[offsets[s] .. offsets[s + 1]), by ascending start.
  std::vector<uint32_t> region;
  std::vector<uint32_t> offsets{0};
  std::vector<Slot> slots;
  /// Least distance of two activations: what the busiest PEA does for all
  /// segments of the region.
  std::vector<uint64_t> interval;
  std::vector<uint32_t> lanes;
  /// Of each block, when it is expected to end after the activation of its
  /// region; empty if not known.
  std::vector<uint64_t> expectedEnd;

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
/// places being given. All segments of a region run by one clock, from the
/// activation of the region: what comes after a dynamic task or a control block
/// starts when that is expected to end. One timetable holds for all lanes: a
/// slot begins when its inputs are there and its PEAs are free in every lane.
/// Dispatching and switching configurations is kept free between two slots of a
/// PEA.
Checked<Schedule> scheduleStatic(const Problem &problem,
                                 const Topology &topology,
                                 const Placement &placement,
                                 std::span<const uint64_t> rank,
                                 const ScheduleOptions &options = {});

struct ImproveOptions {
  /// Budget over all segments: pairs of a task and a place that are looked at.
  /// A segment gets its part by its tasks, and none if that does not even pay
  /// for a few list schedules.
  uint64_t steps = 1'000'000;
  uint64_t seed = 1;
  /// May tasks move to other PEAs, or only in time?
  bool rehome = true;
  /// See AllocateOptions: how much more than its fair share a PEA may get to
  /// do. What the busiest one has already is always allowed.
  uint32_t loadSlackQ16 = 16384;
  ScheduleOptions schedule;
};

struct Improvement {
  Schedule schedule;
  /// One for each task that has moved to other PEAs: the first lane's old and
  /// new home, with the length of the timetable before and after.
  std::vector<Decision> decisions;
  /// Segments that have become shorter, and those that were searched.
  uint32_t shorter = 0;
  uint32_t searched = 0;
};

/// Shortens timetables by a local search (see searchSchedule) over the order of
/// the tasks and their places in the lane, all lanes alike. Messages from and
/// to blocks outside a segment count, so that a segment stays near them. Tasks
/// that are pinned, or whose replicas do not follow laneTbus, keep their
/// places. No timetable becomes longer. `placement` and its shares are changed.
Checked<Improvement>
improveStatic(const Problem &problem, const Topology &topology,
              Placement &placement, std::span<const uint64_t> rank,
              const Schedule &schedule, const ImproveOptions &options = {});

} // namespace octo::sched

#endif // OCTO_SCHEDULING_STATICSCHEDULE_H
