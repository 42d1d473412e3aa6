//===- Octopus.cpp - The scheduler of the machine -------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Our reading of the paper's three mechanisms:
//
//  ddsm  tells transient slack of PEAs from structural slack: a free PEA is
//        reconfigured for what waits only if PEAs that have the code are
//        expected to be busy for longer than loading takes, or if it has waited
//        too long already. Until then it takes what is resident.
//        Where code is dear and does not all fit it stays where the compiler
//        put it, and instances go there instead of where their data are.
//  atss  the fine scheduler: at every change in a cluster gangs follow what is
//        free and what waits, also those that run; the next instances are
//        staged at busy TBUs, so that code and inputs come while others
//        compute.
//  pcss  the coarse one: requests join a lane in use, where code and weights
//        are, unless filling another one is the shorter wait (LaneRouter.h); a
//        new instance stays where its data are unless a neighbour would begin
//        it sooner by more than it costs to get there; clusters hand to idle
//        neighbours what waits or would run on too few PEAs, take from loaded
//        ones, and level what is left in epochs by first-order diffusion.
//
// Instances go by way of at most two clusters: what was handed over once is not
// handed over again, so work does not wander. All of it uses what a cluster
// knows itself, and its neighbours' reports.
//
//===----------------------------------------------------------------------===//

#include "ClusterPolicy.h"

#include "octo/Runtime/Diffusion.h"

#include <algorithm>
#include <array>
#include <bit>

using namespace octo;

namespace {

// Frozen; docs/policies.md says how they were chosen.

/// A byte of a link counts as so many times the cycles that it takes it: what
/// moves takes the way from others.
constexpr uint64_t bytePrice = 4;
/// Who moves bytes to or from a cluster that sends or receives for a part r of
/// the time waits, and makes others wait, 1 / (1 - r) times as long, by the
/// rule of queues; at most for this part.
constexpr uint64_t mostLoadQ16 = 65536 / 16 * 15;
/// How long an instance lets others overtake it, in percent of the price of a
/// load.
constexpr uint64_t agePercent = 800;
/// A new instance leaves the cluster of its data for a gain of more than this
/// part of its length.
constexpr uint64_t marginPart = 4;
/// Dear code is brought to a cluster for a gain of so many loads more than its
/// own, for what it takes the place of.
constexpr uint64_t pinLoads = 8;
/// Between neighbours in an epoch: clusters that have work for less than so
/// many instances a PEA are topped up.
constexpr uint64_t reserveInstances = 2;
/// Until neighbours have reported again, PEAs that were promised count as
/// taken.
constexpr uint64_t promiseCycles = 1024;

/// More than anything that can be gained.
constexpr uint64_t prohibitive = uint64_t(1) << 56;

class OctopusPolicy : public ClusterPolicy {
public:
  explicit OctopusPolicy(const PolicyOptions &options)
      : ClusterPolicy(rulesOf(options)), pcss(options.pcss) {}

  PolicyTraits traits() const override {
    PolicyTraits traits = ClusterPolicy::traits();
    traits.segments = true;
    traits.epochs = traits.warmLanes = pcss;
    return traits;
  }
  Expected<void> begin(Scheduler &s) override;
  Place choosePlace(Scheduler &s, InstanceId id, uint32_t first) override;
  void epoch(Scheduler &s) override;
  void save(std::vector<uint64_t> &words) const override;
  bool load(std::span<const uint64_t> words) override;

protected:
  bool spread(Scheduler &s, uint32_t cluster, const InstanceInfo &info,
              InstanceId id, uint32_t gang) override;
  void overflow(Scheduler &s, uint32_t cluster, uint32_t lane) override;
  bool starved(Scheduler &s, uint32_t cluster) override;

private:
  static Rules rulesOf(const PolicyOptions &options) {
    Rules rules;
    rules.affinity = rules.weigh = options.ddsm;
    rules.agePercent = agePercent;
    rules.malleable = options.atss;
    rules.stageDepth = options.atss ? 2 : 0;
    return rules;
  }
  struct Neighbours {
    std::array<uint32_t, 4> clusters;
    uint32_t count = 0;
    /// PEAs promised to each since `since`.
    std::array<uint32_t, 4> promised{};
    uint64_t since = 0;
  };
  uint64_t costOfMove(Scheduler &s, const InstanceInfo &info, uint32_t from,
                      uint32_t to) const;
  uint64_t waitAt(Scheduler &s, uint32_t cluster, uint32_t observer) const {
    return s.backlogOfCluster(cluster, observer) /
           std::max(peasOf(cluster), 1u);
  }
  /// The neighbour that is cheapest to reach of those with `peas` free.
  uint32_t idleNeighbour(Scheduler &s, uint32_t cluster,
                         const InstanceInfo &info, uint32_t peas,
                         uint64_t &cost);

