//===- Verify.h - Independent checks of places and timetables ---*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Checks what allocator and scheduler decided, or a person wrote, against the
// problem and the machine. Written apart from them: it only shares the model of
// capacity and that of transfers.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_SCHEDULING_VERIFY_H
#define OCTO_SCHEDULING_VERIFY_H

#include "octo/Scheduling/StaticSchedule.h"

namespace octo::sched {

/// All rules that places break, at most `limit` of them. Checked: every block
/// has an active replica; tasks sit on live PEAs of their class, of one TBU, in
/// gangs that their kernel and SRAM allow; code and weights fit; the shares of
/// a PEA add up to at most one; control blocks sit on live CBUs; pins are
/// honoured; every flow has a route between the replicas that serve the same
/// request.
std::vector<Violation> verifyPlacement(const Problem &problem,
                                       const Topology &topology,
                                       const Placement &placement,
                                       size_t limit = 16);

/// All rules that timetables break, at most `limit`. Checked: slots are of
/// static tasks of the segment's region, each task once; replicas exist for
/// all lanes; a slot lasts as long as its task; no slot begins before its
/// inputs, or the first chunks of its streams, can be there, nor ends before
/// the last ones are worked on; streams stay within a segment and cannot wait
/// for each other for ever (StreamNet.h); no two slots of a PEA overlap; the initiation interval
/// is no shorter than the work of any PEA; a segment waits for nothing that
/// waits for it.
std::vector<Violation> verifySchedule(const Problem &problem,
                                      const Topology &topology,
                                      const Placement &placement,
                                      const Schedule &schedule,
                                      size_t limit = 16);

} // namespace octo::sched

#endif // OCTO_SCHEDULING_VERIFY_H
