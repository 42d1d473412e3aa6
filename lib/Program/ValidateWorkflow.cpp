//===- ValidateWorkflow.cpp - Checks of regions, blocks and profiles ------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Validator.h"

#include "octo/Program/Limits.h"

using namespace octo;
using namespace octo::validation;

std::string Validator::blockName(const Flow &flow, uint32_t b) const {
  uint32_t path = entryOf(flow.blocks.path(), b, none);
  uint32_t file = entryOf(flow.blocks.source_file(), b, none);
  std::string text = fmt::format("block {} ('{}')", b, string(path));
  if (file < strings)
    text += fmt::format(" from {}:{}", string(file),
                        entryOf(flow.blocks.source_line(), b));
  return text;
}

uint32_t Validator::inputCount(const Flow &flow, uint32_t b) const {
  return flow.blocks.input_offsets()->Get(b + 1) -
         flow.blocks.input_offsets()->Get(b);
}

uint32_t Validator::outputEnd(const Flow &flow, uint32_t b) const {
  uint32_t region = flow.blocks.region()->Get(b);
  return b + 1 == flow.regions.block_begin()->Get(region + 1)
             ? flow.regions.value_begin()->Get(region + 1)
             : flow.blocks.output_begin()->Get(b + 1);
}

uint32_t Validator::outputCount(const Flow &flow, uint32_t b) const {
  return outputEnd(flow, b) - flow.blocks.output_begin()->Get(b);
}

uint32_t Validator::yieldCount(const Flow &flow, uint32_t r) const {
  return flow.regions.yield_offsets()->Get(r + 1) -
         flow.regions.yield_offsets()->Get(r);
}

void Validator::checkWorkflow(const fb::Workflow &workflow) {
  Flow flow{workflow, *workflow.values(), *workflow.regions(),
            *workflow.blocks()};
  std::string prefix =
      fmt::format("workflow '{}': ", workflow.name()->string_view());
  inWorkflow = prefix;
  flow.numValues = sizeOf(flow.values.type());
  flow.numRegions = sizeOf(flow.regions.role());
  flow.numBlocks = sizeOf(flow.blocks.kind());
  if (!flow.numRegions)
    broken("{}it has no regions", prefix);
  checkValues(flow);
  checkRegions(flow);
  checkBlockColumns(flow);
  checkRegionTree(flow);
  checkDataflow(flow);
  checkProfiles(flow);
  for (uint32_t b = 0; b < flow.numBlocks; ++b)
    checkBlock(flow, b);
  checkInterface(flow);
  checkPlacement(flow);
  checkSegments(flow);
  checkFlows(flow);
  checkPolicy(flow);
  checkDecisions(flow);
  checkRecords(flow);
  checkRequestPath(flow);
}

void Validator::checkValues(Flow &flow) {
  where = inWorkflow + "values.";
  column(flow.values.bytes(), flow.numValues, "bytes");
  optional(flow.values.bytes_distribution(), flow.numValues,
           "bytes_distribution");
  for (uint32_t v = 0; v < flow.numValues; ++v) {
    index(flow.values.type()->Get(v), numTypes, "type", v, "types");
    indexOrNone(entryOf(flow.values.bytes_distribution(), v, none),
                numDistributions, "bytes_distribution", v, "distributions");
  }
}

void Validator::checkRegions(Flow &flow) {
  const fb::RegionTable &regions = flow.regions;
  where = inWorkflow + "regions.";
  uint32_t n = flow.numRegions;
  enumeration(regions.role(), "role");
  column(regions.owner(), n, "owner");
  column(regions.num_imports(), n, "num_imports");
  offsets(regions.block_begin(), n, flow.numBlocks, "block_begin");
  offsets(regions.value_begin(), n, flow.numValues, "value_begin");
  offsets(regions.import_offsets(), n, sizeOf(regions.imports()),
          "import_offsets");
  offsets(regions.yield_offsets(), n, sizeOf(regions.yields()),
          "yield_offsets");
  for (uint32_t r = 0; r < n; ++r) {
    uint32_t imports = regions.num_imports()->Get(r);
    if (regions.import_offsets()->Get(r + 1) -
            regions.import_offsets()->Get(r) !=
        imports)
      broken("{}num_imports[{}] is {}, but the region has {} imports", where, r,
             imports,
             regions.import_offsets()->Get(r + 1) -
                 regions.import_offsets()->Get(r));
    if (imports >
        regions.value_begin()->Get(r + 1) - regions.value_begin()->Get(r))
      broken("{}num_imports[{}] is {}, but the region has {} values", where, r,
             imports,
             regions.value_begin()->Get(r + 1) - regions.value_begin()->Get(r));
  }
}

