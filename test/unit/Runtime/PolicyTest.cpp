//===- PolicyTest.cpp - The registry, plug-ins, elastic gangs  ===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestRun.h"

#include "octo/Runtime/Policy.h"

#include <bit>

using namespace octo;
using namespace octo::test;

namespace {

TEST(Policies, UnknownNamesListWhatThereIs) {
  auto made = createPolicy("fastest", {});
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("no policy 'fastest'"),
            std::string::npos);
  EXPECT_NE(made.error().message.find("static-even, static, reactive, elastic, pool, "
                                    "pool-affinity, heft, mct, octopus"),
            std::string::npos);
  made = createPolicy("octopus", {"magic"});
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("ddsm, atss, pcss"), std::string::npos);
  made = createPolicy("static", {"ddsm"});
  EXPECT_FALSE(made);
}

/// A policy from outside: everything on PEA 0 of the replica's TBU.
class OnePea : public Policy {
public:
  PolicyTraits traits() const override {
    PolicyTraits traits;
    traits.reach = Reach::Clusters;
    return traits;
  }
  void dispatch(Scheduler &s, uint32_t tbu, Trigger) override {
    for (uint32_t lane = s.firstLane(tbu); lane < s.firstLane(tbu + 1); ++lane)
      while (s.queueSize(lane) && s.start(s.queue(lane).front(), tbu, 1)) {
      }
  }
};

TEST(Policies, PlugInsAreRegisteredOnce) {
  PolicyInfo info;
  info.name = "one-pea";
  info.summary = "everything on one PEA";
  info.make = [](const PolicyOptions &) -> std::unique_ptr<Policy> {
    return std::make_unique<OnePea>();
  };
  EXPECT_FALSE(registerPolicy(info, policyInterfaceVersion + 1));
  ASSERT_TRUE(registerPolicy(info));
  auto again = registerPolicy(info);
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message.find("one-pea"), std::string::npos);

  TestProgram p(1, 1, 1, 4);
  uint32_t kernel = p.profiledKernel();
  p.body.addImport(0, p.token);
  for (int i = 0; i < 4; ++i) {
    p.task(p.body, "main/" + std::to_string(i), kernel, 100, {import(0)});
    p.body.yields.push_back(output(i));
  }
  EXPECT_EQ(run(p, "one-pea").makespanCycles, 400u);
}

/// A lone long task grows from one PEA to all of them while it runs.
TEST(Policies, GangsGrowDuringARun) {
  TestProgram p(1, 1, 1, 4);
  p.machine().resize_fixed_cycles = 10;
  uint32_t kernel = p.profiledKernel(0, {{1, 65536}, {2, 32768}, {4, 16384}});
  p.body.addImport(0, p.token);
  // Four short ones take a PEA each, with the long one as the fifth.
  for (int i = 0; i < 5; ++i) {
    p.task(p.body, "main/" + std::to_string(i), kernel, i ? 160 : 16000,
           {import(0)})
        .priority = uint64_t(10 - i);
    p.body.yields.push_back(output(i));
  }
  RunResult elastic = run(p, "octopus");
  EXPECT_GT(elastic.counters.resizes, 0u);
  // Alone on one PEA the long one takes 16000.
  EXPECT_LT(elastic.makespanCycles, 8000u);
  EXPECT_GE(elastic.makespanCycles, elastic.lowerBound.cycles());
}

/// The settled work of a resize, to the cycle: 1600 cycles on one PEA; a
/// boundary every 100. Asked at 250 for two PEAs: 300 done, 1300 left, 650 at
/// the new rate after 40 cycles.
class ResizeAt : public Policy {
public:
  PolicyTraits traits() const override {
    PolicyTraits traits;
    traits.reach = Reach::Machine;
    return traits;
  }
  void dispatch(Scheduler &s, uint32_t tbu, Trigger) override {
    for (uint32_t lane = s.firstLane(tbu); lane < s.firstLane(tbu + 1); ++lane)
      while (s.queueSize(lane)) {
        PeaMask free = s.freePeas(tbu);
        if (!s.start(s.queue(lane).front(), tbu, free & -free))
          break;
      }
    if (s.now() == 250)
      for (InstanceId id : s.running(tbu))
        if (s.runningFor(id) == 250) {
          EXPECT_TRUE(s.resize(id, s.gangOf(id) | s.freePeas(tbu)));
          break;
        }
  }
};

TEST(Policies, ResizeSettlesWorkToTheCycle) {
  PolicyInfo info;
  info.name = "resize-at";
  info.make = [](const PolicyOptions &) -> std::unique_ptr<Policy> {
    return std::make_unique<ResizeAt>();
  };
  ASSERT_TRUE(registerPolicy(info));
  TestProgram p(1, 1, 1, 2);
  p.machine().resize_fixed_cycles = 40;
  uint32_t kernel = p.profiledKernel(0, {{1, 65536}, {2, 32768}});
  p.body.addImport(0, p.token);
  p.task(p.body, "main/long", kernel, 1600, {import(0)}).priority = 2;
  p.task(p.body, "main/short", kernel, 250, {import(0)}).priority = 1;
  p.body.yields = {output(0), output(1)};
  RunResult r = run(p, "resize-at");
  EXPECT_EQ(r.counters.resizes, 1u);
  EXPECT_EQ(r.makespanCycles, 300u + 40 + 650);
  // The PEA that joined was held from 250 on.
  EXPECT_EQ(r.peaCycles[unsigned(PeaState::MovingData)], 50u + 2 * 40);
  EXPECT_EQ(r.peaCycles[unsigned(PeaState::Computing)], 300u + 250 + 2 * 650);
}

} // namespace
