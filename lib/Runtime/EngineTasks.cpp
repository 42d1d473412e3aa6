//===- EngineTasks.cpp - Task instances and PEAs --------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The life of a task instance: inputs, ready, dispatched, configuring,
// computing, commit; gangs that change; which state each PEA is in.
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include <algorithm>
#include <bit>

using namespace octo;

//===----------------------------------------------------------------------===//
// Creation and inputs
//===----------------------------------------------------------------------===//

/// `first`: where the input is that asks for it.
uint32_t Engine::instanceFor(uint32_t frameId, uint32_t blockId,
                             uint32_t first) {
  Frame &frame = frames[frameId];
  uint32_t &word = frame.words[blockId - t.regions[frame.region].blockBegin];
  if (word)
    return word - 1;
  uint32_t id = makeInstance(frameId, blockId, first);
  word = id + 1;
  return id;
}

/// A new instance of a task, bound to a place unless the policy is central.
uint32_t Engine::makeInstance(uint32_t frameId, uint32_t blockId,
                              uint32_t first) {
  const Frame &frame = frames[frameId];
  const BlockInfo &block = t.blocks[blockId];
  uint32_t id = instances.allocate();
  Instance &instance = instances[id];
  instance.frame = frameId;
  instance.block = blockId;
  instance.request = frame.request;
  instance.tbu = noIndex;
  instance.replica = noIndex;
  instance.lane = noIndex;
  instance.pending = block.numWaited();
  instance.ticket = 0;
  instance.resizes = 0;
  instance.state = InstanceState::Gathering;
  instance.orphan = instance.resizing = instance.moved = false;
  instance.weightLast = false;
  instance.staged = instance.atTbu = false;
  instance.note = 0;
  instance.realised = instance.untimed = instance.replay = false;
  instance.backlog = 0;
  instance.inputsAt = now();
  instance.readyAt = never;
  instance.parkedBytes = 0;
  instance.away = 0;
  instance.awayAsked = false;
  instance.path = frame.path;
  instance.idleFrom = instance.idleTo = 0;
  instance.producerIdleFrom = instance.producerIdleTo = 0;
  instance.producerAt = 0;
  instance.producerIdleDepth = instance.idleDepth = 0;
  instance.cause = frame.cause;
  blame.retain(frame.cause);
  instance.causeIsToken = true;
  instance.peas = 0;
  instance.results = noIndex;
  instance.streams = noIndex;
  if (faults) {
    if (faults->ofInstance.size() <= id)
      faults->ofInstance.resize(id + 1);
    faults->ofInstance[id] = {};
  }
  if (!traits.central)
    place(id, first);
  return id;
}

void Engine::taskInput(uint32_t frameId, uint32_t blockId, uint32_t input,
                       uint32_t value) {
  // What lies in memory is as near to one cluster as to another.
  uint32_t id =
      instanceFor(frameId, blockId,
                  values[value].hbm == noIndex ? values[value].cluster
                                               : frames[frameId].home);
  const BlockInfo &block = t.blocks[blockId];
  uint32_t &word = inputWords(frames[frameId], block)[input];
  if (word)
    return; // comes in chunks
  word = value + 1;
  retain(value);
  if (traits.central && values[value].lost) {
    awaitValue(MessageKind::Input, id, instances[id].generation, input, value,
               now());
    return;
  }
  if (traits.central) {
    // A token tells the dispatcher; the data stay until there is a place.
    inputDone(id, now() + tokenDelay(values[value].cluster, m.hostCluster),
              value);
    return;
  }
  if (!values[value].token && values[value].bytes &&
      values[value].hbm == noIndex &&
      values[value].cluster == clusterOf(instances[id].tbu)) {
    word |= pinMark;
    ++values[value].pins;
  }
  if (leaveAway(id, input, value))
    return;
  sendInput(id, input, value, now());
}

/// An input that was spilled stays in memory while the scratchpad is full,
/// until its instance has a TBU: what only waits would make others be spilled.
bool Engine::leaveAway(uint32_t id, uint32_t input, uint32_t valueId) {
  const Value &value = values[valueId];
  Instance &instance = instances[id];
  uint32_t cluster = clusterOf(instance.tbu);
  if (!traits.clusterQueues || value.hbm == noIndex || value.lost ||
      input >= 32 || !m.scratchpad ||
      clusters[cluster].used + value.bytes <= m.scratchpad)
    return false;
  instance.away |= 1u << input;
  inputDone(id, now() + tokenDelay(value.cluster, cluster), valueId);
  return true;
}

/// Asks for the inputs that lie in memory.
void Engine::fetchAway(uint32_t id, uint64_t at) {
  Instance &instance = instances[id];
  if (!instance.away || instance.awayAsked)
    return;
  instance.awayAsked = true;
  for (uint32_t rest = instance.away; rest; rest &= rest - 1) {
    uint32_t input = static_cast<uint32_t>(std::countr_zero(rest));
    ++instance.pending;
    pinInput(instance, input);
    sendInput(id, input, (taskWords(instance)[input] & ~pinMark) - 1, at);
  }
}

/// Brings an input to the TBU of the instance, from cycle `at` on.
void Engine::sendInput(uint32_t id, uint32_t input, uint32_t valueId,
                       uint64_t at) {
  Instance &instance = instances[id];
  Value &value = values[valueId];
  uint32_t to = clusterOf(instance.tbu), from = value.cluster;
  if (value.token || !value.bytes) {
    inputDone(id, at + tokenDelay(from, to), valueId);
    return;
  }
  if (value.lost) {
    awaitValue(MessageKind::Input, id, instance.generation, input, valueId, at);
    return;
  }
  if (value.hbm != noIndex) {
    at = hbmService(value.hbm, value.bytes, std::max(at, value.readyAt));
  } else if (from == to) {
    // Where it was made it need not move; nor while the TBU is open.
    if (value.tbu != instance.tbu && !traits.clusterQueues)
      at = readThroughPort(instance.tbu, value.bytes, at);
    inputDone(id, at, valueId);
    return;
  }
  instance.parkedBytes += value.bytes;
  park(to, value.bytes);
  if (from == to) {
    if (instance.away >> input & 1)
      at = readThroughPort(instance.tbu, value.bytes, at);
    inputDone(id, at, valueId);
    return;
  }
  retain(valueId);
  send(newMessage(MessageKind::Input, id, instances[id].generation, input,
                  valueId, instance.request, from, to, value.bytes),
       at);
}

