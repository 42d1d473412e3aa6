//===- Topology.h - What of a machine is alive and connected ----*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A target expanded: live PEAs by TBU, live links, and the routes of the mesh
// around its defects. The compiler places with it, the verifier checks with it,
// the simulator moves messages and kills parts with it.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TARGET_TOPOLOGY_H
#define OCTO_TARGET_TOPOLOGY_H

#include "octo/Target/MeshRoutes.h"
#include "octo/Target/TargetDesc.h"

#include <bit>
#include <vector>

namespace octo {

/// One direction of a link: its number is from * 4 + direction.
struct MeshLink {
  uint32_t from = 0;
  uint32_t to = 0;
};

class Topology {
public:
  static constexpr uint32_t none = 0xffffffff;

  /// `desc` must satisfy checkTarget; its defects are dead from the start.
  explicit Topology(TargetDesc desc);

  const TargetDesc &desc() const { return target; }

  /// Makes a part dead. Parts of it die too: a TBU's PEAs, a cluster's TBUs,
  /// CBU and links. Dead parts stay dead.
  void kill(const PartRef &part);

  //===--------------------------------------------------------------------===//
  // What is alive
  //===--------------------------------------------------------------------===//

  /// Bit p: PEA p of the TBU is alive and its cluster can be reached.
  uint64_t livePeaMask(uint32_t tbu) const {
    return clusterUsable(tbu / target.tbusPerCluster) ? alive[tbu] : 0;
  }
  /// Live PEAs of a TBU; they need not be neighbours.
  uint32_t livePeas(uint32_t tbu) const {
    return uint32_t(std::popcount(livePeaMask(tbu)));
  }
  /// Live PEAs among positions [first, first + count) of a TBU.
  uint32_t livePeas(uint32_t tbu, uint32_t first, uint32_t count) const;
  /// Live PEAs of the machine.
  uint32_t livePeas() const;
  /// Most live PEAs of any TBU: the largest gang that the machine can form.
  uint32_t largestTbu() const;

  bool peaLive(uint32_t pea) const {
    return livePeaMask(pea / target.peasPerTbu) >> (pea % target.peasPerTbu) &
           1;
  }
  /// The PEA itself works; its cluster may be cut off.
  bool peaIntact(uint32_t pea) const {
    return alive[pea / target.peasPerTbu] >> (pea % target.peasPerTbu) & 1;
  }
  /// The cluster's router has not died and messages get from the host port to
  /// it and back.
  bool clusterUsable(uint32_t cluster) const { return usable[cluster]; }
  bool cbuLive(uint32_t cluster) const {
    return usable[cluster] && !deadCbu[cluster];
  }
  bool hbmLive(uint32_t port) const;

  //===--------------------------------------------------------------------===//
  // The mesh
  //===--------------------------------------------------------------------===//

  uint32_t numClusters() const { return target.numClusters(); }
  /// Numbers of links are below this; not every number is a link.
  uint32_t numLinks() const { return numClusters() * 4; }
  /// The neighbour in a direction, or `none` at the border of the mesh.
  uint32_t neighbour(uint32_t cluster, Direction direction) const;
  /// The link from a cluster to its neighbour, or `none` if they are none.
  uint32_t linkBetween(uint32_t from, uint32_t to) const;
  MeshLink link(uint32_t number) const;
  bool linkLive(uint32_t number) const { return !deadLink[number]; }
  /// The link joins two dies.
  bool linkCrossesDies(uint32_t number) const;
  uint32_t linkBytesPerCycle(uint32_t number) const {
    return linkCrossesDies(number) ? target.dieLink.bytesPerCycle
                                   : target.dataPlane.linkBytesPerCycle;
  }
  uint32_t linkHopCycles(uint32_t number) const {
    return linkCrossesDies(number) ? target.dieLink.hopCycles
                                   : target.dataPlane.hopCycles;
  }

  /// Hops of the route (MeshRoutes.h), 0 to itself, `none` if there is no way.
  uint32_t distance(uint32_t from, uint32_t to) const {
    return routes.hops(from, to);
  }
  bool reachable(uint32_t from, uint32_t to) const {
    return routes.reachable(from, to);
  }
  /// Appends the links of the route: dimension order, x then y, on a mesh
  /// without dead links, else up*/down*. False (and nothing appended) if there
  /// is no way.
  bool route(uint32_t from, uint32_t to, std::vector<uint32_t> &links) const;
  /// Cycles from sending a message to its arrival, but for its length on a
  /// link: every router on the way with the link after it, the last one with
  /// the way into its cluster, and the interface once, less the cycle in which
  /// the first flit is counted already. `none` without a route; 0 to itself.
  uint32_t headLatency(uint32_t from, uint32_t to) const;

  /// The live memory port with the fewest hops from a cluster (the first in the
  /// target among equals), or `none`.
  uint32_t nearestHbm(uint32_t cluster) const { return hbmOf[cluster]; }
  uint32_t hostCluster() const { return target.clusterAt(target.host.at); }

private:
  void killOne(const PartRef &part);
  /// Brings all that follows from the dead parts up to date.
  void update();

  TargetDesc target;
  std::vector<uint64_t> alive;  // by TBU
  std::vector<bool> deadRouter; // by cluster
  std::vector<bool> deadCbu;    // by cluster
  std::vector<bool> deadLink;   // by link, also those that leave the mesh
  std::vector<bool> deadHbm;    // by port
  std::vector<bool> usable;     // by cluster
  std::vector<uint32_t> hbmOf;  // by cluster
  // Tables of detours are made when asked for. Queries on one Topology from
  // several threads need a lock, or a copy each.
  mutable MeshRoutes routes;
};

/// Checks that a target makes sense, whoever made it: ranges of all parameters,
/// coordinates on the mesh, a live host port and at least one live PEA that it
/// can reach. The message begins with the parameter's path in a target file,
/// in backquotes.
Expected<void> checkTarget(const TargetDesc &target);

} // namespace octo

#endif // OCTO_TARGET_TOPOLOGY_H
