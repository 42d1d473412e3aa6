//===- TestProgram.h - Programs built by hand -------------------*- C++ -*-===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Small programs for tests and benchmarks of the simulator, written as a tree
// of regions and laid out as program.fbs wants it. The machine starts out with
// every cost zero, so that a test states the costs that it is about.
//
//===----------------------------------------------------------------------===//

#ifndef OCTO_TEST_UNIT_RUNTIME_TESTPROGRAM_H
#define OCTO_TEST_UNIT_RUNTIME_TESTPROGRAM_H

#include "octo/Program/Distribution.h"
#include "octo/Program/Program.h"
#include "octo/Program/program_generated.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace octo::test {

inline constexpr uint32_t none = 0xffffffffu;

/// A value of the region that uses it.
struct Val {
  enum Kind { Import, Output, Weight } kind = Import;
  uint32_t index = 0; ///< import, block of the region, or weight
  uint32_t output = 0;
};
inline Val import(uint32_t i) { return {Val::Import, i, 0}; }
inline Val output(uint32_t block, uint32_t o = 0) {
  return {Val::Output, block, o};
}
inline Val weight(uint32_t w) { return {Val::Weight, w, 0}; }

struct RegionSpec;

struct BlockSpec {
  fb::BlockKind kind = fb::BlockKind::Task;
  std::string path;
  uint32_t kernel = none;
  uint32_t joinKernel = none;
  std::vector<Val> inputs;
  std::vector<uint32_t> outputs; ///< types
  std::vector<uint64_t> outputBytes;
  uint32_t decideInputs = 0;
  uint32_t profile = none;
  uint64_t bound = 0;
  uint64_t priority = 0;
  uint64_t expected = 0;
  uint32_t line = 0;
  bool byCopy = false;
  std::vector<fb::Replica> replicas; ///< empty: the first TBU
  std::vector<std::unique_ptr<RegionSpec>> regions;

  RegionSpec &region(fb::RegionRole role);
};

struct RegionSpec {
  fb::RegionRole role = fb::RegionRole::Body;
  std::vector<uint32_t> imports; ///< as RegionTable.imports
  std::vector<uint32_t> importTypes;
  std::vector<uint64_t> importBytes;
  std::vector<BlockSpec> blocks;
  std::vector<Val> yields;

  Val addImport(uint32_t source, uint32_t type, uint64_t bytes = 0) {
    imports.push_back(source);
    importTypes.push_back(type);
    importBytes.push_back(bytes);
    return test::import(static_cast<uint32_t>(imports.size()) - 1);
  }
  BlockSpec &add(fb::BlockKind kind, std::string path) {
    blocks.emplace_back();
    blocks.back().kind = kind;
    blocks.back().path = std::move(path);
    return blocks.back();
  }
};

inline RegionSpec &BlockSpec::region(fb::RegionRole role) {
  regions.push_back(std::make_unique<RegionSpec>());
  regions.back()->role = role;
  return *regions.back();
}

struct SegmentSpec {
  uint32_t lanes = 1;
  uint64_t initiationInterval = 0;
  std::vector<fb::Slot> slots; ///< blocks of the body
};

/// An input of a block of the body that comes in chunks.
struct StreamSpec {
  uint32_t block, input;
  uint16_t chunks, buffer;
};

class TestProgram {
public:
  TestProgram(uint32_t clustersX = 1, uint32_t clustersY = 1, uint32_t tbus = 1,
              uint32_t peas = 1) {
    program.machine = std::make_unique<fb::MachineT>();
    fb::MachineT &m = *program.machine;
    m.name = "test";
    m.clock_hz = 1'000'000'000;
    m.dies_x = m.dies_y = 1;
    m.clusters_x = clustersX;
    m.clusters_y = clustersY;
    m.tbus = tbus;
    m.peas = peas;
    m.pe_rows = m.pe_cols = 1;
    m.pea_class.assign(peas, 2);
    m.rates = {{}, {}, fb::PeaRates(65536, 65536, 65536, 65536)};
    m.pea_sram = 1 << 20;
    m.scratchpad = uint64_t(1) << 40;
    m.scratchpad_bytes_per_cycle = 1 << 30;
    m.config_store = uint64_t(1) << 40;
    m.config_bytes_per_cycle = 1 << 30;
    m.link_bytes_per_cycle = m.die_link_bytes_per_cycle = 1 << 30;
    m.host_in_bytes_per_cycle = m.host_out_bytes_per_cycle = 1 << 30;
    m.energy = std::make_unique<fb::EnergyCosts>();
    makeRequiredTables(program);
    program.types->dim_offsets = {0};
    program.kernels->signature_offsets = {0};
    program.kernels->variant_offsets = {0};
    program.kernels->work = std::make_unique<fb::WorkTableT>();
    program.kernels->work->term_offsets = {0};
    program.kernels->work->symbol_offsets = {0};
    program.distributions->knot_offsets = {0};
    profiles = std::make_unique<fb::ProfileTableT>();
    profiles->epoch_offsets = {0};
    profiles->frequency_offsets = {0};
    token = type(fb::ElementKind::Token, {}, true);
    data = type(fb::ElementKind::Data, {}, true);
  }

