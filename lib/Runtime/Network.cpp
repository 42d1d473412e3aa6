//===- Network.cpp - The mesh message by message --------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Network.h"

#include "Heap.h"

#include <algorithm>
#include <bit>

using namespace octo;

/// Whether a router has a neighbour in a direction.
static bool hasNeighbour(const NetworkShape &shape, uint32_t router,
                         uint32_t direction) {
  uint32_t x = router % shape.width, y = router / shape.width;
  switch (direction) {
  case 0:
    return x + 1 < shape.width;
  case 1:
    return x > 0;
  case 2:
    return y + 1 < shape.height;
  case 3:
    return y > 0;
  default:
    return false;
  }
}

Network::Network(const NetworkShape &shape, MeshRoutes &routes)
    : shape(shape), routes(routes), whole(routes.whole()),
      numRouters(shape.clusters()),
      headCycles(NetworkShape::headCycles(shape.hopCycles)),
      flightCycles(NetworkShape::flightCycles(shape.hopCycles)),
      channels(shape.channels), laneFlits(shape.channelFlits),
      channelMask((1u << channels) - 1), routers(numRouters),
      withHeads(numRouters), inputs(size_t(numRouters) * ports),
      waited(inputs.size()), wanted(inputs.size()), sources(numRouters),
      slots(numSlots) {
  const int32_t row = int32_t(uint32_t(shape.width));
  const std::array<int32_t, ports> steps = {1, -1, row, -row, 0};
  for (uint32_t out = 0; out < ports; ++out) {
    uint32_t in = out == localPort ? localPort : out ^ 1;
    ahead[out] = {steps[out], steps[out] * int32_t(ports) + int32_t(in)};
  }
  for (uint32_t router = 0; router < numRouters; ++router) {
    for (uint32_t in = 0; in < ports; ++in) {
      // A link is as long in both directions.
      bool die = shape.crossesDies(router, in);
      uint32_t hop = die ? shape.dieHopCycles : shape.hopCycles;
      for (Lane &lane : inputs[router * ports + in].lanes) {
        lane.isDie = die;
        lane.flight = uint16_t(NetworkShape::flightCycles(hop));
        bool fromSource = in == localPort;
        lane.back = fromSource ? uint16_t(std::max(shape.interfaceCycles, 1u))
                               : lane.flight;
        lane.depth = uint16_t(fromSource ? laneFlits : shape.depthAfter(hop));
        lane.space = lane.depth;
      }
    }
  }
}

//===----------------------------------------------------------------------===//
// Events
//===----------------------------------------------------------------------===//

/// Looks at a router at cycle `at` or earlier.
inline void Network::wake(uint32_t router, uint64_t at) {
  if (at >= routers[router].pending)
    return;
  routers[router].pending = at;
  plan(router, at);
}

/// The same of a source.
inline void Network::wakeSource(uint32_t router, uint64_t at) {
  if (at >= sources[router].pending)
    return;
  sources[router].pending = at;
  plan(numRouters + router, at);
}

/// Looks at a router, source or message at cycle `at`.
inline void Network::plan(uint32_t who, uint64_t at) {
  next = std::min(next, at);
  if (at - time < numSlots) {
    enlist(who, at);
    return;
  }
  pushHeap(far, {at, farSequence++, who});
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
    if (isMessage(entry.who) || pendingOf(entry.who) == entry.at)
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
    if (isMessage(who)) {
      deliver(who - 2 * numRouters, delivered);
      continue;
    }
    uint64_t &pending = pendingOf(who);
    if (pending != at)
      continue; // it was called earlier since then
    pending = never;
    if (who < numRouters)
      arbitrate(who);
    else
      feed(who - numRouters, at);
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
  auto serves = [&](uint32_t channel) -> bool {
    if constexpr (isLong)
      return port.open[channel] <= at;
    const Lane &lane = port.lanes[channel];
    uint32_t back = lane.returnAt <= at ? lane.returned : 0;
    return (lane.available <= at) & (lane.space + back >= message.flits);
  };
  if (serves(turn))
    return turn;
  uint32_t mask = 0;
  for (uint32_t i = 0; i < stride; ++i)
    mask |= uint32_t(serves(i)) << i;
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
  if (lane.space < lane.depth) {
    bool comes =
        lane.returnAt != never && lane.space + lane.returned >= lane.depth;
    at = comes ? std::max(at, lane.returnAt) : never;
  }
  port.open[channel] = at;
}

