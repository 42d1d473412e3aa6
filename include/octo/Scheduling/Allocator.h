//===- Allocator.h - Shares of PEAs and homes of blocks ---------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Decides where the instances of each block may run. The machine is cut into
// lanes: groups of neighbouring TBUs that hold one copy of the whole workflow
// each, so that the blocks of a request stay near each other. Within a lane,
// blocks are placed in the order of their upward rank where they would end
// first, under a cap on the expected load of each PEA, so that shares become
// proportional to expected work. See docs/scheduling.md.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_SCHEDULING_ALLOCATOR_H
#define OCTO_SCHEDULING_ALLOCATOR_H

#include "octo/Scheduling/Problem.h"

#include <array>

namespace octo::sched {

enum class Routing : uint8_t { ByRequest, ByCopy };

/// As in the program file.
struct Replica {
  uint32_t cluster = 0;
  uint16_t tbu = 0; // in the cluster
  uint16_t peaFirst = 0;
  uint16_t peaCount = 0; // 0: the CBU
  uint16_t maxGang = 0;
  uint32_t shareQ16 = 0;
  bool standby = false;
  bool operator==(const Replica &) const = default;
};

struct Placement {
  /// Replicas of block b: replicas[offsets[b] .. offsets[b + 1]). The active
  /// ones come first; replica i * lanes + l of them is in lane l.
  std::vector<uint32_t> offsets{0};
  std::vector<Replica> replicas;
  std::vector<Routing> routing;
  uint32_t lanes = 1;

