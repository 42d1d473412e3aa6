//===- EngineBlame.cpp - What the run waited for last ---------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The steps of Blame.h. `cause` is the step because of which things happen at
// present; values on their way carry it along. Nothing is decided by it.
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include <algorithm>

using namespace octo;

/// Cycles from a to b; 0 if b is earlier.
static uint64_t span(uint64_t a, uint64_t b) { return b > a ? b - a : 0; }

/// The arguments of a request are at the host port's cluster.
void Engine::hostStep(uint32_t id) {
  const RequestRecord &record = records[requests[id].number];
  BlamePart parts[] = {
      {BlameCause::Admission, record.admitted - record.arrival},
      {BlameCause::HostPort, now() - record.admitted}};
  uint32_t step = blame.add(noIndex, noIndex, now(), parts);
  because(step);
  blame.release(step);
}

/// What opens a region instance: a decision just made, or, later, a credit that
/// came back. Of an iteration: its latest carried value. The caller gives the
/// reference back.
uint32_t Engine::openingStep(uint32_t id, LoopRow *row) {
  const Control &control = controls[id];
  uint32_t step = row && row->cause != noIndex ? row->cause : control.cause;
  if (step == noIndex || blame.endOf(step) >= now()) {
    blame.retain(step);
    return step;
  }
  uint64_t came = blame.endOf(step);
  if (row && step == row->cause && !row->decided)
    came = std::max(came, row->causeAt);
  BlamePart parts[] = {{BlameCause::Token, came - blame.endOf(step)},
                       {BlameCause::Credits, now() - came}};
  return blame.add(step, control.block, now(), parts);
}

/// Remembers the latest of the values that an iteration starts with.
void Engine::carriedStep(LoopRow &row) {
  blame.assign(row.cause, cause);
  row.causeAt = now();
}

/// The latest step up to `step` that is over: a decision or join that a death
/// has cut short is made again in its own place.
uint32_t Engine::begunBy(uint32_t step) const {
  while (step != noIndex && blame.endOf(step) > now())
    step = blame[step].parent;
  return step;
}

/// The CBU will decide from `start` to `finish`; what it decides on came last
/// by `cause`.
void Engine::decisionStep(uint32_t id, uint64_t iteration, uint64_t start,
                          uint64_t finish) {
  Control &control = controls[id];
  const BlockInfo &block = t.blocks[control.block];
  bool loop = block.kind == BlockKind::Loop;
  uint32_t &holder = loop ? rowOf(control, iteration).cause : control.cause;
  uint32_t parent = begunBy(cause != noIndex ? cause : holder);
  if (parent == noIndex)
    return;
  BlamePart parts[] = {{BlameCause::Transfer, span(blame.endOf(parent), now())},
                       {BlameCause::CbuQueue, start - now()},
                       {BlameCause::Decision, finish - start}};
  uint32_t step = blame.add(parent, control.block, finish, parts);
  blame.assign(holder, step);
  blame.release(step);
}

void Engine::joinStep(uint32_t id, uint64_t start, uint64_t finish) {
  Control &control = controls[id];
  uint32_t parent = begunBy(blame.later(cause, control.cause));
  if (parent == noIndex)
    return;
  BlamePart parts[] = {{BlameCause::Transfer, span(blame.endOf(parent), now())},
                       {BlameCause::Queue, start - now()},
                       {BlameCause::Join, finish - start}};
  uint32_t step = blame.add(parent, control.block, finish, parts);
  blame.assign(control.cause, step);
  blame.release(step);
}

/// The parts of a compute step that are filled in as it goes on.
static constexpr unsigned resizePart = BlameStep::maxParts - 3;
static constexpr unsigned computePart = BlameStep::maxParts - 2;
static constexpr unsigned streamPart = BlameStep::maxParts - 1;

/// What an instance waited for from the end of its cause until it was ready.
BlameCause Engine::arrivalCause(const Instance &instance) const {
  const BlameStep &step = blame[instance.cause];
  if (step.numParts && step.cause(step.numParts - 1u) == BlameCause::Lost)
    return BlameCause::Lost;
  return instance.causeIsToken ? BlameCause::Token : BlameCause::Transfer;
}

