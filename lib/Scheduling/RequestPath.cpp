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
#include <numeric>

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
  /// By block: its time on its gang, also over that on one PEA in 1/65536, and
  /// the replicas at which the copies of a fan-out take turns.
  std::vector<uint64_t> gangCycles, gangScaleQ16;
  std::vector<uint32_t> turns;
  std::vector<uint64_t> opening; // by block: the token that its region is open

  uint64_t request = 0, drawn = 0, stepsLeft = 0;
  bool exhausted = false;
  std::vector<uint64_t> startOf, endOf; // of the instance seen last
  std::vector<uint64_t> freeAt; // by replica; empty where there are no copies
};

PathSampler::PathSampler(const Problem &problem, const RequestModel &model,
                         const Topology &topology, const Placement &placement,
                         uint64_t seed)
    : problem(problem), model(model), topology(topology), placement(placement),
      seed(seed) {
  sortKinds();
  collectInputs();
  for (uint32_t b = 0; b < problem.numBlocks(); ++b) {
    const std::span<const Replica> replicas = placement.of(b);
    const uint32_t gang = replicas.empty() ? 1 : replicas[0].peaCount;
    gangCycles.push_back(problem.isTask(b) ? problem.cyclesOn(b, gang) : 0);
    gangScaleQ16.push_back(uint64_t(std::min<unsigned __int128>(
        ((unsigned __int128)(gangCycles[b]) << 16) /
            std::max<uint64_t>(problem.cycles[b], 1),
        uint64_t(1) << 32)));
    turns.push_back(
        !problem.regionCopied[problem.region[b]] || replicas.empty() ? 0
        : placement.routing[b] == Routing::ByRequest
            ? 1
            : std::max(1u, uint32_t(std::count_if(
                               replicas.begin(), replicas.end(),
                               [](const Replica &r) { return !r.standby; }))));
  }
  startOf.assign(problem.numBlocks(), 0);
  endOf.assign(problem.numBlocks(), 0);
  if (std::find(kind.begin(), kind.end(), Kind::Copies) != kind.end())
    freeAt.resize(placement.replicas.size());
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
  uint64_t *free = nullptr;
  if (turns[b]) {
    free = &freeAt[placement.offsets[b] + copy % turns[b]];
    ready = std::max(ready, *free);
  }
  uint64_t cycles = gangCycles[b];
  if (model.ofBlock[b] != none)
    // Gangs are as much quicker than one PEA as in the mean.
    cycles = uint64_t(std::min<unsigned __int128>(
        ((unsigned __int128)(drawOf(b)) * gangScaleQ16[b] + 65535) >> 16,
        forever));
  const uint64_t start =
      addSat(ready, topology.desc().controlPlane.localDispatchCycles);
  uint64_t end = addSat(start, cycles);
  for (const Input &input : needed.of(b))
    if (input.chunks > 1) // the last chunk comes before the last part of it
      end = std::max(end, addSat(addSat(endOf[input.from], input.way),
                                 (cycles + input.chunks - 1) / input.chunks));
  startOf[b] = start;
  endOf[b] = end;
  if (free)
    *free = end;
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
  for (uint32_t b = firstBlock[region]; b < firstBlock[region + 1]; ++b)
    if (kind[b] == Kind::Task)
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
  std::fill(freeAt.begin(), freeAt.end(), 0);
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
