//===- PoolAffinity.cpp - One pool with a dispatcher a cluster ------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The strongest baseline: every cluster may run everything. A new instance goes
// where it would begin first, of the cluster where its first input is, the one
// that ran its kernel last, and a few drawn ones; idle clusters take work from
// drawn ones. Data are counted as time, not priced as load of the mesh.
//
//===----------------------------------------------------------------------===//

#include "ClusterPolicy.h"

#include "octo/Program/Tag.h"

#include <algorithm>

using namespace octo;

namespace {

class PoolAffinityPolicy : public ClusterPolicy {
public:
  PoolAffinityPolicy(Rules rules, uint32_t probes)
      : ClusterPolicy(rules), probes(probes) {}

  Place choosePlace(Scheduler &s, InstanceId id, uint32_t first) override;
  void epoch(Scheduler &s) override;
  void save(std::vector<uint64_t> &words) const override {
    words = {draws};
    words.insert(words.end(), lastOf.begin(), lastOf.end());
  }
  bool load(std::span<const uint64_t> words) override {
    if (words.empty())
      return false;
    draws = words[0];
    lastOf.assign(words.begin() + 1, words.end());
    return true;
  }

protected:
  bool spread(Scheduler &s, uint32_t cluster, const InstanceInfo &info,
              InstanceId id, uint32_t gang) override;
  void overflow(Scheduler &s, uint32_t cluster, uint32_t lane) override;
  bool starved(Scheduler &s, uint32_t cluster) override;

private:
  uint32_t drawCluster(Scheduler &s) {
    return static_cast<uint32_t>(splitmix64(draws++) % s.numClusters());
  }

  uint32_t drawIdle(Scheduler &s, uint32_t cluster, const InstanceInfo &info,
                    uint32_t peas, uint64_t gain);

  uint32_t probes;
  uint64_t draws = 0;
  std::vector<uint32_t> lastOf; ///< by kernel
};

} // namespace

Place PoolAffinityPolicy::choosePlace(Scheduler &s, InstanceId id,
                                      uint32_t first) {
  InstanceInfo info = s.info(id);
  if (lastOf.size() <= info.kernel)
    lastOf.resize(info.kernel + 1, noIndex);
  uint32_t best = noIndex;
  uint64_t least = 0;
  auto look = [&](uint32_t cluster) {
    if (!peasOf(cluster) || cluster == best)
      return;
    uint64_t wait = s.backlogOfCluster(cluster, first) / peasOf(cluster) +
                    s.transferCycles(first, cluster, 64);
    if (!residentIn(s, cluster, info.kernel))
      wait += s.codeLoadCycles(cluster, info.kernel);
    if (best == noIndex || wait < least) {
      best = cluster;
      least = wait;
    }
  };
  look(first);
  if (lastOf[info.kernel] != noIndex)
    look(lastOf[info.kernel]);
  for (uint32_t i = 0; i < probes; ++i)
    look(drawCluster(s));
  if (best == noIndex)
    return {s.replicaTbu(info.workflow, info.block, s.routedReplica(id))};
  lastOf[info.kernel] = best;
  return {best * per};
}

/// A drawn cluster with `peas` free that is reached in less than `gain` cycles.
uint32_t PoolAffinityPolicy::drawIdle(Scheduler &s, uint32_t cluster,
                                      const InstanceInfo &info, uint32_t peas,
                                      uint64_t gain) {
  for (uint32_t i = 0; i < std::max(probes, 1u); ++i) {
    uint32_t other = drawCluster(s);
    if (other == cluster || s.freePeasOfCluster(other, cluster) < peas)
      continue;
    uint64_t cost = s.transferCycles(
        cluster, other,
        s.expectedInputBytes(info.workflow, info.block) +
            s.missingWeightBytes(other, info.workflow, info.block));
    if (!residentIn(s, other, info.kernel))
      cost += s.codeLoadCycles(other, info.kernel);
    if (cost < gain)
      return other;
  }
  return noIndex;
}

bool PoolAffinityPolicy::spread(Scheduler &s, uint32_t cluster,
                                const InstanceInfo &info, InstanceId id,
                                uint32_t gang) {
  uint32_t most = s.variantGang(
      info.kernel, std::min(rules.maxGang, s.maxVariantGang(info.kernel)));
  if (!gang || gang >= most)
    return false;
  uint64_t here = s.expectedCycles(info.workflow, info.block, gang);
  uint64_t there = s.expectedCycles(info.workflow, info.block, most);
  if (there >= here)
    return false;
  uint32_t other = drawIdle(s, cluster, info, most, here - there);
  return other != noIndex && s.move(id, other * per);
}

void PoolAffinityPolicy::overflow(Scheduler &s, uint32_t cluster,
                                  uint32_t lane) {
  while (s.queueSize(lane)) {
    InstanceId id = s.queue(lane).back();
    InstanceInfo info = s.info(id);
    if (info.moved)
      return;
    uint32_t other =
        drawIdle(s, cluster, info, s.smallestGang(info.kernel),
                 s.backlogOfCluster(cluster, cluster) / peasOf(cluster));
    if (other == noIndex || !s.move(id, other * per))
      return;
  }
}

bool PoolAffinityPolicy::starved(Scheduler &s, uint32_t cluster) {
  for (uint32_t i = 0; i < std::max(probes, 1u); ++i) {
    uint32_t victim = drawCluster(s);
    if (victim != cluster && peasOf(victim) &&
        s.backlogOfCluster(victim, cluster) && steal(s, cluster, victim))
      return true;
  }
  return false;
}

/// Clusters that found nothing ask again.
void PoolAffinityPolicy::epoch(Scheduler &s) {
  for (uint32_t cluster = 0; cluster < s.numClusters(); ++cluster)
    if (s.freePeasOfCluster(cluster, cluster) && !waitingIn(s, cluster))
      starved(s, cluster);
}

std::unique_ptr<Policy>
octo::makePoolAffinityPolicy(const PolicyOptions &options) {
  ClusterPolicy::Rules rules;
  rules.maxGang = static_cast<uint32_t>(options.values[0]);
  rules.agePercent = options.values[1];
  return std::make_unique<PoolAffinityPolicy>(
      rules, static_cast<uint32_t>(options.values[2]));
}
