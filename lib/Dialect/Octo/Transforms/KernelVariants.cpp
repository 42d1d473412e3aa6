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
#include "octo/Program/CycleModel.h"
#include "octo/Program/StrictMath.h"
#include "octo/Target/Capacity.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace octo::spatial {

static constexpr double mostCycles = 1e15;

static uint64_t toCycles(double cycles) {
  return uint64_t(std::clamp(std::ceil(cycles), 0.0, mostCycles));
}

/// What a symbol of the work is expected to be.
static int64_t expectedSymbol(KernelOp kernel, owg::CostAttr cost,
                              uint32_t symbol,
                              const EstimateAssumptions &assume) {
  if (owg::FormAttr::isCounter(symbol)) {
    uint32_t counter = symbol & 0x7fffffffu;
    bool known = cost && counter < cost.getCounters().size();
    return int64_t(known ? cost.getCounters()[counter] : assume.defaultTrips);
  }
  ArrayRef<Type> inputs = kernel.getFunctionType().getInputs();
  if (symbol >> 8 < inputs.size())
    if (auto tensor = dyn_cast<RankedTensorType>(inputs[symbol >> 8]))
      if ((symbol & 255) < tensor.getRank() &&
          !tensor.isDynamicDim(symbol & 255))
        return tensor.getDimSize(symbol & 255);
  return int64_t(assume.defaultDim);
}

namespace {
/// The phases of a kernel with their expected numbers.
struct Phases {
  std::vector<octo::PhaseKind> kinds;
  std::vector<PhaseValues> values;
  std::vector<StringRef> names;
};
} // namespace

static Phases expectedPhases(KernelOp kernel,
                             const EstimateAssumptions &assume) {
  Phases result;
  ArrayAttr all = kernel.getPhasesAttr();
  if (!all)
    return result;
  std::vector<uint32_t> offsets{0}, symbolOffsets{0}, symbols;
  std::vector<int64_t> coefficients;
  std::vector<uint8_t> sizeKinds;
  auto add = [&](owg::FormAttr form) {
    for (unsigned t = 0; t < form.getNumTerms(); ++t) {
      coefficients.push_back(form.getCoefficients()[t]);
      llvm::append_range(symbols, form.getSymbolsOf(t));
      symbolOffsets.push_back(uint32_t(symbols.size()));
    }
    offsets.push_back(uint32_t(coefficients.size()));
  };
  for (auto phase : all.getAsRange<owg::PhaseAttr>()) {
    result.kinds.push_back(octo::PhaseKind(unsigned(phase.getKind())));
    result.names.push_back(phase.getName().getValue());
    llvm::for_each(phase.getForms(), add);
  }
  if (ArrayAttr sizes = kernel.getSizesAttr())
    for (auto size : sizes.getAsRange<owg::SizeAttr>()) {
      sizeKinds.push_back(uint8_t(size.getKind()));
      add(size.getFirst());
      add(size.getSecond());
    }
  FormTable table{offsets, coefficients, symbolOffsets,
                  symbols, sizeKinds,    uint32_t(result.kinds.size())};
  auto cost = kernel->getAttrOfType<owg::CostAttr>(owg::CostAttr::attrName());
  std::vector<int64_t> scratch;
  evaluatePhases(table, 0, table.numPhases, 0, uint32_t(sizeKinds.size()),
                 scratch, result.values, [&](uint32_t symbol) {
                   return expectedSymbol(kernel, cost, symbol, assume);
                 });
  return result;
}

static std::array<double, 5> sumOf(const Phases &phases) {
  std::array<double, 5> work{};
  for (const PhaseValues &phase : phases.values) {
    for (unsigned c = 0; c < 4; ++c)
      work[c] += double(phase.value[unsigned(PhaseForm::Mac) + c]);
    work[4] += double(phase[PhaseForm::Load]) + double(phase[PhaseForm::Store]);
  }
  return work;
}

std::array<double, 5> expectedWorkOf(KernelOp kernel,
                                     const EstimateAssumptions &assume) {
  std::array<double, 5> work = sumOf(expectedPhases(kernel, assume));
  auto cost = kernel->getAttrOfType<owg::CostAttr>(owg::CostAttr::attrName());
  if (ArrayAttr terms = kernel.getWorkAttr())
    for (auto term : terms.getAsRange<WorkAttr>()) {
      double product = double(term.getCoefficient());
      for (uint32_t symbol : term.getSymbols())
        product *= double(expectedSymbol(kernel, cost, symbol, assume));
      work[unsigned(term.getWorkClass())] += product;
    }
  return work;
}

static CycleMachine machineOf(const TargetDesc &target) {
  CycleMachine machine;
  machine.rows = target.pea.rows;
  machine.cols = target.pea.cols;
  machine.sram = target.pea.sramBytes;
  machine.scratchpad = target.scratchpad.bytes;
  for (const HbmPortDesc &port : target.hbmPorts) {
    if (!machine.hbmBytesPerCycle ||
        port.bytesPerCycle < machine.hbmBytesPerCycle)
      machine.hbmBytesPerCycle = port.bytesPerCycle;
    machine.hbmLatency = std::max(machine.hbmLatency, port.latencyCycles);
  }
  return machine;
}

