//===- EngineMemory.cpp - Messages, memory, residencies -------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The mesh hop by hop, ports of external memory, scratchpads that spill, kernel
// code in TBUs and weights in clusters. Costs: docs/timing-model.md.
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include <algorithm>

using namespace octo;

//===----------------------------------------------------------------------===//
// The mesh
//===----------------------------------------------------------------------===//

/// The flit-level model looks at every router that holds a flit in every cycle.
static constexpr uint32_t maxFlitClusters = 1024;

Expected<void> Engine::prepareNetwork() {
  mesh.width = m.width;
  mesh.height = m.height;
  mesh.dieWidth = m.dieWidth;
  mesh.dieHeight = m.dieHeight;
  mesh.hopCycles = m.hopCycles;
  mesh.dieHopCycles = m.dieHopCycles;
  mesh.flitBytes = m.linkBytesPerCycle;
  mesh.dieLinkBytes = m.dieLinkBytesPerCycle;
  mesh.interfaceCycles = m.interfaceCycles;
  mesh.setBuffer(m.linkBuffer);
  routes = MeshRoutes(m.width, m.height,
                      std::vector<bool>(m.linkDead.begin(), m.linkDead.end()));
  if (options.network == NetworkModel::Link) {
    linkNetwork = std::make_unique<LinkNetwork>(mesh, routes);
    return {};
  }
  if (options.network == NetworkModel::Message) {
    network = std::make_unique<Network>(mesh, routes);
    return {};
  }
  if (m.clusters > maxFlitClusters)
    return makeError("the flit-level network is for meshes of at most {} "
                     "clusters, but this machine has {}: use the message-level "
                     "network",
                     maxFlitClusters, m.clusters);
  flitNetwork = std::make_unique<FlitNetwork>(mesh, routes);
  return {};
}

/// Cycles that a message takes alone on the mesh.
uint64_t Engine::transferCycles(uint32_t from, uint32_t to, uint64_t bytes) {
  uint64_t cycles = m.interfaceCycles + m.hopCycles - 1;
  bool crosses = false;
  routes.walk(from, to, [&](uint32_t cluster, uint32_t direction) {
    bool die = mesh.crossesDies(cluster, direction);
    crosses |= die;
    cycles += die ? m.dieHopCycles : m.hopCycles;
  });
  uint64_t length = ceilDiv(bytes, m.linkBytesPerCycle);
  return cycles +
         (crosses ? std::max(length, ceilDiv(bytes, m.dieLinkBytesPerCycle))
                  : length);
}

/// Energy: bytes over links, within dies and between them.
void Engine::countHops(const Message &message) {
  uint64_t dies, links;
  if (routes.whole()) {
    auto apart = [](uint32_t a, uint32_t b) { return a > b ? a - b : b - a; };
    uint32_t ax = m.xOf(message.from), ay = m.yOf(message.from);
    uint32_t bx = m.xOf(message.to), by = m.yOf(message.to);
    links = apart(ax, bx) + apart(ay, by);
    dies = m.dieWidth >= m.width && m.dieHeight >= m.height
               ? 0
               : apart(ax / m.dieWidth, bx / m.dieWidth) +
                     apart(ay / m.dieHeight, by / m.dieHeight);
  } else {
    links = dies = 0;
    routes.walk(message.from, message.to,
                [&](uint32_t cluster, uint32_t direction) {
                  ++links;
                  dies += mesh.crossesDies(cluster, direction);
                });
  }
  EnergyCounts &counts = energyCounts[message.from];
  counts.byteHops += message.bytes * (links - dies);
  counts.dieLinkByteHops += message.bytes * dies;
}

