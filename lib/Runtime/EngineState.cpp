//===- EngineState.cpp - Checkpoints of a run -----------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Between two events the state of a run is the members of Engine; State.h says
// how they are written. A run that is resumed is prepared like any other one
// and then takes the state.
//
//===----------------------------------------------------------------------===//

#include "Checkpoint.h"
#include "Engine.h"
#include "State.h"

#include "octo/Program/Tag.h"

using namespace octo;

/// All members, in the order of Engine.h.
template <class Archive>
void Engine::state(Archive &a) {
  a.all(
      *this, a.fixed(ownTables), a.reference(t), costs, a.reference(m), a.fixed(options),
      a.fixed(executor), a.fixed(trace), a.reference(progress), a.fixed(policy),
      a.fixed(traits), a.fixed(scheduler), a.fixed(functional), wheel, values,
      a.fixed(tensors), frames, instances, controls, requests, messages, tokens,
      streams, streamTasks, a.fixed(streaming), madeOn, a.fixed(resultPool),
      a.fixed(freeResults), a.fixed(traps), a.fixed(freeWords),
      a.fixed(wordStorage), segmentActivations, freeActivations, deliveries,
      firstDelivery, resumes, a.sized(tbus), a.sized(clusters), a.sized(traffic),
      a.sized(idleSince), a.sized(lastKernel), a.sized(lanes),
      a.fixed(laneFirst), a.fixed(lanePeas), a.sized(laneWaits), a.sized(central), centralFree, centralAt,
      a.sized(freeSets), freePerClass, readySequence, a.fixed(mesh),
      a.fixed(routes), linkNetwork, network, flitNetwork, a.fixed(delivered),
      meshAt, faults, a.sized(hbmFree), hostInFree, hostOutFree, a.sized(entries),
      a.fixed(entryBlock), a.sized(laneAdmitted), a.sized(laneInterval),
      a.fixed(segmentLaneBegin), slotOrder, slotGroups, a.sized(laneGroups),
      a.sized(tenants), waitingRequests, a.sized(records), a.sized(requestWork),
      a.sized(requestClassWork),
      a.sized(requestPath), a.fixed(outputs), a.fixed(outputDigests),
      a.fixed(totalRequests), openRequests, requestsInTime, finishedRequests, admittedOpen,
      heldInstances, spillsUnderWay, lastEpoch, quietEpochs, arrivalOrder, a.sized(laneRouters),
      valueSequence, a.fixed(gaps), a.fixed(weightTensors),
      a.sized(nominalCalls), a.fixed(variantScaleQ16), a.sized(learnedQ16),
      a.sized(learnedCount), counters, peaCycles, blame, cause, idleDepth,
      steady, idleTransient, idleStructural, idleContagious,
      a.fixed(breakEvenCycles), a.fixed(usablePeas), a.sized(totals), a.sized(outcomeCounts),
      a.sized(slotTotals), a.sized(energyCounts),
      a.sized(kernelTotals), capacityByClass, realisedWork, hostInTotal,
      hostOutTotal, a.fixed(timePriceQ16), chainExtra, hostCut, taskWait, admissionWait, a.sized(latency),
      a.sized(kernelUsed), a.sized(weightUsed), failures, outcomes,
      outcomeDetails, nextSample, lastSample, lastLinkBusy, a.fixed(madeByTask),
      a.fixed(taskBlocks),
      a.fixed(flowsIn), a.fixed(flowsOut), a.fixed(scratchpadUse),
      a.fixed(fatal), events, lastActivity);
  if constexpr (!Archive::typesOnly)
    frameWords(a);
}

/// What faults have changed in the tables of the program. Comes before all
/// else, since the mesh and the queues are laid out by it.
template <class Archive>
void Engine::changedTables(Archive &a) {
  if (!ownTables)
    return;
  MachineTables &machine = ownTables->machine;
  a.sequence(machine.live, true);
  a.sequence(machine.dead, true);
  a.sequence(machine.linkDead, true);
  a.value(machine.anyLinkDead);
  a.sequence(machine.hbm, true);
  a.sequence(ownTables->replicas, true);
  a.sequence(ownTables->laneBegin, true);
}

/// The mesh and the queues of a machine that has been read.
Expected<void> Engine::followTables() {
  if (!ownTables)
    return {};
  connectMachine(ownTables->machine);
  layOutQueues();
  return prepareNetwork();
}

