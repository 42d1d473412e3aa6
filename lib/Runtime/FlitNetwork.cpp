//===- FlitNetwork.cpp - The mesh flit by flit ----------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FlitNetwork.h"

#include <array>
#include <bit>
#include <cassert>

using namespace octo;

FlitNetwork::FlitNetwork(const NetworkShape &shape, MeshRoutes &routes)
    : shape(shape), routes(routes) {
  size_t routers = shape.clusters();
  size_t lanes = routers * ports * shape.channels;
  sources.resize(routers);
  for (Source &source : sources) {
    source.lastChannel = uint8_t(shape.channels - 1);
    source.out.assign(shape.channels,
                      {false, shape.depthOver(shape.interfaceCycles)});
  }
  channels.resize(lanes);
  ringFlits = std::max({shape.depthAfter(shape.hopCycles),
                        shape.depthAfter(shape.dieHopCycles),
                        shape.depthOver(shape.interfaceCycles)});
  flits.resize(lanes * ringFlits);
  outs.resize(lanes);
  for (size_t lane = 0; lane < lanes; ++lane) {
    uint32_t link = uint32_t(lane / shape.channels);
    outs[lane].credits = shape.depthAfter(
        shape.crossesDies(link / ports, link % ports) ? shape.dieHopCycles
                                                      : shape.hopCycles);
  }
  grantChannel.assign(lanes, 0);
  acceptChannel.assign(lanes, 0);
  grantSwitch.assign(routers * ports, 0);
  acceptSwitch.assign(routers * ports, 0);
  turnOfInput.assign(routers * ports, 0);
  portFreeQ16.assign(routers * ports, 0);
  buffered.assign(routers, 0);
  uint32_t longest =
      std::max({shape.hopCycles, shape.dieHopCycles, shape.interfaceCycles}) +
      1;
  ring.resize(std::bit_ceil(longest + 1));
  ringMask = ring.size() - 1;
  carried.assign(routers * ports, 0);
  blocked.assign(routers * ports, 0);
}

void FlitNetwork::inject(uint32_t message, uint32_t from, uint32_t to,
                         uint32_t count) {
  uint32_t packet;
  if (freePackets.empty()) {
    packet = uint32_t(packets.size());
    packets.emplace_back();
  } else {
    packet = freePackets.back();
    freePackets.pop_back();
  }
  packets[packet] = {message, to, count, 0, false};
  ++live;
  if (sources[from].packets.empty())
    busySources.push_back(from);
  sources[from].packets.push_back(packet);
}

/// Sources send one flit a cycle into the local port of their router, on
/// virtual channels in turn.
void FlitNetwork::injectFlits() {
  size_t kept = 0;
  for (uint32_t router : busySources) {
    Source &source = sources[router];
    uint32_t packet = source.packets.front();
    if (!source.sent) {
      uint32_t chosen = shape.channels;
      for (uint32_t i = 1; i <= shape.channels; ++i) {
        uint32_t vc = (source.lastChannel + i) % shape.channels;
        if (source.out[vc].credits) {
          chosen = vc;
          break;
        }
      }
      if (chosen == shape.channels) {
        busySources[kept++] = router;
        continue;
      }
      source.channel = source.lastChannel = uint8_t(chosen);
    }
    OutChannel &out = source.out[source.channel];
    if (out.credits) {
      --out.credits;
      bool head = !source.sent, tail = ++source.sent == packets[packet].flits;
      if (head)
        packets[packet].entered = time;
      later(shape.interfaceCycles,
            {channelNumber(router, NetworkShape::localPort, source.channel),
             {packet, head, tail},
             Pending::Arrival});
      if (tail) {
        source.packets.pop_front();
        source.sent = 0;
      }
    }
    if (!source.packets.empty())
      busySources[kept++] = router;
  }
  busySources.resize(kept);
}

