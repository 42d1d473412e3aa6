//===- FlitNetwork.h - The mesh flit by flit --------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A cycle-by-cycle mesh of input-queued virtual-channel routers with credits:
// the reference for the message-level Network. Routers have five ports (the
// neighbours and the cluster), a FIFO for each virtual channel of each input,
// a separable virtual-channel allocator and a separable switch allocator, both
// one iteration of iSLIP (McKeown, "The iSLIP scheduling algorithm for
// input-queued switches", IEEE/ACM ToN 7(2), 1999). The pipeline is that of
// Dally and Towles, "Principles and Practices of Interconnection Networks",
// chapter 16: routing, VC allocation, switch allocation, switch traversal,
// link.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_FLITNETWORK_H
#define OCTO_LIB_RUNTIME_FLITNETWORK_H

#include "NetworkShape.h"

#include <cstdint>
#include <deque>
#include <vector>

namespace octo {

class FlitNetwork {
public:
  /// `shape` and `routes` must outlive the network.
  FlitNetwork(const NetworkShape &shape, MeshRoutes &routes);

  uint64_t now() const { return time; }
  /// No flit and no credit is on its way.
  bool idle() const { return !live && !pendingEvents; }

  /// Moves the clock of an idle network forward.
  void skipTo(uint64_t cycle) { time = cycle; }

  /// Queues a message of `flits` flits at its source from this cycle on; from
  /// and to differ or not. Sources send in order.
  void inject(uint32_t message, uint32_t from, uint32_t to, uint32_t flits);

  /// Simulates cycle now() and moves on to the next one. Messages that arrived
  /// are appended to `delivered`.
  void step(std::vector<NetworkDelivery> &delivered);

  /// Cycles for which each link (cluster * 5 + direction, 4 into the cluster)
  /// carried a flit.
  const std::vector<uint64_t> &busyCycles() const { return carried; }
  /// Cycles in which some virtual channel of an input port (cluster * 5 + port)
  /// had a flit to send and none was sent.
  const std::vector<uint64_t> &waitedCycles() const { return blocked; }

  template <class A>
  void state(A &a) {
    a.all(*this, a.reference(shape), a.reference(routes), time, live,
          pendingEvents, packets, freePackets, a.sized(sources), busySources,
          a.sized(channels), a.sized(flits), a.fixed(ringFlits), a.sized(outs),
          a.sized(grantChannel), a.sized(acceptChannel), a.sized(grantSwitch),
          a.sized(acceptSwitch), a.sized(turnOfInput), a.sized(portFreeQ16),
          a.sized(buffered), a.sized(ring), a.fixed(ringMask),
          a.sized(carried), a.sized(blocked));
  }

private:
  static constexpr uint32_t ports = NetworkShape::ports;

  struct Packet {
    uint32_t message;
    uint32_t to;
    uint32_t flits;
    uint64_t entered;
    bool descending;
  };
  struct Flit {
    uint32_t packet;
    bool head, tail;
  };
  enum class ChannelState : uint8_t { Idle, Waiting, Active };
  /// A virtual channel of an input port.
  struct Channel {
    ChannelState state = ChannelState::Idle;
    uint8_t outPort = 0, outChannel = 0;
    uint32_t first = 0, count = 0; ///< of its ring in `flits`
    uint64_t ready = 0;            ///< first cycle of its next stage
  };
  struct OutChannel {
    bool taken = false;
    uint32_t credits = 0;
  };
  struct Source {
    std::deque<uint32_t> packets;
    uint32_t sent = 0; ///< flits of the first packet
    uint8_t channel = 0;
    uint8_t lastChannel = 0;
    std::vector<OutChannel> out;
  };
  /// Something that reaches a router or a source later.
  struct Pending {
    uint32_t where; ///< channel number; or out-channel number
    Flit flit;
    enum : uint8_t { Arrival, Credit, SourceCredit, Ejection } kind;
  };

  uint32_t channelNumber(uint32_t router, uint32_t port, uint32_t vc) const {
    return (router * ports + port) * shape.channels + vc;
  }
  void later(uint64_t cycles, const Pending &what) {
    ring[(time + cycles) & ringMask].push_back(what);
    ++pendingEvents;
  }
  void accept(const Pending &what, std::vector<NetworkDelivery> &delivered);
  void injectFlits();
  void allocateChannels(uint32_t router);
  void allocateSwitch(uint32_t router);
  void sendFlit(uint32_t router, uint32_t port, uint32_t vc);

  const NetworkShape &shape;
  MeshRoutes &routes;
  uint64_t time = 0;
  uint64_t live = 0; ///< packets
  uint64_t pendingEvents = 0;

  std::vector<Packet> packets;
  std::vector<uint32_t> freePackets;
  std::vector<Source> sources;
  std::vector<uint32_t> busySources;
  std::vector<Channel> channels; ///< (router, port, vc)
  std::vector<Flit> flits;       ///< a ring of ringFlits for each channel
  uint32_t ringFlits;
  std::vector<OutChannel> outs;                     ///< (router, port, vc)
  std::vector<uint8_t> grantChannel, acceptChannel; ///< iSLIP, VC allocator
  std::vector<uint8_t> grantSwitch, acceptSwitch;   ///< iSLIP, switch
  std::vector<uint8_t> turnOfInput;  ///< next VC of an input to be preferred
  std::vector<uint64_t> portFreeQ16; ///< by output: next flit, die links
  std::vector<uint32_t> buffered;    ///< flits, by router
  std::vector<std::vector<Pending>> ring;
  uint64_t ringMask;
  std::vector<uint64_t> carried, blocked;
};

} // namespace octo

#endif // OCTO_LIB_RUNTIME_FLITNETWORK_H
