//===- Network.cpp - The mesh message by message --------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Network.h"

#include <algorithm>
#include <bit>

using namespace octo;

/// Mark of a pending event that is in no slot.
static constexpr uint32_t unlisted = 0xfffffffe;

static uint32_t nextBit(uint32_t mask, uint32_t from) {
  uint32_t after = mask >> from << from;
  return uint32_t(std::countr_zero(after ? after : mask));
}

Network::Network(const NetworkShape &shape, MeshRoutes &routes)
    : shape(shape), routes(routes), whole(routes.whole()),
      numRouters(shape.clusters()),
      headCycles(NetworkShape::headCycles(shape.hopCycles)),
      channelMask((1u << shape.channels) - 1), routers(numRouters),
      inputs(size_t(numRouters) * ports), sources(numRouters),
      pending(size_t(numRouters) * 2), slots(numSlots) {
  for (uint32_t router = 0; router < numRouters; ++router) {
    uint32_t x = router % shape.width, y = router / shape.width;
    for (uint32_t port = 0; port < ports; ++port) {
      bool die = shape.crossesDies(router, port);
      uint32_t flight = NetworkShape::flightCycles(die ? shape.dieHopCycles
                                                       : shape.hopCycles);
      bool onMesh = port == 0   ? x + 1 < shape.width
                    : port == 1 ? x > 0
                    : port == 2 ? y + 1 < shape.height
                    : port == 3 ? y > 0
                                : false;
      Link &link = routers[router].links[port];
      link.flight = flight;
      link.isDie = die;
      if (onMesh) {
        link.afterRouter = routes.neighbour(router, port);
        link.after = link.afterRouter * ports + (port ^ 1);
      }
      Port &input = inputs[router * ports + port];
      input.available.fill(0);
      input.returnAt.fill(never);
      input.returned.fill(0);
      input.first.fill(none);
      input.last.fill(none);
      input.free.fill(0);
      input.emptied.fill(0);
      input.before = onMesh ? routes.neighbour(router, port) : router;
      input.linkBefore = uint8_t(port ^ 1);
      // A link is as long in both directions.
      input.back = flight;
      input.depth =
          shape.depthAfter(die ? shape.dieHopCycles : shape.hopCycles);
      if (port == localPort) {
        input.back = std::max(shape.interfaceCycles, 1u);
        input.depth = shape.channelFlits;
      }
      input.space.fill(input.depth);
    }
  }
}

//===----------------------------------------------------------------------===//
// Events
//===----------------------------------------------------------------------===//

/// Looks at a router, source or message at cycle `at` or earlier.
void Network::wake(uint32_t who, uint64_t at) {
  Pending &event = pending[who];
  if (at >= event.at)
    return;
  if (event.at != never && event.next != unlisted)
    unlist(who);
  event.at = at;
  event.next = unlisted;
  next = std::min(next, at);
  if (at - time < numSlots) {
    enlist(who, at);
    return;
  }
  far.push_back({at, farSequence++, who});
  std::push_heap(far.begin(), far.end());
}

void Network::enlist(uint32_t who, uint64_t at) {
  uint64_t number = at & (numSlots - 1);
  Slot &slot = slots[number];
  Pending &event = pending[who];
  event.previous = slot.last;
  event.next = none;
  if (slot.last != none) {
    pending[slot.last].next = who;
  } else {
    slot.first = who;
    words[number >> 6] |= uint64_t(1) << (number & 63);
    summary |= uint64_t(1) << (number >> 6);
  }
  slot.last = who;
}

void Network::unlist(uint32_t who) {
  Pending &event = pending[who];
  uint64_t number = event.at & (numSlots - 1);
  Slot &slot = slots[number];
  (event.previous == none ? slot.first : pending[event.previous].next) =
      event.next;
  (event.next == none ? slot.last : pending[event.next].previous) =
      event.previous;
  if (slot.first != none)
    return;
  words[number >> 6] &= ~(uint64_t(1) << (number & 63));
  if (!words[number >> 6])
    summary &= ~(uint64_t(1) << (number >> 6));
}

