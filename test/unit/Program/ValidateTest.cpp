//===- ValidateTest.cpp - Every violation has its message -----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The sample program, broken in one place at a time.
//
//===----------------------------------------------------------------------===//

#include "SampleProgram.h"

#include "octo/Program/Program.h"

#include "gtest/gtest.h"

#include <functional>

using namespace octo;

namespace {

constexpr uint32_t none = 0xffffffff;

struct Violation {
  const char *message;
  std::function<void(fb::ProgramT &)> breakIt;
};

/// Shorthands for the tables of the only workflow.
fb::WorkflowT &flow(fb::ProgramT &p) { return *p.workflows[0]; }
fb::RegionTableT &regions(fb::ProgramT &p) { return *flow(p).regions; }
fb::BlockTableT &blocks(fb::ProgramT &p) { return *flow(p).blocks; }
fb::ProfileTableT &profiles(fb::ProgramT &p) { return *flow(p).profiles; }
fb::PlacementTableT &placement(fb::ProgramT &p) { return *flow(p).placement; }
fb::SegmentTableT &segments(fb::ProgramT &p) { return *flow(p).segments; }
fb::PolicyTableT &policy(fb::ProgramT &p) { return *flow(p).policy; }

void expectViolations(const std::vector<Violation> &violations) {
  for (const Violation &violation : violations) {
    fb::ProgramT program = test::sampleProgram();
    violation.breakIt(program);
    std::vector<uint8_t> bytes = test::pack(program);
    Expected<Program> result = parseProgram(bytes, "broken.octo");
    if (result) {
      ADD_FAILURE() << "accepted, though: " << violation.message;
      continue;
    }
    EXPECT_EQ(result.error().file, "broken.octo");
    EXPECT_NE(result.error().message.find(violation.message), std::string::npos)
        << "expected: " << violation.message
        << "\n   found: " << result.error().message;
  }
}

using P = fb::ProgramT;

TEST(Validate, TheSampleIsValid) {
  fb::ProgramT program = test::sampleProgram();
  Expected<Program> result = parseProgram(test::pack(program), "sample.octo");
  ASSERT_TRUE(result) << result.error().str();
}

TEST(Validate, Machine) {
  auto link = [](P &p, uint32_t from, uint32_t to) {
    p.machine->dead_links = {fb::LinkId(from, to), fb::LinkId(to, from)};
  };
  expectViolations({
      {"a count of dies, clusters, TBUs or PEAs is 0",
       [](P &p) { p.machine->tbus = 0; }},
      {"more than 4194304 PEAs", [](P &p) { p.machine->clusters_x = 4000000; }},
      {"65 PEAs a TBU; the most is 64", [](P &p) { p.machine->peas = 65; }},
      {"expected rates of 3 PEA classes, found 2",
       [](P &p) { p.machine->rates.pop_back(); }},
      {"the host port is at cluster 4 of 4",
       [](P &p) { p.machine->host_cluster = 4; }},
      {"HBM port 0 is at cluster 9 of 4",
       [](P &p) { p.machine->hbm[0].mutate_cluster(9); }},
      {"dead PEA 32 is beyond the last one",
       [](P &p) { p.machine->dead_peas = {32}; }},
      {"dead PEA 3 is out of ascending order",
       [](P &p) { p.machine->dead_peas = {4, 3}; }},
      {"both directions of each must be listed",
       [](P &p) { p.machine->dead_links.pop_back(); }},
      {"dead link 0 joins clusters 0 and 7 of 4", [&](P &p) { link(p, 0, 7); }},
      {"dead link 0 from cluster 0 to 1 is not followed by its other direction",
       [](P &p) { p.machine->dead_links[1] = fb::LinkId(0, 1); }},
      {"clusters (0, 0) and (1, 1) are not neighbours",
       [&](P &p) { link(p, 0, 3); }},
      {"fault 0 is of unknown kind 99",
       [](P &p) {
         p.machine->faults[0] = fb::FaultEvent(1, 0, 0, fb::FaultKind(99));
       }},
      {"fault 0 names unit 8 of 8",
       [](P &p) { p.machine->faults[0].mutate_unit(8); }},
      {"after a fault at cycle 1000000",
       [](P &p) {
         p.machine->faults.push_back(
             fb::FaultEvent(5, 0, 0, fb::FaultKind::Pea));
       }},
      {"machine: `pea.sram`: expected an integer from 1",
       [](P &p) { p.machine->pea_sram = 0; }},
      {"target_digest does not belong to the machine",
       [](P &p) { p.machine->hop_cycles += 1; }},
  });
}

TEST(Validate, Types) {
  expectViolations({
      {"types.element[0] is 77; the last kind is",
       [](P &p) { p.types->element[0] = fb::ElementKind(77); }},
      {"types.scalar has 3 entries for 4 items",
       [](P &p) { p.types->scalar.pop_back(); }},
      {"types.dim_offsets has 4 entries for 4 items",
       [](P &p) { p.types->dim_offsets.pop_back(); }},
      {"types.dim_offsets[0] is 1; expected 0",
       [](P &p) { p.types->dim_offsets[0] = 1; }},
      {"types.dim_offsets[2] is 0, below the entry before it",
       [](P &p) { p.types->dim_offsets[2] = 0; }},
      {"types.dim_offsets[4] is 2, but its pool has 3 entries",
       [](P &p) { p.types->dims.push_back(1); }},
      {"types.scalar[0] is set for a type of rank 1",
       [](P &p) { p.types->scalar[0] = true; }},
      {"types.element[3] is data or a token and has dimensions",
       [](P &p) { p.types->element[3] = fb::ElementKind::Token; }},
      {"types.dims[1] is -2", [](P &p) { p.types->dims[1] = -2; }},
      {"types.element[3] has rank 256; the most is 255",
       [](P &p) {
         p.types->dims.resize(257, 1);
         p.types->dim_offsets[4] = 257;
       }},
  });
}

TEST(Validate, Distributions) {
  expectViolations({
      {"distributions.knot_offsets has 3 entries for 1 items",
       [](P &p) { p.distributions->discrete.pop_back(); }},
      {"distributions.x has", [](P &p) { p.distributions->x.pop_back(); }},
      {"curve 1 has no knots",
       [](P &p) {
         auto &d = *p.distributions;
         d.u.pop_back(), d.x.pop_back();
         --d.knot_offsets[2];
       }},
      {"curve 1 starts at draw 5; expected 0",
       [](P &p) { p.distributions->u.back() = 5; }},
      {"curve 0: the draws of knots 2 and 3 do not ascend",
       [](P &p) { p.distributions->u[3] = p.distributions->u[2]; }},
      {"curve 0: the values of knots 2 and 3 descend",
       [](P &p) { p.distributions->x[3] = p.distributions->x[2] - 1; }},
      {"distributions.curve has 1 entries for 2 items",
       [](P &p) { p.distributions->curve.pop_back(); }},
      {"distributions.shift has 1 entries for 2 items",
       [](P &p) { p.distributions->shift.pop_back(); }},
      {"distributions.scale has 1 entries for 2 items",
       [](P &p) { p.distributions->scale.pop_back(); }},
      {"distributions.curve[1] is 2, but there are 2 curves",
       [](P &p) { p.distributions->curve[1] = 2; }},
      {"distribution 1 has the negative value -1",
       [](P &p) { p.distributions->x.back() = -1; }},
      {"distribution 0 has the scale 9223372036854775809; expected at most "
       "2^63",
       [](P &p) { p.distributions->scale[0] = (uint64_t(1) << 63) + 1; }},
      {"distribution 1 has values of 2^63 and more: scale 9223372036854775808 "
       "and shift 0 of x up to 1099511627776",
       [](P &p) {
         p.distributions->x.back() = int64_t(1) << 40;
         p.distributions->scale[1] = uint64_t(1) << 63;
       }},
  });
}

TEST(Validate, Images) {
  expectViolations({
      {"image 0 has no symbol", [](P &p) { p.images[0]->symbol.clear(); }},
      {"image 0 ('octo_kernel_0') does not have the SHA-256 that it states",
       [](P &p) { p.images[0]->object[2] ^= 1; }},
      {"the program has images but no image_cpu",
       [](P &p) { p.image_cpu.clear(); }},
  });
}

TEST(Validate, Kernels) {
  expectViolations({
      {"kernels.kind[1] is 9",
       [](P &p) { p.kernels->kind[1] = fb::KernelKind(9); }},
      {"kernels.combine[1] is 9",
       [](P &p) { p.kernels->combine[1] = fb::Combine(9); }},
      {"kernels.name has 3 entries for 4 items",
       [](P &p) { p.kernels->name.pop_back(); }},
      {"kernels.name[0] is 5000, but there are",
       [](P &p) { p.kernels->name[0] = 5000; }},
      {"kernels.pea_class[0] is 3, but there are 3 PEA classes",
       [](P &p) { p.kernels->pea_class[0] = 3; }},
      {"kernels.signature[0] is 4, but there are 4 types",
       [](P &p) { p.kernels->signature[0] = 4; }},
      {"kernel 0 ('body') has 2 types for 2 inputs and 1 outputs",
       [](P &p) { p.kernels->num_inputs[0] = 2; }},
      {"kernel 0 ('body') donates an input beyond its 1",
       [](P &p) { p.kernels->donated[0] = 2; }},
      {"kernels.image[0] is 1, but there are 1 images",
       [](P &p) { p.kernels->image[0] = 1; }},
      {"kernel 1 ('profiled') has an image, but its kind has none",
       [](P &p) { p.kernels->image[1] = 0; }},
      {"kernel 1 ('profiled') is Profiled and combines by Add",
       [](P &p) { p.kernels->combine[1] = fb::Combine::Add; }},
      {"kernel 3 ('join') is Join and combines by None",
       [](P &p) { p.kernels->combine[3] = fb::Combine::None; }},
      {"kernel 0 ('body') has 64.0 KiB of code, but the configuration store of "
       "a TBU of 'sample' holds 32.0 KiB",
       [](P &p) { p.kernels->code_bytes[0] = 65536; }},
      {"kernel 0 ('body') has no variant",
       [](P &p) { p.kernels->variant_offsets[1] = 0; }},
      {"kernel 0 ('body') has variants of 2 after 0 PEAs",
       [](P &p) { p.kernels->variants[0].mutate_gang(2); }},
      {"kernel 0 ('body') has variants of 1 after 1 PEAs",
       [](P &p) { p.kernels->variants[1].mutate_gang(1); }},
      {"kernel 0 ('body') has a variant for 8 PEAs, but a TBU of 'sample' has "
       "4; compile for this machine",
       [](P &p) { p.kernels->variants[2].mutate_gang(8); }},
      {"kernel 0 ('body') needs 97.7 KiB of SRAM in each PEA of a gang of 4, "
       "but a PEA of 'sample' has 64.0 KiB",
       [](P &p) {
         for (unsigned i = 0; i < 3; ++i)
           p.kernels->variants[i].mutate_footprint(100000);
       }},
      {"kernels.work.term_offsets has 2 entries for 4 items",
       [](P &p) { p.kernels->work->term_offsets.resize(2); }},
      {"kernels.work.work_class[0] is 12",
       [](P &p) { p.kernels->work->work_class[0] = fb::WorkClass(12); }},
      {"the work of kernel 0 ('body') uses counter 1 of 1",
       [](P &p) { p.kernels->work->symbols[1] = 0x80000001; }},
      {"the work of kernel 0 ('body') uses input 1 of 1",
       [](P &p) { p.kernels->work->symbols[0] = 1 << 8; }},
      {"the work of kernel 0 ('body') uses dimension 1 of input 0, which has "
       "rank 1",
       [](P &p) { p.kernels->work->symbols[0] = 1; }},
  });
}

TEST(Validate, Phases) {
  expectViolations({
      {"kernels.phases.kind[0] is 9; the last kind is 4",
       [](P &p) { p.kernels->phases->kind[0] = fb::PhaseKind(9); }},
      {"kernels.phases.size_kind[0] is 4; the last kind is 3",
       [](P &p) { p.kernels->phases->size_kind[0] = fb::SizeKind(4); }},
      {"kernels.phases.phase_offsets[4] is 0, below the entry before it",
       [](P &p) { p.kernels->phases->phase_offsets[4] = 0; }},
      {"kernels.phases.name has 2 entries for 1 items",
       [](P &p) { p.kernels->phases->name.push_back(0); }},
      {"kernels.phases.name[0] is 100000, but there are",
       [](P &p) { p.kernels->phases->name[0] = 100000; }},
      {"kernels.phases.size_offsets has 1 entries for 4 items",
       [](P &p) { p.kernels->phases->size_offsets.resize(1); }},
      {"kernels.phases.form_offsets has 18 entries for 18 items",
       [](P &p) { p.kernels->phases->form_offsets.pop_back(); }},
      {"kernels.phases.symbol_offsets has",
       [](P &p) { p.kernels->phases->symbol_offsets.pop_back(); }},
      {"kernel 0 ('body') has both phases and terms of work",
       [](P &p) {
         p.kernels->phases->phase_offsets = {0, 1, 1, 1, 1};
         p.kernels->phases->size_offsets = {0, 1, 1, 1, 1};
       }},
      {"the work of kernel 2 ('decide') uses counter 0 of 0",
       [](P &p) { p.kernels->phases->symbols[1] = 0x80000000; }},
      {"the work of kernel 2 ('decide') uses dimension 3 of input 0, which has "
       "rank 1",
       [](P &p) { p.kernels->phases->symbols[1] = 3; }},
      {"the work of kernel 2 ('decide') uses size 1 where 1 are known",
       [](P &p) { p.kernels->phases->symbols[0] = 0x40000001; }},
      // A size may name those before it only.
      {"the work of kernel 2 ('decide') uses size 0 where 0 are known",
       [](P &p) { p.kernels->phases->symbols[3] = 0x40000000; }},
      {"kernels.mapping_offsets has 2 entries",
       [](P &p) { p.kernels->mapping_offsets.resize(2); }},
      {"a variant of kernel 2 ('decide') has 3 mappings for 1 phases",
       [](P &p) {
         std::vector<uint32_t> &offsets = p.kernels->mapping_offsets;
         uint32_t first = p.kernels->variant_offsets[2];
         offsets[first + 1] = offsets[first + 2] = 3;
       }},
      {"a mapping of kernel 2 ('decide') has dataflow 7; the last one is 3",
       [](P &p) {
         p.kernels->mappings[0].mutate_dataflow(fb::Dataflow(7));
       }},
      {"a mapping of kernel 2 ('decide') has 1 x 0 x 1 x 1 parts for a gang of "
       "1 PEAs",
       [](P &p) { p.kernels->mappings[0].mutate_parts_m(0); }},
      {"a mapping of kernel 2 ('decide') has 1 x 2 x 65535 x 1 parts for a gang "
       "of 2 PEAs",
       [](P &p) { p.kernels->mappings[1].mutate_parts_n(65535); }},
  });
}

TEST(Validate, Weights) {
  expectViolations({
      {"weights.source[0] is 7",
       [](P &p) { p.weights->source[0] = fb::WeightSource(7); }},
      {"weights.type[0] is 4, but there are 4 types",
       [](P &p) { p.weights->type[0] = 4; }},
      {"weight 'seeded' states 20 bytes, which its type does not have",
       [](P &p) { p.weights->bytes[0] = 20; }},
      {"weight 'seeded' states 16 bytes, which its type does not have",
       [](P &p) { p.weights->type[0] = 3; }},
      {"weight 'seeded' has 16.0 MiB, but the scratchpad of a cluster of "
       "'sample' holds 1.0 MiB",
       [](P &p) {
         p.types->dims[0] = 4 << 20;
         for (uint64_t &bytes : p.weights->bytes)
           bytes = 16 << 20;
       }},
      {"weight 'seeded' has scale -1", [](P &p) { p.weights->scale[0] = -1; }},
      {"weight 'seeded' has scale inf",
       [](P &p) { p.weights->scale[0] = 1 / 0.0; }},
      {"weight 'external' lies in a file but has no path or no SHA-256",
       [](P &p) { p.weights->path[2] = none; }},
      {"weight 'external' lies in a file but has no path or no SHA-256",
       [](P &p) { p.weights->digest[2] = p.weights->name[0]; }},
      {"weight 'inline' takes bytes 8 to 24 of data that has 16",
       [](P &p) { p.weights->data_offset[1] = 8; }},
      {"weight 'inline' does not have the SHA-256 that it states",
       [](P &p) { p.weights->data[3] ^= 1; }},
      {"weights.path[2] is 9999", [](P &p) { p.weights->path[2] = 9999; }},
      {"the weights have 48 bytes together, but the HBM ports of 'sample' have "
       "32 bytes",
       [](P &p) {
         p.machine->hbm[0].mutate_bytes(32);
         p.target_digest.clear();
       }},
  });
}

TEST(Validate, WorkflowsAndInterface) {
  expectViolations({
      {"the program has no workflow", [](P &p) { p.workflows.clear(); }},
      {"workflow '' appears twice or has no name",
       [](P &p) { flow(p).name.clear(); }},
      {"workflow 'sample' appears twice or has no name",
       [](P &p) {
         p.workflows.push_back(std::move(test::sampleProgram().workflows[0]));
       }},
      {"argument_names has 1 entries for 2 items",
       [](P &p) { flow(p).argument_names.pop_back(); }},
      {"argument_names[0] is 9999",
       [](P &p) { flow(p).argument_names[0] = 9999; }},
      {"result_names[0] is 9999", [](P &p) { flow(p).result_names[0] = 9999; }},
      {"result_types has 0 entries for 1 items",
       [](P &p) { flow(p).result_types.clear(); }},
      {"result_types[0] is 4", [](P &p) { flow(p).result_types[0] = 4; }},
      {"values.bytes has 22 entries for 23 items",
       [](P &p) { flow(p).values->bytes.pop_back(); }},
      {"values.type[5] is 4", [](P &p) { flow(p).values->type[5] = 4; }},
      {"values.bytes_distribution[0] is 2, but there are 2 distributions",
       [](P &p) { flow(p).values->bytes_distribution.assign(23, 2); }},
  });
}

TEST(Validate, Regions) {
  expectViolations({
      {"regions.role[1] is 9",
       [](P &p) { regions(p).role[1] = fb::RegionRole(9); }},
      {"regions.owner has 7 entries for 8 items",
       [](P &p) { regions(p).owner.pop_back(); }},
      {"regions.block_begin[8] is 11, but its pool has 12 entries",
       [](P &p) { regions(p).block_begin[8] = 11; }},
      {"regions.num_imports[1] is 2, but the region has 1 imports",
       [](P &p) { regions(p).num_imports[1] = 2; }},
      {"regions.num_imports[2] is 2, but the region has 1 values",
       [](P &p) {
         regions(p).num_imports[2] = 2;
         for (unsigned r = 3; r < 9; ++r)
           ++regions(p).import_offsets[r];
         regions(p).imports.insert(regions(p).imports.begin() + 3, 0);
       }},
      {"it has no regions", [](P &p) { regions(p) = {}; }},
      {"it has 8 regions and no block",
       [](P &p) {
         blocks(p) = {};
         regions(p).block_begin.assign(9, 0);
       }},
      {"region 0 is not a body without an owner",
       [](P &p) { regions(p).role[0] = fb::RegionRole::Case; }},
      {"region 0 is not a body without an owner",
       [](P &p) { regions(p).owner[0] = 2; }},
      {"block 8 states region 2, but region 1 lists it",
       [](P &p) { blocks(p).region[8] = 2; }},
      {"blocks.region_begin goes from 0 to 8; expected 1 to 8",
       [](P &p) { blocks(p).region_begin[0] = 0; }},
      {"blocks.region_begin[2] is below the entry before it",
       [](P &p) { blocks(p).region_begin[2] = 0; }},
      {"blocks.region_begin[4] is below the entry before it",
       [](P &p) { blocks(p).region_begin[3] = 40; }},
      {"region 1 states owner 3, but block 2 lists it",
       [](P &p) { regions(p).owner[1] = 3; }},
      {"region 1 is a second body",
       [](P &p) { regions(p).role[1] = fb::RegionRole::Body; }},
      {"region 6 comes before region 6, in which its owner is",
       [](P &p) {
         // Block 10, in region 6, owns region 6 itself.
         blocks(p).region_begin = {1, 1, 1, 3, 5, 6, 6, 6, 6, 6, 6, 8, 8};
         regions(p).owner[6] = regions(p).owner[7] = 10;
       }},
      {"region 1 yields 12, which is neither a value of it nor a weight",
       [](P &p) { regions(p).yields[1] = 12; }},
      {"region 4 yields 2147483651, which is neither",
       [](P &p) { regions(p).yields[4] = 0x80000003; }},
      {"import 0 of region 1 is input 2 of 2",
       [](P &p) { regions(p).imports[2] = 2; }},
      {"import 0 of region 0 is input 5 of 2",
       [](P &p) { regions(p).imports[0] = 5; }},
      {"import 0 of region 1 is forwarded value 0, which there is not",
       [](P &p) { regions(p).imports[2] = 0x80000000; }},
      {"import 0 of region 6 is forwarded value 1, which there is not",
       [](P &p) { regions(p).imports[7] = 0x80000001; }},
      {"import 0 of region 1 is a copy's index, which there is not",
       [](P &p) { regions(p).imports[2] = 0x40000000; }},
      {"import 1 of region 7 is a copy's index, which there is not",
       [](P &p) { regions(p).imports[10] = 0x40000001; }},
  });
}

TEST(Validate, NestingIsBounded) {
  // A switch within a case within a switch ...
  auto nested = [](uint32_t depth) {
    fb::ProgramT p = test::sampleProgram();
    flow(p).argument_names.clear();
    flow(p).result_names.clear();
    flow(p).decisions.reset();
    segments(p) = {};
    flow(p).flows.reset();
    policy(p) = {};
    profiles(p) = {};
    profiles(p).epoch_offsets = {0, 1};
    profiles(p).first_request = {0};
    profiles(p).frequency_offsets = {0, 1};
    profiles(p).frequencies = {uint64_t(1) << 32};
    regions(p) = {};
    blocks(p) = {};
    placement(p) = {};
    regions(p).import_offsets = {0};
    regions(p).yield_offsets = {0};
    regions(p).value_begin = {0};
    regions(p).block_begin = {0};
    placement(p).replica_offsets = {0};
    blocks(p).input_offsets = {0};
    for (uint32_t r = 0; r <= depth; ++r) {
      bool last = r == depth;
      regions(p).role.push_back(r ? fb::RegionRole::Case
                                  : fb::RegionRole::Body);
      regions(p).owner.push_back(r ? r - 1 : none);
      regions(p).num_imports.push_back(1);
      regions(p).imports.push_back(0);
      regions(p).import_offsets.push_back(r + 1);
      regions(p).block_begin.push_back(last ? r : r + 1);
      regions(p).value_begin.push_back(last ? 2 * r + 1 : 2 * r + 2);
      regions(p).yields.push_back(last ? 2 * r : 2 * r + 1);
      regions(p).yield_offsets.push_back(r + 1);
      if (last)
        break;
      blocks(p).kind.push_back(fb::BlockKind::Switch);
      blocks(p).region.push_back(r);
      blocks(p).path.push_back(0);
      blocks(p).inputs.push_back(2 * r);
      blocks(p).input_offsets.push_back(r + 1);
      blocks(p).output_begin.push_back(2 * r + 1);
      blocks(p).kernel.push_back(none);
      blocks(p).region_begin.push_back(r + 1);
      blocks(p).profile.push_back(0);
      placement(p).replicas.emplace_back(0, 0, 0, 0, 0, 0, false);
      placement(p).replica_offsets.push_back(r + 1);
    }
    blocks(p).output_begin.push_back(2 * depth + 1);
    blocks(p).region_begin.push_back(depth + 1);
    flow(p).values->type.assign(2 * depth + 1, 0);
    flow(p).values->bytes.assign(2 * depth + 1, 16);
    return parseProgram(test::pack(p), "nested");
  };
  Expected<Program> allowed = nested(200);
  EXPECT_TRUE(allowed) << allowed.error().str();
  Expected<Program> refused = nested(201);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find(
                "control blocks are nested more than 200 deep"),
            std::string::npos)
      << refused.error().message;
}

