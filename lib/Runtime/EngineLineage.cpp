//===- EngineLineage.cpp - Values that are made again ---------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In runs with faults a record tells how every value was made. Who is to be
// sent a value that has been lost waits, and the value is made again: by its
// task, by the join, or by the host; what that takes and has gone too before
// it.
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include <algorithm>
#include <bit>

using namespace octo;

//===----------------------------------------------------------------------===//
// Records
//===----------------------------------------------------------------------===//

uint32_t Engine::newLineage(MadeBy by, uint32_t block, uint32_t request,
                            uint32_t cluster) {
  uint32_t id = faults->lineages.allocate();
  Lineage &lineage = faults->lineages[id];
  lineage.by = by;
  lineage.busy = lineage.drawnCycles = false;
  lineage.block = block;
  lineage.region = noIndex;
  lineage.request = request;
  lineage.cluster = cluster;
  lineage.copy = lineage.call = lineage.pending = lineage.uses = 0;
  lineage.tag = lineage.drawn = lineage.oneCycles = 0;
  lineage.joinWork = {};
  lineage.inputs.clear();
  lineage.outputs.clear();
  return id;
}

void Engine::madeBy(uint32_t lineage, uint32_t value) {
  std::vector<ValueTrace> &traces = faults->ofValue;
  if (traces.size() <= value)
    traces.resize(std::max<size_t>(value + 1, 2 * traces.size()));
  traces[value] = {};
  traces[value].lineage = lineage;
  faults->lineages[lineage].outputs.push_back(value);
  ++faults->lineages[lineage].uses;
}

void Engine::addInput(uint32_t lineage, uint32_t word) {
  faults->lineages[lineage].inputs.push_back(word);
  if (word)
    ++faults->ofValue[word - 1].lineageRefs;
}

/// The record of a task that commits; it gets the instance's costs.
uint32_t Engine::taskLineage(Instance &instance) {
  const BlockInfo &block = t.blocks[instance.block];
  const Frame &frame = frames[instance.frame];
  uint32_t id = newLineage(MadeBy::Task, instance.block, instance.request,
                           clusterOf(instance.tbu));
  Lineage &lineage = faults->lineages[id];
  lineage.region = frame.region;
  lineage.copy = frame.copy;
  lineage.tag = frame.tag;
  lineage.drawnCycles = instance.drawnCycles;
  lineage.drawn = instance.drawn;
  lineage.oneCycles = instance.oneCycles;
  lineage.call = instance.call;
  instance.call = 0;
  const uint32_t *words = inputWords(frame, block);
  for (uint32_t i = 0; i < block.numInputs; ++i)
    addInput(id, words[i] & ~pinMark);
  return id;
}

/// Drops a record that nobody will ask any more, and what only it kept.
void Engine::settleLineage(uint32_t id) {
  FaultState &f = *faults;
  std::vector<uint32_t> work = {id};
  while (!work.empty()) {
    uint32_t next = work.back();
    work.pop_back();
    Lineage &lineage = f.lineages[next];
    if (lineage.uses)
      continue;
    for (uint32_t word : lineage.inputs) {
      if (!word)
        continue;
      uint32_t value = word - 1;
      if (--f.ofValue[value].lineageRefs || values[value].refs)
        continue;
      uint32_t made = f.ofValue[value].lineage;
      f.ofValue[value] = {};
      values.release(value);
      Lineage &of = f.lineages[made];
      *std::find(of.outputs.begin(), of.outputs.end(), value) = noIndex;
      if (!--of.uses)
        work.push_back(made);
    }
    if (lineage.by == MadeBy::Task)
      costs.release(lineage.call);
    f.lineages.release(next);
  }
}

/// Nobody uses the value any more. Does its record stay, because something
/// that was made of it may have to be made again?
bool Engine::keepRecord(uint32_t id) {
  ValueTrace &trace = faults->ofValue[id];
  if (trace.lineageRefs) {
    values[id].lose();
    return true;
  }
  uint32_t made = trace.lineage;
  trace = {};
  Lineage &lineage = faults->lineages[made];
  *std::find(lineage.outputs.begin(), lineage.outputs.end(), id) = noIndex;
  if (!--lineage.uses)
    settleLineage(made);
  return false;
}

//===----------------------------------------------------------------------===//
// Making again
//===----------------------------------------------------------------------===//

void Engine::want(uint32_t value, uint64_t at) {
  faults->wanted.emplace_back(value, at);
}

/// Somebody is to be sent a value that is lost: when it has been made again.
void Engine::awaitValue(MessageKind kind, uint32_t target,
                        uint32_t targetGeneration, uint32_t aux, uint32_t value,
                        uint64_t at) {
  retain(value);
  faults->waiting.push_back({value, kind, target, targetGeneration, aux});
  want(value, at);
}

