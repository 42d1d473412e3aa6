//===- EngineEntry.cpp - Where requests come in ---------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A request enters when some cluster has space for its arguments. The host port
// keeps account of what it has sent where; clusters give space back by a token
// when an argument has been used for the last time (docs/semantics.md, section
// 3).
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include <algorithm>

using namespace octo;

/// The part of a scratchpad that other clusters than the host port's keep for
/// arguments (assumed).
static constexpr uint64_t entryPart = 2;

/// Which task of a workflow starts its requests: the first one of the body that
/// takes an argument, else the first one at all.
void Engine::prepareEntries() {
  entered.assign(m.clusters, 0);
  for (const WorkflowInfo &wf : t.workflows) {
    const RegionInfo &body = t.regions[wf.regionBegin];
    uint32_t found = noIndex;
    for (uint32_t b = wf.blockBegin; b < wf.blockEnd && found == noIndex; ++b)
      if (t.blocks[b].kind == BlockKind::Task)
        found = b;
    for (uint32_t b = body.blockEnd; b-- > body.blockBegin;) {
      const BlockInfo &block = t.blocks[b];
      for (uint32_t i = 0; i < block.numInputs; ++i) {
        uint32_t value = t.inputs[block.inputBegin + i];
        if (block.kind == BlockKind::Task && value >= body.valueBegin &&
            value < body.valueBegin + wf.numArguments)
          found = b;
      }
    }
    entryBlock.push_back(found);
  }
}

/// Where the lane of a request starts.
uint32_t Engine::clusterOfLane(const OpenRequest &request) const {
  uint32_t b = entryBlock[request.workflow];
  if (b == noIndex)
    return m.hostCluster;
  const BlockInfo &block = t.blocks[b];
  uint32_t cluster = t.clusterOf(
      t.replicas[block.replicaBegin + request.lane % block.numActive]);
  return m.reachable[cluster] ? cluster : m.hostCluster;
}

/// Gives a request its lane, and a cluster with space for its arguments. False
/// if there is none.
bool Engine::chooseEntry(OpenRequest &request) {
  uint64_t bytes = request.argumentBytes;
  bool bounded = admittedOpen && m.scratchpad && bytes;
  bool fits = !bounded || clusters[m.hostCluster].used + bytes <= m.scratchpad;
  // Without memory ports nothing is spilled where it turns out not to fit.
  bool elsewhere = !m.hbm.empty() && (traits.warmLanes || !fits);
  if (!elsewhere && !fits)
    return false;
  auto room = [&](uint32_t cluster) {
    return !bounded || !entered[cluster] ||
           entered[cluster] + bytes <= m.scratchpad / entryPart;
  };
  auto allowed = [&](uint32_t cluster) {
    return m.reachable[cluster] &&
           (traits.warmLanes || cluster != m.hostCluster);
  };
  uint32_t least = noIndex;
  if (elsewhere) {
    for (uint32_t c = 0; c < m.clusters; ++c)
      if (allowed(c) && (least == noIndex || entered[c] < entered[least]))
        least = c;
    if (least == noIndex || !room(least))
      return false;
  }
  request.lane =
      traits.warmLanes ? laneRouters[request.workflow].enter() : request.index;
  request.entry = m.hostCluster;
  if (elsewhere && bytes) {
    uint32_t own = traits.central ? m.hostCluster : clusterOfLane(request);
    request.entry = allowed(own) && room(own) ? own : least;
  }
  return true;
}

void Engine::tryAdmit() {
  while (!waitingRequests.empty()) {
    uint32_t id = waitingRequests.front();
    OpenRequest &request = requests[id];
    if (!request.admitted && request.arguments.empty())
      (void)makeArguments(request);
    if (!chooseEntry(request))
      return;
    waitingRequests.pop_front();
    request.admitted = true;
    ++admittedOpen;
    RequestRecord &record = records[request.number];
    record.admitted = now();
    admissionWait.add(now() - record.arrival);
    // Space is taken for what comes; the host port serves one request after the
    // other. A value may be spilled from then on, not before.
    ClusterState &entry = clusters[request.entry];
    bool counted = traits.warmLanes || request.entry != m.hostCluster;
    for (uint32_t argument : request.arguments) {
      Value &value = values[argument];
      value.request = id;
      value.age = ageOf(request);
      value.cluster = request.entry;
      if (counted && value.bytes) {
        value.entry = request.entry;
        entered[request.entry] += value.bytes;
      }
      if (entry.spilling && value.bytes)
        entry.parked.emplace(value.age, value.sequence, argument);
      park(request.entry, value.bytes);
    }
    uint64_t start = std::max(now(), hostInFree);
    uint64_t length = ceilDiv(request.argumentBytes, m.hostInBytesPerCycle);
    hostInFree = start + length;
    counters.hostInBytes += request.argumentBytes;
    hostInTotal += request.argumentBytes;
    push(start + length + m.hostLatency, EventClass::Transfer, HostInEvent, id,
         id, request.generation);
  }
}

/// The arguments are at the host port's cluster: they go on to where the
/// request enters. Should that have died they stay, and what is lost is fetched
/// again.
void Engine::pastHostPort(uint32_t id) {
  const OpenRequest &request = requests[id];
  if (request.entry == m.hostCluster || !m.reachable[request.entry]) {
    startBody(id);
    return;
  }
  send(newMessage(MessageKind::Arguments, id, request.generation, 0, noIndex,
                  id, m.hostCluster, request.entry, request.argumentBytes),
       now());
}

/// An argument has been used for the last time: a token tells the host port.
void Engine::argumentGone(Value &value) {
  uint32_t cluster = value.entry;
  value.entry = noIndex;
  push(now() + tokenDelay(cluster, m.hostCluster), EventClass::Token,
       SpaceBackEvent, cluster, static_cast<uint32_t>(value.bytes),
       static_cast<uint32_t>(value.bytes >> 32));
}
