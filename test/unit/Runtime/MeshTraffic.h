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

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <random>
#include <string_view>
#include <vector>

namespace octo::test {

struct TrafficRun {
  uint32_t width = 8, height = 8;
  std::string_view pattern = "uniform";
  uint32_t flits = 1;
  /// Where it is not empty, instead of `flits`: ranges of lengths. Packets are
  /// of each range, and of each length in it, equally often.
  std::vector<std::pair<uint32_t, uint32_t>> mix;
  double load = 0.1; ///< offered flits a node and cycle
  bool flitLevel = false;
  uint64_t seed = 1;
  /// Packets that are made after `warmup` cycles during `cycles` cycles count.
  uint64_t warmup = 3000, cycles = 10000;
  /// The run ends without a result when packets wait this long beyond that.
  uint64_t patience = 30000;
  /// It ends as well when the mean packet latency cannot but exceed that many
  /// times the one without contention.
  double most = HUGE_VAL;
  uint32_t channels = 4, channelFlits = 8;

  double meanFlits() const {
    if (mix.empty())
      return flits;
    double sum = 0;
    for (auto [least, longest] : mix)
      sum += (double(least) + double(longest)) / 2;
    return sum / double(mix.size());
  }
};

struct TrafficResult {
  double packetLatency = 0;  ///< from creation to the last flit's arrival
  double networkLatency = 0; ///< from injection of the first flit
  double zeroLoad = 0;       ///< the same without contention
  double accepted = 0;       ///< flits a node and cycle
  bool stable = false;       ///< all packets arrived
  uint64_t packets = 0;
};

/// `randperm` is a permutation by the seed, `hotspot` sends a tenth of all to
/// the middle, `hotspots` all to four nodes, `asymmetric` to either half alike.
inline constexpr std::string_view meshPatterns[] = {
    "uniform",  "transpose", "bit-complement", "bit-reverse", "shuffle",
    "tornado",  "neighbor",  "randperm",       "hotspot",     "hotspots",
    "diagonal", "taper64",   "asymmetric"};

/// Latency without contention of packets that visit `routers` routers.
inline double zeroLoadLatency(double routers, double flits) {
  return 5 * routers + 2 + (flits - 1);
}

/// Where packets go.
class TrafficPattern {
public:
  explicit TrafficPattern(const TrafficRun &run)
      : name(run.pattern), w(run.width), h(run.height), nodes(w * h) {
    while ((2u << bits) <= nodes)
      ++bits;
    if (name != "randperm")
      return;
    permutation.resize(nodes);
    std::iota(permutation.begin(), permutation.end(), 0);
    std::mt19937_64 random(run.seed);
    for (uint32_t i = nodes; i > 1; --i)
      std::swap(permutation[i - 1], permutation[random() % i]);
  }

  /// Bit permutations want a power of two, transpose a square.
  bool suits() const { return bool(destination(0, 0)); }

  /// Where a packet of `from` goes; nullopt when the pattern does not suit the
  /// mesh.
  std::optional<uint32_t> destination(uint32_t from, uint64_t random) const {
    uint32_t x = from % w, y = from / w;
    bool power = (nodes & (nodes - 1)) == 0;
    if (name == "uniform")
      return uint32_t(random % nodes);
    if (name == "transpose" && w == h)
      return x * w + y;
    if (name == "bit-complement")
      return nodes - 1 - from;
    if (name == "bit-reverse" && power) {
      uint32_t to = 0;
      for (uint32_t bit = 0; bit < bits; ++bit)
        to |= (from >> bit & 1) << (bits - 1 - bit);
      return to;
    }
    if (name == "shuffle" && power)
      return (from << 1 | from >> (bits - 1)) & (nodes - 1);
    if (name == "tornado")
      return (y + (h + 1) / 2 - 1) % h * w + (x + (w + 1) / 2 - 1) % w;
    if (name == "neighbor")
      return (y + 1) % h * w + (x + 1) % w;
    if (name == "randperm")
      return permutation[from];
    if (name == "hotspot")
      return random % 10 == 0 ? h / 2 * w + w / 2
                              : uint32_t((random >> 8) % nodes);
    if (name == "hotspots" && w >= 4 && h >= 4)
      return (random & 1 ? h / 4 : h - 1 - h / 4) * w +
             (random & 2 ? w / 4 : w - 1 - w / 4);
    if (name == "diagonal") // two thirds to itself, one to the next
      return random % 3 ? from : (from + 1) % nodes;
    if (name == "taper64" && w == 8 && h == 8) // half to nodes near by
      return random & 1 ? (64 + from + 8 * uint32_t((random >> 8) % 3) - 8 +
                           uint32_t((random >> 16) % 3) - 1) %
                              64
                        : uint32_t((random >> 8) % 64);
    if (name == "asymmetric")
      return from % (nodes / 2) + (random & 1 ? nodes / 2 : 0);
    return std::nullopt;
  }

private:
  std::string_view name;
  uint32_t w, h, nodes, bits = 0;
  std::vector<uint32_t> permutation;
};

struct TrafficPacket {
  uint64_t at;
  uint32_t from, to, flits;
};

/// The packets that nodes make, cycle by cycle.
class TrafficMaker {
public:
  explicit TrafficMaker(const TrafficRun &run)
      : run(run), pattern(run), random(run.seed) {
    double rate = std::ldexp(run.load / run.meanFlits(), 64);
    threshold =
        uint64_t(std::min(rate, std::ldexp(1.0, 64) - std::ldexp(1.0, 11)));
  }

