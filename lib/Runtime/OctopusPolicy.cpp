//===- OctopusPolicy.cpp - The scheduler of the machine -------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Our reading of the paper's three mechanisms (DESIGN, section 11):
//
//  ddsm  tells transient slack of PEAs from structural slack. PEAs that have
//        been idle for less than a reconfiguration takes only get work whose
//        code is resident, or that is long against a reconfiguration.
//  atss  local decisions of each TBU at every change: gangs by what is free and
//        what waits, resized while they run, code loaded ahead for what waits.
//  pcss  clusters: a new request joins a lane in use, where code and weights
//        are, unless filling one more is the shorter wait (LaneRouter.h); its
//        instances go to another replica if that has much less to do; queued ones are handed to neighbours whose load is
//        lower (first-order diffusion) in each epoch.
//
// With all of them off, instances go to their routed replica with the gang of
// its share, in order, and idle TBUs of a cluster take what waits at others.
//
//===----------------------------------------------------------------------===//

#include "Policies.h"

#include <algorithm>
#include <bit>

using namespace octo;

namespace {

class OctopusPolicy : public Policy {
public:
  explicit OctopusPolicy(const PolicyOptions &options) : options(options) {}

  PolicyTraits traits() const override {
    PolicyTraits traits;
    traits.segments = true;
    traits.epochs = options.pcss;
    traits.warmLanes = options.pcss;
    traits.reach = Reach::Machine;
    return traits;
  }

  uint32_t chooseReplica(Scheduler &s, InstanceId id) override;
  void dispatch(Scheduler &s, uint32_t tbu, Trigger trigger) override;
  void epoch(Scheduler &s) override;
  std::optional<std::string> saveState() const override { return ""; }

private:
  bool startSome(Scheduler &s, uint32_t tbu, uint32_t lane);
  uint32_t gangFor(Scheduler &s, const InstanceInfo &info, uint32_t free,
                   uint32_t waiting);
  InstanceId choose(Scheduler &s, uint32_t tbu, uint32_t lane);
  void handOver(Scheduler &s, uint32_t tbu, uint32_t lane);
  void pull(Scheduler &s, uint32_t tbu);
  bool worthLoading(Scheduler &s, uint32_t tbu, const InstanceInfo &info);
  void grow(Scheduler &s, uint32_t tbu);
  void shrink(Scheduler &s, uint32_t tbu, uint32_t lane);

  PolicyOptions options;
  std::vector<InstanceId> list;
};

} // namespace

/// Clusters one hop away, in a fixed order.
static std::vector<uint32_t> neighbours(Scheduler &s, uint32_t cluster) {
  uint32_t width = s.meshWidth(), count = s.numClusters();
  std::vector<uint32_t> result;
  if (cluster % width + 1 < width)
    result.push_back(cluster + 1);
  if (cluster % width)
    result.push_back(cluster - 1);
  if (cluster + width < count)
    result.push_back(cluster + width);
  if (cluster >= width)
    result.push_back(cluster - width);
  return result;
}

/// Replicas looked at for a new instance: the routed one and those after it.
static constexpr uint32_t replicaChoices = 4;

uint32_t OctopusPolicy::chooseReplica(Scheduler &s, InstanceId id) {
  uint32_t routed = s.routedReplica(id);
  if (!options.pcss)
    return routed;
  InstanceInfo info = s.info(id);
  uint32_t count = s.numReplicas(info.workflow, info.block);
  if (count == 1)
    return routed;
  uint32_t home = s.replicaTbu(info.workflow, info.block, routed);
  uint32_t cluster = home / s.tbusPerCluster();
  uint32_t best = routed;
  uint64_t load = s.backlogOfTbu(home, cluster);
  // The routed replica keeps the instance unless another one is ahead by more
  // than the instance itself: a small difference does not pay the way there.
  uint64_t margin = info.expectedCycles;
  for (uint32_t i = 1; i < std::min(count, replicaChoices); ++i) {
    uint32_t other = (routed + i) % count;
    if (s.replicaStandby(info.workflow, info.block, other))
      continue;
    uint32_t tbu = s.replicaTbu(info.workflow, info.block, other);
    uint64_t there = s.backlogOfTbu(tbu, cluster);
    uint64_t way = uint64_t(16) * s.distance(cluster, tbu / s.tbusPerCluster());
    if (there + margin + way < load) {
      best = other;
      load = there;
    }
  }
  return best;
}

