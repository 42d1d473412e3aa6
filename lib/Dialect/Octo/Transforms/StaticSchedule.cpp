//===- StaticSchedule.cpp - Timetables of static tasks --------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The pass around octo::sched::scheduleStatic.
//
//===----------------------------------------------------------------------===//

#include "ScheduleProblem.h"

#include "octo/Dialect/OWG/IR/OWG.h"
#include "octo/Dialect/Octo/Transforms/Passes.h"
#include "octo/Support/CompileReport.h"

namespace octo::spatial {
#define GEN_PASS_DEF_OCTOSTATICSCHEDULE
#include "octo/Dialect/Octo/Transforms/Passes.h.inc"
} // namespace octo::spatial

using namespace mlir;
using namespace octo::spatial;
namespace sched = octo::sched;

namespace {

class StaticSchedule
    : public octo::spatial::impl::OctoStaticScheduleBase<StaticSchedule> {
public:
  using OctoStaticScheduleBase::OctoStaticScheduleBase;

  void runOnOperation() override {
    if (failed(run()))
      signalPassFailure();
  }

private:
  LogicalResult run() {
    FailureOr<ModuleMachine> machine =
        getMachine(getOperation(), "octo-static-schedule");
    if (failed(machine))
      return failure();
    EstimateAssumptions assume{defaultDim, defaultTrips};
    SymbolTableCollection symbols;
    for (ProgramOp program : getOperation().getOps<ProgramOp>()) {
      // Timetables that are there go first: segments are numbered by order.
      for (Operation &op : llvm::make_early_inc_range(program.getBlock())) {
        if (auto segment = dyn_cast<SegmentOp>(op))
          segment.erase();
        else if (auto tb = dyn_cast<TbOp>(op))
          if (tb.getSlotAttr())
            tb.removeSlotAttr();
      }
      FailureOr<ScheduleProblem> problem =
          buildProblem(program, machine->target, symbols, assume);
      if (failed(problem))
        return failure();
      FailureOr<sched::Placement> placement =
          readPlacement(*problem, "octo-static-schedule");
      if (failed(placement))
        return failure();
      std::vector<uint64_t> rank = sched::upwardRanks(
          problem->problem, *machine->topology, placement->gangs());
      sched::ScheduleOptions options;
      options.insertionDepth = insertionDepth;
      sched::Checked<sched::Schedule> schedule = sched::scheduleStatic(
          problem->problem, *machine->topology, *placement, rank, options);
      if (!schedule) {
        emitViolation(program, *problem, schedule.error());
        return failure();
      }

      auto builder = OpBuilder::atBlockEnd(&program.getBlock());
      uint64_t longest = 0;
      for (uint32_t s = 0; s < schedule->numSegments(); ++s) {
        SegmentOp::create(builder, program.getLoc(),
                          problem->layout.scopes[schedule->region[s]].act,
                          int64_t(schedule->interval[s]),
                          int32_t(schedule->lanes[s]));
        for (const sched::Slot &slot : schedule->of(s)) {
          cast<TbOp>(problem->op(slot.block))
              .setSlotAttr(SlotAttr::get(&getContext(), s, slot.replica,
                                         slot.start, slot.cycles));
          longest = std::max(longest, slot.start + slot.cycles);
        }
      }
      octo::CompileReport::add("octo-static-schedule", "segments",
                               schedule->numSegments());
      octo::CompileReport::add("octo-static-schedule", "slots",
                               schedule->slots.size());
      octo::CompileReport::add("octo-static-schedule",
                               "longest_timetable_cycles", longest);
    }
    return success();
  }
};

} // namespace
