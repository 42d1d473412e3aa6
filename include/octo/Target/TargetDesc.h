//===- TargetDesc.h - A machine, as its target file states it ---*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The parameters of a machine as plain data, and the reader of target files
// (YAML). Topology.h tells what is alive and how it is connected.
//
// Numbering, used everywhere. Clusters have global coordinates (x, y) over all
// dies: x = die.x * clustersPerDie.x + x within the die, and so for y.
//   cluster = y * meshWidth + x
//   tbu     = cluster * tbusPerCluster + position in the cluster
//   pea     = tbu * peasPerTbu + position in the TBU
// Times are in cycles of the one clock. Every number is an integer, fractions
// in 1/65536 ("q16"), so that no floating point decides a trace.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TARGET_TARGETDESC_H
#define OCTO_TARGET_TARGETDESC_H

#include "octo/Support/Diagnostic.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace octo {

/// A size in two dimensions.
struct Extent {
  uint32_t x = 1;
  uint32_t y = 1;
  bool operator==(const Extent &) const = default;
};

/// Global coordinates of a cluster.
struct Coord {
  uint32_t x = 0;
  uint32_t y = 0;
  bool operator==(const Coord &) const = default;
};

/// Classes of processing-element arrays, numbered as in the program file.
enum class PeaClass : uint8_t { Matrix, Vector, General };
inline constexpr unsigned numPeaClasses = 3;

/// "matrix", "vector" or "general".
std::string_view stringifyPeaClass(PeaClass peaClass);

/// What one PEA of a class does in a cycle, in 1/65536 operations. All zero for
/// a class that the machine does not have; otherwise none is zero.
struct PeaRatesDesc {
  /// Multiply-accumulates; the PE array busy in full.
  uint64_t macQ16 = 0;
  /// Element-wise operations: add, multiply, compare, convert.
  uint64_t vectorQ16 = 0;
  /// Special functions: divide, square root, exp, log, tanh.
  uint64_t specialQ16 = 0;
  /// Scalar and address operations.
  uint64_t scalarQ16 = 0;
  bool operator==(const PeaRatesDesc &) const = default;
};

/// The processing-element arrays.
struct PeaDesc {
  /// Processing elements of one PEA.
  uint32_t rows = 1;
  uint32_t cols = 1;
  /// Local memory of one PEA, in bytes.
  uint64_t sramBytes = 0;
  /// Class of each PEA of a TBU, by position; every TBU is alike.
  std::vector<PeaClass> layout;
  /// By class.
  std::array<PeaRatesDesc, numPeaClasses> rates;
  bool operator==(const PeaDesc &) const = default;
};

/// The memory that the TBUs of a cluster share.
struct ScratchpadDesc {
  uint64_t bytes = 0;
  /// Guaranteed to each TBU, reads and writes together.
  uint32_t bytesPerCycle = 1;
  bool operator==(const ScratchpadDesc &) const = default;
};

/// The resident-kernel store of a TBU.
struct ConfigStoreDesc {
  /// Code of all resident kernels together.
  uint64_t bytes = 0;
  /// Loading a kernel that is not resident.
  uint32_t bytesPerCycle = 1;
  /// Switching to a resident kernel.
  uint32_t switchCycles = 0;
  bool operator==(const ConfigStoreDesc &) const = default;
};

/// The mesh that carries tensors.
struct DataPlaneDesc {
  /// Width of a link in each direction, which is one flit.
  uint32_t linkBytesPerCycle = 1;
  /// Head latency of one router and the link after it.
  uint32_t hopCycles = 1;
  /// Entering and leaving the mesh, once a packet.
  uint32_t interfaceCycles = 0;
  /// Bytes that one input port of a router buffers, all virtual channels.
  uint32_t linkBufferBytes = 1;
  bool operator==(const DataPlaneDesc &) const = default;
};

/// Links between dies; they replace the mesh links at the borders of dies.
struct DieLinkDesc {
  uint32_t bytesPerCycle = 1;
  /// Head latency of the router and the link between dies.
  uint32_t hopCycles = 1;
  bool operator==(const DieLinkDesc &) const = default;
};

/// The separate network of tokens, status and commands, and the units on it.
struct ControlPlaneDesc {
  /// A CBU evaluates one control block, beside its decide kernel.
  uint32_t cbDecisionCycles = 0;
  /// Cycles of a CBU for one scalar operation of a decide kernel.
  uint32_t cbCyclesPerScalarQ16 = 65536;
  /// A token, a status word or a command over one hop, and its size.
  uint32_t tokenHopCycles = 0;
  uint32_t tokenBytes = 8;
  /// A TBU takes and decodes a command.
  uint32_t commandCycles = 0;
  /// One decision of a cluster's or TBU's own scheduler.
  uint32_t localDispatchCycles = 0;
  /// One decision of a dispatcher that serves the whole machine.
  uint32_t centralDispatchCycles = 0;
  /// Re-forming a gang at a tile boundary, beside the redistribution of data.
  uint32_t resizeCycles = 0;
  bool operator==(const ControlPlaneDesc &) const = default;
};

/// Where requests enter and results leave.
struct HostDesc {
  Coord at;
  uint32_t ingressBytesPerCycle = 1;
  uint32_t egressBytesPerCycle = 1;
  uint32_t latencyCycles = 0;
  bool operator==(const HostDesc &) const = default;
};

/// A port to external memory, beside the router of a cluster.
struct HbmPortDesc {
  Coord at;
  uint64_t bytes = 0;
  uint32_t bytesPerCycle = 1;
  uint32_t latencyCycles = 0;
  bool operator==(const HbmPortDesc &) const = default;
};