/// A message enters the mesh now.
void Engine::enterMesh(uint32_t id) {
  if (faults && !mayEnter(id))
    return;
  Message &message = messages[id];
  message.onMesh = true;
  countHops(message);
  auto inject = [&](auto &model) {
    model.inject(id, message.from, message.to, message.bytes, now());
    wakeMesh(model.nextTime());
  };
  if (linkNetwork)
    return inject(*linkNetwork);
  if (network)
    return inject(*network);
  if (flitNetwork->idle() && flitNetwork->now() < now())
    flitNetwork->skipTo(now());
  flitNetwork->inject(id, message.from, message.to,
                      mesh.flitsOf(message.bytes));
  wakeMesh(flitNetwork->now());
}

void Engine::wakeMesh(uint64_t at) {
  if (at >= meshAt)
    return;
  meshAt = at;
  push(at, EventClass::Transfer, NetworkEvent, 0, 0, 0);
}

/// Runs a model from its next event on, up to the first cycle in which messages
/// arrive, for at most `most` cycles with events, all before `limit`. Returns
/// how many these were; `at` becomes the last one.
template <class Model>
static uint64_t runModel(Model &model, uint64_t limit, uint64_t most,
                         uint64_t &at,
                         std::vector<NetworkDelivery> &delivered) {
  uint64_t cycles = 0;
  do {
    at = model.nextTime();
    model.run(at, delivered);
  } while (++cycles < most && delivered.empty() && model.nextTime() < limit);
  return cycles;
}

void Engine::moveMesh() {
  if (now() != meshAt)
    return; // an earlier one came in between
  const StopRules &stop = options.scenario.stop;
  --events; // this one is counted below
  for (;;) {
    meshAt = never;
    delivered.clear();
    // Where nothing else happens the mesh moves on without events in the wheel;
    // each of its cycles counts as one.
    uint64_t limit = wheel.nextTime();
    if (stop.maxCycles)
      limit = std::min(limit - 1, stop.maxCycles) + 1;
    uint64_t most = stop.maxEvents ? stop.maxEvents - events : never;
    uint64_t at = now();
    if (linkNetwork) {
      events += runModel(*linkNetwork, limit, most, at, delivered);
    } else if (network) {
      events += runModel(*network, limit, most, at, delivered);
    } else {
      flitNetwork->step(delivered);
      ++events;
    }
    if (at > now())
      wheel.skipTo(at);
    if (nextSample <= now()) [[unlikely]]
      traceSample();
    // What arrives may send at once.
    for (size_t i = 0; i < delivered.size(); ++i)
      leaveMesh(delivered[i].message);
    drain();
    uint64_t next = never;
    if (linkNetwork)
      next = linkNetwork->nextTime();
    else if (network)
      next = network->nextTime();
    else if (!flitNetwork->idle())
      next = flitNetwork->now();
    if (next == never)
      return;
    bool stops = isOver() || (stop.maxCycles && next > stop.maxCycles) ||
                 (stop.maxEvents && events >= stop.maxEvents);
    if (stops || next >= meshAt || !wheel.skipTo(next)) {
      wakeMesh(next);
      return;
    }
  }
}

void Engine::leaveMesh(uint32_t id) {
  const Message &message = messages[id];
  traffic[message.from].sent += message.bytes;
  traffic[message.to].received += message.bytes;
  if (trace)
    traceTransfer(message);
  if (message.kind != MessageKind::Input) {
    if (!faults || mayDeliver(id))
      arrived(id);
    return;
  }
  uint32_t target = message.target, value = message.value, aux = message.aux;
  bool current = instances.current(target, message.targetGeneration);
  because(message.cause);
  blame.release(message.cause);
  messages.release(id);
  if (current) {
    uint64_t at = now();
    if (value != noIndex) {
      bringHome(target, aux, value, 2, at);
      if (aux < 32 && (instances[target].away >> aux & 1))
        at = readThroughPort(instances[target].tbu, values[value].bytes, at);
    }
    inputDone(target, at, value);
  } else if (faults)
    ++faults->numbers.duplicatesDropped;
  if (value != noIndex)
    release(value);
}

