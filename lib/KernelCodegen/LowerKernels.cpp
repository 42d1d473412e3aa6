//===- LowerKernels.cpp - Bodies of kernels become images -----------------===//
//
// Part of Octopus, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "octo/KernelCodegen/Passes.h"

#include "octo-c/Kernel.h"
#include "octo/Dialect/OWG/Transforms/WorkModel.h"
#include "octo/Dialect/Octo/IR/Octo.h"
#include "octo/KernelCodegen/KernelCache.h"
#include "octo/Support/CompileReport.h"

#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include <thread>

using namespace mlir;

namespace octo {

#define GEN_PASS_DEF_OCTOLOWERKERNELS
#include "octo/KernelCodegen/Passes.h.inc"

namespace {

class LowerKernels : public impl::OctoLowerKernelsBase<LowerKernels> {
public:
  using OctoLowerKernelsBase::OctoLowerKernelsBase;

  void getDependentDialects(DialectRegistry &registry) const final {
    OctoLowerKernelsBase::getDependentDialects(registry);
    func::registerInlinerExtension(registry);
  }

  void runOnOperation() final {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    SmallVector<spatial::KernelOp> kernels;
    for (auto kernel : module.getOps<spatial::KernelOp>())
      if (kernel.getKind() == spatial::KernelKind::Image && kernel.getBody() &&
          !kernel.getImage())
        kernels.push_back(kernel);
    if (kernels.empty())
      return markAllAnalysesPreserved();

    std::string error;
    FailureOr<KernelTarget> target =
        resolveKernelTarget(kernelCpu, kernelOpt, error);
    if (failed(target)) {
      module.emitError() << "octo-lower-kernels: " << error;
      return signalPassFailure();
    }

    std::vector<KernelSource> sources;
    for (spatial::KernelOp kernel : kernels) {
      FailureOr<std::string> code = prepare(kernel, symbols);
      if (failed(code))
        return signalPassFailure();
      sources.push_back({kernel.getSymName().str(), std::move(*code)});
    }
    std::unique_ptr<KernelCache> opened;
    if (!cache.empty()) {
      opened = KernelCache::open(cache, cachePolicy, error);
      if (!opened) {
        module.emitError() << "octo-lower-kernels: " << error;
        return signalPassFailure();
      }
    }
    std::vector<KernelImage> images = compileKernels(
        sources, *target,
        threads ? unsigned(threads) : std::thread::hardware_concurrency(),
        opened.get());
    if (opened && opened->getMisses())
      opened->prune();
    report(images, opened.get());

    bool good = true;
    for (auto [kernel, image] : llvm::zip_equal(kernels, images))
      for (const std::string &message : image.errors) {
        kernel.emitOpError() << "cannot be compiled: " << message;
        good = false;
      }
    if (!good)
      return signalPassFailure();
    attach(kernels, images, *target, symbols);
    eraseUnusedFunctions();
  }

private:
  /// The code of a kernel for compileKernels: calls inlined, as the cost model
  /// numbers counters, and the counters on the loops.
  FailureOr<std::string> prepare(spatial::KernelOp kernel,
                                 SymbolTable &symbols) {
    auto body = symbols.lookup<func::FuncOp>(*kernel.getBody());
    if (!body || body.isExternal()) {
      kernel.emitOpError() << "has the body @" << *kernel.getBody()
                           << ", which is no function with a body";
      return failure();
    }

    // A module of its own: the function and what it calls.
    FailureOr<std::string> text = serializeKernel(body, symbols);
    if (failed(text))
      return failure();
    bool hasCalls =
        body.walk([](CallOpInterface) { return WalkResult::interrupt(); })
            .wasInterrupted();
    ArrayRef<int32_t> donated =
        kernel.getDonated().value_or(ArrayRef<int32_t>());
    bool hasLoops =
        body.walk([](LoopLikeOpInterface) { return WalkResult::interrupt(); })
            .wasInterrupted();
    if (!hasCalls && !hasLoops && donated.empty() && !kernel.getNumCounters())
      return text;

    OwningOpRef<ModuleOp> copy = ModuleOp::create(kernel.getLoc());
    OpBuilder builder = OpBuilder::atBlockEnd(copy->getBody());
    SmallVector<Operation *> work{body};
    llvm::SmallPtrSet<Operation *, 8> seen{body};
    func::FuncOp function;
    while (!work.empty()) {
      Operation *next = work.pop_back_val();
      auto cloned = cast<func::FuncOp>(builder.clone(*next));
      cloned.setPrivate();
      if (next == body.getOperation())
        function = cloned;
      next->walk([&](func::CallOp call) {
        Operation *callee = symbols.lookup(call.getCallee());
        if (callee && isa<func::FuncOp>(callee) && seen.insert(callee).second)
          work.push_back(callee);
      });
    }
    function.setPublic();
    if (hasCalls) {
      // Without simplification: it could change which loops there are.
      PassManager inliner(&getContext());
      inliner.enableVerifier(false);
      inliner.addPass(createInlinerPass({}, [](OpPassManager &) {}));
      inliner.addPass(createSymbolDCEPass());
      if (failed(inliner.run(*copy)))
        return failure();
    }
    SymbolTableCollection collection;
    FailureOr<owg::WorkEstimate> estimate =
        owg::estimateWork(function.getBody(), collection);
    if (failed(estimate))
      return failure();
    if (estimate->countedLoops.size() != kernel.getNumCounters()) {
      kernel.emitOpError()
          << "returns " << kernel.getNumCounters() << " counters, but @"
          << body.getSymName() << " has " << estimate->countedLoops.size()
          << " data-dependent loops; the body was changed after "
             "owg-estimate-cost, run octo-lower-kernels on what "
             "convert-owg-to-octo made";
      return failure();
    }
    for (auto [i, loop] : llvm::enumerate(estimate->countedLoops))
      loop->setAttr(counterAttrName, builder.getI64IntegerAttr(i));
    for (int32_t input : donated)
      if (isa<RankedTensorType>(function.getArgumentTypes()[input]))
        function.setArgAttr(input, donatedAttrName, builder.getUnitAttr());
    SymbolTable copied(*copy);
    return serializeKernel(function, copied);
  }

