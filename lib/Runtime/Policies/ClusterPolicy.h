//===- ClusterPolicy.h - A scheduler a cluster ------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What `octopus` and `pool-affinity` have in common: a queue a cluster,
// resident code first, instances staged at TBUs ahead of their turn, gangs that
// follow what is free and what waits. Policies add where a new instance goes
// and what clusters do for each other. Every look is bounded: at the window of
// a queue, the TBUs of a cluster and what runs there.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_LIB_RUNTIME_POLICIES_CLUSTERPOLICY_H
#define OCTO_LIB_RUNTIME_POLICIES_CLUSTERPOLICY_H

#include "Policies.h"

namespace octo {

class ClusterPolicy : public LibraryPolicy {
public:
  struct Rules {
    /// What is resident goes first, and what is not waits where that is
    /// cheaper.
    bool affinity = true;
    /// A load is weighed against all that it takes (`mayLoad`), and PEAs are
    /// not held while it comes (`coming`).
    bool weigh = false;
    /// How long an instance lets others overtake it, in percent of its load, or
    /// of the price of it with `weigh`.
    uint64_t agePercent = 400;
    /// Instances staged at a TBU.
    uint32_t stageDepth = 2;
    /// Gangs by what is free and what waits, and resized; else those of shares.
    bool malleable = true;
    uint32_t maxGang = 64;
  };

  explicit ClusterPolicy(Rules rules) : rules(rules) {}

  PolicyTraits traits() const override {
    PolicyTraits traits;
    traits.clusterQueues = true;
    traits.epochs = true;
    traits.reach = Reach::Machine;
    return traits;
  }
  Expected<void> begin(Scheduler &s) override;
  void dispatch(Scheduler &s, uint32_t tbu, Trigger trigger) override;

protected:
  /// An instance is about to start on a gang smaller than it could have: true
  /// if it went elsewhere instead.
  virtual bool spread(Scheduler &, uint32_t, const InstanceInfo &, InstanceId,
                      uint32_t) {
    return false;
  }
  /// Work waits in `lane` and nothing is free.
  virtual void overflow(Scheduler &, uint32_t cluster, uint32_t lane);
  /// PEAs are free and nothing waits that they could take; true if work is on
  /// its way.
  virtual bool starved(Scheduler &, uint32_t cluster);

  uint32_t queuedIn(Scheduler &s, uint32_t cluster) const;
  uint32_t waitingIn(Scheduler &s, uint32_t cluster) const;
  /// Takes one instance from the queues of `victim`, one whose code is resident
  /// at the thief's if there is.
  bool steal(Scheduler &s, uint32_t thief, uint32_t victim);
  bool residentIn(Scheduler &s, uint32_t cluster, uint32_t kernel) const;
  uint32_t peasOf(uint32_t cluster) const { return livePeas[cluster]; }

  Rules rules;
  uint32_t per = 1; ///< TBUs a cluster

  /// What loading `kernel` into the best TBU of a cluster takes from others.
  uint64_t lossIn(Scheduler &s, uint32_t cluster, uint32_t kernel) const;
  /// A TBU of the cluster has the code or could take it beside what is there.
  bool hasRoom(Scheduler &s, uint32_t cluster, uint32_t kernel) const;
  /// Code that is long in coming for what it serves, and takes the place of
  /// other code sooner or later.
  bool isDear(Scheduler &s, uint32_t cluster, const InstanceInfo &info) const;
  uint32_t freePeasFor(Scheduler &s, uint32_t cluster, uint32_t kernel) const;
  /// What decides about loads next, for checkpoints.
  void saveRents(std::vector<uint64_t> &words) const;
  bool loadRents(std::span<const uint64_t> words);

private:
  /// PEA-cycles of a TBU that were idle while something waited in the queues of
  /// its cluster, since code was loaded there last.
  struct Rent {
    uint64_t cycles = 0;
    uint64_t since = 0;
    uint64_t peas = 0; ///< idle since then
  };
  struct Choice {
    InstanceId id = noIndex;
    uint32_t tbu = noIndex;
  };
  Choice choose(Scheduler &s, uint32_t cluster, uint32_t lane);
  uint32_t gangFor(Scheduler &s, const InstanceInfo &info, uint32_t tbu,
                   uint32_t free, uint32_t each) const;
  bool startAt(Scheduler &s, InstanceId id, uint32_t tbu, uint32_t each);
  void startStaged(Scheduler &s, uint32_t cluster);
  void startQueued(Scheduler &s, uint32_t cluster, uint32_t lane);
  void stageAhead(Scheduler &s, uint32_t cluster, uint32_t lane);
  void shareStaged(Scheduler &s, uint32_t cluster);
  bool mayLoad(Scheduler &s, uint32_t tbu, InstanceId id, uint32_t kernel);
  bool isWorthIt(Scheduler &s, uint32_t tbu, InstanceId id, uint32_t kernel);
  bool coming(Scheduler &s, uint32_t tbu, InstanceId id, uint32_t kernel);
  void beginTurn(Scheduler &s, uint32_t cluster);
  void endTurn(Scheduler &s, uint32_t cluster);
  void serve(Scheduler &s, uint32_t cluster);
  void shrink(Scheduler &s, uint32_t cluster, uint32_t lane);
  void grow(Scheduler &s, uint32_t tbu);

  std::vector<InstanceId> list;
  std::vector<uint32_t> livePeas; ///< by cluster
  bool scarce = false;     ///< with `weigh`: not all code fits into a store
  std::vector<Rent> rents; ///< by TBU, with `weigh`
};

} // namespace octo

#endif // OCTO_LIB_RUNTIME_POLICIES_CLUSTERPOLICY_H