/// Bytes of the cluster's scratchpad reach a TBU through its port, which serves
/// one after the other. Returns when they are there.
uint64_t Engine::readThroughPort(uint32_t id, uint64_t bytes, uint64_t at) {
  TbuState &tbu = tbus[id];
  at = std::max(at, tbu.scratchpadPortFree) +
       ceilDiv(bytes, m.scratchpadBytesPerCycle);
  tbu.scratchpadPortFree = at;
  energyCounts[clusterOf(id)].localBytes += bytes;
  return at;
}

/// One input will be there at cycle `at`.
void Engine::inputDone(uint32_t id, uint64_t at, uint32_t valueId) {
  Instance &instance = instances[id];
  if (at >= instance.inputsAt) {
    instance.inputsAt = at;
    instance.weightLast = false;
  }
  if (valueId != noIndex) {
    const Value &value = values[valueId];
    instance.path = std::max(instance.path, pathTo(instance, valueId));
    if (at >= instance.producerAt) {
      instance.producerAt = at;
      instance.producerIdleFrom = value.idleFrom;
      instance.producerIdleTo = value.idleTo;
      instance.producerIdleDepth = value.idleDepth;
      if (instance.state == InstanceState::Gathering && cause != noIndex) {
        blame.assign(instance.cause, cause);
        instance.causeIsToken = traits.central || value.token || !value.bytes;
      }
    }
  }
  if (--instance.pending)
    return;
  if (instance.state == InstanceState::Held)
    maybeCompute(id);
  else if (instance.state != InstanceState::Ready)
    allInputs(id);
}

void Engine::allInputs(uint32_t id) {
  Instance &instance = instances[id];
  if (instance.inputsAt <= now()) {
    makeReady(id);
    return;
  }
  push(instance.inputsAt, EventClass::Transfer, ReadyEvent,
       t.blocks[instance.block].local, id, instance.generation);
}

void Engine::makeReady(uint32_t id) {
  Instance &instance = instances[id];
  instance.state = InstanceState::Ready;
  if (instance.readyAt == never)
    instance.readyAt = now();
  __builtin_prefetch(&t.values[t.blocks[instance.block].outputBegin]);
  enqueue(id);
  askScheduler(instance.tbu);
}

//===----------------------------------------------------------------------===//
// Queues
//===----------------------------------------------------------------------===//

/// Is there a timetable for it? Policies with queues of clusters know better
/// than the timetable of a single task, which orders nothing.
bool Engine::hasSlot(const Instance &instance) const {
  const BlockInfo &block = t.blocks[instance.block];
  if (!traits.segments || block.slotOfBlock == noIndex || instance.orphan ||
      instance.untimed || frames[instance.frame].activations == noIndex)
    return false;
  const RegionInfo &region = t.regions[frames[instance.frame].region];
  return isKept(
      t.segments[t.regionSegments[region.segmentBegin +
                                  t.slots[block.slotOfBlock].segment]]);
}

uint64_t Engine::plannedStart(const Instance &instance) const {
  const BlockInfo &block = t.blocks[instance.block];
  if (!hasSlot(instance))
    return never;
  const SlotInfo &slot = t.slots[block.slotOfBlock];
  return segmentActivations[frames[instance.frame].activations][slot.segment]
             .at +
         slot.start;
}

void Engine::enqueue(uint32_t id) {
  Instance &instance = instances[id];
  const BlockInfo &block = t.blocks[instance.block];
  instance.ticket = ++readySequence;
  if (traits.central) {
    central[classOf(block.kernel)].insert({0, instance.ticket, 0}, id,
                                          instance.ticket);
    return;
  }
  // Slots in the order of the timetable; then the older request, then what has
  // more work behind it.
  uint64_t planned = plannedStart(instance);
  ReadyQueue::Key key;
  if (planned != never)
    key = {planned, 0, instance.ticket};
  else
    key = {uint64_t(1) << 63 | requests[instance.request].order,
           ~block.priority, instance.ticket};
  lanes[instance.lane].insert(key, id, instance.ticket);
  TbuState &tbu = tbus[instance.tbu];
  ++tbu.queued;
  instance.backlog = expectedCycles(instance.block, 1);
  if (!traits.clusterQueues)
    tbu.backlog += instance.backlog;
  clusters[clusterOf(instance.tbu)].backlog += instance.backlog;
}

/// Takes a ready instance out of its queue.
void Engine::unqueue(uint32_t id) {
  Instance &instance = instances[id];
  instance.state = InstanceState::Gathering;
  auto stale = [this](uint32_t item, uint32_t ticket) {
    const Instance &other = instances[item];
    return !(other.generation & 1) || other.state != InstanceState::Ready ||
           other.ticket != ticket || other.staged;
  };
  if (traits.central) {
    central[classOf(t.blocks[instance.block].kernel)].remove(id, stale);
    return;
  }
  --tbus[instance.tbu].queued;
  if (instance.staged)
    unstage(instance, id);
  else
    lanes[instance.lane].remove(id, stale);
}

/// Takes the instance out of the backlog of its place; `tbu` is null when it
/// was in the queue of the cluster.
static void subtractBacklog(Instance &instance, TbuState *tbu,
                            ClusterState &cluster) {
  if (tbu)
    tbu->backlog -= instance.backlog;
  cluster.backlog -= instance.backlog;
  instance.backlog = 0;
}

void Engine::requestDispatch(uint32_t id) {
  id = dispatchUnit(id);
  TbuState &tbu = tbus[id];
  if (tbu.dispatchPending || (traits.onlyQueued && !tbu.queued))
    return;
  tbu.dispatchPending = true;
  push(now(), EventClass::Scheduler, DispatchEvent, id, id, 0);
}

void Engine::requestCentral(uint64_t at) {
  at = std::max(at, centralFree);
  if (centralAt <= at)
    return;
  centralAt = at;
  push(at, EventClass::Scheduler, CentralEvent, m.tbus, 0, 0);
}

