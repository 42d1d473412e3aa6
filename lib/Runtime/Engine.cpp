//===- Engine.cpp - Requests, frames and the event loop -------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include "octo/Program/Distribution.h"
#include "octo/Program/Philox.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstring>
#include <numeric>
#include <sys/resource.h>

using namespace octo;

/// Stands for the block in draws that belong to no block.
static constexpr uint32_t arrivalStream = 0xffffffffu;
static constexpr uint32_t argumentStream = 0xfffffffeu;

Engine::Engine(const ProgramTables &tables, const SimulationOptions &options,
               KernelExecutor *executor, TraceSink *trace,
               const ProgressCallback &progress)
    : ownTables(tables.machine.faults.empty() && options.scenario.faults.empty()
                    ? nullptr
                    : std::make_unique<ProgramTables>(tables)),
      t(ownTables ? *ownTables : tables), costs(*tables.source), m(t.machine),
      options(options), executor(executor), trace(trace), progress(progress) {}

//===----------------------------------------------------------------------===//
// The event loop
//===----------------------------------------------------------------------===//

[[gnu::always_inline]] inline void Engine::handle(const Event &event) {
  because(noIndex);
  switch (event.type) {
  case SendEvent:
    enterMesh(event.payload);
    break;
  case NetworkEvent:
    moveMesh();
    break;
  case ReadyEvent:
    if (instances.current(event.payload, event.version))
      makeReady(event.payload);
    break;
  case CompletionEvent:
    if (instances.current(event.payload, event.version) &&
        instances[event.payload].resizes == event.aux)
      complete(event.payload);
    break;
  case TickEvent:
    if (instances.current(event.payload, event.version) &&
        instances[event.payload].streams != noIndex &&
        streamTasks[instances[event.payload].streams].version == event.aux)
      tick(event.payload);
    break;
  case ChunkEvent:
    chunkArrived(event.payload, event.version, event.aux);
    break;
  case SpaceEvent:
    if (streams.current(event.payload, event.version))
      spaceFreed(event.payload);
    break;
  case BoundaryEvent:
    if (instances.current(event.payload, event.version))
      boundary(event.payload);
    break;
  case DispatchEvent: {
    TbuState &tbu = tbus[event.payload];
    if (event.aux) {
      if (tbu.wakeAt == now())
        tbu.wakeAt = never;
      policy->dispatch(*scheduler, event.payload, Trigger::SlotPassed);
    } else {
      tbu.dispatchPending = false;
      policy->dispatch(*scheduler, event.payload, Trigger::Released);
    }
    if (traits.clusterQueues)
      report(clusterOf(event.payload));
    break;
  }
  case CentralEvent:
    centralAt = never;
    policy->dispatch(*scheduler, noIndex, Trigger::Ready);
    break;
  case MessageEvent:
    if (!faults || mayDeliver(event.payload))
      arrived(event.payload);
    break;
  case StrikeEvent:
    strikeNext();
    break;
  case LimboEvent:
    endLimbo();
    break;
  case RestoreEvent:
    if (faults->lineages.current(event.payload, event.version))
      restore(event.payload, faults->lineages[event.payload].cluster, noIndex);
    break;
  case TokenEvent: {
    Token token = tokens[event.payload];
    tokens.release(event.payload);
    because(token.cause);
    blame.release(token.cause);
    if (!controls.current(token.target, token.targetGeneration)) {
      release(token.value);
      break;
    }
    if (token.kind == ControlInput)
      controlArrived(token.target, token.input, token.value);
    else if (frames.current(token.frame, token.frameGeneration))
      yieldArrived(token.target, token.frame, token.input, token.value);
    else
      release(token.value);
    break;
  }
  case DecisionEvent: {
    if (controls.current(event.payload, event.version)) {
      Control &control = controls[event.payload];
      uint64_t iteration = 0;
      if (t.blocks[control.block].kind == BlockKind::Loop) {
        // The next one begins when this one has decided.
        auto row = std::ranges::find_if(control.rows, [&](const LoopRow &row) {
          return row.active && !row.decided &&
                 row.iteration % 65536 == event.aux;
        });
        if (row == control.rows.end())
          break;
        iteration = row->iteration;
      }
      // Where parts die the decision may have been asked for again, elsewhere.
      if (faults && decideAt(control, iteration) != now())
        break;
      decide(event.payload, iteration);
    }
    break;
  }
  case JoinEvent:
    if (controls.current(event.payload, event.version) &&
        controls[event.payload].joinAt == now())
      finishJoin(event.payload);
    break;
  case ResultEvent: {
    if (!requests.current(event.payload, event.version))
      break;
    if (--requests[event.payload].resultsLeft == 0)
      finishRequest(event.payload);
    break;
  }
  case HostInEvent:
    if (requests.current(event.payload, event.version))
      pastHostPort(event.payload);
    break;
  case ArrivalEvent:
    arrive(event.payload);
    break;
  case SpaceBackEvent:
    entries[event.entity].bytes -=
        uint64_t(event.version) << 32 | event.payload;
    tryAdmit();
    break;
  case WeightEvent:
    if (event.version < m.hbm.size() && m.hbm[event.version].dead)
      fetchWeight(event.entity, event.payload, now());
    else
      weightArrived(event.entity, event.payload, now());
    break;
  case EpochEvent: {
    for (uint32_t c = 0; c < m.clusters; ++c)
      showStatus(c);
    policy->epoch(*scheduler);
    // After two epochs with nothing between them the next ones see the same
    // again: a long quiet time is passed in one step.
    uint64_t period = event.payload, next = now() + period;
    quietEpochs = lastActivity < lastEpoch ? quietEpochs + 1 : 0;
    lastEpoch = now();
    if (quietEpochs >= 2 && !wheel.empty() && wheel.nextTime() > next)
      next += ceilDiv(wheel.nextTime() - next, period) * period;
    if (openRequests || finishedRequests < totalRequests)
      push(next, EventClass::Epoch, EpochEvent, 0, event.payload, 0);
    break;
  }
  }
  drain();
}

