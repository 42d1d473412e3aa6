//===- EngineFaults.cpp - Parts that die, and what takes over -------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/semantics.md, section 12. When a part dies the tables of the machine
// change at once, and what was at work there is taken away: instances begin
// again, control blocks go to another CBU, messages are sent again. All that
// takes effect when the neighbours know of the death, never earlier. Values
// that are gone are made again when they are wanted, from their lineage.
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include "octo/Program/Philox.h"

#include <algorithm>
#include <bit>

using namespace octo;

static PeaMask lowest(PeaMask peas, uint32_t count) {
  PeaMask result = 0;
  for (; count && peas; --count, peas &= peas - 1)
    result |= peas & -peas;
  return result;
}

static PartRef partOf(const MachineTables &m, const MachineFault &fault) {
  PartRef part;
  part.kind = fault.kind;
  uint32_t cluster = fault.unit;
  switch (fault.kind) {
  case PartKind::Pea:
    part.pea = fault.unit % m.peasPerTbu;
    part.unit = fault.unit / m.peasPerTbu % m.tbusPerCluster;
    cluster = fault.unit / m.peasPerTbu / m.tbusPerCluster;
    break;
  case PartKind::Tbu:
    part.unit = fault.unit % m.tbusPerCluster;
    cluster = fault.unit / m.tbusPerCluster;
    break;
  case PartKind::Hbm:
    part.unit = fault.unit;
    return part;
  case PartKind::Link:
    part.to = {m.xOf(fault.other), m.yOf(fault.other)};
    break;
  case PartKind::Cbu:
  case PartKind::Cluster:
    break;
  }
  part.cluster = {m.xOf(cluster), m.yOf(cluster)};
  return part;
}

/// Direction of the link from a cluster to its neighbour; 4: they are none.
static unsigned directionTo(const MachineTables &m, uint32_t from,
                            uint32_t to) {
  if (from >= m.clusters || to >= m.clusters || m.distance(from, to) != 1)
    return 4;
  return to == from + 1 ? 0 : to + 1 == from ? 1 : to > from ? 2 : 3;
}

//===----------------------------------------------------------------------===//
// Which parts die
//===----------------------------------------------------------------------===//

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
  f.capacity.push_back(
      {0,
       {m.livePerClass[0], m.livePerClass[1], m.livePerClass[2],
        m.livePerClass[0] + m.livePerClass[1] + m.livePerClass[2]}});
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
                                directionTo(m, fault.unit, fault.other) == 4))
      return makeError("the fault at cycle {} names a {} that the machine does "
                       "not have",
                       fault.cycle, stringifyPartKind(fault.kind));
  }
  return {};
}

