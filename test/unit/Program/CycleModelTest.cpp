//===- CycleModelTest.cpp - From phases of a kernel to cycles -------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "octo/Program/CycleModel.h"

#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <string>

using namespace octo;

namespace {

/// A product of f32 matrices that stands alone.
PhaseValues product(uint64_t m, uint64_t n, uint64_t k, uint64_t count = 1) {
  PhaseValues phase;
  phase[PhaseForm::Times] = 1;
  phase[PhaseForm::M] = m;
  phase[PhaseForm::N] = n;
  phase[PhaseForm::K] = k;
  phase[PhaseForm::Count] = count;
  phase[PhaseForm::Mac] = m * n * k * count;
  phase[PhaseForm::Left] = 4 * m * k * count;
  phase[PhaseForm::Right] = 4 * k * n * count;
  phase[PhaseForm::Result] = 4 * m * n * count;
  phase[PhaseForm::Load] = phase[PhaseForm::Left] + phase[PhaseForm::Right];
  phase[PhaseForm::Store] = phase[PhaseForm::Result];
  phase[PhaseForm::Live] = phase[PhaseForm::Load] + phase[PhaseForm::Store];
  phase[PhaseForm::Held] = phase[PhaseForm::Store];
  return phase;
}

constexpr uint64_t macRate = 256 << 16;

CycleMachine machine16() {
  CycleMachine machine;
  machine.rows = machine.cols = 16;
  machine.sram = 256 << 10;
  machine.scratchpad = 4 << 20;
  return machine;
}

VariantCosts costs16(uint32_t gang) {
  VariantCosts costs;
  costs.gang = gang;
  // 256 MACs, 32 vector, 4 special, 1 scalar operations, 64 bytes a cycle.
  costs.costQ16 = {256, 2048, 16384, 65536, 1024};
  costs.sync = barrierCycles(gang);
  return costs;
}

// The stored counts of the SCALE-Sim package: bench/scalesim_reference.py.
TEST(CycleModel, AgreesWithScaleSim) {
  std::ifstream file(OCTO_TEST_DATA_DIR "/scalesim.csv");
  ASSERT_TRUE(file) << "test/data/scalesim.csv is missing";
  std::string line;
  unsigned layers = 0, resnet = 0, gpt = 0, random = 0;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '#' || line.starts_with("name,"))
      continue;
    std::stringstream row(line);
    std::vector<std::string> cells;
    for (std::string cell; std::getline(row, cell, ',');)
      cells.push_back(cell);
    ASSERT_EQ(cells.size(), 10u) << line;
    Dataflow dataflow = cells[6] == "ws"   ? Dataflow::WeightStationary
                        : cells[6] == "os" ? Dataflow::OutputStationary
                                           : Dataflow::InputStationary;
    auto number = [&](unsigned i) { return std::stoull(cells[i]); };
    uint64_t ours = arrayCycles(dataflow, number(3), number(4), number(5), 1,
                                uint32_t(number(1)), uint32_t(number(2)));
    EXPECT_EQ(ours, number(7)) << line;
    ++layers;
    resnet += line.starts_with("resnet50/");
    gpt += line.starts_with("gpt2/");
    random += line.starts_with("random/");
  }
  EXPECT_EQ(layers, 228u);
  EXPECT_EQ(resnet, 90u);
  EXPECT_EQ(gpt, 18u);
  EXPECT_EQ(random, 120u);
}

TEST(CycleModel, FoldsByHand) {
  // One fold of a 4 x 4 array: fill 4, stream m = 5, skew 4 + 4 - 2.
  EXPECT_EQ(arrayCycles(Dataflow::WeightStationary, 5, 4, 4, 1, 4, 4),
            4u + 5 + 6 - 1);
  // Output stationary: k = 4 streams, nothing to fill; 2 x 1 folds.
  EXPECT_EQ(arrayCycles(Dataflow::OutputStationary, 5, 4, 4, 1, 4, 4),
            2u * (4 + 6) - 1);
  // Input stationary: n = 4 streams; k over rows, m = 5 over columns.
  EXPECT_EQ(arrayCycles(Dataflow::InputStationary, 5, 4, 4, 1, 4, 4),
            2u * (4 + 4 + 6) - 1);
  EXPECT_EQ(arrayCycles(Dataflow::OutputStationary, 5, 0, 4, 1, 4, 4), 0u);
}

TEST(CycleModel, SaturatesInsteadOfWrapping) {
  uint64_t huge = uint64_t(1) << 40;
  EXPECT_EQ(
      arrayCycles(Dataflow::OutputStationary, huge, huge, huge, huge, 4, 4),
      uint64_t(mostCount) - 1);
  EXPECT_EQ(costOf(~uint64_t(0), ~uint64_t(0)), uint64_t(mostCount));
}