/// The gang for an instance when `free` PEAs can take it and `waiting`
/// instances want them: an even part each with atss, the gang of the share
/// without.
uint32_t OctopusPolicy::gangFor(Scheduler &s, const InstanceInfo &info,
                                uint32_t free, uint32_t waiting) {
  if (options.atss)
    return s.variantGang(info.kernel, std::max(free / waiting, 1u));
  uint32_t share = 1;
  if (info.replica != noIndex)
    share =
        std::popcount(s.replicaPeas(info.workflow, info.block, info.replica));
  uint32_t gang = s.variantGang(info.kernel, share);
  return gang <= free ? gang : 0;
}

/// On transient slack, is it better to leave the PEAs to what comes next than
/// to load this kernel?
bool OctopusPolicy::worthLoading(Scheduler &s, uint32_t tbu,
                                 const InstanceInfo &info) {
  if (!options.ddsm || s.codeResident(tbu, info.kernel))
    return true;
  if (info.expectedCycles >= 2 * s.breakEven())
    return true;
  PeaMask free = s.freePeas(tbu) & s.eligiblePeas(tbu, info.kernel);
  for (; free; free &= free - 1) {
    uint64_t since = s.idleSince(tbu, std::countr_zero(free));
    if (since <= s.now() && s.now() - since >= s.breakEven())
      return true; // structural: nothing was on its way to this PEA
  }
  return false;
}

/// What to start next: the head of the queue; with ddsm, one of the first few
/// whose code is resident while the head is young.
InstanceId OctopusPolicy::choose(Scheduler &s, uint32_t tbu, uint32_t lane) {
  std::span<const InstanceId> queue = s.queue(lane);
  InstanceId head = queue.front();
  if (!options.ddsm || queue.size() == 1)
    return head;
  InstanceInfo info = s.info(head);
  if (s.codeResident(tbu, info.kernel) ||
      s.now() - info.readySince >= s.breakEven())
    return head;
  for (size_t i = 1; i < std::min<size_t>(queue.size(), 8); ++i)
    if (s.codeResident(tbu, s.info(queue[i]).kernel))
      return queue[i];
  return head;
}

/// Starts one instance of a lane; false if none can start.
bool OctopusPolicy::startSome(Scheduler &s, uint32_t tbu, uint32_t lane) {
  uint32_t waiting = s.queueSize(lane);
  if (!waiting)
    return false;
  InstanceId first = choose(s, tbu, lane);
  std::span<const InstanceId> window = s.queue(lane);
  list.assign(window.begin(),
              window.begin() +
                  static_cast<ptrdiff_t>(std::min<size_t>(window.size(), 8)));
  auto found = std::find(list.begin(), list.end(), first);
  std::rotate(list.begin(), found, found + 1);
  for (InstanceId id : list) {
    InstanceInfo info = s.info(id);
    PeaMask free = s.freePeas(tbu) & s.eligiblePeas(tbu, info.kernel);
    uint32_t count = std::popcount(free);
    if (!count)
      return false;
    uint32_t gang = gangFor(s, info, count, waiting);
    // PEAs that are kept for a slot refuse: try the others, then fewer.
    for (; gang; gang = gang > 1 && options.atss
                            ? s.variantGang(info.kernel, gang - 1)
                            : 0) {
      if (s.start(id, tbu, lowestPeas(free, gang)))
        return true;
      PeaMask upper = free;
      for (uint32_t skip = count - gang; skip; --skip)
        upper &= upper - 1;
      if (upper != lowestPeas(free, gang) && s.start(id, tbu, upper))
        return true;
    }
  }
  return false;
}

