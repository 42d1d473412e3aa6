//===- EngineSetBack.cpp - What a death sets back begins again ------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/semantics.md, section 12: task instances go back to their inputs,
// control blocks to another CBU, messages are sent again.
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include <algorithm>
#include <bit>

using namespace octo;

//===----------------------------------------------------------------------===//
// Instances that begin again
//===----------------------------------------------------------------------===//

/// Takes an instance from its PEAs or out of its queue; events and messages
/// that mean it as it was are void. With `keep` it stays in its cluster and
/// keeps its inputs.
void Engine::detach(uint32_t id, bool keep, uint32_t fault, uint64_t at) {
  FaultState &f = *faults;
  Instance &instance = instances[id];
  const BlockInfo &block = t.blocks[instance.block];
  InstanceTrace &trace = f.ofInstance[id];
  uint32_t place = instance.tbu;
  uint64_t parked = instance.parkedBytes;
  if (instance.state == InstanceState::Ready) {
    unqueue(id);
    if (!traits.central)
      subtractBacklog(instance);
  } else if (instance.state >= InstanceState::Held) {
    PeaMask gang = instance.peas;
    uint64_t spent = trace.spent + uint64_t(std::popcount(gang)) *
                                       (now() - instance.dispatched);
    if (instance.resizing) {
      PeaMask joining = instance.nextPeas & ~gang;
      uint64_t cycles =
          uint64_t(std::popcount(joining)) * (now() - instance.boundary);
      peaCycles[unsigned(PeaState::MovingData)] += cycles;
      spent += cycles;
      if (this->trace && joining)
        traceHold(HoldSpan::Joining, instance.block, place, joining,
                  instance.boundary, now());
      gang |= joining;
    }
    account(instance, now(), GangEnd::Lost);
    lostStep(instance);
    removeRunning(id);
    instance.peas = 0;
    letGo(instance);
    if (keep) {
      instance.parkedBytes = parked;
      park(clusterOf(place), parked);
    }
    gang &= tbus[place].usable;
    if (at <= now()) {
      freePeas(place, gang);
      askScheduler(place);
    } else if (gang) {
      f.limbo.push_back({place, gang, now(), at});
      push(at, EventClass::Fault, LimboEvent, 1 + place, 0, 0);
    }
    if (fault != noIndex) {
      f.numbers.parts[fault].lostPeaCycles += spent;
      ++f.numbers.parts[fault].instancesSetBack;
      ++f.setBackOf[instance.block];
    }
    trace.spent = 0;
    // A resize has moved it; it is ready anew.
    instance.readyAt = never;
  }
  if (instance.orphan) {
    // Its request has failed: nobody waits for it.
    uint32_t request = instance.request;
    --requests[request].holds;
    freeInstance(id);
    closeRequest(request);
    return;
  }
  if (!keep) {
    uint32_t *words = taskWords(instance);
    for (uint32_t i = 0; i < block.numInputs; ++i)
      if (words[i] & pinMark) {
        words[i] &= ~pinMark;
        --values[words[i] - 1].pins;
      }
    if (place != noIndex && instance.parkedBytes)
      unpark(clusterOf(place), instance.parkedBytes);
    instance.parkedBytes = 0;
  }
  // Still a living record: odd.
  instance.generation += 2;
  instance.state = InstanceState::Gathering;
  instance.resizing = false;
  instance.resizes = 0;
  instance.atTbu = false;
  instance.away = instance.lent = 0;
  instance.awayAsked = false;
  if (fault != noIndex)
    trace.fault = fault;
}

/// An instance that was set back goes to its new place and collects its inputs.
void Engine::beginAgain(const SetBack &entry, uint64_t at) {
  Instance &instance = instances[entry.id];
  if (!(instance.generation & 1))
    return; // of a failed request
  if (entry.tbu != noIndex) {
    const BlockInfo &block = t.blocks[instance.block];
    instance.untimed |= entry.tbu != entry.from;
    instance.tbu = entry.tbu;
    if (traits.reach == Reach::Shares && instance.replica != noIndex) {
      instance.lane = t.replicas[block.replicaBegin + instance.replica].lane;
    } else {
      if (instance.replica != noIndex &&
          t.replicas[block.replicaBegin + instance.replica].tbu != entry.tbu)
        instance.replica = noIndex;
      instance.note = 0;
      instance.lane = queueOf(instance, 0);
    }
  }
  because(instance.cause);
  if (entry.keep)
    keepInputs(entry.id, entry.from, at);
  else if (!entry.move)
    gather(entry.id, at);
}