/// Cycles between epochs.
uint64_t Engine::epochPeriod() const {
  uint64_t period = 0;
  for (const WorkflowInfo &wf : t.workflows)
    period = std::max(period, wf.epochCycles);
  return std::min<uint64_t>(period ? period : 65536, 0x7fffffff);
}

/// Large programs lie in memory: what the next event needs is fetched while
/// this one is served. A wrong guess costs nothing but a line of cache.
void Engine::fetchAhead() {
  const Event *event = wheel.soon();
  if (!event)
    return;
  if (event->type == CompletionEvent || event->type == ReadyEvent) {
    const char *instance =
        reinterpret_cast<const char *>(&instances[event->payload]);
    for (size_t line = 0; line < sizeof(Instance); line += 64)
      __builtin_prefetch(instance + line);
    // Blocks of the first workflow are those that the entity numbers.
    const char *block =
        reinterpret_cast<const char *>(&t.blocks[event->entity]);
    __builtin_prefetch(block);
    __builtin_prefetch(block + sizeof(BlockInfo) - 1);
    if (event->type == CompletionEvent) {
      const char *total =
          reinterpret_cast<const char *>(&totals[event->entity]);
      __builtin_prefetch(total);
      __builtin_prefetch(total + 64);
      __builtin_prefetch(&learnedQ16[event->entity]);
    }
  } else if (event->type == DispatchEvent) {
    __builtin_prefetch(&tbus[event->payload]);
  }
}

/// The first events: epochs and arrivals.
void Engine::pushFirstEvents() {
  if (traits.epochs) {
    uint64_t period = epochPeriod();
    push(period, EventClass::Epoch, EpochEvent, 0,
         static_cast<uint32_t>(period), 0);
  }
  if (faults && !faults->events.empty())
    push(faults->events.front().cycle, EventClass::Fault, StrikeEvent, 0, 0, 0);
  for (uint32_t i = 0; i < tenants.size(); ++i) {
    TenantState &tenant = tenants[i];
    if (tenant.arrivals.kind == Arrivals::Kind::ClosedLoop) {
      uint64_t first = std::min(tenant.arrivals.inFlight, tenant.requests);
      for (uint64_t k = 0; k < first; ++k)
        push(0, EventClass::Arrival, ArrivalEvent, i, i, 0);
    } else {
      scheduleArrival(i);
    }
  }
}

/// When checkpoints are written; `never` where none is to come.
struct Engine::SaveTimes {
  const CheckpointOptions &options;
  uint64_t event = never, cycle = never;

  SaveTimes(const CheckpointOptions &options, uint64_t events, uint64_t now)
      : options(options) {
    planEvent(events);
    if (!options.file.empty() && options.atCycle > now)
      cycle = options.atCycle;
  }

