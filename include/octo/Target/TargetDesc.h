//===- TargetDesc.h - A machine, as its target file states it ---*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The parameters of a machine as plain data, and the reader of target files
// (YAML). `Machine` (Machine.h) is what they expand to.
//
// Numbering, used everywhere. Clusters have global coordinates (x, y) over all
// dies: x = die.x * clustersPerDie.x + x within the die, and so for y.
//   cluster = y * meshWidth + x
//   tbu     = cluster * tbusPerCluster + position in the cluster
//   pea     = tbu * peasPerTbu + position in the TBU
// All times are in cycles of the one clock; all rates are whole numbers, so
// that nothing that decides a trace rests on floating point.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TARGET_TARGETDESC_H
#define OCTO_TARGET_TARGETDESC_H

#include "octo/Support/Diagnostic.h"

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

/// Kinds of processing-element arrays.
enum class PeaKind : uint8_t { Matrix, Vector, General };

/// "matrix", "vector" or "general".
std::string_view stringifyPeaKind(PeaKind kind);

/// One class of PEAs and what one PEA of it does in a cycle.
struct PeaClass {
  PeaKind kind = PeaKind::General;
  /// The array of processing elements.
  uint32_t rows = 1;
  uint32_t cols = 1;
  /// Multiply-accumulates of one processing element in a cycle.
  uint32_t macsPerPe = 1;
  /// Element-wise operations (add, multiply, compare, convert) in a cycle.
  uint32_t vectorPerCycle = 1;
  /// Special functions (divide, exp, log, tanh, sqrt) in a cycle.
  uint32_t specialPerCycle = 1;
  /// Scalar and address operations in a cycle.
  uint32_t scalarPerCycle = 1;
  /// Local memory of one PEA, in bytes.
  uint64_t sramBytes = 0;

  /// Peak multiply-accumulates in a cycle: rows * cols * macsPerPe.
  uint64_t macsPerCycle() const { return uint64_t(rows) * cols * macsPerPe; }
  bool operator==(const PeaClass &) const = default;
};

/// The memory that the TBUs of a cluster share.
struct ScratchpadDesc {
  uint64_t bytes = 0;
  /// Guaranteed to each TBU of the cluster, read and write together.
  uint32_t portBytesPerCycle = 1;
  bool operator==(const ScratchpadDesc &) const = default;
};

/// The resident-kernel store of a TBU.
struct ConfigStoreDesc {
  /// Kernels that may be resident at once.
  uint32_t kernels = 1;
  /// Code bytes of all resident kernels together.
  uint64_t bytes = 0;
  /// Loading a kernel of b bytes takes loadSetupCycles + b / loadBytesPerCycle.
  uint32_t loadBytesPerCycle = 1;
  uint32_t loadSetupCycles = 0;
  bool operator==(const ConfigStoreDesc &) const = default;
};

/// The mesh that carries tensors.
struct DataPlaneDesc {
  /// Width of a link in each direction; one flit.
  uint32_t linkBytesPerCycle = 1;
  /// Head latency of one router and the link after it.
  uint32_t hopCycles = 1;
  /// Entering and leaving the mesh, both together.
  uint32_t interfaceCycles = 0;
  /// Per input port: virtual channels, and flits that one buffers.
  uint32_t virtualChannels = 1;
  uint32_t bufferFlits = 1;
  bool operator==(const DataPlaneDesc &) const = default;
};

/// Links between dies; they replace the mesh links at the borders of dies.
struct DieLinkDesc {
  uint32_t bytesPerCycle = 1;
  /// Added to the hop latency of the data plane.
  uint32_t extraCycles = 0;
  bool operator==(const DieLinkDesc &) const = default;
};

/// The separate network of tokens, status and commands.
struct ControlPlaneDesc {
  /// A CBU evaluates one control block (the kernel of a decide region, if any,
  /// is charged apart).
  uint32_t cbDecisionCycles = 0;
  /// A token, a status word or a command over one hop.
  uint32_t tokenHopCycles = 0;
  /// A TBU takes and decodes a command.
  uint32_t commandCycles = 0;
  /// One decision of a dispatcher that serves the whole machine.
  uint32_t centralDispatchCycles = 0;
  /// One decision of a cluster's or TBU's own scheduler.
  uint32_t localDispatchCycles = 0;
  bool operator==(const ControlPlaneDesc &) const = default;
};

/// Where requests enter and results leave.
struct HostPortDesc {
  Coord at;
  uint32_t ingressBytesPerCycle = 1;
  uint32_t egressBytesPerCycle = 1;
  uint32_t latencyCycles = 0;
  bool operator==(const HostPortDesc &) const = default;
};