/// A message that comes from another lane gets its room at cycle `at`.
template <bool isLong>
inline void Network::occupy(Lane &lane, uint32_t id, uint32_t before,
                            uint64_t at) {
  if constexpr (isLong) {
    // It had all its credits.
    lane.space = 0;
    lane.owner = id;
    lane.before = before;
  } else {
    settle(lane, at);
    lane.space -= messages[id].flits;
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
    creditsAt(credit.lane / stride, time);
  }
}

/// Whoever waits for credits of a port looks again then.
inline void Network::creditsAt(uint32_t place, uint64_t at) {
  if (!wanted[place]) [[likely]]
    return;
  if (isFromSource(place))
    wakeSource(place / ports, at);
  else
    wake(routerBefore(place), at);
}

/// The port of the next link of a message that comes to a router.
inline uint8_t Network::nextLink(uint32_t router, Message &message) {
  if (!whole) [[unlikely]]
    return routes.next(router, message.to, message.descending);
  if (message.across) {
    --message.across;
    return message.acrossOut;
  }
  if (message.along) {
    --message.along;
    return message.alongOut;
  }
  return localPort;
}

/// A head will be in a lane that has room for it.
template <bool isLong>
void Network::enterLane(uint32_t router, uint32_t in, uint32_t channel,
                        uint32_t id) {
  Port &port = inputs[router * ports + in];
  Lane &lane = port.lanes[channel];
  port.open[channel] = never;
  if constexpr (isLong)
    lane.returnAt = never;
  Message &message = messages[id];
  message.next = none;
  message.waits = false;
  if (lane.first != none) {
    messages[lane.last].next = id;
    lane.last = id;
    return;
  }
  lane.first = lane.last = id;
  routers[router].heads |= 1u << (in * stride + channel);
  withHeads[router] = true;
  wake(router, readyAt(lane));
}

/// A message leaves a lane from cycle `at` on, its last flit at `tail`. The
/// next message may follow as soon as there is room for its first flit; its
/// last one finds room when that of this message has left.
template <bool isLong>
inline void Network::leave(Port &port, Lane &lane, uint32_t number,
                           const Message &message, uint64_t at, uint64_t tail) {
  const uint32_t channel = number % stride;
  lane.clear = tail + 1;
  if constexpr (isLong) {
    lane.returnAt = tail + 1 - laneFlits + lane.back;
    lane.returned = lane.depth;
    port.open[channel] = std::max(lane.available, lane.returnAt);
  } else {
    settle(lane, at);
    if (lane.returnAt != never) {
      pushHeap(credits, {lane.returnAt, number, lane.returned});
    }
    lane.returnAt = at + lane.back;
    lane.returned = message.flits;
    reopen(port, channel);
  }
  creditsAt(number / stride, std::max(lane.returnAt, time + 1));
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
  // Nothing happens in the mesh before.
  time = at;
  Message &message = messages[number];
  message.id = id;
  message.to = to;
  message.next = none;
  uint32_t y = from / shape.width, toY = to / shape.width;
  uint32_t x = from - y * shape.width, toX = to - toY * shape.width;
  message.acrossOut = toX < x;
  message.across = uint16_t(toX < x ? x - toX : toX - x);
  message.alongOut = 2 + (toY < y);
  message.along = uint16_t(toY < y ? y - toY : toY - y);
  message.flits = shape.flitsOf(bytes);
  message.dieFlits = std::max<uint64_t>(
      message.flits, (bytes + shape.dieLinkBytes - 1) / shape.dieLinkBytes);
  message.isLong = message.flits > laneFlits;
  message.descending = false;
  message.stalled = false;
  message.waits = false;
  fetch(inputs[from * ports + localPort]);
  fetch(portAfter(from, linkAfter(message)));
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
      wakeSource(from, source.free);
  } else {
    feed(from, at);
  }
}