void Validator::checkBlockColumns(Flow &flow) {
  const fb::BlockTable &blocks = flow.blocks;
  where = inWorkflow + "blocks.";
  uint32_t n = flow.numBlocks;
  enumeration(blocks.kind(), "kind");
  column(blocks.region(), n, "region");
  column(blocks.path(), n, "path");
  column(blocks.kernel(), n, "kernel");
  optional(blocks.decide_inputs(), n, "decide_inputs");
  optional(blocks.join_kernel(), n, "join_kernel");
  optional(blocks.profile(), n, "profile");
  optional(blocks.bound(), n, "bound");
  optional(blocks.source_file(), n, "source_file");
  optional(blocks.source_line(), n, "source_line");
  optional(blocks.source_column(), n, "source_column");
  offsets(blocks.input_offsets(), n, sizeOf(blocks.inputs()), "input_offsets");
  if (n == 0) {
    if (flow.numRegions != 1)
      broken("{}it has {} regions and no block", inWorkflow, flow.numRegions);
    return;
  }
  if (sizeOf(blocks.output_begin()) != uint64_t(n) + 1 ||
      sizeOf(blocks.region_begin()) != uint64_t(n) + 1)
    broken("{}output_begin and region_begin have {} and {} entries for {} "
           "blocks; expected one more than blocks",
           where, sizeOf(blocks.output_begin()), sizeOf(blocks.region_begin()),
           n);
  for (uint32_t b = 0; b < n; ++b) {
    index(blocks.region()->Get(b), flow.numRegions, "region", b, "regions");
    index(blocks.path()->Get(b), strings, "path", b, "strings");
    indexOrNone(blocks.kernel()->Get(b), numKernels, "kernel", b, "kernels");
    indexOrNone(entryOf(blocks.join_kernel(), b, none), numKernels,
                "join_kernel", b, "kernels");
    indexOrNone(entryOf(blocks.source_file(), b, none), strings, "source_file",
                b, "strings");
  }
}

void Validator::checkRegionTree(Flow &flow) {
  const fb::RegionTable &regions = flow.regions;
  const fb::BlockTable &blocks = flow.blocks;
  if (regions.role()->Get(0) != fb::RegionRole::Body ||
      regions.owner()->Get(0) != none)
    broken("{}region 0 is not a body without an owner", inWorkflow);
  std::vector<unsigned> depth(flow.numRegions, 0);
  for (uint32_t r = 0; r < flow.numRegions; ++r)
    for (uint32_t b = regions.block_begin()->Get(r);
         b < regions.block_begin()->Get(r + 1); ++b)
      if (blocks.region()->Get(b) != r)
        broken("{}block {} states region {}, but region {} lists it",
               inWorkflow, b, blocks.region()->Get(b), r);
  if (!flow.numBlocks)
    return;
  const Vector<uint32_t> *begin = blocks.region_begin();
  if (begin->Get(0) != 1 || begin->Get(flow.numBlocks) != flow.numRegions)
    broken("{}blocks.region_begin goes from {} to {}; expected 1 to {}",
           inWorkflow, begin->Get(0), begin->Get(flow.numBlocks),
           flow.numRegions);
  // All of it before any of it is used: what ascends stays below its end.
  for (uint32_t b = 0; b < flow.numBlocks; ++b)
    if (begin->Get(b + 1) < begin->Get(b))
      broken("{}blocks.region_begin[{}] is below the entry before it",
             inWorkflow, b + 1);
  for (uint32_t b = 0; b < flow.numBlocks; ++b) {
    for (uint32_t r = begin->Get(b); r < begin->Get(b + 1); ++r) {
      if (regions.owner()->Get(r) != b)
        broken("{}region {} states owner {}, but block {} lists it", inWorkflow,
               r, regions.owner()->Get(r), b);
      if (regions.role()->Get(r) == fb::RegionRole::Body)
        broken("{}region {} is a second body", inWorkflow, r);
      uint32_t parent = blocks.region()->Get(b);
      if (parent >= r)
        broken("{}region {} comes before region {}, in which its owner is",
               inWorkflow, r, parent);
      depth[r] = depth[parent] + 1;
      if (depth[r] > maxNesting)
        fail("{}control blocks are nested more than {} deep at {}; write the "
             "inner ones as code (scf) in the body of a task",
             inWorkflow, maxNesting, blockName(flow, b));
    }
  }
}