/// Words of frames lie outside of them.
template <class Archive>
void Engine::frameWords(Archive &a) {
  if (Archive::reading) {
    for (std::vector<uint32_t *> &list : freeWords)
      list.clear();
    wordStorage.clear();
  }
  // Those of what is made again lie in its lineage.
  std::vector<uint32_t> lineageOf(frames.size(), noIndex);
  for (uint32_t i = 0; a.ok() && faults && i < instances.size(); ++i) {
    const Instance &instance = instances[i];
    if (!(instance.generation & 1) || !instance.replay)
      continue;
    if (instance.frame >= frames.size() || i >= faults->ofInstance.size() ||
        faults->ofInstance[i].lineage >= faults->lineages.size())
      return a.fail();
    lineageOf[instance.frame] = faults->ofInstance[i].lineage;
  }
  for (uint32_t i = 0; a.ok() && i < frames.size(); ++i) {
    Frame &frame = frames[i];
    if (!(frame.generation & 1))
      continue;
    if (lineageOf[i] != noIndex) {
      frame.words = faults->lineages[lineageOf[i]].words.data();
      continue;
    }
    if (frame.region >= t.regions.size())
      return a.fail();
    const RegionInfo &region = t.regions[frame.region];
    size_t words =
        size_t(region.blockEnd - region.blockBegin) + region.numInputs;
    if (Archive::reading) {
      wordStorage.emplace_back(std::make_unique<uint32_t[]>(words + 1));
      frame.words = wordStorage.back().get();
    }
    a.block(frame.words, words * sizeof(uint32_t));
  }
}

namespace {
/// Goes over the types of a state and sums their sizes up.
class StateLayout : public StateArchive<StateLayout> {
public:
  static constexpr bool reading = false;
  static constexpr bool typesOnly = true;
  uint64_t hash = 0;

  bool ok() const { return true; }
  void fail() {}
  void block(const void *, size_t size) { hash = splitmix64(hash ^ size); }
  bool same(uint64_t) { return true; }
  template <class T>
  void sequence(T &, bool) {
    element<typename T::value_type>();
  }
  void bits(const std::vector<bool> &) {}
  template <class T>
  void set(std::set<T> &) {
    element<T>();
  }
  template <class T>
  void optional(std::optional<T> &) {
    element<T>();
  }
  template <class T>
  void element() {
    hash = splitmix64(hash ^ sizeof(T) ^ uint64_t(1) << 32);
    if constexpr (!std::is_trivially_copyable_v<T> &&
                  std::is_default_constructible_v<T>) {
      T one{};
      value(one);
    }
  }
};
} // namespace

/// What the state of this run is described by.
Checkpoint Engine::describe() {
  Checkpoint checkpoint;
  checkpoint.program = options.checkpoint.program;
  checkpoint.options = describeRun(options);
  StateLayout layout;
  changedTables(layout);
  state(layout);
  for (char c : std::string_view(OCTO_VERSION))
    layout.hash = splitmix64(layout.hash ^ uint8_t(c));
  checkpoint.layout = layout.hash;
  checkpoint.events = events;
  checkpoint.cycle = now();
  return checkpoint;
}

/// Errors of a run that cannot be checkpointed, before it begins.
Expected<void> Engine::checkCheckpoint() const {
  const CheckpointOptions &wanted = options.checkpoint;
  if (wanted.file.empty() && wanted.resume.empty())
    return {};
  if (functional)
    return makeError("checkpoints hold no values, so they are for runs without "
                     "code: add --timing-only, or drop --checkpoint and "
                     "--resume");
  if (!policy->saveState())
    return makeError("policy '{}' does not say what it remembers, so its runs "
                     "have no checkpoints: override Policy::saveState (and "
                     "restoreState), or choose another policy",
                     options.policy);
  return {};
}

Expected<void> Engine::saveCheckpoint() {
  Checkpoint checkpoint = describe();
  StateWriter writer;
  std::string remembered = policy->saveState().value_or("");
  writer.value(remembered);
  changedTables(writer);
  state(writer);
  checkpoint.state = std::move(writer.bytes);
  return writeCheckpoint(options.checkpoint.file, checkpoint);
}

Expected<void> Engine::loadCheckpoint() {
  const std::string &path = options.checkpoint.resume;
  Expected<Checkpoint> checkpoint = readCheckpoint(path);
  if (!checkpoint)
    return octo::Error(checkpoint.error());
  if (Expected<void> matches = matchCheckpoint(*checkpoint, describe());
      !matches) {
    Diagnostic diagnostic = matches.error();
    diagnostic.file = path;
    return octo::Error(std::move(diagnostic));
  }
  StateReader reader(checkpoint->state);
  std::string remembered;
  reader.value(remembered);
  changedTables(reader);
  if (reader.ok())
    if (Expected<void> followed = followTables(); !followed)
      return followed;
  state(reader);
  if (!reader.finished() || !policy->restoreState(remembered))
    return makeFileError(path, "the checkpoint does not fit this run: run "
                               "again from the start");
  // It may have been watched, or not, without being another run.
  if (!trace) {
    nextSample = never;
  } else if (nextSample == never) {
    NetworkUse use;
    networkResult(use);
    lastLinkBusy = use.busyCycles;
    lastSample = now();
    nextSample = (now() / epochPeriod() + 1) * epochPeriod();
  }
  return {};
}
