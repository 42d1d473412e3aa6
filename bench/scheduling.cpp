//===- scheduling.cpp - How good and how fast static schedules are --------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Schedules against optima, and the time of allocation, timetables and mapping
// by size, in processor time of this process. Hop-bytes are compared with those
// of Scotch where the build found it.
//
//===----------------------------------------------------------------------===//

#include "ExactSolver.h"
#include "MappingGraphs.h"
#include "TaskGraphs.h"
#include "TestProblem.h"

#include "octo/Scheduling/MeshMapping.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#ifdef OCTO_HAS_SCOTCH
#include <cstdio>
#include <scotch/scotch.h>
#endif

#include <cstdio>
#include <fstream>
#include <sys/resource.h>

using namespace octo;
using namespace octo::sched;
using Json = nlohmann::ordered_json;

/// User time of the process in seconds: other processes do not count.
static double userSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return double(usage.ru_utime.tv_sec) + double(usage.ru_utime.tv_usec) * 1e-6;
}

namespace {
struct Excess {
  uint32_t cases = 0, optimal = 0;
  double sum = 0, worst = 0, seconds = 0;
  void add(uint64_t makespan, uint64_t optimum) {
    double excess = double(makespan) / double(optimum) - 1;
    ++cases;
    optimal += makespan <= optimum;
    sum += excess;
    worst = std::max(worst, excess);
  }
  Json print(const char *what) const {
    printf("  %-34s %5u %8u %10.3f %9.2f %8.2f\n", what, cases, optimal,
           100 * sum / std::max(cases, 1u), 100 * worst, seconds);
    return {{"instances", what},     {"cases", cases},
            {"optimal", optimal},    {"mean_excess", sum / std::max(cases, 1u)},
            {"worst_excess", worst}, {"user_seconds", seconds}};
  }
};
} // namespace

static Json measureQuality(const std::string &dataDir, uint64_t steps,
                           bool quick) {
  printf("schedules against optima (%llu steps a graph)\n"
         "  %-34s %5s %8s %10s %9s %8s\n",
         static_cast<unsigned long long>(steps), "instances", "cases",
         "optimal", "mean +%", "worst +%", "user s");
  Json rows = Json::array();
  SearchOptions options;
  options.steps = steps;
  auto timed = [&](Excess &excess, const TaskGraph &graph) {
    double begin = userSeconds();
    TaskSchedule schedule = searchSchedule(graph, options);
    excess.seconds += userSeconds() - begin;
    for (const Violation &v : verifyTaskSchedule(graph, schedule)) {
      fprintf(stderr, "scheduling-bench: a schedule is wrong: %s\n",
              v.message.c_str());
      exit(1);
    }
    return schedule.makespan;
  };
  std::vector<StgCase> cases = readStgCases(dataDir);
  for (uint32_t processors : {2u, 4u, 8u, 16u}) {
    Excess excess;
    for (const StgCase &entry : cases) {
      if (entry.processors != processors)
        continue;
      TaskGraph graph = readStgGraph(entry);
      if (graph.numTasks())
        excess.add(timed(excess, graph), entry.known);
    }
    if (excess.cases)
      rows.push_back(excess.print(
          fmt::format("Standard Task Graphs, P = {}", processors).c_str()));
  }
  if (rows.empty())
    printf("  (the Standard Task Graph set is not at '%s')\n", dataDir.c_str());
  Excess small, mesh;
  for (uint32_t i = 0; small.cases < (quick ? 20u : 200u); ++i) {
    TaskGraph graph = smallGraph(i);
    uint64_t makespan = timed(small, graph);
    if (std::optional<uint64_t> optimum =
            ExactSolver(graph, makespan + 1, 100000).solve())
      small.add(makespan, *optimum);
  }
  rows.push_back(small.print("messages, 8 to 14 tasks, proven"));
  for (uint32_t i = 0; i < (quick ? 4u : 46u); ++i) {
    TaskGraph graph;
    uint64_t optimum = graphOfKnownOptimum(i, 50 + 10 * i, graph);
    mesh.add(timed(mesh, graph), optimum);
  }
  rows.push_back(mesh.print("meshes of known optimum"));
  return rows;
}

/// Layers of `width` tasks, each with four inputs from the layer before.
static TestProblem layered(uint32_t tasks, uint32_t width) {
  TestProblem problem;
  for (uint32_t i = 0; i < tasks; ++i) {
    Draws draw(i);
    problem.add("t", 1000 + draw.below(9000));
    for (int k = 0; i >= width && k < 4; ++k)
      problem.addEdge(i - width - i % width + uint32_t(draw.below(width)), i,
                      1024 + draw.below(4096));
  }
  return problem;
}

