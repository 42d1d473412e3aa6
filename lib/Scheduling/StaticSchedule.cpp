//===- StaticSchedule.cpp - Timetables of static tasks --------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Segments by levels and union-find; list scheduling with insertion, region by
// region.
//
//===----------------------------------------------------------------------===//

#include "octo/Scheduling/StaticSchedule.h"

#include "Saturating.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <tuple>

namespace octo::sched {

static bool isStatic(const Problem &problem, uint32_t block) {
  return problem.isTask(block) && !problem.dynamicTime[block] &&
         !problem.dynamicFrequency[block];
}

/// How many times a path from the region's start to each block passes from
/// something dynamic to something static, at most. Edges run upwards.
static std::vector<uint32_t> findLevels(const Problem &problem,
                                        const Adjacency &in) {
  std::vector<uint32_t> level(problem.numBlocks(), 0);
  for (uint32_t b = 0; b < problem.numBlocks(); ++b)
    for (uint32_t e : in.of(b)) {
      uint32_t from = problem.edges[e].from;
      level[b] = std::max(level[b], level[from] + (isStatic(problem, b) &&
                                                   !isStatic(problem, from)));
    }
  return level;
}

/// See findSegments.
static std::vector<uint32_t> joinSegments(const Problem &problem,
                                          const Adjacency &in,
                                          std::span<const uint32_t> level) {
  const uint32_t numBlocks = problem.numBlocks();
  std::vector<uint32_t> parent(numBlocks);
  std::iota(parent.begin(), parent.end(), 0u);
  auto find = [&](uint32_t b) {
    while (parent[b] != b)
      b = parent[b] = parent[parent[b]];
    return b;
  };
  for (uint32_t b = 0; b < numBlocks; ++b) {
    if (!isStatic(problem, b))
      continue;
    for (uint32_t e : in.of(b)) {
      uint32_t from = problem.edges[e].from;
      if (!isStatic(problem, from) || level[from] != level[b])
        continue;
      // The smaller number becomes the root, so that roots are first blocks.
      uint32_t x = find(from), y = find(b);
      parent[std::max(x, y)] = std::min(x, y);
    }
  }
  std::vector<uint32_t> segment(numBlocks, none);
  uint32_t next = 0;
  for (uint32_t b = 0; b < numBlocks; ++b)
    if (isStatic(problem, b)) {
      uint32_t root = find(b);
      if (root == b)
        segment[b] = next++;
      else
        segment[b] = segment[root];
    }
  return segment;
}

std::vector<uint32_t> findSegments(const Problem &problem) {
  Adjacency in = groupEdges(problem.edges, problem.numBlocks(), false);
  return joinSegments(problem, in, findLevels(problem, in));
}

namespace {

struct Interval {
  uint64_t begin;
  uint64_t end;
};

/// Times all blocks of a region on the clock of its activation: static tasks in
/// slots, everything else by what is expected of it, so that segments come
/// after what they wait for. Control blocks are entered when their turn comes.
class Timer {
public:
  Timer(const Problem &problem, const Topology &topology,
        const Placement &placement, std::span<const uint64_t> rank,
        const ScheduleOptions &options)
      : problem(problem), topology(topology), desc(topology.desc()),
        placement(placement), rank(rank), options(options),
        gap(uint64_t(desc.controlPlane.localDispatchCycles) +
            desc.configStore.switchCycles) {}

  Checked<Schedule> run();

private:
  void timeRegion(uint32_t region, uint32_t depth, uint64_t activation);
  uint64_t readyAt(uint32_t block);
  void timeControl(uint32_t block, uint32_t depth);
  void timeTask(uint32_t block, uint32_t depth);
  void fail(uint32_t block, const char *what) {
    error = Violation{
        block, {}, fmt::format("task '{}' {}", problem.path[block], what)};
  }
  uint32_t activeReplicas(uint32_t block) const {
    std::span<const Replica> replicas = placement.of(block);
    return uint32_t(std::count_if(replicas.begin(), replicas.end(),
                                  [](const Replica &r) { return !r.standby; }));
  }
  uint32_t clusterOf(uint32_t block) const {
    return placement.clusterOf(block, topology);
  }
  uint64_t tokenWay(uint32_t from, uint32_t to) const {
    return tokenCycles(topology, clusterOf(from), clusterOf(to));
  }
  uint64_t wayCycles(const Edge &edge) const {
    return transferCycles(topology, clusterOf(edge.from), clusterOf(edge.to),
                          edge.bytes);
  }

