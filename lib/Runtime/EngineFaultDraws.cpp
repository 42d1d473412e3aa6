//===- EngineFaultDraws.cpp - Which parts die, and when -------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include "octo/Program/Philox.h"

#include <algorithm>
#include <bit>

using namespace octo;

Expected<void> Engine::prepareFaults(const std::vector<uint8_t> &usedWorkflow) {
  faults = std::make_unique<FaultState>();
  FaultState &f = *faults;
  f.detectionCycles = options.scenario.faultDetectionCycles;
  f.usedWorkflow = usedWorkflow;
  f.cbuDead.assign(m.clusters, 0);
  f.cbuOf.resize(m.clusters);
  for (uint32_t c = 0; c < m.clusters; ++c)
    f.cbuOf[c] = c;
  f.adopted.assign(m.tbus, 0);
  f.rehomed.assign(t.replicas.size(), 0);
  for (const ReplicaInfo &replica : t.replicas)
    f.shareSize.push_back(static_cast<uint32_t>(std::popcount(replica.peas)));
  f.unallocatedSince.assign(size_t(m.tbus) * m.peasPerTbu, 0);
  f.deadBefore.assign(m.clusters, 0);
  f.requestHit.assign(totalRequests, 0);
  f.setBackOf.assign(t.blocks.size(), 0);
  f.repeatedOf.assign(t.blocks.size(), 0);
  f.capacity.push_back(capacityNow());
  f.numbers.enabled = true;
  f.numbers.detectionCycles = f.detectionCycles;

  f.events = m.faults;
  uint32_t number = 0;
  for (const FaultRule &rule : options.scenario.faults)
    if (auto drawn = drawFaults(rule, number++); !drawn)
      return drawn;
  std::vector<std::pair<uint64_t, size_t>> order;
  for (size_t i = 0; i < f.events.size(); ++i)
    order.emplace_back(f.events[i].cycle, i);
  std::sort(order.begin(), order.end());
  std::vector<MachineFault> sorted;
  for (auto [cycle, i] : order)
    sorted.push_back(f.events[i]);
  f.events = std::move(sorted);
  // Programs that were not read from a file have not been validated.
  for (const MachineFault &fault : f.events) {
    uint64_t units = fault.kind == PartKind::Pea
                         ? uint64_t(m.tbus) * m.peasPerTbu
                     : fault.kind == PartKind::Tbu ? m.tbus
                     : fault.kind == PartKind::Hbm ? m.hbm.size()
                                                   : m.clusters;
    if (fault.unit >= units || (fault.kind == PartKind::Link &&
                                m.directionTo(fault.unit, fault.other) == 4))
      return makeError("the fault at cycle {} names a {} that the machine does "
                       "not have",
                       fault.cycle, stringifyPartKind(fault.kind));
  }
  return {};
}

/// Adds the fault of a rule that names its part.
Expected<void> Engine::addNamedFault(const FaultRule &rule) {
  auto fail = [&](const std::string &message) -> Expected<void> {
    return makeErrorAt(rule.file, rule.line, rule.column, "{}", message);
  };
  const PartRef &part = rule.part;
  bool onMesh = part.cluster.x < m.width && part.cluster.y < m.height &&
                part.to.x < m.width && part.to.y < m.height;
  if (part.kind != PartKind::Hbm && !onMesh)
    return fail(fmt::format("there is no {}: the mesh has {} x {} clusters",
                            octo::describe(part), m.width, m.height));
  uint32_t cluster = part.cluster.y * m.width + part.cluster.x;
  uint32_t to = part.to.y * m.width + part.to.x;
  uint32_t tbu = cluster * m.tbusPerCluster + part.unit;
  uint32_t unit = cluster;
  switch (part.kind) {
  case PartKind::Pea:
  case PartKind::Tbu:
    if (part.unit >= m.tbusPerCluster)
      return fail(fmt::format("there is no {}: a cluster has {} TBUs",
                              octo::describe(part), m.tbusPerCluster));
    if (part.kind == PartKind::Pea && part.pea >= m.peasPerTbu)
      return fail(fmt::format("there is no {}: a TBU has {} PEAs",
                              octo::describe(part), m.peasPerTbu));
    unit = part.kind == PartKind::Pea ? tbu * m.peasPerTbu + part.pea : tbu;
    break;
  case PartKind::Hbm:
    if (part.unit >= m.hbm.size())
      return fail(fmt::format("there is no {}: the machine has {}",
                              octo::describe(part), m.hbm.size()));
    unit = part.unit;
    break;
  case PartKind::Link:
    if (m.directionTo(cluster, to) == 4)
      return fail(fmt::format("{} does not exist: links join neighbours",
                              octo::describe(part)));
    break;
  case PartKind::Cbu:
  case PartKind::Cluster:
    break;
  }
  faults->events.push_back({rule.cycle, part.kind, unit, to});
  return {};
}

