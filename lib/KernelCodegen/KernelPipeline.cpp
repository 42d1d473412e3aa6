//===- KernelPipeline.cpp - The passes from tensors to LLVM ---------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The pipeline that lowers the module of a kernel to the LLVM dialect. Passes
// of MLIR are taken by name from its registry, which keeps their headers out.
//
//===----------------------------------------------------------------------===//

#include "KernelPasses.h"

#include "octo/KernelCodegen/KernelCodegen.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/Passes.h"

#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/TargetParser/Triple.h"

#include <mutex>

using namespace mlir;

namespace octo {

namespace {

void append(OpPassManager &pm, StringRef pipeline) {
  if (failed(parsePassPipeline(pipeline, pm)))
    llvm::report_fatal_error("pass pipeline of the kernels: " + pipeline);
}

/// Narrowing the iteration arguments of scf.for through tensor.cast miscompiles
/// a loop whose tensor grows (the test Kernel.GrowingLoopCarriedTensor), so our
/// canonicalizer does without it. The names are those that clang and gcc give
/// the pattern when they build MLIR.
void tidy(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass(
      GreedyRewriteConfig(), {"(anonymous namespace)::ForOpTensorCastFolder",
                              "{anonymous}::ForOpTensorCastFolder"}));
  pm.addPass(createCSEPass());
}

/// MLIR 22 folds these of equal operands to a constant whatever the type, and a
/// constant has no dynamic shape. As linalg they fold element by element.
struct DynamicFoldsPass : PassWrapper<DynamicFoldsPass, OperationPass<>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(DynamicFoldsPass)

  void getDependentDialects(DialectRegistry &registry) const final {
    registry.insert<linalg::LinalgDialect, tensor::TensorDialect>();
  }

  void runOnOperation() final {
    ConversionTarget target(getContext());
    target.markUnknownOpDynamicallyLegal([](Operation *op) {
      auto type = isa<arith::CmpIOp, arith::XOrIOp>(op)
                      ? dyn_cast<RankedTensorType>(op->getResultTypes().front())
                      : RankedTensorType();
      return !type || type.hasStaticShape();
    });
    RewritePatternSet patterns(&getContext());
    linalg::populateElementwiseToLinalgConversionPatterns(patterns);
    ConversionConfig config;
    config.foldingMode = DialectConversionFoldingMode::Never;
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns), config)))
      signalPassFailure();
  }
};

struct KernelPipelineOptions : PassPipelineOptions<KernelPipelineOptions> {
  Option<std::string> kernelCpu{
      *this, "kernel-cpu",
      llvm::cl::desc("CPU to compile for, as octo-lower-kernels takes it"),
      llvm::cl::init("portable")};
  Option<unsigned> kernelOpt{
      *this, "kernel-opt", llvm::cl::desc("2: optimised; 0: quick to compile"),
      llvm::cl::init(2)};
};

} // namespace

VectorShape vectorShapeOf(const KernelTarget &target) {
  llvm::Triple triple(target.triple);
  std::string reason;
  const llvm::Target *found =
      llvm::TargetRegistry::lookupTarget(triple, reason);
  std::unique_ptr<llvm::MCSubtargetInfo> info(
      found ? found->createMCSubtargetInfo(triple, target.cpu, "") : nullptr);
  if (info && triple.isX86()) {
    if (info->checkFeatures("+avx512f"))
      return {512, 32, true};
    if (info->checkFeatures("+avx2"))
      return {256, 16, info->checkFeatures("+fma")};
  }
  if (info && triple.isAArch64())
    return {128, 32, true};
  return VectorShape();
}

void buildKernelToLLVMPipeline(OpPassManager &pm, const KernelTarget &target) {
  static std::once_flag once;
  std::call_once(once, [] { mlir::registerAllPasses(); });

  pm.addPass(createKernelPreparePass());
  append(pm, "generate-runtime-verification{verbose-level=0}");
  pm.addPass(std::make_unique<DynamicFoldsPass>());
  tidy(pm);
  append(pm, "convert-elementwise-to-linalg");
  tidy(pm);
  VectorShape shape = vectorShapeOf(target);
  bool optimize = target.optLevel > 0;
  if (optimize) {
    pm.addPass(createKernelFusionPass());
    tidy(pm);
  }
  append(pm, "eliminate-empty-tensors,empty-tensor-to-alloc-tensor,"
             "one-shot-bufferize{bufferize-function-boundaries=1 "
             "function-boundary-type-conversion=identity-layout-map "
             "allow-return-allocs-from-loops=1}");
  tidy(pm);
  pm.addPass(createKernelDonationsPass());
  if (optimize) {
    append(pm, "loop-invariant-code-motion");
    pm.addPass(createKernelHoistPass());
  }
  pm.addPass(createKernelResultsPass());
  append(pm, "buffer-deallocation-pipeline,convert-bufferization-to-memref");
  if (optimize) {
    // The polynomials are written with multiply-add.
    if (shape.fma)
      pm.addPass(createKernelMathPass());
    pm.addPass(createKernelTilingPass(shape));
  }
  pm.addPass(createKernelLoopOrderPass());
  append(pm, "convert-linalg-to-loops,scf-forall-to-for,lower-affine");
  pm.addPass(createKernelChecksPass());
  append(pm, "convert-math-to-funcs{convert-ctlz=0},lower-affine");
  tidy(pm);
  append(pm, "convert-vector-to-scf,convert-scf-to-cf,expand-strided-metadata,"
             "lower-affine,arith-expand{include-bf16=1}");
  tidy(pm);
  pm.addPass(createKernelTrapsPass());
  append(pm, "convert-vector-to-llvm,"
             "convert-math-to-llvm{approximate-log1p=0},convert-math-to-libm,"
             "convert-to-llvm,reconcile-unrealized-casts");
  tidy(pm);
  pm.addPass(createKernelEntryPass());
  tidy(pm);
}

void registerKernelCodegenPasses() {
  registerPass(createKernelPreparePass);
  registerPass(createKernelDonationsPass);
  registerPass(createKernelFusionPass);
  registerPass(createKernelMathPass);
  registerPass(createKernelHoistPass);
  registerPass(createKernelResultsPass);
  registerPass([] { return createKernelTilingPass(); });
  registerPass(createKernelLoopOrderPass);
  registerPass(createKernelChecksPass);
  registerPass(createKernelTrapsPass);
  registerPass(createKernelEntryPass);
  PassPipelineRegistration<KernelPipelineOptions>(
      "octo-kernel-to-llvm",
      "Lower the module of one kernel from tensors to the LLVM dialect, with "
      "the interface of octo-c/Kernel.h",
      [](OpPassManager &pm, const KernelPipelineOptions &options) {
        std::string error;
        FailureOr<KernelTarget> target =
            resolveKernelTarget(options.kernelCpu, options.kernelOpt, error);
        if (failed(target))
          llvm::reportFatalUsageError("octo-kernel-to-llvm: " + Twine(error));
        buildKernelToLLVMPipeline(pm, *target);
      });
}

} // namespace octo