/// Energy in 1/65536 picojoules an event. Reported; decides nothing.
struct EnergyDesc {
  uint64_t macQ16 = 0;
  uint64_t vectorQ16 = 0;
  uint64_t specialQ16 = 0;
  uint64_t scalarQ16 = 0;
  uint64_t scratchpadByteQ16 = 0;
  /// One byte over one router and link of a die's mesh, or between dies.
  uint64_t linkByteQ16 = 0;
  uint64_t dieLinkByteQ16 = 0;
  uint64_t hbmByteQ16 = 0;
  uint64_t hostByteQ16 = 0;
  /// One byte of a kernel's configuration.
  uint64_t configByteQ16 = 0;
  uint64_t cbDecisionQ16 = 0;
  /// A token, status word or command over one hop.
  uint64_t tokenHopQ16 = 0;
  /// A cycle of one PEA with its SRAM and configuration.
  uint64_t peaLeakageQ16 = 0;
  /// A cycle of the scratchpad, router, CBU and schedulers of one cluster.
  uint64_t clusterLeakageQ16 = 0;
  bool operator==(const EnergyDesc &) const = default;
};

/// Kinds of parts that can be dead or die, numbered as in the program file.
enum class PartKind : uint8_t { Pea, Tbu, Cbu, Link, Cluster, Hbm };

/// "pea", "tbu", "cbu", "link", "cluster" or "hbm".
std::string_view stringifyPartKind(PartKind kind);

/// A part of the machine, named as target files name it.
struct PartRef {
  PartKind kind = PartKind::Pea;
  /// Its cluster; for a link one end, for an HBM port unused.
  Coord cluster;
  /// Position in the cluster, for a TBU or a PEA; index of an HBM port.
  uint32_t unit = 0;
  /// Position in the TBU, for a PEA.
  uint32_t pea = 0;
  /// The other end, for a link. A link is both of its directions.
  Coord to;
  bool operator==(const PartRef &) const = default;
};

/// "PEA 2 of TBU 1 of cluster (3, 4)" and the like.
std::string describe(const PartRef &part);

/// What is dead from the start: parts that are listed (PEAs, TBUs, links,
/// clusters), and parts whose draw falls under a rate. A draw is word 0 of
/// Philox4x32-10 with key `seed` and counter (kind, 0, index, 0), where kind is
/// 0 for PEAs, 1 for TBUs and 2 for links; the part is dead when the draw is
/// below rate * 2^32. The index is the number of the PEA or TBU; for a link it
/// is twice the number of its western or northern cluster, plus 1 when the link
/// runs along y.
struct DefectsDesc {
  std::vector<PartRef> parts;
  uint64_t seed = 0;
  /// In 2^-32.
  uint64_t peaRateQ32 = 0;
  uint64_t tbuRateQ32 = 0;
  uint64_t linkRateQ32 = 0;
  bool operator==(const DefectsDesc &) const = default;
};

/// A part that dies during a run.
struct FaultDesc {
  uint64_t cycle = 0;
  PartRef part;
  bool operator==(const FaultDesc &) const = default;
};

/// A whole target file.
struct TargetDesc {
  std::string name;
  uint64_t clockHz = 0;
  Extent dies;
  Extent clustersPerDie;
  uint32_t tbusPerCluster = 1;
  uint32_t peasPerTbu = 1;
  PeaDesc pea;
  ScratchpadDesc scratchpad;
  ConfigStoreDesc configStore;
  DataPlaneDesc dataPlane;
  /// Equal to the links of the mesh on a machine of one die.
  DieLinkDesc dieLink;
  ControlPlaneDesc controlPlane;
  HostDesc host;
  std::vector<HbmPortDesc> hbmPorts;
  EnergyDesc energy;
  DefectsDesc defects;
  /// In ascending order of cycle; those of one cycle in the order of the file.
  std::vector<FaultDesc> faults;

  uint32_t meshWidth() const { return dies.x * clustersPerDie.x; }
  uint32_t meshHeight() const { return dies.y * clustersPerDie.y; }
  uint32_t numClusters() const { return meshWidth() * meshHeight(); }
  uint32_t numTbus() const { return numClusters() * tbusPerCluster; }
  uint32_t numPeas() const { return numTbus() * peasPerTbu; }
  uint32_t clusterAt(Coord at) const { return at.y * meshWidth() + at.x; }
  Coord coordOf(uint32_t cluster) const {
    return {cluster % meshWidth(), cluster / meshWidth()};
  }
  bool operator==(const TargetDesc &) const = default;
};

/// Largest machine that a target file may state.
inline constexpr uint64_t maxTargetPeas = uint64_t(1) << 22;

/// Reads a target file. The error names the place (line, column), what was
/// found and what is expected there. The target is checked in full: every
/// coordinate is on the mesh, every class of the layout has rates.
Expected<TargetDesc> readTarget(const std::string &path);

/// Reads a target from `text`; `name` stands for the file in errors.
Expected<TargetDesc> parseTarget(std::string_view text, std::string_view name);

/// The target as a file that parseTarget reads back to an equal value: every
/// parameter, in one order and one spelling.
std::string writeTarget(const TargetDesc &target);

/// The same machine with its defects as explicit lists of dead PEAs and dead
/// links, sorted, without seed and rates.
TargetDesc expandDefects(const TargetDesc &target);

/// SHA-256 (64 hexadecimal digits) of writeTarget(expandDefects(target)): equal
/// for two targets that state the same machine.
std::string digest(const TargetDesc &target);

} // namespace octo

#endif // OCTO_TARGET_TARGETDESC_H
