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
#include "octo/Scheduling/MeshMapping.h"
#include "octo/Scheduling/Replicas.h"
#include "octo/Target/Capacity.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <queue>
#include <tuple>

namespace octo::sched {

namespace {

constexpr uint64_t forever = std::numeric_limits<uint64_t>::max() / 4;

/// A task may end this part of its time later where its data would have it.
constexpr uint64_t patience = 16;

uint64_t addSat(uint64_t a, uint64_t b) { return std::min(forever, a + b); }

/// count * cycles, saturating.
uint64_t workOf(uint64_t countQ16, uint64_t cycles) {
  return uint64_t(std::min<unsigned __int128>(
      (unsigned __int128)(countQ16)*cycles, forever));
}

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

/// A block that another one exchanges data with.
struct Neighbour {
  uint32_t cluster;
  uint32_t local;
  uint64_t bytes;
  uint64_t end; ///< of what it sends; 0: it takes
};

/// PEAs of the first lane that a task could have.
struct Spot {
  uint32_t local = none, first = 0;
  bool under = false; ///< the fair share of the load
  uint64_t score = 0, end = 0, gap = 0;
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
  void chooseCopies();
  Checked<HomingPlan> placeLane();
  Checked<void> placeByBest();
  bool mapLane();
  /// The first lane while blocks get their homes; TBUs and PEAs by local
  /// number.
  struct Filling {
    std::array<uint64_t, numPeaClasses> cap{}; // load of a PEA, fair share
    std::vector<uint64_t> freeAt;              // of a PEA
    std::vector<MinTree> firstFree;            // of those under the cap
    std::vector<uint32_t> localOf;             // of a TBU, if one lane is all
    std::vector<uint32_t> firstOfCluster;
    std::vector<uint64_t> endOf;  // of the first instance of a block
    std::vector<uint32_t> homeOf; // cluster of a block
    // Of the block whose turn it is.
    std::vector<Neighbour> neighbours;
    std::vector<uint32_t> candidates;
  };
  struct Tried {
    Candidate candidate;
    bool under; // there is a spot with room for its fair share
  };
  Checked<void> placeFirstLane();
  Filling emptyLane();
  void refresh(Filling &f, uint32_t local);
  void findNeighbours(Filling &f, uint32_t b) const;
  uint64_t readyAt(const Filling &f, uint32_t cluster) const;
  uint64_t byteHops(const Filling &f, uint32_t b, uint32_t cluster) const;
  void placeControl(Filling &f, uint32_t b);
  size_t findCandidates(Filling &f, uint32_t b) const;
  Tried tryTbu(const Filling &f, uint32_t b, uint32_t local, Spot &spot) const;
  Checked<void> placeTask(Filling &f, uint32_t b);
  void spreadCopies();
  void evenOut();
  void foldCopies();
  uint32_t pieceSite(uint32_t block, uint32_t copy, uint32_t &first,
                     uint64_t &score);
  void put(uint32_t block, uint32_t copy, uint32_t local, uint32_t first);
  void addLoad(uint32_t local, uint32_t first, uint32_t gang, int64_t busy);
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
  bool isPinned(uint32_t block) const {
    return problem.pinCluster[block] != none || problem.pinTbu[block] != none;
  }
  uint32_t clusterAt(uint32_t local) const {
    return tbuOrder[local] / desc.tbusPerCluster;
  }
  /// Ranges of consecutive live PEAs of a class in a TBU.
  const std::vector<Run> &runsOf(uint32_t tbu, uint32_t peaClass) const {
    return runs[size_t(tbu) * numPeaClasses + peaClass];
  }
  /// What a request keeps each replica of a block busy, in 1/65536 cycles.
  uint64_t partOf(uint32_t block) const { return busy[block] / copies[block]; }
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
  /// Cycles of one request, by block, in 1/65536: on one PEA, and of its gang.
  std::vector<uint64_t> load, busy;
  Demand demand;
  std::vector<uint32_t> order; // blocks by falling rank
  Adjacency flowsIn, flowsOut;
  std::vector<uint64_t> hostBytes; // in and out, by block
  // State of the first lane while it is filled; TBUs and PEAs by local number.
  std::vector<uint64_t> loadOf; // of a PEA, in 1/65536 cycles
  std::vector<MinTree> leastLoad;
  std::vector<std::vector<uint32_t>> kernelsOf; // at home in a TBU
  std::vector<uint64_t> codeOf;                 // bytes of their code
  std::vector<uint32_t> homeTbu;                // of a block
  // Replica i of block b in lane l: slots[(base[b] + i) * lanes + l].
  std::vector<uint32_t> base;
  std::vector<Replica> placed;
  /// Position in the first lane of the TBU of each replica (for a control
  /// block, of a TBU of its cluster); `none` where it lies outside.
  std::vector<uint32_t> positionOf;
  std::vector<std::vector<Replica>> standbyOf;
  std::vector<Decision> homes;
  std::vector<Edge> traffic; // of a request
  /// By block, the cluster that data would have it in; empty: time decides.
  std::vector<uint32_t> guide;
  /// What a place by data must keep to: no task so late that the request ends
  /// after this, no PEA of a class busier than that.
  uint64_t deadline = forever;
  std::array<uint64_t, numPeaClasses> mostLoad{};
  uint64_t length = 0;           // of a request, expected
  std::vector<uint64_t> startOf; // of the first instance of a block
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
  uint64_t code = 0, weights = 0, work = 0; // work in cycles
  std::vector<bool> seen(problem.codeBytes.size(), false);
  bool pinned = false;
  for (uint32_t b = 0; b < numBlocks; ++b) {
    pinned |= isPinned(b);
    if (!problem.isTask(b))
      continue;
    work = addSat(work, load[b] >> 16);
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
  auto lanesOf = [&](uint32_t size) {
    return uint32_t(
        std::max<uint64_t>(1, size / std::min<uint64_t>(need, size)));
  };
  lanes = lanesOf(tbus);
  // Without the TBUs that have defects there are fewer lanes, not smaller ones.
  uint32_t whole = 0;
  for (uint32_t tbu : usableTbus)
    whole += topology.livePeas(tbu) == desc.peasPerTbu;
  if (whole && laneTbus(topology, lanesOf(whole)).size() == whole)
    lanes = lanesOf(whole);
  if (options.lanes)
    lanes = std::min(options.lanes, tbus);
  // A pinned block has one home; more lanes would only crowd it.
  if (pinned)
    lanes = 1;
  tbuOrder = laneTbus(topology, lanes);
  tbusPerLane = uint32_t(tbuOrder.size() / lanes);
}

/// The gang of each task under static policies: no more PEAs than its part of
/// the work is worth.
void Allocator::chooseGangs() {
  const uint64_t total =
      std::max<uint64_t>(1, uint64_t(std::accumulate(load.begin(), load.end(),
                                                     (unsigned __int128)(0)) >>
                                     16));
  const uint64_t peas = live[0] + live[1] + live[2];
  result.gang.assign(numBlocks, 0);
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
  }
}

/// How many replicas a lane has of each task: by marginal benefit, as long as
/// pieces of work are too large to be spread evenly over the PEAs of the lane.
void Allocator::chooseCopies() {
  busy.assign(numBlocks, 0);
  unsigned __int128 work = 0;
  uint64_t tasks = 0;
  for (uint32_t b = 0; b < numBlocks; ++b)
    if (problem.isTask(b)) {
      busy[b] = workOf(result.countQ16[b], problem.cyclesOn(b, result.gang[b]));
      work += (unsigned __int128)(busy[b]) * result.gang[b];
      ++tasks;
    }
  std::array<uint64_t, numPeaClasses> lanePeas{};
  for (uint32_t i = 0; i < tbusPerLane; ++i)
    for (uint32_t c = 0; c < numPeaClasses; ++c)
      for (const Run &run : runsOf(tbuOrder[i], c))
        lanePeas[c] += run.count;
  const uint64_t peas =
      std::max<uint64_t>(1, lanePeas[0] + lanePeas[1] + lanePeas[2]);
  const uint64_t piece = std::max<uint64_t>(
      1, uint64_t(work / peas) / std::max(1u, options.piecesPerPea));

  std::vector<ReplicaDemand> demands(numBlocks);
  for (uint32_t b = 0; b < numBlocks; ++b) {
    // Tasks of a timetable have one replica in a lane: lane l of a segment uses
    // replica l of each of its tasks.
    if (!problem.isTask(b) ||
        (!problem.dynamicTime[b] && !problem.dynamicFrequency[b]) ||
        isPinned(b))
      continue;
    const uint64_t gangs = lanePeas[classOf(b)] / result.gang[b];
    demands[b].busy = busy[b];
    demands[b].variationQ16 = demand.workVariationQ16[b];
    demands[b].most = uint32_t(
        std::clamp<uint64_t>(std::min(gangs, busy[b] / piece + 1), 1, 4096));
  }
  const uint64_t budget = uint64_t(options.replicasPerPea) * peas;
  copies = shareReplicas(demands, budget > tasks ? budget - tasks : 0);
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

void Allocator::addLoad(uint32_t local, uint32_t first, uint32_t gang,
                        int64_t change) {
  const uint32_t peas = desc.peasPerTbu;
  for (uint32_t p = first; p < first + gang; ++p)
    loadOf[size_t(local) * peas + p] += uint64_t(change);
  for (uint32_t c = 0; c < numPeaClasses; ++c) {
    uint64_t least = forever;
    for (const Run &run : runsOf(tbuOrder[local], c))
      for (uint32_t p = run.first; p < uint32_t(run.first) + run.count; ++p)
        least = std::min(least, loadOf[size_t(local) * peas + p]);
    leastLoad[c].set(local, least);
  }
}

/// Where one more replica of a task is loaded least, its own part included:
/// the TBU, `none` if there is no place. What it costs to load its code there
/// again and again, where the store is full, counts as load.
uint32_t Allocator::pieceSite(uint32_t block, uint32_t copy, uint32_t &first,
                              uint64_t &score) {
  constexpr uint32_t mostTbus = 64;
  const uint32_t gang = result.gang[block], kernel = problem.kernel[block];
  const uint64_t part = partOf(block);
  const uint64_t code = problem.codeBytes[kernel];
  const uint32_t home = homeTbu[block];
  uint32_t best = none, bestWay = 0;
  auto consider = [&](uint32_t local) {
    const std::vector<uint32_t> &resident = kernelsOf[local];
    uint64_t reload = 0;
    if (codeOf[local] + code > desc.configStore.bytes &&
        std::find(resident.begin(), resident.end(), kernel) == resident.end())
      reload = workOf(result.countQ16[block] / copies[block],
                      code / desc.configStore.bytesPerCycle);
    const uint32_t way =
        home == none ? 0
                     : topology.distance(tbuOrder[home] / desc.tbusPerCluster,
                                         tbuOrder[local] / desc.tbusPerCluster);
    for (const Run &run : runsOf(tbuOrder[local], classOf(block)))
      for (uint32_t p = run.first; p + gang <= uint32_t(run.first) + run.count;
           ++p) {
        uint64_t peak = 0;
        for (uint32_t q = p; q < p + gang; ++q)
          peak = std::max(peak, loadOf[size_t(local) * desc.peasPerTbu + q]);
        peak = addSat(peak, addSat(part, reload));
        if (best == none || std::tie(peak, way) < std::tie(score, bestWay))
          best = local, first = p, score = peak, bestWay = way;
      }
  };
  if (tbusPerLane <= mostTbus) {
    for (uint32_t local = 0; local < tbusPerLane; ++local)
      consider(local);
  } else {
    if (uint32_t least = leastLoad[classOf(block)].argMin(); least != none)
      consider(least);
    for (uint32_t step = 0; home != none && step < 8; ++step)
      consider((home + copy + step) % tbusPerLane);
  }
  return best;
}

void Allocator::put(uint32_t block, uint32_t copy, uint32_t local,
                    uint32_t first) {
  const uint32_t gang = result.gang[block], kernel = problem.kernel[block];
  const uint32_t tbu = tbuOrder[local];
  addLoad(local, first, gang, int64_t(partOf(block)));
  std::vector<uint32_t> &resident = kernelsOf[local];
  if (std::find(resident.begin(), resident.end(), kernel) == resident.end()) {
    resident.push_back(kernel);
    codeOf[local] += problem.codeBytes[kernel];
  }
  placed[(size_t(base[block]) + copy) * lanes] =
      Replica{tbu / desc.tbusPerCluster,
              uint16_t(tbu % desc.tbusPerCluster),
              uint16_t(first),
              uint16_t(gang),
              mostPeas(block, tbu),
              0,
              false};
  positionOf[base[block] + copy] = local;
}

/// Places all replicas of the first lane but the first ones, large parts of the
/// load first.
void Allocator::spreadCopies() {
  std::vector<std::pair<uint32_t, uint32_t>> pieces; // block, copy
  for (uint32_t b = 0; b < numBlocks; ++b)
    for (uint32_t copy = 1; copy < copies[b]; ++copy)
      pieces.emplace_back(b, copy);
  std::sort(pieces.begin(), pieces.end(), [&](const auto &x, const auto &y) {
    return std::make_tuple(~partOf(x.first), x) <
           std::make_tuple(~partOf(y.first), y);
  });
  for (auto [b, copy] : pieces) {
    uint32_t first = 0;
    uint64_t score = 0;
    uint32_t local = pieceSite(b, copy, first, score);
    if (local == none) {
      // The lane lacks the class or the run: beside the first replica.
      placed[(size_t(base[b]) + copy) * lanes] =
          placed[size_t(base[b]) * lanes];
      continue;
    }
    put(b, copy, local, first);
  }
}

/// Takes parts of the load from the busiest PEAs, as long as that makes the
/// busiest one less busy. Tasks that a timetable holds, and pinned ones, stay.
void Allocator::evenOut() {
  const uint32_t peas = desc.peasPerTbu;
  struct Piece {
    uint32_t block, copy;
  };
  std::vector<std::vector<Piece>> piecesOn(size_t(tbusPerLane) * peas);
  size_t movable = 0;
  for (uint32_t b = 0; b < numBlocks; ++b) {
    if (!problem.isTask(b) ||
        (!problem.dynamicTime[b] && !problem.dynamicFrequency[b]) ||
        isPinned(b))
      continue;
    for (uint32_t copy = 0; copy < copies[b]; ++copy) {
      const uint32_t local = positionOf[base[b] + copy];
      if (local == none)
        continue;
      const Replica &r = placed[(size_t(base[b]) + copy) * lanes];
      for (uint32_t p = 0; p < r.peaCount; ++p)
        piecesOn[size_t(local) * peas + r.peaFirst + p].push_back({b, copy});
      ++movable;
    }
  }
  // The busiest PEAs first; one from which nothing can go is done.
  std::priority_queue<std::pair<uint64_t, uint32_t>> busiest;
  for (uint32_t pea = 0; pea < loadOf.size(); ++pea)
    if (!piecesOn[pea].empty())
      busiest.push({loadOf[pea], pea});
  for (size_t round = 0; round < 4 * movable && !busiest.empty(); ++round) {
    auto [most, pea] = busiest.top();
    busiest.pop();
    if (most != loadOf[pea]) { // has changed since
      busiest.push({loadOf[pea], pea});
      continue;
    }
    std::vector<Piece> pieces = piecesOn[pea];
    std::sort(pieces.begin(), pieces.end(),
              [&](const Piece &x, const Piece &y) {
                return std::make_tuple(~partOf(x.block), x.block, x.copy) <
                       std::make_tuple(~partOf(y.block), y.block, y.copy);
              });
    for (const Piece &piece : pieces) {
      const uint32_t b = piece.block;
      const uint64_t part = partOf(b);
      const uint32_t from = positionOf[base[b] + piece.copy];
      const Replica old = placed[(size_t(base[b]) + piece.copy) * lanes];
      addLoad(from, old.peaFirst, old.peaCount, -int64_t(part));
      uint32_t first = 0;
      uint64_t score = 0;
      const uint32_t to = pieceSite(b, piece.copy, first, score);
      if (part == 0 || to == none || score >= most) {
        addLoad(from, old.peaFirst, old.peaCount, int64_t(part));
        continue;
      }
      for (uint32_t p = 0; p < old.peaCount; ++p)
        std::erase_if(piecesOn[size_t(from) * peas + old.peaFirst + p],
                      [&](const Piece &other) {
                        return other.block == b && other.copy == piece.copy;
                      });
      put(b, piece.copy, to, first);
      for (uint32_t p = 0; p < old.peaCount; ++p) {
        piecesOn[size_t(to) * peas + first + p].push_back(piece);
        busiest.push({loadOf[size_t(to) * peas + first + p],
                      uint32_t(size_t(to) * peas + first + p)});
      }
      if (!piecesOn[pea].empty())
        busiest.push({loadOf[pea], pea});
      break;
    }
  }
}

/// Several replicas in one place are a larger part of the requests for it. What
/// all places of a block have in common is taken out.
void Allocator::foldCopies() {
  for (uint32_t b = 0; b < numBlocks; ++b) {
    if (copies[b] == 1)
      continue;
    std::vector<std::tuple<uint32_t, uint16_t, uint32_t>> sites;
    for (uint32_t copy = 0; copy < copies[b]; ++copy)
      sites.emplace_back(positionOf[base[b] + copy],
                         placed[(size_t(base[b]) + copy) * lanes].peaFirst,
                         copy);
    std::sort(sites.begin(), sites.end());
    auto samePlace = [&](size_t i, size_t j) {
      return std::get<0>(sites[i]) == std::get<0>(sites[j]) &&
             std::get<1>(sites[i]) == std::get<1>(sites[j]);
    };
    uint32_t common = 0;
    for (size_t i = 0, j = 0; i < sites.size(); i = j) {
      while (j < sites.size() && samePlace(i, j))
        ++j;
      common = std::gcd(common, uint32_t(j - i));
    }
    if (common == 1)
      continue;
    std::vector<uint32_t> kept;
    for (size_t i = 0, run = 0; i < sites.size(); ++i) {
      run = i && samePlace(i - 1, i) ? run + 1 : 0;
      if (run % common == 0)
        kept.push_back(std::get<2>(sites[i]));
    }
    std::sort(kept.begin(), kept.end());
    for (uint32_t i = 0; i < kept.size(); ++i) {
      placed[(size_t(base[b]) + i) * lanes] =
          placed[(size_t(base[b]) + kept[i]) * lanes];
      positionOf[base[b] + i] = positionOf[base[b] + kept[i]];
    }
    copies[b] = uint32_t(kept.size());
  }
}

/// A home in reserve, in the TBU after the active one, for tasks whose
/// frequency may rise and that have places in one TBU only.
void Allocator::placeStandby() {
  if (!options.standby || lanes > 1 || usableTbus.size() < 2)
    return;
  for (uint32_t b = 0; b < numBlocks; ++b) {
    bool elsewhere = false;
    for (uint32_t copy = 1; copy < copies[b]; ++copy)
      elsewhere |= positionOf[base[b] + copy] != positionOf[base[b]];
    if (!problem.isTask(b) || !problem.dynamicFrequency[b] || elsewhere ||
        isPinned(b))
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

  demand = expectedDemand(problem);
  result.countQ16 = demand.countQ16;
  load.assign(numBlocks, 0);
  for (uint32_t b = 0; b < numBlocks; ++b)
    if (problem.isTask(b))
      load[b] = workOf(result.countQ16[b], problem.cyclesOn(b, 1));
  std::vector<uint16_t> single(numBlocks, 1);
  result.rank = upwardRanks(problem, topology, single);
  chooseLanes();
  chooseGangs();
  chooseCopies();
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

  traffic = expectedTraffic(problem, result.countQ16);
  if (Checked<void> done = placeByBest(); !done)
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
  bool avoidDefects =
      lanes > 1 && whole.size() / lanes * lanes * 4 >= usable.size() * 3;
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
      visit(placement.offsets[b] + i,
            std::max<uint64_t>(
                1,
                workOf(countQ16[b], problem.cyclesOn(b, replicas[i].peaCount)) /
                    active));
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
      loads[firstPea(topology.desc(), r) + p] =
          addSat(loads[firstPea(topology.desc(), r) + p], busy);
  });
  return loads;
}

uint64_t expectedHopBytes(const Topology &topology,
                          std::span<const Edge> traffic,
                          std::span<const uint32_t> offsets,
                          std::span<const uint32_t> clusters) {
  constexpr uint32_t mostTurns = 64;
  const uint32_t host = topology.hostCluster();
  auto numOf = [&](uint32_t block) {
    return block == none ? 1 : offsets[block + 1] - offsets[block];
  };
  auto clusterOf = [&](uint32_t block, uint32_t turn) {
    return block == none ? host
                         : clusters[offsets[block] + turn % numOf(block)];
  };
  unsigned __int128 sum = 0;
  for (const Edge &flow : traffic) {
    const uint32_t turns =
        std::min(mostTurns, std::max(numOf(flow.from), numOf(flow.to)));
    uint64_t hops = 0;
    for (uint32_t turn = 0; turn < turns; ++turn)
      hops += topology.distance(clusterOf(flow.from, turn),
                                clusterOf(flow.to, turn));
    if (turns)
      sum += (unsigned __int128)(flow.bytes) * hops / turns;
  }
  return uint64_t(std::min<unsigned __int128>(sum, forever));
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
