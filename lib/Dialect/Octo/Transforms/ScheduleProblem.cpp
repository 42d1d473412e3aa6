//===- ScheduleProblem.cpp - A program as a scheduling problem ------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything here is linear in the program.
//
//===----------------------------------------------------------------------===//

#include "ScheduleProblem.h"

#include "octo/Dialect/OWG/IR/OWG.h"
#include "octo/Program/Distribution.h"
#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace octo::spatial {

FailureOr<ModuleMachine> getMachine(ModuleOp module, StringRef pass) {
  MachineOp machine;
  ProgramOp program;
  Operation *workflow = nullptr;
  for (Operation &op : *module.getBody()) {
    if (auto found = dyn_cast<MachineOp>(op)) {
      if (machine) {
        InFlightDiagnostic diagnostic = found.emitOpError()
                                        << "is the second of the module; "
                                        << pass << " needs one machine";
        diagnostic.attachNote(machine.getLoc()) << "the first is here";
        return failure();
      }
      machine = found;
    }
    if (auto found = dyn_cast<ProgramOp>(op); found && !program)
      program = found;
    if (isa<owg::WorkflowOp>(op) && !workflow)
      workflow = &op;
  }
  if (!program) {
    if (workflow)
      workflow->emitError() << pass
                            << " works on octo.program; run "
                               "convert-owg-to-octo first";
    else
      module.emitError() << pass
                         << ": the module has no octo.program; write a "
                            "workflow and run convert-owg-to-octo first";
    return failure();
  }
  if (!machine) {
    program.emitOpError() << "has no machine to be placed on; run "
                             "octo-set-machine before "
                          << pass;
    return failure();
  }
  Expected<TargetDesc> target = machine.getTargetDesc();
  if (!target) {
    machine.emitOpError() << target.error().message;
    return failure();
  }
  if (Expected<void> sound = checkTarget(*target); !sound) {
    machine.emitOpError() << sound.error().message;
    return failure();
  }
  ModuleMachine result;
  result.target = *target;
  result.topology = std::make_unique<Topology>(*target);
  return std::move(result);
}

FailureOr<std::vector<KernelOp>> usedKernels(ProgramOp program,
                                             SymbolTableCollection &symbols) {
  std::vector<KernelOp> kernels;
  llvm::DenseMap<Attribute, KernelOp> seen;
  auto use = [&](Operation *op, FlatSymbolRefAttr name) -> LogicalResult {
    if (!name)
      return success();
    auto [it, isNew] = seen.try_emplace(name);
    if (!isNew)
      return success();
    it->second = symbols.lookupNearestSymbolFrom<KernelOp>(program, name);
    if (!it->second)
      return op->emitOpError()
             << "names kernel " << name << ", which is no octo.kernel";
    kernels.push_back(it->second);
    return success();
  };
  for (Operation &op : program.getBlock()) {
    if (auto block = dyn_cast<BlockOpInterface>(op)) {
      if (failed(use(&op, block.getKernelAttr())))
        return failure();
    } else if (auto join = dyn_cast<JoinOp>(op)) {
      if (failed(use(&op, join.getKernelAttr())))
        return failure();
    }
  }
  return kernels;
}

namespace {

/// Cycles below which 95 of 100 draws stay.
uint64_t quantile95(DistributionAttr distribution) {
  return static_cast<uint64_t>(distribution.sample(~uint64_t(0) / 100 * 95));
}

uint64_t meanOf(DistributionAttr distribution) {
  return (distribution.getMeanQ16() + 32768) >> 16;
}

/// Distributions as the runtime has them. Those of one shape share it: most of
/// a hundred thousand do.
class Distributions {
public:
  Distribution of(DistributionAttr distribution) {
    CurveAttr curve = distribution.getCurve();
    std::shared_ptr<const Curve> &shape = shapes[curve];
    if (!shape)
      shape = std::make_shared<Curve>(
          std::vector<uint64_t>(curve.getU().begin(), curve.getU().end()),
          std::vector<int64_t>(curve.getX().begin(), curve.getX().end()),
          curve.getDiscrete());
    return Distribution(shape, distribution.getScale(),
                        distribution.getShift());
  }

private:
  llvm::DenseMap<Attribute, std::shared_ptr<const Curve>> shapes;
};

/// Of cycles without a profile that vary: a normal spread that passes twice the
/// mean one time in twenty, (1 / 1.645)^2.
constexpr uint64_t assumedVariationQ16 = 24219;

/// Variance over the square of the mean, in 1/65536.
uint64_t variationOf(const Distribution &distribution) {
  constexpr double most = double(uint64_t(1) << 40);
  if (distribution.isConstant())
    return 0;
  const double mean = double(distribution.meanQ16()) / 65536;
  if (mean <= 0)
    return 0;
  const double variation = distribution.variance() / (mean * mean);
  return uint64_t(std::clamp(variation * 65536.0, 0.0, most));
}

class Builder {
public:
  Builder(ProgramOp program, const TargetDesc &target,
          SymbolTableCollection &symbols, const EstimateAssumptions &assume)
      : program(program), target(target), symbols(symbols), assume(assume) {}

