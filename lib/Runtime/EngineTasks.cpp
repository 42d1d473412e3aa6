//===- EngineTasks.cpp - Task instances and PEAs --------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The life of a task instance: inputs, ready, dispatched, configuring,
// computing, commit; which state each PEA is in.
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include <algorithm>
#include <bit>
#include <utility>

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
  instance.away = instance.lent = 0;
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
    uint32_t &word = taskWords(instance)[input];
    pinInput(instance, word);
    sendInput(id, input, (word & ~pinMark) - 1, at);
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
  bool isAway = input < 32 && (instance.away >> input & 1);
  at = std::max(at, value.readyAt);
  if (value.hbm != noIndex) {
    at = hbmService(value.hbm, value.bytes, at);
  } else if (from == to) {
    if (instance.state == InstanceState::Gathering && input < 32)
      instance.lent |= 1u << input;
    else
      pinInput(instance, taskWords(instance)[input]);
    // Where it was made it need not move; nor while the TBU is open.
    if (isAway || (value.tbu != instance.tbu && !traits.clusterQueues))
      at = readThroughPort(instance.tbu, value.bytes, at);
    inputDone(id, at, valueId);
    return;
  }
  instance.parkedBytes += value.bytes;
  park(to, value.bytes);
  if (from == to) {
    bringHome(id, input, valueId, 1, at);
    if (isAway)
      at = readThroughPort(instance.tbu, value.bytes, at);
    inputDone(id, at, valueId);
    return;
  }
  retain(valueId);
  // It gives way to the step of this input when that arrives.
  if (instance.cause != noIndex)
    __builtin_prefetch(&blame[instance.cause], /*rw=*/1);
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
  if (isSpacious())
    fetchForStart(instance);
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

/// What lies in the scratchpad of the cluster stays there from now on, until
/// the instance has used it. What was spilled while others were waited for
/// comes back; false if there is such, or it may be somewhere else by now.
bool Engine::holdInputs(uint32_t id) {
  Instance &instance = instances[id];
  // One count is held while they are asked for.
  ++instance.pending;
  for (uint32_t rest = std::exchange(instance.lent, 0); rest;
       rest &= rest - 1) {
    uint32_t input = static_cast<uint32_t>(std::countr_zero(rest));
    uint32_t &word = taskWords(instance)[input];
    pinInput(instance, word);
    uint32_t value = (word & ~pinMark) - 1;
    if ((word & pinMark) || values[value].lost)
      continue;
    ++instance.pending;
    if (!leaveAway(id, input, value))
      sendInput(id, input, value, now());
  }
  instance.lent = 0;
  if (--instance.pending)
    return false;
  if (instance.inputsAt <= now())
    return true;
  allInputs(id);
  return false;
}

void Engine::makeReady(uint32_t id) {
  Instance &instance = instances[id];
  if (instance.lent && !holdInputs(id))
    return;
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
  laneWaits[instance.lane] = lanePeas[instance.lane];
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
  if (instance.staged) {
    unstage(instance, id);
    return;
  }
  lanes[instance.lane].remove(id, stale);
  if (lanes[instance.lane].empty())
    laneWaits[instance.lane] = 0;
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
  return scaledCycles(one, variantScaleQ16[v]);
}

