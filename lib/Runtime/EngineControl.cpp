//===- EngineControl.cpp - Control blocks ---------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Switches, selects, loops and fan-outs at the CBUs: when they decide, which
// region instances they open, how their outputs come together
// (docs/semantics.md, sections 2 and 3).
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include <algorithm>

using namespace octo;

uint32_t Engine::routedReplica(const BlockInfo &block,
                               const Frame &frame) const {
  if (block.numActive == 1)
    return 0;
  uint64_t number = requests[frame.request].lane;
  if (block.routing == RoutingRule::ByCopy)
    number += frame.copy;
  return static_cast<uint32_t>(number % block.numActive);
}

/// Weight `weight` as a value of its own, where control blocks hand it on. It
/// lies in memory, so it takes no scratchpad.
uint32_t Engine::weightValue(uint32_t weight, uint32_t request) {
  uint32_t port = m.nearestHbm[m.hostCluster];
  uint32_t cluster = port == noIndex ? m.hostCluster : m.hbm[port].cluster;
  uint32_t value =
      newValue(t.weights[weight].bytes, {}, cluster, noIndex, noIndex, false);
  values[value].request = request;
  values[value].hbm = port;
  if (port == noIndex)
    park(cluster, t.weights[weight].bytes);
  if (functional)
    tensors[value] = weightTensors[weight];
  if (faults)
    madeBy(newLineage(MadeBy::Weight, noIndex, request, cluster), value);
  return value;
}

/// The first region of a control block with this role, or noIndex.
uint32_t Engine::regionOf(const BlockInfo &block, RegionRole role) const {
  const ControlInfo &info = t.controlOf(block);
  for (uint32_t r = 0; r < info.numRegions; ++r)
    if (t.regions[info.regionBegin + r].role == role)
      return info.regionBegin + r;
  return noIndex;
}

/// Does this import come from the values that a loop carries?
bool Engine::importIsCarried(const BlockInfo &block, uint32_t region,
                             uint32_t import) const {
  if (block.kind != BlockKind::Loop)
    return false;
  uint32_t before = beforeRegion(block);
  if (region != (before != noIndex ? before : t.controlOf(block).regionBegin))
    return false;
  uint32_t source = t.imports[t.regions[region].importBegin + import];
  return source < t.regions[afterRegion(block)].numYields;
}

uint64_t Engine::decisionCycles(uint32_t block) const {
  const std::array<uint64_t, 5> &work = costs.work(nominalCall(block));
  uint64_t ops = work[0] + work[1] + work[2] + work[3];
  return m.cbDecisionCycles +
         static_cast<uint64_t>(
             (static_cast<unsigned __int128>(ops) * m.cbCyclesPerScalarQ16 +
              65535) >>
             16);
}

//===----------------------------------------------------------------------===//
// Creation and inputs
//===----------------------------------------------------------------------===//

uint32_t Engine::controlFor(uint32_t frameId, uint32_t blockId) {
  Frame &frame = frames[frameId];
  uint32_t &word = frame.words[blockId - t.regions[frame.region].blockBegin];
  if (word)
    return word - 1;
  const BlockInfo &block = t.blocks[blockId];
  uint32_t id = controls.allocate();
  word = id + 1;
  Control &control = controls[id];
  control.frame = frameId;
  control.block = blockId;
  control.request = frame.request;
  control.cluster =
      t.clusterOf(t.replicas[block.replicaBegin + routedReplica(block, frame)]);
  if (faults)
    control.cluster = faults->cbuOf[control.cluster];
  control.openFrames = 0;
  control.firstChild = noIndex;
  control.numTaken = 0;
  control.nextCopy = 0;
  control.decided = control.joined = control.stopped = false;
  control.path = frame.path;
  control.joinPath = {};
  control.decideAt = control.joinAt = never;
  control.waitingSince = now();
  control.cause = frame.cause;
  blame.retain(frame.cause);
  control.nextIteration = 0;
  control.activeIterations = 0;
  control.trips = 0;
  control.decidePending = 0;
  control.joinPending = 0;
  control.results.clear();
  control.members.clear();
  control.inits.clear();
  if (block.kind == BlockKind::Loop) {
    control.rows.resize(t.controlOf(block).credits + 1);
    for (LoopRow &row : control.rows) {
      row.active = false;
      row.iteration = never;
    }
    uint32_t distribution;
    const OpenRequest &request = requests[frame.request];
    if (std::span<const uint64_t> seen =
            recorded(request, block.local, frame.tag);
        !seen.empty())
      control.trips = seen[0];
    else if (profileDistribution(block.profile, requestForProfile(request),
                                 distribution))
      control.trips = static_cast<uint64_t>(std::max<int64_t>(
          t.distributions.sample(distribution,
                                 draw(request, block.local, frame.tag, 0)),
          0));
  } else {
    for (uint32_t i = 0;
         i < t.controlOf(block).decideInputs && i < block.numInputs; ++i)
      control.decidePending += !(t.inputs[block.inputBegin + i] & weightFlag);
    if (block.kind != BlockKind::Switch) {
      control.inits.assign(block.numOutputs, 0);
      control.joinPending = block.numOutputs;
    }
  }
  // Inputs that are weights are there from the start.
  if (block.weightBegin != block.weightEnd)
    for (uint32_t i = 0; i < block.numInputs; ++i) {
      uint32_t input = t.inputs[block.inputBegin + i];
      if (!(input & weightFlag))
        continue;
      uint32_t value = weightValue(input & ~weightFlag, frame.request);
      bool decides =
          block.kind != BlockKind::Loop && i < t.controlOf(block).decideInputs;
      controls[id].decidePending += decides;
      controlArrived(id, i, value);
    }
  return id;
}

