//===- Topology.cpp - What of a machine is alive and connected ------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Expansion of a target, and routes around its defects.
//
//===----------------------------------------------------------------------===//

#include "octo/Target/Topology.h"

#include "octo/Program/Philox.h"

#include <algorithm>

using namespace octo;

static constexpr Direction allDirections[] = {
    Direction::East, Direction::West, Direction::South, Direction::North};

static uint64_t lowBits(uint32_t count) {
  return count >= 64 ? ~uint64_t(0) : (uint64_t(1) << count) - 1;
}

Topology::Topology(TargetDesc desc) : target(std::move(desc)) {
  uint32_t clusters = target.numClusters();
  alive.assign(target.numTbus(), lowBits(target.peasPerTbu));
  deadRouter.assign(clusters, false);
  deadCbu.assign(clusters, false);
  deadLink.assign(size_t(clusters) * 4, false);
  deadHbm.assign(target.hbmPorts.size(), false);
  // What leaves the mesh is no link.
  for (uint32_t cluster = 0; cluster < clusters; ++cluster)
    for (Direction direction : allDirections)
      if (neighbour(cluster, direction) == none)
        deadLink[size_t(cluster) * 4 + size_t(direction)] = true;

  for (const PartRef &part : target.defects.parts)
    killOne(part);

  const DefectsDesc &defects = target.defects;
  PhiloxKey key = philoxKey(defects.seed);
  auto drawn = [&](uint32_t kind, uint32_t index, uint64_t rateQ32) {
    return philox4x32({kind, 0, index, 0}, key)[0] < rateQ32;
  };
  if (defects.peaRateQ32)
    for (uint32_t pea = 0; pea < target.numPeas(); ++pea)
      if (drawn(0, pea, defects.peaRateQ32))
        alive[pea / target.peasPerTbu] &=
            ~(uint64_t(1) << (pea % target.peasPerTbu));
  if (defects.tbuRateQ32)
    for (uint32_t tbu = 0; tbu < target.numTbus(); ++tbu)
      if (drawn(1, tbu, defects.tbuRateQ32))
        alive[tbu] = 0;
  if (defects.linkRateQ32)
    for (uint32_t cluster = 0; cluster < clusters; ++cluster)
      for (Direction direction : {Direction::East, Direction::South}) {
        uint32_t other = neighbour(cluster, direction);
        uint32_t index = cluster * 2 + (direction == Direction::South);
        if (other != none && drawn(2, index, defects.linkRateQ32)) {
          deadLink[linkBetween(cluster, other)] = true;
          deadLink[linkBetween(other, cluster)] = true;
        }
      }
  update();
}

void Topology::killOne(const PartRef &part) {
  uint32_t cluster = target.clusterAt(part.cluster);
  switch (part.kind) {
  case PartKind::Pea:
    alive[size_t(cluster) * target.tbusPerCluster + part.unit] &=
        ~(uint64_t(1) << part.pea);
    break;
  case PartKind::Tbu:
    alive[size_t(cluster) * target.tbusPerCluster + part.unit] = 0;
    break;
  case PartKind::Cbu:
    deadCbu[cluster] = true;
    break;
  case PartKind::Link: {
    uint32_t other = target.clusterAt(part.to);
    deadLink[linkBetween(cluster, other)] = true;
    deadLink[linkBetween(other, cluster)] = true;
    break;
  }
  case PartKind::Cluster:
    deadRouter[cluster] = true;
    deadCbu[cluster] = true;
    for (uint32_t tbu = 0; tbu < target.tbusPerCluster; ++tbu)
      alive[size_t(cluster) * target.tbusPerCluster + tbu] = 0;
    for (Direction direction : allDirections) {
      uint32_t other = neighbour(cluster, direction);
      if (other == none)
        continue;
      deadLink[linkBetween(cluster, other)] = true;
      deadLink[linkBetween(other, cluster)] = true;
    }
    break;
  case PartKind::Hbm:
    deadHbm[part.unit] = true;
    break;
  }
}

void Topology::kill(const PartRef &part) {
  killOne(part);
  update();
}

