//===- Allocator.cpp - Lanes, homes and shares ----------------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Homes are found by list scheduling in rank order (earliest finish over a
// bounded set of candidates, as HEFT does over all), so that one request is
// fast; a cap on the load of each PEA spreads blocks that only ever run one
// after the other, so that a stream of requests is fast too.
//
//===----------------------------------------------------------------------===//

#include "octo/Scheduling/Allocator.h"
#include "octo/Target/Capacity.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <tuple>

namespace octo::sched {

namespace {

constexpr uint64_t forever = std::numeric_limits<uint64_t>::max() / 4;

tl::unexpected<Violation> violation(uint32_t block, std::string message) {
  return tl::make_unexpected(Violation{block, {}, std::move(message)});
}

/// Minimum over a range of positions, with updates in logarithmic time.
class MinTree {
public:
  explicit MinTree(uint32_t size) : leaves(std::bit_ceil(std::max(size, 1u))) {
    best.assign(2 * leaves, forever);
  }
  void set(uint32_t at, uint64_t value) {
    best[at += leaves] = value;
    while (at >>= 1)
      best[at] = std::min(best[2 * at], best[2 * at + 1]);
  }
  /// The first position of the least value, or `none` if all are `forever`.
  uint32_t argMin() const {
    if (best[1] >= forever)
      return none;
    uint32_t at = 1;
    while (at < leaves)
      at = best[2 * at] == best[at] ? 2 * at : 2 * at + 1;
    return at - leaves;
  }

private:
  uint32_t leaves;
  std::vector<uint64_t> best;
};

/// A range of live PEAs of one class.
struct Run {
  uint16_t first;
  uint16_t count;
};

class Allocator {
public:
  Allocator(const Problem &problem, const Topology &topology,
            const AllocateOptions &options)
      : problem(problem), topology(topology), desc(topology.desc()),
        capacity(topology), options(options), numBlocks(problem.numBlocks()) {}

  Checked<Allocation> run();

private:
  Checked<void> checkNeeds();
  Checked<void> checkPins();
  void chooseLanes();
  void chooseGangs();
  Checked<void> placeFirstLane();
  Checked<void> copyLane(uint32_t lane);
  uint16_t mostPeas(uint32_t block, uint32_t tbu) const {
    return elasticLimit(problem, topology, block, tbu, result.gang[block]);
  }
  Checked<Replica> placeNear(uint32_t block, uint32_t position);
  void placeStandby();
  Placement collect();

  std::string name(uint32_t block) const {
    return fmt::format("task '{}'", problem.path[block]);
  }
  uint32_t classOf(uint32_t block) const {
    return uint32_t(problem.peaClass[problem.kernel[block]]);
  }
  /// Ranges of consecutive live PEAs of a class in a TBU.
  const std::vector<Run> &runsOf(uint32_t tbu, uint32_t peaClass) const {
    return runs[size_t(tbu) * numPeaClasses + peaClass];
  }
  uint32_t longestRun(uint32_t tbu, uint32_t peaClass) const {
    uint32_t longest = 0;
    for (const Run &run : runsOf(tbu, peaClass))
      longest = std::max<uint32_t>(longest, run.count);
    return longest;
  }

  const Problem &problem;
  const Topology &topology;
  const TargetDesc &desc;
  Capacity capacity;
  const AllocateOptions &options;
  const uint32_t numBlocks;

