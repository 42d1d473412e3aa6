//===- MappingGraphs.h - Graphs to be mapped onto meshes --------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kinds of graphs that a mapping meets, of about as many nodes as asked for.
// The same arguments give the same graph everywhere.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TEST_UNIT_SCHEDULING_MAPPINGGRAPHS_H
#define OCTO_TEST_UNIT_SCHEDULING_MAPPINGGRAPHS_H

#include "TaskGraphs.h"

#include "octo/Scheduling/Problem.h"

#include <cmath>

namespace octo::sched {

struct MappingGraph {
  const char *name;
  std::vector<uint64_t> work;
  std::vector<Edge> edges;
  void join(uint32_t from, uint32_t to, uint64_t bytes = 64) {
    edges.push_back({from, to, bytes});
  }
};

/// `wide` x `high` nodes joined to their neighbours, 8 with the diagonals;
/// `around` joins the ends of rows and of columns.
inline MappingGraph gridGraph(const char *name, uint32_t wide, uint32_t high,
                              bool diagonals = false, bool around = false) {
  MappingGraph graph{name, std::vector<uint64_t>(size_t(wide) * high, 100), {}};
  for (uint32_t y = 0; y < high; ++y)
    for (uint32_t x = 0; x < wide; ++x) {
      const bool right = x + 1 < wide || around, down = y + 1 < high || around;
      const uint32_t nextX = (x + 1) % wide, nextY = (y + 1) % high;
      const uint32_t here = y * wide + x;
      if (right)
        graph.join(here, y * wide + nextX);
      if (down)
        graph.join(here, nextY * wide + x);
      if (diagonals && right && down) {
        graph.join(here, nextY * wide + nextX);
        graph.join(y * wide + nextX, nextY * wide + x);
      }
    }
  return graph;
}

/// Numbers the nodes at random.
inline void renumber(MappingGraph &graph, uint64_t seed) {
  std::vector<uint32_t> number(graph.work.size());
  for (uint32_t v = 0; v < number.size(); ++v)
    number[v] = v;
  Draws draw(seed);
  for (uint32_t i = uint32_t(number.size()); i > 1; --i)
    std::swap(number[i - 1], number[draw.below(i)]);
  std::vector<uint64_t> work(graph.work.size());
  for (uint32_t v = 0; v < number.size(); ++v)
    work[number[v]] = graph.work[v];
  graph.work = std::move(work);
  for (Edge &edge : graph.edges) {
    edge.from = number[edge.from];
    edge.to = number[edge.to];
  }
}

/// Points in the unit square, joined where they are near: eight edges a node in
/// the mean.
inline MappingGraph geometricGraph(uint32_t nodes, uint64_t seed) {
  MappingGraph graph{"random geometric", {}, {}};
  Draws draw(7 + 31 * seed);
  const uint32_t range = 1u << 20;
  // pi r^2 n = 8.
  const uint64_t square = uint64_t(range) * range / nodes * 8 * 7 / 22;
  const uint32_t side = uint32_t(std::sqrt(double(nodes) / 3)) + 1;
  std::vector<std::vector<uint32_t>> cell(size_t(side) * side);
  std::vector<std::pair<uint32_t, uint32_t>> at;
  auto cellOf = [&](uint32_t p) {
    return uint32_t(uint64_t(p) * side / range);
  };
  for (uint32_t v = 0; v < nodes; ++v) {
    const uint32_t x = uint32_t(draw.below(range)),
                   y = uint32_t(draw.below(range));
    at.emplace_back(x, y);
    graph.work.push_back(100 + draw.below(100));
    const uint32_t cx = cellOf(x), cy = cellOf(y);
    for (uint32_t j = cy ? cy - 1 : 0; j <= std::min(cy + 1, side - 1); ++j)
      for (uint32_t i = cx ? cx - 1 : 0; i <= std::min(cx + 1, side - 1); ++i)
        for (uint32_t u : cell[size_t(j) * side + i]) {
          const int64_t dx = int64_t(at[u].first) - x,
                        dy = int64_t(at[u].second) - y;
          if (uint64_t(dx * dx + dy * dy) <= square)
            graph.join(u, v, 64 + draw.below(64));
        }
    cell[size_t(cy) * side + cx].push_back(v);
  }
  return graph;
}

/// Layers of `width` tasks with four inputs each from the layer before, at most
/// `reach` aside.
inline MappingGraph layeredGraph(const char *name, uint32_t nodes,
                                 uint32_t width, uint32_t reach,
                                 uint64_t seed) {
  MappingGraph graph{name, {}, {}};
  Draws draw(11 + 31 * seed);
  for (uint32_t v = 0; v < nodes; ++v) {
    graph.work.push_back(1000 + draw.below(9000));
    if (v < width)
      continue;
    const uint32_t start = v - v % width - width;
    for (int k = 0; k < 4; ++k)
      graph.join(start + uint32_t(v % width + width - reach +
                                  draw.below(2 * reach + 1)) %
                             width,
                 v, 1024 + draw.below(4096));
  }
  return graph;
}

/// Edges fall into quarters of the adjacency matrix with 0.57, 0.19, 0.19 and
/// 0.05 (R-MAT: Chakrabarti, Zhan, Faloutsos, SDM 2004).
inline MappingGraph rmatGraph(uint32_t nodes, uint32_t edges, uint64_t seed) {
  MappingGraph graph{"R-MAT", std::vector<uint64_t>(nodes, 100), {}};
  Draws draw(13 + 31 * seed);
  uint32_t levels = 0;
  while ((1u << levels) < nodes)
    ++levels;
  while (graph.edges.size() < edges) {
    uint32_t from = 0, to = 0;
    for (uint32_t level = 0; level < levels; ++level) {
      const uint32_t p = uint32_t(draw.below(100));
      from = from * 2 + (p >= 76);
      to = to * 2 + ((p >= 57 && p < 76) || p >= 95);
    }
    if (from != to && from < nodes && to < nodes)
      graph.join(from, to);
  }
  return graph;
}

/// Each node with `degree` partners at random.
inline MappingGraph regularGraph(uint32_t nodes, uint32_t degree,
                                 uint64_t seed) {
  MappingGraph graph{"random regular", std::vector<uint64_t>(nodes, 100), {}};
  Draws draw(17 + 31 * seed);
  std::vector<uint32_t> order(nodes);
  for (uint32_t v = 0; v < nodes; ++v)
    order[v] = v;
  for (uint32_t k = 0; k < degree / 2; ++k) {
    for (uint32_t i = nodes; i > 1; --i)
      std::swap(order[i - 1], order[draw.below(i)]);
    for (uint32_t i = 0; i < nodes; ++i)
      graph.join(order[i], order[(i + 1) % nodes]);
  }
  return graph;
}

/// Fan-outs within fan-outs that are joined again: series and parallel parts.
inline MappingGraph seriesParallelGraph(uint32_t nodes, uint64_t seed) {
  MappingGraph graph{"series-parallel", {}, {}};
  Draws draw(19 + 31 * seed);
  auto add = [&] {
    graph.work.push_back(100 + draw.below(400));
    return uint32_t(graph.work.size() - 1);
  };
  struct Gap {
    uint32_t from, to, depth;
  };
  const uint32_t first = add(), last = add();
  std::vector<Gap> gaps{{first, last, 0}};
  for (size_t i = 0; i < gaps.size(); ++i) {
    const auto [from, to, depth] = gaps[i];
    const bool parallel = depth % 2 == 0;
    const uint32_t parts = 2 + uint32_t(draw.below(parallel ? 6 : 3));
    if (graph.work.size() + parts > nodes) {
      graph.join(from, to, 64 + draw.below(1024));
      continue;
    }
    if (parallel) {
      for (uint32_t k = 0; k < parts; ++k) {
        const uint32_t middle = add();
        gaps.push_back({from, middle, depth + 1});
        gaps.push_back({middle, to, depth + 1});
      }
      continue;
    }
    uint32_t before = from;
    for (uint32_t k = 0; k < parts; ++k) {
      const uint32_t next = add();
      gaps.push_back({before, next, depth + 1});
      before = next;
    }
    gaps.push_back({before, to, depth + 1});
  }
  return graph;
}

/// Each node hangs from one of the hundred before it.
inline MappingGraph treeGraph(uint32_t nodes, uint64_t seed) {
  MappingGraph graph{"random tree", {}, {}};
  Draws draw(23 + 31 * seed);
  for (uint32_t v = 0; v < nodes; ++v) {
    graph.work.push_back(100 + draw.below(400));
    if (v)
      graph.join(v - 1 - uint32_t(draw.below(std::min(v, 100u))), v,
                 64 + draw.below(1024));
  }
  return graph;
}

/// Chains of 50 tasks, of which every fifth hands data to the chain beside.
inline MappingGraph pipelineGraph(uint32_t nodes, uint64_t seed) {
  MappingGraph graph{"pipelines", {}, {}};
  Draws draw(29 + 31 * seed);
  const uint32_t length = 50;
  for (uint32_t v = 0; v < nodes; ++v) {
    graph.work.push_back(500 + draw.below(1000));
    if (v % length)
      graph.join(v - 1, v, 4096);
    if (v >= length && v % 5 == 0)
      graph.join(v - length, v, 256);
  }
  return graph;
}

/// The set that scheduling-bench and the tests map. `seed` makes other graphs
/// of the kinds that are drawn; grids are numbered anew.
inline std::vector<MappingGraph> mappingGraphs(uint32_t nodes,
                                               uint64_t seed = 0) {
  const uint32_t side = uint32_t(std::sqrt(double(nodes)));
  const uint32_t width = std::max(32u, nodes / 200);
  std::vector<MappingGraph> graphs;
  graphs.push_back(gridGraph("grid, 4 neighbours", side, side));
  graphs.push_back(gridGraph("grid, 8 neighbours", side, side, true));
  graphs.push_back(gridGraph("torus", side, side, false, true));
  graphs.push_back(gridGraph("strip", side * 4, side / 4));
  if (seed)
    for (MappingGraph &graph : graphs)
      renumber(graph, seed);
  graphs.push_back(geometricGraph(nodes, seed));
  graphs.push_back(layeredGraph("layers, near", nodes, width, 4, seed));
  graphs.push_back(
      layeredGraph("layers, anywhere", nodes, width, width / 2, seed));
  graphs.push_back(rmatGraph(nodes, 4 * nodes, seed));
  graphs.push_back(regularGraph(nodes, 8, seed));
  graphs.push_back(seriesParallelGraph(nodes, seed));
  graphs.push_back(treeGraph(nodes, seed));
  graphs.push_back(pipelineGraph(nodes, seed));
  return graphs;
}

} // namespace octo::sched

#endif // OCTO_TEST_UNIT_SCHEDULING_MAPPINGGRAPHS_H