void Engine::sendToken(TokenKind kind, uint32_t control, uint32_t frame,
                       uint32_t input, uint32_t value) {
  uint64_t delay = tokenDelay(values[value].cluster, controls[control].cluster);
  retain(value);
  if (!delay) {
    if (kind == ControlInput)
      controlArrived(control, input, value);
    else
      yieldArrived(control, frame, input, value);
    return;
  }
  uint32_t id = tokens.allocate();
  Token &token = tokens[id];
  token.target = control;
  token.targetGeneration = controls[control].generation;
  token.frame = frame;
  token.frameGeneration = kind == ControlYield ? frames[frame].generation : 0;
  token.input = input;
  token.value = value;
  token.cause = cause;
  blame.retain(cause);
  token.kind = kind;
  push(now() + delay, EventClass::Token, TokenEvent,
       t.blocks[controls[control].block].local, id, 0);
}

/// A value for a control block exists. What decides is sent to the CBU's
/// cluster, of the rest only a token goes there.
void Engine::controlInput(uint32_t frame, uint32_t blockId, uint32_t input,
                          uint32_t value) {
  const RegionInfo &region = t.regions[frames[frame].region];
  if (frames[frame].words[blockId - region.blockBegin] == overMark)
    return;
  uint32_t id = controlFor(frame, blockId);
  const BlockInfo &block = t.blocks[blockId];
  if (block.kind != BlockKind::Loop && input < t.controlOf(block).decideInputs)
    sendValue(MessageKind::Decide, id, controls[id].generation, input, value,
              controls[id].cluster, now());
  else
    sendToken(ControlInput, id, noIndex, input, value);
}

/// Takes over a reference to `value`.
void Engine::controlArrived(uint32_t id, uint32_t input, uint32_t value) {
  Control &control = controls[id];
  Frame &frame = frames[control.frame];
  const BlockInfo &block = t.blocks[control.block];
  uint32_t &word = inputWords(frame, block)[input];
  if (word) {
    release(value);
    return;
  }
  word = value + 1;
  uint32_t generation = control.generation;

  // Region instances that are open and import it.
  uint32_t use = block.inputBegin + input;
  for (uint32_t i = t.importUseBegin[use]; i < t.importUseBegin[use + 1]; ++i) {
    auto [region, import] = t.importUses[i];
    if (importIsCarried(block, region, import))
      continue;
    for (uint32_t child = control.firstChild; child != noIndex;) {
      uint32_t next = frames[child].sibling;
      if (frames[child].region == region) {
        retain(value);
        deliver(child, t.regions[region].valueBegin + import, value);
        settleFrame(child);
      }
      child = next;
    }
  }

  if (block.kind == BlockKind::Loop) {
    if (input < t.regions[afterRegion(block)].numYields) {
      retain(value);
      carriedArrived(id, 0, input, value);
    }
    return;
  }
  if (input < t.controlOf(block).decideInputs) {
    control.path = std::max(control.path, values[value].path);
    if (--control.decidePending == 0 && !control.decided)
      requestDecision(id, 0);
    return;
  }
  uint32_t init = input - t.controlOf(block).decideInputs;
  if (block.kind != BlockKind::Switch && init < block.numOutputs &&
      controls.current(id, generation))
    sendValue(MessageKind::Join, id, generation, initSlot | init, value,
              control.cluster, now());
}