TEST(Validate, BlockColumns) {
  expectViolations({
      {"blocks.kind[1] is 9",
       [](P &p) { blocks(p).kind[1] = fb::BlockKind(9); }},
      {"blocks.path has 11 entries for 12 items",
       [](P &p) { blocks(p).path.pop_back(); }},
      {"blocks.bound has 11 entries for 12 items",
       [](P &p) { blocks(p).bound.pop_back(); }},
      {"output_begin and region_begin have 12 and 13 entries for 12 blocks",
       [](P &p) { blocks(p).output_begin.pop_back(); }},
      {"blocks.region[3] is 8, but there are 8 regions",
       [](P &p) { blocks(p).region[3] = 8; }},
      {"blocks.path[3] is 9999", [](P &p) { blocks(p).path[3] = 9999; }},
      {"blocks.kernel[3] is 4, but there are 4 kernels",
       [](P &p) { blocks(p).kernel[3] = 4; }},
      {"blocks.join_kernel[3] is 4",
       [](P &p) { blocks(p).join_kernel[3] = 4; }},
      {"blocks.source_file[3] is 9999",
       [](P &p) { blocks(p).source_file[3] = 9999; }},
      {"the outputs of block 0 ('sample/prepare') from sample.mlir:10 start at "
       "value 3; expected 2",
       [](P &p) { blocks(p).output_begin[0] = 3; }},
      {"the outputs of block 8 ('sample/route/0/hard') from sample.mlir:18 end "
       "at value 11, outside its region",
       [](P &p) { blocks(p).output_begin[9] = 11; }},
      {"block 6 ('sample/bias') from sample.mlir:16 takes weight 3 of 3",
       [](P &p) { blocks(p).inputs[11] = 0x80000003; }},
      {"block 8 ('sample/route/0/hard') from sample.mlir:18 takes value 2, "
       "which "
       "is not of its region",
       [](P &p) { blocks(p).inputs[14] = 2; }},
      {"block 1 ('sample/embed') from sample.mlir:11 takes value 3, which is "
       "made by itself or by a later block",
       [](P &p) { blocks(p).inputs[1] = 3; }},
      {"region 2 has values 13 to 14 that nothing makes",
       [](P &p) {
         flow(p).values->type.push_back(0);
         flow(p).values->bytes.push_back(16);
         for (unsigned r = 3; r < 9; ++r)
           ++regions(p).value_begin[r];
         for (unsigned b = 9; b < 13; ++b)
           ++blocks(p).output_begin[b];
         for (unsigned i = 15; i < blocks(p).inputs.size(); ++i)
           ++blocks(p).inputs[i];
         for (unsigned y : {3, 5, 6, 7, 8})
           ++regions(p).yields[y];
       }},
  });
}

