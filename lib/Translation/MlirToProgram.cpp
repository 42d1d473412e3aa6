//===- MlirToProgram.cpp - Modules of `octo` to program files -------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Fills the tables of a program file. Everything is numbered by first use in
// the order of the module, so equal modules give equal bytes.
//
//===----------------------------------------------------------------------===//

#include "octo/Translation/ProgramTranslation.h"

#include "octo/Dialect/OWG/IR/OWG.h"
#include "octo/Dialect/Octo/IR/ProgramLayout.h"
#include "octo/Dialect/Octo/IR/RequestRecords.h"
#include "octo/Program/MachineTable.h"
#include "octo/Program/Program.h"
#include "octo/Program/program_generated.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Config/llvm-config.h"

using namespace mlir;
using namespace octo;
using namespace octo::spatial;

namespace {
constexpr uint32_t none = 0xffffffffu;
constexpr uint32_t weightFlag = 0x80000000u;

fb::ElementKind elementKind(Type type) {
  if (isa<DataType>(type))
    return fb::ElementKind::Data;
  if (isa<TokenType>(type))
    return fb::ElementKind::Token;
  if (type.isIndex())
    return fb::ElementKind::Index;
  if (type.isF16())
    return fb::ElementKind::F16;
  if (type.isBF16())
    return fb::ElementKind::BF16;
  if (type.isF32())
    return fb::ElementKind::F32;
  if (type.isF64())
    return fb::ElementKind::F64;
  switch (type.getIntOrFloatBitWidth()) {
  case 1:
    return fb::ElementKind::I1;
  case 8:
    return fb::ElementKind::I8;
  case 16:
    return fb::ElementKind::I16;
  case 32:
    return fb::ElementKind::I32;
  default:
    return fb::ElementKind::I64;
  }
}

class ProgramWriter {
public:
  explicit ProgramWriter(ModuleOp module) : module(module) {}

  FailureOr<std::vector<uint8_t>> run();

private:
  //===--------------------------------------------------------------------===//
  // Shared tables
  //===--------------------------------------------------------------------===//

  uint32_t string(StringRef text);
  uint32_t string(StringAttr text) {
    return text ? string(text.getValue()) : none;
  }
  uint32_t type(Type type);
  uint32_t distribution(DistributionAttr distribution);
  /// Appends raw little-endian elements, one byte for an i1.
  LogicalResult appendElements(Operation *op, ElementsAttr elements,
                               std::vector<uint8_t> &bytes);

  LogicalResult addMachine(MachineOp machine);
  LogicalResult addImage(ImageOp image);
  LogicalResult addKernel(KernelOp kernel);
  void addPhases(KernelOp kernel);
  void addForm(owg::FormAttr form);
  void finishPhases();
  LogicalResult addWeight(WeightOp weight);

  //===--------------------------------------------------------------------===//
  // One workflow
  //===--------------------------------------------------------------------===//

  struct WorkflowState {
    ProgramOp program;
    ProgramLayout layout;
    fb::WorkflowT *out = nullptr;
    llvm::DenseMap<Value, uint32_t> values;
    llvm::DenseMap<Attribute, uint32_t> profiles;
  };
  LogicalResult addProgram(ProgramOp program);
  void addValue(WorkflowState &state, Value value);
  FailureOr<uint32_t> reference(WorkflowState &state, Value value);
  LogicalResult references(WorkflowState &state, ValueRange values,
                           std::vector<uint32_t> &pool);
  uint32_t profile(WorkflowState &state, ProfileAttr profile);
  uint32_t kernelIndex(FlatSymbolRefAttr name) {
    return name ? kernels.lookup(name.getAttr()) : none;
  }
  LogicalResult addRegions(WorkflowState &state);
  LogicalResult addYields(WorkflowState &state,
                          const ProgramLayout::Scope &scope);
  LogicalResult addStreams(WorkflowState &state, BlockOpInterface op);
  LogicalResult addBlocks(WorkflowState &state);
  LogicalResult addSegments(WorkflowState &state);
  LogicalResult addRequestPath(WorkflowState &state);
  void addRecords(WorkflowState &state);

  ModuleOp module;
  fb::ProgramT out;
  MachineOp machine;
  llvm::StringMap<uint32_t> strings;
  llvm::DenseMap<Type, uint32_t> types;
  llvm::DenseMap<Attribute, uint32_t> distributions, curves;
  llvm::DenseMap<StringAttr, uint32_t> kernels, weights, images;
  /// Operands of the sizes of all kernels, which come after the phases.
  SmallVector<owg::FormAttr> sizeForms;
};
} // namespace

