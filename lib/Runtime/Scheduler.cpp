//===- Scheduler.cpp - What policies see and do ---------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

using namespace octo;

Policy::~Policy() = default;

uint64_t Scheduler::now() const { return engine.now(); }
uint32_t Scheduler::numClusters() const { return engine.m.clusters; }
uint32_t Scheduler::meshWidth() const { return engine.m.width; }
uint32_t Scheduler::tbusPerCluster() const { return engine.m.tbusPerCluster; }
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
          instance.moved};
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

uint64_t Scheduler::resizeCycles() const { return engine.m.resizeFixedCycles; }

uint32_t Scheduler::variantGang(uint32_t kernel, uint32_t peas) const {
  uint32_t variant = engine.variantFor(kernel, peas);
  return variant == noIndex ? 0 : engine.t.variants[variant].gang;
}

uint32_t Scheduler::maxVariantGang(uint32_t kernel) const {
  return engine.t.kernels[kernel].maxGang;
}

bool Scheduler::codeResident(uint32_t tbu, uint32_t kernel) const {
  return engine.isResident(tbu, kernel);
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

uint64_t Scheduler::backlogOfTbu(uint32_t tbu, uint32_t observer) const {
  uint32_t cluster = engine.clusterOf(tbu);
  if (cluster == observer)
    return engine.tbus[tbu].backlog;
  // Another cluster shows only its sum.
  return backlogOfCluster(cluster, observer) / engine.m.tbusPerCluster;
}

uint64_t Scheduler::backlogOfCluster(uint32_t cluster,
                                     uint32_t observer) const {
  const ClusterState &state = engine.clusters[cluster];
  if (cluster == observer)
    return state.backlog;
  uint64_t age =
      uint64_t(engine.m.distance(cluster, observer)) * engine.m.tokenHopCycles;
  return engine.now() >= state.shownAt + age ? state.shownBacklog
                                             : state.lastBacklog;
}

bool Scheduler::start(InstanceId instance, uint32_t tbu, PeaMask peas) {
  return engine.startInstance(instance, tbu, peas);
}

bool Scheduler::move(InstanceId instance, uint32_t tbu) {
  return engine.moveInstance(instance, tbu);
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
