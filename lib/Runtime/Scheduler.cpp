//===- Scheduler.cpp - What policies see and do ---------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include <algorithm>
#include <bit>

using namespace octo;

Policy::~Policy() = default;

uint64_t Scheduler::now() const { return engine.now(); }
uint32_t Scheduler::numClusters() const { return engine.m.clusters; }
uint32_t Scheduler::meshWidth() const { return engine.m.width; }
uint32_t Scheduler::tbusPerCluster() const { return engine.m.tbusPerCluster; }
uint32_t Scheduler::hostCluster() const { return engine.m.hostCluster; }
uint32_t Scheduler::numTbus() const { return engine.m.tbus; }

PeaMask Scheduler::livePeas(uint32_t tbu) const { return engine.m.live[tbu]; }

PeaMask Scheduler::eligiblePeas(uint32_t tbu, uint32_t kernel) const {
  return engine.m.eligible(tbu, engine.t.kernels[kernel].peaClass) &
         engine.tbus[tbu].usable;
}

PeaMask Scheduler::freePeas(uint32_t tbu) const {
  return engine.tbus[tbu].free;
}

uint32_t Scheduler::distance(uint32_t a, uint32_t b) const {
  return engine.m.distance(a, b);
}

uint64_t Scheduler::breakEven() const { return engine.breakEvenCycles; }

bool Scheduler::codeIsScarce() const {
  uint64_t bytes = 0;
  for (const KernelInfo &kernel : engine.t.kernels)
    bytes += kernel.codeBytes;
  return engine.m.configStore && bytes > engine.m.configStore;
}

uint64_t Scheduler::codeLoadCycles(uint32_t cluster, uint32_t kernel) const {
  return engine.codeLoadCycles(cluster, kernel);
}

uint64_t Scheduler::transferCycles(uint32_t from, uint32_t to,
                                   uint64_t bytes) const {
  if (from == to || !bytes)
    return 0;
  const MachineTables &m = engine.m;
  return m.interfaceCycles + uint64_t(m.distance(from, to) + 1) * m.hopCycles +
         ceilDiv(bytes, m.linkBytesPerCycle);
}

uint64_t Scheduler::idleSince(uint32_t tbu, uint32_t pea) const {
  return engine.idleSince[size_t(tbu) * engine.m.peasPerTbu + pea];
}

uint32_t Scheduler::firstLane(uint32_t tbu) const {
  return engine.laneFirst[tbu];
}

std::span<const InstanceId> Scheduler::queue(uint32_t lane) const {
  return engine.lanes[lane].window();
}

uint32_t Scheduler::queueSize(uint32_t lane) const {
  return engine.lanes[lane].size();
}

void Scheduler::heads(uint32_t tbu, PeaMask peas,
                      std::vector<Head> &result) const {
  result.clear();
  const uint32_t end = engine.laneFirst[tbu + 1];
  for (uint32_t lane = engine.laneFirst[tbu]; lane < end; lane += 64) {
    // Which ones has no pattern that a processor could foretell.
    uint64_t wait = 0;
    for (uint32_t i = 0; i < std::min(end - lane, 64u); ++i)
      wait |= uint64_t((engine.laneWaits[lane + i] & peas) != 0) << i;
    for (; wait; wait &= wait - 1) {
      const uint32_t some = lane + uint32_t(std::countr_zero(wait));
      InstanceId id = engine.lanes[some].window().front();
      // Few: each is put where it belongs.
      size_t place = result.size();
      result.push_back({id, engine.lanePeas[some]});
      for (; place && precedes(id, result[place - 1].instance); --place)
        std::swap(result[place], result[place - 1]);
    }
  }
}

bool Scheduler::precedes(InstanceId a, InstanceId b) const {
  const Instance &x = engine.instances[a], &y = engine.instances[b];
  uint64_t px = engine.plannedStart(x), py = engine.plannedStart(y);
  if (px != py)
    return px < py;
  uint32_t ox = engine.requests[x.request].order;
  uint32_t oy = engine.requests[y.request].order;
  if (ox != oy)
    return ox < oy;
  uint64_t rx = engine.t.blocks[x.block].priority;
  uint64_t ry = engine.t.blocks[y.block].priority;
  return rx != ry ? rx > ry : x.ticket < y.ticket;
}

std::span<const InstanceId> Scheduler::centralQueue(uint32_t peaClass) const {
  return engine.central[peaClass].window();
}

uint32_t Scheduler::centralQueueSize(uint32_t peaClass) const {
  return engine.central[peaClass].size();
}

bool Scheduler::dispatcherBusy() const {
  if (engine.centralFree <= engine.now())
    return false;
  engine.requestCentral(engine.centralFree);
  return true;
}

