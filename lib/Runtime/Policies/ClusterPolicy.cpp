//===- ClusterPolicy.cpp - A scheduler a cluster --------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ClusterPolicy.h"

#include <algorithm>
#include <bit>

using namespace octo;

namespace {

// Frozen; docs/policies.md says how they were chosen.

/// PEAs wait for code that comes within this part of an instance's length.
constexpr uint64_t holdPart = 4;

/// Cycles until a TBU could run a kernel if it were loaded now, and what that
/// takes from other kernels; saturated.
uint64_t priceOf(Scheduler &s, uint32_t tbu, uint32_t kernel) {
  uint64_t loss = s.codeLoss(tbu, kernel), delay = s.codeDelay(tbu, kernel);
  return loss > ~delay ? ~uint64_t(0) : loss + delay;
}

} // namespace

Expected<void> ClusterPolicy::begin(Scheduler &s) {
  per = s.tbusPerCluster();
  livePeas.assign(s.numClusters(), 0);
  for (uint32_t tbu = 0; tbu < s.numTbus(); ++tbu)
    livePeas[tbu / per] += std::popcount(s.livePeas(tbu));
  rents.assign(rules.weigh ? s.numTbus() : 0, {});
  scarce = rules.weigh && s.codeIsScarce();
  return {};
}

void ClusterPolicy::overflow(Scheduler &, uint32_t, uint32_t) {}
bool ClusterPolicy::starved(Scheduler &, uint32_t) { return false; }

uint32_t ClusterPolicy::queuedIn(Scheduler &s, uint32_t cluster) const {
  uint32_t first = cluster * per, queued = 0;
  for (uint32_t lane = s.firstLane(first); lane < s.firstLane(first + 1);
       ++lane)
    queued += s.queueSize(lane);
  return queued;
}

uint32_t ClusterPolicy::waitingIn(Scheduler &s, uint32_t cluster) const {
  uint32_t waiting = queuedIn(s, cluster);
  for (uint32_t tbu = cluster * per; tbu < (cluster + 1) * per; ++tbu)
    waiting += static_cast<uint32_t>(s.staged(tbu).size());
  return waiting;
}

/// Has a TBU the code of a kernel, and enough live PEAs to run it?
static bool hasReady(Scheduler &s, uint32_t tbu, uint32_t kernel) {
  return s.codeResident(tbu, kernel) &&
         uint32_t(std::popcount(s.eligiblePeas(tbu, kernel))) >=
             s.smallestGang(kernel);
}

bool ClusterPolicy::residentIn(Scheduler &s, uint32_t cluster,
                               uint32_t kernel) const {
  for (uint32_t tbu = cluster * per; tbu < (cluster + 1) * per; ++tbu)
    if (hasReady(s, tbu, kernel))
      return true;
  return false;
}

/// The gang for one instance when `free` PEAs of a TBU can take it and each one
/// that waits has a part of `each`; 0 if there is none.
uint32_t ClusterPolicy::gangFor(Scheduler &s, const InstanceInfo &info,
                                uint32_t tbu, uint32_t free,
                                uint32_t each) const {
  uint32_t most = rules.maxGang;
  if (!rules.malleable) {
    uint32_t share = 1;
    if (info.replica != noIndex)
      share =
          std::popcount(s.replicaPeas(info.workflow, info.block, info.replica));
    else if (s.numReplicas(info.workflow, info.block))
      share = std::popcount(s.replicaPeas(info.workflow, info.block, 0));
    // The share may be that of a TBU with more live PEAs than any here has.
    uint32_t first = tbu / per * per, live = 0;
    for (uint32_t other = first; other < first + per && live < share; ++other)
      live = std::max<uint32_t>(
          live, std::popcount(s.eligiblePeas(other, info.kernel)));
    uint32_t gang = s.variantGang(info.kernel, std::min({share, most, live}));
    return gang <= free ? gang : 0;
  }
  uint32_t gang =
      s.variantGang(info.kernel, std::min({std::max(each, 1u), free, most}));
  if (!gang)
    gang = s.smallestGang(info.kernel);
  return gang <= free ? gang : 0;
}

