//===- Network.cpp - The mesh message by message --------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Network.h"

#include <bit>

using namespace octo;

static uint32_t nextBit(uint32_t mask, uint32_t from) {
  uint32_t after = mask >> from << from;
  return uint32_t(std::countr_zero(after ? after : mask));
}

Network::Network(const NetworkShape &shape, MeshRoutes &routes)
    : shape(shape), routes(routes) {
  uint32_t routers = shape.clusters();
  sourceLinks = routers * ports;
  headCycles = NetworkShape::headCycles(shape.hopCycles);
  flight = NetworkShape::flightCycles(shape.hopCycles);
  dieFlight = NetworkShape::flightCycles(shape.dieHopCycles);
  sources.resize(routers);
  depth = shape.depthAfter(shape.hopCycles);
  dieDepth = shape.depthAfter(shape.dieHopCycles);
  heads.assign(routers, 0);
  routerWake.assign(routers, never);
  outFree.assign(size_t(routers) * (ports + 1), 0);
  inFree.assign(size_t(routers) * ports, 0);
  outHolder.assign(inFree.size(), {});
  inHolder.assign(inFree.size(), {});
  turnOut.assign(inFree.size(), 0);
  turnIn.assign(inFree.size(), 0);
  turnChannel.assign(inFree.size(), 0);
  busy.assign(inFree.size(), 0);
  waited.assign(inFree.size(), 0);
  isDie.assign(outFree.size(), 0);
  for (uint32_t router = 0; router < routers; ++router)
    for (uint32_t port = 0; port < localPort; ++port)
      isDie[router * ports + port] = shape.crossesDies(router, port);
  lanes.reserve(size_t(routers) * lanesOfRouter);
  for (uint32_t input = 0; input < routers * ports; ++input)
    for (uint32_t i = 0; i < stride; ++i)
      lanes.push_back({none, none, depthBefore(input), 0, 0, 0, never, 0});
  turnLane.assign(lanes.size(), 0);
}

//===----------------------------------------------------------------------===//
// Events
//===----------------------------------------------------------------------===//

void Network::push(uint64_t at, Event event) {
  next = std::min(next, at);
  if (at - time >= numSlots) {
    far.push_back({at, farSequence++, event});
    std::push_heap(far.begin(), far.end(), FarOrder());
    return;
  }
  uint32_t node = freeNode;
  if (node != none) {
    freeNode = nodes[node].next;
    nodes[node] = {event, none};
  } else {
    node = uint32_t(nodes.size());
    nodes.push_back({event, none});
  }
  uint64_t slot = at & (numSlots - 1);
  if (words[slot >> 6] >> (slot & 63) & 1) {
    nodes[slots[slot].last].next = node;
  } else {
    slots[slot].first = node;
    words[slot >> 6] |= uint64_t(1) << (slot & 63);
    summary |= uint64_t(1) << (slot >> 6);
  }
  slots[slot].last = node;
}

void Network::findNext() {
  next = far.empty() ? never : far.front().at;
  if (!summary)
    return;
  uint64_t slot = time & (numSlots - 1), word = slot >> 6;
  uint64_t bits = words[word] >> (slot & 63) << (slot & 63);
  if (!bits) {
    // The next word that has one, around; at last the start of this one.
    uint64_t after = word == 63 ? 0 : summary >> (word + 1) << (word + 1);
    word = uint64_t(std::countr_zero(after ? after : summary));
    bits = words[word];
  }
  uint64_t found = word * 64 + uint64_t(std::countr_zero(bits));
  next = std::min(next, time + ((found - slot) & (numSlots - 1)));
}

void Network::run(uint64_t at, std::vector<NetworkDelivery> &delivered) {
  time = at;
  while (!far.empty() && far.front().at - time < numSlots) {
    Event event = far.front().event;
    uint64_t when = far.front().at;
    std::pop_heap(far.begin(), far.end(), FarOrder());
    far.pop_back();
    push(when, event);
  }
  uint64_t slot = at & (numSlots - 1);
  // Events of this cycle may be added while it is handled.
  while (words[slot >> 6] >> (slot & 63) & 1) {
    uint32_t node = slots[slot].first;
    Event event = nodes[node].event;
    slots[slot].first = nodes[node].next;
    if (nodes[node].next == none) {
      words[slot >> 6] &= ~(uint64_t(1) << (slot & 63));
      if (!words[slot >> 6])
        summary &= ~(uint64_t(1) << (slot >> 6));
    }
    nodes[node].next = freeNode;
    freeNode = node;
    switch (event.kind) {
    case WakeRouter:
      if (routerWake[event.where] == time) {
        routerWake[event.where] = never;
        arbitrate(event.where, delivered);
      }
      break;
    case WakeSource:
      feed(event.where);
      break;
    case ReturnCredit:
      lanes[event.where].space += event.flits;
      creditsAt(event.where, time);
      break;
    case Deliver:
      deliver(event.where, delivered);
      break;
    }
  }
  findNext();
}