  /// Appends those of the next cycle. The pattern must suit the mesh.
  void make(std::vector<TrafficPacket> &packets) {
    for (uint32_t node = 0; node < run.width * run.height; ++node) {
      if (random() >= threshold)
        continue;
      uint32_t to = *pattern.destination(node, random()), flits = run.flits;
      if (!run.mix.empty()) {
        uint64_t draw = random();
        auto [least, longest] = run.mix[draw % run.mix.size()];
        flits = least + uint32_t((draw >> 16) % (longest - least + 1));
      }
      packets.push_back({cycle, node, to, flits});
    }
    ++cycle;
  }

private:
  const TrafficRun &run;
  TrafficPattern pattern;
  std::mt19937_64 random;
  uint64_t threshold, cycle = 0;
};

/// nullopt when the pattern does not suit the mesh.
inline std::optional<TrafficResult> simulateTraffic(const TrafficRun &run) {
  if (!TrafficPattern(run).suits())
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

  uint64_t end = run.warmup + run.cycles;
  TrafficMaker maker(run);
  std::vector<TrafficPacket> packets;
  for (uint64_t cycle = 0; cycle < end; ++cycle)
    maker.make(packets);
  TrafficResult result;
  uint64_t counted = 0;
  for (const TrafficPacket &packet : packets)
    if (packet.at >= run.warmup) {
      ++counted;
      result.zeroLoad += zeroLoadLatency(
          routes.hops(packet.from, packet.to) + 1, packet.flits);
    }
  uint64_t acceptedFlits = 0;
  uint64_t waiting = 0, waitingSince = 0; ///< that count: number, sum of times
  size_t next = 0;
  std::vector<NetworkDelivery> delivered;
  for (uint64_t cycle = 0; cycle < end + run.patience; ++cycle) {
    if (cycle >= end && !waiting)
      break;
    if (result.packetLatency + double(waiting * cycle - waitingSince) >
        run.most * result.zeroLoad)
      break;
    // More come until those that count have arrived.
    if (cycle >= end)
      maker.make(packets);
    for (; next < packets.size() && packets[next].at == cycle; ++next) {
      const TrafficPacket &packet = packets[next];
      if (cycle >= run.warmup && cycle < end) {
        ++waiting;
        waitingSince += cycle;
      }
      if (run.flitLevel)
        flitNetwork->inject(uint32_t(next), packet.from, packet.to,
                            packet.flits);
      else
        network->inject(uint32_t(next), packet.from, packet.to, packet.flits,
                        cycle);
    }
    delivered.clear();
    if (run.flitLevel)
      flitNetwork->step(delivered);
    else if (network->nextTime() == cycle)
      network->run(cycle, delivered);
    for (const NetworkDelivery &d : delivered) {
      const TrafficPacket &packet = packets[d.message];
      if (d.arrived >= run.warmup && d.arrived < end)
        acceptedFlits += packet.flits;
      if (packet.at < run.warmup || packet.at >= end)
        continue;
      --waiting;
      waitingSince -= packet.at;
      ++result.packets;
      result.packetLatency += double(d.arrived - packet.at);
      result.networkLatency += double(d.arrived - d.entered);
    }
  }
  result.stable = result.packets == counted;
  result.accepted = double(acceptedFlits) / double(run.cycles) / nodes;
  if (result.packets) {
    result.packetLatency /= double(result.packets);
    result.networkLatency /= double(result.packets);
    result.zeroLoad /= double(counted);
  }
  return result;
}

/// Whether the mean packet latency is more than three times that without
/// contention.
inline bool isSaturated(TrafficRun run) {
  run.most = 3;
  std::optional<TrafficResult> result = simulateTraffic(run);
  return !result || !result->stable ||
         result->packetLatency > 3 * result->zeroLoad;
}

/// The offered load from which on the mesh is saturated, by bisection to
/// `error` times itself; at most 1. A `guess` saves time.
inline double saturationLoad(TrafficRun run, double guess = 0,
                             double error = 1.0 / 128) {
  double low = 0, high = 1;
  if (guess > 0) {
    // Beyond what would pass for the same, so that none is preferred.
    run.load = std::min(guess * 1.15, 1.0);
    (isSaturated(run) ? high : low) = run.load;
    if (low == 0) {
      run.load = guess * 0.85;
      (isSaturated(run) ? high : low) = run.load;
    }
  }
  while (high - low > error * high) {
    run.load = (low + high) / 2;
    (isSaturated(run) ? high : low) = run.load;
  }
  return (low + high) / 2;
}

} // namespace octo::test

#endif // OCTO_UNITTESTS_RUNTIME_MESHTRAFFIC_H