  bool isDue(uint64_t events, uint64_t now) const {
    return events >= event || now >= cycle;
  }

  /// One is written now.
  void take(uint64_t events, uint64_t now) {
    if (now >= cycle)
      cycle = never;
    planEvent(events);
  }

private:
  void planEvent(uint64_t events) {
    event = never;
    if (options.file.empty())
      return;
    if (options.atEvent > events)
      event = options.atEvent;
    if (options.everyEvents)
      event = std::min(event, (events / options.everyEvents + 1) *
                                  options.everyEvents);
  }
};

Expected<void> Engine::save(HostStatistics &host) {
  ++host.checkpoints;
  host.checkpointEvents = events;
  host.checkpointCycle = now();
  return saveCheckpoint();
}

/// Whether the run may go on after it was told how far it is: after so many
/// events or so much time, as events that call kernels can take long.
bool Engine::tellProgress(Reported &last) {
  auto present = std::chrono::steady_clock::now();
  if (events < last.events + 65536 &&
      present - last.time <= std::chrono::milliseconds(250))
    return true;
  last = {events, present};
  return !progress ||
         progress({now(), events, finishedRequests, totalRequests});
}

/// Handles one event after the other; returns why no more are.
Expected<RunStatus> Engine::handleEvents(HostStatistics &host) {
  SaveTimes saves(options.checkpoint, events, now());
  const StopRules &stop = options.scenario.stop;
  const uint64_t lookEvery = functional ? 64 : 4096;
  uint64_t lookAt = events + lookEvery;
  Reported reported{events, std::chrono::steady_clock::now()};
  Event event;
  while (!isOver()) {
    if (saves.isDue(events, now())) {
      saves.take(events, now());
      if (Expected<void> saved = save(host); !saved)
        return octo::Error(saved.error());
    }
    if (stop.maxEvents && events >= stop.maxEvents)
      return RunStatus::EventLimit;
    if (stop.maxCycles && !wheel.empty() && wheel.nextTime() > stop.maxCycles)
      return RunStatus::CycleLimit;
    if (!wheel.pop(event))
      return RunStatus::Deadlock;
    ++events;
    if (nextSample <= now()) [[unlikely]]
      traceSample();
    fetchAhead();
    handle(event);
    if (event.type == EpochEvent) {
      // Epochs alone would go on for ever: with nothing but the next one
      // pending, nothing can happen any more.
      if (wheel.size() <= 1 && finishedRequests < totalRequests)
        return RunStatus::Deadlock;
    } else {
      lastActivity = now();
    }
    if (!fatal.empty())
      return makeError("{}", fatal);
    if (faults && !faults->numbers.lacking.empty())
      return RunStatus::MachineLost;
    if (events < lookAt)
      continue;
    lookAt = events + lookEvery;
    if (!tellProgress(reported))
      return RunStatus::Cancelled;
  }
  return RunStatus::Completed;
}

Expected<RunResult> Engine::run() {
  auto begin = std::chrono::steady_clock::now();
  if (auto begun = policy->begin(*scheduler); !begun)
    return octo::Error(begun.error());
  if (options.checkpoint.resume.empty())
    pushFirstEvents();
  else if (Expected<void> loaded = loadCheckpoint(); !loaded)
    return octo::Error(loaded.error());
  HostStatistics host;
  Expected<RunStatus> status = handleEvents(host);
  if (!status)
    return octo::Error(status.error());
  // What was computed is not lost where the run can go on.
  bool canGoOn = *status == RunStatus::EventLimit ||
                 *status == RunStatus::CycleLimit ||
                 *status == RunStatus::Cancelled;
  if (!options.checkpoint.file.empty() && canGoOn &&
      host.checkpointEvents != events)
    if (Expected<void> saved = save(host); !saved)
      return octo::Error(saved.error());
  uint64_t end = *status == RunStatus::CycleLimit
                     ? options.scenario.stop.maxCycles
                     : lastActivity;
  closeAccounts(end);
  RunResult outcome = result(*status, end);
  if (!fatal.empty())
    return makeError("{}", fatal);
  if (rusage usage; !getrusage(RUSAGE_SELF, &usage))
    host.peakMemoryBytes = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  host.wallSeconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  if (host.wallSeconds > 0) {
    host.eventsPerSecond = events / host.wallSeconds;
    host.taskInstancesPerSecond = counters.taskInstances / host.wallSeconds;
  }
  outcome.host = host;
  return outcome;
}