  bool pcss;
  std::vector<Neighbours> around; ///< by cluster
  std::vector<InstanceId> list;
};

} // namespace

Expected<void> OctopusPolicy::begin(Scheduler &s) {
  if (Expected<void> begun = ClusterPolicy::begin(s); !begun)
    return begun;
  uint32_t width = s.meshWidth(), count = s.numClusters();
  around.resize(count);
  for (uint32_t cluster = 0; cluster < count; ++cluster) {
    auto add = [&](bool there, uint32_t other) {
      if (there && peasOf(other))
        around[cluster].clusters[around[cluster].count++] = other;
    };
    add(cluster % width + 1 < width && cluster + 1 < count, cluster + 1);
    add(cluster % width != 0, cluster - 1);
    add(cluster + width < count, cluster + width);
    add(cluster >= width, cluster - width);
  }
  return {};
}

/// What it costs to run an instance elsewhere, in cycles: its inputs over the
/// links, at their price, and code and weights that are not there. Bytes are
/// dearer where one of the clusters is busy sending or receiving, either way
/// round: what the instance makes comes back. Dear code does not follow.
uint64_t OctopusPolicy::costOfMove(Scheduler &s, const InstanceInfo &info,
                                   uint32_t from, uint32_t to) const {
  bool lacks = !residentIn(s, to, info.kernel);
  if (lacks && isDear(s, to, info))
    return prohibitive;
  uint64_t bytes = s.expectedInputBytes(info.workflow, info.block) +
                   s.missingWeightBytes(to, info.workflow, info.block);
  uint64_t cost = s.transferCycles(from, to, std::max<uint64_t>(bytes, 64)) *
                  bytePrice * std::max(s.distance(from, to), 1u);
  uint64_t loadQ16 =
      std::max(s.meshLoadQ16(from, from), s.meshLoadQ16(to, from));
  cost = (cost << 16) / (65536 - std::min(loadQ16, mostLoadQ16));
  return lacks ? cost + s.codeLoadCycles(to, info.kernel) : cost;
}

Place OctopusPolicy::choosePlace(Scheduler &s, InstanceId id, uint32_t first) {
  InstanceInfo info = s.info(id);
  uint32_t replica = s.routedReplica(id);
  uint32_t tbu = s.replicaTbu(info.workflow, info.block, replica);
  if (!pcss)
    return {tbu};
  // Where its data are; if its code is dear, where the compiler put it, unless
  // that is worse by more than a load.
  uint32_t home = tbu / per;
  bool dear = peasOf(home) && isDear(s, home, info);
  uint32_t base = peasOf(first) && !dear ? first : home;
  uint64_t margin = info.expectedCycles / marginPart;
  if (dear)
    margin += s.codeLoadCycles(home, info.kernel);
  uint32_t best = base;
  uint64_t least = waitAt(s, base, base);
  // Code that is not here is loaded once for all who come, but it may take the
  // place of other code each time.
  bool lacks = rules.weigh && !residentIn(s, base, info.kernel);
  const Neighbours &near = around[base];
  if (lacks) {
    uint64_t loss = std::min(lossIn(s, base, info.kernel), prohibitive);
    least += loss;
    // Pinned: dear code that has no room here, where a neighbour has it.
    bool isNear = false;
    for (uint32_t i = 0; i < near.count && dear; ++i)
      isNear |= residentIn(s, near.clusters[i], info.kernel);
    if (isNear && !hasRoom(s, base, info.kernel))
      least += (s.codeLoadCycles(base, info.kernel) + loss) * pinLoads;
  }
  // With PEAs free there is nothing to gain.
  if (least && (lacks || !freePeasFor(s, base, info.kernel))) {
    auto look = [&](uint32_t cluster) {
      uint64_t wait = waitAt(s, cluster, base);
      if (wait + margin >= least)
        return;
      wait += margin + costOfMove(s, info, base, cluster);
      if (wait < least) {
        best = cluster;
        least = wait;
      }
    };
    if (home != base)
      look(home);
    for (uint32_t i = 0; i < near.count; ++i)
      look(near.clusters[i]);
  }
  return {best == home ? tbu : best * per};
}

uint32_t OctopusPolicy::idleNeighbour(Scheduler &s, uint32_t cluster,
                                      const InstanceInfo &info, uint32_t peas,
                                      uint64_t &cost) {
  Neighbours &near = around[cluster];
  if (s.now() - near.since > promiseCycles) {
    near.promised = {};
    near.since = s.now();
  }
  uint32_t best = noIndex;
  for (uint32_t i = 0; i < near.count; ++i) {
    uint32_t other = near.clusters[i];
    if (s.freePeasOfCluster(other, cluster) < peas + near.promised[i])
      continue;
    uint64_t way = costOfMove(s, info, cluster, other);
    if (best == noIndex || way < cost) {
      best = i;
      cost = way;
    }
  }
  return best;
}