void Network::findNext() {
  next = far.empty() ? never : far.front().at;
  if (!credits.empty())
    next = std::min(next, credits.front().at);
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
    Far entry = far.front();
    std::pop_heap(far.begin(), far.end());
    far.pop_back();
    // One that was called earlier since then may be there again.
    const Pending &event = pending[entry.who];
    if (event.at == entry.at && event.next == unlisted)
      enlist(entry.who, entry.at);
  }
  if (!credits.empty())
    takeCredits();
  // Events of this cycle may be added while it is handled.
  Slot &slot = slots[at & (numSlots - 1)];
  while (slot.first != none) {
    uint32_t who = slot.first;
    unlist(who);
    pending[who].at = never;
    if (who < numRouters)
      arbitrate(who);
    else if (who < 2 * numRouters)
      feed(who - numRouters);
    else
      deliver(who - 2 * numRouters, delivered);
  }
  findNext();
}

//===----------------------------------------------------------------------===//
// Lanes
//===----------------------------------------------------------------------===//

/// Lanes of an input port that a message of `need` flits of buffer may be
/// allocated at cycle `at`. What is longer than a lane needs one of its own.
uint32_t Network::roomy(const Port &port, uint32_t need, uint64_t at) const {
  uint32_t mask = 0;
  for (uint32_t i = 0; i < stride; ++i) {
    uint32_t back = port.returnAt[i] <= at ? port.returned[i] : 0;
    uint32_t fits = port.space[i] + back >= need;
    mask |= (fits & uint32_t(port.available[i] <= at)) << i;
  }
  return mask & channelMask;
}

/// When no lane has room now: the first cycle in which one may; `never` when
/// credits are wanted that are not on their way.
uint64_t Network::roomAt(const Port &port, uint32_t need) const {
  uint64_t at = never;
  for (uint32_t i = 0; i < shape.channels; ++i) {
    uint32_t back = port.returnAt[i] <= time ? port.returned[i] : 0;
    if (port.space[i] + back >= need)
      at = std::min(at, port.available[i]);
    else if (port.returnAt[i] > time)
      at = std::min(at, port.returnAt[i]);
  }
  return at;
}

/// Takes credits that have come back at cycle `at`.
void Network::settle(Port &port, uint32_t channel, uint64_t at) {
  if (port.returnAt[channel] > at)
    return;
  port.space[channel] += port.returned[channel];
  port.returnAt[channel] = never;
}

void Network::takeCredits() {
  while (!credits.empty() && credits.front().at <= time) {
    Credit credit = credits.front();
    std::pop_heap(credits.begin(), credits.end());
    credits.pop_back();
    Port &port = inputs[credit.lane / stride];
    port.space[credit.lane % stride] += credit.flits;
    creditsAt(port, time);
  }
}

/// Whoever waits for credits of a port looks again then.
void Network::creditsAt(Port &port, uint64_t at) {
  if (&port - &inputs[port.before * ports] == localPort) {
    if (sources[port.before].starved)
      wake(numRouters + port.before, at);
  } else if (routers[port.before].starved >> port.linkBefore & 1) {
    wake(port.before, at);
  }
}

/// The port of the next link of a message that comes to a router.
uint8_t Network::nextLink(uint32_t router, Message &message) {
  if (!whole)
    return routes.next(router, message.to, message.descending);
  if (message.right) {
    bool back = message.right < 0;
    message.right += back ? 1 : -1;
    return back;
  }
  if (message.down) {
    bool back = message.down < 0;
    message.down += back ? 1 : -1;
    return 2 + back;
  }
  return localPort;
}

/// A head will be in a lane that has room for it.
void Network::enterLane(Port &port, uint32_t channel, uint32_t id) {
  Message &message = messages[id];
  message.next = none;
  message.waits = false;
  if (port.first[channel] != none) {
    messages[port.last[channel]].next = id;
    port.last[channel] = id;
    return;
  }
  port.first[channel] = port.last[channel] = id;
  uint32_t number = uint32_t(&port - inputs.data()), router = number / ports;
  routers[router].heads |= 1u << (number % ports * stride + channel);
  wake(router, readyAt(port, channel));
}