#ifdef OCTO_HAS_SCOTCH
static std::vector<uint32_t> mapWithScotch(std::span<const uint64_t> work,
                                           std::span<const Edge> edges,
                                           uint32_t width, uint32_t height) {
  std::vector<std::vector<std::pair<SCOTCH_Num, SCOTCH_Num>>> partners(
      work.size());
  for (const Edge &e : edges) {
    partners[e.from].push_back({SCOTCH_Num(e.to), SCOTCH_Num(e.bytes)});
    partners[e.to].push_back({SCOTCH_Num(e.from), SCOTCH_Num(e.bytes)});
  }
  std::vector<SCOTCH_Num> begin{0}, to, bytes, load(work.begin(), work.end());
  for (auto &list : partners) {
    std::sort(list.begin(), list.end());
    for (size_t i = 0; i < list.size(); ++i)
      if (i && list[i].first == list[i - 1].first) {
        bytes.back() += list[i].second;
      } else {
        to.push_back(list[i].first);
        bytes.push_back(list[i].second);
      }
    begin.push_back(SCOTCH_Num(to.size()));
  }
  SCOTCH_Graph graph;
  SCOTCH_Arch mesh;
  SCOTCH_Strat strategy;
  SCOTCH_graphInit(&graph);
  SCOTCH_archInit(&mesh);
  SCOTCH_stratInit(&strategy);
  std::vector<SCOTCH_Num> part(work.size());
  SCOTCH_graphBuild(&graph, 0, SCOTCH_Num(work.size()), begin.data(), nullptr,
                    load.data(), nullptr, SCOTCH_Num(to.size()), to.data(),
                    bytes.data());
  SCOTCH_archMesh2(&mesh, SCOTCH_Num(width), SCOTCH_Num(height));
  // Its default strategy takes minutes on graphs of this size.
  SCOTCH_stratGraphMapBuild(&strategy,
                            SCOTCH_STRATSPEED | SCOTCH_STRATRECURSIVE,
                            SCOTCH_Num(width * height), 0.05);
  SCOTCH_randomReset(); // or its result depends on what it did before
  SCOTCH_graphMap(&graph, &mesh, &strategy, part.data());
  SCOTCH_stratExit(&strategy);
  SCOTCH_archExit(&mesh);
  SCOTCH_graphExit(&graph);
  return {part.begin(), part.end()};
}
#endif

static Json measureSpeed(bool quick) {
  printf(
      "\ntime by size, 1,024 PEAs in 32 x 32 clusters (user seconds; growth "
      "to the size before)\n  %9s %9s | %8s %8s %7s | %8s %7s %11s %9s %9s\n",
      "tasks", "edges", "place", "timing", "growth", "mapping", "growth",
      "hop-bytes", "Scotch s", "of theirs");
  Json rows = Json::array();
  Topology topology(plainTarget(32, 32, 1, 1));
  double lastList = 0, lastMap = 0;
  for (uint32_t tasks : {10000u, 100000u, 1000000u}) {
    if (quick && tasks > 10000)
      break;
    TestProblem problem = layered(tasks, 500);
    AllocateOptions options;
    options.recordDecisions = false;
    options.mapByData = false; // measured by itself
    options.lanes = 1;
    double begin = userSeconds();
    Checked<Allocation> allocation = allocate(problem, topology, options);
    double placed = userSeconds();
    if (!allocation) {
      fprintf(stderr, "scheduling-bench: %s\n",
              allocation.error().message.c_str());
      exit(1);
    }
    Checked<Schedule> schedule = scheduleStatic(
        problem, topology, allocation->placement, allocation->rank);
    double timed = userSeconds();
    if (!schedule) {
      fprintf(stderr, "scheduling-bench: %s\n",
              schedule.error().message.c_str());
      exit(1);
    }
    std::vector<uint64_t> capacity(topology.numClusters(), 1);
    double beforeMap = userSeconds();
    Checked<std::vector<uint32_t>> mapping =
        mapToMesh(problem.cycles, problem.edges, topology, capacity);
    double mapped = userSeconds();
    if (!mapping) {
      fprintf(stderr, "scheduling-bench: %s\n",
              mapping.error().message.c_str());
      exit(1);
    }
    const uint64_t ours = hopBytes(problem.edges, topology, *mapping);
    const double list = timed - begin, map = mapped - beforeMap;
    Json row = {{"tasks", tasks},
                {"edges", problem.edges.size()},
                {"place_seconds", placed - begin},
                {"timing_seconds", timed - placed},
                {"mapping_seconds", map},
                {"hop_bytes", ours}};
    printf("  %9u %9zu | %8.2f %8.2f %7s | %8.2f %7s %11.4g", tasks,
           problem.edges.size(), placed - begin, timed - placed,
           lastList > 0 ? fmt::format("{:.1f}", list / lastList).c_str() : "",
           map, lastMap > 0 ? fmt::format("{:.1f}", map / lastMap).c_str() : "",
           double(ours));
#ifdef OCTO_HAS_SCOTCH
    if (tasks <= 100000) {
      double before = userSeconds();
      std::vector<uint32_t> theirs =
          mapWithScotch(problem.cycles, problem.edges, 32, 32);
      double took = userSeconds() - before;
      uint64_t bytes = hopBytes(problem.edges, topology, theirs);
      printf(" %9.2f %9.3f", took, double(ours) / double(bytes));
      row["scotch_seconds"] = took;
      row["scotch_hop_bytes"] = bytes;
    }
#endif
    printf("\n");
    fflush(stdout);
    rows.push_back(row);
    lastList = list;
    lastMap = map;
  }
#ifndef OCTO_HAS_SCOTCH
  printf("  (built without Scotch: libscotch-dev)\n");
#endif
  return rows;
}