  FailureOr<ScheduleProblem> build();

private:
  LogicalResult addKernels();
  void addRegions();
  LogicalResult addBlocks();
  void classify(uint32_t block);
  void addEdges();

  /// Where a value comes from: a block, `none` for the host, `weight` for a
  /// weight. Imports are followed to the producer outside.
  static constexpr uint32_t weight = sched::none - 1;
  uint32_t sourceOf(Value value);
  uint32_t blockOf(Operation *op) { return result.layout.blockOf.lookup(op); }
  uint64_t variation(DistributionAttr distribution) {
    auto [it, isNew] = variations.try_emplace(distribution, 0);
    if (isNew)
      it->second = variationOf(distributions.of(distribution));
    return it->second;
  }
  static uint64_t bytesOf(Value value) {
    auto type = dyn_cast<FlowType>(value.getType());
    return type ? type.getBytes() : 0;
  }

  ProgramOp program;
  const TargetDesc &target;
  SymbolTableCollection &symbols;
  const EstimateAssumptions &assume;
  ScheduleProblem result;
  sched::Problem &p = result.problem;
  llvm::DenseMap<Attribute, uint32_t> kernelNumber;
  llvm::DenseMap<Attribute, uint32_t> weightNumber;
  llvm::DenseMap<Value, uint32_t> sources;
  Distributions distributions;
  llvm::DenseMap<Attribute, uint64_t> variations;
  /// Of a kernel: expected cycles on one PEA; whether the work varies and why.
  std::vector<uint64_t> kernelCycles;
  std::vector<std::string> kernelVaries;
};

LogicalResult Builder::addKernels() {
  FailureOr<std::vector<KernelOp>> used = usedKernels(program, symbols);
  if (failed(used))
    return failure();
  for (KernelOp kernel : *used) {
    uint32_t number = uint32_t(p.codeBytes.size());
    kernelNumber[FlatSymbolRefAttr::get(kernel.getSymNameAttr())] = number;
    result.kernels.push_back(kernel);
    p.kernelName.push_back(kernel.getSymName().str());
    p.codeBytes.push_back(kernel.getCodeBytes());
    p.peaClass.push_back(octo::PeaClass(unsigned(kernel.getPeaClass())));
    if (!kernel.getVariantsAttr() || kernel.getVariantsAttr().empty())
      return kernel.emitOpError()
             << "has no variants yet; run octo-allocate-peas first";
    // Drawn cycles stand for any number: a large one keeps the ratios exact.
    constexpr uint64_t unit = uint64_t(1) << 32;
    uint64_t one = 0;
    uint32_t last = 0;
    for (auto variant : kernel.getVariantsAttr().getAsRange<VariantAttr>()) {
      uint64_t cycles = variantCycles(kernel, variant, target, unit, assume);
      if (!one) {
        if (variant.getGang() != 1)
          return kernel.emitOpError()
                 << "has no variant for one PEA; variants start at gang 1";
        one = cycles;
        kernelCycles.push_back(one);
      }
      if (variant.getGang() <= last)
        return kernel.emitOpError()
               << "has variants that are not in ascending order of gangs";
      last = variant.getGang();
      sched::GangOption option;
      option.gang = variant.getGang();
      option.scaleQ16 = uint32_t(std::clamp<double>(
          double(cycles) * 65536.0 / double(one) + 0.5, 1, 1 << 24));
      if (option.gang == 1)
        option.scaleQ16 = 65536;
      option.footprint = variant.getFootprint();
      p.gangs.push_back(option);
    }
    p.gangOffsets.push_back(uint32_t(p.gangs.size()));

    std::string why;
    if (kernel.getKind() == KernelKind::Image)
      if (SmallVector<uint32_t> symbols = kernel.getWorkSymbols();
          !symbols.empty()) {
        uint32_t symbol = symbols.front();
        why = symbol >> 31
                  ? "time: a loop in the body depends on data (counter " +
                        std::to_string(symbol & 0x7fffffffu) + ")"
                  : "time: dimension " + std::to_string(symbol & 255) +
                        " of input " + std::to_string(symbol >> 8) +
                        " is known only at run time";
      }
    kernelVaries.push_back(std::move(why));
  }
  return success();
}

void Builder::addRegions() {
  for (const ProgramLayout::Scope &scope : result.layout.scopes) {
    p.regionOwner.push_back(scope.owner);
    uint64_t rate = 65536;
    uint64_t spread = 0; // variance over the square of the mean
    bool serial = false;
    bool copied = false;
    if (scope.owner != ProgramLayout::none) {
      const ProgramLayout::Block &owner = result.layout.blocks[scope.owner];
      copied = p.regionCopied[owner.scope];
      BlockOpInterface op = owner.op;
      ArrayRef<uint64_t> frequencies;
      DistributionAttr draw;
      if (ProfileAttr profile = op.getProfileAttr()) {
        frequencies = profile.getEpochs().front().frequencies;
        draw = profile.getEpochs().front().getDraw();
      }
      uint64_t times = draw ? draw.getMeanQ16() : assume.defaultTrips << 16;
      if (auto loop = dyn_cast<LoopOp>(op.getOperation()); loop && !draw)
        if (loop.getBound())
          times = std::min<uint64_t>(times, uint64_t(loop.getBound()) << 16);
      switch (scope.role) {
      case ScopeRole::Body:
        break;
      case ScopeRole::Case:
        rate = scope.number < frequencies.size()
                   ? frequencies[scope.number] >> 16
                   : 65536 / owner.numScopes;
        break;
      case ScopeRole::Member:
        rate = scope.number < frequencies.size()
                   ? frequencies[scope.number] >> 16
                   : 32768;
        break;
      case ScopeRole::Before: {
        rate = times + 65536;
        serial = true;
        // One more time than `after`, which does not change the variance.
        double fewer = double(times) / double(rate);
        spread =
            uint64_t(double(draw ? variation(draw) : 65536) * fewer * fewer);
        break;
      }
      case ScopeRole::After:
        rate = times;
        serial = true;
        spread = draw ? variation(draw) : 65536;
        break;
      case ScopeRole::Each:
        rate = times;
        copied = true;
        spread = draw ? variation(draw) : 65536;
        break;
      }
      // Runs or does not.
      if (scope.role == ScopeRole::Case || scope.role == ScopeRole::Member)
        spread = rate && rate < 65536 ? ((65536 - rate) << 16) / rate : 0;
    }
    p.regionRateQ16.push_back(rate);
    p.regionVariationQ16.push_back(spread);
    p.regionSerial.push_back(serial);
    p.regionCopied.push_back(copied);
    p.regionExclusive.push_back(scope.role == ScopeRole::Case);
  }
}

void Builder::classify(uint32_t block) {
  Operation *op = result.op(block);
  if (auto known =
          op->getAttrOfType<owg::ClassAttr>(owg::ClassAttr::attrName())) {
    p.dynamicTime.push_back(known.getDynamicTime());
    p.dynamicFrequency.push_back(known.getDynamicFrequency());
    result.reason.push_back(known.getReason().getValue().str());
    return;
  }
  // A program that did not come through owg-classify: the same rules.
  auto varies = [](ProfileAttr profile, bool frequencies) {
    if (!profile)
      return false;
    const Epoch &first = profile.getEpochs().front();
    for (const Epoch &epoch : profile.getEpochs().drop_front())
      if (frequencies ? epoch.frequencies != first.frequencies
                      : epoch.draw != first.draw)
        return true;
    if (!frequencies && first.draw)
      return double(quantile95(first.getDraw())) >
             1.1 * double(first.getDraw().getMeanQ16()) / 65536.0 + 1;
    return false;
  };
  BlockOpInterface iface = result.layout.blocks[block].op;
  ProfileAttr profile = iface.getProfileAttr();
  std::string why;
  bool dynamicTime = false, dynamicFrequency = false;
  if (iface.isTask()) {
    bool draws = profile && profile.getEpochs().front().draw;
    if (draws)
      dynamicTime = varies(profile, false);
    if (dynamicTime)
      why = "time: the cycles of the profile vary";
    if (!draws && !kernelVaries[p.kernel[block]].empty()) {
      dynamicTime = true;
      why = kernelVaries[p.kernel[block]];
    }
  }
  // How often: as its region, unless that is decided anew each time.
  const ProgramLayout::Scope &scope =
      result.layout.scopes[result.layout.blocks[block].scope];
  if (scope.owner != ProgramLayout::none) {
    BlockOpInterface owner = result.layout.blocks[scope.owner].op;
    ProfileAttr outer = owner.getProfileAttr();
    bool choice =
        scope.role == ScopeRole::Case || scope.role == ScopeRole::Member;
    bool fixed =
        choice
            ? outer && !varies(outer, true) &&
                  !outer.getEpochs().front().frequencies.empty() &&
                  llvm::all_of(outer.getEpochs().front().frequencies,
                               [](uint64_t f) {
                                 return f == 0 || f == uint64_t(1) << 32;
                               })
            : outer && outer.getEpochs().front().draw && !varies(outer, false);
    dynamicFrequency = !fixed || p.dynamicFrequency[scope.owner];
    if (dynamicFrequency) {
      if (!why.empty())
        why += "; ";
      why +=
          "frequency: '" + owner.getPathAttr().getValue().str() + "' decides";
    }
  }
  p.dynamicTime.push_back(dynamicTime);
  p.dynamicFrequency.push_back(dynamicFrequency);
  result.reason.push_back(why.empty() ? "known at compile time" : why);
}

LogicalResult Builder::addBlocks() {
  for (uint32_t b = 0; b < result.layout.blocks.size(); ++b) {
    const ProgramLayout::Block &block = result.layout.blocks[b];
    BlockOpInterface op = block.op;
    p.path.push_back(op.getPathAttr().getValue().str());
    p.region.push_back(block.scope);
    uint64_t cycles = 0, p95 = 0;
    DistributionAttr draw;
    if (ProfileAttr profile = op.getProfileAttr())
      draw = profile.getEpochs().front().getDraw();
    FlatSymbolRefAttr name = op.getKernelAttr();
    auto kernel = kernelNumber.find(name);
    if (op.isTask()) {
      p.kernel.push_back(kernel->second);
      cycles = draw ? std::max<uint64_t>(1, meanOf(draw))
                    : kernelCycles[kernel->second];
      // Without a profile the spread is not known: assumed, twice the mean.
      p95 = draw ? quantile95(draw)
                 : cycles * (kernelVaries[kernel->second].empty() ? 1 : 2);
    } else {
      p.kernel.push_back(sched::none);
      cycles = target.controlPlane.cbDecisionCycles;
      if (name && kernel != kernelNumber.end()) {
        std::array<double, 5> work =
            expectedWorkOf(result.kernels[kernel->second], assume);
        double operations = work[0] + work[1] + work[2] + work[3];
        cycles += uint64_t(std::min(
            operations * target.controlPlane.cbCyclesPerScalarQ16 / 65536.0,
            1e15));
      }
      p95 = cycles;
    }
    p.cycles.push_back(std::min<uint64_t>(cycles, uint64_t(1) << 50));
    p.cyclesVariationQ16.push_back(draw           ? variation(draw)
                                   : p95 > cycles ? assumedVariationQ16
                                                  : 0);
    p.cyclesP95.push_back(
        std::min<uint64_t>(std::max(cycles, p95), uint64_t(1) << 51));
    PinAttr pin = op.getPinAttr();
    p.pinCluster.push_back(pin ? pin.getCluster().value_or(sched::none)
                               : sched::none);
    p.pinTbu.push_back(pin ? pin.getTbu().value_or(sched::none) : sched::none);
    auto gang = [](std::optional<uint32_t> value) {
      return uint16_t(std::min(value.value_or(0), 65535u));
    };
    p.pinGang.push_back(pin ? gang(pin.getGang()) : uint16_t(0));
    p.maxGang.push_back(pin ? gang(pin.getMaxGang()) : uint16_t(0));
    classify(b);
    for (Value input : op.getBlockInputs()) {
      auto use = skipFlows(input).getDefiningOp<UseWeightOp>();
      if (!use)
        continue;
      auto [it, isNew] = weightNumber.try_emplace(
          use.getWeightAttr(), uint32_t(p.weightBytes.size()));
      if (isNew)
        p.weightBytes.push_back(bytesOf(use.getValue()));
      p.weights.push_back(it->second);
    }
    p.weightOffsets.push_back(uint32_t(p.weights.size()));
  }
  return success();
}

uint32_t Builder::sourceOf(Value value) {
  // Imports chain through the nesting; every link is remembered.
  llvm::SmallVector<Value, 4> chain;
  uint32_t source = sched::none;
  while (true) {
    value = skipFlows(value);
    if (auto it = sources.find(value); it != sources.end()) {
      source = it->second;
      break;
    }
    chain.push_back(value);
    Operation *op = value.getDefiningOp();
    if (isa<EntryOp>(op))
      break;
    if (isa<UseWeightOp>(op)) {
      source = weight;
      break;
    }
    if (Operation *producer = getProducer(value)) {
      source = blockOf(producer);
      break;
    }
    // An import of a scope. Imports of all scopes have been entered already;
    // what is left is the index of a copy.
    source = blockOf(op);
    break;
  }
  for (Value link : chain)
    sources[link] = source;
  return source;
}

/// How many inputs of a block it waits for, those being the first: all of a
/// task; what a decision is made of; the carried values of a loop.
static size_t inputsNeeded(BlockOpInterface block) {
  return llvm::TypeSwitch<Operation *, size_t>(block.getOperation())
      .Case<SwitchOp, SelectOp>(
          [](auto op) { return op.getDecideInputs().size(); })
      .Case<LoopOp>([](LoopOp op) { return op.getInits().size(); })
      .Case<ForkOp>([](ForkOp op) { return op.getCount() ? 1 : 0; })
      .Default([&](Operation *) { return block.getBlockInputs().size(); });
}

void Builder::addEdges() {
  auto flow = [&](uint32_t from, Value value, uint32_t to) {
    if (from != weight && !(from == sched::none && to == sched::none) &&
        from != to)
      p.flows.push_back({from, to, bytesOf(value)});
  };
  for (uint32_t b = 0; b < result.layout.blocks.size(); ++b) {
    BlockOpInterface op = result.layout.blocks[b].op;
    const size_t needed = inputsNeeded(op);
    for (auto [i, input] : llvm::enumerate(op.getBlockInputs()))
      if (Operation *producer = getProducer(input)) {
        p.edges.push_back({blockOf(producer), b, bytesOf(input)});
        p.edges.back().late = i >= needed;
        if (FlowOp stream = getStream(input)) {
          p.edges.back().chunks = uint16_t(*stream.getChunks());
          p.edges.back().buffer =
              uint16_t(std::min(stream.getBuffer(), *stream.getChunks()));
        }
      }

    auto control = dyn_cast<ControlOpInterface>(op.getOperation());
    if (!control) {
      for (Value input : op.getBlockInputs())
        flow(sourceOf(input), input, b);
      continue;
    }
    // What the decision waits for, and the inits, come to the control block;
    // what its scopes take in is passed through to their blocks. Outer scopes
    // come first, so the sources of its inputs are known.
    OperandRange inputs = control.getBlockInputs();
    std::vector<bool> captured(inputs.size(), false);
    auto closer = dyn_cast_or_null<DecideOp>(control.getCloser());
    unsigned at = 1, k = 0;
    for (int32_t size : control.getImportSizes()) {
      for (int32_t i = 0; i < size; ++i, ++k) {
        Value import = control->getResult(at + 1 + i);
        uint32_t code = uint32_t(control.getImports()[k]);
        if (code & ControlOpInterface::forwarded) {
          uint32_t j = code & ~ControlOpInterface::forwarded;
          sources[import] = closer && j < closer.getForwards().size()
                                ? sourceOf(closer.getForwards()[j])
                                : b;
        } else if (code == ControlOpInterface::copyIndex ||
                   code >= inputs.size()) {
          sources[import] = b;
        } else {
          captured[code] = true;
          sources[import] = sourceOf(inputs[code]);
        }
      }
      at += 1 + size;
    }
    for (auto [i, input] : llvm::enumerate(inputs))
      if (!captured[i])
        flow(sourceOf(input), input, b);
  }
  // Yields and decisions come back to the control block.
  for (Operation &op : program.getBlock()) {
    if (isa<MergeOp, JoinOp, DecideOp>(op)) {
      uint32_t control = blockOf(op.getOperand(0).getDefiningOp());
      for (Value value : op.getOperands().drop_front())
        if (uint32_t from = sourceOf(value); from != sched::none)
          flow(from, value, control);
    } else if (auto loop = dyn_cast<LoopOp>(op)) {
      for (Value next : loop.getNext())
        if (uint32_t from = sourceOf(next); from != sched::none)
          flow(from, next, blockOf(loop));
    } else if (auto exit = dyn_cast<ExitOp>(op)) {
      for (Value value : exit.getResults_())
        flow(sourceOf(value), value, sched::none);
    }
  }
}

FailureOr<ScheduleProblem> Builder::build() {
  FailureOr<ProgramLayout> layout = computeLayout(program);
  if (failed(layout))
    return failure();
  result.layout = std::move(*layout);
  if (failed(addKernels()))
    return failure();
  addRegions();
  if (failed(addBlocks()))
    return failure();
  addEdges();
  return std::move(result);
}

} // namespace

