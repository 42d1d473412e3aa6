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
#include <bit>

using namespace octo;

/// The part of a scratchpad that other clusters than the host port's keep for
/// arguments (assumed).
static constexpr uint64_t entryPart = 2;
/// A cluster has too many requests if it spills more than this part of its
/// scratchpad between two looks, and computes with less than this part of its
/// PEAs (assumed).
static constexpr uint64_t spillPart = 16;
static constexpr uint64_t busyPercent = 85;

/// Which task of a workflow starts its requests: the first one of the body that
/// takes an argument, else the first one at all.
void Engine::prepareEntries() {
  entries.assign(m.clusters, {});
  for (const WorkflowInfo &wf : t.workflows) {
    const RegionInfo &body = t.regions[wf.regionBegin];
    uint32_t found = noIndex;
    for (uint32_t b = wf.blockBegin; b < wf.blockEnd && found == noIndex; ++b)
      if (t.blocks[b].kind == BlockKind::Task)
        found = b;
    for (uint32_t b = body.blockEnd;
         wf.numArguments && b-- > body.blockBegin;) {
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
  bool elsewhere = traits.warmLanes || (!m.hbm.empty() && !fits);
  if (!elsewhere && !fits)
    return false;
  auto room = [&](uint32_t cluster) {
    const Entry &entry = entries[cluster];
    return !bounded ||
           (entry.open < entry.limit &&
            (!entry.bytes || entry.bytes + bytes <= m.scratchpad / entryPart));
  };
  auto allowed = [&](uint32_t cluster) {
    return m.reachable[cluster] &&
           (traits.warmLanes || cluster != m.hostCluster);
  };
  // With space, and the fewest requests.
  uint32_t least = noIndex;
  if (elsewhere) {
    for (uint32_t c = 0; c < m.clusters; ++c)
      if (allowed(c) && room(c) &&
          (least == noIndex || entries[c].open < entries[least].open))
        least = c;
    if (least == noIndex)
      return false;
  }
  request.lane =
      traits.warmLanes ? laneRouters[request.workflow].enter() : request.index;
  request.entry = m.hostCluster;
  if (elsewhere) {
    uint32_t own = traits.central ? least : clusterOfLane(request);
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
    if (hostCut)
      hostCut->open(id);
    bool counted = traits.warmLanes || request.entry != m.hostCluster;
    for (uint32_t argument : request.arguments) {
      Value &value = values[argument];
      value.request = id;
      value.age = ageOf(request);
      value.cluster = request.entry;
      if (hostCut)
        cutArgument(id, argument);
      if (counted && value.bytes) {
        value.entry = request.entry;
        value.hasEntry = true;
        entries[request.entry].bytes += value.bytes;
      }
      if (entry.spilling && value.bytes)
        entry.parked.emplace(value.age, value.sequence, argument);
      park(request.entry, value.bytes);
    }
    entries[request.entry].open += request.argumentBytes != 0;
    uint64_t start = std::max(now(), hostInFree);
    uint64_t length = ceilDiv(request.argumentBytes, m.hostInBytesPerCycle);
    hostInFree = start + length;
    counters.hostInBytes += request.argumentBytes;
    hostInTotal += request.argumentBytes;
    uint64_t at = start + length + m.hostLatency;
    if (!request.argumentBytes && request.entry != m.hostCluster)
      at += tokenDelay(m.hostCluster, request.entry);
    push(at, EventClass::Transfer, HostInEvent, id, id, request.generation);
  }
}

/// The arguments are at the host port's cluster: they go on to where the
/// request enters, where tokens are already. Should that have died they stay,
/// and what is lost is fetched again.
void Engine::pastHostPort(uint32_t id) {
  const OpenRequest &request = requests[id];
  if (request.entry == m.hostCluster || !request.argumentBytes ||
      !m.reachable[request.entry]) {
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
  value.hasEntry = false;
  push(now() + tokenDelay(cluster, m.hostCluster), EventClass::Token,
       SpaceBackEvent, cluster, static_cast<uint32_t>(value.bytes),
       static_cast<uint32_t>(value.bytes >> 32));
}

/// A request has ended. Where a cluster writes values to memory and reads them
/// again while its PEAs wait for them, fewer requests get more done, as fewer
/// programs do on a machine that pages all the time (Denning, "The working set
/// model for program behavior", CACM 11(5), 1968): the host port takes one
/// back. Where values stay where they are it tries one more.
void Engine::requestLeft(const OpenRequest &request) {
  if (!request.argumentBytes)
    return;
  Entry &entry = entries[request.entry];
  --entry.open;
  uint64_t span = now() - entry.since;
  if (!traits.warmLanes || span < epochPeriod())
    return;
  const ClusterState &cluster = clusters[request.entry];
  uint64_t age =
      uint64_t(m.distance(request.entry, m.hostCluster)) * m.tokenHopCycles;
  bool latest = now() >= cluster.shownAt + age;
  uint64_t spilled = latest ? cluster.shownSpilled : cluster.lastSpilled;
  uint64_t computed = latest ? cluster.shownComputed : cluster.lastComputed;
  uint64_t live = 0;
  for (uint32_t i = 0; i < m.tbusPerCluster; ++i)
    live += static_cast<uint64_t>(
        std::popcount(m.live[request.entry * m.tbusPerCluster + i]));
  if (spilled - entry.spilled <= m.scratchpad / spillPart) {
    if (entry.limit != noIndex && entry.open + 1 >= entry.limit)
      ++entry.limit;
  } else if ((computed - entry.computed) * 100 < span * live * busyPercent) {
    entry.limit = std::max(entry.open, 1u);
  }
  entry.since = now();
  entry.spilled = spilled;
  entry.computed = computed;
}