//===----------------------------------------------------------------------===//
// Requests
//===----------------------------------------------------------------------===//

bool Engine::profileDistribution(uint32_t profile, uint64_t request,
                                 uint32_t &distribution) const {
  if (profile == noIndex)
    return false;
  distribution = t.epochFor(profile, request)->distribution;
  return distribution != noIndex;
}

uint64_t Engine::draw(const OpenRequest &request, uint32_t block, uint64_t tag,
                      uint64_t number) const {
  return philox64(options.scenario.seed,
                  static_cast<uint32_t>(request.number) | uint64_t(block) << 32,
                  tag + number);
}

void Engine::scheduleArrival(uint32_t index) {
  TenantState &tenant = tenants[index];
  if (tenant.arrived >= tenant.requests)
    return;
  if (tenant.arrivals.kind == Arrivals::Kind::Trace) {
    tenant.nextArrival = tenant.arrivals.trace[tenant.arrived];
  } else {
    uint64_t bits = philox64(options.scenario.seed,
                             static_cast<uint32_t>(tenant.arrived) |
                                 uint64_t(arrivalStream) << 32,
                             index);
    tenant.nextArrival += std::max<int64_t>(gaps[index].sample(bits), 0);
  }
  push(tenant.nextArrival, EventClass::Arrival, ArrivalEvent, index, index, 0);
}

void Engine::arrive(uint32_t index) {
  TenantState &tenant = tenants[index];
  if (tenant.arrived >= tenant.requests)
    return;
  uint32_t id = requests.allocate();
  OpenRequest &request = requests[id];
  request.index = tenant.arrived++;
  request.number = tenant.base + request.index;
  request.tenant = index;
  request.order = arrivalOrder++;
  request.workflow = options.scenario.tenants[index].workflow;
  request.record = functional ? RequestRecords::noRecord
                              : t.workflows[request.workflow].records.pick(
                                    options.scenario.seed, index, request.index,
                                    options.recordsInOrder);
  request.firstFrame = noIndex;
  request.resultsLeft = t.workflows[request.workflow].numResults;
  request.holds = 0;
  request.failed = request.finished = request.admitted = false;
  request.cause = noIndex;
  request.causeAt = 0;
  request.path = {};
  request.capacityWork = 0;
  request.classWork = {};
  request.work = 0;
  request.argumentBytes = 0;
  request.entry = m.hostCluster;
  request.arguments.clear();
  request.results.clear();
  RequestRecord &record = records[request.number];
  record.arrival = now();
  record.tenant = index;
  ++openRequests;
  // Argument sizes decide on admission; contents are made when it is admitted.
  if (tenant.arrivals.kind != Arrivals::Kind::ClosedLoop)
    scheduleArrival(index);
  waitingRequests.push_back(id);
  tryAdmit();
}

/// One argument that the scenario does not give.
static Tensor drawnArgument(const TypeInfo &type, const ArgumentInput *input,
                            uint64_t seed, uint64_t request,
                            uint64_t argument) {
  std::vector<int64_t> dims = type.dims;
  unsigned next = 0;
  for (int64_t &dim : dims)
    if (dim < 0)
      dim = input->dynamicDims[next++];
  Tensor tensor = Tensor::allocate(type.element, dims, type.scalar);
  double low = input ? input->low : 0.0, high = input ? input->high : 1.0;
  int64_t count = tensor.numElements();
  for (int64_t e = 0; e < count; ++e) {
    uint64_t bits =
        philox64(seed, static_cast<uint64_t>(e), request << 16 | argument);
    double fraction = static_cast<double>(bits >> 11) * 0x1p-53;
    double value = low + fraction * (high - low);
    // Integers take both ends.
    bool integer = type.element <= ElementKind::Index;
    if (integer)
      value = std::trunc(low) +
              std::floor(fraction * (std::trunc(high) - std::trunc(low) + 1.0));
    setElement(tensor, e, value);
  }
  return tensor;
}

