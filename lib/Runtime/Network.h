//===- Network.h - The mesh message by message ------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The routers of FlitNetwork, moved by whole messages instead of flits: one
// event a hop where nothing is in the way. A message holds an input and an
// output of the crossbar for its length; heads are arbitrated as flits are
// (iSLIP); virtual channels are FIFOs of a stated number of flits. What is
// longer than a virtual channel lies across several routers (wormhole) and
// stalls backwards when its head does. docs/timing-model.md has the rules.
//
// A router, a source and a message that arrives have one event pending at most:
// pending ones are linked to each other, and nothing is allocated for them.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_NETWORK_H
#define OCTO_LIB_RUNTIME_NETWORK_H

#include "NetworkShape.h"

#include <array>
#include <cstdint>
#include <vector>

namespace octo {

class Network {
public:
  static constexpr uint64_t never = ~uint64_t(0);

  /// `shape` and `routes` must outlive the network.
  Network(const NetworkShape &shape, MeshRoutes &routes);

  /// Queues a message at its source at cycle `at`, which is not before the time
  /// of the last call of run. There must be a way.
  void inject(uint32_t message, uint32_t from, uint32_t to, uint64_t bytes,
              uint64_t at);

  /// Cycle of the next event; `never` when there is none.
  uint64_t nextTime() const { return next; }

  /// Handles all events of cycle `at`, which is nextTime(). Messages that have
  /// got their last link are appended to `delivered`, with their arrival.
  void run(uint64_t at, std::vector<NetworkDelivery> &delivered);

  /// Cycles for which each link (cluster * 5 + direction, 4 into the cluster)
  /// was taken.
  std::vector<uint64_t> busyCycles() const;
  /// Cycles that heads of messages waited for each link.
  std::vector<uint64_t> waitedCycles() const;

  template <class A>
  void state(A &a) {
    a.all(*this, a.reference(shape), a.reference(routes), a.fixed(whole),
          a.fixed(numRouters), a.fixed(headCycles), a.fixed(channelMask),
          a.sized(routers), a.sized(inputs), a.sized(sources), messages,
          freeMessages, worms, freeWorms, time, next, pending, a.sized(slots),
          summary, words, far, farSequence, credits);
  }

private:
  static constexpr uint32_t ports = NetworkShape::ports;
  static constexpr uint32_t localPort = NetworkShape::localPort;
  static constexpr uint32_t none = 0xffffffff;
  /// Places for lanes of an input port and of a router. A lane is a virtual
  /// channel of an input port.
  static constexpr uint32_t stride = NetworkShape::maxChannels;
  static constexpr uint32_t lanesOfRouter = ports * stride;

  struct Message {
    uint32_t id;
    uint32_t to;
    uint32_t next;       ///< in its lane or source
    uint32_t worm;       ///< into worms; none: fits into a lane
    int32_t right, down; ///< links that are left; on a whole mesh
    uint64_t flits;      ///< length on a link of the mesh
    uint64_t dieFlits;
    uint64_t entered;
    uint64_t arrival; ///< of the head in its lane
    uint64_t tail;    ///< last flit may not pass the next switch earlier
    uint8_t out;      ///< port of its next link
    bool descending;
    bool stalled;
    bool waits; ///< has asked for its link before
  };
  /// The message that has a port, and the lane that it leaves.
  struct Holder {
    uint32_t message = 0;
    uint32_t lane = 0;
  };
  /// An input port with its lanes.
  struct alignas(64) Port {
    // What those that send to it look at.
    std::array<uint64_t, stride> available; ///< to be allocated from then on
    std::array<uint64_t, stride> returnAt;  ///< credits come back; never: none
    std::array<uint32_t, stride> space;     ///< flits that may be sent
    std::array<uint32_t, stride> returned;  ///< flits of these credits
    // What its router looks at.
    std::array<uint32_t, stride> first, last; ///< messages
    std::array<uint64_t, stride> free;        ///< no head is ready earlier
    std::array<uint64_t, stride> emptied; ///< credit of the last flit is back
    uint64_t inFree = 0;                  ///< of the crossbar
    Holder holder;
    uint32_t depth;     ///< flits of a lane
    uint32_t back;      ///< cycles of a credit
    uint32_t before;    ///< router that sends to it; of a local port its own
    uint8_t linkBefore; ///< of that router
    uint8_t turnIn = 0, turnChannel = 0;
    std::array<uint8_t, stride> turnLane{};
  };
  struct Link {
    uint64_t free = 0;
    uint64_t busy = 0, waited = 0;
    Holder holder;
    uint32_t after = none; ///< input port at its end
    uint32_t afterRouter = none;
    uint32_t flight;
    bool isDie;
  };
  struct alignas(64) Router {
    std::array<Link, ports> links;
    uint32_t heads = 0; ///< lanes that are not empty
    /// Links for which some head wants room that is not there.
    uint8_t starved = 0;
    std::array<uint8_t, ports> turnOut{};
  };
  /// The links that a long message lies across.
  struct WormLink {
    uint32_t router; ///< whose link it is; of a source its own
    uint32_t lane;   ///< that it leaves; none: the source
    uint8_t out;
    uint64_t left; ///< flits to be sent after a stall; 0: goes on
    uint64_t tail; ///< when the last flit passes
    uint64_t end;  ///< its ports are held until then
  };
  struct Source {
    uint32_t first = none, last = none; ///< messages that wait
    uint64_t free = 0;
    uint32_t turn = 0;
    bool starved = false; ///< its message wants room that is not there
  };
  /// Of routers, then sources, then messages that get their last link.
  struct Pending {
    uint64_t at = never;
    uint32_t previous, next;
  };
  struct Far {
    uint64_t at;
    uint64_t sequence;
    uint32_t who;
    bool operator<(const Far &other) const {
      return at != other.at ? at > other.at : sequence > other.sequence;
    }
  };
  /// Credits of a lane that come back while others are on their way.
  struct Credit {
    uint64_t at;
    uint32_t lane;
    uint32_t flits;
    bool operator<(const Credit &other) const {
      return at != other.at ? at > other.at : lane > other.lane;
    }
  };