void Validator::checkDataflow(Flow &flow) {
  const fb::RegionTable &regions = flow.regions;
  const fb::BlockTable &blocks = flow.blocks;
  for (uint32_t r = 0; r < flow.numRegions; ++r) {
    uint32_t first = regions.value_begin()->Get(r);
    uint32_t last = regions.value_begin()->Get(r + 1);
    uint32_t next = first + regions.num_imports()->Get(r);
    uint32_t end = regions.block_begin()->Get(r + 1);
    for (uint32_t b = regions.block_begin()->Get(r); b < end; ++b) {
      uint32_t begin = blocks.output_begin()->Get(b);
      if (begin != next)
        broken("{}the outputs of {} start at value {}; expected {}", inWorkflow,
               blockName(flow, b), begin, next);
      uint32_t stop = blocks.output_begin()->Get(b + 1);
      if (b + 1 == end ? stop < last : (stop < begin || stop > last))
        broken("{}the outputs of {} end at value {}, outside its region",
               inWorkflow, blockName(flow, b), stop);
      next = outputEnd(flow, b);
      for (uint32_t i = blocks.input_offsets()->Get(b);
           i < blocks.input_offsets()->Get(b + 1); ++i) {
        uint32_t input = blocks.inputs()->Get(i);
        if (input & weightFlag) {
          if ((input & ~weightFlag) >= numWeights)
            broken("{}{} takes weight {} of {}", inWorkflow, blockName(flow, b),
                   input & ~weightFlag, numWeights);
        } else if (input < first || input >= last) {
          broken("{}{} takes value {}, which is not of its region", inWorkflow,
                 blockName(flow, b), input);
        } else if (input >= begin) {
          broken("{}{} takes value {}, which is made by itself or by a later "
                 "block",
                 inWorkflow, blockName(flow, b), input);
        }
      }
    }
    if (next != last)
      broken("{}region {} has values {} to {} that nothing makes", inWorkflow,
             r, next, last);
    for (uint32_t y = regions.yield_offsets()->Get(r);
         y < regions.yield_offsets()->Get(r + 1); ++y) {
      uint32_t yield = regions.yields()->Get(y);
      if (yield & weightFlag ? (yield & ~weightFlag) >= numWeights
                             : yield < first || yield >= last)
        broken("{}region {} yields {}, which is neither a value of it nor a "
               "weight",
               inWorkflow, r, yield);
    }
    checkImports(flow, r);
  }
}

void Validator::checkImports(Flow &flow, uint32_t r) {
  const fb::RegionTable &regions = flow.regions;
  uint32_t begin = regions.import_offsets()->Get(r);
  uint32_t count = regions.num_imports()->Get(r);
  fb::RegionRole role = regions.role()->Get(r);
  uint32_t inputs = r ? inputCount(flow, regions.owner()->Get(r)) : count;
  for (uint32_t k = 0; k < count; ++k) {
    uint32_t source = regions.imports()->Get(begin + k);
    if (source & forwardedFlag) {
      // Before is the region ahead of After; checkBlock makes sure of it.
      uint32_t decide =
          r ? entryOf(flow.blocks.decide_inputs(), regions.owner()->Get(r)) : 0;
      uint32_t yields = r ? yieldCount(flow, r - 1) : 0;
      uint32_t forwarded = yields > decide ? yields - decide : 0;
      if (role != fb::RegionRole::After ||
          (source & ~forwardedFlag) >= forwarded)
        broken("{}import {} of region {} is forwarded value {}, which there "
               "is not",
               inWorkflow, k, r, source & ~forwardedFlag);
    } else if (source & copyIndex) {
      if (role != fb::RegionRole::Each || source != copyIndex)
        broken("{}import {} of region {} is a copy's index, which there is "
               "not",
               inWorkflow, k, r);
    } else if (source >= inputs) {
      broken("{}import {} of region {} is input {} of {}", inWorkflow, k, r,
             source, inputs);
    }
  }
}

