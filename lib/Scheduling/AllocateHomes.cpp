//===- AllocateHomes.cpp - Homes in the first lane ------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Homes are found by list scheduling in rank order (earliest finish over a
// bounded set of candidates, as HEFT does over all), so that one request is
// fast; a cap on the load of each PEA spreads blocks that only ever run one
// after the other, so that a stream of requests is fast too. Where data travels
// far they are found once more by mapToMesh, and the better ones are kept.
//
//===----------------------------------------------------------------------===//

#include "AllocatorImpl.h"

#include "octo/Scheduling/MeshMapping.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace octo::sched::allocation {

/// A task may end this part of its time later where its data would have it.
static constexpr uint64_t patience = 16;

/// The first lane without blocks.
Allocator::Filling Allocator::emptyLane() {
  const uint32_t numTbus = tbusPerLane;
  Filling f;

  // What a lane's PEAs may be loaded with before other places are preferred.
  std::array<uint64_t, numPeaClasses> lanePeas{};
  std::array<unsigned __int128, numPeaClasses> laneWork{};
  for (uint32_t i = 0; i < numTbus; ++i)
    for (uint32_t c = 0; c < numPeaClasses; ++c)
      for (const Run &run : runsOf(tbuOrder[i], c))
        lanePeas[c] += run.count;
  for (uint32_t b = 0; b < numBlocks; ++b)
    if (problem.isTask(b))
      laneWork[classOf(b)] += load[b];
  for (uint32_t c = 0; c < numPeaClasses; ++c)
    if (lanePeas[c])
      f.cap[c] = uint64_t(
          laneWork[c] / lanePeas[c] * (65536 + options.loadSlackQ16) >> 16);
  if (!guide.empty())
    f.cap = mostLoad;

  f.freeAt.assign(size_t(numTbus) * desc.peasPerTbu, 0);
  loadOf.assign(size_t(numTbus) * desc.peasPerTbu, 0);
  f.firstFree.assign(numPeaClasses, MinTree(numTbus));
  leastLoad.assign(numPeaClasses, MinTree(numTbus));
  for (uint32_t i = 0; i < numTbus; ++i)
    refresh(f, i);

  // Pins make one lane of the whole machine, so every pinned place is in it.
  if (lanes == 1) {
    f.localOf.assign(desc.numTbus(), none);
    for (uint32_t i = 0; i < numTbus; ++i)
      f.localOf[tbuOrder[i]] = i;
  }
  f.firstOfCluster.assign(desc.numClusters(), none);
  for (uint32_t i = numTbus; i-- > 0;)
    f.firstOfCluster[clusterAt(i)] = i;

  kernelsOf.assign(numTbus, {});
  codeOf.assign(numTbus, 0);
  homeTbu.assign(numBlocks, none);
  f.endOf.assign(numBlocks, 0);
  f.homeOf.assign(numBlocks, none);
  // Where pinned blocks will be is known before their turn: their partners
  // gather there.
  for (uint32_t b = 0; lanes == 1 && b < numBlocks; ++b)
    if (problem.pinCluster[b] != none) {
      f.homeOf[b] = problem.pinCluster[b];
      homeTbu[b] = f.localOf[problem.pinCluster[b] * desc.tbusPerCluster];
    }
  return f;
}

/// Brings the trees of a lane up to date with the PEAs of a TBU.
void Allocator::refresh(Filling &f, uint32_t local) {
  const size_t firstPea = size_t(local) * desc.peasPerTbu;
  for (uint32_t c = 0; c < numPeaClasses; ++c) {
    uint64_t time = forever, least = forever;
    for (const Run &run : runsOf(tbuOrder[local], c))
      for (uint32_t p = run.first; p < uint32_t(run.first) + run.count; ++p) {
        least = std::min(least, loadOf[firstPea + p]);
        // A PEA that is loaded to the cap is no place to look for.
        if (loadOf[firstPea + p] < f.cap[c] || f.cap[c] == 0)
          time = std::min(time, f.freeAt[firstPea + p]);
      }
    f.firstFree[c].set(local, time);
    leastLoad[c].set(local, least);
  }
}