FailureOr<ScheduleProblem> buildProblem(ProgramOp program,
                                        const TargetDesc &target,
                                        SymbolTableCollection &symbols,
                                        const EstimateAssumptions &assume) {
  return Builder(program, target, symbols, assume).build();
}

sched::RequestModel buildRequestModel(ProgramOp program,
                                      const ScheduleProblem &from,
                                      const EstimateAssumptions &assume) {
  sched::RequestModel model;
  auto add = [&](const octo::Distribution &distribution) {
    model.distributions.push_back(distribution);
    return uint32_t(model.distributions.size()) - 1;
  };
  Distributions distributions;
  llvm::DenseMap<Attribute, uint32_t> known;
  uint32_t assumedTrips = sched::none;
  for (uint32_t b = 0; b < from.problem.numBlocks(); ++b) {
    BlockOpInterface op = from.layout.blocks[b].op;
    DistributionAttr draw;
    if (ProfileAttr profile = op.getProfileAttr())
      draw = profile.getEpochs().front().getDraw();
    uint32_t number = sched::none;
    if (draw) {
      auto [it, isNew] = known.try_emplace(draw, 0);
      if (isNew)
        it->second = add(distributions.of(draw));
      number = it->second;
    } else if (isa<LoopOp, ForkOp>(op.getOperation())) {
      // As many as the problem takes; its variance is that of a geometric one.
      if (assumedTrips == sched::none)
        assumedTrips = add(*octo::Distribution::geometric(
            1.0 / (double(assume.defaultTrips) + 1)));
      number = assumedTrips;
    } else if (const uint64_t v = from.problem.cyclesVariationQ16[b]) {
      const double mean = double(from.problem.cycles[b]);
      number = add(*octo::Distribution::normal(
          std::min(mean, octo::Distribution::maxValue),
          std::min(mean * std::sqrt(double(v) / 65536),
                   octo::Distribution::maxValue)));
    }
    model.ofBlock.push_back(number);
    if (auto tb = dyn_cast<TbOp>(op.getOperation()); tb && tb.getSlotAttr()) {
      model.slotStart.resize(from.problem.numBlocks(),
                             sched::RequestModel::noSlot);
      model.slotStart[b] = tb.getSlotAttr().getStart();
    }
  }
  auto bytes = [](TypeRange types) {
    uint64_t sum = 0;
    for (Type type : types)
      if (auto flow = dyn_cast<FlowType>(type))
        sum += flow.getBytes();
    return sum;
  };
  for (Operation &op : program.getBlock())
    if (isa<EntryOp>(op))
      model.argumentBytes += bytes(op.getResultTypes());
    else if (auto exit = dyn_cast<ExitOp>(op))
      model.resultBytes += bytes(exit.getResults_().getTypes());
  return model;
}

