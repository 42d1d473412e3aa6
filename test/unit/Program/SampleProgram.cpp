//===- SampleProgram.cpp - A program with one of everything ---------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Written out by hand, so that it does not rest on the compiler.
//
//===----------------------------------------------------------------------===//

#include "SampleProgram.h"

#include "octo/Program/Distribution.h"
#include "octo/Program/MachineTable.h"
#include "octo/Program/Program.h"
#include "octo/Support/Sha256.h"

using namespace octo;

static constexpr uint32_t none = 0xffffffff;
static constexpr uint32_t weight = 0x80000000;

TargetDesc test::sampleTarget() {
  TargetDesc target;
  target.name = "sample";
  target.clockHz = 1000000000;
  target.clustersPerDie = {2, 2};
  target.tbusPerCluster = 2;
  target.peasPerTbu = 4;
  target.pea.rows = target.pea.cols = 8;
  target.pea.sramBytes = 65536;
  target.pea.layout.assign(4, PeaClass::General);
  target.pea.rates[2] = {64 << 16, 8 << 16, 1 << 16, 1 << 16};
  target.scratchpad = {1 << 20, 32};
  target.configStore = {32768, 8, 16};
  target.dataPlane = {16, 5, 2, 512};
  target.dieLink = {16, 5};
  target.host = {{0, 0}, 16, 16, 100};
  target.hbmPorts = {{{1, 1}, 1 << 30, 64, 100}};
  target.energy.macQ16 = 65536;
  PartRef pea, link;
  pea.cluster = {1, 1};
  pea.unit = 1;
  pea.pea = 3;
  link.kind = PartKind::Link;
  link.cluster = {0, 0};
  link.to = {1, 0};
  target.defects.parts = {pea, link};
  FaultDesc fault;
  fault.cycle = 1000000;
  fault.part.kind = PartKind::Tbu;
  fault.part.cluster = {1, 0};
  fault.part.unit = 1;
  target.faults = {fault};
  return target;
}

namespace {

/// Strings of a program, each once.
struct Strings {
  fb::ProgramT &program;
  uint32_t operator()(const std::string &text) {
    program.strings.push_back(text);
    return uint32_t(program.strings.size() - 1);
  }
};

void addKernel(fb::KernelTableT &kernels, uint32_t name, fb::KernelKind kind,
               std::vector<uint32_t> inputs, std::vector<uint32_t> outputs,
               uint32_t image, fb::Combine combine) {
  if (kernels.variant_offsets.empty()) {
    kernels.variant_offsets.push_back(0);
    kernels.signature_offsets.push_back(0);
  }
  kernels.name.push_back(name);
  kernels.kind.push_back(kind);
  kernels.pea_class.push_back(2);
  kernels.code_bytes.push_back(4096);
  kernels.num_inputs.push_back(uint32_t(inputs.size()));
  kernels.num_outputs.push_back(uint32_t(outputs.size()));
  kernels.num_counters.push_back(0);
  kernels.signature.insert(kernels.signature.end(), inputs.begin(),
                           inputs.end());
  kernels.signature.insert(kernels.signature.end(), outputs.begin(),
                           outputs.end());
  kernels.signature_offsets.push_back(uint32_t(kernels.signature.size()));
  kernels.donated.push_back(0);
  kernels.image.push_back(image);
  kernels.combine.push_back(combine);
  for (uint16_t gang : {1, 2, 4})
    kernels.variants.emplace_back(100, 65536 / gang, 65536 / gang, 65536, 65536,
                                  65536 / gang, 65536 / gang, 16384 / gang,
                                  gang, 0, 0);
  kernels.variant_offsets.push_back(uint32_t(kernels.variants.size()));
}

} // namespace