bool ClusterPolicy::startAt(Scheduler &s, InstanceId id, uint32_t tbu,
                            uint32_t each) {
  InstanceInfo info = s.info(id);
  PeaMask free = s.freePeas(tbu) & s.eligiblePeas(tbu, info.kernel);
  uint32_t count = std::popcount(free);
  uint32_t gang = gangFor(s, info, tbu, count, each);
  // PEAs that are kept for a slot refuse: try the others, then fewer.
  for (; gang; gang = gang > 1 && rules.malleable
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
  return false;
}

void ClusterPolicy::startStaged(Scheduler &s, uint32_t cluster) {
  for (uint32_t tbu = cluster * per; tbu < (cluster + 1) * per; ++tbu) {
    if (s.staged(tbu).empty() || !s.freePeas(tbu))
      continue;
    uint32_t waiting = waitingIn(s, cluster);
    uint32_t each = s.freePeasOfCluster(cluster, cluster) / waiting;
    list.assign(s.staged(tbu).begin(), s.staged(tbu).end());
    for (InstanceId id : list)
      if (s.freePeas(tbu) && !coming(s, tbu, id, s.kernelOf(id)))
        startAt(s, id, tbu, each);
  }
}

/// The code is on its way and it takes so long that others should have the PEAs
/// meanwhile. The cluster is woken when it is there.
bool ClusterPolicy::coming(Scheduler &s, uint32_t tbu, InstanceId id,
                           uint32_t kernel) {
  if (!rules.weigh)
    return false;
  uint64_t delay = s.codeDelay(tbu, kernel);
  if (!delay || delay * holdPart <= s.info(id).expectedCycles)
    return false;
  s.wake(tbu, s.now() + delay);
  return true;
}

uint64_t ClusterPolicy::lossIn(Scheduler &s, uint32_t cluster,
                               uint32_t kernel) const {
  uint64_t least = ~uint64_t(0);
  for (uint32_t tbu = cluster * per; tbu < (cluster + 1) * per; ++tbu)
    if (s.eligiblePeas(tbu, kernel))
      least = std::min(least, s.codeLoss(tbu, kernel));
  return least;
}

bool ClusterPolicy::hasRoom(Scheduler &s, uint32_t cluster,
                            uint32_t kernel) const {
  for (uint32_t tbu = cluster * per; tbu < (cluster + 1) * per; ++tbu)
    if (s.eligiblePeas(tbu, kernel) && s.codeHasRoom(tbu, kernel))
      return true;
  return false;
}

bool ClusterPolicy::isDear(Scheduler &s, uint32_t cluster,
                           const InstanceInfo &info) const {
  return scarce && s.codeLoadCycles(cluster, info.kernel) * holdPart >
                       info.expectedCycles;
}

/// PEAs that could take a kernel at once: with `weigh` those of TBUs that have
/// its code.
uint32_t ClusterPolicy::freePeasFor(Scheduler &s, uint32_t cluster,
                                    uint32_t kernel) const {
  if (!rules.weigh)
    return s.freePeasOfCluster(cluster, cluster);
  uint32_t free = 0;
  for (uint32_t tbu = cluster * per; tbu < (cluster + 1) * per; ++tbu)
    if (s.codeResident(tbu, kernel))
      free += std::popcount(s.freePeas(tbu));
  return free;
}

/// Is it better to load the code of a waiting instance into a TBU than to wait
/// for one of the cluster that has it? It is, if nobody has it, if waiting is
/// expected to take longer than loading, or has done so already.
bool ClusterPolicy::mayLoad(Scheduler &s, uint32_t tbu, InstanceId id,
                            uint32_t kernel) {
  uint32_t cluster = tbu / per;
  if (!rules.affinity)
    return true;
  if (rules.weigh)
    return isWorthIt(s, tbu, id, kernel);
  if (!residentIn(s, cluster, kernel))
    return true;
  uint64_t load = s.codeLoadCycles(cluster, kernel);
  // Until a PEA of one that has it is free: what runs and is staged there.
  uint64_t wait = ~uint64_t(0);
  for (uint32_t other = cluster * per; other < (cluster + 1) * per; ++other)
    if (hasReady(s, other, kernel))
      wait = std::min(wait, s.backlogOfTbu(other, cluster) /
                                std::max(std::popcount(s.livePeas(other)), 1));
  if (wait > load)
    return true;
  return (s.now() - s.info(id).readySince) * 100 >= load * rules.agePercent;
}

/// The same by rent or buy (Karlin, Manasse, Rudolph and Sleator, Algorithmica
/// 3, 1988). The price is the way of the code to the TBU and what it takes from
/// kernels that it replaces. It is paid once PEAs of the TBU have been idle for
/// as long, or when all that waits for the kernel would keep those who have it
/// busy for longer; but only for work that is worth what others lose. Dear code
/// does not come for work that waits: as long as PEAs are busy, another place
/// for it gains nothing, and others lose theirs.
bool ClusterPolicy::isWorthIt(Scheduler &s, uint32_t tbu, InstanceId id,
                              uint32_t kernel) {
  uint32_t cluster = tbu / per, first = cluster * per;
  uint64_t price = priceOf(s, tbu, kernel);
  uint64_t busy = 0, peas = 0, least = price;
  for (uint32_t other = first; other < first + per; ++other)
    if (hasReady(s, other, kernel)) {
      busy += s.backlogOfTbu(other, cluster);
      peas += std::popcount(s.livePeas(other));
    } else if (s.eligiblePeas(other, kernel)) {
      least = std::min(least, priceOf(s, other, kernel));
    }
  // Nobody has it: where it is cheapest. Without staging, where PEAs are free.
  if (!peas)
    return price == least || !rules.stageDepth;
  if (price == ~uint64_t(0))
    return false;
  InstanceInfo info = s.info(id);
  if ((s.now() - info.readySince) / rules.agePercent >= price / 100)
    return true;
  bool wasIdle = rents[tbu].cycles > price;
  if (!wasIdle && isDear(s, cluster, info))
    return false;
  uint64_t work = 0;
  for (uint32_t lane = s.firstLane(first); lane < s.firstLane(first + 1);
       ++lane)
    for (InstanceId other : s.queue(lane))
      if (s.kernelOf(other) == kernel)
        work += s.info(other).expectedCycles;
  return work >= s.codeLoss(tbu, kernel) &&
         (wasIdle || (busy + work) / peas > price);
}

/// Charges the TBUs of a cluster with what they were idle for since last time.
void ClusterPolicy::beginTurn(Scheduler &s, uint32_t cluster) {
  for (uint32_t tbu = cluster * per; tbu < (cluster + 1) * per; ++tbu) {
    Rent &rent = rents[tbu];
    rent.cycles += (s.now() - rent.since) * rent.peas;
    rent.since = s.now();
    rent.peas = 0;
  }
}

/// PEAs that are still free though something waits are so for want of code.
void ClusterPolicy::endTurn(Scheduler &s, uint32_t cluster) {
  if (queuedIn(s, cluster))
    for (uint32_t tbu = cluster * per; tbu < (cluster + 1) * per; ++tbu)
      rents[tbu].peas = std::popcount(s.freePeas(tbu));
}

void ClusterPolicy::saveRents(std::vector<uint64_t> &words) const {
  for (const Rent &rent : rents)
    words.insert(words.end(), {rent.cycles, rent.since, rent.peas});
}

bool ClusterPolicy::loadRents(std::span<const uint64_t> words) {
  if (words.size() != rents.size() * 3)
    return false;
  for (size_t i = 0; i < rents.size(); ++i)
    rents[i] = {words[3 * i], words[3 * i + 1], words[3 * i + 2]};
  return true;
}

/// What to start next in a cluster with free PEAs, and where.
ClusterPolicy::Choice ClusterPolicy::choose(Scheduler &s, uint32_t cluster,
                                            uint32_t lane) {
  std::span<const InstanceId> window = s.queue(lane);
  uint32_t first = cluster * per;
  Choice load;
  for (InstanceId id : window) {
    uint32_t kernel = s.kernelOf(id);
    uint32_t best = noIndex, most = 0, other = noIndex, otherMost = 0;
    uint64_t least = 0;
    for (uint32_t tbu = first; tbu < first + per; ++tbu) {
      uint32_t free =
          std::popcount(s.freePeas(tbu) & s.eligiblePeas(tbu, kernel));
      if (!free)
        continue;
      if (s.codeResident(tbu, kernel)) {
        if (free > most && !coming(s, tbu, id, kernel)) {
          most = free;
          best = tbu;
        }
      } else if (rules.weigh) {
        uint64_t price = priceOf(s, tbu, kernel);
        if (s.staged(tbu).size() < std::max(rules.stageDepth, 1u) &&
            (other == noIndex || price < least)) {
          least = price;
          other = tbu;
        }
      } else if (free > otherMost &&
                 (other == noIndex || s.codeFits(tbu, kernel))) {
        otherMost = free;
        other = tbu;
      }
    }
    if (best != noIndex)
      return {id, best};
    if (load.id == noIndex && other != noIndex &&
        mayLoad(s, other, id, kernel)) {
      load = {id, other};
      if (!rules.affinity)
        return load;
      // The oldest has let others overtake it for long enough.
      if ((s.now() - s.info(id).readySince) * 100 >=
          s.codeLoadCycles(cluster, kernel) * rules.agePercent)
        return load;
    }
  }
  return load;
}

void ClusterPolicy::startQueued(Scheduler &s, uint32_t cluster, uint32_t lane) {
  while (s.queueSize(lane)) {
    uint32_t free = s.freePeasOfCluster(cluster, cluster);
    if (!free)
      return;
    Choice choice = choose(s, cluster, lane);
    if (choice.id == noIndex)
      return;
    uint32_t each = free / waitingIn(s, cluster);
    uint32_t kernel = s.kernelOf(choice.id);
    if (!s.codeResident(choice.tbu, kernel)) {
      if (rules.weigh)
        rents[choice.tbu].cycles = 0;
      // What is staged does not hold PEAs before its code is there.
      if (rules.stageDepth && coming(s, choice.tbu, choice.id, kernel) &&
          s.stage(choice.id, choice.tbu))
        continue;
    }
    if (rules.malleable) {
      InstanceInfo info = s.info(choice.id);
      uint32_t here = std::popcount(s.freePeas(choice.tbu) &
                                    s.eligiblePeas(choice.tbu, info.kernel));
      uint32_t gang = gangFor(s, info, choice.tbu, here, each);
      if (!info.moved && spread(s, cluster, info, choice.id, gang))
        continue;
    }
    if (startAt(s, choice.id, choice.tbu, each))
      continue;
    // PEAs kept for slots, or gangs that do not fit: whatever starts.
    bool started = false;
    list.assign(s.queue(lane).begin(), s.queue(lane).end());
    if (list.size() > 8)
      list.resize(8);
    for (InstanceId id : list) {
      for (uint32_t tbu = cluster * per; tbu < (cluster + 1) * per && !started;
           ++tbu)
        started = s.freePeas(tbu) && startAt(s, id, tbu, each);
      if (started)
        break;
    }
    if (!started)
      return;
  }
}

/// Brings instances to TBUs whose PEAs are taken, so that code, weights and
/// inputs are there when one becomes free.
void ClusterPolicy::stageAhead(Scheduler &s, uint32_t cluster, uint32_t lane) {
  uint32_t first = cluster * per;
  for (uint32_t depth = 0; depth < rules.stageDepth; ++depth)
    for (uint32_t tbu = first; tbu < first + per && s.queueSize(lane); ++tbu) {
      if (s.staged(tbu).size() > depth)
        continue;
      std::span<const InstanceId> window = s.queue(lane);
      InstanceId load = noIndex, resident = noIndex;
      for (InstanceId id : window) {
        uint32_t kernel = s.kernelOf(id);
        if (!s.eligiblePeas(tbu, kernel))
          break;
        if (s.codeResident(tbu, kernel)) {
          resident = id;
          break;
        }
        if (load == noIndex && s.codeFits(tbu, kernel) &&
            mayLoad(s, tbu, id, kernel)) {
          load = id;
          if (!rules.affinity || !residentIn(s, cluster, kernel))
            break;
        }
      }
      if (resident != noIndex)
        s.stage(resident, tbu);
      else if (load != noIndex) {
        if (rules.weigh)
          rents[tbu].cycles = 0;
        s.stage(load, tbu);
      }
    }
}

/// TBUs with free PEAs take what is staged at others and need not wait for.
void ClusterPolicy::shareStaged(Scheduler &s, uint32_t cluster) {
  uint32_t first = cluster * per;
  for (uint32_t tbu = first; tbu < first + per; ++tbu) {
    if (!s.freePeas(tbu))
      continue;
    for (uint32_t other = first; other < first + per; ++other) {
      if (other == tbu || s.staged(other).empty() || !s.freePeas(tbu))
        continue;
      InstanceId id = s.staged(other).back();
      uint32_t kernel = s.kernelOf(id);
      if (!(s.freePeas(tbu) & s.eligiblePeas(tbu, kernel)))
        continue;
      if (rules.affinity && !s.codeResident(tbu, kernel)) {
        uint64_t load = s.codeLoadCycles(cluster, kernel);
        if (s.backlogOfTbu(other, cluster) <=
            load * std::max<uint32_t>(std::popcount(s.livePeas(other)), 1))
          continue;
      }
      startAt(s, id, tbu, 1);
    }
  }
}

/// Something waits and nothing is free: the longest running gang gives up half
/// of its PEAs, if what is left of it is longer than a resize costs.
void ClusterPolicy::shrink(Scheduler &s, uint32_t cluster, uint32_t lane) {
  uint64_t longest = 4 * s.resizeCycles() + 1;
  InstanceId best = noIndex;
  uint32_t bestKernel = 0;
  for (uint32_t tbu = cluster * per; tbu < (cluster + 1) * per; ++tbu)
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
        bestKernel = info.kernel;
      }
    }
  if (best == noIndex)
    return;
  InstanceInfo head = s.info(s.queue(lane).front());
  // What waits for less time than the rest of the gang takes gains nothing.
  if (longest < head.expectedCycles / 8)
    return;
  PeaMask gang = s.gangOf(best);
  uint32_t half = s.variantGang(bestKernel, std::popcount(gang) / 2);
  if (half)
    s.resize(best, lowestPeas(gang, half));
}