Expected<void> Engine::makeArguments(OpenRequest &request) {
  const WorkflowInfo &wf = t.workflows[request.workflow];
  const Tenant &tenant = options.scenario.tenants[request.tenant];
  uint32_t first = t.regions[wf.regionBegin].valueBegin;
  uint32_t id = noIndex;
  std::span<const uint64_t> seen = recorded(request, noIndex, 0);
  uint32_t varying = 0;
  uint64_t sizes = outcomeDetails.size();
  for (uint32_t a = 0; a < wf.numArguments; ++a) {
    const ValueInfo &info = t.values[first + a];
    uint64_t bytes = info.bytes;
    Tensor tensor;
    if (functional && elementBytes(t.elementOf(first + a))) {
      const ArgumentInput *input =
          tenant.inputs.empty() ? nullptr : &tenant.inputs[a];
      if (input && !input->items.empty())
        tensor = input->items[request.index % input->items.size()];
      else
        tensor = drawnArgument(t.types[info.type], input, options.scenario.seed,
                               request.index, a);
      bytes = tensor.bytes();
    } else if (sizeVaries(first + a) && varying < seen.size()) {
      bytes = seen[varying];
    } else if (uint32_t d = t.bytesDistribution(first + a); d != noIndex) {
      bytes = std::max<int64_t>(
          t.distributions.sample(d, draw(request, argumentStream, 0, a)), 0);
    }
    if (sizeVaries(first + a)) {
      ++varying;
      if (options.recordOutcomes)
        outcomeDetails.push_back(bytes);
    }
    id = newValue(bytes, {}, m.hostCluster, noIndex, noIndex,
                  t.elementOf(first + a) == ElementKind::Token);
    if (functional)
      tensors[id] = std::move(tensor);
    if (faults)
      madeBy(newLineage(MadeBy::Argument, noIndex, noIndex, m.hostCluster), id);
    request.arguments.push_back(id);
    request.argumentBytes += bytes;
  }
  if (options.recordOutcomes && varying)
    outcomes.push_back({request.number, 0, request.workflow, noIndex, 0, sizes,
                        outcomeDetails.size(), outcomeDetails.size()});
  return {};
}

/// What a lane costs before and for a request, by the tables of the compiler.
LaneRouter Engine::makeLaneRouter(const WorkflowInfo &workflow) const {
  uint32_t lanes = 1;
  uint64_t bytes = 0, peaCyclesQ16 = 0;
  std::set<uint32_t> kernels, weights;
  for (uint32_t b = workflow.blockBegin; b < workflow.blockEnd; ++b) {
    const BlockInfo &block = t.blocks[b];
    if (block.kind != BlockKind::Task)
      continue;
    lanes = std::max(lanes, block.numActive);
    peaCyclesQ16 += block.expectedCycles * t.expectedCountQ16(b);
    if (kernels.insert(block.kernel).second)
      bytes += t.kernels[block.kernel].codeBytes;
    for (uint32_t w = block.weightBegin; w < block.weightEnd; ++w)
      if (weights.insert(t.blockWeights[w]).second)
        bytes += t.weights[t.blockWeights[w]].bytes;
  }
  uint64_t width = 0, live = 0;
  // A lane's way from a port is one link wide.
  for (const HbmInfo &port : m.hbm)
    width += std::min(port.bytesPerCycle, m.linkBytesPerCycle);
  for (PeaMask peas : m.live)
    live += std::popcount(peas);
  return LaneRouter(lanes, width ? bytes / width : 0, peaCyclesQ16 >> 16, live,
                    uint64_t(m.tbusPerCluster) * m.peasPerTbu);
}

void Engine::startBody(uint32_t id) {
  OpenRequest &request = requests[id];
  const WorkflowInfo &wf = t.workflows[request.workflow];
  std::vector<uint32_t> arguments = std::move(request.arguments);
  request.arguments.clear();
  hostStep(id);
  uint32_t frame =
      openFrame(wf.regionBegin, noIndex, id, request.entry, 0, 0, 0, {});
  activateBlocks(frame);
  uint32_t first = t.regions[wf.regionBegin].valueBegin;
  for (uint32_t a = 0; a < arguments.size(); ++a) {
    deliver(frame, first + a, arguments[a]);
    settleFrame(frame);
  }
  settleFrame(frame);
}

/// A request is in time within so many of its longest chains (assumed).
static constexpr uint64_t sloChains = 5;