  fb::MachineT &machine() { return *program.machine; }

  uint32_t string(const std::string &text) {
    program.strings.push_back(text);
    return static_cast<uint32_t>(program.strings.size()) - 1;
  }
  uint32_t type(fb::ElementKind kind, std::vector<int64_t> dims,
                bool scalar = false) {
    fb::TypeTableT &t = *program.types;
    t.element.push_back(kind);
    t.scalar.push_back(scalar);
    t.dims.insert(t.dims.end(), dims.begin(), dims.end());
    t.dim_offsets.push_back(static_cast<uint32_t>(t.dims.size()));
    return static_cast<uint32_t>(t.element.size()) - 1;
  }
  uint32_t distribution(const Distribution &d) {
    return addDistribution(*program.distributions, d);
  }
  /// A profile that holds for all requests.
  uint32_t profile(const Distribution &d) {
    return profileEpoch(distribution(d), {});
  }
  uint32_t constantProfile(int64_t value) {
    return profile(Distribution::constant(value));
  }
  uint32_t frequencies(std::vector<uint64_t> q32) {
    return profileEpoch(none, std::move(q32));
  }
  uint32_t profileEpoch(uint32_t distribution, std::vector<uint64_t> q32) {
    profiles->first_request.push_back(0);
    profiles->distribution.push_back(distribution);
    profiles->frequencies.insert(profiles->frequencies.end(), q32.begin(),
                                 q32.end());
    profiles->frequency_offsets.push_back(
        static_cast<uint32_t>(profiles->frequencies.size()));
    profiles->epoch_offsets.push_back(
        static_cast<uint32_t>(profiles->first_request.size()));
    return static_cast<uint32_t>(profiles->epoch_offsets.size()) - 2;
  }

  /// A kernel with the given variants: (gang, scale_q16 against one PEA).
  uint32_t profiledKernel(
      uint64_t codeBytes = 0,
      std::vector<std::pair<uint16_t, uint64_t>> variants = {{1, 65536}},
      uint64_t footprint = 0) {
    std::vector<fb::Variant> list;
    for (auto [gang, scale] : variants)
      list.emplace_back(0, 0, 0, 0, 0, 0, scale, footprint, gang, 0, 0);
    return kernel(fb::KernelKind::Profiled, codeBytes, list, 0, 0,
                  fb::Combine::None);
  }
  uint32_t joinKernel(fb::Combine combine, uint64_t vectorQ16 = 0,
                      uint64_t bytesQ16 = 0, uint64_t fixed = 0) {
    return kernel(
        fb::KernelKind::Join, 0,
        {fb::Variant(fixed, 0, vectorQ16, 0, 0, bytesQ16, 65536, 0, 1, 0, 0)},
        0, 0, combine);
  }
  /// Code: `fixed` cycles and `vectorQ16` an element of the terms added later.
  uint32_t imageKernel(uint32_t inputs, uint32_t outputs, uint64_t fixed,
                       uint64_t vectorQ16 = 0, uint32_t counters = 0) {
    return kernel(
        fb::KernelKind::Image, 0,
        {fb::Variant(fixed, 0, vectorQ16, 0, 0, 0, 65536, 0, 1, 0, 0)}, inputs,
        outputs, fb::Combine::None, counters);
  }
  /// Adds a vector term to the kernel that was added last.
  void term(uint64_t coefficient, std::vector<uint32_t> symbols) {
    fb::WorkTableT &w = *program.kernels->work;
    w.work_class.push_back(fb::WorkClass::Vector);
    w.coefficient.push_back(coefficient);
    w.symbols.insert(w.symbols.end(), symbols.begin(), symbols.end());
    w.symbol_offsets.push_back(static_cast<uint32_t>(w.symbols.size()));
    w.term_offsets.back() = static_cast<uint32_t>(w.coefficient.size());
  }
  uint32_t kernel(fb::KernelKind kind, uint64_t codeBytes,
                  const std::vector<fb::Variant> &variants, uint32_t inputs,
                  uint32_t outputs, fb::Combine combine,
                  uint32_t counters = 0) {
    fb::KernelTableT &k = *program.kernels;
    k.name.push_back(string("kernel" + std::to_string(k.kind.size())));
    k.kind.push_back(kind);
    k.pea_class.push_back(2);
    k.code_bytes.push_back(codeBytes);
    k.num_inputs.push_back(inputs);
    k.num_outputs.push_back(outputs);
    k.num_counters.push_back(counters);
    k.signature_offsets.push_back(static_cast<uint32_t>(k.signature.size()));
    k.donated.push_back(0);
    k.image.push_back(none);
    k.combine.push_back(combine);
    k.variants.insert(k.variants.end(), variants.begin(), variants.end());
    k.variant_offsets.push_back(static_cast<uint32_t>(k.variants.size()));
    k.work->term_offsets.push_back(k.work->term_offsets.back());
    return static_cast<uint32_t>(k.kind.size()) - 1;
  }

