//===- ImproveStatic.cpp - Shorter timetables by search -------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Makes a task graph of each segment in the first lane, searches, and puts what
// was found back into all lanes.
//
//===----------------------------------------------------------------------===//

#include "octo/Scheduling/ListScheduler.h"
#include "octo/Scheduling/StaticSchedule.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

namespace octo::sched {

namespace {

/// More places would make each list schedule dear and win little.
constexpr uint32_t mostProcessors = 256;
/// Blocks outside a segment that count as partners, at most.
constexpr uint32_t mostPartners = 128;
/// List schedules that a segment's part of the budget must pay for.
constexpr uint64_t leastRounds = 4;

class Improver {
public:
  Improver(const Problem &problem, const Topology &topology,
           Placement &placement, const ImproveOptions &options)
      : problem(problem), topology(topology), desc(topology.desc()),
        placement(placement), options(options),
        countQ16(expectedCounts(problem)),
        loads(plannedLoads(problem, topology, placement, countQ16)) {
    flowsIn = groupEdges(problem.flows, problem.numBlocks(), false);
    flowsOut = groupEdges(problem.flows, problem.numBlocks(), true);
    edgesIn = groupEdges(problem.edges, problem.numBlocks(), false);
  }

  Checked<Improvement> run(std::span<const uint64_t> rank,
                           const Schedule &schedule);

private:
  /// Where a site of the task graph is in the machine.
  struct Home {
    uint32_t position = none; // in the lane; `none`: as it was
    uint16_t peaFirst = 0;
  };
  /// A segment as a task graph. Tasks: first the producers outside, then those
  /// of the segment, then the consumers outside.
  struct Model {
    TaskGraph graph;
    std::vector<std::vector<Home>> homes; // beside graph.sites
    std::vector<uint32_t> blocks;         // of the segment's tasks, ascending
    uint32_t firstTask = 0;
    TaskSchedule start;
  };

  bool buildModel(const Schedule &schedule, uint32_t segment, uint64_t steps,
                  Model &model);
  bool addNodes(Model &model, const std::vector<uint32_t> &clusters);
  const std::vector<uint32_t> &tbusOf(uint32_t lanes);
  bool followsLanes(uint32_t block, uint32_t lanes);
  void move(uint32_t block, const Home &home, uint32_t lanes);

  uint32_t tbuOf(const Replica &r) const {
    return r.cluster * desc.tbusPerCluster + r.tbu;
  }
  uint64_t loadOf(uint32_t block, uint32_t lanes) const {
    unsigned __int128 busy =
        (unsigned __int128)(countQ16[block]) *
        problem.cyclesOn(block, placement.of(block)[0].peaCount) / lanes;
    return uint64_t(std::min<unsigned __int128>(busy, ~uint64_t(0) >> 8));
  }