//===----------------------------------------------------------------------===//
// Shared tables
//===----------------------------------------------------------------------===//

uint32_t ProgramWriter::string(StringRef text) {
  auto [found, isNew] =
      strings.try_emplace(text, static_cast<uint32_t>(out.strings.size()));
  if (isNew)
    out.strings.push_back(text.str());
  return found->second;
}

uint32_t ProgramWriter::type(Type type) {
  fb::TypeTableT &table = *out.types;
  auto [found, isNew] =
      types.try_emplace(type, static_cast<uint32_t>(table.element.size()));
  if (!isNew)
    return found->second;
  auto tensor = dyn_cast<RankedTensorType>(type);
  table.element.push_back(elementKind(tensor ? tensor.getElementType() : type));
  table.scalar.push_back(!tensor && !isa<DataType, TokenType>(type));
  if (tensor)
    for (int64_t dim : tensor.getShape())
      table.dims.push_back(ShapedType::isDynamic(dim) ? -1 : dim);
  table.dim_offsets.push_back(table.dims.size());
  return found->second;
}

uint32_t ProgramWriter::distribution(DistributionAttr distribution) {
  if (!distribution)
    return none;
  fb::DistributionTableT &table = *out.distributions;
  auto [found, isNew] = distributions.try_emplace(
      distribution, static_cast<uint32_t>(table.mean_q16.size()));
  if (!isNew)
    return found->second;
  CurveAttr curve = distribution.getCurve();
  auto [number, isNewCurve] =
      curves.try_emplace(curve, static_cast<uint32_t>(table.discrete.size()));
  if (isNewCurve) {
    llvm::append_range(table.u, curve.getU());
    llvm::append_range(table.x, curve.getX());
    table.knot_offsets.push_back(table.u.size());
    table.discrete.push_back(curve.getDiscrete());
  }
  table.curve.push_back(number->second);
  table.shift.push_back(distribution.getShift());
  table.scale.push_back(distribution.getScale());
  table.mean_q16.push_back(distribution.getMeanQ16());
  return found->second;
}

LogicalResult ProgramWriter::appendElements(Operation *op,
                                            ElementsAttr elements,
                                            std::vector<uint8_t> &bytes) {
  auto append = [&](ArrayRef<char> raw) {
    bytes.insert(bytes.end(), raw.begin(), raw.end());
  };
  if (auto dense = dyn_cast<DenseElementsAttr>(elements)) {
    if (dense.getElementType().isInteger(1)) {
      for (bool value : dense.getValues<bool>())
        bytes.push_back(value);
      return success();
    }
    ArrayRef<char> raw = dense.getRawData();
    size_t copies = dense.isSplat() ? dense.getNumElements() : 1;
    bytes.reserve(bytes.size() + raw.size() * copies);
    for (size_t i = 0; i < copies; ++i)
      append(raw);
    return success();
  }
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(elements)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob)
      return op->emitOpError()
             << "refers to resource '" << resource.getRawHandle().getKey()
             << "', which the module does not have";
    append(blob->getData());
    return success();
  }
  return op->emitOpError() << "has elements of a kind that cannot be written: "
                           << elements << "; use dense or dense_resource";
}

LogicalResult ProgramWriter::addMachine(MachineOp op) {
  Expected<TargetDesc> target = op.getTargetDesc();
  if (!target)
    return op.emitOpError() << target.error().message;
  out.machine = makeMachineTable(*target);
  out.target_digest = digest(*target);
  return success();
}

LogicalResult ProgramWriter::addImage(ImageOp image) {
  if (out.images.empty())
    out.image_cpu = image.getCpu().str();
  else if (out.image_cpu != image.getCpu())
    return image.emitOpError()
           << "is made for '" << image.getCpu() << "', others for '"
           << out.image_cpu << "'; all images of a program are for one CPU";
  images[image.getSymNameAttr()] = out.images.size();
  auto entry = std::make_unique<fb::ImageT>();
  entry->symbol = image.getEntry().str();
  entry->digest = image.getDigest().str();
  if (std::optional<ElementsAttr> object = image.getObject())
    if (failed(appendElements(image, *object, entry->object)))
      return failure();
  out.images.push_back(std::move(entry));
  return success();
}

