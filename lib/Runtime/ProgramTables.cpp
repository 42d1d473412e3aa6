//===- ProgramTables.cpp - A program laid out for the engine --------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProgramTables.h"


#include "octo/Program/Columns.h"
#include "octo/Program/Distribution.h"
#include "octo/Program/Program.h"
#include "octo/Program/program_generated.h"

#include <algorithm>
#include <bit>
#include <numeric>

using namespace octo;

template <class Out, class Vector>
static void copyTo(std::vector<Out> &out, const Vector *vector) {
  out.resize(sizeOf(vector));
  for (uint32_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<Out>(vector->Get(i));
}

int64_t DistributionTables::sample(uint32_t distribution, uint64_t draw) const {
  const DistributionInfo &info = items[distribution];
  size_t count = info.knotEnd - info.knotBegin;
  int64_t raw =
      sampleKnots(u.subspan(info.knotBegin, count),
                  x.subspan(info.knotBegin, count), info.discrete, draw);
  return info.identity ? raw : scaleDraw(raw, info.scale, info.shift);
}

std::string_view ProgramTables::string(uint32_t index) const {
  return stringAt(*source, index);
}

static const fb::Workflow &workflowOf(const ProgramTables &t, uint32_t block) {
  return *t.source->workflows()->Get(t.blocks[block].workflow);
}

std::string_view ProgramTables::pathOf(uint32_t block) const {
  return string(entryOf(workflowOf(*this, block).blocks()->path(),
                        blocks[block].local, noIndex));
}

std::string_view ProgramTables::fileOf(uint32_t block) const {
  return string(entryOf(workflowOf(*this, block).blocks()->source_file(),
                        blocks[block].local, noIndex));
}

uint32_t ProgramTables::lineOf(uint32_t block) const {
  return entryOf(workflowOf(*this, block).blocks()->source_line(),
                 blocks[block].local);
}

std::string ProgramTables::place(uint32_t block) const {
  std::string_view file = fileOf(block);
  if (file.empty())
    return fmt::format("'{}'", pathOf(block));
  return fmt::format("'{}' ({}:{})", pathOf(block), file, lineOf(block));
}

//===----------------------------------------------------------------------===//
// Machine
//===----------------------------------------------------------------------===//

void octo::connectMachine(MachineTables &m) {
  // What has a way to the host port and back. Defects cut both directions of a
  // link, so one search is enough; a one-way cut is found by requiring both.
  auto search = [&](bool forward) {
    std::vector<uint8_t> seen(m.clusters, 0);
    std::vector<uint32_t> work = {m.hostCluster};
    seen[m.hostCluster] = 1;
    while (!work.empty()) {
      uint32_t c = work.back();
      work.pop_back();
      uint32_t x = m.xOf(c), y = m.yOf(c);
      for (unsigned d = 0; d < 4; ++d) {
        if ((d == 0 && x + 1 == m.width) || (d == 1 && !x) ||
            (d == 2 && y + 1 == m.height) || (d == 3 && !y))
          continue;
        uint32_t n = d == 0   ? c + 1
                     : d == 1 ? c - 1
                     : d == 2 ? c + m.width
                              : c - m.width;
        uint8_t cut =
            forward ? m.linkDead[c * 4 + d] : m.linkDead[n * 4 + (d ^ 1)];
        if (cut || seen[n])
          continue;
        seen[n] = 1;
        work.push_back(n);
      }
    }
    return seen;
  };
  m.reachable = search(true);
  if (m.anyLinkDead) {
    std::vector<uint8_t> back = search(false);
    for (uint32_t c = 0; c < m.clusters; ++c)
      m.reachable[c] &= back[c];
  }
  m.livePerClass = {};
  for (uint32_t t = 0; t < m.tbus; ++t)
    if (m.reachable[m.clusterOf(t)])
      for (unsigned c = 0; c < 3; ++c)
        m.livePerClass[c] += std::popcount(m.live[t] & m.classMask[c]);

  m.nearestHbm.assign(m.clusters, noIndex);
  for (uint32_t c = 0; c < m.clusters; ++c)
    for (uint32_t i = 0; i < m.hbm.size(); ++i)
      if (m.serves(i) && (m.nearestHbm[c] == noIndex ||
                          m.distance(c, m.hbm[i].cluster) <
                              m.distance(c, m.hbm[m.nearestHbm[c]].cluster)))
        m.nearestHbm[c] = i;
}

static Expected<void> buildMachine(MachineTables &m,
                                   const fb::Machine &source) {
  m.dieWidth = source.clusters_x();
  m.dieHeight = source.clusters_y();
  m.width = source.dies_x() * m.dieWidth;
  m.height = source.dies_y() * m.dieHeight;
  m.clusters = m.width * m.height;
  m.tbusPerCluster = source.tbus();
  m.peasPerTbu = source.peas();
  m.tbus = m.clusters * m.tbusPerCluster;
  if (!m.tbus || !m.peasPerTbu)
    return makeError("the machine of the program has no PEAs; compile it again "
                     "for a valid target");
  if (m.peasPerTbu > 64)
    return makeError("the machine has {} PEAs a TBU; the simulator handles up "
                     "to 64: use more TBUs of fewer PEAs in the target",
                     m.peasPerTbu);
  m.clockHz = source.clock_hz();
  m.scratchpad = source.scratchpad();
  auto positive = [](uint32_t width) { return std::max(width, 1u); };
  m.scratchpadBytesPerCycle = positive(source.scratchpad_bytes_per_cycle());
  m.configStore = source.config_store();
  m.configBytesPerCycle = positive(source.config_bytes_per_cycle());
  m.configSwitchCycles = source.config_switch_cycles();
  m.linkBytesPerCycle = positive(source.link_bytes_per_cycle());
  m.hopCycles = source.hop_cycles();
  m.linkBuffer = source.link_buffer();
  m.dieLinkBytesPerCycle = positive(source.die_link_bytes_per_cycle());
  m.dieHopCycles = source.die_hop_cycles();
  m.cbDecisionCycles = source.cb_decision_cycles();
  m.tokenHopCycles = source.token_hop_cycles();
  m.commandCycles = source.command_cycles();
  m.localDispatchCycles = source.local_dispatch_cycles();
  m.centralDispatchCycles = source.central_dispatch_cycles();
  m.hostCluster = source.host_cluster();
  m.hostInBytesPerCycle = positive(source.host_in_bytes_per_cycle());
  m.hostOutBytesPerCycle = positive(source.host_out_bytes_per_cycle());
  m.hostLatency = source.host_latency();
  m.resizeFixedCycles = source.resize_fixed_cycles();
  m.tokenBytes = source.control_bytes_per_token();
  m.cbCyclesPerScalarQ16 = source.cb_cycles_per_scalar_q16();
  m.interfaceCycles = source.interface_cycles();
  if (m.hostCluster >= m.clusters)
    return makeError("the host port is at cluster {} of {}", m.hostCluster,
                     m.clusters);
  m.energy = EnergyTable();
  if (const fb::EnergyCosts *e = source.energy())
    m.energy = {e->mac(),
                e->vector(),
                e->special(),
                e->scalar(),
                e->scratchpad_byte(),
                e->link_byte_hop(),
                e->hbm_byte(),
                e->config_byte(),
                e->control_token(),
                e->pea_leakage_cycle(),
                e->host_byte(),
                e->die_link_byte(),
                e->cb_decision(),
                e->cluster_leakage_cycle()};

  PeaMask all =
      m.peasPerTbu == 64 ? ~PeaMask(0) : (PeaMask(1) << m.peasPerTbu) - 1;
  m.live.assign(m.tbus, all);
  m.dead.assign(m.tbus, 0);
  for (uint32_t i = 0; i < sizeOf(source.dead_peas()); ++i) {
    uint32_t pea = source.dead_peas()->Get(i);
    if (pea / m.peasPerTbu >= m.tbus)
      return makeError("dead PEA {} does not exist", pea);
    m.dead[pea / m.peasPerTbu] |= PeaMask(1) << pea % m.peasPerTbu;
  }
  for (uint32_t t = 0; t < m.tbus; ++t)
    m.live[t] &= ~m.dead[t];
  m.classMask = {};
  for (uint32_t p = 0; p < m.peasPerTbu; ++p)
    m.classMask[std::min<uint64_t>(entryOf(source.pea_class(), p), 2)] |=
        PeaMask(1) << p;

  m.linkDead.assign(size_t(m.clusters) * 4, 0);
  for (uint32_t c = 0; c < m.clusters; ++c) {
    uint32_t x = m.xOf(c), y = m.yOf(c);
    m.linkDead[c * 4 + 0] = x + 1 == m.width;
    m.linkDead[c * 4 + 1] = x == 0;
    m.linkDead[c * 4 + 2] = y + 1 == m.height;
    m.linkDead[c * 4 + 3] = y == 0;
  }
  for (uint32_t i = 0; i < sizeOf(source.dead_links()); ++i) {
    const fb::LinkId *link = source.dead_links()->Get(i);
    uint32_t from = link->from(), to = link->to();
    unsigned direction = m.directionTo(from, to);
    if (direction == 4)
      return makeError("dead link {} -> {} does not exist", from, to);
    m.linkDead[from * 4 + direction] = 1;
    m.anyLinkDead = true;
  }
  for (uint32_t i = 0; i < sizeOf(source.hbm()); ++i) {
    const fb::HbmPort *port = source.hbm()->Get(i);
    if (port->cluster() >= m.clusters)
      return makeError("HBM port {} is at cluster {} of {}", i, port->cluster(),
                       m.clusters);
    m.hbm.push_back({port->cluster(), positive(port->bytes_per_cycle()),
                     port->latency(), port->bytes()});
  }
  for (uint32_t i = 0; i < sizeOf(source.faults()); ++i) {
    const fb::FaultEvent *fault = source.faults()->Get(i);
    m.faults.push_back({fault->cycle(), static_cast<PartKind>(fault->kind()),
                        fault->unit(), fault->other()});
  }
  connectMachine(m);
  return {};
}

//===----------------------------------------------------------------------===//
// Kernels, weights, distributions
//===----------------------------------------------------------------------===//

static void buildKernels(ProgramTables &t, const fb::Program &program) {
  const fb::TypeTable &types = *program.types();
  uint32_t numTypes = sizeOf(types.element());
  t.types.resize(numTypes);
  for (uint32_t i = 0; i < numTypes; ++i) {
    TypeInfo &type = t.types[i];
    type.element = static_cast<ElementKind>(entryOf(types.element(), i));
    type.scalar = entryOf(types.scalar(), i);
    for (uint64_t d = entryOf(types.dim_offsets(), i);
         d < entryOf(types.dim_offsets(), i + 1); ++d) {
      type.dims.push_back(entryOf(types.dims(), d));
      type.dynamic |= type.dims.back() < 0;
    }
  }

  const fb::KernelTable &k = *program.kernels();
  copyTo(t.signature, k.signature());
  for (uint32_t i = 0; i < sizeOf(k.variants()); ++i) {
    const fb::Variant *v = k.variants()->Get(i);
    t.variants.push_back({v->fixed(),
                          {v->mac_q16(), v->vector_q16(), v->special_q16(),
                           v->scalar_q16(), v->bytes_q16()},
                          v->scale_q16(),
                          v->footprint(),
                          std::max<uint32_t>(v->gang(), 1),
                          v->sync()});
  }
  uint32_t numKernels = sizeOf(k.kind());
  t.kernels.resize(numKernels);
  for (uint32_t i = 0; i < numKernels; ++i) {
    KernelInfo &kernel = t.kernels[i];
    kernel.kind = static_cast<KernelKind>(entryOf(k.kind(), i));
    kernel.combine = static_cast<CombineKind>(entryOf(k.combine(), i));
    kernel.peaClass =
        static_cast<uint8_t>(std::min<uint64_t>(entryOf(k.pea_class(), i), 2));
    kernel.name = entryOf(k.name(), i, noIndex);
    kernel.codeBytes = entryOf(k.code_bytes(), i);
    kernel.numInputs = entryOf(k.num_inputs(), i);
    kernel.numOutputs = entryOf(k.num_outputs(), i);
    kernel.numCounters = entryOf(k.num_counters(), i);
    kernel.signatureBegin = entryOf(k.signature_offsets(), i);
    kernel.donated = entryOf(k.donated(), i);
    kernel.image = entryOf(k.image(), i, noIndex);
    kernel.variantBegin = entryOf(k.variant_offsets(), i);
    kernel.variantEnd = entryOf(k.variant_offsets(), i + 1);
    kernel.maxGang = 1;
    for (uint32_t v = kernel.variantBegin; v < kernel.variantEnd; ++v)
      kernel.maxGang = std::max(kernel.maxGang, t.variants[v].gang);
    kernel.counterWork = false;
    kernel.fixedWork = true;
    kernel.distinctBegin = t.distinctSymbols.size();
    for (uint32_t symbol : workSymbols(k, i)) {
      t.distinctSymbols.push_back(symbol);
      kernel.fixedWork = false;
      kernel.counterWork |= (symbol & counterFlag) != 0;
    }
    kernel.distinctEnd = t.distinctSymbols.size();
  }

  const fb::WeightTable &w = *program.weights();
  for (uint32_t i = 0; i < sizeOf(w.bytes()); ++i)
    t.weights.push_back({w.bytes()->Get(i), entryOf(w.type(), i)});

  const fb::DistributionTable &d = *program.distributions();
  if (d.u() && d.x()) {
    t.distributions.u = spanOf(d.u());
    t.distributions.x = spanOf(d.x());
  }
  for (uint32_t i = 0; i < sizeOf(d.curve()); ++i) {
    uint32_t curve = d.curve()->Get(i);
    uint64_t scale = entryOf(d.scale(), i, identityScale);
    int64_t shift = entryOf(d.shift(), i);
    t.distributions.items.push_back(
        {entryOf(d.knot_offsets(), curve), entryOf(d.knot_offsets(), curve + 1),
         entryOf(d.discrete(), curve) != 0, scale == identityScale && !shift,
         scale, shift});
  }
}

//===----------------------------------------------------------------------===//
// Workflows
//===----------------------------------------------------------------------===//

static Expected<void> buildWorkflow(ProgramTables &t, const fb::Workflow &wf,
                                    uint32_t number) {
  MachineTables &m = t.machine;
  WorkflowInfo info;
  const fb::ValueTable &values = *wf.values();
  const fb::RegionTable &regions = *wf.regions();
  const fb::BlockTable &blocks = *wf.blocks();
  const fb::PolicyTable &policy = *wf.policy();
  const fb::PlacementTable &placement = *wf.placement();
  uint32_t numValues = sizeOf(values.type());
  uint32_t numRegions = sizeOf(regions.role());
  uint32_t numBlocks = sizeOf(blocks.kind());
  info.name = wf.name()->str();
  info.blockBegin = t.blocks.size();
  info.blockEnd = info.blockBegin + numBlocks;
  info.valueBegin = t.values.size();
  info.regionBegin = t.regions.size();
  info.regionEnd = info.regionBegin + numRegions;
  info.epochCycles = policy.epoch_cycles();
  info.expectedCounts = spanOf(policy.expected_count_q16());
  if (!numRegions)
    return makeError("workflow '{}' has no regions", info.name);

  // Profiles.
  uint32_t profileBase =
      t.profileBegin.empty() ? 0 : uint32_t(t.profileBegin.size()) - 1;
  if (!t.profileBegin.empty())
    t.profileBegin.pop_back();
  uint32_t epochBase = t.epochs.size(), frequencyBase = t.frequencies.size();
  const fb::ProfileTable &profiles = *wf.profiles();
  uint32_t numProfiles = itemsOf(profiles.epoch_offsets());
  for (uint32_t p = 0; p <= numProfiles; ++p)
    t.profileBegin.push_back(epochBase + entryOf(profiles.epoch_offsets(), p));
  for (uint32_t e = 0; e < sizeOf(profiles.first_request()); ++e)
    t.epochs.push_back(
        {profiles.first_request()->Get(e),
         entryOf(profiles.distribution(), e, noIndex),
         frequencyBase + entryOf(profiles.frequency_offsets(), e),
         frequencyBase + entryOf(profiles.frequency_offsets(), e + 1)});
  for (uint32_t f = 0; f < sizeOf(profiles.frequencies()); ++f)
    t.frequencies.push_back(profiles.frequencies()->Get(f));

  // Values.
  const auto *bytes = values.bytes();
  const auto *types = values.type();
  for (uint32_t v = 0; v < numValues; ++v)
    t.values.push_back({entryOf(bytes, v), entryOf(types, v), 0});
  if (sizeOf(values.bytes_distribution())) {
    t.bytesDistributions.resize(info.valueBegin, noIndex);
    for (uint32_t v = 0; v < numValues; ++v)
      t.bytesDistributions.push_back(
          entryOf(values.bytes_distribution(), v, noIndex));
  }

  // Regions.
  uint32_t importBase = t.imports.size(), yieldBase = t.yields.size();
  for (uint32_t i = 0; i < sizeOf(regions.imports()); ++i)
    t.imports.push_back(regions.imports()->Get(i));
  for (uint32_t i = 0; i < sizeOf(regions.yields()); ++i) {
    uint32_t yield = regions.yields()->Get(i);
    t.yields.push_back(yield & weightFlag ? yield : info.valueBegin + yield);
  }
  for (uint32_t r = 0; r < numRegions; ++r) {
    RegionInfo region = {};
    uint32_t owner = entryOf(regions.owner(), r, noIndex);
    region.owner = owner == noIndex ? noIndex : info.blockBegin + owner;
    region.blockBegin = info.blockBegin + entryOf(regions.block_begin(), r);
    region.blockEnd = info.blockBegin + entryOf(regions.block_begin(), r + 1);
    region.valueBegin = info.valueBegin + entryOf(regions.value_begin(), r);
    region.valueEnd = info.valueBegin + entryOf(regions.value_begin(), r + 1);
    region.numImports = entryOf(regions.num_imports(), r);
    region.importBegin = importBase + entryOf(regions.import_offsets(), r);
    region.yieldBegin = yieldBase + entryOf(regions.yield_offsets(), r);
    region.numYields = entryOf(regions.yield_offsets(), r + 1) -
                       entryOf(regions.yield_offsets(), r);
    region.role = static_cast<RegionRole>(entryOf(regions.role(), r));
    region.workflow = number;
    t.regions.push_back(region);
  }
  info.numArguments = t.regions[info.regionBegin].numImports;
  info.numResults = t.regions[info.regionBegin].numYields;
  if (const fb::RecordTable *records = wf.records()) {
    info.records = {spanOf(records->record_offsets()), spanOf(records->block()),
                    spanOf(records->tag()), spanOf(records->value_offsets()),
                    spanOf(records->values())};
  }

  // Blocks with their inputs and replicas.
  uint32_t inputBase = t.inputs.size();
  size_t controlBase = t.controls.size();
  const auto *inputs = blocks.inputs();
  for (uint32_t i = 0; i < sizeOf(inputs); ++i) {
    uint32_t input = inputs->Get(i);
    t.inputs.push_back(input & weightFlag ? input : info.valueBegin + input);
  }
  // Columns are looked up once: a table finds a field anew at each access.
  const auto *kinds = blocks.kind();
  const auto *routings = placement.routing();
  const auto *kernels = blocks.kernel();
  const auto *inputOffsets = blocks.input_offsets();
  const auto *outputBegin = blocks.output_begin();
  const auto *regionOf = blocks.region();
  const auto *profileOf = blocks.profile();
  const auto *priorities = policy.priority();
  const auto *expected = policy.expected_cycles();
  const auto *replicaOffsets = placement.replica_offsets();
  const auto *replicas = placement.replicas();
  for (uint32_t b = 0; b < numBlocks; ++b) {
    BlockInfo block = {};
    block.kind = static_cast<BlockKind>(entryOf(kinds, b));
    block.routing = static_cast<RoutingRule>(entryOf(routings, b));
    block.workflow = number;
    block.local = b;
    block.kernel = entryOf(kernels, b, noIndex);
    block.inputBegin = inputBase + entryOf(inputOffsets, b);
    block.numInputs = entryOf(inputOffsets, b + 1) - entryOf(inputOffsets, b);
    block.outputBegin = info.valueBegin + entryOf(outputBegin, b);
    block.numOutputs = entryOf(outputBegin, b + 1) - entryOf(outputBegin, b);
    // Outputs are followed by the imports of the next region, which belong to
    // no block.
    const RegionInfo &region =
        t.regions[info.regionBegin + entryOf(regionOf, b)];
    if (block.outputBegin + block.numOutputs > region.valueEnd)
      block.numOutputs = region.valueEnd > block.outputBegin
                             ? region.valueEnd - block.outputBegin
                             : 0;
    block.control = noIndex;
    if (block.kind != BlockKind::Task) {
      block.control = t.controls.size();
      ControlInfo control = {};
      control.joinKernel = entryOf(blocks.join_kernel(), b, noIndex);
      control.decideInputs = entryOf(blocks.decide_inputs(), b);
      control.regionBegin =
          info.regionBegin + entryOf(blocks.region_begin(), b);
      control.numRegions = entryOf(blocks.region_begin(), b + 1) -
                           entryOf(blocks.region_begin(), b);
      control.bound = entryOf(blocks.bound(), b);
      t.controls.push_back(control);
    }
    uint32_t profile = entryOf(profileOf, b, noIndex);
    block.profile = profile == noIndex ? noIndex : profileBase + profile;
    block.priority = entryOf(priorities, b);
    block.expectedCycles = entryOf(expected, b);
    block.slotOfBlock = noIndex;
    block.weightBegin = t.blockWeights.size();
    for (uint32_t i = 0; i < block.numInputs; ++i) {
      uint32_t input = t.inputs[block.inputBegin + i];
      if (input & weightFlag)
        t.blockWeights.push_back(input & ~weightFlag);
    }
    block.weightEnd = t.blockWeights.size();

    block.replicaBegin = t.replicas.size();
    uint32_t first = entryOf(replicaOffsets, b);
    uint32_t last = entryOf(replicaOffsets, b + 1);
    for (bool standby : {false, true})
      for (uint32_t r = first; r < last; ++r) {
        const fb::Replica *source = replicas->Get(r);
        if (source->standby() != standby)
          continue;
        ReplicaInfo replica = {};
        uint32_t cluster = source->cluster();
        replica.standby = standby;
        replica.original = r - first;
        if (cluster >= m.clusters || source->tbu() >= m.tbusPerCluster)
          return makeError("block '{}' has a replica outside the machine "
                           "(cluster {}, TBU {})",
                           t.string(entryOf(blocks.path(), b)),
                           source->cluster(), source->tbu());
        if (!m.reachable[cluster])
          return makeError(
              "block '{}' is placed on cluster ({}, {}), which dead links cut "
              "off from the host port; compile again with the present defects",
              t.string(entryOf(blocks.path(), b)), m.xOf(cluster),
              m.yOf(cluster));
        replica.tbu = cluster * m.tbusPerCluster + source->tbu();
        if (block.kind == BlockKind::Task) {
          uint32_t end = std::min<uint32_t>(uint32_t(source->pea_first()) +
                                                source->pea_count(),
                                            m.peasPerTbu);
          PeaMask mask = 0;
          for (uint32_t p = source->pea_first(); p < end; ++p)
            mask |= PeaMask(1) << p;
          replica.peas = mask & m.live[replica.tbu];
          replica.maxGang = std::max<uint16_t>(source->max_gang(), 1);
          if (!replica.peas)
            return makeError("block '{}' has a replica on TBU {} of cluster "
                             "({}, {}) without a live PEA; compile again with "
                             "the present defects",
                             t.string(entryOf(blocks.path(), b)), source->tbu(),
                             m.xOf(cluster), m.yOf(cluster));
        }
        t.replicas.push_back(replica);
        block.numActive += !standby;
        ++block.numReplicas;
      }
    if (!block.numActive)
      return makeError("block '{}' has no active replica; compile again (pass "
                       "octo-allocate-peas)",
                       t.string(entryOf(blocks.path(), b)));
    if (block.kind == BlockKind::Task && block.kernel >= t.kernels.size())
      return makeError("task '{}' has no kernel",
                       t.string(entryOf(blocks.path(), b)));
    t.blocks.push_back(block);
  }

  // Inputs by region, blocks that wait for nothing, uses of values.
  std::vector<uint32_t> count(numValues + 1, 0);
  for (uint32_t r = info.regionBegin; r < info.regionEnd; ++r) {
    RegionInfo &region = t.regions[r];
    region.activeBegin = t.activeBlocks.size();
    region.inputBegin = region.blockBegin < region.blockEnd
                            ? t.blocks[region.blockBegin].inputBegin
                            : 0;
    for (uint32_t b = region.blockBegin; b < region.blockEnd; ++b) {
      const BlockInfo &block = t.blocks[b];
      region.numInputs = block.inputBegin + block.numInputs - region.inputBegin;
      // A loop starts with its first carried value, the others with what they
      // decide on.
      uint32_t decisive = block.numInputs;
      if (block.kind == BlockKind::Loop) {
        const ControlInfo &control = t.controlOf(block);
        decisive = 0;
        for (uint32_t i = 0; i < control.numRegions; ++i)
          if (t.regions[control.regionBegin + i].role == RegionRole::After)
            decisive = t.regions[control.regionBegin + i].numYields;
      } else if (block.kind != BlockKind::Task) {
        decisive = t.controlOf(block).decideInputs;
      }
      bool active = true;
      for (uint32_t i = 0; i < decisive && i < block.numInputs; ++i)
        active &= (t.inputs[block.inputBegin + i] & weightFlag) != 0;
      if (active)
        t.activeBlocks.push_back(b);
      for (uint32_t i = 0; i < block.numInputs; ++i) {
        uint32_t input = t.inputs[block.inputBegin + i];
        if (!(input & weightFlag))
          ++count[input - info.valueBegin];
      }
    }
    region.activeEnd = t.activeBlocks.size();
    for (uint32_t y = 0; y < region.numYields; ++y) {
      uint32_t yield = t.yields[region.yieldBegin + y];
      if (yield & weightFlag)
        region.yieldsWeights = true;
      else
        ++count[yield - info.valueBegin];
    }
  }
  uint32_t consumers = t.consumers.size();
  for (uint32_t v = 0; v < numValues; ++v) {
    t.values[info.valueBegin + v].consumerBegin = consumers;
    consumers += count[v];
    count[v] = t.values[info.valueBegin + v].consumerBegin;
  }
  t.consumers.reserve(consumers);
  t.consumers.resize(consumers);
  for (uint32_t r = info.regionBegin; r < info.regionEnd; ++r) {
    const RegionInfo &region = t.regions[r];
    for (uint32_t b = region.blockBegin; b < region.blockEnd; ++b)
      for (uint32_t i = 0; i < t.blocks[b].numInputs; ++i) {
        uint32_t input = t.inputs[t.blocks[b].inputBegin + i];
        if (!(input & weightFlag))
          t.consumers[count[input - info.valueBegin]++] = {b, i};
      }
    for (uint32_t y = 0; y < region.numYields; ++y) {
      uint32_t yield = t.yields[region.yieldBegin + y];
      if (!(yield & weightFlag))
        t.consumers[count[yield - info.valueBegin]++] = {noIndex, y};
    }
  }

  // Which imports an input of a control block feeds. Workflows without control
  // blocks after the last one that has some need no entries.
  std::vector<uint32_t> uses;
  if (numRegions > 1) {
    t.importUseBegin.resize(inputBase, t.importUses.size());
    uses.assign(t.inputs.size() - inputBase + 1, 0);
  }
  auto forEachUse = [&](auto &&use) {
    for (uint32_t r = info.regionBegin + 1; r < info.regionEnd; ++r) {
      const RegionInfo &region = t.regions[r];
      const BlockInfo &owner = t.blocks[region.owner];
      for (uint32_t k = 0; k < region.numImports; ++k) {
        uint32_t source = t.imports[region.importBegin + k];
        if (source & forwardedFlag || source == copyIndexMark)
          continue;
        if (source < owner.numInputs)
          use(owner.inputBegin + source - inputBase, r, k);
      }
    }
  };
  forEachUse([&](uint32_t input, uint32_t, uint32_t) { ++uses[input]; });
  uint32_t useBegin = t.importUses.size();
  for (uint32_t i = 0; i + 1 < uses.size(); ++i) {
    t.importUseBegin.push_back(useBegin);
    useBegin += uses[i];
    uses[i] = t.importUseBegin.back();
  }
  t.importUses.resize(useBegin);
  forEachUse([&](uint32_t input, uint32_t r, uint32_t k) {
    t.importUses[uses[input]++] = {r, k};
  });

  // Credits: what can be busy at a time inside a fan-out. Regions come after
  // their owners' regions.
  bool hasControl = t.controls.size() != controlBase;
  std::vector<uint64_t> reach(numRegions, 1);
  for (uint32_t r = hasControl ? numRegions : 0; r-- > 0;) {
    const RegionInfo &region = t.regions[info.regionBegin + r];
    for (uint32_t b = region.blockBegin; b < region.blockEnd; ++b) {
      const BlockInfo &block = t.blocks[b];
      uint64_t own = 0;
      if (block.kind == BlockKind::Task) {
        for (uint32_t i = 0; i < block.numActive; ++i)
          own += t.replicas[block.replicaBegin + i].maxGang;
      } else {
        ControlInfo &control = t.controls[block.control];
        for (uint32_t i = 0; i < control.numRegions; ++i)
          own =
              std::max(own, reach[control.regionBegin - info.regionBegin + i]);
        control.credits = block.kind == BlockKind::Loop
                              ? 2
                              : static_cast<uint32_t>(
                                    std::clamp<uint64_t>(own, 1, 0x7fffffff));
      }
      reach[r] = std::max(reach[r], own);
    }
  }

  // Segments.
  const fb::SegmentTable &segments = *wf.segments();
  std::vector<std::vector<uint32_t>> ofRegion(numRegions);
  for (uint32_t s = 0; s < sizeOf(segments.region()); ++s) {
    SegmentInfo segment = {};
    segment.region = info.regionBegin + segments.region()->Get(s);
    segment.slotBegin = t.slots.size();
    segment.initiationInterval = entryOf(segments.initiation_interval(), s);
    segment.lanes = std::max<uint32_t>(entryOf(segments.lanes(), s), 1);
    for (uint64_t i = entryOf(segments.slot_offsets(), s);
         i < entryOf(segments.slot_offsets(), s + 1); ++i) {
      const fb::Slot *slot = segments.slots()->Get(i);
      uint32_t block = info.blockBegin + slot->block();
      t.blocks[block].slotOfBlock = t.slots.size();
      t.slots.push_back(
          {block, slot->replica(),
           static_cast<uint32_t>(ofRegion[segments.region()->Get(s)].size()),
           slot->start(), slot->cycles()});
    }
    segment.slotEnd = t.slots.size();
    ofRegion[segments.region()->Get(s)].push_back(t.segments.size());
    t.segments.push_back(segment);
  }
  for (uint32_t r = 0; r < numRegions; ++r) {
    RegionInfo &region = t.regions[info.regionBegin + r];
    region.segmentBegin = t.regionSegments.size();
    t.regionSegments.insert(t.regionSegments.end(), ofRegion[r].begin(),
                            ofRegion[r].end());
    region.segmentEnd = t.regionSegments.size();
  }

  // Streams, by ascending input.
  if (const fb::FlowTable *flows = wf.flows();
      flows && sizeOf(flows->input())) {
    std::vector<uint32_t> producer(numValues, noIndex);
    for (uint32_t b = info.blockBegin; b < t.blocks.size(); ++b)
      for (uint32_t o = 0; o < t.blocks[b].numOutputs; ++o)
        producer[t.blocks[b].outputBegin + o - info.valueBegin] = b;
    uint32_t consumer = info.blockBegin;
    for (uint32_t i = 0; i < sizeOf(flows->input()); ++i) {
      uint32_t input = inputBase + flows->input()->Get(i);
      while (input >=
             t.blocks[consumer].inputBegin + t.blocks[consumer].numInputs)
        ++consumer;
      uint32_t from = producer[t.inputs[input] - info.valueBegin];
      t.blocks[consumer].takesStreams = true;
      t.blocks[from].feedsStreams = true;
      t.streams.push_back({input, consumer, from,
                           static_cast<uint8_t>(flows->chunks()->Get(i)),
                           static_cast<uint8_t>(flows->buffer()->Get(i))});
    }
  }
  t.workflows.push_back(std::move(info));
  return {};
}

void octo::layOutLanes(ProgramTables &t) {
  uint32_t tbus = t.machine.tbus;
  auto counts = [](const ReplicaInfo &replica) {
    return replica.peas && !replica.standby;
  };
  // The masks of each TBU, sorted; there are many replicas, but few masks, of
  // which the last one with the same first PEA is most often the same.
  std::vector<std::vector<PeaMask>> masks(tbus);
  struct Seen {
    PeaMask peas = 0;
    uint32_t lane = noIndex;
  };
  std::vector<Seen> seen(size_t(tbus) * t.machine.peasPerTbu);
  auto seenWith = [&](const ReplicaInfo &replica) -> Seen & {
    return seen[size_t(replica.tbu) * t.machine.peasPerTbu +
                static_cast<uint32_t>(std::countr_zero(replica.peas))];
  };
  for (const ReplicaInfo &replica : t.replicas) {
    if (!counts(replica) || seenWith(replica).peas == replica.peas)
      continue;
    seenWith(replica).peas = replica.peas;
    std::vector<PeaMask> &list = masks[replica.tbu];
    auto place = std::lower_bound(list.begin(), list.end(), replica.peas);
    if (place == list.end() || *place != replica.peas)
      list.insert(place, replica.peas);
  }
  t.laneBegin.assign(tbus + 1, 0);
  for (uint32_t i = 0; i < tbus; ++i)
    t.laneBegin[i + 1] =
        t.laneBegin[i] + static_cast<uint32_t>(masks[i].size());
  for (ReplicaInfo &replica : t.replicas) {
    replica.lane = noIndex;
    if (!counts(replica))
      continue;
    Seen &last = seenWith(replica);
    if (last.peas != replica.peas || last.lane == noIndex) {
      const std::vector<PeaMask> &list = masks[replica.tbu];
      auto place = std::lower_bound(list.begin(), list.end(), replica.peas);
      last = {replica.peas, t.laneBegin[replica.tbu] +
                                static_cast<uint32_t>(place - list.begin())};
    }
    replica.lane = last.lane;
  }
}

/// Room for all workflows at once: growing by doubling would take the memory
/// twice.
static void reserve(ProgramTables &t, const fb::Program &program) {
  size_t values = 1, blocks = 0, inputs = 0, replicas = 0;
  for (const fb::Workflow *wf : *program.workflows()) {
    values += sizeOf(wf->values()->type());
    blocks += sizeOf(wf->blocks()->kind());
    inputs += sizeOf(wf->blocks()->inputs());
    replicas += sizeOf(wf->placement()->replicas());
  }
  t.values.reserve(values);
  t.blocks.reserve(blocks);
  t.inputs.reserve(inputs);
  t.replicas.reserve(replicas);
}

Expected<ProgramTables> octo::buildTables(const fb::Program &program) {
  ProgramTables t;
  t.source = &program;
  if (auto built = buildMachine(t.machine, *program.machine()); !built)
    return octo::Error(built.error());
  buildKernels(t, program);
  if (program.workflows())
    reserve(t, program);
  for (uint32_t w = 0; w < sizeOf(program.workflows()); ++w)
    if (auto built = buildWorkflow(t, *program.workflows()->Get(w), w); !built)
      return octo::Error(built.error());
  if (t.workflows.empty())
    return makeError("the program has no workflow");
  if (t.profileBegin.empty())
    t.profileBegin.push_back(0);
  if (!t.importUseBegin.empty())
    t.importUseBegin.push_back(t.importUses.size());
  if (!t.bytesDistributions.empty())
    t.bytesDistributions.resize(t.values.size(), noIndex);
  t.values.push_back({0, 0, static_cast<uint32_t>(t.consumers.size())});
  layOutLanes(t);
  t.producedStreams.resize(t.streams.size());
  std::iota(t.producedStreams.begin(), t.producedStreams.end(), 0u);
  // By output too: streams of one value are next to each other.
  std::sort(t.producedStreams.begin(), t.producedStreams.end(),
            [&](uint32_t a, uint32_t b) {
              const StreamInfo &x = t.streams[a], &y = t.streams[b];
              return std::tie(x.producer, t.inputs[x.input], a) <
                     std::tie(y.producer, t.inputs[y.input], b);
            });
  return t;
}