/// Cycles an operation in 1/65536, rounded to nearest and never free.
static uint64_t perOperation(uint64_t rateQ16, uint32_t peas) {
  if (rateQ16 == 0)
    return 65536;
  double cost = 65536.0 * 65536.0 / (double(rateQ16) * peas);
  return std::max<uint64_t>(1, uint64_t(std::llround(std::min(cost, 1e15))));
}

/// The costs of a class on a gang: of one PEA for kernels with phases, whose
/// mappings say how the work is parted, of the whole gang for others.
static VariantCosts costsOf(KernelOp kernel, const TargetDesc &target,
                            PeaClass peaClass, uint32_t gang) {
  const PeaRatesDesc &rates = target.pea.rates[unsigned(peaClass)];
  bool phased = bool(kernel.getPhasesAttr());
  uint32_t peas = phased ? 1 : gang;
  VariantCosts costs;
  costs.gang = gang;
  costs.costQ16 = {
      perOperation(rates.macQ16, peas), perOperation(rates.vectorQ16, peas),
      perOperation(rates.specialQ16, peas),
      // Scalar work does not spread over PEAs.
      perOperation(rates.scalarQ16, 1),
      std::max<uint64_t>(1, 65536 / target.scratchpad.bytesPerCycle)};
  // A gang meets at the end of what it did together.
  costs.sync = phased ? barrierCycles(gang) : 0;
  costs.fixed = phased ? 0 : barrierCycles(gang);
  return costs;
}

namespace {
/// A variant, or why there is none.
struct Made {
  VariantCosts costs;
  std::vector<PhaseMapping> mappings;
  /// Of the phase that does not fit, the bytes that it needs beside the code.
  StringRef tooLarge;
  uint64_t need = 0;
};
} // namespace

static Made makeVariant(KernelOp kernel, const TargetDesc &target,
                        PeaClass peaClass, uint32_t gang,
                        const Phases &phases) {
  Made made;
  made.costs = costsOf(kernel, target, peaClass, gang);
  const CycleMachine machine = machineOf(target);
  const uint64_t macRate = target.pea.rates[unsigned(peaClass)].macQ16;
  const uint64_t code = kernel.getCodeBytes();
  uint64_t resident = 0;
  for (size_t p = 0; p < phases.kinds.size(); ++p) {
    made.mappings.push_back(chooseMapping(phases.kinds[p], phases.values[p],
                                          made.costs, macRate, machine));
    resident = std::max(
        resident, residentBytes(phases.values[p], made.mappings[p], gang));
  }
  made.costs.footprint = code + resident;
  bool fits = made.costs.footprint <= machine.sram;
  if (phases.kinds.empty() || (fits && kernel.getWorkSymbols().empty()))
    return made;
  // What does not fit streams through in tiles; sizes that are known only at
  // run time may turn out not to.
  const uint64_t budget = machine.sram > code ? machine.sram - code : 0;
  uint64_t tiles = 0;
  for (size_t p = 0; p < phases.kinds.size(); ++p) {
    if (!chooseTiles(phases.kinds[p], phases.values[p], machine, budget,
                     made.mappings[p]) &&
        made.tooLarge.empty()) {
      made.tooLarge = phases.names[p];
      PhaseMapping least = made.mappings[p];
      least.tileM = machine.rows;
      least.tileN = machine.cols;
      least.tileK = machine.rows;
      made.need = tileBytes(phases.values[p], phases.kinds[p], least);
    }
    tiles = std::max(
        tiles, tileBytes(phases.values[p], phases.kinds[p], made.mappings[p]));
  }
  if (fits)
    made.tooLarge = StringRef();
  else
    made.costs.footprint = code + tiles;
  return made;
}

static VariantAttr attributeOf(KernelOp kernel, const Made &made) {
  SmallVector<Attribute> maps;
  for (const PhaseMapping &map : made.mappings)
    maps.push_back(MapAttr::get(kernel.getContext(),
                                Dataflow(unsigned(map.dataflow)), map.parts[0],
                                map.parts[1], map.parts[2], map.parts[3],
                                map.tileM, map.tileN, map.tileK));
  const VariantCosts &costs = made.costs;
  return VariantAttr::get(
      kernel.getContext(), uint16_t(costs.gang), costs.fixed, costs.costQ16[0],
      costs.costQ16[1], costs.costQ16[2], costs.costQ16[3], costs.costQ16[4],
      costs.scaleQ16, costs.footprint, costs.sync,
      maps.empty() ? ArrayAttr() : ArrayAttr::get(kernel.getContext(), maps));
}