/// The phases of a kernel, and how its variants lay them out.
void ProgramWriter::addPhases(KernelOp kernel) {
  fb::KernelTableT &table = *out.kernels;
  fb::PhaseTableT &phases = *table.phases;
  if (ArrayAttr all = kernel.getPhasesAttr())
    for (auto phase : all.getAsRange<owg::PhaseAttr>()) {
      phases.kind.push_back(static_cast<fb::PhaseKind>(phase.getKind()));
      phases.name.push_back(string(phase.getName().getValue()));
      for (owg::FormAttr form : phase.getForms())
        addForm(form);
    }
  phases.phase_offsets.push_back(phases.kind.size());
  if (ArrayAttr all = kernel.getSizesAttr())
    for (auto size : all.getAsRange<owg::SizeAttr>()) {
      phases.size_kind.push_back(static_cast<fb::SizeKind>(size.getKind()));
      // Their forms follow those of all phases.
      sizeForms.push_back(size.getFirst());
      sizeForms.push_back(size.getSecond());
    }
  phases.size_offsets.push_back(phases.size_kind.size());
  for (auto variant : kernel.getVariantsAttr().getAsRange<VariantAttr>()) {
    if (ArrayAttr maps = variant.getMaps())
      for (auto map : maps.getAsRange<MapAttr>())
        table.mappings.push_back(fb::PhaseMapping(
            map.getTileM(), map.getTileN(), map.getTileK(), map.getCount(),
            map.getM(), map.getN(), map.getK(),
            static_cast<fb::Dataflow>(map.getDataflow()), 0, 0));
    table.mapping_offsets.push_back(table.mappings.size());
  }
}

void ProgramWriter::addForm(owg::FormAttr form) {
  fb::PhaseTableT &phases = *out.kernels->phases;
  for (unsigned t = 0; t < form.getNumTerms(); ++t) {
    phases.coefficient.push_back(form.getCoefficients()[t]);
    llvm::append_range(phases.symbols, form.getSymbolsOf(t));
    phases.symbol_offsets.push_back(phases.symbols.size());
  }
  phases.form_offsets.push_back(phases.coefficient.size());
}

/// Completes the tables of phases; programs without any have none.
void ProgramWriter::finishPhases() {
  fb::KernelTableT &table = *out.kernels;
  for (owg::FormAttr form : sizeForms)
    addForm(form);
  if (table.phases->kind.empty() && table.phases->size_kind.empty())
    table.phases.reset();
  if (table.mappings.empty())
    table.mapping_offsets.clear();
}

LogicalResult ProgramWriter::addKernel(KernelOp kernel) {
  fb::KernelTableT &table = *out.kernels;
  ArrayAttr variants = kernel.getVariantsAttr();
  if (!variants)
    return kernel.emitOpError()
           << "has no variants; run octo-allocate-peas first";
  kernels[kernel.getSymNameAttr()] = table.name.size();
  table.name.push_back(string(kernel.getSymName()));
  table.kind.push_back(static_cast<fb::KernelKind>(kernel.getKind()));
  table.pea_class.push_back(static_cast<uint8_t>(kernel.getPeaClass()));
  table.code_bytes.push_back(kernel.getCodeBytes());
  FunctionType signature = kernel.getFunctionType();
  table.num_inputs.push_back(signature.getNumInputs());
  table.num_outputs.push_back(signature.getNumResults());
  table.num_counters.push_back(kernel.getNumCounters());
  for (Type input : signature.getInputs())
    table.signature.push_back(type(input));
  for (Type result : signature.getResults())
    table.signature.push_back(type(result));
  table.signature_offsets.push_back(table.signature.size());
  uint64_t donated = 0;
  if (std::optional<ArrayRef<int32_t>> inputs = kernel.getDonated())
    for (int32_t input : *inputs)
      donated |= uint64_t(1) << input;
  table.donated.push_back(donated);
  uint32_t image = none;
  if (FlatSymbolRefAttr name = kernel.getImageAttr()) {
    auto found = images.find(name.getAttr());
    if (found == images.end())
      return kernel.emitOpError()
             << "names image " << name << ", which is no octo.image";
    image = found->second;
  }
  table.image.push_back(image);
  table.combine.push_back(static_cast<fb::Combine>(kernel.getCombine()));
  for (auto variant : variants.getAsRange<VariantAttr>())
    table.variants.push_back(fb::Variant(
        variant.getFixed(), variant.getMacQ16(), variant.getVectorQ16(),
        variant.getSpecialQ16(), variant.getScalarQ16(), variant.getBytesQ16(),
        variant.getScaleQ16(), variant.getFootprint(), variant.getGang(), 0,
        variant.getSync()));
  table.variant_offsets.push_back(table.variants.size());
  addPhases(kernel);
  if (ArrayAttr work = kernel.getWorkAttr())
    for (auto term : work.getAsRange<WorkAttr>()) {
      table.work->work_class.push_back(
          static_cast<fb::WorkClass>(term.getWorkClass()));
      table.work->coefficient.push_back(term.getCoefficient());
      llvm::append_range(table.work->symbols, term.getSymbols());
      table.work->symbol_offsets.push_back(table.work->symbols.size());
    }
  table.work->term_offsets.push_back(table.work->coefficient.size());
  return success();
}

