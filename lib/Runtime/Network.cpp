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

static uint32_t nextBit(uint32_t mask, uint32_t from) {
  uint32_t after = mask >> from << from;
  return uint32_t(std::countr_zero(after ? after : mask));
}

Network::Network(const NetworkShape &shape, MeshRoutes &routes)
    : shape(shape), routes(routes), whole(routes.whole()),
      numRouters(shape.clusters()),
      headCycles(NetworkShape::headCycles(shape.hopCycles)),
      flightCycles(NetworkShape::flightCycles(shape.hopCycles)),
      channels(shape.channels), laneFlits(shape.channelFlits),
      channelMask((1u << channels) - 1), routers(numRouters),
      inputs(size_t(numRouters) * ports), sources(numRouters),
      pending(size_t(numRouters) * 2, never), slots(numSlots) {
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
      input.before = onMesh ? routes.neighbour(router, port) : router;
      input.linkBefore = uint8_t(port ^ 1);
      // A link is as long in both directions.
      input.back = flight;
      input.depth =
          shape.depthAfter(die ? shape.dieHopCycles : shape.hopCycles);
      if (port == localPort) {
        input.back = std::max(shape.interfaceCycles, 1u);
        input.depth = laneFlits;
        input.linkBefore = localPort;
      }
      for (Lane &lane : input.lanes)
        lane.space = input.depth;
    }
  }
}

//===----------------------------------------------------------------------===//
// Events
//===----------------------------------------------------------------------===//

/// Looks at a router, source or message at cycle `at` or earlier.
inline void Network::wake(uint32_t who, uint64_t at) {
  if (at >= pending[who])
    return;
  pending[who] = at;
  next = std::min(next, at);
  if (at - time < numSlots) {
    enlist(who, at);
    return;
  }
  far.push_back({at, farSequence++, who});
  std::push_heap(far.begin(), far.end());
}

inline void Network::enlist(uint32_t who, uint64_t at) {
  uint32_t number = freeEntry;
  if (number == none) {
    number = uint32_t(entries.size());
    entries.emplace_back();
  } else {
    freeEntry = entries[number].next;
  }
  entries[number] = {who, none};
  uint64_t index = at & (numSlots - 1);
  Slot &slot = slots[index];
  if (slot.first != none) {
    entries[slot.last].next = number;
  } else {
    slot.first = number;
    words[index >> 6] |= uint64_t(1) << (index & 63);
    summary |= uint64_t(1) << (index >> 6);
  }
  slot.last = number;
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
    if (pending[entry.who] == entry.at)
      enlist(entry.who, entry.at);
  }
  if (!credits.empty())
    takeCredits();
  // Events of this cycle may be added while it is handled; its mark goes last.
  const uint64_t index = at & (numSlots - 1);
  Slot &slot = slots[index];
  while (slot.first != none) {
    uint32_t number = slot.first, who = entries[number].who;
    slot.first = entries[number].next;
    entries[number].next = freeEntry;
    freeEntry = number;
    if (pending[who] != at)
      continue; // it was called earlier since then
    pending[who] = never;
    if (who < numRouters)
      arbitrate(who);
    else if (who < 2 * numRouters)
      feed(who - numRouters, at);
    else
      deliver(who - 2 * numRouters, delivered);
  }
  words[index >> 6] &= ~(uint64_t(1) << (index & 63));
  if (!words[index >> 6])
    summary &= ~(uint64_t(1) << (index >> 6));
  findNext();
}

//===----------------------------------------------------------------------===//
// Lanes
//===----------------------------------------------------------------------===//