TEST(Validate, Profiles) {
  expectViolations({
      {"profiles.epoch_offsets[4] is 4, but its pool has 5 entries",
       [](P &p) { profiles(p).epoch_offsets[4] = 4; }},
      {"profiles.distribution has 4 entries for 5 items",
       [](P &p) { profiles(p).distribution.pop_back(); }},
      {"profiles.distribution[0] is 2",
       [](P &p) { profiles(p).distribution[0] = 2; }},
      {"profiles.frequency_offsets has 5 entries for 5 items",
       [](P &p) { profiles(p).frequency_offsets.pop_back(); }},
      {"profiles.frequencies[2] is 4294967297 / 2^32, more than 1",
       [](P &p) { profiles(p).frequencies[2] = (uint64_t(1) << 32) + 1; }},
      {"profile 3 does not start at request 0",
       [](P &p) { profiles(p).first_request[3] = 1; }},
      {"profile 0 does not start at request 0",
       [](P &p) { profiles(p).epoch_offsets[1] = 0; }},
      {"the epochs of profile 3 do not ascend",
       [](P &p) { profiles(p).first_request[4] = 0; }},
      {"the frequencies of block 2 ('sample/route') from sample.mlir:12 add up "
       "to 3221225472 / 2^32; expected 1",
       [](P &p) { profiles(p).frequencies[1] = 0; }},
      {"block 3 ('sample/experts') from sample.mlir:13 has 1 frequencies for 2 "
       "cases",
       [](P &p) {
         profiles(p).frequencies.pop_back();
         profiles(p).frequency_offsets = {0, 0, 2, 3, 3, 3};
       }},
      {"block 1 ('sample/embed') from sample.mlir:11 has profile 4 of 4",
       [](P &p) { blocks(p).profile[1] = 4; }},
  });
}

