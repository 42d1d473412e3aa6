//===- EngineTrace.cpp - What a run tells to who watches it ---------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the state and changes none of it. Nothing here but flowKey is called
// when nobody watches.
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include <algorithm>
#include <bit>

using namespace octo;

TraceSink::~TraceSink() = default;

std::string_view octo::stringifyWaitCause(WaitCause cause) {
  static constexpr std::string_view names[] = {
      "none", "queue", "decision", "configuration", "operands", "weights"};
  return names[static_cast<unsigned>(cause)];
}

std::string_view octo::stringifyTransferKind(TransferSpan::Kind kind) {
  static constexpr std::string_view names[] = {"operand", "decide",   "join",
                                               "result",  "weight",   "spill",
                                               "chunk",   "arguments"};
  return names[kind];
}

void Engine::prepareTrace() {
  madeByTask.assign(t.values.size(), false);
  taskBlocks.assign(t.blocks.size(), true);
  auto outputs = [&](uint32_t firstBlock, uint32_t lastBlock) {
    const BlockInfo &last = t.blocks[lastBlock];
    auto value = [&](uint32_t v) { return madeByTask.begin() + ptrdiff_t(v); };
    std::fill(value(t.blocks[firstBlock].outputBegin),
              value(last.outputBegin + last.numOutputs), true);
  };
  if (t.controls.empty()) {
    // A large graph: those of a region lie side by side.
    for (const RegionInfo &region : t.regions)
      if (region.blockBegin != region.blockEnd)
        outputs(region.blockBegin, region.blockEnd - 1);
  } else {
    for (uint32_t b = 0; b < t.blocks.size(); ++b)
      if (t.blocks[b].kind == BlockKind::Task)
        outputs(b, b);
      else
        taskBlocks[b] = false;
  }
  nextSample = 0;
}

/// The arrow to an input is named by its end: each input of an instance comes
/// once, and who sends it can tell where to.
uint64_t Engine::flowOf(uint64_t frameKey, uint32_t block, uint32_t input) {
  return splitmix64(frameKey ^ (uint64_t(block) << 32 | input)) | 1;
}

/// Of each frame when it opens, watched or not: a run that was not may go on
/// from a checkpoint and be watched.
uint64_t Engine::flowKey(const Frame &frame) const {
  return splitmix64(frame.tag ^ splitmix64(requests[frame.request].number));
}

/// The gang of an instance ends at `until`.
void Engine::traceGang(const Instance &instance, uint64_t until, GangEnd end) {
  const BlockInfo &block = t.blocks[instance.block];
  const OpenRequest &request = requests[instance.request];
  TaskSpan span;
  span.request = request.number;
  span.tenant = request.tenant;
  span.workflow = block.workflow;
  span.block = block.local;
  span.instance = tbus[instance.tbu].running[instance.queueAt];
  span.tbu = instance.tbu;
  span.peaMask = instance.peas;
  span.ready = instance.readyAt;
  span.dispatched = std::min(instance.dispatched, until);
  span.configBegin = std::clamp(instance.configBegin, span.dispatched, until);
  span.configured = std::clamp(instance.configured, span.configBegin, until);
  bool computing = instance.state == InstanceState::Computing;
  span.started =
      computing ? std::clamp(instance.started, span.configured, until) : until;
  span.finished = until;
  span.cause = waitCauseOf(instance);
  span.first = instance.resizes == 0;
  span.last = end != GangEnd::GoesOn;
  span.completed = end == GangEnd::Completed || end == GangEnd::GoesOn;
  span.lost = end == GangEnd::Lost;
  span.remade = instance.replay;
  if (!instance.orphan) {
    const Frame &frame = frames[instance.frame];
    span.tag = frame.tag;
    uint64_t key = frame.flowKey;
    auto roomFor = [](std::vector<uint64_t> &flows, size_t most) {
      if (flows.size() < most)
        flows.resize(most);
      return flows.data();
    };
    if (span.first) {
      const uint32_t *words = taskWords(instance);
      uint64_t *flows = roomFor(flowsIn, block.numInputs), *to = flows;
      for (uint32_t i = 0; i < block.numInputs; ++i)
        if (words[i] && !comesInChunks(instance.block, i))
          *to++ = flowOf(key, instance.block, i);
      span.flowsIn = {flows, to};
    }
    if (end == GangEnd::Completed && !instance.replay) {
      uint32_t c = t.values[block.outputBegin].consumerBegin,
               e = t.values[block.outputBegin + block.numOutputs].consumerBegin;
      uint64_t *flows = roomFor(flowsOut, e - c), *to = flows;
      for (; c < e; ++c) {
        const Consumer &consumer = t.consumers[c];
        // The blocks themselves are seldom in the cache yet.
        if (consumer.block != noIndex && taskBlocks[consumer.block] &&
            !comesInChunks(consumer.block, consumer.input))
          *to++ = flowOf(key, consumer.block, consumer.input);
      }
      span.flowsOut = {flows, to};
    }
  }
  trace->task(span);
}

/// The longest step from ready to the start of compute.
WaitCause Engine::waitCauseOf(const Instance &instance) const {
  if (isStalled(instance))
    return WaitCause::Operands;
  WaitCause cause = WaitCause::None;
  uint64_t longest = 0;
  auto step = [&](uint64_t from, uint64_t to, WaitCause name) {
    if (to > from && to - from > longest) {
      longest = to - from;
      cause = name;
    }
  };
  step(instance.readyAt, instance.dispatched, WaitCause::Queue);
  step(instance.dispatched, instance.configBegin, WaitCause::Decision);
  step(instance.configBegin, instance.configured, WaitCause::Configuration);
  uint64_t started =
      instance.state == InstanceState::Computing ? instance.started : now();
  step(instance.configured, started,
       instance.weightLast ? WaitCause::Weights : WaitCause::Operands);
  return cause;
}

