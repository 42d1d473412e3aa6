//===- ProgramToMlir.cpp - Program files to modules of `octo` -------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rebuilds the module that a program file pictures. The file has passed
// validateProgram, so indices are in range here.
//
//===----------------------------------------------------------------------===//

#include "octo/Dialect/Octo/IR/ProgramLayout.h"
#include "octo/Program/MachineTable.h"
#include "octo/Program/Program.h"
#include "octo/Program/program_generated.h"
#include "octo/Translation/ProgramTranslation.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace octo;
using namespace octo::spatial;

namespace {
constexpr uint32_t none = 0xffffffffu;
constexpr uint32_t weightFlag = 0x80000000u;

class ProgramReader {
public:
  ProgramReader(const fb::Program &program, MLIRContext *context)
      : in(program), builder(context), context(context),
        fileLoc(UnknownLoc::get(context)) {}

  OwningOpRef<ModuleOp> run();

private:
  StringRef string(uint32_t index) {
    auto *text = in.strings()->Get(index);
    return StringRef(text->data(), text->size());
  }
  StringAttr stringAttr(uint32_t index) {
    return index == none ? StringAttr() : builder.getStringAttr(string(index));
  }
  void readTypes();
  void readDistributions();
  DistributionAttr distribution(uint32_t index) {
    return index == none ? DistributionAttr() : distributions[index];
  }
  /// Raw elements as an attribute of `type`; a byte each for an i1.
  ElementsAttr elements(RankedTensorType type, ArrayRef<uint8_t> bytes,
                        StringRef name);
  LogicalResult addMachine();
  void addImages();
  void addKernels();
  void addWeights();
  void addWorkflow(const fb::Workflow &workflow);

  const fb::Program &in;
  OpBuilder builder;
  MLIRContext *context;
  Location fileLoc;
  SmallVector<Type> types;
  SmallVector<DistributionAttr> distributions;
  std::string machineName;
};

/// Rebuilds one octo.program.
class WorkflowReader {
public:
  WorkflowReader(const fb::Program &program, const fb::Workflow &workflow,
                 OpBuilder &builder, ArrayRef<Type> types,
                 ArrayRef<DistributionAttr> distributions)
      : in(program), w(workflow), regions(*workflow.regions()),
        blocks(*workflow.blocks()), builder(builder), types(types),
        distributions(distributions),
        actType(spatial::ActType::get(builder.getContext())),
        tokenType(spatial::BlockType::get(builder.getContext())) {}

  void run(StringRef machine);

private:
  StringRef string(uint32_t index) {
    auto *text = in.strings()->Get(index);
    return StringRef(text->data(), text->size());
  }
  FlatSymbolRefAttr kernel(uint32_t index) {
    if (index == none)
      return {};
    return FlatSymbolRefAttr::get(
        builder.getContext(),
        string(in.kernels()->name()->Get(index)));
  }
  Type flowType(uint32_t value);
  Value reference(uint32_t regionIndex, uint32_t index);
  SmallVector<Value> inputs(uint32_t block, uint32_t begin, uint32_t end);
  SmallVector<Value> yields(uint32_t region);
  ProfileAttr profile(uint32_t index);
  void addBlock(uint32_t block);
  void decorate(uint32_t number, Operation *op);
  void openScopes(uint32_t block, Operation *opener);
  Location location(uint32_t block);

  const fb::Program &in;
  const fb::Workflow &w;
  const fb::RegionTable &regions;
  const fb::BlockTable &blocks;
  OpBuilder &builder;
  ArrayRef<Type> types;
  ArrayRef<DistributionAttr> distributions;
  Type actType, tokenType;
  std::vector<Value> values, acts;
  std::vector<Operation *> openers, closers;
  std::vector<ProfileAttr> profiles;
  std::vector<ArrayAttr> decisions;
  llvm::DenseMap<uint32_t, Value> weights;
  Operation *lastPreamble = nullptr;
  spatial::ProgramOp program;
};
} // namespace

//===----------------------------------------------------------------------===//
// Shared tables
//===----------------------------------------------------------------------===//

