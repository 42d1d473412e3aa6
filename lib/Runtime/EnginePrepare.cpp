//===- EnginePrepare.cpp - What is set up before a run --------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Options and scenario are checked against the program, and everything that a
// run changes gets its first state.
//
//===----------------------------------------------------------------------===//

#include "Engine.h"
#include "HostMemory.h"

#include <algorithm>
#include <bit>
#include <numeric>

using namespace octo;

Expected<void> Engine::prepare() {
  auto made =
      createPolicy(options.policy, options.disable, options.policyOptions);
  if (!made)
    return octo::Error(made.error());
  policy = std::move(*made);
  traits = policy->traits();
  if (auto done = prepareTenants(); !done)
    return done;
  if (traits.warmLanes)
    for (const WorkflowInfo &workflow : t.workflows)
      laneRouters.push_back(makeLaneRouter(workflow));
  prepareEntries();
  // What dies takes chunks with it that nobody keeps: with faults all flows are
  // whole, since inputs are kept until their consumers commit.
  streaming =
      traits.segments && !traits.central && !t.streams.empty() && !ownTables;

  std::vector<uint8_t> used(t.workflows.size(), 0);
  for (const Tenant &tenant : options.scenario.tenants)
    used[tenant.workflow] = 1;
  const bool code = hasCode(used);
  functional = !options.timingOnly && (code || passesValues(used));
  if (Expected<void> possible = checkCheckpoint(); !possible)
    return possible;
  if (functional && code && !executor)
    return makeError("the program has code but no executor was given: run "
                     "timing-only, or load the kernels");
  for (uint32_t b = 0; b < t.blocks.size(); ++b)
    if (used[t.blocks[b].workflow])
      if (auto checked = checkBlock(b); !checked)
        return checked;
  for (const Tenant &tenant : options.scenario.tenants)
    if (auto checked = checkInputs(tenant); !checked)
      return checked;

  if (Expected<void> fits = checkRequestMemory(totalRequests, requestBytes());
      !fits)
    return fits;
  prepareKernels();
  if (ownTables)
    if (auto done = prepareFaults(used); !done)
      return done;
  if (auto done = prepareMachine(used); !done)
    return done;
  prepareSegments();
  prepareNumbers();
  if (Expected<void> done = prepareRequests(); !done)
    return done;
  prepareTimePrice();
  if (functional)
    if (auto done = loadWeights(used); !done)
      return done;
  freeWords.resize(t.regions.size());
  scheduler = std::make_unique<Scheduler>(*this);
  if (trace)
    prepareTrace();
  return {};
}

/// A price of the time of requests: the one at which programs whose tasks all
/// follow each other have the largest bound, by the compiler's tables. None
/// where that is no larger than that of the work alone, and with faults, as
/// PEAs become fewer.
void Engine::prepareTimePrice() {
  using Wide = unsigned __int128;
  const uint64_t flight = inClosedLoops();
  const uint64_t live =
      m.livePerClass[0] + m.livePerClass[1] + m.livePerClass[2];
  if (faults || !flight || !live)
    return;
  std::vector<Wide> workOfKernel(t.kernels.size());
  for (uint32_t b = 0; b < t.blocks.size(); ++b)
    if (const BlockInfo &block = t.blocks[b]; block.kind == BlockKind::Task)
      workOfKernel[block.kernel] +=
          Wide(std::min(block.expectedCycles, uint64_t(1) << 40)) *
              std::min(t.expectedCountQ16(b), uint64_t(1) << 32) >>
          16;
  auto perCycle = [&](uint64_t priceQ16) {
    Wide sum = 0;
    for (size_t k = 0; k < workOfKernel.size(); ++k) {
      if (!workOfKernel[k])
        continue;
      const KernelInfo &kernel = t.kernels[k];
      Wide least = ~Wide(0);
      for (uint32_t v = kernel.variantBegin; v < kernel.variantEnd; ++v)
        least = std::min(least,
                         Wide(priceQ16 + (uint64_t(t.variants[v].gang) << 16)) *
                             variantScaleQ16[v]);
      sum += (least >> 16) * workOfKernel[k];
    }
    return (sum << 16) / (Wide(flight) * priceQ16 + (Wide(live) << 16));
  };
  Wide most = perCycle(0);
  // As parts of live PEAs a request, of which there may be many.
  for (uint64_t part : {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128}) {
    uint64_t price = uint64_t((Wide(live) << 16) * part / 64 / flight);
    if (Wide reached = perCycle(price); reached > most) {
      most = reached;
      timePriceQ16 = price;
    }
  }
}