  void wake(uint32_t who, uint64_t at);
  void enlist(uint32_t who, uint64_t at);
  void unlist(uint32_t who);
  void findNext();

  /// Flits of a lane that a message needs: all of its own or, when it is
  /// longer, the lane.
  static uint32_t spaceFor(const Message &message, const Port &port) {
    return message.worm == none ? uint32_t(message.flits) : port.depth;
  }
  /// Cycles before its ports are free at which a head may have them. Flits of
  /// long messages take turns, so the next head passes while the one before is
  /// on its way, as far as the flits behind it have room in its lane. What
  /// leaves the mesh goes one after the other.
  uint64_t early(const Message &message) const {
    return message.worm == none || message.out == localPort
               ? 0
               : shape.channelFlits;
  }
  uint32_t roomy(const Port &port, uint32_t need, uint64_t at) const;
  uint64_t roomAt(const Port &port, uint32_t need) const;
  uint32_t roomFor(const Router &router, const Message &message,
                   uint64_t at) const;
  static void settle(Port &port, uint32_t channel, uint64_t at);
  void takeCredits();
  void creditsAt(Port &port, uint64_t at);
  uint8_t nextLink(uint32_t router, Message &message);
  void enterLane(Port &port, uint32_t channel, uint32_t id);
  void leave(Port &port, uint32_t channel, const Message &message, uint64_t at,
             uint64_t tail);
  uint64_t readyAt(const Port &port, uint32_t channel) const {
    return std::max(messages[port.first[channel]].arrival + headCycles,
                    port.free[channel]);
  }

  void feed(uint32_t router);
  void arbitrate(uint32_t router);
  void arbitrateMany(uint32_t router);
  uint64_t wait(Router &router, const Port &port, Message &message);
  void takeTurns(Router &router, Port &port, uint32_t in, uint32_t channel,
                 uint32_t out);
  void start(uint32_t router, uint32_t port, uint32_t channel, uint32_t room);
  void share(const Holder &holder, uint64_t until, const Message &waiting);
  void deliver(uint32_t message, std::vector<NetworkDelivery> &delivered);
  void stall(Message &message);
  void resume(Message &message);

  const NetworkShape &shape;
  MeshRoutes &routes;
  bool whole;
  uint32_t numRouters;
  uint32_t headCycles;
  uint32_t channelMask;

  std::vector<Router> routers;
  std::vector<Port> inputs; ///< (router, port)
  std::vector<Source> sources;
  std::vector<Message> messages;
  std::vector<uint32_t> freeMessages;
  std::vector<std::vector<WormLink>> worms;
  std::vector<uint32_t> freeWorms;

  static constexpr uint64_t numSlots = 4096;
  struct Slot {
    uint32_t first = none, last = none;
  };
  uint64_t time = 0;
  uint64_t next = never;
  std::vector<Pending> pending;
  std::vector<Slot> slots;
  uint64_t summary = 0; ///< of words
  std::array<uint64_t, numSlots / 64> words{};
  std::vector<Far> far;
  uint64_t farSequence = 0;
  std::vector<Credit> credits; ///< a heap
};

} // namespace octo

#endif // OCTO_LIB_RUNTIME_NETWORK_H