void Engine::remakeWanted() {
  FaultState &f = *faults;
  for (size_t i = 0; i < f.wanted.size(); ++i) {
    auto [value, at] = f.wanted[i];
    if ((values[value].generation & 1) && values[value].lost &&
        values[value].refs)
      remake(value, std::max(at, now()));
  }
  f.wanted.clear();
}

/// Begins to make a lost value again, from cycle `at` on.
void Engine::remake(uint32_t value, uint64_t at) {
  FaultState &f = *faults;
  uint32_t id = f.ofValue[value].lineage;
  Lineage &lineage = f.lineages[id];
  if (lineage.busy)
    return;
  lineage.busy = true;
  ++lineage.uses;
  switch (lineage.by) {
  case MadeBy::Argument: {
    // The host keeps the arguments of a request until it has completed.
    ++f.numbers.argumentsFetched;
    if (uint32_t request = values[value].request; request != noIndex)
      f.requestHit[requests[request].number] = 1;
    uint64_t start = std::max(at, hostInFree);
    hostInFree = start + ceilDiv(values[value].bytes, m.hostInBytesPerCycle);
    counters.hostInBytes += values[value].bytes;
    push(hostInFree + m.hostLatency, EventClass::Transfer, RestoreEvent,
         m.hostCluster, id, lineage.generation);
    return;
  }
  case MadeBy::Weight: {
    // It is behind every port, and with the host.
    uint32_t port = m.nearestHbm[m.hostCluster];
    if (port != noIndex) {
      values[value].lost = false;
      values[value].hbm = port;
      values[value].readyAt = 0;
      values[value].cluster = m.hbm[port].cluster;
    }
    restore(id, m.hostCluster, noIndex);
    return;
  }
  case MadeBy::Index:
    restore(id, f.cbuOf[lineage.cluster], noIndex);
    return;
  case MadeBy::Task:
    replayTask(id, at);
    return;
  case MadeBy::Join: {
    lineage.cluster = f.cbuOf[lineage.cluster];
    lineage.pending = 1;
    for (uint32_t word : lineage.inputs) {
      if (!word || values[word - 1].token || !values[word - 1].bytes)
        continue;
      ++lineage.pending;
      sendValue(MessageKind::Remake, id, lineage.generation, 0, word - 1,
                lineage.cluster, at);
    }
    remakeArrived(id);
    return;
  }
  }
}

/// An input of a join that is made again has come.
void Engine::remakeArrived(uint32_t id) {
  Lineage &lineage = faults->lineages[id];
  if (--lineage.pending)
    return;
  ++faults->numbers.joinsReexecuted;
  ClusterState &cluster = clusters[lineage.cluster];
  uint64_t start = std::max(now(), cluster.joinFree);
  cluster.joinFree =
      start + chargeJoin(lineage.cluster, lineage.block, lineage.joinWork);
  push(cluster.joinFree, EventClass::Completion, RestoreEvent, lineage.cluster,
       id, lineage.generation);
}

/// Runs a task again for the sake of its outputs. Its code is not called: what
/// it would compute is known, and what it costs is charged.
void Engine::replayTask(uint32_t id, uint64_t at) {
  FaultState &f = *faults;
  Lineage &lineage = f.lineages[id];
  lineage.words = lineage.inputs;
  for (uint32_t word : lineage.words)
    if (word)
      retain(word - 1);
  uint32_t frameId = frames.allocate();
  Frame &frame = frames[frameId];
  frame.region = lineage.region;
  frame.owner = noIndex;
  frame.request = lineage.request;
  frame.home = lineage.cluster;
  frame.index = 0;
  frame.copy = lineage.copy;
  frame.outstanding = 0;
  frame.previous = frame.next = noIndex;
  frame.sibling = frame.previousSibling = noIndex;
  frame.activations = noIndex;
  frame.cause = noIndex;
  frame.tag = lineage.tag;
  frame.flowKey = flowKey(frame);
  frame.path = {};
  frame.activatedAt = now();
  frame.words = lineage.words.data();
  uint32_t made = makeInstance(frameId, lineage.block, lineage.cluster);
  Instance &instance = instances[made];
  instance.replay = instance.untimed = instance.realised = true;
  instance.drawnCycles = lineage.drawnCycles;
  instance.drawn = lineage.drawn;
  instance.call = lineage.call;
  instance.oneCycles = lineage.oneCycles;
  instance.best = {};
  instance.capacityCycles = 0;
  f.ofInstance[made].lineage = id;
  for (uint32_t value : lineage.outputs)
    if (value != noIndex && f.ofValue[value].fault != noIndex)
      f.ofInstance[made].fault = f.ofValue[value].fault;
  ++requests[lineage.request].holds;
  if (instance.parkedBytes) {
    unpark(clusterOf(instance.tbu), instance.parkedBytes);
    instance.parkedBytes = 0;
  }
  gather(made, at);
}

