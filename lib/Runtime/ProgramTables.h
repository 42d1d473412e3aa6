//===- ProgramTables.h - A program laid out for the engine ------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Dense tables, built once before a run: blocks, regions, values and their
// consumers of all workflows under one numbering, timing of every kernel, the
// machine with its defects. No event looks into the FlatBuffers.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_PROGRAMTABLES_H
#define OCTO_LIB_RUNTIME_PROGRAMTABLES_H

#include "Divisor.h"
#include "RequestRecords.h"

#include "octo/Program/CycleModel.h"
#include "octo/Runtime/Policy.h"
#include "octo/Runtime/Tensor.h"
#include "octo/Support/Diagnostic.h"
#include "octo/Target/TargetDesc.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace octo {

namespace fb {
struct Program;
} // namespace fb

/// Numbered as in program.fbs.
enum class BlockKind : uint8_t { Task, Switch, Select, Loop, Fanout };
enum class RegionRole : uint8_t { Body, Case, Member, Before, After, Each };
enum class KernelKind : uint8_t { Image, Profiled, Join };
enum class CombineKind : uint8_t { None, Concat, Add, Max, Min };
enum class RoutingRule : uint8_t { ByRequest, ByCopy };

inline constexpr uint32_t weightFlag = 0x80000000u;
inline constexpr uint32_t forwardedFlag = 0x80000000u;
inline constexpr uint32_t copyIndexMark = 0x40000000u;

struct TypeInfo {
  ElementKind element = ElementKind::F32;
  bool scalar = false;
  bool dynamic = false;
  std::vector<int64_t> dims;
};

struct ValueInfo {
  uint64_t bytes;
  uint32_t type;
  uint32_t consumerBegin; ///< up to that of the next value
};

/// Who takes a value within its region.
struct Consumer {
  uint32_t block; ///< global block, or noIndex for a yield of the region
  uint32_t input; ///< position of the input or of the yield
};

struct RegionInfo {
  uint32_t owner; ///< global block; noIndex for bodies
  uint32_t blockBegin, blockEnd;
  uint32_t valueBegin, valueEnd;
  uint32_t numImports;
  uint32_t importBegin; ///< into imports
  uint32_t yieldBegin, numYields;
  uint32_t inputBegin; ///< inputs of all blocks: contiguous from here
  uint32_t numInputs;
  uint32_t workflow;
  uint32_t segmentBegin, segmentEnd; ///< into regionSegments
  uint32_t activeBegin, activeEnd;   ///< blocks without inputs to wait for
  RegionRole role;
  bool yieldsWeights;
};

/// What tasks and control blocks have in common; a large program is mostly
/// these, so that rare things lie elsewhere.
struct BlockInfo {
  BlockKind kind;
  RoutingRule routing;
  bool takesStreams, feedsStreams; ///< tasks with streamed inputs, outputs
  uint32_t workflow;
  uint32_t local;      ///< number within its workflow
  uint32_t kernel;     ///< noIndex: the profile decides
  uint32_t inputBegin; ///< into inputs
  uint32_t numInputs;
  uint32_t outputBegin, numOutputs;
  uint32_t replicaBegin, numActive, numReplicas; ///< active ones first
  uint32_t profile;
  uint32_t weightBegin, weightEnd; ///< into blockWeights
  uint32_t slotOfBlock;            ///< first slot; noIndex: dynamic
  uint32_t control;                ///< into controls; noIndex: a task
  uint64_t priority;
  uint64_t expectedCycles;

  /// Inputs that are values, not weights.
  uint32_t numWaited() const { return numInputs - (weightEnd - weightBegin); }
};

/// What only control blocks have.
struct ControlInfo {
  uint32_t joinKernel;
  uint32_t decideInputs;
  uint32_t regionBegin, numRegions;
  uint32_t credits;
  uint64_t bound;
};