TEST(Validate, Tasks) {
  expectViolations({
      {"block 0 ('sample/prepare') from sample.mlir:10 is a Task without a "
       "kernel",
       [](P &p) { blocks(p).kernel[0] = none; }},
      {"block 0 ('sample/prepare') from sample.mlir:10 is a Task with a join "
       "kernel",
       [](P &p) { blocks(p).kernel[0] = 3; }},
      {"is a Task with a join kernel",
       [](P &p) { blocks(p).join_kernel[0] = 3; }},
      {"block 1 ('sample/embed') from sample.mlir:11 has a profiled kernel but "
       "no distribution of cycles",
       [](P &p) { blocks(p).profile[1] = none; }},
      {"has a profiled kernel but no distribution of cycles",
       [](P &p) { blocks(p).profile[1] = 1; }},
      {"block 2 ('sample/route') from sample.mlir:12 is a Task and owns "
       "regions",
       [](P &p) {
         blocks(p).kind[2] = fb::BlockKind::Task;
         blocks(p).decide_inputs[2] = 0;
       }},
      {"has 2 inputs and 1 outputs, but kernel 0 ('body') takes 1 and gives 1",
       [](P &p) { blocks(p).kernel[7] = 0; }},
      {"input 0 of block 0 ('sample/prepare') from sample.mlir:10 does not "
       "have "
       "the type that kernel 0 ('body') takes",
       [](P &p) { flow(p).values->type[0] = 1; }},
      {"output 0 of block 0 ('sample/prepare') from sample.mlir:10 does not "
       "have the type that kernel 0 ('body') gives",
       [](P &p) { flow(p).values->type[2] = 1; }},
  });
  // A dimension known at run time matches any size.
  fb::ProgramT program = test::sampleProgram();
  flow(program).values->type[0] = 3;
  EXPECT_TRUE(parseProgram(test::pack(program), ""));
  program = test::sampleProgram();
  program.types->dims.push_back(5);
  program.types->dim_offsets.push_back(3);
  program.types->element.push_back(fb::ElementKind::F32);
  program.types->scalar.push_back(false);
  flow(program).values->type[0] = 4;
  EXPECT_FALSE(parseProgram(test::pack(program), ""));
}

