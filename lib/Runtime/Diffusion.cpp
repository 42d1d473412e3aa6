//===- Diffusion.cpp - Balancing load between neighbours ------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Why a round never increases the sum S of x^2 / c: a flow f from i to j takes
// 2 f (y_i - y_j) from it, and the squares of what nodes gain add at most
// f^2 (d_i / c_i + d_j / c_j) a link, as the square of a sum of d terms is at
// most d times the sum of squares. With f at most
// min(c_i, c_j) (y_i - y_j) / (1 + d) the latter is at most d / (1 + d) of the
// former. Rounding f down keeps that. Single units are handed over one link
// after the other, each only if S falls.
//
//===----------------------------------------------------------------------===//

#include "octo/Runtime/Diffusion.h"

#include <algorithm>

using namespace octo;

using Int128 = __int128;

/// Load per capacity of one node above that of another, times both capacities.
static Int128 excess(uint64_t x, uint64_t xThere, uint32_t c, uint32_t cThere) {
  return Int128(x) * cThere - Int128(xThere) * c;
}

int64_t octo::diffusionFlow(uint64_t x, uint64_t xThere, uint32_t c,
                            uint32_t cThere, uint32_t degree) {
  if (!c || !cThere)
    return 0;
  Int128 over = Int128(std::max(c, cThere)) * (Int128(degree) + 1);
  return static_cast<int64_t>(excess(x, xThere, c, cThere) / over);
}

bool octo::worthHandingOver(uint64_t x, uint64_t xThere, uint32_t c,
                            uint32_t cThere, uint64_t size) {
  if (!c || !cThere || size > x)
    return false;
  return 2 * excess(x, xThere, c, cThere) > Int128(size) * (Int128(c) + cThere);
}

Diffusion::Diffusion(uint32_t numNodes, std::vector<Link> links)
    : edges(std::move(links)), degrees(numNodes, 0), flows(edges.size(), 0) {
  for (const Link &link : edges)
    ++degrees[link.a], ++degrees[link.b];
}

std::span<const int64_t> Diffusion::round(std::span<uint64_t> load,
                                          std::span<const uint32_t> capacity) {
  // All flows follow from the loads before the round.
  for (size_t i = 0; i < edges.size(); ++i) {
    auto [a, b] = edges[i];
    flows[i] = diffusionFlow(load[a], load[b], capacity[a], capacity[b],
                             std::max(degrees[a], degrees[b]));
  }
  // Wraps around in between where a node gives before it takes.
  for (size_t i = 0; i < edges.size(); ++i) {
    load[edges[i].a] -= static_cast<uint64_t>(flows[i]);
    load[edges[i].b] += static_cast<uint64_t>(flows[i]);
  }
  for (size_t i = 0; i < edges.size(); ++i) {
    auto [a, b] = edges[i];
    if (flows[i])
      continue;
    if (worthHandingOver(load[a], load[b], capacity[a], capacity[b], 1)) {
      flows[i] = 1;
      --load[a], ++load[b];
    } else if (worthHandingOver(load[b], load[a], capacity[b], capacity[a],
                                1)) {
      flows[i] = -1;
      ++load[a], --load[b];
    }
  }
  return flows;
}