static uint64_t cyclesOf(KernelOp kernel, const VariantCosts &costs,
                         ArrayRef<PhaseMapping> mappings, const Phases &phases,
                         const TargetDesc &target, PeaClass peaClass,
                         const EstimateAssumptions &assume) {
  if (phases.kinds.empty()) {
    std::array<double, 5> expected = expectedWorkOf(kernel, assume);
    std::array<uint64_t, 5> work{};
    for (unsigned c = 0; c < 5; ++c)
      work[c] = toCycles(expected[c]);
    return std::max<uint64_t>(1, workCycles(costs, work));
  }
  return std::max<uint64_t>(
      1,
      callCycles(phases.kinds, phases.values,
                 std::span(mappings.data(), mappings.size()), costs,
                 kernel.getCodeBytes(),
                 target.pea.rates[unsigned(peaClass)].macQ16, machineOf(target))
          .cycles);
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
                          scale, footprint, 0, ArrayAttr());
}

uint64_t variantCycles(KernelOp kernel, VariantAttr variant,
                       const TargetDesc &target, uint64_t drawn,
                       const EstimateAssumptions &assume) {
  if (kernel.getKind() == KernelKind::Profiled)
    return std::max<uint64_t>(
        1, toCycles(double(drawn) * double(variant.getScaleQ16()) / 65536.0));
  VariantCosts costs;
  costs.fixed = variant.getFixed();
  costs.costQ16 = {variant.getMacQ16(), variant.getVectorQ16(),
                   variant.getSpecialQ16(), variant.getScalarQ16(),
                   variant.getBytesQ16()};
  costs.gang = variant.getGang();
  costs.sync = variant.getSync();
  SmallVector<PhaseMapping> mappings;
  if (ArrayAttr maps = variant.getMaps())
    for (auto map : maps.getAsRange<MapAttr>()) {
      PhaseMapping &mapping = mappings.emplace_back();
      mapping.tileM = map.getTileM();
      mapping.tileN = map.getTileN();
      mapping.tileK = map.getTileK();
      mapping.parts[0] = map.getCount();
      mapping.parts[1] = map.getM();
      mapping.parts[2] = map.getN();
      mapping.parts[3] = map.getK();
      mapping.dataflow = octo::Dataflow(unsigned(map.getDataflow()));
    }
  return cyclesOf(kernel, costs, mappings, expectedPhases(kernel, assume),
                  target, kernel.getPeaClass(), assume);
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
  Phases phases = expectedPhases(kernel, assume);
  uint64_t best = ~uint64_t(0), own = ~uint64_t(0);
  PeaClass bestClass = wanted;
  for (unsigned c = 0; c < 3; ++c) {
    if (!livePeas[c])
      continue;
    Made made = makeVariant(kernel, target, PeaClass(c), 1, phases);
    uint64_t cycles = cyclesOf(kernel, made.costs, made.mappings, phases,
                               target, PeaClass(c), assume);
    if (cycles < best)
      best = cycles, bestClass = PeaClass(c);
    if (PeaClass(c) == wanted)
      own = cycles;
  }
  return own / 2 <= best ? wanted : bestClass;
}

/// Tensors of a phase that have no place, neither in the scratchpad nor behind
/// it.
static LogicalResult checkSpill(KernelOp kernel, const TargetDesc &target,
                                const Phases &phases) {
  if (!target.hbmPorts.empty())
    return success();
  for (auto [phase, name] : llvm::zip(phases.values, phases.names))
    if (uint64_t held = phase[PhaseForm::Held]; held > target.scratchpad.bytes)
      return kernel.emitOpError()
             << "needs " << formatBytes(held)
             << " for the tensors that are alive in its phase '" << name
             << "', but a scratchpad of '" << target.name << "' has "
             << formatBytes(target.scratchpad.bytes)
             << " and there is no external memory to spill to; cut the task "
                "into smaller ones, or use a target with 'hbm'";
  return success();
}

FailureOr<std::vector<VariantAttr>>
makeVariants(KernelOp kernel, const TargetDesc &target, uint32_t maxGang,
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
  if (kernel.getKind() == KernelKind::Profiled) {
    for (uint32_t gang : gangs)
      variants.push_back(makeProfiledVariant(kernel, gang));
    return variants;
  }
  Phases phases = expectedPhases(kernel, assume);
  if (failed(checkSpill(kernel, target, phases)))
    return failure();
  for (uint32_t gang : gangs) {
    Made made = makeVariant(kernel, target, kernel.getPeaClass(), gang, phases);
    if (made.tooLarge.empty()) {
      variants.push_back(attributeOf(kernel, made));
      continue;
    }
    if (gang > 1)
      continue;
    uint64_t code = kernel.getCodeBytes();
    return kernel.emitOpError()
           << "needs at least " << formatBytes(code + made.need)
           << " in the SRAM of a PEA (" << formatBytes(code) << " of code, "
           << formatBytes(made.need) << " for the least tile of its phase '"
           << made.tooLarge << "' with double buffers), but a PEA of '"
           << target.name << "' has " << formatBytes(target.pea.sramBytes)
           << "; use a target with more 'sram', or cut the task into smaller "
              "ones";
  }
  return variants;
}

} // namespace octo::spatial