/// Sends the next message of a source into its router at cycle `at`.
void Network::feed(uint32_t router, uint64_t at) {
  Source &source = sources[router];
  const uint32_t place = router * ports + localPort;
  const Port &port = inputs[place];
  wanted[place] = false;
  if (source.first == none)
    return;
  if (source.free > at) {
    if (source.free != never)
      wakeSource(router, source.free);
    return;
  }
  uint32_t id = source.first;
  Message &message = messages[id];
  uint32_t channel = message.isLong
                         ? laneFor<true>(port, message, source.turn, at)
                         : laneFor<false>(port, message, source.turn, at);
  if (channel == none) {
    wanted[place] = true;
    if (uint64_t again = roomAt(port, message); again != never)
      wakeSource(router, std::max(again, at));
    return;
  }
  source.turn = channel + 1 == channels ? 0 : channel + 1;
  source.first = message.next;
  if (source.first == none)
    source.last = none;
  source.sends = id;
  source.free = at + message.flits;
  if (source.first != none)
    wakeSource(router, source.free);
  message.entered = at;
  message.arrival = at + shape.interfaceCycles;
  message.tail = source.free - 1 + shape.interfaceCycles;
  message.out = nextLink(router, message);
  if (message.isLong)
    enter<true>(router, channel, id, at);
  else
    enter<false>(router, channel, id, at);
}

/// A message gets room in a lane of its first router. Where nothing is in its
/// way there it has its link as soon as it can be ready.
template <bool isLong>
inline void Network::enter(uint32_t router, uint32_t channel, uint32_t id,
                           uint64_t at) {
  Port &port = inputs[router * ports + localPort];
  const Message &message = messages[id];
  Lane &lane = port.lanes[channel];
  occupy<isLong>(lane, id, none, at);
  if (!withHeads[router]) {
    uint64_t ready = std::max(message.arrival, lane.clear) + headCycles;
    uint64_t granted =
        grantAt<isLong>(port, portAfter(router, message.out), message, ready);
    if (granted != never) {
      advance<isLong>(router, localPort, channel, id, ready, ready, granted);
      return;
    }
  }
  enterLane<isLong>(router, localPort, channel, id);
}

//===----------------------------------------------------------------------===//
// Routers
//===----------------------------------------------------------------------===//

/// What the arbiters of iSLIP prefer after an input has got an output.
inline void Network::takeTurns(Router &router, uint32_t in, uint32_t channel,
                               uint32_t out) {
  router.turnOut[out] = uint8_t(in + 1 == ports ? 0 : in + 1);
  router.turnChannel[in] = uint8_t(out + 1 == ports ? 0 : out + 1);
  router.turnIn[in] = uint8_t(channel + 1 == channels ? 0 : channel + 1);
}

/// Whether there is a lane behind the next link of a message at cycle `at`.
template <bool isLong>
inline bool Network::hasRoom(const Port &after, const Message &message,
                             uint64_t at) const {
  return message.out == localPort ||
         laneFor<isLong>(after, message, 0, at) != none;
}

/// Until when others bar the ports of a short message, or 0: it passes between
/// the flits of a long one.
inline uint64_t Network::barredUntil(const Port &port, const Port &after,
                                     uint64_t at) const {
  auto until = [&](uint64_t free, const Holder &holder) -> uint64_t {
    return free > at && !messages[holder.message].isLong ? free : 0;
  };
  return std::max(until(after.linkFree, after.linkHolder),
                  until(port.inFree, port.inHolder));
}

