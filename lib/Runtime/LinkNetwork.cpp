//===- LinkNetwork.cpp - The mesh link by link ----------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LinkNetwork.h"

#include "Heap.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

using namespace octo;

LinkNetwork::LinkNetwork(const NetworkShape &shape, MeshRoutes &routes)
    : shape(shape), routes(routes), whole(routes.whole()),
      sourceFree(shape.clusters(), 0), slots(numSlots), words(numSlots / 64) {
  links.resize(size_t(shape.clusters()) * ports);
  for (uint32_t router = 0; router < shape.clusters(); ++router)
    for (uint32_t port = 0; port < localPort; ++port)
      links[router * ports + port].isDie = shape.crossesDies(router, port);
  step[0] = 1;
  step[1] = -1;
  step[2] = int32_t(shape.width);
  step[3] = -int32_t(shape.width);
  step[localPort] = 0;
}

//===----------------------------------------------------------------------===//
// Events
//===----------------------------------------------------------------------===//

/// Appends a flight to the list of a cycle that is less than numSlots away.
inline void LinkNetwork::append(const Lists &lists, uint64_t at, uint32_t id) {
  uint64_t number = at % numSlots;
  Slot &slot = lists.slots[number];
  lists.flights[id].next = none;
  *(slot.first == none ? &slot.first : &lists.flights[slot.last].next) = id;
  slot.last = id;
  lists.words[number >> 6] |= uint64_t(1) << (number & 63);
}

inline void LinkNetwork::push(const Lists &lists, uint64_t at, uint32_t id) {
  if (at - time < numSlots) {
    append(lists, at, id);
    ++inSlots;
    return;
  }
  pushHeap(far, {at, farSequence++, id});
}

void LinkNetwork::findNext() {
  next = far.empty() ? never : far.front().at;
  if (!inSlots)
    return;
  uint64_t number = time % numSlots, word = number >> 6;
  uint64_t bits = words[word] >> (number & 63) << (number & 63);
  while (!bits) {
    word = (word + 1) % words.size();
    bits = words[word];
  }
  uint64_t found = word * 64 + uint64_t(std::countr_zero(bits));
  next = std::min(next, time + (found - number) % numSlots);
}

inline uint32_t LinkNetwork::direction(Flight &flight) {
  if (!whole) [[unlikely]] {
    uint32_t port = routes.next(flight.at, flight.to, flight.descending);
    if (port == MeshRoutes::arrived)
      return localPort;
    flight.descending |= routes.descends(flight.at, port);
    return port;
  }
  // No branches: nothing could foresee them.
  uint32_t across = flight.across != 0;
  uint32_t along = uint32_t(flight.along != 0) & ~across;
  flight.across -= across;
  flight.along -= along;
  uint32_t port = along ? flight.alongPort : localPort;
  return across ? flight.acrossPort : port;
}

/// The head of a message is at a router: it takes the next link.
inline void LinkNetwork::take(const Lists &all, uint32_t id) {
  Flight &flight = all.flights[id];
  uint32_t port = direction(flight);
  Link &link = all.links[flight.at * ports + port];
  uint64_t length = link.isDie ? flight.dieLength : flight.length;
  uint64_t hop = link.isDie ? shape.dieHopCycles : shape.hopCycles;
  uint64_t start = std::max(time, link.free);
  link.free = start + length;
  link.busy += length;
  link.waited += start - time;
  flight.tail = std::max(flight.tail, start + length - 1) + hop;
  flight.at += uint32_t(step[port]);
  flight.leaving = port == localPort;
  push(all, flight.leaving ? flight.tail : start + hop, id);
}

void LinkNetwork::run(uint64_t at, std::vector<NetworkDelivery> &delivered) {
  time = at;
  const Lists all = lists();
  // What was far comes before what is added from now on.
  while (!far.empty() && far.front().at - time < numSlots) {
    append(all, far.front().at, far.front().flight);
    ++inSlots;
    std::pop_heap(far.begin(), far.end());
    far.pop_back();
  }
  // Hops of no cycles are added to the list while it is served.
  Slot &slot = all.slots[at % numSlots];
  while (slot.first != none) {
    uint32_t id = slot.first;
    Flight &flight = all.flights[id];
    slot.first = flight.next;
    --inSlots;
    if (!flight.leaving) {
      take(all, id);
      continue;
    }
    delivered.push_back({flight.id, flight.entered, time});
    flight.next = freeFlights;
    freeFlights = id;
  }
  slot.last = none;
  all.words[(at % numSlots) >> 6] &= ~(uint64_t(1) << (at & 63));
  findNext();
}

//===----------------------------------------------------------------------===//
// Messages
//===----------------------------------------------------------------------===//

void LinkNetwork::inject(uint32_t message, uint32_t from, uint32_t to,
                         uint64_t bytes, uint64_t at) {
  uint32_t id = freeFlights;
  if (id == none) {
    id = uint32_t(flights.size());
    flights.emplace_back();
  } else {
    freeFlights = flights[id].next;
  }
  Flight &flight = flights[id];
  flight.id = message;
  flight.at = from;
  flight.to = to;
  int32_t right = int32_t(to % shape.width) - int32_t(from % shape.width);
  int32_t down = int32_t(to / shape.width) - int32_t(from / shape.width);
  flight.across = uint32_t(std::abs(right));
  flight.along = uint32_t(std::abs(down));
  flight.acrossPort = right < 0;
  flight.alongPort = 2 + (down < 0);
  flight.length = shape.flitsOf(bytes);
  flight.dieLength = std::max<uint64_t>(
      flight.length, (bytes + shape.dieLinkBytes - 1) / shape.dieLinkBytes);
  flight.descending = flight.leaving = false;
  flight.entered = std::max(at, sourceFree[from]);
  sourceFree[from] = flight.entered + flight.length;
  flight.tail = sourceFree[from] - 1 + shape.interfaceCycles;
  uint64_t ready = flight.entered + shape.interfaceCycles;
  next = std::min(next, ready);
  push(lists(), ready, id);
}

std::vector<uint64_t> LinkNetwork::busyCycles() const {
  std::vector<uint64_t> cycles;
  for (const Link &link : links)
    cycles.push_back(link.busy);
  return cycles;
}

std::vector<uint64_t> LinkNetwork::waitedCycles() const {
  std::vector<uint64_t> cycles;
  for (const Link &link : links)
    cycles.push_back(link.waited);
  return cycles;
}