  Allocation result;
  std::vector<std::vector<Run>> runs;            // by TBU and class
  std::array<uint32_t, numPeaClasses> longest{}; // run, over the machine
  std::array<uint64_t, numPeaClasses> live{};    // PEAs
  std::vector<uint32_t> usableTbus;              // in snake order
  /// Lane l has TBUs tbuOrder[l * tbusPerLane .. (l + 1) * tbusPerLane).
  std::vector<uint32_t> tbuOrder;
  uint32_t tbusPerLane = 1;
  std::vector<uint32_t> usablePosition; // of a TBU in usableTbus
  uint32_t lanes = 1;
  std::vector<uint32_t> copies; // replicas of each block in a lane
  std::vector<uint64_t> load;   // PEA-cycles of one request, by block
  std::vector<uint32_t> order;  // blocks by falling rank
  Adjacency flowsIn, flowsOut;
  std::vector<uint64_t> hostBytes; // in and out, by block
  // Replica i of block b in lane l: slots[(base[b] + i) * lanes + l].
  std::vector<uint32_t> base;
  std::vector<Replica> placed;
  /// Position in the first lane of the TBU of each replica (for a control
  /// block, of a TBU of its cluster); `none` where it lies outside.
  std::vector<uint32_t> positionOf;
  std::vector<std::vector<Replica>> standbyOf;
  std::vector<Decision> homes;
};

Checked<void> Allocator::checkPins() {
  for (uint32_t b = 0; b < numBlocks; ++b) {
    uint32_t cluster = problem.pinCluster[b], tbu = problem.pinTbu[b];
    uint32_t gang = problem.pinGang[b];
    if (cluster == none && tbu == none && gang == 0)
      continue;
    std::string what = (problem.isTask(b) ? "task '" : "control block '") +
                       problem.path[b] + "'";
    if (cluster != none && cluster >= desc.numClusters())
      return violation(
          b, fmt::format("{} is pinned to cluster {}, but machine '{}' has {} "
                         "(0 to {}); change the pin",
                         what, cluster, desc.name, desc.numClusters(),
                         desc.numClusters() - 1));
    if (tbu != none && tbu >= desc.tbusPerCluster)
      return violation(
          b, fmt::format("{} is pinned to TBU {}, but a cluster of machine "
                         "'{}' has {} (0 to {}); change the pin",
                         what, tbu, desc.name, desc.tbusPerCluster,
                         desc.tbusPerCluster - 1));
    if (!problem.isTask(b)) {
      if (cluster != none && !topology.cbuLive(cluster))
        return violation(b, fmt::format("{} is pinned to cluster {}, whose CBU "
                                        "is dead or cut off; change the pin",
                                        what, cluster));
      continue;
    }
    uint32_t need = std::max(gang, 1u);
    uint32_t peaClass = classOf(b), most = 0;
    uint32_t begin = 0, end = desc.numClusters();
    if (cluster != none)
      begin = cluster, end = cluster + 1;
    for (uint32_t c = begin; c < end && most < need; ++c)
      for (uint32_t t = 0; t < desc.tbusPerCluster; ++t)
        if (tbu == none || t == tbu)
          most =
              std::max(most, longestRun(c * desc.tbusPerCluster + t, peaClass));
    if (most < need) {
      std::string place =
          cluster == none ? "any cluster" : fmt::format("cluster {}", cluster);
      if (tbu != none)
        place += fmt::format(", TBU {}", tbu);
      return violation(
          b,
          fmt::format("{} is pinned to {} PEA{} of class {} in {}, which has "
                      "{} live next to each other; change the pin or take "
                      "a smaller gang",
                      what, need, need == 1 ? "" : "s",
                      stringifyPeaClass(PeaClass(peaClass)), place, most));
    }
  }
  return {};
}

Checked<void> Allocator::checkNeeds() {
  runs.resize(size_t(desc.numTbus()) * numPeaClasses);
  for (uint32_t tbu = 0; tbu < desc.numTbus(); ++tbu) {
    uint64_t mask = topology.livePeaMask(tbu);
    for (uint32_t p = 0; p < desc.peasPerTbu; ++p) {
      if (!(mask >> p & 1))
        continue;
      uint32_t peaClass = uint32_t(desc.pea.layout[p]);
      std::vector<Run> &list = runs[size_t(tbu) * numPeaClasses + peaClass];
      if (!list.empty() && list.back().first + list.back().count == p)
        ++list.back().count;
      else
        list.push_back({uint16_t(p), 1});
      ++live[peaClass];
    }
    for (uint32_t c = 0; c < numPeaClasses; ++c)
      longest[c] = std::max(longest[c], longestRun(tbu, c));
  }

  std::vector<bool> seen(problem.codeBytes.size(), false);
  for (uint32_t b = 0; b < numBlocks; ++b) {
    if (!problem.isTask(b))
      continue;
    uint32_t kernel = problem.kernel[b], peaClass = classOf(b);
    for (uint32_t w : problem.weightsOf(b))
      if (!capacity.fitsWeight(problem.weightBytes[w]))
        return violation(b, capacity
                                .checkWeight("a weight of " + name(b),
                                             problem.weightBytes[w])
                                .error()
                                .message);
    if (seen[kernel])
      continue;
    seen[kernel] = true;
    if (live[peaClass] == 0)
      return violation(
          b, fmt::format("{} needs PEAs of class {}, but machine '{}' has no "
                         "live one; add PEAs of this class to the layout",
                         name(b), stringifyPeaClass(PeaClass(peaClass)),
                         desc.name));
    if (!capacity.fitsCode(problem.codeBytes[kernel]))
      return violation(
          b, capacity
                 .checkCode("the code of " + name(b), problem.codeBytes[kernel])
                 .error()
                 .message);
    // Some gang that the machine can form must fit the SRAM of its PEAs.
    const GangOption *least = nullptr;
    for (const GangOption &option : problem.gangsOf(b))
      if (option.gang <= longest[peaClass] &&
          (!least || option.footprint < least->footprint))
        least = &option;
    if (!capacity.fitsFootprint(least->footprint))
      return violation(
          b, capacity.checkFootprint(name(b), least->footprint, least->gang)
                 .error()
                 .message);
  }
  uint64_t total = std::accumulate(problem.weightBytes.begin(),
                                   problem.weightBytes.end(), uint64_t(0));
  if (Expected<void> fits = capacity.checkWeights(total, total); !fits)
    return violation(none, fits.error().message);

  bool needsCbu = problem.numRegions() > 1, hasCbu = false;
  for (uint32_t c = 0; c < desc.numClusters() && !hasCbu; ++c)
    hasCbu = topology.cbuLive(c);
  if (needsCbu && !hasCbu)
    return violation(none,
                     fmt::format("the workflow has control blocks, but no "
                                 "cluster of machine '{}' has a live CBU",
                                 desc.name));
  return checkPins();
}

/// How many copies of the workflow the machine holds. A lane is as small as
/// lets the code and weights of the workflow stay resident, one request use
/// its parallelism, and the classes of PEAs occur; but so large that no block
/// needs more than a TBU of its lane.
void Allocator::chooseLanes() {
  const uint32_t tbus = uint32_t(usableTbus.size());
  uint64_t code = 0, weights = 0, work = 0;
  std::vector<bool> seen(problem.codeBytes.size(), false);
  bool pinned = false;
  for (uint32_t b = 0; b < numBlocks; ++b) {
    pinned |= problem.pinCluster[b] != none || problem.pinTbu[b] != none;
    if (!problem.isTask(b))
      continue;
    work += load[b] >> 16;
    if (!seen[problem.kernel[b]]) {
      seen[problem.kernel[b]] = true;
      code += problem.codeBytes[problem.kernel[b]];
    }
  }
  for (uint64_t bytes : problem.weightBytes)
    weights += bytes;

  uint64_t critical = 1;
  for (uint32_t b = 0; b < numBlocks; ++b)
    critical = std::max(critical, result.rank[b]);
  auto over = [](uint64_t a, uint64_t b) {
    return (a + b - 1) / std::max<uint64_t>(b, 1);
  };
  uint64_t perTbu = desc.peasPerTbu;
  uint64_t need = 1;
  need = std::max(need, over(code, desc.configStore.bytes));
  need = std::max(need, over(weights, desc.scratchpad.bytes) *
                            (weights ? desc.tbusPerCluster : 1));
  need = std::max(need, over(over(work, critical), perTbu));
  // Replicas cost memory and look-ups at run time: a budget.
  uint64_t budget = std::max<uint64_t>(
      uint64_t(options.replicasPerPea) * desc.numPeas(), numBlocks);
  need = std::max(need, over(tbus * std::max<uint64_t>(numBlocks, 1), budget));
  if (need < desc.tbusPerCluster)
    need = std::min<uint64_t>(std::bit_ceil(need), desc.tbusPerCluster);
  else
    need = over(need, desc.tbusPerCluster) * desc.tbusPerCluster;
  lanes =
      uint32_t(std::max<uint64_t>(1, tbus / std::min<uint64_t>(need, tbus)));
  if (options.lanes)
    lanes = std::min(options.lanes, tbus);
  // A pinned block has one home; more lanes would only crowd it.
  if (pinned)
    lanes = 1;
  tbuOrder = laneTbus(topology, lanes);
  tbusPerLane = uint32_t(tbuOrder.size() / lanes);
}

/// The gang of each task under static policies, and how many replicas a lane
/// has of it: together as many PEAs as its part of the work is worth.
void Allocator::chooseGangs() {
  const uint64_t total = std::max<uint64_t>(
      1, std::accumulate(load.begin(), load.end(), uint64_t(0)) >> 16);
  const uint64_t peas = live[0] + live[1] + live[2];
  result.gang.assign(numBlocks, 0);
  copies.assign(numBlocks, 1);
  for (uint32_t b = 0; b < numBlocks; ++b) {
    if (!problem.isTask(b))
      continue;
    // Fair share in PEAs of one lane, in 1/16.
    unsigned __int128 product = (unsigned __int128)(load[b] >> 16) * peas * 16;
    uint64_t fair16 = uint64_t(product / total / lanes);
    uint32_t peaClass = classOf(b);
    uint16_t chosen = 0;
    Decision decision{b, DecisionKind::Share, {}};
    const uint64_t alone = problem.cyclesOn(b, 1);
    for (const GangOption &option : problem.gangsOf(b)) {
      uint64_t cost = option.gang * problem.cyclesOn(b, option.gang);
      Outcome outcome = Outcome::Worse;
      if (option.gang > longest[peaClass] ||
          !capacity.fitsFootprint(option.footprint))
        outcome = Outcome::NoCapacity;
      else if ((problem.pinGang[b] && option.gang != problem.pinGang[b]) ||
               (problem.maxGang[b] && option.gang > problem.maxGang[b]))
        outcome = Outcome::Pinned;
      else if (!chosen ||
               (uint64_t(option.gang) * 16 <= fair16 + 8 &&
                (unsigned __int128)alone * 65536 >=
                    (unsigned __int128)cost * options.gangEfficiencyQ16))
        chosen = option.gang;
      if (options.recordDecisions)
        decision.candidates.push_back(
            {0, 0, option.gang, int64_t(std::min(cost, forever)), outcome});
    }
    // A pinned gang without a variant of its own runs as the next smaller one.
    if (problem.pinGang[b])
      chosen = problem.pinGang[b];
    result.gang[b] = std::max<uint16_t>(chosen, 1);
    for (Candidate &candidate : decision.candidates)
      if (candidate.gang == result.gang[b])
        candidate.outcome = Outcome::Chosen;
    if (options.recordDecisions)
      result.decisions.push_back(std::move(decision));

    // Tasks of a timetable have one replica in a lane: lane l of a segment uses
    // replica l of each of its tasks.
    bool timetabled = !problem.dynamicTime[b] && !problem.dynamicFrequency[b];
    bool pinned = problem.pinCluster[b] != none || problem.pinTbu[b] != none;
    if (!timetabled && !pinned)
      copies[b] = uint32_t(std::clamp<uint64_t>(
          (fair16 + 8 * result.gang[b]) / (16 * result.gang[b]), 1,
          usableTbus.size() / lanes + 1));
  }
}

/// A place for a block in the TBU nearest (in snake order) to a position of
/// `usableTbus` that has PEAs for it.
Checked<Replica> Allocator::placeNear(uint32_t block, uint32_t position) {
  const uint32_t peaClass = classOf(block), gang = result.gang[block];
  const uint32_t size = uint32_t(usableTbus.size());
  for (uint32_t d = 0; d < size; ++d)
    for (uint32_t at : {position + d, position - d}) {
      if (at >= size)
        continue;
      const uint32_t tbu = usableTbus[at];
      for (const Run &run : runsOf(tbu, peaClass))
        if (run.count >= gang)
          return Replica{tbu / desc.tbusPerCluster,
                         uint16_t(tbu % desc.tbusPerCluster),
                         run.first,
                         uint16_t(gang),
                         mostPeas(block, tbu),
                         0,
                         false};
    }
  return violation(
      block,
      fmt::format("{} needs {} live PEA{} of class {} next to each other "
                  "in a TBU, but no TBU of machine '{}' has them; take a "
                  "smaller gang",
                  name(block), gang, gang == 1 ? "" : "s",
                  stringifyPeaClass(PeaClass(peaClass)), desc.name));
}

/// Puts the blocks of another lane at the same positions as in the first, so
/// that blocks share a PEA in one lane exactly if they do in all, and one
/// timetable fits all lanes. Where defects forbid it, beside.
Checked<void> Allocator::copyLane(uint32_t lane) {
  for (uint32_t b = 0; b < numBlocks; ++b)
    for (uint32_t copy = 0; copy < copies[b]; ++copy) {
      const Replica &model = placed[(size_t(base[b]) + copy) * lanes];
      Replica &replica = placed[(size_t(base[b]) + copy) * lanes + lane];
      const uint32_t position = positionOf[base[b] + copy];
      const uint32_t at =
          lane * tbusPerLane + (position == none ? 0 : position);
      const uint32_t tbu = tbuOrder[at];
      replica = model;
      replica.cluster = tbu / desc.tbusPerCluster;
      if (!problem.isTask(b)) {
        // Dead CBUs: the next live one along the lane, then anywhere.
        for (uint32_t i = 0;
             !topology.cbuLive(replica.cluster) && i < tbuOrder.size(); ++i)
          replica.cluster =
              tbuOrder[(at + i) % tbuOrder.size()] / desc.tbusPerCluster;
        if (!topology.cbuLive(replica.cluster))
          replica.cluster = model.cluster;
        continue;
      }
      replica.tbu = uint16_t(tbu % desc.tbusPerCluster);
      bool fits = position != none;
      if (fits) {
        fits = false;
        for (const Run &run : runsOf(tbu, classOf(b)))
          fits |= run.first <= model.peaFirst &&
                  model.peaFirst + model.peaCount <= run.first + run.count;
      }
      if (fits) {
        replica.maxGang = mostPeas(b, tbu);
        continue;
      }
      Checked<Replica> found = placeNear(b, usablePosition[tbu]);
      if (!found)
        return tl::make_unexpected(found.error());
      replica = *found;
    }
  return {};
}

/// Finds the home of every block in the first lane.
Checked<void> Allocator::placeFirstLane() {
  const uint32_t lane = 0;
  const uint32_t numTbus = tbusPerLane;
  const uint32_t peas = desc.peasPerTbu;
  auto tbuAt = [&](uint32_t local) { return tbuOrder[local]; };
  auto clusterOf = [&](uint32_t local) {
    return tbuAt(local) / desc.tbusPerCluster;
  };

  // What a lane's PEAs may be loaded with before other places are preferred.
  std::array<uint64_t, numPeaClasses> lanePeas{}, cap{};
  std::array<unsigned __int128, numPeaClasses> laneWork{};
  for (uint32_t i = 0; i < numTbus; ++i)
    for (uint32_t c = 0; c < numPeaClasses; ++c)
      for (const Run &run : runsOf(tbuAt(i), c))
        lanePeas[c] += run.count;
  for (uint32_t b = 0; b < numBlocks; ++b)
    if (problem.isTask(b))
      laneWork[classOf(b)] += load[b];
  for (uint32_t c = 0; c < numPeaClasses; ++c)
    if (lanePeas[c])
      cap[c] = uint64_t(
          laneWork[c] / lanePeas[c] * (65536 + options.loadSlackQ16) >> 16);

  // When each PEA is free, and what it is loaded with; by local number.
  std::vector<uint64_t> freeAt(size_t(numTbus) * peas, 0);
  std::vector<uint64_t> loadOf(size_t(numTbus) * peas, 0);
  std::vector<MinTree> firstFree(numPeaClasses, MinTree(numTbus));
  std::vector<MinTree> leastLoad(numPeaClasses, MinTree(numTbus));
  auto refresh = [&](uint32_t local) {
    for (uint32_t c = 0; c < numPeaClasses; ++c) {
      uint64_t time = forever, least = forever;
      for (const Run &run : runsOf(tbuAt(local), c))
        for (uint32_t p = run.first; p < uint32_t(run.first) + run.count; ++p) {
          least = std::min(least, loadOf[size_t(local) * peas + p]);
          // A PEA that is loaded to the cap is no place to look for.
          if (loadOf[size_t(local) * peas + p] < cap[c] || cap[c] == 0)
            time = std::min(time, freeAt[size_t(local) * peas + p]);
        }
      firstFree[c].set(local, time);
      leastLoad[c].set(local, least);
    }
  };
  for (uint32_t i = 0; i < numTbus; ++i)
    refresh(i);

  // Pins make one lane of the whole machine, so every pinned place is in it.
  std::vector<uint32_t> localOf;
  if (lanes == 1) {
    localOf.assign(desc.numTbus(), none);
    for (uint32_t i = 0; i < numTbus; ++i)
      localOf[tbuAt(i)] = i;
  }

  std::vector<uint32_t> firstOfCluster(desc.numClusters(), none);
  for (uint32_t i = numTbus; i-- > 0;)
    firstOfCluster[clusterOf(i)] = i;

  // Kernels that are at home in each TBU, and the bytes of their code.
  std::vector<std::vector<uint32_t>> kernelsOf(numTbus);
  std::vector<uint64_t> codeOf(numTbus, 0);
  std::vector<uint64_t> endOf(numBlocks, 0);      // of the first instance
  std::vector<uint32_t> homeOf(numBlocks, none);  // cluster
  std::vector<uint32_t> homeTbu(numBlocks, none); // local

  // Where pinned blocks will be is known before their turn: their partners
  // gather there.
  for (uint32_t b = 0; lanes == 1 && b < numBlocks; ++b)
    if (problem.pinCluster[b] != none) {
      homeOf[b] = problem.pinCluster[b];
      homeTbu[b] = localOf[problem.pinCluster[b] * desc.tbusPerCluster];
    }

  std::vector<uint32_t> candidates;
  for (uint32_t b : order) {
    Decision decision{b, DecisionKind::Home, {}};
    const bool record = options.recordDecisions;

    // The clusters that the block exchanges data with, and how much.
    struct Neighbour {
      uint32_t cluster;
      uint32_t local;
      uint64_t bytes;
      uint64_t end;
    };
    std::vector<Neighbour> neighbours;
    for (uint32_t e : flowsIn.of(b)) {
      const Edge &flow = problem.flows[e];
      if (homeOf[flow.from] != none)
        neighbours.push_back({homeOf[flow.from], homeTbu[flow.from], flow.bytes,
                              endOf[flow.from]});
    }
    for (uint32_t e : flowsOut.of(b)) {
      const Edge &flow = problem.flows[e];
      if (homeOf[flow.to] != none)
        neighbours.push_back(
            {homeOf[flow.to], homeTbu[flow.to], flow.bytes, 0});
    }
    uint32_t owner = problem.regionOwner[problem.region[b]];
    if (owner != none && homeOf[owner] != none)
      neighbours.push_back({homeOf[owner], homeTbu[owner], 0, endOf[owner]});
    // Many neighbours: the largest flows decide, and the last to arrive.
    constexpr size_t mostNeighbours = 16;
    if (neighbours.size() > mostNeighbours) {
      auto last = std::max_element(
          neighbours.begin(), neighbours.end(),
          [](const Neighbour &a, const Neighbour &b) { return a.end < b.end; });
      std::iter_swap(neighbours.begin(), last);
      std::nth_element(neighbours.begin() + 1,
                       neighbours.begin() + mostNeighbours, neighbours.end(),
                       [](const Neighbour &a, const Neighbour &b) {
                         return std::tie(b.bytes, b.end, a.local) <
                                std::tie(a.bytes, a.end, b.local);
                       });
      neighbours.resize(mostNeighbours);
    }
    // Cycles until all inputs are at a cluster, and the byte-hops to all
    // partners (as cycles of a link).
    auto readyAt = [&](uint32_t cluster) {
      uint64_t ready = 0;
      for (const Neighbour &n : neighbours)
        if (n.end)
          ready = std::max(
              ready,
              std::min(forever, n.end + transferCycles(topology, n.cluster,
                                                       cluster, n.bytes)));
      return ready;
    };
    auto byteHops = [&](uint32_t cluster) {
      uint64_t sum = 0;
      for (const Neighbour &n : neighbours)
        sum += uint64_t(topology.distance(n.cluster, cluster)) * (n.bytes + 1);
      if (hostBytes[b])
        sum += uint64_t(topology.distance(topology.hostCluster(), cluster)) *
               hostBytes[b];
      return sum / desc.dataPlane.linkBytesPerCycle;
    };

    if (!problem.isTask(b)) {
      // The CBU nearest to the partners; in doubt that of the lane's middle.
      uint32_t best = none;
      uint64_t bestScore = forever;
      auto consider = [&](uint32_t cluster) {
        if (cluster == none)
          return;
        bool alive = topology.cbuLive(cluster);
        uint64_t score = alive ? byteHops(cluster) : forever;
        if (record)
          decision.candidates.push_back(
              {cluster, 0, 0, int64_t(score),
               alive ? Outcome::Worse : Outcome::Defect});
        if (alive && score < bestScore)
          best = cluster, bestScore = score;
      };
      if (problem.pinCluster[b] != none) {
        consider(problem.pinCluster[b]);
      } else {
        size_t tried = 0;
        std::vector<uint32_t> clusters;
        for (const Neighbour &n : neighbours)
          if (std::find(clusters.begin(), clusters.end(), n.cluster) ==
                  clusters.end() &&
              tried++ < 8)
            clusters.push_back(n.cluster);
        // Spread those that nothing ties.
        uint32_t middle = clusterOf(
            uint32_t((uint64_t(b) * 2654435761u) % std::max(1u, numTbus)));
        if (clusters.empty())
          clusters.push_back(
              numTbus <= desc.tbusPerCluster ? clusterOf(numTbus / 2) : middle);
        for (uint32_t cluster : clusters)
          consider(cluster);
        // Dead CBUs: the next live one along the lane, then anywhere.
        for (uint32_t i = 0; best == none && i < numTbus; ++i)
          consider(clusterOf(i));
        for (uint32_t c = 0; best == none && c < desc.numClusters(); ++c)
          consider(c);
      }
      homeOf[b] = best;
      endOf[b] = std::max<uint64_t>(
          1, std::min(forever, readyAt(best) + problem.cycles[b]));
      placed[size_t(base[b]) * lanes + lane] =
          Replica{best, 0, 0, 0, 0, 0, false};
      positionOf[base[b]] = firstOfCluster[best];
      if (record) {
        for (Candidate &c : decision.candidates)
          if (c.cluster == best)
            c.outcome = Outcome::Chosen;
        homes.push_back(std::move(decision));
      }
      continue;
    }

    const uint32_t peaClass = classOf(b), gang = result.gang[b];
    const uint32_t kernel = problem.kernel[b];
    const uint64_t duration = problem.cyclesOn(b, gang);
    const uint64_t share = load[b] / std::max<uint64_t>(1, copies[b]) *
                           (gang * duration) /
                           std::max<uint64_t>(1, problem.cyclesOn(b, 1)) / gang;
    for (uint32_t copy = 0; copy < copies[b]; ++copy) {
      candidates.clear();
      auto add = [&](uint32_t local) {
        if (local != none && local < numTbus &&
            std::find(candidates.begin(), candidates.end(), local) ==
                candidates.end())
          candidates.push_back(local);
      };
      bool pinnedHere =
          problem.pinCluster[b] != none || problem.pinTbu[b] != none;
      if (pinnedHere) {
        uint32_t first =
            problem.pinCluster[b] == none ? 0 : problem.pinCluster[b];
        uint32_t last =
            problem.pinCluster[b] == none ? desc.numClusters() : first + 1;
        for (uint32_t c = first; c < last; ++c)
          for (uint32_t t = 0; t < desc.tbusPerCluster; ++t)
            if (problem.pinTbu[b] == none || problem.pinTbu[b] == t)
              add(localOf[c * desc.tbusPerCluster + t]);
      } else if (numTbus <= 16) {
        for (uint32_t i = 0; i < numTbus; ++i)
          add(i);
      } else {
        // Where the partners are and beside them, where a PEA is free first,
        // and where the load is least.
        size_t tried = 0;
        for (const Neighbour &n : neighbours) {
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
        add(firstFree[peaClass].argMin());
        add(leastLoad[peaClass].argMin());
      }

      std::vector<bool> candidatesUnder; // fair share left, by candidate
      uint32_t best = none, bestFirst = 0;
      bool bestUnder = false;
      uint64_t bestScore = 0, bestEnd = 0, bestGap = 0;
      auto consider = [&](uint32_t local) {
        const uint32_t cluster = clusterOf(local);
        Candidate candidate{cluster,
                            uint16_t(tbuAt(local) % desc.tbusPerCluster),
                            uint16_t(gang), 0, Outcome::NoCapacity};
        bool candidateUnder = false;
        uint64_t ready = readyAt(cluster);
        if (ready >= forever)
          candidate.outcome = Outcome::NoRoute;
        // Configurations that do not fit together are loaded again and again.
        uint64_t reload = 0;
        const std::vector<uint32_t> &resident = kernelsOf[local];
        if (codeOf[local] + problem.codeBytes[kernel] >
                desc.configStore.bytes &&
            std::find(resident.begin(), resident.end(), kernel) ==
                resident.end())
          reload = problem.codeBytes[kernel] / desc.configStore.bytesPerCycle;
        uint64_t nearby = byteHops(cluster);
        for (const Run &run : runsOf(tbuAt(local), peaClass)) {
          if (run.count < gang || ready >= forever)
            continue;
          for (uint32_t p = run.first;
               p + gang <= uint32_t(run.first) + run.count; ++p) {
            uint64_t start = ready, heaviest = 0, latest = 0;
            for (uint32_t q = p; q < p + gang; ++q) {
              latest = std::max(latest, freeAt[size_t(local) * peas + q]);
              heaviest = std::max(heaviest, loadOf[size_t(local) * peas + q]);
            }
            start = std::max(ready, latest);
            // Among equals, the PEA that waits the least: others stay free.
            uint64_t gap = start - latest;
            bool under = pinnedHere || heaviest + share <= cap[peaClass] ||
                         heaviest == 0;
            uint64_t finish = std::min(forever, start + duration + reload);
            // Over the cap, the load decides; under it, the finish.
            uint64_t score = under
                                 ? finish + nearby
                                 : std::min(forever, (heaviest + share) >> 16);
            if (candidate.outcome == Outcome::NoCapacity ||
                (under && !candidateUnder) ||
                (under == candidateUnder && int64_t(score) < candidate.score)) {
              candidate.score = int64_t(score);
              candidate.outcome = Outcome::Worse;
              candidateUnder = under;
            }
            if (best == none || (under && !bestUnder) ||
                (under == bestUnder &&
                 std::tie(score, gap) < std::tie(bestScore, bestGap))) {
              best = local, bestFirst = p, bestUnder = under;
              bestScore = score, bestEnd = start + duration, bestGap = gap;
            }
          }
        }
        if (record && copy == 0 && decision.candidates.size() < 12) {
          decision.candidates.push_back(candidate);
          candidatesUnder.push_back(candidateUnder);
        }
      };
      for (uint32_t local : candidates)
        consider(local);
      // No candidate has a run of that length: look through the lane.
      for (uint32_t i = 0; best == none && i < numTbus; ++i)
        if (longestRun(tbuAt(i), peaClass) >= gang)
          consider(i);
      Replica replica;
      if (best == none) {
        // The lane lacks the class or the run (defects): borrow another place
        // of the machine.
        Checked<Replica> found = placeNear(b, 0);
        if (!found)
          return tl::make_unexpected(found.error());
        replica = *found;
        if (copy == 0) {
          homeOf[b] = replica.cluster;
          endOf[b] = std::max<uint64_t>(1, readyAt(replica.cluster) + duration);
        }
      } else {
        replica.cluster = clusterOf(best);
        replica.tbu = uint16_t(tbuAt(best) % desc.tbusPerCluster);
        replica.peaFirst = uint16_t(bestFirst);
        for (uint32_t q = bestFirst; q < bestFirst + gang; ++q) {
          freeAt[size_t(best) * peas + q] = bestEnd;
          loadOf[size_t(best) * peas + q] += share;
        }
        refresh(best);
        std::vector<uint32_t> &resident = kernelsOf[best];
        if (std::find(resident.begin(), resident.end(), kernel) ==
                resident.end() &&
            resident.size() < 32) {
          resident.push_back(kernel);
          codeOf[best] += problem.codeBytes[kernel];
        }
        if (copy == 0) {
          homeOf[b] = replica.cluster;
          homeTbu[b] = best;
          endOf[b] = std::max<uint64_t>(1, bestEnd);
        }
      }
      replica.peaCount = uint16_t(gang);
      replica.maxGang =
          mostPeas(b, replica.cluster * desc.tbusPerCluster + replica.tbu);
      placed[(size_t(base[b]) + copy) * lanes + lane] = replica;
      positionOf[base[b] + copy] = best;
      if (record && copy == 0) {
        for (size_t i = 0; i < decision.candidates.size(); ++i) {
          Candidate &c = decision.candidates[i];
          if (c.cluster == replica.cluster && c.tbu == replica.tbu)
            c.outcome = Outcome::Chosen;
          else if (c.outcome == Outcome::Worse && pinnedHere)
            c.outcome = Outcome::Pinned;
          // A load beside a finish: the fair share there is used up.
          else if (c.outcome == Outcome::Worse && bestUnder &&
                   !candidatesUnder[i])
            c.outcome = Outcome::NoCapacity;
        }
      }
    }
    if (record)
      homes.push_back(std::move(decision));
  }
  return {};
}

/// A home in reserve, in the TBU after the active one, for tasks whose
/// frequency may rise and that have a single place.
void Allocator::placeStandby() {
  if (!options.standby || lanes > 1 || usableTbus.size() < 2)
    return;
  for (uint32_t b = 0; b < numBlocks; ++b) {
    if (!problem.isTask(b) || !problem.dynamicFrequency[b] || copies[b] > 1 ||
        problem.pinCluster[b] != none || problem.pinTbu[b] != none)
      continue;
    const Replica &home = placed[base[b]];
    uint32_t at = usablePosition[home.cluster * desc.tbusPerCluster + home.tbu];
    uint32_t made = 0;
    for (uint32_t step = 1; step < std::min<size_t>(usableTbus.size(), 17) &&
                            made < options.standby;
         ++step) {
      uint32_t tbu = usableTbus[(at + step) % usableTbus.size()];
      for (const Run &run : runsOf(tbu, classOf(b)))
        if (run.count >= home.peaCount) {
          Replica replica = home;
          replica.cluster = tbu / desc.tbusPerCluster;
          replica.tbu = uint16_t(tbu % desc.tbusPerCluster);
          replica.peaFirst = run.first;
          replica.shareQ16 = 0;
          replica.standby = true;
          standbyOf[b].push_back(replica);
          ++made;
          break;
        }
    }
  }
}

Placement Allocator::collect() {
  Placement placement;
  placement.lanes = lanes;
  placement.offsets.reserve(numBlocks + 1);
  placement.routing.reserve(numBlocks);
  for (uint32_t b = 0; b < numBlocks; ++b) {
    placement.replicas.insert(
        placement.replicas.end(), placed.begin() + size_t(base[b]) * lanes,
        placed.begin() + (size_t(base[b]) + copies[b]) * lanes);
    placement.replicas.insert(placement.replicas.end(), standbyOf[b].begin(),
                              standbyOf[b].end());
    placement.offsets.push_back(uint32_t(placement.replicas.size()));
    placement.routing.push_back(problem.regionCopied[problem.region[b]]
                                    ? Routing::ByCopy
                                    : Routing::ByRequest);
  }
  return placement;
}

Checked<Allocation> Allocator::run() {
  if (Checked<void> needs = checkNeeds(); !needs)
    return tl::make_unexpected(needs.error());
  usableTbus = laneTbus(topology, 1);
  usablePosition.assign(desc.numTbus(), none);
  for (uint32_t i = 0; i < usableTbus.size(); ++i)
    usablePosition[usableTbus[i]] = i;
  if (usableTbus.empty())
    return violation(none,
                     fmt::format("machine '{}' has no live PEA", desc.name));

  result.countQ16 = expectedCounts(problem);
  load.assign(numBlocks, 0);
  for (uint32_t b = 0; b < numBlocks; ++b)
    if (problem.isTask(b)) {
      unsigned __int128 work =
          (unsigned __int128)(result.countQ16[b]) * problem.cyclesOn(b, 1);
      load[b] = uint64_t(std::min<unsigned __int128>(work, forever >> 24));
    }
  std::vector<uint16_t> single(numBlocks, 1);
  result.rank = upwardRanks(problem, topology, single);
  chooseLanes();
  chooseGangs();
  result.rank = upwardRanks(problem, topology, result.gang);
  result.tbusPerLane = tbusPerLane;

  base.resize(numBlocks);
  uint32_t slots = 0;
  for (uint32_t b = 0; b < numBlocks; ++b) {
    base[b] = slots;
    slots += copies[b];
  }
  placed.resize(size_t(slots) * lanes);
  positionOf.assign(slots, none);
  standbyOf.resize(numBlocks);
  order.resize(numBlocks);
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return result.rank[a] != result.rank[b] ? result.rank[a] > result.rank[b]
                                            : a < b;
  });
  flowsIn = groupEdges(problem.flows, numBlocks, /*outgoing=*/false);
  flowsOut = groupEdges(problem.flows, numBlocks, /*outgoing=*/true);
  hostBytes.assign(numBlocks, 0);
  for (const Edge &flow : problem.flows) {
    if (flow.from == none && flow.to != none)
      hostBytes[flow.to] += flow.bytes;
    if (flow.to == none && flow.from != none)
      hostBytes[flow.from] += flow.bytes;
  }