TEST(Validate, ControlBlocks) {
  expectViolations({
      {"is a Select without regions",
       [](P &p) { blocks(p).kind[0] = fb::BlockKind::Select; }},
      {"block 2 ('sample/route') from sample.mlir:12 is a Switch and owns "
       "region "
       "1, which is a Member",
       [](P &p) { regions(p).role[1] = fb::RegionRole::Member; }},
      {"has 1 outputs, but its region 2 yields 2",
       [](P &p) {
         regions(p).yields.insert(regions(p).yields.begin() + 2, 12);
         for (unsigned r = 3; r < 9; ++r)
           ++regions(p).yield_offsets[r];
       }},
      {"block 2 ('sample/route') from sample.mlir:12 decides on 3 inputs of 2",
       [](P &p) { blocks(p).decide_inputs[2] = 3; }},
      {"block 2 ('sample/route') from sample.mlir:12 decides on 2 inputs with "
       "kernel 2 ('decide'), which takes 1",
       [](P &p) { blocks(p).decide_inputs[2] = 2; }},
      {"block 2 ('sample/route') from sample.mlir:12 decides with a join "
       "kernel",
       [](P &p) { blocks(p).kernel[2] = 3; }},
      {"is a Switch that neither a kernel nor a profile decides",
       [](P &p) { blocks(p).kernel[2] = blocks(p).profile[2] = none; }},
      {"is a Select that neither a kernel nor a profile decides",
       [](P &p) { blocks(p).profile[3] = none; }},
      {"block 3 ('sample/experts') from sample.mlir:13 has 1 outputs and no "
       "join kernel",
       [](P &p) { blocks(p).join_kernel[3] = none; }},
      {"has 1 outputs and for a join kernel 1 ('profiled')",
       [](P &p) { blocks(p).join_kernel[3] = 1; }},
      {"has 2 inputs; expected 2 and an init for each of 1 outputs",
       [](P &p) { blocks(p).decide_inputs[3] = 2; }},
      {"block 4 ('sample/refine') from sample.mlir:14 is a Loop and owns 2 "
       "regions; expected Before and After",
       [](P &p) {
         std::swap(regions(p).role[5], regions(p).role[6]);
         regions(p).imports[7] = 0;
       }},
      {"has 1 outputs, but its Before forwards 2",
       [](P &p) {
         blocks(p).decide_inputs[4] = 0;
         blocks(p).kernel[4] = none;
       }},
      {"carries 3 values, but has 2 inputs",
       [](P &p) {
         regions(p).yields.insert(regions(p).yields.begin() + 7, 2, 19);
         for (unsigned r = 7; r < 9; ++r)
           regions(p).yield_offsets[r] += 2;
       }},
      {"is a Loop without a kernel or a distribution of trips",
       [](P &p) { blocks(p).kernel[4] = blocks(p).profile[4] = none; }},
      {"is a Fanout and owns 2 regions; expected 1",
       [](P &p) {
         blocks(p).kind[2] = fb::BlockKind::Fanout;
         blocks(p).kernel[2] = none;
       }},
      {"is a Fanout with a decide kernel",
       [](P &p) { blocks(p).kernel[5] = 2; }},
      {"is a Fanout with 2 counts",
       [](P &p) { blocks(p).decide_inputs[5] = 2; }},
      {"is a Fanout without a count or a distribution of copies",
       [](P &p) { blocks(p).decide_inputs[5] = 0; }},
  });
}