/// Cycles that links between routers were taken and that messages waited for
/// them.
void Engine::networkResult(NetworkUse &use) const {
  const std::vector<uint64_t> &busy = linkNetwork ? linkNetwork->busyCycles()
                                      : network   ? network->busyCycles()
                                                  : flitNetwork->busyCycles();
  const std::vector<uint64_t> &waited = linkNetwork
                                            ? linkNetwork->waitedCycles()
                                        : network ? network->waitedCycles()
                                                  : flitNetwork->waitedCycles();
  use.model = options.network;
  use.linkBusyCycles.assign(size_t(m.clusters) * 4, 0);
  use.linkWaitedCycles.assign(size_t(m.clusters) * 4, 0);
  for (uint32_t cluster = 0; cluster < m.clusters; ++cluster)
    for (uint32_t port = 0; port < NetworkShape::ports; ++port) {
      uint64_t taken = busy[cluster * NetworkShape::ports + port];
      uint64_t waits = waited[cluster * NetworkShape::ports + port];
      if (faults && !faults->pastBusy.empty()) {
        taken += faults->pastBusy[cluster * NetworkShape::ports + port];
        waits += faults->pastWaited[cluster * NetworkShape::ports + port];
      }
      use.waitedCycles += waits;
      if (port == NetworkShape::localPort || m.linkDead[cluster * 4 + port])
        continue;
      ++use.liveLinks;
      use.busyCycles += taken;
      use.linkBusyCycles[cluster * 4 + port] = taken;
      use.linkWaitedCycles[cluster * 4 + port] = waits;
    }
}

//===----------------------------------------------------------------------===//
// Messages
//===----------------------------------------------------------------------===//

uint32_t Engine::newMessage(MessageKind kind, uint32_t target,
                            uint32_t targetGeneration, uint32_t aux,
                            uint32_t value, uint32_t request, uint32_t from,
                            uint32_t to, uint64_t bytes) {
  uint32_t id = messages.allocate();
  Message &message = messages[id];
  message.kind = kind;
  message.target = target;
  message.targetGeneration = targetGeneration;
  message.aux = aux;
  message.value = value;
  message.request = request == noIndex ? never : requests[request].number;
  message.from = from;
  message.to = to;
  message.bytes = bytes;
  message.cause = request == noIndex ? noIndex : cause;
  blame.retain(message.cause);
  message.onMesh = false;
  ++counters.transfers;
  counters.transferBytes += bytes;
  return id;
}

/// Enters the mesh at cycle `at`.
void Engine::send(uint32_t id, uint64_t at) {
  Message &message = messages[id];
  message.start = std::max(at, now());
  if (at <= now())
    enterMesh(id);
  else
    push(at, EventClass::Transfer, SendEvent, message.from * 4, id, 0);
}

void Engine::arrived(uint32_t id) {
  Message message = messages[id];
  messages.release(id);
  because(message.cause);
  blame.release(message.cause);
  switch (message.kind) {
  case MessageKind::Weight:
    weightArrived(message.target, message.aux, now());
    return;
  case MessageKind::Spill:
    --spillsUnderWay;
    return;
  case MessageKind::Arguments:
    startBody(message.target);
    return;
  case MessageKind::Chunk:
    chunkArrived(message.target, message.targetGeneration, message.aux);
    return;
  default:
    deliverMessage(message.kind, message.target, message.targetGeneration,
                   message.aux, message.value, now());
    return;
  }
}