/// A task that was run again has its outputs.
void Engine::finishReplay(uint32_t id) {
  FaultState &f = *faults;
  Instance &instance = instances[id];
  uint32_t tbu = instance.tbu, request = instance.request;
  uint32_t lineage = f.ofInstance[id].lineage;
  ++f.numbers.tasksReexecuted;
  ++f.repeatedOf[instance.block];
  f.numbers.reexecutedPeaCycles +=
      f.ofInstance[id].spent +
      uint64_t(std::popcount(instance.peas)) * (now() - instance.dispatched);
  if (!instance.drawnCycles)
    chargeTask(instance);
  releaseInputs(instance);
  frames.release(instance.frame);
  --requests[request].holds;
  blame.release(instance.cause);
  instances.release(id);
  restore(lineage, clusterOf(tbu), tbu);
  askScheduler(tbu);
  closeRequest(request);
}

/// The request has failed: nothing is made again for it.
void Engine::cancelReplays(uint32_t request) {
  FaultState &f = *faults;
  for (uint32_t id = 0; id < instances.size(); ++id) {
    if (!(instances[id].generation & 1) || !instances[id].replay ||
        instances[id].request != request)
      continue;
    detach(id, /*keep=*/false, noIndex, now());
    Instance &instance = instances[id];
    releaseInputs(instance);
    uint32_t lineage = f.ofInstance[id].lineage;
    f.lineages[lineage].busy = false;
    frames.release(instance.frame);
    --requests[request].holds;
    blame.release(instance.cause);
    instances.release(id);
    if (!--f.lineages[lineage].uses)
      settleLineage(lineage);
  }
}

/// Is there still somebody at the other end?
bool Engine::waiterStands(const LostWaiter &waiter) const {
  switch (waiter.kind) {
  case MessageKind::Input:
    return instances.current(waiter.target, waiter.targetGeneration);
  case MessageKind::Result:
    return requests.current(waiter.target, waiter.targetGeneration);
  case MessageKind::Remake:
    return faults->lineages.current(waiter.target, waiter.targetGeneration);
  default:
    return controls.current(waiter.target, waiter.targetGeneration);
  }
}

/// Takes those out, in order, for whom `wanted` holds.
template <class Wanted>
std::vector<LostWaiter> Engine::takeWaiters(Wanted wanted) {
  std::vector<LostWaiter> taken, left;
  for (const LostWaiter &waiter : faults->waiting)
    (wanted(waiter) ? taken : left).push_back(waiter);
  faults->waiting = std::move(left);
  return taken;
}

void Engine::dropWaiters() {
  for (const LostWaiter &waiter :
       takeWaiters([this](const LostWaiter &w) { return !waiterStands(w); }))
    release(waiter.value);
}

/// What a record tells how to make has been made again, in the scratchpad of
/// `cluster`.
void Engine::restore(uint32_t id, uint32_t cluster, uint32_t tbu) {
  FaultState &f = *faults;
  f.lineages[id].busy = false;
  // Serving those who wait may free records.
  std::vector<uint32_t> outputs = f.lineages[id].outputs;
  for (uint32_t v : outputs) {
    if (v == noIndex || f.ofValue[v].lineage != id)
      continue;
    Value &value = values[v];
    if (!value.refs)
      continue;
    if (value.lost) {
      value.lost = false;
      value.hbm = noIndex;
      value.readyAt = 0;
      value.cluster = cluster;
      value.tbu = tbu;
      ClusterState &home = clusters[cluster];
      if (home.spilling && value.age != never)
        home.parked.emplace(value.age, value.sequence, v);
      retain(v);
      park(cluster, value.bytes);
      release(v);
    }
    ++f.numbers.valuesRemade;
    if (uint32_t fault = f.ofValue[v].fault; fault != noIndex) {
      FaultStatistics::Part &part = f.numbers.parts[fault];
      part.recoveryCycles = std::max(part.recoveryCycles, now() - part.cycle);
      f.ofValue[v].fault = noIndex;
    }
    for (const LostWaiter &w :
         takeWaiters([v](const LostWaiter &w) { return w.value == v; })) {
      if (waiterStands(w))
        switch (w.kind) {
        case MessageKind::Input:
          if (traits.central &&
              instances[w.target].state == InstanceState::Gathering)
            inputDone(w.target,
                      now() + tokenDelay(values[v].cluster, m.hostCluster), v);
          else
            sendInput(w.target, w.aux, v, now());
          break;
        case MessageKind::Result:
          sendValue(w.kind, w.target, w.targetGeneration, w.aux, v,
                    m.hostCluster, now());
          break;
        case MessageKind::Remake:
          sendValue(w.kind, w.target, w.targetGeneration, w.aux, v,
                    f.lineages[w.target].cluster, now());
          break;
        default:
          sendValue(w.kind, w.target, w.targetGeneration, w.aux, v,
                    controls[w.target].cluster, now());
          break;
        }
      release(v);
    }
  }
  if (!--f.lineages[id].uses)
    settleLineage(id);
}