  std::span<const Replica> of(uint32_t block) const {
    return std::span(replicas).subspan(offsets[block],
                                       offsets[block + 1] - offsets[block]);
  }
  /// The cluster of the first replica of a block; the host's if it has none.
  uint32_t clusterOf(uint32_t block, const Topology &topology) const {
    return of(block).empty() ? topology.hostCluster() : of(block)[0].cluster;
  }
  /// The PEAs of each block's first replica: its fixed gang.
  std::vector<uint16_t> gangs() const {
    std::vector<uint16_t> result;
    for (size_t b = 0; b + 1 < offsets.size(); ++b)
      result.push_back(replicas[offsets[b]].peaCount);
    return result;
  }
};

enum class DecisionKind : uint8_t { Share, Home, Slot, Class };
enum class Outcome : uint8_t {
  Chosen,
  Worse,
  NoCapacity,
  Defect,
  Pinned,
  NoRoute
};

/// Something that was considered. `score`: lower is better; for a share, the
/// PEA-cycles of an instance on that gang; for a home, the cycle at which the
/// first instance would end there.
struct Candidate {
  uint32_t cluster = 0;
  uint16_t tbu = 0;
  uint16_t gang = 0;
  int64_t score = 0;
  Outcome outcome = Outcome::Worse;
};

struct Decision {
  uint32_t block = 0;
  DecisionKind kind = DecisionKind::Home;
  std::vector<Candidate> candidates;
};

/// What decides the homes within a lane of several clusters: when a task would
/// end there, or how far its data travels (mapToMesh).
enum class Homing : uint8_t { Time, Data };

struct AllocateOptions {
  /// Copies of the workflow on the machine; 0: as many as make sense.
  uint32_t lanes = 0;
  /// Least efficiency (time on one PEA over p times time on p) at which a fixed
  /// gang of p PEAs is still chosen, in 1/65536.
  uint32_t gangEfficiencyQ16 = 45875; // 0.7
  /// Load of a PEA above its fair share that is accepted for a better place.
  uint32_t loadSlackQ16 = 16384; // a quarter
  /// Standby replicas of blocks of dynamic frequency that have one active one.
  uint32_t standby = 1;
  /// At most this many replicas per PEA of the machine, over all blocks.
  uint32_t replicasPerPea = 8;
  /// No more replicas of a block than make its part of a request's work on a
  /// PEA smaller than the fair load of a PEA over this.
  uint32_t piecesPerPea = 8;
  /// Try both ways of homing and take the better one; if not, by time only.
  bool mapByData = true;
  /// Larger graphs are homed by time only: a mapping costs some 50 us a block.
  uint32_t mapMostBlocks = 32768;
  /// How much longer than by time a request may take where homes follow data,
  /// and how much busier the busiest PEA may be, in 1/65536.
  uint32_t mapLossQ16 = 655; // 1 %
  /// Keep candidates and scores.
  bool recordDecisions = true;
};

/// A way of homing and what is expected of it.
struct HomingPlan {
  /// Bytes times hops of a request, in its lane and to the host port.
  uint64_t hopBytes = 0;
  /// Cycles of a request alone: the latest start of a block plus its rank.
  uint64_t length = 0;
  /// What the busiest PEA does for a request, in 1/65536 cycles.
  uint64_t busiestQ16 = 0;
};

struct Allocation {
  Placement placement;
  /// Fixed gang of each task under static policies; 0 for control blocks.
  std::vector<uint16_t> gang;
  std::vector<uint64_t> rank;
  std::vector<uint64_t> countQ16;
  /// By block, first shares then homes (of lane 0).
  std::vector<Decision> decisions;
  // For reports.
  uint32_t tbusPerLane = 0;
  /// Expected cycles between two requests that the busiest PEA of the lanes
  /// allows, in 1/65536.
  uint64_t bottleneckQ16 = 0;
  /// The way of homing taken, and by Homing what was expected; the second is
  /// only there (`mapped`) where a lane has several clusters.
  Homing homing = Homing::Time;
  bool mapped = false;
  std::array<HomingPlan, 2> homingPlans{};
};

/// TBUs in the order in which lanes take them, so that consecutive ones are
/// neighbours: of `lanes` lanes, number l has those from l * size / lanes on,
/// as many for each (rounded down). Several lanes are made of TBUs without
/// defects where that leaves no more than a quarter unused. TBUs without a live
/// PEA are left out.
std::vector<uint32_t> laneTbus(const Topology &topology, uint32_t lanes);

/// The most PEAs that an elastic policy may give a task in a TBU in which its
/// fixed gang has `gang`.
uint16_t elasticLimit(const Problem &problem, const Topology &topology,
                      uint32_t block, uint32_t tbu, uint16_t gang);

/// What each PEA does for one request, in 1/65536 cycles: the work of a block
/// is split evenly among its active replicas.
std::vector<uint64_t> plannedLoads(const Problem &problem,
                                   const Topology &topology,
                                   const Placement &placement,
                                   std::span<const uint64_t> countQ16);

/// Bytes times hops that a request is expected to cost in a lane, host port
/// included: `traffic` is what expectedTraffic says, `clusters` the cluster of
/// each active replica of block b from `offsets[b]` on. Replicas take turns.
uint64_t expectedHopBytes(const Topology &topology,
                          std::span<const Edge> traffic,
                          std::span<const uint32_t> offsets,
                          std::span<const uint32_t> clusters);

/// Sets the shares of all replicas of tasks: the part of what their busiest PEA
/// does. Shares of a PEA never add up to more than 65536.
void planShares(const Problem &problem, const Topology &topology,
                std::span<const uint64_t> countQ16, Placement &placement);

/// Places all blocks. Errors name the block, what it needs, what the machine
/// has, and what to change. Cost: near-linear in blocks, edges and replicas.
Checked<Allocation> allocate(const Problem &problem, const Topology &topology,
                             const AllocateOptions &options = {});

/// The conventional mapping, to compare with: every task gets an equal number
/// of PEAs of its class, in the order of the blocks along laneTbus, whatever it
/// costs and however often it runs; every control block an equal number of
/// CBUs. More tasks than PEAs share them evenly in time. A task's PEAs are cut
/// into replicas of the largest gang that is efficient enough
/// (`gangEfficiencyQ16`) and fits. Pins are honoured. Needs no frequencies: the
/// only columns of the problem that are read are kernels, gangs, pins, regions
/// (for the routing). Cost: linear in blocks and replicas, of which there are
/// no more than PEAs and blocks together.
Checked<Placement> placeEvenly(const Problem &problem, const Topology &topology,
                               uint32_t gangEfficiencyQ16 = 45875);

} // namespace octo::sched

#endif // OCTO_SCHEDULING_ALLOCATOR_H
