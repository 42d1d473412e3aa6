//===- EngineSegments.cpp - Timetables of the compiler --------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A segment is admitted as a whole; PEAs are kept for the slots of its lane.
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include <algorithm>
#include <bit>
#include <tuple>

using namespace octo;

const ReplicaInfo &Engine::replicaOfSlot(uint32_t slot, uint32_t lane) const {
  const SlotInfo &info = t.slots[slot];
  const BlockInfo &block = t.blocks[info.block];
  uint32_t wanted = info.replica + lane;
  // Without standby replicas the numbers are those of the program.
  const ReplicaInfo *replicas = &t.replicas[block.replicaBegin];
  if (wanted < block.numReplicas && replicas[wanted].original == wanted)
    return replicas[wanted];
  for (uint32_t r = 0; r < block.numReplicas; ++r)
    if (replicas[r].original == wanted)
      return replicas[r];
  return replicas[0];
}

/// The slots of a lane by TBU, in order of start; made when the lane is first
/// used.
void Engine::layOutLane(uint32_t s, uint32_t lane) {
  const SegmentInfo &segment = t.segments[s];
  uint32_t begin = static_cast<uint32_t>(slotOrder.size());
  uint32_t groups = static_cast<uint32_t>(slotGroups.size());
  std::vector<std::tuple<uint32_t, uint64_t, uint32_t>> order;
  for (uint32_t i = segment.slotBegin; i < segment.slotEnd; ++i) {
    const ReplicaInfo &replica = replicaOfSlot(i, lane);
    // The timetable of a place that has died is void.
    if (!faults ||
        !faults->rehomed[static_cast<size_t>(&replica - t.replicas.data())])
      order.emplace_back(replica.tbu, t.slots[i].start, i);
  }
  std::sort(order.begin(), order.end());
  for (size_t i = 0; i < order.size(); ++i) {
    uint32_t tbu = std::get<0>(order[i]);
    if (!i || tbu != std::get<0>(order[i - 1]))
      slotGroups.push_back({tbu, begin + static_cast<uint32_t>(i), 0});
    slotOrder.push_back(std::get<2>(order[i]));
    slotGroups.back().end = static_cast<uint32_t>(slotOrder.size());
  }
  laneGroups[segmentLaneBegin[s] + lane] = {
      groups, static_cast<uint32_t>(slotGroups.size())};
  laneInterval[segmentLaneBegin[s] + lane] = traits.clusterQueues
                                                 ? sharedInterval(s, lane)
                                                 : segment.initiationInterval;
}

/// The initiation interval of a lane whose slots any PEA of their clusters may
/// serve: their work over these PEAs, of the class that has most to do.
uint64_t Engine::sharedInterval(uint32_t s, uint32_t lane) const {
  const SegmentInfo &segment = t.segments[s];
  std::array<uint64_t, 3> work{}, peas{};
  std::set<uint32_t> seen;
  for (uint32_t i = segment.slotBegin; i < segment.slotEnd; ++i) {
    const ReplicaInfo &replica = replicaOfSlot(i, lane);
    work[classOf(t.blocks[t.slots[i].block].kernel)] +=
        t.slots[i].cycles * uint64_t(std::popcount(replica.peas));
    uint32_t cluster = clusterOf(replica.tbu);
    if (!seen.insert(cluster).second)
      continue;
    for (uint32_t k = 0; k < m.tbusPerCluster; ++k)
      for (uint8_t c = 0; c < peas.size(); ++c) {
        uint32_t tbu = cluster * m.tbusPerCluster + k;
        peas[c] +=
            uint64_t(std::popcount(m.eligible(tbu, c) & tbus[tbu].usable));
      }
  }
  uint64_t interval = 0;
  for (uint8_t c = 0; c < peas.size(); ++c)
    interval = std::max(interval, work[c] / std::max<uint64_t>(peas[c], 1));
  return std::min(interval, segment.initiationInterval);
}

