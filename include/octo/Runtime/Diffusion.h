//===- Diffusion.h - Balancing load between neighbours ----------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// First-order diffusion: in each round, two neighbours i and j of the load per
// capacity y exchange
//
//     min(c_i, c_j) * (y_i - y_j) / (1 + max(degree of i, degree of j))
//
// (Cybenko, J. Parallel Distrib. Comput. 7(2), 1989, with the weights that
// Boillat, Concurrency 2(4), 1990, proves for any graph and that a node knows
// without asking further than its neighbours; capacities as in Elsaesser,
// Monien, Preis, Theory Comput. Syst. 35(3), 2002). Loads are integers: flows
// are rounded down, and two neighbours with too small a difference for that
// hand over single units while that makes them more alike.
//
// - Load is conserved exactly and never negative.
// - The sum of squares of load over capacity falls in every round that moves
//   anything: rounds never oscillate, and end.
// - Divisible load (differences much larger than the degrees) contracts as the
//   matrix of the weights does, which is at least as fast as the one constant
//   1 / (1 + greatest degree) of Cybenko's bound.
// - At the end neighbours of equal capacity differ by one unit at most, so on
//   machines of one capacity no two nodes of a connected part differ by more
//   than its diameter.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_RUNTIME_DIFFUSION_H
#define OCTO_RUNTIME_DIFFUSION_H

#include <cstdint>
#include <span>
#include <vector>

namespace octo {

/// What goes from a node of load `x` and capacity `c` to a neighbour, rounded
/// towards zero; negative the other way. `degree`: the greater one of both.
/// Nothing where a capacity is 0.
int64_t diffusionFlow(uint64_t x, uint64_t xThere, uint32_t c, uint32_t cThere,
                      uint32_t degree);

/// Does it bring two nodes nearer to each other (the sum of squares of load
/// over capacity down) to hand over `size` units that cannot be divided?
bool worthHandingOver(uint64_t x, uint64_t xThere, uint32_t c, uint32_t cThere,
                      uint64_t size);

class Diffusion {
public:
  struct Link {
    uint32_t a, b;
  };

  /// Links join different nodes, each pair once.
  Diffusion(uint32_t numNodes, std::vector<Link> links);

  /// The links of a mesh: `live(i, j)` says whether clusters i and j of
  /// width x height, numbered by rows, can exchange work. Every second one of a
  /// row or column, then the others: those of a group share no node.
  template <class Live>
  static std::vector<Link> meshLinks(uint32_t width, uint32_t height,
                                     Live live) {
    std::vector<Link> links;
    for (uint32_t odd = 0; odd < 2; ++odd)
      for (uint32_t y = 0; y < height; ++y)
        for (uint32_t x = odd; x + 1 < width; x += 2)
          if (live(y * width + x, y * width + x + 1))
            links.push_back({y * width + x, y * width + x + 1});
    for (uint32_t odd = 0; odd < 2; ++odd)
      for (uint32_t y = odd; y + 1 < height; y += 2)
        for (uint32_t x = 0; x < width; ++x)
          if (live(y * width + x, (y + 1) * width + x))
            links.push_back({y * width + x, (y + 1) * width + x});
    return links;
  }

  uint32_t numNodes() const { return static_cast<uint32_t>(degrees.size()); }
  std::span<const Link> links() const { return edges; }
  uint32_t degree(uint32_t node) const { return degrees[node]; }

  /// One round. `load` becomes what it is after the round; the result is what
  /// went over each link, from a to b, negative from b to a (valid until the
  /// next round). Nodes of capacity 0 neither give nor take.
  std::span<const int64_t> round(std::span<uint64_t> load,
                                 std::span<const uint32_t> capacity);

private:
  std::vector<Link> edges;
  std::vector<uint32_t> degrees;
  std::vector<int64_t> flows;
};

} // namespace octo

#endif // OCTO_RUNTIME_DIFFUSION_H
