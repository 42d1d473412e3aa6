//===- RequestPath.cpp - How long one request takes -----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Requests are drawn and executed region by region, depth first: when a block
// is reached, all that it waits for has its time.
//
//===----------------------------------------------------------------------===//

#include "octo/Scheduling/RequestPath.h"

#include "Saturating.h"

#include "octo/Program/Philox.h"
#include "octo/Program/StrictMath.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <queue>

namespace octo::sched {

namespace {

/// What has to come before something else.
struct Input {
  uint32_t from = none;
  uint16_t chunks = 1; // of a stream
  uint64_t way = 0;    // cycles from there; of a stream, of a chunk
};

/// Lists of inputs, one after the other.
struct Inputs {
  std::vector<uint32_t> offsets{0};
  std::vector<Input> list;

  void close() { offsets.push_back(uint32_t(list.size())); }
  std::span<const Input> of(uint32_t i) const {
    return std::span(list).subspan(offsets[i], offsets[i + 1] - offsets[i]);
  }
};

/// When PEAs are taken by what has been executed. Those that all replicas have
/// together, or not, are one.
class Calendar {
public:
  Calendar(const Problem &problem, const Placement &placement);

  /// The first time since `ready` at which the PEAs of the replica (into
  /// placement.replicas) are free for so long; takes them.
  uint64_t take(uint32_t replica, uint64_t ready, uint64_t cycles);
  void clear();
  /// The groups of PEAs of the replica, from the first to before the second.
  std::pair<uint32_t, uint32_t> groupsOf(uint32_t replica) const {
    return {first[replica], last[replica]};
  }
  size_t numGroups() const { return taken.size(); }

private:
  struct Span {
    uint64_t begin, end;
  };
  std::vector<uint32_t> first, last;    // groups of each replica
  std::vector<std::vector<Span>> taken; // by group, ascending
  std::vector<uint32_t> used;           // groups with spans
};

Calendar::Calendar(const Problem &problem, const Placement &placement) {
  auto key = [](const Replica &r, uint32_t pea) {
    return uint64_t(r.cluster) << 32 | uint64_t(r.tbu) << 16 | pea;
  };
  // A group goes from one end of a replica to the next.
  std::vector<uint64_t> ends;
  auto forTasks = [&](auto visit) {
    for (uint32_t b = 0; b < problem.numBlocks(); ++b)
      if (problem.isTask(b))
        for (uint32_t i = placement.offsets[b]; i < placement.offsets[b + 1];
             ++i)
          visit(i, placement.replicas[i]);
  };
  forTasks([&](uint32_t, const Replica &r) {
    ends.push_back(key(r, r.peaFirst));
    ends.push_back(key(r, r.peaFirst + r.peaCount));
  });
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  auto groupAt = [&](uint64_t end) {
    return uint32_t(std::lower_bound(ends.begin(), ends.end(), end) -
                    ends.begin());
  };
  first.resize(placement.replicas.size());
  last.resize(placement.replicas.size());
  forTasks([&](uint32_t i, const Replica &r) {
    first[i] = groupAt(key(r, r.peaFirst));
    last[i] = groupAt(key(r, r.peaFirst + r.peaCount));
  });
  taken.resize(ends.size());
}

uint64_t Calendar::take(uint32_t replica, uint64_t ready, uint64_t cycles) {
  uint64_t begin = ready;
  for (uint32_t group = first[replica], agreed = 0;
       agreed < last[replica] - first[replica]; ++agreed) {
    const std::vector<Span> &spans = taken[group];
    auto span = std::partition_point(
        spans.begin(), spans.end(),
        [&](const Span &other) { return other.end <= begin; });
    for (; span != spans.end() && span->begin < addSat(begin, cycles); ++span) {
      begin = span->end;
      agreed = 0;
    }
    if (++group == last[replica])
      group = first[replica];
  }
  const uint64_t end = addSat(begin, cycles);
  for (uint32_t group = first[replica]; group < last[replica]; ++group) {
    std::vector<Span> &spans = taken[group];
    if (spans.empty())
      used.push_back(group);
    spans.insert(std::partition_point(
                     spans.begin(), spans.end(),
                     [&](const Span &other) { return other.end <= begin; }),
                 {begin, end});
  }
  return begin;
}

void Calendar::clear() {
  for (uint32_t group : used)
    taken[group].clear();
  used.clear();
}

class PathSampler {
public:
  PathSampler(const Problem &problem, const RequestModel &model,
              const Topology &topology, const Placement &placement,
              uint64_t seed);