LogicalResult ProgramWriter::addWeight(WeightOp weight) {
  fb::WeightTableT &table = *out.weights;
  weights[weight.getSymNameAttr()] = table.name.size();
  table.name.push_back(string(weight.getSymName()));
  table.type.push_back(type(weight.getType()));
  table.bytes.push_back(FlowType::staticBytes(weight.getType()));
  table.seed.push_back(static_cast<uint64_t>(weight.getSeed().value_or(0)));
  table.scale.push_back(weight.getScale() ? weight.getScale()->convertToDouble()
                                          : 0.0);
  table.path.push_back(string(weight.getFileAttr()));
  table.digest.push_back(string(weight.getDigestAttr()));
  uint64_t offset = 0;
  if (std::optional<ElementsAttr> value = weight.getValue()) {
    // Aligned, so that a mapped file can be read in place.
    table.data.resize((table.data.size() + 63) / 64 * 64);
    offset = table.data.size();
    if (failed(appendElements(weight, *value, table.data)))
      return failure();
    if (table.data.size() - offset != table.bytes.back())
      return weight.emitOpError()
             << "has " << table.data.size() - offset << " bytes of elements; "
             << weight.getType() << " has " << table.bytes.back();
    table.source.push_back(fb::WeightSource::Inline);
  } else {
    table.source.push_back(weight.getFile() ? fb::WeightSource::File
                                            : fb::WeightSource::Seed);
  }
  table.data_offset.push_back(offset);
  return success();
}

//===----------------------------------------------------------------------===//
// Workflows
//===----------------------------------------------------------------------===//

void ProgramWriter::addValue(WorkflowState &state, Value value) {
  fb::ValueTableT &table = *state.out->values;
  auto flow = cast<FlowType>(value.getType());
  state.values[value] = table.type.size();
  table.type.push_back(type(flow.getPayload()));
  table.bytes.push_back(flow.getBytes());
  // Absent while no value has one.
  uint32_t bytesDistribution = distribution(flow.getDistribution());
  if (bytesDistribution != none || !table.bytes_distribution.empty()) {
    table.bytes_distribution.resize(table.type.size(), none);
    table.bytes_distribution.back() = bytesDistribution;
  }
}

FailureOr<uint32_t> ProgramWriter::reference(WorkflowState &state,
                                             Value value) {
  value = skipFlows(value);
  if (auto use = value.getDefiningOp<UseWeightOp>())
    return weightFlag | weights.lookup(use.getWeightAttr().getAttr());
  return state.values.lookup(value);
}

LogicalResult ProgramWriter::references(WorkflowState &state, ValueRange values,
                                        std::vector<uint32_t> &pool) {
  for (Value value : values) {
    FailureOr<uint32_t> index = reference(state, value);
    if (failed(index))
      return failure();
    pool.push_back(*index);
  }
  return success();
}

uint32_t ProgramWriter::profile(WorkflowState &state, ProfileAttr profile) {
  if (!profile)
    return none;
  fb::ProfileTableT &table = *state.out->profiles;
  auto [found, isNew] = state.profiles.try_emplace(
      profile, static_cast<uint32_t>(table.epoch_offsets.size() - 1));
  if (!isNew)
    return found->second;
  for (const Epoch &epoch : profile.getEpochs()) {
    table.first_request.push_back(epoch.from);
    table.distribution.push_back(distribution(epoch.getDraw()));
    llvm::append_range(table.frequencies, epoch.frequencies);
    table.frequency_offsets.push_back(table.frequencies.size());
  }
  table.epoch_offsets.push_back(table.first_request.size());
  return found->second;
}

