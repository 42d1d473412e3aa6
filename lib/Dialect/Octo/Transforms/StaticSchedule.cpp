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
    // Timetables that are there go first: segments are numbered by order.
    for (ProgramOp program : getOperation().getOps<ProgramOp>()) {
      for (Operation &op : llvm::make_early_inc_range(program.getBlock())) {
        if (auto segment = dyn_cast<SegmentOp>(op))
          segment.erase();
        else if (auto tb = dyn_cast<TbOp>(op))
          removeSlot(tb);
      }
    }
    return forEachPlacedProgram(
        getOperation(), machine->target, {defaultDim, defaultTrips},
        "octo-static-schedule", [&](PlacedProgram &placed) {
          sched::Checked<sched::Schedule> schedule =
              makeSchedule(placed, *machine->topology);
          if (!schedule) {
            emitViolation(placed.program, placed.from, schedule.error());
            return failure();
          }
          write(placed, *schedule);
          return success();
        });
  }

  /// The schedule of the program, improved by search; homes that the search
  /// moves are written at once.
  sched::Checked<sched::Schedule> makeSchedule(PlacedProgram &placed,
                                               const octo::Topology &topology) {
    const sched::Problem &problem = placed.from.problem;
    std::vector<uint64_t> rank =
        sched::upwardRanks(problem, topology, placed.placement.gangs());
    sched::ImproveOptions options;
    options.schedule.insertionDepth = insertionDepth;
    options.steps = searchSteps;
    options.seed = seed;
    options.rehome = rehome;
    options.loadSlackQ16 = uint32_t(loadSlack * 65536);
    sched::Checked<sched::Schedule> schedule = sched::scheduleStatic(
        problem, topology, placed.placement, rank, options.schedule);
    // The search knows whole flows only.
    if (!schedule || searchSteps == 0 ||
        llvm::any_of(problem.edges,
                     [](const sched::Edge &edge) { return edge.isStream(); }))
      return schedule;
    sched::Checked<sched::Improvement> improved = sched::improveStatic(
        problem, topology, placed.placement, rank, *schedule, options);
    if (!improved)
      return tl::unexpected<sched::Violation>(std::move(improved.error()));
    writeMoves(placed.from, placed.placement, *improved);
    return std::move(improved->schedule);
  }

  void write(const PlacedProgram &placed, const sched::Schedule &schedule) {
    ProgramOp program = placed.program;
    auto builder = OpBuilder::atBlockEnd(&program.getBlock());
    uint64_t longest = 0;
    for (uint32_t s = 0; s < schedule.numSegments(); ++s) {
      SegmentOp::create(builder, program.getLoc(),
                        placed.from.layout.scopes[schedule.region[s]].act,
                        int64_t(schedule.interval[s]),
                        int32_t(schedule.lanes[s]));
      for (const sched::Slot &slot : schedule.of(s)) {
        cast<TbOp>(placed.from.op(slot.block))
            .setSlotAttr(SlotAttr::get(&getContext(), s, slot.replica,
                                       slot.start, slot.cycles));
        longest = std::max(longest, slot.start + slot.cycles);
      }
    }
    count("segments", schedule.numSegments());
    count("slots", schedule.slots.size());
    count("longest_timetable_cycles", longest);
  }

  static void count(StringRef name, uint64_t value) {
    octo::CompileReport::add("octo-static-schedule", name, value);
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
                  const sched::Improvement &improved) {
    count("searched_segments", improved.searched);
    count("shortened_segments", improved.shorter);
    count("moved_tasks", improved.decisions.size());
    if (improved.decisions.empty())
      return;
    auto numPrograms =
        uint32_t(llvm::range_size(getOperation().getOps<ProgramOp>()));
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