/// A value has reached a control block or the host; takes over a reference.
void Engine::deliverMessage(MessageKind kind, uint32_t target,
                            uint32_t targetGeneration, uint32_t aux,
                            uint32_t value, uint64_t) {
  if (kind == MessageKind::Result) {
    if (requests.current(target, targetGeneration)) {
      // Out through the host port, one after the other.
      uint64_t bytes = values[value].bytes;
      uint64_t start = std::max(now(), hostOutFree);
      hostOutFree = start + ceilDiv(bytes, m.hostOutBytesPerCycle);
      counters.hostOutBytes += bytes;
      hostOutTotal += bytes;
      if (hostCut)
        hostCut->use(target, values[value].flow, HostCut::host);
      if (cause != noIndex)
        blame.assign(requests[target].cause, cause);
      requests[target].causeAt = now();
      push(hostOutFree + m.hostLatency, EventClass::Transfer, ResultEvent, aux,
           target, targetGeneration);
    }
    release(value);
    return;
  }
  if (kind == MessageKind::Remake) {
    release(value);
    if (faults->lineages.current(target, targetGeneration))
      remakeArrived(target);
    return;
  }
  if (!controls.current(target, targetGeneration)) {
    release(value);
    return;
  }
  if (kind == MessageKind::Decide)
    decideArrived(target, aux, value);
  else
    joinArrived(target, aux, value);
}

/// Sends a value to the CBU of a cluster or to the host port.
void Engine::sendValue(MessageKind kind, uint32_t target,
                       uint32_t targetGeneration, uint32_t aux, uint32_t id,
                       uint32_t to, uint64_t at) {
  Value &value = values[id];
  if (value.lost) {
    awaitValue(kind, target, targetGeneration, aux, id, at);
    return;
  }
  retain(id);
  uint64_t arrival = at;
  uint32_t from = value.cluster;
  if (value.token || !value.bytes) {
    arrival += tokenDelay(from, to);
  } else {
    at = std::max(at, value.readyAt);
    if (value.hbm != noIndex)
      at = hbmService(value.hbm, value.bytes, at);
    if (from != to) {
      send(newMessage(kind, target, targetGeneration, aux, id, value.request,
                      from, to, value.bytes),
           at);
      return;
    }
    arrival = at + ceilDiv(value.bytes, m.scratchpadBytesPerCycle);
    energyCounts[to].localBytes += value.bytes;
  }
  if (arrival <= now()) {
    deliverMessage(kind, target, targetGeneration, aux, id, now());
    return;
  }
  uint32_t message = messages.allocate();
  Message &local = messages[message];
  local.kind = kind;
  local.target = target;
  local.targetGeneration = targetGeneration;
  local.aux = aux;
  local.value = id;
  local.cause = cause;
  blame.retain(cause);
  local.to = local.from = to;
  local.onMesh = false;
  push(arrival, EventClass::Transfer, MessageEvent, to * 4, message, 0);
}

/// Cycles of a token's way; counts it.
uint64_t Engine::tokenDelay(uint32_t from, uint32_t to) {
  uint32_t hops = m.distance(from, to);
  ++counters.tokens;
  energyCounts[from].tokenHops += hops;
  return uint64_t(hops) * m.tokenHopCycles;
}

/// A port serves bursts first come, first served; returns when the last byte
/// has left it.
uint64_t Engine::hbmService(uint32_t port, uint64_t bytes, uint64_t at) {
  uint64_t start = std::max(at, hbmFree[port]);
  uint64_t length = ceilDiv(bytes, m.hbm[port].bytesPerCycle);
  hbmFree[port] = start + length;
  energyCounts[m.hbm[port].cluster].hbmBytes += bytes;
  return start + length + m.hbm[port].latency;
}

//===----------------------------------------------------------------------===//
// Scratchpads
//===----------------------------------------------------------------------===//

void Engine::park(uint32_t cluster, uint64_t bytes) {
  uint64_t &used = clusters[cluster].used;
  used += bytes;
  if (m.scratchpad && used > m.scratchpad)
    makeRoom(cluster);
  counters.peakScratchpadBytes = std::max(counters.peakScratchpadBytes, used);
}

void Engine::unpark(uint32_t cluster, uint64_t bytes) {
  clusters[cluster].used -= bytes;
  if (cluster == m.hostCluster && !waitingRequests.empty())
    tryAdmit();
}