void Engine::traceHold(HoldSpan::Kind kind, uint32_t block, uint32_t tbu,
                       PeaMask peas, uint64_t start, uint64_t finish) {
  trace->hold({kind, t.blocks[block].workflow, t.blocks[block].local, tbu, peas,
               start, finish});
}

/// PEAs that a death left over have waited from `since` on.
void Engine::traceBroken(uint32_t tbu, PeaMask peas, uint64_t since,
                         uint64_t until) {
  HoldSpan span;
  span.kind = HoldSpan::Broken;
  span.tbu = tbu;
  span.peaMask = peas;
  span.start = since;
  span.finish = until;
  trace->hold(span);
}

/// A message reaches its end now.
void Engine::traceTransfer(const Message &message) {
  TransferSpan span;
  static_assert(unsigned(TransferSpan::Arguments) ==
                unsigned(MessageKind::Arguments));
  static_assert(unsigned(TransferSpan::Decide) ==
                unsigned(MessageKind::Decide));
  span.kind = message.kind == MessageKind::Remake
                  ? TransferSpan::Join
                  : static_cast<TransferSpan::Kind>(message.kind);
  span.request = message.request;
  span.fromCluster = message.from;
  span.toCluster = message.to;
  span.bytes = message.bytes;
  span.start = message.start;
  span.finish = now();
  if (message.kind == MessageKind::Input && message.value != noIndex &&
      instances.current(message.target, message.targetGeneration) &&
      !instances[message.target].orphan) {
    const Instance &target = instances[message.target];
    span.flow = flowOf(frames[target.frame].flowKey, target.block, message.aux);
  }
  trace->transfer(span);
}

/// A value that no task of the region instance made comes to one of its tasks.
void Engine::traceHandOver(uint32_t frameId, const Consumer &consumer) {
  const Frame &frame = frames[frameId];
  HandOver event;
  event.request = requests[frame.request].number;
  event.at = now();
  event.host = frame.owner == noIndex;
  event.cluster = frame.home;
  event.flow = flowOf(frame.flowKey, consumer.block, consumer.input);
  trace->handOver(event);
}

void Engine::traceBlame(const BlameOfRequest &request) {
  BlameSpan span;
  span.request = request.request;
  span.tenant = request.tenant;
  span.arrival = request.arrival;
  span.latency = request.latency;
  span.cycles = request.cycles;
  // The block on which the most cycles were spent.
  uint64_t sum = 0;
  uint32_t block = noIndex;
  for (const BlameOfRequest::Entry &entry : request.entries) {
    if (entry.block == noIndex)
      continue;
    if (entry.block != block)
      sum = 0;
    block = entry.block;
    sum += entry.cycles;
    if (sum > span.blockCycles) {
      span.blockCycles = sum;
      span.workflow = t.blocks[block].workflow;
      span.block = t.blocks[block].local;
    }
  }
  trace->blame(span);
}

/// What the machine looked like at `nextSample`; nothing has happened since.
void Engine::traceSample() {
  uint64_t period = epochPeriod();
  MachineSample sample;
  sample.cycle = nextSample;
  scratchpadUse.clear();
  for (const ClusterState &cluster : clusters)
    scratchpadUse.push_back(cluster.used);
  sample.scratchpad = scratchpadUse;
  sample.openRequests = openRequests;
  for (const TbuState &tbu : tbus) {
    sample.ready += tbu.queued;
    for (uint32_t id : tbu.running) {
      const Instance &instance = instances[id];
      uint64_t peas = std::popcount(instance.peas);
      sample.heldPeas += peas;
      if (instance.state == InstanceState::Computing &&
          instance.started <= sample.cycle)
        sample.computingPeas += peas;
    }
  }
  if (traits.central)
    for (const ReadyQueue &queue : central)
      sample.ready += queue.size();
  NetworkUse use;
  networkResult(use);
  sample.elapsed = sample.cycle - lastSample;
  sample.links = use.liveLinks;
  sample.linkBusy = use.busyCycles - lastLinkBusy;
  lastSample = sample.cycle;
  lastLinkBusy = use.busyCycles;
  nextSample = (now() / period + 1) * period;
  trace->sample(sample);
}

/// What is still open when the run ends at `end`.
void Engine::traceEnd(uint64_t end) {
  for (uint32_t i = 0; i < requests.size(); ++i) {
    const OpenRequest &request = requests[i];
    if (!(request.generation & 1) || request.finished)
      continue;
    const RequestRecord &record = records[request.number];
    trace->request({request.number, request.tenant, record.arrival,
                    request.admitted ? record.admitted : end, end, false,
                    true});
  }
  if (faults)
    for (const FaultStatistics::Part &part : faults->numbers.parts) {
      if (part.already)
        continue;
      FaultSpan span;
      span.part = part.part;
      span.start = part.cycle;
      span.finish = std::min(part.cycle + part.recoveryCycles, end);
      span.instancesSetBack = part.instancesSetBack;
      span.valuesLost = part.valuesLost;
      span.lostPeaCycles = part.lostPeaCycles;
      trace->fault(span);
    }
  if (end > lastSample && lastSample != never) {
    nextSample = end;
    traceSample();
  }
}
