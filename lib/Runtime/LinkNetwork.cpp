//===- LinkNetwork.cpp - The mesh link by link ----------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LinkNetwork.h"

#include <algorithm>
#include <bit>

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

void LinkNetwork::append(uint64_t at, uint32_t id) {
  uint64_t number = at % numSlots;
  Slot &slot = slots[number];
  flights[id].next = none;
  if (slot.first == none) {
    slot.first = id;
    words[number >> 6] |= uint64_t(1) << (number & 63);
  } else {
    flights[slot.last].next = id;
  }
  slot.last = id;
  ++inSlots;
}

void LinkNetwork::push(uint64_t at, uint32_t id) {
  next = std::min(next, at);
  if (at - time < numSlots) {
    append(at, id);
    return;
  }
  far.push_back({at, farSequence++, id});
  std::push_heap(far.begin(), far.end());
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

void LinkNetwork::run(uint64_t at, std::vector<NetworkDelivery> &delivered) {
  time = at;
  // What was far comes before what is added from now on.
  while (!far.empty() && far.front().at - time < numSlots) {
    append(far.front().at, far.front().flight);
    std::pop_heap(far.begin(), far.end());
    far.pop_back();
  }
  // Hops of no cycles are added to the list while it is served.
  Slot &slot = slots[at % numSlots];
  while (slot.first != none) {
    uint32_t id = slot.first;
    Flight &flight = flights[id];
    slot.first = flight.next;
    --inSlots;
    if (!flight.leaving) {
      take(id);
      continue;
    }
    delivered.push_back({flight.id, flight.entered, time});
    flight.next = freeFlights;
    freeFlights = id;
  }
  slot.last = none;
  words[(at % numSlots) >> 6] &= ~(uint64_t(1) << (at & 63));
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
  flight.right = int32_t(to % shape.width) - int32_t(from % shape.width);
  flight.down = int32_t(to / shape.width) - int32_t(from / shape.width);
  flight.length = shape.flitsOf(bytes);
  flight.dieLength = std::max<uint64_t>(
      flight.length, (bytes + shape.dieLinkBytes - 1) / shape.dieLinkBytes);
  flight.descending = flight.leaving = false;
  flight.entered = std::max(at, sourceFree[from]);
  sourceFree[from] = flight.entered + flight.length;
  flight.tail = sourceFree[from] - 1 + shape.interfaceCycles;
  push(flight.entered + shape.interfaceCycles, id);
}

uint32_t LinkNetwork::direction(Flight &flight) {
  if (!whole) {
    uint32_t port = routes.next(flight.at, flight.to, flight.descending);
    if (port == MeshRoutes::arrived)
      return localPort;
    flight.descending |= routes.descends(flight.at, port);
    return port;
  }
  if (flight.right) {
    uint32_t back = flight.right < 0;
    flight.right += back ? 1 : -1;
    return back;
  }
  if (flight.down) {
    uint32_t back = flight.down < 0;
    flight.down += back ? 1 : -1;
    return 2 + back;
  }
  return localPort;
}

/// The head of a message is at a router: it takes the next link.
void LinkNetwork::take(uint32_t id) {
  Flight &flight = flights[id];
  uint32_t port = direction(flight);
  Link &link = links[flight.at * ports + port];
  uint64_t length = link.isDie ? flight.dieLength : flight.length;
  uint64_t hop = link.isDie ? shape.dieHopCycles : shape.hopCycles;
  uint64_t start = std::max(time, link.free);
  link.free = start + length;
  link.busy += length;
  link.waited += start - time;
  flight.tail = std::max(flight.tail, start + length - 1) + hop;
  if (port == localPort) {
    flight.leaving = true;
    push(flight.tail, id);
    return;
  }
  flight.at += uint32_t(step[port]);
  push(start + hop, id);
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