void Engine::finishRequest(uint32_t id) {
  OpenRequest &request = requests[id];
  if (request.finished)
    return;
  request.finished = true;
  RequestRecord &record = records[request.number];
  record.finished = now();
  record.workSoFar = std::accumulate(capacityByClass.begin(),
                                     capacityByClass.end(), uint64_t(0));
  record.failed = request.failed;
  requestPath[request.number] = request.path.cycles;
  if (tenants[request.tenant].arrivals.kind == Arrivals::Kind::ClosedLoop)
    chainExtra += request.path.extra;
  if (!request.failed)
    realisedWork += request.work;
  if (hostCut)
    hostCut->close(id, /*counts=*/!request.failed);
  ++finishedRequests;
  --openRequests;
  --admittedOpen;
  requestLeft(request);
  if (traits.warmLanes)
    laneRouters[request.workflow].leave(static_cast<uint32_t>(request.lane));
  TenantState &tenant = tenants[request.tenant];
  ++tenant.finished;
  if (!request.failed && request.order >= options.scenario.warmUpRequests) {
    uint64_t slo = options.scenario.sloCycles;
    requestsInTime +=
        now() - record.arrival <= (slo ? slo : sloChains * request.path.cycles);
    latency[0].add(now() - record.arrival);
    latency[1 + request.tenant].add(now() - record.arrival);
    steady.add(now() - record.arrival, now());
    blameRequest(request);
  } else {
    steady.skip(now());
  }
  if (trace)
    trace->request({request.number, request.tenant, record.arrival,
                    request.admitted ? record.admitted : now(), now(),
                    request.failed, false});
  if (functional && !request.failed)
    storeOutputs(request);
  if (tenant.arrivals.kind == Arrivals::Kind::ClosedLoop &&
      tenant.arrived < tenant.requests)
    push(now(), EventClass::Arrival, ArrivalEvent, request.tenant,
         request.tenant, 0);
  closeRequest(id);
  tryAdmit();
}

void Engine::closeRequest(uint32_t id) {
  OpenRequest &request = requests[id];
  if (!request.finished || request.firstFrame != noIndex || request.holds)
    return;
  requestWork[request.number] = request.capacityWork;
  if (!requestClassWork.empty())
    requestClassWork[request.number] = request.classWork;
  for (uint32_t value : request.arguments)
    release(value);
  request.arguments.clear();
  request.results.clear();
  blame.assign(request.cause, noIndex);
  requests.release(id);
}

/// Keeps why a request failed, up to as many as are reported.
void Engine::reportFailure(const OpenRequest &request, uint32_t block,
                           std::string reason) {
  if (failures.size() < options.maxFailureReports ||
      (!failures.empty() && failures.back().request > request.number)) {
    RequestFailure failure;
    failure.request = request.number;
    failure.workflow = request.workflow;
    failure.block = t.blocks[block].local;
    failure.cycle = now();
    failure.path = t.pathOf(block);
    failure.file = t.fileOf(block);
    failure.line = t.lineOf(block);
    failure.reason = std::move(reason);
    // In order of request.
    auto place = std::upper_bound(
        failures.begin(), failures.end(), failure.request,
        [](uint64_t a, const RequestFailure &b) { return a < b.request; });
    failures.insert(place, std::move(failure));
    if (failures.size() > options.maxFailureReports)
      failures.pop_back();
  }
}

void Engine::failRequest(uint32_t id, uint32_t block, std::string reason) {
  OpenRequest &request = requests[id];
  if (request.failed)
    return;
  // What fails when the results have left fails nothing, but it ends like the
  // rest: nothing could go on from here.
  if (!request.finished) {
    request.failed = true;
    reportFailure(request, block, std::move(reason));
  }
  if (faults)
    cancelReplays(id);
  // Everything of the request that waits goes; what computes is discarded when
  // it completes.
  while (request.firstFrame != noIndex) {
    uint32_t f = request.firstFrame;
    Frame &frame = frames[f];
    const RegionInfo &region = t.regions[frame.region];
    for (uint32_t b = region.blockBegin; b < region.blockEnd; ++b) {
      uint32_t word = frame.words[b - region.blockBegin];
      if (!word || word == overMark)
        continue;
      if (t.blocks[b].kind == BlockKind::Task)
        cancelInstance(word - 1);
      else
        freeControl(word - 1);
    }
    request.firstFrame = frame.next;
    if (frame.activations != noIndex)
      freeActivations.push_back(frame.activations);
    freeWords[frame.region].push_back(frame.words);
    blame.release(frame.cause);
    frames.release(f);
  }
  request.results.clear();
  if (faults)
    dropWaiters();
  if (requests[id].finished)
    closeRequest(id);
  else
    finishRequest(id);
}

//===----------------------------------------------------------------------===//
// Frames
//===----------------------------------------------------------------------===//