/// The values that a scope yields.
static SmallVector<Value> yieldsOf(ProgramOp program,
                                   const ProgramLayout &layout,
                                   const ProgramLayout::Scope &scope) {
  SmallVector<Value> yields;
  if (scope.role == ScopeRole::Body) {
    llvm::append_range(yields, program.getExit().getResults_());
    return yields;
  }
  auto control = cast<ControlOpInterface>(*layout.blocks[scope.owner].op);
  Operation *closer = control.getCloser();
  if (scope.role == ScopeRole::Before) {
    auto decide = cast<DecideOp>(closer);
    llvm::append_range(yields, decide.getDecideInputs());
    llvm::append_range(yields, decide.getForwards());
  } else if (scope.role == ScopeRole::After) {
    llvm::append_range(yields, cast<LoopOp>(*control).getNext());
  } else {
    unsigned outputs = closer->getNumResults();
    llvm::append_range(yields, closer->getOperands().slice(
                                   1 + scope.number * outputs, outputs));
  }
  return yields;
}

LogicalResult ProgramWriter::addRegions(WorkflowState &state) {
  ProgramLayout &layout = state.layout;
  fb::RegionTableT &table = *state.out->regions;
  fb::BlockTableT &blocks = *state.out->blocks;
  // Values first: yields and inputs refer to values of any later region too.
  blocks.output_begin.resize(layout.blocks.size() + 1);
  SmallVector<unsigned> importBegin;
  for (const ProgramLayout::Scope &scope : layout.scopes) {
    table.value_begin.push_back(state.out->values->type.size());
    if (scope.role == ScopeRole::Body) {
      for (Value argument : state.program.getEntry().getArgs())
        addValue(state, argument);
    } else {
      auto control = cast<ControlOpInterface>(*layout.blocks[scope.owner].op);
      // They follow the activation, which the layout knows.
      unsigned first = cast<OpResult>(scope.act).getResultNumber() + 1;
      for (Value import : control->getResults().slice(
               first, control.getImportSizes()[scope.number]))
        addValue(state, import);
    }
    for (uint32_t i = scope.blockBegin; i < scope.blockEnd; ++i) {
      blocks.output_begin[i] = state.out->values->type.size();
      for (Value output : layout.blocks[i].op.getBlockOutputs())
        addValue(state, output);
    }
  }
  table.value_begin.push_back(state.out->values->type.size());
  blocks.output_begin.back() = state.out->values->type.size();

  for (const ProgramLayout::Scope &scope : layout.scopes) {
    table.role.push_back(static_cast<fb::RegionRole>(scope.role));
    table.owner.push_back(scope.owner);
    table.block_begin.push_back(scope.blockBegin);
    unsigned numImports;
    if (scope.role == ScopeRole::Body) {
      numImports = state.program.getEntry().getArgs().size();
      for (unsigned i = 0; i < numImports; ++i)
        table.imports.push_back(i);
    } else {
      auto control = cast<ControlOpInterface>(*layout.blocks[scope.owner].op);
      // Scopes of one block follow one another, so the sum is kept.
      if (scope.number == 0)
        importBegin.assign(1, 0);
      numImports = control.getImportSizes()[scope.number];
      for (int32_t import :
           control.getImports().slice(importBegin.back(), numImports))
        table.imports.push_back(static_cast<uint32_t>(import));
      importBegin.push_back(importBegin.back() + numImports);
    }
    table.num_imports.push_back(numImports);
    table.import_offsets.push_back(table.imports.size());
    if (failed(references(state, yieldsOf(state.program, layout, scope),
                          table.yields)))
      return failure();
    table.yield_offsets.push_back(table.yields.size());
  }
  table.block_begin.push_back(layout.blocks.size());
  return success();
}

/// Lists the streamed ones of the inputs that are about to be added.
LogicalResult ProgramWriter::addStreams(WorkflowState &state,
                                        BlockOpInterface op) {
  for (auto [i, input] : llvm::enumerate(op.getBlockInputs())) {
    FlowOp stream = getStream(input);
    if (!stream)
      continue;
    // The verifier has seen the producer, and the slots where there are some.
    if (!cast<TbOp>(*op).getSlotAttr())
      return stream.emitOpError()
             << "is streamed to '" << op.getPathAttr().getValue()
             << "', which has no slot; run octo-static-schedule, or drop "
                "'streamed'";
    if (!state.out->flows)
      state.out->flows = std::make_unique<fb::FlowTableT>();
    fb::FlowTableT &table = *state.out->flows;
    table.input.push_back(state.out->blocks->inputs.size() + i);
    table.chunks.push_back(static_cast<uint16_t>(*stream.getChunks()));
    table.buffer.push_back(static_cast<uint16_t>(stream.getBuffer()));
  }
  return success();
}

