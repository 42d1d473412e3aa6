//===- Verify.cpp - Independent checks of places and timetables -----------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Straight from the rules, linear in what there is to check.
//
//===----------------------------------------------------------------------===//

#include "octo/Scheduling/Verify.h"
#include "octo/Target/Capacity.h"
#include "octo/Target/StreamNet.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace octo::sched {

namespace {

std::string describe(const Problem &problem, uint32_t block) {
  return fmt::format("{} '{}'",
                     problem.isTask(block) ? "task" : "control block",
                     problem.path[block]);
}

/// Collects violations up to a limit.
class Report {
public:
  explicit Report(size_t limit) : limit(limit) {}
  bool full() const { return found.size() >= limit; }
  void add(uint32_t block, std::string message,
           std::vector<uint32_t> others = {}) {
    if (!full())
      found.push_back({block, std::move(others), std::move(message)});
  }
  std::vector<Violation> take() { return std::move(found); }

private:
  size_t limit;
  std::vector<Violation> found;
};

} // namespace

std::vector<Violation> verifyPlacement(const Problem &problem,
                                       const Topology &topology,
                                       const Placement &placement,
                                       size_t limit) {
  Report report(limit);
  if (Checked<void> sound = checkProblem(problem); !sound)
    return {sound.error()};
  const TargetDesc &desc = topology.desc();
  const Capacity capacity(topology);
  const uint32_t numBlocks = problem.numBlocks();
  if (placement.offsets.size() != size_t(numBlocks) + 1 ||
      placement.routing.size() != numBlocks) {
    report.add(none, fmt::format("{} blocks, but places for {}", numBlocks,
                                 placement.offsets.size() - 1));
    return report.take();
  }

  std::vector<uint64_t> shares(desc.numPeas(), 0);
  std::vector<uint32_t> heaviest(desc.numPeas(), none); // block on the PEA
  std::vector<bool> kernelSeen(problem.codeBytes.size(), false);
  std::vector<bool> placed(numBlocks, false);
  for (uint32_t b = 0; b < numBlocks && !report.full(); ++b) {
    const std::string what = describe(problem, b);
    bool active = false, sound = true;
    for (const Replica &r : placement.of(b)) {
      active |= !r.standby;
      if (r.cluster >= desc.numClusters()) {
        report.add(b, fmt::format("{} is placed in cluster {}, but the machine "
                                  "has {} (0 to {})",
                                  what, r.cluster, desc.numClusters(),
                                  desc.numClusters() - 1));
        sound = false;
        continue;
      }
      if (problem.pinCluster[b] != none && problem.pinCluster[b] != r.cluster)
        report.add(b, fmt::format("{} is pinned to cluster {}, but placed in "
                                  "cluster {}",
                                  what, problem.pinCluster[b], r.cluster));
      if (!problem.isTask(b)) {
        if (r.peaCount)
          report.add(b, fmt::format("{} runs on a CBU, but is placed on {} "
                                    "PEAs",
                                    what, r.peaCount));
        if (!topology.cbuLive(r.cluster))
          report.add(b, fmt::format("{} is placed in cluster {}, whose CBU is "
                                    "dead or cut off; place it elsewhere",
                                    what, r.cluster));
        continue;
      }
      if (r.tbu >= desc.tbusPerCluster || r.peaCount == 0 ||
          uint32_t(r.peaFirst) + r.peaCount > desc.peasPerTbu) {
        report.add(b, fmt::format("{} is placed on PEAs {} to {} of TBU {}, "
                                  "but a cluster has {} TBUs of {} PEAs",
                                  what, r.peaFirst,
                                  int(r.peaFirst) + r.peaCount - 1, r.tbu,
                                  desc.tbusPerCluster, desc.peasPerTbu));
        sound = false;
        continue;
      }
      if (problem.pinTbu[b] != none && problem.pinTbu[b] != r.tbu)
        report.add(b,
                   fmt::format("{} is pinned to TBU {}, but placed on TBU {}",
                               what, problem.pinTbu[b], r.tbu));
      if (problem.pinGang[b] && problem.pinGang[b] != r.peaCount)
        report.add(b, fmt::format("{} is pinned to a gang of {}, but has {} "
                                  "PEAs",
                                  what, problem.pinGang[b], r.peaCount));
      const uint32_t tbu = r.cluster * desc.tbusPerCluster + r.tbu;
      const PeaClass wanted = problem.peaClass[problem.kernel[b]];
      for (uint32_t p = r.peaFirst; p < uint32_t(r.peaFirst) + r.peaCount;
           ++p) {
        const uint32_t pea = tbu * desc.peasPerTbu + p;
        if (!topology.peaLive(pea))
          report.add(b, fmt::format("{} is placed on PEA {} of TBU {} of "
                                    "cluster {}, which is dead or cut off; "
                                    "place it elsewhere",
                                    what, p, r.tbu, r.cluster));
        if (desc.pea.layout[p] != wanted)
          report.add(b, fmt::format("{} needs PEAs of class {}, but PEA {} is "
                                    "of class {}",
                                    what, stringifyPeaClass(wanted), p,
                                    stringifyPeaClass(desc.pea.layout[p])));
        shares[pea] += r.shareQ16;
        heaviest[pea] = b;
      }
      if (r.maxGang < r.peaCount || r.maxGang > topology.livePeas(tbu))
        report.add(b, fmt::format("{} may grow to {} PEAs, but needs at least "
                                  "its share of {} and the TBU has {} live",
                                  what, r.maxGang, r.peaCount,
                                  topology.livePeas(tbu)));
      const GangOption *option = nullptr;
      for (const GangOption &o : problem.gangsOf(b))
        if (o.gang <= r.peaCount)
          option = &o;
      if (!capacity.fitsFootprint(option->footprint))
        report.add(
            b, capacity.checkFootprint(what, option->footprint, option->gang)
                   .error()
                   .message);
    }
    if (!active)
      report.add(b, fmt::format("{} has no active replica; run "
                                "octo-allocate-peas, or place it",
                                what));
    placed[b] = active && sound;
    if (!problem.isTask(b))
      continue;
    const uint32_t kernel = problem.kernel[b];
    if (!kernelSeen[kernel] && !capacity.fitsCode(problem.codeBytes[kernel]))
      report.add(
          b,
          capacity.checkCode("the code of " + what, problem.codeBytes[kernel])
              .error()
              .message);
    kernelSeen[kernel] = true;
    for (uint32_t w : problem.weightsOf(b))
      if (!capacity.fitsWeight(problem.weightBytes[w]))
        report.add(
            b,
            capacity.checkWeight("a weight of " + what, problem.weightBytes[w])
                .error()
                .message);
  }
  for (uint32_t pea = 0; pea < shares.size(); ++pea)
    if (shares[pea] > Capacity::fullShareQ16) {
      // Name the blocks that share it.
      std::vector<uint32_t> others;
      const uint32_t tbu = pea / desc.peasPerTbu, p = pea % desc.peasPerTbu;
      for (uint32_t b = 0; b < numBlocks && others.size() < 8; ++b)
        for (const Replica &r : placement.of(b))
          if (b != heaviest[pea] && r.peaCount && r.shareQ16 &&
              r.cluster * desc.tbusPerCluster + r.tbu == tbu &&
              p >= r.peaFirst && p < uint32_t(r.peaFirst) + r.peaCount)
            others.push_back(b);
      report.add(heaviest[pea],
                 capacity.checkPeaTime(pea, shares[pea]).error().message,
                 std::move(others));
      if (report.full())
        break;
    }

  // Routes between the replicas that serve the same requests. On a machine
  // without dead links every pair of clusters has one.
  for (const Edge &flow : problem.flows) {
    if (report.full())
      break;
    if (flow.from == none || flow.to == none || !placed[flow.from] ||
        !placed[flow.to])
      continue;
    auto from = placement.of(flow.from), to = placement.of(flow.to);
    size_t pairs = std::max(from.size(), to.size());
    for (size_t i = 0; i < pairs; ++i) {
      uint32_t a = from[i % from.size()].cluster;
      uint32_t z = to[i % to.size()].cluster;
      if (topology.reachable(a, z))
        continue;
      report.add(flow.to,
                 fmt::format("{} in cluster {} takes a value of {} in cluster "
                             "{}, but dead links leave no route; place them in "
                             "one part of the mesh",
                             describe(problem, flow.to), z,
                             describe(problem, flow.from), a),
                 {flow.from});
      break;
    }
  }
  return report.take();
}