  uint32_t seededWeight(uint32_t type, uint64_t bytes, uint64_t seed) {
    fb::WeightTableT &w = *program.weights;
    w.name.push_back(string("weight" + std::to_string(w.bytes.size())));
    w.type.push_back(type);
    w.bytes.push_back(bytes);
    w.source.push_back(fb::WeightSource::Seed);
    w.seed.push_back(seed);
    w.scale.push_back(1.0);
    w.path.push_back(none);
    w.digest.push_back(none);
    w.data_offset.push_back(0);
    return static_cast<uint32_t>(w.bytes.size()) - 1;
  }

  /// A task that takes a constant number of cycles on one PEA.
  BlockSpec &task(RegionSpec &region, const std::string &path, uint32_t kernel,
                  int64_t cycles, std::vector<Val> inputs,
                  uint64_t outputBytes = 0) {
    BlockSpec &block = region.add(fb::BlockKind::Task, path);
    block.kernel = kernel;
    block.inputs = std::move(inputs);
    block.outputs = {outputBytes ? data : token};
    block.outputBytes = {outputBytes};
    block.profile = constantProfile(cycles);
    block.expected = static_cast<uint64_t>(cycles);
    return block;
  }

  static fb::Replica replica(uint32_t cluster, uint16_t tbu, uint16_t first,
                             uint16_t count, uint16_t maxGang = 0) {
    return fb::Replica(cluster, tbu, first, count, maxGang ? maxGang : count,
                       65536, false);
  }

  /// Lays the program out; the reference lives as long as this object.
  const fb::Program &build();

  RegionSpec body;
  std::vector<SegmentSpec> segments;
  std::vector<StreamSpec> streams; ///< by ascending block and input
  uint64_t epochCycles = 10000;
  uint32_t token, data;
  fb::ProgramT program;

private:
  std::unique_ptr<fb::ProfileTableT> profiles;
  flatbuffers::FlatBufferBuilder builder;
};

