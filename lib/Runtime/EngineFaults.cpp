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
    uint32_t link = from * 4 + m.directionTo(from, to);
    uint32_t back = to * 4 + m.directionTo(to, from);
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
    any = machine.serves(unit);
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
  if (traits.reach == Reach::Machine)
    return; // it had them all
  std::vector<PeaMask> reach = peasInReach(faults->usedWorkflow);
  for (uint32_t i = 0; i < m.tbus; ++i) {
    PeaMask added = reach[i] & m.live[i] & ~tbus[i].usable;
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
  for (uint32_t i = 0; i < m.hbm.size(); ++i)
    if (m.serves(i)) {
      port = true;
      behindPorts += m.hbm[i].bytes;
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
    bool fits = false;
    for (uint32_t i = 0; i < m.tbus && !fits; ++i)
      fits = suffice(eligibleAt(i, block.kernel), block.kernel);
    uint32_t gang = leastGang(block.kernel);
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
  uint32_t best = noIndex;
  std::pair<uint32_t, uint32_t> least;
  for (uint32_t i = 0; i < m.tbus; ++i) {
    std::pair<uint32_t, uint32_t> cost = {m.distance(cluster, clusterOf(i)),
                                          faults->adopted[i]};
    if ((best == noIndex || cost < least) &&
        suffice(eligibleAt(i, kernel), kernel)) {
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
    for (uint32_t r = 0; r < block.numReplicas; ++r) {
      uint32_t number = block.replicaBegin + r;
      ReplicaInfo &replica = ownTables->replicas[number];
      PeaMask left = replica.peas & m.live[replica.tbu];
      PeaMask here = eligibleAt(replica.tbu, block.kernel);
      bool fits = suffice(shares ? left : here, block.kernel);
      if (fits && left == replica.peas)
        continue;
      changed = true;
      if (fits && left) {
        replica.peas = left;
        continue;
      }
      uint32_t place = suffice(here, block.kernel)
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
      replica.peas =
          lowest(eligibleAt(place, block.kernel),
                 std::max(f.shareSize[number], leastGang(block.kernel)));
    }
  }
  return changed;
}

/// Can an instance start where it is bound?
bool Engine::canRun(const Instance &instance) const {
  const BlockInfo &block = t.blocks[instance.block];
  if (traits.reach == Reach::Shares && instance.replica != noIndex) {
    const ReplicaInfo &replica =
        t.replicas[block.replicaBegin + instance.replica];
    return replica.tbu == instance.tbu && suffice(replica.peas, block.kernel);
  }
  // In the queue of a cluster any of its TBUs will do.
  bool anyOfCluster = traits.clusterQueues && !instance.staged &&
                      instance.state < InstanceState::Held;
  uint32_t first = anyOfCluster ? dispatchUnit(instance.tbu) : instance.tbu;
  uint32_t places = anyOfCluster ? uint32_t(m.tbusPerCluster) : 1;
  for (uint32_t i = 0; i < places; ++i)
    if (suits(first + i, block.kernel))
      return true;
  return false;
}

/// Values whose only copy is gone.
void Engine::loseValues(uint32_t fault) {
  for (uint32_t id = 0; id < values.size(); ++id) {
    Value &value = values[id];
    if (!(value.generation & 1) || value.lost || value.token || !value.bytes)
      continue;
    if (value.copy != noIndex && !m.serves(value.copy))
      value.copy = noIndex;
    if (value.hbm == noIndex ? m.reachable[value.cluster] : m.serves(value.hbm))
      continue;
    if (value.hbm == noIndex) {
      ClusterState &cluster = clusters[value.cluster];
      cluster.used -= value.bytes;
      if (cluster.spilling)
        cluster.parked.erase({value.age, value.sequence, id});
    }
    value.lose();
    faults->ofValue[id].fault = fault;
    ++faults->numbers.parts[fault].valuesLost;
  }
}

bool Engine::hasLostInput(const Instance &instance) const {
  const uint32_t *words = taskWords(instance);
  for (uint32_t i = 0; i < t.blocks[instance.block].numInputs; ++i)
    if (words[i] && values[(words[i] & ~pinMark) - 1].lost)
      return true;
  return false;
}

/// The nearest live CBU stands in for each dead one.
void Engine::replaceCbus() {
  FaultState &f = *faults;
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
}

/// Code that was on its way from a memory port that is gone; `ports` are the
/// nearest ones of the clusters before.
std::vector<VoidCode>
Engine::voidCode(const std::vector<uint32_t> &ports) const {
  std::vector<VoidCode> list;
  for (uint32_t i = 0; i < m.tbus; ++i) {
    uint32_t port = ports[clusterOf(i)];
    if (port == noIndex || port == m.nearestHbm[clusterOf(i)] || m.serves(port))
      continue;
    for (const ResidentCode &code : tbus[i].code)
      if (code.readyAt > now())
        list.push_back({i, code.kernel});
  }
  return list;
}

/// Does the death take an instance's PEAs, inputs or code, or its place?
bool Engine::isHit(const Instance &instance,
                   const std::vector<VoidCode> &codes) const {
  bool held = instance.state >= InstanceState::Held;
  if (held) {
    PeaMask gang = instance.peas | (instance.resizing ? instance.nextPeas : 0);
    if (gang & ~m.live[instance.tbu])
      return true;
  }
  if (held ? instance.configured > now() : instance.staged)
    if (std::ranges::find(
            codes, VoidCode{instance.tbu, t.blocks[instance.block].kernel}) !=
        codes.end())
      return true;
  if (traits.central)
    return !instance.orphan && instance.state != InstanceState::Computing &&
           hasLostInput(instance);
  return !held && instance.tbu != noIndex && !canRun(instance);
}

/// Where an instance that is hit goes on; noIndex: the central dispatcher
/// finds a place.
uint32_t Engine::newPlace(const Instance &instance) const {
  if (traits.central || instance.orphan)
    return noIndex;
  if (canRun(instance))
    return instance.tbu;
  const BlockInfo &block = t.blocks[instance.block];
  uint32_t place = noIndex;
  if (instance.replica != noIndex)
    place = t.replicas[block.replicaBegin + instance.replica].tbu;
  if (place == noIndex ||
      (traits.reach != Reach::Shares &&
       !(eligibleAt(place, block.kernel) & tbus[place].usable)))
    place = nearestTbu(block.kernel, clusterOf(instance.tbu));
  return place;
}

/// Whom a death sets back, in the order of their records.
std::vector<SetBack>
Engine::whomToSetBack(const std::vector<VoidCode> &codes) const {
  std::vector<SetBack> list;
  for (uint32_t id = 0; id < instances.size(); ++id) {
    const Instance &instance = instances[id];
    if (!(instance.generation & 1) || !isHit(instance, codes))
      continue;
    uint32_t place = newPlace(instance);
    bool same = place != noIndex &&
                clusterOf(place) == clusterOf(instance.tbu) &&
                m.reachable[clusterOf(place)];
    list.push_back(
        {id, place, instance.tbu,
         same && instance.state >= InstanceState::Ready && !instance.away,
         same && instance.state == InstanceState::Gathering});
  }
  return list;
}

/// What scratchpads and configuration stores that are gone held; `before` are
/// the PEAs that were alive.
void Engine::clearStores(const std::vector<PeaMask> &before,
                         const std::vector<VoidCode> &codes) {
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
  for (auto [tbu, kernel] : codes) {
    std::vector<ResidentCode> &resident = tbus[tbu].code;
    auto unused = std::ranges::find_if(resident, [&](const ResidentCode &code) {
      return code.kernel == kernel && !code.uses;
    });
    if (unused == resident.end())
      continue;
    tbus[tbu].codeBytes -= unused->bytes;
    resident.erase(unused);
  }
}

/// A part dies. The tables change at once; who stands in takes over when the
/// neighbours know of it.
void Engine::strike(const MachineFault &fault) {
  FaultState &f = *faults;
  uint32_t number = static_cast<uint32_t>(f.numbers.parts.size());
  f.numbers.parts.emplace_back();
  f.numbers.parts.back().cycle = now();
  f.numbers.parts.back().part = partOf(m, fault);
  uint64_t at = now() + f.detectionCycles;

  std::vector<PeaMask> before = m.live, died(m.tbus, 0);
  std::vector<uint32_t> ports = m.nearestHbm;
  bool any = killParts(fault, died);
  removePeas(before, died);
  rebuildFreeSets();
  f.capacity.push_back(capacityNow());
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

  replaceCbus();
  bool rehomed = rehomeReplicas();
  addUsable();
  loseValues(number);
  std::vector<VoidCode> codes;
  if (fault.kind == PartKind::Hbm || fault.kind == PartKind::Cluster)
    codes = voidCode(ports);
  std::vector<SetBack> list = whomToSetBack(codes);
  for (const SetBack &entry : list)
    if (!entry.move)
      detach(entry.id, entry.keep, number, at);
  clearStores(before, codes);
  if (rehomed) {
    std::fill(laneGroups.begin(), laneGroups.end(),
              std::pair(noIndex, noIndex));
    relayLanes();
  }

  moveControls(at);
  for (const SetBack &entry : list)
    beginAgain(entry, at);
  for (uint32_t id : dropped)
    repeat(id, at);
  gatherAway(at);
  because(noIndex);
  FaultStatistics::Part &part = f.numbers.parts[number];
  if (part.instancesSetBack || part.decisionsRepeated || part.messagesRepeated)
    part.recoveryCycles = std::max(part.recoveryCycles, f.detectionCycles);
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

/// What is alive from now on.
CapacityStep Engine::capacityNow() const {
  const auto &live = m.livePerClass;
  return {now(), {live[0], live[1], live[2], live[0] + live[1] + live[2]}};
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
