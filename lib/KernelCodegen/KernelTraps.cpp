//===- KernelTraps.cpp - Failed checks end the call -----------------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Turns cf.assert into a call of the trap function of octo-c/Kernel.h, and
// calls libm for the special functions whose stock lowering loses precision.
//
//===----------------------------------------------------------------------===//

#include "KernelPasses.h"

#include "octo-c/Kernel.h"

#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/DialectConversion.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace octo {
namespace {

struct KernelTrapsPass : PassWrapper<KernelTrapsPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(KernelTrapsPass)

  StringRef getArgument() const final { return "octo-kernel-traps"; }
  StringRef getDescription() const final {
    return "Failed assertions of kernels end the call";
  }
  void getDependentDialects(DialectRegistry &registry) const final {
    registry.insert<arith::ArithDialect, func::FuncDialect, LLVM::LLVMDialect,
                    vector::VectorDialect>();
  }

  void runOnOperation() final {
    ModuleOp module = getOperation();
    globals.clear(); // the pass runs on many kernels
    SmallVector<cf::AssertOp> asserts;
    module.walk([&](cf::AssertOp op) { asserts.push_back(op); });
    if (!asserts.empty()) {
      OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
      auto pointer = LLVM::LLVMPointerType::get(&getContext());
      auto type =
          LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(&getContext()),
                                      {pointer, builder.getI32Type(), pointer});
      LLVM::LLVMFuncOp::create(builder, module.getLoc(), trapFunctionName,
                               type);
    }
    for (cf::AssertOp op : asserts)
      if (failed(lowerAssert(op)))
        return signalPassFailure();
    if (failed(callLibm()))
      signalPassFailure();
  }

private:
  /// The sentence in a message of generate-runtime-verification.
  static StringRef sentence(StringRef message) {
    if (!message.starts_with("ERROR: Runtime op verification failed"))
      return message;
    StringRef rest = message.split("\n^ ").second;
    return rest.split('\n').first;
  }

  LogicalResult lowerAssert(cf::AssertOp op) {
    auto function = dyn_cast<func::FuncOp>(op->getParentOp());
    if (!function || function.getNumArguments() == 0 ||
        !isa<LLVM::LLVMPointerType>(function.getArgument(0).getType()))
      return op.emitOpError("is in a place where a kernel cannot end its call");
    OpBuilder builder(op);
    Location loc = op.getLoc();
    LLVM::GlobalOp text = global(sentence(op.getMsg()));

    Block *before = op->getBlock();
    Block *after = before->splitBlock(op);
    Block *fail = builder.createBlock(&function.getBody());
    Value status = LLVM::ConstantOp::create(
        builder, loc, builder.getI32IntegerAttr(OCTO_KERNEL_TRAP));
    Value message = LLVM::AddressOfOp::create(builder, loc, text);
    LLVM::CallOp::create(builder, loc, TypeRange(), trapFunctionName,
                         ValueRange{function.getArgument(0), status, message});
    LLVM::UnreachableOp::create(builder, loc);
    builder.setInsertionPointToEnd(before);
    cf::CondBranchOp::create(builder, loc, op.getArg(), after, ValueRange(),
                             fail, ValueRange());
    op.erase();
    return success();
  }

  /// One global per message.
  LLVM::GlobalOp global(StringRef message) {
    LLVM::GlobalOp &entry = globals[message];
    if (entry)
      return entry;
    ModuleOp module = getOperation();
    OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
    std::string bytes = message.str();
    bytes.push_back('\0');
    auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), bytes.size());
    entry = LLVM::GlobalOp::create(
        builder, module.getLoc(), type, /*isConstant=*/true,
        LLVM::Linkage::Internal,
        ("octo.message." + Twine(globals.size() - 1)).str(),
        builder.getStringAttr(bytes));
    return entry;
  }

  LogicalResult callLibm() {
    RewritePatternSet patterns(&getContext());
    populateMathToLibmConversionPatterns(patterns);
    ConversionTarget target(getContext());
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    target.addIllegalOp<math::ExpM1Op, math::Log1pOp, math::ErfOp>();
    return applyPartialConversion(getOperation(), target, std::move(patterns));
  }

  llvm::StringMap<LLVM::GlobalOp> globals;
};

} // namespace

std::unique_ptr<Pass> createKernelTrapsPass() {
  return std::make_unique<KernelTrapsPass>();
}

} // namespace octo