  const Problem &problem;
  const Topology &topology;
  const TargetDesc &desc;
  Placement &placement;
  const ImproveOptions &options;
  std::vector<uint64_t> countQ16;
  std::vector<uint64_t> loads; // by PEA
  uint64_t mostLoad = 0;
  Adjacency flowsIn, flowsOut, edgesIn;
  /// By number of lanes: laneTbus, and the position in it of each TBU.
  std::map<uint32_t, std::pair<std::vector<uint32_t>, std::vector<uint32_t>>>
      plans;
};

const std::vector<uint32_t> &Improver::tbusOf(uint32_t lanes) {
  auto [at, isNew] = plans.try_emplace(lanes);
  if (isNew) {
    at->second.first = laneTbus(topology, lanes);
    at->second.second.assign(desc.numTbus(), none);
    for (uint32_t i = 0; i < at->second.first.size(); ++i)
      at->second.second[at->second.first[i]] = i;
  }
  return at->second.first;
}

/// All lanes have the task at the same position and the same PEAs.
bool Improver::followsLanes(uint32_t block, uint32_t lanes) {
  const std::vector<uint32_t> &tbus = tbusOf(lanes);
  const std::vector<uint32_t> &positions = plans.at(lanes).second;
  const uint32_t perLane = uint32_t(tbus.size() / lanes);
  std::span<const Replica> replicas = placement.of(block);
  const uint32_t position = positions[tbuOf(replicas[0])];
  if (position >= perLane)
    return false;
  for (uint32_t l = 1; l < lanes; ++l)
    if (tbus[size_t(l) * perLane + position] != tbuOf(replicas[l]) ||
        replicas[l].peaFirst != replicas[0].peaFirst ||
        replicas[l].peaCount != replicas[0].peaCount)
      return false;
  return true;
}

/// Makes nodes of clusters; false where two have no way between them.
bool Improver::addNodes(Model &model, const std::vector<uint32_t> &clusters) {
  TaskGraph &graph = model.graph;
  graph.numNodes = uint32_t(clusters.size());
  for (uint32_t a : clusters)
    for (uint32_t b : clusters) {
      Way way = wayBetween(topology, a, b);
      if (way.latency == Topology::none)
        return false;
      graph.latency.push_back(way.latency);
      graph.bytesPerCycle.push_back(way.bytesPerCycle);
    }
  return true;
}

bool Improver::buildModel(const Schedule &schedule, uint32_t segment,
                          uint64_t steps, Model &model) {
  const std::span<const Slot> slots = schedule.of(segment);
  const uint32_t lanes = schedule.lanes[segment];
  TaskGraph &graph = model.graph;
  for (const Slot &slot : slots)
    model.blocks.push_back(slot.block);
  std::sort(model.blocks.begin(), model.blocks.end());
  const std::vector<uint32_t> &blocks = model.blocks;
  auto inSegment = [&](uint32_t block) {
    auto at = std::lower_bound(blocks.begin(), blocks.end(), block);
    return at != blocks.end() && *at == block ? uint32_t(at - blocks.begin())
                                              : none;
  };
  const uint64_t gap = uint64_t(desc.controlPlane.localDispatchCycles) +
                       desc.configStore.switchCycles;

  // Places of the lane that are open to it: the TBUs that it uses, then others
  // from the start of the lane on.
  const std::vector<uint32_t> &tbus = tbusOf(lanes);
  const std::vector<uint32_t> &positionOf = plans.at(lanes).second;
  const uint32_t perLane = uint32_t(tbus.size() / lanes);
  std::vector<bool> mayMove(blocks.size(), false);
  std::vector<uint32_t> positions;
  for (size_t i = 0; i < blocks.size(); ++i) {
    const uint32_t b = blocks[i];
    mayMove[i] = options.rehome && problem.pinCluster[b] == none &&
                 problem.pinTbu[b] == none && followsLanes(b, lanes);
    if (mayMove[i])
      positions.push_back(positionOf[tbuOf(placement.of(b)[0])]);
  }
  std::sort(positions.begin(), positions.end());
  positions.erase(std::unique(positions.begin(), positions.end()),
                  positions.end());
  // More PEAs than tasks can use are of no use.
  uint64_t useful = 0;
  for (uint32_t b : blocks)
    useful += placement.of(b)[0].peaCount;
  const size_t used = positions.size();
  for (uint32_t i = 0; used && i < perLane &&
                       positions.size() * desc.peasPerTbu < mostProcessors &&
                       (positions.size() - used) * desc.peasPerTbu < useful;
       ++i)
    if (!std::binary_search(positions.begin(), positions.begin() + used, i))
      positions.push_back(i);

  // Clusters become nodes; partners outside sit at their first home.
  std::vector<uint32_t> clusters;
  auto nodeOf = [&](uint32_t cluster) {
    auto at = std::find(clusters.begin(), clusters.end(), cluster);
    if (at == clusters.end())
      at = clusters.insert(at, cluster);
    return uint32_t(at - clusters.begin());
  };
  // PEAs of each position that are alive in every lane.
  std::vector<uint64_t> alive(positions.size(), ~uint64_t(0));
  for (size_t i = 0; i < positions.size(); ++i)
    for (uint32_t l = 0; l < lanes; ++l)
      alive[i] &=
          topology.livePeaMask(tbus[size_t(l) * perLane + positions[i]]);

  // Tasks and their kinds: by class and gang, or of their own.
  auto sizeProcessors = [&](uint32_t n) { graph.numProcessors = n; };
  sizeProcessors(uint32_t(positions.size()) * desc.peasPerTbu);
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> kinds;
  std::map<uint32_t, uint32_t> fixedPeas; // outside the open places
  auto processorOf = [&](uint32_t tbu, uint32_t pea) {
    uint32_t at = positionOf[tbu];
    auto open = std::find(positions.begin(), positions.end(), at);
    if (at < perLane && open != positions.end())
      return uint32_t(open - positions.begin()) * desc.peasPerTbu + pea;
    auto [found, isNew] = fixedPeas.try_emplace(tbu, graph.numProcessors);
    if (isNew)
      graph.numProcessors += desc.peasPerTbu;
    return found->second + pea;
  };
  auto addKind = [&] {
    graph.sites.emplace_back();
    model.homes.emplace_back();
    return uint32_t(graph.sites.size() - 1);
  };

  // Partners outside: producers come first, consumers last.
  std::map<uint32_t, uint32_t> producers, consumers; // block or none: task
  for (uint32_t b : blocks) {
    for (uint32_t e : flowsIn.of(b))
      if (uint32_t from = problem.flows[e].from;
          inSegment(from) == none && producers.size() < mostPartners)
        producers.emplace(from, 0);
    for (uint32_t e : flowsOut.of(b))
      if (uint32_t to = problem.flows[e].to;
          inSegment(to) == none && consumers.size() < mostPartners)
        consumers.emplace(to, 0);
  }
  auto addPartner = [&](uint32_t block, uint64_t end) {
    graph.kind.push_back(addKind());
    graph.sites.back().push_back(
        {graph.numProcessors++, 1, nodeOf(placement.of(block)[0].cluster)});
    model.homes.back().push_back({});
    graph.cycles.push_back(end);
    graph.load.push_back(0);
    return graph.numTasks() - 1;
  };
  // What comes from the same region is not there before it is made.
  for (auto &[block, task] : producers)
    task = addPartner(block, problem.region[block] == schedule.region[segment]
                                 ? schedule.expectedEnd[block]
                                 : 0);
  model.firstTask = graph.numTasks();
  for (size_t i = 0; i < blocks.size(); ++i) {
    const uint32_t b = blocks[i];
    const Replica &home = placement.of(b)[0];
    uint32_t peas = home.peaCount;
    uint32_t kind;
    if (!mayMove[i]) {
      kind = addKind();
      graph.sites[kind].push_back({processorOf(tbuOf(home), home.peaFirst),
                                   peas, nodeOf(home.cluster)});
      model.homes[kind].push_back({});
    } else {
      auto [at, isNew] = kinds.try_emplace(
          {uint32_t(problem.peaClass[problem.kernel[b]]), peas}, 0);
      if (isNew) {
        at->second = addKind();
        for (size_t k = 0; k < positions.size(); ++k)
          for (uint32_t p = 0; p + peas <= desc.peasPerTbu; ++p) {
            bool fits = true;
            for (uint32_t q = p; q < p + peas; ++q)
              fits &= (alive[k] >> q & 1) &&
                      uint32_t(desc.pea.layout[q]) == at->first.first;
            if (!fits)
              continue;
            graph.sites.back().push_back(
                {uint32_t(k) * desc.peasPerTbu + p, peas,
                 nodeOf(tbus[positions[k]] / desc.tbusPerCluster)});
            model.homes.back().push_back({positions[k], uint16_t(p)});
          }
      }
      kind = at->second;
    }
    graph.kind.push_back(kind);
    graph.cycles.push_back(0); // follows from the slot
    graph.load.push_back(loadOf(b, lanes));
  }
  for (auto &[block, task] : consumers)
    task = addPartner(block, 0);
  for (const Slot &slot : slots)
    graph.cycles[model.firstTask + inSegment(slot.block)] = slot.cycles + gap;
  uint64_t round = 0;
  for (uint32_t kind : graph.kind)
    round += graph.sites[kind].size();
  if (steps < leastRounds * round || !addNodes(model, clusters))
    return false;

  for (size_t i = 0; i < blocks.size(); ++i) {
    const uint32_t b = blocks[i], task = model.firstTask + uint32_t(i);
    for (uint32_t e : edgesIn.of(b))
      if (uint32_t from = inSegment(problem.edges[e].from); from != none)
        graph.edges.push_back(
            {model.firstTask + from, task, problem.edges[e].bytes});
    for (uint32_t e : flowsIn.of(b))
      if (auto at = producers.find(problem.flows[e].from);
          at != producers.end())
        graph.edges.push_back({at->second, task, problem.flows[e].bytes});
    for (uint32_t e : flowsOut.of(b))
      if (auto at = consumers.find(problem.flows[e].to); at != consumers.end())
        graph.edges.push_back({task, at->second, problem.flows[e].bytes});
  }

  // What the others leave of each PEA.
  graph.room.assign(graph.numProcessors, ~uint64_t(0));
  for (size_t k = 0; k < positions.size(); ++k)
    for (uint32_t p = 0; p < desc.peasPerTbu; ++p)
      graph.room[k * desc.peasPerTbu + p] =
          mostLoad -
          std::min(mostLoad,
                   loads[size_t(tbus[positions[k]]) * desc.peasPerTbu + p]);
  // Where and when it is now.
  std::vector<uint32_t> site(graph.numTasks(), 0), order;
  for (uint32_t t = 0; t < model.firstTask; ++t)
    order.push_back(t);
  for (size_t i = 0; i < blocks.size(); ++i) {
    const Replica &home = placement.of(blocks[i])[0];
    const uint32_t task = model.firstTask + uint32_t(i);
    const uint32_t first = processorOf(tbuOf(home), home.peaFirst);
    const std::vector<Site> &sites = graph.sites[graph.kind[task]];
    auto at = std::find_if(sites.begin(), sites.end(),
                           [&](const Site &s) { return s.first == first; });
    if (at == sites.end())
      return false; // a hand-made place that no other task could have
    site[task] = uint32_t(at - sites.begin());
    for (uint32_t p = first; p < first + home.peaCount; ++p)
      if (graph.room[p] != ~uint64_t(0))
        graph.room[p] += graph.load[task];
  }
  for (const Slot &slot : slots)
    order.push_back(model.firstTask + inSegment(slot.block));
  for (uint32_t t = model.firstTask + uint32_t(blocks.size());
       t < graph.numTasks(); ++t)
    order.push_back(t);
  model.start = timeInOrder(graph, order, site);
  return bool(checkTaskGraph(graph));
}

void Improver::move(uint32_t block, const Home &home, uint32_t lanes) {
  const std::vector<uint32_t> &tbus = tbusOf(lanes);
  const uint32_t perLane = uint32_t(tbus.size() / lanes);
  const uint64_t load = loadOf(block, lanes);
  for (uint32_t l = 0; l < lanes; ++l) {
    Replica &r = placement.replicas[placement.offsets[block] + l];
    auto add = [&](uint64_t what) {
      size_t first = size_t(tbuOf(r)) * desc.peasPerTbu + r.peaFirst;
      for (uint32_t p = 0; p < r.peaCount; ++p)
        loads[first + p] += what;
    };
    add(-load);
    const uint32_t tbu = tbus[size_t(l) * perLane + home.position];
    r.cluster = tbu / desc.tbusPerCluster;
    r.tbu = uint16_t(tbu % desc.tbusPerCluster);
    r.peaFirst = home.peaFirst;
    r.maxGang = elasticLimit(problem, topology, block, tbu, r.peaCount);
    add(load);
  }
}

Checked<Improvement> Improver::run(std::span<const uint64_t> rank,
                                   const Schedule &schedule) {
  unsigned __int128 total = 0;
  for (uint64_t load : loads) {
    mostLoad = std::max(mostLoad, load);
    total += load;
  }
  const uint32_t live = std::max(topology.livePeas(), 1u);
  mostLoad = std::max<uint64_t>(mostLoad,
                                uint64_t(total / live) / 65536 *
                                    (65536 + uint64_t(options.loadSlackQ16)));

  Improvement result;
  result.schedule = schedule;
  // Slots of a segment come in the order of falling rank: what the search found
  // is handed on as ranks.
  std::vector<uint64_t> order(rank.begin(), rank.end());
  const size_t numSlots = std::max<size_t>(schedule.slots.size(), 1);
  std::vector<uint64_t> before(schedule.numSegments());
  auto lengthOf = [](const Schedule &s, uint32_t segment) {
    uint64_t length = 0;
    for (const Slot &slot : s.of(segment))
      length = std::max(length, slot.start + slot.cycles);
    return length;
  };
  const std::vector<Replica> oldReplicas = placement.replicas;
  std::vector<bool> changed(schedule.numSegments(), false);
  for (uint32_t s = 0; s < schedule.numSegments(); ++s) {
    std::span<const Slot> slots = schedule.of(s);
    before[s] = lengthOf(schedule, s);
    const uint64_t steps =
        uint64_t((unsigned __int128)(options.steps) * slots.size() / numSlots);
    Model model;
    if (slots.size() < 2 || steps < leastRounds * slots.size() ||
        std::any_of(
            slots.begin(), slots.end(),
            [](const Slot &slot) { return slot.replica != 0; }) ||
        !buildModel(schedule, s, steps, model))
      continue;
    ++result.searched;
    SearchOptions search;
    search.steps = steps;
    search.seed = options.seed;
    TaskSchedule found = searchSchedule(model.graph, search, &model.start);
    if (found.makespan >= model.start.makespan)
      continue;
    changed[s] = true;
    std::vector<uint32_t> tasks(model.blocks.size());
    std::iota(tasks.begin(), tasks.end(), model.firstTask);
    std::sort(tasks.begin(), tasks.end(), [&](uint32_t a, uint32_t b) {
      return std::tie(found.start[a], a) < std::tie(found.start[b], b);
    });
    for (uint32_t i = 0; i < tasks.size(); ++i)
      order[model.blocks[tasks[i] - model.firstTask]] = ~uint64_t(i);
    for (uint32_t i = 0; i < model.blocks.size(); ++i) {
      const uint32_t task = model.firstTask + i;
      const Home &home = model.homes[model.graph.kind[task]][found.site[task]];
      if (home.position != none && found.site[task] != model.start.site[task])
        move(model.blocks[i], home, schedule.lanes[s]);
    }
  }
  if (std::find(changed.begin(), changed.end(), true) == changed.end())
    return result;

  // Other lanes may have longer ways than the first: what did not get shorter
  // goes back.
  Checked<Schedule> timed =
      scheduleStatic(problem, topology, placement, order, options.schedule);
  if (!timed)
    return tl::make_unexpected(timed.error());
  // Segments of a region share its PEAs: one must not get longer for another.
  std::map<uint32_t, std::pair<uint64_t, uint64_t>> ofRegion;
  for (uint32_t s = 0; s < schedule.numSegments(); ++s) {
    auto &[old, now] = ofRegion[schedule.region[s]];
    old = std::max(old, before[s]);
    now = std::max(now, lengthOf(*timed, s));
  }
  bool undone = false;
  for (uint32_t s = 0; s < schedule.numSegments(); ++s) {
    auto [old, now] = ofRegion[schedule.region[s]];
    if (!changed[s] || (lengthOf(*timed, s) <= before[s] && now <= old))
      continue;
    changed[s] = false;
    undone = true;
    for (const Slot &slot : schedule.of(s)) {
      order[slot.block] = rank[slot.block];
      std::copy(oldReplicas.begin() + placement.offsets[slot.block],
                oldReplicas.begin() + placement.offsets[slot.block + 1],
                placement.replicas.begin() + placement.offsets[slot.block]);
    }
  }
  if (undone) {
    timed =
        scheduleStatic(problem, topology, placement, order, options.schedule);
    if (!timed)
      return tl::make_unexpected(timed.error());
  }
  result.schedule = std::move(*timed);
  planShares(problem, topology, countQ16, placement);
  for (uint32_t s = 0; s < schedule.numSegments(); ++s) {
    if (!changed[s])
      continue;
    const uint64_t after = lengthOf(result.schedule, s);
    result.shorter += after < before[s];
    for (const Slot &slot : schedule.of(s)) {
      const Replica &from = oldReplicas[placement.offsets[slot.block]];
      const Replica &to = placement.of(slot.block)[0];
      if (tbuOf(from) == tbuOf(to) && from.peaFirst == to.peaFirst)
        continue;
      result.decisions.push_back({slot.block,
                                  DecisionKind::Slot,
                                  {{from.cluster, from.tbu, from.peaCount,
                                    int64_t(before[s]), Outcome::Worse},
                                   {to.cluster, to.tbu, to.peaCount,
                                    int64_t(after), Outcome::Chosen}}});
    }
  }
  std::sort(
      result.decisions.begin(), result.decisions.end(),
      [](const Decision &a, const Decision &b) { return a.block < b.block; });
  return result;
}

} // namespace

Checked<Improvement>
improveStatic(const Problem &problem, const Topology &topology,
              Placement &placement, std::span<const uint64_t> rank,
              const Schedule &schedule, const ImproveOptions &options) {
  return Improver(problem, topology, placement, options).run(rank, schedule);
}

} // namespace octo::sched