/// A message leaves a lane from cycle `at` on, its last flit at `tail`. The
/// next message may follow as soon as there is room for its first flit; its
/// last one finds room when that of this message has left.
void Network::leave(Port &port, uint32_t channel, const Message &message,
                    uint64_t at, uint64_t tail) {
  port.free[channel] = tail + 1 + headCycles;
  port.emptied[channel] = tail + port.back;
  settle(port, channel, at);
  if (message.worm == none) {
    if (port.returnAt[channel] != never) {
      credits.push_back({port.returnAt[channel],
                         uint32_t(&port - inputs.data()) * stride + channel,
                         port.returned[channel]});
      std::push_heap(credits.begin(), credits.end());
    }
    port.returnAt[channel] = at + port.back;
    port.returned[channel] = uint32_t(message.flits);
  } else {
    port.returnAt[channel] =
        std::max(tail + 1 - std::min<uint64_t>(tail, shape.channelFlits), at) +
        port.back;
    port.returned[channel] = port.depth - port.space[channel];
  }
  creditsAt(port, port.returnAt[channel]);
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
    pending.emplace_back();
  } else {
    number = freeMessages.back();
    freeMessages.pop_back();
  }
  Message &message = messages[number];
  message.id = id;
  message.to = to;
  message.next = none;
  message.worm = none;
  message.right = int32_t(to % shape.width) - int32_t(from % shape.width);
  message.down = int32_t(to / shape.width) - int32_t(from / shape.width);
  message.flits = shape.flitsOf(bytes);
  message.dieFlits = std::max(message.flits, (bytes + shape.dieLinkBytes - 1) /
                                                 shape.dieLinkBytes);
  message.descending = false;
  message.stalled = false;
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
  if (source.first != none) {
    messages[source.last].next = number;
    source.last = number;
    return;
  }
  source.first = source.last = number;
  // A long message that is stalled in the source says when it has left.
  if (source.free != never)
    wake(numRouters + from, std::max(at, source.free));
}

/// Sends the next message of a source into its router.
void Network::feed(uint32_t router) {
  Source &source = sources[router];
  source.starved = false;
  if (source.first == none)
    return;
  if (source.free > time) {
    if (source.free != never)
      wake(numRouters + router, source.free);
    return;
  }
  uint32_t id = source.first;
  Message &message = messages[id];
  Port &port = inputs[router * ports + localPort];
  uint32_t need = spaceFor(message, port);
  uint32_t room = roomy(port, need, time);
  if (!room) {
    source.starved = true;
    if (uint64_t at = roomAt(port, need); at != never)
      wake(numRouters + router, at);
    return;
  }
  uint32_t channel = nextBit(room, source.turn);
  source.turn = (channel + 1) % shape.channels;
  source.first = message.next;
  if (source.first == none)
    source.last = none;
  source.free = time + message.flits;
  if (source.first != none)
    wake(numRouters + router, source.free);
  message.entered = time;
  message.arrival = time + shape.interfaceCycles;
  message.tail = source.free - 1 + shape.interfaceCycles;
  if (message.worm != none)
    worms[message.worm].assign(
        1, {router, none, 0, 0, source.free - 1, source.free});
  message.out = nextLink(router, message);
  settle(port, channel, time);
  port.space[channel] -= need;
  enterLane(port, channel, id);
}

//===----------------------------------------------------------------------===//
// Routers
//===----------------------------------------------------------------------===//

/// What the arbiters of iSLIP prefer after an input has got an output.
void Network::takeTurns(Router &router, Port &port, uint32_t in,
                        uint32_t channel, uint32_t out) {
  router.turnOut[out] = uint8_t(in + 1 == ports ? 0 : in + 1);
  port.turnChannel = uint8_t(out + 1 == ports ? 0 : out + 1);
  port.turnIn = uint8_t(channel + 1 == shape.channels ? 0 : channel + 1);
}

