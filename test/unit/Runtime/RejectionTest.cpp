//===- RejectionTest.cpp - Runs that cannot begin -------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestRun.h"

using namespace octo;
using namespace octo::test;

namespace {

/// One task and one request; `change` makes it wrong.
void expectRejected(const std::string &message,
                    void (*change)(TestProgram &, Tenant &)) {
  TestProgram p;
  uint32_t kernel = p.profiledKernel();
  p.task(p.body, "main/t", kernel, 100, {p.body.addImport(0, p.token)});
  p.body.yields = {output(0)};
  SimulationOptions options;
  options.policy = "static";
  options.timingOnly = true;
  options.scenario.tenants.emplace_back();
  change(p, options.scenario.tenants[0]);
  Expected<RunResult> result = simulate(p.build(), options);
  ASSERT_FALSE(result) << message;
  EXPECT_NE(result.error().message.find(message), std::string::npos)
      << result.error().message;
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

} // namespace