  /// The cycles of request `number`; nothing if that takes more than `steps`
  /// blocks, of which what is left is returned there.
  std::optional<uint64_t> run(uint64_t number, uint64_t &steps);
  bool varies() const;

private:
  enum class Kind : uint8_t { Task, Cases, Members, Loop, Copies };

  void sortKinds();
  void collectInputs();
  void orderBlocks();
  bool hasSlot(uint32_t block) const {
    return !model.slotStart.empty() &&
           model.slotStart[block] != RequestModel::noSlot;
  }
  uint64_t draw() { return philox64(seed, drawn++, request); }
  uint64_t drawOf(uint32_t block) {
    return uint64_t(std::max<int64_t>(
        0, model.distributions[model.ofBlock[block]].sample(draw())));
  }
  uint32_t clusterOf(uint32_t block) const {
    return placement.clusterOf(block, topology);
  }
  uint64_t tokenWay(uint32_t from, uint32_t to) const {
    return tokenCycles(topology, clusterOf(from), clusterOf(to));
  }
  /// When all of the list is there, `since` at the earliest.
  uint64_t arrival(std::span<const Input> list, uint64_t since) const {
    for (const Input &input : list)
      since = std::max(since, addSat(endOf[input.from], input.way));
    return since;
  }
  uint64_t runRegion(uint32_t region, uint64_t activation, uint64_t copy);
  void runTask(uint32_t block, uint64_t activation, uint64_t copy);
  uint64_t runControl(uint32_t block, uint64_t activation, uint64_t copy);
  uint64_t runLoop(uint32_t block, uint64_t start, uint64_t copy);

  const Problem &problem;
  const RequestModel &model;
  const Topology &topology;
  const Placement &placement;
  const uint64_t seed;

  std::vector<Kind> kind;                       // by block
  std::vector<uint32_t> firstBlock;             // by region, and one more
  std::vector<uint32_t> regionOffsets, regions; // of control blocks
  Inputs needed;                                // by block: before it begins
  Inputs passing;                               // by block: before it ends
  Inputs yielded; // by region: before its owner goes on
  Inputs leaving; // of the request
  /// By block: those whose slots come before its own on its PEAs.
  Inputs slotsBefore;
  std::vector<uint32_t> order; // of the blocks, region by region
  /// By block: its time on its gang, also over that on one PEA in 1/65536, and
  /// the replicas at which the copies of a fan-out take turns; others have one.
  std::vector<uint64_t> gangCycles, gangScaleQ16;
  std::vector<uint32_t> turns;
  std::vector<uint64_t> opening; // by block: the token that its region is open