/// A lane of an input port that a message may be allocated at cycle `at`, the
/// first from `turn` on: with room for all of its flits or, when it is longer
/// than a lane, for itself. `none` if there is none.
template <bool isLong>
inline uint32_t Network::laneFor(const Port &port, const Message &message,
                                 uint32_t turn, uint64_t at) const {
  uint32_t mask = 0;
  if constexpr (isLong) {
    if (port.open[turn] <= at)
      return turn;
    for (uint32_t i = 0; i < stride; ++i)
      mask |= uint32_t(port.open[i] <= at) << i;
  } else {
    for (uint32_t i = 0; i < stride; ++i) {
      const Lane &lane = port.lanes[i];
      uint32_t back = lane.returnAt <= at ? lane.returned : 0;
      uint32_t fits = lane.space + back >= message.flits;
      mask |= (fits & uint32_t(lane.available <= at)) << i;
    }
  }
  mask &= channelMask;
  return mask ? nextBit(mask, turn) : none;
}

/// When no lane has room now: the first cycle in which one may; `never` when
/// credits are wanted that are not on their way.
uint64_t Network::roomAt(const Port &port, const Message &message) const {
  uint64_t at = never;
  for (uint32_t i = 0; i < channels; ++i) {
    const Lane &lane = port.lanes[i];
    if (message.isLong) {
      at = std::min(at, port.open[i]);
      continue;
    }
    uint32_t back = lane.returnAt <= time ? lane.returned : 0;
    if (lane.space + back >= message.flits)
      at = std::min(at, lane.available);
    else if (lane.returnAt > time)
      at = std::min(at, lane.returnAt);
  }
  return at;
}

/// Takes credits that have come back at cycle `at`.
inline void Network::settle(Lane &lane, uint64_t at) {
  if (lane.returnAt > at)
    return;
  lane.space += lane.returned;
  lane.returnAt = never;
}

/// Finds out again when a lane will be empty and may be allocated.
inline void Network::reopen(Port &port, uint32_t channel) {
  const Lane &lane = port.lanes[channel];
  uint64_t at = lane.available;
  if (lane.space < port.depth) {
    bool comes =
        lane.returnAt != never && lane.space + lane.returned >= port.depth;
    at = comes ? std::max(at, lane.returnAt) : never;
  }
  port.open[channel] = at;
}

/// A message that comes from another lane gets its room at cycle `at`.
template <bool isLong>
inline void Network::occupy(Port &port, uint32_t channel, uint32_t id,
                            uint32_t before, uint64_t at) {
  Lane &lane = port.lanes[channel];
  port.open[channel] = never;
  if constexpr (isLong) {
    // It had all its credits.
    lane.space = 0;
    lane.returnAt = never;
    lane.owner = id;
    lane.before = before;
  } else {
    settle(lane, at);
    lane.space -= uint32_t(messages[id].flits);
    lane.owner = none;
  }
}

void Network::takeCredits() {
  while (!credits.empty() && credits.front().at <= time) {
    Credit credit = credits.front();
    std::pop_heap(credits.begin(), credits.end());
    credits.pop_back();
    Port &port = inputs[credit.lane / stride];
    port.lanes[credit.lane % stride].space += credit.flits;
    reopen(port, credit.lane % stride);
    creditsAt(port, time);
  }
}

/// Whoever waits for credits of a port looks again then.
inline void Network::creditsAt(const Port &port, uint64_t at) {
  if (port.wanted) [[unlikely]]
    wake(port.linkBefore == localPort ? numRouters + port.before : port.before,
         at);
}

/// The port of the next link of a message that comes to a router.
inline uint8_t Network::nextLink(uint32_t router, Message &message) {
  if (!whole) [[unlikely]]
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
  Lane &lane = port.lanes[channel];
  message.next = none;
  message.waits = false;
  if (lane.first != none) {
    messages[lane.last].next = id;
    lane.last = id;
    return;
  }
  lane.first = lane.last = id;
  uint32_t number = uint32_t(&port - inputs.data()), router = number / ports;
  routers[router].heads |= 1u << (number % ports * stride + channel);
  wake(router, readyAt(lane));
}

