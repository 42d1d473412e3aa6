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

#include "octo/Dialect/OWG/IR/OWG.h"
#include "octo/Dialect/Octo/IR/ProgramLayout.h"
#include "octo/Program/Columns.h"
#include "octo/Program/MachineTable.h"
#include "octo/Program/Program.h"
#include "octo/Program/program_generated.h"
#include "octo/Translation/ProgramTranslation.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace octo;
using namespace octo::spatial;

namespace {
constexpr uint32_t none = 0xffffffffu;
constexpr uint32_t weightFlag = 0x80000000u;

/// `size` entries of a pool from `begin` on.
template <class T>
ArrayRef<T> slice(const flatbuffers::Vector<T> *pool, uint32_t begin,
                  uint32_t size) {
  return size ? ArrayRef<T>(pool->data() + begin, size) : ArrayRef<T>();
}

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
  void addMachine();
  std::string uniqueName(StringRef base);
  void addImages();
  owg::FormAttr form(const fb::PhaseTable &table, uint32_t f);
  void addKernels();
  void addWeights();
  void addWorkflow(const fb::Workflow &workflow);

  const fb::Program &in;
  OpBuilder builder;
  MLIRContext *context;
  Location fileLoc;
  SmallVector<Type> types;
  SmallVector<DistributionAttr> distributions;
  // A module has one space of names, a file one for each table. Workflows keep
  // theirs; of the others, later ones get a number.
  llvm::StringSet<> names;
  std::string machineName;
  std::vector<std::string> kernelNames, weightNames;
};

/// Rebuilds one octo.program.
class WorkflowReader {
public:
  WorkflowReader(const fb::Program &program, const fb::Workflow &workflow,
                 OpBuilder &builder, ArrayRef<Type> types,
                 ArrayRef<DistributionAttr> distributions,
                 ArrayRef<std::string> kernelNames,
                 ArrayRef<std::string> weightNames)
      : in(program), w(workflow), regions(*workflow.regions()),
        blocks(*workflow.blocks()), builder(builder), types(types),
        distributions(distributions), kernelNames(kernelNames),
        weightNames(weightNames),
        actType(spatial::ActType::get(builder.getContext())),
        tokenType(spatial::BlockType::get(builder.getContext())) {}

  LogicalResult run(StringRef machine);

private:
  StringRef string(uint32_t index) {
    auto *text = in.strings()->Get(index);
    return StringRef(text->data(), text->size());
  }
  FlatSymbolRefAttr kernel(uint32_t index) {
    if (index == none)
      return {};
    return FlatSymbolRefAttr::get(builder.getContext(), kernelNames[index]);
  }
  /// Fails where a value's bytes are not those of its type.
  LogicalResult readFlowTypes();
  Value reference(uint32_t regionIndex, uint32_t index);
  SmallVector<Value> inputs(uint32_t block, uint32_t begin, uint32_t end);
  SmallVector<Value> yields(uint32_t region);
  ProfileAttr profile(uint32_t index);
  void addHeader(StringRef machine);
  void addRecords();
  void readDecisions();
  void addSegments();
  void closeScopes();
  LogicalResult addBlock(uint32_t block);
  LogicalResult decorate(uint32_t number, Operation *op);
  void openScopes(uint32_t block, Operation *opener);
  Location location(uint32_t block);

  const fb::Program &in;
  const fb::Workflow &w;
  const fb::RegionTable &regions;
  const fb::BlockTable &blocks;
  OpBuilder &builder;
  ArrayRef<Type> types;
  ArrayRef<DistributionAttr> distributions;
  ArrayRef<std::string> kernelNames, weightNames;
  Type actType, tokenType;
  std::vector<Type> flowTypes; ///< by value
  std::vector<Value> values, acts;
  std::vector<Operation *> openers, closers;
  std::vector<ProfileAttr> profiles;
  std::vector<ArrayAttr> decisions;
  llvm::DenseMap<uint32_t, Value> weights;
  Operation *lastPreamble = nullptr;
  /// First row of the table of streams that no input has taken.
  uint32_t nextStream = 0;
  spatial::ProgramOp program;
};
} // namespace