void Network::wakeRouter(uint32_t router, uint64_t at) {
  if (at >= routerWake[router])
    return;
  routerWake[router] = at;
  push(at, {router, WakeRouter, 0});
}

//===----------------------------------------------------------------------===//
// Lanes
//===----------------------------------------------------------------------===//

/// What a message wants of a lane: room for all its flits, or, when that is
/// more than the buffer of a channel, a lane of its own.
uint32_t Network::space(const Message &message, uint32_t laneDepth) const {
  return message.worm == none ? uint32_t(message.flits) : laneDepth;
}

/// Flits of a lane of an input port.
uint32_t Network::depthBefore(uint32_t input) const {
  uint32_t router = input / ports, port = input % ports;
  if (port == localPort)
    return shape.channelFlits;
  return shape.depthAfter(shape.crossesDies(router, port) ? shape.dieHopCycles
                                                          : shape.hopCycles);
}

uint64_t Network::readyAt(const Lane &lane) const {
  return std::max(messages[lane.first].arrival + headCycles, lane.free);
}

uint32_t Network::lanesAfter(uint32_t link) const {
  uint32_t router = link / ports, port = link % ports;
  return (routes.neighbour(router, port) * ports + (port ^ 1)) * stride;
}

/// Channels of an input port, from `firstLane` on, that a message of `need`
/// flits of buffer may be allocated now. `wake` becomes no later than the next
/// cycle in which there may be more of them, unless credits are wanted.
uint32_t Network::roomyChannels(uint32_t firstLane, uint32_t need,
                                uint64_t &wake) {
  uint32_t mask = 0;
  for (uint32_t i = 0; i < shape.channels; ++i) {
    Lane &lane = lanes[firstLane + i];
    if (lane.returnAt <= time)
      settle(lane, firstLane / stride);
    if (lane.space < need)
      wake = std::min(wake, lane.returnAt);
    else if (lane.available <= time)
      mask |= 1u << i;
    else
      wake = std::min(wake, lane.available);
  }
  return mask;
}

void Network::enterLane(uint32_t number, uint32_t id) {
  Lane &lane = lanes[number];
  Message &message = messages[id];
  lane.space -= space(message, lane.space);
  message.next = none;
  message.waits = false;
  ++message.hops;
  uint32_t router = number / (lanesOfRouter);
  message.out = routes.next(router, message.to, message.descending);
  if (lane.first != none) {
    messages[lane.last].next = id;
    lane.last = id;
    return;
  }
  lane.first = lane.last = id;
  heads[router] |= 1u << (number % (lanesOfRouter));
  wakeRouter(router, readyAt(lane));
}

/// The last flit of a message leaves a lane at `tail`. The next message may
/// follow as soon as there is room for its first flit; its last one finds room
/// when that of this message has left.
void Network::leave(uint32_t number, const Message &message, uint64_t tail) {
  Lane &lane = lanes[number];
  uint32_t input = number / stride;
  uint32_t router = input / ports, port = input % ports;
  uint64_t back =
      port == localPort
          ? std::max(shape.interfaceCycles, 1u)
          : flightOf(routes.neighbour(router, port) * ports + (port ^ 1));
  lane.free = tail + 1 + headCycles;
  lane.emptied = tail + back;
  if (message.worm == none) {
    settle(lane, input);
    if (lane.returnAt != never)
      push(lane.returnAt, {number, ReturnCredit, lane.returnFlits});
    lane.returnAt = time + back;
    lane.returnFlits = uint32_t(message.flits);
  } else {
    lane.returnAt =
        std::max(tail + 1 - std::min<uint64_t>(tail, shape.channelFlits),
                 time) +
        back;
    lane.returnFlits = 0;
  }
  creditsAt(number, lane.returnAt);
}