/// The caller holds one count of `outstanding` and gives it back with
/// settleFrame when the frame is set up.
uint32_t Engine::openFrame(uint32_t region, uint32_t owner, uint32_t request,
                           uint32_t home, uint32_t index, uint32_t copy,
                           uint64_t tag, const Chain &path) {
  const RegionInfo &info = t.regions[region];
  uint32_t id = frames.allocate();
  Frame &frame = frames[id];
  frame.region = region;
  frame.owner = owner;
  frame.request = request;
  frame.home = home;
  frame.index = index;
  frame.copy = copy;
  uint32_t numBlocks = info.blockEnd - info.blockBegin;
  frame.outstanding = numBlocks + info.numYields + info.numImports + 1;
  frame.tag = tag;
  frame.flowKey = flowKey(frame);
  frame.path = path;
  frame.activatedAt = now();
  frame.cause = cause;
  blame.retain(cause);
  frame.activations = noIndex;
  frame.sibling = frame.previousSibling = noIndex;
  size_t words = size_t(numBlocks) + info.numInputs;
  std::vector<uint32_t *> &free = freeWords[region];
  if (free.empty()) {
    wordStorage.emplace_back(
        std::make_unique_for_overwrite<uint32_t[]>(words + 1));
    frame.words = wordStorage.back().get();
  } else {
    frame.words = free.back();
    free.pop_back();
  }
  std::memset(frame.words, 0, words * sizeof(uint32_t));
  OpenRequest &owned = requests[request];
  frame.previous = noIndex;
  frame.next = owned.firstFrame;
  if (frame.next != noIndex)
    frames[frame.next].previous = id;
  owned.firstFrame = id;
  ++counters.frames;
  counters.peakFrames =
      std::max<uint64_t>(counters.peakFrames, frames.numLive());
  if (traits.segments && info.segmentBegin != info.segmentEnd)
    activateSegments(id);
  return id;
}

/// Creates what waits for no value.
void Engine::activateBlocks(uint32_t id) {
  const RegionInfo &region = t.regions[frames[id].region];
  uint32_t generation = frames[id].generation;
  because(frames[id].cause);
  for (uint32_t i = region.activeBegin; i < region.activeEnd; ++i) {
    uint32_t block = t.activeBlocks[i];
    if (t.blocks[block].kind == BlockKind::Task) {
      uint32_t instance = instanceFor(id, block, frames[id].home);
      allInputs(instance);
    } else {
      uint32_t control = controlFor(id, block);
      if (t.blocks[block].kind == BlockKind::Loop)
        beginIteration(control, 0);
      else if (!t.controlOf(t.blocks[block]).decideInputs)
        requestDecision(control, 0);
    }
    if (!frames.current(id, generation))
      return;
  }
  if (region.yieldsWeights)
    for (uint32_t y = 0; y < region.numYields; ++y) {
      uint32_t yield = t.yields[region.yieldBegin + y];
      if (!(yield & weightFlag))
        continue;
      uint32_t value = weightValue(yield & ~weightFlag, frames[id].request);
      yielded(id, y, value);
      release(value);
    }
}

void Engine::settleFrame(uint32_t id, uint32_t count) {
  Frame &frame = frames[id];
  frame.outstanding -= count;
  if (!frame.outstanding)
    freeFrame(id);
}

void Engine::freeFrame(uint32_t id) {
  Frame &frame = frames[id];
  uint32_t owner = frame.owner, request = frame.request;
  if (frame.previous != noIndex)
    frames[frame.previous].next = frame.next;
  else
    requests[request].firstFrame = frame.next;
  if (frame.next != noIndex)
    frames[frame.next].previous = frame.previous;
  if (frame.activations != noIndex)
    freeActivations.push_back(frame.activations);
  freeWords[frame.region].push_back(frame.words);
  blame.release(frame.cause);
  if (owner != noIndex)
    childFreed(owner, id);
  frames.release(id);
  if (owner == noIndex) {
    OpenRequest &open = requests[request];
    if (!open.finished && !open.resultsLeft)
      finishRequest(request);
    else
      closeRequest(request);
  }
}

/// A block of the frame is over: nothing of it can fire any more.
void Engine::blockOver(uint32_t id, uint32_t block) {
  Frame &frame = frames[id];
  frame.words[block - t.regions[frame.region].blockBegin] = overMark;
  settleFrame(id);
}

