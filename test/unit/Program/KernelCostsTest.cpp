//===- KernelCostsTest.cpp - Work and cycles of calls of kernels ----------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SampleProgram.h"

#include "octo/Program/KernelCosts.h"
#include "octo/Program/Program.h"

#include <gtest/gtest.h>

using namespace octo;

namespace {

class KernelCostsTest : public testing::Test {
protected:
  void SetUp() override {
    fb::ProgramT sample = test::sampleProgram();
    Expected<std::vector<uint8_t>> bytes = writeProgram(sample);
    ASSERT_TRUE(bytes) << bytes.error().str();
    Expected<Program> parsed = parseProgram(*bytes, "sample");
    ASSERT_TRUE(parsed) << parsed.error().str();
    program = std::make_unique<Program>(*parsed);
    costs = std::make_unique<KernelCosts>(**program);
  }

  std::unique_ptr<Program> program;
  std::unique_ptr<KernelCosts> costs;
};

TEST_F(KernelCostsTest, TermsOfWork) {
  // 16 * dim(0, 0) multiply-accumulates, 3 * counter(0) scalar operations.
  ASSERT_EQ(costs->symbolsOf(0).size(), 2u);
  uint64_t symbols[] = {5, 7};
  uint32_t call = costs->call(0, symbols);
  EXPECT_EQ(costs->work(call),
            (std::array<uint64_t, 5>{16 * 5, 0, 0, 3 * 7, 0}));
  uint32_t first = (*program)->kernels()->variant_offsets()->Get(0);
  EXPECT_EQ(costs->variant(call, first).cycles,
            workCycles(costs->costs(first), costs->work(call)));
}

TEST_F(KernelCostsTest, SumOfPhases) {
  ASSERT_EQ(costs->symbolsOf(2).size(), 1u);
  uint64_t five[] = {5}, six[] = {6};
  uint32_t call = costs->call(2, five);
  EXPECT_EQ(costs->work(call), (std::array<uint64_t, 5>{0, 5, 0, 0, 20}));
  std::vector<PhaseValues> phases;
  costs->phases(2, five, phases);
  ASSERT_EQ(phases.size(), 1u);
  EXPECT_EQ(phases[0][PhaseForm::M], 3u); // ceildiv(5, 2)
  for (uint32_t v = (*program)->kernels()->variant_offsets()->Get(2);
       v < (*program)->kernels()->variant_offsets()->Get(3); ++v) {
    EXPECT_EQ(costs->mappings(v).size(), 1u);
    EXPECT_EQ(costs->variant(call, v).cycles,
              costs->cycles(2, v, phases).cycles);
  }
  // Equal calls have one number, others their own.
  EXPECT_EQ(costs->call(2, five), call);
  EXPECT_NE(costs->call(2, six), call);
  costs->release(call);
  EXPECT_EQ(costs->call(2, five), call);
}

TEST_F(KernelCostsTest, ManyDifferentCallsDoNotPileUp) {
  uint32_t highest = 0;
  for (uint64_t i = 0; i < 200000; ++i) {
    uint64_t symbols[] = {i};
    uint32_t call = costs->call(2, symbols);
    EXPECT_EQ(costs->work(call)[1], i);
    highest = std::max(highest, call);
    costs->release(call);
  }
  EXPECT_LT(highest, 70000u);
}

TEST_F(KernelCostsTest, WhatIsKeptStays) {
  // So many that others share no numbers any more.
  for (uint64_t i = 0; i < 70000; ++i) {
    uint64_t symbols[] = {i};
    costs->call(2, symbols);
  }
  uint64_t kept[] = {100000}, other[] = {100001};
  uint32_t call = costs->call(2, kept, /*keep=*/true);
  costs->release(call);
  EXPECT_NE(costs->call(2, other), call);
  EXPECT_EQ(costs->work(call)[1], 100000u);
}

TEST(ExpectedDims, FillTheBytes) {
  EXPECT_EQ(expectedDims(std::vector<int64_t>{-1, 4}, 4, 160),
            (std::vector<int64_t>{10, 4}));
  EXPECT_EQ(expectedDims(std::vector<int64_t>{-1, -1, 2}, 4, 8 * 99),
            (std::vector<int64_t>{9, 9, 2}));
  EXPECT_EQ(expectedDims(std::vector<int64_t>{3, 4}, 4, 0),
            (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(expectedDims(std::vector<int64_t>{-1}, 4, 0),
            (std::vector<int64_t>{1}));
}

} // namespace
