//===- Network.h - The mesh message by message ------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The routers of FlitNetwork, moved by whole messages instead of flits: one
// event for as many hops as nothing is in the way. A message holds an input and
// an output of the crossbar for its length; heads are arbitrated as flits are
// (iSLIP); virtual channels are FIFOs of a stated number of flits. What is
// longer than a virtual channel lies across several routers (wormhole). It
// knows when a link that others hold will be free and takes it in advance; when
// it waits for a virtual channel it stalls backwards. docs/timing-model.md has
// the rules.
//
// A message that arrives has one event pending; a router and a source have one
// at most: entries of earlier ones are passed over.
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
  /// of the last call of run nor after nextTime(). There must be a way.
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
          a.fixed(numRouters), a.fixed(headCycles), a.fixed(flightCycles),
          a.fixed(channels), a.fixed(laneFlits), a.fixed(channelMask),
          a.fixed(ahead), a.sized(routers), withHeads, a.sized(inputs),
          a.sized(waited), wanted, a.sized(sources), messages, freeMessages,
          time, next, a.sized(slots), summary, words, entries, freeEntry, far,
          farSequence, credits, behind);
  }

private:
  static constexpr uint32_t ports = NetworkShape::ports;
  static constexpr uint32_t localPort = NetworkShape::localPort;
  static constexpr uint32_t none = 0xffffffff;
  /// Places for lanes of an input port and of a router. A lane is a virtual
  /// channel of an input port; lanes of the mesh are numbered through.
  static constexpr uint32_t stride = NetworkShape::maxChannels;
  static constexpr uint32_t lanesOfRouter = ports * stride;

  struct alignas(64) Message {
    uint32_t id;
    uint32_t to;
    uint32_t next;          ///< in its lane or source
    uint32_t flits;         ///< length on a link of the mesh
    uint16_t across, along; ///< links that are left; on a whole mesh
    uint8_t acrossOut, alongOut;
    uint8_t out; ///< port of its next link
    bool isLong; ///< does not fit into a lane
    bool descending;
    bool stalled;
    bool waits; ///< has asked for its link before
    uint64_t dieFlits;
    uint64_t entered;
    uint64_t arrival; ///< of the head in its lane
    uint64_t tail;    ///< last flit may not pass the next switch earlier
  };
  /// The message that has a port, and the lane that it leaves.
  struct Holder {
    uint32_t message = none;
    uint32_t lane = 0;
  };
  /// A virtual channel of an input port, with what a message needs to know of
  /// the port: one line of cache.
  struct alignas(64) Lane {
    uint64_t available = 0;    ///< to be allocated from then on
    uint64_t returnAt = never; ///< credits come back; never: none
    uint64_t clear = 0;        ///< the last flit of what left it is out before
    uint64_t busy = 0;         ///< cycles of the link for messages of this lane
    uint32_t space;            ///< flits that may be sent
    uint32_t returned = 0;     ///< flits of credits that come back
    uint32_t first = none, last = none; ///< messages
    uint32_t owner = none;              ///< the long message that had it last
    uint32_t before = none;             ///< lane that its owner came from
    uint16_t depth;                     ///< flits
    uint16_t flight;                    ///< cycles of the link to it
    uint16_t back;                      ///< cycles of a credit
    bool isDie;                         ///< the link is between dies
    uint8_t turn = 0; ///< lane of the next port that is preferred, by link
  };
  /// An input port with its lanes, and the link that leads to it. At a local
  /// port that is the link into the cluster.
  struct alignas(64) Port {
    /// A long message may be allocated the lane from then on; never: it is not
    /// empty, and nothing is known of when it will be.
    std::array<uint64_t, stride> open{};
    uint64_t inFree = 0; ///< of the crossbar
    uint64_t linkFree = 0;
    Holder inHolder, linkHolder;
    std::array<Lane, stride> lanes;
  };
  struct alignas(32) Router {
    uint64_t pending = never; ///< its next event
    uint32_t heads = 0;       ///< lanes that are not empty
    uint8_t turn = 0;         ///< input whose heads are looked at first
    uint8_t wants = 0; ///< links for whose room heads wait, as in `wanted`
    std::array<uint8_t, ports> turnOut{}, turnIn{}, turnChannel{};
  };
  struct alignas(32) Source {
    uint64_t pending = never;           ///< its next event
    uint32_t first = none, last = none; ///< messages that wait
    uint64_t free = 0;
    uint32_t sends = none; ///< the message that it sent last
    uint32_t turn = 0;
  };
  /// In the list of one cycle: a router, a source or a message that gets its
  /// last link. That of a router or source counts if it is pending for then.
  struct Entry {
    uint32_t who;
    uint32_t next;
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

  bool isMessage(uint32_t who) const { return who >= 2 * numRouters; }
  uint64_t &pendingOf(uint32_t who) {
    return who < numRouters ? routers[who].pending
                            : sources[who - numRouters].pending;
  }
  void wake(uint32_t router, uint64_t at);
  void wakeSource(uint32_t router, uint64_t at);
  void plan(uint32_t who, uint64_t at);
  void enlist(uint32_t who, uint64_t at);
  void findNext();

  Lane &laneAt(uint32_t lane) {
    return inputs[lane / stride].lanes[lane % stride];
  }
  /// The input port at the end of a link; of that into the cluster the local
  /// one, which has it too.
  uint32_t placeAfter(uint32_t router, uint32_t out) const {
    return router * ports + uint32_t(ahead[out].port);
  }
  Port &portAfter(uint32_t router, uint32_t out) {
    return inputs[placeAfter(router, out)];
  }
  /// The router that sends to an input port; of a local port its own.
  uint32_t routerBefore(uint32_t place) const {
    return place / ports + uint32_t(ahead[place % ports].router);
  }
  /// Of large meshes the ports are not in the nearest caches.
  static void fetch(const Port &port) {
    __builtin_prefetch(&port, /*rw=*/1);
    __builtin_prefetch(&port.lanes[0], /*rw=*/1);
  }
  /// What nextLink() will say, on a whole mesh.
  static uint32_t linkAfter(const Message &message) {
    return message.across  ? message.acrossOut
           : message.along ? message.alongOut
                           : localPort;
  }
  /// Fetches what a message needs at the router after its next link.
  void fetchAfter(uint32_t router, const Message &message) {
    if (message.out != localPort && whole)
      fetch(portAfter(router + uint32_t(ahead[message.out].router),
                      linkAfter(message)));
  }
  static bool isFromSource(uint32_t place) {
    return place % ports == localPort;
  }
  /// Cycles before its ports are free at which a head may have them. Flits of
  /// long messages take turns, so the next head passes while the one before is
  /// on its way, as far as the flits behind it have room in its lane. What
  /// leaves the mesh goes one after the other.
  uint64_t early(const Message &message) const {
    return !message.isLong || message.out == localPort ? 0 : laneFlits;
  }
  template <bool isLong>
  uint64_t grantAt(const Port &port, const Port &after, const Message &message,
                   uint64_t ready) const;
  uint64_t grantNow(const Port &port, const Port &after,
                    const Message &message) const;
  template <bool isLong>
  uint32_t laneFor(const Port &port, const Message &message, uint32_t turn,
                   uint64_t at) const;
  uint64_t roomAt(const Port &port, const Message &message) const;
  uint64_t barredUntil(const Port &port, const Port &after, uint64_t at) const;
  template <bool isLong>
  bool hasRoom(const Port &after, const Message &message, uint64_t at) const;
  static void settle(Lane &lane, uint64_t at);
  static void reopen(Port &port, uint32_t channel);
  template <bool isLong>
  void occupy(Lane &lane, uint32_t id, uint32_t before, uint64_t at);
  template <bool isLong>
  void enter(uint32_t router, uint32_t channel, uint32_t id, uint64_t at);
  void takeCredits();
  void creditsAt(uint32_t place, uint64_t at);
  uint8_t nextLink(uint32_t router, Message &message);
  template <bool isLong>
  void enterLane(uint32_t router, uint32_t in, uint32_t channel, uint32_t id);
  template <bool isLong>
  void leave(Port &port, Lane &lane, uint32_t number, const Message &message,
             uint64_t at, uint64_t tail);
  uint64_t readyAt(const Lane &lane) const {
    return std::max(messages[lane.first].arrival, lane.clear) + headCycles;
  }

  void feed(uint32_t router, uint64_t at);
  void arbitrate(uint32_t router);
  void arbitrateMany(uint32_t router);
  uint64_t wait(uint32_t router, const Port &port, Message &message,
                uint32_t lane);
  void takeTurns(Router &router, uint32_t in, uint32_t channel, uint32_t out);
  void go(uint32_t router, uint32_t port, uint32_t channel, uint64_t at);
  template <bool isLong>
  void start(uint32_t router, uint32_t port, uint32_t channel, uint64_t at);
  template <bool isLong>
  void advance(uint32_t router, uint32_t in, uint32_t channel, uint32_t id,
               uint64_t from, uint64_t ready, uint64_t at);
  void share(const Port &port, const Port &after, uint64_t cycles,
             const Message &waiting);
  void delay(const Holder &holder, uint64_t cycles);
  void deliver(uint32_t message, std::vector<NetworkDelivery> &delivered);
  void holdUp(Message &message, uint32_t lane, uint64_t until);
  void stall(Message &message, uint32_t lane);
  void resume(Message &message, uint32_t lane, uint64_t at);

  template <class Number>
  std::vector<uint64_t> ofLinks(Number number) const;

  const NetworkShape &shape;
  MeshRoutes &routes;
  bool whole;
  uint32_t numRouters;
  uint32_t headCycles;
  uint32_t flightCycles;
  uint32_t channels, laneFlits;
  uint32_t channelMask;
  /// From a router to the one after a link, and from the first port of a router
  /// to the port at the end of the link.
  struct Step {
    int32_t router, port;
  };
  std::array<Step, ports> ahead;

  std::vector<Router> routers;
  /// Routers with heads: every hop asks, and few lines of cache have all.
  std::vector<bool> withHeads;
  std::vector<Port> inputs;     ///< (router, port)
  std::vector<uint64_t> waited; ///< for the link to each port
  std::vector<bool> wanted;     ///< who sends to a port waits for its room
  std::vector<Source> sources;
  std::vector<Message> messages;
  std::vector<uint32_t> freeMessages;

  static constexpr uint64_t numSlots = 4096;
  struct Slot {
    uint32_t first = none, last = none;
  };
  uint64_t time = 0;
  uint64_t next = never;
  std::vector<Slot> slots;
  uint64_t summary = 0; ///< of words
  std::array<uint64_t, numSlots / 64> words{};
  std::vector<Entry> entries;
  uint32_t freeEntry = none;
  std::vector<Far> far;
  uint64_t farSequence = 0;
  std::vector<Credit> credits;  ///< a heap
  std::vector<uint32_t> behind; ///< lanes of the message that goes on
};

} // namespace octo

#endif // OCTO_LIB_RUNTIME_NETWORK_H
