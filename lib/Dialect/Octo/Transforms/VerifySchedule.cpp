//===- VerifySchedule.cpp - Checks places, timetables and tables ----------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The pass around octo::sched::verifyPlacement and verifySchedule.
//
//===----------------------------------------------------------------------===//

#include "ScheduleProblem.h"

#include "octo/Dialect/OWG/IR/OWG.h"
#include "octo/Dialect/Octo/Transforms/Passes.h"
#include "octo/Support/CompileReport.h"
#include "octo/Target/Capacity.h"

namespace octo::spatial {
#define GEN_PASS_DEF_OCTOVERIFYSCHEDULE
#include "octo/Dialect/Octo/Transforms/Passes.h.inc"
} // namespace octo::spatial

using namespace mlir;
using namespace octo::spatial;
namespace sched = octo::sched;

namespace {

class VerifySchedule
    : public octo::spatial::impl::OctoVerifyScheduleBase<VerifySchedule> {
public:
  using OctoVerifyScheduleBase::OctoVerifyScheduleBase;

  void runOnOperation() override {
    if (failed(run()))
      return signalPassFailure();
    markAllAnalysesPreserved();
  }

private:
  LogicalResult run() {
    if (limit == 0)
      return emitError(UnknownLoc::get(&getContext()))
             << "octo-verify-schedule: limit is at least 1";
    FailureOr<ModuleMachine> machine =
        getMachine(getOperation(), "octo-verify-schedule");
    if (failed(machine))
      return failure();
    found = 0;
    std::vector<uint64_t> shares(machine->target.numPeas(), 0);
    auto visit = [&](PlacedProgram &placed) {
      // Slots on impossible places would only repeat what is wrong.
      if (verifyPlaces(placed, *machine)) {
        verifySlots(placed, *machine);
        addShares(placed.placement, machine->target, shares);
      }
      octo::CompileReport::add("octo-verify-schedule", "blocks",
                               placed.from.problem.numBlocks());
      return verifyRows(placed.from);
    };
    if (failed(forEachPlacedProgram(getOperation(), machine->target,
                                    {defaultDim, defaultTrips},
                                    "octo-verify-schedule", visit)))
      return failure();
    // Programs share the machine.
    octo::Capacity capacity(*machine->topology);
    for (uint32_t pea = 0; pea < shares.size() && found < limit; ++pea)
      if (shares[pea] > octo::Capacity::fullShareQ16) {
        ++found;
        getOperation().emitError()
            << "the programs of the module together: "
            << capacity.checkPeaTime(pea, shares[pea]).error().message;
      }
    return success(found == 0);
  }

  /// How many errors may still be told, but one at least.
  size_t left() const { return limit > found ? limit - found : 1; }

  void report(const PlacedProgram &placed,
              const std::vector<sched::Violation> &violations) {
    found += violations.size();
    for (const sched::Violation &violation : violations)
      emitViolation(placed.program, placed.from, violation);
  }

  bool verifyPlaces(const PlacedProgram &placed, const ModuleMachine &machine) {
    std::vector<sched::Violation> violations = sched::verifyPlacement(
        placed.from.problem, *machine.topology, placed.placement, left());
    report(placed, violations);
    return violations.empty();
  }

  void verifySlots(const PlacedProgram &placed, const ModuleMachine &machine) {
    report(placed, sched::verifySchedule(placed.from.problem, *machine.topology,
                                         placed.placement,
                                         readSchedule(placed.from), left()));
  }

  static void addShares(const sched::Placement &placement,
                        const octo::TargetDesc &target,
                        std::vector<uint64_t> &shares) {
    for (const sched::Replica &r : placement.replicas) {
      size_t tbu = size_t(r.cluster) * target.tbusPerCluster + r.tbu;
      for (uint32_t p = 0; p < r.peaCount; ++p)
        shares[tbu * target.peasPerTbu + r.peaFirst + p] += r.shareQ16;
    }
  }

  /// Every block has a row of the run-time tables, and one without thresholds
  /// if it has a slot.
  LogicalResult verifyRows(const ScheduleProblem &problem) {
    for (const octo::spatial::ProgramLayout::Block &block :
         problem.layout.blocks) {
      BlockOpInterface op = block.op;
      PolicyAttr policy = op.getPolicyAttr();
      if (!policy)
        return op.emitOpError() << "'" << op.getPathAttr().getValue()
                                << "' has no row in the run-time tables; run "
                                   "octo-runtime-tables before "
                                   "octo-verify-schedule";
      auto tb = dyn_cast<TbOp>(op.getOperation());
      if (tb && tb.getSlotAttr() &&
          (policy.getDynamicTime() || policy.getDynamicFrequency()) &&
          found++ < limit)
        op.emitOpError() << "'" << op.getPathAttr().getValue()
                         << "' has a slot in a timetable, but its row in the "
                            "run-time tables says that it is dynamic ("
                         << policy.getReason().getValue() << ")";
    }
    return success();
  }

  /// Errors, also those beyond the limit.
  size_t found = 0;
};

} // namespace