TEST(Validate, Placement) {
  auto replica = [](P &p, unsigned i) -> fb::Replica & {
    return placement(p).replicas[i];
  };
  expectViolations({
      {"placement.replica_offsets has 12 entries for 12 items",
       [](P &p) { placement(p).replica_offsets.pop_back(); }},
      {"placement.routing[0] is 5",
       [](P &p) { placement(p).routing[0] = fb::Routing(5); }},
      {"replica 0 of block 0 ('sample/prepare') from sample.mlir:10 is at "
       "cluster 4, TBU 0, but 'sample' has 4 clusters of 2 TBUs",
       [&](P &p) { replica(p, 0).mutate_cluster(4); }},
      {"is at cluster 0, TBU 2", [&](P &p) { replica(p, 0).mutate_tbu(2); }},
      {"is placed on 5 PEAs from position 0 of cluster (0, 0), TBU 0, which "
       "has "
       "4 PEAs",
       [&](P &p) { replica(p, 0).mutate_pea_count(5); }},
      {"is placed on 0 PEAs", [&](P &p) { replica(p, 0).mutate_pea_count(0); }},
      {"needs a live PEA, but none of positions 3 to 3 of cluster (1, 1), TBU "
       "1 "
       "is alive",
       [&](P &p) {
         replica(p, 1).mutate_pea_first(3);
         replica(p, 1).mutate_pea_count(1);
       }},
      {"may grow to a gang of 4 PEAs, but cluster (1, 1), TBU 1 has 3 live "
       "PEAs "
       "of 4",
       [&](P &p) { replica(p, 1).mutate_max_gang(4); }},
      {"may grow to a gang of 0 PEAs",
       [&](P &p) { replica(p, 0).mutate_max_gang(0); }},
      {"is at cluster (1, 0), which is dead or which dead links cut off",
       [](P &p) {
         p.target_digest.clear();
         for (auto [a, b] : {std::pair(1, 3), std::pair(3, 1)})
           p.machine->dead_links.emplace_back(a, b);
       }},
      {"belongs to a control block and has 2 PEAs",
       [&](P &p) { replica(p, 4).mutate_pea_count(2); }},
      {"has a share of 70000 / 65536",
       [&](P &p) { replica(p, 0).mutate_share_q16(70000); }},
      {"may use 1 PEAs, but kernel 0 ('body') needs a gang of 2 for its "
       "footprint to fit in the 64.0 KiB of SRAM",
       [&](P &p) {
         p.kernels->variants[0].mutate_footprint(70000);
         replica(p, 0).mutate_max_gang(1);
       }},
      {"block 0 ('sample/prepare') from sample.mlir:10 has no active replica; "
       "run octo-allocate-peas",
       [&](P &p) {
         replica(p, 0).mutate_standby(true);
         replica(p, 1).mutate_standby(true);
       }},
      {"PEA 0 of cluster (0, 0), TBU 0 is promised for",
       [&](P &p) {
         replica(p, 0).mutate_share_q16(65536);
         replica(p, 10).mutate_cluster(0);
         replica(p, 10).mutate_tbu(0);
       }},
  });
}