/// Instances that count on values in memory which are gone collect their inputs
/// anew. They give their PEAs back, so that the values can be made again.
void Engine::gatherAway(uint64_t at) {
  for (uint32_t id = 0; id < instances.size(); ++id) {
    Instance &instance = instances[id];
    if (!(instance.generation & 1) || !instance.away || instance.orphan ||
        instance.state == InstanceState::Computing || !hasLostInput(instance))
      continue;
    detach(id, /*keep=*/false, noIndex, at);
    because(instance.cause);
    gather(id, at);
  }
}

/// The instance has its inputs in its cluster; they pass the port of its TBU
/// when that is another one.
void Engine::keepInputs(uint32_t id, uint32_t from, uint64_t at) {
  Instance &instance = instances[id];
  const BlockInfo &block = t.blocks[instance.block];
  // In the queue of a cluster they wait before the port.
  if (instance.tbu != from && !traits.clusterQueues) {
    uint64_t bytes = 0;
    const uint32_t *words = taskWords(instance);
    for (uint32_t i = 0; i < block.numInputs; ++i)
      if (words[i] && !values[(words[i] & ~pinMark) - 1].token)
        bytes += values[(words[i] & ~pinMark) - 1].bytes;
    if (bytes)
      at = readThroughPort(instance.tbu, bytes, at);
  }
  instance.pending = 0;
  instance.inputsAt = at;
  allInputs(id);
}

/// Collects the inputs of an instance anew, from cycle `at` on.
void Engine::gather(uint32_t id, uint64_t at) {
  Instance &instance = instances[id];
  const BlockInfo &block = t.blocks[instance.block];
  instance.inputsAt = at;
  instance.producerAt = 0;
  instance.pending = block.numWaited();
  if (traits.central) {
    instance.tbu = noIndex;
    uint32_t generation = instance.generation;
    const uint32_t *words = taskWords(instance);
    for (uint32_t i = 0; i < block.numInputs; ++i) {
      if (!words[i])
        continue;
      uint32_t value = words[i] - 1;
      if (values[value].lost)
        awaitValue(MessageKind::Input, id, generation, i, value, at);
      else
        --instance.pending;
    }
    if (!instance.pending)
      allInputs(id);
    return;
  }
  instance.parkedBytes = uint64_t(64) * block.numWaited();
  park(clusterOf(instance.tbu), instance.parkedBytes);
  if (!instance.pending) {
    allInputs(id);
    return;
  }
  for (uint32_t i = 0; i < block.numInputs; ++i) {
    if (uint32_t word = taskWords(instance)[i])
      sendInput(id, i, word - 1, at);
  }
}

/// An instance begins to compute, perhaps once more.
void Engine::computesAgain(uint32_t id) {
  InstanceTrace &trace = faults->ofInstance[id];
  if (trace.fault == noIndex)
    return;
  FaultStatistics::Part &part = faults->numbers.parts[trace.fault];
  part.recoveryCycles =
      std::max(part.recoveryCycles, instances[id].started - part.cycle);
  trace.fault = noIndex;
}

/// Empty queues of shares as they are laid out at present.
void Engine::layOutQueues() {
  if (traits.reach != Reach::Shares || traits.central)
    return;
  for (uint32_t i = 0; i < m.tbus; ++i)
    laneFirst[i + 1] = t.laneBegin[i + 1];
  lanes.clear();
  lanes.resize(laneFirst.back());
  findLanePeas();
}

/// Shares have changed: their queues are numbered anew.
void Engine::relayLanes() {
  if (traits.reach != Reach::Shares || traits.central)
    return;
  std::vector<std::pair<uint32_t, uint32_t>> ready; // by ticket
  for (uint32_t id = 0; id < instances.size(); ++id)
    if ((instances[id].generation & 1) &&
        instances[id].state == InstanceState::Ready)
      ready.emplace_back(instances[id].ticket, id);
  std::sort(ready.begin(), ready.end());
  for (auto [ticket, id] : ready) {
    unqueue(id);
    subtractBacklog(instances[id]);
  }
  layOutLanes(*ownTables);
  layOutQueues();
  for (uint32_t id = 0; id < instances.size(); ++id) {
    Instance &instance = instances[id];
    if ((instance.generation & 1) && instance.replica != noIndex)
      instance.lane =
          t.replicas[t.blocks[instance.block].replicaBegin + instance.replica]
              .lane;
  }
  for (auto [ticket, id] : ready) {
    instances[id].state = InstanceState::Ready;
    enqueue(id);
    requestDispatch(instances[id].tbu);
  }
}

/// Schedulers know of the death now: PEAs of broken gangs are free again.
void Engine::endLimbo() {
  std::vector<Limbo> &list = faults->limbo;
  for (size_t i = 0; i < list.size();) {
    if (list[i].until > now()) {
      ++i;
      continue;
    }
    Limbo limbo = list[i];
    list.erase(list.begin() + static_cast<ptrdiff_t>(i));
    if (!limbo.peas)
      continue;
    peaCycles[unsigned(PeaState::Waiting)] +=
        uint64_t(std::popcount(limbo.peas)) * (now() - limbo.since);
    if (trace)
      traceBroken(limbo.tbu, limbo.peas, limbo.since, now());
    freePeas(limbo.tbu, limbo.peas);
    askScheduler(limbo.tbu);
  }
}

