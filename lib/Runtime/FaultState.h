//===- FaultState.h - What a run with faults keeps --------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Beside the engine's own state, and only in runs that have faults: which parts
// die when, how every value was made (its lineage), who waits for a value that
// is being made again (docs/semantics.md, section 12).
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_FAULTSTATE_H
#define OCTO_LIB_RUNTIME_FAULTSTATE_H

#include "Pool.h"
#include "ProgramTables.h"

#include "octo/Runtime/RunResult.h"

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace octo {

enum class MessageKind : uint8_t;

/// Who made a value, and so who can make it again.
enum class MadeBy : uint8_t { Task, Join, Argument, Weight, Index };

/// How the outputs of one instance were made. Kept while one of them may be
/// wanted again: while it is in use, or something that was made of it is.
struct Lineage {
  uint32_t generation = 0;
  MadeBy by;
  bool busy; ///< is being made again
  bool drawnCycles;
  uint32_t block;
  uint32_t region; ///< Task: of the frame that it ran in
  uint32_t request;
  uint32_t cluster; ///< of the host port or the CBU that makes it
  uint32_t copy;
  uint32_t call;    ///< Task: into the costs, which the record owns
  uint32_t pending; ///< Join: inputs on the way to its engine
  uint32_t uses;    ///< outputs that have a record, and one while busy
  uint64_t tag;
  uint64_t drawn, oneCycles;
  std::array<uint64_t, 5> joinWork; ///< by class
  /// By input of a task, value + 1, 0 for weights; else values + 1.
  std::vector<uint32_t> inputs;
  std::vector<uint32_t> outputs; ///< values
  std::vector<uint32_t> words;   ///< inputs of the instance that is at it
};

/// Beside a value.
struct ValueTrace {
  uint32_t lineage = noIndex;
  uint32_t lineageRefs = 0; ///< records that it is an input of
  uint32_t fault = noIndex; ///< that it was lost by
};

/// Beside a task instance.
struct InstanceTrace {
  uint32_t fault = noIndex;   ///< that set it back; until it computes again
  uint32_t lineage = noIndex; ///< of what it makes again
  uint64_t spent = 0;         ///< PEA-cycles before its last resize
};

/// Someone who is to be sent a value that is lost at present.
struct LostWaiter {
  uint32_t value; ///< held
  MessageKind kind;
  uint32_t target, targetGeneration;
  uint32_t aux;
};

/// PEAs of a gang that has lost a member, until its scheduler knows.
struct Limbo {
  uint32_t tbu;
  PeaMask peas;
  uint64_t since;
  uint64_t until;
};

/// A kernel whose code was on its way to a TBU and does not come.
struct VoidCode {
  uint32_t tbu, kernel;
  bool operator==(const VoidCode &) const = default;
};

/// A task instance that a death sets back.
struct SetBack {
  uint32_t id;
  uint32_t tbu; ///< where it goes on; noIndex: the dispatcher says
  uint32_t from;
  bool keep; ///< its inputs are in its cluster
  bool move; ///< it only changes its TBU while inputs come
};

/// Live PEAs by class from a cycle on; the last number is that of all classes.
struct CapacityStep {
  uint64_t cycle;
  std::array<uint64_t, 4> peas;
};

struct FaultState {
  std::vector<MachineFault> events; ///< in order of cycle
  size_t next = 0;
  uint64_t detectionCycles = 0;
  uint64_t meshOpenAt = 0; ///< routes are being made until then
  std::vector<uint8_t> usedWorkflow;
  std::vector<uint8_t> cbuDead;    ///< by cluster
  std::vector<uint32_t> cbuOf;     ///< cluster whose CBU stands in; noIndex
  std::vector<uint32_t> adopted;   ///< by TBU: replicas that moved there
  std::vector<uint8_t> rehomed;    ///< by replica
  std::vector<uint32_t> shareSize; ///< by replica: PEAs at the start
  std::vector<uint64_t> unallocatedSince; ///< by PEA
  std::vector<uint64_t> deadBefore; ///< by cluster: sum of PEAs' last cycles
  std::vector<Limbo> limbo;
  std::vector<CapacityStep> capacity;
  /// Cycles of links of networks that were given up.
  std::vector<uint64_t> pastBusy, pastWaited;

  Pool<Lineage> lineages;
  std::vector<ValueTrace> ofValue;
  std::vector<InstanceTrace> ofInstance;
  std::vector<LostWaiter> waiting;
  /// Lost values that somebody waits for, and from when they may be made.
  std::vector<std::pair<uint32_t, uint64_t>> wanted;
  std::vector<uint8_t> requestHit; ///< by number: arguments fetched again
  std::vector<uint64_t> setBackOf, repeatedOf; ///< by block

  FaultStatistics numbers;

  /// By cluster, of `clusters`: cycles for which it has been dead at `end`.
  std::vector<uint64_t> deadClusterCycles(uint32_t clusters,
                                          uint64_t end) const {
    std::vector<uint64_t> cycles(clusters, 0);
    // A cluster dies once.
    for (size_t i = next; i-- > 0;)
      if (events[i].kind == PartKind::Cluster)
        cycles[events[i].unit] = end - events[i].cycle;
    return cycles;
  }
};

} // namespace octo

#endif // OCTO_LIB_RUNTIME_FAULTSTATE_H
