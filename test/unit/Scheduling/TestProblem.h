//===- TestProblem.h - Small problems for tests -----------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Builds problems block by block, and machines without any overhead, on which
// schedules have closed forms.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TEST_UNIT_SCHEDULING_TESTPROBLEM_H
#define OCTO_TEST_UNIT_SCHEDULING_TESTPROBLEM_H

#include "octo/Scheduling/Verify.h"

namespace octo::sched {

struct TestProblem : Problem {
  TestProblem() {
    regionOwner = {none};
    regionRateQ16 = {65536};
    regionVariationQ16 = {0};
    regionSerial = {false};
    regionCopied = {false};
    regionExclusive = {false};
    addKernel("k");
  }

  /// A kernel that only runs on one PEA; `addGang` adds to the last one.
  uint32_t addKernel(std::string name, uint64_t code = 64,
                     PeaClass unit = PeaClass::General) {
    kernelName.push_back(std::move(name));
    codeBytes.push_back(code);
    peaClass.push_back(unit);
    gangs.push_back({1, 65536, 0});
    gangOffsets.push_back(uint32_t(gangs.size()));
    return uint32_t(codeBytes.size()) - 1;
  }
  void addGang(uint16_t gang, uint32_t scaleQ16, uint64_t footprint = 0) {
    gangs.push_back({gang, scaleQ16, footprint});
    gangOffsets.back() = uint32_t(gangs.size());
  }

  uint32_t add(std::string name, uint64_t time, uint32_t kernelOf = 0,
               uint32_t inRegion = 0) {
    path.push_back(std::move(name));
    region.push_back(inRegion);
    kernel.push_back(kernelOf);
    cycles.push_back(time);
    cyclesP95.push_back(time);
    cyclesVariationQ16.push_back(0);
    dynamicTime.push_back(false);
    dynamicFrequency.push_back(false);
    pinCluster.push_back(none);
    pinTbu.push_back(none);
    pinGang.push_back(0);
    maxGang.push_back(0);
    weightOffsets.push_back(uint32_t(weights.size()));
    return numBlocks() - 1;
  }
  /// A control block with one region; add its blocks with the number returned.
  uint32_t addControl(std::string name, uint64_t rateQ16, bool serial,
                      uint32_t inRegion = 0) {
    uint32_t block = add(std::move(name), 10, none, inRegion);
    regionOwner.push_back(block);
    regionRateQ16.push_back(rateQ16);
    regionVariationQ16.push_back(0);
    regionSerial.push_back(serial);
    regionCopied.push_back(false);
    regionExclusive.push_back(false);
    return block;
  }
  void addEdge(uint32_t from, uint32_t to, uint64_t bytes = 0) {
    edges.push_back({from, to, bytes});
    flows.push_back({from, to, bytes});
  }
};

inline PartRef onePea(Coord cluster, uint32_t tbu, uint32_t pea) {
  PartRef part;
  part.kind = PartKind::Pea;
  part.cluster = cluster;
  part.unit = tbu;
  part.pea = pea;
  return part;
}

/// A machine on which dispatching, switching and moving nothing cost nothing.
inline TargetDesc plainTarget(uint32_t clustersX, uint32_t clustersY,
                              uint32_t tbus, uint32_t peas) {
  TargetDesc t;
  t.name = "plain";
  t.clockHz = 1000000000;
  t.dies = {1, 1};
  t.clustersPerDie = {clustersX, clustersY};
  t.tbusPerCluster = tbus;
  t.peasPerTbu = peas;
  t.pea.sramBytes = 1 << 16;
  t.pea.layout.assign(peas, PeaClass::General);
  t.pea.rates[2] = {65536, 65536, 65536, 65536};
  t.scratchpad = {1 << 20, 64};
  t.configStore = {1 << 20, 64, 0};
  t.dataPlane = {16, 2, 1, 1024};
  t.dieLink = {16, 2};
  t.host = {{0, 0}, 16, 16, 0};
  t.hbmPorts = {{{0, 0}, uint64_t(1) << 30, 64, 10}};
  return t;
}

/// Places, times, shortens and checks; the makespan is that of the last slot.
struct Solved {
  Allocation allocation;
  Schedule schedule;
  uint64_t makespan = 0;
  uint64_t listMakespan = 0; // before the search
};
inline Checked<Solved> solve(const Problem &problem, const Topology &topology,
                             const AllocateOptions &options = {},
                             ImproveOptions improve = {}) {
  Solved solved;
  improve.loadSlackQ16 = options.loadSlackQ16;
  auto lengthOf = [](const Schedule &schedule) {
    uint64_t length = 0;
    for (const Slot &slot : schedule.slots)
      length = std::max(length, slot.start + slot.cycles);
    return length;
  };
  Checked<Allocation> allocation = allocate(problem, topology, options);
  if (!allocation)
    return tl::make_unexpected(allocation.error());
  solved.allocation = std::move(*allocation);
  Checked<Schedule> schedule = scheduleStatic(
      problem, topology, solved.allocation.placement, solved.allocation.rank);
  if (!schedule)
    return tl::make_unexpected(schedule.error());
  solved.listMakespan = lengthOf(*schedule);
  Checked<Improvement> improved =
      improveStatic(problem, topology, solved.allocation.placement,
                    solved.allocation.rank, *schedule, improve);
  if (!improved)
    return tl::make_unexpected(improved.error());
  solved.schedule = std::move(improved->schedule);
  solved.makespan = lengthOf(solved.schedule);
  for (const Violation &v :
       verifyPlacement(problem, topology, solved.allocation.placement))
    return tl::make_unexpected(v);
  for (const Violation &v : verifySchedule(
           problem, topology, solved.allocation.placement, solved.schedule))
    return tl::make_unexpected(v);
  return solved;
}

} // namespace octo::sched

#endif // OCTO_TEST_UNIT_SCHEDULING_TESTPROBLEM_H