void Topology::update() {
  uint32_t clusters = numClusters();
  routes = MeshRoutes(target.meshWidth(), target.meshHeight(), deadLink);
  usable.assign(clusters, false);
  if (!deadRouter[hostCluster()])
    for (uint32_t cluster = 0; cluster < clusters; ++cluster)
      usable[cluster] = routes.reachable(hostCluster(), cluster);

  // All ports at once, breadth first: the first to arrive is the nearest.
  hbmOf.assign(clusters, none);
  std::vector<uint32_t> queue, hops(clusters, none);
  for (uint32_t port = 0; port < target.hbmPorts.size(); ++port) {
    uint32_t cluster = target.clusterAt(target.hbmPorts[port].at);
    if (!hbmLive(port) || hbmOf[cluster] != none)
      continue;
    hbmOf[cluster] = port;
    hops[cluster] = 0;
    queue.push_back(cluster);
  }
  for (size_t next = 0; next < queue.size(); ++next) {
    uint32_t cluster = queue[next];
    for (Direction direction : allDirections) {
      size_t link = size_t(cluster) * 4 + size_t(direction);
      if (deadLink[link])
        continue;
      uint32_t other = neighbour(cluster, direction);
      if (hops[other] == none) {
        hops[other] = hops[cluster] + 1;
        hbmOf[other] = hbmOf[cluster];
        queue.push_back(other);
      } else if (hops[other] == hops[cluster] + 1) {
        hbmOf[other] = std::min(hbmOf[other], hbmOf[cluster]);
      }
    }
  }
}

bool Topology::hbmLive(uint32_t port) const {
  return !deadHbm[port] && usable[target.clusterAt(target.hbmPorts[port].at)];
}

uint32_t Topology::livePeas(uint32_t tbu, uint32_t first,
                            uint32_t count) const {
  if (first >= 64)
    return 0;
  return uint32_t(std::popcount(livePeaMask(tbu) >> first & lowBits(count)));
}

uint32_t Topology::livePeas() const {
  uint32_t sum = 0;
  for (uint32_t tbu = 0; tbu < target.numTbus(); ++tbu)
    sum += livePeas(tbu);
  return sum;
}

uint32_t Topology::largestTbu() const {
  uint32_t most = 0;
  for (uint32_t tbu = 0; tbu < target.numTbus(); ++tbu)
    most = std::max(most, livePeas(tbu));
  return most;
}

uint32_t Topology::neighbour(uint32_t cluster, Direction direction) const {
  uint32_t width = target.meshWidth();
  uint32_t x = cluster % width, y = cluster / width;
  switch (direction) {
  case Direction::East:
    return x + 1 < width ? cluster + 1 : none;
  case Direction::West:
    return x > 0 ? cluster - 1 : none;
  case Direction::North:
    return y > 0 ? cluster - width : none;
  case Direction::South:
    return y + 1 < target.meshHeight() ? cluster + width : none;
  }
  return none;
}

uint32_t Topology::linkBetween(uint32_t from, uint32_t to) const {
  for (Direction direction : allDirections)
    if (neighbour(from, direction) == to)
      return from * 4 + uint32_t(direction);
  return none;
}

MeshLink Topology::link(uint32_t number) const {
  return {number / 4, neighbour(number / 4, Direction(number % 4))};
}

bool Topology::linkCrossesDies(uint32_t number) const {
  Coord at = target.coordOf(number / 4);
  switch (Direction(number % 4)) {
  case Direction::East:
    return at.x % target.clustersPerDie.x == target.clustersPerDie.x - 1;
  case Direction::West:
    return at.x % target.clustersPerDie.x == 0;
  case Direction::North:
    return at.y % target.clustersPerDie.y == 0;
  case Direction::South:
    return at.y % target.clustersPerDie.y == target.clustersPerDie.y - 1;
  }
  return false;
}

bool Topology::route(uint32_t from, uint32_t to,
                     std::vector<uint32_t> &links) const {
  if (!reachable(from, to))
    return false;
  routes.walk(from, to, [&](uint32_t cluster, uint32_t direction) {
    links.push_back(cluster * 4 + direction);
  });
  return true;
}

uint32_t Topology::headLatency(uint32_t from, uint32_t to) const {
  if (from == to)
    return 0;
  if (!reachable(from, to))
    return none;
  uint32_t cycles =
      target.dataPlane.interfaceCycles + target.dataPlane.hopCycles - 1;
  routes.walk(from, to, [&](uint32_t cluster, uint32_t direction) {
    cycles += linkHopCycles(cluster * 4 + direction);
  });
  return cycles;
}
