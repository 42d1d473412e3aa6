//===- AllocatorImpl.h - The state of an allocation -------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// allocate, by phase: AllocateLanes.cpp cuts the machine into lanes, sizes
// gangs and replicas and copies the first lane to the others, AllocateHomes.cpp
// finds the homes of its blocks, AllocateReplicas.cpp spreads the other
// replicas over it, and Allocator.cpp checks what is asked for and puts it all
// in order.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_SCHEDULING_ALLOCATORIMPL_H
#define OCTO_LIB_SCHEDULING_ALLOCATORIMPL_H

#include "Saturating.h"

#include "octo/Scheduling/Allocator.h"
#include "octo/Target/Capacity.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

namespace octo::sched::allocation {

inline tl::unexpected<Violation> violation(uint32_t block,
                                           std::string message) {
  return tl::make_unexpected(Violation{block, {}, std::move(message)});
}

/// Minimum over a range of positions, with updates in logarithmic time.
class MinTree {
public:
  explicit MinTree(uint32_t size) : leaves(std::bit_ceil(std::max(size, 1u))) {
    best.assign(2 * leaves, forever);
  }
  void set(uint32_t at, uint64_t value) {
    best[at += leaves] = value;
    while (at >>= 1)
      best[at] = std::min(best[2 * at], best[2 * at + 1]);
  }
  /// The first position of the least value, or `none` if all are `forever`.
  uint32_t argMin() const {
    if (best[1] >= forever)
      return none;
    uint32_t at = 1;
    while (at < leaves)
      at = best[2 * at] == best[at] ? 2 * at : 2 * at + 1;
    return at - leaves;
  }

private:
  uint32_t leaves;
  std::vector<uint64_t> best;
};

/// A range of live PEAs of one class.
struct Run {
  uint16_t first;
  uint16_t count;
};

/// A block that another one exchanges data with.
struct Neighbour {
  uint32_t cluster;
  uint32_t local;
  uint64_t bytes;
  uint64_t end; ///< of what it sends; 0: it takes
};

/// PEAs of the first lane that a task could have.
struct Spot {
  uint32_t local = none, first = 0;
  bool under = false; ///< the fair share of the load
  uint64_t score = 0, end = 0, gap = 0;
};

class Allocator {
public:
  Allocator(const Problem &problem, const Topology &topology,
            const AllocateOptions &options)
      : problem(problem), topology(topology), desc(topology.desc()),
        capacity(topology), options(options), numBlocks(problem.numBlocks()) {}

  Checked<Allocation> run();

private:
  Checked<void> checkNeeds();
  Checked<void> checkPins();
  void chooseLanes();
  void chooseGangs();
  void chooseCopies();
  Checked<HomingPlan> placeLane();
  Checked<void> placeByBest();
  bool mapLane();
  /// The first lane while blocks get their homes; TBUs and PEAs by local
  /// number.
  struct Filling {
    std::array<uint64_t, numPeaClasses> cap{}; // load of a PEA, fair share
    std::vector<uint64_t> freeAt;              // of a PEA
    std::vector<MinTree> firstFree;            // of those under the cap
    std::vector<uint32_t> localOf;             // of a TBU, if one lane is all
    std::vector<uint32_t> firstOfCluster;
    std::vector<uint64_t> endOf;  // of the first instance of a block
    std::vector<uint32_t> homeOf; // cluster of a block
    // Of the block whose turn it is.
    std::vector<Neighbour> neighbours;
    std::vector<uint32_t> candidates;
  };
  struct Tried {
    Candidate candidate;
    bool under; // there is a spot with room for its fair share
  };
  Checked<void> placeFirstLane();
  Filling emptyLane();
  void refresh(Filling &f, uint32_t local);
  void findNeighbours(Filling &f, uint32_t b) const;
  uint64_t readyAt(const Filling &f, uint32_t cluster) const;
  uint64_t byteHops(const Filling &f, uint32_t b, uint32_t cluster) const;
  void placeControl(Filling &f, uint32_t b);
  size_t findCandidates(Filling &f, uint32_t b) const;
  Tried tryTbu(const Filling &f, uint32_t b, uint32_t local, Spot &spot) const;
  Checked<void> placeTask(Filling &f, uint32_t b);
  void spreadCopies();
  void evenOut();
  void foldCopies();
  uint32_t pieceSite(uint32_t block, uint32_t copy, uint32_t &first,
                     uint64_t &score);
  void put(uint32_t block, uint32_t copy, uint32_t local, uint32_t first);
  void addLoad(uint32_t local, uint32_t first, uint32_t gang, int64_t busy);
  Checked<void> copyLane(uint32_t lane);
  uint16_t mostPeas(uint32_t block, uint32_t tbu) const {
    return elasticLimit(problem, topology, block, tbu, result.gang[block]);
  }
  Checked<Replica> placeNear(uint32_t block, uint32_t position);
  void placeStandby();
  Placement collect();