//===----------------------------------------------------------------------===//
// Decisions
//===----------------------------------------------------------------------===//

/// The CBU serves decisions one at a time, in order of their readiness.
void Engine::requestDecision(uint32_t id, uint64_t iteration) {
  Control &control = controls[id];
  ClusterState &cluster = clusters[control.cluster];
  uint64_t start = std::max(now(), cluster.cbuFree);
  uint64_t finish = start + decisionCycles(control.block);
  cluster.cbuFree = finish;
  decisionStep(id, iteration, start, finish);
  decideAt(control, iteration) = finish;
  push(finish, EventClass::Completion, DecisionEvent,
       t.blocks[control.block].local, id, control.generation,
       static_cast<uint16_t>(iteration));
}

/// Takes the members of a select whose bits are set, 64 a word.
static void takeMembers(Control &control, std::span<const uint64_t> mask,
                        uint32_t numMembers) {
  for (uint32_t member = 0; member < numMembers; ++member)
    if (mask[member / 64] >> (member % 64) & 1)
      control.members.push_back(member);
}

/// A word of the mask of the members that a select has taken, 64 a word.
static uint64_t maskOf(const Control &control, uint32_t word) {
  uint64_t mask = 0;
  for (uint32_t member : control.members)
    if (member / 64 == word)
      mask |= uint64_t(1) << (member % 64);
  return mask;
}

/// Finds out the case of a switch, the copies of a fan-out or whether a loop
/// goes on, which is returned, or the members of a select. `none` if the
/// request failed.
std::optional<uint64_t> Engine::evaluate(uint32_t id, uint64_t iteration) {
  Control &control = controls[id];
  const BlockInfo &block = t.blocks[control.block];
  if (functional && block.kernel != noIndex &&
      t.kernels[block.kernel].kind == KernelKind::Image)
    return callDecision(id, iteration);
  const OpenRequest &request = requests[control.request];
  std::span<const uint64_t> seen =
      recorded(request, block.local, frames[control.frame].tag);
  // The request was over before this was decided, and there is no profile:
  // nothing more of it runs.
  if (seen.empty() && request.record != RequestRecords::noRecord &&
      !hasOutcomes(block))
    return block.kind == BlockKind::Switch ? t.controlOf(block).numRegions - 1
                                           : 0;
  if (block.kind == BlockKind::Loop)
    return iteration < control.trips;
  if (seen.empty())
    return drawDecision(control);
  if (block.kind == BlockKind::Select)
    takeMembers(control, seen, t.controlOf(block).numRegions);
  return seen[0];
}

/// What the decide kernel says.
std::optional<uint64_t> Engine::callDecision(uint32_t id, uint64_t iteration) {
  Control &control = controls[id];
  const BlockInfo &block = t.blocks[control.block];
  const KernelInfo &kernel = t.kernels[block.kernel];
  std::vector<Tensor> inputs;
  if (block.kind == BlockKind::Loop) {
    for (uint32_t word : rowOf(control, iteration).decide)
      inputs.push_back(tensors[word - 1]);
  } else {
    uint32_t *words = inputWords(frames[control.frame], block);
    for (uint32_t i = 0; i < t.controlOf(block).decideInputs; ++i)
      inputs.push_back(tensors[words[i] - 1]);
  }
  std::vector<Tensor> results(kernel.numOutputs);
  std::vector<int64_t> counts(kernel.numCounters, 0);
  Expected<void> done = executor->call(block.kernel, inputs, results, counts);
  if (!done || results.empty() || !results[0].valid()) {
    failRequest(control.request, control.block,
                done ? "the decide kernel gave no result"
                     : done.error().message);
    return std::nullopt;
  }
  const Tensor &decision = results[0];
  const uint32_t numRegions = t.controlOf(block).numRegions;
  if (block.kind == BlockKind::Select && !decision.isScalar()) {
    const uint8_t *mask = decision.as<uint8_t>();
    for (uint32_t r = 0; r < numRegions && r < decision.numElements(); ++r)
      if (mask[r])
        control.members.push_back(r);
    return 0;
  }
  int64_t number = integerElement(decision, 0);
  switch (block.kind) {
  case BlockKind::Switch: {
    uint64_t last = numRegions - 1;
    // A truth value has two cases: true is the first.
    if (decision.kind() == ElementKind::I1)
      number = number ? 0 : last;
    return number < 0 ? last : std::min(uint64_t(number), last);
  }
  case BlockKind::Select: {
    uint64_t mask = uint64_t(number);
    takeMembers(control, {&mask, 1}, std::min(numRegions, 64u));
    return 0;
  }
  default:
    return number != 0;
  }
}

