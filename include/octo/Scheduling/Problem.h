//===- Problem.h - What is to be placed and scheduled -----------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The problem apart from the algorithms: a graph of blocks with expected costs,
// as structure of arrays. Allocator.h and StaticSchedule.h solve it, Verify.h
// checks what they say. None of them knows MLIR or the program file.
//
// Costs are in cycles of the machine's clock, sizes in bytes, fractions in
// 1/65536 ("q16").
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_SCHEDULING_PROBLEM_H
#define OCTO_SCHEDULING_PROBLEM_H

#include "octo/Support/Diagnostic.h"
#include "octo/Target/Topology.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace octo::sched {

inline constexpr uint32_t none = 0xffffffff;

/// A kernel on a gang: `scaleQ16` is its time relative to one PEA, `footprint`
/// the bytes it needs in the SRAM of each PEA of the gang.
struct GangOption {
  uint16_t gang = 1;
  uint32_t scaleQ16 = 65536;
  uint64_t footprint = 0;
};

/// Data from one block to another. `none` as an end is the host port.
struct Edge {
  uint32_t from = none;
  uint32_t to = none;
  uint64_t bytes = 0;
  /// Of a stream: 2 to 16 chunks, and how many of them its buffer takes.
  uint16_t chunks = 1;
  uint16_t buffer = 1;
  /// The consumer, a control block, decides without it: it is for its regions
  /// or its join.
  bool late = false;

  bool isStream() const { return chunks > 1; }
  /// Of the largest chunk.
  uint64_t chunkBytes() const { return (bytes + chunks - 1) / chunks; }
};

/// Outgoing or incoming edges by block: block b owns
/// edges[offsets[b] .. offsets[b + 1]).
struct Adjacency {
  std::vector<uint32_t> offsets;
  std::vector<uint32_t> edges;

  std::span<const uint32_t> of(uint32_t block) const {
    return std::span(edges).subspan(offsets[block],
                                    offsets[block + 1] - offsets[block]);
  }
};

struct Problem {
  //===--------------------------------------------------------------------===//
  // Kernels
  //===--------------------------------------------------------------------===//
  std::vector<std::string> kernelName;
  std::vector<uint64_t> codeBytes;
  std::vector<PeaClass> peaClass;
  /// Options of kernel k: gangs[gangOffsets[k] .. gangOffsets[k + 1]), at least
  /// one, by ascending gang, the first of gang 1 and scale 65536.
  std::vector<uint32_t> gangOffsets{0};
  std::vector<GangOption> gangs;

  //===--------------------------------------------------------------------===//
  // Regions: region 0 is the body; a region comes after its owner's region.
  //===--------------------------------------------------------------------===//
  std::vector<uint32_t> regionOwner;
  /// Expected activations of the region for each activation of its owner: the
  /// probability of a case, the trips of a loop, the copies of a fan-out.
  std::vector<uint64_t> regionRateQ16;
  /// Variance of their number over the square of its mean.
  std::vector<uint64_t> regionVariationQ16;
  /// The region's activations of one owner instance run one after the other
  /// (the halves of a loop) and not side by side.
  std::vector<bool> regionSerial;
  /// The region is a copy of a fan-out, or lies in one.
  std::vector<bool> regionCopied;
  /// Of its owner's regions exactly one runs: the cases of a branch.
  std::vector<bool> regionExclusive;

  //===--------------------------------------------------------------------===//
  // Blocks: those of a region in a topological order, and by ascending region.
  //===--------------------------------------------------------------------===//
  std::vector<std::string> path;
  std::vector<uint32_t> region;
  /// `none` for control blocks, whose decisions a CBU makes.
  std::vector<uint32_t> kernel;
  /// Expected cycles of one instance on one PEA; of a control block, on its
  /// CBU. `cyclesP95`: passed by one instance in twenty.
  std::vector<uint64_t> cycles;
  std::vector<uint64_t> cyclesP95;
  /// Variance of an instance's cycles over the square of their mean.
  std::vector<uint64_t> cyclesVariationQ16;
  std::vector<bool> dynamicTime;
  std::vector<bool> dynamicFrequency;
  /// What the user fixed; `none` and 0 where nothing.
  std::vector<uint32_t> pinCluster;
  std::vector<uint32_t> pinTbu;
  std::vector<uint16_t> pinGang;
  /// The most PEAs that the user allows; 0 where nothing.
  std::vector<uint16_t> maxGang;
  /// Weights that block b reads: weights[weightOffsets[b] ..).
  std::vector<uint32_t> weightOffsets{0};
  std::vector<uint32_t> weights;
  std::vector<uint64_t> weightBytes;