  if (Checked<void> done = placeFirstLane(); !done)
    return tl::make_unexpected(done.error());
  for (uint32_t lane = 1; lane < lanes; ++lane)
    if (Checked<void> done = copyLane(lane); !done)
      return tl::make_unexpected(done.error());
  placeStandby();
  result.placement = collect();
  std::vector<uint64_t> peaLoad =
      plannedLoads(problem, topology, result.placement, result.countQ16);
  result.bottleneckQ16 = *std::max_element(peaLoad.begin(), peaLoad.end());
  planShares(problem, topology, result.countQ16, result.placement);
  if (options.recordDecisions) {
    result.decisions.insert(result.decisions.end(),
                            std::make_move_iterator(homes.begin()),
                            std::make_move_iterator(homes.end()));
    std::sort(result.decisions.begin(), result.decisions.end(),
              [](const Decision &a, const Decision &b) {
                return std::tie(a.block, a.kind) < std::tie(b.block, b.kind);
              });
  }
  return std::move(result);
}

} // namespace

/// Clusters column by column within bands of a quarter of the mesh's height, at
/// most four rows, up and down in turn.
std::vector<uint32_t> laneTbus(const Topology &topology, uint32_t lanes) {
  const TargetDesc &desc = topology.desc();
  const uint32_t width = desc.meshWidth(), height = desc.meshHeight();
  const uint32_t band = std::clamp(height / 4, 1u, 4u);
  std::vector<uint32_t> usable, whole;
  for (uint32_t top = 0; top < height; top += band) {
    uint32_t rows = std::min(band, height - top);
    bool leftwards = (top / band) % 2;
    for (uint32_t i = 0; i < width; ++i) {
      uint32_t x = leftwards ? width - 1 - i : i;
      bool upwards = i % 2;
      for (uint32_t j = 0; j < rows; ++j) {
        uint32_t y = top + (upwards ? rows - 1 - j : j);
        uint32_t cluster = desc.clusterAt({x, y});
        for (uint32_t t = 0; t < desc.tbusPerCluster; ++t) {
          uint32_t tbu = cluster * desc.tbusPerCluster + t;
          uint32_t live = topology.livePeas(tbu);
          if (live)
            usable.push_back(tbu);
          if (live == desc.peasPerTbu)
            whole.push_back(tbu);
        }
      }
    }
  }
  bool avoidDefects = lanes > 1 && whole.size() >= lanes &&
                      whole.size() * 4 >= usable.size() * 3;
  return avoidDefects ? whole : usable;
}

