//===- LinkNetwork.h - The mesh link by link --------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The quickest model of the mesh, for long runs on large machines: virtual
// cut-through with buffers that hold any message. A link serves messages one
// after the other in the order in which their heads arrive, so what waits for a
// link does not hold those behind it, and there are no virtual channels and no
// credits. Alone on the mesh a message takes as long as in Network; under load
// it waits less. docs/timing-model.md has the formulas.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_LINKNETWORK_H
#define OCTO_LIB_RUNTIME_LINKNETWORK_H

#include "NetworkShape.h"

#include <cstdint>
#include <vector>

namespace octo {

class LinkNetwork {
public:
  static constexpr uint64_t never = ~uint64_t(0);

  /// `shape` and `routes` must outlive the network.
  LinkNetwork(const NetworkShape &shape, MeshRoutes &routes);

  /// Queues a message at its source at cycle `at`, which is not before the time
  /// of the last call of run. There must be a way.
  void inject(uint32_t message, uint32_t from, uint32_t to, uint64_t bytes,
              uint64_t at);

  /// Cycle of the next event; `never` when there is none.
  uint64_t nextTime() const { return next; }

  /// Handles all events of cycle `at`, which is nextTime(). Messages whose last
  /// flit leaves the mesh now are appended to `delivered`.
  void run(uint64_t at, std::vector<NetworkDelivery> &delivered);

  /// Cycles for which each link (cluster * 5 + direction, 4 into the cluster)
  /// was taken.
  std::vector<uint64_t> busyCycles() const;
  /// Cycles that heads of messages waited for each link.
  std::vector<uint64_t> waitedCycles() const;

  template <class A>
  void state(A &a) {
    a.all(*this, a.reference(shape), a.reference(routes), a.fixed(whole), time,
          next, flights, freeFlights, a.sized(sourceFree), a.sized(links),
          a.fixed(step), a.sized(slots), a.sized(words), inSlots, far,
          farSequence);
  }

private:
  static constexpr uint32_t ports = NetworkShape::ports;
  static constexpr uint32_t localPort = NetworkShape::localPort;
  static constexpr uint32_t none = 0xffffffff;
  static constexpr uint64_t numSlots = 4096;

  /// A message on its way; in the list of one cycle.
  struct alignas(64) Flight {
    uint32_t id;
    uint32_t next; ///< in its list, or free
    uint32_t at;   ///< router of the head
    uint32_t to;
    /// On a whole mesh: hops left in a row, then in a column, and their ports.
    uint32_t across, along;
    uint8_t acrossPort, alongPort;
    bool descending;
    bool leaving;       ///< has got its last link
    uint64_t length;    ///< cycles on a link of the mesh
    uint64_t dieLength; ///< cycles on a link between dies
    uint64_t tail;      ///< when the last flit is where the head is
    uint64_t entered;
  };
  struct Link {
    uint64_t free = 0, busy = 0, waited = 0;
    bool isDie = false;
  };
  struct Far {
    uint64_t at;
    uint64_t sequence;
    uint32_t flight;
    bool operator<(const Far &other) const {
      return at != other.at ? at > other.at : sequence > other.sequence;
    }
  };
  struct Slot {
    uint32_t first = none, last = none;
  };

  /// Where everything lies: copies of the pointers stay in registers, while
  /// members would be read again after each store.
  struct Lists {
    Flight *flights;
    Link *links;
    Slot *slots;
    uint64_t *words;
  };
  Lists lists() {
    return {flights.data(), links.data(), slots.data(), words.data()};
  }
  void push(const Lists &lists, uint64_t at, uint32_t flight);
  void append(const Lists &lists, uint64_t at, uint32_t flight);
  void findNext();
  uint32_t direction(Flight &flight);
  void take(const Lists &lists, uint32_t flight);

  const NetworkShape &shape;
  MeshRoutes &routes;
  bool whole;
  uint64_t time = 0;
  uint64_t next = never;
  std::vector<Flight> flights;
  uint32_t freeFlights = none;
  std::vector<uint64_t> sourceFree; ///< by cluster
  std::vector<Link> links;
  int32_t step[ports]; ///< from a router to its neighbour
  std::vector<Slot> slots;
  std::vector<uint64_t> words; ///< slots that are not empty
  uint64_t inSlots = 0;
  std::vector<Far> far;
  uint64_t farSequence = 0;
};

} // namespace octo

#endif // OCTO_LIB_RUNTIME_LINKNETWORK_H
