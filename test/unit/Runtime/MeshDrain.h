//===- MeshDrain.h - A mesh that is flooded runs empty ----------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Random meshes, whole or with dead links, are offered more than they can
// carry, and then nothing more. Whatever was offered must arrive, once, no
// later than if one message were sent after the other; links must have been
// busy for the flits that passed them; and then the mesh must take as many
// flits as a new one, at every link, before it is full.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_UNITTESTS_RUNTIME_MESHDRAIN_H
#define OCTO_UNITTESTS_RUNTIME_MESHDRAIN_H

#include "MeshTraffic.h"

#include <array>
#include <string>

namespace octo::test {

struct DrainRun {
  NetworkShape shape;
  std::vector<bool> dead; ///< links, as of MeshRoutes
  TrafficRun traffic;
  /// One of that many messages goes to one place; 0: none does.
  uint32_t oneOf = 0;
  uint32_t place = 0;
  bool flitLevel = false;

  std::string text() const {
    uint32_t links = 0;
    for (bool link : dead)
      links += link;
    std::string text = std::to_string(shape.width) + "x" +
                       std::to_string(shape.height) + ", " +
                       std::to_string(links / 2) + " dead links, " +
                       std::to_string(shape.channels) + " x " +
                       std::to_string(shape.channelFlits) + " flits, hops of " +
                       std::to_string(shape.hopCycles) + " and " +
                       std::to_string(shape.dieHopCycles) + " cycles, " +
                       std::string(traffic.pattern) + " of";
    for (auto [least, longest] : traffic.mix)
      text += " " + std::to_string(least) + ".." + std::to_string(longest);
    text += " flits, load " + std::to_string(traffic.load) + " for " +
            std::to_string(traffic.cycles) + " cycles";
    if (oneOf)
      text +=
          ", one of " + std::to_string(oneOf) + " to " + std::to_string(place);
    return text;
  }
};

/// A run by its seed; sides of the mesh from `least` to `most`, about `flits`
/// flits in all.
inline DrainRun randomDrain(uint64_t seed, uint32_t least, uint32_t most,
                            uint64_t flits) {
  std::mt19937_64 random(seed);
  auto between = [&](uint32_t low, uint32_t high) {
    return low + uint32_t(random() % (high - low + 1));
  };
  DrainRun run;
  NetworkShape &shape = run.shape;
  shape.width = between(least, most);
  shape.height = between(least, most);
  bool dies = random() % 3 == 0;
  shape.dieWidth = dies ? between(1, shape.width) : uint32_t(shape.width);
  shape.dieHeight = dies ? between(1, shape.height) : shape.height;
  if (random() % 4 == 0)
    shape.hopCycles = between(1, 8);
  shape.dieHopCycles = dies ? between(shape.hopCycles, 24) : shape.hopCycles;
  shape.flitBytes = 8;
  shape.dieLinkBytes = dies && random() % 2 ? 3 : 8;
  if (random() % 2)
    shape.setBuffer(8 * between(1, 64));
  uint32_t clusters = shape.clusters();
  run.dead.resize(size_t(clusters) * 4);
  MeshRoutes whole(shape.width, shape.height, run.dead);
  if (random() % 3)
    for (uint32_t left = between(1, clusters / 6 + 1); left; --left) {
      uint32_t at = between(0, clusters - 1), x = at % shape.width;
      bool down = random() % 2;
      if (down ? at / shape.width + 1 == shape.height : x + 1 == shape.width)
        continue;
      uint32_t direction = down ? 2 : 0;
      run.dead[at * 4 + direction] = true;
      run.dead[whole.neighbour(at, direction) * 4 + (direction ^ 1)] = true;
    }
  run.traffic.width = shape.width;
  run.traffic.height = shape.height;
  run.traffic.seed = seed;
  static constexpr std::string_view patterns[] = {
      "uniform", "tornado", "bit-complement", "randperm", "neighbor"};
  run.traffic.pattern = patterns[random() % std::size(patterns)];
  static const std::vector<std::pair<uint32_t, uint32_t>> mixes[] = {
      {{1, 1}, {32, 32}},
      {{1, 65}},
      {{1, 40}, {1, 1500}},
      {{64, 64}},
      {{1, 8}},
      {{9, 16}},
      {{300, 300}},
      {{1, 1}, {400, 400}}};
  run.traffic.mix = mixes[random() % std::size(mixes)];
  run.traffic.load = 0.3 + 0.1 * between(0, 7);
  run.traffic.cycles =
      std::max(uint64_t(double(flits) / clusters / run.traffic.load),
               uint64_t(run.traffic.meanFlits()));
  if (random() % 2) {
    run.oneOf = between(1, 10);
    run.place = between(0, clusters - 1);
  }
  return run;
}

struct DrainResult {
  uint64_t messages = 0;
  uint64_t cycles = 0;  ///< until the last one arrived
  uint64_t busiest = 0; ///< cycles that the busiest link must take
  std::string wrong;    ///< empty: nothing
};

/// How many flits each neighbour can send to each cluster while that one takes
/// none: by cluster * 4 + the direction of the neighbour. The network must be
/// empty, and is afterwards.
inline std::vector<uint32_t> capacities(Network &network,
                                        const NetworkShape &shape,
                                        const std::vector<bool> &dead,
                                        MeshRoutes &routes, uint64_t at) {
  uint32_t clusters = shape.clusters();
  uint32_t most =
      shape.channels * (shape.channelFlits +
                        std::max(shape.depthAfter(shape.hopCycles),
                                 shape.depthAfter(shape.dieHopCycles))) +
      8;
  // Each neighbour has been sent before for as many cycles, and flits have
  // gone all the way, before the cluster takes its own message's last flit.
  uint64_t start = 20, filled = start + 4 * uint64_t(most) + 200;
  std::vector<uint32_t> room(size_t(clusters) * 4);
  std::vector<NetworkDelivery> delivered;
  for (uint32_t to = 0; to < clusters; ++to) {
    network.inject(4, to, to, (filled + 100) * shape.flitBytes, at);
    for (uint32_t direction = 0; direction < 4; ++direction) {
      uint32_t x = to % shape.width, y = to / shape.width;
      bool outside = direction == 0   ? x + 1 == shape.width
                     : direction == 1 ? x == 0
                     : direction == 2 ? y + 1 == shape.height
                                      : y == 0;
      if (outside || dead[to * 4 + direction])
        continue;
      for (uint32_t i = 0; i < most; ++i)
        network.inject(direction, routes.neighbour(to, direction), to, 1,
                       at + start);
    }
    delivered.clear();
    uint64_t last = at;
    while (network.nextTime() != Network::never) {
      last = network.nextTime();
      network.run(last, delivered);
    }
    for (const NetworkDelivery &d : delivered)
      if (d.message < 4 && d.entered < at + filled)
        ++room[to * 4 + d.message];
    at = last + 1000;
  }
  return room;
}

inline DrainResult drain(const DrainRun &run) {
  const NetworkShape &shape = run.shape;
  uint32_t clusters = shape.clusters();
  MeshRoutes routes(shape.width, shape.height, run.dead);
  Network network(shape, routes);
  FlitNetwork flitNetwork(shape, routes);

  TrafficMaker maker(run.traffic);
  std::vector<TrafficPacket> packets;
  for (uint64_t cycle = 0; cycle < run.traffic.cycles; ++cycle)
    maker.make(packets);
  DrainResult result;
  std::vector<uint64_t> passed(clusters * NetworkShape::ports);
  uint64_t bound = run.traffic.cycles;
  // Channels that are smaller than the round trip of their credits send less
  // than a flit a cycle; of the way to the next router and back, and 2 more.
  uint64_t roundTrip = 2 * NetworkShape::flightCycles(shape.hopCycles) + 2;
  uint64_t pace = (roundTrip + shape.channelFlits - 1) / shape.channelFlits;
  size_t kept = 0;
  for (TrafficPacket packet : packets) {
    if (run.oneOf && kept % run.oneOf == 0)
      packet.to = run.place;
    if (!routes.reachable(packet.from, packet.to))
      continue;
    packets[kept++] = packet;
    uint64_t dieFlits =
        run.flitLevel
            ? packet.flits
            : std::max<uint64_t>((uint64_t(packet.flits) * shape.flitBytes +
                                  shape.dieLinkBytes - 1) /
                                     shape.dieLinkBytes,
                                 packet.flits);
    // Alone on the mesh, on the slowest link all of the way.
    bound += shape.interfaceCycles + shape.hopCycles +
             packet.flits * pace * shape.flitBytes / shape.dieLinkBytes + 1;
    routes.walk(packet.from, packet.to, [&](uint32_t at, uint32_t direction) {
      bool die = shape.crossesDies(at, direction);
      passed[at * NetworkShape::ports + direction] +=
          die ? dieFlits : packet.flits;
      bound += die ? shape.dieHopCycles : shape.hopCycles;
    });
    passed[packet.to * NetworkShape::ports + NetworkShape::localPort] +=
        packet.flits;
  }
  packets.resize(kept);
  result.messages = kept;
  result.busiest = *std::max_element(passed.begin(), passed.end());

  std::vector<NetworkDelivery> delivered;
  size_t next = 0;
  uint64_t time = 0;
  for (;;) {
    for (; next < kept && packets[next].at <= time; ++next) {
      const TrafficPacket &packet = packets[next];
      if (run.flitLevel)
        flitNetwork.inject(uint32_t(next), packet.from, packet.to,
                           packet.flits);
      else
        network.inject(uint32_t(next), packet.from, packet.to,
                       uint64_t(packet.flits) * shape.flitBytes, time);
    }
    if (run.flitLevel) {
      if (next == kept && flitNetwork.idle())
        break;
      flitNetwork.step(delivered);
      ++time;
    } else {
      uint64_t event = network.nextTime();
      if (event == time)
        network.run(time, delivered);
      event = network.nextTime();
      if (event <= time) {
        result.wrong = "an event is not after the one before";
        break;
      }
      uint64_t then = next < kept ? std::min(packets[next].at, event) : event;
      if (then == Network::never)
        break;
      time = then;
    }
    if (time > bound) {
      result.wrong = "not empty when one message after another would be";
      break;
    }
  }
  result.cycles = time;
  if (!result.wrong.empty())
    return result;

  std::vector<bool> arrived(kept);
  for (const NetworkDelivery &d : delivered) {
    if (arrived[d.message])
      result.wrong = "a message arrived twice";
    arrived[d.message] = true;
    if (d.entered < packets[d.message].at)
      result.wrong = "a message was sent before it was there";
  }
  if (delivered.size() != kept)
    result.wrong = std::to_string(kept - delivered.size()) +
                   " messages never arrived, and nothing moves";
  const std::vector<uint64_t> busy =
      run.flitLevel ? flitNetwork.busyCycles() : network.busyCycles();
  for (size_t link = 0; link < passed.size() && result.wrong.empty(); ++link)
    if (busy[link] != passed[link])
      result.wrong = "link " + std::to_string(link % NetworkShape::ports) +
                     " of cluster " +
                     std::to_string(link / NetworkShape::ports) +
                     " was busy for " + std::to_string(busy[link]) +
                     " cycles with " + std::to_string(passed[link]) + " flits";
  if (run.flitLevel || !result.wrong.empty())
    return result;

  Network unused(shape, routes);
  std::vector<uint32_t> expected =
      capacities(unused, shape, run.dead, routes, 0);
  std::vector<uint32_t> found =
      capacities(network, shape, run.dead, routes, time + 1000);
  for (size_t link = 0; link < found.size() && result.wrong.empty(); ++link)
    if (found[link] != expected[link])
      result.wrong = "cluster " + std::to_string(link / 4) + " has room for " +
                     std::to_string(found[link]) + " flits from direction " +
                     std::to_string(link % 4) + " afterwards, and had for " +
                     std::to_string(expected[link]);
  return result;
}

} // namespace octo::test

#endif // OCTO_UNITTESTS_RUNTIME_MESHDRAIN_H
