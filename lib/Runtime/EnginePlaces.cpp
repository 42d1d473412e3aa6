//===- EnginePlaces.cpp - Queues of clusters, staging, status -------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where an instance waits when its policy binds it to a cluster before a TBU
// (docs/semantics.md, section 10), how it is brought to a TBU ahead of its
// turn, and what clusters tell each other.
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include <algorithm>
#include <utility>

using namespace octo;

/// Cycles between two reports of a cluster's state to others (assumed).
static constexpr uint64_t reportCycles = 256;

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

Place Policy::choosePlace(Scheduler &scheduler, InstanceId instance, uint32_t) {
  InstanceInfo info = scheduler.info(instance);
  uint32_t replica = chooseReplica(scheduler, instance);
  if (replica >= scheduler.numReplicas(info.workflow, info.block))
    replica = 0;
  return {scheduler.replicaTbu(info.workflow, info.block, replica), 0, 0};
}

/// Has a TBU the live PEAs for the smallest gang of a kernel?
bool Engine::suits(uint32_t tbu, uint32_t kernel) const {
  return suffice(eligibleAt(tbu, kernel) & tbus[tbu].usable, kernel);
}

/// Gives a new instance its place. `first`: the cluster of its first input.
void Engine::place(uint32_t id, uint32_t first) {
  Instance &instance = instances[id];
  const BlockInfo &block = t.blocks[instance.block];
  bool anywhere = traits.queuePerPea || traits.clusterQueues;
  uint32_t replica = noIndex;
  Place chosen;
  if (hasSlot(instance)) {
    const Frame &frame = frames[instance.frame];
    uint32_t lane = segmentActivations[frame.activations]
                                      [t.slots[block.slotOfBlock].segment]
                                          .lane;
    replica = static_cast<uint32_t>(&replicaOfSlot(block.slotOfBlock, lane) -
                                    &t.replicas[block.replicaBegin]);
  } else if (anywhere) {
    chosen = policy->choosePlace(*scheduler, id, first);
    uint32_t tbu = instance.tbu = chosen.tbu;
    if (tbu >= m.tbus || !m.reachable[clusterOf(tbu)] || !canRun(instance)) {
      chosen = {};
      replica = 0;
    }
  } else {
    replica = policy->chooseReplica(*scheduler, id);
    if (replica >= block.numReplicas)
      replica = 0;
  }
  if (replica != noIndex) {
    chosen.tbu = t.replicas[block.replicaBegin + replica].tbu;
    instance.replica = replica;
    instance.untimed = faults && faults->rehomed[block.replicaBegin + replica];
  }
  instance.tbu = chosen.tbu;
  instance.note = chosen.note;
  instance.lane = traits.reach == Reach::Shares && !anywhere
                      ? t.replicas[block.replicaBegin + replica].lane
                      : queueOf(instance, chosen.lane);
  if (chosen.central) {
    centralFree = std::max(now(), centralFree) + m.centralDispatchCycles;
    instance.inputsAt = std::max(
        instance.inputsAt,
        centralFree + tokenDelay(m.hostCluster, clusterOf(instance.tbu)));
  }
  // Slots of the frame, 64 bytes an input.
  instance.parkedBytes = uint64_t(64) * block.numWaited();
  park(clusterOf(instance.tbu), instance.parkedBytes);
}

/// The queue of an instance at its TBU: by its class, or the PEA `lane`.
uint32_t Engine::queueOf(const Instance &instance, uint32_t lane) const {
  uint32_t first = laneFirst[dispatchUnit(instance.tbu)];
  return first + (traits.queuePerPea
                      ? std::min(lane, m.peasPerTbu - 1)
                      : classOf(t.blocks[instance.block].kernel));
}

bool Engine::moveTo(uint32_t id, const Place &place) {
  if (id >= instances.size() || !(instances[id].generation & 1) ||
      !traits.queuePerPea)
    return false;
  Instance &instance = instances[id];
  if (place.tbu != instance.tbu)
    return moveInstance(id, place);
  if (instance.state != InstanceState::Ready)
    return false;
  uint64_t backlog = instance.backlog;
  unqueue(id);
  instance.lane = queueOf(instance, place.lane);
  instance.note = place.note;
  instance.state = InstanceState::Ready;
  tbus[instance.tbu].backlog -= backlog;
  clusters[clusterOf(instance.tbu)].backlog -= backlog;
  enqueue(id);
  return true;
}

//===----------------------------------------------------------------------===//
// Staging
//===----------------------------------------------------------------------===//

/// A decision of the cluster's scheduler and its command to a TBU; returns when
/// the TBU has it.
uint64_t Engine::commandTbu(uint32_t tbuId) {
  ClusterState &cluster = clusters[clusterOf(tbuId)];
  TbuState &tbu = tbus[tbuId];
  cluster.dispatcherFree =
      std::max(now(), cluster.dispatcherFree) + m.localDispatchCycles;
  uint64_t at =
      std::max(cluster.dispatcherFree, tbu.commandFree) + m.commandCycles;
  tbu.commandFree = at;
  return at;
}