TEST(CycleModel, BestDataflowIsChosen) {
  // Few rows of the result and a long reduction: the result stays.
  PhaseValues deep = product(16, 16, 4096);
  EXPECT_EQ(
      chooseMapping(PhaseKind::Matrix, deep, costs16(1), macRate, machine16())
          .dataflow,
      Dataflow::OutputStationary);
  // A long stream of rows through small weights: the weights stay.
  PhaseValues tall = product(4096, 16, 16);
  EXPECT_EQ(
      chooseMapping(PhaseKind::Matrix, tall, costs16(1), macRate, machine16())
          .dataflow,
      Dataflow::WeightStationary);
  PhaseValues wide = product(16, 4096, 16);
  EXPECT_EQ(
      chooseMapping(PhaseKind::Matrix, wide, costs16(1), macRate, machine16())
          .dataflow,
      Dataflow::InputStationary);
  // Without an array there is none.
  EXPECT_EQ(
      chooseMapping(PhaseKind::Matrix, deep, costs16(1), 4 << 16, machine16())
          .dataflow,
      Dataflow::None);
}

TEST(CycleModel, NoSplitBeatsTheChosenOne) {
  // Against every split and dataflow of a gang of 4, counted here.
  for (PhaseValues phase : {product(100, 70, 33), product(4, 4, 5000),
                            product(1, 600, 64), product(8, 8, 8, 13)}) {
    VariantCosts costs = costs16(4);
    PhaseMapping chosen =
        chooseMapping(PhaseKind::Matrix, phase, costs, macRate, machine16());
    uint64_t best = phaseCycles(PhaseKind::Matrix, phase, chosen, costs,
                                macRate, machine16(), true)
                        .total;
    for (uint16_t c = 1; c <= 4; ++c)
      for (uint16_t m = 1; c * m <= 4; ++m)
        for (uint16_t n = 1; c * m * n <= 4; ++n)
          for (uint16_t k = 1; c * m * n * k <= 4; ++k)
            for (Dataflow dataflow :
                 {Dataflow::WeightStationary, Dataflow::OutputStationary,
                  Dataflow::InputStationary}) {
              PhaseMapping mapping;
              mapping.dataflow = dataflow;
              mapping.parts[0] = c, mapping.parts[1] = m;
              mapping.parts[2] = n, mapping.parts[3] = k;
              EXPECT_LE(best, phaseCycles(PhaseKind::Matrix, phase, mapping,
                                          costs, macRate, machine16(), true)
                                  .total);
            }
  }
}

TEST(CycleModel, SplittingTheReductionIsPaid) {
  // One small result and a very long reduction: the gang adds up.
  PhaseValues phase = product(8, 8, 1 << 16);
  VariantCosts costs = costs16(4);
  PhaseMapping mapping =
      chooseMapping(PhaseKind::Matrix, phase, costs, macRate, machine16());
  EXPECT_EQ(mapping.parts[3], 4);
  PhaseCycles cycles = phaseCycles(PhaseKind::Matrix, phase, mapping, costs,
                                   macRate, machine16(), true);
  // A barrier of two levels; 3 partial results of 64 f32 written and read at 64
  // bytes a cycle; 48 additions a PEA at 32 a cycle.
  EXPECT_EQ(cycles.sync, 16u + 2 * 3 * 64 * 4 / 64 + 2);
  EXPECT_EQ(cycles.bytes,
            phase[PhaseForm::Load] + phase[PhaseForm::Store] + 2 * 3 * 64 * 4);
}

TEST(CycleModel, LoadingOverlapsWork) {
  // Resident: 16 tiles. 8192 vector operations take 256 cycles, 65536 bytes
  // 1024: the port bounds, and the last tile's work comes after it.
  PhaseValues phase;
  phase[PhaseForm::Times] = phase[PhaseForm::N] = phase[PhaseForm::K] =
      phase[PhaseForm::Count] = 1;
  phase[PhaseForm::M] = phase[PhaseForm::Vector] = 8192;
  phase[PhaseForm::Load] = 65536;
  PhaseCycles cycles = phaseCycles(PhaseKind::Vector, phase, PhaseMapping(),
                                   costs16(1), macRate, machine16(), true);
  EXPECT_EQ(cycles.transfer, 1024u);
  EXPECT_EQ(cycles.vector, 256u);
  EXPECT_EQ(cycles.total, 1024u + 256 / 16);
  // The other way round: the first tile comes before the work.
  phase[PhaseForm::Vector] = 65536;
  phase[PhaseForm::Load] = 8192;
  cycles = phaseCycles(PhaseKind::Vector, phase, PhaseMapping(), costs16(1),
                       macRate, machine16(), true);
  EXPECT_EQ(cycles.total, 2048u + 128 / 16);
}