void Validator::checkProfiles(Flow &flow) {
  const fb::ProfileTable &profiles = *flow.workflow.profiles();
  where = inWorkflow + "profiles.";
  uint32_t epochs = sizeOf(profiles.first_request());
  flow.numProfiles = itemsOf(profiles.epoch_offsets());
  offsets(profiles.epoch_offsets(), flow.numProfiles, epochs, "epoch_offsets");
  optional(profiles.distribution(), epochs, "distribution");
  uint32_t pool = sizeOf(profiles.frequencies());
  if (pool || sizeOf(profiles.frequency_offsets()))
    offsets(profiles.frequency_offsets(), epochs, pool, "frequency_offsets");
  for (uint32_t e = 0; e < epochs; ++e)
    indexOrNone(entryOf(profiles.distribution(), e, none), numDistributions,
                "distribution", e, "distributions");
  for (uint32_t i = 0; i < pool; ++i)
    if (profiles.frequencies()->Get(i) > one32)
      broken("{}frequencies[{}] is {} / 2^32, more than 1", where, i,
             profiles.frequencies()->Get(i));
  for (uint32_t p = 0; p < flow.numProfiles; ++p) {
    uint32_t begin = profiles.epoch_offsets()->Get(p);
    uint32_t end = profiles.epoch_offsets()->Get(p + 1);
    if (begin == end || profiles.first_request()->Get(begin) != 0)
      broken("{}profile {} does not start at request 0", where, p);
    for (uint32_t e = begin + 1; e < end; ++e)
      if (profiles.first_request()->Get(e) <=
          profiles.first_request()->Get(e - 1))
        broken("{}the epochs of profile {} do not ascend", where, p);
  }
}

bool Validator::hasDistribution(const Flow &flow, uint32_t profile) const {
  if (profile == none)
    return false;
  const fb::ProfileTable &profiles = *flow.workflow.profiles();
  for (uint32_t e = profiles.epoch_offsets()->Get(profile);
       e < profiles.epoch_offsets()->Get(profile + 1); ++e)
    if (entryOf(profiles.distribution(), e, none) == none)
      return false;
  return true;
}

void Validator::checkFrequencies(const Flow &flow, uint32_t b, uint32_t profile,
                                 uint32_t cases, bool sumToOne, bool needed) {
  const fb::ProfileTable &profiles = *flow.workflow.profiles();
  if (profile == none)
    return;
  for (uint32_t e = profiles.epoch_offsets()->Get(profile);
       e < profiles.epoch_offsets()->Get(profile + 1); ++e) {
    uint32_t begin = entryOf(profiles.frequency_offsets(), e);
    uint32_t count = entryOf(profiles.frequency_offsets(), e + 1) - begin;
    if (count == 0 && !needed)
      continue;
    if (count != cases)
      broken("{}{} has {} frequencies for {} cases", inWorkflow,
             blockName(flow, b), count, cases);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; ++i)
      sum += profiles.frequencies()->Get(begin + i);
    if (sumToOne && sum != one32)
      broken("{}the frequencies of {} add up to {} / 2^32; expected 1",
             inWorkflow, blockName(flow, b), sum);
  }
}