uint16_t elasticLimit(const Problem &problem, const Topology &topology,
                      uint32_t block, uint32_t tbu, uint16_t gang) {
  if (problem.pinGang[block])
    return gang;
  const PeaClass wanted = problem.peaClass[problem.kernel[block]];
  const std::vector<PeaClass> &layout = topology.desc().pea.layout;
  uint32_t sameClass = 0;
  for (uint64_t mask = topology.livePeaMask(tbu); mask; mask &= mask - 1)
    sameClass += layout[std::countr_zero(mask)] == wanted;
  uint32_t most = problem.gangsOf(block).back().gang;
  if (problem.maxGang[block])
    most = std::min<uint32_t>(most, problem.maxGang[block]);
  return uint16_t(std::max<uint32_t>(gang, std::min(most, sameClass)));
}

/// Calls `visit` with each active replica of a task and what it keeps each of
/// its PEAs busy for a request, in 1/65536 cycles.
template <class Visit>
static void forEachUse(const Problem &problem, const Placement &placement,
                       std::span<const uint64_t> countQ16, Visit visit) {
  for (uint32_t b = 0; b < problem.numBlocks(); ++b) {
    if (!problem.isTask(b))
      continue;
    std::span<const Replica> replicas = placement.of(b);
    const uint64_t active =
        std::count_if(replicas.begin(), replicas.end(),
                      [](const Replica &r) { return !r.standby; });
    for (uint32_t i = 0; i < replicas.size(); ++i) {
      if (replicas[i].standby)
        continue;
      unsigned __int128 busy = (unsigned __int128)(countQ16[b]) *
                               problem.cyclesOn(b, replicas[i].peaCount) /
                               active;
      visit(placement.offsets[b] + i,
            uint64_t(std::min<unsigned __int128>(
                std::max<unsigned __int128>(busy, 1), forever >> 24)));
    }
  }
}