/// A message leaves a lane from cycle `at` on, its last flit at `tail`. The
/// next message may follow as soon as there is room for its first flit; its
/// last one finds room when that of this message has left.
template <bool isLong>
inline void Network::leave(Port &port, uint32_t channel, const Message &message,
                           uint64_t at, uint64_t tail) {
  Lane &lane = port.lanes[channel];
  lane.clear = tail + 1;
  if constexpr (isLong) {
    lane.returnAt = std::max(tail + 1 - laneFlits + port.back, time + 1);
    lane.returned = port.depth;
    port.open[channel] = std::max(lane.available, lane.returnAt);
  } else {
    settle(lane, at);
    if (lane.returnAt != never) {
      credits.push_back(
          {lane.returnAt, numberOf(port, channel), lane.returned});
      std::push_heap(credits.begin(), credits.end());
    }
    lane.returnAt = at + port.back;
    lane.returned = uint32_t(message.flits);
    reopen(port, channel);
  }
  creditsAt(port, lane.returnAt);
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
    pending.push_back(never);
  } else {
    number = freeMessages.back();
    freeMessages.pop_back();
  }
  Message &message = messages[number];
  message.id = id;
  message.to = to;
  message.next = none;
  message.right = int32_t(to % shape.width) - int32_t(from % shape.width);
  message.down = int32_t(to / shape.width) - int32_t(from / shape.width);
  message.flits = shape.flitsOf(bytes);
  message.dieFlits = std::max(message.flits, (bytes + shape.dieLinkBytes - 1) /
                                                 shape.dieLinkBytes);
  message.isLong = message.flits > laneFlits;
  message.descending = false;
  message.stalled = false;
  Source &source = sources[from];
  if (source.first != none) {
    messages[source.last].next = number;
    source.last = number;
    return;
  }
  source.first = source.last = number;
  // A long message that is stalled in the source says when it has left.
  if (source.free > at) {
    if (source.free != never)
      wake(numRouters + from, source.free);
  } else {
    feed(from, at);
  }
}

/// Sends the next message of a source into its router at cycle `at`.
void Network::feed(uint32_t router, uint64_t at) {
  Source &source = sources[router];
  Port &port = inputs[router * ports + localPort];
  port.wanted = false;
  if (source.first == none)
    return;
  if (source.free > at) {
    if (source.free != never)
      wake(numRouters + router, source.free);
    return;
  }
  uint32_t id = source.first;
  Message &message = messages[id];
  uint32_t channel = message.isLong
                         ? laneFor<true>(port, message, source.turn, at)
                         : laneFor<false>(port, message, source.turn, at);
  if (channel == none) {
    port.wanted = true;
    if (uint64_t again = roomAt(port, message); again != never)
      wake(numRouters + router, std::max(again, at));
    return;
  }
  source.turn = (channel + 1) % channels;
  source.first = message.next;
  if (source.first == none)
    source.last = none;
  source.sends = id;
  source.free = at + message.flits;
  if (source.first != none)
    wake(numRouters + router, source.free);
  message.entered = at;
  message.arrival = at + shape.interfaceCycles;
  message.tail = source.free - 1 + shape.interfaceCycles;
  message.out = nextLink(router, message);
  if (message.isLong)
    occupy<true>(port, channel, id, none, at);
  else
    occupy<false>(port, channel, id, none, at);
  enterLane(port, channel, id);
}

//===----------------------------------------------------------------------===//
// Routers
//===----------------------------------------------------------------------===//

/// What the arbiters of iSLIP prefer after an input has got an output.
inline void Network::takeTurns(Router &router, Port &port, uint32_t in,
                               uint32_t channel, uint32_t out) {
  router.turnOut[out] = uint8_t(in + 1 == ports ? 0 : in + 1);
  port.turnChannel = uint8_t(out + 1 == ports ? 0 : out + 1);
  port.turnIn = uint8_t(channel + 1 == channels ? 0 : channel + 1);
}