/// The clusters that a block exchanges data with, and how much.
void Allocator::findNeighbours(Filling &f, uint32_t b) const {
  std::vector<Neighbour> &neighbours = f.neighbours;
  neighbours.clear();
  for (uint32_t e : flowsIn.of(b)) {
    const Edge &flow = problem.flows[e];
    if (f.homeOf[flow.from] != none)
      neighbours.push_back({f.homeOf[flow.from], homeTbu[flow.from], flow.bytes,
                            f.endOf[flow.from]});
  }
  for (uint32_t e : flowsOut.of(b)) {
    const Edge &flow = problem.flows[e];
    if (f.homeOf[flow.to] != none)
      neighbours.push_back(
          {f.homeOf[flow.to], homeTbu[flow.to], flow.bytes, 0});
  }
  uint32_t owner = problem.regionOwner[problem.region[b]];
  if (owner != none && f.homeOf[owner] != none)
    neighbours.push_back({f.homeOf[owner], homeTbu[owner], 0, f.endOf[owner]});
  // Many neighbours: the largest flows decide, and the last to arrive.
  constexpr size_t mostNeighbours = 16;
  if (neighbours.size() <= mostNeighbours)
    return;
  auto last = std::max_element(
      neighbours.begin(), neighbours.end(),
      [](const Neighbour &a, const Neighbour &b) { return a.end < b.end; });
  std::iter_swap(neighbours.begin(), last);
  std::nth_element(neighbours.begin() + 1, neighbours.begin() + mostNeighbours,
                   neighbours.end(),
                   [](const Neighbour &a, const Neighbour &b) {
                     return std::tie(b.bytes, b.end, a.local) <
                            std::tie(a.bytes, a.end, b.local);
                   });
  neighbours.resize(mostNeighbours);
}

/// Cycles until all inputs of the block whose turn it is are at a cluster.
uint64_t Allocator::readyAt(const Filling &f, uint32_t cluster) const {
  uint64_t ready = 0;
  for (const Neighbour &n : f.neighbours)
    if (n.end)
      ready = std::max(
          ready, std::min(forever, n.end + transferCycles(topology, n.cluster,
                                                          cluster, n.bytes)));
  return ready;
}

/// The byte-hops from a cluster to all partners, as cycles of a link.
uint64_t Allocator::byteHops(const Filling &f, uint32_t b,
                             uint32_t cluster) const {
  uint64_t sum = 0;
  for (const Neighbour &n : f.neighbours)
    sum += uint64_t(topology.distance(n.cluster, cluster)) * (n.bytes + 1);
  if (hostBytes[b])
    sum += uint64_t(topology.distance(topology.hostCluster(), cluster)) *
           hostBytes[b];
  return sum / desc.dataPlane.linkBytesPerCycle;
}