void ProgramReader::readTypes() {
  const fb::TypeTable &table = *in.types();
  for (uint32_t i = 0; i < table.element()->size(); ++i) {
    Type type;
    switch (table.element()->Get(i)) {
    case fb::ElementKind::I1:
      type = builder.getI1Type();
      break;
    case fb::ElementKind::I8:
      type = builder.getI8Type();
      break;
    case fb::ElementKind::I16:
      type = builder.getI16Type();
      break;
    case fb::ElementKind::I32:
      type = builder.getI32Type();
      break;
    case fb::ElementKind::I64:
      type = builder.getI64Type();
      break;
    case fb::ElementKind::Index:
      type = builder.getIndexType();
      break;
    case fb::ElementKind::F16:
      type = builder.getF16Type();
      break;
    case fb::ElementKind::BF16:
      type = builder.getBF16Type();
      break;
    case fb::ElementKind::F32:
      type = builder.getF32Type();
      break;
    case fb::ElementKind::F64:
      type = builder.getF64Type();
      break;
    case fb::ElementKind::Data:
      type = spatial::DataType::get(context);
      break;
    case fb::ElementKind::Token:
      type = spatial::TokenType::get(context);
      break;
    }
    if (!table.scalar()->Get(i) && !isa<spatial::DataType, spatial::TokenType>(type)) {
      SmallVector<int64_t> shape;
      for (uint32_t d = table.dim_offsets()->Get(i);
           d < table.dim_offsets()->Get(i + 1); ++d) {
        int64_t dim = table.dims()->Get(d);
        shape.push_back(dim < 0 ? ShapedType::kDynamic : dim);
      }
      type = RankedTensorType::get(shape, type);
    }
    types.push_back(type);
  }
}

void ProgramReader::readDistributions() {
  const fb::DistributionTable &table = *in.distributions();
  for (uint32_t i = 0; i < table.mean_q16()->size(); ++i) {
    uint32_t begin = table.knot_offsets()->Get(i);
    uint32_t count = table.knot_offsets()->Get(i + 1) - begin;
    distributions.push_back(DistributionAttr::get(
        context, ArrayRef<uint64_t>(table.u()->data() + begin, count),
        ArrayRef<int64_t>(table.x()->data() + begin, count),
        table.mean_q16()->Get(i), table.discrete()->Get(i)));
  }
}

LogicalResult ProgramReader::addMachine() {
  Expected<TargetDesc> target = readMachineTable(*in.machine());
  if (!target) {
    emitError(fileLoc) << "the machine of the program cannot be read: "
                       << target.error().message;
    return failure();
  }
  machineName = target->name;
  MachineOp::create(builder, fileLoc, machineName, *target);
  return success();
}

ElementsAttr ProgramReader::elements(RankedTensorType type,
                                     ArrayRef<uint8_t> bytes, StringRef name) {
  if (type.getElementType().isInteger(1)) {
    SmallVector<bool> values(bytes.begin(), bytes.end());
    return DenseElementsAttr::get(type, values);
  }
  ArrayRef<char> raw(reinterpret_cast<const char *>(bytes.data()),
                     bytes.size());
  // Small ones are readable; large ones are kept out of the attribute tables.
  if (bytes.size() <= 64)
    return DenseElementsAttr::getFromRawBuffer(type, raw);
  return DenseResourceElementsAttr::get(
      type, name, HeapAsmResourceBlob::allocateAndCopyWithAlign(raw, 64));
}

void ProgramReader::addImages() {
  if (!in.images())
    return;
  for (auto [i, image] : llvm::enumerate(*in.images())) {
    std::string name = "image." + std::to_string(i);
    ElementsAttr object;
    if (image->object() && image->object()->size())
      object = elements(
          RankedTensorType::get({static_cast<int64_t>(image->object()->size())},
                                builder.getI8Type()),
          ArrayRef<uint8_t>(image->object()->data(), image->object()->size()),
          name);
    ImageOp::create(builder, fileLoc, name, image->symbol()->str(),
                    in.image_cpu() ? in.image_cpu()->str() : "",
                    image->digest()->str(), object);
  }
}