/// Puts a value into a slot; takes over the caller's reference. Consumers are
/// served when the present event has been handled, so that chains of frames
/// that only pass values on do not recurse.
void Engine::deliver(uint32_t frame, uint32_t slot, uint32_t value) {
  blame.retain(cause);
  deliveries.push_back({frame, frames[frame].generation, slot, value, cause});
}

void Engine::serveDeliveries() {
  for (;;) {
    // Who is served may want what has been lost, so there may be more at last.
    if (faults && !faults->wanted.empty())
      remakeWanted();
    if (deliveries.empty() && resumes.empty())
      return;
    if (!deliveries.empty()) {
      Delivery delivery = deliveries[firstDelivery++];
      if (firstDelivery == deliveries.size()) {
        deliveries.clear();
        firstDelivery = 0;
      }
      if (frames.current(delivery.frame, delivery.frameGeneration)) {
        // A value that was there before its frame came with the frame.
        because(blame.later(delivery.cause, frames[delivery.frame].cause));
        consume(delivery.frame, delivery.slot, delivery.value);
      }
      blame.release(delivery.cause);
      release(delivery.value);
      continue;
    }
    auto [control, generation] = resumes.back();
    resumes.pop_back();
    if (controls.current(control, generation)) {
      because(controls[control].cause);
      resume(control);
    }
  }
}

void Engine::consume(uint32_t id, uint32_t slot, uint32_t value) {
  uint32_t generation = frames[id].generation;
  // The frame must not go away below us; a failing consumer may take it.
  for (uint32_t i = t.values[slot].consumerBegin,
                e = t.values[slot + 1].consumerBegin;
       i < e; ++i) {
    const Consumer &consumer = t.consumers[i];
    if (consumer.block == noIndex)
      yielded(id, consumer.input, value);
    else if (t.blocks[consumer.block].kind == BlockKind::Task) {
      if (trace && !madeByTask[slot])
        traceHandOver(id, consumer);
      taskInput(id, consumer.block, consumer.input, value);
    } else
      controlInput(id, consumer.block, consumer.input, value);
    if (!frames.current(id, generation))
      return;
  }
}

/// A yield of the frame's region has its value.
void Engine::yielded(uint32_t id, uint32_t yield, uint32_t value) {
  Frame &frame = frames[id];
  if (frame.owner != noIndex) {
    controlYield(frame.owner, id, yield, value);
    return;
  }
  OpenRequest &request = requests[frame.request];
  request.path = std::max(request.path, values[value].path);
  if (functional) {
    if (request.results.size() <= yield)
      request.results.resize(t.workflows[request.workflow].numResults);
    request.results[yield] = tensors[value];
  }
  sendValue(MessageKind::Result, frame.request,
            requests[frame.request].generation, yield, value, m.hostCluster,
            now());
  settleFrame(id);
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// A new value with one reference. Its bytes are parked by the caller.
uint32_t Engine::newValue(uint64_t bytes, const Chain &path, uint32_t cluster,
                          uint32_t tbu, uint32_t request, bool token) {
  uint32_t id = values.allocate();
  Value &value = values[id];
  value.refs = 1;
  value.bytes = bytes;
  value.path = path;
  value.idleFrom = value.idleTo = 0;
  value.readyAt = 0;
  value.sequence = valueSequence++;
  value.cluster = cluster;
  value.tbu = tbu;
  value.request = request;
  value.hbm = value.copy = noIndex;
  value.pins = 0;
  value.token = token;
  value.idleDepth = 0;
  value.lost = false;
  value.hasEntry = false;
  value.flow = noIndex;
  value.age = request == noIndex ? never : ageOf(requests[request]);
  if (functional && tensors.size() <= id)
    tensors.resize(id + 1);
  if (clusters[cluster].spilling && bytes && request != noIndex)
    clusters[cluster].parked.emplace(value.age, value.sequence, id);
  return id;
}

/// Nobody needs the value any more.
void Engine::dispose(uint32_t id) {
  Value &value = values[id];
  if (value.hbm == noIndex && value.bytes && !value.lost) {
    ClusterState &cluster = clusters[value.cluster];
    if (cluster.spilling && value.age != never)
      cluster.parked.erase({value.age, value.sequence, id});
    unpark(value.cluster, value.bytes);
  }
  if (value.hasEntry)
    argumentGone(value);
  if (functional)
    tensors[id].reset();
  if (!faults || !keepRecord(id))
    values.release(id);
}