/// The parts of a kind that are alive, and beside each the unit that its draw
/// is of.
std::vector<std::pair<MachineFault, uint32_t>>
Engine::liveParts(PartKind kind) const {
  std::vector<std::pair<MachineFault, uint32_t>> live;
  auto add = [&](uint32_t unit, uint32_t other, uint32_t drawn) {
    live.push_back({{0, kind, unit, other}, drawn});
  };
  switch (kind) {
  case PartKind::Pea:
    for (uint32_t tbu = 0; tbu < m.tbus; ++tbu)
      if (m.reachable[clusterOf(tbu)])
        for (PeaMask rest = m.live[tbu]; rest; rest &= rest - 1) {
          uint32_t pea = tbu * m.peasPerTbu +
                         static_cast<uint32_t>(std::countr_zero(rest));
          add(pea, 0, pea);
        }
    break;
  case PartKind::Tbu:
    for (uint32_t tbu = 0; tbu < m.tbus; ++tbu)
      if (m.reachable[clusterOf(tbu)] && m.live[tbu])
        add(tbu, 0, tbu);
    break;
  case PartKind::Cbu:
  case PartKind::Cluster:
    for (uint32_t c = 0; c < m.clusters; ++c)
      if (m.reachable[c])
        add(c, 0, c);
    break;
  case PartKind::Link:
    for (uint32_t c = 0; c < m.clusters; ++c)
      for (unsigned south = 0; south < 2; ++south)
        if (!m.linkDead[c * 4 + 2 * south])
          add(c, south ? c + m.width : c + 1, 2 * c + south);
    break;
  case PartKind::Hbm:
    for (uint32_t port = 0; port < m.hbm.size(); ++port)
      if (m.reachable[m.hbm[port].cluster])
        add(port, 0, port);
    break;
  }
  return live;
}

/// Adds the faults of one rule of the scenario.
Expected<void> Engine::drawFaults(const FaultRule &rule, uint32_t number) {
  if (!rule.drawn)
    return addNamedFault(rule);
  std::vector<std::pair<MachineFault, uint32_t>> live =
      liveParts(rule.part.kind);
  uint64_t count = rule.count;
  if (rule.byRate)
    count = static_cast<uint64_t>(
        (static_cast<unsigned __int128>(live.size()) * rule.rateQ32 +
         (uint64_t(1) << 31)) >>
        32);
  if (count > live.size())
    return makeErrorAt(rule.file, rule.line, rule.column,
                       "asks for {} dead parts of kind `{}`, but {} are alive",
                       count, stringifyPartKind(rule.part.kind), live.size());
  uint64_t seed = rule.ownSeed ? rule.seed : options.scenario.seed;
  uint64_t key = uint64_t(rule.part.kind) | uint64_t(number) << 8;
  std::vector<std::pair<uint64_t, uint32_t>> order;
  for (uint32_t i = 0; i < live.size(); ++i)
    order.emplace_back(philox64(seed, live[i].second, key), i);
  std::sort(order.begin(), order.end());
  for (uint64_t k = 0; k < count; ++k) {
    auto [fault, unit] = live[order[k].second];
    uint64_t draw = philox64(seed, unit, key | uint64_t(1) << 40);
    fault.cycle = rule.from +
                  static_cast<uint64_t>((static_cast<unsigned __int128>(draw) *
                                         (rule.to - rule.from + 1)) >>
                                        64);
    faults->events.push_back(fault);
  }
  return {};
}