/// Gives what does not fit here to an idle TBU of the cluster, and if there is
/// none to a neighbour cluster that shows less than half of our load.
void OctopusPolicy::handOver(Scheduler &s, uint32_t tbu, uint32_t lane) {
  uint32_t per = s.tbusPerCluster(), cluster = tbu / per;
  while (s.queueSize(lane)) {
    std::span<const InstanceId> queue = s.queue(lane);
    InstanceId id = queue.back();
    InstanceInfo info = s.info(id);
    bool moved = false;
    for (uint32_t i = 1; i < per && !moved; ++i) {
      uint32_t other = cluster * per + (tbu - cluster * per + i) % per;
      if (!(s.freePeas(other) & s.eligiblePeas(other, info.kernel)))
        continue;
      bool busy = false;
      for (uint32_t l = s.firstLane(other); l < s.firstLane(other + 1); ++l)
        busy |= s.queueSize(l) != 0;
      if (busy || !worthLoading(s, other, info))
        continue;
      moved = s.move(id, other);
      // One at a time and TBU: the next one looks at what is left there.
      if (moved)
        return;
    }
    if (!options.pcss || info.moved)
      return;
    uint64_t own = s.backlogOfCluster(cluster, cluster);
    uint32_t best = noIndex;
    uint64_t least = own / 2;
    for (uint32_t n : neighbours(s, cluster)) {
      uint64_t load = s.backlogOfCluster(n, cluster);
      if (load + info.expectedCycles < least) {
        least = load;
        best = n;
      }
    }
    if (best == noIndex)
      return;
    s.move(id, best * per + tbu % per);
    return;
  }
}

/// An idle TBU takes one instance that waits at another TBU of the cluster.
void OctopusPolicy::pull(Scheduler &s, uint32_t tbu) {
  uint32_t per = s.tbusPerCluster(), cluster = tbu / per;
  for (uint32_t i = 1; i < per; ++i) {
    uint32_t other = cluster * per + (tbu - cluster * per + i) % per;
    for (uint32_t lane = s.firstLane(other); lane < s.firstLane(other + 1);
         ++lane) {
      std::span<const InstanceId> queue = s.queue(lane);
      if (queue.empty())
        continue;
      InstanceInfo info = s.info(queue.back());
      if (info.moved || !(s.freePeas(tbu) & s.eligiblePeas(tbu, info.kernel)) ||
          !worthLoading(s, tbu, info))
        continue;
      if (s.move(queue.back(), tbu))
        return;
    }
  }
}

/// PEAs that nothing waits for join the running instance that gains most.
void OctopusPolicy::grow(Scheduler &s, uint32_t tbu) {
  InstanceId best = noIndex;
  PeaMask bestPeas = 0;
  uint64_t bestGain = 0;
  for (InstanceId id : s.running(tbu)) {
    uint64_t elapsed = s.runningFor(id);
    if (elapsed == ~uint64_t(0))
      continue;
    InstanceInfo info = s.info(id);
    PeaMask gang = s.gangOf(id);
    PeaMask free = s.freePeas(tbu) & s.eligiblePeas(tbu, info.kernel);
    uint32_t now = std::popcount(gang);
    uint32_t more = s.variantGang(info.kernel, now + std::popcount(free));
    if (more <= now)
      continue;
    uint64_t present = s.expectedCycles(info.workflow, info.block, now);
    uint64_t larger = s.expectedCycles(info.workflow, info.block, more);
    if (!present || larger >= present || elapsed >= present)
      continue;
    uint64_t gain = static_cast<uint64_t>(
        static_cast<unsigned __int128>(present - elapsed) * (present - larger) /
        present);
    if (gain > bestGain) {
      bestGain = gain;
      best = id;
      bestPeas = gang | lowestPeas(free, more - now);
    }
  }
  if (best != noIndex && bestGain > 2 * s.resizeCycles())
    s.resize(best, bestPeas);
}