//===----------------------------------------------------------------------===//
// Shared tables
//===----------------------------------------------------------------------===//

void ProgramReader::readTypes() {
  const fb::TypeTable &table = *in.types();
  for (uint32_t i = 0; i < sizeOf(table.element()); ++i) {
    Type type;
    switch (entryOf(table.element(), i)) {
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
    if (!entryOf(table.scalar(), i) &&
        !isa<spatial::DataType, spatial::TokenType>(type)) {
      SmallVector<int64_t> shape;
      for (uint32_t d = entryOf(table.dim_offsets(), i);
           d < entryOf(table.dim_offsets(), i + 1); ++d) {
        int64_t dim = entryOf(table.dims(), d);
        shape.push_back(dim < 0 ? ShapedType::kDynamic : dim);
      }
      type = RankedTensorType::get(shape, type);
    }
    types.push_back(type);
  }
}

void ProgramReader::readDistributions() {
  const fb::DistributionTable &table = *in.distributions();
  SmallVector<CurveAttr> curves;
  for (uint32_t i = 0; i < sizeOf(table.discrete()); ++i) {
    uint32_t begin = entryOf(table.knot_offsets(), i);
    uint32_t size = entryOf(table.knot_offsets(), i + 1) - begin;
    curves.push_back(CurveAttr::get(context, slice(table.u(), begin, size),
                                    slice(table.x(), begin, size),
                                    entryOf(table.discrete(), i)));
  }
  for (uint32_t i = 0; i < sizeOf(table.mean_q16()); ++i)
    distributions.push_back(DistributionAttr::get(
        context, curves[entryOf(table.curve(), i)],
        entryOf(table.mean_q16(), i), entryOf(table.scale(), i),
        entryOf(table.shift(), i)));
}

std::string ProgramReader::uniqueName(StringRef base) {
  std::string name = base.str();
  for (unsigned i = 1; !names.insert(name).second; ++i)
    name = (base + "." + Twine(i)).str();
  return name;
}

void ProgramReader::addMachine() {
  // The validator has read it already.
  TargetDesc target = *readMachineTable(*in.machine());
  machineName = uniqueName(target.name);
  MachineOp::create(builder, fileLoc, machineName, target);
}

ElementsAttr ProgramReader::elements(RankedTensorType type,
                                     ArrayRef<uint8_t> bytes, StringRef name) {
  if (type.getElementType().isInteger(1)) {
    SmallVector<bool> values(bytes.begin(), bytes.end());
    return DenseElementsAttr::get(type, values);
  }
  if (bytes.empty())
    return DenseElementsAttr::get(type, ArrayRef<Attribute>());
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
    names.insert(name);
    ElementsAttr object;
    if (sizeOf(image->object()))
      object = elements(
          RankedTensorType::get({static_cast<int64_t>(sizeOf(image->object()))},
                                builder.getI8Type()),
          slice(image->object(), 0, sizeOf(image->object())), name);
    ImageOp::create(builder, fileLoc, name, image->symbol()->str(),
                    in.image_cpu() ? in.image_cpu()->str() : "",
                    image->digest()->str(), object);
  }
}

owg::FormAttr ProgramReader::form(const fb::PhaseTable &table, uint32_t f) {
  SmallVector<int64_t> coefficients;
  SmallVector<uint32_t> ends;
  uint32_t begin = entryOf(table.form_offsets(), f),
           end = entryOf(table.form_offsets(), f + 1);
  uint32_t first = entryOf(table.symbol_offsets(), begin);
  for (uint32_t t = begin; t < end; ++t) {
    coefficients.push_back(table.coefficient()->Get(t));
    ends.push_back(entryOf(table.symbol_offsets(), t + 1) - first);
  }
  return owg::FormAttr::get(
      context, coefficients, ends,
      slice(table.symbols(), first,
            entryOf(table.symbol_offsets(), end) - first));
}

