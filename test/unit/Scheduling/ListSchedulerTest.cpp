//===- ListSchedulerTest.cpp - Schedules against optima -------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExactSolver.h"
#include "TaskGraphs.h"

#include <gtest/gtest.h>

#include <functional>

using namespace octo;
using namespace octo::sched;

namespace {

/// 0 -> {1, 2} -> 3 on two nodes of a processor.
TaskGraph diamond() {
  TaskGraph graph = meshGraph(2, 1, 1);
  for (uint64_t cycles : {10, 100, 100, 10})
    addTask(graph, cycles);
  graph.edges = {{0, 1, 16}, {0, 2, 16}, {1, 3, 16}, {2, 3, 16}};
  return graph;
}

void expectSound(const TaskGraph &graph, const TaskSchedule &schedule) {
  for (const Violation &v : verifyTaskSchedule(graph, schedule))
    ADD_FAILURE() << v.message;
}

/// Excess over an optimum, over many instances.
struct Excess {
  uint32_t cases = 0;
  uint32_t optimal = 0;
  double sum = 0;
  double worst = 0;
  void add(uint64_t makespan, uint64_t optimum) {
    double excess = double(makespan) / double(optimum) - 1;
    ++cases;
    optimal += makespan <= optimum;
    sum += excess;
    worst = std::max(worst, excess);
  }
  double mean() const { return sum / cases; }
  void print(const char *what) const {
    printf("%s: %u of %u optimal, mean excess %.3f %%, worst %.2f %%\n", what,
           optimal, cases, 100 * mean(), 100 * worst);
  }
};

} // namespace

TEST(ListScheduler, ADiamondPaysForOneWay) {
  TaskGraph graph = diamond();
  // One half runs elsewhere and the join comes to it: a hop of 2, the interface
  // 1, a cycle for the bytes there; a cycle from the half to the join.
  for (unsigned rule = 0; rule < numPriorityRules; ++rule) {
    TaskSchedule schedule =
        listSchedule(graph, priorities(graph, PriorityRule(rule)));
    expectSound(graph, schedule);
    EXPECT_LE(schedule.makespan, 129u);
  }
  TaskSchedule best = searchSchedule(graph);
  expectSound(graph, best);
  EXPECT_EQ(best.makespan, 10u + 4 + 100 + 1 + 10);
  EXPECT_EQ(ExactSolver(graph, 1000, 1000).solve(), 125u);
}

TEST(ListScheduler, GapsAreFilled) {
  // A long wait for a far input leaves a gap that a short task fits into.
  TaskGraph graph = meshGraph(1, 1, 1);
  graph.sites.push_back({{0, 1, 0}});
  uint32_t a = addTask(graph, 10), b = addTask(graph, 10);
  uint32_t c = addTask(graph, 5);
  graph.edges = {{a, b, 64 * 20}};
  std::vector<uint64_t> priority{30, 20, 10};
  TaskSchedule schedule = listSchedule(graph, priority);
  expectSound(graph, schedule);
  EXPECT_EQ(schedule.start[b], 30u);
  EXPECT_EQ(schedule.start[c], 10u);
}

TEST(ListScheduler, GangsTakeNeighbours) {
  // Two tasks of two processors and one of one, on three processors.
  TaskGraph graph = meshGraph(1, 1, 3);
  graph.sites.push_back({{0, 2, 0}, {1, 2, 0}});
  for (uint32_t kind : {1u, 1u, 0u, 0u}) {
    addTask(graph, 10);
    graph.kind.back() = kind;
  }
  TaskSchedule schedule = searchSchedule(graph);
  expectSound(graph, schedule);
  EXPECT_EQ(schedule.makespan, 20u);
  EXPECT_EQ(makespanBound(graph), 20u); // 60 cycles on three processors
}

