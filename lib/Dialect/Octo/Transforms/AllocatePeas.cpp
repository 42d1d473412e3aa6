//===- AllocatePeas.cpp - Shares of PEAs and homes of blocks --------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The pass around octo::sched::allocate.
//
//===----------------------------------------------------------------------===//

#include "ScheduleProblem.h"

#include "octo/Dialect/OWG/IR/OWG.h"
#include "octo/Dialect/Octo/Transforms/Homes.h"
#include "octo/Dialect/Octo/Transforms/Passes.h"
#include "octo/Scheduling/Allocator.h"
#include "octo/Support/CompileReport.h"

namespace octo::spatial {
#define GEN_PASS_DEF_OCTOALLOCATEPEAS
#include "octo/Dialect/Octo/Transforms/Passes.h.inc"
} // namespace octo::spatial

using namespace mlir;
using namespace octo::spatial;
namespace sched = octo::sched;

namespace {

class AllocatePeas
    : public octo::spatial::impl::OctoAllocatePeasBase<AllocatePeas> {
public:
  using OctoAllocatePeasBase::OctoAllocatePeasBase;

  void runOnOperation() override {
    if (failed(run()))
      signalPassFailure();
  }

private:
  LogicalResult run() {
    if (decisions != "on" && decisions != "off" && decisions != "auto")
      return emitError(UnknownLoc::get(&getContext()))
             << "octo-allocate-peas: decisions is on, off or auto, not '"
             << decisions.getValue() << "'";
    if (!(gangEfficiency >= 0 && gangEfficiency <= 1))
      return emitError(UnknownLoc::get(&getContext()))
             << "octo-allocate-peas: gang-efficiency is between 0 and 1";
    if (!(loadSlack >= 0 && loadSlack <= 1000))
      return emitError(UnknownLoc::get(&getContext()))
             << "octo-allocate-peas: load-slack is between 0 and 1000";
    if (!(mapLoss >= 0 && mapLoss <= 1000))
      return emitError(UnknownLoc::get(&getContext()))
             << "octo-allocate-peas: map-loss is between 0 and 1000";
    FailureOr<ModuleMachine> machine =
        getMachine(getOperation(), "octo-allocate-peas");
    if (failed(machine))
      return failure();
    EstimateAssumptions assume{defaultDim, defaultTrips};
    SymbolTableCollection symbols;

    // Variants, once for all programs of the module.
    std::array<uint64_t, 3> live{};
    std::array<uint32_t, 3> longest{};
    countPeas(machine->target, *machine->topology, live, longest);
    SmallVector<ProgramOp> programs(getOperation().getOps<ProgramOp>());
    for (ProgramOp program : programs) {
      FailureOr<std::vector<KernelOp>> kernels = usedKernels(program, symbols);
      if (failed(kernels))
        return failure();
      for (KernelOp kernel : *kernels)
        if (failed(addVariants(kernel, machine->target, live, longest, assume)))
          return failure();
    }
    for (ProgramOp program : programs)
      if (failed(place(program, *machine, symbols, assume,
                       uint32_t(programs.size()))))
        return failure();
    return success();
  }

  static void countPeas(const octo::TargetDesc &target,
                        const octo::Topology &topology,
                        std::array<uint64_t, 3> &live,
                        std::array<uint32_t, 3> &longest) {
    for (uint32_t tbu = 0; tbu < target.numTbus(); ++tbu) {
      uint64_t mask = topology.livePeaMask(tbu);
      std::array<uint32_t, 3> run{};
      for (uint32_t p = 0; p < target.peasPerTbu; ++p) {
        unsigned own = unsigned(target.pea.layout[p]);
        for (unsigned c = 0; c < 3; ++c) {
          bool counts = c == own && (mask >> p & 1);
          live[c] += counts;
          run[c] = counts ? run[c] + 1 : 0;
          longest[c] = std::max(longest[c], run[c]);
        }
      }
    }
  }

  LogicalResult addVariants(KernelOp kernel, const octo::TargetDesc &target,
                            const std::array<uint64_t, 3> &live,
                            const std::array<uint32_t, 3> &longest,
                            const EstimateAssumptions &assume) {
    if (kernel.getVariantsAttr() && !kernel.getVariantsAttr().empty())
      return success();
    PeaClass peaClass = chooseClass(kernel, target, live, assume);
    kernel.setPeaClass(peaClass);
    FailureOr<std::vector<VariantAttr>> variants =
        makeVariants(kernel, target, longest[unsigned(peaClass)], assume);
    if (failed(variants))
      return failure();
    kernel.setVariantsAttr(ArrayAttr::get(
        &getContext(),
        llvm::map_to_vector(*variants,
                            [](VariantAttr v) -> Attribute { return v; })));
    octo::CompileReport::add("octo-allocate-peas", "variants",
                             variants->size());
    return success();
  }

  LogicalResult place(ProgramOp program, const ModuleMachine &machine,
                      SymbolTableCollection &symbols,
                      const EstimateAssumptions &assume, uint32_t numPrograms) {
    FailureOr<ScheduleProblem> problem =
        buildProblem(program, machine.target, symbols, assume);
    if (failed(problem))
      return failure();
    sched::AllocateOptions options;
    options.lanes = lanes;
    options.gangEfficiencyQ16 = uint32_t(gangEfficiency * 65536);
    options.loadSlackQ16 = uint32_t(loadSlack * 65536);
    options.standby = standby;
    options.mapByData = mapByData;
    options.mapMostBlocks = mapMostBlocks;
    options.mapLossQ16 = uint32_t(mapLoss * 65536);
    options.recordDecisions =
        decisions == "on" ||
        (decisions == "auto" && problem->problem.numBlocks() <= 20000);
    sched::Checked<sched::Allocation> allocation =
        sched::allocate(problem->problem, *machine.topology, options);
    if (!allocation) {
      emitViolation(program, *problem, allocation.error());
      return failure();
    }

    const sched::Placement &placement = allocation->placement;
    for (uint32_t b = 0; b < problem->problem.numBlocks(); ++b)
      writePlace(problem->layout.blocks[b].op, placement, b, numPrograms);
    writeDecisions(*problem, *allocation);
    program->removeAttr(homesNoteName);
    if (allocation->mapped)
      program->setAttr(
          homesNoteName,
          StringAttr::get(&getContext(), describeHoming(*allocation)));

    auto count = [](StringRef name, uint64_t value) {
      octo::CompileReport::add("octo-allocate-peas", name, value);
    };
    count("blocks", problem->problem.numBlocks());
    count("lanes", placement.lanes);
    count("tbus_per_lane", allocation->tbusPerLane);
    count("replicas", placement.replicas.size());
    count("decisions", allocation->decisions.size());
    count("bottleneck_cycles_per_request",
          (allocation->bottleneckQ16 + 65535) >> 16);
    const sched::HomingPlan &taken =
        allocation->homingPlans[size_t(allocation->homing)];
    count("hop_bytes_per_request", taken.hopBytes);
    count("homed_by_data", allocation->homing == sched::Homing::Data);
    if (allocation->mapped) {
      const auto &[byTime, byData] = allocation->homingPlans;
      count("hop_bytes_by_time", byTime.hopBytes);
      count("hop_bytes_by_data", byData.hopBytes);
      count("busiest_cycles_by_time", (byTime.busiestQ16 + 65535) >> 16);
      count("busiest_cycles_by_data", (byData.busiestQ16 + 65535) >> 16);
      count("request_cycles_by_time", byTime.length);
      count("request_cycles_by_data", byData.length);
    }
    return success();
  }

  /// Why homes are as they are.
  static std::string describeHoming(const sched::Allocation &allocation) {
    const auto &[byTime, byData] = allocation.homingPlans;
    auto cycles = [](uint64_t q16) { return (q16 + 65535) >> 16; };
    std::string figures = fmt::format(
        "{} bytes times hops a request (by time: {}), {} cycles for one alone "
        "({}), {} for the busiest PEA ({})",
        byData.hopBytes, byTime.hopBytes, byData.length, byTime.length,
        cycles(byData.busiestQ16), cycles(byTime.busiestQ16));
    if (allocation.homing == sched::Homing::Data)
      return "by data, mapped onto the mesh: " + figures;
    return std::string("by time, since by data ") +
           (byData.hopBytes >= byTime.hopBytes ? "nothing would travel less: "
                                               : "it would take too long: ") +
           figures;
  }

  void writeDecisions(const ScheduleProblem &problem,
                      const sched::Allocation &allocation) {
    SmallVector<Attribute> records;
    size_t at = 0;
    for (uint32_t b = 0; b < problem.problem.numBlocks(); ++b) {
      records.clear();
      for (; at < allocation.decisions.size() &&
             allocation.decisions[at].block == b;
           ++at)
        records.push_back(
            makeDecision(&getContext(), allocation.decisions[at]));
      BlockOpInterface op = problem.layout.blocks[b].op;
      if (!records.empty())
        op.setDecisionsAttr(ArrayAttr::get(&getContext(), records));
      else if (op.getDecisionsAttr())
        op->removeAttr("decisions");
    }
  }
};

} // namespace