/// The CBU nearest to the partners; in doubt that of the lane's middle.
void Allocator::placeControl(Filling &f, uint32_t b) {
  const uint32_t numTbus = tbusPerLane;
  Decision decision{b, DecisionKind::Home, {}};
  uint32_t best = none;
  uint64_t bestScore = forever;
  auto consider = [&](uint32_t cluster) {
    if (cluster == none)
      return;
    bool alive = topology.cbuLive(cluster);
    uint64_t score = alive ? byteHops(f, b, cluster) : forever;
    if (options.recordDecisions)
      decision.candidates.push_back({cluster, 0, 0, int64_t(score),
                                     alive ? Outcome::Worse : Outcome::Defect});
    if (alive && score < bestScore)
      best = cluster, bestScore = score;
  };
  if (problem.pinCluster[b] != none) {
    consider(problem.pinCluster[b]);
  } else {
    size_t tried = 0;
    std::vector<uint32_t> clusters;
    if (!guide.empty() && topology.cbuLive(guide[b]))
      clusters.push_back(guide[b]);
    else
      for (const Neighbour &n : f.neighbours)
        if (std::find(clusters.begin(), clusters.end(), n.cluster) ==
                clusters.end() &&
            tried++ < 8)
          clusters.push_back(n.cluster);
    // Spread those that nothing ties.
    uint32_t middle = clusterAt(
        uint32_t((uint64_t(b) * 2654435761u) % std::max(1u, numTbus)));
    if (clusters.empty())
      clusters.push_back(numTbus <= desc.tbusPerCluster ? clusterAt(numTbus / 2)
                                                        : middle);
    for (uint32_t cluster : clusters)
      consider(cluster);
    // Dead CBUs: the next live one along the lane, then anywhere.
    for (uint32_t i = 0; best == none && i < numTbus; ++i)
      consider(clusterAt(i));
    for (uint32_t c = 0; best == none && c < desc.numClusters(); ++c)
      consider(c);
  }
  f.homeOf[b] = best;
  const uint64_t start = readyAt(f, best);
  startOf[b] = start;
  length = std::max(length, addSat(start, result.rank[b]));
  f.endOf[b] =
      std::max<uint64_t>(1, std::min(forever, start + problem.cycles[b]));
  placed[size_t(base[b]) * lanes] = Replica{best, 0, 0, 0, 0, 0, false};
  positionOf[base[b]] = f.firstOfCluster[best];
  if (!options.recordDecisions)
    return;
  for (Candidate &c : decision.candidates)
    if (c.cluster == best)
      c.outcome = Outcome::Chosen;
  homes.push_back(std::move(decision));
}

/// The TBUs of the lane that a task is tried on, those of the cluster of its
/// data first; returns how many these are.
size_t Allocator::findCandidates(Filling &f, uint32_t b) const {
  const uint32_t numTbus = tbusPerLane;
  std::vector<uint32_t> &candidates = f.candidates;
  candidates.clear();
  auto add = [&](uint32_t local) {
    if (local != none && local < numTbus &&
        std::find(candidates.begin(), candidates.end(), local) ==
            candidates.end())
      candidates.push_back(local);
  };
  if (isPinned(b)) {
    // Nowhere else.
    uint32_t first = problem.pinCluster[b] == none ? 0 : problem.pinCluster[b];
    uint32_t last =
        problem.pinCluster[b] == none ? desc.numClusters() : first + 1;
    for (uint32_t c = first; c < last; ++c)
      for (uint32_t t = 0; t < desc.tbusPerCluster; ++t)
        if (problem.pinTbu[b] == none || problem.pinTbu[b] == t)
          add(f.localOf[c * desc.tbusPerCluster + t]);
    return 0;
  }
  if (!guide.empty())
    for (uint32_t i = f.firstOfCluster[guide[b]];
         i < numTbus && clusterAt(i) == guide[b]; ++i)
      add(i);
  const size_t guided = candidates.size();
  if (numTbus <= 16) {
    for (uint32_t i = 0; i < numTbus; ++i)
      add(i);
    return guided;
  }
  // Where the partners are and beside them, where a PEA is free first, and
  // where the load is least.
  size_t tried = 0;
  for (const Neighbour &n : f.neighbours) {
    if (n.local == none || tried++ >= 4)
      continue;
    add(n.local);
    add(n.local + 1);
    if (n.local)
      add(n.local - 1);
    if (n.local >= desc.tbusPerCluster)
      add(n.local - desc.tbusPerCluster);
    add(n.local + desc.tbusPerCluster);
  }
  add(f.firstFree[classOf(b)].argMin());
  add(leastLoad[classOf(b)].argMin());
  return guided;
}