/// Lanes behind the next link of a message that it may have at cycle `at`.
uint32_t Network::roomFor(const Router &router, const Message &message,
                          uint64_t at) const {
  if (message.out == localPort)
    return 1;
  const Port &after = inputs[router.links[message.out].after];
  return roomy(after, spaceFor(message, after), at);
}

/// Matches the heads of a router with its links.
void Network::arbitrate(uint32_t number) {
  Router &router = routers[number];
  router.starved = 0;
  if (!std::has_single_bit(router.heads)) {
    if (router.heads)
      arbitrateMany(number);
    return;
  }
  // The only one that asks gets its link, when that is free.
  uint32_t lane = uint32_t(std::countr_zero(router.heads));
  uint32_t in = lane / stride, channel = lane % stride;
  Port &port = inputs[number * ports + in];
  Message &message = messages[port.first[channel]];
  uint64_t ready = readyAt(port, channel);
  if (ready > time) {
    wake(number, ready);
    return;
  }
  uint32_t out = message.out, room = 0;
  if (std::max(router.links[out].free, port.inFree) <= time + early(message))
    room = roomFor(router, message, time);
  if (room) {
    takeTurns(router, port, in, channel, out);
    start(number, in, channel, room);
    if (router.heads)
      wake(number, std::max(readyAt(port, channel), time + 1));
    return;
  }
  if (message.worm != none && !message.stalled)
    stall(message);
  if (uint64_t again = wait(router, port, message); again != never)
    wake(number, again);
}

void Network::arbitrateMany(uint32_t number) {
  Router &router = routers[number];
  Port *port = &inputs[number * ports];
  constexpr uint32_t lanesOfPort = (1u << stride) - 1;
  std::array<uint32_t, ports> requests{};
  uint8_t offered[ports][ports], room[ports][ports];
  uint32_t asking = 0, waiting = 0;
  uint64_t again = never;
  for (uint32_t heads = router.heads; heads;) {
    uint32_t in = uint32_t(std::countr_zero(heads)) / stride;
    uint32_t left = heads >> (in * stride) & lanesOfPort;
    heads &= ~(lanesOfPort << (in * stride));
    while (left) {
      uint32_t channel = nextBit(left, port[in].turnIn);
      left &= ~(1u << channel);
      uint64_t ready = readyAt(port[in], channel);
      if (ready > time) {
        again = std::min(again, ready);
        continue;
      }
      waiting |= 1u << (in * stride + channel);
      Message &message = messages[port[in].first[channel]];
      uint32_t out = message.out, some = 0;
      if (std::max(router.links[out].free, port[in].inFree) <=
          time + early(message))
        some = roomFor(router, message, time);
      if (!some) {
        if (message.worm != none && !message.stalled)
          stall(message);
      } else if (!(requests[out] >> in & 1)) {
        requests[out] |= 1u << in;
        offered[in][out] = uint8_t(channel);
        room[in][out] = uint8_t(some);
        asking |= 1u << in;
      }
    }
  }
  if (asking) {
    std::array<uint32_t, ports> offers{};
    for (uint32_t out = 0; out < ports; ++out)
      if (requests[out])
        offers[nextBit(requests[out], router.turnOut[out])] |= 1u << out;
    for (; asking; asking &= asking - 1) {
      uint32_t in = uint32_t(std::countr_zero(asking));
      if (!offers[in])
        continue;
      uint32_t out = nextBit(offers[in], port[in].turnChannel);
      uint32_t channel = offered[in][out];
      takeTurns(router, port[in], in, channel, out);
      waiting &= ~(1u << (in * stride + channel));
      start(number, in, channel, room[in][out]);
      if (router.heads >> (in * stride + channel) & 1)
        again = std::min(again, std::max(readyAt(port[in], channel), time + 1));
    }
  }
  for (; waiting; waiting &= waiting - 1) {
    uint32_t lane = uint32_t(std::countr_zero(waiting));
    Port &input = port[lane / stride];
    // Its lane may have been held up since.
    uint64_t ready = readyAt(input, lane % stride);
    again = std::min(
        again, ready > time
                   ? ready
                   : wait(router, input, messages[input.first[lane % stride]]));
  }
  if (again != never)
    wake(number, again);
}

