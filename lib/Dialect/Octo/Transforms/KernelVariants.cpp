//===- KernelVariants.cpp - Cycles of a kernel on gangs of PEAs -----------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Formulas and their sources: docs/timing-model.md, "Cycles of a task block".
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/Octo/Transforms/KernelVariants.h"
#include "octo/Dialect/OWG/IR/OWG.h"
#include "octo/Program/StrictMath.h"

#include <algorithm>
#include <bit>
#include <cmath>

using namespace mlir;

namespace octo::spatial {

static constexpr double mostCycles = 1e15;

static uint64_t toCycles(double cycles) {
  return uint64_t(std::clamp(std::ceil(cycles), 0.0, mostCycles));
}

uint64_t foldCycles(int64_t m, int64_t n, int64_t k, int64_t count,
                    uint32_t rows, uint32_t cols, uint32_t gang) {
  auto over = [](uint64_t a, uint64_t b) { return (a + b - 1) / b; };
  const uint64_t foldsM = over(uint64_t(m), rows);
  const uint64_t foldsN = over(uint64_t(n), cols);
  // Splits of the gang over products, rows of folds and columns of folds.
  double best = -1;
  for (uint32_t c = 1; c <= gang; ++c)
    for (uint32_t r = 1; r * c <= gang; ++r) {
      uint32_t s = gang / (r * c);
      double folds = double(over(uint64_t(count), c)) *
                     double(over(foldsM, r)) * double(over(foldsN, s));
      if (best < 0 || folds < best)
        best = folds;
    }
  return toCycles(best * double(2 * uint64_t(rows) + cols + uint64_t(k) - 2));
}

std::array<double, 5> expectedWorkOf(KernelOp kernel,
                                     const EstimateAssumptions &assume) {
  std::array<double, 5> work{};
  auto cost = kernel->getAttrOfType<owg::CostAttr>(owg::CostAttr::attrName());
  ArrayRef<Type> inputs = kernel.getFunctionType().getInputs();
  if (ArrayAttr terms = kernel.getWorkAttr())
    for (auto term : terms.getAsRange<WorkAttr>()) {
      double product = double(term.getCoefficient());
      for (uint32_t symbol : term.getSymbols()) {
        if (symbol >> 31) {
          uint32_t counter = symbol & 0x7fffffffu;
          bool known = cost && counter < cost.getCounters().size();
          product *= known ? double(cost.getCounters()[counter])
                           : double(assume.defaultTrips);
          continue;
        }
        double size = double(assume.defaultDim);
        if (symbol >> 8 < inputs.size())
          if (auto tensor = dyn_cast<RankedTensorType>(inputs[symbol >> 8]))
            if ((symbol & 255) < tensor.getRank() &&
                !tensor.isDynamicDim(symbol & 255))
              size = double(tensor.getDimSize(symbol & 255));
        product *= size;
      }
      work[unsigned(term.getWorkClass())] += product;
    }
  return work;
}

static VariantAttr makeVariant(KernelOp kernel, const TargetDesc &target,
                               PeaClass peaClass, uint32_t gang,
                               const std::array<double, 5> &work) {
  MLIRContext *context = kernel.getContext();
  const PeaRatesDesc &rates = target.pea.rates[unsigned(peaClass)];
  // Cycles an operation in 1/65536, rounded to nearest and never free.
  auto perOperation = [](uint64_t rateQ16, uint32_t peas) -> uint64_t {
    if (rateQ16 == 0)
      return 65536;
    double cost = 65536.0 * 65536.0 / (double(rateQ16) * peas);
    return std::max<uint64_t>(1, uint64_t(std::llround(std::min(cost, 1e15))));
  };
  uint64_t mac = perOperation(rates.macQ16, gang);
  uint64_t fixed = 0;

  // Matrix work on an array: by folds where shapes are known. The part of the
  // work whose shape is not known runs at the full rate, after one fill.
  const uint64_t array = uint64_t(target.pea.rows) * target.pea.cols;
  auto cost = kernel->getAttrOfType<owg::CostAttr>(owg::CostAttr::attrName());
  // A class has an array if it does one multiply-accumulate a PE, or nearly.
  if (work[0] > 0 && rates.macQ16 / 65536 >= array / 2) {
    double known = 0, cycles = 0;
    if (cost) {
      ArrayRef<int64_t> all = cost.getMatmuls();
      for (size_t i = 0; i + 3 < all.size(); i += 4) {
        known += double(all[i]) * double(all[i + 1]) * double(all[i + 2]) *
                 double(all[i + 3]);
        cycles += double(foldCycles(all[i], all[i + 1], all[i + 2], all[i + 3],
                                    target.pea.rows, target.pea.cols, gang));
      }
    }
    // A PE that does less, or more, than one multiply-accumulate a cycle.
    double speed = double(rates.macQ16) / (65536.0 * double(array));
    if (speed > 0)
      cycles /= speed;
    known = std::min(known, work[0]);
    double rest = (work[0] - known) / (double(rates.macQ16) / 65536.0 * gang);
    double fill = work[0] > known
                      ? double(2 * uint64_t(target.pea.rows) + target.pea.cols)
                      : 0;
    // Cost per operation rounded down, the remainder fixed: at the expected
    // work the sum is the formula, to the cycle.
    double total = cycles + rest;
    mac = uint64_t(std::min(total * 65536.0 / work[0], mostCycles));
    mac = std::max<uint64_t>(mac, 1);
    double covered = std::ceil(work[0] * double(mac) / 65536.0);
    fixed = toCycles(std::max(0.0, total - covered) + fill);
  }
  // A gang meets once at the end: assumed, 8 cycles a level of a tree.
  if (gang > 1)
    fixed += 8 * uint64_t(std::bit_width(gang - 1));

  // Operands and results in the SRAM, each PEA its part; what is larger than
  // half of the SRAM is streamed through it in tiles.
  uint64_t bytes = 0;
  auto addBytes = [&](ArrayRef<Type> types) {
    for (Type type : types)
      bytes += FlowType::staticBytes(type);
  };
  addBytes(kernel.getFunctionType().getInputs());
  addBytes(kernel.getFunctionType().getResults());
  uint64_t footprint =
      std::min<uint64_t>((bytes + gang - 1) / gang, target.pea.sramBytes / 2);
  return VariantAttr::get(
      context, uint16_t(gang), fixed, mac, perOperation(rates.vectorQ16, gang),
      perOperation(rates.specialQ16, gang),
      // Scalar work does not spread over PEAs.
      perOperation(rates.scalarQ16, 1),
      std::max<uint64_t>(1, 65536 / target.scratchpad.bytesPerCycle), 0,
      footprint);
}

static VariantAttr makeProfiledVariant(KernelOp kernel, uint32_t gang) {
  ScalingAttr scaling = kernel.getScalingAttr();
  uint64_t scale = 65536;
  uint64_t footprint = 0;
  if (scaling) {
    // gang ^ -alpha, with the logarithm that is the same on every machine.
    double alpha = double(scaling.getAlphaPermille()) / 1000.0;
    if (gang > 1)
      scale = std::max<uint64_t>(
          1, uint64_t(std::llround(
                 65536.0 * strict::exp(-alpha * strict::log(double(gang))))));
    footprint = (scaling.getStateBytes() + gang - 1) / gang;
  }
  return VariantAttr::get(kernel.getContext(), uint16_t(gang), 0, 0, 0, 0, 0, 0,
                          scale, footprint);
}

uint64_t variantCycles(KernelOp kernel, VariantAttr variant, uint64_t drawn,
                       const EstimateAssumptions &assume) {
  if (kernel.getKind() == KernelKind::Profiled)
    return std::max<uint64_t>(
        1, toCycles(double(drawn) * double(variant.getScaleQ16()) / 65536.0));
  std::array<double, 5> work = expectedWorkOf(kernel, assume);
  auto cycles = [&](unsigned workClass, uint64_t costQ16) {
    return toCycles(work[workClass] * double(costQ16) / 65536.0);
  };
  uint64_t compute =
      cycles(0, variant.getMacQ16()) + cycles(1, variant.getVectorQ16()) +
      cycles(2, variant.getSpecialQ16()) + cycles(3, variant.getScalarQ16());
  return std::max<uint64_t>(
      1,
      variant.getFixed() + std::max(compute, cycles(4, variant.getBytesQ16())));
}

PeaClass chooseClass(KernelOp kernel, const TargetDesc &target,
                     const std::array<uint64_t, 3> &livePeas,
                     const EstimateAssumptions &assume) {
  PeaClass wanted = kernel.getPeaClass();
  if (kernel.getKind() == KernelKind::Profiled) {
    if (livePeas[unsigned(wanted)])
      return wanted;
    unsigned most = 0;
    for (unsigned c = 1; c < 3; ++c)
      if (livePeas[c] > livePeas[most])
        most = c;
    return PeaClass(most);
  }
  std::array<double, 5> work = expectedWorkOf(kernel, assume);
  uint64_t best = ~uint64_t(0), own = ~uint64_t(0);
  PeaClass bestClass = wanted;
  for (unsigned c = 0; c < 3; ++c) {
    if (!livePeas[c])
      continue;
    VariantAttr variant = makeVariant(kernel, target, PeaClass(c), 1, work);
    uint64_t cycles = variantCycles(kernel, variant, 0, assume);
    if (cycles < best)
      best = cycles, bestClass = PeaClass(c);
    if (PeaClass(c) == wanted)
      own = cycles;
  }
  return own / 2 <= best ? wanted : bestClass;
}

std::vector<VariantAttr> makeVariants(KernelOp kernel, const TargetDesc &target,
                                      uint32_t maxGang,
                                      const EstimateAssumptions &assume) {
  if (ScalingAttr scaling = kernel.getScalingAttr())
    if (scaling.getMaxGang())
      maxGang = std::min(maxGang, scaling.getMaxGang());
  maxGang = std::max(maxGang, 1u);
  std::vector<uint32_t> gangs;
  for (uint32_t gang = 1; gang < maxGang; gang *= 2)
    gangs.push_back(gang);
  gangs.push_back(maxGang);

  std::vector<VariantAttr> variants;
  std::array<double, 5> work = expectedWorkOf(kernel, assume);
  for (uint32_t gang : gangs)
    variants.push_back(
        kernel.getKind() == KernelKind::Profiled
            ? makeProfiledVariant(kernel, gang)
            : makeVariant(kernel, target, kernel.getPeaClass(), gang, work));
  return variants;
}

} // namespace octo::spatial