/// When the head of a lane that is ready at cycle `ready` may have its link:
/// then, or later if it is a long one and all that it waits for is known; else
/// `never`.
template <bool isLong>
inline uint64_t Network::grantAt(const Port &port, const Port &after,
                                 const Message &message, uint64_t ready) const {
  uint64_t at = ready;
  if constexpr (isLong) {
    uint64_t free = std::max(after.linkFree, port.inFree);
    if (free > ready)
      at = std::max(ready, free - std::min(free, early(message)));
  } else if (barredUntil(port, after, ready)) {
    return never;
  }
  if (hasRoom<isLong>(after, message, at))
    return at;
  return isLong ? roomAt(after, message) : never;
}

/// The same of any message, now.
inline uint64_t Network::grantNow(const Port &port, const Port &after,
                                  const Message &message) const {
  return message.isLong ? grantAt<true>(port, after, message, time)
                        : grantAt<false>(port, after, message, time);
}

/// Matches the heads of a router with its links.
void Network::arbitrate(uint32_t number) {
  Router &router = routers[number];
  // What still waits for room says so again.
  for (; router.wants; router.wants &= router.wants - 1)
    wanted[placeAfter(number, uint32_t(std::countr_zero(router.wants)))] =
        false;
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
  const Port &after = portAfter(number, message.out);
  if (uint64_t at = grantNow(port, after, message); at != never) {
    go(number, in, channel, at);
    if (router.heads)
      wake(number, std::max(readyAt(mine), time + 1));
    return;
  }
  uint64_t again = wait(number, port, message, number * lanesOfRouter + lane);
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
      uint32_t channel = nextBit(left, router.turnIn[in]);
      left &= ~(1u << channel);
      const Lane &lane = port[in].lanes[channel];
      uint64_t ready = readyAt(lane);
      if (ready > time) {
        again = std::min(again, ready);
        continue;
      }
      const Message &message = messages[lane.first];
      uint32_t out = message.out;
      uint64_t at = grantNow(port[in], portAfter(number, out), message);
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
      uint32_t out = nextBit(offers[in], router.turnChannel[in]);
      uint32_t channel = offered[in][out];
      const Message &message = messages[port[in].lanes[channel].first];
      const Port &after = portAfter(number, out);
      if (!(message.isLong ? hasRoom<true>(after, message, time)
                           : hasRoom<false>(after, message, time)))
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
                                     : wait(number, input, messages[mine.first],
                                            number * lanesOfRouter + lane));
  }
  if (again != never)
    wake(number, again);
}