/// Tries the PEAs of a TBU for a task: `spot` becomes one of them if it is
/// better.
Allocator::Tried Allocator::tryTbu(const Filling &f, uint32_t b, uint32_t local,
                                   Spot &spot) const {
  const uint32_t cluster = clusterAt(local);
  const uint32_t peaClass = classOf(b), gang = result.gang[b];
  const uint32_t kernel = problem.kernel[b];
  const size_t firstPea = size_t(local) * desc.peasPerTbu;
  const uint64_t duration = problem.cyclesOn(b, gang), share = partOf(b);
  const bool pinned = isPinned(b);
  Tried tried{{cluster, uint16_t(tbuOrder[local] % desc.tbusPerCluster),
               uint16_t(gang), 0, Outcome::NoCapacity},
              false};
  const uint64_t ready = readyAt(f, cluster);
  if (ready >= forever) {
    tried.candidate.outcome = Outcome::NoRoute;
    return tried;
  }
  // Configurations that do not fit together are loaded again and again.
  uint64_t reload = 0;
  const std::vector<uint32_t> &resident = kernelsOf[local];
  if (codeOf[local] + problem.codeBytes[kernel] > desc.configStore.bytes &&
      std::find(resident.begin(), resident.end(), kernel) == resident.end())
    reload = problem.codeBytes[kernel] / desc.configStore.bytesPerCycle;
  const uint64_t nearby = byteHops(f, b, cluster);
  for (const Run &run : runsOf(tbuOrder[local], peaClass)) {
    if (run.count < gang)
      continue;
    for (uint32_t p = run.first; p + gang <= uint32_t(run.first) + run.count;
         ++p) {
      uint64_t heaviest = 0, latest = 0;
      for (uint32_t q = p; q < p + gang; ++q) {
        latest = std::max(latest, f.freeAt[firstPea + q]);
        heaviest = std::max(heaviest, loadOf[firstPea + q]);
      }
      const uint64_t start = std::max(ready, latest);
      // Among equals, the PEA that waits the least: others stay free.
      uint64_t gap = start - latest;
      bool under =
          pinned || heaviest + share <= f.cap[peaClass] || heaviest == 0;
      uint64_t finish = std::min(forever, start + duration + reload);
      // Over the cap, the load decides; under it, the finish.
      uint64_t score =
          under ? finish + nearby : std::min(forever, (heaviest + share) >> 16);
      if (tried.candidate.outcome == Outcome::NoCapacity ||
          (under && !tried.under) ||
          (under == tried.under && int64_t(score) < tried.candidate.score)) {
        tried.candidate.score = int64_t(score);
        tried.candidate.outcome = Outcome::Worse;
        tried.under = under;
      }
      if (spot.local == none || (under && !spot.under) ||
          (under == spot.under &&
           std::tie(score, gap) < std::tie(spot.score, spot.gap)))
        spot = {local, p, under, score, start + duration, gap};
    }
  }
  return tried;
}