void Validator::checkBlock(Flow &flow, uint32_t b) {
  const fb::BlockTable &blocks = flow.blocks;
  auto name = [&] { return inWorkflow + blockName(flow, b); };
  fb::BlockKind kind = blocks.kind()->Get(b);
  uint32_t inputs = inputCount(flow, b), outputs = outputCount(flow, b);
  uint32_t kernel = blocks.kernel()->Get(b);
  uint32_t join = entryOf(blocks.join_kernel(), b, none);
  uint32_t profile = entryOf(blocks.profile(), b, none);
  uint32_t decide = entryOf(blocks.decide_inputs(), b);
  uint32_t firstRegion = blocks.region_begin()->Get(b);
  uint32_t regions = blocks.region_begin()->Get(b + 1) - firstRegion;
  if (profile != none && profile >= flow.numProfiles)
    broken("{} has profile {} of {}", name(), profile, flow.numProfiles);

  auto kindOf = [&](uint32_t k) { return program.kernels()->kind()->Get(k); };
  auto expectRegions = [&](fb::RegionRole role) {
    if (!regions)
      broken("{} is a {} without regions", name(), fb::EnumNameBlockKind(kind));
    for (uint32_t r = firstRegion; r < firstRegion + regions; ++r) {
      if (flow.regions.role()->Get(r) != role)
        broken("{} is a {} and owns region {}, which is a {}", name(),
               fb::EnumNameBlockKind(kind), r,
               fb::EnumNameRegionRole(flow.regions.role()->Get(r)));
      if (yieldCount(flow, r) != outputs)
        broken("{} has {} outputs, but its region {} yields {}", name(),
               outputs, r, yieldCount(flow, r));
    }
  };
  // A kernel that is code has a signature; its inputs are the block's first
  // ones, or for a loop the first yields of Before.
  auto checkDecide = [&](uint32_t available) {
    if (decide > available)
      broken("{} decides on {} inputs of {}", name(), decide, available);
    if (kernel == none)
      return;
    if (kindOf(kernel) == fb::KernelKind::Join)
      broken("{} decides with a join kernel", name());
    if (kindOf(kernel) == fb::KernelKind::Image &&
        program.kernels()->num_inputs()->Get(kernel) != decide)
      broken("{} decides on {} inputs with {}, which takes {}", name(), decide,
             kernelName(kernel), program.kernels()->num_inputs()->Get(kernel));
  };
  auto checkJoin = [&](uint32_t initsAfter) {
    if (uint64_t(initsAfter) + outputs > inputs)
      broken("{} has {} inputs; expected {} and an init for each of {} "
             "outputs",
             name(), inputs, initsAfter, outputs);
    if ((join != none) != (outputs != 0) ||
        (join != none && kindOf(join) != fb::KernelKind::Join))
      broken("{} has {} outputs and {}", name(), outputs,
             join == none ? "no join kernel"
                          : "for a join " + kernelName(join));
  };
  bool joins = kind == fb::BlockKind::Select || kind == fb::BlockKind::Fanout;
  if (!joins && join != none)
    broken("{} is a {} with a join kernel", name(),
           fb::EnumNameBlockKind(kind));

  switch (kind) {
  case fb::BlockKind::Task: {
    if (regions)
      broken("{} is a Task and owns regions", name());
    if (kernel == none)
      broken("{} is a Task without a kernel", name());
    switch (kindOf(kernel)) {
    case fb::KernelKind::Join:
      broken("{} is a Task with a join kernel", name());
    case fb::KernelKind::Profiled:
      if (!hasDistribution(flow, profile))
        broken("{} has a profiled kernel but no distribution of cycles",
               name());
      break;
    case fb::KernelKind::Image:
      checkSignature(flow, b, kernel, inputs, outputs);
      break;
    }
    break;
  }
  case fb::BlockKind::Switch:
    expectRegions(fb::RegionRole::Case);
    checkDecide(inputs);
    if (kernel == none && profile == none)
      broken("{} is a Switch that neither a kernel nor a profile decides",
             name());
    checkFrequencies(flow, b, profile, regions, /*sumToOne=*/true,
                     kernel == none);
    break;
  case fb::BlockKind::Select:
    expectRegions(fb::RegionRole::Member);
    checkDecide(inputs);
    checkJoin(decide);
    if (kernel == none && profile == none)
      broken("{} is a Select that neither a kernel nor a profile decides",
             name());
    checkFrequencies(flow, b, profile, regions, /*sumToOne=*/false,
                     kernel == none);
    break;
  case fb::BlockKind::Loop: {
    if (regions != 2 ||
        flow.regions.role()->Get(firstRegion) != fb::RegionRole::Before ||
        flow.regions.role()->Get(firstRegion + 1) != fb::RegionRole::After)
      broken("{} is a Loop and owns {} regions; expected Before and After",
             name(), regions);
    uint32_t yields = yieldCount(flow, firstRegion);
    checkDecide(yields);
    if (yields - decide != outputs)
      broken("{} has {} outputs, but its Before forwards {}", name(), outputs,
             yields - decide);
    uint32_t carried = yieldCount(flow, firstRegion + 1);
    if (carried > inputs)
      broken("{} carries {} values, but has {} inputs", name(), carried,
             inputs);
    if (kernel == none && !hasDistribution(flow, profile))
      broken("{} is a Loop without a kernel or a distribution of trips",
             name());
    break;
  }
  case fb::BlockKind::Fanout:
    if (regions != 1)
      broken("{} is a Fanout and owns {} regions; expected 1", name(), regions);
    expectRegions(fb::RegionRole::Each);
    if (kernel != none)
      broken("{} is a Fanout with a decide kernel", name());
    if (decide > 1 || decide > inputs)
      broken("{} is a Fanout with {} counts", name(), decide);
    checkJoin(decide);
    if (decide == 0 && !hasDistribution(flow, profile))
      broken("{} is a Fanout without a count or a distribution of copies",
             name());
    break;
  }
}