/// A head has not got its link: when it tries again; `never`: when there are
/// credits.
uint64_t Network::wait(Router &router, const Port &port, Message &message) {
  const Link &link = router.links[message.out];
  uint64_t free = std::max(link.free, port.inFree), again;
  if (uint64_t ahead = early(message); free > time + ahead) {
    share(link.free == free ? link.holder : port.holder, free, message);
    again = free - ahead;
  } else if (roomFor(router, message, time)) {
    again = time + 1;
  } else {
    router.starved |= uint8_t(1u << message.out);
    const Port &after = inputs[link.after];
    again = roomAt(after, spaceFor(message, after));
  }
  message.waits = true;
  return again;
}

/// A message waits for a port that another one holds. Flit by flit the two take
/// turns: the holder's last flits pass later by as many flits of the other, at
/// most those of the lane where it waits and of the lane where it goes.
void Network::share(const Holder &holder, uint64_t until,
                    const Message &waiting) {
  if (waiting.waits)
    return;
  uint64_t more = std::min(std::min(until - time - 1, waiting.flits),
                           uint64_t(2 * shape.channelFlits));
  if (!more)
    return;
  Message &message = messages[holder.message];
  Port &port = inputs[holder.lane / stride];
  uint32_t channel = holder.lane % stride;
  port.free[channel] += more;
  port.emptied[channel] += more;
  if (message.worm != none && port.returnAt[channel] != never)
    port.returnAt[channel] += more;
  message.tail += more;
}

/// The first message of a lane gets its link; `room`: lanes behind it. Where
/// the routers ahead are idle and will be when the head is through, it goes on
/// at once, as far as `foresight` cycles.
void Network::start(uint32_t number, uint32_t in, uint32_t channel,
                    uint32_t room) {
  Port *port = &inputs[number * ports + in];
  uint32_t id = port->first[channel];
  Message &message = messages[id];
  uint32_t out = message.out;
  uint64_t at = time;
  // A link that is taken ahead is lost to others that would have come before:
  // little of the time that a message of this length takes anyway.
  const uint64_t foresight = shape.hopCycles + message.flits;
  routers[number].links[out].waited += at - readyAt(*port, channel);
  port->first[channel] = message.next;
  if (message.next == none)
    routers[number].heads &= ~(1u << (in * stride + channel));
  if (message.stalled)
    resume(message);
  for (;;) {
    Link &link = routers[number].links[out];
    uint32_t lane = uint32_t(port - inputs.data()) * stride + channel;
    uint64_t length = link.isDie ? message.dieFlits : message.flits;
    // Whoever has the ports is through with them by then.
    uint64_t from = std::max({at, link.free, port->inFree});
    link.free = from + length;
    link.busy += length;
    port->inFree = from + message.flits;
    link.holder = port->holder = {id, lane};
    uint64_t tail = std::max(link.free - 1, message.tail);
    leave(*port, channel, message, at, tail);
    if (out == localPort) {
      message.tail = tail + link.flight;
      wake(2 * numRouters + id, message.tail);
      return;
    }
    if (message.worm != none)
      worms[message.worm].push_back(
          {number, lane, uint8_t(out), 0, tail, link.free});
    if (!whole)
      message.descending |= routes.descends(number, out);
    // As the VC allocator of iSLIP: a lane goes on after the output channel
    // that it had before.
    uint32_t shift = out * stride;
    uint32_t chosen = nextBit(room << shift, port->turnLane[channel]);
    port->turnLane[channel] =
        uint8_t(chosen + 1 == lanesOfRouter ? 0 : chosen + 1);
    channel = chosen - shift;

    port = &inputs[link.after];
    number = link.afterRouter;
    settle(*port, channel, at);
    port->space[channel] -= spaceFor(message, *port);
    port->available[channel] = tail + 2;
    message.arrival = at + link.flight;
    message.tail = std::max(tail, port->emptied[channel]) + link.flight;
    out = message.out = nextLink(number, message);
    Router &router = routers[number];
    uint64_t ready =
        std::max(message.arrival + headCycles, port->free[channel]);
    if (at - time > foresight || router.heads ||
        std::max(router.links[out].free, port->inFree) > ready ||
        !(room = roomFor(router, message, ready))) {
      enterLane(*port, channel, id);
      return;
    }
    takeTurns(router, *port, link.after % ports, channel, out);
    at = ready;
  }
}