/// What the profile says of a switch, a select or a fan-out; of a fan-out
/// without a decide kernel what its input says, in runs of code.
uint64_t Engine::drawDecision(Control &control) {
  const BlockInfo &block = t.blocks[control.block];
  const Frame &frame = frames[control.frame];
  const OpenRequest &request = requests[control.request];
  const uint32_t numRegions = t.controlOf(block).numRegions;
  if (block.kind == BlockKind::Fanout) {
    int64_t count = 0;
    if (functional && t.controlOf(block).decideInputs)
      count = integerElement(tensors[inputWords(frame, block)[0] - 1], 0);
    else if (uint32_t distribution; profileDistribution(
                 block.profile, requestForProfile(request), distribution))
      count = t.distributions.sample(distribution,
                                     draw(request, block.local, frame.tag, 0));
    return uint64_t(std::max<int64_t>(count, 0));
  }
  const ProfileEpoch *epoch =
      t.epochFor(block.profile, requestForProfile(request));
  std::span<const uint64_t> frequencies(
      t.frequencies.data() + epoch->frequencyBegin, numRegions);
  if (block.kind == BlockKind::Select) {
    for (uint32_t r = 0; r < numRegions; ++r)
      if (draw(request, block.local, frame.tag, 1 + r) >> 32 < frequencies[r])
        control.members.push_back(r);
    return 0;
  }
  uint64_t u = draw(request, block.local, frame.tag, 0) >> 32, sum = 0;
  for (uint32_t r = 0; r < numRegions; ++r) {
    sum += frequencies[r];
    if (u < sum)
      return r;
  }
  return numRegions - 1;
}

void Engine::decide(uint32_t id, uint64_t iteration) {
  const BlockInfo &block = t.blocks[controls[id].block];
  EnergyCounts &energy = energyCounts[controls[id].cluster];
  ++energy.decisions;
  decideAt(controls[id], iteration) = never;
  uint64_t cycles = decisionCycles(controls[id].block);
  std::optional<uint64_t> decision = evaluate(id, iteration);
  if (!decision)
    return;
  Control &control = controls[id];
  uint32_t generation = control.generation;
  const uint64_t outcome =
      block.kind == BlockKind::Select ? maskOf(control, 0) : *decision;
  control.path = control.path + chainOf(cycles);
  because(block.kind == BlockKind::Loop ? rowOf(control, iteration).cause
                                        : control.cause);
  const OpenRequest &request = requests[control.request];
  BlockStatistics &total = totals[control.block];
  ++total.instances;
  total.busyCycles += cycles;
  const std::array<uint64_t, 5> &work = costs.work(nominalCall(control.block));
  energy.work[3] += work[0] + work[1] + work[2] + work[3];
  if (trace)
    trace->decision({request.number, frames[control.frame].tag, block.workflow,
                     block.local, control.cluster, now() - cycles, now(),
                     outcome});
  auto record = [&](uint64_t value) {
    if (!options.recordOutcomes)
      return;
    OutcomeRecord added{request.number, frames[control.frame].tag,
                        block.workflow, block.local, value};
    added.sizes = outcomeDetails.size();
    if (block.kind == BlockKind::Select)
      for (uint32_t r = 64; r < t.controlOf(block).numRegions; r += 64)
        outcomeDetails.push_back(maskOf(control, r / 64));
    added.symbols = added.detailEnd = outcomeDetails.size();
    outcomes.push_back(added);
  };
  uint64_t *counts = outcomeCounts.data() + total.outcomeBegin;

  switch (block.kind) {
  case BlockKind::Task:
    return;
  case BlockKind::Switch:
    control.decided = true;
    ++counts[outcome];
    record(outcome);
    openChild(
        id, t.controlOf(block).regionBegin + static_cast<uint32_t>(outcome),
        static_cast<uint32_t>(outcome), frames[control.frame].copy, nullptr);
    break;
  case BlockKind::Select: {
    control.decided = true;
    record(outcome);
    control.numTaken = static_cast<uint32_t>(control.members.size());
    control.results.assign(size_t(control.numTaken) * block.numOutputs, 0);
    control.joinPending += static_cast<uint32_t>(control.results.size());
    for (uint32_t k = 0; k < control.numTaken; ++k) {
      uint32_t member = control.members[k];
      ++counts[member];
      openChild(id, t.controlOf(block).regionBegin + member, member,
                frames[control.frame].copy, nullptr);
      if (!controls.current(id, generation))
        return;
    }
    break;
  }
  case BlockKind::Fanout: {
    if (outcome > (uint64_t(1) << 24)) {
      failRequest(control.request, control.block,
                  fmt::format("a fan-out into {} copies; up to 2^24 are "
                              "possible",
                              outcome));
      return;
    }
    control.decided = true;
    counts[0] += outcome;
    record(outcome);
    control.numTaken = static_cast<uint32_t>(outcome);
    control.results.assign(size_t(control.numTaken) * block.numOutputs, 0);
    control.joinPending += static_cast<uint32_t>(control.results.size());
    resumes.emplace_back(id, generation);
    break;
  }
  case BlockKind::Loop: {
    LoopRow &row = rowOf(control, iteration);
    row.decided = true;
    row.going = outcome;
    if (!outcome) {
      control.stopped = true;
      record(iteration);
      for (uint32_t j = 0; j < row.forwarded.size(); ++j)
        if (row.forwarded[j]) {
          uint32_t value = row.forwarded[j] - 1;
          retain(value);
          deliver(control.frame, block.outputBegin + j, value);
        }
      break;
    }
    if (t.controlOf(block).bound && iteration >= t.controlOf(block).bound) {
      failRequest(control.request, control.block,
                  fmt::format("the loop went past its bound of {} iterations",
                              t.controlOf(block).bound));
      return;
    }
    ++counts[0];
    openChild(id, afterRegion(block), static_cast<uint32_t>(iteration),
              frames[control.frame].copy, &row);
    break;
  }
  }
  if (controls.current(id, generation)) {
    if (controls[id].decided && !controls[id].joinPending &&
        !controls[id].joined)
      requestJoin(id);
    if (controls.current(id, generation))
      resumes.emplace_back(id, generation);
  }
}