TEST(CycleModel, TilesFitAndAreLoadedAgain) {
  // 1 MiB operands in 256 KiB.
  PhaseValues phase = product(512, 512, 512);
  CycleMachine machine = machine16();
  PhaseMapping mapping =
      chooseMapping(PhaseKind::Matrix, phase, costs16(1), macRate, machine);
  ASSERT_TRUE(
      chooseTiles(PhaseKind::Matrix, phase, machine, machine.sram, mapping));
  EXPECT_LE(tileBytes(phase, PhaseKind::Matrix, mapping), machine.sram);
  PhaseKind kind = PhaseKind::Matrix;
  CallCycles call = callCycles({&kind, 1}, {&phase, 1}, {&mapping, 1},
                               costs16(1), 0, macRate, machine);
  EXPECT_FALSE(call.resident);
  auto passes = [](uint64_t size, uint32_t tile) {
    return (size + tile - 1) / tile;
  };
  EXPECT_EQ(call.bytes, (1 << 20) * (passes(512, mapping.tileN) +
                                     passes(512, mapping.tileM) + 1));
  // More SRAM never moves more.
  uint64_t before = ~uint64_t(0);
  for (uint64_t sram = 16 << 10; sram <= 8 << 20; sram *= 2) {
    machine.sram = sram;
    PhaseMapping tiled =
        chooseMapping(PhaseKind::Matrix, phase, costs16(1), macRate, machine);
    ASSERT_TRUE(chooseTiles(PhaseKind::Matrix, phase, machine, sram, tiled));
    CallCycles taken = callCycles({&kind, 1}, {&phase, 1}, {&tiled, 1},
                                  costs16(1), 0, macRate, machine);
    EXPECT_LE(taken.bytes, before);
    before = taken.bytes;
  }
  EXPECT_EQ(before, phase[PhaseForm::Load] + phase[PhaseForm::Store]);
  // Not even one fill of the array fits.
  EXPECT_FALSE(chooseTiles(PhaseKind::Matrix, phase, machine, 1024, mapping));
}

TEST(CycleModel, SpillsArePaidAtTheMemoryPort) {
  PhaseValues phase = product(512, 512, 512);
  phase[PhaseForm::Held] = 5 << 20;
  CycleMachine machine = machine16();
  machine.hbmBytesPerCycle = 256;
  machine.hbmLatency = 100;
  PhaseCycles cycles = phaseCycles(PhaseKind::Matrix, phase, PhaseMapping(),
                                   costs16(1), macRate, machine, false);
  EXPECT_EQ(cycles.hbmBytes, uint64_t(2) << 20);
  EXPECT_EQ(cycles.spill, (uint64_t(2) << 20) / 256 + 200);
}

TEST(CycleModel, LargeProductsSpeedUpWithTheGang) {
  PhaseValues phase = product(512, 512, 512);
  CycleMachine machine = machine16();
  machine.sram = 8 << 20;
  uint64_t one = 0;
  for (uint32_t gang : {1, 2, 4, 8, 16}) {
    VariantCosts costs = costs16(gang);
    PhaseMapping mapping =
        chooseMapping(PhaseKind::Matrix, phase, costs, macRate, machine);
    uint64_t cycles = phaseCycles(PhaseKind::Matrix, phase, mapping, costs,
                                  macRate, machine, true)
                          .total;
    if (gang == 1)
      one = cycles;
    EXPECT_GE(one * 2, cycles * gang) << gang;
  }
}

TEST(CycleModel, FormsAreEvaluatedInOrder) {
  // Phase 0: m = 2 * dim(0, 0) - size(1); size 0 = ceildiv(dim(0, 0), 4),
  // size 1 = min(size(0), counter(0)).
  std::vector<uint32_t> offsets(1, 0), symbolOffsets{0}, symbols;
  std::vector<int64_t> coefficients;
  auto term = [&](int64_t coefficient, std::vector<uint32_t> names) {
    coefficients.push_back(coefficient);
    symbols.insert(symbols.end(), names.begin(), names.end());
    symbolOffsets.push_back(uint32_t(symbols.size()));
  };
  for (unsigned form = 0; form < numPhaseForms; ++form) {
    if (PhaseForm(form) == PhaseForm::M) {
      term(2, {0});
      term(-1, {sizeMark | 1});
    }
    offsets.push_back(uint32_t(coefficients.size()));
  }
  term(1, {0});
  offsets.push_back(uint32_t(coefficients.size()));
  term(4, {});
  offsets.push_back(uint32_t(coefficients.size()));
  term(1, {sizeMark});
  offsets.push_back(uint32_t(coefficients.size()));
  term(1, {counterMark});
  offsets.push_back(uint32_t(coefficients.size()));
  std::vector<uint8_t> kinds{uint8_t(SizeKind::CeilDiv),
                             uint8_t(SizeKind::Min)};
  FormTable table{offsets, coefficients, symbolOffsets, symbols, kinds, 1};
  std::vector<int64_t> scratch;
  std::vector<PhaseValues> phases;
  auto evaluate = [&](int64_t dim, int64_t counter) {
    evaluatePhases(table, 0, 1, 0, 2, scratch, phases, [&](uint32_t symbol) {
      return symbol & counterMark ? counter : dim;
    });
    return phases[0][PhaseForm::M];
  };
  EXPECT_EQ(evaluate(10, 100), 17u); // 20 - ceil(10 / 4)
  EXPECT_EQ(evaluate(10, 2), 18u);
  // Negative sums count as nothing.
  EXPECT_EQ(evaluate(0, -5), 5u);
  EXPECT_EQ(evaluate(-3, 9), 0u);
}

} // namespace