struct ReplicaInfo {
  PeaMask peas;      ///< the live PEAs of the share
  uint32_t tbu;      ///< global
  uint32_t lane;     ///< queue of this share under fixed shares
  uint32_t original; ///< number in the program's list
  uint16_t maxGang;
  bool standby;
};

/// Marks a symbol of the work that is a counter.
inline constexpr uint32_t counterFlag = counterMark;
/// In place of recorded cycles: the recorded symbols tell them.
inline constexpr uint64_t workRecorded = ~uint64_t(0);

struct KernelInfo {
  KernelKind kind;
  CombineKind combine;
  uint8_t peaClass;
  bool counterWork; ///< the work depends on counters
  bool fixedWork;   ///< the work is always the same
  uint32_t variantBegin, variantEnd;
  uint32_t distinctBegin, distinctEnd; ///< its symbols, into distinctSymbols
  uint32_t numInputs, numOutputs, numCounters;
  uint32_t signatureBegin;
  uint32_t maxGang;
  uint64_t codeBytes;
  uint64_t donated;
  uint32_t image;
  uint32_t name;
};

struct WeightInfo {
  uint64_t bytes;
  uint32_t type;
};

struct DistributionInfo {
  uint32_t knotBegin, knotEnd; ///< of its curve
  bool discrete;
  bool identity;
  uint64_t scale;
  int64_t shift;
};

struct ProfileEpoch {
  uint64_t firstRequest;
  uint32_t distribution;
  uint32_t frequencyBegin, frequencyEnd;
};

struct SlotInfo {
  uint32_t block;   ///< global
  uint32_t replica; ///< of lane 0, number in the program's list
  uint32_t segment; ///< position among the segments of its region
  uint64_t start;
  uint64_t cycles;
};

struct SegmentInfo {
  uint32_t region;
  uint32_t slotBegin, slotEnd;
  uint64_t initiationInterval;
  uint32_t lanes;
};

/// A flow that goes in chunks.
struct StreamInfo {
  uint32_t input;    ///< into inputs
  uint32_t consumer; ///< block
  uint32_t producer; ///< block
  uint8_t chunks, buffer;
};

struct WorkflowInfo {
  uint32_t blockBegin, blockEnd;
  uint32_t valueBegin;
  uint32_t regionBegin, regionEnd; ///< the first one is the body
  uint32_t numArguments;
  uint32_t numResults;
  uint64_t epochCycles;
  /// Expected instances a request by block, in 1/65536; as in the program.
  std::span<const uint64_t> expectedCounts;
  RequestRecords records;
  std::string name;
};

/// Energy of events in 1/65536 picojoule.
struct EnergyTable {
  uint64_t mac, vector, special, scalar;
  uint64_t scratchpadByte, linkByteHop, hbmByte, configByte, controlToken;
  uint64_t peaLeakageCycle, hostByte, dieLinkByte, cbDecision;
  uint64_t clusterLeakageCycle;
};

struct HbmInfo {
  uint32_t cluster;
  uint32_t bytesPerCycle;
  uint32_t latency;
  uint64_t bytes;
  bool dead = false;
};

/// A part that dies during the run. `unit` is the number of a PEA, TBU or
/// cluster (also of a CBU's), or of a memory port; a link joins clusters `unit`
/// and `other`.
struct MachineFault {
  uint64_t cycle;
  PartKind kind;
  uint32_t unit;
  uint32_t other;
};