fb::ProgramT test::sampleProgram() {
  fb::ProgramT program;
  Strings string{program};
  TargetDesc target = sampleTarget();
  program.major = kMajor;
  program.minor = kMinor;
  program.schema_hash = schemaHash();
  program.producer = "test";
  program.machine = makeMachineTable(target);
  program.target_digest = digest(target);
  program.image_cpu = "x86-64-v3";

  // Types: 0 tensor<4xf32>, 1 index, 2 data, 3 tensor<?xf32>.
  program.types = std::make_unique<fb::TypeTableT>();
  program.types->element = {fb::ElementKind::F32, fb::ElementKind::Index,
                            fb::ElementKind::Data, fb::ElementKind::F32};
  program.types->scalar = {false, true, false, false};
  program.types->dim_offsets = {0, 1, 1, 1, 2};
  program.types->dims = {4, -1};

  program.distributions = std::make_unique<fb::DistributionTableT>();
  addDistribution(*program.distributions, Distribution::exponential(10000));
  addDistribution(*program.distributions, Distribution::constant(3));

  auto image = std::make_unique<fb::ImageT>();
  image->symbol = "octo_kernel_0";
  image->object = {1, 2, 3, 4};
  image->digest = sha256Hex(std::string_view("\1\2\3\4", 4));
  program.images.push_back(std::move(image));

  // Kernels: 0 code, 1 profiled, 2 a decision, 3 a join.
  program.kernels = std::make_unique<fb::KernelTableT>();
  fb::KernelTableT &kernels = *program.kernels;
  addKernel(kernels, string("body"), fb::KernelKind::Image, {0}, {0}, 0,
            fb::Combine::None);
  addKernel(kernels, string("profiled"), fb::KernelKind::Profiled, {}, {}, none,
            fb::Combine::None);
  addKernel(kernels, string("decide"), fb::KernelKind::Image, {0}, {1}, none,
            fb::Combine::None);
  addKernel(kernels, string("join"), fb::KernelKind::Join, {}, {}, none,
            fb::Combine::Add);
  kernels.num_counters[0] = 1;
  kernels.donated[0] = 1;
  kernels.work = std::make_unique<fb::WorkTableT>();
  kernels.work->term_offsets = {0, 2, 2, 2, 2};
  kernels.work->work_class = {fb::WorkClass::Mac, fb::WorkClass::Scalar};
  kernels.work->coefficient = {16, 3};
  kernels.work->symbol_offsets = {0, 1, 2};
  kernels.work->symbols = {0, 0x80000000};
  // The decision has one phase: m = ceildiv(dim(0, 0), 2), vector = dim(0, 0),
  // load = 4 * dim(0, 0).
  kernels.phases = std::make_unique<fb::PhaseTableT>();
  fb::PhaseTableT &phases = *kernels.phases;
  phases.phase_offsets = {0, 0, 0, 1, 1};
  phases.kind = {fb::PhaseKind::Vector};
  phases.name = {string("arith.addf")};
  phases.size_offsets = {0, 0, 0, 1, 1};
  phases.size_kind = {fb::SizeKind::CeilDiv};
  phases.symbol_offsets = {0};
  phases.form_offsets = {0};
  auto form = [&](std::vector<std::pair<int64_t, std::vector<uint32_t>>> terms) {
    for (auto &[coefficient, symbols] : terms) {
      phases.coefficient.push_back(coefficient);
      phases.symbols.insert(phases.symbols.end(), symbols.begin(),
                            symbols.end());
      phases.symbol_offsets.push_back(uint32_t(phases.symbols.size()));
    }
    phases.form_offsets.push_back(uint32_t(phases.coefficient.size()));
  };
  for (unsigned i = 0; i < 16; ++i)
    switch (i) {
    case 1:
      form({{1, {0x40000000}}});
      break;
    case 6:
      form({{1, {0}}});
      break;
    case 9:
      form({{4, {0}}});
      break;
    default:
      i < 5 ? form({{1, {}}}) : form({});
    }
  form({{1, {0}}});
  form({{2, {}}});
  kernels.mapping_offsets.push_back(0);
  for (uint32_t v = 0; v < kernels.variants.size(); ++v) {
    if (v >= kernels.variant_offsets[2] && v < kernels.variant_offsets[3])
      kernels.mappings.push_back(
          fb::PhaseMapping(0, 0, 0, 1, kernels.variants[v].gang(), 1, 1,
                           fb::Dataflow::None, 0, 0));
    kernels.mapping_offsets.push_back(uint32_t(kernels.mappings.size()));
  }

  program.weights = std::make_unique<fb::WeightTableT>();
  fb::WeightTableT &weights = *program.weights;
  std::string data(16, '\7');
  weights.data.assign(data.begin(), data.end());
  weights.name = {string("seeded"), string("inline"), string("external")};
  weights.type = {0, 0, 0};
  weights.bytes = {16, 16, 16};
  weights.source = {fb::WeightSource::Seed, fb::WeightSource::Inline,
                    fb::WeightSource::File};
  weights.seed = {7, 0, 0};
  weights.scale = {0.5, 0, 0};
  weights.path = {none, none, string("external.bin")};
  weights.digest = {none, string(sha256Hex(data)), string(sha256Hex("file"))};
  weights.data_offset = {0, 0, 0};

  auto workflow = std::make_unique<fb::WorkflowT>();
  workflow->name = "sample";
  workflow->argument_names = {string("x"), string("count")};
  workflow->result_names = {string("y")};
  workflow->result_types = {0};

  // Regions: 0 body; 1, 2 cases; 3, 4 members; 5 before, 6 after; 7 each.
  workflow->regions = std::make_unique<fb::RegionTableT>();
  fb::RegionTableT &regions = *workflow->regions;
  using Role = fb::RegionRole;
  regions.role = {Role::Body,   Role::Case,   Role::Case,  Role::Member,
                  Role::Member, Role::Before, Role::After, Role::Each};
  regions.owner = {none, 2, 2, 3, 3, 4, 4, 5};
  regions.block_begin = {0, 8, 9, 9, 10, 10, 10, 11, 12};
  regions.value_begin = {0, 10, 12, 13, 15, 16, 17, 20, 23};
  regions.num_imports = {2, 1, 1, 1, 1, 1, 2, 2};
  regions.import_offsets = {0, 2, 3, 4, 5, 6, 7, 9, 11};
  regions.imports = {0, 1, 1, 0, 1, 1, 0, 0x80000000, 1, 2, 0x40000000};
  regions.yield_offsets = {0, 1, 2, 3, 4, 5, 7, 8, 9};
  regions.yields = {9, 11, 12, 14, weight, 16, 16, 19, 22};

  workflow->values = std::make_unique<fb::ValueTableT>();
  workflow->values->type.assign(23, 0);
  workflow->values->type[1] = 1;
  workflow->values->type[21] = 1;
  workflow->values->bytes.assign(23, 16);

  workflow->blocks = std::make_unique<fb::BlockTableT>();
  fb::BlockTableT &blocks = *workflow->blocks;
  using Kind = fb::BlockKind;
  struct Block {
    Kind kind;
    uint32_t region;
    const char *path;
    std::vector<uint32_t> inputs;
    uint32_t output, kernel, regionBegin, profile, decide, join;
  };
  const Block table[] = {
      {Kind::Task, 0, "sample/prepare", {0}, 2, 0, 1, none, 0, none},
      {Kind::Task, 0, "sample/embed", {2}, 3, 1, 1, 0, 0, none},
      {Kind::Switch, 0, "sample/route", {2, 3}, 4, 2, 1, 1, 1, none},
      {Kind::Select, 0, "sample/experts", {3, 4}, 5, none, 3, 2, 0, 3},
      {Kind::Loop, 0, "sample/refine", {5, 4}, 6, 2, 5, 3, 1, none},
      {Kind::Fanout, 0, "sample/objects", {1, 6, 6}, 7, none, 7, none, 1, 3},
      {Kind::Task, 0, "sample/bias", {weight | 1}, 8, 0, 8, none, 0, none},
      {Kind::Task, 0, "sample/merge", {7, 8}, 9, 1, 8, 0, 0, none},
      {Kind::Task, 1, "sample/route/0/hard", {10}, 11, 0, 8, none, 0, none},
      {Kind::Task, 3, "sample/experts/0/a", {13}, 14, 1, 8, 0, 0, none},
      {Kind::Task, 6, "sample/refine/step", {17, 18}, 19, 1, 8, 0, 0, none},
      {Kind::Task, 7, "sample/objects/one", {20}, 22, 1, 8, 0, 0, none},
  };
  blocks.input_offsets = {0};
  uint32_t file = string("sample.mlir"), line = 10;
  for (const Block &block : table) {
    blocks.kind.push_back(block.kind);
    blocks.region.push_back(block.region);
    blocks.path.push_back(string(block.path));
    blocks.inputs.insert(blocks.inputs.end(), block.inputs.begin(),
                         block.inputs.end());
    blocks.input_offsets.push_back(uint32_t(blocks.inputs.size()));
    blocks.output_begin.push_back(block.output);
    blocks.kernel.push_back(block.kernel);
    blocks.decide_inputs.push_back(uint16_t(block.decide));
    blocks.join_kernel.push_back(block.join);
    blocks.region_begin.push_back(block.regionBegin);
    blocks.profile.push_back(block.profile);
    blocks.bound.push_back(block.kind == Kind::Loop ? 100 : 0);
    blocks.source_file.push_back(file);
    blocks.source_line.push_back(line++);
    blocks.source_column.push_back(3);
  }
  blocks.output_begin.push_back(23);
  blocks.region_begin.push_back(8);

  // Profiles: 0 cycles, 1 cases, 2 members, 3 trips that drift.
  workflow->profiles = std::make_unique<fb::ProfileTableT>();
  fb::ProfileTableT &profiles = *workflow->profiles;
  profiles.epoch_offsets = {0, 1, 2, 3, 5};
  profiles.first_request = {0, 0, 0, 0, 1000};
  profiles.distribution = {0, none, none, 1, 0};
  profiles.frequency_offsets = {0, 0, 2, 4, 4, 4};
  profiles.frequencies = {uint64_t(3) << 30, uint64_t(1) << 30,
                          uint64_t(1) << 31, uint64_t(1) << 32};

  // Task blocks take a TBU each in turn, block 0 two of them.
  workflow->placement = std::make_unique<fb::PlacementTableT>();
  fb::PlacementTableT &placement = *workflow->placement;
  placement.replica_offsets = {0};
  for (uint32_t b = 0; b < std::size(table); ++b) {
    bool task = table[b].kind == Kind::Task;
    placement.replicas.emplace_back(b % 4, task ? b / 4 % 2 : 0, 0,
                                    task ? 3 : 0, task ? 3 : 0, task ? 8192 : 0,
                                    false);
    if (b == 0) {
      placement.replicas.emplace_back(3, 1, 0, 4, 3, 8192, false);
      placement.replicas.emplace_back(2, 1, 0, 4, 4, 8192, true);
    }
    placement.replica_offsets.push_back(uint32_t(placement.replicas.size()));
    placement.routing.push_back(fb::Routing::ByRequest);
  }

  workflow->segments = std::make_unique<fb::SegmentTableT>();
  fb::SegmentTableT &segments = *workflow->segments;
  segments.region = {0};
  segments.slot_offsets = {0, 2};
  segments.slots = {fb::Slot(0, 0, 0, 100), fb::Slot(1, 0, 110, 200)};
  segments.initiation_interval = {200};
  segments.lanes = {1};
  workflow->flows = std::make_unique<fb::FlowTableT>();
  workflow->flows->input = {1};
  workflow->flows->chunks = {8};
  workflow->flows->buffer = {2};

  workflow->policy = std::make_unique<fb::PolicyTableT>();
  fb::PolicyTableT &policy = *workflow->policy;
  policy.version = 1;
  policy.successors_hint_offsets = {0};
  uint32_t reason = string("profiled with one value");
  for (uint32_t b = 0; b < std::size(table); ++b) {
    policy.dynamic_time.push_back(table[b].kernel == 1);
    policy.dynamic_frequency.push_back(table[b].region != 0);
    policy.reason.push_back(b ? none : reason);
    policy.priority.push_back(1000 - b);
    policy.expected_cycles.push_back(10000);
    policy.expected_cycles_p95.push_back(30000);
    policy.expected_count_q16.push_back(65536);
    if (b + 1 < std::size(table))
      policy.successors_hint.push_back(b + 1);
    policy.successors_hint_offsets.push_back(
        uint32_t(policy.successors_hint.size()));
  }
  policy.epoch_cycles = 100000;
  policy.age_cycles = 5000;

  workflow->decisions = std::make_unique<fb::DecisionTableT>();
  workflow->decisions->block = {0, 1};
  workflow->decisions->kind = {fb::DecisionKind::Home, fb::DecisionKind::Share};
  workflow->decisions->candidate_offsets = {0, 1, 2};
  workflow->decisions->candidates = {
      fb::Candidate(0, 0, 4, 10, fb::Rejection::Chosen),
      fb::Candidate(1, 0, 4, -5, fb::Rejection::Worse)};
  workflow->request_path = std::make_unique<fb::RequestPathT>();
  fb::RequestPathT &path = *workflow->request_path;
  path.cycles = 60000;
  path.deviation = 9000;
  path.tail = 95000;
  path.tail_per_million = 990000;
  path.samples = 4096;
  program.workflows.push_back(std::move(workflow));
  return program;
}