/// A port to external memory, beside the router of a cluster.
struct HbmPortDesc {
  Coord at;
  uint64_t bytes = 0;
  uint32_t bytesPerCycle = 1;
  uint32_t latencyCycles = 0;
  /// Every access is rounded up to a multiple of this.
  uint32_t burstBytes = 1;
  bool operator==(const HbmPortDesc &) const = default;
};

/// Energy in picojoules an event; leakage in milliwatts. Reported, never used
/// to decide anything.
struct EnergyDesc {
  double mac = 0;
  double vectorOp = 0;
  double specialOp = 0;
  double scalarOp = 0;
  double sramByte = 0;
  double scratchpadByte = 0;
  /// One byte over one router and link of the mesh.
  double linkByte = 0;
  double dieLinkByte = 0;
  double hbmByte = 0;
  double hostByte = 0;
  /// One byte of a kernel's configuration.
  double configByte = 0;
  double cbDecision = 0;
  /// A token, status word or command over one hop.
  double tokenHop = 0;
  double peaLeakageMilliwatt = 0;
  /// Scratchpad, router, CBU and schedulers of one cluster.
  double clusterLeakageMilliwatt = 0;
  bool operator==(const EnergyDesc &) const = default;
};

enum class PartKind : uint8_t { Pea, Tbu, Cluster, Link };

/// "pea", "tbu", "cluster" or "link".
std::string_view stringifyPartKind(PartKind kind);

/// A part of the machine, named as target files name it.
struct PartRef {
  PartKind kind = PartKind::Pea;
  Coord cluster;
  /// Position in the cluster, for a TBU or a PEA.
  uint32_t tbu = 0;
  /// Position in the TBU, for a PEA.
  uint32_t pea = 0;
  /// The other end, for a link. A link is both of its directions.
  Coord to;
  bool operator==(const PartRef &) const = default;
};

/// What is dead from the start. A part is dead when it is listed or when its
/// draw falls under the rate: Philox4x32-10 with key `seed` and counter
/// (kind as in PartKind, 0, index low, index high), word 0 < rate * 2^32. The
/// index is the PEA's, the TBU's or the cluster's number; for a link twice the
/// number of its western or northern end, plus 1 if it runs along y.
struct DefectsDesc {
  std::vector<PartRef> parts;
  uint64_t seed = 0;
  double peaRate = 0;
  double tbuRate = 0;
  double linkRate = 0;
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
  uint32_t clockMhz = 1000;
  Extent dies;
  Extent clustersPerDie;
  uint32_t tbusPerCluster = 1;
  uint32_t peasPerTbu = 1;
  std::vector<PeaClass> peaClasses;
  /// For each TBU of a cluster, the class (an index into peaClasses) of all its
  /// PEAs; every cluster is alike. A gang lives on one TBU, so it is of one
  /// class.
  std::vector<uint32_t> tbuLayout;
  ScratchpadDesc scratchpad;
  ConfigStoreDesc configStore;
  /// Instances that the ready queue of a TBU holds.
  uint32_t readyQueue = 1;
  DataPlaneDesc dataPlane;
  DieLinkDesc dieLink;
  ControlPlaneDesc controlPlane;
  std::vector<HostPortDesc> hostPorts;
  std::vector<HbmPortDesc> hbmPorts;
  EnergyDesc energy;
  DefectsDesc defects;
  /// In order of cycle; those of one cycle in the order of the file.
  std::vector<FaultDesc> faults;

  uint32_t meshWidth() const { return dies.x * clustersPerDie.x; }
  uint32_t meshHeight() const { return dies.y * clustersPerDie.y; }
  uint32_t numClusters() const { return meshWidth() * meshHeight(); }
  uint32_t numTbus() const { return numClusters() * tbusPerCluster; }
  uint32_t numPeas() const { return numTbus() * peasPerTbu; }
  uint32_t clusterAt(Coord at) const { return at.y * meshWidth() + at.x; }
  bool operator==(const TargetDesc &) const = default;
};

/// Largest machine that a target file may state.
inline constexpr uint64_t maxTargetPeas = uint64_t(1) << 22;

/// Reads a target file. The error names the place (line, column), what was
/// found and what is expected there.
Expected<TargetDesc> readTarget(const std::string &path);

/// Reads a target from `text`; `name` stands for the file in errors.
Expected<TargetDesc> parseTarget(std::string_view text, std::string_view name);

/// The target as a file that parseTarget reads back to an equal value: every
/// parameter, in one order and one spelling.
std::string writeTarget(const TargetDesc &target);

/// SHA-256 (64 hexadecimal digits) of writeTarget(target): equal for two files
/// that state the same machine.
std::string digest(const TargetDesc &target);

/// "cluster (3, 4), TBU 1, PEA 2" and the like.
std::string describe(const PartRef &part);

} // namespace octo

#endif // OCTO_TARGET_TARGETDESC_H