uint64_t Scheduler::numFreePeas(uint32_t kernel) const {
  return engine.freePerClass[engine.classOf(kernel)];
}

uint32_t Scheduler::findTbu(uint32_t kernel, uint32_t peas) const {
  if (!peas || peas > engine.m.peasPerTbu || engine.freeSets.empty())
    return noIndex;
  return engine
      .freeSets[engine.classOf(kernel) * (engine.m.peasPerTbu + 1) + peas]
      .first();
}

std::span<const InstanceId> Scheduler::running(uint32_t tbu) const {
  return engine.tbus[tbu].running;
}

InstanceInfo Scheduler::info(InstanceId id) const {
  const Instance &instance = engine.instances[id];
  const BlockInfo &block = engine.t.blocks[instance.block];
  return {engine.requests[instance.request].number,
          block.priority,
          instance.readyAt,
          engine.expectedCycles(instance.block, 1),
          instance.parkedBytes,
          block.workflow,
          block.local,
          block.kernel,
          instance.tbu,
          instance.replica,
          instance.note,
          instance.moved,
          instance.staged};
}

uint32_t Scheduler::kernelOf(InstanceId id) const {
  return engine.t.blocks[engine.instances[id].block].kernel;
}

uint32_t Scheduler::laneOf(InstanceId id) const {
  const Instance &instance = engine.instances[id];
  return instance.lane - engine.laneFirst[engine.dispatchUnit(instance.tbu)];
}

PeaMask Scheduler::shareOf(InstanceId id) const {
  const Instance &instance = engine.instances[id];
  if (instance.replica == noIndex)
    return 0;
  const BlockInfo &block = engine.t.blocks[instance.block];
  return engine.t.replicas[block.replicaBegin + instance.replica].peas;
}

PeaMask Scheduler::gangOf(InstanceId id) const {
  return engine.instances[id].peas;
}

uint64_t Scheduler::runningFor(InstanceId id) const {
  const Instance &instance = engine.instances[id];
  if (instance.state != InstanceState::Computing || instance.resizing ||
      instance.started > engine.now())
    return ~uint64_t(0);
  return engine.now() - instance.started;
}

uint64_t Scheduler::expectedCycles(uint32_t workflow, uint32_t block,
                                   uint32_t peas) const {
  return engine.expectedCycles(engine.t.workflows[workflow].blockBegin + block,
                               peas);
}

bool Scheduler::isGraph() const { return engine.t.controls.empty(); }

uint32_t Scheduler::numWorkflows() const {
  return static_cast<uint32_t>(engine.t.workflows.size());
}

uint32_t Scheduler::numBlocks(uint32_t workflow) const {
  const WorkflowInfo &info = engine.t.workflows[workflow];
  return info.blockEnd - info.blockBegin;
}

static const BlockInfo &blockOf(const ProgramTables &t, uint32_t workflow,
                                uint32_t block) {
  return t.blocks[t.workflows[workflow].blockBegin + block];
}

bool Scheduler::isTask(uint32_t workflow, uint32_t block) const {
  return blockOf(engine.t, workflow, block).kind == BlockKind::Task;
}

uint64_t Scheduler::priority(uint32_t workflow, uint32_t block) const {
  return blockOf(engine.t, workflow, block).priority;
}

uint64_t Scheduler::expectedInputBytes(uint32_t workflow,
                                       uint32_t block) const {
  const ProgramTables &t = engine.t;
  const BlockInfo &info = blockOf(t, workflow, block);
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < info.numInputs; ++i)
    if (uint32_t value = t.inputs[info.inputBegin + i]; !(value & weightFlag))
      bytes += t.values[value].bytes;
  return bytes;
}

uint64_t Scheduler::missingWeightBytes(uint32_t cluster, uint32_t workflow,
                                       uint32_t block) const {
  const ProgramTables &t = engine.t;
  const BlockInfo &info = blockOf(t, workflow, block);
  const std::vector<ResidentWeight> &held = engine.clusters[cluster].weights;
  uint64_t bytes = 0;
  for (uint32_t w = info.weightBegin; w < info.weightEnd; ++w) {
    uint32_t weight = t.blockWeights[w];
    auto place = std::lower_bound(
        held.begin(), held.end(), weight,
        [](const ResidentWeight &a, uint32_t b) { return a.weight < b; });
    if (place == held.end() || place->weight != weight)
      bytes += t.weights[weight].bytes;
  }
  return bytes;
}

