//===- EngineEnergy.cpp - What a run takes in joules ----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/timing-model.md, Energy. Events are counted by cluster and nowhere else,
// so that what clusters take adds up to what the machine takes.
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include <bit>
#include <initializer_list>
#include <utility>

using namespace octo;

static double
joules(std::initializer_list<std::pair<uint64_t, uint64_t>> parts) {
  unsigned __int128 sum = 0;
  for (auto [count, cost] : parts)
    sum += static_cast<unsigned __int128>(count) * cost;
  return static_cast<double>(sum) / 65536.0 * 1e-12;
}

/// What an instance of known work has done and moved.
void Engine::chargeTask(const Instance &instance) {
  uint32_t cluster = clusterOf(instance.tbu);
  EnergyCounts &counts = energyCounts[cluster];
  counts.add(costs.work(instance.call));
  if (!instance.call)
    return;
  // As the variant that it ended on would have moved.
  const KernelCosts::Variant &moved =
      costs.variant(instance.call, instance.variant);
  counts.localBytes += moved.bytes;
  uint32_t port = m.nearestHbm[cluster];
  energyCounts[port == noIndex ? cluster : m.hbm[port].cluster].hbmBytes +=
      moved.hbmBytes;
}

/// `peaCycles`, `clusterCycles`: for which PEAs and clusters were not dead.
EnergyBreakdown Engine::energyOf(const EnergyCounts &counts, uint64_t hostBytes,
                                 uint64_t peaCycles,
                                 uint64_t clusterCycles) const {
  const EnergyTable &e = m.energy;
  EnergyBreakdown energy;
  energy.compute = joules({{counts.work[0], e.mac},
                           {counts.work[1], e.vector},
                           {counts.work[2], e.special},
                           {counts.work[3], e.scalar}});
  energy.scratchpad =
      joules({{counts.work[4] + counts.localBytes, e.scratchpadByte}});
  energy.network = joules({{counts.byteHops, e.linkByteHop},
                           {counts.dieLinkByteHops, e.dieLinkByte}});
  energy.hbm = joules({{counts.hbmBytes, e.hbmByte}});
  energy.host = joules({{hostBytes, e.hostByte}});
  energy.configuration = joules({{counts.configBytes, e.configByte}});
  energy.control = joules(
      {{counts.tokenHops, e.controlToken}, {counts.decisions, e.cbDecision}});
  energy.leakage = joules(
      {{peaCycles, e.peaLeakageCycle}, {clusterCycles, e.clusterLeakageCycle}});
  energy.networkBetweenDies = joules({{counts.dieLinkByteHops, e.dieLinkByte}});
  energy.decisions = joules({{counts.decisions, e.cbDecision}});
  energy.clusterLeakage = joules({{clusterCycles, e.clusterLeakageCycle}});
  return energy;
}

/// Energy of the machine and of its clusters, and the counters that are kept by
/// cluster.
void Engine::energyResult(RunResult &r, uint64_t end) {
  uint64_t hostBytes = counters.hostInBytes + counters.hostOutBytes;
  std::vector<uint64_t> deadCycles(m.clusters, 0);
  if (faults)
    deadCycles = faults->deadClusterCycles(m.clusters, end);
  EnergyCounts sum;
  uint64_t allPeaCycles = 0, allClusterCycles = 0;
  for (uint32_t c = 0; c < m.clusters; ++c) {
    const EnergyCounts &counts = energyCounts[c];
    uint64_t peas = uint64_t(m.tbusPerCluster) * m.peasPerTbu;
    for (uint32_t i = 0; i < m.tbusPerCluster; ++i)
      peas -= std::popcount(m.dead[c * m.tbusPerCluster + i]);
    uint64_t peaCycles = peas * end, clusterCycles = end - deadCycles[c];
    if (faults)
      peaCycles += faults->deadBefore[c];
    r.clusterEnergy.push_back(energyOf(
        counts, c == m.hostCluster ? hostBytes : 0, peaCycles, clusterCycles));
    sum.add(counts.work);
    sum.localBytes += counts.localBytes;
    sum.byteHops += counts.byteHops;
    sum.dieLinkByteHops += counts.dieLinkByteHops;
    sum.hbmBytes += counts.hbmBytes;
    sum.configBytes += counts.configBytes;
    sum.tokenHops += counts.tokenHops;
    sum.decisions += counts.decisions;
    allPeaCycles += peaCycles;
    allClusterCycles += clusterCycles;
  }
  r.energy = energyOf(sum, hostBytes, allPeaCycles, allClusterCycles);
  r.energyJoules = r.energy.total();

  counters.localBytes = sum.localBytes;
  counters.byteHops = sum.byteHops;
  counters.dieLinkByteHops = sum.dieLinkByteHops;
  counters.hbmBytes = sum.hbmBytes;
  counters.configBytes = sum.configBytes;
  counters.tokenHops = sum.tokenHops;
  counters.controlDecisions = sum.decisions;
}
