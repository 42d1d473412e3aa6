//===- ListScheduler.h - Tasks of known length on processors ----*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The classical static problem laid bare, without lanes, segments or blocks: a
// DAG of tasks of known length, processors in nodes with delays between them,
// and the question which task runs where and when, so that the last one ends
// early. Algorithms take the problem and return a schedule;
// verifyTaskSchedule knows nothing of them. StaticSchedule.h makes such
// problems of the segments of a program.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_SCHEDULING_LISTSCHEDULER_H
#define OCTO_SCHEDULING_LISTSCHEDULER_H

#include "octo/Scheduling/Problem.h"

namespace octo::sched {

/// Where a task may run: neighbouring processors of one node.
struct Site {
  uint32_t first = 0;
  uint32_t count = 1;
  uint32_t node = 0;
  bool operator==(const Site &) const = default;
};

struct TaskGraph {
  /// Cycles that a task keeps its processors; in a topological order.
  std::vector<uint64_t> cycles;
  /// Tasks of a kind have the same sites.
  std::vector<uint32_t> kind;
  std::vector<std::vector<Site>> sites;
  /// A producer may have several edges to one consumer.
  std::vector<Edge> edges;
  uint32_t numProcessors = 0;
  uint32_t numNodes = 1;
  /// A message of s bytes from node a to b is there after
  /// latency[a * numNodes + b] + ceil(s / bytesPerCycle[a * numNodes + b]);
  /// within a node too. No contention.
  std::vector<uint32_t> latency;
  std::vector<uint32_t> bytesPerCycle;
  /// What task t adds to each of its processors, and what each of them may take
  /// in all. Both empty: no limit.
  std::vector<uint64_t> load;
  std::vector<uint64_t> room;

  uint32_t numTasks() const { return uint32_t(cycles.size()); }
  uint64_t delay(const Edge &edge, uint32_t from, uint32_t to) const {
    size_t at = size_t(from) * numNodes + to;
    return latency[at] +
           (edge.bytes + bytesPerCycle[at] - 1) / bytesPerCycle[at];
  }
};

struct TaskSchedule {
  std::vector<uint32_t> site; // into the sites of the task's kind
  std::vector<uint64_t> start;
  uint64_t makespan = 0;
};

/// Checks that columns fit together, edges run upwards, every task has a site,
/// sites and delays are in range.
Checked<void> checkTaskGraph(const TaskGraph &graph);

/// All rules that a schedule breaks, at most `limit`: a site for each task, no
/// start before an input is there, one task at a time on a processor, no
/// processor loaded over its room, the stated makespan. Sorts, so near-linear.
std::vector<Violation> verifyTaskSchedule(const TaskGraph &graph,
                                          const TaskSchedule &schedule,
                                          size_t limit = 16);

/// No schedule is shorter: the longest chain (without delays), the work of each
/// set of kinds that share processors over those processors, and both for what
/// must follow any task (WorkLevel).
uint64_t makespanBound(const TaskGraph &graph);

/// Rules by which a list scheduler ranks tasks that are ready.
enum class PriorityRule : uint8_t {
  /// Longest chain to the end, delays counted as between neighbouring nodes:
  /// the upward rank of HEFT (Topcuoglu, Hariri, Wu, IEEE TPDS 13(3), 2002).
  UpwardRank,
  /// The same without delays: highest level first (Hu 1961; Adam, Chandy,
  /// Dickson, CACM 17(12), 1974).
  Level,
  /// Level and then the number of successors (CP/MISF: Kasahara, Narita, IEEE
  /// TC 33(11), 1984).
  LevelThenSuccessors,
  /// Longest chain through the task.
  CriticalPath,
  /// Work that depends on the task, each successor's split among its
  /// predecessors.
  DependentWork,
  /// Level that knows how many processors there are: after the task at least
  /// as much time passes as all processors need for any set of its descendants,
  /// and then the least level after one of those. The deadlines of Garey and
  /// Johnson (JACM 23(3), 1976), which are optimal for tasks of one cycle on
  /// two processors. Quadratic: graphs of more than 2,000 tasks get Level.
  WorkLevel
};
inline constexpr unsigned numPriorityRules = 6;

/// Keys of all tasks, higher ones first. Linear, except for WorkLevel.
std::vector<uint64_t> priorities(const TaskGraph &graph, PriorityRule rule);

/// Takes tasks in order of priority as they become ready, each to the site
/// where it ends first, into a gap where one is long enough. A site whose
/// processors have no room is only taken if no other is left, and then the
/// least loaded. Costs tasks x sites.
TaskSchedule listSchedule(const TaskGraph &graph,
                          std::span<const uint64_t> priority);

/// Starts the tasks in the given topological order at the given sites, each as
/// early as its inputs and the tasks before it on its processors allow. Linear.
TaskSchedule timeInOrder(const TaskGraph &graph,
                         std::span<const uint32_t> order,
                         std::span<const uint32_t> site);

struct SearchOptions {
  /// Budget: pairs of a task and a site that are looked at.
  uint64_t steps = 1'000'000;
  uint64_t seed = 1;
};

/// A short schedule: list schedules by all rules, each shifted to the right and
/// back to the left (justification: Valls, Ballestin, Quintanilla, EJOR 165,
/// 2005), then a late-acceptance search (Burke, Bykov, EJOR 258, 2017) over
/// order and sites that moves tasks of the critical chain, with new list
/// schedules in between. Ends at makespanBound or when the budget is used up.
/// `start`, if given, is a valid schedule that the result is no longer than.
/// The result depends on nothing but the arguments.
TaskSchedule searchSchedule(const TaskGraph &graph,
                            const SearchOptions &options = {},
                            const TaskSchedule *start = nullptr);

} // namespace octo::sched

#endif // OCTO_SCHEDULING_LISTSCHEDULER_H