void Network::deliver(uint32_t id, std::vector<NetworkDelivery> &delivered) {
  Message &message = messages[id];
  if (message.tail > time) {
    wake(2 * numRouters + id, message.tail);
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

/// The head waits. Each link behind it goes on until what is after it is full;
/// then others may use it. A router holds the flits of a lane and those of its
/// pipeline; docs/timing-model.md says why.
void Network::stall(Message &message) {
  message.stalled = true;
  std::vector<WormLink> &links = worms[message.worm];
  uint64_t room = 0;
  for (size_t i = links.size(); i--;) {
    room += shape.channelFlits + NetworkShape::flightCycles(shape.hopCycles);
    if (room >= message.flits) {
      // What lies further back has all its flits on their way.
      links.erase(links.begin(), links.begin() + ptrdiff_t(i + 1));
      break;
    }
    WormLink &behind = links[i];
    behind.left = message.flits - room;
    if (behind.lane == none) {
      // A source does not send others in between.
      sources[behind.router].free = never;
      continue;
    }
    Router &router = routers[behind.router];
    Link &link = router.links[behind.out];
    Port &port = inputs[behind.lane / stride];
    port.returnAt[behind.lane % stride] = never;
    uint64_t until =
        std::max(behind.end - std::min(behind.left, behind.end), time);
    if (link.free == behind.end)
      link.free = until;
    if (port.inFree == behind.end)
      port.inFree = until;
    link.busy -= behind.left;
    if (router.heads)
      wake(behind.router, until);
  }
}

/// The head gets its link: what is left behind follows as soon as there are
/// credits and the links are free.
void Network::resume(Message &message) {
  message.stalled = false;
  std::vector<WormLink> &links = worms[message.worm];
  uint32_t flight = NetworkShape::flightCycles(shape.hopCycles);
  uint64_t tail = 0;
  for (size_t i = 0; i < links.size(); ++i) {
    WormLink &behind = links[i];
    if (!behind.left)
      continue;
    uint64_t start = time + flight * (links.size() - i);
    if (behind.lane == none) {
      behind.tail = std::max(start + behind.left - 1, tail);
      Source &source = sources[behind.router];
      source.free = behind.end = start + behind.left;
      if (source.first != none)
        wake(numRouters + behind.router, source.free);
      tail = behind.tail + shape.interfaceCycles;
    } else {
      Link &link = routers[behind.router].links[behind.out];
      Port &port = inputs[behind.lane / stride];
      start = std::max({start, link.free, port.inFree});
      behind.tail = std::max(start + behind.left - 1, tail);
      link.free = port.inFree = behind.end = start + behind.left;
      link.holder =
          port.holder = {uint32_t(&message - messages.data()), behind.lane};
      link.busy += behind.left;
      leave(port, behind.lane % stride, message, time, behind.tail);
      tail = behind.tail + link.flight;
    }
    behind.left = 0;
  }
  message.tail = std::max(message.tail, tail);
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

std::vector<uint64_t> Network::busyCycles() const {
  std::vector<uint64_t> cycles;
  for (const Router &router : routers)
    for (const Link &link : router.links)
      cycles.push_back(link.busy);
  return cycles;
}

std::vector<uint64_t> Network::waitedCycles() const {
  std::vector<uint64_t> cycles;
  for (const Router &router : routers)
    for (const Link &link : router.links)
      cycles.push_back(link.waited);
  return cycles;
}
