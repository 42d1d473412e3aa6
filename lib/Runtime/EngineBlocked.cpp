//===- EngineBlocked.cpp - Who waits on whom ------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For runs that do not finish: from a block that waits to what holds it up, and
// so on until something that waits for nothing in the program, or for a block
// that has been seen: a cycle. And the loops that are open, for runs that never
// end.
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include <algorithm>
#include <bit>
#include <span>
#include <tuple>

using namespace octo;

/// The block of a frame's region that makes a value; noIndex: an import.
uint32_t Engine::producerOf(uint32_t region, uint32_t value) const {
  const RegionInfo &info = t.regions[region];
  if (value < info.valueBegin + info.numImports)
    return noIndex;
  uint32_t low = info.blockBegin, high = info.blockEnd;
  while (low + 1 < high) {
    uint32_t middle = (low + high) / 2;
    (t.blocks[middle].outputBegin <= value ? low : high) = middle;
  }
  return low;
}

/// The first input of a block that is not there; noIndex: all are.
uint32_t Engine::missingInput(const BlockInFrame &at) const {
  const BlockInfo &block = t.blocks[at.block];
  const uint32_t *words = inputWords(frames[at.frame], block);
  for (uint32_t i = 0; i < block.numInputs; ++i)
    if (!words[i] && !(t.inputs[block.inputBegin + i] & weightFlag))
      return i;
  return noIndex;
}

/// Goes from a value of a frame's region to the block that makes it, out of the
/// region and back through iterations as imports lead. False if it is there, on
/// its way, or an argument.
bool Engine::findMaker(uint32_t value, BlockInFrame &at) const {
  for (;;) {
    const Frame &frame = frames[at.frame];
    const RegionInfo &region = t.regions[frame.region];
    if (value & weightFlag)
      return false;
    uint32_t producer = producerOf(frame.region, value);
    if (producer != noIndex) {
      at.block = producer;
      return frame.words[producer - region.blockBegin] != overMark;
    }
    if (frame.owner == noIndex)
      return false;
    uint32_t import = value - region.valueBegin;
    uint32_t source = t.imports[region.importBegin + import];
    const Control &owner = controls[frame.owner];
    const BlockInfo &block = t.blocks[owner.block];
    if (source == copyIndexMark)
      return false;
    bool forwarded = source & forwardedFlag;
    bool carried = !forwarded && importIsCarried(block, frame.region, import);
    if (forwarded || (carried && frame.index)) {
      // A yield of the first region of this iteration, or of the second one of
      // the iteration before.
      uint32_t iteration = forwarded ? frame.index : frame.index - 1;
      uint32_t wanted = forwarded ? beforeRegion(block) : afterRegion(block);
      uint32_t from = owner.firstChild;
      while (from != noIndex &&
             (frames[from].region != wanted || frames[from].index != iteration))
        from = frames[from].sibling;
      if (from == noIndex) // all of it is over
        return false;
      const RegionInfo &maker = t.regions[wanted];
      uint32_t yield = forwarded ? t.controlOf(block).decideInputs +
                                       (source & ~forwardedFlag)
                                 : source;
      at.frame = from;
      value = t.yields[maker.yieldBegin + yield];
      continue;
    }
    if (inputWords(frames[owner.frame], block)[source])
      return false;
    at.frame = owner.frame;
    value = t.inputs[block.inputBegin + source];
  }
}

/// The same for a task that stands still in a stream: for a chunk that its
/// producer has not sent, or for space that its consumer has not given.
bool Engine::waitsInStream(const Instance &instance, BlockInFrame &at,
                           std::string &what) const {
  const StreamTask &task = streamTasks[instance.streams];
  for (uint32_t s : task.in) {
    const Stream &stream = streams[s];
    uint32_t needed = task.tick / (StreamTask::ticks / stream.chunks);
    if (stream.arrived >> needed & 1 || needed < stream.sent ||
        !instances.current(stream.producer, stream.producerGeneration))
      continue;
    const Instance &producer = instances[stream.producer];
    what = fmt::format("chunk {} of {} of its stream", needed, stream.chunks);
    at = {producer.frame, producer.block};
    return true;
  }
  for (auto [s, generation] : task.out)
    if (streams.current(s, generation) &&
        streams[s].sent < streams[s].produced) {
      const Instance &consumer = instances[streams[s].consumer];
      what = "space in its stream";
      at = {consumer.frame, consumer.block};
      return true;
    }
  return false;
}