static size_t firstPea(const TargetDesc &desc, const Replica &r) {
  return (size_t(r.cluster) * desc.tbusPerCluster + r.tbu) * desc.peasPerTbu +
         r.peaFirst;
}

std::vector<uint64_t> plannedLoads(const Problem &problem,
                                   const Topology &topology,
                                   const Placement &placement,
                                   std::span<const uint64_t> countQ16) {
  std::vector<uint64_t> loads(topology.desc().numPeas(), 0);
  forEachUse(problem, placement, countQ16, [&](uint32_t i, uint64_t busy) {
    const Replica &r = placement.replicas[i];
    for (uint32_t p = 0; p < r.peaCount; ++p)
      loads[firstPea(topology.desc(), r) + p] += busy;
  });
  return loads;
}

void planShares(const Problem &problem, const Topology &topology,
                std::span<const uint64_t> countQ16, Placement &placement) {
  std::vector<uint64_t> loads =
      plannedLoads(problem, topology, placement, countQ16);
  forEachUse(problem, placement, countQ16, [&](uint32_t i, uint64_t busy) {
    Replica &r = placement.replicas[i];
    uint64_t most = 1;
    for (uint32_t p = 0; p < r.peaCount; ++p)
      most = std::max(most, loads[firstPea(topology.desc(), r) + p]);
    // Rounded down, so that they add up to no more than 1.
    r.shareQ16 = uint32_t((unsigned __int128)(busy) * 65536 / most);
  });
}

Checked<Allocation> allocate(const Problem &problem, const Topology &topology,
                             const AllocateOptions &options) {
  if (Checked<void> sound = checkProblem(problem); !sound)
    return tl::make_unexpected(sound.error());
  return Allocator(problem, topology, options).run();
}

} // namespace octo::sched
