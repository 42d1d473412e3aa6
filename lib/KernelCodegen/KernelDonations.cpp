//===- KernelDonations.cpp - Results in the place of inputs ---------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// After bufferization: a result that has been computed in the buffer of a
// donated input is given back in it, without a copy, and the donated inputs
// that the kernel really overwrites are noted, so that its callers give up no
// others.
//
//===----------------------------------------------------------------------===//

#include "KernelPasses.h"

#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;

namespace octo {
namespace {

struct KernelDonationsPass
    : PassWrapper<KernelDonationsPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(KernelDonationsPass)

  StringRef getArgument() const final { return "octo-kernel-donations"; }
  StringRef getDescription() const final {
    return "Give donated inputs of kernels back as results";
  }

  void runOnOperation() final {
    ModuleOp module = getOperation();
    auto donated =
        module->getAttrOfType<DenseI64ArrayAttr>(kernelDonatedAttrName);
    func::FuncOp kernel = findKernel<func::FuncOp>(module);
    if (!donated || !kernel || kernel.isExternal())
      return markAllAnalysesPreserved();
    module->removeAttr(kernelDonatedAttrName);

    // Results that are inputs: their numbers, -1 for the others.
    SmallVector<int64_t> inPlace(kernel.getNumResults(), -1);
    SmallVector<int64_t> overwritten;
    auto end = kernel.getBody().hasOneBlock()
                   ? dyn_cast<func::ReturnOp>(kernel.front().getTerminator())
                   : func::ReturnOp();
    BufferViewFlowAnalysis aliases(kernel);
    for (int64_t input : donated.asArrayRef()) {
      // The first argument is the call.
      BlockArgument argument = kernel.getArgument(input + 1);
      bool given = false;
      for (unsigned i = 0, e = end ? end.getNumOperands() : 0; i < e && !given;
           ++i)
        if (end.getOperand(i) == argument) {
          inPlace[i] = input;
          given = true;
        }
      if (given || isWritten(argument, aliases))
        overwritten.push_back(input);
    }
    Builder builder(&getContext());
    module->setAttr(kernelOverwrittenAttrName,
                    builder.getDenseI64ArrayAttr(overwritten));
    if (llvm::all_of(inPlace, [](int64_t input) { return input < 0; }))
      return;
    module->setAttr(kernelInPlaceAttrName,
                    builder.getDenseI64ArrayAttr(inPlace));
    for (unsigned i = inPlace.size(); i-- > 0;)
      if (inPlace[i] >= 0) {
        end.getOperandsMutable().erase(i);
        if (failed(kernel.eraseResult(i)))
          return signalPassFailure();
      }
  }

private:
  /// True unless everything that is done with a buffer is known to leave it as
  /// it is.
  static bool isWritten(Value buffer, BufferViewFlowAnalysis &aliases) {
    for (Value alias : aliases.resolve(buffer))
      for (Operation *user : alias.getUsers()) {
        if (isa<ViewLikeOpInterface, func::ReturnOp, RegionBranchOpInterface,
                RegionBranchTerminatorOpInterface>(user))
          continue;
        auto effects = dyn_cast<MemoryEffectOpInterface>(user);
        if (!effects)
          return true;
        SmallVector<MemoryEffects::EffectInstance> instances;
        effects.getEffectsOnValue(alias, instances);
        for (const MemoryEffects::EffectInstance &effect : instances)
          if (!isa<MemoryEffects::Read>(effect.getEffect()))
            return true;
      }
    return false;
  }
};

} // namespace

std::unique_ptr<Pass> createKernelDonationsPass() {
  return std::make_unique<KernelDonationsPass>();
}

} // namespace octo