/// Another look at a TBU at cycle `at`, when a kept slot will have passed.
void Engine::wakeAt(uint32_t id, uint64_t at) {
  id = dispatchUnit(id);
  TbuState &tbu = tbus[id];
  if (at <= now() || (tbu.wakeAt != never && tbu.wakeAt <= at))
    return;
  tbu.wakeAt = at;
  push(at, EventClass::Scheduler, DispatchEvent, id, id, 0, 1);
}

//===----------------------------------------------------------------------===//
// Segments
//===----------------------------------------------------------------------===//

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

//===----------------------------------------------------------------------===//
// PEAs
//===----------------------------------------------------------------------===//

void Engine::TbuSet::set(uint32_t i, bool on) {
  uint64_t bit = uint64_t(1) << (i & 63);
  if (on)
    words[i >> 6] |= bit;
  else
    words[i >> 6] &= ~bit;
  uint64_t top = uint64_t(1) << (i >> 6 & 63);
  if (words[i >> 6])
    summary[i >> 12] |= top;
  else
    summary[i >> 12] &= ~top;
}

/// The member with the lowest number, or noIndex.
uint32_t Engine::TbuSet::first() const {
  for (size_t s = 0; s < summary.size(); ++s)
    if (summary[s]) {
      size_t word = s * 64 + std::countr_zero(summary[s]);
      return static_cast<uint32_t>(word * 64 + std::countr_zero(words[word]));
    }
  return noIndex;
}

void Engine::setFree(uint32_t id, PeaMask free) {
  PeaMask before = tbus[id].free;
  tbus[id].free = free;
  clusters[clusterOf(id)].freePeas +=
      static_cast<uint32_t>(std::popcount(free) - std::popcount(before));
  if (!traits.central)
    return;
  for (uint8_t c = 0; c < 3; ++c) {
    PeaMask eligible = m.eligible(id, c);
    int from = std::popcount(before & eligible);
    int to = std::popcount(free & eligible);
    freePerClass[c] += static_cast<uint64_t>(to - from);
    for (int g = from + 1; g <= to; ++g)
      freeSets[c * (m.peasPerTbu + 1) + g].set(id, true);
    for (int g = to + 1; g <= from; ++g)
      freeSets[c * (m.peasPerTbu + 1) + g].set(id, false);
  }
}

/// Books the idle interval of a PEA that ends at `until`, with its cause
/// (docs/semantics.md, section 9). `by` is what claims it, or null at the end.
void Engine::idleEnded(uint32_t tbu, uint32_t pea, uint64_t until,
                       const Instance *by) {
  uint64_t since = idleSince[size_t(tbu) * m.peasPerTbu + pea];
  if (since >= until)
    return;
  uint64_t end = until;
  if (by) {
    uint64_t planned = plannedStart(*by);
    if (planned < until) {
      uint64_t keptFrom = std::max(since, planned);
      peaCycles[unsigned(PeaState::Waiting)] += until - keptFrom;
      if (trace && until > keptFrom)
        traceHold(HoldSpan::Kept, by->block, tbu, PeaMask(1) << pea, keptFrom,
                  until);
      end = keptFrom;
    }
  }
  uint64_t length = end - since;
  if (!length)
    return;
  peaCycles[unsigned(PeaState::Idle)] += length;
  clusters[clusterOf(tbu)].idle += length;
  if (length < breakEvenCycles)
    idleTransient += length;
  else if (by && isContagious(*by, since, end)) {
    idleContagious += length;
    uint64_t depth = uint64_t(by->producerIdleDepth) + 1;
    unsigned bin = unsigned(std::min<uint64_t>(depth, IdleDepth::bins) - 1);
    ++idleDepth.intervals;
    idleDepth.sum += depth;
    idleDepth.max = std::max(idleDepth.max, depth);
    ++idleDepth.histogram[bin];
    idleDepth.peaCycles[bin] += length;
  } else
    idleStructural += length;
}

/// Did the idleness of the interval spread from the producer of the input that
/// came last?
bool Engine::isContagious(const Instance &by, uint64_t since,
                          uint64_t until) const {
  return until - since >= breakEvenCycles &&
         by.producerIdleTo - by.producerIdleFrom >= breakEvenCycles &&
         by.producerIdleFrom < until && by.producerIdleTo > since;
}

/// The instance takes free PEAs.
void Engine::claim(Instance &instance, uint32_t id, PeaMask peas) {
  uint64_t longest = 0;
  for (PeaMask rest = peas; rest; rest &= rest - 1) {
    uint32_t pea = std::countr_zero(rest);
    uint64_t &since = idleSince[size_t(id) * m.peasPerTbu + pea];
    if (now() - since > longest) {
      longest = now() - since;
      instance.idleFrom = since;
      instance.idleTo = now();
      instance.idleDepth =
          isContagious(instance, since, now())
              ? std::min(instance.producerIdleDepth, uint16_t(0xfffe)) + 1
              : 0;
    }
    idleEnded(id, pea, now(), &instance);
    since = never;
  }
  setFree(id, tbus[id].free & ~peas);
}

void Engine::freePeas(uint32_t id, PeaMask peas) {
  for (PeaMask rest = peas; rest; rest &= rest - 1)
    idleSince[size_t(id) * m.peasPerTbu + std::countr_zero(rest)] = now();
  setFree(id, tbus[id].free | peas);
}

/// Books the cycles of the gang from its last booking up to `until`.
void Engine::account(Instance &instance, uint64_t until, GangEnd end) {
  if (trace)
    traceGang(instance, until, end);
  uint64_t gang = std::popcount(instance.peas);
  uint64_t started =
      instance.state == InstanceState::Computing ? instance.started : never;
  uint64_t a = std::min(instance.dispatched, until);
  uint64_t b = std::clamp(instance.configBegin, a, std::max(a, until));
  uint64_t c = std::clamp(instance.configured, b, std::max(b, until));
  uint64_t d = std::clamp(started, c, std::max(c, until));
  peaCycles[unsigned(PeaState::Waiting)] += gang * (b - a);
  peaCycles[unsigned(PeaState::Configuring)] += gang * (c - b);
  peaCycles[unsigned(PeaState::MovingData)] += gang * (d - c);
  peaCycles[unsigned(PeaState::Computing)] += gang * (until - d);
  clusters[clusterOf(instance.tbu)].computing += gang * (until - d);
  tbus[instance.tbu].computed += gang * (until - d);
  totals[instance.block].computePeaCycles += gang * (until - d);
}