uint64_t Engine::cyclesOf(const Instance &instance, uint32_t variant) const {
  if (!instance.drawnCycles)
    return costs.variant(instance.call, variant).cycles;
  uint64_t scale = t.variants[variant].scaleQ16;
  return scaledCycles(instance.drawn, scale ? scale : variantScaleQ16[variant]);
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

/// Finds out what the instance costs, once.
void Engine::realise(uint32_t id) {
  Instance &instance = instances[id];
  if (instance.realised)
    return;
  instance.realised = true;
  kernelUsed[t.blocks[instance.block].kernel] = 1;
  // By position in the kernel's distinct symbols.
  std::vector<uint64_t> symbols;
  findWork(instance, symbols);
  priceWork(instance);
  if (options.recordOutcomes &&
      (instance.results == noIndex || traps[instance.results].empty()))
    recordOutcome(instance, symbols);
}

/// The work of an instance: from a record or by a draw, or by running its code.
/// Where its symbols were found out they are returned.
void Engine::findWork(Instance &instance, std::vector<uint64_t> &symbols) {
  const BlockInfo &block = t.blocks[instance.block];
  const KernelInfo &kernel = t.kernels[block.kernel];
  const OpenRequest &request = requests[instance.request];
  uint64_t tag = frames[instance.frame].tag;
  bool code = functional && kernel.kind == KernelKind::Image;
  instance.drawnCycles = false;
  instance.call = 0;
  if (std::span<const uint64_t> seen = recorded(request, block.local, tag);
      !seen.empty()) {
    instance.drawnCycles = seen[0] != workRecorded;
    instance.drawn = seen[0];
    if (!instance.drawnCycles) {
      symbols.assign(seen.end() - (kernel.distinctEnd - kernel.distinctBegin),
                     seen.end());
      instance.call = costs.call(block.kernel, symbols);
    }
    return;
  }
  if (request.record != RequestRecords::noRecord &&
      kernel.kind == KernelKind::Image && kernel.fixedWork) {
    // Not recorded, because it is always the same.
    instance.call = nominalCall(instance.block);
    return;
  }
  if (code) {
    callKernel(instance, symbols);
    return;
  }
  if (uint32_t distribution; profileDistribution(
          block.profile, requestForProfile(request), distribution)) {
    instance.drawnCycles = true;
    instance.drawn = static_cast<uint64_t>(
        std::max<int64_t>(t.distributions.sample(
                              distribution, draw(request, block.local, tag, 0)),
                          0));
  } else if (kernel.counterWork) {
    instance.drawnCycles = true;
    instance.drawn = block.expectedCycles;
  } else {
    instance.call = nominalCall(instance.block);
  }
}

/// What a kernel reads. A donated last use may be overwritten in place: nobody
/// else holds it.
std::vector<Tensor> Engine::kernelInputs(const Instance &instance) {
  const BlockInfo &block = t.blocks[instance.block];
  const KernelInfo &kernel = t.kernels[block.kernel];
  std::vector<Tensor> inputs(block.numInputs);
  uint32_t *words = inputWords(frames[instance.frame], block);
  for (uint32_t i = 0; i < block.numInputs; ++i) {
    uint32_t input = t.inputs[block.inputBegin + i];
    if (input & weightFlag) {
      inputs[i] = weightTensors[input & ~weightFlag];
      continue;
    }
    uint32_t value = (words[i] & ~pinMark) - 1;
    if (i < 64 && (kernel.donated >> i & 1) &&
        isOnlyReader(instance.frame, value))
      inputs[i] = std::move(tensors[value]);
    else
      inputs[i] = tensors[value];
  }
  return inputs;
}

/// Runs the code of an instance: its results or why it has none, and its
/// symbols, which say what that cost.
void Engine::callKernel(Instance &instance, std::vector<uint64_t> &symbols) {
  const uint32_t number = t.blocks[instance.block].kernel;
  const KernelInfo &kernel = t.kernels[number];
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
  std::vector<Tensor> inputs = kernelInputs(instance);
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
  Expected<void> done = executor->call(number, inputs, results, counts);
  if (!done)
    traps[slot] = done.error().message.empty() ? "trap" : done.error().message;
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
  instance.call = costs.call(number, symbols);
}

/// The cycles of the instance by gang, as policies and reports need them.
void Engine::priceWork(Instance &instance) {
  const KernelInfo &kernel = t.kernels[t.blocks[instance.block].kernel];
  uint64_t best = never, capacity = never, priced = never;
  for (uint32_t v = kernel.variantBegin; v < kernel.variantEnd; ++v) {
    uint64_t cycles = cyclesOf(instance, v);
    if (v == kernel.variantBegin)
      instance.oneCycles = cycles;
    best = std::min(best, cycles);
    const uint64_t gang = t.variants[v].gang;
    capacity = std::min(capacity, cycles * gang);
    priced = std::min(priced, cycles * gang + chainOf(cycles).extra);
  }
  instance.best = {best, priced - capacity};
  instance.capacityCycles = capacity;
}

/// Keeps what a profile and a later run from records need.
void Engine::recordOutcome(const Instance &instance,
                           std::span<const uint64_t> symbols) {
  const BlockInfo &block = t.blocks[instance.block];
  const KernelInfo &kernel = t.kernels[block.kernel];
  OutcomeRecord record{requests[instance.request].number,
                       frames[instance.frame].tag, block.workflow, block.local,
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

  __builtin_prefetch(&t.consumers[t.values[block.outputBegin].consumerBegin]);
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
      uint32_t &word = taskWords(instance)[i];
      if (!word)
        continue;
      pinInput(instance, word);
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
void Engine::pinInput(const Instance &instance, uint32_t &word) {
  Value &value = values[(word & ~pinMark) - 1];
  if (!(word & pinMark) && !value.token && value.bytes &&
      value.hbm == noIndex && value.cluster == clusterOf(instance.tbu)) {
    word |= pinMark;
    ++value.pins;
    touch((word & ~pinMark) - 1);
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
  fetchForEnd(instance.block);
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
    if (word & pinMark) {
      --values[value].pins;
      if (values[value].refs > 1)
        touch(value);
    }
    release(value);
  }
}

/// Gives back PEAs, code and weights of an instance that holds them.
void Engine::letGo(Instance &instance) {
  const BlockInfo &block = t.blocks[instance.block];
  ClusterState &cluster = clusters[clusterOf(instance.tbu)];
  releaseCode(instance.tbu, block.kernel);
  for (uint32_t w = block.weightBegin; w < block.weightEnd; ++w) {
    uint32_t weight = t.blockWeights[w];
    auto place = std::lower_bound(
        cluster.weights.begin(), cluster.weights.end(), weight,
        [](const ResidentWeight &a, uint32_t b) { return a.weight < b; });
    --place->uses;
  }
  subtractBacklog(instance);
  unpark(clusterOf(instance.tbu), instance.parkedBytes);
  instance.parkedBytes = 0;
  --heldInstances;
  freePeas(instance.tbu, instance.peas);
}

// The tables of large programs lie in memory, and what a task and those that
// take its outputs need of them lies far apart. It is fetched in steps: each of
// them needs what the one before has fetched.

/// The block that takes a value first; null when none does.
const BlockInfo *Engine::firstTaker(uint32_t output) const {
  uint32_t first = t.values[output].consumerBegin;
  if (first == t.values[output + 1].consumerBegin ||
      t.consumers[first].block == noIndex)
    return nullptr;
  return &t.blocks[t.consumers[first].block];
}

/// Fetches the blocks that take the outputs of a task that begins to compute,
/// and where its numbers go when it ends.
void Engine::fetchForEnd(uint32_t id) {
  const BlockInfo &block = t.blocks[id];
  const char *total = reinterpret_cast<const char *>(&totals[id]);
  __builtin_prefetch(total, /*rw=*/1);
  __builtin_prefetch(total + sizeof(BlockStatistics) - 1, /*rw=*/1);
  for (uint32_t o = 0; o < block.numOutputs; ++o)
    if (auto *taker =
            reinterpret_cast<const char *>(firstTaker(block.outputBegin + o))) {
      __builtin_prefetch(taker);
      __builtin_prefetch(taker + sizeof(BlockInfo) - 1);
    }
}

/// Fetches where an instance queues that may have all its inputs now, and what
/// its start looks at.
void Engine::fetchForStart(const Instance &instance) const {
  if (instance.tbu >= tbus.size())
    return;
  if (instance.lane < lanes.size())
    __builtin_prefetch(&lanes[instance.lane], /*rw=*/1);
  __builtin_prefetch(&tbus[instance.tbu].backlog, /*rw=*/1);
  __builtin_prefetch(&idleSince[size_t(instance.tbu) * m.peasPerTbu],
                     /*rw=*/1);
  __builtin_prefetch(&energyCounts[clusterOf(instance.tbu)], /*rw=*/1);
}

/// Fetches what is needed when a task that ends gives its inputs back and its
/// outputs away.
void Engine::fetchForCommit(const Instance &instance) {
  const BlockInfo &block = t.blocks[instance.block];
  if (isSpacious())
    __builtin_prefetch(tbus[instance.tbu].running.data());
  const uint32_t *words = taskWords(instance);
  for (uint32_t i = 0; i < block.numInputs; ++i)
    if (words[i])
      __builtin_prefetch(&values[(words[i] & ~pinMark) - 1]);
  const Frame &frame = frames[instance.frame];
  uint32_t begin = t.regions[frame.region].blockBegin;
  for (uint32_t o = 0; o < block.numOutputs; ++o)
    if (const BlockInfo *taker = firstTaker(block.outputBegin + o)) {
      __builtin_prefetch(&t.replicas[taker->replicaBegin]);
      __builtin_prefetch(inputWords(frame, *taker));
      __builtin_prefetch(&frame.words[taker - t.blocks.data() - begin]);
    }
}

/// Fetches the instances that take a value which has just been made; they are
/// served a little later.
void Engine::fetchTakers(const Frame &frame, uint32_t slot) const {
  uint32_t begin = t.regions[frame.region].blockBegin;
  uint32_t first = t.values[slot].consumerBegin;
  uint32_t end = std::min(t.values[slot + 1].consumerBegin, first + 8);
  for (uint32_t i = first; i < end; ++i) {
    uint32_t block = t.consumers[i].block;
    if (block == noIndex)
      continue;
    // Of a control block it is the number of something else.
    uint32_t id = frame.words[block - begin] - 1;
    if (id < instances.size()) {
      const char *taker = reinterpret_cast<const char *>(&instances[id]);
      __builtin_prefetch(taker, /*rw=*/1);
      __builtin_prefetch(taker + 64, /*rw=*/1);
    }
    const uint32_t replica = t.blocks[block].replicaBegin;
    if (isSpacious() && replica < t.replicas.size()) {
      const uint32_t cluster = clusterOf(t.replicas[replica].tbu);
      __builtin_prefetch(&clusters[cluster], /*rw=*/1);
      __builtin_prefetch(&energyCounts[cluster].localBytes, /*rw=*/1);
    }
  }
}

/// Numbers of a task that has computed.
void Engine::countTask(const Instance &instance) {
  const BlockInfo &block = t.blocks[instance.block];
  const KernelInfo &kernel = t.kernels[block.kernel];
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
  OpenRequest &request = requests[instance.request];
  if (!instance.orphan && request.order >= options.scenario.warmUpRequests)
    taskWait.add(wait);
  request.capacityWork += instance.capacityCycles;
  const unsigned workClass =
      m.livePerClass[kernel.peaClass] ? kernel.peaClass : 3;
  capacityByClass[workClass] += instance.capacityCycles;
  if (workClass < 3)
    request.classWork[workClass] += instance.capacityCycles;
}

/// The running mean of what a task takes, for who expects.
void Engine::learn(uint32_t block, uint64_t cycles) {
  uint64_t &meanQ16 = learnedQ16[block];
  uint64_t sampleQ16 = cycles << 16;
  if (!learnedCount[block])
    meanQ16 = sampleQ16;
  else if (sampleQ16 > meanQ16)
    meanQ16 += (sampleQ16 - meanQ16) / 8;
  else
    meanQ16 -= (meanQ16 - sampleQ16) / 8;
  learnedCount[block] += learnedCount[block] < 4;
}

/// The values that a task has made are parked and go to who takes them. `node`:
/// its number for hostCut.
void Engine::commit(Instance &instance, const Chain &path, uint32_t lineage,
                    uint32_t node) {
  const BlockInfo &block = t.blocks[instance.block];
  uint32_t tbu = instance.tbu, cluster = clusterOf(tbu);
  uint32_t slot = instance.results;
  for (uint32_t o = 0; o < block.numOutputs; ++o) {
    uint32_t output = block.outputBegin + o;
    uint32_t flow = hostCut ? cutOutput(instance, node, o) : noIndex;
    if (instance.streams != noIndex && onlyStreamed(instance, o))
      continue;
    uint64_t bytes = outputBytes(instance, o);
    uint32_t value = newValue(bytes, path, cluster, tbu, instance.request,
                              t.elementOf(output) == ElementKind::Token);
    values[value].idleFrom = instance.idleFrom;
    values[value].idleTo = instance.idleTo;
    values[value].idleDepth = instance.idleDepth;
    values[value].flow = flow;
    if (block.feedsStreams)
      notePath(value, instance);
    if (slot != noIndex && o < resultPool[slot].size())
      tensors[value] = std::move(resultPool[slot][o]);
    // Others make room for it.
    ++values[value].pins;
    park(cluster, bytes);
    --values[value].pins;
    if (lineage != noIndex)
      madeBy(lineage, value);
    fetchTakers(frames[instance.frame], output);
    deliver(instance.frame, output, value);
  }
  if (lineage != noIndex)
    settleLineage(lineage);
}

/// Gives back the record of an instance and what only it holds.
void Engine::freeInstance(uint32_t id) {
  Instance &instance = instances[id];
  if (instance.results != noIndex) {
    resultPool[instance.results].clear();
    freeResults.push_back(instance.results);
  }
  if (instance.realised)
    costs.release(instance.call);
  blame.release(instance.cause);
  instances.release(id);
}

void Engine::complete(uint32_t id) {
  Instance &instance = instances[id];
  // The frame of a failed request is another one's by now.
  if (!instance.orphan)
    fetchForCommit(instance);
  uint32_t tbu = instance.tbu;
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
  countTask(instance);
  learn(instance.block, instance.oneCycles);

  uint32_t request = instance.request;
  auto leave = [&] {
    if (instance.streams != noIndex)
      endStreams(id);
    freeInstance(id);
    askScheduler(tbu);
  };
  if (instance.orphan) {
    --requests[request].holds;
    leave();
    closeRequest(request);
    return;
  }
  requests[request].work += instance.oneCycles;
  uint32_t frame = instance.frame, blockId = instance.block;
  Chain path = pathThrough(instance);
  uint32_t lineage = faults ? taskLineage(instance) : noIndex;
  uint32_t node = hostCut ? cutTask(instance) : noIndex;
  releaseInputs(instance);
  if (trapped) {
    std::string reason = std::move(traps[instance.results]);
    traps[instance.results].clear();
    frames[frame].words[blockId - t.regions[frames[frame].region].blockBegin] =
        overMark;
    if (lineage != noIndex)
      settleLineage(lineage);
    leave();
    failRequest(request, blockId, std::move(reason));
    return;
  }
  if (!requests[request].resultsLeft)
    blame.assign(requests[request].cause, cause);
  commit(instance, path, lineage, node);
  blockOver(frame, blockId);
  leave();
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
      subtractBacklog(instance);
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
  freeInstance(id);
}