//===----------------------------------------------------------------------===//
// Tenants
//===----------------------------------------------------------------------===//

/// The distance of two arrivals; constant 0 where none is drawn.
static Expected<Distribution> gapOf(const Tenant &tenant) {
  const Arrivals &arrivals = tenant.arrivals;
  switch (arrivals.kind) {
  case Arrivals::Kind::Trace:
    if (!std::ranges::is_sorted(arrivals.trace))
      return makeError("the arrival trace of tenant '{}' is not ascending",
                       tenant.name);
    break;
  case Arrivals::Kind::ClosedLoop:
    if (!arrivals.inFlight)
      return makeError("tenant '{}' has a closed loop with no request in "
                       "flight: give at least 1",
                       tenant.name);
    break;
  case Arrivals::Kind::Poisson:
    if (!arrivals.meanGapCycles)
      return makeError("tenant '{}' has Poisson arrivals with a mean gap of "
                       "0 cycles: give at least 1",
                       tenant.name);
    return Distribution::exponential(
        static_cast<double>(arrivals.meanGapCycles));
  }
  return Distribution::constant(0);
}

/// Names the tenants and gives each its requests.
Expected<void> Engine::prepareTenants() {
  std::vector<Tenant> &given = options.scenario.tenants;
  if (given.empty())
    given.emplace_back();
  uint64_t weightLeft = 0, fixed = 0;
  for (const Tenant &tenant : given) {
    if (tenant.requests)
      fixed += tenant.requests;
    else
      weightLeft += tenant.weight;
  }
  uint64_t requests = options.scenario.requests;
  uint64_t sharedLeft = requests > fixed ? requests - fixed : 0;
  for (size_t i = 0; i < given.size(); ++i) {
    Tenant &tenant = given[i];
    if (tenant.name.empty())
      tenant.name = given.size() == 1 ? "main" : fmt::format("tenant{}", i);
    if (tenant.workflow >= t.workflows.size())
      return makeError("tenant '{}' runs workflow {}, but the program has {}: "
                       "give a number below that, or a name",
                       tenant.name, tenant.workflow, t.workflows.size());
    Expected<Distribution> gap = gapOf(tenant);
    if (!gap)
      return octo::Error(gap.error());
    gaps.push_back(std::move(*gap));
    TenantState state;
    state.arrivals = tenant.arrivals;
    state.base = totalRequests;
    state.requests = tenant.requests;
    if (!state.requests && weightLeft) {
      // Largest remainders: what is left is shared by the weights that are
      // left.
      state.requests =
          static_cast<uint64_t>(static_cast<unsigned __int128>(sharedLeft) *
                                tenant.weight / weightLeft);
      sharedLeft -= state.requests;
      weightLeft -= tenant.weight;
    }
    if (state.arrivals.kind == Arrivals::Kind::Trace) {
      uint64_t length = state.arrivals.trace.size();
      state.requests =
          state.requests ? std::min(state.requests, length) : length;
    }
    totalRequests += state.requests;
    tenants.push_back(std::move(state));
  }
  if (totalRequests > mostRequests)
    return makeError("the scenario has {} requests; a run takes up to 2^32 - 1",
                     totalRequests);
  return {};
}