FailureOr<sched::Placement> readPlacement(const ScheduleProblem &from,
                                          StringRef pass) {
  sched::Placement placement;
  for (const ProgramLayout::Block &block : from.layout.blocks) {
    BlockOpInterface op = block.op;
    PlaceAttr place = op.getPlaceAttr();
    if (!place || place.getReplicas().empty()) {
      op.emitOpError() << "'" << op.getPathAttr().getValue()
                       << "' has no place; run octo-allocate-peas before "
                       << pass;
      return failure();
    }
    for (const Replica &r : place.getReplicas())
      placement.replicas.push_back({r.cluster, r.tbu, r.peaFirst, r.peaCount,
                                    r.maxGang, r.shareQ16, r.standby});
    placement.offsets.push_back(uint32_t(placement.replicas.size()));
    placement.routing.push_back(place.getRouting() == Routing::ByCopy
                                    ? sched::Routing::ByCopy
                                    : sched::Routing::ByRequest);
  }
  return placement;
}

LogicalResult
forEachPlacedProgram(ModuleOp module, const TargetDesc &target,
                     const EstimateAssumptions &assume, StringRef pass,
                     function_ref<LogicalResult(PlacedProgram &)> visit) {
  SymbolTableCollection symbols;
  for (ProgramOp program : module.getOps<ProgramOp>()) {
    FailureOr<ScheduleProblem> problem =
        buildProblem(program, target, symbols, assume);
    if (failed(problem))
      return failure();
    FailureOr<sched::Placement> placement = readPlacement(*problem, pass);
    if (failed(placement))
      return failure();
    PlacedProgram placed{program, std::move(*problem), std::move(*placement)};
    if (failed(visit(placed)))
      return failure();
  }
  return success();
}