  const Problem &problem;
  const Topology &topology;
  const TargetDesc &desc;
  const Placement &placement;
  std::span<const uint64_t> rank;
  const ScheduleOptions &options;
  const uint64_t gap; // what a PEA needs between two instances, at most

  Adjacency in, flowsIn;
  std::vector<uint32_t> level, segment, segmentLanes;
  std::vector<uint32_t> firstBlock;             // by region, and one more
  std::vector<std::vector<uint32_t>> regionsOf; // of a control block
  /// By block, on the clock of its region.
  std::vector<uint64_t> startOf, endOf;
  /// Of the first activation, on the clock of the request.
  std::vector<uint64_t> activationOf;
  std::vector<uint64_t> lengthOf, intervalOf; // of a region
  std::vector<uint64_t> delayOf; // until the last import of a region is there
  /// By depth of nesting and PEA: one region of a depth is open at a time.
  struct Table {
    std::vector<std::vector<Interval>> busy;
    std::vector<uint64_t> slots; // cycles in slots
    std::vector<uint32_t> touched;
  };
  std::vector<Table> tables;
  std::vector<uint32_t> peas; // scratch
  /// Of the streams to a task: when the last chunk is there, and of how many.
  std::vector<std::pair<uint64_t, uint32_t>> lastChunks;
  std::vector<std::vector<Slot>> slotsOf; // by segment
  std::optional<Violation> error;
};

/// When the inputs of a block from its region are there; for a control block,
/// those that its decision waits for (of a loop, the first).
uint64_t Timer::readyAt(uint32_t b) {
  const uint32_t mine = segment[b];
  const bool loop = !regionsOf.empty() && !problem.isTask(b) &&
                    !regionsOf[b].empty() &&
                    problem.regionSerial[regionsOf[b].front()];
  uint64_t ready = 0, first = forever;
  lastChunks.clear();
  for (uint32_t e : in.of(b)) {
    const Edge &edge = problem.edges[e];
    if (edge.late)
      continue;
    uint64_t arrival;
    if (mine == none || segment[edge.from] != mine) {
      arrival =
          addSat(endOf[edge.from],
                 problem.isTask(b) ? wayCycles(edge) : tokenWay(edge.from, b));
    } else {
      // Inputs must be there in every lane: of a stream, the first chunk at the
      // start, and the last one before the part of the work that is for it.
      std::span<const Replica> from = placement.of(edge.from);
      uint64_t way = 0;
      for (uint32_t l = 0; l < segmentLanes[mine]; ++l)
        way = std::max(way, transferCycles(topology, from[l].cluster,
                                           placement.of(b)[l].cluster,
                                           edge.chunkBytes()));
      arrival = endOf[edge.from] + way;
      if (edge.isStream()) {
        const uint64_t length = endOf[edge.from] - startOf[edge.from];
        lastChunks.emplace_back(arrival, edge.chunks);
        arrival =
            startOf[edge.from] + (length + edge.chunks - 1) / edge.chunks + way;
      }
    }
    ready = std::max(ready, arrival);
    first = std::min(first, arrival);
  }
  if (loop && first != forever)
    return first;
  // From around the region: the activation comes by token, and with it, or
  // later, what is taken in.
  const uint32_t region = problem.region[b];
  const uint32_t owner = problem.regionOwner[region];
  if (owner == none)
    return ready;
  ready = std::max(ready, tokenWay(owner, b));
  for (uint32_t e : flowsIn.of(b)) {
    const Edge &flow = problem.flows[e];
    if (problem.region[flow.from] >= region || !problem.isTask(b))
      continue;
    const uint64_t made =
        activationOf[problem.region[flow.from]] + endOf[flow.from];
    uint64_t late = made - std::min(made, activationOf[region]);
    delayOf[region] = std::max(delayOf[region], late);
    // Only the first iteration waits for it.
    if (problem.regionSerial[region])
      late = 0;
    ready = std::max(ready, addSat(late, wayCycles(flow)));
  }
  return ready;
}

void Timer::timeControl(uint32_t b, uint32_t depth) {
  const uint64_t start = readyAt(b);
  const uint64_t decided = addSat(start, problem.cycles[b]);
  const uint64_t at = addSat(activationOf[problem.region[b]], decided);
  uint64_t serial = 0, sum = 0, most = 0, delay = 0;
  for (uint32_t r : regionsOf[b]) {
    timeRegion(r, depth + 1, at);
    if (error)
      return;
    const uint64_t rate = problem.regionRateQ16[r];
    delay = std::max(delay, problem.regionSerial[r] ? delayOf[r] : 0);
    if (problem.regionSerial[r]) {
      serial = addSat(serial, scale(lengthOf[r], rate));
      continue;
    }
    // Copies follow each other as the timetables inside allow.
    uint64_t length = lengthOf[r];
    if (rate > 65536)
      length = addSat(length, scale(intervalOf[r], rate - 65536));
    sum = addSat(sum, scale(length, std::min<uint64_t>(rate, 65536)));
    most = std::max(most, length);
  }
  startOf[b] = start;
  // A loop decides once more than it runs `after`; a choice runs its cases in
  // turn or side by side, by what is expected.
  uint64_t decisions = decided;
  if (!regionsOf[b].empty() && problem.regionSerial[regionsOf[b].front()])
    decisions = addSat(
        start, scale(problem.cycles[b],
                     std::max<uint64_t>(
                         65536, problem.regionRateQ16[regionsOf[b].front()])));
  endOf[b] = addSat(decisions, addSat(delay, serial + std::min(sum, most)));
  // What only passes through is there no earlier than it is.
  for (uint32_t e : in.of(b))
    endOf[b] = std::max(endOf[b], endOf[problem.edges[e].from]);
}

void Timer::timeTask(uint32_t b, uint32_t depth) {
  std::span<const Replica> replicas = placement.of(b);
  const uint32_t mine = segment[b];
  if (mine != none && replicas.empty())
    return fail(b, "has no replica to be timed on; run octo-allocate-peas "
                   "first");
  if (mine != none && segmentLanes[mine] == 0)
    return fail(b, "has only standby replicas, so it cannot be timed; run "
                   "octo-allocate-peas");
  const uint64_t ready = addSat(readyAt(b), gap);
  // The slowest lane sets the length of the slot; lanes of one allocation have
  // equal gangs. A dynamic task with one replica takes its PEAs as expected;
  // with several it is not known which.
  uint64_t duration = 0;
  peas.clear();
  uint32_t lanes = mine != none ? segmentLanes[mine] : activeReplicas(b);
  if (mine == none && lanes > 1) {
    duration = problem.cyclesOn(b, replicas[0].peaCount);
    lanes = 0;
  }
  for (uint32_t l = 0; l < lanes; ++l) {
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

  // The first time from `ready` on at which all PEAs of the gang are free: try
  // the start and the end of each of the last intervals of each PEA.
  Table &table = tables[depth];
  auto freeFrom = [&](uint64_t start) {
    // Returns `start`, or the least later time that one of the PEAs allows.
    for (uint32_t pea : peas) {
      const std::vector<Interval> &list = table.busy[pea];
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
        if (const auto &list = table.busy[pea]; !list.empty())
          start = std::max(start, list.back().end + gap);
      break;
    }
  }
  duration = lengthFrom(start);
  for (uint32_t pea : peas) {
    std::vector<Interval> &list = table.busy[pea];
    if (list.empty())
      table.touched.push_back(pea);
    auto at = std::upper_bound(
        list.begin(), list.end(), start,
        [](uint64_t t, const Interval &i) { return t < i.begin; });
    list.insert(at, {start, start + duration});
    if (mine != none)
      table.slots[pea] += duration + gap;
  }
  startOf[b] = start;
  endOf[b] = addSat(start, duration);
  if (mine != none)
    slotsOf[mine].push_back({b, 0, start, duration});
}

void Timer::timeRegion(uint32_t region, uint32_t depth, uint64_t activation) {
  activationOf[region] = activation;
  if (tables.size() <= depth)
    tables.resize(depth + 1);
  if (tables[depth].busy.empty()) {
    tables[depth].busy.resize(desc.numPeas());
    tables[depth].slots.assign(desc.numPeas(), 0);
  }
  // Level by level, the static tasks of one before what is dynamic in it; a
  // segment in the order of falling rank.
  std::vector<uint32_t> order(firstBlock[region + 1] - firstBlock[region]);
  std::iota(order.begin(), order.end(), firstBlock[region]);
  auto key = [&](uint32_t b) {
    return std::make_tuple(level[b], segment[b],
                           segment[b] == none ? 0 : ~rank[b], b);
  };
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return key(a) < key(b); });
  for (uint32_t b : order) {
    if (problem.isTask(b))
      timeTask(b, depth);
    else
      timeControl(b, depth);
    if (error)
      return;
    lengthOf[region] = std::max(lengthOf[region], endOf[b]);
  }
  Table &table = tables[depth];
  for (uint32_t pea : table.touched) {
    intervalOf[region] = std::max(intervalOf[region], table.slots[pea]);
    table.slots[pea] = 0;
    table.busy[pea].clear();
  }
  table.touched.clear();
}

Checked<Schedule> Timer::run() {
  const uint32_t numBlocks = problem.numBlocks();
  const uint32_t numRegions = problem.numRegions();
  in = groupEdges(problem.edges, numBlocks, /*outgoing=*/false);
  level = findLevels(problem, in);
  segment = joinSegments(problem, in, level);
  Schedule schedule;
  uint32_t numSegments = 0;
  for (uint32_t s : segment)
    if (s != none)
      numSegments = std::max(numSegments, s + 1);
  if (numSegments == 0)
    return schedule;
  flowsIn = groupEdges(problem.flows, numBlocks, /*outgoing=*/false);
  firstBlock.assign(numRegions + 1, 0);
  for (uint32_t region : problem.region)
    ++firstBlock[region + 1];
  for (uint32_t r = 0; r < numRegions; ++r)
    firstBlock[r + 1] += firstBlock[r];
  regionsOf.resize(numBlocks);
  for (uint32_t r = 1; r < numRegions; ++r)
    regionsOf[problem.regionOwner[r]].push_back(r);
  // Lane l uses replica l of each task; the task with the fewest limits them.
  segmentLanes.assign(numSegments, none);
  for (uint32_t b = 0; b < numBlocks; ++b)
    if (segment[b] != none)
      segmentLanes[segment[b]] =
          std::min(segmentLanes[segment[b]], activeReplicas(b));
  startOf.assign(numBlocks, 0);
  endOf.assign(numBlocks, 0);
  activationOf.assign(numRegions, 0);
  lengthOf.assign(numRegions, 0);
  intervalOf.assign(numRegions, 0);
  delayOf.assign(numRegions, 0);
  slotsOf.resize(numSegments);

  timeRegion(0, 0, 0);
  if (error)
    return tl::make_unexpected(std::move(*error));
  for (uint32_t s = 0; s < numSegments; ++s) {
    std::vector<Slot> &slots = slotsOf[s];
    std::sort(slots.begin(), slots.end(), [](const Slot &a, const Slot &b) {
      return std::tie(a.start, a.block) < std::tie(b.start, b.block);
    });
    schedule.region.push_back(problem.region[slots.front().block]);
    schedule.slots.insert(schedule.slots.end(), slots.begin(), slots.end());
    schedule.offsets.push_back(uint32_t(schedule.slots.size()));
    schedule.interval.push_back(intervalOf[schedule.region[s]]);
    schedule.lanes.push_back(segmentLanes[s]);
  }
  schedule.expectedEnd = std::move(endOf);
  return schedule;
}

} // namespace

Checked<Schedule> scheduleStatic(const Problem &problem,
                                 const Topology &topology,
                                 const Placement &placement,
                                 std::span<const uint64_t> rank,
                                 const ScheduleOptions &options) {
  return Timer(problem, topology, placement, rank, options).run();
}

} // namespace octo::sched