void ProgramReader::addKernels() {
  const fb::KernelTable &table = *in.kernels();
  const fb::WorkTable *work = table.work();
  for (uint32_t i = 0; i < sizeOf(table.name()); ++i) {
    SmallVector<Type> inputs, results;
    // Kernels without code may state no types.
    uint32_t next = entryOf(table.signature_offsets(), i);
    uint32_t end = entryOf(table.signature_offsets(), i + 1);
    for (uint32_t k = 0; k < entryOf(table.num_inputs(), i) && next < end; ++k)
      inputs.push_back(types[entryOf(table.signature(), next++)]);
    for (uint32_t k = 0; k < entryOf(table.num_outputs(), i) && next < end; ++k)
      results.push_back(types[entryOf(table.signature(), next++)]);
    SmallVector<Attribute> terms, variants;
    for (uint32_t t = work ? entryOf(work->term_offsets(), i) : 0,
                  end = work ? entryOf(work->term_offsets(), i + 1) : 0;
         t < end; ++t) {
      uint32_t begin = entryOf(work->symbol_offsets(), t);
      terms.push_back(WorkAttr::get(
          context, static_cast<WorkClass>(entryOf(work->work_class(), t)),
          entryOf(work->coefficient(), t),
          slice(work->symbols(), begin,
                entryOf(work->symbol_offsets(), t + 1) - begin)));
    }
    SmallVector<Attribute> sizes, phases;
    if (const fb::PhaseTable *all = table.phases()) {
      uint32_t sizeForm = owg::PhaseAttr::numForms * sizeOf(all->kind());
      for (uint32_t s = entryOf(all->size_offsets(), i);
           s < entryOf(all->size_offsets(), i + 1); ++s)
        sizes.push_back(owg::SizeAttr::get(
            context, static_cast<owg::SizeKind>(entryOf(all->size_kind(), s)),
            form(*all, sizeForm + 2 * s), form(*all, sizeForm + 2 * s + 1)));
      for (uint32_t p = entryOf(all->phase_offsets(), i);
           p < entryOf(all->phase_offsets(), i + 1); ++p) {
        SmallVector<owg::FormAttr> forms;
        for (uint32_t f = 0; f < owg::PhaseAttr::numForms; ++f)
          forms.push_back(form(*all, owg::PhaseAttr::numForms * p + f));
        phases.push_back(owg::PhaseAttr::get(
            context, static_cast<owg::PhaseKind>(entryOf(all->kind(), p)),
            builder.getStringAttr(string(entryOf(all->name(), p))), forms));
      }
    }
    for (uint32_t v = entryOf(table.variant_offsets(), i);
         v < entryOf(table.variant_offsets(), i + 1); ++v) {
      const fb::Variant &variant = *table.variants()->Get(v);
      SmallVector<Attribute> maps;
      for (uint32_t m = entryOf(table.mapping_offsets(), v);
           m < entryOf(table.mapping_offsets(), v + 1); ++m) {
        const fb::PhaseMapping &map = *table.mappings()->Get(m);
        maps.push_back(MapAttr::get(
            context, static_cast<Dataflow>(map.dataflow()), map.parts_count(),
            map.parts_m(), map.parts_n(), map.parts_k(), map.tile_m(),
            map.tile_n(), map.tile_k()));
      }
      variants.push_back(VariantAttr::get(
          context, variant.gang(), variant.fixed(), variant.mac_q16(),
          variant.vector_q16(), variant.special_q16(), variant.scalar_q16(),
          variant.bytes_q16(), variant.scale_q16(), variant.footprint(),
          variant.sync(),
          maps.empty() ? ArrayAttr() : builder.getArrayAttr(maps)));
    }
    SmallVector<int32_t> donated;
    for (int32_t bit = 0; bit < 64; ++bit)
      if (entryOf(table.donated(), i) >> bit & 1)
        donated.push_back(bit);
    FlatSymbolRefAttr image;
    if (entryOf(table.image(), i, none) != none)
      image = FlatSymbolRefAttr::get(
          context, "image." + std::to_string(entryOf(table.image(), i, none)));
    kernelNames.push_back(uniqueName(string(entryOf(table.name(), i))));
    KernelOp::create(
        builder, fileLoc, StringRef(kernelNames.back()),
        static_cast<KernelKind>(entryOf(table.kind(), i)),
        static_cast<Combine>(entryOf(table.combine(), i)),
        static_cast<spatial::PeaClass>(entryOf(table.pea_class(), i)),
        entryOf(table.code_bytes(), i),
        builder.getFunctionType(inputs, results), FlatSymbolRefAttr(), image,
        entryOf(table.num_counters(), i),
        donated.empty() ? DenseI32ArrayAttr()
                        : builder.getDenseI32ArrayAttr(donated),
        ScalingAttr(),
        terms.empty() ? ArrayAttr() : builder.getArrayAttr(terms),
        builder.getArrayAttr(variants),
        sizes.empty() ? ArrayAttr() : builder.getArrayAttr(sizes),
        phases.empty() ? ArrayAttr() : builder.getArrayAttr(phases));
  }
}