/// Whether there is a lane behind the next link of a message at cycle `at`.
template <bool isLong>
inline bool Network::hasRoom(const Router &router, const Message &message,
                             uint64_t at) const {
  const Link &link = router.links[message.out];
  return message.out == localPort ||
         laneFor<isLong>(inputs[link.after], message, 0, at) != none;
}

/// Whether a short message must wait until others have left its ports: it
/// passes between the flits of a long one.
inline bool Network::isBarred(const Link &link, const Port &port,
                              uint64_t at) const {
  return (link.free > at && !messages[link.holder.message].isLong) ||
         (port.inFree > at && !messages[port.holder.message].isLong);
}

/// When the head of a lane that is ready at cycle `ready` may have its link:
/// then, or later if it is a long one and all that it waits for is known; else
/// `never`.
template <bool isLong>
inline uint64_t Network::grantAt(const Router &router, const Port &port,
                                 const Message &message, uint64_t ready) const {
  const Link &link = router.links[message.out];
  uint64_t at = ready;
  if constexpr (isLong) {
    uint64_t free = std::max(link.free, port.inFree);
    at = std::max(ready, free - std::min(free, early(message)));
  } else if (isBarred(link, port, ready)) {
    return never;
  }
  if (hasRoom<isLong>(router, message, at))
    return at;
  return isLong ? roomAt(inputs[link.after], message) : never;
}

/// The same of any message.
inline uint64_t Network::grantNow(const Router &router, const Port &port,
                                  const Message &message) const {
  return message.isLong ? grantAt<true>(router, port, message, time)
                        : grantAt<false>(router, port, message, time);
}

/// Matches the heads of a router with its links.
void Network::arbitrate(uint32_t number) {
  Router &router = routers[number];
  if (!std::has_single_bit(router.heads)) {
    if (router.heads)
      arbitrateMany(number);
    return;
  }
  // The only one that asks gets its link, when that is free.
  uint32_t lane = uint32_t(std::countr_zero(router.heads));
  uint32_t in = lane / stride, channel = lane % stride;
  Port &port = inputs[number * ports + in];
  Lane &mine = port.lanes[channel];
  uint64_t ready = readyAt(mine);
  if (ready > time) {
    wake(number, ready);
    return;
  }
  Message &message = messages[mine.first];
  if (uint64_t at = grantNow(router, port, message); at != never) {
    go(number, in, channel, at);
    if (router.heads)
      wake(number, std::max(readyAt(mine), time + 1));
    return;
  }
  uint64_t again = wait(router, port, message, numberOf(port, channel));
  if (again != never)
    wake(number, again);
}