//===----------------------------------------------------------------------===//
// Region instances
//===----------------------------------------------------------------------===//

/// Opens an instance of `region` with what it imports so far. `row` is the
/// iteration of a loop.
void Engine::openChild(uint32_t id, uint32_t regionId, uint32_t index,
                       uint32_t copy, LoopRow *row) {
  Control &control = controls[id];
  const BlockInfo &block = t.blocks[control.block];
  const RegionInfo &region = t.regions[regionId];
  uint32_t generation = control.generation;
  uint32_t opening = openingStep(id, row);
  because(opening);
  blame.release(opening);
  uint32_t child = openFrame(
      regionId, id, control.request, control.cluster, index, copy,
      childTag(frames[control.frame].tag, block.local, index), control.path);
  frames[child].sibling = control.firstChild;
  if (control.firstChild != noIndex)
    frames[control.firstChild].previousSibling = child;
  control.firstChild = child;
  ++control.openFrames;
  if (row) {
    ++row->openFrames;
    (region.role == RegionRole::Before ? row->before : row->after) = child;
  }
  uint32_t childGeneration = frames[child].generation;
  // What it takes from outside.
  uint32_t *words = inputWords(frames[control.frame], block);
  for (uint32_t k = 0; k < region.numImports; ++k) {
    uint32_t source = t.imports[region.importBegin + k];
    uint32_t word = 0;
    if (source & forwardedFlag) {
      uint32_t j = source & ~forwardedFlag;
      word = row && j < row->forwarded.size() ? row->forwarded[j] : 0;
    } else if (source == copyIndexMark) {
      uint32_t value = newValue(8, control.path, control.cluster, noIndex,
                                control.request, false);
      park(control.cluster, 8);
      if (functional)
        tensors[value] =
            Tensor::scalar<int64_t>(ElementKind::Index, int64_t(index));
      if (faults)
        madeBy(newLineage(MadeBy::Index, noIndex, control.request,
                          control.cluster),
               value);
      deliver(child, region.valueBegin + k, value);
      settleFrame(child);
      continue;
    } else if (importIsCarried(block, regionId, k)) {
      word = row ? row->carried[source] : 0;
    } else {
      word = words[source];
    }
    if (!word)
      continue;
    retain(word - 1);
    deliver(child, region.valueBegin + k, word - 1);
    settleFrame(child);
  }
  activateBlocks(child);
  if (controls.current(id, generation) &&
      frames.current(child, childGeneration))
    settleFrame(child);
}

