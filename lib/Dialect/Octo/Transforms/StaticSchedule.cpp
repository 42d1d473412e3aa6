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
    if (!(loadSlack >= 0 && loadSlack <= 1000))
      return emitError(UnknownLoc::get(&getContext()))
             << "octo-static-schedule: load-slack is between 0 and 1000";
    FailureOr<ModuleMachine> machine =
        getMachine(getOperation(), "octo-static-schedule");
    if (failed(machine))
      return failure();
    EstimateAssumptions assume{defaultDim, defaultTrips};
    SymbolTableCollection symbols;
    SmallVector<ProgramOp> programs(getOperation().getOps<ProgramOp>());
    const uint32_t numPrograms = uint32_t(programs.size());
    for (ProgramOp program : programs) {
      // Timetables that are there go first: segments are numbered by order.
      for (Operation &op : llvm::make_early_inc_range(program.getBlock())) {
        if (auto segment = dyn_cast<SegmentOp>(op))
          segment.erase();
        else if (auto tb = dyn_cast<TbOp>(op))
          removeSlot(tb);
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
      sched::ImproveOptions options;
      options.schedule.insertionDepth = insertionDepth;
      options.steps = searchSteps;
      options.seed = seed;
      options.rehome = rehome;
      options.loadSlackQ16 = uint32_t(loadSlack * 65536);
      sched::Checked<sched::Schedule> schedule =
          sched::scheduleStatic(problem->problem, *machine->topology,
                                *placement, rank, options.schedule);
      if (!schedule) {
        emitViolation(program, *problem, schedule.error());
        return failure();
      }
      // The search knows whole flows only.
      bool streamed =
          llvm::any_of(problem->problem.edges,
                       [](const sched::Edge &edge) { return edge.isStream(); });
      if (searchSteps && !streamed) {
        sched::Checked<sched::Improvement> improved =
            sched::improveStatic(problem->problem, *machine->topology,
                                 *placement, rank, *schedule, options);
        if (!improved) {
          emitViolation(program, *problem, improved.error());
          return failure();
        }
        schedule = std::move(improved->schedule);
        writeMoves(*problem, *placement, *improved, numPrograms);
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

  /// Also what was recorded about a move.
  void removeSlot(TbOp tb) {
    if (tb.getSlotAttr())
      tb.removeSlotAttr();
    if (!tb.getDecisionsAttr())
      return;
    auto isMove = [](Attribute record) {
      return cast<DecisionAttr>(record).getKind() == DecisionKind::Slot;
    };
    SmallVector<Attribute> records(tb.getDecisionsAttr().getValue());
    if (llvm::none_of(records, isMove))
      return;
    llvm::erase_if(records, isMove);
    tb.setDecisionsAttr(ArrayAttr::get(&getContext(), records));
  }

  /// Puts new homes, and the shares that follow from them, into the program.
  void writeMoves(const ScheduleProblem &problem,
                  const sched::Placement &placement,
                  const sched::Improvement &improved, uint32_t numPrograms) {
    auto count = [](StringRef name, uint64_t value) {
      octo::CompileReport::add("octo-static-schedule", name, value);
    };
    count("searched_segments", improved.searched);
    count("shortened_segments", improved.shorter);
    count("moved_tasks", improved.decisions.size());
    if (improved.decisions.empty())
      return;
    for (uint32_t b = 0; b < problem.problem.numBlocks(); ++b)
      if (problem.problem.isTask(b))
        writePlace(problem.layout.blocks[b].op, placement, b, numPrograms);
    for (const sched::Decision &decision : improved.decisions) {
      BlockOpInterface op = problem.layout.blocks[decision.block].op;
      // Where the allocator kept no record, none is wanted.
      if (!op.getDecisionsAttr())
        continue;
      SmallVector<Attribute> records(op.getDecisionsAttr().getValue());
      records.push_back(makeDecision(&getContext(), decision));
      op.setDecisionsAttr(ArrayAttr::get(&getContext(), records));
    }
  }
};

} // namespace