inline const fb::Program &TestProgram::build() {
  auto wf = std::make_unique<fb::WorkflowT>();
  wf->name = "main";
  wf->profiles = std::move(profiles);
  makeRequiredTables(*wf);
  fb::ValueTableT &v = *wf->values;
  fb::RegionTableT &r = *wf->regions;
  fb::BlockTableT &b = *wf->blocks;
  fb::PlacementTableT &p = *wf->placement;
  fb::PolicyTableT &policy = *wf->policy;

  // Regions in the order of their owners' numbers.
  struct Placed {
    RegionSpec *spec;
    uint32_t owner;
  };
  std::vector<Placed> regions = {{&body, none}};
  r.block_begin = {0};
  r.value_begin = {0};
  r.import_offsets = {0};
  r.yield_offsets = {0};
  b.input_offsets = {0};
  b.region_begin = {1};
  b.output_begin = {};
  p.replica_offsets = {0};
  policy.version = 1;
  policy.successors_hint_offsets = {0};
  policy.epoch_cycles = epochCycles;
  uint32_t numBlocks = 0;
  for (size_t i = 0; i < regions.size(); ++i) {
    RegionSpec &spec = *regions[i].spec;
    r.role.push_back(spec.role);
    r.owner.push_back(regions[i].owner);
    uint32_t valueBase = static_cast<uint32_t>(v.type.size());
    for (size_t k = 0; k < spec.imports.size(); ++k) {
      v.type.push_back(spec.importTypes[k]);
      v.bytes.push_back(spec.importBytes[k]);
      r.imports.push_back(i ? spec.imports[k] : static_cast<uint32_t>(k));
    }
    r.num_imports.push_back(static_cast<uint32_t>(spec.imports.size()));
    r.import_offsets.push_back(static_cast<uint32_t>(r.imports.size()));
    std::vector<uint32_t> outputBase;
    uint32_t next = static_cast<uint32_t>(v.type.size());
    for (BlockSpec &block : spec.blocks) {
      outputBase.push_back(next);
      next += static_cast<uint32_t>(block.outputs.size());
    }
    auto reference = [&](const Val &value) -> uint32_t {
      switch (value.kind) {
      case Val::Import:
        return valueBase + value.index;
      case Val::Output:
        return outputBase[value.index] + value.output;
      default:
        return 0x80000000u | value.index;
      }
    };
    for (BlockSpec &block : spec.blocks) {
      uint32_t number = numBlocks++;
      b.kind.push_back(block.kind);
      b.region.push_back(static_cast<uint32_t>(i));
      b.path.push_back(string(block.path));
      for (const Val &input : block.inputs)
        b.inputs.push_back(reference(input));
      b.input_offsets.push_back(static_cast<uint32_t>(b.inputs.size()));
      b.output_begin.push_back(static_cast<uint32_t>(v.type.size()));
      for (size_t o = 0; o < block.outputs.size(); ++o) {
        v.type.push_back(block.outputs[o]);
        v.bytes.push_back(o < block.outputBytes.size() ? block.outputBytes[o]
                                                       : 0);
      }
      b.kernel.push_back(block.kernel);
      b.decide_inputs.push_back(static_cast<uint16_t>(block.decideInputs));
      b.join_kernel.push_back(block.joinKernel);
      for (auto &region : block.regions)
        regions.push_back({region.get(), number});
      b.region_begin.push_back(static_cast<uint32_t>(regions.size()));
      b.profile.push_back(block.profile);
      b.bound.push_back(block.bound);
      b.source_file.push_back(block.line ? string("test.mlir") : none);
      b.source_line.push_back(block.line);
      b.source_column.push_back(1);
      if (block.replicas.empty()) {
        bool task = block.kind == fb::BlockKind::Task;
        p.replicas.push_back(replica(
            0, 0, 0,
            task ? static_cast<uint16_t>(program.machine->peas) : uint16_t(0)));
      }
      p.replicas.insert(p.replicas.end(), block.replicas.begin(),
                        block.replicas.end());
      p.replica_offsets.push_back(static_cast<uint32_t>(p.replicas.size()));
      p.routing.push_back(block.byCopy ? fb::Routing::ByCopy
                                       : fb::Routing::ByRequest);
      policy.dynamic_time.push_back(false);
      policy.dynamic_frequency.push_back(false);
      policy.reason.push_back(none);
      policy.priority.push_back(block.priority);
      policy.expected_cycles.push_back(block.expected);
      policy.expected_cycles_p95.push_back(block.expected);
      policy.expected_count_q16.push_back(65536);
      policy.successors_hint_offsets.push_back(0);
    }
    for (const Val &yield : spec.yields)
      r.yields.push_back(reference(yield));
    r.yield_offsets.push_back(static_cast<uint32_t>(r.yields.size()));
    r.block_begin.push_back(numBlocks);
    r.value_begin.push_back(static_cast<uint32_t>(v.type.size()));
  }
  b.output_begin.push_back(static_cast<uint32_t>(v.type.size()));
  // An output_begin stands for the end of the block before it only within a
  // region; imports of the next region lie between.
  wf->segments->slot_offsets = {0};
  for (SegmentSpec &segment : segments) {
    wf->segments->region.push_back(0);
    wf->segments->slots.insert(wf->segments->slots.end(), segment.slots.begin(),
                               segment.slots.end());
    wf->segments->slot_offsets.push_back(
        static_cast<uint32_t>(wf->segments->slots.size()));
    wf->segments->initiation_interval.push_back(segment.initiationInterval);
    wf->segments->lanes.push_back(segment.lanes);
  }
  if (!streams.empty()) {
    wf->flows = std::make_unique<fb::FlowTableT>();
    for (const StreamSpec &stream : streams) {
      wf->flows->input.push_back(b.input_offsets[stream.block] + stream.input);
      wf->flows->chunks.push_back(stream.chunks);
      wf->flows->buffer.push_back(stream.buffer);
    }
  }
  for (uint32_t a = 0; a < body.imports.size(); ++a)
    wf->argument_names.push_back(string("arg" + std::to_string(a)));
  for (uint32_t y = 0; y < body.yields.size(); ++y) {
    wf->result_names.push_back(string("result" + std::to_string(y)));
    const Val &yield = body.yields[y];
    wf->result_types.push_back(
        yield.kind == Val::Import ? body.importTypes[yield.index]
        : yield.kind == Val::Output
            ? body.blocks[yield.index].outputs[yield.output]
            : program.weights->type[yield.index]);
  }
  program.major = 1;
  program.minor = 0;
  program.workflows.clear();
  program.workflows.push_back(std::move(wf));
  builder.Clear();
  builder.Finish(fb::Program::Pack(builder, &program), fb::ProgramIdentifier());
  return *fb::GetProgram(builder.GetBufferPointer());
}

} // namespace octo::test

#endif // OCTO_TEST_UNIT_RUNTIME_TESTPROGRAM_H