  static void report(ArrayRef<KernelImage> images, const KernelCache *cache) {
    auto count = [](StringRef counter, uint64_t amount) {
      CompileReport::add("octo-lower-kernels", counter, amount);
    };
    llvm::StringMap<size_t> sizes;
    for (const KernelImage &image : images)
      if (image.errors.empty())
        sizes[image.digest] = image.object.size();
    uint64_t bytes = 0;
    for (const auto &entry : sizes)
      bytes += entry.second;
    count("kernels", images.size());
    count("images", sizes.size());
    count("image_bytes", bytes);
    if (!cache)
      return;
    count("cache_hits", cache->getHits());
    count("cache_misses", cache->getMisses());
    count("cache_damaged", cache->getDamaged());
    count("cache_unwritten", cache->getUnwritten());
  }

  /// One octo.image per distinct object, after the last kernel.
  void attach(MutableArrayRef<spatial::KernelOp> kernels,
              ArrayRef<KernelImage> images, const KernelTarget &target,
              SymbolTable &symbols) {
    OpBuilder builder(&getContext());
    builder.setInsertionPointAfter(kernels.back());
    llvm::StringMap<FlatSymbolRefAttr> byDigest;
    for (auto [kernel, image] : llvm::zip_equal(kernels, images)) {
      FlatSymbolRefAttr &symbol = byDigest[image.digest];
      if (!symbol) {
        auto type = RankedTensorType::get({int64_t(image.object.size())},
                                          builder.getI8Type());
        auto object = DenseElementsAttr::getFromRawBuffer(
            type, ArrayRef<char>(image.object.data(), image.object.size()));
        auto op = spatial::ImageOp::create(
            builder, kernel.getLoc(), (kernel.getSymName() + "_image").str(),
            OCTO_KERNEL_SYMBOL, target.cpu, image.digest, object);
        // Inserts in place, under a name that is not taken.
        symbols.insert(op);
        symbol = FlatSymbolRefAttr::get(op.getSymNameAttr());
      }
      kernel.setImageAttr(symbol);
      kernel.removeBodyAttr();
    }
  }

  /// Private functions without users, and those that only they used.
  void eraseUnusedFunctions() {
    for (bool changed = true; changed;) {
      changed = false;
      SymbolTableCollection collection;
      SymbolUserMap users(collection, getOperation());
      for (auto function :
           llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
        if (function.isPrivate() && users.useEmpty(function)) {
          function.erase();
          changed = true;
        }
    }
  }
};

} // namespace

void registerKernelPasses() {
  registerKernelCodegenPasses();
  registerPass([] { return createOctoLowerKernels(); });
}

} // namespace octo