/// The home of a task: the PEAs on which it ends first while there is room for
/// its fair share of the load, else those that have the least.
Checked<void> Allocator::placeTask(Filling &f, uint32_t b) {
  const uint32_t gang = result.gang[b], kernel = problem.kernel[b];
  const uint64_t duration = problem.cyclesOn(b, gang);
  const size_t guided = findCandidates(f, b);

  std::vector<Tried> shown; // in the record of the decision
  Spot spot, guidedSpot;
  auto consider = [&](uint32_t local) {
    Tried tried = tryTbu(f, b, local, spot);
    if (options.recordDecisions && shown.size() < 12)
      shown.push_back(tried);
  };
  for (size_t i = 0; i < f.candidates.size(); ++i) {
    if (i == guided)
      guidedSpot = spot;
    consider(f.candidates[i]);
  }
  // Where its data would have it, unless it would end late there.
  if (guidedSpot.under && guidedSpot.end <= spot.end + duration / patience &&
      addSat(guidedSpot.end - duration, result.rank[b]) <= deadline)
    spot = guidedSpot;
  // No candidate has a run of that length: look through the lane.
  for (uint32_t i = 0; spot.local == none && i < tbusPerLane; ++i)
    if (longestRun(tbuOrder[i], classOf(b)) >= gang)
      consider(i);

  Replica replica;
  const uint32_t best = spot.local;
  if (best == none) {
    // The lane lacks the class or the run (defects): borrow another place of
    // the machine.
    Checked<Replica> found = placeNear(b, 0);
    if (!found)
      return tl::make_unexpected(found.error());
    replica = *found;
    spot.end = readyAt(f, replica.cluster) + duration;
  } else {
    replica.cluster = clusterAt(best);
    replica.tbu = uint16_t(tbuOrder[best] % desc.tbusPerCluster);
    replica.peaFirst = uint16_t(spot.first);
    for (uint32_t q = spot.first; q < spot.first + gang; ++q) {
      const size_t pea = size_t(best) * desc.peasPerTbu + q;
      f.freeAt[pea] = spot.end;
      loadOf[pea] = addSat(loadOf[pea], partOf(b));
    }
    refresh(f, best);
    std::vector<uint32_t> &resident = kernelsOf[best];
    if (std::find(resident.begin(), resident.end(), kernel) == resident.end() &&
        resident.size() < 32) {
      resident.push_back(kernel);
      codeOf[best] += problem.codeBytes[kernel];
    }
    homeTbu[b] = best;
  }
  f.homeOf[b] = replica.cluster;
  f.endOf[b] = std::max<uint64_t>(1, spot.end);
  startOf[b] = spot.end - duration;
  length = std::max(length, addSat(startOf[b], result.rank[b]));
  replica.peaCount = uint16_t(gang);
  replica.maxGang =
      mostPeas(b, replica.cluster * desc.tbusPerCluster + replica.tbu);
  placed[size_t(base[b]) * lanes] = replica;
  positionOf[base[b]] = best;
  if (!options.recordDecisions)
    return {};

  Decision decision{b, DecisionKind::Home, {}};
  for (auto &[c, under] : shown) {
    if (c.cluster == replica.cluster && c.tbu == replica.tbu)
      c.outcome = Outcome::Chosen;
    else if (c.outcome == Outcome::Worse && isPinned(b))
      c.outcome = Outcome::Pinned;
    // A load beside a finish: the fair share there is used up.
    else if (c.outcome == Outcome::Worse && spot.under && !under)
      c.outcome = Outcome::NoCapacity;
    decision.candidates.push_back(c);
  }
  homes.push_back(std::move(decision));
  return {};
}

/// Finds the home of every block in the first lane.
Checked<void> Allocator::placeFirstLane() {
  Filling f = emptyLane();
  for (uint32_t b : order) {
    findNeighbours(f, b);
    if (!problem.isTask(b))
      placeControl(f, b);
    else if (Checked<void> home = placeTask(f, b); !home)
      return home;
  }
  return {};
}

/// Asks mapToMesh for the cluster of each block. False where there is nothing
/// to ask: a lane within a cluster, or nothing that travels.
bool Allocator::mapLane() {
  std::vector<uint64_t> peasOf(desc.numClusters(), 0);
  uint32_t used = 0;
  for (uint32_t i = 0; i < tbusPerLane; ++i) {
    uint64_t &peas = peasOf[tbuOrder[i] / desc.tbusPerCluster];
    used += peas == 0;
    peas += topology.livePeas(tbuOrder[i]);
  }
  if (used < 2 || numBlocks < 2 ||
      std::all_of(
          traffic.begin(), traffic.end(),
          [](const Edge &flow) { return flow.bytes == 0; }))
    return false;
  // The host port is one more node.
  std::vector<uint64_t> work(numBlocks + 1, 0);
  std::vector<uint32_t> fixed(numBlocks + 1, none);
  for (uint32_t b = 0; b < numBlocks; ++b) {
    if (problem.isTask(b))
      work[b] = (partOf(b) >> 16) * result.gang[b];
    fixed[b] = problem.pinCluster[b];
  }
  fixed[numBlocks] = topology.hostCluster();
  std::vector<Edge> edges = traffic;
  for (Edge &flow : edges) {
    if (flow.from == none)
      flow.from = numBlocks;
    if (flow.to == none)
      flow.to = numBlocks;
  }
  // Each sixth of a request's time is spread over all clusters: otherwise a
  // request, and all that come with it, goes through the mesh as a wave.
  constexpr uint32_t numPhases = 6;
  std::vector<uint8_t> phase(numBlocks + 1, 0);
  for (uint32_t b = 0; b < numBlocks; ++b)
    phase[b] = uint8_t(std::min<uint64_t>(
        numPhases - 1, uint64_t((unsigned __int128)(startOf[b]) * numPhases /
                                std::max<uint64_t>(1, length))));
  MappingOptions mapping;
  mapping.fixed = fixed;
  mapping.phase = phase;
  mapping.numPhases = numPhases;
  Checked<std::vector<uint32_t>> found =
      mapToMesh(work, edges, topology, peasOf, mapping);
  if (!found)
    return false;
  guide.assign(found->begin(), found->begin() + numBlocks);
  return true;
}