/// What `at` waits for, in words, and in `at` the block that is to give it.
/// False if no block is.
bool Engine::whoHolds(BlockInFrame &at, std::string &what) const {
  const Frame &frame = frames[at.frame];
  const BlockInfo &block = t.blocks[at.block];
  if (!frame.outstanding) {
    // Not of a region instance: a task that is run again for lost values.
    what = "inputs of what is made again, PEAs, or its end";
    return false;
  }
  uint32_t word = frame.words[at.block - t.regions[frame.region].blockBegin];
  if (uint32_t input = missingInput(at); input != noIndex) {
    what = fmt::format("input {}", input);
    BlockInFrame maker = at;
    if (!findMaker(t.inputs[block.inputBegin + input], maker)) {
      what += ", which is on its way";
      return false;
    }
    at = maker;
    return true;
  }
  if (!word || word == overMark) {
    what = "what it sends to arrive";
    return false;
  }
  if (block.kind != BlockKind::Task) {
    const Control &control = controls[word - 1];
    uint32_t oldest = control.firstChild;
    while (oldest != noIndex && frames[oldest].sibling != noIndex)
      oldest = frames[oldest].sibling;
    if (oldest == noIndex) {
      what = control.decided ? "its join" : "its decision";
      return false;
    }
    const RegionInfo &region = t.regions[frames[oldest].region];
    what = fmt::format("instance {} of its region", frames[oldest].index);
    for (uint32_t b = region.blockBegin; b < region.blockEnd; ++b)
      if (frames[oldest].words[b - region.blockBegin] != overMark) {
        at = {oldest, b};
        return true;
      }
    return false;
  }
  const Instance &instance = instances[word - 1];
  if (instance.streams != noIndex && instance.state != InstanceState::Ready &&
      waitsInStream(instance, at, what))
    return true;
  switch (instance.state) {
  case InstanceState::Gathering:
    what = "inputs on their way";
    return false;
  case InstanceState::Held:
    what = "operands, weights or code";
    return false;
  case InstanceState::Computing:
    what = "its completion";
    return false;
  case InstanceState::Ready:
    break;
  }
  uint32_t needs = t.variants[t.kernels[block.kernel].variantBegin].gang;
  if (instance.tbu == noIndex) {
    what = fmt::format("the dispatcher to give it {} PEA{}; {} that suit it "
                       "are free",
                       needs, needs > 1 ? "s" : "",
                       freePerClass[classOf(block.kernel)]);
    return false;
  }
  const TbuState &tbu = tbus[instance.tbu];
  PeaMask share = m.eligible(instance.tbu, classOf(block.kernel)) & tbu.usable;
  if (instance.replica != noIndex && traits.reach == Reach::Shares)
    share = t.replicas[block.replicaBegin + instance.replica].peas;
  uint32_t usable = std::popcount(share),
           free = std::popcount(share & tbu.free);
  if (usable < needs) {
    what = fmt::format("a gang of {} PEAs, of which its place on TBU {} has {}",
                       needs, instance.tbu, usable);
    return false;
  }
  for (uint32_t holder : tbu.running)
    if (free < needs && (instances[holder].peas & share) &&
        !instances[holder].orphan) {
      what = fmt::format("PEAs of TBU {} that are held", instance.tbu);
      at = {instances[holder].frame, instances[holder].block};
      return true;
    }
  what = fmt::format("the policy to start it on TBU {}: it needs {} PEA{}, {} "
                     "that suit it are free",
                     instance.tbu, needs, needs > 1 ? "s" : "", free);
  return false;
}

/// The chain of waits from the first of `starts` that ends in a cycle, else the
/// longest one.
void Engine::reportChain(const std::vector<BlockInFrame> &starts,
                         RunResult &r) const {
  for (size_t s = 0; s < starts.size(); ++s) {
    std::vector<BlockInFrame> seen;
    std::vector<WaitStep> chain;
    uint32_t cycle = noIndex;
    BlockInFrame at = starts[s];
    for (bool more = true; more;) {
      seen.push_back(at);
      WaitStep step;
      step.request = requests[frames[at.frame].request].number;
      step.path = t.pathOf(at.block);
      step.file = t.fileOf(at.block);
      step.line = t.lineOf(at.block);
      more = whoHolds(at, step.waitsFor) && seen.size() < 1000;
      chain.push_back(std::move(step));
      auto before = std::find(seen.begin(), seen.end(), at);
      if (more && before != seen.end()) {
        cycle = static_cast<uint32_t>(before - seen.begin());
        more = false;
      }
    }
    if (cycle == noIndex && chain.size() <= r.waitChain.size())
      continue;
    r.waitChain = std::move(chain);
    r.waitCycle = cycle;
    if (cycle != noIndex)
      return;
  }
}

/// The open loops that have begun most iterations.
void Engine::reportLoops(RunResult &r) const {
  for (uint32_t i = 0; i < controls.size(); ++i) {
    const Control &control = controls[i];
    if (!(control.generation & 1) ||
        t.blocks[control.block].kind != BlockKind::Loop || control.stopped)
      continue;
    OpenLoop loop;
    loop.request = requests[control.request].number;
    loop.path = t.pathOf(control.block);
    loop.file = t.fileOf(control.block);
    loop.line = t.lineOf(control.block);
    loop.iterations = control.nextIteration;
    loop.bound = t.controlOf(t.blocks[control.block]).bound;
    r.openLoops.push_back(std::move(loop));
  }
  std::sort(r.openLoops.begin(), r.openLoops.end(),
            [](const OpenLoop &a, const OpenLoop &b) {
              return std::tie(b.iterations, a.request, a.path) <
                     std::tie(a.iterations, b.request, b.path);
            });
  if (r.openLoops.size() > 4)
    r.openLoops.resize(4);
}

