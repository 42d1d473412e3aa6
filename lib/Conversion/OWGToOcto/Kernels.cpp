//===- Kernels.cpp - Kernels and weights of the converted module ----------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Deduplicates what tasks and decisions execute and what they read.
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"

#include "octo/Dialect/OWG/Transforms/WorkModel.h"

#include "mlir/IR/OperationSupport.h"

using namespace mlir;
using namespace octo;

Type octo::getPayload(Type type) {
  if (isa<owg::DataType>(type))
    return spatial::DataType::get(type.getContext());
  if (isa<owg::TokenType>(type))
    return spatial::TokenType::get(type.getContext());
  return spatial::FlowType::isPayload(type) ? type : Type();
}

KernelTable::KernelTable(ModuleOp module)
    : module(module), builder(module.getContext()) {
  for (Operation &op : *module.getBody())
    if (auto symbol = dyn_cast<SymbolOpInterface>(op))
      names.insert(symbol.getName());
}

std::string KernelTable::makeName(StringRef base) {
  std::string name = base.str();
  if (names.insert(name).second)
    return name;
  unsigned &number = nextNumber[base];
  do
    name = (base + "." + Twine(++number)).str();
  while (!names.insert(name).second);
  return name;
}

spatial::KernelOp KernelTable::makeKernel(
    Location loc, StringRef name, spatial::KernelKind kind, FunctionType type,
    function_ref<void(spatial::KernelOp::Properties &)> fill) {
  MLIRContext *context = module.getContext();
  OperationState state(loc, spatial::KernelOp::getOperationName());
  auto &properties = state.getOrAddProperties<spatial::KernelOp::Properties>();
  properties.sym_name = builder.getStringAttr(makeName(name));
  properties.kind = spatial::KernelKindAttr::get(context, kind);
  properties.combine =
      spatial::CombineAttr::get(context, spatial::Combine::None);
  properties.pea_class =
      spatial::PeaClassAttr::get(context, spatial::PeaClass::General);
  properties.code_bytes = builder.getI64IntegerAttr(0);
  properties.num_counters = builder.getI32IntegerAttr(0);
  properties.function_type = TypeAttr::get(type);
  fill(properties);
  return cast<spatial::KernelOp>(builder.create(state));
}

/// The signature with payloads in place of owg types.
static FunctionType payloadSignature(FunctionType type) {
  SmallVector<Type> inputs, results;
  for (Type input : type.getInputs())
    inputs.push_back(getPayload(input));
  for (Type result : type.getResults())
    results.push_back(getPayload(result));
  return FunctionType::get(type.getContext(), inputs, results);
}

spatial::KernelOp KernelTable::makeImageKernel(func::FuncOp function,
                                               owg::CostAttr cost,
                                               uint64_t codeBytes) {
  MLIRContext *context = module.getContext();
  spatial::KernelOp kernel = makeKernel(
      function.getLoc(), ("k." + function.getSymName()).str(),
      spatial::KernelKind::Image, payloadSignature(function.getFunctionType()),
      [&](spatial::KernelOp::Properties &properties) {
        properties.pea_class = spatial::PeaClassAttr::get(
            context, static_cast<spatial::PeaClass>(cost.getUnit()));
        properties.code_bytes =
            builder.getI64IntegerAttr(static_cast<int64_t>(codeBytes));
        properties.num_counters =
            builder.getI32IntegerAttr(cost.getNumCounters());
        properties.body = FlatSymbolRefAttr::get(function);
        auto listOf = [&](auto items) {
          return builder.getArrayAttr(llvm::map_to_vector(
              items, [](auto item) -> Attribute { return item; }));
        };
        if (!cost.getPhases().empty())
          properties.phases = listOf(cost.getPhases());
        if (!cost.getSizes().empty())
          properties.sizes = listOf(cost.getSizes());
      });
  // What the program file has no place for: expected counts, which the choice of
  // variants needs.
  kernel->setAttr(owg::CostAttr::attrName(), cost);
  return kernel;
}

FlatSymbolRefAttr
KernelTable::getTaskKernel(Operation *task, FlatSymbolRefAttr callee,
                           std::optional<uint64_t> codeBytes) {
  // The estimate is recognised by a key that no profile can have.
  FlatSymbolRefAttr &kernel =
      taskKernels[{callee, codeBytes.value_or(~uint64_t(0) - 2)}];
  if (kernel)
    return kernel;
  auto function = symbols.lookupNearestSymbolFrom<func::FuncOp>(module, callee);
  if (!function) {
    task->emitError() << "calls " << callee << ", which is no func.func";
    return {};
  }
  owg::CostAttr cost = owg::getCost(function);
  if (!cost) {
    InFlightDiagnostic diagnostic =
        task->emitError() << "runs " << callee
                          << ", whose cost has not been estimated; run "
                             "owg-estimate-cost first";
    diagnostic.attachNote(function.getLoc()) << "the function is here";
    return {};
  }
  kernel = FlatSymbolRefAttr::get(
      makeImageKernel(function, cost, codeBytes.value_or(cost.getCodeBytes())));
  return kernel;
}

FlatSymbolRefAttr KernelTable::getProfiledKernel(const KernelProfile &profile) {
  FlatSymbolRefAttr &kernel = profiledKernels[profile];
  if (!kernel)
    kernel = FlatSymbolRefAttr::get(makeKernel(
        builder.getUnknownLoc(), "profiled", spatial::KernelKind::Profiled,
        builder.getFunctionType({}, {}),
        [&](spatial::KernelOp::Properties &properties) {
          properties.pea_class =
              spatial::PeaClassAttr::get(module.getContext(), profile.peaClass);
          properties.code_bytes = builder.getI64IntegerAttr(
              static_cast<int64_t>(profile.codeBytes));
          properties.scaling = spatial::ScalingAttr::get(
              module.getContext(), profile.alphaPermille, profile.maxGang,
              profile.stateBytes);
        }));
  return kernel;
}