void ProgramReader::addKernels() {
  const fb::KernelTable &table = *in.kernels();
  const fb::WorkTable &work = *table.work();
  for (uint32_t i = 0; i < table.name()->size(); ++i) {
    SmallVector<Type> inputs, results;
    uint32_t at = table.signature_offsets()->Get(i);
    for (uint32_t k = 0; k < table.num_inputs()->Get(i); ++k)
      inputs.push_back(types[table.signature()->Get(at++)]);
    for (uint32_t k = 0; k < table.num_outputs()->Get(i); ++k)
      results.push_back(types[table.signature()->Get(at++)]);
    SmallVector<Attribute> terms, variants;
    for (uint32_t t = work.term_offsets()->Get(i);
         t < work.term_offsets()->Get(i + 1); ++t) {
      uint32_t begin = work.symbol_offsets()->Get(t);
      terms.push_back(WorkAttr::get(
          context, static_cast<WorkClass>(work.work_class()->Get(t)),
          work.coefficient()->Get(t),
          ArrayRef<uint32_t>(work.symbols()->data() + begin,
                             work.symbol_offsets()->Get(t + 1) - begin)));
    }
    for (uint32_t v = table.variant_offsets()->Get(i);
         v < table.variant_offsets()->Get(i + 1); ++v) {
      const fb::Variant &variant = *table.variants()->Get(v);
      variants.push_back(VariantAttr::get(
          context, variant.gang(), variant.fixed(), variant.mac_q16(),
          variant.vector_q16(), variant.special_q16(), variant.scalar_q16(),
          variant.bytes_q16(), variant.scale_q16(), variant.footprint()));
    }
    SmallVector<int32_t> donated;
    for (int32_t bit = 0; bit < 64; ++bit)
      if (table.donated()->Get(i) >> bit & 1)
        donated.push_back(bit);
    FlatSymbolRefAttr image;
    if (table.image()->Get(i) != none)
      image = FlatSymbolRefAttr::get(
          context, "image." + std::to_string(table.image()->Get(i)));
    KernelOp::create(
        builder, fileLoc, string(table.name()->Get(i)),
        static_cast<KernelKind>(table.kind()->Get(i)),
        static_cast<Combine>(table.combine()->Get(i)),
        static_cast<spatial::PeaClass>(table.pea_class()->Get(i)),
        table.code_bytes()->Get(i), builder.getFunctionType(inputs, results),
        FlatSymbolRefAttr(), image, table.num_counters()->Get(i),
        donated.empty() ? DenseI32ArrayAttr()
                        : builder.getDenseI32ArrayAttr(donated),
        ScalingAttr(), terms.empty() ? ArrayAttr() : builder.getArrayAttr(terms),
        builder.getArrayAttr(variants));
  }
}

void ProgramReader::addWeights() {
  const fb::WeightTable &table = *in.weights();
  if (!table.name())
    return;
  for (uint32_t i = 0; i < table.name()->size(); ++i) {
    Type type = types[table.type()->Get(i)];
    StringRef name = string(table.name()->Get(i));
    ElementsAttr value;
    StringAttr path, digest;
    IntegerAttr seed;
    FloatAttr scale;
    switch (table.source()->Get(i)) {
    case fb::WeightSource::Inline: {
      auto tensor = dyn_cast<RankedTensorType>(type);
      uint64_t bytes = table.bytes()->Get(i);
      if (!tensor && FlowType::staticBytes(type))
        tensor = RankedTensorType::get({}, type);
      else if (!tensor)
        tensor = RankedTensorType::get({0}, builder.getI8Type());
      const uint8_t *data =
          table.data() ? table.data()->data() + table.data_offset()->Get(i)
                       : nullptr;
      value = elements(tensor, ArrayRef<uint8_t>(data, bytes), name);
      break;
    }
    case fb::WeightSource::File:
      path = stringAttr(table.path()->Get(i));
      digest = stringAttr(table.digest()->Get(i));
      break;
    case fb::WeightSource::Seed:
      seed = builder.getI64IntegerAttr(
          static_cast<int64_t>(table.seed()->Get(i)));
      scale = builder.getF64FloatAttr(table.scale()->Get(i));
      break;
    }
    WeightOp::create(builder, fileLoc, name, type, value, path, digest, seed,
                     scale);
  }
}