/// Takes credits that have come back since the lane was last looked at.
void Network::settle(Lane &lane, uint32_t input) {
  if (lane.returnAt > time)
    return;
  lane.space =
      lane.returnFlits ? lane.space + lane.returnFlits : depthBefore(input);
  lane.returnAt = never;
}

/// Whoever waits for credits of a lane looks again then.
void Network::creditsAt(uint32_t number, uint64_t at) {
  uint32_t input = number / stride;
  uint32_t router = input / ports, port = input % ports;
  if (port == localPort) {
    if (!sources[router].waiting.empty())
      push(at, {router, WakeSource, 0});
    return;
  }
  uint32_t before = routes.neighbour(router, port);
  if (heads[before])
    wakeRouter(before, at);
}

//===----------------------------------------------------------------------===//
// Sources
//===----------------------------------------------------------------------===//

void Network::inject(uint32_t id, uint32_t from, uint32_t to, uint64_t bytes,
                     uint64_t at) {
  uint32_t number;
  if (freeMessages.empty()) {
    number = uint32_t(messages.size());
    messages.emplace_back();
  } else {
    number = freeMessages.back();
    freeMessages.pop_back();
  }
  Message &message = messages[number];
  message.id = id;
  message.to = to;
  message.flits = shape.flitsOf(bytes);
  message.dieFlits = std::max(message.flits, (bytes + shape.dieLinkBytes - 1) /
                                                 shape.dieLinkBytes);
  message.worm = none;
  message.descending = false;
  message.stalled = false;
  message.hops = 0;
  if (message.flits > shape.channelFlits) {
    if (freeWorms.empty()) {
      message.worm = uint32_t(worms.size());
      worms.emplace_back();
    } else {
      message.worm = freeWorms.back();
      freeWorms.pop_back();
    }
  }
  Source &source = sources[from];
  source.waiting.push_back(number);
  if (source.waiting.size() == 1)
    push(std::max(at, outFree[sourceLinks + from] == never
                          ? at
                          : outFree[sourceLinks + from]),
         {from, WakeSource, 0});
}

/// Sends the next message of a source into its router.
void Network::feed(uint32_t router) {
  Source &source = sources[router];
  uint64_t &free = outFree[sourceLinks + router];
  if (source.waiting.empty() || free > time)
    return;
  uint32_t id = source.waiting.front();
  Message &message = messages[id];
  uint32_t firstLane = (router * ports + localPort) * stride;
  uint64_t wake = never;
  uint32_t roomy =
      roomyChannels(firstLane, space(message, shape.channelFlits), wake);
  if (!roomy) {
    if (wake != never)
      push(wake, {router, WakeSource, 0});
    return;
  }
  uint32_t channel = nextBit(roomy, source.turn);
  source.turn = uint8_t((channel + 1) % shape.channels);
  source.waiting.pop_front();
  free = time + message.flits;
  if (!source.waiting.empty())
    push(free, {router, WakeSource, 0});
  message.entered = time;
  message.arrival = time + shape.interfaceCycles;
  message.tail = free - 1 + shape.interfaceCycles;
  if (message.worm != none)
    worms[message.worm].assign(1,
                               {sourceLinks + router, none, 0, free - 1, free});
  enterLane(firstLane + channel, id);
}

//===----------------------------------------------------------------------===//
// Routers
//===----------------------------------------------------------------------===//