LogicalResult ProgramWriter::addBlocks(WorkflowState &state) {
  ProgramLayout &layout = state.layout;
  fb::BlockTableT &table = *state.out->blocks;
  fb::PlacementTableT &placement = *state.out->placement;
  fb::PolicyTableT &policies = *state.out->policy;
  fb::DecisionTableT &decisions = *state.out->decisions;
  uint32_t regions = 1;
  for (auto [number, entry] : llvm::enumerate(layout.blocks)) {
    BlockOpInterface op = entry.op;
    Operation *raw = op.getOperation();
    StringRef path = op.getPathAttr().getValue();
    table.region.push_back(entry.scope);
    table.path.push_back(string(path));
    table.profile.push_back(profile(state, op.getProfileAttr()));
    table.region_begin.push_back(regions);
    regions += entry.numScopes;
    if (failed(addStreams(state, op)) ||
        failed(references(state, op.getBlockInputs(), table.inputs)))
      return failure();
    table.input_offsets.push_back(table.inputs.size());

    fb::BlockKind kind = fb::BlockKind::Task;
    size_t decideInputs = 0;
    uint64_t bound = 0;
    uint32_t join = none;
    auto joined = [&] {
      Operation *closer = cast<ControlOpInterface>(raw).getCloser();
      return kernelIndex(cast<JoinOp>(closer).getKernelAttr());
    };
    if (auto control = dyn_cast<SwitchOp>(raw)) {
      kind = fb::BlockKind::Switch;
      decideInputs = control.getDecideInputs().size();
    } else if (auto control = dyn_cast<SelectOp>(raw)) {
      kind = fb::BlockKind::Select;
      decideInputs = control.getDecideInputs().size();
      join = joined();
    } else if (auto control = dyn_cast<LoopOp>(raw)) {
      kind = fb::BlockKind::Loop;
      auto closer = cast<DecideOp>(cast<ControlOpInterface>(raw).getCloser());
      decideInputs = closer.getDecideInputs().size();
      bound = control.getBound();
    } else if (auto control = dyn_cast<ForkOp>(raw)) {
      kind = fb::BlockKind::Fanout;
      decideInputs = control.getCount() ? 1 : 0;
      join = joined();
    }
    if (decideInputs > 0xffff)
      return raw->emitOpError()
             << "'" << path << "' decides by " << decideInputs
             << " values; a program file allows 65535";
    table.kind.push_back(kind);
    table.kernel.push_back(kernelIndex(op.getKernelAttr()));
    table.decide_inputs.push_back(static_cast<uint16_t>(decideInputs));
    table.join_kernel.push_back(join);
    table.bound.push_back(bound);
    auto file = raw->getLoc()->findInstanceOf<FileLineColLoc>();
    table.source_file.push_back(file ? string(file.getFilename().getValue())
                                     : none);
    table.source_line.push_back(file ? file.getLine() : 0);
    table.source_column.push_back(file ? file.getColumn() : 0);

    PlaceAttr place = op.getPlaceAttr();
    if (!place)
      return raw->emitOpError() << "'" << path
                                << "' has no place; run octo-allocate-peas "
                                   "first";
    for (const spatial::Replica &r : place.getReplicas())
      placement.replicas.push_back(fb::Replica(r.cluster, r.tbu, r.peaFirst,
                                               r.peaCount, r.maxGang,
                                               r.shareQ16, r.standby));
    placement.replica_offsets.push_back(placement.replicas.size());
    placement.routing.push_back(static_cast<fb::Routing>(place.getRouting()));

    PolicyAttr policy = op.getPolicyAttr();
    if (!policy)
      return raw->emitOpError() << "'" << path
                                << "' has no policy; run octo-runtime-tables "
                                   "first";
    policies.dynamic_time.push_back(policy.getDynamicTime());
    policies.dynamic_frequency.push_back(policy.getDynamicFrequency());
    policies.reason.push_back(string(policy.getReason().getValue()));
    policies.priority.push_back(policy.getPriority());
    policies.expected_cycles.push_back(policy.getExpectedCycles());
    policies.expected_cycles_p95.push_back(policy.getExpectedCyclesP95());
    policies.expected_count_q16.push_back(policy.getExpectedCountQ16());
    for (uint32_t next : policy.getNext())
      policies.successors_hint.push_back(layout.byOrdinal[next]);
    policies.successors_hint_offsets.push_back(policies.successors_hint.size());

    if (ArrayAttr all = op.getDecisionsAttr())
      for (auto decision : all.getAsRange<DecisionAttr>()) {
        decisions.block.push_back(number);
        decisions.kind.push_back(
            static_cast<fb::DecisionKind>(decision.getKind()));
        for (const spatial::Candidate &c : decision.getCandidates())
          decisions.candidates.push_back(
              fb::Candidate(c.cluster, c.tbu, c.gang, c.score,
                            static_cast<fb::Rejection>(c.outcome)));
        decisions.candidate_offsets.push_back(decisions.candidates.size());
      }
  }
  table.region_begin.push_back(regions);
  return success();
}