FlatSymbolRefAttr KernelTable::getJoinKernel(FunctionType type,
                                             spatial::Combine combine) {
  FunctionType signature = payloadSignature(type);
  FlatSymbolRefAttr &kernel =
      joinKernels[{signature, static_cast<unsigned>(combine)}];
  if (kernel)
    return kernel;
  // Each part moves its elements once through the scratchpad (concat), or is
  // read, combined with what has been read so far, and written. Counter 0 is
  // the number of parts.
  SmallVector<Attribute> work;
  MLIRContext *context = module.getContext();
  for (auto [index, result] : llvm::enumerate(signature.getResults())) {
    auto tensor = dyn_cast<RankedTensorType>(result);
    Type element = tensor ? tensor.getElementType() : result;
    uint64_t bytes = spatial::FlowType::staticBytes(element);
    if (!bytes)
      continue;
    uint64_t elements = 1;
    SmallVector<uint32_t> symbolsOfTerm{spatial::WorkAttr::counterSymbol(0)};
    if (tensor)
      for (auto [dim, size] : llvm::enumerate(
               cast<RankedTensorType>(signature.getInput(index)).getShape())) {
        // Rows of a part are not known; that of a concat counts one.
        if (combine == spatial::Combine::Concat && dim == 0)
          continue;
        if (ShapedType::isDynamic(size))
          symbolsOfTerm.push_back(spatial::WorkAttr::dimSymbol(index, dim));
        else
          elements *= static_cast<uint64_t>(size);
      }
    if (combine != spatial::Combine::Concat)
      work.push_back(spatial::WorkAttr::get(context, spatial::WorkClass::Vector,
                                            elements, symbolsOfTerm));
    uint64_t moves = combine == spatial::Combine::Concat ? 2 : 3;
    work.push_back(spatial::WorkAttr::get(context, spatial::WorkClass::Bytes,
                                          elements * bytes * moves,
                                          symbolsOfTerm));
  }
  std::string name = ("join." + spatial::stringifyCombine(combine)).str();
  kernel = FlatSymbolRefAttr::get(makeKernel(
      builder.getUnknownLoc(), name, spatial::KernelKind::Join, signature,
      [&](spatial::KernelOp::Properties &properties) {
        properties.combine = spatial::CombineAttr::get(context, combine);
        properties.pea_class =
            spatial::PeaClassAttr::get(context, spatial::PeaClass::Vector);
        properties.num_counters = builder.getI32IntegerAttr(1);
        properties.work = builder.getArrayAttr(work);
      }));
  return kernel;
}

/// A hash of a body that does not depend on names and places.
static llvm::hash_code hashBody(func::FuncOp function) {
  llvm::hash_code hash = llvm::hash_combine(Type(function.getFunctionType()));
  function.getBody().walk([&](Operation *op) {
    hash =
        llvm::hash_combine(hash, OperationEquivalence::computeHash(
                                     op, OperationEquivalence::ignoreHashValue,
                                     OperationEquivalence::ignoreHashValue,
                                     OperationEquivalence::IgnoreLocations));
  });
  return hash;
}

FlatSymbolRefAttr KernelTable::getOutlinedKernel(func::FuncOp function) {
  auto &candidates = outlined[hashBody(function)];
  for (auto &[other, kernel] : candidates)
    if (other.getFunctionType() == function.getFunctionType() &&
        OperationEquivalence::isRegionEquivalentTo(
            &other.getBody(), &function.getBody(),
            OperationEquivalence::IgnoreLocations)) {
      function.erase();
      return kernel;
    }
  function.setSymName(makeName(function.getSymName()));
  module.getBody()->push_back(function);
  FailureOr<owg::WorkEstimate> estimate =
      owg::estimateWork(function.getBody(), symbols);
  if (failed(estimate))
    return {};
  function->setAttr(owg::CostAttr::attrName(), estimate->cost);
  auto kernel = FlatSymbolRefAttr::get(
      makeImageKernel(function, estimate->cost, estimate->cost.getCodeBytes()));
  candidates.push_back({function, kernel});
  return kernel;
}

spatial::WeightOp KernelTable::getWeight(Operation *user,
                                         FlatSymbolRefAttr name) {
  spatial::WeightOp &weight = weights[name];
  if (weight)
    return weight;
  auto source = symbols.lookupNearestSymbolFrom<owg::WeightOp>(module, name);
  if (!source) {
    user->emitError() << "uses " << name << ", which is no owg.weight";
    return {};
  }
  if (source.getOffset().value_or(0) != 0) {
    source.emitError() << "reads its file from byte " << *source.getOffset()
                       << "; a program file has no offsets: put the weight "
                          "into a file of its own";
    return {};
  }
  // The owg.weight goes away with the workflows, so the name is free.
  weight = spatial::WeightOp::create(
      builder, source.getLoc(), source.getSymName(), source.getTensorType(),
      source.getValueAttr(), source.getFileAttr(), source.getSha256Attr(),
      source.getSeedAttr(), source.getScaleAttr());
  return weight;
}

spatial::WeightOp KernelTable::getConstant(Type payload, ElementsAttr value) {
  spatial::WeightOp &weight = constants[{payload, value}];
  if (!weight)
    weight = spatial::WeightOp::create(
        builder, builder.getUnknownLoc(), makeName("const"), payload, value,
        StringAttr(), StringAttr(), IntegerAttr(), FloatAttr());
  return weight;
}