void Network::arbitrate(uint32_t router,
                        std::vector<NetworkDelivery> &delivered) {
  uint32_t base = router * ports, laneBase = base * stride;
  if (std::has_single_bit(heads[router])) {
    uint32_t number = laneBase + uint32_t(std::countr_zero(heads[router]));
    uint32_t input = number / stride;
    Message &message = messages[lanes[number].first];
    uint32_t out = message.out, link = base + out;
    uint64_t at =
        std::max({readyAt(lanes[number]), outFree[link], inFree[input]});
    uint64_t wake = never;
    uint32_t room = 1;
    if (at <= time && out != localPort)
      room =
          roomyChannels(lanesAfter(link), space(message, depthOf(link)), wake);
    if (at <= time && room) {
      // The only one that asks gets its link.
      turnOut[link] = uint8_t((input - base + 1) % ports);
      turnChannel[input] = uint8_t((out + 1) % ports);
      turnIn[input] = uint8_t((number % stride + 1) % shape.channels);
      start(number, room, delivered);
      if (heads[router])
        wakeRouter(router, std::max(readyAt(lanes[number]), time + 1));
      return;
    }
  }
  uint32_t channelMask = (1u << stride) - 1;
  std::array<uint32_t, ports> requests{};
  uint8_t offered[ports][ports], roomy[ports][ports];
  uint32_t inputs = 0;
  uint64_t wake = never;
  for (uint32_t in = 0; in < ports; ++in) {
    uint32_t left = heads[router] >> (in * stride) & channelMask;
    if (!left)
      continue;
    uint32_t turn = turnIn[base + in];
    for (; left;) {
      uint32_t channel = nextBit(left, turn);
      left &= ~(1u << channel);
      const Lane &lane = lanes[laneBase + in * stride + channel];
      uint64_t ready = readyAt(lane);
      if (ready > time) {
        wake = std::min(wake, ready);
        continue;
      }
      Message &message = messages[lane.first];
      uint32_t out = message.out, link = base + out;
      uint64_t free = std::max(outFree[link], inFree[base + in]);
      if (free > time) {
        wake = std::min(wake, free);
      } else if (uint32_t room =
                     out == localPort
                         ? 1
                         : roomyChannels(lanesAfter(link),
                                         space(message, depthOf(link)), wake)) {
        if (!(requests[out] >> in & 1)) {
          requests[out] |= 1u << in;
          offered[in][out] = uint8_t(channel);
          roomy[in][out] = uint8_t(room);
          inputs |= 1u << in;
        }
        continue;
      }
      if (message.worm != none && !message.stalled)
        stall(message);
    }
  }
  std::array<uint32_t, ports> offers{};
  for (uint32_t out = 0; out < ports; ++out)
    if (requests[out])
      offers[nextBit(requests[out], turnOut[base + out])] |= 1u << out;
  for (; inputs; inputs &= inputs - 1) {
    uint32_t in = uint32_t(std::countr_zero(inputs));
    if (!offers[in])
      continue;
    uint32_t out = nextBit(offers[in], turnChannel[base + in]);
    turnOut[base + out] = uint8_t((in + 1) % ports);
    turnChannel[base + in] = uint8_t((out + 1) % ports);
    uint32_t channel = offered[in][out];
    turnIn[base + in] = uint8_t((channel + 1) % shape.channels);
    start(laneBase + in * stride + channel, roomy[in][out], delivered);
  }
  // What did not get through tries again when its ports are free.
  for (uint32_t left = heads[router]; left; left &= left - 1) {
    uint32_t number = laneBase + uint32_t(std::countr_zero(left));
    uint64_t ready = readyAt(lanes[number]);
    if (ready > time) {
      wake = std::min(wake, ready);
      continue;
    }
    Message &message = messages[lanes[number].first];
    uint32_t link = base + message.out, input = number / stride;
    uint64_t free = std::max(outFree[link], inFree[input]);
    if (free > time) {
      wake = std::min(wake, free);
      share(outFree[link] == free ? outHolder[link] : inHolder[input], free,
            message);
    } else if (message.out == localPort ||
               roomyChannels(lanesAfter(link), space(message, depthOf(link)),
                             wake)) {
      wake = time + 1;
    }
    message.waits = true;
  }
  if (wake != never)
    wakeRouter(router, wake);
}

/// A message waits for a port that another one holds. Flit by flit the two take
/// turns: the holder's last flits pass later by as many flits of the other.
void Network::share(const Holder &holder, uint64_t until,
                    const Message &waiting) {
  if (waiting.waits)
    return;
  uint64_t more = std::min(std::min(until - time - 1, waiting.flits),
                           uint64_t(shape.channelFlits));
  if (!more)
    return;
  Message &message = messages[holder.message];
  Lane &lane = lanes[holder.lane];
  lane.free += more;
  lane.emptied += more;
  if (message.worm != none && lane.returnAt != never)
    lane.returnAt += more;
  message.tail += more;
}