LogicalResult ProgramWriter::addSegments(WorkflowState &state) {
  ProgramLayout &layout = state.layout;
  fb::SegmentTableT &table = *state.out->segments;
  std::vector<std::vector<fb::Slot>> slots(layout.segments.size());
  for (auto [number, entry] : llvm::enumerate(layout.blocks)) {
    auto tb = dyn_cast<TbOp>(*entry.op);
    if (!tb || !tb.getSlotAttr())
      continue;
    SlotAttr slot = tb.getSlotAttr();
    slots[slot.getSegment()].push_back(
        fb::Slot(static_cast<uint32_t>(number), slot.getReplica(),
                 slot.getStart(), slot.getCycles()));
  }
  for (auto [segment, list] : llvm::zip_equal(layout.segments, slots)) {
    llvm::sort(list, [](const fb::Slot &a, const fb::Slot &b) {
      return std::pair(a.start(), a.block()) < std::pair(b.start(), b.block());
    });
    table.region.push_back(layout.scopeOfAct.lookup(segment.getAct()));
    llvm::append_range(table.slots, list);
    table.slot_offsets.push_back(table.slots.size());
    table.initiation_interval.push_back(segment.getInterval());
    table.lanes.push_back(segment.getLanes());
  }
  return success();
}

LogicalResult ProgramWriter::addRequestPath(WorkflowState &state) {
  auto path = state.program->getAttrOfType<RequestPathAttr>(
      RequestPathAttr::attrName());
  if (!path)
    return success();
  const double percent = path.getPercent().getValueAsDouble();
  if (!(percent >= 50 && percent <= 99.9999))
    return state.program.emitOpError()
           << "has a request path whose tail is at " << percent
           << " %; a program file takes 50 to 99.9999";
  state.out->request_path = std::make_unique<fb::RequestPathT>();
  fb::RequestPathT &out = *state.out->request_path;
  out.cycles = path.getCycles();
  out.deviation = path.getDeviation();
  out.tail = path.getTail();
  out.tail_per_million = static_cast<uint32_t>(percent * 1e4 + 0.5);
  out.samples = path.getSamples();
  return success();
}

void ProgramWriter::addRecords(WorkflowState &state) {
  ArrayAttr records = state.program.getRecordsAttr();
  if (!records || records.empty())
    return;
  state.out->records = std::make_unique<fb::RecordTableT>();
  fb::RecordTableT &table = *state.out->records;
  table.record_offsets.push_back(0);
  table.value_offsets.push_back(0);
  for (auto record : records.getAsRange<DenseI64ArrayAttr>()) {
    for (RecordCursor entry(record); !entry.atEnd(); entry.next()) {
      table.block.push_back(entry.block());
      table.tag.push_back(entry.tag());
      for (int64_t value : entry.values())
        table.values.push_back(static_cast<uint64_t>(value));
      table.value_offsets.push_back(table.values.size());
    }
    table.record_offsets.push_back(table.block.size());
  }
}