//===----------------------------------------------------------------------===//
// Work
//===----------------------------------------------------------------------===//

uint32_t Engine::variantFor(uint32_t kernel, uint32_t gang) const {
  const KernelInfo &info = t.kernels[kernel];
  for (uint32_t v = info.variantEnd; v-- > info.variantBegin;)
    if (t.variants[v].gang <= gang)
      return v;
  return noIndex;
}

uint64_t Engine::expectedCycles(uint32_t blockId, uint32_t gang) const {
  const BlockInfo &block = t.blocks[blockId];
  // The mean of what has completed, once there are a few.
  uint64_t one = learnedCount[blockId] >= 4 ? learnedQ16[blockId] >> 16
                                            : block.expectedCycles;
  uint32_t v = variantFor(block.kernel, gang);
  if (v == noIndex)
    v = t.kernels[block.kernel].variantBegin;
  return static_cast<uint64_t>(
      (static_cast<unsigned __int128>(one) * variantScaleQ16[v] + 65535) >> 16);
}

uint64_t Engine::cyclesOf(const Instance &instance, uint32_t variant) const {
  if (!instance.drawnCycles)
    return costs.variant(instance.call, variant).cycles;
  uint64_t scale = t.variants[variant].scaleQ16;
  if (!scale)
    scale = variantScaleQ16[variant];
  return static_cast<uint64_t>(
      (static_cast<unsigned __int128>(instance.drawn) * scale + 65535) >> 16);
}

/// Bytes of an output of an instance that has been realised.
uint64_t Engine::outputBytes(const Instance &instance, uint32_t output) const {
  const BlockInfo &block = t.blocks[instance.block];
  uint32_t value = block.outputBegin + output;
  if (instance.results != noIndex &&
      output < resultPool[instance.results].size())
    return resultPool[instance.results][output].bytes();
  if (!sizeVaries(value))
    return t.values[value].bytes;
  const OpenRequest &request = requests[instance.request];
  uint64_t tag = frames[instance.frame].tag;
  if (std::span<const uint64_t> seen = recorded(request, block.local, tag);
      !seen.empty()) {
    uint32_t at = 1;
    for (uint32_t o = 0; o < output; ++o)
      at += sizeVaries(block.outputBegin + o);
    return seen[at];
  }
  uint32_t distribution = t.bytesDistribution(value);
  if (distribution == noIndex)
    return t.values[value].bytes;
  return static_cast<uint64_t>(std::max<int64_t>(
      t.distributions.sample(distribution,
                             draw(request, block.local, tag, 256 + output)),
      0));
}

/// Finds out what the instance costs: from a record or by a draw, or by running
/// its code.
void Engine::realise(uint32_t id) {
  Instance &instance = instances[id];
  if (instance.realised)
    return;
  instance.realised = true;
  const BlockInfo &block = t.blocks[instance.block];
  const KernelInfo &kernel = t.kernels[block.kernel];
  const OpenRequest &request = requests[instance.request];
  kernelUsed[block.kernel] = 1;
  uint32_t distribution;
  bool code = functional && kernel.kind == KernelKind::Image;
  uint64_t tag = frames[instance.frame].tag;
  std::span<const uint64_t> seen = recorded(request, block.local, tag);
  // By position in the kernel's distinct symbols.
  std::vector<uint64_t> symbols;
  instance.drawnCycles = false;
  instance.call = 0;
  if (!seen.empty()) {
    instance.drawnCycles = seen[0] != workRecorded;
    instance.drawn = seen[0];
    if (!instance.drawnCycles) {
      symbols.assign(seen.end() - (kernel.distinctEnd - kernel.distinctBegin),
                     seen.end());
      instance.call = costs.call(block.kernel, symbols);
    }
  } else if (request.record != RequestRecords::noRecord &&
             kernel.kind == KernelKind::Image && kernel.fixedWork) {
    // Not recorded, because it is always the same.
    instance.call = nominalCall(instance.block);
  } else if (!code &&
             profileDistribution(block.profile, requestForProfile(request),
                                 distribution)) {
    instance.drawnCycles = true;
    instance.drawn = static_cast<uint64_t>(
        std::max<int64_t>(t.distributions.sample(
                              distribution, draw(request, block.local, tag, 0)),
                          0));
  } else if (!code && kernel.counterWork) {
    instance.drawnCycles = true;
    instance.drawn = block.expectedCycles;
  } else if (!code) {
    instance.call = nominalCall(instance.block);
  } else {
    uint32_t slot;
    if (freeResults.empty()) {
      slot = static_cast<uint32_t>(resultPool.size());
      resultPool.emplace_back();
      traps.emplace_back();
    } else {
      slot = freeResults.back();
      freeResults.pop_back();
    }
    instance.results = slot;
    traps[slot].clear();
    std::vector<Tensor> inputs(block.numInputs);
    uint32_t *words = inputWords(frames[instance.frame], block);
    for (uint32_t i = 0; i < block.numInputs; ++i) {
      uint32_t input = t.inputs[block.inputBegin + i];
      if (input & weightFlag) {
        inputs[i] = weightTensors[input & ~weightFlag];
        continue;
      }
      uint32_t value = (words[i] & ~pinMark) - 1;
      // A donated last use may be overwritten in place: nobody else holds it.
      if (i < 64 && (kernel.donated >> i & 1) &&
          isOnlyReader(instance.frame, value))
        inputs[i] = std::move(tensors[value]);
      else
        inputs[i] = tensors[value];
    }
    std::vector<Tensor> &results = resultPool[slot];
    results.assign(kernel.numOutputs, Tensor());
    std::vector<int64_t> counts(kernel.numCounters, 0);
    // Sizes first: a donated input may be gone after the call.
    for (uint32_t s = kernel.distinctBegin; s < kernel.distinctEnd; ++s) {
      uint32_t symbol = t.distinctSymbols[s], dim = symbol & 255;
      uint64_t size = 1;
      if (!(symbol & counterFlag) && (symbol >> 8) < inputs.size() &&
          dim < inputs[symbol >> 8].rank())
        size = static_cast<uint64_t>(inputs[symbol >> 8].dim(dim));
      symbols.push_back(size);
    }
    Expected<void> done = executor->call(block.kernel, inputs, results, counts);
    if (!done)
      traps[slot] =
          done.error().message.empty() ? "trap" : done.error().message;
    else
      for (const Tensor &result : results)
        if (!result.valid())
          traps[slot] = "the kernel gave no value for one of its results";
    for (uint32_t s = 0; s < symbols.size(); ++s)
      if (uint32_t symbol = t.distinctSymbols[kernel.distinctBegin + s];
          symbol & counterFlag) {
        uint32_t counter = symbol & ~counterFlag;
        symbols[s] =
            counter < counts.size()
                ? static_cast<uint64_t>(std::max<int64_t>(counts[counter], 0))
                : 0;
      }
    instance.call = costs.call(block.kernel, symbols);
  }

  uint64_t best = never, capacity = never;
  for (uint32_t v = kernel.variantBegin; v < kernel.variantEnd; ++v) {
    uint64_t cycles = cyclesOf(instance, v);
    if (v == kernel.variantBegin)
      instance.oneCycles = cycles;
    best = std::min(best, cycles);
    capacity = std::min(capacity, cycles * t.variants[v].gang);
  }
  instance.bestCycles = best;
  instance.capacityCycles = capacity;
  if (options.recordOutcomes &&
      (instance.results == noIndex || traps[instance.results].empty())) {
    OutcomeRecord record{request.number, tag, block.workflow, block.local,
                         instance.oneCycles};
    record.sizes = outcomeDetails.size();
    for (uint32_t o = 0; o < block.numOutputs; ++o)
      if (sizeVaries(block.outputBegin + o))
        outcomeDetails.push_back(outputBytes(instance, o));
    record.symbols = outcomeDetails.size();
    outcomeDetails.insert(outcomeDetails.end(), symbols.begin(), symbols.end());
    record.detailEnd = outcomeDetails.size();
    record.drawn = kernel.kind != KernelKind::Image || instance.drawnCycles ||
                   symbols.size() != kernel.distinctEnd - kernel.distinctBegin;
    outcomes.push_back(record);
  }
}