  std::string name(uint32_t block) const {
    return fmt::format("task '{}'", problem.path[block]);
  }
  uint32_t classOf(uint32_t block) const {
    return uint32_t(problem.peaClass[problem.kernel[block]]);
  }
  bool isPinned(uint32_t block) const {
    return problem.pinCluster[block] != none || problem.pinTbu[block] != none;
  }
  uint32_t clusterAt(uint32_t local) const {
    return tbuOrder[local] / desc.tbusPerCluster;
  }
  /// Ranges of consecutive live PEAs of a class in a TBU.
  const std::vector<Run> &runsOf(uint32_t tbu, uint32_t peaClass) const {
    return runs[size_t(tbu) * numPeaClasses + peaClass];
  }
  /// What a request keeps each replica of a block busy, in 1/65536 cycles.
  uint64_t partOf(uint32_t block) const { return busy[block] / copies[block]; }
  uint32_t longestRun(uint32_t tbu, uint32_t peaClass) const {
    uint32_t longest = 0;
    for (const Run &run : runsOf(tbu, peaClass))
      longest = std::max<uint32_t>(longest, run.count);
    return longest;
  }

  const Problem &problem;
  const Topology &topology;
  const TargetDesc &desc;
  Capacity capacity;
  const AllocateOptions &options;
  const uint32_t numBlocks;

  Allocation result;
  std::vector<std::vector<Run>> runs;            // by TBU and class
  std::array<uint32_t, numPeaClasses> longest{}; // run, over the machine
  std::array<uint64_t, numPeaClasses> live{};    // PEAs
  std::vector<uint32_t> usableTbus;              // in snake order
  /// Lane l has TBUs tbuOrder[l * tbusPerLane .. (l + 1) * tbusPerLane).
  std::vector<uint32_t> tbuOrder;
  uint32_t tbusPerLane = 1;
  std::vector<uint32_t> usablePosition; // of a TBU in usableTbus
  uint32_t lanes = 1;
  std::vector<uint32_t> copies; // replicas of each block in a lane
  /// Cycles of one request, by block, in 1/65536: on one PEA, and of its gang.
  std::vector<uint64_t> load, busy;
  Demand demand;
  std::vector<uint32_t> order; // blocks by falling rank
  Adjacency flowsIn, flowsOut;
  std::vector<uint64_t> hostBytes; // in and out, by block
  // State of the first lane while it is filled; TBUs and PEAs by local number.
  std::vector<uint64_t> loadOf; // of a PEA, in 1/65536 cycles
  std::vector<MinTree> leastLoad;
  std::vector<std::vector<uint32_t>> kernelsOf; // at home in a TBU
  std::vector<uint64_t> codeOf;                 // bytes of their code
  std::vector<uint32_t> homeTbu;                // of a block
  // Replica i of block b in lane l: slots[(base[b] + i) * lanes + l].
  std::vector<uint32_t> base;
  std::vector<Replica> placed;
  /// Position in the first lane of the TBU of each replica (for a control
  /// block, of a TBU of its cluster); `none` where it lies outside.
  std::vector<uint32_t> positionOf;
  std::vector<std::vector<Replica>> standbyOf;
  std::vector<Decision> homes;
  std::vector<Edge> traffic; // of a request
  /// By block, the cluster that data would have it in; empty: time decides.
  std::vector<uint32_t> guide;
  /// What a place by data must keep to: no task so late that the request ends
  /// after this, no PEA of a class busier than that.
  uint64_t deadline = forever;
  std::array<uint64_t, numPeaClasses> mostLoad{};
  uint64_t length = 0;           // of a request, expected
  std::vector<uint64_t> startOf; // of the first instance of a block
};

} // namespace octo::sched::allocation

#endif // OCTO_LIB_SCHEDULING_ALLOCATORIMPL_H