//===----------------------------------------------------------------------===//
// Workflows
//===----------------------------------------------------------------------===//

Type WorkflowReader::flowType(uint32_t value) {
  const fb::ValueTable &table = *w.values();
  uint32_t index = none;
  if (table.bytes_distribution() && table.bytes_distribution()->size())
    index = table.bytes_distribution()->Get(value);
  return FlowType::get(builder.getContext(), types[table.type()->Get(value)],
                       table.bytes()->Get(value),
                       index == none ? DistributionAttr()
                                     : distributions[index]);
}

Value WorkflowReader::reference(uint32_t, uint32_t index) {
  if (!(index & weightFlag))
    return values[index];
  index &= ~weightFlag;
  Value &use = weights[index];
  if (!use) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointAfter(lastPreamble);
    auto op = UseWeightOp::create(
        builder, program.getLoc(),
        FlowType::get(types[in.weights()->type()->Get(index)]),
        string(in.weights()->name()->Get(index)));
    lastPreamble = op;
    use = op.getValue();
  }
  return use;
}

SmallVector<Value> WorkflowReader::inputs(uint32_t block, uint32_t begin,
                                          uint32_t end) {
  SmallVector<Value> result;
  uint32_t first = blocks.input_offsets()->Get(block);
  for (uint32_t i = begin; i < end; ++i)
    result.push_back(reference(blocks.region()->Get(block),
                               blocks.inputs()->Get(first + i)));
  return result;
}

SmallVector<Value> WorkflowReader::yields(uint32_t region) {
  SmallVector<Value> result;
  for (uint32_t i = regions.yield_offsets()->Get(region);
       i < regions.yield_offsets()->Get(region + 1); ++i)
    result.push_back(reference(region, regions.yields()->Get(i)));
  return result;
}

ProfileAttr WorkflowReader::profile(uint32_t index) {
  if (index == none)
    return {};
  ProfileAttr &cached = profiles[index];
  if (cached)
    return cached;
  const fb::ProfileTable &table = *w.profiles();
  SmallVector<Epoch> epochs;
  for (uint32_t e = table.epoch_offsets()->Get(index);
       e < table.epoch_offsets()->Get(index + 1); ++e) {
    Epoch &epoch = epochs.emplace_back();
    epoch.from = table.first_request()->Get(e);
    if (table.distribution()->Get(e) != none)
      epoch.draw = distributions[table.distribution()->Get(e)];
    for (uint32_t f = table.frequency_offsets()->Get(e);
         f < table.frequency_offsets()->Get(e + 1); ++f)
      epoch.frequencies.push_back(table.frequencies()->Get(f));
  }
  cached = ProfileAttr::get(builder.getContext(), ArrayRef<Epoch>(epochs));
  return cached;
}

Location WorkflowReader::location(uint32_t block) {
  uint32_t file = blocks.source_file()->Get(block);
  if (file == none)
    return builder.getUnknownLoc();
  return FileLineColLoc::get(builder.getContext(), string(file),
                             blocks.source_line()->Get(block),
                             blocks.source_column()->Get(block));
}

void WorkflowReader::openScopes(uint32_t block, Operation *opener) {
  unsigned at = 1;
  for (uint32_t r = blocks.region_begin()->Get(block);
       r < blocks.region_begin()->Get(block + 1); ++r) {
    acts[r] = opener->getResult(at++);
    uint32_t first = regions.value_begin()->Get(r);
    for (uint32_t i = 0; i < regions.num_imports()->Get(r); ++i)
      values[first + i] = opener->getResult(at++);
  }
}