/// PEAs that nothing waits for join the running instance that gains most.
void ClusterPolicy::grow(Scheduler &s, uint32_t tbu) {
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
    uint32_t more =
        s.variantGang(info.kernel, std::min<uint32_t>(now + std::popcount(free),
                                                      rules.maxGang));
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

bool ClusterPolicy::steal(Scheduler &s, uint32_t thief, uint32_t victim) {
  uint32_t first = victim * per, to = thief * per;
  // What waits at the thief's for want of code comes before other loads.
  bool wantsReady = rules.weigh && queuedIn(s, thief);
  for (uint32_t lane = s.firstLane(first); lane < s.firstLane(first + 1);
       ++lane) {
    std::span<const InstanceId> window = s.queue(lane);
    if (window.empty())
      continue;
    InstanceId found = noIndex;
    size_t looked = 0;
    for (auto it = window.rbegin(); it != window.rend() && looked < 16;
         ++it, ++looked) {
      uint32_t kernel = s.kernelOf(*it);
      bool fits = false, ready = false;
      for (uint32_t tbu = to; tbu < to + per; ++tbu)
        if (s.freePeas(tbu) & s.eligiblePeas(tbu, kernel)) {
          fits = true;
          ready |= s.codeResident(tbu, kernel);
        }
      if (!fits)
        continue;
      if (rules.weigh ? ready : residentIn(s, thief, kernel)) {
        found = *it;
        break;
      }
      // What waits here for less than a load takes is not worth one there, and
      // dear code stays where it is.
      if (found == noIndex && !wantsReady && !isDear(s, thief, s.info(*it)) &&
          (!rules.affinity ||
           s.backlogOfCluster(victim, victim) >
               s.codeLoadCycles(thief, kernel) * std::max(peasOf(victim), 1u)))
        found = *it;
    }
    if (found != noIndex && s.pull(found, to))
      return true;
  }
  return false;
}

void ClusterPolicy::dispatch(Scheduler &s, uint32_t tbu, Trigger) {
  uint32_t cluster = tbu / per;
  if (!rules.weigh) {
    serve(s, cluster);
    return;
  }
  beginTurn(s, cluster);
  serve(s, cluster);
  endTurn(s, cluster);
}

void ClusterPolicy::serve(Scheduler &s, uint32_t cluster) {
  uint32_t first = cluster * per;
  startStaged(s, cluster);
  bool waiting = false;
  for (uint32_t lane = s.firstLane(first); lane < s.firstLane(first + 1);
       ++lane) {
    if (!s.queueSize(lane))
      continue;
    startQueued(s, cluster, lane);
    if (!s.queueSize(lane))
      continue;
    waiting = true;
    stageAhead(s, cluster, lane);
    if (!s.queueSize(lane))
      continue;
    if (rules.malleable && !s.freePeasOfCluster(cluster, cluster))
      shrink(s, cluster, lane);
    overflow(s, cluster, lane);
  }
  if (!s.freePeasOfCluster(cluster, cluster))
    return;
  if (waiting) {
    // They are free for want of code: others may have work for what is here.
    if (rules.weigh)
      starved(s, cluster);
    return;
  }
  shareStaged(s, cluster);
  if (!s.freePeasOfCluster(cluster, cluster) || starved(s, cluster))
    return;
  if (rules.malleable)
    for (uint32_t t = first; t < first + per; ++t)
      if (s.freePeas(t))
        grow(s, t);
}