fb::ProgramT test::chainProgram(uint32_t chain) {
  fb::ProgramT program = sampleProgram();
  TargetDesc target = sampleTarget();
  target.clustersPerDie = {32, 32};
  target.defects = {};
  target.faults = {};
  program.machine = makeMachineTable(target);
  program.target_digest = digest(target);
  fb::WorkflowT &workflow = *program.workflows[0];
  workflow.result_names.clear();
  workflow.argument_names.clear();
  workflow.segments = std::make_unique<fb::SegmentTableT>();
  workflow.flows.reset();
  workflow.decisions.reset();
  workflow.request_path.reset();

  fb::RegionTableT &regions = *workflow.regions;
  regions.role = {fb::RegionRole::Body};
  regions.owner = {none};
  regions.block_begin = {0, chain};
  regions.value_begin = {0, chain + 1};
  regions.num_imports = {1};
  regions.import_offsets = {0, 1};
  regions.imports = {0};
  regions.yield_offsets = {0, 1};
  regions.yields = {chain};
  workflow.values->type.assign(chain + 1, 0);
  workflow.values->bytes.assign(chain + 1, 16);

  fb::BlockTableT &blocks = *workflow.blocks;
  blocks = {};
  fb::PlacementTableT &placement = *workflow.placement;
  placement = {};
  fb::SegmentTableT &segments = *workflow.segments;
  segments.region = {0};
  segments.slot_offsets = {0, chain};
  segments.initiation_interval = {uint64_t(chain) * 10};
  segments.lanes = {1};
  blocks.input_offsets = {0};
  blocks.region_begin = {1};
  blocks.output_begin = {1};
  placement.replica_offsets = {0};
  for (uint32_t b = 0; b < chain; ++b) {
    blocks.kind.push_back(fb::BlockKind::Task);
    blocks.region.push_back(0);
    program.strings.push_back(fmt::format("chain/task{}", b));
    blocks.path.push_back(uint32_t(program.strings.size() - 1));
    blocks.inputs.push_back(b);
    blocks.input_offsets.push_back(b + 1);
    blocks.output_begin.push_back(b + 2);
    blocks.kernel.push_back(1);
    blocks.region_begin.push_back(1);
    blocks.profile.push_back(0);
    placement.replicas.emplace_back(b % 1024, b / 1024 % 2, 0, 4, 4, 64, false);
    placement.replica_offsets.push_back(b + 1);
    segments.slots.emplace_back(b, 0, uint64_t(b) * 10, 10);
  }
  fb::PolicyTableT &policy = *workflow.policy;
  policy = {};
  policy.priority.assign(chain, 1);
  policy.expected_cycles.assign(chain, 10000);
  return program;
}

std::vector<uint8_t> test::pack(fb::ProgramT &program) {
  flatbuffers::FlatBufferBuilder builder;
  fb::FinishProgramBuffer(builder, fb::Program::Pack(builder, &program));
  return {builder.GetBufferPointer(),
          builder.GetBufferPointer() + builder.GetSize()};
}