void WorkflowReader::decorate(uint32_t number, Operation *op) {
  auto block = cast<BlockOpInterface>(op);
  const fb::PlacementTable &placement = *w.placement();
  SmallVector<spatial::Replica> replicas;
  for (uint32_t i = placement.replica_offsets()->Get(number);
       i < placement.replica_offsets()->Get(number + 1); ++i) {
    const fb::Replica &r = *placement.replicas()->Get(i);
    spatial::Replica replica;
    replica.cluster = r.cluster();
    replica.tbu = r.tbu();
    replica.peaFirst = r.pea_first();
    replica.peaCount = r.pea_count();
    replica.maxGang = r.max_gang();
    replica.shareQ16 = r.share_q16();
    replica.standby = r.standby();
    replicas.push_back(replica);
  }
  block.setPlaceAttr(PlaceAttr::get(
      builder.getContext(), ArrayRef<spatial::Replica>(replicas),
      static_cast<Routing>(placement.routing()->Get(number))));
  const fb::PolicyTable &policy = *w.policy();
  SmallVector<uint32_t> next;
  for (uint32_t i = policy.successors_hint_offsets()->Get(number);
       i < policy.successors_hint_offsets()->Get(number + 1); ++i)
    next.push_back(policy.successors_hint()->Get(i));
  block.setPolicyAttr(PolicyAttr::get(
      builder.getContext(), policy.dynamic_time()->Get(number),
      policy.dynamic_frequency()->Get(number),
      builder.getStringAttr(policy.reason()->Get(number) == none
                                ? StringRef()
                                : string(policy.reason()->Get(number))),
      policy.priority()->Get(number), policy.expected_cycles()->Get(number),
      policy.expected_cycles_p95()->Get(number),
      policy.expected_count_q16()->Get(number), next));
  if (decisions[number])
    block.setDecisionsAttr(decisions[number]);
}

void WorkflowReader::addBlock(uint32_t block) {
  uint32_t region = blocks.region()->Get(block);
  Value act = acts[region];
  StringAttr path = builder.getStringAttr(string(blocks.path()->Get(block)));
  Location loc = location(block);
  uint32_t numInputs = blocks.input_offsets()->Get(block + 1) -
                       blocks.input_offsets()->Get(block);
  uint32_t outputBegin = blocks.output_begin()->Get(block);
  uint32_t numOutputs = blocks.output_begin()->Get(block + 1) - outputBegin;
  SmallVector<Type> outputTypes;
  for (uint32_t i = 0; i < numOutputs; ++i)
    outputTypes.push_back(flowType(outputBegin + i));
  ProfileAttr blockProfile = profile(blocks.profile()->Get(block));
  FlatSymbolRefAttr kernelName = kernel(blocks.kernel()->Get(block));
  uint32_t decideInputs = blocks.decide_inputs()->Get(block);

  SmallVector<Type> scopeTypes;
  SmallVector<int32_t> imports, sizes;
  for (uint32_t r = blocks.region_begin()->Get(block);
       r < blocks.region_begin()->Get(block + 1); ++r) {
    scopeTypes.push_back(actType);
    uint32_t first = regions.value_begin()->Get(r);
    for (uint32_t i = 0; i < regions.num_imports()->Get(r); ++i) {
      scopeTypes.push_back(flowType(first + i));
      imports.push_back(static_cast<int32_t>(
          regions.imports()->Get(regions.import_offsets()->Get(r) + i)));
    }
    sizes.push_back(static_cast<int32_t>(regions.num_imports()->Get(r)));
  }
  auto importsAttr = builder.getDenseI32ArrayAttr(imports);
  auto sizesAttr = builder.getDenseI32ArrayAttr(sizes);

  Operation *opener = nullptr, *closer = nullptr;
  switch (blocks.kind()->Get(block)) {
  case fb::BlockKind::Task:
    opener = TbOp::create(builder, loc, outputTypes, act, path, kernelName,
                          inputs(block, 0, numInputs), SlotAttr(),
                          blockProfile, PinAttr(), PlaceAttr(), PolicyAttr(),
                          ArrayAttr());
    break;
  case fb::BlockKind::Switch: {
    auto op = SwitchOp::create(
        builder, loc, tokenType, scopeTypes, act, path, kernelName,
        inputs(block, 0, decideInputs), inputs(block, decideInputs, numInputs),
        importsAttr, sizesAttr, blockProfile, PinAttr(), PlaceAttr(),
        PolicyAttr(), ArrayAttr());
    closer = MergeOp::create(builder, loc, outputTypes, op.getToken(),
                             ValueRange());
    opener = op;
    break;
  }
  case fb::BlockKind::Select: {
    uint32_t initEnd = decideInputs + numOutputs;
    auto op = spatial::SelectOp::create(
        builder, loc, tokenType, scopeTypes, act, path, kernelName,
        inputs(block, 0, decideInputs), inputs(block, decideInputs, initEnd),
        inputs(block, initEnd, numInputs), importsAttr, sizesAttr,
        blockProfile, PinAttr(), PlaceAttr(), PolicyAttr(), ArrayAttr());
    closer = JoinOp::create(builder, loc, outputTypes, op.getToken(),
                            kernel(blocks.join_kernel()->Get(block)),
                            ValueRange());
    opener = op;
    break;
  }
  case fb::BlockKind::Loop: {
    // As many carried values as After yields.
    uint32_t after = blocks.region_begin()->Get(block) + 1;
    uint32_t carried = regions.yield_offsets()->Get(after + 1) -
                       regions.yield_offsets()->Get(after);
    auto op = LoopOp::create(
        builder, loc, tokenType, scopeTypes, act, path, kernelName,
        inputs(block, 0, carried), inputs(block, carried, numInputs),
        ValueRange(),
        builder.getI64IntegerAttr(
            static_cast<int64_t>(blocks.bound()->Get(block))),
        importsAttr, sizesAttr, blockProfile, PinAttr(), PlaceAttr(),
        PolicyAttr(), ArrayAttr());
    closer = DecideOp::create(builder, loc, outputTypes, op.getToken(),
                              ValueRange(), ValueRange());
    opener = op;
    break;
  }
  case fb::BlockKind::Fanout: {
    uint32_t initEnd = decideInputs + numOutputs;
    auto op = ForkOp::create(
        builder, loc, tokenType, scopeTypes, act, path,
        decideInputs ? inputs(block, 0, 1).front() : Value(),
        inputs(block, decideInputs, initEnd), inputs(block, initEnd, numInputs),
        importsAttr, sizesAttr, blockProfile, PinAttr(), PlaceAttr(),
        PolicyAttr(), ArrayAttr());
    closer = JoinOp::create(builder, loc, outputTypes, op.getToken(),
                            kernel(blocks.join_kernel()->Get(block)),
                            ValueRange());
    opener = op;
    break;
  }
  }
  openers[block] = opener;
  closers[block] = closer;
  if (closer)
    openScopes(block, opener);
  ResultRange outputs = (closer ? closer : opener)->getResults();
  for (uint32_t i = 0; i < numOutputs; ++i)
    values[outputBegin + i] = outputs[i];
  decorate(block, opener);
}

