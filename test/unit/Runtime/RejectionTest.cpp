//===- RejectionTest.cpp - Runs that cannot begin -------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestRun.h"

#include "octo/Runtime/Policy.h"

using namespace octo;
using namespace octo::test;

namespace {

void expectError(const std::string &message, TestProgram &program,
                 const SimulationOptions &options,
                 KernelExecutor *executor = nullptr) {
  Expected<RunResult> result = simulate(program.build(), options, executor);
  ASSERT_FALSE(result) << message;
  EXPECT_NE(result.error().message.find(message), std::string::npos)
      << "expected: " << message << "\n   found: " << result.error().message;
}

SimulationOptions oneTenant(bool timingOnly) {
  SimulationOptions options;
  options.policy = "static";
  options.timingOnly = timingOnly;
  options.scenario.tenants.emplace_back();
  return options;
}

/// One task and one request; `change` makes it wrong.
void expectRejected(const std::string &message,
                    void (*change)(TestProgram &, Tenant &)) {
  TestProgram p(2, 1);
  uint32_t kernel = p.profiledKernel();
  p.task(p.body, "main/t", kernel, 100, {p.body.addImport(0, p.token)});
  p.body.yields = {output(0)};
  SimulationOptions options = oneTenant(/*timingOnly=*/true);
  change(p, options.scenario.tenants[0]);
  expectError(message, p, options);
}

TEST(Rejection, WorkflowThatTheProgramLacks) {
  expectRejected("runs workflow 3, but the program has 1: give a number below",
                 [](TestProgram &, Tenant &tenant) { tenant.workflow = 3; });
}

TEST(Rejection, ArrivalsOutOfOrder) {
  expectRejected("the arrival trace of tenant 'main' is not ascending",
                 [](TestProgram &, Tenant &tenant) {
                   tenant.arrivals.kind = Arrivals::Kind::Trace;
                   tenant.arrivals.trace = {10, 5};
                 });
}

TEST(Rejection, EmptyClosedLoop) {
  expectRejected(
      "a closed loop with no request in flight: give at least 1",
      [](TestProgram &, Tenant &tenant) { tenant.arrivals.inFlight = 0; });
}

TEST(Rejection, PoissonWithoutGap) {
  expectRejected("Poisson arrivals with a mean gap of 0 cycles",
                 [](TestProgram &, Tenant &tenant) {
                   tenant.arrivals.kind = Arrivals::Kind::Poisson;
                 });
}

TEST(Rejection, InputsThatAreNotTheArguments) {
  expectRejected(
      "gives 2 inputs, but workflow",
      [](TestProgram &, Tenant &tenant) { tenant.inputs.resize(2); });
}

TEST(Rejection, TooManyRequests) {
  expectRejected("the scenario has 4294967296 requests; a run takes up to 2^32 "
                 "- 1",
                 [](TestProgram &, Tenant &tenant) {
                   tenant.requests = uint64_t(1) << 32;
                 });
}

/// What the validator says of a file, the simulator says of a program that was
/// built in memory.
TEST(Rejection, InterruptedWhileRequestsAreSetUp) {
  TestProgram p(2, 1);
  p.task(p.body, "main/t", p.profiledKernel(), 100,
         {p.body.addImport(0, p.token)});
  p.body.yields = {output(0)};
  SimulationOptions options = oneTenant(/*timingOnly=*/true);
  options.scenario.requests = 4 << 20;
  uint64_t events = 0, asked = 0;
  Expected<RunResult> result =
      simulate(p.build(), options, nullptr, nullptr, [&](const Progress &now) {
        events = now.events;
        ++asked;
        return false;
      });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "interrupted while the records of 4194304 "
                                    "requests were set up");
  EXPECT_EQ(events, 0u);
  EXPECT_EQ(asked, 1u);
}

TEST(Rejection, Machines) {
  struct Case {
    const char *message;
    void (*change)(TestProgram &, Tenant &);
  };
  for (const Case &c : {
           Case{"the machine of the program has no PEAs",
                [](TestProgram &p, Tenant &) { p.machine().tbus = 0; }},
           Case{"the machine has 65 PEAs a TBU; the simulator handles up to 64",
                [](TestProgram &p, Tenant &) { p.machine().peas = 65; }},
           Case{"the host port is at cluster 2 of 2",
                [](TestProgram &p, Tenant &) { p.machine().host_cluster = 2; }},
           Case{"dead PEA 2 does not exist",
                [](TestProgram &p, Tenant &) { p.machine().dead_peas = {2}; }},
           Case{"dead link 0 -> 2 does not exist",
                [](TestProgram &p, Tenant &) {
                  p.machine().dead_links = {fb::LinkId(0, 2)};
                }},
           Case{"HBM port 0 is at cluster 3 of 2",
                [](TestProgram &p, Tenant &) {
                  p.machine().hbm = {fb::HbmPort(3, 1, 1, 0, 1)};
                }},
       })
    expectRejected(c.message, c.change);
}

TEST(Rejection, Placements) {
  expectRejected("block 'main/t' has a replica outside the machine (cluster 2, "
                 "TBU 0)",
                 [](TestProgram &p, Tenant &) {
                   p.body.blocks[0].replicas = {
                       TestProgram::replica(2, 0, 0, 1)};
                 });
  expectRejected(
      "block 'main/t' is placed on cluster (1, 0), which dead links "
      "cut off",
      [](TestProgram &p, Tenant &) {
        p.machine().dead_links = {fb::LinkId(0, 1), fb::LinkId(1, 0)};
        p.body.blocks[0].replicas = {TestProgram::replica(1, 0, 0, 1)};
      });
  expectRejected("has a replica on TBU 0 of cluster (1, 0) without a live PEA",
                 [](TestProgram &p, Tenant &) {
                   p.machine().dead_peas = {1};
                   p.body.blocks[0].replicas = {
                       TestProgram::replica(1, 0, 0, 1)};
                 });
  expectRejected("block 'main/t' has no active replica; compile again (pass "
                 "octo-allocate-peas)",
                 [](TestProgram &p, Tenant &) {
                   fb::Replica spare = TestProgram::replica(1, 0, 0, 1);
                   spare.mutate_standby(true);
                   p.body.blocks[0].replicas = {spare};
                 });
  expectRejected("task 'main/t' has no kernel", [](TestProgram &p, Tenant &) {
    p.body.blocks[0].kernel = none;
  });
}