void Engine::startCopies(uint32_t id) {
  uint32_t generation = controls[id].generation;
  const BlockInfo &block = t.blocks[controls[id].block];
  uint32_t credits =
      traits.central
          ? static_cast<uint32_t>(std::min<uint64_t>(usablePeas, 0x7fffffff))
          : t.controlOf(block).credits;
  while (controls.current(id, generation)) {
    Control &control = controls[id];
    if (control.nextCopy >= control.numTaken)
      return;
    if (control.openFrames >= credits) {
      ++counters.creditWaits;
      return;
    }
    uint32_t copy = control.nextCopy++;
    openChild(id, t.controlOf(block).regionBegin, copy, copy, nullptr);
  }
}

/// A region instance of the block has been freed. What follows from that
/// happens when the present event has been handled.
void Engine::childFreed(uint32_t id, uint32_t child) {
  Control &control = controls[id];
  const Frame &frame = frames[child];
  if (frame.previousSibling != noIndex)
    frames[frame.previousSibling].sibling = frame.sibling;
  else
    control.firstChild = frame.sibling;
  if (frame.sibling != noIndex)
    frames[frame.sibling].previousSibling = frame.previousSibling;
  --control.openFrames;
  if (t.blocks[control.block].kind == BlockKind::Loop)
    --rowOf(control, frame.index).openFrames;
  resumes.emplace_back(id, control.generation);
}

void Engine::resume(uint32_t id) {
  Control &control = controls[id];
  const BlockInfo &block = t.blocks[control.block];
  uint32_t generation = control.generation;
  if (block.kind == BlockKind::Fanout && control.decided) {
    startCopies(id);
  } else if (block.kind == BlockKind::Loop) {
    for (LoopRow &row : control.rows)
      if (row.active && row.decided && !row.openFrames &&
          (row.going || std::find(row.forwarded.begin(), row.forwarded.end(),
                                  0u) == row.forwarded.end())) {
        row.active = false;
        --control.activeIterations;
        resetRow(row);
        row.iteration = never;
      }
    uint64_t next = control.nextIteration;
    if (!control.stopped &&
        (findRow(control, next) || !t.regions[afterRegion(block)].numYields))
      beginIteration(id, next);
  }
  if (controls.current(id, generation))
    maybeOver(id);
}

void Engine::resetRow(LoopRow &row) {
  for (std::vector<uint32_t> *list :
       {&row.carried, &row.forwarded, &row.decide}) {
    for (uint32_t word : *list)
      if (word)
        release(word - 1);
    list->clear();
  }
  blame.assign(row.cause, noIndex);
}

//===----------------------------------------------------------------------===//
// Yields and joins
//===----------------------------------------------------------------------===//

/// Yield `yield` of a region instance has its value: data for what decides or
/// is joined, a token for what is passed on.
void Engine::controlYield(uint32_t id, uint32_t frame, uint32_t yield,
                          uint32_t value) {
  Control &control = controls[id];
  const BlockInfo &block = t.blocks[control.block];
  switch (t.regions[frames[frame].region].role) {
  case RegionRole::Member:
  case RegionRole::Each: {
    uint32_t row = frames[frame].index;
    if (block.kind == BlockKind::Select)
      row = static_cast<uint32_t>(std::lower_bound(control.members.begin(),
                                                   control.members.end(), row) -
                                  control.members.begin());
    sendValue(MessageKind::Join, id, control.generation,
              row * block.numOutputs + yield, value, control.cluster, now());
    settleFrame(frame);
    return;
  }
  case RegionRole::Before:
    if (yield < t.controlOf(block).decideInputs) {
      uint32_t row = static_cast<uint32_t>(
          &rowOf(control, frames[frame].index) - control.rows.data());
      sendValue(MessageKind::Decide, id, control.generation, yield | row << 24,
                value, control.cluster, now());
      settleFrame(frame);
      return;
    }
    break;
  default:
    break;
  }
  sendToken(ControlYield, id, frame, yield, value);
}