void FlitNetwork::accept(const Pending &what,
                         std::vector<NetworkDelivery> &delivered) {
  switch (what.kind) {
  case Pending::Arrival: {
    Channel &channel = channels[what.where];
    uint32_t at = channel.first + channel.count;
    if (at >= ringFlits)
      at -= ringFlits;
    flits[size_t(what.where) * ringFlits + at] = what.flit;
    ++channel.count;
    uint32_t router = what.where / (shape.channels * ports);
    ++buffered[router];
    if (channel.state == ChannelState::Idle) {
      channel.state = ChannelState::Waiting;
      channel.ready = time + (shape.headCycles(shape.hopCycles) == 2);
    }
    break;
  }
  case Pending::Credit:
    ++outs[what.where].credits;
    break;
  case Pending::SourceCredit: {
    uint32_t vc = what.where % shape.channels;
    ++sources[what.where / shape.channels].out[vc].credits;
    break;
  }
  case Pending::Ejection: {
    const Packet &packet = packets[what.flit.packet];
    delivered.push_back({packet.message, packet.entered, time});
    freePackets.push_back(what.flit.packet);
    --live;
    break;
  }
  }
}

/// One iteration of iSLIP between the virtual channels of the inputs (requests)
/// and those of the outputs that are free.
void FlitNetwork::allocateChannels(uint32_t router) {
  uint32_t lanes = ports * shape.channels, base = router * lanes;
  std::array<uint32_t, ports> requests{};
  uint32_t any = 0;
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    Channel &channel = channels[base + lane];
    if (channel.state != ChannelState::Waiting || channel.ready > time)
      continue;
    const Packet &packet =
        packets[flits[size_t(base + lane) * ringFlits + channel.first].packet];
    uint8_t out = routes.next(router, packet.to, packet.descending);
    requests[out] |= 1u << lane;
    any |= 1u << lane;
  }
  if (!any)
    return;
  // Grant, by output; a grant is a bit of `offers` of the input.
  std::array<uint32_t, ports * NetworkShape::maxChannels> offers{};
  for (uint32_t out = 0; out < ports; ++out) {
    if (!requests[out])
      continue;
    for (uint32_t vc = 0; vc < shape.channels; ++vc) {
      uint32_t lane = out * shape.channels + vc;
      if (!outs[base + lane].taken)
        offers[nextBit(requests[out], grantChannel[base + lane])] |= 1u << lane;
    }
  }
  // Accept, by input.
  for (uint32_t left = any; left; left &= left - 1) {
    uint32_t lane = uint32_t(std::countr_zero(left));
    if (!offers[lane])
      continue;
    uint32_t out = nextBit(offers[lane], acceptChannel[base + lane]);
    grantChannel[base + out] = uint8_t((lane + 1) % lanes);
    acceptChannel[base + lane] = uint8_t((out + 1) % lanes);
    outs[base + out].taken = true;
    Channel &channel = channels[base + lane];
    channel.state = ChannelState::Active;
    channel.outPort = uint8_t(out / shape.channels);
    channel.outChannel = uint8_t(out % shape.channels);
    channel.ready = time + (shape.headCycles(shape.hopCycles) >= 1);
  }
}

