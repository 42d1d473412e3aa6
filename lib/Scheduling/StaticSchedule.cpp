//===- StaticSchedule.cpp - Timetables of static tasks --------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Segments by levels and union-find; list scheduling with insertion.
//
//===----------------------------------------------------------------------===//

#include "octo/Scheduling/StaticSchedule.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace octo::sched {

std::vector<uint32_t> findSegments(const Problem &problem) {
  const uint32_t numBlocks = problem.numBlocks();
  auto isStatic = [&](uint32_t b) {
    return problem.isTask(b) && !problem.dynamicTime[b] &&
           !problem.dynamicFrequency[b];
  };
  // Level: how many times a path from the region's start to the block passes
  // from something dynamic to something static, at most. Edges run upwards.
  Adjacency in = groupEdges(problem.edges, numBlocks, /*outgoing=*/false);
  std::vector<uint32_t> level(numBlocks, 0), parent(numBlocks);
  std::iota(parent.begin(), parent.end(), 0u);
  auto find = [&](uint32_t b) {
    while (parent[b] != b)
      b = parent[b] = parent[parent[b]];
    return b;
  };
  for (uint32_t b = 0; b < numBlocks; ++b)
    for (uint32_t e : in.of(b)) {
      uint32_t from = problem.edges[e].from;
      level[b] =
          std::max(level[b], level[from] + (isStatic(b) && !isStatic(from)));
    }
  for (uint32_t b = 0; b < numBlocks; ++b) {
    if (!isStatic(b))
      continue;
    for (uint32_t e : in.of(b)) {
      uint32_t from = problem.edges[e].from;
      if (!isStatic(from) || level[from] != level[b])
        continue;
      // The smaller number becomes the root, so that roots are first blocks.
      uint32_t x = find(from), y = find(b);
      parent[std::max(x, y)] = std::min(x, y);
    }
  }
  std::vector<uint32_t> segment(numBlocks, none);
  uint32_t next = 0;
  for (uint32_t b = 0; b < numBlocks; ++b)
    if (isStatic(b)) {
      uint32_t root = find(b);
      if (root == b)
        segment[b] = next++;
      else
        segment[b] = segment[root];
    }
  return segment;
}

namespace {
struct Interval {
  uint64_t begin;
  uint64_t end;
};
} // namespace

