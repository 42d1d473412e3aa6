//===- EngineLoops.cpp - Iterations of loops ------------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include <algorithm>

using namespace octo;

/// The row of an iteration, a free one if it has none yet; null if it is over.
/// Those that are active have one credit each and may be any number apart: a
/// task that nobody waits for can outlast many iterations.
LoopRow *Engine::rowFor(Control &control, uint64_t iteration) {
  if (const LoopRow *row = findRow(control, iteration))
    return const_cast<LoopRow *>(row);
  if (iteration < control.nextIteration)
    return nullptr;
  // There is one row more than there are credits, and values come for the next
  // iteration only.
  LoopRow &row = *std::ranges::find(control.rows, never, &LoopRow::iteration);
  const BlockInfo &block = t.blocks[control.block];
  uint32_t before = beforeRegion(block);
  uint32_t carried = t.regions[afterRegion(block)].numYields;
  // Without a first region the carried values are what the decision forwards.
  uint32_t decides = 0, forwarded = carried;
  if (before != noIndex) {
    decides = t.controlOf(block).decideInputs;
    forwarded = t.regions[before].numYields - decides;
  }
  row.iteration = iteration;
  row.before = row.after = noIndex;
  row.openFrames = 0;
  row.active = row.decided = row.going = false;
  row.decideAt = never;
  row.carried.assign(carried, 0);
  row.forwarded.assign(forwarded, 0);
  row.decide.assign(decides, 0);
  row.decidePending = decides;
  return &row;
}

/// Begins iteration `iteration` if it is the next one and a credit is free.
void Engine::beginIteration(uint32_t id, uint64_t iteration) {
  Control &control = controls[id];
  const BlockInfo &block = t.blocks[control.block];
  if (iteration != control.nextIteration || control.stopped)
    return;
  // One that is over went on, or the loop would have stopped.
  const LoopRow *previous =
      iteration ? findRow(control, iteration - 1) : nullptr;
  if (previous && !(previous->decided && previous->going))
    return;
  if (control.activeIterations >= t.controlOf(block).credits) {
    ++counters.creditWaits;
    return;
  }
  uint32_t before = beforeRegion(block);
  LoopRow &row = *rowFor(control, iteration);
  // With one carried value the iteration depends on it in every run.
  if (row.carried.size() == 1 && row.carried[0])
    control.path = std::max(control.path, values[row.carried[0] - 1].path);
  row.active = true;
  // It may have waited for the decision of the iteration before.
  if (previous && blame.endOf(previous->cause) >
                      std::max(blame.endOf(row.cause), row.causeAt)) {
    blame.assign(row.cause, previous->cause);
    row.causeAt = blame.endOf(previous->cause);
  }
  ++control.nextIteration;
  ++control.activeIterations;
  uint32_t generation = control.generation;
  bool decideNow = before == noIndex || !t.controlOf(block).decideInputs;
  if (before != noIndex)
    openChild(id, before, static_cast<uint32_t>(iteration),
              frames[control.frame].copy, &row);
  if (decideNow && controls.current(id, generation)) {
    uint32_t opening = openingStep(id, &rowOf(controls[id], iteration));
    because(opening);
    blame.release(opening);
    requestDecision(id, iteration);
  }
}

/// Value `k` that iteration `iteration` starts with; takes over a reference.
void Engine::carriedArrived(uint32_t id, uint64_t iteration, uint32_t k,
                            uint32_t value) {
  Control &control = controls[id];
  const BlockInfo &block = t.blocks[control.block];
  uint32_t before = beforeRegion(block), after = afterRegion(block);
  LoopRow *found = rowFor(control, iteration);
  if (!found) { // it went on without
    release(value);
    return;
  }
  LoopRow &row = *found;
  row.carried[k] = value + 1;
  if (!row.active)
    carriedStep(row);
  uint32_t generation = control.generation;
  if (before == noIndex) {
    // Without a first region the carried values are what the decision forwards.
    retain(value);
    forwardedArrived(id, iteration, k, value);
  }
  if (!controls.current(id, generation))
    return;
  uint32_t target = before != noIndex ? row.before : row.after;
  uint32_t region = before != noIndex ? before : after;
  if (row.active && target != noIndex) {
    const RegionInfo &info = t.regions[region];
    for (uint32_t i = 0; i < info.numImports; ++i)
      if (t.imports[info.importBegin + i] == k &&
          importIsCarried(block, region, i)) {
        retain(value);
        deliver(target, info.valueBegin + i, value);
        settleFrame(target);
      }
  } else if (!row.active) {
    beginIteration(id, iteration);
  }
}

/// Value `j` that the decision of an iteration forwards; takes over a
/// reference.
void Engine::forwardedArrived(uint32_t id, uint64_t iteration, uint32_t j,
                              uint32_t value) {
  Control &control = controls[id];
  const BlockInfo &block = t.blocks[control.block];
  LoopRow &row = rowOf(control, iteration);
  row.forwarded[j] = value + 1;
  if (!row.decided)
    return;
  because(blame.later(cause, row.cause));
  if (!row.going) {
    retain(value);
    deliver(control.frame, block.outputBegin + j, value);
    return;
  }
  uint32_t after = afterRegion(block);
  const RegionInfo &info = t.regions[after];
  for (uint32_t i = 0; i < info.numImports; ++i)
    if (t.imports[info.importBegin + i] == (forwardedFlag | j)) {
      retain(value);
      deliver(row.after, info.valueBegin + i, value);
      settleFrame(row.after);
    }
}

/// True if the task that is about to run in a frame is the last to read what it
/// was given. The row of an iteration keeps what it has passed on to its second
/// region until it closes, but nobody reads it there.
bool Engine::isOnlyReader(uint32_t frameId, uint32_t value) {
  const Frame &frame = frames[frameId];
  uint32_t others = values[value].refs - 1;
  if (others && frame.owner != noIndex &&
      t.regions[frame.region].role == RegionRole::After) {
    const LoopRow &row = rowOf(controls[frame.owner], frame.index);
    others -= std::count(row.carried.begin(), row.carried.end(), value + 1);
    others -= std::count(row.forwarded.begin(), row.forwarded.end(), value + 1);
  }
  return !others;
}