TEST(Rejection, ProfiledTasksInRunsThatExecute) {
  // The task on the left has code, the one on the right only a profile.
  TestProgram p;
  uint32_t type = p.type(fb::ElementKind::F32, {2});
  uint32_t code = p.imageKernel(1, 1, 10);
  uint32_t profiled = p.profiledKernel();
  p.body.addImport(0, type, 8);
  BlockSpec &left = p.body.add(fb::BlockKind::Task, "main/left");
  left.kernel = code;
  left.inputs = {import(0)};
  left.outputs = {type};
  left.outputBytes = {8};
  BlockSpec &right =
      p.task(p.body, "main/right", profiled, 100, {output(0)}, 8);
  right.outputs = {type};
  p.body.yields = {output(1)};
  FunctionExecutor executor;
  executor.functions[code] = [](auto in, auto out, auto) -> Expected<void> {
    out[0] = in[0];
    return {};
  };
  expectError("is profiled and makes a value of type f32 that has no content: "
              "run timing-only, or give the task a body",
              p, oneTenant(/*timingOnly=*/false), &executor);
}

/// Without code and without a profile nothing decides.
TEST(Rejection, ControlBlocksThatNothingDecides) {
  struct Case {
    fb::BlockKind kind;
    const char *what, *remedy;
  };
  for (const Case &c :
       {Case{fb::BlockKind::Switch, "which regions run", "frequencies"},
        Case{fb::BlockKind::Select, "which regions run", "frequencies"},
        Case{fb::BlockKind::Loop, "the number of iterations", "trips"},
        Case{fb::BlockKind::Fanout, "the number of copies", "count"}}) {
    TestProgram p;
    p.task(p.body, "main/t", p.profiledKernel(), 100,
           {p.body.addImport(0, p.token)});
    uint32_t index = p.type(fb::ElementKind::Index, {}, true);
    BlockSpec &block = p.body.add(c.kind, "main/c");
    block.inputs = {p.body.addImport(1, index, 8)};
    block.decideInputs = 1;
    if (c.kind == fb::BlockKind::Loop) {
      RegionSpec &before = block.region(fb::RegionRole::Before);
      before.yields = {before.addImport(0, index, 8)};
      RegionSpec &after = block.region(fb::RegionRole::After);
      after.yields = {after.addImport(0, index, 8)};
    } else {
      block.region(c.kind == fb::BlockKind::Switch   ? fb::RegionRole::Case
                   : c.kind == fb::BlockKind::Select ? fb::RegionRole::Member
                                                     : fb::RegionRole::Each);
    }
    if (c.kind != fb::BlockKind::Fanout)
      block.kernel = p.imageKernel(1, 1, 10);
    p.body.yields = {output(0)};
    expectError(fmt::format("nothing decides {} in a timing-only run: add '{}' "
                            "to its profile",
                            c.what, c.remedy),
                p, oneTenant(/*timingOnly=*/true));
  }
}

TEST(Rejection, ArgumentsOfUnknownSize) {
  TestProgram p;
  uint32_t type = p.type(fb::ElementKind::F32, {-1, 2});
  uint32_t code = p.imageKernel(1, 1, 10);
  BlockSpec &task = p.body.add(fb::BlockKind::Task, "main/t");
  task.kernel = code;
  task.inputs = {p.body.addImport(0, type, 8)};
  task.outputs = {type};
  task.outputBytes = {8};
  p.body.yields = {output(0)};
  FunctionExecutor executor;
  executor.functions[code] = nullptr;
  expectError("argument 0 of workflow 'main' has 1 dynamic dimensions, but "
              "sizes for 0: give them in the scenario, or give the input as an "
              "array",
              p, oneTenant(/*timingOnly=*/false), &executor);
}

TEST(Rejection, Policies) {
  PolicyInfo info;
  info.name = "rejected";
  info.summary = "never runs";
  info.make = nullptr;
  auto messageOf = [&](unsigned version) {
    Expected<void> registered = registerPolicy(info, version);
    return registered ? "no error" : registered.error().message;
  };
  EXPECT_EQ(messageOf(policyInterfaceVersion + 1),
            fmt::format("policy 'rejected' was built for version {} of the "
                        "policy interface, this is version {}: build it again",
                        policyInterfaceVersion + 1, policyInterfaceVersion));
  EXPECT_EQ(messageOf(policyInterfaceVersion),
            "a policy needs a name and a way to make it");
  info.make = [](const PolicyOptions &) { return std::unique_ptr<Policy>(); };
  info.name = "static";
  EXPECT_NE(messageOf(policyInterfaceVersion)
                .find("there is a policy 'static' already ("),
            std::string::npos);
  SimulationOptions options = oneTenant(/*timingOnly=*/true);
  options.disable = {"atss"};
  TestProgram p;
  p.task(p.body, "main/t", p.profiledKernel(), 100,
         {p.body.addImport(0, p.token)});
  expectError("policy 'static' has no mechanism 'atss' to disable; it has none",
              p, options);
}

} // namespace