TEST(ListScheduler, TheBoundKnowsWhatMustFollow) {
  // One task, then eight of 10 on four processors, then one.
  TaskGraph graph = meshGraph(1, 1, 4);
  addTask(graph, 7);
  for (int i = 0; i < 8; ++i)
    graph.edges.push_back({0, addTask(graph, 10), 0});
  uint32_t last = addTask(graph, 5);
  for (uint32_t i = 1; i <= 8; ++i)
    graph.edges.push_back({i, last, 0});
  EXPECT_EQ(makespanBound(graph), 7u + 20 + 5);
  EXPECT_EQ(searchSchedule(graph).makespan, 32u);
}

TEST(ListScheduler, RoomIsKept) {
  // Both processors may take one of the two heavy tasks; without that limit the
  // chain would stay on one of them.
  TaskGraph graph = meshGraph(2, 1, 1);
  addTask(graph, 10);
  addTask(graph, 10);
  graph.edges = {{0, 1, 1600}};
  EXPECT_EQ(searchSchedule(graph).makespan, 20u + 25);
  graph.edges = {{0, 1, 16000}};
  EXPECT_EQ(searchSchedule(graph).makespan, 20u + 250);
  graph.load = {5, 5};
  graph.room = {6, 6};
  TaskSchedule apart = searchSchedule(graph);
  expectSound(graph, apart);
  EXPECT_EQ(apart.makespan, 20u + 3 + 1000);
}

TEST(ListScheduler, EqualInputsGiveEqualSchedules) {
  TaskGraph graph;
  graphOfKnownOptimum(3, 100, graph);
  SearchOptions options;
  options.steps = 100000;
  TaskSchedule first = searchSchedule(graph, options);
  TaskSchedule second = searchSchedule(graph, options);
  EXPECT_EQ(first.start, second.start);
  EXPECT_EQ(first.site, second.site);
}

TEST(ListScheduler, TheResultIsNoLongerThanWhatWasThere) {
  for (uint32_t i = 0; i < 10; ++i) {
    TaskGraph graph;
    uint64_t optimum = graphOfKnownOptimum(i, 60, graph);
    SearchOptions options;
    options.steps = 50000;
    TaskSchedule good = searchSchedule(graph, options);
    EXPECT_GE(good.makespan, optimum);
    options.steps = 1;
    EXPECT_LE(searchSchedule(graph, options, &good).makespan, good.makespan);
  }
}

TEST(ListScheduler, EachFaultOfAGraphIsNamed) {
  const std::pair<const char *, std::function<void(TaskGraph &)>> cases[] = {
      {"columns of the task graph differ",
       [](TaskGraph &g) { g.kind.pop_back(); }},
      {"columns of the task graph differ",
       [](TaskGraph &g) { g.load = {1, 1, 1, 1}; }},
      {"2 nodes need 4 delays, not 3",
       [](TaskGraph &g) { g.latency.pop_back(); }},
      {"moves no bytes", [](TaskGraph &g) { g.bytesPerCycle[2] = 0; }},
      {"a site of processors 1 to 2",
       [](TaskGraph &g) { g.sites[0][1].count = 2; }},
      {"in node 7", [](TaskGraph &g) { g.sites[0][1].node = 7; }},
      {"task 3 has no site",
       [](TaskGraph &g) {
         g.sites.emplace_back();
         g.kind[3] = 1;
       }},
      {"not in a topological order",
       [](TaskGraph &g) { g.edges.push_back({3, 1, 0}); }},
  };
  EXPECT_TRUE(checkTaskGraph(diamond()));
  for (const auto &[message, damage] : cases) {
    TaskGraph graph = diamond();
    damage(graph);
    Checked<void> checked = checkTaskGraph(graph);
    ASSERT_FALSE(checked) << message;
    EXPECT_NE(checked.error().message.find(message), std::string::npos)
        << checked.error().message;
  }
}

