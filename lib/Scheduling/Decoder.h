//===- Decoder.h - From an order of tasks to a schedule ---------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What list scheduler and search share: turns priorities, or an order with
// sites, into start times. Keeps its tables between calls.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_SCHEDULING_DECODER_H
#define OCTO_LIB_SCHEDULING_DECODER_H

#include "octo/Scheduling/ListScheduler.h"

namespace octo::sched {

/// Backward schedules run from the last task to the first.
enum class Direction : uint8_t { Forward, Backward };

class Decoder {
public:
  /// An edge as one of its ends sees it.
  struct Link {
    uint32_t other;
    uint32_t edge;
  };

  explicit Decoder(const TaskGraph &graph);

  /// See listSchedule. Starts of a backward schedule count from the end. If
  /// `open` is not empty, only sites in nodes that are open count; every kind
  /// must have one.
  TaskSchedule list(std::span<const uint64_t> priority, Direction direction,
                    std::span<const uint8_t> open = {});

  /// Starts tasks in the given topological order at the given sites, each after
  /// all before it on its processors. `binding` gets the task that each waited
  /// for, or `none`. Linear in tasks, edges and processors of sites.
  uint64_t append(std::span<const uint32_t> order,
                  std::span<const uint32_t> site, std::vector<uint64_t> &start,
                  std::vector<uint32_t> &binding);

  std::span<const Link> before(uint32_t task) const {
    return std::span(ins).subspan(inOffsets[task],
                                  inOffsets[task + 1] - inOffsets[task]);
  }
  std::span<const Link> after(uint32_t task) const {
    return std::span(outs).subspan(outOffsets[task],
                                   outOffsets[task + 1] - outOffsets[task]);
  }
  const Site &siteOf(uint32_t task, uint32_t site) const {
    return graph.sites[graph.kind[task]][site];
  }
  /// Pairs of a task and a site that were looked at.
  uint64_t steps = 0;

private:
  struct Interval {
    uint64_t begin;
    uint64_t end;
  };

  uint64_t delay(uint32_t edge, uint32_t from, uint32_t to) const {
    size_t at = size_t(from) * graph.numNodes + to;
    return graph.latency[at] + moving[size_t(edge) * numWidths + widthOf[at]];
  }
  /// The first start from `ready` on at which the site is free so long.
  uint64_t firstGap(const Site &site, uint64_t ready, uint64_t cycles) const;

  const TaskGraph &graph;
  std::vector<uint32_t> inOffsets, outOffsets;
  std::vector<Link> ins, outs;
  // Cycles that the bytes of an edge take over each width of a way.
  size_t numWidths = 0;
  std::vector<uint16_t> widthOf; // by pair of nodes
  std::vector<uint64_t> moving;
  // Scratch.
  std::vector<std::vector<Interval>> busy;
  std::vector<uint64_t> freeAt, loadOf, ready;
  std::vector<uint32_t> lastOn, waiting;
};

} // namespace octo::sched

#endif // OCTO_LIB_SCHEDULING_DECODER_H