TEST(Validate, Segments) {
  auto slot = [](P &p, unsigned i) -> fb::Slot & {
    return segments(p).slots[i];
  };
  expectViolations({
      {"segments.lanes has 0 entries for 1 items",
       [](P &p) { segments(p).lanes.clear(); }},
      {"segments.region[0] is 8", [](P &p) { segments(p).region[0] = 8; }},
      {"segments.lanes[0] is 0", [](P &p) { segments(p).lanes[0] = 0; }},
      {"segments.slots[0] is 12, but there are 12 blocks",
       [&](P &p) { slot(p, 0).mutate_block(12); }},
      {"the slot of block 2 ('sample/route') from sample.mlir:12 is not of a "
       "task of region 0",
       [&](P &p) { slot(p, 0).mutate_block(2); }},
      {"the slot of block 8 ('sample/route/0/hard') from sample.mlir:18 is not "
       "of a task of region 0",
       [&](P &p) { slot(p, 0).mutate_block(8); }},
      {"the slot of block 0 ('sample/prepare') from sample.mlir:10 is its "
       "second "
       "one",
       [&](P &p) { slot(p, 1).mutate_block(0); }},
      {"starts at 20, before the slot ahead of it",
       [&](P &p) {
         slot(p, 0).mutate_start(50);
         slot(p, 1).mutate_start(20);
       }},
      {"ends after cycle 2^62",
       [&](P &p) { slot(p, 1).mutate_cycles(~uint64_t(0)); }},
      {"takes replicas 1 to 1 of 1",
       [&](P &p) { slot(p, 1).mutate_replica(1); }},
      {"takes replicas 0 to 3 of 3", [](P &p) { segments(p).lanes[0] = 4; }},
      {"takes a standby replica", [&](P &p) { slot(p, 0).mutate_replica(2); }},
      {"the slot of block 1 ('sample/embed') from sample.mlir:11 starts at "
       "cycle "
       "99, but its input from block 0 ('sample/prepare') from sample.mlir:10 "
       "is made at cycle 100; run octo-static-schedule again",
       [&](P &p) {
         slot(p, 1).mutate_start(99);
         flow(p).flows.reset();
       }},
      // Of a stream in 8 chunks.
      {"the slot of block 1 ('sample/embed') from sample.mlir:11, cycles 11 to "
       "211, starts before the first chunk, or ends before the last one, of its "
       "input from block 0 ('sample/prepare') from sample.mlir:10 is made, in "
       "cycles 0 to 100; run octo-static-schedule again",
       [&](P &p) { slot(p, 1).mutate_start(11); }},
      {"cycles 20 to 90, starts before the first chunk, or ends before the last "
       "one",
       [&](P &p) {
         slot(p, 1).mutate_start(20);
         slot(p, 1).mutate_cycles(70);
       }},
      {"the slots of block 0 ('sample/prepare') from sample.mlir:10 and block "
       "6 "
       "('sample/bias') from sample.mlir:16 overlap on PEA 0 at cycle 50",
       [&](P &p) {
         segments(p).slots[1] = fb::Slot(6, 0, 50, 10);
         placement(p).replicas[8].mutate_cluster(0);
         placement(p).replicas[8].mutate_tbu(0);
       }},
      {"segment 0 starts every 150 cycles, but keeps PEA 8 busy for 200",
       [](P &p) { segments(p).initiation_interval[0] = 150; }},
  });
}

TEST(Validate, Flows) {
  auto flows = [](P &p) -> fb::FlowTableT & { return *flow(p).flows; };
  expectViolations({
      {"flows.chunks has 0 entries for 1 items",
       [&](P &p) { flows(p).chunks.clear(); }},
      {"flows.buffer has 2 entries for 1 items",
       [&](P &p) { flows(p).buffer.push_back(1); }},
      {"flows.input[0] is 99, but there are 19 inputs",
       [&](P &p) { flows(p).input[0] = 99; }},
      {"flows.input[1] is 1, not above the entry before it",
       [&](P &p) {
         flows(p) = {};
         flows(p).input = {1, 1};
         flows(p).chunks = flows(p).buffer = {2, 2};
       }},
      {"the stream to input 0 of block 1 ('sample/embed') from sample.mlir:11 "
       "has 1 chunks; expected 2 to 16",
       [&](P &p) { flows(p).chunks[0] = 1; }},
      {"has 17 chunks; expected 2 to 16",
       [&](P &p) { flows(p).chunks[0] = 17; }},
      {"has a buffer for 0 chunks; expected 1 to 8",
       [&](P &p) { flows(p).buffer[0] = 0; }},
      {"has a buffer for 9 chunks; expected 1 to 8",
       [&](P &p) { flows(p).buffer[0] = 9; }},
      {"the stream to input 1 of block 2 ('sample/route') from sample.mlir:12 "
       "ends at a control block; streams lead from task to task",
       [&](P &p) { flows(p).input[0] = 3; }},
      {"the stream to input 0 of block 0 ('sample/prepare') from "
       "sample.mlir:10 does not come from a task",
       [&](P &p) { flows(p).input[0] = 0; }},
      // A weight and the output of a fan-out.
      {"the stream to input 0 of block 6 ('sample/bias') from sample.mlir:16 "
       "does not come from a task",
       [&](P &p) { flows(p).input[0] = 11; }},
      {"the stream to input 0 of block 7 ('sample/merge') from sample.mlir:17 "
       "does not come from a task",
       [&](P &p) { flows(p).input[0] = 12; }},
      {"the stream to input 1 of block 7 ('sample/merge') from sample.mlir:17 "
       "comes from block 6 ('sample/bias') from sample.mlir:16, which is not "
       "in the same segment",
       [&](P &p) { flows(p).input[0] = 13; }},
      {"the stream to input 0 of block 1 ('sample/embed') from sample.mlir:11 "
       "comes from block 0 ('sample/prepare') from sample.mlir:10, which is "
       "not in the same segment",
       [](P &p) { segments(p) = {}; }},
      {"carries a scalar or a token, which has no chunks",
       [](P &p) {
         // Block 0 makes an index, and has no code that says otherwise.
         flow(p).values->type[2] = 1;
         blocks(p).kernel[0] = 1;
         blocks(p).profile[0] = 0;
       }},
  });
}