//===----------------------------------------------------------------------===//
// Dispatch
//===----------------------------------------------------------------------===//

bool Engine::startInstance(uint32_t id, uint32_t tbuId, PeaMask peas) {
  if (id >= instances.size() || !(instances[id].generation & 1))
    return false;
  Instance &instance = instances[id];
  const BlockInfo &block = t.blocks[instance.block];
  const KernelInfo &kernel = t.kernels[block.kernel];
  if (instance.state != InstanceState::Ready || !peas || tbuId >= m.tbus ||
      (!traits.central && dispatchUnit(tbuId) != dispatchUnit(instance.tbu)))
    return false;
  TbuState &tbu = tbus[tbuId];
  PeaMask eligible = m.eligible(tbuId, kernel.peaClass);
  if (instance.replica != noIndex)
    eligible |= t.replicas[block.replicaBegin + instance.replica].peas;
  if (peas & ~(tbu.free & eligible))
    return false;
  uint32_t gang = std::popcount(peas);
  uint32_t variant = variantFor(block.kernel, gang);
  if (variant == noIndex)
    return false;
  if (traits.segments && !tbu.keeps.empty()) {
    uint64_t until =
        keptUntil(tbuId, peas, expectedCycles(instance.block, gang), id);
    if (until) {
      wakeAt(tbuId, until);
      return false;
    }
  }

  bool staged = instance.staged && instance.tbu == tbuId;
  unqueue(id);
  realise(id);
  if (traits.clusterQueues)
    tbu.backlog += instance.backlog;
  instance.atTbu = staged;
  instance.tbu = tbuId;
  instance.state = InstanceState::Held;
  instance.peas = peas;
  instance.variant = variant;
  instance.dispatched = now();
  claim(instance, tbuId, peas);
  instance.queueAt = static_cast<uint32_t>(tbu.running.size());
  tbu.running.push_back(id);
  ++heldInstances;
  ++counters.dispatches;

  // The decision, and the command on its way.
  uint64_t at;
  uint32_t cluster = clusterOf(tbuId);
  if (traits.central) {
    centralFree = std::max(now(), centralFree) + m.centralDispatchCycles;
    at = centralFree + tokenDelay(m.hostCluster, cluster);
    at = std::max(at, tbu.commandFree) + m.commandCycles;
    tbu.commandFree = at;
  } else if (traits.clusterQueues && !staged) {
    at = commandTbu(tbuId);
  } else {
    at = std::max(now(), tbu.dispatcherFree) + m.localDispatchCycles;
    tbu.dispatcherFree = at;
  }

  // Code.
  uint64_t begin;
  uint64_t ready = loadCode(tbuId, block.kernel, at, begin, instance.block);
  bool other = false;
  for (PeaMask rest = peas; rest; rest &= rest - 1) {
    uint32_t &last =
        lastKernel[size_t(tbuId) * m.peasPerTbu + std::countr_zero(rest)];
    other |= last != block.kernel;
    last = block.kernel;
  }
  if (other) {
    ready += m.configSwitchCycles;
    ++counters.configSwitches;
  }
  instance.configBegin = begin;
  instance.configured = ready;

  // Operands and weights; one count is held while they are asked for.
  ++instance.pending;
  if (traits.central) {
    instance.parkedBytes = uint64_t(64) * block.numWaited();
    park(cluster, instance.parkedBytes);
    instance.pending += block.numWaited();
    instance.producerAt = 0;
    for (uint32_t i = 0; i < block.numInputs; ++i) {
      uint32_t word = taskWords(instance)[i];
      if (!word)
        continue;
      pinInput(instance, i);
      sendInput(id, i, (word & ~pinMark) - 1, at);
    }
  }
  if (traits.clusterQueues && !instance.atTbu)
    bringToTbu(instance, at);
  fetchAway(id, at);
  for (uint32_t w = block.weightBegin; w < block.weightEnd; ++w) {
    uint32_t weight = t.blockWeights[w];
    weightUsed[weight] = 1;
    ResidentWeight &entry = weightAt(cluster, weight, at);
    ++entry.uses;
    entry.lastUse = at;
    if (entry.readyAt == never) {
      entry.waiters.emplace_back(id, instance.generation);
      ++instance.pending;
    } else if (entry.readyAt > instance.inputsAt) {
      instance.inputsAt = entry.readyAt;
      instance.weightLast = true;
    }
  }
  if (--instance.pending == 0)
    maybeCompute(id);
  return true;
}

