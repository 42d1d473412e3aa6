//===- NetworkShape.h - What a mesh is made of ------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Parameters that the two models of the mesh share.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_NETWORKSHAPE_H
#define OCTO_LIB_RUNTIME_NETWORKSHAPE_H

#include "Divisor.h"

#include "octo/Target/MeshRoutes.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace octo {

/// The first bit of `mask` from position `from` on, around; there must be one.
inline uint32_t nextBit(uint32_t mask, uint32_t from) {
  uint32_t after = mask >> from << from;
  return uint32_t(std::countr_zero(after ? after : mask));
}

/// A message whose last flit has left the mesh.
struct NetworkDelivery {
  uint32_t message; ///< as given to inject
  uint64_t entered; ///< cycle in which its first flit entered the mesh
  uint64_t arrived;
};

struct NetworkShape {
  /// Ports of a router: the directions of MeshRoutes, and its cluster.
  static constexpr uint32_t ports = 5;
  static constexpr uint32_t localPort = 4;
  /// Virtual channels of an input port, where its buffer holds that many flits.
  static constexpr uint32_t maxChannels = 4;

  Divisor width; ///< clusters
  uint32_t height = 1;
  uint32_t dieWidth = 1, dieHeight = 1; ///< clusters of a die
  uint32_t hopCycles = 5;               ///< router and link
  uint32_t dieHopCycles = 5;            ///< router and link between dies
  Divisor flitBytes;                    ///< width of a link
  Divisor dieLinkBytes;                 ///< width of a link between dies
  uint32_t interfaceCycles = 2;         ///< from a cluster into its router
  uint32_t channels = 4;                ///< virtual channels of an input port
  uint32_t channelFlits = 8;            ///< buffer of a virtual channel

  /// Divides the buffer of an input port among virtual channels; 0 bytes leave
  /// the reference configuration.
  void setBuffer(uint32_t bytes) {
    if (!bytes)
      return;
    uint32_t flits = std::max(bytes / flitBytes, 1u);
    channels = std::min(flits, maxChannels);
    channelFlits = flits / channels;
  }

  uint32_t clusters() const { return width * height; }
  uint32_t flitsOf(uint64_t bytes) const {
    return uint32_t(std::max<uint64_t>((bytes + flitBytes - 1) / flitBytes, 1));
  }
  bool crossesDies(uint32_t cluster, uint32_t direction) const {
    uint32_t x = cluster % width, y = cluster / width;
    switch (direction) {
    case 0:
      return (x + 1) % dieWidth == 0;
    case 1:
      return x % dieWidth == 0;
    case 2:
      return (y + 1) % dieHeight == 0;
    case 3:
      return y % dieHeight == 0;
    default:
      return false;
    }
  }

  //===--------------------------------------------------------------------===//
  // Stages of a router. With 5 cycles a hop: routing, VC allocation, switch
  // allocation, switch traversal, link. A longer hop has a longer link; a
  // shorter one folds stages together from the front.
  //===--------------------------------------------------------------------===//

  /// Cycles of a head between its arrival and the allocation of the switch.
  static constexpr uint32_t headCycles(uint32_t hop) {
    return hop >= 5 ? 2 : hop == 4 ? 1 : 0;
  }
  /// Cycles from the allocation of the switch to the next router. Credits take
  /// as long on their way back.
  static constexpr uint32_t flightCycles(uint32_t hop) {
    return std::max(hop, 1u) - headCycles(hop);
  }
  /// Flits that may be on their way to a virtual channel or in it. Assumed:
  /// what a link longer than that of the reference holds has its place in the
  /// buffer at its end, so that its round trip costs no throughput.
  uint32_t depthAfter(uint32_t hop) const {
    return depthOver(flightCycles(hop));
  }
  /// The same of a way of that many cycles.
  uint32_t depthOver(uint32_t flight) const {
    return channelFlits + 2 * (std::max(flight, 3u) - 3);
  }
};

} // namespace octo

#endif // OCTO_LIB_RUNTIME_NETWORKSHAPE_H