/// Instances a request: the compiler's number until a few requests have ended;
/// then what the CBUs count.
BlockOutlook Scheduler::outlook(uint32_t workflow, uint32_t block) const {
  uint32_t b = engine.t.workflows[workflow].blockBegin + block;
  const BlockInfo &info = engine.t.blocks[b];
  uint64_t ended = engine.finishedRequests;
  uint64_t countQ16 = ended >= 8 && engine.t.workflows.size() == 1
                          ? (engine.totals[b].instances << 16) /
                                (ended + engine.openRequests / 2)
                          : engine.t.expectedCountQ16(b);
  return {info.kernel, countQ16, engine.expectedCycles(b, 1)};
}

void Scheduler::producers(
    uint32_t workflow, uint32_t block,
    std::vector<std::pair<uint32_t, uint64_t>> &result) const {
  const ProgramTables &t = engine.t;
  const BlockInfo &info = blockOf(t, workflow, block);
  uint32_t begin = t.workflows[workflow].blockBegin;
  for (uint32_t i = 0; i < info.numInputs; ++i) {
    uint32_t value = t.inputs[info.inputBegin + i];
    if (value & weightFlag)
      continue;
    // Outputs of blocks ascend with the blocks.
    uint32_t low = begin, high = t.workflows[workflow].blockEnd;
    while (low < high) {
      uint32_t middle = low + (high - low) / 2;
      const BlockInfo &other = t.blocks[middle];
      if (other.outputBegin + other.numOutputs <= value)
        low = middle + 1;
      else
        high = middle;
    }
    if (low < t.workflows[workflow].blockEnd &&
        t.blocks[low].outputBegin <= value &&
        value < t.blocks[low].outputBegin + t.blocks[low].numOutputs)
      result.emplace_back(low - begin, t.values[value].bytes);
  }
}

uint64_t Scheduler::resizeCycles() const { return engine.m.resizeFixedCycles; }

uint32_t Scheduler::variantGang(uint32_t kernel, uint32_t peas) const {
  uint32_t variant = engine.variantFor(kernel, peas);
  return variant == noIndex ? 0 : engine.t.variants[variant].gang;
}

uint32_t Scheduler::maxVariantGang(uint32_t kernel) const {
  return engine.t.kernels[kernel].maxGang;
}

uint32_t Scheduler::smallestGang(uint32_t kernel) const {
  return engine.t.variants[engine.t.kernels[kernel].variantBegin].gang;
}

uint32_t Scheduler::peaClass(uint32_t kernel) const {
  return engine.classOf(kernel);
}

bool Scheduler::codeResident(uint32_t tbu, uint32_t kernel) const {
  return engine.isResident(tbu, kernel);
}

bool Scheduler::codeFits(uint32_t tbu, uint32_t kernel) const {
  return engine.codeFits(tbu, kernel);
}

uint64_t Scheduler::codeDelay(uint32_t tbu, uint32_t kernel) const {
  return engine.codeDelay(tbu, kernel);
}

bool Scheduler::codeHasRoom(uint32_t tbu, uint32_t kernel) const {
  return engine.codeHasRoom(tbu, kernel);
}

uint64_t Scheduler::codeLoss(uint32_t tbu, uint32_t kernel) const {
  return engine.codeLoss(tbu, kernel);
}

std::span<const InstanceId> Scheduler::staged(uint32_t tbu) const {
  return engine.tbus[tbu].staged;
}

static const ReplicaInfo &replicaOf(const ProgramTables &t, uint32_t workflow,
                                    uint32_t block, uint32_t replica) {
  const BlockInfo &info = t.blocks[t.workflows[workflow].blockBegin + block];
  return t.replicas[info.replicaBegin + replica];
}

uint32_t Scheduler::numReplicas(uint32_t workflow, uint32_t block) const {
  return engine.t.blocks[engine.t.workflows[workflow].blockBegin + block]
      .numReplicas;
}

uint32_t Scheduler::replicaTbu(uint32_t workflow, uint32_t block,
                               uint32_t replica) const {
  return replicaOf(engine.t, workflow, block, replica).tbu;
}

bool Scheduler::replicaStandby(uint32_t workflow, uint32_t block,
                               uint32_t replica) const {
  return replicaOf(engine.t, workflow, block, replica).standby;
}

PeaMask Scheduler::replicaPeas(uint32_t workflow, uint32_t block,
                               uint32_t replica) const {
  return replicaOf(engine.t, workflow, block, replica).peas;
}

uint32_t Scheduler::replicaMaxGang(uint32_t workflow, uint32_t block,
                                   uint32_t replica) const {
  return replicaOf(engine.t, workflow, block, replica).maxGang;
}

uint32_t Scheduler::routedReplica(InstanceId id) const {
  const Instance &instance = engine.instances[id];
  return engine.routedReplica(engine.t.blocks[instance.block],
                              engine.frames[instance.frame]);
}