Checked<Schedule> scheduleStatic(const Problem &problem,
                                 const Topology &topology,
                                 const Placement &placement,
                                 std::span<const uint64_t> rank,
                                 const ScheduleOptions &options) {
  const uint32_t numBlocks = problem.numBlocks();
  const TargetDesc &desc = topology.desc();
  Schedule schedule;
  std::vector<uint32_t> segment = findSegments(problem);
  uint32_t numSegments = 0;
  for (uint32_t s : segment)
    if (s != none)
      numSegments = std::max(numSegments, s + 1);
  if (numSegments == 0)
    return schedule;

  std::vector<uint32_t> order;
  for (uint32_t b = 0; b < numBlocks; ++b)
    if (segment[b] != none)
      order.push_back(b);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return std::make_tuple(segment[a], ~rank[a], a) <
           std::make_tuple(segment[b], ~rank[b], b);
  });

  // Lane l uses replica l of each task; the task with the fewest limits them.
  auto lanesOf = [&](uint32_t b) {
    auto replicas = placement.of(b);
    return uint32_t(std::count_if(replicas.begin(), replicas.end(),
                                  [](const Replica &r) { return !r.standby; }));
  };
  std::vector<uint32_t> segmentLanes(numSegments, none);
  for (uint32_t b : order)
    segmentLanes[segment[b]] = std::min(segmentLanes[segment[b]], lanesOf(b));

  Adjacency in = groupEdges(problem.edges, numBlocks, /*outgoing=*/false);
  // What a PEA needs between two instances, at most.
  const uint64_t gap = uint64_t(desc.controlPlane.localDispatchCycles) +
                       desc.configStore.switchCycles;

  std::vector<std::vector<Interval>> busy(desc.numPeas());
  std::vector<uint32_t> touched, peas;
  std::vector<uint64_t> startOf(numBlocks, 0), endOf(numBlocks, 0);
  /// Of the streams to a task: when the last chunk is there, and of how many.
  std::vector<std::pair<uint64_t, uint32_t>> lastChunks;
  std::vector<Slot> slots;
  uint32_t current = none;
  uint64_t interval = 0;
  auto close = [&] {
    if (current == none)
      return;
    for (uint32_t pea : touched) {
      uint64_t sum = 0;
      for (const Interval &i : busy[pea])
        sum += i.end - i.begin + gap;
      interval = std::max(interval, sum);
      busy[pea].clear();
    }
    touched.clear();
    std::sort(slots.begin(), slots.end(), [](const Slot &a, const Slot &b) {
      return std::tie(a.start, a.block) < std::tie(b.start, b.block);
    });
    schedule.region.push_back(problem.region[slots.front().block]);
    schedule.slots.insert(schedule.slots.end(), slots.begin(), slots.end());
    schedule.offsets.push_back(uint32_t(schedule.slots.size()));
    schedule.interval.push_back(interval);
    schedule.lanes.push_back(segmentLanes[current]);
    slots.clear();
    interval = 0;
  };

  for (uint32_t b : order) {
    if (segment[b] != current) {
      close();
      current = segment[b];
    }
    if (placement.of(b).empty())
      return tl::make_unexpected(
          Violation{b,
                    {},
                    fmt::format("task '{}' has no replica to be timed on; run "
                                "octo-allocate-peas first",
                                problem.path[b])});
    auto replicas = placement.of(b);
    if (lanesOf(b) == 0)
      return tl::make_unexpected(
          Violation{b,
                    {},
                    fmt::format("task '{}' has only standby replicas, so it "
                                "cannot be timed; run octo-allocate-peas",
                                problem.path[b])});
    // Inputs must be there in every lane: of a stream, the first chunk at the
    // start, and the last one before the part of the work that is for it.
    uint64_t ready = 0;
    lastChunks.clear();
    for (uint32_t e : in.of(b)) {
      const Edge &edge = problem.edges[e];
      if (segment[edge.from] != current)
        continue;
      auto from = placement.of(edge.from);
      uint64_t way = 0;
      for (uint32_t l = 0; l < segmentLanes[current]; ++l)
        way = std::max(way,
                       transferCycles(topology, from[l].cluster,
                                      replicas[l].cluster, edge.chunkBytes()));
      uint64_t first = endOf[edge.from];
      if (edge.isStream()) {
        uint64_t length = endOf[edge.from] - startOf[edge.from];
        first = startOf[edge.from] + (length + edge.chunks - 1) / edge.chunks;
        lastChunks.emplace_back(endOf[edge.from] + way, edge.chunks);
      }
      ready = std::max(ready, first + way);
    }
    ready += gap;
    // The slowest lane sets the length of the slot; lanes of one allocation
    // have equal gangs.
    uint64_t duration = 0;
    peas.clear();
    for (uint32_t l = 0; l < segmentLanes[current]; ++l) {
      const Replica &home = replicas[l];
      duration = std::max(duration, problem.cyclesOn(b, home.peaCount));
      const uint32_t first =
          (home.cluster * desc.tbusPerCluster + home.tbu) * desc.peasPerTbu +
          home.peaFirst;
      for (uint32_t p = 0; p < home.peaCount; ++p)
        peas.push_back(first + p);
    }

    // With streams a task may wait for chunks while it has its PEAs.
    uint64_t until = 0;
    for (auto [arrival, chunks] : lastChunks)
      until = std::max(until, arrival + (duration + chunks - 1) / chunks);
    auto lengthFrom = [&](uint64_t start) {
      return std::max(duration, until > start ? until - start : 0);
    };

    // The first time from `ready` on at which all PEAs of the gang are free:
    // try the start and the end of each of the last intervals of each PEA.
    auto freeFrom = [&](uint64_t start) {
      // Returns `start`, or the least later time that one of the PEAs allows.
      for (uint32_t pea : peas) {
        const std::vector<Interval> &list = busy[pea];
        auto at = std::upper_bound(
            list.begin(), list.end(), start,
            [&](uint64_t t, const Interval &i) { return t < i.end + gap; });
        if (at != list.end() && at->begin < start + lengthFrom(start) + gap)
          return at->end + gap;
      }
      return start;
    };
    uint64_t start = ready;
    for (uint32_t tries = 0;; ++tries) {
      uint64_t next = freeFrom(start);
      if (next == start)
        break;
      start = next;
      if (tries == options.insertionDepth) {
        for (uint32_t pea : peas)
          if (const auto &list = busy[pea]; !list.empty())
            start = std::max(start, list.back().end + gap);
        break;
      }
    }
    duration = lengthFrom(start);
    for (uint32_t pea : peas) {
      std::vector<Interval> &list = busy[pea];
      if (list.empty())
        touched.push_back(pea);
      auto at = std::upper_bound(
          list.begin(), list.end(), start,
          [](uint64_t t, const Interval &i) { return t < i.begin; });
      list.insert(at, {start, start + duration});
    }
    startOf[b] = start;
    endOf[b] = start + duration;
    slots.push_back({b, 0, start, duration});
  }
  close();
  return schedule;
}

} // namespace octo::sched