/// The machine as the engine sees it.
struct MachineTables {
  Divisor width; ///< clusters
  uint32_t height;
  Divisor dieWidth, dieHeight;
  uint32_t clusters;
  Divisor tbusPerCluster;
  uint32_t peasPerTbu, tbus;
  std::vector<PeaMask> live;        ///< per TBU; empty where unreachable
  std::vector<PeaMask> dead;        ///< per TBU
  std::array<PeaMask, 3> classMask; ///< positions of a class in a TBU
  std::array<uint64_t, 3> livePerClass;
  std::vector<uint8_t> linkDead; ///< cluster * 4 + direction
  bool anyLinkDead = false;
  std::vector<uint8_t> reachable;   ///< clusters connected with the host
  std::vector<uint32_t> nearestHbm; ///< per cluster; noIndex without HBM
  std::vector<HbmInfo> hbm;
  std::vector<MachineFault> faults; ///< of the target, in order of cycle
  uint64_t clockHz;
  uint64_t scratchpad;
  uint32_t scratchpadBytesPerCycle;
  uint64_t configStore;
  uint32_t configBytesPerCycle, configSwitchCycles;
  uint32_t linkBuffer; ///< 0: not stated
  uint32_t linkBytesPerCycle, hopCycles, dieLinkBytesPerCycle, dieHopCycles;
  uint32_t cbDecisionCycles, tokenHopCycles, commandCycles;
  uint32_t localDispatchCycles, centralDispatchCycles;
  uint32_t hostCluster, hostInBytesPerCycle, hostOutBytesPerCycle, hostLatency;
  uint32_t resizeFixedCycles, tokenBytes, cbCyclesPerScalarQ16, interfaceCycles;
  EnergyTable energy;

  uint32_t xOf(uint32_t cluster) const { return cluster % width; }
  uint32_t yOf(uint32_t cluster) const { return cluster / width; }
  uint32_t distance(uint32_t a, uint32_t b) const {
    if (a == b)
      return 0;
    uint32_t ax = xOf(a), bx = xOf(b), ay = yOf(a), by = yOf(b);
    return (ax > bx ? ax - bx : bx - ax) + (ay > by ? ay - by : by - ay);
  }
  /// Direction of the link from a cluster to its neighbour: 0 +x, 1 -x, 2 +y,
  /// 3 -y; 4: they are none.
  unsigned directionTo(uint32_t from, uint32_t to) const {
    if (from >= clusters || to >= clusters || distance(from, to) != 1)
      return 4;
    if (yOf(from) == yOf(to))
      return to > from ? 0 : 1;
    return to > from ? 2 : 3;
  }
  uint32_t clusterOf(uint32_t tbu) const { return tbu / tbusPerCluster; }
  /// Whether what lies behind a memory port can be had.
  bool serves(uint32_t port) const {
    return !hbm[port].dead && reachable[hbm[port].cluster];
  }
  PeaMask eligible(uint32_t tbu, uint8_t peaClass) const {
    return livePerClass[peaClass] ? live[tbu] & classMask[peaClass] : live[tbu];
  }
};

/// Draws and means of the program's inverse distribution functions.
struct DistributionTables {
  std::vector<DistributionInfo> items;
  /// The knots where they are: these tables can be most of a program.
  std::span<const uint64_t> u;
  std::span<const int64_t> x;

  /// The value at `draw`, uniform in [0, 2^64).
  int64_t sample(uint32_t distribution, uint64_t draw) const;
};