void ProgramReader::addWeights() {
  const fb::WeightTable &table = *in.weights();
  if (!table.name())
    return;
  for (uint32_t i = 0; i < sizeOf(table.name()); ++i) {
    Type type = types[entryOf(table.type(), i)];
    weightNames.push_back(uniqueName(string(entryOf(table.name(), i))));
    StringRef name = weightNames.back();
    ElementsAttr value;
    StringAttr path, digest;
    IntegerAttr seed;
    FloatAttr scale;
    switch (entryOf(table.source(), i)) {
    case fb::WeightSource::Inline: {
      auto tensor = dyn_cast<RankedTensorType>(type);
      uint64_t bytes = entryOf(table.bytes(), i);
      if (!tensor && FlowType::staticBytes(type))
        tensor = RankedTensorType::get({}, type);
      else if (!tensor)
        tensor = RankedTensorType::get({0}, builder.getI8Type());
      value = elements(
          tensor, slice(table.data(), entryOf(table.data_offset(), i), bytes),
          name);
      break;
    }
    case fb::WeightSource::File:
      path = stringAttr(entryOf(table.path(), i, none));
      digest = stringAttr(entryOf(table.digest(), i, none));
      break;
    case fb::WeightSource::Seed:
      seed = builder.getI64IntegerAttr(
          static_cast<int64_t>(entryOf(table.seed(), i)));
      scale = builder.getF64FloatAttr(entryOf(table.scale(), i));
      break;
    }
    WeightOp::create(builder, fileLoc, name, type, value, path, digest, seed,
                     scale);
  }
}

//===----------------------------------------------------------------------===//
// Workflows
//===----------------------------------------------------------------------===//

LogicalResult WorkflowReader::readFlowTypes() {
  const fb::ValueTable &table = *w.values();
  for (uint32_t value = 0; value < sizeOf(table.type()); ++value) {
    uint32_t index = entryOf(table.bytes_distribution(), value, none);
    flowTypes.push_back(FlowType::getChecked(
        [&] {
          return emitError(builder.getUnknownLoc())
                 << "workflow '" << w.name()->str() << "': value " << value
                 << ": ";
        },
        builder.getContext(), types[entryOf(table.type(), value)],
        entryOf(table.bytes(), value),
        index == none ? DistributionAttr() : distributions[index]));
    if (!flowTypes.back())
      return failure();
  }
  return success();
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
        FlowType::get(types[entryOf(in.weights()->type(), index)]),
        StringRef(weightNames[index]));
    lastPreamble = op;
    use = op.getValue();
  }
  return use;
}