//===----------------------------------------------------------------------===//
// Control blocks
//===----------------------------------------------------------------------===//

void Engine::moveControls(uint64_t at) {
  FaultState &f = *faults;
  for (uint32_t id = 0; id < controls.size(); ++id)
    if ((controls[id].generation & 1) &&
        f.cbuOf[controls[id].cluster] != controls[id].cluster)
      moveControl(id, f.cbuOf[controls[id].cluster], at);
  // Joins that were being made again there.
  for (uint32_t id = 0; id < f.lineages.size(); ++id) {
    Lineage &lineage = f.lineages[id];
    if (!(lineage.generation & 1) || !lineage.busy ||
        lineage.by != MadeBy::Join ||
        f.cbuOf[lineage.cluster] == lineage.cluster)
      continue;
    lineage.generation += 2;
    lineage.busy = false;
    --lineage.uses;
    for (uint32_t value : lineage.outputs)
      if (value != noIndex && values[value].lost && values[value].refs)
        want(value, at);
  }
}

/// Another CBU takes a control block over, with the tokens that have come. What
/// it was deciding or joining is sent there and done there again.
void Engine::moveControl(uint32_t id, uint32_t to, uint64_t at) {
  FaultState &f = *faults;
  Control &control = controls[id];
  const BlockInfo &block = t.blocks[control.block];
  ++f.numbers.controlsMoved;
  FaultStatistics::Part &part = f.numbers.parts.back();
  // One command a control block.
  at += uint64_t(m.distance(control.cluster, to)) * m.tokenHopCycles;
  ClusterState &cluster = clusters[to];
  cluster.cbuFree = std::max(cluster.cbuFree, at) + m.commandCycles;
  cluster.joinFree = std::max(cluster.joinFree, at);
  ++counters.tokens;
  energyCounts[control.cluster].tokenHops += m.distance(control.cluster, to);
  struct Resend {
    MessageKind kind;
    uint32_t aux, value;
  };
  std::vector<Resend> list;
  std::vector<uint64_t> decisions;
  if (control.joined && control.joinAt != never) {
    // Before its parts are taken out.
    if (control.numTaken)
      control.joinPath = control.joinPath -
                         chainOf(joinCycles(control.block, joinWork(control)));
    control.joined = false;
    control.joinAt = never;
    ++part.decisionsRepeated;
  }
  control.cluster = to;
  if (block.kind == BlockKind::Loop) {
    for (uint32_t r = 0; r < control.rows.size(); ++r) {
      LoopRow &row = control.rows[r];
      if (!row.active || row.decided)
        continue;
      bool pending = row.decideAt != never, again = false;
      row.decideAt = never;
      for (uint32_t k = 0; k < row.decide.size(); ++k)
        if (row.decide[k]) {
          list.push_back({MessageKind::Decide, k | r << 24, row.decide[k] - 1});
          row.decide[k] = 0;
          ++row.decidePending;
          again = true;
        }
      part.decisionsRepeated += pending;
      if (pending && !again)
        decisions.push_back(row.iteration);
    }
  } else if (!control.decided) {
    bool pending = control.decideAt != never, again = false;
    control.decideAt = never;
    uint32_t *words = inputWords(frames[control.frame], block);
    for (uint32_t i = 0; i < t.controlOf(block).decideInputs; ++i)
      if (words[i] && !(t.inputs[block.inputBegin + i] & weightFlag)) {
        list.push_back({MessageKind::Decide, i, words[i] - 1});
        words[i] = 0;
        ++control.decidePending;
        again = true;
      }
    part.decisionsRepeated += pending;
    if (pending && !again)
      decisions.push_back(0);
  }
  if ((block.kind == BlockKind::Select || block.kind == BlockKind::Fanout) &&
      !control.joined) {
    for (uint32_t o = 0; o < control.inits.size(); ++o)
      if (control.inits[o]) {
        list.push_back({MessageKind::Join, initSlot | o, control.inits[o] - 1});
        control.inits[o] = 0;
        ++control.joinPending;
      }
    for (uint32_t k = 0; k < control.results.size(); ++k)
      if (control.results[k]) {
        list.push_back({MessageKind::Join, k, control.results[k] - 1});
        control.results[k] = 0;
        ++control.joinPending;
      }
  }
  part.recoveryCycles = std::max(part.recoveryCycles, at - part.cycle);
  uint32_t generation = control.generation;
  for (uint64_t iteration : decisions)
    requestDecision(id, iteration);
  for (const Resend &entry : list) {
    const Value &value = values[entry.value];
    ++part.messagesRepeated;
    f.numbers.bytesRepeated += value.token ? 0 : value.bytes;
    sendValue(entry.kind, id, generation, entry.aux, entry.value, to, at);
    release(entry.value);
  }
}