/// Brings a scratchpad back to its size: weights that nobody uses go first,
/// least recently used; then the values of the youngest request that were used
/// least recently are spilled.
void Engine::makeRoom(uint32_t id) {
  ClusterState &cluster = clusters[id];
  while (cluster.used > m.scratchpad) {
    ResidentWeight *victim = nullptr;
    for (ResidentWeight &weight : cluster.weights)
      if (!weight.uses && weight.readyAt != never &&
          (!victim || weight.lastUse < victim->lastUse))
        victim = &weight;
    if (victim) {
      cluster.used -= t.weights[victim->weight].bytes;
      cluster.weights.erase(cluster.weights.begin() +
                            (victim - cluster.weights.data()));
      ++counters.weightEvictions;
      continue;
    }
    if (m.nearestHbm[id] == noIndex)
      return;
    if (!cluster.spilling) {
      cluster.spilling = true;
      for (uint32_t v = 0; v < values.size(); ++v) {
        const Value &value = values[v];
        if ((value.generation & 1) && value.cluster == id && value.bytes &&
            value.hbm == noIndex && value.age != never && !value.lost)
          cluster.parked.emplace(value.age, value.sequence, v);
      }
    }
    // What an instance is about to use where it lies stays. The look is short:
    // such values are few, or there is nothing to gain.
    uint32_t found = noIndex, looked = 0;
    for (const auto &[age, sequence, value] : cluster.parked) {
      if (!values[value].pins) {
        found = value;
        break;
      }
      if (++looked == 64)
        break;
    }
    if (found == noIndex)
      return;
    spill(found);
  }
}

void Engine::spill(uint32_t id) {
  Value &value = values[id];
  uint32_t from = value.cluster;
  ClusterState &cluster = clusters[from];
  cluster.parked.erase({value.age, value.sequence, id});
  cluster.used -= value.bytes;
  cluster.spilled += value.bytes;
  if (value.copy != noIndex) {
    // Values are written once: memory still has it.
    value.hbm = value.copy;
    value.cluster = m.hbm[value.hbm].cluster;
    return;
  }
  uint32_t port = m.nearestHbm[from], to = m.hbm[port].cluster;
  ++counters.spills;
  counters.spillBytes += value.bytes;
  uint64_t arrival = now();
  if (from != to) {
    uint32_t message =
        newMessage(MessageKind::Spill, id, value.generation, 0, noIndex,
                   value.request, from, to, value.bytes);
    arrival += transferCycles(from, to, value.bytes);
    ++spillsUnderWay;
    send(message, now());
  }
  value.readyAt = hbmService(port, value.bytes, arrival);
  value.cluster = to;
  value.hbm = port;
}

/// The value has been used now.
void Engine::touch(uint32_t id) {
  Value &value = values[id];
  std::set<std::tuple<uint64_t, uint64_t, uint32_t>> &parked =
      clusters[value.cluster].parked;
  auto entry = parked.extract({value.age, value.sequence, id});
  value.sequence = valueSequence++;
  if (entry.empty())
    return;
  entry.value() = {value.age, value.sequence, id};
  parked.insert(std::move(entry));
}

/// An input comes from memory at cycle `at`. If others than the instance and
/// its message (`others` in all) may want the value it stays in the cluster,
/// and need not be read again; else it is a copy of the instance's own.
void Engine::bringHome(uint32_t id, uint32_t input, uint32_t valueId,
                       uint32_t others, uint64_t at) {
  Value &value = values[valueId];
  Instance &instance = instances[id];
  if (value.hbm == noIndex || value.lost || value.age == never ||
      value.refs <= others)
    return;
  uint32_t cluster = clusterOf(instance.tbu);
  value.copy = value.hbm;
  value.hbm = noIndex;
  value.cluster = cluster;
  value.tbu = noIndex;
  value.readyAt = at;
  instance.parkedBytes -= value.bytes;
  if (clusters[cluster].spilling)
    clusters[cluster].parked.emplace(value.age, value.sequence, valueId);
  if (instance.state == InstanceState::Gathering && instance.pending > 1 &&
      input < 32)
    instance.lent |= 1u << input;
  else
    pinInput(instance, taskWords(instance)[input]);
}

