//===- MeshRoutes.cpp - Routes without deadlock ---------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "octo/Target/MeshRoutes.h"

#include <algorithm>

using namespace octo;

/// Tables of all destinations together take at most this much.
static constexpr size_t tableBytes = size_t(256) << 20;

MeshRoutes::MeshRoutes(uint32_t width, uint32_t height, std::vector<bool> dead)
    : width(width), height(height), dead(std::move(dead)) {
  for (uint32_t cluster = 0; cluster < numClusters(); ++cluster)
    for (uint32_t d = 0; d < 4; ++d) {
      size_t link = size_t(cluster) * 4 + d;
      if (!onMesh(cluster, d))
        this->dead[link] = true;
      else if (this->dead[link])
        isWhole = false;
    }
  columns.resize(numClusters());
  for (uint32_t cluster = 0; cluster < numClusters(); ++cluster)
    columns[cluster] = cluster % width;
  if (!isWhole)
    orient();
}

MeshRoutes &MeshRoutes::operator=(const MeshRoutes &other) {
  if (this == &other)
    return *this;
  width = other.width;
  height = other.height;
  isWhole = other.isWhole;
  columns = other.columns;
  dead = other.dead;
  down = other.down;
  component = other.component;
  turns.clear();
  turns.resize(other.turns.size());
  made.clear();
  oldest = 0;
  return *this;
}

bool MeshRoutes::onMesh(uint32_t cluster, uint32_t direction) const {
  uint32_t x = cluster % width, y = cluster / width;
  return direction == 0   ? x + 1 < width
         : direction == 1 ? x > 0
         : direction == 2 ? y + 1 < height
                          : y > 0;
}

void MeshRoutes::orient() {
  uint32_t clusters = numClusters();
  turns.resize(clusters);
  component.assign(clusters, none);
  down.assign(size_t(clusters) * 4, false);
  // Roots in the order of x + y, then of their number.
  std::vector<uint32_t> order(clusters), level(clusters), queue;
  for (uint32_t cluster = 0; cluster < clusters; ++cluster)
    order[cluster] = cluster;
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    uint32_t sumA = a % width + a / width, sumB = b % width + b / width;
    return sumA != sumB ? sumA < sumB : a < b;
  });
  for (uint32_t root : order) {
    if (component[root] != none)
      continue;
    component[root] = root;
    level[root] = 0;
    queue.assign(1, root);
    for (size_t i = 0; i < queue.size(); ++i) {
      uint32_t at = queue[i];
      for (uint32_t d = 0; d < 4; ++d) {
        if (dead[size_t(at) * 4 + d])
          continue;
        uint32_t other = neighbour(at, d);
        if (component[other] != none)
          continue;
        component[other] = root;
        level[other] = level[at] + 1;
        queue.push_back(other);
      }
    }
  }
  for (uint32_t at = 0; at < clusters; ++at)
    for (uint32_t d = 0; d < 4; ++d) {
      if (dead[size_t(at) * 4 + d])
        continue;
      uint32_t other = neighbour(at, d);
      down[size_t(at) * 4 + d] =
          level[other] != level[at] ? level[other] > level[at] : other > at;
    }
}

/// Breadth first from the destination, backwards over the states (cluster, may
/// still go up) and (cluster, has gone down).
void MeshRoutes::makeTurns(uint32_t to) {
  uint32_t clusters = numClusters();
  size_t limit = std::max<size_t>(16, tableBytes / clusters);
  if (made.size() == limit) {
    turns[made[oldest]].reset();
    made[oldest] = to;
    oldest = (oldest + 1) % limit;
  } else {
    made.push_back(to);
  }
  turns[to] = std::make_unique<uint8_t[]>(clusters);
  uint8_t *table = turns[to].get();
  std::fill_n(table, clusters, uint8_t(noWay << 4 | noWay));
  table[to] = arrived << 4 | arrived;
  // State 2 c: cluster c, may go up; 2 c + 1: has gone down.
  std::vector<uint32_t> queue = {2 * to, 2 * to + 1};
  for (size_t i = 0; i < queue.size(); ++i) {
    uint32_t at = queue[i] / 2;
    bool descended = queue[i] & 1;
    for (uint32_t d = 0; d < 4; ++d) {
      if (dead[size_t(at) * 4 + d])
        continue;
      uint32_t from = neighbour(at, d);
      uint32_t back = d ^ 1;
      // A link down leads to the state after going down, one up to the other.
      if (down[size_t(from) * 4 + back] != descended)
        continue;
      if ((table[from] & 15) == noWay) {
        table[from] = uint8_t((table[from] & 0xf0) | back);
        queue.push_back(2 * from);
      }
      if (descended && table[from] >> 4 == noWay) {
        table[from] = uint8_t((table[from] & 15) | back << 4);
        queue.push_back(2 * from + 1);
      }
    }
  }
}

uint32_t MeshRoutes::hops(uint32_t from, uint32_t to) {
  if (!reachable(from, to))
    return none;
  if (isWhole) {
    uint32_t x = from % width, tx = to % width;
    uint32_t y = from / width, ty = to / width;
    return std::max(x, tx) - std::min(x, tx) + std::max(y, ty) -
           std::min(y, ty);
  }
  uint32_t count = 0;
  walk(from, to, [&](uint32_t, uint32_t) { ++count; });
  return count;
}