SmallVector<Value> WorkflowReader::inputs(uint32_t block, uint32_t begin,
                                          uint32_t end) {
  SmallVector<Value> result;
  uint32_t first = entryOf(blocks.input_offsets(), block);
  for (uint32_t i = begin; i < end; ++i) {
    Value value = reference(entryOf(blocks.region(), block),
                            entryOf(blocks.inputs(), first + i));
    // Inputs are met in ascending order, as the table of streams is.
    const fb::FlowTable *flows = w.flows();
    if (flows && nextStream < sizeOf(flows->input()) &&
        entryOf(flows->input(), nextStream) == first + i) {
      value = FlowOp::create(
          builder, location(block), value.getType(), value,
          builder.getI32IntegerAttr(entryOf(flows->chunks(), nextStream)),
          builder.getI32IntegerAttr(entryOf(flows->buffer(), nextStream)));
      ++nextStream;
    }
    result.push_back(value);
  }
  return result;
}

SmallVector<Value> WorkflowReader::yields(uint32_t region) {
  SmallVector<Value> result;
  for (uint32_t i = entryOf(regions.yield_offsets(), region);
       i < entryOf(regions.yield_offsets(), region + 1); ++i)
    result.push_back(reference(region, entryOf(regions.yields(), i)));
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
  for (uint32_t e = entryOf(table.epoch_offsets(), index);
       e < entryOf(table.epoch_offsets(), index + 1); ++e) {
    Epoch &epoch = epochs.emplace_back();
    epoch.from = entryOf(table.first_request(), e);
    if (entryOf(table.distribution(), e, none) != none)
      epoch.draw = distributions[entryOf(table.distribution(), e, none)];
    for (uint32_t f = entryOf(table.frequency_offsets(), e);
         f < entryOf(table.frequency_offsets(), e + 1); ++f)
      epoch.frequencies.push_back(entryOf(table.frequencies(), f));
  }
  cached = ProfileAttr::get(builder.getContext(), ArrayRef<Epoch>(epochs));
  return cached;
}

Location WorkflowReader::location(uint32_t block) {
  uint32_t file = entryOf(blocks.source_file(), block, none);
  if (file == none)
    return builder.getUnknownLoc();
  return FileLineColLoc::get(builder.getContext(), string(file),
                             entryOf(blocks.source_line(), block),
                             entryOf(blocks.source_column(), block));
}

void WorkflowReader::openScopes(uint32_t block, Operation *opener) {
  unsigned result = 1;
  for (uint32_t r = entryOf(blocks.region_begin(), block);
       r < entryOf(blocks.region_begin(), block + 1); ++r) {
    acts[r] = opener->getResult(result++);
    uint32_t first = entryOf(regions.value_begin(), r);
    for (uint32_t i = 0; i < entryOf(regions.num_imports(), r); ++i)
      values[first + i] = opener->getResult(result++);
  }
}