/// A head has not got its link: when it tries again; `never`: when there are
/// credits.
uint64_t Network::wait(uint32_t router, const Port &port, Message &message,
                       uint32_t lane) {
  const uint32_t place = placeAfter(router, message.out);
  const Port &after = inputs[place];
  uint64_t again = message.isLong ? 0 : barredUntil(port, after, time);
  if (again) {
    share(port, after, std::max(after.linkFree, port.inFree) - time, message);
  } else if (grantNow(port, after, message) != never) {
    again = time + 1;
  } else {
    wanted[place] = true;
    routers[router].wants |= uint8_t(1u << message.out);
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
void Network::share(const Port &port, const Port &after, uint64_t cycles,
                    const Message &waiting) {
  if (waiting.waits)
    return;
  delay(
      after.linkFree >= port.inFree ? after.linkHolder : port.inHolder,
      std::min({cycles - 1, uint64_t(waiting.flits), uint64_t(3 * laneFlits)}));
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
/// knows in advance; there is a lane behind it.
template <bool isLong>
void Network::start(uint32_t number, uint32_t in, uint32_t channel,
                    uint64_t at) {
  Router &router = routers[number];
  Port &port = inputs[number * ports + in];
  Lane &lane = port.lanes[channel];
  const uint32_t id = lane.first;
  const Message &message = messages[id];
  const uint64_t ready = readyAt(lane);
  takeTurns(router, in, channel, message.out);
  lane.first = message.next;
  if (message.next == none) {
    router.heads &= ~(1u << (in * stride + channel));
    withHeads[number] = router.heads;
  }
  advance<isLong>(number, in, channel, id, time, ready, at);
}

/// A message gets the link after its lane at cycle `at`; it was ready at cycle
/// `ready`. Where no head is in the routers ahead it goes on at once.
template <bool isLong>
void Network::advance(uint32_t number, uint32_t in, uint32_t channel,
                      uint32_t id, uint64_t from, uint64_t ready, uint64_t at) {
  Message &message = messages[id];
  const uint64_t flits = message.flits;
  // A link that is taken ahead is lost to others that would have come before:
  // little of the time that a message of this length takes anyway.
  const uint64_t foresight = from + shape.hopCycles + flits;
  bool waits = message.waits;
  uint32_t out = message.out;
  uint32_t here = (number * ports + in) * stride + channel;
  Port *const input = inputs.data();
  Port *port = &input[number * ports + in];
  Lane *lane = &port->lanes[channel];
  uint32_t place = placeAfter(number, out);
  for (;;) {
    Port *after = &input[place];
    if (at > ready) {
      waited[place] += at - ready;
      uint64_t free = std::max(after->linkFree, port->inFree);
      if (free > ready && !waits)
        share(*port, *after, free - ready, message);
      if constexpr (isLong) {
        if (message.stalled)
          resume(message, here, at);
        else
          holdUp(message, here, at);
      }
    }
    Lane &first = after->lanes[0];
    uint64_t length = first.isDie ? message.dieFlits : flits;
    // What has the ports is through with them by then. A message that waits for
    // its link leaves the input to others until then.
    uint64_t begin = std::max({at, after->linkFree, port->inFree}), tail;
    if (isLong || begin == at) {
      port->inFree =
          (at > std::max(ready, time) ? std::max(port->inFree, at) : begin) +
          flits;
      after->linkFree = begin + length;
      const Holder holder{id, here};
      port->inHolder = holder;
      after->linkHolder = holder;
      tail = begin + length - 1;
    } else {
      // Its flits and those of a long message take turns.
      delay(after->linkFree > at ? after->linkHolder : port->inHolder, length);
      tail = at + 2 * length - 1;
      auto pass = [&](uint64_t &free, Holder &holder) {
        if (free <= at) {
          free = at + length;
          holder = {id, here};
        }
        free += length;
      };
      pass(after->linkFree, after->linkHolder);
      pass(port->inFree, port->inHolder);
    }
    tail = std::max(tail, message.tail);
    leave<isLong>(*port, *lane, here, message, at, tail);
    if (out == localPort) {
      first.busy += length;
      message.tail = tail + first.flight;
      plan(2 * numRouters + id, message.tail);
      return;
    }
    if (!whole) [[unlikely]]
      message.descending |= routes.descends(number, out);

    number += uint32_t(ahead[out].router);
    port = after;
    // As the VC allocator of iSLIP: a lane goes on after the output channel
    // that it had before.
    uint32_t turn = lane->turn - out * stride;
    // One that has been empty for a while is as good as any other: then the
    // first, which is in the cache.
    if (port->open[0] < at && at - port->open[0] >= laneFlits)
      channel = 0;
    else
      channel = laneFor<isLong>(*port, message, turn < channels ? turn : 0, at);
    lane->turn = uint8_t(out * stride + channel + 1);
    lane = &port->lanes[channel];
    lane->busy += length;
    const uint64_t arrival = at + lane->flight;
    message.tail = std::max(tail, lane->clear + lane->back - 1) + lane->flight;
    ready = std::max(arrival, lane->clear) + headCycles;
    lane->available = tail + 2;
    occupy<isLong>(*lane, id, here, at);
    out = message.out = nextLink(number, message);
    here = place * stride + channel;
    const uint32_t then = placeAfter(number, out);
    fetchAfter(number, message);
    if (ready > foresight || withHeads[number] ||
        (at = grantAt<isLong>(*port, input[then], message, ready)) == never) {
      message.arrival = arrival;
      enterLane<isLong>(number, place - number * ports, channel, id);
      return;
    }
    place = then;
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
    plan(2 * numRouters + id, message.tail);
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
    const uint32_t place = number / stride;
    if (isFromSource(place)) {
      Source &source = sources[place / ports];
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
      leave<true>(inputs[before / stride], lane, before, message, time, tail);
      message.tail = std::max(message.tail, tail + laneAt(number).flight);
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
    const uint32_t place = number / stride;
    if (isFromSource(place)) {
      // A source does not send others in between.
      if (sources[place / ports].sends == id)
        sources[place / ports].free = never;
      return;
    }
    Lane &lane = laneAt(number);
    const uint32_t before = lane.before;
    if (laneAt(before).owner != id)
      return;
    Port &after = inputs[place], &port = inputs[before / stride];
    laneAt(before).returnAt = port.open[before % stride] = never;
    lane.busy -= left;
    auto cut = [&](const Holder &holder, uint64_t &free) {
      if (holder.message == id && free > time)
        free = std::max(free - std::min(left, free), time);
    };
    cut(after.linkHolder, after.linkFree);
    cut(port.inHolder, port.inFree);
    const uint32_t router = routerBefore(place);
    if (routers[router].heads)
      wake(router, std::max(after.linkFree, time + 1));
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
    if (isFromSource(lane / stride))
      break;
    lane = laneAt(lane).before;
    if (laneAt(lane).owner != id)
      break;
  }
  while (!behind.empty()) {
    uint64_t distance = behind.size();
    Lane &lane = laneAt(behind.back());
    const uint32_t place = behind.back() / stride, before = lane.before;
    behind.pop_back();
    uint64_t left = message.flits - distance * (laneFlits + flightCycles);
    uint64_t begin = at + flightCycles * distance;
    if (isFromSource(place)) {
      const uint32_t router = place / ports;
      Source &source = sources[router];
      if (source.sends != id)
        continue;
      tail = begin + left - 1;
      source.free = begin + left;
      if (source.first != none)
        wakeSource(router, source.free);
      tail += shape.interfaceCycles;
      continue;
    }
    Lane &from = laneAt(before);
    if (from.owner != id)
      continue;
    Port &after = inputs[place], &port = inputs[before / stride];
    begin = std::max({begin, after.linkFree, port.inFree});
    after.linkFree = port.inFree = begin + left;
    const Holder holder{id, before};
    port.inHolder = holder;
    after.linkHolder = holder;
    lane.busy += left;
    tail = std::max(begin + left - 1, tail);
    leave<true>(port, from, before, message, time, tail);
    tail += lane.flight;
  }
  message.tail = std::max(message.tail, tail);
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

/// For each link (cluster * 5 + direction): of the port at its end.
template <class Number>
std::vector<uint64_t> Network::ofLinks(Number number) const {
  std::vector<uint64_t> numbers;
  for (uint32_t router = 0; router < numRouters; ++router)
    for (uint32_t out = 0; out < ports; ++out)
      numbers.push_back(out == localPort || hasNeighbour(shape, router, out)
                            ? number(placeAfter(router, out))
                            : 0);
  return numbers;
}

std::vector<uint64_t> Network::busyCycles() const {
  return ofLinks([&](uint32_t place) {
    uint64_t cycles = 0;
    for (const Lane &lane : inputs[place].lanes)
      cycles += lane.busy;
    return cycles;
  });
}

std::vector<uint64_t> Network::waitedCycles() const {
  return ofLinks([&](uint32_t place) { return waited[place]; });
}