/// Admits the segments of a region instance as wholes, each not before the
/// initiation interval of its lane has passed.
void Engine::activateSegments(uint32_t frameId) {
  Frame &frame = frames[frameId];
  const RegionInfo &region = t.regions[frame.region];
  uint32_t slot;
  if (freeActivations.empty()) {
    slot = static_cast<uint32_t>(segmentActivations.size());
    segmentActivations.emplace_back();
  } else {
    slot = freeActivations.back();
    freeActivations.pop_back();
  }
  frame.activations = slot;
  std::vector<SegmentActivation> &list = segmentActivations[slot];
  list.clear();
  uint64_t number = requests[frame.request].lane;
  for (uint32_t i = region.segmentBegin; i < region.segmentEnd; ++i) {
    uint32_t s = t.regionSegments[i];
    const SegmentInfo &segment = t.segments[s];
    uint32_t lane = static_cast<uint32_t>(number % segment.lanes);
    uint32_t entry = segmentLaneBegin[s] + lane;
    uint64_t at = now();
    if (laneGroups[entry].first == noIndex)
      layOutLane(s, lane);
    if (laneAdmitted[entry] != never)
      at = std::max(at, laneAdmitted[entry] + laneInterval[entry]);
    laneAdmitted[entry] = at;
    list.push_back({at, lane});
    if (!isKept(segment))
      continue;
    auto [begin, end] = laneGroups[entry];
    for (uint32_t g = begin; g < end; ++g)
      tbus[slotGroups[g].tbu].keeps.push_back({frameId, frame.generation,
                                               slotGroups[g].begin,
                                               slotGroups[g].end, at, lane});
  }
}

/// The instance of a slot exists: some of its inputs have come.
bool Engine::slotBegun(const Keep &keep, uint32_t slot) const {
  const Frame &frame = frames[keep.frame];
  return frame.words[t.slots[slot].block - t.regions[frame.region].blockBegin];
}

bool Engine::slotPassed(const Keep &keep, uint32_t slot) {
  const Frame &frame = frames[keep.frame];
  uint32_t word =
      frame.words[t.slots[slot].block - t.regions[frame.region].blockBegin];
  if (word == overMark)
    return true;
  return word && instances[word - 1].state >= InstanceState::Held;
}

/// Until when the PEAs are kept for a slot of a timetable that comes before
/// this instance: a slot that is planned before a dynamic instance would be
/// done, or before the instance's own slot. A slot keeps its PEAs up to its
/// planned end; later it has lost its turn. 0: not kept.
uint64_t Engine::keptUntil(uint32_t tbuId, PeaMask peas, uint64_t expected,
                           uint32_t id) {
  TbuState &tbu = tbus[tbuId];
  uint64_t planned = plannedStart(instances[id]);
  uint64_t horizon = planned != never ? planned : now() + expected;
  uint64_t until = 0;
  for (size_t k = 0; k < tbu.keeps.size();) {
    Keep &keep = tbu.keeps[k];
    bool alive = frames.current(keep.frame, keep.frameGeneration);
    while (alive && keep.cursor < keep.end &&
           slotPassed(keep, slotOrder[keep.cursor]))
      ++keep.cursor;
    if (!alive || keep.cursor == keep.end) {
      tbu.keeps[k] = tbu.keeps.back();
      tbu.keeps.pop_back();
      continue;
    }
    uint32_t looked = 0;
    for (uint32_t i = keep.cursor; i < keep.end && looked < 64; ++i, ++looked) {
      uint32_t slot = slotOrder[i];
      uint64_t start = keep.at + t.slots[slot].start;
      if (start >= horizon)
        break;
      uint64_t end = start + t.slots[slot].cycles;
      if (end <= now() || t.slots[slot].block == instances[id].block)
        continue;
      // A queue of a cluster has other work for the PEAs until the task of the
      // slot is about to come.
      if ((replicaOfSlot(slot, keep.lane).peas & peas) &&
          !slotPassed(keep, slot) &&
          (!traits.clusterQueues || slotBegun(keep, slot)))
        until = std::max(until, end);
    }
    ++k;
  }
  return until;
}
