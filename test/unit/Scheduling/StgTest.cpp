//===- StgTest.cpp - Programs against known optima ------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Graphs of the Standard Task Graph set of the Kasahara laboratory on the whole
// way from allocation to checked timetables (ListSchedulerTest.cpp has all of
// the set, without that way): none may beat the optimum, and few may miss it.
// Skipped where the set is absent (OCTO_DATA_DIR names the folder of `stg`).
//
//===----------------------------------------------------------------------===//

#include "TaskGraphs.h"
#include "TestProblem.h"

#include <gtest/gtest.h>

using namespace octo;
using namespace octo::sched;

/// Times are in thousands of cycles: entry and exit, which last nothing, take
/// one cycle here, and that must not count.
static TestProblem readGraph(const std::string &file) {
  TestProblem problem;
  readStg(
      file,
      [&](uint32_t id, uint64_t time) {
        problem.add("t" + std::to_string(id), time * 1000);
      },
      [&](uint32_t from, uint32_t to) { problem.addEdge(from, to); });
  return problem;
}

TEST(Stg, TimetablesNeverBeatAndRarelyMissTheOptimum) {
  std::string dir = OCTO_SHARED_DATA_DIR;
  if (const char *given = std::getenv("OCTO_DATA_DIR"))
    dir = given;
  std::vector<StgCase> all = readStgCases(dir);
  if (all.empty())
    GTEST_SKIP() << "the Standard Task Graph set is not at '" << dir << "'";
  unsigned cases = 0, optimal = 0, optimalLists = 0;
  double worst = 1;
  ImproveOptions improve;
  improve.steps = 20000;
  for (size_t i = 0; i < all.size(); i += 6) {
    const StgCase &entry = all[i];
    TestProblem problem = readGraph(entry.file);
    if (problem.numBlocks() == 0)
      continue;
    Topology topology(plainTarget(1, 1, 1, entry.processors));
    AllocateOptions options;
    options.loadSlackQ16 = 1 << 24; // one request: only the makespan counts
    Checked<Solved> solved = solve(problem, topology, options, improve);
    ASSERT_TRUE(solved) << entry.file << ": " << solved.error().message;
    EXPECT_GE(solved->makespan, entry.least * 1000) << entry.file;
    EXPECT_LE(solved->makespan, solved->listMakespan) << entry.file;
    // Entry and exit last one cycle here and nothing there.
    ++cases;
    optimal += solved->makespan / 1000 <= entry.known;
    optimalLists += solved->listMakespan / 1000 <= entry.known;
    worst =
        std::max(worst, double(solved->makespan / 1000) / double(entry.known));
  }
  ASSERT_GT(cases, 100u);
  EXPECT_GE(optimal, cases * 95 / 100);
  EXPECT_LE(worst, 1.04);
  printf("%u of %u optimal (%u before the search), at worst %.3f of the "
         "optimum\n",
         optimal, cases, optimalLists, worst);
}