/// Keeps a local input from being spilled while the instance holds it.
void Engine::pinInput(Instance &instance, uint32_t input) {
  uint32_t &word = taskWords(instance)[input];
  Value &value = values[(word & ~pinMark) - 1];
  if (!(word & pinMark) && !value.token && value.bytes &&
      value.hbm == noIndex && value.cluster == clusterOf(instance.tbu)) {
    word |= pinMark;
    ++value.pins;
  }
}

/// Everything is on its way with a known arrival: compute begins at the latest.
void Engine::maybeCompute(uint32_t id) {
  Instance &instance = instances[id];
  uint64_t cycles = cyclesOf(instance, instance.variant);
  instance.state = InstanceState::Computing;
  instance.started = std::max({instance.configured, instance.inputsAt, now()});
  instance.finish = instance.started + cycles;
  computeStep(instance);
  if (faults)
    computesAgain(id);
  instance.remainingQ16 = instance.fullQ16 = cycles << 16;
  const BlockInfo &block = t.blocks[instance.block];
  __builtin_prefetch(&t.consumers[t.values[block.outputBegin].consumerBegin]);
  if (block.feedsStreams && streaming)
    openStreams(id);
  schedule(id);
}

/// The event that ends what the instance now computes.
void Engine::schedule(uint32_t id) {
  const Instance &instance = instances[id];
  if (instance.streams != noIndex)
    return scheduleTick(id);
  push(instance.finish, EventClass::Completion, CompletionEvent,
       t.blocks[instance.block].local, id, instance.generation,
       instance.resizes);
}

void Engine::removeRunning(uint32_t id) {
  Instance &instance = instances[id];
  std::vector<uint32_t> &running = tbus[instance.tbu].running;
  running[instance.queueAt] = running.back();
  instances[running.back()].queueAt = instance.queueAt;
  running.pop_back();
}

void Engine::releaseInputs(Instance &instance) {
  const BlockInfo &block = t.blocks[instance.block];
  uint32_t *words = taskWords(instance);
  for (uint32_t i = 0; i < block.numInputs; ++i) {
    uint32_t word = words[i];
    if (!word)
      continue;
    words[i] = 0;
    uint32_t value = (word & ~pinMark) - 1;
    if (word & pinMark)
      --values[value].pins;
    release(value);
  }
}

/// Gives back PEAs, code and weights of an instance that holds them.
void Engine::letGo(Instance &instance) {
  const BlockInfo &block = t.blocks[instance.block];
  TbuState &tbu = tbus[instance.tbu];
  ClusterState &cluster = clusters[clusterOf(instance.tbu)];
  releaseCode(instance.tbu, block.kernel);
  for (uint32_t w = block.weightBegin; w < block.weightEnd; ++w) {
    uint32_t weight = t.blockWeights[w];
    auto place = std::lower_bound(
        cluster.weights.begin(), cluster.weights.end(), weight,
        [](const ResidentWeight &a, uint32_t b) { return a.weight < b; });
    --place->uses;
  }
  subtractBacklog(instance, &tbu, cluster);
  unpark(clusterOf(instance.tbu), instance.parkedBytes);
  instance.parkedBytes = 0;
  --heldInstances;
  freePeas(instance.tbu, instance.peas);
}