/// Takes over a reference to `value`.
void Engine::yieldArrived(uint32_t id, uint32_t frame, uint32_t yield,
                          uint32_t value) {
  Control &control = controls[id];
  const BlockInfo &block = t.blocks[control.block];
  uint32_t generation = frames[frame].generation;
  uint64_t iteration = frames[frame].index;
  switch (t.regions[frames[frame].region].role) {
  case RegionRole::Before:
    forwardedArrived(id, rowOf(control, iteration).iteration,
                     yield - t.controlOf(block).decideInputs, value);
    break;
  case RegionRole::After:
    carriedArrived(id, rowOf(control, iteration).iteration + 1, yield, value);
    break;
  default:
    deliver(control.frame, block.outputBegin + yield, value);
    break;
  }
  if (frames.current(frame, generation))
    settleFrame(frame);
}

/// A decide input is in the CBU's cluster; takes over a reference.
void Engine::decideArrived(uint32_t id, uint32_t slot, uint32_t value) {
  Control &control = controls[id];
  if (t.blocks[control.block].kind != BlockKind::Loop) {
    controlArrived(id, slot, value);
    return;
  }
  LoopRow &row = control.rows[slot >> 24];
  row.decide[slot & 0xffffff] = value + 1;
  control.path = std::max(control.path, values[value].path);
  if (--row.decidePending == 0)
    requestDecision(id, row.iteration);
}

/// Something to be joined is in the CBU's cluster; takes over a reference.
void Engine::joinArrived(uint32_t id, uint32_t slot, uint32_t value) {
  Control &control = controls[id];
  if (slot & initSlot)
    control.inits[slot & ~initSlot] = value + 1;
  else
    control.results[slot] = value + 1;
  control.joinPath = std::max(control.joinPath, values[value].path);
  if (--control.joinPending == 0 && control.decided)
    requestJoin(id);
}

/// A join reads what it combines and writes the result, and does one vector
/// operation an element that is added or compared; it runs on one engine a
/// cluster, as the first variant of its kernel.
std::array<uint64_t, 5> Engine::joinWork(const Control &control) const {
  const BlockInfo &block = t.blocks[control.block];
  std::array<uint64_t, 5> work = {};
  if (t.controlOf(block).joinKernel == noIndex || !control.numTaken)
    return work;
  const KernelInfo &kernel = t.kernels[t.controlOf(block).joinKernel];
  for (uint32_t o = 0; o < block.numOutputs; ++o) {
    size_t element = elementBytes(t.elementOf(block.outputBegin + o));
    uint64_t init = control.inits[o] ? values[control.inits[o] - 1].bytes : 0;
    uint64_t parts = 0;
    for (uint32_t k = 0; k < control.numTaken; ++k)
      parts += values[control.results[k * block.numOutputs + o] - 1].bytes;
    bool concat = kernel.combine == CombineKind::Concat;
    if (!concat && element)
      work[1] += parts / element;
    work[4] += init + parts + (concat ? init + parts : init);
  }
  return work;
}

uint64_t Engine::joinCycles(uint32_t block,
                            const std::array<uint64_t, 5> &work) const {
  uint32_t kernel = t.controlOf(t.blocks[block]).joinKernel;
  return kernel == noIndex
             ? 0
             : workCycles(t.variants[t.kernels[kernel].variantBegin], work);
}

/// Cycles of a join that a cluster makes, whose work is counted.
uint64_t Engine::chargeJoin(uint32_t cluster, uint32_t block,
                            const std::array<uint64_t, 5> &work) {
  energyCounts[cluster].add(work);
  return joinCycles(block, work);
}

void Engine::requestJoin(uint32_t id) {
  Control &control = controls[id];
  const BlockInfo &block = t.blocks[control.block];
  if (control.joined || block.kind == BlockKind::Switch ||
      block.kind == BlockKind::Loop)
    return;
  control.joined = true;
  if (!block.numOutputs) {
    control.stopped = true;
    resumes.emplace_back(id, control.generation);
    return;
  }
  uint64_t cycles =
      control.numTaken
          ? chargeJoin(control.cluster, control.block, joinWork(control))
          : 0;
  ClusterState &cluster = clusters[control.cluster];
  uint64_t start = std::max(now(), cluster.joinFree);
  cluster.joinFree = start + cycles;
  joinStep(id, start, start + cycles);
  if (trace && cycles)
    trace->join({requests[control.request].number, block.workflow, block.local,
                 control.cluster, start, start + cycles});
  control.joinPath = std::max(control.joinPath, control.path) + chainOf(cycles);
  control.joinAt = start + cycles;
  push(start + cycles, EventClass::Completion, JoinEvent, block.local, id,
       control.generation);
}

