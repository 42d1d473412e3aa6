//===- TaskGraphs.h - Task graphs for tests and benchmarks ------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Graphs of known or computable optimum. Every draw is a function of the
// instance's number.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TEST_UNIT_SCHEDULING_TASKGRAPHS_H
#define OCTO_TEST_UNIT_SCHEDULING_TASKGRAPHS_H

#include "octo/Program/Philox.h"
#include "octo/Scheduling/ListScheduler.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace octo::sched {

/// A mesh of nodes with so many processors each: a hop takes 2 cycles, the
/// interface 1, ways move 16 bytes a cycle, and 64 within a node.
inline TaskGraph meshGraph(uint32_t width, uint32_t height, uint32_t each) {
  TaskGraph graph;
  graph.numNodes = width * height;
  graph.numProcessors = graph.numNodes * each;
  graph.sites.resize(1);
  for (uint32_t p = 0; p < graph.numProcessors; ++p)
    graph.sites[0].push_back({p, 1, p / each});
  for (uint32_t a = 0; a < graph.numNodes; ++a)
    for (uint32_t b = 0; b < graph.numNodes; ++b) {
      uint32_t hops =
          std::max(a % width, b % width) - std::min(a % width, b % width) +
          std::max(a / width, b / width) - std::min(a / width, b / width);
      graph.latency.push_back(hops ? 2 * hops + 1 : 0);
      graph.bytesPerCycle.push_back(hops ? 16 : 64);
    }
  return graph;
}

inline uint32_t addTask(TaskGraph &graph, uint64_t cycles) {
  graph.cycles.push_back(cycles);
  graph.kind.push_back(0);
  return graph.numTasks() - 1;
}

/// Draws of one instance, in order.
class Draws {
public:
  explicit Draws(uint64_t instance) : instance(instance) {}
  uint64_t below(uint64_t n) { return philox64(0x0c70, instance, at++) % n; }

private:
  uint64_t instance;
  uint64_t at = 0;
};

/// 8 to 14 tasks on 2 to 4 nodes of 1 or 2 processors; messages take from a
/// tenth of a task's time to five times of it.
inline TaskGraph smallGraph(uint32_t instance) {
  Draws draw(instance);
  const uint32_t shapes[][3] = {{2, 1, 1}, {2, 1, 2}, {3, 1, 1}, {2, 2, 1}};
  const uint32_t *shape = shapes[draw.below(4)];
  TaskGraph graph = meshGraph(shape[0], shape[1], shape[2]);
  const uint32_t tasks = 8 + uint32_t(draw.below(7));
  const uint64_t bytes[] = {80, 800, 4000};
  const uint64_t most = bytes[draw.below(3)];
  const uint64_t density = 2 + draw.below(4);
  for (uint32_t t = 0; t < tasks; ++t) {
    addTask(graph, 10 + draw.below(90));
    for (uint32_t from = 0; from < t; ++from)
      if (draw.below(tasks) < density)
        graph.edges.push_back({from, t, 1 + draw.below(2 * most)});
  }
  return graph;
}

/// A schedule without a gap on all processors of a mesh, cut at random into
/// about `tasks` tasks, and edges that it satisfies: so its length, which is
/// returned, is the optimum.
inline uint64_t graphOfKnownOptimum(uint32_t instance, uint32_t tasks,
                                    TaskGraph &graph) {
  Draws draw(instance);
  graph = meshGraph(2 + uint32_t(draw.below(2)), 2 + uint32_t(draw.below(2)),
                    1 + uint32_t(draw.below(3)));
  const uint32_t each = graph.numProcessors / graph.numNodes;
  const uint64_t length = 1000 * uint64_t(tasks) / graph.numProcessors;
  struct Piece {
    uint64_t begin;
    uint64_t end;
    uint32_t processor;
  };
  std::vector<Piece> pieces;
  for (uint32_t p = 0; p < graph.numProcessors; ++p) {
    std::vector<uint64_t> cuts{0, length};
    for (uint32_t i = 1; i < tasks / graph.numProcessors; ++i)
      cuts.push_back(1 + draw.below(length - 1));
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    for (size_t i = 0; i + 1 < cuts.size(); ++i)
      pieces.push_back({cuts[i], cuts[i + 1], p});
  }
  std::sort(pieces.begin(), pieces.end(), [](const Piece &a, const Piece &b) {
    return std::tie(a.begin, a.processor) < std::tie(b.begin, b.processor);
  });
  for (uint32_t t = 0; t < pieces.size(); ++t) {
    addTask(graph, pieces[t].end - pieces[t].begin);
    for (int i = 0; t && i < 4; ++i) {
      const uint32_t from = uint32_t(draw.below(t));
      Edge edge{from, t, 16 * draw.below(200)};
      if (pieces[from].end + graph.delay(edge, pieces[from].processor / each,
                                         pieces[t].processor / each) <=
          pieces[t].begin)
        graph.edges.push_back(edge);
    }
  }
  return length;
}

/// A line of the Standard Task Graph set's table of optima. Where the optimum
/// is not known there is an interval.
struct StgCase {
  std::string file;
  uint32_t processors = 0;
  uint64_t least = 0;
  uint64_t known = 0;
};
inline std::vector<StgCase> readStgCases(const std::string &dir) {
  std::vector<StgCase> cases;
  for (const char *processors : {"2", "4", "8", "16"}) {
    std::ifstream in(dir + "/stg/optimal/Case50_" + processors + "_OPT.csv");
    for (std::string line; std::getline(in, line);) {
      std::replace(line.begin(), line.end(), ',', ' ');
      std::istringstream fields(line);
      StgCase entry;
      if (!(fields >> entry.file >> entry.processors >> entry.least))
        continue;
      if (!(fields >> entry.known))
        entry.known = entry.least;
      entry.file = dir + "/stg/" + entry.file;
      cases.push_back(entry);
    }
  }
  return cases;
}

/// Calls `add` with the time of each task of a file of the set, in order, and
/// `edge` with each precedence. False if there is no such file.
template <class Add, class AddEdge>
bool readStg(const std::string &file, Add add, AddEdge edge) {
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line))
    return false;
  while (std::getline(in, line)) {
    if (line.empty() || line[0] == '#')
      continue;
    std::istringstream fields(line);
    uint32_t id, time, count, from;
    if (!(fields >> id >> time >> count))
      break;
    add(id, time);
    for (uint32_t i = 0; i < count && fields >> from; ++i)
      edge(from, id);
  }
  return true;
}

inline TaskGraph readStgGraph(const StgCase &entry) {
  TaskGraph graph = meshGraph(1, 1, entry.processors);
  readStg(
      entry.file, [&](uint32_t, uint64_t time) { addTask(graph, time); },
      [&](uint32_t from, uint32_t to) {
        graph.edges.push_back({from, to, 0});
      });
  return graph;
}

} // namespace octo::sched

#endif // OCTO_TEST_UNIT_SCHEDULING_TASKGRAPHS_H