void Engine::complete(uint32_t id) {
  Instance &instance = instances[id];
  const BlockInfo &block = t.blocks[instance.block];
  const KernelInfo &kernel = t.kernels[block.kernel];
  uint32_t tbu = instance.tbu, cluster = clusterOf(tbu);
  for (uint32_t o = 0; o < block.numOutputs; ++o) {
    uint32_t first = t.values[block.outputBegin + o].consumerBegin;
    if (first == t.values[block.outputBegin + o + 1].consumerBegin ||
        t.consumers[first].block == noIndex)
      continue;
    const char *taker =
        reinterpret_cast<const char *>(&t.blocks[t.consumers[first].block]);
    __builtin_prefetch(taker);
    __builtin_prefetch(taker + sizeof(BlockInfo) - 1);
  }
  if (instance.resizing) {
    // The end came before the tile boundary: PEAs that were to join go too.
    PeaMask joining = instance.nextPeas & ~instance.peas;
    peaCycles[unsigned(PeaState::MovingData)] +=
        uint64_t(std::popcount(joining)) * (now() - instance.boundary);
    if (trace && joining)
      traceHold(HoldSpan::Joining, instance.block, tbu, joining,
                instance.boundary, now());
    freePeas(tbu, joining);
  }
  bool trapped =
      instance.results != noIndex && !traps[instance.results].empty();
  account(instance, now(),
          instance.orphan || trapped ? GangEnd::Cancelled : GangEnd::Completed);
  removeRunning(id);
  letGo(instance);
  if (instance.replay) {
    finishReplay(id);
    return;
  }
  endComputeStep(instance);
  because(instance.cause);
  ++counters.taskInstances;
  KernelStatistics &done = kernelTotals[block.kernel];
  ++done.instances;
  done.drawnInstances += instance.drawnCycles;
  if (!instance.drawnCycles) {
    for (unsigned c = 0; c < 5; ++c)
      done.work[c] += costs.work(instance.call)[c];
    chargeTask(instance);
  }
  BlockStatistics &total = totals[instance.block];
  ++total.instances;
  total.busyCycles += now() - instance.started;
  uint64_t wait = instance.started - instance.readyAt;
  total.waitCycles += wait;
  total.maxWaitCycles = std::max(total.maxWaitCycles, wait);
  total.workCycles += instance.oneCycles;
  if (uint64_t planned = plannedStart(instance); planned != never) {
    const uint64_t admitted = planned - t.slots[block.slotOfBlock].start;
    SlotStatistics &slot = slotTotals[block.slotOfBlock];
    ++slot.instances;
    slot.startCycles += static_cast<int64_t>(instance.started - admitted);
    slot.endCycles += static_cast<int64_t>(now() - admitted);
  }
  if (!instance.orphan &&
      requests[instance.request].order >= options.scenario.warmUpRequests)
    taskWait.add(wait);
  uint64_t &meanQ16 = learnedQ16[instance.block];
  uint64_t sampleQ16 = instance.oneCycles << 16;
  if (!learnedCount[instance.block])
    meanQ16 = sampleQ16;
  else if (sampleQ16 > meanQ16)
    meanQ16 += (sampleQ16 - meanQ16) / 8;
  else
    meanQ16 -= (meanQ16 - sampleQ16) / 8;
  learnedCount[instance.block] += learnedCount[instance.block] < 4;

  OpenRequest &request = requests[instance.request];
  request.capacityWork += instance.capacityCycles;
  const unsigned workClass =
      m.livePerClass[kernel.peaClass] ? kernel.peaClass : 3;
  capacityByClass[workClass] += instance.capacityCycles;
  if (workClass < 3)
    request.classWork[workClass] += instance.capacityCycles;
  uint32_t requestId = instance.request, blockId = instance.block;
  uint32_t slot = instance.results;
  auto discard = [&] {
    if (instance.streams != noIndex)
      endStreams(id);
    if (slot != noIndex) {
      resultPool[slot].clear();
      freeResults.push_back(slot);
    }
    costs.release(instance.call);
    blame.release(instance.cause);
    instances.release(id);
    askScheduler(tbu);
  };
  if (instance.orphan) {
    --request.holds;
    discard();
    closeRequest(requestId);
    return;
  }
  request.work += instance.oneCycles;
  uint32_t frame = instance.frame;
  uint64_t path = pathThrough(instance);
  uint32_t lineage = faults ? taskLineage(instance) : noIndex;
  releaseInputs(instance);
  if (trapped) {
    std::string reason = std::move(traps[slot]);
    traps[slot].clear();
    frames[frame].words[blockId - t.regions[frames[frame].region].blockBegin] =
        overMark;
    if (lineage != noIndex)
      settleLineage(lineage);
    discard();
    failRequest(requestId, blockId, std::move(reason));
    return;
  }
  uint64_t idleFrom = instance.idleFrom, idleTo = instance.idleTo;
  uint16_t idleSpread = instance.idleDepth;
  if (!requests[requestId].resultsLeft)
    blame.assign(requests[requestId].cause, cause);
  for (uint32_t o = 0; o < block.numOutputs; ++o) {
    uint32_t output = block.outputBegin + o;
    if (instance.streams != noIndex && onlyStreamed(instance, o))
      continue;
    bool real = slot != noIndex && o < resultPool[slot].size();
    uint64_t bytes = outputBytes(instance, o);
    uint32_t value = newValue(bytes, path, cluster, tbu, requestId,
                              t.elementOf(output) == ElementKind::Token);
    values[value].idleFrom = idleFrom;
    values[value].idleTo = idleTo;
    values[value].idleDepth = idleSpread;
    if (block.feedsStreams)
      notePath(value, instance);
    if (real)
      tensors[value] = std::move(resultPool[slot][o]);
    park(cluster, bytes);
    if (lineage != noIndex)
      madeBy(lineage, value);
    deliver(frame, output, value);
  }
  if (lineage != noIndex)
    settleLineage(lineage);
  blockOver(frame, blockId);
  discard();
}

//===----------------------------------------------------------------------===//
// Elastic actions
//===----------------------------------------------------------------------===//

/// Changes the gang at the next tile boundary, a sixteenth of the compute
/// phase.
bool Engine::resizeInstance(uint32_t id, PeaMask peas) {
  if (id >= instances.size() || !(instances[id].generation & 1))
    return false;
  Instance &instance = instances[id];
  if (instance.state != InstanceState::Computing || instance.resizing ||
      instance.started > now() || !peas || peas == instance.peas ||
      instance.resizes == 0xffff)
    return false;
  const BlockInfo &block = t.blocks[instance.block];
  TbuState &tbu = tbus[instance.tbu];
  uint32_t kernelClass = classOf(block.kernel);
  PeaMask eligible = m.eligible(instance.tbu, kernelClass) | instance.peas;
  PeaMask joining = peas & ~instance.peas;
  if ((peas & ~eligible) || (joining & ~tbu.free))
    return false;
  uint32_t variant = variantFor(block.kernel, std::popcount(peas));
  if (variant == noIndex || variant == instance.variant)
    return false;
  // The first boundary after the decision.
  uint64_t tile = std::max<uint64_t>(instance.fullQ16 / 16, 1);
  uint64_t decided =
      std::max(now(), tbu.dispatcherFree) + m.localDispatchCycles;
  uint64_t done = (decided - instance.started) << 16;
  uint64_t offsetQ16 = (done / tile + 1) * tile;
  uint64_t boundary = instance.started + ((offsetQ16 + 65535) >> 16);
  if (boundary >= instance.finish)
    return false;
  if (traits.segments && joining && !tbu.keeps.empty()) {
    uint64_t until =
        keptUntil(instance.tbu, joining, instance.finish - now(), id);
    if (until) {
      wakeAt(instance.tbu, until);
      return false;
    }
  }
  tbu.dispatcherFree = decided;
  // Joining PEAs are held from now on.
  for (PeaMask rest = joining; rest; rest &= rest - 1) {
    uint32_t pea = std::countr_zero(rest);
    idleEnded(instance.tbu, pea, now(), &instance);
    idleSince[size_t(instance.tbu) * m.peasPerTbu + pea] = never;
    lastKernel[size_t(instance.tbu) * m.peasPerTbu + pea] = block.kernel;
  }
  setFree(instance.tbu, tbu.free & ~joining);
  instance.resizing = true;
  instance.nextPeas = peas;
  instance.nextVariant = variant;
  instance.boundary = now();
  push(boundary, EventClass::Completion, BoundaryEvent, block.local, id,
       instance.generation);
  return true;
}