//===----------------------------------------------------------------------===//
// Messages
//===----------------------------------------------------------------------===//

/// Called when a message is about to enter the mesh. False: it waits for
/// routes, or its ends are not what they were and it has been sent otherwise.
bool Engine::mayEnter(uint32_t id) {
  const Message &message = messages[id];
  if (now() < faults->meshOpenAt) {
    push(faults->meshOpenAt, EventClass::Transfer, SendEvent, message.from * 4,
         id, 0);
    return false;
  }
  bool stands = m.reachable[message.from] && m.reachable[message.to];
  if (message.value != noIndex && values[message.value].lost)
    stands = false;
  if (message.kind == MessageKind::Weight &&
      message.targetGeneration < m.hbm.size() &&
      m.hbm[message.targetGeneration].dead)
    stands = false;
  if (stands)
    return true;
  repeat(id, now());
  return false;
}

/// Called when a message that is no input of a task arrives. False: whom it
/// was for has moved, and it has been sent there.
bool Engine::mayDeliver(uint32_t id) {
  const Message &message = messages[id];
  if (message.kind != MessageKind::Decide && message.kind != MessageKind::Join)
    return true;
  if (!controls.current(message.target, message.targetGeneration) ||
      controls[message.target].cluster == message.to)
    return true;
  repeat(id, now());
  return false;
}

/// Sends a message again that was lost or is at the wrong place, from where its
/// value is. Takes over the record.
void Engine::repeat(uint32_t id, uint64_t at) {
  FaultState &f = *faults;
  Message message = messages[id];
  messages.release(id);
  // Who waits goes on from the step that had sent it.
  because(message.cause);
  blame.release(message.cause);
  uint32_t value = message.value;
  auto count = [&] {
    if (!f.numbers.parts.empty())
      ++f.numbers.parts.back().messagesRepeated;
    f.numbers.bytesRepeated += message.bytes;
  };
  switch (message.kind) {
  case MessageKind::Weight:
    if (m.reachable[message.to]) {
      count();
      fetchWeight(message.target, message.aux, at);
    }
    return;
  case MessageKind::Spill:
    if (m.reachable[message.from] && m.reachable[message.to]) {
      count();
      uint32_t again = newMessage(MessageKind::Spill, message.target,
                                  message.targetGeneration, 0, noIndex, noIndex,
                                  message.from, message.to, message.bytes);
      messages[again].request = message.request;
      send(again, at);
      return;
    }
    --spillsUnderWay;
    if (m.reachable[message.from] ||
        !values.current(message.target, message.targetGeneration) ||
        values[message.target].lost)
      return;
    // It was gone before it had been written, but for who has read it by then.
    values[message.target].copy = noIndex;
    if (values[message.target].hbm != noIndex) {
      values[message.target].lose();
      f.ofValue[message.target].fault =
          static_cast<uint32_t>(f.numbers.parts.size() - 1);
      ++f.numbers.parts.back().valuesLost;
      gatherAway(at);
    }
    return;
  case MessageKind::Input: {
    if (!instances.current(message.target, message.targetGeneration)) {
      ++f.numbers.duplicatesDropped;
      break;
    }
    count();
    Instance &instance = instances[message.target];
    if (value == noIndex) {
      // It was handed over with all its inputs: they come from where they are.
      detach(message.target, /*keep=*/false, noIndex, at);
      gather(message.target, at);
      return;
    }
    instance.parkedBytes -= message.bytes;
    unpark(clusterOf(instance.tbu), message.bytes);
    sendInput(message.target, message.aux, value, at);
    break;
  }
  case MessageKind::Chunk:
    return; // flows are whole
  case MessageKind::Arguments:
    // The host has them still.
    count();
    push(at, EventClass::Transfer, HostInEvent, message.target, message.target,
         message.targetGeneration);
    return;
  case MessageKind::Decide:
  case MessageKind::Join:
    if (controls.current(message.target, message.targetGeneration)) {
      count();
      sendValue(message.kind, message.target, message.targetGeneration,
                message.aux, value, controls[message.target].cluster, at);
    }
    break;
  case MessageKind::Result:
    if (requests.current(message.target, message.targetGeneration)) {
      count();
      sendValue(message.kind, message.target, message.targetGeneration,
                message.aux, value, m.hostCluster, at);
    }
    break;
  case MessageKind::Remake:
    if (f.lineages.current(message.target, message.targetGeneration)) {
      count();
      sendValue(message.kind, message.target, message.targetGeneration,
                message.aux, value, f.lineages[message.target].cluster, at);
    }
    break;
  }
  if (value != noIndex)
    release(value);
}