LogicalResult ProgramWriter::addProgram(ProgramOp program) {
  FailureOr<ProgramLayout> layout = computeLayout(program);
  if (failed(layout))
    return failure();
  auto workflow = std::make_unique<fb::WorkflowT>();
  workflow->name = program.getSymName().str();
  octo::makeRequiredTables(*workflow);
  workflow->decisions = std::make_unique<fb::DecisionTableT>();
  workflow->regions->import_offsets.push_back(0);
  workflow->regions->yield_offsets.push_back(0);
  workflow->blocks->input_offsets.push_back(0);
  workflow->profiles->epoch_offsets.push_back(0);
  workflow->profiles->frequency_offsets.push_back(0);
  workflow->placement->replica_offsets.push_back(0);
  workflow->segments->slot_offsets.push_back(0);
  workflow->policy->successors_hint_offsets.push_back(0);
  workflow->decisions->candidate_offsets.push_back(0);
  workflow->policy->version = program.getPolicyVersion();
  workflow->policy->epoch_cycles = program.getEpochCycles();
  workflow->policy->age_cycles = program.getAgeCycles();

  EntryOp entry = program.getEntry();
  ExitOp exit = program.getExit();
  auto name = [&](ArrayAttr names, unsigned i) {
    return string(names ? cast<StringAttr>(names[i]).getValue() : "");
  };
  for (unsigned i = 0, e = entry.getArgs().size(); i < e; ++i)
    workflow->argument_names.push_back(name(program.getArgNamesAttr(), i));
  for (unsigned i = 0, e = exit.getResults_().size(); i < e; ++i) {
    workflow->result_names.push_back(name(program.getResultNamesAttr(), i));
    workflow->result_types.push_back(
        type(cast<FlowType>(exit.getResults_()[i].getType()).getPayload()));
  }

  WorkflowState state;
  state.program = program;
  state.layout = std::move(*layout);
  state.out = workflow.get();
  if (failed(addRegions(state)) || failed(addBlocks(state)) ||
      failed(addSegments(state)) || failed(addRequestPath(state)))
    return failure();
  addRecords(state);
  out.workflows.push_back(std::move(workflow));
  return success();
}

FailureOr<std::vector<uint8_t>> ProgramWriter::run() {
  out.producer = "octopus " OCTO_VERSION " (MLIR " LLVM_VERSION_STRING ")";
  octo::makeRequiredTables(out);
  out.types->dim_offsets.push_back(0);
  out.kernels->signature_offsets.push_back(0);
  out.kernels->variant_offsets.push_back(0);
  out.kernels->mapping_offsets.push_back(0);
  out.kernels->phases = std::make_unique<fb::PhaseTableT>();
  out.kernels->phases->phase_offsets.push_back(0);
  out.kernels->phases->size_offsets.push_back(0);
  out.kernels->phases->form_offsets.push_back(0);
  out.kernels->phases->symbol_offsets.push_back(0);
  out.kernels->work = std::make_unique<fb::WorkTableT>();
  out.kernels->work->term_offsets.push_back(0);
  out.kernels->work->symbol_offsets.push_back(0);
  out.distributions->knot_offsets.push_back(0);

  SmallVector<ProgramOp> programs;
  Block &body = *module.getBody();
  for (Operation &op : body) {
    if (auto found = dyn_cast<MachineOp>(op)) {
      if (machine) {
        InFlightDiagnostic diagnostic =
            found.emitOpError()
            << "is the second of the module; a program file is for one machine";
        diagnostic.attachNote(machine.getLoc()) << "the first is here";
        return diagnostic;
      }
      machine = found;
    }
    if (auto program = dyn_cast<ProgramOp>(op))
      programs.push_back(program);
  }
  if (programs.empty())
    return module.emitError() << "has no octo.program; run convert-owg-to-octo "
                                 "first";
  if (!machine)
    return module.emitError()
           << "has no octo.machine; add one, or compile for a target";
  for (ProgramOp program : programs)
    if (program.getMachineAttr() &&
        program.getMachineAttr().getAttr() != machine.getSymNameAttr())
      return program.emitOpError() << "is for " << program.getMachineAttr()
                                   << ", not for the machine of the module";
  if (failed(addMachine(machine)))
    return failure();
  for (ImageOp image : body.getOps<ImageOp>())
    if (failed(addImage(image)))
      return failure();
  for (KernelOp kernel : body.getOps<KernelOp>())
    if (failed(addKernel(kernel)))
      return failure();
  finishPhases();
  for (WeightOp weight : body.getOps<WeightOp>())
    if (failed(addWeight(weight)))
      return failure();
  for (ProgramOp program : programs)
    if (failed(addProgram(program)))
      return failure();
  Expected<std::vector<uint8_t>> bytes = writeProgram(out);
  if (!bytes)
    return module.emitError()
           << "does not make a valid program file: " << bytes.error().message;
  return std::move(*bytes);
}

FailureOr<std::vector<uint8_t>> octo::translateToProgram(ModuleOp module) {
  return ProgramWriter(module).run();
}