void Network::arbitrateMany(uint32_t number) {
  Router &router = routers[number];
  Port *port = &inputs[number * ports];
  constexpr uint32_t lanesOfPort = (1u << stride) - 1;
  std::array<uint32_t, ports> requests{};
  uint8_t offered[ports][ports];
  uint32_t asking = 0, waiting = 0;
  uint64_t again = never;
  router.turn = uint8_t(router.turn + 1 == ports ? 0 : router.turn + 1);
  for (uint32_t heads = router.heads; heads;) {
    uint32_t in = nextBit(heads, router.turn * stride) / stride;
    uint32_t left = heads >> (in * stride) & lanesOfPort;
    heads &= ~(lanesOfPort << (in * stride));
    while (left) {
      uint32_t channel = nextBit(left, port[in].turnIn);
      left &= ~(1u << channel);
      const Lane &lane = port[in].lanes[channel];
      uint64_t ready = readyAt(lane);
      if (ready > time) {
        again = std::min(again, ready);
        continue;
      }
      const Message &message = messages[lane.first];
      uint32_t out = message.out;
      uint64_t at = grantNow(router, port[in], message);
      if (at > time && at != never) {
        go(number, in, channel, at);
        if (router.heads >> (in * stride + channel) & 1)
          again = std::min(again, std::max(readyAt(lane), time + 1));
        continue;
      }
      waiting |= 1u << (in * stride + channel);
      if (at == time && !(requests[out] >> in & 1)) {
        requests[out] |= 1u << in;
        offered[in][out] = uint8_t(channel);
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
      const Message &message = messages[port[in].lanes[channel].first];
      if (!(message.isLong ? hasRoom<true>(router, message, time)
                           : hasRoom<false>(router, message, time)))
        continue; // one that knew its time before has got it
      waiting &= ~(1u << (in * stride + channel));
      go(number, in, channel, time);
      if (router.heads >> (in * stride + channel) & 1)
        again = std::min(again,
                         std::max(readyAt(port[in].lanes[channel]), time + 1));
    }
  }
  for (; waiting; waiting &= waiting - 1) {
    uint32_t lane = uint32_t(std::countr_zero(waiting));
    Port &input = port[lane / stride];
    const Lane &mine = input.lanes[lane % stride];
    // Its lane may have been held up since.
    uint64_t ready = readyAt(mine);
    again =
        std::min(again, ready > time ? ready
                                     : wait(router, input, messages[mine.first],
                                            number * lanesOfRouter + lane));
  }
  if (again != never)
    wake(number, again);
}

/// A head has not got its link: when it tries again; `never`: when there are
/// credits.
uint64_t Network::wait(Router &router, const Port &port, Message &message,
                       uint32_t lane) {
  const Link &link = router.links[message.out];
  uint64_t again;
  if (!message.isLong && isBarred(link, port, time)) {
    uint64_t free = std::max(link.free, port.inFree);
    share(link.free == free ? link.holder : port.holder, free - time, message);
    again = free;
  } else if (grantNow(router, port, message) != never) {
    again = time + 1;
  } else {
    Port &after = inputs[link.after];
    after.wanted = true;
    again = std::max(roomAt(after, message), time + 1);
    if (message.isLong && !message.stalled)
      stall(message, lane);
  }
  message.waits = true;
  return again;
}

/// A message waits for a port that another one holds. Flit by flit the two take
/// turns: the holder's last flits pass later by as many flits of the other, at
/// most those of three lanes (calibrated, docs/timing-model.md).
void Network::share(const Holder &holder, uint64_t cycles,
                    const Message &waiting) {
  if (waiting.waits)
    return;
  delay(holder, std::min({cycles - 1, waiting.flits, uint64_t(3 * laneFlits)}));
}

/// The last flits of a message that holds a port pass later.
void Network::delay(const Holder &holder, uint64_t cycles) {
  Message &message = messages[holder.message];
  Port &port = inputs[holder.lane / stride];
  Lane &lane = port.lanes[holder.lane % stride];
  lane.clear += cycles;
  if (lane.owner == holder.message && lane.returnAt != never) {
    lane.returnAt += cycles;
    reopen(port, holder.lane % stride);
  }
  message.tail += cycles;
}

/// The first message of a lane gets its link at cycle `at`, which a long one
/// knows in advance; there is a lane behind it. Where no head is in the routers
/// ahead it goes on at once, as far as `foresight`.
template <bool isLong>
void Network::start(uint32_t number, uint32_t in, uint32_t channel,
                    uint64_t at) {
  Router *router = &routers[number];
  uint32_t place = number * ports + in;
  Port *port = &inputs[place];
  Lane *lane = &port->lanes[channel];
  uint32_t id = lane->first;
  Message &message = messages[id];
  uint32_t out = message.out;
  // A link that is taken ahead is lost to others that would have come before:
  // little of the time that a message of this length takes anyway.
  const uint64_t foresight = time + shape.hopCycles + message.flits;
  uint64_t ready = readyAt(*lane);
  takeTurns(*router, *port, in, channel, out);
  lane->first = message.next;
  if (message.next == none)
    router->heads &= ~(1u << (in * stride + channel));
  const uint64_t flits = message.flits;
  bool waits = message.waits;
  for (;;) {
    Link &link = router->links[out];
    const uint32_t from = place * stride + channel;
    if (at > ready) {
      link.waited += at - ready;
      uint64_t free = std::max(link.free, port->inFree);
      if (free > ready && !waits)
        share(link.free == free ? link.holder : port->holder, free - ready,
              message);
      if constexpr (isLong) {
        if (message.stalled)
          resume(message, from, at);
        else
          holdUp(message, from, at);
      }
    }
    uint64_t length = link.isDie ? message.dieFlits : flits;
    // What has the ports is through with them by then. A message that waits for
    // its link leaves the input to others until then.
    uint64_t begin = std::max({at, link.free, port->inFree}), tail;
    if (isLong || begin == at) {
      port->inFree =
          (at > std::max(ready, time) ? std::max(port->inFree, at) : begin) +
          flits;
      link.free = begin + length;
      link.holder = port->holder = {id, from};
      tail = begin + length - 1;
    } else {
      // Its flits and those of a long message take turns.
      delay(link.free > at ? link.holder : port->holder, length);
      tail = at + 2 * length - 1;
      auto pass = [&](uint64_t &free, Holder &holder) {
        if (free <= at) {
          free = at + length;
          holder = {id, from};
        }
        free += length;
      };
      pass(link.free, link.holder);
      pass(port->inFree, port->holder);
    }
    link.busy += length;
    tail = std::max(tail, message.tail);
    leave<isLong>(*port, channel, message, at, tail);
    if (out == localPort) {
      message.tail = tail + link.flight;
      wake(2 * numRouters + id, message.tail);
      return;
    }
    if (!whole) [[unlikely]]
      message.descending |= routes.descends(number, out);

    number = link.afterRouter;
    router = &routers[number];
    place = link.after;
    port = &inputs[place];
    // As the VC allocator of iSLIP: a lane goes on after the output channel
    // that it had before.
    const uint32_t turn = lane->turn - out * stride;
    channel = laneFor<isLong>(*port, message, turn < channels ? turn : 0, at);
    lane->turn = uint8_t(out * stride + channel + 1);
    lane = &port->lanes[channel];
    const uint64_t arrival = at + link.flight;
    message.tail = std::max(tail, lane->clear + port->back - 1) + link.flight;
    ready = std::max(arrival, lane->clear) + headCycles;
    lane->available = tail + 2;
    occupy<isLong>(*port, channel, id, from, at);
    out = message.out = nextLink(number, message);
    if (ready > foresight || router->heads ||
        (at = grantAt<isLong>(*router, *port, message, ready)) == never) {
      message.arrival = arrival;
      enterLane(*port, channel, id);
      return;
    }
    waits = false;
  }
}

inline void Network::go(uint32_t router, uint32_t port, uint32_t channel,
                        uint64_t at) {
  const Lane &lane = inputs[router * ports + port].lanes[channel];
  if (messages[lane.first].isLong)
    start<true>(router, port, channel, at);
  else
    start<false>(router, port, channel, at);
}

void Network::deliver(uint32_t id, std::vector<NetworkDelivery> &delivered) {
  Message &message = messages[id];
  if (message.tail > time) {
    wake(2 * numRouters + id, message.tail);
    return;
  }
  delivered.push_back({message.id, message.entered, time});
  freeMessages.push_back(id);
}

//===----------------------------------------------------------------------===//
// Long messages
//===----------------------------------------------------------------------===//

/// The head of a message goes on from a lane at cycle `until`, which is known.
/// What of it lies behind is held up as soon as what is after it is full, and
/// follows then; docs/timing-model.md says how.
void Network::holdUp(Message &message, uint32_t number, uint64_t until) {
  const uint32_t id = uint32_t(&message - messages.data());
  uint64_t room = 0;
  for (uint32_t distance = 1;; ++distance) {
    room += laneFlits + flightCycles;
    if (room >= message.flits)
      return;
    uint64_t tail = until + flightCycles * distance + message.flits - room - 1;
    const Port &port = inputs[number / stride];
    if (port.linkBefore == localPort) {
      Source &source = sources[port.before];
      if (source.sends == id)
        source.free = std::max(source.free, tail + 1);
      message.tail = std::max(message.tail, tail + shape.interfaceCycles);
      return;
    }
    uint32_t before = laneAt(number).before;
    Lane &lane = laneAt(before);
    if (lane.owner != id)
      return;
    if (tail >= lane.clear) {
      leave<true>(inputs[before / stride], before % stride, message, time,
                  tail);
      message.tail =
          std::max(message.tail,
                   tail + routers[port.before].links[port.linkBefore].flight);
    }
    number = before;
  }
}

/// The head waits for a lane. Each link behind it goes on until what is after
/// it is full; then others may use it. A router holds the flits of a lane and
/// those of its pipeline.
void Network::stall(Message &message, uint32_t number) {
  message.stalled = true;
  const uint32_t id = uint32_t(&message - messages.data());
  uint64_t room = 0;
  for (;;) {
    room += laneFlits + flightCycles;
    if (room >= message.flits)
      return;
    uint64_t left = message.flits - room;
    const Port &port = inputs[number / stride];
    if (port.linkBefore == localPort) {
      // A source does not send others in between.
      if (sources[port.before].sends == id)
        sources[port.before].free = never;
      return;
    }
    uint32_t before = laneAt(number).before;
    Lane &lane = laneAt(before);
    if (lane.owner != id)
      return;
    Router &router = routers[port.before];
    Link &link = router.links[port.linkBefore];
    Port &input = inputs[before / stride];
    lane.returnAt = input.open[before % stride] = never;
    link.busy -= left;
    if (link.holder.message == id && link.free > time)
      link.free = std::max(link.free - std::min(left, link.free), time);
    if (input.holder.message == id && input.inFree > time)
      input.inFree =
          std::max(input.inFree - std::min(left, input.inFree), time);
    if (router.heads)
      wake(port.before, std::max(link.free, time + 1));
    number = before;
  }
}

/// The head gets its lane: what is left behind follows as soon as there are
/// credits and the links are free.
void Network::resume(Message &message, uint32_t number, uint64_t at) {
  message.stalled = false;
  const uint32_t id = uint32_t(&message - messages.data());
  // From what lies furthest back to the head.
  behind.clear();
  uint64_t room = 0, tail = 0;
  for (uint32_t lane = number;;) {
    room += laneFlits + flightCycles;
    if (room >= message.flits)
      break;
    behind.push_back(lane);
    if (inputs[lane / stride].linkBefore == localPort)
      break;
    lane = laneAt(lane).before;
    if (laneAt(lane).owner != id)
      break;
  }
  while (!behind.empty()) {
    uint64_t distance = behind.size();
    const Port &port = inputs[behind.back() / stride];
    uint32_t before = laneAt(behind.back()).before;
    behind.pop_back();
    uint64_t left = message.flits - distance * (laneFlits + flightCycles);
    uint64_t begin = at + flightCycles * distance;
    if (port.linkBefore == localPort) {
      Source &source = sources[port.before];
      if (source.sends != id)
        continue;
      tail = begin + left - 1;
      source.free = begin + left;
      if (source.first != none)
        wake(numRouters + port.before, source.free);
      tail += shape.interfaceCycles;
      continue;
    }
    if (laneAt(before).owner != id)
      continue;
    Link &link = routers[port.before].links[port.linkBefore];
    Port &input = inputs[before / stride];
    begin = std::max({begin, link.free, input.inFree});
    link.free = input.inFree = begin + left;
    link.holder = input.holder = {id, before};
    link.busy += left;
    tail = std::max(begin + left - 1, tail);
    leave<true>(input, before % stride, message, time, tail);
    tail += link.flight;
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