std::vector<Violation> verifySchedule(const Problem &problem,
                                      const Topology &topology,
                                      const Placement &placement,
                                      const Schedule &schedule, size_t limit) {
  Report report(limit);
  const TargetDesc &desc = topology.desc();
  const uint32_t numBlocks = problem.numBlocks();
  const uint32_t numSegments = schedule.numSegments();
  if (schedule.offsets.size() != size_t(numSegments) + 1 ||
      schedule.interval.size() != numSegments ||
      schedule.lanes.size() != numSegments) {
    report.add(none, "the columns of the segments differ in length");
    return report.take();
  }

  std::vector<const Slot *> slotOf(numBlocks, nullptr);
  std::vector<uint32_t> segmentOf(numBlocks, none);
  for (uint32_t s = 0; s < numSegments && !report.full(); ++s) {
    for (const Slot &slot : schedule.of(s)) {
      if (slot.block >= numBlocks || !problem.isTask(slot.block)) {
        report.add(slot.block < numBlocks ? slot.block : none,
                   fmt::format("segment {} has a slot of a block that is no "
                               "task",
                               s));
        return report.take();
      }
      const uint32_t b = slot.block;
      const std::string what = describe(problem, b);
      if (slotOf[b]) {
        report.add(b, fmt::format("{} has two slots", what));
        continue;
      }
      slotOf[b] = &slot;
      segmentOf[b] = s;
      if (problem.region[b] != schedule.region[s])
        report.add(b,
                   fmt::format("{} belongs to region {}, but segment {} to "
                               "region {}",
                               what, problem.region[b], s, schedule.region[s]));
      if (problem.dynamicTime[b] || problem.dynamicFrequency[b])
        report.add(b, fmt::format(
                          "{} is dynamic in {}, so it cannot have a "
                          "slot in a timetable",
                          what, problem.dynamicTime[b] ? "time" : "frequency"));
      auto replicas = placement.of(b);
      size_t activeReplicas =
          std::count_if(replicas.begin(), replicas.end(),
                        [](const Replica &r) { return !r.standby; });
      if (slot.replica + uint64_t(schedule.lanes[s]) > activeReplicas) {
        report.add(b, fmt::format("{}: segment {} has {} lanes from replica {} "
                                  "on, but the block has {} active replicas",
                                  what, s, schedule.lanes[s], slot.replica,
                                  activeReplicas));
        slotOf[b] = nullptr;
        continue;
      }
      uint32_t fewest = replicas[slot.replica].peaCount;
      for (uint32_t l = 1; l < schedule.lanes[s]; ++l)
        fewest =
            std::min<uint32_t>(fewest, replicas[slot.replica + l].peaCount);
      uint64_t least = problem.cyclesOn(b, fewest);
      if (slot.cycles < least)
        report.add(b,
                   fmt::format("{} needs {} cycles on {} PEA{}, but its slot "
                               "has {}; lengthen the slot or give it more "
                               "PEAs",
                               what, least, replicas[slot.replica].peaCount,
                               replicas[slot.replica].peaCount == 1 ? "" : "s",
                               slot.cycles));
    }
  }

  // Inputs before starts.
  std::vector<StreamEdge> streams;
  for (const Edge &edge : problem.edges) {
    const Slot *from = slotOf[edge.from], *to = slotOf[edge.to];
    if (edge.isStream() &&
        (!from || !to || segmentOf[edge.from] != segmentOf[edge.to]))
      report.add(edge.to,
                 fmt::format("{} takes a stream from {}, but streams lead from "
                             "slot to slot of one segment; make it a whole "
                             "flow",
                             describe(problem, edge.to),
                             describe(problem, edge.from)),
                 {edge.from});
    if (!from || !to || segmentOf[edge.from] != segmentOf[edge.to])
      continue;
    if (edge.isStream())
      streams.push_back({edge.from, edge.to, edge.chunks, edge.buffer});
    uint64_t made = from->start + from->cycles;
    if (edge.isStream())
      made = from->start + (from->cycles + edge.chunks - 1) / edge.chunks;
    uint64_t arrival = 0, end = 0;
    for (uint32_t l = 0; l < schedule.lanes[segmentOf[edge.to]]; ++l) {
      const Replica &a = placement.of(edge.from)[from->replica + l];
      const Replica &z = placement.of(edge.to)[to->replica + l];
      uint64_t way =
          transferCycles(topology, a.cluster, z.cluster, edge.chunkBytes());
      arrival = std::max(arrival, made + way);
      uint64_t part = problem.cyclesOn(edge.to, z.peaCount);
      part = (part + edge.chunks - 1) / edge.chunks;
      end = std::max(end, from->start + from->cycles + way + part);
    }
    if (edge.isStream() && to->start + to->cycles < end)
      report.add(edge.to,
                 fmt::format("{} ends at cycle {}, but it has the last chunk "
                             "from {} to work on until cycle {} at the "
                             "earliest; lengthen the slot by {} cycles",
                             describe(problem, edge.to), to->start + to->cycles,
                             describe(problem, edge.from), end,
                             end - to->start - to->cycles),
                 {edge.from});
    if (to->start < arrival)
      report.add(edge.to,
                 fmt::format("{} starts at cycle {}, but {} from {} is "
                             "there at cycle {} at the earliest; move the slot "
                             "by {} cycles",
                             describe(problem, edge.to), to->start,
                             edge.isStream() ? "the first chunk" : "its input",
                             describe(problem, edge.from), arrival,
                             arrival - to->start),
                 {edge.from});
  }
  if (std::optional<StreamDeadlock> deadlock = findStreamDeadlock(streams)) {
    if (deadlock->widen == noStream) {
      report.add(streams[deadlock->streams[0]].from,
                 fmt::format("more than {} tasks are connected by streams that "
                             "meet again in different numbers of chunks; give "
                             "them all the same number",
                             maxMixedStreamTasks));
    } else {
      const StreamEdge &widen = streams[deadlock->widen];
      std::vector<uint32_t> others;
      for (uint32_t s : deadlock->streams)
        if (streams[s].from != widen.from)
          others.push_back(streams[s].from);
      report.add(widen.from,
                 fmt::format("{} and the tasks that it streams to on several "
                             "ways can wait for each other for ever: its "
                             "stream to {} has a buffer of {} of {} chunks; "
                             "give it {}, or all of them the same number of "
                             "chunks",
                             describe(problem, widen.from),
                             describe(problem, widen.to), widen.buffer,
                             widen.chunks, deadlock->buffer),
                 std::move(others));
    }
  }

  // One slot at a time on a PEA, in all segments of a region, whose slots go by
  // one clock; and the work of each PEA.
  struct Use {
    uint32_t pea;
    uint32_t lane;
    uint64_t start;
    uint64_t end;
    uint32_t block;
  };
  std::vector<uint32_t> byRegion(numSegments);
  std::iota(byRegion.begin(), byRegion.end(), 0u);
  std::sort(byRegion.begin(), byRegion.end(), [&](uint32_t a, uint32_t b) {
    return std::tie(schedule.region[a], a) < std::tie(schedule.region[b], b);
  });
  std::vector<Use> uses;
  for (uint32_t i = 0, end; i < numSegments; i = end) {
    for (end = i; end < numSegments && schedule.region[byRegion[end]] ==
                                           schedule.region[byRegion[i]];)
      ++end;
    uses.clear();
    for (uint32_t k = i; k < end; ++k) {
      const uint32_t s = byRegion[k];
      for (const Slot &slot : schedule.of(s)) {
        if (slotOf[slot.block] != &slot)
          continue;
        for (uint32_t l = 0; l < schedule.lanes[s]; ++l) {
          const Replica &r = placement.of(slot.block)[slot.replica + l];
          const uint32_t first =
              (r.cluster * desc.tbusPerCluster + r.tbu) * desc.peasPerTbu +
              r.peaFirst;
          for (uint32_t p = 0; p < r.peaCount; ++p)
            uses.push_back({first + p, l, slot.start, slot.start + slot.cycles,
                            slot.block});
        }
      }
    }
    std::sort(uses.begin(), uses.end(), [](const Use &a, const Use &b) {
      return std::tie(a.lane, a.pea, a.start, a.block) <
             std::tie(b.lane, b.pea, b.start, b.block);
    });
    uint64_t sum = 0;
    for (size_t u = 0; u < uses.size(); ++u) {
      auto samePea = [&](size_t x, size_t y) {
        return uses[x].lane == uses[y].lane && uses[x].pea == uses[y].pea;
      };
      const Use &use = uses[u];
      if (u && samePea(u, u - 1)) {
        const Use &before = uses[u - 1];
        if (use.start < before.end)
          report.add(use.block,
                     fmt::format("{} starts at cycle {} on PEA {}, which {} "
                                 "holds until cycle {}; move one of the slots",
                                 describe(problem, use.block), use.start,
                                 use.pea, describe(problem, before.block),
                                 before.end),
                     {before.block});
      } else {
        sum = 0;
      }
      sum += use.end - use.start;
      const uint32_t s = segmentOf[use.block];
      if ((u + 1 == uses.size() || !samePea(u + 1, u)) &&
          sum > schedule.interval[s])
        report.add(use.block,
                   fmt::format("segment {} may be activated every {} cycles, "
                               "but PEA {} works {} cycles for each "
                               "activation; raise the interval",
                               s, schedule.interval[s], use.pea, sum));
    }
  }

  // A segment is admitted as a whole, when everything that it takes from
  // outside is there. So nothing outside that it waits for may wait for it:
  // merge each segment to one node and look for a cycle (Kahn).
  std::vector<uint32_t> node(numBlocks), waiting, outOffsets;
  for (uint32_t b = 0; b < numBlocks; ++b)
    node[b] = segmentOf[b] == none ? numSegments + b : segmentOf[b];
  const uint32_t numNodes = numSegments + numBlocks;
  waiting.assign(numNodes, 0);
  outOffsets.assign(numNodes + 1, 0);
  for (const Edge &edge : problem.edges)
    if (node[edge.from] != node[edge.to]) {
      ++waiting[node[edge.to]];
      ++outOffsets[node[edge.from] + 1];
    }
  for (uint32_t n = 0; n < numNodes; ++n)
    outOffsets[n + 1] += outOffsets[n];
  std::vector<uint32_t> out(outOffsets[numNodes]);
  std::vector<uint32_t> next(outOffsets.begin(), outOffsets.end() - 1);
  for (const Edge &edge : problem.edges)
    if (node[edge.from] != node[edge.to])
      out[next[node[edge.from]]++] = node[edge.to];
  std::vector<uint32_t> stack;
  for (uint32_t n = 0; n < numNodes; ++n)
    if (waiting[n] == 0)
      stack.push_back(n);
  while (!stack.empty()) {
    uint32_t n = stack.back();
    stack.pop_back();
    for (uint32_t i = outOffsets[n]; i < outOffsets[n + 1]; ++i)
      if (--waiting[out[i]] == 0)
        stack.push_back(out[i]);
  }
  for (uint32_t s = 0; s < numSegments; ++s)
    if (waiting[s] && schedule.offsets[s] != schedule.offsets[s + 1]) {
      std::vector<uint32_t> others;
      for (const Slot &slot : schedule.of(s).subspan(1))
        if (others.size() < 4)
          others.push_back(slot.block);
      report.add(schedule.of(s)[0].block,
                 fmt::format("segment {} can never be admitted: it waits for a "
                             "block that waits for one of its tasks; split the "
                             "segment there",
                             s),
                 std::move(others));
    }
  return report.take();
}

} // namespace octo::sched
