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

//===----------------------------------------------------------------------===//
// Last uses
//===----------------------------------------------------------------------===//

/// Finds the inputs that kernels may overwrite: where every block that runs the
/// kernel is the only reader of a value that nobody keeps. That is a promise
/// about the program as it stands here, and worth having only where it mostly
/// holds: the runtime overwrites a buffer only if nobody else has it, and
/// copies it otherwise.
class LastUses {
public:
  explicit LastUses(ModuleOp module) {
    module.walk([&](Operation *op) {
      if (auto tb = dyn_cast<spatial::TbOp>(op)) {
        uint64_t mask = 0;
        for (auto [i, input] : llvm::enumerate(tb.getInputs()))
          if (i < 64 && isLastUse(input))
            mask |= uint64_t(1) << i;
        auto [found, isNew] =
            donated.try_emplace(tb.getKernelAttr().getAttr(), mask);
        if (!isNew)
          found->second &= mask;
      } else if (auto kernel = op->getAttrOfType<FlatSymbolRefAttr>("kernel")) {
        // A decision reads values that its branches may need.
        donated[kernel.getAttr()] = 0;
      }
    });
  }

  /// Bit i: input i of the kernel may be overwritten.
  uint64_t lookup(spatial::KernelOp kernel) const {
    return donated.lookup(kernel.getSymNameAttr());
  }

private:
  /// True if the one use of a value is the last of what it carries.
  bool isLastUse(Value value) {
    if (!value.hasOneUse())
      return false;
    Operation *op = value.getDefiningOp();
    // The caller keeps the arguments, and weights stay.
    if (isa<spatial::TbOp, spatial::DecideOp, spatial::MergeOp,
            spatial::JoinOp>(op))
      return true;
    if (auto flow = dyn_cast<spatial::FlowOp>(op))
      return isLastUse(flow.getSource());
    if (auto loop = dyn_cast<spatial::LoopOp>(op)) {
      // What is carried is new in every iteration; captures are needed again.
      uint32_t source = importSource(loop, value);
      return source & spatial::ControlOpInterface::forwarded ||
             source < loop.getInits().size();
    }
    if (auto branch = dyn_cast<spatial::SwitchOp>(op)) {
      // One case runs, once: its last use is that of the switch.
      uint32_t source = importSource(branch, value);
      size_t decides = branch.getDecideInputs().size();
      return source >= decides &&
             source - decides < branch.getCaptures().size() &&
             isLastUse(branch.getCaptures()[source - decides]);
    }
    return false;
  }

  /// Where an import of a control block comes from, as `imports` tells.
  uint32_t importSource(spatial::ControlOpInterface op, Value import) {
    SmallVector<uint32_t> &sources = sourcesOf[op];
    if (sources.empty()) {
      sources.push_back(none); // the token
      unsigned next = 0;
      for (int32_t size : op.getImportSizes()) {
        sources.push_back(none); // the activation
        for (int32_t i = 0; i < size; ++i)
          sources.push_back(static_cast<uint32_t>(op.getImports()[next++]));
      }
    }
    return sources[cast<OpResult>(import).getResultNumber()];
  }

  static constexpr uint32_t none = spatial::ControlOpInterface::copyIndex;

  llvm::DenseMap<Attribute, uint64_t> donated;
  llvm::DenseMap<Operation *, SmallVector<uint32_t>> sourcesOf;
};

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

class LowerKernels : public impl::OctoLowerKernelsBase<LowerKernels> {
public:
  using OctoLowerKernelsBase::OctoLowerKernelsBase;

  void getDependentDialects(DialectRegistry &registry) const final {
    OctoLowerKernelsBase::getDependentDialects(registry);
    func::registerInlinerExtension(registry);
  }

  void runOnOperation() final {
    ModuleOp module = getOperation();
    std::string error;
    FailureOr<KernelTarget> target =
        resolveKernelTarget(kernelCpu, kernelOpt, error);
    if (failed(target)) {
      module.emitError() << "octo-lower-kernels: " << error;
      return signalPassFailure();
    }

    SymbolTable symbols(module);
    SmallVector<spatial::KernelOp> kernels;
    for (auto kernel : module.getOps<spatial::KernelOp>())
      if (kernel.getKind() == spatial::KernelKind::Image && kernel.getBody() &&
          !kernel.getImage())
        kernels.push_back(kernel);
    if (kernels.empty())
      return markAllAnalysesPreserved();

    std::vector<KernelSource> sources;
    LastUses lastUses(module);
    for (spatial::KernelOp kernel : kernels) {
      FailureOr<std::string> code =
          prepare(kernel, lastUses.lookup(kernel), symbols);
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
  FailureOr<std::string> prepare(spatial::KernelOp kernel, uint64_t donated,
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
    for (int32_t input : kernel.getDonated().value_or(ArrayRef<int32_t>()))
      donated |= uint64_t(1) << input;
    for (auto [i, type] : llvm::enumerate(body.getArgumentTypes()))
      if (i < 64 && !isa<RankedTensorType>(type))
        donated &= ~(uint64_t(1) << i);
    bool hasLoops =
        body.walk([](LoopLikeOpInterface) { return WalkResult::interrupt(); })
            .wasInterrupted();
    if (!hasCalls && !hasLoops && !donated && !kernel.getNumCounters())
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
    for (unsigned i = 0; i < std::min(function.getNumArguments(), 64u); ++i)
      if (donated >> i & 1)
        function.setArgAttr(i, donatedAttrName, builder.getUnitAttr());
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
      SmallVector<int32_t> donated;
      for (int32_t i = 0; i < 64; ++i)
        if (image.overwritten >> i & 1)
          donated.push_back(i);
      if (donated.empty())
        kernel.removeDonatedAttr();
      else
        kernel.setDonated(donated);
    }
  }

  /// Private functions and bodies of kernels without users, and what only they
  /// used.
  void eraseUnusedFunctions() {
    for (bool changed = true; changed;) {
      changed = false;
      SymbolTableCollection collection;
      SymbolUserMap users(collection, getOperation());
      for (auto function :
           llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
        if ((function.isPrivate() ||
             function->hasAttr(owg::CostAttr::attrName())) &&
            users.useEmpty(function)) {
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