struct ProgramTables {
  const fb::Program *source = nullptr;
  std::vector<TypeInfo> types;
  std::vector<WorkflowInfo> workflows;
  std::vector<ValueInfo> values; ///< one more at the end
  /// By value; empty when no value has one.
  std::vector<uint32_t> bytesDistributions;
  std::vector<Consumer> consumers;
  std::vector<RegionInfo> regions;
  std::vector<uint32_t> imports;
  std::vector<uint32_t> yields; ///< global values, or weightFlag | weight
  std::vector<BlockInfo> blocks;
  std::vector<ControlInfo> controls;
  std::vector<uint32_t> inputs; ///< global values, or weightFlag | weight
  std::vector<uint32_t> blockWeights;
  std::vector<uint32_t> activeBlocks;
  /// Imports that a block input feeds: (region, import), by input of all
  /// blocks; empty without control blocks.
  std::vector<uint32_t> importUseBegin;
  std::vector<std::pair<uint32_t, uint32_t>> importUses;
  std::vector<ReplicaInfo> replicas;
  std::vector<KernelInfo> kernels;
  std::vector<VariantCosts> variants;
  std::vector<uint32_t> distinctSymbols; ///< per kernel, ascending
  std::vector<uint32_t> signature;
  std::vector<WeightInfo> weights;
  DistributionTables distributions;
  std::vector<uint32_t> profileBegin;
  std::vector<ProfileEpoch> epochs;
  std::vector<uint64_t> frequencies;
  std::vector<SegmentInfo> segments;
  std::vector<SlotInfo> slots;
  std::vector<uint32_t> regionSegments;
  std::vector<StreamInfo> streams;       ///< by ascending input
  std::vector<uint32_t> producedStreams; ///< the same by producer
  MachineTables machine;
  /// Fixed shares, distinct (TBU, mask) pairs: the first one of each TBU, + 1.
  std::vector<uint32_t> laneBegin;

  const ControlInfo &controlOf(const BlockInfo &block) const {
    return controls[block.control];
  }
  ElementKind elementOf(uint32_t value) const {
    return types[values[value].type].element;
  }
  /// The stream that feeds an input (into inputs), or null.
  const StreamInfo *streamTo(uint32_t input) const {
    auto found = std::lower_bound(
        streams.begin(), streams.end(), input,
        [](const StreamInfo &s, uint32_t i) { return s.input < i; });
    return found != streams.end() && found->input == input ? &*found : nullptr;
  }
  /// Numbers of the streams that a task feeds.
  std::span<const uint32_t> streamsFrom(uint32_t block) const {
    auto begin = std::partition_point(
        producedStreams.begin(), producedStreams.end(),
        [&](uint32_t s) { return streams[s].producer < block; });
    auto end =
        std::partition_point(begin, producedStreams.end(), [&](uint32_t s) {
          return streams[s].producer == block;
        });
    return {begin, end};
  }
  /// The distribution of the size of a value, or noIndex.
  uint32_t bytesDistribution(uint32_t value) const {
    return bytesDistributions.empty() ? noIndex : bytesDistributions[value];
  }
  uint32_t clusterOf(const ReplicaInfo &replica) const {
    return machine.clusterOf(replica.tbu);
  }

  // For messages and traces, and what is needed once a run; read from the
  // program.
  std::string_view string(uint32_t index) const;
  std::string_view pathOf(uint32_t block) const;
  std::string_view fileOf(uint32_t block) const;
  uint32_t lineOf(uint32_t block) const;
  uint64_t expectedCountQ16(uint32_t block) const {
    const BlockInfo &info = blocks[block];
    std::span<const uint64_t> counts = workflows[info.workflow].expectedCounts;
    return info.local < counts.size() ? counts[info.local] : 65536;
  }
  /// "path (file:line)" for messages.
  std::string place(uint32_t block) const;

  const ProfileEpoch *epochFor(uint32_t profile, uint64_t request) const {
    uint32_t begin = profileBegin[profile], end = profileBegin[profile + 1];
    uint32_t found = begin;
    for (uint32_t e = begin + 1; e < end && epochs[e].firstRequest <= request;
         ++e)
      found = e;
    return &epochs[found];
  }
};

/// Brings up to date what follows from dead PEAs, links and memory ports: which
/// clusters the host port reaches, live PEAs a class, the nearest port.
void connectMachine(MachineTables &machine);

/// Numbers the queues of fixed shares.
void layOutLanes(ProgramTables &tables);

/// Builds the tables. The program has passed the validator; what the engine
/// needs beyond that (routes to every replica, at most 64 PEAs a TBU) is
/// checked here.
Expected<ProgramTables> buildTables(const fb::Program &program);

} // namespace octo

#endif // OCTO_LIB_RUNTIME_PROGRAMTABLES_H
