//===- KernelEntry.cpp - The exported function of an image ----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// On the LLVM dialect: memory comes from the call, and a function with the
// interface of octo-c/Kernel.h unpacks its inputs, calls the kernel and packs
// its outputs. Field offsets are those of the header on this (64-bit) host.
//
//===----------------------------------------------------------------------===//

#include "KernelPasses.h"

#include "octo-c/Kernel.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

#include <cstddef>

using namespace mlir;

static_assert(sizeof(void *) == 8, "images are made for 64-bit hosts");

namespace octo {
namespace {

constexpr llvm::StringLiteral allocateFunctionName = "octo.allocate";
constexpr llvm::StringLiteral releaseFunctionName = "octo.release";
constexpr llvm::StringLiteral bodyFunctionName = "octo.body";

/// Writes code over the structs of Kernel.h.
struct Writer {
  OpBuilder builder;
  Location loc;
  Type pointer, i8, i32, i64;

  Writer(MLIRContext *context, Location loc)
      : builder(context), loc(loc),
        pointer(LLVM::LLVMPointerType::get(context)), i8(builder.getI8Type()),
        i32(builder.getI32Type()), i64(builder.getI64Type()) {}

  Value constant(Type type, int64_t value) {
    return LLVM::ConstantOp::create(builder, loc,
                                    builder.getIntegerAttr(type, value));
  }
  Value address(Value base, int64_t offset) {
    if (offset == 0)
      return base;
    return LLVM::GEPOp::create(
        builder, loc, pointer, i8, base,
        ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
  }
  Value element(Type type, Value base, Value index) {
    return LLVM::GEPOp::create(builder, loc, pointer, type, base,
                               ArrayRef<LLVM::GEPArg>{index});
  }
  Value load(Type type, Value base, int64_t offset) {
    return LLVM::LoadOp::create(builder, loc, type, address(base, offset));
  }
  void store(Value value, Value base, int64_t offset) {
    LLVM::StoreOp::create(builder, loc, value, address(base, offset));
  }
  Value extract(Value aggregate, ArrayRef<int64_t> position) {
    return LLVM::ExtractValueOp::create(builder, loc, aggregate, position);
  }

  LLVM::LLVMFuncOp function(StringRef name, Type result, ArrayRef<Type> inputs,
                            LLVM::Linkage linkage) {
    auto type = LLVM::LLVMFunctionType::get(
        result ? result : LLVM::LLVMVoidType::get(builder.getContext()),
        inputs);
    auto made = LLVM::LLVMFuncOp::create(builder, loc, name, type, linkage);
    return made;
  }
};

/// A scalar as it lies in memory: i1 takes a byte.
Type memoryType(Writer &w, Type type) {
  if (type.isInteger(1))
    return w.i8;
  if (type.isIndex())
    return w.i64;
  return type;
}

struct KernelEntryPass : PassWrapper<KernelEntryPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(KernelEntryPass)

  StringRef getArgument() const final { return "octo-kernel-entry"; }
  StringRef getDescription() const final {
    return "Make the exported function of a kernel";
  }
  void getDependentDialects(DialectRegistry &registry) const final {
    registry.insert<LLVM::LLVMDialect>();
  }