TEST(ListScheduler, EachFaultOfAScheduleIsNamed) {
  const std::pair<const char *, std::function<void(TaskSchedule &)>> cases[] = {
      {"4 tasks, but 3 starts", [](TaskSchedule &s) { s.start.pop_back(); }},
      {"task 2 has site 9 of 2", [](TaskSchedule &s) { s.site[2] = 9; }},
      {"task 3 starts at 0, but its input of task",
       [](TaskSchedule &s) { s.start[3] = 0; }},
      {"which task", [](TaskSchedule &s) { s.site[1] = s.site[2]; }},
      {"the last task ends at", [](TaskSchedule &s) { --s.makespan; }},
  };
  const TaskGraph graph = diamond();
  const TaskSchedule good = searchSchedule(graph);
  for (const auto &[message, damage] : cases) {
    TaskSchedule schedule = good;
    damage(schedule);
    std::string all;
    for (const Violation &v : verifyTaskSchedule(graph, schedule))
      all += v.message + "\n";
    EXPECT_NE(all.find(message), std::string::npos) << message << "\n" << all;
  }
  TaskGraph narrow = graph;
  narrow.load = {1, 1, 1, 1};
  narrow.room = {1, 1};
  std::vector<Violation> found = verifyTaskSchedule(narrow, good);
  ASSERT_FALSE(found.empty());
  EXPECT_NE(found[0].message.find("is loaded with"), std::string::npos);
}

TEST(ListScheduler, StandardTaskGraphs) {
  std::string dir = OCTO_SHARED_DATA_DIR;
  if (const char *given = std::getenv("OCTO_DATA_DIR"))
    dir = given;
  std::vector<StgCase> cases = readStgCases(dir);
  if (cases.empty())
    GTEST_SKIP() << "the Standard Task Graph set is not at '" << dir << "'";
  Excess excess;
  SearchOptions options;
  options.steps = 50000;
  for (const StgCase &entry : cases) {
    TaskGraph graph = readStgGraph(entry);
    if (graph.numTasks() == 0)
      continue;
    TaskSchedule schedule = searchSchedule(graph, options);
    expectSound(graph, schedule);
    EXPECT_GE(schedule.makespan, entry.least) << entry.file;
    EXPECT_LE(makespanBound(graph), entry.known) << entry.file;
    excess.add(schedule.makespan, entry.known);
  }
  ASSERT_GT(excess.cases, 600u);
  excess.print("Standard Task Graphs");
  EXPECT_LE(excess.mean(), 0.001);
  EXPECT_LE(excess.worst, 0.04);
  EXPECT_GE(excess.optimal, excess.cases * 95 / 100);
}

TEST(ListScheduler, SmallGraphsWithMessagesAgainstProvenOptima) {
  Excess excess;
  uint32_t unproven = 0;
  SearchOptions options;
  options.steps = 50000;
  for (uint32_t i = 0; excess.cases < 200 && i < 260; ++i) {
    TaskGraph graph = smallGraph(i);
    TaskSchedule schedule = searchSchedule(graph, options);
    expectSound(graph, schedule);
    // The solver may find anything shorter, and must find as short a one.
    std::optional<uint64_t> optimum =
        ExactSolver(graph, schedule.makespan + 1, 100000).solve();
    if (!optimum) {
      ++unproven;
      continue;
    }
    EXPECT_GE(schedule.makespan, *optimum);
    EXPECT_LE(makespanBound(graph), *optimum);
    excess.add(schedule.makespan, *optimum);
  }
  ASSERT_EQ(excess.cases, 200u) << unproven << " not proven";
  excess.print("small graphs with messages");
  EXPECT_LE(excess.mean(), 0.015);
  EXPECT_LE(excess.worst, 0.08);
}

TEST(ListScheduler, MeshGraphsOfKnownOptimum) {
  Excess excess;
  SearchOptions options;
  options.steps = 200000;
  for (uint32_t i = 0; i < 30; ++i) {
    TaskGraph graph;
    uint64_t optimum = graphOfKnownOptimum(i, 50 + 15 * i, graph);
    TaskSchedule schedule = searchSchedule(graph, options);
    expectSound(graph, schedule);
    EXPECT_GE(schedule.makespan, optimum);
    excess.add(schedule.makespan, optimum);
  }
  excess.print("mesh graphs of known optimum");
  EXPECT_LE(excess.mean(), 0.05);
}