/// Inputs of a tenant against the arguments of its workflow.
Expected<void> Engine::checkInputs(const Tenant &tenant) const {
  const WorkflowInfo &wf = t.workflows[tenant.workflow];
  if (!tenant.inputs.empty() && tenant.inputs.size() != wf.numArguments)
    return makeError("tenant '{}' gives {} inputs, but workflow '{}' takes "
                     "{} arguments",
                     tenant.name, tenant.inputs.size(), wf.name,
                     wf.numArguments);
  if (!functional)
    return {};
  uint32_t first = t.regions[wf.regionBegin].valueBegin;
  for (size_t a = 0; a < wf.numArguments; ++a) {
    const TypeInfo &type = t.types[t.values[first + a].type];
    const ArgumentInput *input =
        tenant.inputs.empty() ? nullptr : &tenant.inputs[a];
    if (!input || input->items.empty()) {
      size_t dynamic = static_cast<size_t>(std::ranges::count_if(
          type.dims, [](int64_t dim) { return dim < 0; }));
      size_t sizes = input ? input->dynamicDims.size() : 0;
      if (elementBytes(type.element) && sizes < dynamic)
        return makeError("argument {} of workflow '{}' has {} dynamic "
                         "dimensions, but sizes for {}: give them in the "
                         "scenario, or give the input as an array",
                         a, wf.name, dynamic, sizes);
      if (input)
        for (int64_t size : input->dynamicDims)
          if (size < 0)
            return makeError("argument {} of workflow '{}' has a dynamic "
                             "dimension of size {}",
                             a, wf.name, size);
      continue;
    }
    for (const Tensor &item : input->items) {
      bool fits =
          item.kind() == type.element && item.rank() == type.dims.size();
      for (unsigned d = 0; fits && d < item.rank(); ++d)
        fits = type.dims[d] < 0 || type.dims[d] == item.dim(d);
      if (!fits)
        return makeError(
            "an input of argument {} of workflow '{}' is {}[{}], expected "
            "{}[{}] (-1: any size)",
            a, wf.name, stringifyElementKind(item.kind()),
            fmt::join(item.dims().begin(), item.dims().end(), ", "),
            stringifyElementKind(type.element),
            fmt::join(type.dims.begin(), type.dims.end(), ", "));
    }
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

static bool isCode(const ProgramTables &t, const BlockInfo &block) {
  return block.kernel != noIndex &&
         t.kernels[block.kernel].kind == KernelKind::Image;
}

/// Do any of the workflows have code that the host executes?
bool Engine::hasCode(const std::vector<uint8_t> &usedWorkflow) const {
  return std::ranges::any_of(t.blocks, [&](const BlockInfo &block) {
    return usedWorkflow[block.workflow] && isCode(t, block);
  });
}

/// Does one of the workflows only pass on values, as where its code has folded
/// away? A fan-out does when its count is a value.
bool Engine::passesValues(const std::vector<uint8_t> &usedWorkflow) const {
  for (uint32_t w = 0; w < t.workflows.size(); ++w) {
    const WorkflowInfo &wf = t.workflows[w];
    bool passes = usedWorkflow[w];
    const uint32_t first = t.regions[wf.regionBegin].valueBegin;
    for (uint32_t a = 0; passes && a < wf.numArguments; ++a) {
      ElementKind kind = t.elementOf(first + a);
      passes = kind != ElementKind::Data && kind != ElementKind::Token;
    }
    for (uint32_t b = wf.blockBegin; passes && b < wf.blockEnd; ++b)
      passes = t.blocks[b].kind == BlockKind::Fanout &&
               t.controlOf(t.blocks[b]).decideInputs;
    if (passes)
      return true;
  }
  return false;
}

/// Does every epoch of the block's profile satisfy the condition?
template <class Condition>
static bool profileHas(const ProgramTables &t, const BlockInfo &block,
                       Condition condition) {
  return block.profile != noIndex &&
         std::all_of(t.epochs.begin() + t.profileBegin[block.profile],
                     t.epochs.begin() + t.profileBegin[block.profile + 1],
                     condition);
}

static bool hasDistribution(const ProgramTables &t, const BlockInfo &block) {
  return profileHas(t, block, [](const ProfileEpoch &epoch) {
    return epoch.distribution != noIndex;
  });
}

static bool hasFrequencies(const ProgramTables &t, const BlockInfo &block) {
  return profileHas(t, block, [&](const ProfileEpoch &epoch) {
    return epoch.frequencyEnd - epoch.frequencyBegin >=
           t.controlOf(block).numRegions;
  });
}

/// Has the control block a profile that decides? What has code needs none.
bool Engine::hasOutcomes(const BlockInfo &block) const {
  switch (block.kind) {
  case BlockKind::Loop:
    return hasDistribution(t, block);
  case BlockKind::Fanout:
    return (functional && t.controlOf(block).decideInputs) ||
           hasDistribution(t, block);
  default:
    return hasFrequencies(t, block);
  }
}

static const char *outcomeOf(BlockKind kind) {
  return kind == BlockKind::Loop     ? "the number of iterations"
         : kind == BlockKind::Fanout ? "the number of copies"
                                     : "which regions run";
}

/// Is it known what the block does: by code, or else by its profile?
Expected<void> Engine::checkBlock(uint32_t b) const {
  const BlockInfo &block = t.blocks[b];
  bool code = isCode(t, block);
  if (functional && code && !executor->hasKernel(block.kernel))
    return makeError("block {} needs the code of kernel '{}', which the "
                     "program does not hold: compile it without "
                     "--no-kernels, or run timing-only",
                     t.place(b), t.string(t.kernels[block.kernel].name));
  if (block.kind == BlockKind::Task)
    return checkTask(b);
  if (functional && code)
    return {};
  // Whole recorded requests tell of every block that mattered to them, and come
  // to no other one.
  if (hasOutcomes(block) ||
      (!functional && t.workflows[block.workflow].records.size()))
    return {};
  const char *remedy = block.kind == BlockKind::Loop     ? "trips"
                       : block.kind == BlockKind::Fanout ? "count"
                                                         : "frequencies";
  return makeError(
      "block {}: nothing decides {}{}: add '{}' to its profile "
      "(octo-run run --record-profile measures one, octo-compile --profile "
      "uses it){}",
      t.place(b), outcomeOf(block.kind),
      functional ? "" : " in a timing-only run", remedy,
      functional ? "" : ", or run its code (without --timing-only)");
}

Expected<void> Engine::checkTask(uint32_t b) const {
  const BlockInfo &block = t.blocks[b];
  const KernelInfo &kernel = t.kernels[block.kernel];
  bool code = isCode(t, block);
  if (kernel.kind == KernelKind::Join)
    return makeError("task {} has a kernel that only joins use", t.place(b));
  if (!code && !hasDistribution(t, block))
    return makeError("task {} has neither code nor a profile with cycles",
                     t.place(b));
  if (functional && !code)
    for (uint32_t o = 0; o < block.numOutputs; ++o) {
      ElementKind kind = t.elementOf(block.outputBegin + o);
      if (kind != ElementKind::Data && kind != ElementKind::Token)
        return makeError("task {} is profiled and makes a value of type "
                         "{} that has no content: run timing-only, or give "
                         "the task a body",
                         t.place(b), stringifyElementKind(kind));
    }
  return {};
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

/// The expected value of each symbol that the work of the block's kernel
/// depends on. Counters count one; a kernel that has some takes its expected
/// cycles.
void Engine::expectedSymbols(const BlockInfo &block,
                             std::vector<uint64_t> &symbols) const {
  const KernelInfo &kernel = t.kernels[block.kernel];
  symbols.clear();
  for (uint32_t i = kernel.distinctBegin; i < kernel.distinctEnd; ++i) {
    uint32_t symbol = t.distinctSymbols[i];
    uint32_t input = symbol >> 8, dim = symbol & 255;
    uint32_t value = noIndex;
    symbols.push_back(1);
    if (symbol & counterFlag)
      continue;
    if (block.kind == BlockKind::Loop) {
      // Decide inputs of a loop are yields of its first region.
      const RegionInfo &before = t.regions[t.controlOf(block).regionBegin];
      if (input < before.numYields)
        value = t.yields[before.yieldBegin + input];
    } else if (input < block.numInputs) {
      value = t.inputs[block.inputBegin + input];
    }
    if (value == noIndex)
      continue;
    std::vector<int64_t> expected;
    const std::vector<int64_t> *dims = &expected;
    if (value & weightFlag) {
      dims = &t.types[t.weights[value & ~weightFlag].type].dims;
    } else {
      const TypeInfo &type = t.types[t.values[value].type];
      expected = expectedDims(type.dims, elementBytes(type.element),
                              t.values[value].bytes);
    }
    if (dim < dims->size())
      symbols.back() = static_cast<uint64_t>((*dims)[dim]);
  }
}

/// What kernels do at the sizes that are expected, how that scales with the
/// gang, and when a PEA that waits could have loaded another kernel.
void Engine::prepareKernels() {
  variantScaleQ16.assign(t.variants.size(), 0);
  kernelUsed.assign(t.kernels.size(), 0);
  kernelTotals.resize(t.kernels.size());
  weightUsed.assign(t.weights.size(), 0);
  learnedQ16.assign(t.blocks.size(), 0);
  learnedCount.assign(t.blocks.size(), 0);
  std::vector<uint8_t> scaled(t.kernels.size(), 0);
  std::vector<uint64_t> tasksOf(t.kernels.size(), 0), symbols;
  for (uint32_t b = 0; b < t.blocks.size(); ++b) {
    const BlockInfo &block = t.blocks[b];
    if (block.kernel == noIndex)
      continue;
    const KernelInfo &kernel = t.kernels[block.kernel];
    if (kernel.kind != KernelKind::Profiled) {
      expectedSymbols(block, symbols);
      nominalCalls.resize(t.blocks.size(), 0);
      nominalCalls[b] = costs.call(block.kernel, symbols, /*keep=*/true);
    }
    tasksOf[block.kernel] += block.kind == BlockKind::Task;
    if (!scaled[block.kernel])
      scaleVariants(kernel, nominalCall(b));
    scaled[block.kernel] = 1;
  }
  // The median over the tasks.
  std::vector<std::pair<uint64_t, uint64_t>> loads; // cycles, tasks
  for (uint32_t k = 0; k < t.kernels.size(); ++k)
    if (tasksOf[k])
      loads.emplace_back(codeLoadCycles(m.hostCluster, k), tasksOf[k]);
  std::sort(loads.begin(), loads.end());
  uint64_t left =
      std::accumulate(tasksOf.begin(), tasksOf.end(), uint64_t(0)) / 2;
  for (auto [cycles, tasks] : loads) {
    breakEvenCycles = cycles;
    if (left < tasks)
      break;
    left -= tasks;
  }
  breakEvenCycles =
      std::max<uint64_t>({breakEvenCycles, m.configSwitchCycles, 1});
}

/// Cycles of the variants of a kernel against those of its first one.
void Engine::scaleVariants(const KernelInfo &kernel, uint32_t call) {
  uint64_t one = 0;
  for (uint32_t v = kernel.variantBegin; v < kernel.variantEnd; ++v) {
    if (kernel.kind == KernelKind::Profiled) {
      variantScaleQ16[v] = t.variants[v].scaleQ16;
      continue;
    }
    uint64_t cycles = costs.variant(call, v).cycles;
    if (v == kernel.variantBegin)
      one = cycles;
    variantScaleQ16[v] =
        one ? static_cast<uint64_t>(
                  (static_cast<unsigned __int128>(cycles) << 16) / one)
            : 65536;
  }
}

Expected<void> Engine::loadWeights(const std::vector<uint8_t> &usedWorkflow) {
  weightTensors.resize(t.weights.size());
  auto load = [&](uint32_t weight) -> Expected<void> {
    if (weightTensors[weight].valid())
      return {};
    auto loaded = loadWeight(*t.source, weight, options.weightsFolder);
    if (!loaded)
      return octo::Error(loaded.error());
    weightTensors[weight] = std::move(*loaded);
    return {};
  };
  for (const BlockInfo &block : t.blocks)
    for (uint32_t w = block.weightBegin;
         usedWorkflow[block.workflow] && w < block.weightEnd; ++w)
      if (auto done = load(t.blockWeights[w]); !done)
        return done;
  // A region may yield what no block takes.
  for (const RegionInfo &region : t.regions)
    for (uint32_t y = 0; usedWorkflow[region.workflow] &&
                         region.yieldsWeights && y < region.numYields;
         ++y)
      if (uint32_t yield = t.yields[region.yieldBegin + y]; yield & weightFlag)
        if (auto done = load(yield & ~weightFlag); !done)
          return done;
  return {};
}

//===----------------------------------------------------------------------===//
// The machine
//===----------------------------------------------------------------------===//

/// The PEAs that the workflows may use under this policy, by TBU.
std::vector<PeaMask>
Engine::peasInReach(const std::vector<uint8_t> &usedWorkflow) const {
  std::vector<PeaMask> reach(m.tbus, 0);
  if (traits.reach == Reach::Machine) {
    for (uint32_t i = 0; i < m.tbus; ++i)
      if (m.reachable[clusterOf(i)])
        reach[i] = m.live[i];
    return reach;
  }
  for (const BlockInfo &block : t.blocks) {
    if (!usedWorkflow[block.workflow] || block.kind != BlockKind::Task)
      continue;
    for (uint32_t r = 0; r < block.numActive; ++r) {
      const ReplicaInfo &replica = t.replicas[block.replicaBegin + r];
      if (traits.reach == Reach::Shares) {
        reach[replica.tbu] |= replica.peas;
        continue;
      }
      uint32_t first = t.clusterOf(replica) * m.tbusPerCluster;
      for (uint32_t i = first; i < first + m.tbusPerCluster; ++i)
        reach[i] = m.live[i];
    }
  }
  return reach;
}

/// The machine at cycle 0: nothing is loaded and nothing runs.
Expected<void>
Engine::prepareMachine(const std::vector<uint8_t> &usedWorkflow) {
  tbus.resize(m.tbus);
  clusters.resize(m.clusters);
  traffic.resize(m.clusters);
  energyCounts.resize(m.clusters);
  idleSince.assign(size_t(m.tbus) * m.peasPerTbu, never);
  lastKernel.assign(size_t(m.tbus) * m.peasPerTbu, noIndex);
  if (auto made = prepareNetwork(); !made)
    return made;
  prepareHostCut();
  hbmFree.assign(m.hbm.size(), 0);
  std::vector<PeaMask> reach = peasInReach(usedWorkflow);
  for (uint32_t i = 0; i < m.tbus; ++i)
    tbus[i].usable = reach[i];
  prepareQueues();
  for (uint32_t i = 0; i < m.tbus; ++i) {
    PeaMask usable = tbus[i].usable;
    usablePeas += static_cast<uint64_t>(std::popcount(usable));
    for (PeaMask rest = usable; rest; rest &= rest - 1)
      idleSince[size_t(i) * m.peasPerTbu +
                static_cast<size_t>(std::countr_zero(rest))] = 0;
    setFree(i, usable);
  }
  // Everybody knows that nothing runs at first.
  for (ClusterState &cluster : clusters)
    cluster.shownFree = cluster.lastFree = cluster.freePeas;
  for (uint32_t b = 0; b < t.blocks.size(); ++b) {
    const BlockInfo &block = t.blocks[b];
    if (!usedWorkflow[block.workflow] || block.kind != BlockKind::Task ||
        traits.reach == Reach::Shares)
      continue;
    uint32_t gang = t.variants[t.kernels[block.kernel].variantBegin].gang;
    if (gang > m.peasPerTbu)
      return makeError("task {} needs a gang of {} PEAs, a TBU has {}",
                       t.place(b), gang, m.peasPerTbu);
  }
  return {};
}

/// Queues: one per share, or one per TBU (or PEA, or cluster) and class, or
/// central ones.
void Engine::prepareQueues() {
  bool shares = traits.reach == Reach::Shares && !traits.central;
  laneFirst.assign(m.tbus + 1, 0);
  for (uint32_t i = 0; i < m.tbus; ++i)
    laneFirst[i + 1] = shares                 ? t.laneBegin[i + 1]
                       : traits.queuePerPea   ? (i + 1) * m.peasPerTbu
                       : traits.clusterQueues ? (clusterOf(i) + 1) * 3
                                              : (i + 1) * 3;
  if (!traits.central)
    lanes.resize(laneFirst.back());
  findLanePeas();
  central.resize(3);
  freeSets.resize(traits.central ? 3 * (m.peasPerTbu + 1) : 0);
  for (TbuSet &set : freeSets) {
    set.words.assign((m.tbus + 63) / 64, 0);
    set.summary.assign((set.words.size() + 63) / 64, 0);
  }
}

/// Which PEAs the queues, which are empty, serve.
void Engine::findLanePeas() {
  bool shares = traits.reach == Reach::Shares;
  lanePeas.assign(lanes.size(), shares ? 0 : ~PeaMask(0));
  laneWaits.assign(lanes.size(), 0);
  if (!shares)
    return;
  for (const ReplicaInfo &replica : t.replicas)
    if (replica.lane < lanes.size())
      lanePeas[replica.lane] = replica.peas;
}

/// No lane of a segment has been laid out or has admitted a request.
void Engine::prepareSegments() {
  if (!traits.segments)
    return;
  uint32_t entries = 0;
  for (const SegmentInfo &segment : t.segments) {
    segmentLaneBegin.push_back(entries);
    entries += segment.lanes;
  }
  laneGroups.assign(entries, {noIndex, noIndex});
  laneAdmitted.assign(entries, never);
  laneInterval.assign(entries, 0);
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

/// Cycles of an instance, as the compiler expected: with the gang of its first
/// replica.
uint64_t Engine::predictedCycles(const BlockInfo &block) const {
  if (block.kind != BlockKind::Task)
    return block.expectedCycles;
  const PeaMask first = t.replicas[block.replicaBegin].peas;
  const uint32_t v = variantFor(block.kernel, uint32_t(std::popcount(first)));
  return v == noIndex ? block.expectedCycles
                      : scaledCycles(block.expectedCycles, variantScaleQ16[v]);
}

/// What is counted by block and slot.
void Engine::prepareNumbers() {
  totals.reserve(t.blocks.size());
  for (uint32_t b = 0; b < t.blocks.size(); ++b) {
    const BlockInfo &block = t.blocks[b];
    BlockStatistics &total = totals.emplace_back();
    total.workflow = block.workflow;
    total.block = block.local;
    total.expectedInstancesQ16 = t.expectedCountQ16(b);
    total.predictedCycles = predictedCycles(block);
    bool byRegion =
        block.kind == BlockKind::Switch || block.kind == BlockKind::Select;
    total.outcomeBegin = uint32_t(outcomeCounts.size());
    if (block.kind != BlockKind::Task) {
      total.numOutcomes = byRegion ? t.controlOf(block).numRegions : 1;
      outcomeCounts.resize(outcomeCounts.size() + total.numOutcomes);
    }
  }
  if (traits.segments)
    for (const SlotInfo &slot : t.slots)
      slotTotals.push_back({t.blocks[slot.block].workflow,
                            t.blocks[slot.block].local, 0, slot.start,
                            slot.start + slot.cycles, 0, 0});
  taskWait.exact.reserve(std::min<uint64_t>(totalRequests * t.blocks.size(),
                                            WaitTotals::exactValues));
  latency.resize(1 + tenants.size());
  blame.keepSlowest(std::min<uint64_t>(ceilDiv(totalRequests, 100), 10000));
}

bool Engine::hasSeveralClasses() const {
  return std::ranges::count(m.livePerClass, 0u) < 2;
}

/// What `prepareRequests` sets up for one request, and what its result takes.
uint64_t Engine::requestBytes() const {
  uint64_t bytes = leastRequestBytes;
  if (hasSeveralClasses())
    bytes += sizeof(requestClassWork[0]);
  if (functional)
    bytes += sizeof(outputDigests[0]) +
             (options.keepOutputs ? sizeof(outputs[0]) : 0);
  return bytes;
}

/// What is kept by request. There may be billions: `progress` is asked between
/// slices of them.
Expected<void> Engine::prepareRequests() {
  constexpr uint64_t slice = uint64_t(1) << 20;
  auto forEach = [&](auto &&apply) {
    apply(records);
    apply(requestWork);
    if (hasSeveralClasses())
      apply(requestClassWork);
    apply(requestPath);
    if (functional)
      apply(outputDigests);
    if (functional && options.keepOutputs)
      apply(outputs);
  };
  forEach([&](auto &list) { list.reserve(totalRequests); });
  for (uint64_t made = 0; made < totalRequests;) {
    if (made && progress && !progress({0, 0, 0, totalRequests}))
      return makeError("interrupted while the records of {} requests were set "
                       "up",
                       totalRequests);
    made = std::min(made + slice, totalRequests);
    forEach([&](auto &list) { list.resize(made); });
  }
  return {};
}