//===----------------------------------------------------------------------===//
// Code and weights
//===----------------------------------------------------------------------===//

/// Loading goes through a configuration network of its own, at the bandwidth of
/// the TBU's configuration port; only latency depends on the distance.
uint64_t Engine::codeLoadCycles(uint32_t cluster, uint32_t kernel) const {
  uint64_t bytes = t.kernels[kernel].codeBytes;
  if (!bytes)
    return 0;
  uint64_t latency = m.hostLatency;
  uint32_t from = m.hostCluster;
  if (m.nearestHbm[cluster] != noIndex) {
    const HbmInfo &port = m.hbm[m.nearestHbm[cluster]];
    latency = port.latency;
    from = port.cluster;
  }
  return latency + uint64_t(m.distance(from, cluster)) * m.hopCycles +
         ceilDiv(bytes, m.configBytesPerCycle);
}

bool Engine::isResident(uint32_t tbu, uint32_t kernel) const {
  if (!t.kernels[kernel].codeBytes)
    return true;
  for (const ResidentCode &code : tbus[tbu].code)
    if (code.kernel == kernel)
      return true;
  return false;
}

/// The code that is replaced first, or first after `previous`: what nobody
/// uses, least recently used first.
const ResidentCode *Engine::leastRecent(const TbuState &tbu,
                                        const ResidentCode *previous) {
  auto order = [](const ResidentCode &code) {
    return std::pair(code.lastUse, code.kernel);
  };
  const ResidentCode *best = nullptr;
  for (const ResidentCode &code : tbu.code)
    if (!code.uses && (!previous || order(code) > order(*previous)) &&
        (!best || order(code) < order(*best)))
      best = &code;
  return best;
}

uint64_t Engine::codeDelay(uint32_t id, uint32_t kernel) const {
  const TbuState &tbu = tbus[id];
  if (!t.kernels[kernel].codeBytes)
    return 0;
  for (const ResidentCode &code : tbu.code)
    if (code.kernel == kernel)
      return code.readyAt > now() ? code.readyAt - now() : 0;
  return (tbu.configPortFree > now() ? tbu.configPortFree - now() : 0) +
         codeLoadCycles(clusterOf(id), kernel);
}

uint64_t Engine::codeLoss(uint32_t id, uint32_t kernel) const {
  const TbuState &tbu = tbus[id];
  uint64_t bytes = t.kernels[kernel].codeBytes, held = tbu.codeBytes, loss = 0;
  if (!m.configStore || isResident(id, kernel))
    return 0;
  const ResidentCode *victim = nullptr;
  while (held + bytes > m.configStore) {
    victim = leastRecent(tbu, victim);
    if (!victim)
      return never;
    held -= victim->bytes;
    uint64_t load = codeLoadCycles(clusterOf(id), victim->kernel);
    uint64_t unused = now() - std::min(victim->lastUse, now());
    loss += load - std::min(load, unused);
  }
  return loss;
}