  void runOnOperation() final {
    ModuleOp module = getOperation();
    auto typeAttr = module->getAttrOfType<TypeAttr>(kernelTypeAttrName);
    auto kernel = findKernel<LLVM::LLVMFuncOp>(module);
    auto type =
        typeAttr ? dyn_cast<FunctionType>(typeAttr.getValue()) : FunctionType();
    if (!type || !kernel) {
      module.emitError("octo-kernel-entry needs the module of a kernel on the "
                       "LLVM dialect; run octo-kernel-to-llvm instead");
      return signalPassFailure();
    }
    auto counters = module->getAttrOfType<IntegerAttr>(kernelCountersAttrName);
    module->removeAttr(kernelTypeAttrName);
    module->removeAttr(kernelCountersAttrName);
    auto inPlace =
        module->getAttrOfType<DenseI64ArrayAttr>(kernelInPlaceAttrName);
    module->removeAttr(kernelInPlaceAttrName);

    SymbolTable symbols(module);
    if (failed(symbols.rename(kernel, bodyFunctionName)))
      return signalPassFailure();
    for (auto function : module.getOps<LLVM::LLVMFuncOp>())
      if (!function.isExternal()) {
        function.setLinkage(LLVM::Linkage::Internal);
        function.setVisibility(SymbolTable::Visibility::Private);
      }
    Writer w(&getContext(), module.getLoc());
    makeHelpers(module, w);
    if (failed(redirectMemory(module, w)))
      return signalPassFailure();
    makeEntry(module, w, kernel, type,
              inPlace ? inPlace.asArrayRef() : ArrayRef<int64_t>(),
              counters ? counters.getInt() : 0);
  }

private:
  void makeHelpers(ModuleOp module, Writer &w) {
    OpBuilder &b = w.builder;
    auto define = [&](StringRef name, Type result, ArrayRef<Type> inputs) {
      if (auto old = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
        old.erase();
      b.setInsertionPointToEnd(module.getBody());
      LLVM::LLVMFuncOp made =
          w.function(name, result, inputs, LLVM::Linkage::Internal);
      made.setVisibility(SymbolTable::Visibility::Private);
      b.setInsertionPointToStart(made.addEntryBlock(b));
      return made;
    };
    auto setPassthrough = [&](LLVM::LLVMFuncOp f, ArrayRef<StringRef> names) {
      f.setPassthroughAttr(b.getStrArrayAttr(names));
    };
    auto indirect = [&](int64_t offset, Type result, ValueRange arguments,
                        ValueRange all) {
      Value callee = w.load(w.pointer, arguments[0], offset);
      SmallVector<Type> inputs(all.getTypes());
      auto type = LLVM::LLVMFunctionType::get(
          result ? result : LLVM::LLVMVoidType::get(&getContext()), inputs);
      SmallVector<Value> operands{callee};
      llvm::append_range(operands, all);
      return LLVM::CallOp::create(b, w.loc, type, operands);
    };

    {
      LLVM::LLVMFuncOp f =
          define(trapFunctionName, nullptr, {w.pointer, w.i32, w.pointer});
      setPassthrough(f, {"noreturn", "cold", "noinline"});
      indirect(offsetof(OctoKernelCall, trap), nullptr, f.getArguments(),
               f.getArguments());
      LLVM::UnreachableOp::create(b, w.loc);
    }
    {
      LLVM::LLVMFuncOp f =
          define(allocateFunctionName, w.pointer, {w.pointer, w.i64});
      setPassthrough(f, {"alwaysinline"});
      f.setResultAttr(0, LLVM::LLVMDialect::getNoAliasAttrName(),
                      b.getUnitAttr());
      LLVM::CallOp call =
          indirect(offsetof(OctoKernelCall, allocate), w.pointer,
                   f.getArguments(), f.getArguments());
      auto attrs = b.getDictionaryAttr(
          {b.getNamedAttr(LLVM::LLVMDialect::getNoAliasAttrName(),
                          b.getUnitAttr()),
           b.getNamedAttr(LLVM::LLVMDialect::getAlignAttrName(),
                          b.getI64IntegerAttr(OCTO_KERNEL_ALIGNMENT))});
      call.setResAttrsAttr(b.getArrayAttr({attrs}));
      LLVM::ReturnOp::create(b, w.loc, call.getResult());
    }
    {
      LLVM::LLVMFuncOp f =
          define(releaseFunctionName, nullptr, {w.pointer, w.pointer});
      setPassthrough(f, {"alwaysinline"});
      indirect(offsetof(OctoKernelCall, release), nullptr, f.getArguments(),
               f.getArguments());
      LLVM::ReturnOp::create(b, w.loc, ValueRange());
    }
    makeCount(module, w, define, setPassthrough);
  }

  template <class Define, class Passthrough>
  void makeCount(ModuleOp module, Writer &w, Define define,
                 Passthrough setPassthrough) {
    if (!module.lookupSymbol<LLVM::LLVMFuncOp>(countFunctionName))
      return;
    OpBuilder &b = w.builder;
    b.setInsertionPointToStart(module.getBody());
    std::string text("a loop of the task did not end within the iterations "
                     "allowed");
    text.push_back('\0');
    auto message = LLVM::GlobalOp::create(
        b, w.loc, LLVM::LLVMArrayType::get(w.i8, text.size()),
        /*isConstant=*/true, LLVM::Linkage::Internal, "octo.message.fuel",
        b.getStringAttr(text));
    LLVM::LLVMFuncOp f =
        define(countFunctionName, nullptr, {w.pointer, w.i64, w.i64});
    setPassthrough(f, {"alwaysinline"});
    Value call = f.getArgument(0);
    b.setInsertionPointToEnd(&f.getBody().front());
    Value counters =
        w.load(w.pointer, call, offsetof(OctoKernelCall, counters));
    Value slot = w.element(w.i64, counters, f.getArgument(1));
    w.store(
        LLVM::AddOp::create(b, w.loc, w.load(w.i64, slot, 0), f.getArgument(2)),
        slot, 0);
    LLVM::ReturnOp::create(b, w.loc, ValueRange());

    f = define(burnFunctionName, nullptr, {w.pointer, w.i64});
    setPassthrough(f, {"alwaysinline"});
    call = f.getArgument(0);
    Block *empty = b.createBlock(&f.getBody());
    Block *done = b.createBlock(&f.getBody());
    b.setInsertionPointToEnd(&f.getBody().front());
    Value left = w.load(w.i64, call, offsetof(OctoKernelCall, fuel));
    left = LLVM::SubOp::create(b, w.loc, left, f.getArgument(1));
    w.store(left, call, offsetof(OctoKernelCall, fuel));
    Value out = LLVM::ICmpOp::create(b, w.loc, LLVM::ICmpPredicate::slt, left,
                                     w.constant(w.i64, 0));
    LLVM::CondBrOp::create(b, w.loc, out, empty, done);

    b.setInsertionPointToEnd(empty);
    Value status = w.constant(w.i32, OCTO_KERNEL_OUT_OF_FUEL);
    Value address = LLVM::AddressOfOp::create(b, w.loc, message);
    LLVM::CallOp::create(b, w.loc, TypeRange(), trapFunctionName,
                         ValueRange{call, status, address});
    LLVM::UnreachableOp::create(b, w.loc);

    b.setInsertionPointToEnd(done);
    LLVM::ReturnOp::create(b, w.loc, ValueRange());
  }

  /// malloc and free of the memref lowering become those of the call.
  static LogicalResult redirectMemory(ModuleOp module, Writer &w) {
    SmallVector<LLVM::CallOp> calls;
    module.walk([&](LLVM::CallOp op) {
      if (op.getCallee() == "malloc" || op.getCallee() == "free")
        calls.push_back(op);
    });
    for (LLVM::CallOp op : calls) {
      auto function = op->getParentOfType<LLVM::LLVMFuncOp>();
      if (function.getNumArguments() == 0 ||
          !isa<LLVM::LLVMPointerType>(function.getArgumentTypes()[0]))
        return op.emitOpError("is in a function that was not given the call");
      w.builder.setInsertionPoint(op);
      Value call = function.getArgument(0);
      bool isMalloc = op.getCallee() == "malloc";
      auto made = LLVM::CallOp::create(
          w.builder, op.getLoc(), isMalloc ? TypeRange(w.pointer) : TypeRange(),
          isMalloc ? allocateFunctionName : releaseFunctionName,
          ValueRange{call, op.getArgOperands().front()});
      op->replaceAllUsesWith(made);
      op.erase();
    }
    for (StringRef name : {"malloc", "free"})
      if (auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
        function.erase();
    return success();
  }

  void makeEntry(ModuleOp module, Writer &w, LLVM::LLVMFuncOp kernel,
                 FunctionType type, ArrayRef<int64_t> inPlace,
                 int64_t numCounters) {
    OpBuilder &b = w.builder;
    b.setInsertionPointToEnd(module.getBody());
    LLVM::LLVMFuncOp entry = w.function(OCTO_KERNEL_SYMBOL, w.i32, {w.pointer},
                                        LLVM::Linkage::External);
    entry.setVisibility(SymbolTable::Visibility::Public);
    Block *start = entry.addEntryBlock(b);
    Block *bad = b.createBlock(&entry.getBody());
    Block *good = b.createBlock(&entry.getBody());
    Value call = entry.getArgument(0);

    b.setInsertionPointToEnd(start);
    Value allRight;
    auto expect = [&](int64_t offset, int64_t value) {
      Value equal = LLVM::ICmpOp::create(b, w.loc, LLVM::ICmpPredicate::eq,
                                         w.load(w.i32, call, offset),
                                         w.constant(w.i32, value));
      allRight = allRight
                     ? Value(LLVM::AndOp::create(b, w.loc, allRight, equal))
                     : equal;
    };
    expect(offsetof(OctoKernelCall, version), OCTO_KERNEL_ABI_VERSION);
    expect(offsetof(OctoKernelCall, numInputs), type.getNumInputs());
    expect(offsetof(OctoKernelCall, numOutputs), type.getNumResults());
    expect(offsetof(OctoKernelCall, numCounters), numCounters);
    LLVM::CondBrOp::create(b, w.loc, allRight, good, bad);

    b.setInsertionPointToEnd(bad);
    LLVM::ReturnOp::create(b, w.loc, w.constant(w.i32, OCTO_KERNEL_BAD_CALL));

    b.setInsertionPointToEnd(good);
    SmallVector<Value> operands{call};
    Value inputs = w.load(w.pointer, call, offsetof(OctoKernelCall, inputs));
    for (auto [i, input] : llvm::enumerate(type.getInputs()))
      unpack(w, kernel, input,
             w.address(inputs, int64_t(i) * sizeof(OctoBuffer)), operands);
    auto result = LLVM::CallOp::create(b, w.loc, kernel, operands);

    if (type.getNumResults()) {
      Value outputs =
          w.load(w.pointer, call, offsetof(OctoKernelCall, outputs));
      auto inputOf = [&](size_t output) {
        return output < inPlace.size() ? inPlace[output] : -1;
      };
      size_t numReturned = 0, next = 0;
      for (size_t i = 0; i < type.getNumResults(); ++i)
        numReturned += inputOf(i) < 0;
      for (auto [i, output] : llvm::enumerate(type.getResults())) {
        Value buffer = w.address(outputs, int64_t(i) * sizeof(OctoBuffer));
        if (int64_t input = inputOf(i); input >= 0) {
          giveBack(w, cast<RankedTensorType>(output),
                   w.address(inputs, input * sizeof(OctoBuffer)), buffer);
          continue;
        }
        Value value = result.getResult();
        if (numReturned > 1)
          value = w.extract(value, int64_t(next++));
        pack(w, output, value, buffer);
      }
    }
    LLVM::ReturnOp::create(b, w.loc, w.constant(w.i32, OCTO_KERNEL_OK));
  }

  /// The operands that stand for one input, as the memref lowering wants them:
  /// allocated pointer, aligned pointer, offset, sizes, strides.
  static void unpack(Writer &w, LLVM::LLVMFuncOp kernel, Type type,
                     Value buffer, SmallVectorImpl<Value> &operands) {
    Value data = w.load(w.pointer, buffer, offsetof(OctoBuffer, data));
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor) {
      Value value = w.load(memoryType(w, type), data, 0);
      if (type.isInteger(1))
        value = LLVM::TruncOp::create(w.builder, w.loc, type, value);
      operands.push_back(value);
      return;
    }
    // Inputs are only read (or unshared, when donated), so they alias nothing
    // that the kernel writes.
    kernel.setArgAttr(operands.size() + 1,
                      LLVM::LLVMDialect::getNoAliasAttrName(),
                      w.builder.getUnitAttr());
    operands.push_back(data);
    operands.push_back(data);
    operands.push_back(w.constant(w.i64, 0));
    Value sizesPointer =
        tensor.hasStaticShape()
            ? Value()
            : w.load(w.pointer, buffer, offsetof(OctoBuffer, sizes));
    SmallVector<Value> sizes;
    for (auto [i, size] : llvm::enumerate(tensor.getShape()))
      sizes.push_back(ShapedType::isDynamic(size)
                          ? w.load(w.i64, sizesPointer, int64_t(i) * 8)
                          : w.constant(w.i64, size));
    SmallVector<Value> strides(sizes.size());
    Value stride = w.constant(w.i64, 1);
    for (size_t i = sizes.size(); i-- > 0;) {
      strides[i] = stride;
      if (i)
        stride = LLVM::MulOp::create(w.builder, w.loc, stride, sizes[i]);
    }
    llvm::append_range(operands, sizes);
    llvm::append_range(operands, strides);
  }

  /// The output is the input, in its place.
  static void giveBack(Writer &w, RankedTensorType type, Value input,
                       Value output) {
    for (int64_t field :
         {offsetof(OctoBuffer, allocated), offsetof(OctoBuffer, data)})
      w.store(w.load(w.pointer, input, field), output, field);
    if (type.getRank() == 0)
      return;
    for (int64_t field :
         {offsetof(OctoBuffer, sizes), offsetof(OctoBuffer, strides)}) {
      Value from = w.load(w.pointer, input, field);
      Value to = w.load(w.pointer, output, field);
      for (int64_t i = 0; i < type.getRank(); ++i)
        w.store(w.load(w.i64, from, i * 8), to, i * 8);
    }
  }

  static void pack(Writer &w, Type type, Value value, Value buffer) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor) {
      Value data = w.load(w.pointer, buffer, offsetof(OctoBuffer, data));
      if (type.isInteger(1))
        value = LLVM::ZExtOp::create(w.builder, w.loc, w.i8, value);
      w.store(value, data, 0);
      return;
    }
    w.store(w.extract(value, 0), buffer, offsetof(OctoBuffer, allocated));
    Type element = tensor.getElementType();
    if (element.isIndex())
      element = w.i64;
    Value data = w.element(element, w.extract(value, 1), w.extract(value, 2));
    w.store(data, buffer, offsetof(OctoBuffer, data));
    if (tensor.getRank() == 0)
      return;
    Value sizes = w.load(w.pointer, buffer, offsetof(OctoBuffer, sizes));
    Value strides = w.load(w.pointer, buffer, offsetof(OctoBuffer, strides));
    for (int64_t i = 0; i < tensor.getRank(); ++i) {
      w.store(w.extract(value, {3, i}), sizes, i * 8);
      w.store(w.extract(value, {4, i}), strides, i * 8);
    }
  }
};

} // namespace

std::unique_ptr<Pass> createKernelEntryPass() {
  return std::make_unique<KernelEntryPass>();
}

} // namespace octo