uint64_t Scheduler::turn(InstanceId id) const {
  const Instance &instance = engine.instances[id];
  uint64_t number = engine.requests[instance.request].lane;
  if (engine.t.blocks[instance.block].routing == RoutingRule::ByCopy)
    number += engine.frames[instance.frame].copy;
  return number;
}

uint64_t Scheduler::backlogOfTbu(uint32_t tbu, uint32_t observer) const {
  uint32_t cluster = engine.clusterOf(tbu);
  if (cluster == observer)
    return engine.tbus[tbu].backlog;
  // Another cluster shows only its sum.
  return backlogOfCluster(cluster, observer) / tbusPerCluster();
}

uint64_t Scheduler::backlogOfCluster(uint32_t cluster,
                                     uint32_t observer) const {
  const ClusterState &state = engine.clusters[cluster];
  if (cluster == observer)
    return state.backlog;
  // Nothing is handed to what has died.
  if (engine.faults && !engine.m.reachable[cluster])
    return never >> 1;
  uint64_t age =
      uint64_t(engine.m.distance(cluster, observer)) * engine.m.tokenHopCycles;
  return engine.now() >= state.shownAt + age ? state.shownBacklog
                                             : state.lastBacklog;
}

uint32_t Scheduler::freePeasOfCluster(uint32_t cluster,
                                      uint32_t observer) const {
  const ClusterState &state = engine.clusters[cluster];
  if (cluster == observer)
    return state.freePeas;
  uint64_t age =
      uint64_t(engine.m.distance(cluster, observer)) * engine.m.tokenHopCycles;
  return engine.now() >= state.shownAt + age ? state.shownFree : state.lastFree;
}

uint64_t Scheduler::meshLoadQ16(uint32_t cluster, uint32_t observer) const {
  const ClusterState &state = engine.clusters[cluster];
  uint64_t age =
      uint64_t(engine.m.distance(cluster, observer)) * engine.m.tokenHopCycles;
  return engine.now() >= state.shownAt + age ? state.shownMeshLoadQ16
                                             : state.lastMeshLoadQ16;
}

uint64_t Scheduler::computedOfTbu(uint32_t tbu) const {
  uint64_t cycles = engine.tbus[tbu].computed;
  // Those that run are booked when they end.
  for (uint32_t id : engine.tbus[tbu].running) {
    const Instance &instance = engine.instances[id];
    if (instance.state == InstanceState::Computing &&
        instance.started < engine.now())
      cycles +=
          std::popcount(instance.peas) * (engine.now() - instance.started);
  }
  return cycles;
}

uint64_t Scheduler::openRequests() const { return engine.openRequests; }

bool Scheduler::start(InstanceId instance, uint32_t tbu, PeaMask peas) {
  return engine.startInstance(instance, tbu, peas);
}

bool Scheduler::move(InstanceId instance, uint32_t tbu) {
  return engine.moveInstance(instance, {tbu});
}

bool Scheduler::stage(InstanceId instance, uint32_t tbu) {
  return engine.stage(instance, tbu);
}

bool Scheduler::pull(InstanceId instance, uint32_t tbu) {
  return engine.moveInstance(instance, {tbu}, true);
}

bool Scheduler::moveTo(InstanceId instance, const Place &place) {
  return engine.moveTo(instance, place);
}

void Scheduler::wake(uint32_t tbu, uint64_t at) {
  if (at <= engine.now())
    engine.requestDispatch(tbu);
  else
    engine.wakeAt(tbu, at);
}

bool Scheduler::resize(InstanceId instance, PeaMask peas) {
  return engine.resizeInstance(instance, peas);
}

void Scheduler::prefetchCode(uint32_t tbu, uint32_t kernel) {
  if (engine.isResident(tbu, kernel) ||
      (engine.m.configStore &&
       engine.t.kernels[kernel].codeBytes > engine.m.configStore))
    return;
  uint64_t begin;
  engine.loadCode(tbu, kernel, now(), begin, noIndex);
  // No use yet: it may be replaced again.
  for (ResidentCode &code : engine.tbus[tbu].code)
    if (code.kernel == kernel)
      --code.uses;
  ++engine.counters.prefetches;
}

void Scheduler::prefetchWeights(uint32_t cluster, uint32_t workflow,
                                uint32_t block) {
  const BlockInfo &info =
      engine.t.blocks[engine.t.workflows[workflow].blockBegin + block];
  for (uint32_t w = info.weightBegin; w < info.weightEnd; ++w) {
    uint64_t before = engine.counters.weightLoads;
    engine.weightUsed[engine.t.blockWeights[w]] = 1;
    engine.weightAt(cluster, engine.t.blockWeights[w], now());
    engine.counters.prefetches += engine.counters.weightLoads - before;
  }
}