LogicalResult WorkflowReader::decorate(uint32_t number, Operation *op) {
  auto block = cast<BlockOpInterface>(op);
  const fb::PlacementTable &placement = *w.placement();
  SmallVector<spatial::Replica> replicas;
  for (uint32_t i = entryOf(placement.replica_offsets(), number);
       i < entryOf(placement.replica_offsets(), number + 1); ++i) {
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
  auto place = PlaceAttr::getChecked(
      [&] {
        return emitError(op->getLoc())
               << "'" << block.getPathAttr().getValue() << "': ";
      },
      builder.getContext(), ArrayRef<spatial::Replica>(replicas),
      static_cast<Routing>(entryOf(placement.routing(), number)));
  if (!place)
    return failure();
  block.setPlaceAttr(place);
  const fb::PolicyTable &policy = *w.policy();
  SmallVector<uint32_t> next;
  for (uint32_t i = entryOf(policy.successors_hint_offsets(), number);
       i < entryOf(policy.successors_hint_offsets(), number + 1); ++i)
    next.push_back(entryOf(policy.successors_hint(), i));
  block.setPolicyAttr(PolicyAttr::get(
      builder.getContext(), entryOf(policy.dynamic_time(), number),
      entryOf(policy.dynamic_frequency(), number),
      builder.getStringAttr(
          entryOf(policy.reason(), number, none) == none
              ? StringRef()
              : string(entryOf(policy.reason(), number, none))),
      entryOf(policy.priority(), number),
      entryOf(policy.expected_cycles(), number),
      entryOf(policy.expected_cycles_p95(), number),
      entryOf(policy.expected_count_q16(), number), /*variationQ16=*/0,
      /*tail=*/0, next));
  if (decisions[number])
    block.setDecisionsAttr(decisions[number]);
  return success();
}

LogicalResult WorkflowReader::addBlock(uint32_t block) {
  uint32_t region = entryOf(blocks.region(), block);
  Value act = acts[region];
  StringAttr path =
      builder.getStringAttr(string(entryOf(blocks.path(), block, none)));
  Location loc = location(block);
  uint32_t numInputs = entryOf(blocks.input_offsets(), block + 1) -
                       entryOf(blocks.input_offsets(), block);
  uint32_t outputBegin = entryOf(blocks.output_begin(), block);
  // After the last block of a region come the imports of the next one.
  bool isLast = block + 1 == entryOf(regions.block_begin(), region + 1);
  uint32_t outputEnd = isLast ? entryOf(regions.value_begin(), region + 1)
                              : entryOf(blocks.output_begin(), block + 1);
  uint32_t numOutputs = outputEnd - outputBegin;
  SmallVector<Type> outputTypes;
  for (uint32_t i = 0; i < numOutputs; ++i)
    outputTypes.push_back(flowTypes[outputBegin + i]);
  ProfileAttr blockProfile = profile(entryOf(blocks.profile(), block, none));
  FlatSymbolRefAttr kernelName = kernel(entryOf(blocks.kernel(), block, none));
  uint32_t decideInputs = entryOf(blocks.decide_inputs(), block);

  SmallVector<Type> scopeTypes;
  SmallVector<int32_t> imports, sizes;
  for (uint32_t r = entryOf(blocks.region_begin(), block);
       r < entryOf(blocks.region_begin(), block + 1); ++r) {
    scopeTypes.push_back(actType);
    uint32_t first = entryOf(regions.value_begin(), r);
    for (uint32_t i = 0; i < entryOf(regions.num_imports(), r); ++i) {
      scopeTypes.push_back(flowTypes[first + i]);
      imports.push_back(static_cast<int32_t>(entryOf(
          regions.imports(), entryOf(regions.import_offsets(), r) + i)));
    }
    sizes.push_back(static_cast<int32_t>(entryOf(regions.num_imports(), r)));
  }
  auto importsAttr = builder.getDenseI32ArrayAttr(imports);
  auto sizesAttr = builder.getDenseI32ArrayAttr(sizes);

  Operation *opener = nullptr, *closer = nullptr;
  switch (entryOf(blocks.kind(), block)) {
  case fb::BlockKind::Task:
    opener = TbOp::create(builder, loc, outputTypes, act, path, kernelName,
                          inputs(block, 0, numInputs), SlotAttr(), blockProfile,
                          PinAttr(), PlaceAttr(), PolicyAttr(), ArrayAttr());
    break;
  case fb::BlockKind::Switch: {
    auto op = SwitchOp::create(builder, loc, tokenType, scopeTypes, act, path,
                               kernelName, inputs(block, 0, decideInputs),
                               inputs(block, decideInputs, numInputs),
                               importsAttr, sizesAttr, blockProfile, PinAttr(),
                               PlaceAttr(), PolicyAttr(), ArrayAttr());
    closer =
        MergeOp::create(builder, loc, outputTypes, op.getToken(), ValueRange());
    opener = op;
    break;
  }
  case fb::BlockKind::Select: {
    uint32_t initEnd = decideInputs + numOutputs;
    auto op = spatial::SelectOp::create(
        builder, loc, tokenType, scopeTypes, act, path, kernelName,
        inputs(block, 0, decideInputs), inputs(block, decideInputs, initEnd),
        inputs(block, initEnd, numInputs), importsAttr, sizesAttr, blockProfile,
        PinAttr(), PlaceAttr(), PolicyAttr(), ArrayAttr());
    closer = JoinOp::create(builder, loc, outputTypes, op.getToken(),
                            kernel(entryOf(blocks.join_kernel(), block, none)),
                            ValueRange());
    opener = op;
    break;
  }
  case fb::BlockKind::Loop: {
    // As many carried values as After yields.
    uint32_t after = entryOf(blocks.region_begin(), block) + 1;
    uint32_t carried = entryOf(regions.yield_offsets(), after + 1) -
                       entryOf(regions.yield_offsets(), after);
    auto op = LoopOp::create(builder, loc, tokenType, scopeTypes, act, path,
                             kernelName, inputs(block, 0, carried),
                             inputs(block, carried, numInputs), ValueRange(),
                             builder.getI64IntegerAttr(static_cast<int64_t>(
                                 entryOf(blocks.bound(), block))),
                             importsAttr, sizesAttr, blockProfile, PinAttr(),
                             PlaceAttr(), PolicyAttr(), ArrayAttr());
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
                            kernel(entryOf(blocks.join_kernel(), block, none)),
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
  return decorate(block, opener);
}

/// What the program says as a whole: names, policy, prediction.
void WorkflowReader::addHeader(StringRef machine) {
  program = spatial::ProgramOp::create(builder, builder.getUnknownLoc(),
                                       w.name()->str());
  program.setMachineAttr(FlatSymbolRefAttr::get(builder.getContext(), machine));
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
  if (const fb::RequestPath *path = w.request_path())
    program->setAttr(RequestPathAttr::attrName(),
                     RequestPathAttr::get(builder.getContext(), path->cycles(),
                                          path->deviation(), path->tail(),
                                          builder.getF64FloatAttr(
                                              path->tail_per_million() / 1e4),
                                          path->samples()));
}

void WorkflowReader::addRecords() {
  const fb::RecordTable *table = w.records();
  if (!table)
    return;
  SmallVector<Attribute> records;
  SmallVector<int64_t> record;
  for (uint32_t r = 0; r + 1 < sizeOf(table->record_offsets()); ++r) {
    record.clear();
    for (uint32_t i = entryOf(table->record_offsets(), r);
         i < entryOf(table->record_offsets(), r + 1); ++i) {
      uint32_t block = entryOf(table->block(), i);
      uint32_t begin = entryOf(table->value_offsets(), i);
      uint32_t end = entryOf(table->value_offsets(), i + 1);
      record.append({block == none ? -1 : int64_t(block),
                     static_cast<int64_t>(entryOf(table->tag(), i)),
                     int64_t(end - begin)});
      for (uint32_t v = begin; v < end; ++v)
        record.push_back(static_cast<int64_t>(entryOf(table->values(), v)));
    }
    records.push_back(builder.getDenseI64ArrayAttr(record));
  }
  program.setRecordsAttr(builder.getArrayAttr(records));
}

void WorkflowReader::readDecisions() {
  decisions.resize(sizeOf(blocks.kind()));
  const fb::DecisionTable *table = w.decisions();
  if (!table)
    return;
  llvm::MapVector<uint32_t, SmallVector<Attribute>> records;
  for (uint32_t i = 0; i < sizeOf(table->block()); ++i) {
    SmallVector<spatial::Candidate> candidates;
    for (uint32_t c = entryOf(table->candidate_offsets(), i);
         c < entryOf(table->candidate_offsets(), i + 1); ++c) {
      const fb::Candidate &from = *table->candidates()->Get(c);
      candidates.push_back({from.cluster(), from.tbu(), from.gang(),
                            from.score(),
                            static_cast<Outcome>(from.outcome())});
    }
    records[entryOf(table->block(), i)].push_back(
        DecisionAttr::get(builder.getContext(),
                          static_cast<DecisionKind>(entryOf(table->kind(), i)),
                          ArrayRef<spatial::Candidate>(candidates)));
  }
  for (auto &[block, all] : records)
    decisions[block] = builder.getArrayAttr(all);
}

void WorkflowReader::addSegments() {
  const fb::SegmentTable &segments = *w.segments();
  uint32_t numSegments = sizeOf(segments.region());
  for (uint32_t s = 0; s < numSegments; ++s) {
    SegmentOp::create(builder, builder.getUnknownLoc(),
                      acts[entryOf(segments.region(), s)],
                      entryOf(segments.initiation_interval(), s),
                      entryOf(segments.lanes(), s));
    for (uint32_t i = entryOf(segments.slot_offsets(), s);
         i < entryOf(segments.slot_offsets(), s + 1); ++i) {
      const fb::Slot &slot = *segments.slots()->Get(i);
      cast<TbOp>(openers[slot.block()])
          .setSlotAttr(SlotAttr::get(builder.getContext(), s, slot.replica(),
                                     slot.start(), slot.cycles()));
    }
  }
}

/// Regions give their values to what closes them.
void WorkflowReader::closeScopes() {
  for (uint32_t region = 1; region < acts.size(); ++region) {
    uint32_t owner = entryOf(regions.owner(), region);
    SmallVector<Value> yielded = yields(region);
    switch (entryOf(regions.role(), region)) {
    case fb::RegionRole::Before: {
      auto decide = cast<DecideOp>(closers[owner]);
      uint32_t taken = entryOf(blocks.decide_inputs(), owner);
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

LogicalResult WorkflowReader::run(StringRef machine) {
  if (failed(readFlowTypes()))
    return failure();
  OpBuilder::InsertionGuard guard(builder);
  addHeader(machine);
  addRecords();
  readDecisions();
  const uint32_t numBlocks = sizeOf(blocks.kind());
  values.resize(flowTypes.size());
  acts.resize(sizeOf(regions.role()));
  openers.resize(numBlocks);
  closers.resize(numBlocks);
  profiles.resize(itemsOf(w.profiles()->epoch_offsets()));

  builder.setInsertionPointToStart(&program.getBlock());
  auto entry = EntryOp::create(
      builder, builder.getUnknownLoc(), actType,
      ArrayRef<Type>(flowTypes).take_front(entryOf(regions.num_imports(), 0)));
  lastPreamble = entry;
  acts[0] = entry.getAct();
  llvm::copy(entry.getArgs(), values.begin());
  // Regions come after their owners', so every import exists before its use.
  for (uint32_t block = 0; block < numBlocks; ++block)
    if (failed(addBlock(block)))
      return failure();
  addSegments();
  ExitOp::create(builder, builder.getUnknownLoc(), TypeRange(), entry.getAct(),
                 yields(0));
  closeScopes();
  return success();
}

OwningOpRef<ModuleOp> ProgramReader::run() {
  context->loadDialect<OctoDialect>();
  OwningOpRef<ModuleOp> module = ModuleOp::create(fileLoc);
  builder.setInsertionPointToStart(module->getBody());
  readTypes();
  readDistributions();
  for (const fb::Workflow *workflow : *in.workflows())
    names.insert(workflow->name()->str());
  addMachine();
  addImages();
  addKernels();
  addWeights();
  for (const fb::Workflow *workflow : *in.workflows())
    if (failed(WorkflowReader(in, *workflow, builder, types, distributions,
                              kernelNames, weightNames)
                   .run(machineName)))
      return nullptr;
  if (failed(verify(*module)))
    return nullptr;
  return module;
}

OwningOpRef<ModuleOp> octo::importProgram(const Program &program,
                                          MLIRContext *context) {
  return ProgramReader(*program, context).run();
}
