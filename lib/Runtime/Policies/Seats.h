//===- Seats.h - Tasks that own PEAs ----------------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What policies share that give every task its own PEAs: a seat is a row of
// PEAs of one TBU, a task has one or more, an instance waits in the queue of
// its seat and runs on all of it.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_POLICIES_SEATS_H
#define OCTO_LIB_RUNTIME_POLICIES_SEATS_H

#include "Policies.h"

namespace octo {

/// PEAs [first, first + count) of a TBU, live ones.
struct Seat {
  uint32_t tbu;
  uint32_t first;
  uint32_t count;

  PeaMask mask() const {
    return (count >= 64 ? ~PeaMask(0) : (PeaMask(1) << count) - 1) << first;
  }
};

class SeatPolicy : public LibraryPolicy {
public:
  PolicyTraits traits() const override {
    PolicyTraits traits;
    traits.queuePerPea = true;
    traits.onlyQueued = true;
    traits.reach = Reach::Machine;
    return traits;
  }

  /// The seat of its task that is next by the routing rule.
  Place choosePlace(Scheduler &s, InstanceId id, uint32_t first) override;
  void dispatch(Scheduler &s, uint32_t tbu, Trigger trigger) override;

protected:
  static Place placeOf(const Seat &seat) {
    return {seat.tbu, seat.first, seat.count};
  }
  std::vector<Seat> &seatsOf(uint32_t workflow, uint32_t block) {
    return seats[blockBegin[workflow] + block];
  }
  /// Sizes the tables; all tasks without seats.
  void layOut(Scheduler &s);
  /// Equal numbers of PEAs for all tasks, in order of the blocks, cut into
  /// gangs of at most `maxGang`: the largest that is at least 70 % efficient.
  void shareEvenly(Scheduler &s, uint32_t maxGang);

  std::vector<uint32_t> blockBegin;     ///< by workflow
  std::vector<std::vector<Seat>> seats; ///< by block of all workflows

private:
  std::vector<InstanceId> heads;
};

/// Seats that change hands at the ends of epochs, by what came in them.
class ChangingSeatPolicy : public SeatPolicy {
public:
  PolicyTraits traits() const override {
    PolicyTraits traits = SeatPolicy::traits();
    traits.epochs = true;
    return traits;
  }

protected:
  /// Seats in a checkpoint: how many, then a word each.
  static void saveSeats(const std::vector<Seat> &list,
                        std::vector<uint64_t> &words);
  /// Reads them from `words` at `at`, which moves behind them. False if they
  /// are not all there.
  static bool loadSeats(std::span<const uint64_t> words, size_t &at,
                        std::vector<Seat> &list);
};

} // namespace octo

#endif // OCTO_LIB_RUNTIME_POLICIES_SEATS_H