/// On a small gang here or on a large one at a neighbour with PEAs to spare?
bool OctopusPolicy::spread(Scheduler &s, uint32_t cluster,
                           const InstanceInfo &info, InstanceId id,
                           uint32_t gang) {
  if (!pcss || !gang)
    return false;
  uint32_t most = s.maxVariantGang(info.kernel);
  if (gang >= most)
    return false;
  uint64_t here = s.expectedCycles(info.workflow, info.block, gang);
  uint64_t there = s.expectedCycles(info.workflow, info.block, most);
  uint64_t cost = 0;
  if (here <= there + here / marginPart)
    return false;
  uint32_t best = idleNeighbour(s, cluster, info, most, cost);
  if (best == noIndex || there + cost + here / marginPart >= here ||
      !s.move(id, around[cluster].clusters[best] * per))
    return false;
  around[cluster].promised[best] += most;
  return true;
}

/// Hands what waits to neighbours with free PEAs.
void OctopusPolicy::overflow(Scheduler &s, uint32_t cluster, uint32_t lane) {
  if (!pcss)
    return;
  for (uint32_t i = 0; i < around[cluster].count && s.queueSize(lane); ++i) {
    InstanceId id = s.queue(lane).back();
    InstanceInfo info = s.info(id);
    uint64_t cost = 0;
    if (info.moved)
      return;
    uint32_t best =
        idleNeighbour(s, cluster, info, s.smallestGang(info.kernel), cost);
    if (best == noIndex || cost >= waitAt(s, cluster, cluster) ||
        !s.move(id, around[cluster].clusters[best] * per))
      return;
    around[cluster].promised[best] += s.smallestGang(info.kernel);
  }
}

/// Asks the neighbour with most work for some.
bool OctopusPolicy::starved(Scheduler &s, uint32_t cluster) {
  if (!pcss)
    return false;
  // PEAs that are free for want of code: neighbours may have some free too.
  bool waits = queuedIn(s, cluster);
  uint32_t victim = noIndex;
  uint64_t most = 0;
  const Neighbours &near = around[cluster];
  for (uint32_t i = 0; i < near.count; ++i) {
    uint32_t other = near.clusters[i];
    if (!waits && s.freePeasOfCluster(other, cluster))
      continue;
    if (uint64_t wait = waitAt(s, other, cluster); wait > most) {
      most = wait;
      victim = other;
    }
  }
  return victim != noIndex && steal(s, cluster, victim);
}

/// Neighbours that will soon run dry get a part of the difference.
void OctopusPolicy::epoch(Scheduler &s) {
  for (uint32_t cluster = 0; cluster < s.numClusters(); ++cluster) {
    uint64_t own = s.backlogOfCluster(cluster, cluster);
    const Neighbours &near = around[cluster];
    if (!own)
      continue;
    for (uint32_t i = 0; i < near.count; ++i) {
      uint32_t other = near.clusters[i];
      uint64_t there = s.backlogOfCluster(other, cluster);
      int64_t flow = diffusionFlow(own, there, peasOf(cluster), peasOf(other),
                                   std::max(near.count, around[other].count));
      if (flow <= 0)
        continue;
      uint64_t amount = static_cast<uint64_t>(flow);
      uint32_t first = cluster * per;
      for (uint32_t lane = s.firstLane(first); lane < s.firstLane(first + 1);
           ++lane) {
        std::span<const InstanceId> window = s.queue(lane);
        list.assign(window.rbegin(), window.rend());
        for (InstanceId id : list) {
          InstanceInfo info = s.info(id);
          if (info.moved || info.expectedCycles > amount)
            continue;
          if (there >= reserveInstances * info.expectedCycles * peasOf(other) ||
              costOfMove(s, info, cluster, other) >=
                  (own - there) / peasOf(cluster))
            continue;
          if (s.move(id, other * per)) {
            amount -= info.expectedCycles;
            own -= info.expectedCycles;
            there += info.expectedCycles;
          }
        }
      }
    }
  }
}

void OctopusPolicy::save(std::vector<uint64_t> &words) const {
  for (const Neighbours &near : around) {
    words.push_back(near.since);
    words.insert(words.end(), near.promised.begin(), near.promised.end());
  }
  saveRents(words);
}

bool OctopusPolicy::load(std::span<const uint64_t> words) {
  if (words.size() < around.size() * 5 ||
      !loadRents(words.subspan(around.size() * 5)))
    return false;
  for (size_t i = 0; i < around.size(); ++i) {
    around[i].since = words[5 * i];
    for (size_t k = 0; k < 4; ++k)
      around[i].promised[k] = static_cast<uint32_t>(words[5 * i + 1 + k]);
  }
  return true;
}

std::unique_ptr<Policy> octo::makeOctopusPolicy(const PolicyOptions &options) {
  return std::make_unique<OctopusPolicy>(options);
}