  //===--------------------------------------------------------------------===//
  // Edges
  //===--------------------------------------------------------------------===//
  /// Precedence within a region: producer to consumer. What an inner region
  /// takes in is an input of the control block that owns it.
  std::vector<Edge> edges;
  /// Where data really goes: to the inner block that reads an import, from a
  /// yielding inner block to the control block, from and to the host.
  std::vector<Edge> flows;

  uint32_t numBlocks() const { return uint32_t(region.size()); }
  uint32_t numRegions() const { return uint32_t(regionOwner.size()); }
  bool isTask(uint32_t block) const { return kernel[block] != none; }
  std::span<const GangOption> gangsOf(uint32_t block) const {
    uint32_t k = kernel[block];
    return std::span(gangs).subspan(gangOffsets[k],
                                    gangOffsets[k + 1] - gangOffsets[k]);
  }
  std::span<const uint32_t> weightsOf(uint32_t block) const {
    return std::span(weights).subspan(
        weightOffsets[block], weightOffsets[block + 1] - weightOffsets[block]);
  }
  /// Expected cycles of a task on `gang` PEAs: that of the largest option not
  /// above `gang`. At least 1.
  uint64_t cyclesOn(uint32_t block, uint32_t gang) const;
};

/// A rule that is broken, with the blocks that break it (the first is where the
/// error belongs; `none`: the whole problem).
struct Violation {
  uint32_t block = none;
  std::vector<uint32_t> others;
  std::string message;
};
template <class T>
using Checked = tl::expected<T, Violation>;

/// Checks that the arrays fit together, regions and edges are well-formed and
/// acyclic, and that gangs are sorted.
Checked<void> checkProblem(const Problem &problem);

/// Groups the edges by producer (`outgoing`) or consumer; edges of the host are
/// left out. Indices are into `edges`.
Adjacency groupEdges(std::span<const Edge> edges, uint32_t numBlocks,
                     bool outgoing);

/// Expected instances of each block in one request, in 1/65536, saturating.
std::vector<uint64_t> expectedCounts(const Problem &problem);

/// What one request asks of each block: mean and tail. A variation is the
/// variance over the square of the mean, in 1/65536, at most 2^40. Sums of a
/// random number of terms (Blackwell, Girshick 1947) go down the regions:
///
///   of instances:  v(N) = v(N of the owner) + v(region) / mean N of the owner
///   of cycles:     v(W) = v(N) + v(cycles of an instance) / mean N
///
/// Outcomes of different instances are taken as independent.
struct Demand {
  std::vector<uint64_t> countQ16; // as of expectedCounts
  std::vector<uint64_t> countVariationQ16;
  std::vector<uint64_t> workVariationQ16;
};
Demand expectedDemand(const Problem &problem);

/// The flows with the bytes that one request is expected to send over them, at
/// least 1 where it sends any: each instance of the block that lies deeper
/// takes or gives the data once.
std::vector<Edge> expectedTraffic(const Problem &problem,
                                  std::span<const uint64_t> countQ16);

/// How data gets from one cluster to another, or within one: its head needs
/// `latency` cycles (`none` where there is no route), its body
/// bytes / bytesPerCycle.
struct Way {
  uint32_t latency = 0;
  uint32_t bytesPerCycle = 1;
};
Way wayBetween(const Topology &topology, uint32_t from, uint32_t to);

/// Cycles from the commit of a flow at one cluster to its presence at another:
/// within a cluster, its bytes over the scratchpad port; else the head latency
/// of the route plus its bytes over the narrowest link on it. Formula of
/// virtual cut-through without contention, see docs/timing-model.md. Saturates
/// where there is no route.
uint64_t transferCycles(const Topology &topology, uint32_t from, uint32_t to,
                        uint64_t bytes);

/// Cycles of a token between two clusters on the control plane
/// (docs/timing-model.md); 0 where there is no route.
uint64_t tokenCycles(const Topology &topology, uint32_t from, uint32_t to);

/// Upward rank with communication of every block (Topcuoglu et al., HEFT, IEEE
/// TPDS 13(3), 2002): the expected length of the longest chain of work from the
/// block's start to the end of the request. Transfers count as between two
/// neighbouring clusters. Loops count all their expected iterations. `gang`
/// gives the PEAs of each task. Cost: linear in blocks and edges.
std::vector<uint64_t> upwardRanks(const Problem &problem,
                                  const Topology &topology,
                                  std::span<const uint16_t> gang);

} // namespace octo::sched

#endif // OCTO_SCHEDULING_PROBLEM_H
