//===- WatchdogTest.cpp - Runs that do not finish -------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Programs and policies that get stuck, or never end: the report must say who
// waits on whom, down to what holds everything up.
//
//===----------------------------------------------------------------------===//

#include "TestRun.h"

#include "octo/Runtime/Policy.h"

using namespace octo;
using namespace octo::test;

namespace {

RunResult runUnfinished(TestProgram &p, const std::string &policy,
                        RunStatus status, StopRules stop = {}) {
  SimulationOptions options;
  options.policy = policy;
  options.timingOnly = true;
  options.scenario.stop = stop;
  auto r = simulate(p.build(), options);
  EXPECT_TRUE(r) << r.error().str();
  if (!r)
    return {};
  EXPECT_EQ(r->status, status);
  return std::move(*r);
}

std::vector<std::string> pathsOf(const RunResult &r) {
  std::vector<std::string> paths;
  for (const WaitStep &step : r.waitChain)
    paths.push_back(step.path);
  return paths;
}

using Paths = std::vector<std::string>;

/// Starts everything but kernel 1.
class Picky : public Policy {
public:
  PolicyTraits traits() const override { return {}; }
  void dispatch(Scheduler &s, uint32_t tbu, Trigger) override {
    for (uint32_t lane = s.firstLane(tbu); lane < s.firstLane(tbu + 1); ++lane)
      for (bool more = true; more;) {
        more = false;
        for (InstanceId id : s.queue(lane))
          if (s.info(id).kernel != 1 && s.freePeas(tbu) &&
              s.start(id, tbu, s.freePeas(tbu) & -s.freePeas(tbu))) {
            more = true;
            break;
          }
      }
  }
};

std::string picky() {
  static bool registered = [] {
    return bool(
        registerPolicy({"picky",
                        "never starts kernel 1",
                        [](const PolicyOptions &) -> std::unique_ptr<Policy> {
                          return std::make_unique<Picky>();
                        },
                        {},
                        {}}));
  }();
  EXPECT_TRUE(registered);
  return "picky";
}

TEST(Watchdog, FindsTasksThatWaitForEachOther) {
  TestProgram p;
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  p.task(p.body, "main/first", kernel, 10, {import(0), output(1)}).line = 7;
  p.task(p.body, "main/second", kernel, 10, {output(0)}).line = 8;
  p.body.yields = {output(1)};
  RunResult r = runUnfinished(p, "static", RunStatus::Deadlock);
  EXPECT_EQ(pathsOf(r), (Paths{"main/first", "main/second"}));
  ASSERT_EQ(r.waitChain.size(), 2u);
  EXPECT_EQ(r.waitCycle, 0u);
  EXPECT_EQ(r.waitChain[0].waitsFor, "input 1");
  EXPECT_EQ(r.waitChain[0].file, "test.mlir");
  EXPECT_EQ(r.waitChain[0].line, 7u);
  EXPECT_EQ(r.waitChain[1].waitsFor, "input 0");
  EXPECT_EQ(r.waitChain[1].line, 8u);
}

/// Into a region and out of it: the copies of a fan-out need what its result is
/// needed for.
TEST(Watchdog, FindsCyclesThroughRegions) {
  TestProgram p;
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  p.task(p.body, "main/before", kernel, 10, {import(0)}).line = 3;
  BlockSpec &f = p.body.add(fb::BlockKind::Fanout, "main/f");
  f.inputs = {output(0), output(2)};
  f.outputs = {p.token};
  f.outputBytes = {0};
  f.profile = p.constantProfile(3);
  f.line = 4;
  RegionSpec &each = f.region(fb::RegionRole::Each);
  each.addImport(1, p.token);
  p.task(each, "main/f/t", kernel, 10, {import(0)}).line = 5;
  each.yields = {output(0)};
  p.task(p.body, "main/after", kernel, 10, {output(1)}).line = 6;
  p.body.yields = {output(2)};
  RunResult r = runUnfinished(p, "static", RunStatus::Deadlock);
  ASSERT_FALSE(r.waitChain.empty());
  EXPECT_LT(r.waitCycle, r.waitChain.size());
  Paths paths = pathsOf(r);
  for (const char *path : {"main/f", "main/after"})
    EXPECT_EQ(std::count(paths.begin(), paths.end(), path), 1) << path;
}

TEST(Watchdog, EndsAtThePolicyThatStartsNothing) {
  TestProgram p(1, 1, 1, 4);
  uint32_t good = p.profiledKernel(), bad = p.profiledKernel();
  p.body.addImport(0, p.token);
  p.task(p.body, "main/a", good, 10, {import(0)});
  BlockSpec &loop = p.body.add(fb::BlockKind::Loop, "main/l");
  loop.inputs = {output(0)};
  loop.outputs = {p.token};
  loop.outputBytes = {0};
  loop.profile = p.constantProfile(5);
  loop.line = 11;
  RegionSpec &after = loop.region(fb::RegionRole::After);
  after.addImport(0, p.token);
  p.task(after, "main/l/b", bad, 10, {import(0)}).line = 12;
  p.task(after, "main/l/c", good, 10, {output(0)});
  after.yields = {output(1)};
  p.task(p.body, "main/d", good, 10, {output(1)});
  p.body.yields = {output(2)};
  RunResult r = runUnfinished(p, picky(), RunStatus::Deadlock);
  ASSERT_EQ(pathsOf(r), (Paths{"main/l", "main/l/b"}));
  EXPECT_GE(r.waitCycle, r.waitChain.size());
  EXPECT_EQ(r.waitChain[0].waitsFor, "instance 0 of its region");
  EXPECT_EQ(r.waitChain[1].line, 12u);
  EXPECT_EQ(r.waitChain[1].waitsFor, "the policy to start it on TBU 0: it "
                                     "needs 1 PEA, 4 that suit it are free");
  ASSERT_EQ(r.openLoops.size(), 1u);
  EXPECT_EQ(r.openLoops[0].iterations, 1u);
}

/// The copies that hold a fan-out's credits wait; those without wait for them.
TEST(Watchdog, SeesThroughCredits) {
  TestProgram p(1, 1, 1, 2);
  p.profiledKernel();
  uint32_t bad = p.profiledKernel();
  p.body.addImport(0, p.token);
  BlockSpec &f = p.body.add(fb::BlockKind::Fanout, "main/f");
  f.inputs = {import(0), import(0)};
  f.outputs = {p.token};
  f.outputBytes = {0};
  f.profile = p.constantProfile(50);
  RegionSpec &each = f.region(fb::RegionRole::Each);
  each.addImport(1, p.token);
  p.task(each, "main/f/t", bad, 10, {import(0)}).line = 5;
  each.yields = {output(0)};
  p.body.yields = {output(0)};
  RunResult r = runUnfinished(p, picky(), RunStatus::Deadlock);
  EXPECT_EQ(pathsOf(r), (Paths{"main/f", "main/f/t"}));
  EXPECT_GT(r.counters.creditWaits, 0u);
}

TEST(Watchdog, NamesGangsThatNoPlaceHas) {
  TestProgram p(1, 1, 1, 4);
  uint32_t kernel = p.profiledKernel(0, {{4, 65536}});
  p.body.addImport(0, p.token);
  BlockSpec &t = p.task(p.body, "main/t", kernel, 10, {import(0)});
  t.replicas = {TestProgram::replica(0, 0, 0, 2)};
  t.line = 3;
  p.body.yields = {output(0)};
  RunResult r = runUnfinished(p, "static", RunStatus::Deadlock);
  ASSERT_EQ(pathsOf(r), (Paths{"main/t"}));
  EXPECT_EQ(r.waitChain[0].waitsFor,
            "a gang of 4 PEAs, of which its place on TBU 0 has 2");
}

TEST(Watchdog, FollowsPeasToWhoHoldsThem) {
  TestProgram p;
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  p.task(p.body, "main/long", kernel, 1000000, {import(0)}).priority = 9;
  p.task(p.body, "main/short", kernel, 1, {import(0)}).line = 4;
  p.task(p.body, "main/last", kernel, 1, {output(1)}).line = 5;
  p.body.yields = {output(0), output(2)};
  RunResult r = runUnfinished(p, "static", RunStatus::CycleLimit, {5000, 0});
  ASSERT_FALSE(r.waitChain.empty());
  EXPECT_EQ(r.waitChain.back().path, "main/long");
  EXPECT_EQ(r.waitChain.back().waitsFor, "its completion");
}

/// A loop that never ends is ended by the stop rule, and named.
TEST(Watchdog, NamesTheLoopThatNeverEnds) {
  TestProgram p;
  p.machine().cb_decision_cycles = 1;
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  BlockSpec &loop = p.body.add(fb::BlockKind::Loop, "main/l");
  loop.inputs = {import(0)};
  loop.outputs = {p.token};
  loop.outputBytes = {0};
  loop.line = 9;
  loop.profile = p.constantProfile(int64_t(1) << 40);
  RegionSpec &after = loop.region(fb::RegionRole::After);
  after.addImport(0, p.token);
  p.task(after, "main/l/t", kernel, 9, {import(0)});
  after.yields = {output(0)};
  p.body.yields = {output(0)};
  RunResult r = runUnfinished(p, "static", RunStatus::CycleLimit, {100000, 0});
  ASSERT_EQ(r.openLoops.size(), 1u);
  EXPECT_EQ(r.openLoops[0].path, "main/l");
  EXPECT_EQ(r.openLoops[0].line, 9u);
  EXPECT_NEAR(double(r.openLoops[0].iterations), 10000.0, 2.0);
  EXPECT_EQ(r.openLoops[0].bound, 0u);
}

} // namespace
