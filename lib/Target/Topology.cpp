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
    Direction::East, Direction::West, Direction::North, Direction::South};

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

Topology::Topology(const Topology &other) { *this = other; }

Topology &Topology::operator=(const Topology &other) {
  if (this == &other)
    return *this;
  target = other.target;
  alive = other.alive;
  deadRouter = other.deadRouter;
  deadCbu = other.deadCbu;
  deadLink = other.deadLink;
  deadHbm = other.deadHbm;
  usable = other.usable;
  hbmOf = other.hbmOf;
  deadEastBefore = other.deadEastBefore;
  deadSouthBefore = other.deadSouthBefore;
  distances.clear();
  distances.resize(numClusters());
  cachedDistances = 0;
  return *this;
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
  uint32_t width = target.meshWidth(), height = target.meshHeight();
  distances.clear();
  distances.resize(clusters);
  cachedDistances = 0;

  deadEastBefore.assign(size_t(width + 1) * height, 0);
  deadSouthBefore.assign(size_t(height + 1) * width, 0);
  for (uint32_t y = 0; y < height; ++y)
    for (uint32_t x = 0; x < width; ++x) {
      size_t cluster = size_t(y) * width + x;
      // The last link of a row leaves the mesh and is never asked for.
      size_t row = size_t(y) * (width + 1) + x;
      deadEastBefore[row + 1] =
          deadEastBefore[row] + deadLink[cluster * 4 + size_t(Direction::East)];
      size_t column = size_t(x) * (height + 1) + y;
      deadSouthBefore[column + 1] =
          deadSouthBefore[column] +
          deadLink[cluster * 4 + size_t(Direction::South)];
    }

  // A link is dead in both directions or in none, so one search from the host
  // finds what can be reached from there and can answer.
  usable.assign(clusters, false);
  if (!deadRouter[hostCluster()]) {
    std::vector<uint32_t> hops = search(hostCluster());
    for (uint32_t cluster = 0; cluster < clusters; ++cluster)
      usable[cluster] = hops[cluster] != none;
  }

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

bool Topology::dimensionOrderLive(uint32_t from, uint32_t to) const {
  Coord a = target.coordOf(from), b = target.coordOf(to);
  size_t row = size_t(a.y) * (target.meshWidth() + 1);
  size_t column = size_t(b.x) * (target.meshHeight() + 1);
  auto [x0, x1] = std::minmax(a.x, b.x);
  auto [y0, y1] = std::minmax(a.y, b.y);
  return deadEastBefore[row + x1] == deadEastBefore[row + x0] &&
         deadSouthBefore[column + y1] == deadSouthBefore[column + y0];
}

std::vector<uint32_t> Topology::search(uint32_t from) const {
  std::vector<uint32_t> hops(numClusters(), none), queue;
  hops[from] = 0;
  queue.push_back(from);
  for (size_t next = 0; next < queue.size(); ++next) {
    uint32_t cluster = queue[next];
    for (Direction direction : allDirections) {
      if (deadLink[size_t(cluster) * 4 + size_t(direction)])
        continue;
      uint32_t other = neighbour(cluster, direction);
      if (hops[other] != none)
        continue;
      hops[other] = hops[cluster] + 1;
      queue.push_back(other);
    }
  }
  return hops;
}

const std::vector<uint32_t> &Topology::distancesTo(uint32_t to) const {
  if (!distances[to]) {
    // 256 MiB of tables at most.
    size_t limit = std::max<size_t>(64, (size_t(1) << 26) / numClusters());
    if (cachedDistances == limit) {
      for (auto &table : distances)
        table.reset();
      cachedDistances = 0;
    }
    distances[to] = std::make_unique<std::vector<uint32_t>>(search(to));
    ++cachedDistances;
  }
  return *distances[to];
}

uint32_t Topology::nextLink(uint32_t from, uint32_t to) const {
  if (from == to)
    return none;
  if (dimensionOrderLive(from, to)) {
    Coord a = target.coordOf(from), b = target.coordOf(to);
    Direction direction = a.x < b.x   ? Direction::East
                          : a.x > b.x ? Direction::West
                          : a.y > b.y ? Direction::North
                                      : Direction::South;
    return from * 4 + uint32_t(direction);
  }
  // A live way in dimension order is a shortest one, so every step of either
  // kind comes one hop nearer.
  const std::vector<uint32_t> &hops = distancesTo(to);
  if (hops[from] == none)
    return none;
  for (Direction direction : allDirections) {
    uint32_t number = from * 4 + uint32_t(direction);
    if (!deadLink[number] && hops[neighbour(from, direction)] + 1 == hops[from])
      return number;
  }
  return none;
}

uint32_t Topology::distance(uint32_t from, uint32_t to) const {
  if (from == to)
    return 0;
  if (dimensionOrderLive(from, to)) {
    Coord a = target.coordOf(from), b = target.coordOf(to);
    return std::max(a.x, b.x) - std::min(a.x, b.x) + std::max(a.y, b.y) -
           std::min(a.y, b.y);
  }
  return distancesTo(to)[from];
}

bool Topology::route(uint32_t from, uint32_t to,
                     std::vector<uint32_t> &links) const {
  if (!reachable(from, to))
    return false;
  while (from != to) {
    links.push_back(nextLink(from, to));
    from = link(links.back()).to;
  }
  return true;
}

uint32_t Topology::headLatency(uint32_t from, uint32_t to) const {
  if (from == to)
    return 0;
  if (!reachable(from, to))
    return none;
  uint32_t cycles = target.dataPlane.interfaceCycles;
  while (from != to) {
    uint32_t number = nextLink(from, to);
    cycles += linkHopCycles(number);
    from = link(number).to;
  }
  return cycles;
}