void Engine::finishJoin(uint32_t id) {
  Control &control = controls[id];
  const BlockInfo &block = t.blocks[control.block];
  CombineKind combine = t.controlOf(block).joinKernel == noIndex
                            ? CombineKind::None
                            : t.kernels[t.controlOf(block).joinKernel].combine;
  ++counters.joins;
  control.joinAt = never;
  uint32_t lineage = noIndex;
  if (faults && control.numTaken) {
    lineage = newLineage(MadeBy::Join, control.block, control.request,
                         control.cluster);
    faults->lineages[lineage].joinWork = joinWork(control);
    for (const std::vector<uint32_t> *list : {&control.inits, &control.results})
      for (uint32_t word : *list)
        addInput(lineage, word);
  }
  because(control.cause);
  uint32_t node = hostCut && control.numTaken ? cutJoin(control) : noIndex;
  for (uint32_t o = 0; o < block.numOutputs; ++o) {
    uint32_t init = control.inits[o] - 1;
    if (!control.numTaken) {
      retain(init);
      deliver(control.frame, block.outputBegin + o, init);
      continue;
    }
    uint64_t bytes = values[init].bytes;
    Tensor tensor;
    // Those of profiled workflows have sizes only, also beside code.
    if (functional && elementBytes(t.elementOf(block.outputBegin + o)) &&
        tensors[init].valid()) {
      std::vector<Tensor> parts;
      for (uint32_t k = 0; k < control.numTaken; ++k)
        parts.push_back(tensors[control.results[k * block.numOutputs + o] - 1]);
      Expected<Tensor> combined = combineTensors(combine, tensors[init], parts);
      if (!combined) {
        failRequest(control.request, control.block, combined.error().message);
        return;
      }
      tensor = std::move(*combined);
      bytes = tensor.bytes();
    } else if (combine == CombineKind::Concat) {
      for (uint32_t k = 0; k < control.numTaken; ++k)
        bytes += values[control.results[k * block.numOutputs + o] - 1].bytes;
    }
    uint32_t value = newValue(
        bytes, control.joinPath, control.cluster, noIndex, control.request,
        t.elementOf(block.outputBegin + o) == ElementKind::Token);
    park(control.cluster, bytes);
    if (hostCut && !values[value].token)
      values[value].flow = hostCut->addFlow(control.request, node, bytes);
    if (functional)
      tensors[value] = std::move(tensor);
    if (lineage != noIndex)
      madeBy(lineage, value);
    deliver(control.frame, block.outputBegin + o, value);
  }
  if (lineage != noIndex)
    settleLineage(lineage);
  control.stopped = true;
  resumes.emplace_back(id, control.generation);
}

//===----------------------------------------------------------------------===//
// The end
//===----------------------------------------------------------------------===//

/// Ends the block's instance when nothing of it can fire any more.
void Engine::maybeOver(uint32_t id) {
  Control &control = controls[id];
  const BlockInfo &block = t.blocks[control.block];
  if (control.openFrames)
    return;
  switch (block.kind) {
  case BlockKind::Switch:
    if (!control.decided)
      return;
    break;
  case BlockKind::Loop:
    if (!control.stopped || control.activeIterations)
      return;
    break;
  default:
    if (!control.stopped ||
        control.nextCopy <
            (block.kind == BlockKind::Fanout ? control.numTaken : 0))
      return;
    break;
  }
  uint32_t frame = control.frame, blockId = control.block;
  freeControl(id);
  blockOver(frame, blockId);
}

/// Gives back the instance and the values it holds.
void Engine::freeControl(uint32_t id) {
  Control &control = controls[id];
  const BlockInfo &block = t.blocks[control.block];
  uint32_t *words = inputWords(frames[control.frame], block);
  for (uint32_t i = 0; i < block.numInputs; ++i)
    if (words[i]) {
      release(words[i] - 1);
      words[i] = 0;
    }
  for (std::vector<uint32_t> *list : {&control.results, &control.inits}) {
    for (uint32_t word : *list)
      if (word)
        release(word - 1);
    list->clear();
  }
  for (LoopRow &row : control.rows) {
    resetRow(row);
    row.active = false;
    row.iteration = never;
  }
  blame.release(control.cause);
  controls.release(id);
}