TEST(Validate, PolicyAndDecisions) {
  expectViolations({
      {"policy.priority has 11 entries for 12 items",
       [](P &p) { policy(p).priority.pop_back(); }},
      {"policy.reason[0] is 9999", [](P &p) { policy(p).reason[0] = 9999; }},
      {"policy.successors_hint[0] is 12, but there are 12 blocks",
       [](P &p) { policy(p).successors_hint[0] = 12; }},
      {"policy.successors_hint_offsets[12] is 11, but its pool has 12 entries",
       [](P &p) { policy(p).successors_hint.push_back(0); }},
      {"decisions.kind[0] is 8",
       [](P &p) { flow(p).decisions->kind[0] = fb::DecisionKind(8); }},
      {"decisions.block[1] is 12",
       [](P &p) { flow(p).decisions->block[1] = 12; }},
      {"decisions.candidate_offsets[2] is 1, but its pool has 2 entries",
       [](P &p) { flow(p).decisions->candidate_offsets[2] = 1; }},
      {"decisions.candidates[1] has outcome 66",
       [](P &p) {
         flow(p).decisions->candidates[1].mutate_outcome(fb::Rejection(66));
       }},
  });
}

/// The sample with one recorded request: a task with code, whose work has two
/// symbols, and one control block of each kind.
static void addRecords(fb::ProgramT &p) {
  flow(p).records = std::make_unique<fb::RecordTableT>();
  fb::RecordTableT &records = *flow(p).records;
  records.record_offsets = {0, 5};
  records.block = {0, 2, 3, 4, 5};
  records.tag = {0, 0, 0, 0, 0};
  records.value_offsets = {0, 3, 4, 5, 6, 7};
  records.values = {~uint64_t(0), 4, 2, 1, 3, 7, 2};
}

TEST(Validate, Records) {
  fb::ProgramT good = test::sampleProgram();
  addRecords(good);
  Expected<Program> result = parseProgram(test::pack(good), "");
  EXPECT_TRUE(result) << result.error().str();
  auto with = [](auto change) {
    return [change](fb::ProgramT &p) {
      addRecords(p);
      change(*flow(p).records);
    };
  };
  using R = fb::RecordTableT;
  expectViolations({
      {"records.tag has 4 entries for 5 items",
       with([](R &r) { r.tag.pop_back(); })},
      {"records.record_offsets has 1 entries; expected one more than records, "
       "of which there is at least one",
       with([](R &r) { r.record_offsets = {0}; })},
      {"records.block[4] is 12, but there are 12 blocks",
       with([](R &r) { r.block[4] = 12; })},
      {"records.entry 1 does not come after the one before it by block and tag",
       with([](R &r) { r.block[1] = 0; })},
      {"records.entry 4 has 1 values and tag 0 for the arguments; expected 0 "
       "and 0",
       with([](R &r) { r.block[4] = 0xffffffff; })},
      {"records.entry 0 has 3 values for block 0 ('sample/prepare') from "
       "sample.mlir:10; expected its cycles, 0 sizes and 0 symbols",
       with([](R &r) { r.values[0] = 100; })},
      {"records.entry 1 has 2 values for block 2 ('sample/route') from "
       "sample.mlir:12; its outcome has 1",
       with([](R &r) { r.value_offsets = {0, 3, 5, 5, 6, 7}; })},
      {"records.entry 1 has outcome 2 for block 2 ('sample/route') from "
       "sample.mlir:12, which has 2 regions",
       with([](R &r) { r.values[3] = 2; })},
      {"records.entry 2 has outcome 4 for block 3 ('sample/experts')",
       with([](R &r) { r.values[4] = 4; })},
      {"records.entry 4 has outcome 16777217 for block 5 ('sample/objects')",
       with([](R &r) { r.values[6] = 16777217; })},
  });
}

TEST(Validate, RequestPath) {
  auto path = [](P &p) -> fb::RequestPathT & { return *flow(p).request_path; };
  expectViolations({
      {"request_path.tail_per_million is 499999; expected 500000 to 999999",
       [&](P &p) { path(p).tail_per_million = 499999; }},
      {"request_path.tail_per_million is 1000000; expected 500000 to 999999",
       [&](P &p) { path(p).tail_per_million = 1000000; }},
      {"request_path.samples is 0; expected at least 1",
       [&](P &p) { path(p).samples = 0; }},
      {"request_path.deviation is 9000 of one sample; expected 0",
       [&](P &p) { path(p).samples = 1; }},
  });
}

TEST(Validate, LeftOutColumnsHaveTheirMeaning) {
  fb::ProgramT p = test::sampleProgram();
  blocks(p).bound.clear();
  blocks(p).source_file.clear();
  blocks(p).source_line.clear();
  blocks(p).source_column.clear();
  p.kernels->donated.clear();
  p.kernels->pea_class.clear();
  p.kernels->work.reset();
  p.kernels->num_counters.clear();
  policy(p) = {};
  segments(p) = {};
  placement(p).routing.clear();
  flow(p).flows.reset();
  flow(p).decisions.reset();
  flow(p).request_path.reset();
  flow(p).argument_names.clear();
  Expected<Program> result = parseProgram(test::pack(p), "");
  EXPECT_TRUE(result) << result.error().str();
}

} // namespace