/// The first message of a lane gets its link.
void Network::start(uint32_t number, uint32_t roomy,
                    std::vector<NetworkDelivery> &delivered) {
  Lane &lane = lanes[number];
  uint32_t input = number / stride, router = input / ports;
  uint32_t id = lane.first;
  Message &message = messages[id];
  uint32_t link = router * ports + message.out;
  waited[link] += time - readyAt(lane);
  lane.first = message.next;
  if (lane.first == none)
    heads[router] &= ~(1u << (number % (lanesOfRouter)));
  if (message.stalled)
    resume(message);

  uint64_t length = isDie[link] ? message.dieFlits : message.flits;
  outFree[link] = time + length;
  inFree[input] = time + message.flits;
  busy[link] += length;
  outHolder[link] = inHolder[input] = {id, number, time};
  uint64_t tail = std::max(time + length - 1, message.tail);
  leave(number, message, tail);

  if (message.out == localPort) {
    message.tail = tail + flight;
    push(message.tail, {id, Deliver, 0});
    return;
  }
  if (message.worm != none)
    worms[message.worm].push_back({link, number, 0, tail, time + length});
  message.descending |= routes.descends(router, message.out);
  message.arrival = time + flightOf(link);
  uint32_t firstLane = lanesAfter(link);
  // As the VC allocator of iSLIP: a lane goes on after the output channel that
  // it had before.
  uint32_t shift = message.out * stride;
  uint32_t chosen = nextBit(roomy << shift, turnLane[number]);
  turnLane[number] = uint8_t((chosen + 1) % (lanesOfRouter));
  Lane &after = lanes[firstLane + chosen - shift];
  after.available = tail + 2;
  message.tail = std::max(tail, after.emptied) + flightOf(link);
  enterLane(firstLane + chosen - shift, id);
}

void Network::deliver(uint32_t id, std::vector<NetworkDelivery> &delivered) {
  Message &message = messages[id];
  if (message.tail > time) {
    push(message.tail, {id, Deliver, 0});
    return;
  }
  delivered.push_back({message.id, message.entered, time});
  if (message.worm != none)
    freeWorms.push_back(message.worm);
  freeMessages.push_back(id);
}

//===----------------------------------------------------------------------===//
// Long messages
//===----------------------------------------------------------------------===//

/// The head waits. Each link behind it goes on until the buffers after it are
/// full; then others may use it.
void Network::stall(Message &message) {
  message.stalled = true;
  std::vector<WormLink> &links = worms[message.worm];
  uint64_t room = 0;
  for (size_t i = links.size(); i--;) {
    room += shape.channelFlits;
    if (room >= message.flits) {
      // What lies further back has all its flits on their way.
      links.erase(links.begin(), links.begin() + ptrdiff_t(i + 1));
      break;
    }
    WormLink &behind = links[i];
    behind.left = message.flits - room;
    if (behind.lane == none) {
      // A source does not send others in between.
      outFree[behind.link] = never;
      continue;
    }
    lanes[behind.lane].returnAt = never;
    uint32_t input = behind.lane / stride;
    uint64_t until =
        std::max(behind.end - std::min(behind.left, behind.end), time);
    if (outFree[behind.link] == behind.end)
      outFree[behind.link] = until;
    if (inFree[input] == behind.end)
      inFree[input] = until;
    busy[behind.link] -= behind.left;
    if (heads[behind.link / ports])
      wakeRouter(behind.link / ports, until);
  }
}

/// The head gets its link: what is left behind follows as soon as there are
/// credits and the links are free.
void Network::resume(Message &message) {
  message.stalled = false;
  std::vector<WormLink> &links = worms[message.worm];
  uint64_t tail = 0;
  for (size_t i = 0; i < links.size(); ++i) {
    WormLink &behind = links[i];
    if (!behind.left)
      continue;
    bool source = behind.lane == none;
    uint64_t start = time + flight * (links.size() - i);
    if (!source)
      start =
          std::max({start, outFree[behind.link], inFree[behind.lane / stride]});
    behind.tail = std::max(start + behind.left - 1, tail);
    outFree[behind.link] = behind.end = start + behind.left;
    if (source) {
      if (!sources[behind.link - sourceLinks].waiting.empty())
        push(outFree[behind.link], {behind.link - sourceLinks, WakeSource, 0});
    } else {
      inFree[behind.lane / stride] = start + behind.left;
      busy[behind.link] += behind.left;
      leave(behind.lane, message, behind.tail);
    }
    behind.left = 0;
    tail =
        behind.tail + (source ? shape.interfaceCycles : flightOf(behind.link));
  }
  message.tail = std::max(message.tail, tail);
}