/// Kinds of graphs, mapped by us and by Scotch.
static Json measureKinds(uint32_t nodes, uint32_t side, uint64_t seed) {
  printf("\nkinds of graphs onto %u x %u clusters, hop-bytes of ours over "
         "Scotch's\n  %-20s %9s %9s %8s %8s %11s %9s %9s\n",
         side, side, "kind", "nodes", "edges", "user s", "over +%", "hop-bytes",
         "Scotch s", "of theirs");
  Json rows = Json::array();
  Topology topology(plainTarget(side, side, 1, 1));
  std::vector<uint64_t> capacity(topology.numClusters(), 1);
  for (const MappingGraph &graph : mappingGraphs(nodes, seed)) {
    const double before = userSeconds();
    Checked<std::vector<uint32_t>> mapping =
        mapToMesh(graph.work, graph.edges, topology, capacity);
    const double took = userSeconds() - before;
    if (!mapping) {
      fprintf(stderr, "scheduling-bench: %s\n",
              mapping.error().message.c_str());
      exit(1);
    }
    std::vector<uint64_t> load(topology.numClusters(), 0);
    uint64_t all = 0;
    for (size_t v = 0; v < graph.work.size(); ++v) {
      load[(*mapping)[v]] += graph.work[v];
      all += graph.work[v];
    }
    const double over = double(*std::max_element(load.begin(), load.end())) *
                            double(load.size()) / double(all) -
                        1;
    const uint64_t ours = hopBytes(graph.edges, topology, *mapping);
    Json row = {{"kind", graph.name},          {"nodes", graph.work.size()},
                {"edges", graph.edges.size()}, {"seconds", took},
                {"imbalance", over},           {"hop_bytes", ours}};
    printf("  %-20s %9zu %9zu %8.2f %8.1f %11.4g", graph.name,
           graph.work.size(), graph.edges.size(), took, 100 * over,
           double(ours));
#ifdef OCTO_HAS_SCOTCH
    const double between = userSeconds();
    const std::vector<uint32_t> theirs =
        mapWithScotch(graph.work, graph.edges, side, side);
    const double scotch = userSeconds() - between;
    const uint64_t bytes = hopBytes(graph.edges, topology, theirs);
    const double ratio = double(ours) / double(bytes);
    printf(" %9.2f %9.3f", scotch, ratio);
    row["scotch_seconds"] = scotch;
    row["scotch_hop_bytes"] = bytes;
    row["of_scotch"] = ratio;
#endif
    printf("\n");
    fflush(stdout);
    rows.push_back(row);
  }
  return rows;
}

int main(int argc, char **argv) {
  CLI::App app{"How good static schedules are, and how fast they are made"};
  std::string dataDir = OCTO_SHARED_DATA_DIR, jsonFile;
  uint64_t steps = SearchOptions().steps;
  bool quick = false, kinds = false;
  uint32_t nodes = 0, side = 0;
  uint64_t seed = 0;
  app.add_option("--data", dataDir, "folder that has the set `stg`");
  app.add_option("--steps", steps, "budget of the search on each graph");
  app.add_option("--json", jsonFile, "write the figures to a file");
  app.add_flag("--quick", quick, "small instances only");
  app.add_flag("--kinds", kinds, "only kinds of graphs beside Scotch");
  app.add_option("--nodes", nodes, "of each kind (100,000; 6,250 if quick)")
      ->check(CLI::Range(64, 1000000));
  app.add_option("--side", side, "of the mesh, in clusters (32; 8 if quick)")
      ->check(CLI::Range(1, 64));
  app.add_option("--seed", seed, "of the graphs (0: those in the docs)");
  CLI11_PARSE(app, argc, argv);
  Json json;
  json["schema_version"] = 1;
  json["steps"] = steps;
  if (!kinds) {
    json["quality"] = measureQuality(dataDir, steps, quick);
    json["speed"] = measureSpeed(quick);
  }
  json["kinds"] = measureKinds(nodes   ? nodes
                               : quick ? 6250
                                       : 100000,
                               side    ? side
                               : quick ? 8
                                       : 32,
                               seed);
  if (jsonFile.empty())
    return 0;
  std::ofstream out(jsonFile);
  out << json.dump(2) << "\n";
  if (!out.flush()) {
    fprintf(stderr, "scheduling-bench: cannot write '%s'\n", jsonFile.c_str());
    return 1;
  }
  return 0;
}