/// The instances and control blocks that exist, of the oldest request first.
std::vector<Engine::Waiter> Engine::waiters() const {
  std::vector<Waiter> list;
  for (uint32_t i = 0; i < instances.size(); ++i) {
    const Instance &instance = instances[i];
    if ((instance.generation & 1) && !instance.orphan)
      list.push_back({requests[instance.request].order,
                      frames[instance.frame].activatedAt,
                      /*control=*/false,
                      i,
                      {instance.frame, instance.block}});
  }
  for (uint32_t i = 0; i < controls.size(); ++i) {
    const Control &control = controls[i];
    if (control.generation & 1)
      list.push_back({requests[control.request].order,
                      control.waitingSince,
                      /*control=*/true,
                      i,
                      {control.frame, control.block}});
  }
  std::sort(list.begin(), list.end(), [](const Waiter &a, const Waiter &b) {
    return std::tie(a.order, a.since, a.control, a.id) <
           std::tie(b.order, b.since, b.control, b.id);
  });
  return list;
}

/// Whether an input of a block is not there, and if so who makes it.
bool Engine::reportMissing(const BlockInFrame &at,
                           BlockedInstance &report) const {
  uint32_t input = missingInput(at);
  if (input == noIndex)
    return false;
  const Frame &frame = frames[at.frame];
  uint32_t producer =
      producerOf(frame.region, t.inputs[t.blocks[at.block].inputBegin + input]);
  report.waitsFor = fmt::format("input {}", input);
  if (producer == noIndex) {
    report.heldBy = "what feeds the region from outside";
    return true;
  }
  report.waitsFor += " from " + t.place(producer);
  uint32_t word = frame.words[producer - t.regions[frame.region].blockBegin];
  if (!word)
    report.heldBy = "it has not fired: none of its inputs is there";
  else if (word == overMark)
    report.heldBy = "it is over";
  else if (t.blocks[producer].kind != BlockKind::Task)
    report.heldBy = "it has not yielded this output";
  else if (instances[word - 1].state == InstanceState::Gathering)
    report.heldBy = "it waits for inputs itself";
  else if (instances[word - 1].state == InstanceState::Ready)
    report.heldBy = "it waits for PEAs";
  else
    report.heldBy = "it runs";
  return true;
}

void Engine::reportControl(const Control &control,
                           BlockedInstance &report) const {
  if (control.openFrames) {
    report.waitsFor =
        fmt::format("{} open region instances", control.openFrames);
    report.heldBy = "blocks inside";
  } else if (!reportMissing({control.frame, control.block}, report)) {
    report.waitsFor = "its CBU or a join";
    report.heldBy = fmt::format("cluster {}", control.cluster);
  }
}

void Engine::reportInstance(const Instance &instance,
                            BlockedInstance &report) const {
  switch (instance.state) {
  case InstanceState::Gathering:
    if (!instance.replay &&
        (reportMissing({instance.frame, instance.block}, report) ||
         reportStall(instance, report)))
      return;
    report.waitsFor = "inputs on their way";
    report.heldBy = "the data plane";
    return;
  case InstanceState::Ready:
    report.waitsFor = "PEAs";
    if (instance.tbu == noIndex)
      report.heldBy = "the central dispatcher";
    else if (tbus[instance.tbu].running.empty())
      report.heldBy =
          fmt::format("nobody on TBU {}: no free PEAs suit it", instance.tbu);
    else
      report.heldBy = fmt::format(
          "{} on TBU {}",
          t.place(instances[tbus[instance.tbu].running.front()].block),
          instance.tbu);
    return;
  case InstanceState::Held:
    report.waitsFor = "operands, weights or code";
    report.heldBy = fmt::format("TBU {}", instance.tbu);
    return;
  case InstanceState::Computing:
    if (isStalled(instance) && reportStall(instance, report))
      return;
    report.waitsFor = "its completion";
    report.heldBy =
        fmt::format("TBU {}, until cycle {}", instance.tbu, instance.finish);
    return;
  }
}

/// The watchdog's report.
void Engine::reportBlocked(RunResult &r) const {
  constexpr size_t mostStarts = 64;
  std::vector<Waiter> list = waiters();
  std::vector<BlockInFrame> starts;
  for (const Waiter &waiter :
       std::span(list).first(std::min(list.size(), mostStarts)))
    starts.push_back(waiter.at);
  reportChain(starts, r);
  reportLoops(r);
  for (const Waiter &waiter : std::span(list).first(
           std::min<size_t>(list.size(), options.maxBlockedReports))) {
    BlockedInstance &report = r.blocked.emplace_back();
    report.request = requests[frames[waiter.at.frame].request].number;
    report.path = t.pathOf(waiter.at.block);
    report.file = t.fileOf(waiter.at.block);
    report.line = t.lineOf(waiter.at.block);
    report.sinceCycle = waiter.since;
    if (waiter.control)
      reportControl(controls[waiter.id], report);
    else
      reportInstance(instances[waiter.id], report);
  }
}