/// Something waits and nothing is free: the longest running gang gives up half
/// of its PEAs, if what is left of it is longer than a resize costs.
void OctopusPolicy::shrink(Scheduler &s, uint32_t tbu, uint32_t lane) {
  uint64_t longest = 4 * s.resizeCycles() + 1;
  InstanceId best = noIndex;
  for (InstanceId id : s.running(tbu)) {
    uint32_t gang = std::popcount(s.gangOf(id));
    if (gang < 2)
      continue;
    // Starting, or changing already.
    uint64_t elapsed = s.runningFor(id);
    if (elapsed == ~uint64_t(0))
      continue;
    InstanceInfo info = s.info(id);
    uint64_t expected = s.expectedCycles(info.workflow, info.block, gang);
    uint64_t left = expected > elapsed ? expected - elapsed : 0;
    if (left > longest) {
      longest = left;
      best = id;
    }
  }
  if (best == noIndex)
    return;
  InstanceInfo head = s.info(s.queue(lane).front());
  // What waits for less time than the rest of the gang takes gains nothing.
  if (longest < head.expectedCycles / 8)
    return;
  PeaMask gang = s.gangOf(best);
  uint32_t half = s.variantGang(s.info(best).kernel, std::popcount(gang) / 2);
  if (half)
    s.resize(best, lowestPeas(gang, half));
}

void OctopusPolicy::dispatch(Scheduler &s, uint32_t tbu, Trigger) {
  bool waiting = false;
  for (uint32_t lane = s.firstLane(tbu); lane < s.firstLane(tbu + 1); ++lane) {
    while (startSome(s, tbu, lane)) {
    }
    if (!s.queueSize(lane))
      continue;
    waiting = true;
    InstanceInfo head = s.info(s.queue(lane).front());
    bool full = !(s.freePeas(tbu) & s.eligiblePeas(tbu, head.kernel));
    if (full) {
      if (options.atss) {
        // Stage what comes next: its code and weights load while others run.
        s.prefetchCode(tbu, head.kernel);
        s.prefetchWeights(tbu / s.tbusPerCluster(), head.workflow, head.block);
      }
      handOver(s, tbu, lane);
      if (options.atss && s.queueSize(lane))
        shrink(s, tbu, lane);
    }
  }
  if (waiting || !s.freePeas(tbu))
    return;
  pull(s, tbu);
  if (options.atss && s.freePeas(tbu))
    grow(s, tbu);
}

/// First-order diffusion: of the difference to each neighbour that shows less,
/// a fifth (1 / (degree + 1) of a mesh) is handed over; never more than is
/// queued.
void OctopusPolicy::epoch(Scheduler &s) {
  uint32_t per = s.tbusPerCluster();
  for (uint32_t cluster = 0; cluster < s.numClusters(); ++cluster) {
    uint64_t own = s.backlogOfCluster(cluster, cluster);
    if (!own)
      continue;
    for (uint32_t n : neighbours(s, cluster)) {
      uint64_t load = s.backlogOfCluster(n, cluster);
      if (load >= own)
        continue;
      uint64_t amount = (own - load) / 5;
      for (uint32_t i = 0; i < per && amount; ++i) {
        uint32_t tbu = cluster * per + i;
        for (uint32_t lane = s.firstLane(tbu); lane < s.firstLane(tbu + 1);
             ++lane) {
          std::span<const InstanceId> queue = s.queue(lane);
          list.assign(queue.rbegin(), queue.rend());
          for (InstanceId id : list) {
            InstanceInfo info = s.info(id);
            // Each instance is handed over once: no oscillation.
            if (info.moved || info.expectedCycles > amount)
              continue;
            if (s.move(id, n * per + i))
              amount -= info.expectedCycles;
          }
        }
      }
    }
  }
}

std::unique_ptr<Policy> octo::makeOctopusPolicy(const PolicyOptions &options) {
  return std::make_unique<OctopusPolicy>(options);
}