/// A death has broken off what an instance did since it had PEAs; it begins
/// again.
void Engine::lostStep(Instance &instance) {
  if (instance.cause == noIndex)
    return;
  if (BlameStep &begun = blame[instance.cause]; begun.open) {
    begun.open = false;
    blame.setCycles(begun, resizePart, 0);
    blame.setCycles(begun, computePart, 0);
    if (begun.end > now())
      blame.assign(instance.cause, begun.parent);
  }
  uint32_t parent = instance.cause;
  uint64_t from = blame.endOf(parent);
  if (from >= now())
    return;
  uint64_t came = std::clamp(instance.readyAt, from, now());
  uint64_t held = std::clamp(instance.dispatched, came, now());
  BlamePart parts[] = {{arrivalCause(instance), came - from},
                       {BlameCause::Queue, held - came},
                       {BlameCause::Lost, now() - held}};
  instance.cause = blame.add(parent, instance.block, now(), parts);
  blame.release(parent);
}

/// The instance begins to compute; all its waiting is known.
void Engine::computeStep(Instance &instance) {
  if (instance.cause == noIndex)
    return;
  uint32_t parent = instance.cause;
  uint64_t came = std::max(instance.readyAt, blame.endOf(parent));
  BlamePart parts[] = {
      {arrivalCause(instance), came - blame.endOf(parent)},
      {BlameCause::Queue, span(came, instance.dispatched)},
      {BlameCause::Dispatch, span(instance.dispatched, instance.configBegin)},
      {BlameCause::Configuration,
       span(instance.configBegin, instance.configured)},
      {instance.weightLast ? BlameCause::Weights : BlameCause::Transfer,
       span(instance.configured, instance.started)},
      {BlameCause::Resize, 0},
      {BlameCause::Compute, 0},
      {BlameCause::Stream, 0}};
  instance.cause = blame.add(parent, instance.block, instance.started, parts);
  blame[instance.cause].open = true;
  blame.release(parent);
}

/// Ends a compute step now; what it did not work it waited for chunks.
static void endAt(Blame &blame, BlameStep &step, uint64_t at) {
  blame.setCycles(step, streamPart,
                  at - step.end - blame.cyclesOf(step, computePart) -
                      blame.cyclesOf(step, resizePart));
  step.end = at;
  step.open = false;
}

/// The instance has completed.
void Engine::endComputeStep(Instance &instance) {
  if (instance.cause == noIndex)
    return;
  workedStep(instance, now() - instance.started);
  endAt(blame, blame[instance.cause], now());
}

/// A computing instance has worked for so long, or is changed for so long.
void Engine::workedStep(Instance &instance, uint64_t cycles) {
  if (instance.cause != noIndex)
    blame.addCycles(blame[instance.cause], computePart, cycles);
}
void Engine::resizeStep(Instance &instance, uint64_t cycles) {
  if (instance.cause != noIndex)
    blame.addCycles(blame[instance.cause], resizePart, cycles);
}

/// The producer has made the first chunk, which its consumer may be waiting
/// for: a step like the one that goes on, up to now.
void Engine::firstChunkStep(const Instance &producer, Stream &stream) {
  if (producer.cause == noIndex)
    return;
  uint32_t id = blame.copy(producer.cause);
  BlameStep &step = blame[id];
  blame.addCycles(step, computePart, now() - producer.started);
  endAt(blame, step, now());
  blame.assign(stream.cause, id);
  blame.release(id);
}

/// A request has completed.
void Engine::blameRequest(const OpenRequest &request) {
  const RequestRecord &record = records[request.number];
  BlameOfRequest one;
  one.request = request.number;
  one.tenant = request.tenant;
  one.arrival = record.arrival;
  one.latency = now() - record.arrival;
  uint64_t end =
      request.cause == noIndex ? record.arrival : blame.endOf(request.cause);
  uint64_t port = std::max(request.causeAt, end);
  // Without results the last thing to come is a token.
  bool results = request.causeAt != 0;
  BlamePart tail[] = {{results ? BlameCause::Transfer : BlameCause::Token,
                       (results ? port : now()) - end},
                      {BlameCause::HostPort, results ? now() - port : 0}};
  if (!blame.account(one, request.cause, tail) && fatal.empty())
    fatal = fmt::format("internal error: what request {} waited for does not "
                        "add up to its latency of {} cycles; please report "
                        "this with the program and the scenario",
                        request.number, one.latency);
  if (trace)
    traceBlame(one);
}
