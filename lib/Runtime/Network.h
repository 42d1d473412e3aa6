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
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_NETWORK_H
#define OCTO_LIB_RUNTIME_NETWORK_H

#include "NetworkShape.h"

#include <array>
#include <cstdint>
#include <deque>
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
  /// got their last link are appended to `delivered`, with their arrival, which
  /// is later.
  void run(uint64_t at, std::vector<NetworkDelivery> &delivered);

  /// Cycles for which each link (cluster * 5 + direction, 4 into the cluster)
  /// was taken.
  const std::vector<uint64_t> &busyCycles() const { return busy; }
  /// Cycles that heads of messages waited for each link.
  const std::vector<uint64_t> &waitedCycles() const { return waited; }

private:
  static constexpr uint32_t ports = NetworkShape::ports;
  static constexpr uint32_t localPort = NetworkShape::localPort;
  static constexpr uint32_t none = 0xffffffff;
  /// Places for lanes of an input port and of a router.
  static constexpr uint32_t stride = NetworkShape::maxChannels;
  static constexpr uint32_t lanesOfRouter = ports * stride;

  struct Message {
    uint32_t id;
    uint32_t to;
    uint32_t next;  ///< in its lane
    uint32_t worm;  ///< into worms; none: fits into a lane
    uint64_t flits; ///< length on a link of the mesh
    uint64_t dieFlits;
    uint64_t entered;
    uint64_t arrival; ///< of the head in its lane
    uint64_t tail;    ///< last flit may not pass the next switch earlier
    uint32_t hops;
    uint8_t out; ///< port of its next link
    bool descending;
    bool stalled;
    bool waits; ///< has asked for its link before
  };
  /// A virtual channel of an input port.
  struct Lane {
    uint32_t first, last; ///< messages; the first one waits for its link
    uint32_t space;       ///< flits that may be sent to it
    uint32_t returnFlits; ///< 0: the whole lane, from a long message
    uint64_t free;        ///< no head is ready earlier: messages before it
    uint64_t emptied;     ///< the credit of their last flit is back
    uint64_t returnAt;    ///< credits come back; never: none on their way
    uint64_t available;   ///< to be allocated from this cycle on
  };
  /// The links that a long message lies across.
  struct WormLink {
    uint32_t link; ///< also links from a source
    uint32_t lane; ///< that it leaves; none: the source
    uint64_t left; ///< flits to be sent after a stall; 0: goes on
    uint64_t tail; ///< when the last flit passes
    uint64_t end;  ///< its ports are held until then
  };
  /// The message that has a port.
  struct Holder {
    uint32_t message = 0;
    uint32_t lane = 0; ///< that it leaves
    uint64_t since = 0;
  };
  struct Source {
    std::deque<uint32_t> waiting;
    uint8_t turn = 0;
  };
  enum EventKind : uint32_t { WakeRouter, WakeSource, ReturnCredit, Deliver };
  struct Event {
    uint32_t where;
    uint32_t kind : 2;
    uint32_t flits : 30;
  };
  struct FarEvent {
    uint64_t at;
    uint64_t sequence;
    Event event;
  };

  struct FarOrder {
    bool operator()(const FarEvent &a, const FarEvent &b) const {
      return a.at != b.at ? a.at > b.at : a.sequence > b.sequence;
    }
  };

  void push(uint64_t at, Event event);
  void findNext();
  void wakeRouter(uint32_t router, uint64_t at);
  uint32_t depthBefore(uint32_t input) const;
  uint64_t readyAt(const Lane &lane) const;
  uint32_t space(const Message &message, uint32_t depth) const;
  uint32_t roomyChannels(uint32_t firstLane, uint32_t need, uint64_t &wake);
  void feed(uint32_t router);
  void settle(Lane &lane, uint32_t input);
  void creditsAt(uint32_t lane, uint64_t at);
  void enterLane(uint32_t lane, uint32_t message);
  void arbitrate(uint32_t router, std::vector<NetworkDelivery> &delivered);
  void start(uint32_t lane, uint32_t roomy,
             std::vector<NetworkDelivery> &delivered);
  void share(const Holder &holder, uint64_t until, const Message &waiting);
  void deliver(uint32_t message, std::vector<NetworkDelivery> &delivered);
  void stall(Message &message);
  void resume(Message &message);
  void leave(uint32_t lane, const Message &message, uint64_t tail);

  uint32_t flightOf(uint32_t link) const {
    return isDie[link] ? dieFlight : flight;
  }
  /// Flits of a lane after a link.
  uint32_t depthOf(uint32_t link) const {
    return isDie[link] ? dieDepth : depth;
  }
  /// The first lane of the input port that a link leads to.
  uint32_t lanesAfter(uint32_t link) const;

  const NetworkShape &shape;
  MeshRoutes &routes;

  std::vector<Message> messages;
  std::vector<uint32_t> freeMessages;
  std::vector<std::vector<WormLink>> worms;
  std::vector<uint32_t> freeWorms;
  std::vector<Source> sources;
  std::vector<Lane> lanes;          ///< (router, port, channel)
  std::vector<uint32_t> heads;      ///< by router: lanes that are not empty
  std::vector<uint64_t> routerWake; ///< by router: its next event
  /// By link: (router, port), then one a source.
  std::vector<uint64_t> outFree;
  std::vector<uint64_t> inFree; ///< by (router, port)
  std::vector<Holder> outHolder, inHolder;
  std::vector<uint8_t> turnOut, turnIn, turnLane, turnChannel;
  std::vector<uint8_t> isDie;
  std::vector<uint64_t> busy, waited;
  uint32_t headCycles, flight, dieFlight, depth, dieDepth;
  uint32_t sourceLinks; ///< number of the first one

  static constexpr uint64_t numSlots = 4096;
  uint64_t time = 0;
  uint64_t next = never;
  struct Node {
    Event event;
    uint32_t next;
  };
  struct Slot {
    uint32_t first, last; ///< into nodes, when the slot's bit is set
  };
  std::vector<Node> nodes;
  uint32_t freeNode = none;
  std::array<Slot, numSlots> slots{};
  uint64_t summary = 0; ///< of words
  std::array<uint64_t, numSlots / 64> words{};
  std::vector<FarEvent> far;
  uint64_t farSequence = 0;
};

} // namespace octo

#endif // OCTO_LIB_RUNTIME_NETWORK_H