void writePlace(BlockOpInterface op, const sched::Placement &placement,
                uint32_t block, uint32_t numPrograms) {
  SmallVector<Replica> replicas;
  for (const sched::Replica &r : placement.of(block)) {
    Replica &replica = replicas.emplace_back();
    replica.cluster = r.cluster;
    replica.tbu = r.tbu;
    replica.peaFirst = r.peaFirst;
    replica.peaCount = r.peaCount;
    replica.maxGang = r.maxGang;
    replica.shareQ16 = r.shareQ16 / numPrograms;
    replica.standby = r.standby;
  }
  op.setPlaceAttr(PlaceAttr::get(
      op->getContext(), replicas,
      placement.routing[block] == sched::Routing::ByCopy ? Routing::ByCopy
                                                         : Routing::ByRequest));
}

DecisionAttr makeDecision(MLIRContext *context,
                          const sched::Decision &decision) {
  SmallVector<Candidate> candidates;
  for (const sched::Candidate &c : decision.candidates) {
    Candidate &candidate = candidates.emplace_back();
    candidate.cluster = c.cluster;
    candidate.tbu = c.tbu;
    candidate.gang = c.gang;
    candidate.score = c.score;
    candidate.outcome = Outcome(unsigned(c.outcome));
  }
  return DecisionAttr::get(context, DecisionKind(unsigned(decision.kind)),
                           candidates);
}

