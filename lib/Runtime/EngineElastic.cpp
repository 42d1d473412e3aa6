//===- EngineElastic.cpp - Instances that change gang or place ------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include <algorithm>
#include <bit>

using namespace octo;

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
      !m.reachable[clusterOf(tbuId)] || !suits(tbuId, block.kernel))
    return false;
  uint32_t from = clusterOf(instance.tbu), to = clusterOf(tbuId);
  unqueue(id);
  subtractBacklog(instance);
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
