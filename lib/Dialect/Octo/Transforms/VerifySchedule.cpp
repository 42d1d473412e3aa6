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
    EstimateAssumptions assume{defaultDim, defaultTrips};
    SymbolTableCollection symbols;
    std::vector<uint64_t> shares(machine->target.numPeas(), 0);
    size_t found = 0;
    for (ProgramOp program : getOperation().getOps<ProgramOp>()) {
      FailureOr<ScheduleProblem> problem =
          buildProblem(program, machine->target, symbols, assume);
      if (failed(problem))
        return failure();
      FailureOr<sched::Placement> placement =
          readPlacement(*problem, "octo-verify-schedule");
      if (failed(placement))
        return failure();
      size_t left = limit > found ? limit - found : 1;
      std::vector<sched::Violation> violations = sched::verifyPlacement(
          problem->problem, *machine->topology, *placement, left);
      found += violations.size();
      for (const sched::Violation &violation : violations)
        emitViolation(program, *problem, violation);
      // Slots on impossible places would only repeat what is wrong.
      if (violations.empty()) {
        violations =
            sched::verifySchedule(problem->problem, *machine->topology,
                                  *placement, readSchedule(*problem), left);
        found += violations.size();
        for (const sched::Violation &violation : violations)
          emitViolation(program, *problem, violation);
        for (const sched::Replica &r : placement->replicas)
          for (uint32_t p = 0; p < r.peaCount; ++p)
            shares[(size_t(r.cluster) * machine->target.tbusPerCluster +
                    r.tbu) *
                       machine->target.peasPerTbu +
                   r.peaFirst + p] += r.shareQ16;
      }
      for (uint32_t b = 0; b < problem->problem.numBlocks(); ++b) {
        BlockOpInterface op = problem->layout.blocks[b].op;
        PolicyAttr policy = op.getPolicyAttr();
        if (!policy) {
          op.emitOpError() << "'" << op.getPathAttr().getValue()
                           << "' has no row in the run-time tables; run "
                              "octo-runtime-tables before "
                              "octo-verify-schedule";
          return failure();
        }
        if (auto tb = dyn_cast<TbOp>(op.getOperation());
            tb && tb.getSlotAttr() &&
            (policy.getDynamicTime() || policy.getDynamicFrequency()) &&
            found++ < limit)
          op.emitOpError() << "'" << op.getPathAttr().getValue()
                           << "' has a slot in a timetable, but its row in the "
                              "run-time tables says that it is dynamic ("
                           << policy.getReason().getValue() << ")";
      }
      octo::CompileReport::add("octo-verify-schedule", "blocks",
                               problem->problem.numBlocks());
    }
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
};

} // namespace