sched::Schedule readSchedule(const ScheduleProblem &from) {
  sched::Schedule schedule;
  std::vector<std::vector<sched::Slot>> slots(from.layout.segments.size());
  for (uint32_t b = 0; b < from.layout.blocks.size(); ++b)
    if (auto tb = dyn_cast<TbOp>(from.op(b)))
      if (SlotAttr slot = tb.getSlotAttr())
        slots[slot.getSegment()].push_back(
            {b, slot.getReplica(), slot.getStart(), slot.getCycles()});
  for (auto [s, segment] : llvm::enumerate(from.layout.segments)) {
    auto segmentOp = segment;
    schedule.region.push_back(
        from.layout.scopeOfAct.lookup(segmentOp.getAct()));
    schedule.interval.push_back(uint64_t(segmentOp.getInterval()));
    schedule.lanes.push_back(uint32_t(segmentOp.getLanes()));
    std::sort(slots[s].begin(), slots[s].end(),
              [](const sched::Slot &a, const sched::Slot &b) {
                return std::tie(a.start, a.block) < std::tie(b.start, b.block);
              });
    schedule.slots.insert(schedule.slots.end(), slots[s].begin(),
                          slots[s].end());
    schedule.offsets.push_back(uint32_t(schedule.slots.size()));
  }
  return schedule;
}

void emitViolation(ProgramOp program, const ScheduleProblem &problem,
                   const sched::Violation &violation) {
  Operation *at = violation.block == sched::none ? program.getOperation()
                                                 : problem.op(violation.block);
  InFlightDiagnostic diagnostic = at->emitError() << violation.message;
  for (uint32_t other : violation.others)
    diagnostic.attachNote(problem.op(other)->getLoc())
        << "'" << problem.problem.path[other] << "' is here";
}

} // namespace octo::spatial