void WorkflowReader::run(StringRef machine) {
  OpBuilder::InsertionGuard guard(builder);
  program = spatial::ProgramOp::create(builder, builder.getUnknownLoc(),
                                       w.name()->str());
  program.setMachineAttr(
      FlatSymbolRefAttr::get(builder.getContext(), machine));
  auto names = [&](const flatbuffers::Vector<uint32_t> *list) {
    SmallVector<Attribute> all;
    bool any = false;
    if (list)
      for (uint32_t index : *list) {
        StringRef name = index == none ? StringRef() : string(index);
        any |= !name.empty();
        all.push_back(builder.getStringAttr(name));
      }
    return any ? builder.getArrayAttr(all) : ArrayAttr();
  };
  if (ArrayAttr all = names(w.argument_names()))
    program.setArgNamesAttr(all);
  if (ArrayAttr all = names(w.result_names()))
    program.setResultNamesAttr(all);
  const fb::PolicyTable &policy = *w.policy();
  program.setPolicyVersion(policy.version());
  program.setEpochCycles(policy.epoch_cycles());
  program.setAgeCycles(policy.age_cycles());

  uint32_t numBlocks = blocks.kind() ? blocks.kind()->size() : 0;
  uint32_t numRegions = regions.role()->size();
  values.resize(w.values()->type() ? w.values()->type()->size() : 0);
  acts.resize(numRegions);
  openers.resize(numBlocks);
  closers.resize(numBlocks);
  profiles.resize(w.profiles()->epoch_offsets()->size() - 1);
  decisions.resize(numBlocks);
  if (const fb::DecisionTable *table = w.decisions();
      table && table->block() && table->block()->size()) {
    SmallVector<Attribute> run;
    for (uint32_t i = 0; i < table->block()->size(); ++i) {
      SmallVector<spatial::Candidate> candidates;
      for (uint32_t c = table->candidate_offsets()->Get(i);
           c < table->candidate_offsets()->Get(i + 1); ++c) {
        const fb::Candidate &from = *table->candidates()->Get(c);
        candidates.push_back({from.cluster(), from.tbu(), from.gang(),
                              from.score(),
                              static_cast<Outcome>(from.outcome())});
      }
      run.push_back(DecisionAttr::get(
          builder.getContext(), static_cast<DecisionKind>(table->kind()->Get(i)),
          ArrayRef<spatial::Candidate>(candidates)));
      uint32_t block = table->block()->Get(i);
      if (i + 1 == table->block()->size() ||
          table->block()->Get(i + 1) != block) {
        decisions[block] = builder.getArrayAttr(run);
        run.clear();
      }
    }
  }

  builder.setInsertionPointToStart(&program.getBlock());
  SmallVector<Type> argumentTypes;
  for (uint32_t i = 0; i < regions.num_imports()->Get(0); ++i)
    argumentTypes.push_back(flowType(i));
  auto entry = EntryOp::create(builder, builder.getUnknownLoc(), actType,
                               argumentTypes);
  lastPreamble = entry;
  acts[0] = entry.getAct();
  for (auto [i, argument] : llvm::enumerate(entry.getArgs()))
    values[i] = argument;
  // Regions come after their owners', so every import exists before its use.
  for (uint32_t block = 0; block < numBlocks; ++block)
    addBlock(block);

  const fb::SegmentTable &segments = *w.segments();
  uint32_t numSegments = segments.region() ? segments.region()->size() : 0;
  for (uint32_t s = 0; s < numSegments; ++s) {
    SegmentOp::create(builder, builder.getUnknownLoc(),
                      acts[segments.region()->Get(s)],
                      segments.initiation_interval()->Get(s),
                      segments.lanes()->Get(s));
    for (uint32_t i = segments.slot_offsets()->Get(s);
         i < segments.slot_offsets()->Get(s + 1); ++i) {
      const fb::Slot &slot = *segments.slots()->Get(i);
      cast<TbOp>(openers[slot.block()])
          .setSlotAttr(SlotAttr::get(builder.getContext(), s, slot.replica(),
                                     slot.start(), slot.cycles()));
    }
  }

  ExitOp::create(builder, builder.getUnknownLoc(), TypeRange(), entry.getAct(),
                 yields(0));
  for (uint32_t region = 1; region < numRegions; ++region) {
    uint32_t owner = regions.owner()->Get(region);
    SmallVector<Value> yielded = yields(region);
    switch (regions.role()->Get(region)) {
    case fb::RegionRole::Before: {
      auto decide = cast<DecideOp>(closers[owner]);
      uint32_t taken = blocks.decide_inputs()->Get(owner);
      decide.getDecideInputsMutable().assign(
          ArrayRef<Value>(yielded).take_front(taken));
      decide.getForwardsMutable().assign(
          ArrayRef<Value>(yielded).drop_front(taken));
      break;
    }
    case fb::RegionRole::After:
      cast<LoopOp>(openers[owner]).getNextMutable().assign(yielded);
      break;
    default:
      closers[owner]->insertOperands(closers[owner]->getNumOperands(), yielded);
    }
  }
}

OwningOpRef<ModuleOp> ProgramReader::run() {
  context->loadDialect<OctoDialect>();
  OwningOpRef<ModuleOp> module = ModuleOp::create(fileLoc);
  builder.setInsertionPointToStart(module->getBody());
  readTypes();
  readDistributions();
  if (failed(addMachine()))
    return nullptr;
  addImages();
  addKernels();
  addWeights();
  for (const fb::Workflow *workflow : *in.workflows())
    WorkflowReader(in, *workflow, builder, types, distributions)
        .run(machineName);
  if (failed(verify(*module)))
    return nullptr;
  return module;
}

OwningOpRef<ModuleOp> octo::importProgram(const Program &program,
                                          MLIRContext *context) {
  return ProgramReader(*program, context).run();
}
