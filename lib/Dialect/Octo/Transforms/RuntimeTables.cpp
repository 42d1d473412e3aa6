//===- RuntimeTables.cpp - Tables for the run-time scheduler --------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One row a block, and two constants of the program.
//
//===----------------------------------------------------------------------===//

#include "ScheduleProblem.h"

#include "octo/Dialect/OWG/IR/OWG.h"
#include "octo/Dialect/Octo/Transforms/Passes.h"
#include "octo/Scheduling/RequestWork.h"
#include "octo/Support/CompileReport.h"

#include <cmath>

namespace octo::spatial {
#define GEN_PASS_DEF_OCTORUNTIMETABLES
#include "octo/Dialect/Octo/Transforms/Passes.h.inc"
} // namespace octo::spatial

using namespace mlir;
using namespace octo::spatial;
namespace sched = octo::sched;

/// Meaning of the rows, see program.fbs.
static constexpr int32_t policyVersion = 1;
/// Likely next blocks that are named.
static constexpr size_t mostHints = 4;

namespace {

class RuntimeTables
    : public octo::spatial::impl::OctoRuntimeTablesBase<RuntimeTables> {
public:
  using OctoRuntimeTablesBase::OctoRuntimeTablesBase;

  void runOnOperation() override {
    if (failed(run()))
      signalPassFailure();
  }

private:
  LogicalResult run() {
    if (!(tailPercent >= 50 && tailPercent <= 99.9999))
      return emitError(UnknownLoc::get(&getContext()))
             << "octo-runtime-tables: tail-percent is between 50 and 99.9999";
    FailureOr<ModuleMachine> machine =
        getMachine(getOperation(), "octo-runtime-tables");
    if (failed(machine))
      return failure();
    EstimateAssumptions assume{defaultDim, defaultTrips};
    return forEachPlacedProgram(
        getOperation(), machine->target, assume, "octo-runtime-tables",
        [&](PlacedProgram &placed) {
          write(placed.program, placed.from, placed.placement, *machine);
          writePath(placed.program, placed.from,
                    buildRequestModel(placed.program, placed.from, assume),
                    placed.placement, *machine);
          return success();
        });
  }

  void write(ProgramOp program, const ScheduleProblem &from,
             const sched::Placement &placement, const ModuleMachine &machine) {
    const sched::Problem &problem = from.problem;
    const uint32_t numBlocks = problem.numBlocks();
    std::vector<uint64_t> rank =
        sched::upwardRanks(problem, *machine.topology, placement.gangs());
    const sched::Demand demand = sched::expectedDemand(problem);
    const std::vector<uint64_t> &count = demand.countQ16;
    sched::Adjacency out =
        sched::groupEdges(problem.flows, numBlocks, /*outgoing=*/true);

    unsigned __int128 work = 0, instances = 0;
    std::vector<uint32_t> next;
    uint64_t dynamicTime = 0, dynamicFrequency = 0;
    sched::WorkTails tailOf(tailPercent);
    for (uint32_t b = 0; b < numBlocks; ++b) {
      // The consumers that follow most often, then those of higher rank.
      next.clear();
      for (uint32_t e : out.of(b))
        if (uint32_t to = problem.flows[e].to;
            std::find(next.begin(), next.end(), to) == next.end() &&
            next.size() < 64)
          next.push_back(to);
      std::sort(next.begin(), next.end(), [&](uint32_t x, uint32_t y) {
        return std::make_tuple(~count[x], ~rank[x], x) <
               std::make_tuple(~count[y], ~rank[y], y);
      });
      if (next.size() > mostHints)
        next.resize(mostHints);
      for (uint32_t &block : next)
        block = from.layout.blocks[block].ordinal;

      const double runs = double(count[b]) / 65536;
      const double busy =
          problem.isTask(b) ? runs * double(problem.cycles[b]) : 0;
      const double variance =
          busy * busy * (double(demand.workVariationQ16[b]) / 65536);
      // It runs at all in no more requests than it is expected instances of.
      const uint64_t tail = tailOf({busy, variance}, runs);

      BlockOpInterface op = from.layout.blocks[b].op;
      op.setPolicyAttr(PolicyAttr::get(
          &getContext(), problem.dynamicTime[b], problem.dynamicFrequency[b],
          StringAttr::get(&getContext(), from.reason[b]), rank[b],
          problem.cycles[b], problem.cyclesP95[b], count[b],
          demand.workVariationQ16[b], tail, next));
      dynamicTime += problem.dynamicTime[b];
      dynamicFrequency += problem.dynamicFrequency[b];
      if (problem.isTask(b)) {
        work += (unsigned __int128)(problem.cycles[b]) * count[b];
        instances += count[b];
      }
    }

    uint64_t mean = instances ? uint64_t(work / instances) : 1;
    uint64_t epoch = epochCycles;
    if (!epoch)
      epoch = std::clamp<uint64_t>(32 * std::min<uint64_t>(mean, 1u << 30),
                                   1000, 10'000'000);
    // An idle PEA is kept for what is resident while reloading would cost more.
    uint64_t age = ageCycles;
    if (!age) {
      std::vector<uint64_t> loads;
      for (uint64_t bytes : problem.codeBytes)
        loads.push_back(bytes / machine.target.configStore.bytesPerCycle +
                        machine.target.configStore.switchCycles);
      std::sort(loads.begin(), loads.end());
      age = loads.empty() ? 1
                          : std::max<uint64_t>(1, 4 * loads[loads.size() / 2]);
    }
    program.setPolicyVersion(policyVersion);
    program.setEpochCycles(int64_t(std::min<uint64_t>(epoch, 1ull << 62)));
    program.setAgeCycles(int64_t(std::min<uint64_t>(age, 1ull << 62)));

    const sched::WorkMoments request = sched::requestWork(problem);
    const uint64_t deviation = uint64_t(std::sqrt(request.variance) + 0.5);
    const uint64_t tail = tailOf(request, 1);
    program->setAttr(
        RequestWorkAttr::attrName(),
        RequestWorkAttr::get(
            &getContext(), uint64_t(request.mean + 0.5), deviation, tail,
            FloatAttr::get(Float64Type::get(&getContext()), tailPercent)));

    auto add = [](StringRef name, uint64_t value) {
      octo::CompileReport::add("octo-runtime-tables", name, value);
    };
    add("dynamic_time", dynamicTime);
    add("dynamic_frequency", dynamicFrequency);
    uint64_t longest = 0;
    for (uint64_t r : rank)
      longest = std::max(longest, r);
    add("critical_path_cycles", longest);
    add("work_pea_cycles_per_request", uint64_t(work >> 16));
    add("work_deviation_per_request", deviation);
    add("work_tail_per_request", tail);
  }

  void writePath(ProgramOp program, const ScheduleProblem &from,
                 const sched::RequestModel &model,
                 const sched::Placement &placement,
                 const ModuleMachine &machine) {
    sched::PathOptions options;
    options.percent = tailPercent;
    const std::optional<sched::RequestPath> path = sched::requestPath(
        from.problem, model, *machine.topology, placement, options);
    if (!path) {
      program->removeAttr(RequestPathAttr::attrName());
      return;
    }
    const uint64_t mean = uint64_t(path->cycles.mean + 0.5);
    const uint64_t deviation = uint64_t(std::sqrt(path->cycles.variance) + 0.5);
    program->setAttr(
        RequestPathAttr::attrName(),
        RequestPathAttr::get(
            &getContext(), mean, deviation, path->tail,
            FloatAttr::get(Float64Type::get(&getContext()), tailPercent),
            path->samples));
    auto add = [](StringRef name, uint64_t value) {
      octo::CompileReport::add("octo-runtime-tables", name, value);
    };
    add("path_cycles_per_request", mean);
    add("path_deviation_per_request", deviation);
    add("path_tail_per_request", path->tail);
    add("path_samples", path->samples);
  }
};

} // namespace