/// The tile boundary of a resize: settle what was done, go on with the new gang
/// after re-forming it and moving its footprint.
void Engine::boundary(uint32_t id) {
  Instance &instance = instances[id];
  if (!instance.resizing)
    return;
  const VariantCosts &from = t.variants[instance.variant];
  const VariantCosts &to = t.variants[instance.nextVariant];
  PeaMask joining = instance.nextPeas & ~instance.peas;
  PeaMask leaving = instance.peas & ~instance.nextPeas;
  account(instance, now(), GangEnd::GoesOn);
  peaCycles[unsigned(PeaState::MovingData)] +=
      uint64_t(std::popcount(joining)) * (now() - instance.boundary);
  if (trace && joining)
    traceHold(HoldSpan::Joining, instance.block, instance.tbu, joining,
              instance.boundary, now());
  bool stalled = isStalled(instance);
  uint64_t done = stalled ? 0 : now() - instance.started;
  uint64_t doneQ16 = done << 16;
  uint64_t left =
      instance.remainingQ16 > doneQ16 ? instance.remainingQ16 - doneQ16 : 0;
  uint64_t before = std::max<uint64_t>(cyclesOf(instance, instance.variant), 1);
  uint64_t after = cyclesOf(instance, instance.nextVariant);
  left = static_cast<uint64_t>(
      (static_cast<unsigned __int128>(left) * after + before - 1) / before);
  uint64_t moved = to.footprint * std::popcount(joining) +
                   from.footprint * std::popcount(leaving);
  uint64_t cost =
      m.resizeFixedCycles + ceilDiv(moved, m.scratchpadBytesPerCycle);
  energyCounts[clusterOf(instance.tbu)].localBytes += moved;
  ++counters.resizes;
  ++totals[instance.block].resizes;
  totals[instance.block].busyCycles += done;
  workedStep(instance, done);
  if (faults)
    faults->ofInstance[id].spent +=
        uint64_t(std::popcount(instance.peas)) * (now() - instance.dispatched);
  instance.peas = instance.nextPeas;
  instance.variant = instance.nextVariant;
  instance.resizing = false;
  ++instance.resizes;
  instance.remainingQ16 = left;
  instance.fullQ16 = after << 16;
  instance.dispatched = now();
  if (stalled) {
    // It goes on when it has what it waits for, and the new gang is formed.
    streamTasks[instance.streams].notBefore = now() + cost;
  } else {
    // The waiting time of the instance stays that of its first start.
    instance.readyAt += now() + cost - instance.started;
    instance.configBegin = instance.configured = now();
    instance.started = now() + cost;
    resizeStep(instance, cost);
    instance.finish = instance.started + ((left + 65535) >> 16);
    schedule(id);
  }
  if (leaving) {
    freePeas(instance.tbu, leaving);
    requestDispatch(instance.tbu);
  }
  // From then on the gang may change again.
  wakeAt(instance.tbu, now() + cost);
}

/// Sends a ready instance with its inputs to another TBU.
bool Engine::moveInstance(uint32_t id, const Place &place, bool asked) {
  uint32_t tbuId = place.tbu;
  if (id >= instances.size() || !(instances[id].generation & 1) ||
      tbuId >= m.tbus)
    return false;
  Instance &instance = instances[id];
  const BlockInfo &block = t.blocks[instance.block];
  if (instance.state != InstanceState::Ready || traits.central ||
      traits.reach == Reach::Shares ||
      dispatchUnit(tbuId) == dispatchUnit(instance.tbu) ||
      instance.streams != noIndex || instance.awayAsked ||
      !m.reachable[clusterOf(tbuId)] ||
      !(m.eligible(tbuId, classOf(block.kernel)) & tbus[tbuId].usable))
    return false;
  uint32_t from = clusterOf(instance.tbu), to = clusterOf(tbuId);
  unqueue(id);
  subtractBacklog(instance,
                  traits.clusterQueues ? nullptr : &tbus[instance.tbu],
                  clusters[from]);
  uint64_t bytes = 0;
  uint32_t *words = taskWords(instance);
  for (uint32_t i = 0; i < block.numInputs; ++i)
    if (words[i]) {
      uint32_t value = (words[i] & ~pinMark) - 1;
      if (!values[value].token && !(instance.away >> i & 1))
        bytes += values[value].bytes;
      if ((words[i] & pinMark) && from != to) {
        --values[value].pins;
        words[i] &= ~pinMark;
      }
    }
  ++counters.migrations;
  counters.migratedBytes += bytes;
  unpark(from, instance.parkedBytes);
  instance.parkedBytes = bytes + uint64_t(64) * block.numWaited();
  park(to, instance.parkedBytes);
  instance.tbu = tbuId;
  instance.replica = noIndex;
  for (uint32_t r = 0; r < block.numReplicas; ++r)
    if (t.replicas[block.replicaBegin + r].tbu == tbuId)
      instance.replica = r;
  instance.note = place.note;
  instance.lane = queueOf(instance, place.lane);
  instance.moved = true;
  instance.atTbu = false;
  instance.pending = 1;
  // The command reaches the new TBU, then the data follow.
  uint64_t at =
      now() + tokenDelay(from, to) + (asked ? tokenDelay(to, from) : 0);
  at = std::max(at, tbus[tbuId].commandFree) + m.commandCycles;
  tbus[tbuId].commandFree = at;
  if (!bytes || from == to) {
    if (bytes)
      at = readThroughPort(tbuId, bytes, at);
    inputDone(id, at, noIndex);
  } else {
    send(newMessage(MessageKind::Input, id, instance.generation, 0, noIndex,
                    instance.request, from, to, bytes),
         at);
  }
  return true;
}

/// The request of the instance has failed.
void Engine::cancelInstance(uint32_t id) {
  Instance &instance = instances[id];
  if (instance.streams != noIndex)
    leaveStreams(id);
  if (instance.state == InstanceState::Computing) {
    releaseInputs(instance);
    instance.orphan = true;
    ++requests[instance.request].holds;
    return;
  }
  uint32_t tbu = instance.tbu;
  switch (instance.state) {
  case InstanceState::Ready:
    unqueue(id);
    if (!traits.central)
      subtractBacklog(instance, traits.clusterQueues ? nullptr : &tbus[tbu],
                      clusters[clusterOf(tbu)]);
    break;
  case InstanceState::Held:
    account(instance, now());
    removeRunning(id);
    letGo(instance);
    askScheduler(tbu);
    break;
  default:
    break;
  }
  releaseInputs(instance);
  if (tbu != noIndex && instance.parkedBytes)
    unpark(clusterOf(tbu), instance.parkedBytes);
  if (instance.results != noIndex) {
    resultPool[instance.results].clear();
    freeResults.push_back(instance.results);
  }
  blame.release(instance.cause);
  instances.release(id);
}