/// Places all replicas of the first lane as `guide` says.
Checked<HomingPlan> Allocator::placeLane() {
  positionOf.assign(positionOf.size(), none);
  homes.clear();
  length = 0;
  startOf.assign(numBlocks, 0);
  if (Checked<void> done = placeFirstLane(); !done)
    return tl::make_unexpected(done.error());
  spreadCopies();
  evenOut();
  foldCopies();
  HomingPlan plan;
  std::vector<uint32_t> offsets{0}, clusters;
  for (uint32_t b = 0; b < numBlocks; ++b) {
    for (uint32_t copy = 0; copy < copies[b]; ++copy)
      clusters.push_back(placed[(size_t(base[b]) + copy) * lanes].cluster);
    offsets.push_back(uint32_t(clusters.size()));
  }
  plan.hopBytes = expectedHopBytes(topology, traffic, offsets, clusters);
  plan.length = length;
  plan.busiestQ16 = *std::max_element(loadOf.begin(), loadOf.end());
  return plan;
}

/// Fills the first lane by time, and once more by data where that is another
/// way; keeps the second if data travels less for it and nothing gets later or
/// busier.
Checked<void> Allocator::placeByBest() {
  const std::vector<uint32_t> wanted = copies;
  Checked<HomingPlan> byTime = placeLane();
  if (!byTime)
    return tl::make_unexpected(byTime.error());
  result.homingPlans[size_t(Homing::Time)] = *byTime;
  if (!options.mapByData || numBlocks > options.mapMostBlocks ||
      byTime->hopBytes == 0 || !mapLane())
    return {};
  std::vector<Replica> oldPlaced = placed;
  std::vector<uint32_t> oldPositions = positionOf, oldCopies = copies;
  std::vector<Decision> oldHomes = std::move(homes);
  auto allowed = [&](uint64_t value) {
    return uint64_t(std::min<unsigned __int128>(
        forever, (unsigned __int128)(value) *
                     (65536 + uint64_t(options.mapLossQ16)) / 65536));
  };
  deadline = allowed(byTime->length);
  mostLoad = {};
  for (uint32_t local = 0; local < tbusPerLane; ++local)
    for (uint32_t c = 0; c < numPeaClasses; ++c)
      for (const Run &run : runsOf(tbuOrder[local], c))
        for (uint32_t p = run.first; p < uint32_t(run.first) + run.count; ++p)
          mostLoad[c] = std::max(mostLoad[c],
                                 loadOf[size_t(local) * desc.peasPerTbu + p]);
  // Tasks that take places away from more urgent ones make it longer than
  // planned: then once more, with that much less time.
  const uint64_t longest = deadline;
  for (unsigned attempt = 0; attempt < 2; ++attempt) {
    copies = wanted;
    Checked<HomingPlan> byData = placeLane();
    if (!byData)
      return tl::make_unexpected(byData.error());
    result.mapped = true;
    result.homingPlans[size_t(Homing::Data)] = *byData;
    if (byData->hopBytes < byTime->hopBytes && byData->length <= longest &&
        byData->busiestQ16 <= allowed(byTime->busiestQ16)) {
      result.homing = Homing::Data;
      return {};
    }
    if (byData->length <= longest)
      break;
    deadline -= std::min(deadline, byData->length - longest);
  }
  placed = std::move(oldPlaced);
  positionOf = std::move(oldPositions);
  copies = std::move(oldCopies);
  homes = std::move(oldHomes);
  return {};
}

} // namespace octo::sched::allocation