/// One iteration of iSLIP between inputs and outputs; an input offers each
/// output one of its virtual channels, in turn.
void FlitNetwork::allocateSwitch(uint32_t router) {
  uint32_t lanes = ports * shape.channels, base = router * lanes;
  std::array<uint32_t, ports> requests{};
  uint8_t lane[ports][ports];
  uint32_t inputs = 0, ready = 0;
  for (uint32_t in = 0; in < ports; ++in) {
    uint32_t turn = turnOfInput[router * ports + in];
    for (uint32_t i = 0; i < shape.channels; ++i) {
      uint32_t vc =
          turn + i < shape.channels ? turn + i : turn + i - shape.channels;
      const Channel &channel = channels[base + in * shape.channels + vc];
      if (channel.state != ChannelState::Active || !channel.count ||
          channel.ready > time)
        continue;
      ready |= 1u << in;
      uint32_t out = channel.outPort;
      if (requests[out] >> in & 1)
        continue;
      if (out != NetworkShape::localPort &&
          (!outs[base + out * shape.channels + channel.outChannel].credits ||
           portFreeQ16[router * ports + out] > (time << 16 | 0xffff)))
        continue;
      requests[out] |= 1u << in;
      lane[in][out] = uint8_t(vc);
      inputs |= 1u << in;
    }
  }
  std::array<uint32_t, ports> offers{};
  for (uint32_t out = 0; out < ports; ++out)
    if (requests[out])
      offers[nextBit(requests[out], grantSwitch[router * ports + out])] |=
          1u << out;
  uint32_t moved = 0;
  for (uint32_t left = inputs; left; left &= left - 1) {
    uint32_t in = uint32_t(std::countr_zero(left));
    if (!offers[in])
      continue;
    uint32_t out = nextBit(offers[in], acceptSwitch[router * ports + in]);
    grantSwitch[router * ports + out] = uint8_t((in + 1) % ports);
    acceptSwitch[router * ports + in] = uint8_t((out + 1) % ports);
    uint32_t vc = lane[in][out];
    turnOfInput[router * ports + in] = uint8_t((vc + 1) % shape.channels);
    moved |= 1u << in;
    sendFlit(router, in, vc);
  }
  for (uint32_t left = ready & ~moved; left; left &= left - 1)
    ++blocked[router * ports + uint32_t(std::countr_zero(left))];
}

void FlitNetwork::sendFlit(uint32_t router, uint32_t port, uint32_t vc) {
  uint32_t number = channelNumber(router, port, vc);
  Channel &channel = channels[number];
  Flit flit = flits[size_t(number) * ringFlits + channel.first];
  if (++channel.first == ringFlits)
    channel.first = 0;
  --channel.count;
  --buffered[router];
  uint32_t out = channel.outPort, outVc = channel.outChannel;
  uint32_t outNumber = channelNumber(router, out, outVc);
  ++carried[router * ports + out];

  if (out == NetworkShape::localPort) {
    if (flit.tail)
      later(shape.flightCycles(shape.hopCycles), {0, flit, Pending::Ejection});
  } else {
    bool die = shape.crossesDies(router, out);
    --outs[outNumber].credits;
    if (die && shape.dieLinkBytes < shape.flitBytes) {
      uint64_t &free = portFreeQ16[router * ports + out];
      free = std::max(free, time << 16) +
             (uint64_t(shape.flitBytes) << 16) / shape.dieLinkBytes;
    }
    if (flit.head && routes.descends(router, out))
      packets[flit.packet].descending = true;
    later(shape.flightCycles(die ? shape.dieHopCycles : shape.hopCycles),
          {channelNumber(routes.neighbour(router, out), out ^ 1, outVc), flit,
           Pending::Arrival});
  }
  if (flit.tail)
    outs[outNumber].taken = false;

  if (port == NetworkShape::localPort) {
    later(std::max(shape.interfaceCycles, 1u),
          {router * shape.channels + vc, {}, Pending::SourceCredit});
  } else {
    bool die = shape.crossesDies(router, port);
    later(shape.flightCycles(die ? shape.dieHopCycles : shape.hopCycles),
          {channelNumber(routes.neighbour(router, port), port ^ 1, vc),
           {},
           Pending::Credit});
  }
  if (flit.tail) {
    if (channel.count) {
      channel.state = ChannelState::Waiting;
      channel.ready = time + 1 + (shape.headCycles(shape.hopCycles) == 2);
    } else {
      channel.state = ChannelState::Idle;
    }
  }
}

void FlitNetwork::step(std::vector<NetworkDelivery> &delivered) {
  std::vector<Pending> &due = ring[time & ringMask];
  for (const Pending &what : due)
    accept(what, delivered);
  pendingEvents -= due.size();
  due.clear();
  injectFlits();
  // interfaceCycles of 0: what enters now is at the router now.
  for (const Pending &what : due)
    accept(what, delivered);
  pendingEvents -= due.size();
  due.clear();
  for (uint32_t router = 0; router < buffered.size(); ++router)
    if (buffered[router]) {
      allocateChannels(router);
      allocateSwitch(router);
    }
  ++time;
}