bool Validator::compatible(uint32_t a, uint32_t b) const {
  if (a == b)
    return true;
  const fb::TypeTable &types = *program.types();
  if (types.element()->Get(a) != types.element()->Get(b) ||
      types.scalar()->Get(a) != types.scalar()->Get(b) ||
      rankOf(a) != rankOf(b))
    return false;
  for (uint32_t d = 0; d < rankOf(a); ++d) {
    int64_t x = types.dims()->Get(types.dim_offsets()->Get(a) + d);
    int64_t y = types.dims()->Get(types.dim_offsets()->Get(b) + d);
    if (x != y && x >= 0 && y >= 0)
      return false;
  }
  return true;
}

void Validator::checkSignature(const Flow &flow, uint32_t b, uint32_t kernel,
                               uint32_t inputs, uint32_t outputs) {
  const fb::KernelTable &table = *program.kernels();
  if (table.num_inputs()->Get(kernel) != inputs ||
      table.num_outputs()->Get(kernel) != outputs)
    broken("{}{} has {} inputs and {} outputs, but {} takes {} and gives {}",
           inWorkflow, blockName(flow, b), inputs, outputs, kernelName(kernel),
           table.num_inputs()->Get(kernel), table.num_outputs()->Get(kernel));
  uint32_t type = table.signature_offsets()->Get(kernel);
  uint32_t first = flow.blocks.input_offsets()->Get(b);
  for (uint32_t i = 0; i < inputs; ++i) {
    uint32_t input = flow.blocks.inputs()->Get(first + i);
    uint32_t given = input & weightFlag
                         ? program.weights()->type()->Get(input & ~weightFlag)
                         : flow.values.type()->Get(input);
    if (!compatible(table.signature()->Get(type + i), given))
      broken("{}input {} of {} does not have the type that {} takes",
             inWorkflow, i, blockName(flow, b), kernelName(kernel));
  }
  for (uint32_t i = 0; i < outputs; ++i)
    if (!compatible(
            table.signature()->Get(type + inputs + i),
            flow.values.type()->Get(flow.blocks.output_begin()->Get(b) + i)))
      broken("{}output {} of {} does not have the type that {} gives",
             inWorkflow, i, blockName(flow, b), kernelName(kernel));
}

void Validator::checkInterface(Flow &flow) {
  where = inWorkflow;
  uint32_t arguments = flow.regions.num_imports()->Get(0);
  uint32_t results = yieldCount(flow, 0);
  optional(flow.workflow.argument_names(), arguments, "argument_names");
  optional(flow.workflow.result_names(), results, "result_names");
  column(flow.workflow.result_types(), results, "result_types");
  for (uint32_t i = 0; i < sizeOf(flow.workflow.argument_names()); ++i)
    index(flow.workflow.argument_names()->Get(i), strings, "argument_names", i,
          "strings");
  for (uint32_t i = 0; i < sizeOf(flow.workflow.result_names()); ++i)
    index(flow.workflow.result_names()->Get(i), strings, "result_names", i,
          "strings");
  for (uint32_t i = 0; i < results; ++i)
    index(flow.workflow.result_types()->Get(i), numTypes, "result_types", i,
          "types");
}
