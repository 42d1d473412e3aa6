//===- MeshTraffic.h - Synthetic traffic on a mesh --------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Latency against load of the two models of the mesh, as network simulators
// measure it: every node makes packets by a Bernoulli process, queues them
// without bound and sends them to what the pattern says (Dally and Towles,
// "Principles and Practices of Interconnection Networks", chapters 3 and 23).
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_UNITTESTS_RUNTIME_MESHTRAFFIC_H
#define OCTO_UNITTESTS_RUNTIME_MESHTRAFFIC_H

#include "../../../lib/Runtime/FlitNetwork.h"
#include "../../../lib/Runtime/Network.h"

#include <cmath>
#include <cstdint>
#include <optional>
#include <random>
#include <string_view>
#include <vector>

namespace octo::test {

struct TrafficRun {
  uint32_t width = 8, height = 8;
  std::string_view pattern = "uniform";
  uint32_t flits = 1;
  double load = 0.1; ///< offered flits a node and cycle
  bool flitLevel = false;
  uint64_t seed = 1;
  /// Packets that are made after `warmup` cycles during `cycles` cycles count.
  uint64_t warmup = 3000, cycles = 10000;
  /// The run ends without a result when packets wait this long beyond that.
  uint64_t patience = 30000;
  uint32_t channels = 4, channelFlits = 8;
};

struct TrafficResult {
  double packetLatency = 0;  ///< from creation to the last flit's arrival
  double networkLatency = 0; ///< from injection of the first flit
  double routers = 0;        ///< that packets visit
  double accepted = 0;       ///< flits a node and cycle
  bool stable = false;       ///< all packets arrived
  uint64_t packets = 0;
};

inline constexpr std::string_view meshPatterns[] = {
    "uniform", "transpose", "bit-complement", "bit-reverse", "shuffle",
    "tornado", "neighbor",  "hotspot",        "asymmetric"};

/// Where a packet of `from` goes; nullopt when the pattern does not suit the
/// mesh (bit permutations want a power of two, transpose a square).
inline std::optional<uint32_t> destination(const TrafficRun &run, uint32_t from,
                                           uint64_t random) {
  uint32_t w = run.width, h = run.height, nodes = w * h;
  uint32_t x = from % w, y = from / w;
  bool power = (nodes & (nodes - 1)) == 0;
  uint32_t bits = 0;
  while ((2u << bits) <= nodes)
    ++bits;
  if (run.pattern == "uniform")
    return uint32_t(random % nodes);
  if (run.pattern == "transpose" && w == h)
    return x * w + y;
  if (run.pattern == "bit-complement")
    return nodes - 1 - from;
  if (run.pattern == "bit-reverse" && power) {
    uint32_t to = 0;
    for (uint32_t bit = 0; bit < bits; ++bit)
      to |= (from >> bit & 1) << (bits - 1 - bit);
    return to;
  }
  if (run.pattern == "shuffle" && power)
    return (from << 1 | from >> (bits - 1)) & (nodes - 1);
  if (run.pattern == "tornado")
    return (y + (h + 1) / 2 - 1) % h * w + (x + (w + 1) / 2 - 1) % w;
  if (run.pattern == "neighbor")
    return (y + 1) % h * w + (x + 1) % w;
  if (run.pattern == "hotspot") // a tenth of all goes to the middle
    return random % 10 == 0 ? h / 2 * w + w / 2
                            : uint32_t((random >> 8) % nodes);
  if (run.pattern == "asymmetric") // half of the nodes, either half alike
    return from % (nodes / 2) + (random & 1 ? nodes / 2 : 0);
  return std::nullopt;
}

/// nullopt when the pattern does not suit the mesh.
inline std::optional<TrafficResult> simulateTraffic(const TrafficRun &run) {
  if (!destination(run, 0, 0))
    return std::nullopt;
  NetworkShape shape;
  shape.width = shape.dieWidth = run.width;
  shape.height = shape.dieHeight = run.height;
  shape.channels = run.channels;
  shape.channelFlits = run.channelFlits;
  uint32_t nodes = shape.clusters();
  MeshRoutes routes(run.width, run.height, std::vector<bool>(nodes * 4));
  std::optional<FlitNetwork> flitNetwork;
  std::optional<Network> network;
  if (run.flitLevel)
    flitNetwork.emplace(shape, routes);
  else
    network.emplace(shape, routes);

  std::mt19937_64 random(run.seed);
  uint64_t threshold =
      uint64_t(std::ldexp(run.load / run.flits, 64) < std::ldexp(1.0, 64)
                   ? std::ldexp(run.load / run.flits, 64)
                   : std::ldexp(1.0, 64) - 2048);
  struct Made {
    uint64_t at;
    uint32_t routers;
  };
  std::vector<Made> made;
  std::vector<NetworkDelivery> delivered;
  TrafficResult result;
  uint64_t counted = 0, acceptedPackets = 0;
  uint64_t end = run.warmup + run.cycles;
  auto arrived = [&](uint32_t packet, uint64_t entered, uint64_t at) {
    if (at >= run.warmup && at < end)
      ++acceptedPackets;
    const Made &m = made[packet];
    if (m.at < run.warmup || m.at >= end)
      return;
    ++result.packets;
    result.packetLatency += double(at - m.at);
    result.networkLatency += double(at - entered);
    result.routers += m.routers;
  };
  for (uint64_t cycle = 0; cycle < end + run.patience; ++cycle) {
    if (cycle >= end && result.packets == counted)
      break;
    for (uint32_t node = 0; node < nodes; ++node) {
      if (random() >= threshold)
        continue;
      uint32_t to = *destination(run, node, random());
      uint32_t packet = uint32_t(made.size());
      made.push_back({cycle, routes.hops(node, to) + 1});
      counted += cycle >= run.warmup && cycle < end;
      if (run.flitLevel)
        flitNetwork->inject(packet, node, to, run.flits);
      else
        network->inject(packet, node, to, run.flits, cycle);
    }
    delivered.clear();
    if (run.flitLevel)
      flitNetwork->step(delivered);
    else if (network->nextTime() == cycle)
      network->run(cycle, delivered);
    for (const NetworkDelivery &d : delivered)
      arrived(d.message, d.entered, d.arrived);
  }
  result.stable = result.packets == counted;
  result.accepted =
      double(acceptedPackets) * run.flits / double(run.cycles) / nodes;
  if (result.packets) {
    result.packetLatency /= double(result.packets);
    result.networkLatency /= double(result.packets);
    result.routers /= double(result.packets);
  }
  return result;
}

/// Latency without contention of packets that visit `routers` routers.
inline double zeroLoadLatency(double routers, uint32_t flits) {
  return 5 * routers + 2 + (flits - 1);
}

/// The offered load at which the packet latency is three times that without
/// contention, by bisection to 1/256; at most 1.
inline double saturationLoad(TrafficRun run) {
  double low = 0, high = 1;
  while (high - low > 1.0 / 256) {
    run.load = (low + high) / 2;
    std::optional<TrafficResult> result = simulateTraffic(run);
    if (!result)
      return 0;
    bool saturated =
        !result->stable ||
        result->packetLatency > 3 * zeroLoadLatency(result->routers, run.flits);
    (saturated ? high : low) = run.load;
  }
  return (low + high) / 2;
}

} // namespace octo::test

#endif // OCTO_UNITTESTS_RUNTIME_MESHTRAFFIC_H