/// Makes a kernel's code resident and counts one use of it. Returns when it can
/// run; `begin` is when its load began, or `at`.
uint64_t Engine::loadCode(uint32_t id, uint32_t kernel, uint64_t at,
                          uint64_t &begin, uint32_t block) {
  begin = at;
  uint64_t bytes = t.kernels[kernel].codeBytes;
  if (!bytes)
    return at;
  TbuState &tbu = tbus[id];
  for (ResidentCode &code : tbu.code)
    if (code.kernel == kernel) {
      ++code.uses;
      code.lastUse = at;
      // Often used code first: the search is short.
      if (&code != tbu.code.data()) {
        std::swap(code, tbu.code.front());
        return std::max(at, tbu.code.front().readyAt);
      }
      return std::max(at, code.readyAt);
    }
  while (m.configStore && tbu.codeBytes + bytes > m.configStore) {
    const ResidentCode *victim = leastRecent(tbu, nullptr);
    if (!victim)
      break;
    tbu.codeBytes -= victim->bytes;
    tbu.code.erase(tbu.code.begin() + (victim - tbu.code.data()));
  }
  uint64_t cycles = codeLoadCycles(clusterOf(id), kernel);
  begin = std::max(at, tbu.configPortFree);
  tbu.configPortFree = begin + cycles;
  tbu.codeBytes += bytes;
  tbu.code.insert(tbu.code.begin(), {kernel, 1, bytes, begin + cycles, at});
  ++counters.configLoads;
  energyCounts[clusterOf(id)].configBytes += bytes;
  if (block != noIndex)
    ++totals[block].configLoads;
  return begin + cycles;
}

/// The entry of a weight in a cluster; if it is not there its load begins.
ResidentWeight &Engine::weightAt(uint32_t id, uint32_t weight, uint64_t at) {
  ClusterState &cluster = clusters[id];
  auto place = std::lower_bound(
      cluster.weights.begin(), cluster.weights.end(), weight,
      [](const ResidentWeight &a, uint32_t b) { return a.weight < b; });
  if (place != cluster.weights.end() && place->weight == weight)
    return *place;
  uint64_t bytes = t.weights[weight].bytes;
  ResidentWeight entry;
  entry.weight = weight;
  entry.uses = 0;
  entry.readyAt = never;
  entry.lastUse = at;
  cluster.weights.insert(place, std::move(entry));
  ++counters.weightLoads;
  counters.weightBytes += bytes;
  fetchWeight(id, weight, at);
  park(id, bytes);
  place = std::lower_bound(
      cluster.weights.begin(), cluster.weights.end(), weight,
      [](const ResidentWeight &a, uint32_t b) { return a.weight < b; });
  return *place;
}

/// A weight leaves its memory port, or the host port of a machine without one,
/// for a cluster.
void Engine::fetchWeight(uint32_t id, uint32_t weight, uint64_t at) {
  uint64_t bytes = t.weights[weight].bytes;
  uint32_t port = m.nearestHbm[id], from = m.hostCluster;
  uint64_t ready;
  if (port != noIndex) {
    from = m.hbm[port].cluster;
    ready = hbmService(port, bytes, at);
  } else {
    uint64_t start = std::max(at, hostInFree);
    hostInFree = start + ceilDiv(bytes, m.hostInBytesPerCycle);
    counters.hostInBytes += bytes;
    ready = hostInFree + m.hostLatency;
  }
  if (from == id)
    push(std::max(ready, now()), EventClass::Transfer, WeightEvent, id, weight,
         port);
  else
    send(newMessage(MessageKind::Weight, id, port, weight, noIndex, noIndex,
                    from, id, bytes),
         ready);
}

void Engine::weightArrived(uint32_t id, uint32_t weight, uint64_t at) {
  ClusterState &cluster = clusters[id];
  auto place = std::lower_bound(
      cluster.weights.begin(), cluster.weights.end(), weight,
      [](const ResidentWeight &a, uint32_t b) { return a.weight < b; });
  if (place == cluster.weights.end() || place->weight != weight)
    return;
  place->readyAt = at;
  std::vector<std::pair<uint32_t, uint32_t>> waiters =
      std::move(place->waiters);
  place->waiters.clear();
  for (auto [instance, generation] : waiters)
    if (instances.current(instance, generation)) {
      Instance &waiting = instances[instance];
      if (at > waiting.inputsAt) {
        waiting.inputsAt = at;
        waiting.weightLast = true;
      }
      if (--waiting.pending == 0)
        maybeCompute(instance);
    }
}