/// Adds the faults of one rule of the scenario.
Expected<void> Engine::drawFaults(const FaultRule &rule, uint32_t number) {
  std::vector<MachineFault> &events = faults->events;
  auto fail = [&](const std::string &message) -> Expected<void> {
    return makeErrorAt(rule.file, rule.line, rule.column, "{}", message);
  };
  const PartRef &part = rule.part;
  if (!rule.drawn) {
    bool onMesh = part.cluster.x < m.width && part.cluster.y < m.height &&
                  part.to.x < m.width && part.to.y < m.height;
    if (part.kind != PartKind::Hbm && !onMesh)
      return fail(fmt::format("there is no {}: the mesh has {} x {} clusters",
                              octo::describe(part), m.width, m.height));
    uint32_t cluster = part.cluster.y * m.width + part.cluster.x;
    uint32_t to = part.to.y * m.width + part.to.x;
    uint32_t tbu = cluster * m.tbusPerCluster + part.unit;
    switch (part.kind) {
    case PartKind::Pea:
    case PartKind::Tbu:
      if (part.unit >= m.tbusPerCluster)
        return fail(fmt::format("there is no {}: a cluster has {} TBUs",
                                octo::describe(part), m.tbusPerCluster));
      if (part.kind == PartKind::Pea && part.pea >= m.peasPerTbu)
        return fail(fmt::format("there is no {}: a TBU has {} PEAs",
                                octo::describe(part), m.peasPerTbu));
      break;
    case PartKind::Hbm:
      if (part.unit >= m.hbm.size())
        return fail(fmt::format("there is no {}: the machine has {}",
                                octo::describe(part), m.hbm.size()));
      break;
    case PartKind::Link:
      if (directionTo(m, cluster, to) == 4)
        return fail(fmt::format("{} does not exist: links join neighbours",
                                octo::describe(part)));
      break;
    case PartKind::Cbu:
    case PartKind::Cluster:
      break;
    }
    uint32_t unit = part.kind == PartKind::Pea   ? tbu * m.peasPerTbu + part.pea
                    : part.kind == PartKind::Tbu ? tbu
                    : part.kind == PartKind::Hbm ? part.unit
                                                 : cluster;
    events.push_back({rule.cycle, part.kind, unit, to});
    return {};
  }

  std::vector<MachineFault> live;
  std::vector<uint32_t> units; // what the draws are of
  auto add = [&](uint32_t unit, uint32_t other, uint32_t drawn) {
    live.push_back({0, part.kind, unit, other});
    units.push_back(drawn);
  };
  switch (part.kind) {
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
  uint64_t count = rule.count;
  if (rule.byRate)
    count = static_cast<uint64_t>(
        (static_cast<unsigned __int128>(live.size()) * rule.rateQ32 +
         (uint64_t(1) << 31)) >>
        32);
  if (count > live.size())
    return fail(fmt::format("asks for {} dead parts of kind `{}`, but {} are "
                            "alive",
                            count, stringifyPartKind(part.kind), live.size()));
  uint64_t seed = rule.ownSeed ? rule.seed : options.scenario.seed;
  uint64_t key = uint64_t(part.kind) | uint64_t(number) << 8;
  std::vector<std::pair<uint64_t, uint32_t>> order;
  for (uint32_t i = 0; i < live.size(); ++i)
    order.emplace_back(philox64(seed, units[i], key), i);
  std::sort(order.begin(), order.end());
  for (uint64_t k = 0; k < count; ++k) {
    MachineFault fault = live[order[k].second];
    uint64_t draw =
        philox64(seed, units[order[k].second], key | uint64_t(1) << 40);
    fault.cycle = rule.from +
                  static_cast<uint64_t>((static_cast<unsigned __int128>(draw) *
                                         (rule.to - rule.from + 1)) >>
                                        64);
    events.push_back(fault);
  }
  return {};
}

//===----------------------------------------------------------------------===//
// A part dies
//===----------------------------------------------------------------------===//

/// All faults of this cycle, one after the other.
void Engine::strikeNext() {
  FaultState &f = *faults;
  while (f.next < f.events.size() && f.events[f.next].cycle <= now() &&
         f.numbers.lacking.empty())
    strike(f.events[f.next++]);
  if (f.next < f.events.size())
    push(f.events[f.next].cycle, EventClass::Fault, StrikeEvent, 0, 0, 0);
}

/// Marks what dies in the tables. False if all of it was dead or cut off.
bool Engine::killParts(const MachineFault &fault, std::vector<PeaMask> &died) {
  FaultState &f = *faults;
  MachineTables &machine = ownTables->machine;
  PeaMask all =
      m.peasPerTbu == 64 ? ~PeaMask(0) : (PeaMask(1) << m.peasPerTbu) - 1;
  bool any = false;
  auto killTbu = [&](uint32_t tbu, PeaMask peas) {
    died[tbu] = peas & ~machine.dead[tbu];
    machine.dead[tbu] |= peas;
    any |= (machine.live[tbu] & peas) != 0;
    machine.live[tbu] &= ~peas;
  };
  auto killLink = [&](uint32_t from, uint32_t to) {
    uint32_t link = from * 4 + directionTo(m, from, to);
    uint32_t back = to * 4 + directionTo(m, to, from);
    any |= !machine.linkDead[link];
    machine.linkDead[link] = machine.linkDead[back] = 1;
    machine.anyLinkDead = true;
  };
  uint32_t unit = fault.unit;
  switch (fault.kind) {
  case PartKind::Pea:
    killTbu(unit / m.peasPerTbu, PeaMask(1) << unit % m.peasPerTbu);
    break;
  case PartKind::Tbu:
    killTbu(unit, all);
    break;
  case PartKind::Cbu:
    any = !f.cbuDead[unit] && m.reachable[unit];
    f.cbuDead[unit] = 1;
    break;
  case PartKind::Link:
    killLink(unit, fault.other);
    break;
  case PartKind::Cluster: {
    any |= !f.cbuDead[unit];
    f.cbuDead[unit] = 1;
    for (uint32_t i = 0; i < m.tbusPerCluster; ++i)
      killTbu(unit * m.tbusPerCluster + i, all);
    uint32_t x = m.xOf(unit), y = m.yOf(unit);
    if (x + 1 < m.width)
      killLink(unit, unit + 1);
    if (x)
      killLink(unit, unit - 1);
    if (y + 1 < m.height)
      killLink(unit, unit + m.width);
    if (y)
      killLink(unit, unit - m.width);
    any &= m.reachable[unit];
    if (unit == m.hostCluster)
      f.numbers.lacking = "the cluster of the host port is dead";
    break;
  }
  case PartKind::Hbm:
    any = !machine.hbm[unit].dead && m.reachable[machine.hbm[unit].cluster];
    machine.hbm[unit].dead = true;
    break;
  }
  connectMachine(machine);
  for (uint32_t tbu = 0; tbu < m.tbus; ++tbu)
    if (!m.reachable[clusterOf(tbu)])
      machine.live[tbu] = 0;
  return any;
}

/// Books the PEAs that can be used no more up to now and takes them away. What
/// instances hold is booked when they are set back.
void Engine::removePeas(const std::vector<PeaMask> &before,
                        const std::vector<PeaMask> &died) {
  FaultState &f = *faults;
  for (uint32_t i = 0; i < m.tbus; ++i) {
    PeaMask gone = (before[i] & ~m.live[i]) | died[i];
    TbuState &tbu = tbus[i];
    if (trace && before[i] & gone)
      trace->dead({i, before[i] & gone, now()});
    for (PeaMask rest = gone; rest; rest &= rest - 1) {
      uint32_t pea = static_cast<uint32_t>(std::countr_zero(rest));
      PeaMask bit = PeaMask(1) << pea;
      size_t number = size_t(i) * m.peasPerTbu + pea;
      if (died[i] & bit)
        f.deadBefore[clusterOf(i)] += now();
      if (!(tbu.usable & bit)) {
        if (died[i] & bit)
          peaCycles[unsigned(PeaState::Unallocated)] +=
              now() - f.unallocatedSince[number];
        continue;
      }
      if (idleSince[number] != never) {
        idleEnded(i, pea, now(), nullptr);
        idleSince[number] = never;
      }
      f.unallocatedSince[number] = now();
    }
    for (Limbo &limbo : f.limbo)
      if (limbo.tbu == i && (limbo.peas & gone)) {
        peaCycles[unsigned(PeaState::Waiting)] +=
            uint64_t(std::popcount(limbo.peas & gone)) * (now() - limbo.since);
        if (trace)
          traceBroken(i, limbo.peas & gone, limbo.since, now());
        limbo.peas &= ~gone;
      }
    tbu.usable &= ~gone;
    if (tbu.free & gone)
      setFree(i, tbu.free & ~gone);
  }
}

/// PEAs that the program may use now because replicas have moved to them.
void Engine::addUsable() {
  std::vector<PeaMask> wanted(m.tbus, 0);
  if (traits.reach == Reach::Machine)
    return;
  for (const BlockInfo &block : t.blocks) {
    if (!faults->usedWorkflow[block.workflow] || block.kind != BlockKind::Task)
      continue;
    for (uint32_t r = 0; r < block.numActive; ++r) {
      const ReplicaInfo &replica = t.replicas[block.replicaBegin + r];
      if (traits.reach == Reach::Shares) {
        wanted[replica.tbu] |= replica.peas;
        continue;
      }
      uint32_t first = t.clusterOf(replica) * m.tbusPerCluster;
      for (uint32_t i = 0; i < m.tbusPerCluster; ++i)
        wanted[first + i] = m.live[first + i];
    }
  }
  for (uint32_t i = 0; i < m.tbus; ++i) {
    PeaMask added = wanted[i] & m.live[i] & ~tbus[i].usable;
    if (!added)
      continue;
    tbus[i].usable |= added;
    for (PeaMask rest = added; rest; rest &= rest - 1)
      peaCycles[unsigned(PeaState::Unallocated)] +=
          now() - faults->unallocatedSince[size_t(i) * m.peasPerTbu +
                                           std::countr_zero(rest)];
    freePeas(i, added);
  }
}

/// The sets of the central dispatcher follow what is alive.
void Engine::rebuildFreeSets() {
  if (!traits.central)
    return;
  for (TbuSet &set : freeSets) {
    std::fill(set.words.begin(), set.words.end(), 0);
    std::fill(set.summary.begin(), set.summary.end(), 0);
  }
  freePerClass = {};
  for (uint32_t i = 0; i < m.tbus; ++i) {
    PeaMask free = tbus[i].free;
    tbus[i].free = 0;
    setFree(i, free);
  }
}

PeaMask Engine::eligibleAt(uint32_t tbu, uint32_t kernel) const {
  return m.eligible(tbu, t.kernels[kernel].peaClass);
}

/// What the program needs and the machine no longer has; empty: nothing.
std::string Engine::lacking() const {
  const FaultState &f = *faults;
  bool controls = false, cbu = false, port = false;
  for (uint32_t c = 0; c < m.clusters; ++c)
    cbu |= m.reachable[c] && !f.cbuDead[c];
  uint64_t behindPorts = 0;
  for (const HbmInfo &info : m.hbm)
    if (!info.dead && m.reachable[info.cluster]) {
      port = true;
      behindPorts += info.bytes;
    }
  uint64_t weights = 0;
  std::vector<uint8_t> counted(t.weights.size(), 0), seen(t.kernels.size(), 0);
  for (uint32_t b = 0; b < t.blocks.size(); ++b) {
    const BlockInfo &block = t.blocks[b];
    if (!f.usedWorkflow[block.workflow])
      continue;
    if (block.kind != BlockKind::Task) {
      controls = true;
      continue;
    }
    uint64_t own = 0;
    for (uint32_t w = block.weightBegin; w < block.weightEnd; ++w) {
      uint32_t weight = t.blockWeights[w];
      own += t.weights[weight].bytes;
      if (!counted[weight])
        weights += t.weights[weight].bytes;
      counted[weight] = 1;
    }
    if (!m.hbm.empty() && !port && m.scratchpad && own > m.scratchpad)
      return fmt::format("no memory port is left, and the weights of {} do not "
                         "fit in a scratchpad",
                         t.place(b));
    if (seen[block.kernel])
      continue;
    seen[block.kernel] = 1;
    const KernelInfo &kernel = t.kernels[block.kernel];
    uint32_t call = nominalCall(b);
    if (!m.hbm.empty() && !port && kernel.kind != KernelKind::Profiled &&
        call && costs.variant(call, kernel.variantBegin).hbmBytes)
      return fmt::format("no memory port is left, and {} keeps data there",
                         t.place(b));
    uint32_t gang = t.variants[kernel.variantBegin].gang;
    bool fits = false;
    for (uint32_t i = 0; i < m.tbus && !fits; ++i)
      fits = static_cast<uint32_t>(
                 std::popcount(eligibleAt(i, block.kernel))) >= gang;
    if (!fits)
      return fmt::format("no TBU has {} live PEA{} left for {}", gang,
                         gang == 1 ? "" : "s", t.place(b));
  }
  if (controls && !cbu)
    return "no CBU is left";
  if (port && behindPorts && weights > behindPorts)
    return fmt::format("the weights, {} bytes, do not fit behind the memory "
                       "ports that are left",
                       weights);
  return {};
}

/// Links have died: messages on the mesh are lost, and it takes no others until
/// routes have been made anew. Without traffic routes can change with no cycle
/// of waiting messages.
bool Engine::closeMesh(std::vector<uint32_t> &dropped) {
  FaultState &f = *faults;
  for (uint32_t i = 0; i < messages.size(); ++i)
    if ((messages[i].generation & 1) && messages[i].onMesh) {
      messages[i].onMesh = false;
      dropped.push_back(i);
    }
  auto keep = [](std::vector<uint64_t> &past,
                 const std::vector<uint64_t> &add) {
    past.resize(add.size(), 0);
    for (size_t i = 0; i < add.size(); ++i)
      past[i] += add[i];
  };
  auto keepBoth = [&](const auto &model) {
    keep(f.pastBusy, model.busyCycles());
    keep(f.pastWaited, model.waitedCycles());
  };
  if (linkNetwork)
    keepBoth(*linkNetwork);
  else if (network)
    keepBoth(*network);
  else
    keepBoth(*flitNetwork);
  meshAt = never;
  if (auto made = prepareNetwork(); !made) {
    fatal = made.error().message;
    return false;
  }
  // The death is told from cluster to cluster and answered.
  f.meshOpenAt = now() + f.detectionCycles +
                 uint64_t(2) * (m.width + m.height) * m.tokenHopCycles;
  return true;
}

/// The nearest TBU that can run a kernel; of equals the one that took over
/// least.
uint32_t Engine::nearestTbu(uint32_t kernel, uint32_t cluster) const {
  uint32_t gang = t.variants[t.kernels[kernel].variantBegin].gang;
  uint32_t best = noIndex;
  std::pair<uint32_t, uint32_t> least;
  for (uint32_t i = 0; i < m.tbus; ++i) {
    std::pair<uint32_t, uint32_t> cost = {m.distance(cluster, clusterOf(i)),
                                          faults->adopted[i]};
    if ((best == noIndex || cost < least) &&
        static_cast<uint32_t>(std::popcount(eligibleAt(i, kernel))) >= gang) {
      best = i;
      least = cost;
    }
  }
  return best;
}

/// Replicas whose PEAs are too few get others. True if any changed.
bool Engine::rehomeReplicas() {
  FaultState &f = *faults;
  bool shares = traits.reach == Reach::Shares, changed = false;
  for (const BlockInfo &block : t.blocks) {
    if (!f.usedWorkflow[block.workflow] || block.kind != BlockKind::Task)
      continue;
    uint32_t gang = t.variants[t.kernels[block.kernel].variantBegin].gang;
    auto suffices = [&](PeaMask peas) {
      return static_cast<uint32_t>(std::popcount(peas)) >= gang;
    };
    for (uint32_t r = 0; r < block.numReplicas; ++r) {
      uint32_t number = block.replicaBegin + r;
      ReplicaInfo &replica = ownTables->replicas[number];
      PeaMask left = replica.peas & m.live[replica.tbu];
      bool fits =
          suffices(shares ? left : eligibleAt(replica.tbu, block.kernel));
      if (fits && left == replica.peas)
        continue;
      changed = true;
      if (fits && left) {
        replica.peas = left;
        continue;
      }
      uint32_t place = suffices(eligibleAt(replica.tbu, block.kernel))
                           ? replica.tbu
                           : nearestTbu(block.kernel, t.clusterOf(replica));
      if (place == noIndex)
        continue;
      if (place != replica.tbu) {
        ++f.adopted[place];
        ++f.numbers.replicasMoved;
      }
      f.rehomed[number] = 1;
      replica.tbu = place;
      replica.peas = lowest(eligibleAt(place, block.kernel),
                            std::max(f.shareSize[number], gang));
    }
  }
  return changed;
}

/// Can an instance start where it is bound?
bool Engine::canRun(const Instance &instance) const {
  const BlockInfo &block = t.blocks[instance.block];
  uint32_t gang = t.variants[t.kernels[block.kernel].variantBegin].gang;
  if (traits.reach == Reach::Shares && instance.replica != noIndex) {
    const ReplicaInfo &replica =
        t.replicas[block.replicaBegin + instance.replica];
    return replica.tbu == instance.tbu &&
           static_cast<uint32_t>(std::popcount(replica.peas)) >= gang;
  }
  // In the queue of a cluster any of its TBUs will do.
  bool anyOfCluster = traits.clusterQueues && !instance.staged &&
                      instance.state < InstanceState::Held;
  uint32_t first = anyOfCluster ? dispatchUnit(instance.tbu) : instance.tbu;
  uint32_t places = anyOfCluster ? uint32_t(m.tbusPerCluster) : 1;
  for (uint32_t i = 0; i < places; ++i)
    if (static_cast<uint32_t>(std::popcount(
            eligibleAt(first + i, block.kernel) & tbus[first + i].usable)) >=
        gang)
      return true;
  return false;
}

/// Values whose only copy is gone.
void Engine::loseValues(uint32_t fault) {
  for (uint32_t id = 0; id < values.size(); ++id) {
    Value &value = values[id];
    if (!(value.generation & 1) || value.lost || value.token || !value.bytes)
      continue;
    if (m.reachable[value.cluster] &&
        (value.hbm == noIndex || !m.hbm[value.hbm].dead))
      continue;
    if (value.hbm == noIndex) {
      ClusterState &cluster = clusters[value.cluster];
      cluster.used -= value.bytes;
      if (cluster.spilling)
        cluster.parked.erase({value.age, value.sequence, id});
    }
    value.lost = true;
    value.hbm = noIndex;
    faults->ofValue[id].fault = fault;
    ++faults->numbers.parts[fault].valuesLost;
  }
}

bool Engine::hasLostInput(const Instance &instance) {
  const uint32_t *words = taskWords(instance);
  for (uint32_t i = 0; i < t.blocks[instance.block].numInputs; ++i)
    if (words[i] && values[(words[i] & ~pinMark) - 1].lost)
      return true;
  return false;
}

void Engine::strike(const MachineFault &fault) {
  FaultState &f = *faults;
  uint32_t number = static_cast<uint32_t>(f.numbers.parts.size());
  f.numbers.parts.emplace_back();
  f.numbers.parts.back().cycle = now();
  f.numbers.parts.back().part = partOf(m, fault);
  uint64_t at = now() + f.detectionCycles;

  std::vector<PeaMask> before = m.live, died(m.tbus, 0);
  std::vector<uint32_t> nearest = m.nearestHbm;
  bool any = killParts(fault, died);
  removePeas(before, died);
  rebuildFreeSets();
  f.capacity.push_back(
      {now(),
       {m.livePerClass[0], m.livePerClass[1], m.livePerClass[2],
        m.livePerClass[0] + m.livePerClass[1] + m.livePerClass[2]}});
  f.numbers.parts[number].already = !any;
  if (!any)
    return;
  std::vector<uint32_t> dropped;
  if ((fault.kind == PartKind::Link || fault.kind == PartKind::Cluster) &&
      !closeMesh(dropped))
    return;
  if (f.numbers.lacking.empty())
    f.numbers.lacking = lacking();
  if (!f.numbers.lacking.empty())
    return;

  // Who stands in.
  for (uint32_t c = 0; c < m.clusters; ++c) {
    if (m.reachable[c] && !f.cbuDead[c])
      continue;
    f.cbuOf[c] = noIndex;
    for (uint32_t other = 0; other < m.clusters; ++other)
      if (m.reachable[other] && !f.cbuDead[other] &&
          (f.cbuOf[c] == noIndex ||
           m.distance(c, other) < m.distance(c, f.cbuOf[c])))
        f.cbuOf[c] = other;
  }
  bool rehomed = rehomeReplicas();
  addUsable();
  loseValues(number);

  // Whom it sets back.
  struct SetBack {
    uint32_t id;
    uint32_t tbu;
    uint32_t from;
    bool keep; ///< its inputs are in its cluster
    bool move; ///< it only changes its TBU while inputs come
  };
  std::vector<SetBack> list;
  std::vector<std::pair<uint32_t, uint32_t>> voidCode; // TBU, kernel
  if (fault.kind == PartKind::Hbm || fault.kind == PartKind::Cluster)
    for (uint32_t i = 0; i < m.tbus; ++i)
      if (uint32_t port = nearest[clusterOf(i)];
          port != noIndex && port != m.nearestHbm[clusterOf(i)] &&
          (m.hbm[port].dead || !m.reachable[m.hbm[port].cluster]))
        for (const ResidentCode &code : tbus[i].code)
          if (code.readyAt > now())
            voidCode.emplace_back(i, code.kernel);
  for (uint32_t id = 0; id < instances.size(); ++id) {
    Instance &instance = instances[id];
    if (!(instance.generation & 1))
      continue;
    const BlockInfo &block = t.blocks[instance.block];
    bool held = instance.state >= InstanceState::Held;
    bool bound = instance.tbu != noIndex && (held || !traits.central);
    bool hit = false;
    if (held) {
      PeaMask gang =
          instance.peas | (instance.resizing ? instance.nextPeas : 0);
      hit = (gang & ~m.live[instance.tbu]) != 0;
    }
    if (held ? instance.configured > now() : instance.staged)
      for (auto [tbu, kernel] : voidCode)
        hit |= tbu == instance.tbu && kernel == block.kernel;
    if (traits.central)
      hit |= !instance.orphan && instance.state != InstanceState::Computing &&
             hasLostInput(instance);
    else if (bound && !held)
      hit |= !canRun(instance);
    if (!hit)
      continue;
    uint32_t place = noIndex;
    if (!traits.central && !instance.orphan) {
      place = instance.tbu;
      if (!canRun(instance)) {
        place = noIndex;
        if (instance.replica != noIndex)
          place = t.replicas[block.replicaBegin + instance.replica].tbu;
        if (place == noIndex ||
            (traits.reach != Reach::Shares &&
             !(eligibleAt(place, block.kernel) & tbus[place].usable)))
          place = nearestTbu(block.kernel, clusterOf(instance.tbu));
      }
    }
    bool same = place != noIndex &&
                clusterOf(place) == clusterOf(instance.tbu) &&
                m.reachable[clusterOf(place)];
    list.push_back(
        {id, place, instance.tbu,
         same && instance.state >= InstanceState::Ready && !instance.away,
         same && instance.state == InstanceState::Gathering});
  }
  for (const SetBack &entry : list)
    if (!entry.move)
      detach(entry.id, entry.keep, number, at);

  // Stores that are gone.
  for (uint32_t i = 0; i < m.tbus; ++i)
    if (!m.live[i] && before[i]) {
      tbus[i].code.clear();
      tbus[i].codeBytes = 0;
      tbus[i].keeps.clear();
    }
  for (uint32_t c = 0; c < m.clusters; ++c)
    if (!m.reachable[c]) {
      for (const ResidentWeight &weight : clusters[c].weights)
        clusters[c].used -= t.weights[weight.weight].bytes;
      clusters[c].weights.clear();
    }
  for (auto [tbu, kernel] : voidCode)
    for (size_t k = 0; k < tbus[tbu].code.size(); ++k)
      if (tbus[tbu].code[k].kernel == kernel && !tbus[tbu].code[k].uses) {
        tbus[tbu].codeBytes -= tbus[tbu].code[k].bytes;
        tbus[tbu].code.erase(tbus[tbu].code.begin() +
                             static_cast<ptrdiff_t>(k));
        break;
      }
  if (rehomed) {
    std::fill(laneGroups.begin(), laneGroups.end(),
              std::pair(noIndex, noIndex));
    relayLanes();
  }

  // Those who stand in take over.
  moveControls(at);
  for (const SetBack &entry : list) {
    Instance &instance = instances[entry.id];
    if (!(instance.generation & 1))
      continue; // of a failed request
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
  for (uint32_t id : dropped)
    repeat(id, at);
  gatherAway(at);
  because(noIndex);
  FaultStatistics::Part &part = f.numbers.parts[number];
  if (part.instancesSetBack || part.decisionsRepeated || part.messagesRepeated)
    part.recoveryCycles = std::max(part.recoveryCycles, f.detectionCycles);
}

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
    if (!traits.central) {
      if (!traits.clusterQueues)
        tbus[place].backlog -= instance.backlog;
      clusters[clusterOf(place)].backlog -= instance.backlog;
      instance.backlog = 0;
    }
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
    if (instance.results != noIndex) {
      resultPool[instance.results].clear();
      freeResults.push_back(instance.results);
    }
    costs.release(instance.call);
    --requests[request].holds;
    blame.release(instance.cause);
    instances.release(id);
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
  instance.away = 0;
  instance.awayAsked = false;
  if (fault != noIndex)
    trace.fault = fault;
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
    uint32_t word = taskWords(instance)[i];
    if (!word)
      continue;
    if (!values[word - 1].lost)
      pinInput(instance, i);
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
    Instance &instance = instances[id];
    unqueue(id);
    tbus[instance.tbu].backlog -= instance.backlog;
    clusters[clusterOf(instance.tbu)].backlog -= instance.backlog;
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
      control.joinPath -= joinCycles(control.block, joinWork(control));
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
    } else if (!m.reachable[message.from] &&
               values.current(message.target, message.targetGeneration) &&
               !values[message.target].lost) {
      // It was gone before it had been written.
      values[message.target].lost = true;
      values[message.target].hbm = noIndex;
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

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

/// PEAs that are dead, cut off or about to be given back, up to the end.
void Engine::closeFaultAccounts(uint64_t end) {
  FaultState &f = *faults;
  for (uint64_t cycles : f.deadBefore)
    peaCycles[unsigned(PeaState::Faulty)] -= cycles;
  for (const Limbo &limbo : f.limbo) {
    peaCycles[unsigned(PeaState::Waiting)] +=
        uint64_t(std::popcount(limbo.peas)) * (end - limbo.since);
    if (trace)
      traceBroken(limbo.tbu, limbo.peas, limbo.since, end);
  }
  for (uint32_t i = 0; i < m.tbus; ++i)
    for (uint32_t pea = 0; pea < m.peasPerTbu; ++pea)
      if (!((m.dead[i] | tbus[i].usable) >> pea & 1))
        peaCycles[unsigned(PeaState::Unallocated)] +=
            end - f.unallocatedSince[size_t(i) * m.peasPerTbu + pea];
}

/// The first cycle by which the live PEAs of a class (3: of all) can have done
/// `work` PEA-cycles from `from` on.
uint64_t Engine::capacityReached(uint64_t from, uint64_t work,
                                 unsigned c) const {
  uint64_t at = from;
  const std::vector<CapacityStep> &steps = faults->capacity;
  for (size_t i = 0; i < steps.size() && work; ++i) {
    uint64_t until = i + 1 < steps.size() ? steps[i + 1].cycle : never;
    if (until <= at)
      continue;
    uint64_t peas = steps[i].peas[c];
    if (!peas) {
      if (until == never)
        break;
      at = until;
      continue;
    }
    uint64_t needed = ceilDiv(work, peas);
    if (needed <= until - at)
      return at + needed;
    work -= peas * (until - at);
    at = until;
  }
  return at;
}

FaultStatistics Engine::faultResult() {
  FaultStatistics &n = faults->numbers;
  for (const FaultStatistics::Part &part : n.parts) {
    n.lostPeaCycles += part.lostPeaCycles;
    n.recoveryCycles += part.recoveryCycles;
    n.instancesSetBack += part.instancesSetBack;
    n.valuesLost += part.valuesLost;
    n.messagesRepeated += part.messagesRepeated;
    n.decisionsRepeated += part.decisionsRepeated;
  }
  for (uint8_t hit : faults->requestHit)
    n.requestsRestarted += hit;
  for (uint32_t b = 0; b < t.blocks.size(); ++b)
    if (faults->setBackOf[b] || faults->repeatedOf[b])
      n.blocks.push_back({t.blocks[b].workflow, t.blocks[b].local,
                          faults->setBackOf[b], faults->repeatedOf[b]});
  return std::move(n);
}