/// What lies in the scratchpad of the cluster and was not made by the TBU
/// passes its port.
void Engine::bringToTbu(Instance &instance, uint64_t at) {
  const BlockInfo &block = t.blocks[instance.block];
  uint64_t bytes = 0;
  const uint32_t *words = taskWords(instance);
  for (uint32_t i = 0; i < block.numInputs; ++i)
    if (words[i]) {
      const Value &value = values[(words[i] & ~pinMark) - 1];
      if (!value.token && value.tbu != instance.tbu &&
          !(i < 32 && (instance.away >> i & 1)))
        bytes += value.bytes;
    }
  instance.atTbu = true;
  if (!bytes)
    return;
  instance.inputsAt =
      std::max(instance.inputsAt, readThroughPort(instance.tbu, bytes, at));
}

/// Can the code of a kernel be in the store with what runs and is staged there?
bool Engine::codeFits(uint32_t tbuId, uint32_t kernel) const {
  uint64_t bytes = t.kernels[kernel].codeBytes;
  if (!bytes || !m.configStore)
    return true;
  const TbuState &tbu = tbus[tbuId];
  uint64_t used = 0;
  for (const ResidentCode &code : tbu.code) {
    if (code.kernel == kernel)
      return true;
    used += code.uses ? code.bytes : 0;
  }
  return used + bytes <= m.configStore;
}

bool Engine::stage(uint32_t id, uint32_t tbuId) {
  if (id >= instances.size() || !(instances[id].generation & 1) ||
      tbuId >= m.tbus)
    return false;
  Instance &instance = instances[id];
  const BlockInfo &block = t.blocks[instance.block];
  if (!traits.clusterQueues || instance.state != InstanceState::Ready ||
      instance.staged || instance.streams != noIndex ||
      dispatchUnit(tbuId) != dispatchUnit(instance.tbu) ||
      !suits(tbuId, block.kernel) || !codeFits(tbuId, block.kernel))
    return false;
  unqueue(id);
  TbuState &tbu = tbus[tbuId];
  tbu.backlog += instance.backlog;
  ++tbu.queued;
  instance.state = InstanceState::Ready;
  instance.staged = true;
  instance.tbu = tbuId;
  tbu.staged.push_back(id);
  uint64_t at = commandTbu(tbuId), begin;
  uint64_t loads = counters.configLoads;
  loadCode(tbuId, block.kernel, at, begin, instance.block);
  counters.prefetches += counters.configLoads - loads;
  bringToTbu(instance, at);
  fetchAway(id, at);
  for (uint32_t w = block.weightBegin; w < block.weightEnd; ++w) {
    weightUsed[t.blockWeights[w]] = 1;
    weightAt(clusterOf(tbuId), t.blockWeights[w], at).lastUse = at;
  }
  return true;
}

/// Takes a staged instance from its TBU; the code it held may be replaced.
void Engine::unstage(Instance &instance, uint32_t id) {
  std::vector<uint32_t> &staged = tbus[instance.tbu].staged;
  staged.erase(std::find(staged.begin(), staged.end(), id));
  tbus[instance.tbu].backlog -= instance.backlog;
  instance.staged = false;
  releaseCode(instance.tbu, t.blocks[instance.block].kernel);
}

void Engine::releaseCode(uint32_t tbu, uint32_t kernel) {
  if (t.kernels[kernel].codeBytes)
    for (ResidentCode &code : tbus[tbu].code)
      if (code.kernel == kernel) {
        --code.uses;
        return;
      }
}

//===----------------------------------------------------------------------===//
// Status
//===----------------------------------------------------------------------===//

/// What others will see of a cluster from now on, as soon as it comes to them.
void Engine::showStatus(uint32_t id) {
  ClusterState &cluster = clusters[id];
  cluster.lastBacklog = cluster.shownBacklog;
  cluster.shownBacklog = cluster.backlog;
  cluster.lastFree = cluster.shownFree;
  cluster.shownFree = cluster.freePeas;
  cluster.lastSpilled = cluster.shownSpilled;
  cluster.shownSpilled = cluster.spilled;
  cluster.lastComputed = cluster.shownComputed;
  cluster.shownComputed = 0;
  for (uint32_t i = 0; i < m.tbusPerCluster; ++i)
    cluster.shownComputed += tbus[id * m.tbusPerCluster + i].computed;
  cluster.lastMeshLoadQ16 = cluster.shownMeshLoadQ16;
  if (uint64_t span = now() - cluster.shownAt) {
    // A moving average over the time of an epoch.
    const auto [sent, received] = std::exchange(traffic[id], {});
    uint64_t load =
        (std::max(sent, received) << 16) / (span * m.linkBytesPerCycle);
    uint64_t period = epochPeriod(), part = std::min(span, period);
    cluster.shownMeshLoadQ16 =
        (cluster.shownMeshLoadQ16 * (period - part) + load * part) / period;
  }
  cluster.shownAt = now();
}

/// The cluster tells the others how it is, at most every reportCycles: a token
/// to each neighbour, which pass it on with their own.
void Engine::report(uint32_t id) {
  if (now() - clusters[id].shownAt < reportCycles)
    return;
  showStatus(id);
  counters.tokens += 4;
  energyCounts[id].tokenHops += 4;
}