  uint64_t request = 0, drawn = 0, stepsLeft = 0;
  bool exhausted = false;
  std::vector<uint64_t> startOf, endOf; // of the instance seen last
  Calendar calendar;
};

PathSampler::PathSampler(const Problem &problem, const RequestModel &model,
                         const Topology &topology, const Placement &placement,
                         uint64_t seed)
    : problem(problem), model(model), topology(topology), placement(placement),
      seed(seed), calendar(problem, placement) {
  sortKinds();
  collectInputs();
  orderBlocks();
  for (uint32_t b = 0; b < problem.numBlocks(); ++b) {
    const std::span<const Replica> replicas = placement.of(b);
    const uint32_t gang = replicas.empty() ? 1 : replicas[0].peaCount;
    gangCycles.push_back(problem.isTask(b) ? problem.cyclesOn(b, gang) : 0);
    gangScaleQ16.push_back(uint64_t(std::min<unsigned __int128>(
        ((unsigned __int128)(gangCycles[b]) << 16) /
            std::max<uint64_t>(problem.cycles[b], 1),
        uint64_t(1) << 32)));
    turns.push_back(
        !problem.regionCopied[problem.region[b]] || replicas.empty() ||
                hasSlot(b) || placement.routing[b] == Routing::ByRequest
            ? 1
            : std::max(1u, uint32_t(std::count_if(
                               replicas.begin(), replicas.end(),
                               [](const Replica &r) { return !r.standby; }))));
  }
  startOf.assign(problem.numBlocks(), 0);
  endOf.assign(problem.numBlocks(), 0);
}

void PathSampler::sortKinds() {
  const uint32_t numBlocks = problem.numBlocks();
  const uint32_t numRegions = problem.numRegions();
  firstBlock.assign(numRegions + 1, 0);
  for (uint32_t region : problem.region)
    ++firstBlock[region + 1];
  std::partial_sum(firstBlock.begin(), firstBlock.end(), firstBlock.begin());
  regionOffsets.assign(numBlocks + 1, 0);
  for (uint32_t r = 1; r < numRegions; ++r)
    ++regionOffsets[problem.regionOwner[r] + 1];
  std::partial_sum(regionOffsets.begin(), regionOffsets.end(),
                   regionOffsets.begin());
  regions.resize(regionOffsets[numBlocks]);
  std::vector<uint32_t> next(regionOffsets.begin(), regionOffsets.end() - 1);
  for (uint32_t r = 1; r < numRegions; ++r)
    regions[next[problem.regionOwner[r]]++] = r;
  for (uint32_t b = 0; b < numBlocks; ++b) {
    if (problem.isTask(b)) {
      kind.push_back(Kind::Task);
      continue;
    }
    const bool any = regionOffsets[b] < regionOffsets[b + 1];
    const uint32_t first = any ? regions[regionOffsets[b]] : 0;
    kind.push_back(any && problem.regionExclusive[first] ? Kind::Cases
                   : any && problem.regionSerial[first]  ? Kind::Loop
                   : model.ofBlock[b] != none            ? Kind::Copies
                                                         : Kind::Members);
  }
}

void PathSampler::collectInputs() {
  const uint32_t numBlocks = problem.numBlocks();
  const Adjacency in = groupEdges(problem.edges, numBlocks, false);
  const Adjacency flowsIn = groupEdges(problem.flows, numBlocks, false);
  auto cycles = [&](uint32_t from, uint32_t to, uint64_t bytes) {
    // What becomes a control block stays where it is: a token tells of it.
    if (!problem.isTask(to))
      return tokenWay(from, to);
    const uint64_t way =
        transferCycles(topology, clusterOf(from), clusterOf(to), bytes);
    return way == forever ? 0 : way;
  };
  std::vector<std::vector<Input>> ofRegion(problem.numRegions());
  for (uint32_t b = 0; b < numBlocks; ++b) {
    for (uint32_t e : in.of(b))
      if (const Edge &edge = problem.edges[e]; !edge.late)
        needed.list.push_back(
            {edge.from, edge.chunks, cycles(edge.from, b, edge.chunkBytes())});
    for (uint32_t f : flowsIn.of(b)) {
      const Edge &flow = problem.flows[f];
      const uint32_t theirs = problem.region[flow.from];
      const Input input{flow.from, 1, cycles(flow.from, b, flow.bytes)};
      // From around the block, from beside it, and from within.
      if (theirs < problem.region[b])
        needed.list.push_back(input);
      else if (problem.regionOwner[theirs] == b)
        ofRegion[theirs].push_back(input);
      else if (!problem.isTask(b))
        passing.list.push_back(input);
    }
    const uint32_t owner = problem.regionOwner[problem.region[b]];
    opening.push_back(owner == none ? 0 : tokenWay(owner, b));
    needed.close();
    passing.close();
  }
  for (const std::vector<Input> &list : ofRegion) {
    yielded.list.insert(yielded.list.end(), list.begin(), list.end());
    yielded.close();
  }
  // Arguments come to the cluster of the host port, and results leave there.
  for (const Edge &flow : problem.flows) {
    const uint32_t block = flow.from == none ? flow.to : flow.from;
    const uint64_t way = transferCycles(topology, topology.hostCluster(),
                                        clusterOf(block), flow.bytes);
    if (way == forever || (flow.from != none && flow.to != none))
      continue;
    if (flow.from == none)
      opening[block] = std::max(opening[block], way);
    else
      leaving.list.push_back({flow.from, 1, way});
  }
  leaving.close();
}

/// Blocks come after what they, or blocks in them, wait for, and slots of a
/// region in the order of its timetable.
void PathSampler::orderBlocks() {
  const uint32_t numBlocks = problem.numBlocks();
  order.resize(numBlocks);
  std::iota(order.begin(), order.end(), 0);
  std::vector<uint32_t> slots;
  for (uint32_t b = 0; b < numBlocks; ++b)
    if (hasSlot(b) && !placement.of(b).empty())
      slots.push_back(b);
  std::sort(slots.begin(), slots.end(), [&](uint32_t x, uint32_t y) {
    return std::make_tuple(problem.region[x], model.slotStart[x], x) <
           std::make_tuple(problem.region[y], model.slotStart[y], y);
  });
  std::vector<Edge> constraints;
  std::vector<uint32_t> lastOn(calendar.numGroups(), none);
  std::vector<std::vector<Input>> before(slots.empty() ? 0 : numBlocks);
  for (uint32_t b : slots) {
    const auto [first, last] = calendar.groupsOf(placement.offsets[b]);
    for (uint32_t group = first; group < last; ++group) {
      const uint32_t other = lastOn[group];
      lastOn[group] = b;
      if (other == none || problem.region[other] != problem.region[b] ||
          (!before[b].empty() && before[b].back().from == other))
        continue;
      before[b].push_back({other});
      constraints.push_back({other, b, 0});
    }
  }
  for (uint32_t b = 0; b < numBlocks; ++b) {
    if (!before.empty())
      slotsBefore.list.insert(slotsBefore.list.end(), before[b].begin(),
                              before[b].end());
    slotsBefore.close();
  }
  if (constraints.empty())
    return;
  for (uint32_t b = 0; b < numBlocks; ++b)
    for (const Inputs *inputs : {&needed, &passing})
      for (const Input &input : inputs->of(b)) {
        uint32_t waiting = b;
        while (waiting != none &&
               problem.region[waiting] != problem.region[input.from])
          waiting = problem.regionOwner[problem.region[waiting]];
        if (waiting != none && waiting != input.from)
          constraints.push_back({input.from, waiting, 0});
      }
  const Adjacency out = groupEdges(constraints, numBlocks, true);
  std::vector<uint32_t> missing(numBlocks, 0);
  for (const Edge &edge : constraints)
    ++missing[edge.to];
  std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<>> ready;
  for (uint32_t b = 0; b < numBlocks; ++b)
    if (!missing[b])
      ready.push(b);
  std::vector<uint32_t> next(firstBlock.begin(), firstBlock.end() - 1);
  uint32_t ordered = 0;
  std::vector<uint32_t> found = order;
  for (; !ready.empty(); ++ordered) {
    const uint32_t b = ready.top();
    ready.pop();
    found[next[problem.region[b]]++] = b;
    for (uint32_t e : out.of(b))
      if (!--missing[constraints[e].to])
        ready.push(constraints[e].to);
  }
  // A timetable that contradicts the flows is none.
  if (ordered == numBlocks)
    order = std::move(found);
  else
    slotsBefore = Inputs{std::vector<uint32_t>(numBlocks + 1, 0), {}};
}

bool PathSampler::varies() const {
  if (std::any_of(model.distributions.begin(), model.distributions.end(),
                  [](const Distribution &d) { return !d.isConstant(); }))
    return true;
  for (uint32_t r = 1; r < problem.numRegions(); ++r) {
    const Kind owner = kind[problem.regionOwner[r]];
    if ((owner == Kind::Cases || owner == Kind::Members) &&
        problem.regionRateQ16[r] && problem.regionRateQ16[r] < 65536)
      return true;
  }
  return false;
}

void PathSampler::runTask(uint32_t b, uint64_t activation, uint64_t copy) {
  uint64_t ready = addSat(activation, opening[b]);
  for (const Input &input : needed.of(b)) {
    uint64_t made = endOf[input.from];
    if (input.chunks > 1) { // the first chunk is enough
      const uint64_t length = made - startOf[input.from];
      made = startOf[input.from] + (length + input.chunks - 1) / input.chunks;
    }
    ready = std::max(ready, addSat(made, input.way));
  }
  ready = arrival(slotsBefore.of(b), ready);
  uint64_t cycles = gangCycles[b];
  if (model.ofBlock[b] != none)
    // Gangs are as much quicker than one PEA as in the mean.
    cycles = uint64_t(std::min<unsigned __int128>(
        ((unsigned __int128)(drawOf(b)) * gangScaleQ16[b] + 65535) >> 16,
        forever));
  const uint64_t dispatch = topology.desc().controlPlane.localDispatchCycles;
  if (!placement.of(b).empty())
    ready = calendar.take(placement.offsets[b] + uint32_t(copy % turns[b]),
                          ready, addSat(dispatch, cycles));
  const uint64_t start = addSat(ready, dispatch);
  uint64_t end = addSat(start, cycles);
  for (const Input &input : needed.of(b))
    if (input.chunks > 1) // the last chunk comes before the last part of it
      end = std::max(end, addSat(addSat(endOf[input.from], input.way),
                                 (cycles + input.chunks - 1) / input.chunks));
  startOf[b] = start;
  endOf[b] = end;
}

/// When the outputs of a loop are there.
uint64_t PathSampler::runLoop(uint32_t b, uint64_t start, uint64_t copy) {
  const uint32_t first = regionOffsets[b], last = regionOffsets[b + 1] - 1;
  const uint64_t trips = model.ofBlock[b] == none ? 0 : drawOf(b);
  uint64_t at = start;
  for (uint64_t trip = 0; !exhausted; ++trip) {
    if (first != last)
      at = runRegion(regions[first], at, copy);
    at = addSat(at, problem.cycles[b]);
    if (trip == trips)
      break;
    at = runRegion(regions[last], at, copy);
  }
  return at;
}

/// When the outputs of a control block are there.
uint64_t PathSampler::runControl(uint32_t b, uint64_t activation,
                                 uint64_t copy) {
  const uint64_t start = arrival(needed.of(b), addSat(activation, opening[b]));
  startOf[b] = endOf[b] = start;
  if (kind[b] == Kind::Loop)
    return runLoop(b, start, copy);
  const uint64_t decided = addSat(start, problem.cycles[b]);
  // Blocks within that take something from it have it from then on.
  endOf[b] = decided;
  uint64_t end = decided;
  const std::span<const uint32_t> inner = std::span(regions).subspan(
      regionOffsets[b], regionOffsets[b + 1] - regionOffsets[b]);
  switch (kind[b]) {
  case Kind::Cases: {
    uint64_t below = draw() >> 48;
    size_t taken = 0;
    while (taken + 1 < inner.size() &&
           below >= problem.regionRateQ16[inner[taken]])
      below -= problem.regionRateQ16[inner[taken++]];
    end = runRegion(inner[taken], decided, copy);
    break;
  }
  case Kind::Members:
    for (uint32_t r : inner)
      if (draw() >> 48 < problem.regionRateQ16[r])
        end = std::max(end, runRegion(r, decided, copy));
    break;
  case Kind::Copies: {
    const uint64_t count = drawOf(b);
    for (uint64_t i = 0; i < count && !exhausted; ++i)
      for (uint32_t r : inner)
        end = std::max(end, runRegion(r, decided, i));
    break;
  }
  case Kind::Loop:
  case Kind::Task:
    break;
  }
  return end;
}

/// When all that the region's owner waits for is there.
uint64_t PathSampler::runRegion(uint32_t region, uint64_t activation,
                                uint64_t copy) {
  const uint64_t blocks = firstBlock[region + 1] - firstBlock[region];
  if (stepsLeft <= blocks) {
    exhausted = true;
    return activation;
  }
  stepsLeft -= blocks + 1;
  for (uint32_t i = firstBlock[region]; i < firstBlock[region + 1]; ++i)
    if (const uint32_t b = order[i]; kind[b] == Kind::Task)
      runTask(b, activation, copy);
    else
      endOf[b] = arrival(passing.of(b), runControl(b, activation, copy));
  return arrival(yielded.of(region), activation);
}

std::optional<uint64_t> PathSampler::run(uint64_t number, uint64_t &steps) {
  const HostDesc &host = topology.desc().host;
  auto through = [&](uint64_t bytes, uint64_t width) {
    return bytes / width + (bytes % width != 0) + host.latencyCycles;
  };
  request = number;
  drawn = 0;
  stepsLeft = steps;
  calendar.clear();
  const uint64_t begin =
      through(model.argumentBytes, host.ingressBytesPerCycle);
  runRegion(0, begin, 0);
  steps = stepsLeft;
  if (exhausted)
    return std::nullopt;
  return addSat(arrival(leaving.of(0), begin),
                through(model.resultBytes, host.egressBytesPerCycle));
}

} // namespace

uint64_t sampleTail(std::vector<uint64_t> drawn, double percent) {
  std::sort(drawn.begin(), drawn.end());
  const double beyond = double(drawn.size()) * (1 - percent / 100);
  const size_t fewestBeyond = std::min<size_t>(10, drawn.size() / 4);
  if (beyond >= double(fewestBeyond) || drawn.front() == drawn.back())
    return drawn[drawn.size() - 1 - size_t(beyond)];
  // The mean excess over the threshold is that of the tail, which begins
  // ln(P(threshold is exceeded) / P(tail is exceeded)) of it further.
  const size_t beyondThreshold = std::max(drawn.size() / 64, fewestBeyond);
  const uint64_t threshold = drawn[drawn.size() - 1 - beyondThreshold];
  double excess = 0;
  for (size_t i = drawn.size() - beyondThreshold; i < drawn.size(); ++i)
    excess += double(drawn[i] - threshold) / double(beyondThreshold);
  const double further =
      strict::log(std::max(1.0, double(beyondThreshold) / beyond));
  return threshold + uint64_t(std::min(excess * further + 0.5, 0x1p61));
}

std::optional<RequestPath> requestPath(const Problem &problem,
                                       const RequestModel &model,
                                       const Topology &topology,
                                       const Placement &placement,
                                       const PathOptions &options) {
  constexpr uint32_t fewestSamples = 16;
  double instances = 0;
  for (uint64_t countQ16 : expectedCounts(problem))
    instances += double(countQ16) / 65536;
  const double steps = std::max(double(options.mostSteps),
                                double(problem.numBlocks()) * fewestSamples);
  const double affordable = steps / std::max(instances, 1.0);
  PathSampler sampler(problem, model, topology, placement, options.seed);
  uint32_t samples = 1;
  if (sampler.varies()) {
    if (affordable < fewestSamples)
      return std::nullopt;
    samples = uint32_t(std::min(affordable, double(options.mostSamples)));
  }
  // Some requests are much larger than expected.
  uint64_t left = uint64_t(std::min(4 * steps, 0x1p62));
  std::vector<uint64_t> drawn;
  RequestPath path;
  for (uint32_t i = 0; i < samples; ++i) {
    std::optional<uint64_t> cycles = sampler.run(i, left);
    if (!cycles)
      return std::nullopt;
    drawn.push_back(*cycles);
    path.cycles.mean += double(*cycles) / samples;
  }
  for (uint64_t cycles : drawn) {
    const double off = double(cycles) - path.cycles.mean;
    path.cycles.variance += off * off / samples;
  }
  path.tail = sampleTail(std::move(drawn), options.percent);
  path.samples = samples;
  return path;
}

} // namespace octo::sched
